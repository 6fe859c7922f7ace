/*
 * rowwise: steps that map each cell of the selected columns, or each row of several columns, to new
 * cells. A simple step is a row of its family's table and one kernel:
 *
 *     {.name = "cbrt", ..., .args = number_args, ROWWISE_HOOKS,
 *      ROWWISE_MAP(.from = TYPE_FLOAT, .to = TYPE_FLOAT, .number = cube_root)},
 *
 * Where results go: the step's arguments into= (one new column) and suffix= (a new column for each
 * selected one), as far as it has them; else the map's own suffix; else in place. New columns are
 * appended, in the order of the selection. Missing in, missing out, except for `column` kernels.
 */
#ifndef PREP_ROWWISE_H
#define PREP_ROWWISE_H

#include "prep/prep.h"

/* An array of cells, one per row, of the type its map declares. */
union cells {
    double *number;    /* TYPE_FLOAT */
    int64_t *integer;  /* TYPE_INT */
    usec *time;        /* TYPE_TIME */
    uint8_t *flag;     /* TYPE_BOOL */
    struct text *text; /* TYPE_TEXT, TYPE_JSON */
};

/* One run of a map over a batch: of one column, or of all selected ones for a `several` map. */
struct mapping {
    const struct step *step;
    const struct rowwise *map;
    void *own; /* what prepare kept in the plan; read only */
    const double *parameters;
    struct batch *batch;
    size_t rows;
    size_t count;          /* of inputs */
    const size_t *columns; /* their indexes in the batch */
    const char *const *names;
    const union cells *in; /* `count` arrays of type map->from: read, never write */
    union cells *out;      /* one array of type map->to, or one per part */
    struct buf scratch;    /* for one cell; see mapping_text */
    struct error *error;
};

enum { ROWWISE_PARAMETERS = 4 };

/* One run of a map in a row program, as struct mapping is one over a batch. */
struct lower_map {
    const struct step *step;
    const struct rowwise *map;
    void *own;
    const double *parameters;
    struct lowering *to;
    size_t index;          /* of the first input among the selected columns */
    size_t count;          /* of inputs */
    const size_t *columns; /* their places in the lowering */
    const uint32_t *in;    /* registers of the class of map->from */
    uint32_t *out;         /* to fill: a register for each part, of the class of map->to */
    uint32_t *also;        /* the same as another class, where that is known; else LOWER_NONE */
    struct error *error;
};

struct rowwise {
    enum type from, to;
    /* Exactly one kernel. All but the last see one cell that is not missing. */
    /* A result that is not finite: x is outside the domain. */
    double (*number)(double x, const double *parameters);
    /* Gives a slice of the cell, a text that outlives the batch, or mapping_text. */
    struct text (*text)(struct mapping *m, struct text cell);
    bool (*test)(struct mapping *m, struct text cell);
    bool (*test_number)(double x, const double *parameters);
    int (*column)(struct mapping *m); /* fills m->out for all rows */

    bool several;       /* all selected columns together give one result, named by into= */
    bool drops;         /* the selected columns go, unless the argument keep=true */
    bool own_suffix;    /* the step's argument suffix= means something else */
    const char *suffix; /* default name of results; NULL: in place */
    const char *domain; /* of `number`, for the message: "greater than 0" */
    /* Up to ROWWISE_PARAMETERS names of number arguments for the kernel (NaN when not given), and
     * NULL. */
    const char *const *parameters;
    /* Called by open when all else is set: checks arguments, makes plan->own (or takes it from
     * s->arena), names parts. Columns it reads besides the selection go to s->reads.
     * May be NULL. */
    int (*prepare)(struct step *s, const struct schema *in, struct error *e);
    void (*release)(void *own);
    /* In a row program. NULL: `number`, when it is one of those the runtime knows (ML_MAPS), else
     * not compiled. */
    int (*lower)(struct lower_map *m);
};

/* s->plan of a rowwise step. */
struct rowwise_plan {
    void *own; /* the map's, made by prepare */
    double parameters[ROWWISE_PARAMETERS];
    VEC(const char *) parts; /* suffixes when each column gives several results */
    VEC(const char *) added; /* names of the new columns */
};
static inline struct rowwise_plan *rowwise_plan(const struct step *s)
{
    return s->plan;
}

/* From prepare: each column gives one result more, a new column named after it with this suffix.
 * All columns of a `several` map together give one result more, and this is its whole name. */
void rowwise_part(struct step *s, const char *format, ...) PRINTF_LIKE(2, 3);

int rowwise_open(struct step *s, const struct schema *in, struct error *e);
int rowwise_shape(struct step *s, struct schema *schema, struct error *e);
void rowwise_close(struct step *s);
int rowwise_apply(const struct step *s, struct batch *b, struct error *e);
int rowwise_lower(const struct step *s, struct lowering *l, struct error *e);
#define ROWWISE_HOOKS                                                                              \
    .open = rowwise_open, .shape = rowwise_shape, .close = rowwise_close, .apply = rowwise_apply,  \
    .lower = rowwise_lower
#define ROWWISE_MAP(...)                                                                           \
    .detail = &(const struct rowwise)                                                              \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* For a step with an apply of its own: maps `count` selected columns from number `first` on as one.
 * out holds arrays of b->rows cells, one or one per part. */
int rowwise_run(const struct step *s, struct batch *b, size_t first, size_t count, union cells *out,
                struct error *e);

/* The same for a row program. out and also: a register for each part. */
int rowwise_lower_run(const struct step *s, struct lowering *l, size_t first, size_t count,
                      uint32_t *out, uint32_t *also, struct error *e);

/* The scratch buffer as a text of the batch; the scratch is empty again. */
struct text mapping_text(struct mapping *m);
/* Cell `row` of input i is wrong: 0 when work goes on (store missing), else stop with it. */
int mapping_reject(struct mapping *m, size_t i, size_t row, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* Makes cell `row` of an array of that type missing. */
void cells_set_missing(union cells cells, enum type type, size_t row);
/* Values of a column of the batch as that type (borrows from the batch, read only). */
int cells_of(struct batch *b, size_t column, const char *name, enum type type, union cells *out,
             struct error *e);
/* An array for b->rows cells, and the column it makes. */
union cells cells_new(struct batch *b, enum type type);
struct column cells_column(union cells cells, enum type type);

/* Arguments most of these steps have. */
#define ROWWISE_COLUMNS(what)                                                                      \
    {                                                                                              \
        .name = "columns", .kind = ARG_COLUMNS, .help = what, .positional = true, .required = true \
    }
#define ROWWISE_INTO                                                                               \
    {                                                                                              \
        .name = "into", .kind = ARG_NAME, .help = "new column for the result; for a single column" \
    }
#define ROWWISE_SUFFIX                                                                             \
    {                                                                                              \
        .name = "suffix", .kind = ARG_TEXT,                                                        \
        .help = "make new columns, named after the old ones with this at the end"                  \
    }
#define ROWWISE_KEEP                                                                               \
    {                                                                                              \
        .name = "keep", .kind = ARG_BOOL, .fallback = "false", .help = "keep the original columns" \
    }

/* Whether the step's entry has an argument of that name. */
bool step_has_arg(const struct step *s, const char *name);

#endif
