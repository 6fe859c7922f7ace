/* Steps about rows that are there several times: dedup, dedup_sorted, unique, count_distinct. */
#include "prep/kept.h"
#include "steps/steps.h"

static void kept_stop(struct step *s)
{
    kept_free(s->run);
    s->run = NULL;
}

static int first_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = kept_new(s, KEPT_FIRST);
    return 0;
}

static int dedup_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = kept_new(s, (enum kept_which)arg_choice(s, "keep"));
    return 0;
}

static int dedup_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    kept_batch(s->run, b, s->columns, s->column_count);
    if (arg_choice(s, "keep") == KEPT_FIRST)
        return kept_push_first(s->run, b, out, e);
    int rc = kept_add(s->run, b, e);
    batch_free(b);
    return rc;
}

static int kept_flush(struct step *s, struct emit *out, struct error *e)
{
    return kept_emit(s->run, false, out, e);
}

struct sorted_run {
    struct buf key, before; /* of this row and the one before it */
    bool any;
};

static int sorted_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(struct sorted_run));
    return 0;
}

static void sorted_stop(struct step *s)
{
    struct sorted_run *run = s->run;
    if (!run)
        return;
    buf_release(&run->key);
    buf_release(&run->before);
    mem_free(run);
    s->run = NULL;
}

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
    struct sorted_run *run = s->run;
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

/* The columns of the key are left, in the order the step names them. */
static void keep_columns(const struct step *s, struct batch *b)
{
    batch_arrange(b, s->columns, s->column_count);
}

static int unique_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    schema_arrange(schema, s->columns, s->column_count);
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
    kept_batch(s->run, b, s->columns, s->column_count);
    keep_columns(s, b);
    return kept_push_first(s->run, b, out, e);
}

static int count_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    (void)out;
    kept_batch(s->run, b, s->columns, s->column_count);
    keep_columns(s, b);
    int rc = kept_add(s->run, b, e);
    batch_free(b);
    return rc;
}

static int count_flush(struct step *s, struct emit *out, struct error *e)
{
    return kept_emit(s->run, true, out, e);
}

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
     .choices = "first last none"}, /* as enum kept_which */
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

#define SAME_ROWS .family = "order", .ordered = true, .needs_all = true

const struct step_kind steps_order_unique[] = {
    {
        .name = "count_distinct",
        .aliases = "value_counts",
        .class = "W",
        .summary = "the different values of columns and how often each occurs",
        .details = "In order of first appearance. Values are the same when their text is; two "
                   "missing ones are. A table of the values is held in memory, past --memory on "
                   "disk.",
        .args = count_args,
        .example = {.program = "count_distinct city",
                    .input = "city,x\nUlm,1\nBonn,2\nUlm,3\n",
                    .output = "city,count\nUlm,2\nBonn,1\n"},
        .open = count_open,
        .shape = count_shape,
        .start = first_start,
        .stop = kept_stop,
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
                   "last and none one row for each key is. Past --memory they are on disk, and "
                   "rows that may be the first of their key leave at the end.",
        .args = dedup_args,
        .example = {.program = "dedup date,origin",
                    .input = "date,origin,x\n1,ORD,a\n1,ORD,b\n2,ORD,c\n",
                    .output = "date,origin,x\n1,ORD,a\n2,ORD,c\n"},
        .start = dedup_start,
        .stop = kept_stop,
        .push = dedup_push,
        .flush = kept_flush,
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
        .start = sorted_start,
        .stop = sorted_stop,
        .push = dedup_sorted_push,
        SAME_ROWS,
    },
    {
        .name = "unique",
        .aliases = "distinct",
        .class = "W",
        .summary = "the different values of columns, and nothing else",
        .details = "In order of first appearance, each as it stood there. A table of the values "
                   "is held in memory; past --memory further values leave at the end.",
        .args = key_args,
        .example = {.program = "unique city",
                    .input = "city,x\nUlm,1\nBonn,2\nUlm,3\n",
                    .output = "city\nUlm\nBonn\n"},
        .shape = unique_shape,
        .start = first_start,
        .stop = kept_stop,
        .push = unique_push,
        .flush = kept_flush,
        SAME_ROWS,
    },
    {0},
};
