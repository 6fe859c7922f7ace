/*
 * The kernels, written once and compiled for each instruction set. The including file defines
 *   TARGET    function attribute that enables the instructions
 *   ISA       its name
 *   NAME(x)   x_ and that name
 *   LANES     bytes of a vector: 16, 32 or 64; 0 where there are none: then all rows walk
 *   MASKS     when comparisons give mask registers (AVX-512)
 * and the functions
 *   NAME(code_of_float)(cuts, x, less_equal)   how many of ML_CUTS_ROOM cuts lie below x (or at it)
 *   NAME(add_leaves)(p, tree, leaf, sums)
 * All names of macros are undefined at the end.
 */
#include "runtime/kernel_common.h"

#define vector        NAME(vector)
#define nodes         NAME(nodes)
#define sides         NAME(sides)
#define splat         NAME(splat)
#define goes_right    NAME(goes_right)
#define lowest        NAME(lowest)
#define choose        NAME(choose)
#define leaves_0      NAME(leaves_0)
#define leaves_1      NAME(leaves_1)
#define leaves_2      NAME(leaves_2)
#define leaves_3      NAME(leaves_3)
#define leaves_4      NAME(leaves_4)
#define leaves_5      NAME(leaves_5)
#define leaves_6      NAME(leaves_6)
#define leaves_7      NAME(leaves_7)
#define leaves_8      NAME(leaves_8)
#define find_0        NAME(find_0)
#define find_1        NAME(find_1)
#define find_2        NAME(find_2)
#define find_3        NAME(find_3)
#define find_4        NAME(find_4)
#define find_5        NAME(find_5)
#define find_6        NAME(find_6)
#define find_7        NAME(find_7)
#define find_8        NAME(find_8)
#define find          NAME(find)
#define find_leaves   NAME(find_leaves)
#define plane_codes   NAME(plane_codes)
#define walk          NAME(walk)
#define row_codes     NAME(row_codes)
#define encode        NAME(encode)
#define block_margins NAME(block_margins)
#define block_leaves  NAME(block_leaves)
#define row_margins   NAME(row_margins)

#define INLINE TARGET static inline __attribute__((always_inline))

#if LANES
typedef uint8_t vector __attribute__((vector_size(LANES)));

/* A tree's nodes, and the codes of the lanes' rows, ML_ROWS a plane. */
struct nodes {
    const uint16_t *plane;
    const uint8_t *code;
    const uint8_t *codes;
};

INLINE vector splat(uint8_t x)
{
    return x - (vector){0};
}

#ifdef MASKS
/* A bit for each row that goes right at a node. */
typedef __mmask64 sides;

INLINE sides goes_right(const struct nodes *n, size_t node)
{
    __m512i x = _mm512_loadu_si512(n->codes + (size_t)n->plane[node] * ML_ROWS);
    return _mm512_cmplt_epu8_mask((__m512i)splat(n->code[node]), x);
}

/* Leaves are counted from the first below the node at hand. */
INLINE vector lowest(sides right, uint8_t leaf)
{
    (void)leaf;
    return (vector)_mm512_maskz_mov_epi8(right, (__m512i)splat(1));
}

INLINE vector choose(sides right, vector if_left, vector if_right, uint8_t leaves)
{
    __m512i below = _mm512_mask_blend_epi8(right, (__m512i)if_left, (__m512i)if_right);
    return (vector)_mm512_mask_add_epi8(below, right, below, (__m512i)splat(leaves));
}
#else
/* All ones in the rows that go right at a node. */
typedef vector sides;

INLINE sides goes_right(const struct nodes *n, size_t node)
{
    vector x;
    __builtin_memcpy(&x, n->codes + (size_t)n->plane[node] * ML_ROWS, sizeof x);
    return (vector)(x > splat(n->code[node]));
}

/* The leaf, or the one after it: leaves are counted from the tree's first. */
INLINE vector lowest(sides right, uint8_t leaf)
{
    return splat(leaf) - right;
}

INLINE vector choose(sides right, vector if_left, vector if_right, uint8_t leaves)
{
    (void)leaves;
    return (if_left & ~right) | (if_right & right);
}
#endif

/* The numbers of the leaves below a node; `leaf` is the first. */
INLINE vector leaves_0(const struct nodes *n, size_t node, uint8_t leaf)
{
    (void)n, (void)node;
    return splat(leaf);
}

INLINE vector leaves_1(const struct nodes *n, size_t node, uint8_t leaf)
{
    return lowest(goes_right(n, node), leaf);
}

#define LEAVES(depth, below)                                                                       \
    INLINE vector leaves_##depth(const struct nodes *n, size_t node, uint8_t leaf)                 \
    {                                                                                              \
        vector left = leaves_##below(n, 2 * node + 1, leaf);                                       \
        vector right = leaves_##below(n, 2 * node + 2, (uint8_t)(leaf + (1 << below)));            \
        return choose(goes_right(n, node), left, right, 1 << below);                               \
    }
LEAVES(2, 1)
LEAVES(3, 2)
LEAVES(4, 3)
LEAVES(5, 4)
LEAVES(6, 5)
LEAVES(7, 6)
LEAVES(8, 7)

/* One function a depth, so that each is unrolled on its own. */
#define FIND(depth)                                                                                \
    TARGET static void find_##depth(const struct nodes *n, uint8_t *out)                           \
    {                                                                                              \
        vector found = leaves_##depth(n, 0, 0);                                                    \
        __builtin_memcpy(out, &found, sizeof found);                                               \
    }
FIND(0)
FIND(1)
FIND(2)
FIND(3)
FIND(4)
FIND(5)
FIND(6)
FIND(7)
FIND(8)

static void (*const find[])(const struct nodes *, uint8_t *) = {
    find_0, find_1, find_2, find_3, find_4, find_5, find_6, find_7, find_8};

TARGET static void find_leaves(const struct ml_plan *p, const struct ml_tree *t,
                               const uint8_t *codes, uint8_t leaf[ML_ROWS])
{
    struct nodes n = {(const uint16_t *)ML_AT(p, node_plane_at) + t->node,
                      (const uint8_t *)ML_AT(p, node_code_at) + t->node, codes};
    for (size_t r = 0; r < ML_ROWS; r += LANES, n.codes += LANES)
        find[t->depth](&n, leaf + r);
}
#else
/* Rows walk side by side, so that their loads overlap. */
static void find_leaves(const struct ml_plan *p, const struct ml_tree *t, const uint8_t *codes,
                        uint8_t leaf[ML_ROWS])
{
    const uint16_t *plane = (const uint16_t *)ML_AT(p, node_plane_at) + t->node;
    const uint8_t *code = (const uint8_t *)ML_AT(p, node_code_at) + t->node;
    for (size_t r = 0; r < ML_ROWS; r += ML_TOGETHER) {
        uint32_t at[ML_TOGETHER] = {0};
        for (uint32_t i = 0; i < t->depth; i++)
            for (size_t k = 0; k < ML_TOGETHER; k++)
                at[k] =
                    2 * at[k] + 1 + (codes[(size_t)plane[at[k]] * ML_ROWS + r + k] > code[at[k]]);
        for (size_t k = 0; k < ML_TOGETHER; k++)
            leaf[r + k] = (uint8_t)(at[k] - ((UINT32_C(1) << t->depth) - 1));
    }
}
#endif

/* Codes of a column of a plane; column[r * apart] is row r. */
INLINE void plane_codes(const struct ml_plan *p, const struct ml_plane *plane, const double *column,
                        size_t rows, uint8_t *codes)
{
    const float *cuts = (const float *)ML_AT(p, cut_at) + plane->cut;
    const double *wide = (const double *)ML_AT(p, cut_at) + plane->cut;
    uint8_t missing = plane->missing & ML_MISSING_LEFT ? 0 : UINT8_MAX;
    bool plain = p->single_input && !plane->is_set && plane->missing <= ML_MISSING_LEFT;
    for (size_t r = 0; r < rows && plain; r++) {
        float x = (float)column[r];
        uint8_t code = NAME(code_of_float)(cuts, x, p->less_equal);
        codes[r] = x == x ? code : missing;
    }
    for (size_t r = 0; r < rows && !plain; r++) {
        double x = column[r];
        bool left;
        if (ml_is_settled(p, plane, &x, &left))
            codes[r] = left ? 0 : UINT8_MAX;
        else if (p->single_input)
            codes[r] = NAME(code_of_float)(cuts, (float)x, p->less_equal);
        else
            codes[r] = (uint8_t)ml_code_of_double(wide, plane->cuts, x, p->less_equal);
    }
}

TARGET static void encode(const struct ml_plan *p, const struct ml_rows *rows, size_t first,
                          size_t n, size_t at, void *block)
{
    if (!p->has_codes) {
        ml_steps_encode(p, rows, first, n, at, block);
        return;
    }
    double values[ML_ROWS];
    uint8_t *codes = (uint8_t *)block + at;
    const struct ml_plane *planes = ML_AT(p, plane_at);
    for (size_t i = 0; i < p->planes; i++, codes += ML_ROWS) {
        ml_values(rows, planes[i].feature, first, n, values);
        plane_codes(p, &planes[i], values, n, codes);
    }
}

TARGET static void block_margins(const struct ml_plan *p, void *block, size_t n, double *margins)
{
    if (!p->has_codes) {
        ml_steps_block(p, block, n, margins);
        return;
    }
    const struct ml_tree *trees = ML_AT(p, tree_at);
    uint8_t leaf[ML_ROWS] __attribute__((aligned(64)));
    union ml_sums *sums = ml_sums_of(p, block);
    ml_sums_begin(p, sums);
    for (size_t i = 0; i < p->trees; i++) {
        find_leaves(p, &trees[i], block, leaf);
        NAME(add_leaves)(p, &trees[i], leaf, sums);
    }
    ml_sums_end(p, sums, n, margins);
}

TARGET static void block_leaves(const struct ml_plan *p, void *block, size_t n, uint32_t *leaves)
{
    if (!p->has_codes) {
        ml_steps_leaves(p, block, n, leaves);
        return;
    }
    const struct ml_tree *trees = ML_AT(p, tree_at);
    uint8_t leaf[ML_ROWS] __attribute__((aligned(64)));
    for (size_t i = 0; i < p->trees; i++) {
        find_leaves(p, &trees[i], block, leaf);
        for (size_t r = 0; r < n; r++)
            leaves[r * p->trees + i] = ml_leaf_id(p, trees[i].leaf + leaf[r]);
    }
}

/* The nodes at which a row's walks through n trees end, counted on below the trees' last nodes. */
INLINE void walk(const struct ml_plan *p, const struct ml_tree *trees, size_t n,
                 const uint8_t *codes, uint32_t at[ML_TOGETHER])
{
    const uint16_t *plane[ML_TOGETHER];
    const uint8_t *code[ML_TOGETHER];
    uint32_t most = 0, least = ML_DEPTH_MAX;
    for (size_t k = 0; k < ML_TOGETHER; k++) {
        const struct ml_tree *t = &trees[k < n ? k : 0];
        plane[k] = (const uint16_t *)ML_AT(p, node_plane_at) + t->node;
        code[k] = (const uint8_t *)ML_AT(p, node_code_at) + t->node;
        most = t->depth > most ? t->depth : most;
        least = t->depth < least ? t->depth : least;
        at[k] = 0;
    }
    for (uint32_t i = 0; i < least; i++)
        for (size_t k = 0; k < ML_TOGETHER; k++)
            at[k] = 2 * at[k] + 1 + (codes[plane[k][at[k]]] > code[k][at[k]]);
    for (uint32_t i = least; i < most; i++)
        for (size_t k = 0; k < n; k++)
            if (i < trees[k].depth)
                at[k] = 2 * at[k] + 1 + (codes[plane[k][at[k]]] > code[k][at[k]]);
}

TARGET static void row_margins(const struct ml_plan *p, const double *row, void *work,
                               double *margins)
{
    if (!p->has_codes) {
        ml_steps_row(p, row, work, margins);
        return;
    }
    const struct ml_plane *planes = ML_AT(p, plane_at);
    const struct ml_tree *trees = ML_AT(p, tree_at);
    uint8_t *codes = work;
    for (size_t i = 0; i < p->planes; i++)
        plane_codes(p, &planes[i], row + planes[i].feature, 1, codes + i);
    ml_row_begin(p, margins);
    for (size_t i = 0; i < p->trees; i += ML_TOGETHER) {
        uint32_t at[ML_TOGETHER];
        size_t n = p->trees - i < ML_TOGETHER ? p->trees - i : ML_TOGETHER;
        walk(p, trees + i, n, codes, at);
        for (size_t k = 0; k < n; k++) {
            const struct ml_tree *t = &trees[i + k];
            size_t leaf = t->leaf + at[k] - ((UINT32_C(1) << t->depth) - 1);
            ml_row_add(p, t, p->leaf_at, leaf * p->width, margins);
        }
    }
    ml_row_end(p, margins);
}

ML_API const struct ml_kernels *NAME(ml_kernels)(void)
{
    static const struct ml_kernels kernels = {ISA, encode, block_margins, block_leaves,
                                              row_margins};
    return &kernels;
}

#undef vector
#undef nodes
#undef sides
#undef splat
#undef goes_right
#undef lowest
#undef choose
#undef leaves_0
#undef leaves_1
#undef leaves_2
#undef leaves_3
#undef leaves_4
#undef leaves_5
#undef leaves_6
#undef leaves_7
#undef leaves_8
#undef find_0
#undef find_1
#undef find_2
#undef find_3
#undef find_4
#undef find_5
#undef find_6
#undef find_7
#undef find_8
#undef find
#undef find_leaves
#undef plane_codes
#undef walk
#undef row_codes
#undef encode
#undef block_margins
#undef block_leaves
#undef row_margins
#undef LEAVES
#undef FIND
#undef INLINE
#undef MASKS
#undef TARGET
#undef LANES
#undef ISA
#undef NAME
