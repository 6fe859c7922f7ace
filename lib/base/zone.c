/*
 * Time zones from the system's TZif files (RFC 8536). A zone is a table of the instants at which
 * its offset changes. The rule for the time after the last entry (the file's footer, a POSIX TZ
 * string) is unrolled at opening for a bit more than 400 years, the period of the calendar; later
 * instants are moved back by whole periods.
 */
#include "base/base.h"
#include "base/posix_zone.h"
#include "base/time_scan.h"

#include <errno.h>
#include <stdio.h>

#define ZONE_FOLDER  "/usr/share/zoneinfo/"
#define FILE_MAX     (1 << 18) /* the largest real one has about 4 KiB */
#define HEADER_SIZE  44
#define PERIOD_YEARS 400
#define YEAR_0       INT64_C(-62167219200)
#define YEAR_10000   INT64_C(253402300800)
#define OFFSET_MIN   (-25 * 3600 + 1) /* RFC 8536, section 3.2 */
#define OFFSET_MAX   (26 * 3600 - 1)

struct zone {
    struct zone_table table;
    VEC(struct zone_change) changes;
};

struct header {
    char version;
    size_t leap_count, time_count, type_count, char_count, std_count, utc_count;
};

static uint64_t big_endian(const unsigned char *p, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | p[i];
    return value;
}

static bool read_header(struct text file, struct header *h)
{
    const unsigned char *p = (const unsigned char *)file.at;
    if (file.len < HEADER_SIZE || memcmp(p, "TZif", 4) != 0)
        return false;
    h->version = (char)p[4];
    h->utc_count = big_endian(p + 20, 4);
    h->std_count = big_endian(p + 24, 4);
    h->leap_count = big_endian(p + 28, 4);
    h->time_count = big_endian(p + 32, 4);
    h->type_count = big_endian(p + 36, 4);
    h->char_count = big_endian(p + 40, 4);
    return true;
}

/* Bytes of header and data; the counts have 32 bits, so nothing overflows. */
static uint64_t block_size(const struct header *h, unsigned time_size)
{
    return HEADER_SIZE + (uint64_t)h->time_count * (time_size + 1) + (uint64_t)h->type_count * 6 +
           h->char_count + (uint64_t)h->leap_count * (time_size + 4) + h->std_count + h->utc_count;
}

/* A type is 4 bytes of offset, one of daylight saving, one of name. */
static bool read_offset(const unsigned char *types, size_t type, int *offset)
{
    *offset = (int)(int32_t)(uint32_t)big_endian(types + type * 6, 4);
    return *offset >= OFFSET_MIN && *offset <= OFFSET_MAX;
}

/* The data block behind the header, which is known to be complete. */
static bool read_changes(struct zone *z, const char *block, const struct header *h, size_t size)
{
    const unsigned char *times = (const unsigned char *)block + HEADER_SIZE;
    const unsigned char *indexes = times + h->time_count * size;
    const unsigned char *types = indexes + h->time_count;
    if (h->type_count == 0 || h->leap_count != 0 || !read_offset(types, 0, &z->table.first_offset))
        return false;
    for (size_t i = 0; i < h->time_count; i++) {
        uint64_t bits = big_endian(times + i * size, size);
        int offset = 0;
        if (indexes[i] >= h->type_count || !read_offset(types, indexes[i], &offset))
            return false;
        struct zone_change change = {size == 8 ? (int64_t)bits : (int64_t)(int32_t)bits, offset};
        if (i > 0 && change.at <= z->changes.at[i - 1].at)
            return false;
        vec_push(&z->changes, change);
    }
    return true;
}

static void add_change(struct zone *z, int64_t at, int offset)
{
    if (z->changes.len == 0 || at >= z->changes.at[z->changes.len - 1].at)
        vec_push(&z->changes, ((struct zone_change){at, offset}));
}

static int year_of(int64_t seconds)
{
    int year, month, day;
    civil_from_days(floor_div(seconds, 86400), &year, &month, &day);
    return year;
}

static void unroll(struct zone *z, const struct posix_zone *rule)
{
    size_t known = z->changes.len;
    if (!rule->has_dst) {
        if (known == 0)
            z->table.first_offset = rule->std_offset;
        return;
    }
    int64_t last = known ? z->changes.at[known - 1].at : YEAR_0;
    if (last < YEAR_0 || last >= YEAR_10000) /* nothing left to rule */
        return;
    int first = year_of(last);
    for (int year = first; year <= first + PERIOD_YEARS + 2; year++) {
        int64_t start = posix_zone_start(rule, year), end = posix_zone_end(rule, year);
        if (start <= end)
            add_change(z, start, rule->dst_offset);
        add_change(z, end, rule->std_offset);
        if (start > end)
            add_change(z, start, rule->dst_offset);
    }
    z->table.periodic = true;
}

/* "\n<TZ string>\n", perhaps empty, up to the end of the file. */
static bool read_footer(struct zone *z, struct text footer)
{
    if (footer.len < 2 || footer.at[0] != '\n' || footer.at[footer.len - 1] != '\n')
        return false;
    if (footer.len == 2)
        return true;
    struct posix_zone rule;
    if (!posix_zone_parse(&rule, footer.at + 1, footer.len - 2))
        return false;
    unroll(z, &rule);
    return true;
}

static bool read_file(struct zone *z, struct text file)
{
    struct header h;
    if (!read_header(file, &h) || block_size(&h, 4) > file.len)
        return false;
    if (h.version < '2')
        return read_changes(z, file.at, &h, 4);
    size_t skip = (size_t)block_size(&h, 4);
    file = (struct text){file.at + skip, file.len - skip};
    if (!read_header(file, &h) || block_size(&h, 8) > file.len)
        return false;
    size_t size = (size_t)block_size(&h, 8);
    return read_changes(z, file.at, &h, 8) &&
           read_footer(z, (struct text){file.at + size, file.len - size});
}

/* Letters, digits, _ + - in parts joined by single slashes: no part can be "." or "..". */
static bool name_valid(const char *name)
{
    size_t n = strlen(name);
    const char *allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
    return n > 0 && n < 128 && name[0] != '/' && name[n - 1] != '/' && !strstr(name, "//") &&
           strspn(name, allowed) == n;
}

static int unknown_zone(const char *name, struct error *e)
{
    char quoted[QUOTE_MAX];
    return error_set(e, ERR_USAGE,
                     "unknown time zone %s: expected UTC, +HH:MM or a name like Europe/Paris",
                     quote(quoted, name, strlen(name)));
}

static int load(const char *name, struct buf *file, struct error *e)
{
    char path[sizeof(ZONE_FOLDER) + 128];
    (void)snprintf(path, sizeof(path), ZONE_FOLDER "%s", name);
    FILE *f = fopen(path, "rbe");
    if (!f)
        return errno == ENOENT || errno == ENOTDIR ? unknown_zone(name, e)
                                                   : error_errno(e, "%s", path);
    buf_reserve(file, FILE_MAX);
    file->len = fread(file->at, 1, FILE_MAX, f);
    int status = 0;
    if (ferror(f))
        status = errno == EISDIR ? unknown_zone(name, e) : error_errno(e, "%s", path);
    (void)fclose(f);
    return status;
}

static int open_file(const char *name, struct zone *z, struct error *e)
{
    struct buf file = {0};
    int status = load(name, &file, e);
    if (status == 0 && !read_file(z, (struct text){file.at, file.len}))
        status = error_set(e, ERR_DATA, ZONE_FOLDER "%s is not a valid time zone file", name);
    buf_release(&file);
    return status;
}

int zone_open(const char *name, struct zone **out, struct error *e)
{
    struct zone *z = mem_alloc(sizeof(*z));
    const char *p = name, *end = name + strlen(name);
    int status = 0;
    bool fixed =
        strcmp(name, "UTC") == 0 || (scan_offset(&p, end, &z->table.first_offset) && p == end);
    if (!fixed)
        status = name_valid(name) ? open_file(name, z, e) : unknown_zone(name, e);
    if (status) {
        zone_free(z);
        z = NULL;
    } else {
        z->table.changes = z->changes.at;
        z->table.count = z->changes.len;
    }
    *out = z;
    return status;
}

void zone_free(struct zone *z)
{
    if (!z)
        return;
    vec_release(&z->changes);
    mem_free(z);
}

const struct zone_table *zone_table(const struct zone *z)
{
    return &z->table;
}

int zone_offset(const struct zone *z, usec utc)
{
    return zone_table_offset(&z->table, utc);
}

usec zone_to_utc(const struct zone *z, usec local)
{
    return zone_table_to_utc(&z->table, local);
}
