/* What encoders learn of a column: categories, how often each occurs, the target beside them. */
#include "steps/encoder.h"

#include <math.h>

enum { TALLY_MEMORY = 1 << 20 }; /* of the values of one category, before they spill */

static const struct encoder *encoder_of(const struct step *s)
{
    return s->kind->detail;
}

static const struct encoder_plan *plan_of(const struct step *s)
{
    return s->plan;
}

static struct quantiles *values_of(struct quantiles **values)
{
    if (!*values)
        *values = quantiles_new(TALLY_MEMORY);
    return *values;
}

static int tally_add(struct tally *t, enum encoder_target kind, double y, struct error *e)
{
    t->count++;
    sum_add(&t->sum, y);
    if (kind == TARGET_SQUARE)
        sum_add_product(&t->square, y, y);
    return kind == TARGET_VALUES ? quantiles_add(values_of(&t->values), &y, 1, e) : 0;
}

void tally_merge(struct tally *into, const struct tally *from)
{
    into->count += from->count;
    sum_merge(&into->sum, &from->sum);
    sum_merge(&into->square, &from->square);
}

static int merge_values(struct quantiles **into, struct quantiles *from, struct error *e)
{
    return from ? quantiles_merge(values_of(into), from, e) : 0;
}

void tally_release(struct tally *t)
{
    sum_release(&t->sum);
    sum_release(&t->square);
    quantiles_free(t->values);
    *t = (struct tally){0};
}

double tally_mean(const struct tally *t)
{
    return t->count > 0 ? sum_value(&t->sum) / (double)t->count : (double)NAN;
}

/* (sum of squares - n mean^2) / (n - 1), from the exact sums. */
double tally_variance(const struct tally *t)
{
    if (t->count < 2)
        return (double)NAN;
    double mean = tally_mean(t), n = (double)t->count;
    struct sum rest = {0};
    sum_merge(&rest, &t->square);
    sum_add_product(&rest, -sum_value(&t->sum), mean);
    double variance = sum_value(&rest) / (n - 1);
    sum_release(&rest);
    return variance > 0 ? variance : 0;
}

static void categories_init(const struct step *s, void *state)
{
    struct categories *c = state;
    c->step = s;
    c->parts = encoder_folds(s);
}

/* Tallies of category `number` (SIZE_MAX: of missing cells), made when there are none yet. */
static struct tally *tallies_at(struct categories *c, size_t number)
{
    struct tally fresh = {0};
    size_t first = (number + 1) * c->parts;
    while (c->tallies.len < first + c->parts)
        vec_push(&c->tallies, fresh);
    return c->tallies.at + first;
}

static int learn_target(const struct lesson *l, struct categories *c, const size_t *numbers,
                        struct error *e)
{
    const struct encoder *encoder = encoder_of(l->step);
    const double *y;
    int rc = encoder_target(l->step, l->batch, &y, e);
    for (size_t r = 0; rc == 0 && r < l->rows; r++) {
        if (isnan(y[r]))
            continue;
        size_t part = encoder_part(l->step, c->parts, l->batch, r);
        rc = tally_add(tallies_at(c, numbers[r]) + part, encoder->target, y[r], e);
        if (rc == 0 && encoder->target == TARGET_VALUES)
            rc = quantiles_add(values_of(&c->values), &y[r], 1, e);
    }
    return rc;
}

static int categories_texts(const struct lesson *l, void *state, const struct text *values,
                            struct error *e)
{
    struct categories *c = state;
    const struct encoder *encoder = encoder_of(l->step);
    size_t *numbers = batch_array(l->batch, l->rows, sizeof *numbers);
    for (size_t r = 0; r < l->rows; r++) {
        numbers[r] = SIZE_MAX;
        if (!values[r].at)
            c->missing++;
        else if (encoder->count)
            encoder->count(l->step, c, values[r]);
        else
            numbers[r] = counts_add(&c->counts, values[r], 1, 0);
    }
    return encoder->target == TARGET_NONE ? 0 : learn_target(l, c, numbers, e);
}

static int categories_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    struct categories *a = into, *b = from;
    a->missing += b->missing;
    size_t *number = mem_array(NULL, b->counts.map.keys.len + 1, sizeof *number);
    for (size_t i = 0; i < b->counts.map.keys.len; i++)
        number[i + 1] = counts_add(&a->counts, b->counts.map.keys.at[i], b->counts.n.at[i],
                                   b->counts.first.at[i]);
    number[0] = SIZE_MAX;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < b->tallies.len; i++) {
        struct tally *t = tallies_at(a, number[i / b->parts]) + i % b->parts;
        tally_merge(t, &b->tallies.at[i]);
        rc = merge_values(&t->values, b->tallies.at[i].values, e);
    }
    mem_free(number);
    return rc ? rc : merge_values(&a->values, b->values, e);
}

static void categories_release(void *state)
{
    struct categories *c = state;
    for (size_t i = 0; i < c->tallies.len; i++)
        tally_release(&c->tallies.at[i]);
    tally_release(&c->total);
    quantiles_free(c->values);
    vec_release(&c->tallies);
    counts_release(&c->counts);
    arena_release(&c->arena);
}

struct text categories_name(const struct categories *c, size_t place)
{
    return c->counts.map.keys.at[c->number[place]];
}

uint64_t categories_rows(const struct categories *c, size_t place)
{
    if (place < c->count)
        return c->counts.n.at[c->number[place]];
    return plan_of(c->step)->missing.place == PLACE_KEEP ? c->missing : 0;
}

const struct tally *categories_tally(const struct categories *c, size_t place, size_t part)
{
    static const struct tally nothing;
    if (place >= c->count && plan_of(c->step)->missing.place != PLACE_KEEP)
        return &nothing;
    size_t number = place < c->count ? c->number[place] : SIZE_MAX;
    size_t at = (number + 1) * c->parts + part;
    return at < c->tallies.len ? &c->tallies.at[at] : &nothing;
}

double categories_prior(const struct categories *c)
{
    return tally_mean(&c->total);
}

bool categories_keep(const struct categories *c)
{
    const struct encoder_plan *plan = plan_of(c->step);
    return plan->missing.place == PLACE_KEEP || plan->unknown.place == PLACE_KEEP;
}

const char *categories_kept_name(const struct categories *c)
{
    return plan_of(c->step)->missing.place == PLACE_KEEP ? "missing" : "unknown";
}

double *categories_table(struct categories *c, size_t width, double neutral)
{
    const struct encoder_plan *plan = plan_of(c->step);
    size_t places = categories_places(c);
    c->width = width;
    c->table = arena_zero(&c->arena, (width * places + 1) * sizeof *c->table);
    for (size_t k = 0; k < width; k++) {
        double *extra = c->table + k * places + c->count;
        extra[PLACE_KEEP] = extra[PLACE_IGNORE] = neutral;
        extra[PLACE_MISSING] = (double)NAN;
        extra[PLACE_UNKNOWN_VALUE] = plan->unknown.number;
        extra[PLACE_MISSING_VALUE] = plan->missing.number;
    }
    return c->table;
}

struct text *categories_text_table(struct categories *c, struct text neutral)
{
    const struct encoder_plan *plan = plan_of(c->step);
    c->width = 1;
    c->texts = arena_zero(&c->arena, categories_places(c) * sizeof *c->texts);
    for (size_t i = 0; i < c->count; i++)
        c->texts[i] = categories_name(c, i);
    struct text *extra = c->texts + c->count;
    extra[PLACE_KEEP] = text_of(categories_kept_name(c));
    extra[PLACE_IGNORE] = neutral;
    extra[PLACE_UNKNOWN_VALUE] = plan->unknown.text;
    extra[PLACE_MISSING_VALUE] = plan->missing.text;
    return c->texts;
}

static void derive_whole(struct categories *c)
{
    size_t n = c->width * categories_places(c);
    c->whole = arena_alloc(&c->arena, (n + 1) * sizeof *c->whole);
    for (size_t i = 0; i < n; i++)
        c->whole[i] = isnan(c->table[i]) ? INT_MISSING : (int64_t)c->table[i];
}

static int categories_finish(const struct step *s, size_t index, void *state, struct error *e)
{
    (void)index;
    struct categories *c = state;
    const struct encoder *encoder = encoder_of(s);
    arena_reset(&c->arena);
    c->step = s;
    c->table = NULL;
    c->whole = NULL;
    c->count = c->counts.map.keys.len;
    uint32_t *sorted = counts_sorted(&c->counts, COUNTS_BY_NAME);
    c->number = arena_copy(&c->arena, sorted, c->count * sizeof *sorted);
    c->place = arena_alloc(&c->arena, c->count * sizeof *c->place);
    mem_free(sorted);
    for (size_t i = 0; i < c->count; i++)
        c->place[c->number[i]] = (uint32_t)i;
    tally_release(&c->total);
    for (size_t i = 0; i < c->tallies.len; i++)
        tally_merge(&c->total, &c->tallies.at[i]);
    int rc = encoder->derive(s, c, e);
    if (rc == 0 && encoder->to == TYPE_INT && c->table)
        derive_whole(c);
    return rc;
}

/* [rows, sum] with, as far as there are, the sum of squares and the values. */
static json_t *save_tally(const struct tally *t, enum encoder_target kind)
{
    json_t *list = json_array();
    json_array_append_new(list, json_integer((json_int_t)t->count));
    json_array_append_new(list, sum_save(&t->sum));
    if (kind == TARGET_SQUARE)
        json_array_append_new(list, sum_save(&t->square));
    if (kind == TARGET_VALUES && t->values)
        json_array_append_new(list, quantiles_save(t->values, NULL));
    return list;
}

/* Lists of the parts: of missing cells, then of each category in order of names. */
static json_t *save_tallies(const struct categories *c, enum encoder_target kind)
{
    static const struct tally nothing;
    json_t *list = json_array();
    uint32_t *order = counts_sorted(&c->counts, COUNTS_BY_NAME);
    for (size_t i = 0; i <= c->counts.map.keys.len; i++) {
        size_t first = i > 0 ? (order[i - 1] + (size_t)1) * c->parts : 0;
        for (size_t k = first; k < first + c->parts; k++)
            json_array_append_new(
                list, save_tally(k < c->tallies.len ? &c->tallies.at[k] : &nothing, kind));
    }
    mem_free(order);
    return list;
}

static json_t *save_table(const struct categories *c)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->count; i++)
        json_array_append_new(list, json_of_number(c->table[i]));
    return list;
}

static json_t *categories_save(const struct step *s, const void *state)
{
    const struct categories *c = state;
    enum encoder_target kind = encoder_of(s)->target;
    json_t *j = json_object();
    json_object_set_new(j, "categories", counts_save(&c->counts));
    json_object_set_new(j, "missing", json_integer((json_int_t)c->missing));
    if (kind != TARGET_NONE) {
        json_object_set_new(j, "target", save_tallies(c, kind));
        json_object_set_new(j, "prior", json_of_number(categories_prior(c)));
        json_object_set_new(j, "values", save_table(c));
    }
    return j;
}

static int bad_target(struct error *e)
{
    return error_set(e, ERR_DATA, "target: expected a list [rows, sum, ...] for each category");
}

static int load_tally(struct categories *c, struct tally *t, enum encoder_target kind,
                      const json_t *j, struct error *e)
{
    const json_t *count = json_array_get(j, 0), *more = json_array_get(j, 2);
    if (!json_is_integer(count) || json_integer_value(count) < 0)
        return bad_target(e);
    t->count = (uint64_t)json_integer_value(count);
    int rc = sum_load(&t->sum, json_array_get(j, 1), e);
    if (rc == 0 && kind == TARGET_SQUARE)
        rc = sum_load(&t->square, more, e);
    if (rc || kind != TARGET_VALUES || !more)
        return rc;
    rc = quantiles_load(values_of(&t->values), more, e);
    return rc ? rc : quantiles_load(values_of(&c->values), more, e);
}

static int load_tallies(struct categories *c, enum encoder_target kind, const json_t *list,
                        struct error *e)
{
    size_t known = c->counts.map.keys.len;
    if (!json_is_array(list) || json_array_size(list) != (known + 1) * c->parts)
        return bad_target(e);
    uint32_t *order = counts_sorted(&c->counts, COUNTS_BY_NAME);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        size_t of = i / c->parts;
        struct tally *t = tallies_at(c, of > 0 ? order[of - 1] : SIZE_MAX) + i % c->parts;
        rc = load_tally(c, t, kind, json_array_get(list, i), e);
    }
    mem_free(order);
    return rc;
}

static int categories_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    struct categories *c = state;
    enum encoder_target kind = encoder_of(s)->target;
    const json_t *missing = json_object_get(j, "missing");
    int rc = counts_load(&c->counts, json_object_get(j, "categories"), e);
    if (rc)
        return rc;
    if (!json_is_integer(missing) || json_integer_value(missing) < 0)
        return error_set(e, ERR_DATA, "missing: expected a number of rows");
    c->missing = (uint64_t)json_integer_value(missing);
    return kind == TARGET_NONE ? 0 : load_tallies(c, kind, json_object_get(j, "target"), e);
}

const struct learner categories_learner = {
    .size = sizeof(struct categories),
    .init = categories_init,
    .texts = categories_texts,
    .merge = categories_merge,
    .finish = categories_finish,
    .save = categories_save,
    .load = categories_load,
    .release = categories_release,
};
