#include "store/windows_value.h"

#include "stats/stats.h"

#include <math.h>

/* ---- which events ---- */

size_t event_after(const struct event *events, size_t n, usec t)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (events[middle].time > t)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The first event in the window. */
static size_t window_start(const struct event *events, size_t n, usec window)
{
    usec from;
    size_t start = __builtin_sub_overflow(events[n - 1].time, window, &from)
                       ? 0
                       : event_after(events, n, from);
    for (size_t i = n; i > start; i--)
        if (events[i - 1].deleted)
            return i;
    return start;
}

/* ---- their values ---- */

static uint64_t count_values(const struct window_rule *r, const struct event *events, size_t n)
{
    uint64_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += row_kind(events[i].row, r->argument) != ROW_MISSING;
    return count;
}

void map_empty(struct map *m)
{
    enum { KEPT = 4096 }; /* clearing is no more work than so many */
    if (m->keys.len > KEPT)
        map_release(m);
    else if (m->keys.len)
        map_clear(m);
}

static uint64_t count_texts(const struct window_rule *r, const struct event *events, size_t n,
                            struct map *texts)
{
    char room[TIME_MAX];
    for (size_t i = 0; i < n; i++) {
        struct text cell = row_cell(events[i].row, r->argument, room);
        if (cell.at)
            map_put(texts, cell, NULL);
    }
    uint64_t count = texts->keys.len;
    map_empty(texts);
    return count;
}

/* Whether a takes the place of b. */
static bool replaces(enum aggregate_function f, bool less, bool more)
{
    return f == AGGREGATE_LAST || (f == AGGREGATE_MIN ? less : more);
}

/* The least, greatest or last one; false when there is none. */
static bool pick_int(const struct window_rule *r, const struct event *events, size_t n,
                     int64_t *picked)
{
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        int64_t x;
        if (!row_int(events[i].row, r->argument, &x))
            continue;
        if (!found || replaces(r->function, x<*picked, x> * picked))
            *picked = x;
        found = true;
    }
    return found;
}

static bool pick_float(const struct window_rule *r, const struct event *events, size_t n,
                       double *picked)
{
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        double x;
        if (!row_float(events[i].row, r->argument, &x))
            continue;
        if (!found || replaces(r->function, x<*picked, x> * picked))
            *picked = x;
        found = true;
    }
    return found;
}

/* Exact; false when there is none, or it is no int. */
static bool sum_ints(const struct window_rule *r, const struct event *events, size_t n,
                     int64_t *sum)
{
    bool found = false;
    int64_t beyond = 0; /* of the 64 bits */
    *sum = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t x;
        if (!row_int(events[i].row, r->argument, &x))
            continue;
        if (__builtin_add_overflow(*sum, x, sum))
            beyond += x < 0 ? -1 : 1;
        found = true;
    }
    return found && beyond == 0;
}

/* The sum, or the mean, of numbers; NaN without one. */
static double sum_numbers(const struct window_rule *r, const struct event *events, size_t n)
{
    struct sum s = {.flags = 0};
    uint64_t count = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t whole;
        double x;
        if (r->of_floats ? !row_float(events[i].row, r->argument, &x)
                         : !row_int(events[i].row, r->argument, &whole))
            continue;
        if (r->of_floats)
            sum_add(&s, x);
        else
            sum_add_int(&s, whole);
        count++;
    }
    double value = (double)NAN;
    if (count)
        value = r->function == AGGREGATE_MEAN ? sum_mean(&s, count) : sum_value(&s);
    sum_release(&s);
    return value;
}

static double deviation(const struct window_rule *r, const struct event *events, size_t n)
{
    struct moments m;
    moments_init(&m, 2);
    for (size_t i = 0; i < n; i++) {
        int64_t whole;
        double x;
        if (r->of_floats && row_float(events[i].row, r->argument, &x))
            moments_add(&m, x);
        else if (!r->of_floats && row_int(events[i].row, r->argument, &whole))
            moments_add(&m, (double)whole);
    }
    double value = moments_deviation(&m, 1);
    moments_release(&m);
    return value;
}

/* NULL: there is none. */
static void add_int(struct row_builder *into, const int64_t *i)
{
    if (i)
        row_add_int(into, *i);
    else
        row_add(into, TYPE_INT, (struct text){NULL, 0});
}

static void add_picked(const struct window_rule *r, const struct event *events, size_t n,
                       struct row_builder *into)
{
    int64_t whole = 0;
    double x = 0;
    if (r->of_floats)
        row_add_float(into, pick_float(r, events, n, &x) ? x : (double)NAN);
    else
        add_int(into, pick_int(r, events, n, &whole) ? &whole : NULL);
}

static void add_sum(const struct window_rule *r, const struct event *events, size_t n,
                    struct row_builder *into)
{
    int64_t whole = 0;
    if (r->of_floats)
        row_add_float(into, sum_numbers(r, events, n));
    else
        add_int(into, sum_ints(r, events, n, &whole) ? &whole : NULL);
}

void window_value(const struct window_rule *rule, const struct event *events, size_t n,
                  struct map *texts, struct row_builder *into)
{
    size_t start = window_start(events, n, rule->window);
    events += start;
    n -= start;
    switch (rule->function) {
    case AGGREGATE_COUNT:
        row_add_int(into, (int64_t)(rule->of_records ? n : count_values(rule, events, n)));
        break;
    case AGGREGATE_NUNIQUE:
        row_add_int(into, (int64_t)count_texts(rule, events, n, texts));
        break;
    case AGGREGATE_SUM:
        add_sum(rule, events, n, into);
        break;
    case AGGREGATE_MEAN:
        row_add_float(into, sum_numbers(rule, events, n));
        break;
    case AGGREGATE_STD:
        row_add_float(into, deviation(rule, events, n));
        break;
    default:
        add_picked(rule, events, n, into);
    }
}
