/* Trees: which kind each is, groups of them and their lines, nodes and leaves. */
#include "infer/plan_parts.h"

#include <math.h>

enum {
    LINES_MAX = 8160, /* of a group: half a megabyte, so that they stay in a cache; and 8 times
                       * their number and any leaf's fit 16 bits */
    PERFECT_MIN = 3,  /* depth, but for a tree of a leaf */
    PERFECT_MAX = 8,  /* of this depth, leaves have numbers of a byte; also of tops */
};

/* What is known of all trees while groups are made. */
struct grouping {
    struct draft *d;
    uint32_t *pair;      /* of each plane: that of its code 0, among all planes' codes */
    uint32_t *line;      /* of each pair: in the group at hand, from 1; 0: not in it */
    VEC(uint32_t) pairs; /* those in the group */
    uint32_t *depth;     /* of each node */
    size_t first;        /* tree of the group */
};

static bool is_leaf(const struct draft *d, size_t node)
{
    return d->t->feature[node] == NODE_LEAF;
}

static uint32_t larger(uint32_t a, size_t b)
{
    return a > b ? a : (uint32_t)b;
}

/* ---- kinds ---- */

/* Whether a node's question fits a line. */
static bool fits_line(const struct draft *d, size_t node)
{
    const struct ml_plane *p = &d->planes.at[d->plane[node]];
    return d->plane[node] <= UINT16_MAX && d->code[node] <= UINT16_MAX &&
           p->codes <= UINT32_C(1) << ML_BITS;
}

static uint32_t bits_of(size_t n) /* that count below n */
{
    uint32_t bits = 0;
    while ((size_t)1 << bits < n)
        bits++;
    return bits;
}

/* Perfect trees pay for nodes that they do not have, sparse ones more for each that they have. */
static bool perfect_is_cheaper(const struct ml_tree *t)
{
    return t->depth <= PERFECT_MAX && (size_t)1 << t->depth <= 4 * (size_t)t->leaves;
}

/* Counts a tree's nodes and leaves, measures depths; returns the least depth of a node that fits no
 * line, UINT32_MAX when all do. */
static uint32_t measure(struct grouping *g, size_t tree, struct ml_tree *t)
{
    const struct draft *d = g->d;
    uint32_t fits = UINT32_MAX;
    for (size_t i = d->t->root[tree]; i < d->t->root[tree + 1]; i++) {
        t->depth = larger(t->depth, g->depth[i]);
        if (is_leaf(d, i)) {
            t->leaves++;
            g->d->wide_numbers |= d->t->number[i] > UINT16_MAX;
            continue;
        }
        g->depth[d->t->left[i]] = g->depth[d->t->right[i]] = g->depth[i] + 1;
        if (!fits_line(d, i) && g->depth[i] < fits)
            fits = g->depth[i];
        t->nodes++;
    }
    return fits;
}

static struct ml_tree tree_of(struct grouping *g, size_t tree)
{
    struct ml_tree t = {.output = g->d->t->output[tree]};
    uint32_t fits = measure(g, tree, &t);
    if (fits != UINT32_MAX || t.leaves > ML_LEAVES) {
        t.kind = ML_DEEP;
        t.bits = fits < PERFECT_MIN ? 0 : fits < PERFECT_MAX ? (uint8_t)fits : PERFECT_MAX;
    } else if (perfect_is_cheaper(&t)) {
        t.kind = ML_PERFECT;
        t.depth = t.depth > 0 && t.depth < PERFECT_MIN ? PERFECT_MIN : t.depth;
        t.bits = (uint8_t)t.depth;
    } else {
        t.kind = ML_SPARSE;
        t.bits = (uint8_t)bits_of(t.leaves);
    }
    return t;
}

/* Whether lines answer a node of a tree: of a deep one those of its top. */
static bool asks_line(const struct grouping *g, size_t tree, size_t node)
{
    const struct ml_tree *t = &g->d->trees.at[tree];
    return !is_leaf(g->d, node) && (t->kind != ML_DEEP || g->depth[node] < t->bits);
}

/* ---- leaves ---- */

static void put_value(struct draft *d, size_t node, size_t k)
{
    double wide = d->t->value[node * d->t->width + k];
    float single = (float)wide;
    if (d->single_sum)
        buf_add(&d->values, &single, sizeof single);
    else
        buf_add(&d->values, &wide, sizeof wide);
}

static void put_number(struct draft *d, size_t node)
{
    uint32_t wide = d->t->number[node];
    uint16_t narrow = (uint16_t)wide;
    if (d->wide_numbers)
        buf_add(&d->numbers, &wide, sizeof wide);
    else
        buf_add(&d->numbers, &narrow, sizeof narrow);
}

/* Leaves of a tree in the order of their numbers; those of a sparse one are as many as its bits can
 * say. */
static void put_leaves(struct draft *d, struct ml_tree *t, const uint32_t *leaf, size_t n)
{
    size_t number = d->wide_numbers ? sizeof(uint32_t) : sizeof(uint16_t);
    size_t table = (size_t)1 << t->bits, width = d->t->width; /* deep: no table */
    t->value = d->values.len / (d->single_sum ? sizeof(float) : sizeof(double));
    t->number = (uint32_t)(d->numbers.len / number);
    t->leaves = (uint32_t)(t->kind == ML_DEEP ? n : table);
    for (size_t i = 0; i < t->leaves; i++)
        put_number(d, leaf[i < n ? i : n - 1]);
    for (size_t i = 0; i < n * width && t->kind == ML_DEEP; i++)
        put_value(d, leaf[i / width], i % width);
    for (size_t i = 0; i < table * width && t->kind != ML_DEEP; i++)
        put_value(d, leaf[i % table < n ? i % table : n - 1], i / table);
}

/* ---- trees on lines ---- */

static uint16_t line_of(const struct grouping *g, size_t node)
{
    return (uint16_t)(8 * (g->line[g->pair[g->d->plane[node]] + g->d->code[node]] - 1));
}

/* The lines of a tree's levels above a depth, and the 2^depth nodes there; returned owned. Padded:
 * a leaf above the bottom repeats below itself, whatever the nodes there ask. */
static uint32_t *put_perfect_nodes(struct grouping *g, size_t tree, uint32_t depth)
{
    struct draft *d = g->d;
    size_t inner = ((size_t)1 << depth) - 1;
    uint32_t *order = mem_array(NULL, 2 * inner + 1, sizeof *order);
    order[0] = d->t->root[tree];
    for (size_t i = 0; i < inner; i++) {
        size_t node = order[i];
        bool leaf = is_leaf(d, node);
        vec_push(&d->nodes, line_of(g, leaf ? order[0] : node));
        order[2 * i + 1] = leaf ? order[i] : d->t->left[node];
        order[2 * i + 2] = leaf ? order[i] : d->t->right[node];
    }
    memmove(order, order + inner, (inner + 1) * sizeof *order);
    return order;
}

static void put_perfect(struct grouping *g, size_t tree, struct ml_tree *t)
{
    t->node = (uint32_t)g->d->nodes.len;
    uint32_t *leaves = put_perfect_nodes(g, tree, t->depth);
    t->nodes = (UINT32_C(1) << t->depth) - 1;
    put_leaves(g->d, t, leaves, (size_t)1 << t->depth);
    mem_free(leaves);
}

/* A sparse tree while it is laid out. */
struct places {
    uint32_t node[2 * ML_LEAVES];  /* of the model, at each place */
    uint16_t order[2 * ML_LEAVES]; /* of the node at a place, among those with children; or its
                                    * leaf's number */
    uint16_t from[ML_LEAVES];      /* the place of each node with children */
    uint8_t bits[2 * ML_LEAVES];   /* that the numbers of all leaves there have */
    uint32_t leaf[ML_LEAVES];      /* nodes of the model in the order of leaves */
    size_t nodes, leaves;
};

/* Numbers leaves from left to right, so that neighbours share most bits. */
static void number_leaves(const struct draft *d, struct places *s, size_t place)
{
    size_t node = s->node[place];
    if (is_leaf(d, node)) {
        s->bits[place] = (uint8_t)s->leaves;
        s->order[place] = (uint16_t)s->leaves;
        s->leaf[s->leaves++] = (uint32_t)node;
        return;
    }
    size_t left = 2 * (size_t)s->order[place] + 1;
    number_leaves(d, s, left);
    number_leaves(d, s, left + 1);
    s->bits[place] = s->bits[left] & s->bits[left + 1];
}

static void find_places(const struct draft *d, size_t tree, struct places *s)
{
    size_t count = 1;
    s->node[0] = d->t->root[tree];
    for (size_t place = 0; place < count; place++) {
        size_t node = s->node[place];
        if (is_leaf(d, node))
            continue;
        s->order[place] = (uint16_t)s->nodes;
        s->from[s->nodes++] = (uint16_t)place;
        s->node[count++] = d->t->left[node];
        s->node[count++] = d->t->right[node];
    }
    number_leaves(d, s, 0);
}

static void put_sparse(struct grouping *g, size_t tree, struct ml_tree *t)
{
    struct draft *d = g->d;
    struct places s = {0};
    find_places(d, tree, &s);
    t->node = (uint32_t)d->nodes.len;
    for (size_t i = 0; i < s.nodes; i++)
        vec_push(&d->nodes, s.from[i]);
    for (size_t place = 0; place <= 2 * s.nodes; place++) {
        bool leaf = is_leaf(d, s.node[place]);
        size_t line = leaf ? 8 * g->pairs.len + s.order[place] : line_of(g, s.node[place]);
        vec_push(&d->nodes, (uint16_t)line);
        vec_push(&d->nodes, (uint16_t)(leaf ? place : 2 * (size_t)s.order[place] + 1));
    }
    for (uint32_t b = 0; b < t->bits; b++) {
        size_t count = d->nodes.len;
        vec_push(&d->nodes, 0);
        for (size_t i = 0; i < s.nodes; i++)
            for (size_t place = 2 * i + 1; place <= 2 * i + 2; place++)
                if (s.bits[place] >> b & 1 && !(s.bits[s.from[i]] >> b & 1))
                    vec_push(&d->nodes, (uint16_t)place);
        d->nodes.at[count] = (uint16_t)(d->nodes.len - count - 1);
    }
    put_leaves(d, t, s.leaf, s.leaves);
}

/* ---- deep trees ---- */

/* The top of a tree; number: of the tree's nodes, as children. */
static void put_top(struct grouping *g, size_t tree, struct ml_tree *t, const int32_t *number)
{
    struct draft *d = g->d;
    t->top = (uint32_t)d->nodes.len;
    t->start = (uint32_t)d->starts.len;
    if (t->bits == 0)
        return;
    uint32_t *nodes = put_perfect_nodes(g, tree, t->bits);
    for (size_t i = 0; i < (size_t)1 << t->bits; i++)
        vec_push(&d->starts, number[nodes[i] - d->t->root[tree]]);
    mem_free(nodes);
}

static void put_deep(struct grouping *g, size_t tree, struct ml_tree *t)
{
    struct draft *d = g->d;
    size_t root = d->t->root[tree], count = d->t->root[tree + 1] - root;
    int32_t *number = mem_array(NULL, count, sizeof *number); /* as a child */
    uint32_t *leaf = mem_array(NULL, count, sizeof *leaf);
    int32_t nodes = 0, leaves = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_leaf(d, root + i)) {
            leaf[leaves] = (uint32_t)(root + i);
            number[i] = -1 - leaves++;
        } else
            number[i] = nodes++;
    }
    t->node = (uint32_t)d->steps.len;
    for (size_t i = root; i < root + count; i++)
        if (!is_leaf(d, i)) {
            struct ml_step step = {d->plane[i], d->code[i], {0}};
            step.child[0] = number[d->t->left[i] - root];
            step.child[1] = number[d->t->right[i] - root];
            vec_push(&d->steps, step);
        }
    put_top(g, tree, t, number);
    put_leaves(d, t, leaf, (size_t)leaves);
    mem_free(leaf);
    mem_free(number);
}

/* ---- groups ---- */

/* Adds the pairs of a tree to the group; how many are new. */
static size_t add_pairs(struct grouping *g, size_t tree)
{
    const struct draft *d = g->d;
    size_t before = g->pairs.len;
    for (size_t i = d->t->root[tree]; i < d->t->root[tree + 1]; i++) {
        if (!asks_line(g, tree, i))
            continue;
        uint32_t pair = g->pair[d->plane[i]] + d->code[i];
        if (!g->line[pair]) {
            vec_push(&g->pairs, pair);
            g->line[pair] = 1; /* it has one, which is known at the end */
        }
    }
    return g->pairs.len - before;
}

static void take_pairs(struct grouping *g, size_t n)
{
    for (; n > 0; n--)
        g->line[g->pairs.at[--g->pairs.len]] = 0;
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The levels that make lines of n codes, ascending: what codes have in their lowest bits, each
 * once; those whose highest of them is 0 come first. */
static void put_levels(struct draft *d, const uint32_t *codes, size_t n, uint32_t bits)
{
    uint32_t *here = mem_array(NULL, n, sizeof *here), *below = mem_alloc(sizeof *below);
    size_t below_count = 1;
    for (uint32_t b = 0; b < bits; b++) {
        size_t count = 0, counts = d->levels.len;
        uint32_t low = (UINT32_C(2) << b) - 1;
        for (size_t i = 0; i < n; i++)
            here[i] = codes[i] & low;
        qsort(here, n, sizeof *here, compare_u32);
        for (size_t i = 0; i < n; i++)
            if (count == 0 || here[count - 1] != here[i])
                here[count++] = here[i];
        vec_push(&d->levels, 0);
        vec_push(&d->levels, 0);
        for (size_t i = 0; i < count; i++) {
            uint32_t want = here[i] & (low >> 1);
            const uint32_t *found = bsearch(&want, below, below_count, sizeof want, compare_u32);
            vec_push(&d->levels, (uint16_t)(found - below));
            d->levels.at[counts + (here[i] >> b & 1)]++;
        }
        d->level_lines = larger(d->level_lines, 2 * below_count);
        mem_free(below);
        below = mem_copy(here, count * sizeof *here);
        below_count = count;
    }
    mem_free(below);
    mem_free(here);
}

/* Lines first .. first + n - 1 of the group are those of a plane. */
static void put_fill(struct draft *d, size_t plane, size_t first, const uint32_t *codes, size_t n)
{
    const struct ml_plane *p = &d->planes.at[plane];
    struct ml_fill f = {.plane = (uint32_t)plane, .line = (uint32_t)first, .lines = (uint32_t)n};
    if (plane < d->number_planes) {
        f.bits = bits_of(p->codes);
        f.level = (uint32_t)d->levels.len;
        put_levels(d, codes, n, f.bits);
    } else {
        d->set_codes = larger(d->set_codes, p->codes);
    }
    vec_push(&d->fills, f);
}

static void put_lines(struct grouping *g, struct ml_group *group)
{
    struct draft *d = g->d;
    size_t n = g->pairs.len, plane = 0;
    uint32_t *codes = mem_array(NULL, n + 1, sizeof *codes);
    if (n > 1)
        qsort(g->pairs.at, n, sizeof *g->pairs.at, compare_u32);
    for (size_t i = 0, first = 0; i < n; i++) {
        uint32_t pair = g->pairs.at[i];
        while (pair >= g->pair[plane + 1])
            plane++;
        codes[i] = pair - g->pair[plane];
        g->line[pair] = (uint32_t)i + 1;
        vec_push(&d->line_codes, (uint16_t)codes[i]);
        if (i + 1 == n || g->pairs.at[i + 1] >= g->pair[plane + 1]) {
            put_fill(d, plane, first, codes + first, i + 1 - first);
            first = i + 1;
        }
    }
    group->fills = (uint32_t)(d->fills.len - group->fill);
    group->lines = (uint32_t)n;
    d->lines = larger(d->lines, n);
    mem_free(codes);
}

/* Of trees that have their nodes and values one behind the other. */
static void mark_alike(struct ml_tree *trees, size_t n)
{
    for (size_t i = n; i-- > 0;) {
        const struct ml_tree *t = &trees[i], *next = t + 1;
        bool alike = i + 1 < n && t->kind == ML_PERFECT && next->kind == ML_PERFECT &&
                     t->depth > 0 && t->depth == next->depth && next->alike < UINT16_MAX;
        trees[i].alike = (uint16_t)(t->kind != ML_PERFECT ? 0 : alike ? next->alike + 1 : 1);
    }
}

/* Trees g->first .. end - 1 become a group. */
static void put_group(struct grouping *g, size_t end)
{
    struct draft *d = g->d;
    struct ml_group group = {.tree = (uint32_t)g->first,
                             .trees = (uint32_t)(end - g->first),
                             .fill = (uint32_t)d->fills.len,
                             .code = (uint32_t)d->line_codes.len};
    put_lines(g, &group);
    for (size_t tree = g->first; tree < end; tree++) {
        struct ml_tree *t = &d->trees.at[tree];
        if (t->kind == ML_PERFECT)
            put_perfect(g, tree, t);
        else if (t->kind == ML_SPARSE)
            put_sparse(g, tree, t);
        else
            put_deep(g, tree, t);
        group.walked += t->kind != ML_DEEP;
    }
    mark_alike(&d->trees.at[g->first], group.trees);
    vec_push(&d->groups, group);
    take_pairs(g, g->pairs.len);
    g->first = end;
}

static void put_groups(struct grouping *g)
{
    struct draft *d = g->d;
    for (size_t tree = 0; tree < d->t->count; tree++) {
        size_t new = add_pairs(g, tree);
        if (g->pairs.len > LINES_MAX && g->first < tree) {
            take_pairs(g, new);
            put_group(g, tree);
            add_pairs(g, tree);
        }
    }
    put_group(g, d->t->count);
}

/* ---- what blocks hold ---- */

/* Of a usual column's first plane; missing values are coded there as some other value is. */
static uint32_t column_byte(const struct draft *d, struct ml_column *c)
{
    const struct ml_plane *planes = &d->planes.at[c->plane];
    double values[] = {(double)NAN, (double)INFINITY, 0};
    for (size_t i = 0; i < c->planes; i++)
        if (planes[i].bytes != 1 || planes[i].with_zero || d->has_deep)
            return ML_NO_BYTE;
    for (size_t i = 0; i < COUNT_OF(values); i++)
        if (cuts_reached(&d->cuts.at[d->column_of[c->plane]], values[i]) == planes->missing) {
            c->missing = values[i];
            return planes->byte;
        }
    return ML_NO_BYTE;
}

static void give_bytes(const struct grouping *g)
{
    struct draft *d = g->d;
    for (size_t tree = 0; tree < d->t->count; tree++)
        for (size_t i = d->t->root[tree]; i < d->t->root[tree + 1]; i++)
            if (asks_line(g, tree, i)) {
                struct ml_plane *p = &d->planes.at[d->plane[i]];
                p->bytes = p->codes > 256 ? 2 : 1;
            }
    for (size_t i = 0; i < d->planes.len; i++) {
        d->planes.at[i].byte = d->bytes;
        d->bytes += d->planes.at[i].bytes;
    }
    for (size_t i = 0; i < d->columns.len; i++)
        d->columns.at[i].byte = column_byte(d, &d->columns.at[i]);
}

/* Before groups are made: kinds of trees, and numbers for all codes of planes. */
static void prepare(struct grouping *g)
{
    struct draft *d = g->d;
    uint32_t pairs = 0;
    g->depth = mem_alloc((d->t->nodes + 1) * sizeof *g->depth);
    g->pair = mem_array(NULL, d->planes.len + 1, sizeof *g->pair);
    for (size_t i = 0; i < d->planes.len; i++) {
        g->pair[i] = pairs;
        pairs += i < d->number_planes ? d->planes.at[i].codes : d->planes.at[i].sets;
    }
    g->pair[d->planes.len] = pairs;
    g->line = mem_alloc(((size_t)pairs + 1) * sizeof *g->line);
    for (size_t tree = 0; tree < d->t->count; tree++) {
        struct ml_tree t = tree_of(g, tree);
        d->has_deep |= t.kind == ML_DEEP;
        vec_push(&d->trees, t);
    }
    give_bytes(g);
}

void draft_trees(struct draft *d)
{
    struct grouping g = {.d = d};
    prepare(&g);
    put_groups(&g);
    vec_release(&g.pairs);
    mem_free(g.line);
    mem_free(g.pair);
    mem_free(g.depth);
}
