/* Histogram gradient boosting of scikit-learn: doubles, missing values, sets of categories. */
#include "model/import_sklearn.h"

enum { SET_WORDS = 8 }; /* categories are below 256 */

struct hist_fields {
    const struct dtype_field *value, *count, *feature, *threshold, *missing_left, *left, *right;
    const struct dtype_field *is_leaf, *is_set, *set; /* the last two: since 0.24 */
};

/* What the trees of a model share. */
struct hist {
    struct builder *builder;
    uint32_t *known; /* features * SET_WORDS: categories seen in training; NULL: no sets */
};

static bool find_fields(const struct dtype *t, struct hist_fields *f)
{
    const struct dtype_field *threshold = dtype_find(t, "num_threshold");
    *f = (struct hist_fields){dtype_find(t, "value"),
                              dtype_find(t, "count"),
                              dtype_find(t, "feature_idx"),
                              threshold ? threshold : dtype_find(t, "threshold"),
                              dtype_find(t, "missing_go_to_left"),
                              dtype_find(t, "left"),
                              dtype_find(t, "right"),
                              dtype_find(t, "is_leaf"),
                              dtype_find(t, "is_categorical"),
                              dtype_find(t, "bitset_idx")};
    return f->value && f->count && f->feature && f->threshold && f->missing_left && f->left &&
           f->right && f->is_leaf;
}

/* The categories that go left, as the file has them. */
static int read_words(struct sklearn *s, const struct pickled *tree, double row, uint32_t *words)
{
    const struct pickled *sets = pickle_get(tree, "raw_left_cat_bitsets");
    const struct array *a = sets && sets->kind == PICKLE_ARRAY ? sets->array : NULL;
    if (!a || a->dims != 2 || a->shape[1] != SET_WORDS || !(row >= 0) || row >= (double)a->shape[0])
        return sklearn_wrong(s, tree, "a set of categories is out of range");
    for (size_t i = 0; i < SET_WORDS; i++) {
        double word;
        if (!array_number(a, (size_t)row * SET_WORDS + i, &word) || !(word >= 0) ||
            word > UINT32_MAX)
            return sklearn_wrong(s, tree, "a set of categories is malformed");
        words[i] = (uint32_t)word;
    }
    return 0;
}

/* An unknown category goes where missing values go. To the right, as what is in no set does; where
 * missing values go left, the children are exchanged and the set holds the known ones that went
 * right. */
static int read_set(struct sklearn *s, const struct pickled *tree, struct hist *h, double row,
                    struct draft_node *node)
{
    uint32_t words[SET_WORDS];
    if (!h->known || node->feature >= s->width)
        return sklearn_wrong(s, tree, "a set of categories of a feature that has none");
    int status = read_words(s, tree, row, words);
    if (status)
        return status;
    if (node->missing == MISSING_LEFT) {
        uint32_t left = node->left;
        node->left = node->right;
        node->right = left;
        node->missing = MISSING_RIGHT;
        for (size_t i = 0; i < SET_WORDS; i++)
            words[i] = h->known[node->feature * SET_WORDS + i] & ~words[i];
    }
    if (s->origin[node->feature] != SIZE_MAX)
        s->m->features[s->origin[node->feature]].kind = FEATURE_CODE;
    node->set = builder_set(h->builder, words, SET_WORDS);
    return 0;
}

static int read_node(struct sklearn *s, const struct pickled *tree, const struct hist_fields *f,
                     const char *at, struct hist *h, struct draft_node *node)
{
    *node =
        (struct draft_node){.feature = sklearn_index(sklearn_field(f->feature, at)),
                            .left = sklearn_index(sklearn_field(f->left, at)),
                            .right = sklearn_index(sklearn_field(f->right, at)),
                            .set = NO_SET,
                            .threshold = sklearn_field(f->threshold, at),
                            .cover = sklearn_field(f->count, at),
                            .missing = sklearn_field(f->missing_left, at) == 1 ? MISSING_LEFT : 0};
    if (sklearn_field(f->is_leaf, at) == 1)
        node->feature = NODE_LEAF;
    else if (node->feature >= s->width)
        return sklearn_wrong(s, tree, "a node tests a feature that the model does not have");
    else if (sklearn_field(f->is_set, at) == 1)
        return read_set(s, tree, h, sklearn_field(f->set, at), node);
    return 0;
}

static int add_tree(struct sklearn *s, const struct pickled *tree, struct hist *h, uint32_t output)
{
    struct hist_fields f;
    const struct array *nodes = sklearn_array(s, tree, "nodes");
    if (!nodes)
        return ERR_DATA;
    if (!nodes->data || nodes->dims != 1 || nodes->count == 0 || nodes->count >= UINT32_MAX / 2 ||
        !find_fields(nodes->type, &f))
        return sklearn_wrong(s, tree, "its nodes are none of a version that is supported");
    struct draft_node *drafts = mem_array(NULL, nodes->count, sizeof *drafts);
    double *value = mem_array(NULL, nodes->count, sizeof *value);
    int status = 0;
    for (size_t i = 0; i < nodes->count && status == 0; i++) {
        status = read_node(s, tree, &f, array_at(nodes, i), h, &drafts[i]);
        value[i] = sklearn_field(f.value, array_at(nodes, i));
        drafts[i].number = (uint32_t)i;
        drafts[i].value = &value[i];
    }
    if (status == 0)
        status = builder_tree(h->builder, drafts, nodes->count, 0, output, s->e);
    mem_free(drafts);
    mem_free(value);
    return status;
}

/* Categories of one feature, as its bins are named. */
static int add_known(struct sklearn *s, const struct pickled *mapper, const struct pickled *bins,
                     uint32_t *words)
{
    const struct array *a = bins->kind == PICKLE_ARRAY ? bins->array : NULL;
    if (!a || !sklearn_charge(s, mapper, a))
        return sklearn_wrong(s, mapper, "the categories of a feature are no array of its own");
    for (size_t i = 0; i < a->count; i++) {
        double c;
        if (!array_number(a, i, &c) || !(c >= 0) || c >= 32 * SET_WORDS)
            return sklearn_wrong(s, mapper, "a category is not from 0 to 255");
        words[(size_t)c / 32] |= UINT32_C(1) << ((size_t)c % 32);
    }
    return 0;
}

static int read_known(struct sklearn *s, const struct pickled *o, struct hist *h)
{
    const struct pickled *mapper = pickle_get(o, "_bin_mapper");
    const struct pickled *bins = pickle_get(mapper, "bin_thresholds_");
    bool encoded = pickle_get(o, "_preprocessor");
    const char *name = encoded ? "_is_categorical_remapped" : "is_categorical_";
    if (!pickle_get(o, name))
        return 0;
    const double *is_set = sklearn_numbers(s, o, name, s->width);
    if (!is_set)
        return ERR_DATA;
    if (!bins || bins->kind != PICKLE_LIST || bins->items.len != s->width)
        return sklearn_wrong(s, o, "it does not say which categories it has seen");
    h->known = arena_zero(&s->m->arena, s->width * SET_WORDS * sizeof *h->known);
    int status = 0;
    for (size_t i = 0; i < s->width && status == 0; i++)
        if (is_set[i] != 0)
            status = add_known(s, mapper, bins->items.at[i], h->known + i * SET_WORDS);
    return status;
}

/* _predictors: a list of lists, one tree for each output. */
static int add_iterations(struct sklearn *s, const struct pickled *o, struct hist *h)
{
    const struct pickled *all = pickle_get(o, "_predictors");
    int status = 0;
    if (!all || all->kind != PICKLE_LIST)
        return sklearn_wrong(s, o, "it is not fitted");
    for (size_t i = 0; i < all->items.len && status == 0; i++) {
        const struct pickled *trees = all->items.at[i];
        if (trees->kind != PICKLE_LIST || trees->items.len != s->m->outputs)
            return sklearn_wrong(s, o, "iteration %zu has not one tree per output", i);
        for (size_t k = 0; k < trees->items.len && status == 0; k++)
            status = add_tree(s, trees->items.at[k], h, (uint32_t)k);
    }
    return status;
}

/* One number per output, or one for all. */
static int read_base(struct sklearn *s, const struct pickled *o, double *base)
{
    const struct pickled *v = pickle_get(o, "_baseline_prediction");
    double one;
    if (s->m->outputs == 1 && pickle_number(v, &one)) {
        base[0] = one;
        return 0;
    }
    const double *numbers = sklearn_numbers(s, o, "_baseline_prediction", s->m->outputs);
    if (!numbers)
        return ERR_DATA;
    memcpy(base, numbers, s->m->outputs * sizeof *base);
    return 0;
}

static int read_loss(struct sklearn *s, const struct pickled *o)
{
    static const struct {
        const char *name;
        enum transform transform;
    } losses[] = {
        {"HalfBinomialLoss", TRANSFORM_SIGMOID},    {"BinaryCrossEntropy", TRANSFORM_SIGMOID},
        {"HalfMultinomialLoss", TRANSFORM_SOFTMAX}, {"CategoricalCrossEntropy", TRANSFORM_SOFTMAX},
        {"HalfPoissonLoss", TRANSFORM_EXP},         {"Poisson", TRANSFORM_EXP},
        {"HalfGammaLoss", TRANSFORM_EXP},           {"HalfSquaredError", TRANSFORM_NONE},
        {"LeastSquares", TRANSFORM_NONE},           {"AbsoluteError", TRANSFORM_NONE},
        {"LeastAbsoluteDeviation", TRANSFORM_NONE}, {"PinballLoss", TRANSFORM_NONE},
    };
    const struct pickled *loss = pickle_get(o, "_loss");
    for (size_t i = 0; i < COUNT_OF(losses); i++) {
        if (text_equal(pickle_class(loss), text_of(losses[i].name))) {
            s->m->transform = losses[i].transform;
            return 0;
        }
    }
    return sklearn_wrong(s, loss, "a loss that is not supported");
}

/* Since 1.4 it has an encoder of its own, behind which columns of categories come first. */
static int encode_categories(struct sklearn *s, const struct pickled *o)
{
    const struct pickled *encoder = pickle_get(o, "_preprocessor");
    size_t width = s->width;
    int status = encoder ? sklearn_read_own(s, encoder) : 0;
    if (status == 0 && s->width != width)
        status = sklearn_wrong(s, o, "its encoder makes %zu columns of %zu", s->width, width);
    return status;
}

int sklearn_histogram_boosting(struct sklearn *s, const struct pickled *o)
{
    struct model *m = s->m;
    int status = read_loss(s, o);
    if (status == 0 && pickle_get(o, "classes_"))
        status = sklearn_classes(s, o);
    if (status == 0)
        status = encode_categories(s, o);
    if (status)
        return status;
    m->two_classes = m->class_count == 2;
    double *base = sklearn_outputs(s, m->class_count > 2 ? m->class_count : 1);
    if ((status = read_base(s, o, base)))
        return status;
    struct hist h = {.builder = builder_new(1)};
    status = read_known(s, o, &h);
    if (status == 0)
        status = add_iterations(s, o, &h);
    if (status) {
        builder_free(h.builder);
        return status;
    }
    builder_finish(h.builder, m);
    m->trees.compare = COMPARE_LESS_EQUAL;
    return 0;
}
