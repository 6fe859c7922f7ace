/* Any bytes as the state of a recipe, at any stage of its fit. One that loads must save, and that
 * must load to the same bytes. A part takes itself as another part, and settles or says why not. */
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

static void settle(const struct buf *part, const struct prep_context *context)
{
    struct recipe *r;
    struct error e = {0};
    struct buf settled = {0};
    if (recipe_load_stage(part->at, part->len, context, &r, &e))
        abort();
    int rc = recipe_add_part(r, part->at, part->len, &e);
    if (rc == 0)
        rc = recipe_settle(r, &e);
    if (rc == 0)
        rc = recipe_save(r, &settled, &e);
    if (rc && (e.code >= 0 || e.message[0] == '\0'))
        abort();
    recipe_free(r);
    buf_release(&settled);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct prep_context context = {.jobs = 1};
    struct recipe *r;
    struct error e = {0};
    if (recipe_load_stage((const char *)data, size, &context, &r, &e)) {
        if (e.code >= 0 || e.message[0] == '\0')
            abort();
        return 0;
    }
    struct buf first = {0}, second = {0};
    save(r, &first);
    if (recipe_load_stage(first.at, first.len, &context, &r, &e))
        abort();
    if (r->stage == STAGE_PART)
        settle(&first, &context);
    save(r, &second);
    if (first.len != second.len || memcmp(first.at, second.at, first.len) != 0)
        abort();
    buf_release(&first);
    buf_release(&second);
    return 0;
}
