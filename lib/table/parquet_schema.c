/* The schema of a Parquet file: its elements, and what their types mean here. */
#include "table/parquet_file.h"

enum {
    NO_TYPE = -1,
    ELEMENTS_MAX = 1 << 20, /* an element may be a byte, and takes a hundred here */
};

/* A SchemaElement. Of the logical type: number of the union's field, and what is inside. */
struct element {
    struct text name;
    int64_t physical, width, repetition, children, converted, scale, precision;
    int64_t logical, unit, bits, logical_scale, logical_precision;
    bool to_utc, is_signed;
};

enum {
    LOGICAL_STRING = 1,
    LOGICAL_ENUM = 4,
    LOGICAL_DECIMAL = 5,
    LOGICAL_DATE = 6,
    LOGICAL_TIME = 7,
    LOGICAL_TIMESTAMP = 8,
    LOGICAL_INTEGER = 10,
    LOGICAL_UNKNOWN = 11,
    LOGICAL_JSON = 12,
    LOGICAL_BSON = 13,
    LOGICAL_UUID = 14,
    LOGICAL_FLOAT16 = 15,
};

/* TimeUnit: a union of empty structs. */
static int64_t read_unit(struct thrift_reader *r, enum thrift_type type)
{
    static const int64_t units[] = {0, 1000, 1000000, 1000000000};
    int64_t unit = 0;
    struct thrift_field f = {0};
    if (!thrift_enter(r, type))
        return 0;
    while (thrift_next(r, &f)) {
        if (f.id > 0 && f.id < (int32_t)COUNT_OF(units))
            unit = units[f.id];
        thrift_skip(r, f.type);
    }
    thrift_leave(r);
    return unit;
}

static void read_time_field(struct thrift_reader *r, const struct thrift_field *f,
                            struct element *x)
{
    if (f->id == 1)
        x->to_utc = thrift_bool(r, f->type);
    else
        x->unit = read_unit(r, f->type);
}

static void read_integer_field(struct thrift_reader *r, const struct thrift_field *f,
                               struct element *x)
{
    if (f->id == 1)
        x->bits = thrift_int(r, f->type);
    else
        x->is_signed = thrift_bool(r, f->type);
}

/* The struct inside a logical type's union; what its fields mean depends on which one it is. */
static void read_logical_fields(struct thrift_reader *r, enum thrift_type type, struct element *x)
{
    struct thrift_field f = {0};
    bool is_time = x->logical == LOGICAL_TIME || x->logical == LOGICAL_TIMESTAMP;
    if (!thrift_enter(r, type))
        return;
    while (thrift_next(r, &f)) {
        if (f.id != 1 && f.id != 2)
            thrift_skip(r, f.type);
        else if (is_time)
            read_time_field(r, &f, x);
        else if (x->logical == LOGICAL_INTEGER)
            read_integer_field(r, &f, x);
        else if (x->logical == LOGICAL_DECIMAL)
            *(f.id == 1 ? &x->logical_scale : &x->logical_precision) = thrift_int(r, f.type);
        else
            thrift_skip(r, f.type);
    }
    thrift_leave(r);
}

static void read_logical(struct thrift_reader *r, enum thrift_type type, struct element *x)
{
    struct thrift_field f = {0};
    if (!thrift_enter(r, type))
        return;
    while (thrift_next(r, &f)) {
        x->logical = f.id;
        read_logical_fields(r, f.type, x);
    }
    thrift_leave(r);
}

static void read_element(struct thrift_reader *r, enum thrift_type type, struct element *x)
{
    struct thrift_field f = {0};
    *x = (struct element){.physical = NO_TYPE, .converted = NO_TYPE};
    if (!thrift_enter(r, type))
        return;
    int64_t *numbers[] = {NULL,         &x->physical,  &x->width, &x->repetition, NULL,
                          &x->children, &x->converted, &x->scale, &x->precision};
    while (thrift_next(r, &f)) {
        if (f.id == 4)
            x->name = thrift_binary(r, f.type);
        else if (f.id == 10)
            read_logical(r, f.type, x);
        else if (f.id > 0 && f.id < (int32_t)COUNT_OF(numbers) && numbers[f.id])
            *numbers[f.id] = thrift_int(r, f.type);
        else
            thrift_skip(r, f.type);
    }
    thrift_leave(r);
}

static void show_as(struct parquet_leaf *leaf, enum parquet_meaning meaning, enum type type,
                    enum form form)
{
    leaf->meaning = meaning;
    leaf->shown.type = type;
    leaf->shown.form = form;
}

static void refuse(struct parquet_leaf *leaf, const char *why)
{
    leaf->shown.refused = why;
}

static void mean_integer(struct parquet_leaf *leaf, int64_t bits, bool is_signed)
{
    bool is_int = leaf->physical == PHYSICAL_INT32 || leaf->physical == PHYSICAL_INT64;
    leaf->bits = (unsigned)bits;
    if (!is_int || (bits != 8 && bits != 16 && bits != 32 && bits != 64))
        refuse(leaf, "its integers are of no known kind");
    else if (is_signed)
        show_as(leaf, MEANS_VALUE, TYPE_INT, FORM_INT);
    else if (bits == 64) /* beyond int64 */
        show_as(leaf, MEANS_UNSIGNED, TYPE_TEXT, FORM_TEXT);
    else
        show_as(leaf, MEANS_UNSIGNED, TYPE_INT, FORM_INT);
}

/* Of up to 15 digits a double keeps each, so that they may be taken for numbers. */
static void mean_decimal(struct parquet_leaf *leaf, int64_t scale, int64_t digits)
{
    bool fits = leaf->physical == PHYSICAL_INT32 || leaf->physical == PHYSICAL_INT64 ||
                leaf->physical == PHYSICAL_BYTES || leaf->physical == PHYSICAL_FIXED;
    if (!fits || scale < 0 || digits < 1 || scale > digits || digits > 76) {
        refuse(leaf, "its decimals have more than 76 digits, or none");
        return;
    }
    leaf->scale = (unsigned)scale;
    leaf->digits = (unsigned)digits;
    show_as(leaf, MEANS_DECIMAL, digits <= 15 ? TYPE_FLOAT : TYPE_TEXT, FORM_TEXT);
}

static void mean_time(struct parquet_leaf *leaf, enum parquet_meaning meaning, int64_t unit)
{
    bool is_int = leaf->physical == PHYSICAL_INT32 || leaf->physical == PHYSICAL_INT64;
    leaf->unit = unit;
    if (!is_int || (meaning != MEANS_DATE && unit == 0))
        refuse(leaf, "its times are of no known kind");
    else if (meaning == MEANS_INSTANT)
        show_as(leaf, meaning, TYPE_TIME, FORM_TIME);
    else
        show_as(leaf, meaning, meaning == MEANS_CLOCK ? TYPE_TEXT : TYPE_TIME, FORM_TEXT);
}

static void mean_fixed(struct parquet_leaf *leaf, enum parquet_meaning meaning, size_t width)
{
    if (leaf->physical != PHYSICAL_FIXED || leaf->width != width)
        refuse(leaf, "its values have another length than their type");
    else if (meaning == MEANS_HALF)
        show_as(leaf, meaning, TYPE_FLOAT, FORM_FLOAT);
    else
        show_as(leaf, meaning, TYPE_TEXT, FORM_TEXT);
}

static void mean_bytes(struct parquet_leaf *leaf, bool is_json)
{
    if (leaf->physical != PHYSICAL_BYTES && leaf->physical != PHYSICAL_FIXED)
        refuse(leaf, "its texts are stored as numbers");
    else if (is_json)
        show_as(leaf, MEANS_JSON, TYPE_JSON, FORM_JSON);
    else
        show_as(leaf, MEANS_VALUE, TYPE_TEXT, FORM_TEXT);
}

static void mean_logical(struct parquet_leaf *leaf, const struct element *x)
{
    switch (x->logical) {
    case LOGICAL_STRING:
    case LOGICAL_ENUM:
    case LOGICAL_JSON:
        mean_bytes(leaf, x->logical == LOGICAL_JSON);
        break;
    case LOGICAL_DECIMAL:
        mean_decimal(leaf, x->logical_scale, x->logical_precision);
        break;
    case LOGICAL_DATE:
        mean_time(leaf, MEANS_DATE, 0);
        break;
    case LOGICAL_TIME:
        mean_time(leaf, MEANS_CLOCK, x->unit);
        break;
    case LOGICAL_TIMESTAMP:
        mean_time(leaf, x->to_utc ? MEANS_INSTANT : MEANS_LOCAL, x->unit);
        break;
    case LOGICAL_INTEGER:
        mean_integer(leaf, x->bits, x->is_signed);
        break;
    case LOGICAL_UNKNOWN:
        show_as(leaf, MEANS_NOTHING, TYPE_TEXT, FORM_TEXT);
        break;
    case LOGICAL_UUID:
        mean_fixed(leaf, MEANS_UUID, 16);
        break;
    case LOGICAL_FLOAT16:
        mean_fixed(leaf, MEANS_HALF, 2);
        break;
    default:
        refuse(leaf, "its logical type is not read");
    }
}

static void mean_converted(struct parquet_leaf *leaf, const struct element *x)
{
    switch (x->converted) {
    case 0:  /* UTF8 */
    case 4:  /* ENUM */
    case 19: /* JSON */
        mean_bytes(leaf, x->converted == 19);
        break;
    case 5:
        mean_decimal(leaf, x->scale, x->precision);
        break;
    case 6:
        mean_time(leaf, MEANS_DATE, 0);
        break;
    case 7: /* TIME_MILLIS, TIME_MICROS */
    case 8:
        mean_time(leaf, MEANS_CLOCK, x->converted == 7 ? 1000 : 1000000);
        break;
    case 9: /* TIMESTAMP_MILLIS, TIMESTAMP_MICROS */
    case 10:
        mean_time(leaf, MEANS_INSTANT, x->converted == 9 ? 1000 : 1000000);
        break;
    case 11: /* UINT_8 to UINT_64, INT_8 to INT_64 */
    case 12:
    case 13:
    case 14:
        mean_integer(leaf, INT64_C(8) << (x->converted - 11), false);
        break;
    case 15:
    case 16:
    case 17:
    case 18:
        mean_integer(leaf, INT64_C(8) << (x->converted - 15), true);
        break;
    default:
        refuse(leaf, "its converted type is not read");
    }
}

static void mean_physical(struct parquet_leaf *leaf)
{
    switch (leaf->physical) {
    case PHYSICAL_BOOLEAN:
        show_as(leaf, MEANS_VALUE, TYPE_BOOL, FORM_BOOL);
        break;
    case PHYSICAL_INT32:
    case PHYSICAL_INT64:
        show_as(leaf, MEANS_VALUE, TYPE_INT, FORM_INT);
        break;
    case PHYSICAL_INT96:
        show_as(leaf, MEANS_INSTANT, TYPE_TIME, FORM_TIME);
        break;
    case PHYSICAL_FLOAT:
    case PHYSICAL_DOUBLE:
        show_as(leaf, MEANS_VALUE, TYPE_FLOAT, FORM_FLOAT);
        break;
    case PHYSICAL_BYTES:
    case PHYSICAL_FIXED:
        show_as(leaf, MEANS_VALUE, TYPE_TEXT, FORM_TEXT);
    }
}

static int make_leaf(struct parquet_file *f, const struct element *x, struct parquet_leaf *leaf,
                     struct error *e)
{
    leaf->optional = x->repetition == 1;
    if (x->repetition < 0 || x->repetition > 1 || x->children > 0) {
        refuse(leaf, x->repetition == 2 ? "it is repeated: only flat columns are read"
                                        : "it is nested: only flat columns are read");
        return 0;
    }
    if (x->physical < PHYSICAL_BOOLEAN || x->physical > PHYSICAL_FIXED)
        return parquet_error(f, leaf, ERR_DATA, e, "has no physical type");
    leaf->physical = (enum parquet_physical)x->physical;
    leaf->width = leaf->physical == PHYSICAL_INT96 ? 12 : 0;
    if (leaf->physical == PHYSICAL_FIXED) {
        if (x->width < 1 || x->width > 1 << 20)
            return parquet_error(f, leaf, ERR_DATA, e, "values of %lld bytes", (long long)x->width);
        leaf->width = (size_t)x->width;
    }
    mean_physical(leaf);
    if (x->logical)
        mean_logical(leaf, x);
    else if (x->converted != NO_TYPE)
        mean_converted(leaf, x);
    return 0;
}

/* Passes over what is inside a nested column: counts its leaves. */
static size_t count_leaves(const struct element *all, size_t n, size_t *at)
{
    size_t leaves = 0;
    for (int64_t pending = 1; pending > 0 && *at < n; ++*at) {
        const struct element *x = &all[*at];
        leaves += x->children <= 0;
        pending += (x->children > 0 ? x->children : 0) - 1;
    }
    return leaves;
}

static int make_leaves(struct parquet_file *f, const struct element *all, size_t n, struct error *e)
{
    for (size_t at = 1; at < n;) {
        const struct element *x = &all[at];
        struct parquet_leaf leaf = {.chunk = f->chunks};
        leaf.shown.name = arena_text(&f->arena, x->name.at, x->name.len);
        f->chunks += count_leaves(all, n, &at);
        int status = make_leaf(f, x, &leaf, e);
        if (status)
            return status;
        vec_push(&f->leaves, leaf);
    }
    return f->leaves.len > 0 ? 0 : parquet_error(f, NULL, ERR_DATA, e, "has no columns");
}

int parquet_read_schema(struct parquet_file *f, struct thrift_reader *r, enum thrift_type type,
                        struct error *e)
{
    enum thrift_type item;
    size_t n = thrift_list(r, type, &item);
    VEC(struct element) all = {0};
    r->failed |= n > ELEMENTS_MAX;
    for (size_t i = 0; i < n && !r->failed; i++) {
        struct element x;
        read_element(r, item, &x);
        vec_push(&all, x);
    }
    int status = 0;
    if (!r->failed && f->chunks == 0)
        status = make_leaves(f, all.at, all.len, e);
    vec_release(&all);
    return status;
}
