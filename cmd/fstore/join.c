/* fstore join: labels in, each with the features its entity had then. */
#include "fstore.h"

#include "join_step.h"
#include "session/session.h"
#include "store/registry.h"
#include "sys/sys.h"

struct join_options {
    struct stream_options stream;
    const char *labels, *time, *known_by, *file_time;
    struct option_list ids, file_ids;
    usec lookback;
    int time_unit;
    bool strict, age, status;
};

/* clang-format off */
static const struct option options[] = {
    {'l', "labels", "FILE", INTO_TEXT(struct join_options, labels),
     .help = "the rows that features are joined to (default: standard input)"},
    {0, "time", "COLUMN", INTO_TEXT(struct join_options, time),
     .help = "the labels' time: features are those of then"},
    {0, "time-unit", NULL, INTO_CHOICE(struct join_options, time_unit),
     .choices = "s|ms|us|ns",
     .help = "times of labels and files are numbers of these since 1970 (default: RFC 3339)"},
    {0, "id", "COLUMN", INTO_LIST(struct join_options, ids),
     .help = "the labels' id (default: as the group calls it); again for ids of several columns"},
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

/* A command at work. */
struct join {
    const struct join_options *options;
    struct session *session;
    struct join_how how;
    char *store;
    struct pit_file file; /* what all files have in common */
    VEC(struct group *) groups;
    VEC(char *) texts;
};

/* ---- sources ---- */

/* GROUP[:FEATURE,...]; what names a file has a point or a slash. */
static bool names_file(struct text name)
{
    return memchr(name.at, '.', name.len) || memchr(name.at, '/', name.len);
}

static int open_group(struct join *j, struct text name, const char *features,
                      struct pit_source **out, struct error *e)
{
    struct group *g = NULL;
    int status = registry_find(j->store, name, &g, e);
    if (status)
        return status;
    vec_push(&j->groups, g);
    return pit_group_source(g, features, UINT64_MAX, out, e);
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
    vec_push(&j->texts, path);
    struct pit_file f = j->file;
    f.path = path;
    f.features = features;
    return pit_file_source(&f, out, e);
}

static int open_source(struct join *j, const char *operand, struct error *e)
{
    const char *colon = strrchr(operand, ':');
    if (colon && strchr(colon, '/'))
        colon = NULL;
    struct text name = {operand, colon ? (size_t)(colon - operand) : strlen(operand)};
    const char *features = colon ? colon + 1 : NULL;
    struct pit_source *source = NULL;
    int status = names_file(name) ? open_file(j, name, features, &source, e)
                                  : open_group(j, name, features, &source, e);
    if (status == 0)
        vec_push(&j->how.sources, source);
    return status;
}

/* ---- the command ---- */

static struct time_rule rule_of(const struct join_options *o, const struct session *s)
{
    static const enum time_unit units[] = {TIME_SECONDS, TIME_MILLIS, TIME_MICROS, TIME_NANOS};
    return (struct time_rule){.unit = o->time_unit < 0 ? TIME_TEXT : units[o->time_unit],
                              .zone_name = o->stream.zone,
                              .zone = s->zone};
}

static void join_init(struct join *j, struct session *s, const struct join_options *o)
{
    const struct option_list *file_ids = o->file_ids.len ? &o->file_ids : &o->ids;
    *j = (struct join){.options = o, .session = s};
    j->how = (struct join_how){.labels = o->labels && strcmp(o->labels, "-") != 0 ? o->labels : NULL,
                               .time = o->time,
                               .rule = rule_of(o, s),
                               .known_by = o->known_by,
                               .ids = o->ids.at,
                               .id_count = o->ids.len,
                               .age = o->age,
                               .status = o->status,
                               .memory = s->context.memory};
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
    for (size_t i = 0; i < j->how.sources.len; i++)
        pit_source_free(j->how.sources.at[i]);
    for (size_t i = 0; i < j->groups.len; i++)
        group_free(j->groups.at[i]);
    for (size_t i = 0; i < j->texts.len; i++)
        mem_free(j->texts.at[i]);
    vec_release(&j->how.sources);
    vec_release(&j->groups);
    vec_release(&j->texts);
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

static int work(struct session *s, const void *given, struct operands *operands, struct error *e)
{
    const struct join_options *o = given;
    struct join j;
    if (!o->time)
        return error_set(e, ERR_USAGE, "--time: which column of the labels is their time?");
    join_init(&j, s, o);
    int status = home_open(cli_home(), "fstore", false, &j.store, e);
    for (size_t i = 0; i < operands->len && status == 0; i++)
        status = open_source(&j, operands->at[i], e);
    if (status == 0)
        status = run_join(&j, e);
    join_release(&j);
    return status;
}

static int run(void *context, struct operands *operands)
{
    const struct join_options *o = context;
    return session_run(work, &o->stream, o, operands);
}

const struct command command_join = {
    .name = "join",
    .summary = "add to each row the features there were at its time",
    .operands = "GROUP[:FEATURE,...]...",
    .options = options,
    .options_size = sizeof(struct join_options),
    .run = run,
    .more =
        "Every label leaves once, in the order in which it came, its own cells as they were, with "
        "a column GROUP__FEATURE for each feature. A feature's value is that of the latest record "
        "of the id at or before the label's time; of records of one time the one that was written "
        "first. If that record is a delete, had expired, or is older than --lookback, there is no "
        "value: an older one is not taken in its place.\n\n"
        "A name with a point or a slash is a file of features, CSV, JSON Lines or Parquet, whose "
        "columns of time and id are called as the labels' are. What is not its time or id is a "
        "feature. Ids are equal when their cells are.",
};
