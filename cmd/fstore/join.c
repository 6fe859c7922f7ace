/* fstore join: labels in, each with the features its entity had then. */
#include "fstore.h"

#include "join_step.h"
#include "session/session.h"
#include "store/groups.h"

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
