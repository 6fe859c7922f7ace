#include "stats/quantile_runs.h"

#include "sys/sys.h"

#include <unistd.h>

void runs_init(struct runs *r, size_t memory)
{
    *r = (struct runs){.memory = memory, .fd = -1};
}

void runs_release(struct runs *r)
{
    if (r->fd >= 0)
        close(r->fd);
    vec_release(&r->settled);
    vec_release(&r->spilled);
    runs_init(r, r->memory);
}

static void append(struct tallies *out, struct tally t)
{
    if (out->len && out->at[out->len - 1].key == t.key)
        out->at[out->len - 1].count += t.count;
    else
        vec_push(out, t);
}

static void merge_into_settled(struct runs *r, const struct tally *t, size_t n)
{
    struct tallies old = r->settled, merged = {0};
    size_t i = 0, k = 0;
    vec_reserve(&merged, old.len + n);
    while (i < old.len || k < n) {
        bool from_old = k == n || (i < old.len && old.at[i].key <= t[k].key);
        append(&merged, from_old ? old.at[i++] : t[k++]);
    }
    vec_release(&old);
    r->settled = merged;
}

static int spill(struct runs *r, struct error *e)
{
    if (r->fd < 0 && (r->fd = scratch_open(e)) < 0)
        return ERR_SYSTEM;
    size_t bytes = r->settled.len * sizeof *r->settled.at;
    int status = file_write(r->fd, r->settled.at, bytes, "scratch file", e);
    if (status < 0)
        return status;
    vec_push(&r->spilled, ((struct run){r->file_size, r->settled.len}));
    r->file_size += bytes;
    r->settled.len = 0;
    return 0;
}

int runs_add(struct runs *r, const struct tally *t, size_t n, struct error *e)
{
    merge_into_settled(r, t, n);
    if (r->settled.len * sizeof *r->settled.at <= r->memory / 4)
        return 0;
    return spill(r, e);
}

/* One run being read; the one in memory has no more to load. */
struct source {
    const struct tally *at, *end;
    struct tally *buffer; /* owned; NULL for the one in memory */
    uint64_t offset, left;
};

struct walk {
    const struct runs *runs;
    struct source *heap; /* smallest key on top; none is at its end */
    size_t sources;
    size_t buffered; /* tallies per buffer */
    bool started;
};

static int load(const struct walk *w, struct source *s, struct error *e)
{
    size_t n = s->left < w->buffered ? (size_t)s->left : w->buffered;
    if (n == 0)
        return 0;
    size_t bytes = n * sizeof *s->buffer;
    ssize_t got = file_read_at(w->runs->fd, s->buffer, bytes, s->offset, "scratch file", e);
    if (got < 0)
        return (int)got;
    if ((size_t)got != bytes)
        return error_set(e, ERR_SYSTEM, "scratch file is shorter than what was written");
    s->at = s->buffer;
    s->end = s->buffer + n;
    s->offset += bytes;
    s->left -= n;
    return 0;
}

static void sift_down(struct walk *w, size_t i)
{
    struct source moving = w->heap[i];
    for (size_t child; (child = 2 * i + 1) < w->sources; i = child) {
        if (child + 1 < w->sources && w->heap[child + 1].at->key < w->heap[child].at->key)
            child++;
        if (moving.at->key <= w->heap[child].at->key)
            break;
        w->heap[i] = w->heap[child];
    }
    w->heap[i] = moving;
}

/* Drops the top source when it has ended, then restores the heap. */
static void settle_top(struct walk *w)
{
    if (w->heap[0].at == w->heap[0].end) {
        mem_free(w->heap[0].buffer);
        w->heap[0] = w->heap[--w->sources];
    }
    if (w->sources)
        sift_down(w, 0);
}

struct walk *walk_open(const struct runs *r)
{
    struct walk *w = mem_alloc(sizeof *w);
    const struct tallies *settled = &r->settled;
    w->runs = r;
    w->heap = mem_alloc((r->spilled.len + 1) * sizeof *w->heap);
    w->buffered = r->memory / 2 / sizeof(struct tally) / (r->spilled.len + 1);
    w->buffered = w->buffered < 64 ? 64 : w->buffered;
    for (size_t i = 0; i < r->spilled.len; i++) {
        struct source *s = &w->heap[w->sources++];
        s->buffer = mem_array(NULL, w->buffered, sizeof *s->buffer);
        s->offset = r->spilled.at[i].offset;
        s->left = r->spilled.at[i].tallies;
    }
    if (settled->len)
        w->heap[w->sources++] =
            (struct source){settled->at, settled->at + settled->len, NULL, 0, 0};
    return w;
}

static int start(struct walk *w, struct error *e)
{
    w->started = true;
    for (size_t i = 0; i < w->sources; i++) {
        int status = w->heap[i].buffer ? load(w, &w->heap[i], e) : 0;
        if (status < 0)
            return status;
    }
    for (size_t i = w->sources / 2; i-- > 0;)
        sift_down(w, i);
    return 0;
}

int walk_next(struct walk *w, struct tally *t, struct error *e)
{
    int status = w->started ? 0 : start(w, e);
    if (status < 0 || w->sources == 0)
        return status;
    *t = (struct tally){w->heap[0].at->key, 0};
    while (w->sources && w->heap[0].at->key == t->key) {
        struct source *top = &w->heap[0];
        t->count += top->at++->count;
        if (top->at == top->end && (status = load(w, top, e)) < 0)
            return status;
        settle_top(w);
    }
    return 1;
}

void walk_free(struct walk *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->sources; i++)
        mem_free(w->heap[i].buffer);
    mem_free(w->heap);
    mem_free(w);
}
