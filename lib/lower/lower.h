/*
 * lower: building row programs (runtime/program.h). Expressions and steps of recipes say which
 * operations they come to; what no wanted result needs is left out in the end.
 *
 * Registers are named by numbers that mean something to this lowering alone. Numbers of constants,
 * ranges, texts, maps, lists and zones are what the functions below return: operands of the letters
 * k, K and Y, t, m, f i x, z.
 *
 * Columns are those of a schema at the place reached in the recipe: steps change them as they
 * change the columns of a batch, and ask for their values as one class or another. What was
 * converted is remembered, as in a batch.
 */
#ifndef LOWER_H
#define LOWER_H

#include "base/base.h"
#include "runtime/program.h"

#define LOWER_NONE UINT32_MAX

struct lower_column {
    enum ml_class class;
    uint32_t as[ML_CLASSES]; /* registers; LOWER_NONE: not converted yet */
};

struct lowering {
    struct lower_ops *ops; /* private to lower.c and lower_finish.c */
    VEC(struct lower_column) columns;
    uint32_t step;     /* what is emitted belongs to it, from 1 */
    unsigned guards;   /* jumps under way */
    bool else_missing; /* what is emitted gives a missing value where it would refuse the row */
    uint32_t zone;     /* of clock times without an offset; 0: none */
};

struct lowering *lowering_new(void); /* returns owned */
void lowering_free(struct lowering *l);

/* Emits an operation; the register it writes is new, of the class its signature says. */
uint32_t lower_op(struct lowering *l, enum ml_code code, uint32_t a, uint32_t b, uint32_t c);
/* The same with flags and with `to`: a register, or a list of them. */
void lower_op_to(struct lowering *l, enum ml_code code, uint16_t flags, uint32_t to, uint32_t a,
                 uint32_t b, uint32_t c);
/* A vector of `n` registers with its constants: writes the numbers of k new ones into out. whole:
 * one that is missing makes all missing. code: enum ml_vector_code. */
void lower_vector(struct lowering *l, uint32_t code, bool whole, const uint32_t *in, size_t n,
                  const double *constants, size_t count, uint32_t *out, size_t k);
/* A missing number that depends on those in the registers: they must be numbers. */
uint32_t lower_unknown(struct lowering *l, const uint32_t *in, size_t n);
uint32_t lower_register(struct lowering *l, enum ml_class class);
enum ml_class lower_class(const struct lowering *l, uint32_t reg);

/* A jump forward and where it leads: here. Between the two conversions of columns are not
 * remembered, for a row may pass them by. */
size_t lower_jump(struct lowering *l, enum ml_code code, uint32_t a, uint32_t b);
void lower_land(struct lowering *l, size_t jump);

uint32_t lower_float(struct lowering *l, double x);
uint32_t lower_int(struct lowering *l, int64_t x);
uint32_t lower_range(struct lowering *l, const double *at, size_t n);
uint32_t lower_range_int(struct lowering *l, const int64_t *at, size_t n);
/* Of texts; at NULL is missing. Copies. */
uint32_t lower_range_text(struct lowering *l, const struct text *at, size_t n);
uint32_t lower_text(struct lowering *l, struct text t);                  /* copies */
uint32_t lower_map(struct lowering *l, const struct text *at, size_t n); /* copies; all different */
uint32_t lower_list(struct lowering *l, const uint32_t *registers, size_t n);
uint32_t lower_zone(struct lowering *l, const struct zone_table *z); /* copies; 0 for NULL */

/* The operation map_characters, for a map of single characters, but for a few that become texts (of
 * `count`; `text` may be NULL). */
struct lower_expansion {
    uint32_t c;
    struct text text;
};
uint32_t lower_map_characters(struct lowering *l, uint32_t reg, uint32_t (*map)(uint32_t c),
                              const struct lower_expansion *expansions, size_t count,
                              bool keep_bad);

/* The runs and texts of such a map: operands K and Y. */
struct lower_mapping {
    uint32_t runs, texts;
};
struct lower_mapping lower_mapping(struct lowering *l, uint32_t (*map)(uint32_t c),
                                   const struct lower_expansion *expansions, size_t count);
/* Characters for which it is true become that text. Copies. */
uint32_t lower_replace_characters(struct lowering *l, uint32_t reg, bool (*so)(uint32_t c),
                                  struct text with);
/* The ranges of all characters for which it is true, increasing. */
uint32_t lower_characters(struct lowering *l, bool (*so)(uint32_t c));

/* A raw field of that name: a new column. type: "int", "text" ... as the recipe has it. */
void lower_field(struct lowering *l, struct text name, const char *type);
/* The values of a column, as the table converts them. */
uint32_t lower_column(struct lowering *l, size_t column, enum ml_class class);
/* The time a text is, without an offset one in UTC; missing when it is none. */
uint32_t lower_time_if(struct lowering *l, uint32_t text);
/* Whether the text could be read as what the register holds, which is missing where it could not;
 * missing when the text is. */
uint32_t lower_reads(struct lowering *l, uint32_t text, uint32_t reg);
/* A register becomes a column: behind the others, at a place, or instead of one. */
void lower_add(struct lowering *l, uint32_t reg);
void lower_insert(struct lowering *l, size_t at, uint32_t reg);
void lower_set(struct lowering *l, size_t column, uint32_t reg);
/* The column's values as another class, known without converting. */
void lower_also(struct lowering *l, size_t column, uint32_t reg);
void lower_leave_out(struct lowering *l, const size_t *at, size_t n); /* n columns, in any order */
/* Column i becomes what column at[i] was; there are n then. */
void lower_arrange(struct lowering *l, const size_t *at, size_t n);
/* The value of a column as the number a model reads when it is written as text, by what the column
 * is: numbers; true and false, which are 1 and 0; or one or the other. */
enum lower_what { LOWER_NUMBERS, LOWER_FLAGS, LOWER_EITHER };
uint32_t lower_answer(struct lowering *l, size_t column, enum lower_what what);
/* The same for a text: its number among the categories. */
uint32_t lower_code(struct lowering *l, size_t column, const struct text *categories, size_t n);

/* The program whose results are those registers of class ML_FLOAT, appended to out, which begins
 * empty. ERR_NO when it would be too large. */
int lower_finish(struct lowering *l, const uint32_t *results, size_t n, struct buf *out,
                 struct error *e);

#endif
