/* pipe gc: room for what comes. */
#include "pipe.h"

#include <stdio.h>

struct gc_options {
    usec keep;
    bool dry_run;
};

/* clang-format off */
static const struct option options[] = {
    {0, "keep", "DURATION", INTO_DURATION(struct gc_options, keep), .fallback = "30d",
     .help = "what was made or used since then stays"},
    OPTION_ROW_DRY_RUN(struct gc_options, dry_run),
    OPTION_END,
};
/* clang-format on */

static int run(void *context, struct operands *operands)
{
    const struct gc_options *o = context;
    struct gc_summary s = {0};
    struct error e = {0};
    (void)operands;
    char *home = pipe_home(false, &e);
    int status = home ? pipeline_gc(home, o->keep, o->dry_run, &s, &e) : e.code;
    if (status == 0)
        printf("{\"objects\":%llu,\"definitions\":%llu,\"runs\":%llu,\"bytes\":%llu}\n",
               (unsigned long long)s.objects, (unsigned long long)s.definitions,
               (unsigned long long)s.runs, (unsigned long long)s.bytes);
    mem_free(home);
    return pipe_finish(status, &e);
}

const struct command command_gc = {
    .name = "gc",
    .summary = "remove kept outputs, logs and definitions that no run has used for long",
    .options = options,
    .options_size = sizeof(struct gc_options),
    .run = run,
    .more = "The ledger stays as it is, and so do registered models. A step whose kept outputs are "
            "gone runs again when they are wanted. Printed is what went, and the bytes of it that "
            "nothing else holds.",
};
