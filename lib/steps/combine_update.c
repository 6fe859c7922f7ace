/* Steps that bring a table up to date, or tell two apart: update_lookup, diff_datasets. */
#include "prep/beside.h"
#include "steps/steps.h"

#include <stdatomic.h>

struct update_plan {
    struct beside table;
    struct match_key *values; /* columns that both have besides the key */
    size_t value_count;
    size_t left_columns;
};

struct update_run {
    struct beside_rows rows;
    _Atomic uint8_t *seen; /* by side row: it has a partner */
};

static bool is_key(const struct update_plan *plan, size_t left)
{
    for (size_t i = 0; i < plan->table.key_count; i++)
        if (plan->table.keys[i].left == left)
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

/* The key: on=; and the other columns that both tables have. */
static int update_open(struct step *s, const struct schema *in, struct error *e)
{
    struct update_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    plan->left_columns = in->fields.len;
    int rc = beside_open(s, in, "on", &plan->table, e);
    if (rc)
        return rc;
    const struct schema *right = plan->table.side->schema;
    plan->values = arena_alloc(&s->arena, (in->fields.len + 1) * sizeof *plan->values);
    for (size_t i = 0; i < in->fields.len; i++) {
        size_t theirs = schema_find(right, text_of(in->fields.at[i].name));
        if (theirs == FIELD_NONE || is_key(plan, i) || !is_chosen(s, i))
            continue;
        plan->values[plan->value_count++] = match_key(in, i, right, theirs);
        plan->table.wanted[theirs] = 1;
    }
    return 0;
}

static void update_close(struct step *s)
{
    struct update_plan *plan = s->plan;
    side_free(plan->table.side);
}

static void update_stop(struct step *s)
{
    const struct update_plan *plan = s->plan;
    struct update_run *run = s->run;
    if (!run)
        return;
    beside_clear(&plan->table, &run->rows);
    mem_free(run->seen);
    mem_free(run);
    s->run = NULL;
}

/* Rows of one key with the last of the side table's; that one stands for all. */
static int pair_last(struct pairing *p, void *context, struct error *e)
{
    struct kept_row last = {0};
    const struct pair_row *row;
    int rc = 0;
    (void)context;
    while (rc == 0 && (row = pairing_right(p))) {
        kept_row_set(&last, row);
        rc = pairing_next_right(p, e);
    }
    while (rc == 0 && (row = pairing_left(p))) {
        rc = pairing_put(p, row, &last.row, 0, e);
        if (rc == 0)
            rc = pairing_next_left(p, e);
    }
    kept_row_release(&last);
    return rc;
}

static int load(struct step *s, bool keeps_right,
                int (*finish)(void *context, struct batch *b, const struct paired *r,
                              struct emit *out, struct error *e),
                struct error *e)
{
    const struct update_plan *plan = s->plan;
    struct update_run *run = mem_alloc(sizeof *run);
    struct pairing_rules how = {.keeps_left = true,
                                .keeps_right = keeps_right,
                                .pair = pair_last,
                                .finish = finish,
                                .context = s};
    s->run = run;
    int rc = beside_load(s, &plan->table, &run->rows, NULL, &how, NULL, e);
    if (rc)
        update_stop(s);
    else if (!run->rows.disk && keeps_right)
        run->seen = mem_alloc(plan->table.side->rows + 1);
    return rc;
}

static int update_flush(struct step *s, struct emit *out, struct error *e)
{
    return beside_flush(&((struct update_run *)s->run)->rows, out, e);
}

/* The last side row with the key of each row of b, and its cells. */
static struct paired find_partners(const struct step *s, struct batch *b, uint32_t *partners)
{
    const struct update_plan *plan = s->plan;
    const struct match *match = &((const struct update_run *)s->run)->rows.match;
    uint8_t *has = batch_array(b, b->rows, 1);
    struct match_reader reader = match_reader(match, b);
    for (size_t r = 0; r < b->rows; r++) {
        size_t group = match_find(&reader, r);
        has[r] = group != MAP_NONE;
        partners[r] = has[r] ? match->rows[match->starts[group + 1] - 1] : UINT32_MAX;
    }
    match_reader_release(&reader);
    return (struct paired){
        .n = b->rows, .has = has, .cells = side_cells(plan->table.side, partners, b->rows, b)};
}

/* Takes the side table's cell in rows that have a partner, a missing one only with `missing_too`.
 * Cells stay as they stand in their files when both are written alike. */
static void mix_column(const struct update_plan *plan, struct batch *b, size_t i,
                       const struct paired *p, bool missing_too)
{
    const struct match_key *value = &plan->values[i];
    struct column theirs = side_column(plan->table.side, p->cells[value->right], b->rows, b);
    size_t at = batch_add(b, theirs);
    const struct text *values = batch_text(b, at), *own = batch_raw(b, value->left);
    bool raw = own && theirs.form == FORM_RAW;
    if (!raw)
        own = batch_text(b, value->left);
    struct text *cells = batch_array(b, b->rows, sizeof *cells);
    for (size_t r = 0; r < b->rows; r++) {
        bool has = p->has[r] && (missing_too || values[r].at);
        cells[r] = !has ? own[r] : raw ? theirs.text[r] : values[r];
    }
    batch_remove(b, at);
    batch_set(b, value->left,
              (struct column){.form = raw ? FORM_RAW : FORM_TEXT, .source = -1, .text = cells});
}

static int finish_update(void *context, struct batch *b, const struct paired *p, struct emit *out,
                         struct error *e)
{
    const struct update_plan *plan = ((const struct step *)context)->plan;
    for (size_t i = 0; i < plan->value_count; i++)
        mix_column(plan, b, i, p, false);
    return emit(out, b, e);
}

static int update_start(struct step *s, struct error *e)
{
    return load(s, false, finish_update, e);
}

static int update_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    struct update_run *run = s->run;
    if (run->rows.disk)
        return beside_push(&run->rows, b, NULL, e);
    uint32_t *partners = batch_array(b, b->rows, sizeof *partners);
    struct paired p = find_partners(s, b, partners);
    return finish_update(s, b, &p, out, e);
}

enum change { CHANGE_SAME, CHANGE_REMOVED, CHANGE_CHANGED, CHANGE_ADDED };
static const char *const change_names[] = {"same", "removed", "changed", "added"};

static struct text change_text(enum change c)
{
    return text_of(change_names[c]);
}

/* Adds the names of the columns in which rows differ to their lists. */
static void compare_column(const struct update_plan *plan, struct batch *b, size_t i,
                           const char *name, const struct paired *p, struct buf *lists)
{
    const struct match_key *value = &plan->values[i];
    size_t at = batch_add(b, side_column(plan->table.side, p->cells[value->right], b->rows, b));
    const struct text *theirs = batch_text(b, at), *own = batch_text(b, value->left);
    const struct match as = {.keys = value, .count = 1, .missing_matches = true};
    struct buf x = {0}, y = {0};
    for (size_t r = 0; r < b->rows; r++) {
        struct text a, c;
        if (!p->has[r])
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
static void add_changes(struct batch *b, const struct paired *p, struct buf *lists)
{
    struct text *change = batch_array(b, b->rows, sizeof *change);
    struct text *columns = batch_array(b, b->rows, sizeof *columns);
    for (size_t r = 0; r < b->rows; r++) {
        bool same = lists[r].len == 0;
        change[r] = change_text(!p->has[r] ? CHANGE_REMOVED : same ? CHANGE_SAME : CHANGE_CHANGED);
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

/* Rows that only the file has. */
static int put_added(const struct update_plan *plan, struct batch *b, const struct paired *p,
                     struct emit *out, struct error *e)
{
    const struct beside *t = &plan->table;
    side_alone(t->side, t->keys, t->key_count, plan->left_columns, b, p->places, p->n, p->cells);
    struct text *change = batch_array(b, p->n, sizeof *change);
    struct text *none = batch_array(b, p->n, sizeof *none);
    for (size_t r = 0; r < p->n; r++) {
        change[r] = change_text(CHANGE_ADDED);
        none[r] = missing;
    }
    for (size_t i = 0; i < plan->value_count; i++) {
        const struct text *cells = p->cells[plan->values[i].right];
        batch_set(b, plan->values[i].left, side_column(t->side, cells, p->n, b));
    }
    batch_add(b, column_of_text(change));
    batch_add(b, column_of_text(none));
    return emit(out, b, e);
}

static int finish_diff(void *context, struct batch *b, const struct paired *p, struct emit *out,
                       struct error *e)
{
    const struct step *s = context;
    const struct update_plan *plan = s->plan;
    if (p->right_only)
        return put_added(plan, b, p, out, e);
    struct buf *lists = arena_zero(&b->arena, (b->rows + 1) * sizeof *lists);
    for (size_t i = 0; i < plan->value_count; i++)
        compare_column(plan, b, i, plan->table.side->schema->fields.at[plan->values[i].right].name,
                       p, lists);
    for (size_t i = 0; i < plan->value_count; i++)
        mix_column(plan, b, i, p, true);
    add_changes(b, p, lists);
    if (!arg_bool(s, "all"))
        keep_changes(b);
    return emit(out, b, e);
}

static int diff_start(struct step *s, struct error *e)
{
    return load(s, true, finish_diff, e);
}

static int diff_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    struct update_run *run = s->run;
    if (run->rows.disk)
        return beside_push(&run->rows, b, NULL, e);
    uint32_t *partners = batch_array(b, b->rows, sizeof *partners);
    struct paired p = find_partners(s, b, partners);
    for (size_t r = 0; r < b->rows; r++)
        if (p.has[r])
            atomic_store_explicit(&run->seen[partners[r]], 1, memory_order_relaxed);
    return finish_diff(s, b, &p, out, e);
}

/* Whether side row r shares its key with a row that has a partner: the last of a key stands for
 * all. */
static bool is_known(const struct update_run *run, size_t r)
{
    uint32_t group = run->rows.match.groups.at[r];
    return group != UINT32_MAX &&
           run->seen[run->rows.match.rows[run->rows.match.starts[group + 1] - 1]];
}

static int emit_added(struct step *s, const uint32_t *rows, size_t n, struct emit *out,
                      struct error *e)
{
    const struct update_plan *plan = s->plan;
    struct batch *b = emit_batch(out);
    uint64_t *places = batch_array(b, n, sizeof *places);
    for (size_t i = 0; i < n; i++)
        places[i] = rows[i];
    struct paired p = {.right_only = true,
                       .n = n,
                       .places = places,
                       .cells = side_cells(plan->table.side, rows, n, b)};
    return put_added(plan, b, &p, out, e);
}

static int diff_flush(struct step *s, struct emit *out, struct error *e)
{
    struct update_run *run = s->run;
    if (run->rows.disk)
        return beside_flush(&run->rows, out, e);
    size_t all = ((const struct update_plan *)s->plan)->table.side->rows;
    uint32_t rows[4096];
    int rc = 0;
    for (size_t r = 0, n = 0; rc == 0 && r <= all; r++) {
        if (r < all && !is_known(run, r))
            rows[n++] = (uint32_t)r;
        if (n > 0 && (n == COUNT_OF(rows) || r == all)) {
            rc = emit_added(s, rows, n, out, e);
            n = 0;
        }
    }
    return rc < 0 ? rc : 0;
}

static int diff_open(struct step *s, const struct schema *in, struct error *e)
{
    int rc = update_open(s, in, e);
    struct update_plan *plan = s->plan;
    for (size_t i = 0; rc == 0 && i < plan->table.key_count; i++)
        plan->table.wanted[plan->table.keys[i].right] = 1;
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

#define UPDATE                                                                                     \
    .family = "combine", .class = "W", .close = update_close, .stop = update_stop, .needs_all = true

const struct step_kind steps_combine_update[] = {
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
                    .file_name = "other.csv",
                    .file = "id,x\n1,a\n2,B\n4,d\n"},
        .open = diff_open,
        .shape = diff_shape,
        .start = diff_start,
        .push = diff_push,
        .flush = diff_flush,
        UPDATE,
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
                    .file_name = "other.csv",
                    .file = "id,x\n2,B\n1,\n"},
        .open = update_open,
        .start = update_start,
        .push = update_push,
        .flush = update_flush,
        UPDATE,
    },
    {0},
};
