/* What goes on in a run at the moment: told to its caller, and kept in a file for those who look
 * at the run from outside (look.c). */
#include "pipeline/event.h"
#include "pipeline/running.h"

static struct run_now now_of(const struct run *r)
{
    return (struct run_now){
        .running = r->running.at, .running_count = r->running.len, .so_far = r->summary};
}

void run_tell(struct run *r, struct run_event *x)
{
    struct run_now now = now_of(r);
    if (!r->o->tell)
        return;
    x->now = &now;
    r->o->tell(r->o->context, x);
}

static double usual_seconds(const struct run *r, const struct step *s)
{
    const struct record *x = r->o->pulse ? records_of_step(&r->records, r->p->name, s->name) : NULL;
    return x ? x->seconds : 0;
}

void run_note_start(struct run *r, uint32_t step)
{
    const struct step *s = &r->p->steps[step];
    r->state[step] = STEP_RUNNING;
    r->changed = true;
    vec_push(&r->running, ((struct running_step){s, clock_now(), usual_seconds(r, s)}));
}

void run_note_end(struct run *r, uint32_t step)
{
    r->changed = true;
    for (size_t i = 0; i < r->running.len; i++)
        if (r->running.at[i].step == &r->p->steps[step]) {
            memmove(r->running.at + i, r->running.at + i + 1,
                    (r->running.len - i - 1) * sizeof *r->running.at);
            r->running.len--;
            return;
        }
}

/* ---- the file ---- */

char *pipeline_now_path(const char *home, const char *run)
{
    return mem_format("%s/runs/%s/now.json", home, run);
}

static void put_now(const struct run *r, struct buf *b)
{
    char *lock = pipeline_state_path(r->o->home, r->p->path, "lock");
    buf_puts(b, "{\"lock\":");
    json_put_string(b, lock, strlen(lock));
    buf_format(b, ",\"runner\":%ld", (long)getpid());
    run_put_counts(r->summary, b);
    buf_puts(b, ",\"running\":[");
    for (size_t i = 0; i < r->running.len; i++) {
        const struct running_step *x = &r->running.at[i];
        buf_puts(b, i ? ",{\"step\":" : "{\"step\":");
        json_put_string(b, x->step->name, strlen(x->step->name));
        event_put_time(b, "since", x->since);
        buf_putc(b, '}');
    }
    buf_puts(b, "]}\n");
    mem_free(lock);
}

/* Nothing hangs on it: a file that cannot be written is not there. */
static void write_now(const struct run *r)
{
    struct buf b = {0};
    struct replace *file = NULL;
    char *path = pipeline_now_path(r->o->home, r->summary->id);
    put_now(r, &b);
    if (replace_open(path, &file, NULL) == 0 &&
        file_write(replace_fd(file), b.at, b.len, path, NULL) == 0)
        (void)replace_commit_later(file, NULL);
    else
        replace_abort(file);
    mem_free(path);
    buf_release(&b);
}

void run_begin_now(struct run *r)
{
    r->pulsed = r->noted = clock_now();
    write_now(r);
}

void run_end_now(struct run *r)
{
    char *path = pipeline_now_path(r->o->home, r->summary->id);
    (void)unlink(path);
    mem_free(path);
}

/* ---- from time to time ---- */

/* A clock that was set back is no reason to wait. */
static bool is_due(usec last, usec every, usec now)
{
    return now - last >= every || now < last;
}

void run_pulse(struct run *r)
{
    usec now = r->o->pulse || r->changed ? clock_now() : 0;
    if (r->o->pulse && is_due(r->pulsed, PULSE_EVERY, now)) {
        struct run_now x = now_of(r);
        r->pulsed = now;
        r->o->pulse(r->o->context, &x);
    }
    if (r->changed && is_due(r->noted, NOTE_EVERY, now)) {
        r->changed = false;
        r->noted = now;
        write_now(r);
    }
}

usec run_next_pulse(const struct run *r)
{
    usec due = r->changed ? r->noted + NOTE_EVERY : INT64_MAX;
    return r->o->pulse && r->pulsed + PULSE_EVERY < due ? r->pulsed + PULSE_EVERY : due;
}
