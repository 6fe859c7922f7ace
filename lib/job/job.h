/*
 * job: commands that are run, here or on a cluster, and what became of them. A job has a command,
 * an environment, limits and a log; a pool runs several at once on one executor and tells of each
 * end.
 *
 * A pool is of one thread. Its jobs are killed when it is closed and by a fatal signal; those that
 * outlive a kill of the process that has it are killed when a pool is opened with the same journal
 * and spool, on whatever executor.
 */
#ifndef JOB_H
#define JOB_H

#include "sys/sys.h"

/* ---- what is run ---- */

struct job {
    char *const *argv;     /* [0] is looked up in PATH; NULL: */
    const char *script;    /* a text for /bin/sh -c; without it where shell_words (sys.h) can do */
    const char *directory; /* NULL: the caller's */
    char *const *environment; /* NULL: the caller's */
    const int *streams;       /* its standard input and output, each -1 for what NULL means: there
                               * is nothing to read, and what it writes goes to the log. Not on
                               * Slurm (ERR_USAGE) */
    const char *log; /* what it writes to standard output and error is appended here; the file is
                      * made when there is something. NULL: it is not kept */
    usec timeout;    /* then SIGTERM, and SIGKILL after `grace`; 0: none */
    usec grace;      /* 0: 30 s */
    const struct sandbox *sandbox; /* NULL: none. Both borrow until job_start returns */
    const struct limits *limits;   /* NULL: none. Where they cannot be kept the job is not run */
    void *tag;                     /* the caller's */
};

/* What an end means to those who try again. */
enum job_class {
    JOB_SUCCEEDED,
    JOB_FAILED,      /* it ended with another status: it would again */
    JOB_THROTTLED,   /* status 5 of our tools, 75 (EX_TEMPFAIL) of any */
    JOB_INTERNAL,    /* a signal, a lost node, a launch that failed */
    JOB_CAPACITY,    /* no process, memory or room on the disk to be had */
    JOB_LIMIT,       /* beyond its limits of memory, files ... */
    JOB_UNREACHABLE, /* no executor answers */
    JOB_TIMED_OUT,
    JOB_CLASSES
};
const char *job_class_name(enum job_class c); /* as temporary; of the first, none */

struct job_result {
    void *tag;
    enum job_class class;
    int status; /* as a shell gives it; 124 when its time was up, 137 when it had to be killed then,
                   126 and 127 when the command cannot be run or found */
    int signal;
    bool timed_out, stopped; /* stopped: by job_stop */
    usec started, ended;
    double user_s, system_s;
    uint64_t max_rss, read_bytes, written_bytes;
    uint64_t peak_memory; /* of all its processes together; 0: nobody counted */
    struct text tail;     /* the end of what it wrote, at most 4 KiB; borrows until the next call */
    bool wrote;
    char problem[256]; /* when there is more to say than the status */
};

/* ---- running ---- */

enum job_executor { JOB_LOCAL, JOB_SLURM };

/* On Slurm jobs are files in a folder, the spool, and are taken from it by pilots: the tasks of one
 * array job, each of which runs one job after another. So a job costs no scheduling. All paths must
 * mean the same on every node. A job whose pilot is lost runs again once, elsewhere. */
struct job_engine_options {
    enum job_executor executor;
    const char *partition;      /* NULL: the cluster's default; the rest is of Slurm, too */
    const char *const *options; /* more for sbatch, as --account=ml */
    size_t option_count;
    unsigned cpus;   /* of a pilot, 0: as the cluster has it */
    uint64_t memory; /* the same, bytes */
    usec patience;   /* how long nobody need answer until jobs fail by it; 0: 10 min */
};

struct job_pool;
struct job_pool_options {
    const char *journal; /* path of the list of what runs; NULL: none is kept */
    bool catch_signals;  /* job_wait tells of HUP, INT and TERM */
    struct job_engine_options engine;
    const char *spool; /* a folder, made when needed; NULL: there is nothing on Slurm */
    unsigned slots;    /* jobs that run at once; 0: as many as are started; Slurm needs it */
};
/* ERR_BUSY when no cluster answers, or when what a killed process left does not end. */
int job_pool_open(const struct job_pool_options *o, struct job_pool **out, struct error *e);
void job_pool_close(struct job_pool *p); /* kills what runs; NULL is fine */
/* Everything in j is copied as far as it is needed. A command that cannot be run is a result, not
 * an error. */
int job_start(struct job_pool *p, const struct job *j, struct error *e);
size_t job_running(const struct job_pool *p);
/* Whether another one is wanted: a cluster has some in hand, so that no pilot waits for work. */
bool job_has_room(const struct job_pool *p);
enum job_news { JOB_ENDED, JOB_SIGNALLED, JOB_IDLE };
/* Waits until a job has ended, a signal came (out->signal), or timeout_ms have passed (negative:
 * for ever). < 0: cannot wait. */
int job_wait(struct job_pool *p, int timeout_ms, struct job_result *out, struct error *e);
/* SIGTERM, then SIGKILL after its grace; the result comes as any. */
void job_stop(struct job_pool *p, const void *tag);
void job_stop_all(struct job_pool *p);
/* Those that were started but have not begun never will: their results have `stopped`, and 0 in
 * `started`. */
void job_withdraw(struct job_pool *p);

/* What a pilot runs: jobs of a spool until it is closed, or nothing was to do for some seconds. The
 * program that opens a pool on Slurm is started as `PROGRAM worker SPOOL` for it. */
int job_worker(const char *spool, struct error *e);

#endif
