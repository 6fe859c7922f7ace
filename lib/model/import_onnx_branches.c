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

/* One tree on its way: where its nodes are. */
struct tree {
    struct onnx_branches *all;
    size_t first, count;
    struct place *places; /* by node id */
    struct builder *to;
};

static int tree_problem(const struct tree *t, size_t local, const char *what, struct error *e)
{
    size_t i = t->first + local;
    return onnx_refuse(t->all->operator, e, "tree %lld, node %lld: %s",
                       (long long)t->all->tree.at[i], (long long)t->all->node.at[i], what);
}

static int find_child(const struct tree *t, size_t local, int64_t node, uint32_t *child,
                      struct error *e)
{
    const struct place *found =
        bsearch(&(struct place){node, 0}, t->places, t->count, sizeof *t->places, by_node);
    if (!found)
        return tree_problem(t, local, "it names a child that the tree does not have", e);
    *child = found->index;
    return 0;
}

static int add_to_set(const struct tree *t, size_t local, uint32_t *words, size_t *largest,
                      struct error *e)
{
    double value = t->all->value.at[t->first + local];
    if (!(value >= 0) || value > LARGEST_CATEGORY || value != floor(value))
        return tree_problem(t, local, "it tests equality with what is no integer from 0 to 65535",
                            e);
    size_t category = (size_t)value;
    words[category / 32] |= UINT32_C(1) << (category % 32);
    *largest = category > *largest ? category : *largest;
    return 0;
}

/* Converters write membership of a set as a chain of equalities in which every true child is the
 * same node: one set here, as a node has but one parent. last is where the chain ends. */
static int collect_chain(const struct tree *t, size_t local, uint32_t *words, size_t *largest,
                         size_t *last, bool *missing, struct error *e)
{
    const struct onnx_branches *b = t->all;
    for (size_t steps = 0; steps <= t->count; steps++) {
        size_t i = t->first + local;
        uint32_t next;
        *last = local;
        *missing |= b->missing.len && b->missing.at[i] == 1;
        if (add_to_set(t, local, words, largest, e) || find_child(t, local, b->no.at[i], &next, e))
            return ERR_DATA;
        size_t k = t->first + next;
        if (b->mode[i] != MODE_EQ || b->mode[k] != MODE_EQ ||
            b->feature.at[k] != b->feature.at[i] || b->yes.at[k] != b->yes.at[i])
            return 0;
        local = next;
    }
    return tree_problem(t, local, "it is its own descendant", e);
}

static int draft_set(const struct tree *t, size_t local, struct draft_node *d, struct error *e)
{
    uint32_t *words = mem_alloc((LARGEST_CATEGORY / 32 + 1) * sizeof *words);
    size_t largest = 0, last = local;
    bool equal = t->all->mode[t->first + local] == MODE_EQ, tracks = false;
    int status = collect_chain(t, local, words, &largest, &last, &tracks, e);
    size_t count = largest / 32 + 1;
    if (status == 0 && count > t->all->set_words)
        status = tree_problem(t, local, "sets of integers too large for such a file", e);
    if (status == 0) {
        t->all->set_words -= count;
        d->set = builder_set(t->to, words, count);
        /* NaN equals nothing, so it differs from everything. */
        d->missing = equal && tracks ? MISSING_LEFT : MISSING_RIGHT;
        status = find_child(t, last, t->all->no.at[t->first + last], &d->right, e);
    }
    if (status == 0)
        status = find_child(t, local, t->all->yes.at[t->first + local], &d->left, e);
    if (status == 0 && !equal) {
        uint32_t swap = d->left;
        d->left = d->right;
        d->right = swap;
    }
    mem_free(words);
    return status;
}

static int draft_branch(const struct tree *t, size_t local, struct draft_node *d, struct error *e)
{
    const struct onnx_branches *b = t->all;
    size_t i = t->first + local;
    bool tracks = b->missing.len && b->missing.at[i] == 1;
    bool greater = b->mode[i] == MODE_GT || b->mode[i] == MODE_GTE;
    if (b->feature.at[i] < 0 || b->feature.at[i] >= NODE_LEAF)
        return tree_problem(t, local, "it tests a feature that cannot be", e);
    *d = (struct draft_node){.feature = (uint32_t)b->feature.at[i],
                             .set = NO_SET,
                             .threshold = b->value.at[i],
                             .cover = (double)NAN};
    if (b->mode[i] == MODE_EQ || b->mode[i] == MODE_NEQ)
        return draft_set(t, local, d, e);
    d->missing = tracks != greater ? MISSING_LEFT : MISSING_RIGHT;
    int status = find_child(t, local, b->yes.at[i], greater ? &d->right : &d->left, e);
    return status ? status : find_child(t, local, b->no.at[i], greater ? &d->left : &d->right, e);
}

int onnx_branches_draft(struct onnx_branches *b, size_t first, size_t count, struct builder *to,
                        struct draft_node *drafts, struct error *e)
{
    struct tree t = {b, first, count, mem_array(NULL, count + 1, sizeof *t.places), to};
    int status = 0;
    for (size_t i = 0; i < count; i++)
        t.places[i] = (struct place){b->node.at[first + i], (uint32_t)i};
    qsort(t.places, count, sizeof *t.places, by_node);
    for (size_t i = 1; i < count && status == 0; i++)
        if (t.places[i].node == t.places[i - 1].node)
            status = tree_problem(&t, t.places[i].index, "there are two of it", e);
    for (size_t i = 0; i < count && status == 0; i++)
        if (b->mode[first + i] != MODE_LEAF)
            status = draft_branch(&t, i, &drafts[i], e);
    mem_free(t.places);
    return status;
}
