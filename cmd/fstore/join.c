/* fstore join: labels in, each with the features its entity had then. */
#include "fstore.h"

#include "join.h"

/* clang-format off */
static const struct option options[] = {
    {'l', "labels", "FILE", INTO_TEXT(struct join_options, labels),
     .help = "the rows that features are joined to (default: standard input)"},
    {0, "time", "COLUMN", INTO_TEXT(struct join_options, time),
     .help = "the labels' time: features are those of then"},
    {0, "time-unit", NULL, INTO_CHOICE(struct join_options, time_unit), .fallback = "text",
     .choices = "text|s|ms|us|ns",
     .help = "times of labels and files are numbers of this unit since 1970, not texts"},
    {0, "id", "COLUMN", INTO_LIST(struct join_options, ids),
     .help = "the labels' id (default: as the group calls it); repeated, or with commas, for several"},
    {0, "lookback", "DURATION", INTO_DURATION(struct join_options, lookback),
     .help = "features older than this are expired"},
    {0, "strict", NULL, INTO_FLAG(struct join_options, strict),
     .help = "features from before the label's time, not from that very time"},
    {0, "known-by", "COLUMN", INTO_TEXT(struct join_options, known_by),
     .help = "leave out what had not been written by that time of the label's"},
    {0, "age", NULL, INTO_FLAG(struct join_options, age),
     .help = "add GROUP__age_s, the seconds from the features' time to the label's"},
    {0, "status", NULL, INTO_FLAG(struct join_options, status),
     .help = "add GROUP__status: ok, missing, expired or deleted"},
    {0, "manifest", "FILE", INTO_TEXT(struct join_options, manifest),
     .help = "write to FILE what was read and how, for --replay"},
    {0, "replay", "FILE", INTO_TEXT(struct join_options, replay),
     .help = "do again what the manifest FILE says, whatever was written since",
     .more = "--from FILE means the same when FILE has a point or a slash in it, which no format "
             "has. Files whose bytes differ, and groups whose features do, end it with exit status 1. "
             "Only -o, -j and --memory may be given with it."},
    {0, "file-time", "COLUMN", INTO_TEXT(struct join_options, file_time),
     .help = "the time of features from a file (default: as --time)"},
    {0, "file-id", "COLUMN", INTO_LIST(struct join_options, file_ids),
     .help = "the id of features from a file (default: as --id)"},
    STREAM_INPUT_ROWS(struct join_options),
    STREAM_OUTPUT_ROWS(struct join_options),
    OPTION_ROW_JOBS(struct join_options, stream.jobs),
    {0, "memory", "SIZE", INTO_SIZE(struct join_options, stream.memory), .fallback = "1G",
     .range = "1M..", .help = "what labels may take; more are joined in several passes"},
    OPTION_END,
};
/* clang-format on */

/* ---- sources ---- */

/* GROUP[:FEATURE,...]; what names a file has a point or a slash. */
static bool names_file(struct text name)
{
    return memchr(name.at, '.', name.len) || memchr(name.at, '/', name.len);
}

/* last: lsn of the last record that is read. */
static int open_group(struct join *j, struct text name, const char *features, uint64_t last,
                      struct pit_source **out, struct error *e)
{
    struct group *g = NULL;
    int status = registry_find(j->store, name, &g, e);
    if (status)
        return status;
    vec_push(&j->groups, g);
    return pit_group_source(g, features, last, out, e);
}

static int open_file(struct join *j, struct text name, const char *features,
                     struct pit_source **out, struct error *e)
{
    if (!j->file.id_count)
        return error_set(e, ERR_USAGE, "--id: wanted for %.*s, which is a file", (int)name.len,
                         name.at);
    if (j->how.known_by)
        return error_set(e, ERR_USAGE, "--known-by: %.*s is a file, which has no times of writing",
                         (int)name.len, name.at);
    char *path = mem_text_n(name.at, name.len);
    vec_push(&j->files, path);
    struct pit_file f = j->file;
    f.path = path;
    f.features = features;
    return pit_file_source(&f, out, e);
}

static int open_source(struct join *j, const char *operand, uint64_t last, struct error *e)
{
    const char *colon = strrchr(operand, ':');
    if (colon && strchr(colon, '/'))
        colon = NULL;
    struct text name = {operand, colon ? (size_t)(colon - operand) : strlen(operand)};
    const char *features = colon ? colon + 1 : NULL;
    struct join_source source = {.operand = operand};
    size_t groups = j->groups.len, files = j->files.len;
    int status = names_file(name) ? open_file(j, name, features, &source.pit, e)
                                  : open_group(j, name, features, last, &source.pit, e);
    source.group = j->groups.len > groups ? j->groups.at[groups] : NULL;
    source.path = j->files.len > files ? j->files.at[files] : NULL;
    if (status)
        return status;
    vec_push(&j->sources, source);
    vec_push(&j->how.sources, source.pit);
    return 0;
}

/* ---- the command ---- */

static struct time_rule rule_of(const struct join_options *o, const struct session *s)
{
    static const enum time_unit units[] = {TIME_TEXT, TIME_SECONDS, TIME_MILLIS, TIME_MICROS,
                                           TIME_NANOS};
    return (struct time_rule){
        .unit = units[o->time_unit], .zone_name = o->stream.zone, .zone = s->zone};
}

/* "a,b" given once is a and b given apart. */
static void split_names(struct arena *arena, const struct option_list *given, join_names *out)
{
    for (size_t i = 0; i < given->len; i++)
        for (const char *at = given->at[i], *end;; at = end + 1) {
            end = at + strcspn(at, ",");
            vec_push(out, arena_text(arena, at, (size_t)(end - at)));
            if (!*end)
                break;
        }
}

static void join_init(struct join *j, struct session *s, const struct join_options *o)
{
    j->options = o;
    j->session = s;
    split_names(&j->arena, &o->ids, &j->ids);
    split_names(&j->arena, &o->file_ids, &j->file_ids);
    const join_names *file_ids = j->file_ids.len ? &j->file_ids : &j->ids;
    j->how.labels = o->labels && strcmp(o->labels, "-") != 0 ? o->labels : NULL;
    j->how.time = o->time;
    j->how.rule = rule_of(o, s);
    j->how.known_by = o->known_by;
    j->how.ids = j->ids.at;
    j->how.id_count = j->ids.len;
    j->how.age = o->age;
    j->how.status = o->status;
    j->how.memory =
        s->context.memory / (s->context.jobs > 1 ? 2 : 1); /* one block may be leaving */
    j->how.pit = (struct pit_options){.strict = o->strict,
                                      .lookback = o->lookback ? o->lookback : STORE_NEVER,
                                      .jobs = s->context.jobs};
    j->file = (struct pit_file){.ids = file_ids->at,
                                .id_count = file_ids->len,
                                .time = o->file_time ? o->file_time : o->time,
                                .rule = j->how.rule,
                                .input = &s->context.input};
}

static void join_release(struct join *j)
{
    for (size_t i = 0; i < j->sources.len; i++)
        pit_source_free(j->sources.at[i].pit);
    for (size_t i = 0; i < j->groups.len; i++)
        group_free(j->groups.at[i]);
    for (size_t i = 0; i < j->files.len; i++)
        mem_free(j->files.at[i]);
    vec_release(&j->how.sources);
    vec_release(&j->sources);
    vec_release(&j->groups);
    vec_release(&j->files);
    vec_release(&j->ids);
    vec_release(&j->file_ids);
    arena_release(&j->arena);
    mem_free(j->store);
}

static int run_join(struct join *j, struct error *e)
{
    const struct join_options *o = j->options;
    char *path[] = {mem_text(o->labels ? o->labels : "-"), NULL};
    struct operands labels = {path, 1};
    struct recipe *recipe = NULL;
    struct input *in = NULL;
    int status = recipe_parse("", 0, &j->session->context, &recipe, e);
    if (status == 0) {
        join_step_add(recipe, &j->how);
        status = session_input(j->session, recipe, &labels, &in, e);
    }
    if (status == 0)
        status = run_to_output(recipe, in, &o->stream, e);
    input_free(in);
    recipe_free(recipe);
    mem_free(path[0]);
    return status;
}

static int check_options(const struct join_options *o, size_t operands, struct error *e)
{
    if (!o->time)
        return error_set(e, ERR_USAGE, "--time: which column of the labels is their time?");
    if (operands == 0)
        return error_set(e, ERR_USAGE, "no group or file of features is named");
    if (o->manifest && (!o->labels || strcmp(o->labels, "-") == 0))
        return error_set(e, ERR_USAGE, "--manifest: wants --labels FILE, which can be read again");
    return 0;
}

static int work(struct session *s, const void *given, struct operands *operands, struct error *e)
{
    const struct join_call *call = given;
    struct join j = {.replayed = call->replayed};
    join_init(&j, s, &call->options);
    int status = check_options(&call->options, operands->len, e);
    if (status == 0)
        status = home_open(cli_home(), "fstore", false, &j.store, e);
    for (size_t i = 0; i < operands->len && status == 0; i++)
        status = open_source(&j, operands->at[i], join_replayed_lsn(&j, i), e);
    if (status == 0)
        status = join_check_replay(&j, e);
    if (status == 0)
        status = run_join(&j, e);
    if (status == 0 && call->options.manifest)
        status = join_write_manifest(&j, options, e);
    join_release(&j);
    return status;
}

/* The options and operands of the manifest in place of those given. */
static int run_again(struct join_call *call, const struct operands *given)
{
    struct error e = {0};
    struct join_options *o = &call->options;
    struct operands operands = {0};
    int status = 0;
    if (given->len || o->labels || o->time || o->manifest)
        status = error_set(&e, ERR_USAGE, "--replay: the manifest says what is joined, and how");
    if (status == 0)
        status = join_read_manifest(call, options, &operands, &e);
    status = status ? finish(status, &e) : session_run(work, &o->stream, call, &operands);
    join_call_release(call, &operands);
    return status;
}

static int run(void *context, struct operands *operands)
{
    struct join_call call = {.options = *(const struct join_options *)context};
    const char *from = call.options.stream.from;
    if (!call.options.replay && from && names_file(text_of(from))) {
        call.options.replay = from; /* names of formats are words */
        call.options.stream.from = NULL;
    }
    if (call.options.replay)
        return run_again(&call, operands);
    return session_run(work, &call.options.stream, &call, operands);
}

const struct command command_join = {
    .name = "join",
    .summary = "add to each row the features there were at its time",
    .operands = "[GROUP...]",
    .options = options,
    .options_size = sizeof(struct join_options),
    .run = run,
    .more =
        "GROUP:A,B names the features that are wanted; else all are.\n\n"
        "Every label leaves once, in the order in which it came, its own cells as they were, with "
        "a column GROUP__FEATURE for each feature. A feature's value is that of the latest record "
        "of the id at or before the label's time; of records of one time the one that was written "
        "first. If that record is a delete, had expired, or is older than --lookback, there is no "
        "value: an older one is not taken in its place.\n\n"
        "A name with a point or a slash is a file of features, CSV, JSON Lines or Parquet, whose "
        "columns of time and id are called as the labels' are. What is not its time or id is a "
        "feature. Ids are equal when their cells are.",
};
