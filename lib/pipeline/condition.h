/* condition: the expressions of when. For the files of this module. */
#ifndef PIPELINE_CONDITION_H
#define PIPELINE_CONDITION_H

#include "pipeline/pipeline.h"

/* Whether a step's condition, when it has one, is an expression over the parameters; ERR_DATA with
 * its place. */
int condition_check(const struct pipeline *p, const struct step *s, struct error *e);
int condition_holds(const struct pipeline *p, const struct step *s, bool *out, struct error *e);

#endif
