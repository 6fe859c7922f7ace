#include "infer/plan.h"

#include <math.h>
#include <stdlib.h>

/* What is known of a model's planes and cuts while its plan is made. */
struct layout {
    const struct model *m;
    const struct trees *t;
    struct map plane_of;  /* struct plane_key */
    uint32_t *node_plane; /* by node of the model */
    uint32_t *depth;      /* by tree */
    struct cuts {
        VEC(double) at; /* ascending, each once */
        uint32_t first; /* among all, with their room */
    } * cuts;           /* by feature */
    VEC(struct ml_plane) planes;
    bool has_codes, has_wide_numbers;
};

struct plane_key {
    uint32_t feature, missing, set;
};

/* The threshold in the precision of the values: x rounded to float is on the same side of both. */
static double threshold_of(const struct trees *t, size_t node)
{
    double exact = t->threshold[node];
    if (!t->single)
        return exact;
    float f = (float)exact;
    if (t->compare == COMPARE_LESS_EQUAL && (double)f > exact)
        f = nextafterf(f, -INFINITY);
    if (t->compare == COMPARE_LESS && (double)f < exact)
        f = nextafterf(f, INFINITY);
    return (double)f;
}

static bool has_set(const struct trees *t, size_t node)
{
    return t->set && t->set[node] != NO_SET;
}

static void find_planes(struct layout *l)
{
    const struct trees *t = l->t;
    for (size_t i = 0; i < t->nodes; i++) {
        if (t->feature[i] == NODE_LEAF)
            continue;
        struct plane_key key = {t->feature[i], t->missing[i], has_set(t, i) ? t->set[i] : NO_SET};
        bool is_new = false;
        size_t plane =
            map_put(&l->plane_of, (struct text){(const char *)&key, sizeof key}, &is_new);
        l->node_plane[i] = (uint32_t)plane;
        if (is_new) {
            struct ml_plane p = {
                .feature = key.feature, .missing = key.missing, .is_set = key.set != NO_SET};
            if (p.is_set) {
                p.word = (uint32_t)t->set_first[key.set];
                p.words = (uint32_t)(t->set_first[key.set + 1] - t->set_first[key.set]);
            }
            vec_push(&l->planes, p);
        }
        if (key.set == NO_SET)
            vec_push(&l->cuts[key.feature].at, threshold_of(t, i));
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts the cuts of each feature, and gives them their places. */
static void settle_cuts(struct layout *l, size_t features)
{
    uint32_t first = 0;
    l->has_codes = true;
    for (size_t f = 0; f < features; f++) {
        struct cuts *c = &l->cuts[f];
        size_t kept = 0;
        if (c->at.len > 1)
            qsort(c->at.at, c->at.len, sizeof *c->at.at, compare_doubles);
        for (size_t i = 0; i < c->at.len; i++)
            if (kept == 0 || c->at.at[kept - 1] != c->at.at[i])
                c->at.at[kept++] = c->at.at[i];
        c->at.len = kept;
        c->first = first;
        first += ML_CUTS_ROOM;
        l->has_codes = l->has_codes && kept <= ML_CUTS;
    }
    for (size_t i = 0; i < l->planes.len; i++) {
        struct ml_plane *p = &l->planes.at[i];
        p->cut = l->cuts[p->feature].first;
        p->cuts = (uint32_t)l->cuts[p->feature].at.len;
    }
}

static void measure_numbers(struct layout *l)
{
    for (size_t i = 0; i < l->t->nodes; i++)
        l->has_wide_numbers |= l->t->number[i] > UINT16_MAX;
}

static void measure_depths(struct layout *l)
{
    const struct trees *t = l->t;
    uint32_t *depth = mem_alloc((t->nodes + 1) * sizeof *depth);
    for (size_t tree = 0; tree < t->count; tree++)
        for (size_t i = t->root[tree]; i < t->root[tree + 1]; i++) {
            if (t->feature[i] != NODE_LEAF)
                depth[t->left[i]] = depth[t->right[i]] = depth[i] + 1;
            if (depth[i] > l->depth[tree])
                l->depth[tree] = depth[i];
        }
    for (size_t tree = 0; tree < t->count; tree++)
        l->has_codes = l->has_codes && l->depth[tree] <= ML_DEPTH_MAX;
    l->has_codes = l->has_codes && l->planes.len <= UINT16_MAX;
    mem_free(depth);
}

/* Sections of the plan, in the order of their offsets. */
struct sections {
    struct buf trees, node_planes, node_codes, leaves, steps, values, leaf_ids;
};

static void put_value(const struct layout *l, struct buf *out, size_t node)
{
    for (size_t k = 0; k < l->t->width; k++) {
        double wide = l->t->value[node * l->t->width + k];
        float single = (float)wide;
        if (l->m->sum.single)
            buf_add(out, &single, sizeof single);
        else
            buf_add(out, &wide, sizeof wide);
    }
}

static void put_number(const struct layout *l, struct buf *out, size_t node)
{
    uint32_t wide = l->t->number[node];
    uint16_t narrow = (uint16_t)wide;
    if (l->has_wide_numbers)
        buf_add(out, &wide, sizeof wide);
    else
        buf_add(out, &narrow, sizeof narrow);
}

static uint8_t code_of(const struct layout *l, size_t node)
{
    const struct cuts *c = &l->cuts[l->t->feature[node]];
    double threshold = threshold_of(l->t, node);
    if (has_set(l->t, node))
        return 0; /* codes of members are 0, of others 255 */
    size_t low = 0;
    while (c->at.at[low] != threshold)
        low++;
    return (uint8_t)low;
}

/* A tree padded to a perfect one: nodes level by level, then leaves from left to right. A leaf
 * above the bottom repeats below itself: whatever the nodes there say. */
static void put_perfect(const struct layout *l, struct sections *s, size_t tree)
{
    const struct trees *t = l->t;
    uint32_t depth = l->depth[tree];
    size_t inner = ((size_t)1 << depth) - 1;
    uint32_t *order = mem_array(NULL, 2 * inner + 1, sizeof *order);
    order[0] = t->root[tree];
    for (size_t i = 0; i < inner; i++) {
        size_t node = order[i];
        bool leaf = t->feature[node] == NODE_LEAF;
        uint16_t plane = leaf ? 0 : (uint16_t)l->node_plane[node];
        uint8_t code = leaf ? UINT8_MAX : code_of(l, node);
        buf_add(&s->node_planes, &plane, sizeof plane);
        buf_add(&s->node_codes, &code, sizeof code);
        order[2 * i + 1] = leaf ? order[i] : t->left[node];
        order[2 * i + 2] = leaf ? order[i] : t->right[node];
    }
    for (size_t i = inner; i < 2 * inner + 1; i++) {
        put_value(l, &s->leaves, order[i]);
        put_number(l, &s->leaf_ids, order[i]);
    }
    mem_free(order);
}

static double step_threshold(const struct layout *l, size_t node)
{
    const struct trees *t = l->t;
    double threshold = threshold_of(t, node);
    if (has_set(t, node))
        return 0; /* members are -inf, others inf */
    if (t->compare == COMPARE_LESS)
        return threshold;
    return t->single ? (double)nextafterf((float)threshold, INFINITY)
                     : nextafter(threshold, (double)INFINITY);
}

/* The steps of a tree: siblings side by side, level by level. */
static void put_steps(const struct layout *l, struct sections *s, size_t tree)
{
    const struct trees *t = l->t;
    VEC(uint32_t) order = {0};
    vec_push(&order, t->root[tree]);
    for (uint32_t i = 0; i < order.len; i++) {
        size_t node = order.at[i];
        struct ml_step step = {.slot = (uint32_t)l->planes.len, .left = i}; /* always goes left */
        if (t->feature[node] != NODE_LEAF) {
            step =
                (struct ml_step){step_threshold(l, node), l->node_plane[node], (uint32_t)order.len};
            vec_push(&order, t->left[node]);
            vec_push(&order, t->right[node]);
        }
        buf_add(&s->steps, &step, sizeof step);
        put_value(l, &s->values, node);
        put_number(l, &s->leaf_ids, node);
    }
    vec_release(&order);
}

static void put_trees(const struct layout *l, struct sections *s)
{
    uint32_t nodes = 0, leaves = 0, steps = 0;
    for (size_t i = 0; i < l->t->count; i++) {
        struct ml_tree tree = {l->depth[i], nodes, leaves, steps, l->t->output[i]};
        buf_add(&s->trees, &tree, sizeof tree);
        if (!l->has_codes) {
            put_steps(l, s, i);
            steps += l->t->root[i + 1] - l->t->root[i];
            continue;
        }
        put_perfect(l, s, i);
        leaves += UINT32_C(1) << l->depth[i];
        nodes += (UINT32_C(1) << l->depth[i]) - 1;
    }
}

static void put_cuts(const struct layout *l, size_t features, struct buf *out)
{
    for (size_t f = 0; f < features; f++)
        for (size_t i = 0; i < ML_CUTS_ROOM && l->has_codes; i++) {
            double wide = i < l->cuts[f].at.len ? l->cuts[f].at.at[i] : (double)NAN;
            float single = (float)wide;
            if (l->t->single)
                buf_add(out, &single, sizeof single);
            else
                buf_add(out, &wide, sizeof wide);
        }
}

static uint64_t add_section(struct buf *plan, const void *bytes, size_t n)
{
    static const char zeros[64];
    buf_add(plan, zeros, (64 - plan->len % 64) % 64);
    uint64_t at = plan->len;
    if (n)
        buf_add(plan, bytes, n);
    return at;
}

static struct ml_plan plan_head(const struct layout *l)
{
    const struct model *m = l->m;
    return (struct ml_plan){.magic = ML_PLAN_MAGIC,
                            .features = (uint32_t)model_width(m),
                            .outputs = (uint32_t)m->outputs,
                            .width = (uint32_t)l->t->width,
                            .trees = (uint32_t)l->t->count,
                            .planes = (uint32_t)l->planes.len,
                            .steps = (uint32_t)l->t->nodes,
                            .single_input = l->t->single,
                            .less_equal = l->t->compare == COMPARE_LESS_EQUAL,
                            .single_sum = m->sum.single,
                            .how = (uint8_t)m->sum.how,
                            .base_last = m->sum.base_last,
                            .narrow = m->sum.narrow,
                            .sets_of = (uint8_t)l->t->sets_of,
                            .rounds = (uint32_t)(m->sum.rounds ? m->sum.rounds : l->t->count),
                            .has_codes = l->has_codes,
                            .wide_ids = l->has_wide_numbers};
}

static struct ml_plan *put_plan(const struct layout *l)
{
    struct sections s;
    struct buf cuts = {0}, plan = {0};
    memset(&s, 0, sizeof s);
    struct ml_plan head = plan_head(l);
    put_trees(l, &s);
    put_cuts(l, head.features, &cuts);
    buf_add(&plan, &head, sizeof head);
    head.plane_at = add_section(&plan, l->planes.at, l->planes.len * sizeof *l->planes.at);
    head.cut_at = add_section(&plan, cuts.at, cuts.len);
    head.word_at = add_section(&plan, l->t->words,
                               l->t->sets ? l->t->set_first[l->t->sets] * sizeof(uint32_t) : 0);
    head.base_at = add_section(&plan, l->m->base, l->m->outputs * sizeof(double));
    head.tree_at = add_section(&plan, s.trees.at, s.trees.len);
    head.node_plane_at = add_section(&plan, s.node_planes.at, s.node_planes.len);
    head.node_code_at = add_section(&plan, s.node_codes.at, s.node_codes.len);
    head.leaf_at = add_section(&plan, s.leaves.at, s.leaves.len);
    head.step_at = add_section(&plan, s.steps.at, s.steps.len);
    head.value_at = add_section(&plan, s.values.at, s.values.len);
    head.leaf_id_at = add_section(&plan, s.leaf_ids.at, s.leaf_ids.len);
    head.bytes = plan.len;
    memcpy(plan.at, &head, sizeof head);
    buf_release(&s.trees);
    buf_release(&s.node_planes);
    buf_release(&s.node_codes);
    buf_release(&s.leaves);
    buf_release(&s.steps);
    buf_release(&s.values);
    buf_release(&s.leaf_ids);
    buf_release(&cuts);
    return (void *)buf_take(&plan);
}

/* Steps know missing values as infinities, and could not tell them from an infinite threshold. */
static bool has_infinite_threshold(const struct layout *l)
{
    for (size_t i = 0; i < l->t->nodes; i++)
        if (l->t->feature[i] != NODE_LEAF && !has_set(l->t, i) && isinf(threshold_of(l->t, i)))
            return true;
    return false;
}

struct ml_plan *plan_new(const struct model *m, struct error *e)
{
    size_t features = model_width(m);
    struct layout l = {.m = m, .t = &m->trees};
    if (m->trees.nodes > UINT32_MAX / 2 || features > UINT32_MAX / ML_CUTS_ROOM) {
        error_set(e, ERR_DATA, "the model is too large: %zu nodes, %zu features", m->trees.nodes,
                  features);
        return NULL;
    }
    l.node_plane = mem_alloc((m->trees.nodes + 1) * sizeof *l.node_plane);
    l.depth = mem_alloc((m->trees.count + 1) * sizeof *l.depth);
    l.cuts = mem_alloc((features + 1) * sizeof *l.cuts);
    find_planes(&l);
    settle_cuts(&l, features);
    measure_depths(&l);
    measure_numbers(&l);
    struct ml_plan *plan = NULL;
    if (!l.has_codes && has_infinite_threshold(&l))
        error_set(e, ERR_DATA, "an infinite threshold, in trees too deep for codes");
    else
        plan = put_plan(&l);
    for (size_t f = 0; f < features; f++)
        vec_release(&l.cuts[f].at);
    vec_release(&l.planes);
    map_release(&l.plane_of);
    mem_free(l.node_plane);
    mem_free(l.depth);
    mem_free(l.cuts);
    return plan;
}
