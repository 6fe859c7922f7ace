/* pipe diff: what differs between two runs. */
#include "pipe.h"

#include "pipeline/compare.h"

#include <stdio.h>

static int run(void *options, struct operands *operands)
{
    struct error e = {0};
    struct buf out = {0};
    char first[40], second[40];
    size_t count = 0;
    (void)options;
    char *home = pipe_home(false, &e);
    int status = home ? find_run(home, operands->at[0], first, &e) : ERR_SYSTEM;
    if (status == 0)
        status = find_run(home, operands->len > 1 ? operands->at[1] : "last", second, &e);
    if (status == 0)
        status = pipeline_compare(home, first, second, &out, &count, &e);
    if (out.len)
        (void)fwrite(out.at, 1, out.len, stdout);
    buf_release(&out);
    mem_free(home);
    return status ? pipe_finish(status, &e) : count > 0;
}

const struct command command_diff = {
    .name = "diff",
    .summary = "say what differs between two runs; status 1 when something does",
    .operands = "RUN [RUN]",
    .run = run,
    .more =
        "Definition, commit and parameters, and of each step its command, parameters, inputs, "
        "outputs and metrics, as they were when each run ended. The second run is the last one, "
        "unless it is given.",
};
