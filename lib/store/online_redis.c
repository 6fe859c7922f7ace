/*
 * The view on a Redis server. An entity is a hash, fs:{GROUP:ID}; its features are texts under
 * their names, and of the record there are, under names that no feature has, _t event_time   _w
 * write_time   _e expires_at   _l lsn   _x flags _n values of its row (the first of which, the time
 * as it was spelt, is _s) fs:{GROUP}:applied is the lsn of the last record that was applied,
 * fs:{GROUP}:source:NAME what the last STORE_POSITION of a source says, fs:{GROUP}:entities the ids
 * that were ever seen.
 */
#include "store/online_kinds.h"
#include "store/redis_link.h"

#include <stdlib.h>

/* Commands that are on their way at once; and how long what expired or was deleted is remembered.
 */
enum { PIPELINE = 500, KEPT_DAYS = 30 };
enum { FIELDS = 6 }; /* of the record itself */

struct redis {
    struct online online; /* first */
    const struct group *group;
    struct redis_link *link;
    struct redis_batch commands;
    struct row_builder row;
    char script[41]; /* its SHA-1 */
};

/* ---- the script ---- */

/*
 * One record into its hash, in one step: KEYS[1] it; ARGV: event_time, write_time, expires_at, lsn,
 * flags, values, milliseconds at which it vanishes or "", then names and texts of features.
 * Microseconds are whole in Lua's doubles up to the year 2255. Fields are set in pieces: a call
 * takes some thousand arguments.
 */
static const char script[] =
    "local old = redis.call('HGET', KEYS[1], '_t')\n"
    "if old and tonumber(old) >= tonumber(ARGV[1]) then return 0 end\n"
    "redis.call('DEL', KEYS[1])\n"
    "redis.call('HSET', KEYS[1], '_t', ARGV[1], '_w', ARGV[2], '_e', ARGV[3], '_l', ARGV[4],\n"
    "  '_x', ARGV[5], '_n', ARGV[6])\n"
    "for i = 8, #ARGV, 1000 do\n"
    "  redis.call('HSET', KEYS[1], unpack(ARGV, i, math.min(i + 999, #ARGV)))\n"
    "end\n"
    "if ARGV[7] == '' then redis.call('PERSIST', KEYS[1])\n"
    "else redis.call('PEXPIREAT', KEYS[1], ARGV[7]) end\n"
    "return 1\n";

static int take_sha(void *context, size_t i, const redisReply *r, struct error *e)
{
    struct redis *o = context;
    (void)i;
    if (r->type != REDIS_REPLY_STRING || r->len != 40)
        return error_set(e, ERR_SYSTEM, "redis does not take scripts");
    memcpy(o->script, r->str, 40);
    return 0;
}

static int load_script(struct redis *o, struct error *e)
{
    struct redis_batch b = {0};
    redis_begin(&b);
    redis_word(&b, "SCRIPT");
    redis_word(&b, "LOAD");
    redis_word(&b, script);
    int status = redis_run(o->link, &b, take_sha, o, e);
    redis_release(&b);
    return status;
}

/* ---- keys ---- */

static void key_arg(struct redis *o, struct text id)
{
    struct buf key = {0};
    buf_format(&key, "fs:{%s:", o->group->name);
    buf_add(&key, id.at, id.len);
    buf_putc(&key, '}');
    redis_arg(&o->commands, (struct text){key.at, key.len});
    buf_release(&key);
}

static void group_arg(struct redis *o, const char *what, struct text name)
{
    struct buf key = {0};
    buf_format(&key, "fs:{%s}:%s", o->group->name, what);
    buf_add(&key, name.at, name.len);
    redis_arg(&o->commands, (struct text){key.at, key.len});
    buf_release(&key);
}

/* A command of one key of the group. */
static void begin_command(struct redis *o, const char *name, const char *what, struct text of)
{
    redis_begin(&o->commands);
    redis_word(&o->commands, name);
    group_arg(o, what, of);
}

/* ---- applying ---- */

static const char *name_of(const struct redis *o, size_t value)
{
    return value == 0 ? "_s" : o->group->features.at[value - 1].name;
}

/* When the hash vanishes: some time after it expired, and what is deleted some time after that. */
static void vanish_arg(struct redis *o, const struct store_record *r)
{
    bool deleted = r->flags & STORE_DELETED;
    usec end = deleted && r->write_time < r->expires_at ? r->write_time : r->expires_at;
    if (end == STORE_NEVER)
        redis_word(&o->commands, "");
    else
        redis_number(&o->commands, (end + KEPT_DAYS * USEC_DAY) / 1000);
}

static void record_command(struct redis *o, const struct store_record *r)
{
    struct redis_batch *b = &o->commands;
    struct text row = online_row(r);
    char room[TIME_MAX];
    redis_begin(b);
    redis_word(b, "EVALSHA");
    redis_word(b, o->script);
    redis_word(b, "1");
    key_arg(o, r->id);
    redis_number(b, r->event_time);
    redis_number(b, r->write_time);
    if (r->expires_at == STORE_NEVER)
        redis_word(b, "");
    else
        redis_number(b, r->expires_at);
    redis_number(b, (int64_t)r->lsn);
    redis_number(b, (int64_t)r->flags);
    redis_number(b, (int64_t)row_features(row));
    vanish_arg(o, r);
    for (size_t i = 0; i < row_features(row); i++) {
        struct text cell = row_cell(row, i, room);
        if (!cell.at)
            continue;
        redis_word(b, name_of(o, i));
        redis_arg(b, cell);
    }
}

static void position_command(struct redis *o, const struct store_record *r)
{
    begin_command(o, "SET", "source:", r->id);
    redis_arg(&o->commands, r->row);
}

static int take_applied(void *context, size_t i, const redisReply *r, struct error *e)
{
    bool *lacking = context;
    (void)i, (void)e;
    *lacking = *lacking || redis_lacks_script(r);
    return 0;
}

static int apply_some(struct redis *o, const struct store_record *records, size_t n,
                      struct error *e)
{
    int status = 0;
    for (int round = 0; round < 3; round++) {
        bool lacking = false;
        redis_clear(&o->commands);
        for (size_t i = 0; i < n; i++)
            if (records[i].flags & STORE_POSITION)
                position_command(o, &records[i]);
            else
                record_command(o, &records[i]);
        begin_command(o, "SET", "applied", (struct text){"", 0});
        redis_number(&o->commands, (int64_t)records[n - 1].lsn);
        status = redis_run(o->link, &o->commands, take_applied, &lacking, e);
        if (status || !lacking)
            return status;
        /* A server that was started again does not know it. */
        status = load_script(o, e);
    }
    return status ? status : error_set(e, ERR_SYSTEM, "redis forgets its scripts");
}

static int apply_redis(struct online *online, const struct store_record *records, size_t n,
                       struct error *e)
{
    struct redis *o = (void *)online;
    int status = 0;
    for (size_t i = 0; i < n && status == 0; i += PIPELINE)
        status = apply_some(o, records + i, n - i < PIPELINE ? n - i : PIPELINE, e);
    return status;
}

/* ---- reading ---- */

static int not_ours(struct error *e)
{
    return error_set(e, ERR_DATA, "what redis has is not what was written there");
}

static bool number_in(const redisReply *r, int64_t otherwise, int64_t *n)
{
    double unused;
    *n = otherwise;
    if (r->type != REDIS_REPLY_STRING)
        return false;
    return r->len == 0 || number_parse(r->str, r->len, n, &unused) == NUMBER_INT;
}

struct getting {
    struct redis *redis;
    const struct text *ids;
    size_t first;
    online_take *take;
    void *context;
    size_t done; /* replies that were passed on, in case of a second round */
};

/* The cells of the reply to HMGET: those of the record, then of its row. */
static bool read_row(struct redis *o, const redisReply *r, size_t values)
{
    const struct group *g = o->group;
    row_begin(&o->row, values);
    for (size_t i = 0; i < values; i++) {
        const redisReply *cell = r->element[FIELDS + i];
        struct text t = {NULL, 0};
        enum type type = i == 0 ? TYPE_TEXT : feature_cell_type(&g->features.at[i - 1]);
        if (cell->type == REDIS_REPLY_STRING)
            t = (struct text){cell->str, cell->len};
        if (!row_add(&o->row, type, t))
            return false;
    }
    return true;
}

static bool read_record(struct redis *o, const redisReply *r, struct store_record *out)
{
    int64_t n[FIELDS];
    for (size_t i = 0; i < FIELDS; i++)
        if (!number_in(r->element[i], STORE_NEVER, &n[i]))
            return false;
    size_t values = (size_t)n[5];
    if (n[5] < 0 || values > o->group->features.len + 1 || (values && !read_row(o, r, values)))
        return false;
    out->event_time = n[0];
    out->write_time = n[1];
    out->expires_at = n[2];
    out->lsn = (uint64_t)n[3];
    out->flags = (unsigned)n[4];
    out->row = values ? row_end(&o->row) : (struct text){"", 0};
    return true;
}

static int take_hash(void *context, size_t i, const redisReply *r, struct error *e)
{
    struct getting *g = context;
    struct store_record record = {.id = g->ids[i]};
    if (i < g->done)
        return 0;
    g->done = i + 1;
    if (r->type != REDIS_REPLY_ARRAY || r->elements != FIELDS + 1 + g->redis->group->features.len)
        return not_ours(e);
    if (r->element[0]->type == REDIS_REPLY_NIL)
        return g->take(g->context, g->first + i, NULL, e);
    return read_record(g->redis, r, &record) ? g->take(g->context, g->first + i, &record, e)
                                             : not_ours(e);
}

static void get_command(struct redis *o, struct text id)
{
    static const char *const fields[FIELDS] = {"_t", "_w", "_e", "_l", "_x", "_n"};
    redis_begin(&o->commands);
    redis_word(&o->commands, "HMGET");
    key_arg(o, id);
    for (size_t i = 0; i < FIELDS; i++)
        redis_word(&o->commands, fields[i]);
    for (size_t i = 0; i <= o->group->features.len; i++)
        redis_word(&o->commands, name_of(o, i));
}

static int get_redis(struct online *online, const struct text *ids, size_t n, online_take *take,
                     void *context, struct error *e)
{
    struct redis *o = (void *)online;
    int status = 0;
    for (size_t first = 0; first < n && status == 0; first += PIPELINE) {
        size_t count = n - first < PIPELINE ? n - first : PIPELINE;
        struct getting g = {o, ids + first, first, take, context, 0};
        redis_clear(&o->commands);
        for (size_t i = 0; i < count; i++)
            get_command(o, ids[first + i]);
        status = redis_run(o->link, &o->commands, take_hash, &g, e);
    }
    return status;
}

/* ---- of the group ---- */

static int take_text(void *context, size_t i, const redisReply *r, struct error *e)
{
    struct buf *out = context;
    (void)i, (void)e;
    out->len = 0;
    if (r->type == REDIS_REPLY_STRING)
        buf_add(out, r->str, r->len);
    if (r->type == REDIS_REPLY_INTEGER)
        buf_format(out, "%lld", r->integer);
    if (r->type == REDIS_REPLY_NIL)
        out->len = SIZE_MAX;
    return 0;
}

/* 1, and the reply to a command of one key; 0: there is no such key. */
static int ask(struct redis *o, const char *command, const char *what, struct text of,
               struct buf *out, struct error *e)
{
    struct buf text = {0};
    redis_clear(&o->commands);
    begin_command(o, command, what, of);
    int status = redis_run(o->link, &o->commands, take_text, &text, e);
    bool found = status == 0 && text.len != SIZE_MAX;
    if (found)
        buf_add(out, text.at ? text.at : "", text.len);
    text.len = 0;
    buf_release(&text);
    return status ? status : found;
}

static int ask_number(struct redis *o, const char *command, const char *what, uint64_t *n,
                      struct error *e)
{
    struct buf text = {0};
    int found = ask(o, command, what, (struct text){"", 0}, &text, e);
    int64_t i = 0;
    double unused;
    bool whole = found <= 0 || number_parse(text.at, text.len, &i, &unused) == NUMBER_INT;
    buf_release(&text);
    *n = (uint64_t)i;
    return found < 0 ? found : whole ? 0 : not_ours(e);
}

static int applied_redis(struct online *online, uint64_t *lsn, struct error *e)
{
    return ask_number((void *)online, "GET", "applied", lsn, e);
}

static int position_redis(struct online *online, struct text source, struct buf *out,
                          struct error *e)
{
    return ask((void *)online, "GET", "source:", source, out, e);
}

static int sync_redis(struct online *online, struct error *e)
{
    (void)online, (void)e;
    return 0; /* how durable it is, the server's configuration says */
}

static void refresh_redis(struct online *online)
{
    (void)online;
}

static void close_redis(struct online *online)
{
    struct redis *o = (void *)online;
    redis_link_close(o->link);
    redis_release(&o->commands);
    row_release(&o->row);
    mem_free(o);
}

/* ---- all of it ---- */

/* A walk through the keys of the group's entities. */
struct scan {
    struct redis *redis;
    char cursor[NUMBER_MAX]; /* where it goes on, as the server says it */
    struct buf keys;         /* of a page, each with its length before it */
};

static int take_page(void *context, size_t i, const redisReply *r, struct error *e)
{
    struct scan *s = context;
    (void)i;
    if (r->type != REDIS_REPLY_ARRAY || r->elements != 2 || r->element[0]->len >= NUMBER_MAX ||
        r->element[1]->type != REDIS_REPLY_ARRAY)
        return not_ours(e);
    memcpy(s->cursor, r->element[0]->str, r->element[0]->len + 1);
    s->keys.len = 0;
    for (size_t k = 0; k < r->element[1]->elements; k++) {
        const redisReply *key = r->element[1]->element[k];
        buf_add(&s->keys, &key->len, sizeof key->len);
        buf_add(&s->keys, key->str, key->len);
    }
    return 0;
}

static int next_page(struct scan *s, struct error *e)
{
    struct redis_batch *b = &s->redis->commands;
    char *pattern = mem_format("fs:{%s:*}", s->redis->group->name);
    redis_clear(b);
    redis_begin(b);
    redis_word(b, "SCAN");
    redis_arg(b, text_of(s->cursor));
    redis_word(b, "MATCH");
    redis_arg(b, text_of(pattern));
    redis_word(b, "COUNT");
    redis_number(b, PIPELINE);
    mem_free(pattern);
    return redis_run(s->redis->link, b, take_page, s, e);
}

/* Calls take with each key of the page. */
static int each_key(struct scan *s, online_take_id *take, void *context, struct error *e)
{
    int status = 0;
    for (size_t at = 0, n; at < s->keys.len && status == 0; at += sizeof n + n) {
        memcpy(&n, s->keys.at + at, sizeof n);
        status = take(context, (struct text){s->keys.at + at + sizeof n, n}, e);
    }
    return status;
}

static int scan_pages(struct redis *o, int (*page)(struct scan *s, void *context, struct error *e),
                      void *context, struct error *e)
{
    struct scan s = {.redis = o, .cursor = "0"};
    int status;
    do {
        status = next_page(&s, e);
        if (status == 0)
            status = page(&s, context, e);
    } while (status == 0 && strcmp(s.cursor, "0") != 0);
    buf_release(&s.keys);
    return status;
}

struct id_taker {
    const struct redis *redis;
    online_take_id *take;
    void *context;
};

static int take_key(void *context, struct text key, struct error *e)
{
    const struct id_taker *t = context;
    size_t before = strlen(t->redis->group->name) + strlen("fs:{:");
    struct text id = {key.at + before, key.len - before - 1};
    return t->take(t->context, id, e);
}

static int page_of_ids(struct scan *s, void *context, struct error *e)
{
    return each_key(s, take_key, context, e);
}

static int ids_redis(struct online *online, online_take_id *take, void *context, struct error *e)
{
    struct redis *o = (void *)online;
    struct id_taker t = {o, take, context};
    return scan_pages(o, page_of_ids, &t, e);
}

static int delete_command(void *context, struct text key, struct error *e)
{
    struct redis *o = context;
    (void)e;
    redis_begin(&o->commands);
    redis_word(&o->commands, "DEL");
    redis_arg(&o->commands, key);
    return 0;
}

static int ignore(void *context, size_t i, const redisReply *r, struct error *e)
{
    (void)context, (void)i, (void)r, (void)e;
    return 0;
}

static int remove_page(struct scan *s, void *context, struct error *e)
{
    struct redis *o = context;
    redis_clear(&o->commands);
    int status = each_key(s, delete_command, o, e);
    return status ? status : redis_run(o->link, &o->commands, ignore, NULL, e);
}

/* All entities, and first that it is to be believed. */
static int remove_redis(struct redis *o, struct error *e)
{
    redis_clear(&o->commands);
    begin_command(o, "DEL", "applied", (struct text){"", 0});
    int status = redis_run(o->link, &o->commands, ignore, NULL, e);
    return status ? status : scan_pages(o, remove_page, o, e);
}

int redis_open(const struct group *g, enum online_mode mode, struct online **out, struct error *e)
{
    static const struct online_kind kind = {.close = close_redis,
                                            .applied = applied_redis,
                                            .apply = apply_redis,
                                            .sync = sync_redis,
                                            .get = get_redis,
                                            .position = position_redis,
                                            .ids = ids_redis,
                                            .refresh = refresh_redis};
    struct redis *o = mem_alloc(sizeof *o);
    o->online.kind = &kind;
    o->group = g;
    int status = redis_link_open(g->online, &o->link, e);
    if (status == 0 && mode != ONLINE_READ)
        status = load_script(o, e);
    if (status == 0 && mode == ONLINE_ANEW)
        status = remove_redis(o, e);
    if (status)
        close_redis(&o->online);
    else
        *out = &o->online;
    return status;
}
