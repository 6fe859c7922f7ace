/* The footer of a Parquet file: its schema and where its chunks are. */
#include "table/parquet_file.h"
#include "table/thrift.h"

enum { MAGIC_BYTES = 4, TRAILER_BYTES = 8, NO_TYPE = -1 };

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

int parquet_error(const struct parquet_file *f, const struct parquet_leaf *leaf, int code,
                  struct error *e, const char *format, ...)
{
    char what[512], quoted[QUOTE_MAX];
    struct arena scratch = {0};
    va_list args;
    va_start(args, format);
    const char *text = arena_vformat(&scratch, format, args);
    va_end(args);
    size_t n = strlen(text) < sizeof what ? strlen(text) : sizeof what - 1;
    memcpy(what, text, n);
    what[n] = '\0';
    arena_release(&scratch);
    if (leaf)
        error_set(e, code, "column %s: %s",
                  quote(quoted, leaf->shown.name, strlen(leaf->shown.name)), what);
    else
        error_set(e, code, "%s", what);
    error_at(e, f->bytes.name, 0, 0);
    return code;
}

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

/* The struct inside a logical type's union; what its fields mean depends on which one it is. */
static void read_logical_fields(struct thrift_reader *r, enum thrift_type type, struct element *x)
{
    struct thrift_field f = {0};
    bool is_time = x->logical == LOGICAL_TIME || x->logical == LOGICAL_TIMESTAMP;
    if (!thrift_enter(r, type))
        return;
    while (thrift_next(r, &f)) {
        if (is_time && f.id == 1)
            x->to_utc = thrift_bool(r, f.type);
        else if (is_time && f.id == 2)
            x->unit = read_unit(r, f.type);
        else if (x->logical == LOGICAL_INTEGER && f.id == 1)
            x->bits = thrift_int(r, f.type);
        else if (x->logical == LOGICAL_INTEGER && f.id == 2)
            x->is_signed = thrift_bool(r, f.type);
        else if (x->logical == LOGICAL_DECIMAL && f.id == 1)
            x->logical_scale = thrift_int(r, f.type);
        else if (x->logical == LOGICAL_DECIMAL && f.id == 2)
            x->logical_precision = thrift_int(r, f.type);
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

static int read_schema(struct parquet_file *f, struct thrift_reader *r, enum thrift_type type,
                       struct error *e)
{
    enum thrift_type item;
    size_t n = thrift_list(r, type, &item);
    VEC(struct element) all = {0};
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

static void read_statistics(struct thrift_reader *r, enum thrift_type type,
                            struct parquet_chunk *chunk)
{
    struct thrift_field f = {0};
    if (!thrift_enter(r, type))
        return;
    while (thrift_next(r, &f)) {
        if (f.id == 3)
            chunk->missing = thrift_int(r, f.type);
        else if (f.id == 5)
            chunk->max = thrift_binary(r, f.type);
        else if (f.id == 6)
            chunk->min = thrift_binary(r, f.type);
        else
            thrift_skip(r, f.type);
    }
    thrift_leave(r);
}

/* What a ColumnMetaData says. */
struct chunk_meta {
    bool there;
    int64_t physical, codec, values, bytes, data_at, dictionary_at;
};

static void read_meta(struct thrift_reader *r, enum thrift_type type, struct chunk_meta *meta,
                      struct parquet_chunk *chunk)
{
    struct thrift_field f = {0};
    if (!thrift_enter(r, type))
        return;
    meta->there = true;
    int64_t *numbers[] = {NULL,         &meta->physical, NULL, NULL,
                          &meta->codec, &meta->values,   NULL, &meta->bytes,
                          NULL,         &meta->data_at,  NULL, &meta->dictionary_at};
    while (thrift_next(r, &f)) {
        if (f.id == 12)
            read_statistics(r, f.type, chunk);
        else if (f.id > 0 && f.id < (int32_t)COUNT_OF(numbers) && numbers[f.id])
            *numbers[f.id] = thrift_int(r, f.type);
        else
            thrift_skip(r, f.type);
    }
    thrift_leave(r);
}

static struct chunk_meta read_chunk(struct thrift_reader *r, enum thrift_type type,
                                    struct parquet_chunk *chunk)
{
    struct chunk_meta meta = {.physical = NO_TYPE};
    struct thrift_field f = {0};
    *chunk = (struct parquet_chunk){.missing = -1};
    if (!thrift_enter(r, type))
        return meta;
    bool elsewhere = false;
    while (thrift_next(r, &f)) {
        if (f.id == 3)
            read_meta(r, f.type, &meta, chunk);
        else if (f.id == 1)
            elsewhere = thrift_binary(r, f.type).len > 0;
        else
            thrift_skip(r, f.type);
    }
    thrift_leave(r);
    meta.there = meta.there && !elsewhere;
    return meta;
}

static bool place_chunk(const struct parquet_file *f, const struct chunk_meta *meta,
                        struct parquet_chunk *chunk)
{
    int64_t at = meta->data_at;
    if (meta->dictionary_at > 0 && meta->dictionary_at < at)
        at = meta->dictionary_at;
    uint64_t end = f->bytes.size - TRAILER_BYTES;
    chunk->codec = (enum parquet_codec)meta->codec;
    chunk->offset = (uint64_t)at;
    chunk->bytes = (uint64_t)meta->bytes;
    return meta->there && meta->codec >= 0 && at >= 0 && meta->bytes >= 0 && meta->values >= 0 &&
           chunk->offset <= end && chunk->bytes <= end - chunk->offset;
}

static int check_chunk(const struct parquet_file *f, const struct parquet_leaf *leaf,
                       const struct chunk_meta *meta, uint64_t rows, struct error *e)
{
    if (leaf->shown.refused)
        return 0;
    if (meta->physical != (int64_t)leaf->physical)
        return parquet_error(f, leaf, ERR_DATA, e, "a chunk has another type than the schema says");
    if ((uint64_t)meta->values != rows)
        return parquet_error(f, leaf, ERR_DATA, e, "%lld values in a group of %llu rows",
                             (long long)meta->values, (unsigned long long)rows);
    return 0;
}

/* A row group as it is read: its number of rows may stand behind its chunks. */
struct group_parts {
    VEC(struct parquet_chunk) chunks;
    VEC(struct chunk_meta) metas;
    int64_t rows;
};

static void read_group_parts(const struct parquet_file *f, struct thrift_reader *r,
                             enum thrift_type type, struct group_parts *parts)
{
    struct thrift_field field = {0};
    if (!thrift_enter(r, type))
        return;
    while (thrift_next(r, &field)) {
        enum thrift_type item;
        if (field.id == 3)
            parts->rows = thrift_int(r, field.type);
        if (field.id != 1) {
            if (field.id != 3)
                thrift_skip(r, field.type);
            continue;
        }
        size_t n = thrift_list(r, field.type, &item);
        r->failed |= n != f->chunks;
        for (size_t i = 0; i < n && !r->failed; i++) {
            struct parquet_chunk chunk;
            struct chunk_meta meta = read_chunk(r, item, &chunk);
            r->failed |= !place_chunk(f, &meta, &chunk);
            vec_push(&parts->chunks, chunk);
            vec_push(&parts->metas, meta);
        }
    }
    thrift_leave(r);
}

static int add_group(struct parquet_file *f, struct group_parts *parts, struct error *e)
{
    uint64_t rows = (uint64_t)parts->rows;
    if (parts->chunks.len != f->chunks || parts->rows < 0 || rows > INT64_MAX - f->rows)
        return parquet_error(f, NULL, ERR_DATA, e, "row group %zu is damaged", f->groups.len + 1);
    for (size_t i = 0; i < f->leaves.len; i++) {
        const struct parquet_leaf *leaf = &f->leaves.at[i];
        int status = check_chunk(f, leaf, &parts->metas.at[leaf->chunk], rows, e);
        if (status)
            return status;
    }
    struct parquet_group group = {.rows = rows};
    group.chunks =
        arena_copy(&f->arena, parts->chunks.at, parts->chunks.len * sizeof *group.chunks);
    vec_push(&f->groups, group);
    f->rows += rows;
    return 0;
}

static int read_groups(struct parquet_file *f, struct thrift_reader *r, enum thrift_type type,
                       struct error *e)
{
    enum thrift_type item;
    size_t n = thrift_list(r, type, &item);
    struct group_parts parts = {0};
    int status = 0;
    for (size_t i = 0; i < n && !r->failed && status == 0; i++) {
        parts.chunks.len = parts.metas.len = 0;
        parts.rows = -1;
        read_group_parts(f, r, item, &parts);
        if (!r->failed)
            status = add_group(f, &parts, e);
    }
    vec_release(&parts.chunks);
    vec_release(&parts.metas);
    return status;
}

static int read_footer(struct parquet_file *f, struct thrift_reader *r, struct error *e)
{
    struct thrift_field field = {0};
    int status = 0;
    while (status == 0 && thrift_next(r, &field)) {
        enum thrift_type item;
        if (field.id == 2) {
            status = read_schema(f, r, field.type, e);
        } else if (field.id == 4) {
            status = read_groups(f, r, field.type, e);
        } else if (field.id == 7) {
            f->ordered = true;
            size_t n = thrift_list(r, field.type, &item);
            for (size_t i = 0; i < n && !r->failed; i++)
                thrift_skip(r, item);
        } else {
            thrift_skip(r, field.type);
        }
    }
    if (status == 0 && (r->failed || f->leaves.len == 0))
        status = parquet_error(f, NULL, ERR_DATA, e, "the Parquet footer is damaged");
    return status;
}

static int load_footer(struct parquet_file *f, struct thrift_reader *r, struct error *e)
{
    uint8_t trailer[TRAILER_BYTES];
    const struct parquet_bytes *b = &f->bytes;
    if (b->size < MAGIC_BYTES + TRAILER_BYTES)
        return parquet_error(f, NULL, ERR_DATA, e, "is no Parquet file: %llu bytes",
                             (unsigned long long)b->size);
    int status = b->read(b->context, b->size - TRAILER_BYTES, trailer, TRAILER_BYTES, e);
    if (status)
        return status;
    if (memcmp(trailer + 4, "PARE", MAGIC_BYTES) == 0)
        return parquet_error(f, NULL, ERR_DATA, e, "is encrypted, which is not read");
    if (memcmp(trailer + 4, "PAR1", MAGIC_BYTES) != 0)
        return parquet_error(f, NULL, ERR_DATA, e,
                             "is no Parquet file, or truncated: it does not end in PAR1");
    size_t n = (size_t)trailer[0] | (size_t)trailer[1] << 8 | (size_t)trailer[2] << 16 |
               (size_t)trailer[3] << 24;
    if (n > b->size - TRAILER_BYTES - MAGIC_BYTES || n > PARQUET_FOOTER_MAX)
        return parquet_error(f, NULL, ERR_DATA, e, "the Parquet footer has %zu bytes", n);
    uint8_t *bytes = arena_alloc(&f->arena, n + 1);
    *r = (struct thrift_reader){.at = bytes, .end = bytes + n};
    return b->read(b->context, b->size - TRAILER_BYTES - n, bytes, n, e);
}

int parquet_open(const struct parquet_bytes *bytes, struct parquet_file **out, struct error *e)
{
    struct parquet_file *f = mem_alloc(sizeof *f);
    struct thrift_reader r = {0};
    f->bytes = *bytes;
    f->bytes.name = arena_text(&f->arena, bytes->name, strlen(bytes->name));
    int status = load_footer(f, &r, e);
    if (status == 0)
        status = read_footer(f, &r, e);
    if (status) {
        parquet_close(f);
        return status;
    }
    *out = f;
    return 0;
}

void parquet_close(struct parquet_file *f)
{
    if (!f)
        return;
    vec_release(&f->leaves);
    vec_release(&f->groups);
    arena_release(&f->arena);
    mem_free(f);
}

size_t parquet_columns(const struct parquet_file *f)
{
    return f->leaves.len;
}

const struct parquet_column *parquet_column(const struct parquet_file *f, size_t column)
{
    return &f->leaves.at[column].shown;
}

uint64_t parquet_rows(const struct parquet_file *f)
{
    return f->rows;
}

size_t parquet_groups(const struct parquet_file *f)
{
    return f->groups.len;
}

uint64_t parquet_group_rows(const struct parquet_file *f, size_t group)
{
    return f->groups.at[group].rows;
}
