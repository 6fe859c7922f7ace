#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

/* Both ends of a pipe to a child's descriptor; -1 when it is inherited. */
struct channel {
    int ours, theirs;
};

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

static bool channel_open(struct channel *c, bool child_reads)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    for (int i = 0; i < 2; i++)
        ends[i] = above_standard(ends[i]);
    c->theirs = ends[child_reads ? 0 : 1];
    c->ours = ends[child_reads ? 1 : 0];
    return c->theirs >= 0 && c->ours >= 0;
}

/* The caller may have blocked signals or ignored SIGPIPE; a child starts with neither. Returns an
 * errno value. */
static int child_signals(posix_spawnattr_t *attributes)
{
    sigset_t none, pipe_only;
    sigemptyset(&none);
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &pipe_only);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int spawn(char *const argv[], const struct channel *in, const struct channel *out,
                 pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int number = child_signals(&attributes);
    if (number == 0 && in->theirs >= 0)
        number = posix_spawn_file_actions_adddup2(&actions, in->theirs, STDIN_FILENO);
    if (number == 0 && out->theirs >= 0)
        number = posix_spawn_file_actions_adddup2(&actions, out->theirs, STDOUT_FILENO);
    if (number == 0)
        number = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return number;
}

int process_spawn(char *const argv[], int *to_stdin, int *from_stdout, pid_t *pid, struct error *e)
{
    struct channel in = {-1, -1}, out = {-1, -1};
    int number = 0;
    if ((to_stdin && !channel_open(&in, true)) || (from_stdout && !channel_open(&out, false)))
        number = errno;
    if (number == 0)
        number = spawn(argv, &in, &out, pid);
    close_end(in.theirs);
    close_end(out.theirs);
    if (number) {
        close_end(in.ours);
        close_end(out.ours);
        char text[QUOTE_MAX];
        errno = number;
        return error_errno(e, "cannot run %s", quote(text, argv[0], strlen(argv[0])));
    }
    if (to_stdin)
        *to_stdin = in.ours;
    if (from_stdout)
        *from_stdout = out.ours;
    return 0;
}

int process_wait(pid_t pid, int *status, struct error *e)
{
    int raw;
    while (waitpid(pid, &raw, 0) < 0) {
        if (errno != EINTR)
            return error_errno(e, "cannot wait for process %ld", (long)pid);
    }
    *status = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
    return 0;
}
