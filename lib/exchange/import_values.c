/* SageMaker's values: constants, parameters, properties of steps, Std:Join and Std:JsonGet. */
#include "exchange/import_sagemaker.h"
#include "exchange/sagemaker.h"

enum { DEPTH_MAX = 64, LONGEST = 1 << 20 };

/* ---- what is there ---- */

const struct doc_node *sm_parameter(const struct sm *m, struct text name)
{
    for (size_t i = 0; m->parameters && i < m->parameters->count; i++) {
        const struct doc_node *at = doc_get(&m->parameters->items[i], "Name");
        if (at && text_equal(at->text, name))
            return &m->parameters->items[i];
    }
    return NULL;
}

const struct sm_step *sm_find(const struct sm *m, struct text name)
{
    size_t i = map_get(&m->names, name);
    return i == MAP_NONE ? NULL : &m->steps.at[i];
}

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

static bool starts_with(struct text text, const char *with)
{
    size_t n = strlen(with);
    return text.len >= n && memcmp(text.at, with, n) == 0;
}

static struct text behind(struct text text, size_t n)
{
    return (struct text){text.at + n, text.len - n};
}

bool sm_is_reference(const struct doc_node *n)
{
    return n->kind == DOC_MAP && n->count == 1 &&
           (text_equal(n->items[0].text, text_of("Get")) || starts_with(n->items[0].text, "Std:"));
}

static int unknown_value(const struct sm *m, const struct doc_node *n, const char *what,
                         struct text path)
{
    char quoted[QUOTE_MAX];
    return doc_error(m->x->doc, n, m->x->e, "%s: %s", quote(quoted, path.at, path.len), what);
}

/* ---- parts ---- */

static void add_part(struct sm_word *w, struct text text)
{
    vec_push(&w->parts, ((struct sm_part){.text = text}));
}

static void add_literal(struct sm *m, struct sm_word *w, struct text text)
{
    struct buf b = {0};
    import_put_literal(&b, text);
    add_part(w, import_keep(m->x, &b));
    buf_release(&b);
}

/* A key of jq for each part of the path: a.b[0].c, $.a['b c']. */
static bool put_filter(struct buf *b, struct text path)
{
    const char *at = path.at, *end = at + path.len;
    at += at < end && *at == '$';
    while (at < end) {
        bool bracket = *at == '[';
        at += *at == '.' || bracket;
        bool quoted = bracket && at < end && (*at == '\'' || *at == '"');
        const char quote_mark = quoted ? *at++ : 0, *start = at;
        while (at < end && (quoted ? *at != quote_mark
                                   : bracket ? *at >= '0' && *at <= '9' : !strchr(".[]'\"", *at)))
            at++;
        struct text key = {start, (size_t)(at - start)};
        bool closed = !quoted || (at < end && *at++ == quote_mark);
        closed = closed && (!bracket || (at < end && *at++ == ']'));
        if (!closed || key.len == 0)
            return false;
        if (bracket && !quoted) {
            buf_format(b, "[%.*s]", (int)key.len, key.at);
            continue;
        }
        buf_puts(b, "[");
        json_put_string(b, key.at, key.len);
        buf_puts(b, "]");
    }
    return true;
}

static int add_from_file(struct sm *m, const struct doc_node *n, struct text file,
                         struct text path, struct sm_word *w)
{
    struct buf filter = {0}, literal = {0};
    buf_putc(&filter, '.');
    int status = put_filter(&filter, path) ? 0 : unknown_value(m, n, "no path of JSON", path);
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
    const struct doc_node *where = doc_get(doc_get(s->arguments, "OutputDataConfig"), "S3OutputPath");
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
        return unknown_value(m, n, "the step has no such file with an S3Uri", name);
    return sm_path(m, uri, out);
}

static int add_property(struct sm *m, const struct doc_node *n, const struct sm_step *s,
                        struct text rest, struct sm_word *w)
{
    struct text name, path = {0};
    const struct doc_node *transform = doc_get(doc_get(s->arguments, "TransformOutput"), "S3OutputPath");
    int status = 0;
    if (indexed(rest, "ProcessingOutputConfig.Outputs", ".S3Output.S3Uri", &name))
        status = file_uri(m, n, s, false, name, &path);
    else if (indexed(rest, "ProcessingInputs", ".S3Input.S3Uri", &name))
        status = file_uri(m, n, s, true, name, &path);
    else if (text_equal(rest, text_of("ModelArtifacts.S3ModelArtifacts")))
        status = sm_model_path(m, s, &path);
    else if (text_equal(rest, text_of("TransformOutput.S3OutputPath")) && transform)
        status = sm_path(m, transform, &path);
    else if (indexed(rest, "OutputParameters", "", &name) &&
             text_equal(s->type, text_of("Lambda")))
        return add_from_file(
            m, n, sm_result_path(m, s),
            text_of(arena_format(&m->x->arena, "['%.*s']", (int)name.len, name.at)), w);
    else
        return unknown_value(m, n, "a property that a step has only on SageMaker", rest);
    if (status == 0)
        add_part(w, path);
    return status;
}

/* "Steps.NAME.rest" */
static int find_property(struct sm *m, const struct doc_node *n, struct text path,
                         const struct sm_step **s, struct text *rest)
{
    struct text name = behind(path, strlen("Steps."));
    const char *dot = memchr(name.at, '.', name.len);
    size_t length = dot ? (size_t)(dot - name.at) : name.len;
    *rest = behind(name, dot ? length + 1 : length);
    name.len = length;
    *s = sm_find(m, name);
    if (!*s)
        return unknown_value(m, n, "there is no such step", name);
    import_add_once(&m->needs, (*s)->name);
    return 0;
}

/* ---- the forms ---- */

/* A variable of the execution is a parameter without a default. */
static void add_variable(struct sm *m, struct text name, struct sm_word *w)
{
    if (text_equal(name, text_of("PipelineName")) && m->name.at) {
        add_literal(m, w, m->name);
        return;
    }
    struct text parameter =
        text_of(arena_format(&m->x->arena, "Execution-%.*s", (int)name.len, name.at));
    import_add_once(&m->variables, parameter);
    add_part(w, text_of(arena_format(&m->x->arena, "${%s}", parameter.at)));
}

static bool is_variable(struct text name)
{
    static const char *const names[] = {"StartDateTime", "CurrentDateTime",     "PipelineName",
                                        "PipelineArn",   "PipelineExecutionId", "PipelineExecutionArn"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text_equal(name, text_of(names[i])))
            return true;
    return false;
}

static int add_get(struct sm *m, const struct doc_node *n, struct sm_word *w)
{
    const struct sm_step *s = NULL;
    struct text path = n->text, rest;
    if (n->kind != DOC_TEXT)
        return doc_error(m->x->doc, n, m->x->e, "Get is a text");
    if (starts_with(path, "Parameters.")) {
        rest = behind(path, strlen("Parameters."));
        if (!sm_parameter(m, rest))
            return unknown_value(m, n, "there is no such parameter", rest);
        add_part(w, text_of(arena_format(&m->x->arena, "${%.*s}", (int)rest.len, rest.at)));
        return 0;
    }
    if (starts_with(path, "Execution.") && is_variable(behind(path, strlen("Execution.")))) {
        add_variable(m, behind(path, strlen("Execution.")), w);
        return 0;
    }
    if (!starts_with(path, "Steps."))
        return unknown_value(m, n, "a value that is not known", path);
    int status = find_property(m, n, path, &s, &rest);
    return status ? status : add_property(m, n, s, rest, w);
}

static size_t word_length(const struct sm_word *w)
{
    size_t n = 0;
    for (size_t i = 0; i < w->parts.len; i++)
        n += w->parts.at[i].text.len + 1;
    return n;
}

static int add_join(struct sm *m, const struct doc_node *n, struct sm_word *w)
{
    const struct doc_node *on = doc_get(n, "On"), *values = doc_get(n, "Values");
    int status = import_keys(m->x, n, "On Values", "Std:Join");
    if (status == 0 && (!values || values->kind != DOC_LIST || (on && on->kind != DOC_TEXT)))
        status = doc_error(m->x->doc, n, m->x->e, "Std:Join has a list Values and a text On");
    for (size_t i = 0; status == 0 && i < values->count; i++) {
        if (i && on)
            add_literal(m, w, on->text);
        status = sm_word(m, &values->items[i], w);
        if (status == 0 && word_length(w) > LONGEST)
            status = doc_error(m->x->doc, n, m->x->e, "the text is too long");
    }
    return status;
}

/* The file of a PropertyFile: its place in an output of its step. */
static int property_file(struct sm *m, const struct doc_node *n, struct text *file)
{
    const struct doc_node *get = doc_get(n, "Get");
    const struct sm_step *s = NULL;
    struct text rest;
    if (!get || get->kind != DOC_TEXT || !starts_with(get->text, "Steps."))
        return doc_error(m->x->doc, n, m->x->e, "PropertyFile is a Get of Steps.S.PropertyFiles.P");
    int status = find_property(m, get, get->text, &s, &rest);
    if (status)
        return status;
    if (starts_with(rest, "PropertyFiles."))
        rest = behind(rest, strlen("PropertyFiles."));
    const struct doc_node *at =
        item_named(doc_get(s->node, "PropertyFiles"), "PropertyFileName", rest);
    const struct doc_node *output = doc_get(at, "OutputName"), *path = doc_get(at, "FilePath");
    if (!output || !path || output->kind != DOC_TEXT || path->kind != DOC_TEXT)
        return unknown_value(m, get, "the step has no such property file", rest);
    status = file_uri(m, get, s, false, output->text, file);
    struct buf whole = {0};
    buf_add(&whole, file->at, status ? 0 : file->len);
    buf_putc(&whole, '/');
    import_put_literal(&whole, path->text);
    *file = import_keep(m->x, &whole);
    buf_release(&whole);
    return status;
}

static int add_json_get(struct sm *m, const struct doc_node *n, struct sm_word *w)
{
    const struct doc_node *from = doc_get(n, "PropertyFile"), *path = doc_get(n, "Path");
    struct text file;
    int status = import_keys(m->x, n, "PropertyFile Path", "Std:JsonGet");
    if (status == 0 && (!from || !path || path->kind != DOC_TEXT))
        status = doc_error(m->x->doc, n, m->x->e, "Std:JsonGet has PropertyFile and a text Path");
    if (status == 0)
        status = property_file(m, from, &file);
    return status ? status : add_from_file(m, path, file, path->text, w);
}

static int add_reference(struct sm *m, const struct doc_node *n, struct sm_word *w)
{
    struct text form = n->items[0].text;
    if (text_equal(form, text_of("Get")))
        return add_get(m, &n->items[1], w);
    if (text_equal(form, text_of("Std:Join")))
        return add_join(m, &n->items[1], w);
    if (text_equal(form, text_of("Std:JsonGet")))
        return add_json_get(m, &n->items[1], w);
    return unknown_value(m, n, "a function that is not known", form);
}

int sm_word(struct sm *m, const struct doc_node *n, struct sm_word *out)
{
    if (n->kind == DOC_TEXT || n->kind == DOC_NUMBER || n->kind == DOC_BOOL) {
        add_literal(m, out, n->text);
        return 0;
    }
    if (!sm_is_reference(n))
        return doc_error(m->x->doc, n, m->x->e, "a value is wanted here, not %s",
                         doc_kind_name(n->kind));
    if (m->depth >= DEPTH_MAX)
        return doc_error(m->x->doc, n, m->x->e, "a value that goes back to itself");
    m->depth++;
    int status = add_reference(m, n, out);
    m->depth--;
    return status;
}

/* ---- as texts ---- */

int sm_text(struct sm *m, const struct doc_node *n, struct text *out)
{
    struct sm_word w = {0};
    struct buf whole = {0};
    int status = sm_word(m, n, &w);
    for (size_t i = 0; i < w.parts.len && status == 0; i++) {
        if (w.parts.at[i].filter.at)
            status = doc_error(m->x->doc, n, m->x->e,
                               "this value is known only when a step has run: a Pipefile can have "
                               "it in the arguments of a command alone");
        buf_add(&whole, w.parts.at[i].text.at, w.parts.at[i].text.len);
    }
    *out = import_keep(m->x, &whole);
    buf_release(&whole);
    vec_release(&w.parts);
    return status;
}

int sm_path(struct sm *m, const struct doc_node *n, struct text *out)
{
    int status = sm_text(m, n, out);
    if (status == 0 && starts_with(*out, SAGEMAKER_FOLDER))
        *out = behind(*out, strlen(SAGEMAKER_FOLDER));
    if (status == 0 && out->len == 0)
        status = doc_error(m->x->doc, n, m->x->e, "a path is empty");
    return status;
}

/* ---- as JSON ---- */

static int reference_json(struct sm *m, const struct doc_node *n, struct buf *out)
{
    struct text text;
    int status = sm_text(m, n, &text);
    const struct doc_node *get = doc_get(n, "Get"), *parameter = NULL;
    if (get && starts_with(get->text, "Parameters."))
        parameter = sm_parameter(m, behind(get->text, strlen("Parameters.")));
    const struct doc_node *type = doc_get(parameter, "Type");
    if (status == 0 && type && !text_equal(type->text, text_of("String")))
        buf_add(out, text.at, text.len);
    else if (status == 0)
        json_put_string(out, text.at, text.len);
    return status;
}

static int list_json(struct sm *m, const struct doc_node *n, struct buf *out)
{
    bool map = n->kind == DOC_MAP;
    int status = 0;
    buf_putc(out, map ? '{' : '[');
    for (size_t i = 0; i < n->count && status == 0; i++) {
        buf_puts(out, i ? "," : "");
        if (map)
            status = sm_json(m, &n->items[2 * i], out);
        buf_puts(out, map ? ":" : "");
        if (status == 0)
            status = sm_json(m, &n->items[map ? 2 * i + 1 : i], out);
    }
    buf_putc(out, map ? '}' : ']');
    return status;
}

int sm_json(struct sm *m, const struct doc_node *n, struct buf *out)
{
    struct buf text = {0};
    if (sm_is_reference(n))
        return reference_json(m, n, out);
    if (n->kind == DOC_MAP || n->kind == DOC_LIST)
        return list_json(m, n, out);
    if (n->kind == DOC_TEXT) {
        import_put_literal(&text, n->text);
        json_put_string(out, text.at ? text.at : "", text.len);
        buf_release(&text);
    } else {
        buf_add(out, n->text.at, n->text.len);
    }
    return 0;
}
