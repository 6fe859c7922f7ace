/*
 * The pipeline definition of SageMaker, version 2020-12-01. A step is a Processing job whose
 * container runs the command; its files are s3://BUCKET/PATH, where BUCKET stands for the folder of
 * the definition. Parameters keep their names, conditions are Condition steps.
 */
#include "exchange/export.h"

#include "exchange/sagemaker.h"

enum {
    FILES_MAX = 10,
    ATTEMPTS_MAX = 20,
    INTERVAL_MAX = 43200,
    EXPIRE_MAX = 14400,
    RUNTIME_MAX = 777600
};

/* ---- texts with parameters ---- */

static json_t *reference_to(const struct parameter *p)
{
    char *path = mem_format("Parameters.%s", p->name);
    json_t *get = json_pack("{s:s}", "Get", path);
    mem_free(path);
    return get;
}

/* Text, {"Get": ...} or {"Std:Join": ...} of both. */
static json_t *value_of(const struct exporting *x, struct text text)
{
    json_t *parts = json_array();
    struct text plain;
    uint32_t i;
    while (export_next(&text, &plain, &i)) {
        if (plain.len)
            json_array_append_new(parts, json_stringn(plain.at, plain.len));
        if (i != PARAMETER_NONE)
            json_array_append_new(parts, reference_to(&x->p->parameters[i]));
    }
    size_t count = json_array_size(parts);
    json_t *one = count == 1 ? json_incref(json_array_get(parts, 0)) : NULL;
    if (count < 2) {
        json_decref(parts);
        return one ? one : json_string("");
    }
    return json_pack("{s:{s:s, s:o}}", "Std:Join", "On", "", "Values", parts);
}

/* ---- parameters ---- */

static json_t *default_of(const struct parameter *p)
{
    if (p->type == PARAMETER_STRING)
        return json_stringn(p->value.at, p->value.len);
    return json_loadb(p->value.at, p->value.len, JSON_DECODE_ANY, NULL);
}

static json_t *parameters_of(const struct pipeline *p)
{
    static const char *const types[] = {"String", "Integer", "Float", "Boolean"};
    json_t *list = json_array();
    for (size_t i = 0; i < p->parameter_count; i++) {
        const struct parameter *x = &p->parameters[i];
        json_t *one = json_pack("{s:s, s:s}", "Name", x->name, "Type", types[x->type]);
        if (x->value.at)
            json_object_set_new(one, "DefaultValue", default_of(x));
        json_array_append_new(list, one);
    }
    return list;
}

/* ---- a job ---- */

static json_t *uri_of(const struct exporting *x, uint32_t path)
{
    struct buf uri = {0};
    buf_puts(&uri, SAGEMAKER_FOLDER);
    buf_add(&uri, x->p->paths[path].at, x->p->paths[path].len);
    json_t *out = value_of(x, (struct text){uri.at, uri.len});
    buf_release(&uri);
    return out;
}

static json_t *local_path_of(const struct exporting *x, uint32_t path)
{
    struct buf local = {0};
    buf_puts(&local, "/opt/ml/processing/");
    buf_add(&local, x->p->paths[path].at, x->p->paths[path].len);
    json_t *out = value_of(x, (struct text){local.at, local.len});
    buf_release(&local);
    return out;
}

static json_t *file_of(const struct exporting *x, uint32_t path, bool in, uint32_t number)
{
    char *name = mem_format("%s-%u", in ? "in" : "out", (unsigned)number + 1);
    json_t *where =
        json_pack("{s:o, s:o}", "S3Uri", uri_of(x, path), "LocalPath", local_path_of(x, path));
    if (in)
        json_object_set_new(where, "S3DataType", json_text("S3Prefix"));
    json_object_set_new(where, in ? "S3InputMode" : "S3UploadMode",
                        json_text(in ? "File" : "EndOfJob"));
    json_t *file = json_pack("{s:s, s:o}", in ? "InputName" : "OutputName", name,
                             in ? "S3Input" : "S3Output", where);
    mem_free(name);
    return file;
}

static json_t *files_of(const struct exporting *x, const uint32_t *paths, uint32_t count, bool in)
{
    json_t *list = json_array();
    for (uint32_t k = 0; k < count; k++)
        json_array_append_new(list, file_of(x, paths[k], in, k));
    return list;
}

/* Values of parameters are put in as they are, so none may stand in quotes of a shell: a folder is
 * an argument of one that goes there and becomes the command. */
static json_t *specification_of(const struct exporting *x, const struct step *s)
{
    static const char *const shell[] = {"/bin/sh", "-c", NULL};
    static const char *const there[] = {"/bin/sh", "-c", "cd \"$1\" && shift && exec \"$@\"", "sh",
                                        NULL};
    json_t *words = json_array(), *entry = json_array();
    for (const char *const *at = there; s->entry->directory && *at; at++)
        json_array_append_new(words, json_text(*at));
    if (s->entry->directory)
        json_array_append_new(words, value_of(x, text_of(s->entry->directory)));
    for (const char *const *at = shell; s->script && *at; at++)
        json_array_append_new(words, json_text(*at));
    if (s->script)
        json_array_append_new(words, value_of(x, text_of(s->script)));
    for (char **at = s->argv; at && *at; at++)
        json_array_append_new(words, value_of(x, text_of(*at)));
    const char *second = json_string_value(json_array_get(words, 1));
    for (size_t n = second && strcmp(second, "-c") == 0 ? 2 : 1; n > 0; n--) {
        json_array_append(entry, json_array_get(words, 0));
        json_array_remove(words, 0);
    }
    json_t *out = json_pack("{s:s, s:o}", "ImageUri", "local", "ContainerEntrypoint", entry);
    if (json_array_size(words))
        json_object_set(out, "ContainerArguments", words);
    json_decref(words);
    return out;
}

static json_t *arguments_of(const struct exporting *x, const struct step *s)
{
    json_t *out = json_pack("{s:{s:{s:i, s:s, s:i}}, s:o, s:s}", "ProcessingResources",
                            "ClusterConfig", "InstanceCount", 1, "InstanceType", "ml.m5.large",
                            "VolumeSizeInGB", 30, "AppSpecification", specification_of(x, s),
                            "RoleArn", "arn:aws:iam::000000000000:role/ROLE");
    json_t *environment = json_object();
    for (char **at = s->environment; *at; at++) {
        size_t n = strcspn(*at, "=");
        char *name = mem_text_n(*at, n);
        json_object_set_new(environment, name, value_of(x, text_of(*at + n + 1)));
        mem_free(name);
    }
    if (json_object_size(environment))
        json_object_set(out, "Environment", environment);
    json_decref(environment);
    if (s->in_count)
        json_object_set_new(out, "ProcessingInputs", files_of(x, s->in, s->in_count, true));
    if (s->out_count)
        json_object_set_new(
            out, "ProcessingOutputConfig",
            json_pack("{s:o}", "Outputs", files_of(x, s->out, s->out_count, false)));
    if (s->entry->timeout)
        json_object_set_new(out, "StoppingCondition",
                            json_pack("{s:I}", "MaxRuntimeInSeconds",
                                      (json_int_t)whole_seconds(s->entry->timeout)));
    return out;
}

/* ---- a step ---- */

static json_t *cache_of(const struct step_entry *s)
{
    json_t *cache = json_pack("{s:b}", "Enabled", s->cache);
    if (s->cache && s->cache_lasts) {
        struct buf text = {0};
        long long t = whole_seconds(s->cache_lasts);
        buf_format(&text, "P%lldDT%lldH%lldM%lldS", t / 86400, t / 3600 % 24, t / 60 % 60, t % 60);
        json_object_set_new(cache, "ExpireAfter", json_text(buf_text(&text)));
        buf_release(&text);
    }
    return cache;
}

/* NULL: there is nothing that it would try again after. */
static json_t *exceptions_of(struct exporting *x, const struct step *s, const struct retry *r)
{
    json_t *types = json_array();
    for (unsigned class = JOB_FAILED; class < JOB_CLASSES; class ++) {
        const char *type = sagemaker_exception(class);
        if (!(r->classes >> class & 1))
            continue;
        if (type)
            json_array_append_new(types, json_text(type));
        else
            export_warn(x, s, "retry: SageMaker does not try again after %s",
                        class == JOB_FAILED ? "an error of the command" : "a timeout");
    }
    for (const uint8_t *at = r->statuses; at && *at; at++)
        export_warn(x, s, "retry: SageMaker does not try again after status %u", *at);
    if (json_array_size(types) == 0) {
        json_decref(types);
        return NULL;
    }
    return types;
}

/* It takes one of MaxAttempts and ExpireAfterMin. */
static json_t *policy_of(struct exporting *x, const struct step *s, const struct retry *r)
{
    bool timed = r->expires && r->attempts > ATTEMPTS_MAX + 1;
    json_t *types = r->attempts > 1 ? exceptions_of(x, s, r) : NULL;
    if (!types)
        return NULL;
    if (r->expires && !timed)
        export_warn(x, s, "retry: a policy of SageMaker has no expire beside attempts");
    json_t *policy = json_pack("{s:o, s:I, s:f}", "ExceptionType", types, "IntervalSeconds",
                               (json_int_t)whole_seconds(r->interval), "BackoffRate", r->backoff);
    if (timed)
        json_object_set_new(policy, "ExpireAfterMin",
                            json_integer((whole_seconds(r->expires) + 59) / 60));
    else
        json_object_set_new(policy, "MaxAttempts", json_integer(r->attempts - 1));
    return policy;
}

/* An empty list when it is never tried again. */
static json_t *retry_of(struct exporting *x, const struct step *s)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < s->entry->retry_count; i++) {
        json_t *policy = policy_of(x, s, &s->entry->retries[i]);
        if (policy)
            json_array_append_new(list, policy);
    }
    return list;
}

static int check_retry(const struct exporting *x, const struct step *s, const struct retry *r)
{
    if (r->attempts < 2)
        return 0;
    if (r->attempts > ATTEMPTS_MAX + 1 && !r->expires)
        return export_error(x, s, "a step is tried again at most %d times", ATTEMPTS_MAX);
    if (whole_seconds(r->interval) > INTERVAL_MAX)
        return export_error(x, s, "a step is tried again after at most %d seconds", INTERVAL_MAX);
    if (r->expires / USEC_SECOND > (usec)EXPIRE_MAX * 60)
        return export_error(x, s, "a step is tried again for at most %d minutes", EXPIRE_MAX);
    return 0;
}

static int check(const struct exporting *x, const struct step *s)
{
    const struct step_entry *t = s->entry;
    if (s->in_count > FILES_MAX || s->out_count > FILES_MAX)
        return export_error(x, s, "a job has at most %d inputs and %d outputs", FILES_MAX,
                            FILES_MAX);
    if (t->timeout && whole_seconds(t->timeout) > RUNTIME_MAX)
        return export_error(x, s, "a job runs for at most %d seconds", RUNTIME_MAX);
    int status = 0;
    for (uint32_t i = 0; i < t->retry_count && status == 0; i++)
        status = check_retry(x, s, &t->retries[i]);
    return status;
}

/* A message to a queue, by whose token somebody answers; a command that would hand the work over is
 * told, not run. */
static void put_question(struct exporting *x, uint32_t i, json_t *out)
{
    const struct step *s = &x->p->steps[i];
    json_t *arguments = export_question(x, i), *words = json_array();
    for (char **at = s->argv; at && *at; at++)
        json_array_append_new(words, value_of(x, text_of(*at)));
    if (s->script)
        json_object_set_new(arguments, "command", value_of(x, text_of(s->script)));
    else if (s->argv)
        json_object_set(arguments, "command", words);
    json_decref(words);
    json_object_set_new(out, "SqsQueueUrl",
                        json_text("https://sqs.REGION.amazonaws.com/000000000000/QUEUE"));
    json_object_set_new(out, "OutputParameters", json_array());
    json_object_set_new(out, "Arguments", arguments);
}

/* A model package; the pipeline does not wait for its approval. */
static void put_model(struct exporting *x, const struct step *s, json_t *out)
{
    if (s->entry->asks)
        export_warn(x, s, "approve: a pipeline of SageMaker does not wait for it");
    json_t *arguments =
        json_pack("{s:o, s:{s:[{s:s, s:o}], s:[s], s:[s]}, s:s}", "ModelPackageGroupName",
                  value_of(x, text_of(s->model)), "InferenceSpecification", "Containers", "Image",
                  "local", "ModelDataUrl", uri_of(x, s->file), "SupportedContentTypes", "text/csv",
                  "SupportedResponseMIMETypes", "text/csv", "ModelApprovalStatus",
                  s->entry->preapproved ? "Approved" : "PendingManualApproval");
    if (s->metrics != PATH_NONE)
        json_object_set_new(arguments, "ModelMetrics",
                            json_pack("{s:{s:{s:s, s:o}}}", "ModelQuality", "Statistics",
                                      "ContentType", "application/json", "S3Uri",
                                      uri_of(x, s->metrics)));
    json_object_set_new(out, "Arguments", arguments);
}

static void put_job(struct exporting *x, const struct step *s, json_t *out)
{
    json_object_set_new(out, "Arguments", arguments_of(x, s));
    json_object_set_new(out, "CacheConfig", cache_of(s->entry));
    json_t *policies = retry_of(x, s);
    if (json_array_size(policies))
        json_object_set(out, "RetryPolicies", policies);
    json_decref(policies);
}

static json_t *step_of(struct exporting *x, uint32_t i)
{
    static const char *const types[] = {[STEP_RUN] = "Processing",
                                        [STEP_FAIL] = "Fail",
                                        [STEP_APPROVE] = "Callback",
                                        [STEP_CALLBACK] = "Callback",
                                        [STEP_REGISTER] = "RegisterModel"};
    const struct step *s = &x->p->steps[i];
    json_t *out = json_pack("{s:s, s:s}", "Name", x->names[i], "Type", types[s->entry->kind]);
    if (s->wait_count) {
        json_t *names = json_array();
        for (uint32_t k = 0; k < s->wait_count; k++)
            json_array_append_new(names, json_text(x->names[s->waits_for[k]]));
        json_object_set_new(out, "DependsOn", names);
    }
    if (s->entry->kind == STEP_RUN)
        put_job(x, s, out);
    else if (s->entry->kind == STEP_FAIL)
        json_object_set_new(out, "Arguments",
                            json_pack("{s:o}", "ErrorMessage", value_of(x, text_of(s->message))));
    else if (s->entry->kind == STEP_REGISTER)
        put_model(x, s, out);
    else
        put_question(x, i, out);
    return out;
}

static int add_step(struct exporting *x, uint32_t i, json_t *list)
{
    const struct step *s = &x->p->steps[i];
    int status = check(x, s);
    json_t *step = step_of(x, i), *conditions = json_array();
    if (!s->when) {
        json_array_append_new(list, step);
    } else {
        struct buf name = {0};
        buf_format(&name, "when-%s", x->names[i]);
        if (status == 0)
            status = export_conditions(x, s, conditions);
        json_array_append_new(list, json_pack("{s:s, s:s, s:{s:O, s:[o], s:[]}}", "Name",
                                              export_new_name(x, buf_text(&name)), "Type",
                                              "Condition", "Arguments", "Conditions", conditions,
                                              "IfSteps", step, "ElseSteps"));
        buf_release(&name);
    }
    json_decref(conditions);
    return status;
}

static int put(struct exporting *x)
{
    json_t *steps = json_array();
    int status = 0;
    for (uint32_t i = 0; i < x->p->step_count && status == 0; i++)
        status = add_step(x, i, steps);
    export_put_json(x, json_pack("{s:s, s:{s:s}, s:o, s:o}", "Version", SAGEMAKER_VERSION,
                                 "Metadata", SAGEMAKER_NAME, x->p->name, "Parameters",
                                 parameters_of(x->p), "Steps", steps));
    return status;
}

const struct exporter export_sagemaker = {
    .about = {"sagemaker", "a pipeline definition of SageMaker, version 2020-12-01"},
    .kinds = 1U << STEP_APPROVE | 1U << STEP_CALLBACK | 1U << STEP_REGISTER,
    .unicode = true,
    .holds = HOLDS_CACHE | HOLDS_ALWAYS,
    .own_conditions = true,
    .put = put,
};
