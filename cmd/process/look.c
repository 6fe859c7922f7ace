/* process status, list, describe, logs: what was run, and what became of it. */
#include "process.h"

#include "sys/sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *job_operand(const struct operands *operands)
{
    return operands->len ? operands->at[0] : "last";
}

/* ---- status ---- */

static int run_status(void *options, struct operands *operands)
{
    struct processing *p = NULL;
    struct processing_summary s;
    struct error e = {0};
    (void)options;
    int status = open_job(job_operand(operands), &p, &e);
    if (status == 0)
        status = processing_look(p, &s, &e);
    if (status == 0) {
        put_summary(p, &s);
        status = s.state == PROCESSING_COMPLETED     ? 0
                 : s.state == PROCESSING_IN_PROGRESS ? -ERR_BUSY
                                                     : 1;
    }
    processing_free(p);
    return process_finish(status, &e);
}

const struct command command_status = {
    .name = "status",
    .summary = "how far a job is; exit status 1 when it failed or was stopped, 5 while it runs",
    .operands = "[JOB]",
    .run = run_status,
    .more = "Without JOB it is the newest one, which is also called last.",
};

/* ---- list ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_jobs(const char *home, struct error *e)
{
    VEC(char *) names = {0};
    DIR *d = opendir(home);
    int status = 0;
    for (const struct dirent *entry; d && (entry = readdir(d)) != NULL;)
        if (entry->d_name[0] != '.')
            vec_push(&names, mem_text(entry->d_name));
    if (d)
        closedir(d);
    if (names.len > 1)
        qsort(names.at, names.len, sizeof *names.at, compare_names);
    for (size_t i = 0; i < names.len; i++) {
        struct processing *p = NULL;
        struct processing_summary s;
        if (status == 0 && processing_open(home, names.at[i], &p, e) == 0) {
            status = processing_look(p, &s, e);
            if (status == 0)
                put_summary(p, &s);
        }
        processing_free(p);
        mem_free(names.at[i]);
    }
    vec_release(&names);
    return status;
}

static int run_list(void *options, struct operands *operands)
{
    struct error e = {0};
    (void)options;
    (void)operands;
    char *home = jobs_home(false, &e);
    int status = home ? list_jobs(home, &e) : e.code;
    mem_free(home);
    return process_finish(status, &e);
}

const struct command command_list = {
    .name = "list",
    .summary = "the jobs, a JSON line each, by name",
    .run = run_list,
};

/* ---- describe ---- */

static void add_time(json_t *to, const char *name, usec t)
{
    char text[TIME_MAX];
    size_t n = time_print(text, t);
    json_object_set_new(to, name, json_stringn(text, n));
}

static json_t *instance_of(const struct processing *p, size_t k, const struct processing_result *r,
                           bool there)
{
    size_t files;
    uint64_t bytes;
    processing_share(p, k, &files, &bytes);
    json_t *out = json_object();
    char *name = mem_format("algo-%zu", k + 1);
    json_object_set_new(out, "name", json_string(name));
    mem_free(name);
    json_object_set_new(out, "files", json_integer((json_int_t)files));
    json_object_set_new(out, "bytes", json_integer((json_int_t)bytes));
    json_object_set_new(out, "status",
                        json_string(!there           ? "None"
                                    : r->status == 0 ? "Completed"
                                                     : "Failed"));
    if (!there)
        return out;
    json_object_set_new(out, "exit", json_integer(r->status));
    json_object_set_new(out, "attempt", json_integer(r->attempt));
    add_time(out, "started", r->started);
    add_time(out, "ended", r->ended);
    json_object_set_new(out, "user_s", json_real(r->user_s));
    json_object_set_new(out, "system_s", json_real(r->system_s));
    json_object_set_new(out, "max_rss", json_integer((json_int_t)r->max_rss));
    if (r->problem[0])
        json_object_set_new(out, "problem", json_string(r->problem));
    if (r->message.at)
        json_object_set_new(out, "message", json_stringn(r->message.at, r->message.len));
    return out;
}

static int describe(const struct processing *p, struct error *e)
{
    struct processing_summary s;
    struct buf room = {0};
    int status = processing_look(p, &s, e);
    char *path = mem_format("%s/job.json", processing_folder(p));
    json_t *out = status ? NULL : json_load_file(path, 0, NULL), *list = json_array();
    for (size_t k = 0; k < processing_instances(p) && status == 0; k++) {
        struct processing_result r;
        int got = processing_result_of(p, k, &room, &r, e);
        status = got < 0 ? got : 0;
        json_array_append_new(list, instance_of(p, k, &r, got > 0));
    }
    if (status == 0 && out) {
        add_time(out, "created", s.created);
        json_object_set_new(out, "status", json_string(processing_state_name(s.state)));
        json_object_set_new(out, "done", json_integer((json_int_t)s.done));
        json_object_set_new(out, "failed", json_integer((json_int_t)s.failed));
        json_object_set_new(out, "results", list);
        json_dumpf(out, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        json_decref(list);
    }
    json_decref(out);
    mem_free(path);
    buf_release(&room);
    return status;
}

static int run_describe(void *options, struct operands *operands)
{
    struct processing *p = NULL;
    struct error e = {0};
    (void)options;
    int status = open_job(job_operand(operands), &p, &e);
    if (status == 0)
        status = describe(p, &e);
    processing_free(p);
    return process_finish(status, &e);
}

const struct command command_describe = {
    .name = "describe",
    .summary = "all that is known of a job and its instances, as one JSON line",
    .operands = "[JOB]",
    .run = run_describe,
};

/* ---- logs ---- */

struct logs_options {
    bool follow;
};

/* clang-format off */
static const struct option logs_options[] = {
    {0, "follow", NULL, INTO_FLAG(struct logs_options, follow),
     .help = "go on with what is written until the job has ended"},
    OPTION_END,
};
/* clang-format on */

/* From *at on. */
static int print_log(const char *path, uint64_t *at, struct error *e)
{
    char block[16384];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : error_errno(e, "cannot open %s", path);
    ssize_t n;
    while ((n = file_read_at(fd, block, sizeof block, *at, path, e)) > 0) {
        fwrite(block, 1, (size_t)n, stdout);
        *at += (uint64_t)n;
    }
    close(fd);
    return n < 0 ? (int)n : 0;
}

static int print_instance(const struct processing *p, size_t k, bool follow, struct error *e)
{
    char *path = processing_log_path(p, k);
    uint64_t at = 0;
    bool again = true;
    int status = 0;
    while (status == 0 && again) {
        again = follow && processing_runner(p);
        status = print_log(path, &at, e);
        if (again) {
            struct timespec nap = {.tv_nsec = 200000000};
            fflush(stdout);
            nanosleep(&nap, NULL);
        }
    }
    mem_free(path);
    return status;
}

static int print_all(const struct processing *p, struct error *e)
{
    int status = 0;
    for (size_t k = 0; k < processing_instances(p) && status == 0; k++) {
        printf("%s==> algo-%zu <==\n", k ? "\n" : "", k + 1);
        status = print_instance(p, k, false, e);
    }
    return status;
}

/* "3" or "algo-4". */
static int find_instance(const struct processing *p, const char *name, size_t *out, struct error *e)
{
    bool is_name = strncmp(name, "algo-", 5) == 0;
    const char *digits = is_name ? name + 5 : name;
    char *end;
    unsigned long long k = strtoull(digits, &end, 10);
    bool is = *digits >= '0' && *digits <= '9' && !*end && (!is_name || k > 0);
    k -= is_name;
    if (!is || k >= processing_instances(p))
        return error_set(e, ERR_USAGE, "there is no instance %s", name);
    *out = (size_t)k;
    return 0;
}

static int run_logs(void *context, struct operands *operands)
{
    const struct logs_options *o = context;
    struct processing *p = NULL;
    struct error e = {0};
    size_t k = 0;
    int status = open_job(job_operand(operands), &p, &e);
    if (status == 0 && operands->len > 1)
        status = find_instance(p, operands->at[1], &k, &e);
    if (status == 0 && o->follow && operands->len < 2 && processing_instances(p) > 1)
        status = error_set(&e, ERR_USAGE, "--follow: which instance?");
    if (status == 0)
        status = operands->len > 1 || processing_instances(p) == 1
                     ? print_instance(p, k, o->follow, &e)
                     : print_all(p, &e);
    processing_free(p);
    return process_finish(status, &e);
}

const struct command command_logs = {
    .name = "logs",
    .summary = "what the instances wrote",
    .operands = "[JOB] [INSTANCE]",
    .options = logs_options,
    .options_size = sizeof(struct logs_options),
    .run = run_logs,
    .more = "INSTANCE is its number from 0, or its name, algo-1 and so on.",
};
