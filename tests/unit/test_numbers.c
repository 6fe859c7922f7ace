/* The kernel of numeric cells against the scalar reference and against strtod. */
#include "table/numbers.h"
#include "table/scan.h"
#include "unit.h"

#include <math.h>
#include <stdlib.h>

/* A chunk of one column, a cell a line, as the reader would have indexed it. */
struct chunk {
    struct batch *b;
    struct column cells;
};

static struct chunk chunk_of(const char *const *cells, size_t n)
{
    struct batch *b = batch_new();
    vec_reserve(&b->index, n + 1);
    b->index.at[0] = 0;
    for (size_t i = 0; i < n; i++) {
        buf_puts(&b->text, cells[i]);
        buf_putc(&b->text, '\n');
        b->index.at[i + 1] = (uint32_t)b->text.len;
    }
    buf_reserve(&b->text, SCAN_SLACK);
    memset(b->text.at + b->text.len, 0, SCAN_SLACK);
    b->rows = n;
    struct column c = {.form = FORM_VIEW};
    c.view.base = b->text.at;
    c.view.at = b->index.at;
    c.view.stride = 1;
    c.view.last = true;
    return (struct chunk){b, c};
}

/* Both kernels stop at the same cells with the same bits before. */
static void compare(const struct chunk *c, number_kernel *tuned)
{
    size_t n = c->b->rows;
    double *want = mem_array(NULL, n, sizeof *want), *got = mem_array(NULL, n, sizeof *got);
    for (size_t from = 0; from < n;) {
        size_t stop = numbers_scalar(c->b, &c->cells, from, want);
        CHECK_INT(tuned(c->b, &c->cells, from, got), stop);
        for (size_t r = from; r < stop; r++)
            CHECK(memcmp(&want[r], &got[r], sizeof *got) == 0 || (isnan(want[r]) && isnan(got[r])));
        from = stop + 1;
    }
    mem_free(want);
    mem_free(got);
}

/* Digits, points, signs and what does not belong, in all lengths. */
static const char *random_cell(uint64_t seed, uint64_t i, char out[32])
{
    static const char plain[] = "0123456789", odd[] = "0123456789012345678901234567890..--e/:x\"";
    bool strange = random_below(seed, 1, i, 4) == 0;
    size_t n = (size_t)random_below(seed, 2, i, strange ? 24 : 17);
    size_t point = (size_t)random_below(seed, 3, i, 24);
    for (size_t k = 0; k < n; k++) {
        uint64_t draw = random_below(seed, 4 + k, i, strange ? sizeof odd - 1 : sizeof plain - 1);
        out[k] = k == point ? '.' : strange ? odd[draw] : plain[draw];
    }
    if (n > 1 && random_below(seed, 40, i, 4) == 0)
        out[0] = '-';
    out[n] = '\0';
    return out;
}

TEST(kernels_agree_on_random_cells)
{
    number_kernel *tuned = number_kernel_of(simd_level());
    enum { CELLS = 1000 };
    static char text[CELLS][32];
    const char *cells[CELLS];
    for (uint64_t seed = 0; seed < 200; seed++) {
        for (uint64_t i = 0; i < CELLS; i++)
            cells[i] = random_cell(seed, i, text[i]);
        struct chunk c = chunk_of(cells, CELLS);
        compare(&c, tuned);
        batch_free(c.b);
    }
}

TEST(values_are_those_of_strtod)
{
    static const char *const cells[] = {
        "0",
        "-0",
        "7",
        "-7",
        "00042",
        "1.5",
        ".5",
        "5.",
        "-.25",
        "0.1",
        "123456789012345",
        "12345678901234.5",
        "-999999999999.999",
        "1234567890123456",
        "0.031780340773541416",
        "1e5",
        "-1.25E-3",
        "9007199254740993",
        "1e308",
        "4.9e-324",
    };
    enum { COUNT = sizeof cells / sizeof *cells };
    struct chunk c = chunk_of(cells, COUNT);
    double got[COUNT];
    CHECK_INT(number_kernel_of(simd_level())(c.b, &c.cells, 0, got), COUNT);
    for (size_t i = 0; i < COUNT; i++)
        CHECK_DOUBLE(got[i], strtod(cells[i], NULL));
    batch_free(c.b);
}

TEST(stops_at_what_is_no_number)
{
    static const char *const cells[] = {
        "-", ".",  "1..2", "1.2.", "--1",  "1-",    "1 ",
        "x", "+1", "-.",   "1e",   "0x10", "\"5\"", "12345678901234567x"};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        const char *three[] = {"1", "", cells[i]};
        struct chunk c = chunk_of(three, 3);
        double got[3];
        CHECK_INT(number_kernel_of(simd_level())(c.b, &c.cells, 0, got), 2);
        CHECK_DOUBLE(got[0], 1);
        CHECK(isnan(got[1]));
        batch_free(c.b);
    }
}
