#include "store/row.h"

#include <math.h>

static size_t slots_at(size_t features)
{
    return (2 + features + 7) / 8 * 8;
}

static size_t slot_of(size_t features, size_t feature)
{
    return slots_at(features) + 8 * feature;
}

/* ---- writing ---- */

void row_begin(struct row_builder *b, size_t features)
{
    size_t fixed = slot_of(features, features);
    uint16_t count = (uint16_t)features;
    b->bytes.len = 0;
    b->features = features;
    b->next = 0;
    buf_reserve(&b->bytes, fixed);
    memset(b->bytes.at, 0, fixed);
    memcpy(b->bytes.at, &count, sizeof count);
    b->bytes.len = fixed;
}

static bool put(struct row_builder *b, enum row_kind kind, uint64_t value)
{
    b->bytes.at[2 + b->next] = (char)kind;
    memcpy(b->bytes.at + slot_of(b->features, b->next), &value, sizeof value);
    b->next++;
    return true;
}

static bool put_bytes(struct row_builder *b, enum row_kind kind, struct text t)
{
    uint64_t place = b->bytes.len | (uint64_t)t.len << 32;
    if (b->bytes.len + t.len > STORE_ROW_MAX)
        return false;
    buf_add(&b->bytes, t.at, t.len);
    return put(b, kind, place);
}

/* A value whose own spelling is kept where it is not `usual`. */
static bool put_value(struct row_builder *b, enum row_kind kind, uint64_t value, struct text cell,
                      struct text usual)
{
    return text_equal(cell, usual) ? put(b, kind, value) : put_bytes(b, ROW_SPELT, cell);
}

static bool put_int(struct row_builder *b, struct text cell)
{
    char usual[NUMBER_MAX];
    int64_t i;
    double f;
    if (number_parse(cell.at, cell.len, &i, &f) != NUMBER_INT)
        return false;
    if (i == INT_MISSING) /* which is what it means in a column */
        return put_bytes(b, ROW_SPELT, cell);
    size_t n = number_print_int(usual, i);
    return put_value(b, ROW_INT, (uint64_t)i, cell, (struct text){usual, n});
}

static bool put_float(struct row_builder *b, struct text cell)
{
    char usual[NUMBER_MAX];
    double f;
    uint64_t bits;
    if (!number_parse_double(cell.at, cell.len, &f) || !isfinite(f))
        return false;
    memcpy(&bits, &f, sizeof bits);
    size_t n = number_print(usual, f);
    return put_value(b, ROW_FLOAT, bits, cell, (struct text){usual, n});
}

static bool put_bool(struct row_builder *b, struct text cell)
{
    static const char *const names[] = {"false", "true"};
    for (size_t value = 0; value < 2; value++) {
        struct text usual = text_of(names[value]);
        bool same = cell.len == usual.len;
        for (size_t i = 0; same && i < usual.len; i++)
            same = (cell.at[i] | 0x20) == usual.at[i];
        if (same)
            return put_value(b, ROW_BOOL, value, cell, usual);
    }
    return false;
}

static bool put_time(struct row_builder *b, struct text cell)
{
    char usual[TIME_MAX];
    bool has_offset = false;
    usec t;
    if (!time_parse(cell.at, cell.len, &t, &has_offset) || !has_offset)
        return false;
    size_t n = time_print(usual, t);
    return put_value(b, ROW_TIME, (uint64_t)t, cell, (struct text){usual, n});
}

bool row_add(struct row_builder *b, enum type type, struct text cell)
{
    if (!cell.at)
        return put(b, ROW_MISSING, 0);
    switch (type) {
    case TYPE_INT:
        return put_int(b, cell);
    case TYPE_FLOAT:
        return put_float(b, cell);
    case TYPE_BOOL:
        return put_bool(b, cell);
    case TYPE_TIME:
        return put_time(b, cell);
    case TYPE_JSON:
        return json_valid(cell) && put_bytes(b, ROW_TEXT, cell);
    case TYPE_TEXT:
        break;
    }
    return put_bytes(b, ROW_TEXT, cell);
}

void row_add_int(struct row_builder *b, int64_t i)
{
    char room[NUMBER_MAX];
    size_t n = i == INT_MISSING ? number_print_int(room, i) : 0;
    if (i != INT_MISSING)
        put(b, ROW_INT, (uint64_t)i);
    else if (!put_int(b, (struct text){room, n}))
        put(b, ROW_MISSING, 0);
}

void row_add_float(struct row_builder *b, double f)
{
    uint64_t bits;
    memcpy(&bits, &f, sizeof bits);
    put(b, isfinite(f) ? ROW_FLOAT : ROW_MISSING, isfinite(f) ? bits : 0);
}

struct text row_end(struct row_builder *b)
{
    return (struct text){b->bytes.at, b->bytes.len};
}

void row_release(struct row_builder *b)
{
    buf_release(&b->bytes);
}

/* ---- reading ---- */

size_t row_features(struct text row)
{
    uint16_t features = 0;
    if (row.len >= sizeof features)
        memcpy(&features, row.at, sizeof features);
    return features;
}

enum row_kind row_kind(struct text row, size_t feature)
{
    return feature < row_features(row) ? (enum row_kind)row.at[2 + feature] : ROW_MISSING;
}

uint64_t row_bits(struct text row, size_t feature)
{
    uint64_t value;
    memcpy(&value, row.at + slot_of(row_features(row), feature), sizeof value);
    return value;
}

static bool is_bytes(enum row_kind kind)
{
    return kind == ROW_TEXT || kind == ROW_SPELT;
}

static struct text bytes_of(struct text row, size_t feature)
{
    uint64_t place = row_bits(row, feature);
    return (struct text){row.at + (uint32_t)place, (size_t)(place >> 32)};
}

static bool value_whole(struct text row, size_t feature)
{
    enum row_kind kind = row_kind(row, feature);
    uint64_t value = row_bits(row, feature);
    if (!is_bytes(kind))
        return kind <= ROW_TIME && (kind != ROW_BOOL || value <= 1);
    size_t at = (uint32_t)value, n = (size_t)(value >> 32);
    return at <= row.len && n <= row.len - at;
}

bool row_whole(struct text row)
{
    size_t features = row_features(row);
    if (row.len < slot_of(features, features) || row.len > STORE_ROW_MAX)
        return false;
    for (size_t i = 0; i < features; i++)
        if (!value_whole(row, i))
            return false;
    return true;
}

struct text row_cell(struct text row, size_t feature, char room[static TIME_MAX])
{
    enum row_kind kind = row_kind(row, feature);
    if (kind == ROW_MISSING)
        return (struct text){NULL, 0};
    if (is_bytes(kind))
        return bytes_of(row, feature);
    uint64_t value = row_bits(row, feature);
    double f;
    switch (kind) {
    case ROW_INT:
        return (struct text){room, number_print_int(room, (int64_t)value)};
    case ROW_FLOAT:
        memcpy(&f, &value, sizeof f);
        return (struct text){room, number_print(room, f)};
    case ROW_TIME:
        return (struct text){room, time_print(room, (usec)value)};
    default:
        return text_of(value ? "true" : "false");
    }
}

bool row_int(struct text row, size_t feature, int64_t *i)
{
    enum row_kind kind = row_kind(row, feature);
    if (kind == ROW_MISSING)
        return false;
    if (is_bytes(kind)) {
        double unused;
        struct text spelt = bytes_of(row, feature);
        return number_parse(spelt.at, spelt.len, i, &unused) == NUMBER_INT;
    }
    *i = (int64_t)row_bits(row, feature);
    return true;
}

bool row_float(struct text row, size_t feature, double *f)
{
    enum row_kind kind = row_kind(row, feature);
    if (kind == ROW_MISSING)
        return false;
    if (is_bytes(kind)) {
        struct text spelt = bytes_of(row, feature);
        return number_parse_double(spelt.at, spelt.len, f);
    }
    uint64_t bits = row_bits(row, feature);
    memcpy(f, &bits, sizeof bits);
    return true;
}

/* JSON may have line ends between its tokens, a line of JSON Lines may not. */
static void put_on_a_line(struct buf *out, struct text json)
{
    for (size_t i = 0; i < json.len; i++)
        buf_putc(out, json.at[i] == '\n' || json.at[i] == '\r' ? ' ' : json.at[i]);
}

void row_json(struct text row, size_t feature, enum type type, struct buf *out)
{
    char room[TIME_MAX];
    enum row_kind kind = row_kind(row, feature);
    struct text cell = row_cell(row, feature, room);
    /* 007.5 is a number to us, and none in JSON. */
    bool is_number = type_is_number(type) && (kind != ROW_SPELT || json_valid(cell));
    if (!cell.at)
        buf_puts(out, "null");
    else if (type == TYPE_JSON)
        put_on_a_line(out, cell);
    else if (is_number || kind == ROW_BOOL)
        buf_add(out, cell.at, cell.len);
    else if (type == TYPE_BOOL)
        buf_puts(out, (cell.at[0] | 0x20) == 't' ? "true" : "false");
    else
        json_put_string(out, cell.at, cell.len);
}

/* ---- merging ---- */

void row_take(struct row_builder *b, struct text row, size_t feature)
{
    enum row_kind kind = row_kind(row, feature);
    if (kind == ROW_MISSING)
        put(b, kind, 0);
    else if (is_bytes(kind))
        put_bytes(b, kind, bytes_of(row, feature));
    else
        put(b, kind, row_bits(row, feature));
}

struct text row_merge(struct row_builder *b, struct text base, struct text patch)
{
    size_t before = row_features(base), now = row_features(patch);
    row_begin(b, before > now ? before : now);
    for (size_t i = 0; i < b->features; i++)
        row_take(b, i > 0 && row_kind(patch, i) == ROW_MISSING ? base : patch, i);
    return row_end(b);
}
