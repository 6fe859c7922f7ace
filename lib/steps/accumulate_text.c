/* Accumulators of texts: how often, how many different, all of them. */
#include "stats/stats.h"
#include "steps/accumulate_state.h"

#include <math.h>
#include <stdlib.h>

void state_put_json(json_t *j, struct buf *out)
{
    char *text = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);
    buf_puts(out, text);
    free(text);
    json_decref(j);
}

json_t *state_get_json(struct text bytes)
{
    return json_loadb(bytes.at, bytes.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

/* The functions of a struct accumulator have its parameters, whatever they do with them.
 * NOLINTBEGIN(readability-non-const-parameter) */

static void occurrences_add(const struct aggregate *a, char *states, const struct samples *v,
                            size_t *held)
{
    (void)a;
    for (size_t r = 0; r < v->rows; r++) {
        if (!v->text[r].at)
            continue;
        struct counts *c = STATE(struct counts, states, v->group[r]);
        size_t before = c->map.keys.len;
        counts_add(c, v->text[r], 1, v->ids[r]);
        if (c->map.keys.len > before)
            *held += v->text[r].len + 64;
    }
}

static void occurrences_put(const struct aggregate *a, char *state, struct buf *out)
{
    (void)a;
    state_put_json(counts_save(STATE(struct counts, state, 0)), out);
}

static void occurrences_absorb(const struct aggregate *a, char *state, struct text bytes,
                               size_t *held)
{
    (void)a;
    json_t *j = state_get_json(bytes);
    struct counts part = {0};
    if (counts_load(&part, j, NULL) == 0)
        counts_merge(STATE(struct counts, state, 0), &part);
    *held += bytes.len;
    counts_release(&part);
    json_decref(j);
}

/* The most frequent value; of several, the first by name. */
int mode_value(const struct aggregate *a, double parameter, char *state, struct arena *arena,
               union answer *out, struct error *e)
{
    (void)a, (void)parameter, (void)e;
    const struct counts *c = STATE(struct counts, state, 0);
    out->text = (struct text){NULL, 0};
    if (c->map.keys.len == 0)
        return 0;
    uint32_t *order = counts_sorted(c, COUNTS_BY_FREQUENCY);
    struct text best = c->map.keys.at[order[0]];
    mem_free(order);
    out->text = (struct text){arena_text(arena, best.at, best.len), best.len};
    return 0;
}

int nunique_value(const struct aggregate *a, double parameter, char *state, struct arena *arena,
                  union answer *out, struct error *e)
{
    (void)a, (void)parameter, (void)arena, (void)e;
    out->number = (double)STATE(struct counts, state, 0)->map.keys.len;
    return 0;
}

static void occurrences_release(char *state)
{
    counts_release(STATE(struct counts, state, 0));
}

const struct keeper occurrences_keeper = {
    sizeof(struct counts), occurrences_add,     occurrences_put,
    occurrences_absorb,    occurrences_release, true,
};

static void distinct_samples(const struct aggregate *a, char *states, const struct samples *v,
                             size_t *held)
{
    (void)a;
    for (size_t r = 0; r < v->rows; r++) {
        struct distinct *d = STATE(struct distinct, states, v->group[r]);
        if (!v->text[r].at)
            continue;
        size_t before = distinct_held(d);
        distinct_add(d, hash_bytes(v->text[r].at, v->text[r].len, 0));
        *held += distinct_held(d) - before;
    }
}

static void distinct_put(const struct aggregate *a, char *state, struct buf *out)
{
    (void)a;
    state_put_json(distinct_save(STATE(struct distinct, state, 0)), out);
}

static void distinct_absorb(const struct aggregate *a, char *state, struct text bytes, size_t *held)
{
    (void)a;
    json_t *j = state_get_json(bytes);
    struct distinct part = {0}, *d = STATE(struct distinct, state, 0);
    size_t before = distinct_held(d);
    if (distinct_load(&part, j, NULL) == 0)
        distinct_merge(d, &part);
    *held += distinct_held(d) - before;
    distinct_release(&part);
    json_decref(j);
}

int distinct_answer(const struct aggregate *a, double parameter, char *state, struct arena *arena,
                    union answer *out, struct error *e)
{
    (void)a, (void)parameter, (void)arena, (void)e;
    out->number = round(distinct_value(STATE(struct distinct, state, 0)));
    return 0;
}

static void distinct_free(char *state)
{
    distinct_release(STATE(struct distinct, state, 0));
}

const struct keeper distinct_keeper = {
    sizeof(struct distinct), distinct_samples, distinct_put, distinct_absorb, distinct_free, true,
};

/* Values one after the other: row id, length, bytes. */
static void collect_add(const struct aggregate *a, char *states, const struct samples *v,
                        size_t *held)
{
    (void)a;
    for (size_t r = 0; r < v->rows; r++) {
        struct buf *list = STATE(struct buf, states, v->group[r]);
        uint64_t head[2] = {v->ids[r], v->text[r].at ? v->text[r].len : UINT64_MAX};
        size_t before = list->cap;
        buf_add(list, head, sizeof head);
        if (v->text[r].at)
            buf_add(list, v->text[r].at, v->text[r].len);
        *held += list->cap - before;
    }
}

static void collect_put(const struct aggregate *a, char *state, struct buf *out)
{
    (void)a;
    const struct buf *list = STATE(struct buf, state, 0);
    buf_add(out, list->at, list->len);
}

static void collect_absorb(const struct aggregate *a, char *state, struct text bytes, size_t *held)
{
    (void)a;
    struct buf *list = STATE(struct buf, state, 0);
    size_t before = list->cap;
    buf_add(list, bytes.at, bytes.len);
    *held += list->cap - before;
}

struct collected {
    uint64_t id;
    struct text value;
};

static int compare_collected(const void *a, const void *b)
{
    const struct collected *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

int collect_value(const struct aggregate *a, double parameter, char *state, struct arena *arena,
                  union answer *out, struct error *e)
{
    (void)parameter, (void)e;
    const struct buf *list = STATE(struct buf, state, 0);
    VEC(struct collected) items = {0};
    for (size_t at = 0; at < list->len;) {
        uint64_t head[2];
        memcpy(head, list->at + at, sizeof head);
        at += sizeof head;
        bool missing = head[1] == UINT64_MAX;
        struct collected c = {head[0], {missing ? NULL : list->at + at, missing ? 0 : head[1]}};
        vec_push(&items, c);
        at += c.value.len;
    }
    if (items.len)
        qsort(items.at, items.len, sizeof *items.at, compare_collected);
    struct buf json = {0};
    for (size_t i = 0; i < items.len; i++) {
        struct text v = items.at[i].value;
        double number;
        buf_putc(&json, i ? ',' : '[');
        if (!v.at)
            buf_puts(&json, "null");
        else if (type_is_number(a->type) && number_parse(v.at, v.len, &(int64_t){0}, &number))
            buf_add(&json, v.at, v.len);
        else
            json_put_string(&json, v.at, v.len);
    }
    buf_puts(&json, items.len ? "]" : "[]");
    out->text = (struct text){arena_text(arena, json.at, json.len), json.len};
    buf_release(&json);
    vec_release(&items);
    return 0;
}

static void collect_release(char *state)
{
    buf_release(STATE(struct buf, state, 0));
}

const struct keeper collect_keeper = {
    sizeof(struct buf), collect_add, collect_put, collect_absorb, collect_release, true,
};

/* NOLINTEND(readability-non-const-parameter) */
