/* GNU make, 4.3 or newer: rules with several targets are "a b &:". Its variables are the
 * parameters; names of ours have a dot, which those have not. */
#include "exchange/rules.h"

/* ---- names of files ---- */

/* Make gives no way to write others in a name, or takes them for patterns. */
static bool stands_in_rules(char c)
{
    return (unsigned char)c > ' ' && c != 127 && !strchr(":;=|&%*?[]~\\\"'`<>()", c);
}

static int put_plain_path(struct exporting *x, const struct step *s, struct text part, bool escaped)
{
    char quoted[QUOTE_MAX];
    for (size_t i = 0; i < part.len; i++) {
        char c = part.at[i];
        if (!stands_in_rules(c))
            return export_error(x, s, "make has no way to name the file %s",
                                quote(quoted, part.at, part.len));
        if (!escaped)
            continue;
        if (c == '$')
            buf_putc(x->out, '$');
        else if (c == '#')
            buf_putc(x->out, '\\');
        buf_putc(x->out, c);
    }
    return 0;
}

static int put_make_path(struct exporting *x, const struct step *s, struct text path)
{
    struct text plain;
    uint32_t i;
    int status = 0;
    bool whole = !export_has_mark(path);
    if (whole)
        return put_plain_path(x, s, path, true);
    while (status == 0 && export_next(&path, &plain, &i)) {
        status = put_plain_path(x, s, plain, true);
        if (status == 0 && i != PARAMETER_NONE) {
            struct text value = x->p->parameters[i].value;
            status = value.at ? put_plain_path(x, s, value, false) : 0;
            buf_format(x->out, "$(value %s)", x->p->parameters[i].name);
        }
    }
    return status;
}

/* ---- parameters ---- */

static bool is_name_of_make(const char *name)
{
    static const char *const own[] = {
        "SHELL",    "MAKE",         "MAKEFLAGS",     "MAKEFILES", "MAKELEVEL", "MAKECMDGOALS",
        "MFLAGS",   "GNUMAKEFLAGS", "MAKEOVERRIDES", "CURDIR",    "VPATH",     "SUFFIXES",
        "PATH",     "HOME",         "define",        "endef",     "undefine",  "ifdef",
        "ifndef",   "ifeq",         "ifneq",         "else",      "endif",     "include",
        "sinclude", "override",     "export",        "unexport",  "private",   "vpath",
        "load",
    };
    for (size_t i = 0; i < COUNT_OF(own); i++)
        if (strcmp(name, own[i]) == 0)
            return true;
    return false;
}

/* Lines between define and endef that would be something else. */
static bool is_line_of_make(struct text v)
{
    while (v.len && (v.at[0] == ' ' || v.at[0] == '\t'))
        v = (struct text){v.at + 1, v.len - 1};
    return (v.len >= 5 && memcmp(v.at, "endef", 5) == 0) ||
           (v.len >= 6 && memcmp(v.at, "define", 6) == 0) || (v.len && v.at[v.len - 1] == '\\');
}

static const char *unfit_for_make(const struct parameter *p)
{
    if (is_name_of_make(p->name))
        return "make has its own use of the name";
    if (p->name[0] == '-')
        return "make takes the name for an option";
    for (size_t i = 0; i < p->value.len; i++)
        if ((unsigned char)p->value.at[i] < ' ' && p->value.at[i] != '\t')
            return "make has no line feeds and control characters in a value";
    return is_line_of_make(p->value) ? "make would take its value for something else" : NULL;
}

static bool is_plain_value(struct text value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && !strchr("_-./+,:@", c))
            return false;
    }
    return true;
}

static void put_value(struct exporting *x, const struct parameter *p)
{
    if (!p->value.at)
        buf_format(x->out,
                   "ifeq ($(origin %s),undefined)\n"
                   "$(error parameter %s has no default: make %s=VALUE)\nendif\n",
                   p->name, p->name, p->name);
    else if (is_plain_value(p->value))
        buf_format(x->out, "%s = %s\n", p->name, p->value.at);
    else
        buf_format(x->out, "define %s =\n%s\nendef\n", p->name, p->value.at);
}

/* In single quotes of sh. */
static void put_make_parameter(struct exporting *x, uint32_t i)
{
    buf_format(x->out, "$(call in.quotes,%s)", x->p->parameters[i].name);
}

/* Make goes by times of files: a file of each parameter is new when its value is. */
static void put_parameters(struct exporting *x)
{
    const struct pipeline *p = x->p;
    buf_puts(x->out, "\n# Parameters: make NAME=VALUE gives another value. What they were is kept "
                     "in .parameters,\n# so that steps run again that go by one that is "
                     "another now.\n");
    for (size_t i = 0; i < p->parameter_count; i++)
        if (x->kept[i])
            put_value(x, &p->parameters[i]);
    buf_puts(x->out, "in.quotes = $(subst ','\\'',$(value $1))\n"
                     "note.value = $(shell mkdir -p .parameters; printf '%s\\n' '$(call "
                     "in.quotes,$1)' >.parameters/$1.new; \\\n"
                     "    cmp -s .parameters/$1.new .parameters/$1 || cp .parameters/$1.new "
                     ".parameters/$1; rm -f .parameters/$1.new)\n"
                     "noted.values := $(foreach name.of,");
    for (size_t i = 0; i < p->parameter_count; i++)
        if (x->kept[i])
            buf_format(x->out, " %s", p->parameters[i].name);
    buf_puts(x->out, ",$(call note.value,$(name.of)))\nunexport");
    for (size_t i = 0; i < p->parameter_count; i++)
        if (x->kept[i])
            buf_format(x->out, " %s", p->parameters[i].name);
    buf_puts(x->out, " # commands have no variables of the command line\n");
}

static void put_conditions(struct exporting *x)
{
    for (size_t i = 0; i < x->conditions.len; i++) {
        buf_format(x->out, "\n# when of %s\ndefine when.%zu =\n", x->conditions.at[i].step->name,
                   i + 1);
        rules_put_text(x, text_of(x->conditions.at[i].shell), put_make_parameter);
        buf_format(x->out, "\nendef\nholds.%zu := $(shell $(when.%zu) && echo yes)\n", i + 1,
                   i + 1);
    }
}

/* ---- rules ---- */

/* A line of a recipe. */
static void put_line(struct exporting *x, const char *prefix, struct buf *line)
{
    if (line->len == 0)
        return;
    buf_format(x->out, "\t%s", prefix);
    rules_put_text(x, (struct text){line->at, line->len}, put_make_parameter);
    buf_putc(x->out, '\n');
    line->len = 0;
}

static void put_recipe(struct exporting *x, const struct step *s)
{
    struct buf line = {0};
    unsigned parts = SHELL_ONE_LINE | SHELL_ENVIRONMENT | SHELL_TIMEOUT;
    if (shell_tries_again(s->entry)) {
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
    shell_warn_of_retries(x, s);
}

/* Of the parameters in its texts. */
static void put_uses(struct exporting *x, const struct step *s)
{
    struct text rest = text_of(s->entry->directory ? s->entry->directory : ""), plain;
    uint32_t i;
    for (uint32_t k = 0; k < s->use_count; k++)
        if (x->kept[s->uses[k]])
            buf_format(x->out, " .parameters/%s", x->p->parameters[s->uses[k]].name);
    while (export_next(&rest, &plain, &i))
        if (i != PARAMETER_NONE)
            buf_format(x->out, " .parameters/%s", x->p->parameters[i].name);
}

static int put_prerequisites(const struct rules *r, const struct step *s, const char *always)
{
    struct exporting *x = r->x;
    int status = rules_put_inputs(r, s);
    if (status == 0)
        status = rules_put_waits(r, s, WAIT_BY_FOLDER, " ");
    put_uses(x, s);
    buf_puts(x->out, !s->entry->cache && s->out_count ? " " : "");
    buf_puts(x->out, !s->entry->cache && s->out_count ? always : "");
    return status ? status : rules_put_waits(r, s, WAIT_IN_ORDER, " | ");
}

static int put_rule(const struct rules *r, uint32_t step, const char *always)
{
    const struct step *s = &r->x->p->steps[step];
    int status = rules_put_targets(r, step, "");
    buf_puts(r->x->out, s->out_count > 1 ? " &:" : ":");
    if (status == 0)
        status = put_prerequisites(r, s, always);
    buf_putc(r->x->out, '\n');
    put_recipe(r->x, s);
    return status;
}

/* A step with conditions has its own line of what all is. */
static int put_step(const struct rules *r, uint32_t step, const char *all, const char *always)
{
    struct exporting *x = r->x;
    const struct export_when *w = &x->when[step];
    int status = 0;
    buf_format(x->out, "\n# %s\n", x->names[step]);
    if (w->count) {
        buf_puts(x->out, w->count > 1 ? "ifneq ($(and " : "ifneq (");
        for (uint32_t i = 0; i < w->count; i++)
            buf_format(x->out, "%s$(holds.%u)", i ? "," : "", (unsigned)w->at[i] + 1);
        buf_format(x->out, "%s,)\n%s:", w->count > 1 ? ")" : "", all);
        status = rules_put_targets(r, step, " ");
        buf_putc(x->out, '\n');
    }
    if (status == 0)
        status = put_rule(r, step, always);
    buf_puts(x->out, w->count ? "endif\n" : "");
    return status;
}

static int put_all(const struct rules *r, const char *all)
{
    int status = 0;
    buf_format(r->x->out, "\n%s:", all);
    for (uint32_t i = 0; i < r->x->p->step_count && status == 0; i++)
        if (!r->x->skipped[i] && r->x->when[i].count == 0)
            status = rules_put_targets(r, i, " ");
    buf_putc(r->x->out, '\n');
    return status;
}

static int put(struct exporting *x)
{
    const struct pipeline *p = x->p;
    const struct rules r = {x, export_phony_names(x), put_make_path};
    const char *all = export_new_name(x, "all"), *always = export_new_name(x, "always");
    buf_format(x->out, "# %s: run it in the folder of the definition\n", p->name);
    buf_format(x->out, "SHELL := /bin/sh\n.SUFFIXES:\n.DELETE_ON_ERROR:\n.PHONY: %s %s", all,
               always);
    for (uint32_t i = 0; i < p->step_count; i++)
        if (r.phony[i] && !x->skipped[i])
            buf_format(x->out, " %s", r.phony[i]);
    buf_putc(x->out, '\n');
    if (export_any_kept(x))
        put_parameters(x);
    put_conditions(x);
    int status = put_all(&r, all);
    for (uint32_t i = 0; i < p->step_count && status == 0; i++)
        if (!x->skipped[i])
            status = put_step(&r, i, all, always);
    return status;
}

const struct exporter export_make = {
    .about = {"make", "a Makefile for GNU make 4.3 or newer"},
    .holds = HOLDS_ALWAYS,
    .unfit = unfit_for_make,
    .put = put,
};
