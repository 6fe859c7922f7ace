/* ninja: one rule, whose command each build statement gives. */
#include "exchange/export.h"

static int put_path(struct exporting *x, const struct step *s, struct text path)
{
    char quoted[QUOTE_MAX];
    for (size_t i = 0; i < path.len; i++) {
        char c = path.at[i];
        if ((unsigned char)c < ' ' || c == 127 || c == '|')
            return export_error(x, s, "ninja has no way to name the file %s",
                                quote(quoted, path.at, path.len));
        if (c == '$' || c == ' ' || c == ':')
            buf_putc(x->out, '$');
        buf_putc(x->out, c);
    }
    return 0;
}

static int put_paths(struct exporting *x, const struct step *s, const uint32_t *paths,
                     uint32_t count)
{
    int status = 0;
    for (uint32_t k = 0; k < count && status == 0; k++) {
        buf_putc(x->out, ' ');
        status = put_path(x, s, x->p->paths[paths[k]]);
    }
    return status;
}

/* A step without outputs has a target that is never there. */
static int put_targets(struct exporting *x, char **phony, uint32_t step)
{
    const struct step *s = &x->p->steps[step];
    if (s->out_count)
        return put_paths(x, s, s->out, s->out_count);
    buf_format(x->out, " %s", phony[step]);
    return 0;
}

static int put_waits(struct exporting *x, char **phony, const struct step *s, enum export_wait way,
                     const char *bar)
{
    int status = 0;
    for (uint32_t k = 0; k < s->wait_count && status == 0; k++) {
        if (export_wait_of(x->p, s, s->waits_for[k]) != way)
            continue;
        buf_puts(x->out, bar);
        bar = "";
        status = put_targets(x, phony, s->waits_for[k]);
    }
    return status;
}

static void put_command(struct exporting *x, const struct step *s)
{
    struct buf line = {0};
    shell_put_step(&line, x->p, s, SHELL_ONE_LINE | SHELL_ALL);
    buf_puts(x->out, "\n  command = ");
    for (size_t i = 0; i < line.len; i++) {
        if (line.at[i] == '$')
            buf_putc(x->out, '$');
        buf_putc(x->out, line.at[i]);
    }
    buf_release(&line);
}

static int put_build(struct exporting *x, char **phony, uint32_t step)
{
    const struct pipeline *p = x->p;
    const struct step *s = &p->steps[step];
    buf_puts(x->out, "\nbuild");
    int status = put_targets(x, phony, step);
    buf_puts(x->out, ": step");
    for (uint32_t k = 0; k < s->in_count && status == 0; k++)
        if (!p->moving[s->in[k]])
            status = put_paths(x, s, &s->in[k], 1);
    if (status == 0)
        status = put_waits(x, phony, s, WAIT_BY_FOLDER, " |");
    if (status == 0)
        status = put_waits(x, phony, s, WAIT_IN_ORDER, " ||");
    put_command(x, s);
    buf_format(x->out, "\n  description = %s\n", x->names[step]);
    return status;
}

static int put(struct exporting *x)
{
    const struct pipeline *p = x->p;
    char **phony = arena_zero(&x->arena, (p->step_count + 1) * sizeof *phony);
    int status = 0;
    for (uint32_t i = 0; i < p->step_count; i++)
        if (p->steps[i].out_count == 0)
            phony[i] = export_beside_paths(x, x->names[i]);
    buf_format(x->out, "# %s: run it in the folder of the definition\n", p->name);
    buf_puts(x->out, "rule step\n  command = $command\n");
    for (uint32_t i = 0; i < p->step_count && status == 0; i++)
        if (!x->skipped[i])
            status = put_build(x, phony, i);
    return status;
}

const struct exporter export_ninja = {
    .about = {"ninja", "a build.ninja"},
    .put = put,
};
