/* What is kept of a job: job.json, plan.jsonl and the results. */
#include "processing/parts.h"

#include "base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 30 };

static const char *const methods[] = {
    [SHARD_KEY] = "key", [SHARD_SIZE] = "size", [SHARD_RECORD] = "record"};

static char *path_in(const struct processing *p, const char *name)
{
    return mem_format("%s/%s", p->folder, name);
}

static int write_whole(const char *path, struct text bytes, struct error *e)
{
    struct replace *r = NULL;
    int status = replace_open(path, &r, e);
    if (status)
        return status;
    status = file_write(replace_fd(r), bytes.at, bytes.len, path, e);
    if (status == 0)
        return replace_commit(r, e);
    replace_abort(r);
    return status;
}

static int write_json(const struct processing *p, const char *name, json_t *value, struct error *e)
{
    char *path = path_in(p, name), *text = json_dumps(value, JSON_INDENT(2));
    struct buf b = {0};
    buf_puts(&b, text);
    buf_putc(&b, '\n');
    int status = write_whole(path, (struct text){b.at, b.len}, e);
    buf_release(&b);
    free(text);
    mem_free(path);
    return status;
}

static json_t *texts(char *const *list)
{
    json_t *out = json_array();
    for (; list && *list; list++)
        json_array_append_new(out, json_string(*list));
    return out;
}

/* ---- job.json ---- */

static json_t *inputs_of(const struct processing_job *j)
{
    json_t *out = json_array();
    for (size_t i = 0; i < j->input_count; i++) {
        const struct processing_input *in = &j->inputs[i];
        const char quote[2] = {in->records.quote, 0};
        json_array_append_new(out,
                              json_pack("{s:s, s:o, s:b, s:b, s:b, s:s, s:b}", "name", in->name,
                                        "paths", texts(in->paths), "replicated", in->replicated,
                                        "piped", in->piped, "header", in->records.header, "quote",
                                        quote, "row_groups", in->records.groups));
    }
    return out;
}

static json_t *outputs_of(const struct processing_job *j)
{
    json_t *out = json_array();
    for (size_t i = 0; i < j->output_count; i++)
        json_array_append_new(
            out, json_pack("{s:s, s:s}", "name", j->outputs[i].name, "path", j->outputs[i].path));
    return out;
}

int request_write(const struct processing *p, struct error *e)
{
    const struct processing_job *j = &p->job;
    char digest[2 * SHA256_SIZE + 1] = "";
    struct buf script = {0};
    int status = j->script ? file_load(j->script, FILE_MAX, &script, e) : 0;
    if (status)
        return status;
    if (j->script)
        sha256_hex((struct text){script.at, script.len}, digest);
    buf_release(&script);
    json_t *value = json_pack(
        "{s:s, s:I, s:o, s:s, s:s, s:o, s:o, s:I, s:s, s:o, s:I, s:I, s:i, s:b, s:b, "
        "s:{s:b, s:b, s:I, s:I, s:f}}",
        "name", j->name, "created", (json_int_t)p->created, "command", texts(j->argv), "script",
        j->script ? j->script : "", "script_sha256", digest, "inputs", inputs_of(j), "outputs",
        outputs_of(j), "instances", (json_int_t)p->instances, "shard", methods[j->method],
        "environment", texts(j->environment), "max_runtime_us", (json_int_t)j->max_runtime,
        "grace_us", (json_int_t)j->grace, "attempts", (int)j->attempts, "streams", j->streams,
        "output_header", j->output_header, "limits", "isolated", j->isolated, "no_network",
        j->no_network, "memory", (json_int_t)j->limits.memory, "processes",
        (json_int_t)j->limits.processes, "cpus", j->limits.cpus);
    status = value ? write_json(p, "job.json", value, e)
                   : error_set(e, ERR_DATA, "the job has a text that is not UTF-8");
    json_decref(value);
    return status;
}

static char **read_texts(struct arena *arena, const json_t *list)
{
    size_t n = json_array_size(list);
    char **out = arena_zero(arena, (n + 1) * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        out[i] = arena_text(arena, text ? text : "", text ? strlen(text) : 0);
    }
    return out;
}

static const char *kept(struct processing *p, const char *text)
{
    return arena_text(&p->arena, text, strlen(text));
}

static bool read_inputs(struct processing *p, const json_t *list)
{
    struct processing_job *j = &p->job;
    j->input_count = json_array_size(list);
    j->inputs = arena_zero(&p->arena, (j->input_count + 1) * sizeof *j->inputs);
    for (size_t i = 0; i < j->input_count; i++) {
        const char *name;
        const char *quote;
        json_t *paths;
        int replicated, piped, header, groups;
        if (json_unpack(json_array_get(list, i), "{s:s, s:o, s:b, s:b, s:b, s:s, s:b}", "name",
                        &name, "paths", &paths, "replicated", &replicated, "piped", &piped,
                        "header", &header, "quote", &quote, "row_groups", &groups) != 0)
            return false;
        j->inputs[i] = (struct processing_input){.name = kept(p, name),
                                                 .paths = read_texts(&p->arena, paths),
                                                 .replicated = replicated,
                                                 .piped = piped,
                                                 .records = {header, quote[0], groups}};
    }
    return true;
}

static bool read_outputs(struct processing *p, const json_t *list)
{
    struct processing_job *j = &p->job;
    j->output_count = json_array_size(list);
    j->outputs = arena_zero(&p->arena, (j->output_count + 1) * sizeof *j->outputs);
    for (size_t i = 0; i < j->output_count; i++) {
        const char *name, *path;
        if (json_unpack(json_array_get(list, i), "{s:s, s:s}", "name", &name, "path", &path) != 0)
            return false;
        j->outputs[i] = (struct processing_output){kept(p, name), kept(p, path)};
    }
    return true;
}

static bool read_job(struct processing *p, json_t *value)
{
    struct processing_job *j = &p->job;
    json_int_t created, instances, runtime, grace;
    json_int_t memory, processes;
    int attempts, streams, output_header, isolated, no_network;
    double cpus;
    const char *name, *script, *method;
    json_t *command, *inputs, *outputs, *environment;
    if (json_unpack(value,
                    "{s:s, s:I, s:o, s:s, s:o, s:o, s:I, s:s, s:o, s:I, s:I, s:i, s:b, "
                    "s:b, s:{s:b, s:b, s:I, s:I, s:F}}",
                    "name", &name, "created", &created, "command", &command, "script", &script,
                    "inputs", &inputs, "outputs", &outputs, "instances", &instances, "shard",
                    &method, "environment", &environment, "max_runtime_us", &runtime, "grace_us",
                    &grace, "attempts", &attempts, "streams", &streams, "output_header",
                    &output_header, "limits", "isolated", &isolated, "no_network", &no_network,
                    "memory", &memory, "processes", &processes, "cpus", &cpus) != 0 ||
        instances < 1 || json_array_size(command) == 0)
        return false;
    *j = (struct processing_job){
        .name = kept(p, name),
        .argv = read_texts(&p->arena, command),
        .script = *script ? kept(p, script) : NULL,
        .instances = (size_t)instances,
        .environment = read_texts(&p->arena, environment),
        .max_runtime = runtime,
        .grace = grace,
        .attempts = (unsigned)attempts,
        .streams = streams,
        .isolated = isolated,
        .no_network = no_network,
        .limits = {.memory = (uint64_t)memory, .processes = (uint32_t)processes, .cpus = cpus},
        .output_header = output_header};
    for (unsigned i = 0; i < COUNT_OF(methods); i++)
        if (strcmp(method, methods[i]) == 0)
            j->method = (enum shard_method)i;
    p->created = created;
    p->instances = (size_t)instances;
    return read_inputs(p, inputs) && read_outputs(p, outputs);
}

static void keep_script_digest(struct processing *p, const json_t *value)
{
    const char *was = json_string_value(json_object_get(value, "script_sha256"));
    p->script_digest = kept(p, was ? was : "");
}

int request_read(struct processing *p, struct error *e)
{
    char *path = path_in(p, "job.json");
    struct buf text = {0};
    int status = file_load(path, FILE_MAX, &text, e);
    json_t *value = status ? NULL : json_loadb(buf_text(&text), text.len, 0, NULL);
    if (status == 0 && (!value || !read_job(p, value)))
        status = error_set(e, ERR_DATA, "%s is no job", path);
    if (status == 0)
        keep_script_digest(p, value);
    json_decref(value);
    buf_release(&text);
    mem_free(path);
    return status;
}

/* ---- plan.jsonl: a line for each share that has its own ---- */

static void put_item(struct buf *b, const struct item *i, bool first)
{
    buf_puts(b, first ? "{\"path\":" : ",{\"path\":");
    json_put_string(b, i->path, strlen(i->path));
    buf_format(b,
               ",\"as\":%zu,\"size\":%llu,\"header\":%llu,\"begin\":%llu,\"end\":%llu,"
               "\"changed_ns\":%lld}",
               (size_t)(i->as - i->path), (unsigned long long)i->size,
               (unsigned long long)i->header, (unsigned long long)i->begin,
               (unsigned long long)i->end, (long long)i->changed);
}

int shares_write(const struct processing *p, struct error *e)
{
    struct buf b = {0};
    for (size_t i = 0; i < p->instances * p->job.input_count; i++) {
        size_t input = i % p->job.input_count;
        if (p->job.inputs[input].replicated && i >= p->job.input_count)
            continue;
        buf_format(&b, "{\"instance\":%zu,", i / p->job.input_count);
        if (p->first_row && input == 0)
            buf_format(&b, "\"first_row\":%llu,",
                       (unsigned long long)p->first_row[i / p->job.input_count]);
        buf_puts(&b, "\"input\":");
        json_put_string(&b, p->job.inputs[input].name, strlen(p->job.inputs[input].name));
        buf_puts(&b, ",\"files\":[");
        for (size_t k = 0; k < p->shares[i].count; k++)
            put_item(&b, &p->shares[i].items[k], k == 0);
        buf_puts(&b, "]}\n");
    }
    char *path = path_in(p, "plan.jsonl");
    int status = write_whole(path, (struct text){b.at, b.len}, e);
    mem_free(path);
    buf_release(&b);
    return status;
}

static bool read_item(struct processing *p, json_t *value, struct item *out)
{
    const char *path;
    json_int_t as, size, header, begin, end, changed;
    if (json_unpack(value, "{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "path", &path, "as", &as, "size",
                    &size, "header", &header, "begin", &begin, "end", &end, "changed_ns",
                    &changed) != 0 ||
        as < 0 || (size_t)as >= strlen(path) || begin < header || end < begin || size < end)
        return false;
    *out = (struct item){.path = kept(p, path),
                         .size = (uint64_t)size,
                         .header = (uint64_t)header,
                         .begin = (uint64_t)begin,
                         .end = (uint64_t)end,
                         .changed = changed};
    out->as = out->path + as;
    return true;
}

static bool read_share(struct processing *p, struct text line)
{
    json_t *value = json_loadb(line.at, line.len, 0, NULL), *files;
    json_int_t instance, row = 0;
    const char *input;
    bool is = value && json_unpack(value, "{s:I, s?I, s:s, s:o}", "instance", &instance,
                                   "first_row", &row, "input", &input, "files", &files) == 0;
    size_t number = 0;
    while (is && number < p->job.input_count && strcmp(p->job.inputs[number].name, input) != 0)
        number++;
    is = is && number < p->job.input_count && instance >= 0 && (size_t)instance < p->instances;
    if (is && row > 0) {
        if (!p->first_row)
            p->first_row = arena_zero(&p->arena, p->instances * sizeof *p->first_row);
        p->first_row[instance] = (uint64_t)row;
    }
    if (is) {
        struct share *s = &p->shares[(size_t)instance * p->job.input_count + number];
        s->items = arena_alloc(&p->arena, (json_array_size(files) + 1) * sizeof *s->items);
        for (s->count = 0; is && s->count < json_array_size(files); s->count++)
            is = read_item(p, json_array_get(files, s->count), &s->items[s->count]);
    }
    json_decref(value);
    return is;
}

int shares_read(struct processing *p, struct error *e)
{
    size_t inputs = p->job.input_count, line = 0;
    char *path = path_in(p, "plan.jsonl");
    struct buf text = {0};
    int status = file_load(path, FILE_MAX, &text, e);
    p->shares = arena_zero(&p->arena, (p->instances * inputs + 1) * sizeof *p->shares);
    const char *at = text.at, *end = text.at + text.len;
    while (status == 0 && at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        line++;
        if (!read_share(p, (struct text){at, (size_t)(stop - at)})) {
            status = error_set(e, ERR_DATA, "is no share of a job");
            error_at(e, path, line, 0);
        }
        at = stop + 1;
    }
    for (size_t i = inputs; status == 0 && i < p->instances * inputs; i++)
        if (p->job.inputs[i % inputs].replicated)
            p->shares[i] = p->shares[i % inputs];
    buf_release(&text);
    mem_free(path);
    return status;
}

/* ---- results ---- */

static const char *const result_kinds[] = {".json", ".failed.json"};

static char *result_path(const struct processing *p, size_t instance, const char *kind)
{
    return mem_format("%s/results/%zu%s", p->folder, instance, kind);
}

static void put_time(struct buf *b, const char *name, usec t)
{
    char text[TIME_MAX];
    size_t n = time_print(text, t);
    buf_format(b, ",\"%s\":\"%.*s\"", name, (int)n, text);
}

static void put_result(struct buf *b, const struct processing_result *r)
{
    char host[256] = "";
    (void)gethostname(host, sizeof host - 1);
    buf_format(b, "{\"instance\":%zu,\"name\":\"algo-%zu\",\"attempt\":%u,\"status\":%d",
               r->instance, r->instance + 1, r->attempt, r->status);
    if (r->signal)
        buf_format(b, ",\"signal\":%d", r->signal);
    put_time(b, "started", r->started);
    put_time(b, "ended", r->ended);
    buf_format(b, ",\"user_s\":%.6f,\"system_s\":%.6f,\"max_rss\":%llu,\"host\":", r->user_s,
               r->system_s, (unsigned long long)r->max_rss);
    json_put_string(b, host, strlen(host));
    if (r->message.at) {
        buf_puts(b, ",\"message\":");
        json_put_string(b, r->message.at, r->message.len);
    }
    if (r->problem[0]) {
        buf_puts(b, ",\"problem\":");
        json_put_string(b, r->problem, strlen(r->problem));
    }
    buf_puts(b, "}\n");
}

int result_publish(const struct processing *p, const struct processing_result *r, bool *first,
                   struct error *e)
{
    struct buf b = {0};
    char *path = result_path(p, r->instance, result_kinds[r->status != 0]);
    put_result(&b, r);
    int status = file_publish(path, (struct text){b.at, b.len}, first, e);
    mem_free(path);
    buf_release(&b);
    return status;
}

void result_forget(const struct processing *p, size_t instance)
{
    for (size_t i = 0; i < COUNT_OF(result_kinds); i++) {
        char *path = result_path(p, instance, result_kinds[i]);
        (void)unlink(path);
        mem_free(path);
    }
}

static usec time_in(const json_t *value, const char *name)
{
    const char *text = json_string_value(json_object_get(value, name));
    bool has_offset;
    usec t;
    return text && time_parse(text, strlen(text), &t, &has_offset) ? t : 0;
}

static bool read_result(struct buf *room, struct processing_result *out)
{
    json_t *value = json_loadb(buf_text(room), room->len, 0, NULL);
    json_int_t rss = 0;
    int status, attempt, number = 0;
    const char *message = NULL, *problem = NULL;
    bool is = value && json_unpack(value, "{s:i, s:i, s?i, s:F, s:F, s:I, s?s, s?s}", "status",
                                   &status, "attempt", &attempt, "signal", &number, "user_s",
                                   &out->user_s, "system_s", &out->system_s, "max_rss", &rss,
                                   "message", &message, "problem", &problem) == 0;
    if (is) {
        out->status = status;
        out->attempt = (unsigned)attempt;
        out->signal = number;
        out->max_rss = (uint64_t)rss;
        out->started = time_in(value, "started");
        out->ended = time_in(value, "ended");
        (void)snprintf(out->problem, sizeof out->problem, "%s", problem ? problem : "");
        room->len = 0;
        buf_puts(room, message ? message : "");
        out->message = (struct text){message ? buf_text(room) : NULL, room->len};
    }
    json_decref(value);
    return is;
}

int processing_result_of(const struct processing *p, size_t instance, struct buf *room,
                         struct processing_result *out, struct error *e)
{
    for (size_t i = 0; i < COUNT_OF(result_kinds); i++) {
        char *path = result_path(p, instance, result_kinds[i]);
        bool there = access(path, F_OK) == 0;
        int status = 0;
        room->len = 0;
        if (there)
            status = file_load(path, FILE_MAX, room, e);
        *out = (struct processing_result){.instance = instance, .final = true};
        /* One that a crash left half-written says nothing. */
        bool read = there && status == 0 && read_result(room, out);
        mem_free(path);
        if (status || read)
            return status ? status : 1;
    }
    return 0;
}

/* ---- the end ---- */

bool is_over(const struct processing *p)
{
    char *path = path_in(p, "over");
    bool is = access(path, F_OK) == 0;
    mem_free(path);
    return is;
}

int set_over(const struct processing *p, struct error *e)
{
    char *path = path_in(p, "over");
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    int status = fd < 0 ? error_errno(e, "cannot write %s", path) : 0;
    if (fd >= 0)
        close(fd);
    mem_free(path);
    return status;
}
