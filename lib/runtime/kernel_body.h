/*
 * The kernels, written once and compiled for each instruction set. The including file defines
 *   ISA       its name
 *   TARGET    function attribute that enables the instructions
 *   NAME(x)   x_ and that name
 *   LANES     bytes of a vector: 16, 32 or 64, of a word: 8; a line is one or several
 * and the functions
 *   NAME(count_floats)(cuts, x), NAME(count_doubles)(cuts, x)
 *       how many of 16 ascending cuts x reaches
 *   NAME(place)(single, r)
 *       where the sum of row r lies among ML_ROWS, one of floats when single, else of doubles
 *   NAME(add_floats)(table, bits, leaf, n, sums), NAME(add_doubles)(...)
 *       adds table[leaf[r]] to the sum of row r < n; table has 2^bits numbers and 64 bytes behind
 *       them, leaf and sums are aligned to 64
 * Macros end with this file.
 */
#include "runtime/kernel_common.h"

#define part          NAME(part)
#define load          NAME(load)
#define store         NAME(store)
#define code_of       NAME(code_of)
#define put_code      NAME(put_code)
#define source        NAME(source)
#define source_of     NAME(source_of)
#define value_at      NAME(value_at)
#define encode_simple NAME(encode_simple)
#define encode_column NAME(encode_column)
#define encode        NAME(encode)
#define swap_bits     NAME(swap_bits)
#define transpose     NAME(transpose)
#define plane_bits    NAME(plane_bits)
#define fill_codes    NAME(fill_codes)
#define sort_rows     NAME(sort_rows)
#define fill_sets     NAME(fill_sets)
#define fill_group    NAME(fill_group)
#define pick          NAME(pick)
#define right_at      NAME(right_at)
#define perfect_2     NAME(perfect_2)
#define perfect_3     NAME(perfect_3)
#define perfect_4     NAME(perfect_4)
#define perfect       NAME(perfect)
#define sparse        NAME(sparse)
#define find_leaves   NAME(find_leaves)
#define add_tree      NAME(add_tree)
#define add_others    NAME(add_others)
#define sums_begin    NAME(sums_begin)
#define sums_end      NAME(sums_end)
#define row_codes     NAME(row_codes)
#define few_rows      NAME(few_rows)
#define block_margins NAME(block_margins)
#define block_leaves  NAME(block_leaves)
#define row_margins   NAME(row_margins)

#define INLINE TARGET static inline __attribute__((always_inline))

/* ---- rows to codes ---- */

/* single is a constant: p->single_input. */
INLINE uint32_t code_of(const struct ml_plan *p, bool single, const struct ml_column *c, double x)
{
    const float *floats = ML_SECTION(p, ML_AT_CUT);
    const double *doubles = ML_SECTION(p, ML_AT_CUT);
    uint32_t code = 0;
    for (uint32_t i = 0; i < c->levels; i++) {
        size_t at = 16 * ((size_t)c->level[i] + code);
        code = 16 * code + (single ? NAME(count_floats)(floats + at, (float)x)
                                   : NAME(count_doubles)(doubles + at, x));
    }
    return code;
}

/* A column's values: value r is r * apart numbers behind one of these; both NULL: missing. */
struct source {
    const double *wide;
    const float *single;
    size_t apart;
};

INLINE struct source source_of(const struct ml_rows *rows, size_t feature, size_t first)
{
    size_t at = first * rows->stride + feature;
    if (rows->column) {
        const double *column = rows->column[feature];
        return (struct source){column ? column + first : NULL, NULL, 1};
    }
    if (rows->wide)
        return (struct source){rows->wide + at, NULL, rows->stride};
    return (struct source){NULL, rows->single + at, rows->stride};
}

INLINE double value_at(const struct source *s, size_t r)
{
    if (s->wide)
        return s->wide[r * s->apart];
    return s->single ? (double)s->single[r * s->apart] : ML_NAN;
}

INLINE void put_code(const struct ml_plan *p, const struct ml_plane *plane, uint8_t *codes,
                     uint32_t *wide, uint32_t code)
{
    if (plane->bytes > 0)
        codes[0] = (uint8_t)code;
    if (plane->bytes > 1)
        codes[ML_ROWS] = (uint8_t)(code >> 8);
    if (p->has_deep)
        *wide = code;
}

INLINE void encode_column(const struct ml_plan *p, bool single, const struct ml_column *c,
                          const struct source *from, size_t n, size_t at, void *block)
{
    const struct ml_plane *planes = (const struct ml_plane *)ML_SECTION(p, ML_AT_PLANE) + c->plane;
    uint8_t *codes = (uint8_t *)block + at;
    uint32_t *wide = (uint32_t *)(void *)((uint8_t *)block + (size_t)p->row_bytes * ML_ROWS) +
                     (size_t)c->plane * ML_ROWS + at;
    for (size_t r = 0; r < n; r++) {
        double x = value_at(from, r);
        uint32_t code = code_of(p, single, c, x);
        for (size_t i = 0; i < c->planes; i++)
            put_code(p, &planes[i], codes + (size_t)planes[i].byte * ML_ROWS + r,
                     wide + i * ML_ROWS + r, ml_plane_code(&planes[i], x, code));
    }
}

/* The same for the usual column: it fills one plane, of one byte a code. */
INLINE void encode_simple(const struct ml_plan *p, bool single, const struct ml_column *c,
                          const struct source *from, size_t n, size_t at, void *block)
{
    const struct ml_plane *plane = (const struct ml_plane *)ML_SECTION(p, ML_AT_PLANE) + c->plane;
    uint8_t *codes = (uint8_t *)block + (size_t)plane->byte * ML_ROWS + at;
    uint8_t missing = (uint8_t)plane->missing;
    for (size_t r = 0; r < n; r++) {
        double x = value_at(from, r);
        uint32_t code = code_of(p, single, c, x);
        codes[r] = x == x ? (uint8_t)code : missing;
    }
}

TARGET static void encode(const struct ml_plan *p, const struct ml_rows *rows, size_t first,
                          size_t n, size_t at, void *block)
{
    const struct ml_column *columns = ML_SECTION(p, ML_AT_COLUMN);
    const struct ml_plane *planes = ML_SECTION(p, ML_AT_PLANE);
    for (size_t i = 0; i < p->columns; i++) {
        const struct ml_column *c = &columns[i];
        const struct ml_plane *plane = &planes[c->plane];
        struct source from = source_of(rows, c->feature, first);
        bool simple = c->planes == 1 && plane->bytes == 1 && !plane->with_zero && !p->has_deep;
        if (simple && p->single_input)
            encode_simple(p, true, c, &from, n, at, block);
        else if (simple)
            encode_simple(p, false, c, &from, n, at, block);
        else if (p->single_input)
            encode_column(p, true, c, &from, n, at, block);
        else
            encode_column(p, false, c, &from, n, at, block);
    }
}

/* ---- lines ---- */

#if LANES > 8
typedef uint64_t part __attribute__((vector_size(LANES)));
#else
typedef uint64_t part;
#endif

INLINE part load(const void *line)
{
    part x;
    memcpy(&x, __builtin_assume_aligned(line, LANES), sizeof x);
    return x;
}

INLINE void store(void *line, part x)
{
    memcpy(__builtin_assume_aligned(line, LANES), &x, sizeof x);
}

/* Swaps the bits of a that `low` lacks with those of b that it has, `shift` places below. */
INLINE void swap_bits(part *a, part *b, int shift, uint64_t low)
{
    part differ = ((*a >> shift) ^ *b) & low;
    *a ^= differ << shift;
    *b ^= differ;
}

/* Bit j of a byte of v[i] becomes bit i of that byte of v[j]. The same again undoes it. */
INLINE void transpose(part v[8])
{
    const uint64_t half = UINT64_C(0x0f0f0f0f0f0f0f0f), quarter = UINT64_C(0x3333333333333333),
                   eighth = UINT64_C(0x5555555555555555);
    swap_bits(&v[0], &v[4], 4, half);
    swap_bits(&v[1], &v[5], 4, half);
    swap_bits(&v[2], &v[6], 4, half);
    swap_bits(&v[3], &v[7], 4, half);
    swap_bits(&v[0], &v[2], 2, quarter);
    swap_bits(&v[1], &v[3], 2, quarter);
    swap_bits(&v[4], &v[6], 2, quarter);
    swap_bits(&v[5], &v[7], 2, quarter);
    swap_bits(&v[0], &v[1], 1, eighth);
    swap_bits(&v[2], &v[3], 1, eighth);
    swap_bits(&v[4], &v[5], 1, eighth);
    swap_bits(&v[6], &v[7], 1, eighth);
}

/* Lines of the bits of ML_ROWS bytes. Row 64 i + j has bit i of byte j of a line. */
TARGET static void plane_bits(const uint8_t *codes, uint8_t *bits)
{
    for (size_t h = 0; h < ML_LINE; h += LANES) {
        part v[8];
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; i++)
            v[i] = load(codes + ML_LINE * i + h);
        transpose(v);
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; i++)
            store(bits + ML_LINE * i + h, v[i]);
    }
}

/* The lines of a plane of numbers, level by level: rows whose lowest bits are above a number's. */
TARGET static void fill_codes(const struct ml_plan *p, const struct ml_fill *f,
                              const struct ml_plane *plane, uint8_t *block,
                              const struct ml_layout *l)
{
    const uint16_t *level = (const uint16_t *)ML_SECTION(p, ML_AT_LEVEL) + f->level;
    const uint8_t *codes = block + l->code + (size_t)plane->byte * ML_ROWS;
    uint8_t *from = block + l->room, *next = from + (size_t)p->levels / 2 * ML_LINE;
    for (size_t i = 0; i < plane->bytes; i++)
        plane_bits(codes + i * ML_ROWS, block + l->bit + 8 * i * ML_LINE);
    memset(from, 0, ML_LINE);
    for (size_t b = 0; b < f->bits; b++) {
        const uint8_t *bit = block + l->bit + b * ML_LINE;
        const uint16_t * or = level + 2, *and = or +level[0], *end = and+level[1];
        uint8_t *to = b + 1 < f->bits ? next : block + l->line + (size_t)f->line * ML_LINE;
        for (size_t h = 0; h < ML_LINE; h += LANES) {
            part x = load(bit + h);
            uint8_t *out = to + h;
            for (const uint16_t *i = or ; i < and; i++, out += ML_LINE)
                store(out, load(from + (size_t)*i * ML_LINE + h) | x);
            for (const uint16_t *i = and; i < end; i++, out += ML_LINE)
                store(out, load(from + (size_t)*i * ML_LINE + h) & x);
        }
        level = end;
        next = from;
        from = to;
    }
}

/* A line for each code that occurs in n rows, in the order of their first rows. Returns how many.
 */
TARGET static size_t sort_rows(const struct ml_plane *plane, const uint8_t *codes, size_t n,
                               uint8_t *lines, uint16_t found[ML_ROWS])
{
    uint16_t *place = (uint16_t *)(void *)(lines + (size_t)ML_ROWS * ML_LINE); /* from 1 */
    size_t count = 0;
    memset(place, 0, plane->codes * sizeof *place);
    for (size_t r = 0; r < n; r++) {
        uint32_t code = codes[r];
        if (plane->bytes > 1)
            code |= (uint32_t)codes[ML_ROWS + r] << 8;
        if (!place[code]) {
            found[count] = (uint16_t)code;
            memset(lines + count * ML_LINE, 0, ML_LINE);
            place[code] = (uint16_t)++count;
        }
        uint8_t *line = lines + (size_t)(place[code] - 1) * ML_LINE;
        line[r % ML_LINE] |= (uint8_t)(1 << (r / ML_LINE));
    }
    return count;
}

/* The lines of a plane of sets: rows of the codes that a set has. */
TARGET static void fill_sets(const struct ml_plan *p, const struct ml_group *g,
                             const struct ml_fill *f, const struct ml_plane *plane, size_t n,
                             uint8_t *block, const struct ml_layout *l)
{
    const struct ml_entry *entry = (const struct ml_entry *)ML_SECTION(p, ML_AT_ENTRY) + g->entry;
    const uint8_t *codes = block + l->code + (size_t)plane->byte * ML_ROWS;
    uint8_t *lines = block + l->room;
    uint16_t found[ML_ROWS];
    size_t count = sort_rows(plane, codes, n, lines, found);
    for (size_t i = f->line; i < (size_t)f->line + f->lines; i++)
        for (size_t h = 0; h < ML_LINE; h += LANES) {
            part right = {0};
            for (size_t j = 0; j < count; j++) {
                uint64_t has = ml_set_has(p, plane, entry[i].code, found[j]);
                right |= load(lines + j * ML_LINE + h) & -has;
            }
            store(block + l->line + i * ML_LINE + h, right);
        }
}

TARGET static void fill_group(const struct ml_plan *p, const struct ml_group *g, size_t n,
                              uint8_t *block, const struct ml_layout *l)
{
    const struct ml_fill *fill = (const struct ml_fill *)ML_SECTION(p, ML_AT_FILL) + g->fill;
    const struct ml_plane *planes = ML_SECTION(p, ML_AT_PLANE);
    for (size_t i = 0; i < g->fills; i++) {
        const struct ml_plane *plane = &planes[fill[i].plane];
        if (fill[i].plane < p->number_planes)
            fill_codes(p, &fill[i], plane, block, l);
        else
            fill_sets(p, g, &fill[i], plane, n, block, l);
    }
}

/* ---- trees ---- */

INLINE part pick(part right, part if_left, part if_right)
{
    return (if_left & ~right) | (if_right & right);
}

/* Whether rows go right at node i of a perfect tree. */
INLINE part right_at(const uint8_t *lines, const uint16_t *node, size_t i)
{
    return load(lines + (size_t)node[i] * ML_LINE);
}

/* The bits of the leaf's number below node i, the highest first: of two levels, of three, of
 * four. */
INLINE void perfect_2(const uint8_t *lines, const uint16_t *node, size_t i, part out[2])
{
    out[0] = right_at(lines, node, i);
    out[1] = pick(out[0], right_at(lines, node, 2 * i + 1), right_at(lines, node, 2 * i + 2));
}

INLINE void perfect_3(const uint8_t *lines, const uint16_t *node, size_t i, part out[3])
{
    part left[2], right[2];
    out[0] = right_at(lines, node, i);
    perfect_2(lines, node, 2 * i + 1, left);
    perfect_2(lines, node, 2 * i + 2, right);
    out[1] = pick(out[0], left[0], right[0]);
    out[2] = pick(out[0], left[1], right[1]);
}

INLINE void perfect_4(const uint8_t *lines, const uint16_t *node, size_t i, part out[4])
{
    part left[3], right[3];
    out[0] = right_at(lines, node, i);
    perfect_3(lines, node, 2 * i + 1, left);
    perfect_3(lines, node, 2 * i + 2, right);
    out[1] = pick(out[0], left[0], right[0]);
    out[2] = pick(out[0], left[1], right[1]);
    out[3] = pick(out[0], left[2], right[2]);
}

/* The same at any depth; out has depth parts, with room for as many at each depth below. */
TARGET static void perfect(const uint8_t *lines, const uint16_t *node, size_t i, size_t depth,
                           part *out)
{
    if (depth == 4) {
        perfect_4(lines, node, i, out);
        return;
    }
    if (depth == 0)
        return;
    out[0] = right_at(lines, node, i);
    part *left = out + 1, *right = out + depth;
    perfect(lines, node, 2 * i + 1, depth - 1, left);
    perfect(lines, node, 2 * i + 2, depth - 1, right);
    for (size_t b = 0; b + 1 < depth; b++)
        left[b] = pick(out[0], left[b], right[b]);
}

/* The bits of the leaf's number in a sparse tree, the lowest first. */
TARGET static void sparse(const uint8_t *lines, const struct ml_tree *t, const uint16_t *line,
                          part *out)
{
    const uint16_t *from = line + t->nodes, *list = from + 3 * (size_t)t->nodes;
    part at[2 * ML_LEAVES]; /* rows that come to a place */
    at[0] = ~(part){0};
    for (size_t i = 0; i < t->nodes; i++) {
        part right = load(lines + (size_t)line[i] * ML_LINE), rows = at[from[i]];
        at[2 * i + 1] = rows & ~right;
        at[2 * i + 2] = rows & right;
    }
    for (size_t b = 0; b < t->bits; b++) {
        part all = {0};
        for (size_t count = *list++; count > 0; count--)
            all |= at[*list++];
        out[b] = all;
    }
}

/* The leaf of each row in a tree that is not deep. */
TARGET static void find_leaves(const struct ml_plan *p, const struct ml_tree *t,
                               const uint8_t *lines, uint8_t leaf[ML_ROWS])
{
    const uint16_t *node = (const uint16_t *)ML_SECTION(p, ML_AT_NODE) + t->node;
    for (size_t h = 0; h < ML_LINE; h += LANES) {
        part v[8], found[40];
        memset(v, 0, sizeof v);
        if (t->kind == ML_SPARSE)
            sparse(lines + h, t, node, v);
        else {
            perfect(lines + h, node, 0, t->depth, found);
            for (size_t b = 0; b < t->depth; b++)
                v[b] = found[t->depth - 1 - b];
        }
        transpose(v);
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; i++)
            store(leaf + ML_LINE * i + h, v[i]);
    }
}

/* ---- sums ---- */

TARGET static void sums_begin(const struct ml_plan *p, void *sums)
{
    for (size_t k = 0; k < p->outputs; k++) {
        double first = ml_sum_first(p, k);
        for (size_t r = k * ML_ROWS; r < (k + 1) * ML_ROWS; r++)
            if (p->single_sum)
                ((float *)sums)[r] = (float)first;
            else
                ((double *)sums)[r] = first;
    }
}

TARGET static void sums_end(const struct ml_plan *p, const void *sums, size_t n, double *margins)
{
    for (size_t k = 0; k < p->outputs; k++)
        for (size_t r = 0; r < n; r++) {
            size_t at = k * ML_ROWS + NAME(place)(p->single_sum, r);
            double sum =
                p->single_sum ? (double)((const float *)sums)[at] : ((const double *)sums)[at];
            margins[r * p->outputs + k] = ml_sum_last(p, k, sum);
        }
}

/* The plain way: any tree, any kind of sum. */
TARGET static void add_others(const struct ml_plan *p, const struct ml_tree *t, const void *leaf,
                              size_t n, void *sums)
{
    for (size_t k = 0; k < p->width; k++)
        for (size_t r = 0; r < n; r++) {
            size_t at = (t->output + k) * ML_ROWS + NAME(place)(p->single_sum, r);
            uint32_t i =
                t->kind == ML_DEEP ? ((const uint32_t *)leaf)[r] : ((const uint8_t *)leaf)[r];
            double value = ml_leaf_value(p, t, i, k);
            if (p->single_sum)
                ((float *)sums)[at] = (float)ml_sum_next(p, (double)((float *)sums)[at], value);
            else
                ((double *)sums)[at] = ml_sum_next(p, ((double *)sums)[at], value);
        }
}

TARGET static void add_tree(const struct ml_plan *p, const struct ml_tree *t, const void *leaf,
                            size_t n, void *sums)
{
    if (t->kind == ML_DEEP || p->how > ML_SUM_MEAN) {
        add_others(p, t, leaf, n, sums);
        return;
    }
    const float *floats = (const float *)ML_SECTION(p, ML_AT_VALUE) + t->value;
    const double *doubles = (const double *)ML_SECTION(p, ML_AT_VALUE) + t->value;
    for (size_t k = 0; k < p->width; k++) {
        size_t table = k << t->bits, to = (t->output + k) * ML_ROWS;
        if (p->single_sum)
            NAME(add_floats)(floats + table, t->bits, leaf, n, (float *)sums + to);
        else
            NAME(add_doubles)(doubles + table, t->bits, leaf, n, (double *)sums + to);
    }
}

/* ---- kernels ---- */

/* Codes of a row of a block. */
TARGET static void row_codes(const struct ml_plan *p, const uint8_t *block,
                             const struct ml_layout *l, size_t r, uint32_t *codes)
{
    const struct ml_plane *planes = ML_SECTION(p, ML_AT_PLANE);
    const uint32_t *wide = (const uint32_t *)(const void *)(block + l->wide) + r;
    for (size_t i = 0; i < p->planes; i++) {
        const uint8_t *bytes = block + l->code + (size_t)planes[i].byte * ML_ROWS + r;
        if (p->has_deep)
            codes[i] = wide[i * ML_ROWS];
        else
            codes[i] = bytes[0] + (planes[i].bytes > 1 ? (uint32_t)bytes[ML_ROWS] << 8 : 0);
    }
}

enum { few_rows = 16 }; /* up to which walking is faster */

TARGET static void block_margins(const struct ml_plan *p, void *block, size_t n, double *margins)
{
    struct ml_layout l = ml_layout_of(p);
    uint8_t *memory = block, *leaf = memory + l.leaf;
    uint32_t *codes = (uint32_t *)(void *)(memory + l.codes);
    for (size_t r = 0; r < n && n <= few_rows; r++) {
        row_codes(p, memory, &l, r, codes);
        ml_row_margins(p, codes, margins + r * p->outputs);
    }
    if (n <= few_rows)
        return;
    const struct ml_tree *t = ML_SECTION(p, ML_AT_TREE);
    const struct ml_group *groups = ML_SECTION(p, ML_AT_GROUP);
    sums_begin(p, memory + l.sums);
    for (size_t g = 0; g < p->groups; g++) {
        fill_group(p, &groups[g], n, memory, &l);
        for (size_t i = 0; i < groups[g].trees; i++, t++) {
            if (t->kind == ML_DEEP)
                ml_deep_leaves(p, t, (const uint32_t *)(void *)(memory + l.wide), n,
                               (uint32_t *)(void *)leaf);
            else
                find_leaves(p, t, memory + l.line, leaf);
            add_tree(p, t, leaf, n, memory + l.sums);
        }
    }
    sums_end(p, memory + l.sums, n, margins);
}

TARGET static void block_leaves(const struct ml_plan *p, void *block, size_t n, uint32_t *leaves)
{
    struct ml_layout l = ml_layout_of(p);
    uint8_t *memory = block, *leaf = memory + l.leaf;
    uint32_t *wide = (uint32_t *)(void *)leaf;
    uint32_t *codes = (uint32_t *)(void *)(memory + l.codes);
    for (size_t r = 0; r < n && n <= few_rows; r++) {
        row_codes(p, memory, &l, r, codes);
        ml_row_leaves(p, codes, leaves + r * p->trees);
    }
    if (n <= few_rows)
        return;
    const struct ml_tree *t = ML_SECTION(p, ML_AT_TREE);
    const struct ml_group *groups = ML_SECTION(p, ML_AT_GROUP);
    for (size_t g = 0; g < p->groups; g++) {
        fill_group(p, &groups[g], n, memory, &l);
        for (size_t i = 0; i < groups[g].trees; i++, t++, leaves++) {
            if (t->kind == ML_DEEP)
                ml_deep_leaves(p, t, (const uint32_t *)(void *)(memory + l.wide), n, wide);
            else
                find_leaves(p, t, memory + l.line, leaf);
            for (size_t r = 0; r < n; r++)
                leaves[r * p->trees] = ml_leaf_number(p, t, t->kind == ML_DEEP ? wide[r] : leaf[r]);
        }
    }
}

TARGET static void row_margins(const struct ml_plan *p, const double *row, void *work,
                               double *margins)
{
    const struct ml_column *columns = ML_SECTION(p, ML_AT_COLUMN);
    const struct ml_plane *planes = ML_SECTION(p, ML_AT_PLANE);
    uint32_t *codes = work;
    for (size_t i = 0; i < p->columns; i++) {
        const struct ml_column *c = &columns[i];
        double x = row[c->feature];
        uint32_t code = p->single_input ? code_of(p, true, c, x) : code_of(p, false, c, x);
        for (size_t k = c->plane; k < (size_t)c->plane + c->planes; k++)
            codes[k] = ml_plane_code(&planes[k], x, code);
    }
    ml_row_margins(p, codes, margins);
}

ML_API const struct ml_kernels *NAME(ml_kernels)(void)
{
    static const struct ml_kernels kernels = {ISA, encode, block_margins, block_leaves,
                                              row_margins};
    return &kernels;
}

#undef part
#undef load
#undef store
#undef code_of
#undef put_code
#undef source
#undef source_of
#undef value_at
#undef encode_simple
#undef encode_column
#undef encode
#undef swap_bits
#undef transpose
#undef plane_bits
#undef fill_codes
#undef sort_rows
#undef fill_sets
#undef fill_group
#undef pick
#undef right_at
#undef perfect_2
#undef perfect_3
#undef perfect_4
#undef perfect
#undef sparse
#undef find_leaves
#undef add_tree
#undef add_others
#undef sums_begin
#undef sums_end
#undef row_codes
#undef few_rows
#undef block_margins
#undef block_leaves
#undef row_margins
#undef INLINE
#undef TARGET
#undef LANES
#undef ISA
#undef NAME
