#include "store/columns.h"

#include <math.h>

static enum row_kind kind_of(struct text row, size_t value)
{
    return row.at ? row_kind(row, value) : ROW_MISSING;
}

/* Whether all of the rows that have the value have it as this kind. */
static bool all_are(enum row_kind kind, const struct text *rows, size_t n, size_t value)
{
    for (size_t r = 0; r < n; r++) {
        enum row_kind is = kind_of(rows[r], value);
        if (is != kind && is != ROW_MISSING)
            return false;
    }
    return true;
}

static struct column int_column(const struct text *rows, size_t value, struct batch *b, bool times)
{
    int64_t *out = batch_array(b, b->rows, sizeof *out);
    for (size_t r = 0; r < b->rows; r++)
        out[r] = kind_of(rows[r], value) == ROW_MISSING ? INT_MISSING
                                                        : (int64_t)row_bits(rows[r], value);
    return times ? column_of_time(out) : column_of_int(out);
}

static struct column float_column(const struct text *rows, size_t value, struct batch *b)
{
    double *out = batch_array(b, b->rows, sizeof *out);
    for (size_t r = 0; r < b->rows; r++) {
        out[r] = (double)NAN;
        if (kind_of(rows[r], value) == ROW_MISSING)
            continue;
        uint64_t bits = row_bits(rows[r], value);
        memcpy(&out[r], &bits, sizeof bits);
    }
    return column_of_double(out);
}

static struct column bool_column(const struct text *rows, size_t value, struct batch *b)
{
    uint8_t *out = batch_array(b, b->rows, sizeof *out);
    for (size_t r = 0; r < b->rows; r++)
        out[r] = kind_of(rows[r], value) == ROW_MISSING ? BOOL_MISSING
                                                        : (uint8_t)row_bits(rows[r], value);
    return column_of_bool(out);
}

/* JSON may have line ends between its tokens, a line of JSON Lines may not. */
static struct text on_a_line(struct text json, struct arena *arena)
{
    if (!json.at || (!memchr(json.at, '\n', json.len) && !memchr(json.at, '\r', json.len)))
        return json;
    char *copy = arena_copy(arena, json.at, json.len);
    for (size_t i = 0; i < json.len; i++)
        if (copy[i] == '\n' || copy[i] == '\r')
            copy[i] = ' ';
    return (struct text){copy, json.len};
}

static struct column text_column(const struct text *rows, size_t value, bool json, struct batch *b)
{
    struct text *out = batch_array(b, b->rows, sizeof *out);
    char room[TIME_MAX];
    for (size_t r = 0; r < b->rows; r++) {
        out[r] = rows[r].at ? row_cell(rows[r], value, room) : (struct text){NULL, 0};
        if (out[r].at == room)
            out[r].at = arena_copy(&b->arena, room, out[r].len);
        if (json)
            out[r] = on_a_line(out[r], &b->arena);
    }
    return json ? column_of_json(out) : column_of_text(out);
}

struct column feature_column(const struct group *g, size_t feature, const struct text *rows,
                             struct batch *b)
{
    size_t value = feature + 1, n = b->rows;
    switch (feature_cell_type(&g->features.at[feature])) {
    case TYPE_INT:
        if (all_are(ROW_INT, rows, n, value))
            return int_column(rows, value, b, false);
        break;
    case TYPE_TIME:
        if (all_are(ROW_TIME, rows, n, value))
            return int_column(rows, value, b, true);
        break;
    case TYPE_FLOAT:
        if (all_are(ROW_FLOAT, rows, n, value))
            return float_column(rows, value, b);
        break;
    case TYPE_BOOL:
        if (all_are(ROW_BOOL, rows, n, value))
            return bool_column(rows, value, b);
        break;
    case TYPE_JSON:
        return text_column(rows, value, true, b);
    case TYPE_TEXT:
        break;
    }
    return text_column(rows, value, false, b);
}
