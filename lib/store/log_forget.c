/* Erasing an entity: the segments that have it are written anew. */
#include "store/log_format.h"
#include "sys/sys.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OUT_BYTES = 1 << 20 };

/* A segment's bytes. */
static int map_segment(const char *path, struct span *out, struct error *e)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fstat(fd, &st) == 0;
    void *at =
        ok && st.st_size ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    if (fd >= 0)
        close(fd);
    if (!at || at == MAP_FAILED)
        return error_errno(e, "%s: cannot be read", path);
    *out = (struct span){at, (size_t)st.st_size};
    return 0;
}

static void unmap(struct span s)
{
    (void)munmap((void *)(uintptr_t)s.at, s.len);
}

static bool is_of(const struct store_record *r, struct text id)
{
    return !(r->flags & STORE_POSITION) && text_equal(r->id, id);
}

static int damaged(const char *path, size_t at, struct error *e)
{
    error_set(e, ERR_DATA, "the log is damaged at byte %zu", at);
    return error_at(e, path, 0, 0);
}

/* Records of the id in a segment. */
static int count_records(const char *path, struct span s, struct text id, uint64_t *n,
                         struct error *e)
{
    struct store_record r;
    unsigned marks;
    *n = 0;
    for (size_t at = SEGMENT_HEADER, bytes; at < s.len; at += bytes) {
        bytes = record_read(s, at, &r, &marks);
        if (bytes == 0)
            return damaged(path, at, e);
        *n += is_of(&r, id);
    }
    return 0;
}

/* Its place in the order is kept: as the position of no source. */
static struct store_record blank(uint64_t lsn)
{
    return (struct store_record){.lsn = lsn,
                                 .expires_at = STORE_NEVER,
                                 .flags = STORE_POSITION,
                                 .id = {"", 0},
                                 .row = {"", 0}};
}

static int copy_without(int fd, const char *path, struct span s, struct text id, struct error *e)
{
    struct buf out = {0};
    int status = 0;
    buf_add(&out, s.at, SEGMENT_HEADER);
    for (size_t at = SEGMENT_HEADER, bytes; at < s.len && status == 0; at += bytes) {
        struct store_record r;
        unsigned marks;
        bytes = record_read(s, at, &r, &marks);
        struct store_record kept = is_of(&r, id) ? blank(r.lsn) : r;
        record_append(&out, &kept, marks & ~(unsigned)LOG_FLAGS);
        if (out.len < OUT_BYTES)
            continue;
        status = file_write(fd, out.at, out.len, path, e);
        out.len = 0;
    }
    if (status == 0)
        status = file_write(fd, out.at, out.len, path, e);
    buf_release(&out);
    return status;
}

static int write_anew(const char *path, struct span s, struct text id, struct error *e)
{
    struct replace *r = NULL;
    int status = replace_open(path, &r, e);
    if (status == 0)
        status = copy_without(replace_fd(r), path, s, id, e);
    if (status == 0)
        return replace_commit(r, e);
    replace_abort(r);
    return status;
}

static int forget_in(struct log *log, uint64_t segment, struct text id, uint64_t *records,
                     struct error *e)
{
    char *path = segment_path(log_folder(log), segment);
    struct span s = {NULL, 0};
    uint64_t n = 0;
    int status = map_segment(path, &s, e);
    if (status == 0)
        status = count_records(path, s, id, &n, e);
    if (status == 0 && n)
        status = log_drop_end(log, e);
    if (status == 0 && n)
        status = write_anew(path, s, id, e);
    if (s.at)
        unmap(s);
    *records += status ? 0 : n;
    mem_free(path);
    return status;
}

int log_forget(struct log *log, struct text id, uint64_t *records, struct error *e)
{
    struct segments s = {0};
    *records = 0;
    int status = segments_list(log_folder(log), &s, e);
    for (size_t i = 0; i < s.first.len && status == 0; i++)
        status = forget_in(log, s.first.at[i], id, records, e);
    vec_release(&s.first);
    return status;
}
