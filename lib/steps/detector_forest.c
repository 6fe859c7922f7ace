/* Isolation forest: how few random cuts set a row apart (Liu, Ting and Zhou 2008). */
#include "steps/detector.h"

#include <math.h>

/* Inner nodes cut; leaves (left 0) hold the length of the path that ends there. */
struct node {
    size_t column, left, right;
    double cut, length;
};

struct forest {
    VEC(struct node) nodes;
    VEC(size_t) roots;
    double usual; /* mean length of paths in a tree */
};

/* A tree being made: rows of the sample, and a stream of random numbers of its own. */
struct growth {
    struct forest *forest;
    const struct row_sample *rows;
    size_t *chosen;
    size_t deepest;
    uint64_t seed, stream, draws;
};

/* Mean length of an unsuccessful search in a binary tree of n leaves. */
static double search_length(double n)
{
    const double euler = 0.57721566490153286;
    if (n <= 1)
        return 0;
    return n == 2 ? 1 : 2 * (log(n - 1) + euler) - 2 * (n - 1) / n;
}

static const double *row_at(const struct growth *g, size_t i)
{
    return g->rows->at + g->chosen[i] * g->rows->width;
}

static void range_of(const struct growth *g, size_t from, size_t to, size_t column, double *low,
                     double *high)
{
    *low = *high = row_at(g, from)[column];
    for (size_t i = from + 1; i < to; i++) {
        *low = fmin(*low, row_at(g, i)[column]);
        *high = fmax(*high, row_at(g, i)[column]);
    }
}

/* A column in which the rows differ, drawn with equal chances; false when there is none. */
static bool draw_cut(struct growth *g, size_t from, size_t to, struct node *n)
{
    double low = 0, high = 0;
    size_t width = g->rows->width, differing = 0;
    for (size_t c = 0; c < width; c++) {
        double l, h;
        range_of(g, from, to, c, &l, &h);
        if (l < h && random_below(g->seed, g->stream, g->draws++, ++differing) == 0) {
            n->column = c;
            low = l;
            high = h;
        }
    }
    n->cut = low + random_unit(g->seed, g->stream, g->draws++) * (high - low);
    return differing > 0;
}

/* Rows up to the cut first; where those beyond it begin. */
static size_t partition(struct growth *g, size_t from, size_t to, const struct node *n)
{
    size_t end = from;
    for (size_t i = from; i < to; i++)
        if (row_at(g, i)[n->column] <= n->cut) {
            size_t swap = g->chosen[i];
            g->chosen[i] = g->chosen[end];
            g->chosen[end++] = swap;
        }
    return end;
}

static size_t grow(struct growth *g, size_t from, size_t to, size_t depth)
{
    struct node n = {0};
    size_t at = g->forest->nodes.len;
    vec_push(&g->forest->nodes, n);
    if (to - from > 1 && depth < g->deepest && draw_cut(g, from, to, &n)) {
        size_t middle = partition(g, from, to, &n);
        n.left = grow(g, from, middle, depth + 1);
        n.right = grow(g, middle, to, depth + 1);
    }
    n.length = (double)depth + search_length((double)(to - from));
    g->forest->nodes.at[at] = n;
    return at;
}

/* The first `n` of chosen become a sample without replacement. */
static void draw_rows(struct growth *g, size_t n)
{
    for (size_t i = 0; i < g->rows->count; i++)
        g->chosen[i] = i;
    for (size_t i = 0; i < n; i++) {
        size_t other = i + (size_t)random_below(g->seed, g->stream, g->draws++, g->rows->count - i);
        size_t swap = g->chosen[i];
        g->chosen[i] = g->chosen[other];
        g->chosen[other] = swap;
    }
}

static void *build(const struct step *s, const struct row_sample *rows)
{
    size_t wanted = (size_t)arg_int(s, "rows"), n = wanted < rows->count ? wanted : rows->count;
    struct forest *f = mem_alloc(sizeof *f);
    struct growth g = {.forest = f, .rows = rows, .seed = s->context->seed};
    g.chosen = mem_array(NULL, rows->count + 1, sizeof *g.chosen);
    g.deepest = n > 1 ? (size_t)ceil(log2((double)n)) : 0;
    f->usual = search_length((double)n);
    for (int64_t tree = 0; tree < arg_int(s, "trees"); tree++) {
        g.stream = hash_u64(s->number) + (uint64_t)tree;
        g.draws = 0;
        draw_rows(&g, n);
        size_t root = grow(&g, 0, n, 0);
        vec_push(&f->roots, root);
    }
    mem_free(g.chosen);
    return f;
}

static double score(const void *model, const double *row, size_t self, void *scratch)
{
    const struct forest *f = model;
    double length = 0;
    (void)self;
    (void)scratch;
    for (size_t t = 0; t < f->roots.len; t++) {
        const struct node *n = &f->nodes.at[f->roots.at[t]];
        while (n->left)
            n = &f->nodes.at[row[n->column] <= n->cut ? n->left : n->right];
        length += n->length;
    }
    length /= (double)f->roots.len;
    return f->usual > 0 ? exp2(-length / f->usual) : 0.5;
}

static void release(void *model)
{
    struct forest *f = model;
    vec_release(&f->nodes);
    vec_release(&f->roots);
    mem_free(f);
}

static size_t scratch_size(const void *model)
{
    (void)model;
    return 0;
}

static void put_pair(struct buf *out, double first, double second)
{
    const double pair[] = {first, second};
    buf_add(out, pair, sizeof pair);
}

/* Trees are grown left branch first: it begins behind its node. */
static size_t constants(const void *model, struct buf *out)
{
    const struct forest *f = model;
    size_t trees = f->roots.len;
    put_pair(out, (double)trees, f->usual);
    for (size_t t = 0; t < trees; t++)
        put_pair(out, -1, (double)(trees + f->roots.at[t]));
    for (size_t i = 0; i < f->nodes.len; i++) {
        const struct node *n = &f->nodes.at[i];
        if (n->left)
            put_pair(out, (double)n->column * ML_FOREST_NODES + (double)(trees + n->right), n->cut);
        else
            put_pair(out, -1, n->length);
    }
    return 1;
}

const struct detector detector_forest = {.build = build,
                                         .score = score,
                                         .scratch_size = scratch_size,
                                         .free = release,
                                         .threshold = 0.5,
                                         .vector = ML_VECTOR_forest,
                                         .constants = constants};
