/* What `wrangle list` and `wrangle help` print. */
#include "prep/catalog.h"

#include "prep/recipe.h"

static size_t family_index(const struct catalog *c, const char *family)
{
    for (size_t i = 0; i < c->len; i++)
        if (strcmp(c->at[i].kind->family, family) == 0)
            return c->at[i].family;
    return c->len;
}

static int by_family_and_name(const void *a, const void *b)
{
    const struct catalog_entry *x = a, *y = b;
    if (x->family != y->family)
        return x->family < y->family ? -1 : 1;
    return strcmp(x->kind->name, y->kind->name);
}

struct catalog catalog_sorted(void)
{
    size_t count = step_kind_count();
    struct catalog c = {.at = mem_array(NULL, count + 1, sizeof *c.at)};
    while (c.len < count) {
        const struct step_kind *kind = step_kind_at(c.len);
        c.at[c.len] = (struct catalog_entry){family_index(&c, kind->family), kind};
        c.len++;
    }
    qsort(c.at, c.len, sizeof *c.at, by_family_and_name);
    return c;
}

void catalog_release(struct catalog *c)
{
    mem_free(c->at);
}

const struct function **catalog_functions(void)
{
    const struct function **at = mem_array(NULL, function_count(), sizeof *at);
    functions_by_name(at);
    return at;
}

bool catalog_begins_family(const struct function *const *functions, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(functions[k]->family, functions[i]->family) == 0)
            return false;
    return true;
}

static size_t method_count(const struct step_kind *kind)
{
    size_t count = 0;
    while (kind->methods && kind->methods[count].name)
        count++;
    return count;
}

struct catalog_count catalog_count(void)
{
    struct catalog_count c = {.steps = step_kind_count(), .functions = function_count()};
    for (size_t i = 0; i < c.steps; i++)
        c.methods += method_count(step_kind_at(i));
    return c;
}

/* One line of the list: what is empty or NULL is left out. */
struct entry {
    const char *name, *kind, *step, *family, *class, *description, *example;
};

static void put_member(struct buf *out, const char *key, const char *value)
{
    if (!value)
        return;
    buf_puts(out, out->at[out->len - 1] == '{' ? "" : ",");
    json_put_string(out, key, strlen(key));
    buf_putc(out, ':');
    json_put_string(out, value, strlen(value));
}

static void put_entry(struct buf *out, const struct entry *e, bool jsonl)
{
    if (!jsonl) {
        const char *indent = e->step ? "    " : "  ";
        buf_format(out, "%s%-*s %-2s  %s\n", indent, e->step ? 22 : 24, e->name,
                   e->class ? e->class : "", e->description);
        return;
    }
    buf_putc(out, '{');
    put_member(out, "name", e->name);
    put_member(out, "kind", e->kind);
    put_member(out, "step", e->step);
    put_member(out, "family", e->family);
    put_member(out, "class", e->class);
    put_member(out, "description", e->description);
    put_member(out, "example", e->example);
    buf_puts(out, "}\n");
}

static void put_heading(struct buf *out, const char *what, const char *family, bool jsonl)
{
    if (!jsonl)
        buf_format(out, "%s%s: %s\n", out->len > 0 ? "\n" : "", what, family);
}

static void list_step(struct buf *out, const struct step_kind *k, bool jsonl)
{
    struct entry step = {k->name,           "step", NULL, k->family, k->class, k->summary,
                         k->example.program};
    put_entry(out, &step, jsonl);
    for (size_t i = 0; i < method_count(k); i++) {
        const struct method *m = &k->methods[i];
        struct entry method = {m->name,  "method",   k->name,           k->family,
                               m->class, m->summary, m->example.program};
        put_entry(out, &method, jsonl);
    }
}

static void list_steps(struct buf *out, const char *family, bool jsonl)
{
    struct catalog c = catalog_sorted();
    for (size_t i = 0; i < c.len; i++) {
        const struct step_kind *k = c.at[i].kind;
        if (family && strcmp(family, k->family) != 0)
            continue;
        if (i == 0 || c.at[i].family != c.at[i - 1].family)
            put_heading(out, "steps", k->family, jsonl);
        list_step(out, k, jsonl);
    }
    catalog_release(&c);
}

static void list_functions(struct buf *out, const char *family, bool jsonl)
{
    const struct function **all = catalog_functions();
    for (size_t start = 0; start < function_count(); start++) {
        const char *own = all[start]->family;
        if ((family && strcmp(family, own) != 0) || !catalog_begins_family(all, start))
            continue;
        put_heading(out, "functions", own, jsonl);
        for (size_t i = start; i < function_count(); i++) {
            const struct function *f = all[i];
            struct entry e = {f->name, "function", NULL, f->family, NULL, f->summary, f->example};
            if (strcmp(f->family, own) == 0)
                put_entry(out, &e, jsonl);
        }
    }
    mem_free(all);
}

void catalog_list(struct buf *out, const char *family, bool jsonl)
{
    list_steps(out, family, jsonl);
    list_functions(out, family, jsonl);
}

const char *catalog_class_text(const char *class)
{
    static const struct {
        const char *class, *text;
    } classes[] = {
        {"S", "streams, each row alone"},
        {"W", "streams, with a bounded window or a table in memory"},
        {"F", "learns in one pass; what shards learnt can be merged"},
        {"F2", "learns from all the data, or in several passes"},
        {"B", "gathers all rows before the first one leaves"},
    };
    for (size_t i = 0; i < COUNT_OF(classes); i++)
        if (strcmp(classes[i].class, class) == 0)
            return classes[i].text;
    return class;
}

static void put_upper(struct buf *out, const char *s)
{
    for (; *s; s++)
        buf_putc(out, *s >= 'a' && *s <= 'z' ? (char)(*s - 32) : *s);
}

static const char *metavar(enum arg_kind kind)
{
    switch (kind) {
    case ARG_COLUMNS:
        return "COLUMNS";
    case ARG_COLUMN:
        return "COLUMN";
    case ARG_NAME:
        return "NAME";
    case ARG_NUMBER:
        return "NUMBER";
    case ARG_INT:
        return "INT";
    case ARG_CHOICE:
    case ARG_METHOD:
        return "WORD";
    case ARG_LIST:
        return "LIST";
    case ARG_DURATION:
        return "DURATION";
    case ARG_FILE:
        return "FILE";
    case ARG_EXPR:
        return "EXPR";
    case ARG_PAIRS:
    case ARG_TEXT:
    case ARG_BOOL:
    case ARG_REST:
        break;
    }
    return "TEXT";
}

static void put_arg_form(struct buf *out, const struct arg *a)
{
    if (a->kind == ARG_PAIRS)
        buf_puts(out, "NAME=VALUE ...");
    else if (a->positional)
        put_upper(out, a->name);
    else if (a->kind == ARG_BOOL)
        buf_puts(out, a->name);
    else
        buf_format(out, "%s=%s", a->name, metavar(a->kind));
}

void catalog_usage(struct buf *out, const struct step_kind *kind)
{
    buf_puts(out, kind->name);
    for (const struct arg *a = kind->args; a && a->name; a++) {
        buf_puts(out, a->required ? " " : " [");
        put_arg_form(out, a);
        buf_puts(out, a->required ? "" : "]");
    }
}

static void put_range(struct buf *out, const struct arg *a)
{
    char low[NUMBER_MAX], high[NUMBER_MAX];
    bool numeric = a->kind == ARG_NUMBER || a->kind == ARG_INT;
    if (!numeric || a->min >= a->max)
        return;
    size_t low_len = number_print(low, a->min), high_len = number_print(high, a->max);
    if (a->max > 1e15)
        buf_format(out, "; at least %.*s", (int)low_len, low);
    else
        buf_format(out, "; from %.*s to %.*s", (int)low_len, low, (int)high_len, high);
}

void catalog_arg_notes(struct buf *out, const struct arg *a, const struct step_kind *kind)
{
    bool choice = a->kind == ARG_CHOICE || a->kind == ARG_METHOD;
    struct text word = choice ? arg_choice_at(a, kind, 0) : (struct text){"", 0};
    if (word.len > 0)
        buf_puts(out, ":");
    for (size_t i = 0; word.len > 0; word = arg_choice_at(a, kind, ++i))
        buf_format(out, " %.*s", (int)word.len, word.at);
    put_range(out, a);
    if (a->fallback && a->kind != ARG_BOOL) {
        bool blank = a->fallback[0] == '\0' || strchr(" \t", a->fallback[0]);
        buf_format(out, blank ? " (default: \"%s\")" : " (default: %s)", a->fallback);
    }
    if (a->required)
        buf_puts(out, " (required)");
}

static void put_indented(struct buf *out, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        buf_format(out, "    %.*s\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

/* Lines of at most 78 bytes, broken at blanks. */
static void put_wrapped(struct buf *out, const char *text)
{
    size_t column = 0;
    while (*text) {
        size_t len = strcspn(text, " ");
        if (column > 0 && column + 1 + len > 78) {
            buf_putc(out, '\n');
            column = 0;
        }
        buf_format(out, "%s%.*s", column > 0 ? " " : "", (int)len, text);
        column += len + (column > 0);
        text += len + strspn(text + len, " ");
    }
    buf_putc(out, '\n');
}

/* In single quotes, as it can be pasted into a shell. */
static void put_shell_word(struct buf *out, const char *text)
{
    buf_putc(out, '\'');
    for (const char *p = text; *p; p++) {
        if (*p == '\'')
            buf_puts(out, "'\\''");
        else
            buf_putc(out, *p);
    }
    buf_putc(out, '\'');
}

static void put_example(struct buf *out, const struct example *x)
{
    buf_puts(out, "\nexample: wrangle ");
    put_shell_word(out, x->program);
    buf_putc(out, '\n');
    if (x->file_name) {
        buf_format(out, "  %s:\n", x->file_name);
        put_indented(out, x->file);
    }
    buf_puts(out, "  input:\n");
    put_indented(out, x->input);
    buf_puts(out, "  output:\n");
    put_indented(out, x->output);
}

static void put_aliases(struct buf *out, const struct step_kind *kind)
{
    struct alias alias;
    bool any = false;
    for (const char *at = kind->aliases; at && alias_next(&at, &alias); any = true) {
        buf_format(out, "%s %.*s", any ? "," : "also called:", (int)alias.name.len, alias.name.at);
        for (size_t i = 0; i < alias.presets.len; i++)
            buf_putc(out, alias.presets.at[i] == ':' ? ' ' : alias.presets.at[i]);
    }
    if (any)
        buf_putc(out, '\n');
}

static void help_step(struct buf *out, const struct step_kind *k)
{
    buf_format(out, "%s: %s\n", k->name, k->summary);
    buf_format(out, "family %s; class %s: %s\n", k->family, k->class, catalog_class_text(k->class));
    put_aliases(out, k);
    buf_puts(out, "\nusage: ");
    catalog_usage(out, k);
    buf_putc(out, '\n');
    for (const struct arg *a = k->args; a && a->name; a++) {
        buf_format(out, "  %-14s %s", a->name, a->help);
        catalog_arg_notes(out, a, k);
        buf_putc(out, '\n');
    }
    for (size_t i = 0; i < method_count(k); i++)
        buf_format(out, "%s  %-14s %s (class %s)\n", i == 0 ? "\nmethods:\n" : "",
                   k->methods[i].name, k->methods[i].summary, k->methods[i].class);
    if (k->details) {
        buf_putc(out, '\n');
        put_wrapped(out, k->details);
    }
    if (k->example.program)
        put_example(out, &k->example);
}

static void help_function(struct buf *out, const struct function *f)
{
    buf_format(out, "%s: %s\n", f->name, f->summary);
    buf_format(out, "function of family %s\n\nusage: %s\n", f->family, f->signature);
    if (f->example)
        buf_format(out, "\nexample: %s\n  gives %s\n", f->example, f->result ? f->result : "");
}

static bool help_methods(struct buf *out, const char *name)
{
    bool found = false;
    for (size_t i = 0; i < step_kind_count(); i++) {
        const struct step_kind *k = step_kind_at(i);
        for (size_t m = 0; m < method_count(k); m++) {
            const struct method *method = &k->methods[m];
            if (strcmp(method->name, name) != 0)
                continue;
            buf_format(out, "%s%s: %s\nmethod of the step %s; class %s: %s\n", found ? "\n" : "",
                       name, method->summary, k->name, method->class,
                       catalog_class_text(method->class));
            if (method->example.program)
                put_example(out, &method->example);
            found = true;
        }
    }
    return found;
}

static int unknown_name(const char *name, struct error *e)
{
    size_t steps = step_kind_count(), functions = function_count(), count = 0;
    const char **names = mem_array(NULL, steps + functions + 1, sizeof *names);
    for (size_t i = 0; i < steps; i++)
        names[count++] = step_kind_at(i)->name;
    const struct function **all = catalog_functions();
    for (size_t i = 0; i < functions; i++)
        names[count++] = all[i]->name;
    mem_free(all);
    char hint[HINT_MAX], quoted[QUOTE_MAX];
    nearest_hint(hint, text_of(name), names, count);
    mem_free(names);
    return error_set(e, ERR_USAGE, "no step, method or function is called %s%s",
                     quote(quoted, name, strlen(name)), hint);
}

int catalog_help(const char *name, struct buf *out, struct error *e)
{
    const struct step_kind *kind = step_kind_find(text_of(name));
    const struct function *function = function_find(text_of(name));
    if (kind)
        help_step(out, kind);
    if (kind && function)
        buf_putc(out, '\n');
    if (function)
        help_function(out, function);
    if (!kind && !function && !help_methods(out, name))
        return unknown_name(name, e);
    return 0;
}
