/*
 * What is known of a graph's tensors before the predictor: each is a lane, a run of columns of the
 * vector that the stages make of a row; lanes lie side by side. An operator changes the columns of
 * one lane in their place, or picks columns of several into a new one.
 */
#include "model/import_onnx.h"

static size_t find(const struct onnx_walk *w, struct text name)
{
    for (size_t i = 0; i < w->lanes.len; i++)
        if (text_equal(w->lanes.at[i].name, name))
            return i;
    return SIZE_MAX;
}

static size_t first_column(const struct onnx_walk *w, size_t lane)
{
    size_t first = 0;
    for (size_t i = 0; i < lane; i++)
        first += w->lanes.at[i].columns;
    return first;
}

static size_t count_columns(const struct onnx_walk *w)
{
    return first_column(w, w->lanes.len);
}

bool onnx_is_lane(const struct onnx_walk *w, struct text name)
{
    return find(w, name) != SIZE_MAX;
}

/* How often the nodes that are still to come take a tensor. */
static size_t *uses_of(struct onnx_walk *w, struct text name)
{
    size_t i = map_put(&w->names, name, NULL);
    while (w->uses.len <= i)
        vec_push(&w->uses, (size_t)0);
    return &w->uses.at[i];
}

void onnx_lanes_start(struct onnx_walk *w, size_t columns)
{
    const struct onnx_graph *g = w->graph;
    for (size_t i = 0; i < g->nodes.len; i++)
        for (size_t k = 0; k < g->nodes.at[i].inputs.len; k++)
            ++*uses_of(w, g->nodes.at[i].inputs.at[k]);
    for (size_t i = 0; i < g->inputs.len; i++)
        vec_push(&w->lanes, ((struct onnx_lane){g->inputs.at[i].name, g->inputs.at[i].type,
                                                g->inputs.at[i].columns}));
    w->origin = arena_alloc(&w->model->arena, columns * sizeof *w->origin);
    for (size_t i = 0; i < columns; i++)
        w->origin[i] = i;
}

void onnx_lanes_release(struct onnx_walk *w)
{
    vec_release(&w->lanes);
    vec_release(&w->uses);
    map_release(&w->names);
}

/* The vector becomes the columns that are picked of it. */
static int pick(struct onnx_walk *w, const struct onnx_node *n, const size_t *columns, size_t count,
                struct error *e)
{
    size_t whole = count_columns(w), same = 0;
    while (same < count && columns[same] == same)
        same++;
    if (same == whole && same == count)
        return 0;
    if (count > w->spread)
        return onnx_refuse(n, e, "it repeats too many columns");
    w->spread -= count;
    size_t *copy = arena_copy(&w->model->arena, columns, count * sizeof *copy);
    size_t *origin = arena_alloc(&w->model->arena, (count + 1) * sizeof *origin);
    for (size_t i = 0; i < count; i++)
        origin[i] = w->origin[columns[i]];
    vec_push(&w->stages,
             ((struct stage){.kind = STAGE_PICK, .in = whole, .out = count, .pick = copy}));
    w->origin = origin;
    return 0;
}

/* Columns on their way to a lane of their own. */
struct picking {
    VEC(size_t) at;
    VEC(struct onnx_lane) lanes;
};

static void take_columns(struct picking *p, size_t first, size_t count)
{
    for (size_t i = 0; i < count; i++)
        vec_push(&p->at, first + i);
}

/* The lanes that are still taken by somebody, unless it is to be alone, and behind them a new one
 * of `columns`. */
static int make_lane(struct onnx_walk *w, const struct onnx_node *n, struct onnx_lane made,
                     const size_t *columns, bool alone, struct error *e)
{
    struct picking p = {0};
    for (size_t i = 0; i < w->lanes.len; i++) {
        const struct onnx_lane *lane = &w->lanes.at[i];
        if (alone || *uses_of(w, lane->name) == 0)
            continue;
        take_columns(&p, first_column(w, i), lane->columns);
        vec_push(&p.lanes, *lane);
    }
    for (size_t i = 0; i < made.columns; i++)
        vec_push(&p.at, columns[i]);
    vec_push(&p.lanes, made);
    int status = pick(w, n, p.at.at, p.at.len, e);
    vec_release(&p.at);
    if (status) {
        vec_release(&p.lanes);
        return status;
    }
    vec_release(&w->lanes);
    w->lanes.at = p.lanes.at;
    w->lanes.len = p.lanes.len;
    w->lanes.cap = p.lanes.cap;
    return 0;
}

int onnx_take_lane(struct onnx_walk *w, const struct onnx_node *n, bool alone, struct error *e)
{
    size_t i = find(w, n->inputs.at[0]), *uses = uses_of(w, n->inputs.at[0]);
    struct onnx_lane lane = w->lanes.at[i];
    --*uses;
    if (*uses > 0 || alone) {
        struct picking p = {0};
        take_columns(&p, first_column(w, i), lane.columns);
        int status = make_lane(w, n, lane, p.at.at, alone, e);
        vec_release(&p.at);
        if (status)
            return status;
        i = w->lanes.len - 1;
    }
    w->lane = i;
    w->type = lane.type;
    w->before = first_column(w, i);
    w->width = lane.columns;
    w->after = count_columns(w) - w->before - w->width;
    return 0;
}

void onnx_give_lane(struct onnx_walk *w, struct text name, bool changed)
{
    struct onnx_lane *lane = &w->lanes.at[w->lane];
    if (changed) {
        size_t whole = w->before + w->width + w->after, was = lane->columns;
        size_t *origin = arena_alloc(&w->model->arena, (whole + 1) * sizeof *origin);
        memcpy(origin, w->origin, w->before * sizeof *origin);
        for (size_t i = 0; i < w->width; i++)
            origin[w->before + i] = SIZE_MAX;
        memcpy(origin + w->before + w->width, w->origin + w->before + was,
               w->after * sizeof *origin);
        w->origin = origin;
    }
    *lane = (struct onnx_lane){name, w->type, w->width};
}

static int check_concat(const struct onnx_node *n, struct error *e)
{
    int64_t axis = 0;
    int status = onnx_int(n, "axis", &axis, e);
    if (status == 0 && axis != 1 && axis != -1)
        status = onnx_refuse(n, e, "axis %lld is not that of the columns", (long long)axis);
    return status;
}

static int check_dimensions(const struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    struct integers sizes = {0};
    int status = onnx_ints(n, "inputdimensions", &sizes, e);
    bool same = sizes.len == n->inputs.len;
    for (size_t i = 0; i < sizes.len && same; i++)
        same = sizes.at[i] == (int64_t)w->lanes.at[find(w, n->inputs.at[i])].columns;
    vec_release(&sizes);
    if (status == 0 && !same)
        status = onnx_refuse(n, e, "inputdimensions are not the columns of its inputs");
    return status;
}

/* The columns of all inputs, one after another. Whether they are of one type is their business that
 * is joined by a Concat, which ONNX does not allow otherwise. */
static int join(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    struct picking p = {0};
    enum onnx_type type = w->lanes.at[find(w, n->inputs.at[0])].type;
    int status = 0;
    for (size_t i = 0; i < n->inputs.len && status == 0; i++) {
        size_t lane = find(w, n->inputs.at[i]);
        --*uses_of(w, n->inputs.at[i]);
        take_columns(&p, first_column(w, lane), w->lanes.at[lane].columns);
        if (w->lanes.at[lane].type != type)
            status = onnx_refuse(n, e, "its inputs are of different types");
        else if (p.at.len > w->spread)
            status = onnx_refuse(n, e, "it repeats too many columns");
    }
    if (status == 0)
        status = make_lane(w, n, (struct onnx_lane){n->outputs.at[0], type, p.at.len}, p.at.at,
                           false, e);
    vec_release(&p.at);
    return status;
}

int onnx_concat(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    int status = check_concat(n, e);
    return status ? status : join(w, n, e);
}

int onnx_feature_vectorizer(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    int status = check_dimensions(w, n, e);
    if (status == 0)
        status = join(w, n, e);
    if (status)
        return status;
    w->lane = w->lanes.len - 1;
    w->width = w->lanes.at[w->lane].columns;
    w->before = count_columns(w) - w->width;
    w->after = 0;
    w->type = ONNX_FLOAT;
    (void)onnx_stage(w, STAGE_FLOAT, true);
    onnx_give_lane(w, n->outputs.at[0], true);
    return 0;
}

/* The columns of the first input that the second, a constant, lists. */
static int extract(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    size_t i = find(w, n->inputs.at[0]), first = first_column(w, i);
    struct onnx_lane lane = w->lanes.at[i];
    struct integers list = {0};
    struct picking p = {0};
    int status = onnx_constant_integers(w->graph, n, n->inputs.at[1], &list, e);
    for (size_t k = 0; k < list.len && status == 0; k++) {
        int64_t column = list.at[k] < 0 ? list.at[k] + (int64_t)lane.columns : list.at[k];
        if (column < 0 || (uint64_t)column >= lane.columns)
            status = onnx_refuse(n, e, "there is no column %lld", (long long)list.at[k]);
        vec_push(&p.at, first + (size_t)column);
    }
    if (status == 0 && list.len == 0)
        status = onnx_refuse(n, e, "it takes no column");
    --*uses_of(w, n->inputs.at[0]);
    if (status == 0)
        status = make_lane(w, n, (struct onnx_lane){n->outputs.at[0], lane.type, p.at.len}, p.at.at,
                           false, e);
    vec_release(&p.at);
    vec_release(&list);
    return status;
}

int onnx_extractor(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    return n->inputs.len == 2 ? extract(w, n, e) : onnx_refuse(n, e, "it has not two inputs");
}

int onnx_gather(struct onnx_walk *w, const struct onnx_node *n, struct error *e)
{
    int status = check_concat(n, e);
    return status ? status : onnx_extractor(w, n, e);
}
