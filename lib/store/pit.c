/* Labels in, records past them, answers out. */
#include "store/pit_parts.h"

#include "sys/sys.h"

#include <pthread.h>

enum {
    GROUP = 512, /* records whose places are looked up together, */
    AHEAD = 16,  /* and how many are between one step of that and the next */
    COUNTED_MASK = (1 << 16) - 1,
    SPARE = 64 << 20 /* bytes of rows that are nobody's any more, before they are cleared away */
};

struct pit {
    struct pit_source *source;
    struct pit_options options;
    VEC(struct pit_label) labels;
    VEC(usec) known;  /* PIT_KNOWN_BY: as many, */
    uint32_t *counts; /* COUNTED_MASK + 1: labels by hash, */
    size_t entries;   /* and entries of the trees there will be, at most */
    struct pit_entities entities;
    struct pit_rows *rows; /* a thread each */
};

/* What the threads of one pass share. */
struct pass {
    struct pit *pit;
    pthread_rwlock_t rows; /* read: rows are added; write: they are moved together */
    _Atomic size_t held;   /* bytes of rows */
    _Atomic size_t limit;
    atomic_bool stop;
    pthread_mutex_t failure; /* guards: */
    uint64_t failed;         /* the first piece that did */
    struct error error;
};

struct pit *pit_new(struct pit_source *s, const struct pit_options *o)
{
    struct pit *p = mem_alloc(sizeof *p);
    p->source = s;
    p->options = *o;
    p->options.jobs = o->jobs ? o->jobs : 1;
    p->rows = mem_alloc(p->options.jobs * sizeof *p->rows);
    return p;
}

void pit_clear(struct pit *p)
{
    for (unsigned i = 0; i < p->options.jobs; i++)
        pit_rows_release(&p->rows[i]);
    pit_entities_release(&p->entities);
    mem_free(p->counts);
    p->counts = NULL;
    p->labels.len = p->known.len = p->entries = 0;
}

void pit_free(struct pit *p)
{
    if (!p)
        return;
    pit_clear(p);
    vec_release(&p->labels);
    vec_release(&p->known);
    mem_free(p->rows);
    mem_free(p);
}

/* As if labels whose ids share the last bits of their hash had one id. */
static void count_entries(struct pit *p, struct text id)
{
    struct pit_key key;
    pit_key_make(&key, id);
    if (!p->counts)
        p->counts = mem_alloc((COUNTED_MASK + 1) * sizeof *p->counts);
    uint32_t n = p->counts[key.hash & COUNTED_MASK]++;
    p->entries += (size_t)(n + 1) * pit_levels(n + 1) - (size_t)n * pit_levels(n);
}

void pit_add(struct pit *p, struct text id, usec time, usec known_by)
{
    bool by = p->options.known == PIT_KNOWN_BY;
    if (time == INT_MISSING || (by && known_by == INT_MISSING))
        id.at = NULL;
    vec_push(&p->labels, ((struct pit_label){id, time}));
    if (by)
        vec_push(&p->known, known_by);
    if (by && id.at)
        count_entries(p, id);
}

size_t pit_need(const struct pit *p)
{
    bool by = p->options.known == PIT_KNOWN_BY;
    size_t n = p->labels.len;
    if (n >= (size_t)PIT_NOWHERE / 8)
        return SIZE_MAX; /* places would not fit in 32 bits */
    size_t label = sizeof(struct pit_label) + sizeof(uint32_t) + (by ? sizeof(usec) : 0);
    size_t entity = 2 * (size_t)PIT_UNIT + 4 * sizeof(uint64_t); /* had each label its own */
    size_t row = sizeof(struct pit_row) + p->source->row_bytes;
    size_t slot = sizeof(struct pit_slot) + sizeof(usec) + sizeof(uint32_t);
    return n * (label + entity + row) + p->entries * slot;
}

/* ---- records to slots ---- */

/* One thread of a pass. */
struct worker {
    struct pass *pass;
    struct pit_piece *piece;
    struct pit_rows *rows;
    size_t held; /* taken since the pass was told */
};

/* Takes the slot for this thread unless its record is newer than t. A slot's time only grows, so
 * most records are refused without waiting. */
static bool enter(struct pit_slot *slot, usec t, usec *was)
{
    for (;;) {
        *was = atomic_load_explicit(&slot->time, memory_order_relaxed);
        if (*was > t)
            return false;
        if (*was != PIT_BUSY &&
            atomic_compare_exchange_weak_explicit(&slot->time, was, PIT_BUSY, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    }
}

static void leave(struct pit_slot *slot, usec t)
{
    atomic_store_explicit(&slot->time, t, memory_order_release);
}

/* A copy of the record, in place of the row `old` when that is long enough. */
static struct pit_row *keep(struct worker *w, struct pit_record *r, struct pit_row *old)
{
    struct pit_source *s = w->pass->pit->source;
    size_t n = r->deleted ? 0 : s->kind->size(s, w->piece, r);
    bool expires = r->expires_at != STORE_NEVER;
    size_t need = n + (expires ? sizeof r->expires_at : 0);
    struct pit_row *row =
        old && (size_t)old->room * 8 >= need ? old : pit_rows_add(w->rows, need, &w->held);
    row->len = (uint32_t)n;
    row->lsn = r->lsn;
    row->deleted = r->deleted;
    row->expires = expires;
    if (expires)
        memcpy(row + 1, &r->expires_at, sizeof r->expires_at);
    if (n)
        s->kind->copy(s, w->piece, r, pit_row_bytes(row));
    return row;
}

/* The record is kept in the slot when it is better than what is there. `kept` is the copy made for
 * another slot, or NULL. */
static struct pit_row *offer(struct worker *w, struct pit_slot *slot, struct pit_record *r,
                             struct pit_row *kept)
{
    usec time;
    if (!enter(slot, r->event_time, &time))
        return kept;
    struct pit_row *row = pit_slot_row(slot);
    if (!row || store_newer(r->event_time, r->lsn, time, row->lsn)) {
        bool shared = w->pass->pit->entities.tree != NULL;
        kept = kept ? kept : keep(w, r, shared ? NULL : row);
        atomic_store_explicit(&slot->row, kept, memory_order_relaxed);
        time = r->event_time;
    }
    leave(slot, time);
    return kept;
}

/* In every block of the labels from `from` on. */
static void offer_in_tree(struct worker *w, const struct pit_entity *entity, uint32_t from,
                          struct pit_record *r)
{
    const struct pit_entities *s = &w->pass->pit->entities;
    struct pit_row *kept = NULL;
    uint32_t n = entity->count;
    while (from < n) {
        unsigned level = 0;
        while (from % ((uint32_t)2 << level) == 0 && (uint32_t)1 << level < n)
            level++;
        uint32_t size = (uint32_t)1 << level, own = n - from < size ? n - from : size;
        uint64_t start = pit_tree_of(entity) + (uint64_t)level * n + from;
        uint32_t at = pit_first_from(s->known + start, own, r->write_time);
        if (at < own)
            kept = offer(w, &s->tree[start + at], r, kept);
        from += own;
    }
}

/* The time from which on a label has the record as a candidate, its other time aside. */
static usec begins(const struct pit_options *o, const struct pit_record *r)
{
    usec t = r->event_time + (o->strict && r->event_time < INT64_MAX);
    return o->known == PIT_KNOWN_THEN && r->write_time > t ? r->write_time : t;
}

/* Records on their way to their slots. */
struct lookup {
    struct pit_key keys[GROUP];
    const struct pit_entity *entities[GROUP];
    uint32_t
        from[GROUP]; /* the first label, or in a tree one of many, that they are candidates of */
    struct pit_slot *slots[GROUP]; /* its slot; NULL: there is no such label, or a tree */
};

static void ask_for_table(const struct pit_entities *s, struct lookup *l,
                          const struct pit_record *r, int i)
{
    pit_key_make(&l->keys[i], r->id);
    __builtin_prefetch(pit_table_home(s, &l->keys[i]));
}

static void ask_for_entity(const struct pit_entities *s, struct lookup *l, int i)
{
    const struct pit_entity *entity = l->entities[i] = pit_first_like(s, &l->keys[i]);
    __builtin_prefetch(entity);
    __builtin_prefetch((const char *)entity + PIT_UNIT, 0, 2); /* not always wanted */
}

static void ask_for_slot(const struct pit *p, struct lookup *l, const struct pit_record *r, int i)
{
    const struct pit_entities *s = &p->entities;
    const struct pit_entity *entity = l->entities[i];
    if (!pit_entity_is(entity, &l->keys[i], r->id))
        entity = l->entities[i] = pit_entity_find(s, &l->keys[i], r->id);
    l->from[i] = pit_first_label(s, entity, begins(&p->options, r));
    bool there = l->from[i] < entity->count && !s->tree;
    l->slots[i] = there ? pit_slots_of(s, entity) + l->from[i] : NULL;
    __builtin_prefetch(l->slots[i], 1);
}

/* The row that the record would be written over; NULL: none. */
static const struct pit_row *row_over(const struct pit_slot *slot, const struct pit_record *r)
{
    if (!slot || atomic_load_explicit(&slot->time, memory_order_relaxed) > r->event_time)
        return NULL;
    return pit_slot_row(slot);
}

/* Memory is asked for some records before it is wanted, so that many are waited for at once while
 * others are worked on. (Nothing may be asked for in a function that does only that: it has no
 * effect, says the compiler, and leaves out the call.) */
static void place(struct worker *w, struct pit_record *records, int n)
{
    const struct pit *p = w->pass->pit;
    const struct pit_entities *s = &p->entities;
    struct lookup l;
    for (int i = 0; i < n + 4 * AHEAD; i++) {
        int second = i - AHEAD, third = i - 2 * AHEAD, fourth = i - 3 * AHEAD;
        int last = i - 4 * AHEAD;
        if (i < n)
            ask_for_table(s, &l, &records[i], i);
        if (second >= 0 && second < n)
            ask_for_entity(s, &l, second);
        if (third >= 0 && third < n)
            ask_for_slot(p, &l, &records[third], third);
        if (fourth >= 0 && fourth < n)
            __builtin_prefetch(row_over(l.slots[fourth], &records[fourth]), 1);
        if (last >= 0 && s->tree)
            offer_in_tree(w, l.entities[last], l.from[last], &records[last]);
        else if (last >= 0 && l.slots[last])
            offer(w, l.slots[last], &records[last], NULL);
    }
}

/* ---- the pass ---- */

static void fail(struct pass *x, uint64_t piece, const struct error *e)
{
    pthread_mutex_lock(&x->failure);
    if (piece < x->failed) {
        x->failed = piece;
        x->error = *e;
    }
    pthread_mutex_unlock(&x->failure);
    atomic_store(&x->stop, true);
}

/* The row's copy: in a tree several slots may have one row, which says so once it moved. */
static struct pit_row *moved(struct pit_row *row, struct pit_rows *to, size_t *held)
{
    if (row->moved)
        return (struct pit_row *)(uintptr_t)row->lsn;
    struct pit_row *copy = pit_rows_add(to, (size_t)row->room * 8, held);
    memcpy(copy, row, sizeof *row + (size_t)row->room * 8);
    row->moved = 1;
    row->lsn = (uintptr_t)copy;
    return copy;
}

static void move_rows(struct pit_slot *slots, size_t n, struct pit_rows *to, size_t *held)
{
    for (size_t i = 0; i < n; i++) {
        struct pit_row *row = pit_slot_row(&slots[i]);
        if (row)
            atomic_store_explicit(&slots[i].row, moved(row, to, held), memory_order_relaxed);
    }
}

/* Rows that are still in a slot are copied, and all others are gone. */
static void tidy(struct pass *x)
{
    struct pit *p = x->pit;
    const struct pit_entities *s = &p->entities;
    struct pit_rows fresh = {0};
    size_t held = 0;
    if (s->tree)
        move_rows(s->tree, s->tree_size, &fresh, &held);
    else
        for (size_t at = 0; at < s->starts[PIT_PARTS];) {
            const struct pit_entity *entity = (const void *)(s->bytes + at);
            move_rows(pit_slots_of(s, entity), entity->count, &fresh, &held);
            at += pit_entity_size(s, entity->count);
        }
    for (unsigned i = 0; i < p->options.jobs; i++)
        pit_rows_release(&p->rows[i]);
    p->rows[0] = fresh;
    atomic_store(&x->held, held);
    atomic_store(&x->limit, held + held / 2 + SPARE);
}

static void tell_held(struct worker *w)
{
    struct pass *x = w->pass;
    size_t held = atomic_fetch_add(&x->held, w->held) + w->held;
    w->held = 0;
    if (held <= atomic_load(&x->limit))
        return;
    pthread_rwlock_wrlock(&x->rows);
    if (atomic_load(&x->held) > atomic_load(&x->limit))
        tidy(x);
    pthread_rwlock_unlock(&x->rows);
}

static int scan_piece(struct worker *w, struct error *e)
{
    struct pass *x = w->pass;
    struct pit_source *s = x->pit->source;
    struct pit_record records[GROUP];
    int n;
    pthread_rwlock_rdlock(&x->rows);
    while ((n = s->kind->take(s, w->piece, records, GROUP, e)) > 0)
        place(w, records, n);
    pthread_rwlock_unlock(&x->rows);
    return n;
}

static void scan(void *context, unsigned number)
{
    struct pass *x = context;
    struct pit_source *s = x->pit->source;
    struct worker w = {.pass = x, .rows = &x->pit->rows[number]};
    w.piece = s->kind->piece_new(s);
    while (!atomic_load(&x->stop)) {
        struct error e = {0};
        int got = s->kind->next(s, w.piece, &e);
        if (got == 0)
            break;
        if (got > 0)
            got = scan_piece(&w, &e);
        if (got < 0)
            fail(x, w.piece->sequence, &e);
        tell_held(&w);
    }
    s->kind->piece_free(w.piece);
}

static int pass_run(struct pit *p, struct error *e)
{
    struct pass x = {.pit = p, .limit = SPARE, .failed = UINT64_MAX};
    pthread_rwlock_init(&x.rows, NULL);
    pthread_mutex_init(&x.failure, NULL);
    team_run(p->options.jobs, scan, &x);
    if (x.failed != UINT64_MAX && e)
        *e = x.error;
    pthread_mutex_destroy(&x.failure);
    pthread_rwlock_destroy(&x.rows);
    return x.failed == UINT64_MAX ? 0 : x.error.code;
}

int pit_join(struct pit *p, struct error *e)
{
    const usec *known = p->options.known == PIT_KNOWN_BY ? p->known.at : NULL;
    pit_entities_make(&p->entities, p->labels.at, known, p->labels.len, p->options.jobs);
    int status = 0;
    if (p->entities.bytes) {
        status = p->source->kind->begin(p->source, p->entities.last_time, e);
        if (status == 0)
            status = pass_run(p, e);
    }
    if (status == 0)
        pit_entities_decide(&p->entities, p->options.jobs);
    return status;
}

/* ---- answers ---- */

const char *pit_status_name(enum pit_status s)
{
    static const char *const names[] = {[PIT_OK] = "ok",
                                        [PIT_MISSING] = "missing",
                                        [PIT_EXPIRED] = "expired",
                                        [PIT_DELETED] = "deleted"};
    return names[s];
}

static bool out_of_sight(usec event_time, usec label, usec lookback)
{
    usec from;
    return lookback != STORE_NEVER && !__builtin_sub_overflow(label, lookback, &from) &&
           event_time < from;
}

struct pit_answer pit_answer(const struct pit *p, size_t label)
{
    const struct pit_slot *w = pit_winner_of(&p->entities, label);
    usec time = p->labels.at[label].time;
    if (!w)
        return (struct pit_answer){PIT_MISSING, INT_MISSING, {NULL, 0}};
    usec event_time = atomic_load_explicit(&w->time, memory_order_relaxed);
    struct pit_row *row = pit_slot_row(w);
    if (row->deleted)
        return (struct pit_answer){PIT_DELETED, event_time, {NULL, 0}};
    if (pit_row_expiry(row) <= time || out_of_sight(event_time, time, p->options.lookback))
        return (struct pit_answer){PIT_EXPIRED, event_time, {NULL, 0}};
    return (struct pit_answer){PIT_OK, event_time, {pit_row_bytes(row), row->len}};
}

struct text pit_cell(const struct pit *p, struct text row, size_t feature,
                     char room[static TIME_MAX])
{
    if (!row.at)
        return (struct text){NULL, 0};
    return p->source->kind->cell(p->source, row, feature, room);
}
