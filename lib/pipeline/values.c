/* Parameters and the texts they stand in. */
#include "pipeline/definition.h"

#include "cli/cli.h"

#include <stdio.h>

bool definition_is_name(struct text name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return name.len >= 1 && name.len <= 64;
}

bool definition_is_variable(struct text name)
{
    if (name.len == 0 || (name.at[0] >= '0' && name.at[0] <= '9'))
        return false;
    return definition_is_name(name) && !memchr(name.at, '-', name.len);
}

const char *parameter_type_name(enum parameter_type t)
{
    static const char *const names[] = {"string", "integer", "float", "boolean"};
    return names[t];
}

int definition_keys(struct definition *d, const struct doc_node *n, const char *const *known,
                    size_t count, struct error *e)
{
    char quoted[QUOTE_MAX];
    for (size_t i = 0; i < n->count; i++) {
        const struct doc_node *key = &n->items[2 * i];
        size_t k = 0;
        while (k < count && !text_equal(key->text, text_of(known[k])))
            k++;
        if (k < count)
            continue;
        char *word = mem_text_n(key->text.at, key->text.len);
        const char *near = cli_nearest(word, known, count);
        int status =
            doc_error(d->doc, key, e, near ? "unknown key %s: is it '%s'?" : "unknown key %s",
                      quote(quoted, key->text.at, key->text.len), near);
        mem_free(word);
        return status;
    }
    return 0;
}

/* ---- plain values ---- */

int definition_count(struct definition *d, const struct doc_node *n, const char *what,
                     int64_t least, int64_t most, int64_t *out, struct error *e)
{
    double f;
    if (n->kind == DOC_NUMBER && number_parse(n->text.at, n->text.len, out, &f) == NUMBER_INT &&
        *out >= least && *out <= most)
        return 0;
    return doc_error(d->doc, n, e, "%s is a whole number from %lld to %lld", what, (long long)least,
                     (long long)most);
}

int definition_duration(struct definition *d, const struct doc_node *n, const char *what, usec *out,
                        struct error *e)
{
    char quoted[QUOTE_MAX];
    bool scalar = n->kind == DOC_NUMBER || n->kind == DOC_TEXT;
    if (scalar && duration_parse(n->text.at, n->text.len, out) && *out > 0)
        return 0;
    return doc_error(d->doc, n, e, "%s: %s is no duration as 90s, 10m, 2h or 7d", what,
                     scalar ? quote(quoted, n->text.at, n->text.len) : doc_kind_name(n->kind));
}

/* ---- parameters ---- */

static int parameter_type(struct definition *d, const struct doc_node *n, enum parameter_type *out,
                          struct error *e)
{
    for (unsigned t = 0; t < 4; t++)
        if (text_equal(n->text, text_of(parameter_type_name(t)))) {
            *out = t;
            return 0;
        }
    return doc_error(d->doc, n, e, "a type is string, integer, float or boolean");
}

/* Of a default without a type. */
static enum parameter_type type_of(const struct doc_node *n)
{
    int64_t i;
    double f;
    if (n->kind == DOC_BOOL)
        return PARAMETER_BOOLEAN;
    if (n->kind != DOC_NUMBER)
        return PARAMETER_STRING;
    return number_parse(n->text.at, n->text.len, &i, &f) == NUMBER_INT ? PARAMETER_INTEGER
                                                                       : PARAMETER_FLOAT;
}

static bool fits(enum parameter_type type, struct text value)
{
    int64_t i;
    double f;
    enum number_kind kind = number_parse(value.at, value.len, &i, &f);
    switch (type) {
    case PARAMETER_INTEGER:
        return kind == NUMBER_INT;
    case PARAMETER_FLOAT:
        return kind == NUMBER_INT || kind == NUMBER_FLOAT;
    case PARAMETER_BOOLEAN:
        return text_equal(value, text_of("true")) || text_equal(value, text_of("false"));
    case PARAMETER_STRING:
        break;
    }
    return memchr(value.at, 0, value.len) == NULL;
}

struct bounds {
    const struct doc_node *least, *most, *choices;
};

static bool beyond(const struct bounds *l, struct text value, const char **why)
{
    int64_t i;
    double f = 0, end = 0;
    (void)number_parse(value.at, value.len, &i, &f);
    if (l->least && number_parse(l->least->text.at, l->least->text.len, &i, &end) && f < end) {
        *why = "is less than its minimum";
        return true;
    }
    if (l->most && number_parse(l->most->text.at, l->most->text.len, &i, &end) && f > end) {
        *why = "is more than its maximum";
        return true;
    }
    *why = "is none of its choices";
    for (size_t k = 0; l->choices && k < l->choices->count; k++)
        if (text_equal(l->choices->items[k].text, value))
            return false;
    return l->choices != NULL;
}

static int check_value(const struct parameter *x, const struct bounds *l, struct text value,
                       char *message, size_t size)
{
    char quoted[QUOTE_MAX];
    const char *why = NULL;
    quote(quoted, value.at, value.len);
    if (!fits(x->type, value))
        (void)snprintf(message, size, "%s: %s is no %s", x->name, quoted,
                       parameter_type_name(x->type));
    else if (beyond(l, value, &why))
        (void)snprintf(message, size, "%s: %s %s", x->name, quoted, why);
    else
        return 0;
    return -1;
}

static int check_limits(struct definition *d, const struct parameter *x, const struct bounds *l,
                        struct error *e)
{
    const struct doc_node *ends[] = {l->least, l->most};
    bool number = x->type == PARAMETER_INTEGER || x->type == PARAMETER_FLOAT;
    for (int i = 0; i < 2; i++)
        if (ends[i] && !(number && ends[i]->kind == DOC_NUMBER))
            return doc_error(d->doc, ends[i], e, "%s",
                             number ? "a limit is a number" : "only numbers have limits");
    if (l->choices && l->choices->kind != DOC_LIST)
        return doc_error(d->doc, l->choices, e, "choices are a list");
    return 0;
}

/* The default's node, and the type and limits that stand beside it. */
static int read_parameter_map(struct definition *d, const struct doc_node *n, struct parameter *x,
                              struct bounds *l, const struct doc_node **value, struct error *e)
{
    static const char *const known[] = {"type",    "default", "minimum",
                                        "maximum", "choices", "description"};
    const struct doc_node *type = doc_get(n, "type");
    int status = definition_keys(d, n, known, COUNT_OF(known), e);
    *l = (struct bounds){doc_get(n, "minimum"), doc_get(n, "maximum"), doc_get(n, "choices")};
    *value = doc_get(n, "default");
    if (*value && (*value)->kind == DOC_NULL)
        *value = NULL;
    x->type = *value ? type_of(*value) : PARAMETER_STRING;
    x->limited = l->least || l->most || l->choices;
    if (status == 0 && type)
        status = parameter_type(d, type, &x->type, e);
    return status ? status : check_limits(d, x, l, e);
}

static int read_parameter(struct definition *d, const struct doc_node *n, struct parameter *x,
                          struct bounds *l, struct error *e)
{
    char message[512];
    const struct doc_node *value = NULL;
    if (n->kind == DOC_LIST)
        return doc_error(d->doc, n, e, "a parameter is a value, or a map with type and default");
    if (n->kind != DOC_MAP) {
        value = n;
        x->type = type_of(n);
    } else if (read_parameter_map(d, n, x, l, &value, e) < 0) {
        return ERR_DATA;
    }
    if (!value)
        return 0;
    if (value->kind == DOC_MAP || value->kind == DOC_LIST)
        return doc_error(d->doc, value, e, "a default is one value");
    struct text text = value->kind == DOC_NULL ? (struct text){"", 0} : value->text;
    x->value = (struct text){arena_text(&d->p->arena, text.at, text.len), text.len};
    if (check_value(x, l, x->value, message, sizeof message) < 0)
        return doc_error(d->doc, value, e, "%s", message);
    return 0;
}

static int give(struct definition *d, const char *given, const struct bounds *limits, bool *done,
                struct error *e)
{
    char quoted[QUOTE_MAX], message[512];
    const char *equals = strchr(given, '=');
    if (!equals)
        return error_set(e, ERR_USAGE, "%s is not NAME=VALUE", quote(quoted, given, strlen(given)));
    struct text name = {given, (size_t)(equals - given)};
    size_t i = map_get(&d->parameters, name);
    if (i == MAP_NONE)
        return error_set(e, ERR_USAGE, "the definition has no parameter %s",
                         quote(quoted, name.at, name.len));
    struct parameter *x = &d->p->parameters[i];
    if (done[i])
        return error_set(e, ERR_USAGE, "parameter %s is given twice", x->name);
    done[i] = true;
    x->value = text_of(arena_text(&d->p->arena, equals + 1, strlen(equals + 1)));
    if (check_value(x, &limits[i], x->value, message, sizeof message) < 0)
        return error_set(e, ERR_USAGE, "parameter %s", message);
    return 0;
}

static int read_parameters(struct definition *d, const struct doc_node *n, struct bounds *limits,
                           struct error *e)
{
    struct pipeline *p = d->p;
    int status = 0;
    for (size_t i = 0; i < p->parameter_count && status == 0; i++) {
        const struct doc_node *key = &n->items[2 * i];
        if (!definition_is_name(key->text))
            return doc_error(d->doc, key, e,
                             "a parameter's name has letters, digits, _ and -, at most 64");
        p->parameters[i].name = arena_text(&p->arena, key->text.at, key->text.len);
        map_put(&d->parameters, key->text, NULL);
        status = read_parameter(d, key + 1, &p->parameters[i], &limits[i], e);
    }
    return status;
}

int definition_parameters(struct definition *d, const struct doc_node *n, const char *const *given,
                          size_t given_count, struct error *e)
{
    struct pipeline *p = d->p;
    if (n && n->kind != DOC_MAP && n->kind != DOC_NULL)
        return doc_error(d->doc, n, e, "parameters are a map of names and defaults");
    p->parameter_count = n ? n->count : 0;
    p->parameters = arena_zero(&p->arena, (p->parameter_count + 1) * sizeof *p->parameters);
    struct bounds *limits = mem_alloc((p->parameter_count + 1) * sizeof *limits);
    bool *done = mem_alloc(p->parameter_count + 1);
    int status = n ? read_parameters(d, n, limits, e) : 0;
    for (size_t i = 0; i < given_count && status == 0; i++)
        status = give(d, given[i], limits, done, e);
    for (size_t i = 0; i < p->parameter_count && status == 0; i++)
        if (!p->parameters[i].value.at && !d->keeps)
            status = error_set(e, ERR_USAGE, "parameter %s has no default: give it by -P %s=VALUE",
                               p->parameters[i].name, p->parameters[i].name);
    mem_free(done);
    mem_free(limits);
    return status;
}

/* ---- texts ---- */

static size_t name_length(const char *at, const char *end)
{
    const char *p = at;
    while (p < end && (definition_is_name((struct text){p, 1}) || *p == '.'))
        p++;
    return (size_t)(p - at);
}

static bool find_value(struct definition *d, struct text name, struct text *out)
{
    for (size_t i = 0; i < d->binding_count; i++)
        if (text_equal(d->bindings[i].name, name)) {
            *out = d->bindings[i].value;
            return true;
        }
    size_t i = map_get(&d->parameters, name);
    if (i == MAP_NONE)
        return false;
    size_t k = 0;
    while (k < d->uses.len && d->uses.at[k] != i)
        k++;
    if (k == d->uses.len)
        vec_push(&d->uses, (uint32_t)i);
    *out = d->p->parameters[i].value;
    d->p->parameters[i].put_in |= !d->marking;
    if (d->marking)
        *out = text_of(arena_format(&d->p->arena, "%c%zu%c", PARAMETER_MARK, i, PARAMETER_END));
    return true;
}

/* ${in} and ${out}, where no parameter is called so. */
static bool find_list(struct definition *d, struct text name, struct text *out)
{
    static const char marks[] = {LIST_IN, LIST_OUT};
    bool in = text_equal(name, TEXT_LITERAL("in"));
    if (!d->in_command || !(in || text_equal(name, TEXT_LITERAL("out"))))
        return false;
    d->has_lists = true;
    *out = (struct text){&marks[in ? 0 : 1], 1};
    return true;
}

static int no_value(struct definition *d, const struct doc_node *n, struct text name, bool in_shell,
                    struct error *e)
{
    char quoted[QUOTE_MAX];
    quote(quoted, name.at, name.len);
    if (in_shell)
        return doc_error(d->doc, n, e, "no parameter %s: the shell's own is written $${%.*s}",
                         quoted, (int)name.len, name.at);
    return doc_error(d->doc, n, e, "no parameter %s", quoted);
}

/* What stands at "${": appended to d->text. *at moves behind it. */
static int put_value(struct definition *d, const struct doc_node *n, const char **at, bool in_shell,
                     struct error *e)
{
    const char *end = n->text.at + n->text.len, *start = *at + 2;
    struct text name = {start, name_length(start, end)}, value;
    bool closed = start + name.len < end && start[name.len] == '}';
    if (in_shell && (name.len == 0 || !closed)) {
        buf_add(&d->text, "${", 2);
        *at = start;
        return 0;
    }
    if (name.len == 0 || !closed)
        return doc_error(d->doc, n, e, "${ without a name and }");
    if (!find_value(d, name, &value) && !find_list(d, name, &value))
        return no_value(d, n, name, in_shell, e);
    if (!value.at)
        return doc_error(d->doc, n, e, "parameter %.*s has no value to be put in here",
                         (int)name.len, name.at);
    buf_add(&d->text, value.at, value.len);
    *at = start + name.len + 1;
    return 0;
}

static int replace_values(struct definition *d, const struct doc_node *n, const char *first,
                          bool in_shell, struct error *e)
{
    const char *end = n->text.at + n->text.len;
    d->text.len = 0;
    buf_add(&d->text, n->text.at, (size_t)(first - n->text.at));
    for (const char *at = first; at < end;) {
        if (end - at > 2 && memcmp(at, "$${", 3) == 0) {
            buf_add(&d->text, "${", 2);
            at += 3;
        } else if (end - at > 1 && memcmp(at, "${", 2) == 0) {
            if (put_value(d, n, &at, in_shell, e) < 0)
                return ERR_DATA;
        } else {
            buf_putc(&d->text, *at++);
        }
    }
    return 0;
}

static void add_outline(struct definition *d, const struct doc_node *n,
                        const struct doc_node *entry, char any, struct buf *out)
{
    for (const char *at = n->text.at, *end = at + n->text.len; at < end;) {
        if (end - at > 2 && memcmp(at, "$${", 3) == 0) {
            buf_puts(out, "${");
            at += 3;
            continue;
        }
        const char *close =
            end - at > 2 && memcmp(at, "${", 2) == 0 ? memchr(at, '}', (size_t)(end - at)) : NULL;
        if (!close) {
            buf_putc(out, *at++);
            continue;
        }
        struct text name = {at + 2, (size_t)(close - at) - 2};
        size_t i = map_get(&d->parameters, name);
        struct text value = i == MAP_NONE ? (struct text){NULL, 0} : d->p->parameters[i].value;
        const struct doc_node *source = entry ? definition_source(entry, name) : NULL;
        if (source && source->kind == DOC_TEXT)
            add_outline(d, source, NULL, any, out);
        else if (value.at && !source)
            buf_add(out, value.at, value.len);
        else
            buf_putc(out, any);
        at = close + 1;
    }
}

void definition_outline(struct definition *d, const struct doc_node *n,
                        const struct doc_node *entry, char any, struct buf *out)
{
    out->len = 0;
    add_outline(d, n, entry, any, out);
}

int definition_text(struct definition *d, const struct doc_node *n, bool in_shell, struct text *out,
                    struct error *e)
{
    if (n->kind == DOC_LIST || n->kind == DOC_MAP || n->kind == DOC_NULL)
        return doc_error(d->doc, n, e, "a text is wanted here, not %s", doc_kind_name(n->kind));
    if (memchr(n->text.at, 0, n->text.len))
        return doc_error(d->doc, n, e, "a text with a NUL character");
    if (d->keeps && memchr(n->text.at, PARAMETER_MARK, n->text.len))
        return doc_error(d->doc, n, e, "a text with the control character %d", PARAMETER_MARK);
    if (d->in_command &&
        (memchr(n->text.at, LIST_IN, n->text.len) || memchr(n->text.at, LIST_OUT, n->text.len)))
        return doc_error(d->doc, n, e, "a command with the control character %d or %d", LIST_IN,
                         LIST_OUT);
    const char *first = n->text.len ? memchr(n->text.at, '$', n->text.len) : NULL;
    if (first && replace_values(d, n, first, in_shell, e) < 0)
        return ERR_DATA;
    struct text text = first ? (struct text){d->text.at, d->text.len} : n->text;
    *out = (struct text){arena_text(&d->p->arena, text.at, text.len), text.len};
    return 0;
}
