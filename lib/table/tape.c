#include "table/tape.h"

#include "sys/sys.h"

#include <unistd.h>

enum { WINDOW = 1 << 18 };

/* A record is its length, 32 bits, and its bytes. */
struct tape {
    size_t memory;
    struct buf text; /* the records; with a file those not yet in it, or a window of it */
    size_t at;       /* of the next record in text */
    int fd;          /* -1: all are in text */
    uint64_t end;    /* of what is written to the file */
    uint64_t offset; /* of what text does not hold yet, while reading */
    bool ended;      /* adding */
};

struct tape *tape_new(size_t memory)
{
    struct tape *t = mem_alloc(sizeof *t);
    t->memory = memory;
    t->fd = -1;
    return t;
}

void tape_clear(struct tape *t)
{
    if (t->fd >= 0)
        (void)close(t->fd);
    t->fd = -1;
    t->text.len = t->at = 0;
    t->end = t->offset = 0;
    t->ended = false;
}

void tape_free(struct tape *t)
{
    if (!t)
        return;
    tape_clear(t);
    buf_release(&t->text);
    mem_free(t);
}

static int write_out(struct tape *t, struct error *e)
{
    if (t->fd < 0)
        t->fd = scratch_open(e);
    if (t->fd < 0)
        return t->fd;
    int rc = file_write(t->fd, t->text.at, t->text.len, "scratch file", e);
    t->end += t->text.len;
    t->text.len = 0;
    return rc;
}

int tape_add(struct tape *t, struct text record, struct error *e)
{
    if (record.len > UINT32_MAX)
        return error_set(e, ERR_DATA, "row of %zu bytes is too long to hold", record.len);
    uint32_t length = (uint32_t)record.len;
    buf_add(&t->text, &length, sizeof length);
    buf_add(&t->text, record.at, record.len);
    return t->text.len > t->memory ? write_out(t, e) : 0;
}

int tape_rewind(struct tape *t, struct error *e)
{
    t->at = 0;
    if (t->fd < 0)
        return 0;
    int rc = !t->ended && t->text.len > 0 ? write_out(t, e) : 0;
    t->ended = true;
    t->text.len = 0;
    t->offset = 0;
    return rc;
}

/* Reads on until text holds n bytes from the next record on; false at the end of the file. */
static int fill_window(struct tape *t, size_t n, struct error *e)
{
    size_t rest = t->text.len - t->at;
    if (rest > 0 && t->at > 0)
        memmove(t->text.at, t->text.at + t->at, rest);
    t->text.len = rest;
    t->at = 0;
    uint64_t left = t->end - t->offset;
    size_t want = n - rest > WINDOW ? n - rest : WINDOW;
    if (want > left)
        want = (size_t)left;
    buf_reserve(&t->text, want);
    ssize_t got = file_read_at(t->fd, t->text.at + rest, want, t->offset, "scratch file", e);
    if (got < 0)
        return (int)got;
    if ((size_t)got != want)
        return error_set(e, ERR_SYSTEM, "scratch file: shorter than written");
    t->text.len += want;
    t->offset += want;
    return 0;
}

int tape_next(struct tape *t, struct text *record, struct error *e)
{
    uint32_t length = 0;
    for (;;) {
        size_t have = t->text.len - t->at, need = sizeof length;
        if (have >= need) {
            memcpy(&length, t->text.at + t->at, sizeof length);
            need += length;
        }
        if (have >= need)
            break;
        if (t->fd < 0 || t->offset == t->end)
            return 0;
        int rc = fill_window(t, need, e);
        if (rc)
            return rc;
    }
    *record = (struct text){t->text.at + t->at + sizeof length, length};
    t->at += sizeof length + length;
    return 1;
}
