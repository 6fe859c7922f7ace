#include "runtime/kernel_common.h"

size_t ml_scratch(const struct ml_plan *p)
{
    size_t block = (size_t)p->planes * ML_ROWS + (size_t)p->outputs * ML_ROWS * sizeof(double);
    size_t row = ((size_t)p->features + p->planes + 1 + p->outputs) * sizeof(double);
    return (block > row ? block : row) + 64;
}

static double first_sum(const struct ml_plan *p, size_t output)
{
    if (p->how == ML_SUM_MIN || p->how == ML_SUM_MAX)
        return p->how == ML_SUM_MIN ? ML_INFINITY : -ML_INFINITY;
    return p->base_last ? 0 : ((const double *)ML_AT(p, base_at))[output];
}

void ml_sums_begin(const struct ml_plan *p, union ml_sums *sums)
{
    for (size_t k = 0; k < p->outputs; k++) {
        double first = first_sum(p, k);
        for (size_t r = 0; r < ML_ROWS; r++) {
            if (p->single_sum)
                sums->single[k * ML_ROWS + r] = (float)first;
            else
                sums->wide[k * ML_ROWS + r] = first;
        }
    }
}

static double extreme(const struct ml_plan *p, double a, double b)
{
    return (p->how == ML_SUM_MIN ? b < a : b > a) ? b : a;
}

static void add_single(const struct ml_plan *p, const float *table, const uint8_t leaf[ML_ROWS],
                       float *sums)
{
    for (size_t k = 0; k < p->width; k++)
        for (size_t r = 0; r < ML_ROWS; r++) {
            float *sum = &sums[k * ML_ROWS + r], value = table[leaf[r] * p->width + k];
            *sum = p->how <= ML_SUM_MEAN ? *sum + value
                                         : (float)extreme(p, (double)*sum, (double)value);
        }
}

static void add_wide(const struct ml_plan *p, const double *table, const uint8_t leaf[ML_ROWS],
                     double *sums)
{
    for (size_t k = 0; k < p->width; k++)
        for (size_t r = 0; r < ML_ROWS; r++) {
            double *sum = &sums[k * ML_ROWS + r], value = table[leaf[r] * p->width + k];
            *sum = p->how <= ML_SUM_MEAN ? *sum + value : extreme(p, *sum, value);
        }
}

void ml_sums_add(const struct ml_plan *p, const struct ml_tree *t, const uint8_t leaf[ML_ROWS],
                 union ml_sums *sums)
{
    size_t first = (size_t)t->leaf * p->width, to = (size_t)t->output * ML_ROWS;
    if (p->single_sum)
        add_single(p, (const float *)ML_AT(p, leaf_at) + first, leaf, sums->single + to);
    else
        add_wide(p, (const double *)ML_AT(p, leaf_at) + first, leaf, sums->wide + to);
}

static double rounded(const struct ml_plan *p, double x)
{
    return p->single_sum ? (double)(float)x : x;
}

static double last_sum(const struct ml_plan *p, size_t output, double sum)
{
    bool extreme_sum = p->how > ML_SUM_MEAN;
    if (p->how == ML_SUM_MEAN)
        sum = rounded(p, sum / p->rounds);
    if (extreme_sum && (sum == ML_INFINITY || sum == -ML_INFINITY))
        sum = 0; /* no tree has this output */
    if (p->base_last || extreme_sum)
        sum = rounded(p, sum + ((const double *)ML_AT(p, base_at))[output]);
    return p->narrow ? (double)(float)sum : sum;
}

void ml_sums_end(const struct ml_plan *p, const union ml_sums *sums, size_t rows, double *margins)
{
    for (size_t k = 0; k < p->outputs; k++)
        for (size_t r = 0; r < rows; r++) {
            size_t at = k * ML_ROWS + r;
            double sum = p->single_sum ? (double)sums->single[at] : sums->wide[at];
            margins[r * p->outputs + k] = last_sum(p, k, sum);
        }
}

/* ---- one row ---- */

/* What the nodes of each plane compare; -inf and inf go left and right at every threshold. The last
 * slot is for leaves. */
static void fill_slots(const struct ml_plan *p, const double *row, double *slots)
{
    const struct ml_plane *planes = ML_AT(p, plane_at);
    for (size_t i = 0; i < p->planes; i++) {
        double x = row[planes[i].feature];
        bool left;
        if (ml_is_settled(p, &planes[i], &x, &left))
            slots[i] = left ? -ML_INFINITY : ML_INFINITY;
        else
            slots[i] = x;
    }
    slots[p->planes] = -ML_INFINITY;
}

/* Walks trees first .. first + n - 1; at[] are their leaves, counted among all steps. */
static void walk(const struct ml_plan *p, const struct ml_tree *trees, size_t n,
                 const double *slots, uint32_t at[ML_TOGETHER])
{
    const struct ml_step *steps = ML_AT(p, step_at);
    const struct ml_step *root[ML_TOGETHER];
    uint32_t depth = 0, now[ML_TOGETHER] = {0};
    for (size_t k = 0; k < ML_TOGETHER; k++) {
        const struct ml_tree *t = &trees[k < n ? k : 0];
        root[k] = steps + t->step;
        depth = t->depth > depth ? t->depth : depth;
    }
    for (uint32_t i = 0; i < depth; i++)
        for (size_t k = 0; k < ML_TOGETHER; k++) {
            const struct ml_step *s = root[k] + now[k];
            now[k] = s->left + !(slots[s->slot] < s->threshold);
        }
    for (size_t k = 0; k < n; k++)
        at[k] = trees[k].step + now[k];
}

void ml_row_begin(const struct ml_plan *p, double *margins)
{
    for (size_t k = 0; k < p->outputs; k++)
        margins[k] = rounded(p, first_sum(p, k));
}

void ml_row_add(const struct ml_plan *p, const struct ml_tree *t, uint64_t at, size_t from,
                double *margins)
{
    const void *numbers = (const char *)p + at;
    for (size_t k = 0; k < p->width; k++) {
        double value = p->single_sum ? (double)((const float *)numbers)[from + k]
                                     : ((const double *)numbers)[from + k];
        double *sum = &margins[t->output + k];
        *sum = p->how <= ML_SUM_MEAN ? rounded(p, *sum + value) : extreme(p, *sum, value);
    }
}

void ml_row_end(const struct ml_plan *p, double *margins)
{
    for (size_t k = 0; k < p->outputs; k++)
        margins[k] = last_sum(p, k, margins[k]);
}

void ml_row_by_steps(const struct ml_plan *p, const double *row, void *scratch, double *margins)
{
    const struct ml_tree *trees = ML_AT(p, tree_at);
    double *slots = scratch;
    fill_slots(p, row, slots);
    ml_row_begin(p, margins);
    for (size_t i = 0; i < p->trees; i += ML_TOGETHER) {
        uint32_t at[ML_TOGETHER];
        size_t n = p->trees - i < ML_TOGETHER ? p->trees - i : ML_TOGETHER;
        walk(p, trees + i, n, slots, at);
        for (size_t j = 0; j < n; j++)
            ml_row_add(p, &trees[i + j], p->value_at, (size_t)at[j] * p->width, margins);
    }
    ml_row_end(p, margins);
}

void ml_block_by_steps(const struct ml_plan *p, const double *const *columns, size_t first,
                       size_t rows, void *scratch, double *margins)
{
    double *row = (double *)scratch + p->planes + 1;
    for (size_t r = 0; r < rows; r++) {
        for (size_t f = 0; f < p->features; f++)
            row[f] = columns[f] ? columns[f][first + r] : ML_NAN;
        ml_row_by_steps(p, row, scratch, margins + r * p->outputs);
    }
}
