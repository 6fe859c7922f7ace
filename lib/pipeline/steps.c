/* The entries of a definition, and the steps they make. */
#include "pipeline/definition.h"

#include <stdlib.h>

static const char *const known_keys[] = {
    "name",    "run",      "in",       "out",       "env",       "needs",
    "when",    "foreach",  "matrix",   "retry",     "timeout",   "cache",
    "tools",   "fail",     "pass",     "directory", "priority",  "description",
    "approve", "callback", "register", "requires",  "resources", "metrics",
};

/* What make_step works on. */
struct making {
    const struct doc_node *node;
    struct step_entry *entry;
};

/* ---- what an entry says for all its steps ---- */

static int read_size(struct definition *d, const struct doc_node *n, uint64_t *out, struct error *e)
{
    char quoted[QUOTE_MAX];
    bool scalar = n->kind == DOC_NUMBER || n->kind == DOC_TEXT;
    if (scalar && size_parse(n->text.at, n->text.len, out) && *out > 0)
        return 0;
    return doc_error(d->doc, n, e, "memory: %s is no number of bytes as 512M or 4G",
                     scalar ? quote(quoted, n->text.at, n->text.len) : doc_kind_name(n->kind));
}

/* cpus and gpus say how many of a run's the step takes; memory and processes are kept. */
static int read_resources(struct definition *d, const struct doc_node *n, struct step_entry *s,
                          struct error *e)
{
    static const char *const known[] = {"cpus", "gpus", "memory", "processes"};
    const struct doc_node *at;
    int64_t count = 0;
    if (n->kind != DOC_MAP)
        return doc_error(d->doc, n, e, "resources is a map of cpus, gpus, memory and processes");
    int status = definition_keys(d, n, known, COUNT_OF(known), e);
    if (status == 0 && (at = doc_get(n, "cpus"))) {
        status = definition_count(d, at, "cpus", 1, 4096, &count, e);
        s->cpus = (unsigned)count;
    }
    if (status == 0 && (at = doc_get(n, "gpus"))) {
        status = definition_count(d, at, "gpus", 0, GPUS_MAX, &count, e);
        s->gpus = (unsigned)count;
    }
    if (status == 0 && (at = doc_get(n, "memory")))
        status = read_size(d, at, &s->limits.memory, e);
    if (status == 0 && (at = doc_get(n, "processes"))) {
        status = definition_count(d, at, "processes", 1, 1000000, &count, e);
        s->limits.processes = (uint32_t)count;
    }
    return status;
}

static int read_cache(struct definition *d, const struct doc_node *n, struct step_entry *s,
                      struct error *e)
{
    s->cache = n->kind != DOC_BOOL || n->truth;
    return n->kind == DOC_BOOL ? 0 : definition_duration(d, n, "cache", &s->cache_lasts, e);
}

/* A scalar or a list of scalars. */
static size_t list_length(const struct doc_node *n)
{
    return n->kind == DOC_LIST ? n->count : 1;
}

static const struct doc_node *list_item(const struct doc_node *n, size_t i)
{
    return n->kind == DOC_LIST ? &n->items[i] : n;
}

int definition_words(struct definition *d, const struct doc_node *n, const char ***out,
                     struct error *e)
{
    size_t count = list_length(n);
    const char **words = arena_zero(&d->p->arena, (count + 1) * sizeof *words);
    for (size_t i = 0; i < count; i++) {
        struct text text;
        if (definition_text(d, list_item(n, i), false, &text, e) < 0)
            return ERR_DATA;
        words[i] = text.at;
    }
    *out = words;
    return 0;
}

/* Of a key that may not be there. */
static int read_text(struct definition *d, const struct doc_node *n, const char *key,
                     const char **out, struct error *e)
{
    const struct doc_node *at = doc_get(n, key);
    struct text text = {NULL, 0};
    int status = at ? definition_text(d, at, false, &text, e) : 0;
    *out = text.at;
    return status;
}

static int read_options(struct definition *d, const struct doc_node *n, struct step_entry *s,
                        struct error *e)
{
    const struct doc_node *at;
    int status = 0;
    if ((at = doc_get(n, "timeout")))
        status = definition_duration(d, at, "timeout", &s->timeout, e);
    if (status == 0 && (at = doc_get(n, "retry")))
        status = definition_retry(d, at, s, e);
    if (status == 0 && (at = doc_get(n, "cache")))
        status = read_cache(d, at, s, e);
    if (status == 0 && (at = doc_get(n, "pass")))
        status = definition_words(d, at, &s->passed, e);
    if (status == 0 && (at = doc_get(n, "tools")))
        status = definition_words(d, at, &s->tools, e);
    if (status == 0 && (at = doc_get(n, "priority")))
        status = definition_count(d, at, "priority", -1000000, 1000000, &s->priority, e);
    if (status == 0 && (at = doc_get(n, "resources")))
        status = read_resources(d, at, s, e);
    return status ? status : read_text(d, n, "directory", &s->directory, e);
}

static int read_entry(struct definition *d, const struct doc_node *n, struct step_entry *s,
                      struct error *e)
{
    const struct doc_node *name = doc_get(n, "name");
    *s = (struct step_entry){.number = (uint32_t)d->entries.len,
                             .line = n->line,
                             .column = n->column,
                             .cache = true,
                             .cpus = 1};
    if (!name)
        return doc_error(d->doc, n, e, "a step without a name");
    if (!definition_is_name(name->text))
        return doc_error(d->doc, name, e, "a step's name has letters, digits, _ and -, at most 64");
    s->name = arena_text(&d->p->arena, name->text.at, name->text.len);
    int status = definition_kind(d, n, s, e);
    return status ? status : read_options(d, n, s, e);
}

/* ---- a step ---- */

static int read_command(struct definition *d, const struct doc_node *n, struct step *s,
                        struct error *e)
{
    struct text text;
    if (n->kind != DOC_LIST) {
        int status = definition_text(d, n, true, &text, e);
        s->script = text.at;
        return status;
    }
    if (n->count == 0)
        return doc_error(d->doc, n, e, "an empty list is no command");
    s->argv = arena_zero(&d->p->arena, (n->count + 1) * sizeof *s->argv);
    for (size_t i = 0; i < n->count; i++) {
        if (definition_text(d, &n->items[i], false, &text, e) < 0)
            return ERR_DATA;
        s->argv[i] = arena_text(&d->p->arena, text.at, text.len);
    }
    return 0;
}

/* Of a map of logical names only the paths are kept: the names are the definition's. */
static int read_paths(struct definition *d, const struct doc_node *n, const uint32_t **out,
                      uint32_t *count, struct error *e)
{
    bool named = n->kind == DOC_MAP;
    size_t length = named ? n->count : list_length(n);
    uint32_t *numbers = arena_alloc(&d->p->arena, (length + 1) * sizeof *numbers);
    for (size_t i = 0; i < length; i++) {
        const struct doc_node *item = named ? &n->items[2 * i + 1] : list_item(n, i);
        struct text text;
        if (definition_text(d, item, false, &text, e) < 0)
            return ERR_DATA;
        if (text.len == 0)
            return doc_error(d->doc, item, e, "an empty path");
        numbers[i] = definition_path(d, text);
        d->has_patterns |= definition_is_pattern(text);
    }
    *out = numbers;
    *count = (uint32_t)length;
    return 0;
}

typedef VEC(char *) word_list;

static size_t length_of_name(const char *variable)
{
    return strcspn(variable, "=") + 1;
}

/* One of a name takes the place of the one before. */
static void set_variable(word_list *list, char *variable)
{
    size_t n = length_of_name(variable);
    for (size_t i = 0; i < list->len; i++)
        if (strncmp(list->at[i], variable, n) == 0) {
            list->at[i] = variable;
            return;
        }
    vec_push(list, variable);
}

static int add_variables(struct definition *d, const struct doc_node *n, word_list *list,
                         struct error *e)
{
    if (n->kind != DOC_MAP)
        return doc_error(d->doc, n, e, "env is a map of names and values");
    for (size_t i = 0; i < n->count; i++) {
        const struct doc_node *key = &n->items[2 * i];
        struct text value;
        if (!definition_is_variable(key->text))
            return doc_error(d->doc, key, e, "no name of a variable");
        if (definition_text(d, key + 1, false, &value, e) < 0)
            return ERR_DATA;
        set_variable(list, arena_format(&d->p->arena, "%.*s=%s", (int)key->text.len, key->text.at,
                                        value.at));
    }
    return 0;
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_environment(struct definition *d, const struct doc_node *own, struct step *s,
                            struct error *e)
{
    static char *none[] = {NULL};
    word_list list = {0};
    int status = 0;
    s->environment = none;
    if (d->environment)
        status = add_variables(d, d->environment, &list, e);
    if (status == 0 && own)
        status = add_variables(d, own, &list, e);
    if (status == 0 && list.len) {
        qsort(list.at, list.len, sizeof *list.at, compare_words);
        s->environment = arena_zero(&d->p->arena, (list.len + 1) * sizeof *s->environment);
        memcpy(s->environment, list.at, list.len * sizeof *list.at);
    }
    vec_release(&list);
    return status;
}

/* NAME, or NAME[a,b] of what foreach and matrix bound. */
static int name_step(struct definition *d, const struct doc_node *n, struct step *s,
                     struct error *e)
{
    struct buf name = {0};
    bool is_new;
    buf_puts(&name, s->entry->name);
    for (size_t i = 0; i < d->binding_count; i++) {
        buf_putc(&name, i ? ',' : '[');
        buf_add(&name, d->bindings[i].value.at, d->bindings[i].value.len);
    }
    if (d->binding_count)
        buf_putc(&name, ']');
    s->name = arena_text(&d->p->arena, name.at, name.len);
    map_put(&d->names, text_of(s->name), &is_new);
    buf_release(&name);
    return is_new ? 0 : doc_error(d->doc, n, e, "there are two steps %s", s->name);
}

static void note_uses(struct definition *d, struct step *s)
{
    if (d->uses.len == 0)
        return;
    qsort(d->uses.at, d->uses.len, sizeof *d->uses.at, compare_numbers);
    s->uses = arena_copy(&d->p->arena, d->uses.at, d->uses.len * sizeof *d->uses.at);
    s->use_count = (uint32_t)d->uses.len;
}

static int read_condition(struct definition *d, const struct doc_node *n, const char **out,
                          struct error *e)
{
    int status = read_text(d, n, "when", out, e);
    if (status == 0 && *out && d->keeps && strchr(*out, PARAMETER_MARK))
        status = doc_error(d->doc, doc_get(n, "when"), e,
                           "a parameter put into a condition cannot keep its name: "
                           "write the name alone");
    return status;
}

static int make_step(struct definition *d, void *context, struct error *e)
{
    const struct making *m = context;
    const struct doc_node *n = m->node, *at;
    struct step s = {.entry = m->entry};
    d->uses.len = 0;
    d->marking = d->keeps;
    int status = name_step(d, n, &s, e);
    d->in_command = true;
    if (status == 0 && ((at = doc_get(n, "run")) || (at = doc_get(n, "callback"))))
        status = read_command(d, at, &s, e);
    d->in_command = false;
    if (status == 0)
        status = read_text(d, n, "fail", &s.message, e);
    if (status == 0)
        status = read_condition(d, n, &s.when, e);
    if (status == 0 && (at = doc_get(n, "in")))
        status = read_paths(d, at, &s.in, &s.in_count, e);
    if (status == 0 && (at = doc_get(n, "out")))
        status = read_paths(d, at, &s.out, &s.out_count, e);
    if (status == 0)
        status = read_text(d, n, "metrics", &s.metrics_file, e);
    if (status == 0)
        status = definition_model(d, n, &s, e);
    if (status == 0)
        status = read_environment(d, doc_get(n, "env"), &s, e);
    d->marking = false;
    note_uses(d, &s);
    vec_push(&d->steps, s);
    return status;
}

int definition_entry(struct definition *d, const struct doc_node *n, struct error *e)
{
    if (n->kind != DOC_MAP)
        return doc_error(d->doc, n, e, "a step is a map with name and run, not %s",
                         doc_kind_name(n->kind));
    struct making m = {n, arena_alloc(&d->p->arena, sizeof *m.entry)};
    struct entry_range range = {n, (uint32_t)d->steps.len, 0};
    int status = definition_keys(d, n, known_keys, COUNT_OF(known_keys), e);
    d->marking = d->keeps;
    if (status == 0)
        status = read_entry(d, n, m.entry, e);
    d->marking = false;
    bool deferred = d->depth && d->depth[d->entries.len] > d->round;
    if (deferred)
        vec_push(&d->deferred, m.entry);
    else if (status == 0)
        status = definition_expand(d, n, make_step, &m, e);
    range.count = (uint32_t)d->steps.len - range.first;
    vec_push(&d->entries, range);
    return status;
}
