/* Cuts that separate the values of a target: tree, MDLP, ChiMerge. */
#include "steps/bins.h"

#include <math.h>

/* Distinct values in increasing order, each with what is known of the target there: rows by class,
 * or (width 1) the sum of a numeric target. */
struct points {
    size_t len, width;
    double *x, *rows;     /* len */
    double *sums;         /* len * width */
    double *left, *right; /* width each: scratch */
};

static struct points points_of(const struct distribution *d)
{
    size_t classes = d->classes.keys.len;
    struct points p = {.width = classes ? classes : 1};
    size_t n = d->pairs.len + 1;
    p.x = mem_alloc(n * sizeof *p.x);
    p.rows = mem_alloc(n * sizeof *p.rows);
    p.sums = mem_alloc(n * p.width * sizeof *p.sums);
    p.left = mem_alloc(2 * p.width * sizeof *p.left);
    p.right = p.left + p.width;
    for (size_t i = 0; i < d->pairs.len; i++) {
        const struct pair_count *pair = &d->pairs.at[i];
        if (p.len == 0 || p.x[p.len - 1] != pair->x)
            p.x[p.len++] = pair->x;
        size_t at = p.len - 1;
        p.rows[at] += (double)pair->n;
        if (classes)
            p.sums[at * p.width + (size_t)pair->y] += (double)pair->n;
        else
            p.sums[at] += pair->y * (double)pair->n;
    }
    return p;
}

static void points_release(struct points *p)
{
    mem_free(p->x);
    mem_free(p->rows);
    mem_free(p->sums);
    mem_free(p->left);
}

/* Sums over points from .. to-1 into `sums`; returns their rows. */
static double total(const struct points *p, size_t from, size_t to, double *sums)
{
    double rows = 0;
    memset(sums, 0, p->width * sizeof *sums);
    for (size_t i = from; i < to; i++) {
        rows += p->rows[i];
        for (size_t k = 0; k < p->width; k++)
            sums[k] += p->sums[i * p->width + k];
    }
    return rows;
}

/* Moves point i from the right scratch to the left. */
static void pass(struct points *p, size_t i)
{
    for (size_t k = 0; k < p->width; k++) {
        p->left[k] += p->sums[i * p->width + k];
        p->right[k] -= p->sums[i * p->width + k];
    }
}

static double halfway(const struct points *p, size_t i)
{
    double middle = p->x[i - 1] + (p->x[i] - p->x[i - 1]) / 2;
    return middle > p->x[i - 1] ? middle : p->x[i];
}

static void add_cut(struct cuts *c, double cut)
{
    vec_push(&c->at, cut);
    for (size_t i = c->at.len - 1; i > 0 && c->at.at[i - 1] > cut; i--) {
        c->at.at[i] = c->at.at[i - 1];
        c->at.at[i - 1] = cut;
    }
}

/* Points from .. to-1; split between at-1 and at it gains most, or not at all. */
struct segment {
    size_t from, to, at, depth;
    double gain;
};

/* Sum of squares over rows: what least squares and Gini both want large on each side. */
static double concentration(const double *sums, size_t width, double rows)
{
    double squares = 0;
    for (size_t k = 0; k < width; k++)
        squares += sums[k] * sums[k];
    return rows > 0 ? squares / rows : 0;
}

static struct segment best_split(struct points *p, size_t from, size_t to, size_t depth,
                                 const struct tree_limits *limits)
{
    struct segment best = {.from = from, .to = to, .depth = depth};
    double rows = total(p, from, to, p->right), passed = 0;
    double whole = concentration(p->right, p->width, rows), least = (double)limits->least;
    /* Less than this is rounding. */
    best.gain = 1e-12 * fabs(whole);
    memset(p->left, 0, p->width * sizeof *p->left);
    for (size_t i = from; i + 1 < to && depth < limits->depth; i++) {
        pass(p, i);
        passed += p->rows[i];
        double gain = concentration(p->left, p->width, passed) +
                      concentration(p->right, p->width, rows - passed) - whole;
        if (passed >= least && rows - passed >= least && gain > best.gain) {
            best.gain = gain;
            best.at = i + 1;
        }
    }
    return best;
}

static struct segment *most_to_gain(struct segment *s, size_t n)
{
    struct segment *best = NULL;
    for (size_t i = 0; i < n; i++)
        if (s[i].at > 0 && (!best || s[i].gain > best->gain))
            best = &s[i];
    return best;
}

void cuts_tree(struct cuts *c, const struct distribution *d, const struct tree_limits *limits)
{
    struct points p = points_of(d);
    VEC(struct segment) leaves = {0};
    vec_push(&leaves, best_split(&p, 0, p.len, 0, limits));
    while (leaves.len < limits->leaves) {
        struct segment *chosen = most_to_gain(leaves.at, leaves.len);
        if (!chosen)
            break;
        struct segment split = *chosen;
        add_cut(c, halfway(&p, split.at));
        *chosen = best_split(&p, split.from, split.at, split.depth + 1, limits);
        vec_push(&leaves, best_split(&p, split.at, split.to, split.depth + 1, limits));
    }
    vec_release(&leaves);
    points_release(&p);
}

/* In bits; also the number of classes there are. */
static double entropy(const double *counts, size_t width, double rows, double *classes)
{
    double bits = 0;
    *classes = 0;
    for (size_t k = 0; k < width; k++)
        if (counts[k] > 0) {
            bits -= counts[k] / rows * log2(counts[k] / rows);
            *classes += 1;
        }
    return bits;
}

/* Whether cutting points from .. to-1 before `at` pays for the description of the cut. */
static bool pays(struct points *p, size_t from, size_t at, size_t to)
{
    double k, k1, k2;
    double left_rows = total(p, from, at, p->left), right_rows = total(p, at, to, p->right);
    double rows = left_rows + right_rows;
    double left = entropy(p->left, p->width, left_rows, &k1);
    double right = entropy(p->right, p->width, right_rows, &k2);
    (void)total(p, from, to, p->left);
    double whole = entropy(p->left, p->width, rows, &k);
    double gain = whole - (left_rows * left + right_rows * right) / rows;
    double delta = log2(pow(3, k) - 2) - (k * whole - k1 * left - k2 * right);
    return gain > (log2(rows - 1) + delta) / rows;
}

/* Where the entropies of both sides are least; 0: nowhere. */
static size_t purest_cut(struct points *p, size_t from, size_t to)
{
    double rows = total(p, from, to, p->right), passed = 0, least = (double)INFINITY, classes;
    size_t at = 0;
    memset(p->left, 0, p->width * sizeof *p->left);
    for (size_t i = from; i + 1 < to; i++) {
        pass(p, i);
        passed += p->rows[i];
        double bits = passed * entropy(p->left, p->width, passed, &classes) +
                      (rows - passed) * entropy(p->right, p->width, rows - passed, &classes);
        if (bits < least) {
            least = bits;
            at = i + 1;
        }
    }
    return at;
}

void cuts_mdlp(struct cuts *c, const struct distribution *d)
{
    struct points p = points_of(d);
    VEC(struct segment) open = {0};
    vec_push(&open, ((struct segment){.from = 0, .to = p.len}));
    while (open.len > 0) {
        struct segment s = open.at[--open.len];
        size_t at = purest_cut(&p, s.from, s.to);
        if (at == 0 || !pays(&p, s.from, at, s.to))
            continue;
        add_cut(c, halfway(&p, at));
        vec_push(&open, ((struct segment){.from = s.from, .to = at}));
        vec_push(&open, ((struct segment){.from = at, .to = s.to}));
    }
    vec_release(&open);
    points_release(&p);
}

enum { GROUPS = 1000 };

/* Puts points together into at most GROUPS groups of about equal size, in place. */
static void group_points(struct points *p)
{
    double rows = total(p, 0, p->len, p->left), target = rows / GROUPS;
    size_t groups = 0;
    if (p->len <= GROUPS)
        return;
    for (size_t i = 0; i < p->len; i++) {
        if (groups == 0 || p->rows[groups - 1] >= target) {
            p->x[groups] = p->x[i];
            p->rows[groups] = p->rows[i];
            memmove(p->sums + groups * p->width, p->sums + i * p->width,
                    p->width * sizeof *p->sums);
            groups++;
            continue;
        }
        p->rows[groups - 1] += p->rows[i];
        for (size_t k = 0; k < p->width; k++)
            p->sums[(groups - 1) * p->width + k] += p->sums[i * p->width + k];
    }
    p->len = groups;
}

/* Pearson's statistic of groups i and i + 1 against the same shares of classes in both. */
static double difference(const struct points *p, size_t i)
{
    double rows = p->rows[i] + p->rows[i + 1], chi = 0;
    for (size_t k = 0; k < p->width; k++) {
        double class_rows = p->sums[i * p->width + k] + p->sums[(i + 1) * p->width + k];
        for (size_t g = i; g < i + 2 && class_rows > 0; g++) {
            double expected = p->rows[g] * class_rows / rows;
            double off = p->sums[g * p->width + k] - expected;
            chi += off * off / expected;
        }
    }
    return chi;
}

static size_t most_alike(const double *chi, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (chi[i] < chi[best])
            best = i;
    return best;
}

/* Joins group i with the next. */
static void join_groups(struct points *p, double *chi, size_t i)
{
    size_t width = p->width, behind = p->len - i - 2;
    p->rows[i] += p->rows[i + 1];
    for (size_t k = 0; k < width; k++)
        p->sums[i * width + k] += p->sums[(i + 1) * width + k];
    memmove(p->x + i + 1, p->x + i + 2, behind * sizeof *p->x);
    memmove(p->rows + i + 1, p->rows + i + 2, behind * sizeof *p->rows);
    memmove(p->sums + (i + 1) * width, p->sums + (i + 2) * width, behind * width * sizeof *p->sums);
    memmove(chi + i, chi + i + 1, behind * sizeof *chi);
    p->len--;
    if (i > 0)
        chi[i - 1] = difference(p, i - 1);
    if (i + 1 < p->len)
        chi[i] = difference(p, i);
}

void cuts_chimerge(struct cuts *c, const struct distribution *d, double alpha, size_t bins)
{
    struct points p = points_of(d);
    group_points(&p);
    double *chi = mem_alloc((p.len + 1) * sizeof *chi), df = (double)p.width - 1;
    for (size_t i = 0; i + 1 < p.len; i++)
        chi[i] = difference(&p, i);
    while (p.len > 1) {
        size_t i = most_alike(chi, p.len - 1);
        if (p.len <= bins && df > 0 && chi2_sf(chi[i], df) < alpha)
            break;
        join_groups(&p, chi, i);
    }
    for (size_t i = 1; i < p.len; i++)
        vec_push(&c->at, p.x[i]);
    mem_free(chi);
    points_release(&p);
}
