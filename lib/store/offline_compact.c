/* Several files of an hour become one. */
#include "store/offline_manifest.h"
#include "sys/sys.h"
#include "table/sorter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { MEMORY = 256 << 20 };

/* ---- records through the sorter ---- */

/* What stands before id and row in a payload. */
struct packed {
    usec event_time, write_time;
    uint32_t flags, id;
};

static void pack(const struct store_record *r, struct buf *out)
{
    struct packed head = {r->event_time, r->write_time, r->flags, (uint32_t)r->id.len};
    out->len = 0;
    buf_add(out, &head, sizeof head);
    buf_add(out, r->id.at, r->id.len);
    buf_add(out, r->row.at, r->row.len);
}

static struct store_record unpack(struct text payload)
{
    struct packed head;
    memcpy(&head, payload.at, sizeof head);
    const char *id = payload.at + sizeof head;
    size_t row = payload.len - sizeof head - head.id;
    return (struct store_record){.event_time = head.event_time,
                                 .write_time = head.write_time,
                                 .expires_at = STORE_NEVER,
                                 .flags = head.flags,
                                 .id = {id, head.id},
                                 .row = {id + head.id, row}};
}

/* What makes two records of one time the same: all but when they were written. */
static void put_content(const struct store_record *r, struct buf *out)
{
    uint32_t head[] = {r->flags, (uint32_t)r->id.len};
    out->len = 0;
    buf_add(out, head, sizeof head);
    buf_add(out, r->id.at, r->id.len);
    buf_add(out, r->row.at, r->row.len);
}

/* ---- one hour ---- */

/* Files of the hour are in the order of lsn, and none has an lsn between two of another: rows as
 * they come have the order of lsn among those of one time. */
struct hour {
    const struct offline_writer *writer;
    struct sorter *sorter;
    uint64_t rows, dropped;
    struct buf key, payload;
};

static int add_rows(struct hour *h, struct record_input *rows, struct error *e)
{
    struct store_record r;
    int status;
    while ((status = record_input_next(rows, &r, e)) > 0) {
        h->key.len = 0;
        key_put_time(&h->key, r.event_time, (struct key_order){0});
        key_put_id(&h->key, h->rows++);
        pack(&r, &h->payload);
        status = sorter_add(h->sorter, (struct text){h->key.at, h->key.len},
                            (struct text){h->payload.at, h->payload.len}, e);
        if (status)
            break;
    }
    return status;
}

static int add_file(struct hour *h, const char *name, struct error *e)
{
    char *path = mem_format("%s/%s", h->writer->manifest.folder, name);
    char *const paths[] = {path, NULL};
    struct input_options options = {0};
    struct input *in = NULL;
    struct record_input *rows = NULL;
    int status = input_open(paths, 1, &options, &in, e);
    if (status == 0)
        status = record_input_new(h->writer->group, in, &rows, e);
    if (status == 0)
        status = add_rows(h, rows, e);
    record_input_free(rows);
    input_free(in);
    mem_free(path);
    return status;
}

/* Those that one before says already are left out. */
static int put_rows(struct hour *h, struct offline_sink *s, struct error *e)
{
    struct map seen = {0}; /* at one time */
    struct text key, payload;
    usec time = 0;
    int status;
    while ((status = sorter_next(h->sorter, &key, &payload, e)) > 0) {
        struct store_record r = unpack(payload);
        bool is_new = true;
        if (r.event_time != time)
            map_clear(&seen);
        time = r.event_time;
        put_content(&r, &h->payload);
        map_put(&seen, (struct text){h->payload.at, h->payload.len}, &is_new);
        h->dropped += !is_new;
        if (is_new && (status = offline_sink_add(s, &r, e)) != 0)
            break;
    }
    map_release(&seen);
    return status;
}

/* The lsns a name says. */
static void lsns_of(const char *path, uint64_t *first, uint64_t *last)
{
    const char *name = strrchr(path, '/');
    char *end = NULL;
    *first = name ? strtoull(name + 1, &end, 10) : 0;
    *last = end && *end == '-' ? strtoull(end + 1, NULL, 10) : *first;
}

static int compact_hour(struct hour *h, const struct offline_file *const *files, size_t n,
                        unsigned jobs, struct offline_sink *s, struct error *e)
{
    uint64_t first, last, unused;
    lsns_of(files[0]->path, &first, &unused);
    lsns_of(files[n - 1]->path, &unused, &last);
    int status = 0;
    for (size_t i = 0; i < n && status == 0; i++)
        status = add_file(h, files[i]->path, e);
    if (status == 0)
        status = sorter_finish(h->sorter, e);
    if (status == 0)
        status = offline_sink_open(h->writer, files[0]->min_time, first, last, jobs, s, e);
    if (status == 0)
        status = put_rows(h, s, e);
    return status ? status : offline_sink_finish(s, e);
}

/* ---- all hours ---- */

struct compaction {
    struct offline_writer writer;
    const struct offline_options *options;
    VEC(const struct offline_file *) files; /* that are there, by hour, then lsn */
    VEC(struct offline_sink) made;
    VEC(const char *) removed;
    struct offline_compacted *done;
};

static int by_place(const void *a, const void *b)
{
    const struct offline_file *const *x = a, *const *y = b;
    uint64_t x_first, y_first, unused;
    int64_t x_hour = offline_hour((*x)->min_time), y_hour = offline_hour((*y)->min_time);
    lsns_of((*x)->path, &x_first, &unused);
    lsns_of((*y)->path, &y_first, &unused);
    if (x_hour != y_hour)
        return x_hour < y_hour ? -1 : 1;
    return (x_first > y_first) - (x_first < y_first);
}

static void list_files(struct compaction *c)
{
    const struct manifest *m = &c->writer.manifest;
    for (size_t i = 0; i < m->files.len; i++)
        if (m->removed.at[i] == INT_MISSING)
            vec_push(&c->files, &m->files.at[i]);
    if (c->files.len > 1)
        qsort(c->files.at, c->files.len, sizeof(struct offline_file *), by_place);
}

static int compact_some(struct compaction *c, size_t from, size_t to, struct error *e)
{
    size_t memory = c->options->memory ? c->options->memory : MEMORY;
    unsigned jobs = c->options->jobs ? c->options->jobs : 1;
    struct hour h = {.writer = &c->writer, .sorter = sorter_new(memory)};
    struct offline_sink s = {0};
    int status = compact_hour(&h, c->files.at + from, to - from, jobs, &s, e);
    vec_push(&c->made, s);
    for (size_t i = from; i < to; i++)
        vec_push(&c->removed, c->files.at[i]->path);
    c->done->partitions++;
    c->done->files_before += to - from;
    c->done->files_after++;
    c->done->rows += h.rows - h.dropped;
    c->done->dropped += h.dropped;
    sorter_free(h.sorter);
    buf_release(&h.key);
    buf_release(&h.payload);
    return status;
}

static int compact_all(struct compaction *c, struct error *e)
{
    int status = 0;
    for (size_t from = 0, to; from < c->files.len && status == 0; from = to) {
        int64_t hour = offline_hour(c->files.at[from]->min_time);
        for (to = from + 1; to < c->files.len; to++)
            if (offline_hour(c->files.at[to]->min_time) != hour)
                break;
        if (to - from > 1)
            status = compact_some(c, from, to, e);
    }
    return status;
}

static int commit(struct compaction *c, struct error *e)
{
    struct manifest *m = &c->writer.manifest;
    struct offline_file *files = mem_array(NULL, c->made.len + 1, sizeof *files);
    for (size_t i = 0; i < c->made.len; i++)
        files[i] = c->made.at[i].file;
    struct manifest_entry entry = {.compacts = true,
                                   .first_lsn = 1,
                                   .last_lsn = m->last_lsn,
                                   .schema = c->writer.group->features.len,
                                   .files = files,
                                   .count = c->made.len,
                                   .removed = c->removed.at,
                                   .removed_count = c->removed.len};
    int status = c->made.len ? manifest_append(m, &entry, e) : 0;
    mem_free(files);
    return status;
}

int offline_compact(const struct group *g, const struct offline_options *o,
                    struct offline_compacted *done, struct error *e)
{
    struct compaction c = {.options = o, .done = done};
    *done = (struct offline_compacted){0};
    int status = offline_writer_open(g, o, &c.writer, e);
    if (status)
        return status;
    list_files(&c);
    status = compact_all(&c, e);
    if (status == 0)
        status = commit(&c, e);
    if (status == 0)
        status = collect_files(&c.writer, o->grace, &done->collected, e);
    for (size_t i = 0; i < c.made.len; i++)
        offline_sink_release(&c.made.at[i]);
    vec_release(&c.files);
    vec_release(&c.made);
    vec_release(&c.removed);
    offline_writer_close(&c.writer);
    return status;
}
