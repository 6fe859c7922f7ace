#include "store/log_format.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

/* Segments are read, not mapped: the tail that a crash left may be cut off at any time. */
struct log_reader {
    char *folder;
    uint64_t next;          /* lsn of the record to come */
    uint64_t from;          /* those before are passed over */
    struct log_place start; /* known to be one, in a segment to come; offset 0: none */
    /* The segment at hand; fd < 0: none. */
    int fd;
    char *path;
    uint64_t first;    /* the last one seen, too; 0: none */
    struct buf window; /* of the file from `base` on */
    uint64_t base;
    bool at_end;      /* the file ended where the window does */
    size_t at, batch; /* in the window: the next record, where its batch ends, */
    uint64_t behind;  /* and the lsn there */
};

enum { WINDOW = 1 << 20 };

static struct span window_of(const struct log_reader *r)
{
    return (struct span){r->window.at, r->window.len};
}

/* The window begins at the next record and has at least n bytes, unless the file ends. */
static int fill(struct log_reader *r, size_t n, struct error *e)
{
    size_t kept = r->window.len - r->at;
    if (kept)
        memmove(r->window.at, r->window.at + r->at, kept);
    r->base += r->at;
    r->window.len = kept;
    r->at = r->batch = 0;
    if (kept >= n)
        return 0;
    buf_reserve(&r->window, n - kept);
    ssize_t got = file_read_at(r->fd, r->window.at + kept, n - kept, r->base + kept, r->path, e);
    if (got < 0)
        return (int)got;
    r->window.len = kept + (size_t)got;
    r->at_end = r->window.len < n;
    return 0;
}

static void leave_segment(struct log_reader *r)
{
    if (r->fd >= 0)
        close(r->fd);
    mem_free(r->path);
    r->path = NULL;
    r->fd = -1;
}

static int damaged(const struct log_reader *r, const char *what, struct error *e)
{
    error_set(e, ERR_DATA, "the log is damaged at byte %" PRIu64 ": %s", r->base + r->at, what);
    return error_at(e, r->path, 0, 0);
}

/* To the first batch of the segment, or to the place that is known. */
static void go_to_start(struct log_reader *r)
{
    r->at = r->batch = SEGMENT_HEADER;
    if (r->start.offset == 0 || r->start.first != r->first)
        return;
    r->window.len = r->at = r->batch = 0;
    r->base = r->start.offset;
    r->next = r->start.next;
}

/* 1; 0 when its header is not there yet. */
static int enter_segment(struct log_reader *r, uint64_t first, struct error *e)
{
    leave_segment(r);
    r->path = segment_path(r->folder, first);
    r->fd = open(r->path, O_RDONLY | O_CLOEXEC);
    r->first = r->next = first;
    r->window.len = r->at = r->batch = 0;
    r->base = 0;
    if (r->fd < 0)
        return error_errno(e, "%s: cannot be opened", r->path);
    int status = fill(r, WINDOW, e);
    if (status)
        return status;
    if (segment_header_valid(window_of(r), first)) {
        go_to_start(r);
        return 1;
    }
    status = r->window.len > SEGMENT_HEADER ? damaged(r, "no segment begins like this", e) : 0;
    leave_segment(r);
    return status;
}

/* Enters the segment that has `next`, or else the last one, unless it is the one at hand already:
 * 1; 0: there is none. */
static int find_segment(struct log_reader *r, struct error *e)
{
    struct segments s = {0};
    int status = segments_list(r->folder, &s, e);
    size_t i = 0;
    while (status == 0 && i + 1 < s.first.len && s.first.at[i + 1] <= r->next)
        i++;
    uint64_t first = s.first.len ? s.first.at[i] : 0;
    bool another = first && (r->fd < 0 || first != r->first);
    bool lacking = another && r->fd >= 0 && first != r->next;
    vec_release(&s.first);
    if (status)
        return status;
    if (lacking)
        return damaged(r, "a segment behind it is missing, or its last batch is not whole", e);
    return another ? enter_segment(r, first, e) : 0;
}

/* Whether the batch at r->at is whole. */
static int whole_batch(struct log_reader *r, struct error *e)
{
    r->at_end = false;
    for (size_t n = WINDOW;; n *= 2) {
        r->behind = r->next;
        r->batch = batch_end(window_of(r), r->at, &r->behind);
        if (r->batch)
            return 1;
        if (r->at_end)
            break;
        int status = fill(r, n, e);
        if (status)
            return status;
    }
    r->batch = r->at;
    if (batch_follows(window_of(r), r->at, r->next))
        return damaged(r, "a batch is not as it was written, and others follow", e);
    return 0;
}

static int next_batch(struct log_reader *r, struct error *e)
{
    for (;;) {
        int found = r->fd < 0 ? 0 : whole_batch(r, e);
        if (found)
            return found;
        found = find_segment(r, e);
        if (found <= 0)
            return found;
    }
}

struct log_reader *log_reader_open(const char *folder, uint64_t from)
{
    struct log_reader *r = mem_alloc(sizeof *r);
    r->folder = mem_text(folder);
    r->fd = -1;
    r->from = r->next = from ? from : 1;
    return r;
}

struct log_reader *log_reader_at(const char *folder, const struct log_place *place)
{
    struct log_reader *r = log_reader_open(folder, place->next);
    r->start = *place;
    return r;
}

struct log_place log_reader_place(const struct log_reader *r)
{
    return (struct log_place){r->first, r->fd < 0 ? 0 : r->base + r->at, r->next};
}

int log_next(struct log_reader *r, struct store_record *out, struct error *e)
{
    do {
        int found = r->at == r->batch ? next_batch(r, e) : 1;
        if (found <= 0)
            return found;
        unsigned marks;
        r->at += record_read(window_of(r), r->at, out, &marks);
        r->next = out->lsn + 1;
    } while (out->lsn < r->from);
    return 1;
}

/* As many whole batches as the window has. */
static void take_batches(struct log_reader *r)
{
    for (size_t end = r->batch; end; r->batch = end ? end : r->batch)
        end = batch_end(window_of(r), r->batch, &r->behind);
}

int log_next_run(struct log_reader *r, struct log_run *run, struct error *e)
{
    int found = r->at == r->batch ? next_batch(r, e) : 1;
    if (found <= 0)
        return found;
    take_batches(r);
    size_t rest = r->window.len - r->batch;
    struct buf window = run->bytes;
    window.len = 0;
    if (rest)
        buf_add(&window, r->window.at + r->batch, rest);
    run->bytes = r->window;
    run->bytes.len = r->batch;
    run->at = r->at;
    run->from = r->from;
    r->base += r->batch;
    r->at = r->batch = 0;
    r->window = window;
    r->next = r->behind;
    return 1;
}

bool log_run_next(struct log_run *run, struct store_record *out)
{
    do {
        if (run->at >= run->bytes.len)
            return false;
        run->at += record_say(run->bytes.at + run->at, out);
    } while (out->lsn < run->from);
    return true;
}

void log_run_release(struct log_run *run)
{
    buf_release(&run->bytes);
}

void log_reader_close(struct log_reader *r)
{
    if (!r)
        return;
    leave_segment(r);
    buf_release(&r->window);
    mem_free(r->folder);
    mem_free(r);
}
