/*
 * Branches of ONNX trees in the model's two comparisons. What is greater swaps the children: a
 * value that is no number compares false, so it goes where the false child went, or to the true one
 * where the node tracks missing values. x < t is x <= the number below t, for models with both.
 */
#include "model/import_onnx.h"

#include <math.h>
#include <stdlib.h>

/* Equality tests sets of integers, which need a bit for each up to the largest. */
#define LARGEST_CATEGORY 65535

static int read_modes(struct onnx_branches *b, struct error *e)
{
    static const char *const names[] = {"BRANCH_LEQ", "BRANCH_LT",  "BRANCH_GTE", "BRANCH_GT",
                                        "BRANCH_EQ",  "BRANCH_NEQ", "LEAF"};
    struct texts modes = {0};
    int status = onnx_texts(b->operator, "nodes_modes", &modes, e);
    b->mode = mem_alloc(modes.len + 1);
    if (status == 0 && modes.len != b->node.len)
        status = onnx_refuse(b->operator, e, "nodes_modes has %zu values, nodes_nodeids %zu",
                             modes.len, b->node.len);
    for (size_t i = 0; i < modes.len && status == 0; i++) {
        char text[QUOTE_MAX];
        size_t k = 0;
        while (k < COUNT_OF(names) && !text_equal(modes.at[i], text_of(names[k])))
            k++;
        if (k == COUNT_OF(names))
            status = onnx_refuse(b->operator, e, "entry %zu: mode %s is not supported", i,
                                 quote(text, modes.at[i].at, modes.at[i].len));
        b->mode[i] = (uint8_t)k;
    }
    vec_release(&modes);
    return status;
}

static int check_length(const struct onnx_branches *b, const char *name, size_t len,
                        struct error *e)
{
    if (len == b->node.len)
        return 0;
    return onnx_refuse(b->operator, e, "%s has %zu values, nodes_nodeids %zu", name, len,
                       b->node.len);
}

static int read_lists(struct onnx_branches *b, struct error *e)
{
    const struct {
        const char *name;
        struct integers *list;
    } lists[] = {
        {"nodes_nodeids", &b->node},       {"nodes_treeids", &b->tree},
        {"nodes_truenodeids", &b->yes},    {"nodes_falsenodeids", &b->no},
        {"nodes_featureids", &b->feature}, {"nodes_missing_value_tracks_true", &b->missing},
    };
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        int status = onnx_ints(b->operator, lists[i].name, lists[i].list, e);
        bool optional = lists[i].list == &b->missing && b->missing.len == 0;
        if (status == 0 && !optional)
            status = check_length(b, lists[i].name, lists[i].list->len, e);
        if (status)
            return status;
    }
    int status = onnx_floats(b->operator, "nodes_values", &b->value, e);
    return status ? status : check_length(b, "nodes_values", b->value.len, e);
}

static double in_type(const struct onnx_branches *b, double x)
{
    return b->single ? (double)(float)x : x;
}

/* The number below x in the type of the thresholds. */
static double below(const struct onnx_branches *b, double x)
{
    return b->single ? (double)nextafterf((float)x, -INFINITY) : nextafter(x, -(double)INFINITY);
}

static int choose_compare(struct onnx_branches *b, struct error *e)
{
    bool strict = false, inclusive = false;
    for (size_t i = 0; i < b->node.len; i++) {
        strict |= b->mode[i] == MODE_LT || b->mode[i] == MODE_GTE;
        inclusive |= b->mode[i] == MODE_LEQ || b->mode[i] == MODE_GT;
    }
    b->compare = strict && !inclusive ? COMPARE_LESS : COMPARE_LESS_EQUAL;
    if (!strict || !inclusive)
        return 0;
    for (size_t i = 0; i < b->node.len; i++) {
        if (b->mode[i] != MODE_LT && b->mode[i] != MODE_GTE)
            continue;
        if (isinf(b->value.at[i]) && b->value.at[i] < 0)
            return onnx_refuse(b->operator, e,
                               "entry %zu: a threshold of -infinity among mixed comparisons", i);
        b->value.at[i] = below(b, b->value.at[i]);
    }
    return 0;
}

int onnx_branches_read(struct onnx_branches *b, const struct onnx_node *n, bool single,
                       size_t file_bytes, struct error *e)
{
    b->operator= n;
    b->single = single;
    b->set_words = LARGEST_CATEGORY / 32 + 1 + file_bytes;
    int status = read_lists(b, e);
    if (status == 0)
        status = read_modes(b, e);
    if (status == 0 && (b->node.len == 0 || b->node.len >= NODE_LEAF))
        status = onnx_refuse(n, e, "it has %zu nodes", b->node.len);
    for (size_t i = 0; i < b->node.len && status == 0; i++)
        if (b->node.at[i] < 0 || b->node.at[i] > UINT32_MAX)
            status = onnx_refuse(n, e, "entry %zu: node id %lld is not below 2^32", i,
                                 (long long)b->node.at[i]);
    for (size_t i = 0; i < b->value.len && status == 0; i++)
        b->value.at[i] = in_type(b, b->value.at[i]);
    return status ? status : choose_compare(b, e);
}

void onnx_branches_release(struct onnx_branches *b)
{
    vec_release(&b->tree);
    vec_release(&b->node);
    vec_release(&b->feature);
    vec_release(&b->yes);
    vec_release(&b->no);
    vec_release(&b->missing);
    vec_release(&b->value);
    mem_free(b->mode);
}

struct place {
    int64_t node;
    uint32_t index; /* in its tree */
};

static int by_node(const void *a, const void *b)
{
    const struct place *p = a, *q = b;
    return (p->node > q->node) - (p->node < q->node);
}

/* One tree on its way; nodes by their index in it. */
struct tree {
    struct onnx_branches *all;
    size_t first, count;
    struct place *places; /* by node id */
    uint32_t *yes, *no;   /* count: children of branches */
    uint8_t *linked;      /* count: goes into the set of the node it is the false child of */
    struct builder *to;
};

static int tree_problem(const struct tree *t, size_t node, const char *what, struct error *e)
{
    size_t i = t->first + node;
    return onnx_refuse(t->all->operator, e, "tree %lld, node %lld: %s",
                       (long long)t->all->tree.at[i], (long long)t->all->node.at[i], what);
}

static uint8_t mode_of(const struct tree *t, size_t node)
{
    return t->all->mode[t->first + node];
}

static bool tracks_missing(const struct tree *t, size_t node)
{
    return t->all->missing.len && t->all->missing.at[t->first + node] == 1;
}

static int sort_places(struct tree *t, struct error *e)
{
    for (size_t i = 0; i < t->count; i++)
        t->places[i] = (struct place){t->all->node.at[t->first + i], (uint32_t)i};
    qsort(t->places, t->count, sizeof *t->places, by_node);
    for (size_t i = 1; i < t->count; i++)
        if (t->places[i].node == t->places[i - 1].node)
            return tree_problem(t, t->places[i].index, "there are two of it", e);
    return 0;
}

static bool find_child(const struct tree *t, int64_t node, uint32_t *child)
{
    const struct place *found =
        bsearch(&(struct place){node, 0}, t->places, t->count, sizeof *t->places, by_node);
    *child = found ? found->index : 0;
    return found;
}

static int find_children(struct tree *t, struct error *e)
{
    for (size_t i = 0; i < t->count; i++) {
        int64_t yes = t->all->yes.at[t->first + i], no = t->all->no.at[t->first + i];
        if (mode_of(t, i) != MODE_LEAF &&
            (!find_child(t, yes, &t->yes[i]) || !find_child(t, no, &t->no[i])))
            return tree_problem(t, i, "it names a child that the tree does not have", e);
    }
    return 0;
}

/* Converters write membership of a set as a chain of equalities in which every true child is the
 * same node: one set here, as a node has but one parent. */
static bool is_link(const struct tree *t, size_t parent)
{
    size_t child = t->no[parent];
    const int64_t *feature = t->all->feature.at + t->first;
    return mode_of(t, parent) == MODE_EQ && mode_of(t, child) == MODE_EQ &&
           feature[parent] == feature[child] && t->yes[parent] == t->yes[child];
}

/* A node has at most one link to it, so chains from nodes without one end. */
static int mark_links(struct tree *t, struct error *e)
{
    for (size_t i = 0; i < t->count; i++)
        if (mode_of(t, i) == MODE_EQ && is_link(t, i) && t->linked[t->no[i]]++)
            return tree_problem(t, t->no[i], "it has two parents", e);
    return 0;
}

static int add_to_set(const struct tree *t, size_t node, uint32_t *words, size_t *largest,
                      struct error *e)
{
    double value = t->all->value.at[t->first + node];
    if (!(value >= 0) || value > LARGEST_CATEGORY || value != floor(value))
        return tree_problem(t, node, "it tests equality with what is no integer from 0 to 65535",
                            e);
    size_t category = (size_t)value;
    words[category / 32] |= UINT32_C(1) << (category % 32);
    *largest = category > *largest ? category : *largest;
    return 0;
}

static int add_set(const struct tree *t, size_t node, const uint32_t *words, size_t count,
                   uint32_t *set, struct error *e)
{
    if (count > t->all->set_words)
        return tree_problem(t, node, "sets of integers too large for such a file", e);
    t->all->set_words -= count;
    *set = builder_set(t->to, words, count);
    return 0;
}

static int draft_set(const struct tree *t, size_t node, struct draft_node *d, struct error *e)
{
    uint32_t *words = mem_alloc((LARGEST_CATEGORY / 32 + 1) * sizeof *words);
    size_t largest = 0, last = node;
    bool equal = mode_of(t, node) == MODE_EQ, tracks = equal && tracks_missing(t, node);
    int status = add_to_set(t, node, words, &largest, e);
    while (status == 0 && is_link(t, last)) {
        last = t->no[last];
        tracks |= tracks_missing(t, last);
        status = add_to_set(t, last, words, &largest, e);
    }
    if (status == 0)
        status = add_set(t, node, words, largest / 32 + 1, &d->set, e);
    /* What is no number equals nothing, so it differs from everything. */
    d->missing = tracks ? MISSING_LEFT : MISSING_RIGHT;
    d->left = equal ? t->yes[node] : t->no[node];
    d->right = equal ? t->no[last] : t->yes[node];
    mem_free(words);
    return status;
}

static int draft_branch(const struct tree *t, size_t node, struct draft_node *d, struct error *e)
{
    size_t i = t->first + node;
    int64_t feature = t->all->feature.at[i];
    uint8_t mode = mode_of(t, node);
    bool greater = mode == MODE_GT || mode == MODE_GTE;
    if (feature < 0 || feature >= NODE_LEAF)
        return tree_problem(t, node, "it tests a feature that cannot be", e);
    *d = (struct draft_node){.feature = (uint32_t)feature,
                             .left = greater ? t->no[node] : t->yes[node],
                             .right = greater ? t->yes[node] : t->no[node],
                             .set = NO_SET,
                             .missing =
                                 tracks_missing(t, node) != greater ? MISSING_LEFT : MISSING_RIGHT,
                             .threshold = t->all->value.at[i],
                             .cover = (double)NAN};
    return mode == MODE_EQ || mode == MODE_NEQ ? draft_set(t, node, d, e) : 0;
}

/* Nodes that went into another's set keep an empty draft: nothing leads to them. */
static int draft_branches(struct tree *t, struct draft_node *drafts, struct error *e)
{
    int status = sort_places(t, e);
    if (status == 0)
        status = find_children(t, e);
    if (status == 0)
        status = mark_links(t, e);
    for (size_t i = 0; i < t->count && status == 0; i++)
        if (mode_of(t, i) != MODE_LEAF && !t->linked[i])
            status = draft_branch(t, i, &drafts[i], e);
    return status;
}

int onnx_branches_draft(struct onnx_branches *b, size_t first, size_t count, struct builder *to,
                        struct draft_node *drafts, struct error *e)
{
    struct tree t = {.all = b, .first = first, .count = count, .to = to};
    t.places = mem_array(NULL, count + 1, sizeof *t.places);
    t.yes = mem_alloc((count + 1) * sizeof *t.yes);
    t.no = mem_alloc((count + 1) * sizeof *t.no);
    t.linked = mem_alloc(count + 1);
    int status = draft_branches(&t, drafts, e);
    mem_free(t.places);
    mem_free(t.yes);
    mem_free(t.no);
    mem_free(t.linked);
    return status;
}
