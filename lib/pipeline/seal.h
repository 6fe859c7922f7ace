/*
 * seal: that nothing is to be done, kept so that it is found out without reading the definition: a
 * digest of the definition and the parameters, and what the system said of every file when all
 * steps were done. For the files of this module.
 *
 * Only pipelines whose steps are all done by files have one: none that makes no file, has a
 * condition, reads or makes folders, looks at programs, variables or patterns of files, is done for
 * a time alone, asks somebody outside, or tells of its end.
 */
#ifndef PIPELINE_SEAL_H
#define PIPELINE_SEAL_H

#include "pipeline/running.h"

/* After a run in which every step was done. Failing to keep it is no failure. */
void seal_keep(const struct run *r, const char *path);

#endif
