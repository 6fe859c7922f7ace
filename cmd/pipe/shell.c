/* pipe-sh: what pipe is when it is called by that name: a shell for make, which notes in the ledger
 * what each line of a recipe read and made. */
#include "pipe.h"

#include "sys/sys.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whoever calls is the run: the same make, the same run. */
static char *run_name(void)
{
    pid_t caller = getppid();
    return mem_format("make-%ld-%lld", (long)caller,
                      (long long)(process_started(caller) / USEC_SECOND));
}

/* The project: the folder that the state is in. */
static char *root_of(const char *home)
{
    static const char inside[] = "/.ml/pipe";
    size_t n = strlen(home), k = sizeof inside - 1;
    bool usual = n > k && strcmp(home + n - k, inside) == 0;
    return usual ? mem_text_n(home, n - k) : realpath(".", NULL);
}

static int note(const char *line, const struct seen_files *files, usec started, int status,
                struct error *e)
{
    char *given = NULL, *here = realpath(".", NULL), *run = run_name();
    int failed = home_open(getenv("ML_HOME"), "pipe", true, &given, e);
    char *home = failed ? NULL : realpath(given, NULL), *root = home ? root_of(home) : NULL;
    if (home && root)
        failed = pipeline_note_command(home, root,
                                       &(struct watched_command){.line = line,
                                                                 .run = run,
                                                                 .directory = here ? here : ".",
                                                                 .files = files,
                                                                 .started = started,
                                                                 .ended = clock_now(),
                                                                 .status = status},
                                       e);
    free(home);
    free(root);
    free(here);
    mem_free(run);
    mem_free(given);
    return failed;
}

/* The text behind -c, which may stand among other letters; NULL: there is none. */
static const char *line_of(char **argv)
{
    for (char **at = argv + 1; *at && (*at)[0] == '-'; at++)
        if (strchr(*at, 'c'))
            return at[1];
    return NULL;
}

/* The same shell without us. */
static int be_shell(const char *shell, char **argv)
{
    execv(shell, argv);
    fprintf(stderr, "pipe-sh: cannot run %s\n", shell);
    return 127;
}

int shell_main(char **argv)
{
    const char *given = getenv("PIPE_SHELL"), *shell = given && *given ? given : "/bin/sh";
    const char *line = line_of(argv);
    struct seen_files files = {.traced = false};
    struct error e = {0};
    char *name = argv[0];
    int status = 0;
    argv[0] = mem_text(shell);
    if (!line)
        return be_shell(shell, argv);
    usec started = clock_now();
    int failed = process_watch(argv, &files, &status, &e);
    if (failed == 0)
        failed = note(line, &files, started, status, &e);
    if (failed)
        fprintf(stderr, "pipe-sh: %s%s%s\n", e.file, *e.file ? ": " : "", e.message);
    seen_files_release(&files);
    mem_free(argv[0]);
    argv[0] = name;
    if (status > 128 && status < 128 + 65) /* as a shell that replaced itself by the command */
        (void)raise(status - 128);
    return status;
}
