/* A booster of XGBoost becomes a model: its objective, its base, its trees or weights. */
#include "model/import_xgboost.h"
#include "model/builder.h"

#include <math.h>

/* What a stored base score is to a margin. */
enum link { LINK_NONE, LINK_LOGIT, LINK_LOG };

struct objective {
    const char *name;
    enum link link;
    enum transform transform;
    bool two_classes, answers_class;
};

static const struct objective objectives[] = {
    {"reg:squarederror", LINK_NONE, TRANSFORM_NONE, false, false},
    {"reg:linear", LINK_NONE, TRANSFORM_NONE, false, false},
    {"reg:squaredlogerror", LINK_NONE, TRANSFORM_NONE, false, false},
    {"reg:pseudohubererror", LINK_NONE, TRANSFORM_NONE, false, false},
    {"reg:absoluteerror", LINK_NONE, TRANSFORM_NONE, false, false},
    {"reg:quantileerror", LINK_NONE, TRANSFORM_NONE, false, false},
    {"reg:logistic", LINK_LOGIT, TRANSFORM_SIGMOID, false, false},
    {"reg:gamma", LINK_LOG, TRANSFORM_EXP, false, false},
    {"reg:tweedie", LINK_LOG, TRANSFORM_EXP, false, false},
    {"count:poisson", LINK_LOG, TRANSFORM_EXP, false, false},
    {"survival:cox", LINK_LOG, TRANSFORM_EXP, false, false},
    {"survival:aft", LINK_LOG, TRANSFORM_EXP, false, false},
    {"binary:logistic", LINK_LOGIT, TRANSFORM_SIGMOID, true, false},
    {"binary:logitraw", LINK_NONE, TRANSFORM_NONE, false, false},
    {"binary:hinge", LINK_NONE, TRANSFORM_STEP, true, true},
    {"multi:softprob", LINK_NONE, TRANSFORM_SOFTMAX, false, false},
    {"multi:softmax", LINK_NONE, TRANSFORM_SOFTMAX, false, true},
    {"rank:pairwise", LINK_NONE, TRANSFORM_NONE, false, false},
    {"rank:ndcg", LINK_NONE, TRANSFORM_NONE, false, false},
    {"rank:map", LINK_NONE, TRANSFORM_NONE, false, false},
};

void booster_release(struct booster *b)
{
    vec_release(&b->base_score);
    vec_release(&b->feature_names);
    vec_release(&b->feature_types);
    vec_release(&b->nodes);
    vec_release(&b->tree_end);
    vec_release(&b->tree_info);
    vec_release(&b->tree_weights);
    vec_release(&b->vectors);
    vec_release(&b->words);
    vec_release(&b->set_end);
    vec_release(&b->weights);
    arena_release(&b->arena);
}

/* A file names the categories of a set, a model has a bit for each number up to the largest. */
enum { SET_BYTES_FREE = 16 << 20, SET_BYTES_PER_BYTE = 64 };
/* From here on a float is no category for XGBoost. */
enum { CATEGORY_END = 1 << 24 };

const char *booster_set(struct booster *b, const double *categories, size_t n, uint32_t *set)
{
    size_t count = 0, first = b->words.len;
    for (size_t i = 0; i < n; i++) {
        if (!(categories[i] >= 0 && categories[i] < CATEGORY_END))
            return "a category is negative or larger than 2^24 - 1";
        size_t word = (size_t)categories[i] / 32;
        count = word >= count ? word + 1 : count;
    }
    if ((first + count) * sizeof(uint32_t) > SET_BYTES_FREE + b->bytes * SET_BYTES_PER_BYTE)
        return "the numbers of the categories are too large for the file";
    vec_reserve(&b->words, first + count);
    b->words.len = first + count;
    for (size_t i = 0; i < count; i++)
        b->words.at[first + i] = 0;
    for (size_t i = 0; i < n; i++) {
        size_t c = (size_t)categories[i];
        b->words.at[first + c / 32] |= UINT32_C(1) << c % 32;
    }
    vec_push(&b->set_end, b->words.len);
    *set = (uint32_t)(b->set_end.len - 1);
    return NULL;
}

/* NULL, and an error, when there is none of that name. */
static const struct objective *find_objective(const char *name, struct error *e)
{
    char quoted[QUOTE_MAX];
    if (!name) {
        error_set(e, ERR_DATA, "learner.objective.name is missing");
        return NULL;
    }
    for (size_t i = 0; i < COUNT_OF(objectives); i++)
        if (strcmp(name, objectives[i].name) == 0)
            return &objectives[i];
    error_set(e, ERR_DATA, "learner.objective.name: %s is not supported",
              quote(quoted, name, strlen(name)));
    return NULL;
}

/* In float, as XGBoost does it. */
static float to_margin(float base, enum link link)
{
    if (link == LINK_LOGIT)
        return -logf(1.0F / base - 1.0F);
    return link == LINK_LOG ? logf(base) : base;
}

static int set_base(const struct booster *b, struct model *m, enum link link, struct error *e)
{
    double *base = model_numbers(m, m->outputs);
    if (b->base_score.len != 1 && b->base_score.len != m->outputs)
        return error_set(e, ERR_DATA,
                         "learner.learner_model_param.base_score: %zu values for %zu outputs",
                         b->base_score.len, m->outputs);
    for (size_t i = 0; i < m->outputs; i++) {
        float score = b->base_score.at[b->base_score.len == 1 ? 0 : i];
        base[i] = (double)(b->base_is_margin ? score : to_margin(score, link));
    }
    m->base = base;
    return 0;
}

static int set_features(const struct booster *b, struct model *m, struct error *e)
{
    if ((b->feature_names.len != 0 && b->feature_names.len != b->features) ||
        (b->feature_types.len != 0 && b->feature_types.len != b->features))
        return error_set(e, ERR_DATA, "%zu features have %zu names and %zu types", b->features,
                         b->feature_names.len, b->feature_types.len);
    m->named = b->feature_names.len > 0;
    for (size_t i = 0; i < b->feature_names.len; i++)
        m->features[i].name = model_text(m, b->feature_names.at[i]);
    for (size_t i = 0; i < b->feature_types.len; i++)
        if (text_equal(b->feature_types.at[i], TEXT_LITERAL("c")))
            m->features[i].kind = FEATURE_CODE;
    return 0;
}

/* XGBoost goes right with the categories of a set and left with all others; a model goes left with
 * them, so that the children change places. */
static void swap_children(struct draft_node *node)
{
    uint32_t left = node->left;
    node->left = node->right;
    node->right = left;
    node->missing = node->missing == MISSING_LEFT ? MISSING_RIGHT : MISSING_LEFT;
}

static struct draft_node draft(const struct booster_node *from)
{
    struct draft_node node = {
        .feature = from->left < 0 ? NODE_LEAF : from->feature,
        .left = (uint32_t)from->left,
        .right = (uint32_t)from->right, /* a negative one is out of any range */
        .set = from->set,
        .missing = from->default_left ? MISSING_LEFT : MISSING_RIGHT,
        .threshold = (double)from->number,
        .cover = (double)from->cover,
    };
    if (from->set != NO_SET)
        swap_children(&node);
    return node;
}

/* Room for the tree that goes to the builder. */
struct bench {
    VEC(struct draft_node) nodes;
    VEC(double) values;
};

static int add_tree(const struct booster *b, size_t tree, struct bench *bench, struct builder *to,
                    struct error *e)
{
    size_t first = tree ? b->tree_end.at[tree - 1] : 0, n = b->tree_end.at[tree] - first;
    float weight = b->tree_weights.len ? b->tree_weights.at[tree] : 1;
    vec_reserve(&bench->nodes, n);
    vec_reserve(&bench->values, n * b->width);
    for (size_t i = 0; i < n; i++) {
        const struct booster_node *from = &b->nodes.at[first + i];
        bench->nodes.at[i] = draft(from);
        bench->nodes.at[i].number = (uint32_t)i;
        bench->nodes.at[i].value = &bench->values.at[i * b->width];
        const float *value = b->width > 1 ? &b->vectors.at[(first + i) * b->width] : &from->number;
        for (size_t k = 0; k < b->width; k++)
            bench->values.at[i * b->width + k] = (double)(value[k] * weight);
    }
    return builder_tree(to, bench->nodes.at, n, 0, (uint32_t)b->tree_info.at[tree], e);
}

static int check_trees(const struct booster *b, size_t outputs, struct error *e)
{
    size_t trees = b->tree_end.len;
    if (trees == 0)
        return error_set(e, ERR_DATA, "the booster has no trees");
    if (b->tree_info.len != trees)
        return error_set(e, ERR_DATA, "tree_info has %zu entries for %zu trees", b->tree_info.len,
                         trees);
    if (strcmp(b->name, "dart") == 0 && b->tree_weights.len != trees)
        return error_set(e, ERR_DATA, "weight_drop has %zu entries for %zu trees",
                         b->tree_weights.len, trees);
    if (b->width > 1 ? b->width != outputs : outputs > trees)
        return error_set(e, ERR_DATA,
                         "%zu trees with leaves of %zu values are too few for %zu outputs", trees,
                         b->width, outputs);
    if (b->nodes.len >= NODE_LEAF)
        return error_set(e, ERR_DATA, "too many nodes");
    for (size_t i = 0; i < trees; i++)
        if (b->tree_info.at[i] < 0)
            return error_set(e, ERR_DATA, "tree_info of tree %zu is %d", i, b->tree_info.at[i]);
    return 0;
}

/* Categorical tests make their features categories, also where no feature_types say so. */
static void mark_codes(struct model *m)
{
    const struct trees *t = &m->trees;
    for (size_t i = 0; t->set && i < t->nodes; i++)
        if (t->feature[i] < m->feature_count && t->set[i] != NO_SET)
            m->features[t->feature[i]].kind = FEATURE_CODE;
}

static int set_trees(const struct booster *b, struct model *m, struct error *e)
{
    int status = check_trees(b, m->outputs, e);
    if (status)
        return status;
    struct builder *to = builder_new(b->width);
    struct bench bench = {0};
    for (size_t i = 0, first = 0; i < b->set_end.len; first = b->set_end.at[i++])
        builder_set(to, b->words.at + first, b->set_end.at[i] - first);
    for (size_t i = 0; i < b->tree_end.len && status == 0; i++)
        status = add_tree(b, i, &bench, to, e);
    vec_release(&bench.nodes);
    vec_release(&bench.values);
    if (status) {
        builder_free(to);
        return status;
    }
    builder_finish(to, m);
    m->trees.single = true;
    m->trees.compare = COMPARE_LESS;
    m->round_trees = b->parallel * (m->outputs / b->width);
    mark_codes(m);
    return 0;
}

/* XGBoost starts from bias + base and leaves out what is missing, which is to add zero. */
static int set_weights(const struct booster *b, struct model *m, struct error *e)
{
    size_t n = b->features, outputs = m->outputs;
    if (b->weights.len % (n + 1) != 0 || b->weights.len / (n + 1) != outputs)
        return error_set(e, ERR_DATA, "%zu weights for %zu features and %zu outputs",
                         b->weights.len, n, outputs);
    double *weight = model_numbers(m, n * outputs), *base = model_numbers(m, outputs);
    for (size_t k = 0; k < outputs; k++) {
        for (size_t i = 0; i < n; i++)
            weight[k * n + i] = (double)b->weights.at[i * outputs + k];
        base[k] = (double)(b->weights.at[n * outputs + k] + (float)m->base[k]);
    }
    struct stage *stage = arena_zero(&m->arena, sizeof *stage);
    *stage = (struct stage){.kind = STAGE_IMPUTE, .single = true, .in = n, .out = n};
    stage->b = model_numbers(m, n);
    stage->what = (double)NAN;
    m->stages = stage;
    m->stage_count = 1;
    m->kind = MODEL_LINEAR;
    m->linear = (struct linear){.single = true, .weight = weight};
    m->base = base;
    for (size_t i = 0; i < n * outputs; i++)
        if (!isfinite(weight[i]))
            return error_set(e, ERR_DATA, "weight %zu is no finite number", i);
    return 0;
}

static bool is_linear(const struct booster *b)
{
    return strcmp(b->name, "gblinear") == 0;
}

/* A few trees may test a few of very many features, but there is an end to it. */
enum { FEATURES_FREE = 1 << 18 };

static int check_booster(const struct booster *b, struct error *e)
{
    char quoted[QUOTE_MAX];
    if (!b->name)
        return error_set(e, ERR_DATA, "learner.gradient_booster.name is missing");
    if (strcmp(b->name, "gbtree") != 0 && strcmp(b->name, "dart") != 0 && !is_linear(b))
        return error_set(e, ERR_DATA, "learner.gradient_booster.name: %s is not supported",
                         quote(quoted, b->name, strlen(b->name)));
    if (b->features > b->bytes + FEATURES_FREE || b->classes > b->bytes || b->targets > b->bytes)
        return error_set(e, ERR_DATA,
                         "%zu features, %zu classes and %zu targets are too many for the file",
                         b->features, b->classes, b->targets);
    return 0;
}

static size_t count_outputs(const struct booster *b)
{
    size_t most = b->classes > b->targets ? b->classes : b->targets;
    return most ? most : 1;
}

static const char *producer(const struct booster *b, struct model *m)
{
    const uint32_t *v = b->version;
    if (b->version_parts == 0)
        return "";
    if (b->version_parts == 2)
        return arena_format(&m->arena, "xgboost %u.%u", v[0], v[1]);
    return arena_format(&m->arena, "xgboost %u.%u.%u", v[0], v[1], v[2]);
}

static int fill_model(const struct booster *b, const struct objective *o, struct model *m,
                      struct error *e)
{
    m->producer = producer(b, m);
    m->objective = o->name;
    m->best_rounds = b->best_rounds;
    m->transform = o->transform;
    m->two_classes = o->two_classes;
    m->answers_class = o->answers_class;
    m->sum.how = SUM_ADD;
    m->sum.single = true;
    m->outputs = count_outputs(b);
    int status = set_features(b, m, e);
    if (status == 0)
        status = set_base(b, m, o->link, e);
    if (status == 0)
        status = is_linear(b) ? set_weights(b, m, e) : set_trees(b, m, e);
    return status;
}

int booster_model(const struct booster *b, const char *format, struct model **out, struct error *e)
{
    int status = check_booster(b, e);
    if (status)
        return status;
    const struct objective *objective = find_objective(b->objective, e);
    if (!objective)
        return ERR_DATA;
    struct model *m = model_new(format, b->features);
    status = fill_model(b, objective, m, e);
    if (status) {
        model_free(m);
        return status;
    }
    *out = m;
    return 1;
}
