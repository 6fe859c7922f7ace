/* What the commands of neoc share. */
#ifndef NEOC_H
#define NEOC_H

#include "artefact/artefact.h"
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

/* The features of a file's rows: raw ones, with the file of a fitted preparation, else NULL. */
int subject_rows(struct session *s, const struct subject *subject, const char *prep,
                 const char *file, struct verify_rows *rows, struct error *e);

/* Of commands that read rows as they come, without options of their own. */
extern const struct stream_options plain_stream;

extern const struct command command_compile, command_run, command_inspect, command_verify,
    command_bench, command_targets, command_unpack;

#endif
