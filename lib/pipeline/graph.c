/* Who makes what, and who waits for whom. */
#include "pipeline/definition.h"

#include <stdlib.h>

typedef VEC(uint32_t) number_list;

/* ---- paths ---- */

/* Without ".", doubled and last slashes, so that one file has one name. ".." stays: what it means
 * depends on links. */
static struct text plain_path(struct definition *d, struct text path)
{
    char *out = arena_alloc(&d->p->arena, path.len + 2);
    size_t n = 0;
    if (path.at[0] == '/')
        out[n++] = '/';
    for (const char *at = path.at, *end = path.at + path.len; at < end;) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        size_t part = (size_t)((slash ? slash : end) - at);
        if (part > 0 && !(part == 1 && *at == '.')) {
            if (n > 0 && out[n - 1] != '/')
                out[n++] = '/';
            memcpy(out + n, at, part);
            n += part;
        }
        at += part + 1;
    }
    if (n == 0)
        out[n++] = '.';
    out[n] = 0;
    return (struct text){out, n};
}

static bool is_plain(struct text path)
{
    if (path.at[path.len - 1] == '/' || memmem(path.at, path.len, "//", 2) || path.at[0] == '.')
        return false;
    return !memmem(path.at, path.len, "/.", 2);
}

uint32_t definition_path(struct definition *d, struct text path)
{
    bool is_new;
    struct text plain = is_plain(path) ? path : plain_path(d, path);
    size_t i = map_put(&d->paths, plain, &is_new);
    if (is_new)
        vec_push(&d->path_list, plain);
    return (uint32_t)i;
}

/* ---- makers ---- */

static int two_makers(struct definition *d, uint32_t path, const struct step *a,
                      const struct step *b, struct error *e)
{
    char quoted[QUOTE_MAX];
    struct text name = d->p->paths[path];
    error_set(e, ERR_DATA, "%s is made by step %s in line %u, too: %s", b->name, a->name,
              (unsigned)a->entry->line, quote(quoted, name.at, name.len));
    return error_at(e, d->p->path, b->entry->line, b->entry->column);
}

static bool is_above(struct text name)
{
    return name.len >= 2 && memcmp(name.at, "..", 2) == 0 && (name.len == 2 || name.at[2] == '/');
}

/* Of "." and what is outside of the definition's folder it cannot be told by the names. */
static void note_holders(struct definition *d)
{
    struct pipeline *p = d->p;
    p->holds = arena_zero(&p->arena, p->path_count + 1);
    for (size_t i = 0; i < p->path_count; i++) {
        struct text name = p->paths[i];
        for (size_t n = name.len; n-- > 1;) {
            size_t around =
                name.at[n] == '/' ? map_get(&d->paths, (struct text){name.at, n}) : MAP_NONE;
            if (around != MAP_NONE)
                p->holds[around] = true;
        }
        if (name.at[0] == '/' || text_equal(name, text_of(".")) || is_above(name))
            p->holds[i] = true;
    }
}

static int note_makers(struct definition *d, struct error *e)
{
    struct pipeline *p = d->p;
    note_holders(d);
    p->maker = arena_alloc(&p->arena, (p->path_count + 1) * sizeof *p->maker);
    p->moving = arena_zero(&p->arena, p->path_count + 1);
    for (size_t i = 0; i < p->path_count; i++)
        p->maker[i] = STEP_NONE;
    for (uint32_t i = 0; i < p->step_count; i++)
        for (uint32_t k = 0; k < p->steps[i].out_count; k++) {
            uint32_t *maker = &p->maker[p->steps[i].out[k]];
            if (*maker != STEP_NONE)
                return two_makers(d, p->steps[i].out[k], &p->steps[*maker], &p->steps[i], e);
            *maker = i;
        }
    return 0;
}

/* ---- folders that are made, or whose files are ---- */

/* Outputs in order, to find those inside a folder. */
struct made {
    const struct pipeline *p;
    uint32_t *sorted;
    size_t count;
    bool ready;
};

static int compare_paths(const void *a, const void *b, void *context)
{
    const struct pipeline *p = context;
    return text_compare(p->paths[*(const uint32_t *)a], p->paths[*(const uint32_t *)b]);
}

static void sort_made(struct made *m)
{
    const struct pipeline *p = m->p;
    m->ready = true;
    m->sorted = mem_array(NULL, p->path_count + 1, sizeof *m->sorted);
    for (uint32_t i = 0; i < p->path_count; i++)
        if (p->maker[i] != STEP_NONE)
            m->sorted[m->count++] = i;
    qsort_r(m->sorted, m->count, sizeof *m->sorted, compare_paths, (void *)(uintptr_t)p);
}

static bool is_inside(struct text path, struct text folder)
{
    return path.len > folder.len && path.at[folder.len] == '/' &&
           memcmp(path.at, folder.at, folder.len) == 0;
}

/* Those inside the folder follow one another: names with a byte below '/' may come in between. */
static void add_inside(struct made *m, uint32_t folder, number_list *out)
{
    const struct pipeline *p = m->p;
    struct text name = p->paths[folder];
    size_t low = 0, high = m->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (text_compare(p->paths[m->sorted[middle]], name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < m->count; low++) {
        struct text path = p->paths[m->sorted[low]];
        if (path.len < name.len || memcmp(path.at, name.at, name.len) != 0)
            return;
        if (is_inside(path, name))
            vec_push(out, p->maker[m->sorted[low]]);
    }
}

/* The folder that is made and has the file in it. */
static void add_around(struct definition *d, uint32_t path, number_list *out)
{
    struct text name = d->p->paths[path];
    for (size_t n = name.len; n-- > 1;) {
        if (name.at[n] != '/')
            continue;
        size_t i = map_get(&d->paths, (struct text){name.at, n});
        if (i != MAP_NONE && d->p->maker[i] != STEP_NONE)
            vec_push(out, d->p->maker[i]);
    }
}

/* ---- edges ---- */

static int add_needs(struct definition *d, const struct doc_node *n, number_list *out,
                     struct error *e)
{
    char quoted[QUOTE_MAX];
    size_t count = n->kind == DOC_LIST ? n->count : 1;
    for (size_t i = 0; i < count; i++) {
        const struct doc_node *item = n->kind == DOC_LIST ? &n->items[i] : n;
        size_t step = map_get(&d->names, item->text);
        bool found = step != MAP_NONE;
        for (size_t k = 0; step == MAP_NONE && k < d->entries.len; k++) {
            const struct entry_range *r = &d->entries.at[k];
            if (!text_equal(doc_get(r->node, "name")->text, item->text))
                continue;
            found = true; /* it may have come to no step */
            for (uint32_t s = 0; s < r->count; s++)
                vec_push(out, r->first + s);
        }
        if (step != MAP_NONE)
            vec_push(out, (uint32_t)step);
        if (!found)
            return doc_error(d->doc, item, e, "there is no step %s",
                             quote(quoted, item->text.at, item->text.len));
    }
    return 0;
}

int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Those that register versions of the model that it requires. */
static void add_registering(const struct pipeline *p, const struct step *s, number_list *out)
{
    for (uint32_t i = 0; s->requires && i < p->step_count; i++)
        if (p->steps[i].model && strcmp(p->steps[i].model, s->requires) == 0)
            vec_push(out, i);
}

static void keep_edges(struct definition *d, struct step *s, number_list *list)
{
    size_t n = 0;
    if (list->len > 1)
        qsort(list->at, list->len, sizeof *list->at, compare_numbers);
    for (size_t i = 0; i < list->len; i++)
        if (i == 0 || list->at[i] != list->at[n - 1])
            list->at[n++] = list->at[i];
    s->waits_for = n ? arena_copy(&d->p->arena, list->at, n * sizeof *list->at) : NULL;
    s->wait_count = (uint32_t)n;
}

static void add_inputs(struct definition *d, const struct step *s, struct made *made,
                       number_list *out)
{
    for (uint32_t k = 0; k < s->in_count; k++) {
        uint32_t path = s->in[k], maker = d->p->maker[path];
        if (maker != STEP_NONE) {
            vec_push(out, maker);
            continue;
        }
        if (!made->ready)
            sort_made(made);
        size_t before = out->len;
        add_inside(made, path, out);
        add_around(d, path, out);
        d->p->moving[path] = out->len > before;
    }
}

static int add_edges(struct definition *d, struct error *e)
{
    struct made made = {.p = d->p};
    number_list list = {0};
    int status = 0;
    for (size_t i = 0; i < d->entries.len && status == 0; i++) {
        const struct entry_range *r = &d->entries.at[i];
        const struct doc_node *needs = doc_get(r->node, "needs");
        for (uint32_t k = r->first; k < r->first + r->count && status == 0; k++) {
            list.len = 0;
            if (needs)
                status = add_needs(d, needs, &list, e);
            add_inputs(d, &d->p->steps[k], &made, &list);
            add_registering(d->p, &d->p->steps[k], &list);
            keep_edges(d, &d->p->steps[k], &list);
        }
    }
    vec_release(&list);
    mem_free(made.sorted);
    return status;
}

/* ---- cycles ---- */

/* Waits for step `at` from itself on, as names; steps whose `left` is 0 wait for nothing. */
static int tell_cycle(const struct pipeline *p, const uint32_t *left, struct error *e)
{
    struct buf text = {0};
    uint32_t *seen = mem_alloc((p->step_count + 1) * sizeof *seen), at = 0, count = 0;
    while (left[at] == 0)
        at++;
    while (!seen[at]) {
        const struct step *s = &p->steps[at];
        seen[at] = ++count;
        for (uint32_t k = 0; k < s->wait_count; k++)
            if (left[s->waits_for[k]]) {
                at = s->waits_for[k];
                break;
            }
    }
    uint32_t first = at;
    do {
        const struct step *s = &p->steps[at];
        buf_format(&text, "%s waits for ", s->name);
        for (uint32_t k = 0; k < s->wait_count; k++)
            if (left[s->waits_for[k]]) {
                at = s->waits_for[k];
                break;
            }
    } while (at != first && text.len < 500);
    buf_puts(&text, at == first ? p->steps[first].name : "...");
    error_set(e, ERR_DATA, "the steps wait for one another: %s", buf_text(&text));
    error_at(e, p->path, p->steps[first].entry->line, p->steps[first].entry->column);
    buf_release(&text);
    mem_free(seen);
    return ERR_DATA;
}

/* Counts into from[i + 2], adds up, then fills: from[i + 1] moves to where step i's end. */
static void note_waiters(struct pipeline *p)
{
    size_t n = p->step_count, edges = 0;
    uint32_t *from = p->waiters_from = arena_zero(&p->arena, (n + 2) * sizeof *from);
    for (size_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < p->steps[i].wait_count; k++, edges++)
            from[p->steps[i].waits_for[k] + 2]++;
    for (size_t i = 2; i < n + 2; i++)
        from[i] += from[i - 1];
    p->waiters = arena_alloc(&p->arena, (edges + 1) * sizeof *p->waiters);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < p->steps[i].wait_count; k++)
            p->waiters[from[p->steps[i].waits_for[k] + 1]++] = i;
}

/* Kahn, "Topological sorting of large networks" (1962). */
static int note_order(struct pipeline *p, struct error *e)
{
    size_t n = p->step_count, done = 0, count = 0;
    uint32_t *left = mem_alloc((n + 1) * sizeof *left);
    p->order = arena_alloc(&p->arena, (n + 1) * sizeof *p->order);
    for (uint32_t i = 0; i < n; i++)
        if ((left[i] = p->steps[i].wait_count) == 0)
            p->order[count++] = i;
    for (; done < count; done++)
        for (uint32_t k = p->waiters_from[p->order[done]],
                      end = p->waiters_from[p->order[done] + 1];
             k < end; k++)
            if (--left[p->waiters[k]] == 0)
                p->order[count++] = p->waiters[k];
    int status = done == n ? 0 : tell_cycle(p, left, e);
    mem_free(left);
    return status;
}

int definition_edges(struct definition *d, struct error *e)
{
    int status = note_makers(d, e);
    if (status == 0)
        status = add_edges(d, e);
    if (status)
        return status;
    note_waiters(d->p);
    return note_order(d->p, e);
}
