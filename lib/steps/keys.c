/* Keys: unique_check, foreign_key, and lookup_join, which brings columns of a table in a file. */
#include "steps/keys.h"

#include "prep/groups.h"
#include "prep/verdict.h"
#include "steps/steps.h"

struct key_columns {
    const struct step *step;
    struct batch *batch;
};

static int unique_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(struct groups));
    return 0;
}

static void unique_stop(struct step *s)
{
    if (!s->run)
        return;
    groups_release(s->run);
    mem_free(s->run);
    s->run = NULL;
}

static struct grouping unique_grouping(const struct step *s)
{
    const struct groups *seen = s->run;
    return (struct grouping){&seen->map, s->columns, s->column_count, map_held(&seen->map)};
}

static int unique_open(struct step *s, const struct schema *in, struct error *e)
{
    struct text name = arg_text(s, "into");
    char quoted[QUOTE_MAX];
    if (verdict_action(s) == ACTION_FLAG && schema_find(in, name) != FIELD_NONE)
        return step_error(s, e, "there is a column %s already", quote(quoted, name.at, name.len));
    return 0;
}

static int unique_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    if (verdict_action(s) == ACTION_FLAG)
        schema_add(schema, arg_text(s, "into"), TYPE_BOOL);
    return 0;
}

static void complain_of_repeat(const void *context, size_t row, struct error *e)
{
    const struct key_columns *k = context;
    struct text first = batch_cell(k->batch, k->step->columns[0], row);
    char quoted[QUOTE_MAX];
    (void)error_set(e, ERR_DATA, "unique_check: key %s came before",
                    quote(quoted, first.at, first.len));
}

static bool has_missing(const struct step *s, struct batch *b, size_t row)
{
    for (size_t i = 0; i < s->column_count; i++)
        if (batch_missing(b, s->columns[i], row))
            return true;
    return false;
}

/* Deals with the rows that are not right; takes b. */
static int judge(const struct step *s, struct batch *b, uint8_t *right,
                 void (*complain)(const void *context, size_t row, struct error *e),
                 struct emit *out, struct error *e)
{
    struct key_columns key = {s, b};
    struct verdict v = {.action = verdict_action(s),
                        .right = right,
                        .column = s->columns[0],
                        .name = s->names[0],
                        .complain = complain,
                        .context = &key};
    int rc = 0;
    if (v.action == ACTION_FLAG)
        batch_add(b, column_of_bool(right));
    else
        rc = verdict_enforce(b, &v, e);
    if (rc) {
        batch_free(b);
        return rc;
    }
    batch_drop_rejected(b);
    return emit(out, b, e);
}

/* 1 for the first row of a key, 0 for later ones, missing where a cell of the key is. */
static int unique_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    struct groups *seen = s->run;
    uint8_t *right = batch_array(b, b->rows, 1);
    groups_batch(seen, b, s->columns, s->column_count);
    for (size_t r = 0; r < b->rows; r++) {
        size_t before = groups_count(seen);
        right[r] = has_missing(s, b, r) ? BOOL_MISSING : groups_find(seen, r) == before;
    }
    return judge(s, b, right, complain_of_repeat, out, e);
}

struct table_run {
    struct beside_rows rows;
    size_t seen, keys; /* rows and keys of the file in the batches before */
};

/* A column of the file. */
static int find_column(const struct step *s, const struct schema *schema, struct text name,
                       size_t *column, struct error *e)
{
    char quoted[QUOTE_MAX];
    *column = schema_find(schema, name);
    if (*column != FIELD_NONE)
        return 0;
    return error_set(e, ERR_DATA, "%.200s has no column %s", arg_string(s, "file"),
                     quote(quoted, name.at, name.len));
}

/* Opens file=; its key columns are key=, or those named as the selected columns. Keys are compared
 * as text. */
static int table_open(struct step *s, struct table_plan **out, struct error *e)
{
    struct table_plan *plan = *out = s->plan = arena_zero(&s->arena, sizeof *plan);
    struct beside *t = &plan->table;
    struct text *given = NULL;
    t->key_count = arg_given(s, "key") ? arg_list(s, "key", &given) : s->column_count;
    if (t->key_count != s->column_count)
        return step_error(s, e, "%zu columns are selected, but key names %zu", s->column_count,
                          t->key_count);
    int rc = side_open(s, arg_text(s, "file"), &t->side, e);
    if (rc)
        return rc;
    t->wanted = arena_zero(&s->arena, t->side->schema->fields.len + 1);
    t->keys = arena_zero(&s->arena, (t->key_count + 1) * sizeof *t->keys);
    for (size_t i = 0; rc == 0 && i < t->key_count; i++) {
        struct text name = given ? given[i] : text_of(s->names[i]);
        t->keys[i] = (struct match_key){.left = s->columns[i], .as = MATCH_TEXT};
        rc = find_column(s, t->side->schema, name, &t->keys[i].right, e);
    }
    return rc;
}

static int add_name(struct step *s, const struct schema *in, const char *name, struct error *e)
{
    struct table_plan *plan = s->plan;
    char quoted[QUOTE_MAX];
    if (schema_find(in, text_of(name)) != FIELD_NONE)
        return step_error(s, e, "there is a column %s already", quote(quoted, name, strlen(name)));
    plan->names[plan->name_count++] = name;
    return 0;
}

static void table_close(struct step *s)
{
    struct table_plan *plan = s->plan;
    side_free(plan->table.side);
}

static void table_stop(struct step *s)
{
    const struct table_plan *plan = s->plan;
    struct table_run *run = s->run;
    if (!run)
        return;
    beside_clear(&plan->table, &run->rows);
    mem_free(run);
    s->run = NULL;
}

/* Rows of one key with the first of the file's. */
static int pair_first(struct pairing *p, void *context, struct error *e)
{
    struct kept_row first = {0};
    const struct pair_row *row;
    int rc = 0;
    (void)context;
    while (rc == 0 && (row = pairing_right(p))) {
        if (!first.there)
            kept_row_set(&first, row);
        rc = pairing_next_right(p, e);
    }
    while (rc == 0 && (row = pairing_left(p))) {
        rc = pairing_put(p, row, &first.row, 0, e);
        if (rc == 0)
            rc = pairing_next_left(p, e);
    }
    kept_row_release(&first);
    return rc;
}

static int table_start(struct step *s, bool unique,
                       int (*see)(void *context, struct batch *b, size_t *held, struct error *e),
                       int (*finish)(void *context, struct batch *b, const struct paired *r,
                                     struct emit *out, struct error *e),
                       struct error *e)
{
    const struct table_plan *plan = s->plan;
    struct table_run *run = mem_alloc(sizeof *run);
    struct pairing_rules how = {
        .keeps_left = true, .unique = unique, .pair = pair_first, .finish = finish, .context = s};
    s->run = run;
    int rc = beside_load(s, &plan->table, &run->rows, see, &how, NULL, e);
    if (rc)
        table_stop(s);
    return rc;
}

/* The row of the file that goes with each row. */
static int table_push(struct step *s, struct batch *b, struct emit *out,
                      int (*finish)(void *context, struct batch *b, const struct paired *r,
                                    struct emit *out, struct error *e),
                      struct error *e)
{
    const struct table_plan *plan = s->plan;
    struct table_run *run = s->run;
    if (run->rows.disk)
        return beside_push(&run->rows, b, NULL, e);
    const struct match *match = &run->rows.match;
    uint32_t *partners = batch_array(b, b->rows, sizeof *partners);
    uint8_t *has = batch_array(b, b->rows, 1);
    struct match_reader reader = match_reader(match, b);
    for (size_t r = 0; r < b->rows; r++) {
        size_t group = match_find(&reader, r);
        has[r] = group != MAP_NONE;
        partners[r] = has[r] ? match->rows[match->starts[group]] : UINT32_MAX;
    }
    match_reader_release(&reader);
    struct paired p = {
        .n = b->rows, .has = has, .cells = side_cells(plan->table.side, partners, b->rows, b)};
    return finish(s, b, &p, out, e);
}

static int table_flush(struct step *s, struct emit *out, struct error *e)
{
    return beside_flush(&((struct table_run *)s->run)->rows, out, e);
}

static int foreign_open(struct step *s, const struct schema *in, struct error *e)
{
    struct table_plan *plan;
    int rc = table_open(s, &plan, e);
    bool flags = verdict_action(s) == ACTION_FLAG;
    if (rc == 0 && !flags && arg_given(s, "into"))
        return step_error(s, e, "into and suffix name the column of action=flag");
    plan->names = arena_alloc(&s->arena, sizeof *plan->names);
    const char *name = arg_given(s, "into")
                           ? arg_string(s, "into")
                           : arena_format(&s->arena, "%s_foreign_key", s->names[0]);
    return rc == 0 && flags ? add_name(s, in, name, e) : rc;
}

static int foreign_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct table_plan *plan = s->plan;
    (void)e;
    if (plan->name_count > 0)
        schema_add(schema, text_of(plan->names[0]), TYPE_BOOL);
    return 0;
}

static void complain_of_stranger(const void *context, size_t row, struct error *e)
{
    const struct key_columns *k = context;
    struct text cell = batch_cell(k->batch, k->step->columns[0], row);
    char quoted[QUOTE_MAX];
    (void)error_set(e, ERR_DATA, "foreign_key: %s is not a key of the table",
                    cell.at ? quote(quoted, cell.at, cell.len) : "a missing value");
}

static int finish_foreign(void *context, struct batch *b, const struct paired *p, struct emit *out,
                          struct error *e)
{
    const struct step *s = context;
    uint8_t *right = batch_array(b, b->rows, 1);
    for (size_t r = 0; r < b->rows; r++)
        right[r] = has_missing(s, b, r) ? BOOL_MISSING : p->has[r];
    return judge(s, b, right, complain_of_stranger, out, e);
}

static int foreign_start(struct step *s, struct error *e)
{
    return table_start(s, false, NULL, finish_foreign, e);
}

static int foreign_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    return table_push(s, b, out, finish_foreign, e);
}

enum { UNMATCHED_MISSING, UNMATCHED_ERROR }; /* in the order of unmatched= */

/* The columns to bring: values=, or all that are no key. */
static int choose_values(struct step *s, struct beside *t, struct error *e)
{
    struct text *values;
    if (!arg_given(s, "values"))
        return beside_take(s, t, (struct text){NULL, 0}, FIELD_NONE, e);
    size_t count = arg_list(s, "values", &values);
    t->take.at = arena_alloc(&s->arena, (count + 1) * sizeof *t->take.at);
    int rc = 0;
    for (; rc == 0 && t->take.count < count; t->take.count++)
        rc = find_column(s, t->side->schema, values[t->take.count], &t->take.at[t->take.count], e);
    return rc;
}

static int lookup_open(struct step *s, const struct schema *in, struct error *e)
{
    struct table_plan *plan;
    int rc = table_open(s, &plan, e);
    struct beside *t = &plan->table;
    if (rc == 0)
        rc = choose_values(s, t, e);
    if (rc)
        return rc;
    if (t->take.count == 0)
        return step_error(s, e, "%s has no column besides its key", arg_string(s, "file"));
    t->wanted = side_wanted(s, t->side, &t->take);
    plan->names = arena_alloc(&s->arena, t->take.count * sizeof *plan->names);
    for (size_t i = 0; rc == 0 && i < t->take.count; i++) {
        const char *name = t->side->schema->fields.at[t->take.at[i]].name;
        rc = add_name(s, in, arena_format(&s->arena, "%s%s", arg_string(s, "prefix"), name), e);
    }
    return rc;
}

static int lookup_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct table_plan *plan = s->plan;
    (void)e;
    for (size_t i = 0; i < plan->name_count; i++) {
        const struct field *field = &plan->table.side->schema->fields.at[plan->table.take.at[i]];
        size_t at = schema_add(schema, text_of(plan->names[i]), field->type);
        schema->fields.at[at].declared = false;
    }
    return 0;
}

/* A key of the file that was there before is an error.
 * NOLINTNEXTLINE(readability-non-const-parameter): as beside_load calls it */
static int check_keys(void *context, struct batch *b, size_t *held, struct error *e)
{
    const struct step *s = context;
    struct table_run *run = s->run;
    const struct match *m = &run->rows.match;
    (void)held;
    for (size_t r = 0; r < b->rows; r++) {
        uint32_t group = m->groups.at[run->seen++];
        if (group == UINT32_MAX)
            continue;
        if (group == run->keys) {
            run->keys++;
            continue;
        }
        char quoted[QUOTE_MAX];
        struct text key = batch_cell(b, m->keys[0].right, r);
        (void)error_set(e, ERR_DATA, "key %s is there twice", quote(quoted, key.at, key.len));
        return batch_place(b, r, e);
    }
    return 0;
}

static int finish_lookup(void *context, struct batch *b, const struct paired *p, struct emit *out,
                         struct error *e)
{
    const struct step *s = context;
    const struct table_plan *plan = s->plan;
    int rc = 0;
    if (arg_choice(s, "unmatched") == UNMATCHED_ERROR)
        for (size_t r = 0; rc == 0 && r < b->rows; r++) {
            if (p->has[r])
                continue;
            (void)error_set(e, ERR_DATA, "lookup_join: the key is not in the table");
            rc = batch_reject(b, r, s->columns[0], s->names[0], e);
        }
    for (size_t i = 0; rc == 0 && i < plan->table.take.count; i++) {
        struct column raw =
            side_column(plan->table.side, p->cells[plan->table.take.at[i]], b->rows, b);
        size_t at = batch_add(b, raw);
        batch_set(b, at, column_of_text(batch_text(b, at)));
    }
    if (rc) {
        batch_free(b);
        return rc;
    }
    batch_drop_rejected(b);
    return emit(out, b, e);
}

static int lookup_start(struct step *s, struct error *e)
{
    return table_start(s, true, check_keys, finish_lookup, e);
}

static int lookup_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    return table_push(s, b, out, finish_lookup, e);
}

#define TABLE                                                                                      \
    {                                                                                              \
        .name = "file", .kind = ARG_FILE, .required = true, .help = "file with the table"          \
    }
#define KEY                                                                                        \
    {                                                                                              \
        .name = "key", .kind = ARG_LIST, .help = "its key columns, when named otherwise there"     \
    }

static const struct arg unique_args[] = {
    ROWWISE_COLUMNS("columns of the key"),
    VERDICT_ACTION("flag"),
    {.name = "into", .kind = ARG_NAME, .fallback = "unique", .help = "new true/false column"},
    {.name = NULL}};

static const struct arg foreign_args[] = {
    ROWWISE_COLUMNS("columns of the key"),
    TABLE,
    KEY,
    VERDICT_ACTION("flag"),
    {.name = "into", .kind = ARG_NAME, .help = "new true/false column"},
    {.name = NULL}};

static const struct arg lookup_args[] = {
    ROWWISE_COLUMNS("columns of the key"),
    TABLE,
    KEY,
    {.name = "values", .kind = ARG_LIST, .help = "columns to bring; all others when not given"},
    {.name = "prefix", .kind = ARG_TEXT, .fallback = "", .help = "put before their names"},
    {.name = "unmatched",
     .kind = ARG_CHOICE,
     .fallback = "missing",
     .choices = "missing error",
     .help = "what a key that is not in the table gives"},
    {.name = NULL}};

const struct step_kind steps_keys[] = {
    {.name = "unique_check",
     .family = "validate",
     .class = "W",
     .summary = "whether a key came before",
     .details =
         "true for the first row with a key, false for later ones, missing when a column of the "
         "key is missing. All keys are held in memory; rows with further ones go through scratch "
         "files once they outgrow --memory, and leave after the last row has come.",
     .args = unique_args,
     .example = {.program = "unique_check id",
                 .input = "id\n7\n8\n7\n",
                 .output = "id,unique\n7,true\n8,true\n7,false\n"},
     .open = unique_open,
     .shape = unique_shape,
     .start = unique_start,
     .push = unique_push,
     .stop = unique_stop,
     .grouping = unique_grouping,
     .ordered = true},
    {.name = "foreign_key",
     .family = "validate",
     .class = "W",
     .summary = "whether a key is in the table of a file",
     .details = "Missing when a column of the key is missing. The file's keys are held in memory; "
                "one that does not fit in --memory is "
                "sorted on disk, and so are the rows, which leave after the last one has come.",
     .args = foreign_args,
     .example = {.program = "foreign_key country file=countries.csv key=code action=drop",
                 .input = "country\nFR\nXX\n",
                 .output = "country\nFR\n",
                 .file_name = "countries.csv",
                 .file = "code,name\nFR,France\nDE,Germany\n"},
     .open = foreign_open,
     .shape = foreign_shape,
     .close = table_close,
     .start = foreign_start,
     .stop = table_stop,
     .push = foreign_push,
     .lower = foreign_lower,
     .flush = table_flush,
     .needs_all = true},
    {.name = "lookup_join",
     .family = "privacy",
     .class = "W",
     .aliases = "lookup map_file",
     .summary = "bring columns of a table in a file, found by a key",
     .details =
         "The table must have each key once. A missing key finds nothing. For joins of other kinds "
         "see join. The table is held in memory; one that does not fit in --memory is "
         "sorted on disk, and so are the rows, which leave after the last one has come.",
     .args = lookup_args,
     .example = {.program = "lookup_join country file=countries.csv key=code",
                 .input = "id,country\n1,DE\n2,XX\n",
                 .output = "id,country,name\n1,DE,Germany\n2,XX,\n",
                 .file_name = "countries.csv",
                 .file = "code,name\nFR,France\nDE,Germany\n"},
     .open = lookup_open,
     .shape = lookup_shape,
     .close = table_close,
     .start = lookup_start,
     .stop = table_stop,
     .push = lookup_push,
     .lower = lookup_lower,
     .flush = table_flush,
     .needs_all = true},
    {.name = NULL},
};
