/* What numpy's types and arrays mean as they stand in a pickle. */
#include "model/import_pickle.h"

enum { DTYPE_SIZE_MAX = 1 << 20, DTYPE_FIELDS_MAX = 64 };

const char *dtype_make(struct arena *a, struct text code, struct dtype **out)
{
    struct dtype *t = arena_zero(a, sizeof *t);
    if (code.len > 1 && strchr("<>|=", code.at[0])) {
        t->big = code.at[0] == '>';
        code.at++, code.len--;
    }
    if (code.len == 0 || !strchr("biufUSVO", code.at[0]))
        return "a type of numpy that is not supported";
    t->kind = code.at[0];
    for (size_t i = 1; i < code.len; i++) {
        if (code.at[i] < '0' || code.at[i] > '9' || t->size > DTYPE_SIZE_MAX)
            return "a type of numpy that is not supported";
        t->size = t->size * 10 + (size_t)(code.at[i] - '0');
    }
    if (t->kind == 'U')
        t->size *= 4;
    *out = t;
    return NULL;
}

static const struct pickled *item(const struct pickled *v, size_t i, enum pickle_kind kind)
{
    return i < v->items.len && v->items.at[i]->kind == kind ? v->items.at[i] : NULL;
}

static const struct pickled *dict_find(const struct pickled *dict, struct text key)
{
    for (size_t i = 0; i + 1 < dict->items.len; i += 2)
        if (dict->items.at[i]->kind == PICKLE_TEXT && text_equal(dict->items.at[i]->text, key))
            return dict->items.at[i + 1];
    return NULL;
}

/* (type, offset) of one field. */
static const char *add_field(struct dtype *t, struct text name, const struct pickled *place)
{
    const struct pickled *type, *offset;
    if (!place || place->kind != PICKLE_TUPLE || !(type = item(place, 0, PICKLE_DTYPE)) ||
        !(offset = item(place, 1, PICKLE_INT)))
        return "a field of a record has no type or offset";
    if (!type->dtype->built || offset->whole < 0 || (uint64_t)offset->whole > t->size ||
        type->dtype->size > t->size - (size_t)offset->whole)
        return "a field of a record is out of its bounds";
    t->fields[t->field_count++] = (struct dtype_field){name, type->dtype, (size_t)offset->whole};
    return NULL;
}

static const char *build_fields(struct arena *a, struct dtype *t, const struct pickled *state)
{
    const struct pickled *names = item(state, 3, PICKLE_TUPLE);
    const struct pickled *fields = item(state, 4, PICKLE_DICT);
    const struct pickled *size = item(state, 5, PICKLE_INT);
    if (!names || !fields || !size || size->whole < 0 || size->whole > DTYPE_SIZE_MAX ||
        names->items.len > DTYPE_FIELDS_MAX || fields->items.len > 2 * DTYPE_FIELDS_MAX)
        return "a record of numpy without names, fields or size";
    t->size = (size_t)size->whole;
    t->field_count = 0;
    t->fields = arena_zero(a, (names->items.len + 1) * sizeof *t->fields);
    for (size_t i = 0; i < names->items.len; i++) {
        const struct pickled *name = item(names, i, PICKLE_TEXT);
        const char *problem =
            name ? add_field(t, name->text, dict_find(fields, name->text)) : "a field has no name";
        if (problem)
            return problem;
    }
    return NULL;
}

/* (version, byte order, subtype, names, fields, size, alignment, flags ...) */
const char *dtype_build(struct arena *a, struct dtype *t, const struct pickled *state)
{
    if (state->kind != PICKLE_TUPLE || state->items.len < 5)
        return "a type of numpy without its state";
    const struct pickled *order = item(state, 1, PICKLE_TEXT);
    if (order && order->text.len == 1)
        t->big = order->text.at[0] == '>';
    if (!item(state, 2, PICKLE_NONE))
        return "a type of numpy with arrays in it";
    /* Where a type is used, its size has been relied on. */
    if (t->built)
        return "a type of numpy that is built twice";
    t->built = true;
    return item(state, 3, PICKLE_NONE) ? NULL : build_fields(a, t, state);
}

const char *array_shape(struct array *a, const struct dtype *type, const struct pickled *shape,
                        bool fortran)
{
    /* Elements of no bytes could be any number. */
    if (!type->built || type->size == 0)
        return "an array of a type that is not complete";
    if (shape->kind != PICKLE_TUPLE || shape->items.len > ARRAY_DIMS)
        return "an array with a shape that is not supported";
    a->type = type;
    a->fortran = fortran;
    a->dims = shape->items.len;
    a->count = 1;
    for (size_t i = 0; i < a->dims; i++) {
        double length;
        if (!pickle_number(shape->items.at[i], &length) || length < 0 || length > 0x1p40)
            return "an array with a shape that is not supported";
        a->shape[i] = (size_t)length;
        if (__builtin_mul_overflow(a->count, a->shape[i], &a->count))
            return "an array with more elements than there can be";
    }
    return NULL;
}

/* (version, shape, type, Fortran order, bytes or list) */
const char *array_build(struct array *a, const struct pickled *state)
{
    const struct pickled *type, *fortran;
    if (state->kind != PICKLE_TUPLE || state->items.len != 5 ||
        !(type = item(state, 2, PICKLE_DTYPE)) || !(fortran = item(state, 3, PICKLE_BOOL)))
        return "an array without its state";
    if (a->type)
        return "an array that is built twice";
    const struct pickled *content = state->items.at[4];
    const char *problem = array_shape(a, type->dtype, state->items.at[1], fortran->whole != 0);
    if (problem)
        return problem;
    size_t bytes;
    if (type->dtype->kind == 'O') {
        if (content->kind != PICKLE_LIST || content->items.len != a->count)
            return "an array of objects that are not there";
        a->objects = content->items.at;
        return NULL;
    }
    if ((content->kind != PICKLE_BYTES && content->kind != PICKLE_TEXT) ||
        __builtin_mul_overflow(a->count, type->dtype->size, &bytes) || content->text.len != bytes)
        return "an array whose bytes do not fit its shape";
    a->data = content->text.at;
    return NULL;
}

const struct dtype_field *dtype_find(const struct dtype *t, const char *name)
{
    for (size_t i = 0; i < t->field_count; i++)
        if (text_equal(t->fields[i].name, text_of(name)))
            return &t->fields[i];
    return NULL;
}

static uint64_t load(const struct dtype *t, const char *at)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < t->size; i++)
        bits |= (uint64_t)(unsigned char)at[i] << 8 * (t->big ? t->size - 1 - i : i);
    return bits;
}

/* Of a size from 1 to 8. */
static int64_t extend(uint64_t bits, size_t size)
{
    uint64_t sign = UINT64_C(0x80) << 8 * ((size - 1) & 7);
    return (int64_t)((bits ^ sign) - sign);
}

bool dtype_number(const struct dtype *t, const char *at, double *out)
{
    if (t->size == 0 || t->size > 8 || !strchr("biuf", t->kind))
        return false;
    uint64_t bits = load(t, at);
    uint32_t narrow = (uint32_t)bits;
    float f;
    if (t->kind == 'i')
        *out = (double)extend(bits, t->size);
    else if (t->kind != 'f')
        *out = (double)bits;
    else if (t->size == 8)
        memcpy(out, &bits, sizeof *out);
    else if (t->size == 4) {
        memcpy(&f, &narrow, sizeof f);
        *out = (double)f;
    } else
        return false;
    return true;
}

/* Where element i of C's order is. */
static size_t place(const struct array *a, size_t i)
{
    if (!a->fortran || a->dims < 2)
        return i;
    size_t stride = a->count, at = 0;
    for (size_t d = a->dims; d-- > 0; i /= a->shape[d]) {
        stride /= a->shape[d];
        at += i % a->shape[d] * stride;
    }
    return at;
}

const char *array_at(const struct array *a, size_t i)
{
    return a->data + place(a, i) * a->type->size;
}

const struct pickled *array_object(const struct array *a, size_t i)
{
    return a->objects && i < a->count ? a->objects[place(a, i)] : NULL;
}

bool array_number(const struct array *a, size_t i, double *out)
{
    if (i >= a->count)
        return false;
    if (a->objects) {
        const struct pickled *v = array_object(a, i);
        /* An array of arrays is no number: that also ends what holds itself. */
        return v->kind != PICKLE_ARRAY && pickle_number(v, out);
    }
    return a->data && dtype_number(a->type, array_at(a, i), out);
}

bool array_is_text(const struct array *a)
{
    if (a->objects)
        return a->count > 0 && a->objects[0]->kind == PICKLE_TEXT;
    return a->data && (a->type->kind == 'U' || a->type->kind == 'S');
}

/* UCS-4 up to the NULs that fill it up. */
static void put_wide(const struct dtype *t, const char *at, struct buf *out)
{
    const struct dtype one = {.kind = 'u', .big = t->big, .size = 4};
    size_t n = t->size / 4;
    char utf8[4];
    while (n > 0 && load(&one, at + 4 * (n - 1)) == 0)
        n--;
    for (size_t i = 0; i < n; i++)
        buf_add(out, utf8, utf8_print(utf8, (uint32_t)load(&one, at + 4 * i)));
}

/* An integer in full, which may be too long for a double. */
static int64_t whole(const struct array *a, size_t i)
{
    if (a->objects)
        return array_object(a, i)->whole;
    uint64_t bits = load(a->type, array_at(a, i));
    return a->type->kind == 'i' ? extend(bits, a->type->size) : (int64_t)bits;
}

/* x is the number as a double. */
static void put_number(const struct array *a, size_t i, double x, struct buf *out)
{
    char digits[NUMBER_MAX];
    const struct pickled *v = array_object(a, i);
    char kind = !v                       ? a->type->kind
                : v->kind == PICKLE_BOOL ? 'b'
                : v->kind == PICKLE_INT  ? 'i'
                                         : 'f';
    if (kind == 'b')
        buf_puts(out, x != 0 ? "True" : "False");
    else if (kind == 'f' || x >= 0x1p63)
        buf_add(out, digits, number_print(digits, x));
    else
        buf_add(out, digits, number_print_int(digits, whole(a, i)));
}

bool array_text(const struct array *a, size_t i, struct buf *out)
{
    double x;
    const struct pickled *v = array_object(a, i);
    if (v && v->kind == PICKLE_TEXT) {
        buf_add(out, v->text.at, v->text.len);
        return true;
    }
    if (array_number(a, i, &x)) {
        put_number(a, i, x, out);
        return true;
    }
    if (v || i >= a->count || !array_is_text(a))
        return false;
    const char *at = array_at(a, i);
    if (a->type->kind == 'U')
        put_wide(a->type, at, out);
    else
        buf_add(out, at, strnlen(at, a->type->size));
    return true;
}
