#include "io/stage.h"
#include "sys/sys.h"

enum { PEEK_STEP = 65536 };

static size_t held(const struct reader *r)
{
    return r->held.len - r->held_at;
}

static ssize_t read_held(struct reader *r, void *into, size_t n)
{
    size_t take = held(r) < n ? held(r) : n;
    memcpy(into, r->held.at + r->held_at, take);
    reader_skip(r, take);
    return (ssize_t)take;
}

static int report_problem(const struct reader *r, struct error *e)
{
    if (e)
        *e = r->problem;
    return r->problem.code;
}

ssize_t reader_read(struct reader *r, void *into, size_t n, struct error *e)
{
    if (n == 0)
        return 0;
    if (held(r) > 0)
        return read_held(r, into, n);
    if (r->problem.code)
        return report_problem(r, e);
    if (r->ended)
        return 0;
    ssize_t got = r->kind->read(r, into, n, &r->problem);
    if (got < 0)
        return report_problem(r, e);
    r->ended = got == 0;
    return got;
}

/* One more read behind what is held; false when there is nothing more to come. */
static bool hold_more(struct reader *r)
{
    if (r->ended || r->problem.code)
        return false;
    if (r->held_at > 0) {
        memmove(r->held.at, r->held.at + r->held_at, held(r));
        r->held.len -= r->held_at;
        r->held_at = 0;
    }
    buf_reserve(&r->held, PEEK_STEP);
    ssize_t got = r->kind->read(r, r->held.at + r->held.len, PEEK_STEP, &r->problem);
    if (got > 0)
        r->held.len += (size_t)got;
    r->ended = got == 0;
    return got > 0;
}

int reader_peek(struct reader *r, size_t want, const char **at, size_t *n, struct error *e)
{
    while (held(r) < want && hold_more(r))
        ;
    *n = held(r);
    *at = *n ? r->held.at + r->held_at : "";
    return *n == 0 && r->problem.code ? report_problem(r, e) : 0;
}

void reader_skip(struct reader *r, size_t n)
{
    r->held_at += n;
    if (r->held_at == r->held.len) {
        buf_release(&r->held);
        r->held_at = 0;
    }
}

void reader_free(struct reader *r)
{
    if (!r)
        return;
    buf_release(&r->held);
    r->kind->free(r);
}

struct fd_reader {
    struct reader reader;
    int fd;
};

static ssize_t fd_read(struct reader *r, void *into, size_t n, struct error *e)
{
    struct fd_reader *f = (struct fd_reader *)r;
    return file_read_some(f->fd, into, n, "", e);
}

static void fd_free(struct reader *r)
{
    mem_free(r);
}

struct reader *reader_fd(int fd)
{
    static const struct reader_kind kind = {fd_read, fd_free};
    struct fd_reader *f = mem_alloc(sizeof *f);
    f->reader.kind = &kind;
    f->fd = fd;
    return &f->reader;
}
