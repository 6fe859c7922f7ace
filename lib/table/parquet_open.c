/* The footer of a Parquet file: where its chunks are. */
#include "table/parquet_file.h"
#include "table/thrift.h"

enum { MAGIC_BYTES = 4, TRAILER_BYTES = 8, NO_TYPE = -1 };

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
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there are as many as leaves */
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
            status = parquet_read_schema(f, r, field.type, e);
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
    f->footer = (struct text){(char *)bytes, n};
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
