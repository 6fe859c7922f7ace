/* Intervals, clocks and days off, for steps on dates and times. */
#include "steps/calendar.h"

#include "sys/sys.h"

#include <limits.h>
#include <stdlib.h>

static const struct {
    const char *name;
    struct interval one;
} units[] = {
    {"year", {.months = 12}},
    {"quarter", {.months = 3}},
    {"month", {.months = 1}},
    {"week", {.days = 7}},
    {"day", {.days = 1}},
    {"hour", {.span = 3600 * USEC_SECOND}},
    {"minute", {.span = 60 * USEC_SECOND}},
    {"second", {.span = USEC_SECOND}},
    {"milli", {.span = 1000}},
    {"micro", {.span = 1}},
};

/* The name of a unit, with or without an s. */
static bool unit_parse(struct text word, struct interval *one)
{
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        size_t n = strlen(units[i].name);
        bool plural = word.len == n + 1 && word.at[n] == 's';
        if ((word.len == n || plural) && memcmp(word.at, units[i].name, n) == 0) {
            *one = units[i].one;
            return true;
        }
    }
    return false;
}

bool interval_parse(struct text text, struct interval *out)
{
    int64_t sign = 1, count = 1;
    usec span;
    if (text.len > 0 && text.at[0] == '-') {
        sign = -1;
        text = (struct text){text.at + 1, text.len - 1};
    }
    if (duration_parse(text.at, text.len, &span)) {
        *out = (struct interval){.span = span};
        if (span % USEC_DAY == 0)
            *out = (struct interval){.days = span / USEC_DAY};
        return interval_times(out, sign);
    }
    size_t digits = 0, word;
    while (digits < text.len && digits < 9 && text.at[digits] >= '0' && text.at[digits] <= '9')
        digits++;
    for (word = digits; word < text.len && text.at[word] == ' ';)
        word++;
    double unused;
    if (digits > 0 && number_parse(text.at, digits, &count, &unused) != NUMBER_INT)
        return false;
    return unit_parse((struct text){text.at + word, text.len - word}, out) &&
           interval_times(out, sign * count);
}

static const struct zone_table *table_of(const struct zone *zone)
{
    return zone ? zone_table(zone) : NULL;
}

usec clock_of(const struct zone *zone, usec utc)
{
    return local_of_utc(table_of(zone), utc);
}

bool interval_add(const struct zone *zone, usec t, struct interval by, int64_t n, usec *out)
{
    return interval_times(&by, n) && interval_after(table_of(zone), t, by, out);
}

bool interval_around(const struct zone *zone, usec t, struct interval every, usec *floor,
                     usec *next)
{
    return interval_bounds(table_of(zone), t, every, floor, next);
}

uint32_t lower_step_zone(struct lowering *l, const struct zone *zone)
{
    return lower_zone(l, table_of(zone));
}

uint32_t lower_clock(struct lowering *l, const struct zone *zone, uint32_t time)
{
    return zone ? lower_op(l, ML_OP_local, time, lower_step_zone(l, zone), 0) : time;
}

uint32_t lower_interval(struct lowering *l, struct interval i)
{
    const int64_t numbers[] = {i.months, i.days, i.span};
    return lower_range_int(l, numbers, 3);
}

void lower_read_with(struct lowering *l, const char *pattern, uint16_t flags, uint32_t to,
                     uint32_t text, uint32_t zone)
{
    if (!pattern) {
        lower_op_to(l, ML_OP_time_of_text, flags, to, text, zone, 0);
        return;
    }
    struct text whole = {pattern, strlen(pattern) + 1}; /* with its NUL */
    lower_op_to(l, ML_OP_time_of_pattern, flags, to, text, zone, lower_text(l, whole));
}

enum { MONTHS_MAX = 10000 * 12 };

int zone_argument(struct step *s, struct zone **zone, struct error *e)
{
    struct error problem = {0};
    *zone = NULL;
    if (!arg_given(s, "zone") || zone_open(arg_string(s, "zone"), zone, &problem) == 0)
        return 0;
    return step_error(s, e, "%s", problem.message);
}

int interval_argument(struct step *s, const char *name, struct interval *out, struct error *e)
{
    char quoted[QUOTE_MAX];
    struct text given = arg_text(s, name);
    *out = (struct interval){0};
    bool good = interval_parse(given, out) && out->months >= 0 && out->days >= 0 &&
                out->span >= 0 && out->months <= MONTHS_MAX && out->days <= 3652059 &&
                (out->months || out->days || out->span);
    if (good)
        return 0;
    return step_error(s, e, "%s: %s is no interval: write 15m, day, month, '2 weeks'", name,
                      quote(quoted, given.at, given.len));
}

static int by_day(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool add_day(struct days_off *off, struct text word)
{
    usec t;
    bool has_offset;
    if (word.len != 10 || !time_parse(word.at, word.len, &t, &has_offset))
        return false;
    vec_push(&off->days, day_of_usec(t));
    return true;
}

/* The first field of a line, without blanks and quotes. */
static struct text first_field(const char *at, size_t n)
{
    while (n > 0 && strchr(" \t\"", at[0]) && at[0])
        at++, n--;
    size_t len = 0;
    while (len < n && at[len] && !strchr(",;#\t\" \r", at[len]))
        len++;
    return (struct text){at, len};
}

static int read_lines(struct step *s, struct days_off *off, struct text file, struct error *e)
{
    uint64_t line = 0;
    for (size_t at = 0; at < file.len; at++) {
        const char *end = memchr(file.at + at, '\n', file.len - at);
        size_t len = end ? (size_t)(end - file.at) - at : file.len - at;
        struct text word = first_field(file.at + at, len);
        at += len;
        line++;
        bool header = line == 1 && word.len > 0 && (word.at[0] < '0' || word.at[0] > '9');
        if (word.len == 0 || header || add_day(off, word))
            continue;
        char quoted[QUOTE_MAX];
        (void)error_set(e, ERR_DATA, "%s is not a date (YYYY-MM-DD)",
                        quote(quoted, word.at, word.len));
        return error_at(e, arg_string(s, "file"), line, 0);
    }
    return 0;
}

static int read_file(struct step *s, struct days_off *off, struct error *e)
{
    enum { FILE_MAX = 16 << 20 };
    const char *name = arg_string(s, "file"), *folder = s->context->directory;
    const char *path =
        folder && name[0] != '/' ? arena_format(&s->arena, "%s/%s", folder, name) : name;
    struct buf file = {0};
    int rc = file_load(path, FILE_MAX, &file, e);
    if (rc == 0)
        rc = read_lines(s, off, (struct text){buf_text(&file), file.len}, e);
    buf_release(&file);
    return rc;
}

int days_off_read(struct step *s, struct days_off *off, struct error *e)
{
    struct text *dates;
    size_t count = arg_list(s, "dates", &dates);
    char quoted[QUOTE_MAX];
    for (size_t i = 0; i < count; i++)
        if (!add_day(off, dates[i]))
            return step_error(s, e, "%s is not a date (YYYY-MM-DD)",
                              quote(quoted, dates[i].at, dates[i].len));
    int rc = arg_given(s, "file") ? read_file(s, off, e) : 0;
    if (rc || off->days.len == 0)
        return rc;
    qsort(off->days.at, off->days.len, sizeof *off->days.at, by_day);
    size_t distinct = 1;
    for (size_t i = 1; i < off->days.len; i++)
        if (off->days.at[i] != off->days.at[distinct - 1])
            off->days.at[distinct++] = off->days.at[i];
    off->days.len = distinct;
    return 0;
}

size_t days_off_before(const struct days_off *off, int64_t day)
{
    size_t low = 0, high = off->days.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (off->days.at[middle] < day)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool days_off_has(const struct days_off *off, int64_t day)
{
    size_t at = days_off_before(off, day);
    return at < off->days.len && off->days.at[at] == day;
}
