#include "unit.h"

#include "prep/hold.h"

/* A batch of one column with the given numbers, chunk `sequence` of the stream. */
static struct batch *numbers(uint64_t sequence, int64_t first, size_t n)
{
    struct batch *b = batch_new();
    int64_t *values = batch_array(b, n, sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = first + (int64_t)i;
    b->rows = n;
    b->sequence = sequence;
    b->first_id = (uint64_t)first << ROW_ID_SHIFT;
    batch_add(b, column_of_int(values));
    return b;
}

static void add(struct hold *h, uint64_t sequence, int64_t first, size_t n)
{
    struct error e = {0};
    struct batch *b = numbers(sequence, first, n);
    CHECK_INT(hold_add(h, b, &e), 0);
    batch_free(b);
}

static void check_block(struct hold *h, size_t i, bool backwards, int64_t first, size_t n)
{
    struct error e = {0};
    struct batch *b = batch_new();
    const int64_t *values;
    CHECK_INT(hold_read(h, i, backwards, b, &e), 0);
    CHECK_INT(b->rows, n);
    CHECK_INT(batch_int(b, 0, "x", &values, &e), 0);
    for (size_t r = 0; r < n; r++) {
        int64_t want = first + (int64_t)(backwards ? n - 1 - r : r);
        CHECK_INT(values[r], want);
        CHECK_INT(batch_row_id(b, r), want << ROW_ID_SHIFT);
    }
    batch_free(b);
}

/* Two threads' rows, whose chunks lie between each other's, with so much memory each. */
static void check_two_threads(size_t memory)
{
    struct hold *a = hold_new(memory), *b = hold_new(memory);
    add(a, 0, 0, 3);
    add(a, 0, 3, 2); /* the same chunk goes on */
    add(b, 1, 5, 1000);
    add(a, 2, 1005, 1);
    hold_merge(a, b);
    hold_free(b);
    add(a, 3, 1006, 4);
    hold_sort(a);
    CHECK_INT(hold_rows(a), 1010);
    CHECK_INT(hold_blocks(a), 5);
    check_block(a, 1, false, 3, 2);
    check_block(a, 2, true, 5, 1000);
    check_block(a, 3, false, 1005, 1);
    check_block(a, 4, true, 1006, 4);
    check_block(a, 0, true, 0, 3);
    hold_free(a);
}

TEST(held_in_memory)
{
    check_two_threads(1 << 20);
}

TEST(held_in_a_file)
{
    check_two_threads(1);
}

TEST(held_in_both)
{
    check_two_threads(200);
}
