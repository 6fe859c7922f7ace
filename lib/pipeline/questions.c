#include "pipeline/questions.h"

#include "pipeline/event.h"
#include "sys/sys.h"

#include <jansson.h>

const char *question_kind_name(enum question_kind kind)
{
    static const char *const names[] = {"approval", "callback", "model"};
    return names[kind];
}

const char *verdict_name(enum question_kind kind, enum verdict v)
{
    bool callback = kind == QUESTION_CALLBACK;
    return v == VERDICT_YES  ? callback ? "succeeded" : "approved"
           : v == VERDICT_NO ? callback ? "failed" : "rejected"
                             : "pending";
}

void make_token(char out[static TOKEN_LENGTH + 1])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    enum { LETTERS = sizeof letters - 1, FAIR = 256 / LETTERS * LETTERS };
    for (int i = 0; i < TOKEN_LENGTH;) {
        uint8_t byte;
        entropy(&byte, 1);
        if (byte < FAIR) /* else the first letters would come more often */
            out[i++] = letters[byte % LETTERS];
    }
    out[TOKEN_LENGTH] = 0;
}

/* ---- from the ledger ---- */

static const char *copy(struct questions *q, const json_t *text)
{
    const char *at = json_string_value(text);
    return at ? arena_text(&q->arena, at, strlen(at)) : NULL;
}

/* NULL for what is no list. */
static const char *const *copy_list(struct questions *q, const json_t *list)
{
    if (!json_is_array(list))
        return NULL;
    size_t n = 0;
    const char **out = arena_zero(&q->arena, (json_array_size(list) + 1) * sizeof *out);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_is_string(json_array_get(list, i)))
            out[n++] = copy(q, json_array_get(list, i));
    return out;
}

static const char *const *copy_values(struct questions *q, const json_t *values)
{
    const char *name;
    json_t *value;
    size_t n = 0;
    const char **out = arena_zero(&q->arena, (json_object_size(values) + 1) * sizeof *out);
    json_object_foreach((json_t *)(uintptr_t)values, name, value)
    {
        if (json_is_string(value))
            out[n++] = arena_format(&q->arena, "%s=%s", name, json_string_value(value));
    }
    return out;
}

/* The one about it, which is there afterwards. */
static struct question *entry(struct questions *q, const char *about)
{
    bool is_new;
    size_t i = map_put(&q->by_about, text_of(about), &is_new);
    if (is_new) {
        struct question *x = arena_zero(&q->arena, sizeof *x);
        x->about = arena_text(&q->arena, about, strlen(about));
        vec_push(&q->list, x);
    }
    return q->list.at[i];
}

static void point_fingerprint(struct questions *q, const json_t *fingerprint, struct question *x)
{
    const char *hex = json_string_value(fingerprint);
    size_t i = hex ? map_put(&q->by_fingerprint, text_of(hex), NULL) : MAP_NONE;
    if (!hex)
        return;
    while (q->of_fingerprint.len <= i)
        vec_push(&q->of_fingerprint, x);
    q->of_fingerprint.at[i] = x;
}

static struct text run_key(struct buf *room, const char *run, const char *step)
{
    buf_puts(room, run);
    buf_putc(room, 0);
    buf_puts(room, step);
    return (struct text){room->at, room->len};
}

static void point_run(struct questions *q, const json_t *event, struct question *x)
{
    struct buf room = {0};
    const char *run = json_string_value(json_object_get(event, "run"));
    if (!run || !x->step)
        return;
    size_t i = map_put(&q->by_run, run_key(&room, run, x->step), NULL);
    while (q->of_run.len <= i)
        vec_push(&q->of_run, x);
    q->of_run.at[i] = x;
    buf_release(&room);
}

static void note_question(struct questions *q, const json_t *event, usec time)
{
    const char *about = json_string_value(json_object_get(event, "about"));
    const char *kind = json_string_value(json_object_get(event, "kind"));
    if (!about || !kind)
        return;
    struct question *x = entry(q, about);
    for (unsigned k = QUESTION_APPROVAL; k <= QUESTION_MODEL; k++)
        if (strcmp(question_kind_name(k), kind) == 0)
            x->kind = k;
    x->step = copy(q, json_object_get(event, "step"));
    x->may = copy_list(q, json_object_get(event, "may"));
    x->asked = x->asked ? x->asked : time;
    point_fingerprint(q, json_object_get(event, "fingerprint"), x);
    point_run(q, event, x);
}

static void note_answer(struct questions *q, const json_t *event, usec time)
{
    const char *about = json_string_value(json_object_get(event, "about"));
    const char *answer = json_string_value(json_object_get(event, "answer"));
    struct answer a = {.verdict = VERDICT_NONE};
    if (!about || !answer)
        return;
    if (strcmp(answer, "approved") == 0 || strcmp(answer, "succeeded") == 0)
        a.verdict = VERDICT_YES;
    else if (strcmp(answer, "rejected") == 0 || strcmp(answer, "failed") == 0)
        a.verdict = VERDICT_NO;
    struct question *x = entry(q, about);
    bool is_model = strchr(about, '/') != NULL;
    if (a.verdict == VERDICT_NONE || (!is_model && x->answer.verdict != VERDICT_NONE))
        return;
    a.user = copy(q, json_object_get(event, "user"));
    a.host = copy(q, json_object_get(event, "host"));
    a.comment = copy(q, json_object_get(event, "comment"));
    a.user = a.user ? a.user : "";
    a.host = a.host ? a.host : "";
    a.comment = a.comment ? a.comment : "";
    a.values = copy_values(q, json_object_get(event, "values"));
    a.time = time;
    x->answer = a;
}

/* The record of a step that asked. */
static void note_step(struct questions *q, const json_t *event)
{
    const char *about = json_string_value(json_object_get(event, "about"));
    const char *state = json_string_value(json_object_get(event, "state"));
    struct question *x = about && state ? questions_about(q, text_of(about)) : NULL;
    if (!x)
        return;
    x->handed = x->handed || strcmp(state, "Pending") == 0;
    x->used = x->used || (x->answer.verdict != VERDICT_NONE && strcmp(state, "Pending") != 0);
}

void questions_note(struct questions *q, const struct ledger_event *event)
{
    struct text kind = event_kind(event->line);
    bool is_question = text_equal(kind, TEXT_LITERAL("question"));
    bool is_answer = text_equal(kind, TEXT_LITERAL("answer"));
    bool is_step = text_equal(kind, TEXT_LITERAL("step")) && event_has_about(event->line);
    if (!is_question && !is_answer && !is_step)
        return;
    json_t *j = json_loadb(event->line.at, event->line.len, 0, NULL);
    if (j && is_question)
        note_question(q, j, event->time);
    else if (j && is_answer)
        note_answer(q, j, event->time);
    else if (j)
        note_step(q, j);
    json_decref(j);
}

void questions_release(struct questions *q)
{
    vec_release(&q->list);
    vec_release(&q->of_fingerprint);
    vec_release(&q->of_run);
    map_release(&q->by_about);
    map_release(&q->by_fingerprint);
    map_release(&q->by_run);
    arena_release(&q->arena);
}

/* ---- looking ---- */

struct question *questions_about(const struct questions *q, struct text about)
{
    size_t i = map_get(&q->by_about, about);
    return i == MAP_NONE ? NULL : q->list.at[i];
}

const struct question *questions_of(const struct questions *q, const uint8_t *fingerprint)
{
    struct buf hex = {0};
    hex_put(&hex, fingerprint, 2 * SHA256_SIZE);
    size_t i = map_get(&q->by_fingerprint, (struct text){hex.at, hex.len});
    buf_release(&hex);
    return i == MAP_NONE ? NULL : q->of_fingerprint.at[i];
}

const struct question *questions_of_run(const struct questions *q, const char *run,
                                        const char *step)
{
    struct buf room = {0};
    size_t i = map_get(&q->by_run, run_key(&room, run, step));
    buf_release(&room);
    return i == MAP_NONE ? NULL : q->of_run.at[i];
}

bool may_answer(const char *const *may, const char *user)
{
    const char *const *at = may;
    while (at && *at && strcmp(*at, user) != 0)
        at++;
    return !at || *at;
}

void may_put(struct buf *b, const char *const *may)
{
    for (const char *const *at = may; *at; at++)
        buf_format(b, "%s%s", at == may ? "" : at[1] ? ", " : " or ", *at);
}
