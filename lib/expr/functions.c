/* The catalogue of functions: the families' tables as one. */
#include "expr/node.h"

#include <stdlib.h>

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

static int by_name(const void *a, const void *b)
{
    const struct function *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

void functions_by_name(const struct function **at)
{
    size_t n = 0;
    for (size_t i = 0; i < COUNT_OF(families); i++)
        for (size_t k = 0; k < families[i]->count; k++)
            at[n++] = &families[i]->rows[k].about;
    qsort(at, n, sizeof *at, by_name);
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
