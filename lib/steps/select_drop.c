/* Dropping columns that say nothing, or nothing new: drop_constant, variance_threshold,
 * drop_duplicate_features, drop_correlated, smart_correlated. */
#include "prep/dropping.h"
#include "steps/pairs.h"
#include "steps/steps.h"

#include <math.h>

static int count_texts(const struct lesson *l, void *state, const struct text *values,
                       struct error *e)
{
    (void)e;
    struct counts *c = state;
    for (size_t r = 0; r < l->rows; r++) {
        struct text cell = values[r];
        if (cell.at && arg_number(l->step, "tol") == 1 && c->map.keys.len == 2)
            continue; /* two values settle it */
        counts_add(c, cell.at ? cell : TEXT_LITERAL("\0missing"), 1, 0);
    }
    return 0;
}

static int merge_counts(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    (void)e;
    counts_merge(into, from);
    return 0;
}

/* Which two values settled it depends on who came first, so they are not part of the state. */
static json_t *save_counts(const struct step *s, const void *state)
{
    const struct counts *c = state;
    if (arg_number(s, "tol") == 1 && c->map.keys.len > 1)
        return json_pack("{s:b}", "varies", 1);
    return json_pack("{s:o}", "counts", counts_save(c));
}

static int load_counts(const struct step *s, void *state, const json_t *j, struct error *e)
{
    (void)s;
    if (!json_is_true(json_object_get(j, "varies")))
        return counts_load(state, json_object_get(j, "counts"), e);
    counts_add(state, TEXT_LITERAL("0"), 1, 0);
    counts_add(state, TEXT_LITERAL("1"), 1, 0);
    return 0;
}

static void release_counts(void *state)
{
    counts_release(state);
}

static void mark_constant(const struct step *s, bool *drop)
{
    for (size_t i = 0; i < s->column_count; i++) {
        const struct counts *c = columnwise_learnt(s, i);
        uint64_t all = 0, most = 0;
        for (size_t k = 0; k < c->map.keys.len; k++) {
            all += c->n.at[k];
            most = c->n.at[k] > most ? c->n.at[k] : most;
        }
        drop[i] = c->map.keys.len < 2 || (double)most >= arg_number(s, "tol") * (double)all;
    }
}

static const struct learner counts_learner = {.size = sizeof(struct counts),
                                              .texts = count_texts,
                                              .merge = merge_counts,
                                              .save = save_counts,
                                              .load = load_counts,
                                              .release = release_counts};

static void start_moments(const struct step *s, void *state)
{
    (void)s;
    moments_init(state, 2);
}

static int add_moments(const struct lesson *l, void *state, const double *values, struct error *e)
{
    (void)e;
    moments_add_many(state, values, l->rows);
    return 0;
}

static int merge_moments(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    (void)e;
    moments_merge(into, from);
    return 0;
}

static json_t *save_moments(const struct step *s, const void *state)
{
    (void)s;
    return json_pack("{s:o,s:o}", "moments", moments_save(state), "variance",
                     json_of_number(moments_variance(state, 0)));
}

static int load_moments(const struct step *s, void *state, const json_t *j, struct error *e)
{
    (void)s;
    return moments_load(state, json_object_get(j, "moments"), e);
}

static void release_moments(void *state)
{
    moments_release(state);
}

static void mark_flat(const struct step *s, bool *drop)
{
    for (size_t i = 0; i < s->column_count; i++)
        drop[i] = !(moments_variance(columnwise_learnt(s, i), 0) > arg_number(s, "threshold"));
}

static const struct learner moments_learner = {.size = sizeof(struct moments),
                                               .init = start_moments,
                                               .numbers = add_moments,
                                               .merge = merge_moments,
                                               .save = save_moments,
                                               .load = load_moments,
                                               .release = release_moments};

/* differ[i * p + j], i < j: some row has different cells in columns i and j. */
struct differences {
    size_t p;
    bool *differ;
};

static void *differences_new(const struct step *s)
{
    struct differences *d = mem_alloc(sizeof *d);
    d->p = s->column_count;
    d->differ = mem_alloc(d->p * d->p * sizeof *d->differ);
    return d;
}

static void differences_free(void *state)
{
    struct differences *d = state;
    if (!d)
        return;
    mem_free(d->differ);
    mem_free(d);
}

static bool columns_differ(const struct text *a, const struct text *b, size_t rows)
{
    for (size_t r = 0; r < rows; r++)
        if (!text_equal(a[r], b[r]))
            return true;
    return false;
}

static int differences_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    (void)e;
    struct differences *d = state;
    for (size_t i = 0; i < d->p; i++)
        for (size_t j = i + 1; j < d->p; j++)
            if (!d->differ[i * d->p + j])
                d->differ[i * d->p + j] = columns_differ(batch_text(b, s->columns[i]),
                                                         batch_text(b, s->columns[j]), b->rows);
    return 0;
}

static int differences_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s;
    (void)e;
    struct differences *a = into, *b = from;
    for (size_t i = 0; i < a->p * a->p; i++)
        a->differ[i] = a->differ[i] || b->differ[i];
    return 0;
}

/* {"b": ["a"]}: column b is the same as a in every row. */
static json_t *differences_save(const struct step *s, const void *state)
{
    const struct differences *d = state;
    json_t *same = json_object();
    for (size_t j = 0; j < d->p; j++) {
        json_t *others = json_array();
        for (size_t i = 0; i < j; i++)
            if (!d->differ[i * d->p + j])
                json_array_append_new(others, json_string_nocheck(s->names[i]));
        json_object_set_new_nocheck(same, s->names[j], others);
    }
    return json_pack("{s:o}", "same", same);
}

static bool lists(const json_t *list, const char *name)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *item = json_string_value(json_array_get(list, i));
        if (item && strcmp(item, name) == 0)
            return true;
    }
    return false;
}

static int differences_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    struct differences *d = state;
    const json_t *same = json_object_get(j, "same");
    if (!json_is_object(same))
        return error_set(e, ERR_DATA, "expected the columns that are the same");
    for (size_t i = 0; i < d->p; i++)
        for (size_t k = i + 1; k < d->p; k++)
            d->differ[i * d->p + k] = !lists(json_object_get(same, s->names[k]), s->names[i]);
    return 0;
}

static void mark_duplicates(const struct step *s, bool *drop)
{
    const struct differences *d = s->learnt;
    for (size_t j = 0; j < d->p; j++)
        for (size_t i = 0; i < j; i++)
            drop[j] = drop[j] || !d->differ[i * d->p + j];
}

struct correlated {
    struct pairs pairs;
    struct moments *columns;
    uint64_t rows;
};

static void *correlated_new(const struct step *s)
{
    struct correlated *c = mem_alloc(sizeof *c);
    pairs_init(&c->pairs, s->column_count);
    c->columns = mem_alloc(s->column_count * sizeof *c->columns);
    for (size_t i = 0; i < s->column_count; i++)
        moments_init(&c->columns[i], 2);
    return c;
}

static void correlated_free(void *state)
{
    struct correlated *c = state;
    if (!c)
        return;
    for (size_t i = 0; i < c->pairs.p; i++)
        moments_release(&c->columns[i]);
    mem_free(c->columns);
    pairs_release(&c->pairs);
    mem_free(c);
}

static int correlated_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    struct correlated *c = state;
    struct numbers numbers;
    int rc = numbers_of(s, b, &numbers, e);
    double *row = batch_array(b, s->column_count + 1, sizeof *row);
    for (size_t i = 0; rc == 0 && i < s->column_count; i++)
        moments_add_many(&c->columns[i], numbers.at[i], b->rows);
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        (void)numbers_row(&numbers, r, row);
        pairs_add(&c->pairs, row);
    }
    return rc;
}

static int correlated_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)e;
    struct correlated *a = into, *b = from;
    pairs_merge(&a->pairs, &b->pairs);
    for (size_t i = 0; i < s->column_count; i++)
        moments_merge(&a->columns[i], &b->columns[i]);
    return 0;
}

static json_t *correlated_save(const struct step *s, const void *state)
{
    const struct correlated *c = state;
    json_t *columns = json_object();
    for (size_t i = 0; i < s->column_count; i++)
        json_object_set_new_nocheck(columns, s->names[i], moments_save(&c->columns[i]));
    return json_pack("{s:o,s:o}", "pairs", pairs_save(&c->pairs), "columns", columns);
}

static int correlated_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    struct correlated *c = state;
    int rc = pairs_load(&c->pairs, s->column_count, json_object_get(j, "pairs"), e);
    for (size_t i = 0; rc == 0 && i < s->column_count; i++)
        rc = moments_load(&c->columns[i],
                          json_object_get(json_object_get(j, "columns"), s->names[i]), e);
    return rc;
}

enum keep { KEEP_FIRST, KEEP_VARIANCE, KEEP_PRESENT };

/* Whether column a should rather be kept than b, which stands before it. */
static bool rather(const struct step *s, const struct correlated *c, size_t a, size_t b)
{
    switch ((enum keep)arg_choice(s, "keep")) {
    case KEEP_VARIANCE:
        return moments_variance(&c->columns[a], 0) > moments_variance(&c->columns[b], 0);
    case KEEP_PRESENT:
        return c->columns[a].count > c->columns[b].count;
    case KEEP_FIRST:
        break;
    }
    return false;
}

/* Groups in order of selection: a column not yet in a group, and all free ones that go with it. */
static void mark_correlated(const struct step *s, bool *drop)
{
    const struct correlated *c = s->learnt;
    size_t p = s->column_count;
    bool *grouped = mem_alloc(p * sizeof *grouped);
    for (size_t i = 0; i < p; i++) {
        size_t kept = i;
        for (size_t j = i + 1; !grouped[i] && j < p; j++) {
            if (grouped[j] ||
                !(fabs(pairs_correlation(&c->pairs, i, j)) > arg_number(s, "threshold")))
                continue;
            size_t loser = rather(s, c, j, kept) ? kept : j;
            kept = loser == kept ? j : kept;
            grouped[j] = drop[loser] = true;
        }
        grouped[i] = true;
    }
    mem_free(grouped);
}

static const struct arg constant_args[] = {
    DROPPING_COLUMNS,
    {.name = "tol",
     .kind = ARG_NUMBER,
     .fallback = "1",
     .help = "share of the rows that the most frequent value must have",
     .min = 0,
     .max = 1},
    {0},
};
static const struct arg duplicate_args[] = {
    DROPPING_COLUMNS,
    {0},
};
static const struct arg variance_args[] = {
    DROPPING_NUMBERS,
    {.name = "threshold",
     .kind = ARG_NUMBER,
     .fallback = "0",
     .help = "columns with this variance or less go",
     .min = 0,
     .max = 1e300},
    {0},
};
#define CORRELATED_ARGS(keep_default)                                                              \
    {                                                                                              \
        DROPPING_NUMBERS,                                                                          \
            {.name = "threshold",                                                                  \
             .kind = ARG_NUMBER,                                                                   \
             .fallback = "0.8",                                                                    \
             .help = "of the correlation, positive or negative",                                   \
             .min = 0,                                                                             \
             .max = 1},                                                                            \
            {.name = "keep",                                                                       \
             .kind = ARG_CHOICE,                                                                   \
             .fallback = keep_default,                                                             \
             .choices = "first variance present",                                                  \
             .help = "of a group: the first, the one of largest variance or of fewest missing"},   \
            {0},                                                                                   \
    }
static const struct arg correlated_args[] = CORRELATED_ARGS("first");
static const struct arg smart_args[] = CORRELATED_ARGS("variance");

#define CORRELATED_HOOKS                                                                           \
    DROPPING_HOOKS, .state_new = correlated_new, .learn = correlated_learn,                        \
                    .merge = correlated_merge, .save = correlated_save, .load = correlated_load,   \
                    .state_free = correlated_free, .detail = &(const struct dropper)               \
    {                                                                                              \
        .mark = mark_correlated                                                                    \
    }
#define CORRELATED_DETAILS                                                                         \
    "Pearson's coefficient over the rows where both are there. In the order of the selection, a "  \
    "column forms a group with all later ones correlated with it beyond the threshold and in no "  \
    "group yet; one of each group stays. A constant column is correlated with none."

const struct step_kind steps_select_drop[] = {
    {.name = "drop_constant",
     .aliases = "drop_quasi_constant:tol=0.998",
     .family = "select",
     .class = "F",
     .summary = "drop columns with one value only, or almost",
     .details = "A missing cell counts as a value of its own. With tol= below 1 all values are "
                "counted." HELD("values counted", "about 150 bytes and the text"),
     .args = constant_args,
     .example = {.program = "drop_constant", .input = "a,b,c\n1,x,\n2,x,\n", .output = "a\n1\n2\n"},
     DROPPING_HOOKS,
     COLUMNWISE_HOOKS,
     .detail = &(const struct dropper){{.learner = &counts_learner}, mark_constant}},
    {.name = "drop_duplicate_features",
     .family = "select",
     .class = "F",
     .summary = "drop columns whose cells are those of an earlier one",
     .details = "Cells are compared as text, so 1 and 1.0 differ; missing equals missing.",
     .args = duplicate_args,
     .example = {.program = "drop_duplicate_features",
                 .input = "a,b,c\n1,1,1\n2,2,3\n",
                 .output = "a,c\n1,1\n2,3\n"},
     DROPPING_HOOKS,
     .state_new = differences_new,
     .learn = differences_learn,
     .merge = differences_merge,
     .save = differences_save,
     .load = differences_load,
     .state_free = differences_free,
     .detail = &(const struct dropper){.mark = mark_duplicates}},
    {.name = "variance_threshold",
     .family = "select",
     .class = "F",
     .summary = "drop columns of numbers that vary too little",
     .details = "The variance divides by n and leaves out missing values, as scikit-learn's "
                "VarianceThreshold. Sums are exact, so a constant column has variance 0.",
     .args = variance_args,
     .example = {.program = "variance_threshold threshold=1",
                 .input = "a,b\n1,1\n2,5\n",
                 .output = "b\n1\n5\n"},
     DROPPING_HOOKS,
     COLUMNWISE_HOOKS,
     .detail = &(const struct dropper){{.learner = &moments_learner}, mark_flat}},
    {.name = "drop_correlated",
     .family = "select",
     .class = "F",
     .summary = "drop columns of numbers correlated with an earlier one",
     .details = CORRELATED_DETAILS,
     .args = correlated_args,
     .example = {.program = "drop_correlated",
                 .input = "a,b,c\n1,2,5\n2,4,1\n3,6,4\n",
                 .output = "a,c\n1,5\n2,1\n3,4\n"},
     CORRELATED_HOOKS},
    {.name = "smart_correlated",
     .family = "select",
     .class = "F",
     .summary = "keep the best column of each group of correlated ones",
     .details = CORRELATED_DETAILS,
     .args = smart_args,
     .example = {.program = "smart_correlated",
                 .input = "a,b,c\n1,2,5\n2,4,1\n3,6,4\n",
                 .output = "b,c\n2,5\n4,1\n6,4\n"},
     CORRELATED_HOOKS},
    {0},
};
