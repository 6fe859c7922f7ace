/*
 * ONNX models of the operators of ai.onnx.ml: inputs are the features in their order, operators
 * change them, columns by columns, until one predictor gets what they made. Behind it stand its
 * answers, which some nodes only pass on.
 */
#include "model/import_onnx.h"

enum { NODES_MAX = 1 << 14, SPREAD_LEAST = 1 << 18 };

static onnx_operator pass, pass_answer, pick_answer, sigmoid, softmax, exponential;

/* attributes: those that are read or do not matter; any other is refused. */
struct known_operator {
    const char *name;
    onnx_operator *run;
    enum { CORE, ML } domain; /* "" or "ai.onnx.ml" */
    bool predicts;
    const char *attributes;
};

#define NODES                                                                                      \
    " nodes_treeids nodes_nodeids nodes_featureids nodes_modes nodes_values nodes_truenodeids "    \
    "nodes_falsenodeids nodes_missing_value_tracks_true nodes_values_as_tensor nodes_hitrates "    \
    "nodes_hitrates_as_tensor post_transform base_values base_values_as_tensor "                   \
    "aggregate_function "

static const struct known_operator operators[] = {
    {"TreeEnsembleRegressor", onnx_tree_regressor, ML, true,
     NODES "n_targets target_treeids target_nodeids target_ids target_weights "
           "target_weights_as_tensor "},
    {"TreeEnsembleClassifier", onnx_tree_classifier, ML, true,
     NODES "class_treeids class_nodeids class_ids class_weights class_weights_as_tensor "
           "classlabels_strings classlabels_int64s "},
    {"LinearRegressor", onnx_linear_regressor, ML, true,
     " coefficients intercepts targets post_transform "},
    {"LinearClassifier", onnx_linear_classifier, ML, true,
     " coefficients intercepts multi_class classlabels_strings classlabels_ints post_transform "},
    {"MatMul", onnx_matrix_product, CORE, true, " "},
    {"Gemm", onnx_matrix_product, CORE, true, " alpha beta transA transB "},
    {"Add", onnx_add, CORE, false, " "},
    {"Scaler", onnx_scaler, ML, false, " scale offset "},
    {"Normalizer", onnx_normalizer, ML, false, " norm "},
    {"Imputer", onnx_imputer, ML, false,
     " imputed_value_floats imputed_value_int64s replaced_value_float replaced_value_int64 "},
    {"LabelEncoder", onnx_label_encoder, ML, false,
     " keys_strings keys_int64s keys_floats values_strings values_int64s values_floats "
     "default_string default_int64 default_float classes_strings "},
    {"OneHotEncoder", onnx_one_hot, ML, false, " cats_int64s cats_strings zeros "},
    {"FeatureVectorizer", onnx_feature_vectorizer, ML, false, " inputdimensions "},
    {"ArrayFeatureExtractor", onnx_extractor, ML, false, " "},
    {"Concat", onnx_concat, CORE, false, " axis "},
    {"Gather", onnx_gather, CORE, false, " axis "},
    {"Cast", onnx_cast, CORE, false, " to "},
    {"Identity", pass, CORE, false, " "},
    {"Reshape", pass, CORE, false, " allowzero "},
    {"Flatten", pass, CORE, false, " axis "},
    {"ZipMap", pass_answer, ML, false, " classlabels_strings classlabels_int64s "},
    {"ArgMax", pick_answer, CORE, false, " axis keepdims select_last_index "},
    {"Sigmoid", sigmoid, CORE, false, " "},
    {"Softmax", softmax, CORE, false, " axis "},
    {"Exp", exponential, CORE, false, " "},
};

static const struct known_operator *find_operator(const struct onnx_node *n)
{
    bool core = n->domain.len == 0 || text_equal(n->domain, TEXT_LITERAL("ai.onnx"));
    if (!core && !text_equal(n->domain, TEXT_LITERAL("ai.onnx.ml")))
        return NULL;
    for (size_t i = 0; i < COUNT_OF(operators); i++)
        if (operators[i].domain == (core ? CORE : ML) &&
            text_equal(n->op, text_of(operators[i].name)))
            return &operators[i];
    return NULL;
}

static int check_attributes(const struct onnx_node *n, const struct known_operator *o,
                            struct error *e)
{
    for (size_t i = 0; i < n->attributes.len; i++) {
        struct text name = n->attributes.at[i].name;
        char text[QUOTE_MAX], *wanted = mem_format(" %.*s ", (int)(name.len % 64), name.at);
        bool known = name.len < 64 && strstr(o->attributes, wanted);
        mem_free(wanted);
        if (!known)
            return onnx_refuse(n, e, "attribute %s is not supported",
                               quote(text, name.at ? name.at : "", name.len));
    }
    return 0;
}

static int pass(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    (void)w, (void)n, (void)e;
    return 0;
}

static int pass_answer(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    return w->answered ? 0 : onnx_refuse(n, e, "it stands before the predictor");
}

static int pick_answer(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    if (!w->answered || !w->model->classes)
        return onnx_refuse(n, e, "it has no scores of classes to choose from");
    w->model->answers_class = true;
    return 0;
}

/* Probabilities that add up to 1 are theirs again, but for the last bit. */
static int normalize_answer(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    struct model *m = w->model;
    struct text norm = TEXT_LITERAL("MAX");
    if (onnx_text(n, "norm", &norm, e))
        return ERR_DATA;
    bool sums =
        m->transform == TRANSFORM_SOFTMAX || (m->transform == TRANSFORM_SIGMOID && m->two_classes);
    if (!text_equal(norm, TEXT_LITERAL("L1")) || (!sums && m->transform != TRANSFORM_SIGMOID))
        return onnx_refuse(n, e, "it changes the predictor's answer");
    if (!sums)
        m->transform = TRANSFORM_SIGMOID_SHARE;
    return 0;
}

/* An operator that other models have as the transform of their margins. */
static int transform_answer(struct onnx_walk *w, const struct onnx_node *n, enum transform t,
                            struct error *e)
{
    struct model *m = w->model;
    if (!w->answered || m->transform != TRANSFORM_NONE || m->class_count)
        return onnx_refuse(n, e, "it does not stand behind a regressor that answers its sums");
    m->transform = t;
    return 0;
}

static int sigmoid(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    return transform_answer(w, n, TRANSFORM_SIGMOID, e);
}

static int softmax(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    int64_t axis = -1;
    int status = onnx_int(n, "axis", &axis, e);
    if (status == 0 && axis != 1 && axis != -1)
        status = onnx_refuse(n, e, "axis %lld is not that of the columns", (long long)axis);
    return status ? status : transform_answer(w, n, TRANSFORM_SOFTMAX, e);
}

static int exponential(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    return transform_answer(w, n, TRANSFORM_EXP, e);
}

static bool takes_several(const struct known_operator *o)
{
    return o->run == onnx_concat || o->run == onnx_feature_vectorizer || o->run == onnx_extractor ||
           o->run == onnx_gather;
}

static bool takes_texts(const struct known_operator *o)
{
    return o->run == pass || o->run == onnx_label_encoder || o->run == onnx_one_hot;
}

static bool is_constant(const struct onnx_walk *w, struct text name)
{
    return map_get(&w->graph->initializers, name) != MAP_NONE;
}

/* A node before the predictor, or it: takes lanes, of which all but the first are constants, unless
 * it joins several. */
static int run_on_lane(struct onnx_walk *w, const struct onnx_node *n,
                       const struct known_operator *o, struct error *e)
{
    bool joins = o->run == onnx_concat || o->run == onnx_feature_vectorizer;
    for (size_t i = 0; i < n->inputs.len; i++) {
        struct text name = n->inputs.at[i];
        bool constant = i > 0 && !joins;
        if (constant ? name.len && !is_constant(w, name) : !onnx_is_lane(w, name))
            return onnx_refuse(n, e,
                               constant ? "its second input is no constant"
                                        : "its input is nothing that is there before the "
                                          "predictor");
    }
    if (takes_several(o))
        return o->run(w, n, e);
    int status = onnx_take_lane(w, n, o->predicts, e);
    if (status == 0 && w->type == ONNX_STRING && !takes_texts(o))
        status = onnx_refuse(n, e, "it gets texts");
    size_t stages = w->stages.len;
    if (status == 0)
        status = o->run(w, n, e);
    if (status == 0)
        onnx_give_lane(w, n->outputs.at[0], w->stages.len > stages);
    return status;
}

static bool passes_answers(const struct known_operator *o)
{
    return o->run == pass || o->run == pass_answer || o->run == pick_answer ||
           o->run == onnx_cast || o->run == onnx_normalizer || o->run == onnx_extractor ||
           o->run == sigmoid || o->run == softmax || o->run == exponential || o->run == onnx_add;
}

/* A node behind the predictor, which takes one of its answers. An extractor looks the class up
 * whose index it gets. */
static int run_on_answer(struct onnx_walk *w, const struct onnx_node *n,
                         const struct known_operator *o, struct error *e)
{
    bool looks_up = o->run == onnx_extractor;
    if (!passes_answers(o))
        return onnx_refuse(n, e, "it stands behind the predictor");
    for (size_t i = 0; i < n->inputs.len; i++) {
        struct text name = n->inputs.at[i];
        bool answer = map_get(&w->answers, name) != MAP_NONE;
        if (name.len && (i == (looks_up ? 1 : 0) ? !answer : !is_constant(w, name)))
            return onnx_refuse(n, e, "its input is no answer of the predictor");
    }
    if (o->run == onnx_normalizer)
        return normalize_answer(w, n, e);
    return looks_up ? 0 : o->run(w, n, e);
}

static int step(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    const struct known_operator *o = find_operator(n);
    if (!o)
        return onnx_refuse(n, e, "it is not supported");
    if (n->inputs.len == 0 || n->outputs.len == 0)
        return onnx_refuse(n, e, "it has no %s", n->inputs.len ? "outputs" : "inputs");
    int status = check_attributes(n, o, e);
    if (status == 0)
        status = w->answered ? run_on_answer(w, n, o, e) : run_on_lane(w, n, o, e);
    if (status)
        return status;
    if (o->predicts)
        w->model->objective = model_text(w->model, n->op);
    w->answered = w->answered || o->predicts;
    for (size_t i = 0; i < n->outputs.len && w->answered; i++)
        (void)map_put(&w->answers, n->outputs.at[i], NULL);
    return 0;
}

/* Names every operator that is not known, once each. */
static int check_operators(const struct onnx_graph *g, struct error *e)
{
    struct buf list = {0};
    struct map seen = {0};
    const struct onnx_node *first = NULL;
    bool is_new;
    char quoted[QUOTE_MAX];
    if (g->nodes.len > NODES_MAX || g->inputs.len > NODES_MAX)
        return error_set(e, ERR_DATA, "%zu operators and %zu inputs are too many", g->nodes.len,
                         g->inputs.len);
    for (size_t i = 0; i < g->nodes.len; i++) {
        const struct onnx_node *n = &g->nodes.at[i];
        if (find_operator(n))
            continue;
        (void)map_put(&seen, n->op, &is_new);
        first = first ? first : n;
        if (is_new)
            buf_format(&list, "%s%s", list.len ? ", " : "",
                       quote(quoted, n->op.at ? n->op.at : "", n->op.len));
    }
    int status = 0;
    if (seen.keys.len > 1)
        status = error_set(e, ERR_DATA, "operators that are not supported: %s", buf_text(&list));
    else if (first)
        status = onnx_refuse(first, e, "it is not supported");
    map_release(&seen);
    buf_release(&list);
    return status;
}

static int walk(struct onnx_walk *w, struct error *e)
{
    const struct onnx_graph *g = w->graph;
    for (size_t i = 0; i < g->nodes.len; i++) {
        int status = step(w, &g->nodes.at[i], e);
        if (status)
            return status;
    }
    if (!w->answered)
        return error_set(e, ERR_DATA,
                         "the graph has no predictor: TreeEnsembleRegressor, "
                         "TreeEnsembleClassifier, LinearRegressor, LinearClassifier, Gemm, MatMul");
    return 0;
}

static size_t largest_feature(const struct onnx_node *n)
{
    struct integers features = {0};
    size_t columns = 0;
    if (onnx_ints(n, "nodes_featureids", &features, NULL))
        features.len = 0;
    for (size_t i = 0; i < features.len; i++)
        if (features.at[i] >= (int64_t)columns && features.at[i] < UINT32_MAX)
            columns = (size_t)features.at[i] + 1;
    vec_release(&features);
    return columns;
}

static size_t count_floats(const struct onnx_node *n, const char *name)
{
    struct doubles list = {0};
    size_t count = onnx_floats(n, name, &list, NULL) ? 0 : list.len;
    vec_release(&list);
    return count;
}

/* The columns a node's attributes speak of; 0: it takes any number. */
static size_t wanted_columns(const struct onnx_node *n)
{
    int64_t outputs = (int64_t)count_floats(n, "intercepts");
    if (onnx_has(n, "nodes_featureids"))
        return largest_feature(n);
    if (!onnx_has(n, "coefficients")) {
        size_t count = count_floats(n, onnx_has(n, "scale") ? "scale" : "imputed_value_floats");
        return count == 1 ? 0 : count; /* one value is for all columns */
    }
    if (text_equal(n->op, TEXT_LITERAL("LinearRegressor"))) {
        outputs = 1;
        if (onnx_int(n, "targets", &outputs, NULL))
            return 0;
    }
    return outputs > 0 ? count_floats(n, "coefficients") / (size_t)outputs : 0;
}

/* Columns of an only input that does not say how many it has. */
static size_t guess_columns(const struct onnx_graph *g)
{
    size_t columns = 0;
    for (size_t i = 0; i < g->nodes.len && columns == 0; i++)
        columns = wanted_columns(&g->nodes.at[i]);
    return columns;
}

static bool is_readable(enum onnx_type type)
{
    return type == ONNX_FLOAT || type == ONNX_DOUBLE || type == ONNX_INT32 || type == ONNX_INT64 ||
           type == ONNX_STRING;
}

static int count_columns(struct onnx_graph *g, size_t *columns, struct error *e)
{
    char name[QUOTE_MAX];
    *columns = 0;
    if (g->inputs.len == 1 && g->inputs.at[0].columns == 0)
        g->inputs.at[0].columns = guess_columns(g);
    for (size_t i = 0; i < g->inputs.len; i++) {
        const struct onnx_input *input = &g->inputs.at[i];
        quote(name, input->name.at ? input->name.at : "", input->name.len);
        *columns += input->columns;
        if (input->columns == 0 || input->columns > g->bytes || *columns > g->bytes)
            return error_set(e, ERR_DATA, "input %s: %zu columns", name, input->columns);
        if (!is_readable(input->type))
            return error_set(e, ERR_DATA, "input %s: elements of type %d", name, (int)input->type);
    }
    return *columns ? 0 : error_set(e, ERR_DATA, "the graph has no inputs");
}

/* Of several inputs those of one column give it their name, the others theirs and its place. */
static void name_features(struct model *m, const struct onnx_graph *g)
{
    m->named = g->inputs.len > 1;
    for (size_t i = 0, f = 0; i < g->inputs.len && m->named; i++)
        for (size_t k = 0; k < g->inputs.at[i].columns; k++, f++) {
            const char *name = model_text(m, g->inputs.at[i].name);
            m->features[f].name =
                g->inputs.at[i].columns == 1 ? name : arena_format(&m->arena, "%s%zu", name, k);
        }
}

static struct model *start_model(const struct onnx_graph *g, size_t columns)
{
    struct model *m = model_new("onnx", columns);
    const char *producer = model_text(m, g->producer),
               *version = model_text(m, g->producer_version);
    m->producer = *version ? arena_format(&m->arena, "%s %s", producer, version) : producer;
    name_features(m, g);
    return m;
}

static int import_graph(struct onnx_graph *g, struct model **out, struct error *e)
{
    size_t columns;
    int status = check_operators(g, e);
    if (status == 0)
        status = count_columns(g, &columns, e);
    if (status)
        return status;
    struct model *m = start_model(g, columns);
    struct onnx_walk w = {.graph = g, .model = m, .spread = g->bytes + SPREAD_LEAST};
    onnx_lanes_start(&w, columns);
    status = walk(&w, e);
    m->stages = arena_copy(&m->arena, w.stages.at, w.stages.len * sizeof *w.stages.at);
    m->stage_count = w.stages.len;
    vec_release(&w.stages);
    map_release(&w.answers);
    onnx_lanes_release(&w);
    if (status == 0)
        model_release_unused(m);
    *out = m;
    return status;
}

/* No magic number: ir_version first, a small number, then a field of ModelProto that has a length
 * that fits. */
static bool is_onnx(struct text file)
{
    struct proto p = {file.at, file.at + file.len, file.at};
    struct proto_field version, second;
    if (file.len < 4 || proto_next(&p, &version, NULL) != 1 || version.number != 1 ||
        version.wire != WIRE_VARINT || version.value == 0 || version.value > 64 || p.at == p.end)
        return false;
    uint8_t tag = (uint8_t)*p.at;
    bool known = (tag & 7) == WIRE_BYTES && tag >> 3 >= 2 && tag >> 3 <= 8;
    return known && proto_next(&p, &second, NULL) == 1;
}

int import_onnx(const char *bytes, size_t n, struct model **m, struct error *e)
{
    struct onnx_graph g = {0};
    struct text file = {bytes, n};
    *m = NULL;
    if (!is_onnx(file))
        return 0;
    int status = onnx_graph_read(&g, file, e);
    if (status == 0)
        status = import_graph(&g, m, e);
    onnx_graph_release(&g);
    if (status) {
        model_free(*m);
        *m = NULL;
    }
    return status ? status : 1;
}
