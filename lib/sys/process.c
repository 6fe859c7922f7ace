#include "sys/spawn.h"

#include <errno.h>
#include <sys/wait.h>

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
