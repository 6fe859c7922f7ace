#include "stats/state.h"

#include <stdlib.h>

void sample_init(struct sample *s, size_t k, uint64_t seed, uint64_t stream)
{
    *s = (struct sample){.k = k, .seed = seed, .stream = stream};
}

static int compare_rows(const void *left, const void *right)
{
    const struct sample_item *a = left, *b = right;
    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    return text_compare(a->item, b->item);
}

/* Equal keys, as rows of one number have, are told apart by what the items hold, never by which of
 * them came first. */
static bool before(const struct sample_item *a, const struct sample_item *b)
{
    return a->key != b->key ? a->key < b->key : compare_rows(a, b) < 0;
}

bool sample_wants(const struct sample *s, uint64_t row)
{
    return s->heap.len < s->k ||
           (s->k > 0 && random_bits(s->seed, s->stream, row) <= s->heap.at[0].key);
}

static void sift_up(struct sample_item *heap, size_t i)
{
    struct sample_item moving = heap[i];
    for (size_t up; i > 0; i = up) {
        up = (i - 1) / 2;
        if (before(&moving, &heap[up]))
            break;
        heap[i] = heap[up];
    }
    heap[i] = moving;
}

static void sift_down(struct sample_item *heap, size_t i, size_t len)
{
    struct sample_item moving = heap[i];
    for (size_t child; (child = 2 * i + 1) < len; i = child) {
        if (child + 1 < len && before(&heap[child], &heap[child + 1]))
            child++;
        if (before(&heap[child], &moving))
            break;
        heap[i] = heap[child];
    }
    heap[i] = moving;
}

void sample_add(struct sample *s, uint64_t row, struct text item)
{
    struct sample_item kept = {random_bits(s->seed, s->stream, row), row, item};
    bool full = s->heap.len >= s->k;
    if (full && (s->k == 0 || !before(&kept, &s->heap.at[0])))
        return;
    kept.item.at = mem_text_n(item.at, item.len);
    if (!full) {
        vec_push(&s->heap, kept);
        sift_up(s->heap.at, s->heap.len - 1);
    } else {
        mem_free((void *)(uintptr_t)s->heap.at[0].item.at);
        s->heap.at[0] = kept;
        sift_down(s->heap.at, 0, s->heap.len);
    }
}

/* What was sorted for reading is no heap any more. */
void sample_merge(struct sample *into, const struct sample *from)
{
    for (size_t i = into->heap.len / 2; i-- > 0;)
        sift_down(into->heap.at, i, into->heap.len);
    for (size_t i = 0; i < from->heap.len; i++)
        sample_add(into, from->heap.at[i].row, from->heap.at[i].item);
}

void sample_sort(struct sample *s)
{
    if (s->heap.len)
        qsort(s->heap.at, s->heap.len, sizeof *s->heap.at, compare_rows);
}

/* Items by row, so that one sample has one text. */
json_t *sample_save(const struct sample *s)
{
    json_t *items = json_array();
    struct buf text = {0};
    size_t n = s->heap.len;
    struct sample_item *sorted = mem_copy(s->heap.at, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_rows);
    for (size_t i = 0; i < n; i++) {
        text.len = 0;
        state_escape(&text, sorted[i].item);
        json_array_append_new(
            items, json_pack("[I,s]", (json_int_t)sorted[i].row, (const char *)buf_text(&text)));
    }
    mem_free(sorted);
    buf_release(&text);
    return json_pack("{s:I,s:I,s:I,s:o}", "k", (json_int_t)s->k, "seed", (json_int_t)s->seed,
                     "stream", (json_int_t)s->stream, "items", items);
}

static bool load_items(struct sample *s, const json_t *items)
{
    struct buf text = {0};
    bool good = json_is_array(items) && json_array_size(items) <= s->k;
    for (size_t i = 0; good && i < json_array_size(items); i++) {
        const json_t *pair = json_array_get(items, i);
        const char *escaped = json_string_value(json_array_get(pair, 1));
        uint64_t row = 0;
        text.len = 0;
        good = escaped && state_read_count(json_array_get(pair, 0), &row) &&
               state_unescape(&text, escaped);
        if (good)
            sample_add(s, row, (struct text){buf_text(&text), text.len});
    }
    buf_release(&text);
    return good;
}

int sample_load(struct sample *s, const json_t *j, struct error *e)
{
    const json_t *seed = json_object_get(j, "seed"), *stream = json_object_get(j, "stream");
    uint64_t k;
    *s = (struct sample){0};
    if (state_get_count(j, "k", &k) && json_is_integer(seed) && json_is_integer(stream)) {
        sample_init(s, k, (uint64_t)json_integer_value(seed), (uint64_t)json_integer_value(stream));
        if (load_items(s, json_object_get(j, "items")))
            return 0;
    }
    sample_release(s);
    return error_set(e, ERR_DATA, "not the state of a sample (k, seed, stream, items)");
}

void sample_release(struct sample *s)
{
    for (size_t i = 0; i < s->heap.len; i++)
        mem_free((void *)(uintptr_t)s->heap.at[i].item.at);
    vec_release(&s->heap);
}
