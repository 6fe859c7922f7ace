/* How far a run is, for those who look at it from outside: its events in the ledger, and while it
 * goes on what it notes of itself. */
#include "pipeline/event.h"
#include "pipeline/running.h"

#include <jansson.h>
#include <unistd.h>

struct looking {
    const char *run;
    json_t *began, *ended; /* the events; NULL: there is none */
};

static int take_event(void *context, const struct ledger_event *event, struct error *e)
{
    struct looking *l = context;
    (void)e;
    if (!text_equal(event_kind(event->line), text_of("run")) ||
        !memmem(event->line.at, event->line.len, l->run, strlen(l->run)))
        return 0;
    json_t *x = json_loadb(event->line.at, event->line.len, 0, NULL);
    bool begins = strcmp(event_text(x, "state"), step_state_name(STEP_RUNNING)) == 0;
    json_t **place = begins ? &l->began : &l->ended;
    if (strcmp(event_text(x, "run"), l->run) == 0 && !*place)
        *place = json_incref(x);
    json_decref(x);
    return 0;
}

/* What a run notes of itself; NULL when nobody is there who runs it. */
static json_t *load_now(const char *home, const char *run)
{
    char *path = pipeline_now_path(home, run);
    json_t *now = json_load_file(path, 0, NULL);
    pid_t holder = 0;
    bool alive = now && lock_holder(event_text(now, "lock"), &holder, NULL) == 0 && holder &&
                 holder == (pid_t)json_integer_value(json_object_get(now, "runner"));
    mem_free(path);
    if (alive)
        return now;
    json_decref(now);
    return NULL;
}

static void copy(json_t *out, const json_t *from, const char *name, const char *as)
{
    json_t *value = json_object_get(from, name);
    if (value)
        json_object_set(out, as, value);
}

static json_t *describe(const struct looking *l, const json_t *now, const char *state)
{
    static const char *const counts[] = {"steps",   "ran",     "up_to_date", "restored", "failed",
                                         "skipped", "blocked", "pending",    "running"};
    const json_t *first = l->began ? l->began : l->ended;
    json_t *out = json_object();
    copy(out, first, "run", "run");
    copy(out, first, "pipeline", "pipeline");
    copy(out, first, "path", "path");
    json_object_set_new(out, "state", json_string(state));
    copy(out, first, "time", "began");
    copy(out, l->ended, "time", "ended");
    copy(out, l->began, "parameters", "parameters");
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        copy(out, l->ended ? l->ended : now, counts[i], counts[i]);
    return out;
}

/* One that has no end, and nobody who runs it, was killed. */
static const char *state_of(const struct looking *l, const json_t *now, enum run_state *state)
{
    const char *end = l->ended ? event_text(l->ended, "state") : NULL;
    *state = !end                                                ? now ? RUN_GOES_ON : RUN_FAILED
             : strcmp(end, step_state_name(STEP_SUCCEEDED)) == 0 ? RUN_SUCCEEDED
             : strcmp(end, step_state_name(STEP_PENDING)) == 0   ? RUN_WAITS
                                                                 : RUN_FAILED;
    return end ? end : now ? step_state_name(STEP_RUNNING) : "Interrupted";
}

int pipeline_look(const char *home, const char *run, struct buf *line, enum run_state *state,
                  struct error *e)
{
    struct looking l = {.run = run};
    char *ledger = mem_format("%s/ledger.jsonl", home);
    json_t *now = load_now(home, run); /* first: it may end meanwhile */
    int status = ledger_each(ledger, NULL, take_event, &l, e);
    if (status == 0 && !l.began && !l.ended)
        status = error_set(e, ERR_NO, "there is no run %s", run);
    if (status == 0) {
        const char *what = state_of(&l, now, state);
        json_t *out = describe(&l, now, what);
        event_put_json(line, out);
        json_decref(out);
    }
    json_decref(now);
    json_decref(l.began);
    json_decref(l.ended);
    mem_free(ledger);
    return status;
}
