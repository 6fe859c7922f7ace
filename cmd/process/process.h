/* What the commands of process share. */
#ifndef PROCESS_H
#define PROCESS_H

#include "cli/cli.h"
#include "job/engine_options.h"
#include "processing/processing.h"

extern const struct command command_run, command_map, command_fit, command_resume, command_status,
    command_describe, command_list, command_logs, command_wait, command_stop, command_worker,
    command_instance;

/* The folder of the jobs; NULL: e says why. */
char *jobs_home(bool make, struct error *e);
/* The job of that name, or with "last" the newest. */
int open_job(const char *name, struct processing **out, struct error *e);
/* Reports the error of a status below 0; the exit status. */
int process_finish(int status, const struct error *e);
/* The exit status that says what became of a job: 5 while it runs. */
int exit_status_of(const struct processing_summary *s);
/* A JSON line. */
void put_summary(const struct processing *p, const struct processing_summary *s);

/* ---- what is run ---- */

struct start_options {
    const char *name;
    struct option_list environment;
    int64_t instances, retries, jobs;
    usec max_runtime, grace;
    int shard, records;
    bool detach, isolate, no_network;
    uint64_t memory;
    int64_t processes;
    double cpus;
    struct engine_given engine;
};

/* clang-format off */
#define OPTION_ROW_INSTANCES(S, field, what)                                                       \
    {0, "instances", "N", INTO_INT(S, field), .range = "1..100000", .help = what}
#define OPTION_ROW_RECORDS(S, field)                                                               \
    {0, "records", NULL, INTO_CHOICE(S, field), .choices = "csv|lines|parquet",                    \
     .help = "what a record is: of CSV with a header and quotes, a line, or a row group of "       \
             "Parquet (default: by the name)"}
#define OPTION_ROWS_START(S, field)                                                                \
    {0, "shard", NULL, INTO_CHOICE(S, field.shard), .choices = "key|size|record",                  \
     .help = "divide whole files by name or by size, or cut them between records (default: key)",  \
     .more = "key: file i of the sorted names goes to instance i modulo N. size: the largest "     \
             "first, each to the instance that has least. record: about as many bytes to each, "   \
             "cut where a record begins, in order; a CSV header is in every part. Parquet is cut " \
             "between row groups."},                                                               \
    OPTION_ROW_RECORDS(S, field.records),                                                          \
    {'e', "env", "NAME=VALUE", INTO_LIST(S, field.environment),                                    \
     .help = "a variable for the command; repeated for several"},                                  \
    {0, "max-runtime", "DURATION", INTO_DURATION(S, field.max_runtime),                            \
     .help = "an instance that runs longer is ended, and has failed"},                             \
    {0, "kill-after", "DURATION", INTO_DURATION(S, field.grace), .fallback = "30s",                \
     .help = "how long it may take to end before it is killed"},                                   \
    {0, "retries", "N", INTO_INT(S, field.retries), .range = "0..100", .fallback = "1",            \
     .help = "how often an instance that failed is tried again"},                                  \
    {'j', "jobs", "N", INTO_INT(S, field.jobs), .range = "1..1024",                                \
     .help = "instances at once (default: one per processor)"},                                    \
    OPTION_ROWS_ENGINE(S, field.engine, "instances", "each instance that runs"),                 \
    {0, "name", "NAME", INTO_TEXT(S, field.name), .help = "what the job is called"},               \
    {0, "isolate", NULL, INTO_FLAG(S, field.isolate),                                              \
     .help = "in a sandbox, with the folders below /opt/ml where the cloud has them",              \
     .more = "All of the machine is there to be read, and nothing to be written but /tmp, which "  \
             "is empty and goes, and the outputs. Inputs are in /opt/ml/processing/input/NAME, "   \
             "outputs in /opt/ml/processing/output/NAME, the host is called algo-1 and so on, and "\
             "its processes see and outlive nobody. Where the system allows no namespaces there "  \
             "is a warning, and only the variables say where the folders are."},                   \
    {0, "no-network", NULL, INTO_FLAG(S, field.no_network),                                        \
     .help = "with --isolate: no network but a loopback of its own"},                              \
    {0, "memory", "SIZE", INTO_SIZE(S, field.memory), .range = "1M..",                             \
     .help = "what an instance may hold, all its processes together; more ends it"},               \
    {0, "cpus", "N", INTO_DOUBLE(S, field.cpus), .range = "0.01..",                                \
     .help = "how many processors' time an instance may have, as 1.5"},                            \
    {0, "processes", "N", INTO_INT(S, field.processes), .range = "1..1000000",                     \
     .help = "how many processes and threads an instance may have"},                               \
    {0, "detach", NULL, INTO_FLAG(S, field.detach),                                                \
     .help = "print the job's name and run it in the background"}
/* clang-format on */

/* Sets what the options say; names in the job borrow from them. stem: what a job without a name is
 * called by. */
int start_prepare(const struct start_options *o, const char *stem, struct processing_job *j,
                  struct error *e);
void start_release(struct processing_job *j);
/* Makes the job, runs it and says what became of it; the exit status. */
int start_job(const struct start_options *o, const struct processing_job *j);
/* The same of one that was made. */
int run_job(struct processing *p, int64_t jobs, const struct engine_given *engine,
            struct processing_summary *out, struct error *e);

#endif
