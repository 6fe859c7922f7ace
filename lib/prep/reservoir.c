#include "prep/reservoir.h"

#include <stdlib.h>

enum { BATCH_ROWS = 4096 };

static bool before(uint64_t key, uint64_t arrival, const struct reservoir_row *b)
{
    return key != b->key ? key < b->key : arrival < b->arrival;
}

static void sift_up(struct reservoir_row *heap, size_t i)
{
    struct reservoir_row moving = heap[i];
    for (size_t up; i > 0; i = up) {
        up = (i - 1) / 2;
        if (before(moving.key, moving.arrival, &heap[up]))
            break;
        heap[i] = heap[up];
    }
    heap[i] = moving;
}

static void sift_down(struct reservoir_row *heap, size_t len)
{
    struct reservoir_row moving = heap[0];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < len; i = child) {
        if (child + 1 < len && before(heap[child].key, heap[child].arrival, &heap[child + 1]))
            child++;
        if (before(heap[child].key, heap[child].arrival, &moving))
            break;
        heap[i] = heap[child];
    }
    heap[i] = moving;
}

void reservoir_offer(struct reservoir *v, size_t k, uint64_t key, uint64_t arrival, struct batch *b,
                     size_t row)
{
    bool full = v->heap.len >= k;
    if (full && (k == 0 || !before(key, arrival, &v->heap.at[0])))
        return;
    struct reservoir_row kept = {.key = key, .arrival = arrival, .id = batch_row_id(b, row)};
    if (full)
        kept.bytes = v->heap.at[0].bytes; /* its buffer serves the new row */
    kept.bytes.len = 0;
    row_pack(b, row, &kept.bytes);
    if (full) {
        v->heap.at[0] = kept;
        sift_down(v->heap.at, v->heap.len);
    } else {
        vec_push(&v->heap, kept);
        sift_up(v->heap.at, v->heap.len - 1);
    }
}

static int by_arrival(const void *left, const void *right)
{
    const struct reservoir_row *a = *(const struct reservoir_row *const *)left;
    const struct reservoir_row *b = *(const struct reservoir_row *const *)right;
    return a->arrival < b->arrival ? -1 : a->arrival > b->arrival;
}

static int emit_rows(const struct reservoir_row *const *kept, size_t n,
                     const struct row_origin *origin, struct emit *out, struct error *e)
{
    struct batch *b = emit_batch(out);
    struct text *rows = batch_array(b, n, sizeof *rows);
    uint64_t *ids = batch_array(b, n, sizeof *ids);
    for (size_t i = 0; i < n; i++) {
        const struct buf *bytes = &kept[i]->bytes;
        rows[i] = (struct text){arena_copy(&b->arena, bytes->at, bytes->len), bytes->len};
        ids[i] = kept[i]->id;
    }
    rows_unpack(b, origin, rows, n, ids);
    return emit(out, b, e);
}

int reservoir_emit(const struct reservoir *v, size_t n, const struct row_origin *origin,
                   struct emit *out, struct error *e)
{
    VEC(const struct reservoir_row *) kept = {0};
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < v[i].heap.len; k++)
            vec_push(&kept, &v[i].heap.at[k]);
    if (kept.len > 1)
        qsort(kept.at, kept.len, sizeof *kept.at, by_arrival);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < kept.len; i += BATCH_ROWS) {
        size_t some = kept.len - i < BATCH_ROWS ? kept.len - i : BATCH_ROWS;
        rc = emit_rows(kept.at + i, some, origin, out, e);
    }
    vec_release(&kept);
    return rc < 0 ? rc : 0;
}

void reservoir_release(struct reservoir *v)
{
    for (size_t i = 0; i < v->heap.len; i++)
        buf_release(&v->heap.at[i].bytes);
    vec_release(&v->heap);
}
