/* Which files a command opens: it runs under ptrace, and stops at those calls alone that open or
 * rename a file. A filter (seccomp) picks them out, so that all others cost nothing. */
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* After <sys/ptrace.h>, which has names in common with it. */
#include <linux/ptrace.h>

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#else
#define OWN_ARCH 0 /* nothing is seen */
#endif

enum { PATH_ROOM = 4096, CALL_STOP = SIGTRAP | 0x80 };

/* Calls that matter; where the path, the folder it is relative to and the flags are among the
 * arguments, -1: nowhere. */
static const struct call {
    int number;
    int8_t path, folder, flags;
    bool renames; /* path is the new name */
} calls[] = {
#ifdef SYS_open
    {SYS_open, 0, -1, 1, false},     {SYS_creat, 0, -1, -1, false},
    {SYS_rename, 1, -1, -1, true},   {SYS_link, 1, -1, -1, true},
#endif
#ifdef SYS_renameat
    {SYS_renameat, 3, 2, -1, true},
#endif
    {SYS_openat, 1, 0, 2, false},    {SYS_openat2, 1, 0, -1, false},
    {SYS_renameat2, 3, 2, -1, true}, {SYS_linkat, 3, 2, -1, true},
};

/* A thread that is traced. */
struct traced {
    pid_t tid;
    const struct call *call; /* it is in; NULL: in none */
    uint64_t args[6];
};

struct tracer {
    pid_t child;
    VEC(struct traced) threads;
    struct seen_files *out;
};

/* ---- the command ---- */

static int set_filter(void)
{
    enum { LENGTH = 4 + 2 * COUNT_OF(calls) + 1 };
    struct sock_filter code[LENGTH];
    unsigned n = 0;
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 1, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                 (uint32_t)calls[i].number, 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {(unsigned short)n, code};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
        return 0;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
               ? prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)
               : -1;
}

/* Waits until it is traced; "go" is closed without a word when it cannot be. It is a child of the
 * tracer, and its interrupts are as they were for us. */
static _Noreturn void be_command(char *const argv[], int go)
{
    char word;
    bool traced = read(go, &word, 1) == 1;
    close(go);
    if (traced)
        (void)set_filter(); /* without it nothing is seen */
    execvp(argv[0], argv);
    _exit(errno == ENOENT ? 127 : 126);
}

/* ---- what it does ---- */

static struct traced *thread_of(struct tracer *t, pid_t tid)
{
    for (size_t i = 0; i < t->threads.len; i++)
        if (t->threads.at[i].tid == tid)
            return &t->threads.at[i];
    vec_push(&t->threads, ((struct traced){.tid = tid}));
    return &t->threads.at[t->threads.len - 1];
}

static void forget_thread(struct tracer *t, pid_t tid)
{
    struct traced *x = thread_of(t, tid);
    *x = t->threads.at[--t->threads.len];
}

static void note(struct tracer *t, const char *path, bool written)
{
    bool is_new;
    size_t i = map_put(&t->out->paths, text_of(path), &is_new);
    if (is_new)
        vec_push(&t->out->ways, ((struct seen_way){false, false}));
    struct seen_way *way = &t->out->ways.at[i];
    way->read_first = way->read_first || (!written && !way->written);
    way->written = way->written || written;
}

/* What a link of /proc says; false: it is no file any more. */
static bool read_link(const char *link, char path[static PATH_ROOM])
{
    ssize_t n = readlink(link, path, PATH_ROOM - 1);
    if (n <= 0 || path[0] != '/')
        return false;
    path[n] = 0;
    return true;
}

static bool read_string(pid_t tid, uint64_t address, char into[static PATH_ROOM])
{
    enum { PAGE = 4096 };
    size_t n = 0;
    while (n < PATH_ROOM - 1) {
        size_t piece = PAGE - (size_t)((address + n) % PAGE);
        piece = piece < PATH_ROOM - 1 - n ? piece : PATH_ROOM - 1 - n;
        struct iovec here = {into + n, piece}, there = {(void *)(uintptr_t)(address + n), piece};
        ssize_t got = process_vm_readv(tid, &here, 1, &there, 1, 0);
        if (got <= 0)
            return false;
        if (memchr(into + n, 0, (size_t)got))
            return true;
        n += (size_t)got;
    }
    return false;
}

/* A new name, from the folder that it is relative to. */
static void note_name(struct tracer *t, const struct traced *x)
{
    char name[PATH_ROOM], folder[PATH_ROOM], link[64];
    int fd = x->call->folder >= 0 ? (int)x->args[x->call->folder] : AT_FDCWD;
    if (!read_string(x->tid, x->args[x->call->path], name))
        return;
    if (name[0] == '/') {
        note(t, name, true);
        return;
    }
    if (fd == AT_FDCWD)
        (void)snprintf(link, sizeof link, "/proc/%ld/cwd", (long)x->tid);
    else
        (void)snprintf(link, sizeof link, "/proc/%ld/fd/%d", (long)x->tid, fd);
    if (!read_link(link, folder))
        return;
    char *path = mem_format("%s/%s", folder, name);
    note(t, path, true);
    mem_free(path);
}

static void note_opened(struct tracer *t, const struct traced *x, int64_t fd)
{
    char link[64], path[PATH_ROOM];
    uint64_t flags = x->call->flags >= 0 ? x->args[x->call->flags] : O_WRONLY;
    if (x->call->number == SYS_openat2) {
        struct iovec here = {&flags, sizeof flags},
                     there = {(void *)(uintptr_t)x->args[2], sizeof flags};
        if (process_vm_readv(x->tid, &here, 1, &there, 1, 0) != sizeof flags)
            return;
    }
    (void)snprintf(link, sizeof link, "/proc/%ld/fd/%lld", (long)x->tid, (long long)fd);
    if (!(flags & (O_DIRECTORY | O_PATH)) && read_link(link, path))
        note(t, path, (flags & O_ACCMODE) != O_RDONLY);
}

static void note_program(struct tracer *t, pid_t tid)
{
    char link[64], path[PATH_ROOM];
    (void)snprintf(link, sizeof link, "/proc/%ld/exe", (long)tid);
    if (read_link(link, path))
        note(t, path, false);
}

/* At the beginning of a call that matters. */
static void begin_call(struct tracer *t, pid_t tid)
{
    struct ptrace_syscall_info info = {0};
    struct traced *x = thread_of(t, tid);
    x->call = NULL;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) <= 0 ||
        info.op != PTRACE_SYSCALL_INFO_SECCOMP)
        return;
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        if (info.seccomp.nr == (uint64_t)calls[i].number)
            x->call = &calls[i];
    memcpy(x->args, info.seccomp.args, sizeof x->args);
}

static void end_call(struct tracer *t, pid_t tid)
{
    struct ptrace_syscall_info info = {0};
    struct traced *x = thread_of(t, tid);
    if (x->call && ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) > 0 &&
        info.op == PTRACE_SYSCALL_INFO_EXIT && info.exit.rval >= 0) {
        if (x->call->renames)
            note_name(t, x);
        else
            note_opened(t, x, info.exit.rval);
    }
    x->call = NULL;
}

/* How a thread that stopped goes on. */
static void go_on(struct tracer *t, pid_t tid, int raw)
{
    int event = raw >> 16, stopped_by = WSTOPSIG(raw);
    if (event == PTRACE_EVENT_SECCOMP) {
        begin_call(t, tid);
        (void)ptrace(thread_of(t, tid)->call ? PTRACE_SYSCALL : PTRACE_CONT, tid, 0, 0);
    } else if (stopped_by == CALL_STOP) {
        end_call(t, tid);
        (void)ptrace(PTRACE_CONT, tid, 0, 0);
    } else if (event == PTRACE_EVENT_STOP) {
        bool of_group = stopped_by == SIGSTOP || stopped_by == SIGTSTP || stopped_by == SIGTTIN ||
                        stopped_by == SIGTTOU;
        (void)ptrace(of_group ? PTRACE_LISTEN : PTRACE_CONT, tid, 0, 0);
    } else if (event) {
        if (event == PTRACE_EVENT_EXEC)
            note_program(t, tid);
        (void)ptrace(PTRACE_CONT, tid, 0, 0);
    } else {
        (void)ptrace(PTRACE_CONT, tid, 0, stopped_by);
    }
}

/* ---- between the tracer and its caller ---- */

/* A call that matters fails once there is no tracer, so the tracer must outlive all it traces: it
 * is a process of its own, which tells what it saw when the command has ended. */
struct told {
    int raw; /* status of the command */
    bool traced;
    uint64_t count; /* of paths: for each its way, its length, itself */
};

static void tell(const struct tracer *t, int raw, int to)
{
    struct told told = {.raw = raw, .traced = t->out->traced, .count = t->out->ways.len};
    struct buf b = {0};
    buf_add(&b, &told, sizeof told);
    for (size_t i = 0; i < t->out->ways.len; i++) {
        struct text path = t->out->paths.keys.at[i];
        buf_add(&b, &t->out->ways.at[i], sizeof t->out->ways.at[i]);
        buf_add(&b, &path.len, sizeof path.len);
        buf_add(&b, path.at, path.len);
    }
    (void)file_write(to, b.at, b.len, "a pipe", NULL);
    buf_release(&b);
    close(to);
}

static int hear(int from, struct told *told, struct seen_files *out, struct error *e)
{
    if (file_read(from, told, sizeof *told, "a pipe", e) != sizeof *told)
        return error_set(e, ERR_SYSTEM, "the process that watched the command was killed");
    out->traced = told->traced;
    for (uint64_t i = 0; i < told->count; i++) {
        struct seen_way way;
        size_t n;
        if (file_read(from, &way, sizeof way, "a pipe", e) != sizeof way ||
            file_read(from, &n, sizeof n, "a pipe", e) != sizeof n)
            return ERR_SYSTEM;
        char *path = mem_alloc(n + 1);
        (void)file_read(from, path, n, "a pipe", e);
        map_put(&out->paths, (struct text){path, n}, NULL);
        vec_push(&out->ways, way);
        mem_free(path);
    }
    return 0;
}

/* Tells when the command has ended, and goes on as long as anything that it left behind does. */
static void follow(struct tracer *t, int to)
{
    for (;;) {
        int raw;
        pid_t tid = waitpid(-1, &raw, __WALL);
        if (tid < 0 && errno == EINTR)
            continue;
        if (tid < 0)
            return;
        if (WIFSTOPPED(raw)) {
            go_on(t, tid, raw);
            continue;
        }
        forget_thread(t, tid);
        if (tid == t->child)
            tell(t, raw, to);
    }
}

static _Noreturn void be_tracer(char *const argv[], int to)
{
    enum {
        OPTIONS = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
                  PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC
    };
    struct seen_files seen = {.traced = false};
    struct tracer t = {.out = &seen};
    int go[2];
    if (pipe2(go, O_CLOEXEC) != 0)
        _exit(1);
    t.child = fork();
    if (t.child == 0) {
        close(go[1]);
        be_command(argv, go[0]);
    }
    close(go[0]);
    static const int ends[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM}; /* are the command's to see */
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        (void)signal(ends[i], SIG_IGN);
    seen.traced = t.child > 0 && ptrace(PTRACE_SEIZE, t.child, 0, OPTIONS) == 0;
    (void)file_write(to, &t.child, sizeof t.child, "a pipe", NULL);
    if (seen.traced && write(go[1], "t", 1) != 1)
        seen.traced = false;
    close(go[1]);
    if (t.child > 0) {
        (void)thread_of(&t, t.child);
        follow(&t, to);
    }
    _exit(0);
}

/* The command that signals to us are meant for. */
static volatile sig_atomic_t watched;

static void pass_on(int number)
{
    if (watched > 0)
        (void)kill((pid_t)watched, number);
}

static void pass_signals(bool on, struct sigaction before[static 2])
{
    static const int numbers[] = {SIGHUP, SIGTERM};
    struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        (void)sigaction(numbers[i], on ? &action : &before[i], on ? &before[i] : NULL);
}

int process_watch(char *const argv[], struct seen_files *out, int *status, struct error *e)
{
    int ends[2];
    pid_t child = 0;
    struct told told = {0};
    struct sigaction before[2], ignore = {.sa_handler = SIG_IGN}, interrupt;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_errno(e, "cannot make a pipe");
    pid_t tracer = fork();
    if (tracer == 0) {
        close(ends[0]);
        be_tracer(argv, ends[1]);
    }
    close(ends[1]);
    (void)sigaction(SIGINT, &ignore, &interrupt); /* from a terminal the command has it, too */
    int got = tracer < 0 || file_read(ends[0], &child, sizeof child, "a pipe", e) != sizeof child ||
                      child < 0
                  ? error_set(e, ERR_SYSTEM, "cannot run %s", argv[0])
                  : 0;
    watched = child;
    pass_signals(true, before);
    if (got == 0)
        got = hear(ends[0], &told, out, e);
    pass_signals(false, before);
    (void)sigaction(SIGINT, &interrupt, NULL);
    close(ends[0]);
    *status = WIFSIGNALED(told.raw) ? 128 + WTERMSIG(told.raw) : WEXITSTATUS(told.raw);
    return got;
}

void seen_files_release(struct seen_files *s)
{
    map_release(&s->paths);
    vec_release(&s->ways);
}
