/* plan: the trees of a model laid out for the kernels (runtime/kernel.h). */
#ifndef INFER_PLAN_H
#define INFER_PLAN_H

#include "model/model.h"
#include "runtime/kernel.h"

/* What a plan may give up; margins then differ from the model's. */
struct plan_options {
    bool float32; /* values, thresholds and sums are floats in a model of doubles, too */
    bool u8;      /* at most 255 cuts a feature: those at which most nodes are, the others move to
                   * the nearest of them. Sets stay as they are. */
};

/* Returns owned (free with mem_free): the plan of a model of trees, m checked; its features are the
 * predictor's, after all stages. options NULL: exact. NULL with ERR_DATA when the model is too
 * large. */
struct ml_plan *plan_new(const struct model *m, const struct plan_options *options,
                         struct error *e);

#endif
