/* Looking into what a pickle described. */
#include "model/import_pickle.h"

/* No estimator has nearly as many; looking through more, for each of many trees, would take hours.
 */
enum { ATTRIBUTES_MAX = 512 };

const struct pickled *pickle_get(const struct pickled *o, const char *name)
{
    const struct pickled *dict = o && o->kind == PICKLE_OBJECT ? o->object.state : NULL;
    const struct pickled *found = NULL;
    if (!dict || dict->kind != PICKLE_DICT || dict->items.len > 2 * ATTRIBUTES_MAX)
        return NULL;
    for (size_t i = 0; i + 1 < dict->items.len && !found; i += 2)
        if (pickle_is(dict->items.at[i], name))
            found = dict->items.at[i + 1];
    return found && found->kind != PICKLE_NONE ? found : NULL;
}

struct text pickle_class(const struct pickled *o)
{
    if (!o || o->kind != PICKLE_OBJECT)
        return TEXT_LITERAL("");
    struct text name = o->object.class->text;
    size_t last = name.len;
    while (last > 0 && name.at[last - 1] != '.')
        last--;
    return (struct text){name.at + last, name.len - last};
}

bool pickle_number(const struct pickled *v, double *out)
{
    if (!v)
        return false;
    if (v->kind == PICKLE_INT || v->kind == PICKLE_BOOL)
        *out = (double)v->whole;
    else if (v->kind == PICKLE_FLOAT)
        *out = v->real;
    else
        return v->kind == PICKLE_ARRAY && v->array->count == 1 && v->array->data &&
               array_number(v->array, 0, out);
    return true;
}

bool pickle_is(const struct pickled *v, const char *text)
{
    return v && v->kind == PICKLE_TEXT && text_equal(v->text, text_of(text));
}
