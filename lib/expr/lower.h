/* From expressions to row programs: what may be asked of an expression by steps that are lowered.
 */
#ifndef EXPR_LOWER_H
#define EXPR_LOWER_H

#include "expr/expr.h"
#include "lower/lower.h"

/* Emits what computes x from the columns of l, which are those x was compiled against. *reg: the
 * register with its values, of the class that fits expr_type (numbers: any of the three). An
 * expression that is a bare column must be treated as such: see expr_bare_column. ERR_NO with
 * "lower(): not in compiled preparation" for a function that has no operations. */
int expr_lower(const struct expr *x, struct lowering *l, uint32_t *reg, struct error *e);
/* The same as a condition: of class ML_BOOL. */
int expr_lower_test(const struct expr *x, struct lowering *l, uint32_t *reg, struct error *e);

#endif
