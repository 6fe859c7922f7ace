/*
 * process fit: wrangle's fit of shards side by side, merged into that of the whole. What a step
 * learns from what another has learnt is learnt in a later stage: a job each, which begins with
 * what the stages before it have learnt from all shards.
 */
#include "process.h"

#include "io/io.h"
#include "sys/sys.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATE_BYTES = 1 << 30, NAME_BYTES = 50 };

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
    char *home;               /* absolute */
    const char *name;         /* of the first stage; later ones are called after it */
    struct processing *first; /* which they divide the files like */
    struct buf state;         /* of wrangle: what the next stage begins with */
    struct processing_job job;
    struct processing_input input;
    struct processing_output output;
};

/* ---- commands ---- */

struct words {
    VEC(char *) list;
    struct arena *arena;
};

static void add_word(struct words *w, const char *word)
{
    vec_push(&w->list, arena_text(w->arena, word, strlen(word)));
}

static void add_options(struct words *w, const struct option_list *list)
{
    for (size_t i = 0; i < list->len; i++)
        add_word(w, list->at[i]);
}

/* In the arena, with NULL behind the last. */
static char **take_words(struct words *w)
{
    vec_push(&w->list, NULL);
    char **out = arena_copy(w->arena, w->list.at, w->list.len * sizeof *out);
    vec_release(&w->list);
    return out;
}

static bool ends_with(const char *path, const char *end)
{
    size_t n = path ? strlen(path) : 0, m = strlen(end);
    return n >= m && strcmp(path + n - m, end) == 0;
}

/* What an instance runs. The shell knows the number of the first record when it runs. */
static char **instance_words(struct fit *f, const char *what, const char *state, const char *output)
{
    struct words w = {.arena = &f->arena};
    add_word(&w, "/bin/sh");
    add_word(&w, "-c");
    add_word(&w, arena_format(&f->arena, "exec wrangle %s --first-row=\"$ML_FIRST_ROW\" -j1 \"$@\"",
                              what));
    add_word(&w, "wrangle");
    if (ends_with(output, ".parquet"))
        add_word(&w, "--to=parquet");
    add_options(&w, &f->o->wrangle);
    add_word(&w, state);
    add_word(&w, "-");
    return take_words(&w);
}

/* Runs wrangle here, which says itself what is wrong. */
static int run_wrangle(char *const *argv, struct buf *out, struct error *e)
{
    struct buf told = {0};
    int exit_status = 0;
    int status =
        process_run(&(struct process){.argv = argv, .out = out, .err = &told}, &exit_status, e);
    fwrite(buf_text(&told), 1, told.len, stderr);
    buf_release(&told);
    return status ? status : exit_status;
}

/* Settles the columns, and whether shards can be fitted at all, before anything runs. */
static int begin(struct fit *f, struct error *e)
{
    char **files = NULL;
    struct words w = {.arena = &f->arena};
    int status = processing_files(&f->input, &f->arena, &files, e);
    if (status)
        return status;
    add_word(&w, "wrangle");
    add_word(&w, "fit");
    add_word(&w, "--begin");
    add_options(&w, &f->o->wrangle);
    add_word(&w, f->operands->at[0]);
    for (; *files; files++)
        add_word(&w, *files);
    return run_wrangle(take_words(&w), &f->state, e);
}

static int merge(struct fit *f, const char *folder, size_t instances, const char *into,
                 struct error *e)
{
    struct words w = {.arena = &f->arena};
    add_word(&w, "wrangle");
    add_word(&w, "merge");
    add_word(&w, "--whole");
    add_word(&w, "-o");
    add_word(&w, into);
    for (size_t i = 0; i < instances; i++)
        add_word(&w, arena_format(&f->arena, "%s/states/%05zu.json", folder, i));
    return run_wrangle(take_words(&w), NULL, e);
}

/* ---- jobs ---- */

static int write_state(const struct fit *f, const char *path, struct error *e)
{
    struct sink *sink = NULL;
    int status = sink_open(path, &sink, e);
    if (status == 0)
        status = sink_write(sink, f->state.at, f->state.len, e);
    if (status == 0)
        return sink_commit(sink, e);
    sink_abort(sink);
    return status;
}

static bool is_given(const struct fit_options *o, const char *option)
{
    size_t n = strlen(option);
    for (size_t i = 0; i < o->wrangle.len; i++)
        if (strncmp(o->wrangle.at[i], option, n) == 0 && strchr("=", o->wrangle.at[i][n]))
            return true;
    return false;
}

/* What tells about a whole file is not so of a part. */
static int check_options(const struct fit_options *o, struct error *e)
{
    static const char *const whole[] = {"--source-column", "--skip-lines", "--comment"};
    for (size_t i = 0; i < COUNT_OF(whole); i++)
        if (is_given(o, whole[i]))
            return error_set(e, ERR_USAGE, "--wrangle: %s does not hold for parts of files",
                             whole[i]);
    if (o->start.name && strlen(o->start.name) > NAME_BYTES)
        return error_set(e, ERR_USAGE, "--name: at most %d bytes, as stages are called after it",
                         NAME_BYTES);
    return o->recipe ? 0 : error_set(e, ERR_USAGE, "--recipe: where is what was learnt to go?");
}

/* Settles what a job is but for its command. */
static int prepare(struct fit *f, const char *name, const char *what, struct error *e)
{
    struct start_options start = f->o->start;
    start.shard = SHARD_RECORD;
    start.instances = start.instances ? start.instances : cpu_count();
    start.name = name;
    start_release(&f->job);
    f->input = (struct processing_input){.name = "in", .paths = f->operands->at + 1};
    f->job = (struct processing_job){.inputs = &f->input,
                                     .input_count = 1,
                                     .outputs = &f->output,
                                     .output_count = 1,
                                     .count_rows = true,
                                     .streams = true};
    int status = start_prepare(&start, what, &f->job, e);
    if (is_given(f->o, "--no-header")) {
        f->job.records = (struct shard_records){.quote = '"'};
        f->job.records_by_name = false;
    }
    return status;
}

/* Whether a stage began with f->state, at whatever time, or has not begun. */
static bool began_so(const struct fit *f, const char *after)
{
    struct buf text = {0};
    if (!after || access(after, F_OK) != 0)
        return true;
    (void)file_load(after, STATE_BYTES, &text, NULL);
    json_t *then = json_loadb(buf_text(&text), text.len, 0, NULL);
    json_t *now = json_loadb(f->state.at, f->state.len, 0, NULL);
    json_object_del(then, "now");
    json_object_del(now, "now");
    bool same = then && now && json_equal(then, now);
    json_decref(then);
    json_decref(now);
    buf_release(&text);
    return same;
}

/* A job that this same fit has left is taken up again. after: the state a stage begins with. */
static int open_or_create(struct fit *f, const char *after, struct processing **out,
                          struct error *e)
{
    unsigned threads = f->o->start.jobs ? (unsigned)f->o->start.jobs : cpu_count();
    bool shown = strcmp(f->output.path, "-") == 0; /* what was shown cannot be shown again */
    if (f->o->start.name && !shown && processing_open(f->home, f->job.name, out, NULL) == 0) {
        if (processing_is(*out, &f->job) && began_so(f, after))
            return 0;
        processing_free(*out);
        *out = NULL;
    }
    return f->first ? processing_create_like(f->home, &f->job, f->first, out, e)
                    : processing_create(f->home, &f->job, threads, out, e);
}

/* Runs a job to its end; 0 when all of it is done. */
static int run_to_end(struct fit *f, struct processing *p, size_t *instances, struct error *e)
{
    struct processing_summary s = {0};
    int status = run_job(p, f->o->start.jobs, &f->o->start.engine, &s, e);
    if (status == 0)
        status = exit_status_of(&s);
    if (status == 0)
        put_summary(p, &s);
    *instances = s.instances;
    return status;
}

/* Whether wrangle has nothing more to learn. */
static bool is_fitted(const struct fit *f)
{
    json_t *root = json_loadb(f->state.at, f->state.len, 0, NULL);
    const char *format = json_string_value(json_object_get(root, "format"));
    bool is = format && strcmp(format, "mlutils-recipe") == 0;
    json_decref(root);
    return is;
}

/* In the folder of the job: what it begins with, what its instances have learnt, and that merged,
 * which is what the next one begins with. */
static int learn(struct fit *f, struct error *e)
{
    struct processing *p = NULL;
    size_t instances = 0;
    const char *folder = arena_format(&f->arena, "%s/%s", f->home, f->job.name);
    const char *after = arena_format(&f->arena, "%s/after.json", folder);
    const char *merged = arena_format(&f->arena, "%s/merged.json", folder);
    f->job.argv = instance_words(f, "fit", arena_format(&f->arena, "--after=%s", after), NULL);
    f->output =
        (struct processing_output){"out", arena_format(&f->arena, "%s/states/{rank}.json", folder)};
    int status = open_or_create(f, after, &p, e);
    if (status == 0 && access(after, F_OK) != 0)
        status = write_state(f, after, e);
    if (status == 0)
        status = run_to_end(f, p, &instances, e);
    if (status == 0)
        status = merge(f, folder, instances, merged, e);
    f->state.len = 0;
    if (status == 0)
        status = file_load(merged, STATE_BYTES, &f->state, e);
    if (f->first)
        processing_free(p);
    else
        f->first = p;
    return status;
}

static int learn_all(struct fit *f, struct error *e)
{
    const char *given = f->o->start.name;
    int status = prepare(f, given ? arena_format(&f->arena, "%s-fit", given) : NULL, "fit", e);
    f->name = status ? NULL : arena_text(&f->arena, f->job.name, strlen(f->job.name));
    if (status == 0)
        status = begin(f, e);
    for (size_t stage = 1; status == 0 && !is_fitted(f); stage++) {
        if (stage > 1)
            status = prepare(f, arena_format(&f->arena, "%s-%zu", f->name, stage), "fit", e);
        if (status == 0)
            status = learn(f, e);
    }
    return status ? status : write_state(f, f->o->recipe, e);
}

static int apply(struct fit *f, struct error *e)
{
    struct processing *p = NULL;
    size_t instances;
    const char *given = f->o->start.name, *output = f->o->output;
    int status = prepare(f, given ? arena_format(&f->arena, "%s-apply", given) : NULL, "apply", e);
    f->job.argv = instance_words(f, "apply --shard", f->o->recipe, output);
    f->job.output_header = ends_with(output, ".csv") || ends_with(output, ".tsv");
    f->output = (struct processing_output){"out", output};
    if (status == 0)
        status = open_or_create(f, NULL, &p, e);
    if (status == 0)
        status = run_to_end(f, p, &instances, e);
    if (status == 0 && !strchr(output, '{') && strcmp(output, "-") != 0 &&
        access(output, F_OK) != 0)
        status = error_set(e, ERR_USAGE, "job %s is done, and %s is gone: give it another --name",
                           f->job.name, output);
    processing_free(p);
    return status;
}

static int find_home(struct fit *f, struct error *e)
{
    char *home = jobs_home(true, e);
    char *real = home ? realpath(home, NULL) : NULL;
    int status = real ? 0 : home ? error_errno(e, "cannot look at %s", home) : e->code;
    f->home = real ? arena_text(&f->arena, real, strlen(real)) : NULL;
    free(real);
    mem_free(home);
    return status;
}

static int run(void *context, struct operands *operands)
{
    const struct fit_options *o = context;
    struct fit f = {.o = o, .operands = operands};
    struct error e = {0};
    int status = check_options(o, &e);
    if (status == 0)
        status = find_home(&f, &e);
    if (status == 0)
        status = learn_all(&f, &e);
    if (status == 0 && o->output)
        status = apply(&f, &e);
    processing_free(f.first);
    start_release(&f.job);
    buf_release(&f.state);
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
        "byte. Steps that learn from what others have learnt take a stage of their own: a job for "
        "each pass that wrangle explain shows. With --output the parts are then transformed by "
        "wrangle apply and strung together.",
};
