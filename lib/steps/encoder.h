/*
 * encoder: steps that turn categories into numbers, or into other categories. They share how a
 * column is learnt (its categories, how often each occurs, and what a target column is beside it),
 * how a cell finds its category when rows stream, and what becomes of cells that have none. What is
 * left to an encoder is `derive`: a table with a row of outputs for every place a cell may have.
 *
 *     {.name = "ordinal", ..., ENCODER_HOOKS, .detail = &(const struct encoder){
 *          ENCODER_LEARNS, .to = TYPE_INT, .derive = derive_ordinal}},
 *
 * Categories stand in order of their names, as numbers when all of them are numbers. Behind their
 * places come those of cells without a category; unknown= and missing= say which one it is:
 *
 *     error      the row is wrong (--on-error)
 *     skip-row   the row is left out
 *     ignore     the encoder's neutral value
 *     keep       one more category, behind the last
 *     missing    the outputs are missing (also: null)
 *     VALUE      that value
 */
#ifndef STEPS_ENCODER_H
#define STEPS_ENCODER_H

#include "prep/columnwise.h"

/* The target in some rows; only rows where it is not missing count. */
struct tally {
    uint64_t count;
    struct sum sum, square;   /* square: TARGET_SQUARE */
    struct quantiles *values; /* TARGET_VALUES, else NULL */
};

enum encoder_target { TARGET_NONE, TARGET_SUM, TARGET_SQUARE, TARGET_VALUES };

/* Places of cells without a category: categories.count + one of these. */
enum encoder_place {
    PLACE_KEEP, /* the category behind the last */
    PLACE_IGNORE,
    PLACE_MISSING,
    PLACE_UNKNOWN_VALUE, /* unknown=VALUE */
    PLACE_MISSING_VALUE, /* missing=VALUE */
    PLACES_EXTRA,
};

/* The state of one column. */
struct categories {
    const struct step *step;
    struct counts counts;      /* by number, the order of arrival */
    uint64_t missing;          /* rows whose cell is missing */
    size_t parts;              /* 1, or the folds of the rows that are told apart */
    struct quantiles *values;  /* TARGET_VALUES: of all rows */
    VEC(struct tally) tallies; /* (1 + number) * parts + part; first those of missing cells */

    /* Derived. */
    size_t count;             /* of categories */
    uint32_t *number, *place; /* of place, of number */
    struct tally total;       /* of all rows; without values */
    size_t width;             /* outputs */
    double *table;            /* [width][count + PLACES_EXTRA] */
    int64_t *whole;           /* the same for TYPE_INT */
    struct text *texts;       /* [count + PLACES_EXTRA] for TYPE_TEXT */
    const char **suffixes;    /* of the outputs' names; NULL with one output */
    void *own;                /* the encoder's, in arena */
    struct arena arena;
};

/* For derive: a table of that many outputs, in which ignored cells are `neutral`, kept ones too,
 * and missing ones missing. Sets width. */
double *categories_table(struct categories *c, size_t width, double neutral);
/* For derive of a TYPE_TEXT encoder: every category as it is, ignored cells as `neutral`. */
struct text *categories_text_table(struct categories *c, struct text neutral);
static inline size_t categories_places(const struct categories *c)
{
    return c->count + PLACES_EXTRA;
}
struct text categories_name(const struct categories *c, size_t place);
/* Rows of a place: a category's, or for the kept place those whose cell is missing when
 * missing=keep. */
uint64_t categories_rows(const struct categories *c, size_t place);
/* The target at such a place in part `part`; all zero when nothing is known. */
const struct tally *categories_tally(const struct categories *c, size_t place, size_t part);
/* Mean of the target over all rows; NaN without rows. */
double categories_prior(const struct categories *c);
/* Whether missing= or unknown= is keep: the kept place is a category. */
bool categories_keep(const struct categories *c);
/* The name of the kept category: "missing", or "unknown" when only unknown cells go there. */
const char *categories_kept_name(const struct categories *c);
double tally_mean(const struct tally *t);
double tally_variance(const struct tally *t);                   /* sample; NaN below two rows */
void tally_merge(struct tally *into, const struct tally *from); /* without values */
void tally_release(struct tally *t);

extern const struct learner categories_learner;
#define ENCODER_LEARNS .columnwise = {.learner = &categories_learner}

/* One column of one batch. */
struct encoding {
    const struct step *step;
    const struct categories *categories;
    struct batch *batch;
    size_t index;          /* of the column in step->columns */
    const uint32_t *place; /* of each row */
    struct column *out;    /* categories->width columns to make */
    struct error *error;
};

struct encoder {
    struct columnwise columnwise; /* first, for its hooks */
    enum encoder_target target;
    bool binary;  /* the target must be 0 or 1 */
    enum type to; /* TYPE_INT, TYPE_FLOAT, TYPE_TEXT */
    bool widens;  /* several new columns; the original goes unless keep=true */
    int (*derive)(const struct step *s, struct categories *c, struct error *e);
    int (*fill)(const struct encoding *x); /* instead of looking up the table; may be NULL */
    /* The same in a row program: registers of the class of `to` for the place in a register. With
     * fill but without it the encoder is not compiled. */
    int (*lower)(const struct step *s, const struct categories *c, struct lowering *l,
                 uint32_t place, uint32_t *out, struct error *e);
    /* The same for a cell that is not looked for among the categories. */
    int (*lower_cell)(const struct step *s, const struct categories *c, struct lowering *l,
                      uint32_t cell, uint32_t *out, struct error *e);
    /* Instead of counting the cell itself: a cell holds several. fill must then find their places,
     * x->place holds nothing. May be NULL. */
    void (*count)(const struct step *s, struct categories *c, struct text cell);
};

struct policy {
    uint32_t place; /* PLACE_..., or one of these */
    double number;  /* of VALUE */
    struct text text;
};
#define POLICY_ERROR PLACES_EXTRA
#define POLICY_SKIP  (PLACES_EXTRA + 1)

struct encoder_plan {
    struct policy unknown, missing;
    size_t target; /* column, FIELD_NONE without one */
    const char *target_name;
    struct text positive; /* the target's value that counts as 1; at == NULL: it is a number */
    bool in_place, keeps;
};

/* Values of the target; NaN is missing. */
int encoder_target(const struct step *s, struct batch *b, const double **out, struct error *e);
/* The folds of a step that has with=folds; else 1. */
size_t encoder_folds(const struct step *s);
/* The part a row belongs to, 0 to parts - 1. */
size_t encoder_part(const struct step *s, size_t parts, const struct batch *b, size_t row);
/* The place of every cell of selected column `index`; rows to be skipped are marked as rejected. */
int encoder_places(const struct step *s, size_t index, struct batch *b, uint32_t *place,
                   struct error *e);
/* Fills x->out from the column's table. */
void encoder_look_up(const struct encoding *x);
/* The same in a row program. */
int encoder_lower_look_up(const struct step *s, const struct categories *c, struct lowering *l,
                          uint32_t place, uint32_t *out, struct error *e);
/* In a row program: the place of a cell among those names. */
int encoder_lower_place(struct lowering *l, uint32_t cell, const struct text *names, size_t count,
                        const struct policy *unknown, const struct policy *missing, uint32_t *place,
                        struct error *e);
/* Reads one of the arguments unknown= and missing=. */
int policy_read(const struct step *s, const char *name, enum type to, bool values, struct policy *p,
                struct error *e);
/* What becomes of one cell without a category: its place behind `count`, or an error. */
int policy_place(const struct policy *p, const struct step *s, struct batch *b, size_t index,
                 size_t row, size_t count, uint32_t *place, struct error *e);

int encoder_open(struct step *s, const struct schema *in, struct error *e);
int encoder_shape(struct step *s, struct schema *schema, struct error *e);
int encoder_apply(const struct step *s, struct batch *b, struct error *e);
int encoder_lower(const struct step *s, struct lowering *l, struct error *e);
#define ENCODER_HOOKS                                                                              \
    .open = encoder_open, .shape = encoder_shape, .apply = encoder_apply, .lower = encoder_lower,  \
    COLUMNWISE_HOOKS

/* Arguments of encoders. */
#define ENCODER_UNKNOWN(usual)                                                                     \
    {                                                                                              \
        .name = "unknown", .kind = ARG_TEXT, .fallback = usual,                                    \
        .help = "a category not seen when fitting: error, ignore, keep, missing, skip-row or a "   \
                "value"                                                                            \
    }
#define ENCODER_MISSING(usual)                                                                     \
    {                                                                                              \
        .name = "missing", .kind = ARG_TEXT, .fallback = usual,                                    \
        .help = "a missing cell: missing, ignore, keep, error, skip-row or a value"                \
    }
#define ENCODER_TARGET                                                                             \
    {.name = "target",                                                                             \
     .kind = ARG_COLUMN,                                                                           \
     .required = true,                                                                             \
     .help = "the column to be predicted later"},                                                  \
    {                                                                                              \
        .name = "positive", .kind = ARG_TEXT,                                                      \
        .help = "the target's value that counts as 1, all others as 0; else it is a number"        \
    }

#define ENCODER_TARGET_BEGIN ROWWISE_COLUMNS("columns to encode"), ENCODER_TARGET
#define ENCODER_TARGET_END                                                                         \
    ENCODER_UNKNOWN("error"), ENCODER_MISSING("missing"), ROWWISE_INTO, ROWWISE_SUFFIX,            \
    {                                                                                              \
        0                                                                                          \
    }
/* What is the same in the details of those that know a target. */
#define ENCODER_PRIOR                                                                              \
    "The prior is the target's mean over all rows. Rows whose target is missing teach nothing. "   \
    "unknown=ignore and missing=ignore give the prior; missing=keep makes missing cells a "        \
    "category. "

#endif
