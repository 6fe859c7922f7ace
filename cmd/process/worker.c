/* process worker, instance: what jobs of a cluster run. */
#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run_worker(void *options, struct operands *operands)
{
    struct error e = {0};
    (void)options;
    return process_finish(job_worker(operands->at[0], &e), &e);
}

const struct command command_worker = {
    .name = "worker",
    .summary = "run instances of a job on a cluster; jobs of the cluster call it, nobody else need",
    .operands = "SPOOL",
    .run = run_worker,
};

/* The folder of a job is its name in the folder of the jobs. */
static int open_folder(const char *folder, struct processing **out, struct error *e)
{
    const char *slash = strrchr(folder, '/');
    char *home = slash ? mem_text_n(folder, (size_t)(slash - folder)) : mem_text(".");
    int status = processing_open(home, slash ? slash + 1 : folder, out, e);
    mem_free(home);
    return status;
}

static int run_instance(void *options, struct operands *operands)
{
    struct processing *p = NULL;
    struct processing_result r = {.instance = 0};
    struct error e = {0};
    (void)options;
    unsigned long instance = strtoul(operands->at[1], NULL, 10);
    unsigned long number = strtoul(operands->at[2], NULL, 10);
    int status = open_folder(operands->at[0], &p, &e);
    if (status == 0)
        status = processing_instance(p, instance, (unsigned)number, &r, &e);
    processing_free(p);
    if (status)
        return process_finish(status, &e);
    if (r.problem[0])
        fprintf(stderr, "%s\n", r.problem);
    return r.status;
}

const struct command command_instance = {
    .name = "instance",
    .summary = "run one attempt of an instance, here; a worker calls it, nobody else need",
    .operands = "FOLDER INSTANCE ATTEMPT",
    .run = run_instance,
};
