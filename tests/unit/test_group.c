#include "store/feed.h"
#include "sys/sys.h"
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *root, *folder;

static void begin(void)
{
    struct error e;
    root = scratch_directory(&e);
    folder = mem_format("%s/users", root);
}

static void end(void)
{
    unit_remove(folder);
    mem_free(folder);
    scratch_remove(root);
}

/* ---- types ---- */

TEST(types_have_names)
{
    static const struct {
        const char *name, *printed;
    } names[] = {
        {"int", "int"},           {"integral", "int"},      {"fractional", "float"},
        {"string", "text"},       {"text", "text"},         {"bool", "bool"},
        {"time", "time"},         {"list-int", "list-int"}, {"set-string", "set-text"},
        {"vector-3", "vector-3"},
    };
    static const char *const bad[] = {
        "",         "json",    "list",         "list-", "list-list-int",
        "vector-0", "vector-", "vector-65536", "Int",   "int "};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct feature f;
        struct buf out = {0};
        CHECK(feature_type_parse(text_of(names[i].name), &f));
        feature_type_print(&f, &out);
        CHECK_TEXT(buf_text(&out), names[i].printed);
        buf_release(&out);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct feature f;
        CHECK(!feature_type_parse(text_of(bad[i]), &f));
    }
}

/* The message; "" when the cell fits. */
static const char *add_cell(const char *type, const char *cell, struct error *e)
{
    struct group *g = group_new("x", "x");
    struct row_builder b = {0};
    struct feature f;
    *e = (struct error){0};
    CHECK(feature_type_parse(text_of(type), &f));
    CHECK_INT(group_add_feature(g, text_of("f"), &f, e), 0);
    row_begin(&b, 1);
    group_add_cell(g, 0, text_of(cell), &b, e);
    row_release(&b);
    group_free(g);
    return e->message;
}

TEST(lists_have_elements_of_their_type)
{
    struct error e;
    CHECK_TEXT(add_cell("list-int", "[]", &e), "");
    CHECK_TEXT(add_cell("list-int", "[1, 1, -3]", &e), "");
    CHECK_TEXT(add_cell("list-int", "[1.5]", &e),
               "feature 'f': has an element that is not of type int");
    CHECK_TEXT(add_cell("list-int", "[null]", &e),
               "feature 'f': has an element that is not of type int");
    CHECK_TEXT(add_cell("list-float", "[1, 2.5e3]", &e), "");
    CHECK_TEXT(add_cell("set-text", "[\"a\", \"b\"]", &e), "");
    CHECK_TEXT(add_cell("set-text", "[\"a\", \"a\"]", &e),
               "feature 'f': is a set and has an element twice");
    CHECK_TEXT(add_cell("list-bool", "[true, false]", &e), "");
    CHECK_TEXT(add_cell("list-time", "[\"2001-01-01T00:00:00Z\"]", &e), "");
    CHECK_TEXT(add_cell("list-time", "[\"2001-01-01\"]", &e),
               "feature 'f': has an element that is not of type time");
    CHECK_TEXT(add_cell("vector-2", "[1, 2]", &e), "");
    CHECK_TEXT(add_cell("vector-2", "[1]", &e), "feature 'f': has 1 numbers, not 2");
    CHECK_TEXT(add_cell("list-int", "[1", &e), "feature 'f': is not a list");
    CHECK_TEXT(add_cell("list-int", "1", &e), "feature 'f': is not a list");
    CHECK_TEXT(add_cell("list-int", "[1] 2", &e), "feature 'f': is not a list");
    CHECK_TEXT(add_cell("int", "1.5", &e), "feature 'f': '1.5' is not of type int");
}

TEST(names_are_checked)
{
    static const char *const good[] = {"a", "A-1", "user_id", "0x"};
    static const char *const bad[] = {"",           "-a",         "_a",       "a b",      "a.b",
                                      "is_deleted", "write_time", "\xc3\xa9", "a/../../b"};
    for (size_t i = 0; i < COUNT_OF(good); i++)
        CHECK(feature_name_valid(text_of(good[i])));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        CHECK(!feature_name_valid(text_of(bad[i])));
    char longest[66];
    memset(longest, 'x', sizeof longest);
    CHECK(group_name_valid((struct text){longest, 64}));
    CHECK(!group_name_valid((struct text){longest, 65}));
    CHECK(!group_name_valid((struct text){"a\0b", 3}));
}

/* ---- times and ids ---- */

static const char *time_of(struct group *g, const char *cell, char out[static TIME_MAX])
{
    static struct error e;
    usec t;
    if (group_time(g, text_of(cell), &t, &e))
        return e.message;
    out[time_print(out, t)] = '\0';
    return out;
}

TEST(times_need_an_offset_a_zone_or_a_unit)
{
    struct group *g = group_new("x", "x");
    char out[TIME_MAX];
    struct error e;
    CHECK_INT(group_set_time(g, text_of("at"), &e), 0);
    CHECK_TEXT(time_of(g, "2001-01-31T06:05:04+01:00", out), "2001-01-31T05:05:04Z");
    CHECK_TEXT(time_of(g, "2001-01-31 06:05:04", out),
               "at: '2001-01-31 06:05:04' is a time without an offset");
    CHECK_TEXT(time_of(g, "1700000000", out), "at: '1700000000' is not a time");
    CHECK_INT(group_set_zone(g, "Europe/Paris", &e), 0);
    CHECK_TEXT(time_of(g, "2001-07-31 06:05:04", out), "2001-07-31T04:05:04Z");
    g->times.unit = TIME_SECONDS;
    CHECK_TEXT(time_of(g, "1700000000", out), "2023-11-14T22:13:20Z");
    CHECK_TEXT(time_of(g, "1700000000.25", out), "2023-11-14T22:13:20.250Z");
    CHECK_TEXT(time_of(g, "-1.5", out), "1969-12-31T23:59:58.500Z");
    CHECK_TEXT(time_of(g, "99999999999999999", out),
               "at: '99999999999999999' is not a number of time");
    CHECK_TEXT(time_of(g, "2001-01-31", out), "at: '2001-01-31' is not a number of time");
    g->times.unit = TIME_MILLIS;
    CHECK_TEXT(time_of(g, "1700000000250", out), "2023-11-14T22:13:20.250Z");
    g->times.unit = TIME_NANOS;
    CHECK_TEXT(time_of(g, "1700000000250000999", out), "2023-11-14T22:13:20.250Z");
    CHECK_TEXT(time_of(g, "-1", out), "1969-12-31T23:59:59.999999Z");
    group_free(g);
}

TEST(ids_are_one_text)
{
    struct group *g = group_new("x", "x");
    struct buf id = {0};
    struct error e = {0};
    struct text cells[] = {TEXT_LITERAL("u1"), TEXT_LITERAL("oslo")};
    CHECK_INT(group_add_id(g, text_of("user"), &e), 0);
    CHECK_INT(group_id(g, cells, &id, &e), 0);
    CHECK_TEXT(buf_text(&id), "u1");
    CHECK_INT(group_add_id(g, text_of("city"), &e), 0);
    CHECK_INT(group_add_id(g, text_of("user"), &e), ERR_USAGE);
    CHECK_TEXT(e.message, "'user' is named twice");
    id.len = 0;
    CHECK_INT(group_id(g, cells, &id, &e), 0);
    CHECK(text_equal((struct text){id.at, id.len}, (struct text){"u1\0oslo", 7}));
    cells[1].at = NULL;
    CHECK_INT(group_id(g, cells, &id, &e), ERR_DATA);
    CHECK_TEXT(e.message, "city: the id is missing");
    cells[1] = (struct text){"a\0b", 3};
    CHECK_INT(group_id(g, cells, &id, &e), ERR_DATA);
    char wide[STORE_ID_MAX + 1];
    memset(wide, 'x', sizeof wide);
    cells[1] = (struct text){wide, sizeof wide};
    CHECK_INT(group_id(g, cells, &id, &e), ERR_DATA);
    CHECK_TEXT(e.message, "user: an id of more than 2048 bytes");
    buf_release(&id);
    group_free(g);
}

/* ---- descriptions ---- */

static struct group *users(void)
{
    struct group *g = group_new(folder, "users");
    struct error e = {0};
    struct feature age = {.type = TYPE_INT}, where = {.type = TYPE_TEXT};
    CHECK_INT(group_add_id(g, text_of("user_id"), &e), 0);
    CHECK_INT(group_set_time(g, text_of("at"), &e), 0);
    CHECK_INT(group_add_feature(g, text_of("age"), &age, &e), 0);
    CHECK_INT(group_add_feature(g, text_of("where"), &where, &e), 0);
    return g;
}

TEST(a_description_is_read_as_it_was_written)
{
    begin();
    struct group *g = users(), *back = NULL;
    struct error e = {0};
    struct feature vector;
    CHECK(feature_type_parse(text_of("vector-128"), &vector));
    CHECK_INT(group_add_feature(g, text_of("face"), &vector, &e), 0);
    CHECK_INT(group_set_zone(g, "Europe/Oslo", &e), 0);
    g->ttl = 30 * USEC_DAY;
    g->description = "who they are";
    group_set_tag(g, text_of("owner"), text_of("me"));
    group_set_tag(g, text_of("owner"), text_of("you"));
    CHECK_INT(group_load(folder, &back, &e), ERR_NO);
    CHECK_TEXT(e.message, "there is no group 'users'");
    CHECK_INT(group_save(g, false, &e), 0);
    CHECK_INT(group_save(g, false, &e), ERR_NO);
    CHECK_TEXT(e.message, "there is a group 'users' already");
    CHECK_INT(group_save(g, true, &e), 0);
    CHECK_INT(group_load(folder, &back, &e), 0);
    if (back) {
        CHECK_TEXT(back->name, "users");
        CHECK_INT(back->id_count, 1);
        CHECK_TEXT(back->ids[0], "user_id");
        CHECK_TEXT(back->time, "at");
        CHECK_TEXT(back->times.zone_name, "Europe/Oslo");
        CHECK_INT(back->features.len, 3);
        CHECK_INT(back->features.at[2].dimension, 128);
        CHECK_INT(back->features.at[2].collection, COLLECTION_VECTOR);
        CHECK_INT(map_get(&back->names, text_of("where")), 1);
        CHECK_INT(back->ttl, 30 * USEC_DAY);
        CHECK_TEXT(back->description, "who they are");
        CHECK_TEXT(back->tag_values.at[0], "you");
    }
    group_free(g);
    group_free(back);
    end();
}

static void check_refused(const char *json, const char *message)
{
    struct error e = {0};
    struct group *g = NULL;
    char *path = mem_format("%s/group.json", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    CHECK_INT(file_write(fd, json, strlen(json), path, &e), 0);
    close(fd);
    CHECK_INT(group_load(folder, &g, &e), ERR_DATA);
    CHECK_INT(e.code, ERR_DATA);
    CHECK_TEXT(e.message, message);
    CHECK_TEXT(e.file, path);
    mem_free(path);
}

TEST(wrong_descriptions_are_refused)
{
    begin();
    CHECK_INT(mkdir(folder, 0777), 0);
#define START                                                                                      \
    "{\"fstore\":1,\"name\":\"users\",\"id\":[{\"name\":\"u\",\"type\":\"text\"}],\"time\":\"t\","
    check_refused("", "'[' or '{' expected near end of file");
    check_refused("{}", "\"fstore\": expected 1: another version, or no group of features");
    check_refused("{\"fstore\":1,\"name\":\"../x\"}", "\"name\": expected the group's name");
    check_refused("{\"fstore\":1,\"name\":\"x\",\"id\":[]}", "\"id\": expected a list");
    check_refused("{\"fstore\":1,\"name\":\"x\",\"id\":[{\"name\":\"u\",\"type\":\"text\"}]}",
                  "\"time\": expected a name");
    check_refused(START "\"time_unit\":\"h\"}", "\"time_unit\": expected s, ms, us or ns");
    check_refused(START "\"zone\":\"Mars\"}",
                  "unknown time zone 'Mars': expected UTC, +HH:MM or a name like Europe/Paris");
    check_refused(START "\"features\":[{\"name\":\"a\"}]}",
                  "\"features\": expected names and types");
    check_refused(START "\"features\":[{\"name\":\"u\",\"type\":\"int\"}]}", "'u' is named twice");
    check_refused(START "\"features\":[]}", "\"online\": expected a text");
#undef START
    end();
}

/* ---- feeding ---- */

static struct feed *opened(const struct group *g)
{
    struct feed_options o = {.segment = 20000};
    struct feed *f = NULL;
    struct error e = {0};
    CHECK_INT(feed_open(g, &o, &f, &e), 0);
    CHECK_TEXT(e.message, "");
    return f;
}

/* Record k, of one of 50 entities. */
static void add(struct feed *f, struct row_builder *b, uint64_t k)
{
    char id[32], cell[32];
    snprintf(id, sizeof id, "user%u", (unsigned)(hash_u64(k) % 50));
    snprintf(cell, sizeof cell, "%u", (unsigned)k);
    row_begin(b, 3);
    row_add(b, TYPE_TEXT, (struct text){0});
    row_add(b, TYPE_INT, text_of(cell));
    row_add(b, TYPE_TEXT, text_of(k % 3 ? "here" : ""));
    struct store_record r = {.event_time = (usec)(hash_u64(k + 1000) % 1000),
                             .write_time = (usec)k,
                             .expires_at = STORE_NEVER,
                             .flags = k % 11 ? 0 : STORE_DELETED,
                             .id = text_of(id),
                             .row = row_end(b)};
    if (k % 11 == 0)
        r.row.len = 0;
    struct error e = {0};
    CHECK_INT(feed_add(f, &r, &e), 0);
}

static void feed_some(struct feed *f, uint64_t from, size_t n)
{
    struct row_builder b = {0};
    struct error e = {0};
    uint64_t lsn;
    for (size_t i = 0; i < n; i++)
        add(f, &b, from + i);
    CHECK_INT(feed_commit(f, &lsn, &e), 0);
    CHECK_INT(lsn, from + n - 1);
    row_release(&b);
}

static void check_view(const struct group *g, uint64_t wanted)
{
    struct error e = {0};
    uint64_t entities;
    CHECK_INT(group_verify(g, &entities, &e), 0);
    CHECK_TEXT(e.message, "");
    CHECK_INT(entities, wanted);
}

TEST(a_view_is_what_the_log_says)
{
    begin();
    struct group *g = users();
    struct error e = {0};
    CHECK_INT(group_save(g, false, &e), 0);
    struct feed *f = opened(g);
    feed_some(f, 1, 400);
    feed_some(f, 401, 1);
    CHECK_INT(feed_close(f, false, &e), 0);
    check_view(g, 50);
    f = opened(g);
    feed_some(f, 402, 600);
    CHECK_INT(feed_close(f, true, &e), 0);
    check_view(g, 50);
    CHECK_INT(group_rebuild(g, 0, &e), 0);
    check_view(g, 50);
    group_free(g);
    end();
}

static void put_state(const char *content)
{
    char *path = mem_format("%s/online/state", folder);
    struct error e;
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    CHECK_INT(file_write(fd, content, strlen(content), path, &e), 0);
    close(fd);
    mem_free(path);
}

static int is_found(void *context, size_t i, const struct store_record *r, struct error *e)
{
    (void)i, (void)e;
    *(bool *)context = r != NULL;
    return 0;
}

TEST(a_view_that_is_lost_is_made_anew)
{
    begin();
    struct group *g = users();
    struct error e = {0};
    struct text id = TEXT_LITERAL("user7");
    bool found = false;
    struct online *o = NULL;
    CHECK_INT(group_save(g, false, &e), 0);
    struct feed *f = opened(g);
    feed_some(f, 1, 400);
    CHECK_INT(feed_close(f, false, &e), 0);
    put_state("another boot");
    CHECK_INT(group_online(g, 0, &o, &e), 0);
    CHECK_INT(online_get(o, &id, 1, is_found, &found, &e), 0);
    CHECK(found);
    online_close(o);
    char *path = mem_format("%s/online", folder);
    unit_remove(path);
    f = opened(g);
    feed_some(f, 401, 10);
    CHECK_INT(feed_close(f, false, &e), 0);
    check_view(g, 50);
    mem_free(path);
    group_free(g);
    end();
}

TEST(a_view_that_differs_is_told)
{
    begin();
    struct group *g = users();
    struct error e = {0};
    uint64_t entities;
    CHECK_INT(group_save(g, false, &e), 0);
    struct feed *f = opened(g);
    feed_some(f, 1, 100);
    /* A record that the log has not. */
    struct store_record r = {100, 5000, 0, STORE_NEVER, 0, TEXT_LITERAL("user7"), {"", 0}};
    CHECK_INT(online_apply(feed_online(f), &r, 1, &e), 0);
    CHECK_INT(feed_close(f, false, &e), 0);
    CHECK_INT(group_verify(g, &entities, &e), ERR_NO);
    CHECK_TEXT(e.message, "the view does not have what the log says of 'user7'");
    CHECK_INT(group_rebuild(g, 0, &e), 0);
    check_view(g, 41);
    f = opened(g);
    r.lsn = 101;
    CHECK_INT(online_apply(feed_online(f), &r, 1, &e), 0);
    CHECK_INT(feed_close(f, false, &e), 0);
    CHECK_INT(group_verify(g, &entities, &e), ERR_NO);
    CHECK_TEXT(e.message, "the view ends with record 101 of the log, which ends with 100");
    group_free(g);
    end();
}

TEST(positions_of_sources_go_with_what_was_read)
{
    begin();
    struct group *g = users();
    struct error e = {0};
    struct buf got = {0};
    struct row_builder b = {0};
    uint64_t lsn;
    CHECK_INT(group_save(g, false, &e), 0);
    struct feed *f = opened(g);
    for (uint64_t k = 1; k <= 5; k++) {
        char row[16];
        snprintf(row, sizeof row, "byte %u", (unsigned)k);
        struct store_record position = {
            .flags = STORE_POSITION, .id = TEXT_LITERAL("user7"), .row = text_of(row)};
        add(f, &b, 2 * k - 1);
        CHECK_INT(feed_add(f, &position, &e), 0);
        CHECK_INT(feed_commit(f, &lsn, &e), 0);
        CHECK_INT(lsn, 2 * k);
        got.len = 0;
        CHECK_INT(online_position(feed_online(f), text_of("user7"), &got, &e), 1);
        CHECK_TEXT(buf_text(&got), row);
    }
    CHECK_INT(online_position(feed_online(f), text_of("other"), &got, &e), 0);
    CHECK_INT(feed_close(f, false, &e), 0);
    check_view(g, 5);
    CHECK_INT(group_rebuild(g, 0, &e), 0);
    struct online *o = NULL;
    CHECK_INT(group_online(g, 0, &o, &e), 0);
    got.len = 0;
    CHECK_INT(online_position(o, text_of("user7"), &got, &e), 1);
    CHECK_TEXT(buf_text(&got), "byte 5");
    buf_release(&got);
    online_close(o);
    row_release(&b);
    group_free(g);
    end();
}

/* Killed anywhere, also between the log and the view: what was acknowledged is there, and the view
 * is what the log says. */
TEST(kill_9_leaves_a_group_whole)
{
    begin();
    struct group *g = users();
    struct error e = {0};
    CHECK_INT(group_save(g, false, &e), 0);
    uint64_t acknowledged = 0;
    for (unsigned round = 0; round < 40; round++) {
        int tell[2];
        CHECK_INT(pipe(tell), 0);
        pid_t child = fork();
        if (child == 0) {
            struct feed *f = opened(g);
            uint64_t lsn;
            if (online_applied(feed_online(f), &lsn, &e))
                _exit(1);
            online_refresh(feed_online(f));
            for (uint64_t k = lsn + 1;; k += 5) {
                uint64_t last = k + 4;
                feed_some(f, k, 5);
                if (write(tell[1], &last, sizeof last) != sizeof last)
                    _exit(1);
            }
        }
        close(tell[1]);
        usleep(2000 + round * 1103 % 9000);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        uint64_t lsn;
        while (read(tell[0], &lsn, sizeof lsn) == sizeof lsn)
            acknowledged = lsn;
        close(tell[0]);
        struct feed *f = opened(g);
        CHECK_INT(online_applied(feed_online(f), &lsn, &e), 0);
        CHECK(lsn >= acknowledged);
        CHECK_INT(lsn % 5, 0);
        CHECK_INT(feed_close(f, false, &e), 0);
        if (round % 8 == 7) {
            uint64_t entities;
            CHECK_INT(group_verify(g, &entities, &e), 0);
        }
    }
    CHECK(acknowledged > 0);
    group_free(g);
    end();
}
