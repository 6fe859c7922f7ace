#include "base/base.h"
#include "unit.h"

#include "base/digest.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>

TEST(error_holds_code_place_and_message)
{
    struct error e = {0};
    char text[256];
    CHECK_INT(error_set(&e, ERR_DATA, "bad cell %d", 7), ERR_DATA);
    error_format(&e, text, sizeof(text));
    CHECK_TEXT(text, "bad cell 7");
    CHECK_INT(error_at(&e, NULL, 3, 0), ERR_DATA);
    error_format(&e, text, sizeof(text));
    CHECK_TEXT(text, "line 3: bad cell 7");
    error_at(&e, "a.csv", 0, 0);
    error_format(&e, text, sizeof(text));
    CHECK_TEXT(text, "a.csv: bad cell 7");
    error_at(&e, NULL, 3, 0);
    error_format(&e, text, sizeof(text));
    CHECK_TEXT(text, "a.csv:3: bad cell 7");
    error_at(&e, e.file, 3, 14);
    error_format(&e, text, sizeof(text));
    CHECK_TEXT(text, "a.csv:3:14: bad cell 7");
    error_format(&e, text, 6);
    CHECK_TEXT(text, "a.csv");
}

TEST(error_may_be_unwanted)
{
    CHECK_INT(error_set(NULL, ERR_BUSY, "x"), ERR_BUSY);
    CHECK_INT(error_errno(NULL, "x"), ERR_SYSTEM);
    CHECK_INT(error_at(NULL, "x", 1, 1), ERR_DATA);
}

TEST(error_errno_names_the_cause)
{
    struct error e = {0};
    errno = ENOENT;
    CHECK_INT(error_errno(&e, "cannot open %s", "x"), ERR_SYSTEM);
    CHECK_TEXT(e.message, "cannot open x: No such file or directory");
}

TEST(error_keeps_the_end_of_a_long_path)
{
    struct error e = {0};
    char path[600];
    memset(path, 'd', sizeof(path));
    memcpy(path + sizeof(path) - 7, "/a.csv", 7);
    error_at(&e, path, 1, 1);
    CHECK_INT(strlen(e.file), sizeof(e.file) - 1);
    CHECK(strncmp(e.file, "...d", 4) == 0);
    CHECK_TEXT(e.file + strlen(e.file) - 6, "/a.csv");
    path[255] = '\0';
    error_at(&e, path, 1, 1);
    CHECK_TEXT(e.file, path);
}

static const char *quoted(struct text t)
{
    static char out[QUOTE_MAX];
    return quote(out, t.at, t.len);
}

TEST(quote_masks_what_cannot_be_shown)
{
    CHECK_TEXT(quoted(TEXT_LITERAL("")), "''");
    CHECK_TEXT(quoted(TEXT_LITERAL("a b")), "'a b'");
    CHECK_TEXT(quoted(TEXT_LITERAL("\x1B[2J\n\0\x7F")), "'\\x1B[2J\\x0A\\x00\\x7F'");
    CHECK_TEXT(quoted(TEXT_LITERAL("\xC3\xA9\xFF\xC2\x9B")), "'\xC3\xA9\\xFF\\xC2\\x9B'");
    CHECK_TEXT(quoted(TEXT_LITERAL("\xEF\xBF\xBD")), "'\xEF\xBF\xBD'");
}

TEST(quote_cuts_between_characters)
{
    char text[100], want[QUOTE_MAX];
    memset(text, '\x01', sizeof(text));
    CHECK_INT(strlen(quoted((struct text){text, 60})), 2 + 60 * 4);
    CHECK_INT(strlen(quoted((struct text){text, 61})), 2 + 60 * 4 + 3);
    memset(text, 'x', sizeof(text));
    memcpy(text + 59, "\xC3\xA9", 2);
    (void)snprintf(want, sizeof(want), "'%.59s...'", text);
    CHECK_TEXT(quoted((struct text){text, 61}), want);
}

TEST(memory_of_no_size)
{
    char *p = mem_alloc(0), *q = mem_copy(NULL, 0);
    CHECK(p && q);
    p = mem_resize(p, 0);
    CHECK(p);
    mem_free(p);
    mem_free(q);
    mem_free(NULL);
}

TEST(memory_copies)
{
    char *zero = mem_alloc(100), *a = mem_text("abc"), *b = mem_text_n("abcdef", 3);
    char *c = mem_format("%s-%0200d", "x", 7);
    for (size_t i = 0; i < 100; i++)
        CHECK(zero[i] == 0);
    CHECK_TEXT(a, "abc");
    CHECK_TEXT(b, "abc");
    CHECK_INT(strlen(c), 202);
    CHECK(c[201] == '7');
    mem_free(zero);
    mem_free(a);
    mem_free(b);
    mem_free(c);
}

static jmp_buf out_of_memory;

static void leap(size_t wanted)
{
    (void)wanted;
    longjmp(out_of_memory, 1);
}

static bool fails(void (*allocate)(void))
{
    if (setjmp(out_of_memory))
        return true;
    allocate();
    return false;
}

static void array_overflow(void)
{
    mem_free(mem_array(NULL, SIZE_MAX / 2, 3));
}

static void buf_overflow(void)
{
    char at[1];
    struct buf b = {at, 1, 1};
    buf_reserve(&b, SIZE_MAX);
}

static void arena_overflow(void)
{
    struct arena a = {0};
    arena_alloc(&a, SIZE_MAX - 8);
}

static void vec_overflow(void)
{
    size_t cap = 8;
    mem_free(vec_grow_(NULL, &cap, SIZE_MAX / 4, 8));
}

TEST(memory_overflow_calls_the_handler)
{
    mem_on_failure(leap);
    CHECK(fails(array_overflow));
    CHECK(fails(buf_overflow));
    CHECK(fails(arena_overflow));
    CHECK(fails(vec_overflow));
    mem_on_failure(NULL);
}

TEST(arena_aligns_and_keeps_apart)
{
    struct arena a = {0};
    unsigned char *at[500];
    for (size_t i = 0; i < COUNT_OF(at); i++) {
        arena_text(&a, "odd", i % 3);
        at[i] = arena_alloc(&a, i);
        CHECK_INT((uintptr_t)at[i] % 16, 0);
        memset(at[i], (int)(i % 251), i);
    }
    for (size_t i = 0; i < COUNT_OF(at); i++)
        for (size_t j = 0; j < i; j++)
            CHECK_INT(at[i][j], i % 251);
    arena_release(&a);
    CHECK_INT(arena_held(&a), 0);
}

TEST(arena_reset_uses_blocks_again)
{
    struct arena a = {0};
    for (int i = 0; i < 1000; i++)
        arena_alloc(&a, 100);
    size_t held = arena_held(&a);
    for (int round = 0; round < 3; round++) {
        arena_reset(&a);
        for (int i = 0; i < 1000; i++)
            arena_alloc(&a, 100);
        CHECK_INT(arena_held(&a), held);
    }
    arena_reset(&a);
    memset(arena_alloc(&a, held), 'x', held); /* larger than any block that was kept */
    arena_alloc(&a, 5 << 20);
    CHECK(arena_held(&a) > 5 << 20);
    arena_reset(&a);
    CHECK(arena_held(&a) <= (1 << 20) + 4096);
    CHECK(arena_held(&a) > 0);
    arena_release(&a);
}

TEST(arena_takes_over_another)
{
    struct arena a = {0}, b = {0}, none = {0};
    char *of_a = arena_text(&a, "a", 1), *of_b = arena_text(&b, "b", 1);
    size_t held = arena_held(&a) + arena_held(&b);
    arena_adopt(&a, &b);
    arena_adopt(&a, &none);
    CHECK_INT(arena_held(&a), held);
    CHECK_INT(arena_held(&b), 0);
    for (int i = 0; i < 1000; i++)
        memset(arena_alloc(&a, 100), 'x', 100);
    CHECK_TEXT(of_a, "a");
    CHECK_TEXT(of_b, "b");
    arena_adopt(&b, &a);
    memset(arena_alloc(&b, 100), 'x', 100);
    CHECK_TEXT(of_b, "b");
    arena_release(&b);
}

TEST(arena_makes_text)
{
    struct arena a = {0};
    CHECK_TEXT(arena_text(&a, "abcdef", 3), "abc");
    CHECK_TEXT(arena_text(&a, NULL, 0), "");
    CHECK_TEXT(arena_format(&a, "%d,%s", 1, "two"), "1,two");
    const char *zero = arena_zero(&a, 64);
    for (size_t i = 0; i < 64; i++)
        CHECK(zero[i] == 0);
    const int numbers[] = {1, 2, 3}, *copy = arena_copy(&a, numbers, sizeof(numbers));
    CHECK(memcmp(copy, numbers, sizeof(numbers)) == 0);
    arena_release(&a);
}

TEST(vec_grows)
{
    VEC(int) v = {0};
    for (int i = 0; i < 1000; i++)
        vec_push(&v, i);
    CHECK_INT(v.len, 1000);
    CHECK(v.cap >= 1000 && v.cap < 2100);
    int sum = 0;
    for (size_t i = 0; i < v.len; i++)
        sum += v.at[i];
    CHECK_INT(sum, 499500);
    vec_release(&v);
    CHECK(!v.at && v.len == 0 && v.cap == 0);
}

TEST(text_missing_is_not_empty)
{
    struct text missing = {0}, empty = TEXT_LITERAL("");
    CHECK(text_equal(missing, missing));
    CHECK(text_equal(empty, empty));
    CHECK(!text_equal(missing, empty));
    CHECK(text_compare(missing, empty) < 0);
    CHECK(text_compare(empty, missing) > 0);
    CHECK_INT(text_compare(missing, missing), 0);
    CHECK(text_of(NULL).at == NULL);
}

TEST(text_compares_unsigned_bytes)
{
    CHECK(text_compare(text_of("a"), text_of("\xC3\xA9")) < 0);
    CHECK(text_compare(text_of("ab"), text_of("a")) > 0);
    CHECK(text_compare(text_of("ab"), text_of("b")) < 0);
    CHECK_INT(text_compare(text_of("ab"), text_of("ab")), 0);
    CHECK(text_equal(text_of("ab"), text_of("ab")));
    CHECK(!text_equal(text_of("ab"), text_of("ac")));
    CHECK(!text_equal(TEXT_LITERAL("a\0b"), TEXT_LITERAL("a\0c")));
}

TEST(buf_grows)
{
    struct buf b = {0};
    CHECK_TEXT(buf_text(&b), "");
    buf_add(&b, NULL, 0);
    for (int i = 0; i < 300; i++)
        buf_putc(&b, (char)('a' + i % 26));
    CHECK_INT(b.len, 300);
    CHECK(b.at[299] == 'a' + 299 % 26);
    b.len = 0;
    buf_puts(&b, "x=");
    buf_format(&b, "%d, %0500d", 5, 1);
    CHECK_INT(b.len, 2 + 3 + 500);
    CHECK(strncmp(buf_text(&b), "x=5, 000", 8) == 0);
    CHECK(b.at[504] == '1');
    char *text = buf_take(&b);
    CHECK_INT(strlen(text), 505);
    CHECK(!b.at && b.len == 0);
    mem_free(text);
    buf_release(&b);
}

TEST(buf_format_of_every_length)
{
    for (int len = 0; len < 300; len++) {
        struct buf b = {0};
        buf_format(&b, "%*s|", len, "");
        buf_format(&b, "%*s|", len, "");
        CHECK_INT(b.len, 2 * len + 2);
        CHECK(b.at[len] == '|' && b.at[2 * len + 1] == '|');
        buf_release(&b);
    }
}

TEST(random_depends_on_every_argument)
{
    uint64_t x = random_bits(1, 2, 3);
    CHECK(x == random_bits(1, 2, 3));
    CHECK(x != random_bits(2, 2, 3) && x != random_bits(1, 3, 3) && x != random_bits(1, 2, 4));
    CHECK(x != random_bits(2, 1, 3) && x != random_bits(1, 3, 2));
}

/* The same numbers in every release, from a second implementation. */
TEST(random_is_stable)
{
    CHECK_INT(random_bits(0, 0, 0), UINT64_C(0x56360F6013710B2C));
    CHECK_INT(random_bits(42, 0, 1), UINT64_C(0x78F517DE081B04A8));
    CHECK_INT(random_bits(42, 7, 1000000), UINT64_C(0x255CC39C6E43FFAD));
    CHECK_INT(random_bits(UINT64_MAX, UINT64_MAX, UINT64_MAX), UINT64_C(0x980F6E6BC20E7A3B));
    CHECK_DOUBLE(random_unit(42, 0, 1), 0.4724898259229171);
    CHECK_INT(random_below(42, 0, 1, 1000), 472);
    CHECK(fabs(random_normal(42, 0, 0) - -0.9132297386043597) < 1e-14);
    CHECK(fabs(random_normal(42, 0, 6) - -2.8978896038530286) < 1e-14);
    CHECK(fabs(random_normal(42, 0, 34661) - 5.032896140382123) < 1e-14);
}

/* Each of the 64 bits is set half of the time, and neighbours differ in half of them. */
TEST(random_neighbours_are_independent)
{
    enum { DRAWS = 20000 };
    int set[64] = {0};
    double flips = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        uint64_t x = random_bits(0, 0, i);
        for (int bit = 0; bit < 64; bit++)
            set[bit] += (int)(x >> bit & 1);
        flips += __builtin_popcountll(x ^ random_bits(0, 0, i + 1));
        flips += __builtin_popcountll(x ^ random_bits(0, 1, i));
    }
    for (int bit = 0; bit < 64; bit++)
        CHECK(abs(set[bit] - DRAWS / 2) < 350); /* five deviations */
    CHECK(fabs(flips / (2 * DRAWS) - 32) < 0.1);
}

TEST(random_below_is_even)
{
    int count[7] = {0};
    for (uint64_t i = 0; i < 70000; i++) {
        uint64_t x = random_below(5, 0, i, 7);
        CHECK(x < 7);
        count[x % 7]++;
    }
    for (int i = 0; i < 7; i++)
        CHECK(abs(count[i] - 10000) < 500);
    CHECK_INT(random_below(5, 0, 1, 1), 0);
}

TEST(random_unit_and_normal_have_their_moments)
{
    enum { DRAWS = 200000 };
    double unit = 0, sum = 0, squares = 0, fourth = 0;
    int tail = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        double u = random_unit(9, 1, i), z = random_normal(9, 2, i);
        CHECK(u >= 0 && u < 1);
        unit += u;
        sum += z;
        squares += z * z;
        fourth += z * z * z * z;
        tail += fabs(z) > 1.959963984540054;
    }
    CHECK(fabs(unit / DRAWS - 0.5) < 0.003);
    CHECK(fabs(sum / DRAWS) < 0.01);
    CHECK(fabs(squares / DRAWS - 1) < 0.015);
    CHECK(fabs(fourth / DRAWS - 3) < 0.12);
    CHECK(abs(tail - DRAWS / 20) < 500);
}

TEST(sha256_of_parts_is_that_of_the_whole)
{
    char text[300];
    uint8_t whole[SHA256_SIZE], parts[SHA256_SIZE];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 7);
    for (size_t n = 0; n <= sizeof text; n += 3)
        for (size_t step = 1; step < 140; step += 9) {
            struct sha256 s;
            sha256_start(&s);
            for (size_t at = 0; at < n; at += step)
                sha256_add(&s, (struct text){text + at, n - at < step ? n - at : step});
            sha256_end(&s, parts);
            sha256((struct text){text, n}, whole);
            CHECK(memcmp(whole, parts, sizeof whole) == 0);
        }
}
