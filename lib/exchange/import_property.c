/* What SageMaker's steps have for others: files, models, values in JSON that they made. */
#include "exchange/import_sagemaker.h"

/* The item of a list whose key has that text. */
static const struct doc_node *item_named(const struct doc_node *list, const char *key,
                                         struct text name)
{
    for (size_t i = 0; list && list->kind == DOC_LIST && i < list->count; i++) {
        const struct doc_node *at = doc_get(&list->items[i], key);
        if (at && text_equal(at->text, name))
            return &list->items[i];
    }
    return NULL;
}

int sm_unknown(const struct sm *m, const struct doc_node *n, const char *what, struct text path)
{
    char quoted[QUOTE_MAX];
    return doc_error(m->x->doc, n, m->x->e, "%s: %s", quote(quoted, path.at, path.len), what);
}

/* ---- values in files ---- */

/* [0] or ['any text'], behind the bracket. NULL: it is neither. */
static const char *read_bracket(const char *at, const char *end, struct text *key, bool *index)
{
    char mark = at < end && (*at == '\'' || *at == '"') ? *at++ : ']';
    const char *close = at < end ? memchr(at, mark, (size_t)(end - at)) : NULL;
    if (!close || close == at)
        return NULL;
    *key = (struct text){at, (size_t)(close - at)};
    *index = mark == ']';
    for (; *index && at < close; at++)
        if (*at < '0' || *at > '9')
            return NULL;
    if (*index)
        return close + 1;
    return close + 1 < end && close[1] == ']' ? close + 2 : NULL;
}

/* .name, name, or what stands in brackets. */
static const char *read_key(const char *at, const char *end, struct text *key, bool *index)
{
    *index = false;
    if (*at == '[')
        return read_bracket(at + 1, end, key, index);
    const char *start = at + (*at == '.');
    for (at = start; at < end && *at && !strchr(".[]'\"", *at);)
        at++;
    *key = (struct text){start, (size_t)(at - start)};
    return key->len ? at : NULL;
}

/* A key of jq for each part of the path: a.b[0].c, $.a['b c']. */
static bool put_filter(struct buf *b, struct text path)
{
    const char *at = path.at, *end = at + path.len;
    struct text key;
    bool index;
    at += at < end && *at == '$';
    while (at < end) {
        at = read_key(at, end, &key, &index);
        if (!at)
            return false;
        buf_putc(b, '[');
        if (index)
            buf_add(b, key.at, key.len);
        else
            json_put_string(b, key.at, key.len);
        buf_putc(b, ']');
    }
    return true;
}

static int add_from_file(struct sm *m, const struct doc_node *n, struct text file, struct text path,
                         struct sm_word *w)
{
    struct buf filter = {0}, literal = {0};
    buf_putc(&filter, '.');
    int status = put_filter(&filter, path) ? 0 : sm_unknown(m, n, "no path of JSON", path);
    buf_puts(&filter, " | if . == null then error(\"not there\") else . end");
    import_put_literal(&literal, (struct text){filter.at, filter.len});
    if (status == 0)
        vec_push(&w->parts, ((struct sm_part){file, import_keep(m->x, &literal)}));
    buf_release(&filter);
    buf_release(&literal);
    return status;
}

/* ---- properties of steps ---- */

struct text sm_result_path(struct sm *m, const struct sm_step *s)
{
    return text_of(arena_format(&m->x->arena, "%.*s.result.json", (int)s->name.len, s->name.at));
}

int sm_model_path(struct sm *m, const struct sm_step *s, struct text *out)
{
    const struct doc_node *where =
        doc_get(doc_get(s->arguments, "OutputDataConfig"), "S3OutputPath");
    if (!where)
        return doc_error(m->x->doc, s->node, m->x->e, "a Training step without S3OutputPath");
    int status = sm_path(m, where, out);
    if (status == 0)
        *out = text_of(arena_format(&m->x->arena, "%s%s%.*s/model", out->at,
                                    out->at[out->len - 1] == '/' ? "" : "/", (int)s->name.len,
                                    s->name.at));
    return status;
}

/* The text in brackets and quotes between the two, as in Outputs['train'].S3Output.S3Uri. */
static bool indexed(struct text rest, const char *before, const char *after, struct text *name)
{
    size_t n = strlen(before), m = strlen(after);
    if (rest.len < n + m + 4 || memcmp(rest.at, before, n) != 0 ||
        memcmp(rest.at + rest.len - m, after, m) != 0)
        return false;
    *name = (struct text){rest.at + n + 2, rest.len - n - m - 4};
    char mark = rest.at[n + 1];
    return rest.at[n] == '[' && (mark == '\'' || mark == '"') && name->at[name->len] == mark &&
           name->at[name->len + 1] == ']';
}

static int file_uri(struct sm *m, const struct doc_node *n, const struct sm_step *s, bool in,
                    struct text name, struct text *out)
{
    const struct doc_node *list =
        in ? doc_get(s->arguments, "ProcessingInputs")
           : doc_get(doc_get(s->arguments, "ProcessingOutputConfig"), "Outputs");
    const struct doc_node *file = item_named(list, in ? "InputName" : "OutputName", name);
    const struct doc_node *uri = doc_get(doc_get(file, in ? "S3Input" : "S3Output"), "S3Uri");
    if (!uri)
        return sm_unknown(m, n, "the step has no such file with an S3Uri", name);
    return sm_path(m, uri, out);
}

static int add_property(struct sm *m, const struct doc_node *n, const struct sm_step *s,
                        struct text rest, struct sm_word *w)
{
    struct text name, path = {0};
    const struct doc_node *transform =
        doc_get(doc_get(s->arguments, "TransformOutput"), "S3OutputPath");
    int status = 0;
    if (indexed(rest, "ProcessingOutputConfig.Outputs", ".S3Output.S3Uri", &name))
        status = file_uri(m, n, s, false, name, &path);
    else if (indexed(rest, "ProcessingInputs", ".S3Input.S3Uri", &name))
        status = file_uri(m, n, s, true, name, &path);
    else if (text_equal(rest, text_of("ModelArtifacts.S3ModelArtifacts")))
        status = sm_model_path(m, s, &path);
    else if (text_equal(rest, text_of("TransformOutput.S3OutputPath")) && transform)
        status = sm_path(m, transform, &path);
    else if (indexed(rest, "OutputParameters", "", &name) && text_equal(s->type, text_of("Lambda")))
        return add_from_file(
            m, n, sm_result_path(m, s),
            text_of(arena_format(&m->x->arena, "['%.*s']", (int)name.len, name.at)), w);
    else
        return sm_unknown(m, n, "a property that a step has only on SageMaker", rest);
    if (status == 0)
        sm_add_part(w, path);
    return status;
}

/* "Steps.NAME.rest" */
static int find_property(struct sm *m, const struct doc_node *n, struct text path,
                         const struct sm_step **s, struct text *rest)
{
    struct text name = sm_behind(path, strlen("Steps."));
    const char *dot = memchr(name.at, '.', name.len);
    size_t length = dot ? (size_t)(dot - name.at) : name.len;
    *rest = sm_behind(name, dot ? length + 1 : length);
    name.len = length;
    *s = sm_find(m, name);
    if (!*s)
        return sm_unknown(m, n, "there is no such step", name);
    import_add_once(&m->needs, (*s)->name);
    return 0;
}

int sm_add_property(struct sm *m, const struct doc_node *n, struct sm_word *w)
{
    const struct sm_step *s = NULL;
    struct text rest = {"", 0};
    int status = find_property(m, n, n->text, &s, &rest);
    return status ? status : add_property(m, n, s, rest, w);
}

/* The file of a PropertyFile: its place in an output of its step. */
static int property_file(struct sm *m, const struct doc_node *n, struct text *file)
{
    const struct doc_node *get = doc_get(n, "Get");
    const struct sm_step *s = NULL;
    struct text rest;
    if (!get || get->kind != DOC_TEXT || !sm_begins(get->text, "Steps."))
        return doc_error(m->x->doc, n, m->x->e, "PropertyFile is a Get of Steps.S.PropertyFiles.P");
    int status = find_property(m, get, get->text, &s, &rest);
    if (status)
        return status;
    if (sm_begins(rest, "PropertyFiles."))
        rest = sm_behind(rest, strlen("PropertyFiles."));
    const struct doc_node *at =
        item_named(doc_get(s->node, "PropertyFiles"), "PropertyFileName", rest);
    const struct doc_node *output = doc_get(at, "OutputName"), *path = doc_get(at, "FilePath");
    if (!output || !path || output->kind != DOC_TEXT || path->kind != DOC_TEXT)
        return sm_unknown(m, get, "the step has no such property file", rest);
    status = file_uri(m, get, s, false, output->text, file);
    if (status)
        return status;
    struct buf whole = {0};
    buf_add(&whole, file->at, file->len);
    buf_putc(&whole, '/');
    import_put_literal(&whole, path->text);
    *file = import_keep(m->x, &whole);
    buf_release(&whole);
    return 0;
}

int sm_add_json_get(struct sm *m, const struct doc_node *n, struct sm_word *w)
{
    const struct doc_node *from = doc_get(n, "PropertyFile"), *path = doc_get(n, "Path");
    struct text file = {"", 0};
    int status = import_keys(m->x, n, "PropertyFile Path", "Std:JsonGet");
    if (status)
        return status;
    if (!from || !path || path->kind != DOC_TEXT)
        return doc_error(m->x->doc, n, m->x->e, "Std:JsonGet has PropertyFile and a text Path");
    status = property_file(m, from, &file);
    return status ? status : add_from_file(m, path, file, path->text, w);
}
