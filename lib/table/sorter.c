#include "table/sorter.h"

#include "sys/sys.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    BLOCK = 1 << 20,
    READ_BUFFER = 1 << 18,
    READ_BUFFER_MIN = 1 << 12,
    MEMORY_MIN = 1 << 20,
};

/* A record in memory: lengths, key, payload. */
struct record {
    uint32_t key, payload; /* lengths */
    char bytes[];
};

/* What is sorted: the first eight bytes of the key say most. */
struct entry {
    uint64_t prefix; /* big-endian, so that it compares as the bytes */
    const struct record *record;
};

/* Records in order: in memory, or in the scratch file behind a buffer. */
struct run {
    struct entry *entries; /* NULL: in the file */
    size_t count, next;
    uint64_t prefix; /* of the current key */
    int fd;
    uint64_t offset, left; /* bytes of the file not yet in the buffer */
    struct buf buffer;
    size_t at; /* of the current record in the buffer */
    struct text key, payload;
};

struct sorter {
    size_t memory, used;
    VEC(char *) blocks;
    size_t block_left;
    char *block_at;
    VEC(struct entry) entries;
    VEC(struct run) runs;
    VEC(int) files; /* the last one is this sorter's own, when has_file, written up to file_end */
    bool has_file;
    uint64_t file_end, count;
    size_t read_buffer;
    size_t *heap; /* indexes of runs that still have a record, smallest on top */
    size_t heap_len;
    bool started;
};

struct sorter *sorter_new(size_t memory)
{
    struct sorter *s = mem_alloc(sizeof *s);
    s->memory = memory < MEMORY_MIN ? MEMORY_MIN : memory;
    return s;
}

uint64_t sorter_count(const struct sorter *s)
{
    return s->count;
}

/* Of a block that is begun for n bytes. */
static size_t block_size(const struct sorter *s, size_t n)
{
    size_t usual = s->memory / 8 < BLOCK ? s->memory / 8 : BLOCK;
    return n > usual ? n : usual;
}

static struct record *take_space(struct sorter *s, size_t n)
{
    n = (n + 7) & ~(size_t)7;
    if (n > s->block_left) {
        size_t size = block_size(s, n);
        char *block = mem_resize(NULL, size);
        vec_push(&s->blocks, block);
        s->block_at = block;
        s->block_left = size;
        s->used += size;
    }
    void *at = s->block_at;
    s->block_at += n;
    s->block_left -= n;
    return at;
}

static uint64_t prefix_of(struct text key)
{
    unsigned char bytes[8] = {0};
    memcpy(bytes, key.at, key.len < 8 ? key.len : 8);
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | bytes[i];
    return v;
}

static void drop_blocks(struct sorter *s)
{
    for (size_t i = 0; i < s->blocks.len; i++)
        mem_free(s->blocks.at[i]);
    s->blocks.len = 0;
    s->block_left = 0;
    s->used = 0;
}

enum {
    SMALL = 64,      /* entries that a comparison sort handles best */
    DEPTH_MAX = 256, /* bytes of the key sorted by their values; what goes deeper is compared */
    AHEAD = 12,      /* records fetched before they are needed */
};

static int compare_keys(struct text a, struct text b)
{
    int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static struct text key_of(const struct record *r)
{
    return (struct text){r->bytes, r->key};
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return compare_keys(key_of(x->record), key_of(y->record));
}

/* How often each value of each byte of the prefix occurs; false when the entries are in order
 * already. */
static bool count_bytes(const struct entry *entries, size_t n, size_t (*counts)[256])
{
    bool in_order = true;
    for (size_t i = 0; i < n; i++) {
        in_order &= i == 0 || entries[i - 1].prefix <= entries[i].prefix;
        for (unsigned byte = 0; byte < 8; byte++)
            counts[byte][entries[i].prefix >> (8 * byte) & 0xFF]++;
    }
    return !in_order;
}

static void scatter(const struct entry *from, struct entry *to, size_t n, unsigned byte,
                    size_t *count)
{
    size_t sum = 0;
    for (size_t v = 0; v < 256; v++) {
        size_t here = count[v];
        count[v] = sum;
        sum += here;
    }
    for (size_t i = 0; i < n; i++)
        to[count[from[i].prefix >> (8 * byte) & 0xFF]++] = from[i];
}

/* Least significant byte first, so that equal prefixes stay in order of arrival; a byte that is the
 * same in all keys costs only its count. other has room for n entries. */
static void sort_by_prefix(struct entry *entries, struct entry *other, size_t n)
{
    size_t(*counts)[256] = mem_alloc(8 * sizeof *counts);
    struct entry *from = entries, *to = other;
    bool todo = count_bytes(entries, n, counts);
    for (unsigned byte = 0; todo && byte < 8; byte++) {
        if (counts[byte][from[0].prefix >> (8 * byte) & 0xFF] == n)
            continue;
        scatter(from, to, n, byte, counts[byte]);
        struct entry *swap = from;
        from = to;
        to = swap;
    }
    if (from != entries)
        memcpy(entries, from, n * sizeof *entries);
    mem_free(counts);
}

static void sort_from(struct entry *entries, struct entry *other, size_t n, size_t depth);

/* Entries whose keys have the first `depth` bytes in common: sorts by those behind. */
static void sort_group(struct entry *entries, struct entry *other, size_t n, size_t depth)
{
    uint64_t common = entries[0].prefix;
    bool in_order = true;
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            __builtin_prefetch(entries[i + AHEAD].record);
        struct text key = key_of(entries[i].record);
        if (key.len <= depth || depth >= DEPTH_MAX) {
            for (size_t k = 0; k < i; k++)
                entries[k].prefix = common;
            qsort(entries, n, sizeof *entries, compare_entries);
            return;
        }
        entries[i].prefix = prefix_of((struct text){key.at + depth, key.len - depth});
        in_order &= i == 0 || entries[i - 1].prefix < entries[i].prefix;
    }
    if (!in_order)
        sort_from(entries, other, n, depth);
    for (size_t i = 0; i < n; i++)
        entries[i].prefix = common;
}

/* Prefixes hold the eight bytes at `depth`, what is before them is the same in all. */
static void sort_from(struct entry *entries, struct entry *other, size_t n, size_t depth)
{
    if (n <= SMALL) {
        qsort(entries, n, sizeof *entries, compare_entries);
        return;
    }
    sort_by_prefix(entries, other, n);
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && entries[end].prefix == entries[i].prefix)
            end++;
        if (end - i > 1)
            sort_group(entries + i, other + i, end - i, depth + 8);
        i = end;
    }
}

static void sort_entries(struct entry *entries, size_t n)
{
    if (n < 2)
        return;
    struct entry *other = mem_array(NULL, n, sizeof *other);
    sort_from(entries, other, n, 0);
    mem_free(other);
}

static size_t record_size(const struct record *r)
{
    return sizeof *r + r->key + r->payload;
}

/* Appends the entries to this sorter's file. */
static int write_run(struct sorter *s, struct error *e)
{
    struct buf out = {0};
    int status = 0, fd = s->files.at[s->files.len - 1];
    uint64_t bytes = 0;
    for (size_t i = 0; i < s->entries.len && status == 0; i++) {
        const struct record *r = s->entries.at[i].record;
        buf_add(&out, r, record_size(r));
        bytes += record_size(r);
        if (out.len >= BLOCK || i + 1 == s->entries.len) {
            status = file_write(fd, out.at, out.len, "scratch file", e);
            out.len = 0;
        }
    }
    buf_release(&out);
    struct run run = {.fd = fd, .offset = s->file_end, .left = bytes};
    vec_push(&s->runs, run);
    s->file_end += bytes;
    return status;
}

static int spill(struct sorter *s, struct error *e)
{
    if (!s->has_file) {
        int fd = scratch_open(e);
        if (fd < 0)
            return fd;
        vec_push(&s->files, fd);
        s->has_file = true;
        s->file_end = 0;
    }
    sort_entries(s->entries.at, s->entries.len);
    int status = write_run(s, e);
    s->entries.len = 0;
    drop_blocks(s);
    return status;
}

/* With one more record of n bytes: blocks, entries, and as many entries again while they are
 * sorted. */
static bool is_full(const struct sorter *s, size_t n)
{
    size_t more = n + 8 > s->block_left ? block_size(s, n) : 0;
    return s->used + more + (s->entries.len + 1) * 2 * sizeof(struct entry) > s->memory;
}

int sorter_add(struct sorter *s, struct text key, struct text payload, struct error *e)
{
    if (key.len > UINT32_MAX || payload.len > UINT32_MAX)
        return error_set(e, ERR_DATA, "row of %zu bytes is too long to sort", payload.len);
    size_t size = sizeof(struct record) + key.len + payload.len;
    int status = s->entries.len > 0 && is_full(s, size) ? spill(s, e) : 0;
    if (status)
        return status;
    struct record *r = take_space(s, size);
    r->key = (uint32_t)key.len;
    r->payload = (uint32_t)payload.len;
    memcpy(r->bytes, key.at, key.len);
    if (payload.len)
        memcpy(r->bytes + key.len, payload.at, payload.len);
    struct entry entry = {prefix_of(key), r};
    vec_push(&s->entries, entry);
    s->count++;
    return 0;
}

/* What is in memory becomes a run. */
static void close_entries(struct sorter *s)
{
    if (s->entries.len == 0)
        return;
    sort_entries(s->entries.at, s->entries.len);
    struct run run = {.entries = s->entries.at, .count = s->entries.len, .fd = -1}; /* takes */
    vec_push(&s->runs, run);
    s->entries.at = NULL;
    s->entries.len = s->entries.cap = 0;
}

int sorter_merge(struct sorter *into, struct sorter *from, struct error *e)
{
    (void)e;
    close_entries(into);
    close_entries(from);
    for (size_t i = 0; i < from->runs.len; i++)
        vec_push(&into->runs, from->runs.at[i]);
    for (size_t i = 0; i < from->files.len; i++)
        vec_push(&into->files, from->files.at[i]);
    for (size_t i = 0; i < from->blocks.len; i++)
        vec_push(&into->blocks, from->blocks.at[i]);
    into->count += from->count;
    into->block_left = 0;
    into->used += from->used;
    into->has_file = from->has_file = false;
    from->used = 0;
    from->runs.len = from->files.len = from->blocks.len = 0;
    from->block_left = 0;
    from->count = 0;
    return 0;
}

static int fill_buffer(struct run *r, size_t size, struct error *e)
{
    if (r->at > 0)
        memmove(r->buffer.at, r->buffer.at + r->at, r->buffer.len - r->at);
    r->buffer.len -= r->at;
    r->at = 0;
    size_t want = r->left < size ? (size_t)r->left : size;
    buf_reserve(&r->buffer, want);
    ssize_t got =
        file_read_at(r->fd, r->buffer.at + r->buffer.len, want, r->offset, "scratch file", e);
    if (got < 0)
        return (int)got;
    if ((size_t)got != want)
        return error_set(e, ERR_SYSTEM, "scratch file: shorter than written");
    r->buffer.len += want;
    r->offset += want;
    r->left -= want;
    return 0;
}

static void take_record(struct run *r, const struct record *record)
{
    r->key = key_of(record);
    r->payload = (struct text){record->bytes + record->key, record->payload};
}

static void advance_in_memory(struct run *r)
{
    if (r->next + AHEAD < r->count)
        for (size_t line = 0; line < 4; line++)
            __builtin_prefetch((const char *)r->entries[r->next + AHEAD].record + 64 * line);
    r->prefix = r->entries[r->next].prefix;
    take_record(r, r->entries[r->next++].record);
}

/* The run's next record becomes current: 1, 0 at its end, < 0. */
static int advance(struct run *r, size_t read_buffer, struct error *e)
{
    if (r->entries) {
        if (r->next == r->count)
            return 0;
        advance_in_memory(r);
        return 1;
    }
    struct record head;
    for (;;) {
        size_t have = r->buffer.len - r->at, need = sizeof head;
        if (have >= need) {
            memcpy(&head, r->buffer.at + r->at, sizeof head);
            need = record_size(&head);
        }
        if (have >= need)
            break;
        if (r->left == 0)
            return 0;
        int status = fill_buffer(r, read_buffer, e);
        if (status)
            return status;
    }
    const char *bytes = r->buffer.at + r->at + sizeof head;
    r->key = (struct text){bytes, head.key};
    r->payload = (struct text){bytes + head.key, head.payload};
    r->prefix = prefix_of(r->key);
    r->at += record_size(&head);
    return 1;
}

static bool comes_before(const struct sorter *s, size_t a, size_t b)
{
    const struct run *x = &s->runs.at[a], *y = &s->runs.at[b];
    if (x->prefix != y->prefix)
        return x->prefix < y->prefix;
    return compare_keys(x->key, y->key) < 0;
}

static void sift_down(struct sorter *s, size_t at)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= s->heap_len)
            return;
        if (child + 1 < s->heap_len && comes_before(s, s->heap[child + 1], s->heap[child]))
            child++;
        if (!comes_before(s, s->heap[child], s->heap[at]))
            return;
        size_t swap = s->heap[at];
        s->heap[at] = s->heap[child];
        s->heap[child] = swap;
        at = child;
    }
}

/* So much for each run that all of them stay within half the memory. */
static size_t read_buffer_size(const struct sorter *s)
{
    size_t size = s->memory / (2 * s->runs.len + 1);
    size = size > READ_BUFFER ? READ_BUFFER : size;
    return size < READ_BUFFER_MIN ? READ_BUFFER_MIN : size;
}

int sorter_finish(struct sorter *s, struct error *e)
{
    close_entries(s);
    s->read_buffer = read_buffer_size(s);
    s->heap = mem_array(NULL, s->runs.len + 1, sizeof *s->heap);
    for (size_t i = 0; i < s->runs.len; i++) {
        int got = advance(&s->runs.at[i], s->read_buffer, e);
        if (got < 0)
            return got;
        if (got)
            s->heap[s->heap_len++] = i;
    }
    for (size_t i = s->heap_len; i-- > 0;)
        sift_down(s, i);
    return 0;
}

int sorter_next(struct sorter *s, struct text *key, struct text *payload, struct error *e)
{
    if (s->started && s->heap_len > 0) {
        int got = advance(&s->runs.at[s->heap[0]], s->read_buffer, e);
        if (got < 0)
            return got;
        if (!got)
            s->heap[0] = s->heap[--s->heap_len];
        sift_down(s, 0);
    }
    s->started = true;
    if (s->heap_len == 0)
        return 0;
    const struct run *top = &s->runs.at[s->heap[0]];
    *key = top->key;
    *payload = top->payload;
    return 1;
}

void sorter_free(struct sorter *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->runs.len; i++) {
        mem_free(s->runs.at[i].entries);
        buf_release(&s->runs.at[i].buffer);
    }
    for (size_t i = 0; i < s->files.len; i++)
        close(s->files.at[i]);
    drop_blocks(s);
    vec_release(&s->runs);
    vec_release(&s->files);
    vec_release(&s->blocks);
    vec_release(&s->entries);
    mem_free(s->heap);
    mem_free(s);
}
