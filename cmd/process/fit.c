/* process fit: wrangle's fit of shards side by side, merged into that of the whole. */
#include "process.h"

#include "sys/sys.h"

#include <stdio.h>
#include <string.h>

struct fit_options {
    const char *recipe, *output;
    struct option_list wrangle;
    struct start_options start;
};

/* clang-format off */
static const struct option options[] = {
    {'r', "recipe", "STATE", INTO_TEXT(struct fit_options, recipe),
     .help = "write what was learnt to STATE"},
    {'o', "output", "FILE", INTO_TEXT(struct fit_options, output),
     .help = "then apply it to the same files, into FILE"},
    {'w', "wrangle", "OPTION", INTO_LIST(struct fit_options, wrangle),
     .help = "an option for wrangle fit and apply, such as --na=NA; repeated for several"},
    OPTION_ROW_INSTANCES(struct fit_options, start.instances,
                         "how many share the records (default: one per processor)"),
    OPTION_ROW_RECORDS(struct fit_options, start.records),
    {0, "max-runtime", "DURATION", INTO_DURATION(struct fit_options, start.max_runtime),
     .help = "an instance that runs longer is ended, and has failed"},
    {0, "retries", "N", INTO_INT(struct fit_options, start.retries), .range = "0..100",
     .fallback = "1", .help = "how often an instance that failed is tried again"},
    {'j', "jobs", "N", INTO_INT(struct fit_options, start.jobs), .range = "1..1024",
     .help = "instances at once (default: one per processor)"},
    OPTION_ROWS_ENGINE(struct fit_options, start.engine, "instances", "each instance that runs"),
    {0, "name", "NAME", INTO_TEXT(struct fit_options, start.name), .help = "what the job is called"},
    OPTION_END,
};
/* clang-format on */

struct fit {
    const struct fit_options *o;
    const struct operands *operands;
    struct arena arena;
    char *home;
    struct processing_job job;
    struct processing_input input;
    struct processing_output output;
};

static bool ends_with(const char *path, const char *end)
{
    size_t n = path ? strlen(path) : 0, m = strlen(end);
    return n >= m && strcmp(path + n - m, end) == 0;
}

/* The shell knows the number of the first record when it runs. */
static char **command_of(struct fit *f, const char *what, const char *operand, const char *output)
{
    size_t n = 0;
    char **argv = arena_zero(&f->arena, (f->o->wrangle.len + 9) * sizeof *argv);
    argv[n++] = arena_format(&f->arena, "/bin/sh");
    argv[n++] = arena_format(&f->arena, "-c");
    argv[n++] =
        arena_format(&f->arena, "exec wrangle %s --first-row=\"$ML_FIRST_ROW\" -j1 \"$@\"", what);
    argv[n++] = arena_format(&f->arena, "wrangle");
    if (ends_with(output, ".parquet"))
        argv[n++] = arena_format(&f->arena, "--to=parquet");
    for (size_t i = 0; i < f->o->wrangle.len; i++)
        argv[n++] = arena_text(&f->arena, f->o->wrangle.at[i], strlen(f->o->wrangle.at[i]));
    argv[n++] = arena_text(&f->arena, operand, strlen(operand));
    argv[n++] = arena_format(&f->arena, "-");
    return argv;
}

static int prepare(struct fit *f, const char *what, const char *operand, const char *output,
                   struct error *e)
{
    const struct fit_options *o = f->o;
    struct start_options start = o->start;
    start.shard = SHARD_RECORD;
    start.instances = start.instances ? start.instances : cpu_count();
    start.name = o->start.name ? arena_format(&f->arena, "%s-%s", o->start.name, what) : NULL;
    f->input = (struct processing_input){.name = "in", .paths = f->operands->at + 1};
    f->job = (struct processing_job){.argv = command_of(f, what, operand, output),
                                     .inputs = &f->input,
                                     .input_count = 1,
                                     .outputs = &f->output,
                                     .output_count = 1,
                                     .count_rows = true,
                                     .streams = true};
    int status = start_prepare(&start, what, &f->job, e);
    f->job.output_header = ends_with(output, ".csv") || ends_with(output, ".tsv");
    f->output = (struct processing_output){
        .name = "out",
        .path = output ? output
                       : arena_format(&f->arena, "%s/%s/states/{rank}.json", f->home, f->job.name)};
    return status;
}

/* wrangle merge says itself what is wrong. */
static int merge(struct fit *f, size_t instances, struct error *e)
{
    size_t n = 0;
    struct buf told = {0};
    char **argv = arena_zero(&f->arena, (instances + 5) * sizeof *argv);
    argv[n++] = arena_format(&f->arena, "wrangle");
    argv[n++] = arena_format(&f->arena, "merge");
    argv[n++] = arena_format(&f->arena, "-o");
    argv[n++] = arena_text(&f->arena, f->o->recipe, strlen(f->o->recipe));
    for (size_t i = 0; i < instances; i++)
        argv[n++] = arena_format(&f->arena, "%s/%s/states/%05zu.json", f->home, f->job.name, i);
    int exit_status = 0;
    int status = process_run(&(struct process){.argv = argv, .err = &told}, &exit_status, e);
    fwrite(told.at, 1, told.len, stderr);
    buf_release(&told);
    return status ? status : exit_status;
}

/* Runs one job to its end; 0 when all of it is done. */
static int run_stage(struct fit *f, struct processing_summary *s, struct error *e)
{
    struct processing *p = NULL;
    unsigned threads = f->o->start.jobs ? (unsigned)f->o->start.jobs : cpu_count();
    int status = processing_create(f->home, &f->job, threads, &p, e);
    if (status == 0)
        status = run_job(p, f->o->start.jobs, &f->o->start.engine, s, e);
    if (status == 0)
        status = exit_status_of(s);
    if (status == 0)
        put_summary(p, s);
    processing_free(p);
    return status;
}

static int fit(struct fit *f, struct error *e)
{
    struct processing_summary s = {0};
    int status = prepare(f, "fit", f->operands->at[0], NULL, e);
    if (status == 0)
        status = run_stage(f, &s, e);
    if (status == 0)
        status = merge(f, s.instances, e);
    start_release(&f->job);
    f->job = (struct processing_job){0};
    if (status || !f->o->output)
        return status;
    status = prepare(f, "apply", f->o->recipe, f->o->output, e);
    return status ? status : run_stage(f, &s, e);
}

static int run(void *context, struct operands *operands)
{
    const struct fit_options *o = context;
    struct fit f = {.o = o, .operands = operands};
    struct error e = {0};
    if (!o->recipe)
        return cli_usage("--recipe: where is what was learnt to go?");
    f.home = jobs_home(true, &e);
    int status = f.home ? fit(&f, &e) : e.code;
    start_release(&f.job);
    mem_free(f.home);
    arena_release(&f.arena);
    return process_finish(status, &e);
}

const struct command command_fit = {
    .name = "fit",
    .summary = "learn what a program of wrangle must learn, from shards side by side",
    .operands = "PROGRAM FILE...",
    .options = options,
    .options_size = sizeof(struct fit_options),
    .run = run,
    .more =
        "The files are cut between records, wrangle fit runs over each part, and wrangle merge "
        "makes of what they learnt what one wrangle fit over all of it would have learnt, byte for "
        "byte. With --output the parts are then transformed by wrangle apply and strung together.",
};
