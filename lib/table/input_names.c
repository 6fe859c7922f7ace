/* The names of a file's columns, and their place among those of the input. */
#include "table/input.h"

int input_check_names(const struct input_file *f, struct error *e)
{
    struct map seen = {0};
    int status = 0;
    for (size_t i = 0; i < f->names.len && !status; i++) {
        bool is_new = false;
        size_t first = map_put(&seen, f->names.at[i], &is_new);
        if (is_new)
            continue;
        char quoted[QUOTE_MAX];
        error_set(e, ERR_DATA,
                  "column name %s stands twice in the header (columns %zu and %zu): name "
                  "the columns with --columns",
                  quote(quoted, f->names.at[i].at, f->names.at[i].len), first + 1, i + 1);
        status = error_at(e, input_file_name(f), f->first_line ? f->first_line - 1 : 0, i + 1);
    }
    map_release(&seen);
    return status;
}

void input_add_name(struct input *in, struct input_file *f, struct text name, struct text raw)
{
    if (!name.at || name.len == 0) {
        char *made = arena_format(&in->arena, "c%zu", f->names.len + 1);
        name = text_of(made);
    } else {
        name.at = arena_text(&in->arena, name.at, name.len);
    }
    if (raw.at)
        raw.at = arena_text(&in->arena, raw.at, raw.len);
    vec_push(&f->names, name);
    vec_push(&f->raw_names, raw);
}

void input_names_from_option(struct input *in, struct input_file *f)
{
    const char *at = in->options.columns.at, *end = at + in->options.columns.len;
    for (const char *stop; at <= end; at = stop + 1) {
        stop = memchr(at, ',', (size_t)(end - at));
        stop = stop ? stop : end;
        input_add_name(in, f, (struct text){at, (size_t)(stop - at)}, (struct text){NULL, 0});
    }
}

int input_join_schema(struct input *in, struct input_file *f, const struct field *fields,
                      struct error *e)
{
    bool first = f == in->files.at;
    f->column = arena_alloc(&in->arena, f->names.len * sizeof *f->column);
    for (size_t i = 0; i < f->names.len; i++) {
        size_t at = first ? FIELD_NONE : schema_find(&in->schema, f->names.at[i]);
        if (at == FIELD_NONE) {
            if (!first && in->options.same_header) {
                char quoted[QUOTE_MAX];
                error_set(e, ERR_DATA, "column %s is not in the first file",
                          quote(quoted, f->names.at[i].at, f->names.at[i].len));
                return error_at(e, input_file_name(f), f->first_line ? f->first_line - 1 : 0,
                                i + 1);
            }
            at = schema_add(&in->schema, f->names.at[i], fields[i].type);
            in->schema.fields.at[at].declared = fields[i].declared;
            in->schema.fields.at[at].empty = fields[i].empty;
            if (f->raw_names.at[i].at)
                in->schema.fields.at[at].raw =
                    arena_text(&in->schema.arena, f->raw_names.at[i].at, f->raw_names.at[i].len);
        }
        f->column[i] = at;
    }
    if (in->options.same_header && f->names.len < in->schema.fields.len) {
        error_set(e, ERR_DATA, "%zu columns where the first file has %zu", f->names.len,
                  in->schema.fields.len);
        return error_at(e, input_file_name(f), 0, 0);
    }
    return 0;
}
