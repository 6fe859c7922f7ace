/*
 * steps: the catalogue. A family of steps is a table of struct step_kind that ends with name ==
 * NULL: steps_<family>, in <family>.c; adding one is a name in the list below. Beside the families
 * stands what several of them share: what is learnt of columns and groups (summary, distribution,
 * encoder, accumulate ...), and forms of text and time (words, calendar, json_schema ...).
 */
#ifndef STEPS_STEPS_H
#define STEPS_STEPS_H

#include "prep/prep.h"

/* clang-format off */
#define STEP_FAMILIES(F) \
    F(aggregate) F(balance) F(bootstrap) F(check) F(columns) F(columns_table) F(columns_text) \
    F(columns_values) F(combine_fuzzy) F(combine_join) F(combine_near) F(combine_paste) \
    F(combine_sets) F(combine_stack) F(combine_update) F(datetime) F(datetime_check) F(datetime_parts) \
    F(datetime_span) F(discretize) F(edit) F(edit_bytes) F(edit_case) F(edit_find) \
    F(edit_replace) F(embedding) F(encode) F(encode_target) F(encode_text) F(encode_tree) \
    F(exec) F(features) F(fold) F(geo) F(impute) F(keys) F(missing) F(missing_interpolate) \
    F(missing_order) F(numeric) F(numeric_fit) F(order) F(order_rank) F(order_top) \
    F(order_unique) F(outliers) F(outliers_model) F(partition) F(privacy) F(project) \
    F(project_model) F(project_random) F(report) F(report_counts) F(report_drift) \
    F(report_pairs) F(report_schema) F(reshape) F(reshape_cross) F(reshape_explode) \
    F(reshape_json) F(reshape_wide) F(rows) F(rows_held) F(rows_order) F(sample) F(scale) \
    F(scale_shape) F(select_alone) F(select_drop) F(select_lasso) F(select_mrmr) \
    F(select_score) F(split) F(synthetic) F(text) F(text_vectorize) F(text_words) F(timeseries) \
    F(timeseries_features) F(timeseries_resample) F(validate) F(window) F(window_rolling) \
    F(window_shift) F(window_total)
/* clang-format on */

/* Ends the details of a step whose state, or one cell or the columns of whose result, are as large
 * as what they are made of. */
#define HELD(what, bytes)                                                                          \
    " All " what " are held in memory, whatever --memory says: " bytes " for each."

#define DECLARE_FAMILY(name) extern const struct step_kind steps_##name[];
STEP_FAMILIES(DECLARE_FAMILY)

#endif
