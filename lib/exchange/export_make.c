/* GNU make, 4.3 or newer: rules with several targets are "a b &:". */
#include "exchange/export.h"

/* Make gives no way to write others in a name, or takes them for patterns. */
static bool stands_in_rules(char c)
{
    return (unsigned char)c > ' ' && c != 127 && !strchr(":;=|&%*?[]~\\\"'`<>()", c);
}

static int put_path(struct exporting *x, const struct step *s, struct text path)
{
    char quoted[QUOTE_MAX];
    for (size_t i = 0; i < path.len; i++) {
        char c = path.at[i];
        if (!stands_in_rules(c))
            return export_error(x, s, "make has no way to name the file %s",
                                quote(quoted, path.at, path.len));
        if (c == '$')
            buf_putc(x->out, '$');
        else if (c == '#')
            buf_putc(x->out, '\\');
        buf_putc(x->out, c);
    }
    return 0;
}

static int put_paths(struct exporting *x, const struct step *s, const uint32_t *paths,
                     uint32_t count)
{
    int status = 0;
    for (uint32_t k = 0; k < count && status == 0; k++) {
        buf_puts(x->out, k ? " " : "");
        status = put_path(x, s, x->p->paths[paths[k]]);
    }
    return status;
}

/* Of a step without outputs the phony name, else its outputs. */
static int put_targets(struct exporting *x, char **phony, uint32_t step)
{
    const struct step *s = &x->p->steps[step];
    if (s->out_count)
        return put_paths(x, s, s->out, s->out_count);
    buf_puts(x->out, phony[step]);
    return 0;
}

/* Steps that this one waits for in that way. */
static int put_waits(struct exporting *x, char **phony, const struct step *s, enum export_wait way,
                     const char *before)
{
    int status = 0;
    for (uint32_t k = 0; k < s->wait_count && status == 0; k++) {
        if (export_wait_of(x->p, s, s->waits_for[k]) != way)
            continue;
        buf_format(x->out, "%s ", before);
        before = "";
        status = put_targets(x, phony, s->waits_for[k]);
    }
    return status;
}

/* A line of a recipe: make's dollars are doubled. */
static void put_line(struct exporting *x, const char *prefix, struct buf *line)
{
    if (line->len == 0)
        return;
    buf_format(x->out, "\t%s", prefix);
    for (size_t i = 0; i < line->len; i++) {
        if (line->at[i] == '$')
            buf_putc(x->out, '$');
        buf_putc(x->out, line->at[i]);
    }
    buf_putc(x->out, '\n');
    line->len = 0;
}

static void put_recipe(struct exporting *x, const struct step *s)
{
    struct buf line = {0};
    unsigned parts = SHELL_ONE_LINE | SHELL_ENVIRONMENT | SHELL_TIMEOUT;
    if (s->entry->attempts > 1) {
        shell_put_step(&line, x->p, s, SHELL_ONE_LINE | SHELL_ALL);
        put_line(x, "", &line);
    } else {
        shell_put_folders(&line, x->p, s);
        put_line(x, "@", &line);
        shell_put_clear(&line, x->p, s);
        put_line(x, "@", &line);
        shell_put_command(&line, s, parts);
        put_line(x, s->entry->kind == STEP_FAIL ? "@" : "", &line);
        shell_put_check(&line, x->p, s);
        put_line(x, "@", &line);
    }
    buf_release(&line);
}

static int put_rule(struct exporting *x, char **phony, uint32_t step)
{
    const struct step *s = &x->p->steps[step];
    buf_format(x->out, "\n# %s\n", x->names[step]);
    int status = put_targets(x, phony, step);
    buf_puts(x->out, s->out_count > 1 ? " &:" : ":");
    for (uint32_t k = 0; k < s->in_count && status == 0; k++)
        if (!x->p->moving[s->in[k]]) { /* else what makes it is there instead */
            buf_putc(x->out, ' ');
            status = put_path(x, s, x->p->paths[s->in[k]]);
        }
    if (status == 0)
        status = put_waits(x, phony, s, WAIT_BY_FOLDER, "");
    if (status == 0)
        status = put_waits(x, phony, s, WAIT_IN_ORDER, " |");
    buf_putc(x->out, '\n');
    put_recipe(x, s);
    return status;
}

static int put(struct exporting *x)
{
    const struct pipeline *p = x->p;
    char **phony = arena_zero(&x->arena, (p->step_count + 1) * sizeof *phony);
    const char *all = export_new_name(x, "all");
    int status = 0;
    for (uint32_t i = 0; i < p->step_count; i++)
        if (p->steps[i].out_count == 0)
            phony[i] = export_beside_paths(x, x->names[i]);
    buf_format(x->out, "# %s: run it in the folder of the definition\n", p->name);
    buf_format(x->out, "SHELL := /bin/sh\n.SUFFIXES:\n.DELETE_ON_ERROR:\n.PHONY: %s", all);
    for (uint32_t i = 0; i < p->step_count; i++)
        if (phony[i] && !x->skipped[i])
            buf_format(x->out, " %s", phony[i]);
    buf_format(x->out, "\n\n%s:", all);
    for (uint32_t i = 0; i < p->step_count && status == 0; i++) {
        if (x->skipped[i])
            continue;
        buf_putc(x->out, ' ');
        status = put_targets(x, phony, i);
    }
    buf_putc(x->out, '\n');
    for (uint32_t i = 0; i < p->step_count && status == 0; i++)
        if (!x->skipped[i])
            status = put_rule(x, phony, i);
    return status;
}

const struct exporter export_make = {
    .about = {"make", "a Makefile for GNU make 4.3 or newer"},
    .put = put,
};
