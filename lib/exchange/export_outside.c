/* Steps that ask somebody outside, in the words of formats that have some. */
#include "exchange/export.h"

void export_put_may(struct buf *b, const struct step *s)
{
    for (const char **at = s->entry->may; at && *at; at++)
        buf_format(b, "%s%s", at == s->entry->may ? "" : ",", *at);
}

json_t *export_question(const struct exporting *x, uint32_t step)
{
    const struct step *s = &x->p->steps[step];
    struct buf by = {0};
    json_t *out = json_pack("{s:s}", "step", x->names[step]);
    if (s->entry->kind == STEP_APPROVE)
        json_object_set_new(out, "wants", json_text("approval"));
    export_put_may(&by, s);
    if (by.len)
        json_object_set_new(out, "by", json_text(buf_text(&by)));
    buf_release(&by);
    return out;
}
