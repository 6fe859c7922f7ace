/* Steps that replace numbers by the bin they fall into. */
#include "prep/retype.h"
#include "steps/bins.h"
#include "steps/steps.h"
#include "steps/summary.h"

#include <math.h>
#include <stdlib.h>

/* Kept in the plan by prepare. */
struct binning {
    size_t target; /* FIELD_NONE: without one */
    const char *target_name;
    bool classes;  /* of the target; else it is a number */
    double *edges; /* given by bin_custom */
    size_t edge_count;
    struct text *names; /* of its bins; NULL: none */
};

static const struct binning *binning_of(const struct step *s)
{
    return rowwise_plan(s)->own;
}

static int64_t int_or(const struct step *s, const char *name, int64_t otherwise)
{
    return step_has_arg(s, name) ? arg_int(s, name) : otherwise;
}

static size_t bins_of(const struct step *s)
{
    return (size_t)int_or(s, "bins", INT64_MAX);
}

/* min, the cuts inside, max: what a bin's edges are. Takes c. */
static void set_edges(struct summary *m, struct cuts *c, double min, double max)
{
    summary_set_list(m, "edges", &min, 1);
    for (size_t i = 0; i < c->at.len; i++)
        if (c->at.at[i] > m->learnt.at[m->learnt.len - 1] && c->at.at[i] < max)
            vec_push(&m->learnt, c->at.at[i]);
    vec_push(&m->learnt, max);
    vec_release(&c->at);
}

static int finish_equal_width(const struct step *s, size_t index, void *state, struct error *e)
{
    struct summary *m = state;
    struct cuts c = {0};
    (void)index, (void)e;
    if (m->moments->count == 0)
        return 0;
    cuts_equal_width(&c, m->moments->min, m->moments->max, bins_of(s));
    set_edges(m, &c, m->moments->min, m->moments->max);
    return 0;
}

static int finish_geometric(const struct step *s, size_t index, void *state, struct error *e)
{
    struct summary *m = state;
    struct cuts c = {0};
    (void)index, (void)e;
    if (m->moments->count == 0)
        return 0;
    cuts_geometric(&c, m->moments->min, m->moments->max, bins_of(s));
    set_edges(m, &c, m->moments->min, m->moments->max);
    return 0;
}

static int finish_equal_freq(const struct step *s, size_t index, void *state, struct error *e)
{
    struct summary *m = state;
    size_t bins = bins_of(s);
    struct cuts c = {0};
    (void)index;
    if (quantiles_count(m->quantiles) == 0)
        return 0;
    double *q = mem_alloc(2 * (bins + 1) * sizeof *q), *edge = q + bins + 1;
    for (size_t i = 0; i <= bins; i++)
        q[i] = (double)i / (double)bins;
    int rc = quantiles_at(m->quantiles, q, bins + 1, edge, e);
    for (size_t i = 1; rc == 0 && i < bins; i++)
        vec_push(&c.at, edge[i]);
    if (rc == 0)
        set_edges(m, &c, edge[0], edge[bins]);
    mem_free(q);
    return rc;
}

typedef void cut_function(const struct step *s, struct cuts *c, const struct distribution *d);

static int finish_cuts(const struct step *s, struct summary *m, cut_function *cut)
{
    struct distribution *d = m->values;
    struct cuts c = {0};
    distribution_settle(d);
    if (d->count == 0)
        return 0;
    cut(s, &c, d);
    set_edges(m, &c, d->pairs.at[0].x, d->pairs.at[d->pairs.len - 1].x);
    return 0;
}

static void kmeans(const struct step *s, struct cuts *c, const struct distribution *d)
{
    cuts_kmeans(c, d, bins_of(s));
}

static void tree(const struct step *s, struct cuts *c, const struct distribution *d)
{
    struct tree_limits limits = {.leaves = bins_of(s),
                                 .depth = (size_t)int_or(s, "depth", 64),
                                 .least = (uint64_t)int_or(s, "min_rows", 1)};
    cuts_tree(c, d, &limits);
}

static void mdlp(const struct step *s, struct cuts *c, const struct distribution *d)
{
    (void)s;
    cuts_mdlp(c, d);
}

static void chimerge(const struct step *s, struct cuts *c, const struct distribution *d)
{
    cuts_chimerge(c, d, step_has_arg(s, "alpha") ? arg_number(s, "alpha") : 0.05, bins_of(s));
}

static int finish_kmeans(const struct step *s, size_t index, void *state, struct error *e)
{
    (void)index, (void)e;
    return finish_cuts(s, state, kmeans);
}

static int finish_tree(const struct step *s, size_t index, void *state, struct error *e)
{
    (void)index, (void)e;
    return finish_cuts(s, state, tree);
}

static int finish_mdlp(const struct step *s, size_t index, void *state, struct error *e)
{
    (void)index, (void)e;
    return finish_cuts(s, state, mdlp);
}

static int finish_chimerge(const struct step *s, size_t index, void *state, struct error *e)
{
    (void)index, (void)e;
    return finish_cuts(s, state, chimerge);
}

/* Rows where the value or the target is missing teach nothing. */
static int learn_with_target(const struct lesson *l, void *state, const double *values,
                             struct error *e)
{
    const struct binning *b = binning_of(l->step);
    struct distribution *d = ((struct summary *)state)->values;
    const double *target = NULL;
    const struct text *class = NULL;
    const bool classes = b->classes;
    int rc = 0;
    if (classes)
        class = batch_text(l->batch, b->target);
    else
        rc = batch_double(l->batch, b->target, b->target_name, &target, e);
    for (size_t r = 0; r < l->rows && rc == 0; r++) {
        if (isnan(values[r]) || (classes ? !class[r].at : isnan(target[r])))
            continue;
        if (classes)
            distribution_add_class(d, values[r], class[r]);
        else
            distribution_add(d, values[r], target[r], 1);
    }
    return rc;
}

enum { QUANTILE, WIDTH, KMEANS, GEOMETRIC, TREE, MDLP, CHIMERGE };
#define METHOD_WORDS "quantile width kmeans geometric tree mdlp chimerge"
static const struct learner learners[] = {
    [QUANTILE] = SUMMARY_LEARNER(summary_quantiles, finish_equal_freq),
    [WIDTH] = SUMMARY_LEARNER(summary_moments, finish_equal_width),
    [KMEANS] = SUMMARY_LEARNER(summary_values, finish_kmeans),
    [GEOMETRIC] = SUMMARY_LEARNER(summary_moments, finish_geometric),
    [TREE] = SUMMARY_LEARNER_OF(summary_values, learn_with_target, finish_tree),
    [MDLP] = SUMMARY_LEARNER_OF(summary_values, learn_with_target, finish_mdlp),
    [CHIMERGE] = SUMMARY_LEARNER_OF(summary_values, learn_with_target, finish_chimerge),
};

static const struct learner *choose(const struct step *s)
{
    return &learners[arg_choice(s, "method")];
}

static const struct learner *learner_used(const struct step *s)
{
    const struct columnwise *c = s->kind->detail;
    return c->choose ? c->choose(s) : c->learner;
}

static bool takes_classes(const struct step *s, enum type target)
{
    if (learner_used(s) != &learners[TREE])
        return true;
    int task = step_has_arg(s, "task") ? arg_choice(s, "task") : 0;
    return task == 0 ? !type_is_number(target) : task == 1;
}

static int plan_target(struct step *s, const struct schema *in, struct binning *b, struct error *e)
{
    bool needed = learner_used(s)->numbers == learn_with_target;
    if (needed != arg_given(s, "target"))
        return step_error(s, e, needed ? "target is needed" : "this method takes no target");
    int rc = arg_column(s, "target", in, &b->target, e);
    if (rc || !needed)
        return rc;
    const struct field *f = &in->fields.at[b->target];
    b->target_name = arena_text(&s->arena, f->name, strlen(f->name));
    b->classes = takes_classes(s, f->type);
    return 0;
}

static int plan_bins(struct step *s, const struct schema *in, struct error *e)
{
    struct binning *b = arena_zero(&s->arena, sizeof *b);
    rowwise_plan(s)->own = b;
    b->target = FIELD_NONE;
    return step_has_arg(s, "target") ? plan_target(s, in, b, e) : 0;
}

static int plan_edges(struct step *s, const struct schema *in, struct error *e)
{
    struct binning *b = arena_zero(&s->arena, sizeof *b);
    struct text *words;
    (void)in;
    rowwise_plan(s)->own = b;
    b->edge_count = arg_list(s, "edges", &words);
    b->edges = arena_alloc(&s->arena, (b->edge_count + 1) * sizeof *b->edges);
    for (size_t i = 0; i < b->edge_count; i++) {
        bool number = number_parse_double(words[i].at, words[i].len, &b->edges[i]);
        if (!number || (i > 0 && b->edges[i] <= b->edges[i - 1]))
            return step_error(s, e, "edges must be increasing numbers");
    }
    if (b->edge_count < 2)
        return step_error(s, e, "at least two edges are needed");
    if (arg_given(s, "names") && arg_list(s, "names", &b->names) != b->edge_count - 1)
        return step_error(s, e, "expected %zu names, one for each bin", b->edge_count - 1);
    return 0;
}

enum { LABELS_CODE, LABELS_RANGE };

static int bins_shape(struct step *s, struct schema *schema, struct error *e)
{
    bool code = arg_choice(s, "labels") == LABELS_CODE && !binning_of(s)->names;
    return rowwise_shape_as(s, schema, NULL, code ? TYPE_INT : TYPE_TEXT, e);
}

struct edges {
    const double *at;
    size_t len;
};

static struct edges edges_of(const struct step *s, size_t index)
{
    const struct binning *b = binning_of(s);
    if (b->edges)
        return (struct edges){b->edges, b->edge_count};
    const struct summary *learnt = columnwise_learnt(s, index);
    return (struct edges){learnt->learnt.at, learnt->learnt.len};
}

static void print_number(struct buf *out, double x)
{
    char digits[NUMBER_MAX];
    buf_add(out, digits, number_print(digits, x));
}

/* "[1, 6)"; the last is closed on both sides. */
static void print_range(struct buf *out, struct edges edges, size_t bin)
{
    buf_putc(out, '[');
    print_number(out, edges.at[bin]);
    buf_puts(out, ", ");
    print_number(out, edges.at[bin + 1]);
    buf_putc(out, bin + 2 == edges.len ? ']' : ')');
}

static void print_label(struct buf *out, const struct step *s, struct edges edges, size_t bin)
{
    const struct binning *b = binning_of(s);
    if (b->names)
        buf_add(out, b->names[bin].at, b->names[bin].len);
    else if (arg_choice(s, "labels") == LABELS_RANGE)
        print_range(out, edges, bin);
    else
        buf_format(out, "%zu", bin);
}

/* What each bin is called, in the batch's arena. */
static const struct text *labels_of(struct mapping *m, struct edges edges)
{
    struct text *labels = batch_array(m->batch, edges.len, sizeof *labels);
    for (size_t i = 0; i + 1 < edges.len; i++) {
        print_label(&m->scratch, m->step, edges, i);
        labels[i] = mapping_text(m);
    }
    return labels;
}

/* The bin of x: edges.at[bin] <= x < edges.at[bin + 1]; the ends take what is beyond them. */
static size_t bin_of(struct edges edges, double x)
{
    size_t low = 0, high = edges.len - 2;
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;
        if (edges.at[middle] <= x)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static int put_into_bins(struct mapping *m)
{
    const struct text none = {NULL, 0};
    struct edges edges = edges_of(m->step, (size_t)(m->columns - m->step->columns));
    const struct text *labels = labels_of(m, edges);
    bool clip = arg_choice(m->step, "outside") == 0;
    for (size_t r = 0; r < m->rows; r++) {
        double x = m->in->number[r];
        bool known = edges.len >= 2 && !isnan(x);
        known = known && (clip || (x >= edges.at[0] && x <= edges.at[edges.len - 1]));
        m->out->text[r] = known ? labels[bin_of(edges, x)] : none;
    }
    return 0;
}

/* Bins that are numbers are known as such, too. */
static int lower_bins(struct lower_map *m)
{
    struct edges edges = edges_of(m->step, m->index);
    size_t bins = edges.len > 1 ? edges.len - 1 : 0;
    struct text *labels = mem_array(NULL, bins + 1, sizeof *labels);
    double *codes = mem_array(NULL, bins + 1, sizeof *codes);
    bool numbers = true;
    for (size_t i = 0; i < bins; i++) {
        struct buf label = {0};
        print_label(&label, m->step, edges, i);
        labels[i] = (struct text){buf_text(&label), label.len};
        numbers = numbers && number_parse_double(label.at, label.len, &codes[i]);
        labels[i].at = buf_take(&label);
    }
    bool clip = arg_choice(m->step, "outside") == 0;
    uint32_t at = lower_range(m->to, edges.at, edges.len);
    uint32_t bin = lower_op(m->to, ML_OP_bin, m->in[0], at, clip);
    m->out[0] = lower_op(m->to, ML_OP_look_text, bin, lower_range_text(m->to, labels, bins), 0);
    if (numbers)
        m->also[0] = lower_op(m->to, ML_OP_look_float, bin, lower_range(m->to, codes, bins), 0);
    for (size_t i = 0; i < bins; i++)
        mem_free((void *)(uintptr_t)labels[i].at);
    mem_free(labels);
    mem_free(codes);
    return 0;
}

#define BIN_COUNT(most, what)                                                                      \
    {                                                                                              \
        .name = "bins", .kind = ARG_INT, .fallback = most, .min = 2, .max = 10000, .help = what    \
    }
#define BIN_RESULTS(beyond)                                                                        \
    {.name = "labels",                                                                             \
     .kind = ARG_CHOICE,                                                                           \
     .fallback = "code",                                                                           \
     .choices = "code range",                                                                      \
     .help = "numbers from 0, or texts such as [1, 6)"},                                           \
        {.name = "outside",                                                                        \
         .kind = ARG_CHOICE,                                                                       \
         .fallback = beyond,                                                                       \
         .choices = "clip missing",                                                                \
         .help = "values beyond the edges: first or last bin, or missing"},                        \
        ROWWISE_INTO, ROWWISE_SUFFIX,                                                              \
    {                                                                                              \
        .name = NULL                                                                               \
    }
#define BIN_TARGET(need, what)                                                                     \
    {                                                                                              \
        .name = "target", .kind = ARG_COLUMN, .required = need, .help = what                       \
    }

static const struct arg bin_args[] = {
    ROWWISE_COLUMNS("numbers to put into bins"),
    {.name = "method",
     .kind = ARG_CHOICE,
     .fallback = "quantile",
     .choices = METHOD_WORDS,
     .help = "as bin_equal_freq, bin_equal_width, bin_kmeans ... do"},
    BIN_COUNT("5", "how many, at most"),
    BIN_TARGET(false, "tree, mdlp, chimerge: what the bins should tell apart"),
    BIN_RESULTS("clip"),
};
static const struct arg counted_args[] = {
    ROWWISE_COLUMNS("numbers to put into bins"),
    BIN_COUNT("5", "how many, at most"),
    BIN_RESULTS("clip"),
};
static const struct arg custom_args[] = {
    ROWWISE_COLUMNS("numbers to put into bins"),
    {.name = "edges",
     .kind = ARG_LIST,
     .required = true,
     .help = "increasing numbers: the first bin's lower edge to the last one's upper"},
    {.name = "names", .kind = ARG_LIST, .help = "texts for the bins, one fewer than edges"},
    BIN_RESULTS("missing"),
};
static const struct arg tree_args[] = {
    ROWWISE_COLUMNS("numbers to put into bins"),
    BIN_TARGET(true, "what the bins should tell apart"),
    BIN_COUNT("8", "leaves of the tree, at most"),
    {.name = "depth", .kind = ARG_INT, .fallback = "3", .min = 1, .max = 64, .help = "of the tree"},
    {.name = "min_rows",
     .kind = ARG_INT,
     .fallback = "1",
     .min = 1,
     .max = 1e15,
     .help = "rows in a leaf, at least"},
    {.name = "task",
     .kind = ARG_CHOICE,
     .fallback = "auto",
     .choices = "auto class number",
     .help = "what the target is; auto: a number when its column is one"},
    BIN_RESULTS("clip"),
};
static const struct arg mdlp_args[] = {
    ROWWISE_COLUMNS("numbers to put into bins"),
    BIN_TARGET(true, "classes to tell apart"),
    BIN_RESULTS("clip"),
};
static const struct arg chimerge_args[] = {
    ROWWISE_COLUMNS("numbers to put into bins"),
    BIN_TARGET(true, "classes to tell apart"),
    BIN_COUNT("10", "how many, at most"),
    {.name = "alpha",
     .kind = ARG_NUMBER,
     .fallback = "0.05",
     .min = 0,
     .max = 1,
     .help = "neighbours are joined unless they differ at this significance"},
    BIN_RESULTS("clip"),
};

#define DISCRETIZE .family = "discretize", .keeps_rows = true

#define BIN_MAP                                                                                    \
    .from = TYPE_FLOAT, .to = TYPE_TEXT, .column = put_into_bins, .lower = lower_bins,             \
    .prepare = plan_bins
#define BIN_HOOKS                                                                                  \
    .open = rowwise_open, .shape = bins_shape, .close = rowwise_close, .apply = rowwise_apply,     \
    .lower = rowwise_lower
#define LEARNT_BINS(method)                                                                        \
    BIN_HOOKS, COLUMNWISE_HOOKS, .detail = &(const struct columnwise)                              \
    {                                                                                              \
        .map = {BIN_MAP}, .learner = &learners[method]                                             \
    }
#define EDGE_RULE                                                                                  \
    "A value equal to an edge belongs to the bin on its right, the greatest to the last bin; new " \
    "values beyond the ends belong to the end bins unless outside=missing. Missing stays "         \
    "missing. "

#define SQUARES      "x\n1\n2\n4\n9\n16\n"
#define CLASSES      "x,y\n1,a\n2,a\n3,a\n10,b\n11,b\n12,b\n20,a\n21,a\n"
#define CLASSES_BINS "x,y\n0,a\n0,a\n0,a\n1,b\n1,b\n1,b\n2,a\n2,a\n"

const struct step_kind steps_discretize[] = {
    {.name = "bin",
     .aliases = "discretize cut:method=width qcut:method=quantile",
     DISCRETIZE,
     .class = "F",
     .summary = "replace numbers by their bin, cut as method= says",
     .details = EDGE_RULE
     "Each method is also a step of its own (bin_equal_freq, bin_equal_width, bin_kmeans, "
     "bin_geometric, bin_tree, bin_mdlp, bin_chimerge), with further arguments.",
     .args = bin_args,
     .example = {.program = "bin x bins=3", .input = SQUARES, .output = "x\n0\n0\n1\n2\n2\n"},
     BIN_HOOKS,
     COLUMNWISE_HOOKS,
     .detail = &(const struct columnwise){.map = {BIN_MAP}, .choose = choose}},
    {.name = "bin_custom",
     .aliases = "cut_at arbitrary_bins",
     .family = "discretize",
     .class = "S",
     .summary = "replace numbers by their bin between given edges",
     .details =
         "A value equal to an edge belongs to the bin on its right, one equal to the last edge "
         "to the last bin (pandas' cut: to the left unless right=False). Values beyond the "
         "ends are missing unless outside=clip.",
     .args = custom_args,
     .example = {.program = "bin_custom age edges=0,18,65 names=child,adult outside=clip",
                 .input = "age\n5\n18\n70\n",
                 .output = "age\nchild\nadult\nadult\n"},
     BIN_HOOKS,
     .detail = &(const struct rowwise){.from = TYPE_FLOAT,
                                       .to = TYPE_TEXT,
                                       .column = put_into_bins,
                                       .lower = lower_bins,
                                       .prepare = plan_edges}},
    {.name = "bin_equal_width",
     DISCRETIZE,
     .class = "F",
     .summary = "bins of equal width between the least and the greatest value",
     .details = EDGE_RULE,
     .args = counted_args,
     .example = {.program = "bin_equal_width x bins=3 labels=range",
                 .input = SQUARES,
                 .output = "x\n\"[1, 6)\"\n\"[1, 6)\"\n\"[1, 6)\"\n\"[6, 11)\"\n\"[11, 16]\"\n"},
     LEARNT_BINS(WIDTH)},
    {.name = "bin_equal_freq",
     .aliases = "bin_quantile quantile_bins",
     DISCRETIZE,
     .class = "F",
     .summary = "bins of about as many rows each",
     .details = EDGE_RULE
     "Edges are quantiles of type 7; equal ones are one edge, so there may be fewer bins.",
     .args = counted_args,
     .example =
         {.program = "bin_equal_freq x bins=3 labels=range",
          .input = SQUARES,
          .output =
              "x\n\"[1, 2.6666666666666665)\"\n\"[1, 2.6666666666666665)\"\n\"[2.6666666666666665, "
              "7.333333333333332)\"\n\"[7.333333333333332, 16]\"\n\"[7.333333333333332, 16]\"\n"},
     LEARNT_BINS(QUANTILE)},
    {.name = "bin_geometric",
     DISCRETIZE,
     .class = "F",
     .summary = "bins whose width grows by a constant factor",
     .details = EDGE_RULE "Edge i is min + (max - min)^(i / bins), as in feature-engine.",
     .args = counted_args,
     .example = {.program = "bin_geometric x bins=4 labels=range",
                 .input = "x\n0\n1\n3\n9\n16\n",
                 .output = "x\n\"[0, 2)\"\n\"[0, 2)\"\n\"[2, 4)\"\n\"[8, 16]\"\n\"[8, 16]\"\n"},
     LEARNT_BINS(GEOMETRIC)},
    {.name = "bin_kmeans",
     DISCRETIZE,
     .class = "F2",
     .summary = "bins around the centres of k-means",
     .details = EDGE_RULE
     "Starts from the middles of bins of equal width, as scikit-learn does, and goes on until no "
     "centre moves (scikit-learn stops earlier, at a tolerance)." HELD("distinct numbers",
                                                                       "about 24 bytes"),
     .args = counted_args,
     .example = {.program = "bin_kmeans x bins=3 labels=range",
                 .input = SQUARES,
                 .output = "x\n\"[1, 5.666666666666667)\"\n\"[1, 5.666666666666667)\"\n\"[1, "
                           "5.666666666666667)\"\n\"[5.666666666666667, 12.5)\"\n\"[12.5, 16]\"\n"},
     LEARNT_BINS(KMEANS)},
    {.name = "bin_tree",
     .aliases = "decision_tree_bins",
     DISCRETIZE,
     .class = "F",
     .summary = "bins that are the leaves of a decision tree for a target",
     .details = EDGE_RULE
     "The tree (CART: Gini for classes, least squares for numbers) always splits the leaf with the "
     "most to gain; cuts are halfway between values. Rows without a target are not learnt from.",
     .args = tree_args,
     .example = {.program = "bin_tree x target=y", .input = CLASSES, .output = CLASSES_BINS},
     LEARNT_BINS(TREE)},
    {.name = "bin_mdlp",
     DISCRETIZE,
     .class = "F",
     .summary = "bins by class entropy, as many as pay for their description",
     .details = EDGE_RULE "Fayyad and Irani, Multi-interval discretization (IJCAI 1993).",
     .args = mdlp_args,
     .example = {.program = "bin_mdlp x target=y",
                 .input = "x,y\n1,a\n2,a\n3,a\n4,a\n10,b\n11,b\n12,b\n13,b\n",
                 .output = "x,y\n0,a\n0,a\n0,a\n0,a\n1,b\n1,b\n1,b\n1,b\n"},
     LEARNT_BINS(MDLP)},
    {.name = "bin_chimerge",
     DISCRETIZE,
     .class = "F",
     .summary = "bins joined from below while their classes do not differ",
     .details = EDGE_RULE
     "Kerber, ChiMerge (AAAI 1992): the neighbours with the least chi-square are joined until all "
     "differ at significance alpha and there are at most bins=. More than 1000 distinct values are "
     "first put into 1000 groups. Edges are learnt values.",
     .args = chimerge_args,
     .example = {.program = "bin_chimerge x target=y", .input = CLASSES, .output = CLASSES_BINS},
     LEARNT_BINS(CHIMERGE)},
    {.name = NULL},
};
