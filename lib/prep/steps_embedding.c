/* embedding_lookup: the vector of each category, from a table. */
#include "prep/encoder.h"
#include "prep/families.h"
#include "prep/lookup.h"

#include <math.h>

struct embedding {
    struct encoder_plan plan; /* first: its policies */
    struct lookup table;
    size_t rows;
    double *values; /* [width][rows + PLACES_EXTRA] */
};

static int read_vectors(const struct step *s, struct embedding *m, struct error *e)
{
    const struct lookup *t = &m->table;
    size_t places = m->rows + PLACES_EXTRA;
    m->values = mem_alloc((t->width * places + 1) * sizeof *m->values);
    for (size_t k = 0; k < t->width; k++)
        m->values[k * places + m->rows + PLACE_MISSING] = (double)NAN;
    for (size_t i = 0; i < m->rows * t->width; i++) {
        struct text cell = t->values.at[i];
        double *value = &m->values[i % t->width * places + i / t->width];
        char quoted[QUOTE_MAX];
        if (!cell.at)
            *value = (double)NAN;
        else if (!number_parse_double(cell.at, cell.len, value))
            return error_set(e, ERR_DATA, "%s: row %zu: expected a number, not %s",
                             arg_string(s, "table"), i / t->width + 1,
                             quote(quoted, cell.at, cell.len));
    }
    return 0;
}

static int embedding_open(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct embedding *m = mem_alloc(sizeof *m);
    s->plan = m;
    m->plan.keeps = arg_bool(s, "keep");
    struct text key = arg_text(s, "key");
    struct lookup_request want = {.path = arg_string(s, "table"), .keys = &key, .key_count = 1};
    int rc = policy_read(s, "unknown", TYPE_FLOAT, false, &m->plan.unknown, e);
    if (rc == 0)
        rc = policy_read(s, "missing", TYPE_FLOAT, false, &m->plan.missing, e);
    if (rc == 0)
        rc = lookup_load(&m->table, s, &want, e);
    m->rows = rc ? 0 : m->table.keys.keys.len;
    return rc ? rc : read_vectors(s, m, e);
}

static void embedding_close(struct step *s)
{
    struct embedding *m = s->plan;
    lookup_release(&m->table);
    mem_free(m->values);
    mem_free(m);
    s->plan = NULL;
}

static int embedding_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct embedding *m = s->plan;
    int rc = 0;
    for (size_t k = 0; rc == 0 && k < m->table.width; k++) {
        const char *name = arena_format(&s->arena, "%s_%s", s->names[0], m->table.names[k]);
        if (schema_find(schema, text_of(name)) != FIELD_NONE)
            rc = step_error(s, e, "there is a column '%s' already", name);
        else
            schema_add(schema, text_of(name), TYPE_FLOAT);
    }
    if (rc == 0 && !m->plan.keeps)
        schema_remove(schema, s->columns[0]);
    return rc;
}

static int find_vectors(const struct step *s, struct batch *b, uint32_t *place, struct error *e)
{
    const struct embedding *m = s->plan;
    const struct text *cells = batch_text(b, s->columns[0]);
    struct buf scratch = {0};
    int rc = 0;
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        size_t row = lookup_find(&m->table, &cells[r], 1, &scratch);
        place[r] = (uint32_t)row;
        const struct policy *p = cells[r].at ? &m->plan.unknown : &m->plan.missing;
        if (row == MAP_NONE)
            rc = policy_place(p, s, b, 0, r, m->rows, &place[r], e);
    }
    buf_release(&scratch);
    return rc;
}

static int embedding_apply(const struct step *s, struct batch *b, struct error *e)
{
    const struct embedding *m = s->plan;
    uint32_t *place = batch_array(b, b->rows, sizeof *place);
    int rc = find_vectors(s, b, place, e);
    for (size_t k = 0; rc == 0 && k < m->table.width; k++) {
        const double *values = m->values + k * (m->rows + PLACES_EXTRA);
        double *out = batch_array(b, b->rows, sizeof *out);
        for (size_t r = 0; r < b->rows; r++)
            out[r] = values[place[r]];
        batch_add(b, column_of_double(out));
    }
    if (rc == 0 && !m->plan.keeps)
        batch_remove(b, s->columns[0]);
    return rc;
}

static const struct arg embedding_args[] = {
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .help = "the column to look up",
     .positional = true,
     .required = true},
    {.name = "table",
     .kind = ARG_FILE,
     .help = "CSV or JSON Lines file with a vector in each row",
     .positional = true,
     .required = true},
    {.name = "key", .kind = ARG_TEXT, .help = "its column with the categories", .required = true},
    ENCODER_UNKNOWN("error"),
    ENCODER_MISSING("missing"),
    ROWWISE_KEEP,
    {0},
};

const struct step_kind steps_embedding[] = {
    {
        .name = "embedding_lookup",
        .family = "encode",
        .class = "S",
        .summary = "the vector of each category, from a table",
        .details = "The table has a row for each category: a key column, and numbers in all "
                   "others, which become columns named after the old column and them. "
                   "unknown=ignore gives zeros.",
        .args = embedding_args,
        .example = {.program = "embedding_lookup word vectors.csv key=w unknown=ignore",
                    .input = "id,word\n1,cat\n2,tree\n3,dog\n",
                    .output = "id,word_x,word_y\n1,0.5,1\n2,0,0\n3,0.25,-1\n",
                    .file_name = "vectors.csv",
                    .file = "w,x,y\ncat,0.5,1\ndog,0.25,-1\n"},
        .open = embedding_open,
        .close = embedding_close,
        .shape = embedding_shape,
        .apply = embedding_apply,
    },
    {0},
};
