/* The kernel of numeric cells against the scalar reference and against strtod. */
#include "table/numbers.h"
#include "table/scan.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
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

/* The kernels of this processor. */
static size_t kernels(number_kernel *out[static SIMD_NEON + 1])
{
    size_t n = 0;
    enum simd best = simd_level();
    for (enum simd level = SIMD_SCALAR; level <= best; level++)
        if (best != SIMD_NEON || level == SIMD_SCALAR || level == SIMD_NEON)
            out[n++] = number_kernel_of(level);
    return n;
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
    number_kernel *all[SIMD_NEON + 1];
    size_t count = kernels(all);
    enum { CELLS = 1000 };
    static char text[CELLS][32];
    const char *cells[CELLS];
    for (uint64_t seed = 0; seed < 200; seed++) {
        for (uint64_t i = 0; i < CELLS; i++)
            cells[i] = random_cell(seed, i, text[i]);
        struct chunk c = chunk_of(cells, CELLS);
        for (size_t k = 0; k < count; k++)
            compare(&c, all[k]);
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
    number_kernel *all[SIMD_NEON + 1];
    for (size_t k = kernels(all); k-- > 0;) {
        double got[COUNT];
        CHECK_INT(all[k](c.b, &c.cells, 0, got), COUNT);
        for (size_t i = 0; i < COUNT; i++)
            CHECK_DOUBLE(got[i], strtod(cells[i], NULL));
    }
    batch_free(c.b);
}

/* Each once among numbers, in every place of the four that are parsed together. */
TEST(stops_at_what_is_no_number)
{
    static const char *const cells[] = {
        "-", ".",  "1..2", "1.2.", "--1",  "1-",    "1 ",
        "x", "+1", "-.",   "1e",   "0x10", "\"5\"", "12345678901234567x"};
    number_kernel *all[SIMD_NEON + 1];
    size_t count = kernels(all);
    for (size_t i = 0; i < COUNT_OF(cells) * 9 * count; i++) {
        size_t at = i / count % 9;
        const char *ten[] = {"1", "", "-2.5", "1", "", "1", "", "-2.5", "1", ""};
        ten[at] = cells[i / count / 9];
        struct chunk c = chunk_of(ten, COUNT_OF(ten));
        double got[COUNT_OF(ten)];
        CHECK_INT(all[i % count](c.b, &c.cells, 0, got), at);
        CHECK(at == 0 || got[0] == 1);
        CHECK(at < 2 || isnan(got[1]));
        batch_free(c.b);
    }
}

/* Pieces of numbers in any order, no two cells of a lot alike. */
TEST(kernels_agree_on_pieces_of_numbers)
{
    static const char *const pieces[] = {"",   "",    "-",     ".",   "0", "7",
                                         "31", "999", "12345", "5.5", "e3"};
    enum { CELLS = 64, LOTS = 3000 };
    static char text[CELLS][40];
    const char *cells[CELLS];
    number_kernel *all[SIMD_NEON + 1];
    size_t count = kernels(all);
    for (uint64_t lot = 0; lot < LOTS; lot++) {
        for (uint64_t i = 0; i < CELLS; i++) {
            size_t used = 0;
            cells[i] = text[i];
            for (uint64_t k = 0; k < 4; k++)
                used += (size_t)snprintf(text[i] + used, sizeof text[i] - used, "%s",
                                         pieces[random_below(lot, k, i, COUNT_OF(pieces))]);
        }
        struct chunk c = chunk_of(cells, CELLS);
        for (size_t k = 0; k < count; k++)
            compare(&c, all[k]);
        batch_free(c.b);
    }
}
