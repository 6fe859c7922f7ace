/* The kinds of SageMaker's steps: what of their Arguments is a command, a file, a variable. */
#include "exchange/import_job.h"
#include "exchange/sagemaker.h"
#include "exchange/yaml.h"

/* ---- parts that kinds share ---- */

static int add_words(struct sm *m, const struct doc_node *list, struct sm_job *j)
{
    int status = 0;
    if (!list)
        return 0;
    if (list->kind != DOC_LIST)
        return doc_error(m->x->doc, list, m->x->e, "a command is a list of words");
    for (size_t i = 0; i < list->count && status == 0; i++) {
        vec_push(&j->words, ((struct sm_word){0}));
        status = sm_word(m, &list->items[i], &j->words.at[j->words.len - 1]);
    }
    return status;
}

/* Without an entry point the command is the image's own. */
static int add_command(struct sm *m, const struct sm_step *s, const struct doc_node *from,
                       struct sm_job *j)
{
    const struct doc_node *entry = doc_get(from, "ContainerEntrypoint");
    if (!entry || entry->kind != DOC_LIST || entry->count == 0)
        return sm_job_add_arguments(m, s, j);
    int status = add_words(m, entry, j);
    return status ? status : add_words(m, doc_get(from, "ContainerArguments"), j);
}

static int add_environment(struct sm *m, const struct doc_node *n, struct sm_job *j)
{
    int status = 0;
    if (n && n->kind != DOC_MAP)
        return doc_error(m->x->doc, n, m->x->e, "Environment is a map");
    for (size_t i = 0; n && i < n->count && status == 0; i++) {
        const struct doc_node *key = &n->items[2 * i];
        struct text value;
        status = sm_text(m, key + 1, &value);
        if (status == 0)
            status = sm_job_add_variable(m, j, key, key->text, value);
    }
    return status;
}

static void bind(struct sm_job *j, const struct doc_node *local, struct text path)
{
    if (local && local->kind == DOC_TEXT && local->text.len > 1 && local->text.at[0] == '/')
        vec_push(&j->bindings, ((struct sm_binding){local->text, path}));
}

static int add_input(struct sm *m, const struct doc_node *uri, const struct doc_node *local,
                     struct sm_job *j)
{
    struct text path;
    int status = sm_path(m, uri, &path);
    if (status == 0) {
        import_add_once(&j->in, path);
        bind(j, local, path);
    }
    return status;
}

/* What a container fills is a folder, but for what we wrote ourselves. */
static int add_output(struct sm *m, const struct doc_node *uri, const struct doc_node *local,
                      struct sm_job *j)
{
    struct text whole = {0}, path = {0};
    int status = sm_text(m, uri, &whole);
    if (status == 0)
        status = sm_path(m, uri, &path);
    if (status)
        return status;
    import_add_once(&j->out, path);
    if (whole.len == path.len)
        import_add_once(&j->folders, path);
    bind(j, local, path);
    return 0;
}

static int no_uri(struct sm *m, const struct doc_node *n, const char *what)
{
    return doc_error(m->x->doc, n, m->x->e, "%s without an S3Uri", what);
}

static int put_timeout(struct sm *m, const struct doc_node *n)
{
    int64_t seconds;
    double f;
    const struct doc_node *most = doc_get(n, "MaxRuntimeInSeconds");
    if (!n)
        return 0;
    int status =
        import_keys(m->x, n, "MaxRuntimeInSeconds MaxWaitTimeInSeconds MaxPendingTimeInSeconds",
                    "StoppingCondition");
    if (status || !most)
        return status;
    if (most->kind != DOC_NUMBER ||
        number_parse(most->text.at, most->text.len, &seconds, &f) != NUMBER_INT || seconds < 1 ||
        seconds > 100000000)
        return doc_error(m->x->doc, most, m->x->e, "a limit of time is a whole number of seconds");
    buf_format(m->x->out, "    timeout: %llds\n", (long long)seconds);
    return 0;
}

/* ---- Processing, QualityCheck, ClarifyCheck ---- */

static int add_processing_inputs(struct sm *m, const struct doc_node *list, struct sm_job *j)
{
    int status = 0;
    for (size_t i = 0; list && list->kind == DOC_LIST && i < list->count && status == 0; i++) {
        const struct doc_node *n = &list->items[i], *from = doc_get(n, "S3Input");
        status = import_keys(m->x, n, "InputName AppManaged S3Input", "a processing input");
        if (status == 0 && !doc_get(from, "S3Uri"))
            status = no_uri(m, n, "an input");
        if (status == 0)
            status = import_keys(m->x, from,
                                 "S3Uri LocalPath S3DataType S3InputMode S3DataDistributionType "
                                 "S3CompressionType",
                                 "an S3Input");
        if (status == 0)
            status = add_input(m, doc_get(from, "S3Uri"), doc_get(from, "LocalPath"), j);
    }
    return status;
}

static int add_processing_outputs(struct sm *m, const struct doc_node *n, struct sm_job *j)
{
    const struct doc_node *list = doc_get(n, "Outputs");
    int status = n ? import_keys(m->x, n, "Outputs KmsKeyId", "ProcessingOutputConfig") : 0;
    for (size_t i = 0; list && list->kind == DOC_LIST && i < list->count && status == 0; i++) {
        const struct doc_node *one = &list->items[i], *to = doc_get(one, "S3Output");
        status = import_keys(m->x, one, "OutputName AppManaged S3Output", "a processing output");
        if (status == 0 && !doc_get(to, "S3Uri"))
            status = no_uri(m, one, "an output");
        if (status == 0)
            status = import_keys(m->x, to, "S3Uri LocalPath S3UploadMode", "an S3Output");
        if (status == 0)
            status = add_output(m, doc_get(to, "S3Uri"), doc_get(to, "LocalPath"), j);
    }
    return status;
}

#define PROCESSING_UNUSED                                                                          \
    "ProcessingJobName ProcessingResources NetworkConfig RoleArn Tags ExperimentConfig"

int sm_job_processing(struct sm *m, const struct sm_step *s, struct sm_job *j)
{
    const struct doc_node *a = s->arguments, *from = doc_get(a, "AppSpecification");
    int status = import_keys(m->x, a,
                             PROCESSING_UNUSED " AppSpecification Environment ProcessingInputs "
                                               "ProcessingOutputConfig StoppingCondition",
                             "a processing job");
    if (status == 0 && from)
        status = import_keys(m->x, from, "ImageUri ContainerEntrypoint ContainerArguments",
                             "AppSpecification");
    import_note_unused(m->x, a, PROCESSING_UNUSED, 4);
    if (status == 0)
        status = put_timeout(m, doc_get(a, "StoppingCondition"));
    if (status == 0)
        status = add_command(m, s, from, j);
    if (status == 0)
        status = add_environment(m, doc_get(a, "Environment"), j);
    if (status == 0)
        status = add_processing_inputs(m, doc_get(a, "ProcessingInputs"), j);
    return status ? status : add_processing_outputs(m, doc_get(a, "ProcessingOutputConfig"), j);
}

/* ---- Training ---- */

/* SM_CHANNEL_TRAIN, as the training toolkit of the images has it. */
static int add_channel(struct sm *m, const struct doc_node *n, struct sm_job *j)
{
    const struct doc_node *name = doc_get(n, "ChannelName");
    const struct doc_node *uri =
        doc_get(doc_get(doc_get(n, "DataSource"), "S3DataSource"), "S3Uri");
    struct buf variable = {0};
    struct text path;
    int status = import_keys(m->x, n,
                             "ChannelName DataSource ContentType CompressionType InputMode "
                             "RecordWrapperType ShuffleConfig",
                             "a channel");
    if (status)
        return status;
    if (!name || !uri)
        return no_uri(m, n, "a channel");
    status = sm_path(m, uri, &path);
    if (status)
        return status;
    import_add_once(&j->in, path);
    buf_puts(&variable, "SM_CHANNEL_");
    for (size_t i = 0; i < name->text.len; i++) {
        char c = name->text.at[i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        buf_putc(&variable, import_is_name((struct text){&c, 1}) && c != '-' ? c : '_');
    }
    struct text local = text_of(
        arena_format(&m->x->arena, "/opt/ml/input/data/%.*s", (int)name->text.len, name->text.at));
    vec_push(&j->bindings, ((struct sm_binding){local, path}));
    status = sm_job_add_variable(m, j, n, import_keep(m->x, &variable), path);
    buf_release(&variable);
    return status;
}

static int add_model(struct sm *m, const struct sm_step *s, struct sm_job *j)
{
    struct text path;
    int status = sm_model_path(m, s, &path);
    if (status)
        return status;
    import_add_once(&j->out, path);
    import_add_once(&j->folders, path);
    vec_push(&j->bindings, ((struct sm_binding){text_of("/opt/ml/model"), path}));
    return sm_job_add_variable(m, j, s->node, text_of("SM_MODEL_DIR"), path);
}

static int add_hyperparameters(struct sm *m, const struct sm_step *s, struct sm_job *j)
{
    const struct doc_node *n = doc_get(s->arguments, "HyperParameters");
    struct buf json = {0};
    int status = n ? sm_json(m, n, &json) : 0;
    if (status == 0 && n)
        status = sm_job_add_variable(m, j, n, text_of("SM_HPS"), import_keep(m->x, &json));
    buf_release(&json);
    return status;
}

#define TRAINING_UNUSED                                                                            \
    "TrainingJobName ResourceConfig RoleArn Tags EnableNetworkIsolation "                          \
    "EnableInterContainerTrafficEncryption EnableManagedSpotTraining CheckpointConfig "            \
    "DebugHookConfig DebugRuleConfigurations ProfilerConfig ProfilerRuleConfigurations "           \
    "TensorBoardOutputConfig VpcConfig ExperimentConfig RetryStrategy"

int sm_job_training(struct sm *m, const struct sm_step *s, struct sm_job *j)
{
    const struct doc_node *a = s->arguments, *list = doc_get(a, "InputDataConfig");
    int status = import_keys(m->x, a,
                             TRAINING_UNUSED " AlgorithmSpecification HyperParameters "
                                             "InputDataConfig OutputDataConfig Environment "
                                             "StoppingCondition",
                             "a training job");
    import_note_unused(m->x, a, TRAINING_UNUSED, 4);
    if (status == 0)
        status = put_timeout(m, doc_get(a, "StoppingCondition"));
    if (status == 0)
        status = add_command(m, s, doc_get(a, "AlgorithmSpecification"), j);
    if (status == 0)
        status = add_environment(m, doc_get(a, "Environment"), j);
    if (status == 0)
        status = add_hyperparameters(m, s, j);
    for (size_t i = 0; list && list->kind == DOC_LIST && i < list->count && status == 0; i++)
        status = add_channel(m, &list->items[i], j);
    return status ? status : add_model(m, s, j);
}

/* ---- Transform ---- */

int sm_job_transform(struct sm *m, const struct sm_step *s, struct sm_job *j)
{
    const struct doc_node *a = s->arguments;
    const struct doc_node *in = doc_get(
        doc_get(doc_get(doc_get(a, "TransformInput"), "DataSource"), "S3DataSource"), "S3Uri");
    const struct doc_node *out = doc_get(doc_get(a, "TransformOutput"), "S3OutputPath");
    if (!in || !out)
        return doc_error(m->x->doc, s->node, m->x->e,
                         "a Transform step has TransformInput and TransformOutput");
    int status = sm_job_add_arguments(m, s, j);
    if (status == 0)
        status = add_environment(m, doc_get(a, "Environment"), j);
    if (status == 0)
        status = add_input(m, in, NULL, j);
    return status ? status : add_output(m, out, NULL, j);
}
