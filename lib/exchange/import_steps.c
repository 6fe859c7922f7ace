/* One step of SageMaker's definition as an entry of a Pipefile. */
#include "exchange/import_job.h"
#include "exchange/yaml.h"

/* ---- the kinds ---- */

static int put_processing(struct sm *m, const struct sm_step *s, struct sm_job *j)
{
    int status = sm_job_processing(m, s, j);
    return status ? status : sm_job_put(m, s, j);
}

static int put_training(struct sm *m, const struct sm_step *s, struct sm_job *j)
{
    int status = sm_job_training(m, s, j);
    return status ? status : sm_job_put(m, s, j);
}

static int put_transform(struct sm *m, const struct sm_step *s, struct sm_job *j)
{
    int status = sm_job_transform(m, s, j);
    return status ? status : sm_job_put(m, s, j);
}

/* What a check is told beside its job. */
static int put_check(struct sm *m, const struct sm_step *s, struct sm_job *j)
{
    static const char *const keys[] = {
        "CheckType", "ModelPackageGroupName",      "SuppliedBaselineConstraints",
        "SkipCheck", "SuppliedBaselineStatistics", "RegisterNewBaseline",
        "ModelName",
    };
    struct buf json = {0};
    int status = sm_job_processing(m, s, j);
    buf_putc(&json, '{');
    for (size_t i = 0; i < COUNT_OF(keys) && status == 0; i++) {
        const struct doc_node *n = doc_get(s->node, keys[i]);
        if (!n)
            continue;
        buf_format(&json, "%s\"%s\":", json.len > 1 ? "," : "", keys[i]);
        status = sm_json(m, n, &json);
    }
    buf_putc(&json, '}');
    if (status == 0)
        status = sm_job_add_variable(m, j, s->node, text_of("ML_CHECK"), import_keep(m->x, &json));
    buf_release(&json);
    return status ? status : sm_job_put(m, s, j);
}

static int put_lambda(struct sm *m, const struct sm_step *s, struct sm_job *j)
{
    const struct doc_node *function = doc_get(s->node, "FunctionArn");
    struct text arn;
    if (!function)
        return doc_error(m->x->doc, s->node, m->x->e, "a Lambda step has a FunctionArn");
    int status = sm_text(m, function, &arn);
    if (status == 0)
        status = sm_job_add_arguments(m, s, j);
    if (status == 0)
        status = sm_job_add_variable(m, j, function, text_of("ML_FUNCTION"), arn);
    vec_push(&j->out, sm_result_path(m, s));
    j->result = RESULT_OF_COMMAND;
    return status ? status : sm_job_put(m, s, j);
}

static int put_fail(struct sm *m, const struct sm_step *s, struct sm_job *j)
{
    const struct doc_node *message = doc_get(s->arguments, "ErrorMessage");
    struct text text = text_of("failed");
    (void)j;
    int status = s->arguments ? import_keys(m->x, s->arguments, "ErrorMessage", "a Fail step") : 0;
    if (status == 0 && message)
        status = sm_text(m, message, &text);
    buf_puts(m->x->out, "    fail:");
    yaml_put_value(m->x->out, text, 6);
    return status;
}

/* Its command hands ML_ARGUMENTS to somebody outside. */
static int put_callback(struct sm *m, const struct sm_step *s, struct sm_job *j)
{
    const struct doc_node *queue = doc_get(s->node, "SqsQueueUrl");
    const char *command = NULL;
    struct text url;
    if (!queue)
        return doc_error(m->x->doc, s->node, m->x->e, "a Callback step has an SqsQueueUrl");
    int status = sm_text(m, queue, &url);
    if (status == 0)
        status = sm_job_add_arguments(m, s, j);
    if (status == 0)
        status = sm_job_add_variable(m, j, queue, text_of("ML_QUEUE"), url);
    if (status == 0)
        status = sm_job_command(m, s, &command);
    if (status)
        return status;
    import_note_unused(m->x, s->node, "OutputParameters CacheConfig", 4);
    buf_format(m->x->out, "    callback: \"${%s}\"\n", command);
    sm_job_put_variables(m, j);
    return 0;
}

/* The files of the model that it registers. */
static int add_model_data(struct sm *m, const struct sm_step *s, struct sm_job *j)
{
    const struct doc_node *list =
        doc_get(doc_get(s->arguments, "InferenceSpecification"), "Containers");
    int status = 0;
    for (size_t i = 0; list && list->kind == DOC_LIST && i < list->count && status == 0; i++) {
        const struct doc_node *data = doc_get(&list->items[i], "ModelDataUrl");
        struct text path;
        if (!data)
            continue;
        status = sm_path(m, data, &path);
        if (status == 0)
            import_add_once(&j->in, path);
    }
    return status;
}

/* The group and the only file of a model that the registry can have; false: it has neither. */
static bool find_model(struct sm *m, const struct sm_step *s, const struct sm_job *j,
                       struct text *group, struct text *file)
{
    const struct doc_node *name = doc_get(s->arguments, "ModelPackageGroupName");
    if (!name || j->in.len != 1 || sm_text(m, name, group) != 0 || !import_is_name(*group))
        return false;
    *file = j->in.at[0];
    return true;
}

/* The entry of the step's name waits for the record, which the next entry makes: it registers the
 * model, or where that cannot be, waits for somebody to approve of the record. Those that wait for
 * the step wait for the answer. */
static int put_before_record(struct sm *m, const struct sm_step *s, const struct sm_job *j,
                             bool pending)
{
    struct text result = sm_result_path(m, s), group, file;
    bool known = find_model(m, s, j, &group, &file);
    struct text name =
        text_of(arena_format(&m->x->arena, "%.*s-record", (int)s->name.len, s->name.at));
    if (!known && !pending)
        return 0;
    if (!import_is_name(name) || sm_find(m, name))
        return doc_error(m->x->doc, s->node, m->x->e,
                         "%s is no name for a step of its own, with the record", name.at);
    if (known) {
        buf_puts(m->x->out, "    register: {model: ");
        yaml_put_text(m->x->out, group);
        buf_puts(m->x->out, ", file: ");
        yaml_put_text(m->x->out, file);
        buf_puts(m->x->out, pending ? ", approve: true}\n" : ", status: approved}\n");
    } else {
        buf_puts(m->x->out, "    approve: true\n");
    }
    buf_puts(m->x->out, "    in: [");
    yaml_put_text(m->x->out, result);
    buf_puts(m->x->out, "]\n  - name: ");
    yaml_put_text(m->x->out, name);
    buf_putc(m->x->out, '\n');
    return 0;
}

/* The record of a model package. */
static int put_register(struct sm *m, const struct sm_step *s, struct sm_job *j)
{
    char quoted[QUOTE_MAX];
    static const char *const statuses[] = {"PendingManualApproval", "Approved", "Rejected"};
    const struct doc_node *approval = doc_get(s->arguments, "ModelApprovalStatus");
    struct text status_text = text_of(statuses[0]);
    size_t k = 0;
    int status = approval ? sm_text(m, approval, &status_text) : 0;
    while (k < COUNT_OF(statuses) && !text_equal(status_text, text_of(statuses[k])))
        k++;
    if (status == 0 && k == COUNT_OF(statuses))
        status = doc_error(m->x->doc, approval, m->x->e,
                           "ModelApprovalStatus: %s is not PendingManualApproval, Approved or "
                           "Rejected",
                           quote(quoted, status_text.at, status_text.len));
    if (status == 0)
        status = sm_job_add_arguments(m, s, j);
    if (status == 0)
        status = add_model_data(m, s, j);
    if (status)
        return status;
    vec_push(&j->out, sm_result_path(m, s));
    j->result = RESULT_IS_ARGUMENTS;
    if (k < 2)
        status = put_before_record(m, s, j, k == 0);
    return status ? status : sm_job_put(m, s, j);
}

/* ---- which is which ---- */

static const struct kind {
    const char *type;
    const char *keys; /* beside those of all */
    bool is_job;      /* nothing without Arguments */
    int (*put)(struct sm *m, const struct sm_step *s, struct sm_job *j);
} kinds[] = {
    {"Processing", "RetryPolicies CacheConfig PropertyFiles", true, put_processing},
    {"Training", "RetryPolicies CacheConfig", true, put_training},
    {"Transform", "RetryPolicies CacheConfig", true, put_transform},
    {"QualityCheck",
     "RetryPolicies CacheConfig PropertyFiles CheckType ModelPackageGroupName "
     "SuppliedBaselineConstraints SuppliedBaselineStatistics SkipCheck RegisterNewBaseline",
     true, put_check},
    {"ClarifyCheck",
     "RetryPolicies CacheConfig PropertyFiles CheckType ModelPackageGroupName "
     "SuppliedBaselineConstraints SkipCheck RegisterNewBaseline ModelName",
     true, put_check},
    {"Lambda", "FunctionArn OutputParameters CacheConfig", false, put_lambda},
    {"Callback", "SqsQueueUrl OutputParameters CacheConfig", false, put_callback},
    {"RegisterModel", "RetryPolicies", false, put_register},
    {"Fail", "", false, put_fail},
};

static int put_kind(struct sm *m, const struct sm_step *s)
{
    char quoted[QUOTE_MAX];
    size_t k = 0;
    while (k < COUNT_OF(kinds) && !text_equal(s->type, text_of(kinds[k].type)))
        k++;
    if (k == COUNT_OF(kinds))
        return doc_error(m->x->doc, doc_get(s->node, "Type"), m->x->e,
                         "step %s: a Pipefile has no step of the type %s", s->name.at,
                         quote(quoted, s->type.at, s->type.len));
    char *keys =
        mem_format("Name Type DependsOn DisplayName Description Arguments %s", kinds[k].keys);
    char *what = mem_format("a %s step", kinds[k].type);
    struct sm_job j = {0};
    int status = import_keys(m->x, s->node, keys, what);
    if (status == 0 && kinds[k].is_job && !s->arguments)
        status = doc_error(m->x->doc, s->node, m->x->e, "%s has Arguments", what);
    if (status == 0)
        status = kinds[k].put(m, s, &j);
    sm_job_release(&j);
    mem_free(keys);
    mem_free(what);
    return status;
}

static void put_descriptions(struct sm *m, const struct sm_step *s)
{
    const struct doc_node *name = doc_get(s->node, "DisplayName"),
                          *text = doc_get(s->node, "Description");
    if (name && name->kind == DOC_TEXT) {
        buf_puts(m->x->out, "    # ");
        yaml_put_quoted(m->x->out, name->text);
        buf_putc(m->x->out, '\n');
    }
    if (text && text->kind == DOC_TEXT) {
        buf_puts(m->x->out, "    description:");
        yaml_put_value(m->x->out, text->text, 6);
    }
}

int sm_put_step(struct sm *m, const struct sm_step *s)
{
    m->needs.len = 0;
    buf_puts(m->x->out, "  - name: ");
    yaml_put_text(m->x->out, s->name);
    buf_putc(m->x->out, '\n');
    put_descriptions(m, s);
    int status = put_kind(m, s);
    return status ? status : sm_put_settings(m, s);
}
