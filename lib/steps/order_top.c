/* top: the first rows of an order, of all rows or of each group, without sorting the others. */
#include "prep/groups.h"
#include "prep/sorted.h"
#include "steps/steps.h"
#include "table/rows.h"

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
    size_t held;            /* bytes of their rows */
    struct row_origin origin;
    struct places places;
    struct sorter *spilled; /* by group, then key: rows that memory had no room for; NULL: none */
    struct sorted *result;  /* after finish, by key */
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

static void release_heaps(struct top *t)
{
    for (size_t g = 0; g < t->heaps.len; g++) {
        for (size_t i = 0; i < t->heaps.at[g].len; i++)
            kept_release(&t->heaps.at[g].at[i]);
        mem_free(t->heaps.at[g].at);
    }
    vec_release(&t->heaps);
    groups_release(&t->groups);
    t->groups = (struct groups){0};
    t->held = 0;
}

static void top_free(void *p)
{
    struct top *t = p;
    release_heaps(t);
    row_origin_release(&t->origin);
    sorter_free(t->spilled);
    sorted_free(t->result);
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
        vec_push(h, *k);
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

static size_t kept_bytes(const struct kept *k)
{
    return sizeof *k + k->key.cap + k->row.cap;
}

static struct text text_in(const struct buf *b)
{
    return (struct text){b->at, b->len};
}

/* Group by group: no group's bytes begin with those of another. A record is the length of the
 * group's bytes, the id, and the row. */
static int spill_row(struct top *t, struct text group, const struct kept *k, struct error *e)
{
    struct buf key = {0}, record = {0};
    uint64_t length = group.len;
    buf_add(&key, group.at, group.len);
    buf_add(&key, k->key.at, k->key.len);
    buf_add(&record, &length, sizeof length);
    buf_add(&record, &k->id, sizeof k->id);
    buf_add(&record, k->row.at, k->row.len);
    int rc = sorter_add(t->spilled, text_in(&key), text_in(&record), e);
    buf_release(&key);
    buf_release(&record);
    return rc;
}

static int spill(const struct step *s, struct top *t, struct error *e)
{
    int rc = 0;
    if (!t->spilled)
        t->spilled = sorter_new(step_memory(s) / 2);
    for (size_t g = 0; rc == 0 && g < t->heaps.len; g++)
        for (size_t i = 0; rc == 0 && i < t->heaps.at[g].len; i++)
            rc = spill_row(t, t->groups.map.keys.at[g], &t->heaps.at[g].at[i], e);
    release_heaps(t);
    return rc;
}

/* The first n rows of each group. */
static int choose_spilled(const struct step *s, struct top *t, struct error *e)
{
    size_t most = ((const struct top_plan *)s->plan)->n, n = 0;
    struct buf group = {0};
    struct text key, record;
    int got = 0, rc = sorter_finish(t->spilled, e);
    while (rc == 0 && (got = sorter_next(t->spilled, &key, &record, e)) > 0) {
        uint64_t length, id;
        memcpy(&length, record.at, sizeof length);
        memcpy(&id, record.at + sizeof length, sizeof id);
        struct text own = {key.at, length}, rest = {key.at + length, key.len - length};
        struct text row = {record.at + sizeof length + sizeof id,
                           record.len - sizeof length - sizeof id};
        n = n > 0 && text_equal(own, (struct text){buf_text(&group), group.len}) ? n + 1 : 1;
        group.len = 0;
        buf_add(&group, own.at, own.len);
        if (n <= most)
            rc = sorted_put_packed(t->result, rest, id, row, e);
    }
    buf_release(&group);
    sorter_free(t->spilled);
    t->spilled = NULL;
    return got < 0 ? got : rc;
}

static int choose_held(struct top *t, struct error *e)
{
    int rc = 0;
    for (size_t g = 0; rc == 0 && g < t->heaps.len; g++)
        for (size_t i = 0; rc == 0 && i < t->heaps.at[g].len; i++) {
            struct kept *k = &t->heaps.at[g].at[i];
            rc = sorted_put_packed(t->result, text_in(&k->key), k->id, text_in(&k->row), e);
            kept_release(k);
        }
    release_heaps(t);
    return rc;
}

static int top_learn(const struct step *s, void *p, struct batch *b, struct error *e)
{
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
        t->held += kept_bytes(&next);
        put_kept(h, plan->n, &next);
        t->held -= kept_bytes(&next);
    }
    kept_release(&next);
    size_t held = t->held + map_held(&t->groups.map) + t->heaps.cap * sizeof *t->heaps.at;
    return held > step_memory(s) ? spill(s, t, e) : 0;
}

static void merge_heaps(const struct step *s, struct top *x, struct top *y)
{
    const struct top_plan *plan = s->plan;
    for (size_t g = 0; g < y->heaps.len; g++) {
        struct heap *h = heap_of(x, map_put(&x->groups.map, y->groups.map.keys.at[g], NULL));
        for (size_t i = 0; i < y->heaps.at[g].len; i++) {
            struct kept *k = &y->heaps.at[g].at[i];
            if (is_wanted(h, plan->n, &k->key))
                put_kept(h, plan->n, k);
        }
    }
}

static int top_merge(const struct step *s, void *into, void *from, struct error *e)
{
    struct top *x = into, *y = from;
    row_origin_merge(&x->origin, &y->origin);
    if (!x->spilled && !y->spilled) {
        merge_heaps(s, x, y);
        return 0;
    }
    int rc = spill(s, x, e);
    if (rc == 0)
        rc = spill(s, y, e);
    return rc ? rc : sorter_merge(x->spilled, y->spilled, e);
}

static int top_finish(struct step *s, void *p, struct error *e)
{
    struct top *t = p;
    t->result = sorted_new(s);
    sorted_origin(t->result, &t->origin);
    int rc = t->spilled ? spill(s, t, e) : choose_held(t, e);
    if (rc == 0 && t->spilled)
        rc = choose_spilled(s, t, e);
    return rc ? rc : sorted_finish(t->result, e);
}

static int top_produce(struct step *s, struct batch *b, struct error *e)
{
    return sorted_produce(((struct top *)s->learnt)->result, b, e);
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
                   "are held: n for each group, past --memory in scratch files. Of equal rows the "
                   "earlier one is kept. Missing "
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
