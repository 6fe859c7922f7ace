#include "infer/infer.h"
#include "model/builder.h"
#include "unit.h"

#include <math.h>

/* f0 < 0.5 ? (f1 in {1, 33} ? 3 : 2) : 1; missing: left, right. Node 5 was deleted. */
#define TREE                                                                                       \
    "{\"left_children\":[1,3,-1,-1,-1,-1],\"right_children\":[2,4,-1,-1,-1,-1],"                   \
    "\"split_indices\":[0,1,0,0,0,0],\"split_conditions\":[5E-1,0,1,2,3,9],"                       \
    "\"default_left\":[1,0,0,0,0,0],\"sum_hessian\":[10,6,4,3.5,2.5,0],"                           \
    "\"split_type\":[0,1,0,0,0,0],\"categories\":[1,33],\"categories_nodes\":[1],"                 \
    "\"categories_segments\":[0],\"categories_sizes\":[2],\"loss_changes\":[1,2,3,4,5,6],"         \
    "\"tree_param\":{\"num_nodes\":\"6\",\"size_leaf_vector\":\"0\"}}"
#define LEAF                                                                                       \
    "{\"left_children\":[-1],\"right_children\":[-1],\"split_indices\":[0],"                       \
    "\"split_conditions\":[7],\"default_left\":[0]}"
#define GBTREE(info, trees)                                                                        \
    "{\"model\":{\"tree_info\":" info ",\"trees\":[" trees "]},\"name\":\"gbtree\"}"
#define PARAM(score, features, classes)                                                            \
    "{\"base_score\":" score ",\"num_class\":\"" classes "\",\"num_feature\":\"" features "\"}"
#define DOCUMENT(booster, param, objective)                                                        \
    "{\"learner\":{\"gradient_booster\":" booster ",\"learner_model_param\":" param                \
    ",\"objective\":{\"name\":\"" objective "\"}},\"version\":[1,7,4]}"
#define SIMPLE                                                                                     \
    DOCUMENT(GBTREE("[0,0]", TREE "," LEAF), PARAM("\"2.5E-1\"", "2", "0"), "reg:squarederror")

#define WITH_DELETED                                                                               \
    DOCUMENT(GBTREE("[0]",                                                                         \
                    "{\"left_children\":[2,-1,-1,-1,-1],\"right_children\":[4,-1,-1,-1,-1],"       \
                    "\"split_indices\":[0,0,0,0,0],\"split_conditions\":[5E-1,0,1,2,3],"           \
                    "\"default_left\":[1,0,0,0,0]}"),                                              \
             PARAM("\"0\"", "1", "0"), "reg:squarederror")

static void put_length(struct buf *out, size_t n)
{
    buf_putc(out, 'L');
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_putc(out, (char)(n >> shift));
}

static void put_double(struct buf *out, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    buf_putc(out, 'D');
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_putc(out, (char)(bits >> shift));
}

/* The same document in UBJSON, its texts without escapes. */
static void put_ubjson(struct buf *out, const char *json)
{
    struct json_reader r;
    enum json_token token;
    char ends[64];
    size_t depth = 0;
    json_start(&r, json, strlen(json));
    while ((token = json_next(&r)) != JSON_TOKEN_DONE) {
        double x = 0;
        if (token == JSON_TOKEN_OBJECT || token == JSON_TOKEN_ARRAY) {
            ends[depth++] = token == JSON_TOKEN_OBJECT ? '}' : ']';
            buf_putc(out, token == JSON_TOKEN_OBJECT ? '{' : '[');
        } else if (token == JSON_TOKEN_END) {
            buf_putc(out, ends[--depth]);
        } else if (token == JSON_TOKEN_NUMBER) {
            CHECK(number_parse_double(r.raw.at, r.raw.len, &x));
            put_double(out, x);
        } else if (token == JSON_TOKEN_NULL) {
            buf_putc(out, 'Z');
        } else {
            buf_puts(out, token == JSON_TOKEN_STRING ? "S" : "");
            put_length(out, r.raw.len);
            buf_add(out, r.raw.at, r.raw.len);
        }
    }
}

static int parse(importer *import, const void *bytes, size_t n, struct model **m, struct error *e)
{
    char *exact = mem_copy(bytes, n); /* no byte behind the last can be read unseen */
    int got = import(exact, n, m, e);
    mem_free(exact);
    if (got > 0 && model_check(*m, e)) {
        model_free(*m);
        *m = NULL;
        got = ERR_DATA;
    }
    return got;
}

/* The model of a document, which must be the same in JSON and UBJSON; NULL: e says why not. */
static struct model *read_both(const char *json, struct error *e)
{
    struct model *a = NULL, *b = NULL;
    struct error other = {0};
    struct buf ubjson = {0};
    put_ubjson(&ubjson, json);
    int got = parse(import_xgboost_json, json, strlen(json), &a, e);
    CHECK_INT(parse(import_xgboost_ubjson, ubjson.at, ubjson.len, &b, &other), got);
    CHECK_INT(parse(import_xgboost_binary, json, strlen(json), &b, &other), 0);
    CHECK_INT(parse(import_xgboost_ubjson, json, strlen(json), &b, &other), 0);
    CHECK_INT(parse(import_xgboost_json, ubjson.at, ubjson.len, &b, &other), 0);
    if (a && b) {
        CHECK_TEXT(a->format, "xgboost-json");
        CHECK_TEXT(b->format, "xgboost-ubjson");
        CHECK_INT(a->trees.nodes, b->trees.nodes);
        for (size_t i = 0; i < a->trees.nodes; i++)
            CHECK_DOUBLE(b->trees.threshold[i], a->trees.threshold[i]);
    }
    model_free(b);
    buf_release(&ubjson);
    return a;
}

/* What is wrong with a document, without the offset, which differs; "" when nothing is. */
static const char *problem(const char *json)
{
    static struct error e;
    e = (struct error){0};
    struct model *m = read_both(json, &e);
    model_free(m);
    char *at = strstr(e.message, " (at byte ");
    if (at)
        *at = '\0';
    return e.message;
}

static double margin_of(const struct model *m, size_t output, const double *row)
{
    double margins[8] = {0};
    struct reference *r = reference_new(m);
    CHECK(m->outputs <= 8);
    CHECK_INT(reference_margins(r, row, margins, NULL), 0);
    reference_free(r);
    return margins[output];
}

#define ABSENT   ((double)NAN)
#define ROW(...) ((const double[]){__VA_ARGS__})

TEST(xgboost_trees)
{
    struct error e = {0};
    struct model *m = read_both(SIMPLE, &e);
    CHECK_TEXT(e.message, "");
    if (!m)
        return;
    CHECK_TEXT(m->producer, "xgboost 1.7.4");
    CHECK_TEXT(m->objective, "reg:squarederror");
    CHECK_INT(m->trees.count, 2);
    CHECK_INT(m->trees.nodes, 6); /* the deleted one is gone */
    CHECK(m->trees.cover == NULL);
    CHECK_INT(m->features[0].kind, FEATURE_NUMBER);
    CHECK_INT(m->features[1].kind, FEATURE_CODE);
    CHECK_TEXT(m->features[1].name, "f1");
    CHECK_DOUBLE(margin_of(m, 0, ROW(0.5, 0)), 8.25);
    CHECK_DOUBLE(margin_of(m, 0, ROW(0.4, 1)), 10.25);
    CHECK_DOUBLE(margin_of(m, 0, ROW(0.4, 33.7)), 10.25);
    CHECK_DOUBLE(margin_of(m, 0, ROW(0.4, 0)), 9.25);
    CHECK_DOUBLE(margin_of(m, 0, ROW(0.4, -1)), 9.25);
    CHECK_DOUBLE(margin_of(m, 0, ROW(0.4, 1e6)), 9.25);
    CHECK_DOUBLE(margin_of(m, 0, ROW(ABSENT, 32.999999999)), 10.25);
    CHECK_DOUBLE(margin_of(m, 0, ROW(ABSENT, ABSENT)), 10.25);
    model_free(m);
}

/* By its place in the file, from which deleted nodes are not taken. */
TEST(xgboost_numbers_of_leaves)
{
    struct error e = {0};
    struct model *m = read_both(WITH_DELETED, &e);
    CHECK_TEXT(e.message, "");
    if (!m)
        return;
    uint32_t leaf = 0;
    struct reference *r = reference_new(m);
    CHECK_INT(reference_leaves(r, ROW(1), &leaf, NULL), 0);
    CHECK_INT(leaf, 4);
    CHECK_INT(reference_leaves(r, ROW(0), &leaf, NULL), 0);
    CHECK_INT(leaf, 2);
    reference_free(r);
    CHECK(!m->named);
    model_free(m);
}

TEST(xgboost_covers)
{
    struct error e = {0};
    struct model *m =
        read_both(DOCUMENT(GBTREE("[0]", TREE), PARAM("\"0\"", "2", "0"), "reg:squarederror"), &e);
    CHECK(m && m->trees.cover);
    if (m && m->trees.cover)
        CHECK_DOUBLE(m->trees.cover[0], 10);
    model_free(m);
}

/* Base scores are what the model answers, margins what comes before. */
TEST(xgboost_objectives)
{
    const struct {
        const char *json;
        double base;
        enum transform transform;
        bool two_classes, answers_class;
    } cases[] = {
#define CASE(objective) DOCUMENT(GBTREE("[0]", LEAF), PARAM("\"2E-1\"", "1", "0"), objective)
        {CASE("binary:logistic"), (double)-logf(1.0F / 0.2F - 1.0F), TRANSFORM_SIGMOID, true,
         false},
        {CASE("reg:logistic"), (double)-logf(1.0F / 0.2F - 1.0F), TRANSFORM_SIGMOID, false, false},
        {CASE("count:poisson"), (double)logf(0.2F), TRANSFORM_EXP, false, false},
        {CASE("reg:tweedie"), (double)logf(0.2F), TRANSFORM_EXP, false, false},
        {CASE("binary:hinge"), (double)0.2F, TRANSFORM_STEP, true, true},
        {CASE("rank:ndcg"), (double)0.2F, TRANSFORM_NONE, false, false},
        {CASE("multi:softmax"), (double)0.2F, TRANSFORM_SOFTMAX, false, true},
#undef CASE
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error e = {0};
        struct model *m = read_both(cases[i].json, &e);
        CHECK_TEXT(e.message, "");
        if (!m)
            continue;
        CHECK_DOUBLE(m->base[0], cases[i].base);
        CHECK_INT(m->transform, cases[i].transform);
        CHECK_INT(m->two_classes, cases[i].two_classes);
        CHECK_INT(m->answers_class, cases[i].answers_class);
        model_free(m);
    }
}

TEST(xgboost_base_scores_per_class)
{
    struct error e = {0};
    struct model *m = read_both(DOCUMENT(GBTREE("[1,0]", LEAF "," LEAF),
                                         PARAM("\"[5E-1,-2E0]\"", "1", "2"), "multi:softprob"),
                                &e);
    CHECK_TEXT(e.message, "");
    if (!m)
        return;
    CHECK_DOUBLE(margin_of(m, 0, ROW(0)), 7.5);
    CHECK_DOUBLE(margin_of(m, 1, ROW(0)), 5);
    model_free(m);
}

#define VECTORS(more, right)                                                                       \
    "{\"left_children\":[1,-1,-1],\"right_children\":" right ",\"split_indices\":[0,0,0],"         \
    "\"split_conditions\":[2,0,0],\"default_left\":[0,0,0],\"base_weights\":[9,9,1,2,3,4]," more   \
    "\"tree_param\":{\"size_leaf_vector\":\"2\"}}"
#define TARGETS "{\"base_score\":\"1\",\"num_feature\":\"1\",\"num_target\":\"2\"}"

/* In the weights of the nodes, or in lists of their own, to which right_children points. */
TEST(xgboost_leaf_vectors)
{
    static const char *const documents[] = {
        DOCUMENT(GBTREE("[0]", VECTORS("", "[2,-1,-1]")), TARGETS, "reg:squarederror"),
        DOCUMENT(GBTREE("[0]", VECTORS("\"leaf_weights\":[3,4,1,2],", "[2,1,0]")), TARGETS,
                 "reg:squarederror"),
    };
    for (size_t i = 0; i < COUNT_OF(documents); i++) {
        struct error e = {0};
        struct model *m = read_both(documents[i], &e);
        CHECK_TEXT(e.message, "");
        if (!m)
            continue;
        CHECK_INT(m->trees.width, 2);
        CHECK_DOUBLE(margin_of(m, 0, ROW(1)), 2);
        CHECK_DOUBLE(margin_of(m, 1, ROW(1)), 3);
        CHECK_DOUBLE(margin_of(m, 0, ROW(2)), 4);
        CHECK_DOUBLE(margin_of(m, 1, ROW(ABSENT)), 5);
        model_free(m);
    }
}

TEST(xgboost_json_with_nan)
{
    static const char json[] = DOCUMENT(
        GBTREE("[0]", "{\"left_children\":[1,-1,-1],\"right_children\":[2,-1,-1],"
                      "\"split_indices\":[0,0,0],\"split_conditions\":[Infinity,1,2],"
                      "\"default_left\":[false,false,false],\"loss_changes\":[NaN,0,-Infinity]}"),
        PARAM("0", "1", "0"), "reg:squarederror");
    struct error e = {0};
    struct model *m = NULL;
    CHECK_INT(parse(import_xgboost_json, json, sizeof json - 1, &m, &e), 1);
    CHECK_TEXT(e.message, "");
    if (!m)
        return;
    CHECK_DOUBLE(margin_of(m, 0, ROW(1e30)), 1);
    CHECK_DOUBLE(margin_of(m, 0, ROW(ABSENT)), 2);
    model_free(m);
}

TEST(xgboost_dart_and_checkpoint)
{
    struct error e = {0};
    struct model *m =
        read_both("{\"Config\":{\"learner\":[[1],{\"a\":null}]},\"Model\":" DOCUMENT(
                      "{\"gbtree\":" GBTREE(
                          "[0,0]", LEAF "," LEAF) ",\"name\":\"dart\",\"weight_drop\":[0.5,0.1]}",
                      PARAM("\"0\"", "1", "0"), "reg:squarederror") "}",
                  &e);
    CHECK_TEXT(e.message, "");
    if (!m)
        return;
    CHECK_DOUBLE(m->trees.value[1], (double)(7.0F * 0.1F));
    CHECK_DOUBLE(margin_of(m, 0, ROW(0)), (double)(3.5F + 7.0F * 0.1F));
    model_free(m);
}

#define LINEAR(weights) "{\"model\":{\"weights\":" weights "},\"name\":\"gblinear\"}"

TEST(xgboost_linear)
{
    struct error e = {0};
    struct model *m = read_both(
        DOCUMENT(LINEAR("[1,10,2,20,3,30]"), PARAM("\"5E-1\"", "2", "2"), "multi:softprob"), &e);
    CHECK_TEXT(e.message, "");
    if (!m)
        return;
    CHECK_INT(m->kind, MODEL_LINEAR);
    CHECK_DOUBLE(margin_of(m, 0, ROW(4, 5)), 17.5);
    CHECK_DOUBLE(margin_of(m, 1, ROW(ABSENT, 5)), 130.5);
    CHECK_DOUBLE(margin_of(m, 0, ROW(0.1, 0)), (double)(3.5F + 0.1F));
    model_free(m);
}

#define WITH(booster, param) DOCUMENT(booster, param, "reg:squarederror")
#define NODE(left, right, more)                                                                    \
    "{\"left_children\":" left ",\"right_children\":" right ",\"split_indices\":[0,0,0],"          \
    "\"split_conditions\":[1,1,1],\"default_left\":[0,0,0]" more "}"
#define ONE(tree) WITH(GBTREE("[0]", tree), PARAM("\"0\"", "1", "0"))

TEST(xgboost_refuses)
{
    static const struct {
        const char *json, *problem;
    } cases[] = {
        {DOCUMENT(GBTREE("[0]", LEAF), PARAM("\"0\"", "1", "0"), "reg:mine"),
         "learner.objective.name: 'reg:mine' is not supported"},
        {WITH("{\"name\":\"gbforest\"}", PARAM("\"0\"", "1", "0")),
         "learner.gradient_booster.name: 'gbforest' is not supported"},
        {"{\"learner\":{}}", "learner.learner_model_param.base_score is missing"},
        {"{\"version\":[1,2,3]}", "learner is missing"},
        {"{\"version\":[1,2]}", "version: three numbers are expected"},
        {"{\"learner\":[]}", "learner: an object is expected"},
        {"{\"Model\":{\"learner\":{}},\"learner\":{}}", "learner: a second learner"},
        {"{\"version\":[1,2,3],\"version\":[1,2,3]}", "a key is there twice"},
        {WITH(GBTREE("[0]", LEAF), PARAM("\"x\"", "1", "0")),
         "learner.learner_model_param.base_score: a number, or a list of them, is expected"},
        {WITH(GBTREE("[0]", LEAF), PARAM("\"[1,2]\"", "1", "0")),
         "learner.learner_model_param.base_score: 2 values for 1 outputs"},
        {WITH(GBTREE("[0]", LEAF), PARAM("\"0\"", "1.5", "0")),
         "learner.learner_model_param.num_feature: a count is expected"},
        {WITH(GBTREE("[0]", LEAF), PARAM("\"0\"", "2147483647", "0")),
         "2147483647 features, 0 classes and 0 targets are too many for the file"},
        {WITH(GBTREE("[0]", LEAF), PARAM("\"0\"", "1", "3")),
         "1 trees with leaves of 1 values are too few for 3 outputs"},
        {WITH(GBTREE("[]", ""), PARAM("\"0\"", "1", "0")), "the booster has no trees"},
        {WITH(GBTREE("[0,1]", LEAF), PARAM("\"0\"", "1", "0")),
         "tree_info has 2 entries for 1 trees"},
        {WITH(GBTREE("[1]", LEAF), PARAM("\"0\"", "1", "0")), "tree 0: output 1 is out of range"},
        {WITH(GBTREE("[0]", LEAF ",7"), PARAM("\"0\"", "1", "0")),
         "learner.gradient_booster.model.trees[1]: a tree is expected"},
        {WITH("{\"gbtree\":" GBTREE("[0]", LEAF) ",\"name\":\"dart\",\"weight_drop\":[1,1]}",
              PARAM("\"0\"", "1", "0")),
         "weight_drop has 2 entries for 1 trees"},
        {WITH(LINEAR("[1,2,3]"), PARAM("\"0\"", "1", "0")),
         "3 weights for 1 features and 1 outputs"},
        {ONE(NODE("[1,-1,-1]", "[3,-1,-1]", "")), "tree 0, node 0: a child is out of range"},
        {ONE(NODE("[1,-1,-1]", "[-1,-1,-1]", "")), "tree 0, node 0: a child is out of range"},
        {ONE(NODE("[1,0,-1]", "[2,2,-1]", "")), "tree 0, node 0: it has two parents"},
        {ONE(NODE("[1,-1]", "[2,-1,-1]", "")),
         "learner.gradient_booster.model.trees[0]: right_children has 3 entries for 2 nodes"},
        {ONE(NODE("[1,-1,-1.5]", "[2,-1,-1]", "")),
         "learner.gradient_booster.model.trees[0].left_children: a number is no integer or out of "
         "range"},
        {ONE(NODE("[1,-1,\"a\"]", "[2,-1,-1]", "")),
         "learner.gradient_booster.model.trees[0].left_children: a list of numbers is expected"},
        {ONE(NODE("[1,-1,-1]", "[2,-1,-1]", ",\"split_type\":[1,0,0]")),
         "learner.gradient_booster.model.trees[0]: split_type and categories_nodes disagree about "
         "a node"},
        {ONE(NODE("[1,-1,-1]", "[2,-1,-1]",
                  ",\"split_type\":[1,0,0],\"categories\":[1],\"categories_nodes\":[0],"
                  "\"categories_segments\":[0],\"categories_sizes\":[2]")),
         "learner.gradient_booster.model.trees[0]: the categories of a node are out of range"},
        {ONE(NODE("[1,-1,-1]", "[2,-1,-1]",
                  ",\"split_type\":[1,0,0],\"categories\":[16777216],\"categories_nodes\":[0],"
                  "\"categories_segments\":[0],\"categories_sizes\":[1]")),
         "learner.gradient_booster.model.trees[0]: a category is negative or larger than 2^24 - "
         "1"},
        {ONE(NODE("[1,-1,-1]", "[2,-1,-1]", ",\"tree_param\":{\"num_nodes\":\"4\"}")),
         "learner.gradient_booster.model.trees[0]: num_nodes is not the length of the lists"},
        {WITH(GBTREE("[0]", VECTORS("\"leaf_weights\":[3,4],", "[2,1,0]")), TARGETS),
         "learner.gradient_booster.model.trees[0]: base_weights or leaf_weights are not as many "
         "as the leaves need"},
        {WITH(GBTREE("[0]", VECTORS("\"leaf_weights\":[3,4,5,6],", "[2,2,0]")), TARGETS),
         "learner.gradient_booster.model.trees[0]: leaf_weights lack those of a leaf"},
        {WITH(GBTREE("[0]", VECTORS("", "[2,-1,-1]")), PARAM("\"0\"", "1", "0")),
         "1 trees with leaves of 2 values are too few for 1 outputs"},
        {"{\"learner\":{\"feature_names\":[\"a\"],\"gradient_booster\":" GBTREE(
             "[0]", LEAF) ",\"learner_model_param\":" PARAM("\"0\"", "2",
                                                            "0") ",\"objective\":{\"name\":\"reg:"
                                                                 "linear\"}}}",
         "2 features have 1 names and 0 types"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_TEXT(problem(cases[i].json), cases[i].problem);
    CHECK_TEXT(problem(SIMPLE), "");
}

/* The binary format: a tree f1 < 2 ? -1 : 1 (missing right), and node 3 deleted. */
static void put_u32(struct buf *b, uint32_t x)
{
    for (int shift = 0; shift < 32; shift += 8)
        buf_putc(b, (char)(x >> shift));
}

static void put_float(struct buf *b, float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    put_u32(b, bits);
}

static void put_zeros(struct buf *b, size_t n)
{
    while (n-- > 0)
        buf_putc(b, 0);
}

static void put_name(struct buf *b, const char *name)
{
    put_u32(b, (uint32_t)strlen(name));
    put_u32(b, 0);
    buf_puts(b, name);
}

static void put_node(struct buf *b, uint32_t left, uint32_t right, uint32_t split, float number)
{
    put_u32(b, 0);
    put_u32(b, left);
    put_u32(b, right);
    put_u32(b, split);
    put_float(b, number);
}

static void put_binary(struct buf *b, uint32_t major, uint32_t nodes)
{
    put_float(b, 0.25F);
    put_u32(b, 2);
    put_zeros(b, 12);
    put_u32(b, major);
    put_u32(b, 7);
    put_zeros(b, 108);
    put_name(b, "binary:logistic");
    put_name(b, "gbtree");
    put_u32(b, 1);
    put_zeros(b, 156);
    put_u32(b, 1);
    put_u32(b, nodes);
    put_zeros(b, 140);
    put_node(b, 1, 2, 1, 2);
    put_node(b, UINT32_MAX, UINT32_MAX, 0, -1);
    put_node(b, UINT32_MAX, UINT32_MAX, 0, 1);
    put_node(b, UINT32_MAX, UINT32_MAX, UINT32_MAX, 5);
    put_zeros(b, 4 * 16 + 4); /* statistics, tree_info */
}

TEST(xgboost_binary)
{
    for (uint32_t major = 0; major < 2; major++) {
        struct buf b = {0};
        struct model *m = NULL;
        struct error e = {0};
        buf_puts(&b, major ? "binf" : "");
        put_binary(&b, major, 4);
        CHECK_INT(parse(import_xgboost_binary, b.at, b.len, &m, &e), 1);
        CHECK_TEXT(e.message, "");
        if (m) {
            /* Before 1.0 the base is a margin. */
            float base = major ? -logf(1.0F / 0.25F - 1.0F) : 0.25F;
            CHECK_TEXT(m->producer, major ? "xgboost 1.7" : "");
            CHECK_DOUBLE(margin_of(m, 0, ROW(0, 1.5)), (double)(base - 1));
            CHECK_DOUBLE(margin_of(m, 0, ROW(0, ABSENT)), (double)(base + 1));
        }
        model_free(m);
        buf_release(&b);
    }
}

/* As pickles of some versions hold it: with a header in front and a configuration behind. */
TEST(xgboost_binary_serialized)
{
    struct buf b = {0}, whole = {0};
    struct model *m = NULL;
    struct error e = {0};
    put_binary(&b, 1, 4);
    buf_puts(&whole, "CONFIG-offset:");
    put_u32(&whole, (uint32_t)b.len);
    put_u32(&whole, 0);
    buf_add(&whole, b.at, b.len);
    buf_puts(&whole, "{\"learner\":{}}");
    CHECK_INT(parse(import_xgboost_binary, whole.at, whole.len, &m, &e), 1);
    CHECK_TEXT(e.message, "");
    model_free(m);
    buf_release(&b);
    buf_release(&whole);
}

TEST(xgboost_best_round)
{
    static const struct {
        const char *attributes;
        size_t best;
    } cases[] = {{"{\"best_iteration\":\"4\",\"x\":\"y\"}", 5},
                 {"{\"best_iteration\":\"-1\"}", 0},
                 {"{\"best_iteration\":\"none\"}", 0},
                 {"{}", 0}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error e = {0};
        char *json = mem_format("{\"learner\":{\"attributes\":%s,%s", cases[i].attributes,
                                strchr(SIMPLE, ':') + 2);
        struct model *m = read_both(json, &e);
        CHECK_TEXT(e.message, "");
        if (m)
            CHECK_INT(m->best_rounds, cases[i].best);
        model_free(m);
        mem_free(json);
    }
}

TEST(xgboost_binary_refuses)
{
    struct buf b = {0};
    struct model *m = NULL;
    struct error e = {0};
    put_binary(&b, 1, UINT32_MAX);
    CHECK_INT(parse(import_xgboost_binary, b.at, b.len, &m, &e), ERR_DATA);
    CHECK_TEXT(e.message, "tree 0: it has no nodes (at byte 481)");
    b.len = 0;
    put_binary(&b, 1, INT32_MAX);
    CHECK_INT(parse(import_xgboost_binary, b.at, b.len, &m, &e), ERR_DATA);
    CHECK_TEXT(e.message, "tree 0: the file ends too early (at byte 481)");
    CHECK_INT(parse(import_xgboost_binary, "bs64AAAA", 8, &m, &e), ERR_DATA);
    CHECK_TEXT(e.message, "XGBoost's text format in base 64 is not supported");
    buf_release(&b);
}

/* No prefix is a model, and none is read beyond its end. */
TEST(xgboost_cut_anywhere)
{
    struct buf b = {0};
    struct model *m = NULL;
    struct error e = {0};
    for (size_t n = 0; n < sizeof SIMPLE - 1; n++)
        CHECK(parse(import_xgboost_json, SIMPLE, n, &m, &e) <= 0);
    put_ubjson(&b, SIMPLE);
    for (size_t n = 0; n < b.len; n++)
        CHECK(parse(import_xgboost_ubjson, b.at, n, &m, &e) <= 0);
    b.len = 0;
    put_binary(&b, 1, 4);
    for (size_t n = 0; n < b.len; n++)
        CHECK(parse(import_xgboost_binary, b.at, n, &m, &e) <= 0);
    buf_release(&b);
}

TEST(xgboost_ubjson_types)
{
    /* Lists with a type and a length, of every type of number, and values that are skipped. */
    static const char bytes[] = "{U\7learner{U\1a[$U#U\2\1\2U\1b[$l#i\1\0\0\0\1U\1c[#I\0\3TFZ"
                                "U\1d{$d#U\1U\1x\0\0\0\0NU\1eC!U\1f[N]U\1g[$S#U\1U\1y}"
                                "U\7version[$I#l\0\0\0\3\0\1\0\2\0\3}";
    struct model *m = NULL;
    struct error e = {0};
    CHECK_INT(parse(import_xgboost_ubjson, bytes, sizeof bytes - 1, &m, &e), ERR_DATA);
    CHECK_TEXT(e.message, "learner.learner_model_param.base_score is missing");
    const struct {
        struct text bytes;
        const char *problem;
    } cases[] = {
        {TEXT_LITERAL("{U\7version[$Z#L\177\0\0\0\0\0\0\0]}"),
         "version: the type of a list is not supported (at byte 11)"},
        {TEXT_LITERAL("{U\7version[#L\177\0\0\0\0\0\0\0]}"),
         "version: a list is longer than the file (at byte 21)"},
        {TEXT_LITERAL("{U\7version[$l#U\2\0\0\0\0\0}"),
         "version: a list is longer than the file (at byte 16)"},
        {TEXT_LITERAL("{U\7version[i"), "version: the file ends in a number (at byte 12)"},
        {TEXT_LITERAL("{U\7versionq"), "version: not the type of a value (at byte 11)"},
        {TEXT_LITERAL("{U\7version[#i\377]"), "version: a length is negative (at byte 12)"},
        {TEXT_LITERAL("{U\7learner{}}x"), "more behind the end (at byte 13)"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CHECK_INT(parse(import_xgboost_ubjson, cases[i].bytes.at, cases[i].bytes.len, &m, &e),
                  ERR_DATA);
        CHECK_TEXT(e.message, cases[i].problem);
    }
}

TEST(xgboost_leaves_others_alone)
{
    static const char *const others[] = {"", "{", "{}", "{\"a\":1}", "[1]", "tree\nversion=v3\n"};
    struct model *m = NULL;
    struct error e = {0};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        CHECK_INT(parse(import_xgboost_json, others[i], strlen(others[i]), &m, &e), 0);
        CHECK_INT(parse(import_xgboost_ubjson, others[i], strlen(others[i]), &m, &e), 0);
        CHECK_INT(parse(import_xgboost_binary, others[i], strlen(others[i]), &m, &e), 0);
    }
    CHECK_TEXT(e.message, "");
}
