/* Steps that keep the rows a file has, too, or those it has not: intersect, except. */
#include "prep/beside.h"
#include "prep/kept.h"
#include "steps/steps.h"

struct set_run {
    struct beside_rows rows;
    struct kept *kept; /* rows that are there several times; NULL: all leave */
};

/* The key: s->columns, which the file must have. */
static int set_open(struct step *s, const struct schema *in, struct error *e)
{
    struct beside *t = arena_zero(&s->arena, sizeof *t);
    s->plan = t;
    int rc = side_open(s, arg_text(s, "file"), &t->side, e);
    if (rc)
        return rc;
    t->wanted = arena_zero(&s->arena, t->side->schema->fields.len + 1);
    t->keys = arena_alloc(&s->arena, (s->column_count + 1) * sizeof *t->keys);
    t->key_count = s->column_count;
    t->missing_matches = true;
    for (size_t i = 0; i < s->column_count; i++) {
        size_t right = schema_find(t->side->schema, text_of(s->names[i]));
        char quoted[QUOTE_MAX];
        if (right == FIELD_NONE)
            return step_error(s, e, "the file has no column %s",
                              quote(quoted, s->names[i], strlen(s->names[i])));
        t->keys[i] = match_key(in, s->columns[i], t->side->schema, right);
    }
    return 0;
}

static void set_close(struct step *s)
{
    struct beside *t = s->plan;
    side_free(t->side);
}

/* Rows that belong to the result, but for those that were there before. */
static int put_rows(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    struct set_run *run = s->run;
    if (!run->kept)
        return emit(out, b, e);
    kept_batch(run->kept, b, s->columns, s->column_count);
    return kept_push_first(run->kept, b, out, e);
}

/* Rows of one key leave, unless the step wants those that have none like them. */
static int pair_rows(struct pairing *p, void *context, struct error *e)
{
    bool common = *(const bool *)((const struct step *)context)->kind->detail;
    const struct pair_row *row;
    int rc = 0;
    while (rc == 0 && (row = pairing_left(p))) {
        rc = common ? pairing_put(p, row, NULL, 0, e) : 0;
        if (rc == 0)
            rc = pairing_next_left(p, e);
    }
    while (rc == 0 && pairing_right(p))
        rc = pairing_next_right(p, e);
    return rc;
}

static int finish_rows(void *context, struct batch *b, const struct paired *r, struct emit *out,
                       struct error *e)
{
    (void)r;
    return put_rows(context, b, out, e);
}

static void set_stop(struct step *s)
{
    struct set_run *run = s->run;
    if (!run)
        return;
    beside_clear(s->plan, &run->rows);
    kept_free(run->kept);
    mem_free(run);
    s->run = NULL;
}

static int set_start(struct step *s, struct error *e)
{
    const bool *common = s->kind->detail;
    struct set_run *run = mem_alloc(sizeof *run);
    struct pairing_rules how = {
        .keeps_left = !*common, .pair = pair_rows, .finish = finish_rows, .context = s};
    s->run = run;
    if (!arg_bool(s, "all"))
        run->kept = kept_new(s, KEPT_FIRST);
    int rc = beside_load(s, s->plan, &run->rows, NULL, &how, NULL, e);
    if (rc)
        set_stop(s);
    return rc;
}

static int set_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const bool *common = s->kind->detail;
    struct set_run *run = s->run;
    if (run->rows.disk)
        return beside_push(&run->rows, b, NULL, e);
    uint8_t *keep = batch_array(b, b->rows, 1);
    struct match_reader reader = match_reader(&run->rows.match, b);
    for (size_t r = 0; r < b->rows; r++)
        keep[r] = (match_find(&reader, r) != MAP_NONE) == *common;
    match_reader_release(&reader);
    batch_filter(b, keep);
    return put_rows(s, b, out, e);
}

static int set_flush(struct step *s, struct emit *out, struct error *e)
{
    struct set_run *run = s->run;
    int rc = beside_flush(&run->rows, out, e);
    return rc == 0 && run->kept ? kept_emit(run->kept, false, out, e) : rc;
}

static const struct arg set_args[] = {
    SIDE_FILE_ARG,
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .fallback = "@all",
     .help = "columns to compare, which the file must have",
     .positional = true},
    {.name = "all",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "keep rows that are there several times as often"},
    {0},
};

static const bool common = true, not_common = false;

#define SET                                                                                        \
    .family = "combine", .class = "W", .args = set_args, .open = set_open, .close = set_close,     \
    .start = set_start, .stop = set_stop, .push = set_push, .flush = set_flush, .ordered = true,   \
    .needs_all = true

const struct step_kind steps_combine_sets[] = {
    {
        .name = "except",
        .aliases = "minus",
        .summary = "rows that the file does not have",
        .details = "As SQL's EXCEPT: each different row once, unless all=true. Missing cells are "
                   "equal here.",
        .example = {.program = "except other.csv",
                    .input = "x\n1\n2\n2\n3\n",
                    .output = "x\n2\n",
                    .file_name = "other.csv",
                    .file = "x\n1\n3\n"},
        SET,
        .detail = &not_common,
    },
    {
        .name = "intersect",
        .summary = "rows that the file has, too",
        .details =
            "As SQL's INTERSECT: each different row once, unless all=true. Missing cells are "
            "equal here.",
        .example = {.program = "intersect other.csv",
                    .input = "x\n1\n2\n1\n3\n",
                    .output = "x\n1\n3\n",
                    .file_name = "other.csv",
                    .file = "x\n3\n1\n"},
        SET,
        .detail = &common,
    },
    {0},
};
