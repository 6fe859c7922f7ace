/* Events of the ledger as OpenLineage has them: RunEvent of its specification 2-0-2, one START and
 * one end for each run and each step of it that ran. */
#include "pipeline/lineage.h"

#include "base/digest.h"
#include "ledger/ledger.h"
#include "pipeline/event.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define PRODUCER "urn:mlutils:pipe"
#define SPEC     "https://openlineage.io/spec/"

struct writing {
    const char *run; /* its name */
    char id[40];     /* and id */
    lineage_take *take;
    void *context;
    char namespace[300];
    json_t *began; /* the event that the run began with */
    char *folder;  /* of the definition: paths are relative to it */
    bool seen;
};

static json_t *facet(const char *schema)
{
    return json_pack("{s:s, s:s+}", "_producer", PRODUCER, "_schemaURL", SPEC, schema);
}

/* A run's name is its id, but for that of a make: 128 bits of a digest of it (RFC 9562: version 8).
 */
static void name_run(struct writing *w)
{
    static const char hyphens[] = "        -    -    -    -            ";
    char digest[2 * SHA256_SIZE + 1];
    bool is_id = strlen(w->run) == strlen(hyphens);
    for (size_t i = 0; is_id && hyphens[i]; i++)
        is_id = (hyphens[i] == '-') == (w->run[i] == '-');
    sha256_hex(text_of(w->run), digest);
    if (is_id)
        (void)snprintf(w->id, sizeof w->id, "%s", w->run);
    else
        (void)snprintf(w->id, sizeof w->id, "%.8s-%.4s-8%.3s-8%.3s-%.12s", digest, digest + 8,
                       digest + 12, digest + 15, digest + 18);
}

/* A step's run has an id of its own: the time and version of the run's, and bits of a digest of
 * what names it. */
static void step_id(const struct writing *w, const json_t *event, char out[static 40])
{
    char digest[2 * SHA256_SIZE + 1];
    char *name =
        mem_format("%s/%s/%s", w->run, event_text(event, "step"), event_text(event, "started"));
    sha256_hex(text_of(name), digest);
    mem_free(name);
    (void)snprintf(out, 40, "%.13s-%c%.3s-8%.3s-%.12s", w->id, w->id[14], digest, digest + 3,
                   digest + 6);
}

static int put(struct writing *w, json_t *event, struct error *e)
{
    char *line = json_dumps(event, JSON_COMPACT);
    int status = line ? w->take(w->context, text_of(line), 0, e)
                      : error_set(e, ERR_DATA, "a name in the ledger is not UTF-8");
    free(line);
    json_decref(event);
    return status;
}

static json_t *event_of(const char *type, const char *time, json_t *run, json_t *job)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:[], s:[], s:s, s:s}", "eventType", type, "eventTime",
                     time, "run", run, "job", job, "inputs", "outputs", "producer", PRODUCER,
                     "schemaURL", SPEC "2-0-2/OpenLineage.json#/$defs/RunEvent");
}

/* ---- runs ---- */

static json_t *job_of_run(const struct writing *w)
{
    return json_pack("{s:s, s:s}", "namespace", w->namespace, "name",
                     event_text(w->began, "pipeline"));
}

/* One that waits for an answer has not ended well, and goes on as another run. */
static const char *end_of(const char *state)
{
    return strcmp(state, "Succeeded") == 0                                  ? "COMPLETE"
           : strcmp(state, "Stopped") == 0 || strcmp(state, "Pending") == 0 ? "ABORT"
                                                                            : "FAIL";
}

static int take_run(struct writing *w, json_t *event, struct error *e)
{
    const char *state = event_text(event, "state");
    if (strcmp(state, "Executing") == 0) {
        const char *path = event_text(event, "path"), *slash = strrchr(path, '/');
        json_decref(w->began);
        mem_free(w->folder);
        w->began = json_incref(event);
        w->folder = slash ? mem_text_n(path, (size_t)(slash - path)) : mem_text(".");
        (void)snprintf(w->namespace, sizeof w->namespace, "%s", event_text(event, "host"));
        return put(w,
                   event_of("START", event_text(event, "time"), json_pack("{s:s}", "runId", w->id),
                            job_of_run(w)),
                   e);
    }
    if (!w->began)
        return 0;
    return put(w,
               event_of(end_of(state), event_text(event, "time"),
                        json_pack("{s:s}", "runId", w->id), job_of_run(w)),
               e);
}

/* ---- steps ---- */

static json_t *datasets(const struct writing *w, const json_t *files)
{
    json_t *out = json_array(), *digest;
    const char *name;
    json_object_foreach((json_t *)(uintptr_t)files, name, digest)
    {
        json_t *version = facet("facets/1-0-1/DatasetVersionDatasetFacet.json");
        char *path = name[0] == '/' ? mem_text(name) : mem_format("%s/%s", w->folder, name);
        json_object_set(version, "datasetVersion", digest);
        json_array_append_new(out, json_pack("{s:s, s:s, s:{s:o}}", "namespace", "file", "name",
                                             path, "facets", "version", version));
        mem_free(path);
    }
    return out;
}

static json_t *run_of_step(const struct writing *w, const json_t *event)
{
    char id[40];
    json_t *parent = facet("facets/1-1-0/ParentRunFacet.json");
    step_id(w, event, id);
    json_object_set_new(parent, "run", json_pack("{s:s}", "runId", w->id));
    json_object_set_new(parent, "job", job_of_run(w));
    json_t *run = json_pack("{s:s, s:{s:o}}", "runId", id, "facets", "parent", parent);
    const char *reason = event_text(event, "reason");
    if (*reason) {
        json_t *error = facet("facets/1-0-1/ErrorMessageRunFacet.json");
        json_object_set_new(error, "message", json_string(reason));
        json_object_set_new(error, "programmingLanguage", json_string("shell"));
        json_object_set_new(json_object_get(run, "facets"), "errorMessage", error);
    }
    return run;
}

static json_t *job_of_step(const struct writing *w, const json_t *event)
{
    json_t *source = facet("facets/1-0-1/SourceCodeJobFacet.json");
    const json_t *command = json_object_get(event, "command");
    char *text = json_is_string(command) ? mem_text(json_string_value(command))
                                         : NULL; /* a list of words is shown as it is kept */
    char *words = text ? NULL : json_dumps(command, JSON_COMPACT | JSON_ENCODE_ANY);
    json_object_set_new(source, "language", json_string("shell"));
    json_object_set_new(source, "sourceCode", json_string(text ? text : words ? words : ""));
    mem_free(text);
    free(words);
    char *name = mem_format("%s.%s", event_text(event, "pipeline"), event_text(event, "step"));
    json_t *job = json_pack("{s:s, s:s, s:{s:o}}", "namespace", w->namespace, "name", name,
                            "facets", "sourceCode", source);
    mem_free(name);
    return job;
}

static int put_step(struct writing *w, const json_t *event, const char *type, const char *time,
                    struct error *e)
{
    json_t *out = event_of(type, time, run_of_step(w, event), job_of_step(w, event));
    json_object_set_new(out, "inputs", datasets(w, json_object_get(event, "in")));
    json_object_set_new(out, "outputs", datasets(w, json_object_get(event, "out")));
    return put(w, out, e);
}

static int take_step(struct writing *w, const json_t *event, struct error *e)
{
    if (!*event_text(event, "started"))
        return 0;
    if (!w->began) { /* a line of pipe-sh: its make has no event */
        (void)snprintf(w->namespace, sizeof w->namespace, "make");
        w->began = json_pack("{s:s}", "pipeline", event_text(event, "pipeline"));
        w->folder = mem_text(event_text(event, "directory"));
    }
    int status = put_step(w, event, "START", event_text(event, "started"), e);
    return status ? status
                  : put_step(w, event, end_of(event_text(event, "state")),
                             event_text(event, "ended"), e);
}

/* ---- the whole ---- */

static int take_event(void *context, const struct ledger_event *x, struct error *e)
{
    struct writing *w = context;
    json_t *event = json_loadb(x->line.at, x->line.len, 0, NULL);
    const char *kind = event_text(event, "event");
    int status = 0;
    if (strcmp(event_text(event, "run"), w->run) == 0) {
        w->seen = true;
        if (strcmp(kind, "run") == 0)
            status = take_run(w, event, e);
        else if (strcmp(kind, "step") == 0)
            status = take_step(w, event, e);
    }
    json_decref(event);
    return status;
}

int openlineage_of_run(const char *home, const char *run, lineage_take *take, void *context,
                       struct error *e)
{
    struct writing w = {.run = run, .take = take, .context = context};
    char *path = mem_format("%s/ledger.jsonl", home);
    uint64_t offset = 0;
    name_run(&w);
    int status = ledger_each(path, &offset, take_event, &w, e);
    if (status == 0 && !w.seen)
        status = error_set(e, ERR_NO, "the ledger has no run %s", run);
    json_decref(w.began);
    mem_free(w.folder);
    mem_free(path);
    return status;
}
