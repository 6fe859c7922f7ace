/*
 * processing: a command run over files that are divided among instances. Each instance has a folder
 * for each input, with its share of the files, and one for each output; what it leaves there goes
 * to the output's own place once it has ended well. Instances run side by side; one that failed is
 * tried again, and what the others made is kept.
 *
 * Names and layout are those of the processing jobs of Amazon SageMaker (CreateProcessingJob):
 * instance k of n is the host algo-(k + 1), /opt/ml/processing/input/NAME is an input, and so on.
 *
 * A job is a folder: job.json (what is run), plan.jsonl (who has what), results/K.json (what became
 * of instance K; nothing else says that it is done), logs/K.log, and work/ while it runs.
 */
#ifndef PROCESSING_H
#define PROCESSING_H

#include "job/job.h"
#include "shard/shard.h"

/* ---- what is run ---- */

struct processing_input {
    const char *name;
    char **paths;    /* each a file, a folder (all below it), or a pattern; ends with NULL */
    bool replicated; /* every instance has all of it, else a share */
    bool piped;      /* a FIFO in place of a folder: the files one after the other */
    struct shard_records records; /* how they are told apart; set when a job is made */
};

struct processing_output {
    const char *name;
    const char *path; /* a folder; or for what is written to standard output, a file in which the
                       * instances' parts follow each other. {rank}, {file} (the first file of the
                       * instance) and {name} (the same without its extension) stand for those. */
};

struct processing_job {
    const char *name;   /* letters, digits and -, at most 63 */
    char **argv;        /* ends with NULL; [0] is looked up in PATH */
    const char *script; /* a file among argv of which the content counts; NULL: none */
    struct processing_input *inputs;
    size_t input_count;
    struct processing_output *outputs;
    size_t output_count;
    size_t instances; /* 0: one for each file of the first input */
    enum shard_method method;
    struct shard_records records; /* how they are told apart; header: what is cut or strung together
                                   * has it once */
    bool count_rows;      /* $ML_FIRST_ROW is the number of an instance's first record, from 1 */
    bool records_by_name; /* in place of that: CSV or Parquet when an input's first file is called
                           * so, else lines */
    char **environment;   /* NAME=VALUE, for the command; ends with NULL */
    usec max_runtime, grace; /* of an attempt; 0: none, 30 s */
    bool isolated; /* in a sandbox (sys.h) with the layout of the cloud below /opt/ml, where the
                    * system allows it */
    bool no_network;
    struct limits limits;
    unsigned attempts; /* at most; 1: no second one */
    bool streams; /* the first input is the command's standard input, and its standard output the
                   * first output */
    bool output_header; /* parts of standard output begin with a header */
};

/* ---- a job ---- */

struct processing;
/* Looks for the files, divides them and makes the job's folder home/NAME; j is copied. ERR_USAGE:
 * there is such a job, or an input is nowhere; ERR_DATA: files cannot be divided so. */
int processing_create(const char *home, const struct processing_job *j, unsigned threads,
                      struct processing **out, struct error *e);
/* The same with the shares of a job that has the same inputs and instances; nothing is read again.
 */
int processing_create_like(const char *home, const struct processing_job *j,
                           const struct processing *like, struct processing **out, struct error *e);
/* ERR_USAGE: there is no such job. */
int processing_open(const char *home, const char *name, struct processing **out, struct error *e);
/* The files of an input, one after the other as an instance that has all would see them; a list in
 * the arena that ends with NULL. Errors as of processing_create. */
int processing_files(const struct processing_input *in, struct arena *arena, char ***out,
                     struct error *e);
/* Whether p, whatever has become of it, is what j would be made into. */
bool processing_is(const struct processing *p, const struct processing_job *j);
void processing_free(struct processing *p); /* NULL is fine */
const struct processing_job *processing_job_of(const struct processing *p);
const char *processing_folder(const struct processing *p);
size_t processing_instances(const struct processing *p);
/* Files (or parts of files) and bytes that an instance has. */
void processing_share(const struct processing *p, size_t instance, size_t *files, uint64_t *bytes);

/* ---- running ---- */

struct processing_result {
    size_t instance;
    unsigned attempt; /* from 1 */
    int status, signal;
    bool timed_out, stopped;
    usec started, ended;
    double user_s, system_s; /* of the processor */
    uint64_t max_rss;        /* bytes, of its largest process */
    char problem[256];
    struct text message; /* what it left in /opt/ml/output/message, else its last line; missing */
    bool final;          /* it is not tried again */
};

struct processing_run {
    unsigned jobs; /* instances at once */
    struct job_engine_options engine;
    void (*tell)(void *context, const struct processing_result *r); /* of every attempt */
    void *context;
};

enum processing_state {
    PROCESSING_IN_PROGRESS,
    PROCESSING_COMPLETED,
    PROCESSING_FAILED,
    PROCESSING_STOPPED
};
const char *processing_state_name(enum processing_state s); /* as InProgress */

struct processing_summary {
    enum processing_state state;
    size_t instances, done, failed;
    int status;          /* the exit status of the lowest that failed */
    int signal;          /* that stopped the run; 0 */
    usec created, ended; /* ended 0: not yet */
    pid_t runner;        /* in progress: who runs it */
};

/* 0, or why a job like this one would not run as it says here. */
int processing_possible(const struct processing_job *j, struct error *e);
/* Runs the instances that are not done. 0 also when some failed: the summary says so. ERR_BUSY:
 * somebody runs it already; ERR_DATA: a file that the plan names is not as it was. */
int processing_run(struct processing *p, const struct processing_run *how,
                   struct processing_summary *out, struct error *e);
/* One attempt of one instance, here; its result and outputs are as after processing_run. */
int processing_instance(struct processing *p, size_t instance, unsigned number,
                        struct processing_result *out, struct error *e);
/* How far it is, from its folder; any process. */
int processing_look(const struct processing *p, struct processing_summary *out, struct error *e);
/* 1: how the instance ended, well or after its last attempt; 0: it has not, or its result is
 * damaged. message borrows until *room is changed. */
int processing_result_of(const struct processing *p, size_t instance, struct buf *room,
                         struct processing_result *out, struct error *e);
pid_t processing_runner(const struct processing *p); /* who runs it now; 0: nobody */
char *processing_log_path(const struct processing *p, size_t instance); /* returns owned */
/* SIGTERM to who runs it. ERR_NO: nobody does. */
int processing_stop(const struct processing *p, struct error *e);

#endif
