/* pivot_wider: the values of a column become columns. */
#include "prep/groups.h"
#include "steps/names.h"
#include "steps/steps.h"
#include "table/rows.h"

enum { BATCH_ROWS = 4096, DUPLICATES_ERROR = 0, DUPLICATES_FIRST, DUPLICATES_LAST };

struct wider_plan {
    size_t names_from, values_from;
    enum type type;
    size_t *id, id_count; /* the other columns, as they stand when those two are gone */
};

static int wider_open(struct step *s, const struct schema *in, struct error *e)
{
    struct wider_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    int rc = arg_column(s, "names_from", in, &plan->names_from, e);
    if (rc == 0)
        rc = arg_column(s, "values_from", in, &plan->values_from, e);
    if (rc)
        return rc;
    if (plan->names_from == plan->values_from)
        return step_error(s, e, "names and values come from two columns");
    plan->type = in->fields.at[plan->values_from].type;
    plan->id_count = in->fields.len - 2;
    plan->id = arena_alloc(&s->arena, (plan->id_count + 1) * sizeof *plan->id);
    for (size_t i = 0; i < plan->id_count; i++)
        plan->id[i] = i;
    return 0;
}

static void *names_new(const struct step *s)
{
    (void)s;
    return mem_alloc(sizeof(struct names));
}

static void names_free(void *state)
{
    names_release(state);
    mem_free(state);
}

static int wider_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    (void)e;
    const struct wider_plan *plan = s->plan;
    struct names *names = state;
    const struct text *cells = batch_text(b, plan->names_from);
    for (size_t r = 0; r < b->rows; r++)
        if (cells[r].at)
            (void)map_put(&names->map, cells[r], NULL);
    return 0;
}

static int names_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    (void)e;
    struct names *x = into;
    const struct names *y = from;
    for (size_t i = 0; i < y->map.keys.len; i++)
        (void)map_put(&x->map, y->map.keys.at[i], NULL);
    return 0;
}

static int wider_finish(struct step *s, void *state, struct error *e)
{
    (void)s;
    (void)e;
    names_sort(state);
    return 0;
}

static json_t *wider_save(const struct step *s, const void *state)
{
    (void)s;
    const struct names *names = state;
    json_t *list = json_array();
    for (size_t i = 0; i < names->map.keys.len; i++) {
        struct text name = names->order ? names_at(names, i) : names->map.keys.at[i];
        json_array_append_new(list, json_stringn(name.at, name.len));
    }
    return json_pack("{s:o}", "names", list);
}

static int wider_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    struct names *names = state;
    const json_t *list = json_object_get(j, "names");
    if (!json_is_array(list))
        return error_set(e, ERR_DATA, "%s: the state lacks its names", s->kind->name);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *name = json_array_get(list, i);
        if (!json_is_string(name))
            return error_set(e, ERR_DATA, "%s: a name in the state is not text", s->kind->name);
        struct text text = {json_string_value(name), json_string_length(name)};
        (void)map_put(&names->map, text, NULL);
    }
    return 0;
}

static int wider_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct wider_plan *plan = s->plan;
    const struct names *names = s->learnt;
    size_t a = plan->names_from, b = plan->values_from;
    schema_remove(schema, a > b ? a : b);
    schema_remove(schema, a > b ? b : a);
    for (size_t i = 0; i < names->map.keys.len; i++) {
        struct text name = names_at(names, i);
        name = text_of(arena_format(&schema->arena, "%s%.*s", arg_string(s, "prefix"),
                                    (int)name.len, name.at));
        int rc = step_new_name(s, schema, name, e);
        if (rc)
            return rc;
        size_t at = schema_add(schema, name, plan->type); /* which may move the fields */
        schema->fields.at[at].declared = false;
    }
    return 0;
}

struct wide_row {
    struct buf id; /* packed */
    uint64_t row_id;
    struct text *cells; /* by place of the name; in the run's arena */
};

struct wider_run {
    struct groups groups;
    VEC(struct wide_row) rows;
    struct row_origin origin;
    struct arena arena;
};

static int wider_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(struct wider_run));
    return 0;
}

static void wider_stop(struct step *s)
{
    struct wider_run *run = s->run;
    if (!run)
        return;
    for (size_t i = 0; i < run->rows.len; i++)
        buf_release(&run->rows.at[i].id);
    vec_release(&run->rows);
    groups_release(&run->groups);
    row_origin_release(&run->origin);
    arena_release(&run->arena);
    mem_free(run);
    s->run = NULL;
}

static int put_cell(const struct step *s, struct batch *b, size_t row, struct wide_row *wide,
                    struct text name, struct text value, struct error *e)
{
    struct wider_run *run = s->run;
    const struct names *names = s->learnt;
    size_t index = name.at ? map_get(&names->map, name) : MAP_NONE;
    char quoted[QUOTE_MAX];
    if (index == MAP_NONE) {
        if (!name.at || arg_choice(s, "unknown") == 1)
            return 0;
        error_set(e, ERR_DATA, "%s was not there when the columns were learnt (unknown=ignore)",
                  quote(quoted, name.at, name.len));
        return batch_reject(b, row, FIELD_NONE, arg_string(s, "names_from"), e);
    }
    struct text *cell = &wide->cells[names->place[index]];
    if (cell->at && arg_choice(s, "duplicates") == DUPLICATES_ERROR) {
        error_set(e, ERR_DATA, "second value for %s of the same row (duplicates=first or last)",
                  quote(quoted, name.at, name.len));
        return batch_reject(b, row, FIELD_NONE, arg_string(s, "names_from"), e);
    }
    if (value.at && (!cell->at || arg_choice(s, "duplicates") == DUPLICATES_LAST))
        *cell = (struct text){arena_text(&run->arena, value.at, value.len), value.len};
    return 0;
}

static struct wide_row *wide_row(const struct step *s, size_t group,
                                 const struct row_packer *packer, size_t row)
{
    struct wider_run *run = s->run;
    const struct names *names = s->learnt;
    if (group == run->rows.len) {
        struct wide_row fresh = {.row_id = batch_row_id(packer->b, row)};
        fresh.cells = arena_zero(&run->arena, (names->map.keys.len + 1) * sizeof *fresh.cells);
        row_packer_put(packer, row, &fresh.id);
        vec_push(&run->rows, fresh);
    }
    return &run->rows.at[group];
}

static int wider_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    (void)out;
    const struct wider_plan *plan = s->plan;
    struct wider_run *run = s->run;
    const struct text *names = batch_text(b, plan->names_from);
    const struct text *values = batch_text(b, plan->values_from);
    size_t x = plan->names_from, y = plan->values_from;
    batch_remove(b, x > y ? x : y);
    batch_remove(b, x > y ? y : x);
    row_origin_see(&run->origin, b);
    groups_batch(&run->groups, b, plan->id, plan->id_count);
    struct row_packer packer = row_packer(b);
    int rc = 0;
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        struct wide_row *wide = wide_row(s, groups_find(&run->groups, r), &packer, r);
        rc = put_cell(s, b, r, wide, names[r], values[r], e);
    }
    batch_free(b);
    return rc;
}

static int emit_wide(const struct step *s, const struct wide_row *from, size_t n, struct emit *out,
                     struct error *e)
{
    const struct wider_run *run = s->run;
    const struct names *names = s->learnt;
    struct batch *b = emit_batch(out);
    struct text *rows = batch_array(b, n, sizeof *rows);
    uint64_t *ids = batch_array(b, n, sizeof *ids);
    for (size_t i = 0; i < n; i++) {
        rows[i] =
            (struct text){arena_copy(&b->arena, from[i].id.at, from[i].id.len), from[i].id.len};
        ids[i] = from[i].row_id;
    }
    rows_unpack(b, &run->origin, rows, n, ids);
    for (size_t c = 0; c < names->map.keys.len; c++) {
        struct text *cells = batch_array(b, n, sizeof *cells);
        for (size_t i = 0; i < n; i++)
            cells[i] = from[i].cells[c].at ? from[i].cells[c] : arg_text(s, "fill");
        batch_add(b, column_of_text(cells));
    }
    return emit(out, b, e);
}

static int wider_flush(struct step *s, struct emit *out, struct error *e)
{
    const struct wider_run *run = s->run;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < run->rows.len; i += BATCH_ROWS) {
        size_t n = run->rows.len - i < BATCH_ROWS ? run->rows.len - i : BATCH_ROWS;
        rc = emit_wide(s, run->rows.at + i, n, out, e);
    }
    return rc < 0 ? rc : 0;
}

static const struct arg wider_args[] = {
    {.name = "names_from",
     .kind = ARG_COLUMN,
     .help = "the column whose values name the new columns",
     .positional = true,
     .required = true},
    {.name = "values_from",
     .kind = ARG_COLUMN,
     .help = "the column whose cells go into them",
     .positional = true,
     .required = true},
    {.name = "prefix", .kind = ARG_TEXT, .fallback = "\"\"", .help = "of the new names"},
    {.name = "fill", .kind = ARG_TEXT, .help = "where there is no value (default: missing)"},
    {.name = "duplicates",
     .kind = ARG_CHOICE,
     .fallback = "error",
     .help = "two values for one cell",
     .choices = "error first last"},
    {.name = "unknown",
     .kind = ARG_CHOICE,
     .fallback = "error",
     .help = "a name that was not there when the columns were learnt",
     .choices = "error ignore"},
    {0},
};

const struct step_kind steps_reshape_wide[] = {
    {
        .name = "pivot_wider",
        .aliases = "spread pivot",
        .family = "reshape",
        .class = "F",
        .summary = "values of a column become columns",
        .details = "The fit learns which columns there are, so that new data get the same ones: in "
                   "order of their names, numbers as numbers when all are (pandas sorts, too; "
                   "dplyr goes by arrival). Rows that agree in all other columns become one, in "
                   "order of first appearance; they are held in memory until the end.",
        .args = wider_args,
        .example = {.program = "pivot_wider name value",
                    .input = "id,name,value\n1,y,6\n1,x,5\n2,x,7\n",
                    .output = "id,x,y\n1,5,6\n2,7,\n"},
        .open = wider_open,
        .shape = wider_shape,
        .state_new = names_new,
        .learn = wider_learn,
        .merge = names_merge,
        .finish = wider_finish,
        .save = wider_save,
        .load = wider_load,
        .state_free = names_free,
        .start = wider_start,
        .stop = wider_stop,
        .push = wider_push,
        .flush = wider_flush,
        .ordered = true,
        .needs_all = true,
    },
    {0},
};
