/* The IR: what its check refuses, what the builder makes of drafts, what model_parse adds. */
#include "model/builder.h"
#include "unit.h"

#include <math.h>

/* A sound model of two trees, each a test and two leaves, in arrays that a test may spoil. */
struct sample {
    struct feature features[2];
    struct stage stage;
    uint32_t root[3], output[2], feature[6], left[6], right[6], set[6], words[1];
    uint8_t missing[6];
    double threshold[6], value[6], base[2];
    size_t set_first[2];
    struct model model;
};

static void sample_init(struct sample *s)
{
    *s = (struct sample){
        .stage = {.kind = STAGE_IMPUTE, .in = 2, .out = 2},
        .root = {0, 3, 6},
        .output = {0, 1},
        .feature = {0, NODE_LEAF, NODE_LEAF, 1, NODE_LEAF, NODE_LEAF},
        .left = {1, 0, 0, 4, 0, 0},
        .right = {2, 0, 0, 5, 0, 0},
        .set = {NO_SET, NO_SET, NO_SET, 0, NO_SET, NO_SET},
        .set_first = {0, 1},
        .words = {6},
        .threshold = {0.5},
        .value = {0, 1, 2, 0, 3, 4},
    };
    s->model = (struct model){
        .features = s->features,
        .feature_count = 2,
        .stages = &s->stage,
        .stage_count = 1,
        .outputs = 2,
        .base = s->base,
        .trees = {.count = 2,
                  .nodes = 6,
                  .root = s->root,
                  .output = s->output,
                  .width = 1,
                  .feature = s->feature,
                  .threshold = s->threshold,
                  .left = s->left,
                  .right = s->right,
                  .missing = s->missing,
                  .set = s->set,
                  .value = s->value,
                  .sets = 1,
                  .set_first = s->set_first,
                  .words = s->words},
    };
}

#define REFUSED(spoil, text)                                                                       \
    do {                                                                                           \
        struct sample s;                                                                           \
        struct error e = {0};                                                                      \
        sample_init(&s);                                                                           \
        spoil;                                                                                     \
        CHECK_INT(model_check(&s.model, &e), ERR_DATA);                                            \
        CHECK_TEXT(e.message, text);                                                               \
    } while (0)

TEST(a_sound_model_passes)
{
    struct sample s;
    sample_init(&s);
    CHECK_INT(model_check(&s.model, NULL), 0);
    s.model.trees.set = NULL;
    CHECK_INT(model_check(&s.model, NULL), 0);
    CHECK_INT(trees_depth(&s.model.trees), 1);
    CHECK_INT(model_width(&s.model), 2);
}

TEST(models_without_parts_are_refused)
{
    REFUSED(s.model.outputs = 0, "the model has no outputs");
    REFUSED(s.model.feature_count = 0, "the model has no features");
    REFUSED(s.model.trees.count = 0, "the model has no trees");
    REFUSED(s.model.trees.width = 0, "the model has no trees");
    REFUSED(s.base[1] = (double)INFINITY, "the base of output 1 is no finite number");
    REFUSED(s.base[0] = (double)NAN, "the base of output 0 is no finite number");
}

TEST(stages_that_do_not_fit_are_refused)
{
    static const size_t first[] = {0, 2, 5}, none[] = {SIZE_MAX, SIZE_MAX}, one[] = {1, SIZE_MAX};
    static const size_t back[] = {0, 5, 2};
    REFUSED(s.stage.in = 3, "stage 1 takes 3 columns and gets 2");
    REFUSED(s.stage.out = 3, "stage 1 does not make 3 columns");
    REFUSED((s.stage.before = 1, s.stage.after = 2),
            "stage 1 leaves more columns alone than there are");
    REFUSED(s.stage.before = SIZE_MAX, "stage 1 leaves more columns alone than there are");
    REFUSED((s.stage.kind = STAGE_PICK, s.stage.pick = back, s.stage.out = 3),
            "stage 1 does not make 3 columns");
    REFUSED(
        (s.stage.kind = STAGE_ONEHOT, s.stage.first = first, s.stage.drop = none, s.stage.out = 4),
        "stage 1 does not make 4 columns");
    REFUSED(
        (s.stage.kind = STAGE_ONEHOT, s.stage.first = first, s.stage.drop = one, s.stage.out = 5),
        "stage 1 does not make 5 columns");
    REFUSED((s.stage.kind = STAGE_ONEHOT, s.stage.first = back, s.stage.out = 2),
            "stage 1 does not make 2 columns");
    struct sample s;
    sample_init(&s);
    s.stage = (struct stage){.kind = STAGE_ONEHOT, .first = first, .drop = one, .in = 2, .out = 4};
    CHECK_INT(model_check(&s.model, NULL), 0);
    CHECK_INT(model_width(&s.model), 4);
}

TEST(trees_out_of_range_are_refused)
{
    REFUSED(s.root[1] = 0, "tree 0: it has no nodes");
    REFUSED(s.root[2] = 3, "tree 1: it has no nodes");
    REFUSED(s.root[2] = 7, "tree 1: it has no nodes");
    REFUSED(s.output[1] = 2, "tree 1: output 2 is out of range");
    REFUSED(s.model.trees.width = 3, "tree 0: output 0 is out of range");
    REFUSED(s.output[0] = UINT32_MAX, "tree 0: output 4294967295 is out of range");
}

TEST(nodes_that_no_walk_may_meet_are_refused)
{
    REFUSED(s.feature[3] = 2, "tree 1, node 0: it tests a feature that the model does not have");
    REFUSED(s.left[3] = 3, "tree 1, node 0: a child is out of range");
    REFUSED(s.left[3] = 6, "tree 1, node 0: a child is out of range");
    REFUSED(s.right[0] = 0, "tree 0, node 0: a child is out of range");
    REFUSED(s.right[0] = 3, "tree 0, node 0: a child is out of range");
    REFUSED(s.set[3] = 1, "tree 1, node 0: it tests a set that the model does not have");
    REFUSED(s.threshold[0] = (double)NAN, "tree 0, node 0: its threshold is not a number");
    REFUSED(s.value[5] = (double)NAN, "tree 1, node 2: the value of a leaf is no finite number");
    REFUSED(s.value[1] = -(double)INFINITY,
            "tree 0, node 1: the value of a leaf is no finite number");
}

TEST(weights_that_are_no_numbers_are_refused)
{
    const double weight[] = {1, 2, 3, (double)NAN};
    REFUSED((s.model.kind = MODEL_LINEAR, s.model.linear.weight = weight),
            "output 1: the weight of column 2 is no finite number");
}

TEST(infinite_thresholds_are_numbers)
{
    struct sample s;
    sample_init(&s);
    s.threshold[0] = (double)INFINITY;
    CHECK_INT(model_check(&s.model, NULL), 0);
}

TEST(the_builder_puts_children_behind_their_parents)
{
    const double one = 1, two = 2, three = 3;
    const struct draft_node nodes[] = {
        {.feature = NODE_LEAF, .value = &one, .cover = 5, .number = 11},
        {.feature = 7, .left = 0, .right = 3, .set = NO_SET, .threshold = 0.5, .cover = 9},
        {.feature = NODE_LEAF, .value = &two, .cover = 1}, /* not reached */
        {.feature = NODE_LEAF, .value = &three, .cover = 4},
    };
    struct builder *b = builder_new(1);
    struct model *m = model_new("test", 8);
    CHECK_INT(builder_tree(b, nodes, 4, 1, 0, NULL), 0);
    builder_finish(b, m);
    CHECK_INT(m->trees.nodes, 3);
    CHECK_INT(m->trees.feature[0], 7);
    CHECK_DOUBLE(m->trees.value[m->trees.left[0]], 1);
    CHECK_DOUBLE(m->trees.value[m->trees.right[0]], 3);
    CHECK_DOUBLE(m->trees.cover[0], 9);
    CHECK_INT(m->trees.number[m->trees.left[0]], 11);
    CHECK(m->trees.set == NULL);
    CHECK_TEXT(m->features[7].name, "f7");
    model_free(m);
}

TEST(the_depth_is_that_of_the_deepest_leaf)
{
    const double one = 1;
    struct draft_node nodes[] = {
        {.left = 1, .right = 2},
        {.feature = NODE_LEAF, .value = &one},
        {.left = 3, .right = 4},
        {.feature = NODE_LEAF, .value = &one},
        {.left = 5, .right = 6},
        {.feature = NODE_LEAF, .value = &one},
        {.feature = NODE_LEAF, .value = &one},
    };
    struct builder *b = builder_new(1);
    struct model *m = model_new("test", 1);
    CHECK_INT(builder_tree(b, nodes, COUNT_OF(nodes), 0, 0, NULL), 0);
    CHECK_INT(builder_tree(b, &nodes[1], 1, 0, 0, NULL), 0);
    builder_finish(b, m);
    CHECK_INT(trees_depth(&m->trees), 3);
    model_free(m);
}

static void check_draft(const struct draft_node *nodes, size_t n, size_t root, const char *message)
{
    struct builder *b = builder_new(1);
    struct error e = {0};
    CHECK_INT(builder_tree(b, nodes, n, root, 0, &e), ERR_DATA);
    CHECK_TEXT(e.message, message);
    builder_free(b);
}

TEST(drafts_that_are_no_trees_are_refused)
{
    const double one = 1;
    struct draft_node leaf = {.feature = NODE_LEAF, .value = &one};
    check_draft((struct draft_node[]){{.left = 1, .right = 1}, leaf}, 2, 0,
                "tree 0, node 1: it has two parents");
    check_draft((struct draft_node[]){{.left = 0, .right = 1}, leaf}, 2, 0,
                "tree 0, node 0: it has two parents");
    check_draft((struct draft_node[]){{.left = 1, .right = 2}, leaf}, 2, 0,
                "tree 0, node 0: a child is out of range");
    check_draft(&leaf, 1, 1, "tree 0, node 1: there is no such node");
}

static const char lightgbm[] =
    "tree\nversion=v4\nnum_class=1\nmax_feature_idx=0\nfeature_names=a\n\n"
    "Tree=0\nnum_leaves=1\nnum_cat=0\nleaf_value=2\n\n";

TEST(parsing_adds_size_and_digest)
{
    struct model *m = NULL;
    CHECK_INT(model_parse(lightgbm, strlen(lightgbm), "m.txt", &m, NULL), 0);
    CHECK_INT(m->bytes, strlen(lightgbm));
    CHECK_TEXT(m->sha256, "1fd84ffd57b5a9f66c780c91afe6ea9e8ae4dd20cd6475657b0f046361dac969");
    model_free(m);
}

TEST(what_cannot_be_parsed_is_placed)
{
    static const char *const unknown[] = {"", "hello", "\177ELF\002\001\001", "a,b\n1,2\n"};
    struct model *m = NULL;
    for (size_t i = 0; i < COUNT_OF(unknown); i++) {
        struct error e = {0};
        CHECK_INT(model_parse(unknown[i], strlen(unknown[i]), "dir/m", &m, &e), ERR_DATA);
        CHECK_TEXT(e.file, "dir/m");
    }
    struct error e = {0};
    CHECK_INT(model_parse("tree\nversion=v9\n", 16, "m.txt", &m, &e), ERR_DATA);
    CHECK_TEXT(e.file, "m.txt");
    CHECK_TEXT(e.message, "max_feature_idx is missing");
    CHECK(m == NULL);
}

TEST(models_of_others_are_named)
{
    static const struct {
        const char *bytes, *name;
    } cases[] = {{"{\"name\":\"tree\",\"version\":\"v3\"}", "a dump of LightGBM"},
                 {"booster[0]:\n0:leaf=1\n", "a dump of XGBoost"},
                 {"[\n  { \"nodeid\": 0, \"leaf\": 1 }\n]", "a dump of XGBoost"},
                 {"CBM1....", "CatBoost"},
                 {"....TFL3", "TensorFlow Lite"},
                 {"\x89HDF\r\n\x1a\n", "Keras"},
                 {"<?xml version=\"1.0\"?><PMML>", "PMML"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct model *m = NULL;
        struct error e = {0};
        CHECK_INT(model_parse(cases[i].bytes, strlen(cases[i].bytes), "m", &m, &e), ERR_DATA);
        CHECK(strstr(e.message, cases[i].name));
        CHECK(strstr(e.message, "is not supported, but these are: XGBoost"));
    }
}

TEST(transforms_have_names)
{
    CHECK_TEXT(transform_name(TRANSFORM_NONE), "none");
    CHECK_TEXT(transform_name(TRANSFORM_SIGMOID), "sigmoid");
    CHECK_TEXT(transform_name(TRANSFORM_LOG1P_EXP), "log1p_exp");
    CHECK_TEXT(transform_name(TRANSFORM_NORMALIZE), "normalize");
}
