/* impute with=group_mean: a mean for each combination of values of the by= columns. */
#include "steps/impute.h"

#include <math.h>

/* Keys are JSON lists of the values, so that they read well in the state: ["ORD",null]. */
struct group_means {
    struct map keys;
    VEC(struct moments) of;
    struct moments all;
};

static void start(const struct step *s, void *state)
{
    (void)s;
    moments_init(&((struct group_means *)state)->all, 1);
}

static struct moments *moments_for(struct group_means *g, struct text key)
{
    size_t i = map_put(&g->keys, key, NULL);
    if (i == g->of.len) {
        struct moments fresh;
        moments_init(&fresh, 1);
        vec_push(&g->of, fresh);
    }
    return &g->of.at[i];
}

/* The values of the by= columns of a batch. */
static const struct text **key_cells(const struct step *s, struct batch *b)
{
    const struct impute_plan *p = impute_plan(s);
    const struct text **cells = batch_array(b, p->by_count, sizeof *cells);
    for (size_t i = 0; i < p->by_count; i++)
        cells[i] = batch_text(b, p->by[i]);
    return cells;
}

static struct text key_of(const struct text *const *cells, size_t count, size_t row,
                          struct buf *key)
{
    key->len = 0;
    for (size_t i = 0; i < count; i++) {
        struct text cell = cells[i][row];
        buf_putc(key, i ? ',' : '[');
        if (cell.at)
            json_put_string(key, cell.at, cell.len);
        else
            buf_puts(key, "null");
    }
    buf_putc(key, ']');
    return (struct text){key->at, key->len};
}

static int learn(const struct lesson *l, void *state, const double *values, struct error *e)
{
    struct group_means *g = state;
    const struct text **cells = key_cells(l->step, l->batch);
    size_t count = impute_plan(l->step)->by_count;
    struct buf key = {0};
    (void)e;
    moments_add_many(&g->all, values, l->rows);
    for (size_t r = 0; r < l->rows; r++)
        if (!isnan(values[r]))
            moments_add(moments_for(g, key_of(cells, count, r, &key)), values[r]);
    buf_release(&key);
    return 0;
}

static int merge(const struct step *s, void *into, void *from, struct error *e)
{
    struct group_means *a = into, *b = from;
    (void)s, (void)e;
    moments_merge(&a->all, &b->all);
    for (size_t i = 0; i < b->of.len; i++)
        moments_merge(moments_for(a, b->keys.keys.at[i]), &b->of.at[i]);
    return 0;
}

static json_t *save_group(const struct moments *m)
{
    json_t *j = moments_save(m);
    json_object_set_new(j, "fill", json_of_number(moments_mean(m)));
    return j;
}

static json_t *save(const struct step *s, const void *state)
{
    const struct group_means *g = state;
    json_t *groups = json_object();
    (void)s;
    for (size_t i = 0; i < g->of.len; i++) {
        char *key = mem_text_n(g->keys.keys.at[i].at, g->keys.keys.at[i].len);
        json_object_set_new_nocheck(groups, key, save_group(&g->of.at[i]));
        mem_free(key);
    }
    return json_pack("{s:o,s:o}", "groups", groups, "all", save_group(&g->all));
}

static int load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    struct group_means *g = state;
    const json_t *groups = json_object_get(j, "groups");
    (void)s;
    if (!json_is_object(groups))
        return error_set(e, ERR_DATA, "not the state of group means (groups, all)");
    int rc = moments_load(&g->all, json_object_get(j, "all"), e);
    /* jansson's iterators want an object that is not const; it is only read. */
    json_t *readable = json_object_get(j, "groups");
    for (void *i = json_object_iter(readable); i && rc == 0; i = json_object_iter_next(readable, i))
        rc = moments_load(moments_for(g, text_of(json_object_iter_key(i))),
                          json_object_iter_value(i), e);
    return rc;
}

static void release(void *state)
{
    struct group_means *g = state;
    for (size_t i = 0; i < g->of.len; i++)
        moments_release(&g->of.at[i]);
    vec_release(&g->of);
    map_release(&g->keys);
    moments_release(&g->all);
}

const struct learner impute_group_learner = {.size = sizeof(struct group_means),
                                             .init = start,
                                             .numbers = learn,
                                             .merge = merge,
                                             .save = save,
                                             .load = load,
                                             .release = release};

int impute_fill_group(const struct gaps *g, struct error *e)
{
    const struct group_means *learnt = columnwise_learnt(g->step, g->index);
    const struct text **cells = key_cells(g->step, g->batch);
    size_t count = impute_plan(g->step)->by_count;
    struct buf key = {0};
    (void)e;
    for (size_t r = 0; r < g->batch->rows; r++) {
        if (g->cells[r].at)
            continue;
        size_t i = map_get(&learnt->keys, key_of(cells, count, r, &key));
        const struct moments *m = i == MAP_NONE ? &learnt->all : &learnt->of.at[i];
        g->cells[r] = impute_text(g->batch, moments_mean(m));
    }
    buf_release(&key);
    return 0;
}

/* A key of the map as the operation join_key writes it. */
static void put_joined(struct buf *out, struct text key)
{
    struct json_reader r;
    struct buf cell = {0};
    json_start(&r, key.at, key.len);
    (void)json_next(&r); /* the list */
    for (enum json_token t = json_next(&r); t == JSON_TOKEN_STRING || t == JSON_TOKEN_NULL;
         t = json_next(&r)) {
        cell.len = 0;
        if (t == JSON_TOKEN_NULL) {
            buf_putc(out, 'n');
            continue;
        }
        (void)json_unescape(&cell, r.raw);
        buf_format(out, "%zu:", cell.len);
        buf_add(out, cell.at ? cell.at : "", cell.len);
    }
    buf_release(&cell);
}

uint32_t impute_lower_group(const struct step *s, size_t index, struct lowering *l)
{
    const struct group_means *g = columnwise_learnt(s, index);
    const struct impute_plan *p = impute_plan(s);
    const int64_t unknown[] = {(int64_t)g->of.len, (int64_t)g->of.len};
    struct text *keys = mem_array(NULL, g->of.len + 1, sizeof *keys);
    double *means = mem_array(NULL, g->of.len + 1, sizeof *means);
    uint32_t *cells = mem_array(NULL, p->by_count + 1, sizeof *cells);
    struct arena arena = {0};
    for (size_t i = 0; i < g->of.len; i++) {
        struct buf joined = {0};
        put_joined(&joined, g->keys.keys.at[i]);
        keys[i] = (struct text){arena_text(&arena, buf_text(&joined), joined.len), joined.len};
        means[i] = moments_mean(&g->of.at[i]);
        buf_release(&joined);
    }
    means[g->of.len] = moments_mean(&g->all);
    for (size_t i = 0; i < p->by_count; i++)
        cells[i] = lower_column(l, p->by[i], ML_TEXT);
    uint32_t key = lower_op(l, ML_OP_join_key, lower_list(l, cells, p->by_count), 0, 0);
    uint32_t place = lower_op(l, ML_OP_place, key, lower_map(l, keys, g->of.len),
                              lower_range_int(l, unknown, 2));
    mem_free(cells);
    uint32_t fill = lower_op(l, ML_OP_look_float, place, lower_range(l, means, g->of.len + 1), 0);
    mem_free(keys);
    mem_free(means);
    arena_release(&arena);
    return fill;
}
