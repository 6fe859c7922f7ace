/* Steps that put a file's rows with those of the stream as they come: concat_rows, merge_sorted. */
#include "prep/side.h"
#include "prep/sorted.h"
#include "steps/steps.h"
#include "table/rows.h"

struct union_plan {
    struct side *side;
    size_t *from; /* by column of the result: that of the file, or FIELD_NONE */
    size_t count, left_columns;
    struct cell_order *orders; /* merge_sorted */
    size_t order_count;
};

/* The file's columns by name; those the stream lacks come behind its own. */
static int union_open(struct step *s, const struct schema *in, struct error *e)
{
    struct union_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    int rc = side_open(s, arg_text(s, "file"), &plan->side, e);
    if (rc)
        return rc;
    const struct schema *side = plan->side->schema;
    plan->left_columns = plan->count = in->fields.len;
    plan->from =
        arena_alloc(&s->arena, (in->fields.len + side->fields.len + 1) * sizeof *plan->from);
    for (size_t i = 0; i < in->fields.len; i++)
        plan->from[i] = schema_find(side, text_of(in->fields.at[i].name));
    for (size_t i = 0; i < side->fields.len; i++)
        if (schema_find(in, text_of(side->fields.at[i].name)) == FIELD_NONE)
            plan->from[plan->count++] = i;
    return 0;
}

static void union_close(struct step *s)
{
    struct union_plan *plan = s->plan;
    side_free(plan->side);
}

static enum type union_type(enum type a, enum type b)
{
    if (a == b)
        return a;
    return type_is_number(a) && type_is_number(b) ? TYPE_FLOAT : TYPE_TEXT;
}

static int union_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    const struct union_plan *plan = s->plan;
    const struct schema *side = plan->side->schema;
    for (size_t i = 0; i < plan->left_columns; i++)
        if (plan->from[i] != FIELD_NONE) {
            struct field *f = &schema->fields.at[i];
            f->type = union_type(f->type, side->fields.at[plan->from[i]].type);
        }
    for (size_t i = plan->left_columns; i < plan->count; i++) {
        const struct field *f = &side->fields.at[plan->from[i]];
        size_t at = schema_add(schema, text_of(f->name), f->type);
        schema->fields.at[at].declared = f->declared;
        if (f->raw)
            schema->fields.at[at].raw = arena_text(&schema->arena, f->raw, strlen(f->raw));
    }
    return 0;
}

static struct column missing_column(struct batch *b)
{
    return column_of_text(arena_zero(&b->arena, (b->rows + 1) * sizeof(struct text)));
}

/* The stream's rows get the file's other columns. */
static void widen(const struct union_plan *plan, struct batch *b)
{
    for (size_t i = plan->left_columns; i < plan->count; i++)
        batch_add(b, missing_column(b));
}

/* The file's rows get the columns of the result. */
static void arrange(const struct union_plan *plan, struct batch *b)
{
    struct column *own = arena_copy(&b->arena, b->columns.at, b->columns.len * sizeof *own);
    b->columns.len = 0;
    for (size_t i = 0; i < plan->count; i++) {
        struct column c = plan->from[i] == FIELD_NONE ? missing_column(b) : own[plan->from[i]];
        c.source = -1;
        batch_add(b, c);
    }
}

/* The file's next rows into b: 1; 0 at its end; < 0. Ids differ from those of the stream. */
static int next_rows(const struct union_plan *plan, struct batch *b, struct error *e)
{
    int got = side_next(plan->side, b, e);
    if (got <= 0)
        return got;
    b->first_id |= UINT64_C(1) << 63;
    b->part++; /* not of the stream's first file */
    arrange(plan, b);
    return 1;
}

static int union_start(struct step *s, struct error *e)
{
    const struct union_plan *plan = s->plan;
    return side_rewind(plan->side, e);
}

static int concat_rows_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    widen(s->plan, b);
    return emit(out, b, e);
}

static int concat_rows_flush(struct step *s, struct emit *out, struct error *e)
{
    int rc = 0, got = 1;
    while (rc == 0 && got > 0) {
        struct batch *b = emit_batch(out);
        got = next_rows(s->plan, b, e);
        if (got > 0)
            rc = emit(out, b, e);
        else
            batch_free(b);
    }
    return got < 0 ? got : rc < 0 ? rc : 0;
}

/* Rows of the file, read ahead, and the merged rows not yet handed on. */
struct merge_run {
    struct batch *side;
    size_t next; /* row of side */
    bool at_end;
    struct buf key, side_key;
    struct buf before; /* the key of the row handed on last, to see that order holds */
    struct row_origin origin;
    struct buf packed;
    VEC(size_t) ends; /* in packed */
    VEC(uint64_t) ids;
};

enum { MERGED_BYTES = 512 << 10 }; /* rows leave when there are so many */

static int merge_open(struct step *s, const struct schema *in, struct error *e)
{
    int rc = union_open(s, in, e);
    struct union_plan *plan = s->plan;
    struct cell_order usual = {.order.descending = arg_choice(s, "order") == 1};
    if (rc == 0)
        rc = sort_orders(s, "on", in, usual, &plan->orders, &plan->order_count, e);
    for (size_t i = 0; rc == 0 && i < plan->order_count; i++)
        if (plan->from[plan->orders[i].column] == FIELD_NONE)
            rc = step_error(s, e, "the file has no column %.200s",
                            in->fields.at[plan->orders[i].column].name);
    return rc;
}

static int merge_start(struct step *s, struct error *e)
{
    struct merge_run *run = mem_alloc(sizeof *run);
    run->side = batch_new();
    s->run = run;
    return union_start(s, e);
}

static void merge_stop(struct step *s)
{
    struct merge_run *run = s->run;
    if (!run)
        return;
    batch_free(run->side);
    buf_release(&run->key);
    buf_release(&run->side_key);
    buf_release(&run->before);
    buf_release(&run->packed);
    row_origin_release(&run->origin);
    vec_release(&run->ends);
    vec_release(&run->ids);
    mem_free(run);
    s->run = NULL;
}

static void put_key(const struct union_plan *plan, struct batch *b, size_t row, struct buf *key)
{
    key->len = 0;
    for (size_t i = 0; i < plan->order_count; i++)
        key_put_cell(key, b, row, &plan->orders[i]);
}

static int compare_keys(const struct buf *a, const struct buf *b)
{
    return text_compare((struct text){a->at, a->len}, (struct text){b->at, b->len});
}

/* Makes the file's next row current, with its key: 1; 0 at its end; < 0. */
static int side_row(struct step *s, struct error *e)
{
    const struct union_plan *plan = s->plan;
    struct merge_run *run = s->run;
    while (!run->at_end && run->next == run->side->rows) {
        batch_clear(run->side);
        run->next = 0;
        int got = next_rows(plan, run->side, e);
        if (got < 0)
            return got;
        run->at_end = got == 0;
    }
    if (run->at_end)
        return 0;
    put_key(plan, run->side, run->next, &run->side_key);
    return 1;
}

/* Cells the way the stream's are written, or their values. */
static void match_format(struct batch *side, const struct format *f)
{
    if (f && side->format && format_same_cells(f, side->format))
        return;
    for (size_t i = 0; i < side->columns.len; i++)
        batch_set(side, i, column_of_text(batch_text(side, i)));
}

static void pack(struct merge_run *run, const struct row_packer *packer, size_t row)
{
    row_packer_put(packer, row, &run->packed);
    vec_push(&run->ends, run->packed.len);
    vec_push(&run->ids, batch_row_id(packer->b, row));
}

/* What was merged leaves as one batch. */
static int emit_merged(struct merge_run *run, struct emit *out, struct error *e)
{
    size_t n = run->ends.len, start = 0;
    if (n == 0)
        return 0;
    struct batch *b = emit_batch(out);
    struct text *rows = batch_array(b, n, sizeof *rows);
    const char *bytes = arena_copy(&b->arena, run->packed.at, run->packed.len);
    for (size_t i = 0; i < n; i++) {
        rows[i] = (struct text){bytes + start, run->ends.at[i] - start};
        start = run->ends.at[i];
    }
    rows_unpack(b, &run->origin, rows, n, run->ids.at);
    run->packed.len = run->ends.len = run->ids.len = 0;
    return emit(out, b, e);
}

/* The file's rows that come before the key of the stream's row. */
static int pack_before(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    struct merge_run *run = s->run;
    int got, rc = 0;
    while (rc == 0 && (got = side_row(s, e)) > 0 && compare_keys(&run->side_key, &run->key) < 0) {
        if (run->next == 0)
            match_format(run->side, b->format);
        row_origin_see(&run->origin, run->side);
        struct row_packer packer = row_packer(run->side);
        pack(run, &packer, run->next++);
        if (run->packed.len > MERGED_BYTES)
            rc = emit_merged(run, out, e);
    }
    return rc ? rc : got < 0 ? got : 0;
}

static int check_order(struct step *s, struct batch *b, size_t row, struct error *e)
{
    struct merge_run *run = s->run;
    if (compare_keys(&run->before, &run->key) > 0) {
        error_set(e, ERR_DATA,
                  "merge_sorted: the row comes before the one ahead of it: sort first");
        return batch_place(b, row, e);
    }
    struct buf swap = run->before;
    run->before = run->key;
    run->key = swap;
    return 0;
}

static int merge_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct union_plan *plan = s->plan;
    struct merge_run *run = s->run;
    int rc = 0;
    widen(plan, b);
    row_origin_see(&run->origin, b);
    struct row_packer packer = row_packer(b);
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        put_key(plan, b, r, &run->key);
        rc = pack_before(s, b, out, e);
        if (rc == 0)
            rc = check_order(s, b, r, e);
        pack(run, &packer, r);
    }
    run->origin.format = b->format ? b->format : run->origin.format;
    if (rc == 0)
        rc = emit_merged(run, out, e);
    batch_free(b);
    return rc;
}

static int merge_flush(struct step *s, struct emit *out, struct error *e)
{
    struct merge_run *run = s->run;
    int rc = 0, got;
    while (rc == 0 && (got = side_row(s, e)) != 0) {
        if (got < 0)
            return got;
        uint8_t *keep = batch_array(run->side, run->side->rows, 1);
        for (size_t r = 0; r < run->side->rows; r++)
            keep[r] = r >= run->next;
        batch_filter(run->side, keep);
        struct batch *rest = run->side;
        run->side = emit_batch(out);
        run->next = 0;
        rc = emit(out, rest, e);
    }
    return rc < 0 ? rc : 0;
}

static const struct arg rows_args[] = {
    SIDE_FILE_ARG,
    {0},
};
static const struct arg merge_args[] = {
    SIDE_FILE_ARG,
    {.name = "on",
     .kind = ARG_LIST,
     .help = "columns both are sorted by, as in sort: a,b:desc",
     .required = true},
    {.name = "order",
     .kind = ARG_CHOICE,
     .fallback = "asc",
     .help = "of columns that do not say",
     .choices = "asc desc"},
    {0},
};

#define STACK .family = "combine", .class = "S", .ordered = true, .needs_all = true

const struct step_kind steps_combine_stack[] = {
    {
        .name = "concat_rows",
        .aliases = "append union_all",
        STACK,
        .summary = "a file's rows behind those of the stream",
        .details = "Columns go by name; those that one of the two lacks are missing there.",
        .args = rows_args,
        .example = {.program = "concat_rows more.csv",
                    .input = "a,b\n1,2\n",
                    .output = "a,b,c\n1,2,\n,3,4\n",
                    .file_name = "more.csv",
                    .file = "b,c\n3,4\n"},
        .open = union_open,
        .close = union_close,
        .shape = union_shape,
        .start = union_start,
        .push = concat_rows_push,
        .flush = concat_rows_flush,
    },
    {
        .name = "merge_sorted",
        STACK,
        .summary = "two sorted tables become one sorted table",
        .details = "Both are read once, side by side; of equal rows the stream's come first. A row "
                   "of the stream out of order is an error. Columns go by name, as in concat_rows.",
        .args = merge_args,
        .example = {.program = "merge_sorted more.csv on=x",
                    .input = "x,y\n1,a\n5,b\n",
                    .output = "x,y\n1,a\n2,c\n5,b\n9,d\n",
                    .file_name = "more.csv",
                    .file = "x,y\n2,c\n9,d\n"},
        .open = merge_open,
        .close = union_close,
        .shape = union_shape,
        .start = merge_start,
        .stop = merge_stop,
        .push = merge_push,
        .flush = merge_flush,
    },
    {0},
};
