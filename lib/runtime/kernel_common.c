#include "runtime/kernel_common.h"

static size_t encoded_bytes(const struct ml_plan *p)
{
    size_t row = p->has_codes ? p->planes : ((size_t)p->planes + 1) * sizeof(double);
    return row * ML_ROWS;
}

ML_API union ml_sums *ml_sums_of(const struct ml_plan *p, void *block)
{
    return (void *)((char *)block + encoded_bytes(p));
}

ML_API size_t ml_block_bytes(const struct ml_plan *p)
{
    return encoded_bytes(p) + (size_t)p->outputs * ML_ROWS * sizeof(double);
}

static double first_sum(const struct ml_plan *p, size_t output)
{
    if (p->how == ML_SUM_MIN || p->how == ML_SUM_MAX)
        return p->how == ML_SUM_MIN ? ML_INFINITY : -ML_INFINITY;
    return p->base_last ? 0 : ((const double *)ML_AT(p, base_at))[output];
}

ML_API void ml_sums_begin(const struct ml_plan *p, union ml_sums *sums)
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

static double extreme_of(const struct ml_plan *p, double a, double b)
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
                                         : (float)extreme_of(p, (double)*sum, (double)value);
        }
}

static void add_wide(const struct ml_plan *p, const double *table, const uint8_t leaf[ML_ROWS],
                     double *sums)
{
    for (size_t k = 0; k < p->width; k++)
        for (size_t r = 0; r < ML_ROWS; r++) {
            double *sum = &sums[k * ML_ROWS + r], value = table[leaf[r] * p->width + k];
            *sum = p->how <= ML_SUM_MEAN ? *sum + value : extreme_of(p, *sum, value);
        }
}

ML_API void ml_sums_add(const struct ml_plan *p, const struct ml_tree *t,
                        const uint8_t leaf[ML_ROWS], union ml_sums *sums)
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

ML_API void ml_sums_end(const struct ml_plan *p, const union ml_sums *sums, size_t rows,
                        double *margins)
{
    for (size_t k = 0; k < p->outputs; k++)
        for (size_t r = 0; r < rows; r++) {
            size_t at = k * ML_ROWS + r;
            double sum = p->single_sum ? (double)sums->single[at] : sums->wide[at];
            margins[r * p->outputs + k] = last_sum(p, k, sum);
        }
}

/* ---- one row ---- */

ML_API void ml_row_begin(const struct ml_plan *p, double *margins)
{
    for (size_t k = 0; k < p->outputs; k++)
        margins[k] = rounded(p, first_sum(p, k));
}

ML_API void ml_row_add(const struct ml_plan *p, const struct ml_tree *t, uint64_t at, size_t from,
                       double *margins)
{
    const void *numbers = (const char *)p + at;
    for (size_t k = 0; k < p->width; k++) {
        double value = p->single_sum ? (double)((const float *)numbers)[from + k]
                                     : ((const double *)numbers)[from + k];
        double *sum = &margins[t->output + k];
        *sum = p->how <= ML_SUM_MEAN ? rounded(p, *sum + value) : extreme_of(p, *sum, value);
    }
}

ML_API void ml_row_end(const struct ml_plan *p, double *margins)
{
    for (size_t k = 0; k < p->outputs; k++)
        margins[k] = last_sum(p, k, margins[k]);
}

/* ---- without codes ---- */

/* Of one value of a plane: -inf and inf go left and right at every threshold. */
static double slot_of(const struct ml_plan *p, const struct ml_plane *plane, double x)
{
    bool left;
    if (ml_is_settled(p, plane, &x, &left))
        return left ? -ML_INFINITY : ML_INFINITY;
    return x;
}

/* The last slot of a row is for leaves. */
ML_API void ml_steps_encode(const struct ml_plan *p, const struct ml_rows *rows, size_t first,
                            size_t n, size_t at, void *block)
{
    const struct ml_plane *planes = ML_AT(p, plane_at);
    size_t apart = (size_t)p->planes + 1;
    double *slots = (double *)block + at * apart, values[ML_ROWS];
    for (size_t i = 0; i < p->planes; i++) {
        ml_values(rows, planes[i].feature, first, n, values);
        for (size_t r = 0; r < n; r++)
            slots[r * apart + i] = slot_of(p, &planes[i], values[r]);
    }
    for (size_t r = 0; r < n; r++)
        slots[r * apart + p->planes] = -ML_INFINITY;
}

/* Walks n trees; at[] are their leaves, counted among all steps. */
static void walk_steps(const struct ml_plan *p, const struct ml_tree *trees, size_t n,
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

static size_t trees_from(const struct ml_plan *p, size_t first)
{
    return p->trees - first < ML_TOGETHER ? p->trees - first : ML_TOGETHER;
}

static void steps_margins(const struct ml_plan *p, const double *slots, double *margins)
{
    const struct ml_tree *trees = ML_AT(p, tree_at);
    ml_row_begin(p, margins);
    for (size_t i = 0; i < p->trees; i += ML_TOGETHER) {
        uint32_t at[ML_TOGETHER];
        size_t n = trees_from(p, i);
        walk_steps(p, trees + i, n, slots, at);
        for (size_t k = 0; k < n; k++)
            ml_row_add(p, &trees[i + k], p->value_at, (size_t)at[k] * p->width, margins);
    }
    ml_row_end(p, margins);
}

ML_API void ml_steps_block(const struct ml_plan *p, void *block, size_t n, double *margins)
{
    const double *slots = block;
    for (size_t r = 0; r < n; r++)
        steps_margins(p, slots + r * (p->planes + 1), margins + r * p->outputs);
}

ML_API void ml_steps_leaves(const struct ml_plan *p, void *block, size_t n, uint32_t *leaves)
{
    const struct ml_tree *trees = ML_AT(p, tree_at);
    const double *slots = block;
    for (size_t r = 0; r < n; r++, slots += p->planes + 1)
        for (size_t i = 0; i < p->trees; i += ML_TOGETHER) {
            uint32_t at[ML_TOGETHER];
            size_t together = trees_from(p, i);
            walk_steps(p, trees + i, together, slots, at);
            for (size_t k = 0; k < together; k++)
                *leaves++ = ml_leaf_id(p, at[k]);
        }
}

ML_API void ml_steps_row(const struct ml_plan *p, const double *row, void *work, double *margins)
{
    ml_steps_encode(p, &(struct ml_rows){.wide = row}, 0, 1, 0, work);
    steps_margins(p, work, margins);
}
