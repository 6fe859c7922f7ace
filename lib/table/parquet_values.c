/* The encodings of values in pages. */
#include "base/words.h"
#include "table/parquet_cursor.h"

static const char too_few[] = "a page has fewer values than it says";

enum { MADE_MAX = 256 << 20 }; /* bytes of texts put together in one read */

enum parquet_store parquet_store_of(enum parquet_physical physical)
{
    switch (physical) {
    case PHYSICAL_BOOLEAN:
    case PHYSICAL_INT32:
    case PHYSICAL_INT64:
        return STORE_INT;
    case PHYSICAL_FLOAT:
    case PHYSICAL_DOUBLE:
        return STORE_FLOAT;
    case PHYSICAL_INT96:
    case PHYSICAL_BYTES:
    case PHYSICAL_FIXED:
        break;
    }
    return STORE_TEXT;
}

size_t parquet_store_size(enum parquet_store store)
{
    return store == STORE_TEXT ? sizeof(struct text) : 8;
}

static bool is_int(const struct parquet_values *v)
{
    return v->physical == PHYSICAL_INT32 || v->physical == PHYSICAL_INT64;
}

/* Prefixes, then the lengths of suffixes, then the suffixes. */
static bool start_delta_bytes(struct parquet_values *v)
{
    const uint8_t *behind;
    if (!delta_start(&v->first, v->at, v->end) || !(behind = delta_end(&v->first)) ||
        !delta_start(&v->second, behind, v->end) || !(behind = delta_end(&v->second)))
        return false;
    v->at = behind;
    v->before = (struct text){"", 0};
    return true;
}

static bool start_delta_length(struct parquet_values *v)
{
    const uint8_t *behind;
    if (!delta_start(&v->first, v->at, v->end) || !(behind = delta_end(&v->first)))
        return false;
    v->at = behind;
    return true;
}

/* Truth values have the length of their bytes before them. */
static bool start_runs(struct parquet_values *v)
{
    size_t n = (size_t)(v->end - v->at);
    if (v->physical != PHYSICAL_BOOLEAN || n < 4 || word_load_4(v->at) > n - 4)
        return false;
    hybrid_start(&v->indexes, v->at + 4, v->at + 4 + word_load_4(v->at), 1);
    return true;
}

/* A page whose values are all null may be empty. */
static bool start_indexes(struct parquet_values *v)
{
    unsigned width = v->at < v->end ? *v->at : 0;
    hybrid_start(&v->indexes, v->at + (v->at < v->end), v->end, width);
    return width <= 32;
}

const char *parquet_values_start(struct parquet_values *v, const uint8_t *at, const uint8_t *end)
{
    bool fits = true;
    v->at = at;
    v->end = end;
    v->next = 0;
    switch (v->encoding) {
    case ENCODING_PLAIN:
        break;
    case ENCODING_PLAIN_DICTIONARY:
    case ENCODING_RLE_DICTIONARY:
        fits = start_indexes(v);
        break;
    case ENCODING_RLE:
        fits = at == end || start_runs(v);
        break;
    case ENCODING_DELTA_BINARY_PACKED:
        fits = is_int(v) && (at == end || delta_start(&v->first, at, end));
        break;
    case ENCODING_DELTA_LENGTH:
        fits = v->physical == PHYSICAL_BYTES && (at == end || start_delta_length(v));
        break;
    case ENCODING_DELTA_BYTES:
        fits = (v->physical == PHYSICAL_BYTES || v->physical == PHYSICAL_FIXED) &&
               (at == end || start_delta_bytes(v));
        break;
    case ENCODING_BYTE_STREAM_SPLIT:
        fits = v->width > 0;
        v->count = fits ? (size_t)(end - at) / v->width : 0;
        break;
    case ENCODING_BIT_PACKED:
    default:
        return "an encoding that is not read";
    }
    return fits ? NULL : "a page's values are not encoded as it says";
}

static bool plain_bits(struct parquet_values *v, size_t n, int64_t *into)
{
    if (n > (size_t)(v->end - v->at) * 8 - v->next)
        return false;
    for (size_t i = 0; i < n; i++, v->next++)
        into[i] = v->at[v->next / 8] >> (v->next & 7) & 1;
    return true;
}

static bool plain_int32(struct parquet_values *v, size_t n, int64_t *into)
{
    for (size_t i = 0; i < n; i++)
        into[i] = (int32_t)word_load_4(v->at + 4 * i);
    return true;
}

static bool plain_float(struct parquet_values *v, size_t n, double *into)
{
    for (size_t i = 0; i < n; i++) {
        float f;
        memcpy(&f, v->at + 4 * i, 4);
        into[i] = (double)f;
    }
    return true;
}

static bool plain_bytes(struct parquet_values *v, size_t n, struct text *into)
{
    const uint8_t *at = v->at, *end = v->end;
    for (size_t i = 0; i < n; i++) {
        size_t there = (size_t)(end - at);
        if (UNLIKELY(there < 4 || word_load_4(at) > there - 4))
            return false;
        into[i] = (struct text){(const char *)at + 4, word_load_4(at)};
        at += 4 + into[i].len;
    }
    v->at = at;
    return true;
}

static bool plain_fixed(const struct parquet_values *v, size_t n, struct text *into)
{
    for (size_t i = 0; i < n; i++)
        into[i] = (struct text){(const char *)v->at + i * v->width, v->width};
    return true;
}

static bool read_plain(struct parquet_values *v, size_t n, void *into)
{
    if (v->physical == PHYSICAL_BOOLEAN)
        return plain_bits(v, n, into);
    if (v->physical == PHYSICAL_BYTES)
        return plain_bytes(v, n, into);
    if (n > (size_t)(v->end - v->at) / v->width)
        return false;
    if (v->physical == PHYSICAL_INT32)
        (void)plain_int32(v, n, into);
    else if (v->physical == PHYSICAL_FLOAT)
        (void)plain_float(v, n, into);
    else if (v->physical == PHYSICAL_INT64 || v->physical == PHYSICAL_DOUBLE)
        memcpy(into, v->at, n * 8);
    else
        (void)plain_fixed(v, n, into);
    v->at += n * v->width;
    return true;
}

static bool read_runs(struct parquet_values *v, size_t n, int64_t *into)
{
    uint32_t some[256];
    for (size_t i = 0; i < n;) {
        size_t take = n - i < COUNT_OF(some) ? n - i : COUNT_OF(some);
        if (!hybrid_read(&v->indexes, some, take))
            return false;
        for (size_t k = 0; k < take; k++)
            into[i++] = some[k];
    }
    return true;
}

/* Values of 32 bits wrap there. */
static bool read_delta(struct parquet_values *v, size_t n, int64_t *into)
{
    if (!delta_read(&v->first, into, n))
        return false;
    if (v->physical == PHYSICAL_INT32)
        for (size_t i = 0; i < n; i++)
            into[i] = (int32_t)(uint32_t)into[i];
    return true;
}

static bool read_delta_length(struct parquet_values *v, size_t n, struct text *into)
{
    int64_t lengths[256];
    for (size_t i = 0; i < n;) {
        size_t take = n - i < COUNT_OF(lengths) ? n - i : COUNT_OF(lengths);
        if (!delta_read(&v->first, lengths, take))
            return false;
        for (size_t k = 0; k < take; k++, i++) {
            if (lengths[k] < 0 || lengths[k] > v->end - v->at)
                return false;
            into[i] = (struct text){(const char *)v->at, (size_t)lengths[k]};
            v->at += lengths[k];
        }
    }
    return true;
}

/* The next value: the beginning of the one before and a suffix. */
static bool join_suffix(struct parquet_values *v, int64_t prefix, int64_t suffix,
                        struct arena *arena, size_t *made, struct text *into)
{
    if (prefix < 0 || (uint64_t)prefix > v->before.len || suffix < 0 || suffix > v->end - v->at)
        return false;
    *into = (struct text){(const char *)v->at, (size_t)suffix};
    if (suffix == 0)
        *into = (struct text){v->before.at, (size_t)prefix};
    if (prefix > 0 && suffix > 0) {
        size_t n = (size_t)prefix + (size_t)suffix;
        *made += n;
        if (*made > MADE_MAX)
            return false;
        char *bytes = arena_alloc(arena, n);
        memcpy(bytes, v->before.at, (size_t)prefix);
        memcpy(bytes + prefix, v->at, (size_t)suffix);
        *into = (struct text){bytes, n};
    }
    v->at += suffix;
    v->before = *into;
    return v->physical == PHYSICAL_BYTES || into->len == v->width;
}

static bool read_delta_bytes(struct parquet_values *v, size_t n, struct text *into,
                             struct arena *arena)
{
    size_t made = 0;
    v->before.at = arena_copy(arena, v->before.at, v->before.len);
    for (size_t i = 0; i < n; i++) {
        int64_t prefix, suffix;
        if (!delta_read(&v->first, &prefix, 1) || !delta_read(&v->second, &suffix, 1) ||
            !join_suffix(v, prefix, suffix, arena, &made, &into[i]))
            return false;
    }
    v->before_bytes.len = 0; /* the arena may go before the next read */
    buf_add(&v->before_bytes, v->before.at, v->before.len);
    v->before.at = buf_text(&v->before_bytes);
    return true;
}

static bool split_texts(struct parquet_values *v, size_t n, struct text *into, struct arena *arena)
{
    char *bytes = arena_alloc(arena, n * v->width + 1);
    for (size_t k = 0; k < v->width; k++)
        for (size_t i = 0; i < n; i++)
            bytes[i * v->width + k] = (char)v->at[k * v->count + v->next + i];
    for (size_t i = 0; i < n; i++)
        into[i] = (struct text){bytes + i * v->width, v->width};
    return true;
}

static uint64_t joined_bytes(const struct parquet_values *v, size_t i)
{
    uint64_t word = 0;
    for (size_t k = 0; k < v->width; k++)
        word |= (uint64_t)v->at[k * v->count + i] << (8 * k);
    return word;
}

static void split_words(const struct parquet_values *v, size_t n, void *into)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t word = joined_bytes(v, v->next + i);
        uint32_t half = (uint32_t)word;
        float f;
        memcpy(&f, &half, 4);
        if (v->physical == PHYSICAL_INT32)
            ((int64_t *)into)[i] = (int32_t)half;
        else if (v->physical == PHYSICAL_FLOAT)
            ((double *)into)[i] = (double)f;
        else
            memcpy((uint64_t *)into + i, &word, 8);
    }
}

static bool read_split(struct parquet_values *v, size_t n, void *into, struct arena *arena)
{
    if (n > v->count - v->next)
        return false;
    if (parquet_store_of(v->physical) == STORE_TEXT)
        (void)split_texts(v, n, into, arena);
    else
        split_words(v, n, into);
    v->next += n;
    return true;
}

static bool read_values(struct parquet_values *v, size_t n, void *into, struct arena *arena)
{
    switch (v->encoding) {
    case ENCODING_PLAIN:
        return read_plain(v, n, into);
    case ENCODING_RLE:
        return read_runs(v, n, into);
    case ENCODING_DELTA_BINARY_PACKED:
        return read_delta(v, n, into);
    case ENCODING_DELTA_LENGTH:
        return read_delta_length(v, n, into);
    case ENCODING_DELTA_BYTES:
        return read_delta_bytes(v, n, into, arena);
    case ENCODING_BYTE_STREAM_SPLIT:
        return read_split(v, n, into, arena);
    case ENCODING_PLAIN_DICTIONARY:
    case ENCODING_RLE_DICTIONARY:
    case ENCODING_BIT_PACKED:
        break;
    }
    return false;
}

const char *parquet_values_read(struct parquet_values *v, size_t n, void *into, struct arena *arena)
{
    return n == 0 || read_values(v, n, into, arena) ? NULL : too_few;
}
