/* JSON whose numbers are as short as they can be. */
#include "exchange/export.h"

#include <stdlib.h>

json_t *json_text(const char *text)
{
    return json_string(text);
}

static bool reads_back(double f, int digits)
{
    double back = 0;
    int64_t i;
    char *text = mem_format("%.*g", digits, f);
    bool same = number_parse(text, strlen(text), &i, &back) != NUMBER_NONE && back == f;
    mem_free(text);
    return same;
}

/* Raises *digits to what all numbers of the tree need to read back as they are. */
static void need_digits(json_t *tree, int *digits)
{
    while (json_is_real(tree) && *digits < 17 && !reads_back(json_real_value(tree), *digits))
        ++*digits;
    for (size_t i = 0; i < json_array_size(tree); i++)
        need_digits(json_array_get(tree, i), digits);
    for (void *at = json_object_iter(tree); at; at = json_object_iter_next(tree, at))
        need_digits(json_object_iter_value(at), digits);
}

void export_put_json(struct exporting *x, json_t *tree)
{
    int digits = 15;
    need_digits(tree, &digits);
    char *text = json_dumps(tree, JSON_INDENT(2) | JSON_REAL_PRECISION((size_t)digits));
    buf_puts(x->out, text);
    buf_putc(x->out, '\n');
    free(text);
    json_decref(tree);
}
