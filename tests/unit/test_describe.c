#include "steps/describe.h"
#include "steps/grid.h"
#include "steps/pairs.h"
#include "unit.h"

#include <math.h>

/* "first edge w: counts" */
static const char *shown(const struct grid *g, char *out, size_t size)
{
    int n = snprintf(out, size, "%g %g:", grid_edge(g, 0), grid_edge(g, 1) - grid_edge(g, 0));
    for (size_t i = 0; i < g->counts.len; i++)
        n += snprintf(out + n, size - (size_t)n, " %d", (int)g->counts.at[i]);
    return out;
}

TEST(grid_widens_to_fit)
{
    struct grid g = {.most = 4};
    char text[200];
    const double values[] = {1, 2, 2.5, 7};
    for (size_t i = 0; i < COUNT_OF(values); i++)
        grid_add(&g, values[i], 1);
    CHECK_TEXT(shown(&g, text, sizeof text), "0 2: 1 2 0 1");
    grid_add(&g, -9, 3);
    CHECK_TEXT(shown(&g, text, sizeof text), "-16 8: 3 0 4");
    grid_release(&g);
}

TEST(grid_does_not_depend_on_order_or_split)
{
    enum { VALUES = 300 };
    double values[VALUES];
    struct grid whole = {.most = 16};
    char want[1000], got[1000];
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = random_normal(1, 1, i) * exp(5 * random_unit(1, 2, i));
        grid_add(&whole, values[i], 1);
    }
    shown(&whole, want, sizeof want);
    for (size_t cut = 0; cut <= VALUES; cut += 50) {
        struct grid a = {.most = 16}, b = {.most = 16};
        for (size_t i = VALUES; i-- > 0;)
            grid_add(i < cut ? &a : &b, values[i], 1);
        grid_merge(&a, &b);
        CHECK_TEXT(shown(&a, got, sizeof got), want);
        grid_release(&a);
        grid_release(&b);
    }
    grid_release(&whole);
}

/* Rows first .. last - 1 of a column of numbers; the texts come from row * step. */
static void add_rows(struct described *d, size_t first, size_t last, uint64_t step)
{
    struct batch *b = batch_new();
    struct text *cells = batch_array(b, last - first + 1, sizeof *cells);
    b->rows = last - first;
    for (size_t i = first; i < last; i++) {
        char digits[NUMBER_MAX];
        size_t n = number_print_int(digits, (int64_t)((i * step) % 40000));
        cells[i - first] = (struct text){arena_text(&b->arena, digits, n), n};
    }
    batch_add(b, column_of_text(cells));
    CHECK_INT(described_add(d, b, 0, NULL), 0);
    batch_free(b);
}

static void check_split(size_t rows, size_t cut, bool flooded)
{
    struct described whole, a, b;
    struct description want, got;
    described_init(&whole, TYPE_INT, 0);
    described_init(&a, TYPE_INT, 0);
    described_init(&b, TYPE_INT, 0);
    add_rows(&whole, 0, rows, 7);
    add_rows(&a, cut, rows, 7);
    add_rows(&b, 0, cut, 7);
    CHECK_INT(described_merge(&a, &b, NULL, NULL), 0);
    CHECK_INT(whole.flooded, flooded);
    CHECK_INT(a.flooded, flooded);
    CHECK_INT(described_answer(&whole, NULL, &want, NULL), 0);
    CHECK_INT(described_answer(&a, NULL, &got, NULL), 0);
    CHECK_INT(got.count, rows);
    CHECK_INT(got.distinct, want.distinct);
    CHECK_DOUBLE(got.mean, want.mean);
    CHECK_DOUBLE(got.std, want.std);
    CHECK_DOUBLE(got.max, want.max);
    for (size_t i = 0; i < 3; i++)
        CHECK_DOUBLE(got.quartile[i], want.quartile[i]);
    described_release(&whole);
    described_release(&a);
    described_release(&b);
}

TEST(described_merges_exactly)
{
    check_split(DESCRIBE_VALUES, 5000, false);
    check_split(DESCRIBE_VALUES + 1, 5000, true);
    check_split(38000, 37000, true);
    check_split(38000, 19000, true);
}

TEST(pairs_leave_out_gaps_pair_by_pair)
{
    const double none = (double)NAN;
    const double rows[5][3] = {{1, 2, 3}, {2, none, 1}, {3, 5, none}, {4, 1, 0}, {none, 7, 9}};
    struct pairs x, y;
    pairs_init(&x, 3);
    pairs_init(&y, 3);
    for (size_t r = 0; r < 5; r++)
        pairs_add(r % 2 ? &x : &y, rows[r]);
    pairs_merge(&x, &y);
    /* a, b over rows 0, 2, 3; a, c over 0, 1, 3; b, c over 0, 3, 4 */
    CHECK(fabs(pairs_correlation(&x, 0, 1) - -0.05241424183609586) < 1e-15);
    CHECK(fabs(pairs_correlation(&x, 2, 0) - -0.9285714285714286) < 1e-15);
    CHECK(fabs(pairs_correlation(&x, 1, 2) - 0.9843241382880895) < 1e-15);
    CHECK_DOUBLE(pairs_correlation(&x, 1, 1), 1);
    pairs_release(&x);
    pairs_release(&y);
}
