/*
 * What a join read, so that it can be done again:
 *
 *   {"fstore_join": 1, "version": "0.1.0", "options": {"time": "at", "labels": "clicks.csv"},
 *    "labels": {"path": "clicks.csv", "sha256": "..."}, "rows": 1000,
 *    "sources": [{"operand": "users:age", "group": "users", "last": 4711, "features": "sha256"},
 *                {"operand": "./b.csv", "path": "./b.csv", "sha256": "..."}]}
 */
#include "join.h"

#include "base/digest.h"
#include "sys/sys.h"

#include <stdlib.h>

enum { MANIFEST_MAX = 16 << 20 };

/* ---- options as JSON ---- */

/* Those that change nothing of what comes out, or say where it goes. */
static bool is_left_out(const struct option *o)
{
    static const char *const names[] = {"output",  "jobs",     "memory",
                                        "rejects", "manifest", "replay"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(o->name, names[i]) == 0)
            return true;
    return false;
}

static json_t *list_json(const struct option_list *list)
{
    json_t *texts = list->len ? json_array() : NULL;
    for (size_t i = 0; i < list->len; i++)
        json_array_append_new(texts, json_string(list->at[i]));
    return texts;
}

/* NULL: not given, or nothing that would have to be said. */
static json_t *option_json(const struct option *o, const void *field)
{
    const char *const *text = field;
    switch (o->kind) {
    case OPTION_FLAG:
        return *(const bool *)field ? json_true() : NULL;
    case OPTION_TEXT:
        return *text ? json_string(*text) : NULL;
    case OPTION_INT:
    case OPTION_SIZE:
    case OPTION_DURATION: /* all of 64 bits */
        return *(const int64_t *)field ? json_integer(*(const int64_t *)field) : NULL;
    case OPTION_CHOICE:
        return *(const int *)field > 0 ? json_integer(*(const int *)field) : NULL;
    case OPTION_LIST:
        return list_json(field);
    case OPTION_DOUBLE:
        break;
    }
    return NULL;
}

static json_t *options_json(const struct join_options *given, const struct option *options)
{
    json_t *all = json_object();
    for (const struct option *o = options; o->name; o++) {
        json_t *value = is_left_out(o) ? NULL : option_json(o, (const char *)given + o->offset);
        if (value)
            json_object_set_new(all, o->name, value);
    }
    return all;
}

static bool set_list(struct arena *arena, struct option_list *list, const json_t *j)
{
    list->len = json_array_size(j);
    list->at = arena_alloc(arena, (list->len + 1) * sizeof *list->at);
    bool all = json_is_array(j);
    for (size_t i = 0; i < list->len; i++) {
        list->at[i] = json_string_value(json_array_get(j, i));
        all = all && list->at[i];
    }
    return all;
}

static bool set_choice(const struct option *o, int *field, const json_t *j)
{
    json_int_t choices = 1;
    for (const char *p = o->choices; *p; p++)
        choices += *p == '|';
    *field = (int)json_integer_value(j);
    return json_is_integer(j) && json_integer_value(j) >= 0 && json_integer_value(j) < choices;
}

/* false when the value is not of the option's kind. */
static bool set_option(struct arena *arena, const struct option *o, void *field, const json_t *j)
{
    switch (o->kind) {
    case OPTION_FLAG:
        *(bool *)field = json_is_true(j);
        return json_is_boolean(j);
    case OPTION_TEXT:
        *(const char **)field = json_string_value(j);
        return json_is_string(j);
    case OPTION_INT:
    case OPTION_SIZE:
    case OPTION_DURATION:
        *(int64_t *)field = json_integer_value(j);
        return json_is_integer(j) && json_integer_value(j) >= 0;
    case OPTION_CHOICE:
        return set_choice(o, field, j);
    case OPTION_LIST:
        return set_list(arena, field, j);
    case OPTION_DOUBLE:
        break;
    }
    return false;
}

static int set_options(struct join_call *call, const struct option *options, const json_t *all,
                       struct error *e)
{
    struct join_options *into = &call->options;
    size_t known = 0;
    for (const struct option *o = options; o->name; o++) {
        const json_t *j = is_left_out(o) ? NULL : json_object_get(all, o->name);
        known += j != NULL;
        if (j && !set_option(&call->arena, o, (char *)into + o->offset, j))
            return error_set(e, ERR_DATA, "option --%s cannot have such a value", o->name);
    }
    if (!into->labels || known != json_object_size(all))
        return error_set(e, ERR_DATA, "not the options of a join");
    return 0;
}

/* ---- digests ---- */

static int file_digest(const char *path, char out[static 2 * SHA256_SIZE + 1], struct error *e)
{
    struct text bytes;
    int status = file_map(path, &bytes, e);
    if (status == 0)
        sha256_hex(bytes, out);
    if (status == 0)
        file_unmap(bytes);
    return status;
}

static void features_digest(const struct join_source *s, char out[static 2 * SHA256_SIZE + 1])
{
    const struct pit_about *a = pit_about(s->pit);
    struct buf text = {0};
    for (size_t i = 0; i < a->id_count; i++)
        buf_format(&text, "id %s\n", a->ids[i]);
    for (size_t i = 0; i < a->feature_count; i++)
        buf_format(&text, "%s %s\n", type_name(a->features[i].type), a->features[i].name);
    sha256_hex((struct text){text.at, text.len}, out);
    buf_release(&text);
}

/* ---- writing ---- */

static int source_json(const struct join_source *s, json_t **out, struct error *e)
{
    char digest[2 * SHA256_SIZE + 1];
    if (s->group) {
        features_digest(s, digest);
        *out = json_pack("{s:s, s:s, s:I, s:s}", "operand", s->operand, "group", s->group->name,
                         "last", (json_int_t)pit_source_last(s->pit), "features", digest);
        return 0;
    }
    int status = file_digest(s->path, digest, e);
    if (status == 0)
        *out =
            json_pack("{s:s, s:s, s:s}", "operand", s->operand, "path", s->path, "sha256", digest);
    return status;
}

static int write_json(const char *path, const json_t *j, struct error *e)
{
    struct sink *sink = NULL;
    char *text = json_dumps(j, JSON_INDENT(2));
    int status = sink_open(path, &sink, e);
    if (status == 0)
        status = sink_write(sink, text, strlen(text), e);
    if (status == 0)
        status = sink_write(sink, "\n", 1, e);
    free(text);
    if (status == 0)
        return sink_commit(sink, e);
    sink_abort(sink);
    return status;
}

/* The format that -o's name asks for is one of the options of what comes again. */
static void note_format(const struct join_options *o, json_t *options)
{
    struct format f;
    struct text extension =
        o->stream.output ? path_format_extension(o->stream.output) : (struct text){NULL, 0};
    if (!o->stream.to && extension.len > 1 && format_from_extension(extension, &f))
        json_object_set_new(options, "to", json_stringn(extension.at + 1, extension.len - 1));
}

int join_write_manifest(const struct join *j, const struct option *options, struct error *e)
{
    const struct join_options *o = j->options;
    char digest[2 * SHA256_SIZE + 1];
    int status = file_digest(o->labels, digest, e);
    if (status)
        return status;
    json_t *sources = json_array(), *given = options_json(o, options);
    note_format(o, given);
    for (size_t i = 0; i < j->sources.len && status == 0; i++) {
        json_t *source = NULL;
        status = source_json(&j->sources.at[i], &source, e);
        json_array_append_new(sources, source);
    }
    json_t *root = json_pack("{s:i, s:s, s:o, s:{s:s, s:s}, s:o, s:I}", "fstore_join", 1, "version",
                             MLUTILS_VERSION, "options", given, "labels", "path", o->labels,
                             "sha256", digest, "sources", sources, "rows", (json_int_t)j->how.rows);
    if (status == 0)
        status = write_json(o->manifest, root, e);
    json_decref(root);
    return status;
}

/* ---- reading ---- */

static const json_t *replayed_source(const json_t *manifest, size_t i)
{
    return json_array_get(json_object_get(manifest, "sources"), i);
}

static int read_operands(const json_t *manifest, struct operands *operands, struct error *e)
{
    size_t n = json_array_size(json_object_get(manifest, "sources"));
    operands->at = mem_array(NULL, n + 1, sizeof *operands->at);
    for (; operands->len < n; operands->len++) {
        const char *operand =
            json_string_value(json_object_get(replayed_source(manifest, operands->len), "operand"));
        if (!operand)
            return error_set(e, ERR_DATA, "a source without an operand");
        operands->at[operands->len] = mem_text(operand);
    }
    operands->at[n] = NULL;
    return 0;
}

int join_read_manifest(struct join_call *call, const struct option *options,
                       struct operands *operands, struct error *e)
{
    const char *path = call->options.replay;
    struct buf text = {0};
    json_error_t problem = {0};
    int status = file_load(path, MANIFEST_MAX, &text, e);
    if (status == 0) {
        call->replayed = json_loadb(text.at ? text.at : "", text.len, 0, &problem);
        if (json_integer_value(json_object_get(call->replayed, "fstore_join")) != 1)
            status = error_set(e, ERR_DATA, "not a manifest of fstore join");
        if (status == 0)
            status = set_options(call, options, json_object_get(call->replayed, "options"), e);
        if (status == 0)
            status = read_operands(call->replayed, operands, e);
        if (status)
            error_at(e, path, problem.line > 0 ? (uint64_t)problem.line : 0, 0);
    }
    buf_release(&text);
    return status;
}

void join_call_release(struct join_call *call, struct operands *operands)
{
    for (size_t i = 0; i < operands->len; i++)
        mem_free(operands->at[i]);
    mem_free(operands->at);
    json_decref(call->replayed);
    arena_release(&call->arena);
}

uint64_t join_replayed_lsn(const struct join *j, size_t i)
{
    const json_t *last = json_object_get(replayed_source(j->replayed, i), "last");
    return last ? (uint64_t)json_integer_value(last) : UINT64_MAX;
}

static int differs(const char *what, struct error *e)
{
    return error_set(e, ERR_NO, "%s: is not what the manifest says", what);
}

static int check_file(const char *path, const json_t *noted, struct error *e)
{
    char digest[2 * SHA256_SIZE + 1];
    const char *wanted = json_string_value(json_object_get(noted, "sha256"));
    int status = file_digest(path, digest, e);
    return status ? status : wanted && strcmp(wanted, digest) == 0 ? 0 : differs(path, e);
}

static int check_group(const struct join_source *s, const json_t *noted, struct error *e)
{
    char digest[2 * SHA256_SIZE + 1];
    const char *wanted = json_string_value(json_object_get(noted, "features"));
    uint64_t last = (uint64_t)json_integer_value(json_object_get(noted, "last")), now = 0;
    features_digest(s, digest);
    int status = group_last(s->group, &now, e);
    if (status)
        return status;
    return wanted && strcmp(wanted, digest) == 0 && now >= last ? 0 : differs(s->operand, e);
}

int join_check_replay(const struct join *j, struct error *e)
{
    if (!j->replayed)
        return 0;
    int status = check_file(j->options->labels, json_object_get(j->replayed, "labels"), e);
    for (size_t i = 0; i < j->sources.len && status == 0; i++) {
        const struct join_source *s = &j->sources.at[i];
        const json_t *noted = replayed_source(j->replayed, i);
        status = s->group ? check_group(s, noted, e) : check_file(s->path, noted, e);
    }
    return status;
}
