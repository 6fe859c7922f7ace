#include "model/builder.h"

#include <math.h>
#include <stdio.h>

struct builder {
    size_t width;
    VEC(uint32_t) root, output, feature, left, right, number, set;
    VEC(double) threshold, cover, value;
    VEC(uint8_t) missing;
    VEC(size_t) set_first;
    VEC(uint32_t) words;
    bool has_cover;
};

struct builder *builder_new(size_t width)
{
    struct builder *b = mem_alloc(sizeof *b);
    b->width = width;
    b->has_cover = true;
    vec_push(&b->set_first, (size_t)0);
    return b;
}

void builder_free(struct builder *b)
{
    if (!b)
        return;
    vec_release(&b->root);
    vec_release(&b->output);
    vec_release(&b->feature);
    vec_release(&b->left);
    vec_release(&b->right);
    vec_release(&b->number);
    vec_release(&b->set);
    vec_release(&b->threshold);
    vec_release(&b->cover);
    vec_release(&b->value);
    vec_release(&b->missing);
    vec_release(&b->set_first);
    vec_release(&b->words);
    mem_free(b);
}

uint32_t builder_set(struct builder *b, const uint32_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        vec_push(&b->words, words[i]);
    vec_push(&b->set_first, b->words.len);
    return (uint32_t)(b->set_first.len - 2);
}

static int wrong(const struct builder *b, size_t node, const char *what, struct error *e)
{
    return error_set(e, ERR_DATA, "tree %zu, node %zu: %s", b->root.len - 1, node, what);
}

static uint32_t add_node(struct builder *b, const struct draft_node *n)
{
    bool leaf = n->feature == NODE_LEAF;
    vec_push(&b->feature, n->feature);
    vec_push(&b->left, (uint32_t)0);
    vec_push(&b->right, (uint32_t)0);
    vec_push(&b->number, n->number);
    vec_push(&b->set, leaf ? NO_SET : n->set);
    vec_push(&b->missing, leaf ? (uint8_t)0 : n->missing);
    vec_push(&b->threshold, leaf ? 0 : n->threshold);
    vec_push(&b->cover, n->cover);
    b->has_cover = b->has_cover && !isnan(n->cover);
    for (size_t i = 0; i < b->width; i++)
        vec_push(&b->value, leaf ? n->value[i] : 0);
    return (uint32_t)(b->feature.len - 1);
}

/* A node of the file on its way to its place: which, and where its parent has its number. */
struct pending {
    size_t draft;
    uint32_t parent; /* NO_SET: it is the root */
    bool is_left;
};

int builder_tree(struct builder *b, const struct draft_node *nodes, size_t n, size_t root,
                 uint32_t output, struct error *e)
{
    vec_push(&b->root, (uint32_t)b->feature.len);
    vec_push(&b->output, output);
    if (root >= n)
        return wrong(b, root, "there is no such node", e);
    VEC(struct pending) stack = {0};
    uint8_t *seen = mem_alloc(n);
    int status = 0;
    vec_push(&stack, ((struct pending){root, NO_SET, false}));
    while (stack.len > 0 && status == 0) {
        struct pending p = stack.at[--stack.len];
        const struct draft_node *node = &nodes[p.draft];
        if (seen[p.draft]++) {
            status = wrong(b, p.draft, "it has two parents", e);
            break;
        }
        uint32_t at = add_node(b, node);
        if (p.parent != NO_SET)
            *(p.is_left ? &b->left.at[p.parent] : &b->right.at[p.parent]) = at;
        if (node->feature == NODE_LEAF)
            continue;
        if (node->left >= n || node->right >= n)
            status = wrong(b, p.draft, "a child is out of range", e);
        vec_push(&stack, ((struct pending){node->right, at, false}));
        vec_push(&stack, ((struct pending){node->left, at, true}));
    }
    vec_release(&stack);
    mem_free(seen);
    return status;
}

#define MOVE(m, from) arena_copy(&(m)->arena, (from).at, (from).len * sizeof *(from).at)

void builder_finish(struct builder *b, struct model *m)
{
    struct trees *t = &m->trees;
    m->kind = MODEL_TREES;
    t->count = b->root.len;
    t->nodes = b->feature.len;
    t->width = b->width;
    t->sets = b->set_first.len - 1;
    vec_push(&b->root, (uint32_t)b->feature.len);
    t->root = MOVE(m, b->root);
    t->output = MOVE(m, b->output);
    t->feature = MOVE(m, b->feature);
    t->left = MOVE(m, b->left);
    t->right = MOVE(m, b->right);
    t->number = MOVE(m, b->number);
    t->threshold = MOVE(m, b->threshold);
    t->missing = MOVE(m, b->missing);
    t->value = MOVE(m, b->value);
    t->cover = b->has_cover ? MOVE(m, b->cover) : NULL;
    t->set = t->sets ? MOVE(m, b->set) : NULL;
    t->set_first = MOVE(m, b->set_first);
    t->words = MOVE(m, b->words);
    builder_free(b);
}

struct model *model_new(const char *format, size_t features)
{
    struct model *m = mem_alloc(sizeof *m);
    m->format = format;
    m->producer = m->objective = "";
    m->scale = 1;
    m->cut = 0.5;
    m->feature_count = features;
    m->features = arena_zero(&m->arena, (features + 1) * sizeof *m->features);
    for (size_t i = 0; i < features; i++)
        m->features[i].name = arena_format(&m->arena, "f%zu", i);
    return m;
}

const char *model_text(struct model *m, struct text t)
{
    return arena_text(&m->arena, t.at, t.len);
}

double *model_numbers(struct model *m, size_t n)
{
    return arena_zero(&m->arena, (n + 1) * sizeof(double));
}

void model_release_unused(struct model *m)
{
    const struct stage *first = m->stage_count ? &m->stages[0] : NULL;
    if (!first || first->kind != STAGE_PICK)
        return;
    bool *used = arena_zero(&m->arena, m->feature_count * sizeof *used);
    for (size_t i = 0; i < first->out; i++)
        used[first->pick[i]] = true;
    for (size_t i = 0; i < m->feature_count; i++)
        m->features[i].kind = used[i] ? m->features[i].kind : FEATURE_TEXT;
}

void model_free(struct model *m)
{
    if (!m)
        return;
    arena_release(&m->arena);
    mem_free(m);
}
