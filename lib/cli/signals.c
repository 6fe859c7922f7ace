#include "cli/internal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void abandon(void)
{
    if (cli_state.tool && cli_state.tool->abandon)
        cli_state.tool->abandon();
}

/* SA_RESETHAND has restored the default action: raising again ends the process with the status that
 * its parent expects of this signal. */
static void on_fatal_signal(int number)
{
    abandon();
    (void)raise(number);
}

/* Reads from a descriptor that was closed, and writes to one, go on failing: /dev/null is opened
 * the wrong way round. */
static void fill_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(-ERR_SYSTEM);
    }
}

void signals_start(void)
{
    static const int fatal[] = {SIGHUP, SIGINT, SIGTERM};
    fill_standard_descriptors();
    struct sigaction action = {.sa_handler = on_fatal_signal, .sa_flags = (int)SA_RESETHAND};
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < COUNT_OF(fatal); i++) {
        struct sigaction old;
        /* nohup and background jobs of a shell ignore some: that is their wish. */
        if (sigaction(fatal[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            (void)sigaction(fatal[i], &action, NULL);
    }
    /* A closed pipe ends a filter quietly, even when the parent (Python,
     * some CI) ignores SIGPIPE. */
    (void)sigaction(SIGPIPE, &action, NULL);
}

void memory_ran_out(size_t wanted)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "out of memory: %zu bytes wanted", wanted);
    message_write("", text);
    abandon();
    _exit(-ERR_SYSTEM);
}
