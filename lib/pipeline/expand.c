/* foreach and matrix: one entry, many steps. */
#include "pipeline/definition.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <unistd.h>

enum { COMBINATIONS_MAX = 1000000 };

/* A variable and its values. */
struct variable {
    struct text name;
    text_list values;
    const struct doc_node *items; /* that they came from, when they may be maps */
};

typedef int maker(struct definition *d, void *context, struct error *e);

/* ---- values ---- */

int definition_compare_texts(const void *a, const void *b)
{
    return text_compare(*(const struct text *)a, *(const struct text *)b);
}

int definition_match(struct definition *d, const struct doc_node *n, struct text pattern,
                     text_list *out, struct error *e)
{
    char quoted[QUOTE_MAX];
    glob_t found = {0};
    bool outside = pattern.at[0] == '/';
    d->p->has_patterns = true;
    struct buf whole = {0};
    for (const char *at = outside ? "" : d->p->folder; *at; at++) { /* it is no pattern */
        if (strchr("*?[\\", *at))
            buf_putc(&whole, '\\');
        buf_putc(&whole, *at);
    }
    buf_format(&whole, "%s%s", outside ? "" : "/", pattern.at);
    size_t cut = outside ? 0 : strlen(d->p->folder) + 1;
    int failed = glob(buf_text(&whole), GLOB_NOSORT, NULL, &found);
    for (size_t i = 0; failed == 0 && i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i] + cut;
        vec_push(out, text_of(arena_text(&d->p->arena, path, strlen(path))));
    }
    globfree(&found);
    buf_release(&whole);
    if (failed && failed != GLOB_NOMATCH)
        return doc_error(d->doc, n, e, "cannot look for %s",
                         quote(quoted, pattern.at, pattern.len));
    if (out->len > 1)
        qsort(out->at, out->len, sizeof *out->at, definition_compare_texts);
    return 0;
}

const struct doc_node *definition_lines(const struct doc_node *n)
{
    bool is =
        n->kind == DOC_MAP && n->count == 1 && text_equal(n->items[0].text, TEXT_LITERAL("lines"));
    return is ? &n->items[1] : NULL;
}

/* The lines of a file that are not empty. One that is not there has none as long as it is to be
 * made yet. */
static int read_lines(struct definition *d, const struct doc_node *n, text_list *out,
                      struct error *e)
{
    enum { LONGEST = 64 << 20 };
    struct text name;
    struct buf bytes = {0};
    if (definition_text(d, n, false, &name, e) < 0)
        return ERR_DATA;
    d->p->has_patterns = true;
    char *path = name.at[0] == '/' ? mem_text(name.at) : mem_format("%s/%s", d->p->folder, name.at);
    bool there = access(path, F_OK) == 0;
    int status = !there && d->round == ROUND_ALL ? 0 : file_load(path, LONGEST, &bytes, e);
    mem_free(path);
    const char *end = bytes.at + bytes.len;
    for (const char *at = bytes.at, *stop; status == 0 && at < end; at = stop + 1) {
        stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        size_t len = (size_t)(stop - at) - (stop > at && stop[-1] == '\r');
        if (memchr(at, 0, len))
            status = doc_error(d->doc, n, e, "%s: a line with a NUL character", name.at);
        if (len)
            vec_push(out, ((struct text){arena_text(&d->p->arena, at, len), len}));
    }
    buf_release(&bytes);
    return status;
}

/* maps: a value may be one; its text is empty. */
static int list_values(struct definition *d, const struct doc_node *n, bool maps, text_list *out,
                       struct error *e)
{
    struct text text;
    if (n->kind == DOC_TEXT) {
        int status = definition_text(d, n, false, &text, e);
        return status ? status : definition_match(d, n, text, out, e);
    }
    if (definition_lines(n))
        return read_lines(d, definition_lines(n), out, e);
    if (n->kind != DOC_LIST)
        return doc_error(d->doc, n, e,
                         "a list of values, a pattern of files or {lines: FILE} is wanted here");
    for (size_t i = 0; i < n->count; i++) {
        text = (struct text){"", 0};
        if (!(maps && n->items[i].kind == DOC_MAP) &&
            definition_text(d, &n->items[i], false, &text, e) < 0)
            return ERR_DATA;
        vec_push(out, text);
    }
    return 0;
}

static void release(struct variable *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        vec_release(&at[i].values);
}

/* ---- variables ---- */

static struct text only_name(const struct doc_node *each)
{
    return each->kind == DOC_MAP && each->count == 1 ? each->items[0].text : TEXT_LITERAL("item");
}

const struct doc_node *definition_source(const struct doc_node *entry, struct text variable)
{
    const struct doc_node *each = doc_get(entry, "foreach"), *all = doc_get(entry, "matrix");
    if (each && text_equal(only_name(each), variable))
        return each->kind == DOC_MAP ? &each->items[1] : each;
    for (size_t i = 0; all && all->kind == DOC_MAP && i < all->count; i++)
        if (text_equal(all->items[2 * i].text, variable))
            return &all->items[2 * i + 1];
    return NULL;
}

/* ---- foreach ---- */

/* item, and item.KEY of one that is a map. */
static int bind_item(struct definition *d, const struct variable *v, size_t i,
                     struct binding *bindings, size_t *count, struct error *e)
{
    const struct doc_node *item = v->items ? &v->items[i] : NULL;
    *count = 0;
    if (!item || item->kind != DOC_MAP) {
        bindings[(*count)++] = (struct binding){v->name, v->values.at[i]};
        return 0;
    }
    for (size_t k = 0; k < item->count; k++) {
        const struct doc_node *key = &item->items[2 * k];
        struct text value;
        if (definition_text(d, key + 1, false, &value, e) < 0)
            return ERR_DATA;
        char *name = arena_format(&d->p->arena, "%.*s.%.*s", (int)v->name.len, v->name.at,
                                  (int)key->text.len, key->text.at);
        bindings[(*count)++] = (struct binding){text_of(name), value};
    }
    return 0;
}

static size_t widest_item(const struct doc_node *n)
{
    size_t most = 1;
    for (size_t i = 0; n->kind == DOC_LIST && i < n->count; i++)
        if (n->items[i].kind == DOC_MAP && n->items[i].count > most)
            most = n->items[i].count;
    return most;
}

/* A list or a pattern of the variable item, or a map that names the variable. */
static int for_each(struct definition *d, const struct doc_node *n, maker *make, void *context,
                    struct error *e)
{
    struct variable v = {.name = only_name(n)};
    if (n->kind == DOC_MAP && n->count == 1) {
        n = &n->items[1];
    } else if (n->kind == DOC_MAP) {
        return doc_error(d->doc, n, e, "foreach has one variable: matrix takes several");
    }
    v.items = n->kind == DOC_LIST ? n->items : NULL;
    struct binding *bindings = mem_array(NULL, widest_item(n), sizeof *bindings);
    int status = list_values(d, n, true, &v.values, e);
    for (size_t i = 0; i < v.values.len && status == 0; i++) {
        d->binding_count = 0;
        status = bind_item(d, &v, i, bindings, &d->binding_count, e);
        d->bindings = bindings;
        if (status == 0)
            status = make(d, context, e);
    }
    d->binding_count = 0;
    mem_free(bindings);
    release(&v, 1);
    return status;
}

/* ---- matrix ---- */

/* The next combination: the last variable changes first. */
static bool advance(const struct variable *v, size_t *at, size_t n)
{
    for (size_t i = n; i-- > 0;) {
        if (++at[i] < v[i].values.len)
            return true;
        at[i] = 0;
    }
    return false;
}

static int each_combination(struct definition *d, const struct variable *v, size_t n, maker *make,
                            void *context, struct error *e)
{
    size_t *at = mem_alloc((n + 1) * sizeof *at);
    struct binding *bindings = mem_alloc((n + 1) * sizeof *bindings);
    int status = 0;
    do {
        for (size_t i = 0; i < n; i++)
            bindings[i] = (struct binding){v[i].name, v[i].values.at[at[i]]};
        d->bindings = bindings;
        d->binding_count = n;
        status = make(d, context, e);
    } while (status == 0 && advance(v, at, n));
    d->binding_count = 0;
    mem_free(bindings);
    mem_free(at);
    return status;
}

static int matrix(struct definition *d, const struct doc_node *n, maker *make, void *context,
                  struct error *e)
{
    if (n->kind != DOC_MAP || n->count == 0)
        return doc_error(d->doc, n, e, "matrix is a map of variables and their values");
    struct variable *v = mem_alloc(n->count * sizeof *v);
    double steps = 1;
    int status = 0;
    for (size_t i = 0; i < n->count && status == 0; i++) {
        v[i].name = n->items[2 * i].text;
        status = list_values(d, &n->items[2 * i + 1], false, &v[i].values, e);
        steps *= (double)v[i].values.len;
    }
    if (status == 0 && steps > COMBINATIONS_MAX)
        status = doc_error(d->doc, n, e, "matrix has %.0f combinations", steps);
    if (status == 0 && steps > 0)
        status = each_combination(d, v, n->count, make, context, e);
    release(v, n->count);
    mem_free(v);
    return status;
}

int definition_expand(struct definition *d, const struct doc_node *n, maker *make, void *context,
                      struct error *e)
{
    const struct doc_node *each = doc_get(n, "foreach"), *all = doc_get(n, "matrix");
    if (each && all)
        return doc_error(d->doc, all, e, "a step has foreach or matrix, not both");
    if (each)
        return for_each(d, each, make, context, e);
    return all ? matrix(d, all, make, context, e) : make(d, context, e);
}
