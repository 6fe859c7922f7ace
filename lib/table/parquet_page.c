/* Pages: their headers, checksums and compression, and what stands before their values. */
#include "table/parquet_cursor.h"
#include "table/thrift.h"

#include <zlib.h>

enum { HEADER_FIRST = 512, HEADER_MAX = 16 << 20 };

struct page_header {
    int64_t kind, size, stored;
    bool has_checksum;
    uint32_t checksum;
    /* Of the data or dictionary header */
    int64_t values, encoding, level_encoding, level_bytes, repetition_bytes;
    bool is_stored; /* version 2: values are not compressed */
};

/* DataPageHeader, DataPageHeaderV2 and DictionaryPageHeader number their fields each its own
 * way. */
static void read_kind_header(struct thrift_reader *r, enum thrift_type type, int32_t kind,
                             struct page_header *h)
{
    struct thrift_field f = {0};
    bool v2 = kind == 8;
    if (!thrift_enter(r, type))
        return;
    while (thrift_next(r, &f)) {
        if (f.id == 1)
            h->values = thrift_int(r, f.type);
        else if (f.id == (v2 ? 4 : 2))
            h->encoding = thrift_int(r, f.type);
        else if (!v2 && kind == 5 && f.id == 3)
            h->level_encoding = thrift_int(r, f.type);
        else if (v2 && f.id == 5)
            h->level_bytes = thrift_int(r, f.type);
        else if (v2 && f.id == 6)
            h->repetition_bytes = thrift_int(r, f.type);
        else if (v2 && f.id == 7)
            h->is_stored = !thrift_bool(r, f.type);
        else
            thrift_skip(r, f.type);
    }
    thrift_leave(r);
}

static void read_header(struct thrift_reader *r, struct page_header *h)
{
    struct thrift_field f = {0};
    *h = (struct page_header){.kind = -1, .values = -1, .level_encoding = ENCODING_RLE};
    while (thrift_next(r, &f)) {
        if (f.id == 1) {
            h->kind = thrift_int(r, f.type);
        } else if (f.id == 2) {
            h->size = thrift_int(r, f.type);
        } else if (f.id == 3) {
            h->stored = thrift_int(r, f.type);
        } else if (f.id == 4) {
            h->checksum = (uint32_t)thrift_int(r, f.type);
            h->has_checksum = true;
        } else if (f.id == 5 || f.id == 7 || f.id == 8) {
            read_kind_header(r, f.type, f.id, h);
        } else {
            thrift_skip(r, f.type);
        }
    }
}

static int read_bytes(struct parquet_cursor *c, uint64_t at, size_t n, struct error *e)
{
    const struct parquet_bytes *b = &c->file->bytes;
    c->stored.len = 0;
    buf_reserve(&c->stored, n + PARQUET_SLACK);
    c->stored.len = n;
    memset(c->stored.at + n, 0, PARQUET_SLACK);
    return n ? b->read(b->context, at, c->stored.at, n, e) : 0;
}

/* How long a header is stands nowhere. */
static int load_header(struct parquet_cursor *c, struct page_header *h, struct error *e)
{
    uint64_t left = c->end - c->at;
    for (size_t want = HEADER_FIRST;; want *= 8) {
        size_t n = want < left ? want : (size_t)left;
        int status = read_bytes(c, c->at, n, e);
        if (status)
            return status;
        struct thrift_reader r = {.at = (uint8_t *)c->stored.at};
        r.end = r.at + n;
        read_header(&r, h);
        if (!r.failed) {
            c->at += (uint64_t)(r.at - (uint8_t *)c->stored.at);
            return 0;
        }
        if (r.at < r.end || n < want || want > HEADER_MAX)
            return parquet_error(c->file, c->leaf, ERR_DATA, e,
                                 "the page at byte %llu has no header", (unsigned long long)c->at);
    }
}

static int damaged(const struct parquet_cursor *c, const char *what, struct error *e)
{
    return parquet_error(c->file, c->leaf, ERR_DATA, e, "%s (in the page that ends at byte %llu)",
                         what, (unsigned long long)c->at);
}

/* A fuzzer would never come past it. */
static bool has_sum(const struct parquet_cursor *c, const struct page_header *h)
{
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    (void)c, (void)h;
    return true;
#else
    return (uint32_t)crc32(0, (const Bytef *)c->stored.at, (uInt)h->stored) == h->checksum;
#endif
}

static int load_stored(struct parquet_cursor *c, const struct page_header *h, struct error *e)
{
    if (h->size < 0 || h->stored < 0 || (uint64_t)h->size > PARQUET_PAGE_MAX ||
        (uint64_t)h->stored > c->end - c->at || (uint64_t)h->stored > PARQUET_PAGE_MAX)
        return damaged(c, "a page is longer than its chunk, or than a page may be", e);
    int status = read_bytes(c, c->at, (size_t)h->stored, e);
    if (status)
        return status;
    c->at += (uint64_t)h->stored;
    if (h->has_checksum && !has_sum(c, h))
        return damaged(c, "a page's checksum is wrong", e);
    return 0;
}

/* An empty arena that nobody else holds. */
static struct shared *fresh_memory(struct shared *old)
{
    shared_drop(old);
    return shared_new();
}

/* The page's bytes from `skip` on, decompressed if they are compressed, into memory. */
static int unpack(struct parquet_cursor *c, const struct page_header *h, size_t skip,
                  struct shared *memory, uint8_t **at, size_t *n, struct error *e)
{
    size_t stored = (size_t)h->stored - skip;
    enum parquet_codec codec = h->is_stored ? PARQUET_NONE : c->chunk->codec;
    *n = (size_t)h->size - skip;
    if (!parquet_plausible(codec, stored, *n))
        return damaged(c, "a page's lengths cannot be", e);
    *at = arena_alloc(&memory->arena, *n + PARQUET_SLACK);
    memset(*at + *n, 0, PARQUET_SLACK);
    struct text bytes = {c->stored.at + skip, stored};
    if (*n == 0)
        return 0;
    struct error inner = {0};
    int status = parquet_decompress(&c->library, codec, bytes, *at, *n, &inner);
    if (status)
        parquet_error(c->file, c->leaf, status, e, "%s", inner.message);
    return status;
}

static int load_dictionary(struct parquet_cursor *c, const struct page_header *h, struct error *e)
{
    uint8_t *at = NULL;
    size_t n = 0, count = (size_t)h->values;
    bool plain = h->encoding == ENCODING_PLAIN || h->encoding == ENCODING_PLAIN_DICTIONARY;
    if (c->entries || h->values < 0 || !plain || c->leaf->physical == PHYSICAL_BOOLEAN)
        return damaged(c, "a dictionary that cannot be", e);
    c->dictionary = fresh_memory(c->dictionary);
    int status = unpack(c, h, 0, c->dictionary, &at, &n, e);
    if (status)
        return status;
    size_t least = c->leaf->physical == PHYSICAL_BYTES ? 4 : c->values.width;
    if (count > n / least)
        return damaged(c, "a dictionary has fewer values than it says", e);
    struct parquet_values v = c->values;
    v.encoding = ENCODING_PLAIN;
    (void)parquet_values_start(&v, at, at + n);
    struct arena *arena = &c->dictionary->arena;
    void *stored = arena_alloc(
        arena, count * parquet_store_size(parquet_store_of(c->leaf->physical)) + PARQUET_SLACK);
    void *entries =
        arena_alloc(arena, count * parquet_form_size(c->leaf->shown.form) + PARQUET_SLACK);
    const char *wrong = parquet_values_read(&v, count, stored, arena);
    if (!wrong && count > 0)
        wrong = parquet_mean(c->leaf, stored, count, entries, arena);
    c->entries = entries;
    c->entry_count = count;
    return wrong ? damaged(c, wrong, e) : 0;
}

/* Version 1: a length stands before the levels, which are compressed with the values. */
static bool start_levels(struct parquet_cursor *c, uint8_t **at, const uint8_t *end)
{
    uint32_t n;
    if (end - *at < 4)
        return false;
    memcpy(&n, *at, 4);
    *at += 4;
    if (n > (size_t)(end - *at))
        return false;
    hybrid_start(&c->levels, *at, *at + n, 1);
    *at += n;
    return true;
}

static int start_values(struct parquet_cursor *c, const struct page_header *h, uint8_t *at,
                        const uint8_t *end, struct error *e)
{
    bool indexes =
        h->encoding == ENCODING_RLE_DICTIONARY || h->encoding == ENCODING_PLAIN_DICTIONARY;
    if (indexes && !c->entries)
        return damaged(c, "a page has a dictionary's numbers, and there is none", e);
    if (h->encoding < 0 || h->encoding > ENCODING_BYTE_STREAM_SPLIT)
        return damaged(c, "an encoding that is not read", e);
    c->values.encoding = (enum parquet_encoding)h->encoding;
    c->page_rows = (uint64_t)h->values;
    const char *wrong = parquet_values_start(&c->values, at, end);
    return wrong ? damaged(c, wrong, e) : 0;
}

static int load_data(struct parquet_cursor *c, const struct page_header *h, struct error *e)
{
    uint8_t *at = NULL;
    size_t n = 0;
    if (c->leaf->optional && h->level_encoding != ENCODING_RLE)
        return damaged(c, "levels in the old encoding BIT_PACKED, which are not read", e);
    c->page = fresh_memory(c->page);
    int status = unpack(c, h, 0, c->page, &at, &n, e);
    if (status)
        return status;
    const uint8_t *end = at + n;
    c->has_levels = c->leaf->optional;
    if (c->has_levels && !start_levels(c, &at, end))
        return damaged(c, "a page's levels are longer than the page", e);
    return start_values(c, h, at, end, e);
}

static int load_data_v2(struct parquet_cursor *c, const struct page_header *h, struct error *e)
{
    uint8_t *at = NULL;
    size_t n = 0, skip;
    int64_t least = h->size < h->stored ? h->size : h->stored;
    if (h->level_bytes < 0 || h->repetition_bytes < 0 || h->level_bytes > least ||
        h->repetition_bytes > least - h->level_bytes)
        return damaged(c, "a page's levels are longer than the page", e);
    c->page = fresh_memory(c->page);
    skip = (size_t)(h->level_bytes + h->repetition_bytes);
    c->has_levels = c->leaf->optional;
    size_t levels = (size_t)h->level_bytes;
    uint8_t *copy = arena_alloc(&c->page->arena, levels + PARQUET_SLACK);
    memset(copy + levels, 0, PARQUET_SLACK);
    memcpy(copy, c->stored.at + h->repetition_bytes, levels);
    hybrid_start(&c->levels, copy, copy + levels, 1);
    int status = unpack(c, h, skip, c->page, &at, &n, e);
    return status ? status : start_values(c, h, at, at + n, e);
}

int parquet_next_page(struct parquet_cursor *c, struct error *e)
{
    c->page_rows = 0;
    while (c->page_rows == 0) {
        struct page_header h;
        if (c->at >= c->end)
            return damaged(c, "a chunk has fewer values than its group has rows", e);
        int status = load_header(c, &h, e);
        if (status == 0)
            status = load_stored(c, &h, e);
        if (status)
            return status;
        if (h.kind == PAGE_INDEX)
            continue;
        if (h.values < 0 || h.kind < PAGE_DATA || h.kind > PAGE_DATA_V2)
            return damaged(c, "a page of unknown kind", e);
        if (h.kind == PAGE_DICTIONARY)
            status = load_dictionary(c, &h, e);
        else if ((uint64_t)h.values > c->rows)
            return damaged(c, "a chunk has more values than its group has rows", e);
        else
            status = h.kind == PAGE_DATA ? load_data(c, &h, e) : load_data_v2(c, &h, e);
        if (status)
            return status;
    }
    return 0;
}
