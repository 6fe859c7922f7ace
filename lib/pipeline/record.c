/* The record of a step that ran, in the ledger. */
#include "pipeline/event.h"
#include "pipeline/running.h"

#include <inttypes.h>

enum { USUAL_LINE = 1024 };

static void put_files(struct run *r, struct buf *b, const char *name, const uint32_t *paths,
                      uint32_t n)
{
    buf_format(b, ",\"%s\":{", name);
    for (uint32_t k = 0; k < n; k++) {
        struct text path = r->p->paths[paths[k]];
        buf_puts(b, k ? "," : "");
        json_put_string(b, path.at, path.len);
        buf_puts(b, ":\"");
        hex_put(b, r->files[paths[k]].digest.at, 2 * SHA256_SIZE);
        buf_putc(b, '"');
    }
    buf_putc(b, '}');
}

static void put_command(struct buf *b, const struct step *s)
{
    if (!s->script && !s->argv)
        return;
    if (s->script) {
        event_put(b, "command", s->script);
        return;
    }
    buf_puts(b, ",\"command\":[");
    for (char **at = s->argv; *at; at++) {
        buf_puts(b, at == s->argv ? "" : ",");
        json_put_string(b, *at, strlen(*at));
    }
    buf_putc(b, ']');
}

static void put_settings(struct run *r, struct buf *b, const struct step *s)
{
    buf_puts(b, ",\"uses\":{");
    for (uint32_t k = 0; k < s->use_count; k++) {
        const struct parameter *x = &r->p->parameters[s->uses[k]];
        buf_puts(b, k ? "," : "");
        json_put_string(b, x->name, strlen(x->name));
        buf_putc(b, ':');
        json_put_string(b, x->value.at, x->value.len);
    }
    buf_puts(b, "},\"env\":{");
    for (char **at = s->environment; *at; at++) {
        size_t n = strcspn(*at, "=");
        buf_puts(b, at == s->environment ? "" : ",");
        json_put_string(b, *at, n);
        buf_putc(b, ':');
        json_put_string(b, *at + n + 1, strlen(*at + n + 1));
    }
    buf_putc(b, '}');
}

/* Steps without outputs that it waited for: approvals, for one. By files nobody would find them. */
static void put_after(struct run *r, struct buf *b, const struct step *s)
{
    bool any = false;
    for (uint32_t k = 0; k < s->wait_count; k++) {
        const struct step *before = &r->p->steps[s->waits_for[k]];
        if (before->out_count)
            continue;
        buf_puts(b, any ? "," : ",\"after\":[");
        json_put_string(b, before->name, strlen(before->name));
        any = true;
    }
    if (any)
        buf_putc(b, ']');
}

static void put_use(struct buf *b, const struct job_result *x)
{
    event_put_time(b, "started", x->started);
    event_put_time(b, "ended", x->ended);
    event_put_seconds(b, "seconds", x->ended > x->started ? x->ended - x->started : 0);
    event_put_seconds(b, "user_s", (usec)(x->user_s * USEC_SECOND + 0.5));
    event_put_seconds(b, "system_s", (usec)(x->system_s * USEC_SECOND + 0.5));
    buf_format(b, ",\"max_rss\":%" PRIu64, x->max_rss);
}

void run_add_restored(struct run *r, uint32_t step)
{
    const struct step *s = &r->p->steps[step];
    struct buf b = {0};
    run_put_step(r, step, STEP_RESTORED, &b);
    event_put_digest(&b, "fingerprint", r->fingerprint[step].at);
    put_files(r, &b, "out", s->out, s->out_count);
    ledger_add(r->ledger, (struct text){b.at, b.len});
    if (r->pending++ == 0)
        r->committed = clock_now();
    buf_release(&b);
}

void run_put_step(const struct run *r, uint32_t step, enum step_state state, struct buf *b)
{
    buf_puts(b, "\"event\":\"step\"");
    event_put(b, "run", r->summary->id);
    event_put(b, "pipeline", r->p->name);
    event_put(b, "step", r->p->steps[step].name);
    event_put(b, "state", step_state_name(state));
}

void run_add_record(struct run *r, uint32_t step, const struct job_result *x, enum step_state state,
                    const char *why, const struct buf *metrics)
{
    const struct step *s = &r->p->steps[step];
    struct buf b = {0};
    buf_reserve(&b, USUAL_LINE);
    run_put_step(r, step, state, &b);
    buf_format(&b, ",\"attempt\":%u,\"exit\":%d", (unsigned)r->attempt[step], x->status);
    if (state == STEP_FAILED)
        event_put(&b, "class", job_class_name(failure_class(x)));
    if (why)
        event_put(&b, "reason", why);
    if (r->asked.len && run_question(r, step))
        event_put(&b, "about", run_question(r, step)->about);
    put_use(&b, x);
    event_put_digest(&b, "fingerprint", r->fingerprint[step].at);
    put_command(&b, s);
    put_settings(r, &b, s);
    put_after(r, &b, s);
    put_files(r, &b, "in", s->in, s->in_count);
    if (state == STEP_SUCCEEDED)
        put_files(r, &b, "out", s->out, s->out_count);
    if (metrics && metrics->len)
        buf_add(&b, metrics->at, metrics->len);
    ledger_add(r->ledger, (struct text){b.at, b.len});
    if (r->pending++ == 0)
        r->committed = clock_now();
    buf_release(&b);
}
