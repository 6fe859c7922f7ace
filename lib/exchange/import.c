/* What all imports begin and end with. */
#include "exchange/import.h"
#include "exchange/yaml.h"

/* What was written must be a definition: what is not was wrong in the source. */
static int check_result(struct import *x)
{
    struct pipeline *p = NULL;
    struct error e = {0};
    int status =
        pipeline_parse_kept(x->path, (struct text){x->out->at, x->out->len}, NULL, 0, &p, &e);
    pipeline_free(p);
    if (status == 0)
        return 0;
    error_set(x->e, ERR_DATA, "no Pipefile can say this: %s", e.message);
    return error_at(x->e, x->path, 0, 0);
}

int import_run(const struct importer *from, const char *path, struct text bytes, struct buf *out,
               struct error *e)
{
    struct doc *doc = NULL;
    struct buf text = {0};
    struct import x = {.path = path, .out = &text, .e = e};
    int status = doc_parse(path, bytes, from->syntax, &doc, e);
    x.doc = doc;
    if (status == 0)
        status = from->put(&x);
    if (status == 0)
        status = check_result(&x);
    if (status == 0)
        buf_add(out, text.at, text.len);
    buf_release(&text);
    arena_release(&x.arena);
    doc_free(doc);
    return status;
}

/* ---- keys ---- */

static bool is_among(struct text key, const char *words)
{
    for (const char *at = words; *at;) {
        size_t n = strcspn(at, " ");
        if (text_equal(key, (struct text){at, n}))
            return true;
        at += n + (at[n] == ' ');
    }
    return false;
}

int import_keys(const struct import *x, const struct doc_node *n, const char *known,
                const char *what)
{
    char quoted[QUOTE_MAX];
    if (!n || n->kind != DOC_MAP)
        return doc_error(x->doc, n, x->e, "%s is a map, not %s", what,
                         n ? doc_kind_name(n->kind) : "nothing");
    for (size_t i = 0; i < n->count; i++) {
        const struct doc_node *key = &n->items[2 * i];
        if (!is_among(key->text, known))
            return doc_error(x->doc, key, x->e, "%s of %s has no place in a Pipefile",
                             quote(quoted, key->text.at, key->text.len), what);
    }
    return 0;
}

void import_note_unused(struct import *x, const struct doc_node *n, const char *keys, int indent)
{
    bool some = false;
    for (size_t i = 0; n && n->kind == DOC_MAP && i < n->count; i++) {
        const struct doc_node *key = &n->items[2 * i];
        if (!is_among(key->text, keys))
            continue;
        if (!some)
            buf_format(x->out, "%*s# not used here: ", indent, "");
        buf_format(x->out, "%s%.*s", some ? ", " : "", (int)key->text.len, key->text.at);
        some = true;
    }
    if (some)
        buf_putc(x->out, '\n');
}

/* ---- texts ---- */

void import_put_literal(struct buf *b, struct text text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '$' && i + 1 < text.len && text.at[i + 1] == '{')
            buf_putc(b, '$');
        buf_putc(b, text.at[i]);
    }
}

void import_put_expression_text(struct buf *b, struct text text)
{
    struct buf quoted = {0};
    buf_putc(&quoted, '\'');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '\'' || c == '\\')
            buf_format(&quoted, "\\%c", c);
        else if ((unsigned char)c < ' ')
            buf_format(&quoted, "\\u%04x", (unsigned)c);
        else
            buf_putc(&quoted, c);
    }
    buf_putc(&quoted, '\'');
    import_put_literal(b, (struct text){quoted.at, quoted.len});
    buf_release(&quoted);
}

struct text import_keep(struct import *x, struct buf *b)
{
    struct text out = {arena_text(&x->arena, b->at ? b->at : "", b->len), b->len};
    b->len = 0;
    return out;
}

void import_add_once(text_list *list, struct text text)
{
    for (size_t i = 0; i < list->len; i++)
        if (text_equal(list->at[i], text))
            return;
    vec_push(list, text);
}

void import_put_list(struct import *x, const char *key, const text_list *list, int indent)
{
    if (list->len == 0)
        return;
    buf_format(x->out, "%*s%s: [", indent, "", key);
    for (size_t i = 0; i < list->len; i++) {
        buf_puts(x->out, i ? ", " : "");
        yaml_put_text(x->out, list->at[i]);
    }
    buf_puts(x->out, "]\n");
}

bool import_is_name(struct text name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return name.len >= 1 && name.len <= 64;
}
