/* Types of features, and whether a cell is of one. */
#include "store/group.h"

#include "base/json_read.h"

#include <math.h>
#include <stdlib.h>

static const struct {
    const char *name, *other;
    enum type type;
} scalars[] = {
    {"int", "integral", TYPE_INT}, {"float", "fractional", TYPE_FLOAT},
    {"text", "string", TYPE_TEXT}, {"bool", "bool", TYPE_BOOL},
    {"time", "time", TYPE_TIME},
};

static const char *const collections[] = {
    [COLLECTION_LIST] = "list-", [COLLECTION_SET] = "set-", [COLLECTION_VECTOR] = "vector-"};

static bool scalar_from(struct text name, enum type *type)
{
    for (size_t i = 0; i < COUNT_OF(scalars); i++)
        if (text_equal(name, text_of(scalars[i].name)) ||
            text_equal(name, text_of(scalars[i].other))) {
            *type = scalars[i].type;
            return true;
        }
    return false;
}

static bool dimension_from(struct text digits, uint32_t *dimension)
{
    int64_t n;
    double unused;
    if (number_parse(digits.at, digits.len, &n, &unused) != NUMBER_INT || n < 1 || n > 65535)
        return false;
    *dimension = (uint32_t)n;
    return true;
}

bool feature_type_parse(struct text type, struct feature *f)
{
    f->collection = COLLECTION_NONE;
    f->dimension = 0;
    for (size_t i = COLLECTION_LIST; i <= COLLECTION_VECTOR; i++) {
        size_t n = strlen(collections[i]);
        if (type.len <= n || memcmp(type.at, collections[i], n) != 0)
            continue;
        struct text rest = {type.at + n, type.len - n};
        f->collection = (enum collection)i;
        f->type = TYPE_FLOAT;
        return i == COLLECTION_VECTOR ? dimension_from(rest, &f->dimension)
                                      : scalar_from(rest, &f->type);
    }
    return scalar_from(type, &f->type);
}

void feature_type_print(const struct feature *f, struct buf *out)
{
    if (f->collection != COLLECTION_NONE)
        buf_puts(out, collections[f->collection]);
    if (f->collection == COLLECTION_VECTOR)
        buf_format(out, "%u", f->dimension);
    else
        buf_puts(out, type_name(f->type));
}

enum type feature_cell_type(const struct feature *f)
{
    return f->collection == COLLECTION_NONE ? f->type : TYPE_JSON;
}

/* ---- lists ---- */

/* Whether the element that was just read is of the type. */
static bool element_fits(enum type type, enum json_token token, struct text raw)
{
    int64_t i;
    double f;
    usec t;
    bool has_offset;
    switch (type) {
    case TYPE_INT:
        return token == JSON_TOKEN_NUMBER && number_parse(raw.at, raw.len, &i, &f) == NUMBER_INT;
    case TYPE_FLOAT:
        return token == JSON_TOKEN_NUMBER && number_parse_double(raw.at, raw.len, &f) &&
               isfinite(f);
    case TYPE_BOOL:
        return token == JSON_TOKEN_TRUE || token == JSON_TOKEN_FALSE;
    case TYPE_TIME:
        return token == JSON_TOKEN_STRING && time_parse(raw.at, raw.len, &t, &has_offset) &&
               has_offset;
    default:
        return token == JSON_TOKEN_STRING;
    }
}

/* Elements are the same when they are spelt the same. */
static bool take_element(struct map *seen, struct text raw)
{
    bool is_new;
    map_put(seen, raw, &is_new);
    return is_new;
}

static int read_list(const struct feature *f, struct text cell, struct map *seen, struct error *e)
{
    struct json_reader r;
    enum json_token t;
    uint32_t n = 0;
    json_start(&r, cell.at, cell.len);
    if (json_next(&r) != JSON_TOKEN_ARRAY)
        return error_set(e, ERR_DATA, "is not a list");
    for (; (t = json_next(&r)) > JSON_TOKEN_DONE && t != JSON_TOKEN_END; n++) {
        if (!element_fits(f->type, t, r.raw))
            return error_set(e, ERR_DATA, "has an element that is not of type %s",
                             type_name(f->type));
        if (f->collection == COLLECTION_SET && !take_element(seen, r.raw))
            return error_set(e, ERR_DATA, "is a set and has an element twice");
    }
    if (t != JSON_TOKEN_END || json_next(&r) != JSON_TOKEN_DONE)
        return error_set(e, ERR_DATA, "is not a list");
    if (f->collection == COLLECTION_VECTOR && n != f->dimension)
        return error_set(e, ERR_DATA, "has %u numbers, not %u", n, f->dimension);
    return 0;
}

static int check_list(const struct feature *f, struct text cell, struct error *e)
{
    struct map seen = {0};
    int status = read_list(f, cell, &seen, e);
    map_release(&seen);
    return status;
}

static int no_value(const struct feature *f, struct text cell, struct error *e)
{
    char quoted[QUOTE_MAX];
    struct buf type = {0};
    feature_type_print(f, &type);
    error_set(e, ERR_DATA, "feature '%s': %s is not of type %s", f->name,
              quote(quoted, cell.at, cell.len), buf_text(&type));
    buf_release(&type);
    return ERR_DATA;
}

int group_add_cell(const struct group *g, size_t feature, struct text cell, struct row_builder *b,
                   struct error *e)
{
    const struct feature *f = &g->features.at[feature];
    struct error why = {0};
    if (cell.at && f->collection != COLLECTION_NONE && check_list(f, cell, &why))
        return error_set(e, ERR_DATA, "feature '%s': %s", f->name, why.message);
    return row_add(b, feature_cell_type(f), cell) ? 0 : no_value(f, cell, e);
}
