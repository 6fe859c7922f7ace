/*
 * expr: the expression language of `filter`, `set` and `agg`. Compiled once against a schema,
 * evaluated per batch, a column at a time.
 *
 *   literals     12  0.5  1e-3  "text" 'text'  true false null   [1, 2, 3]
 *   columns      delay   `any name`
 *   operators    or || xor  and &&  not !  == != < <= > >= =~ !~ in, not in, between .. and ..
 *                + - . (concat)  * / // %  unary - !  ^ (power, right)       weakest first
 *   calls        name(arg, ...)   if(c, a, b)   case when c then a ... else b end
 *   lambdas      map(list, x -> x + 1)   reduce(list, 0, (acc, x) -> acc + x)
 *
 * In quotes \n \t \r \\ \" \' \uXXXX \u{X} are what they are in JSON; any other backslash stays, so
 * that a pattern is written "\d+".
 *
 * Missing: three-valued logic (Kleene); any other operator or function with a missing argument
 * gives missing unless its entry says otherwise. Types are static: number, text, bool, time, json.
 * A text column used as a number is parsed cell by cell. Numbers are integers (64-bit; overflow is
 * an error) or doubles, cell by cell: 2 and 2.0 are equal, `/` gives a double, `//` floors. A
 * result outside a function's domain (ln(-1), x / 0) is an error with the row's place, or missing
 * with --on-error=null. and, or, if, case and coalesce look at an argument for the rows alone that
 * need it, so `x > 0 and ln(x) > 1` is safe.
 *
 * == on two columns compares as their schema types say when both are numbers or both times, else as
 * text; against a literal as the literal's type, but a time meets text as a time. Times differ by
 * seconds: t - u, t + 60, t + "2h".
 */
#ifndef EXPR_H
#define EXPR_H

#include "table/table.h"

/* What an expression may know besides its row. Borrowed by the expression. */
struct expr_context {
    usec now;                  /* now(), today(): fixed at start */
    uint64_t seed;             /* rand() and friends */
    uint64_t stream;           /* number of the step: draws of two steps differ */
    const char *const *params; /* "name=value", NULL-terminated: param("name"); may be NULL */
};

struct expr;

/* Compiles text (n bytes). On error e holds ERR_USAGE and a message of the form
 * "unknown column 'dely': did you mean 'delay'?" followed by "\n    <text>\n    <caret>" lines. */
int expr_compile(const char *text, size_t n, const struct schema *schema,
                 const struct expr_context *context, struct expr **out, struct error *e);
enum type expr_type(const struct expr *x); /* TYPE_FLOAT for any number */
/* Marks need[column] = 1 for every column the expression reads. */
void expr_columns(const struct expr *x, uint8_t *need);
/* The single column a bare column expression names, else FIELD_NONE. */
size_t expr_bare_column(const struct expr *x);
bool expr_is_constant(const struct expr *x);
/* Looks at the row before (prev): its batches must come in file order, one at a time. */
bool expr_ordered(const struct expr *x);
/* Goes by the number of the row (row_num), or draws by it (rand and friends). */
bool expr_by_row(const struct expr *x);
/* Values for all rows of b, in b's arena. Any thread. */
int expr_eval(const struct expr *x, struct batch *b, struct column *out, struct error *e);
/* As a condition: keep[r] = 1 where true, 0 where false or missing; keep has b->rows items. */
int expr_test(const struct expr *x, struct batch *b, uint8_t *keep, struct error *e);
/* Appends gaps: a row with a cell in one of them is not kept by expr_test, nor can it make it fail.
 * False when rows that are in none of them may make it fail. Texts borrow from x. */
bool expr_gaps(const struct expr *x, struct input_gaps *gaps);
void expr_free(struct expr *x);

/* The catalogue of functions: from it come the type checker, `wrangle help F`,
 * wrangle-functions(7). */
struct function {
    const char *name;
    const char *family;    /* "arithmetic", "text", ... */
    const char *signature; /* "substr(text, start, length) -> text" */
    const char *summary;   /* one line, what a missing or bad argument gives when not the rule */
    const char *example;   /* "substr(\"hello\", 1, 3)" */
    const char *result;    /* its value as text: "ell"; run by the tests */
};
size_t function_count(void);
/* Fills at, which has room for function_count(). */
void functions_by_name(const struct function **at);
const struct function *function_find(struct text name);

/* A PCRE2 pattern shared by threads (JIT-compiled), for steps and functions alike. */
struct regex;
int regex_compile(const char *pattern, size_t n, bool ignore_case, struct regex **out,
                  struct error *e);
/* Match state of one thread. */
struct regex_match;
struct regex_match *regex_match_new(const struct regex *r);
/* Searches s from byte `from`; false when nothing matches. group k is then regex_group(m, k). */
bool regex_search(const struct regex *r, struct regex_match *m, struct text s, size_t from);
struct text regex_group(const struct regex_match *m, size_t k); /* at == NULL: unset */
/* The next match at or after byte *from, which moves behind it (by a character past an empty
 * match). */
bool regex_next(const struct regex *r, struct regex_match *m, struct text s, size_t *from);
bool regex_gave_up(const struct regex_match *m); /* the last search hit the limit on its steps */
size_t regex_groups(const struct regex *r);      /* capture groups in the pattern */
const char *regex_group_name(const struct regex *r, size_t k); /* NULL when unnamed */
/* Appends s with matches (all, or the first) replaced; $1 ${name} $$ \1 in `with`. */
void regex_replace(const struct regex *r, struct regex_match *m, struct text s, struct text with,
                   bool all, struct buf *out);
void regex_match_free(struct regex_match *m);
void regex_free(struct regex *r);

#endif
