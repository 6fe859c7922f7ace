/* pipe run, plan, why: the steps that are not up to date. */
#include "pipe.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

struct run_options_given {
    struct option_list parameters, only;
    const char *from;
    int64_t jobs;
    struct engine_given engine;
    bool dry_run, keep_going, wait, events;
};

/* clang-format off */
static const struct option run_options[] = {
    OPTION_ROW_PARAMETERS(struct run_options_given, parameters),
    {'j', "jobs", "N", INTO_INT(struct run_options_given, jobs), .range = "1..1024",
     .help = "steps at once (default: one per processor)"},
    {'n', "dry-run", NULL, INTO_FLAG(struct run_options_given, dry_run),
     .help = "show what would run and why; exit status 1 when something would"},
    {'k', "keep-going", NULL, INTO_FLAG(struct run_options_given, keep_going),
     .help = "after a failure go on with what does not depend on it"},
    {0, "from", "STEP", INTO_TEXT(struct run_options_given, from),
     .help = "run STEP and all that depends on it, whatever is known of them"},
    {0, "only", "STEP", INTO_LIST(struct run_options_given, only),
     .help = "look at this step alone; repeated for several"},
    {0, "wait", NULL, INTO_FLAG(struct run_options_given, wait),
     .help = "wait for another run of the pipeline to end"},
    {0, "events", NULL, INTO_FLAG(struct run_options_given, events),
     .help = "write what happens to standard output, a JSON line for each event"},
    OPTION_ROWS_ENGINE(struct run_options_given, engine, "steps", "each step that runs"),
    OPTION_END,
};
/* clang-format on */

/* ---- what is told ---- */

struct teller {
    bool events, plan;
    size_t done, total;
    struct buf out;
};

static void put_event(struct buf *b, const struct run_event *x)
{
    buf_puts(b, "{\"step\":");
    json_put_string(b, x->step->name, strlen(x->step->name));
    buf_format(b, ",\"state\":\"%s\"", step_state_name(x->state));
    if (x->attempt)
        buf_format(b, ",\"attempt\":%u", x->attempt);
    if (x->result)
        buf_format(b, ",\"exit\":%d,\"seconds\":%.3f", x->result->status,
                   (double)(x->result->ended - x->result->started) / USEC_SECOND);
    if (x->why) {
        buf_puts(b, ",\"why\":");
        json_put_string(b, x->why, strlen(x->why));
    }
    buf_puts(b, "}\n");
}

static void put_result(struct buf *b, const struct teller *t, const struct run_event *x)
{
    const struct job_result *r = x->result;
    if (x->state == STEP_WOULD_RUN)
        buf_format(b, "%s: %s\n", x->step->name, x->why ? x->why : "would run");
    else if (x->state == STEP_RUNNING && x->why)
        buf_format(b, "%s: %s\n", x->step->name, x->why);
    else if (x->state == STEP_SUCCEEDED)
        buf_format(b, "[%zu/%zu] %s: %.2f s\n", t->done, t->total, x->step->name,
                   (double)(r->ended - r->started) / USEC_SECOND);
    else if (x->state == STEP_RESTORED)
        buf_format(b, "[%zu/%zu] %s: restored\n", t->done, t->total, x->step->name);
    else if (x->state == STEP_FAILED || x->state == STEP_STOPPED)
        buf_format(b, "[%zu/%zu] %s: failed: %s\n", t->done, t->total, x->step->name, x->why);
    else if (x->state == STEP_WAITING)
        buf_format(b, "%s: attempt %u failed: %s\n", x->step->name, x->attempt, x->why);
}

/* What a step wrote stands behind its line. */
static void put_tail(struct buf *b, const struct job_result *r)
{
    buf_add(b, r->tail.at, r->tail.len);
    if (r->tail.len && r->tail.at[r->tail.len - 1] != '\n')
        buf_putc(b, '\n');
}

static void tell(void *context, const struct run_event *x)
{
    struct teller *t = context;
    t->done += x->state != STEP_RUNNING && x->state != STEP_WAITING;
    t->out.len = 0;
    if (t->events)
        put_event(&t->out, x);
    else if (!cli_quiet() || x->state == STEP_FAILED)
        put_result(&t->out, t, x);
    if (!t->events && x->result && (t->out.len || x->result->wrote))
        put_tail(&t->out, x->result);
    int fd = t->events || t->plan ? STDOUT_FILENO : STDERR_FILENO;
    if (t->out.len)
        (void)file_write(fd, t->out.at, t->out.len, "standard output", NULL);
}

/* ---- which steps ---- */

static int find_step(const struct pipeline *p, const char *name, bool *marks, struct error *e)
{
    char quoted[QUOTE_MAX];
    bool found = false;
    for (uint32_t i = 0; i < p->step_count; i++)
        if (strcmp(p->steps[i].name, name) == 0 || strcmp(p->steps[i].entry->name, name) == 0)
            marks[i] = found = true;
    return found
               ? 0
               : error_set(e, ERR_USAGE, "there is no step %s", quote(quoted, name, strlen(name)));
}

static void mark_those_behind(const struct pipeline *p, bool *marks)
{
    for (size_t i = 0; i < p->step_count; i++) {
        const struct step *s = &p->steps[p->order[i]];
        for (uint32_t k = 0; k < s->wait_count; k++)
            if (marks[s->waits_for[k]])
                marks[p->order[i]] = true;
    }
}

static int choose(const struct pipeline *p, const struct run_options_given *o, bool **chosen,
                  bool **forced, struct error *e)
{
    int status = 0;
    if (o->only.len)
        *chosen = mem_alloc(p->step_count + 1);
    for (size_t i = 0; i < o->only.len && status == 0; i++)
        status = find_step(p, o->only.at[i], *chosen, e);
    if (status == 0 && o->from) {
        *forced = mem_alloc(p->step_count + 1);
        status = find_step(p, o->from, *forced, e);
        mark_those_behind(p, *forced);
    }
    return status;
}

/* ---- the commands ---- */

static void summarise(const struct run_summary *s)
{
    struct buf b = {0};
    const struct {
        size_t n;
        const char *what;
    } counts[] = {{s->ran, "ran"},       {s->up_to_date, "up to date"}, {s->restored, "restored"},
                  {s->failed, "failed"}, {s->skipped, "skipped"},       {s->blocked, "not run"}};
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        if (counts[i].n)
            buf_format(&b, "%s%zu %s", b.len ? ", " : "", counts[i].n, counts[i].what);
    if (!cli_quiet() && b.len)
        (void)fprintf(stderr, "pipe: %s\n", buf_text(&b));
    buf_release(&b);
}

/* 1 when nothing is to be done, and the ledger says so; 0: that is to be found out. */
static int is_idle(const char *home, const char *path, const struct run_options_given *given,
                   struct run_summary *summary, struct error *e)
{
    if (given->events || given->only.len || given->from || cli_verbose())
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
    bool *chosen = NULL, *forced = NULL;
    struct teller teller = {.events = given->events, .plan = given->dry_run};
    char *home = pipe_home(!given->dry_run, e);
    int status = home ? is_idle(home, path, given, summary, e) : ERR_SYSTEM;
    if (status) {
        mem_free(home);
        return status > 0 ? 0 : status;
    }
    status = pipeline_load(path, given->parameters.at, given->parameters.len, &p, e);
    if (status == 0)
        status = choose(p, given, &chosen, &forced, e);
    if (status == 0) {
        teller.total = p->step_count;
        struct run_options o = {
            .home = home,
            .jobs = given->jobs ? (unsigned)given->jobs : cpu_count(),
            .engine = engine_options(&given->engine),
            .dry_run = given->dry_run,
            .keep_going = given->keep_going,
            .explain = given->dry_run || cli_verbose() || given->events,
            .chosen = chosen,
            .forced = forced,
            .lock_timeout_ms = given->wait ? -1 : 0,
            .tell = tell,
            .context = &teller,
        };
        status = pipeline_run(p, &o, summary, e);
    }
    buf_release(&teller.out);
    mem_free(chosen);
    mem_free(forced);
    mem_free(home);
    pipeline_free(p);
    return status;
}

static int run_path(const char *path, const struct run_options_given *o)
{
    struct run_summary summary = {0};
    struct error e = {0};
    int status = run_pipeline(path, o, &summary, &e);
    if (!o->dry_run && !o->events)
        summarise(&summary);
    if (summary.signal) {
        (void)signal(summary.signal, SIG_DFL);
        (void)raise(summary.signal);
    }
    return pipe_finish(status, &e);
}

static int run(void *options, struct operands *operands)
{
    return run_path(definition_operand(operands), options);
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
        "The exit status is 0 when all is up to date, 1 when a step failed, 3 when the definition "
        "is wrong, 5 when another run of it goes on.",
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

/* ---- stop, resume ---- */

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

/* The parameters of an event, as they are given. */
static void take_parameters(const json_t *event, struct option_list *out)
{
    const char *name;
    json_t *value, *all = json_object_get(event, "parameters");
    out->at = mem_array(NULL, json_object_size(all) + 1, sizeof *out->at);
    json_object_foreach(all, name, value)
    {
        out->at[out->len++] = mem_format("%s=%s", name, json_string_value(value));
    }
}

static int run_resume(void *options, struct operands *operands)
{
    struct run_options_given *o = options;
    struct error e = {0};
    struct buf line = {0};
    (void)operands;
    int status = last_run_that_began(&line, &e);
    json_t *event = status == 0 ? json_loadb(line.at, line.len, 0, NULL) : NULL;
    const char *path = json_string_value(json_object_get(event, "path"));
    if (status == 0 && !path)
        status = error_set(&e, ERR_DATA, "the ledger does not say what ran");
    if (status == 0) {
        take_parameters(event, &o->parameters);
        status = run_path(path, o);
    } else {
        status = pipe_finish(status, &e);
    }
    for (size_t i = 0; i < o->parameters.len; i++)
        mem_free((char *)(uintptr_t)o->parameters.at[i]);
    mem_free(o->parameters.at);
    json_decref(event);
    buf_release(&line);
    return status;
}

/* clang-format off */
static const struct option resume_options[] = {
    {'j', "jobs", "N", INTO_INT(struct run_options_given, jobs), .range = "1..1024",
     .help = "steps at once (default: one per processor)"},
    {'k', "keep-going", NULL, INTO_FLAG(struct run_options_given, keep_going),
     .help = "after a failure go on with what does not depend on it"},
    {0, "events", NULL, INTO_FLAG(struct run_options_given, events),
     .help = "write what happens to standard output, a JSON line for each event"},
    OPTION_ROWS_ENGINE(struct run_options_given, engine, "steps", "each step that runs"),
    OPTION_END,
};
/* clang-format on */

const struct command command_resume = {
    .name = "resume",
    .summary = "run what the last run left, with its definition and parameters",
    .options = resume_options,
    .options_size = sizeof(struct run_options_given),
    .run = run_resume,
    .more = "The definition is as it is now, in the folder where that run was begun.",
};

/* ---- why ---- */

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
