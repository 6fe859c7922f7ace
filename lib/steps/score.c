#include "steps/score.h"

#include <math.h>
#include <stdlib.h>

const struct text *score_targets(const struct lesson *l)
{
    return batch_text(l->batch, l->step->reads.at[0]);
}

json_t *score_save(const struct score *score, const char *name, json_t *sums)
{
    return json_pack("{s:o,s:o,s:o}", name, sums, "score", json_of_number(score->score), "p_value",
                     json_of_number(score->p_value));
}

/* Counts of (class, cell); the key is the length of the class in four bytes, class, cell. */
struct crossed {
    struct score score;
    struct counts counts;
    struct buf key;
};

static int crossed_add(const struct lesson *l, void *state, const struct text *values,
                       struct error *e)
{
    (void)e;
    struct crossed *x = state;
    const struct text *classes = score_targets(l);
    for (size_t r = 0; r < l->rows; r++) {
        if (!values[r].at || !classes[r].at)
            continue;
        uint32_t len = (uint32_t)classes[r].len;
        x->key.len = 0;
        buf_add(&x->key, &len, sizeof len);
        buf_add(&x->key, classes[r].at, classes[r].len);
        buf_add(&x->key, values[r].at, values[r].len);
        counts_add(&x->counts, (struct text){x->key.at, x->key.len}, 1, 0);
    }
    return 0;
}

static int crossed_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    (void)e;
    struct crossed *a = into, *b = from;
    counts_merge(&a->counts, &b->counts);
    return 0;
}

static json_t *crossed_save(const struct step *s, const void *state)
{
    (void)s;
    const struct crossed *x = state;
    return score_save(&x->score, "counts", counts_save(&x->counts));
}

static int crossed_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    (void)s;
    struct crossed *x = state;
    int rc = counts_load(&x->counts, json_object_get(j, "counts"), e);
    for (size_t i = 0; rc == 0 && i < x->counts.map.keys.len; i++) {
        struct text key = x->counts.map.keys.at[i];
        uint32_t len = 0;
        if (key.len >= sizeof len)
            memcpy(&len, key.at, sizeof len);
        if (key.len < sizeof len || len > key.len - sizeof len)
            rc = error_set(e, ERR_DATA, "not counts by class");
    }
    return rc;
}

static void crossed_release(void *state)
{
    struct crossed *x = state;
    counts_release(&x->counts);
    buf_release(&x->key);
}

/* A key taken apart, and where it goes in the table. */
struct entry {
    struct text class, cell;
    double value;
    uint64_t n;
    size_t row, column;
};

/* A table of counts: `rows` bins or categories by `columns` classes. */
struct table {
    size_t rows, columns;
    uint64_t *n; /* row-major */
};

static int by_class_name(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    return text_compare(a->class, b->class);
}

static int by_cell(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return text_compare(a->cell, b->cell);
}

static size_t number_classes(struct entry *entries, size_t n)
{
    size_t classes = 0;
    if (n)
        qsort(entries, n, sizeof *entries, by_class_name);
    for (size_t i = 0; i < n; i++) {
        classes += i == 0 || !text_equal(entries[i].class, entries[i - 1].class);
        entries[i].column = classes - 1;
    }
    return classes;
}

/* Equal cells share a row; with bins, so do neighbours: bin b has the values before which b / bins
 * of the rows lie. */
static size_t number_rows(struct entry *entries, size_t n, size_t bins)
{
    double all = 0, before = 0;
    size_t row = 0, last = SIZE_MAX;
    qsort(entries, n, sizeof *entries, by_cell);
    for (size_t i = 0; i < n; i++)
        all += (double)entries[i].n;
    for (size_t i = 0, end; i < n; i = end) {
        uint64_t here = 0;
        for (end = i; end < n && by_cell(&entries[i], &entries[end]) == 0; end++)
            here += entries[end].n;
        size_t bin = bins ? (size_t)(before / all * (double)bins) : i;
        row += last != SIZE_MAX && bin != last;
        last = bin;
        for (size_t k = i; k < end; k++)
            entries[k].row = row;
        before += (double)here;
    }
    return row + 1;
}

static bool read_entries(const struct counts *c, bool numbers, struct entry *entries)
{
    for (size_t i = 0; i < c->map.keys.len; i++) {
        struct text key = c->map.keys.at[i];
        uint32_t len;
        memcpy(&len, key.at, sizeof len);
        struct entry *x = &entries[i];
        *x = (struct entry){.class = {key.at + sizeof len, len}, .n = c->n.at[i]};
        x->cell = (struct text){x->class.at + len, key.len - sizeof len - len};
        if (numbers && !number_parse_double(x->cell.at, x->cell.len, &x->value))
            return false;
    }
    return true;
}

/* Columns of numbers are cut into bins when they have more than `bins` values. */
static int cross(const struct step *s, size_t index, const struct crossed *x, struct table *t,
                 struct error *e)
{
    const struct dropping *d = s->plan;
    size_t n = x->counts.map.keys.len, bins = (size_t)arg_int(s, "bins");
    bool numbers = type_is_number(d->types[index]);
    struct entry *entries = mem_array(NULL, n + 1, sizeof *entries);
    *t = (struct table){0};
    if (!read_entries(&x->counts, numbers, entries)) {
        mem_free(entries);
        return error_set(e, ERR_DATA, "%s: '%s' has a cell that is not a number", s->kind->name,
                         s->names[index]);
    }
    t->columns = number_classes(entries, n);
    t->rows = n ? number_rows(entries, n, 0) : 0;
    if (numbers && t->rows > bins)
        t->rows = number_rows(entries, n, bins);
    t->n = mem_alloc(t->rows * t->columns * sizeof *t->n);
    for (size_t i = 0; i < n; i++)
        t->n[entries[i].row * t->columns + entries[i].column] += entries[i].n;
    mem_free(entries);
    return 0;
}

/* Sum of p ln(p / (row share * column share)), in nats. */
static double mutual_information(const struct table *t)
{
    double all = 0, sum = 0;
    double *row = mem_alloc((t->rows + t->columns) * sizeof *row), *column = row + t->rows;
    for (size_t i = 0; i < t->rows * t->columns; i++) {
        row[i / t->columns] += (double)t->n[i];
        column[i % t->columns] += (double)t->n[i];
        all += (double)t->n[i];
    }
    for (size_t i = 0; i < t->rows * t->columns; i++) {
        double n = (double)t->n[i];
        if (n > 0)
            sum += n / all * log(n * all / (row[i / t->columns] * column[i % t->columns]));
    }
    mem_free(row);
    return t->rows ? fmax(sum, 0) : (double)NAN;
}

static int finish_information(const struct step *s, size_t index, void *state, struct error *e)
{
    struct crossed *x = state;
    struct table t;
    int rc = cross(s, index, x, &t, e);
    if (rc == 0)
        x->score = (struct score){mutual_information(&t), (double)NAN};
    mem_free(t.n);
    return rc;
}

/* The counts of two classes, one after the other: halves[0 .. rows), halves[rows .. 2 rows). Sets
 * none when there is but one class. */
static int halve(const struct step *s, const struct table *t, uint64_t **halves, struct error *e)
{
    *halves = NULL;
    if (t->columns > 2)
        return error_set(e, ERR_DATA, "%s: the target has %zu values, expected two", s->kind->name,
                         t->columns);
    if (t->columns < 2)
        return 0;
    *halves = mem_array(NULL, 2 * t->rows, sizeof **halves);
    for (size_t i = 0; i < 2 * t->rows; i++)
        (*halves)[i % 2 * t->rows + i / 2] = t->n[i];
    return 0;
}

static int finish_divergence(const struct step *s, size_t index, void *state, struct error *e)
{
    struct crossed *x = state;
    struct table t;
    uint64_t *halves = NULL;
    int rc = cross(s, index, x, &t, e);
    if (rc == 0)
        rc = halve(s, &t, &halves, e);
    x->score = (struct score){(double)NAN, (double)NAN};
    if (halves)
        x->score.score = difference_psi(halves, halves + t.rows, t.rows);
    mem_free(halves);
    mem_free(t.n);
    return rc;
}

#define CROSSED_LEARNER(derive)                                                                    \
    {                                                                                              \
        .size = sizeof(struct crossed), .texts = crossed_add, .merge = crossed_merge,              \
        .finish = derive, .save = crossed_save, .load = crossed_load, .release = crossed_release   \
    }
const struct learner score_information = CROSSED_LEARNER(finish_information);
const struct learner score_divergence = CROSSED_LEARNER(finish_divergence);
