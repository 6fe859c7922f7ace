/* What the commands of neoc share. */
#ifndef NEOC_H
#define NEOC_H

#include "infer/infer.h"
#include "session/session.h"

/* A model file, or an artefact. */
struct subject {
    const char *path;
    struct model *model;         /* NULL: it is an artefact */
    struct predictor *predictor; /* compiled from the model, or the artefact's own */
};
/* "-" is standard input. Nothing is compiled into files. */
int subject_open(const char *path, const struct compile_options *o, struct subject *out,
                 struct error *e);
void subject_close(struct subject *s);

extern const struct command command_run, command_inspect, command_bench;

#endif
