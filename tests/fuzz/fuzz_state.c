/* Any bytes as the state of a recipe. One that loads must save, and that must load to the same
 * bytes. */
#include "prep/prep.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void save(struct recipe *r, struct buf *out)
{
    struct error e = {0};
    if (recipe_save(r, out, &e))
        abort();
    recipe_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct prep_context context = {.jobs = 1};
    struct recipe *r;
    struct error e = {0};
    if (recipe_load((const char *)data, size, &context, &r, &e)) {
        if (e.code >= 0 || e.message[0] == '\0')
            abort();
        return 0;
    }
    struct buf first = {0}, second = {0};
    save(r, &first);
    if (recipe_load(first.at, first.len, &context, &r, &e))
        abort();
    save(r, &second);
    if (first.len != second.len || memcmp(first.at, second.at, first.len) != 0)
        abort();
    buf_release(&first);
    buf_release(&second);
    return 0;
}
