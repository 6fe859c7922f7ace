#include "cli/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_MS = 1000, REDRAW_MS = 250, JSONL_MS = 1000 };

static int64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool wanted(void)
{
    if (cli_state.progress == PROGRESS_JSONL)
        return true;
    return cli_state.progress == PROGRESS_AUTO && !cli_state.quiet && isatty(STDERR_FILENO);
}

/* 12.3 M, powers of 1000. */
static void put_amount(struct buf *out, double amount, const char *unit)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P"};
    size_t i = 0;
    for (; amount >= 1000 && i + 1 < COUNT_OF(prefixes); i++)
        amount /= 1000;
    buf_format(out, i == 0 ? "%.0f %s%s" : "%.1f %s%s", amount, prefixes[i], unit);
}

static void put_line(struct buf *out, const struct progress *p, uint64_t done, double seconds)
{
    double rate = seconds > 0 ? (double)done / seconds : 0;
    buf_format(out, "\r%s: ", p->what);
    if (p->total)
        buf_format(out, "%3.0f%% ", 100 * (double)done / (double)p->total);
    put_amount(out, (double)done, p->unit);
    buf_puts(out, ", ");
    put_amount(out, rate, p->unit);
    buf_puts(out, "/s");
    if (p->total > done && rate > 0)
        buf_format(out, ", %.0f s left", (double)(p->total - done) / rate);
    buf_puts(out, "\033[K"); /* erase the rest of the line */
}

static void put_json(struct buf *out, const struct progress *p, uint64_t done, double seconds)
{
    buf_puts(out, "{\"progress\":");
    json_put_string(out, p->what, strlen(p->what));
    buf_puts(out, ",\"unit\":");
    json_put_string(out, p->unit, strlen(p->unit));
    buf_format(out, ",\"done\":%" PRIu64, done);
    if (p->total)
        buf_format(out, ",\"total\":%" PRIu64, p->total);
    buf_format(out, ",\"seconds\":%.3f}\n", seconds);
}

static void draw(const struct progress *p, uint64_t done, int64_t now)
{
    struct buf out = {0};
    double seconds = (double)(now - p->started) / 1000;
    if (cli_state.progress == PROGRESS_JSONL)
        put_json(&out, p, done, seconds);
    else
        put_line(&out, p, done, seconds);
    ssize_t written = write(STDERR_FILENO, out.at, out.len);
    (void)written;
    buf_release(&out);
}

void progress_start(struct progress *p, const char *what, const char *unit, uint64_t total)
{
    *p = (struct progress){.what = what, .unit = unit, .total = total, .due = INT64_MAX};
    p->started = now_ms();
    if (wanted())
        p->due = p->started + FIRST_MS;
}

/* The thread that moves `due` on is the one that draws. */
void progress_add(struct progress *p, uint64_t n)
{
    uint64_t done = __atomic_add_fetch(&p->done, n, __ATOMIC_RELAXED);
    int64_t due = __atomic_load_n(&p->due, __ATOMIC_RELAXED);
    if (due == INT64_MAX)
        return;
    int64_t now = now_ms();
    int64_t next = now + (cli_state.progress == PROGRESS_JSONL ? JSONL_MS : REDRAW_MS);
    if (now < due || !__atomic_compare_exchange_n(&p->due, &due, next, false, __ATOMIC_RELAXED,
                                                  __ATOMIC_RELAXED))
        return;
    __atomic_store_n(&p->shown, true, __ATOMIC_RELAXED);
    draw(p, done, now);
}

/* The terminal's line is wiped; the JSON Lines end with the final count. */
void progress_finish(struct progress *p)
{
    if (cli_state.progress == PROGRESS_JSONL && p->due != INT64_MAX) {
        draw(p, p->done, now_ms());
    } else if (p->shown) {
        ssize_t written = write(STDERR_FILENO, "\r\033[K", 4);
        (void)written;
    }
    p->due = INT64_MAX;
}
