/*
 * Any bytes as a Parquet file. What can be read must not depend on how it is cut into reads, nor on
 * whether the rows before were read or passed over, and row groups put into another file are the
 * same there. Bytes that do not begin as such a file are the
 * values of a page, which no checksum protects: first the encoding, the physical type and the
 * width.
 */
#include "table/parquet.h"
#include "table/parquet_cursor.h"
#include "table/parquet_groups.h"
#include "table/snappy.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROWS ((size_t)300) /* of each group: a few bytes may say that there are millions */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
    const uint8_t *at;
    size_t n;
};

static int read_bytes(void *context, uint64_t offset, void *into, size_t n, struct error *e)
{
    const struct bytes *b = context;
    if (offset > b->n || n > b->n - offset)
        abort(); /* lengths are checked before */
    (void)e;
    memcpy(into, b->at + offset, n);
    return 0;
}

/* Appends the cells of n rows as text, read `step` at a time; the first `passed` are skipped. */
static int put_cells(const struct parquet_file *f, size_t group, size_t column, size_t n,
                     size_t passed, size_t step, struct buf *out)
{
    struct parquet_cursor *cursor = NULL;
    struct batch *b = batch_new();
    int status = parquet_cursor_open(f, group, column, &cursor, NULL);
    if (status == 0 && passed)
        status = parquet_cursor_skip(cursor, passed, NULL);
    for (size_t at = passed; status == 0 && at < n; at += b->rows) {
        struct column c;
        batch_clear(b);
        b->rows = step < n - at ? step : n - at;
        status = parquet_cursor_read(cursor, b->rows, b, &c, NULL);
        if (status)
            break;
        batch_add(b, c);
        const struct text *cells = batch_text(b, 0);
        for (size_t r = 0; r < b->rows; r++) {
            buf_putc(out, cells[r].at ? '=' : '-');
            buf_add(out, cells[r].at, cells[r].len);
        }
    }
    parquet_cursor_close(cursor);
    batch_free(b);
    return status;
}

static void check_column(const struct parquet_file *f, size_t group, size_t column)
{
    uint64_t rows = parquet_group_rows(f, group);
    size_t n = rows < ROWS ? (size_t)rows : ROWS;
    struct buf whole = {0}, parts = {0}, rest = {0};
    (void)parquet_range(f, group, column);
    int status = put_cells(f, group, column, n, 0, n + 1, &whole);
    int again = put_cells(f, group, column, n, 0, 7, &parts);
    int behind = put_cells(f, group, column, n, n / 2, 50, &rest);
    if ((status == 0) != (again == 0) || (status == 0) != (behind == 0))
        abort();
    if (status == 0 && (whole.len != parts.len || rest.len > whole.len ||
                        (whole.len && memcmp(whole.at, parts.at, whole.len) != 0) ||
                        (rest.len && memcmp(whole.at + whole.len - rest.len, rest.at, rest.len))))
        abort();
    buf_release(&whole);
    buf_release(&parts);
    buf_release(&rest);
}

static bool put_values(const uint8_t *head, const uint8_t *at, const uint8_t *end, size_t step,
                       struct buf *out)
{
    static const size_t widths[] = {0, 4, 8, 12, 4, 8, 0, 0};
    struct parquet_values v = {.encoding = (enum parquet_encoding)(head[0] % 10),
                               .physical = (enum parquet_physical)(head[1] % 8)};
    v.width = v.physical == PHYSICAL_FIXED ? (size_t)1 + head[2] % 40U : widths[v.physical];
    struct arena arena = {0};
    enum parquet_store store = parquet_store_of(v.physical);
    struct text cells[64];
    const char *wrong = parquet_values_start(&v, at, end);
    bool good = !wrong;
    for (size_t read = 0; !wrong && read < 64; read += step) {
        wrong = parquet_values_read(&v, step, cells, &arena);
        for (size_t i = 0; !wrong && i < step; i++)
            if (store == STORE_TEXT)
                buf_add(out, cells[i].at, cells[i].len);
            else
                buf_add(out, (const char *)cells + 8 * i, 8);
        arena_release(&arena);
        good &= !wrong;
    }
    buf_release(&v.before_bytes);
    return good;
}

static void check_values(const uint8_t *data, size_t size)
{
    struct buf page = {0}, whole = {0}, parts = {0};
    char room[256 + 16];
    if (size < 3)
        return;
    buf_reserve(&page, size + PARQUET_SLACK);
    memcpy(page.at, data + 3, size - 3);
    memset(page.at + size - 3, 0, PARQUET_SLACK);
    const uint8_t *at = (const uint8_t *)page.at, *end = at + size - 3;
    bool good = put_values(data, at, end, 64, &whole);
    if (good != put_values(data, at, end, 4, &parts))
        abort();
    if (good && (whole.len != parts.len || (whole.len && memcmp(whole.at, parts.at, whole.len))))
        abort();
    (void)snappy_decompress(data, size, room, data[0] | (size_t)(data[1] & 1) << 7);
    buf_release(&page);
    buf_release(&whole);
    buf_release(&parts);
}

/* A file in memory, with a path. */
static int memory_file(struct bytes b, char path[static 32])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    (void)snprintf(path, 32, "/proc/self/fd/%d", fd);
    if (fd < 0 || write(fd, b.at, b.n) != (ssize_t)b.n)
        abort();
    return fd;
}

static bool joined(struct bytes from, struct buf *out)
{
    char path[32], made_path[32];
    int fd = memory_file(from, path), made = memory_file((struct bytes){NULL, 0}, made_path);
    struct parquet_part part = {path, "fuzz", 0, UINT64_MAX};
    bool is = parquet_join(&part, 1, made, "made", NULL) == 0;
    off_t n = lseek(made, 0, SEEK_END);
    if (n < 0 || (!is && n > 0))
        abort();
    buf_reserve(out, (size_t)n + 1);
    if (pread(made, out->at, (size_t)n, 0) != n)
        abort();
    out->len = (size_t)n;
    (void)close(fd);
    (void)close(made);
    return is;
}

static void check_joined(const struct parquet_file *f, struct bytes from)
{
    struct buf made = {0}, again = {0};
    if (joined(from, &made)) {
        struct bytes b = {(const uint8_t *)made.at, made.len};
        struct parquet_bytes bytes = {read_bytes, &b, b.n, "made"};
        struct parquet_file *g = NULL;
        if (parquet_open(&bytes, &g, NULL) || parquet_groups(f) != parquet_groups(g) ||
            parquet_rows(f) != parquet_rows(g) || f->chunks != g->chunks)
            abort();
        for (size_t i = 0; i < f->groups.len; i++)
            for (size_t c = 0; c < f->chunks; c++) {
                const struct parquet_chunk *x = &f->groups.at[i].chunks[c];
                const struct parquet_chunk *y = &g->groups.at[i].chunks[c];
                if (x->bytes != y->bytes || memcmp(from.at + x->offset, b.at + y->offset, x->bytes))
                    abort();
            }
        parquet_close(g);
        if (!joined(b, &again) || again.len != made.len || memcmp(again.at, made.at, made.len))
            abort();
    }
    buf_release(&made);
    buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4 || memcmp(data, "PAR1", 4) != 0) {
        check_values(data, size);
        return 0;
    }
    struct bytes b = {data, size};
    struct parquet_bytes bytes = {read_bytes, &b, size, "fuzz"};
    struct parquet_file *f = NULL;
    if (parquet_open(&bytes, &f, NULL))
        return 0;
    for (size_t g = 0; g < parquet_groups(f) && g < 8; g++)
        for (size_t c = 0; c < parquet_columns(f) && c < 32; c++)
            check_column(f, g, c);
    check_joined(f, b);
    parquet_close(f);
    return 0;
}
