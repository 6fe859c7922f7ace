#include "pipeline/models.h"

#include "pipeline/event.h"
#include "sys/sys.h"

#include <jansson.h>

char *model_name(const struct model_version *v)
{
    return mem_format("%s/%u", v->group, v->number);
}

/* ---- from the ledger ---- */

static int number_of(const struct models *m, const char *group, unsigned version)
{
    for (size_t i = m->versions.len; i-- > 0;)
        if (m->versions.at[i].number == version && strcmp(m->versions.at[i].group, group) == 0)
            return (int)i;
    return -1;
}

static void keep_line(struct models *m, int version, struct text line)
{
    struct text copy = {arena_text(&m->arena, line.at, line.len), line.len};
    vec_push(&m->events, ((struct model_event){(unsigned)version, copy}));
}

static void note_version(struct models *m, const struct ledger_event *event, const json_t *j)
{
    const char *group = json_string_value(json_object_get(j, "model"));
    const char *digest = json_string_value(json_object_get(j, "digest"));
    const char *status = json_string_value(json_object_get(j, "status"));
    json_int_t number = json_integer_value(json_object_get(j, "version"));
    if (!group || !digest || strlen(digest) != 2 * SHA256_SIZE || number < 1 || number > UINT32_MAX)
        return;
    struct model_version v = {.group = arena_text(&m->arena, group, strlen(group)),
                              .number = (unsigned)number,
                              .approved = status && strcmp(status, "approved") == 0,
                              .time = event->time};
    memcpy(v.digest, digest, sizeof v.digest);
    vec_push(&m->versions, v);
    keep_line(m, (int)m->versions.len - 1, event->line);
}

static void note_stage(struct models *m, const struct ledger_event *event, const json_t *j)
{
    const char *group = json_string_value(json_object_get(j, "model"));
    const char *stage = json_string_value(json_object_get(j, "stage"));
    int version =
        group ? number_of(m, group, (unsigned)json_integer_value(json_object_get(j, "version")))
              : -1;
    if (version < 0 || !stage)
        return;
    struct promotion p = {(unsigned)version, arena_text(&m->arena, stage, strlen(stage))};
    vec_push(&m->promotions, p);
    keep_line(m, version, event->line);
}

static int version_of_name(const struct models *m, const char *name)
{
    const char *slash = strchr(name, '/');
    char *group = slash ? mem_text_n(name, (size_t)(slash - name)) : NULL;
    int64_t number = 0;
    double f;
    int found = -1;
    if (slash && number_parse(slash + 1, strlen(slash + 1), &number, &f) == NUMBER_INT &&
        number > 0 && number <= UINT32_MAX)
        found = number_of(m, group, (unsigned)number);
    mem_free(group);
    return found;
}

static void note_answer(struct models *m, const struct ledger_event *event, const json_t *j)
{
    const char *about = json_string_value(json_object_get(j, "about"));
    int version = about ? version_of_name(m, about) : -1;
    if (version >= 0)
        keep_line(m, version, event->line);
}

void models_note(struct models *m, const struct ledger_event *event)
{
    static const struct {
        const char *kind;
        void (*note)(struct models *m, const struct ledger_event *event, const json_t *j);
    } all[] = {{"model", note_version}, {"stage", note_stage}, {"answer", note_answer}};
    struct text kind = event_kind(event->line);
    questions_note(&m->questions, event);
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (text_equal(kind, text_of(all[i].kind))) {
            json_t *j = json_loadb(event->line.at, event->line.len, 0, NULL);
            if (j)
                all[i].note(m, event, j);
            json_decref(j);
        }
}

static int take_event(void *context, const struct ledger_event *event, struct error *e)
{
    (void)e;
    models_note(context, event);
    return 0;
}

int models_load(struct models *m, const char *home, struct error *e)
{
    char *ledger = mem_format("%s/ledger.jsonl", home);
    int status = ledger_each(ledger, NULL, take_event, m, e);
    mem_free(ledger);
    return status;
}

void models_release(struct models *m)
{
    questions_release(&m->questions);
    vec_release(&m->versions);
    vec_release(&m->events);
    vec_release(&m->promotions);
    arena_release(&m->arena);
}

/* ---- looking ---- */

static const struct question *question_of(const struct models *m, const struct model_version *v)
{
    char *name = model_name(v);
    const struct question *q = questions_about(&m->questions, text_of(name));
    mem_free(name);
    return q;
}

/* What was said before a step asked for the word of certain people is none of it, unless one of
 * them said it. */
enum verdict model_verdict(const struct models *m, const struct model_version *v)
{
    const struct question *q = question_of(m, v);
    if (q && q->answer.verdict != VERDICT_NONE && may_answer(q->may, q->answer.user))
        return q->answer.verdict;
    return v->approved && !(q && q->may) ? VERDICT_YES : VERDICT_NONE;
}

const struct model_version *model_of_digest(const struct models *m, const char *group,
                                            const char *digest)
{
    for (size_t i = 0; i < m->versions.len; i++)
        if (strcmp(m->versions.at[i].digest, digest) == 0 &&
            strcmp(m->versions.at[i].group, group) == 0)
            return &m->versions.at[i];
    return NULL;
}

const struct model_version *model_newest(const struct models *m, const char *group, bool approved)
{
    for (size_t i = m->versions.len; i-- > 0;) {
        const struct model_version *v = &m->versions.at[i];
        if (strcmp(v->group, group) == 0 && (!approved || model_verdict(m, v) == VERDICT_YES))
            return v;
    }
    return NULL;
}

static const struct model_version *in_stage(const struct models *m, const char *group,
                                            const char *stage)
{
    for (size_t i = m->promotions.len; i-- > 0;) {
        const struct promotion *p = &m->promotions.at[i];
        const struct model_version *v = &m->versions.at[p->version];
        if (strcmp(p->stage, stage) == 0 && strcmp(v->group, group) == 0)
            return v;
    }
    return NULL;
}

int model_find(const struct models *m, const char *name, bool approved,
               const struct model_version **out, struct error *e)
{
    char quoted[QUOTE_MAX];
    size_t n = strcspn(name, "/@");
    char *group = mem_text_n(name, n);
    int version = name[n] == '/' ? version_of_name(m, name) : -1;
    int status = 0;
    quote(quoted, name, strlen(name));
    *out = name[n] == '@' ? in_stage(m, group, name + n + 1)
           : version >= 0 ? &m->versions.at[version]
           : name[n]      ? NULL
                          : model_newest(m, group, approved);
    if (!model_newest(m, group, false))
        status = error_set(e, ERR_USAGE, "there is no model %s", quoted);
    else if (!*out && name[n] == '/')
        status = error_set(e, ERR_USAGE, "there is no version %s", quoted);
    else if (!*out)
        status = error_set(
            e, ERR_NO,
            name[n] ? "no version is in the stage of %s" : "no version of %s is approved", quoted);
    mem_free(group);
    return status;
}

/* ---- showing ---- */

static void put_stages(const struct models *m, const struct model_version *v, struct buf *out)
{
    const char *before = "";
    buf_puts(out, ",\"stages\":[");
    for (size_t i = 0; i < m->promotions.len; i++) {
        const struct promotion *p = &m->promotions.at[i];
        bool again = false;
        for (size_t k = i + 1; k < m->promotions.len; k++)
            again = again || (m->promotions.at[k].version == p->version &&
                              strcmp(m->promotions.at[k].stage, p->stage) == 0);
        if (again || in_stage(m, v->group, p->stage) != v || &m->versions.at[p->version] != v)
            continue;
        buf_puts(out, before);
        json_put_string(out, p->stage, strlen(p->stage));
        before = ",";
    }
    buf_putc(out, ']');
}

static void put_decision(const struct models *m, const struct model_version *v, struct buf *out)
{
    const struct question *q = question_of(m, v);
    enum verdict verdict = model_verdict(m, v);
    event_put(out, "status", verdict_name(QUESTION_MODEL, verdict));
    if (!q || verdict == VERDICT_NONE || q->answer.verdict == VERDICT_NONE)
        return;
    event_put(out, "by", q->answer.user);
    event_put_time(out, "at", q->answer.time);
    if (*q->answer.comment)
        event_put(out, "comment", q->answer.comment);
}

static void put_history(const struct models *m, unsigned version, struct buf *out)
{
    const char *before = "";
    buf_puts(out, ",\"history\":[");
    for (size_t i = 0; i < m->events.len; i++) {
        if (m->events.at[i].version != version)
            continue;
        buf_puts(out, before);
        buf_add(out, m->events.at[i].line.at, m->events.at[i].line.len);
        before = ",";
    }
    buf_putc(out, ']');
}

void model_put(const struct models *m, const struct model_version *v, bool history, struct buf *out)
{
    unsigned version = (unsigned)(v - m->versions.at);
    buf_puts(out, "{\"model\":");
    json_put_string(out, v->group, strlen(v->group));
    buf_format(out, ",\"version\":%u", v->number);
    put_decision(m, v, out);
    event_put(out, "digest", v->digest);
    event_put_time(out, "registered", v->time);
    put_stages(m, v, out);
    for (size_t i = 0; i < m->events.len; i++) {
        if (m->events.at[i].version != version)
            continue;
        json_t *j = json_loadb(m->events.at[i].line.at, m->events.at[i].line.len, 0, NULL);
        buf_puts(out, ",\"metrics\":");
        event_put_json(out, json_object_get(j, "metrics"));
        json_decref(j);
        break; /* the first is that of its registration */
    }
    if (history)
        put_history(m, version, out);
    buf_putc(out, '}');
}
