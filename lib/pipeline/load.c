/* A definition from its file. */
#include "pipeline/condition.h"
#include "pipeline/definition.h"

#include <stdlib.h>

enum { LONGEST = 256 << 20 };

static int read_name(struct definition *d, const struct doc_node *n, struct error *e)
{
    struct pipeline *p = d->p;
    const char *slash = strrchr(p->path, '/');
    p->folder = slash == p->path ? "/"
                : slash          ? arena_text(&p->arena, p->path, (size_t)(slash - p->path))
                                 : ".";
    char *whole = realpath(p->folder, NULL);
    const char *last = whole ? strrchr(whole, '/') : NULL;
    bool good = last && definition_is_name(text_of(last + 1));
    p->name = good ? arena_text(&p->arena, last + 1, strlen(last + 1)) : "pipeline";
    free(whole);
    if (!n)
        return 0;
    if (!definition_is_name(n->text))
        return doc_error(d->doc, n, e,
                         "a pipeline's name has letters, digits, _ and -, at most 64");
    p->name = arena_text(&p->arena, n->text.at, n->text.len);
    return 0;
}

static int read_steps(struct definition *d, const struct doc_node *n, struct error *e)
{
    if (!n || n->kind != DOC_LIST)
        return doc_error(d->doc, n ? n : doc_root(d->doc), e,
                         n ? "steps are a list" : "a definition without steps");
    int status = definition_rounds(d, n, e);
    for (size_t i = 0; i < n->count && status == 0; i++)
        status = definition_entry(d, &n->items[i], e);
    if (status == 0)
        status = definition_patterns(d, e);
    struct pipeline *p = d->p;
    p->step_count = d->steps.len;
    p->steps = d->steps.at ? d->steps.at : mem_alloc(sizeof *p->steps); /* it is p's now */
    d->steps.at = NULL;
    p->path_count = d->path_list.len;
    p->paths = arena_copy(&p->arena, d->path_list.at ? d->path_list.at : &(struct text){0},
                          d->path_list.len * sizeof *p->paths);
    if (status == 0)
        definition_lists(d);
    p->entry_count = n->count;
    p->deferred_count = d->deferred.len;
    if (d->deferred.len)
        p->deferred = arena_copy(&p->arena, d->deferred.at, d->deferred.len * sizeof *p->deferred);
    return status;
}

static int read_definition(struct definition *d, const char *const *given, size_t given_count,
                           struct error *e)
{
    static const char *const known[] = {"name", "description", "parameters",
                                        "env",  "notify",      "steps"};
    const struct doc_node *root = doc_root(d->doc);
    if (root->kind != DOC_MAP)
        return doc_error(d->doc, root, e, "a definition is a map with steps, not %s",
                         doc_kind_name(root->kind));
    int status = definition_keys(d, root, known, COUNT_OF(known), e);
    if (status == 0)
        status = read_name(d, doc_get(root, "name"), e);
    if (status == 0)
        status = definition_parameters(d, doc_get(root, "parameters"), given, given_count, e);
    d->environment = doc_get(root, "env");
    if (status == 0)
        status = definition_notify(d, doc_get(root, "notify"), e);
    if (status == 0)
        status = read_steps(d, doc_get(root, "steps"), e);
    for (size_t i = 0; i < d->entries.len && status == 0; i++)
        if (d->entries.at[i].count)
            status = condition_check(d->p, &d->p->steps[d->entries.at[i].first], e);
    return status ? status : definition_edges(d, e);
}

static void definition_release(struct definition *d)
{
    doc_free(d->doc);
    map_release(&d->parameters);
    map_release(&d->paths);
    map_release(&d->names);
    vec_release(&d->path_list);
    vec_release(&d->steps);
    vec_release(&d->entries);
    vec_release(&d->deferred);
    vec_release(&d->uses);
    buf_release(&d->text);
}

/* Takes source. */
static int parse(const char *path, struct buf *source, const char *const *given, size_t given_count,
                 unsigned round, bool keeps, struct pipeline **out, struct error *e)
{
    struct pipeline *p = mem_alloc(sizeof *p);
    struct definition d = {.p = p, .round = round, .keeps = keeps};
    p->round = round;
    p->given = given;
    p->given_count = given_count;
    p->path = arena_text(&p->arena, path, strlen(path));
    p->source.len = source->len;
    p->source.at = buf_take(source);
    int status = doc_parse(path, p->source, DOC_BY_CONTENT, &d.doc, e);
    if (status == 0)
        status = read_definition(&d, given, given_count, e);
    definition_release(&d);
    if (status == 0)
        *out = p;
    else
        pipeline_free(p);
    return status;
}

static struct buf copy_of(struct text source)
{
    struct buf b = {0};
    if (source.len)
        buf_add(&b, source.at, source.len);
    return b;
}

int pipeline_parse(const char *path, struct text source, const char *const *given,
                   size_t given_count, struct pipeline **out, struct error *e)
{
    struct buf b = copy_of(source);
    return parse(path, &b, given, given_count, ROUND_ALL, false, out, e);
}

int pipeline_parse_kept(const char *path, struct text source, const char *const *given,
                        size_t given_count, struct pipeline **out, struct error *e)
{
    struct buf b = copy_of(source);
    return parse(path, &b, given, given_count, ROUND_ALL, true, out, e);
}

static int load(const char *path, const char *const *given, size_t given_count, unsigned round,
                struct pipeline **out, struct error *e)
{
    struct buf source = {0};
    int status = file_load(path, LONGEST, &source, e);
    if (status == 0)
        return parse(path, &source, given, given_count, round, false, out, e);
    buf_release(&source);
    return status;
}

int pipeline_load(const char *path, const char *const *given, size_t given_count,
                  struct pipeline **out, struct error *e)
{
    return load(path, given, given_count, ROUND_ALL, out, e);
}

int pipeline_load_first(const char *path, const char *const *given, size_t given_count,
                        struct pipeline **out, struct error *e)
{
    return load(path, given, given_count, 0, out, e);
}

int pipeline_load_next(const struct pipeline *p, struct pipeline **out, struct error *e)
{
    struct buf b = copy_of(p->source);
    return parse(p->path, &b, p->given, p->given_count, p->round + 1, false, out, e);
}

int pipeline_entries_before(const struct pipeline *p, bool *wanted, struct error *e)
{
    struct pipeline again = {.path = p->path, .folder = p->folder};
    struct definition d = {.p = &again};
    int status = doc_parse(p->path, p->source, DOC_BY_CONTENT, &d.doc, e);
    const struct doc_node *root = status == 0 ? doc_root(d.doc) : NULL;
    if (status == 0)
        status =
            definition_parameters(&d, doc_get(root, "parameters"), p->given, p->given_count, e);
    if (status == 0)
        definition_before(&d, doc_get(root, "steps"), wanted);
    definition_release(&d);
    arena_release(&again.arena);
    return status;
}

void pipeline_free(struct pipeline *p)
{
    if (!p)
        return;
    mem_free(p->steps);
    mem_free((char *)(uintptr_t)p->source.at);
    arena_release(&p->arena);
    mem_free(p);
}

bool pipeline_is_of_entry(struct text name, struct text entry)
{
    return name.at && entry.at && name.len >= entry.len &&
           memcmp(name.at, entry.at, entry.len) == 0 &&
           (name.len == entry.len || name.at[entry.len] == '[');
}

uint32_t pipeline_step(const struct pipeline *p, const char *name)
{
    for (uint32_t i = 0; i < p->step_count; i++)
        if (strcmp(p->steps[i].name, name) == 0)
            return i;
    return STEP_NONE;
}
