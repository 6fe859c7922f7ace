/* Which steps there are. A new family is one line here and one in families.h. */
#include "prep/families.h"
#include "prep/recipe.h"

static const struct step_kind *const families[] = {
    steps_columns,
    steps_columns_table,
    steps_columns_text,
    steps_columns_values,
    steps_rows,
    steps_aggregate,
    steps_rows_held,
    steps_rows_order,
    steps_encode,
    steps_encode_target,
    steps_encode_text,
    steps_scale,
    steps_scale_shape,
    steps_outliers,
    steps_numeric,
    steps_features,
    steps_edit,
    steps_edit_case,
    steps_edit_find,
    steps_edit_replace,
    steps_discretize,
    steps_missing,
    steps_validate,
    steps_check,
    steps_keys,
    steps_order,
    steps_impute,
    steps_report,
    steps_select_mrmr,
    steps_select_lasso,
    steps_select_alone,
    steps_report_drift,
    steps_report_schema,
    steps_select_score,
    steps_select_drop,
    steps_project_random,
    steps_project,
    steps_project_model,
    steps_report_pairs,
    steps_report_counts,
    steps_missing_order,
    steps_missing_interpolate,
    steps_window,
    steps_window_rolling,
    steps_window_shift,
    steps_geo,
    steps_privacy,
    steps_order_top,
    steps_order_unique,
    steps_order_rank,
    steps_exec,
    steps_numeric_fit,
    steps_combine_join,
    steps_sample,
    steps_balance,
    steps_synthetic,
    steps_split,
    steps_fold,
    steps_edit_bytes,
    steps_outliers_model,
    steps_encode_tree,
    steps_embedding,
    steps_bootstrap,
    steps_partition,
    steps_datetime,
    steps_datetime_parts,
    steps_datetime_span,
    steps_datetime_check,
    steps_window_total,
    steps_combine_near,
    steps_combine_fuzzy,
    steps_combine_sets,
    steps_combine_update,
    steps_reshape,
    steps_reshape_cross,
    steps_reshape_explode,
    steps_reshape_json,
    steps_reshape_wide,
    steps_timeseries,
    steps_combine_stack,
    steps_timeseries_resample,
    steps_timeseries_features,
    steps_text,
    steps_text_words,
    steps_text_vectorize,
};

const struct step_kind *step_kind_at(size_t i)
{
    for (size_t f = 0; f < COUNT_OF(families); f++)
        for (const struct step_kind *k = families[f]; k->name; k++)
            if (i-- == 0)
                return k;
    return NULL;
}

size_t step_kind_count(void)
{
    size_t count = 0;
    for (size_t f = 0; f < COUNT_OF(families); f++)
        for (const struct step_kind *k = families[f]; k->name; k++)
            count++;
    return count;
}

bool alias_next(const char **at, struct alias *out)
{
    const char *p = *at + strspn(*at, " ");
    if (*p == '\0')
        return false;
    size_t len = strcspn(p, " "), name = strcspn(p, " :");
    out->name = (struct text){p, name};
    out->presets = (struct text){p + name, len - name};
    *at = p + len;
    return true;
}

static bool answers_to(const struct step_kind *k, struct text name, struct text *presets)
{
    *presets = (struct text){NULL, 0};
    if (text_equal(name, text_of(k->name)))
        return true;
    struct alias alias;
    for (const char *at = k->aliases; at && alias_next(&at, &alias);)
        if (text_equal(name, alias.name)) {
            *presets = alias.presets;
            return true;
        }
    return false;
}

const struct step_kind *step_kind_named(struct text name, struct text *presets)
{
    for (size_t f = 0; f < COUNT_OF(families); f++)
        for (const struct step_kind *k = families[f]; k->name; k++)
            if (answers_to(k, name, presets))
                return k;
    return NULL;
}

const struct step_kind *step_kind_find(struct text name)
{
    struct text presets;
    return step_kind_named(name, &presets);
}
