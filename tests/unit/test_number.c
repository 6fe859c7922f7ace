/*
 * Numbers and text. The oracle is the C library in the C locale: strtod reads every text correctly
 * rounded, and %.{n}e writes the nearest decimal of n + 1 digits.
 */
#include "base/base.h"
#include "unit.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static uint64_t state = 88172645463325252u;

/* xorshift64: a test needs no better source. */
static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static double from_bits(uint64_t bits)
{
    double f;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

static uint64_t to_bits(double f)
{
    uint64_t bits;
    memcpy(&bits, &f, sizeof(bits));
    return bits;
}

static double random_finite(void)
{
    double f;
    do
        f = from_bits(next_random());
    while (!isfinite(f));
    return f;
}

/* The text sits at the end of its own allocation, so that a sanitizer sees a read beyond it. */
static enum number_kind parse(const char *text, int64_t *i, double *f)
{
    size_t n = strlen(text);
    char *exact = malloc(n ? n : 1);
    if (!exact)
        abort();
    memcpy(exact, text, n);
    enum number_kind kind = number_parse(exact, n, i, f);
    double again = 0;
    bool ok = number_parse_double(exact, n, &again);
    if (kind != NUMBER_NONE && (!ok || to_bits(again) != to_bits(*f)))
        UNIT_FAIL("number_parse_double disagrees about \"%s\"", text);
    free(exact);
    return kind;
}

static void check_like_strtod(const char *text)
{
    int64_t i;
    double f = 0, want = strtod(text, NULL);
    enum number_kind kind = parse(text, &i, &f);
    if (isinf(want) ? kind != NUMBER_NONE : kind == NUMBER_NONE || to_bits(f) != to_bits(want))
        UNIT_FAIL("\"%s\" is read as %.17g (kind %d), not %.17g", text, f, (int)kind, want);
}

static const char *print(double f)
{
    static char text[NUMBER_MAX + 1];
    text[number_print(text, f)] = '\0';
    return text;
}

TEST(kinds_of_texts)
{
    static const struct {
        const char *text;
        enum number_kind kind;
        int64_t i;
        double f;
    } cases[] = {
        {"0", NUMBER_INT, 0, 0},
        {"-0", NUMBER_FLOAT, 0, -0.0},
        {"7", NUMBER_INT, 7, 7},
        {"-42", NUMBER_INT, -42, -42},
        {"12345678", NUMBER_INT, 12345678, 12345678},
        {"-12345678", NUMBER_INT, -12345678, -12345678},
        {"123456789", NUMBER_INT, 123456789, 123456789},
        {"9007199254740993", NUMBER_INT, 9007199254740993, 9007199254740992},
        {"9223372036854775807", NUMBER_INT, INT64_MAX, 0x1p63},
        {"-9223372036854775808", NUMBER_INT, INT64_MIN, -0x1p63},
        {"9223372036854775808", NUMBER_FLOAT, 0, 0x1p63},
        {"-9223372036854775809", NUMBER_FLOAT, 0, -0x1p63},
        {"123456789012345678901234567890", NUMBER_FLOAT, 0, 123456789012345678901234567890.0},
        {"123456789012345678901234567890e-10", NUMBER_FLOAT, 0, 12345678901234567890.123456789},
        {"12.5", NUMBER_FLOAT, 0, 12.5},
        {"-0.73", NUMBER_FLOAT, 0, -0.73},
        {".5", NUMBER_FLOAT, 0, 0.5},
        {"-.5", NUMBER_FLOAT, 0, -0.5},
        {"5.", NUMBER_FLOAT, 0, 5},
        {"1234567.", NUMBER_FLOAT, 0, 1234567},
        {"12345678.", NUMBER_FLOAT, 0, 12345678},
        {".12345678", NUMBER_FLOAT, 0, .12345678},
        {"0.0", NUMBER_FLOAT, 0, 0},
        {"0e0", NUMBER_FLOAT, 0, 0},
        {"0e99999999999999999999999", NUMBER_FLOAT, 0, 0},
        {"1e5", NUMBER_FLOAT, 0, 1e5},
        {"1E+05", NUMBER_FLOAT, 0, 1e5},
        {"2.5e-3", NUMBER_FLOAT, 0, 2.5e-3},
        {"1e-999", NUMBER_FLOAT, 0, 0},
        {"-1e-999", NUMBER_FLOAT, 0, -0.0},
        {"1e-99999999999999999999999", NUMBER_FLOAT, 0, 0},
        {"1.7976931348623157e308", NUMBER_FLOAT, 0, DBL_MAX},
        {"4.9406564584124654e-324", NUMBER_FLOAT, 0, 0x1p-1074},
    };
    for (size_t n = 0; n < COUNT_OF(cases); n++) {
        int64_t i = 0;
        double f = 0;
        enum number_kind kind = parse(cases[n].text, &i, &f);
        if (kind != cases[n].kind || i != cases[n].i || to_bits(f) != to_bits(cases[n].f))
            UNIT_FAIL("\"%s\": kind %d, %" PRId64 ", %.17g", cases[n].text, (int)kind, i, f);
    }
}

TEST(what_is_not_a_number)
{
    static const char *const texts[] = {
        "",
        "-",
        "+",
        "+1",
        "--1",
        "-+1",
        ".",
        "-.",
        "..",
        "1..2",
        "1.2.3",
        "e5",
        ".e5",
        "1e",
        "1e+",
        "1e-",
        "1e5.",
        "1e5e5",
        "1 ",
        " 1",
        "1 2",
        "\t1",
        "1\n",
        "0x10",
        "1_000",
        "1,000",
        "inf",
        "-inf",
        "Infinity",
        "nan",
        "NaN",
        "1e999",
        "-1e999",
        "1.7976931348623159e308",
        "1f",
        "1d0",
        "12345678a",
        "a2345678",
        "1234567a",
        "12.3a",
        "1/2",
        "1:2",
        "12345678901234567890x",
        "1-2",
        "123456789.12345678.",
        "\xff",
        "1\xb2",
        "1e99999999999999999999999",
        "2001-01-31",
        "1-",
        "\x10",
    };
    int64_t i;
    double f;
    for (size_t n = 0; n < COUNT_OF(texts); n++) {
        if (parse(texts[n], &i, &f) != NUMBER_NONE ||
            number_parse_double(texts[n], strlen(texts[n]), &f))
            UNIT_FAIL("\"%s\" is taken for a number", texts[n]);
    }
    CHECK(number_parse("1\0", 2, &i, &f) == NUMBER_NONE);
    CHECK(number_parse(NULL, 0, &i, &f) == NUMBER_NONE);
}

TEST(leading_zeros_are_text_but_read_as_doubles)
{
    static const char *const texts[] = {"007", "00", "-007", "00.5", "0000000000000000000000012.5"};
    int64_t i;
    double f;
    for (size_t n = 0; n < COUNT_OF(texts); n++) {
        CHECK(parse(texts[n], &i, &f) == NUMBER_NONE);
        CHECK(number_parse_double(texts[n], strlen(texts[n]), &f));
        CHECK_DOUBLE(f, strtod(texts[n], NULL));
    }
}

TEST(every_byte_after_a_digit_is_judged)
{
    for (int byte = 0; byte < 256; byte++) {
        for (size_t n = 1; n < 20; n++) {
            char text[20];
            memset(text, '5', sizeof(text));
            text[n] = (char)byte;
            double f;
            bool number = (byte >= '0' && byte <= '9') || byte == '.';
            if (number_parse_double(text, n + 1, &f) != number)
                UNIT_FAIL("byte %d behind %zu digits", byte, n);
        }
    }
}

TEST(every_power_of_ten_with_hard_mantissas)
{
    static const char *const mantissas[] = {
        "1",
        "9",
        "9007199254740993",
        "18014398509481985",
        "9999999999999999999",
        "12345678901234567",
        "1.7976931348623158079",
        "2.2250738585072011360574097967091319759348195463516",
        "4.9406564584",
    };
    char text[100];
    for (int e = -400; e <= 400; e++) {
        for (size_t m = 0; m < COUNT_OF(mantissas); m++) {
            snprintf(text, sizeof(text), "%se%d", mantissas[m], e);
            check_like_strtod(text);
        }
    }
}

TEST(random_digit_strings)
{
    char text[100];
    for (int n = 0; n < 1000000; n++) {
        uint64_t r = next_random();
        size_t digits = 1 + r % 24, point = (r >> 8) % (digits + 1), at = 0;
        if (r >> 63)
            text[at++] = '-';
        for (size_t d = 0; d < digits; d++) {
            if (d == point)
                text[at++] = '.';
            text[at++] = (char)((d == 0 ? '1' : '0') + (int)(next_random() % 9));
        }
        text[at] = '\0';
        if (r >> 62 & 1)
            snprintf(text + at, sizeof(text) - at, "e%d", (int)(next_random() % 700) - 360);
        check_like_strtod(text);
    }
}

/* The exact midpoint of f and its successor, and its neighbours 1 unit off at the last digit. */
static void check_midpoint(double f)
{
    static char text[1200];
    double next = nextafter(f, HUGE_VAL);
    long double middle = (long double)f + ((long double)next - (long double)f) / 2;
    snprintf(text, sizeof(text) - 1, "%.780Le", middle);
    check_like_strtod(text);
    char *e = strchr(text, 'e');
    e[-1] = '1';
    check_like_strtod(text);
    for (char *p = e - 1; p > text; p--) {
        if (*p != '.' && *p != '0') {
            --*p;
            break;
        }
    }
    e[-2] = '7';
    check_like_strtod(text);
    snprintf(text, sizeof(text) - 1, "%.20Le", middle);
    check_like_strtod(text);
}

TEST(halfway_cases)
{
    if (LDBL_MANT_DIG < 64)
        return;
    for (int n = 0; n < 5000; n++)
        check_midpoint(fabs(random_finite()));
    for (int n = 0; n < 2000; n++)
        check_midpoint(from_bits(next_random() >> (12 + n % 50)));
    for (uint64_t n = 0; n < 1000; n++)
        check_midpoint(from_bits(n));
    check_midpoint(0x1.ffffffffffffep1023);
    check_midpoint(0x1.fffffffffffffp-1023);
    check_like_strtod(
        "179769313486231580793728971405303415079934132710037826936173778980444968292764"
        "750946649017977587207096330286416692887910946555547851940402630657488671505820"
        "681908902000708383676273854845817711531764475730270069855571366959622842914819"
        "860834936475292719074168444365510704342711559699508093042880");
    check_like_strtod(
        "179769313486231580793728971405303415079934132710037826936173778980444968292764"
        "750946649017977587207096330286416692887910946555547851940402630657488671505820"
        "681908902000708383676273854845817711531764475730270069855571366959622842914819"
        "860834936475292719074168444365510704342711559699508093042879.999999999999");
}

TEST(very_long_texts)
{
    static char text[20000];
    for (size_t zeros = 0; zeros < 9000; zeros += 797) {
        snprintf(text, sizeof(text), "0.%0*d1e%zu", (int)zeros, 0, zeros + 1);
        check_like_strtod(text);
        snprintf(text, sizeof(text), "1%0*de-%zu", (int)zeros, 0, zeros + 5);
        check_like_strtod(text);
        snprintf(text, sizeof(text), "9007199254740993.%0*d1", (int)zeros, 0);
        check_like_strtod(text);
    }
}

TEST(printed_forms)
{
    static const struct {
        double f;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {0.1, "0.1"},
        {100, "100"},
        {-100, "-100"},
        {12345.678, "12345.678"},
        {1e16, "10000000000000000"},
        {1e17, "1e+17"},
        {12345678901234568, "12345678901234568"},
        {99999999999999984, "99999999999999980"},
        {1.5e20, "1.5e+20"},
        {1e-4, "0.0001"},
        {1e-5, "0.00001"},
        {1.25e-5, "0.0000125"},
        {9.9e-6, "9.9e-06"},
        {1e-7, "1e-07"},
        {1e100, "1e+100"},
        {0.1 + 0.2, "0.30000000000000004"},
        {0x1p53, "9007199254740992"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {-DBL_MIN, "-2.2250738585072014e-308"},
        {0x1p-1074, "5e-324"},
        {9.5367431640625e-07, "9.5367431640625e-07"},
        {HUGE_VAL, "inf"},
        {-HUGE_VAL, "-inf"},
        {(double)NAN, "nan"},
    };
    for (size_t n = 0; n < COUNT_OF(cases); n++)
        CHECK_TEXT(print(cases[n].f), cases[n].text);
}

TEST(printed_integers)
{
    int64_t value = 1;
    for (int n = 0; n < 200000; n++) {
        char text[NUMBER_MAX], want[NUMBER_MAX];
        int length = snprintf(want, sizeof(want), "%" PRId64, value);
        if (number_print_int(text, value) != (size_t)length || memcmp(text, want, (size_t)length))
            UNIT_FAIL("%s is printed as %.*s", want, length, text);
        value = n == 0   ? 0
                : n == 1 ? INT64_MIN
                : n == 2 ? INT64_MAX
                         : (int64_t)next_random() >> next_random() % 64;
    }
}

static void check_round_trip(double f)
{
    const char *text = print(f);
    double mine;
    if (to_bits(strtod(text, NULL)) != to_bits(f))
        UNIT_FAIL("%.17g is printed as %s", f, text);
    if (!number_parse_double(text, strlen(text), &mine) || to_bits(mine) != to_bits(f))
        UNIT_FAIL("%s is read as %.17g, not %.17g", text, mine, f);
}

static int significant_digits(const char *text)
{
    int count = 0, zeros = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text == '0')
            zeros++;
        else if (*text != '.' && *text != '-') {
            count += count ? zeros + 1 : 1;
            zeros = 0;
        }
    }
    return count;
}

/* One digit less does not read back, and no decimal of this length that does is nearer. */
static void check_shortest(double f)
{
    const char *text = print(f);
    int digits = significant_digits(text);
    char want[40];
    if (digits > 1) {
        snprintf(want, sizeof(want), "%.*e", digits - 2, f);
        if (to_bits(strtod(want, NULL)) == to_bits(f))
            UNIT_FAIL("%s is longer than %s", text, want);
    }
    snprintf(want, sizeof(want), "%.*e", digits - 1, f);
    double nearest = strtod(want, NULL), got = strtod(text, NULL);
    char again[40];
    snprintf(again, sizeof(again), "%.*e", digits - 1, strtod(text, NULL));
    if (to_bits(nearest) == to_bits(f) && (to_bits(got) != to_bits(f) || strcmp(want, again) != 0))
        UNIT_FAIL("%s is not the nearest: %s", text, want);
}

TEST(random_bit_patterns_round_trip)
{
    for (int n = 0; n < 2000000; n++)
        check_round_trip(random_finite());
    for (int n = 0; n < 500000; n++)
        check_round_trip((double)(int64_t)(next_random() % 2000000) / 1000);
}

TEST(powers_of_two_and_their_neighbours_round_trip)
{
    for (int e = -1074; e <= 1023; e++) {
        double f = ldexp(1, e);
        check_round_trip(f);
        check_round_trip(nextafter(f, 0));
        check_round_trip(nextafter(f, HUGE_VAL));
        check_shortest(f);
        check_shortest(nextafter(f, HUGE_VAL));
    }
}

TEST(printed_text_is_shortest)
{
    for (int n = 0; n < 200000; n++) {
        check_shortest(random_finite());
        check_shortest((double)(int64_t)(next_random() % 100000000) / 10000);
    }
}

TEST(products_without_int128)
{
    uint64_t edges[] = {0, 1, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX, UINT64_MAX - 1};
    for (size_t i = 0; i < 100000; i++) {
        uint64_t a = i < 36 ? edges[i / 6] : random_bits(1, 2, i);
        uint64_t b = i < 36 ? edges[i % 6] : random_bits(1, 3, i);
        struct bits128 x = bits128_by_halves(a, b), y = bits128_product(a, b);
        CHECK(x.high == y.high && x.low == y.low);
    }
}
