/* A part of kernel_body.h: codes to lines. */

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
        const uint16_t *first = level + 2, *second = first + level[0], *end = second + level[1];
        uint8_t *to = b + 1 < f->bits ? next : block + l->line + (size_t)f->line * ML_LINE;
        for (size_t h = 0; h < ML_LINE; h += LANES) {
            part x = load(bit + h);
            uint8_t *out = to + h;
            for (const uint16_t *i = first; i < second; i++, out += ML_LINE)
                store(out, load(from + (size_t)*i * ML_LINE + h) | x);
            for (const uint16_t *i = second; i < end; i++, out += ML_LINE)
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
    const uint16_t *set = (const uint16_t *)ML_SECTION(p, ML_AT_CODE) + g->code;
    const uint8_t *codes = block + l->code + (size_t)plane->byte * ML_ROWS;
    uint8_t *lines = block + l->room;
    uint16_t found[ML_ROWS];
    size_t count = sort_rows(plane, codes, n, lines, found);
    for (size_t i = f->line; i < (size_t)f->line + f->lines; i++)
        for (size_t h = 0; h < ML_LINE; h += LANES) {
            part right = {0};
            for (size_t j = 0; j < count; j++) {
                uint64_t has = ml_set_has(p, plane, set[i], found[j]);
                right |= load(lines + j * ML_LINE + h) & -has;
            }
            store(block + l->line + i * ML_LINE + h, right);
        }
}

TARGET static void fill_lines(const struct ml_plan *p, const struct ml_group *g, size_t n,
                              uint8_t *block, const struct ml_layout *l)
{
    const struct ml_fill *fill = (const struct ml_fill *)ML_SECTION(p, ML_AT_FILL) + g->fill;
    const struct ml_plane *planes = ML_SECTION(p, ML_AT_PLANE);
    for (size_t i = 0; i < g->fills; i++) {
        const struct ml_plane *plane = &planes[fill[i].plane];
        if (!ml_is_set(p, fill[i].plane))
            fill_codes(p, &fill[i], plane, block, l);
        else
            fill_sets(p, g, &fill[i], plane, n, block, l);
    }
}

/* ---- of a single row ---- */

#if LANES > 8
typedef uint16_t shorts __attribute__((vector_size(LANES)));
#else
typedef uint16_t shorts;
#endif

/* A line of several codes at once. */
INLINE void compare_codes(const uint16_t *code, uint32_t lines, uint32_t x, uint16_t *right)
{
    for (size_t i = 0; i < lines; i += sizeof(shorts) / sizeof *right) {
        shorts codes, above;
        memcpy(&codes, code + i, sizeof codes);
        above = (shorts)(codes < (uint16_t)x);
        above &= 1;
        memcpy(right + i, &above, sizeof above);
    }
}

TARGET static void fill_right(const struct ml_plan *p, const struct ml_group *g,
                              const uint32_t *codes, uint16_t *right)
{
    const struct ml_fill *fill = (const struct ml_fill *)ML_SECTION(p, ML_AT_FILL) + g->fill;
    const uint16_t *code = (const uint16_t *)ML_SECTION(p, ML_AT_CODE) + g->code;
    const struct ml_plane *planes = ML_SECTION(p, ML_AT_PLANE);
    for (size_t i = 0; i < g->fills; i++) {
        const struct ml_fill *f = &fill[i];
        if (!ml_is_set(p, f->plane))
            compare_codes(code + f->line, f->lines, codes[f->plane], right + f->line);
        else
            for (size_t k = f->line; k < (size_t)f->line + f->lines; k++)
                right[k] = ml_set_has(p, &planes[f->plane], code[k], codes[f->plane]);
    }
}
