/* Types of results that rowwise steps make as text. */
#include "prep/retype.h"

int rowwise_shape_as(struct step *s, struct schema *schema, const enum type *types, enum type all,
                     struct error *e)
{
    size_t added = rowwise_plan(s)->added.len;
    int rc = rowwise_shape(s, schema, e);
    for (size_t i = 0; rc == 0 && i < (added ? added : s->column_count); i++) {
        size_t at = added ? schema->fields.len - added + i : s->columns[i];
        schema->fields.at[at].type = types ? types[i] : all;
    }
    return rc;
}
