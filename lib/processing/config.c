/* What programs written for the cloud's processing jobs find in /opt/ml/config. */
#include "processing/parts.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
        json_t *s3 =
            json_pack("{s:o, s:o, s:s}", "S3Uri", format_text("file://", j->outputs[i].path),
                      "LocalPath", format_text("/opt/ml/processing/output/", j->outputs[i].name),
                      "S3UploadMode", "EndOfJob");
        json_array_append_new(out, json_pack("{s:s, s:b, s:o}", "OutputName", j->outputs[i].name,
                                             "AppManaged", 0, "S3Output", s3));
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
        json_object_set_new(
            out, "StoppingCondition",
            json_pack("{s:I}", "MaxRuntimeInSeconds",
                      (json_int_t)((j->max_runtime + USEC_SECOND - 1) / USEC_SECOND)));
    return out;
}

/* ---- the files ---- */

int config_prepare(struct processing *p, struct error *e)
{
    json_t *request = request_of(p);
    char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
    int status = text ? 0 : error_set(e, ERR_DATA, "the job has a text that is not UTF-8");
    if (text)
        buf_puts(&p->request, text);
    for (size_t i = 0; i < p->instances; i++)
        buf_format(&p->hosts, "%s\"algo-%zu\"", i ? "," : "", i + 1);
    free(text);
    json_decref(request);
    return status;
}

/* Gone with the attempt: nothing of it need reach the disk. */
static int write_file(const char *folder, const char *name, const struct buf *bytes,
                      struct error *e)
{
    char *path = mem_format("%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int status = fd < 0 ? error_errno(e, "cannot write %s", path)
                        : file_write(fd, bytes->at, bytes->len, path, e);
    if (fd >= 0)
        close(fd);
    mem_free(path);
    return status;
}

int config_write(const struct processing *p, size_t instance, const char *folder, struct error *e)
{
    struct buf b = {0};
    buf_format(&b, "{\"current_host\":\"algo-%zu\",\"hosts\":[", instance + 1);
    buf_add(&b, p->hosts.at, p->hosts.len);
    buf_puts(&b, "]}");
    int status = write_file(folder, "resourceconfig.json", &b, e);
    if (status == 0)
        status = write_file(folder, "processingjobconfig.json", &p->request, e);
    buf_release(&b);
    return status;
}
