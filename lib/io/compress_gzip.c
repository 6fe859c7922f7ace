#include "io/stage.h"
#include "sys/sys.h"

#include <limits.h>
#define ZLIB_CONST
#include <zlib.h>

enum { CHUNK = 65536, GZIP_WINDOW = MAX_WBITS + 16 };

/* zlib counts in unsigned int. */
static uInt at_most_uint(size_t n)
{
    return n < UINT_MAX ? (uInt)n : UINT_MAX;
}

struct gzip_reader {
    struct reader reader;
    struct reader *below;
    z_stream z;
    bool between; /* members: the last one is complete and no byte of the next has been seen */
    bool padding; /* zeros after the last member */
    Bytef in[CHUNK];
};

/* Next bytes from below: 0 at the end. */
static ssize_t refill(struct gzip_reader *g, struct error *e)
{
    ssize_t got = reader_read(g->below, g->in, sizeof g->in, e);
    g->z.next_in = g->in;
    g->z.avail_in = got > 0 ? (uInt)got : 0;
    return got;
}

/* After a member: 1 when another begins, 0 when input is used up, else ERR_DATA. Tapes and some
 * archivers pad with zeros. */
static int next_member(struct gzip_reader *g, struct error *e)
{
    while (g->z.avail_in > 0 && *g->z.next_in == 0) {
        g->padding = true;
        g->z.next_in++;
        g->z.avail_in--;
    }
    if (g->z.avail_in == 0)
        return 0;
    if (g->padding || *g->z.next_in != 0x1f)
        return error_set(e, ERR_DATA, "garbage after the end of the gzip data");
    inflateReset(&g->z);
    g->between = false;
    return 1;
}

static int inflate_problem(const struct gzip_reader *g, int status, struct error *e)
{
    if (status == Z_MEM_ERROR)
        return error_set(e, ERR_SYSTEM, "not enough memory to decompress gzip data");
    return error_set(e, ERR_DATA, "the gzip data is damaged: %s",
                     g->z.msg ? g->z.msg : "unexpected dictionary");
}

static ssize_t gzip_read(struct reader *r, void *into, size_t n, struct error *e)
{
    struct gzip_reader *g = (struct gzip_reader *)r;
    g->z.next_out = into;
    g->z.avail_out = at_most_uint(n);
    while (g->z.next_out == (Bytef *)into) {
        if (g->z.avail_in == 0) {
            ssize_t got = refill(g, e);
            if (got == 0 && !g->between)
                return error_set(e, ERR_DATA, "the gzip data is truncated");
            if (got <= 0)
                return got;
        }
        if (g->between) {
            int more = next_member(g, e);
            if (more < 0)
                return more;
            if (more == 0)
                continue;
        }
        int status = inflate(&g->z, Z_NO_FLUSH);
        if (status == Z_STREAM_END)
            g->between = true;
        else if (status != Z_OK && status != Z_BUF_ERROR)
            return inflate_problem(g, status, e);
    }
    return g->z.next_out - (Bytef *)into;
}

static void gzip_reader_free(struct reader *r)
{
    struct gzip_reader *g = (struct gzip_reader *)r;
    inflateEnd(&g->z);
    reader_free(g->below);
    mem_free(g);
}

/* The memory zlib needs is ours to check, as everywhere else. */
static voidpf zlib_alloc(voidpf context, uInt count, uInt size)
{
    (void)context;
    return mem_array(NULL, count, size);
}

static void zlib_free(voidpf context, voidpf p)
{
    (void)context;
    mem_free(p);
}

struct reader *reader_gzip(struct reader *below)
{
    static const struct reader_kind kind = {gzip_read, gzip_reader_free};
    struct gzip_reader *g = mem_alloc(sizeof *g);
    g->reader.kind = &kind;
    g->below = below;
    g->z.zalloc = zlib_alloc;
    g->z.zfree = zlib_free;
    inflateInit2(&g->z, GZIP_WINDOW);
    return &g->reader;
}

struct gzip_writer {
    struct writer writer;
    int fd;
    z_stream z;
    Bytef out[CHUNK];
};

/* Compresses what z has for input; with Z_FINISH to the very end. */
static int deflate_all(struct gzip_writer *g, int flush, struct error *e)
{
    do {
        g->z.next_out = g->out;
        g->z.avail_out = sizeof g->out;
        deflate(&g->z, flush);
        int status = file_write(g->fd, g->out, sizeof g->out - g->z.avail_out, "", e);
        if (status)
            return status;
    } while (g->z.avail_out == 0);
    return 0;
}

static int gzip_write(struct writer *w, const void *bytes, size_t n, struct error *e)
{
    struct gzip_writer *g = (struct gzip_writer *)w;
    const Bytef *at = bytes;
    while (n > 0) {
        uInt part = at_most_uint(n);
        g->z.next_in = at;
        g->z.avail_in = part;
        int status = deflate_all(g, Z_NO_FLUSH, e);
        if (status)
            return status;
        at += part;
        n -= part;
    }
    return 0;
}

static int gzip_finish(struct writer *w, struct error *e)
{
    return deflate_all((struct gzip_writer *)w, Z_FINISH, e);
}

static void gzip_writer_free(struct writer *w)
{
    struct gzip_writer *g = (struct gzip_writer *)w;
    deflateEnd(&g->z);
    mem_free(g);
}

struct writer *writer_gzip(int fd)
{
    static const struct writer_kind kind = {gzip_write, gzip_finish, gzip_writer_free};
    struct gzip_writer *g = mem_alloc(sizeof *g);
    g->writer.kind = &kind;
    g->fd = fd;
    g->z.zalloc = zlib_alloc;
    g->z.zfree = zlib_free;
    deflateInit2(&g->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY);
    return &g->writer;
}
