/* Hooks of encoders: arguments, where results go, and the way from a cell to its place. */
#include "steps/encoder.h"
#include "prep/lower.h"
#include "steps/draw.h"

#include <math.h>

static const struct encoder *encoder_of(const struct step *s)
{
    return s->kind->detail;
}

static bool read_word(struct text word, struct policy *p)
{
    static const struct {
        const char *word;
        uint32_t place;
    } words[] = {
        {"error", POLICY_ERROR},    {"ignore", PLACE_IGNORE}, {"keep", PLACE_KEEP},
        {"missing", PLACE_MISSING}, {"null", PLACE_MISSING},  {"skip-row", POLICY_SKIP},
    };
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (text_equal(word, text_of(words[i].word))) {
            p->place = words[i].place;
            return true;
        }
    return false;
}

static bool read_value(struct text word, enum type to, struct policy *p)
{
    int64_t whole;
    if (to == TYPE_TEXT) {
        p->text = word;
        return true;
    }
    enum number_kind found = number_parse(word.at, word.len, &whole, &p->number);
    return to == TYPE_INT ? found == NUMBER_INT : found != NUMBER_NONE;
}

int policy_read(const struct step *s, const char *name, enum type to, bool values, struct policy *p,
                struct error *e)
{
    struct text word = arg_text(s, name);
    *p = (struct policy){.number = (double)NAN};
    if (read_word(word, p))
        return 0;
    p->place = strcmp(name, "unknown") == 0 ? PLACE_UNKNOWN_VALUE : PLACE_MISSING_VALUE;
    if (values && read_value(word, to, p))
        return 0;
    char quoted[QUOTE_MAX];
    return step_error(s, e, "%s: expected error, ignore, keep, missing, skip-row%s, not %s", name,
                      !values          ? ""
                      : to == TYPE_INT ? " or a whole number"
                                       : " or a number",
                      quote(quoted, word.at, word.len));
}

static int reject(const struct step *s, struct batch *b, size_t index, size_t row, struct error *e)
{
    size_t column = s->columns[index];
    struct text cell = batch_cell(b, column, row);
    char quoted[QUOTE_MAX];
    if (cell.at)
        (void)error_set(e, ERR_DATA, "%s: %s was not there when the step was fitted (see unknown=)",
                        s->kind->name, quote(quoted, cell.at, cell.len));
    else
        (void)error_set(e, ERR_DATA, "%s: the cell is missing (see missing=)", s->kind->name);
    return batch_reject(b, row, column, s->names[index], e);
}

int policy_place(const struct policy *p, const struct step *s, struct batch *b, size_t index,
                 size_t row, size_t count, uint32_t *place, struct error *e)
{
    *place = (uint32_t)count + PLACE_MISSING;
    if (p->place == POLICY_ERROR)
        return reject(s, b, index, row, e);
    if (p->place < PLACES_EXTRA) {
        *place = (uint32_t)count + p->place;
        return 0;
    }
    if (!b->rejected)
        b->rejected = arena_zero(&b->arena, b->rows + 1);
    b->rejected[row] = 1;
    return 0;
}

static int open_results(struct step *s, const struct schema *in, struct encoder_plan *plan,
                        struct error *e)
{
    bool into = step_has_arg(s, "into") && arg_given(s, "into");
    bool suffix = step_has_arg(s, "suffix") && arg_given(s, "suffix");
    char quoted[QUOTE_MAX];
    plan->keeps = !step_has_arg(s, "keep") || arg_bool(s, "keep");
    plan->in_place = !encoder_of(s)->widens && !into && !suffix;
    if (into && (suffix || s->column_count != 1))
        return step_error(s, e, "into= is for a single column: use suffix=");
    if (into && schema_find(in, arg_text(s, "into")) != FIELD_NONE)
        return step_error(s, e, "there is a column %s already",
                          quote(quoted, arg_string(s, "into"), arg_text(s, "into").len));
    return 0;
}

int encoder_open(struct step *s, const struct schema *in, struct error *e)
{
    const struct encoder *encoder = encoder_of(s);
    struct encoder_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    plan->target = FIELD_NONE;
    plan->unknown.place = plan->missing.place = PLACE_IGNORE;
    int rc = 0;
    if (encoder->target != TARGET_NONE) {
        bool absent = schema_find(in, arg_text(s, "target")) == FIELD_NONE;
        if (!s->learnt || !absent) /* new rows have no target yet */
            rc = arg_column(s, "target", in, &plan->target, e);
        plan->target_name = arg_string(s, "target");
        plan->positive = arg_text(s, "positive");
    }
    s->by_row = encoder_folds(s) > 1;
    bool values = !encoder->widens;
    if (rc == 0 && step_has_arg(s, "unknown"))
        rc = policy_read(s, "unknown", encoder->to, values, &plan->unknown, e);
    if (rc == 0 && step_has_arg(s, "missing"))
        rc = policy_read(s, "missing", encoder->to, values, &plan->missing, e);
    return rc ? rc : open_results(s, in, plan, e);
}

static int check_binary(const struct step *s, struct batch *b, double *y, struct error *e)
{
    const struct encoder_plan *plan = s->plan;
    for (size_t r = 0; r < b->rows; r++) {
        if (isnan(y[r]) || y[r] == 0 || y[r] == 1)
            continue;
        (void)error_set(e, ERR_DATA, "%s: the target must be 0 or 1 (see positive=)",
                        s->kind->name);
        int rc = batch_reject(b, r, plan->target, plan->target_name, e);
        if (rc)
            return rc;
        y[r] = (double)NAN;
    }
    return 0;
}

int encoder_target(const struct step *s, struct batch *b, const double **out, struct error *e)
{
    const struct encoder_plan *plan = s->plan;
    if (plan->positive.at) {
        const struct text *cells = batch_text(b, plan->target);
        double *y = batch_array(b, b->rows, sizeof *y);
        for (size_t r = 0; r < b->rows; r++)
            y[r] = cells[r].at ? (double)text_equal(cells[r], plan->positive) : (double)NAN;
        *out = y;
        return 0;
    }
    int rc = batch_double(b, plan->target, plan->target_name, out, e);
    if (rc || !encoder_of(s)->binary)
        return rc;
    double *y = arena_copy(&b->arena, *out, b->rows * sizeof *y);
    *out = y;
    return check_binary(s, b, y, e);
}

size_t encoder_folds(const struct step *s)
{
    bool folds = step_has_arg(s, "folds") && arg_choice(s, "with") == 1;
    return folds ? (size_t)arg_int(s, "folds") : 1;
}

size_t encoder_part(const struct step *s, size_t parts, const struct batch *b, size_t row)
{
    if (parts <= 1)
        return 0;
    return (size_t)random_below(draw_seed(s), s->number, batch_row_id(b, row), parts);
}

/* Cells without a category: what the policies say. */
static int place_rest(const struct step *s, size_t index, struct batch *b, const struct text *cells,
                      uint32_t *place, struct error *e)
{
    const struct encoder_plan *plan = s->plan;
    const struct categories *c = columnwise_learnt(s, index);
    for (size_t r = 0; r < b->rows; r++) {
        if (LIKELY(place[r] != UINT32_MAX))
            continue;
        const struct policy *p = cells[r].at ? &plan->unknown : &plan->missing;
        int rc = policy_place(p, s, b, index, r, c->count, &place[r], e);
        if (rc)
            return rc;
    }
    return 0;
}

int encoder_places(const struct step *s, size_t index, struct batch *b, uint32_t *place,
                   struct error *e)
{
    const struct categories *c = columnwise_learnt(s, index);
    const struct text *cells = batch_text(b, s->columns[index]);
    uint32_t rest = 0;
    for (size_t r = 0; r < b->rows; r++) {
        size_t number = cells[r].at ? map_get(&c->counts.map, cells[r]) : MAP_NONE;
        place[r] = number == MAP_NONE ? UINT32_MAX : c->place[number];
        rest |= number == MAP_NONE;
    }
    return rest ? place_rest(s, index, b, cells, place, e) : 0;
}

static const char *result_name(const struct step *s, size_t index, const struct categories *c,
                               size_t output, struct arena *arena)
{
    if (encoder_of(s)->widens)
        return arena_format(arena, "%s_%s", s->names[index], c->suffixes[output]);
    if (step_has_arg(s, "into") && arg_given(s, "into"))
        return arg_string(s, "into");
    return arena_format(arena, "%s%s", s->names[index], arg_string(s, "suffix"));
}

static int add_field(struct step *s, struct schema *schema, const char *name, struct error *e)
{
    char quoted[QUOTE_MAX];
    if (schema_find(schema, text_of(name)) != FIELD_NONE)
        return step_error(s, e, "there is a column %s already", quote(quoted, name, strlen(name)));
    schema_add(schema, text_of(name), encoder_of(s)->to);
    return 0;
}

static bool drops_originals(const struct step *s)
{
    return encoder_of(s)->widens && !((const struct encoder_plan *)s->plan)->keeps;
}

int encoder_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct encoder_plan *plan = s->plan;
    struct arena names = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->column_count; i++) {
        const struct categories *c = columnwise_learnt(s, i);
        struct field *field = &schema->fields.at[s->columns[i]];
        if (plan->in_place) {
            field->type = encoder_of(s)->to;
            field->declared = true;
        }
        for (size_t k = 0; rc == 0 && !plan->in_place && k < c->width; k++)
            rc = add_field(s, schema, result_name(s, i, c, k, &names), e);
    }
    arena_release(&names);
    if (rc == 0 && drops_originals(s))
        schema_leave_out(schema, s->columns, s->column_count);
    return rc;
}

static struct column look_up_numbers(const struct encoding *x, const double *table)
{
    double *out = batch_array(x->batch, x->batch->rows, sizeof *out);
    for (size_t r = 0; r < x->batch->rows; r++)
        out[r] = table[x->place[r]];
    return column_of_double(out);
}

static struct column look_up_whole(const struct encoding *x, const int64_t *table)
{
    int64_t *out = batch_array(x->batch, x->batch->rows, sizeof *out);
    for (size_t r = 0; r < x->batch->rows; r++)
        out[r] = table[x->place[r]];
    return column_of_int(out);
}

static struct column look_up_texts(const struct encoding *x)
{
    struct text *out = batch_array(x->batch, x->batch->rows, sizeof *out);
    for (size_t r = 0; r < x->batch->rows; r++)
        out[r] = x->categories->texts[x->place[r]];
    return column_of_text(out);
}

void encoder_look_up(const struct encoding *x)
{
    const struct categories *c = x->categories;
    enum type to = encoder_of(x->step)->to;
    size_t places = categories_places(c);
    for (size_t k = 0; k < c->width; k++) {
        if (to == TYPE_TEXT)
            x->out[k] = look_up_texts(x);
        else if (to == TYPE_INT)
            x->out[k] = look_up_whole(x, c->whole + k * places);
        else
            x->out[k] = look_up_numbers(x, c->table + k * places);
    }
}

static int encode_column(const struct step *s, size_t index, struct batch *b, struct error *e)
{
    const struct encoder *encoder = encoder_of(s);
    const struct encoder_plan *plan = s->plan;
    const struct categories *c = columnwise_learnt(s, index);
    uint32_t *place = batch_array(b, b->rows, sizeof *place);
    struct column *out = batch_array(b, c->width, sizeof *out);
    int rc = encoder->count ? 0 : encoder_places(s, index, b, place, e);
    struct encoding x = {s, c, b, index, place, out, e};
    if (rc == 0 && encoder->fill)
        rc = encoder->fill(&x);
    else if (rc == 0)
        encoder_look_up(&x);
    for (size_t k = 0; rc == 0 && k < c->width; k++) {
        if (plan->in_place)
            batch_set(b, s->columns[index], out[k]);
        else
            batch_add(b, out[k]);
    }
    return rc;
}

int encoder_apply(const struct step *s, struct batch *b, struct error *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->column_count; i++)
        rc = encode_column(s, i, b, e);
    if (rc == 0 && drops_originals(s))
        batch_leave_out(b, s->columns, s->column_count);
    return rc;
}

/* Where a policy sends a cell; -1: nowhere, the row is refused. */
static int lower_policy(const struct policy *p, size_t count, int64_t *place, struct error *e)
{
    if (p->place == POLICY_SKIP)
        return lower_refuse(e, "skip-row: leaves rows out");
    *place = p->place == POLICY_ERROR ? -1 : (int64_t)(count + p->place);
    return 0;
}

int encoder_lower_place(struct lowering *l, uint32_t cell, const struct text *names, size_t count,
                        const struct policy *unknown, const struct policy *missing, uint32_t *place,
                        struct error *e)
{
    int64_t rest[2];
    int rc = lower_policy(unknown, count, &rest[0], e);
    if (rc == 0)
        rc = lower_policy(missing, count, &rest[1], e);
    if (rc == 0)
        *place =
            lower_op(l, ML_OP_place, cell, lower_map(l, names, count), lower_range_int(l, rest, 2));
    return rc;
}

static int lower_place(const struct step *s, const struct categories *c, struct lowering *l,
                       uint32_t cell, uint32_t *place, struct error *e)
{
    const struct encoder_plan *plan = s->plan;
    struct text *names = mem_array(NULL, c->count + 1, sizeof *names);
    for (size_t i = 0; i < c->count; i++)
        names[i] = categories_name(c, i);
    int rc =
        encoder_lower_place(l, cell, names, c->count, &plan->unknown, &plan->missing, place, e);
    mem_free(names);
    return rc;
}

int encoder_lower_look_up(const struct step *s, const struct categories *c, struct lowering *l,
                          uint32_t place, uint32_t *out, struct error *e)
{
    enum type to = encoder_of(s)->to;
    size_t places = categories_places(c);
    (void)e;
    for (size_t k = 0; k < c->width; k++) {
        if (to == TYPE_TEXT)
            out[k] = lower_op(l, ML_OP_look_text, place, lower_range_text(l, c->texts, places), 0);
        else if (to == TYPE_INT)
            out[k] = lower_op(l, ML_OP_look_int, place,
                              lower_range_int(l, c->whole + k * places, places), 0);
        else
            out[k] = lower_op(l, ML_OP_look_float, place,
                              lower_range(l, c->table + k * places, places), 0);
    }
    return 0;
}

static int lower_encoded(const struct step *s, size_t index, struct lowering *l, struct error *e)
{
    const struct encoder *encoder = encoder_of(s);
    const struct encoder_plan *plan = s->plan;
    const struct categories *c = columnwise_learnt(s, index);
    uint32_t cell = lower_column(l, s->columns[index], ML_TEXT), place = 0;
    uint32_t *out = mem_array(NULL, c->width + 1, sizeof *out);
    int rc = encoder->lower_cell ? 0 : lower_place(s, c, l, cell, &place, e);
    if (rc == 0 && encoder->lower_cell)
        rc = encoder->lower_cell(s, c, l, cell, out, e);
    else if (rc == 0)
        rc = encoder->lower ? encoder->lower(s, c, l, place, out, e)
                            : encoder_lower_look_up(s, c, l, place, out, e);
    for (size_t k = 0; rc == 0 && k < c->width; k++) {
        if (plan->in_place)
            lower_set(l, s->columns[index], out[k]);
        else
            lower_add(l, out[k]);
    }
    mem_free(out);
    return rc;
}

int encoder_lower(const struct step *s, struct lowering *l, struct error *e)
{
    const struct encoder *encoder = encoder_of(s);
    if (encoder->fill && !encoder->lower && !encoder->lower_cell)
        return lower_refuse(e, "not in compiled preparation");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->column_count; i++)
        rc = lower_encoded(s, i, l, e);
    if (rc == 0 && drops_originals(s))
        lower_leave_out(l, s->columns, s->column_count);
    return rc;
}
