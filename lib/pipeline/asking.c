/* Steps that wait for answers from outside: approvals and callbacks, and what all that wait have in
 * common. */
#include "pipeline/event.h"
#include "pipeline/running.h"

#include <stdlib.h>

/* ---- questions ---- */

const struct question *run_question(const struct run *r, uint32_t step)
{
    for (size_t i = r->asked.len; i-- > 0;)
        if (r->asked.at[i].step == step)
            return r->asked.at[i].question;
    return NULL;
}

static void note_asked(struct run *r, uint32_t step, const struct question *q)
{
    for (size_t i = 0; i < r->asked.len; i++)
        if (r->asked.at[i].step == step) {
            r->asked.at[i].question = q;
            return;
        }
    vec_push(&r->asked, ((struct asked){step, q}));
}

static void put_question(const struct run *r, uint32_t step, enum question_kind kind,
                         const char *about, const char *const *may, struct buf *b)
{
    buf_puts(b, "\"event\":\"question\"");
    event_put(b, "run", r->summary->id);
    event_put(b, "pipeline", r->p->name);
    event_put(b, "step", r->p->steps[step].name);
    event_put(b, "kind", question_kind_name(kind));
    event_put(b, "about", about);
    size_t n = 0;
    while (may && may[n])
        n++;
    if (may)
        event_put_list(b, "may", may, n);
    if (kind != QUESTION_MODEL)
        event_put_digest(b, "fingerprint", r->fingerprint[step].at);
}

/* Written before anybody hears of it: after a kill it is still known here. */
int run_put_question(struct run *r, uint32_t step, enum question_kind kind, const char *about,
                     const char *const *may, struct error *e)
{
    struct buf b = {0};
    put_question(r, step, kind, about, may, &b);
    ledger_add(r->ledger, (struct text){b.at, b.len});
    buf_release(&b);
    r->pending++;
    int status = run_commit(r, true, e);
    if (status == 0)
        status = records_follow(&r->records, e);
    if (status == 0)
        note_asked(r, step, questions_about(&r->records.models.questions, text_of(about)));
    return status;
}

void run_wait(struct run *r, uint32_t step, bool tell_outside)
{
    const struct step *s = &r->p->steps[step];
    const struct question *q = run_question(r, step);
    struct buf b = {0};
    r->state[step] = STEP_PENDING;
    r->waiting++;
    run_tell(r, &(struct run_event){.step = s, .state = STEP_PENDING, .question = q});
    if (tell_outside) {
        put_question(r, step, q->kind, q->about, q->may, &b);
        run_notify(r, NOTIFY_WAITING, s->name, step_state_name(STEP_PENDING), &b);
    }
    buf_release(&b);
}

/* ---- answers ---- */

char *run_say_answer(const struct question *q)
{
    const struct answer *a = &q->answer;
    return mem_format("%s by %s%s%s", verdict_name(q->kind, a->verdict), a->user,
                      *a->comment ? ": " : "", a->comment);
}

static bool is_answered(const struct run *r, const struct question *q)
{
    const struct model_version *v = NULL;
    if (q->kind != QUESTION_MODEL)
        return q->answer.verdict != VERDICT_NONE;
    return model_find(&r->records.models, q->about, false, &v, NULL) == 0 &&
           model_verdict(&r->records.models, v) != VERDICT_NONE;
}

/* Files may have changed while nothing was done. */
int run_listen(struct run *r, bool at_once, struct error *e)
{
    usec now = r->waiting ? clock_now() : 0;
    if (r->waiting == 0 || (!at_once && now - r->listened < LISTEN_EVERY && now >= r->listened))
        return 0;
    r->listened = now;
    size_t before = r->waiting;
    int status = records_follow(&r->records, e);
    for (size_t i = 0; i < r->asked.len && status == 0; i++) {
        const struct asked *a = &r->asked.at[i];
        if (r->state[a->step] != STEP_PENDING || !is_answered(r, a->question))
            continue;
        if (r->waiting == before)
            status = run_look_at_files(r, e);
        r->state[a->step] = STEP_WAITING;
        r->waiting--;
        run_queue(r, a->step);
    }
    return status;
}

/* Whether an answer is for this turn: a record of an earlier one says that it was taken, and then
 * it is one of the same only when there is something by which to tell. */
static bool counts(const struct run *r, uint32_t step, const struct question *q)
{
    const struct step *s = &r->p->steps[step];
    const struct step_entry *x = s->entry;
    if (!q || q->answer.verdict == VERDICT_NONE)
        return false;
    if (!q->used)
        return true;
    bool lasts = !x->cache_lasts || q->answer.time + x->cache_lasts >= clock_now();
    return q->answer.verdict == VERDICT_YES && s->out_count == 0 && x->cache && lasts &&
           s->in_count + s->wait_count > 0 && !run_forces(r, step);
}

static int settle_by_answer(struct run *r, uint32_t step, const struct question *q, struct error *e)
{
    const struct job_result x = {.started = q->asked, .ended = q->answer.time};
    bool yes = q->answer.verdict == VERDICT_YES, was_used = q->used;
    char *said = run_say_answer(q);
    int status = 0;
    note_asked(r, step, q);
    /* another attempt of this run asks anew; the record says so to the next run */
    if (!r->o->dry_run)
        questions_about(&r->records.models.questions, text_of(q->about))->used = true;
    if (r->attempt[step] == 0)
        r->attempt[step] = 1;
    if (yes && (was_used || (r->o->dry_run && r->p->steps[step].out_count == 0)))
        run_settle(r, step, STEP_UP_TO_DATE, NULL, NULL);
    else if (r->o->dry_run)
        run_would(r, step, said);
    else if (yes)
        status = run_finish(r, step, &x, said, e);
    else
        run_fail(r, step, &x, said);
    mem_free(said);
    return status ? status : 1;
}

/* A question that is open is asked on, by its token, and work that was handed over is not handed
 * over again. */
static int ask(struct run *r, uint32_t step, const struct question *before, struct error *e)
{
    const struct step_entry *x = r->p->steps[step].entry;
    bool is_callback = x->kind == STEP_CALLBACK;
    bool is_open =
        before && before->answer.verdict == VERDICT_NONE && !(is_callback && run_forces(r, step));
    bool is_handed = is_open && before->handed;
    char token[TOKEN_LENGTH + 1];
    make_token(token);
    int status = run_put_question(r, step, is_callback ? QUESTION_CALLBACK : QUESTION_APPROVAL,
                                  is_open ? before->about : token, (const char *const *)x->may, e);
    if (status || (is_callback && !is_handed))
        return status;
    run_wait(r, step, !is_open);
    return 1;
}

int run_ask(struct run *r, uint32_t step, struct error *e)
{
    enum step_kind kind = r->p->steps[step].entry->kind;
    if (kind == STEP_REGISTER)
        return run_register(r, step, e);
    if (kind != STEP_APPROVE && kind != STEP_CALLBACK)
        return 0;
    const struct question *q = questions_of(&r->records.models.questions, r->fingerprint[step].at);
    if (counts(r, step, q))
        return settle_by_answer(r, step, q, e);
    if (!r->o->dry_run)
        return ask(r, step, q, e);
    run_would(r, step,
              kind == STEP_CALLBACK ? "it would ask for a callback" : "it is not approved");
    return 1;
}

/* It may have been answered before its command ended. */
int run_handed(struct run *r, uint32_t step, const struct job_result *x, struct error *e)
{
    run_add_record(r, step, x, STEP_PENDING, NULL, NULL);
    int status = run_commit(r, true, e);
    if (status == 0)
        status = records_follow(&r->records, e);
    if (status)
        return status;
    if (!is_answered(r, run_question(r, step))) {
        run_wait(r, step, true);
        return 0;
    }
    r->state[step] = STEP_WAITING;
    run_queue(r, step);
    return 0;
}

/* ---- what they were answered with ---- */

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void run_set_variable(struct run *r, uint32_t step, const char *variable)
{
    struct step *s = &r->p->steps[step];
    char *first[] = {arena_text(&r->p->arena, variable, strlen(variable)), NULL};
    char **all = run_environment(first, s->environment);
    size_t n = 0;
    while (all[n])
        n++;
    qsort(all, n, sizeof *all, compare_words);
    s->environment = arena_copy(&r->p->arena, all, (n + 1) * sizeof *all);
    mem_free(all);
}

/* STEP_NAME, in upper case; what is no letter or digit becomes _, once. */
static void put_name(struct buf *b, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        bool lower = c >= 'a' && c <= 'z';
        bool other = !lower && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9');
        if (!other)
            buf_putc(b, (char)(lower ? c - 'a' + 'A' : c));
        else if (b->len == 0 || b->at[b->len - 1] != '_')
            buf_putc(b, '_');
    }
}

/* A variable of the definition holds against one of these. */
static void add_value(struct run *r, uint32_t step, const char *from, const char *value)
{
    char *const *at = r->p->steps[step].environment;
    size_t n = strcspn(value, "=");
    struct buf b = {0};
    put_name(&b, from, strlen(from));
    if (b.len && b.at[b.len - 1] != '_')
        buf_putc(&b, '_');
    put_name(&b, value, n);
    buf_puts(&b, value + n);
    size_t name = strcspn(buf_text(&b), "=") + 1;
    while (*at && strncmp(*at, b.at, name) != 0)
        at++;
    if (!*at)
        run_set_variable(r, step, buf_text(&b));
    buf_release(&b);
}

void run_add_values(struct run *r, uint32_t step)
{
    const struct step *s = &r->p->steps[step];
    for (uint32_t k = 0; k < s->wait_count; k++) {
        uint32_t before = s->waits_for[k];
        if (r->p->steps[before].entry->kind != STEP_CALLBACK)
            continue;
        const struct question *q =
            questions_of(&r->records.models.questions, r->fingerprint[before].at);
        const char *const *value = q && q->answer.verdict == VERDICT_YES ? q->answer.values : NULL;
        for (; value && *value; value++)
            add_value(r, step, r->p->steps[before].name, *value);
    }
}
