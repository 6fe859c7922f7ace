#include "base/crc32c.h"
#include "store/log.h"
#include "store/row.h"
#include "sys/sys.h"
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(crc32c_is_that_of_rfc_3720)
{
    unsigned char bytes[32];
    memset(bytes, 0, sizeof bytes);
    CHECK_INT(crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    CHECK_INT(crc32c(0, bytes, 32), 0x62a8ab43);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    CHECK_INT(crc32c(0, bytes, 32), 0x46dd794e);
    CHECK_INT(crc32c(0, "123456789", 9), 0xe3069283);
    for (size_t n = 0; n <= sizeof bytes; n++)
        for (size_t at = 0; at + n <= sizeof bytes; at += 5) {
            uint32_t whole = crc32c(0, bytes + at, n);
            CHECK_INT(whole, crc32c_plain(0, bytes + at, n));
            CHECK_INT(whole, crc32c(crc32c(0, bytes + at, n / 3), bytes + at + n / 3, n - n / 3));
        }
}

/* ---- rows ---- */

static void check_cell(enum type type, const char *cell, enum row_kind kind, const char *json)
{
    struct row_builder b = {0};
    struct buf out = {0};
    char room[TIME_MAX];
    row_begin(&b, 3);
    row_add(&b, TYPE_TEXT, text_of("before"));
    CHECK(row_add(&b, type, text_of(cell)));
    row_add(&b, TYPE_TEXT, text_of("behind"));
    struct text row = row_end(&b);
    CHECK(row_whole(row));
    CHECK_INT(row_kind(row, 1), kind);
    CHECK(text_equal(row_cell(row, 1, room), text_of(cell)));
    CHECK(text_equal(row_cell(row, 2, room), text_of("behind")));
    row_json(row, 1, type, &out);
    CHECK_TEXT(buf_text(&out), json);
    buf_release(&out);
    row_release(&b);
}

TEST(cells_leave_as_they_came)
{
    check_cell(TYPE_INT, "-12", ROW_INT, "-12");
    check_cell(TYPE_INT, "9223372036854775807", ROW_INT, "9223372036854775807");
    check_cell(TYPE_FLOAT, "1.5", ROW_FLOAT, "1.5");
    check_cell(TYPE_FLOAT, "3", ROW_FLOAT, "3");
    check_cell(TYPE_FLOAT, "1.10", ROW_SPELT, "1.10");
    check_cell(TYPE_FLOAT, "007.5", ROW_SPELT, "\"007.5\"");
    check_cell(TYPE_FLOAT, "-0", ROW_FLOAT, "-0");
    check_cell(TYPE_BOOL, "true", ROW_BOOL, "true");
    check_cell(TYPE_BOOL, "TRUE", ROW_SPELT, "true");
    check_cell(TYPE_BOOL, "false", ROW_BOOL, "false");
    check_cell(TYPE_TIME, "2001-01-31T06:05:04Z", ROW_TIME, "\"2001-01-31T06:05:04Z\"");
    check_cell(TYPE_TIME, "2001-01-31 06:05:04.5+01:00", ROW_SPELT,
               "\"2001-01-31 06:05:04.5+01:00\"");
    check_cell(TYPE_TEXT, "", ROW_TEXT, "\"\"");
    check_cell(TYPE_TEXT, "a \"b\"\n", ROW_TEXT, "\"a \\\"b\\\"\\n\"");
    check_cell(TYPE_JSON, "[1, 2.50]", ROW_TEXT, "[1, 2.50]");
}

TEST(what_is_no_value_is_not_taken)
{
    static const struct {
        enum type type;
        const char *cell;
    } bad[] = {
        {TYPE_INT, "1.0"},
        {TYPE_INT, "9223372036854775808"},
        {TYPE_INT, ""},
        {TYPE_INT, "007"},
        {TYPE_FLOAT, "1e999"},
        {TYPE_FLOAT, "nan"},
        {TYPE_BOOL, "1"},
        {TYPE_TIME, "2001-01-31 06:05:04"},
        {TYPE_TIME, "1700000000"},
        {TYPE_JSON, "[1"},
        {TYPE_JSON, ""},
    };
    struct row_builder b = {0};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        row_begin(&b, 1);
        CHECK(!row_add(&b, bad[i].type, text_of(bad[i].cell)));
        CHECK_INT(row_kind(row_end(&b), 0), ROW_MISSING);
    }
    row_release(&b);
}

TEST(features_added_later_are_missing_before)
{
    struct row_builder a = {0}, b = {0}, merged = {0};
    char room[TIME_MAX];
    row_begin(&a, 3);
    row_add(&a, TYPE_TEXT, text_of("spelt"));
    row_add(&a, TYPE_INT, text_of("1"));
    row_add(&a, TYPE_TEXT, text_of("x"));
    CHECK_INT(row_kind(row_end(&a), 5), ROW_MISSING);
    row_begin(&b, 4);
    row_add(&b, TYPE_TEXT, (struct text){0});
    row_add(&b, TYPE_INT, (struct text){0});
    row_add(&b, TYPE_TEXT, text_of("y"));
    row_add(&b, TYPE_FLOAT, text_of("2.50"));
    struct text row = row_merge(&merged, row_end(&a), row_end(&b));
    CHECK(row_whole(row));
    CHECK_INT(row_kind(row, 0), ROW_MISSING);
    CHECK(text_equal(row_cell(row, 1, room), text_of("1")));
    CHECK(text_equal(row_cell(row, 2, room), text_of("y")));
    CHECK(text_equal(row_cell(row, 3, room), text_of("2.50")));
    row_release(&a);
    row_release(&b);
    row_release(&merged);
}

/* Whatever bytes: either it is not whole, or every cell can be read. */
TEST(damaged_rows_are_seen)
{
    struct row_builder b = {0};
    char room[TIME_MAX];
    row_begin(&b, 3);
    row_add(&b, TYPE_TEXT, text_of("some text"));
    row_add(&b, TYPE_FLOAT, text_of("1.10"));
    row_add(&b, TYPE_BOOL, text_of("true"));
    struct text row = row_end(&b);
    for (size_t n = 0; n < row.len; n++) {
        char *cut = mem_copy(row.at, n);
        CHECK(!row_whole((struct text){cut, n}));
        mem_free(cut);
    }
    char *changed = mem_copy(row.at, row.len);
    for (size_t i = 0; i < row.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            changed[i] = (char)(changed[i] ^ 1 << bit);
            struct text other = {changed, row.len};
            for (size_t k = 0; row_whole(other) && k < row_features(other); k++)
                CHECK(row_cell(other, k, room).len < 100);
            changed[i] = (char)(changed[i] ^ 1 << bit);
        }
    mem_free(changed);
    row_release(&b);
}

/* ---- the log ---- */

static char *folder;

static void begin(void)
{
    struct error e;
    folder = scratch_directory(&e);
    CHECK(folder != NULL);
}

static void end(void)
{
    scratch_remove(folder);
    folder = NULL;
}

static struct log *opened(size_t segment)
{
    struct log_options o = {.segment = segment};
    struct log *log = NULL;
    struct error e = {0};
    CHECK_INT(log_open(folder, &o, &log, &e), 0);
    CHECK_TEXT(e.message, "");
    return log;
}

/* Records k, k + 1 ... of ids and rows that follow from their number. */
static struct store_record record(uint64_t k, char room[static 64])
{
    int id = snprintf(room, 32, "id%llu", (unsigned long long)(k % 7));
    int row = snprintf(room + 32, 32, "%.*s", (int)(k % 20), "what was said of the entity");
    return (struct store_record){.lsn = 99,
                                 .event_time = (usec)(k * 1000),
                                 .write_time = (usec)k,
                                 .expires_at = STORE_NEVER,
                                 .flags = k % 5 == 0 ? STORE_DELETED : 0,
                                 .id = {room, (size_t)id},
                                 .row = {room + 32, (size_t)row}};
}

static void write_records(struct log *log, uint64_t from, size_t n, bool sync)
{
    struct error e = {0};
    char room[64];
    for (size_t i = 0; i < n; i++) {
        struct store_record r = record(from + i, room);
        CHECK_INT(log_add(log, &r), from + i);
    }
    CHECK_INT(log_commit(log, sync, &e), 0);
    CHECK_INT(log_last(log), from + n - 1);
}

/* How many records there are from `from` on; all are as they were written. */
static size_t read_records(uint64_t from, int *status, struct error *e)
{
    struct log_reader *r = log_reader_open(folder, from);
    struct store_record got;
    size_t n = 0;
    while ((*status = log_next(r, &got, e)) > 0) {
        char room[64];
        struct store_record want = record(from + n, room);
        CHECK_INT(got.lsn, from + n);
        CHECK_INT(got.event_time, want.event_time);
        CHECK_INT(got.write_time, want.write_time);
        CHECK_INT(got.expires_at, STORE_NEVER);
        CHECK_INT(got.flags, want.flags);
        CHECK(text_equal(got.id, want.id));
        CHECK(text_equal(got.row, want.row));
        n++;
    }
    log_reader_close(r);
    return n;
}

static size_t count_records(uint64_t from)
{
    struct error e = {0};
    int status;
    size_t n = read_records(from, &status, &e);
    CHECK_INT(status, 0);
    CHECK_TEXT(e.message, "");
    return n;
}

TEST(records_are_read_as_they_were_written)
{
    begin();
    CHECK_INT(count_records(1), 0);
    struct log *log = opened(0);
    CHECK_INT(log_last(log), 0);
    write_records(log, 1, 10, true);
    CHECK_INT(count_records(1), 10);
    write_records(log, 11, 1, false);
    CHECK_INT(count_records(1), 11);
    CHECK_INT(count_records(8), 4);
    CHECK_INT(count_records(12), 0);
    log_close(log);
    log = opened(0);
    CHECK_INT(log_last(log), 11);
    write_records(log, 12, 5, true);
    log_close(log);
    CHECK_INT(count_records(1), 16);
    end();
}

TEST(a_log_goes_on_in_segments)
{
    begin();
    uint64_t next = 1;
    for (size_t i = 0; i < 20; i++) {
        struct log *log = opened(500);
        CHECK_INT(log_last(log), next - 1);
        for (size_t k = 0; k < 3; k++, next += 5)
            write_records(log, next, 5, k % 2 == 0);
        log_close(log);
    }
    for (uint64_t from = 1; from <= next; from += 7)
        CHECK_INT(count_records(from), next - from);
    end();
}

TEST(a_reader_goes_on_where_the_log_does)
{
    begin();
    struct log *log = opened(500);
    struct log_reader *r = log_reader_open(folder, 1);
    struct store_record got;
    struct error e = {0};
    CHECK_INT(log_next(r, &got, &e), 0);
    for (uint64_t next = 1; next < 200; next += 4) {
        write_records(log, next, 4, false);
        for (uint64_t i = 0; i < 4; i++) {
            CHECK_INT(log_next(r, &got, &e), 1);
            CHECK_INT(got.lsn, next + i);
        }
        CHECK_INT(log_next(r, &got, &e), 0);
    }
    log_reader_close(r);
    log_close(log);
    end();
}

TEST(one_writes_at_a_time)
{
    begin();
    struct log *first = opened(0), *second = NULL;
    struct log_options o = {.timeout_ms = 20};
    struct error e = {0};
    /* Locks are of processes' open files: another process's is not needed. */
    CHECK_INT(log_open(folder, &o, &second, &e), ERR_BUSY);
    log_close(first);
    CHECK_INT(log_open(folder, &o, &second, &e), 0);
    log_close(second);
    end();
}

/* The only segment, or the last. */
static char *segment_file(void)
{
    char *name = NULL;
    DIR *d = opendir(folder);
    for (struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
        size_t n = strlen(entry->d_name);
        if (n > 4 && strcmp(entry->d_name + n - 4, ".seg") == 0 &&
            (!name || strcmp(entry->d_name, strrchr(name, '/') + 1) > 0)) {
            mem_free(name);
            name = mem_format("%s/%s", folder, entry->d_name);
        }
    }
    closedir(d);
    return name;
}

static struct buf content_of(const char *path)
{
    struct buf out = {0};
    struct error e = {0};
    CHECK_INT(file_load(path, SIZE_MAX, &out, &e), 0);
    return out;
}

static void put_content(const char *path, const char *at, size_t n)
{
    struct error e = {0};
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK_INT(file_write(fd, at, n, path, &e), 0);
    close(fd);
}

/* Cut anywhere: whole batches are there, and writing goes on behind them. The hint of where the log
 * ends may be there or not, or be that of a longer one. */
TEST(a_torn_tail_is_cut_off)
{
    begin();
    struct log *log = opened(0);
    write_records(log, 1, 3, true);
    write_records(log, 4, 1, true);
    write_records(log, 5, 4, true);
    log_close(log);
    char *path = segment_file(), *hint = mem_format("%s/end", folder);
    struct buf whole = content_of(path), known = content_of(hint);
    for (size_t n = 0; n <= whole.len; n++) {
        put_content(path, whole.at, n);
        put_content(hint, known.at, n % 3 ? known.len : 0);
        size_t there = count_records(1);
        CHECK(there == 0 || there == 3 || there == 4 || there == 8);
        CHECK(n < whole.len || there == 8);
        log = opened(0);
        CHECK_INT(log_last(log), there);
        write_records(log, there + 1, 2, true);
        log_close(log);
        CHECK_INT(count_records(1), there + 2);
        mem_free(path);
        path = segment_file();
    }
    buf_release(&whole);
    buf_release(&known);
    mem_free(path);
    mem_free(hint);
    end();
}

/* Every byte changed: what is read is as it was written, and what is missing is the last batch or
 * an error says so. */
TEST(damage_is_not_taken_for_a_torn_tail)
{
    begin();
    struct log *log = opened(0);
    write_records(log, 1, 3, true);
    write_records(log, 4, 2, true);
    write_records(log, 6, 4, true);
    log_close(log);
    char *path = segment_file();
    struct buf whole = content_of(path);
    size_t damaged = 0, torn = 0;
    for (size_t i = 0; i < whole.len; i++) {
        struct error e = {0};
        int status;
        whole.at[i] ^= 0x10;
        put_content(path, whole.at, whole.len);
        size_t there = read_records(1, &status, &e);
        if (status == ERR_DATA) {
            CHECK(strstr(e.message, "damaged at byte") != NULL);
            CHECK(there == 0 || there == 3);
            damaged++;
        } else {
            CHECK_INT(status, 0);
            CHECK(there == 5 || (there == 9 && i < 64));
            torn++;
        }
        whole.at[i] ^= 0x10;
    }
    CHECK(damaged > 200);
    CHECK(torn > 100);
    buf_release(&whole);
    mem_free(path);
    end();
}

/* A writer that is killed: what it acknowledged is there. */
TEST(kill_9_loses_nothing_that_was_acknowledged)
{
    begin();
    uint64_t next = 1;
    for (unsigned round = 0; round < 60; round++) {
        int acknowledged[2];
        CHECK_INT(pipe(acknowledged), 0);
        pid_t child = fork();
        if (child == 0) {
            struct log *log = opened(3000);
            for (uint64_t k = log_last(log) + 1;; k += 3) {
                write_records(log, k, 3, round % 2 == 0);
                uint64_t last = log_last(log);
                if (write(acknowledged[1], &last, sizeof last) != sizeof last)
                    _exit(1);
            }
        }
        close(acknowledged[1]);
        uint64_t last = next - 1, lsn;
        for (unsigned i = 0; i < 1 + round % 7; i++)
            if (read(acknowledged[0], &lsn, sizeof lsn) == sizeof lsn)
                last = lsn;
        usleep(round * 37 % 900);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(acknowledged[0], &lsn, sizeof lsn) == sizeof lsn)
            last = lsn;
        close(acknowledged[0]);
        size_t there = count_records(1);
        CHECK(there >= last);
        CHECK_INT(there % 3, 0);
        next = there + 1;
    }
    end();
}
