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

/* What mode and nunique are about; once settled only their answers are left. */
struct occurrences {
    struct counts counts;
    bool settled;
    uint64_t distinct;
    struct text mode; /* owned; at == NULL: there are no values */
};

/* What a value costs beside its text, and the first of a group. */
enum { VALUE_BYTES = 64, GROUP_BYTES = 1000 };

static void occurrences_add(const struct aggregate *a, char *states, const struct samples *v,
                            size_t *held)
{
    (void)a;
    for (size_t r = 0; r < v->rows; r++) {
        if (!v->text[r].at)
            continue;
        struct counts *c = &STATE(struct occurrences, states, v->group[r])->counts;
        size_t before = c->map.keys.len;
        counts_add(c, v->text[r], 1, v->ids[r]);
        if (c->map.keys.len > before)
            *held += v->text[r].len + (before ? VALUE_BYTES : GROUP_BYTES);
    }
}

/* A count or a length, then bytes. */
static void put_counted(struct buf *out, uint64_t n, struct text bytes)
{
    uint64_t head[2] = {n, bytes.at ? bytes.len : UINT64_MAX};
    buf_add(out, head, sizeof head);
    if (bytes.at)
        buf_add(out, bytes.at, bytes.len);
}

/* Takes what put_counted wrote off the front. */
static uint64_t get_counted(struct text *from, struct text *bytes)
{
    uint64_t head[2];
    memcpy(head, from->at, sizeof head);
    from->at += sizeof head;
    from->len -= sizeof head;
    bool missing = head[1] == UINT64_MAX;
    *bytes = (struct text){missing ? NULL : from->at, missing ? 0 : head[1]};
    from->at += bytes->len;
    from->len -= bytes->len;
    return head[0];
}

/* Whether it is settled, then each value with its count, or the mode with their number. */
static void occurrences_put(const struct aggregate *a, char *state, struct buf *out)
{
    (void)a;
    const struct occurrences *o = STATE(struct occurrences, state, 0);
    if (!o->settled && o->counts.map.keys.len == 0)
        return;
    buf_putc(out, o->settled ? 's' : 'v');
    if (o->settled)
        put_counted(out, o->distinct, o->mode);
    for (size_t i = 0; i < o->counts.map.keys.len; i++)
        put_counted(out, o->counts.n.at[i], o->counts.map.keys.at[i]);
}

static void occurrences_absorb(const struct aggregate *a, char *state, struct text bytes,
                               size_t *held)
{
    (void)a;
    struct occurrences *o = STATE(struct occurrences, state, 0);
    struct text value, rest = {bytes.at + 1, bytes.len - 1};
    *held += GROUP_BYTES;
    o->settled = bytes.at[0] == 's';
    if (o->settled) {
        o->distinct = get_counted(&rest, &value);
        if (value.at)
            o->mode = (struct text){mem_text_n(value.at, value.len), value.len};
        return;
    }
    while (rest.len > 0) {
        uint64_t n = get_counted(&rest, &value);
        counts_add(&o->counts, value, n, 0);
        *held += value.len + VALUE_BYTES;
    }
}

static int occurrences_spill(char *state, struct spilled *to, struct error *e)
{
    struct counts *c = &STATE(struct occurrences, state, 0)->counts;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < c->map.keys.len; i++)
        rc = spilled_put(to, c->map.keys.at[i],
                         (struct text){(const char *)&c->n.at[i], sizeof c->n.at[i]}, e);
    counts_release(c);
    *c = (struct counts){0};
    return rc;
}

/* The most frequent of the values so far; of several the first in one of the orders of names. */
struct favourite {
    uint64_t n;
    double number;
    struct buf name;
};

static void favourite_set(struct favourite *f, struct text name, uint64_t n, double number)
{
    f->n = n;
    f->number = number;
    f->name.len = 0;
    buf_add(&f->name, name.at, name.len);
}

/* Values on their way from disk, by their bytes. */
struct census {
    struct buf value; /* the one counted now, */
    uint64_t n;       /* so often */
    uint64_t distinct;
    bool numbers; /* all of them are */
    struct favourite by_bytes, by_number;
};

/* The value is counted. */
static void census_close(struct census *c)
{
    struct text value = {c->value.at, c->value.len};
    double number = 0;
    if (c->n == 0)
        return;
    c->distinct++;
    c->numbers = c->numbers && number_parse_double(value.at, value.len, &number);
    if (c->n > c->by_bytes.n)
        favourite_set(&c->by_bytes, value, c->n, 0);
    struct favourite *f = &c->by_number;
    if (c->numbers && (c->n > f->n || (c->n == f->n && number < f->number)))
        favourite_set(f, value, c->n, number);
    c->n = 0;
}

static void census_see(struct census *c, struct text value, struct text payload)
{
    uint64_t n;
    memcpy(&n, payload.at, sizeof n);
    if (c->n == 0 || !text_equal(value, (struct text){c->value.at, c->value.len})) {
        census_close(c);
        c->value.len = 0;
        buf_add(&c->value, value.at, value.len);
    }
    c->n += n;
}

static int occurrences_settle(const struct aggregate *a, char *state, struct spilled *from,
                              struct error *e)
{
    (void)a;
    struct occurrences *o = STATE(struct occurrences, state, 0);
    struct census c = {.numbers = true};
    struct text value, payload;
    int got;
    while ((got = spilled_next(from, &value, &payload, e)) > 0)
        census_see(&c, value, payload);
    census_close(&c);
    const struct buf *best = c.numbers ? &c.by_number.name : &c.by_bytes.name;
    o->settled = true;
    o->distinct = c.distinct;
    if (c.distinct)
        o->mode = (struct text){mem_text_n(best->at, best->len), best->len};
    buf_release(&c.value);
    buf_release(&c.by_bytes.name);
    buf_release(&c.by_number.name);
    return got;
}

/* The most frequent value; of several, the first by name. */
int mode_value(const struct aggregate *a, double parameter, char *state, struct arena *arena,
               union answer *out, struct error *e)
{
    (void)a, (void)parameter, (void)e;
    const struct occurrences *o = STATE(struct occurrences, state, 0);
    struct text best = o->mode;
    if (!o->settled && o->counts.map.keys.len > 0) {
        uint32_t *order = counts_sorted(&o->counts, COUNTS_BY_FREQUENCY);
        best = o->counts.map.keys.at[order[0]];
        mem_free(order);
    }
    out->text = best.at ? (struct text){arena_text(arena, best.at, best.len), best.len} : best;
    return 0;
}

int nunique_value(const struct aggregate *a, double parameter, char *state, struct arena *arena,
                  union answer *out, struct error *e)
{
    (void)a, (void)parameter, (void)arena, (void)e;
    const struct occurrences *o = STATE(struct occurrences, state, 0);
    out->number = (double)(o->settled ? o->distinct : o->counts.map.keys.len);
    return 0;
}

static void occurrences_release(char *state)
{
    struct occurrences *o = STATE(struct occurrences, state, 0);
    counts_release(&o->counts);
    mem_free((void *)(uintptr_t)o->mode.at);
}

const struct keeper occurrences_keeper = {
    .size = sizeof(struct occurrences),
    .add = occurrences_add,
    .put = occurrences_put,
    .absorb = occurrences_absorb,
    .release = occurrences_release,
    .common = true,
    .spill = occurrences_spill,
    .settle = occurrences_settle,
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
    .size = sizeof(struct distinct),
    .add = distinct_samples,
    .put = distinct_put,
    .absorb = distinct_absorb,
    .release = distinct_free,
    .common = true,
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
    .size = sizeof(struct buf),
    .add = collect_add,
    .put = collect_put,
    .absorb = collect_absorb,
    .release = collect_release,
    .common = true,
};

/* NOLINTEND(readability-non-const-parameter) */
