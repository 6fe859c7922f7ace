#include "base/digest.h"
#include "ledger/ledger.h"
#include "sys/sys.h"
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ZEROS_63 "000000000000000000000000000000000000000000000000000000000000000"
#define ZEROS    ZEROS_63 "0"

/* ---- helpers ---- */

static const char *fresh(const char *name)
{
    const char *path = in_folder(name);
    unlink(path);
    return path;
}

static struct ledger *opened(const char *path)
{
    struct ledger *l = NULL;
    struct error e = {0};
    CHECK_INT(ledger_open(path, &l, &e), 0);
    CHECK_TEXT(e.message, "");
    return l;
}

/* Of n events, whose members say which they are: "n":first, first + 1 ... */
static void add(struct ledger *l, uint64_t first, uint64_t n)
{
    char room[64];
    for (uint64_t i = first; i < first + n; i++) {
        int len = snprintf(room, sizeof room, "\"n\":%" PRIu64 ",\"what\":\"is said\"", i);
        ledger_add(l, (struct text){room, (size_t)len});
    }
}

static void commit(struct ledger *l, bool durable)
{
    struct error e = {0};
    CHECK_INT(ledger_commit(l, durable, &e), 0);
    CHECK_TEXT(e.message, "");
}

static void write_events(const char *path, uint64_t first, uint64_t n)
{
    struct ledger *l = opened(path);
    add(l, first, n);
    commit(l, false);
    ledger_close(l);
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
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    CHECK(fd >= 0);
    CHECK_INT(file_write(fd, at, n, path, &e), 0);
    close(fd);
}

static void check_content(const char *path, const char *at, size_t n)
{
    struct buf now = content_of(path);
    CHECK_INT(now.len, n);
    CHECK(now.len == n && memcmp(now.at, at, n) == 0);
    buf_release(&now);
}

/* The number behind "n": in the line. */
static uint64_t number_of(struct text line)
{
    static const char name[] = ",\"n\":";
    const char *at = memmem(line.at, line.len, name, sizeof name - 1);
    uint64_t n = 0;
    if (!at)
        return UINT64_MAX;
    for (at += sizeof name - 1; *at >= '0' && *at <= '9'; at++)
        n = n * 10 + (uint64_t)(*at - '0');
    return n;
}

/* How many there are from offset on; their numbers ascend by one, their times ascend. */
static uint64_t count_from(const char *path, uint64_t offset)
{
    struct ledger_reader *r = NULL;
    struct ledger_event event;
    struct error e = {0};
    uint64_t n = 0, seq = 0, behind = offset;
    usec time = INT64_MIN;
    int status = ledger_reader_open(path, offset, &r, &e);
    CHECK_INT(status, 0);
    while (status == 0 && ledger_next(r, &event, &e) > 0) {
        CHECK(seq == 0 || event.seq == seq + 1);
        CHECK(event.time >= time);
        CHECK_INT(event.offset, behind);
        CHECK(event.line.at[event.line.len - 1] == '}');
        behind += event.line.len + 1;
        seq = event.seq;
        time = event.time;
        n++;
    }
    CHECK_TEXT(e.message, "");
    ledger_reader_close(r);
    return n;
}

static struct ledger_proof proved(const char *path)
{
    struct ledger_proof proof = {0};
    struct error e = {0};
    CHECK_INT(ledger_verify(path, &proof, &e), 0);
    CHECK_TEXT(e.message, "");
    return proof;
}

static void check_whole(const char *path, uint64_t events)
{
    struct ledger_proof proof = proved(path);
    CHECK_INT(proof.events, events);
    CHECK(!proof.torn);
    CHECK_INT(count_from(path, 0), events);
}

static void check_refused(const char *path, uint64_t line, const char *message)
{
    struct ledger_proof proof;
    struct error e = {0};
    CHECK_INT(ledger_verify(path, &proof, &e), ERR_NO);
    CHECK_INT(e.code, ERR_NO);
    CHECK_INT(e.line, line);
    CHECK_TEXT(e.file, path);
    CHECK_TEXT(e.message, message);
}

/* Runs work in a process of its own, whose checks count as this one's. */
static pid_t begin_child(void (*work)(const char *path, unsigned number), const char *path,
                         unsigned number)
{
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        unit_failed = false;
        work(path, number);
        (void)fflush(stdout);
        _exit(unit_failed);
    }
    return child;
}

static void end_child(pid_t child)
{
    int status = 0;
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
}

/* ---- writing ---- */

/* The line as the header says, made without the module. */
static void check_line(struct text line, uint64_t seq, const char *prev, const char *members)
{
    char *head = mem_format("{\"seq\":%" PRIu64 ",\"time\":\"", seq);
    char *tail = mem_format("\",\"prev\":\"%s\"%s}", prev, members);
    size_t before = strlen(head), behind = strlen(tail);
    usec time;
    bool has_offset;
    CHECK(line.len > before + behind);
    CHECK(memcmp(line.at, head, before) == 0);
    CHECK(memcmp(line.at + line.len - behind, tail, behind) == 0);
    CHECK(time_parse(line.at + before, line.len - before - behind, &time, &has_offset));
    CHECK(has_offset && line.at[line.len - behind - 1] == 'Z');
    CHECK(time <= clock_now() && time > clock_now() - 60 * USEC_SECOND);
    mem_free(head);
    mem_free(tail);
}

TEST(lines_are_chained_as_documented)
{
    static const char *const members[] = {"\"event\":\"start\"", "\"a\":1,\"b\":[2,{}]", "",
                                          "\"text\":\"\xc3\xa9\""};
    const char *path = fresh("chain");
    struct ledger *l = opened(path);
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        ledger_add(l, text_of(members[i]));
        if (i % 2)
            commit(l, i > 2);
    }
    ledger_close(l);
    struct buf all = content_of(path);
    char prev[LEDGER_HEX + 1];
    memcpy(prev, ZEROS, sizeof prev);
    const char *at = all.at;
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        const char *newline = memchr(at, '\n', (size_t)(all.at + all.len - at));
        struct text line = {at, (size_t)(newline - at)};
        char *want = mem_format("%s%s", *members[i] ? "," : "", members[i]);
        check_line(line, i + 1, prev, want);
        CHECK(json_valid(line));
        mem_free(want);
        sha256_hex(line, prev);
        at = newline + 1;
    }
    CHECK(at == all.at + all.len);
    struct ledger_proof proof = proved(path);
    CHECK_INT(proof.events, COUNT_OF(members));
    CHECK_TEXT(proof.head, prev);
    buf_release(&all);
}

TEST(what_was_not_committed_is_not_there)
{
    const char *path = fresh("uncommitted");
    struct ledger *l = opened(path);
    commit(l, true);
    add(l, 1, 3);
    ledger_close(l);
    check_content(path, "", 0);
    ledger_close(NULL);
    ledger_reader_close(NULL);
    check_whole(path, 0);
}

TEST(a_ledger_that_is_not_there_has_no_events)
{
    const char *path = fresh("absent");
    check_whole(path, 0);
    CHECK_TEXT(proved(path).head, ZEROS);
    CHECK_INT(count_from(path, 77), 0);
    put_content(path, "", 0);
    check_whole(path, 0);
    CHECK_TEXT(proved(path).head, ZEROS);
}

TEST(an_existing_ledger_goes_on)
{
    const char *path = fresh("again");
    for (uint64_t i = 0; i < 20; i++)
        write_events(path, i * 3, 3);
    check_whole(path, 60);
}

TEST(handles_take_turns)
{
    const char *path = fresh("handles");
    struct ledger *l[3] = {opened(path), opened(path), opened(path)};
    uint64_t total = 0;
    for (unsigned i = 0; i < 200; i++) {
        unsigned which = i * i % 7 % 3, n = 1 + i % 4;
        add(l[which], 0, n);
        commit(l[which], i % 50 == 0);
        total += n;
    }
    for (size_t i = 0; i < COUNT_OF(l); i++)
        ledger_close(l[i]);
    check_whole(path, total);
}

enum { WRITERS = 4, COMMITS = 500, EACH = 2 };

static void write_many(const char *path, unsigned number)
{
    struct ledger *l = opened(path);
    for (unsigned i = 0; i < COMMITS; i++) {
        add(l, number * 10000 + i * EACH, EACH);
        commit(l, false);
    }
    ledger_close(l);
}

TEST(processes_take_turns)
{
    const char *path = fresh("processes");
    pid_t child[WRITERS];
    uint64_t next[WRITERS] = {0}, n = 0;
    for (unsigned i = 0; i < WRITERS; i++)
        child[i] = begin_child(write_many, path, i);
    for (uint64_t i = 0, before = 0; i < 50; i++) {
        uint64_t events = proved(path).events; /* while they write */
        CHECK(events >= before);
        before = events;
    }
    for (unsigned i = 0; i < WRITERS; i++)
        end_child(child[i]);
    check_whole(path, WRITERS * COMMITS * EACH);
    /* Each one's in the order in which it added them, those of a commit together. */
    struct ledger_reader *r = NULL;
    struct ledger_event event;
    struct error e = {0};
    CHECK_INT(ledger_reader_open(path, 0, &r, &e), 0);
    for (uint64_t before = 0; ledger_next(r, &event, &e) > 0; n++) {
        uint64_t number = number_of(event.line), writer = number / 10000;
        CHECK(writer < WRITERS && number % 10000 == next[writer]++);
        CHECK(n % EACH == 0 || number == before + 1);
        before = number;
    }
    CHECK_INT(n, WRITERS * COMMITS * EACH);
    ledger_reader_close(r);
}

TEST(times_do_not_step_back)
{
    const char *path = fresh("future");
    static const char line[] =
        "{\"seq\":1,\"time\":\"2999-01-01T00:00:00.000001Z\",\"prev\":\"" ZEROS "\"}\n";
    put_content(path, line, sizeof line - 1);
    write_events(path, 2, 2);
    check_whole(path, 3);
    struct buf all = content_of(path);
    const char *last = memrchr(all.at, '{', all.len);
    CHECK(last && strncmp(last, "{\"seq\":3,\"time\":\"2999-01-01T00:00:00.000001Z\"", 45) == 0);
    buf_release(&all);
}

/* ---- what a crash leaves ---- */

/* Cut in every byte of the last line: it is not read, and the next commit is in its place. */
TEST(a_torn_line_is_not_read_and_removed)
{
    const char *path = fresh("torn");
    write_events(path, 1, 3);
    struct buf before = content_of(path);
    write_events(path, 4, 1);
    struct buf all = content_of(path);
    struct ledger_proof want = proved(path);
    for (size_t n = before.len; n < all.len; n++) {
        put_content(path, all.at, n);
        CHECK_INT(count_from(path, 0), 3);
        CHECK_INT(count_from(path, before.len), 0);
        struct ledger_proof proof = proved(path);
        CHECK_INT(proof.events, 3);
        CHECK_INT(proof.torn, n > before.len);
        CHECK(strcmp(proof.head, want.head) != 0);
        write_events(path, 4, 1);
        check_whole(path, 4);
        struct buf now = content_of(path);
        CHECK(now.len > before.len && memcmp(now.at, before.at, before.len) == 0);
        buf_release(&now);
    }
    buf_release(&before);
    buf_release(&all);
}

/* A handle that knows where it left the end, and others whose writing was cut off: where they wrote
 * there may be zeros. */
TEST(a_torn_line_of_another_is_removed)
{
    const struct text torn[] = {TEXT_LITERAL("{"), TEXT_LITERAL("{\"seq\":9,\"ti"),
                                TEXT_LITERAL("\0"), TEXT_LITERAL("{\"s\0\0\0\0\0\0\0"),
                                TEXT_LITERAL("\0\0\0\0\0\0:9,\"time")};
    const char *path = fresh("torn-other");
    struct ledger *l = opened(path);
    for (size_t i = 0; i < COUNT_OF(torn); i++) {
        struct error e = {0};
        add(l, i, 1);
        commit(l, false);
        int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        CHECK_INT(file_write(fd, torn[i].at, torn[i].len, path, &e), 0);
        close(fd);
    }
    add(l, COUNT_OF(torn), 1);
    commit(l, true);
    ledger_close(l);
    check_whole(path, COUNT_OF(torn) + 1);
}

TEST(what_is_no_ledger_is_left_alone)
{
    static const char *const contents[] = {
        "a text without a newline",
        "{\"sex\":1",
        "a,b\n1,2\n",
        "\n",
        "{}\n",
        "{\"seq\":1}\n{\"seq\":",
        "{\"seq\":0,\"time\":\"2026-01-31T10:00:00Z\",\"prev\":\"" ZEROS "\"}\n",
        "{\"seq\":01,\"time\":\"2026-01-31T10:00:00Z\",\"prev\":\"" ZEROS "\"}\n",
        "{\"seq\":1234567890123456789,\"time\":\"2026-01-31T10:00:00Z\",\"prev\":\"" ZEROS "\"}\n",
        "{\"seq\":,\"time\":\"2026-01-31T10:00:00Z\",\"prev\":\"" ZEROS "\"}\n",
        "{\"seq\":1,\"time\":\"2026-01-31T10:00:00\",\"prev\":\"" ZEROS "\"}\n",
        "{\"seq\":1,\"time\":\"2026-02-31T10:00:00Z\",\"prev\":\"" ZEROS "\"}\n",
        "{\"seq\":1,\"time\":\"2026-01-31T10:00:00Z\",\"prev\":\"A" ZEROS_63 "\"}\n",
        "{\"seq\":1,\"time\":\"2026-01-31T10:00:00Z\",\"prev\":\"" ZEROS_63 "\"}\n",
        "{\"seq\":1,\"time\":\"2026-01-31T10:00:00Z\",\"prev\":\"" ZEROS "0\"}\n",
        "{\"seq\":1,\"time\":\"2026-01-31T10:00:00Z\",\"prev\":\"" ZEROS "\"\n",
        "{\"seq\":1,\"time\":\"2026-01-31T10:00:00Z\",\"prev\":\"" ZEROS "\" ,\"a\":1}\n",
        "{\"seq\":1,\"time\":\"2026-01-31T10:00:00Z\",\"prev\":\"" ZEROS "\",\"a\":1} \n",
        "{\"seq\":1,\"time\":\"2026-01-31T10:00:00Z\",\"prev\":\"" ZEROS "\",\"a\":1}\r\n",
    };
    const char *path = in_folder("no-ledger");
    for (size_t i = 0; i < COUNT_OF(contents); i++) {
        struct error e = {0};
        size_t len = strlen(contents[i]);
        put_content(path, contents[i], len);
        struct ledger *l = opened(path);
        add(l, 1, 1);
        CHECK_INT(ledger_commit(l, true, &e), ERR_DATA);
        CHECK_TEXT(e.file, path);
        CHECK(strstr(e.message, "no line of a ledger") != NULL);
        check_content(path, contents[i], len);
        if (strchr(contents[i], '\n'))
            check_refused(path, 1, "no line of a ledger");
        /* What was added waits until the ledger is one. */
        put_content(path, "", 0);
        commit(l, false);
        check_whole(path, 1);
        ledger_close(l);
    }
}

/* Tells the pipe, whose end is `number`, how many it has committed. */
static void write_until_killed(const char *path, unsigned number)
{
    struct ledger *l = opened(path);
    for (uint64_t n = proved(path).events + 1;; n += 3) {
        add(l, n, 3);
        commit(l, n % 2 == 0);
        uint64_t last = n + 2;
        if (unit_failed || write((int)number, &last, sizeof last) != sizeof last)
            return;
    }
}

TEST(kill_9_loses_nothing_that_was_acknowledged)
{
    const char *path = fresh("killed");
    uint64_t last = 0, told;
    for (unsigned round = 0; round < 40; round++) {
        int pipes[2];
        CHECK_INT(pipe(pipes), 0);
        pid_t child = begin_child(write_until_killed, path, (unsigned)pipes[1]);
        close(pipes[1]);
        for (unsigned i = 0; i < 1 + round % 7; i++)
            if (read(pipes[0], &told, sizeof told) == sizeof told)
                last = told;
        usleep(round * 37 % 900);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(pipes[0], &told, sizeof told) == sizeof told)
            last = told;
        close(pipes[0]);
        uint64_t there = proved(path).events;
        CHECK(there >= last && there > 0);
        CHECK_INT(count_from(path, 0), there);
    }
    struct ledger_reader *r = NULL;
    struct ledger_event event;
    struct error e = {0};
    CHECK_INT(ledger_reader_open(path, 0, &r, &e), 0);
    while (ledger_next(r, &event, &e) > 0)
        CHECK_INT(number_of(event.line), event.seq);
    ledger_reader_close(r);
}

/* ---- errors of the system ---- */

static void set_limit(rlim_t bytes)
{
    struct rlimit limit;
    CHECK_INT(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The disk is full after so many bytes more. */
static void fill_disk(const char *path, unsigned room)
{
    struct buf before = content_of(path);
    struct ledger *l = opened(path);
    struct error e = {0};
    (void)signal(SIGXFSZ, SIG_IGN);
    set_limit(before.len + room);
    add(l, 3, 10);
    int status = ledger_commit(l, room % 2, &e);
    set_limit(RLIM_INFINITY);
    CHECK_INT(status, ERR_SYSTEM);
    CHECK_TEXT(e.file, path);
    CHECK(strstr(e.message, "cannot write: ") != NULL);
    check_content(path, before.at, before.len);
    add(l, 13, 1);
    commit(l, true);
    ledger_close(l);
    check_whole(path, 13);
    buf_release(&before);
}

TEST(a_full_disk_leaves_the_ledger_as_it_was)
{
    for (unsigned room = 0; room < 900; room += 57) {
        const char *path = fresh("full");
        write_events(path, 1, 2);
        end_child(begin_child(fill_disk, path, room));
    }
}

static void check_unwritable(const char *path)
{
    struct ledger *l = NULL;
    struct error e = {0};
    CHECK_INT(ledger_open(path, &l, &e), ERR_SYSTEM);
    CHECK_TEXT(e.file, path);
    CHECK(strstr(e.message, "cannot open: ") || strcmp(e.message, "no regular file") == 0);
}

static void check_unreadable(const char *path)
{
    struct ledger_proof proof;
    struct error e = {0};
    CHECK_INT(ledger_verify(path, &proof, &e), ERR_SYSTEM);
    CHECK_TEXT(e.file, path);
}

/* Root may do everything. */
static void be_nobody(void)
{
    if (geteuid() == 0)
        CHECK(setgid(65534) == 0 && setuid(65534) == 0);
}

static void open_as_nobody(const char *path, unsigned events)
{
    be_nobody();
    check_unwritable(path);
    if (events)
        check_whole(path, events);
}

static void fail_to_read(const char *path, unsigned number)
{
    (void)number;
    be_nobody();
    check_unreadable(path);
}

TEST(what_may_not_be_written_is_an_error)
{
    const char *folder = in_folder("locked"), *inside = in_folder("locked/ledger");
    const char *read_only = fresh("read-only"), *secret = fresh("secret");
    write_events(read_only, 1, 5);
    put_content(secret, "", 0);
    CHECK_INT(mkdir(folder, 0755), 0);
    CHECK_INT(chmod(read_only, 0444), 0);
    CHECK_INT(chmod(secret, 0), 0);
    CHECK_INT(chmod(folder, 0555), 0);
    CHECK_INT(chmod(unit_folder(), 0755), 0);
    end_child(begin_child(open_as_nobody, read_only, 5));
    end_child(begin_child(open_as_nobody, inside, 0));
    end_child(begin_child(fail_to_read, secret, 0));
    CHECK_INT(chmod(folder, 0755), 0);
    CHECK_INT(chmod(read_only, 0644), 0);
}

TEST(what_is_no_file_is_an_error)
{
    check_unwritable(in_folder("no-folder/ledger"));
    check_unwritable(unit_folder());
    check_unwritable("/dev/full");
    check_unreadable(unit_folder());
    check_unreadable("/dev/null");
    CHECK(count_from(in_folder("no-folder/ledger"), 0) == 0);
}

TEST(a_ledger_that_was_removed_takes_no_more)
{
    const char *path = fresh("removed");
    struct ledger *l = opened(path);
    struct error e = {0};
    add(l, 1, 1);
    commit(l, false);
    unlink(path);
    add(l, 2, 1);
    CHECK_INT(ledger_commit(l, false, &e), ERR_SYSTEM);
    CHECK_TEXT(e.message, "was removed since it was opened");
    ledger_close(l);
}

/* ---- reading ---- */

TEST(reading_begins_at_any_line)
{
    const char *path = fresh("offsets");
    uint64_t offsets[51], n = 0;
    write_events(path, 1, 50);
    struct buf all = content_of(path);
    struct ledger_reader *r = NULL;
    struct ledger_event event;
    struct error e = {0};
    CHECK_INT(ledger_reader_open(path, 0, &r, &e), 0);
    while (ledger_next(r, &event, &e) > 0) {
        CHECK_INT(event.seq, n + 1);
        CHECK(memcmp(all.at + event.offset, event.line.at, event.line.len) == 0);
        offsets[n++] = event.offset;
    }
    ledger_reader_close(r);
    offsets[n] = all.len;
    for (size_t i = 0; i <= n; i++)
        CHECK_INT(count_from(path, offsets[i]), n - i);
    static const uint64_t elsewhere[] = {1, 160, 1 << 20};
    for (size_t i = 0; i < COUNT_OF(elsewhere); i++) {
        char *want = mem_format("byte %" PRIu64 ": no line of a ledger", elsewhere[i]);
        CHECK_INT(ledger_reader_open(path, elsewhere[i], &r, &e), ERR_DATA);
        CHECK_TEXT(e.message, want);
        CHECK_TEXT(e.file, path);
        CHECK_INT(e.line, 0);
        mem_free(want);
    }
    buf_release(&all);
}

TEST(what_is_no_line_is_named)
{
    const char *path = fresh("named");
    write_events(path, 1, 2);
    struct buf all = content_of(path);
    uint64_t second = (uint64_t)((char *)memchr(all.at, '\n', all.len) - all.at) + 1;
    uint64_t third = all.len;
    struct ledger_reader *r = NULL;
    struct ledger_event event;
    struct error e = {0};
    buf_puts(&all, "no line\n");
    put_content(path, all.at, all.len);
    CHECK_INT(ledger_reader_open(path, 0, &r, &e), 0);
    CHECK_INT(ledger_next(r, &event, &e), 1);
    CHECK_INT(ledger_next(r, &event, &e), 1);
    for (int again = 0; again < 2; again++) {
        e = (struct error){0};
        CHECK_INT(ledger_next(r, &event, &e), ERR_DATA);
        CHECK_TEXT(e.message, "no line of a ledger");
        CHECK_INT(e.line, 3);
    }
    ledger_reader_close(r);
    e = (struct error){0};
    CHECK_INT(ledger_reader_open(path, second, &r, &e), 0);
    CHECK_INT(ledger_next(r, &event, &e), 1);
    CHECK_INT(ledger_next(r, &event, &e), ERR_DATA);
    char *want = mem_format("byte %" PRIu64 ": no line of a ledger", third);
    CHECK_TEXT(e.message, want);
    CHECK_INT(e.line, 0);
    CHECK_TEXT(e.file, path);
    ledger_reader_close(r);
    mem_free(want);
    buf_release(&all);
}

/* It goes on when there is more; of what was torn nothing stays. */
TEST(a_reader_goes_on_where_the_ledger_does)
{
    const char *path = fresh("follow");
    struct ledger_reader *r = NULL;
    struct ledger_event event;
    struct error e = {0};
    CHECK_INT(ledger_reader_open(path, 0, &r, &e), 0);
    CHECK_INT(ledger_next(r, &event, &e), 0);
    for (uint64_t i = 0; i < 20; i++) {
        write_events(path, i * 3 + 1, 3);
        int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        CHECK_INT(file_write(fd, "{\"seq\":777,\"time\":", i, path, &e), 0);
        close(fd);
        for (uint64_t k = 1; k <= 3; k++) {
            CHECK_INT(ledger_next(r, &event, &e), 1);
            CHECK_INT(event.seq, i * 3 + k);
            CHECK_INT(number_of(event.line), i * 3 + k);
        }
        CHECK_INT(ledger_next(r, &event, &e), 0);
    }
    ledger_reader_close(r);
}

enum { LONG = 3 << 20 };

static void add_long(struct ledger *l, size_t n)
{
    struct buf members = {0};
    buf_puts(&members, "\"long\":\"");
    for (size_t i = 0; i < n; i++)
        buf_putc(&members, (char)('a' + i % 26));
    buf_putc(&members, '"');
    ledger_add(l, (struct text){members.at, members.len});
    buf_release(&members);
}

/* Also of lengths about those of the blocks in which the file is read. */
static int take_up_to_three(void *context, const struct ledger_event *event, struct error *e)
{
    uint64_t *last = context;
    (void)e;
    *last = event->seq;
    return event->seq == 3 ? 7 : 0;
}

TEST(each_event_is_taken_from_where_one_was_left)
{
    const char *path = fresh("each");
    uint64_t offset = 0, last = 0;
    struct error e = {0};
    CHECK_INT(ledger_each(path, &offset, take_up_to_three, &last, &e), 0);
    CHECK_INT(last, 0);
    write_events(path, 1, 4);
    CHECK_INT(ledger_each(path, &offset, take_up_to_three, &last, &e), 7);
    CHECK_INT(last, 3);
    CHECK_INT(ledger_each(path, &offset, take_up_to_three, &last, &e), 0);
    CHECK_INT(last, 4);
    last = 0;
    CHECK_INT(ledger_each(path, &offset, take_up_to_three, &last, &e), 0);
    CHECK_INT(last, 0);
    write_events(path, 5, 1);
    CHECK_INT(ledger_each(path, &offset, take_up_to_three, &last, &e), 0);
    CHECK_INT(last, 5);
    CHECK_INT(ledger_each(path, NULL, take_up_to_three, &last, &e), 7);
    CHECK_INT(last, 3);
    offset = 1;
    CHECK_INT(ledger_each(path, &offset, take_up_to_three, &last, &e), ERR_DATA);
}

TEST(lines_may_be_long)
{
    static const size_t lengths[] = {LONG,      10,       LONG + 1,         LONG,
                                     256 << 10, 16 << 10, (256 << 10) - 141};
    const char *path = fresh("long");
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        struct ledger *l = opened(path);
        add_long(l, lengths[i]);
        commit(l, false);
        ledger_close(l);
    }
    for (size_t n = (16 << 10) - 200; n < 16 << 10; n++) {
        struct ledger *l = opened(path);
        add_long(l, n);
        commit(l, false);
        ledger_close(l);
    }
    check_whole(path, COUNT_OF(lengths) + 200);
    struct stat st;
    struct ledger *l = opened(path);
    CHECK_INT(stat(path, &st), 0);
    add_long(l, LONG);
    commit(l, false);
    ledger_close(l);
    CHECK_INT(truncate(path, st.st_size + LONG), 0);
    CHECK_INT(count_from(path, 0), COUNT_OF(lengths) + 200);
    CHECK(proved(path).torn);
    write_events(path, 1, 1);
    check_whole(path, COUNT_OF(lengths) + 201);
    unlink(path);
}

/* ---- proving ---- */

enum { EVENTS = 5 };

/* Of a ledger in memory: where its lines begin, and where it ends. */
static void find_lines(const struct buf *all, size_t start[static EVENTS + 1])
{
    const char *at = all->at;
    start[0] = 0;
    for (size_t i = 1; i <= EVENTS; i++) {
        at = (const char *)memchr(at, '\n', (size_t)(all->at + all->len - at)) + 1;
        start[i] = (size_t)(at - all->at);
    }
    CHECK_INT(start[EVENTS], all->len);
}

/* It does not pass, or at least not as the same; of lines that others follow, it does not pass. */
static void check_change(const char *path, const struct buf *all, const size_t *start, size_t i,
                         const char *head)
{
    struct ledger_proof proof;
    struct error e = {0};
    size_t line = 1;
    while (start[line] <= i)
        line++;
    line += all->at[i] != '\n' && i + 1 == start[line] && line < EVENTS; /* one with the next */
    put_content(path, all->at, all->len);
    int status = ledger_verify(path, &proof, &e);
    CHECK(status == ERR_NO || (status == 0 && strcmp(proof.head, head) != 0));
    if (status == 0) {
        CHECK_INT(line, EVENTS);
        return;
    }
    /* A changed prev is the line's before it as well as its own. */
    CHECK(e.line == line || e.line == line - 1);
    CHECK(proof.events < EVENTS);
    if (i >= start[line] - 10 && i < start[line] - 3 && line + 1 < EVENTS && all->at[i] != '\n') {
        char *want = mem_format("event %zu is not as it was written", line);
        CHECK_TEXT(e.message, want);
        CHECK_INT(e.line, line);
        mem_free(want);
    }
}

TEST(any_changed_byte_is_found)
{
    const char *path = fresh("changed");
    static const char changes[] = {1, 2, 4, 16, 32, 64, (char)128};
    size_t start[EVENTS + 1];
    write_events(path, 1, EVENTS);
    struct ledger_proof proof = proved(path);
    struct buf all = content_of(path);
    find_lines(&all, start);
    for (size_t i = 0; i < all.len; i++) {
        char was = all.at[i];
        for (size_t k = 0; k < COUNT_OF(changes); k++) {
            all.at[i] = (char)(was ^ changes[k]);
            check_change(path, &all, start, i, proof.head);
        }
        all.at[i] = was == '\n' ? ' ' : '\n';
        check_change(path, &all, start, i, proof.head);
        all.at[i] = was;
    }
    buf_release(&all);
}

/* Lines a to b - 1, counted from 0. */
static void put_lines(struct buf *out, const struct buf *all, const size_t *start, size_t a,
                      size_t b)
{
    buf_add(out, all->at + start[a], start[b] - start[a]);
}

static void check_lines(const char *path, struct buf *lines, uint64_t line, const char *message)
{
    put_content(path, lines->at, lines->len);
    check_refused(path, line, message);
    lines->len = 0;
}

TEST(lines_that_lack_or_are_moved_are_found)
{
    const char *path = fresh("moved");
    size_t start[EVENTS + 1];
    write_events(path, 1, EVENTS);
    struct buf all = content_of(path), lines = {0};
    find_lines(&all, start);
    put_lines(&lines, &all, start, 1, EVENTS);
    check_lines(path, &lines, 1, "event 2 is the first");
    put_lines(&lines, &all, start, 0, 2);
    put_lines(&lines, &all, start, 3, EVENTS);
    check_lines(path, &lines, 3, "event 4 follows event 2");
    put_lines(&lines, &all, start, 0, 2);
    put_lines(&lines, &all, start, 1, EVENTS);
    check_lines(path, &lines, 3, "event 2 follows event 2");
    put_lines(&lines, &all, start, 0, 1);
    put_lines(&lines, &all, start, 2, 3);
    put_lines(&lines, &all, start, 1, 2);
    check_lines(path, &lines, 2, "event 3 follows event 1");
    buf_release(&lines);
    buf_release(&all);
}

/* Replaces the first `was` behind `from` by what is as long. */
static void replace(struct buf *all, size_t from, const char *was, const char *is)
{
    char *at = memmem(all->at + from, all->len - from, was, strlen(was));
    CHECK(at != NULL);
    memcpy(at, is, strlen(is));
}

TEST(it_is_said_which_line_was_changed)
{
    const char *path = fresh("said");
    size_t start[EVENTS + 1];
    write_events(path, 1, EVENTS);
    struct buf all = content_of(path), copy = {0};
    find_lines(&all, start);
    buf_add(&copy, all.at, all.len);
    replace(&copy, start[2], "is said", "is sung");
    check_lines(path, &copy, 3, "event 3 is not as it was written");
    /* The last but one, or what the last says of it. */
    buf_add(&copy, all.at, all.len);
    replace(&copy, start[3], "is said", "is sung");
    check_lines(path, &copy, 4, "event 4 or event 5 is not as it was written");
    buf_add(&copy, all.at, all.len);
    memset(copy.at + start[3] - 100, 'x', 90);
    check_lines(path, &copy, 3, "no line of a ledger");
    buf_add(&copy, all.at, all.len);
    replace(&copy, 0, "\"0", "\"1");
    check_lines(path, &copy, 1, "event 1 is not as it was written");
    buf_release(&copy);
    buf_release(&all);
}

TEST(what_was_cut_short_has_another_head)
{
    const char *path = fresh("short");
    size_t start[EVENTS + 1];
    char head[LEDGER_HEX + 1];
    write_events(path, 1, EVENTS);
    struct buf all = content_of(path);
    find_lines(&all, start);
    for (size_t n = EVENTS; n > 0; n--) {
        put_content(path, all.at, start[n]);
        check_whole(path, n);
        sha256_hex((struct text){all.at + start[n - 1], start[n] - start[n - 1] - 1}, head);
        CHECK_TEXT(proved(path).head, head);
    }
    buf_release(&all);
    unit_remove(unit_folder());
}
