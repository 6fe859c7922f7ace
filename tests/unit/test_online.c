#include "store/online_kinds.h"
#include "store/redis_link.h"
#include "sys/sys.h"
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Every test runs with each kind of view. */
enum { KINDS = 2 };
static size_t kind;

static char *root;
static struct group *group;
static pid_t server; /* 0: none */

/* Times are near today: what is long gone vanishes from Redis. */
static usec today;

static void make_group(void)
{
    struct feature first = {.type = TYPE_INT}, second = {.type = TYPE_TEXT};
    struct error e = {0};
    char *folder = mem_format("%s/users", root);
    group = group_new(folder, "users");
    mkdir(folder, 0777);
    CHECK_INT(group_add_id(group, text_of("id"), &e), 0);
    CHECK_INT(group_set_time(group, text_of("at"), &e), 0);
    CHECK_INT(group_add_feature(group, text_of("first"), &first, &e), 0);
    CHECK_INT(group_add_feature(group, text_of("second"), &second, &e), 0);
    if (kind == 1)
        group->online = arena_format(&group->arena, "redis+unix://%s/r.sock?db=3", root);
    mem_free(folder);
}

static void start_server(void)
{
    server = fork();
    if (server)
        return;
    char *socket = mem_format("%s/r.sock", root);
    int null = open("/dev/null", O_WRONLY);
    dup2(null, STDOUT_FILENO);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket, "--save", "",
           "--appendonly", "no", "--dir", root, (char *)NULL);
    _exit(127);
}

static void stop_server(void)
{
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    server = 0;
}

static void begin(void)
{
    struct error e;
    today = (usec)time(NULL) * USEC_SECOND;
    root = scratch_directory(&e);
    make_group();
    if (kind == 1)
        start_server();
}

static void end(void)
{
    if (server)
        stop_server();
    unit_remove(group->folder);
    group_free(group);
    scratch_remove(root);
}

static bool has_server(void)
{
    char *const argv[] = {(char[]){"redis-server"}, (char[]){"--version"}, NULL};
    int status = 1;
    struct process p = {.argv = argv};
    struct error e;
    return process_run(&p, &status, &e) == 0 && status == 0;
}

#define EACH_KIND(name)                                                                            \
    static void name##_of_kind(void);                                                              \
    TEST(name)                                                                                     \
    {                                                                                              \
        for (kind = 0; kind < KINDS; kind++) {                                                     \
            if (kind == 1 && !has_server()) {                                                      \
                unit_skipped = "Redis: no redis-server";                                           \
                continue;                                                                          \
            }                                                                                      \
            begin();                                                                               \
            name##_of_kind();                                                                      \
            end();                                                                                 \
        }                                                                                          \
    }                                                                                              \
    static void name##_of_kind(void)

static struct online *opened(enum online_mode mode)
{
    struct online *o = NULL;
    struct error e = {0};
    CHECK_INT(online_open(group, mode, &o, &e), 0);
    CHECK_TEXT(e.message, "");
    return o;
}

/* A row of two features, whose texts are given; NULL: missing. */
static struct text row_of(struct row_builder *b, const char *first, const char *second)
{
    row_begin(b, 3);
    row_add(b, TYPE_TEXT, (struct text){0});
    row_add(b, TYPE_INT, first ? text_of(first) : (struct text){0});
    row_add(b, TYPE_TEXT, second ? text_of(second) : (struct text){0});
    return row_end(b);
}

/* One record, copied. */
struct got {
    struct store_record record;
    struct arena arena;
    bool found;
};

static int take_one(void *context, size_t i, const struct store_record *r, struct error *e)
{
    struct got *got = context;
    (void)i, (void)e;
    arena_reset(&got->arena);
    got->found = r != NULL;
    if (!r)
        return 0;
    got->record = *r;
    got->record.id.at = arena_copy(&got->arena, r->id.at, r->id.len);
    got->record.row.at = arena_copy(&got->arena, r->row.at, r->row.len);
    return 0;
}

static int find(struct online *o, struct text id, struct got *got, struct error *e)
{
    int status = online_get(o, &id, 1, take_one, got, e);
    return status ? status : got->found;
}

/* "absent", or "time flags first,second". */
static const char *look(struct online *o, const char *id, struct buf *out)
{
    struct got got = {.found = false};
    struct error e = {0};
    int found = find(o, text_of(id), &got, &e);
    out->len = 0;
    if (found <= 0)
        buf_puts(out, found ? e.message : "absent");
    else
        buf_format(out, "%lld %u ", (long long)(got.record.event_time - today), got.record.flags);
    for (size_t i = 1; i <= 2 && found > 0; i++) {
        char room[TIME_MAX];
        struct text cell = row_cell(got.record.row, i, room);
        buf_format(out, "%s%.*s", i > 1 ? "," : "", (int)cell.len, cell.at ? cell.at : "");
    }
    arena_release(&got.arena);
    return buf_text(out);
}

/* Applies one record of id "u". */
static void apply(struct online *o, uint64_t lsn, usec at, unsigned flags, const char *first,
                  const char *second)
{
    struct row_builder b = {0};
    struct error e = {0};
    struct store_record r = {lsn,   today + at,        today,  STORE_NEVER,
                             flags, TEXT_LITERAL("u"), {"", 0}};
    if (!(flags & STORE_DELETED))
        r.row = row_of(&b, first, second);
    CHECK_INT(online_apply(o, &r, 1, &e), 0);
    online_refresh(o);
    row_release(&b);
}

EACH_KIND(the_later_wins_and_the_first_of_equals)
{
    struct online *o = opened(ONLINE_ANEW);
    struct buf out = {0};
    uint64_t lsn = 9;
    struct error e;
    CHECK_TEXT(look(o, "u", &out), "absent");
    CHECK_INT(online_applied(o, &lsn, &e), 0);
    CHECK_INT(lsn, 0);
    online_refresh(o);
    apply(o, 1, 100, 0, "1", "a");
    CHECK_TEXT(look(o, "u", &out), "100 0 1,a");
    apply(o, 2, 90, 0, "2", "b");
    CHECK_TEXT(look(o, "u", &out), "100 0 1,a");
    apply(o, 3, 100, 0, "3", "c");
    CHECK_TEXT(look(o, "u", &out), "100 0 1,a");
    apply(o, 4, 101, 0, "4", NULL);
    CHECK_TEXT(look(o, "u", &out), "101 0 4,");
    CHECK_INT(online_applied(o, &lsn, &e), 0);
    CHECK_INT(lsn, 4);
    buf_release(&out);
    online_close(o);
}

EACH_KIND(nothing_comes_back_after_a_delete)
{
    struct online *o = opened(ONLINE_ANEW);
    struct buf out = {0};
    apply(o, 1, 100, 0, "1", "a");
    apply(o, 2, 99, STORE_DELETED, NULL, NULL);
    CHECK_TEXT(look(o, "u", &out), "100 0 1,a");
    apply(o, 3, 110, STORE_DELETED | STORE_HARD, NULL, NULL);
    CHECK_TEXT(look(o, "u", &out), "110 3 ,");
    apply(o, 4, 105, 0, "5", "b");
    CHECK_TEXT(look(o, "u", &out), "110 3 ,");
    apply(o, 5, 111, 0, "6", "c");
    CHECK_TEXT(look(o, "u", &out), "111 0 6,c");
    buf_release(&out);
    online_close(o);
}

EACH_KIND(what_had_expired_when_it_came_is_newer_all_the_same)
{
    struct online *o = opened(ONLINE_ANEW);
    struct row_builder b = {0};
    struct buf out = {0};
    struct error e = {0};
    struct store_record r = {2, today + 300,       today + 400,         today + 350,
                             0, TEXT_LITERAL("u"), row_of(&b, "5", "b")};
    apply(o, 1, 200, 0, "4", "a");
    CHECK_INT(online_apply(o, &r, 1, &e), 0);
    online_refresh(o);
    CHECK_TEXT(look(o, "u", &out), "300 0 ,");
    row_release(&b);
    buf_release(&out);
    online_close(o);
}

EACH_KIND(times_before_1970_are_in_order)
{
    struct online *o = opened(ONLINE_ANEW);
    struct buf out = {0};
    apply(o, 1, -today - 5, 0, "1", "a");
    apply(o, 2, -today - 3, 0, "2", "b");
    apply(o, 3, -today - 4, 0, "3", "c");
    today = 0;
    CHECK_TEXT(look(o, "u", &out), "-3 0 2,b");
    apply(o, 4, 0, 0, "4", "d");
    apply(o, 5, -1, 0, "5", "e");
    CHECK_TEXT(look(o, "u", &out), "0 0 4,d");
    buf_release(&out);
    online_close(o);
}

EACH_KIND(the_last_position_of_a_source_is_kept)
{
    static const char *const said[] = {"zzzzzzzzzzzzzzzz, longer than the times of a record",
                                       "aaaaaaaaaaaaaaaa, longer than the times of a record", "b"};
    struct online *o = opened(ONLINE_ANEW);
    struct text source = TEXT_LITERAL("a file"), other = TEXT_LITERAL("another");
    struct buf out = {0};
    struct error e = {0};
    CHECK_INT(online_position(o, source, &out, &e), 0);
    online_refresh(o);
    for (size_t i = 0; i < COUNT_OF(said); i++) {
        struct store_record r = {.lsn = 1 + i,
                                 .event_time = today - (usec)i,
                                 .expires_at = STORE_NEVER,
                                 .flags = STORE_POSITION,
                                 .id = source,
                                 .row = text_of(said[i])};
        CHECK_INT(online_apply(o, &r, 1, &e), 0);
        online_refresh(o);
        out.len = 0;
        CHECK_INT(online_position(o, source, &out, &e), 1);
        CHECK_TEXT(buf_text(&out), said[i]);
    }
    CHECK_INT(online_position(o, other, &out, &e), 0);
    buf_release(&out);
    online_close(o);
}

/* ---- many ---- */

enum { IDS = 300, RECORDS = 4000 };

static uint64_t drawn;

static size_t draw(size_t below)
{
    return (size_t)random_below(11, 1, drawn++, below);
}

/* Ids of 1 to 2048 bytes, long ones alike in their first 500. */
static struct text id_of(size_t i, char room[static STORE_ID_MAX])
{
    size_t n = i % 3 == 0 ? 1200 + i % 7 : i % 3 == 1 ? 1 + (i * 13) % 400 : 470 + i % 20;
    memset(room, 'x', n);
    int digits = snprintf(room + (n > 20 ? n - 12 : 0), 12, "%zu", i);
    return (struct text){room, n > 20 ? n : (size_t)digits};
}

struct history {
    struct store_record at[RECORDS];
    struct arena arena;
};

static void make_history(struct history *h)
{
    struct row_builder b = {0};
    char room[STORE_ID_MAX], first[16], second[6000];
    memset(second, 's', sizeof second);
    for (size_t i = 0; i < RECORDS; i++) {
        struct text id = id_of(draw(IDS), room);
        snprintf(first, sizeof first, "%zu", i);
        /* Some are longer than a page of LMDB. */
        second[draw(20) ? draw(50) : 3000 + draw(2999)] = '\0';
        unsigned flags = draw(8) == 0 ? STORE_DELETED : 0;
        struct text row = row_of(&b, draw(3) ? first : NULL, draw(3) ? second : NULL);
        if (flags & STORE_DELETED)
            row.len = 0;
        second[strlen(second)] = 's';
        h->at[i] = (struct store_record){i + 1,
                                         today + (usec)draw(500),
                                         today + (usec)i,
                                         draw(5) ? STORE_NEVER : today + (usec)draw(6000),
                                         flags,
                                         {arena_copy(&h->arena, id.at, id.len), id.len},
                                         {arena_copy(&h->arena, row.at, row.len), row.len}};
    }
    row_release(&b);
}

/* All of it in bytes. */
static void print_all(struct online *o, struct buf *out)
{
    char room[STORE_ID_MAX];
    struct got got = {.found = false};
    struct error e = {0};
    out->len = 0;
    for (size_t i = 0; i < IDS; i++) {
        const struct store_record *r = &got.record;
        if (find(o, id_of(i, room), &got, &e) != 1)
            continue;
        buf_format(out, "%zu %llu %lld %lld %lld %u ", i, (unsigned long long)r->lsn,
                   (long long)(r->event_time - today), (long long)(r->write_time - today),
                   (long long)(r->expires_at == STORE_NEVER ? 0 : r->expires_at - today), r->flags);
        buf_add(out, r->row.at, r->row.len);
    }
    CHECK_TEXT(e.message, "");
    arena_release(&got.arena);
}

static void apply_all(struct online *o, const struct history *h, size_t from, size_t at_once)
{
    struct error e = {0};
    for (size_t i = from; i < RECORDS; i += at_once)
        CHECK_INT(online_apply(o, h->at + i, RECORDS - i < at_once ? RECORDS - i : at_once, &e), 0);
}

/* Of any kind, too. */
static struct buf first_kind;

EACH_KIND(transactions_of_any_size_come_to_the_same)
{
    static const size_t sizes[] = {1, 7, 100, RECORDS};
    struct history *h = mem_alloc(sizeof *h);
    struct buf first = {0}, other = {0};
    drawn = 0;
    make_history(h);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct online *o = opened(ONLINE_ANEW);
        apply_all(o, h, 0, sizes[i]);
        print_all(o, i ? &other : &first);
        if (i)
            CHECK(
                text_equal((struct text){first.at, first.len}, (struct text){other.at, other.len}));
        online_close(o);
    }
    CHECK(first.len > 10000);
    if (kind == 0)
        buf_add(&first_kind, first.at, first.len);
    CHECK(text_equal((struct text){first.at, first.len},
                     (struct text){first_kind.at, first_kind.len}));
    if (kind == KINDS - 1 || !has_server())
        buf_release(&first_kind);
    buf_release(&first);
    buf_release(&other);
    arena_release(&h->arena);
    mem_free(h);
}

/* Every id: the newest by a search through all. */
EACH_KIND(every_id_has_its_newest)
{
    struct history *h = mem_alloc(sizeof *h);
    struct got got = {.found = false};
    char room[STORE_ID_MAX];
    make_history(h);
    struct online *o = opened(ONLINE_ANEW);
    apply_all(o, h, 0, 64);
    for (size_t i = 0; i < IDS + 5; i++) {
        struct text id = id_of(i, room);
        const struct store_record *best = NULL;
        struct error e = {0};
        for (size_t k = 0; k < RECORDS; k++)
            if (text_equal(h->at[k].id, id) &&
                (!best ||
                 store_newer(h->at[k].event_time, h->at[k].lsn, best->event_time, best->lsn)))
                best = &h->at[k];
        CHECK_INT(find(o, id, &got, &e), best != NULL);
        if (best) {
            CHECK_INT(got.record.lsn, best->lsn);
            CHECK(text_equal(got.record.row, online_row(best)));
        }
    }
    online_close(o);
    arena_release(&got.arena);
    arena_release(&h->arena);
    mem_free(h);
}

struct asked {
    size_t next; /* of the ids */
    const struct text *ids;
};

/* Every third is not there; the others have their number as the first feature. */
static int take_numbered(void *context, size_t i, const struct store_record *r, struct error *e)
{
    struct asked *a = context;
    char room[TIME_MAX];
    (void)e;
    CHECK_INT(i, a->next++);
    CHECK_INT(r != NULL, i % 3 != 0);
    if (r)
        CHECK(text_equal(r->id, a->ids[i]) && text_equal(row_cell(r->row, 1, room), a->ids[i]));
    return 0;
}

EACH_KIND(ids_are_answered_in_their_order_however_many)
{
    enum { MANY = 20000 };
    struct arena arena = {0};
    struct row_builder b = {0};
    struct error e = {0};
    struct store_record *records = mem_array(NULL, MANY, sizeof *records);
    struct text *ids = mem_array(NULL, MANY, sizeof *ids);
    struct online *o = opened(ONLINE_ANEW);
    struct asked asked = {0, ids};
    uint64_t n = 0;
    for (size_t i = 0; i < MANY; i++) {
        ids[i] = text_of(arena_format(&arena, "%zu", i));
        if (i % 3 == 0)
            continue;
        struct text row = row_of(&b, ids[i].at, NULL);
        row.at = arena_copy(&arena, row.at, row.len);
        records[n] = (struct store_record){n + 1, today, today, STORE_NEVER, 0, ids[i], row};
        n++;
    }
    CHECK_INT(online_apply(o, records, n, &e), 0);
    online_refresh(o);
    CHECK_INT(online_get(o, ids, MANY, take_numbered, &asked, &e), 0);
    CHECK_INT(asked.next, MANY);
    online_close(o);
    mem_free(records);
    mem_free(ids);
    row_release(&b);
    arena_release(&arena);
}

/* Reads when told to what was written since it opened. */
static void read_when_told(int from)
{
    struct online *o = NULL;
    struct got got = {.found = false};
    struct error e;
    char byte;
    int bad = online_open(group, ONLINE_READ, &o, &e) || find(o, text_of("u300"), &got, &e);
    bad = bad || read(from, &byte, 1) != 1;
    if (!bad)
        online_refresh(o);
    _exit(bad || find(o, text_of("u300"), &got, &e) != 1 || !row_whole(got.record.row));
}

TEST(the_map_grows)
{
    kind = 0;
    begin();
    struct online *o = opened(ONLINE_ANEW);
    online_close(o);
    int tell[2], status;
    CHECK_INT(pipe(tell), 0);
    pid_t child = fork();
    if (child == 0)
        read_when_told(tell[0]);
    o = opened(ONLINE_WRITE);
    struct row_builder b = {0};
    struct error e = {0};
    size_t n = 350000;
    char *wide = mem_alloc(n + 1);
    memset(wide, 'w', n);
    for (uint64_t i = 1; i <= 300; i++) {
        char id[16];
        snprintf(id, sizeof id, "u%u", (unsigned)i);
        struct store_record r = {i, 1, 0, STORE_NEVER, 0, text_of(id), row_of(&b, "1", wide)};
        CHECK_INT(online_apply(o, &r, 1, &e), 0);
    }
    CHECK_INT(write(tell[1], "", 1), 1);
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
    close(tell[0]);
    close(tell[1]);
    online_close(o);
    mem_free(wide);
    row_release(&b);
    end();
}

/* ---- what is believed ---- */

static int try_open(enum online_mode mode)
{
    struct online *o = NULL;
    struct error e = {0};
    int status = online_open(group, mode, &o, &e);
    online_close(o);
    return status;
}

static void put_state(const char *content)
{
    char *path = mem_format("%s/online/state", group->folder);
    struct error e;
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    CHECK_INT(file_write(fd, content, strlen(content), path, &e), 0);
    close(fd);
    mem_free(path);
}

TEST(another_boot_is_not_believed_unless_all_was_on_the_disk)
{
    kind = 0;
    begin();
    struct error e = {0};
    CHECK_INT(try_open(ONLINE_READ), ERR_NO);
    CHECK_INT(try_open(ONLINE_WRITE), ERR_NO);
    struct online *o = opened(ONLINE_ANEW);
    struct buf out = {0};
    apply(o, 1, 100, 0, "1", "a");
    online_close(o);
    CHECK_INT(try_open(ONLINE_READ), 0);
    put_state("01234567-89ab-cdef-0123-456789abcdef");
    CHECK_INT(try_open(ONLINE_READ), ERR_NO);
    CHECK_INT(try_open(ONLINE_WRITE), ERR_NO);
    o = opened(ONLINE_ANEW);
    CHECK_TEXT(look(o, "u", &out), "absent");
    online_refresh(o);
    apply(o, 1, 100, 0, "1", "a");
    CHECK_INT(online_sync(o, &e), 0);
    online_close(o);
    o = opened(ONLINE_READ);
    CHECK_TEXT(look(o, "u", &out), "100 0 1,a");
    online_close(o);
    buf_release(&out);
    end();
}

/* A writer killed between transactions and in them: whole transactions are there. */
EACH_KIND(kill_9_leaves_whole_transactions)
{
    struct history *h = mem_alloc(sizeof *h);
    struct buf want = {0}, got = {0};
    make_history(h);
    struct online *o = opened(ONLINE_ANEW);
    apply_all(o, h, 0, 50);
    print_all(o, &want);
    online_close(o);
    struct error made;
    o = opened(ONLINE_ANEW);
    CHECK_INT(online_sync(o, &made), 0); /* from then on it is believed */
    online_close(o);
    for (unsigned round = 0; round < 25; round++) {
        pid_t child = fork();
        if (child == 0) {
            uint64_t lsn;
            struct error e;
            o = opened(ONLINE_WRITE);
            if (online_applied(o, &lsn, &e))
                _exit(1);
            online_refresh(o);
            apply_all(o, h, lsn, 50);
            _exit(0);
        }
        usleep(500 + round * 211 % 3000);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        o = opened(ONLINE_READ);
        uint64_t lsn = 1;
        struct error e = {0};
        CHECK_INT(online_applied(o, &lsn, &e), 0);
        CHECK_INT(lsn % 50, 0);
        online_close(o);
    }
    o = opened(ONLINE_WRITE);
    uint64_t lsn;
    struct error e;
    CHECK_INT(online_applied(o, &lsn, &e), 0);
    online_refresh(o);
    apply_all(o, h, lsn, 50);
    print_all(o, &got);
    CHECK(text_equal((struct text){want.at, want.len}, (struct text){got.at, got.len}));
    online_close(o);
    buf_release(&want);
    buf_release(&got);
    arena_release(&h->arena);
    mem_free(h);
}

/* ---- a server that others write to ---- */

static int expect_ok(void *context, size_t i, const struct redis_value *r, struct error *e)
{
    (void)context, (void)i, (void)e;
    CHECK(text_equal(r->text, text_of("OK")) || r->number == 1);
    return 0;
}

/* A command with the key of id "u" and values. */
static void command(const char *name, const struct text *values, size_t n)
{
    struct redis_link *link = NULL;
    struct redis_batch b = {0};
    struct error e = {0};
    CHECK_INT(redis_link_open(group->online, &link, &e), 0);
    redis_begin(&b, 2 + n);
    redis_word(&b, name);
    redis_word(&b, "fs:{users:u}");
    for (size_t i = 0; i < n; i++)
        redis_arg(&b, values[i]);
    CHECK_INT(redis_run(link, &b, expect_ok, NULL, &e), 0);
    redis_release(&b);
    redis_link_close(link);
}

/* What reading says of a value in which the header has an id of so many bytes. */
static int status_of(struct online *o, uint32_t id, struct text row, size_t cut)
{
    struct online_value v = {.event_time = today, .lsn = 1, .id = id};
    struct got got = {.found = false};
    struct error e = {0};
    struct buf value = {0};
    v.expires_at = STORE_NEVER;
    buf_add(&value, &v, sizeof v);
    buf_add(&value, row.at, row.len);
    struct text whole = {value.at, value.len - cut};
    command("SET", &whole, 1);
    int status = find(o, text_of("u"), &got, &e);
    CHECK(status >= 0 || e.code == status);
    buf_release(&value);
    arena_release(&got.arena);
    return status;
}

EACH_KIND(what_is_in_redis_is_looked_at)
{
    if (kind == 0)
        return;
    struct online *o = opened(ONLINE_ANEW);
    struct row_builder b = {0};
    struct buf out = {0};
    struct text row = row_of(&b, "1", "abc");
    CHECK_INT(status_of(o, 0, row, 0), 1);
    for (size_t cut = 1; cut < row.len; cut++)
        CHECK_INT(status_of(o, 0, row, cut), ERR_DATA);
    CHECK_INT(status_of(o, 0, row, row.len), 1);
    for (size_t cut = row.len + 1; cut <= row.len + sizeof(struct online_value); cut++)
        CHECK_INT(status_of(o, 0, row, cut), ERR_DATA);
    CHECK_INT(status_of(o, 1, row, 0), ERR_DATA);
    CHECK_INT(status_of(o, UINT32_MAX, row, 0), ERR_DATA);
    row_begin(&b, 4); /* the time, and a feature more than there are */
    CHECK_INT(status_of(o, 0, row_end(&b), 0), ERR_DATA);
    row_begin(&b, 2);
    CHECK_INT(status_of(o, 0, row_end(&b), 0), 1);
    const struct text field[] = {TEXT_LITERAL("name"), TEXT_LITERAL("value")};
    command("DEL", NULL, 0);
    command("HSET", field, 2);
    struct got got = {.found = false};
    struct error e = {0};
    CHECK_INT(find(o, text_of("u"), &got, &e), ERR_DATA);
    /* What is newer takes the place of what is none of ours. */
    command("DEL", NULL, 0);
    command("SET", field, 1);
    apply(o, 2, 100, 0, "2", "b");
    CHECK_TEXT(look(o, "u", &out), "100 0 2,b");
    row_release(&b);
    buf_release(&out);
    online_close(o);
}

/* ---- a server that is not there ---- */

EACH_KIND(a_server_that_was_started_again_is_written_to)
{
    if (kind == 0)
        return;
    struct online *o = opened(ONLINE_ANEW);
    struct buf out = {0};
    uint64_t lsn = 9;
    struct error e = {0};
    apply(o, 1, 100, 0, "1", "a");
    stop_server();
    start_server();
    apply(o, 2, 101, 0, "2", "b");
    CHECK_TEXT(look(o, "u", &out), "101 0 2,b");
    stop_server();
    start_server();
    CHECK_TEXT(look(o, "u", &out), "absent");
    CHECK_INT(online_applied(o, &lsn, &e), 0);
    CHECK_INT(lsn, 0);
    online_close(o);
    buf_release(&out);
}

static int take_while_it_restarts(void *context, size_t i, const struct store_record *r,
                                  struct error *e)
{
    size_t *next = context;
    (void)r, (void)e;
    CHECK_INT(i, (*next)++);
    if (i == 100) {
        stop_server();
        start_server();
    }
    return 0;
}

EACH_KIND(each_id_is_answered_once_whatever_becomes_of_the_server)
{
    enum { MANY = 5000 };
    if (kind == 0)
        return;
    struct online *o = opened(ONLINE_ANEW);
    struct text *ids = mem_array(NULL, MANY, sizeof *ids);
    struct error e = {0};
    size_t next = 0;
    for (size_t i = 0; i < MANY; i++)
        ids[i] = text_of("u");
    CHECK_INT(online_get(o, ids, MANY, take_while_it_restarts, &next, &e), 0);
    CHECK_INT(next, MANY);
    online_close(o);
    mem_free(ids);
}

EACH_KIND(a_server_that_is_gone_is_told)
{
    if (kind == 0)
        return;
    struct online *o = opened(ONLINE_ANEW);
    struct text id = TEXT_LITERAL("u");
    struct got got;
    struct error e = {0};
    kill(server, SIGKILL);
    CHECK_INT(online_get(o, &id, 1, take_one, &got, &e), ERR_BUSY);
    CHECK(strstr(e.message, "redis+unix://") != NULL);
    online_close(o);
    o = NULL;
    CHECK_INT(online_open(group, ONLINE_WRITE, &o, &e), ERR_BUSY);
}

TEST(addresses_that_are_none)
{
    static const char *const bad[] = {
        "redis:",         "redis://",      "redis://host:x",      "redis://host:70000",
        "redis://host/x", "redis+unix://", "redis+unix:///x?db=y"};
    kind = 0;
    begin();
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct online *o = NULL;
        struct error e = {0};
        group->online = bad[i];
        CHECK_INT(online_open(group, ONLINE_READ, &o, &e), ERR_USAGE);
    }
    end();
}
