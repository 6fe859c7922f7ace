/* The catalogue as manual pages: bodies of wrangle-steps(7) and wrangle-functions(7). */
#include "prep/catalog.h"
#include "prep/recipe.h"

enum { LINE_MAX_BYTES = 78 };

/* Nothing in s is taken for a request, an escape or the name of a function. */
static void put_escaped(struct buf *out, const char *s, size_t n)
{
    if (n > 0 && (s[0] == '.' || s[0] == '\''))
        buf_puts(out, "\\&");
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\\')
            buf_puts(out, "\\e");
        else if (s[i] == '(' && i + 1 < n && s[i + 1] == ')')
            buf_puts(out, "\\&(");
        else
            buf_putc(out, s[i]);
    }
    buf_puts(out, n > 0 && s[n - 1] == ' ' ? "\\&\n" : "\n");
}

/* Where a line of prose ends: behind a sentence, or before it grows too long. */
static size_t line_length(const char *text)
{
    size_t len = 0;
    for (;;) {
        size_t word = strcspn(text + len, " ");
        if (len > 0 && len + word > LINE_MAX_BYTES)
            return len - 1;
        len += word;
        bool sentence = len > 0 && text[len - 1] == '.';
        if (sentence || text[len] == '\0')
            return len;
        len++;
    }
}

static void put_prose(struct buf *out, const char *text)
{
    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        size_t len = line_length(text);
        put_escaped(out, text, len);
        text += len;
    }
}

static void put_literal(struct buf *out, const char *text)
{
    buf_puts(out, ".Bd -literal -offset indent -compact\n");
    while (*text) {
        size_t len = strcspn(text, "\n");
        put_escaped(out, text, len);
        text += len + (text[len] == '\n');
    }
    buf_puts(out, ".Ed\n");
}

/* "Summary." as a sentence of its own. */
static void put_summary(struct buf *out, const char *summary)
{
    struct buf line = {0};
    buf_puts(&line, summary);
    if (line.len > 0 && line.at[0] >= 'a' && line.at[0] <= 'z')
        line.at[0] = (char)(line.at[0] - 32);
    buf_putc(&line, '.');
    put_prose(out, buf_text(&line));
    buf_release(&line);
}

static void put_args(struct buf *out, const struct step_kind *k)
{
    if (!k->args || !k->args[0].name)
        return;
    buf_puts(out, ".Bl -tag -width Ds -compact\n");
    for (const struct arg *a = k->args; a->name; a++) {
        struct buf line = {0};
        buf_format(out, ".It Cm \\&%s\n", a->name);
        buf_puts(&line, a->help);
        catalog_arg_notes(&line, a, k);
        put_prose(out, buf_text(&line));
        buf_release(&line);
    }
    buf_puts(out, ".El\n");
}

static void put_methods(struct buf *out, const struct step_kind *k)
{
    if (!k->methods || !k->methods[0].name)
        return;
    buf_puts(out, ".Pp\nMethods:\n.Bl -tag -width Ds -compact\n");
    for (const struct method *m = k->methods; m->name; m++) {
        buf_format(out, ".It Cm \\&%s\n", m->name);
        put_prose(out, m->summary);
    }
    buf_puts(out, ".El\n");
}

static void put_example(struct buf *out, const struct example *x)
{
    buf_puts(out, ".Pp\nExample:\n");
    put_literal(out, x->program);
    if (x->file_name) {
        buf_format(out, "with the file %s\n", x->file_name);
        put_literal(out, x->file);
    }
    buf_puts(out, "makes of\n");
    put_literal(out, x->input);
    buf_puts(out, "this:\n");
    put_literal(out, x->output);
}

static void put_aliases(struct buf *out, const struct step_kind *k)
{
    struct alias alias;
    struct buf line = {0};
    for (const char *at = k->aliases; at && alias_next(&at, &alias);)
        buf_format(&line, "%s%.*s", line.len > 0 ? ", " : "Also called ", (int)alias.name.len,
                   alias.name.at);
    if (line.len > 0)
        buf_putc(&line, '.');
    put_prose(out, buf_text(&line));
    buf_release(&line);
}

static void put_step(struct buf *out, const struct step_kind *k)
{
    struct buf usage = {0};
    catalog_usage(&usage, k);
    buf_format(out, ".It Ic \\&%s\n", k->name);
    put_summary(out, k->summary);
    buf_format(out, "Class %s: %s.\n", k->class, catalog_class_text(k->class));
    put_aliases(out, k);
    put_literal(out, buf_text(&usage));
    buf_release(&usage);
    put_args(out, k);
    put_methods(out, k);
    if (k->details) {
        buf_puts(out, ".Pp\n");
        put_prose(out, k->details);
    }
    if (k->example.program)
        put_example(out, &k->example);
}

void catalog_mdoc_steps(struct buf *out)
{
    struct catalog c = catalog_sorted();
    for (size_t i = 0; i < c.len; i++) {
        bool first = i == 0 || c.at[i].family != c.at[i - 1].family;
        bool last = i + 1 == c.len || c.at[i].family != c.at[i + 1].family;
        if (first)
            buf_format(out, ".Ss Steps: %s\n.Bl -tag -width Ds\n", c.at[i].kind->family);
        put_step(out, c.at[i].kind);
        if (last)
            buf_puts(out, ".El\n");
    }
    catalog_release(&c);
}

static void put_function(struct buf *out, const struct function *f)
{
    buf_format(out, ".It Ic \\&%s\n", f->name);
    put_summary(out, f->summary);
    put_literal(out, f->signature);
    if (!f->example)
        return;
    struct buf line = {0};
    buf_format(&line, "%s   gives   %s", f->example, f->result ? f->result : "");
    put_literal(out, buf_text(&line));
    buf_release(&line);
}

void catalog_mdoc_functions(struct buf *out)
{
    const struct function **all = catalog_functions();
    for (size_t start = 0; start < function_count(); start++) {
        if (!catalog_begins_family(all, start))
            continue;
        buf_format(out, ".Ss Functions: %s\n.Bl -tag -width Ds\n", all[start]->family);
        for (size_t i = start; i < function_count(); i++)
            if (strcmp(all[i]->family, all[start]->family) == 0)
                put_function(out, all[i]);
        buf_puts(out, ".El\n");
    }
    mem_free(all);
}
