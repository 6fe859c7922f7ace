/* One attempt of an instance: how it begins, and what is made of its end. */
#include "processing/parts.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE_MAX_BYTES = 512 };

/* ---- its begin ---- */

char **instance_command(const struct processing_job *j)
{
    size_t n = 0;
    while (j->argv[n])
        n++;
    char **argv = mem_copy(j->argv, (n + 1) * sizeof *argv);
    char *path = program_path(argv[0]);
    argv[0] = path ? path : mem_text(argv[0]);
    return argv;
}

void instance_command_free(char **argv)
{
    mem_free(argv[0]);
    mem_free(argv);
}

static bool has_limits(const struct processing_job *j)
{
    return j->limits.memory || j->limits.processes || j->limits.cpus > 0;
}

int processing_possible(const struct processing_job *j, struct error *e)
{
    int status = j->isolated ? sandbox_possible(e) : 0;
    return status == 0 && has_limits(j) ? limits_possible(&j->limits, e) : status;
}

int instance_start(const struct processing *p, struct job_pool *pool, char **argv, size_t instance,
                   unsigned number, void *tag, struct attempt **out, struct error *e)
{
    const struct processing_job *j = &p->job;
    struct attempt *a = NULL;
    int status = attempt_open(p, instance, number, &a, e);
    if (status)
        return status;
    struct job job = {.argv = argv,
                      .environment = a->environment.at,
                      .streams = a->streams,
                      .log = a->log,
                      .timeout = j->max_runtime,
                      .grace = j->grace,
                      .sandbox = a->sandbox,
                      .limits = has_limits(j) ? &j->limits : NULL,
                      .tag = tag};
    status = job_start(pool, &job, e);
    if (status) {
        attempt_close(a);
        return status;
    }
    attempt_started(a);
    *out = a;
    return 0;
}

/* ---- its end ---- */

static struct text line_before(struct text t, size_t *from)
{
    while (t.len && (t.at[t.len - 1] == '\n' || t.at[t.len - 1] == '\r'))
        t.len--;
    *from = t.len;
    while (*from && t.at[*from - 1] != '\n')
        --*from;
    size_t n = t.len - *from;
    return (struct text){t.at + *from, n < LINE_MAX_BYTES ? n : LINE_MAX_BYTES};
}

/* The last line that is not indented: those below a message show its place. Missing: none. */
static struct text last_line(struct text t)
{
    size_t from = t.len;
    while (from) {
        struct text line = line_before((struct text){t.at, from}, &from);
        if (line.len && line.at[0] != ' ' && line.at[0] != '\t')
            return line;
    }
    return (struct text){NULL, 0};
}

void instance_told(const struct job_result *from, size_t instance, unsigned number,
                   struct processing_result *out)
{
    *out = (struct processing_result){.instance = instance,
                                      .attempt = number,
                                      .status = from->status,
                                      .signal = from->signal,
                                      .timed_out = from->timed_out,
                                      .stopped = from->stopped,
                                      .started = from->started,
                                      .ended = from->ended,
                                      .user_s = from->user_s,
                                      .system_s = from->system_s,
                                      .max_rss = from->max_rss,
                                      .message = last_line(from->tail)};
    (void)snprintf(out->problem, sizeof out->problem, "%s", from->problem);
}

static void fail(struct processing_result *to, const struct error *why)
{
    to->status = -why->code;
    (void)snprintf(to->problem, sizeof to->problem, "%.*s", (int)sizeof to->problem - 1,
                   why->message);
}

/* An instance is done when its result is there, and not before; then what it made is moved. */
static int keep(struct attempt *a, const struct processing_result *told, struct error *e)
{
    bool first = false;
    int status = result_publish(a->p, told, &first, e);
    if (status == 0 && first)
        status = output_move(a->p, a->instance, a->number, e);
    a->is_moved = status == 0 && first;
    return status;
}

int instance_end(struct attempt *a, struct processing_result *told, char **message, struct error *e)
{
    struct error why = {0};
    if (attempt_fed(a, &why) != 0 && told->status == 0)
        fail(told, &why);
    if (told->status == 0 && output_claim(a, &why) != 0)
        fail(told, &why);
    *message = attempt_message(a);
    if (*message)
        told->message = text_of(*message);
    return told->status == 0 ? keep(a, told, e) : 0;
}

/* ---- an instance alone, as on another machine ---- */

static int run_alone(const struct processing *p, struct job_pool *pool, size_t instance,
                     unsigned number, struct processing_result *out, struct error *e)
{
    char **argv = instance_command(&p->job), *message = NULL;
    struct attempt *a = NULL;
    struct job_result result = {.status = 0};
    int status = instance_start(p, pool, argv, instance, number, NULL, &a, e);
    while (status == 0 && job_running(pool)) {
        int news = job_wait(pool, -1, &result, e);
        if (news < 0)
            status = news;
        else if (news == JOB_SIGNALLED)
            job_stop_all(pool);
    }
    if (status == 0) {
        instance_told(&result, instance, number, out);
        status = instance_end(a, out, &message, e);
        if (!out->problem[0] && out->message.at)
            (void)snprintf(out->problem, sizeof out->problem, "%.*s",
                           (int)(out->message.len < 255 ? out->message.len : 255), out->message.at);
        out->message = (struct text){NULL, 0}; /* what it was borrowed from goes */
    }
    mem_free(message);
    attempt_close(a);
    instance_command_free(argv);
    return status;
}

int processing_instance(struct processing *p, size_t instance, unsigned number,
                        struct processing_result *out, struct error *e)
{
    struct job_pool *pool = NULL;
    int status = instance < p->instances
                     ? config_prepare(p, e)
                     : error_set(e, ERR_USAGE, "there is no instance %zu", instance);
    if (status == 0)
        status = job_pool_open(&(struct job_pool_options){.catch_signals = true}, &pool, e);
    if (status == 0)
        status = run_alone(p, pool, instance, number, out, e);
    job_pool_close(pool);
    return status;
}
