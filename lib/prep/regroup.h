/*
 * regroup: steps that keep something for each group of rows, when there are more groups than memory
 * holds. Groups met so far go on as they did; rows of others go to disk, and pass in the end group
 * by group, each time through a run of their own. All rows leave in the order of the stream then.
 *
 * For ordered steps with the hook `grouping`: rows leave in the order they came, and columns stay
 * where they are (new ones are appended).
 */
#ifndef PREP_REGROUP_H
#define PREP_REGROUP_H

#include "prep/groups.h"
#include "prep/prep.h"

struct regroup;

/* Whether the step's batches must pass here: its groups fill the memory; or may come to do so, when
 * it holds rows back, whose places must then be known from the first on. */
bool regroup_wanted(const struct step *s);
struct regroup *regroup_new(void);
/* In the place of the step's push and flush. */
int regroup_push(struct regroup *r, struct step *s, struct batch *b, struct emit *out,
                 struct error *e);
int regroup_flush(struct regroup *r, struct step *s, struct emit *out, struct error *e);
void regroup_free(struct regroup *r);

#endif
