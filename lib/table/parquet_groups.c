/* Row groups moved from file to file. */
#include "table/parquet_groups.h"

#include "sys/sys.h"
#include "table/parquet_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static const char magic_bytes[] = "PAR1";

enum { MAGIC = 4, TRAILER = 8 };

/* ---- a file to take row groups from ---- */

struct taken {
    int fd;
    const char *path;
    struct parquet_file *file;
};

static int read_taken(void *context, uint64_t offset, void *into, size_t n, struct error *e)
{
    const struct taken *t = context;
    ssize_t got = file_read_at(t->fd, into, n, offset, t->path, e);
    if (got >= 0 && (size_t)got < n)
        return error_set(e, ERR_SYSTEM, "%s became shorter", t->path);
    return got < 0 ? (int)got : 0;
}

static int compare_chunks(const void *a, const void *b)
{
    const struct parquet_chunk *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Between the file's begin and its footer, none over another. */
static int check_places(const struct parquet_file *f, struct error *e)
{
    VEC(struct parquet_chunk) all = {0};
    uint64_t reached = MAGIC, end = f->bytes.size - TRAILER - f->footer.len;
    bool is = true;
    for (size_t g = 0; g < f->groups.len; g++)
        for (size_t i = 0; i < f->chunks; i++)
            if (f->groups.at[g].chunks[i].bytes)
                vec_push(&all, f->groups.at[g].chunks[i]);
    if (all.len > 1)
        qsort(all.at, all.len, sizeof *all.at, compare_chunks);
    for (size_t i = 0; i < all.len && is; i++) {
        is = all.at[i].offset >= reached;
        reached = all.at[i].offset + all.at[i].bytes;
    }
    vec_release(&all);
    return is && reached <= end
               ? 0
               : parquet_error(f, NULL, ERR_DATA, e,
                               "chunks lie over one another or outside of the file");
}

static void close_taken(struct taken *t)
{
    parquet_close(t->file);
    if (t->fd >= 0)
        close(t->fd);
}

static int open_taken(const char *path, const char *name, struct taken *out, struct error *e)
{
    *out = (struct taken){.fd = open(path, O_RDONLY | O_CLOEXEC), .path = path};
    off_t size = out->fd < 0 ? -1 : lseek(out->fd, 0, SEEK_END);
    int status = size < 0 ? error_errno(e, "cannot open %s", path) : 0;
    struct parquet_bytes bytes = {
        .read = read_taken, .context = out, .size = (uint64_t)size, .name = name};
    if (status == 0)
        status = parquet_open(&bytes, &out->file, e);
    if (status == 0)
        status = check_places(out->file, e);
    if (status)
        close_taken(out);
    return status;
}

static uint64_t bytes_of_group(const struct parquet_file *f, size_t group)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < f->chunks; i++)
        bytes += f->groups.at[group].chunks[i].bytes;
    return bytes;
}

int parquet_borders_read(const char *path, struct parquet_borders *out, struct error *e)
{
    struct taken t;
    *out = (struct parquet_borders){0};
    int status = open_taken(path, path, &t, e);
    if (status)
        return status;
    out->count = t.file->groups.len;
    out->places = mem_alloc((out->count + 1) * sizeof *out->places);
    out->rows = mem_alloc((out->count + 1) * sizeof *out->rows);
    for (size_t i = 0; i < out->count; i++) {
        out->places[i + 1] = out->places[i] + bytes_of_group(t.file, i);
        out->rows[i] = t.file->groups.at[i].rows;
    }
    out->places[out->count] = t.file->bytes.size;
    close_taken(&t);
    return 0;
}

void parquet_borders_release(struct parquet_borders *b)
{
    mem_free(b->places);
    mem_free(b->rows);
    *b = (struct parquet_borders){0};
}

/* ---- what is said of a row group, for its new place ---- */

enum { META_DATA = 9, META_DICTIONARY = 11 };

/* Fields that lie in the footer whole; those of later versions may be places, and are left out. */
static bool is_kept_of_meta(int32_t id)
{
    return (id >= 1 && id <= 8) || id == 12 || id == 13 || id == 16 || id == 17;
}

static void copy_field(struct thrift_reader *r, const struct thrift_field *f,
                       struct thrift_writer *w)
{
    const char *at = (const char *)r->at;
    thrift_skip(r, f->type);
    if (!r->failed)
        thrift_put_raw(w, f->id, f->type, (struct text){at, (size_t)((const char *)r->at - at)});
}

/* A place in the chunk; one that is elsewhere says that there is no such page. */
static void move_place(struct thrift_reader *r, const struct thrift_field *f,
                       const struct parquet_chunk *c, uint64_t to, struct thrift_writer *w)
{
    uint64_t at = (uint64_t)thrift_int(r, f->type), end = c->offset + c->bytes;
    bool inside = at >= c->offset && at <= end && (at > 0 || f->id == META_DATA);
    if (inside)
        thrift_put_int(w, f->id, THRIFT_I64, (int64_t)(at - c->offset + to));
    r->failed |= !inside && f->id == META_DATA;
}

static void copy_meta(struct thrift_reader *r, const struct parquet_chunk *c, uint64_t to,
                      struct thrift_writer *w)
{
    struct thrift_field f = {0};
    if (!thrift_enter(r, THRIFT_STRUCT))
        return;
    while (thrift_next(r, &f)) {
        if (f.id == META_DATA || f.id == META_DICTIONARY)
            move_place(r, &f, c, to, w);
        else if (is_kept_of_meta(f.id))
            copy_field(r, &f, w);
        else
            thrift_skip(r, f.type);
    }
    thrift_leave(r);
    thrift_put_stop(w);
}

static void copy_chunk(struct thrift_reader *r, const struct parquet_chunk *c, uint64_t to,
                       struct buf *out)
{
    struct thrift_writer w = {.out = out};
    struct thrift_field f = {0};
    if (!thrift_enter(r, THRIFT_STRUCT))
        return;
    thrift_put_int(&w, 2, THRIFT_I64, 0); /* nothing of it is outside of the footer */
    while (thrift_next(r, &f)) {
        if (f.id == 3 && f.type == THRIFT_STRUCT) {
            struct thrift_writer meta = thrift_put_struct(&w, f.id);
            copy_meta(r, c, to, &meta);
        } else {
            thrift_skip(r, f.type);
        }
    }
    thrift_leave(r);
    thrift_put_stop(&w);
}

static void copy_chunks(struct thrift_reader *r, const struct thrift_field *f,
                        const struct parquet_file *file, const struct parquet_chunk *chunks,
                        uint64_t to, struct thrift_writer *w)
{
    enum thrift_type item;
    size_t n = thrift_list(r, f->type, &item);
    thrift_put_list(w, f->id, THRIFT_STRUCT, n);
    for (size_t i = 0; i < n && i < file->chunks && !r->failed; i++) {
        copy_chunk(r, &chunks[i], to, w->out);
        to += chunks[i].bytes;
    }
}

/* Its place and its number are new, and may be left out. */
static void copy_group(struct thrift_reader *r, const struct parquet_file *file, size_t group,
                       uint64_t to, struct buf *out)
{
    struct thrift_writer w = {.out = out};
    struct thrift_field f = {0};
    if (!thrift_enter(r, THRIFT_STRUCT))
        return;
    while (thrift_next(r, &f)) {
        if (f.id == 1)
            copy_chunks(r, &f, file, file->groups.at[group].chunks, to, &w);
        else if ((f.id >= 2 && f.id <= 4) || f.id == 6)
            copy_field(r, &f, &w);
        else
            thrift_skip(r, f.type);
    }
    thrift_leave(r);
    thrift_put_stop(&w);
}

/* ---- the new file ---- */

/* Fields of FileMetaData by their numbers. */
enum { VERSION = 1, SCHEMA, ROWS, GROUPS, KEY_VALUES, CREATED_BY, ORDERS, ENCRYPTION, FIELDS };

struct kept_field {
    enum thrift_type type; /* THRIFT_STOP: is not there */
    struct text value;
};

/* Bytes of a part, which may be those of several chunks. */
struct span {
    size_t part;
    uint64_t begin, end;
};

struct kept_column {
    const char *name;
    enum type type;
};

struct joining {
    const struct parquet_part *parts;
    struct kept_field kept[FIELDS]; /* of the first part */
    VEC(struct kept_column) columns;
    struct buf groups; /* RowGroup structs */
    size_t group_count;
    uint64_t rows, offset;
    VEC(struct span) spans;
    struct arena arena;
};

static void add_span(struct joining *j, size_t part, const struct parquet_chunk *c)
{
    size_t n = j->spans.len;
    if (n && j->spans.at[n - 1].part == part && j->spans.at[n - 1].end == c->offset)
        j->spans.at[n - 1].end += c->bytes;
    else if (c->bytes)
        vec_push(&j->spans, ((struct span){part, c->offset, c->offset + c->bytes}));
    j->offset += c->bytes;
}

static void take_group(struct joining *j, struct thrift_reader *r, const struct parquet_file *f,
                       size_t group, size_t part)
{
    copy_group(r, f, group, j->offset, &j->groups);
    for (size_t i = 0; i < f->chunks; i++)
        add_span(j, part, &f->groups.at[group].chunks[i]);
    j->rows += f->groups.at[group].rows;
    j->group_count++;
}

/* *group and *place go on from list to list. */
static void take_groups(struct joining *j, struct thrift_reader *r, const struct thrift_field *list,
                        const struct parquet_file *f, size_t part, size_t *group, uint64_t *place)
{
    const struct parquet_part *p = &j->parts[part];
    enum thrift_type item;
    size_t n = thrift_list(r, list->type, &item);
    for (size_t i = 0; i < n && *group < f->groups.len && !r->failed; i++) {
        if (*place >= p->begin && *place < p->end)
            take_group(j, r, f, *group, part);
        else
            thrift_skip(r, item);
        *place += bytes_of_group(f, (*group)++);
    }
}

static int read_metadata_fields(struct joining *j, const struct parquet_file *f, size_t part,
                                struct kept_field *fields, struct error *e)
{
    const uint8_t *at = (const uint8_t *)f->footer.at;
    struct thrift_reader r = {.at = at, .end = at + f->footer.len};
    struct thrift_field field = {0};
    size_t group = 0;
    uint64_t place = 0;
    while (thrift_next(&r, &field)) {
        const char *from = (const char *)r.at;
        if (field.id == GROUPS)
            take_groups(j, &r, &field, f, part, &group, &place);
        else
            thrift_skip(&r, field.type);
        if (field.id > 0 && field.id < FIELDS && fields[field.id].type == THRIFT_STOP && !r.failed)
            fields[field.id] =
                (struct kept_field){field.type, {from, (size_t)((const char *)r.at - from)}};
    }
    if (fields[ENCRYPTION].type != THRIFT_STOP)
        return parquet_error(f, NULL, ERR_DATA, e, "is encrypted, which is not read");
    if (r.failed || group != f->groups.len || j->rows > INT64_MAX)
        return parquet_error(f, NULL, ERR_DATA, e, "the Parquet footer is damaged");
    return 0;
}

static void keep_first(struct joining *j, const struct parquet_file *f,
                       const struct kept_field *fields)
{
    for (int i = 0; i < FIELDS; i++) {
        j->kept[i] = fields[i];
        if (fields[i].type != THRIFT_STOP)
            j->kept[i].value.at = arena_text(&j->arena, fields[i].value.at, fields[i].value.len);
    }
    for (size_t i = 0; i < f->leaves.len; i++) {
        const struct parquet_column *c = &f->leaves.at[i].shown;
        const char *name = arena_text(&j->arena, c->name, strlen(c->name));
        vec_push(&j->columns, ((struct kept_column){name, c->type}));
    }
}

static bool same_field(const struct kept_field *a, const struct kept_field *b)
{
    return a->type == b->type && a->value.len == b->value.len &&
           (a->value.len == 0 || memcmp(a->value.at, b->value.at, a->value.len) == 0);
}

/* Of columns that have been guessed from some rows it is mostly a type. */
static int other_schema(const struct joining *j, const struct parquet_file *f, struct error *e)
{
    const char *first = j->parts[0].name;
    for (size_t i = 0; i < j->columns.len && i < f->leaves.len; i++) {
        const struct kept_column *was = &j->columns.at[i];
        const struct parquet_leaf *leaf = &f->leaves.at[i];
        if (strcmp(was->name, leaf->shown.name) == 0 && was->type != leaf->shown.type)
            return parquet_error(f, leaf, ERR_DATA, e, "its type is %s, but %s in %s",
                                 type_name(leaf->shown.type), type_name(was->type), first);
    }
    return parquet_error(f, NULL, ERR_DATA, e, "its schema is not that of %s", first);
}

/* Bounds mean the same in all row groups only when the order of columns is said to be the same. */
static int look_at_part(struct joining *j, size_t part, struct error *e)
{
    struct kept_field fields[FIELDS] = {{THRIFT_STOP, {NULL, 0}}};
    struct taken t;
    int status = open_taken(j->parts[part].path, j->parts[part].name, &t, e);
    if (status)
        return status;
    status = read_metadata_fields(j, t.file, part, fields, e);
    if (status == 0 && part == 0)
        keep_first(j, t.file, fields);
    else if (status == 0 && !same_field(&j->kept[SCHEMA], &fields[SCHEMA]))
        status = other_schema(j, t.file, e);
    else if (status == 0 && !same_field(&j->kept[ORDERS], &fields[ORDERS]))
        j->kept[ORDERS] = (struct kept_field){THRIFT_STOP, {NULL, 0}};
    close_taken(&t);
    return status;
}

static int copy_spans(const struct joining *j, int to, const char *to_name, struct error *e)
{
    int from = -1, status = 0;
    for (size_t i = 0; i < j->spans.len && status == 0; i++) {
        const struct span *s = &j->spans.at[i];
        const char *path = j->parts[s->part].path;
        if (i > 0 && s->part != s[-1].part) {
            close(from);
            from = -1;
        }
        if (from < 0 && (from = open(path, O_RDONLY | O_CLOEXEC)) < 0)
            return error_errno(e, "cannot open %s", path);
        status = file_pass(from, path, s->begin, s->end, to, to_name, e);
    }
    if (from >= 0)
        close(from);
    return status;
}

static void put_joined_metadata(const struct joining *j, struct buf *out)
{
    struct thrift_writer w = {.out = out};
    for (int i = VERSION; i <= ORDERS; i++) {
        if (i == ROWS) {
            thrift_put_int(&w, i, THRIFT_I64, (int64_t)j->rows);
        } else if (i == GROUPS) {
            thrift_put_list(&w, i, THRIFT_STRUCT, j->group_count);
            if (j->groups.len)
                buf_add(out, j->groups.at, j->groups.len);
        } else if (j->kept[i].type != THRIFT_STOP) {
            thrift_put_raw(&w, i, j->kept[i].type, j->kept[i].value);
        }
    }
    thrift_put_stop(&w);
}

static int write_joined(const struct joining *j, int to, const char *to_name, struct error *e)
{
    struct buf footer = {0};
    put_joined_metadata(j, &footer);
    uint32_t n = (uint32_t)footer.len;
    int status =
        footer.len <= PARQUET_FOOTER_MAX
            ? file_write(to, magic_bytes, MAGIC, to_name, e)
            : error_set(e, ERR_DATA, "%s would have a footer of %zu bytes", to_name, footer.len);
    buf_add(&footer, &n, sizeof n);
    buf_add(&footer, magic_bytes, MAGIC);
    if (status == 0)
        status = copy_spans(j, to, to_name, e);
    if (status == 0)
        status = file_write(to, footer.at, footer.len, to_name, e);
    buf_release(&footer);
    return status;
}

int parquet_join(const struct parquet_part *parts, size_t n, int to, const char *to_name,
                 struct error *e)
{
    struct joining j = {.parts = parts, .offset = MAGIC};
    int status = 0;
    for (size_t i = 0; i < n && status == 0; i++)
        status = look_at_part(&j, i, e);
    if (status == 0)
        status = write_joined(&j, to, to_name, e);
    vec_release(&j.columns);
    vec_release(&j.spans);
    buf_release(&j.groups);
    arena_release(&j.arena);
    return status;
}
