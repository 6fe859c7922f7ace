/*
 * Any bytes as a document; the first one chooses the syntax. What is refused must be refused with a
 * place in it; what is read must keep to the limits of the header. What JSON and YAML both read
 * must be the same.
 */
#include "document/document.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VISITS = 20000 }; /* aliases make trees of millions of values from few bytes */

static void check_error(struct text t, const struct error *e)
{
    uint64_t lines = 1;
    for (size_t i = 0; i < t.len; i++)
        lines += t.at[i] == '\n' || t.at[i] == '\r';
    if (e->code != ERR_DATA || e->line < 1 || e->line > lines || e->column < 1 ||
        e->column > t.len + 1 || e->message[0] == '\0' || strchr(e->message, '\n'))
        abort();
}

static void check_scalar(const struct doc_node *n)
{
    int64_t i;
    double f;
    if (n->count || !n->text.at)
        abort();
    if (n->kind == DOC_NUMBER && number_parse(n->text.at, n->text.len, &i, &f) == NUMBER_NONE)
        abort();
    if (utf8_valid_prefix(n->text.at, n->text.len) != n->text.len)
        abort();
}

static void check_keys(const struct doc_node *n)
{
    struct map keys = {0};
    bool is_new;
    for (size_t i = 0; i < n->count; i++) {
        const struct text key = n->items[2 * i].text;
        map_put(&keys, key, &is_new);
        bool whole = strlen(key.at) == key.len;
        if (!is_new || n->items[2 * i].kind != DOC_TEXT ||
            (whole && i < 20 && doc_get(n, key.at) != &n->items[2 * i + 1]))
            abort();
    }
    map_release(&keys);
}

static void check_node(const struct doc_node *n, size_t bytes, int depth, size_t *visits)
{
    if (++*visits > VISITS)
        return;
    if (n->line < 1 || n->column < 1 || n->line > bytes + 1 || n->column > bytes + 1)
        abort();
    if (n->kind < DOC_LIST) {
        check_scalar(n);
        return;
    }
    if (depth == 512 || n->text.len)
        abort();
    if (n->kind == DOC_MAP)
        check_keys(n);
    for (size_t i = 0; i < (n->kind == DOC_MAP ? 2 * n->count : n->count); i++)
        check_node(&n->items[i], bytes, depth + 1, visits);
}

static void check_same(const struct doc_node *a, const struct doc_node *b)
{
    if (a->kind != b->kind || a->truth != b->truth || a->line != b->line ||
        a->column != b->column || a->count != b->count || !text_equal(a->text, b->text))
        abort();
    for (size_t i = 0; i < (a->kind == DOC_MAP ? 2 * a->count : a->count); i++)
        check_same(&a->items[i], &b->items[i]);
}

/* YAML 1.1 has more ends of lines than JSON. */
static bool has_other_breaks(struct text t)
{
    return memmem(t.at, t.len, "\xC2\x85", 2) || memmem(t.at, t.len, "\xE2\x80\xA8", 3) ||
           memmem(t.at, t.len, "\xE2\x80\xA9", 3);
}

static void compare(const struct doc *json, struct text bytes)
{
    struct doc *yaml;
    if (has_other_breaks(bytes) || doc_parse("fuzz", bytes, DOC_YAML, &yaml, NULL))
        return;
    check_same(doc_root(json), doc_root(yaml));
    doc_free(yaml);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct text bytes = {(const char *)data + 1, size - 1};
    enum doc_syntax syntax = (enum doc_syntax)(data[0] % 3);
    struct doc *d;
    struct error e = {0};
    size_t visits = 0;
    if (doc_parse("fuzz", bytes, syntax, &d, &e)) {
        check_error(bytes, &e);
        return 0;
    }
    check_node(doc_root(d), bytes.len, 0, &visits);
    if (syntax == DOC_JSON)
        compare(d, bytes);
    doc_free(d);
    return 0;
}
