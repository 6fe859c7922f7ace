/* Copies of rows: added one after the other, freed together. */
#include "store/pit_parts.h"
#include "sys/sys.h"

/* A block is, with its head, some large pages. Rows are some lines of the cache or half of one. */
enum { BLOCK = (8 << 20) - 24, ALIGNMENT = 16 };

struct pit_rows_block {
    struct pit_rows_block *next;
    size_t used, size; /* of bytes */
    _Alignas(8) char bytes[];
};

struct pit_row *pit_rows_add(struct pit_rows *rows, size_t len, size_t *held)
{
    size_t n = (sizeof(struct pit_row) + len + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct pit_rows_block *b = rows->blocks;
    if (!b || b->size - b->used < n) {
        size_t size = n > BLOCK ? n : BLOCK;
        b = pages_alloc(sizeof *b + size);
        *b = (struct pit_rows_block){.next = rows->blocks, .size = size};
        rows->blocks = b;
        *held += size;
    }
    struct pit_row *row = (void *)(b->bytes + b->used);
    b->used += n;
    *row = (struct pit_row){.room = (n - sizeof *row) / 8 & PIT_ROOM_MAX};
    __builtin_prefetch((char *)row + 4 * n, 1);
    return row;
}

void pit_rows_release(struct pit_rows *rows)
{
    for (struct pit_rows_block *b = rows->blocks, *next; b; b = next) {
        next = b->next;
        pages_free(b, sizeof *b + b->size);
    }
    rows->blocks = NULL;
}
