#include "steps/accumulate_state.h"

#include "stats/stats.h"

#include <math.h>
#include <stdlib.h>

enum type aggregate_held_as(const struct aggregate *a)
{
    if (a->function->takes == TAKES_TEXT)
        return TYPE_TEXT;
    if (a->function->takes != TAKES_ORDERED || type_is_number(a->type) || a->type == TYPE_BOOL)
        return TYPE_FLOAT;
    return a->type == TYPE_TIME ? TYPE_TIME : TYPE_TEXT;
}

enum type aggregate_answers_as(const struct aggregate *a, const struct accumulator *function)
{
    if (function->takes == TAKES_ORDERED && function->keeps_type)
        return aggregate_held_as(a);
    return function->result == TYPE_TEXT || function->result == TYPE_JSON ? TYPE_TEXT : TYPE_FLOAT;
}

/* The functions of a struct accumulator have its parameters, whatever they do with them.
 * NOLINTBEGIN(readability-non-const-parameter) */

static void count_add(const struct aggregate *a, char *states, const struct samples *v,
                      size_t *held)
{
    (void)a, (void)held;
    if (!v->number && !v->time && !v->text && v->one_group) {
        *STATE(uint64_t, states, 0) += v->rows;
        return;
    }
    for (size_t r = 0; r < v->rows; r++) {
        bool missing = v->number ? isnan(v->number[r])
                       : v->time ? v->time[r] == INT_MISSING
                                 : v->text && !v->text[r].at;
        *STATE(uint64_t, states, v->group[r]) += !missing;
    }
}

static void count_put(const struct aggregate *a, char *state, struct buf *out)
{
    (void)a;
    buf_add(out, state, sizeof(uint64_t));
}

static void count_absorb(const struct aggregate *a, char *state, struct text bytes, size_t *held)
{
    (void)a, (void)held;
    uint64_t n;
    memcpy(&n, bytes.at, sizeof n);
    *STATE(uint64_t, state, 0) += n;
}

static int count_value(const struct aggregate *a, double parameter, char *state,
                       struct arena *arena, union answer *out, struct error *e)
{
    (void)a, (void)parameter, (void)arena, (void)e;
    out->number = (double)*STATE(uint64_t, state, 0);
    return 0;
}

static const struct keeper count_keeper = {
    .size = sizeof(uint64_t),
    .add = count_add,
    .put = count_put,
    .absorb = count_absorb,
    .common = true,
};

static double count_of_moments(const struct moments *m)
{
    return (double)m->count;
}

struct total {
    uint64_t count;
    struct sum sum;
};

/* The values that are there, a block at a time. */
static void add_present(struct total *t, const double *x, size_t n)
{
    double block[256];
    for (size_t i = 0, kept = 0; i < n; i++) {
        block[kept] = x[i];
        kept += (size_t)!isnan(x[i]);
        if (kept == COUNT_OF(block) || i + 1 == n) {
            sum_add_many(&t->sum, block, kept);
            t->count += kept;
            kept = 0;
        }
    }
}

static void total_add(const struct aggregate *a, char *states, const struct samples *v,
                      size_t *held)
{
    (void)a, (void)held;
    if (v->one_group) {
        add_present(STATE(struct total, states, 0), v->number, v->rows);
        return;
    }
    for (size_t r = 0; r < v->rows; r++) {
        if (isnan(v->number[r]))
            continue;
        struct total *t = STATE(struct total, states, v->group[r]);
        t->count++;
        sum_add(&t->sum, v->number[r]);
    }
}

static void total_put(const struct aggregate *a, char *state, struct buf *out)
{
    struct total *t = STATE(struct total, state, 0);
    count_put(a, state, out);
    state_put_json(sum_save(&t->sum), out);
}

static void total_absorb(const struct aggregate *a, char *state, struct text bytes, size_t *held)
{
    count_absorb(a, state, bytes, held);
    json_t *j = state_get_json((struct text){bytes.at + 8, bytes.len - 8});
    struct sum part = {0};
    if (sum_load(&part, j, NULL) == 0)
        sum_merge(&STATE(struct total, state, 0)->sum, &part);
    sum_release(&part);
    json_decref(j);
}

static int sum_answer(const struct aggregate *a, double parameter, char *state, struct arena *arena,
                      union answer *out, struct error *e)
{
    (void)a, (void)parameter, (void)arena, (void)e;
    out->number = sum_value(&STATE(struct total, state, 0)->sum);
    return 0;
}

static int mean_answer(const struct aggregate *a, double parameter, char *state,
                       struct arena *arena, union answer *out, struct error *e)
{
    (void)a, (void)parameter, (void)arena, (void)e;
    const struct total *t = STATE(struct total, state, 0);
    out->number = sum_mean(&t->sum, t->count);
    return 0;
}

static void total_release(char *state)
{
    sum_release(&STATE(struct total, state, 0)->sum);
}

static const struct keeper total_keeper = {
    .size = sizeof(struct total),
    .add = total_add,
    .put = total_put,
    .absorb = total_absorb,
    .release = total_release,
    .common = true,
};

static double sum_of_moments(const struct moments *m)
{
    return sum_value(&m->power[0]);
}

static struct moments *moments_at(const struct aggregate *a, char *states, size_t i)
{
    struct moments *m = STATE(struct moments, states, i);
    if (m->order == 0)
        moments_init(m, a->order);
    return m;
}

static void spread_add(const struct aggregate *a, char *states, const struct samples *v,
                       size_t *held)
{
    (void)held;
    if (v->one_group) {
        moments_add_many(moments_at(a, states, 0), v->number, v->rows);
        return;
    }
    for (size_t r = 0; r < v->rows; r++)
        if (!isnan(v->number[r]))
            moments_add(moments_at(a, states, v->group[r]), v->number[r]);
}

static void spread_put(const struct aggregate *a, char *state, struct buf *out)
{
    state_put_json(moments_save(moments_at(a, state, 0)), out);
}

static void spread_absorb(const struct aggregate *a, char *state, struct text bytes, size_t *held)
{
    (void)held;
    json_t *j = state_get_json(bytes);
    struct moments part = {0};
    if (moments_load(&part, j, NULL) == 0)
        moments_merge(moments_at(a, state, 0), &part);
    moments_release(&part);
    json_decref(j);
}

static void spread_release(char *state)
{
    moments_release(STATE(struct moments, state, 0));
}

const struct keeper moments_keeper = {
    .size = sizeof(struct moments),
    .add = spread_add,
    .put = spread_put,
    .absorb = spread_absorb,
    .release = spread_release,
    .common = true,
};

/* n - 1 in the divisor, as SQL and pandas have it; pandas' corrected skew and excess kurtosis. */
static double variance_of_moments(const struct moments *m)
{
    return moments_variance(m, 1);
}

static double deviation_of_moments(const struct moments *m)
{
    return moments_deviation(m, 1);
}

static double skew_of_moments(const struct moments *m)
{
    return moments_skew(m, false);
}

static double kurtosis_of_moments(const struct moments *m)
{
    return moments_kurtosis(m, false);
}

static double min_of_moments(const struct moments *m)
{
    return m->count ? m->min : (double)NAN;
}

static double max_of_moments(const struct moments *m)
{
    return m->count ? m->max : (double)NAN;
}

struct kept {
    uint64_t id;
    bool present;
    union {
        double number;
        int64_t time;
    };
    struct text text; /* owned */
};

static int compare_kept(enum type held, const struct kept *x, const struct kept *y)
{
    if (held == TYPE_TEXT)
        return text_compare(x->text, y->text);
    if (held == TYPE_TIME)
        return (x->time > y->time) - (x->time < y->time);
    return (x->number > y->number) - (x->number < y->number);
}

static bool replaces(const struct aggregate *a, enum type held, const struct kept *next,
                     const struct kept *now)
{
    if (!now->present)
        return true;
    switch (a->function->name[0] == 'm' ? a->function->name[1] : a->function->name[0]) {
    case 'i': /* min */
        return compare_kept(held, next, now) < 0;
    case 'a': /* max */
        return compare_kept(held, next, now) > 0;
    case 'f': /* first */
        return next->id < now->id;
    default: /* last */
        return next->id > now->id;
    }
}

static void keep(const struct aggregate *a, struct kept *now, struct kept next, enum type held_as,
                 size_t *held)
{
    if (!replaces(a, held_as, &next, now))
        return;
    if (held_as == TYPE_TEXT) {
        if (now->text.at)
            *held -= now->text.len;
        mem_free((void *)(uintptr_t)now->text.at);
        next.text.at = mem_text_n(next.text.at, next.text.len);
        *held += next.text.len;
    }
    next.present = true;
    *now = next;
}

static void extend(struct kept *now, bool smallest, double x)
{
    if (!isnan(x) && (!now->present || (smallest ? x < now->number : x > now->number))) {
        now->number = x + 0.0; /* never -0, which would depend on which came first */
        now->present = true;
    }
}

/* The smallest or largest number, NaN when there is none; four at a time, as each waits for the one
 * before. */
static double extreme(const double *x, size_t n, bool smallest)
{
    const double sign = smallest ? 1 : -1, none = (double)INFINITY;
    double least[4] = {none, none, none, none};
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (size_t k = 0; k < 4; k++)
            least[k] = sign * x[i + k] < least[k] ? sign * x[i + k] : least[k];
    for (; i < n; i++)
        least[0] = sign * x[i] < least[0] ? sign * x[i] : least[0];
    for (size_t k = 1; k < 4; k++)
        least[0] = least[k] < least[0] ? least[k] : least[0];
    for (i = 0; least[0] == none && i < n; i++) /* only infinities, or nothing */
        if (!isnan(x[i]))
            return sign * none;
    return least[0] < none ? sign * least[0] : (double)NAN;
}

/* min and max of numbers, the common case. Comparisons with NaN are false. */
static void extreme_add(const struct aggregate *a, char *states, const struct samples *v)
{
    bool smallest = a->function->name[1] == 'i';
    if (!v->one_group) {
        for (size_t r = 0; r < v->rows; r++)
            extend(STATE(struct kept, states, v->group[r]), smallest, v->number[r]);
        return;
    }
    extend(STATE(struct kept, states, 0), smallest, extreme(v->number, v->rows, smallest));
}

static void kept_add(const struct aggregate *a, char *states, const struct samples *v, size_t *held)
{
    enum type held_as = aggregate_held_as(a);
    if (held_as == TYPE_FLOAT && a->function->name[0] == 'm') {
        extreme_add(a, states, v);
        return;
    }
    for (size_t r = 0; r < v->rows; r++) {
        struct kept next = {.id = v->ids[r]};
        bool missing = true;
        if (held_as == TYPE_TEXT) {
            next.text = v->text[r];
            missing = !next.text.at;
        } else if (held_as == TYPE_TIME) {
            next.time = v->time[r];
            missing = next.time == INT_MISSING;
        } else {
            next.number = v->number[r];
            missing = isnan(next.number);
        }
        if (!missing)
            keep(a, STATE(struct kept, states, v->group[r]), next, held_as, held);
    }
}

static void kept_put(const struct aggregate *a, char *state, struct buf *out)
{
    (void)a;
    const struct kept *k = STATE(struct kept, state, 0);
    buf_add(out, k, sizeof *k);
    if (k->text.at)
        buf_add(out, k->text.at, k->text.len);
}

static void kept_absorb(const struct aggregate *a, char *state, struct text bytes, size_t *held)
{
    struct kept next;
    memcpy(&next, bytes.at, sizeof next);
    if (!next.present)
        return;
    if (next.text.at)
        next.text.at = bytes.at + sizeof next;
    keep(a, STATE(struct kept, state, 0), next, aggregate_held_as(a), held);
}

static int kept_value(const struct aggregate *a, double parameter, char *state, struct arena *arena,
                      union answer *out, struct error *e)
{
    (void)parameter, (void)e;
    const struct kept *k = STATE(struct kept, state, 0);
    enum type held_as = aggregate_held_as(a);
    if (held_as == TYPE_TEXT)
        out->text = k->present
                        ? (struct text){arena_text(arena, k->text.at, k->text.len), k->text.len}
                        : (struct text){NULL, 0};
    else if (held_as == TYPE_TIME)
        out->time = k->present ? k->time : INT_MISSING;
    else
        out->number = k->present ? k->number : (double)NAN;
    return 0;
}

static void kept_release(char *state)
{
    mem_free((void *)(uintptr_t)STATE(struct kept, state, 0)->text.at);
}

static const struct keeper kept_keeper = {
    .size = sizeof(struct kept),
    .add = kept_add,
    .put = kept_put,
    .absorb = kept_absorb,
    .release = kept_release,
};

/* NOLINTEND(readability-non-const-parameter) */

static const struct accumulator accumulators[] = {
    {.name = "count",
     .summary = "rows; with a column, those where it is not missing",
     .takes = TAKES_ORDERED,
     .result = TYPE_INT,
     .keeper = &count_keeper,
     .value = count_value,
     .of_moments = count_of_moments,
     .order = 1},
    {.name = "sum",
     .summary = "exact sum, rounded once",
     .takes = TAKES_NUMBER,
     .result = TYPE_FLOAT,
     .keeper = &total_keeper,
     .value = sum_answer,
     .of_moments = sum_of_moments,
     .order = 1},
    {.name = "mean",
     .summary = "exact sum divided by count",
     .takes = TAKES_NUMBER,
     .result = TYPE_FLOAT,
     .keeper = &total_keeper,
     .value = mean_answer,
     .of_moments = moments_mean,
     .order = 1},
    {.name = "min",
     .summary = "smallest",
     .takes = TAKES_ORDERED,
     .keeps_type = true,
     .result = TYPE_FLOAT,
     .keeper = &kept_keeper,
     .value = kept_value,
     .of_moments = min_of_moments,
     .order = 1},
    {.name = "max",
     .summary = "largest",
     .takes = TAKES_ORDERED,
     .keeps_type = true,
     .result = TYPE_FLOAT,
     .keeper = &kept_keeper,
     .value = kept_value,
     .of_moments = max_of_moments,
     .order = 1},
    {.name = "first",
     .summary = "first that is not missing, in row order",
     .takes = TAKES_ORDERED,
     .keeps_type = true,
     .result = TYPE_FLOAT,
     .keeper = &kept_keeper,
     .value = kept_value},
    {.name = "last",
     .summary = "last that is not missing, in row order",
     .takes = TAKES_ORDERED,
     .keeps_type = true,
     .result = TYPE_FLOAT,
     .keeper = &kept_keeper,
     .value = kept_value},
    {.name = "mode",
     .summary = "most frequent; of several the first by name",
     .takes = TAKES_TEXT,
     .keeps_type = true,
     .result = TYPE_TEXT,
     .keeper = &occurrences_keeper,
     .value = mode_value},
    {.name = "median",
     .summary = "exact median, mean of the two in the middle",
     .takes = TAKES_NUMBER,
     .result = TYPE_FLOAT,
     .keeper = &values_keeper,
     .value = values_value},
    {.name = "quantile",
     .summary = "exact quantile, type 7: quantile(x, 0.9)",
     .takes = TAKES_NUMBER,
     .has_parameter = true,
     .result = TYPE_FLOAT,
     .keeper = &values_keeper,
     .value = values_value},
    {.name = "std",
     .summary = "standard deviation, n - 1",
     .takes = TAKES_NUMBER,
     .result = TYPE_FLOAT,
     .keeper = &moments_keeper,
     .of_moments = deviation_of_moments,
     .order = 2},
    {.name = "var",
     .summary = "variance, n - 1",
     .takes = TAKES_NUMBER,
     .result = TYPE_FLOAT,
     .keeper = &moments_keeper,
     .of_moments = variance_of_moments,
     .order = 2},
    {.name = "skew",
     .summary = "skewness, corrected as pandas does",
     .takes = TAKES_NUMBER,
     .result = TYPE_FLOAT,
     .keeper = &moments_keeper,
     .of_moments = skew_of_moments,
     .order = 3},
    {.name = "kurtosis",
     .summary = "excess kurtosis, corrected as pandas does",
     .takes = TAKES_NUMBER,
     .result = TYPE_FLOAT,
     .keeper = &moments_keeper,
     .of_moments = kurtosis_of_moments,
     .order = 4},
    {.name = "nunique",
     .summary = "distinct values, exact",
     .takes = TAKES_TEXT,
     .result = TYPE_INT,
     .keeper = &occurrences_keeper,
     .value = nunique_value},
    {.name = "nunique_approx",
     .summary = "distinct values by HyperLogLog, 0.8 % standard error",
     .takes = TAKES_TEXT,
     .result = TYPE_INT,
     .keeper = &distinct_keeper,
     .value = distinct_answer},
    {.name = "collect",
     .summary = "all values as a JSON list, in row order",
     .takes = TAKES_TEXT,
     .result = TYPE_JSON,
     .keeper = &collect_keeper,
     .value = collect_value},
};

static bool is_of_moments(const struct aggregate *a)
{
    return a->function->of_moments && a->argument.at && aggregate_held_as(a) == TYPE_FLOAT;
}

bool aggregate_share(struct aggregate *a, const struct aggregate *b)
{
    if (!text_equal(a->argument, b->argument))
        return false;
    if (a->function == b->function ||
        (a->keeper == b->keeper && a->keeper->common && a->keeper != &moments_keeper))
        return true;
    if (!is_of_moments(a) || !is_of_moments(b))
        return false;
    a->keeper = &moments_keeper;
    a->order = b->order > a->order ? b->order : a->order;
    return true;
}

int aggregate_value(const struct aggregate *a, const struct asked *asked, char *state,
                    struct arena *arena, union answer *out, struct error *e)
{
    if (a->keeper != &moments_keeper)
        return asked->function->value(a, asked->parameter, state, arena, out, e);
    out->number = asked->function->of_moments(moments_at(a, state, 0));
    return 0;
}

const struct accumulator *accumulator_at(size_t i)
{
    return i < COUNT_OF(accumulators) ? &accumulators[i] : NULL;
}

const struct accumulator *accumulator_find(struct text name)
{
    for (size_t i = 0; i < COUNT_OF(accumulators); i++)
        if (text_equal(name, text_of(accumulators[i].name)))
            return &accumulators[i];
    return NULL;
}
