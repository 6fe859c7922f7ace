/* Steps that compare the stream with a file of the same kind: intersect, except, update_lookup,
 * diff_datasets. */
#include "prep/families.h"
#include "prep/groups.h"
#include "prep/match.h"
#include "prep/side.h"

#include <stdatomic.h>

#define NO_PARTNER UINT32_MAX

struct set_plan {
    struct side *side;
    struct match_key *keys;
    size_t key_count;
    struct match_key *values; /* columns that both have besides the key */
    size_t value_count;
    uint8_t *wanted;
    size_t left_columns;
};

struct set_run {
    struct match match;
    struct groups groups;  /* rows that left already */
    _Atomic uint8_t *seen; /* by side row: it has a partner */
};

/* ---- opening -------------------------------------------------------------------------------- */

static int set_open_side(struct step *s, const struct schema *in, struct set_plan **out,
                         struct error *e)
{
    struct set_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = *out = plan;
    plan->left_columns = in->fields.len;
    int rc = side_open(s, arg_text(s, "file"), &plan->side, e);
    if (rc == 0)
        plan->wanted = arena_zero(&s->arena, plan->side->schema->fields.len + 1);
    return rc;
}

/* The key of intersect and except: s->columns, which the file must have. */
static int columns_open(struct step *s, const struct schema *in, struct error *e)
{
    struct set_plan *plan;
    int rc = set_open_side(s, in, &plan, e);
    if (rc)
        return rc;
    plan->keys = arena_alloc(&s->arena, (s->column_count + 1) * sizeof *plan->keys);
    plan->key_count = s->column_count;
    for (size_t i = 0; i < s->column_count; i++) {
        size_t right = schema_find(plan->side->schema, text_of(s->names[i]));
        char quoted[QUOTE_MAX];
        if (right == FIELD_NONE)
            return step_error(s, e, "the file has no column %s",
                              quote(quoted, s->names[i], strlen(s->names[i])));
        plan->keys[i] = match_key(in, s->columns[i], plan->side->schema, right);
    }
    return 0;
}

static bool is_key(const struct set_plan *plan, size_t left)
{
    for (size_t i = 0; i < plan->key_count; i++)
        if (plan->keys[i].left == left)
            return true;
    return false;
}

/* Whether the column is one of those the step is about. */
static bool is_chosen(const struct step *s, size_t column)
{
    for (size_t i = 0; i < s->column_count; i++)
        if (s->columns[i] == column)
            return true;
    return false;
}

/* The key of update_lookup and diff_datasets: on=, and the other columns that both tables have. */
static int values_open(struct step *s, const struct schema *in, struct error *e)
{
    struct set_plan *plan;
    int rc = set_open_side(s, in, &plan, e);
    if (rc == 0)
        rc = match_keys(s, "on", in, plan->side->schema, &plan->keys, &plan->key_count, e);
    if (rc)
        return rc;
    plan->values = arena_alloc(&s->arena, (in->fields.len + 1) * sizeof *plan->values);
    for (size_t i = 0; i < in->fields.len; i++) {
        size_t right = schema_find(plan->side->schema, text_of(in->fields.at[i].name));
        if (right == FIELD_NONE || is_key(plan, i) || !is_chosen(s, i))
            continue;
        plan->values[plan->value_count++] = match_key(in, i, plan->side->schema, right);
        plan->wanted[right] = 1;
    }
    return 0;
}

static void set_close(struct step *s)
{
    struct set_plan *plan = s->plan;
    side_free(plan->side);
}

/* ---- the side table ------------------------------------------------------------------------- */

static int add_side(void *context, struct batch *b, struct error *e)
{
    (void)e;
    match_add(context, b);
    return 0;
}

static void set_stop(struct step *s)
{
    const struct set_plan *plan = s->plan;
    struct set_run *run = s->run;
    if (!run)
        return;
    match_release(&run->match);
    groups_release(&run->groups);
    mem_free(run->seen);
    side_clear(plan->side);
    mem_free(run);
    s->run = NULL;
}

static int set_load(struct step *s, bool missing_matches, struct error *e)
{
    const struct set_plan *plan = s->plan;
    struct set_run *run = mem_alloc(sizeof *run);
    size_t memory = s->context->memory ? s->context->memory : (size_t)1 << 30;
    s->run = run;
    run->match.keys = plan->keys;
    run->match.count = plan->key_count;
    run->match.missing_matches = missing_matches;
    int rc = side_read(plan->side, plan->wanted, memory, add_side, &run->match, e);
    if (rc == SIDE_FULL || (rc == 0 && match_held(&run->match) > memory))
        rc = error_set(e, ERR_SYSTEM, "%.200s: does not fit in memory: raise --memory",
                       plan->side->path);
    if (rc) {
        set_stop(s);
        return rc;
    }
    run->seen = mem_alloc(plan->side->rows + 1);
    match_finish(&run->match);
    return 0;
}

static int set_start(struct step *s, struct error *e)
{
    return set_load(s, true, e);
}

static int lookup_start(struct step *s, struct error *e)
{
    return set_load(s, false, e);
}

/* ---- intersect, except ---------------------------------------------------------------------- */

static int set_push(struct step *s, struct batch *b, struct emit *out, bool common, struct error *e)
{
    struct set_run *run = s->run;
    uint8_t *keep = batch_array(b, b->rows, 1);
    struct match_reader reader = match_reader(&run->match, b);
    for (size_t r = 0; r < b->rows; r++)
        keep[r] = (match_find(&reader, r) != MAP_NONE) == common;
    match_reader_release(&reader);
    batch_filter(b, keep);
    if (!arg_bool(s, "all")) {
        groups_batch(&run->groups, b, s->columns, s->column_count);
        keep = batch_array(b, b->rows, 1);
        for (size_t r = 0; r < b->rows; r++) {
            size_t known = groups_count(&run->groups);
            keep[r] = groups_find(&run->groups, r) == known;
        }
        batch_filter(b, keep);
    }
    return emit(out, b, e);
}

static int intersect_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    return set_push(s, b, out, true, e);
}

static int except_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    return set_push(s, b, out, false, e);
}

/* ---- cells from both tables ----------------------------------------------------------------- */

/* The side row that goes with each row of b: the last one with its key, or NO_PARTNER. */
static uint32_t *find_partners(const struct set_run *run, struct batch *b)
{
    uint32_t *partners = batch_array(b, b->rows, sizeof *partners);
    struct match_reader reader = match_reader(&run->match, b);
    for (size_t r = 0; r < b->rows; r++) {
        size_t group = match_find(&reader, r);
        partners[r] =
            group == MAP_NONE ? NO_PARTNER : run->match.rows[run->match.starts[group + 1] - 1];
    }
    match_reader_release(&reader);
    return partners;
}

/* Takes the side table's cell in rows that have a partner, a missing one only with `missing_too`.
 * Cells stay as they stand in their files when both are written alike. */
static void mix_column(const struct set_plan *plan, struct batch *b, size_t i,
                       const uint32_t *partners, bool missing_too)
{
    const struct match_key *value = &plan->values[i];
    struct column theirs = side_gather(plan->side, value->right, partners, b->rows, b);
    size_t at = batch_add(b, theirs);
    const struct text *values = batch_text(b, at), *own = batch_raw(b, value->left);
    bool raw = own && theirs.form == FORM_RAW;
    if (!raw)
        own = batch_text(b, value->left);
    struct text *cells = batch_array(b, b->rows, sizeof *cells);
    for (size_t r = 0; r < b->rows; r++) {
        bool has = partners[r] != NO_PARTNER && (missing_too || values[r].at);
        cells[r] = !has ? own[r] : raw ? theirs.text[r] : values[r];
    }
    batch_remove(b, at);
    batch_set(b, value->left,
              (struct column){.form = raw ? FORM_RAW : FORM_TEXT, .source = -1, .text = cells});
}

/* ---- update_lookup -------------------------------------------------------------------------- */

static int update_apply(const struct step *s, struct batch *b, struct error *e)
{
    (void)e;
    const struct set_plan *plan = s->plan;
    const uint32_t *partners = find_partners(s->run, b);
    for (size_t i = 0; i < plan->value_count; i++)
        mix_column(plan, b, i, partners, false);
    return 0;
}

/* ---- diff_datasets -------------------------------------------------------------------------- */

enum change { CHANGE_SAME, CHANGE_REMOVED, CHANGE_CHANGED, CHANGE_ADDED };
static const char *const change_names[] = {"same", "removed", "changed", "added"};

static struct text change_text(enum change c)
{
    return text_of(change_names[c]);
}

/* Adds the names of the columns in which rows differ to their lists. */
static void compare_column(const struct set_plan *plan, struct batch *b, size_t i, const char *name,
                           const uint32_t *partners, struct buf *lists)
{
    const struct match_key *value = &plan->values[i];
    size_t at = batch_add(b, side_gather(plan->side, value->right, partners, b->rows, b));
    const struct text *theirs = batch_text(b, at), *own = batch_text(b, value->left);
    const struct match as = {.keys = value, .count = 1, .missing_matches = true};
    struct buf x = {0}, y = {0};
    for (size_t r = 0; r < b->rows; r++) {
        struct text a, c;
        if (partners[r] == NO_PARTNER)
            continue;
        (void)match_bytes(&as, &own, r, &x, &a);
        (void)match_bytes(&as, &theirs, r, &y, &c);
        if (!text_equal(a, c)) {
            if (lists[r].len > 0)
                buf_putc(&lists[r], ',');
            buf_puts(&lists[r], name);
        }
    }
    buf_release(&x);
    buf_release(&y);
    batch_remove(b, at);
}

static const struct text missing = {NULL, 0};

/* What became of each row, and which columns of it: two new columns. */
static void add_changes(struct batch *b, const uint32_t *partners, struct buf *lists)
{
    struct text *change = batch_array(b, b->rows, sizeof *change);
    struct text *columns = batch_array(b, b->rows, sizeof *columns);
    for (size_t r = 0; r < b->rows; r++) {
        bool same = lists[r].len == 0;
        change[r] = change_text(partners[r] == NO_PARTNER ? CHANGE_REMOVED
                                : same                    ? CHANGE_SAME
                                                          : CHANGE_CHANGED);
        columns[r] = missing;
        if (!same)
            columns[r] =
                (struct text){arena_copy(&b->arena, lists[r].at, lists[r].len), lists[r].len};
        buf_release(&lists[r]);
    }
    batch_add(b, column_of_text(change));
    batch_add(b, column_of_text(columns));
}

static void keep_changes(struct batch *b)
{
    const struct text *change = b->columns.at[b->columns.len - 2].text;
    uint8_t *keep = batch_array(b, b->rows, 1);
    for (size_t r = 0; r < b->rows; r++)
        keep[r] = !text_equal(change[r], change_text(CHANGE_SAME));
    batch_filter(b, keep);
}

static int diff_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct set_plan *plan = s->plan;
    const struct set_run *run = s->run;
    const uint32_t *partners = find_partners(run, b);
    struct buf *lists = arena_zero(&b->arena, (b->rows + 1) * sizeof *lists);
    for (size_t r = 0; r < b->rows; r++)
        if (partners[r] != NO_PARTNER)
            atomic_store_explicit(&run->seen[partners[r]], 1, memory_order_relaxed);
    for (size_t i = 0; i < plan->value_count; i++)
        compare_column(plan, b, i, plan->side->schema->fields.at[plan->values[i].right].name,
                       partners, lists);
    for (size_t i = 0; i < plan->value_count; i++)
        mix_column(plan, b, i, partners, true);
    add_changes(b, partners, lists);
    if (!arg_bool(s, "all"))
        keep_changes(b);
    return emit(out, b, e);
}

/* Rows that only the file has. */
static void fill_added(const struct set_plan *plan, struct batch *b, const uint32_t *rows, size_t n)
{
    struct text *none = batch_array(b, n, sizeof *none),
                *change = batch_array(b, n, sizeof *change);
    uint64_t *ids = batch_array(b, n, sizeof *ids);
    for (size_t r = 0; r < n; r++) {
        none[r] = missing;
        change[r] = change_text(CHANGE_ADDED);
        ids[r] = UINT64_C(1) << 63 | (uint64_t)rows[r] << ROW_ID_SHIFT;
    }
    b->rows = n;
    b->ids = ids;
    b->format = plan->side->format;
    b->part = 1;
    b->policy = plan->side->policy;
    for (size_t i = 0; i < plan->left_columns; i++)
        batch_add(b, column_of_text(none));
    for (size_t i = 0; i < plan->key_count; i++)
        batch_set(b, plan->keys[i].left, side_gather(plan->side, plan->keys[i].right, rows, n, b));
    for (size_t i = 0; i < plan->value_count; i++)
        batch_set(b, plan->values[i].left,
                  side_gather(plan->side, plan->values[i].right, rows, n, b));
    batch_add(b, column_of_text(change));
    batch_add(b, column_of_text(none));
}

/* Whether side row r shares its key with a row that has a partner: the last of a key stands for
 * all. */
static bool is_known(const struct set_run *run, size_t r)
{
    uint32_t group = run->match.groups.at[r];
    return group != UINT32_MAX && run->seen[run->match.rows[run->match.starts[group + 1] - 1]];
}

static int diff_flush(struct step *s, struct emit *out, struct error *e)
{
    const struct set_plan *plan = s->plan;
    const struct set_run *run = s->run;
    uint32_t rows[4096];
    int rc = 0;
    for (size_t r = 0, n = 0; rc == 0 && r <= plan->side->rows; r++) {
        if (r < plan->side->rows && !is_known(run, r))
            rows[n++] = (uint32_t)r;
        if (n > 0 && (n == COUNT_OF(rows) || r == plan->side->rows)) {
            struct batch *b = emit_batch(out);
            fill_added(plan, b, rows, n);
            rc = emit(out, b, e);
            n = 0;
        }
    }
    return rc < 0 ? rc : 0;
}

static int diff_open(struct step *s, const struct schema *in, struct error *e)
{
    int rc = values_open(s, in, e);
    struct set_plan *plan = s->plan;
    for (size_t i = 0; rc == 0 && i < plan->key_count; i++)
        plan->wanted[plan->keys[i].right] = 1;
    if (rc == 0)
        rc = step_new_name(s, in, TEXT_LITERAL("change"), e);
    return rc ? rc : step_new_name(s, in, TEXT_LITERAL("changed"), e);
}

static int diff_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)s;
    (void)e;
    schema_add(schema, TEXT_LITERAL("change"), TYPE_TEXT);
    schema_add(schema, TEXT_LITERAL("changed"), TYPE_TEXT);
    return 0;
}

/* ---- the table ------------------------------------------------------------------------------ */


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
static const struct arg update_args[] = {
    SIDE_FILE_ARG,
    {.name = "on",
     .kind = ARG_LIST,
     .help = "columns that must be equal, as in join: a,b=c",
     .required = true},
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .fallback = "@all",
     .help = "columns to update, of those the file has, too"},
    {0},
};
static const struct arg diff_args[] = {
    SIDE_FILE_ARG,
    {.name = "on",
     .kind = ARG_LIST,
     .help = "columns that identify a row: a,b=c",
     .required = true},
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .fallback = "@all",
     .help = "columns to compare, of those the file has, too"},
    {.name = "all",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "keep rows that are the same, too"},
    {0},
};

#define OTHER .file_name = "other.csv"
#define COMMON                                                                                     \
    .family = "combine", .class = "W", .close = set_close, .stop = set_stop, .needs_all = true

const struct step_kind steps_combine_sets[] = {
    {
        .name = "diff_datasets",
        .summary = "what became of the rows: removed, changed or added in the file",
        .details = "The stream is the old table, the file the new one. Removed rows leave as they "
                   "were, changed ones as they are in the file with the names of the columns that "
                   "changed, both in the stream's order; added ones follow in the file's. A file "
                   "row stands for its key; of several the last. Values compare as in join; two "
                   "missing ones are the same.",
        .args = diff_args,
        .example = {.program = "diff_datasets other.csv on=id",
                    .input = "id,x\n1,a\n2,b\n3,c\n",
                    .output = "id,x,change,changed\n2,B,changed,x\n3,c,removed,\n4,d,added,\n",
                    OTHER,
                    .file = "id,x\n1,a\n2,B\n4,d\n"},
        .open = diff_open,
        .shape = diff_shape,
        .start = lookup_start,
        .push = diff_push,
        .flush = diff_flush,
        COMMON,
    },
    {
        .name = "except",
        .aliases = "minus",
        .summary = "rows that the file does not have",
        .details = "As SQL's EXCEPT: each different row once, unless all=true. Missing cells are "
                   "equal here.",
        .args = set_args,
        .example = {.program = "except other.csv",
                    .input = "x\n1\n2\n2\n3\n",
                    .output = "x\n2\n",
                    OTHER,
                    .file = "x\n1\n3\n"},
        .open = columns_open,
        .start = set_start,
        .push = except_push,
        .ordered = true,
        COMMON,
    },
    {
        .name = "intersect",
        .summary = "rows that the file has, too",
        .details =
            "As SQL's INTERSECT: each different row once, unless all=true. Missing cells are "
            "equal here.",
        .args = set_args,
        .example = {.program = "intersect other.csv",
                    .input = "x\n1\n2\n1\n3\n",
                    .output = "x\n1\n3\n",
                    OTHER,
                    .file = "x\n3\n1\n"},
        .open = columns_open,
        .start = set_start,
        .push = intersect_push,
        .ordered = true,
        COMMON,
    },
    {
        .name = "update_lookup",
        .aliases = "update",
        .summary = "take newer values from the file's row with the same key",
        .details = "Only columns that both tables have are changed, and only where the file has a "
                   "value; of several rows with the same key the last one counts.",
        .args = update_args,
        .example = {.program = "update_lookup other.csv on=id",
                    .input = "id,x,y\n1,a,5\n2,b,6\n",
                    .output = "id,x,y\n1,a,5\n2,B,6\n",
                    OTHER,
                    .file = "id,x\n2,B\n1,\n"},
        .open = values_open,
        .start = lookup_start,
        .apply = update_apply,
        COMMON,
    },
    {0},
};
