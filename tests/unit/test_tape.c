#include "sys/sys.h"
#include "table/tape.h"
#include "unit.h"

#include <sys/resource.h>
#include <unistd.h>

enum { RECORDS = 3000, LONGEST = 700000 };

/* Of many lengths, so that records and their lengths lie across the borders of what is read at
 * once: none at all, a few bytes, and now and then more than is read at once. */
static size_t length_of(size_t i)
{
    return i % 1000 == 500 ? LONGEST - i : hash_u64(i) % 2000 * (i % 7 != 0);
}

static struct text record_of(char *into, size_t i)
{
    size_t n = length_of(i);
    memset(into, (int)('a' + i % 26), n);
    return (struct text){into, n};
}

static void fill(struct tape *t, size_t from, size_t to)
{
    char *bytes = mem_alloc(LONGEST);
    struct error e = {0};
    for (size_t i = from; i < to; i++)
        CHECK_INT(tape_add(t, record_of(bytes, i), &e), 0);
    CHECK_TEXT(e.message, "");
    mem_free(bytes);
}

/* The first n of the records from..to are there, in their order; then the end when n is all. */
static void check_first(struct tape *t, size_t from, size_t to, size_t n)
{
    char *bytes = mem_alloc(LONGEST);
    struct error e = {0};
    struct text got;
    CHECK_INT(tape_rewind(t, &e), 0);
    for (size_t i = from; i < from + n; i++) {
        CHECK_INT(tape_next(t, &got, &e), 1);
        if (!text_equal(got, record_of(bytes, i)))
            UNIT_FAIL("record %zu of %zu bytes is another", i, length_of(i));
    }
    if (from + n == to) {
        CHECK_INT(tape_next(t, &got, &e), 0);
        CHECK_INT(tape_next(t, &got, &e), 0);
    }
    CHECK_TEXT(e.message, "");
    mem_free(bytes);
}

static void check_all(struct tape *t, size_t from, size_t to)
{
    check_first(t, from, to, to - from);
}

TEST(an_empty_tape_is_at_its_end)
{
    struct tape *t = tape_new(100);
    check_all(t, 0, 0);
    tape_clear(t);
    check_all(t, 0, 0);
    tape_free(t);
    tape_free(NULL);
}

static size_t open_files(void)
{
    struct error e = {0};
    int fd = scratch_open(&e);
    CHECK(fd >= 0);
    (void)close(fd);
    return (size_t)fd;
}

TEST(records_in_memory_are_read_again_and_again)
{
    struct tape *t = tape_new(1 << 24);
    size_t before = open_files();
    fill(t, 0, RECORDS);
    CHECK_INT(open_files(), before);
    for (int round = 0; round < 3; round++)
        check_all(t, 0, RECORDS);
    check_first(t, 0, RECORDS, 700);
    check_all(t, 0, RECORDS);
    tape_free(t);
}

TEST(records_in_a_file_are_read_again_and_again)
{
    static const size_t memories[] = {0, 1, 5000, 1 << 20};
    size_t before = open_files();
    for (size_t m = 0; m < COUNT_OF(memories); m++) {
        struct tape *t = tape_new(memories[m]);
        fill(t, 0, RECORDS);
        CHECK(open_files() > before);
        check_first(t, 0, RECORDS, 700);
        for (int round = 0; round < 2; round++)
            check_all(t, 0, RECORDS);
        tape_free(t);
        CHECK_INT(open_files(), before);
    }
}

TEST(a_cleared_tape_takes_other_records)
{
    struct tape *t = tape_new(5000);
    size_t before = open_files();
    fill(t, 0, RECORDS);
    check_first(t, 0, RECORDS, 10);
    tape_clear(t);
    CHECK_INT(open_files(), before);
    fill(t, 10, 13);
    check_all(t, 10, 13);
    tape_clear(t);
    fill(t, 100, RECORDS);
    check_all(t, 100, RECORDS);
    tape_free(t);
}

TEST(a_file_that_cannot_be_made_is_an_error)
{
    struct tape *t = tape_new(3);
    struct error e = {0};
    struct rlimit old, none;
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
    int rc = tape_add(t, text_of("abc"), &e);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &old), 0);
    CHECK_INT(rc, ERR_SYSTEM);
    CHECK(strstr(e.message, "cannot create a scratch file: Too many open files") != NULL);
    tape_free(t);
}
