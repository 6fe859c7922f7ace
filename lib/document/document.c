#include "document/tree.h"
#include "sys/sys.h"

/* A byte order mark is no part of the text. */
static struct text without_mark(struct text t)
{
    bool marked = t.len >= 3 && memcmp(t.at, "\xEF\xBB\xBF", 3) == 0;
    return marked ? (struct text){t.at + 3, t.len - 3} : t;
}

static bool begins_with_brace(struct text t)
{
    size_t i = 0;
    while (i < t.len && memchr(" \t\r\n", t.at[i], 4))
        i++;
    return i < t.len && t.at[i] == '{';
}

/* What begins with { may be YAML in flow style, too. JSON is read as JSON, though nearly all of it
 * is YAML: libyaml does not take the two halves of a character in "\ud83d\ude00". */
static bool is_json(struct text t, enum doc_syntax syntax)
{
    if (syntax == DOC_BY_CONTENT)
        return begins_with_brace(t) && json_valid(t);
    return syntax == DOC_JSON;
}

static int read_bytes(struct tree *t, struct text bytes, enum doc_syntax syntax)
{
    if (bytes.len > DOC_BYTES_MAX)
        return tree_error(t, (struct place){0}, "longer than %d bytes", DOC_BYTES_MAX);
    if (!bytes.at)
        bytes = TEXT_LITERAL("");
    bytes = without_mark(bytes);
    return is_json(bytes, syntax) ? document_read_json(t, bytes) : document_read_yaml(t, bytes);
}

int doc_parse(const char *name, struct text bytes, enum doc_syntax syntax, struct doc **out,
              struct error *e)
{
    struct doc *d = mem_alloc(sizeof *d);
    d->name = name ? arena_text(&d->arena, name, strlen(name)) : NULL;
    struct tree t = {.doc = d, .e = e};
    int status = read_bytes(&t, bytes, syntax);
    tree_release(&t);
    if (status) {
        doc_free(d);
        d = NULL;
    }
    *out = d;
    return status;
}

static bool ends_with(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);
    return n >= m && memcmp(path + n - m, ending, m) == 0;
}

static enum doc_syntax syntax_of(const char *path)
{
    if (ends_with(path, ".json"))
        return DOC_JSON;
    return ends_with(path, ".yaml") || ends_with(path, ".yml") ? DOC_YAML : DOC_BY_CONTENT;
}

int doc_load(const char *path, struct doc **out, struct error *e)
{
    struct buf bytes = {0};
    *out = NULL;
    int status = file_load(path, DOC_BYTES_MAX, &bytes, e);
    if (status == 0)
        status = doc_parse(strcmp(path, "-") == 0 ? "standard input" : path,
                           (struct text){bytes.at, bytes.len}, syntax_of(path), out, e);
    buf_release(&bytes);
    return status;
}

void doc_free(struct doc *d)
{
    if (!d)
        return;
    arena_release(&d->arena);
    mem_free(d);
}

const struct doc_node *doc_root(const struct doc *d)
{
    return &d->root;
}

const struct doc_node *doc_get(const struct doc_node *n, const char *key)
{
    struct text wanted = text_of(key);
    for (size_t i = 0; n && n->kind == DOC_MAP && i < n->count; i++)
        if (text_equal(n->items[2 * i].text, wanted))
            return &n->items[2 * i + 1];
    return NULL;
}

const char *doc_kind_name(enum doc_kind kind)
{
    static const char *const names[] = {
        [DOC_NULL] = "null", [DOC_BOOL] = "true or false", [DOC_NUMBER] = "a number",
        [DOC_TEXT] = "text", [DOC_LIST] = "a list",        [DOC_MAP] = "a map",
    };
    return names[kind];
}

int doc_error(const struct doc *d, const struct doc_node *n, struct error *e, const char *format,
              ...)
{
    va_list args;
    va_start(args, format);
    int status = place_error(d, n ? place_of(n) : (struct place){0}, e, format, args);
    va_end(args);
    return status;
}
