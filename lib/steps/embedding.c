/* embedding_lookup: the vector of each category, from a table. */
#include "prep/side.h"
#include "prep/sorted.h"
#include "steps/encoder.h"
#include "steps/steps.h"

#include <math.h>

struct embedding {
    struct encoder_plan plan; /* first: its policies */
    struct side *table;
    size_t key;
    struct taken numbers; /* columns of the table */
    struct map keys;      /* number: of the vector */
    VEC(double) read;     /* vectors one after the other, until all are there */
    size_t rows;
    double *values; /* [numbers.count][rows + PLACES_EXTRA] */
};

static int read_number(const struct step *s, struct text cell, size_t row, double *out,
                       struct error *e)
{
    char quoted[QUOTE_MAX];
    *out = (double)NAN;
    if (!cell.at || number_parse_double(cell.at, cell.len, out))
        return 0;
    return error_set(e, ERR_DATA, "%s: row %zu: expected a number, not %s", arg_string(s, "table"),
                     row, quote(quoted, cell.at, cell.len));
}

static int add_vector(const struct step *s, struct batch *b, const struct text *const *cells,
                      struct text key, size_t row, struct error *e)
{
    struct embedding *m = s->plan;
    bool is_new;
    char quoted[QUOTE_MAX];
    (void)map_put(&m->keys, key, &is_new);
    if (!is_new) {
        (void)error_set(e, ERR_DATA, "key %s is there twice", quote(quoted, key.at, key.len));
        return batch_place(b, row, e);
    }
    int rc = 0;
    for (size_t k = 0; rc == 0 && k < m->numbers.count; k++) {
        double value;
        rc = read_number(s, cells[k][row], m->keys.keys.len, &value, e);
        vec_push(&m->read, value);
    }
    return rc;
}

static int add_vectors(void *context, struct batch *b, struct error *e)
{
    const struct step *s = context;
    struct embedding *m = s->plan;
    const struct text *keys = batch_text(b, m->key);
    const struct text **cells = batch_array(b, m->numbers.count, sizeof *cells);
    for (size_t k = 0; k < m->numbers.count; k++)
        cells[k] = batch_text(b, m->numbers.at[k]);
    int rc = 0;
    for (size_t r = 0; rc == 0 && r < b->rows; r++)
        if (keys[r].at)
            rc = add_vector(s, b, cells, keys[r], r, e);
    size_t held = map_held(&m->keys) + 2 * m->read.cap * sizeof *m->read.at;
    if (rc == 0 && held > step_memory_whole(s))
        rc = error_set(e, ERR_SYSTEM,
                       "%.200s does not fit in memory: raise --memory, or see lookup_join",
                       arg_string(s, "table"));
    return rc;
}

/* Column by column, with what stands for categories that are not in the table. */
static void turn_vectors(struct embedding *m)
{
    size_t width = m->numbers.count, places;
    m->rows = m->keys.keys.len;
    places = m->rows + PLACES_EXTRA;
    m->values = mem_alloc((width * places + 1) * sizeof *m->values);
    for (size_t k = 0; k < width; k++) {
        m->values[k * places + m->rows + PLACE_MISSING] = (double)NAN;
        for (size_t i = 0; i < m->rows; i++)
            m->values[k * places + i] = m->read.at[i * width + k];
    }
    vec_release(&m->read);
}

static int read_table(struct step *s, struct error *e)
{
    struct embedding *m = s->plan;
    struct text key = arg_text(s, "key");
    char quoted[QUOTE_MAX];
    int rc = side_open(s, arg_text(s, "table"), &m->table, e);
    if (rc)
        return rc;
    m->key = schema_find(m->table->schema, key);
    if (m->key == FIELD_NONE)
        return error_set(e, ERR_DATA, "%.200s has no column %s", arg_string(s, "table"),
                         quote(quoted, key.at, key.len));
    rc = side_take(s, m->table, (struct text){NULL, 0}, &m->key, 1, &m->numbers, e);
    if (rc == 0)
        rc = side_scan(m->table, add_vectors, s, e);
    if (rc == 0)
        turn_vectors(m);
    return rc;
}

static int embedding_open(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct embedding *m = mem_alloc(sizeof *m);
    s->plan = m;
    m->plan.keeps = arg_bool(s, "keep");
    int rc = policy_read(s, "unknown", TYPE_FLOAT, false, &m->plan.unknown, e);
    if (rc == 0)
        rc = policy_read(s, "missing", TYPE_FLOAT, false, &m->plan.missing, e);
    return rc ? rc : read_table(s, e);
}

static void embedding_close(struct step *s)
{
    struct embedding *m = s->plan;
    side_free(m->table);
    map_release(&m->keys);
    vec_release(&m->read);
    mem_free(m->values);
    mem_free(m);
    s->plan = NULL;
}

static int embedding_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct embedding *m = s->plan;
    int rc = 0;
    for (size_t k = 0; rc == 0 && k < m->numbers.count; k++) {
        const char *theirs = m->table->schema->fields.at[m->numbers.at[k]].name;
        const char *name = arena_format(&s->arena, "%s_%s", s->names[0], theirs);
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
    int rc = 0;
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        size_t row = cells[r].at ? map_get(&m->keys, cells[r]) : MAP_NONE;
        place[r] = (uint32_t)row;
        const struct policy *p = cells[r].at ? &m->plan.unknown : &m->plan.missing;
        if (row == MAP_NONE)
            rc = policy_place(p, s, b, 0, r, m->rows, &place[r], e);
    }
    return rc;
}

static int embedding_apply(const struct step *s, struct batch *b, struct error *e)
{
    const struct embedding *m = s->plan;
    uint32_t *place = batch_array(b, b->rows, sizeof *place);
    int rc = find_vectors(s, b, place, e);
    for (size_t k = 0; rc == 0 && k < m->numbers.count; k++) {
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

static int embedding_lower(const struct step *s, struct lowering *l, struct error *e)
{
    const struct embedding *m = s->plan;
    uint32_t cell = lower_column(l, s->columns[0], ML_TEXT), place = 0;
    size_t places = m->rows + PLACES_EXTRA;
    int rc = encoder_lower_place(l, cell, m->keys.keys.at, m->rows, &m->plan.unknown,
                                 &m->plan.missing, &place, e);
    for (size_t k = 0; rc == 0 && k < m->numbers.count; k++)
        lower_add(l, lower_op(l, ML_OP_look_float, place,
                              lower_range(l, m->values + k * places, places), 0));
    if (rc == 0 && !m->plan.keeps)
        lower_leave_out(l, s->columns, 1);
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
                   "unknown=ignore gives zeros. The vectors must fit in --memory.",
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
        .lower = embedding_lower,
    },
    {0},
};
