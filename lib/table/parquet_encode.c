/* From the cells of a column to the pages of its chunk. */
#include "table/parquet_encode.h"

#include "table/parquet_bits.h"
#include "table/thrift.h"

#include <math.h>
#include <zlib.h>

enum {
    DICTIONARY_MAX = 1 << 20, /* bytes */
    TRIAL_VALUES = 8192,      /* of which most must not be new */
    BOUND_MAX = 64,           /* bytes of a text that is a bound */
};

enum parquet_physical parquet_physical_of(enum type type)
{
    switch (type) {
    case TYPE_INT:
    case TYPE_TIME:
        return PHYSICAL_INT64;
    case TYPE_FLOAT:
        return PHYSICAL_DOUBLE;
    case TYPE_BOOL:
        return PHYSICAL_BOOLEAN;
    case TYPE_TEXT:
    case TYPE_JSON:
        break;
    }
    return PHYSICAL_BYTES;
}

static bool is_text(const struct parquet_cells *c)
{
    return c->type == TYPE_TEXT || c->type == TYPE_JSON;
}

/* A walk over the cells that are there. */
struct place {
    size_t value;  /* number of the next, */
    size_t offset; /* and where its bytes begin */
};

static inline struct text next_value(const struct parquet_cells *c, struct place *p)
{
    uint32_t n = c->type == TYPE_BOOL ? 1 : 8;
    if (is_text(c))
        memcpy(&n, c->lengths.at + p->value * sizeof n, sizeof n);
    struct text v = {c->values.at + p->offset, n};
    p->value++;
    p->offset += n;
    return v;
}

struct dictionary {
    uint32_t *slots; /* entry + 1; 0: none */
    size_t mask;
    VEC(struct text) entries;
    uint32_t *numbers; /* per value */
    size_t bytes;      /* of its page */
};

static uint64_t word_of(struct text v)
{
    uint64_t word;
    memcpy(&word, v.at, 8);
    return word;
}

static uint32_t new_entry(struct dictionary *d, struct text v, size_t slot, size_t bytes)
{
    vec_push(&d->entries, v);
    d->bytes += bytes;
    return (d->slots[slot] = (uint32_t)d->entries.len) - 1;
}

static uint32_t number_of_text(struct dictionary *d, struct text v)
{
    size_t slot = hash_bytes(v.at, v.len, 0) & d->mask;
    for (; d->slots[slot]; slot = (slot + 1) & d->mask) {
        struct text entry = d->entries.at[d->slots[slot] - 1];
        if (entry.len == v.len && memcmp(entry.at, v.at, v.len) == 0)
            return d->slots[slot] - 1;
    }
    return new_entry(d, v, slot, 4 + v.len);
}

static uint32_t number_of_word(struct dictionary *d, struct text v)
{
    uint64_t word = word_of(v);
    size_t slot = hash_u64(word) & d->mask;
    for (; d->slots[slot]; slot = (slot + 1) & d->mask)
        if (word_of(d->entries.at[d->slots[slot] - 1]) == word)
            return d->slots[slot] - 1;
    return new_entry(d, v, slot, 8);
}

static unsigned width_of(size_t entries)
{
    unsigned width = 1;
    while (width < 32 && (size_t)1 << width < entries)
        width++;
    return width;
}

/* Numbers all values; false when a dictionary does not pay. */
static bool fill_dictionary(struct dictionary *d, const struct parquet_cells *c)
{
    struct place p = {0};
    bool text = is_text(c);
    for (size_t i = 0; i < c->count; i++) {
        struct text v = next_value(c, &p);
        d->numbers[i] = text ? number_of_text(d, v) : number_of_word(d, v);
        if (d->bytes > DICTIONARY_MAX ||
            (i == TRIAL_VALUES && d->entries.len > TRIAL_VALUES / 4 * 3))
            return false;
    }
    size_t plain = c->values.len + (text ? 4 * c->count : 0);
    return d->bytes + c->count * width_of(d->entries.len) / 8 + 64 < plain;
}

static bool make_dictionary(struct dictionary *d, const struct parquet_cells *c)
{
    if (c->type == TYPE_BOOL || c->count == 0)
        return false;
    size_t slots = 64;
    while (slots < 2 * c->count)
        slots *= 2;
    d->mask = slots - 1;
    d->slots = mem_alloc(slots * sizeof *d->slots);
    d->numbers = mem_array(NULL, c->count, sizeof *d->numbers);
    return fill_dictionary(d, c);
}

static void dictionary_release(struct dictionary *d)
{
    mem_free(d->slots);
    mem_free(d->numbers);
    vec_release(&d->entries);
}

static void put_text(struct buf *out, struct text v)
{
    uint32_t n = (uint32_t)v.len;
    buf_add(out, &n, sizeof n);
    buf_add(out, v.at, v.len);
}

/* One chunk being encoded. */
struct job {
    const struct parquet_cells *cells;
    const struct parquet_options *options;
    struct parquet_library *codecs;
    struct parquet_encoded *out;
    const struct dictionary *dictionary; /* NULL: values are PLAIN */
    struct buf page, packed;
};

/* Compresses and appends j->page with its header; `kind` is the field of its own header. */
static int put_page(struct job *j, enum parquet_page_kind kind, size_t values,
                    enum parquet_encoding encoding, struct error *e)
{
    struct buf *out = &j->out->bytes;
    size_t start = out->len;
    j->packed.len = 0;
    int status = parquet_compress(j->codecs, j->options->codec,
                                  (struct text){j->page.at, j->page.len}, &j->packed, e);
    if (status)
        return status;
    uLong sum = crc32(0, (const Bytef *)buf_text(&j->packed), (uInt)j->packed.len);
    struct thrift_writer w = {.out = out};
    thrift_put_int(&w, 1, THRIFT_I32, kind);
    thrift_put_int(&w, 2, THRIFT_I32, (int64_t)j->page.len);
    thrift_put_int(&w, 3, THRIFT_I32, (int64_t)j->packed.len);
    thrift_put_int(&w, 4, THRIFT_I32, (int32_t)(uint32_t)sum);
    struct thrift_writer inner = thrift_put_struct(&w, kind == PAGE_DATA ? 5 : 7);
    thrift_put_int(&inner, 1, THRIFT_I32, (int64_t)values);
    thrift_put_int(&inner, 2, THRIFT_I32, encoding);
    if (kind == PAGE_DATA) {
        thrift_put_int(&inner, 3, THRIFT_I32, ENCODING_RLE);
        thrift_put_int(&inner, 4, THRIFT_I32, ENCODING_RLE);
    }
    thrift_put_stop(&inner);
    thrift_put_stop(&w);
    j->out->raw_bytes += out->len - start + j->page.len;
    buf_add(out, j->packed.at, j->packed.len);
    return 0;
}

static int put_dictionary(struct job *j, struct error *e)
{
    const struct dictionary *d = j->dictionary;
    j->page.len = 0;
    for (size_t i = 0; i < d->entries.len; i++) {
        if (is_text(j->cells))
            put_text(&j->page, d->entries.at[i]);
        else
            buf_add(&j->page, d->entries.at[i].at, 8);
    }
    int status = put_page(j, PAGE_DICTIONARY, d->entries.len, ENCODING_PLAIN, e);
    j->out->dictionary_bytes = j->out->bytes.len;
    return status;
}

static void put_levels(struct job *j, const uint8_t *present, size_t rows)
{
    uint32_t *levels = mem_array(NULL, rows, sizeof *levels), n = 0;
    for (size_t i = 0; i < rows; i++)
        levels[i] = present[i];
    buf_add(&j->page, &n, sizeof n);
    hybrid_write(levels, rows, 1, &j->page);
    n = (uint32_t)(j->page.len - sizeof n);
    memcpy(j->page.at, &n, sizeof n);
    mem_free(levels);
}

static void put_bits(struct buf *out, const char *truths, size_t n)
{
    for (size_t i = 0; i < n; i += 8) {
        unsigned byte = 0;
        for (size_t k = i; k < n && k < i + 8; k++)
            byte |= (unsigned)(uint8_t)truths[k] << (k - i);
        buf_putc(out, (char)byte);
    }
}

static void put_plain(struct job *j, struct place *p, size_t n)
{
    const struct parquet_cells *c = j->cells;
    if (is_text(c)) {
        for (size_t i = 0; i < n; i++)
            put_text(&j->page, next_value(c, p));
        return;
    }
    size_t size = c->type == TYPE_BOOL ? 1 : 8;
    if (n > 0 && size == 1)
        put_bits(&j->page, c->values.at + p->offset, n);
    else if (n > 0)
        buf_add(&j->page, c->values.at + p->offset, n * size);
    p->value += n;
    p->offset += n * size;
}

/* The next page's rows: as many as fill it, at least one; *values are those that are there. */
static size_t fill_page(const struct job *j, size_t row, size_t rows, struct place p,
                        size_t *values)
{
    const struct parquet_cells *c = j->cells;
    size_t most = j->options->page_bytes, bytes = 0, at = row;
    *values = 0;
    for (; at < rows && bytes < most; at++) {
        if (!c->present.at[at])
            continue;
        ++*values;
        bytes += 4;
        if (!j->dictionary)
            bytes += next_value(c, &p).len;
    }
    return at - row;
}

static int put_data(struct job *j, size_t rows, struct error *e)
{
    struct place p = {0};
    int status = 0;
    for (size_t row = 0, n; row < rows && status == 0; row += n) {
        size_t values;
        enum parquet_encoding encoding = ENCODING_PLAIN;
        n = fill_page(j, row, rows, p, &values);
        j->page.len = 0;
        put_levels(j, (const uint8_t *)j->cells->present.at + row, n);
        if (j->dictionary) {
            unsigned width = width_of(j->dictionary->entries.len);
            buf_putc(&j->page, (char)width);
            hybrid_write(j->dictionary->numbers + p.value, values, width, &j->page);
            p.value += values;
            encoding = ENCODING_RLE_DICTIONARY;
        } else {
            put_plain(j, &p, values);
        }
        status = put_page(j, PAGE_DATA, n, encoding, e);
    }
    return status;
}

/* Of zeros the lower bound is the negative one, the upper the other: a reader may look for any. */
static void put_bound(const struct parquet_cells *c, struct text v, double zero, struct buf *out)
{
    double f;
    if (c->type == TYPE_FLOAT) {
        memcpy(&f, v.at, 8);
        f = f == 0 ? zero : f;
        buf_add(out, &f, sizeof f);
    } else {
        buf_reserve(out, 1);
        buf_add(out, v.at, v.len);
    }
}

/* The words of smallest and greatest value. */
static void bounds_of_words(const struct parquet_cells *c, struct text *min, struct text *max)
{
    const char *at = c->values.at;
    size_t low = 0, high = 0;
    int64_t least = INT64_MAX, most = INT64_MIN;
    for (size_t i = 0; i < c->count; i++) {
        int64_t word = (int64_t)word_of((struct text){at + 8 * i, 8});
        /* Doubles are in the order of their bits, but the negative ones, which are in the other. */
        if (c->type == TYPE_FLOAT)
            word ^= (int64_t)((uint64_t)(word >> 63) >> 1);
        low = word < least ? i : low;
        high = word > most ? i : high;
        least = word < least ? word : least;
        most = word > most ? word : most;
    }
    *min = (struct text){at + 8 * low, 8};
    *max = (struct text){at + 8 * high, 8};
}

static void bounds_of_texts(const struct parquet_cells *c, const struct dictionary *d, size_t n,
                            struct text *min, struct text *max)
{
    struct place p = {0};
    for (size_t i = 0; i < n; i++) {
        struct text v = d ? d->entries.at[i] : next_value(c, &p);
        if (!min->at || text_compare(v, *min) < 0)
            *min = v;
        if (!max->at || text_compare(*max, v) < 0)
            *max = v;
    }
}

static void find_bounds(const struct parquet_cells *c, const struct dictionary *d,
                        struct parquet_encoded *out)
{
    struct text min = {NULL, 0}, max = {NULL, 0};
    if (c->count == 0)
        return;
    if (is_text(c) || c->type == TYPE_BOOL)
        bounds_of_texts(c, d, d ? d->entries.len : c->count, &min, &max);
    else
        bounds_of_words(c, &min, &max);
    if (is_text(c) && (min.len > BOUND_MAX || max.len > BOUND_MAX))
        return;
    put_bound(c, min, -0.0, &out->min);
    put_bound(c, max, 0.0, &out->max);
    out->bounded = true;
}

int parquet_encode(const struct parquet_cells *cells, size_t rows, const struct parquet_options *o,
                   struct parquet_library *l, struct parquet_encoded *out, struct error *e)
{
    struct dictionary d = {0};
    struct job j = {.cells = cells, .options = o, .codecs = l, .out = out};
    int status = 0;
    if (make_dictionary(&d, cells)) {
        j.dictionary = &d;
        status = put_dictionary(&j, e);
    }
    if (status == 0)
        status = put_data(&j, rows, e);
    find_bounds(cells, j.dictionary, out);
    dictionary_release(&d);
    buf_release(&j.page);
    buf_release(&j.packed);
    return status;
}
