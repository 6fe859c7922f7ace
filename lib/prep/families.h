/* The tables of steps, a family's in steps_<family>*.c, all listed in registry.c. */
#ifndef PREP_FAMILIES_H
#define PREP_FAMILIES_H

#include "prep/prep.h"

extern const struct step_kind steps_columns[];
extern const struct step_kind steps_columns_table[];
extern const struct step_kind steps_columns_text[];
extern const struct step_kind steps_columns_values[];
extern const struct step_kind steps_rows[];
extern const struct step_kind steps_rows_order[];

#endif
