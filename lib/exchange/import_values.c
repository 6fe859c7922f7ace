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

bool sm_is_reference(const struct doc_node *n)
{
    return n->kind == DOC_MAP && n->count == 1 &&
           (text_equal(n->items[0].text, text_of("Get")) || sm_begins(n->items[0].text, "Std:"));
}

/* ---- parts ---- */

static void add_literal(struct sm *m, struct sm_word *w, struct text text)
{
    struct buf b = {0};
    import_put_literal(&b, text);
    sm_add_part(w, import_keep(m->x, &b));
    buf_release(&b);
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
    sm_add_part(w, text_of(arena_format(&m->x->arena, "${%s}", parameter.at)));
}

static bool is_variable(struct text name)
{
    static const char *const names[] = {"StartDateTime",       "CurrentDateTime",
                                        "PipelineName",        "PipelineArn",
                                        "PipelineExecutionId", "PipelineExecutionArn"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text_equal(name, text_of(names[i])))
            return true;
    return false;
}

static int add_get(struct sm *m, const struct doc_node *n, struct sm_word *w)
{
    struct text path = n->text, rest;
    if (n->kind != DOC_TEXT)
        return doc_error(m->x->doc, n, m->x->e, "Get is a text");
    if (sm_begins(path, "Parameters.")) {
        rest = sm_behind(path, strlen("Parameters."));
        if (!sm_parameter(m, rest))
            return sm_unknown(m, n, "there is no such parameter", rest);
        sm_add_part(w, text_of(arena_format(&m->x->arena, "${%.*s}", (int)rest.len, rest.at)));
        return 0;
    }
    if (sm_begins(path, "Execution.") && is_variable(sm_behind(path, strlen("Execution.")))) {
        add_variable(m, sm_behind(path, strlen("Execution.")), w);
        return 0;
    }
    if (!sm_begins(path, "Steps."))
        return sm_unknown(m, n, "a value that is not known", path);
    return sm_add_property(m, n, w);
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
    if (status)
        return status;
    if (!values || values->kind != DOC_LIST || (on && on->kind != DOC_TEXT))
        return doc_error(m->x->doc, n, m->x->e, "Std:Join has a list Values and a text On");
    for (size_t i = 0; status == 0 && i < values->count; i++) {
        if (i && on)
            add_literal(m, w, on->text);
        status = sm_word(m, &values->items[i], w);
        if (status == 0 && word_length(w) > LONGEST)
            status = doc_error(m->x->doc, n, m->x->e, "the text is too long");
    }
    return status;
}

static int add_reference(struct sm *m, const struct doc_node *n, struct sm_word *w)
{
    struct text form = n->items[0].text;
    if (text_equal(form, text_of("Get")))
        return add_get(m, &n->items[1], w);
    if (text_equal(form, text_of("Std:Join")))
        return add_join(m, &n->items[1], w);
    if (text_equal(form, text_of("Std:JsonGet")))
        return sm_add_json_get(m, &n->items[1], w);
    return sm_unknown(m, n, "a function that is not known", form);
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
    if (status == 0 && sm_begins(*out, SAGEMAKER_FOLDER))
        *out = sm_behind(*out, strlen(SAGEMAKER_FOLDER));
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
    if (get && sm_begins(get->text, "Parameters."))
        parameter = sm_parameter(m, sm_behind(get->text, strlen("Parameters.")));
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
