/* What children may use at most, with and without a sandbox around them. */
#include "sys/sys.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534, MB = 1000000 };

static const struct sandbox closed;

/* ---- helpers ---- */

static bool possible(const struct limits *l)
{
    static struct error e;
    if (limits_possible(l, &e) == 0)
        return true;
    unit_skipped = e.message;
    return false;
}

/* Starts the script with the write end of a pipe as its output; returns the read end. -1: it was
 * not started, and e says why. */
static int begin(struct children *c, const struct sandbox *s, const struct limits *l,
                 const char *script, const void *tag, struct error *e)
{
    char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, (char *)(uintptr_t)script, NULL};
    int fds[2] = {-1, -1};
    pid_t number;
    CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
    struct child child = {.argv = argv,
                          .in = -1,
                          .out = fds[1],
                          .sandbox = s,
                          .limits = l,
                          .tag = (void *)(uintptr_t)tag};
    int status = children_start(c, &child, &number, e);
    close(fds[1]);
    if (status == 0)
        return fds[0];
    close(fds[0]);
    return -1;
}

/* The end of the next that ends within the time. */
static bool finish(struct children *c, int timeout_ms, struct child_event *end)
{
    struct error e = {0};
    do {
        if (children_wait(c, timeout_ms, end, &e) != 0 || end->kind == CHILDREN_IDLE)
            return false;
    } while (end->kind != CHILD_ENDED);
    return true;
}

/* All that is written, until no end of the pipe is open any more; false when that takes long. */
static bool drain(int fd, struct buf *out)
{
    char bytes[4096];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (poll(&p, 1, 10000) > 0) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n <= 0)
            return true;
        buf_add(out, bytes, (size_t)n);
    }
    return false;
}

static struct child_event run(const struct sandbox *s, const struct limits *l, const char *script,
                              struct buf *out)
{
    struct error e = {0};
    struct child_event end = {0};
    struct children *c = children_new(false, &e);
    out->len = 0;
    int fd = begin(c, s, l, script, NULL, &e);
    if (fd < 0) {
        end.status = errno == ENOENT ? 127 : 126;
        buf_puts(out, e.message);
    } else {
        CHECK(finish(c, 60000, &end));
        CHECK(drain(fd, out));
        close(fd);
    }
    (void)buf_text(out);
    children_free(c);
    return end;
}

/* How many groups of a process there are. */
static long groups_of(pid_t pid)
{
    char script[128];
    struct buf out = {0};
    (void)snprintf(script, sizeof script, "find /sys/fs/cgroup -name 'mlutils-%ld-*' | wc -l",
                   (long)pid);
    (void)run(NULL, NULL, script, &out);
    long n = strtol(buf_text(&out), NULL, 10);
    buf_release(&out);
    return n;
}

/* ---- memory ---- */

static void check_memory(const struct sandbox *s)
{
    const struct limits l = {.memory = 50 * MB};
    struct buf out = {0};
    struct child_event end = run(s, &l, "exec dd if=/dev/zero of=/dev/null bs=200M count=1", &out);
    CHECK(end.out_of_memory);
    CHECK_INT(end.signal, SIGKILL);
    CHECK_INT(end.status, 137);
    CHECK(end.peak_memory > 40 * MB && end.peak_memory <= 50 * MB);
    end =
        run(s, &l, "head -c 200000000 /dev/zero | tail -n 1 >/dev/null", &out); /* one it started */
    CHECK(end.out_of_memory);
    CHECK_INT(end.status, 137);
    end = run(s, &l, "exec dd if=/dev/zero of=/dev/null bs=20M count=1 2>&1", &out);
    CHECK(!end.out_of_memory);
    CHECK_INT(end.status, 0);
    CHECK(end.peak_memory > 20 * MB && end.peak_memory <= 50 * MB);
    end = run(s, &l, "kill -9 $$", &out); /* not by the limit */
    CHECK(!end.out_of_memory);
    CHECK_INT(end.signal, SIGKILL);
    buf_release(&out);
}

TEST(memory)
{
    if (possible(&(struct limits){.memory = 50 * MB}))
        check_memory(NULL);
}

TEST(memory_in_a_sandbox)
{
    struct error e = {0};
    const struct limits l = {.memory = 50 * MB};
    struct buf out = {0};
    if (!possible(&l))
        return;
    if (sandbox_possible(&e) != 0) {
        unit_skipped = "there are no sandboxes";
        return;
    }
    check_memory(&closed);
    CHECK_INT(run(&closed, &(struct limits){.memory = 8192}, "true", &out).status, 126);
    CHECK(strstr(buf_text(&out), "its memory limit killed it before its program began") != NULL);
    /* Its own /tmp is memory, too. */
    struct child_event end = run(&closed, &l, "exec head -c 200000000 /dev/zero >/tmp/x", &out);
    CHECK(end.out_of_memory);
    CHECK_INT(end.signal, SIGKILL);
    buf_release(&out);
}

TEST(only_the_one_beyond_its_memory_dies)
{
    const struct limits l = {.memory = 50 * MB};
    struct error e = {0};
    struct child_event end;
    struct buf out = {0};
    int tags[2];
    if (!possible(&l))
        return;
    struct children *c = children_new(false, &e);
    int one = begin(c, NULL, &l, "read x; echo alive; exit 3", &tags[0], &e);
    CHECK(one >= 0);
    close(one);
    one = begin(c, NULL, &l, "sleep 1; echo alive; exit 3", &tags[0], &e);
    int other =
        begin(c, NULL, &l, "exec dd if=/dev/zero of=/dev/null bs=200M count=1", &tags[1], &e);
    for (int i = 0; i < 3; i++) {
        CHECK(finish(c, 10000, &end));
        CHECK_INT(end.out_of_memory, end.tag == &tags[1]);
        CHECK(end.tag == &tags[1] ? end.signal == SIGKILL : end.signal != SIGKILL);
    }
    CHECK(drain(one, &out));
    CHECK_TEXT(buf_text(&out), "alive\n");
    close(one);
    close(other);
    children_free(c);
    buf_release(&out);
}

/* ---- processes ---- */

static void check_processes(const struct sandbox *s)
{
    const struct limits l = {.processes = 10};
    struct error e = {0};
    struct child_event end;
    struct buf out = {0};
    const char *script = "i=0; while [ $i -lt 30 ]; do sleep 100 & i=$((i + 1)); echo $i; done";
    CHECK_INT(run(s, &l, script, &out).status, 2); /* it cannot fork */
    CHECK_TEXT(buf_text(&out), "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    struct children *c = children_new(false, &e);
    int fd = begin(c, s, &l, "(setsid sleep 100 &); f() { f | f & }; f & exec sleep 100", c, &e);
    CHECK(fd >= 0);
    CHECK(!finish(c, 300, &end));
    children_signal(c, c, SIGKILL);
    CHECK(finish(c, 10000, &end));
    CHECK_INT(end.signal, SIGKILL);
    CHECK(drain(fd, &out));
    close(fd);
    children_free(c);
    buf_release(&out);
}

TEST(processes)
{
    if (!possible(&(struct limits){.processes = 10}))
        return;
    check_processes(NULL);
    CHECK_INT(groups_of(getpid()), 0);
}

TEST(processes_in_a_sandbox)
{
    struct error e = {0};
    if (!possible(&(struct limits){.processes = 10}))
        return;
    if (sandbox_possible(&e) == 0)
        check_processes(&closed);
    else
        unit_skipped = "there are no sandboxes";
    CHECK_INT(groups_of(getpid()), 0);
}

TEST(a_group_without_a_limit_of_processes_can_be_killed_too)
{
    const struct limits l = {.cpus = 0.5};
    struct error e = {0};
    struct child_event end;
    struct buf out = {0};
    if (!possible(&l))
        return;
    struct children *c = children_new(false, &e);
    int fd = begin(c, NULL, &l, /* processes that start one after the other, and end */
                   "f() { [ $1 = 0 ] || (setsid sleep 0.001; f $(($1 - 1))) & }; f 3000; f 3000; "
                   "exec sleep 100",
                   c, &e);
    CHECK(fd >= 0);
    CHECK(!finish(c, 300, &end));
    children_signal(c, c, SIGKILL);
    CHECK(finish(c, 10000, &end));
    CHECK(drain(fd, &out));
    close(fd);
    children_free(c);
    buf_release(&out);
    CHECK_INT(groups_of(getpid()), 0);
}

TEST(what_a_child_left_behind_ends_with_its_group)
{
    const struct limits l = {.processes = 20};
    struct buf out = {0};
    if (!possible(&l))
        return;
    CHECK_INT(run(NULL, &l, "(setsid sleep 100 &); sleep 100 & exit 4", &out).status, 4);
    buf_release(&out);
    struct error e = {0};
    struct children *c = children_new(false, &e);
    int fd = begin(c, NULL, &l, "(setsid sleep 100 &); sleep 100", c, &e);
    children_free(c);
    CHECK(drain(fd, &out));
    close(fd);
    buf_release(&out);
    CHECK_INT(groups_of(getpid()), 0);
}

/* ---- the others ---- */

TEST(processors)
{
    const struct limits l = {.cpus = 0.25};
    struct buf out = {0};
    if (!possible(&l))
        return;
    /* On a busy machine nobody gets more: what the kernel was told. Version 1 and 2. */
    CHECK_INT(run(NULL, &l,
                  "cd /sys/fs/cgroup; { cat cpu$(grep -E ':(cpu|cpu,cpuacct|cpuacct,cpu):' "
                  "/proc/self/cgroup | cut -d: -f3)/cpu.cfs_quota_us || "
                  "cat .$(sed -n 's/^0:://p' /proc/self/cgroup)/cpu.max; } 2>/dev/null",
                  &out)
                  .status,
              0);
    CHECK(strncmp(buf_text(&out), "25000", 5) == 0);
    usec began = clock_now();
    struct child_event end = run(NULL, &l, "exec timeout 1 sh -c 'while :; do :; done'", &out);
    double wall = (double)(clock_now() - began) / USEC_SECOND, share;
    share = (end.user_s + end.system_s) / wall;
    CHECK_INT(end.status, 124);
    if (share > 0.4 || share < 0.05)
        UNIT_FAIL("%g of a processor", share);
    buf_release(&out);
}

static void check_files(const struct sandbox *s)
{
    const struct limits l = {.open_files = 20, .file_size = MB};
    struct buf out = {0};
    const char *name = s ? "/tmp/x" : in_folder("big");
    char *script = mem_format("exec head -c 3000000 /dev/zero >%s", name);
    CHECK_INT(run(s, &l, "ulimit -n", &out).status, 0);
    CHECK_TEXT(buf_text(&out), "20\n");
    struct child_event end = run(s, &l, script, &out);
    CHECK_INT(end.signal, SIGXFSZ);
    CHECK_INT(end.peak_memory, 0);
    struct stat st;
    if (!s && stat(name, &st) == 0)
        CHECK_INT(st.st_size, MB);
    CHECK_INT(run(s, &l, "/no/such", &out).status, 127);
    const struct limits high = {.open_files = UINT64_MAX / 2}; /* beyond what there is */
    CHECK_INT(run(s, &high, "true", &out).status, 0);
    mem_free(script);
    char *argv[] = {(char[]){"no-such-program"}, NULL};
    struct error e = {0};
    struct children *c = children_new(false, &e);
    pid_t number;
    CHECK(children_start(c, &(struct child){.argv = argv, .in = -1, .out = -1, .limits = &l},
                         &number, &e) < 0);
    CHECK_INT(errno, ENOENT);
    CHECK_TEXT(e.message, "cannot run 'no-such-program': No such file or directory");
    children_free(c);
    buf_release(&out);
}

TEST(files)
{
    struct error e = {0};
    CHECK_INT(limits_possible(&(struct limits){.open_files = 20, .file_size = MB}, &e), 0);
    check_files(NULL);
    if (sandbox_possible(&e) == 0)
        check_files(&closed);
    else
        unit_skipped = "in a sandbox: there are none";
}

/* ---- where they cannot be kept ---- */

static int as_nobody(void)
{
    const struct limits cases[] = {{.memory = 50 * MB}, {.processes = 5}, {.cpus = 1}};
    const char *const names[] = {"memory", "processes", "processors"};
    struct error e = {0};
    struct buf out = {0};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CHECK_INT(limits_possible(&cases[i], &e), ERR_SYSTEM);
        char *want = mem_format("cannot limit %s", names[i]);
        CHECK(strstr(e.message, want) == e.message);
        CHECK_INT(run(NULL, &cases[i], "true", &out).status, 126); /* not without its limit */
        CHECK(strstr(buf_text(&out), want) != NULL);
        mem_free(want);
    }
    CHECK_INT(run(NULL, &(struct limits){.open_files = 20}, "true", &out).status, 0);
    buf_release(&out);
    return unit_failed;
}

TEST(limits_that_cannot_be_kept_are_told)
{
    int raw = -1;
    struct error e = {0};
    CHECK_INT(limits_possible(NULL, &e), 0);
    CHECK_INT(limits_possible(&(struct limits){0}, &e), 0);
    if (geteuid() != 0 || !possible(&(struct limits){.memory = MB})) {
        unit_skipped = "this needs root, who may make control groups, to become who may not";
        return;
    }
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        unit_failed = false;
        if (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
            _exit(1);
        int failed = as_nobody();
        (void)fflush(stdout);
        _exit(failed);
    }
    (void)waitpid(pid, &raw, 0);
    CHECK_INT(raw, 0);
}

TEST(groups_of_a_killed_parent_are_removed_by_the_next)
{
    const struct limits l = {.processes = 5};
    struct error e = {0};
    struct buf out = {0};
    if (!possible(&l))
        return;
    int ready[2];
    CHECK_INT(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct children *c = children_new(false, &e);
        char byte = begin(c, NULL, &l, "read x", NULL, &e) >= 0 ? 'y' : 'n';
        (void)!write(ready[1], &byte, 1);
        (void)pause();
        _exit(0);
    }
    char byte = 0;
    CHECK_INT(read(ready[0], &byte, 1), 1);
    CHECK_INT(byte, 'y');
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    CHECK(groups_of(pid) > 0);
    CHECK_INT(run(NULL, &l, "true", &out).status, 0);
    CHECK_INT(groups_of(pid), 0);
    close(ready[0]);
    close(ready[1]);
    buf_release(&out);
}

TEST(nothing_is_left)
{
    unit_remove(unit_folder());
}
