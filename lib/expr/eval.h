/* Inside of expr: evaluation of a tree over a batch, a vector at a time. */
#ifndef EXPR_EVAL_H
#define EXPR_EVAL_H

#include "expr/node.h"

/* Values of all rows of a frame, or one constant that stands for all.
 * Never FORM_VIEW or FORM_RAW. */
struct vector {
    enum form form;
    bool constant;
    union {
        const void *any;
        const struct text *text;
        const int64_t *i64;
        const double *f64;
        const struct number *number;
        const uint8_t *b8;
    };
};
/* Index of row r: the arrays of constants have one item. */
static inline size_t vector_at(const struct vector *v, size_t r)
{
    return v->constant ? 0 : r;
}

/* Rows under evaluation: those of the batch, or the list items a lambda runs over. */
struct frame {
    const struct expr *x;
    struct batch *batch;
    struct error *error;
    size_t rows;
    const uint8_t *active; /* rows whose values are wanted; NULL: all. The others must not fail */
    struct frame *outer;   /* of a lambda; NULL at the bottom */
    const uint32_t *outer_row;  /* row of `outer` each row belongs to */
    const uint32_t *item;       /* its place in the list */
    const struct vector *bound; /* the lambda's parameters */
    unsigned level;             /* nesting of lambdas, 0 at the bottom */
    bool *late; /* while folding: set when the value depends on the batch after all */
};
static inline bool frame_wants(const struct frame *f, size_t row)
{
    return !f->active || f->active[row];
}
void *frame_array(const struct frame *f, size_t size); /* rows items */
/* f->error holds why a row has no value: 0 when work goes on with a missing one. */
int frame_reject(const struct frame *f, size_t row);
int frame_reject_cell(const struct frame *f, size_t row, const struct node *n);
size_t frame_root_row(const struct frame *f, size_t row);
/* The same frame for the rows r where mask[r] == 1 alone. */
struct frame frame_masked(const struct frame *f, const uint8_t *mask);

/* Values of node n in its own kind, or as another. */
int eval(struct frame *f, const struct node *n, struct vector *out);
int eval_as(struct frame *f, const struct node *n, enum kind want, struct vector *out);
int eval_double(struct frame *f, const struct node *n, struct vector *out); /* FORM_FLOAT */
int eval_int(struct frame *f, const struct node *n, struct vector *out);    /* FORM_INT */
/* As the argument letter of a function says. */
int eval_letter(struct frame *f, const struct node *n, char letter, struct vector *out);
int eval_rows(struct frame *f, const struct node *n, struct vector *out); /* by fn->row */

enum kind vector_kind(const struct vector *v);
struct vector vector_missing(enum kind k); /* constant */
struct value vector_get(const struct vector *v, size_t row);
bool vector_is_missing(const struct vector *v, size_t row);
/* n tells where the values come from, for messages. */
int vector_as(struct frame *f, const struct node *n, const struct vector *v, enum kind want,
              struct vector *out);
int vector_as_double(struct frame *f, const struct vector *v, struct vector *out);
int vector_as_int(struct frame *f, const struct vector *v, struct vector *out);
/* Items rows[0..f->rows) of v as a vector of f. */
struct vector vector_gather(const struct frame *f, const struct vector *v, const uint32_t *rows);
/* Row r of the result is row r of from[choice[r]]; CHOICE_NONE: missing. All have kind k. */
#define CHOICE_NONE UINT32_MAX
struct vector vector_select(const struct frame *f, enum kind k, const struct vector *from,
                            size_t count, const uint32_t *choice);
/* A vector filled row by row. */
struct filler {
    char letter; /* result letter */
    void *at;
};
struct filler filler_new(const struct frame *f, char letter);
void filler_put(struct filler *to, size_t row, const struct value *v);
struct vector filler_vector(const struct filler *from);
enum kind letter_kind(char letter);
char kind_letter(enum kind k);

/* What a row kernel gets besides its arguments. */
struct call {
    const struct frame *frame;
    const struct node *node;
    size_t row;
    size_t count; /* arguments given */
    struct error *error;
    struct arena *arena;       /* the batch's: for texts that outlive the call */
    struct buf scratch;        /* empty at the start of each row */
    struct regex_match *match; /* when node->regex is set */
};
#define UNUSED __attribute__((unused))
#define KERNEL(name)                                                                               \
    static bool name(struct call *c UNUSED, const struct value *a UNUSED, struct value *out UNUSED)

bool call_fail(struct call *c, const char *format, ...) PRINTF_LIKE(2, 3); /* false */
static inline bool give_int(struct value *out, int64_t i)
{
    out->kind = i == INT_MISSING ? KIND_NULL : KIND_NUMBER;
    out->is_int = true;
    out->i = i;
    return true;
}
static inline bool give_double(struct value *out, double f)
{
    out->kind = f != f ? KIND_NULL : KIND_NUMBER;
    out->is_int = false;
    out->f = f;
    return true;
}
static inline bool give_bool(struct value *out, bool b)
{
    out->kind = KIND_BOOL;
    out->b = b;
    return true;
}
static inline bool give_time(struct value *out, usec t)
{
    out->kind = KIND_TIME;
    out->time = t;
    return true;
}
/* The text must live as long as the batch: a slice of an argument, a literal, or from the arena. */
static inline bool give_text(struct value *out, struct text t)
{
    out->kind = t.at ? KIND_TEXT : KIND_NULL;
    out->text = t;
    return true;
}
static inline bool give_json(struct value *out, struct text t)
{
    out->kind = t.at ? KIND_JSON : KIND_NULL;
    out->text = t;
    return true;
}
enum { TEXT_OUTPUT_MAX = 16 << 20 };
/* false, and an error, when longer than TEXT_OUTPUT_MAX. */
bool give_scratch(struct call *c, struct value *out); /* c->scratch as text */
bool give_scratch_json(struct call *c, struct value *out);

double value_double(const struct value *v); /* of a number */
bool number_of_text(struct text t, struct value *out);
bool time_in_range(usec t); /* years 1 to 9999 */
bool bool_of_text(struct text t, uint8_t *out);
/* Appends the value as text, or as JSON; missing adds nothing, or null. */
void put_value(struct buf *b, const struct value *v);
void put_json(struct buf *b, const struct value *v);
/* The value a JSON text stands for: a scalar of its kind (strings decoded into the arena), null
 * missing, lists and maps as KIND_JSON. False when the text is not JSON. */
bool value_of_json(struct text json, struct arena *arena, struct value *out);
/* The whole JSON text of the value whose token t was just read; false on error. */
bool json_value_text(struct json_reader *r, enum json_token t, struct text *out);
/* Begins reading a list; false when json is not one. Then list_next until false; end with
 * list_done. */
bool list_start(struct json_reader *r, struct text json);
bool list_next(struct json_reader *r, struct text *item);
/* Orders numbers before other values, then by text. */
int value_compare(const struct value *a, const struct value *b);

/* Kernels used in several places. */
enum compare_op { COMPARE_EQ, COMPARE_NE, COMPARE_LT, COMPARE_LE, COMPARE_GT, COMPARE_GE };
/* out: rows items of 0, 1, BOOL_MISSING. Both sides have the same kind (or are numbers). */
void compare_vectors(const struct frame *f, enum compare_op op, const struct vector *a,
                     const struct vector *b, uint8_t *out);
/* Evaluates both sides in the kind they are compared in. */
int eval_pair(struct frame *f, const struct node *a, const struct node *b, struct vector *va,
              struct vector *vb);
/* The kind in which they are compared; doubles: numbers that all are as good as doubles. */
enum kind compare_kind(const struct node *a, const struct node *b, bool *doubles);
/* A list of literals, all texts or all numbers, ready for look-ups. */
struct literal_set {
    enum kind kind;
    bool has_null;
    struct map texts;
    VEC(double) numbers;
};
void literal_set_free(struct literal_set *s);
void carry_free(struct carry *c);
/* Around the evaluation of a batch: the calls of prev work out their rows, and remember the last.
 * All of them, for an argument that a guard leaves out must not leave a gap. */
int carries_begin(struct frame *f);
void carries_end(struct frame *f);

#endif
