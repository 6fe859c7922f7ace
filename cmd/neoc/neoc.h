/* What the commands of neoc share. */
#ifndef NEOC_H
#define NEOC_H

#include "artefact/artefact.h"
#include "infer/raw_rows.h"
#include "infer/verify.h"
#include "session/session.h"

/* A model file, or an artefact. */
struct subject {
    struct model *model;         /* NULL: it is an artefact */
    struct predictor *predictor; /* compiled from the model, or the artefact's own */
};
/* Compiles in memory only; an artefact is as it was compiled. */
int subject_open(const char *path, const struct compile_options *o, struct subject *out,
                 struct error *e);
int subject_of_model(const char *path, const struct compile_options *o, struct subject *out,
                     struct error *e);
void subject_close(struct subject *s);

/* The rows of a file, as features and as they are; prep: the file of a fitted preparation, or NULL.
 * predictor: the one that takes them raw. */
struct trial_rows {
    struct verify_rows features;
    struct raw_rows raw;
};
int trial_rows_read(struct session *s, const struct model *m, const struct predictor *predictor,
                    const char *prep, const char *file, struct trial_rows *out, struct error *e);
void trial_rows_release(struct trial_rows *s);
/* Only as they are. */
int raw_read(struct session *s, const struct predictor *p, const char *file, struct raw_rows *rows,
             struct error *e);

/* Of commands that read rows as they come, without options of their own. */
extern const struct stream_options plain_stream;

extern const struct command command_compile, command_run, command_inspect, command_verify,
    command_bench, command_targets, command_unpack;

#endif
