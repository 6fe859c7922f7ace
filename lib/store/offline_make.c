/* From the log into the view. */
#include "store/log.h"
#include "store/offline_manifest.h"
#include "sys/sys.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { MEMORY = 256 << 20, RECORD_COST = 128 }; /* bytes beside those of id and row */

/* A record's place in a file. */
struct place {
    usec event_time;
    size_t at; /* in records, which are in the order of lsn */
};

/* Records that are written together. */
struct portion {
    VEC(struct store_record) records;
    VEC(struct place) order;
    struct arena arena;
    size_t bytes;
    uint64_t last; /* lsn that was read */
};

/* The places of one hour, which become a file. */
struct part {
    int64_t hour;
    size_t from, to;
    struct offline_sink sink;
};

static void take(struct portion *p, const struct store_record *r)
{
    struct store_record kept = *r;
    p->last = r->lsn;
    if (r->flags & STORE_POSITION)
        return;
    kept.id.at = arena_copy(&p->arena, r->id.at, r->id.len);
    kept.row.at = arena_copy(&p->arena, r->row.at, r->row.len);
    p->bytes += r->id.len + r->row.len + RECORD_COST;
    vec_push(&p->records, kept);
}

/* 1; 0: the log has no more. */
static int read_portion(struct portion *p, struct log_reader *log, size_t memory, struct error *e)
{
    struct store_record r;
    int status = 1;
    bool any = false;
    p->records.len = p->order.len = p->bytes = 0;
    arena_reset(&p->arena);
    while (p->bytes < memory && (status = log_next(log, &r, e)) > 0) {
        take(p, &r);
        any = true;
    }
    return status < 0 ? status : any;
}

static int by_time(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->event_time != y->event_time)
        return x->event_time < y->event_time ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static void sort_portion(struct portion *p)
{
    vec_reserve(&p->order, p->records.len);
    for (size_t i = 0; i < p->records.len; i++)
        vec_push(&p->order, ((struct place){p->records.at[i].event_time, i}));
    if (p->order.len > 1)
        qsort(p->order.at, p->order.len, sizeof *p->order.at, by_time);
}

/* ---- files ---- */

struct work {
    const struct offline_writer *writer;
    const struct portion *portion;
    VEC(struct part) parts;
    unsigned threads, jobs; /* jobs: of each thread */
    atomic_size_t next;
    struct error *errors; /* of each thread */
};

static void cut_into_parts(struct work *w)
{
    const struct portion *p = w->portion;
    for (size_t i = 0; i < p->order.len; i++) {
        int64_t hour = offline_hour(p->order.at[i].event_time);
        if (w->parts.len == 0 || w->parts.at[w->parts.len - 1].hour != hour)
            vec_push(&w->parts, ((struct part){.hour = hour, .from = i}));
        w->parts.at[w->parts.len - 1].to = i + 1;
    }
}

static const struct store_record *record_at(const struct portion *p, size_t place)
{
    return &p->records.at[p->order.at[place].at];
}

static int write_part(const struct work *w, struct part *part, struct error *e)
{
    const struct portion *p = w->portion;
    uint64_t first = UINT64_MAX, last = 0;
    for (size_t i = part->from; i < part->to; i++) {
        uint64_t lsn = record_at(p, i)->lsn;
        first = lsn < first ? lsn : first;
        last = lsn > last ? lsn : last;
    }
    usec time = record_at(p, part->from)->event_time;
    int status = offline_sink_open(w->writer, time, first, last, w->jobs, &part->sink, e);
    for (size_t i = part->from; i < part->to && status == 0; i++)
        status = offline_sink_add(&part->sink, record_at(p, i), e);
    return status ? status : offline_sink_finish(&part->sink, e);
}

static void write_parts(void *context, unsigned number)
{
    struct work *w = context;
    size_t at;
    while ((at = atomic_fetch_add(&w->next, 1)) < w->parts.len)
        if (write_part(w, &w->parts.at[at], &w->errors[number])) {
            atomic_store(&w->next, w->parts.len);
            return;
        }
}

static int first_error(const struct work *w, struct error *e)
{
    for (unsigned i = 0; i < w->threads; i++)
        if (w->errors[i].code) {
            if (e)
                *e = w->errors[i];
            return w->errors[i].code;
        }
    return 0;
}

static int commit(struct offline_writer *writer, const struct work *w, struct error *e)
{
    struct offline_file *files = mem_array(NULL, w->parts.len + 1, sizeof *files);
    for (size_t i = 0; i < w->parts.len; i++)
        files[i] = w->parts.at[i].sink.file;
    struct manifest_entry entry = {.first_lsn = writer->manifest.last_lsn + 1,
                                   .last_lsn = w->portion->last,
                                   .schema = writer->group->features.len,
                                   .files = files,
                                   .count = w->parts.len};
    int status = manifest_append(&writer->manifest, &entry, e);
    mem_free(files);
    return status;
}

static int write_portion(struct offline_writer *writer, struct portion *p, unsigned jobs,
                         struct offline_made *made, struct error *e)
{
    struct work w = {.writer = writer, .portion = p};
    sort_portion(p);
    cut_into_parts(&w);
    w.threads = w.parts.len < jobs ? (unsigned)w.parts.len : jobs;
    w.jobs = w.threads ? jobs / w.threads : 1;
    w.errors = mem_alloc((w.threads + 1) * sizeof *w.errors);
    if (w.threads)
        team_run(w.threads, write_parts, &w);
    int status = first_error(&w, e);
    if (status == 0)
        status = commit(writer, &w, e);
    if (status == 0) {
        made->rows += p->records.len;
        made->files += w.parts.len;
    }
    for (size_t i = 0; i < w.parts.len; i++)
        offline_sink_release(&w.parts.at[i].sink);
    vec_release(&w.parts);
    mem_free(w.errors);
    return status;
}

/* A log that lost what the view has gives those numbers to others. */
static int check_log(const struct offline_writer *w, const char *folder, struct error *e)
{
    uint64_t last = 0;
    int status = log_end(folder, &last, e);
    if (status || last >= w->manifest.last_lsn)
        return status;
    return error_set(e, ERR_DATA,
                     "the log ends with record %" PRIu64 ", %s has %" PRIu64
                     ": remove that folder to have it made anew",
                     last, w->manifest.folder, w->manifest.last_lsn);
}

int offline_materialise(const struct group *g, const struct offline_options *o,
                        struct offline_made *made, struct error *e)
{
    struct offline_writer w;
    struct portion p = {.bytes = 0};
    *made = (struct offline_made){0};
    int status = offline_writer_open(g, o, &w, e);
    if (status)
        return status;
    char *folder = mem_format("%s/log", g->folder);
    struct log_reader *log = log_reader_open(folder, w.manifest.last_lsn + 1);
    status = check_log(&w, folder, e);
    while (status == 0 && (status = read_portion(&p, log, o->memory ? o->memory : MEMORY, e)) > 0)
        status = write_portion(&w, &p, o->jobs ? o->jobs : 1, made, e);
    made->lsn = w.manifest.last_lsn;
    log_reader_close(log);
    vec_release(&p.records);
    vec_release(&p.order);
    arena_release(&p.arena);
    mem_free(folder);
    offline_writer_close(&w);
    return status;
}
