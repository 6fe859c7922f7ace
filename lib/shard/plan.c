/* Which file, or which of its records, goes to which shard. */
#include "shard/cuts.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

struct planning {
    struct shard_item *files; /* in order of their names, whole */
    size_t n;
    struct shard_plan *plan;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct shard_item *)a)->path, ((const struct shard_item *)b)->path);
}

static int look_at_files(struct planning *p, const char *const *paths, struct error *e)
{
    for (size_t i = 0; i < p->n; i++) {
        struct stat s;
        if (stat(paths[i], &s) != 0)
            return error_errno(e, "cannot look at %s", paths[i]);
        if (!S_ISREG(s.st_mode))
            return error_set(e, ERR_SYSTEM, "%s is no file", paths[i]);
        uint64_t size = (uint64_t)s.st_size;
        p->files[i] =
            (struct shard_item){.path = arena_text(&p->plan->arena, paths[i], strlen(paths[i])),
                                .size = size,
                                .end = size};
    }
    qsort(p->files, p->n, sizeof *p->files, compare_names);
    return 0;
}

/* The items of each shard, in order, from the number of the shard of each item. */
static void deal(struct shard_plan *plan, const struct shard_item *items, const size_t *to,
                 size_t n)
{
    for (size_t i = 0; i < n; i++)
        plan->shards[to[i]].count++;
    for (size_t k = 0; k < plan->count; k++) {
        struct shard *s = &plan->shards[k];
        s->items = arena_alloc(&plan->arena, (s->count + 1) * sizeof *s->items);
        s->count = 0;
    }
    for (size_t i = 0; i < n; i++) {
        struct shard *s = &plan->shards[to[i]];
        s->items[s->count++] = items[i];
    }
}

static void by_key(struct planning *p)
{
    size_t *to = mem_alloc((p->n + 1) * sizeof *to);
    for (size_t i = 0; i < p->n; i++)
        to[i] = i % p->plan->count;
    deal(p->plan, p->files, to, p->n);
    mem_free(to);
}

/* ---- by size ---- */

struct weighed {
    uint64_t size;
    size_t number;
};

static int compare_sizes(const void *a, const void *b)
{
    const struct weighed *x = a, *y = b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* A heap of shards, the one with least, then the lowest number, first. */
static bool has_less(const struct weighed *a, const struct weighed *b)
{
    return a->size != b->size ? a->size < b->size : a->number < b->number;
}

static void sink(struct weighed *heap, size_t n)
{
    for (size_t i = 0, child; (child = 2 * i + 1) < n; i = child) {
        child += child + 1 < n && has_less(&heap[child + 1], &heap[child]);
        if (!has_less(&heap[child], &heap[i]))
            return;
        struct weighed x = heap[i];
        heap[i] = heap[child];
        heap[child] = x;
    }
}

static void by_size(struct planning *p)
{
    size_t count = p->plan->count, *to = mem_alloc((p->n + 1) * sizeof *to);
    struct weighed *files = mem_alloc((p->n + 1) * sizeof *files);
    struct weighed *heap = mem_alloc(count * sizeof *heap);
    for (size_t i = 0; i < p->n; i++)
        files[i] = (struct weighed){p->files[i].size, i};
    for (size_t k = 0; k < count; k++)
        heap[k].number = k;
    qsort(files, p->n, sizeof *files, compare_sizes);
    for (size_t i = 0; i < p->n; i++) {
        to[files[i].number] = heap[0].number;
        heap[0].size += files[i].size;
        sink(heap, count);
    }
    deal(p->plan, p->files, to, p->n);
    mem_free(heap);
    mem_free(files);
    mem_free(to);
}

/* ---- by records ---- */

static uint64_t records_of(const struct shard_item *f)
{
    return f->size - f->header;
}

/* Place k of all bytes of records, without overflow. */
static uint64_t place(uint64_t total, size_t k, size_t count)
{
    return total / count * k + total % count * k / count;
}

/* The places in one file: `start` bytes of records are in the files before it. */
static int cut_file(const struct shard_item *f, uint64_t start, uint64_t total, size_t count,
                    const struct shard_records *how, unsigned jobs, uint64_t *cuts, struct error *e)
{
    uint64_t end = start + records_of(f);
    size_t from = 1;
    while (from < count && place(total, from, count) < start)
        from++;
    size_t to = from;
    for (; to < count && place(total, to, count) < end; to++)
        cuts[to] = f->header + place(total, to, count) - start;
    return cuts_move(f->path, f->header, f->size, how, jobs, cuts + from, to - from, e);
}

struct cutting {
    VEC(struct shard_item) items;
    VEC(size_t) to;
};

/* Pieces of the file between its cuts, to the shards before and behind each. */
static void add_pieces(struct cutting *c, const struct shard_item *f, uint64_t start,
                       uint64_t total, size_t count, const uint64_t *cuts)
{
    uint64_t end = start + records_of(f), begin = f->header;
    size_t k = 1;
    while (k < count && place(total, k, count) < start)
        k++;
    for (;; k++) {
        bool last = k >= count || place(total, k, count) >= end;
        struct shard_item piece = *f;
        piece.begin = begin;
        piece.end = last ? f->size : cuts[k];
        if (piece.end > piece.begin) {
            vec_push(&c->items, piece);
            vec_push(&c->to, k - 1);
        }
        if (last)
            return;
        begin = cuts[k];
    }
}

static int by_record(struct planning *p, const struct shard_records *how, unsigned jobs,
                     struct error *e)
{
    struct cutting c = {0};
    size_t count = p->plan->count;
    uint64_t total = 0, start = 0, *cuts = mem_alloc((count + 1) * sizeof *cuts);
    int status = 0;
    for (size_t i = 0; i < p->n && status == 0; i++) {
        struct shard_item *f = &p->files[i];
        if (how->header)
            status = shard_header(f->path, f->size, how, &f->header, e);
        total += records_of(f);
    }
    for (size_t i = 0; i < p->n && status == 0; i++) {
        status = cut_file(&p->files[i], start, total, count, how, jobs, cuts, e);
        if (status == 0)
            add_pieces(&c, &p->files[i], start, total, count, cuts);
        start += records_of(&p->files[i]);
    }
    if (status == 0)
        deal(p->plan, c.items.at, c.to.at, c.items.len);
    vec_release(&c.items);
    vec_release(&c.to);
    mem_free(cuts);
    return status;
}

int shard_plan_make(const char *const *paths, size_t n, enum shard_method method, size_t count,
                    const struct shard_records *records, unsigned jobs, struct shard_plan *out,
                    struct error *e)
{
    *out = (struct shard_plan){.count = count ? count : 1};
    out->shards = arena_zero(&out->arena, out->count * sizeof *out->shards);
    struct planning p = {.files = mem_alloc((n + 1) * sizeof *p.files), .n = n, .plan = out};
    int status = look_at_files(&p, paths, e);
    if (status == 0 && method == SHARD_KEY)
        by_key(&p);
    else if (status == 0 && method == SHARD_SIZE)
        by_size(&p);
    else if (status == 0)
        status = by_record(&p, records, jobs, e);
    mem_free(p.files);
    if (status)
        shard_plan_release(out);
    return status;
}

void shard_plan_release(struct shard_plan *p)
{
    arena_release(&p->arena);
    *p = (struct shard_plan){.count = 0};
}
