#include "prep/part_files.h"

enum {
    PARTS_MAX = 1000,      /* open files */
    BUFFER_SIZE = 64 << 10 /* of text, before it is written */
};

struct part {
    struct sink *sink;
    struct buf text;
};

struct part_files {
    const struct step *step;
    struct writer writer;
    bool jsonl;
    struct map names;
    VEC(struct part) parts;
};

struct part_files *part_files_new(const struct step *s, const struct schema *schema, bool jsonl)
{
    struct part_files *f = mem_alloc(sizeof *f);
    f->step = s;
    f->jsonl = jsonl;
    f->writer = (struct writer){.schema = schema};
    return f;
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* A point is plain but at the start, where it would hide the file or climb out of the folder. */
static void put_name(struct buf *path, struct text name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (is_plain(name.at[i]) || (name.at[i] == '.' && i > 0))
            buf_putc(path, name.at[i]);
        else
            buf_format(path, "%%%02X", (unsigned)(unsigned char)name.at[i]);
    }
}

static void put_path(const struct part_files *f, struct text name, struct buf *path)
{
    const char *pattern = arg_string(f->step, "files"), *directory = f->step->context->directory;
    const char *braces = strstr(pattern, "{}");
    if (directory && pattern[0] != '/')
        buf_format(path, "%s/", directory);
    if (!braces) {
        buf_puts(path, pattern);
        put_name(path, name);
        buf_puts(path, f->jsonl ? ".jsonl" : ".csv");
        return;
    }
    buf_add(path, pattern, (size_t)(braces - pattern));
    put_name(path, name);
    buf_puts(path, braces + 2);
}

static int open_part(struct part_files *f, struct text name, struct part *part, struct error *e)
{
    struct buf path = {0};
    put_path(f, name, &path);
    if (!format_from_extension(path_format_extension(buf_text(&path)), &f->writer.format))
        f->writer.format = f->jsonl ? format_jsonl() : format_csv(',');
    int rc = f->writer.format.kind == FORMAT_PARQUET
                 ? step_error(f->step, e, "writes text only, not Parquet")
                 : sink_open(buf_text(&path), &part->sink, e);
    buf_release(&path);
    if (rc == 0)
        write_header(&f->writer, &part->text);
    return rc;
}

int part_files_part(struct part_files *f, struct text name, size_t *part, struct error *e)
{
    bool is_new;
    *part = map_put(&f->names, name, &is_new);
    if (!is_new)
        return 0;
    if (*part >= PARTS_MAX)
        return error_set(e, ERR_DATA, "%s: more than %d parts would be as many open files",
                         f->step->kind->name, PARTS_MAX);
    struct part fresh = {0};
    int rc = open_part(f, name, &fresh, e);
    vec_push(&f->parts, fresh);
    return rc;
}

static int write_part(struct part *p, struct error *e)
{
    int rc = p->text.len > 0 ? sink_write(p->sink, p->text.at, p->text.len, e) : 0;
    p->text.len = 0;
    return rc;
}

int part_files_add(struct part_files *f, size_t part, struct batch *b, size_t row, struct error *e)
{
    struct part *p = &f->parts.at[part];
    write_row(&f->writer, b, row, &p->text);
    return p->text.len > BUFFER_SIZE ? write_part(p, e) : 0;
}

int part_files_commit(struct part_files *f, struct error *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < f->parts.len; i++)
        rc = write_part(&f->parts.at[i], e);
    for (size_t i = 0; rc == 0 && i < f->parts.len; i++) {
        rc = sink_commit(f->parts.at[i].sink, e);
        f->parts.at[i].sink = NULL;
    }
    return rc;
}

void part_files_free(struct part_files *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->parts.len; i++) {
        sink_abort(f->parts.at[i].sink);
        buf_release(&f->parts.at[i].text);
    }
    vec_release(&f->parts);
    map_release(&f->names);
    mem_free(f);
}
