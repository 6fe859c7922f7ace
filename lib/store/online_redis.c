/*
 * The view on a Redis server. fs:{GROUP:ID} is an entity, as in online_value.h; fs:{GROUP}:whole is
 * there when the view was made to its end; fs:{GROUP}:applied is the lsn of the last record that
 * was applied, fs:{GROUP}:source:NAME what the last STORE_POSITION of a source says. No command has
 * two keys, which a cluster may keep apart.
 */
#include "store/online_kinds.h"
#include "store/redis_link.h"

#include <stdio.h>
#include <stdlib.h>

/* Most commands of a batch; and the bytes after which none is added. */
enum { BATCH = 8192, BATCH_BYTES = 4 << 20 };

/* How long what expired or was deleted is remembered. */
#define KEPT (30 * USEC_DAY)

struct redis {
    struct online online; /* first */
    const struct group *group;
    struct redis_link *link;
    struct redis_batch commands;
    struct buf prefix; /* of an entity's key */
    char script[41];   /* its SHA-1 */
};

/* ---- the script ---- */

/*
 * A record is put if it is newer than the one there, in one step: KEYS[1] the entity, ARGV its
 * value, and the millisecond at which it vanishes or "". Microseconds are whole in Lua's doubles up
 * to the year 2255; so are lsn. With a value alone it is put, whatever is there: what is said of
 * records must not be there when a server that does not know the script has refused them.
 */
static const char script[] =
    "local new, till = ARGV[1], ARGV[2]\n"
    "local old = till and redis.call('GETRANGE', KEYS[1], 0, 31) or ''\n"
    "if #old == 32 then\n"
    "  local was, is = struct.unpack('<i8', old), struct.unpack('<i8', new)\n"
    "  if was > is then return 0 end\n"
    "  if was == is and struct.unpack('<I8', old, 25) <= struct.unpack('<I8', new, 25) then\n"
    "    return 0\n"
    "  end\n"
    "end\n"
    "redis.call('SET', KEYS[1], new)\n"
    "if till and till ~= '' then redis.call('PEXPIREAT', KEYS[1], till) end\n"
    "return 1\n";
_Static_assert(offsetof(struct online_value, event_time) == 0, "as the script has it");
_Static_assert(offsetof(struct online_value, lsn) == 24, "as the script has it");

static int take_sha(void *context, size_t i, const struct redis_value *r, struct error *e)
{
    struct redis *o = context;
    (void)i;
    if (r->type != REDIS_REPLY_STRING || r->text.len != 40)
        return error_set(e, ERR_SYSTEM, "redis does not take scripts");
    memcpy(o->script, r->text.at, 40);
    return 0;
}

static int load_script(struct redis *o, struct error *e)
{
    struct redis_batch b = {0};
    redis_begin(&b, 3);
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
    const struct text parts[] = {{o->prefix.at, o->prefix.len}, id, TEXT_LITERAL("}")};
    redis_parts(&o->commands, parts, COUNT_OF(parts));
}

static void group_key_arg(struct redis *o, const char *what, struct text of)
{
    const struct text parts[] = {TEXT_LITERAL("fs:{"), text_of(o->group->name), TEXT_LITERAL("}:"),
                                 text_of(what), of};
    redis_parts(&o->commands, parts, COUNT_OF(parts));
}

/* A command of its name and a key of the group. */
static void group_command(struct redis *o, const char *name, const char *what, struct text of)
{
    redis_begin(&o->commands, 2);
    redis_word(&o->commands, name);
    group_key_arg(o, what, of);
}

/* The script is called with one key and so many values, which follow. */
static void begin_script(struct redis *o, size_t values)
{
    redis_begin(&o->commands, 4 + values);
    redis_word(&o->commands, "EVALSHA");
    redis_word(&o->commands, o->script);
    redis_word(&o->commands, "1");
}

/* ---- applying ---- */

/* When the entity vanishes: some time after it expired, and what is deleted some time after that.
 */
static usec end_of(const struct store_record *r)
{
    bool deleted = r->flags & STORE_DELETED;
    usec end = deleted && r->write_time < r->expires_at ? r->write_time : r->expires_at;
    return end < STORE_NEVER - KEPT ? end + KEPT : STORE_NEVER;
}

static void record_command(struct redis *o, const struct store_record *r)
{
    struct redis_batch *b = &o->commands;
    struct online_value v = online_value_of(r, 0);
    const struct text parts[] = {{(const char *)&v, sizeof v}, online_row(r)};
    usec end = end_of(r);
    begin_script(o, 2);
    key_arg(o, r->id);
    redis_parts(b, parts, COUNT_OF(parts));
    if (end == STORE_NEVER)
        redis_word(b, "");
    else
        redis_number(b, end / 1000);
}

static void position_command(struct redis *o, const struct store_record *r)
{
    begin_script(o, 1);
    group_key_arg(o, "source:", r->id);
    redis_arg(&o->commands, r->row);
}

static int take_applied(void *context, size_t i, const struct redis_value *r, struct error *e)
{
    bool *lacking = context;
    (void)i, (void)e;
    *lacking = *lacking || redis_lacks_script(r);
    return 0;
}

/* The commands of the first records, as many as make a batch; returns how many. */
static size_t record_commands(struct redis *o, const struct store_record *records, size_t n)
{
    size_t i = 0;
    redis_clear(&o->commands);
    for (; i < n && i < BATCH && o->commands.bytes.len < BATCH_BYTES; i++)
        if (records[i].flags & STORE_POSITION)
            position_command(o, &records[i]);
        else
            record_command(o, &records[i]);
    begin_script(o, 1);
    group_key_arg(o, "applied", (struct text){"", 0});
    redis_number(&o->commands, (int64_t)records[i - 1].lsn);
    return i;
}

/* *done: how many were. */
static int apply_some(struct redis *o, const struct store_record *records, size_t n, size_t *done,
                      struct error *e)
{
    int status = 0;
    for (int round = 0; round < 3; round++) {
        bool lacking = false;
        *done = record_commands(o, records, n);
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
    for (size_t i = 0, done; i < n && status == 0; i += done)
        status = apply_some(o, records + i, n - i, &done, e);
    return status;
}

/* ---- reading ---- */

static int not_ours(struct error *e)
{
    return error_set(e, ERR_DATA, "what redis has is not what was written there");
}

struct getting {
    struct redis *redis;
    const struct text *ids;
    size_t first;
    online_take *take;
    void *context;
    size_t done; /* replies that were passed on, in case of a second round */
};

static bool read_value(const struct redis *o, struct text value, struct store_record *r)
{
    return online_value_read(value, r) && r->id.len == 0 &&
           (r->row.len == 0 ||
            (row_whole(r->row) && row_features(r->row) <= o->group->features.len + 1));
}

static int take_value(void *context, size_t i, const struct redis_value *r, struct error *e)
{
    struct getting *g = context;
    struct store_record record = {.lsn = 0};
    if (i < g->done)
        return 0;
    g->done = i + 1;
    if (r->type == REDIS_REPLY_NIL)
        return g->take(g->context, g->first + i, NULL, e);
    if (r->type != REDIS_REPLY_STRING || !read_value(g->redis, r->text, &record))
        return not_ours(e);
    record.id = g->ids[i];
    return g->take(g->context, g->first + i, &record, e);
}

static void get_command(struct redis *o, struct text id)
{
    redis_begin(&o->commands, 2);
    redis_word(&o->commands, "GET");
    key_arg(o, id);
}

static int get_redis(struct online *online, const struct text *ids, size_t n, online_take *take,
                     void *context, struct error *e)
{
    struct redis *o = (void *)online;
    int status = 0;
    for (size_t first = 0; first < n && status == 0; first += BATCH) {
        struct getting g = {o, ids + first, first, take, context, 0};
        redis_clear(&o->commands);
        for (size_t i = first; i < n && i < first + BATCH; i++)
            get_command(o, ids[i]);
        status = redis_run(o->link, &o->commands, take_value, &g, e);
    }
    return status;
}

/* ---- of the group ---- */

struct answer {
    struct buf *out;
    bool found;
};

static int take_text(void *context, size_t i, const struct redis_value *r, struct error *e)
{
    struct answer *a = context;
    (void)i, (void)e;
    a->found = r->type == REDIS_REPLY_STRING;
    if (a->found)
        buf_add(a->out, r->text.at, r->text.len);
    return a->found || r->type == REDIS_REPLY_NIL ? 0 : not_ours(e);
}

/* 1, and what is under a key, appended; 0: there is no such key. */
static int ask(struct redis *o, const char *what, struct text of, struct buf *out, struct error *e)
{
    struct answer a = {out, false};
    redis_clear(&o->commands);
    group_command(o, "GET", what, of);
    int status = redis_run(o->link, &o->commands, take_text, &a, e);
    return status ? status : a.found;
}

static int applied_redis(struct online *online, uint64_t *lsn, struct error *e)
{
    struct buf text = {0};
    int64_t n = 0;
    double unused;
    int found = ask((void *)online, "applied", (struct text){"", 0}, &text, e);
    bool whole = found <= 0 || number_parse(text.at, text.len, &n, &unused) == NUMBER_INT;
    buf_release(&text);
    *lsn = (uint64_t)n;
    return found < 0 ? found : whole ? 0 : not_ours(e);
}

static int position_redis(struct online *online, struct text source, struct buf *out,
                          struct error *e)
{
    return ask((void *)online, "source:", source, out, e);
}

static int ignore(void *context, size_t i, const struct redis_value *r, struct error *e)
{
    (void)context, (void)i, (void)r, (void)e;
    return 0;
}

/* How durable it is, the server's configuration says; but from now on it is to be believed. */
static int sync_redis(struct online *online, struct error *e)
{
    struct redis *o = (void *)online;
    redis_clear(&o->commands);
    group_command(o, "INCR", "whole", (struct text){"", 0});
    return redis_run(o->link, &o->commands, ignore, NULL, e);
}

/* A server that was started again without what it had has nothing that can be believed. */
static int check_whole(struct redis *o, struct error *e)
{
    struct buf text = {0};
    int found = ask(o, "whole", (struct text){"", 0}, &text, e);
    buf_release(&text);
    if (found < 0)
        return found;
    return found ? 0 : error_set(e, ERR_NO, "%s: not there, or not whole", o->group->online);
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
    buf_release(&o->prefix);
    mem_free(o);
}

/* ---- all of it ---- */

/* A walk through the keys of the group's entities, or of its sources. */
struct scan {
    struct redis *redis;
    const char *pattern;
    char cursor[NUMBER_MAX]; /* where it goes on, as the server says it */
    struct buf keys;         /* of a page, each with its length before it */
};

/* An array of the cursor and an array of keys. */
static bool is_page(const struct redis_value *r)
{
    return r->type == REDIS_REPLY_ARRAY && r->number == 2 && r[1].type == REDIS_REPLY_STRING &&
           r[1].text.len < NUMBER_MAX && r[2].type == REDIS_REPLY_ARRAY;
}

static int take_page(void *context, size_t i, const struct redis_value *r, struct error *e)
{
    struct scan *s = context;
    (void)i;
    if (!is_page(r))
        return not_ours(e);
    memcpy(s->cursor, r[1].text.at, r[1].text.len);
    s->cursor[r[1].text.len] = '\0';
    s->keys.len = 0;
    for (int64_t k = 0; k < r[2].number; k++) {
        const struct redis_value *key = &r[3 + k];
        if (key->type != REDIS_REPLY_STRING || key->text.len <= s->redis->prefix.len)
            return not_ours(e);
        buf_add(&s->keys, &key->text.len, sizeof key->text.len);
        buf_add(&s->keys, key->text.at, key->text.len);
    }
    return 0;
}

static int next_page(struct scan *s, struct error *e)
{
    struct redis_batch *b = &s->redis->commands;
    redis_clear(b);
    redis_begin(b, 6);
    redis_word(b, "SCAN");
    redis_word(b, s->cursor);
    redis_word(b, "MATCH");
    redis_word(b, s->pattern);
    redis_word(b, "COUNT");
    redis_word(b, "1000");
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

#define ENTITIES ":*}"
#define SOURCES  "}:source:*"

/* Calls page with the keys that follow the group's name as `which` says, some at a time. */
static int scan_pages(struct redis *o, const char *which,
                      int (*page)(struct scan *s, void *context, struct error *e), void *context,
                      struct error *e)
{
    char pattern[GROUP_NAME_MAX + 32];
    struct scan s = {.redis = o, .pattern = pattern, .cursor = "0"};
    int status;
    snprintf(pattern, sizeof pattern, "fs:{%s%s", o->group->name, which);
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
    size_t before = t->redis->prefix.len;
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
    return scan_pages(o, ENTITIES, page_of_ids, &t, e);
}

static int delete_command(void *context, struct text key, struct error *e)
{
    struct redis *o = context;
    (void)e;
    redis_begin(&o->commands, 2);
    redis_word(&o->commands, "DEL");
    redis_arg(&o->commands, key);
    return 0;
}

static int remove_page(struct scan *s, void *context, struct error *e)
{
    struct redis *o = context;
    redis_clear(&o->commands);
    int status = each_key(s, delete_command, o, e);
    return status ? status : redis_run(o->link, &o->commands, ignore, NULL, e);
}

static int remove_redis(struct online *online, const struct text *ids, size_t n, struct error *e)
{
    struct redis *o = (void *)online;
    int status = 0;
    for (size_t i = 0; i < n && status == 0; i += BATCH) {
        redis_clear(&o->commands);
        for (size_t k = i; k < n && k < i + BATCH; k++) {
            redis_begin(&o->commands, 2);
            redis_word(&o->commands, "DEL");
            key_arg(o, ids[k]);
        }
        status = redis_run(o->link, &o->commands, ignore, NULL, e);
    }
    return status;
}

/* All entities, and first that it is to be believed. */
static int remove_all(struct redis *o, struct error *e)
{
    redis_clear(&o->commands);
    group_command(o, "DEL", "whole", (struct text){"", 0});
    group_command(o, "DEL", "applied", (struct text){"", 0});
    int status = redis_run(o->link, &o->commands, ignore, NULL, e);
    if (status == 0)
        status = scan_pages(o, SOURCES, remove_page, o, e);
    return status ? status : scan_pages(o, ENTITIES, remove_page, o, e);
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
                                            .refresh = refresh_redis,
                                            .remove = remove_redis};
    struct redis *o = mem_alloc(sizeof *o);
    o->online.kind = &kind;
    o->group = g;
    buf_format(&o->prefix, "fs:{%s:", g->name);
    int status = redis_link_open(g->online, &o->link, e);
    if (status == 0 && mode != ONLINE_READ)
        status = load_script(o, e);
    if (status == 0)
        status = mode == ONLINE_ANEW ? remove_all(o, e) : check_whole(o, e);
    if (status)
        close_redis(&o->online);
    else
        *out = &o->online;
    return status;
}
