/* embedded: what artefacts are made of, carried in the library: the runtime as one source and as an
 * object for this machine, the files of embed/, and the runner as a program for this machine. For
 * the files of this module. */
#ifndef ARTEFACT_EMBEDDED_H
#define ARTEFACT_EMBEDDED_H

#include "base/base.h"

/* The bytes of a file by its name: ml_runtime.c, ml_runtime.o, mlmodel.h, model.c, runner,
 * runner.c ... */
struct text embedded(const char *name);

#endif
