/* process resume, wait, stop. */
#include "process.h"

#include "sys/sys.h"

static const char *job_operand(const struct operands *operands)
{
    return operands->len ? operands->at[0] : "last";
}

/* ---- resume ---- */

struct resume_options {
    int64_t jobs;
    struct engine_given engine;
};

/* clang-format off */
static const struct option resume_options[] = {
    {'j', "jobs", "N", INTO_INT(struct resume_options, jobs), .range = "1..1024",
     .help = "instances at once (default: one per processor)"},
    OPTION_ROWS_ENGINE(struct resume_options, engine, "instances", "each instance that runs"),
    OPTION_END,
};
/* clang-format on */

static int run_resume(void *context, struct operands *operands)
{
    const struct resume_options *o = context;
    struct processing *p = NULL;
    struct processing_summary s;
    struct error e = {0};
    int status = open_job(job_operand(operands), &p, &e);
    if (status == 0)
        status = run_job(p, o->jobs, &o->engine, &s, &e);
    if (status == 0) {
        put_summary(p, &s);
        status = exit_status_of(&s);
    }
    processing_free(p);
    return process_finish(status, &e);
}

const struct command command_resume = {
    .name = "resume",
    .summary = "run the instances of a job that are not done",
    .operands = "[JOB]",
    .options = resume_options,
    .options_size = sizeof(struct resume_options),
    .run = run_resume,
    .more = "A file or a script that is not as it was when the job was made is an error: its "
            "results would be mixed.",
};

/* ---- wait ---- */

struct wait_options {
    usec timeout;
};

/* clang-format off */
static const struct option wait_options[] = {
    {0, "timeout", "DURATION", INTO_DURATION(struct wait_options, timeout),
     .help = "how long at most; then the exit status is 5"},
    OPTION_END,
};
/* clang-format on */

static int wait_for(const struct processing *p, usec timeout, struct error *e)
{
    char *lock = mem_format("%s/lock", processing_folder(p));
    int fd = -1, ms = timeout ? (int)(timeout / 1000) : -1;
    int status = lock_acquire(lock, false, ms, &fd, e);
    if (fd >= 0)
        lock_release(fd);
    if (status == ERR_BUSY)
        error_set(e, ERR_BUSY, "job %s still runs", processing_job_of(p)->name);
    mem_free(lock);
    return status;
}

static int run_wait(void *context, struct operands *operands)
{
    const struct wait_options *o = context;
    struct processing *p = NULL;
    struct processing_summary s;
    struct error e = {0};
    int status = open_job(job_operand(operands), &p, &e);
    if (status == 0)
        status = wait_for(p, o->timeout, &e);
    if (status == 0)
        status = processing_look(p, &s, &e);
    if (status == 0) {
        put_summary(p, &s);
        status = exit_status_of(&s);
    }
    processing_free(p);
    return process_finish(status, &e);
}

const struct command command_wait = {
    .name = "wait",
    .summary = "wait until a job has ended; the exit status is that of its run",
    .operands = "[JOB]",
    .options = wait_options,
    .options_size = sizeof(struct wait_options),
    .run = run_wait,
};

/* ---- stop ---- */

static int run_stop(void *options, struct operands *operands)
{
    struct processing *p = NULL;
    struct error e = {0};
    (void)options;
    int status = open_job(job_operand(operands), &p, &e);
    if (status == 0)
        status = processing_stop(p, &e);
    processing_free(p);
    return process_finish(status, &e);
}

const struct command command_stop = {
    .name = "stop",
    .summary = "end the instances of a job that runs; exit status 1 when it does not",
    .operands = "[JOB]",
    .run = run_stop,
    .more = "They are asked to end, and killed when they have not after --kill-after. process wait "
            "waits for that.",
};
