/* Templates of dvc.yaml: ${item}, ${key}, and values of params.yaml and vars, which become
 * parameters. */
#include "exchange/import_dvc.h"
#include "exchange/yaml.h"

#include <unistd.h>

/* ---- where values come from ---- */

/* Beside dvc.yaml. Returns owned. */
static char *beside(const struct dvc *d, const char *name)
{
    const char *slash = strrchr(d->x->path, '/');
    if (name[0] == '/' || !slash)
        return mem_text(name);
    return mem_format("%.*s/%s", (int)(slash - d->x->path), d->x->path, name);
}

static int load_file(struct dvc *d, const char *name)
{
    struct doc *doc = NULL;
    char *path = beside(d, name);
    int status = doc_load(path, &doc, d->x->e);
    if (status == 0)
        vec_push(&d->files, doc);
    mem_free(path);
    return status;
}

/* "file" or "file:key,key": all of its keys are taken. */
static int read_vars_item(struct dvc *d, const struct doc_node *n)
{
    if (n->kind == DOC_MAP) {
        if (d->inline_vars)
            return doc_error(d->x->doc, n, d->x->e, "vars has one map");
        d->inline_vars = n;
        return 0;
    }
    if (n->kind != DOC_TEXT)
        return doc_error(d->x->doc, n, d->x->e, "vars is a list of files and maps");
    const char *colon = memchr(n->text.at, ':', n->text.len);
    char *name = mem_text_n(n->text.at, colon ? (size_t)(colon - n->text.at) : n->text.len);
    int status = load_file(d, name);
    mem_free(name);
    return status;
}

int dvc_vars(struct dvc *d, const struct doc_node *vars)
{
    char *path = beside(d, "params.yaml");
    bool is_there = access(path, R_OK) == 0;
    int status = 0;
    mem_free(path);
    if (vars && vars->kind != DOC_LIST)
        return doc_error(d->x->doc, vars, d->x->e, "vars is a list of files and maps");
    for (size_t i = 0; vars && i < vars->count && status == 0; i++)
        status = read_vars_item(d, &vars->items[i]);
    return status == 0 && is_there ? load_file(d, "params.yaml") : status;
}

/* a.b[0].c */
static const struct doc_node *find_in(const struct doc_node *n, struct text path)
{
    const char *at = path.at, *end = at + path.len;
    while (n && at < end) {
        bool index = *at == '[';
        at += index || *at == '.';
        const char *start = at;
        while (at < end && *at != '.' && *at != '[' && *at != ']')
            at++;
        struct text key = {start, (size_t)(at - start)};
        at += index && at < end;
        int64_t number;
        double f;
        if (n->kind == DOC_LIST && number_parse(key.at, key.len, &number, &f) == NUMBER_INT &&
            number >= 0 && (uint64_t)number < n->count) {
            n = &n->items[number];
            continue;
        }
        char *name = mem_text_n(key.at, key.len);
        n = doc_get(n, name);
        mem_free(name);
    }
    return n;
}

static const struct doc_node *find_value(const struct dvc *d, struct text path)
{
    const struct doc_node *found = d->inline_vars ? find_in(d->inline_vars, path) : NULL;
    for (size_t i = 0; i < d->files.len && !found; i++)
        found = find_in(doc_root(d->files.at[i]), path);
    return found;
}

/* ---- a template ---- */

static bool is_path(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_-.[]", c));
}

/* The name between ${ and }, blanks around it; how many bytes all of it takes, 0: it is none. */
static size_t template_at(const char *at, const char *end, struct text *path)
{
    const char *start = at + 2;
    while (start < end && *start == ' ')
        start++;
    const char *behind = start;
    while (behind < end && is_path(*behind))
        behind++;
    *path = (struct text){start, (size_t)(behind - start)};
    while (behind < end && *behind == ' ')
        behind++;
    return behind < end && *behind == '}' && path->len ? (size_t)(behind + 1 - at) : 0;
}

static int no_value(struct dvc *d, const struct doc_node *n, const char *what, struct text path)
{
    char quoted[QUOTE_MAX];
    return doc_error(d->x->doc, n, d->x->e, "${%s}: %s", quote(quoted, path.at, path.len), what);
}

static bool begins(struct text path, const char *word, struct text *rest)
{
    size_t n = strlen(word);
    if (path.len < n || memcmp(path.at, word, n) != 0 || (path.len > n && path.at[n] != '.'))
        return false;
    *rest = path.len > n ? (struct text){path.at + n + 1, path.len - n - 1} : (struct text){"", 0};
    return true;
}

static int put_item(struct dvc *d, const struct doc_node *n, struct text path, struct text rest,
                    struct buf *out)
{
    bool deep = rest.len && (memchr(rest.at, '.', rest.len) || memchr(rest.at, '[', rest.len));
    bool maps = d->items == ITEMS_MAPS || d->items == ITEMS_NAMED_MAPS || d->items == ITEMS_MATRIX;
    if (deep || maps != (rest.len > 0))
        return no_value(d, n, "this part of an item is not there, or is no text", path);
    if (d->items == ITEMS_SCALARS)
        buf_puts(out, "${item}");
    else if (d->items == ITEMS_NAMED_SCALARS)
        buf_puts(out, "${item.value}");
    else if (d->items == ITEMS_MATRIX)
        buf_format(out, "${%.*s}", (int)rest.len, rest.at);
    else
        buf_format(out, "${item.%.*s}", (int)rest.len, rest.at);
    return 0;
}

/* train.lr as train-lr. */
static struct text parameter_name(struct dvc *d, struct text path)
{
    char *name = arena_alloc(&d->x->arena, path.len + 1);
    size_t length = 0;
    for (size_t i = 0; i < path.len; i++)
        if (path.at[i] != ']')
            name[length++] = path.at[i] == '.' || path.at[i] == '[' ? '-' : path.at[i];
    name[length] = 0;
    return (struct text){name, length};
}

static int add_parameter(struct dvc *d, const struct doc_node *n, struct text path,
                         const struct doc_node *value, struct text *name)
{
    *name = parameter_name(d, path);
    if (!import_is_name(*name))
        return no_value(d, n, "it is too long for a parameter's name", path);
    if (d->matrix && doc_get(d->matrix, name->at))
        return no_value(d, n, "a variable of matrix has this name, too", path);
    for (size_t i = 0; i < d->parameters.len; i++) {
        const struct dvc_parameter *p = &d->parameters.at[i];
        if (!text_equal(p->name, *name))
            continue;
        if (p->value == value)
            return 0;
        return no_value(d, n, "another value has this name as a parameter", path);
    }
    vec_push(&d->parameters, ((struct dvc_parameter){path, *name, value}));
    return 0;
}

static int put_template(struct dvc *d, const struct doc_node *n, struct text path, struct buf *out)
{
    struct text rest, name;
    bool named = d->items == ITEMS_NAMED_SCALARS || d->items == ITEMS_NAMED_MAPS;
    if (d->items != ITEMS_NONE && begins(path, "item", &rest))
        return put_item(d, n, path, rest, out);
    if (named && text_equal(path, text_of("key"))) {
        buf_puts(out, "${item.key}");
        return 0;
    }
    const struct doc_node *value = find_value(d, path);
    if (!value)
        return no_value(d, n, "neither params.yaml nor vars has this value", path);
    if (value->kind == DOC_LIST || value->kind == DOC_MAP || value->kind == DOC_NULL)
        return no_value(d, n, "only one value can be put into a text", path);
    int status = add_parameter(d, n, path, value, &name);
    if (status == 0)
        buf_format(out, "${%s}", name.at);
    return status;
}

int dvc_text(struct dvc *d, const struct doc_node *n, struct text *out)
{
    struct buf b = {0};
    struct text path;
    int status = 0;
    if (n->kind == DOC_LIST || n->kind == DOC_MAP || n->kind == DOC_NULL)
        return doc_error(d->x->doc, n, d->x->e, "a text is wanted here, not %s",
                         doc_kind_name(n->kind));
    for (const char *at = n->text.at, *end = at + n->text.len; at < end && status == 0;) {
        size_t left = (size_t)(end - at);
        if (left > 2 && memcmp(at, "\\${", 3) == 0) {
            buf_puts(&b, "$${");
            at += 3;
        } else if (left > 1 && memcmp(at, "${", 2) == 0) {
            size_t length = template_at(at, end, &path);
            status = length ? put_template(d, n, path, &b)
                            : doc_error(d->x->doc, n, d->x->e, "${ without a name and }");
            at += length;
        } else {
            buf_putc(&b, *at++);
        }
    }
    *out = import_keep(d->x, &b);
    buf_release(&b);
    return status;
}

int dvc_values(struct dvc *d, const struct doc_node *n, const struct doc_node **out)
{
    struct text path;
    *out = n;
    if (n->kind != DOC_TEXT || n->text.len < 3 || memcmp(n->text.at, "${", 2) != 0)
        return 0;
    if (template_at(n->text.at, n->text.at + n->text.len, &path) != n->text.len)
        return doc_error(d->x->doc, n, d->x->e, "a list is wanted here, or one template");
    *out = find_value(d, path);
    return *out ? 0 : no_value(d, n, "neither params.yaml nor vars has this value", path);
}

/* ---- foreach and matrix ---- */

static int put_scalar(struct dvc *d, const struct doc_node *n)
{
    struct text text = {"", 0};
    int status = dvc_text(d, n, &text);
    if (status == 0 && n->kind == DOC_TEXT)
        yaml_put_text(d->x->out, text);
    else if (status == 0)
        buf_add(d->x->out, text.at, text.len);
    return status;
}

/* {key: KEY, value: V}, or {key: KEY, and what the map has}. */
static int put_map(struct dvc *d, const struct doc_node *key, const struct doc_node *n)
{
    int status = 0;
    bool scalar = n->kind != DOC_MAP;
    buf_putc(d->x->out, '{');
    if (key) {
        buf_puts(d->x->out, "key: ");
        yaml_put_quoted(d->x->out, key->text);
    }
    if (scalar) {
        buf_puts(d->x->out, ", value: ");
        status = put_scalar(d, n);
    }
    for (size_t i = 0; !scalar && i < n->count && status == 0; i++) {
        buf_puts(d->x->out, i || key ? ", " : "");
        if (key && text_equal(n->items[2 * i].text, text_of("key")))
            return doc_error(d->x->doc, &n->items[2 * i], d->x->e, "an item with a part named key");
        yaml_put_quoted(d->x->out, n->items[2 * i].text);
        buf_puts(d->x->out, ": ");
        status = put_scalar(d, &n->items[2 * i + 1]);
    }
    buf_putc(d->x->out, '}');
    return status;
}

static enum dvc_items kind_of(const struct doc_node *n)
{
    bool map = n->kind == DOC_MAP;
    bool maps = n->count && n->items[map ? 1 : 0].kind == DOC_MAP;
    if (map)
        return maps ? ITEMS_NAMED_MAPS : ITEMS_NAMED_SCALARS;
    return maps ? ITEMS_MAPS : ITEMS_SCALARS;
}

int dvc_put_foreach(struct dvc *d, const struct doc_node *n)
{
    int status = dvc_values(d, n, &n);
    if (status)
        return status;
    if (n->kind != DOC_LIST && n->kind != DOC_MAP)
        return doc_error(d->x->doc, n, d->x->e, "foreach is a list or a map");
    enum dvc_items kind = kind_of(n);
    bool map = n->kind == DOC_MAP, maps = kind == ITEMS_MAPS || kind == ITEMS_NAMED_MAPS;
    buf_puts(d->x->out, "    foreach: [");
    for (size_t i = 0; i < n->count && status == 0; i++) {
        const struct doc_node *item = &n->items[map ? 2 * i + 1 : i];
        buf_puts(d->x->out, i ? ", " : "");
        if ((item->kind == DOC_MAP) != maps)
            return doc_error(d->x->doc, item, d->x->e, "items are all maps, or none is");
        status =
            map || maps ? put_map(d, map ? &n->items[2 * i] : NULL, item) : put_scalar(d, item);
    }
    buf_puts(d->x->out, "]\n");
    d->items = kind;
    return status;
}

int dvc_put_matrix(struct dvc *d, const struct doc_node *n)
{
    int status = 0;
    if (n->kind != DOC_MAP)
        return doc_error(d->x->doc, n, d->x->e, "matrix is a map of lists");
    buf_puts(d->x->out, "    matrix: {");
    for (size_t i = 0; i < n->count && status == 0; i++) {
        const struct doc_node *list = NULL;
        buf_puts(d->x->out, i ? ", " : "");
        yaml_put_quoted(d->x->out, n->items[2 * i].text);
        buf_puts(d->x->out, ": [");
        status = dvc_values(d, &n->items[2 * i + 1], &list);
        if (status == 0 && list->kind != DOC_LIST)
            status = doc_error(d->x->doc, list, d->x->e, "matrix is a map of lists");
        for (size_t k = 0; status == 0 && k < list->count; k++) {
            buf_puts(d->x->out, k ? ", " : "");
            status = put_scalar(d, &list->items[k]);
        }
        buf_putc(d->x->out, ']');
    }
    buf_puts(d->x->out, "}\n");
    d->items = ITEMS_MATRIX;
    d->matrix = n;
    return status;
}
