/* The log's records as rows: all of some, or the newest of each entity. */
#include "store/log.h"
#include "store/offline.h"
#include "store/online_kinds.h"
#include "table/sorter.h"

enum { MEMORY = 256 << 20 };

static struct log_reader *read_log(const struct group *g, uint64_t from)
{
    char *folder = mem_format("%s/log", g->folder);
    struct log_reader *log = log_reader_open(folder, from);
    mem_free(folder);
    return log;
}

/* ---- all ---- */

static bool is_wanted(const struct offline_export *x, const struct store_record *r)
{
    if (r->flags & STORE_POSITION || (!x->deleted && r->flags & STORE_DELETED))
        return false;
    return (!x->has_from || r->event_time >= x->from) && (!x->has_to || r->event_time < x->to);
}

int offline_records(const struct group *g, const struct offline_export *x, offline_take *take,
                    void *context, struct error *e)
{
    struct log_reader *log = read_log(g, x->since + 1);
    struct store_record r;
    int status;
    while ((status = log_next(log, &r, e)) > 0) {
        if (x->until && r.lsn > x->until) {
            status = 0;
            break;
        }
        if (is_wanted(x, &r) && (status = take(context, &r, e)) != 0)
            break;
    }
    log_reader_close(log);
    return status;
}

static int put_record(void *out, const struct store_record *r, struct error *e)
{
    return record_output_add(out, r, e);
}

int offline_export(const struct group *g, const struct offline_export *x,
                   const struct record_target *target, struct error *e)
{
    struct record_output *out = NULL;
    int status = record_output_new(g, target, RECORDS_EXPORT, &out, e);
    if (status == 0)
        status = offline_records(g, x, put_record, out, e);
    if (status == 0)
        status = record_output_finish(out, e);
    record_output_free(out);
    return status;
}

/* ---- the newest ---- */

/* A record in the sorter: its id is in the key, too, but not as it was. */
struct packed {
    uint64_t lsn;
    usec event_time, write_time, expires_at;
    uint32_t flags, id;
};

static void pack(const struct store_record *r, struct buf *out)
{
    struct packed head = {r->lsn,        r->event_time, r->write_time,
                          r->expires_at, r->flags,      (uint32_t)r->id.len};
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
    return (struct store_record){.lsn = head.lsn,
                                 .event_time = head.event_time,
                                 .write_time = head.write_time,
                                 .expires_at = head.expires_at,
                                 .flags = head.flags,
                                 .id = {id, head.id},
                                 .row = {id + head.id, payload.len - sizeof head - head.id}};
}

static int sort_log(const struct group *g, const struct offline_moment *m, struct sorter *sorter,
                    struct error *e)
{
    struct log_reader *log = read_log(g, 1);
    struct buf key = {0}, payload = {0};
    struct store_record r;
    int status;
    while ((status = log_next(log, &r, e)) > 0) {
        if (m->until && r.lsn > m->until) {
            status = 0;
            break;
        }
        if (r.flags & STORE_POSITION || (m->has_at && r.event_time > m->at))
            continue;
        key.len = 0;
        key_put_text(&key, r.id, (struct key_order){0});
        key_put_id(&key, r.lsn);
        pack(&r, &payload);
        status = sorter_add(sorter, (struct text){key.at, key.len},
                            (struct text){payload.at, payload.len}, e);
        if (status)
            break;
    }
    buf_release(&key);
    buf_release(&payload);
    log_reader_close(log);
    return status ? status : sorter_finish(sorter, e);
}

/* The newest of one entity so far. */
struct newest {
    const struct offline_moment *moment;
    struct store_record record; /* its bytes are in the two below */
    bool any;
    struct buf id, row;
};

static void keep(struct buf *into, struct text *t)
{
    into->len = 0;
    buf_add(into, t->at, t->len);
    t->at = into->at;
}

/* As a view online takes it; as of a moment, what had expired when it was written had not then. */
static void take(struct newest *n, struct store_record r)
{
    const struct store_record *old = &n->record;
    if (r.flags & STORE_DELETED || !n->moment->has_at)
        r.row = online_row(&r);
    if (n->any && !store_newer(r.event_time, r.lsn, old->event_time, old->lsn))
        return;
    keep(&n->id, &r.id);
    keep(&n->row, &r.row);
    n->record = r;
    n->any = true;
}

static int leave(struct newest *n, offline_take *to, void *context, struct error *e)
{
    usec now = n->moment->has_at ? n->moment->at : n->moment->now;
    const struct store_record *r = &n->record;
    bool is_there = n->any && r->row.len > 0 && r->expires_at > now;
    n->any = false;
    return is_there ? to(context, r, e) : 0;
}

static int hand_newest(struct newest *n, struct sorter *sorter, offline_take *to, void *context,
                       struct error *e)
{
    struct text key, payload;
    int status;
    while ((status = sorter_next(sorter, &key, &payload, e)) > 0) {
        struct store_record r = unpack(payload);
        if (n->any && !text_equal(n->record.id, r.id) && (status = leave(n, to, context, e)) != 0)
            return status;
        take(n, r);
    }
    return status ? status : leave(n, to, context, e);
}

int offline_newest(const struct group *g, const struct offline_moment *m,
                   const struct offline_options *o, offline_take *to, void *context,
                   struct error *e)
{
    struct sorter *sorter = sorter_new(o->memory ? o->memory : MEMORY);
    struct newest n = {.moment = m};
    int status = sort_log(g, m, sorter, e);
    if (status == 0)
        status = hand_newest(&n, sorter, to, context, e);
    sorter_free(sorter);
    buf_release(&n.id);
    buf_release(&n.row);
    return status;
}

int offline_snapshot(const struct group *g, const struct offline_moment *m,
                     const struct offline_options *o, const struct record_target *target,
                     struct error *e)
{
    struct record_output *out = NULL;
    int status = record_output_new(g, target, RECORDS_SNAPSHOT, &out, e);
    if (status == 0)
        status = offline_newest(g, m, o, put_record, out, e);
    if (status == 0)
        status = record_output_finish(out, e);
    record_output_free(out);
    return status;
}
