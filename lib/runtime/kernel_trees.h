/* A part of kernel_body.h: lines to leaves. */

INLINE part pick(part right, part if_left, part if_right)
{
#ifdef PICK
    return PICK(right, if_left, if_right);
#else
    return (if_left & ~right) | (if_right & right);
#endif
}

/* A line by its number as nodes have it, in steps of 8. */
INLINE part line_at(const uint8_t *lines, uint16_t line)
{
    return load(lines + (size_t)line * (ML_LINE / 8));
}

/* The bits of a number that are known for both halves of a tree, of that which rows go to; the next
 * bit, bits[n], says to which. */
INLINE void pick_bits(part *bits, const part *right, size_t n)
{
#pragma GCC unroll 8
    for (size_t b = 0; b < n; b++)
        bits[b] = pick(bits[n], bits[b], right[b]);
}

/* The bits of the leaf's number below node i of a perfect tree, the lowest first. */
INLINE void perfect_1(const uint8_t *lines, const uint16_t *node, size_t i, part *bits)
{
    bits[0] = line_at(lines, node[i]);
}

#define PERFECT(depth, below)                                                                      \
    INLINE void perfect_##depth(const uint8_t *lines, const uint16_t *node, size_t i, part *bits)  \
    {                                                                                              \
        part right[below];                                                                         \
        perfect_##below(lines, node, 2 * i + 1, bits);                                             \
        perfect_##below(lines, node, 2 * i + 2, right);                                            \
        bits[below] = line_at(lines, node[i]);                                                     \
        pick_bits(bits, right, below);                                                             \
    }
PERFECT(2, 1)
PERFECT(3, 2)
PERFECT(4, 3)
PERFECT(5, 4)
PERFECT(6, 5)
#undef PERFECT

/* The same at any depth from 3 on: depth bits, and room for twice as many. */
TARGET static void perfect(const uint8_t *lines, const uint16_t *node, size_t i, size_t depth,
                           part *bits)
{
    if (depth == 3) {
        perfect_3(lines, node, i, bits);
        return;
    }
    if (depth == 6) {
        perfect_6(lines, node, i, bits);
        return;
    }
    part *right = bits + depth;
    perfect(lines, node, 2 * i + 1, depth - 1, bits);
    perfect(lines, node, 2 * i + 2, depth - 1, right);
    bits[depth - 1] = line_at(lines, node[i]);
    pick_bits(bits, right, depth - 1);
}

/* The bits of the leaf's number in a sparse tree, the lowest first. */
TARGET static void sparse(const uint8_t *lines, const struct ml_tree *t, const uint16_t *from,
                          part *out)
{
    const uint16_t *place = from + t->nodes, *list = place + 2 * (2 * (size_t)t->nodes + 1);
    part at[2 * ML_LEAVES]; /* rows that come to a place */
    at[0] = ~(part){0};
    for (size_t i = 0; i < t->nodes; i++) {
        part right = line_at(lines, place[2 * from[i]]), rows = at[from[i]];
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
        part bits[24];
        if (ml_is_sparse(t))
            sparse(lines + h, t, node, bits);
        else if (t->depth)
            perfect(lines + h, node, 0, t->depth, bits);
        for (size_t b = t->bits; b < 8; b++)
            bits[b] = (part){0};
        transpose(bits);
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; i++)
            store(leaf + ML_LINE * i + h, bits[i]);
    }
}
