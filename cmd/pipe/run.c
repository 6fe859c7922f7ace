/* pipe run, plan: the steps that are not up to date. */
#include "running.h"

#include <signal.h>

/* clang-format off */
static const struct option run_options[] = {
    OPTION_ROW_PARAMETERS(struct run_options_given, parameters),
    OPTION_ROW_STEPS_AT_ONCE(struct run_options_given, jobs),
    {'n', "dry-run", NULL, INTO_FLAG(struct run_options_given, dry_run),
     .help = "show what would run and why; exit status 1 when something would"},
    OPTION_ROW_GPUS(struct run_options_given, gpus),
    OPTION_ROW_KEEP_GOING(struct run_options_given, keep_going),
    {0, "from", "STEP", INTO_TEXT(struct run_options_given, from),
     .help = "run STEP and all that depends on it, whatever is known of them"},
    {0, "to", "STEP", INTO_LIST(struct run_options_given, to),
     .help = "look at this step and those it needs alone; repeated for several"},
    {0, "only", "STEP", INTO_LIST(struct run_options_given, only),
     .help = "look at this step alone; repeated for several"},
    OPTION_ROW_WAIT(struct run_options_given, wait),
    OPTION_ROW_EVENTS(struct run_options_given, events),
    OPTION_ROWS_ENGINE(struct run_options_given, engine, "steps", "each step that runs"),
    OPTION_END,
};
/* clang-format on */

/* ---- the commands ---- */

/* 1 when nothing is to be done, and the ledger says so; 0: that is to be found out. */
static int is_idle(const char *home, const char *path, const struct run_options_given *given,
                   struct run_summary *summary, struct error *e)
{
    if (given->events || given->only.len || given->to.len || given->from || cli_verbose())
        return 0;
    size_t steps = pipeline_idle(home, path, given->parameters.at, given->parameters.len);
    if (steps == 0 || given->dry_run)
        return steps != 0;
    int status = pipeline_note_idle(home, path, steps, summary, e);
    return status ? status : 1;
}

static int run_pipeline(const char *path, const struct run_options_given *given,
                        struct run_summary *summary, struct error *e)
{
    struct pipeline *p = NULL;
    struct teller teller = {.events = given->events, .plan = given->dry_run, .run = summary->id};
    char *home = pipe_home(!given->dry_run, e);
    int status = home ? is_idle(home, path, given, summary, e) : ERR_SYSTEM;
    if (status) {
        mem_free(home);
        return status > 0 ? 0 : status;
    }
    if (given->only.len) /* it takes the files as they are */
        status = pipeline_load(path, given->parameters.at, given->parameters.len, &p, e);
    else
        status = pipeline_load_first(path, given->parameters.at, given->parameters.len, &p, e);
    if (status == 0) {
        live_begin(&teller);
        struct run_options o = {
            .home = home,
            .jobs = given->jobs ? (unsigned)given->jobs : cpu_count(),
            .engine = engine_options(&given->engine),
            .gpus = given->gpus ? (unsigned)given->gpus : gpu_count(),
            .dry_run = given->dry_run,
            .keep_going = given->keep_going,
            .explain = given->dry_run || cli_verbose() || given->events,
            .choice = {given->to.at, given->to.len, given->only.at, given->only.len, given->from},
            .lock_timeout_ms = given->wait ? -1 : 0,
            .wait = given->wait,
            .warn = tell_warning,
            .tell = tell,
            .pulse = teller.rows ? live_pulse : NULL,
            .context = &teller,
        };
        status = pipeline_run(p, &o, summary, e);
    }
    live_clear();
    buf_release(&teller.out);
    mem_free(home);
    pipeline_free(p);
    return status;
}

int run_definition(const char *path, const struct run_options_given *o)
{
    struct run_summary summary = {0};
    struct error e = {0};
    int status = run_pipeline(path, o, &summary, &e);
    if (!o->dry_run && !o->events)
        tell_summary(&summary);
    if (summary.signal) {
        (void)signal(summary.signal, SIG_DFL);
        (void)raise(summary.signal);
    }
    return pipe_finish(status, &e);
}

static int run(void *options, struct operands *operands)
{
    return run_definition(definition_operand(operands), options);
}

const struct command command_run = {
    .name = "run",
    .summary = "run the steps that are not up to date",
    .operands = "[PIPELINE]",
    .options = run_options,
    .options_size = sizeof(struct run_options_given),
    .run = run,
    .more =
        "PIPELINE is a definition, else ./Pipefile. Steps run in its folder, several at once, each "
        "when those that make its inputs are done. A step is up to date when its command, its "
        "environment and the content of its inputs are as they were in a run that ended well, and "
        "its outputs are what it made then. Outputs that are not, but were kept, are put back.\n\n"
        "Before a step runs its outputs are removed; those of a step that fails are, too.\n\n"
        "Steps that wait for an answer from outside are told with the command that gives it; the "
        "next run goes on behind them.\n\n"
        "The exit status is 0 when all is up to date, 1 when a step failed, 3 when the definition "
        "is wrong, 5 when nothing is left but to wait for answers, or another run of it goes on.",
};

static int run_plan(void *options, struct operands *operands)
{
    struct run_options_given *o = options;
    o->dry_run = true;
    return run(o, operands);
}

const struct command command_plan = {
    .name = "plan",
    .summary = "show what would run, and why; status 1 when something would",
    .operands = "[PIPELINE]",
    .options = run_options,
    .options_size = sizeof(struct run_options_given),
    .run = run_plan,
    .more = "The same as run --dry-run.",
};
