/* tree_encode: categories merged by a regression tree on the target. */
#include "steps/encoder.h"
#include "steps/steps.h"

#include <stdlib.h>

/* A category: the target in its rows, and its place among the categories. */
struct ranked {
    double mean, sum, count;
    size_t place;
};

/* Categories in order of the target's mean, and a regression tree over that order. */
struct leaves {
    const struct categories *c;
    struct ranked *at;
    size_t least; /* rows of a leaf */
};

static int by_mean(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->mean != b->mean)
        return a->mean < b->mean ? -1 : 1;
    return a->place < b->place ? -1 : 1;
}

/* The first of at[from .. to) that goes right when the squared error falls most; `to` when no split
 * is allowed or helps. */
static size_t best_split(const struct leaves *l, size_t from, size_t to)
{
    double sum = 0, count = 0, left_sum = 0, left = 0;
    for (size_t i = from; i < to; i++) {
        sum += l->at[i].sum;
        count += l->at[i].count;
    }
    double best = sum * sum / count;
    size_t found = to;
    for (size_t i = from; i + 1 < to; i++) {
        left_sum += l->at[i].sum;
        left += l->at[i].count;
        double right_sum = sum - left_sum, right = count - left;
        double gain = left_sum * left_sum / left + right_sum * right_sum / right;
        bool allowed = left >= (double)l->least && right >= (double)l->least;
        if (allowed && gain > best * (1 + 1e-12)) {
            best = gain;
            found = i + 1;
        }
    }
    return found;
}

static void grow(const struct leaves *l, size_t from, size_t to, int64_t depth, double *table)
{
    size_t split = depth > 0 ? best_split(l, from, to) : to;
    if (split < to) {
        grow(l, from, split, depth - 1, table);
        grow(l, split, to, depth - 1, table);
        return;
    }
    double sum = 0, count = 0;
    for (size_t i = from; i < to; i++) {
        sum += l->at[i].sum;
        count += l->at[i].count;
    }
    for (size_t i = from; i < to; i++)
        table[l->at[i].place] = sum / count;
}

static int derive_tree(const struct step *s, struct categories *c, struct error *e)
{
    (void)e;
    double prior = categories_prior(c), *table = categories_table(c, 1, prior);
    size_t most = c->count + categories_keep(c), n = 0;
    struct leaves l = {.c = c, .least = (size_t)arg_int(s, "min_rows")};
    l.at = mem_alloc((most + 1) * sizeof *l.at);
    for (size_t i = 0; i < most; i++) {
        const struct tally *t = categories_tally(c, i, 0);
        table[i] = prior;
        if (t->count > 0)
            l.at[n++] = (struct ranked){tally_mean(t), sum_value(&t->sum), (double)t->count, i};
    }
    qsort(l.at, n, sizeof *l.at, by_mean);
    if (n > 0)
        grow(&l, 0, n, arg_int(s, "depth"), table);
    mem_free(l.at);
    return 0;
}

static const struct arg tree_args[] = {ENCODER_TARGET_BEGIN,
                                       {.name = "depth",
                                        .kind = ARG_INT,
                                        .fallback = "3",
                                        .help = "of the tree, at most",
                                        .min = 1,
                                        .max = 30},
                                       {.name = "min_rows",
                                        .kind = ARG_INT,
                                        .fallback = "1",
                                        .help = "of a leaf",
                                        .min = 1,
                                        .max = 1e12},
                                       ENCODER_TARGET_END};

static const struct encoder tree = {ENCODER_LEARNS, .target = TARGET_SUM, .to = TYPE_FLOAT,
                                    .derive = derive_tree};

const struct step_kind steps_encode_tree[] = {
    {
        .name = "tree_encode",
        .family = "encode",
        .class = "F",
        .summary = "merge categories by a regression tree on their mean target: the leaf's mean",
        .details = ENCODER_PRIOR
        "Categories are put in order of their mean, ties by name; the tree splits that order "
        "where the squared error falls most, at most depth times in a row. feature-engine's "
        "DecisionTreeEncoder chooses the depth by cross-validation; here it is given." HELD(
            "categories", "about 300 bytes and the text"),
        .args = tree_args,
        .example = {.program = "tree_encode c target=y depth=1",
                    .input = "c,y\na,1\nb,2\nc,9\nd,11\n",
                    .output = "c,y\n1.5,1\n1.5,2\n10,9\n10,11\n"},
        ENCODER_HOOKS,
        .detail = &tree,
    },
    {0},
};
