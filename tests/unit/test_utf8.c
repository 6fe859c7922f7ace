#include "base/base.h"
#include "unit.h"

static size_t valid(struct text t)
{
    return utf8_valid_prefix(t.at, t.len);
}

TEST(utf8_round_trip_of_every_character)
{
    size_t wrong = 0;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        if (c >= 0xD800 && c < 0xE000)
            continue;
        char bytes[4];
        size_t len = utf8_print(bytes, c), used = 0;
        size_t want = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        wrong += len != want || utf8_valid_prefix(bytes, len) != len;
        wrong += utf8_decode(bytes, len, &used) != c || used != len;
        wrong += len > 1 && utf8_valid_prefix(bytes, len - 1) != 0;
    }
    CHECK_INT(wrong, 0);
}

TEST(utf8_what_is_no_character_is_replaced)
{
    char bytes[4];
    CHECK(utf8_print(bytes, 0xD800) == 3 && memcmp(bytes, "\xEF\xBF\xBD", 3) == 0);
    CHECK(utf8_print(bytes, 0x110000) == 3 && memcmp(bytes, "\xEF\xBF\xBD", 3) == 0);
}

/* The cases of RFC 3629 section 10 and of section 3's table. */
TEST(utf8_refuses)
{
    const struct text bad[] = {
        TEXT_LITERAL("\x80"),
        TEXT_LITERAL("\xBF"),
        TEXT_LITERAL("\xC0\x80"),
        TEXT_LITERAL("\xC1\xBF"),
        TEXT_LITERAL("\xC2"),
        TEXT_LITERAL("\xC2\x41"),
        TEXT_LITERAL("\xE0\x80\x80"),
        TEXT_LITERAL("\xE0\x9F\xBF"),
        TEXT_LITERAL("\xE2\x82"),
        TEXT_LITERAL("\xE2\x82\x41"),
        TEXT_LITERAL("\xED\xA0\x80"),
        TEXT_LITERAL("\xED\xBF\xBF"),
        TEXT_LITERAL("\xF0\x8F\xBF\xBF"),
        TEXT_LITERAL("\xF0\x9F\x98"),
        TEXT_LITERAL("\xF4\x90\x80\x80"),
        TEXT_LITERAL("\xF5\x80\x80\x80"),
        TEXT_LITERAL("\xFE"),
        TEXT_LITERAL("\xFF"),
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        size_t used = 0;
        CHECK_INT(valid(bad[i]), 0);
        CHECK_INT(utf8_decode(bad[i].at, bad[i].len, &used), 0xFFFD);
        CHECK_INT(used, 1);
    }
}

/* A bad byte is found at every place, in and around the blocks of 16. */
TEST(utf8_finds_the_first_bad_byte)
{
    char text[70];
    for (size_t n = 1; n <= sizeof(text); n++) {
        memset(text, 'x', n);
        CHECK_INT(utf8_valid_prefix(text, n), n);
        for (size_t i = 0; i < n; i++) {
            text[i] = '\xFF';
            CHECK_INT(utf8_valid_prefix(text, n), i);
            text[i] = 'x';
        }
    }
    CHECK_INT(utf8_valid_prefix(text, 0), 0);
}

TEST(utf8_counts_characters)
{
    struct text t =
        TEXT_LITERAL("na\xC3\xAFve \xE2\x82\xAC\xF0\x9F\x98\x80 \xFF\xE2\x82 0123456789abcdef");
    CHECK_INT(utf8_length(t.at, t.len), 5 + 1 + 2 + 1 + 3 + 1 + 16);
    CHECK_INT(utf8_offset(t.at, t.len, 0), 0);
    CHECK_INT(utf8_offset(t.at, t.len, 3), 4);
    CHECK_INT(utf8_offset(t.at, t.len, 7), 10);
    CHECK_INT(utf8_offset(t.at, t.len, 8), 14);
    CHECK_INT(utf8_offset(t.at, t.len, 10), 16);
    CHECK_INT(utf8_offset(t.at, t.len, 15), 21);
    CHECK_INT(utf8_offset(t.at, t.len, 1000), t.len);
}
