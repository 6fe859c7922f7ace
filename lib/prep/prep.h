/*
 * prep: recipes. A program is parsed into steps; steps that learn are fitted; then rows stream
 * through.
 *
 *   program   step ( "|" step )*          line breaks and "# comments" allowed
 *   step      NAME argument*              argument: word, or name=word
 *
 * A word ends at white space or "|" outside quotes, parentheses and brackets; "..." and '...' quote
 * (\" \\ \n \t inside double quotes). Positional words fill the entry's positional arguments in
 * order.
 *
 * The steps there are stand in lib/steps: one row of a table (struct step_kind) each, with its
 * hooks. Here is what carries them out, and what many of them are made of (rowwise, columnwise,
 * window, kept, pairing ...).
 */
#ifndef PREP_H
#define PREP_H

#include "expr/expr.h"
#include "lower/lower.h"
#include "table/table.h"

#include <jansson.h>

/* What an argument of a step may be. */
enum arg_kind {
    /* Selection: a,b  a..d  glob*  /regex/  @numeric @text @time @bool @all  -name leaves out. */
    ARG_COLUMNS,
    ARG_COLUMN, /* one existing column */
    ARG_NAME,   /* name of a new column */
    ARG_TEXT,
    ARG_NUMBER, /* double, within [min, max] when min < max */
    ARG_INT,
    ARG_BOOL,     /* true false yes no; the bare name means true */
    ARG_CHOICE,   /* one word of `choices` */
    ARG_METHOD,   /* the same, each choice with a row in `methods`: an algorithm of its own */
    ARG_LIST,     /* words separated by commas, [a,b] allowed */
    ARG_DURATION, /* 30d, 2h: microseconds */
    ARG_FILE,     /* a path */
    ARG_EXPR,     /* expression text */
    ARG_REST,     /* positional: everything up to the end of the step, as text (filter, set) */
    ARG_PAIRS,    /* any name=value not known otherwise (rename a=b, agg n=count()) */
};

struct arg {
    const char *name;
    enum arg_kind kind;
    const char *fallback; /* default as text; NULL: none */
    const char *help;     /* one line */
    const char *choices;  /* "mean median mode" */
    double min, max;
    bool positional;
    bool required;
};

struct example {
    const char *program;
    const char *input; /* CSV unless it begins with '{' */
    const char *output;
    /* A second file the program names, and its content; may be NULL. */
    const char *file_name, *file;
};

struct method {
    const char *name;  /* the value of the ARG_METHOD argument */
    const char *class; /* "S" "W" "F" "F2" "B" */
    const char *summary;
    struct example example;
};

struct step;
struct emit;

struct grouping {
    const struct map *known; /* groups.h */
    const size_t *by;
    size_t by_count;
    size_t held;
};

struct step_kind {
    const char *name;
    /* "lag:k=1 lead:k=-1": other names it answers to; may be NULL. What follows ':' is an argument
     * the alias presets, as the user would write it; more after more ':'. */
    const char *aliases;
    const char *family; /* the section of the catalogue: "columns", "rows", "order" ... */
    /* S one row at a time, W bounded window or table, F learns in one pass, F2 needs the data or
     * several passes, B blocking. */
    const char *class;
    const char *summary; /* one line */
    /* A paragraph: choices where others differ, missing, domain, source; may be NULL. */
    const char *details;
    const struct arg *args;       /* ends with name == NULL */
    const struct method *methods; /* ends with name == NULL; NULL when no argument is ARG_METHOD */
    struct example example;

    /* Resolve: called once with the schema the step sees, before learning. Arguments are already
     * parsed and s->columns resolved from the argument "columns". Keep what was derived in s->plan
     * (s->arena). */
    int (*open)(struct step *s, const struct schema *in, struct error *e);
    /* Change the schema to that of the rows that leave (called after learning). NULL: unchanged. */
    int (*shape)(struct step *s, struct schema *schema, struct error *e);
    void (*close)(struct step *s); /* frees what s->plan owns outside s->arena */

    /* Streaming, each row alone: change b in place, mirroring shape. Any thread, s is read-only. */
    int (*apply)(const struct step *s, struct batch *b, struct error *e);

    /* Instead of apply, in a compiled preparation: emits operations that change the columns of one
     * row in the same way (lower/lower.h, prep/lower.h). NULL: not compiled. ERR_NO: not with these
     * arguments; the message says why. */
    int (*lower)(const struct step *s, struct lowering *l, struct error *e);
    const char *not_compiled; /* why it never is; may be NULL */

    /* Streaming, otherwise: takes b, emits any number of batches. With `ordered`, called for one
     * batch at a time in stream order, and s->run may be changed. flush is called once after the
     * last batch. push returns PUSH_DONE when the step wants no more rows: flush is then called,
     * later batches are dropped, and a stream whose every way on is done is read no further. */
    int (*push)(struct step *s, struct batch *b, struct emit *out, struct error *e);
    int (*flush)(struct step *s, struct emit *out, struct error *e);
    int (*start)(struct step *s, struct error *e); /* before each pass: make s->run afresh */
    void (*stop)(struct step *s);                  /* after each pass: free s->run */
    /* Ordered, with a table of groups: that table, what it is by, and the bytes it and all that is
     * kept for its groups take. Past --memory rows of further groups go to disk: see regroup.h. */
    struct grouping (*grouping)(const struct step *s);
    bool holds_back; /* with grouping: rows may leave later than those behind them came */
    bool ordered;
    /* Whether the rows that leave it for each of several shards, once it has learnt from all, are
     * together those that leave it for the whole, in any order. NULL: when each row goes by itself:
     * not blocking, ordered or flushed. */
    bool (*shards)(const struct step *s);
    /* Where they are not: every row leaves all the same, and the columns that were there have what
     * they had; only new ones have something else in shards. */
    bool only_adds;
    /* What an input that has its cells by columns need not read. */
    enum step_wants {
        WANTS_ALL,    /* every column may leave */
        WANTS_STAY,   /* rows may go; columns stay as they are, where they are */
        WANTS_LISTED, /* what is in neither s->columns nor s->reads is gone behind it */
    } wants;
    /* WANTS_STAY: appends gaps that keep rows from passing it (their texts live as long as the
     * plan). False: it may fail for rows that are in none of them. NULL: it has none. */
    bool (*gaps)(const struct step *s, struct input_gaps *gaps);
    /* Every row must pass it, even when no step behind wants more (tee, split to files) */
    bool wants_all;

    /* Learning (F) and gathering (B): a state per thread, merged without regard to order. */
    void *(*state_new)(const struct step *s);
    int (*learn)(const struct step *s, void *state, struct batch *b, struct error *e);
    /* The caller frees `from`. */
    int (*merge)(const struct step *s, void *into, void *from, struct error *e);
    /* F: derive s->learnt's values from the merged state (which becomes s->learnt). */
    int (*finish)(struct step *s, void *state, struct error *e);
    json_t *(*save)(const struct step *s, const void *state); /* sums to merge and values to read */
    /* Into a new state. */
    int (*load)(const struct step *s, void *state, const json_t *j, struct error *e);
    void (*state_free)(void *state);
    /* B: the next batch of the result after finish; 1 with rows in b, 0 at the end. */
    int (*produce)(struct step *s, struct batch *b, struct error *e);
    bool blocking;
    /* F: neither drops, adds nor reorders rows, and changes only s->columns in place: later steps
     * on other columns may be fitted in the same pass. Its shape does not need what it learns. */
    bool keeps_rows;
    /* JSON Lines: every key of the input must be a column (see recipe_wants_union). */
    bool all_keys;
    /* Reads columns it does not list (row-wide steps); else s->columns, s->reads. */
    bool needs_all;
    /* What shared hooks must know of this entry (rowwise.h: struct rowwise). */
    const void *detail;
};

/* Why steps are not compiled: what an artefact has is the C library alone. */
#define NOT_COMPILED_REGEX  "regular expressions need PCRE2, which artefacts do without"
#define NOT_COMPILED_JSON   "writes JSON, which artefacts cannot"
#define NOT_COMPILED_DIGEST "makes digests, which artefacts cannot"
#define NOT_COMPILED_ROWS   "makes several rows of one"

/* The catalogue (lib/steps). */
const struct step_kind *step_kind_find(struct text name); /* by name or alias */
size_t step_kind_count(void);
const struct step_kind *step_kind_at(size_t i); /* family by family */

/* For step_kind.shards of steps that only put rows into another order, or elsewhere, too. */
bool shards_always(const struct step *s);

/* name=value of an ARG_PAIRS argument. */
struct pair {
    struct text name, value;
    size_t offset; /* of value in the program, for messages */
};

/* What all steps of a run share. */
struct prep_context {
    struct expr_context expr;
    struct cell_policy policy;
    size_t memory; /* bytes a blocking step may hold, default 1 GiB */
    unsigned jobs;
    uint64_t seed;
    bool training; /* the rows are those the recipe was or is fitted on */
    bool allow_exec;
    /* Files named in programs are relative to it; NULL: the working directory. */
    const char *directory;
    struct input_options input; /* for side tables */
};

struct recipe;

struct step {
    const struct step_kind *kind;
    const struct recipe *recipe; /* the program it stands in */
    struct prep_context *context;
    size_t number;      /* 1-based position in the program; stream of its random draws */
    struct text source; /* its text in the program */
    struct arena arena;
    struct arg_value *values;      /* by index in kind->args */
    VEC(struct pair) pairs;        /* ARG_PAIRS, in order */
    size_t *columns, column_count; /* resolved selection of the argument "columns" */
    const char **names;            /* their names */
    bool in_order; /* its apply or push, too, must see batches one at a time in the order of the
                      stream: an expression of it looks at other rows, or its start said so */
    bool by_row;   /* what it learns, or what leaves it, goes by the numbers of rows: an expression
                      of it does, or its open said so */
    bool draws_by_row; /* what leaves it does, though what it learns does not: its open said so */
    VEC(size_t) reads; /* further columns it reads (by=, order=, expressions) */
    const void *given; /* by who appended it: see recipe_append */
    void *plan;        /* made by open */
    void *run;         /* made by start */
    struct regroup *regroup; /* of a pass, once there are too many groups for memory */
    void *learnt;            /* state after finish; NULL while not learnt */
    bool in_part; /* of a fit in stages: what it learnt is of a part of the rows, not finished */
};

/* Arguments by name (which must be in kind->args; a misspelt one is a program error: abort). */
bool arg_given(const struct step *s, const char *name); /* in the program or by a fallback */
struct text arg_text(const struct step *s, const char *name);
const char *arg_string(const struct step *s, const char *name); /* NULL when not given */
double arg_number(const struct step *s, const char *name);
int64_t arg_int(const struct step *s, const char *name);
bool arg_bool(const struct step *s, const char *name);
int arg_choice(const struct step *s, const char *name); /* index in choices; -1 not given */
usec arg_duration(const struct step *s, const char *name);
size_t arg_list(const struct step *s, const char *name, struct text **items); /* borrows from s */
/* One column or a selection against a schema. The step's `reads` get what is found. */
int arg_column(struct step *s, const char *name, const struct schema *in, size_t *column,
               struct error *e);
int arg_columns(struct step *s, const char *name, const struct schema *in, size_t **columns,
                size_t *count, struct error *e); /* by=, order= ...; 0 when not given */
/* Any selection text; result in the step's arena. ERR_USAGE names what matches nothing. */
int select_columns(struct step *s, struct text selection, const struct schema *in, size_t **columns,
                   size_t *count, struct error *e);
/* Checks the name of a new column: ERR_USAGE when there is one already. */
int step_new_name(const struct step *s, const struct schema *in, struct text name, struct error *e);
/* An expression against the schema, freed by the caller; reads are noted. */
int step_expr(struct step *s, struct text text, const struct schema *in, struct expr **out,
              struct error *e);
/* ERR_USAGE with "step: message", pointing at the step in the program. */
int step_error(const struct step *s, struct error *e, const char *format, ...) PRINTF_LIKE(3, 4);

/* Hands a batch on to the steps behind (takes b). emit_batch gives an empty one to fill. PUSH_DONE
 * when none of them wants more rows: an ordered step should stop and return it too. */
enum { PUSH_DONE = 1 };
int emit(struct emit *out, struct batch *b, struct error *e);
struct batch *emit_batch(struct emit *out);
/* A way on like `out` that hands batches to `take` (which takes them); freed with mem_free. */
struct emit *emit_to(struct emit *out, int (*take)(void *context, struct batch *b, struct error *e),
                     void *context);

/* Steps, their methods and the functions of expressions, of one family or (NULL) of all: a table
 * for eyes, or JSON Lines with name, kind (step, method, function), family, class, description,
 * example. */
void catalog_list(struct buf *out, const char *family, bool jsonl);
/* Usage, arguments, details and worked example of a step (by name or alias), a method or a
 * function. ERR_USAGE with the nearest name when there is none. */
int catalog_help(const char *name, struct buf *out, struct error *e);
struct catalog_count {
    size_t steps, methods, functions;
};
struct catalog_count catalog_count(void);
/* Bodies of wrangle-steps(7) and wrangle-functions(7): mdoc, one section per family. */
void catalog_mdoc_steps(struct buf *out);
void catalog_mdoc_functions(struct buf *out);

/* A program, and what it learnt once fitted. */
struct row_range {
    uint64_t first, last; /* from 1 */
};

struct recipe {
    struct text program; /* owned */
    VEC(struct step *) steps;
    struct prep_context context;
    struct schema schema; /* of the input it was opened against */
    uint64_t rows_seen;   /* by the fit */
    bool cut_short;       /* rows_seen are not all: no step wanted more */
    /* Their numbers; sorted and apart; fewer rows than seen: not known */
    VEC(struct row_range) ranges;
    /* How far a fit in stages is, see below. NONE: it is none, or is over */
    enum recipe_stage { STAGE_NONE, STAGE_PART, STAGE_SETTLED } stage;
    uint64_t whole_rows; /* PART: those that the stages before learnt from; 0: there were none */
    json_t *part;        /* PART: the state it was loaded from; owned */
};

/* Parses and checks names and arguments; columns are looked up later. Errors are ERR_USAGE with
 * line and column of the program and a caret line. Copies the text. */
int recipe_parse(const char *program, size_t n, const struct prep_context *context,
                 struct recipe **out, struct error *e);
void recipe_free(struct recipe *r);
/* Adds a step that stands in no program, for tools that do something of their own with the rows;
 * its arguments are not given. What it works with goes into `given`. */
struct step *recipe_append(struct recipe *r, const struct step_kind *kind);

/* True when every row goes through all steps by itself, so that what came with it and is no column
 * (keys of JSON Lines that the schema lacks) can leave with it. */
bool recipe_is_rowwise(const struct recipe *r);
/* True when a step needs every key of JSON Lines as a column: open the input with union_schema. */
bool recipe_wants_union(const struct recipe *r);
/* Fits every step that learns, in as few passes over in as its dependencies allow. */
int recipe_fit(struct recipe *r, struct input *in, struct error *e);
/* The state as JSON text, canonical (sorted keys, one value per line where it helps a diff). Opens
 * the steps anew against r->schema. */
int recipe_save(struct recipe *r, struct buf *out, struct error *e);
int recipe_load(const char *json, size_t n, const struct prep_context *context, struct recipe **out,
                struct error *e);
/* Merges the state of `from` (same program, same columns) into r, which is of no use after an
 * error. The result has the bits of a fit of all the rows;
 * where that cannot be, ERR_DATA says why. */
int recipe_merge(struct recipe *r, struct recipe *from, struct error *e);

/*
 * Fitting shards in stages. What a step learns from what an earlier step made of the rows by what
 * it had learnt must wait until that one has learnt from all shards. So shards are fitted one pass
 * at a time, by the passes of recipe_fit over the whole:
 *
 *   recipe_begin      the schema is that of the whole, nothing is learnt: SETTLED
 *   recipe_fit_stage  a SETTLED recipe and a shard: the steps that can learn in the next pass do,
 *                     behind those that have: PART
 *   recipe_add_part   parts of a stage become one: PART
 *   recipe_settle     when all rows are in it: SETTLED, for the next stage; or NONE when all has
 *                     been learnt, and the state has the bytes of one fit of all the rows
 *
 * What a part has learnt is sums and nothing derived from them, which need not be possible: a shard
 * may have one class of two. recipe_save writes a recipe at any stage.
 */

/* ERR_DATA names a step that learns from what one before it makes of several rows, which shards do
 * not have together. */
int recipe_begin(struct recipe *r, const struct schema *in, struct error *e);
/* r is SETTLED. The input has the columns of r->schema, and from here on its types. */
int recipe_fit_stage(struct recipe *r, struct input *in, struct error *e);
/* recipe_load refuses what is not fitted; this takes it. */
int recipe_load_stage(const char *json, size_t n, const struct prep_context *context,
                      struct recipe **out, struct error *e);
/* r, a PART that was loaded, takes what is in the state of another, and is of no use after an
 * error. */
int recipe_add_part(struct recipe *r, const char *json, size_t n, struct error *e);
/* ERR_DATA: a step cannot learn from these rows, or they are not as many as in the stages before.
 */
int recipe_settle(struct recipe *r, struct error *e);
/* Of a recipe that was loaded to be applied: ERR_DATA names a step that makes of the rows of a
 * shard, or of their order, something else than of the whole. */
int recipe_takes_shards(const struct recipe *r, struct error *e);

/* Checks an input against the recorded schema. A column gone that a step needs is ERR_DATA; another
 * type or a column the recipe does not know goes to warn; strict makes all of these errors. */
int recipe_check_input(struct recipe *r, const struct schema *in, bool strict,
                       void (*warn)(const char *message), struct error *e);
/* Streams all rows of in through the steps; text of the result goes to out. */
struct run_options {
    const struct format *format; /* of the output */
    int parquet_codec;           /* of Parquet output: enum parquet_codec */
    struct sink *out;
    void (*progress)(void *context, uint64_t rows, uint64_t bytes);
    void *progress_context;
    /* Instead of writing: each result batch in order, with its schema; takes nothing. */
    int (*consume)(void *context, const struct schema *schema, struct batch *b, struct error *e);
    void *consume_context;
};
int recipe_run(struct recipe *r, struct input *in, const struct run_options *o, struct error *e);
/* After fitting or running, before saving: reads what was left of the input because no step wanted
 * more, as how much that is depends on threads and chunks. */
int recipe_count_rows(struct recipe *r, struct input *in, struct error *e);
/* The plan in words: steps, classes, passes, memory. in NULL: as far as columns do not matter. */
int recipe_explain(struct recipe *r, const struct schema *in, struct buf *out, struct error *e);

#endif
