#include "base/crc32c.h"
#include "store/log_format.h"
#include "sys/sys.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEGMENT_BYTES = 256 << 20 };

struct log {
    char *folder;
    size_t segment; /* bytes from which on another begins */
    int lock, end_fd;
    int fd;                 /* of the last segment; < 0: none yet */
    char *path;             /* its name */
    struct log_place place; /* the end of what is committed */
    uint64_t next;          /* to be given to the next record */
    struct buf batch;
    size_t committed;   /* bytes of the batch before, which are still there */
    size_t last_record; /* where it begins in the batch */
    bool broken;
};

/* ---- the end, so that not all of a segment must be read to find it ---- */

struct end {
    char magic[8];
    struct log_place place;
    uint64_t crc;
};

static struct end end_of(const struct log_place *place)
{
    struct end end = {.magic = "mlfsend", .place = *place};
    end.crc = crc32c(0, &end, offsetof(struct end, crc));
    return end;
}

/* A place that was on the disk before this was written; false when nothing is known. */
static bool read_end(const char *folder, int fd, struct log_place *place)
{
    struct end end, same;
    struct stat st;
    if (pread(fd, &end, sizeof end, 0) != sizeof end)
        return false;
    same = end_of(&end.place);
    char *path = segment_path(folder, end.place.first);
    bool there = stat(path, &st) == 0 && (uint64_t)st.st_size >= end.place.offset;
    mem_free(path);
    if (!there || memcmp(&same, &end, sizeof end) != 0)
        return false;
    *place = end.place;
    return true;
}

/* A hint, no more: one that is not whole is not believed. */
static void write_end(const struct log *log)
{
    struct end end = end_of(&log->place);
    ssize_t written = pwrite(log->end_fd, &end, sizeof end, 0);
    (void)written;
}

static int open_end(struct log *log, struct error *e)
{
    char *path = mem_format("%s/end", log->folder);
    log->end_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    int status = log->end_fd < 0 ? error_errno(e, "%s: cannot be opened", path) : 0;
    mem_free(path);
    return status;
}

/* From a place that is known to where what is committed ends. */
static int go_to_end(const char *folder, struct log_place *place, struct error *e)
{
    struct store_record record;
    struct log_reader *r = log_reader_at(folder, place);
    int status;
    while ((status = log_next(r, &record, e)) > 0)
        ;
    *place = log_reader_place(r);
    log_reader_close(r);
    return status;
}

static int find_end(struct log *log, uint64_t last_segment, struct error *e)
{
    log->place = (struct log_place){last_segment, 0, last_segment};
    /* One of a place that is no more must not be believed when the segment has grown again. */
    if (!read_end(log->folder, log->end_fd, &log->place) && ftruncate(log->end_fd, 0))
        return error_errno(e, "%s/end: cannot be emptied", log->folder);
    return go_to_end(log->folder, &log->place, e);
}

int log_end(const char *folder, uint64_t *lsn, struct error *e)
{
    struct log_place place = {0, 0, 1};
    char *path = mem_format("%s/end", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)read_end(folder, fd, &place);
        close(fd);
    }
    int status = go_to_end(folder, &place, e);
    *lsn = place.next - 1;
    mem_free(path);
    return status;
}

/* Cuts off what a crash left. */
static int cut_tail(struct log *log, struct error *e)
{
    struct stat st;
    if (fstat(log->fd, &st))
        return error_errno(e, "%s: cannot be read", log->path);
    if ((uint64_t)st.st_size <= log->place.offset)
        return 0;
    if (ftruncate(log->fd, (off_t)log->place.offset))
        return error_errno(e, "%s: its end cannot be cut off", log->path);
    return fdatasync(log->fd) ? error_errno(e, "%s: cannot be written to the disk", log->path) : 0;
}

static int resume(struct log *log, struct error *e)
{
    struct segments s = {0};
    int status = segments_list(log->folder, &s, e);
    uint64_t last = s.first.len ? s.first.at[s.first.len - 1] : 0;
    vec_release(&s.first);
    log->place.next = 1;
    if (status || last == 0)
        return status;
    status = find_end(log, last, e);
    if (status)
        return status;
    log->path = segment_path(log->folder, last);
    log->fd = open(log->path, O_RDWR | O_CLOEXEC);
    return log->fd < 0 ? error_errno(e, "%s: cannot be opened", log->path) : cut_tail(log, e);
}

int log_open(const char *folder, const struct log_options *o, struct log **out, struct error *e)
{
    struct log *log = mem_alloc(sizeof *log);
    char *lock = mem_format("%s/lock", folder);
    log->folder = mem_text(folder);
    log->segment = o && o->segment ? o->segment : SEGMENT_BYTES;
    log->lock = log->end_fd = log->fd = -1;
    int status = folder_make(folder, e);
    if (status == 0)
        status = lock_acquire(lock, true, o ? o->timeout_ms : 0, &log->lock, e);
    if (status == 0)
        status = open_end(log, e);
    if (status == 0)
        status = resume(log, e);
    mem_free(lock);
    if (status) {
        log_close(log);
        return status;
    }
    log->next = log->place.next;
    *out = log;
    return 0;
}

const char *log_folder(const struct log *log)
{
    return log->folder;
}

int log_drop_end(struct log *log, struct error *e)
{
    log->broken = true;
    return ftruncate(log->end_fd, 0) || fsync(log->end_fd)
               ? error_errno(e, "%s/end: cannot be emptied", log->folder)
               : 0;
}

uint64_t log_last(const struct log *log)
{
    return log->place.next - 1;
}

uint64_t log_add(struct log *log, const struct store_record *r)
{
    struct store_record numbered = *r;
    numbered.lsn = log->next++;
    bool first = log->batch.len == 0;
    log->committed = 0;
    log->last_record = log->batch.len;
    record_append(&log->batch, &numbered, first ? LOG_BEGINS : 0);
    return numbered.lsn;
}

size_t log_pending(const struct log *log)
{
    return log->batch.len;
}

/* Another segment, for the batch. */
static int begin_segment(struct log *log, struct error *e)
{
    char header[SEGMENT_HEADER];
    if (log->fd >= 0)
        close(log->fd);
    mem_free(log->path);
    log->path = segment_path(log->folder, log->place.next);
    log->fd = open(log->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (log->fd < 0)
        return error_errno(e, "%s: cannot be made", log->path);
    segment_header(header, log->place.next);
    log->place.first = log->place.next;
    log->place.offset = SEGMENT_HEADER;
    int status = file_write(log->fd, header, sizeof header, log->path, e);
    if (status == 0 && fsync(log->fd))
        status = error_errno(e, "%s: cannot be written to the disk", log->path);
    return status ? status : folder_sync(log->folder, e);
}

static int append_batch(struct log *log, bool sync, struct error *e)
{
    int status = 0;
    if (log->fd < 0 || log->place.offset == 0 || log->place.offset >= log->segment)
        status = begin_segment(log, e);
    if (status)
        return status;
    if (lseek(log->fd, (off_t)log->place.offset, SEEK_SET) < 0)
        return error_errno(e, "%s: cannot be written", log->path);
    status = file_write(log->fd, log->batch.at, log->batch.len, log->path, e);
    if (status == 0 && sync && fdatasync(log->fd))
        status = error_errno(e, "%s: cannot be written to the disk", log->path);
    return status;
}

int log_commit(struct log *log, bool sync, struct error *e)
{
    if (log->broken)
        return error_set(e, ERR_SYSTEM, "%s: not written, since writing it failed before",
                         log->path);
    if (log->batch.len == 0)
        return 0;
    record_mark(log->batch.at + log->last_record, LOG_ENDS);
    int status = append_batch(log, sync, e);
    log->broken = status != 0;
    /* What did not become a batch is cut off by the next writer, if not by us. */
    if (status && log->fd >= 0 && ftruncate(log->fd, (off_t)log->place.offset))
        return status;
    if (status == 0) {
        log->place.offset += log->batch.len;
        log->place.next = log->next;
        log->committed = log->batch.len;
        log->batch.len = 0;
    }
    if (status == 0 && sync)
        write_end(log);
    return status;
}

int log_committed(const struct log *log, size_t *at, struct store_record *out)
{
    unsigned marks;
    struct span s = {log->batch.at, log->committed};
    size_t bytes = *at < s.len ? record_read(s, *at, out, &marks) : 0;
    *at += bytes;
    return bytes > 0;
}

void log_close(struct log *log)
{
    if (!log)
        return;
    if (log->fd >= 0)
        close(log->fd);
    if (log->end_fd >= 0)
        close(log->end_fd);
    if (log->lock >= 0)
        lock_release(log->lock);
    buf_release(&log->batch);
    mem_free(log->path);
    mem_free(log->folder);
    mem_free(log);
}
