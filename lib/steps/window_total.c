/* The step fraction_of_total: the total is learnt. */
#include "prep/columnwise.h"
#include "runtime/program_curve.h"
#include "steps/steps.h"

#include <math.h>

struct total {
    struct sum sum;
    double value;
};

static int add_values(const struct lesson *l, void *state, const double *values, struct error *e)
{
    (void)e;
    size_t count;
    const double *present = lesson_present(l, values, &count);
    sum_add_many(&((struct total *)state)->sum, present, count);
    return 0;
}

static int merge_totals(const struct step *s, void *into, void *from, struct error *e)
{
    (void)s, (void)e;
    sum_merge(&((struct total *)into)->sum, &((struct total *)from)->sum);
    return 0;
}

static int round_total(const struct step *s, size_t index, void *state, struct error *e)
{
    (void)s, (void)index, (void)e;
    struct total *total = state;
    total->value = sum_value(&total->sum);
    return 0;
}

static json_t *save_total(const struct step *s, const void *state)
{
    (void)s;
    const struct total *total = state;
    return json_pack("{s:o, s:o}", "sum", sum_save(&total->sum), "total",
                     json_of_number(total->value));
}

static int load_total(const struct step *s, void *state, const json_t *j, struct error *e)
{
    (void)s;
    return sum_load(&((struct total *)state)->sum, json_object_get(j, "sum"), e);
}

static void release_total(void *state)
{
    sum_release(&((struct total *)state)->sum);
}

static int divide(struct mapping *m)
{
    const struct total *total = columnwise_mapped(m);
    double factor = arg_bool(m->step, "percent") ? 100 : 1;
    for (size_t r = 0; r < m->rows; r++) {
        double share = factor * m->in->number[r] / total->value;
        m->out->number[r] = isfinite(share) ? share : (double)NAN;
    }
    return 0;
}

static int lower_share(struct lower_map *m)
{
    const struct total *total = columnwise_learnt(m->step, m->index);
    const double constants[] = {arg_bool(m->step, "percent") ? 100 : 1, total->value};
    m->out[0] =
        lower_op(m->to, ML_OP_curve, m->in[0], lower_range(m->to, constants, 2), ML_CURVE_share);
    return 0;
}

static const struct learner total_learner = {.size = sizeof(struct total),
                                             .numbers = add_values,
                                             .merge = merge_totals,
                                             .finish = round_total,
                                             .save = save_total,
                                             .load = load_total,
                                             .release = release_total};

static const struct arg fraction_args[] = {
    ROWWISE_COLUMNS("columns of numbers"),
    {.name = "percent", .kind = ARG_BOOL, .fallback = "false", .help = "in percent"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {0}};

const struct step_kind steps_window_total[] = {
    {.name = "fraction_of_total",
     .aliases = "fraction",
     .family = "window",
     .class = "F",
     .summary = "each value divided by the sum of its column",
     .details = "The sum is exact, and that of the rows learnt from: on other rows the shares need "
                "not come to 1. A total of 0 gives missing. New columns are named x_fraction.",
     .args = fraction_args,
     .example = {.program = "fraction_of_total x",
                 .input = "x\n1\n3\n\n4\n",
                 .output = "x,x_fraction\n1,0.125\n3,0.375\n,\n4,0.5\n"},
     COLUMNWISE_HOOKS,
     ROWWISE_HOOKS,
     .detail = &(const struct columnwise){.map = {.from = TYPE_FLOAT,
                                                  .to = TYPE_FLOAT,
                                                  .suffix = "_fraction",
                                                  .column = divide,
                                                  .lower = lower_share},
                                          .learner = &total_learner}},
    {0},
};
