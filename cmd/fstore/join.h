/* fstore join at work, and its manifests. */
#ifndef FSTORE_JOIN_H
#define FSTORE_JOIN_H

#include "fstore.h"
#include "join_step.h"

struct join_options {
    struct stream_options stream;
    const char *labels, *time, *known_by, *file_time, *manifest, *replay;
    struct option_list ids, file_ids;
    usec lookback;
    int time_unit;
    bool strict, age, status;
};

/* Options, and the manifest they are from, if so. */
struct join_call {
    struct join_options options;
    json_t *replayed;
    struct arena arena;
};

/* One operand: a group, or a file. */
struct join_source {
    const char *operand;
    struct pit_source *pit;
    const struct group *group;
    const char *path;
};

typedef VEC(const char *) join_names;

struct join {
    const struct join_options *options;
    struct session *session;
    const json_t *replayed; /* a manifest; NULL: none */
    struct join_how how;
    char *store;
    struct pit_file file; /* what all files have in common */
    join_names ids, file_ids;
    VEC(struct join_source) sources;
    VEC(struct group *) groups;
    VEC(char *) files;
    struct arena arena;
};

/* ---- manifests: join_manifest.c ---- */

/* What was read, and the options (of the command's table) that change what comes out. */
int join_write_manifest(const struct join *j, const struct option *options, struct error *e);
/* call->options.replay says which. Operands and options borrow from the manifest. */
int join_read_manifest(struct join_call *call, const struct option *options,
                       struct operands *operands, struct error *e);
void join_call_release(struct join_call *call, struct operands *operands);
/* The last record that the replayed join saw of source i; UINT64_MAX when none is replayed. */
uint64_t join_replayed_lsn(const struct join *j, size_t i);
/* ERR_NO when labels or a source are not as they were. */
int join_check_replay(const struct join *j, struct error *e);

#endif
