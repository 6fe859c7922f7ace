/* Keys: unique_check, foreign_key, and lookup_join, which brings columns of a table in a file. */
#include "prep/families.h"
#include "prep/groups.h"
#include "prep/lookup.h"
#include "prep/verdict.h"

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

/* 1 for the first row of a key, 0 for later ones, missing where a cell of the key is. */
static int find_repeats(const struct step *s, struct batch *b, uint8_t *right, struct error *e)
{
    struct groups *seen = s->run;
    groups_batch(seen, b, s->columns, s->column_count);
    for (size_t r = 0; r < b->rows; r++) {
        bool missing = false;
        for (size_t i = 0; i < s->column_count && !missing; i++)
            missing = batch_missing(b, s->columns[i], r);
        size_t before = groups_count(seen);
        right[r] = missing ? BOOL_MISSING : groups_find(seen, r) == before;
    }
    if (map_held(&seen->map) > s->context->memory)
        return error_set(e, ERR_SYSTEM,
                         "unique_check: the keys do not fit in memory: raise --memory");
    return 0;
}

static int unique_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    uint8_t *right = batch_array(b, b->rows, 1);
    int rc = find_repeats(s, b, right, e);
    struct key_columns key = {s, b};
    struct verdict v = {.action = verdict_action(s),
                        .right = right,
                        .column = s->columns[0],
                        .name = s->names[0],
                        .complain = complain_of_repeat,
                        .context = &key};
    if (rc == 0 && v.action == ACTION_FLAG)
        batch_add(b, column_of_bool(right));
    else if (rc == 0)
        rc = verdict_enforce(b, &v, e);
    if (rc) {
        batch_free(b);
        return rc;
    }
    return emit(out, b, e);
}

static void table_free(void *own)
{
    lookup_release(own);
    mem_free(own);
}

/* Loads file=; its key columns are key=, or those named as the selected columns. */
static int load_table(struct step *s, struct lookup_request *want, struct error *e)
{
    struct lookup *table = mem_alloc(sizeof *table);
    rowwise_plan(s)->own = table;
    struct text *names = arena_alloc(&s->arena, (s->column_count + 1) * sizeof *names), *given;
    for (size_t i = 0; i < s->column_count; i++)
        names[i] = text_of(s->names[i]);
    want->path = arg_string(s, "file");
    want->keys = names;
    want->key_count = s->column_count;
    if (arg_given(s, "key")) {
        want->key_count = arg_list(s, "key", &given);
        want->keys = given;
    }
    if (want->key_count != s->column_count)
        return step_error(s, e, "%zu columns are selected, but key names %zu", s->column_count,
                          want->key_count);
    return lookup_load(table, s, want, e);
}

/* Rows of the table, one for each row of the batch. */
static size_t *find_rows(struct mapping *m, const struct lookup *table)
{
    size_t *rows = batch_array(m->batch, m->rows, sizeof *rows);
    struct text *key = batch_array(m->batch, m->count, sizeof *key);
    for (size_t r = 0; r < m->rows; r++) {
        for (size_t i = 0; i < m->count; i++)
            key[i] = m->in[i].text[r];
        rows[r] = lookup_find(table, key, m->count, &m->scratch);
    }
    return rows;
}

static int prepare_foreign(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    static const struct text none;
    struct lookup_request want = {.values = &none, .repeats = true};
    if (!arg_given(s, "into"))
        rowwise_part(s, "%s_foreign_key", s->names[0]);
    return load_table(s, &want, e);
}

static int check_foreign(struct mapping *m)
{
    const size_t *rows = find_rows(m, m->own);
    for (size_t r = 0; r < m->rows; r++) {
        bool missing = false;
        for (size_t i = 0; i < m->count; i++)
            missing = missing || !m->in[i].text[r].at;
        m->out->flag[r] = missing ? BOOL_MISSING : rows[r] != MAP_NONE;
    }
    return 0;
}

enum { UNMATCHED_MISSING, UNMATCHED_ERROR }; /* in the order of unmatched= */

static int prepare_lookup(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct lookup_request want = {.repeats = false};
    if (arg_given(s, "values")) {
        struct text *values;
        want.value_count = arg_list(s, "values", &values);
        want.values = values;
    }
    int rc = load_table(s, &want, e);
    const struct lookup *table = rowwise_plan(s)->own;
    for (size_t i = 0; rc == 0 && i < table->width; i++)
        rowwise_part(s, "%s%s", arg_string(s, "prefix"), table->names[i]);
    if (rc == 0 && table->width == 0)
        return step_error(s, e, "%s has no column besides its key", arg_string(s, "file"));
    return rc;
}

static int lookup_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct lookup *table = rowwise_plan(s)->own;
    size_t first = schema->fields.len;
    int rc = rowwise_shape(s, schema, e);
    for (size_t i = 0; i < table->width; i++) {
        schema->fields.at[first + i].type = table->types[i];
        schema->fields.at[first + i].declared = false;
    }
    return rc;
}

static int look_up(struct mapping *m)
{
    const struct lookup *table = m->own;
    const size_t *rows = find_rows(m, table);
    bool strict = arg_choice(m->step, "unmatched") == UNMATCHED_ERROR;
    int rc = 0;
    for (size_t r = 0; r < m->rows && rc == 0; r++) {
        for (size_t k = 0; k < table->width; k++)
            m->out[k].text[r] = rows[r] == MAP_NONE ? (struct text){NULL, 0}
                                                    : table->values.at[rows[r] * table->width + k];
        if (rows[r] == MAP_NONE && strict)
            rc = mapping_reject(m, 0, r, "the key is not in the table");
    }
    return rc;
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
         "key is missing. All keys are held in memory, up to --memory.",
     .args = unique_args,
     .example = {.program = "unique_check id",
                 .input = "id\n7\n8\n7\n",
                 .output = "id,unique\n7,true\n8,true\n7,false\n"},
     .open = unique_open,
     .shape = unique_shape,
     .start = unique_start,
     .push = unique_push,
     .stop = unique_stop,
     .ordered = true},
    {.name = "foreign_key",
     .family = "validate",
     .class = "W",
     .summary = "whether a key is in the table of a file",
     .details =
         "The file's keys are held in memory, up to --memory. Missing when a column of the key "
         "is missing.",
     .args = foreign_args,
     .example = {.program = "foreign_key country file=countries.csv key=code action=drop",
                 .input = "country\nFR\nXX\n",
                 .output = "country\nFR\n",
                 .file_name = "countries.csv",
                 .file = "code,name\nFR,France\nDE,Germany\n"},
     VERDICT_HOOKS,
     .detail = &(const struct rowwise){.to = TYPE_BOOL,
                                       .column = check_foreign,
                                       .several = true,
                                       .domain = "a key of the table",
                                       .prepare = prepare_foreign,
                                       .release = table_free}},
    {.name = "lookup_join",
     .family = "privacy",
     .class = "W",
     .aliases = "lookup map_file",
     .summary = "bring columns of a table in a file, found by a key",
     .details =
         "The table is held in memory, up to --memory, and must have each key once. A missing "
         "key finds nothing. For joins of other kinds and sizes see join.",
     .args = lookup_args,
     .example = {.program = "lookup_join country file=countries.csv key=code",
                 .input = "id,country\n1,DE\n2,XX\n",
                 .output = "id,country,name\n1,DE,Germany\n2,XX,\n",
                 .file_name = "countries.csv",
                 .file = "code,name\nFR,France\nDE,Germany\n"},
     .open = rowwise_open,
     .shape = lookup_shape,
     .close = rowwise_close,
     .apply = rowwise_apply,
     .detail =
         &(const struct rowwise){
             .column = look_up, .several = true, .prepare = prepare_lookup, .release = table_free}},
    {.name = NULL},
};
