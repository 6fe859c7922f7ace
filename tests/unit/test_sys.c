#include "sys/sys.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    struct error e = {0};
    CHECK(fd >= 0);
    CHECK_INT(file_write(fd, text, strlen(text), path, &e), 0);
    close(fd);
}

static void check_content(const char *path, const char *want)
{
    struct buf b = {0};
    struct error e = {0};
    CHECK_INT(file_load(path, 1 << 20, &b, &e), 0);
    CHECK_TEXT(buf_text(&b), want);
    buf_release(&b);
}

static int count_in_folder(void)
{
    char *const argv[] = {(char[]){"ls"}, (char[]){"-A"}, (char *)(uintptr_t)unit_folder(), NULL};
    struct error e = {0};
    pid_t pid;
    int out, status, lines = 0;
    CHECK_INT(process_spawn(argv, NULL, &out, &pid, &e), 0);
    for (char c; file_read_some(out, &c, 1, "ls", &e) == 1;)
        lines += c == '\n';
    close(out);
    CHECK_INT(process_wait(pid, &status, &e), 0);
    return lines;
}

TEST(load_keeps_to_its_limit)
{
    const char *path = in_folder("load");
    struct error e = {0};
    struct buf b = {0};
    put(path, "0123456789");
    CHECK_INT(file_load(path, 10, &b, &e), 0);
    CHECK_TEXT(buf_text(&b), "0123456789");
    CHECK_INT(file_load(path, 9, &b, &e), ERR_DATA);
    CHECK_TEXT(e.file, path);
    CHECK_INT(file_load(in_folder("absent"), 9, &b, &e), ERR_SYSTEM);
    CHECK_INT(file_load(unit_folder(), 9, &b, &e), ERR_SYSTEM);
    buf_release(&b);
    unlink(path);
}

TEST(read_at_stops_at_the_end)
{
    const char *path = in_folder("read");
    char into[8];
    struct error e = {0};
    put(path, "0123456789");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK_INT(file_read_at(fd, into, 8, 6, path, &e), 4);
    CHECK(memcmp(into, "6789", 4) == 0);
    CHECK_INT(file_read(fd, into, 8, path, &e), 8);
    CHECK_INT(file_read(fd, into, 8, path, &e), 2);
    CHECK_INT(file_read(fd, into, 8, path, &e), 0);
    close(fd);
    unlink(path);
}

TEST(writev_writes_every_part)
{
    enum { PARTS = 150 };
    const char *path = in_folder("writev");
    struct iovec parts[PARTS];
    char want[PARTS + 1] = {0};
    struct error e = {0};
    for (int i = 0; i < PARTS; i++) {
        want[i] = (char)('a' + i % 26);
        parts[i] = (struct iovec){want + i, i % 7 == 0 ? 0 : 1};
    }
    char kept[PARTS + 1] = {0};
    for (int i = 0, n = 0; i < PARTS; i++) {
        if (i % 7 != 0)
            kept[n++] = want[i];
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    CHECK_INT(file_writev(fd, parts, PARTS, path, &e), 0);
    close(fd);
    check_content(path, kept);
    unlink(path);
}

TEST(nonblocking_pipe_is_waited_for)
{
    int ends[2], status;
    struct error e = {0};
    CHECK_INT(pipe2(ends, O_NONBLOCK), 0);
    pid_t pid = fork();
    if (pid == 0) {
        static const char big[300000];
        usleep(20000);
        _exit(file_write(ends[1], big, sizeof big, "pipe", &e) == 0 ? 0 : 1);
    }
    close(ends[1]);
    char *into = mem_alloc(300001);
    CHECK_INT(file_read(ends[0], into, 300001, "pipe", &e), 300000);
    mem_free(into);
    close(ends[0]);
    waitpid(pid, &status, 0);
    CHECK_INT(status, 0);
}

TEST(a_full_device_is_an_error)
{
    struct replace *r;
    struct error e = {0};
    CHECK_INT(replace_open("/dev/full", &r, &e), 0);
    CHECK_INT(file_write(replace_fd(r), "x", 1, "/dev/full", &e), ERR_SYSTEM);
    CHECK_TEXT(e.message, "cannot write: No space left on device");
    CHECK_TEXT(e.file, "/dev/full");
    replace_abort(r);
    CHECK(access("/dev/full", F_OK) == 0);
}

TEST(scratch_has_no_name)
{
    struct error e = {0};
    int before = count_in_folder();
    setenv("TMPDIR", unit_folder(), 1);
    int fd = scratch_open(&e);
    struct stat st;
    CHECK(fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink == 0);
    CHECK_INT(count_in_folder(), before);
    close(fd);
    setenv("TMPDIR", in_folder("absent"), 1);
    fd = scratch_open(&e);
    CHECK(fd >= 0);
    close(fd);
    unsetenv("TMPDIR");
}

static struct replace *start(const char *path)
{
    struct replace *r = NULL;
    struct error e = {0};
    CHECK_INT(replace_open(path, &r, &e), 0);
    CHECK_INT(file_write(replace_fd(r), "new", 3, path, &e), 0);
    return r;
}

TEST(replace_appears_whole)
{
    const char *path = in_folder("whole");
    struct error e = {0};
    put(path, "old");
    int before = count_in_folder();
    struct replace *r = start(path);
    check_content(path, "old");
    CHECK_INT(replace_commit(r, &e), 0);
    check_content(path, "new");
    CHECK_INT(count_in_folder(), before);
    unlink(path);
}

TEST(replace_makes_a_new_file_with_the_umask)
{
    const char *path = in_folder("fresh");
    struct error e = {0};
    struct stat st = {0};
    mode_t old = umask(027);
    struct replace *r = start(path);
    CHECK(access(path, F_OK) != 0);
    CHECK_INT(replace_commit(r, &e), 0);
    umask(old);
    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(st.st_mode & 07777, 0640);
    unlink(path);
}

TEST(replace_keeps_mode_and_owner)
{
    const char *path = in_folder("mode");
    struct error e = {0};
    struct stat st = {0};
    put(path, "old");
    CHECK_INT(chmod(path, 0604), 0);
    bool given_away = chown(path, 1234, 4321) == 0;
    CHECK_INT(replace_commit(start(path), &e), 0);
    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(st.st_mode & 07777, 0604);
    CHECK_INT(st.st_uid, given_away ? 1234 : geteuid());
    unlink(path);
}

TEST(replace_abort_leaves_nothing)
{
    const char *path = in_folder("aborted");
    int before = count_in_folder();
    replace_abort(start(path));
    replace_abort(NULL);
    CHECK_INT(count_in_folder(), before);
}

TEST(replace_follows_links)
{
    const char *link = in_folder("link"), *target = in_folder("target");
    struct error e = {0};
    struct stat st = {0};
    put(target, "old");
    CHECK_INT(symlink(target, link), 0);
    CHECK_INT(replace_commit(start(link), &e), 0);
    CHECK_INT(lstat(link, &st), 0);
    CHECK(S_ISLNK(st.st_mode));
    check_content(target, "new");
    unlink(link);
    unlink(target);
}

TEST(replace_refuses_what_cannot_be_written)
{
    struct replace *r;
    struct error e = {0};
    CHECK_INT(replace_open(unit_folder(), &r, &e), ERR_SYSTEM);
    CHECK_TEXT(e.message, "cannot create: Is a directory");
    CHECK_INT(replace_open(in_folder("no/such/folder"), &r, &e), ERR_SYSTEM);
    CHECK_TEXT(e.message, "cannot create: No such file or directory");
    CHECK_INT(replace_open("", &r, &e), ERR_SYSTEM);
}

static void on_signal(int number)
{
    replace_abort_all();
    signal(number, SIG_DFL);
    raise(number);
}

TEST(a_fatal_signal_leaves_nothing)
{
    const char *path = in_folder("killed");
    int before = count_in_folder(), status;
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGTERM, on_signal);
        start(path);
        raise(SIGTERM);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    CHECK_INT(count_in_folder(), before);
}

TEST(locks_exclude_and_share)
{
    const char *path = in_folder("lock");
    struct error e = {0};
    int first = -1, second = -1;
    CHECK_INT(lock_acquire(path, true, 0, &first, &e), 0);
    CHECK_INT(lock_acquire(path, true, 0, &second, &e), ERR_BUSY);
    CHECK_INT(lock_acquire(path, false, 20, &second, &e), ERR_BUSY);
    CHECK_TEXT(e.file, path);
    lock_release(first);
    CHECK_INT(lock_acquire(path, false, 0, &first, &e), 0);
    CHECK_INT(lock_acquire(path, false, 0, &second, &e), 0);
    lock_release(first);
    lock_release(second);
    CHECK_INT(lock_acquire(in_folder("no/lock"), true, 0, &first, &e), ERR_SYSTEM);
    unlink(path);
}

TEST(an_open_file_can_be_locked)
{
    const char *path = in_folder("lock");
    struct error e = {0};
    int other = -1, fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    CHECK_INT(file_lock(fd, path, &e), 0);
    CHECK_INT(lock_acquire(path, false, 0, &other, &e), ERR_BUSY);
    file_unlock(fd);
    CHECK_INT(lock_acquire(path, true, 0, &other, &e), 0);
    lock_release(other);
    close(fd);
    CHECK_INT(file_lock(fd, path, &e), ERR_SYSTEM);
    CHECK_TEXT(e.message, "cannot lock: Bad file descriptor");
    unlink(path);
}

TEST(a_lock_is_waited_for_and_ends_with_its_holder)
{
    const char *path = in_folder("held");
    struct error e = {0};
    int ready[2], fd = -1;
    char c;
    CHECK_INT(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        lock_acquire(path, true, -1, &fd, &e);
        (void)file_write(ready[1], "x", 1, "pipe", &e);
        pause();
    }
    CHECK_INT(file_read(ready[0], &c, 1, "pipe", &e), 1);
    CHECK_INT(lock_acquire(path, true, 0, &fd, &e), ERR_BUSY);
    kill(pid, SIGKILL);
    CHECK_INT(lock_acquire(path, true, 10000, &fd, &e), 0);
    lock_release(fd);
    waitpid(pid, NULL, 0);
    close(ready[0]);
    close(ready[1]);
    unlink(path);
}

static int shell_status(const char *script)
{
    char *copy = mem_text(script);
    char *const argv[] = {(char[]){"sh"}, (char[]){"-c"}, copy, NULL};
    struct error e = {0};
    pid_t pid;
    int status = -1;
    CHECK_INT(process_spawn(argv, NULL, NULL, &pid, &e), 0);
    CHECK_INT(process_wait(pid, &status, &e), 0);
    mem_free(copy);
    return status;
}

TEST(a_child_reports_its_status)
{
    CHECK_INT(shell_status("exit 0"), 0);
    CHECK_INT(shell_status("exit 7"), 7);
    CHECK_INT(shell_status("kill -KILL $$"), 128 + SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    CHECK_INT(shell_status("kill -PIPE $$"), 128 + SIGPIPE);
    signal(SIGPIPE, SIG_DFL);
}

TEST(a_child_is_talked_to)
{
    char *const argv[] = {(char[]){"tr"}, (char[]){"a-z"}, (char[]){"A-Z"}, NULL};
    struct error e = {0};
    pid_t pid;
    int in, out, status;
    char text[16] = {0};
    CHECK_INT(process_spawn(argv, &in, &out, &pid, &e), 0);
    CHECK_INT(fcntl(in, F_GETFD) & fcntl(out, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    CHECK_INT(file_write(in, "hello", 5, "tr", &e), 0);
    close(in);
    CHECK_INT(file_read(out, text, sizeof text, "tr", &e), 5);
    CHECK_TEXT(text, "HELLO");
    close(out);
    CHECK_INT(process_wait(pid, &status, &e), 0);
    CHECK_INT(status, 0);
}

static int run_shell(const char *script, struct process *p, struct error *e)
{
    char *copy = mem_text(script);
    char *const argv[] = {(char[]){"sh"}, (char[]){"-c"}, copy, NULL};
    int status = -1;
    p->argv = argv;
    int rc = process_run(p, &status, e);
    mem_free(copy);
    return rc ? rc : status;
}

TEST(what_a_program_writes_is_collected)
{
    struct buf out = {0}, err = {0};
    struct error e = {0};
    struct process p = {.out = &out, .err = &err};
    CHECK_INT(run_shell("cat; echo out; echo err >&2; exit 3", &p, &e), 3);
    CHECK_TEXT(buf_text(&out), "out\n");
    CHECK_TEXT(buf_text(&err), "err\n");
    out.len = err.len = 0;
    p.directory = unit_folder();
    CHECK_INT(run_shell("pwd; echo \"$TMPDIR\" >&2; kill -TERM $$", &p, &e), 128 + SIGTERM);
    CHECK(strstr(buf_text(&out), "mlutils-unit-"));
    CHECK(strstr(buf_text(&err), "mlutils-unit-"));
    out.len = err.len = 0;
    p.limit = 5;
    CHECK_INT(run_shell("echo 123456789; seq 100000 >&2", &p, &e), 0);
    CHECK_TEXT(buf_text(&out), "12345");
    CHECK_INT(err.len, 5);
    buf_release(&out);
    buf_release(&err);
}

/* Gone, or dead and not yet waited for by its new parent. */
static bool is_dead(pid_t pid)
{
    char *path = mem_format("/proc/%d/stat", (int)pid);
    struct buf stat = {0};
    bool dead = file_load(path, 4096, &stat, NULL) != 0 || strstr(buf_text(&stat), ") Z ");
    buf_release(&stat);
    mem_free(path);
    return dead;
}

TEST(a_program_that_takes_too_long_is_stopped)
{
    struct error e = {0};
    struct buf out = {0};
    struct process p = {.out = &out, .timeout_ms = 100};
    CHECK_INT(run_shell("(trap '' TERM; sleep 60) & echo $!; sleep 60", &p, &e), ERR_SYSTEM);
    CHECK_TEXT(e.message, "'sh' took longer than 1 seconds and was stopped");
    /* Its child has gone, too. */
    int64_t child = 0;
    double unused;
    CHECK_INT(number_parse(out.at, out.len - 1, &child, &unused), NUMBER_INT);
    for (int i = 0; i < 5000 && !is_dead((pid_t)child); i++)
        (void)usleep(1000);
    CHECK(is_dead((pid_t)child));
    out.len = 0;
    CHECK_INT(run_shell("exec >/dev/null 2>&1; sleep 60", &p, &e), ERR_SYSTEM);
    buf_release(&out);
}

TEST(a_scratch_directory_goes_with_its_files)
{
    struct error e = {0};
    setenv("TMPDIR", unit_folder(), 1);
    int before = count_in_folder(), status;
    char *directory = scratch_directory(&e);
    char *path = mem_format("%s/file", directory);
    put(path, "x");
    CHECK_INT(count_in_folder(), before + 1);
    scratch_remove(directory);
    CHECK_INT(count_in_folder(), before);
    pid_t pid = fork();
    if (pid == 0) {
        char *script = mem_format("kill -TERM %d; while :; do echo >>$TMPDIR/$$; done", getpid());
        struct process p = {.directory = scratch_directory(&e)};
        signal(SIGTERM, on_signal);
        (void)run_shell(script, &p, &e);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    CHECK_INT(count_in_folder(), before);
    setenv("TMPDIR", "/nonexistent", 1);
    directory = scratch_directory(&e);
    CHECK(directory && strncmp(directory, "/var/tmp/", 9) == 0);
    scratch_remove(directory);
    unsetenv("TMPDIR");
    mem_free(path);
}

TEST(a_missing_program_is_an_error)
{
    char *const argv[] = {(char[]){"no-such-program-here"}, NULL};
    struct error e = {0};
    pid_t pid;
    if ((unit_skipped = VFORK_IS_FORK))
        return;
    CHECK_INT(process_spawn(argv, NULL, NULL, &pid, &e), ERR_SYSTEM);
    CHECK_INT(errno, ENOENT);
    CHECK_TEXT(e.message, "cannot run 'no-such-program-here': No such file or directory");
}

/* ---- commands without a shell ---- */

static void check_words(const char *command, const char *wanted)
{
    struct buf got = {0};
    char **words = shell_words(command);
    for (char **at = words; at && *at; at++)
        buf_format(&got, "<%s>", *at);
    CHECK_TEXT(words ? buf_text(&got) : "the shell's", wanted);
    mem_free(words);
    buf_release(&got);
}

TEST(a_program_with_plain_words_needs_no_shell)
{
    check_words("cp a b", "<cp><a><b>");
    check_words(" \tcp  a/b.txt\t--to=x:1,2@3%+_- \n\n", "<cp><a/b.txt><--to=x:1,2@3%+_->");
    check_words("./run", "<./run>");
    check_words("tests", "<tests>");
    const char *const own[] = {
        "",     " ",      "\n",         "cp a b > c", "cp *",          "A=1 cp",
        "cd x", "echo a", "a\nb",       "cp 'a' b",   "cp a\\b",       "cp ~",
        "a;b",  "a&",     "cp $x",      "# a",        "test -f x",     "exec a",
        "if",   "%1",     "cp {a,b} c", "! a",        "cp \303\244 b", "(a)",
        "a|b",  "`a`",    "cp a?",      "cp [a]",     "time a",        ". a",
        ":",    "^a^b"};
    for (size_t i = 0; i < COUNT_OF(own); i++)
        check_words(own[i], "the shell's");
}

/* What is taken for words is for the shell, too. Returns whether it was. */
static bool check_as_shell(const char *text)
{
    struct buf script = {0}, got = {0}, wanted = {0};
    buf_format(&script, "x %s", text);
    char **words = shell_words(buf_text(&script));
    for (char **at = words; at && *at; at++)
        buf_format(&got, "<%s>", *at);
    if (words) {
        char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, NULL, NULL};
        struct error e = {0};
        int status;
        argv[2] = mem_format("printf '<%%s>' %s", buf_text(&script));
        struct process p = {.argv = argv, .out = &wanted, .limit = 200};
        CHECK_INT(process_run(&p, &status, &e), 0);
        CHECK_TEXT(buf_text(&got), buf_text(&wanted));
        mem_free(argv[2]);
    }
    mem_free(words);
    buf_release(&script);
    buf_release(&got);
    buf_release(&wanted);
    return words != NULL;
}

TEST(random_words_are_those_of_the_shell)
{
    static const char letters[] = "aZ9_-./+,:@%= \t\n  '\"\\$*?[]{}~#!&|;<>()^`";
    int without = 0;
    for (uint64_t i = 0; i < 600; i++) {
        char text[16];
        size_t n = random_below(1, i, 0, sizeof text - 1);
        uint64_t kinds = random_below(1, i, 1, 2) ? 14 : sizeof letters - 1;
        for (size_t k = 0; k < n; k++)
            text[k] = letters[random_below(1, i, 2 + k, kinds)];
        text[n] = 0;
        without += check_as_shell(text);
    }
    CHECK(without > 200);
}

enum { WORKERS = 4, PIECES = 4000 };

struct race {
    struct turn *turn;
    atomic_uint_fast64_t next_piece;
    uint64_t order[PIECES]; /* written in turn, without a lock of its own */
    uint64_t len;
    uint64_t stop_at;
    atomic_uint refused;
};

static void race_work(void *context, unsigned number)
{
    struct race *r = context;
    (void)number;
    for (;;) {
        uint64_t piece = atomic_fetch_add(&r->next_piece, 1);
        if (piece >= PIECES)
            return;
        if (hash_u64(piece) % 32 == 0)
            usleep(100); /* let the others overtake */
        if (piece == r->stop_at) {
            turn_stop(r->turn);
            return;
        }
        if (!turn_wait(r->turn, piece)) {
            atomic_fetch_add(&r->refused, 1);
            return;
        }
        r->order[r->len++] = piece;
        turn_next(r->turn);
    }
}

TEST(turns_are_taken_in_order)
{
    struct race *r = mem_alloc(sizeof *r);
    r->turn = turn_new();
    r->stop_at = PIECES;
    team_run(WORKERS, race_work, r);
    CHECK_INT(r->len, PIECES);
    bool in_order = true;
    for (uint64_t i = 0; i < r->len; i++)
        in_order = in_order && r->order[i] == i;
    CHECK(in_order);
    turn_free(r->turn);
    mem_free(r);
}

TEST(a_stop_releases_everybody)
{
    struct race *r = mem_alloc(sizeof *r);
    r->turn = turn_new();
    r->stop_at = PIECES / 2;
    team_run(WORKERS, race_work, r);
    CHECK(r->len <= PIECES / 2);
    CHECK_INT(atomic_load(&r->refused), WORKERS - 1);
    CHECK(!turn_wait(r->turn, r->len));
    turn_free(r->turn);
    mem_free(r);
}

static void mark(void *context, unsigned number)
{
    ((unsigned char *)context)[number]++;
}

TEST(a_team_runs_every_number_once)
{
    unsigned char marks[8] = {0};
    team_run(1, mark, marks);
    CHECK_INT(marks[0], 1);
    CHECK_INT(marks[1], 0);
    team_run(7, mark, marks);
    CHECK(memcmp(marks, "\2\1\1\1\1\1\1\0", 8) == 0);
    team_run(0, mark, marks);
    CHECK_INT(marks[0], 2);
}

TEST(simd_can_only_be_lowered)
{
    unsetenv("ML_SIMD");
    enum simd best = simd_level();
    setenv("ML_SIMD", "scalar", 1);
    CHECK_INT(simd_level(), SIMD_SCALAR);
    setenv("ML_SIMD", best == SIMD_NEON ? "avx2" : "neon", 1);
    CHECK_INT(simd_level(), best);
    setenv("ML_SIMD", "nonsense", 1);
    CHECK_INT(simd_level(), best);
    setenv("ML_SIMD", simd_name(best), 1);
    CHECK_INT(simd_level(), best);
    unsetenv("ML_SIMD");
    CHECK(cpu_count() >= 1);
}

TEST(zz_the_folder_is_empty_in_the_end)
{
    in_folder("");
    CHECK_INT(rmdir(unit_folder()), 0);
}
