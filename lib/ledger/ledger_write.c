#include "base/digest.h"
#include "ledger/ledger_line.h"
#include "sys/sys.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 16 << 10 }; /* of the file, read backwards */

/* Behind the last whole line. */
struct end {
    uint64_t offset;
    uint64_t seq; /* of that line; 0: there is none */
    usec time;
    char head[LEDGER_HEX + 1];
};

struct ledger {
    char *path;
    int fd;
    bool unnamed; /* its name may not be on the disk yet */
    bool known;   /* end is where this handle left it: others may have written since */
    struct end end;
    struct buf added; /* members, a newline behind each */
    struct buf bytes; /* read from the file, or to be written to it */
};

static int fail(const struct ledger *l, const char *what, struct error *e)
{
    error_errno(e, "%s", what);
    error_at(e, l->path, 0, 0);
    return ERR_SYSTEM;
}

static int refuse(const struct ledger *l, const char *why, struct error *e)
{
    error_set(e, ERR_SYSTEM, "%s", why);
    error_at(e, l->path, 0, 0);
    return ERR_SYSTEM;
}

static int open_file(struct ledger *l, struct error *e)
{
    struct stat st;
    l->fd = open(l->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (l->fd < 0 || fstat(l->fd, &st))
        return fail(l, "cannot open", e);
    l->unnamed = st.st_size == 0;
    return S_ISREG(st.st_mode) ? 0 : refuse(l, "no regular file", e);
}

int ledger_open(const char *path, struct ledger **out, struct error *e)
{
    struct ledger *l = mem_alloc(sizeof *l);
    l->path = mem_text(path);
    int status = open_file(l, e);
    if (status) {
        ledger_close(l);
        return status;
    }
    *out = l;
    return 0;
}

void ledger_close(struct ledger *l)
{
    if (!l)
        return;
    if (l->fd >= 0)
        close(l->fd);
    buf_release(&l->added);
    buf_release(&l->bytes);
    mem_free(l->path);
    mem_free(l);
}

void ledger_add(struct ledger *l, struct text members)
{
    if (members.len)
        buf_add(&l->added, members.at, members.len);
    buf_putc(&l->added, '\n');
}

/* ---- the end, when it is not known ---- */

/* Less than n bytes only when the file ends. */
static int read_bytes(struct ledger *l, uint64_t from, uint64_t n, struct error *e)
{
    l->bytes.len = 0;
    buf_reserve(&l->bytes, n);
    ssize_t got = file_read_at(l->fd, l->bytes.at, n, from, l->path, e);
    l->bytes.len = got < 0 ? 0 : (size_t)got;
    return got < 0 ? (int)got : 0;
}

/* Where the line begins that has the byte before `limit`: behind the last newline before that. */
static int line_start(struct ledger *l, uint64_t limit, uint64_t *start, struct error *e)
{
    *start = 0;
    for (uint64_t from; limit > 0; limit = from) {
        from = limit > BLOCK ? limit - BLOCK : 0;
        int status = read_bytes(l, from, limit - from, e);
        if (status)
            return status;
        const char *newline = memrchr(l->bytes.at, '\n', l->bytes.len);
        if (newline) {
            *start = from + (uint64_t)(newline - l->bytes.at) + 1;
            return 0;
        }
    }
    return 0;
}

/* What the last whole line, which ends at end->offset, says. */
static int read_last(struct ledger *l, struct end *end, struct error *e)
{
    uint64_t start, newline = end->offset - 1;
    struct ledger_line line;
    int status = line_start(l, newline, &start, e);
    if (status == 0)
        status = read_bytes(l, start, newline - start, e);
    if (status)
        return status;
    struct text text = {l->bytes.at, l->bytes.len};
    if (!ledger_line_read(text, &line))
        return ledger_line_bad(l->path, 0, start, e);
    end->seq = line.seq;
    end->time = line.time;
    sha256_hex(text, end->head);
    return 0;
}

/* What a crash left behind the last line: bytes of a line, or none where it wrote some. Anything
 * else is not ours to remove: this is no ledger. */
static int cut_off(struct ledger *l, uint64_t from, struct error *e)
{
    static const char begins[] = LEDGER_BEGINS;
    int status = read_bytes(l, from, sizeof begins - 1, e);
    for (size_t i = 0; i < l->bytes.len && status == 0; i++)
        if (l->bytes.at[i] != begins[i] && l->bytes.at[i] != '\0')
            status = ledger_line_bad(l->path, 0, from, e);
    if (status == 0 && ftruncate(l->fd, (off_t)from))
        status = fail(l, "cannot cut off what a crash left", e);
    return status;
}

static int find_end(struct ledger *l, uint64_t size, struct error *e)
{
    struct end end = {.time = INT64_MIN};
    memcpy(end.head, ledger_zeros, sizeof end.head);
    int status = line_start(l, size, &end.offset, e);
    if (status == 0 && end.offset > 0)
        status = read_last(l, &end, e);
    if (status == 0 && end.offset < size)
        status = cut_off(l, end.offset, e);
    l->end = end;
    l->known = status == 0;
    return status;
}

static int go_to_end(struct ledger *l, struct error *e)
{
    struct stat st;
    if (fstat(l->fd, &st))
        return fail(l, "cannot read", e);
    if (st.st_nlink == 0)
        return refuse(l, "was removed since it was opened", e);
    /* It never becomes shorter than what was committed: of the same size it is the same. */
    uint64_t size = (uint64_t)st.st_size;
    return l->known && size == l->end.offset ? 0 : find_end(l, size, e);
}

/* ---- committing ---- */

/* The lines of what was added, and where they will end. */
static struct end put_lines(struct ledger *l)
{
    struct end end = l->end;
    usec now = clock_now();
    end.time = now > end.time ? now : end.time; /* the clock may have stepped back */
    l->bytes.len = 0;
    const char *at = l->added.at, *behind = at + l->added.len;
    for (const char *newline; at < behind; at = newline + 1) {
        newline = memchr(at, '\n', (size_t)(behind - at));
        size_t start = l->bytes.len;
        struct ledger_line line = {++end.seq, end.time, end.head};
        ledger_line_put(&l->bytes, &line, (struct text){at, (size_t)(newline - at)});
        sha256_hex((struct text){l->bytes.at + start, l->bytes.len - start}, end.head);
        buf_putc(&l->bytes, '\n');
    }
    end.offset += l->bytes.len;
    return end;
}

static int append(struct ledger *l, bool durable, struct error *e)
{
    struct end end = put_lines(l);
    int status = file_write(l->fd, l->bytes.at, l->bytes.len, l->path, e);
    if (status == 0 && durable && fdatasync(l->fd))
        status = fail(l, "cannot be written to the disk", e);
    if (status) {
        /* What cannot even be taken back is found by whoever is next. */
        l->known = ftruncate(l->fd, (off_t)l->end.offset) == 0;
        return status;
    }
    l->end = end;
    l->added.len = 0;
    return 0;
}

/* The name first: when it cannot be, nothing is there yet. */
static int sync_name(struct ledger *l, struct error *e)
{
    int status = l->unnamed ? folder_sync_parent(l->path, e) : 0;
    l->unnamed = l->unnamed && status != 0;
    return status;
}

int ledger_commit(struct ledger *l, bool durable, struct error *e)
{
    if (l->added.len == 0)
        return 0;
    int status = durable ? sync_name(l, e) : 0;
    if (status == 0)
        status = file_lock(l->fd, l->path, e);
    if (status)
        return status;
    status = go_to_end(l, e);
    if (status == 0)
        status = append(l, durable, e);
    file_unlock(l->fd);
    return status;
}
