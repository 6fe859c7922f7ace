/* Commands that are told of what happens in a run. What becomes of them is no matter of the run. */
#include "pipeline/running.h"

#include <unistd.h>

enum { LIMIT = 10000 }; /* milliseconds for one, as the run stands still meanwhile */

/* What it reads: the event as a line. */
static int line_of(const struct buf *members, struct error *e)
{
    int fd = scratch_open(e);
    if (fd < 0)
        return fd;
    if (file_write(fd, "{", 1, "event", e) == 0 &&
        file_write(fd, members->at, members->len, "event", e) == 0 &&
        file_write(fd, "}\n", 2, "event", e) == 0 && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    close(fd);
    return ERR_SYSTEM;
}

/* Its exit status; what it writes is not kept. */
static int wait_for(struct children *c, int *exit, struct error *e)
{
    usec until = clock_now() + (usec)LIMIT * 1000;
    struct child_event event = {.kind = CHILD_WROTE};
    while (event.kind != CHILD_ENDED) {
        usec now = clock_now();
        int left = now < until ? (int)((until - now + 999) / 1000) : 0;
        int status = children_wait(c, left, &event, e);
        if (status)
            return status;
        if (event.kind == CHILDREN_IDLE || now >= until)
            return error_set(e, ERR_SYSTEM, "it took longer than %d s", LIMIT / 1000);
    }
    *exit = event.status;
    return 0;
}

static int run_command(const char *script, const char *folder, char *const *environment, int in,
                       struct error *e)
{
    char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, (char *)(uintptr_t)script, NULL};
    struct child child = {.argv = argv, .directory = folder, .environment = environment, .in = in};
    struct children *c = children_new(false, e);
    pid_t number;
    int exit = 0, status = c ? children_start(c, &child, &number, e) : ERR_SYSTEM;
    if (status == 0)
        status = wait_for(c, &exit, e);
    children_free(c);
    if (status == 0 && exit != 0)
        status = error_set(e, ERR_SYSTEM, "status %d", exit);
    return status;
}

static void warn(struct run *r, const char *script, const struct error *why)
{
    char quoted[QUOTE_MAX];
    if (r->warned || !r->o->warn)
        return;
    char *text = mem_format("notify: %s: %s", quote(quoted, script, strlen(script)), why->message);
    r->o->warn(r->o->context, text);
    mem_free(text);
    r->warned = true;
}

static const char *event_name(unsigned event)
{
    return event == NOTIFY_WAITING ? "waiting" : event == NOTIFY_FAILED ? "failed" : "ended";
}

static void notify_one(struct run *r, const struct notification *n, char *const *environment,
                       const struct buf *members)
{
    struct error why = {0};
    int in = line_of(members, &why);
    int status = in < 0 ? in : run_command(n->script, r->p->folder, environment, in, &why);
    if (in >= 0)
        close(in);
    if (status)
        warn(r, n->script, &why);
}

void run_notify(struct run *r, unsigned event, const char *step, const char *status,
                const struct buf *members)
{
    if (r->o->dry_run || r->p->notification_count == 0)
        return;
    char *own[] = {
        mem_format("ML_EVENT=%s", event_name(event)), mem_format("ML_RUN=%s", r->summary->id),
        mem_format("ML_STEP=%s", step ? step : ""), mem_format("ML_STATUS=%s", status), NULL};
    char **environment = run_environment(own, environ);
    for (size_t i = 0; i < r->p->notification_count; i++)
        if (r->p->notifications[i].on & event)
            notify_one(r, &r->p->notifications[i], environment, members);
    mem_free(environment);
    for (char **at = own; *at; at++)
        mem_free(*at);
}
