#include "base/digest.h"
#include "ledger/ledger_line.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 256 << 10 };

struct ledger_reader {
    char *path;
    int fd;            /* < 0: it is not there */
    uint64_t line;     /* number of the next line; 0: not known */
    struct buf window; /* of the file from `base` on */
    uint64_t base;
    size_t at; /* of the next line in the window */
    bool torn; /* there was the beginning of a line where the file ended */
};

static int fail(const struct ledger_reader *r, const char *what, struct error *e)
{
    error_errno(e, "%s", what);
    error_at(e, r->path, 0, 0);
    return ERR_SYSTEM;
}

static int open_file(struct ledger_reader *r, struct error *e)
{
    if (r->fd < 0)
        r->fd = open(r->path, O_RDONLY | O_CLOEXEC);
    return r->fd >= 0 || errno == ENOENT ? 0 : fail(r, "cannot open", e);
}

/* How much there is of the file from `base` on, at most n. */
static int measure(const struct ledger_reader *r, size_t *n, struct error *e)
{
    struct stat st;
    if (fstat(r->fd, &st))
        return fail(r, "cannot read", e);
    if (!S_ISREG(st.st_mode)) {
        error_set(e, ERR_SYSTEM, "no regular file");
        error_at(e, r->path, 0, 0);
        return ERR_SYSTEM;
    }
    uint64_t size = (uint64_t)st.st_size, there = size > r->base ? size - r->base : 0;
    *n = there < *n ? (size_t)there : *n;
    return 0;
}

/* The window begins at the next line and has at most n bytes: 1; 0 when the file ends with it. All
 * of the line is read again, and nothing behind the end that the file had: what a crash left there
 * may be gone now, and another line begin in its place. */
static int fill(struct ledger_reader *r, size_t n, struct error *e)
{
    size_t wanted = n;
    r->base += r->at;
    r->at = r->window.len = 0;
    int status = open_file(r, e);
    if (status || r->fd < 0)
        return status;
    status = measure(r, &n, e);
    if (status)
        return status;
    buf_reserve(&r->window, n);
    ssize_t got = file_read_at(r->fd, r->window.at, n, r->base, r->path, e);
    if (got < 0)
        return (int)got;
    r->window.len = (size_t)got;
    return r->window.len == wanted;
}

/* The newline of the next line; NULL: it is not in the window. */
static const char *line_end(const struct ledger_reader *r)
{
    size_t rest = r->window.len - r->at;
    return rest ? memchr(r->window.at + r->at, '\n', rest) : NULL;
}

/* The next whole line: 1; 0: there is none. */
static int find_line(struct ledger_reader *r, struct text *out, struct error *e)
{
    const char *newline = line_end(r);
    for (size_t n = BLOCK; !newline; n *= 2) {
        int status = fill(r, n, e);
        if (status < 0)
            return status;
        newline = line_end(r);
        if (newline || status)
            continue;
        r->torn = r->window.len > 0;
        return 0;
    }
    const char *at = r->window.at + r->at;
    *out = (struct text){at, (size_t)(newline - at)};
    return 1;
}

/* What it says, too. */
static int next_line(struct ledger_reader *r, struct text *text, struct ledger_line *out,
                     struct error *e)
{
    int status = find_line(r, text, e);
    if (status <= 0)
        return status;
    if (!ledger_line_read(*text, out))
        return ledger_line_bad(r->path, r->line, r->base + r->at, e);
    r->at += text->len + 1;
    r->line += r->line > 0;
    return 1;
}

/* A line begins where one ends. */
static int check_start(struct ledger_reader *r, struct error *e)
{
    char before = '\n';
    int status = open_file(r, e);
    if (status || r->fd < 0 || r->base == 0)
        return status;
    ssize_t got = file_read_at(r->fd, &before, 1, r->base - 1, r->path, e);
    if (got < 0)
        return (int)got;
    return got == 1 && before == '\n' ? 0 : ledger_line_bad(r->path, 0, r->base, e);
}

int ledger_reader_open(const char *path, uint64_t offset, struct ledger_reader **out,
                       struct error *e)
{
    struct ledger_reader *r = mem_alloc(sizeof *r);
    r->path = mem_text(path);
    r->fd = -1;
    r->base = offset;
    r->line = offset == 0;
    int status = check_start(r, e);
    if (status) {
        ledger_reader_close(r);
        return status;
    }
    *out = r;
    return 0;
}

int ledger_next(struct ledger_reader *r, struct ledger_event *out, struct error *e)
{
    struct ledger_line line;
    int status = next_line(r, &out->line, &line, e);
    if (status <= 0)
        return status;
    out->seq = line.seq;
    out->time = line.time;
    out->offset = r->base + r->at - out->line.len - 1;
    return 1;
}

void ledger_reader_close(struct ledger_reader *r)
{
    if (!r)
        return;
    if (r->fd >= 0)
        close(r->fd);
    buf_release(&r->window);
    mem_free(r->path);
    mem_free(r);
}

int ledger_each(const char *path, uint64_t *offset, ledger_take *take, void *context,
                struct error *e)
{
    struct ledger_reader *r = NULL;
    struct ledger_event event;
    int status = ledger_reader_open(path, offset ? *offset : 0, &r, e);
    while (status == 0 && (status = ledger_next(r, &event, e)) > 0) {
        status = take(context, &event, e);
        if (offset)
            *offset = event.offset + event.line.len + 1;
    }
    ledger_reader_close(r);
    return status;
}

/* ---- proving ---- */

/* Numbers are those of lines as long as they follow one another. */
static int not_so(const struct ledger_reader *r, uint64_t line, struct error *e)
{
    error_at(e, r->path, line, 0);
    return ERR_NO;
}

/* The line behind the last good one does not say its digest. Either may have been changed; when the
 * line behind both says the digest of the second, it was the first. */
static int does_not_fit(struct ledger_reader *r, uint64_t good, struct text line, struct error *e)
{
    char digest[LEDGER_HEX + 1];
    struct text text;
    struct ledger_line next;
    uint64_t number = good ? good : 1;
    sha256_hex(line, digest);
    bool second_fits = next_line(r, &text, &next, NULL) > 0 && next.seq == good + 2 &&
                       memcmp(next.prev, digest, LEDGER_HEX) == 0;
    if (good == 0 || second_fits)
        error_set(e, ERR_NO, "event %" PRIu64 " is not as it was written", number);
    else
        error_set(e, ERR_NO, "event %" PRIu64 " or event %" PRIu64 " is not as it was written",
                  number, number + 1);
    return not_so(r, number, e);
}

static int does_not_follow(const struct ledger_reader *r, uint64_t good, uint64_t seq,
                           struct error *e)
{
    if (good)
        error_set(e, ERR_NO, "event %" PRIu64 " follows event %" PRIu64, seq, good);
    else
        error_set(e, ERR_NO, "event %" PRIu64 " is the first", seq);
    return not_so(r, good + 1, e);
}

static int prove(struct ledger_reader *r, struct ledger_proof *out, struct error *e)
{
    struct text text;
    struct ledger_line line;
    int status;
    while ((status = next_line(r, &text, &line, e)) > 0) {
        if (line.seq != out->events + 1)
            return does_not_follow(r, out->events, line.seq, e);
        if (memcmp(line.prev, out->head, LEDGER_HEX) != 0)
            return does_not_fit(r, out->events, text, e);
        sha256_hex(text, out->head);
        out->events++;
    }
    out->torn = r->torn;
    if (status == ERR_DATA && e)
        e->code = ERR_NO;
    return status == ERR_DATA ? ERR_NO : status;
}

int ledger_verify(const char *path, struct ledger_proof *out, struct error *e)
{
    struct ledger_reader *r = NULL;
    *out = (struct ledger_proof){0};
    memcpy(out->head, ledger_zeros, sizeof out->head);
    int status = ledger_reader_open(path, 0, &r, e);
    if (status == 0)
        status = prove(r, out, e);
    ledger_reader_close(r);
    return status;
}
