/* What a run tells: a line for each step, or an event. */
#include "running.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The state, when who answers would not find it without a word. */
static void put_home(struct buf *b)
{
    const char *home = cli_home(), *usual = getenv("ML_HOME");
    if (!home || (usual && strcmp(home, usual) == 0))
        return;
    buf_puts(b, " --home ");
    buf_put_word(b, text_of(home));
}

/* The command that answers. */
static void put_answer(struct buf *b, const struct teller *t, const struct run_event *x)
{
    static const char *const commands[] = {"approve", "callback", "model"};
    const struct question *q = x->question;
    buf_format(b, "pipe %s", commands[q->kind]);
    put_home(b);
    if (q->kind == QUESTION_MODEL) {
        buf_format(b, " approve %s", q->about);
    } else if (q->kind == QUESTION_CALLBACK) {
        buf_format(b, " success %s", q->about);
    } else {
        buf_format(b, "%s %s ", *x->step->name == '-' ? " --" : "", t->run);
        buf_put_word(b, text_of(x->step->name));
    }
}

static void put_question(struct buf *b, const struct teller *t, const struct run_event *x)
{
    static const char *const what[] = {"an approval", "a callback", "the approval of model "};
    const struct question *q = x->question;
    buf_format(b, "%s: waits for %s%s", x->step->name, what[q->kind],
               q->kind == QUESTION_MODEL ? q->about : "");
    if (q->may) {
        buf_puts(b, " by ");
        may_put(b, q->may);
    }
    buf_puts(b, ": ");
    put_answer(b, t, x);
    buf_putc(b, '\n');
}

static void put_event(struct buf *b, const struct teller *t, const struct run_event *x)
{
    buf_puts(b, "{\"step\":");
    json_put_string(b, x->step->name, strlen(x->step->name));
    buf_format(b, ",\"state\":\"%s\"", step_state_name(x->state));
    if (x->attempt)
        buf_format(b, ",\"attempt\":%u", x->attempt);
    if (x->result)
        buf_format(b, ",\"exit\":%d,\"seconds\":%.3f", x->result->status,
                   (double)(x->result->ended - x->result->started) / USEC_SECOND);
    if (x->result && (x->state == STEP_FAILED || x->state == STEP_WAITING))
        buf_format(b, ",\"class\":\"%s\"", job_class_name(failure_class(x->result)));
    if (x->why) {
        buf_puts(b, ",\"why\":");
        json_put_string(b, x->why, strlen(x->why));
    }
    if (x->question) {
        buf_puts(b, ",\"about\":");
        json_put_string(b, x->question->about, strlen(x->question->about));
        struct buf answer = {0};
        put_answer(&answer, t, x);
        buf_puts(b, ",\"answer\":");
        json_put_string(b, answer.at, answer.len);
        buf_release(&answer);
    }
    buf_puts(b, "}\n");
}

static void put_result(struct buf *b, const struct teller *t, const struct run_event *x)
{
    const struct job_result *r = x->result;
    if (x->state == STEP_WOULD_RUN)
        buf_format(b, "%s: %s\n", x->step->name, x->why ? x->why : "would run");
    else if (x->state == STEP_RUNNING && x->why)
        buf_format(b, "%s: %s\n", x->step->name, x->why);
    else if (x->state == STEP_PENDING)
        put_question(b, t, x);
    else if (x->state == STEP_SUCCEEDED && x->why)
        buf_format(b, "[%zu/%zu] %s: %s\n", t->done, x->now->so_far->steps, x->step->name, x->why);
    else if (x->state == STEP_SUCCEEDED)
        buf_format(b, "[%zu/%zu] %s: %.2f s\n", t->done, x->now->so_far->steps, x->step->name,
                   (double)(r->ended - r->started) / USEC_SECOND);
    else if (x->state == STEP_RESTORED)
        buf_format(b, "[%zu/%zu] %s: restored\n", t->done, x->now->so_far->steps, x->step->name);
    else if (x->state == STEP_FAILED || x->state == STEP_STOPPED)
        buf_format(b, "[%zu/%zu] %s: failed: %s\n", t->done, x->now->so_far->steps, x->step->name,
                   x->why);
    else if (x->state == STEP_WAITING)
        buf_format(b, "%s: attempt %u failed: %s\n", x->step->name, x->attempt, x->why);
}

/* What a step wrote stands behind its line. */
static void put_tail(struct buf *b, const struct job_result *r)
{
    buf_add(b, r->tail.at, r->tail.len);
    if (r->tail.len && r->tail.at[r->tail.len - 1] != '\n')
        buf_putc(b, '\n');
}

static void put_text(struct teller *t, const struct run_event *x)
{
    if (!cli_quiet() || x->state == STEP_FAILED || x->state == STEP_PENDING)
        put_result(&t->out, t, x);
    if (x->result && (t->out.len || x->result->wrote))
        put_tail(&t->out, x->result);
}

void tell(void *context, const struct run_event *x)
{
    struct teller *t = context;
    t->done += x->state != STEP_RUNNING && x->state != STEP_WAITING && x->state != STEP_PENDING;
    t->out.len = 0;
    if (t->events)
        put_event(&t->out, t, x);
    else
        put_text(t, x);
    if (t->out.len == 0)
        return;
    int fd = t->events || t->plan ? STDOUT_FILENO : STDERR_FILENO;
    if (t->drawn)
        live_show(t, x->now, (struct text){t->out.at, t->out.len});
    else
        (void)file_write(fd, t->out.at, t->out.len, "standard output", NULL);
}

void tell_warning(void *context, const char *text)
{
    (void)context;
    cli_warn("%s", text);
}

void tell_summary(const struct run_summary *s)
{
    struct buf b = {0};
    const struct {
        size_t n;
        const char *what;
    } counts[] = {{s->ran, "ran"},        {s->up_to_date, "up to date"}, {s->restored, "restored"},
                  {s->failed, "failed"},  {s->skipped, "skipped"},       {s->blocked, "not run"},
                  {s->pending, "waiting"}};
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        if (counts[i].n)
            buf_format(&b, "%s%zu %s", b.len ? ", " : "", counts[i].n, counts[i].what);
    if (!cli_quiet() && b.len)
        (void)fprintf(stderr, "pipe: %s\n", buf_text(&b));
    buf_release(&b);
}
