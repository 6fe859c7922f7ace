#include "fstore.h"

static const struct command *const commands[] = {
    /* groups */
    &command_create,
    &command_update,
    &command_drop,
    &command_list,
    &command_describe,
    &command_search,
    &command_tag,
    &command_meta,
    /* records */
    &command_ingest,
    &command_put,
    &command_get,
    &command_mget,
    &command_delete,
    &command_forget,
    &command_history,
    &command_join,
    /* what follows from the log, and the log itself */
    &command_verify,
    &command_rebuild,
    &command_gc,
    &command_log,
    /* files for other tools, and rows */
    &command_materialize,
    &command_compact,
    &command_export,
    &command_import,
    &command_snapshot,
    /* what the values are like */
    &command_stats,
    &command_drift,
    NULL,
};

static const struct tool_example examples[] = {
    {"fstore create users --id user_id --time at --ttl 30d", "a group of features"},
    {"fstore ingest users events.csv", "its records; the first fix the types"},
    {"fstore get users u1", "the newest, as JSON; exit status 1 when there is none"},
    {"fstore mget users --features age,city <requests.csv", "beside the columns of a stream"},
    {"fstore join --labels clicks.csv --time at users", "training rows: what was known then"},
    {"fstore materialize users", "offline files for others to read"},
    {"fstore snapshot users --at 2001-01-31 -o users.parquet", "as all was at that time"},
    {"fstore stats users --save march", "what the values are like, kept to compare with"},
    {"fstore drift users --baseline march new.csv", "exit status 1 when they are otherwise"},
    {NULL, NULL},
};

static const struct tool fstore = {
    .name = "fstore",
    .summary = "keep features, and serve them online and for training",
    .description =
        "A feature store in plain files. A group of features has a log of records, which is the "
        "truth: what was said of an entity, for which time, and when. From it follow the newest "
        "record of every entity, read by id in a millisecond, and training sets as of any "
        "moment: for each label what was known at its time.",
    .commands = commands,
    .examples = examples,
    .abandon = replace_abort_all,
};

int main(int argc, char **argv)
{
    return tool_main(&fstore, argc, argv);
}
