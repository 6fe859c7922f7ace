#include "stats/stats.h"
#include "unit.h"

#include <math.h>
#include <stdlib.h>

/* The names in an order, joined by commas. */
static char *names(const struct counts *c, enum counts_order order)
{
    struct buf b = {0};
    uint32_t *sorted = counts_sorted(c, order);
    for (size_t i = 0; i < c->map.keys.len; i++) {
        struct text name = c->map.keys.at[sorted[i]];
        if (i)
            buf_putc(&b, ',');
        buf_add(&b, name.at, name.len);
    }
    mem_free(sorted);
    buf_text(&b);
    return buf_take(&b);
}

#define CHECK_NAMES(c, order, want)                                                                \
    do {                                                                                           \
        char *names_ = names(c, order);                                                            \
        CHECK_TEXT(names_, want);                                                                  \
        mem_free(names_);                                                                          \
    } while (0)

TEST(counts_orders)
{
    struct counts c = {0};
    static const char *const rows[] = {"b", "10", "a", "b", "9", "a", "b"};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        counts_add(&c, text_of(rows[i]), 1, i);
    CHECK_NAMES(&c, COUNTS_BY_NAME, "10,9,a,b");
    CHECK_NAMES(&c, COUNTS_BY_FREQUENCY, "b,a,10,9");
    CHECK_NAMES(&c, COUNTS_BY_ARRIVAL, "b,10,a,9");
    counts_release(&c);
    counts_add(&c, text_of("10"), 1, 0);
    counts_add(&c, text_of("9"), 1, 1);
    counts_add(&c, text_of("-1.5"), 1, 2);
    CHECK_NAMES(&c, COUNTS_BY_NAME, "-1.5,9,10");
    counts_release(&c);
}

TEST(counts_merge_and_text)
{
    struct counts whole = {0}, merged = {0}, back;
    struct error e = {0};
    for (size_t part = 4; part-- > 0;) {
        struct counts c = {0};
        for (uint64_t i = part * 100; i < part * 100 + 100; i++) {
            char name[8] = {(char)(i % 7 + 1), '\\', (char)(0xc3), (char)(i % 3), 'x'};
            counts_add(&c, (struct text){name, 5}, i, i);
            counts_add(&whole, (struct text){name, 5}, i, i);
        }
        counts_merge(&merged, &c);
        counts_release(&c);
    }
    json_t *a = counts_save(&whole), *b = counts_save(&merged);
    char *x = json_dumps(a, 0), *y = json_dumps(b, 0);
    CHECK_TEXT(x, y);
    CHECK_INT(counts_load(&back, a, &e), 0);
    json_t *c = counts_save(&back);
    CHECK(json_equal(a, c));
    CHECK_INT(back.map.keys.len, 21);
    CHECK(text_equal(back.map.keys.at[0], whole.map.keys.at[0]) ||
          map_get(&back.map, whole.map.keys.at[0]) != MAP_NONE);
    free(x);
    free(y);
    json_decref(a);
    json_decref(b);
    json_decref(c);
    counts_release(&whole);
    counts_release(&merged);
    counts_release(&back);
    a = json_pack("{s:i}", "a", 1);
    CHECK_INT(counts_load(&back, a, &e), ERR_DATA);
    json_decref(a);
}

TEST(distinct_is_close_and_merges)
{
    for (uint64_t n = 10; n <= 1000000; n *= 10) {
        struct distinct whole = {0}, parts = {0}, odd = {0}, back;
        for (uint64_t i = 0; i < n; i++) {
            distinct_add(&whole, hash_u64(i));
            distinct_add(i % 2 ? &odd : &parts, hash_u64(i));
        }
        CHECK(fabs(distinct_value(&whole) - (double)n) <= 0.025 * (double)n);
        distinct_merge(&parts, &odd);
        json_t *a = distinct_save(&whole), *b = distinct_save(&parts);
        CHECK_TEXT(json_string_value(a), json_string_value(b));
        CHECK_INT(distinct_load(&back, a, NULL), 0);
        CHECK_DOUBLE(distinct_value(&back), distinct_value(&whole));
        json_decref(a);
        json_decref(b);
        distinct_release(&whole);
        distinct_release(&parts);
        distinct_release(&odd);
        distinct_release(&back);
    }
    struct distinct d;
    static const char *const bad[] = {"A", "16383", "16385", "99999999999999999999", "16383?"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        json_t *j = json_string(bad[i]);
        CHECK_INT(distinct_load(&d, j, NULL), ERR_DATA);
        json_decref(j);
    }
}

TEST(frequent_is_exact_while_it_fits)
{
    struct frequent *f = frequent_new(4), *g = frequent_new(4);
    struct text value[9];
    uint64_t count[9];
    for (uint64_t i = 0; i < 400; i++)
        frequent_add(i % 2 ? f : g, text_of((const char *[]){"a", "b", "b", "c", "d"}[i % 5]), 1);
    frequent_merge(f, g);
    CHECK(frequent_exact(f));
    CHECK_INT(frequent_top(f, 9, value, count), 4);
    CHECK(text_equal(value[0], text_of("b")));
    CHECK_INT(count[0], 160);
    CHECK(text_equal(value[1], text_of("a")));
    CHECK_INT(count[3], 80);
    frequent_free(f);
    frequent_free(g);
}

TEST(frequent_keeps_the_heavy_ones)
{
    struct frequent *f = frequent_new(50);
    struct text value[2];
    uint64_t count[2];
    char name[24];
    for (uint64_t i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "%" PRIu64, random_bits(5, 6, i) % 5000);
        frequent_add(f, text_of(i % 4 == 0 ? "heavy" : i % 7 == 0 ? "second" : name), 1);
    }
    CHECK(!frequent_exact(f));
    CHECK_INT(frequent_top(f, 2, value, count), 2);
    CHECK(text_equal(value[0], text_of("heavy")));
    CHECK(text_equal(value[1], text_of("second")));
    CHECK(count[0] >= 5000 && count[0] <= 5000 + 20000 / 50);
    frequent_free(f);
}

TEST(sample_does_not_depend_on_split)
{
    enum { ROWS = 5000, K = 40 };
    struct sample whole, merged, back;
    char item[24];
    sample_init(&whole, K, 7, 8);
    sample_init(&merged, K, 7, 8);
    for (size_t part = 5; part-- > 0;) {
        struct sample s;
        sample_init(&s, K, 7, 8);
        for (uint64_t row = part; row < ROWS; row += 5) {
            snprintf(item, sizeof item, "row %" PRIu64, row);
            if (sample_wants(&s, row))
                sample_add(&s, row, text_of(item));
            sample_add(&whole, row, text_of(item));
        }
        sample_merge(&merged, &s);
        sample_release(&s);
    }
    json_t *a = sample_save(&whole), *b = sample_save(&merged);
    CHECK(json_equal(a, b));
    CHECK_INT(sample_load(&back, a, NULL), 0);
    json_t *c = sample_save(&back);
    CHECK(json_equal(a, c));
    sample_sort(&back);
    CHECK_INT(back.heap.len, K);
    uint64_t largest = 0, smaller = 0;
    for (size_t i = 0; i < K; i++) {
        largest = back.heap.at[i].key > largest ? back.heap.at[i].key : largest;
        CHECK(i == 0 || back.heap.at[i].row > back.heap.at[i - 1].row);
    }
    for (uint64_t row = 0; row < ROWS; row++)
        smaller += random_bits(7, 8, row) <= largest;
    CHECK_INT(smaller, K);
    json_decref(a);
    json_decref(b);
    json_decref(c);
    sample_release(&whole);
    sample_release(&merged);
    sample_release(&back);
    sample_init(&whole, 0, 1, 1);
    CHECK(!sample_wants(&whole, 3));
    sample_add(&whole, 3, text_of("x"));
    CHECK_INT(whole.heap.len, 0);
    sample_release(&whole);
}
