/*
 * Inside of expr: the tree an expression becomes, and what stands behind a function's name.
 *
 * lexer.c cuts the text into tokens, parser.c builds nodes, check.c resolves names, gives every
 * node its static kind and folds constants, eval.c walks the nodes for a batch. Nodes live in the
 * arena of their expression.
 */
#ifndef EXPR_NODE_H
#define EXPR_NODE_H

#include "expr/expr.h"

/* Static kind of a value; a JSON value may turn out to hold any of the others. */
enum kind { KIND_NULL, KIND_NUMBER, KIND_TEXT, KIND_BOOL, KIND_TIME, KIND_JSON };
const char *kind_name(enum kind k);

/* One value, for functions that work row by row. KIND_NULL is missing. */
struct value {
    enum kind kind;
    bool is_int; /* KIND_NUMBER: i holds it, else f */
    union {
        int64_t i;
        double f;
        uint8_t b;
        usec time;
        struct text text; /* KIND_TEXT and KIND_JSON */
    };
};

struct function_row;
struct node {
    enum node_form {
        NODE_NAME, /* not resolved yet */
        NODE_LITERAL,
        NODE_COLUMN,
        NODE_VARIABLE, /* parameter of a lambda */
        NODE_CALL,     /* operators too */
        NODE_LAMBDA,   /* args[0] is the body */
    } form;
    enum kind kind;
    bool is_float;    /* number: never an integer */
    unsigned depth;   /* of the tree under it */
    size_t at, end;   /* its bytes in the source */
    struct text name; /* NAME, COLUMN; CALL: as written */
    const struct function_row *fn;
    struct node **args;
    size_t count;
    struct value value; /* LITERAL */
    size_t column;
    struct text params[2]; /* LAMBDA */
    unsigned level,
        index;        /* VARIABLE: nesting of its lambda from 1, which parameter. LAMBDA: level */
    unsigned ordinal; /* CALL: the how manyth call of the expression, to tell draws apart */
    struct regex *regex;     /* CALL with a pattern argument */
    struct zone *zone;       /* CALL with a zone argument */
    struct literal_set *set; /* `in` with literals only */
    struct carry *carry;     /* prev: values of the last row seen */
};

enum { DEPTH_MAX = 256, TREE_DEPTH_MAX = 500, ARGS_MAX = 4096 };

struct expr {
    struct arena arena;
    struct text source;
    struct node *root;
    struct expr_context context;
    const struct schema *schema; /* while compiling only */
    const char **column_names;   /* copies, for messages */
    VEC(size_t) reads;           /* columns */
    VEC(struct node *) calls;    /* all of them, for what they hold */
};

/* Fails with message, then the line of the source with a caret under byte `at`. Returns ERR_USAGE.
 */
int expr_fail(const struct expr *x, size_t at, struct error *e, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* ---- lexer.c -------------------------------------------------------------------------------- */

enum token_kind {
    TOKEN_END,
    TOKEN_NUMBER,
    TOKEN_TEXT,
    TOKEN_NAME,
    TOKEN_QUOTED_NAME,
    TOKEN_SIGN,
    TOKEN_BAD,
};
struct token {
    enum token_kind kind;
    size_t at, end;
    struct text
        text; /* SIGN and NAME: as written; TEXT, QUOTED_NAME: decoded; BAD: what is wrong */
};
/* The token that begins at or after byte `at`; decoded text goes into the arena. */
struct token lexer_next(struct text source, size_t at, struct arena *arena);
int hex_digit_value(char c); /* -1: not one */

/* ---- parser.c, check.c ------------------------------------------------------------------------
 */

int parse(struct expr *x, struct error *e); /* fills x->root */
int check(struct expr *x, struct error *e); /* resolves and folds x->root */
struct node *node_new(struct expr *x, enum node_form form, size_t at, size_t end);
/* Turns a node into a column, or into a literal (text is copied). */
void node_make_column(struct expr *x, struct node *n, size_t column);
void node_make_literal(struct expr *x, struct node *n, struct value v);
/* The letter of argument i in fn->args; 0: there is none. */
char function_letter(const struct function_row *fn, size_t i);
/* The kind that values of both kinds can share: what if() gives with branches of the two. */
enum kind kind_join(enum kind a, enum kind b);

/* ---- functions --------------------------------------------------------------------------------
 */

struct call;
struct frame;
struct vector;

/*
 * A function. args has a letter per argument:
 *   n number  i integer  f double  t text  b bool  d time  j JSON  v any
 *   p pattern (constant; node.regex)  z time zone (constant; node.zone)  x lambda of one parameter
 *   y lambda of two;  '?' what follows may be left out;  a final '*': the last repeats
 * result is such a letter too, or '=': the kind all v arguments join to.
 * Exactly one of row, real, real2 and eval computes it.
 */
struct function_row {
    struct function about;
    const char *args;
    char result;
    uint8_t flags;
    /* Row by row; false: c->error says why there is no value. out comes as missing. */
    bool (*row)(struct call *c, const struct value *a, struct value *out);
    double (*real)(double);
    double (*real2)(double, double);
    /* The whole vector; arguments are not evaluated yet. */
    int (*eval)(struct frame *f, const struct node *n, struct vector *out);
    /* Called after the arguments were checked against args; may change kind. */
    int (*check)(struct expr *x, struct node *n, struct error *e);
};
enum {
    TAKES_MISSING = 1, /* row is called with missing arguments too */
    VOLATILE = 2,      /* never folded: depends on the row */
    ORDERED = 4,       /* needs rows in file order */
    BY_ROW = 8,        /* goes by the number of the row */
};
const struct function_row *function_row_find(struct text name);

struct function_family {
    const struct function_row *rows;
    size_t count;
};
extern const struct function_family arithmetic_functions, number_functions, math_functions,
    bit_functions, compare_functions, logic_functions, text_functions, pad_functions,
    unicode_functions, distance_functions, regex_functions, convert_functions, encode_functions,
    format_functions, time_functions, calendar_functions, hash_functions, random_functions,
    list_functions, map_functions, vector_functions, lambda_functions, record_functions;

#endif
