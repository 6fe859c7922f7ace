/* ninja: one rule, whose command each build statement gives. Its variables are the parameters; each
 * is what stands between single quotes of sh. */
#include "exchange/rules.h"

static const char *unfit_for_ninja(const struct parameter *p)
{
    static const char *const own[] = {"build",   "rule",     "pool",    "default",
                                      "include", "subninja", "builddir"};
    for (size_t i = 0; i < COUNT_OF(own); i++)
        if (strcmp(p->name, own[i]) == 0)
            return "ninja has its own use of the name";
    if (!p->value.at)
        return "ninja has no variables to be given";
    for (size_t i = 0; i < p->value.len; i++)
        if ((unsigned char)p->value.at[i] < ' ' && p->value.at[i] != '\t')
            return "ninja has no line feeds and control characters in a value";
    return NULL;
}

static void put_ninja_parameter(struct exporting *x, uint32_t i)
{
    buf_format(x->out, "${%s}", x->p->parameters[i].name);
}

static int put_ninja_path(struct exporting *x, const struct step *s, struct text path)
{
    char quoted[QUOTE_MAX];
    struct text plain, rest = path;
    uint32_t i;
    while (export_next(&rest, &plain, &i)) {
        struct text value = i == PARAMETER_NONE ? (struct text){"", 0} : x->p->parameters[i].value;
        bool good = !memchr(value.at, '\'', value.len) && !memchr(value.at, '|', value.len);
        for (size_t k = 0; k < plain.len && good; k++) {
            char c = plain.at[k];
            good = (unsigned char)c >= ' ' && c != 127 && c != '|';
            if (c == '$' || c == ' ' || c == ':')
                buf_putc(x->out, '$');
            buf_putc(x->out, c);
        }
        if (!good)
            return export_error(x, s, "ninja has no way to name the file %s",
                                quote(quoted, path.at, path.len));
        if (i != PARAMETER_NONE)
            put_ninja_parameter(x, i);
    }
    return 0;
}

/* Blanks in front would be none of the value. */
static void put_parameters(struct exporting *x)
{
    if (export_any_kept(x))
        buf_puts(x->out, "\n# Parameters: steps run again that go by one that is changed here.\n"
                         "# Each stands between single quotes of sh.\n");
    for (size_t i = 0; i < x->p->parameter_count; i++) {
        struct buf value = {0};
        if (!x->kept[i])
            continue;
        shell_put_in_quotes(&value, x->p->parameters[i].value);
        buf_format(x->out, "%s = %s", x->p->parameters[i].name,
                   value.len && value.at[0] == ' ' ? "$" : "");
        rules_put_text(x, (struct text){value.at, value.len}, put_ninja_parameter);
        buf_putc(x->out, '\n');
        buf_release(&value);
    }
}

static void put_command(struct exporting *x, uint32_t step)
{
    struct buf line = {0};
    bool asks = x->when[step].count > 0;
    buf_puts(&line, asks ? "if " : "");
    shell_put_conditions(&line, x, step);
    buf_puts(&line, asks ? "; then " : "");
    shell_put_step(&line, x->p, &x->p->steps[step], SHELL_ONE_LINE | SHELL_ALL);
    buf_puts(&line, asks ? "; fi" : "");
    buf_puts(x->out, "\n  command = ");
    rules_put_text(x, (struct text){line.at, line.len}, put_ninja_parameter);
    buf_release(&line);
    shell_warn_of_retries(x, &x->p->steps[step]);
}

static int put_build(const struct rules *r, uint32_t step, const char *always)
{
    struct exporting *x = r->x;
    const struct step *s = &x->p->steps[step];
    buf_puts(x->out, "\nbuild");
    int status = rules_put_targets(r, step, " ");
    buf_puts(x->out, ": step");
    if (status == 0)
        status = rules_put_inputs(r, s);
    size_t before = x->out->len;
    if (status == 0)
        status = rules_put_waits(r, s, WAIT_BY_FOLDER, " | ");
    if (!s->entry->cache)
        buf_format(x->out, "%s %s", x->out->len == before ? " |" : "", always);
    if (status == 0)
        status = rules_put_waits(r, s, WAIT_IN_ORDER, " || ");
    put_command(x, step);
    buf_format(x->out, "\n  description = %s\n", x->names[step]);
    return status;
}

/* A target that is never there. */
static const char *put_always(struct exporting *x)
{
    for (size_t i = 0; i < x->p->step_count; i++)
        if (!x->p->steps[i].entry->cache) {
            const char *name = export_new_name(x, "always");
            buf_format(x->out, "\nbuild %s: phony\n", name);
            return name;
        }
    return NULL;
}

static int put(struct exporting *x)
{
    const struct rules r = {x, export_phony_names(x), put_ninja_path};
    int status = 0;
    buf_format(x->out, "# %s: run it in the folder of the definition\n", x->p->name);
    put_parameters(x);
    buf_puts(x->out, "\nrule step\n  command = $command\n");
    const char *always = put_always(x);
    for (uint32_t i = 0; i < x->p->step_count && status == 0; i++)
        if (!x->skipped[i])
            status = put_build(&r, i, always);
    return status;
}

const struct exporter export_ninja = {
    .about = {"ninja", "a build.ninja"},
    .holds = HOLDS_ALWAYS,
    .unfit = unfit_for_ninja,
    .put = put,
};
