/*
 * side: a second table, read from a file that a step names. Cells stay as they stand in the file,
 * so that one nobody touches leaves byte for byte as it came.
 */
#ifndef PREP_SIDE_H
#define PREP_SIDE_H

#include "prep/prep.h"

struct side {
    char *path;
    struct input *in;
    const struct schema *schema; /* of its columns */
    const struct format *format; /* of its cells */
    const struct cell_policy *policy;
    size_t rows;
    struct side_cells *columns; /* by column: its cells, once read */
    VEC(struct buf) texts;      /* what they stand in */
    size_t held;                /* bytes of memory */
};

/* Opens the file (relative to the context's directory) and reads its header. */
int side_open(const struct step *s, struct text path, struct side **out, struct error *e);
/* Row by row: the file's first rows come next. */
int side_rewind(struct side *side, struct error *e);
/* The next rows into an empty b: 1; 0 at the end; < 0. */
int side_next(struct side *side, struct batch *b, struct error *e);
/* Reads all rows: `see` gets each batch, of which row r is row side->rows + r of the table, until
 * it returns anything but 0; that is returned. May be called again. */
int side_scan(struct side *side, int (*see)(void *context, struct batch *b, struct error *e),
              void *context, struct error *e);
/* The same (see may be NULL), and the cells of columns with wanted[column] set are kept. SIDE_FULL
 * when they outgrow memory, or rows their 32-bit numbers; see may return it, too. */
enum { SIDE_FULL = 1 };
int side_read(struct side *side, const uint8_t *wanted, size_t memory,
              int (*see)(void *context, struct batch *b, struct error *e), void *context,
              struct error *e);
/* Rows of a column that is kept, for a batch; UINT32_MAX gives a missing cell. */
struct column side_gather(const struct side *side, size_t column, const uint32_t *rows, size_t n,
                          struct batch *b);
/* Raw cells of rows, by column, of those that are kept; in the arena of b. */
const struct text **side_cells(const struct side *side, const uint32_t *rows, size_t n,
                               struct batch *b);
/* Raw cells of the table as a column of a batch. */
struct column side_column(const struct side *side, const struct text *cells, size_t n,
                          struct batch *b);
/* The cells of a batch of a side as they stand in the source; their values where none do. */
const struct text *side_source_cells(struct batch *b, size_t column);
/* Raw cells of rows of a batch of side_scan, copied into the arena of another. */
const struct text *side_copy_cells(struct batch *from, size_t column, struct batch *into);
/* Forgets the rows. */
void side_clear(struct side *side);
void side_free(struct side *side);

struct taken {
    size_t *at, count;
};
/* The columns of a selection (missing: all), but not those of `except`. */
int side_take(struct step *s, const struct side *side, struct text selection, const size_t *except,
              size_t except_count, struct taken *out, struct error *e);
/* For side_read; in the step's arena. */
uint8_t *side_wanted(struct step *s, const struct side *side, const struct taken *take);
/* Adds the columns to a schema; a name that is taken gets the suffix. ERR_USAGE when that is taken,
 * too. */
int side_add_fields(const struct step *s, const struct side *side, const struct taken *take,
                    struct text suffix, struct schema *schema, struct error *e);
/* Adds their cells of the given rows, one for each row of b; UINT32_MAX gives missing cells. */
void side_add_columns(const struct side *side, const struct taken *take, struct batch *b,
                      const uint32_t *rows, size_t n);

/* Rows of a batch and what goes beside them. */
struct pairs {
    const uint32_t *left, *right;
    size_t n;
    uint64_t child; /* pairs there were before with the row left[0] */
};
/* b becomes the pairs; left must not decrease. */
void side_pair(const struct side *side, const struct taken *take, struct batch *b,
               const struct pairs *p);
/* The left rows of pairs in a batch of their own; b stays. For results much larger than b. */
struct batch *side_piece(struct batch *b, const struct pairs *p, struct emit *out);
/* The same with the columns beside them, and emitted. */
int side_emit_piece(const struct side *side, const struct taken *take, struct batch *b,
                    const struct pairs *p, struct emit *out, struct error *e);

#define SIDE_FILE_ARG                                                                              \
    {                                                                                              \
        .name = "file", .kind = ARG_FILE, .help = "the other table", .positional = true,           \
        .required = true                                                                           \
    }
#define SIDE_SUFFIX_ARG                                                                            \
    {                                                                                              \
        .name = "suffix", .kind = ARG_TEXT, .fallback = "_right",                                  \
        .help = "appended to a name of the file's that is taken"                                   \
    }

#endif
