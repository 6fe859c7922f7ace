/* Compiles the bytes as an expression against a small schema and evaluates it on three rows, twice:
 * all rows wanted, and with errors turned into missing values. */
#include "expr/expr.h"

enum { ROWS = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add(struct schema *s, struct batch *b, const char *name, enum type type,
                const char *const cells[ROWS])
{
    struct text *t = batch_array(b, ROWS, sizeof *t);
    for (size_t i = 0; i < ROWS; i++)
        t[i] = text_of(cells[i]);
    schema_add(s, text_of(name), type);
    batch_add(b, column_of_text(t));
}

static void make_table(struct schema *s, struct batch *b)
{
    b->rows = ROWS;
    add(s, b, "x", TYPE_INT, (const char *const[]){"1", "-20", NULL});
    add(s, b, "t", TYPE_TEXT, (const char *const[]){"a,b", "caf\xC3\xA9 \xFF", ""});
    add(s, b, "f", TYPE_FLOAT, (const char *const[]){"1.5", "1e300", "abc"});
    add(s, b, "q", TYPE_BOOL, (const char *const[]){"true", "FALSE", NULL});
    add(s, b, "d", TYPE_TIME, (const char *const[]){"2024-02-29", "0001-01-01", NULL});
    add(s, b, "l", TYPE_JSON, (const char *const[]){"[1,[2],\"a\"]", "{\"k\":null}", "[oops"});
}

static void run(const struct expr *x, struct batch *b)
{
    struct error e = {0};
    struct column c;
    uint8_t keep[ROWS];
    if (expr_eval(x, b, &c, &e) == 0) {
        size_t at = batch_add(b, c);
        for (size_t r = 0; r < ROWS; r++)
            batch_cell(b, at, r);
    }
    expr_test(x, b, keep, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct cell_policy lenient = {.on_error = ON_ERROR_NULL};
    static const struct expr_context context = {.now = 1700000000000000, .seed = 1};
    struct schema s = {0};
    struct batch *b = batch_new();
    struct expr *x = NULL;
    struct error e = {0};
    make_table(&s, b);
    if (size <= 4096 && expr_compile((const char *)data, size, &s, &context, &x, &e) == 0) {
        run(x, b);
        b->policy = &lenient;
        run(x, b);
    }
    expr_free(x);
    batch_free(b);
    schema_release(&s);
    return 0;
}
