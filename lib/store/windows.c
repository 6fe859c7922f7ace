#include "store/windows.h"

#include "store/windows_state.h"

#include <stdlib.h>

/* ---- what is computed ---- */

static size_t argument_of(struct windows *w, size_t feature)
{
    for (size_t i = 0; i < w->arguments.len; i++)
        if (w->arguments.at[i] == feature)
            return i;
    vec_push(&w->arguments, feature);
    buf_format(&w->is_of, " %s", w->group->features.at[feature].name);
    return w->arguments.len - 1;
}

static void add_rule(struct windows *w, const struct aggregate *a)
{
    struct window_rule r = {
        .function = a->function, .window = a->window, .of_records = a->argument == MAP_NONE};
    if (!r.of_records) {
        r.argument = argument_of(w, a->argument);
        r.of_floats = w->group->features.at[a->argument].type == TYPE_FLOAT;
    }
    if (a->window > w->longest)
        w->longest = a->window;
    w->rule_of[1 + a->feature] = w->rules.len;
    vec_push(&w->rules, r);
}

struct windows *windows_new(const struct group *g)
{
    struct windows *w = mem_alloc(sizeof *w);
    w->group = g;
    w->mark = (struct stored_mark){WINDOWS_NEVER, WINDOWS_NEVER};
    w->width = 1 + g->features.len;
    w->rule_of = mem_array(NULL, w->width, sizeof *w->rule_of);
    for (size_t i = 0; i < w->width; i++)
        w->rule_of[i] = MAP_NONE;
    for (size_t i = 0; i < g->aggregates.len; i++)
        if (g->aggregates.at[i].feature != MAP_NONE)
            add_rule(w, &g->aggregates.at[i]);
    buf_format(&w->is_of, " %lld %lld", (long long)w->longest, (long long)g->lateness);
    return w;
}

/* The batch is over. */
static void forget_states(struct windows *w)
{
    for (size_t i = 0; i < w->states.len; i++)
        vec_release(&w->states.at[i].events);
    w->states.len = 0;
    map_empty(&w->ids);
    arena_reset(&w->arena);
}

void windows_close(struct windows *w)
{
    if (!w)
        return;
    forget_states(w);
    lmdb_env_close(&w->env);
    vec_release(&w->rules);
    vec_release(&w->arguments);
    vec_release(&w->states);
    mem_free(w->rule_of);
    buf_release(&w->is_of);
    map_release(&w->ids);
    map_release(&w->texts);
    arena_release(&w->arena);
    row_release(&w->event);
    row_release(&w->row);
    mem_free(w);
}

/* ---- what is stored ---- */

int windows_damaged(const struct windows *w, struct error *e)
{
    return error_set(e, ERR_DATA, "%s: what is in it is damaged: 'fstore rebuild' makes it anew",
                     w->env.folder);
}

bool windows_take_bytes(struct text *left, size_t n, const char **at)
{
    if (n > left->len)
        return false;
    *at = left->at;
    left->at += n;
    left->len -= n;
    return true;
}

static bool read_event(struct text *left, struct event *out)
{
    struct stored_event stored;
    const char *at;
    if (!windows_take_bytes(left, sizeof stored, &at))
        return false;
    memcpy(&stored, at, sizeof stored);
    if (!windows_take_bytes(left, stored.row, &at))
        return false;
    *out = (struct event){stored.time, stored.deleted, {at, stored.row}};
    return stored.row == 0 || row_whole(out->row);
}

bool windows_read_state(struct text value, struct state *s)
{
    struct stored_state stored;
    const char *at;
    if (!windows_take_bytes(&value, sizeof stored, &at))
        return false;
    memcpy(&stored, at, sizeof stored);
    if (!windows_take_bytes(&value, stored.id, &at))
        return false;
    if (stored.id)
        s->id = (struct text){at, stored.id};
    for (uint32_t i = 0; i < stored.events; i++) {
        struct event event;
        if (!read_event(&value, &event))
            return false;
        vec_push(&s->events, event);
    }
    return value.len == 0;
}

static int load(struct windows *w, struct state *s, struct error *e)
{
    struct lmdb_key k = lmdb_key_of(s->id, false);
    struct text id = s->id;
    MDB_val key = lmdb_val(k.at, k.len), data;
    int status = lmdb_env_look(&w->env, e);
    int code = status ? MDB_NOTFOUND : mdb_get(w->env.reading, w->env.db, &key, &data);
    if (code)
        return code == MDB_NOTFOUND ? status : lmdb_env_failed(&w->env, code, e);
    struct text value = {arena_copy(&w->arena, data.mv_data, data.mv_size), data.mv_size};
    if (!windows_read_state(value, s))
        return windows_damaged(w, e);
    s->id = id;
    return 0;
}

static size_t stored_bytes(const struct state *s, bool with_id)
{
    size_t n = sizeof(struct stored_state) + (with_id ? s->id.len : 0);
    for (size_t i = 0; i < s->events.len; i++)
        n += sizeof(struct stored_event) + s->events.at[i].row.len;
    return n;
}

static char *append(char *to, const void *from, size_t n)
{
    memcpy(to, from, n);
    return to + n;
}

static void write_state(char *to, const struct state *s, bool with_id)
{
    size_t n = s->events.len;
    struct stored_state stored = {s->events.at[n - 1].time, (uint32_t)n,
                                  with_id ? (uint32_t)s->id.len : 0};
    to = append(to, &stored, sizeof stored);
    to = append(to, s->id.at, stored.id);
    for (size_t i = 0; i < n; i++) {
        const struct event *event = &s->events.at[i];
        struct stored_event each = {event->time, (uint32_t)event->row.len, event->deleted};
        to = append(append(to, &each, sizeof each), event->row.at, event->row.len);
    }
}

static int store(MDB_cursor *c, const struct state *s)
{
    struct lmdb_key k = lmdb_key_of(s->id, false);
    MDB_val key = lmdb_val(k.at, k.len), data;
    if (s->events.len == 0) {
        int code = mdb_cursor_get(c, &key, &data, MDB_SET);
        return code == MDB_NOTFOUND ? 0 : code ? code : mdb_cursor_del(c, 0);
    }
    data = (MDB_val){stored_bytes(s, lmdb_key_cuts(&k)), NULL};
    int code = mdb_cursor_put(c, &key, &data, MDB_RESERVE);
    if (code == 0)
        write_state(data.mv_data, s, lmdb_key_cuts(&k));
    return code;
}

/* ---- time ---- */

static usec earlier(usec t, usec by)
{
    usec out;
    return t == WINDOWS_NEVER || __builtin_sub_overflow(t, by, &out) ? WINDOWS_NEVER : out;
}

/* A record older than this is late. */
static usec watermark(const struct windows *w)
{
    return earlier(w->mark.seen, w->group->lateness);
}

usec windows_horizon(const struct windows *w)
{
    return earlier(watermark(w), w->longest);
}

void windows_prune(struct state *s, usec until)
{
    size_t gone = event_after(s->events.at, s->events.len, until);
    if (gone == 0)
        return;
    s->events.len -= gone;
    memmove(s->events.at, s->events.at + gone, s->events.len * sizeof *s->events.at);
}

/* ---- a record ---- */

static int find(struct windows *w, struct text id, struct state **out, struct error *e)
{
    bool is_new;
    size_t at = map_put(&w->ids, id, &is_new);
    if (is_new)
        vec_push(&w->states, ((struct state){.id = w->ids.keys.at[at]}));
    *out = &w->states.at[at];
    return is_new ? load(w, *out, e) : 0;
}

static struct event event_of(struct windows *w, const struct store_record *r)
{
    struct event event = {r->event_time, r->flags & STORE_DELETED, {"", 0}};
    if (event.deleted || w->arguments.len == 0)
        return event;
    row_begin(&w->event, w->arguments.len);
    for (size_t i = 0; i < w->arguments.len; i++)
        row_take(&w->event, r->row, 1 + w->arguments.at[i]);
    struct text row = row_end(&w->event);
    event.row = (struct text){arena_copy(&w->arena, row.at, row.len), row.len};
    return event;
}

/* Behind those of its time; its place. */
static size_t insert(struct state *s, struct event event)
{
    size_t at = event_after(s->events.at, s->events.len, event.time);
    vec_push(&s->events, event);
    struct event *place = s->events.at + at;
    memmove(place + 1, place, (s->events.len - 1 - at) * sizeof *place);
    *place = event;
    return at;
}

/* The row with the aggregates over n events; without any they are missing. */
static struct text complete(struct windows *w, struct text row, const struct event *events,
                            size_t n)
{
    size_t width = row_features(row) > w->width ? row_features(row) : w->width;
    row_begin(&w->row, width);
    for (size_t i = 0; i < width; i++) {
        size_t rule = i < w->width ? w->rule_of[i] : MAP_NONE;
        if (rule == MAP_NONE)
            row_take(&w->row, row, i);
        else if (n == 0)
            row_add(&w->row, TYPE_INT, (struct text){NULL, 0});
        else
            window_value(&w->rules.at[rule], events, n, &w->texts, &w->row);
    }
    return row_end(&w->row);
}

int windows_add(struct windows *w, const struct store_record *r, struct text *row, struct error *e)
{
    struct state *s = NULL;
    bool deleted = r->flags & STORE_DELETED;
    size_t n = 0;
    if (r->flags & STORE_POSITION)
        return 0;
    int status = find(w, r->id, &s, e);
    if (status)
        return status;
    if (r->event_time > w->mark.seen)
        w->mark.seen = r->event_time;
    if (deleted || r->event_time >= watermark(w))
        n = 1 + insert(s, event_of(w, r));
    if (row && !deleted) {
        *row = complete(w, r->row, s->events.at, n);
        w->late += n == 0;
    }
    windows_prune(s, windows_horizon(w));
    return 0;
}

/* ---- a batch ---- */

/* Whether as much time went by as it takes to make everything old. */
static bool sweep_is_due(const struct windows *w)
{
    usec now = windows_horizon(w), gone;
    return now != WINDOWS_NEVER &&
           (w->mark.swept == WINDOWS_NEVER || __builtin_sub_overflow(now, w->mark.swept, &gone) ||
            gone >= w->longest);
}

/* All that no record can see any more. */
static int sweep(const struct windows *w, MDB_cursor *c)
{
    struct stored_state stored;
    MDB_val key, data;
    int code, step = MDB_FIRST;
    while ((code = mdb_cursor_get(c, &key, &data, (MDB_cursor_op)step)) == 0) {
        step = MDB_NEXT;
        if (!lmdb_is_entity(&key) || data.mv_size < sizeof stored)
            continue;
        memcpy(&stored, data.mv_data, sizeof stored);
        if (stored.last <= windows_horizon(w) && (code = mdb_cursor_del(c, 0)) != 0)
            return code;
    }
    return code == MDB_NOTFOUND ? 0 : code;
}

MDB_val windows_mark_key(void)
{
    static char name[] = "w";
    return lmdb_val(name, 1);
}

static int put_mark(const struct windows *w, const struct stored_mark *mark, MDB_cursor *c)
{
    MDB_val key = windows_mark_key(), data = {sizeof *mark + w->is_of.len, NULL};
    int code = mdb_cursor_put(c, &key, &data, MDB_RESERVE);
    if (code == 0)
        append(append(data.mv_data, mark, sizeof *mark), w->is_of.at, w->is_of.len);
    return code;
}

static int by_key(const void *a, const void *b)
{
    const struct state *x = a, *y = b;
    uint64_t p = lmdb_key_prefix(x->id), q = lmdb_key_prefix(y->id);
    return p != q ? (p < q ? -1 : 1) : text_compare(x->id, y->id);
}

static int fill(void *context, MDB_cursor *c)
{
    const struct windows *w = context;
    struct stored_mark mark = w->mark;
    int code = 0;
    for (size_t i = 0; i < w->states.len && code == 0; i++)
        code = store(c, &w->states.at[i]);
    if (code == 0 && sweep_is_due(w)) {
        mark.swept = windows_horizon(w);
        code = sweep(w, c);
    }
    return code ? code : put_mark(w, &mark, c);
}

int windows_commit(struct windows *w, uint64_t lsn, struct error *e)
{
    if (w->states.len)
        qsort(w->states.at, w->states.len, sizeof *w->states.at, by_key);
    int status = lmdb_env_write(&w->env, fill, w, lsn, e);
    if (status == 0 && sweep_is_due(w))
        w->mark.swept = windows_horizon(w);
    forget_states(w);
    return status;
}

uint64_t windows_late(const struct windows *w)
{
    return w->late;
}

int windows_sync(struct windows *w, struct error *e)
{
    return lmdb_env_sync(&w->env, e);
}
