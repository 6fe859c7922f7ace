/* schema_infer: what type the cells of each column fit, all of them. */
#include "prep/columnwise.h"
#include "steps/steps.h"
#include "table/infer.h"

/* Of one column. */
struct seen {
    uint64_t rows;
    struct type_tally tally;
};

/* In the order of a state file. */
enum { TALLIES = 8 };
static void tallies_of(struct type_tally *t, size_t **at)
{
    size_t *all[TALLIES] = {&t->cells, &t->ints,  &t->floats, &t->exponents,
                            &t->bools, &t->times, &t->texts,  &t->nested};
    memcpy(at, all, sizeof all);
}

/* JSON tells strings from numbers; other cells are taken for what they look like. */
static int see_cells(const struct lesson *l, void *state, const struct text *values,
                     struct error *e)
{
    struct seen *seen = state;
    const struct text *raw = NULL;
    (void)e;
    if (l->batch->format && l->batch->format->kind == FORMAT_JSONL)
        raw = batch_raw(l->batch, l->step->columns[l->index]);
    seen->rows += l->rows;
    for (size_t r = 0; r < l->rows; r++) {
        if (raw && values[r].at)
            tally_json(&seen->tally, raw[r]);
        else
            tally_text(&seen->tally, values[r]);
    }
    return 0;
}

static int seen_merge(const struct step *s, void *into, void *from, struct error *e)
{
    struct seen *a = into, *b = from;
    size_t *x[TALLIES], *y[TALLIES];
    (void)s, (void)e;
    tallies_of(&a->tally, x);
    tallies_of(&b->tally, y);
    a->rows += b->rows;
    for (size_t i = 0; i < TALLIES; i++)
        *x[i] += *y[i];
    return 0;
}

static json_t *seen_save(const struct step *s, const void *state)
{
    struct seen copy = *(const struct seen *)state;
    size_t *at[TALLIES];
    json_t *tallies = json_array();
    (void)s;
    tallies_of(&copy.tally, at);
    for (size_t i = 0; i < TALLIES; i++)
        json_array_append_new(tallies, json_integer((json_int_t)*at[i]));
    return json_pack("{s:I,s:o}", "rows", (json_int_t)copy.rows, "cells_by_type", tallies);
}

static int seen_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    struct seen *seen = state;
    size_t *at[TALLIES];
    const json_t *rows = json_object_get(j, "rows"), *list = json_object_get(j, "cells_by_type");
    (void)s;
    if (!json_is_integer(rows) || json_array_size(list) != TALLIES)
        return error_set(e, ERR_DATA, "not the state of schema_infer (rows, cells_by_type)");
    tallies_of(&seen->tally, at);
    seen->rows = (uint64_t)json_integer_value(rows);
    for (size_t i = 0; i < TALLIES; i++)
        *at[i] = (size_t)json_integer_value(json_array_get(list, i));
    return 0;
}

static const struct learner seen_learner = {.size = sizeof(struct seen),
                                            .texts = see_cells,
                                            .merge = seen_merge,
                                            .save = seen_save,
                                            .load = seen_load};

static int infer_open(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    (void)e;
    s->plan = arena_zero(&s->arena, sizeof(bool)); /* whether the rows of the report are out */
    return 0;
}

static int infer_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)s;
    (void)e;
    schema_release(schema);
    schema_add(schema, text_of("column"), TYPE_TEXT);
    schema_add(schema, text_of("type"), TYPE_TEXT);
    schema_add(schema, text_of("required"), TYPE_BOOL);
    schema_add(schema, text_of("missing"), TYPE_INT);
    return 0;
}

static int infer_produce(struct step *s, struct batch *b, struct error *e)
{
    bool *told = s->plan;
    size_t p = s->column_count;
    (void)e;
    if (*told || p == 0)
        return 0;
    *told = true;
    struct text *name = batch_array(b, p, sizeof *name), *type = batch_array(b, p, sizeof *type);
    uint8_t *required = batch_array(b, p, sizeof *required);
    int64_t *missing = batch_array(b, p, sizeof *missing);
    for (size_t i = 0; i < p; i++) {
        const struct seen *seen = columnwise_learnt(s, i);
        size_t len = strlen(s->names[i]);
        name[i] = (struct text){arena_text(&b->arena, s->names[i], len), len};
        type[i] = text_of(type_name(tally_type(&seen->tally)));
        required[i] = seen->rows > 0 && seen->tally.cells == seen->rows;
        missing[i] = (int64_t)(seen->rows - seen->tally.cells);
    }
    b->rows = p;
    batch_add(b, column_of_text(name));
    batch_add(b, column_of_text(type));
    batch_add(b, column_of_bool(required));
    batch_add(b, column_of_int(missing));
    return 1;
}

static const struct arg infer_args[] = {
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .fallback = "@all",
     .help = "columns to look at",
     .positional = true},
    {0},
};

const struct step_kind steps_report_schema[] = {
    {.name = "schema_infer",
     .aliases = "infer_schema",
     .family = "report",
     .class = "W",
     .summary = "the type that all cells of each column fit",
     .details = "As the types of the input are inferred, but from all rows, not the first ones: "
                "int, float, bool, time, json or text. A column is required when no cell is "
                "missing. name:type of each, with ! behind a required one, is what schema_check "
                "takes.",
     .args = infer_args,
     .example = {.program = "schema_infer",
                 .input = "id,at,x\n1,2024-05-01,2\n2,,0.5\n3,2024-05-03,7\n",
                 .output = "column,type,required,missing\nid,int,true,0\nat,time,false,1\n"
                           "x,float,true,0\n"},
     .open = infer_open,
     .shape = infer_shape,
     .produce = infer_produce,
     .blocking = true,
     COLUMNWISE_HOOKS,
     .detail = &(const struct columnwise){.learner = &seen_learner}},
    {0},
};
