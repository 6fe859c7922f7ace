/* Cursors: rows of a column chunk, page after page; and what the footer says of the chunk. */
#include "table/parquet_cursor.h"

#include <math.h>

static size_t stored_width(const struct parquet_leaf *leaf)
{
    switch (leaf->physical) {
    case PHYSICAL_INT32:
    case PHYSICAL_FLOAT:
        return 4;
    case PHYSICAL_INT64:
    case PHYSICAL_DOUBLE:
        return 8;
    case PHYSICAL_INT96:
    case PHYSICAL_FIXED:
        return leaf->width;
    case PHYSICAL_BOOLEAN:
    case PHYSICAL_BYTES:
        break;
    }
    return 0;
}

int parquet_cursor_open(const struct parquet_file *f, size_t group, size_t column,
                        struct parquet_cursor **out, struct error *e)
{
    const struct parquet_leaf *leaf = &f->leaves.at[column];
    if (leaf->shown.refused)
        return parquet_error(f, leaf, ERR_DATA, e, "%s", leaf->shown.refused);
    const struct parquet_group *g = &f->groups.at[group];
    const struct parquet_chunk *chunk = &g->chunks[leaf->chunk];
    if (chunk->codec == PARQUET_BROTLI || chunk->codec == 3 || chunk->codec == 5 ||
        chunk->codec > PARQUET_LZ4_RAW)
        return parquet_error(f, leaf, ERR_DATA, e,
                             "is compressed by %s, which is not read: expected none, snappy, gzip, "
                             "zstd or LZ4_RAW",
                             chunk->codec == PARQUET_BROTLI ? "brotli" : "a rare codec");
    struct parquet_cursor *c = mem_alloc(sizeof *c);
    c->file = f;
    c->leaf = leaf;
    c->chunk = chunk;
    c->at = chunk->offset;
    c->end = chunk->offset + chunk->bytes;
    c->rows = g->rows;
    c->values.physical = leaf->physical;
    c->values.width = stored_width(leaf);
    *out = c;
    return 0;
}

void parquet_cursor_close(struct parquet_cursor *c)
{
    if (!c)
        return;
    shared_drop(c->page);
    shared_drop(c->dictionary);
    buf_release(&c->stored);
    buf_release(&c->scratch);
    buf_release(&c->present);
    buf_release(&c->values.before_bytes);
    mem_free(c);
}

static void *scratch(struct buf *b, size_t n)
{
    b->len = 0;
    buf_reserve(b, n + PARQUET_SLACK);
    return b->at;
}

static bool has_indexes(const struct parquet_cursor *c)
{
    return c->values.encoding == ENCODING_PLAIN_DICTIONARY ||
           c->values.encoding == ENCODING_RLE_DICTIONARY;
}

#define GATHER(type)                                                                               \
    do {                                                                                           \
        const type *entries = c->entries;                                                          \
        type *cells = into;                                                                        \
        for (size_t i = 0; i < n; i++)                                                             \
            cells[i] = entries[at[i]];                                                             \
    } while (0)

static const char *gather(struct parquet_cursor *c, size_t n, void *into)
{
    uint32_t *at = scratch(&c->scratch, n * sizeof *at), most = 0;
    if (!hybrid_read(&c->values.indexes, at, n))
        return "a page has fewer values than it says";
    for (size_t i = 0; i < n; i++)
        most = at[i] > most ? at[i] : most;
    if (n > 0 && most >= c->entry_count)
        return "a number beyond the dictionary";
    switch (parquet_form_size(c->leaf->shown.form)) {
    case 8:
        GATHER(int64_t);
        break;
    case 1:
        GATHER(uint8_t);
        break;
    default:
        GATHER(struct text);
    }
    return NULL;
}

/* n values that are not null, as cells. */
static const char *read_cells(struct parquet_cursor *c, size_t n, void *into, struct arena *arena)
{
    if (n == 0)
        return NULL;
    if (has_indexes(c))
        return gather(c, n, into);
    size_t size = parquet_store_size(parquet_store_of(c->leaf->physical));
    bool same = size == parquet_form_size(c->leaf->shown.form);
    void *stored = same ? into : scratch(&c->scratch, n * size);
    const char *wrong = parquet_values_read(&c->values, n, stored, arena);
    return wrong ? wrong : parquet_mean(c->leaf, stored, n, into, arena);
}

#define SPREAD(type, nothing)                                                                      \
    do {                                                                                           \
        type *cells = into, none = nothing;                                                        \
        for (size_t row = n; row-- > 0;)                                                           \
            cells[row] = present[row] ? cells[--there] : none;                                     \
    } while (0)

/* The first `there` cells go to the rows that have one. */
static void spread(enum form form, const uint8_t *present, size_t n, size_t there, void *into)
{
    switch (form) {
    case FORM_BOOL:
        SPREAD(uint8_t, BOOL_MISSING);
        break;
    case FORM_FLOAT:
        SPREAD(double, (double)NAN);
        break;
    case FORM_TEXT:
    case FORM_JSON:
        SPREAD(struct text, ((struct text){NULL, 0}));
        break;
    default:
        SPREAD(int64_t, INT_MISSING);
    }
}

/* n rows of the page that is being read. */
static const char *read_rows(struct parquet_cursor *c, size_t n, void *into, struct arena *arena)
{
    if (!c->has_levels)
        return read_cells(c, n, into, arena);
    size_t there;
    uint8_t *present = scratch(&c->present, n);
    if (!hybrid_read_bits(&c->levels, present, n, &there))
        return "a page has fewer levels than values";
    const char *wrong = read_cells(c, there, into, arena);
    if (!wrong && there < n)
        spread(c->leaf->shown.form, present, n, there, into);
    return wrong;
}

static void keep(struct batch *b, struct shared *memory)
{
    if (!memory || (b->shared.len > 0 && b->shared.at[b->shared.len - 1] == memory))
        return;
    shared_hold(memory);
    vec_push(&b->shared, memory);
}

/* Texts may be slices of the page or the dictionary. */
static void keep_memory(struct parquet_cursor *c, struct batch *b)
{
    if (parquet_form_size(c->leaf->shown.form) != sizeof(struct text))
        return;
    if (has_indexes(c))
        keep(b, c->dictionary);
    else
        keep(b, c->page);
}

/* Goes to a page with rows left; *take is how many of n are in it. */
static int prepare(struct parquet_cursor *c, uint64_t n, size_t *take, struct error *e)
{
    if (n > c->rows)
        return parquet_error(c->file, c->leaf, ERR_DATA, e, "has no more rows");
    int status = c->page_rows > 0 ? 0 : parquet_next_page(c, e);
    *take = n < c->page_rows ? (size_t)n : (size_t)c->page_rows;
    return status;
}

static int step(struct parquet_cursor *c, size_t n, void *into, struct arena *arena,
                struct error *e)
{
    const char *wrong = read_rows(c, n, into, arena);
    c->page_rows -= n;
    c->rows -= n;
    return wrong ? parquet_error(c->file, c->leaf, ERR_DATA, e, "%s", wrong) : 0;
}

int parquet_cursor_read(struct parquet_cursor *c, size_t n, struct batch *b, struct column *out,
                        struct error *e)
{
    enum form form = c->leaf->shown.form;
    size_t size = parquet_form_size(form), take = 0;
    char *into = batch_array(b, n, size);
    *out = (struct column){.form = form, .source = -1, .text = (const struct text *)(void *)into};
    int status = 0;
    for (size_t done = 0; status == 0 && done < n; done += take) {
        status = prepare(c, n - done, &take, e);
        if (status == 0)
            status = step(c, take, into + done * size, &b->arena, e);
        if (status == 0)
            keep_memory(c, b);
    }
    return status;
}

int parquet_cursor_skip(struct parquet_cursor *c, uint64_t n, struct error *e)
{
    enum { AT_ONCE = 4096 };
    struct arena arena = {0};
    void *into = arena_alloc(&arena, AT_ONCE * sizeof(struct text));
    struct arena made = {0};
    int status = 0;
    while (status == 0 && n > 0) {
        size_t take = 0;
        status = prepare(c, n < AT_ONCE ? n : AT_ONCE, &take, e);
        if (status == 0)
            status = step(c, take, into, &made, e);
        arena_reset(&made);
        n -= take;
    }
    arena_release(&made);
    arena_release(&arena);
    return status;
}

/* A bound as it is stored; false when it has another length than its type. */
static bool read_bound(const struct parquet_leaf *leaf, struct text bytes, int64_t *i, double *f)
{
    struct parquet_values v = {.physical = leaf->physical, .width = stored_width(leaf)};
    union {
        int64_t i;
        double f;
    } word;
    if (v.width != bytes.len || v.width == 0 || v.width > 8)
        return false;
    const uint8_t *at = (const uint8_t *)bytes.at;
    if (parquet_values_start(&v, at, at + bytes.len) || parquet_values_read(&v, 1, &word, NULL))
        return false;
    *f = word.f;
    if (leaf->shown.form == FORM_FLOAT)
        return !isnan(word.f);
    return !parquet_mean(leaf, &word.i, 1, i, NULL);
}

static bool is_plain_text(const struct parquet_leaf *leaf)
{
    return leaf->shown.form == FORM_TEXT && leaf->meaning == MEANS_VALUE &&
           leaf->physical == PHYSICAL_BYTES;
}

static bool is_number(const struct parquet_leaf *leaf)
{
    enum form form = leaf->shown.form;
    return (form == FORM_INT || form == FORM_TIME || form == FORM_FLOAT) &&
           leaf->meaning != MEANS_HALF && leaf->physical != PHYSICAL_INT96;
}

struct parquet_range parquet_range(const struct parquet_file *f, size_t group, size_t column)
{
    const struct parquet_leaf *leaf = &f->leaves.at[column];
    struct parquet_range range = {.missing = -1};
    if (leaf->shown.refused)
        return range;
    const struct parquet_chunk *chunk = &f->groups.at[group].chunks[leaf->chunk];
    range.missing = chunk->missing;
    if (!f->ordered || !chunk->min.at || !chunk->max.at)
        return range;
    range.min.t = chunk->min;
    range.max.t = chunk->max;
    range.bounded = is_plain_text(leaf);
    if (is_number(leaf))
        range.bounded = read_bound(leaf, chunk->min, &range.min.i, &range.min.f) &&
                        read_bound(leaf, chunk->max, &range.max.i, &range.max.f);
    return range;
}
