#include "store/profile.h"

#include "base/json_read.h"

#include <math.h>

enum { BLOCK = 512, TEXT_KEPT = 200, HASH_DIGITS = 16 };

bool profile_is_categories(const struct feature *f)
{
    return f->collection == COLLECTION_NONE && (f->type == TYPE_TEXT || f->type == TYPE_BOOL);
}

static struct profile *start(const struct feature *f)
{
    struct profile *s = mem_alloc(sizeof *s);
    s->feature = *f;
    s->feature.name = mem_text(f->name);
    s->pending = mem_array(NULL, BLOCK, sizeof *s->pending);
    moments_init(&s->moments, 2);
    return s;
}

struct profile *profile_new(const struct feature *f, size_t memory)
{
    struct profile *s = start(f);
    if (profile_is_categories(f))
        s->frequent = frequent_new(PROFILE_CATEGORIES);
    else
        s->quantiles = quantiles_new(memory);
    return s;
}

void profile_free(struct profile *s)
{
    if (!s)
        return;
    mem_free((char *)(uintptr_t)s->feature.name);
    moments_release(&s->moments);
    distinct_release(&s->distinct);
    quantiles_free(s->quantiles);
    frequent_free(s->frequent);
    histogram_release(&s->histogram);
    counts_release(&s->categories);
    mem_free(s->pending);
    mem_free(s);
}

uint64_t profile_values(const struct profile *s)
{
    return s->rows - s->missing;
}

/* ---- numbers ---- */

int profile_flush(struct profile *s, struct error *e)
{
    size_t n = s->pending_count;
    s->pending_count = 0;
    moments_add_many(&s->moments, s->pending, n);
    if (s->counts && !profile_is_categories(&s->feature))
        histogram_add(&s->histogram, s->pending, n);
    return s->quantiles ? quantiles_add(s->quantiles, s->pending, n, e) : 0;
}

static int push(struct profile *s, double x, struct error *e)
{
    s->pending[s->pending_count++] = x;
    return s->pending_count == BLOCK ? profile_flush(s, e) : 0;
}

static int add_int(struct profile *s, int64_t i, struct error *e)
{
    distinct_add(&s->distinct, hash_u64((uint64_t)i));
    return push(s, (double)i, e);
}

/* A float that is an integer is the same value as the int. */
static int add_float(struct profile *s, double x, struct error *e)
{
    const double exact = 9007199254740992.0;
    uint64_t bits;
    if (fabs(x) <= exact && x == floor(x))
        return add_int(s, (int64_t)x, e);
    memcpy(&bits, &x, sizeof bits);
    distinct_add(&s->distinct, hash_u64(~bits));
    return push(s, x, e);
}

/* ---- categories ---- */

/* A long text by its beginning, '#' and a hash. */
static struct text category_of(struct text value, char room[static PROFILE_TEXT_MAX])
{
    if (value.len <= PROFILE_TEXT_MAX)
        return value;
    size_t kept = TEXT_KEPT;
    while (kept > TEXT_KEPT - 4 && (value.at[kept] & 0xC0) == 0x80)
        kept--;
    uint64_t hash = hash_bytes(value.at, value.len, 0);
    memcpy(room, value.at, kept);
    room[kept++] = '#';
    for (unsigned i = 0; i < HASH_DIGITS; i++)
        room[kept++] = "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
    return (struct text){room, kept};
}

static void count_category(struct profile *s, struct text category)
{
    if (s->frequent) {
        frequent_add(s->frequent, category, 1);
        return;
    }
    size_t at = map_get(&s->categories.map, category);
    if (at == MAP_NONE)
        s->other++;
    else
        s->categories.n.at[at]++;
}

static size_t characters(struct text t)
{
    size_t n = 0;
    for (size_t i = 0; i < t.len; i++)
        n += (t.at[i] & 0xC0) != 0x80;
    return n;
}

static int add_category(struct profile *s, struct text value, struct error *e)
{
    char room[PROFILE_TEXT_MAX];
    distinct_add(&s->distinct, hash_bytes(value.at, value.len, 0));
    count_category(s, category_of(value, room));
    return push(s, (double)characters(value), e);
}

/* ---- cells ---- */

static int no_value(const struct profile *s, struct text cell, struct error *e)
{
    char quoted[QUOTE_MAX];
    struct buf type = {0};
    feature_type_print(&s->feature, &type);
    error_set(e, ERR_DATA, "feature '%s': %s is not of type %s", s->feature.name,
              quote(quoted, cell.at, cell.len), buf_text(&type));
    buf_release(&type);
    return ERR_DATA;
}

static int add_number_cell(struct profile *s, struct text cell, struct error *e)
{
    int64_t i;
    double x;
    if (number_parse(cell.at, cell.len, &i, &x) == NUMBER_INT)
        return add_int(s, i, e);
    if (!number_parse_double(cell.at, cell.len, &x) || !isfinite(x))
        return no_value(s, cell, e);
    return add_float(s, x, e);
}

static int add_time_cell(struct profile *s, struct text cell, struct error *e)
{
    bool has_offset = false;
    usec t;
    if (!time_parse(cell.at, cell.len, &t, &has_offset) || !has_offset)
        return no_value(s, cell, e);
    return add_int(s, t, e);
}

static int add_bool_cell(struct profile *s, struct text cell, struct error *e)
{
    static const char *const names[] = {"false", "true"};
    for (size_t value = 0; value < COUNT_OF(names); value++) {
        size_t n = strlen(names[value]), same = 0;
        while (same < n && same < cell.len && (cell.at[same] | 0x20) == names[value][same])
            same++;
        if (same == n && cell.len == n)
            return add_category(s, text_of(names[value]), e);
    }
    return no_value(s, cell, e);
}

static int add_list_cell(struct profile *s, struct text cell, struct error *e)
{
    struct json_reader r;
    enum json_token t;
    int64_t elements = 0;
    json_start(&r, cell.at, cell.len);
    if (json_next(&r) != JSON_TOKEN_ARRAY)
        return no_value(s, cell, e);
    for (; (t = json_next(&r)) > JSON_TOKEN_DONE && t != JSON_TOKEN_END; elements++)
        if ((t == JSON_TOKEN_OBJECT || t == JSON_TOKEN_ARRAY) && !json_skip(&r))
            return no_value(s, cell, e);
    if (t != JSON_TOKEN_END || json_next(&r) != JSON_TOKEN_DONE)
        return no_value(s, cell, e);
    distinct_add(&s->distinct, hash_bytes(cell.at, cell.len, 0));
    return push(s, (double)elements, e);
}

static int add_cell(struct profile *s, struct text cell, struct error *e)
{
    switch (feature_cell_type(&s->feature)) {
    case TYPE_INT:
    case TYPE_FLOAT:
        return add_number_cell(s, cell, e);
    case TYPE_TIME:
        return add_time_cell(s, cell, e);
    case TYPE_BOOL:
        return add_bool_cell(s, cell, e);
    case TYPE_JSON:
        return add_list_cell(s, cell, e);
    case TYPE_TEXT:
        break;
    }
    return add_category(s, cell, e);
}

int profile_add(struct profile *s, struct text cell, struct error *e)
{
    int status = cell.at ? add_cell(s, cell, e) : 0;
    if (status)
        return status;
    s->rows++;
    s->missing += !cell.at;
    return 0;
}

int profile_add_value(struct profile *s, struct text row, size_t at, struct error *e)
{
    char room[TIME_MAX];
    double x;
    uint64_t bits;
    switch (row_kind(row, at)) {
    case ROW_INT:
    case ROW_TIME:
        s->rows++;
        return add_int(s, (int64_t)row_bits(row, at), e);
    case ROW_FLOAT:
        bits = row_bits(row, at);
        memcpy(&x, &bits, sizeof x);
        s->rows++;
        return add_float(s, x, e);
    default:
        return profile_add(s, row_cell(row, at, room), e);
    }
}

/* ---- columns ---- */

static int add_floats(struct profile *s, const double *x, size_t n, struct error *e)
{
    int status = 0;
    s->rows += n;
    for (size_t r = 0; r < n && status == 0; r++) {
        if (isnan(x[r]))
            s->missing++;
        else
            status = add_float(s, x[r], e);
    }
    return status;
}

static int add_ints(struct profile *s, const int64_t *x, size_t n, struct error *e)
{
    int status = 0;
    s->rows += n;
    for (size_t r = 0; r < n && status == 0; r++) {
        if (x[r] == INT_MISSING)
            s->missing++;
        else
            status = add_int(s, x[r], e);
    }
    return status;
}

/* Integers keep all their digits. */
static int add_numbers(struct profile *s, struct batch *b, size_t column, struct error *e)
{
    struct column c;
    int status = batch_number(b, column, s->feature.name, &c, e);
    if (status == 0 && c.form == FORM_INT)
        return add_ints(s, c.i64, b->rows, e);
    if (status == 0 && c.form == FORM_FLOAT)
        return add_floats(s, c.f64, b->rows, e);
    for (size_t r = 0; r < b->rows && status == 0; r++)
        status = c.number[r].is_int ? add_ints(s, &c.number[r].i, 1, e)
                                    : add_floats(s, &c.number[r].f, 1, e);
    return status;
}

static int add_cells(struct profile *s, struct batch *b, size_t column, struct error *e)
{
    const struct text *cells = batch_text(b, column);
    for (size_t r = 0; r < b->rows; r++) {
        int status = profile_add(s, cells[r], e);
        if (status)
            return status == ERR_DATA ? batch_place(b, r, e) : status;
    }
    return 0;
}

int profile_add_column(struct profile *s, struct batch *b, size_t column, struct error *e)
{
    const double *floats;
    const usec *times;
    int status;
    switch (feature_cell_type(&s->feature)) {
    case TYPE_INT:
        return add_numbers(s, b, column, e);
    case TYPE_FLOAT:
        status = batch_double(b, column, s->feature.name, &floats, e);
        return status ? status : add_floats(s, floats, b->rows, e);
    case TYPE_TIME:
        status = batch_time(b, column, s->feature.name, &times, e);
        return status ? status : add_ints(s, times, b->rows, e);
    default:
        return add_cells(s, b, column, e);
    }
}

/* ---- merging ---- */

int profile_merge(struct profile *into, struct profile *from, struct error *e)
{
    int status = profile_flush(into, e);
    if (status == 0)
        status = profile_flush(from, e);
    if (status == 0 && into->quantiles)
        status = quantiles_merge(into->quantiles, from->quantiles, e);
    if (status)
        return status;
    into->rows += from->rows;
    into->missing += from->missing;
    moments_merge(&into->moments, &from->moments);
    distinct_merge(&into->distinct, &from->distinct);
    if (into->frequent)
        frequent_merge(into->frequent, from->frequent);
    if (into->counts) {
        histogram_merge(&into->histogram, &from->histogram);
        counts_merge(&into->categories, &from->categories);
        into->other += from->other;
    }
    return 0;
}

int profile_quantiles(struct profile *s, const double *q, size_t n, double *out, struct error *e)
{
    int status = profile_flush(s, e);
    for (size_t i = 0; i < n; i++)
        out[i] = (double)NAN;
    return status || !s->quantiles ? status : quantiles_at(s->quantiles, q, n, out, e);
}

/* ---- bins ---- */

size_t profile_top(const struct profile *s, size_t n, struct text *value, uint64_t *count)
{
    size_t found = frequent_top(s->frequent, n, value, count), kept = 0;
    uint64_t least = 2 * (profile_values(s) / PROFILE_CATEGORIES);
    while (kept < found && (frequent_exact(s->frequent) || count[kept] > least))
        kept++;
    return kept;
}

/* Of n quantiles edges: the values, and what follows a value that is there more than once. */
static size_t edges_of(const double *at, size_t n, double *edges)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        bool again = i > 0 && at[i] == at[i - 1], last = i + 1 == n;
        double next = nextafter(at[i], (double)INFINITY);
        if (!again && (count == 0 || at[i] > edges[count - 1]))
            edges[count++] = at[i];
        if ((again || last) && isfinite(next) && next > edges[count - 1])
            edges[count++] = next;
    }
    if (count == 1) { /* the largest double alone */
        edges[1] = edges[0];
        edges[0] = nextafter(edges[0], 0);
        count++;
    }
    return count;
}

static int bin_numbers(struct profile *s, struct profile *from, struct error *e)
{
    double q[PROFILE_EDGES + 1], at[PROFILE_EDGES + 1], edges[2 * PROFILE_EDGES + 4] = {0};
    for (size_t i = 0; i < COUNT_OF(q); i++)
        q[i] = (double)i / PROFILE_EDGES;
    int status = profile_quantiles(from, q, COUNT_OF(q), at, e);
    size_t count = quantiles_count(from->quantiles) ? edges_of(at, COUNT_OF(at), edges) : 1;
    histogram_init(&s->histogram, edges, count - 1);
    return status;
}

static void bin_categories(struct profile *s, const struct profile *from)
{
    struct text values[PROFILE_CATEGORIES];
    uint64_t counts[PROFILE_CATEGORIES];
    s->complete = frequent_exact(from->frequent);
    size_t n =
        profile_top(from, s->complete ? PROFILE_CATEGORIES : PROFILE_FREQUENT, values, counts);
    for (size_t i = 0; i < n; i++)
        counts_add(&s->categories, values[i], 0, i);
}

int profile_bins(struct profile *from, struct profile **out, struct error *e)
{
    struct profile *s = start(&from->feature);
    const struct counts *c = &from->categories;
    int status = profile_flush(from, e);
    s->counts = true;
    s->complete = from->complete;
    if (status == 0 && from->quantiles)
        status = bin_numbers(s, from, e);
    else if (from->frequent)
        bin_categories(s, from);
    else if (from->counts && !profile_is_categories(&from->feature))
        histogram_init(&s->histogram, from->histogram.edges, from->histogram.bins);
    for (size_t i = 0; i < c->map.keys.len; i++)
        counts_add(&s->categories, c->map.keys.at[i], 0, c->first.at[i]);
    *out = status ? NULL : s;
    if (status)
        profile_free(s);
    return status;
}
