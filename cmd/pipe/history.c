/* pipe runs, status, steps, logs: what was run, from the ledger. */
#include "pipe.h"

#include "ledger/ledger.h"

#include <stdio.h>
#include <unistd.h>

/* The members of an event that runs are found by; they borrow from its line. */
struct members {
    struct text event, run, state;
};

static bool read_members(struct text line, struct members *m)
{
    struct json_reader j;
    enum json_token t;
    *m = (struct members){{NULL, 0}, {NULL, 0}, {NULL, 0}};
    json_start(&j, line.at, line.len);
    if (json_next(&j) != JSON_TOKEN_OBJECT)
        return false;
    while ((t = json_next(&j)) == JSON_TOKEN_KEY) {
        struct text key = j.raw;
        t = json_next(&j);
        if ((t == JSON_TOKEN_OBJECT || t == JSON_TOKEN_ARRAY) && !json_skip(&j))
            return false;
        if (t != JSON_TOKEN_STRING)
            continue;
        if (text_equal(key, text_of("event")))
            m->event = j.raw;
        else if (text_equal(key, text_of("run")))
            m->run = j.raw;
        else if (text_equal(key, text_of("state")))
            m->state = j.raw;
    }
    return t == JSON_TOKEN_END;
}

struct choosing {
    const char *event;
    int (*take)(void *context, struct text line, const struct members *m);
    void *context;
};

static int choose(void *context, const struct ledger_event *x, struct error *e)
{
    const struct choosing *c = context;
    struct members m;
    (void)e;
    return read_members(x->line, &m) && text_equal(m.event, text_of(c->event))
               ? c->take(c->context, x->line, &m)
               : 0;
}

/* Calls take for every event that is one of `event` ("run" or "step"). */
static int each_event(const char *home, const char *event,
                      int (*take)(void *context, struct text line, const struct members *m),
                      void *context, struct error *e)
{
    char *path = mem_format("%s/ledger.jsonl", home);
    struct choosing c = {event, take, context};
    int status = ledger_each(path, NULL, choose, &c, e);
    mem_free(path);
    return status;
}

/* ---- which run ---- */

struct finding {
    const char *wanted; /* the beginning of an id; NULL: the last */
    char found[40];
    bool several;
};

static bool begins(struct text id, const char *wanted)
{
    size_t n = strlen(wanted);
    return id.len >= n && memcmp(id.at, wanted, n) == 0;
}

static int match_run(void *context, struct text line, const struct members *m)
{
    struct finding *f = context;
    (void)line;
    if (!m->run.at || m->run.len >= sizeof f->found || text_equal(m->run, text_of(f->found)) ||
        (f->wanted && !begins(m->run, f->wanted)))
        return 0;
    f->several = f->wanted && f->found[0];
    memcpy(f->found, m->run.at, m->run.len);
    f->found[m->run.len] = 0;
    return 0;
}

int find_run(const char *home, const char *name, char out[static 40], struct error *e)
{
    char quoted[QUOTE_MAX];
    struct finding f = {.wanted = name && strcmp(name, "last") != 0 ? name : NULL};
    int status = each_event(home, "run", match_run, &f, e);
    if (f.wanted)
        quote(quoted, f.wanted, strlen(f.wanted));
    if (status == 0 && f.several)
        status = error_set(e, ERR_USAGE, "several runs begin with %s", quoted);
    else if (status == 0 && !f.found[0] && f.wanted)
        status = error_set(e, ERR_USAGE, "there is no run %s", quoted);
    else if (status == 0 && !f.found[0])
        status = error_set(e, ERR_NO, "nothing was run yet");
    memcpy(out, f.found, sizeof f.found);
    return status;
}

struct printing {
    struct text run; /* missing: all */
};

static int print_line(void *context, struct text line, const struct members *m)
{
    const struct printing *p = context;
    if (p->run.at && !text_equal(p->run, m->run))
        return 0;
    if (line.len)
        (void)fwrite(line.at, 1, line.len, stdout);
    (void)putchar('\n');
    return 0;
}

static int print_events(const char *event, const char *run, bool all)
{
    struct error e = {0};
    char id[40];
    struct printing p = {{NULL, 0}};
    char *home = pipe_home(false, &e);
    int status = home ? 0 : ERR_SYSTEM;
    if (status == 0 && !all) {
        status = find_run(home, run, id, &e);
        p.run = text_of(id);
    }
    if (status == 0)
        status = each_event(home, event, print_line, &p, &e);
    mem_free(home);
    return pipe_finish(status, &e);
}

static int keep_line(void *context, struct text line, const struct members *m)
{
    struct buf *last = context;
    if (!text_equal(m->state, text_of("Executing")))
        return 0;
    last->len = 0;
    buf_add(last, line.at, line.len);
    return 0;
}

int last_run_that_began(struct buf *line, struct error *e)
{
    char *home = pipe_home(false, e);
    int status = home ? each_event(home, "run", keep_line, line, e) : ERR_SYSTEM;
    mem_free(home);
    if (status == 0 && line->len == 0)
        status = error_set(e, ERR_NO, "nothing was run yet");
    return status;
}

/* ---- the commands ---- */

static int run_runs(void *options, struct operands *operands)
{
    (void)options, (void)operands;
    return print_events("run", NULL, true);
}

const struct command command_runs = {
    .name = "runs",
    .summary = "print the events of all runs, a JSON line for each",
    .run = run_runs,
    .more = "A run that began and has no event of its end still goes on, or was killed.",
};

static int run_status(void *options, struct operands *operands)
{
    static const int exits[] = {[RUN_GOES_ON] = -ERR_BUSY,
                                [RUN_SUCCEEDED] = 0,
                                [RUN_FAILED] = -ERR_NO,
                                [RUN_WAITS] = -ERR_BUSY};
    (void)options;
    struct error e = {0};
    struct buf line = {0};
    enum run_state state = RUN_FAILED;
    char id[40];
    char *home = pipe_home(false, &e);
    int status = home ? find_run(home, operands->len ? operands->at[0] : NULL, id, &e) : ERR_SYSTEM;
    if (status == 0)
        status = pipeline_look(home, id, &line, &state, &e);
    if (status == 0)
        (void)printf("%s\n", buf_text(&line));
    buf_release(&line);
    mem_free(home);
    return status ? pipe_finish(status, &e) : exits[state];
}

const struct command command_status = {
    .name = "status",
    .summary = "how far a run is; status 1 when it failed, 5 while it goes on or waits",
    .operands = "[RUN]",
    .run = run_status,
    .more = "RUN is an id or its beginning; else the last one. It is a JSON line: when the run "
            "began and ended, how many steps became what, and while it goes on which run. A run "
            "that was killed is Interrupted.",
};

static int run_steps(void *options, struct operands *operands)
{
    (void)options;
    return print_events("step", operands->len ? operands->at[0] : NULL, false);
}

const struct command command_steps = {
    .name = "steps",
    .summary = "print what ran in a run: commands, digests, times, a JSON line for each step",
    .operands = "[RUN]",
    .run = run_steps,
    .more = "RUN is an id or its beginning; else the last one.",
};

static int print_file(const char *path, struct error *e)
{
    struct buf text = {0};
    int status = file_load(path, SIZE_MAX, &text, e);
    if (status == 0)
        status = file_write(STDOUT_FILENO, text.at, text.len, "standard output", e);
    buf_release(&text);
    return status;
}

static int run_logs(void *options, struct operands *operands)
{
    (void)options;
    struct error e = {0};
    char id[40], quoted[QUOTE_MAX];
    char *home = pipe_home(false, &e), *path = NULL;
    const char *step = operands->at[1];
    int status = home ? find_run(home, operands->at[0], id, &e) : ERR_SYSTEM;
    if (status == 0) {
        path = pipeline_log_path(home, id, step);
        status = access(path, F_OK) == 0 ? print_file(path, &e)
                                         : error_set(&e, ERR_NO, "step %s wrote nothing in run %s",
                                                     quote(quoted, step, strlen(step)), id);
    }
    mem_free(path);
    mem_free(home);
    return pipe_finish(status, &e);
}

const struct command command_logs = {
    .name = "logs",
    .summary = "print what a step wrote",
    .operands = "RUN STEP",
    .run = run_logs,
    .more = "RUN is an id or its beginning, or last. The exit status is 1 when the step wrote "
            "nothing.",
};
