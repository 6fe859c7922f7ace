#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
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

/* The caller may have blocked signals or ignored SIGPIPE; a child starts with neither. Returns an
 * errno value. */
static int set_attributes(posix_spawnattr_t *attributes, bool group)
{
    sigset_t none, pipe_only;
    sigemptyset(&none);
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &pipe_only);
    posix_spawnattr_setpgroup(attributes, 0);
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    return posix_spawnattr_setflags(attributes,
                                    (short)(flags | (group ? POSIX_SPAWN_SETPGROUP : 0)));
}

static int set_actions(posix_spawn_file_actions_t *actions, const struct spawn *s)
{
    const int fds[] = {s->in, s->out, s->err};
    int number = 0;
    for (int i = 0; i < 3 && number == 0; i++)
        if (fds[i] >= 0)
            number = posix_spawn_file_actions_adddup2(actions, fds[i], STDIN_FILENO + i);
    if (number == 0 && s->directory)
        number = posix_spawn_file_actions_addchdir_np(actions, s->directory);
    return number;
}

int spawn(const struct spawn *s, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int number = set_attributes(&attributes, s->group);
    if (number == 0)
        number = set_actions(&actions, s);
    if (number == 0)
        number = posix_spawnp(pid, s->argv[0], &actions, &attributes, s->argv,
                              s->environment ? s->environment : environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return number;
}

int process_spawn(char *const argv[], int *to_stdin, int *from_stdout, pid_t *pid, struct error *e)
{
    struct channel in = {-1, -1}, out = {-1, -1};
    int number = 0;
    if (to_stdin)
        number = channel_open(&in, true);
    if (from_stdout && number == 0)
        number = channel_open(&out, false);
    if (number == 0)
        number = spawn(&(struct spawn){.argv = argv, .in = in.theirs, .out = out.theirs, .err = -1},
                       pid);
    channel_close_theirs(&in);
    channel_close_theirs(&out);
    if (number) {
        channel_close_ours(&in);
        channel_close_ours(&out);
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
