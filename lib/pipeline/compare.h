/* compare: what differs between two runs. */
#ifndef PIPELINE_COMPARE_H
#define PIPELINE_COMPARE_H

#include "pipeline/pipeline.h"

/* Appends a line for each difference: definition, commit, host and parameters, and of each step its
 * command, parameters, variables, inputs, outputs (by their digests) and metrics, as they were when
 * each run ended. ERR_USAGE: a run found all as it was, and so has nothing of its own. */
int pipeline_compare(const char *home, const char *first, const char *second, struct buf *out,
                     size_t *count, struct error *e);

#endif
