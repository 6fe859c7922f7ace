#include "infer/columns.h"

/* Features without names of their own are the columns in their order, unless those are named as
 * features are when they have no names. */
static bool goes_by_position(const struct predictor *p, const struct schema *in)
{
    return !p->named && !p->takes_fields && in->fields.len == p->image->features &&
           schema_find(in, text_of(p->features[0])) == FIELD_NONE;
}

int columns_find(const struct predictor *p, const struct schema *in, bool absent_is_missing,
                 size_t *input, struct error *e)
{
    const char **names = p->takes_fields ? p->fields : p->features, *first = NULL;
    size_t count = p->takes_fields ? p->image->fields : p->image->features, absent = 0;
    bool by_position = goes_by_position(p, in);
    for (size_t i = 0; i < count; i++) {
        input[i] = by_position ? i : schema_find(in, text_of(names[i]));
        first = input[i] == FIELD_NONE && !first ? names[i] : first;
        absent += input[i] == FIELD_NONE;
    }
    char quoted[QUOTE_MAX];
    if (absent == 0 || absent_is_missing)
        return 0;
    quote(quoted, first, strlen(first));
    if (absent == 1)
        return error_set(e, ERR_DATA, "the model needs a column %s, which is not there", quoted);
    return error_set(e, ERR_DATA, "the model needs a column %s, and %zu more, which are not there",
                     quoted, absent - 1);
}
