/* Side tables in memory. */
#include "prep/lookup.h"

/* Key cells as one text; false when one is missing. A single one stands for itself. */
static bool put_key(struct buf *out, const struct text *key, size_t count)
{
    out->len = 0;
    for (size_t i = 0; i < count; i++) {
        if (!key[i].at)
            return false;
        if (count > 1) /* lengths keep "a","bc" and "ab","c" apart */
            buf_add(out, &key[i].len, sizeof key[i].len);
        buf_add(out, key[i].at, key[i].len);
    }
    return true;
}

size_t lookup_find(const struct lookup *l, const struct text *key, size_t count,
                   struct buf *scratch)
{
    if (count == 1)
        return key->at ? map_get(&l->keys, *key) : MAP_NONE;
    if (!put_key(scratch, key, count))
        return MAP_NONE;
    return map_get(&l->keys, (struct text){scratch->at, scratch->len});
}

void lookup_release(struct lookup *l)
{
    map_release(&l->keys);
    vec_release(&l->values);
    arena_release(&l->arena);
}

/* ---- reading ------------------------------------------------------------------------------- */

struct loader {
    struct lookup *table;
    const struct lookup_request *want;
    size_t *key_columns, *value_columns;
    const struct text **cells; /* of the batch at hand: keys, then values */
    struct buf scratch;
    struct text *key;
    size_t memory;
};

static int find_columns(const struct schema *schema, const struct lookup_request *want,
                        const struct text *names, size_t count, size_t *columns, struct error *e)
{
    for (size_t i = 0; i < count; i++) {
        columns[i] = schema_find(schema, names[i]);
        char quoted[QUOTE_MAX];
        if (columns[i] == FIELD_NONE)
            return error_set(e, ERR_DATA, "%.200s has no column %s", want->path,
                             quote(quoted, names[i].at, names[i].len));
    }
    return 0;
}

static bool among(const size_t *columns, size_t count, size_t column)
{
    for (size_t i = 0; i < count; i++)
        if (columns[i] == column)
            return true;
    return false;
}

static int choose_columns(struct loader *w, const struct schema *schema, struct error *e)
{
    struct lookup *l = w->table;
    const struct lookup_request *want = w->want;
    size_t fields = schema->fields.len;
    w->key_columns = arena_alloc(&l->arena, (want->key_count + 1) * sizeof(size_t));
    w->value_columns = arena_alloc(&l->arena, (fields + want->value_count + 1) * sizeof(size_t));
    int rc = find_columns(schema, want, want->keys, want->key_count, w->key_columns, e);
    l->width = want->value_count;
    if (rc == 0 && want->values)
        rc = find_columns(schema, want, want->values, want->value_count, w->value_columns, e);
    for (size_t i = 0; i < fields && !want->values; i++)
        if (!among(w->key_columns, want->key_count, i))
            w->value_columns[l->width++] = i;
    if (rc)
        return rc;
    l->names = arena_alloc(&l->arena, (l->width + 1) * sizeof *l->names);
    l->types = arena_alloc(&l->arena, (l->width + 1) * sizeof *l->types);
    for (size_t i = 0; i < l->width; i++) {
        const struct field *f = &schema->fields.at[w->value_columns[i]];
        l->names[i] = arena_text(&l->arena, f->name, strlen(f->name));
        l->types[i] = f->type;
    }
    size_t columns = want->key_count + l->width;
    w->cells = arena_alloc(&l->arena, (columns + 1) * sizeof *w->cells);
    w->key = arena_alloc(&l->arena, (want->key_count + 1) * sizeof *w->key);
    return 0;
}

static struct text keep_text(struct arena *a, struct text t)
{
    return t.at ? (struct text){arena_text(a, t.at, t.len), t.len} : t;
}

static int add_row(struct loader *w, struct batch *b, size_t row, struct error *e)
{
    struct lookup *l = w->table;
    size_t keys = w->want->key_count;
    for (size_t i = 0; i < keys; i++)
        w->key[i] = w->cells[i][row];
    if (!put_key(&w->scratch, w->key, keys))
        return 0;
    bool is_new;
    (void)map_put(&l->keys, (struct text){w->scratch.at, w->scratch.len}, &is_new);
    if (!is_new) {
        char quoted[QUOTE_MAX];
        if (w->want->repeats)
            return 0;
        (void)error_set(e, ERR_DATA, "key %s is there twice",
                        quote(quoted, w->key->at, w->key->len));
        return batch_place(b, row, e);
    }
    for (size_t i = 0; i < l->width; i++)
        vec_push(&l->values, keep_text(&l->arena, w->cells[keys + i][row]));
    return 0;
}

static int add_batch(struct loader *w, struct batch *b, struct error *e)
{
    struct lookup *l = w->table;
    size_t keys = w->want->key_count;
    for (size_t i = 0; i < keys; i++)
        w->cells[i] = batch_text(b, w->key_columns[i]);
    for (size_t i = 0; i < l->width; i++)
        w->cells[keys + i] = batch_text(b, w->value_columns[i]);
    for (size_t r = 0; r < b->rows; r++) {
        int rc = add_row(w, b, r, e);
        if (rc)
            return rc;
    }
    size_t held = map_held(&l->keys) + arena_held(&l->arena) + l->values.cap * sizeof *l->values.at;
    if (held > w->memory)
        return error_set(e, ERR_SYSTEM, "%.200s does not fit in memory: raise --memory",
                         w->want->path);
    return 0;
}

static int add_input(struct loader *w, struct input *in, struct error *e)
{
    int rc = choose_columns(w, input_schema(in), e);
    struct batch *b = batch_new();
    while (rc == 0 && (rc = input_next(in, b, e)) == 1) {
        rc = input_parse(in, b, e);
        if (rc == 0)
            rc = add_batch(w, b, e);
        batch_clear(b);
    }
    batch_free(b);
    buf_release(&w->scratch);
    return rc;
}

int lookup_load(struct lookup *l, const struct step *s, const struct lookup_request *want,
                struct error *e)
{
    const char *directory = s->context->directory;
    bool relative = directory && want->path[0] != '/';
    char *path = relative ? mem_format("%s/%s", directory, want->path) : mem_text(want->path);
    struct loader w = {.table = l, .want = want, .memory = s->context->memory};
    const struct input_options *given = &s->context->input;
    struct input_options options = {.policy = &s->context->policy,
                                    .encoding = given->encoding,
                                    .ragged = given->ragged,
                                    .max_record = given->max_record};
    struct input *in = NULL;
    int rc = input_open(&path, 1, &options, &in, e);
    if (rc == 0)
        rc = add_input(&w, in, e);
    input_free(in);
    mem_free(path);
    return rc;
}
