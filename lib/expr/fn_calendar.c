/* Parts of a time, and the calendar. Each part takes a zone as its last argument; UTC without. */
#include "expr/fn_time.h"

#define PART(name, expression)                                                                     \
    KERNEL(name)                                                                                   \
    {                                                                                              \
        struct civil t = civil_at(c, a[0].time);                                                   \
        return give_int(out, expression);                                                          \
    }

/* The week belongs to the year of its Thursday (ISO 8601). */
static int iso_week(const struct civil *t)
{
    int64_t thursday = civil_to_days(t->year, t->month, t->day) - t->weekday + 3;
    int year, month, day;
    civil_from_days(thursday, &year, &month, &day);
    return (int)(thursday - civil_to_days(year, 1, 1)) / 7 + 1;
}

PART(do_year, t.year)
PART(do_quarter, (t.month - 1) / 3 + 1)
PART(do_month, t.month)
PART(do_week, (t.yearday - 1) / 7 + 1)
PART(do_isoweek, iso_week(&t))
PART(do_day, t.day)
PART(do_doy, t.yearday)
PART(do_dow, t.weekday)
PART(do_hour, t.hour)
PART(do_minute, t.minute)
PART(do_second, t.second)
PART(do_millis, t.micros / 1000)
PART(do_days_in_month, month_days(t.year, t.month))

static bool give_name(struct call *c, usec t, const char *pattern, struct value *out)
{
    int offset = c->node->zone ? zone_offset(c->node->zone, t) : 0;
    time_print_pattern(&c->scratch, t, offset, pattern);
    return give_scratch(c, out);
}

KERNEL(do_month_name)
{
    return give_name(c, a[0].time, "%B", out);
}

KERNEL(do_day_name)
{
    return give_name(c, a[0].time, "%A", out);
}

KERNEL(do_last_day)
{
    struct civil t = civil_at(c, a[0].time);
    struct civil last = {.year = t.year, .month = t.month, .day = month_days(t.year, t.month)};
    return give_civil(c, out, &last);
}

KERNEL(do_is_leap)
{
    int64_t y = a[0].i;
    return give_bool(out, y % 4 == 0 && (y % 100 != 0 || y % 400 == 0));
}

/* An out of range part becomes one that civil_valid refuses. */
static int small(int64_t i)
{
    return i < -1 || i > 99999 ? -1 : (int)i;
}

KERNEL(do_make_date)
{
    struct civil t = {.year = small(a[0].i), .month = small(a[1].i), .day = small(a[2].i)};
    return give_civil(c, out, &t);
}

KERNEL(do_make_time)
{
    struct civil t = {.year = small(a[0].i),
                      .month = small(a[1].i),
                      .day = small(a[2].i),
                      .hour = small(a[3].i),
                      .minute = small(a[4].i),
                      .second = small(a[5].i)};
    return give_civil(c, out, &t);
}

#define TIME "date, time"
#define PART_ROW(name, kernel, summary, example, result)                                           \
    {                                                                                              \
        {name, TIME, name "(time [, zone]) -> int", summary, example, result}, "d?z", 'i',         \
            .row = kernel                                                                          \
    }
static const struct function_row rows[] = {
    PART_ROW("day", do_day, "day of the month, 1 to 31", "day(\"2024-05-16\")", "16"),
    {{"day_name", TIME, "day_name(time [, zone]) -> text", "Monday to Sunday",
      "day_name(\"2024-05-16\")", "Thursday"},
     "d?z",
     't',
     .row = do_day_name},
    PART_ROW("days_in_month", do_days_in_month, "length of its month, 28 to 31",
             "days_in_month(\"2024-02-10\")", "29"),
    PART_ROW("dow", do_dow, "day of the week, Monday is 0", "dow(\"2024-05-16\")", "3"),
    PART_ROW("doy", do_doy, "day of the year, 1 to 366", "doy(\"2024-12-31\")", "366"),
    PART_ROW("hour", do_hour, "0 to 23", "hour(\"2024-05-16T13:45:10Z\")", "13"),
    {{"is_leap", TIME, "is_leap(year) -> bool", "has the year 366 days?", "is_leap(2024)", "true"},
     "i",
     'b',
     .row = do_is_leap},
    PART_ROW("isoweek", do_isoweek, "week of ISO 8601, 1 to 53", "isoweek(\"2021-01-03\")", "53"),
    {{"last_day", TIME, "last_day(time [, zone]) -> time", "the last day of its month",
      "last_day(\"2024-02-10\")", "2024-02-29T00:00:00Z"},
     "d?z",
     'd',
     .row = do_last_day},
    {{"make_date", TIME, "make_date(year, month, day) -> time",
      "an error when there is no such day", "make_date(2024, 5, 16)", "2024-05-16T00:00:00Z"},
     "iii",
     'd',
     .row = do_make_date},
    {{"make_time", TIME, "make_time(year, month, day, hour, minute, second [, zone]) -> time",
      "an error when there is no such time", "make_time(2024, 5, 16, 13, 45, 10)",
      "2024-05-16T13:45:10Z"},
     "iiiiii?z",
     'd',
     .row = do_make_time},
    PART_ROW("millis", do_millis, "thousandths of its second, 0 to 999",
             "millis(\"2024-05-16T13:45:10.250Z\")", "250"),
    PART_ROW("minute", do_minute, "0 to 59", "minute(\"2024-05-16T13:45:10Z\")", "45"),
    PART_ROW("month", do_month, "1 to 12", "month(\"2024-05-16\")", "5"),
    {{"month_name", TIME, "month_name(time [, zone]) -> text", "January to December",
      "month_name(\"2024-05-16\")", "May"},
     "d?z",
     't',
     .row = do_month_name},
    PART_ROW("quarter", do_quarter, "1 to 4", "quarter(\"2024-05-16\")", "2"),
    PART_ROW("second", do_second, "0 to 59", "second(\"2024-05-16T13:45:10Z\")", "10"),
    PART_ROW("week", do_week, "week of the year counted from January 1st, 1 to 53",
             "week(\"2024-01-08\")", "2"),
    PART_ROW("year", do_year, "1 to 9999", "year(\"2024-05-16\")", "2024"),
};
const struct function_family calendar_functions = {rows, COUNT_OF(rows)};
