/* The tables of steps, one per family, each in a file steps_<family>.c and listed in registry.c. */
#ifndef PREP_FAMILIES_H
#define PREP_FAMILIES_H

#include "prep/prep.h"

extern const struct step_kind steps_columns[];
extern const struct step_kind steps_rows[];

#endif
