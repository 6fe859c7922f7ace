/*
 * Times. Oracles: instants known from elsewhere, and the C library's timegm, gmtime_r, localtime_r
 * and strftime.
 */
#include "base/base.h"
#include "unit.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define SECOND_MIN INT64_C(-62135596800) /* 0001-01-01 */
#define SECOND_END INT64_C(253402300800) /* 10000-01-01 */

static uint64_t state = 88172645463325252u;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static int64_t random_second(int64_t min, int64_t end)
{
    return min + (int64_t)(next_random() % (uint64_t)(end - min));
}

/* The text at the end of its own allocation, so that a sanitizer sees a read beyond it. */
static bool read_time(const char *text, const char *pattern, usec *t, bool *has_offset)
{
    size_t n = strlen(text);
    char *exact = malloc(n ? n : 1);
    if (!exact)
        abort();
    memcpy(exact, text, n);
    bool ok = pattern ? time_parse_pattern(exact, n, pattern, t, has_offset)
                      : time_parse(exact, n, t, has_offset);
    free(exact);
    return ok;
}

static const char *print(usec t)
{
    static char text[TIME_MAX + 1];
    text[time_print(text, t)] = '\0';
    return text;
}

static const char *print_pattern(usec t, int offset, const char *pattern)
{
    static char text[200];
    struct buf out = {0};
    time_print_pattern(&out, t, offset, pattern);
    snprintf(text, sizeof(text), "%.*s", (int)out.len, out.at ? out.at : "");
    buf_release(&out);
    return text;
}

TEST(every_day_of_the_calendar)
{
    int64_t days = civil_to_days(1, 1, 1);
    CHECK_INT(days, -719162);
    CHECK_INT(civil_to_days(1970, 1, 1), 0);
    CHECK_INT(civil_to_days(9999, 12, 31), 2932896);
    for (; days <= 2932896; days++) {
        time_t second = days * 86400;
        struct tm tm;
        gmtime_r(&second, &tm);
        struct civil c;
        civil_from_usec(days * USEC_DAY + USEC_DAY - 1, &c);
        if (c.year != tm.tm_year + 1900 || c.month != tm.tm_mon + 1 || c.day != tm.tm_mday ||
            c.weekday != (tm.tm_wday + 6) % 7 || c.yearday != tm.tm_yday + 1 || c.hour != 23 ||
            c.micros != 999999 || civil_to_days(c.year, c.month, c.day) != days)
            UNIT_FAIL("day %" PRId64 " is %d-%d-%d", days, c.year, c.month, c.day);
    }
}

TEST(times_read_in_every_form)
{
    static const struct {
        const char *text;
        usec t;
        bool has_offset;
    } cases[] = {
        {"1970-01-01", 0, false},
        {"2001-01-31", INT64_C(980899200000000), false},
        {"2001-01-31T06:05:04Z", INT64_C(980921104000000), true},
        {"2001-01-31t06:05:04z", INT64_C(980921104000000), true},
        {"2001-01-31 06:05:04.123456+02:00", INT64_C(980913904123456), true},
        {"2001-01-31 06:05:04.123456789-0230", INT64_C(980930104123456), true},
        {"2001-01-31 06:05:04.5", INT64_C(980921104500000), false},
        {"2001-01-31 06:05", INT64_C(980921100000000), false},
        {"2001-01-31T06:05+02", INT64_C(980913900000000), true},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000000), true},
        {"2000-02-29", INT64_C(951782400000000), false},
        {"1969-12-31T23:59:59.999999Z", -1, true},
        {"0001-01-01T00:00:00Z", SECOND_MIN * USEC_SECOND, true},
        {"9999-12-31T23:59:59.999999Z", SECOND_END * USEC_SECOND - 1, true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        usec t = 0;
        bool has_offset = !cases[i].has_offset;
        if (!read_time(cases[i].text, NULL, &t, &has_offset) || t != cases[i].t ||
            has_offset != cases[i].has_offset)
            UNIT_FAIL("%s is read as %" PRId64 " (%d)", cases[i].text, t, has_offset);
    }
}

TEST(what_is_not_a_time)
{
    static const char *const texts[] = {
        "",
        "2001",
        "2001-01",
        "2001-1-31",
        "20010131",
        "2001/01/31",
        "2001-01-31 ",
        " 2001-01-31",
        "2001-01-31T",
        "2001-01-31T06",
        "2001-01-31T06:5",
        "2001-01-31T06:05:",
        "2001-01-31T06:05:4",
        "2001-01-31T06:05:04.",
        "2001-01-31T06:05:04.Z",
        "2001-01-31T06:05:04.1234567890Z",
        "2001-01-31T06:05:04+",
        "2001-01-31T06:05:04+2",
        "2001-01-31T06:05:04+02:",
        "2001-01-31T06:05:04+02:0",
        "2001-01-31T06:05:04+020",
        "2001-01-31T06:05:04+24:00",
        "2001-01-31T06:05:04+02:60",
        "2001-01-31T06:05:04ZZ",
        "2001-01-31T06:05:04 Z",
        "2001-01-31Z",
        "2001-01-31x06:05:04",
        "2001-02-29",
        "1900-02-29",
        "2001-13-01",
        "2001-00-01",
        "2001-01-00",
        "2001-01-32",
        "2001-04-31",
        "0000-01-01",
        "2001-01-31T24:00:00",
        "2001-01-31T06:60:00",
        "2001-01-31T06:05:61",
        "+001-01-31",
        "200a-01-31",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "2001-01-31T06:05:04-02:0a",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        usec t;
        bool has_offset;
        if (read_time(texts[i], NULL, &t, &has_offset))
            UNIT_FAIL("\"%s\" is taken for %" PRId64, texts[i], t);
    }
}

TEST(times_print_and_read_back)
{
    CHECK_TEXT(print(0), "1970-01-01T00:00:00Z");
    CHECK_TEXT(print(-1), "1969-12-31T23:59:59.999999Z");
    CHECK_TEXT(print(INT64_C(980921104120000)), "2001-01-31T06:05:04.120Z");
    CHECK_TEXT(print(SECOND_MIN * USEC_SECOND), "0001-01-01T00:00:00Z");
    CHECK_TEXT(print(SECOND_END * USEC_SECOND - 1), "9999-12-31T23:59:59.999999Z");
    CHECK(strlen(print(INT64_MIN)) < TIME_MAX);
    CHECK(strlen(print(INT64_MAX)) < TIME_MAX);
    for (int i = 0; i < 300000; i++) {
        usec t = random_second(SECOND_MIN, SECOND_END) * USEC_SECOND, got = 0;
        if (i % 3)
            t += (int64_t)(next_random() % 1000000) / (i % 3 == 1 ? 1 : 1000) *
                 (i % 3 == 1 ? 1 : 1000);
        bool has_offset;
        if (!read_time(print(t), NULL, &got, &has_offset) || got != t)
            UNIT_FAIL("%s is read as %" PRId64, print(t), got);
    }
}

TEST(patterns_read)
{
    static const struct {
        const char *text, *pattern, *want; /* NULL: is not read */
    } cases[] = {
        {"31/01/2001", "%d/%m/%Y", "2001-01-31T00:00:00Z"},
        {"1/2/01", "%m/%d/%y", "2001-01-02T00:00:00Z"},
        {"1/2/69", "%m/%d/%y", "1969-01-02T00:00:00Z"},
        {"Jan  5 2001 06:05", "%b %e %Y %H:%M", "2001-01-05T06:05:00Z"},
        {"wednesday, 31 JANUARY 2001", "%A, %d %B %Y", "2001-01-31T00:00:00Z"},
        {"Wed 31 may 2001", "%a %d %b %Y", "2001-05-31T00:00:00Z"},
        {"12:30 am", "%I:%M %p", "1970-01-01T00:30:00Z"},
        {"12:30 PM", "%I:%M %p", "1970-01-01T12:30:00Z"},
        {"PM 7", "%p %I", "1970-01-01T19:00:00Z"},
        {"2000-366", "%Y-%j", "2000-12-31T00:00:00Z"},
        {"366-2001", "%j-%Y", NULL},
        {"20010131T060504.25", "%Y%m%dT%H%M%S.%f", "2001-01-31T06:05:04.250Z"},
        {"2001-01-31 06:05 -0130", "%Y-%m-%d %H:%M %z", "2001-01-31T07:35:00Z"},
        {"+02 2001", "%z %Y", "2000-12-31T22:00:00Z"},
        {"2001 utc", "%Y %Z", "2001-01-01T00:00:00Z"},
        {"2001 CET", "%Y %Z", NULL},
        {"980921104", "%s", "2001-01-31T06:05:04Z"},
        {"-1.5", "%s.%f", "1969-12-31T23:59:58.500Z"},
        {"999999999999", "%s", NULL},
        {"100% 2001", "100%% %Y", "2001-01-01T00:00:00Z"},
        {"2001 \t 02", "%Y%n%m", "2001-02-01T00:00:00Z"},
        {"2001-02-30", "%Y-%m-%d", NULL},
        {"2001-02-03x", "%Y-%m-%d", NULL},
        {"2001-02", "%Y-%m-%d", NULL},
        {"2001-0203", "%Y-%m-%d", NULL},
        {"13", "%I", NULL},
        {"Foo", "%b", NULL},
        {"2001", "%Y%", NULL},
        {"2001", "%Q", NULL},
        {"1", "%L", NULL},
        {"", "%Y", NULL},
        {"", "%S", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        usec t = 0;
        bool has_offset;
        bool ok = read_time(cases[i].text, cases[i].pattern, &t, &has_offset);
        if (ok != (cases[i].want != NULL) || (ok && strcmp(print(t), cases[i].want) != 0))
            UNIT_FAIL("\"%s\" by %s is read as %s (%d)", cases[i].text, cases[i].pattern, print(t),
                      ok);
    }
}

TEST(has_offset_of_patterns)
{
    usec t;
    bool has_offset = true;
    CHECK(read_time("2001", "%Y", &t, &has_offset) && !has_offset);
    CHECK(read_time("2001Z", "%Y%z", &t, &has_offset) && has_offset);
    CHECK(read_time("2001GMT", "%Y%Z", &t, &has_offset) && has_offset);
    CHECK(read_time("2001", "%s", &t, &has_offset) && has_offset);
}

TEST(patterns_print_like_strftime)
{
    static const char pattern[] = "%Y %m %d %e %H %I %M %S %p %b %B %a %A %j %G %V %u %w %U %n%t%%";
    for (int i = 0; i < 50000; i++) {
        time_t second = random_second(-30610224000, 32503680000); /* years 1000 to 2999 */
        struct tm tm;
        gmtime_r(&second, &tm);
        char want[200];
        setenv("TZ", "UTC", 1);
        strftime(want, sizeof(want), pattern, &tm);
        const char *got = print_pattern(second * USEC_SECOND, 0, pattern);
        if (strcmp(got, want) != 0)
            UNIT_FAIL("%s, not %s", got, want);
    }
    usec t = INT64_C(980921104123456);
    CHECK_TEXT(print_pattern(t, 0, "%f %L %q %y %z %Z"), "123456 123 1 01 +0000 UTC");
    CHECK_TEXT(print_pattern(t, -9000, "%H:%M %z %Z %s"), "03:35 -0230 -02:30 980921104");
    CHECK_TEXT(print_pattern(t, 86399 / 60 * 60, "%d"), "01");
    CHECK_TEXT(print_pattern(t, 0, "%Q 5%"), "%Q 5%");
}

TEST(valid_patterns)
{
    struct error e = {0};
    CHECK(time_pattern_valid("%Y-%m-%dT%H:%M:%S.%f%z %%", &e));
    CHECK(time_pattern_valid("", &e));
    CHECK(!time_pattern_valid("%Y %Q", &e));
    CHECK_INT(e.code, ERR_USAGE);
    CHECK(strstr(e.message, "'%Q'") != NULL);
    CHECK(!time_pattern_valid("%V", &e));
    CHECK(!time_pattern_valid("100%", NULL));
    CHECK(time_pattern_printable("%G-W%V-%u %q %L", &e));
    CHECK(!time_pattern_printable("%\xc3\xa9", &e));
}

TEST(durations)
{
    static const struct {
        const char *text;
        usec d;
    } cases[] = {
        {"30d", 30 * USEC_DAY},
        {"2h", 7200 * USEC_SECOND},
        {"1h30m", 5400 * USEC_SECOND},
        {"90s", 90 * USEC_SECOND},
        {"250ms", 250000},
        {"15us", 15},
        {"1w", 7 * USEC_DAY},
        {"0s", 0},
        {"1w2d3h4m5s6ms7us", INT64_C(788645006007)},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        usec d = -1;
        CHECK(duration_parse(cases[i].text, strlen(cases[i].text), &d));
        CHECK_INT(d, cases[i].d);
    }
    static const char *const bad[] = {"",
                                      "5",
                                      "d",
                                      "5 d",
                                      "5D",
                                      "-5d",
                                      "+5d",
                                      "1y",
                                      "1mo",
                                      "1m1h",
                                      "1m1m",
                                      "1h 1m",
                                      "1.5h",
                                      "5min",
                                      "5d ",
                                      "99999999999999999w",
                                      "9999999999999999999s"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        usec d;
        if (duration_parse(bad[i], strlen(bad[i]), &d))
            UNIT_FAIL("\"%s\" is taken for a duration", bad[i]);
    }
}

static struct zone *open_zone(const char *name)
{
    struct zone *z;
    struct error e = {0};
    if (zone_open(name, &z, &e))
        UNIT_FAIL("%s", e.message);
    return z;
}

/* -1 when it is not read, else the instant. */
static usec instant(const char *text)
{
    usec t = -1;
    bool has_offset;
    CHECK(read_time(text, NULL, &t, &has_offset));
    return t;
}

TEST(fixed_zones)
{
    static const struct {
        const char *name;
        int offset;
    } cases[] = {{"UTC", 0}, {"Z", 0}, {"+02:00", 7200}, {"-0530", -19800}, {"+14", 50400}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct zone *z = open_zone(cases[i].name);
        CHECK_INT(zone_offset(z, 0), cases[i].offset);
        CHECK_INT(zone_to_utc(z, 0), -cases[i].offset * USEC_SECOND);
        zone_free(z);
    }
}

TEST(names_that_are_no_zones)
{
    static const char *const names[] = {"",
                                        "Nowhere/City",
                                        "../../../etc/passwd",
                                        "/etc/localtime",
                                        "Europe/../UTC",
                                        "Europe",
                                        "Europe/",
                                        "Europe//Paris",
                                        "+25:00",
                                        "zone.tab",
                                        "Europe/Paris\n"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct zone *z = NULL;
        struct error e = {0};
        CHECK_INT(zone_open(names[i], &z, &e), ERR_USAGE);
        CHECK(z == NULL && e.message[0]);
    }
    zone_free(NULL);
}

static bool have_zones(void)
{
    struct stat st;
    if (stat("/usr/share/zoneinfo/Europe/Paris", &st) == 0)
        return true;
    printf("# skipped: no time zone files on this system\n");
    return false;
}

TEST(gaps_and_overlaps)
{
    if (!have_zones())
        return;
    struct zone *paris = open_zone("Europe/Paris");
    CHECK_INT(zone_offset(paris, instant("2024-03-31T00:59:59.999999Z")), 3600);
    CHECK_INT(zone_offset(paris, instant("2024-03-31T01:00:00Z")), 7200);
    CHECK_INT(zone_offset(paris, instant("2524-07-01T00:00:00Z")), 7200);
    CHECK_INT(zone_offset(paris, instant("9999-12-31T00:00:00Z")), 3600);
    CHECK_INT(zone_to_utc(paris, instant("2024-03-31T02:30:00")), instant("2024-03-31T01:30:00Z"));
    CHECK_INT(zone_to_utc(paris, instant("2024-10-27T02:30:00")), instant("2024-10-27T00:30:00Z"));
    CHECK_INT(zone_to_utc(paris, instant("2024-10-27T03:00:00")), instant("2024-10-27T02:00:00Z"));
    zone_free(paris);
    struct zone *apia = open_zone("Pacific/Apia"); /* 2011-12-30 never was */
    CHECK_INT(zone_to_utc(apia, instant("2011-12-30T12:00:00")), instant("2011-12-30T22:00:00Z"));
    CHECK_INT(zone_to_utc(apia, instant("2011-12-31T00:00:00")), instant("2011-12-30T10:00:00Z"));
    zone_free(apia);
}

static void compare_with_libc(const char *name)
{
    struct zone *z = open_zone(name);
    if (!z)
        return;
    setenv("TZ", name, 1);
    tzset();
    for (int i = 0; i < 2000; i++) {
        time_t second =
            random_second(-2145916800, i % 2 ? 4102444800 : 16725225600); /* 1902 to 2500 */
        struct tm tm;
        localtime_r(&second, &tm);
        usec utc = second * USEC_SECOND;
        int offset = zone_offset(z, utc);
        if (offset != tm.tm_gmtoff) {
            UNIT_FAIL("%s at %s: offset %d, not %ld", name, print(utc), offset, tm.tm_gmtoff);
            break;
        }
        usec local = utc + offset * USEC_SECOND, back = zone_to_utc(z, local);
        if (back > utc || back + zone_offset(z, back) * USEC_SECOND != local) {
            UNIT_FAIL("%s at %s comes back as %" PRId64, name, print(utc), back);
            break;
        }
    }
    zone_free(z);
}

/* Every file below the folder `name` of the zone files ("" for all). */
static int compare_folder(const char *name, int depth)
{
    char path[600];
    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    DIR *folder = opendir(path);
    int count = 0;
    for (struct dirent *d; folder && (d = readdir(folder));) {
        if (strchr(d->d_name, '.') || strcmp(d->d_name, "right") == 0 || depth > 2 ||
            strcmp(d->d_name, "posix") == 0)
            continue;
        char inner[300];
        snprintf(inner, sizeof(inner), "%s%s%.200s", name, *name ? "/" : "", d->d_name);
        struct stat st;
        snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", inner);
        if (stat(path, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode)) {
            count += compare_folder(inner, depth + 1);
        } else if (strncmp(d->d_name, "leap", 4) != 0 && strcmp(d->d_name, "SECURITY") != 0) {
            compare_with_libc(inner);
            count++;
        }
    }
    if (folder)
        closedir(folder);
    return count;
}

TEST(all_zones_agree_with_the_c_library)
{
    if (have_zones())
        CHECK(compare_folder("", 0) > 300);
}
