/* A tree of LightGBM's text format. Its inner nodes are numbered 0 ... leaves - 2; a child c < 0 is
 * the leaf ~c. Leaf values have the learning rate and dart's weights in them already. */
#include "model/import_lightgbm.h"

#include <math.h>

enum key {
    NUM_LEAVES,
    NUM_CAT,
    IS_LINEAR,
    SPLIT_FEATURE,
    THRESHOLD,
    DECISION_TYPE,
    LEFT_CHILD,
    RIGHT_CHILD,
    LEAF_VALUE,
    LEAF_COUNT,
    INTERNAL_COUNT,
    CAT_BOUNDARIES,
    CAT_THRESHOLD,
    KEYS,
};
static const char *const names[KEYS] = {
    "num_leaves",     "num_cat",        "is_linear",     "split_feature", "threshold",
    "decision_type",  "left_child",     "right_child",   "leaf_value",    "leaf_count",
    "internal_count", "cat_boundaries", "cat_threshold",
};

/* decision_type: bit 0 categorical, bit 1 missing values go left, bits 2 and 3 which are missing.
 */
enum { CATEGORICAL = 1, DEFAULT_LEFT = 2, DECISIONS = 16 };
enum { TYPE_NONE, TYPE_ZERO, TYPE_NAN };

struct block {
    size_t tree;
    struct field field[KEYS];
    struct error *error;
    struct arena arena;
    size_t leaves;
};

static int refuse(const struct block *b, enum key key, const char *what)
{
    error_at(b->error, NULL, b->field[key].line, 0);
    return error_set(b->error, ERR_DATA, "tree %zu, %s: %s", b->tree, names[key], what);
}

static int refuse_node(const struct block *b, size_t node, enum key key, const char *what)
{
    error_at(b->error, NULL, b->field[key].line, 0);
    return error_set(b->error, ERR_DATA, "tree %zu, node %zu, %s: %s", b->tree, node, names[key],
                     what);
}

static int require(const struct block *b, enum key key)
{
    return b->field[key].value.at
               ? 0
               : error_set(b->error, ERR_DATA, "tree %zu has no %s", b->tree, names[key]);
}

/* Whether the value has n words, told before anything of size n is allocated. */
static int check_count(const struct block *b, enum key key, size_t n)
{
    if (require(b, key))
        return ERR_DATA;
    size_t count = count_words(b->field[key].value);
    if (count == n)
        return 0;
    error_at(b->error, NULL, b->field[key].line, 0);
    return error_set(b->error, ERR_DATA, "tree %zu, %s: %zu values, not %zu", b->tree, names[key],
                     count, n);
}

/* n numbers; NULL when they are not. */
static double *read_numbers(struct block *b, enum key key, size_t n)
{
    if (check_count(b, key, n))
        return NULL;
    struct text rest = b->field[key].value, word;
    double *out = arena_alloc(&b->arena, (n + 1) * sizeof *out);
    for (size_t i = 0; next_word(&rest, &word); i++)
        if (!number_parse_double(word.at, word.len, &out[i])) {
            refuse_node(b, i, key, "not a number");
            return NULL;
        }
    return out;
}

/* n whole numbers from low to high; NULL when they are not. */
static int64_t *read_integers(struct block *b, enum key key, size_t n, int64_t low, int64_t high)
{
    if (check_count(b, key, n))
        return NULL;
    struct text rest = b->field[key].value, word;
    int64_t *out = arena_alloc(&b->arena, (n + 1) * sizeof *out);
    for (size_t i = 0; next_word(&rest, &word); i++) {
        double unused;
        if (number_parse(word.at, word.len, &out[i], &unused) != NUMBER_INT) {
            refuse_node(b, i, key, "not a whole number");
            return NULL;
        }
        if (out[i] < low || out[i] > high) {
            refuse_node(b, i, key, "out of range");
            return NULL;
        }
    }
    return out;
}

/* The categorical tests of a tree, as sets of the model; the number of the first. */
static int read_sets(struct block *b, size_t count, struct builder *builder, uint32_t *first)
{
    if (require(b, CAT_THRESHOLD))
        return ERR_DATA;
    size_t words = count_words(b->field[CAT_THRESHOLD].value);
    int64_t *from = read_integers(b, CAT_BOUNDARIES, count + 1, 0, (int64_t)words);
    int64_t *bits = from ? read_integers(b, CAT_THRESHOLD, words, 0, UINT32_MAX) : NULL;
    if (!bits)
        return ERR_DATA;
    uint32_t *set = arena_alloc(&b->arena, (words + 1) * sizeof *set);
    for (size_t i = 0; i < words; i++)
        set[i] = (uint32_t)bits[i];
    if (from[0] != 0 || from[count] != (int64_t)words)
        return refuse(b, CAT_BOUNDARIES, "they do not cover cat_threshold");
    for (size_t i = 0; i < count; i++) {
        if (from[i] > from[i + 1])
            return refuse(b, CAT_BOUNDARIES, "they do not ascend");
        uint32_t number = builder_set(builder, set + from[i], (size_t)(from[i + 1] - from[i]));
        *first = i == 0 ? number : *first;
    }
    return 0;
}

/* How the type of missing values, of which NaN is no member unless it is the type, is told in the
 * IR: by "none", NaN is 0; by "zero", NaN and what is nearly 0 are missing. */
static uint8_t missing_of(int64_t decision)
{
    uint8_t side = decision & DEFAULT_LEFT ? MISSING_LEFT : MISSING_RIGHT;
    switch (decision >> 2) {
    case TYPE_NONE:
        return MISSING_IS_ZERO;
    case TYPE_ZERO:
        return (uint8_t)(MISSING_WITH_ZERO | side);
    default:
        return side;
    }
}

/* LightGBM takes a row's numbers of at most 1e-35 (of a float) as zeros before it compares them.
 * For them to go where 0 goes, a threshold among them moves beyond them. */
static double threshold_beyond_zero(double threshold)
{
    double small = (double)1e-35F;
    if (threshold < 0 && threshold >= -small)
        return nextafter(-small, -1);
    return threshold >= 0 && threshold < small ? small : threshold;
}

static uint32_t child_of(const struct block *b, int64_t child)
{
    return (uint32_t)(child < 0 ? (int64_t)b->leaves - 1 + ~child : child);
}

/* What the test of an inner node is: a decision type of the file, and the sets of the tree. */
static int read_test(const struct block *b, size_t node, int64_t decision, size_t sets,
                     uint32_t first_set, struct draft_node *to)
{
    if (decision >> 2 > TYPE_NAN)
        return refuse_node(b, node, DECISION_TYPE, "an unknown type of missing values");
    to->set = NO_SET;
    to->missing = missing_of(decision);
    if (!(decision & CATEGORICAL)) {
        to->threshold = threshold_beyond_zero(to->threshold);
        return 0;
    }
    if (!(to->threshold >= 0) || to->threshold >= (double)sets ||
        to->threshold != floor(to->threshold))
        return refuse_node(b, node, THRESHOLD, "the tree has no such set of categories");
    to->set = first_set + (uint32_t)to->threshold;
    to->missing = MISSING_RIGHT; /* NaN is in no set */
    return 0;
}

static int read_inner(struct block *b, struct draft_node *nodes, size_t sets, uint32_t first_set,
                      struct model *m)
{
    size_t n = b->leaves - 1;
    int64_t last = (int64_t)n - 1, lowest = -(int64_t)b->leaves;
    int64_t *feature = read_integers(b, SPLIT_FEATURE, n, 0, (int64_t)m->feature_count - 1);
    double *threshold = feature ? read_numbers(b, THRESHOLD, n) : NULL;
    int64_t *left = threshold ? read_integers(b, LEFT_CHILD, n, lowest, last) : NULL;
    int64_t *right = left ? read_integers(b, RIGHT_CHILD, n, lowest, last) : NULL;
    int64_t *decision = right ? read_integers(b, DECISION_TYPE, n, 0, DECISIONS - 1) : NULL;
    if (!decision)
        return ERR_DATA;
    for (size_t i = 0; i < n; i++) {
        nodes[i] = (struct draft_node){.feature = (uint32_t)feature[i],
                                       .left = child_of(b, left[i]),
                                       .right = child_of(b, right[i]),
                                       .threshold = threshold[i],
                                       .cover = (double)NAN};
        if (read_test(b, i, decision[i], sets, first_set, &nodes[i]))
            return ERR_DATA;
        if (nodes[i].set != NO_SET)
            m->features[feature[i]].kind = FEATURE_CODE;
    }
    return 0;
}

static int read_leaves(struct block *b, struct draft_node *nodes)
{
    double *value = read_numbers(b, LEAF_VALUE, b->leaves);
    for (size_t i = 0; value && i < b->leaves; i++)
        nodes[i] = (struct draft_node){
            .feature = NODE_LEAF,
            .set = NO_SET,
            .number = (uint32_t)i,
            .value = &value[i],
            /* No row is told apart by the leaf of a constant tree, which may come uncounted. */
            .cover = b->leaves == 1 ? 0 : (double)NAN,
        };
    return value ? 0 : ERR_DATA;
}

/* Counts of training rows, if the file has them. */
static int read_cover(struct block *b, enum key key, struct draft_node *nodes, size_t n)
{
    if (!b->field[key].value.at || count_words(b->field[key].value) == 0)
        return 0;
    int64_t *count = read_integers(b, key, n, 0, INT64_MAX);
    for (size_t i = 0; count && i < n; i++)
        nodes[i].cover = (double)count[i];
    return count ? 0 : ERR_DATA;
}

/* The numbers of leaves and of sets; refuses linear trees. */
static int read_sizes(struct block *b, size_t *sets)
{
    int64_t leaves, categorical, linear = 0;
    /* A leaf takes at least two bytes of the file, and so bounds what is allocated. */
    int64_t most = (int64_t)b->field[LEAF_VALUE].value.len + 1;
    if (require(b, LEAF_VALUE) ||
        field_integer(&b->field[NUM_LEAVES], names[NUM_LEAVES], 1, most, &leaves, b->error) ||
        field_integer(&b->field[NUM_CAT], names[NUM_CAT], 0, leaves - 1, &categorical, b->error))
        return ERR_DATA;
    if (b->field[IS_LINEAR].value.at &&
        field_integer(&b->field[IS_LINEAR], names[IS_LINEAR], 0, 1, &linear, b->error))
        return ERR_DATA;
    if (linear)
        return refuse(b, IS_LINEAR, "linear models in the leaves are not supported");
    b->leaves = (size_t)leaves;
    *sets = (size_t)categorical;
    return 0;
}

static int read_tree(struct block *b, uint32_t output, struct builder *builder, struct model *m)
{
    size_t sets = 0;
    uint32_t first_set = 0;
    if (read_sizes(b, &sets) || (sets && read_sets(b, sets, builder, &first_set)))
        return ERR_DATA;
    size_t n = b->leaves - 1;
    struct draft_node *nodes = arena_alloc(&b->arena, (n + b->leaves) * sizeof *nodes);
    if (read_leaves(b, nodes + n) || read_cover(b, LEAF_COUNT, nodes + n, b->leaves))
        return ERR_DATA;
    if (n && (read_inner(b, nodes, sets, first_set, m) || read_cover(b, INTERNAL_COUNT, nodes, n)))
        return ERR_DATA;
    return builder_tree(builder, nodes, n + b->leaves, 0, output, b->error);
}

int lightgbm_tree(struct lines *l, size_t tree, uint32_t output, struct builder *builder,
                  struct model *m, struct error *e)
{
    struct block b = {.tree = tree, .error = e};
    struct text line;
    uint64_t first = l->number;
    bool more;
    while ((more = lines_next(l, &line)) && line.len > 0)
        fields_keep(b.field, names, KEYS, line, l->number);
    error_at(e, NULL, first, 0);
    if (!more)
        return error_set(e, ERR_DATA, "tree %zu: the file ends within it", tree);
    int status = read_tree(&b, output, builder, m);
    arena_release(&b.arena);
    return status;
}
