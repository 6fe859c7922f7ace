/* SageMaker's pipeline definition, version 2020-12-01: its parameters, and its steps in a row. */
#include "exchange/import_sagemaker.h"
#include "exchange/sagemaker.h"
#include "exchange/yaml.h"

/* ---- parameters ---- */

static const char *type_of(const struct doc_node *type)
{
    static const char *const types[][2] = {
        {"String", "string"}, {"Integer", "integer"}, {"Float", "float"}, {"Boolean", "boolean"}};
    for (size_t i = 0; type && i < COUNT_OF(types); i++)
        if (text_equal(type->text, text_of(types[i][0])))
            return types[i][1];
    return type ? NULL : "string";
}

static int put_scalar(struct import *x, const struct doc_node *n)
{
    if (n->kind == DOC_TEXT)
        yaml_put_quoted(x->out, n->text);
    else if (n->kind == DOC_NUMBER || n->kind == DOC_BOOL)
        buf_add(x->out, n->text.at, n->text.len);
    else
        return doc_error(x->doc, n, x->e, "a parameter's value is one value");
    return 0;
}

static int put_choices(struct import *x, const struct doc_node *n)
{
    int status = 0;
    if (n->kind != DOC_LIST)
        return doc_error(x->doc, n, x->e, "EnumValues are a list");
    buf_puts(x->out, ", choices: [");
    for (size_t i = 0; i < n->count && status == 0; i++) {
        buf_puts(x->out, i ? ", " : "");
        status = put_scalar(x, &n->items[i]);
    }
    buf_putc(x->out, ']');
    return status;
}

static int put_parameter(struct import *x, const struct doc_node *n)
{
    const struct doc_node *name = doc_get(n, "Name"), *value = doc_get(n, "DefaultValue"),
                          *choices = doc_get(n, "EnumValues"),
                          *description = doc_get(n, "Description");
    int status = import_keys(x, n, "Name Type DefaultValue Description EnumValues", "a parameter");
    if (status)
        return status;
    if (!name || !import_is_name(name->text))
        return doc_error(x->doc, name ? name : n, x->e,
                         "a parameter's name has letters, digits, _ and -, at most 64");
    const char *type = type_of(doc_get(n, "Type"));
    if (!type)
        return doc_error(x->doc, doc_get(n, "Type"), x->e,
                         "a type is String, Integer, Float or Boolean");
    buf_puts(x->out, "  ");
    yaml_put_text(x->out, name->text);
    buf_format(x->out, ": {type: %s", type);
    if (value && value->kind != DOC_NULL) {
        buf_puts(x->out, ", default: ");
        status = put_scalar(x, value);
    }
    if (status == 0 && choices)
        status = put_choices(x, choices);
    if (description && description->kind == DOC_TEXT) {
        buf_puts(x->out, ", description: ");
        yaml_put_quoted(x->out, description->text);
    }
    buf_puts(x->out, "}\n");
    return status;
}

/* Those that stand for what only SageMaker knows must be given. */
static void put_added(struct import *x, const text_list *list, const char *what)
{
    for (size_t i = 0; i < list->len; i++) {
        buf_puts(x->out, "  ");
        yaml_put_text(x->out, list->at[i]);
        buf_format(x->out, ": {type: string, description: %s}\n", what);
    }
}

static int put_parameters(struct sm *m)
{
    size_t count = m->parameters ? m->parameters->count : 0;
    int status = 0;
    if (count + m->variables.len + m->commands.len == 0)
        return 0;
    buf_puts(m->x->out, "parameters:\n");
    for (size_t i = 0; i < count && status == 0; i++)
        status = put_parameter(m->x, &m->parameters->items[i]);
    put_added(m->x, &m->variables, "a variable of the execution");
    put_added(m->x, &m->commands, "the command of the step");
    return status;
}

/* ---- steps ---- */

static int read_list(struct sm *m, const struct doc_node *list, size_t parent, struct text when);

/* parent's when, and the conditions of this step, or not them. */
static struct text branch_when(struct sm *m, struct text when, struct text conditions, bool holds)
{
    struct buf b = {0};
    if (when.at)
        buf_format(&b, "(%s) and ", when.at);
    buf_format(&b, holds ? when.at ? "(%s)" : "%s" : "not (%s)", conditions.at);
    struct text out = import_keep(m->x, &b);
    buf_release(&b);
    return out;
}

static int read_condition(struct sm *m, size_t number)
{
    struct sm_step s = m->steps.at[number];
    const struct doc_node *list = doc_get(s.arguments, "Conditions"),
                          *yes = doc_get(s.arguments, "IfSteps"),
                          *no = doc_get(s.arguments, "ElseSteps");
    struct buf b = {0};
    int status = import_keys(m->x, s.node, "Name Type DependsOn DisplayName Description Arguments",
                             "a Condition step");
    if (status == 0 && (!list || list->kind != DOC_LIST || list->count == 0))
        status = doc_error(m->x->doc, s.node, m->x->e, "a Condition step has Arguments.Conditions");
    if (status == 0)
        status = import_keys(m->x, s.arguments, "Conditions IfSteps ElseSteps", "a Condition step");
    if (status == 0)
        status = sm_conditions(m, list, &b);
    struct text conditions = import_keep(m->x, &b);
    if (status == 0 && yes)
        status = read_list(m, yes, number, branch_when(m, s.when, conditions, true));
    if (status == 0 && no)
        status = read_list(m, no, number, branch_when(m, s.when, conditions, false));
    buf_release(&b);
    return status;
}

static int read_step(struct sm *m, const struct doc_node *n, size_t parent, struct text when)
{
    const struct doc_node *name = doc_get(n, "Name"), *type = doc_get(n, "Type");
    bool is_new = false;
    if (n->kind != DOC_MAP || !name || !type)
        return doc_error(m->x->doc, n, m->x->e, "a step is a map with Name and Type");
    if (!import_is_name(name->text))
        return doc_error(m->x->doc, name, m->x->e,
                         "a step's name has letters, digits, _ and -, at most 64");
    map_put(&m->names, name->text, &is_new);
    if (!is_new)
        return doc_error(m->x->doc, name, m->x->e, "there are two steps %s", name->text.at);
    struct sm_step s = {.node = n,
                        .arguments = doc_get(n, "Arguments"),
                        .name = name->text,
                        .type = type->text,
                        .when = when,
                        .parent = parent};
    vec_push(&m->steps, s);
    return text_equal(type->text, text_of("Condition")) ? read_condition(m, m->steps.len - 1) : 0;
}

static int read_list(struct sm *m, const struct doc_node *list, size_t parent, struct text when)
{
    int status = 0;
    if (list->kind != DOC_LIST)
        return doc_error(m->x->doc, list, m->x->e, "steps are a list, not %s",
                         doc_kind_name(list->kind));
    for (size_t i = 0; i < list->count && status == 0; i++)
        status = read_step(m, &list->items[i], parent, when);
    return status;
}

/* ---- the whole ---- */

static int read_name(struct sm *m, const struct doc_node *metadata)
{
    const struct doc_node *name = doc_get(metadata, SAGEMAKER_NAME);
    if (metadata && metadata->kind != DOC_MAP)
        return doc_error(m->x->doc, metadata, m->x->e, "Metadata is a map");
    if (name && import_is_name(name->text))
        m->name = name->text;
    return 0;
}

static void put_metadata(struct import *x, const struct doc_node *metadata)
{
    for (size_t i = 0; metadata && i < metadata->count; i++) {
        const struct doc_node *key = &metadata->items[2 * i];
        if (key[1].kind != DOC_TEXT || text_equal(key->text, text_of(SAGEMAKER_NAME)))
            continue;
        buf_puts(x->out, "# ");
        yaml_put_quoted(x->out, key->text);
        buf_puts(x->out, ": ");
        yaml_put_quoted(x->out, key[1].text);
        buf_putc(x->out, '\n');
    }
}

static int put_parallelism(struct import *x, const struct doc_node *n)
{
    int64_t i;
    double f;
    const struct doc_node *most = doc_get(n, "MaxParallelExecutionSteps");
    if (!n)
        return 0;
    int status = import_keys(x, n, "MaxParallelExecutionSteps", "ParallelismConfiguration");
    if (status)
        return status;
    if (!most || most->kind != DOC_NUMBER ||
        number_parse(most->text.at, most->text.len, &i, &f) != NUMBER_INT || i < 1)
        return doc_error(x->doc, n, x->e, "MaxParallelExecutionSteps is a whole number from 1");
    buf_format(x->out, "# at most %lld steps at once: pipe run -j %lld\n", (long long)i,
               (long long)i);
    return 0;
}

static int put_head(struct sm *m, const struct doc_node *root)
{
    struct import *x = m->x;
    buf_puts(x->out, "# from a pipeline definition of SageMaker, version " SAGEMAKER_VERSION "\n");
    put_metadata(x, doc_get(root, "Metadata"));
    import_note_unused(x, root, "PipelineExperimentConfig", 0);
    int status = put_parallelism(x, doc_get(root, "ParallelismConfiguration"));
    if (m->name.at) {
        buf_puts(x->out, "name: ");
        yaml_put_text(x->out, m->name);
        buf_putc(x->out, '\n');
    }
    return status ? status : put_parameters(m);
}

static int read_root(struct sm *m, const struct doc_node *root)
{
    struct import *x = m->x;
    const struct doc_node *version = doc_get(root, "Version"), *steps = doc_get(root, "Steps");
    int status = import_keys(x, root,
                             "Version Metadata Parameters Steps PipelineExperimentConfig "
                             "ParallelismConfiguration",
                             "a pipeline definition");
    if (status)
        return status;
    if (!version || !text_equal(version->text, text_of(SAGEMAKER_VERSION)))
        return doc_error(x->doc, version ? version : root, x->e,
                         "a pipeline definition has the Version " SAGEMAKER_VERSION);
    m->parameters = doc_get(root, "Parameters");
    if (m->parameters && m->parameters->kind != DOC_LIST)
        return doc_error(x->doc, m->parameters, x->e, "Parameters are a list");
    if (!steps)
        return doc_error(x->doc, root, x->e, "a pipeline definition without Steps");
    status = read_name(m, doc_get(root, "Metadata"));
    return status ? status : read_list(m, steps, SM_NONE, (struct text){0});
}

static int put_all(struct sm *m, const struct doc_node *root)
{
    struct buf steps = {0}, *out = m->x->out;
    int status = 0;
    m->x->out = &steps;
    for (size_t i = 0; i < m->steps.len && status == 0; i++)
        if (!text_equal(m->steps.at[i].type, text_of("Condition")))
            status = sm_put_step(m, &m->steps.at[i]);
    m->x->out = out;
    if (status == 0)
        status = put_head(m, root);
    buf_puts(out, steps.len ? "steps:\n" : "steps: []\n");
    buf_add(out, steps.at, steps.len);
    buf_release(&steps);
    return status;
}

static int put(struct import *x)
{
    struct sm m = {.x = x};
    const struct doc_node *root = doc_root(x->doc);
    int status = read_root(&m, root);
    if (status == 0)
        status = put_all(&m, root);
    vec_release(&m.steps);
    map_release(&m.names);
    vec_release(&m.needs);
    vec_release(&m.variables);
    vec_release(&m.commands);
    return status;
}

const struct importer import_sagemaker = {
    .about = {"sagemaker", "a pipeline definition of SageMaker, version 2020-12-01"},
    .syntax = DOC_JSON,
    .put = put,
};
