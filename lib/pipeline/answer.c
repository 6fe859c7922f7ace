/* Answers: who may give them, and that each token has one. */
#include "pipeline/definition.h"
#include "pipeline/event.h"
#include "pipeline/questions.h"
#include "sys/sys.h"

enum { VALUES = 50 };

int answers_lock(const char *home, int *fd, struct error *e)
{
    char *folder = mem_format("%s/locks", home);
    char *path = mem_format("%s/locks/answers", home);
    int status = folder_make(folder, e);
    if (status == 0)
        status = lock_acquire(path, true, -1, fd, e);
    mem_free(path);
    mem_free(folder);
    return status;
}

static int take_event(void *context, const struct ledger_event *event, struct error *e)
{
    (void)e;
    questions_note(context, event);
    return 0;
}

/* ---- what is answered ---- */

/* They become variables in upper case, in which two may be one. */
static int check_values(const struct reply *r, struct error *e)
{
    char quoted[QUOTE_MAX];
    if (r->value_count > VALUES)
        return error_set(e, ERR_USAGE, "more than %d values", VALUES);
    for (size_t i = 0; i < r->value_count; i++) {
        const char *text = r->values[i];
        size_t n = strcspn(text, "=");
        quote(quoted, text, strlen(text));
        if (!text[n])
            return error_set(e, ERR_USAGE, "%s is not NAME=VALUE", quoted);
        if (!definition_is_variable((struct text){text, n}))
            return error_set(e, ERR_USAGE,
                             "%s: a value's name has letters, digits and _, at most 64", quoted);
        for (size_t k = 0; k < i; k++)
            if (strncasecmp(r->values[k], text, n + 1) == 0)
                return error_set(e, ERR_USAGE, "value %.*s is given twice", (int)n, text);
    }
    return 0;
}

static void put_values(struct buf *b, const struct reply *r)
{
    buf_puts(b, ",\"values\":{");
    for (size_t i = 0; i < r->value_count; i++) {
        const char *text = r->values[i];
        size_t n = strcspn(text, "=");
        buf_puts(b, i ? "," : "");
        json_put_string(b, text, n);
        buf_putc(b, ':');
        json_put_string(b, text + n + 1, strlen(text + n + 1));
    }
    buf_putc(b, '}');
}

static void put_answer(struct buf *b, const struct question *q, const char *about,
                       const char *answer, const struct reply *r)
{
    buf_puts(b, "\"event\":\"answer\"");
    event_put(b, "about", about);
    event_put(b, "answer", answer);
    if (q && q->step)
        event_put(b, "step", q->step);
    event_put_person(b);
    if (r->comment)
        event_put(b, "comment", r->comment);
    if (r->value_count)
        put_values(b, r);
}

/* ---- whether it may be ---- */

static int refuse_answered(const struct question *q, struct error *e)
{
    char when[TIME_MAX];
    size_t n = time_print(when, q->answer.time);
    return error_set(e, ERR_NO, "%s has its answer: %s by %s on %s at %.*s%s%s", q->about,
                     verdict_name(q->kind, q->answer.verdict), q->answer.user, q->answer.host,
                     (int)n, when, *q->answer.comment ? ": " : "", q->answer.comment);
}

static int refuse_person(const char *ledger, const struct question *q, const struct reply *r,
                         const char *user, struct error *e)
{
    struct buf members = {0}, names = {0};
    put_answer(&members, q, q->about, "refused", r);
    may_put(&names, q->may);
    int status = event_append(ledger, &members, true, e);
    if (status == 0)
        status = error_set(e, ERR_NO, "%s may not answer: that is for %s", user, buf_text(&names));
    buf_release(&names);
    buf_release(&members);
    return status;
}

/* A version of a model may be answered without a question, and again. */
static int answer(const char *ledger, const struct question *q, const char *about,
                  const struct reply *r, struct error *e)
{
    struct person self;
    struct buf members = {0};
    bool is_model = strchr(about, '/') != NULL;
    person_self(&self);
    if (q && q->step && (q->kind == QUESTION_CALLBACK) != r->to_callback)
        return error_set(e, ERR_USAGE,
                         r->to_callback ? "%s is of step %s, which waits for an approval"
                                        : "%s is of step %s, which waits for a callback",
                         about, q->step);
    if (q && !is_model && q->answer.verdict != VERDICT_NONE)
        return refuse_answered(q, e);
    if (q && !may_answer(q->may, self.user))
        return refuse_person(ledger, q, r, self.user, e);
    enum question_kind kind = r->to_callback ? QUESTION_CALLBACK : QUESTION_APPROVAL;
    put_answer(&members, q, about, verdict_name(kind, r->verdict), r);
    int status = event_append(ledger, &members, true, e);
    buf_release(&members);
    return status;
}

/* Of what the step `what` asked in a run; without a run, about `what`: a version of a model needs
 * no question. */
static int find(const struct questions *all, const char *what, const char *run,
                const struct reply *r, const struct question **out, struct error *e)
{
    char quoted[QUOTE_MAX];
    *out = run ? questions_of_run(all, run, what) : questions_about(all, text_of(what));
    if ((*out && (*out)->step) || (!run && !r->to_callback && strchr(what, '/')))
        return 0;
    quote(quoted, what, strlen(what));
    return run ? error_set(e, ERR_USAGE, "step %s did not wait in run %s", quoted, run)
               : error_set(e, ERR_USAGE, "there is no token %s", quoted);
}

int question_answer(const char *home, const char *what, const char *run, const struct reply *r,
                    struct error *e)
{
    struct questions all = {.list = {0}};
    const struct question *q = NULL;
    char *ledger = mem_format("%s/ledger.jsonl", home);
    int lock = -1, status = check_values(r, e);
    if (status == 0)
        status = answers_lock(home, &lock, e);
    if (status == 0)
        status = ledger_each(ledger, NULL, take_event, &all, e);
    if (status == 0)
        status = find(&all, what, run, r, &q, e);
    if (status == 0)
        status = answer(ledger, q, q ? q->about : what, r, e);
    if (lock >= 0)
        lock_release(lock);
    questions_release(&all);
    mem_free(ledger);
    return status;
}
