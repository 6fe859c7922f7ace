/* Two runs side by side: parameters, code, and of each step what it read, made and measured. */
#include "pipeline/compare.h"

#include "ledger/ledger.h"
#include "pipeline/event.h"

#include <jansson.h>

/* A run as the ledger has it: what each step had last been made of when it ended. */
struct side {
    const char *run;
    json_t *began;
    uint64_t ended; /* seq of its last event */
    struct map steps;
    VEC(json_t *) latest; /* by step: the event of what was there */
};

struct comparing {
    struct side sides[2];
    struct map fingerprints;
    VEC(json_t *) by_fingerprint; /* the event that made it */
};

/* ---- reading ---- */

static int find_ends(void *context, const struct ledger_event *event, struct error *e)
{
    struct comparing *c = context;
    (void)e;
    if (!text_equal(event_kind(event->line), text_of("run")))
        return 0;
    json_t *j = json_loadb(event->line.at, event->line.len, 0, NULL);
    for (int i = 0; i < 2; i++) {
        struct side *s = &c->sides[i];
        if (strcmp(event_text(j, "run"), s->run) != 0)
            continue;
        s->ended = event->seq;
        if (strcmp(event_text(j, "state"), "Executing") == 0) {
            json_decref(s->began);
            s->began = json_incref(j);
        }
    }
    json_decref(j);
    return 0;
}

static void keep(struct side *s, const char *step, json_t *event)
{
    size_t i = map_put(&s->steps, text_of(step), NULL);
    while (s->latest.len <= i)
        vec_push(&s->latest, NULL);
    json_decref(s->latest.at[i]);
    s->latest.at[i] = json_incref(event);
}

/* What was put back was made by an event before. */
static json_t *made_by(struct comparing *c, json_t *event)
{
    const char *state = event_text(event, "state"), *fingerprint = event_text(event, "fingerprint");
    size_t i = map_get(&c->fingerprints, text_of(fingerprint));
    if (strcmp(state, "Restored") == 0)
        return i == MAP_NONE ? NULL : c->by_fingerprint.at[i];
    if (strcmp(state, "Succeeded") != 0)
        return NULL;
    if (i == MAP_NONE) {
        map_put(&c->fingerprints, text_of(fingerprint), NULL);
        vec_push(&c->by_fingerprint, json_incref(event));
    } else {
        json_decref(c->by_fingerprint.at[i]);
        c->by_fingerprint.at[i] = json_incref(event);
    }
    return event;
}

static int take_step(void *context, const struct ledger_event *event, struct error *e)
{
    struct comparing *c = context;
    (void)e;
    if (!text_equal(event_kind(event->line), text_of("step")))
        return 0;
    json_t *j = json_loadb(event->line.at, event->line.len, 0, NULL), *made = made_by(c, j);
    for (int i = 0; i < 2 && made; i++)
        if (event->seq <= c->sides[i].ended &&
            strcmp(event_text(j, "pipeline"), event_text(c->sides[i].began, "pipeline")) == 0)
            keep(&c->sides[i], event_text(j, "step"), made);
    json_decref(j);
    return 0;
}

static int read_sides(struct comparing *c, const char *home, struct error *e)
{
    char *path = mem_format("%s/ledger.jsonl", home);
    uint64_t offset = 0;
    int status = ledger_each(path, &offset, find_ends, c, e);
    for (int i = 0; i < 2 && status == 0; i++)
        if (!c->sides[i].began)
            status = error_set(e, ERR_USAGE,
                               "run %s did not read its definition: it found all as it "
                               "was",
                               c->sides[i].run);
    offset = 0;
    if (status == 0)
        status = ledger_each(path, &offset, take_step, c, e);
    mem_free(path);
    return status;
}

/* ---- writing ---- */

struct writing {
    struct buf *out;
    const char *step; /* NULL: of the whole */
    size_t count;
};

/* A digest is told by its beginning. */
static void put_value(struct buf *b, const json_t *value, bool digest)
{
    if (json_is_string(value))
        buf_format(b, digest ? "%.12s" : "%s", json_string_value(value));
    else if (json_is_real(value))
        buf_format(b, "%.12g", json_real_value(value));
    else if (json_is_integer(value))
        buf_format(b, "%lld", (long long)json_integer_value(value));
    else
        buf_puts(b, "none");
}

static void put_change(struct writing *w, const char *what, const char *name, const json_t *a,
                       const json_t *b, bool digest)
{
    w->count++;
    if (w->step)
        buf_format(w->out, "step %s: ", w->step);
    buf_format(w->out, "%s%s%s: ", what, *name ? " " : "", name);
    put_value(w->out, a, digest);
    buf_puts(w->out, " -> ");
    put_value(w->out, b, digest);
    if (json_is_number(a) && json_is_number(b))
        buf_format(w->out, " (%+.6g)", json_number_value(b) - json_number_value(a));
    buf_putc(w->out, '\n');
}

/* Members of two objects that are not the same. */
static void compare_members(struct writing *w, const char *what, json_t *a, json_t *b, bool digest)
{
    const char *key;
    json_t *value;
    json_object_foreach(a, key, value)
    {
        json_t *other = json_object_get(b, key);
        if (!other || !json_equal(value, other))
            put_change(w, what, key, value, other, digest);
    }
    json_object_foreach(b, key, value)
    {
        if (!json_object_get(a, key))
            put_change(w, what, key, NULL, value, digest);
    }
}

static void compare_one(struct writing *w, const char *what, json_t *a, json_t *b, bool digest)
{
    if ((a || b) && !(a && b && json_equal(a, b)))
        put_change(w, what, "", a, b, digest);
}

static void compare_steps(struct writing *w, json_t *a, json_t *b)
{
    if (a == b)
        return;
    json_t *old = json_object_get(a, "command"), *new = json_object_get(b, "command");
    if (a && b && !json_equal(old, new)) {
        w->count++;
        buf_format(w->out, "step %s: another command\n", w->step);
    }
    if (!a || !b) {
        w->count++;
        buf_format(w->out, "step %s: only in the %s\n", w->step, a ? "first" : "second");
        return;
    }
    compare_members(w, "parameter", json_object_get(a, "uses"), json_object_get(b, "uses"), false);
    compare_members(w, "variable", json_object_get(a, "env"), json_object_get(b, "env"), false);
    compare_members(w, "input", json_object_get(a, "in"), json_object_get(b, "in"), true);
    compare_members(w, "output", json_object_get(a, "out"), json_object_get(b, "out"), true);
    compare_members(w, "metric", json_object_get(a, "metrics"), json_object_get(b, "metrics"),
                    false);
}

static json_t *step_in(const struct side *s, struct text name)
{
    size_t i = map_get(&s->steps, name);
    return i == MAP_NONE ? NULL : s->latest.at[i];
}

static void compare_all(struct comparing *c, struct writing *w)
{
    struct side *a = &c->sides[0], *b = &c->sides[1];
    static const char *const whole[] = {"definition", "commit", "changes", "host"};
    for (size_t i = 0; i < COUNT_OF(whole); i++)
        compare_one(w, whole[i], json_object_get(a->began, whole[i]),
                    json_object_get(b->began, whole[i]), i != 3);
    compare_members(w, "parameter", json_object_get(a->began, "parameters"),
                    json_object_get(b->began, "parameters"), false);
    for (int side = 0; side < 2; side++) {
        const struct map *steps = &c->sides[side].steps;
        for (size_t i = 0; i < steps->keys.len; i++) {
            struct text name = steps->keys.at[i];
            if (side == 1 && step_in(a, name))
                continue;
            char *step = mem_text_n(name.at, name.len);
            w->step = step;
            compare_steps(w, step_in(a, name), step_in(b, name));
            mem_free(step);
        }
    }
}

static void side_release(struct side *s)
{
    for (size_t i = 0; i < s->latest.len; i++)
        json_decref(s->latest.at[i]);
    vec_release(&s->latest);
    map_release(&s->steps);
    json_decref(s->began);
}

int pipeline_compare(const char *home, const char *first, const char *second, struct buf *out,
                     size_t *count, struct error *e)
{
    struct comparing c = {.sides = {{.run = first}, {.run = second}}};
    struct writing w = {.out = out};
    int status = read_sides(&c, home, e);
    if (status == 0)
        compare_all(&c, &w);
    *count = w.count;
    for (size_t i = 0; i < c.by_fingerprint.len; i++)
        json_decref(c.by_fingerprint.at[i]);
    vec_release(&c.by_fingerprint);
    map_release(&c.fingerprints);
    side_release(&c.sides[0]);
    side_release(&c.sides[1]);
    return status;
}
