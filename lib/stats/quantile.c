#include "stats/quantile_runs.h"
#include "stats/state.h"

#include <math.h>
#include <stdlib.h>

struct quantiles {
    VEC(uint64_t) pending; /* keys not yet sorted */
    size_t pending_max;
    struct runs runs;
    uint64_t count;
};

/* a + (b - a) * t from the nearer end, so that t = 1 gives b; equal ends give themselves. */
static double between(double a, double b, double t)
{
    if (a == b || t == 0)
        return a;
    return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

double quantile_sorted(const double *sorted, size_t n, double q)
{
    if (n == 0)
        return (double)NAN;
    double place = q * (double)(n - 1);
    size_t low = (size_t)place;
    return between(sorted[low], sorted[low + 1 < n ? low + 1 : low], place - (double)low);
}

static uint64_t key_of(double x)
{
    uint64_t bits;
    x += 0.0; /* -0 becomes 0 */
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static double value_of(uint64_t key)
{
    uint64_t bits = key >> 63 ? key & INT64_MAX : ~key;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

struct quantiles *quantiles_new(size_t memory)
{
    const size_t least = 64 * 1024;
    struct quantiles *s = mem_alloc(sizeof *s);
    memory = memory < least ? least : memory;
    s->pending_max = memory / 8 / sizeof(uint64_t);
    runs_init(&s->runs, memory);
    return s;
}

void quantiles_free(struct quantiles *s)
{
    if (!s)
        return;
    vec_release(&s->pending);
    runs_release(&s->runs);
    mem_free(s);
}

uint64_t quantiles_count(const struct quantiles *s)
{
    return s->count;
}

/* One pass of the radix sort by the byte at `shift`; false, with nothing moved, when all agree in
 * it. */
static bool sort_by_byte(const uint64_t *from, uint64_t *to, size_t n, unsigned shift)
{
    size_t start[257] = {0};
    for (size_t i = 0; i < n; i++)
        start[(from[i] >> shift & 255) + 1]++;
    if (start[(from[0] >> shift & 255) + 1] == n)
        return false;
    for (size_t b = 1; b < 256; b++)
        start[b] += start[b - 1];
    for (size_t i = 0; i < n; i++)
        to[start[from[i] >> shift & 255]++] = from[i];
    return true;
}

static void radix_sort(uint64_t *keys, size_t n)
{
    uint64_t *scratch = mem_array(NULL, n, sizeof *scratch), *from = keys, *to = scratch;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if (sort_by_byte(from, to, n, shift)) {
            uint64_t *swap = from;
            from = to;
            to = swap;
        }
    }
    if (from != keys)
        memcpy(keys, from, n * sizeof *keys);
    mem_free(scratch);
}

/* Sorts the pending keys into the runs. */
static int settle(struct quantiles *s, struct error *e)
{
    size_t n = s->pending.len, distinct = 0;
    if (n == 0)
        return 0;
    radix_sort(s->pending.at, n);
    struct tally *tallies = mem_array(NULL, n, sizeof *tallies);
    for (size_t i = 0; i < n; i++) {
        if (distinct && tallies[distinct - 1].key == s->pending.at[i])
            tallies[distinct - 1].count++;
        else
            tallies[distinct++] = (struct tally){s->pending.at[i], 1};
    }
    s->pending.len = 0;
    int status = runs_add(&s->runs, tallies, distinct, e);
    mem_free(tallies);
    return status;
}

int quantiles_add(struct quantiles *s, const double *x, size_t n, struct error *e)
{
    s->count += n;
    while (n > 0) {
        size_t room = s->pending_max - s->pending.len, piece = n < room ? n : room;
        vec_reserve(&s->pending, s->pending.len + piece);
        for (size_t i = 0; i < piece; i++)
            s->pending.at[s->pending.len++] = key_of(x[i]);
        x += piece;
        n -= piece;
        int status = s->pending.len == s->pending_max ? settle(s, e) : 0;
        if (status < 0)
            return status;
    }
    return 0;
}

/* Hands every distinct value to `visit` in increasing order; stops early when it returns false. */
static int for_each(struct quantiles *s, bool (*visit)(void *context, const struct tally *t),
                    void *context, struct error *e)
{
    struct tally t;
    int status = settle(s, e);
    if (status < 0)
        return status;
    struct walk *w = walk_open(&s->runs);
    while ((status = walk_next(w, &t, e)) > 0 && visit(context, &t))
        ;
    walk_free(w);
    return status < 0 ? status : 0;
}

/* Tallies on their way, in key order, into the runs of `into`. */
struct transfer {
    struct quantiles *into;
    struct tallies chunk;
    int status;
    struct error *error;
};

static void transfer_flush(struct transfer *t)
{
    if (t->status == 0)
        t->status = runs_add(&t->into->runs, t->chunk.at, t->chunk.len, t->error);
    t->chunk.len = 0;
}

static bool transfer_tally(void *context, const struct tally *tally)
{
    struct transfer *t = context;
    vec_push(&t->chunk, *tally);
    t->into->count += tally->count;
    if (t->chunk.len >= t->into->pending_max / 2)
        transfer_flush(t);
    return t->status == 0;
}

int quantiles_merge(struct quantiles *into, struct quantiles *from, struct error *e)
{
    struct transfer t = {.into = into, .error = e};
    int status = for_each(from, transfer_tally, &t, e);
    transfer_flush(&t);
    vec_release(&t.chunk);
    from->count = 0;
    from->pending.len = 0;
    runs_release(&from->runs);
    return status < 0 ? status : t.status;
}

/* A value wanted by its 0-based place in sorted order. */
struct want {
    uint64_t place;
    double *value;
};

struct selection {
    const struct want *next, *end;
    uint64_t passed; /* values before the current one */
};

static bool select_wanted(void *context, const struct tally *t)
{
    struct selection *s = context;
    s->passed += t->count;
    while (s->next < s->end && s->next->place < s->passed)
        *s->next++->value = value_of(t->key);
    return s->next < s->end;
}

static int compare_wants(const void *left, const void *right)
{
    const struct want *a = left, *b = right;
    return a->place < b->place ? -1 : a->place > b->place;
}

int quantiles_at(struct quantiles *s, const double *q, size_t n, double *out, struct error *e)
{
    uint64_t last = s->count ? s->count - 1 : 0;
    double *ends = mem_alloc(2 * n * sizeof *ends); /* the two values each q lies between */
    struct want *wants = mem_alloc(2 * n * sizeof *wants);
    for (size_t i = 0; i < n; i++) {
        uint64_t low = (uint64_t)(q[i] * (double)last);
        wants[2 * i] = (struct want){low, &ends[2 * i]};
        wants[2 * i + 1] = (struct want){low < last ? low + 1 : last, &ends[2 * i + 1]};
    }
    qsort(wants, 2 * n, sizeof *wants, compare_wants);
    struct selection selection = {wants, wants + 2 * n, 0};
    int status = for_each(s, select_wanted, &selection, e);
    for (size_t i = 0; i < n; i++) {
        double place = q[i] * (double)last;
        out[i] =
            s->count ? between(ends[2 * i], ends[2 * i + 1], place - floor(place)) : (double)NAN;
    }
    mem_free(ends);
    mem_free(wants);
    return status;
}

static bool count_tally(void *context, const struct tally *t)
{
    uint64_t *n = context;
    *n += t->count > 0;
    return true;
}

uint64_t quantiles_distinct(struct quantiles *s, struct error *e)
{
    uint64_t n = 0;
    return for_each(s, count_tally, &n, e) < 0 ? 0 : n;
}

static bool save_tally(void *context, const struct tally *t)
{
    json_t *const *arrays = context;
    json_array_append_new(arrays[0], state_number(value_of(t->key)));
    json_array_append_new(arrays[1], json_integer((json_int_t)t->count));
    return true;
}

json_t *quantiles_save(struct quantiles *s, struct error *e)
{
    json_t *arrays[2] = {json_array(), json_array()};
    if (for_each(s, save_tally, arrays, e) == 0)
        return json_pack("{s:o,s:o}", "values", arrays[0], "counts", arrays[1]);
    json_decref(arrays[0]);
    json_decref(arrays[1]);
    return NULL;
}

int quantiles_load(struct quantiles *s, const json_t *j, struct error *e)
{
    const json_t *values = json_object_get(j, "values"), *counts = json_object_get(j, "counts");
    struct transfer t = {.into = s, .error = e};
    size_t n = json_array_size(values);
    bool good = json_is_array(values) && json_array_size(counts) == n;
    double before = 0;
    for (size_t i = 0; good && i < n && t.status == 0; i++) {
        double x = 0;
        uint64_t count = 0;
        good = state_read_number(json_array_get(values, i), &x) && !isnan(x) &&
               state_read_count(json_array_get(counts, i), &count) && (i == 0 || x > before);
        if (good)
            transfer_tally(&t, &(struct tally){key_of(x), count});
        before = x;
    }
    transfer_flush(&t);
    vec_release(&t.chunk);
    if (!good)
        return error_set(e, ERR_DATA, "not the state of quantiles (increasing values, counts)");
    return t.status;
}
