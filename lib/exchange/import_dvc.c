/* dvc.yaml: its stages as steps. */
#include "exchange/import_dvc.h"
#include "exchange/yaml.h"

/* ---- paths ---- */

/* The place where the last part of the path begins. */
static size_t last_part(const struct buf *b)
{
    size_t n = b->len;
    while (n > 0 && b->at[n - 1] != '/')
        n--;
    return n;
}

static void add_part(struct buf *b, struct text part)
{
    size_t last = last_part(b);
    struct text before = {b->len ? b->at + last : "", b->len - last};
    if (part.len == 0 || (part.len == 1 && part.at[0] == '.'))
        return;
    if (part.len == 2 && memcmp(part.at, "..", 2) == 0 && before.len && before.at[0] != '$' &&
        !text_equal(before, part)) {
        b->len = last > 1 ? last - 1 : last; /* the first slash stays */
        return;
    }
    if (b->len && b->at[b->len - 1] != '/')
        buf_putc(b, '/');
    buf_add(b, part.at, part.len);
}

/* From the folder of dvc.yaml: DVC's are from that of the stage. ".." goes back where the part
 * before it is known. */
static struct text whole_path(struct dvc *d, struct text folder, struct text path)
{
    struct buf b = {0};
    struct text both[] = {folder, path};
    if (path.len && path.at[0] == '/')
        buf_putc(&b, '/');
    for (size_t i = path.at[0] == '/' ? 1 : 0; i < 2; i++)
        for (const char *at = both[i].at, *end = at + both[i].len; at < end;) {
            const char *slash = memchr(at, '/', (size_t)(end - at));
            size_t n = (size_t)((slash ? slash : end) - at);
            add_part(&b, (struct text){at, n});
            at += n + 1;
        }
    if (b.len == 0)
        buf_putc(&b, '.');
    struct text out = import_keep(d->x, &b);
    buf_release(&b);
    return out;
}

static int add_path(struct dvc *d, const struct doc_node *n, struct text folder, text_list *list)
{
    struct text path;
    int status = dvc_text(d, n, &path);
    if (status)
        return status;
    if (path.len == 0 || memmem(path.at, path.len, "://", 3))
        return doc_error(d->x->doc, n, d->x->e, "a file of another machine has no place here");
    import_add_once(list, whole_path(d, folder, path));
    return 0;
}

/* ---- files ---- */

#define FILE_UNUSED                                                                                \
    "cache persist remote push type labels meta x y x_label y_label title template header "        \
    "fs_config frozen"

/* A path, or a map of one path and its settings. */
static int add_file(struct dvc *d, const struct doc_node *n, struct text folder, text_list *list)
{
    if (n->kind != DOC_MAP)
        return add_path(d, n, folder, list);
    const struct doc_node *persist = n->count == 1 ? doc_get(&n->items[1], "persist") : NULL;
    if (n->count != 1)
        return doc_error(d->x->doc, n, d->x->e, "a file is a path, or a map of one path");
    if (persist && persist->truth)
        return doc_error(d->x->doc, persist, d->x->e,
                         "persist: an output is removed before its step runs");
    if (n->items[1].kind == DOC_MAP) {
        int status = import_keys(d->x, &n->items[1], FILE_UNUSED " desc", "a file");
        if (status)
            return status;
        import_note_unused(d->x, &n->items[1], FILE_UNUSED, 4);
    }
    return add_path(d, &n->items[0], folder, list);
}

static int add_files(struct dvc *d, const struct doc_node *n, struct text folder, text_list *list)
{
    int status = 0;
    if (n && n->kind != DOC_LIST)
        return doc_error(d->x->doc, n, d->x->e, "files are a list");
    for (size_t i = 0; n && i < n->count && status == 0; i++)
        status = add_file(d, &n->items[i], folder, list);
    return status;
}

/* The file counts as a whole, not by the keys that are named. */
static int add_params(struct dvc *d, const struct doc_node *n, struct text folder, text_list *in)
{
    struct doc_node usual = {.kind = DOC_TEXT, .text = TEXT_LITERAL("params.yaml")};
    int status = 0;
    if (n && n->kind != DOC_LIST)
        return doc_error(d->x->doc, n, d->x->e, "params are a list");
    if (n && n->count)
        buf_puts(d->x->out, "    # DVC looks at some keys of its parameter files, pipe at all\n");
    for (size_t i = 0; n && i < n->count && status == 0; i++) {
        const struct doc_node *item = &n->items[i];
        if (item->kind != DOC_MAP)
            status = add_path(d, &usual, folder, in);
        for (size_t k = 0; item->kind == DOC_MAP && k < item->count && status == 0; k++)
            status = add_path(d, &item->items[2 * k], folder, in);
    }
    return status;
}

/* ---- a stage ---- */

/* Several commands are each a shell's, as DVC has it; the first that fails ends them. */
static int put_command(struct dvc *d, const struct doc_node *n)
{
    struct buf whole = {0};
    struct text text = {"", 0};
    int status = 0;
    bool list = n->kind == DOC_LIST;
    if (!list) {
        status = dvc_text(d, n, &text);
        buf_add(&whole, text.at, text.len);
    }
    buf_puts(&whole, list ? "set -e\n" : "");
    for (size_t i = 0; list && i < n->count && status == 0; i++) {
        status = dvc_text(d, &n->items[i], &text);
        buf_format(&whole, "(\n%s\n)\n", status ? "" : text.at);
    }
    if (status == 0) {
        buf_puts(d->x->out, "    run:");
        yaml_put_value(d->x->out, (struct text){whole.at ? whole.at : "", whole.len}, 6);
    }
    buf_release(&whole);
    return status;
}

static int put_files(struct dvc *d, const struct doc_node *n, struct text folder)
{
    text_list in = {0}, out = {0};
    int status = add_files(d, doc_get(n, "deps"), folder, &in);
    if (status == 0)
        status = add_params(d, doc_get(n, "params"), folder, &in);
    if (status == 0)
        status = add_files(d, doc_get(n, "outs"), folder, &out);
    if (status == 0)
        status = add_files(d, doc_get(n, "metrics"), folder, &out);
    if (status == 0)
        status = add_files(d, doc_get(n, "plots"), folder, &out);
    import_put_list(d->x, "in", &in, 4);
    import_put_list(d->x, "out", &out, 4);
    vec_release(&in);
    vec_release(&out);
    return status;
}

static bool is_true(const struct doc_node *n)
{
    return n && n->kind == DOC_BOOL && n->truth;
}

static int put_body(struct dvc *d, const struct doc_node *n)
{
    const struct doc_node *command = doc_get(n, "cmd"), *folder = doc_get(n, "wdir"),
                          *frozen = doc_get(n, "frozen"), *text = doc_get(n, "desc");
    struct text where = {"", 0};
    int status = import_keys(d->x, n,
                             "cmd wdir deps outs params metrics plots frozen always_changed desc "
                             "meta matrix",
                             "a stage");
    if (status)
        return status;
    if (!command)
        return doc_error(d->x->doc, n, d->x->e, "a stage without cmd");
    if (is_true(frozen))
        return doc_error(d->x->doc, frozen, d->x->e, "frozen: no step is kept from running");
    import_note_unused(d->x, n, "meta", 4);
    if (text && text->kind == DOC_TEXT) {
        buf_puts(d->x->out, "    description:");
        yaml_put_value(d->x->out, text->text, 6);
    }
    status = put_command(d, command);
    if (status == 0 && folder)
        status = dvc_text(d, folder, &where);
    if (where.len) {
        where = whole_path(d, (struct text){"", 0}, where);
        buf_puts(d->x->out, "    directory: ");
        yaml_put_text(d->x->out, where);
        buf_putc(d->x->out, '\n');
    }
    if (status == 0)
        status = put_files(d, n, where);
    if (is_true(doc_get(n, "always_changed")))
        buf_puts(d->x->out, "    cache: false\n");
    return status;
}

static int put_stage(struct dvc *d, const struct doc_node *name, const struct doc_node *n)
{
    char quoted[QUOTE_MAX];
    const struct doc_node *each = doc_get(n, "foreach"), *all = doc_get(n, "matrix");
    int status = 0;
    d->items = ITEMS_NONE;
    d->matrix = NULL;
    if (!import_is_name(name->text))
        return doc_error(d->x->doc, name, d->x->e,
                         "%s: a step's name has letters, digits, _ and -, at most 64",
                         quote(quoted, name->text.at, name->text.len));
    if (n->kind != DOC_MAP)
        return doc_error(d->x->doc, n, d->x->e, "a stage is a map, not %s", doc_kind_name(n->kind));
    buf_puts(d->x->out, "  - name: ");
    yaml_put_text(d->x->out, name->text);
    buf_putc(d->x->out, '\n');
    if (each) {
        const struct doc_node *body = doc_get(n, "do");
        status = import_keys(d->x, n, "foreach do", "a stage with foreach");
        if (status == 0 && !body)
            status = doc_error(d->x->doc, n, d->x->e, "foreach without do");
        if (status == 0)
            status = dvc_put_foreach(d, each);
        n = body;
    } else if (all) {
        status = dvc_put_matrix(d, all);
    }
    return status ? status : put_body(d, n);
}

/* ---- the whole ---- */

static int put_parameters(struct dvc *d)
{
    if (d->parameters.len)
        buf_puts(d->x->out, "# values of params.yaml and vars, as they were then\nparameters:\n");
    for (size_t i = 0; i < d->parameters.len; i++) {
        const struct dvc_parameter *p = &d->parameters.at[i];
        buf_puts(d->x->out, "  ");
        yaml_put_text(d->x->out, p->name);
        buf_puts(d->x->out, ": {default: ");
        if (p->value->kind == DOC_TEXT)
            yaml_put_quoted(d->x->out, p->value->text);
        else
            buf_add(d->x->out, p->value->text.at, p->value->text.len);
        buf_puts(d->x->out, "}\n");
    }
    return 0;
}

static int put_stages(struct dvc *d, const struct doc_node *stages)
{
    struct buf steps = {0}, *out = d->x->out;
    int status = 0;
    d->x->out = &steps;
    for (size_t i = 0; i < stages->count && status == 0; i++)
        status = put_stage(d, &stages->items[2 * i], &stages->items[2 * i + 1]);
    d->x->out = out;
    if (status == 0)
        status = put_parameters(d);
    buf_puts(out, steps.len ? "steps:\n" : "steps: []\n");
    buf_add(out, steps.at, steps.len);
    buf_release(&steps);
    return status;
}

static int put(struct import *x)
{
    struct dvc d = {.x = x};
    const struct doc_node *root = doc_root(x->doc), *stages = doc_get(root, "stages");
    int status =
        import_keys(x, root, "stages vars params metrics plots artifacts datasets", "a dvc.yaml");
    if (status)
        return status;
    if (!stages || stages->kind != DOC_MAP)
        return doc_error(x->doc, stages ? stages : root, x->e, "a dvc.yaml has a map of stages");
    status = dvc_vars(&d, doc_get(root, "vars"));
    buf_puts(x->out, "# from a dvc.yaml\n");
    import_note_unused(x, root, "params metrics plots artifacts datasets", 0);
    if (status == 0)
        status = put_stages(&d, stages);
    for (size_t i = 0; i < d.files.len; i++)
        doc_free(d.files.at[i]);
    vec_release(&d.files);
    vec_release(&d.parameters);
    return status;
}

const struct importer import_dvc = {
    .about = {"dvc", "a dvc.yaml"},
    .syntax = DOC_YAML,
    .put = put,
};
