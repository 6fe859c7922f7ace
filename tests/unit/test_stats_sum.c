#include "stats/stats.h"
#include "unit.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* Oracle: how often each power of two from 2^-1100 up was added, carried at the end. */
enum { LOWEST = -1100, POWERS = 2300 };

static void oracle_add(int64_t *count, double x)
{
    int exponent;
    int64_t m = (int64_t)ldexp(frexp(x, &exponent), 53);
    for (int bit = 0; bit < 53; bit++) {
        int64_t set = (m < 0 ? -m : m) >> bit & 1;
        count[exponent - 53 + bit - LOWEST] += m < 0 ? -set : set;
    }
}

static double oracle_value(const int64_t *from)
{
    static int64_t count[POWERS];
    memcpy(count, from, sizeof count);
    int top = POWERS - 1;
    while (top > 0 && count[top] == 0)
        top--;
    for (int pass = 0; pass < 2; pass++) { /* the second one when the number is negative */
        int64_t carry = 0;
        for (int i = 0; i < POWERS; i++) {
            carry += count[i];
            count[i] = carry & 1;
            carry = (carry - count[i]) / 2;
        }
        if (carry == 0) {
            for (top = POWERS - 1; top > 0 && !count[top];)
                top--;
            int low = top - 52 > -1074 - LOWEST ? top - 52 : -1074 - LOWEST;
            double m = 0;
            for (int i = top; i >= low; i--)
                m = 2 * m + (double)count[i];
            bool half = count[low - 1], more = false;
            for (int i = 0; i < low - 1; i++)
                more = more || count[i];
            if (half && (more || count[low]))
                m += 1;
            m = ldexp(m, low + LOWEST);
            return pass ? -m : m;
        }
        for (int i = 0; i < POWERS; i++)
            count[i] = -from[i];
    }
    return (double)NAN;
}

static uint64_t draw(uint64_t i)
{
    return random_bits(1, 2, i);
}

/* Finite doubles; spread: how far exponents range. */
static double draw_double(uint64_t i, int kind)
{
    uint64_t bits = draw(i);
    double x;
    memcpy(&x, &bits, sizeof x);
    switch (kind) {
    case 0:
        return isfinite(x) ? x / 4 : 1;
    case 1:
        return (double)(bits % 100000) / 100;
    case 2:
        return ldexp((double)(int64_t)bits, -1074 + (int)(bits % 60));
    case 3:
        return i % 2 ? -draw_double(i - 1, 0) : draw_double(i, 0);
    case 4:
        return (double)(int64_t)(bits % 2001) - 1000;
    default:
        return i % 100 ? (double)(bits >> 40) * 1e-7 : 1e300;
    }
}
enum { KINDS = 6, VALUES = 2100 };

static char *text_of_sum(const struct sum *s)
{
    json_t *j = sum_save(s);
    char *text = mem_text(json_string_value(j));
    json_decref(j);
    return text;
}

TEST(sum_is_correctly_rounded)
{
    static int64_t count[POWERS];
    for (int kind = 0; kind < KINDS; kind++) {
        struct sum s = {0};
        memset(count, 0, sizeof count);
        for (uint64_t i = 0; i < VALUES; i++) {
            double x = draw_double(i, kind);
            sum_add(&s, x);
            oracle_add(count, x);
            if (i % 50 == 0 || i < 20)
                CHECK_DOUBLE(sum_value(&s), oracle_value(count));
        }
        CHECK_DOUBLE(sum_value(&s), oracle_value(count));
        sum_release(&s);
    }
}

TEST(sum_bits_do_not_depend_on_split_or_order)
{
    static double x[VALUES];
    for (int kind = 0; kind < KINDS; kind++) {
        struct sum whole = {0}, many = {0}, merged = {0}, backwards = {0};
        for (size_t i = 0; i < VALUES; i++) {
            x[i] = draw_double(i, kind);
            sum_add(&whole, x[i]);
        }
        sum_add_many(&many, x, VALUES);
        for (size_t i = VALUES; i-- > 0;)
            sum_add(&backwards, x[i]);
        for (size_t piece = 0; piece < 7; piece++) {
            struct sum part = {0};
            sum_add_many(&part, x + piece * 300, 300);
            sum_merge(&merged, &part);
            sum_release(&part);
        }
        struct sum *all[] = {&many, &merged, &backwards};
        char *want = text_of_sum(&whole);
        for (size_t i = 0; i < COUNT_OF(all); i++) {
            char *got = text_of_sum(all[i]);
            CHECK_TEXT(got, want);
            CHECK_DOUBLE(sum_value(all[i]), sum_value(&whole));
            mem_free(got);
            sum_release(all[i]);
        }
        mem_free(want);
        sum_release(&whole);
    }
}

TEST(sum_of_known_values)
{
    static const struct {
        double x[5], sum;
    } cases[] = {
        {{1e308, 1, -1e308}, 1},
        {{1e308, 1e308, -1e308}, 1e308},
        {{DBL_MAX, DBL_MAX}, (double)INFINITY},
        {{1, 0x1p-53}, 1},
        {{1, 0x1p-53, 0x1p-1074}, 1 + 0x1p-52},
        {{1, 0x1p-53, -0x1p-1074}, 1},
        {{1, 0x3p-53}, 1 + 0x1p-51},
        {{-1, -0x1p-53, -0x1p-1074}, -1 - 0x1p-52},
        {{0x1p-1074, 0x1p-1074}, 0x1p-1073},
        {{0.1, 0.2, 0.3, -0.6}, 0x1p-55},
        {{1, 0x1p126, 0x1p126, -0x1p127}, 1}, /* past the top of the window and back */
        {{-1, -0x1.8p126, -0x1.8p126, 0x1.8p127}, -1},
        {{(double)INFINITY, 1}, (double)INFINITY},
        {{-(double)INFINITY, 1e308}, -(double)INFINITY},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sum s = {0};
        for (int k = 0; k < 5; k++)
            sum_add(&s, cases[i].x[k]);
        CHECK_DOUBLE(sum_value(&s), cases[i].sum);
        sum_release(&s);
    }
    struct sum s = {0};
    sum_add(&s, (double)INFINITY);
    sum_add(&s, -(double)INFINITY);
    CHECK(isnan(sum_value(&s)));
    sum_release(&s);
}

TEST(sum_of_integers_beyond_doubles)
{
    struct sum s = {0};
    sum_add_int(&s, INT64_MAX);
    sum_add_int(&s, INT64_MIN);
    CHECK_DOUBLE(sum_value(&s), -1.0);
    for (int i = 0; i < 3000; i++)
        sum_add_int(&s, INT64_MAX);
    for (int i = 0; i < 3000; i++)
        sum_add_int(&s, -INT64_MAX);
    sum_add_int(&s, (INT64_C(1) << 53) + 1);
    sum_add_int(&s, -(INT64_C(1) << 53));
    CHECK_DOUBLE(sum_value(&s), 0.0);
    sum_release(&s);
}

TEST(sum_of_products_is_exact)
{
    struct sum s = {0};
    for (uint64_t i = 0; i < 2000; i++) {
        double x = draw_double(i, 1), y = draw_double(i + 7, (int)(i % 2) * 4);
        y = fabs(y) > 1e100 || fabs(y) < 1e-100 ? 3.7 : y;
        double product = x * y;
        sum_add_product(&s, x, y);
        sum_add(&s, -product);
        sum_add(&s, -fma(x, y, -product));
    }
    CHECK_DOUBLE(sum_value(&s), 0.0);
    sum_add_product(&s, 1e-200, 1e-200); /* far below the doubles, and still there */
    sum_add_product(&s, 1e200, -1e200);
    sum_add_product(&s, 1e200, 1e200);
    CHECK_DOUBLE(sum_value(&s), 0.0);
    char *text = text_of_sum(&s);
    CHECK(strcmp(text, "0") != 0);
    mem_free(text);
    sum_release(&s);
}

TEST(sum_text_reads_back)
{
    struct error e = {0};
    for (int kind = 0; kind < KINDS; kind++) {
        struct sum s = {0}, back;
        for (uint64_t i = 0; i < 100; i++)
            sum_add(&s, draw_double(i * 3 + 1, kind));
        json_t *j = sum_save(&s);
        CHECK_INT(sum_load(&back, j, &e), 0);
        char *want = text_of_sum(&s), *got = text_of_sum(&back);
        CHECK_TEXT(got, want);
        mem_free(want);
        mem_free(got);
        json_decref(j);
        sum_release(&s);
        sum_release(&back);
    }
    struct sum s = {0};
    sum_add(&s, -10.5);
    char *text = text_of_sum(&s);
    CHECK_TEXT(text, "-15p-1");
    mem_free(text);
    sum_release(&s);
}

TEST(sum_load_refuses_other_text)
{
    static const char *const bad[] = {"", "p", "1", "1p", "1p99999", "g p1", "-", "1.5p2", "1p1 "};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct sum s;
        struct error e = {0};
        json_t *j = json_string(bad[i]);
        CHECK_INT(sum_load(&s, j, &e), ERR_DATA);
        json_decref(j);
        sum_release(&s);
    }
}
