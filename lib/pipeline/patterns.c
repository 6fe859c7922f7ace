/* Patterns among the inputs of steps: each stands for the files that match it now, and for those
 * that match and are made by steps. */
#include "pipeline/definition.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <unistd.h>

typedef VEC(uint32_t) number_list;

/* What a pattern stands for, in expanding.matches. */
struct range {
    size_t first, count;
};

struct expanding {
    struct definition *d;
    size_t paths;         /* there were, before any was added here; by these: */
    bool *made;           /* a step makes it */
    uint32_t *pattern_of; /* its number among the ranges, + 1; 0: it is none, or not expanded yet */
    VEC(struct range) ranges;
    number_list matches, list;
    bool is_deep;    /* the entry is of a later round */
    struct map seen; /* paths of one step, by their bytes */
};

bool definition_is_pattern(struct text path)
{
    bool is = false;
    for (size_t i = 0; i < path.len; i++) {
        if (path.at[i] == PARAMETER_MARK) /* what it will be is not known */
            return false;
        is |= path.at[i] == '*' || path.at[i] == '?' || path.at[i] == '[';
    }
    return is;
}

static bool is_there(const struct definition *d, struct text path)
{
    char *whole =
        path.at[0] == '/' ? mem_text(path.at) : mem_format("%s/%s", d->p->folder, path.at);
    bool is = access(whole, F_OK) == 0;
    mem_free(whole);
    return is;
}

/* Files that match and steps make. */
static void find_made(const struct expanding *x, struct text pattern, text_list *out)
{
    for (size_t i = 0; i < x->paths; i++)
        if (x->made[i] &&
            fnmatch(pattern.at, x->d->path_list.at[i].at, FNM_PATHNAME | FNM_PERIOD) == 0)
            vec_push(out, x->d->path_list.at[i]);
}

/* Where steps of later rounds make what matches, other files that match are what such steps left
 * that are no more. */
static int find_matches(const struct expanding *x, const struct doc_node *n, struct text pattern,
                        text_list *out, struct error *e)
{
    char quoted[QUOTE_MAX];
    struct definition *d = x->d;
    int status = 0;
    find_made(x, pattern, out);
    if (out->len == 0 || !x->is_deep)
        status = definition_match(d, n, pattern, out, e);
    bool is_to_be_made = x->is_deep && d->round == ROUND_ALL;
    if (status == 0 && out->len == 0 && (is_to_be_made || is_there(d, pattern)))
        vec_push(out, pattern);
    if (status == 0 && out->len == 0)
        status = doc_error(d->doc, n, e, "%s: no file is called so",
                           quote(quoted, pattern.at, pattern.len));
    if (out->len > 1)
        qsort(out->at, out->len, sizeof *out->at, definition_compare_texts);
    return status;
}

/* The range of a pattern, which is found once. */
static int expand(struct expanding *x, const struct doc_node *n, uint32_t path, struct range *out,
                  struct error *e)
{
    if (x->pattern_of[path] == 0) {
        text_list found = {0};
        int status = find_matches(x, n, x->d->path_list.at[path], &found, e);
        struct range range = {x->matches.len, found.len};
        for (size_t i = 0; i < found.len; i++)
            vec_push(&x->matches, definition_path(x->d, found.at[i]));
        vec_release(&found);
        vec_push(&x->ranges, range);
        x->pattern_of[path] = (uint32_t)x->ranges.len;
        if (status)
            return status;
    }
    *out = x->ranges.at[x->pattern_of[path] - 1];
    return 0;
}

static void add(struct expanding *x, uint32_t path)
{
    bool is_new;
    map_put(&x->seen, x->d->path_list.at[path], &is_new);
    if (is_new)
        vec_push(&x->list, path);
}

/* Each file once, where it is first. */
static int expand_inputs(struct expanding *x, const struct doc_node *n, struct step *s,
                         struct error *e)
{
    bool any = false;
    for (uint32_t k = 0; k < s->in_count; k++)
        any |= !x->made[s->in[k]] && definition_is_pattern(x->d->path_list.at[s->in[k]]);
    if (!any)
        return 0;
    x->list.len = 0;
    map_release(&x->seen);
    for (uint32_t k = 0; k < s->in_count; k++) {
        struct range range;
        if (x->made[s->in[k]] || !definition_is_pattern(x->d->path_list.at[s->in[k]])) {
            add(x, s->in[k]);
            continue;
        }
        int status = expand(x, doc_get(n, "in"), s->in[k], &range, e);
        if (status)
            return status;
        for (size_t i = 0; i < range.count; i++)
            add(x, x->matches.at[range.first + i]);
    }
    s->in = arena_copy(&x->d->p->arena, x->list.at, x->list.len * sizeof *x->list.at);
    s->in_count = (uint32_t)x->list.len;
    return 0;
}

int definition_patterns(struct definition *d, struct error *e)
{
    struct expanding x = {.d = d, .paths = d->path_list.len};
    int status = 0;
    if (!d->has_patterns)
        return 0;
    x.made = mem_alloc((x.paths + 1) * sizeof *x.made);
    x.pattern_of = mem_alloc((x.paths + 1) * sizeof *x.pattern_of);
    for (size_t i = 0; i < d->steps.len; i++)
        for (uint32_t k = 0; k < d->steps.at[i].out_count; k++)
            x.made[d->steps.at[i].out[k]] = true;
    for (size_t i = 0; i < d->entries.len; i++) {
        const struct entry_range *r = &d->entries.at[i];
        x.is_deep = d->depth && d->depth[i] > 0;
        for (uint32_t k = r->first; k < r->first + r->count && status == 0; k++)
            status = expand_inputs(&x, r->node, &d->steps.at[k], e);
    }
    mem_free(x.made);
    mem_free(x.pattern_of);
    vec_release(&x.ranges);
    vec_release(&x.matches);
    vec_release(&x.list);
    map_release(&x.seen);
    return status;
}
