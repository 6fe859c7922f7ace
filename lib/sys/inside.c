/* The child's side of a sandbox: it waits for the parent's word, builds what the program sees,
 * starts it, and stays as pid 1. Nothing here may allocate or lock. */
#include "sys/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONTROL = 3, ABOVE = 8, EXIT_FAILED = 127 };

/* What the kernel's headers may not know yet. */
struct mount_attributes {
    uint64_t set, clear, propagation, user_namespace;
};
enum { READ_ONLY = 1, RECURSIVE = 0x8000 };

static void tell(int control, const struct told *t)
{
    while (send(control, t, sizeof *t, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

static _Noreturn void fail(int control, enum stage stage, size_t step)
{
    tell(control, &(struct told){.stage = stage, .number = errno, .step = step});
    _exit(EXIT_FAILED);
}

/* ---- descriptors ---- */

/* The three move up first: one of them may be where another goes. */
static bool take_streams(const struct spawn *s)
{
    const int fds[] = {s->in, s->out, s->err};
    int moved[3];
    for (int i = 0; i < 3; i++)
        moved[i] = fds[i] >= 0 ? fcntl(fds[i], F_DUPFD_CLOEXEC, ABOVE) : -1;
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0 && (moved[i] < 0 || dup2(moved[i], i) < 0))
            return false;
    return true;
}

/* The parent's pipes to others would not end while this process has them. */
static void close_others(rlim_t most_fd)
{
    if (syscall(SYS_close_range, CONTROL + 1, ~0U, 0) == 0)
        return;
    for (rlim_t fd = CONTROL + 1; fd < most_fd; fd++)
        close((int)fd);
}

/* ---- what the program sees ---- */

static bool step_take(const struct step *s)
{
    const struct mount_attributes read_only = {.set = READ_ONLY};
    int fd;
    switch (s->kind) {
    case STEP_FOLDER:
        return mkdir(s->to, 0755) == 0 || errno == EEXIST;
    case STEP_FILE:
        fd = open(s->to, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        return fd >= 0 && close(fd) == 0;
    case STEP_LINK:
        return symlink(s->from, s->to) == 0;
    case STEP_BIND:
        return mount(s->from, s->to, NULL, MS_BIND | MS_REC, NULL) == 0;
    case STEP_READ_ONLY:
        return syscall(SYS_mount_setattr, AT_FDCWD, s->to, RECURSIVE, &read_only,
                       sizeof read_only) == 0;
    case STEP_REMOUNT: /* one that is hidden under another is out of reach */
        return mount(NULL, s->to, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | s->flags, NULL) == 0 ||
               errno == EINVAL || errno == ENOENT || errno == ENOTDIR;
    case STEP_MEMORY:
        return mount("tmpfs", s->to, "tmpfs", MS_NOSUID | MS_NODEV, s->from) == 0;
    case STEP_PROC:
        return mount("proc", s->to, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0;
    case STEP_TERMINALS:
        return mount("devpts", s->to, "devpts", MS_NOSUID | MS_NOEXEC,
                     "newinstance,ptmxmode=0666,mode=620") == 0;
    }
    return false;
}

/* The host's root moves to /old of a file system in memory: what the base hides of it is seen again
 * then. */
static bool move_root(const char *base)
{
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", base, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") == 0 &&
           chdir(base) == 0 && mkdir("new", 0755) == 0 && mkdir("old", 0755) == 0 &&
           syscall(SYS_pivot_root, ".", "old") == 0 && chdir("/") == 0;
}

/* The old root is stacked on the new one, and leaves with all that is in it. */
static bool leave_root(void)
{
    return chdir("/new") == 0 && syscall(SYS_pivot_root, ".", ".") == 0 &&
           umount2(".", MNT_DETACH) == 0 && chdir("/") == 0;
}

static bool loopback_up(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
    int number = errno;
    if (fd >= 0)
        close(fd);
    errno = number;
    return up;
}

static void build(const struct inside *x)
{
    const struct sandbox *s = x->sandbox;
    mode_t mask = umask(0);
    if (!move_root(x->base))
        fail(CONTROL, STAGE_ROOT, 0);
    for (size_t i = 0; i < x->plan->steps.len; i++)
        if (!step_take(&x->plan->steps.at[i]))
            fail(CONTROL, STAGE_STEP, i);
    if (!leave_root())
        fail(CONTROL, STAGE_LEAVE, 0);
    if (s->hostname && sethostname(s->hostname, strlen(s->hostname)) != 0)
        fail(CONTROL, STAGE_HOSTNAME, 0);
    if (!s->network && !loopback_up())
        fail(CONTROL, STAGE_LOOPBACK, 0);
    (void)umask(mask);
}

/* ---- the program ---- */

struct start {
    const struct inside *x;
    volatile enum stage stage;
    volatile int number; /* errno */
};

/* Where there is a lower limit already, that stays. */
static bool limit(int what, uint64_t most)
{
    struct rlimit r;
    if (most == 0)
        return true;
    if (getrlimit((__rlimit_resource_t)what, &r) != 0)
        return false;
    r.rlim_cur = r.rlim_max = most < r.rlim_max ? most : r.rlim_max;
    return setrlimit((__rlimit_resource_t)what, &r) == 0;
}

/* Root keeps what it needs to work with files of all users; nobody keeps what changes mounts. */
static bool drop_privileges(void)
{
    static const int kept[] = {CAP_CHOWN,   CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER,
                               CAP_FSETID,  CAP_KILL,         CAP_SETGID,          CAP_SETUID,
                               CAP_SETPCAP, CAP_SYS_CHROOT,   CAP_NET_BIND_SERVICE};
    for (int i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++) {
        bool keep = false;
        for (size_t k = 0; k < sizeof kept / sizeof *kept; k++)
            keep = keep || kept[k] == i;
        if (!keep && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0)
            return false;
    }
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static void clean_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* As execvp, with what it would find out in PATH already spelled out. */
static int run_first(const struct inside *x)
{
    int number = ENOENT;
    for (const char *const *path = x->programs; *path; path++) {
        (void)execve(*path, x->spawn->argv, x->environment);
        if (errno == EACCES)
            number = EACCES;
        else if (errno != ENOENT && errno != ENOTDIR && errno != ESTALE)
            return errno;
    }
    return number;
}

static bool enter_directory(const struct inside *x)
{
    const char *own = x->spawn->directory;
    if (own)
        return chdir(own) == 0;
    return !x->directory || chdir(x->directory) == 0 || chdir("/") == 0;
}

/* Returns the failure; STAGE_STARTED when there is no program to run. */
static enum stage become(const struct inside *x)
{
    if (!enter_directory(x))
        return STAGE_DIRECTORY;
    if (x->sandbox && !drop_privileges())
        return STAGE_PRIVILEGES;
    if (x->limits && !limit(RLIMIT_NOFILE, x->limits->open_files))
        return STAGE_OPEN_FILES;
    if (x->limits && !limit(RLIMIT_FSIZE, x->limits->file_size))
        return STAGE_FILE_SIZE;
    clean_signals();
    if (!x->programs)
        return STAGE_STARTED;
    errno = run_first(x);
    return STAGE_PROGRAM;
}

/* Shares memory with pid 1, which waits until it has become the program. */
static int program(void *argument)
{
    struct start *s = argument;
    (void)setsid(); /* no terminal: what is typed into one is the host's */
    s->stage = become(s->x);
    s->number = errno;
    return s->stage == STAGE_STARTED ? 0 : EXIT_FAILED; /* it ends with this */
}

/* ---- pid 1 ---- */

/* What the program left behind ends with it. Waiting for one that was moved into another group of
 * signals or session works, too: all orphans are ours. */
static _Noreturn void finish(int raw)
{
    struct told t = {.stage = STAGE_ENDED, .raw = raw};
    (void)kill(-1, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        ;
    (void)getrusage(RUSAGE_CHILDREN, &t.use);
    tell(CONTROL, &t);
    _exit(0);
}

static void reap(pid_t main_one)
{
    int raw;
    for (pid_t pid; (pid = waitpid(-1, &raw, WNOHANG)) > 0;)
        if (pid == main_one)
            finish(raw);
}

static _Noreturn void stay(pid_t main_one)
{
    sigset_t all;
    sigfillset(&all);
    for (;;) {
        siginfo_t info;
        int number = sigwaitinfo(&all, &info);
        if (number == SIGCHLD)
            reap(main_one);
        else if (number > 0 && info.si_pid == 0 && kill(-main_one, number) != 0)
            (void)kill(main_one, number); /* from outside: processes inside have numbers here */
    }
}

static _Noreturn void be_first(const struct inside *x)
{
    struct start s = {.x = x};
    build(x);
    /* The program may not look into this process, which has a copy of the parent's memory. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    pid_t pid = clone(program, x->stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &s);
    if (pid < 0)
        fail(CONTROL, STAGE_PROGRAM, 0);
    if (s.stage != STAGE_STARTED) {
        errno = s.number;
        fail(CONTROL, s.stage, 0);
    }
    for (int fd = 0; fd < CONTROL; fd++)
        close(fd); /* they end when the program's do */
    tell(CONTROL, &(struct told){.stage = STAGE_STARTED});
    stay(pid);
}

/* ---- the birth ---- */

/* The parent's word comes when it has given this process its user and its group; none comes when it
 * died. */
static void await_word(int control)
{
    char word;
    ssize_t n;
    while ((n = read(control, &word, 1)) < 0 && errno == EINTR)
        ;
    if (n != 1)
        _exit(EXIT_FAILED);
}

static _Noreturn void in_sandbox(const struct inside *x)
{
    if (syscall(SYS_getpid) != 1)
        _exit(EXIT_FAILED); /* what it kills at its end would be the host's processes */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    (void)signal(SIGCHLD, SIG_DFL);
    int control = fcntl(x->control, F_DUPFD_CLOEXEC, ABOVE);
    if (!take_streams(x->spawn) || dup3(control, CONTROL, O_CLOEXEC) < 0)
        fail(control, STAGE_STREAMS, 0);
    close_others(x->most_fd);
    await_word(CONTROL);
    be_first(x);
}

void inside_run(const struct inside *x)
{
    if (setpgid(0, 0) != 0)
        fail(x->control, STAGE_STREAMS, 0);
    if (x->sandbox)
        in_sandbox(x);
    await_word(x->control);
    if (!take_streams(x->spawn))
        fail(x->control, STAGE_STREAMS, 0);
    fail(x->control, become(x), 0);
}
