#include "store/log.h"
#include "store/pit.h"
#include "sys/sys.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char *root, *folder;
static struct group *group;

static void begin(void)
{
    struct error e;
    struct feature number = {.type = TYPE_INT};
    root = scratch_directory(&e);
    folder = mem_format("%s/users", root);
    group = group_new(folder, "users");
    CHECK_INT(group_add_id(group, text_of("user"), &e), 0);
    CHECK_INT(group_set_time(group, text_of("at"), &e), 0);
    CHECK_INT(group_add_feature(group, text_of("lsn"), &number, &e), 0);
    CHECK_INT(group_add_feature(group, text_of("none"), &number, &e), 0);
    CHECK_INT(group_save(group, false, &e), 0);
}

static void end(void)
{
    group_free(group);
    unit_remove(folder);
    mem_free(folder);
    scratch_remove(root);
}

/* ---- records ---- */

enum { IDS = 12, TIMES = 40, RECORDS = 600, LABELS = 500 };

static uint64_t drawn;
static uint64_t draw(uint64_t below)
{
    return random_below(7, 1, drawn++, below);
}

/* Of all lengths that are held differently; one has two columns. */
static struct text id_of(uint64_t n)
{
#define ID(text)                                                                                   \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
    static const struct text ids[IDS] = {
        ID("a"),
        ID("b"),
        ID("ab"),
        ID("abc"),
        ID("abcd"),
        ID("abcdefgh"),
        ID("user_123"),
        ID("a\0b"),
        ID("user_12345678901"),
        ID("an id of more than 16 bytes"),
        ID("an id of more than 16 bytes too"),
        ID("user_12345678902"),
    };
#undef ID
    return ids[n];
}

/* Times are whole multiples, before and after 1970; those of records are sometimes next to one. */
static usec scale;
static usec time_of(int64_t n)
{
    return (n - TIMES / 2) * scale;
}

static usec near_time(int64_t n)
{
    return time_of(n) + (scale > 1 && draw(3) == 0 ? (usec)draw(3) - 1 : 0);
}

static struct store_record random_record(uint64_t lsn)
{
    int64_t t = (int64_t)draw(TIMES);
    struct store_record r = {.lsn = lsn,
                             .event_time = near_time(t),
                             .write_time = near_time(t + (int64_t)draw(30) - 5),
                             .expires_at = draw(4) ? STORE_NEVER : near_time(t + (int64_t)draw(15)),
                             .id = id_of(draw(IDS))};
    if (draw(8) == 0)
        r.flags = draw(2) ? STORE_DELETED : STORE_DELETED | STORE_HARD;
    if (draw(30) == 0)
        r.flags = STORE_POSITION;
    return r;
}

static void add_row(struct log *log, struct store_record *r, struct row_builder *b)
{
    char digits[NUMBER_MAX];
    row_begin(b, 3);
    row_add(b, TYPE_TEXT, (struct text){NULL, 0});
    row_add(b, TYPE_INT, (struct text){digits, number_print_int(digits, (int64_t)r->lsn)});
    r->row = r->flags & STORE_DELETED ? (struct text){"", 0} : row_end(b);
    CHECK_INT(log_add(log, r), r->lsn);
}

/* Into segments and batches of random sizes. */
static void write_records(struct store_record *records, size_t n)
{
    struct error e;
    struct log_options o = {.segment = 8000};
    struct log *log = NULL;
    struct row_builder b = {0};
    char *path = mem_format("%s/log", folder);
    CHECK_INT(log_open(path, &o, &log, &e), 0);
    for (size_t i = 0; i < n; i++) {
        records[i] = random_record(i + 1);
        add_row(log, &records[i], &b);
        if (draw(5) == 0 || i + 1 == n)
            CHECK_INT(log_commit(log, false, &e), 0);
    }
    log_close(log);
    row_release(&b);
    mem_free(path);
}

struct label {
    struct text id;
    usec time, known;
};

static struct label random_label(void)
{
    struct label l = {id_of(draw(IDS)), time_of((int64_t)draw(TIMES + 10)),
                      time_of((int64_t)draw(TIMES + 20))};
    if (draw(20) == 0)
        l.id = (struct text){NULL, 0};
    if (draw(20) == 0)
        l.time = INT_MISSING;
    if (draw(20) == 0)
        l.known = INT_MISSING;
    return l;
}

/* ---- the same, the plain way ---- */

static bool is_candidate(const struct store_record *r, const struct label *l,
                         const struct pit_options *o)
{
    usec known = o->known == PIT_KNOWN_BY ? l->known : l->time;
    if (!l->id.at || l->time == INT_MISSING || r->flags & STORE_POSITION ||
        !text_equal(r->id, l->id) || r->event_time > l->time ||
        (o->strict && r->event_time == l->time))
        return false;
    return o->known == PIT_KNOWN_NOT || (known != INT_MISSING && r->write_time <= known);
}

static const struct store_record *winner_of(const struct store_record *records, size_t n,
                                            const struct label *l, const struct pit_options *o)
{
    const struct store_record *best = NULL;
    for (size_t i = 0; i < n; i++)
        if (is_candidate(&records[i], l, o) && (!best || records[i].event_time > best->event_time))
            best = &records[i];
    return best;
}

static enum pit_status status_of(const struct store_record *r, const struct label *l,
                                 const struct pit_options *o)
{
    bool old = o->lookback != STORE_NEVER && r && r->event_time < l->time - o->lookback;
    return !r                                ? PIT_MISSING
           : r->flags & STORE_DELETED        ? PIT_DELETED
           : old || r->expires_at <= l->time ? PIT_EXPIRED
                                             : PIT_OK;
}

static void check_label(const struct pit *p, size_t i, const struct label *l,
                        const struct store_record *records, size_t n, const struct pit_options *o)
{
    char room[TIME_MAX], wanted[NUMBER_MAX];
    const struct store_record *r = winner_of(records, n, l, o);
    struct pit_answer a = pit_answer(p, i);
    CHECK_INT(a.status, status_of(r, l, o));
    CHECK_INT(a.event_time, r ? r->event_time : INT_MISSING);
    struct text cell = pit_cell(p, a.row, 0, room);
    struct text lsn = {NULL, 0};
    if (a.status == PIT_OK)
        lsn = (struct text){wanted, number_print_int(wanted, (int64_t)r->lsn)};
    CHECK(text_equal(cell, lsn));
    CHECK(!pit_cell(p, a.row, 1, room).at);
}

/* Twice with the same pit, as blocks of labels are. */
static void check_join(const struct store_record *records, size_t n, const struct pit_options *o)
{
    struct error e = {0};
    struct pit_source *source = NULL;
    struct label labels[LABELS];
    CHECK_INT(pit_group_source(group, NULL, n, &source, &e), 0);
    struct pit *p = pit_new(source, o);
    for (int block = 0; block < 2; block++) {
        size_t count = block ? LABELS / 7 : LABELS;
        for (size_t i = 0; i < count; i++) {
            labels[i] = random_label();
            pit_add(p, labels[i].id, labels[i].time, labels[i].known);
        }
        CHECK_INT(pit_join(p, &e), 0);
        CHECK_INT(pit_source_last(source), n);
        for (size_t i = 0; i < count; i++)
            check_label(p, i, &labels[i], records, n, o);
        pit_clear(p);
    }
    pit_free(p);
    pit_source_free(source);
}

static void check_scale(usec s)
{
    begin();
    scale = s;
    struct store_record *records = mem_array(NULL, RECORDS, sizeof *records);
    write_records(records, RECORDS);
    const usec lookbacks[] = {STORE_NEVER, 3 * scale, 20 * scale};
    for (unsigned i = 0; i < 3 * 2 * 2 * COUNT_OF(lookbacks); i++) {
        struct pit_options o = {.strict = i & 1,
                                .jobs = i & 2 ? 4 : 1,
                                .known = (enum pit_known)(i / 4 % 3),
                                .lookback = lookbacks[i / 12]};
        check_join(records, RECORDS, &o);
        check_join(records, RECORDS / 3, &o); /* what came later is not seen */
    }
    mem_free(records);
    end();
}

/* Microseconds, milliseconds, seconds, and years: what fits 32 bits is held in them. */
TEST(a_label_gets_what_the_plain_way_finds)
{
    static const usec scales[] = {1, 1000, USEC_SECOND, 400 * USEC_DAY};
    for (size_t i = 0; i < COUNT_OF(scales); i++)
        check_scale(scales[i]);
}

/* ---- many of one id, and rows that lose their places ---- */

/* Records in order of time, each longer than those before, take the place of one another at labels
 * far behind: written over, or where several labels may have one, cleared away again and again. */
TEST(rows_that_lose_are_cleared_away)
{
    begin();
    struct error e = {0};
    struct log *log = NULL;
    struct log_options o = {0};
    struct row_builder b = {0};
    static char filler[8000];
    enum { COUNT = 40000 };
    char *path = mem_format("%s/log", folder);
    struct feature text = {.type = TYPE_TEXT};
    memset(filler, 'x', sizeof filler);
    CHECK_INT(group_add_feature(group, text_of("filler"), &text, &e), 0);
    CHECK_INT(log_open(path, &o, &log, &e), 0);
    for (int i = 0; i < COUNT; i++) {
        row_begin(&b, 4);
        row_add(&b, TYPE_TEXT, (struct text){NULL, 0});
        row_add(&b, TYPE_INT, text_of("1"));
        row_add(&b, TYPE_INT, (struct text){NULL, 0});
        row_add(&b, TYPE_TEXT, (struct text){filler, sizeof filler * (size_t)i / COUNT});
        struct store_record r = {.event_time = i,
                                 .write_time = i,
                                 .expires_at = STORE_NEVER,
                                 .id = id_of((uint64_t)i % 2),
                                 .row = row_end(&b)};
        log_add(log, &r);
        if (i % 100 == 99)
            CHECK_INT(log_commit(log, false, &e), 0);
    }
    log_close(log);
    for (unsigned i = 0; i < 4; i++) {
        struct pit_source *source = NULL;
        struct pit_options how = {.lookback = STORE_NEVER,
                                  .jobs = i & 1 ? 3 : 1,
                                  .known = i & 2 ? PIT_KNOWN_BY : PIT_KNOWN_NOT};
        CHECK_INT(pit_group_source(group, "filler,lsn", UINT64_MAX, &source, &e), 0);
        struct pit *p = pit_new(source, &how);
        for (usec t = 0; t < 20; t++)
            pit_add(p, id_of((uint64_t)t % 2), COUNT / 2 + t * 1000, COUNT);
        CHECK_INT(pit_join(p, &e), 0);
        for (usec t = 0; t < 20; t++) {
            struct pit_answer a = pit_answer(p, (size_t)t);
            char room[TIME_MAX];
            usec wanted = COUNT / 2 + t * 1000 - (t & 1);
            CHECK_INT(a.event_time, wanted < COUNT ? wanted : COUNT - 2 + (t & 1));
            CHECK_INT(pit_cell(p, a.row, 0, room).len,
                      sizeof filler * (size_t)a.event_time / COUNT);
            CHECK(text_equal(pit_cell(p, a.row, 1, room), text_of("1")));
        }
        pit_free(p);
        pit_source_free(source);
    }
    row_release(&b);
    mem_free(path);
    end();
}

/* ---- what is not there ---- */

TEST(features_that_are_not_there_are_named)
{
    begin();
    struct error e = {0};
    struct pit_source *source = NULL;
    CHECK_INT(pit_group_source(group, "lsn,other", UINT64_MAX, &source, &e), ERR_USAGE);
    CHECK_TEXT(e.message, "users has no feature 'other'");
    CHECK_INT(pit_group_source(group, "lsn,lsn", UINT64_MAX, &source, &e), ERR_USAGE);
    CHECK_TEXT(e.message, "users: feature 'lsn' is named twice");
    CHECK_INT(pit_group_source(group, "none", UINT64_MAX, &source, &e), 0);
    CHECK_INT(pit_about(source)->feature_count, 1);
    CHECK_TEXT(pit_about(source)->features[0].name, "none");
    pit_source_free(source);
    end();
}

TEST(a_group_without_records_has_no_answers)
{
    begin();
    struct error e = {0};
    struct pit_source *source = NULL;
    struct pit_options o = {.lookback = STORE_NEVER, .jobs = 2};
    CHECK_INT(pit_group_source(group, NULL, UINT64_MAX, &source, &e), 0);
    struct pit *p = pit_new(source, &o);
    CHECK_INT(pit_join(p, &e), 0);
    pit_clear(p);
    pit_add(p, text_of("a"), 5, 5);
    CHECK_INT(pit_join(p, &e), 0);
    CHECK_INT(pit_answer(p, 0).status, PIT_MISSING);
    pit_free(p);
    pit_source_free(source);
    end();
}

/* ---- what is wrong with the log ---- */

/* The one segment of a log of 100 batches. */
static char *write_batches(void)
{
    struct error e;
    struct log *log = NULL;
    struct log_options o = {0};
    struct row_builder b = {0};
    char *path = mem_format("%s/log", folder);
    CHECK_INT(log_open(path, &o, &log, &e), 0);
    for (uint64_t i = 1; i <= 100; i++) {
        struct store_record r = {
            .lsn = i, .event_time = (usec)i, .expires_at = STORE_NEVER, .id = text_of("a")};
        add_row(log, &r, &b);
        CHECK_INT(log_commit(log, false, &e), 0);
    }
    log_close(log);
    row_release(&b);
    char *segment = mem_format("%s/%020d.seg", path, 1);
    mem_free(path);
    return segment;
}

static int join_to_a(struct pit_answer *a, struct error *e)
{
    struct pit_source *source = NULL;
    struct pit_options o = {.lookback = STORE_NEVER, .jobs = 2};
    CHECK_INT(pit_group_source(group, NULL, UINT64_MAX, &source, e), 0);
    struct pit *p = pit_new(source, &o);
    pit_add(p, text_of("a"), 1000, 0);
    int status = pit_join(p, e);
    *a = status ? (struct pit_answer){0} : pit_answer(p, 0);
    pit_free(p);
    pit_source_free(source);
    return status;
}

TEST(a_torn_tail_is_passed_over)
{
    begin();
    struct error e = {0};
    struct pit_answer a;
    char *segment = write_batches();
    struct stat s;
    CHECK_INT(join_to_a(&a, &e), 0);
    CHECK_INT(a.event_time, 100);
    CHECK_INT(stat(segment, &s), 0);
    CHECK_INT(truncate(segment, s.st_size - 9), 0);
    CHECK_INT(join_to_a(&a, &e), 0);
    CHECK_INT(a.event_time, 99);
    mem_free(segment);
    end();
}

TEST(damage_is_an_error_with_its_place)
{
    begin();
    struct error e = {0};
    struct pit_answer a;
    char *segment = write_batches();
    struct stat s;
    CHECK_INT(stat(segment, &s), 0);
    int fd = open(segment, O_WRONLY);
    off_t record = (s.st_size - 64) / 100, at = 64 + 50 * record;
    CHECK_INT(pwrite(fd, "?", 1, at + 30), 1);
    close(fd);
    CHECK_INT(join_to_a(&a, &e), ERR_DATA);
    CHECK_TEXT(e.file, segment);
    char wanted[32];
    snprintf(wanted, sizeof wanted, " at byte %" PRId64 ":", (int64_t)at);
    CHECK(strstr(e.message, wanted) != NULL);
    mem_free(segment);
    end();
}

/* ---- files ---- */

static char *write_file(const char *name, const char *content)
{
    char *path = mem_format("%s/%s", root, name);
    FILE *f = fopen(path, "w");
    CHECK(f != NULL);
    fputs(content, f);
    fclose(f);
    return path;
}

static int join_file(const char *path, const struct pit_file *given, struct pit **p,
                     struct pit_source **source, struct error *e)
{
    struct pit_file f = *given;
    struct pit_options o = {.lookback = STORE_NEVER, .jobs = 2};
    f.path = path;
    int status = pit_file_source(&f, source, e);
    if (status)
        return status;
    *p = pit_new(*source, &o);
    pit_add(*p, TEXT_LITERAL("7\0x"), 20 * USEC_SECOND, 0);
    pit_add(*p, TEXT_LITERAL("8\0x"), 20 * USEC_SECOND, 0);
    return pit_join(*p, e);
}

TEST(rows_of_files_are_records)
{
    begin();
    static const char *const ids[] = {"k", "l"};
    struct cell_policy policy = {.on_error = ON_ERROR_STOP};
    struct input_options input = {.policy = &policy};
    struct pit_file f = {.ids = ids, .id_count = 2, .time = "t", .input = &input};
    f.rule.unit = TIME_SECONDS;
    struct error e = {0};
    struct pit *p = NULL;
    struct pit_source *source = NULL;
    char room[TIME_MAX];
    char *path = write_file("a.b.csv", "v,k,t,l,w\n1.10,7,10,x,\n2,7,20,x,\"q,\"\n3,7,20,x,late\n"
                                       "4,7,21,x,\n5,8,1,y,\n");
    CHECK_INT(join_file(path, &f, &p, &source, &e), 0);
    CHECK_TEXT(pit_about(source)->name, "a");
    CHECK_INT(pit_about(source)->feature_count, 2);
    struct pit_answer a = pit_answer(p, 0);
    CHECK_INT(a.status, PIT_OK);
    CHECK(text_equal(pit_cell(p, a.row, 0, room), text_of("2")));
    CHECK(text_equal(pit_cell(p, a.row, 1, room), text_of("q,")));
    CHECK_INT(pit_answer(p, 1).status, PIT_MISSING);
    pit_free(p);
    pit_source_free(source);
    unit_remove(path);
    mem_free(path);
    path = write_file("b.csv", "k,l,t\n7,x,1\n7,x,soon\n");
    CHECK_INT(join_file(path, &f, &p, &source, &e), ERR_DATA);
    CHECK_INT(e.line, 3);
    CHECK_INT(e.column, 3);
    CHECK_TEXT(e.message, "t: 'soon' is not a number of time");
    pit_free(p);
    pit_source_free(source);
    unit_remove(path);
    mem_free(path);
    end();
}
