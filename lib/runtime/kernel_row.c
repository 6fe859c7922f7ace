/* Walks: one row through all trees, several trees at a time; and many rows through a deep tree. */
#include "runtime/kernel_common.h"

enum { TOGETHER = 8 }; /* walks side by side, so that their loads overlap */

/* Trees of one group and kind. */
struct walk {
    const struct ml_plan *p;
    const struct ml_tree *tree;
    size_t n;              /* 1 to TOGETHER */
    bool alike;            /* TOGETHER of them are */
    const uint16_t *right; /* of the group's lines */
    uint32_t lines;        /* how many there are */
    const uint32_t *codes; /* of the row */
};

/* Keeps a compiler from gathering walks into vectors, which takes longer than the walks. */
ML_ALWAYS uint32_t on_its_own(uint32_t x)
{
    __asm__("" : "+r"(x));
    return x;
}

/* 1 or 0; line: as nodes have it. */
ML_ALWAYS uint32_t right_at(const struct walk *w, uint32_t line)
{
    return w->right[line / 8];
}

/* Perfect trees that are alike, of a depth that is a constant: a tree's place follows from the
 * first one's. */
ML_ALWAYS void walk_alike(const struct walk *w, uint32_t depth, uint32_t leaf[TOGETHER])
{
    const uint16_t *node = (const uint16_t *)ML_SECTION(w->p, ML_AT_NODE) + w->tree->node;
    const size_t apart = ((size_t)1 << depth) - 1;
    uint32_t at[TOGETHER] = {0};
    for (uint32_t i = 0; i < depth; i++) {
#pragma GCC unroll 16
        for (size_t k = 0; k < TOGETHER; k++)
            at[k] = on_its_own(2 * at[k] + right_at(w, node[k * apart + at[k]]));
        node += (size_t)1 << i;
    }
    memcpy(leaf, at, sizeof at);
}

static void walk_depth(const struct walk *w, uint32_t leaf[TOGETHER])
{
    switch (w->tree->depth) {
    case 3:
        walk_alike(w, 3, leaf);
        break;
    case 4:
        walk_alike(w, 4, leaf);
        break;
    case 5:
        walk_alike(w, 5, leaf);
        break;
    case 6:
        walk_alike(w, 6, leaf);
        break;
    case 7:
        walk_alike(w, 7, leaf);
        break;
    default:
        walk_alike(w, 8, leaf);
        break;
    }
}

static void walk_perfect(const struct walk *w, uint32_t leaf[TOGETHER])
{
    const uint16_t *nodes = ML_SECTION(w->p, ML_AT_NODE), *node[TOGETHER];
    uint32_t least = UINT32_MAX, most = 0, at[TOGETHER] = {0};
    for (size_t k = 0; k < TOGETHER; k++) {
        const struct ml_tree *t = &w->tree[k < w->n ? k : 0];
        node[k] = nodes + t->node;
        least = t->depth < least ? t->depth : least;
        most = t->depth > most ? t->depth : most;
    }
    for (uint32_t i = 0; i < least; i++)
#pragma GCC unroll 8
        for (size_t k = 0; k < TOGETHER; k++)
            at[k] = on_its_own(2 * at[k] + 1 + right_at(w, node[k][at[k]]));
    for (uint32_t i = least; i < most; i++)
        for (size_t k = 0; k < w->n; k++)
            if (i < w->tree[k].depth)
                at[k] = 2 * at[k] + 1 + right_at(w, node[k][at[k]]);
    for (size_t k = 0; k < w->n; k++)
        leaf[k] = at[k] + 1 - (UINT32_C(1) << w->tree[k].depth);
}

/* At a leaf a row goes left, to where it is. */
static void walk_sparse(const struct walk *w, uint32_t leaf[TOGETHER])
{
    const uint16_t *nodes = ML_SECTION(w->p, ML_AT_NODE), *place[TOGETHER];
    uint32_t most = 0, at[TOGETHER] = {0}, moved = 1;
    for (size_t k = 0; k < TOGETHER; k++) {
        const struct ml_tree *t = &w->tree[k < w->n ? k : 0];
        place[k] = nodes + t->node + t->nodes;
        most = t->depth > most ? t->depth : most;
    }
    for (uint32_t i = 0; i < most && moved; i++) {
        moved = 0;
#pragma GCC unroll 8
        for (size_t k = 0; k < TOGETHER; k++) {
            const uint16_t *now = place[k] + (size_t)2 * at[k];
            uint32_t next = now[1] + right_at(w, now[0]);
            moved |= next ^ at[k];
            at[k] = on_its_own(next);
        }
    }
    for (size_t k = 0; k < w->n; k++)
        leaf[k] = (place[k][2 * at[k]] - 8 * w->lines) & (w->tree[k].leaves - 1);
}

/* One of many walks through a deep tree: from a node to a child; a leaf stays. may_be_set is a
 * constant. */
ML_ALWAYS int32_t step(const struct ml_plan *p, bool may_be_set, const struct ml_step *steps,
                       int32_t at, const uint32_t *codes, size_t apart)
{
    const struct ml_step *s = &steps[at < 0 ? 0 : at];
    uint32_t code = codes[s->plane * apart], right = code > s->code;
    if (may_be_set && ml_is_set(p, s->plane)) {
        const struct ml_plane *planes = ML_SECTION(p, ML_AT_PLANE);
        right = ml_set_has(p, &planes[s->plane], s->code, code);
    }
    return (int32_t)on_its_own((uint32_t)(at < 0 ? at : s->child[right]));
}

/* A walk that has not come to a leaf, for a plan that lies about a tree's depth, is at leaf 0. */
static inline uint32_t leaf_at(int32_t at)
{
    return at < 0 ? (uint32_t)(-1 - at) : 0;
}

static void walk_deep(const struct walk *w, uint32_t leaf[TOGETHER])
{
    const struct ml_step *all = ML_SECTION(w->p, ML_AT_STEP), *steps[TOGETHER];
    uint32_t most = 0;
    int32_t at[TOGETHER] = {0};
    for (size_t k = 0; k < TOGETHER; k++) {
        const struct ml_tree *t = &w->tree[k < w->n ? k : 0];
        steps[k] = all + t->node;
        most = t->depth > most ? t->depth : most;
    }
    for (uint32_t i = 0; i < most; i++)
        for (size_t k = 0; k < TOGETHER; k++)
            at[k] = step(w->p, true, steps[k], at[k], w->codes, 1);
    for (size_t k = 0; k < w->n; k++)
        leaf[k] = leaf_at(at[k]);
}

/* The leaves of the next trees, from w->tree on, of a group that has `left` more. */
static void walk_next(struct walk *w, size_t left, uint32_t leaf[TOGETHER])
{
    w->alike = w->tree->alike >= TOGETHER;
    w->n = w->alike ? TOGETHER : 1;
    while (w->n < left && w->n < TOGETHER && w->tree[w->n].kind == w->tree->kind)
        w->n++;
    if (w->alike)
        walk_depth(w, leaf);
    else if (ml_is_deep(w->tree))
        walk_deep(w, leaf);
    else if (ml_is_sparse(w->tree))
        walk_sparse(w, leaf);
    else
        walk_perfect(w, leaf);
}

/* What becomes of the leaves of w's trees. */
typedef void leaf_user(const struct walk *w, const uint32_t leaf[TOGETHER], void *out);

static void row_walk(const struct ml_parts *k, const struct ml_plan *p, const uint32_t *codes,
                     uint16_t *right, leaf_user *use, void *out)
{
    const struct ml_group *group = ML_SECTION(p, ML_AT_GROUP);
    struct walk w = {.p = p, .tree = ML_SECTION(p, ML_AT_TREE), .right = right, .codes = codes};
    for (size_t g = 0; g < p->groups; g++) {
        w.lines = group[g].lines;
        if (group[g].walked)
            k->fill_right(p, &group[g], codes, right);
        memset(right + w.lines, 0, ML_RIGHT_MORE * sizeof *right);
        for (size_t left = group[g].trees; left > 0; left -= w.n, w.tree += w.n) {
            uint32_t leaf[TOGETHER];
            walk_next(&w, left, leaf);
            use(&w, leaf, out);
        }
    }
}

static void use_numbers(const struct walk *w, const uint32_t leaf[TOGETHER], void *out)
{
    const struct ml_tree *first = ML_SECTION(w->p, ML_AT_TREE);
    uint32_t *leaves = (uint32_t *)out + (w->tree - first);
    for (size_t k = 0; k < w->n; k++)
        leaves[k] = ml_leaf_number(w->p, &w->tree[k], leaf[k]);
}

ML_API void ml_row_leaves(const struct ml_parts *k, const struct ml_plan *p, const uint32_t *codes,
                          uint16_t *right, uint32_t *leaves)
{
    row_walk(k, p, codes, right, use_numbers, leaves);
}

static void use_values(const struct walk *w, const uint32_t leaf[TOGETHER], void *out)
{
    for (size_t i = 0; i < w->n; i++)
        for (size_t k = 0; k < w->p->width; k++) {
            double *sum = (double *)out + w->tree[i].output + k;
            *sum = ml_sum_next(w->p, *sum, ml_leaf_value(w->p, &w->tree[i], leaf[i], k));
        }
}

/* The usual case, a single sum of floats, which stays in a register. */
static void use_float(const struct walk *w, const uint32_t leaf[TOGETHER], void *out)
{
    const float *value = ML_SECTION(w->p, ML_AT_VALUE);
    float sum = *(float *)out;
    if (w->alike) {
        value += w->tree->value;
        for (size_t i = 0; i < TOGETHER; i++)
            sum += value[(i << w->tree->bits) + leaf[i]];
    } else {
        for (size_t i = 0; i < w->n; i++)
            sum += value[w->tree[i].value + leaf[i]];
    }
    *(float *)out = sum;
}

ML_API void ml_row_margins(const struct ml_parts *k, const struct ml_plan *p, const uint32_t *codes,
                           uint16_t *right, double *margins)
{
    for (size_t i = 0; i < p->outputs; i++)
        margins[i] = ml_sum_first(p, i);
    if (p->outputs == 1 && ML_OF(p, single_sum) && ML_OF(p, how) <= ML_SUM_MEAN) {
        float sum = (float)margins[0];
        row_walk(k, p, codes, right, use_float, &sum);
        margins[0] = (double)sum;
    } else {
        row_walk(k, p, codes, right, use_values, margins);
    }
    for (size_t i = 0; i < p->outputs; i++)
        margins[i] = ml_sum_last(p, i, margins[i]);
}

/* ---- rows of a block in a deep tree ---- */

enum { ROWS_TOGETHER = ML_DEEP_ROWS }; /* more than trees: they share the nodes' memory */

ML_ALWAYS void deep_rows(const struct ml_plan *p, bool may_be_set, const struct ml_tree *t,
                         const uint32_t *wide, int32_t at[ROWS_TOGETHER])
{
    const struct ml_step *steps = (const struct ml_step *)ML_SECTION(p, ML_AT_STEP) + t->node;
    int32_t all = 0; /* < 0: at leaves */
    for (uint32_t i = t->bits; i < t->depth && all >= 0; i++) {
        all = -1;
#pragma GCC unroll 16
        for (size_t k = 0; k < ROWS_TOGETHER; k++) {
            at[k] = step(p, may_be_set, steps, at[k], wide + k, ML_ROWS);
            all &= at[k];
        }
    }
}

ML_API void ml_deep_leaves(const struct ml_plan *p, const struct ml_tree *t, const uint8_t *top,
                           const uint32_t *wide, size_t n, uint32_t *leaf)
{
    const int32_t *start = (const int32_t *)ML_SECTION(p, ML_AT_START) + t->start;
    for (size_t first = 0; first < n; first += ROWS_TOGETHER) {
        size_t r = first + ROWS_TOGETHER <= n ? first : n - ROWS_TOGETHER; /* some again */
        int32_t at[ROWS_TOGETHER] = {0};
        for (size_t k = 0; k < ROWS_TOGETHER && t->bits; k++)
            at[k] = start[top[r + k]];
        if (!ML_HAS(sets) || p->number_planes == p->planes)
            deep_rows(p, false, t, wide + r, at);
        else
            deep_rows(p, true, t, wide + r, at);
        for (size_t k = 0; k < ROWS_TOGETHER; k++)
            leaf[r + k] = leaf_at(at[k]);
    }
}
