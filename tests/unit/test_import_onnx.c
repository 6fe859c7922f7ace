#include "infer/infer.h"
#include "model/builder.h"
#include "model/protobuf.h"
#include "unit.h"

#include <math.h>

/* Messages are written from the inside out: each is a buf, put into the one around it. */
static void put_varint(struct buf *b, uint64_t value)
{
    for (; value > 127; value >>= 7)
        buf_putc(b, (char)(value | 128));
    buf_putc(b, (char)value);
}

static void put_tag(struct buf *b, uint32_t field, enum wire wire)
{
    put_varint(b, field << 3 | wire);
}

static void put_integer(struct buf *b, uint32_t field, int64_t value)
{
    put_tag(b, field, WIRE_VARINT);
    put_varint(b, (uint64_t)value);
}

static void put_text(struct buf *b, uint32_t field, const char *text)
{
    put_tag(b, field, WIRE_BYTES);
    put_varint(b, strlen(text));
    buf_puts(b, text);
}

static void put_message(struct buf *b, uint32_t field, struct buf *message)
{
    put_tag(b, field, WIRE_BYTES);
    put_varint(b, message->len);
    buf_add(b, message->at, message->len);
    buf_release(message);
}

static void put_ints(struct buf *node, const char *name, bool packed, size_t n,
                     const int64_t *values)
{
    struct buf a = {0}, list = {0};
    put_text(&a, 1, name);
    for (size_t i = 0; i < n; i++)
        packed ? put_varint(&list, (uint64_t)values[i]) : put_integer(&a, 8, values[i]);
    if (packed)
        put_message(&a, 8, &list);
    put_integer(&a, 20, 7);
    put_message(node, 5, &a);
}

static void put_floats(struct buf *node, const char *name, bool packed, size_t n,
                       const float *values)
{
    struct buf a = {0}, list = {0};
    put_text(&a, 1, name);
    for (size_t i = 0; i < n; i++) {
        if (!packed)
            put_tag(&a, 7, WIRE_FIXED32);
        buf_add(packed ? &list : &a, &values[i], sizeof values[i]);
    }
    if (packed)
        put_message(&a, 7, &list);
    put_message(node, 5, &a);
}

static void put_texts(struct buf *node, const char *name, size_t n, const char *const *values)
{
    struct buf a = {0};
    put_text(&a, 1, name);
    for (size_t i = 0; i < n; i++)
        put_text(&a, 9, values[i]);
    put_message(node, 5, &a);
}

static void put_int(struct buf *node, const char *name, int64_t value)
{
    struct buf a = {0};
    put_text(&a, 1, name);
    put_integer(&a, 3, value);
    put_message(node, 5, &a);
}

static void start_node(struct buf *node, const char *op, const char *in, const char *out)
{
    put_text(node, 1, in);
    put_text(node, 2, out);
    put_text(node, 3, "n");
    put_text(node, 4, op);
    put_text(node, 7, "ai.onnx.ml");
}

/* A ModelProto of two nodes, or of one, over an input x of floats in two columns. Takes them. */
static struct buf model_of_two(struct buf *first, struct buf *node)
{
    struct buf m = {0}, graph = {0}, input = {0}, type = {0}, tensor = {0}, shape = {0};
    struct buf rows = {0}, columns = {0};
    put_text(&rows, 2, "N");
    put_integer(&columns, 1, 2);
    put_message(&shape, 1, &rows);
    put_message(&shape, 1, &columns);
    put_integer(&tensor, 1, 1);
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_text(&input, 1, "x");
    put_message(&input, 2, &type);
    if (first)
        put_message(&graph, 1, first);
    put_message(&graph, 1, node);
    put_message(&graph, 11, &input);
    put_integer(&m, 1, 8);
    put_text(&m, 2, "unit");
    put_text(&m, 3, "1.2");
    put_message(&m, 7, &graph);
    return m;
}

static struct buf model_of(struct buf *node)
{
    return model_of_two(NULL, node);
}

/* A tree of two branches, 0 and 1, and three leaves 2, 3, 14 with the weights 1, 2, 4: 0 goes to 1
 * when true, else to 14; 1 goes to 2 when true, else to 3. Branch 0 tests column 0, 1 column 1. */
struct sketch {
    const char *mode[2];
    float threshold[2];
    int64_t tracks[2];
    bool packed;
    int64_t targets;
    int64_t falls_to; /* the false child of branch 0, if not 14 */
    const char *more; /* name of an attribute to add */
};

static struct buf regressor(const struct sketch *s)
{
    struct buf node = {0};
    const char *modes[] = {s->mode[0], s->mode[1], "LEAF", "LEAF", "LEAF"};
    const float values[] = {s->threshold[0], s->threshold[1], 0, 0, 0}, weights[] = {1, 2, 4};
    start_node(&node, "TreeEnsembleRegressor", "x", "y");
    put_ints(&node, "nodes_treeids", s->packed, 5, (int64_t[]){0, 0, 0, 0, 0});
    put_ints(&node, "nodes_nodeids", s->packed, 5, (int64_t[]){0, 1, 2, 3, 14});
    put_ints(&node, "nodes_featureids", s->packed, 5, (int64_t[]){0, 1, 0, 0, 0});
    put_ints(&node, "nodes_truenodeids", s->packed, 5, (int64_t[]){1, 2, 0, 0, 0});
    put_ints(&node, "nodes_falsenodeids", s->packed, 5,
             (int64_t[]){s->falls_to ? s->falls_to : 14, 3, 0, 0, 0});
    put_ints(&node, "nodes_missing_value_tracks_true", s->packed, 5,
             (int64_t[]){s->tracks[0], s->tracks[1], 0, 0, 0});
    put_floats(&node, "nodes_values", s->packed, 5, values);
    put_texts(&node, "nodes_modes", 5, modes);
    put_ints(&node, "target_treeids", s->packed, 3, (int64_t[]){0, 0, 0});
    put_ints(&node, "target_nodeids", s->packed, 3, (int64_t[]){2, 3, 14});
    put_ints(&node, "target_ids", s->packed, 3, (int64_t[]){0, 0, 0});
    put_floats(&node, "target_weights", s->packed, 3, weights);
    put_int(&node, "n_targets", s->targets ? s->targets : 1);
    if (s->more)
        put_int(&node, s->more, 1);
    return model_of(&node);
}

/* The model, checked; NULL and the message in e when it is refused. Takes the file. */
static struct model *import(struct buf *file, struct error *e)
{
    struct model *m = NULL;
    *e = (struct error){0};
    int status = import_onnx(file->at, file->len, &m, e);
    if (status == 1 && model_check(m, e)) {
        model_free(m);
        m = NULL;
    }
    buf_release(file);
    return m;
}

static double margin(const struct model *m, double a, double b)
{
    struct reference *r = reference_new(m);
    double *row = mem_alloc((m->feature_count + 2) * sizeof *row);
    double *margins = mem_alloc((m->outputs + 1) * sizeof *margins);
    row[0] = a;
    row[1] = b;
    CHECK_INT(reference_margins(r, row, margins, NULL), 0);
    double first = margins[0];
    reference_free(r);
    mem_free(margins);
    mem_free(row);
    return first;
}

/* What a sketch answers to a row. */
#define CHECK_MARGIN(sketch, a, b, want)                                                           \
    do {                                                                                           \
        struct error e_;                                                                           \
        struct buf file_ = regressor(&(sketch));                                                   \
        struct model *m_ = import(&file_, &e_);                                                    \
        CHECK_TEXT(e_.message, "");                                                                \
        if (m_)                                                                                    \
            CHECK_DOUBLE(margin(m_, (a), (b)), (want));                                            \
        model_free(m_);                                                                            \
    } while (0)

TEST(lists_come_packed_or_not)
{
    for (int packed = 0; packed < 2; packed++) {
        struct sketch s = {
            .mode = {"BRANCH_LEQ", "BRANCH_LEQ"}, .threshold = {0, 5}, .packed = packed};
        CHECK_MARGIN(s, 0.0, 5.0, 1.0);
        CHECK_MARGIN(s, 0.0, 5.1, 2.0);
        CHECK_MARGIN(s, 0.1, 0.0, 4.0);
        CHECK_MARGIN(s, (double)NAN, 0.0, 4.0);
    }
}

TEST(greater_swaps_the_children)
{
    struct sketch s = {.mode = {"BRANCH_GT", "BRANCH_GT"}, .threshold = {0, 5}, .tracks = {0, 1}};
    CHECK_MARGIN(s, 1.0, 6.0, 1.0);
    CHECK_MARGIN(s, 0.0, 6.0, 4.0);
    CHECK_MARGIN(s, 1.0, 5.0, 2.0);
    CHECK_MARGIN(s, (double)NAN, 0.0, 4.0);
    CHECK_MARGIN(s, 1.0, (double)NAN, 1.0);
}

TEST(two_comparisons_become_one)
{
    struct sketch s = {.mode = {"BRANCH_LT", "BRANCH_LEQ"}, .threshold = {1, 1}};
    CHECK_MARGIN(s, (double)nextafterf(1, 0), 1.0, 1.0);
    CHECK_MARGIN(s, 1.0, 1.0, 4.0);
    s.mode[0] = "BRANCH_GTE";
    CHECK_MARGIN(s, 1.0, 1.0, 1.0);
    CHECK_MARGIN(s, (double)nextafterf(1, 0), 1.0, 4.0);
    CHECK_MARGIN(s, 0.99999999, 1.0, 1.0); /* as a float it is 1 */
}

TEST(equality_is_a_set_that_does_not_truncate)
{
    struct sketch s = {.mode = {"BRANCH_EQ", "BRANCH_NEQ"}, .threshold = {7, 40}, .tracks = {1, 0}};
    CHECK_MARGIN(s, 7.0, 0.0, 1.0);
    CHECK_MARGIN(s, 7.5, 0.0, 4.0);
    CHECK_MARGIN(s, (double)NAN, 0.0, 1.0);
    CHECK_MARGIN(s, 7.0, 40.0, 2.0);
    CHECK_MARGIN(s, 7.0, (double)NAN, 1.0);
    CHECK_MARGIN(s, 7.0, 1e30, 1.0);
}

/* Whether the sketch is refused with a message that has the words. */
static void check_refused(const struct sketch *s, const char *words)
{
    struct error e;
    struct buf file = regressor(s);
    struct model *m = import(&file, &e);
    CHECK(m == NULL);
    if (!strstr(e.message, words))
        UNIT_FAIL("'%s' does not say '%s'", e.message, words);
    model_free(m);
}

TEST(what_is_not_supported_is_named)
{
    struct sketch good = {.mode = {"BRANCH_LEQ", "BRANCH_LEQ"}, .threshold = {0, 5}}, s;
    s = good, s.mode[0] = "BRANCH_SIDEWAYS";
    check_refused(&s, "operator 'TreeEnsembleRegressor' (node 'n'): entry 0: mode "
                      "'BRANCH_SIDEWAYS' is not supported");
    s = good, s.more = "surprise";
    check_refused(&s, "attribute 'surprise' is not supported");
    s = good, s.mode[1] = "BRANCH_EQ", s.threshold[1] = 0.5f;
    check_refused(&s, "tree 0, node 1: it tests equality with what is no integer");
    s = good, s.mode[1] = "BRANCH_LT", s.threshold[1] = -INFINITY;
    check_refused(&s, "entry 1: a threshold of -infinity among mixed comparisons");
    s = good, s.targets = 1 << 20;
    check_refused(&s, "n_targets is 1048576");
    s = good, s.threshold[0] = NAN;
    check_refused(&s, "tree 0, node 0: its threshold is not a number");
}

TEST(trees_must_be_trees)
{
    struct sketch s = {.mode = {"BRANCH_LEQ", "BRANCH_LEQ"}, .threshold = {0, 5}};
    s.falls_to = 9;
    check_refused(&s, "tree 0, node 0: it names a child that the tree does not have");
    s.falls_to = 1;
    check_refused(&s, "tree 0, node 1: it has two parents");
    s.mode[0] = s.mode[1] = "BRANCH_EQ";
    s.threshold[0] = 1;
    s.falls_to = 2;
    check_refused(&s, "it has two parents");
}

TEST(files_cut_or_changed_anywhere_do_no_harm)
{
    struct sketch s = {.mode = {"BRANCH_LEQ", "BRANCH_EQ"}, .threshold = {0, 5}, .packed = true};
    struct buf whole = regressor(&s);
    for (size_t n = 0; n < whole.len; n++) {
        char *part = mem_copy(whole.at, n + !n); /* of its own size: one byte too far is seen */
        struct model *m = NULL;
        struct error e = {0};
        CHECK(import_onnx(part, n, &m, &e) != 1);
        CHECK(m == NULL);
        mem_free(part);
    }
    for (size_t n = 0; n < whole.len; n++)
        for (int bit = 0; bit < 8; bit++) {
            struct buf changed = {0};
            struct error e;
            buf_add(&changed, whole.at, whole.len);
            changed.at[n] = (char)(changed.at[n] ^ 1 << bit);
            struct model *m = import(&changed, &e);
            if (m)
                (void)margin(m, 0, 5);
            model_free(m);
        }
    buf_release(&whole);
}

/* A stump with the weights w for class id. */
static struct model *classifier(int64_t id, const float *w)
{
    struct buf node = {0};
    struct error e;
    start_node(&node, "TreeEnsembleClassifier", "x", "label");
    put_text(&node, 2, "scores");
    put_ints(&node, "nodes_treeids", true, 3, (int64_t[]){0, 0, 0});
    put_ints(&node, "nodes_nodeids", true, 3, (int64_t[]){0, 1, 2});
    put_ints(&node, "nodes_featureids", true, 3, (int64_t[]){0, 0, 0});
    put_ints(&node, "nodes_truenodeids", true, 3, (int64_t[]){1, 0, 0});
    put_ints(&node, "nodes_falsenodeids", true, 3, (int64_t[]){2, 0, 0});
    put_floats(&node, "nodes_values", true, 3, (float[]){0, 0, 0});
    put_texts(&node, "nodes_modes", 3, (const char *[]){"BRANCH_LEQ", "LEAF", "LEAF"});
    put_ints(&node, "class_treeids", true, 2, (int64_t[]){0, 0});
    put_ints(&node, "class_nodeids", true, 2, (int64_t[]){1, 2});
    put_ints(&node, "class_ids", true, 2, (int64_t[]){id, id});
    put_floats(&node, "class_weights", true, 2, w);
    put_texts(&node, "classlabels_strings", 2, (const char *[]){"no", "yes"});
    struct buf file = model_of(&node);
    struct model *m = import(&file, &e);
    CHECK_TEXT(e.message, "");
    return m;
}

static size_t class_at(const struct model *m, double x)
{
    double answer = margin(m, x, 0);
    margins_transform(m, &answer);
    return margins_class(m, &answer);
}

TEST(one_column_of_two_classes)
{
    for (int64_t id = 0; id < 2; id++) {
        struct model *mixed = classifier(id, (float[]){-0.25f, 0.25f});
        struct model *positive = classifier(id, (float[]){0.25f, 0.75f});
        CHECK_INT(mixed->outputs, 1);
        CHECK(mixed->two_classes);
        CHECK_TEXT(mixed->classes[1], "yes");
        CHECK_DOUBLE(margin(mixed, -1, 0), -0.25);
        CHECK_INT(class_at(mixed, -1), 0);
        CHECK_INT(class_at(mixed, 1), 1);
        CHECK_INT(class_at(positive, -1), 0);
        CHECK_INT(class_at(positive, 1), 1);
        model_free(mixed);
        model_free(positive);
    }
}

TEST(an_unknown_operator_is_named)
{
    struct buf node = {0};
    struct error e;
    start_node(&node, "SVMRegressor", "x", "y");
    struct buf file = model_of(&node);
    CHECK(import(&file, &e) == NULL);
    CHECK_TEXT(e.message, "operator 'SVMRegressor' (node 'n'): it is not supported");
    start_node(&node, "Scaler", "elsewhere", "y");
    file = model_of(&node);
    CHECK(import(&file, &e) == NULL);
    CHECK(strstr(e.message, "nothing that is there before the predictor"));
}

TEST(all_unknown_operators_are_named)
{
    struct buf first = {0}, second = {0};
    struct error e;
    start_node(&first, "SVMRegressor", "x", "y");
    start_node(&second, "TfIdfVectorizer", "y", "z");
    struct buf file = model_of_two(&first, &second);
    CHECK(import(&file, &e) == NULL);
    CHECK_TEXT(e.message, "operators that are not supported: 'SVMRegressor', 'TfIdfVectorizer'");
}

/* x is scaled in its place, or a copy of it when somebody else still wants it. */
TEST(a_tensor_that_is_taken_twice)
{
    struct buf first = {0}, second = {0};
    struct error e;
    start_node(&first, "Scaler", "x", "s");
    put_floats(&first, "offset", true, 1, (const float[]){1});
    put_floats(&first, "scale", true, 1, (const float[]){2});
    start_node(&second, "LinearRegressor", "x", "y");
    put_floats(&second, "coefficients", true, 2, (const float[]){1, 10});
    struct buf file = model_of_two(&first, &second);
    struct model *m = import(&file, &e);
    CHECK_TEXT(e.message, "");
    if (m) {
        CHECK_INT(m->stage_count, 3); /* the copy, its scaling, and x alone again */
        CHECK_DOUBLE(margin(m, 3, 4), 43);
    }
    model_free(m);
}

TEST(what_a_file_says_of_itself)
{
    struct sketch s = {.mode = {"BRANCH_LEQ", "BRANCH_LEQ"}, .threshold = {0, 5}};
    struct error e;
    struct buf file = regressor(&s);
    struct model *m = import(&file, &e);
    CHECK_TEXT(m->producer, "unit 1.2");
    CHECK_TEXT(m->objective, "TreeEnsembleRegressor");
    CHECK_TEXT(m->features[1].name, "f1");
    CHECK(!m->named);
    CHECK_INT(m->trees.number[m->trees.right[0]], 14);
    model_free(m);
}

TEST(other_formats_are_left_alone)
{
    static const char *const others[] = {"",     "{}",  "tree\nversion=v3\n", "\x80\x04\x95",
                                         "binf", "\x08"};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct model *m = NULL;
        struct error e = {0};
        CHECK_INT(import_onnx(others[i], strlen(others[i]), &m, &e), 0);
    }
    /* Nothing behind a version of two bytes more than it needs. */
    char *end = mem_copy("\x88\0\x88\0", 4);
    struct model *m = NULL;
    CHECK_INT(import_onnx(end, 4, &m, NULL), 0);
    mem_free(end);
}
