/* top: the first rows of an order, of all rows or of each group, without sorting the others. */
#include "prep/families.h"
#include "prep/groups.h"
#include "prep/sorted.h"
#include "table/rows.h"

#include <stdlib.h>

enum { BATCH_ROWS = 4096 };

struct top_plan {
    size_t n;
    struct cell_order *orders;
    size_t count;
    size_t *by, by_count;
};

struct kept {
    struct buf key, row; /* packed */
    uint64_t id;
};

/* The best rows of a group so far: a heap with the worst of them on top. */
struct heap {
    struct kept *at;
    size_t len, cap;
};

struct top {
    struct groups groups;
    VEC(struct heap) heaps; /* by group */
    struct row_origin origin;
    struct places places;
    struct buf key;
    /* After finish: */
    VEC(const struct kept *) result;
    size_t next;
};

static int top_open(struct step *s, const struct schema *in, struct error *e)
{
    struct cell_order usual = {.order.descending = arg_choice(s, "order") == 0};
    struct top_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    plan->n = (size_t)arg_int(s, "n");
    int rc = sort_orders(s, "columns", in, usual, &plan->orders, &plan->count, e);
    return rc ? rc : arg_columns(s, "by", in, &plan->by, &plan->by_count, e);
}

static void *top_new(const struct step *s)
{
    (void)s;
    return mem_alloc(sizeof(struct top));
}

static void kept_release(struct kept *k)
{
    buf_release(&k->key);
    buf_release(&k->row);
}

static void top_free(void *p)
{
    struct top *t = p;
    for (size_t g = 0; g < t->heaps.len; g++) {
        for (size_t i = 0; i < t->heaps.at[g].len; i++)
            kept_release(&t->heaps.at[g].at[i]);
        mem_free(t->heaps.at[g].at);
    }
    vec_release(&t->heaps);
    groups_release(&t->groups);
    row_origin_release(&t->origin);
    buf_release(&t->key);
    vec_release(&t->result);
    mem_free(t);
}

static int compare_bytes(const struct buf *a, const struct buf *b)
{
    int order = memcmp(a->at, b->at, a->len < b->len ? a->len : b->len);
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

static void swap(struct kept *a, struct kept *b)
{
    struct kept old = *a;
    *a = *b;
    *b = old;
}

static void sift_up(struct heap *h, size_t at)
{
    for (; at > 0; at = (at - 1) / 2) {
        struct kept *parent = &h->at[(at - 1) / 2];
        if (compare_bytes(&h->at[at].key, &parent->key) <= 0)
            return;
        swap(&h->at[at], parent);
    }
}

static void sift_down(struct heap *h)
{
    for (size_t at = 0, child; (child = 2 * at + 1) < h->len; at = child) {
        if (child + 1 < h->len && compare_bytes(&h->at[child + 1].key, &h->at[child].key) > 0)
            child++;
        if (compare_bytes(&h->at[child].key, &h->at[at].key) <= 0)
            return;
        swap(&h->at[child], &h->at[at]);
    }
}

static bool is_wanted(const struct heap *h, size_t n, const struct buf *key)
{
    return h->len < n || (n > 0 && compare_bytes(key, &h->at[0].key) < 0);
}

/* Puts k, which is wanted, into the heap; k then holds what had to go, to be used again or
 * released. */
static void put_kept(struct heap *h, size_t n, struct kept *k)
{
    if (h->len < n) {
        h->at = vec_grow_(h->at, &h->cap, h->len + 1, sizeof *h->at);
        h->at[h->len++] = *k;
        *k = (struct kept){0};
        sift_up(h, h->len - 1);
    } else {
        swap(k, &h->at[0]);
        sift_down(h);
    }
}

static struct heap *heap_of(struct top *t, size_t group)
{
    struct heap none = {0};
    if (group == t->heaps.len)
        vec_push(&t->heaps, none);
    return &t->heaps.at[group];
}

static int top_learn(const struct step *s, void *p, struct batch *b, struct error *e)
{
    (void)e;
    const struct top_plan *plan = s->plan;
    struct top *t = p;
    struct row_packer packer = row_packer(b);
    struct kept next = {0};
    row_origin_see(&t->origin, b);
    places_batch(&t->places, b);
    groups_batch(&t->groups, b, plan->by, plan->by_count);
    for (size_t r = 0; r < b->rows; r++) {
        struct heap *h = heap_of(t, groups_find(&t->groups, r));
        next.key.len = 0;
        for (size_t i = 0; i < plan->count; i++)
            key_put_cell(&next.key, b, r, &plan->orders[i]);
        key_put_id(&next.key, places_next(&t->places));
        if (!is_wanted(h, plan->n, &next.key))
            continue;
        next.row.len = 0;
        row_packer_put(&packer, r, &next.row);
        next.id = batch_row_id(b, r);
        put_kept(h, plan->n, &next);
    }
    kept_release(&next);
    return 0;
}

static int top_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)e;
    const struct top_plan *plan = s->plan;
    struct top *x = into, *y = from;
    row_origin_merge(&x->origin, &y->origin);
    for (size_t g = 0; g < y->heaps.len; g++) {
        struct heap *h = heap_of(x, map_put(&x->groups.map, y->groups.map.keys.at[g], NULL));
        for (size_t i = 0; i < y->heaps.at[g].len; i++) {
            struct kept *k = &y->heaps.at[g].at[i];
            if (is_wanted(h, plan->n, &k->key))
                put_kept(h, plan->n, k);
        }
    }
    return 0;
}

static int by_key(const void *a, const void *b)
{
    const struct kept *x = *(const struct kept *const *)a;
    const struct kept *y = *(const struct kept *const *)b;
    return compare_bytes(&x->key, &y->key);
}

static int top_finish(struct step *s, void *p, struct error *e)
{
    (void)s;
    (void)e;
    struct top *t = p;
    for (size_t g = 0; g < t->heaps.len; g++)
        for (size_t i = 0; i < t->heaps.at[g].len; i++)
            vec_push(&t->result, &t->heaps.at[g].at[i]);
    if (t->result.len > 1)
        qsort(t->result.at, t->result.len, sizeof *t->result.at, by_key);
    return 0;
}

static int top_produce(struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    struct top *t = s->learnt;
    size_t n = t->result.len - t->next < BATCH_ROWS ? t->result.len - t->next : BATCH_ROWS;
    if (n == 0)
        return 0;
    struct text *rows = batch_array(b, n, sizeof *rows);
    uint64_t *ids = batch_array(b, n, sizeof *ids);
    for (size_t r = 0; r < n; r++) {
        const struct kept *k = t->result.at[t->next++];
        rows[r] = (struct text){arena_copy(&b->arena, k->row.at, k->row.len), k->row.len};
        ids[r] = k->id;
    }
    rows_unpack(b, &t->origin, rows, n, ids);
    return 1;
}

static const struct arg top_args[] = {
    {.name = "n",
     .kind = ARG_INT,
     .help = "rows to keep",
     .max = 1e9,
     .positional = true,
     .required = true},
    {.name = "columns",
     .kind = ARG_LIST,
     .help = "columns that decide, as in sort: a,b:asc",
     .positional = true,
     .required = true},
    {.name = "order",
     .kind = ARG_CHOICE,
     .fallback = "desc",
     .help = "which end of columns that do not say: desc keeps the largest",
     .choices = "desc asc"},
    {.name = "by", .kind = ARG_COLUMNS, .help = "keep so many of each group of equal values"},
    {0},
};

const struct step_kind steps_order_top[] = {
    {
        .name = "top",
        .aliases = "bottom:order=asc nlargest nsmallest:order=asc",
        .family = "order",
        .class = "W",
        .summary = "keep the rows with the largest values, the largest first",
        .details = "The same rows in the same order as sort followed by head, but only those kept "
                   "are held: n for each group. Of equal rows the earlier one is kept. Missing "
                   "values come last and are kept only when nothing else is left.",
        .args = top_args,
        .example = {.program = "top 1 delay by=city",
                    .input = "city,delay\nUlm,5\nBonn,7\nUlm,10\nBonn,2\n",
                    .output = "city,delay\nUlm,10\nBonn,7\n"},
        .open = top_open,
        .state_new = top_new,
        .learn = top_learn,
        .merge = top_merge,
        .finish = top_finish,
        .produce = top_produce,
        .state_free = top_free,
        .blocking = true,
        .needs_all = true,
    },
    {0},
};
