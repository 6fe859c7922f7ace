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
    bool found, would_run;
};

/* A step by its name, or all of an entry by that; one of an entry whose steps are not known yet. */
static bool is_meant(const char *asked, const struct step *s)
{
    size_t n = strlen(s->entry->name);
    return strcmp(s->name, asked) == 0 || strcmp(s->entry->name, asked) == 0 ||
           (s->name == s->entry->name && strncmp(asked, s->name, n) == 0 && asked[n] == '[');
}

static void answer(void *context, const struct run_event *x)
{
    struct asking *a = context;
    if (!is_meant(a->step, x->step))
        return;
    a->found = true;
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
    int status = home ? pipeline_load_first(o->file, o->parameters.at, o->parameters.len, &p, &e)
                      : ERR_SYSTEM;
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
    if (status == 0 && !asking.found)
        status = error_set(&e, ERR_USAGE, "there is no step %s",
                           quote(quoted, asking.step, strlen(asking.step)));
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
