/* What goes on, at the end of the terminal while a run goes on: how far it is, and for how long
 * which steps run. */
#include "running.h"

#include "sys/sys.h"

static bool is_over(enum step_state s)
{
    return s == STEP_SUCCEEDED || s == STEP_FAILED || s == STEP_STOPPED || s == STEP_WAITING ||
           s == STEP_PENDING;
}

void live_note(struct teller *t, const struct run_event *x)
{
    if (t->rows == 0)
        return;
    t->failed += x->state == STEP_FAILED;
    if (x->state == STEP_RUNNING)
        vec_push(&t->running, ((struct running_step){x->step, clock_now(), x->usual}));
    for (size_t i = 0; i < t->running.len && is_over(x->state); i++)
        if (t->running.at[i].step == x->step) {
            memmove(t->running.at + i, t->running.at + i + 1,
                    (t->running.len - i - 1) * sizeof *t->running.at);
            t->running.len--;
            return;
        }
}

/* 5.2 s, 3:07 or 1:03:07 */
static void put_time(struct buf *b, double seconds)
{
    long whole = (long)seconds;
    if (seconds < 60)
        buf_format(b, "%.1f s", seconds < 0 ? 0 : seconds);
    else if (whole < 3600)
        buf_format(b, "%ld:%02ld", whole / 60, whole % 60);
    else
        buf_format(b, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
}

/* Names may have what foreach bound: controls would drive the terminal. */
static void put_name(struct buf *b, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0, used; i < n; i += used) {
        uint32_t c = utf8_decode(name + i, n - i, &used);
        if (c < 0x20 || (c >= 0x7F && c <= 0x9F))
            buf_putc(b, '?');
        else
            buf_add(b, name + i, used);
    }
}

static void put_running(struct buf *b, const struct running_step *r, usec now)
{
    buf_puts(b, "  ");
    put_name(b, r->step->name);
    buf_puts(b, "  ");
    put_time(b, (double)(now - r->since) / USEC_SECOND);
    if (r->usual >= 1) {
        buf_puts(b, " of about ");
        put_time(b, r->usual);
    }
    buf_putc(b, '\n');
}

static void put_block(struct buf *b, const struct teller *t)
{
    usec now = clock_now();
    size_t n = t->running.len, shown = n < t->rows ? n : t->rows - 1;
    buf_format(b, "[%zu/%zu] ", t->done, t->total);
    if (n)
        buf_format(b, "%zu running, ", n);
    if (t->failed)
        buf_format(b, "%zu failed, ", t->failed);
    put_time(b, (double)(now - t->began) / USEC_SECOND);
    buf_putc(b, '\n');
    for (size_t i = 0; i < shown; i++)
        put_running(b, &t->running.at[i], now);
    if (shown < n)
        buf_format(b, "  and %zu more\n", n - shown);
}

void live_show(struct teller *t, struct text above)
{
    struct buf block = {0};
    put_block(&block, t);
    live_write(above, (struct text){block.at, block.len});
    buf_release(&block);
    t->drawn = true;
}

void live_pulse(void *context)
{
    live_show(context, (struct text){NULL, 0});
}

void live_begin(struct teller *t)
{
    enum { ROWS_MAX = 12 };
    size_t rows = t->events || t->plan ? 0 : live_rows();
    t->rows = rows < 3 ? 0 : rows < ROWS_MAX ? rows - 1 : ROWS_MAX;
    t->began = clock_now();
}

void live_end(struct teller *t)
{
    live_clear();
    vec_release(&t->running);
}
