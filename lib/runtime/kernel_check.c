/* What a plan must be for the kernels to stay inside it, and inside a block. */
#include "runtime/kernel_common.h"

enum { SLACK = 256 }; /* bytes that kernels may read behind the last value */

static uint64_t section_count(const struct ml_plan *p, enum ml_section section, size_t size)
{
    uint64_t bytes = p->at[section + 1] - p->at[section];
    if (section == ML_AT_VALUE)
        bytes = bytes < SLACK ? 0 : bytes - SLACK;
    return bytes / size;
}

/* Whether items first .. first + n - 1 are in a section. */
static bool has_items(const struct ml_plan *p, enum ml_section section, size_t size, uint64_t first,
                      uint64_t n)
{
    uint64_t count = section_count(p, section, size);
    return first <= count && n <= count - first;
}

/* Sections one behind the other, in `bytes`. */
static bool sections_are_sound(const struct ml_plan *p, uint64_t bytes)
{
    if (bytes < sizeof *p || memcmp(p->magic, ML_PLAN_MAGIC, sizeof p->magic) != 0 ||
        p->bytes > bytes || p->bytes > SIZE_MAX || p->at[0] < sizeof *p ||
        p->at[ML_AT_END] != p->bytes)
        return false;
    for (size_t i = 0; i < ML_AT_END; i++)
        if (p->at[i] % 64 || p->at[i] > p->at[i + 1])
            return false;
    return true;
}

static bool head_is_sound(const struct ml_plan *p, uint64_t bytes)
{
    return sections_are_sound(p, bytes) && p->width >= 1 && p->width <= p->outputs &&
           p->how <= ML_SUM_MAX && p->number_planes <= p->planes &&
           has_items(p, ML_AT_COLUMN, sizeof(struct ml_column), 0, p->columns) &&
           has_items(p, ML_AT_PLANE, sizeof(struct ml_plane), 0, p->planes) &&
           has_items(p, ML_AT_BASE, sizeof(double), 0, p->outputs) &&
           has_items(p, ML_AT_GROUP, sizeof(struct ml_group), 0, p->groups) &&
           has_items(p, ML_AT_TREE, sizeof(struct ml_tree), 0, p->trees);
}

/* ---- columns and planes ---- */

static double cut_at(const struct ml_plan *p, size_t i)
{
    const void *cuts = ML_SECTION(p, ML_AT_CUT);
    return p->single_input ? (double)((const float *)cuts)[i] : ((const double *)cuts)[i];
}

/* How many numbers begin a block; UINT32_MAX when they do not ascend, or NaN does not follow. */
static uint32_t numbers_in_block(const struct ml_plan *p, uint64_t block)
{
    size_t first = (size_t)block * 16;
    uint32_t n = 0;
    while (n < 16 && cut_at(p, first + n) == cut_at(p, first + n))
        n++;
    for (size_t i = 1; i < n; i++)
        if (cut_at(p, first + i) < cut_at(p, first + i - 1))
            return UINT32_MAX;
    for (size_t i = n; i < 16; i++)
        if (cut_at(p, first + i) == cut_at(p, first + i))
            return UINT32_MAX;
    return n;
}

/* Blocks 0 .. most of a level are looked at: the largest code found there is the number of the last
 * block on the next level. */
static bool level_is_sound(const struct ml_plan *p, uint32_t level, uint64_t *most)
{
    uint32_t block = (uint32_t)(16 * (p->single_input ? sizeof(float) : sizeof(double)));
    uint64_t next = 0, first = level / block;
    if (level % block || !has_items(p, ML_AT_CUT, block, first, *most + 1))
        return false;
    for (uint64_t i = 0; i <= *most; i++) {
        uint32_t n = numbers_in_block(p, first + i);
        if (n == UINT32_MAX)
            return false;
        next = 16 * i + n > next ? 16 * i + n : next;
    }
    *most = next;
    return true;
}

static bool plane_is_sound(const struct ml_plan *p, size_t i, uint32_t byte, uint64_t largest)
{
    const struct ml_plane *q = (const struct ml_plane *)ML_SECTION(p, ML_AT_PLANE) + i;
    uint64_t set_words = (uint64_t)q->sets * q->words;
    if (q->bytes > 2 || q->byte != byte || largest >= q->codes || q->missing >= q->codes ||
        (q->bytes > 0 && (q->codes - 1) >> (8 * q->bytes)))
        return false;
    return i < p->number_planes || ((uint64_t)q->words * 32 >= q->codes &&
                                    has_items(p, ML_AT_WORD, sizeof(uint32_t), q->word, set_words));
}

/* The planes of a usual column have their bytes side by side. */
static bool usual_is_sound(const struct ml_plan *p, const struct ml_column *c, uint32_t byte)
{
    const struct ml_plane *planes = (const struct ml_plane *)ML_SECTION(p, ML_AT_PLANE) + c->plane;
    if (c->byte == ML_NO_BYTE)
        return true;
    for (size_t i = 0; i < c->planes; i++)
        if (planes[i].bytes != 1)
            return false;
    return c->byte == byte && !p->has_deep;
}

/* Each plane is filled by one column, and has its bytes in a block behind those before. */
static bool columns_are_sound(const struct ml_plan *p)
{
    const struct ml_column *columns = ML_SECTION(p, ML_AT_COLUMN);
    const struct ml_plane *planes = ML_SECTION(p, ML_AT_PLANE);
    uint32_t plane = 0, byte = 0;
    for (size_t i = 0; i < p->columns; i++) {
        const struct ml_column *c = &columns[i];
        uint64_t code = 0;
        if (c->feature >= p->features || c->levels > ML_LEVELS || c->plane != plane ||
            c->planes == 0 || c->planes > p->planes - plane || !usual_is_sound(p, c, byte))
            return false;
        for (size_t k = 0; k < c->levels; k++)
            if (!level_is_sound(p, c->level[k], &code))
                return false;
        for (; plane < c->plane + c->planes; byte += planes[plane++].bytes)
            if (!plane_is_sound(p, plane, byte, code))
                return false;
    }
    return plane == p->planes && byte == p->row_bytes;
}

/* ---- groups ---- */

/* What the memory of a block depends on. */
struct need {
    uint64_t levels;
    uint32_t lines, set_codes;
};

/* The lines of codes, level by level. */
static bool codes_are_sound(const struct ml_plan *p, const struct ml_fill *f, struct need *need)
{
    const uint16_t *levels = ML_SECTION(p, ML_AT_LEVEL);
    uint64_t at = f->level, lines = 1;
    for (uint32_t b = 0; b < f->bits; b++) {
        if (!has_items(p, ML_AT_LEVEL, sizeof *levels, at, 2))
            return false;
        uint32_t count = (uint32_t)levels[at] + levels[at + 1];
        if (!has_items(p, ML_AT_LEVEL, sizeof *levels, at += 2, count))
            return false;
        for (uint32_t i = 0; i < count; i++)
            if (levels[at + i] >= lines)
                return false;
        need->levels = 2 * lines > need->levels ? 2 * lines : need->levels;
        at += count;
        lines = count;
    }
    return lines == f->lines;
}

static bool fill_is_sound(const struct ml_plan *p, const struct ml_group *g,
                          const struct ml_fill *f, uint32_t line, struct need *need)
{
    const uint16_t *code = (const uint16_t *)ML_SECTION(p, ML_AT_CODE) + g->code;
    const struct ml_plane *planes = ML_SECTION(p, ML_AT_PLANE);
    if (f->plane >= p->planes || f->line != line || f->lines > g->lines - line)
        return false;
    const struct ml_plane *q = &planes[f->plane];
    bool is_set = f->plane >= p->number_planes;
    for (size_t i = f->line; i < (size_t)f->line + f->lines && is_set; i++)
        if (code[i] >= q->sets)
            return false;
    if (q->bytes == 0)
        return false;
    if (!is_set)
        return f->bits >= 1 && f->bits <= 8 * q->bytes && codes_are_sound(p, f, need);
    need->set_codes = q->codes > need->set_codes ? q->codes : need->set_codes;
    return true;
}

static bool group_is_sound(const struct ml_plan *p, const struct ml_group *g, struct need *need)
{
    const struct ml_fill *fill = (const struct ml_fill *)ML_SECTION(p, ML_AT_FILL) + g->fill;
    uint32_t line = 0;
    if (!has_items(p, ML_AT_FILL, sizeof *fill, g->fill, g->fills) ||
        !has_items(p, ML_AT_CODE, sizeof(uint16_t), g->code, g->lines))
        return false;
    for (size_t i = 0; i < g->fills; i++) {
        if (!fill_is_sound(p, g, &fill[i], line, need))
            return false;
        line += fill[i].lines;
    }
    return line == g->lines;
}

/* ---- trees ---- */

static bool is_line(const struct ml_group *g, uint16_t line)
{
    return line % 8 == 0 && line / 8u < g->lines;
}

static bool perfect_is_sound(const struct ml_plan *p, const struct ml_group *g,
                             const struct ml_tree *t)
{
    const uint16_t *line = (const uint16_t *)ML_SECTION(p, ML_AT_NODE) + t->node;
    if (t->depth > 8 || t->depth == 1 || t->depth == 2 || t->bits != t->depth ||
        t->leaves != UINT32_C(1) << t->depth || t->nodes != t->leaves - 1 ||
        !has_items(p, ML_AT_NODE, sizeof *line, t->node, t->nodes))
        return false;
    for (size_t i = 0; i < t->nodes; i++)
        if (!is_line(g, line[i]))
            return false;
    return true;
}

/* A leaf's place, or a node's, from where it goes on to places behind. */
static bool place_is_sound(const struct ml_group *g, const struct ml_tree *t, uint32_t place,
                           const uint16_t at[2])
{
    uint32_t line = at[0], left = at[1];
    if (line >= 8 * g->lines)
        return line - 8 * g->lines < t->leaves && left == place;
    return is_line(g, at[0]) && left > place && left < 2 * t->nodes;
}

/* For each bit of a leaf's number a count and as many places; the first count lies at `at`. */
static bool lists_are_sound(const struct ml_plan *p, const struct ml_tree *t, uint64_t at)
{
    const uint16_t *nodes = ML_SECTION(p, ML_AT_NODE);
    for (size_t b = 0; b < t->bits; b++) {
        if (!has_items(p, ML_AT_NODE, sizeof *nodes, at, 1) ||
            !has_items(p, ML_AT_NODE, sizeof *nodes, at + 1, nodes[at]))
            return false;
        uint64_t end = at + 1 + nodes[at];
        for (at++; at < end; at++)
            if (nodes[at] > 2 * t->nodes)
                return false;
    }
    return true;
}

static bool sparse_is_sound(const struct ml_plan *p, const struct ml_group *g,
                            const struct ml_tree *t)
{
    const uint16_t *from = (const uint16_t *)ML_SECTION(p, ML_AT_NODE) + t->node;
    const uint16_t *place = from + t->nodes;
    uint64_t lists = t->node + 5 * (uint64_t)t->nodes + 2;
    if (t->nodes == 0 || t->nodes >= ML_LEAVES || t->bits > 8 ||
        t->leaves != UINT32_C(1) << t->bits || !has_items(p, ML_AT_NODE, sizeof *from, lists, 0))
        return false;
    for (size_t i = 0; i < t->nodes; i++)
        if (from[i] > 2 * i || !is_line(g, place[2 * from[i]]))
            return false;
    for (uint32_t i = 0; i <= 2 * t->nodes; i++)
        if (!place_is_sound(g, t, i, place + (size_t)2 * i))
            return false;
    return lists_are_sound(p, t, lists);
}

/* Behind a node i, so that walks end; or a leaf. */
static bool is_child(const struct ml_tree *t, int64_t child, int64_t i)
{
    return child >= 0 ? child > i && child < t->nodes : -1 - child < t->leaves;
}

static bool top_is_sound(const struct ml_plan *p, const struct ml_group *g, const struct ml_tree *t)
{
    const struct ml_tree top = {.bits = t->bits,
                                .depth = t->bits,
                                .nodes = (UINT32_C(1) << (t->bits & 15)) - 1,
                                .leaves = UINT32_C(1) << (t->bits & 15),
                                .node = t->top};
    const int32_t *start = (const int32_t *)ML_SECTION(p, ML_AT_START) + t->start;
    if (!perfect_is_sound(p, g, &top) ||
        !has_items(p, ML_AT_START, sizeof *start, t->start, top.leaves))
        return false;
    for (size_t i = 0; i < top.leaves; i++)
        if (!is_child(t, start[i], -1))
            return false;
    return true;
}

static bool deep_is_sound(const struct ml_plan *p, const struct ml_group *g,
                          const struct ml_tree *t)
{
    const struct ml_step *step = (const struct ml_step *)ML_SECTION(p, ML_AT_STEP) + t->node;
    const struct ml_plane *planes = ML_SECTION(p, ML_AT_PLANE);
    if (!p->has_deep || t->nodes == 0 ||
        !has_items(p, ML_AT_STEP, sizeof *step, t->node, t->nodes) ||
        (t->bits > 0 && !top_is_sound(p, g, t)))
        return false;
    for (size_t i = 0; i < t->nodes; i++) {
        uint32_t plane = step[i].plane;
        if (plane >= p->planes || (plane >= p->number_planes && step[i].code >= planes[plane].sets))
            return false;
        if (!is_child(t, step[i].child[0], (int64_t)i) ||
            !is_child(t, step[i].child[1], (int64_t)i))
            return false;
    }
    return true;
}

static bool tree_is_sound(const struct ml_plan *p, const struct ml_group *g,
                          const struct ml_tree *t)
{
    size_t value = p->single_sum ? sizeof(float) : sizeof(double);
    size_t number = p->wide_numbers ? sizeof(uint32_t) : sizeof(uint16_t);
    if (t->output > p->outputs - p->width || t->depth > t->nodes ||
        !has_items(p, ML_AT_NUMBER, number, t->number, t->leaves) ||
        !has_items(p, ML_AT_VALUE, value, t->value, (uint64_t)t->leaves * p->width))
        return false;
    switch (t->kind) {
    case ML_PERFECT:
        return perfect_is_sound(p, g, t);
    case ML_SPARSE:
        return sparse_is_sound(p, g, t);
    case ML_DEEP:
        return deep_is_sound(p, g, t);
    default:
        return false;
    }
}

/* Whether a tree, of which `left` more follow in its group, and the next are as alike as it says.
 */
static bool alike_is_sound(const struct ml_plan *p, const struct ml_tree *t, size_t left)
{
    const struct ml_tree *next = t + 1;
    if (t->alike <= 1)
        return true;
    return left > 0 && t->kind == ML_PERFECT && t->depth >= 3 && next->kind == ML_PERFECT &&
           next->depth == t->depth && next->node == t->node + t->nodes &&
           next->value == t->value + ((uint64_t)p->width << t->bits) && next->alike >= t->alike - 1;
}

/* Groups have all trees, in their order; blocks have just the memory that groups need. */
static bool groups_are_sound(const struct ml_plan *p)
{
    const struct ml_group *groups = ML_SECTION(p, ML_AT_GROUP);
    const struct ml_tree *trees = ML_SECTION(p, ML_AT_TREE);
    struct need need = {0};
    uint32_t tree = 0;
    for (size_t i = 0; i < p->groups; i++) {
        const struct ml_group *g = &groups[i];
        if (g->tree != tree || g->trees > p->trees - tree || !group_is_sound(p, g, &need))
            return false;
        need.lines = g->lines > need.lines ? g->lines : need.lines;
        for (uint32_t end = tree + g->trees; tree < end; tree++)
            if (!tree_is_sound(p, g, &trees[tree]) ||
                !alike_is_sound(p, &trees[tree], end - 1 - tree) ||
                (trees[tree].kind != ML_DEEP && !g->walked))
                return false;
    }
    return tree == p->trees && need.lines == p->lines && need.levels == p->levels &&
           need.set_codes == p->set_codes;
}

ML_API int ml_plan_check(const struct ml_plan *p, uint64_t bytes)
{
    if (!head_is_sound(p, bytes))
        return -1;
    if (!columns_are_sound(p))
        return -2;
    return groups_are_sound(p) ? 0 : -3;
}
