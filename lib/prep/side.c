#include "prep/side.h"

#include "table/rows.h"

struct side_cells {
    struct text *at;
    size_t len, cap;
};

int side_open(const struct step *s, struct text path, struct side **out, struct error *e)
{
    const char *directory = s->context->directory;
    const struct input_options *given = &s->context->input;
    struct input_options options = {.policy = &s->context->policy,
                                    .encoding = given->encoding,
                                    .ragged = given->ragged,
                                    .max_record = given->max_record};
    struct side *side = mem_alloc(sizeof *side);
    side->path = directory && path.at[0] != '/' ? mem_format("%s/%s", directory, path.at)
                                                : mem_text(path.at);
    int rc = input_open(&side->path, 1, &options, &side->in, e);
    if (rc) {
        side_free(side);
        return rc;
    }
    side->schema = input_schema(side->in);
    side->format = input_format(side->in);
    side->policy = &s->context->policy;
    side->columns = mem_alloc((side->schema->fields.len + 1) * sizeof *side->columns);
    *out = side;
    return 0;
}

void side_clear(struct side *side)
{
    for (size_t i = 0; i < side->schema->fields.len; i++) {
        mem_free(side->columns[i].at);
        side->columns[i] = (struct side_cells){0};
    }
    for (size_t i = 0; i < side->texts.len; i++)
        buf_release(&side->texts.at[i]);
    side->texts.len = 0;
    side->rows = side->held = 0;
}

void side_free(struct side *side)
{
    if (!side)
        return;
    if (side->columns)
        side_clear(side);
    vec_release(&side->texts);
    mem_free(side->columns);
    input_free(side->in);
    mem_free(side->path);
    mem_free(side);
}

const struct text *side_source_cells(struct batch *b, size_t column)
{
    const struct text *raw = batch_raw(b, column);
    return raw ? raw : batch_text(b, column);
}

/* Cells that are no slices of the text: their bytes become its own. */
static const struct text *own_cells(struct batch *b, size_t column, struct buf *own)
{
    const struct text *cells = batch_text(b, column);
    struct text *copies = batch_array(b, b->rows, sizeof *copies);
    size_t bytes = 0, at = 0;
    for (size_t r = 0; r < b->rows; r++)
        bytes += cells[r].len;
    buf_reserve(own, bytes + 1);
    for (size_t r = 0; r < b->rows; r++) {
        copies[r] = cells[r];
        if (!cells[r].at)
            continue;
        copies[r].at = own->at + at;
        memcpy(own->at + at, cells[r].at, cells[r].len);
        at += cells[r].len;
    }
    return copies;
}

static void keep_text(struct side *side, struct buf text)
{
    side->held += text.cap;
    vec_push(&side->texts, text);
}

static void keep_cells(struct side *side, const uint8_t *wanted, struct batch *b)
{
    for (size_t i = 0; i < side->schema->fields.len; i++) {
        struct side_cells *c = &side->columns[i];
        if (!wanted[i] || b->rows == 0)
            continue;
        side->held -= c->cap * sizeof *c->at;
        if (c->cap < c->len + b->rows)
            c->at = vec_grow_(c->at, &c->cap, c->len + b->rows, sizeof *c->at);
        const struct text *cells = batch_raw(b, i);
        struct buf own = {0};
        if (!cells) {
            cells = own_cells(b, i, &own);
            keep_text(side, own);
        }
        memcpy(c->at + c->len, cells, b->rows * sizeof *c->at);
        c->len += b->rows;
        side->held += c->cap * sizeof *c->at;
    }
    keep_text(side, batch_take_text(b));
}

int side_rewind(struct side *side, struct error *e)
{
    int rc = input_keep(side->in, e);
    return rc ? rc : input_rewind(side->in, e);
}

int side_next(struct side *side, struct batch *b, struct error *e)
{
    int rc = input_next(side->in, b, e);
    if (rc <= 0)
        return rc;
    rc = input_parse(side->in, b, e);
    if (rc)
        return rc;
    batch_drop_rejected(b);
    return 1;
}

static int read_batches(struct side *side,
                        int (*see)(void *context, struct batch *b, struct error *e), void *context,
                        struct batch *b, struct error *e)
{
    int rc = 0;
    while (rc == 0 && (rc = side_next(side, b, e)) == 1) {
        rc = see(context, b, e);
        side->rows += b->rows;
        if (rc)
            return rc;
        batch_clear(b);
    }
    return rc;
}

int side_scan(struct side *side, int (*see)(void *context, struct batch *b, struct error *e),
              void *context, struct error *e)
{
    side_clear(side);
    int rc = side_rewind(side, e);
    struct batch *b = batch_new();
    if (rc == 0)
        rc = read_batches(side, see, context, b, e);
    batch_free(b);
    return rc;
}

/* What side_read keeps of the batches, and who else sees them. */
struct keeper {
    struct side *side;
    const uint8_t *wanted;
    bool any_wanted;
    size_t memory;
    int (*see)(void *context, struct batch *b, struct error *e);
    void *context;
};

static int keep_batch(void *context, struct batch *b, struct error *e)
{
    const struct keeper *k = context;
    int rc = k->see ? k->see(k->context, b, e) : 0;
    if (rc)
        return rc;
    if (k->any_wanted)
        keep_cells(k->side, k->wanted, b);
    bool full = k->side->held > k->memory || k->side->rows + b->rows >= UINT32_MAX;
    return full ? SIDE_FULL : 0;
}

int side_read(struct side *side, const uint8_t *wanted, size_t memory,
              int (*see)(void *context, struct batch *b, struct error *e), void *context,
              struct error *e)
{
    size_t fields = side->schema->fields.len;
    bool any_wanted = fields > 0 && memchr(wanted, 1, fields);
    struct keeper k = {side, wanted, any_wanted, memory, see, context};
    return side_scan(side, keep_batch, &k, e);
}

/* What a cell of the side table means, for rows whose own cells are written otherwise. */
static struct text value_of(const struct side *side, struct text raw, struct arena *arena)
{
    struct text v = cell_value(side->format, raw, arena);
    for (size_t i = 0; v.at && i < side->policy->na_count; i++)
        if (text_equal(v, side->policy->na[i]))
            return (struct text){NULL, 0};
    return v;
}

struct column side_column(const struct side *side, const struct text *cells, size_t n,
                          struct batch *b)
{
    if (b->format && format_same_cells(b->format, side->format)) {
        struct column raw = column_of_text(cells);
        raw.form = FORM_RAW;
        return raw;
    }
    struct text *values = batch_array(b, n, sizeof *values);
    for (size_t r = 0; r < n; r++)
        values[r] = value_of(side, cells[r], &b->arena);
    return column_of_text(values);
}

static const struct text *gather(const struct side *side, size_t column, const uint32_t *rows,
                                 size_t n, struct batch *b)
{
    const struct text *cells = side->columns[column].at, missing = {NULL, 0};
    struct text *out = batch_array(b, n, sizeof *out);
    for (size_t r = 0; r < n; r++)
        out[r] = rows[r] == UINT32_MAX ? missing : cells[rows[r]];
    return out;
}

struct column side_gather(const struct side *side, size_t column, const uint32_t *rows, size_t n,
                          struct batch *b)
{
    return side_column(side, gather(side, column, rows, n, b), n, b);
}

const struct text **side_cells(const struct side *side, const uint32_t *rows, size_t n,
                               struct batch *b)
{
    size_t fields = side->schema->fields.len;
    const struct text **cells = arena_zero(&b->arena, (fields + 1) * sizeof *cells);
    for (size_t i = 0; i < fields; i++)
        if (side->columns[i].at || side->rows == 0)
            cells[i] = gather(side, i, rows, n, b);
    return cells;
}

const struct text *side_copy_cells(struct batch *from, size_t column, struct batch *into)
{
    const struct text *cells = side_source_cells(from, column);
    struct text *out = batch_array(into, from->rows, sizeof *out);
    for (size_t r = 0; r < from->rows; r++) {
        out[r] = cells[r];
        if (cells[r].at)
            out[r].at = arena_copy(&into->arena, cells[r].at, cells[r].len);
    }
    return out;
}

static bool holds(const size_t *list, size_t n, size_t column)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == column)
            return true;
    return false;
}

int side_take(struct step *s, const struct side *side, struct text selection, const size_t *except,
              size_t except_count, struct taken *out, struct error *e)
{
    size_t count = 0;
    struct text wanted = selection.at ? selection : TEXT_LITERAL("@all");
    *out = (struct taken){0};
    if (side->schema->fields.len == 0)
        return 0;
    int rc = select_columns(s, wanted, side->schema, &out->at, &count, e);
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (!holds(except, except_count, out->at[i]))
            out->at[out->count++] = out->at[i];
    return rc;
}

uint8_t *side_wanted(struct step *s, const struct side *side, const struct taken *take)
{
    uint8_t *wanted = arena_zero(&s->arena, side->schema->fields.len + 1);
    for (size_t i = 0; i < take->count; i++)
        wanted[take->at[i]] = 1;
    return wanted;
}

static struct text suffixed(struct arena *arena, struct text name, struct text suffix)
{
    char *at = arena_alloc(arena, name.len + suffix.len + 1);
    memcpy(at, name.at, name.len);
    memcpy(at + name.len, suffix.at, suffix.len);
    at[name.len + suffix.len] = '\0';
    return (struct text){at, name.len + suffix.len};
}

int side_add_fields(const struct step *s, const struct side *side, const struct taken *take,
                    struct text suffix, struct schema *schema, struct error *e)
{
    for (size_t i = 0; i < take->count; i++) {
        const struct field *field = &side->schema->fields.at[take->at[i]];
        struct text name = text_of(field->name);
        bool taken = schema_find(schema, name) != FIELD_NONE;
        if (taken)
            name = suffixed(&schema->arena, name, suffix);
        int rc = taken ? step_new_name(s, schema, name, e) : 0;
        if (rc)
            return rc;
        size_t at = schema_add(schema, name, field->type);
        schema->fields.at[at].declared = field->declared;
        if (field->raw && !taken)
            schema->fields.at[at].raw = arena_text(&schema->arena, field->raw, strlen(field->raw));
    }
    return 0;
}

void side_add_columns(const struct side *side, const struct taken *take, struct batch *b,
                      const uint32_t *rows, size_t n)
{
    for (size_t i = 0; i < take->count; i++)
        batch_add(b, side_gather(side, take->at[i], rows, n, b));
}

void side_pair(const struct side *side, const struct taken *take, struct batch *b,
               const struct pairs *p)
{
    bool repeats = false;
    for (size_t i = 1; i < p->n; i++)
        repeats |= p->left[i - 1] == p->left[i];
    if (repeats)
        batch_gather(b, p->left, p->n, NULL);
    else
        batch_keep(b, p->left, p->n);
    side_add_columns(side, take, b, p->right, p->n);
}

struct batch *side_piece(struct batch *b, const struct pairs *p, struct emit *out)
{
    struct batch *piece = emit_batch(out);
    struct text *rows = batch_array(piece, p->n, sizeof *rows);
    uint64_t *ids = batch_array(piece, p->n, sizeof *ids), child = p->child;
    struct row_origin origin = {0};
    struct buf packed = {0};
    row_origin_see(&origin, b);
    for (size_t i = 0; i < p->n; i++) {
        bool again = i > 0 && p->left[i] == p->left[i - 1];
        if (!again) {
            packed.len = 0;
            row_pack(b, p->left[i], &packed);
            rows[i] = (struct text){arena_copy(&piece->arena, packed.at, packed.len), packed.len};
            child = i > 0 ? 0 : child;
        } else {
            rows[i] = rows[i - 1];
        }
        ids[i] = batch_row_id(b, p->left[i]) + child++;
    }
    buf_release(&packed);
    rows_unpack(piece, &origin, rows, p->n, ids);
    row_origin_release(&origin);
    return piece;
}

int side_emit_piece(const struct side *side, const struct taken *take, struct batch *b,
                    const struct pairs *p, struct emit *out, struct error *e)
{
    struct batch *piece = side_piece(b, p, out);
    side_add_columns(side, take, piece, p->right, p->n);
    return emit(out, piece, e);
}
