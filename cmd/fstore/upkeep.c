/* fstore verify, rebuild, forget: the log and what follows from it. */
#include "fstore.h"

#include <inttypes.h>

struct upkeep_options {
    usec timeout;
};

static const struct option options[] = {
    OPTION_ROW_TIMEOUT(struct upkeep_options, timeout),
    OPTION_END,
};

static int verify(const char *name, struct error *e)
{
    struct group *g = NULL;
    uint64_t entities = 0, lsn = 0;
    int status = store_group(name, &g, e);
    if (status == 0)
        status = group_verify(g, &entities, e);
    if (status == 0)
        status = group_last(g, &lsn, e);
    if (status == 0)
        status = print_json(json_pack("{s:s, s:I, s:I}", "group", name, "entities",
                                      (json_int_t)entities, "lsn", (json_int_t)lsn),
                            0, e);
    group_free(g);
    return status;
}

static int run_verify(void *unused, struct operands *operands)
{
    (void)unused;
    struct error e = {0};
    return finish(verify(operands->at[0], &e), &e);
}

const struct command command_verify = {
    .name = "verify",
    .summary = "prove that what is read online is what the log says",
    .operands = "GROUP",
    .run = run_verify,
    .more = "Reads the whole log, checking every record, makes the view anew beside the one there "
            "is and compares them. The exit status is 1 when they differ, 3 when the log is "
            "damaged.",
};

static int run_rebuild(void *options_given, struct operands *operands)
{
    const struct upkeep_options *o = options_given;
    struct error e = {0};
    struct group *g = NULL;
    int status = store_group(operands->at[0], &g, &e);
    if (status == 0)
        status = group_rebuild(g, timeout_ms(o->timeout), &e);
    group_free(g);
    return finish(status, &e);
}

const struct command command_rebuild = {
    .name = "rebuild",
    .summary = "make the online view anew from the log",
    .operands = "GROUP",
    .options = options,
    .options_size = sizeof(struct upkeep_options),
    .run = run_rebuild,
    .more = "What was read meanwhile is read from the view before, which is replaced at the end.",
};
