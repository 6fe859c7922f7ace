/* pipe why: what differs from the last run of a step. */
#include "pipe.h"

#include <stdio.h>

struct why_options {
    struct option_list parameters;
    const char *file;
};

static const struct option why_options[] = {
    OPTION_ROW_PARAMETERS(struct why_options, parameters),
    {0, "file", "PIPELINE", INTO_TEXT(struct why_options, file), .fallback = "Pipefile",
     .help = "the definition"},
    OPTION_END,
};

struct asking {
    const char *step;
    bool would_run;
};

static void answer(void *context, const struct run_event *x)
{
    struct asking *a = context;
    if (strcmp(x->step->name, a->step) != 0 && strcmp(x->step->entry->name, a->step) != 0)
        return;
    a->would_run = a->would_run || x->state == STEP_WOULD_RUN;
    if (x->state == STEP_WOULD_RUN)
        (void)printf("%s: %s\n", x->step->name, x->why);
    else
        (void)printf("%s: %s\n", x->step->name,
                     x->state == STEP_UP_TO_DATE ? "up to date" : step_state_name(x->state));
}

static int run_why_command(void *options, struct operands *operands)
{
    const struct why_options *o = options;
    struct asking asking = {.step = operands->at[0]};
    struct run_summary summary = {0};
    struct pipeline *p = NULL;
    struct error e = {0};
    char quoted[QUOTE_MAX];
    char *home = pipe_home(false, &e);
    int status =
        home ? pipeline_load(o->file, o->parameters.at, o->parameters.len, &p, &e) : ERR_SYSTEM;
    bool found = false;
    for (size_t i = 0; status == 0 && i < p->step_count; i++)
        found = found || strcmp(p->steps[i].name, asking.step) == 0 ||
                strcmp(p->steps[i].entry->name, asking.step) == 0;
    if (status == 0 && !found)
        status = error_set(&e, ERR_USAGE, "there is no step %s",
                           quote(quoted, asking.step, strlen(asking.step)));
    if (status == 0) {
        struct run_options how = {.home = home,
                                  .jobs = 1,
                                  .dry_run = true,
                                  .explain = true,
                                  .tell = answer,
                                  .context = &asking};
        status = pipeline_run(p, &how, &summary, &e);
        if (status == ERR_NO)
            status = 0;
    }
    pipeline_free(p);
    mem_free(home);
    return status ? pipe_finish(status, &e) : asking.would_run;
}

const struct command command_why = {
    .name = "why",
    .summary = "say why a step would run; status 1 when it would",
    .operands = "STEP",
    .options = why_options,
    .options_size = sizeof(struct why_options),
    .run = run_why_command,
    .more = "What differs from the last run of the step that ended well: parameters, the command, "
            "variables, inputs by their digests, outputs.",
};
