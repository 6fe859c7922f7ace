/* The parent's side of a sandbox and of limits: birth in new namespaces, the user's numbers,
 * control groups, and what the child tells. */
#include "sys/confine.h"

#include "sys/cgroup.h"
#include "sys/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 64 << 10, MAP_MAX = 16 << 10 };

struct confined {
    int control; /* a socket to the child */
    bool sandboxed;
    struct cgroup *group; /* NULL: none */
};

/* ---- what the child needs ---- */

struct prepared {
    struct inside inside;
    struct plan plan;
    struct arena arena;
    VEC(const char *) programs;
    char here[PATH_MAX];
    char *stack;
};

/* As execvp looks for it. */
static void find_programs(struct prepared *p, const char *name)
{
    const char *path = getenv("PATH");
    if (strchr(name, '/')) {
        vec_push(&p->programs, name);
        path = NULL;
    } else if (!path) {
        path = "/bin:/usr/bin";
    }
    for (const char *at = path; at && *name;) {
        size_t len = strcspn(at, ":");
        vec_push(&p->programs,
                 arena_format(&p->arena, "%.*s%s%s", (int)len, at, len ? "/" : "", name));
        at = at[len] ? at + len + 1 : NULL;
    }
    vec_push(&p->programs, NULL);
}

static bool can_set_all_mounts(void)
{
    return syscall(SYS_mount_setattr, -1, "", 0, NULL, 0) == 0 || errno != ENOSYS;
}

static int prepare(struct prepared *p, const struct spawn *s, const struct sandbox *sandbox,
                   const struct limits *limits, int control, struct error *e)
{
    struct rlimit files = {0};
    (void)getrlimit(RLIMIT_NOFILE, &files);
    if (s->argv)
        find_programs(p, s->argv[0]);
    p->stack = mem_alloc(STACK);
    p->inside = (struct inside){.spawn = s,
                                .sandbox = sandbox,
                                .limits = limits,
                                .plan = &p->plan,
                                .base = access("/tmp", F_OK) == 0 ? "/tmp" : "/dev",
                                .directory = getcwd(p->here, sizeof p->here),
                                .programs = p->programs.at,
                                .environment = s->environment ? s->environment : environ,
                                .control = control,
                                .most_fd = files.rlim_cur,
                                .stack = p->stack + STACK};
    return sandbox ? plan_make(sandbox, !can_set_all_mounts(), &p->plan, e) : 0;
}

static void prepared_release(struct prepared *p)
{
    plan_release(&p->plan);
    arena_release(&p->arena);
    vec_release(&p->programs);
    mem_free(p->stack);
}

/* ---- its user ---- */

/* 0, or an errno value. */
static int put(pid_t pid, const char *file, const char *text)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC), number = 0;
    if (fd < 0)
        return errno;
    if (write(fd, text, strlen(text)) < 0)
        number = errno;
    close(fd);
    return number;
}

/* Every number that there is here stays what it is. */
static int map_all(pid_t pid, const char *file)
{
    char path[64];
    struct buf here = {0}, text = {0};
    (void)snprintf(path, sizeof path, "/proc/self/%s", file);
    int number = file_load(path, MAP_MAX, &here, NULL) == 0 ? 0 : EIO;
    char *line = number == 0 ? mem_text(buf_text(&here)) : mem_text(""), *at = line;
    while (*at) { /* first inside, first outside, how many */
        unsigned long first = strtoul(at, &at, 10);
        (void)strtoul(at, &at, 10);
        buf_format(&text, "%lu %lu %lu\n", first, first, strtoul(at, &at, 10));
        at += strspn(at, "\n ");
    }
    mem_free(line);
    if (number == 0)
        number = put(pid, file, buf_text(&text));
    buf_release(&here);
    buf_release(&text);
    return number;
}

static int map_one(pid_t pid, const char *file, unsigned id)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%u %u 1\n", id, id);
    return put(pid, file, text);
}

/* Root needs the numbers of others for their files; who may not have them has its own alone, and
 * then cannot leave its groups. */
static int map_user(pid_t pid)
{
    bool root = geteuid() == 0;
    int number = root ? map_all(pid, "uid_map") : EPERM;
    if (number)
        number = map_one(pid, "uid_map", geteuid());
    if (number)
        return number;
    number = root ? map_all(pid, "gid_map") : EPERM;
    if (number) {
        (void)put(pid, "setgroups", "deny"); /* an old kernel has it not */
        number = map_one(pid, "gid_map", getegid());
    }
    return number;
}

/* ---- what it tells ---- */

static int describe(const struct told *t, const struct plan *plan, struct error *e)
{
    static const char *const what[] = {
        [STAGE_STREAMS] = "cannot take its streams",
        [STAGE_ROOT] = "cannot make a root folder",
        [STAGE_LEAVE] = "cannot change the root folder",
        [STAGE_HOSTNAME] = "cannot set the host name",
        [STAGE_LOOPBACK] = "cannot make a loopback",
        [STAGE_PRIVILEGES] = "cannot drop privileges",
        [STAGE_OPEN_FILES] = "cannot limit open files",
        [STAGE_FILE_SIZE] = "cannot limit the size of files",
        [STAGE_DIRECTORY] = "cannot enter its folder",
    };
    errno = t->number;
    if (t->stage == STAGE_PROGRAM)
        return error_set(e, ERR_SYSTEM, "%s", strerror(t->number));
    if (t->stage != STAGE_STEP)
        return error_errno(e, "%s", what[t->stage]);
    const struct step *s = &plan->steps.at[t->step];
    return error_errno(e, "cannot make %s in the sandbox", s->to + strlen("/new"));
}

/* The next that the child told; false when it will tell nothing more. */
static bool hear(int control, struct told *t, int flags)
{
    ssize_t n;
    while ((n = recv(control, t, sizeof *t, flags)) < 0 && errno == EINTR)
        ;
    return n == (ssize_t)sizeof *t;
}

/* A program without a pid 1 of ours closes the socket when it begins. */
static int await_program(const struct confined *c, const struct plan *plan, struct error *e)
{
    struct told t;
    if (hear(c->control, &t, 0)) {
        if (t.stage == STAGE_STARTED)
            return 0;
        int status = describe(&t, plan, e);
        bool about_mounts = t.stage != STAGE_PROGRAM && t.stage != STAGE_DIRECTORY;
        errno = t.number == ENOENT && about_mounts ? EINVAL : t.number;
        return status;
    }
    if (!c->sandboxed)
        return 0;
    struct child_event event = {0};
    if (c->group)
        cgroup_read(c->group, &event);
    errno = event.out_of_memory ? EDQUOT : EAGAIN;
    return error_set(e, ERR_SYSTEM, "%s killed it before its program began",
                     event.out_of_memory ? "its memory limit" : "somebody");
}

/* ---- starting ---- */

static pid_t give_birth(const struct inside *x)
{
    unsigned long flags = SIGCHLD;
    if (x->sandbox)
        flags |= CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
                 (x->sandbox->network ? 0UL : CLONE_NEWNET);
    pid_t pid = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
    if (pid == 0)
        inside_run(x);
    return pid;
}

/* Gives it what only its parent can, and lets it go on. */
static int admit(const struct confined *c, pid_t pid, struct error *e)
{
    int number = c->sandboxed ? map_user(pid) : 0;
    errno = number;
    if (number)
        return error_errno(e, "cannot give the sandbox its user");
    if (c->group && cgroup_enter(c->group, pid, e) != 0)
        return ERR_SYSTEM;
    return send(c->control, "", 1, MSG_NOSIGNAL) == 1 ? 0 : error_errno(e, "it ended at once");
}

static void end_birth(pid_t pid)
{
    int number = errno;
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    errno = number;
}

static int start(struct confined *c, struct prepared *p, struct error *e, pid_t *pid)
{
    sigset_t all, before;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    *pid = give_birth(&p->inside);
    int number = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(p->inside.control); /* its end is the child's end then */
    errno = number;
    if (*pid < 0)
        return error_errno(e, c->sandboxed ? "cannot make namespaces" : "cannot make a process");
    int status = admit(c, *pid, e);
    if (status == 0)
        status = await_program(c, &p->plan, e);
    if (status)
        end_birth(*pid);
    return status;
}

/* Both ends, above the standard descriptors. */
static int control_open(int ends[2], struct error *e)
{
    int pair[2];
    ends[0] = ends[1] = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return error_errno(e, "cannot make a socket");
    for (int i = 0; i < 2; i++) {
        ends[i] = fcntl(pair[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        close(pair[i]);
    }
    return ends[0] >= 0 && ends[1] >= 0 ? 0 : error_errno(e, "cannot make a socket");
}

int confined_start(const struct spawn *s, const struct sandbox *sandbox,
                   const struct limits *limits, struct confined **out, pid_t *pid, struct error *e)
{
    struct prepared p = {0};
    struct confined *c = mem_alloc(sizeof *c);
    int ends[2];
    c->sandboxed = sandbox != NULL;
    int status = control_open(ends, e);
    c->control = ends[0];
    if (status == 0)
        status = cgroup_make(limits, sandbox ? 1 : 0, &c->group, e);
    if (status == 0)
        status = prepare(&p, s, sandbox, limits, ends[1], e);
    if (status && errno == ENOENT)
        errno = EINVAL; /* not the program */
    if (status == 0)
        status = start(c, &p, e, pid);
    else if (ends[1] >= 0)
        (void)close(ends[1]);
    int number = errno;
    prepared_release(&p);
    if (status == 0)
        *out = c;
    else
        confined_free(c);
    errno = number;
    return status;
}

/* ---- its end ---- */

void confined_kill(const struct confined *c)
{
    if (c->group)
        cgroup_kill(c->group);
}

void confined_end(struct confined *c, int *raw, struct rusage *use, struct child_event *out)
{
    struct told t;
    if (c->sandboxed && hear(c->control, &t, MSG_DONTWAIT) && t.stage == STAGE_ENDED) {
        *raw = t.raw;
        *use = t.use;
    }
    if (!c->group)
        return;
    cgroup_kill(c->group);
    cgroup_read(c->group, out);
}

void confined_free(struct confined *c)
{
    if (!c)
        return;
    if (c->control >= 0)
        close(c->control);
    cgroup_free(c->group);
    mem_free(c);
}
