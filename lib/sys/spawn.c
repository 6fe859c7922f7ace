/* How children are started: as by posix_spawn, but without a stack that is mapped, touched and
 * unmapped for each of them, a question for each of 64 signals and six for limits: 2 percent of
 * what a program that does nothing costs. */
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_end(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* An end that happens to be 0, 1 or 2 (the caller's own may be closed) would be overwritten by the
 * child's redirections: it moves up. */
static int above_standard(int fd)
{
    if (fd > STDERR_FILENO)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    return moved;
}

int channel_open(struct channel *c, bool child_reads)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    for (int i = 0; i < 2; i++)
        ends[i] = above_standard(ends[i]);
    c->theirs = ends[child_reads ? 0 : 1];
    c->ours = ends[child_reads ? 1 : 0];
    return c->theirs >= 0 && c->ours >= 0 ? 0 : EMFILE;
}

void channel_close_theirs(struct channel *c)
{
    close_end(c->theirs);
    c->theirs = -1;
}

void channel_close_ours(struct channel *c)
{
    close_end(c->ours);
    c->ours = -1;
}

/* ---- in the child, which has our memory until it runs its program ---- */

/* A handler of ours must not run there; what is ignored stays so, for nohup. */
static void forget_handler(int number)
{
    struct sigaction is;
    if (sigaction(number, NULL, &is) == 0 && is.sa_handler != SIG_IGN && is.sa_handler != SIG_DFL)
        (void)sigaction(number, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
}

/* The caller may have blocked signals or ignored SIGPIPE; a child starts with neither. */
static void reset_signals(void)
{
    static const int caught[] = {SIGHUP, SIGINT, SIGTERM}; /* by programs of this library */
    sigset_t none;
    for (size_t i = 0; i < COUNT_OF(caught); i++)
        forget_handler(caught[i]);
    (void)sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool redirect(const struct spawn *s)
{
    const int fds[] = {s->in, s->out, s->err};
    for (int i = 0; i < 3; i++)
        if (fds[i] == i ? fcntl(i, F_SETFD, 0) != 0 : fds[i] >= 0 && dup2(fds[i], i) < 0)
            return false;
    return !s->directory || chdir(s->directory) == 0;
}

/* Returns only when it could not. */
static void run_program(const struct spawn *s)
{
    if (s->group && setpgid(0, 0) != 0)
        return;
    if (!redirect(s))
        return;
    reset_signals();
    (void)execvpe(s->argv[0], s->argv, s->environment ? s->environment : environ);
}

/* ---- and here ---- */

/* Where vfork is fork, as under valgrind and ThreadSanitizer, a program that cannot be run is one
 * that ends with 127. */
int spawn(const struct spawn *s, pid_t *pid)
{
    sigset_t all, before;
    volatile int failed = 0;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    /* NOLINTBEGIN(clang-analyzer-security.insecureAPI.vfork, clang-analyzer-unix.Vfork): as
     * posix_spawn does */
    pid_t child = vfork();
    if (child == 0) {
        run_program(s);
        failed = errno;
        _exit(127);
    }
    /* NOLINTEND(clang-analyzer-security.insecureAPI.vfork, clang-analyzer-unix.Vfork) */
    int number = child < 0 ? errno : failed;
    if (child > 0 && number)
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    *pid = child;
    return number;
}
