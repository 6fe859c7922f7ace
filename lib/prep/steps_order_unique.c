/* Steps about rows that are there several times: dedup, dedup_sorted, unique, count_distinct. */
#include "prep/families.h"
#include "prep/groups.h"
#include "table/rows.h"

#include <stdlib.h>

enum { BATCH_ROWS = 4096, KEEP_FIRST = 0, KEEP_LAST, KEEP_NONE };

/* The row that stands for its key. */
struct kept {
    struct buf row; /* packed */
    uint64_t id, arrival, count;
};

struct run {
    struct groups groups;
    VEC(struct kept) kept; /* by group; not while rows are handed on at once */
    struct row_origin origin;
    uint64_t arrivals;
    struct buf key, before; /* dedup_sorted: of this row and the one before it */
    bool any;
};

static int run_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(struct run));
    return 0;
}

static void run_stop(struct step *s)
{
    struct run *run = s->run;
    if (!run)
        return;
    for (size_t i = 0; i < run->kept.len; i++)
        buf_release(&run->kept.at[i].row);
    vec_release(&run->kept);
    groups_release(&run->groups);
    row_origin_release(&run->origin);
    buf_release(&run->key);
    buf_release(&run->before);
    mem_free(run);
    s->run = NULL;
}

/* ---- rows at once --------------------------------------------------------------------------- */

/* Only the first row of each key is left in b. */
static void keep_first(struct step *s, struct batch *b)
{
    struct run *run = s->run;
    uint8_t *keep = batch_array(b, b->rows, 1);
    groups_batch(&run->groups, b, s->columns, s->column_count);
    for (size_t r = 0; r < b->rows; r++) {
        size_t known = groups_count(&run->groups);
        keep[r] = groups_find(&run->groups, r) == known;
    }
    batch_filter(b, keep);
}

/* ---- rows at the end ------------------------------------------------------------------------ */

/* Holds the first or the last row of each key, and how many there were. */
static void hold_rows(struct step *s, struct batch *b, bool last)
{
    struct run *run = s->run;
    struct row_packer packer = row_packer(b);
    row_origin_see(&run->origin, b);
    for (size_t r = 0; r < b->rows; r++) {
        size_t group = groups_find(&run->groups, r);
        struct kept fresh = {0};
        bool is_new = group == run->kept.len;
        if (is_new)
            vec_push(&run->kept, fresh);
        struct kept *k = &run->kept.at[group];
        k->count++;
        if (!is_new && !last)
            continue;
        k->row.len = 0;
        row_packer_put(&packer, r, &k->row);
        k->id = batch_row_id(b, r);
        k->arrival = run->arrivals++;
    }
}

static int by_arrival(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;
    return x->arrival < y->arrival ? -1 : x->arrival > y->arrival;
}

/* Some held rows, with their counts in a last column when counted. */
static int emit_kept(const struct run *run, const struct kept *kept, size_t n, bool counted,
                     struct emit *out, struct error *e)
{
    struct batch *b = emit_batch(out);
    struct text *rows = batch_array(b, n, sizeof *rows);
    uint64_t *ids = batch_array(b, n, sizeof *ids);
    int64_t *counts = batch_array(b, n, sizeof *counts);
    for (size_t i = 0; i < n; i++) {
        const struct buf *row = &kept[i].row;
        rows[i] = (struct text){arena_copy(&b->arena, row->at, row->len), row->len};
        ids[i] = kept[i].id;
        counts[i] = (int64_t)kept[i].count;
    }
    rows_unpack(b, &run->origin, rows, n, ids);
    if (counted)
        batch_add(b, column_of_int(counts));
    return emit(out, b, e);
}

static int flush_kept(struct step *s, bool counted, struct emit *out, struct error *e)
{
    struct run *run = s->run;
    int rc = 0;
    if (run->kept.len > 1)
        qsort(run->kept.at, run->kept.len, sizeof *run->kept.at, by_arrival);
    for (size_t i = 0; rc == 0 && i < run->kept.len; i += BATCH_ROWS) {
        size_t n = run->kept.len - i < BATCH_ROWS ? run->kept.len - i : BATCH_ROWS;
        rc = emit_kept(run, run->kept.at + i, n, counted, out, e);
    }
    return rc < 0 ? rc : 0;
}

/* Those there was one of move together. */
static void leave_singles(struct run *run)
{
    size_t n = 0;
    for (size_t i = 0; i < run->kept.len; i++) {
        struct kept k = run->kept.at[i];
        if (k.count == 1)
            run->kept.at[n++] = k;
        else
            buf_release(&k.row);
    }
    run->kept.len = n;
}

/* ---- dedup ---------------------------------------------------------------------------------- */

static int dedup_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    struct run *run = s->run;
    if (arg_choice(s, "keep") == KEEP_FIRST) {
        keep_first(s, b);
        return emit(out, b, e);
    }
    groups_batch(&run->groups, b, s->columns, s->column_count);
    hold_rows(s, b, arg_choice(s, "keep") == KEEP_LAST);
    batch_free(b);
    return 0;
}

static int dedup_flush(struct step *s, struct emit *out, struct error *e)
{
    if (arg_choice(s, "keep") == KEEP_NONE)
        leave_singles(s->run);
    return flush_kept(s, false, out, e);
}

/* ---- dedup_sorted --------------------------------------------------------------------------- */

static void put_key(const struct step *s, struct batch *b, size_t row, struct buf *key)
{
    key->len = 0;
    for (size_t i = 0; i < s->column_count; i++) {
        struct text cell = batch_text(b, s->columns[i])[row];
        uint64_t len = cell.at ? cell.len : UINT64_MAX;
        buf_add(key, &len, sizeof len);
        if (cell.at)
            buf_add(key, cell.at, cell.len);
    }
}

static int dedup_sorted_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    struct run *run = s->run;
    uint8_t *keep = batch_array(b, b->rows, 1);
    for (size_t r = 0; r < b->rows; r++) {
        put_key(s, b, r, &run->key);
        keep[r] = !run->any || run->key.len != run->before.len ||
                  memcmp(run->key.at, run->before.at, run->key.len) != 0;
        run->any = true;
        struct buf swap = run->key;
        run->key = run->before;
        run->before = swap;
    }
    batch_filter(b, keep);
    return emit(out, b, e);
}

/* ---- unique, count_distinct ----------------------------------------------------------------- */

/* The columns of the key are left, in the order the step names them. */
static void keep_columns(const struct step *s, struct batch *b)
{
    struct column *columns = batch_array(b, s->column_count, sizeof *columns);
    for (size_t i = 0; i < s->column_count; i++)
        columns[i] = b->columns.at[s->columns[i]];
    b->columns.len = 0;
    for (size_t i = 0; i < s->column_count; i++)
        batch_add(b, columns[i]);
}

static int unique_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    struct schema old = *schema;
    *schema = (struct schema){0};
    for (size_t i = 0; i < s->column_count; i++) {
        const struct field *field = &old.fields.at[s->columns[i]];
        size_t at = schema_add(schema, text_of(field->name), field->type);
        schema->fields.at[at].declared = field->declared;
        if (field->raw)
            schema->fields.at[at].raw = arena_text(&schema->arena, field->raw, strlen(field->raw));
    }
    schema_release(&old);
    return 0;
}

static int count_open(struct step *s, const struct schema *in, struct error *e)
{
    struct text into = arg_text(s, "into");
    char quoted[QUOTE_MAX];
    (void)in;
    for (size_t i = 0; i < s->column_count; i++)
        if (text_equal(into, text_of(s->names[i])))
            return step_error(s, e, "there is a column %s already",
                              quote(quoted, into.at, into.len));
    return 0;
}

static int count_shape(struct step *s, struct schema *schema, struct error *e)
{
    int rc = unique_shape(s, schema, e);
    schema_add(schema, arg_text(s, "into"), TYPE_INT);
    return rc;
}

static int unique_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    keep_first(s, b);
    keep_columns(s, b);
    return emit(out, b, e);
}

static int count_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    (void)out;
    (void)e;
    struct run *run = s->run;
    groups_batch(&run->groups, b, s->columns, s->column_count);
    keep_columns(s, b);
    hold_rows(s, b, false);
    batch_free(b);
    return 0;
}

static int count_flush(struct step *s, struct emit *out, struct error *e)
{
    return flush_kept(s, true, out, e);
}

/* ---- the table ------------------------------------------------------------------------------ */

#define KEY_COLUMNS                                                                                \
    {                                                                                              \
        .name = "columns", .kind = ARG_COLUMNS, .fallback = "@all",                                \
        .help = "columns that make two rows the same", .positional = true                          \
    }

static const struct arg dedup_args[] = {
    KEY_COLUMNS,
    {.name = "keep",
     .kind = ARG_CHOICE,
     .fallback = "first",
     .help = "which of the same rows to keep; none drops all of them",
     .choices = "first last none"},
    {0},
};
static const struct arg key_args[] = {
    KEY_COLUMNS,
    {0},
};
static const struct arg count_args[] = {
    KEY_COLUMNS,
    {.name = "into", .kind = ARG_NAME, .fallback = "count", .help = "name of the counts' column"},
    {0},
};

#define SAME_ROWS                                                                                  \
    .family = "order", .start = run_start, .stop = run_stop, .ordered = true, .needs_all = true

const struct step_kind steps_order_unique[] = {
    {
        .name = "count_distinct",
        .aliases = "value_counts",
        .class = "W",
        .summary = "the different values of columns and how often each occurs",
        .details = "In order of first appearance. Values are the same when their text is; two "
                   "missing ones are. A table of the values is held in memory.",
        .args = count_args,
        .example = {.program = "count_distinct city",
                    .input = "city,x\nUlm,1\nBonn,2\nUlm,3\n",
                    .output = "city,count\nUlm,2\nBonn,1\n"},
        .open = count_open,
        .shape = count_shape,
        .push = count_push,
        .flush = count_flush,
        SAME_ROWS,
    },
    {
        .name = "dedup",
        .aliases = "drop_duplicates distinct_by",
        .class = "W",
        .summary = "drop rows that are there already",
        .details = "Rows that are kept stay where they are. Values are the same when their text "
                   "is (1 and 1.0 differ); two missing ones are the same, as in pandas. With "
                   "keep=first rows leave as they come and a table of keys is held in memory; with "
                   "last and none one row for each key is.",
        .args = dedup_args,
        .example = {.program = "dedup date,origin",
                    .input = "date,origin,x\n1,ORD,a\n1,ORD,b\n2,ORD,c\n",
                    .output = "date,origin,x\n1,ORD,a\n2,ORD,c\n"},
        .push = dedup_push,
        .flush = dedup_flush,
        SAME_ROWS,
    },
    {
        .name = "dedup_sorted",
        .aliases = "uniq",
        .class = "S",
        .summary = "drop rows that are the same as the row before",
        .details = "Holds one row; for sorted rows the same as dedup.",
        .args = key_args,
        .example = {.program = "dedup_sorted x",
                    .input = "x,y\n1,a\n1,b\n2,c\n1,d\n",
                    .output = "x,y\n1,a\n2,c\n1,d\n"},
        .push = dedup_sorted_push,
        SAME_ROWS,
    },
    {
        .name = "unique",
        .aliases = "distinct",
        .class = "W",
        .summary = "the different values of columns, and nothing else",
        .details = "In order of first appearance, each as it stood there. A table of the values "
                   "is held in memory.",
        .args = key_args,
        .example = {.program = "unique city",
                    .input = "city,x\nUlm,1\nBonn,2\nUlm,3\n",
                    .output = "city\nUlm\nBonn\n"},
        .shape = unique_shape,
        .push = unique_push,
        SAME_ROWS,
    },
    {0},
};
