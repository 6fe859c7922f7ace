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

/* Functions of the same first letter with a smaller name. */
static size_t rank_in_letter(const char *name)
{
    size_t rank = 0;
    for (size_t i = 0; i < COUNT_OF(families); i++)
        for (size_t k = 0; k < families[i]->count; k++) {
            const char *other = families[i]->rows[k].about.name;
            rank += other[0] == name[0] && strcmp(other, name) < 0;
        }
    return rank;
}

/* The tables are sorted family by family only; looking through one letter keeps this quick without
 * an index that would have to be kept. */
const struct function *function_at(size_t index)
{
    size_t with_letter[256] = {0};
    unsigned char letter = 0;
    for (size_t i = 0; i < COUNT_OF(families); i++)
        for (size_t k = 0; k < families[i]->count; k++)
            with_letter[(unsigned char)families[i]->rows[k].about.name[0]]++;
    for (; letter < 255 && index >= with_letter[letter]; letter++)
        index -= with_letter[letter];
    for (size_t i = 0; i < COUNT_OF(families); i++)
        for (size_t k = 0; k < families[i]->count; k++) {
            const struct function *f = &families[i]->rows[k].about;
            if ((unsigned char)f->name[0] == letter && rank_in_letter(f->name) == index)
                return f;
        }
    return NULL;
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
