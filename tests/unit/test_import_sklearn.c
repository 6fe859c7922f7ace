/* Pickles made by hand, so that each part of them can be wrong. */
#include "infer/infer.h"
#include "unit.h"

#include <math.h>
#include <zlib.h>

/* Opcodes of protocol 2 to 5 by what they leave on the stack. */

static void put_text(struct buf *p, const char *text)
{
    uint32_t n = (uint32_t)strlen(text);
    buf_putc(p, 'X');
    buf_add(p, &n, sizeof n);
    buf_puts(p, text);
}

static void put_int(struct buf *p, int32_t i)
{
    buf_putc(p, 'J');
    buf_add(p, &i, sizeof i);
}

static void put_bytes(struct buf *p, const void *bytes, size_t size)
{
    uint32_t n = (uint32_t)size;
    buf_putc(p, 'B');
    buf_add(p, &n, sizeof n);
    buf_add(p, bytes, size);
}

static void put_type(struct buf *p, const char *type, const char *order)
{
    buf_puts(p, "cnumpy\ndtype\n(");
    put_text(p, type);
    buf_puts(p, "tR(K\x03");
    put_text(p, order);
    buf_puts(p, "NNNNNNtb");
}

static void put_shape(struct buf *p, const int *shape, size_t dims)
{
    buf_putc(p, '(');
    for (size_t i = 0; i < dims; i++)
        put_int(p, shape[i]);
    buf_putc(p, 't');
}

static void begin_array(struct buf *p, const int *shape, size_t dims)
{
    buf_puts(p, "cnumpy.core.multiarray\n_reconstruct\n)R(K\x01");
    put_shape(p, shape, dims);
}

static void end_array(struct buf *p, bool fortran, const void *bytes, size_t size)
{
    buf_putc(p, fortran ? '\x88' : '\x89');
    put_bytes(p, bytes, size);
    buf_puts(p, "tb");
}

static void put_doubles(struct buf *p, const double *x, const int *shape, size_t dims)
{
    size_t count = 1;
    for (size_t i = 0; i < dims; i++)
        count *= (size_t)shape[i];
    begin_array(p, shape, dims);
    put_type(p, "f8", "<");
    end_array(p, false, x, count * sizeof *x);
}

static void begin_object(struct buf *p, const char *module, const char *class)
{
    buf_format(p, "c%s\n%s\n)\x81}(", module, class);
}

static void begin(struct buf *p)
{
    buf_add(p, "\x80\x02", 2);
}

/* LogisticRegression of two columns and the classes no and yes; its weights are given. */
static void put_logistic(struct buf *p, void (*put_coef)(struct buf *p))
{
    const double intercept = -1.5;
    begin_object(p, "sklearn.linear_model._logistic", "LogisticRegression");
    put_text(p, "coef_");
    put_coef(p);
    put_text(p, "intercept_");
    put_doubles(p, &intercept, (const int[]){1}, 1);
    put_text(p, "classes_");
    begin_array(p, (const int[]){2}, 1);
    put_type(p, "U3", "<");
    end_array(p, false, (const uint32_t[]){'n', 'o', 0, 'y', 'e', 's'}, 24);
    put_text(p, "n_features_in_");
    put_int(p, 2);
    put_text(p, "_sklearn_version");
    put_text(p, "1.2.1");
    buf_puts(p, "ub");
}

static const double weights[] = {2, -0.25};

static void put_weights(struct buf *p)
{
    put_doubles(p, weights, (const int[]){1, 2}, 2);
}

static void put_swapped_weights(struct buf *p)
{
    uint64_t bits[2];
    memcpy(bits, weights, sizeof bits);
    for (size_t i = 0; i < 2; i++)
        bits[i] = __builtin_bswap64(bits[i]);
    begin_array(p, (const int[]){1, 2}, 2);
    put_type(p, "f8", ">");
    end_array(p, true, bits, sizeof bits);
}

static int parse(struct buf *p, struct model **m, struct error *e)
{
    return model_parse(p->at, p->len, "m", m, e);
}

static void check_logistic(struct buf *p)
{
    struct model *m = NULL;
    struct error e = {0};
    double margin;
    CHECK_INT(parse(p, &m, &e), 0);
    CHECK_TEXT(e.message, "");
    buf_release(p);
    if (!m)
        return;
    CHECK_TEXT(m->producer, "scikit-learn 1.2.1");
    CHECK_TEXT(m->objective, "LogisticRegression");
    CHECK_INT(m->feature_count, 2);
    CHECK_INT(m->class_count, 2);
    CHECK_TEXT(m->classes[0], "no");
    CHECK_TEXT(m->classes[1], "yes");
    CHECK(m->two_classes);
    struct reference *r = reference_new(m);
    CHECK_INT(reference_margins(r, (const double[]){3, 8}, &margin, &e), 0);
    CHECK_DOUBLE(margin, 2.5);
    margins_transform(m, &margin);
    CHECK_DOUBLE(margin, 1 / (1 + exp(-2.5)));
    reference_free(r);
    model_free(m);
}

TEST(logistic_regression)
{
    struct buf p = {0};
    begin(&p);
    put_logistic(&p, put_weights);
    buf_putc(&p, '.');
    check_logistic(&p);
}

/* A LinearRegression of protocol 0: y = 2 x - 0.25, its weights as the text that is given. */
static void put_lines(struct buf *p, const char *numbers)
{
    buf_puts(p,
             "ccopy_reg\n_reconstructor\np0\n(csklearn.linear_model._base\nLinearRegression\np1\n"
             "c__builtin__\nobject\np2\nNtp3\nRp4\n(dp5\nS'coef_'\np6\n"
             "cnumpy.core.multiarray\n_reconstruct\np7\n(cnumpy\nndarray\np8\n(I0\ntS'b'\nt"
             "R(I1\n(L1L\ntcnumpy\ndtype\np9\n(S'f8'\nI0\nI1\ntRp10\n(I3\nS'<'\nNNNI-1\nI-1\n"
             "I0\ntbI00\n");
    buf_puts(p, numbers);
    buf_puts(
        p, "\ntbsVintercept_\nF-0.25\nsVn_features_in_\nI1\nsV\\u005funused\\U0001f600\xe9\nFnan\ns"
           "g6\n0b.");
}

static double line_margin(const char *numbers)
{
    struct buf p = {0};
    struct model *m = NULL;
    struct error e = {0};
    double margin = 0;
    put_lines(&p, numbers);
    CHECK_INT(parse(&p, &m, &e), 0);
    CHECK_TEXT(e.message, "");
    buf_release(&p);
    if (!m)
        return 0;
    struct reference *r = reference_new(m);
    CHECK_INT(reference_margins(r, (const double[]){3}, &margin, &e), 0);
    reference_free(r);
    model_free(m);
    return margin;
}

TEST(lines_of_protocol_0)
{
    CHECK_DOUBLE(line_margin("S'\\x00\\x00\\x00\\x00\\x00\\x00\\x00@'"), 5.75);
    double weight;
    memcpy(&weight, "\0\n\t'\"\\\x18@", sizeof weight);
    CHECK_DOUBLE(line_margin("S\"\\x00\\n\\t\\'\\\"\\\\\\x18@\""), weight * 3 - 0.25);
}

TEST(lines_that_are_no_values)
{
    static const char *const cases[] = {
        "S'1234567\\'",
        "S'1234567\\x1'",
        "S'1234567\\q'",
        "S12345678",
        "S'12345678\"",
        "S'",
        "S",
        "V\\u12",
        "V\\U0001f60",
        "Ix",
        "I",
        "Fx",
        "Lx",
        "g-1",
        "gx",
        "p99999999",
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf p = {0};
        struct model *m = NULL;
        struct error e = {0};
        put_lines(&p, cases[i]);
        CHECK_INT(parse(&p, &m, &e), ERR_DATA);
        CHECK(strstr(e.message, "no value of its type") || strstr(e.message, "memo"));
        buf_release(&p);
    }
}

/* LightGBM's estimator for scikit-learn: its model of three trees, of which two are the best. */
TEST(lightgbm_in_a_pickle)
{
    struct buf p = {0};
    struct model *m = NULL;
    struct error e = {0};
    begin(&p);
    begin_object(&p, "lightgbm.sklearn", "LGBMRegressor");
    put_text(&p, "_Booster");
    begin_object(&p, "lightgbm.basic", "Booster");
    put_text(&p, "_handle");
    put_text(&p, "tree\nversion=v4\nnum_class=1\nmax_feature_idx=1\nfeature_names=a b\n\n"
                 "Tree=0\nnum_leaves=1\nnum_cat=0\nleaf_value=1\n\n"
                 "Tree=1\nnum_leaves=1\nnum_cat=0\nleaf_value=2\n\n"
                 "Tree=2\nnum_leaves=1\nnum_cat=0\nleaf_value=4\n\n");
    buf_puts(&p, "ub");
    put_text(&p, "_best_iteration");
    put_int(&p, 2);
    put_text(&p, "best_score");
    buf_puts(&p, "ccollections\ndefaultdict\nccollections\nOrderedDict\n\x85Rub.");
    CHECK_INT(parse(&p, &m, &e), 0);
    CHECK_TEXT(e.message, "");
    if (m) {
        CHECK_INT(m->trees.count, 2);
        CHECK_TEXT(m->features[1].name, "b");
        CHECK(m->named);
        CHECK_TEXT(m->producer, "lightgbm, format v4");
    }
    model_free(m);
    buf_release(&p);
}

TEST(big_endian_and_fortran_order)
{
    struct buf p = {0};
    begin(&p);
    put_logistic(&p, put_swapped_weights);
    buf_putc(&p, '.');
    check_logistic(&p);
}

TEST(pipeline_of_one_step)
{
    struct buf p = {0};
    begin(&p);
    begin_object(&p, "sklearn.pipeline", "Pipeline");
    put_text(&p, "steps");
    buf_puts(&p, "](");
    put_text(&p, "model");
    put_logistic(&p, put_weights);
    buf_puts(&p, "taub.");
    check_logistic(&p);
}

static void deflate_buf(struct buf *p)
{
    uLongf n = compressBound(p->len);
    struct buf packed = {0};
    buf_reserve(&packed, n);
    CHECK_INT(compress((Bytef *)packed.at, &n, (const Bytef *)p->at, p->len), Z_OK);
    packed.len = n;
    buf_release(p);
    *p = packed;
}

TEST(zlib)
{
    struct buf p = {0};
    struct model *m = NULL;
    struct error e = {0};
    begin(&p);
    put_logistic(&p, put_weights);
    buf_putc(&p, '.');
    deflate_buf(&p);
    p.len -= 20;
    CHECK_INT(parse(&p, &m, &e), ERR_DATA);
    CHECK_TEXT(e.message, "the compressed data is truncated");
    p.len += 20;
    check_logistic(&p);
}

/* A tree of three nodes, each a record of numpy. */

static const char *const node_fields[] = {"left_child",
                                          "right_child",
                                          "feature",
                                          "threshold",
                                          "impurity",
                                          "n_node_samples",
                                          "weighted_n_node_samples"};

static void put_node_type(struct buf *p)
{
    buf_puts(p, "cnumpy\ndtype\n(");
    put_text(p, "V56");
    buf_puts(p, "tR(K\x03");
    put_text(p, "|");
    buf_puts(p, "N(");
    for (size_t i = 0; i < COUNT_OF(node_fields); i++)
        put_text(p, node_fields[i]);
    buf_puts(p, "t}(");
    for (size_t i = 0; i < COUNT_OF(node_fields); i++) {
        put_text(p, node_fields[i]);
        put_type(p, i == 3 || i == 4 || i == 6 ? "f8" : "i8", "<");
        put_int(p, (int32_t)(8 * i));
        buf_putc(p, '\x86');
    }
    buf_puts(p, "u");
    put_int(p, 56);
    buf_puts(p, "K\1K\20tb");
}

struct node {
    int64_t left, right, feature;
    double threshold, impurity;
    int64_t count;
    double weight;
};

/* A regression tree, as far as `nodes` are one. */
static void put_tree(struct buf *p, const struct node *nodes, int count, const double *values)
{
    begin(p);
    begin_object(p, "sklearn.tree._classes", "DecisionTreeRegressor");
    put_text(p, "n_features_in_");
    put_int(p, 2);
    put_text(p, "tree_");
    buf_puts(p, "csklearn.tree._tree\nTree\n)R}(");
    put_text(p, "nodes");
    begin_array(p, &count, 1);
    put_node_type(p);
    end_array(p, false, nodes, (size_t)count * sizeof *nodes);
    put_text(p, "values");
    put_doubles(p, values, (const int[]){count, 1, 1}, 3);
    buf_puts(p, "ubub.");
}

static const double values3[] = {0, 10, 20};

TEST(tree_rounds_rows_to_float)
{
    /* 0.1 as a float is greater than as a double. */
    const struct node nodes[] = {
        {1, 2, 1, 0.1, 0, 5, 5}, {-1, -1, -2, -2, 0, 2, 2}, {-1, -1, -2, -2, 0, 3, 3}};
    struct buf p = {0};
    struct model *m = NULL;
    struct error e = {0};
    double margin = 0;
    put_tree(&p, nodes, 3, values3);
    CHECK_INT(parse(&p, &m, &e), 0);
    CHECK_TEXT(e.message, "");
    buf_release(&p);
    if (!m)
        return;
    struct reference *r = reference_new(m);
    CHECK_INT(reference_margins(r, (const double[]){0, 0.1}, &margin, &e), 0);
    CHECK_DOUBLE(margin, 20);
    CHECK_INT(reference_margins(r, (const double[]){0, 0.0999}, &margin, &e), 0);
    CHECK_DOUBLE(margin, 10);
    reference_free(r);
    CHECK_DOUBLE(m->trees.cover[0], 5);
    CHECK_INT(m->trees.number[m->trees.right[0]], 2);
    model_free(m);
}

static void check_refused(struct buf *p, const char *reason)
{
    struct model *m = NULL;
    struct error e = {0};
    CHECK_INT(parse(p, &m, &e), ERR_DATA);
    if (!strstr(e.message, reason))
        CHECK_TEXT(e.message, reason);
    buf_release(p);
}

TEST(nodes_that_are_no_tree)
{
    static const struct {
        struct node root;
        const char *reason;
    } cases[] = {
        {{1, 3, 0, 0, 0, 5, 5}, "tree 0, node 0: a child is out of range"},
        {{1, -7, 0, 0, 0, 5, 5}, "tree 0, node 0: a child is out of range"},
        {{1, 1, 0, 0, 0, 5, 5}, "tree 0, node 1: it has two parents"},
        {{0, 1, 0, 0, 0, 5, 5}, "tree 0, node 0: it has two parents"},
        {{1, 2, 2, 0, 0, 5, 5}, "a feature that the model does not have"},
        {{1, 2, -2, 0, 0, 5, 5}, "a feature that the model does not have"},
        {{1, 2, UINT32_MAX, 0, 0, 5, 5}, "a feature that the model does not have"},
        {{1, 2, 0, (double)NAN, 0, 5, 5}, "its threshold is not a number"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct node nodes[] = {
            cases[i].root, {-1, -1, -2, -2, 0, 2, 2}, {-1, -1, -2, -2, 0, 3, 3}};
        struct buf p = {0};
        put_tree(&p, nodes, 3, values3);
        check_refused(&p, cases[i].reason);
    }
}

#define PICKLE(bytes) "\x80\x04" bytes, sizeof("\x80\x04" bytes) - 1

TEST(hostile_pickles)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *reason;
    } cases[] = {
        {PICKLE("cos\nsystem\nX\4\0\0\0true\x85R."), "asks for 'os.system'"},
        {PICKLE("cbuiltins\neval\n."), "asks for 'builtins.eval'"},
        {PICKLE("\x8c\x08"
                "builtins\x8c\x07"
                "getattr\x93."),
         "asks for 'builtins.getattr'"},
        {PICKLE("csklearnx\nX\n."), "asks for 'sklearnx.X'"},
        {PICKLE("(cposix\nsystem\no."), "asks for 'posix.system'"},
        {PICKLE("(iposix\nsystem\n."), "operation 0x69"},
        {PICKLE("\x82\x01."), "operation 0x82"},
        {PICKLE("\x8e\xff\xff\xff\xff\xff\xff\xff\xff."), "truncated, or a length"},
        {PICKLE("X\xff\xff\xff\x7f."), "truncated, or a length"},
        {PICKLE("\x95\xff\xff\xff\xff\0\0\0\0N."), "truncated, or a length"},
        {PICKLE("N"), "truncated"},
        {PICKLE("Nr\xff\xff\xff\x7f."), "number of a memo is too large"},
        {PICKLE("h\x05."), "a memo that it never made"},
        {PICKLE("t."), "a mark that it never set"},
        {PICKLE("N(R."), "takes values that it does not have"},
        {PICKLE("N(0\x86."), "takes values that it does not have"},
        {PICKLE("NN\x81."), "calls what is no class"},
        {PICKLE("NNb."), "a state to what is no object"},
        {PICKLE("NNa."), "what is no list or dict"},
        {PICKLE("\x80\x09N."), "a protocol that is not supported"},
        {PICKLE("]\x94h\0a."), "no estimator"},
        {PICKLE("csklearn.svm._classes\nSVC\n)\x81."), "not supported: 'SVC'"},
        {PICKLE("csklearn.pipeline\nPipeline\n)\x81\x94}X\5\0\0\0steps](X\1\0\0\0ah\0tasb."),
         "nested too deeply"},
        {PICKLE("cnumpy\ndtype\nX\2\0\0\0f8\x85R(K\3NNNNt\x94"
                "bh\0b."),
         "built twice"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf p = {0};
        buf_add(&p, cases[i].bytes, cases[i].len);
        check_refused(&p, cases[i].reason);
    }
}

/* Each byte of it an empty list. */
TEST(more_values_than_bytes)
{
    struct buf p = {0};
    begin(&p);
    for (size_t i = 0; i < 1 << 20; i++)
        buf_putc(&p, ']');
    buf_puts(&p, "N.");
    check_refused(&p, "too many values for its size");
}

/* A type whose size changes after an array was measured with it. */
TEST(type_that_changes)
{
    struct buf p = {0};
    begin(&p);
    put_type(&p, "V8", "|");
    buf_puts(&p, "(K\x03NNN)}");
    put_int(&p, 1 << 20);
    buf_puts(&p, "tb.");
    check_refused(&p, "a type of numpy that is built twice");
}

TEST(array_without_its_bytes)
{
    struct buf p = {0};
    begin(&p);
    begin_array(&p, (const int[]){1 << 30, 1 << 30, 1 << 30}, 3);
    put_type(&p, "f8", "<");
    end_array(&p, false, "12345678", 8);
    buf_putc(&p, '.');
    check_refused(&p, "more elements than there can be");
    begin(&p);
    begin_array(&p, (const int[]){3}, 1);
    put_type(&p, "f8", "<");
    end_array(&p, false, "12345678", 8);
    buf_putc(&p, '.');
    check_refused(&p, "bytes do not fit its shape");
    begin(&p);
    begin_array(&p, (const int[]){1 << 30}, 1);
    put_type(&p, "U0", "<");
    end_array(&p, false, "", 0);
    buf_putc(&p, '.');
    check_refused(&p, "a type that is not complete");
}

/* Bytes that are decoded anew whenever they are asked for. */
TEST(text_decoded_again_and_again)
{
    struct buf p = {0};
    begin(&p);
    buf_puts(&p, "(c_codecs\nencode\nq");
    buf_putc(&p, '\0');
    put_text(&p, "0123456789012345678901234567890123456789012345678901234567890123456789");
    put_text(&p, "latin1");
    buf_puts(&p, "\x86q\1");
    for (int i = 0; i < 100; i++)
        buf_add(&p, "h\0h\1R", 5);
    buf_puts(&p, "t.");
    check_refused(&p, "again and again");
}

/* Every beginning of a model is refused, as is one with a byte changed, or it is a model. */
TEST(damaged_files)
{
    struct buf p = {0};
    begin(&p);
    put_logistic(&p, put_weights);
    buf_putc(&p, '.');
    for (size_t n = 2; n < p.len; n++) {
        struct model *m = NULL;
        struct error e = {0};
        CHECK_INT(model_parse(p.at, n, "m", &m, &e), ERR_DATA);
        p.at[n] = (char)(p.at[n] ^ 1 << n % 8);
        m = NULL;
        if (model_parse(p.at, p.len, "m", &m, NULL) == 0)
            model_free(m);
        p.at[n] = (char)(p.at[n] ^ 1 << n % 8);
    }
    buf_release(&p);
}
