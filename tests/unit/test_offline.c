#include "store/feed.h"
#include "store/offline.h"
#include "sys/sys.h"
#include "table/parquet.h"
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *const formats[] = {"parquet", "jsonl.gz", "csv.gz"};
static const struct offline_options plain = {.jobs = 1};
static const usec start = INT64_C(1600000000) * USEC_SECOND;

/* ---- a group and its records ---- */

static struct group *make_group(const char *name, const char *offline)
{
    static const struct {
        const char *name, *type;
    } features[] = {{"n", "int"},   {"x", "float"}, {"ok", "bool"},
                    {"at", "time"}, {"s", "text"},  {"tags", "list-text"}};
    struct error e = {0};
    unit_remove(in_folder(name));
    mkdir(in_folder(name), 0777);
    struct group *g = group_new(in_folder(name), name);
    CHECK_INT(group_add_id(g, text_of("id"), &e), 0);
    CHECK_INT(group_set_time(g, text_of("when"), &e), 0);
    for (size_t i = 0; i < COUNT_OF(features); i++) {
        struct feature f = {0};
        CHECK(feature_type_parse(text_of(features[i].type), &f));
        CHECK_INT(group_add_feature(g, text_of(features[i].name), &f, &e), 0);
    }
    g->online = "none";
    g->offline = arena_text(&g->arena, offline, strlen(offline));
    return g;
}

static struct text cell(const char *s)
{
    return s ? text_of(s) : (struct text){NULL, 0};
}

static void add(struct log *log, struct group *g, const char *id, usec at, const char *const *cells,
                unsigned flags)
{
    struct row_builder b = {0};
    struct error e = {0};
    struct store_record r = {.event_time = at,
                             .write_time = at > 0 && at < 2 * start ? at + 5 : start,
                             .expires_at = STORE_NEVER,
                             .flags = flags,
                             .id = text_of(id)};
    row_begin(&b, g->features.len + 1);
    row_add(&b, TYPE_TEXT, cell(NULL));
    for (size_t i = 0; i < g->features.len; i++)
        CHECK_INT(group_add_cell(g, i, cell(cells ? cells[i] : NULL), &b, &e), 0);
    r.row = flags & STORE_DELETED ? (struct text){"", 0} : row_end(&b);
    log_add(log, &r);
    row_release(&b);
}

/* Record i of a made-up log: over some hours, not in order, with deletes, repeats, missing cells.
 */
static void add_made(struct log *log, struct group *g, size_t i)
{
    char text[7][64];
    const char *cells[6];
    uint64_t h = random_bits(7, 1, i % 97 == 5 ? i - 1 : i); /* some say again what was said */
    usec at = start + (usec)(h % 7 * 3600 + h % 1000) * USEC_SECOND;
    (void)snprintf(text[0], 64, "%" PRId64, (int64_t)(h % 100000) - 50000);
    (void)snprintf(text[1], 64, "%g", (double)(h % 1000) / 8);
    (void)snprintf(text[2], 64, "%s", h % 2 ? "true" : "false");
    (void)snprintf(text[3], 64, "2001-01-%02dT00:00:00Z", (int)(h % 28) + 1);
    (void)snprintf(text[4], 64, "a \"%d\", \xC3\xA9", (int)(h % 50));
    (void)snprintf(text[5], 64, "[\"t%d\",\"\"]", (int)(h % 5));
    (void)snprintf(text[6], 64, "id%d", (int)(h % 300));
    for (size_t c = 0; c < 6; c++)
        cells[c] = h >> (20 + c) & 7 ? text[c] : NULL;
    add(log, g, text[6], at, cells, h % 31 == 0 ? STORE_DELETED : 0);
}

static void add_position(struct log *log)
{
    struct store_record r = {.flags = STORE_POSITION, .id = text_of("source"), .row = text_of("1")};
    log_add(log, &r);
}

/* Records from..to, in batches of some. */
static void fill(struct group *g, size_t from, size_t to)
{
    struct error e = {0};
    struct log *log = NULL;
    char *folder = mem_format("%s/log", g->folder);
    CHECK_INT(log_open(folder, NULL, &log, &e), 0);
    for (size_t i = from; i < to; i++) {
        add_made(log, g, i);
        if (i % 50 == 49 || i + 1 == to) {
            add_position(log);
            CHECK_INT(log_commit(log, false, &e), 0);
        }
    }
    log_close(log);
    mem_free(folder);
}

/* ---- what a view has ---- */

struct lines {
    VEC(char *) at;
    bool disordered;
    uint64_t dropped;
};

static int by_text(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static void put_record(struct lines *l, const struct store_record *r)
{
    struct buf line = {0};
    char room[TIME_MAX];
    buf_format(&line, "%.*s|%" PRId64 "|%" PRId64 "|%u", (int)r->id.len, r->id.at, r->event_time,
               r->write_time, r->flags & STORE_DELETED);
    for (size_t i = 0; i < row_features(r->row); i++) {
        struct text c = row_cell(r->row, i, room);
        buf_format(&line, "|%s%.*s", c.at ? "'" : "", (int)c.len, c.at ? c.at : "");
    }
    vec_push(&l->at, buf_take(&line));
}

static void read_file(struct group *g, const struct offline_file *f, struct lines *l)
{
    char *path = mem_format("%s/offline/%s", g->folder, f->path);
    char *const paths[] = {path, NULL};
    struct input_options options = {0};
    struct input *in = NULL;
    struct record_input *rows = NULL;
    struct store_record r;
    struct error e = {0};
    uint64_t n = 0;
    usec before = INT64_MIN;
    int status = input_open(paths, 1, &options, &in, &e);
    CHECK_INT(status ? status : record_input_new(g, in, &rows, &e), 0);
    while (rows && (status = record_input_next(rows, &r, &e)) > 0) {
        put_record(l, &r);
        l->disordered |=
            r.event_time < before || r.event_time < f->min_time || r.event_time > f->max_time;
        before = r.event_time;
        n++;
    }
    CHECK_INT(status, 0);
    CHECK_TEXT(e.message, "");
    CHECK_INT(n, f->rows);
    record_input_free(rows);
    input_free(in);
    mem_free(path);
}

static void sort_lines(struct lines *l)
{
    if (l->at.len)
        qsort(l->at.at, l->at.len, sizeof(char *), by_text);
}

/* All rows of the view, sorted; the view is whole. */
static struct lines read_view(struct group *g, uint64_t entry)
{
    struct lines l = {.disordered = false};
    struct offline_view view = {0};
    struct error e = {0};
    CHECK_INT(offline_view_open(g, entry, &view, &e), 0);
    CHECK_INT(offline_verify(g, &view, &e), 0);
    CHECK_TEXT(e.message, "");
    for (size_t i = 0; i < view.files.len; i++)
        read_file(g, &view.files.at[i], &l);
    CHECK(!l.disordered);
    offline_view_release(&view);
    sort_lines(&l);
    return l;
}

/* What there should be: the log's records. */
static struct lines read_log(struct group *g, uint64_t until)
{
    struct lines l = {.disordered = false};
    struct store_record r;
    struct error e = {0};
    char *folder = mem_format("%s/log", g->folder);
    struct log_reader *log = log_reader_open(folder, 1);
    while (log_next(log, &r, &e) > 0 && r.lsn <= until)
        if (!(r.flags & STORE_POSITION))
            put_record(&l, &r);
    log_reader_close(log);
    mem_free(folder);
    sort_lines(&l);
    return l;
}

static void drop_repeats(struct lines *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->at.len; i++)
        if (n == 0 || strcmp(l->at.at[n - 1], l->at.at[i]) != 0)
            l->at.at[n++] = l->at.at[i];
        else
            mem_free(l->at.at[i]);
    l->dropped = l->at.len - n;
    l->at.len = n;
}

static void release(struct lines *l)
{
    for (size_t i = 0; i < l->at.len; i++)
        mem_free(l->at.at[i]);
    vec_release(&l->at);
}

/* Takes both. */
static void check_same(struct lines got, struct lines wanted)
{
    CHECK_INT(got.at.len, wanted.at.len);
    for (size_t i = 0; i < got.at.len && i < wanted.at.len; i++)
        if (strcmp(got.at.at[i], wanted.at.at[i]) != 0) {
            CHECK_TEXT(got.at.at[i], wanted.at.at[i]);
            break;
        }
    release(&got);
    release(&wanted);
}

static void materialise(struct group *g, size_t memory, unsigned jobs)
{
    struct offline_options o = {.memory = memory, .jobs = jobs};
    struct offline_made made;
    struct error e = {0};
    CHECK_INT(offline_materialise(g, &o, &made, &e), 0);
    CHECK_TEXT(e.message, "");
}

/* ---- the tests ---- */

TEST(all_records_are_in_the_view)
{
    for (size_t f = 0; f < COUNT_OF(formats); f++) {
        struct group *g = make_group("all", formats[f]);
        struct offline_made made;
        struct error e = {0};
        fill(g, 0, 2000);
        CHECK_INT(offline_materialise(g, &plain, &made, &e), 0);
        CHECK_TEXT(e.message, "");
        CHECK_INT(made.rows, 2000);
        CHECK_INT(made.lsn, 2040);
        CHECK_INT(made.files, 7);
        check_same(read_view(g, 0), read_log(g, 2040));
        fill(g, 2000, 2300);
        CHECK_INT(offline_materialise(g, &plain, &made, &e), 0);
        CHECK_INT(made.rows, 300);
        check_same(read_view(g, 0), read_log(g, 2346));
        check_same(read_view(g, 1), read_log(g, 2040));
        CHECK_INT(offline_materialise(g, &plain, &made, &e), 0);
        CHECK_INT(made.rows + made.files, 0);
        group_free(g);
    }
}

TEST(a_group_that_is_not_kept_offline)
{
    struct group *g = make_group("not", "none");
    struct offline_made made;
    struct error e = {0};
    CHECK_INT(offline_materialise(g, &plain, &made, &e), ERR_NO);
    CHECK(access(in_folder("not/offline"), F_OK) != 0);
    group_free(g);
}

static void same_files(const struct offline_view *a, const struct offline_view *b)
{
    CHECK_INT(a->files.len, b->files.len);
    for (size_t i = 0; i < a->files.len && i < b->files.len; i++) {
        CHECK_TEXT(a->files.at[i].path, b->files.at[i].path);
        CHECK_TEXT(a->files.at[i].sha256, b->files.at[i].sha256);
    }
}

TEST(the_same_log_makes_the_same_bytes)
{
    for (size_t f = 0; f < COUNT_OF(formats); f++) {
        struct group *a = make_group("a", formats[f]), *b = make_group("b", formats[f]);
        struct offline_view x = {0}, y = {0};
        struct error e = {0};
        fill(a, 0, 1500);
        fill(b, 0, 1500);
        materialise(a, 50000, 1);
        materialise(b, 50000, 3);
        CHECK_INT(offline_view_open(a, 0, &x, &e), 0);
        CHECK_INT(offline_view_open(b, 0, &y, &e), 0);
        CHECK(x.entry > 3);
        same_files(&x, &y);
        offline_view_release(&x);
        offline_view_release(&y);
        group_free(a);
        group_free(b);
    }
}

/* Spellings stay in text, values in Parquet. */
TEST(cells_as_they_came)
{
    static const char *const odd[] = {
        "7", "1.10", "TRUE", "2001-01-31 01:00:00+01:00", "", "[ \"a\" ,\n\"b\"]"};
    for (size_t f = 0; f < COUNT_OF(formats); f++) {
        struct group *g = make_group("odd", formats[f]);
        struct error e = {0};
        struct log *log = NULL;
        CHECK_INT(log_open(in_folder("odd/log"), NULL, &log, &e), 0);
        add(log, g, "x", start, odd, 0);
        CHECK_INT(log_commit(log, false, &e), 0);
        log_close(log);
        materialise(g, 0, 1);
        struct lines got = read_view(g, 0);
        CHECK_INT(got.at.len, 1);
        if (got.at.len == 1)
            CHECK_TEXT(
                got.at.at[0],
                f == 0   ? "x|1600000000000000|1600000000000005|0||'7|'1.1|'true|'2001-01-31T00:"
                           "00:00Z|'|'[ \"a\" , \"b\"]"
                : f == 1 ? "x|1600000000000000|1600000000000005|0||'7|'1.10|'true|'2001-01-31 "
                           "01:00:00+01:00|'|'[ \"a\" , \"b\"]"
                         : "x|1600000000000000|1600000000000005|0||'7|'1.10|'TRUE|'2001-01-31 "
                           "01:00:00+01:00|'|'[ \"a\" , \"b\"]");
        release(&got);
        group_free(g);
    }
}

static uint64_t files_on_disk(const char *folder)
{
    char *command[] = {(char[]){"find"}, mem_text(folder), (char[]){"-type"}, (char[]){"f"}, NULL};
    struct buf out = {0};
    struct process p = {.argv = command, .out = &out};
    struct error e = {0};
    int status = 1;
    uint64_t n = 0;
    CHECK_INT(process_run(&p, &status, &e), 0);
    for (size_t i = 0; i < out.len; i++)
        n += out.at[i] == '\n';
    buf_release(&out);
    mem_free(command[1]);
    return n;
}

TEST(compaction_leaves_one_file_of_an_hour)
{
    for (size_t f = 0; f < COUNT_OF(formats); f++) {
        struct group *g = make_group("c", formats[f]);
        struct offline_options o = {.grace = 3600 * USEC_SECOND};
        struct offline_compacted done;
        struct error e = {0};
        fill(g, 0, 2000);
        materialise(g, 50000, 2);
        struct lines before = read_log(g, 9999);
        drop_repeats(&before);
        CHECK(before.dropped > 0);
        CHECK_INT(offline_compact(g, &o, &done, &e), 0);
        CHECK_TEXT(e.message, "");
        CHECK_INT(done.partitions, 7);
        CHECK_INT(done.files_after, 7);
        CHECK(done.files_before > 16);
        CHECK_INT(done.dropped, before.dropped);
        CHECK_INT(done.rows, 2000 - before.dropped);
        CHECK_INT(done.collected, 0);
        check_same(read_view(g, 0), before);
        check_same(read_view(g, 2), read_view(g, 2)); /* files are there: of the time before */
        uint64_t collected = 0;
        o.grace = -1;
        CHECK_INT(offline_collect(g, &o, &collected, &e), 0);
        CHECK_INT(collected, done.files_before);
        CHECK_INT(files_on_disk(in_folder("c/offline/data")), 7);
        struct offline_view view = {0};
        CHECK_INT(offline_view_open(g, 2, &view, &e), ERR_NO);
        CHECK_INT(offline_view_open(g, 999, &view, &e), ERR_NO);
        fill(g, 2000, 2500);
        materialise(g, 0, 1);
        CHECK_INT(offline_compact(g, &o, &done, &e), 0);
        CHECK_INT(done.files_before, 14);
        before = read_log(g, 9999);
        drop_repeats(&before);
        check_same(read_view(g, 0), before);
        CHECK_INT(offline_compact(g, &o, &done, &e), 0);
        CHECK_INT(done.partitions, 0);
        group_free(g);
    }
}

TEST(rows_of_one_time_keep_their_order)
{
    static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    struct group *g = make_group("order", "parquet");
    struct error e = {0};
    struct offline_compacted done;
    struct lines l = {.disordered = false};
    struct offline_view view = {0};
    for (size_t i = 0; i < 10; i++) {
        const char *cells[6] = {digits[i]};
        struct log *log = NULL;
        CHECK_INT(log_open(in_folder("order/log"), NULL, &log, &e), 0);
        add(log, g, digits[9 - i], start, cells, 0);
        CHECK_INT(log_commit(log, false, &e), 0);
        log_close(log);
        materialise(g, 0, 1);
    }
    CHECK_INT(offline_compact(g, &plain, &done, &e), 0);
    CHECK_INT(offline_view_open(g, 0, &view, &e), 0);
    CHECK_INT(view.files.len, 1);
    read_file(g, &view.files.at[0], &l);
    CHECK_INT(l.at.len, 10);
    for (size_t i = 0; i < l.at.len; i++)
        CHECK(l.at.at[i][0] == digits[9 - i][0]);
    release(&l);
    offline_view_release(&view);
    group_free(g);
}

/* Times that no calendar of four digits has. */
TEST(times_far_away)
{
    static const char *const cells[6] = {"1"};
    struct group *g = make_group("far", "csv.gz");
    struct offline_compacted done;
    struct error e = {0};
    g->times.unit = TIME_MICROS;
    for (unsigned round = 0; round < 2; round++) {
        struct log *log = NULL;
        CHECK_INT(log_open(in_folder("far/log"), NULL, &log, &e), 0);
        add(log, g, "min", -INT64_MAX, cells, 0);
        add(log, g, "max", INT64_MAX - 10, round ? cells : NULL, round ? 0 : STORE_DELETED);
        add(log, g, "before", -1, cells, STORE_DELETED);
        CHECK_INT(log_commit(log, false, &e), 0);
        log_close(log);
        materialise(g, 0, 1);
    }
    CHECK_INT(offline_compact(g, &plain, &done, &e), 0);
    CHECK_TEXT(e.message, "");
    CHECK_INT(done.files_after, 3);
    CHECK_INT(done.rows, 4);
    struct lines l = read_view(g, 0);
    CHECK_INT(l.at.len, 4);
    release(&l);
    group_free(g);
}

TEST(a_view_that_is_reset_is_made_anew)
{
    struct group *g = make_group("reset", "parquet");
    struct error e = {0};
    CHECK_INT(offline_reset(g, 0, &e), 0);
    CHECK(access(in_folder("reset/offline"), F_OK) != 0);
    fill(g, 0, 500);
    materialise(g, 20000, 1);
    CHECK_INT(offline_reset(g, 0, &e), 0);
    CHECK_INT(files_on_disk(in_folder("reset/offline")), 1); /* the lock */
    struct offline_view view = {0};
    CHECK_INT(offline_view_open(g, 0, &view, &e), 0);
    CHECK_INT(view.files.len + view.entry, 0);
    materialise(g, 0, 1);
    check_same(read_view(g, 0), read_log(g, 9999));
    group_free(g);
}

TEST(a_log_that_lost_what_the_view_has)
{
    struct group *g = make_group("lost", "parquet");
    struct offline_made made;
    struct error e = {0};
    fill(g, 0, 100);
    materialise(g, 0, 1);
    unit_remove(in_folder("lost/log"));
    fill(g, 0, 10);
    CHECK_INT(offline_materialise(g, &plain, &made, &e), ERR_DATA);
    CHECK_INT(offline_reset(g, 0, &e), 0);
    materialise(g, 0, 1);
    check_same(read_view(g, 0), read_log(g, 9999));
    group_free(g);
}

TEST(one_writer_at_a_time)
{
    struct group *g = make_group("busy", "parquet");
    struct offline_made made;
    struct offline_compacted done;
    struct error e = {0};
    int fd = -1;
    fill(g, 0, 10);
    materialise(g, 0, 1);
    CHECK_INT(lock_acquire(in_folder("busy/offline/lock"), true, 0, &fd, &e), 0);
    CHECK_INT(offline_materialise(g, &plain, &made, &e), ERR_BUSY);
    CHECK_INT(offline_compact(g, &plain, &done, &e), ERR_BUSY);
    lock_release(fd);
    CHECK_INT(offline_materialise(g, &plain, &made, &e), 0);
    group_free(g);
}

/* ---- crashes ---- */

static off_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : -1;
}

TEST(a_manifest_cut_anywhere)
{
    struct group *g = make_group("cut", "csv.gz");
    fill(g, 0, 300);
    materialise(g, 20000, 1);
    const char *path = in_folder("cut/offline/manifest.jsonl");
    off_t whole = size_of(path);
    struct buf text = {0};
    struct error e = {0};
    CHECK_INT(file_load(path, 1 << 20, &text, &e), 0);
    CHECK(whole > 3000);
    uint64_t entries = 0;
    for (size_t i = 0; i < text.len; i++)
        entries += text.at[i] == '\n';
    for (off_t n = whole - 1; n >= 0; n -= n > 400 && n < whole - 400 ? 37 : 1) {
        struct offline_view view = {0};
        int fd = open(path, O_WRONLY | O_TRUNC);
        CHECK_INT(file_write(fd, text.at, (size_t)n, path, &e), 0);
        close(fd);
        uint64_t lines = 0;
        for (off_t i = 0; i < n; i++)
            lines += text.at[i] == '\n';
        CHECK_INT(offline_view_open(g, 0, &view, &e), 0);
        CHECK_INT(view.entry, lines);
        offline_view_release(&view);
        if (n % 5 == 0) {
            materialise(g, 20000, 1);
            CHECK_INT(offline_view_open(g, 0, &view, &e), 0);
            CHECK_INT(view.entry, entries);
            offline_view_release(&view);
            check_same(read_view(g, 0), read_log(g, 9999));
        }
    }
    buf_release(&text);
    group_free(g);
}

TEST(a_manifest_that_is_none)
{
    static const char *const bad[] = {
        "nonsense\n", "{}\n",
        "{\"entry\":2,\"time\":\"2001-01-01T00:00:00Z\",\"last_lsn\":1,"
        "\"files\":[],\"removed\":[]}\n",
        "{\"entry\":1,\"time\":\"2001-01-01T00:00:00Z\",\"last_lsn\":1,\"files\":[],"
        "\"removed\":[\"data/x\"]}\n",
        "{\"entry\":1,\"time\":\"2001-01-01T00:00:00Z\",\"last_lsn\":1,\"files\":[{\"path\":\"../"
        "x\"}],"
        "\"removed\":[]}\n"};
    struct group *g = make_group("bad", "parquet");
    struct error e = {0};
    mkdir(in_folder("bad/offline"), 0777);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const char *path = in_folder("bad/offline/manifest.jsonl");
        struct offline_view view = {0};
        int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0666);
        CHECK_INT(file_write(fd, bad[i], strlen(bad[i]), path, &e), 0);
        close(fd);
        CHECK_INT(offline_view_open(g, 0, &view, &e), ERR_DATA);
    }
    group_free(g);
}

static void work_in_child(struct group *g)
{
    struct offline_options o = {.memory = 15000, .jobs = 2, .grace = -1};
    struct offline_made made;
    struct offline_compacted done;
    struct error e = {0};
    int status = offline_materialise(g, &o, &made, &e);
    if (status == 0)
        status = offline_compact(g, &o, &done, &e);
    _exit(-status);
}

/* Killed at any time, the view is that of some entry, and going on leads where one run leads. */
TEST(kill_9_leaves_the_state_before_or_after)
{
    struct group *g = make_group("kill", "parquet");
    unsigned killed = 0;
    fill(g, 0, 600);
    for (unsigned round = 0; round < 40; round++) {
        if (round % 12 == 11) {
            unit_remove(in_folder("kill/offline"));
            fill(g, 600 + (size_t)round, 601 + (size_t)round);
        }
        pid_t child = fork();
        if (child == 0)
            work_in_child(g);
        int status = 0;
        struct timespec t = {0, (long)random_below(3, 4, round, 90) * 1000000};
        nanosleep(&t, NULL);
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        killed += WIFSIGNALED(status);
        struct offline_view view = {0};
        struct error e = {0};
        CHECK_INT(offline_view_open(g, 0, &view, &e), 0);
        CHECK_INT(offline_verify(g, &view, &e), 0);
        CHECK_TEXT(e.message, "");
        struct lines got = read_view(g, 0), wanted = read_log(g, view.lsn);
        drop_repeats(&got);
        drop_repeats(&wanted);
        check_same(got, wanted);
        offline_view_release(&view);
    }
    CHECK(killed > 0);
    struct offline_options o = {.grace = -1};
    struct offline_compacted done;
    struct error e = {0};
    materialise(g, 15000, 1);
    CHECK_INT(offline_compact(g, &o, &done, &e), 0);
    struct lines wanted = read_log(g, 99999);
    drop_repeats(&wanted);
    check_same(read_view(g, 0), wanted);
    CHECK_INT(files_on_disk(in_folder("kill/offline/data")), 7);
    group_free(g);
}

/* No file may be longer than so much: 0 when all was written, else an exit status. */
static int work_in_small_space(struct group *g, rlim_t limit)
{
    pid_t child = fork();
    if (child == 0) {
        struct rlimit r = {limit, limit};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &r);
        work_in_child(g);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(a_full_disk)
{
    struct group *g = make_group("full", "csv.gz");
    unsigned failed = 0;
    fill(g, 0, 1000);
    for (rlim_t limit = 100; limit < 60000; limit += limit / 3) {
        int status = work_in_small_space(g, limit);
        CHECK(status == 0 || status == 4);
        failed += status == 4;
        struct offline_view view = {0};
        struct error e = {0};
        CHECK_INT(offline_view_open(g, 0, &view, &e), 0);
        struct lines got = read_view(g, 0), wanted = read_log(g, view.lsn);
        drop_repeats(&got);
        drop_repeats(&wanted);
        check_same(got, wanted);
        offline_view_release(&view);
    }
    CHECK(failed > 3);
    CHECK_INT(work_in_small_space(g, 1 << 20), 0);
    struct lines wanted = read_log(g, 99999);
    drop_repeats(&wanted);
    check_same(read_view(g, 0), wanted);
    group_free(g);
}

/* ---- rows of the log ---- */

static int export_to(struct group *g, const struct offline_export *x, const char *path)
{
    struct record_target t = {.parquet = {.codec = PARQUET_SNAPPY}};
    struct error e = {0};
    CHECK(format_from_extension(path_format_extension(path), &t.format));
    CHECK_INT(sink_open(path, &t.sink, &e), 0);
    int status = offline_export(g, x, &t, &e);
    CHECK_TEXT(e.message, "");
    return status ? status : sink_commit(t.sink, &e);
}

static uint64_t import_from(struct group *g, const char *path)
{
    char *const paths[] = {mem_text(path), NULL};
    struct input_options options = {0};
    struct input *in = NULL;
    uint64_t rows = 0;
    struct error e = {0};
    CHECK_INT(input_open(paths, 1, &options, &in, &e), 0);
    CHECK_INT(offline_import(g, in, 0, &rows, &e), 0);
    CHECK_TEXT(e.message, "");
    input_free(in);
    mem_free(paths[0]);
    return rows;
}

struct entities {
    struct online *online;
    struct lines lines;
};

static int take_entity(void *context, size_t i, const struct store_record *r, struct error *e)
{
    (void)i, (void)e;
    struct entities *all = context;
    struct store_record copy = *r;
    copy.write_time += r->expires_at == STORE_NEVER ? 0 : r->expires_at;
    put_record(&all->lines, &copy);
    return 0;
}

static int take_id(void *context, struct text id, struct error *e)
{
    struct entities *all = context;
    return online_get(all->online, &id, 1, take_entity, all, e);
}

/* All that is online, tombstones, too. */
static struct lines read_online(struct group *g)
{
    struct entities all = {.online = NULL};
    struct error e = {0};
    CHECK_INT(group_online(g, 0, &all.online, &e), 0);
    CHECK_INT(online_ids(all.online, take_id, &all, &e), 0);
    online_close(all.online);
    sort_lines(&all.lines);
    drop_repeats(&all.lines);
    return all.lines;
}

/* Records with all that a record may have. */
static void fill_all_kinds(struct group *g)
{
    static const char *const odd[] = {"7", "1.10", "TRUE", "2001-01-31 01:00:00+01:00", "", "[]"};
    struct error e = {0};
    struct log *log = NULL;
    char *folder = mem_format("%s/log", g->folder);
    fill(g, 0, 800);
    CHECK_INT(log_open(folder, NULL, &log, &e), 0);
    add(log, g, "odd, \"one\"", start, odd, 0);
    add(log, g, "id7", start + INT64_C(9999) * 3600 * USEC_SECOND, odd, 0);
    add(log, g, "id8", start + INT64_C(9999) * 3600 * USEC_SECOND, NULL,
        STORE_DELETED | STORE_HARD);
    struct store_record r = {.event_time = start + INT64_C(9999) * 3600 * USEC_SECOND,
                             .write_time = start,
                             .expires_at = start + INT64_C(99999) * 3600 * USEC_SECOND,
                             .id = text_of("id9")};
    struct row_builder b = {0};
    row_begin(&b, g->features.len + 1);
    r.row = row_end(&b);
    log_add(log, &r);
    CHECK_INT(log_commit(log, false, &e), 0);
    row_release(&b);
    log_close(log);
    mem_free(folder);
}

TEST(what_was_exported_comes_back)
{
    static const char *const names[] = {"x.csv", "x.jsonl", "x.csv.gz", "x.tsv", "x.parquet"};
    struct group *a = make_group("from", "none");
    fill_all_kinds(a);
    a->online = "lmdb";
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct group *b = make_group("to", "none");
        struct offline_export all = {.deleted = true};
        b->online = "lmdb";
        CHECK_INT(export_to(a, &all, in_folder(names[i])), 0);
        CHECK_INT(import_from(b, in_folder(names[i])), 804);
        struct lines got = read_online(b), wanted = read_online(a);
        if (i % 3 != 1) { /* of which only the values come back */
            check_same(got, wanted);
        } else {
            CHECK_INT(got.at.len, wanted.at.len);
            release(&got);
            release(&wanted);
        }
        group_free(b);
    }
    group_free(a);
}

static uint64_t count_exported(struct group *g, const struct offline_export *x)
{
    struct group *b = make_group("count", "none");
    CHECK_INT(export_to(g, x, in_folder("n.jsonl")), 0);
    uint64_t n = size_of(in_folder("n.jsonl")) ? import_from(b, in_folder("n.jsonl")) : 0;
    group_free(b);
    return n;
}

TEST(parts_of_the_log_are_exported)
{
    struct group *g = make_group("part", "none");
    fill(g, 0, 200); /* every 51st is a position */
    usec hour = 3600 * USEC_SECOND;
    uint64_t deletes = 200 - count_exported(g, &(struct offline_export){0});
    CHECK(deletes > 0);
    CHECK_INT(count_exported(g, &(struct offline_export){.deleted = true}), 200);
    CHECK_INT(count_exported(g, &(struct offline_export){.deleted = true, .since = 10}), 190);
    CHECK_INT(count_exported(g, &(struct offline_export){.deleted = true, .until = 51}), 50);
    CHECK_INT(count_exported(g, &(struct offline_export){.since = 999}), 0);
    uint64_t early = count_exported(
        g, &(struct offline_export){.deleted = true, .has_to = true, .to = start + 2 * hour});
    uint64_t late = count_exported(
        g, &(struct offline_export){.deleted = true, .has_from = true, .from = start + 2 * hour});
    CHECK(early > 0 && late > 0);
    CHECK_INT(early + late, 200);
    group_free(g);
}

static struct lines snapshot(struct group *g, const struct offline_moment *m, size_t memory)
{
    struct record_target t = {.format = format_csv(',')};
    struct offline_options o = {.memory = memory};
    struct lines l = {.disordered = false};
    struct error e = {0};
    const char *path = in_folder("snapshot.csv");
    char *const paths[] = {mem_text(path), NULL};
    struct input_options options = {0};
    struct input *in = NULL;
    struct record_input *rows = NULL;
    struct store_record r;
    CHECK_INT(sink_open(path, &t.sink, &e), 0);
    CHECK_INT(offline_snapshot(g, m, &o, &t, &e), 0);
    CHECK_INT(sink_commit(t.sink, &e), 0);
    CHECK_INT(input_open(paths, 1, &options, &in, &e), 0);
    CHECK_INT(record_input_new(g, in, &rows, &e), 0);
    struct buf before = {0};
    while (record_input_next(rows, &r, &e) > 0) {
        CHECK(text_compare((struct text){before.at, before.len}, r.id) < 0);
        before.len = 0;
        buf_add(&before, r.id.at, r.id.len);
        put_record(&l, &r);
    }
    CHECK_TEXT(e.message, "");
    buf_release(&before);
    record_input_free(rows);
    input_free(in);
    mem_free(paths[0]);
    sort_lines(&l);
    return l;
}

/* What is online of a group with those records of g alone that the moment has. */
static struct lines online_at(struct group *g, const struct offline_moment *m)
{
    struct group *part = make_group("part", "none");
    struct error e = {0};
    struct store_record r;
    struct feed *feed = NULL;
    struct feed_options o = {.unsafe = true};
    uint64_t lsn;
    char *folder = mem_format("%s/log", g->folder);
    struct log_reader *log = log_reader_open(folder, 1);
    part->online = "lmdb";
    CHECK_INT(feed_open(part, &o, &feed, &e), 0);
    while (log_next(log, &r, &e) > 0 && (m->until == 0 || r.lsn <= m->until))
        if (!(r.flags & STORE_POSITION) && (!m->has_at || r.event_time <= m->at))
            CHECK_INT(feed_add(feed, &r, &e), 0);
    CHECK_INT(feed_commit(feed, &lsn, &e), 0);
    CHECK_INT(feed_close(feed, false, &e), 0);
    log_reader_close(log);
    mem_free(folder);
    struct lines l = read_online(part);
    group_free(part);
    return l;
}

static bool is_tombstone(const char *line)
{
    size_t bars = 0;
    for (; *line; line++)
        bars += *line == '|';
    return bars == 3;
}

static void drop_tombstones(struct lines *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->at.len; i++)
        if (is_tombstone(l->at.at[i]))
            mem_free(l->at.at[i]);
        else
            l->at.at[n++] = l->at.at[i];
    l->at.len = n;
}

TEST(a_snapshot_is_what_would_be_online)
{
    struct group *g = make_group("snap", "none");
    fill(g, 0, 1500);
    for (unsigned i = 0; i < 12; i++) {
        struct offline_moment m = {.now = start,
                                   .has_at = i % 3 > 0,
                                   .at =
                                       start + (usec)random_below(1, 2, i, 8) * 3600 * USEC_SECOND,
                                   .until = i % 2 ? random_below(1, 3, i, 1500) + 1 : 0};
        struct lines wanted = online_at(g, &m);
        drop_tombstones(&wanted);
        check_same(snapshot(g, &m, i % 4 ? 0 : 1), wanted);
    }
    group_free(g);
}

TEST(what_has_expired_is_in_no_snapshot)
{
    struct group *g = make_group("expired", "none");
    struct error e = {0};
    struct log *log = NULL;
    struct row_builder b = {0};
    struct store_record r = {.event_time = start,
                             .write_time = start + 100, /* when it had expired */
                             .expires_at = start + 50,
                             .id = text_of("a")};
    row_begin(&b, g->features.len + 1);
    r.row = row_end(&b);
    CHECK_INT(log_open(in_folder("expired/log"), NULL, &log, &e), 0);
    log_add(log, &r);
    CHECK_INT(log_commit(log, false, &e), 0);
    log_close(log);
    row_release(&b);
    for (usec at = start + 49; at <= start + 50; at++) {
        struct lines l = snapshot(g, &(struct offline_moment){.has_at = true, .at = at}, 0);
        CHECK_INT(l.at.len, at < start + 50);
        release(&l);
    }
    struct lines l = snapshot(g, &(struct offline_moment){.now = start + 49}, 0);
    CHECK_INT(l.at.len, 0);
    release(&l);
    group_free(g);
}
