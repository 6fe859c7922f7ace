/* Rules of make and of ninja: files, and steps without files, in lists. */
#include "exchange/rules.h"

static int put_paths(const struct rules *r, const struct step *s, const uint32_t *paths,
                     uint32_t count, const char *before)
{
    int status = 0;
    for (uint32_t k = 0; k < count && status == 0; k++) {
        buf_puts(r->x->out, k ? " " : before);
        status = r->put_path(r->x, s, r->x->p->paths[paths[k]]);
    }
    return status;
}

int rules_put_targets(const struct rules *r, uint32_t step, const char *before)
{
    const struct step *s = &r->x->p->steps[step];
    if (s->out_count)
        return put_paths(r, s, s->out, s->out_count, before);
    buf_format(r->x->out, "%s%s", before, r->phony[step]);
    return 0;
}

int rules_put_inputs(const struct rules *r, const struct step *s)
{
    int status = 0;
    for (uint32_t k = 0; k < s->in_count && status == 0; k++)
        if (!r->x->p->moving[s->in[k]]) /* else what makes it is there instead */
            status = put_paths(r, s, &s->in[k], 1, " ");
    return status;
}

int rules_put_waits(const struct rules *r, const struct step *s, enum export_wait way,
                    const char *before)
{
    int status = 0;
    for (uint32_t k = 0; k < s->wait_count && status == 0; k++) {
        if (export_wait_of(r->x->p, s, s->waits_for[k]) != way)
            continue;
        status = rules_put_targets(r, s->waits_for[k], before);
        before = " ";
    }
    return status;
}

void rules_put_text(struct exporting *x, struct text text,
                    void (*put_parameter)(struct exporting *x, uint32_t parameter))
{
    struct text plain;
    uint32_t parameter;
    while (export_next(&text, &plain, &parameter)) {
        for (size_t i = 0; i < plain.len; i++) {
            if (plain.at[i] == '$')
                buf_putc(x->out, '$');
            buf_putc(x->out, plain.at[i]);
        }
        if (parameter != PARAMETER_NONE)
            put_parameter(x, parameter);
    }
}
