#include "steps/number_rows.h"

#include "sys/sys.h"

#include <unistd.h>

enum { PIECE_NUMBERS = 1 << 14 };

struct piece {
    double *at; /* NULL: in the file */
    size_t numbers;
    int fd;
    uint64_t offset;
};

struct number_rows {
    size_t columns, memory, held; /* bytes of pieces */
    VEC(struct piece) pieces;     /* the last one is being filled as long as rows are added */
    size_t room;                  /* numbers for which it has room */
    VEC(int) files;               /* this thread's own is the first, written up to file_end */
    uint64_t file_end;
};

struct number_rows *number_rows_new(size_t columns, size_t memory)
{
    struct number_rows *n = mem_alloc(sizeof *n);
    n->columns = columns;
    n->memory = memory;
    return n;
}

static int write_piece(struct number_rows *n, struct piece *p, struct error *e)
{
    if (n->files.len == 0) {
        int fd = scratch_open(e);
        if (fd < 0)
            return fd;
        vec_push(&n->files, fd);
    }
    size_t bytes = p->numbers * sizeof *p->at;
    p->fd = n->files.at[0];
    p->offset = n->file_end;
    n->file_end += bytes;
    int rc = file_write(p->fd, p->at, bytes, "scratch file", e);
    mem_free(p->at);
    p->at = NULL;
    return rc;
}

/* Another piece, with room for a row at least. The full one stays in memory if there is some. */
static int next_piece(struct number_rows *n, struct error *e)
{
    int rc = 0;
    size_t rows = PIECE_NUMBERS / n->columns + 1;
    size_t bytes = rows * n->columns * sizeof(double);
    if (n->pieces.len > 0 && n->held + bytes > n->memory) {
        rc = write_piece(n, &n->pieces.at[n->pieces.len - 1], e);
        n->held -= bytes;
    }
    vec_push(&n->pieces, ((struct piece){.at = mem_resize(NULL, bytes), .fd = -1}));
    n->held += bytes;
    n->room = rows * n->columns;
    return rc;
}

int number_rows_add(struct number_rows *n, const double *row, struct error *e)
{
    if (n->columns == 0)
        return 0;
    int rc = n->room == 0 ? next_piece(n, e) : 0;
    struct piece *p = &n->pieces.at[n->pieces.len - 1];
    memcpy(p->at + p->numbers, row, n->columns * sizeof *row);
    p->numbers += n->columns;
    n->room -= n->columns;
    return rc;
}

void number_rows_merge(struct number_rows *into, struct number_rows *from)
{
    for (size_t i = 0; i < from->pieces.len; i++)
        vec_push(&into->pieces, from->pieces.at[i]);
    for (size_t i = 0; i < from->files.len; i++)
        vec_push(&into->files, from->files.at[i]);
    from->pieces.len = from->files.len = 0;
    into->room = from->room = 0;
}

static int read_piece(const struct piece *p, double *into, struct error *e)
{
    size_t bytes = p->numbers * sizeof *into;
    ssize_t got = file_read_at(p->fd, into, bytes, p->offset, "scratch file", e);
    if (got < 0)
        return (int)got;
    return (size_t)got == bytes ? 0 : error_set(e, ERR_SYSTEM, "scratch file: is cut short");
}

int number_rows_each(const struct number_rows *n,
                     int (*visit)(void *context, const double *row, struct error *e), void *context,
                     struct error *e)
{
    double *buffer = mem_array(NULL, PIECE_NUMBERS + n->columns, sizeof *buffer);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n->pieces.len; i++) {
        const struct piece *p = &n->pieces.at[i];
        const double *at = p->at ? p->at : buffer;
        if (!p->at)
            rc = read_piece(p, buffer, e);
        for (size_t k = 0; rc == 0 && k < p->numbers; k += n->columns)
            rc = visit(context, at + k, e);
    }
    mem_free(buffer);
    return rc;
}

void number_rows_free(struct number_rows *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->pieces.len; i++)
        mem_free(n->pieces.at[i].at);
    for (size_t i = 0; i < n->files.len; i++)
        (void)close(n->files.at[i]);
    vec_release(&n->pieces);
    vec_release(&n->files);
    mem_free(n);
}
