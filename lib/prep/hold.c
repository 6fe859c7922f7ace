#include "prep/hold.h"

#include "sys/sys.h"
#include "table/rows.h"

#include <unistd.h>

enum { READ_SLACK = 64 }; /* readable bytes behind the text of a batch */

/* The rows of one batch: their lengths, their ids (each n 64-bit numbers), then their bytes. */
struct block {
    uint64_t sequence, number; /* place in the stream; batches of one chunk go by number */
    size_t rows, bytes;
    char *at; /* NULL: in the file */
    int fd;
    uint64_t offset;
};

struct hold {
    size_t memory, held;
    struct row_origin origin;
    VEC(struct block) blocks;
    VEC(int) files; /* the last one is being written, to file_end */
    bool has_file;
    uint64_t file_end, numbers, rows;
};

struct hold *hold_new(size_t memory)
{
    struct hold *h = mem_alloc(sizeof *h);
    h->memory = memory;
    return h;
}

static void pack_block(struct batch *b, struct buf *out)
{
    size_t lengths = b->rows * sizeof(uint64_t);
    buf_reserve(out, 2 * lengths);
    out->len = 2 * lengths;
    for (size_t r = 0; r < b->rows; r++) {
        size_t start = out->len;
        row_pack(b, r, out);
        uint64_t length = out->len - start, id = batch_row_id(b, r);
        memcpy(out->at + r * sizeof length, &length, sizeof length);
        memcpy(out->at + lengths + r * sizeof id, &id, sizeof id);
    }
}

/* Appends a block that memory has no room for to this thread's file. */
static int spill(struct hold *h, struct block *block, struct buf *bytes, struct error *e)
{
    if (!h->has_file) {
        int fd = scratch_open(e);
        if (fd < 0)
            return fd;
        vec_push(&h->files, fd);
        h->has_file = true;
        h->file_end = 0;
    }
    block->fd = h->files.at[h->files.len - 1];
    block->offset = h->file_end;
    int rc = file_write(block->fd, bytes->at, bytes->len, "scratch file", e);
    h->file_end += bytes->len;
    buf_release(bytes);
    return rc;
}

int hold_add(struct hold *h, struct batch *b, struct error *e)
{
    if (b->rows == 0)
        return 0;
    row_origin_see(&h->origin, b);
    struct buf bytes = {0};
    pack_block(b, &bytes);
    struct block block = {
        .sequence = b->sequence, .number = h->numbers++, .rows = b->rows, .bytes = bytes.len};
    if (h->held + bytes.cap > h->memory) {
        int rc = spill(h, &block, &bytes, e);
        if (rc)
            return rc;
    } else {
        h->held += bytes.cap;
        block.at = bytes.at;
    }
    vec_push(&h->blocks, block);
    h->rows += b->rows;
    return 0;
}

void hold_merge(struct hold *into, struct hold *from)
{
    row_origin_merge(&into->origin, &from->origin);
    for (size_t i = 0; i < from->blocks.len; i++)
        vec_push(&into->blocks, from->blocks.at[i]);
    for (size_t i = 0; i < from->files.len; i++)
        vec_push(&into->files, from->files.at[i]);
    into->rows += from->rows;
    into->held += from->held;
    into->has_file = false;
    from->blocks.len = from->files.len = 0;
    from->rows = from->held = 0;
    from->has_file = false;
}

static int by_place(const void *a, const void *b)
{
    const struct block *x = a, *y = b;
    if (x->sequence != y->sequence)
        return x->sequence < y->sequence ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

void hold_sort(struct hold *h)
{
    if (h->blocks.len > 1)
        qsort(h->blocks.at, h->blocks.len, sizeof *h->blocks.at, by_place);
}

size_t hold_blocks(const struct hold *h)
{
    return h->blocks.len;
}

uint64_t hold_rows(const struct hold *h)
{
    return h->rows;
}

static int load_block(const struct block *block, struct buf *text, struct error *e)
{
    text->len = 0;
    buf_reserve(text, block->bytes + READ_SLACK);
    text->len = block->bytes;
    if (block->at) {
        memcpy(text->at, block->at, block->bytes);
        return 0;
    }
    ssize_t got = file_read_at(block->fd, text->at, block->bytes, block->offset, "scratch file", e);
    if (got < 0)
        return (int)got;
    return (size_t)got == block->bytes ? 0 : error_set(e, ERR_SYSTEM, "scratch file: is cut short");
}

int hold_read(struct hold *h, size_t i, bool backwards, struct batch *b, struct error *e)
{
    const struct block *block = &h->blocks.at[i];
    int rc = load_block(block, &b->text, e);
    if (rc)
        return rc;
    size_t n = block->rows;
    struct text *rows = batch_array(b, n, sizeof *rows);
    uint64_t *ids = batch_array(b, n, sizeof *ids);
    const char *at = b->text.at + 2 * n * sizeof(uint64_t);
    for (size_t r = 0; r < n; r++) {
        uint64_t length;
        size_t to = backwards ? n - 1 - r : r;
        memcpy(&length, b->text.at + r * sizeof length, sizeof length);
        memcpy(&ids[to], b->text.at + (n + r) * sizeof *ids, sizeof *ids);
        rows[to] = (struct text){at, (size_t)length};
        at += length;
    }
    rows_unpack(b, &h->origin, rows, n, ids);
    return 0;
}

void hold_free(struct hold *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < h->blocks.len; i++)
        mem_free(h->blocks.at[i].at);
    for (size_t i = 0; i < h->files.len; i++)
        (void)close(h->files.at[i]);
    vec_release(&h->blocks);
    vec_release(&h->files);
    row_origin_release(&h->origin);
    mem_free(h);
}
