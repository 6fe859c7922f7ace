#include "store/log_format.h"

#include "base/crc32c.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static const char magic[8] = "mlfslog1";

void segment_header(char out[static SEGMENT_HEADER], uint64_t lsn)
{
    memset(out, 0, SEGMENT_HEADER);
    memcpy(out, magic, sizeof magic);
    memcpy(out + 8, &lsn, sizeof lsn);
    uint32_t crc = crc32c(0, out, 16);
    memcpy(out + 16, &crc, sizeof crc);
}

bool segment_header_valid(struct span s, uint64_t lsn)
{
    char wanted[SEGMENT_HEADER];
    segment_header(wanted, lsn);
    return s.len >= SEGMENT_HEADER && memcmp(s.at, wanted, SEGMENT_HEADER) == 0;
}

/* ---- records ---- */

struct header {
    uint32_t bytes, crc;
    uint64_t lsn;
    int64_t event_time, write_time, expires_at;
    uint16_t marks, id;
    uint32_t row;
};
_Static_assert(sizeof(struct header) == RECORD_HEADER, "no padding");

static uint32_t checksum(const char *record, size_t bytes)
{
    return crc32c(0, record + 8, bytes - 8);
}

void record_append(struct buf *out, const struct store_record *r, unsigned marks)
{
    size_t bytes = (RECORD_HEADER + r->id.len + r->row.len + 7) / 8 * 8, start = out->len;
    struct header h = {.bytes = (uint32_t)bytes,
                       .lsn = r->lsn,
                       .event_time = r->event_time,
                       .write_time = r->write_time,
                       .expires_at = r->expires_at,
                       .marks = (uint16_t)(r->flags | marks),
                       .id = (uint16_t)r->id.len,
                       .row = (uint32_t)r->row.len};
    static const char zeros[8];
    buf_add(out, &h, sizeof h);
    buf_add(out, r->id.at, r->id.len);
    if (r->row.len)
        buf_add(out, r->row.at, r->row.len);
    buf_add(out, zeros, start + bytes - out->len);
    record_mark(out->at + start, marks);
}

void record_mark(char *record, unsigned marks)
{
    struct header h;
    memcpy(&h, record, sizeof h);
    h.marks = (uint16_t)(h.marks | marks);
    memcpy(record, &h, sizeof h);
    h.crc = checksum(record, h.bytes);
    memcpy(record, &h, sizeof h);
}

/* Whether the record fits what is left, before its bytes are read. */
static bool header_fits(const struct header *h, size_t left)
{
    return h->bytes <= left && h->bytes % 8 == 0 &&
           h->bytes == (RECORD_HEADER + (size_t)h->id + h->row + 7) / 8 * 8;
}

static bool header_at(struct span s, size_t at, struct header *h)
{
    if (at > s.len || s.len - at < RECORD_HEADER)
        return false;
    memcpy(h, s.at + at, sizeof *h);
    return header_fits(h, s.len - at);
}

static void say(const char *record, const struct header *h, struct store_record *r)
{
    *r = (struct store_record){.lsn = h->lsn,
                               .event_time = h->event_time,
                               .write_time = h->write_time,
                               .expires_at = h->expires_at,
                               .flags = h->marks & LOG_FLAGS,
                               .id = {record + RECORD_HEADER, h->id},
                               .row = {record + RECORD_HEADER + h->id, h->row}};
}

size_t record_read(struct span s, size_t at, struct store_record *r, unsigned *marks)
{
    struct header h;
    if (!header_at(s, at, &h) || checksum(s.at + at, h.bytes) != h.crc)
        return 0;
    say(s.at + at, &h, r);
    *marks = h.marks;
    return h.bytes;
}

size_t record_say(const char *record, struct store_record *r)
{
    struct header h;
    memcpy(&h, record, sizeof h);
    say(record, &h, r);
    return h.bytes;
}

/* ---- batches ---- */

size_t batch_end(struct span s, size_t at, uint64_t *lsn)
{
    uint64_t next = *lsn;
    for (bool first = true;; first = false) {
        struct store_record r;
        unsigned marks;
        size_t bytes = record_read(s, at, &r, &marks);
        if (bytes == 0 || r.lsn != next++ || !(marks & LOG_BEGINS) == first)
            return 0;
        at += bytes;
        if (marks & LOG_ENDS) {
            *lsn = next;
            return at;
        }
    }
}

/* A crash can leave pieces of the one batch that was being written, in any order. A batch is
 * written only when the one before it is on the disk, so another that begins behind shows that
 * something was there. */
bool batch_follows(struct span s, size_t at, uint64_t lsn)
{
    for (at += 8; at + RECORD_HEADER <= s.len; at += 8) {
        struct header h;
        if (!header_at(s, at, &h) || h.lsn <= lsn || !(h.marks & LOG_BEGINS))
            continue;
        if (checksum(s.at + at, h.bytes) == h.crc)
            return true;
    }
    return false;
}

/* ---- segments ---- */

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* 00000000000000000001.seg */
static bool segment_name(const char *name, uint64_t *first)
{
    *first = 0;
    for (size_t i = 0; i < NAME_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9')
            return false;
        *first = *first * 10 + (uint64_t)(name[i] - '0');
    }
    return strcmp(name + NAME_DIGITS, ".seg") == 0;
}

int segments_list(const char *folder, struct segments *out, struct error *e)
{
    DIR *d = opendir(folder);
    if (!d)
        return errno == ENOENT ? 0 : error_errno(e, "%s: cannot be read", folder);
    for (struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
        uint64_t first;
        if (segment_name(entry->d_name, &first))
            vec_push(&out->first, first);
    }
    closedir(d);
    if (out->first.len > 1)
        qsort(out->first.at, out->first.len, sizeof *out->first.at, compare);
    return 0;
}

char *segment_path(const char *folder, uint64_t first)
{
    return mem_format("%s/%0*" PRIu64 ".seg", folder, NAME_DIGITS, first);
}
