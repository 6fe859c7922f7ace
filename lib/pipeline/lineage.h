/*
 * lineage: which steps made a file, of which files, back to what no step made; or which steps used
 * it, and what became of that. Files are told by what is in them, not by their names.
 */
#ifndef PIPELINE_LINEAGE_H
#define PIPELINE_LINEAGE_H

#include "pipeline/pipeline.h"

enum lineage_direction { LINEAGE_BACK, LINEAGE_FORTH };
/* A step's event in the ledger, as its line; depth 0: of the file itself. */
typedef int lineage_take(void *context, struct text line, unsigned depth, struct error *e);
/* Calls take for each step once, nearest first, with the latest event that made the same of the
 * same. ERR_NO: no step in the ledger made (used) the file. */
int lineage_of_file(const char *home, const char *path, enum lineage_direction direction,
                    lineage_take *take, void *context, struct error *e);

/* Calls take with the events of a run, and of what ran in it, as OpenLineage has them (RunEvent,
 * specification 2-0-2), one JSON text each; depth is 0. ERR_NO: there is no such run. */
int openlineage_of_run(const char *home, const char *run, lineage_take *take, void *context,
                       struct error *e);

#endif
