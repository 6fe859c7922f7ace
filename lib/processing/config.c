/* What programs written for the cloud's processing jobs find in /opt/ml/config. */
#include "processing/parts.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int write_json(const char *folder, const char *name, json_t *value, struct error *e)
{
    char *path = mem_format("%s/%s", folder, name), *text = json_dumps(value, JSON_COMPACT);
    struct replace *r = NULL;
    int status = text ? replace_open(path, &r, e)
                      : error_set(e, ERR_DATA, "the job has a text that is not UTF-8");
    if (status == 0)
        status = file_write(replace_fd(r), text, strlen(text), path, e);
    if (status == 0)
        status = replace_commit(r, e);
    else
        replace_abort(r);
    free(text);
    json_decref(value);
    mem_free(path);
    return status;
}

static json_t *format_text(const char *before, const char *text)
{
    char *whole = mem_format("%s%s", before, text);
    json_t *out = json_string(whole);
    mem_free(whole);
    return out;
}

static json_t *inputs_of(const struct processing_job *j)
{
    json_t *out = json_array();
    for (size_t i = 0; i < j->input_count; i++) {
        const struct processing_input *in = &j->inputs[i];
        json_t *s3 = json_pack(
            "{s:o, s:o, s:s, s:s, s:s, s:s}", "S3Uri", format_text("file://", in->paths[0]),
            "LocalPath", format_text("/opt/ml/processing/input/", in->name), "S3DataType",
            "S3Prefix", "S3InputMode", in->piped ? "Pipe" : "File", "S3DataDistributionType",
            in->replicated ? "FullyReplicated" : "ShardedByS3Key", "S3CompressionType", "None");
        json_array_append_new(out, json_pack("{s:s, s:b, s:o}", "InputName", in->name, "AppManaged",
                                             0, "S3Input", s3));
    }
    return out;
}

static json_t *outputs_of(const struct processing_job *j)
{
    json_t *out = json_array();
    for (size_t i = 0; i < j->output_count; i++) {
        json_t *s3 = json_pack("{s:o, s:o, s:s}", "S3Uri", format_text("file://", j->outputs[i].path),
                               "LocalPath",
                               format_text("/opt/ml/processing/output/", j->outputs[i].name),
                               "S3UploadMode", "EndOfJob");
        json_array_append_new(
            out, json_pack("{s:s, s:b, s:o}", "OutputName", j->outputs[i].name, "AppManaged", 0,
                           "S3Output", s3));
    }
    return json_pack("{s:o}", "Outputs", out);
}

static json_t *environment_of(const struct processing_job *j)
{
    json_t *out = json_object();
    for (char **at = j->environment; at && *at; at++) {
        size_t n = strcspn(*at, "=");
        char *name = mem_text_n(*at, n);
        json_object_set_new(out, name, json_string((*at)[n] ? *at + n + 1 : ""));
        mem_free(name);
    }
    return out;
}

/* The request of CreateProcessingJob that would be this job. */
static json_t *request_of(const struct processing *p)
{
    const struct processing_job *j = &p->job;
    json_t *command = json_array();
    for (char **at = j->argv; *at; at++)
        json_array_append_new(command, json_string(*at));
    json_t *out = json_pack(
        "{s:s, s:o, s:o, s:{s:{s:I, s:s, s:i}}, s:{s:s, s:o}, s:o}", "ProcessingJobName", j->name,
        "ProcessingInputs", inputs_of(j), "ProcessingOutputConfig", outputs_of(j),
        "ProcessingResources", "ClusterConfig", "InstanceCount", (json_int_t)p->instances,
        "InstanceType", "local", "VolumeSizeInGB", 1, "AppSpecification", "ImageUri", "local",
        "ContainerEntrypoint", command, "Environment", environment_of(j));
    if (out && j->max_runtime)
        json_object_set_new(out, "StoppingCondition",
                            json_pack("{s:I}", "MaxRuntimeInSeconds",
                                      (json_int_t)((j->max_runtime + USEC_SECOND - 1) / USEC_SECOND)));
    return out;
}

int config_write(const struct processing *p, size_t instance, const char *folder, struct error *e)
{
    json_t *hosts = json_array();
    char current[32];
    for (size_t i = 0; i < p->instances; i++) {
        char *name = mem_format("algo-%zu", i + 1);
        json_array_append_new(hosts, json_string(name));
        if (i == instance)
            (void)snprintf(current, sizeof current, "%s", name);
        mem_free(name);
    }
    int status = write_json(folder, "resourceconfig.json",
                            json_pack("{s:s, s:o}", "current_host", current, "hosts", hosts), e);
    if (status == 0)
        status = write_json(folder, "processingjobconfig.json", request_of(p), e);
    return status;
}
