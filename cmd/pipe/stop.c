/* pipe stop: the end of a run. */
#include "pipe.h"

static int run_stop(void *options, struct operands *operands)
{
    (void)options;
    struct error e = {0};
    char *home = pipe_home(false, &e);
    int status = home ? pipeline_stop(home, definition_operand(operands), &e) : ERR_SYSTEM;
    mem_free(home);
    return pipe_finish(status, &e);
}

const struct command command_stop = {
    .name = "stop",
    .summary = "end a run: its steps are told by SIGTERM; status 1 when none goes on",
    .operands = "[PIPELINE]",
    .run = run_stop,
};
