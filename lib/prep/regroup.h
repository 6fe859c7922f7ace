/*
 * regroup: steps that keep something for each group of rows, when there are more groups than memory
 * holds. Groups met so far go on as they did; rows of others go to disk, and pass in the end group
 * by group, each time through a run of their own. All rows leave in the order of the stream then.
 *
 * For ordered steps with the hook `grouping`: they hold no rows back, and neither reorder nor drop
 * columns (new ones are appended).
 */
#ifndef PREP_REGROUP_H
#define PREP_REGROUP_H

#include "prep/groups.h"
#include "prep/prep.h"

struct regroup;

/* Before rows of s go to disk; NULL while memory has room for its groups. */
struct regroup *regroup_new(const struct step *s);
/* In the place of the step's push and flush. */
int regroup_push(struct regroup *r, struct step *s, struct batch *b, struct emit *out,
                 struct error *e);
int regroup_flush(struct regroup *r, struct step *s, struct emit *out, struct error *e);
void regroup_free(struct regroup *r);

#endif
