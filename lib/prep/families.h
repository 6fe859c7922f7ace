/* The tables of steps, a family's in steps_<family>*.c, all listed in registry.c. */
#ifndef PREP_FAMILIES_H
#define PREP_FAMILIES_H

#include "prep/prep.h"

extern const struct step_kind steps_columns[];
extern const struct step_kind steps_columns_table[];
extern const struct step_kind steps_columns_text[];
extern const struct step_kind steps_columns_values[];
extern const struct step_kind steps_rows[];
extern const struct step_kind steps_aggregate[];
extern const struct step_kind steps_rows_held[];
extern const struct step_kind steps_rows_order[];
extern const struct step_kind steps_encode[];
extern const struct step_kind steps_encode_target[];
extern const struct step_kind steps_encode_text[];
extern const struct step_kind steps_scale[];
extern const struct step_kind steps_scale_shape[];
extern const struct step_kind steps_outliers[];
extern const struct step_kind steps_numeric[];
extern const struct step_kind steps_features[];
extern const struct step_kind steps_edit[];
extern const struct step_kind steps_edit_case[];
extern const struct step_kind steps_edit_find[];
extern const struct step_kind steps_edit_replace[];
extern const struct step_kind steps_discretize[];
extern const struct step_kind steps_report[];
extern const struct step_kind steps_select_mrmr[];
extern const struct step_kind steps_select_lasso[];
extern const struct step_kind steps_select_alone[];
extern const struct step_kind steps_report_drift[];
extern const struct step_kind steps_select_score[];
extern const struct step_kind steps_select_drop[];
extern const struct step_kind steps_project_random[];
extern const struct step_kind steps_project[];
extern const struct step_kind steps_project_model[];
extern const struct step_kind steps_report_pairs[];
extern const struct step_kind steps_report_counts[];
extern const struct step_kind steps_missing[];
extern const struct step_kind steps_validate[];
extern const struct step_kind steps_check[];
extern const struct step_kind steps_keys[];
extern const struct step_kind steps_order[];
extern const struct step_kind steps_impute[];
extern const struct step_kind steps_missing_order[];
extern const struct step_kind steps_window[];
extern const struct step_kind steps_window_rolling[];
extern const struct step_kind steps_window_shift[];
extern const struct step_kind steps_geo[];
extern const struct step_kind steps_privacy[];
extern const struct step_kind steps_order_top[];
extern const struct step_kind steps_order_unique[];
extern const struct step_kind steps_order_rank[];
extern const struct step_kind steps_exec[];
extern const struct step_kind steps_numeric_fit[];
extern const struct step_kind steps_combine_join[];
extern const struct step_kind steps_sample[];
extern const struct step_kind steps_balance[];
extern const struct step_kind steps_synthetic[];
extern const struct step_kind steps_split[];
extern const struct step_kind steps_fold[];
extern const struct step_kind steps_edit_bytes[];
extern const struct step_kind steps_outliers_model[];
extern const struct step_kind steps_encode_tree[];
extern const struct step_kind steps_embedding[];
extern const struct step_kind steps_bootstrap[];
extern const struct step_kind steps_partition[];
extern const struct step_kind steps_datetime[];
extern const struct step_kind steps_datetime_parts[];
extern const struct step_kind steps_datetime_span[];
extern const struct step_kind steps_datetime_check[];
extern const struct step_kind steps_window_total[];
extern const struct step_kind steps_combine_near[];
extern const struct step_kind steps_combine_fuzzy[];
extern const struct step_kind steps_combine_sets[];
extern const struct step_kind steps_reshape[];
extern const struct step_kind steps_reshape_json[];
extern const struct step_kind steps_reshape_wide[];
extern const struct step_kind steps_timeseries[];
extern const struct step_kind steps_combine_stack[];
extern const struct step_kind steps_timeseries_resample[];
extern const struct step_kind steps_timeseries_features[];
extern const struct step_kind steps_text[];
extern const struct step_kind steps_text_words[];
extern const struct step_kind steps_text_vectorize[];

#endif
