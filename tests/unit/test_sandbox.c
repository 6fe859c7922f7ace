/* What a child in a sandbox sees and may do, as root and as an ordinary user. */
#include "sys/sys.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

/* ---- helpers ---- */

static bool possible(void)
{
    static struct error e;
    if (sandbox_possible(&e) == 0)
        return true;
    unit_skipped = e.message;
    return false;
}

/* Starts it in c; on failure the message is in out and the event's status is that of a shell. */
static bool begin(struct children *c, const struct child *child, struct buf *out,
                  struct child_event *end)
{
    struct error e = {0};
    pid_t number;
    if (children_start(c, child, &number, &e) == 0)
        return true;
    end->status = errno == ENOENT ? 127 : 126;
    buf_puts(out, e.message);
    return false;
}

/* Waits for the end of the one child, at most that long. */
static bool finish(struct children *c, int timeout_ms, struct buf *out, struct child_event *end)
{
    for (;;) {
        struct error e = {0};
        if (children_wait(c, timeout_ms, end, &e) != 0 || end->kind == CHILDREN_IDLE)
            return false;
        if (end->kind == CHILD_ENDED)
            return true;
        buf_add(out, end->output.at, end->output.len);
    }
}

static struct child_event run_child(const struct child *child, struct buf *out)
{
    struct error e = {0};
    struct children *c = children_new(false, &e);
    struct child_event end = {0};
    out->len = 0;
    if (begin(c, child, out, &end))
        CHECK(finish(c, 60000, out, &end));
    (void)buf_text(out);
    children_free(c);
    return end;
}

static struct child_event run(const struct sandbox *s, const char *script, struct buf *out)
{
    char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, (char *)(uintptr_t)script, NULL};
    return run_child(
        &(struct child){.argv = argv, .directory = "/", .in = -1, .out = -1, .sandbox = s}, out);
}

/* What the script says in the sandbox. */
static void check_says(const struct sandbox *s, const char *script, const char *want)
{
    struct buf out = {0};
    CHECK_INT(run(s, script, &out).status, 0);
    CHECK_TEXT(buf_text(&out), want);
    buf_release(&out);
}

/* In a process of its own, so that what it changes of itself is gone then. */
static void check_apart(void (*change)(void), void (*check)(void))
{
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        unit_failed = false;
        if (change)
            change();
        check();
        (void)fflush(stdout);
        _exit(unit_failed);
    }
    int raw = -1;
    (void)waitpid(pid, &raw, 0);
    CHECK_INT(raw, 0);
}

static void become_nobody(void)
{
    CHECK(setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
    (void)setenv("PATH", "/usr/bin:/bin", 1); /* not in folders of root's */
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* as a program has it that the user started */
}

/* The trial as the one who runs this, then as an ordinary user. */
static void check_for_both(void (*check)(void))
{
    if (!possible())
        return;
    check();
    if (geteuid() == 0)
        check_apart(become_nobody, check);
    else
        unit_skipped = "as root: this is run by an ordinary user";
}

/* A folder that everybody may write to, with a file in it. */
static const char *data_folder(const char *name)
{
    const char *path = in_folder(name);
    char *file = mem_format("%s/file", path);
    (void)chmod(unit_folder(), 0755);
    (void)mkdir(path, 0777);
    (void)chmod(path, 0777);
    int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    (void)!write(fd, "content\n", 8);
    (void)close(fd);
    mem_free(file);
    return path;
}

/* True when all ends of the pipe that were written to are closed within some seconds. */
static bool ends(int fd)
{
    char byte;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (poll(&p, 1, 5000) > 0)
        if (read(fd, &byte, 1) <= 0)
            return true;
    return false;
}

/* ---- may there be one ---- */

static void forbid_more_users(void)
{
    char map[64];
    (void)snprintf(map, sizeof map, "0 %u 1\n", geteuid());
    CHECK_INT(unshare(CLONE_NEWUSER), 0);
    const char *const files[][2] = {{"/proc/self/uid_map", map},
                                    {"/proc/sys/user/max_user_namespaces", "0\n"}};
    for (size_t i = 0; i < 2; i++) {
        int fd = open(files[i][0], O_WRONLY | O_CLOEXEC);
        CHECK_INT(write(fd, files[i][1], strlen(files[i][1])), strlen(files[i][1]));
        (void)close(fd);
    }
}

static void check_impossible(void)
{
    struct error e = {0};
    struct sandbox s = {0};
    struct buf out = {0};
    CHECK_INT(sandbox_possible(&e), ERR_SYSTEM);
    CHECK(strstr(e.message, "user.max_user_namespaces is 0") != NULL);
    CHECK_INT(sandbox_possible(&e), ERR_SYSTEM); /* remembered */
    CHECK_INT(run(&s, "true", &out).status, 126);
    CHECK(strstr(buf_text(&out), "cannot make namespaces") != NULL);
    buf_release(&out);
}

/* First, while nothing is remembered. */
TEST(what_refuses_sandboxes_is_named)
{
    int raw = -1;
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
    (void)waitpid(pid, &raw, 0);
    if (raw == 0)
        check_apart(forbid_more_users, check_impossible);
    else
        unit_skipped = "there are no user namespaces to refuse them in";
}

/* ---- what it sees ---- */

static void check_names(void)
{
    struct sandbox s = {.hostname = "algo-7"};
    char want[64], here[256];
    struct buf out = {0};
    check_says(&s,
               "uname -n; echo $$; cat /proc/1/comm >/dev/null && ls -d /proc/[0-9]* | head -n 2",
               "algo-7\n2\n/proc/1\n/proc/2\n");
    (void)snprintf(want, sizeof want, "%u %u\n%u %u\n", geteuid(), getegid(), geteuid(), getegid());
    check_says(&s, "echo $(id -u) $(id -g); : >/tmp/x; stat -c '%u %g' /tmp/x", want);
    check_says(&s, "cut -d' ' -f5,6 /proc/$$/stat", "2 2\n"); /* its group and session */
    check_says(&s, "ls -A /tmp /dev/shm", "/dev/shm:\n\n/tmp:\n");
    s.hostname = NULL;
    CHECK_INT(gethostname(here, sizeof here), 0);
    CHECK_INT(run(&s, "uname -n", &out).status, 0);
    CHECK(strncmp(buf_text(&out), here, strlen(here)) == 0);
    buf_release(&out);
}

TEST(names_and_numbers)
{
    check_for_both(check_names);
}

static void check_network(void)
{
    struct sandbox off = {0}, on = {.network = true};
    struct buf inside = {0}, outside = {0};
    const char *script = "sed 1,2d /proc/net/dev | cut -d: -f1 | tr -d ' '";
    check_says(&off, script, "lo\n");
    CHECK_INT(run(&on, script, &inside).status, 0);
    CHECK_INT(run(NULL, script, &outside).status, 0);
    CHECK_TEXT(buf_text(&inside), buf_text(&outside));
    buf_release(&inside);
    buf_release(&outside);
    if (access("/usr/bin/perl", X_OK) != 0) {
        unit_skipped = "does the loopback work: there is no perl";
        return;
    }
    check_says(&off,
               "perl -MIO::Socket::INET -e '$l = IO::Socket::INET->new(Listen => 1, LocalAddr => "
               "\"127.0.0.1\") or die; $c = IO::Socket::INET->new(PeerAddr => \"127.0.0.1\", "
               "PeerPort => $l->sockport) or die; $a = $l->accept; print $c \"hello\\n\"; "
               "close $c; print <$a>'",
               "hello\n");
}

TEST(without_network_there_is_a_loopback_that_works)
{
    check_for_both(check_network);
}

static void check_mounts(void)
{
    const char *in = data_folder("in"), *out = data_folder("out");
    char *file = mem_format("%s/file", in), *new = mem_format("%s/new", out);
    char *link = mem_format("/var/tmp/mlutils-%ld", (long)getpid());
    char *link_in = mem_format("%s/c", link);
    CHECK_INT(symlink("/tmp", link), 0);
    const struct sandbox_mount mounts[] = {
        {in, "/opt/ml-not-there/input/data", false},
        {out, "/opt/ml-not-there/out", true},
        {file, "/opt/ml-not-there/one", false},
        {in, "/not-there", false},
        {out, "/tmp/a/b", true},
        {in, "/dev/shm/x", false},
        {in, "/var/run/not-there/x", false}, /* a link on most systems */
        {in, "/mnt", false},
        {in, link_in, false}, /* a link to what is the sandbox's own */
    };
    struct sandbox s = {.mounts = mounts, .mount_count = COUNT_OF(mounts)};
    check_says(&s,
               "cd /opt/ml-not-there && cat input/data/file one && ls -A . input && "
               "cat /not-there/file /tmp/a/b/file /dev/shm/x/file /var/run/not-there/x/file "
               "/mnt/file /tmp/c/file | sort | uniq -c | tr -d ' '",
               "content\ncontent\n.:\ninput\none\nout\n\ninput:\ndata\n6content\n");
    check_says(&s,
               "exec 2>/dev/null; for i in /opt/ml-not-there/*/ /opt/ml-not-there/input/data /opt "
               "/opt/ml-not-there /not-there /tmp/a/b /dev/shm/x /var/run/not-there /var/run /mnt; "
               "do (: >$i/new) && echo $i; done; (: >>/opt/ml-not-there/one) && echo one; true",
               "/opt/ml-not-there/out/\n/tmp/a/b\n");
    struct stat st;
    CHECK_INT(stat(new, &st), 0); /* it is outside, too, and the user's */
    CHECK_INT(st.st_uid, geteuid());
    (void)unlink(new);
    CHECK(access("/opt/ml-not-there", F_OK) != 0 && access("/not-there", F_OK) != 0);
    (void)unlink(link);
    mem_free(link_in);
    mem_free(link);
    mem_free(new);
    mem_free(file);
}

TEST(mounts_are_where_the_host_has_no_such_place)
{
    check_for_both(check_mounts);
}

static void check_host_kept(void)
{
    const char *in = data_folder("in");
    const struct sandbox_mount m = {in, "/opt/ml-not-there", false},
                               top = {in, "/not-there", false};
    struct sandbox plain = {0}, opt = {&m, 1, NULL, false}, root = {&top, 1, NULL, false};
    struct buf one = {0}, other = {0};
    const char *script = "ls -l --time-style=+x / /opt/* /usr 2>/dev/null | grep -v -e not-there "
                         "-e ' opt$' -e ' proc$' -e ' file$' -e total -e '^$' | sort";
    (void)run(&plain, script, &one);
    (void)run(&opt, script, &other);
    CHECK(one.len > 100);
    CHECK_TEXT(buf_text(&other), buf_text(&one));
    script = "ls -A / /opt/* /usr 2>/dev/null | grep -v -e not-there -e '^$'";
    (void)run(&plain, script, &one);
    (void)run(&root, script, &other);
    CHECK(one.len > 100);
    CHECK_TEXT(buf_text(&other), buf_text(&one));
    (void)run(NULL, script, &other);
    CHECK_TEXT(buf_text(&other), buf_text(&one));
    buf_release(&one);
    buf_release(&other);
}

TEST(what_is_beside_a_made_place_is_as_on_the_host)
{
    check_for_both(check_host_kept);
}

static void check_nested(void)
{
    const char *in = data_folder("in"), *out = data_folder("out");
    char *inner = mem_format("%s/inner", out);
    (void)mkdir(inner, 0777);
    const struct sandbox_mount mounts[] = {{out, "/opt/ml-not-there", true},
                                           {in, "/opt/ml-not-there/inner", false}};
    struct sandbox s = {.mounts = mounts, .mount_count = 2};
    check_says(&s,
               "cat /opt/ml-not-there/inner/file; (: >/opt/ml-not-there/inner/x) 2>/dev/null || "
               "echo no; : >/opt/ml-not-there/x && rm /opt/ml-not-there/x && echo yes",
               "content\nno\nyes\n");
    (void)rmdir(inner);
    mem_free(inner);
}

TEST(a_mount_may_be_in_another)
{
    if (possible())
        check_nested();
}

TEST(mounts_that_cannot_be_are_refused)
{
    if (!possible())
        return;
    const char *in = data_folder("in");
    char *file = mem_format("%s/file", in), *below = mem_format("%s/x", file);
    const struct {
        struct sandbox_mount mount;
        const char *why;
    } cases[] = {
        {{"/no/such", "/mnt", false}, "cannot mount '/no/such': No such file"},
        {{in, "opt/x", false}, "cannot mount at 'opt/x': expected an absolute path"},
        {{in, "/opt/../x", false}, "expected an absolute path without '..'"},
        {{in, "/", true}, "expected an absolute path"},
        {{in, "/opt/", true}, "expected an absolute path"},
        {{in, "/proc/x", true}, "it is made by the system"},
        {{in, "/dev/x", true}, "it is made by the system"},
        {{in, "/etc/passwd/x", true}, "what should hold it is no folder"},
        {{file, "/mnt", false}, "cannot make /mnt in the sandbox"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sandbox s = {.mounts = &cases[i].mount, .mount_count = 1};
        struct buf out = {0};
        CHECK_INT(run(&s, "true", &out).status, 126);
        if (!strstr(buf_text(&out), cases[i].why))
            UNIT_FAIL("'%s' is not '%s'", buf_text(&out), cases[i].why);
        buf_release(&out);
    }
    const struct sandbox_mount two[] = {{in, "/opt/ml-not-there", false},
                                        {in, "/opt/ml-not-there/missing", false}};
    struct buf out = {0};
    CHECK_INT(run(&(struct sandbox){two, 2, NULL, false}, "true", &out).status, 126);
    CHECK(strstr(buf_text(&out), "the mount that holds it has no such place") != NULL);
    buf_release(&out);
    mem_free(below);
    mem_free(file);
}

/* ---- what it may do ---- */

/* All folders of the upper floors that may be written to, but those that the kernel shows. */
#define WRITABLE                                                                                   \
    "find / -maxdepth 3 \\( -path /proc -o -path /sys -o -path /dev/pts \\) -prune -o "            \
    "-type d -writable -print 2>/dev/null | sort"

static void check_read_only(void)
{
    const struct sandbox_mount m = {data_folder("out"), "/mnt", true};
    struct sandbox s = {&m, 1, NULL, false};
    check_says(&s, WRITABLE, "/dev/shm\n/mnt\n/tmp\n");
    check_says(&s, "echo x >/dev/null && head -c 3 /dev/zero | wc -c && ls /dev/fd/ | head -n 1",
               "3\n0\n");
    /* Disks are not there. */
    check_says(&s, "find /dev -type b | wc -l", "0\n");
    check_says(&s,
               "for i in $(find /proc -maxdepth 3 -path '/proc/[0-9]*' -prune -o -type f -path "
               "'*/sys/*' -perm /222 -print 2>/dev/null | head -n 20); do "
               "(: >>$i) 2>/dev/null && echo $i; done; true",
               "");
}

TEST(all_but_what_is_its_own_is_read_only)
{
    check_for_both(check_read_only);
}

/* As on Linux before 5.9 and 5.12. */
static void forget_new_calls(void)
{
    const struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mount_setattr, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_filter copy[COUNT_OF(code)];
    memcpy(copy, code, sizeof code);
    struct sock_fprog program = {COUNT_OF(copy), copy};
    CHECK_INT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_INT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0), 0);
    errno = 0;
    CHECK(syscall(SYS_mount_setattr, -1, "", 0, NULL, 0) < 0 && errno == ENOSYS);
}

static void check_old_kernel(void)
{
    check_mounts();
    check_read_only();
    check_nested();
}

TEST(older_kernels_get_the_same)
{
    if (possible())
        check_apart(forget_new_calls, check_old_kernel);
}

static void mount_more(void)
{
    CHECK_INT(unshare(CLONE_NEWNS), 0);
    CHECK_INT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    CHECK_INT(mount("one", "/mnt", "tmpfs", MS_NODEV, NULL), 0);
    CHECK_INT(mkdir("/mnt/more of it", 0777), 0);
    CHECK_INT(mount("two", "/mnt/more of it", "tmpfs", MS_NOEXEC | MS_NOATIME, NULL), 0);
}

static void check_more(void)
{
    const struct sandbox_mount m = {"/mnt", "/opt/ml-not-there/x", false};
    struct sandbox s = {&m, 1, NULL, false};
    check_says(&s, WRITABLE, "/dev/shm\n/tmp\n");
    check_says(&s, "cd '/opt/ml-not-there/x/more of it' && (: >y) 2>/dev/null; echo $?", "2\n");
    check_says(&s, "cd '/mnt/more of it' && (: >y) 2>/dev/null; echo $?", "2\n");
}

static void check_more_for_both(void)
{
    check_more();
    forget_new_calls();
    check_more();
}

TEST(what_is_mounted_deeper_is_read_only_too)
{
    if (geteuid() != 0)
        unit_skipped = "this needs root, who may mount";
    else if (possible())
        check_apart(mount_more, check_more_for_both);
}

static void check_privileges(void)
{
    struct sandbox s = {0};
    check_says(&s, "grep NoNewPrivs /proc/self/status | cut -f2", "1\n");
    check_says(
        &s,
        "exec 2>/dev/null; mount -o remount,rw / && echo remounted; umount /tmp && echo out; "
        "mount -t tmpfs x /tmp && echo mounted; umount /proc/sys && echo sys; "
        "readlink /proc/1/fd/3 && echo fd; ls /proc/1/root/ && echo root; "
        "head -c 1 /proc/1/mem && echo mem; echo >/dev/tty && echo tty; true",
        "");
    /* Even with all rights in a namespace of its own. */
    check_says(
        &s,
        "exec 2>/dev/null; unshare -Um --map-root-user sh -c 'mount -o remount,rw,bind /usr; "
        ": >/usr/mlutils-test && echo written; umount /usr && echo out'; true",
        "");
}

TEST(it_cannot_give_itself_more)
{
    check_for_both(check_privileges);
}

TEST(it_has_its_three_descriptors_alone)
{
    struct sandbox s = {0};
    if (!possible())
        return;
    int first = open("/etc", O_RDONLY), fd = fcntl(first, F_DUPFD, 50); /* not closed by exec */
    CHECK(fd >= 50);
    close(first);
    check_says(&s,
               "for i in /proc/$$/fd/*; do readlink $i; done | grep -v -e pipe: -e /dev/null; true",
               "");
    close(fd);
}

TEST(its_folder_is_one_inside)
{
    const struct sandbox_mount m = {data_folder("in"), "/opt/ml-not-there/x", false};
    struct sandbox s = {&m, 1, NULL, false};
    char *argv[] = {(char[]){"pwd"}, (char[]){"-P"}, NULL};
    struct child c = {.argv = argv, .in = -1, .out = -1, .sandbox = &s};
    struct buf out = {0};
    char before[4096];
    if (!possible())
        return;
    CHECK(getcwd(before, sizeof before) != NULL);
    c.directory = "/opt/ml-not-there/x";
    CHECK_INT(run_child(&c, &out).status, 0);
    CHECK_TEXT(buf_text(&out), "/opt/ml-not-there/x\n");
    c.directory = NULL;
    CHECK_INT(chdir("/usr/bin"), 0);
    CHECK_INT(run_child(&c, &out).status, 0);
    CHECK_TEXT(buf_text(&out), "/usr/bin\n");
    CHECK_INT(chdir(unit_folder()), 0); /* in /tmp: not there */
    CHECK_INT(run_child(&c, &out).status, 0);
    CHECK_TEXT(buf_text(&out), "/\n");
    c.directory = unit_folder();
    CHECK_INT(run_child(&c, &out).status, 127); /* as without a sandbox */
    CHECK(strstr(buf_text(&out), "cannot enter its folder") != NULL);
    CHECK_INT(chdir(before), 0);
    buf_release(&out);
}

/* ---- its end ---- */

static void check_ends(void)
{
    struct sandbox s = {0};
    struct buf out = {0};
    const struct {
        const char *script;
        int status, signal;
    } cases[] = {
        {"exit 0", 0, 0},
        {"exit 7", 7, 0},
        {"exit 137", 137, 0},
        {"kill -9 $$", 137, 9},
        {"kill -TERM $$", 143, 15},
        {"kill -SEGV $$", 139, 11},
        {"kill -HUP $$", 129, 1},
        {"/no/such", 127, 0},
        {"/etc", 126, 0},
        {"kill -TERM 1; sleep 0.1; exit 6", 6, 0},
        {"kill -9 1; exit 5", 5, 0}, /* not from inside */
    };
    void (*before)(int) = signal(SIGHUP, SIG_DFL); /* nohup ignores it */
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct child_event end = run(&s, cases[i].script, &out);
        CHECK_INT(end.status, cases[i].status);
        CHECK_INT(end.signal, cases[i].signal);
    }
    const char *const names[][2] = {{"no-such-program", "No such file"},
                                    {"/no/such", "No such file"},
                                    {"/etc", "Permission denied"},
                                    {"", "No such file"}};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char *argv[] = {(char *)(uintptr_t)names[i][0], NULL};
        struct child c = {.argv = argv, .in = -1, .out = -1, .sandbox = &s};
        CHECK_INT(run_child(&c, &out).status, i == 2 ? 126 : 127);
        CHECK(strstr(buf_text(&out), names[i][1]) != NULL);
    }
    (void)signal(SIGHUP, before);
    buf_release(&out);
}

TEST(ends_are_told_exactly)
{
    check_for_both(check_ends);
}

/* Starts the script with the write end of a pipe as its output; returns the read end. */
static int begin_with_pipe(struct children *c, const struct sandbox *s, const struct limits *l,
                           const char *script)
{
    char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, (char *)(uintptr_t)script, NULL};
    int fds[2] = {-1, -1};
    struct buf out = {0};
    struct child_event end = {0};
    CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
    struct child child = {
        .argv = argv, .in = -1, .out = fds[1], .sandbox = s, .limits = l, .tag = c};
    if (!begin(c, &child, &out, &end))
        UNIT_FAIL("%s", buf_text(&out));
    close(fds[1]);
    buf_release(&out);
    return fds[0];
}

static void await_byte(int fd)
{
    char byte;
    CHECK_INT(read(fd, &byte, 1), 1);
}

TEST(signals_reach_the_program)
{
    struct error e = {0};
    struct sandbox s = {0};
    struct child_event end = {0};
    struct buf out = {0};
    if (!possible())
        return;
    struct children *c = children_new(false, &e);
    int fd = begin_with_pipe(c, &s, NULL,
                             "trap 'exit 3' TERM; trap 'echo u' USR1; echo x; "
                             "while :; do sleep 0.01; done");
    await_byte(fd);
    await_byte(fd); /* its newline */
    children_signal(c, c, SIGUSR1);
    await_byte(fd);
    children_signal(c, c, SIGTERM);
    CHECK(finish(c, 5000, &out, &end));
    CHECK_INT(end.status, 3);
    CHECK_INT(end.signal, 0);
    close(fd);
    fd = begin_with_pipe(c, &s, NULL, "echo x; exec sleep 100");
    await_byte(fd);
    children_signal(c, c, SIGTERM);
    CHECK(finish(c, 5000, &out, &end));
    CHECK_INT(end.signal, SIGTERM);
    close(fd);
    fd = begin_with_pipe(c, &s, NULL, "trap '' TERM; (setsid sleep 100 &) ; echo x; sleep 100");
    await_byte(fd);
    children_signal(c, c, SIGTERM);
    CHECK(!finish(c, 200, &out, &end));
    children_signal(c, c, SIGKILL);
    CHECK(finish(c, 5000, &out, &end));
    CHECK_INT(end.signal, SIGKILL);
    CHECK_INT(end.status, 137);
    CHECK(ends(fd)); /* the one in another session, too */
    close(fd);
    children_free(c);
    buf_release(&out);
}

static void check_nothing_left(void)
{
    struct error e = {0};
    struct sandbox s = {0};
    struct child_event end = {0};
    struct buf out = {0};
    struct children *c = children_new(false, &e);
    int fd =
        begin_with_pipe(c, &s, NULL, "(setsid sleep 100 &); (trap '' TERM; sleep 100) & exit 4");
    CHECK(finish(c, 5000, &out, &end));
    CHECK_INT(end.status, 4);
    CHECK(ends(fd));
    close(fd);
    fd = begin_with_pipe(c, &s, NULL, "(setsid sleep 100 &); sleep 100");
    children_free(c); /* while it runs */
    CHECK(ends(fd));
    close(fd);
    buf_release(&out);
}

TEST(what_it_started_ends_with_it)
{
    check_for_both(check_nothing_left);
}

TEST(pid_1_reaps_orphans_and_has_no_streams)
{
    struct sandbox s = {0};
    struct error e = {0};
    struct buf out = {0};
    if (!possible())
        return;
    check_says(&s,
               "for i in 1 2 3; do (sh -c 'exit 9' &); done; sleep 0.2; "
               "grep -l 'State:.Z' /proc/[0-9]*/status; true",
               "");
    for (int i = 0; i < 10; i++) /* many ends at once */
        CHECK_INT(
            run(&s, "for i in 1 2 3 4 5 6 7 8; do (sleep 0.03 &); done; sleep 0.03; exit 3", &out)
                .status,
            3);
    struct children *c = children_new(false, &e);
    int fd = begin_with_pipe(c, &s, NULL, "exec >&-; exec sleep 100");
    CHECK(ends(fd)); /* while it runs */
    CHECK_INT(children_running(c), 1);
    close(fd);
    children_free(c);
    buf_release(&out);
}

static void check_killed_parent(void)
{
    struct sandbox s = {0};
    struct error e = {0};
    int fds[2], told[2];
    CHECK_INT(pipe(fds), 0);
    CHECK_INT(pipe(told), 0);
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct children *c = children_new(false, &e);
        int fd = begin_with_pipe(c, &s, NULL, "echo x; (setsid sleep 100 &); sleep 100");
        await_byte(fd);
        (void)!write(told[1], "x", 1);
        (void)pause();
        _exit(0);
    }
    await_byte(told[0]);
    /* The sandbox is in a group of its own and has nothing of ours: its end shows in the process
     * list only. */
    char list[64];
    (void)snprintf(list, sizeof list, "/proc/%ld/task/%ld/children", (long)pid, (long)pid);
    struct buf text = {0};
    CHECK_INT(file_load(list, 4096, &text, &e), 0);
    pid_t first = (pid_t)strtol(buf_text(&text), NULL, 10);
    CHECK(first > 1 && kill(first, 0) == 0);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    bool gone = false;
    for (int i = 0; i < 500 && !gone; i++) {
        gone = kill(first, 0) != 0;
        (void)usleep(10000);
    }
    CHECK(gone);
    buf_release(&text);
    for (int i = 0; i < 2; i++) {
        close(fds[i]);
        close(told[i]);
    }
}

TEST(a_killed_parent_leaves_nothing)
{
    check_for_both(check_killed_parent);
}

static void *allocate(void *stop)
{
    while (!atomic_load((atomic_bool *)stop)) {
        mem_free(mem_alloc(100));
        mem_free(mem_alloc(100000));
    }
    return NULL;
}

TEST(other_threads_do_not_matter)
{
    pthread_t threads[2];
    atomic_bool stop = false;
    struct sandbox s = {.network = true};
    if (!possible())
        return;
    for (int i = 0; i < 2; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, allocate, &stop), 0);
    for (int i = 0; i < 50; i++)
        check_says(&s, "echo $$", "2\n");
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++)
        (void)pthread_join(threads[i], NULL);
}

/* ---- another's ---- */

static void check_as_bubblewrap(void)
{
    const char *out_folder = data_folder("out");
    const struct sandbox_mount m = {out_folder, "/mnt", true};
    struct sandbox s = {&m, 1, "algo-1", false};
    char *argv[] = {(char[]){"bwrap"},
                    (char[]){"--ro-bind"},
                    (char[]){"/"},
                    (char[]){"/"},
                    (char[]){"--dev"},
                    (char[]){"/dev"},
                    (char[]){"--proc"},
                    (char[]){"/proc"},
                    (char[]){"--tmpfs"},
                    (char[]){"/tmp"},
                    (char[]){"--bind"},
                    (char *)(uintptr_t)out_folder,
                    (char[]){"/mnt"},
                    (char[]){"--unshare-all"},
                    (char[]){"--hostname"},
                    (char[]){"algo-1"},
                    (char[]){"--chdir"},
                    (char[]){"/"},
                    (char[]){"/bin/sh"},
                    (char[]){"-c"},
                    NULL,
                    NULL};
    const char *const scripts[] = {
        WRITABLE " | grep -v '^/dev'",
        "ls -lA / /usr /etc | grep -v -e ' dev$' -e ' proc$' -e ' tmp$' | sort",
        "ls /dev | grep -v -e core -e console",
        "uname -n; id -u; id -g; cut -d: -f1 /proc/net/dev; cat /proc/self/setgroups",
        "ls -A /tmp /mnt /dev/shm; cat /proc/sys/kernel/osrelease",
        "grep NoNewPrivs /proc/self/status",
    };
    for (size_t i = 0; i < COUNT_OF(scripts); i++) {
        struct buf ours = {0}, theirs = {0};
        argv[COUNT_OF(argv) - 2] = (char *)(uintptr_t)scripts[i];
        CHECK_INT(run(&s, scripts[i], &ours).status, 0);
        CHECK_INT(run_child(&(struct child){.argv = argv, .in = -1, .out = -1}, &theirs).status, 0);
        CHECK_TEXT(buf_text(&ours), buf_text(&theirs));
        buf_release(&ours);
        buf_release(&theirs);
    }
}

TEST(a_program_sees_what_bubblewrap_shows_it)
{
    if (access("/usr/bin/bwrap", X_OK) != 0)
        unit_skipped = "there is no bwrap";
    else if (geteuid() == 0 && possible()) /* its setgroups differ for root */
        check_apart(become_nobody, check_as_bubblewrap);
    else if (possible())
        check_as_bubblewrap();
}

TEST(nothing_is_left)
{
    unit_remove(unit_folder());
}
