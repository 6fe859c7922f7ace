/* What goes on, at the end of the terminal while a run goes on: how far it is, and for how long
 * which steps run. */
#include "running.h"

#include "sys/sys.h"

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

static void put_block(struct buf *b, const struct teller *t, const struct run_now *x)
{
    usec now = clock_now();
    size_t n = x->running_count, shown = n < t->rows ? n : t->rows - 1;
    buf_format(b, "[%zu/%zu] ", t->done, x->so_far->steps);
    if (n)
        buf_format(b, "%zu running, ", n);
    if (x->so_far->failed)
        buf_format(b, "%zu failed, ", x->so_far->failed);
    put_time(b, (double)(now - t->began) / USEC_SECOND);
    buf_putc(b, '\n');
    for (size_t i = 0; i < shown; i++)
        put_running(b, &x->running[i], now);
    if (shown < n)
        buf_format(b, "  and %zu more\n", n - shown);
}

void live_show(struct teller *t, const struct run_now *now, struct text above)
{
    struct buf block = {0};
    put_block(&block, t, now);
    live_write(above, (struct text){block.at, block.len});
    buf_release(&block);
    t->drawn = true;
}

void live_pulse(void *context, const struct run_now *now)
{
    live_show(context, now, (struct text){NULL, 0});
}

void live_begin(struct teller *t)
{
    enum { ROWS_MAX = 12 };
    size_t rows = t->events || t->plan ? 0 : live_rows();
    t->rows = rows < 3 ? 0 : rows < ROWS_MAX ? rows - 1 : ROWS_MAX;
    t->began = clock_now();
}
