/*
 * Recipes as row programs: a fitted recipe becomes the operations that take one row from its raw
 * fields to the features of a model (runtime/program.h). Its results are those of
 * `wrangle apply STATE | neoc run MODEL`, to the last bit, and so are the rows it refuses, but for
 * cells that no feature depends on: those are not looked at.
 */
#ifndef PREP_LOWER_H
#define PREP_LOWER_H

#include "prep/prep.h"

struct lower_feature {
    const char *name;
    const struct text *categories; /* of a feature that is a text; NULL: it is a number */
    size_t count;
};

struct lower_request {
    const struct lower_feature *features;
    size_t count;
    const struct zone *zone; /* of clock times without an offset; NULL: they are refused */
};

/* Appends to program, which begins empty, the program whose fields are the columns of r->schema
 * that are needed, and whose results are the features. The tokens for missing cells are those of
 * r->context.policy. A text becomes the number of its category, -1 when it is none of them; other
 * features are what number_parse_double reads of the recipe's cells, true and false being 1 and 0
 * unless the column is one of numbers.
 * ERR_DATA: no such column comes out of the recipe. ERR_NO: steps that are not compiled, with the
 * reason for each. */
int lower_recipe(struct recipe *r, const struct lower_request *wanted, struct buf *program,
                 struct error *e);

/* Hooks for steps whose apply only drops, moves or keeps columns. */
int lower_arranging(const struct step *s, struct lowering *l, struct error *e);
/* For steps that leave the columns alone. */
int lower_nothing(const struct step *s, struct lowering *l, struct error *e);

/* ERR_NO with that reason. */
int lower_refuse(struct error *e, const char *format, ...) PRINTF_LIKE(2, 3);
enum ml_class lower_class_of_type(enum type t);

#endif
