#include "steps/describe.h"

#include <math.h>
#include <stdlib.h>

static bool is_numeric(enum type t)
{
    return type_is_number(t) || t == TYPE_BOOL || t == TYPE_TIME;
}

void described_init(struct described *d, enum type type, size_t memory)
{
    *d = (struct described){.type = type, .memory = type_is_number(type) ? memory : 0};
    moments_init(&d->moments, 2);
    if (d->memory)
        d->quantiles = quantiles_new(d->memory);
}

void described_release(struct described *d)
{
    counts_release(&d->values);
    mem_free(d->recent);
    distinct_release(&d->distinct);
    moments_release(&d->moments);
    sketch_release(&d->sketch);
    quantiles_free(d->quantiles);
    buf_release(&d->low);
    buf_release(&d->high);
}

static bool value_of_bool(struct text cell, double *out)
{
    static const char words[2][6] = {"false", "true"};
    for (size_t k = 0; k < 2; k++) {
        size_t n = strlen(words[k]), i = 0;
        while (i < n && i < cell.len && (cell.at[i] | 0x20) == words[k][i])
            i++;
        *out = (double)k;
        if (i == n && cell.len == n)
            return true;
    }
    return false;
}

/* A time without an offset counts as UTC where no zone is declared:
 * a report is no place to stop. */
static bool value_of_time(const struct cell_policy *policy, struct text cell, double *out)
{
    usec t;
    bool has_offset;
    if (!time_parse(cell.at, cell.len, &t, &has_offset))
        return false;
    if (!has_offset && cell.len > 10 && policy && policy->zone_to_utc)
        t = policy->zone_to_utc(policy->zone, t);
    *out = (double)t;
    return true;
}

static bool value_of(enum type type, const struct cell_policy *policy, struct text cell,
                     double *out)
{
    if (type_is_number(type))
        return number_parse_double(cell.at, cell.len, out);
    return type == TYPE_TIME ? value_of_time(policy, cell, out) : value_of_bool(cell, out);
}

/* Integers beyond 2^53 share doubles, so there the text tells values apart. */
static uint64_t value_hash(double x, struct text cell)
{
    uint64_t bits;
    if (fabs(x) >= 0x1p53)
        return hash_bytes(cell.at, cell.len, 0);
    x += 0.0; /* -0 is 0 */
    memcpy(&bits, &x, sizeof bits);
    return hash_u64(bits);
}

/* The same as adding x so often: x * times, and both halves of the exact x * x, are exact sums
 * where neither half can overflow or underflow. */
static void add_moments(struct moments *m, double x, uint64_t times)
{
    double square = x * x, rest = fma(x, x, -square), n = (double)times;
    for (; times > 0 && !(square > 1e-200 && square < 1e300); times--)
        moments_add(m, x);
    if (times == 0)
        return;
    m->min = m->count == 0 || x < m->min ? x : m->min;
    m->max = m->count == 0 || x > m->max ? x : m->max;
    m->count += times;
    sum_add_product(&m->power[0], x, n);
    sum_add_product(&m->power[1], square, n);
    sum_add_product(&m->power[1], rest, n);
}

static void set_extreme(struct buf *extreme, struct text cell, int sign)
{
    if (extreme->at && text_compare(cell, (struct text){extreme->at, extreme->len}) * sign <= 0)
        return;
    extreme->len = 0;
    buf_reserve(extreme, cell.len + 1);
    buf_add(extreme, cell.at, cell.len);
}

static void add_text(struct described *d, struct text cell, uint64_t times)
{
    d->count += times;
    distinct_add(&d->distinct, hash_bytes(cell.at, cell.len, 0));
    set_extreme(&d->low, cell, -1);
    set_extreme(&d->high, cell, 1);
}

static int add_value(struct described *d, const struct cell_policy *policy, struct text cell,
                     uint64_t times, struct error *e)
{
    double x;
    if (!value_of(d->type, policy, cell, &x)) {
        d->invalid += times;
        return 0;
    }
    d->count += times;
    distinct_add(&d->distinct, value_hash(x, cell));
    add_moments(&d->moments, x, times);
    int rc = 0;
    for (uint64_t i = 0; rc == 0 && type_is_number(d->type) && i < times; i++)
        if (d->quantiles)
            rc = quantiles_add(d->quantiles, &x, 1, e);
        else
            sketch_add(&d->sketch, x);
    return rc;
}

/* Moves what was counted into the summaries. */
static int flood(struct described *d, const struct cell_policy *policy, struct error *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < d->values.map.keys.len; i++) {
        struct text cell = d->values.map.keys.at[i];
        if (is_numeric(d->type))
            rc = add_value(d, policy, cell, d->values.n.at[i], e);
        else
            add_text(d, cell, d->values.n.at[i]);
    }
    counts_release(&d->values);
    d->values = (struct counts){0};
    mem_free(d->recent);
    d->recent = NULL;
    d->flooded = true;
    return rc;
}

static void add_texts(struct described *d, const struct text *cells, size_t rows)
{
    for (size_t r = 0; r < rows; r++) {
        if (cells[r].at)
            add_text(d, cells[r], 1);
        else
            d->missing++;
    }
}

static int add_values(struct described *d, struct batch *b, const struct text *cells, size_t rows,
                      struct error *e)
{
    double *x = batch_array(b, rows, sizeof *x);
    size_t n = 0;
    for (size_t r = 0; r < rows; r++) {
        if (!cells[r].at) {
            d->missing++;
        } else if (value_of(d->type, b->policy, cells[r], &x[n])) {
            distinct_add(&d->distinct, value_hash(x[n], cells[r]));
            n++;
        } else {
            d->invalid++;
        }
    }
    d->count += n;
    moments_add_many(&d->moments, x, n);
    if (d->quantiles)
        return quantiles_add(d->quantiles, x, n, e);
    for (size_t i = 0; type_is_number(d->type) && i < n; i++)
        sketch_add(&d->sketch, x[i]);
    return 0;
}

static bool is_flood(const struct described *d)
{
    return d->values.map.keys.len > DESCRIBE_VALUES || d->value_bytes > DESCRIBE_BYTES;
}

static size_t count_cell(struct described *d, struct text cell, uint64_t times)
{
    size_t before = d->values.map.keys.len, at = counts_add(&d->values, cell, times, 0);
    if (d->values.map.keys.len > before)
        d->value_bytes += cell.len;
    return at;
}

/* A cell of at most 16 bytes, whole: first and last bytes and its length tell it from others. */
struct recent {
    uint64_t first, last;
    uint32_t len; /* 0: nothing here */
    uint32_t at;  /* index of its count */
};

enum { RECENT = 1024, RECENT_LEN = 16 };

static uint64_t load64(const char *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

static uint64_t load32(const char *p)
{
    uint32_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

static struct recent recent_of(struct text cell)
{
    struct recent x = {.len = (uint32_t)cell.len};
    const unsigned char *p = (const unsigned char *)cell.at;
    if (cell.len >= 8) {
        x.first = load64(cell.at);
        x.last = load64(cell.at + cell.len - 8);
    } else if (cell.len >= 4) {
        x.first = load32(cell.at) | load32(cell.at + cell.len - 4) << 32;
    } else {
        x.first = p[0] | (uint64_t)p[cell.len / 2] << 8 | (uint64_t)p[cell.len - 1] << 16;
    }
    return x;
}

static void count_recent(struct described *d, struct text cell)
{
    struct recent x = recent_of(cell);
    uint64_t mixed =
        (x.first ^ (x.last << 7 | x.last >> 57) ^ x.len) * UINT64_C(0x9E3779B97F4A7C15);
    struct recent *known = &d->recent[mixed >> 54];
    if (known->first == x.first && known->last == x.last && known->len == x.len) {
        d->values.n.at[known->at]++;
        return;
    }
    x.at = (uint32_t)count_cell(d, cell, 1);
    *known = x;
}

/* Counts cells until there are too many different ones; returns how many were counted. */
static size_t count_cells(struct described *d, const struct text *cells, size_t rows)
{
    size_t r = 0;
    if (!d->recent)
        d->recent = mem_alloc(RECENT * sizeof *d->recent);
    for (; r < rows && !is_flood(d); r++) {
        if (!cells[r].at)
            d->missing++;
        else if (cells[r].len > 0 && cells[r].len <= RECENT_LEN)
            count_recent(d, cells[r]);
        else
            count_cell(d, cells[r], 1);
    }
    return r;
}

int described_add(struct described *d, struct batch *b, size_t column, struct error *e)
{
    const struct text *cells = batch_text(b, column);
    size_t done = d->flooded ? 0 : count_cells(d, cells, b->rows);
    int rc = !d->flooded && is_flood(d) ? flood(d, b->policy, e) : 0;
    if (rc || done == b->rows)
        return rc;
    if (is_numeric(d->type))
        return add_values(d, b, cells + done, b->rows - done, e);
    add_texts(d, cells + done, b->rows - done);
    return 0;
}

static int merge_flooded(struct described *into, struct described *from, struct error *e)
{
    into->count += from->count;
    into->invalid += from->invalid;
    distinct_merge(&into->distinct, &from->distinct);
    moments_merge(&into->moments, &from->moments);
    sketch_merge(&into->sketch, &from->sketch);
    if (from->low.at) {
        set_extreme(&into->low, (struct text){from->low.at, from->low.len}, -1);
        set_extreme(&into->high, (struct text){from->high.at, from->high.len}, 1);
    }
    return into->quantiles ? quantiles_merge(into->quantiles, from->quantiles, e) : 0;
}

int described_merge(struct described *into, struct described *from,
                    const struct cell_policy *policy, struct error *e)
{
    into->missing += from->missing;
    if (!into->flooded && !from->flooded) {
        for (size_t i = 0; i < from->values.map.keys.len; i++)
            count_cell(into, from->values.map.keys.at[i], from->values.n.at[i]);
        return is_flood(into) ? flood(into, policy, e) : 0;
    }
    int rc = into->flooded ? 0 : flood(into, policy, e);
    if (rc == 0 && !from->flooded)
        rc = flood(from, policy, e);
    return rc ? rc : merge_flooded(into, from, e);
}

struct tally {
    double value;
    struct text cell;
    uint64_t n;
};

static int by_value(const void *left, const void *right)
{
    const struct tally *a = left, *b = right;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return text_compare(a->cell, b->cell);
}

/* Equal values: of cells beyond 2^53 only the same text. */
static bool same_value(const struct tally *a, const struct tally *b)
{
    return a->value == b->value && (fabs(a->value) < 0x1p53 || text_equal(a->cell, b->cell));
}

/* The valid cells in order, those of the same value (1, 1.0) joined; returns how many. */
static size_t tally_values(const struct described *d, const struct cell_policy *policy,
                           struct tally *t, uint64_t *invalid)
{
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < d->values.map.keys.len; i++) {
        t[n] = (struct tally){.cell = d->values.map.keys.at[i], .n = d->values.n.at[i]};
        if (is_numeric(d->type) && !value_of(d->type, policy, t[n].cell, &t[n].value))
            *invalid += t[n].n;
        else
            n++;
    }
    if (n)
        qsort(t, n, sizeof *t, by_value);
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && is_numeric(d->type) && same_value(&t[kept - 1], &t[i]))
            t[kept - 1].n += t[i].n;
        else
            t[kept++] = t[i];
    }
    return kept;
}

/* The value at a 0-based place of the sorted column. */
static double value_at(const struct tally *t, uint64_t place)
{
    while (place >= t->n)
        place -= (t++)->n;
    return t->value;
}

/* Type 7, as quantile_sorted. */
static double tally_quantile(const struct tally *t, uint64_t count, double q)
{
    double place = q * (double)(count - 1), whole = floor(place);
    double low = value_at(t, (uint64_t)whole);
    if (place == whole)
        return low;
    return low + (place - whole) * (value_at(t, (uint64_t)whole + 1) - low);
}

static const double quarters[3] = {0.25, 0.5, 0.75};

static void answer_numbers(const struct described *d, const struct moments *m,
                           struct description *out)
{
    out->min = m->count ? m->min : (double)NAN;
    out->max = m->count ? m->max : (double)NAN;
    out->mean = d->type == TYPE_TIME ? (double)NAN : moments_mean(m);
    out->std = type_is_number(d->type) ? moments_deviation(m, 1) : (double)NAN;
}

static void answer_tally(const struct described *d, const struct tally *t, size_t n,
                         struct description *out)
{
    struct moments m;
    moments_init(&m, 2);
    for (size_t i = 0; i < n; i++) {
        out->count += t[i].n;
        if (t[i].n > out->top_count)
            out->top = t[i].cell, out->top_count = t[i].n;
        if (is_numeric(d->type))
            add_moments(&m, t[i].value, t[i].n);
    }
    out->distinct = n;
    if (is_numeric(d->type))
        answer_numbers(d, &m, out);
    else if (n > 0)
        out->low = t[0].cell, out->high = t[n - 1].cell;
    for (size_t i = 0; type_is_number(d->type) && n > 0 && i < COUNT_OF(quarters); i++)
        out->quartile[i] = tally_quantile(t, out->count, quarters[i]);
    moments_release(&m);
}

static int answer_flooded(struct described *d, struct description *out, struct error *e)
{
    double distinct = round(distinct_value(&d->distinct));
    out->count = d->count;
    out->invalid = d->invalid;
    out->distinct = distinct < (double)d->count ? (uint64_t)distinct : d->count;
    if (!is_numeric(d->type)) {
        out->low = (struct text){d->low.at, d->low.len};
        out->high = (struct text){d->high.at, d->high.len};
        return 0;
    }
    answer_numbers(d, &d->moments, out);
    if (d->quantiles) {
        int rc = quantiles_at(d->quantiles, quarters, COUNT_OF(quarters), out->quartile, e);
        out->distinct = rc ? 0 : quantiles_distinct(d->quantiles, e);
        return rc;
    }
    for (size_t i = 0; type_is_number(d->type) && i < COUNT_OF(quarters); i++)
        out->quartile[i] = sketch_quantile(&d->sketch, quarters[i]);
    return 0;
}

int described_answer(struct described *d, const struct cell_policy *policy, struct description *out,
                     struct error *e)
{
    const double none = (double)NAN;
    *out = (struct description){.missing = d->missing,
                                .min = none,
                                .max = none,
                                .mean = none,
                                .std = none,
                                .quartile = {none, none, none}};
    if (d->flooded)
        return answer_flooded(d, out, e);
    struct tally *t = mem_array(NULL, d->values.map.keys.len + 1, sizeof *t);
    size_t n = tally_values(d, policy, t, &out->invalid);
    answer_tally(d, t, n, out);
    mem_free(t);
    return 0;
}
