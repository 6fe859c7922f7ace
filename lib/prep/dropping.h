/*
 * dropping: steps that learn which of the selected columns to drop. The kind's detail is a struct
 * dropper; most learn column by column (columnwise.h), others have learning hooks of their own.
 */
#ifndef PREP_DROPPING_H
#define PREP_DROPPING_H

#include "prep/columnwise.h"
#include "prep/lower.h"

struct dropper {
    struct columnwise learner; /* first, so that columnwise hooks find it; empty: not used */
    /* From s->learnt: drop[i] = true for the selected columns that go; all false before. */
    void (*mark)(const struct step *s, bool *drop);
};

/* The column target= is left out of the selection, which may name it: @numeric. */
int dropping_open(struct step *s, const struct schema *in, struct error *e);
int dropping_shape(struct step *s, struct schema *schema, struct error *e);
int dropping_apply(const struct step *s, struct batch *b, struct error *e);
#define DROPPING_HOOKS                                                                             \
    .open = dropping_open, .shape = dropping_shape, .apply = dropping_apply,                       \
    .lower = lower_arranging

#define DROPPING_COLUMNS                                                                           \
    {                                                                                              \
        .name = "columns", .kind = ARG_COLUMNS, .fallback = "@all",                                \
        .help = "columns that may be dropped", .positional = true                                  \
    }
#define DROPPING_NUMBERS                                                                           \
    {                                                                                              \
        .name = "columns", .kind = ARG_COLUMNS, .fallback = "@numeric",                            \
        .help = "columns of numbers that may be dropped", .positional = true                       \
    }
#define DROPPING_TARGET(text)                                                                      \
    {                                                                                              \
        .name = "target", .kind = ARG_COLUMN, .help = text, .required = true                       \
    }

/* What dropping_open keeps: types of the selected columns, and after shape which ones go. */
struct dropping {
    enum type *types;
    size_t *gone, gone_count;
};

/* Takes a column out of the selection. */
void selection_leave_out(struct step *s, size_t column);

#endif
