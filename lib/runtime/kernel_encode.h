/* A part of kernel_body.h: rows to codes. */

/* How many of the 16 cuts at `block` x reaches. single is a constant, p->single_input. */
INLINE size_t count(const void *block, bool single, double x)
{
    return single ? NAME(count_floats)(block, (float)x) : NAME(count_doubles)(block, x);
}

/* How many of all cuts of a column. cuts: ML_AT_CUT. */
INLINE uint32_t code_of(const char *cuts, bool single, const struct ml_column *c, double x)
{
    const size_t block = 16 * (single ? sizeof(float) : sizeof(double));
    size_t code = count(cuts + c->level[0], single, x);
    if (c->levels == 2) /* as it is nearly always */
        return (uint32_t)(16 * code + count(cuts + c->level[1] + code * block, single, x));
    for (uint32_t i = 1; i < c->levels; i++)
        code = 16 * code + count(cuts + c->level[i] + code * block, single, x);
    return (uint32_t)code;
}

/* ---- a row at a time ---- */

INLINE void put_code(const struct ml_plan *p, size_t plane, uint32_t code, size_t at, void *block)
{
    const struct ml_plane *q = (const struct ml_plane *)ML_SECTION(p, ML_AT_PLANE) + plane;
    uint8_t *codes = (uint8_t *)block + (size_t)q->byte * ML_ROWS + at;
    if (q->bytes > 0)
        codes[0] = (uint8_t)code;
    if (q->bytes > 1)
        codes[ML_ROWS] = (uint8_t)(code >> 8);
    if (ML_OF(p, has_deep))
        ml_wide_codes(p, block)[plane * ML_ROWS + at] = code;
}

/* What is in the codes of a usual column's first plane goes into the others, too, but for NaN. */
INLINE void put_others(const struct ml_plan *p, const struct ml_column *c, const double *values,
                       size_t n, uint8_t *bytes)
{
    const struct ml_plane *planes = (const struct ml_plane *)ML_SECTION(p, ML_AT_PLANE) + c->plane;
    for (size_t i = 1; i < c->planes; i++) {
        uint8_t missing = (uint8_t)planes[i].missing, *to = bytes + i * ML_ROWS;
        for (size_t r = 0; r < n; r++)
            to[r] = values[r] == values[r] ? bytes[r] : missing;
    }
}

/* Of doubles at `wide` or floats at `narrow`. */
INLINE void encode_row(const struct ml_plan *p, bool single, const double *wide,
                       const float *narrow, size_t at, void *block)
{
    const struct ml_column *c = ML_SECTION(p, ML_AT_COLUMN), *end = c + p->columns;
    const struct ml_plane *planes = ML_SECTION(p, ML_AT_PLANE);
    const char *cuts = ML_SECTION(p, ML_AT_CUT);
    for (; c < end; c++) {
        double x = wide ? wide[c->feature] : (double)narrow[c->feature];
        double y = x == x || ml_is_other(c) ? x : c->missing;
        uint32_t code = code_of(cuts, single, c, y);
        if (!ml_is_other(c)) {
            uint8_t *bytes = (uint8_t *)block + (size_t)c->byte * ML_ROWS + at;
            *bytes = (uint8_t)code;
            put_others(p, c, &x, 1, bytes);
        } else {
            for (size_t i = c->plane; i < (size_t)c->plane + c->planes; i++)
                put_code(p, i, ml_plane_code(&planes[i], x, code), at, block);
        }
    }
}

INLINE void code_planes(const struct ml_plan *p, bool single, const double *row, uint32_t *codes)
{
    const struct ml_column *c = ML_SECTION(p, ML_AT_COLUMN), *end = c + p->columns;
    const struct ml_plane *planes = ML_SECTION(p, ML_AT_PLANE);
    const char *cuts = ML_SECTION(p, ML_AT_CUT);
    for (; c < end; c++) {
        double x = row[c->feature];
        uint32_t code = code_of(cuts, single, c, x);
        for (size_t i = c->plane; i < (size_t)c->plane + c->planes; i++)
            codes[i] = ml_plane_code(&planes[i], x, code);
    }
}

/* Without a block. */
TARGET static void code_row(const struct ml_plan *p, const double *row, uint32_t *codes)
{
    if (ML_OF(p, single_input))
        code_planes(p, true, row, codes);
    else
        code_planes(p, false, row, codes);
}

/* ---- a column at a time ---- */

enum { at_once = 64 }; /* values */

/* Value r of a column is r * apart numbers behind one of these; both NULL: missing. */
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

/* Values first .. first + n - 1 and at_once - n others, where they are or put together in `room`.
 */
INLINE const double *get_values(const struct source *from, size_t first, size_t n,
                                double room[at_once])
{
    if (from->wide && from->apart == 1 && n == at_once)
        return from->wide + first;
    for (size_t r = 0; r < n; r++)
        room[r] = from->wide     ? from->wide[(first + r) * from->apart]
                  : from->single ? (double)from->single[(first + r) * from->apart]
                                 : ML_NAN;
    return room;
}

/* Of any column. */
INLINE void encode_values(const struct ml_plan *p, bool single, const struct ml_column *c,
                          const double values[at_once], size_t n, size_t at, void *block)
{
    const struct ml_plane *planes = ML_SECTION(p, ML_AT_PLANE);
    const char *cuts = ML_SECTION(p, ML_AT_CUT);
    for (size_t r = 0; r < n; r++) {
        uint32_t code = code_of(cuts, single, c, values[r]);
        for (size_t i = c->plane; i < (size_t)c->plane + c->planes; i++)
            put_code(p, i, ml_plane_code(&planes[i], values[r], code), at + r, block);
    }
}

/* Of a usual one, into its first plane. */
INLINE void encode_usual(const struct ml_plan *p, bool single, const struct ml_column *c,
                         const double values[at_once], size_t n, uint8_t *bytes)
{
    const struct ml_column column = *c; /* which the codes' memory cannot be part of */
    const char *cuts = ML_SECTION(p, ML_AT_CUT);
    float floats[at_once];
    double doubles[at_once], missing = c->missing;
    for (size_t r = 0; r < at_once; r++)
        doubles[r] = values[r] == values[r] ? values[r] : missing;
    for (size_t r = 0; r < at_once && single; r++)
        floats[r] = (float)doubles[r];
    for (size_t r = 0; r < n; r++)
        bytes[r] = (uint8_t)code_of(cuts, single, &column, single ? (double)floats[r] : doubles[r]);
}

INLINE void encode_column(const struct ml_plan *p, bool single, const struct ml_column *c,
                          const struct ml_rows *rows, size_t first, size_t n, size_t at,
                          void *block)
{
    struct source from = source_of(rows, c->feature, first);
    uint8_t *bytes = (uint8_t *)block + (size_t)c->byte * ML_ROWS + at;
    double room[at_once] = {0};
    for (size_t r = 0; r < n; r += at_once) {
        size_t count = n - r < at_once ? n - r : at_once;
        const double *values = get_values(&from, r, count, room);
        if (ml_is_other(c))
            encode_values(p, single, c, values, count, at + r, block);
        else {
            encode_usual(p, single, c, values, count, bytes + r);
            put_others(p, c, values, count, bytes + r);
        }
    }
}

INLINE void encode_rows(const struct ml_plan *p, bool single, const struct ml_rows *rows,
                        size_t first, size_t n, size_t at, void *block)
{
    const struct ml_column *columns = ML_SECTION(p, ML_AT_COLUMN);
    size_t from = first * rows->stride;
    if (n == 1 && !rows->column)
        encode_row(p, single, rows->wide ? rows->wide + from : NULL,
                   rows->wide ? NULL : rows->single + from, at, block);
    else
        for (size_t i = 0; i < p->columns; i++)
            encode_column(p, single, &columns[i], rows, first, n, at, block);
}

TARGET static void encode(const struct ml_plan *p, const struct ml_rows *rows, size_t first,
                          size_t n, size_t at, void *block)
{
    if (ML_OF(p, single_input))
        encode_rows(p, true, rows, first, n, at, block);
    else
        encode_rows(p, false, rows, first, n, at, block);
}
