/* explode: one row for each item of a list, in JSON or in text. */
#include "steps/json_cell.h"
#include "steps/steps.h"

static const struct text missing = {NULL, 0};

struct pieces {
    VEC(uint32_t) rows;
    VEC(struct text) values;
};

static void add_piece(struct pieces *p, size_t row, struct text value)
{
    vec_push(&p->rows, (uint32_t)row);
    vec_push(&p->values, value);
}

static void split_text(struct pieces *p, size_t row, struct text cell, struct text sep)
{
    const char *at = cell.at, *end = at + cell.len;
    for (const char *stop = at; stop + sep.len <= end;) {
        if (memcmp(stop, sep.at, sep.len) != 0) {
            stop++;
            continue;
        }
        add_piece(p, row, (struct text){at, (size_t)(stop - at)});
        at = stop += sep.len;
    }
    add_piece(p, row, (struct text){at, (size_t)(end - at)});
}

static void split_list(struct batch *b, struct pieces *p, size_t row, struct text cell)
{
    struct json_reader r;
    struct text key, value;
    size_t before = p->rows.len;
    (void)json_cell_begin(&r, cell, JSON_TOKEN_ARRAY);
    while (json_cell_next(b, &r, &key, &value))
        add_piece(p, row, value);
    if (p->rows.len == before)
        add_piece(p, row, missing);
}

static int explode_cells(const struct step *s, struct batch *b, struct pieces *p, struct error *e)
{
    const struct text *cells = batch_text(b, s->columns[0]);
    struct text sep = arg_text(s, "sep");
    int rc = 0;
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        if (cells[r].at && sep.at) {
            split_text(p, r, cells[r], sep);
        } else if (json_cell_is(cells[r], JSON_TOKEN_ARRAY)) {
            split_list(b, p, r, cells[r]);
        } else {
            if (cells[r].at)
                rc = json_cell_reject(b, r, s->columns[0], s->names[0],
                                      "a JSON list (name sep= to split text)", e);
            if (!b->rejected || !b->rejected[r])
                add_piece(p, r, missing);
        }
    }
    return rc;
}

static int explode_apply(const struct step *s, struct batch *b, struct error *e)
{
    struct pieces p = {0};
    int rc = explode_cells(s, b, &p, e);
    if (rc == 0) {
        const struct text *values =
            arena_copy(&b->arena, p.values.at, p.values.len * sizeof *values);
        batch_gather(b, p.rows.at, p.rows.len, NULL);
        batch_set(b, s->columns[0], column_of_text(values));
    }
    vec_release(&p.rows);
    vec_release(&p.values);
    return rc;
}

static int explode_open(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    if (s->column_count != 1)
        return step_error(s, e, "one column at a time");
    if (arg_given(s, "sep") && arg_text(s, "sep").len == 0)
        return step_error(s, e, "sep: expected at least one character");
    return 0;
}

static int explode_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    enum type type = TYPE_TEXT;
    if (arg_given(s, "type"))
        (void)type_from_name(arg_text(s, "type"), &type);
    schema->fields.at[s->columns[0]].type = type;
    return 0;
}

static const struct arg explode_args[] = {
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .help = "the column of lists",
     .positional = true,
     .required = true},
    {.name = "sep",
     .kind = ARG_TEXT,
     .help = "split text at this; without it cells are JSON lists"},
    {.name = "type",
     .kind = ARG_CHOICE,
     .help = "what the items are",
     .choices = "text int float bool time json"},
    {0},
};

const struct step_kind steps_reshape_explode[] = {
    {
        .name = "explode",
        .not_compiled = NOT_COMPILED_ROWS,
        .aliases = "nest_explode unnest",
        .family = "reshape",
        .class = "S",
        .summary = "one row for each item of a list",
        .details = "Lists are JSON, or text split by sep=. A missing cell and an empty list leave "
                   "one row with a missing cell, as in pandas. Texts within JSON lists lose their "
                   "quotes, lists and objects in them stay JSON.",
        .args = explode_args,
        .example = {.program = "explode tags sep=;",
                    .input = "id,tags\n1,a;b\n2,c\n3,\n",
                    .output = "id,tags\n1,a\n1,b\n2,c\n3,\n"},
        .open = explode_open,
        .shape = explode_shape,
        .apply = explode_apply,
        .needs_all = true,
    },
    {0},
};
