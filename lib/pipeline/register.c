/* Changes of the registry of models. */
#include "pipeline/definition.h"
#include "pipeline/event.h"
#include "pipeline/models.h"
#include "pipeline/objects.h"
#include "sys/sys.h"

#include <jansson.h>

enum { LONGEST_METRICS = 1 << 20 };

bool model_is_group(const char *name)
{
    return definition_is_name(text_of(name));
}

static int check_name(const char *what, const char *name, struct error *e)
{
    char quoted[QUOTE_MAX];
    return model_is_group(name)
               ? 0
               : error_set(e, ERR_USAGE, "%s: a %s has letters, digits, _ and -, at most 64",
                           quote(quoted, name, strlen(name)), what);
}

/* ---- metrics ---- */

static int load_metrics(json_t *all, const char *path, struct error *e)
{
    char quoted[QUOTE_MAX];
    struct buf bytes = {0};
    json_error_t wrong;
    int status = file_load(path, LONGEST_METRICS, &bytes, e);
    if (status)
        return status;
    json_t *j = json_loadb(bytes.at ? bytes.at : "", bytes.len, JSON_REJECT_DUPLICATES, &wrong);
    if (!json_is_object(j) || json_object_update(all, j) != 0) {
        status = error_set(e, ERR_DATA, "%s has no JSON object of metrics",
                           quote(quoted, path, strlen(path)));
        if (!j && wrong.line > 0)
            error_at(e, path, (uint64_t)wrong.line, (uint64_t)wrong.column);
    }
    json_decref(j);
    buf_release(&bytes);
    return status;
}

/* A number is one in JSON, too, as it is written. */
static int add_metric(json_t *all, const char *given, size_t n, struct error *e)
{
    const char *value = given + n + 1;
    char *name = mem_text_n(given, n);
    json_t *j = json_valid(text_of(value)) ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
    if (!json_is_number(j) && !json_is_boolean(j)) {
        json_decref(j);
        j = json_string(value);
    }
    int status = json_object_set_new(all, name, j) == 0
                     ? 0
                     : error_set(e, ERR_DATA, "metric %s is no text in UTF-8", name);
    mem_free(name);
    return status;
}

/* Appends a JSON object. */
static int put_metrics(struct buf *b, const struct model_file *f, struct error *e)
{
    json_t *all = json_object();
    int status = 0;
    for (size_t i = 0; i < f->metric_count && status == 0; i++) {
        size_t n = strcspn(f->metrics[i], "=");
        bool is_value = f->metrics[i][n] && definition_is_name((struct text){f->metrics[i], n});
        status =
            is_value ? add_metric(all, f->metrics[i], n, e) : load_metrics(all, f->metrics[i], e);
    }
    if (status == 0)
        event_put_json(b, all);
    json_decref(all);
    return status;
}

/* ---- versions ---- */

static int append(const char *home, const struct buf *members, struct error *e)
{
    char *ledger = mem_format("%s/ledger.jsonl", home);
    int status = event_append(ledger, members, true, e);
    mem_free(ledger);
    return status;
}

static int add_version(const char *home, const struct model_file *f, const struct file_state *state,
                       const char *digest, unsigned number, struct error *e)
{
    struct buf b = {0};
    const char *slash = strrchr(f->path, '/');
    buf_puts(&b, "\"event\":\"model\"");
    event_put(&b, "model", f->group);
    buf_format(&b, ",\"version\":%u", number);
    event_put(&b, "status", f->approved ? "approved" : "pending");
    event_put(&b, "digest", digest);
    buf_format(&b, ",\"size\":%llu", (unsigned long long)state->identity.size);
    event_put(&b, "file", slash ? slash + 1 : f->path);
    buf_puts(&b, ",\"metrics\":");
    int status = put_metrics(&b, f, e);
    if (f->run)
        event_put(&b, "run", f->run);
    if (f->step)
        event_put(&b, "step", f->step);
    event_put_person(&b);
    if (status == 0)
        status = append(home, &b, e);
    buf_release(&b);
    return status;
}

static char *artefacts_of(const char *home)
{
    return mem_format("%s/models", home);
}

/* The file's digest; the file is kept when this returns. */
static int keep(const char *home, struct digests *d, const char *path, struct file_state *state,
                struct error *e)
{
    char quoted[QUOTE_MAX];
    char *folder = artefacts_of(home);
    int status = digests_look(d, path, false, state, e);
    if (status == 0 && state->kind != FILE_REGULAR)
        status = error_set(e, state->kind == FILE_MISSING ? ERR_SYSTEM : ERR_DATA,
                           state->kind == FILE_MISSING ? "%s is not there" : "%s is no file",
                           quote(quoted, path, strlen(path)));
    if (status == 0)
        status = objects_copy(folder, d, path, &state->digest, e);
    mem_free(folder);
    return status;
}

static struct digests *open_digests(const char *home)
{
    char *known = mem_format("%s/digests", home);
    struct digests *d = digests_open(known);
    mem_free(known);
    return d;
}

/* That they are not kept costs time, no more. */
static void close_digests(struct digests *d)
{
    (void)digests_save(d, NULL);
    digests_close(d);
}

static int keep_file(const char *home, const struct model_file *f, struct file_state *state,
                     struct error *e)
{
    struct digests *own = f->digests ? NULL : open_digests(home);
    int status = keep(home, own ? own : f->digests, f->path, state, e);
    if (own)
        close_digests(own);
    return status;
}

int model_register(const char *home, const struct model_file *f, unsigned *number, bool *is_new,
                   struct error *e)
{
    struct models m = {.versions = {0}};
    struct file_state state;
    struct buf hex = {0};
    int lock = -1, status = check_name("group", f->group, e);
    if (status == 0)
        status = keep_file(home, f, &state, e);
    if (status == 0)
        status = answers_lock(home, &lock, e);
    if (status == 0)
        status = models_load(&m, home, e);
    if (status == 0) {
        hex_put(&hex, state.digest.at, 2 * SHA256_SIZE);
        const struct model_version *last = model_newest(&m, f->group, false);
        const struct model_version *same = model_of_digest(&m, f->group, buf_text(&hex));
        *is_new = !same;
        *number = same ? same->number : last ? last->number + 1 : 1;
        if (!same)
            status = add_version(home, f, &state, buf_text(&hex), *number, e);
    }
    if (lock >= 0)
        lock_release(lock);
    buf_release(&hex);
    models_release(&m);
    return status;
}

/* ---- stages, answers ---- */

static int add_stage(const char *home, const struct model_version *v, const char *stage,
                     struct error *e)
{
    struct buf b = {0};
    buf_puts(&b, "\"event\":\"stage\"");
    event_put(&b, "model", v->group);
    buf_format(&b, ",\"version\":%u", v->number);
    event_put(&b, "stage", stage);
    event_put_person(&b);
    int status = append(home, &b, e);
    buf_release(&b);
    return status;
}

int model_promote(const char *home, const char *name, const char *stage, struct error *e)
{
    struct models m = {.versions = {0}};
    const struct model_version *v = NULL;
    int lock = -1, status = check_name("stage", stage, e);
    if (status == 0)
        status = answers_lock(home, &lock, e);
    if (status == 0)
        status = models_load(&m, home, e);
    if (status == 0)
        status = model_find(&m, name, false, &v, e);
    if (status == 0 && model_verdict(&m, v) != VERDICT_YES)
        status = error_set(e, ERR_NO, "%s/%u is not approved, but %s", v->group, v->number,
                           verdict_name(QUESTION_MODEL, model_verdict(&m, v)));
    if (status == 0)
        status = add_stage(home, v, stage, e);
    if (lock >= 0)
        lock_release(lock);
    models_release(&m);
    return status;
}

int model_answer(const char *home, const char *name, enum verdict verdict, const char *comment,
                 struct error *e)
{
    struct models m = {.versions = {0}};
    const struct model_version *v = NULL;
    const struct reply reply = {.verdict = verdict, .comment = comment};
    int status = models_load(&m, home, e);
    if (status == 0)
        status = model_find(&m, name, false, &v, e);
    char *whole = status == 0 ? model_name(v) : NULL;
    if (status == 0)
        status = question_answer(home, whole, NULL, &reply, e);
    mem_free(whole);
    models_release(&m);
    return status;
}

char *model_path(const char *home, const struct model_version *v, struct error *e)
{
    struct digest digest;
    char *folder = artefacts_of(home);
    struct digests *d = open_digests(home);
    char *path = digest_read(text_of(v->digest), &digest) ? objects_find(folder, d, &digest) : NULL;
    if (!path)
        error_set(e, ERR_SYSTEM, "the file of %s/%u is not there as it was kept", v->group,
                  v->number);
    close_digests(d);
    mem_free(folder);
    return path;
}
