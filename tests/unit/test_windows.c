#include "store/feed.h"
#include "store/windows_state.h"
#include "sys/sys.h"
#include "unit.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LATENESS = 100, ENTITIES = 12, FEATURES = 3 };

static char *root;

static void begin(void)
{
    struct error e;
    root = scratch_directory(&e);
}

static void end(void)
{
    scratch_remove(root);
}

/* ---- what is asked for ---- */

static const char *const asked[] = {
    "n=count()@50us",    "nx=count(x)@200us", "sx=sum(x)@200us",     "sy=sum(y)@50us",
    "mx=mean(x)@200us",  "my=mean(y)@200us",  "lx=min(x)@200us",     "ly=min(y)@50us",
    "hx=max(x)@50us",    "hy=max(y)@200us",   "dx=std(x)@200us",     "dy=std(y)@50us",
    "ex=last(x)@200us",  "ey=last(y)@200us",  "us=nunique(s)@200us", "ux=nunique(x)@50us",
    "uy=nunique(y)@1us",
};

static void add_aggregate(struct group *g, const char *text)
{
    struct aggregate_text a;
    struct error e = {0};
    CHECK_INT(aggregate_parse(text_of(text), &a, &e), 0);
    CHECK_INT(group_add_aggregate(g, &a, &e), 0);
}

static struct group *make_group(const char *name, size_t aggregates)
{
    static const char *const names[] = {"x", "y", "s"};
    struct feature types[] = {{.type = TYPE_INT}, {.type = TYPE_FLOAT}, {.type = TYPE_TEXT}};
    struct error e = {0};
    char *folder = mem_format("%s/%s", root, name);
    struct group *g = group_new(folder, name);
    CHECK_INT(group_add_id(g, text_of("a"), &e), 0);
    CHECK_INT(group_add_id(g, text_of("b"), &e), 0);
    CHECK_INT(group_set_time(g, text_of("t"), &e), 0);
    for (size_t i = 0; i < FEATURES; i++)
        CHECK_INT(group_add_feature(g, text_of(names[i]), &types[i], &e), 0);
    for (size_t i = 0; i < aggregates; i++)
        add_aggregate(g, asked[i]);
    CHECK_INT(group_settle(g, &e), 0);
    CHECK_TEXT(e.message, "");
    g->lateness = LATENESS;
    CHECK_INT(group_save(g, false, &e), 0);
    mem_free(folder);
    return g;
}

/* ---- records ---- */

/* Record k, the same whenever it is asked for. */
struct given {
    size_t entity;
    usec time;
    bool deleted, has_x, has_y, has_s;
    int64_t x;
    double y;
    char s;
};

static struct given given(uint64_t k)
{
    uint64_t h = hash_u64(k + 77);
    struct given r = {.entity = h % ENTITIES, .deleted = h / 16 % 23 == 0};
    r.time = (usec)(k / 2 * 5) + 1000000 - (h / 1024 % 3 ? 0 : (usec)(h / 4096 % 40) * 5);
    r.has_x = h >> 20 & 3;
    r.has_y = h >> 22 & 3;
    r.has_s = h >> 24 & 3;
    r.x = (int64_t)(h >> 26 & 15) - 7;
    r.y = (double)(h >> 30 & 31) * 0.25 - 4;
    r.s = (char)('a' + (h >> 36 & 7));
    return r;
}

static void put_id(struct buf *out, size_t entity)
{
    out->len = 0;
    for (size_t i = 0; entity % 3 == 0 && i < 700; i++)
        buf_putc(out, 'x');
    buf_format(out, "u%zu", entity / 2);
    buf_putc(out, '\0');
    buf_format(out, "%zu", entity);
}

static void put_cell(struct row_builder *b, enum type type, bool has, const char *cell)
{
    CHECK(row_add(b, type, has ? text_of(cell) : (struct text){NULL, 0}));
}

struct maker {
    struct row_builder row;
    struct buf id;
};

static void maker_release(struct maker *w)
{
    row_release(&w->row);
    buf_release(&w->id);
}

static void add(struct feed *f, struct maker *w, uint64_t k)
{
    struct given g = given(k);
    struct error e = {0};
    char x[32], y[32], s[2] = {g.s, 0};
    snprintf(x, sizeof x, "%" PRId64, g.x);
    snprintf(y, sizeof y, "%.*f", k % 5 ? 2 : 3, g.y); /* 0.250 is 0.25, and another text */
    put_id(&w->id, g.entity);
    row_begin(&w->row, 1 + FEATURES);
    put_cell(&w->row, TYPE_TEXT, false, "");
    put_cell(&w->row, TYPE_INT, g.has_x, x);
    put_cell(&w->row, TYPE_FLOAT, g.has_y, y);
    put_cell(&w->row, TYPE_TEXT, g.has_s, s);
    struct store_record r = {.event_time = g.time,
                             .write_time = (usec)k,
                             .expires_at = STORE_NEVER,
                             .flags = g.deleted ? STORE_DELETED : 0,
                             .id = {w->id.at, w->id.len},
                             .row = g.deleted ? (struct text){"", 0} : row_end(&w->row)};
    CHECK_INT(feed_add(f, &r, &e), 0);
    CHECK_TEXT(e.message, "");
}

static struct feed *opened(const struct group *g)
{
    struct feed_options o = {.segment = 100000};
    struct feed *f = NULL;
    struct error e = {0};
    CHECK_INT(feed_open(g, &o, &f, &e), 0);
    CHECK_TEXT(e.message, "");
    return f;
}

/* Records from..to - 1. */
static void feed_some(struct feed *f, uint64_t from, uint64_t to)
{
    struct maker w = {.id = {0}};
    struct error e = {0};
    uint64_t lsn;
    for (uint64_t k = from; k < to; k++)
        add(f, &w, k);
    CHECK_INT(feed_commit(f, &lsn, &e), 0);
    CHECK_TEXT(e.message, "");
    maker_release(&w);
}

static void check_views(const struct group *g)
{
    struct error e = {0};
    uint64_t entities;
    CHECK_INT(group_verify(g, &entities, &e), 0);
    CHECK_TEXT(e.message, "");
}

/* ---- the same, without windows ---- */

static bool are_late(uint64_t k)
{
    usec newest = given(k).time;
    for (uint64_t i = 1; i < k; i++)
        newest = given(i).time > newest ? given(i).time : newest;
    return given(k).time < newest - LATENESS;
}

static bool is_before(uint64_t a, uint64_t b)
{
    usec x = given(a).time, y = given(b).time;
    return x != y ? x < y : a < b;
}

/* Whether record i is in the window of record k, which has come by then. */
static bool sees(uint64_t k, uint64_t i, usec window, const bool *late)
{
    struct given a = given(i), b = given(k);
    if (a.entity != b.entity || a.deleted || late[i] || i > k || a.time > b.time ||
        a.time <= b.time - window)
        return false;
    for (uint64_t d = 1; d < k; d++)
        if (given(d).deleted && given(d).entity == b.entity && is_before(i, d) && is_before(d, k))
            return false;
    return true;
}

struct wanted {
    size_t records, n, texts;
    double sum, min, max, last, square;
    bool seen[256];
};

static void want(struct wanted *w, uint64_t i, char of, bool newest)
{
    struct given r = given(i);
    bool has = of == 'x' ? r.has_x : of == 'y' ? r.has_y : r.has_s;
    double v = of == 'x' ? (double)r.x : r.y;
    size_t text = of == 's'   ? (size_t)r.s
                  : of == 'x' ? (size_t)(r.x + 8)
                              : (size_t)((r.y + 4) * 4) + (i % 5 ? 0 : 128);
    w->records++;
    if (!has)
        return;
    w->texts += !w->seen[text];
    w->seen[text] = true;
    w->min = w->n && w->min < v ? w->min : v;
    w->max = w->n && w->max > v ? w->max : v;
    w->last = newest || w->n == 0 ? v : w->last;
    w->sum += v;
    w->square += v * v;
    w->n++;
}

static double value_of(enum aggregate_function f, const struct wanted *w, bool of_records)
{
    double n = (double)w->n;
    switch (f) {
    case AGGREGATE_COUNT:
        return (double)(of_records ? w->records : w->n);
    case AGGREGATE_NUNIQUE:
        return (double)w->texts;
    case AGGREGATE_STD:
        return w->n > 1 ? sqrt((w->square - w->sum * w->sum / n) / (n - 1)) : (double)NAN;
    case AGGREGATE_SUM:
        return w->n ? w->sum : (double)NAN;
    case AGGREGATE_MEAN:
        return w->sum / n;
    case AGGREGATE_MIN:
        return w->n ? w->min : (double)NAN;
    case AGGREGATE_MAX:
        return w->n ? w->max : (double)NAN;
    default:
        return w->n ? w->last : (double)NAN;
    }
}

static double wanted_value(const struct aggregate *a, uint64_t k, const bool *late)
{
    struct wanted w = {.records = 0};
    uint64_t newest = 0;
    char of = a->of ? a->of[0] : 's';
    for (uint64_t i = 1; i <= k; i++) {
        if (late[k] || !sees(k, i, a->window, late))
            continue;
        struct given r = given(i);
        bool has = of == 'x' ? r.has_x : of == 'y' ? r.has_y : r.has_s;
        bool newer = has && (newest == 0 || is_before(newest, i));
        want(&w, i, of, newer);
        newest = newer ? i : newest;
    }
    return late[k] ? (double)NAN : value_of(a->function, &w, !a->of);
}

static double value_in(const struct group *g, size_t aggregate, struct text row)
{
    const struct aggregate *a = &g->aggregates.at[aggregate];
    int64_t whole;
    double x = (double)NAN;
    if (g->features.at[a->feature].type == TYPE_FLOAT)
        return row_float(row, 1 + a->feature, &x) ? x : (double)NAN;
    return row_int(row, 1 + a->feature, &whole) ? (double)whole : (double)NAN;
}

static bool near(double a, double b, double tolerance)
{
    return (isnan(a) && isnan(b)) || fabs(a - b) <= tolerance;
}

static void check_row(const struct group *g, const struct store_record *r, const bool *late)
{
    for (size_t i = 0; i < g->aggregates.len && !unit_failed; i++) {
        const struct aggregate *a = &g->aggregates.at[i];
        double is = value_in(g, i, r->row), wanted = wanted_value(a, r->lsn, late);
        if (!near(is, wanted, a->function == AGGREGATE_STD ? 1e-7 : 0))
            UNIT_FAIL("%s of record %" PRIu64 " is %g, not %g", a->name, r->lsn, is, wanted);
    }
}

/* Records 1..n of the log. */
static void check_log(const struct group *g, uint64_t n)
{
    char *folder = mem_format("%s/log", g->folder);
    struct log_reader *log = log_reader_open(folder, 1);
    bool *late = mem_alloc(n + 1);
    struct store_record r;
    struct error e = {0};
    uint64_t read = 0;
    for (uint64_t k = 1; k <= n; k++)
        late[k] = are_late(k);
    while (log_next(log, &r, &e) > 0 && !unit_failed) {
        CHECK_INT(r.lsn, ++read);
        if (!(r.flags & STORE_DELETED))
            check_row(g, &r, late);
    }
    CHECK_INT(read, n);
    log_reader_close(log);
    mem_free(late);
    mem_free(folder);
}

TEST(values_are_what_a_plain_search_finds)
{
    enum { RECORDS = 700 };
    begin();
    struct group *g = make_group("g", COUNT_OF(asked));
    struct error e = {0};
    struct feed *f = opened(g);
    for (uint64_t k = 1; k <= RECORDS;) {
        uint64_t h = hash_u64(k), to = k + 1 + h % 40;
        to = to > RECORDS + 1 ? RECORDS + 1 : to;
        feed_some(f, k, to);
        k = to;
        if (h / 64 % 4 == 0) {
            CHECK_INT(feed_close(f, h / 256 % 2, &e), 0);
            if (h / 512 % 8 == 0)
                CHECK_INT(group_rebuild(g, 0, &e), 0);
            f = opened(g);
        }
    }
    CHECK_INT(feed_close(f, true, &e), 0);
    check_log(g, RECORDS);
    check_views(g);
    group_free(g);
    end();
}

TEST(aggregates_that_are_added_count_what_was_before)
{
    begin();
    struct group *g = make_group("g", 2);
    struct error e = {0};
    struct feed *f = opened(g);
    feed_some(f, 1, 200);
    CHECK_INT(feed_close(f, true, &e), 0);
    for (size_t i = 2; i < COUNT_OF(asked); i++)
        add_aggregate(g, asked[i]);
    CHECK_INT(group_settle(g, &e), 0);
    f = opened(g);
    feed_some(f, 200, 260);
    CHECK_INT(feed_close(f, true, &e), 0);
    char *folder = mem_format("%s/log", g->folder);
    struct log_reader *log = log_reader_open(folder, 200);
    struct store_record r;
    bool late[260] = {false};
    for (uint64_t k = 1; k < COUNT_OF(late); k++)
        late[k] = are_late(k);
    while (log_next(log, &r, &e) > 0)
        if (!(r.flags & STORE_DELETED))
            check_row(g, &r, late);
    log_reader_close(log);
    mem_free(folder);
    group_free(g);
    end();
}

/* ---- kill -9 ---- */

static uint64_t last_of(const struct group *g)
{
    char *folder = mem_format("%s/log", g->folder);
    struct error e = {0};
    uint64_t lsn = 0;
    CHECK_INT(log_end(folder, &lsn, &e), 0);
    mem_free(folder);
    return lsn;
}

static void write_for_ever(const struct group *g)
{
    uint64_t k = last_of(g) + 1;
    for (struct feed *f = opened(g);; k += 5)
        feed_some(f, k, k + 5);
}

static void compare_logs(const struct group *a, const struct group *b)
{
    char *folders[] = {mem_format("%s/log", a->folder), mem_format("%s/log", b->folder)};
    struct log_reader *x = log_reader_open(folders[0], 1), *y = log_reader_open(folders[1], 1);
    struct store_record p, q;
    struct error e = {0};
    while (log_next(x, &p, &e) > 0 && !unit_failed) {
        CHECK_INT(log_next(y, &q, &e), 1);
        CHECK_INT(p.lsn, q.lsn);
        CHECK(text_equal(p.row, q.row));
    }
    CHECK_TEXT(e.message, "");
    log_reader_close(x);
    log_reader_close(y);
    mem_free(folders[0]);
    mem_free(folders[1]);
}

TEST(kill_9_changes_no_value)
{
    begin();
    struct group *g = make_group("g", COUNT_OF(asked)), *calm = make_group("calm", COUNT_OF(asked));
    struct error e = {0};
    for (unsigned round = 0; round < 60; round++) {
        pid_t child = fork();
        if (child == 0)
            write_for_ever(g);
        usleep(2000 + round * 1103 % 9000);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        if (round % 12 != 11)
            continue;
        CHECK_INT(feed_close(opened(g), false, &e), 0); /* the views go on where they were */
        check_views(g);
    }
    uint64_t n = last_of(g);
    CHECK(n > 0);
    CHECK_INT(n % 5, 0);
    struct feed *f = opened(calm);
    feed_some(f, 1, n + 1);
    CHECK_INT(feed_close(f, false, &e), 0);
    compare_logs(g, calm);
    group_free(g);
    group_free(calm);
    end();
}

/* The log has a batch that the windows have not: a death in between. */
TEST(what_the_windows_lack_is_read_from_the_log)
{
    begin();
    struct group *g = make_group("g", COUNT_OF(asked));
    struct error e = {0};
    char *windows = mem_format("%s/windows", g->folder), *kept = mem_format("%s/kept", root);
    struct feed *f = opened(g);
    feed_some(f, 1, 100);
    CHECK_INT(feed_close(f, true, &e), 0);
    for (uint64_t k = 100; k < 300; k += 20) {
        char *const copy[] = {(char[]){"cp"}, (char[]){"-r"}, windows, kept, NULL};
        struct process p = {.argv = copy};
        int status = 1;
        CHECK_INT(process_run(&p, &status, &e), 0);
        CHECK_INT(status, 0);
        f = opened(g);
        feed_some(f, k, k + 20);
        CHECK_INT(feed_close(f, true, &e), 0);
        unit_remove(windows);
        CHECK_INT(rename(kept, windows), 0);
    }
    check_log(g, 299);
    check_views(g);
    mem_free(windows);
    mem_free(kept);
    group_free(g);
    end();
}

/* ---- what is kept ---- */

static void put(struct feed *f, const char *id, usec at, const char *x)
{
    struct row_builder b = {0};
    struct error e = {0};
    uint64_t lsn;
    row_begin(&b, 1 + FEATURES);
    put_cell(&b, TYPE_TEXT, false, "");
    put_cell(&b, TYPE_INT, x != NULL, x);
    struct store_record r = {
        .event_time = at, .expires_at = STORE_NEVER, .id = text_of(id), .row = row_end(&b)};
    CHECK_INT(feed_add(f, &r, &e), 0);
    CHECK_INT(feed_commit(f, &lsn, &e), 0);
    row_release(&b);
}

static size_t keys_of(const struct group *g)
{
    struct windows *w = NULL;
    struct error e = {0};
    MDB_stat stat = {0};
    CHECK_INT(windows_open(g, last_of(g), &w, &e), 0);
    CHECK_INT(lmdb_env_look(&w->env, &e), 0);
    CHECK_INT(mdb_stat(w->env.reading, w->env.db, &stat), 0);
    windows_close(w);
    return stat.ms_entries - 2; /* how far, and the newest time */
}

TEST(what_nobody_can_see_any_more_is_dropped)
{
    begin();
    struct group *g = make_group("g", COUNT_OF(asked));
    struct error e = {0};
    struct feed *f = opened(g);
    char id[16];
    for (int i = 0; i < 50; i++) {
        snprintf(id, sizeof id, "u%d", i);
        put(f, id, 1000 + i, "1");
    }
    CHECK_INT(feed_close(f, false, &e), 0);
    CHECK_INT(keys_of(g), 50);
    f = opened(g);
    put(f, "new", 1000 + 299, "1");
    CHECK_INT(feed_close(f, false, &e), 0);
    CHECK_INT(keys_of(g), 51);
    f = opened(g);
    put(f, "new", 1049 + 300, "1"); /* the window and the lateness */
    put(f, "new", 5000, "1");
    CHECK_INT(feed_close(f, false, &e), 0);
    CHECK_INT(keys_of(g), 1);
    check_views(g);
    group_free(g);
    end();
}

static void check_last(const struct group *g, size_t aggregate, double wanted)
{
    char *folder = mem_format("%s/log", g->folder);
    struct log_reader *log = log_reader_open(folder, last_of(g));
    struct store_record r;
    struct error e = {0};
    CHECK_INT(log_next(log, &r, &e), 1);
    double is = value_in(g, aggregate, r.row);
    CHECK(near(is, wanted, 0));
    log_reader_close(log);
    mem_free(folder);
}

TEST(sums_of_ints_are_exact_or_missing)
{
    enum { SUM = 2, LEAST = 6 };
    begin();
    struct group *g = make_group("g", COUNT_OF(asked));
    struct error e = {0};
    struct feed *f = opened(g);
    put(f, "u", 1000, "9223372036854775807");
    check_last(g, SUM, 9223372036854775807.0);
    put(f, "u", 1001, "1");
    check_last(g, SUM, (double)NAN);
    put(f, "u", 1002, "-2");
    check_last(g, SUM, 9223372036854775806.0);
    put(f, "v", 1003, "-9223372036854775808"); /* which in a column is a missing one */
    check_last(g, SUM, -9223372036854775808.0);
    check_last(g, LEAST, -9223372036854775808.0);
    put(f, "v", 1004, "-1");
    check_last(g, SUM, (double)NAN);
    CHECK_INT(feed_close(f, false, &e), 0);
    group_free(g);
    end();
}

TEST(times_at_the_ends_of_their_range)
{
    begin();
    struct group *g = make_group("g", 1);
    struct error e = {0};
    struct feed *f = opened(g);
    put(f, "u", INT64_MIN + 1, "1");
    check_last(g, 0, 1);
    put(f, "u", INT64_MIN + 2, "1");
    check_last(g, 0, 2);
    put(f, "u", INT64_MAX, "1");
    check_last(g, 0, 1);
    put(f, "u", 0, "1");
    check_last(g, 0, (double)NAN);
    CHECK_INT(feed_close(f, false, &e), 0);
    check_views(g);
    group_free(g);
    end();
}

/* ---- verify, forget ---- */

TEST(windows_that_differ_are_told)
{
    begin();
    struct group *g = make_group("g", COUNT_OF(asked));
    struct error e = {0};
    uint64_t entities;
    struct feed *f = opened(g);
    put(f, "u", 1000, "1");
    put(f, "v", 1001, "1");
    CHECK_INT(feed_close(f, false, &e), 0);
    check_views(g);
    struct windows *w = NULL;
    struct store_record r = {.event_time = 1000, .id = TEXT_LITERAL("v"), .flags = STORE_DELETED};
    CHECK_INT(windows_open(g, 2, &w, &e), 0);
    CHECK_INT(windows_add(w, &r, NULL, &e), 0);
    CHECK_INT(windows_commit(w, 2, &e), 0);
    windows_close(w);
    CHECK_INT(group_verify(g, &entities, &e), ERR_NO);
    CHECK_TEXT(e.message, "the windows do not have what the log says of 'v'");
    e = (struct error){0};
    CHECK_INT(group_rebuild(g, 0, &e), 0);
    check_views(g);
    group_free(g);
    end();
}

TEST(who_is_forgotten_is_not_counted)
{
    begin();
    struct group *g = make_group("g", COUNT_OF(asked));
    struct error e = {0};
    uint64_t records;
    struct feed *f = opened(g);
    put(f, "u", 1000, "1");
    put(f, "u", 1001, "1");
    check_last(g, 0, 2);
    put(f, "v", 1001, "1");
    CHECK_INT(feed_close(f, false, &e), 0);
    CHECK_INT(group_forget(g, text_of("u"), 0, &records, &e), 0);
    CHECK_INT(records, 2);
    CHECK_INT(keys_of(g), 1);
    f = opened(g);
    put(f, "u", 1002, "1");
    check_last(g, 0, 1);
    CHECK_INT(feed_close(f, false, &e), 0);
    check_views(g);
    group_free(g);
    end();
}

/* ---- descriptions ---- */

static const char *parse(const char *text, struct error *e)
{
    struct aggregate_text a;
    *e = (struct error){0};
    CHECK_INT(aggregate_parse(text_of(text), &a, e), *e->message ? ERR_USAGE : 0);
    return e->message;
}

TEST(aggregates_are_written_so)
{
    static const char *const bad[] = {"",
                                      "n",
                                      "n=",
                                      "n=count",
                                      "n=count()",
                                      "n=count()@",
                                      "n=count()1h",
                                      "n=count()x@1h",
                                      "n=count()@0s",
                                      "n=count()@x",
                                      "n=count(@1h"};
    struct aggregate_text a;
    struct error e = {0};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        CHECK(strstr(parse(bad[i], &e), "expected NAME=FUNCTION(FEATURE)@DURATION"));
    CHECK_TEXT(parse("n=mode(x)@1h", &e), "'mode' is no function: expected count, sum, mean, min, "
                                          "max, std, last or nunique");
    CHECK_INT(aggregate_parse(text_of("n=std(x)@1h30m"), &a, &e), 0);
    CHECK(text_equal(a.name, text_of("n")) && text_equal(a.of, text_of("x")));
    CHECK_INT(a.function, AGGREGATE_STD);
    CHECK_INT(a.window, 5400 * USEC_SECOND);
    CHECK_INT(aggregate_parse(text_of("n=count()@1h"), &a, &e), 0);
    CHECK(a.of.at == NULL);
}

TEST(a_group_keeps_its_aggregates)
{
    begin();
    struct group *g = make_group("g", COUNT_OF(asked)), *back = NULL;
    struct error e = {0};
    CHECK_INT(group_load(g->folder, &back, &e), 0);
    CHECK_TEXT(e.message, "");
    CHECK_INT(back->aggregates.len, COUNT_OF(asked));
    CHECK_INT(back->lateness, LATENESS);
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        const struct aggregate *a = &g->aggregates.at[i], *b = &back->aggregates.at[i];
        CHECK_TEXT(b->name, a->name);
        CHECK_INT(b->function, a->function);
        CHECK_INT(b->window, a->window);
        CHECK_INT(b->feature, a->feature);
        CHECK_INT(b->argument, a->argument);
        CHECK(back->features.at[b->feature].computed);
    }
    group_free(back);
    group_free(g);
    end();
}

static const char *settle(const char *text, struct error *e)
{
    struct group *g = make_group("s", 1);
    struct aggregate_text a;
    *e = (struct error){0};
    CHECK_INT(aggregate_parse(text_of(text), &a, e), 0);
    int status = group_add_aggregate(g, &a, e);
    if (status == 0)
        status = group_settle(g, e);
    CHECK_INT(status, ERR_USAGE);
    unit_remove(g->folder);
    group_free(g);
    return e->message;
}

TEST(what_an_aggregate_is_of_is_looked_at)
{
    struct error e;
    begin();
    CHECK_TEXT(settle("q=sum(z)@1h", &e), "aggregate 'q': there is no feature 'z'");
    CHECK_TEXT(settle("q=sum(s)@1h", &e),
               "aggregate 'q': sum() is of an int or a float, 's' is none");
    CHECK_TEXT(settle("q=sum(n)@1h", &e), "aggregate 'q': 'n' is computed itself");
    CHECK_TEXT(settle("q=last()@1h", &e), "aggregate 'q': last() is of a feature");
    CHECK_TEXT(settle("x=count()@1h", &e), "'x' is named twice");
    CHECK_TEXT(settle("n=count()@1h", &e), "'n' is named twice");
    CHECK_TEXT(settle("t=count()@1h", &e), "'t' is named twice");
    end();
}
