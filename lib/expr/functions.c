/* The catalogue: the families' tables as one, sorted by name. */
#include "expr/node.h"

static const struct function_family *const families[] = {
    &arithmetic_functions, &number_functions,   &math_functions,   &bit_functions,
    &compare_functions,    &logic_functions,    &text_functions,   &pad_functions,
    &unicode_functions,    &distance_functions, &regex_functions,  &convert_functions,
    &encode_functions,     &format_functions,   &time_functions,   &calendar_functions,
    &hash_functions,       &random_functions,   &list_functions,   &map_functions,
    &vector_functions,     &lambda_functions,   &record_functions,
};

size_t function_count(void)
{
    size_t n = 0;
    for (size_t i = 0; i < COUNT_OF(families); i++)
        n += families[i]->count;
    return n;
}

/* Merges the families' tables, each sorted by name. */
const struct function *function_at(size_t index)
{
    size_t next[COUNT_OF(families)] = {0};
    const struct function *least = NULL;
    for (size_t step = 0; step <= index; step++) {
        size_t from = COUNT_OF(families);
        least = NULL;
        for (size_t i = 0; i < COUNT_OF(families); i++) {
            if (next[i] == families[i]->count)
                continue;
            const struct function *f = &families[i]->rows[next[i]].about;
            if (!least || strcmp(f->name, least->name) < 0) {
                least = f;
                from = i;
            }
        }
        if (!least)
            return NULL;
        next[from]++;
    }
    return least;
}

const struct function_row *function_row_find(struct text name)
{
    for (size_t i = 0; i < COUNT_OF(families); i++)
        for (size_t k = 0; k < families[i]->count; k++)
            if (text_equal(text_of(families[i]->rows[k].about.name), name))
                return &families[i]->rows[k];
    return NULL;
}

const struct function *function_find(struct text name)
{
    const struct function_row *row = function_row_find(name);
    return row ? &row->about : NULL;
}
