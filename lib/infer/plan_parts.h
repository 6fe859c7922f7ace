/* The making of a plan, in two steps: codes (columns, planes, sets), then trees. For the files of
 * this module. */
#ifndef INFER_PLAN_PARTS_H
#define INFER_PLAN_PARTS_H

#include "infer/plan.h"

/* What a column's values are compared with: the least values that go right, ascending, each once;
 * NaN: none does. */
struct cuts {
    VEC(double) at;
};

/* How many of them x reaches; NaN none. */
uint32_t cuts_reached(const struct cuts *c, double x);

/* A plan while it is made. */
struct draft {
    const struct model *m;
    const struct trees *t;
    struct plan_options options;
    bool single_input, single_sum;

    /* plan_codes.c */
    VEC(struct ml_column) columns;
    VEC(struct cuts) cuts; /* of each column */
    VEC(struct ml_plane) planes;
    uint32_t *column_of; /* of each plane */
    size_t number_planes;
    VEC(uint32_t) words;
    uint32_t *plane, *code; /* of each node of the model: what it compares; sets: which of them */
    struct buf cut_blocks;

    /* plan_trees.c */
    VEC(struct ml_tree) trees;
    VEC(struct ml_group) groups;
    VEC(struct ml_fill) fills;
    VEC(uint16_t) line_codes, levels, nodes;
    VEC(struct ml_step) steps;
    VEC(int32_t) starts;
    struct buf values, numbers;
    bool has_deep, wide_numbers;
    uint32_t bytes, lines, level_lines, set_codes;
};

static inline bool node_has_set(const struct trees *t, size_t node)
{
    return t->set && t->set[node] != NO_SET;
}

void draft_codes(struct draft *d);
void draft_trees(struct draft *d); /* after the codes */

#endif
