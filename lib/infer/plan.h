/* plan: the trees of a model laid out for the kernels. For the files of this module. */
#ifndef INFER_PLAN_H
#define INFER_PLAN_H

#include "model/model.h"
#include "runtime/kernel.h"

/* Returns owned (free with mem_free): the plan of a model of trees, m checked; its features are the
 * predictor's, after all stages. Without codes when a tree is deeper than ML_DEPTH_MAX or a feature
 * has more cuts than ML_CUTS: blocks then walk. NULL with ERR_DATA when it is too large, or has an
 * infinite threshold and no codes. */
struct ml_plan *plan_new(const struct model *m, struct error *e);

#endif
