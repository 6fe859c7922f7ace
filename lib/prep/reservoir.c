#include "prep/reservoir.h"

static bool before(uint64_t key, uint64_t arrival, const struct reservoir_row *b)
{
    return key != b->key ? key < b->key : arrival < b->row.arrival;
}

static void sift_up(struct reservoir_row *heap, size_t i)
{
    struct reservoir_row moving = heap[i];
    for (size_t up; i > 0; i = up) {
        up = (i - 1) / 2;
        if (before(moving.key, moving.row.arrival, &heap[up]))
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
        if (child + 1 < len && before(heap[child].key, heap[child].row.arrival, &heap[child + 1]))
            child++;
        if (before(heap[child].key, heap[child].row.arrival, &moving))
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
    struct reservoir_row kept = {.key = key};
    if (full)
        kept.row = v->heap.at[0].row; /* its buffer serves the new row */
    packed_row_take(&kept.row, b, row, arrival);
    if (full) {
        v->heap.at[0] = kept;
        sift_down(v->heap.at, v->heap.len);
    } else {
        vec_push(&v->heap, kept);
        sift_up(v->heap.at, v->heap.len - 1);
    }
}

int reservoir_emit(const struct reservoir *v, size_t n, const struct row_origin *origin,
                   struct emit *out, struct error *e)
{
    VEC(const struct packed_row *) kept = {0};
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < v[i].heap.len; k++)
            vec_push(&kept, &v[i].heap.at[k].row);
    int rc = packed_rows_emit(kept.at, kept.len, origin, out, e);
    vec_release(&kept);
    return rc;
}

void reservoir_release(struct reservoir *v)
{
    for (size_t i = 0; i < v->heap.len; i++)
        buf_release(&v->heap.at[i].row.bytes);
    vec_release(&v->heap);
}
