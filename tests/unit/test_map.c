#include "base/base.h"
#include "unit.h"

static struct text key_of(char out[static 32], size_t i)
{
    return (struct text){out, (size_t)snprintf(out, 32, "%zu", i * i)};
}

TEST(map_numbers_keys_in_order)
{
    struct map m = {0};
    bool is_new = false;
    CHECK(map_get(&m, text_of("a")) == MAP_NONE);
    CHECK_INT(map_put(&m, text_of("a"), &is_new), 0);
    CHECK(is_new);
    CHECK_INT(map_put(&m, text_of("b"), NULL), 1);
    CHECK_INT(map_put(&m, text_of("a"), &is_new), 0);
    CHECK(!is_new);
    CHECK(map_get(&m, text_of("c")) == MAP_NONE);
    CHECK_INT(m.keys.len, 2);
    map_release(&m);
}

TEST(map_takes_any_bytes)
{
    struct map m = {0};
    CHECK_INT(map_put(&m, TEXT_LITERAL(""), NULL), 0);
    CHECK_INT(map_put(&m, TEXT_LITERAL("\0"), NULL), 1);
    CHECK_INT(map_put(&m, TEXT_LITERAL("\0\0"), NULL), 2);
    CHECK_INT(map_put(&m, (struct text){0}, NULL), 0);
    CHECK_INT(map_get(&m, TEXT_LITERAL("\0\0")), 2);
    map_release(&m);
}

TEST(map_copies_keys)
{
    struct map m = {0};
    char key[] = "first";
    map_put(&m, text_of(key), NULL);
    memcpy(key, "other", 5);
    CHECK_TEXT(m.keys.at[0].at, "first");
    CHECK(map_get(&m, text_of("other")) == MAP_NONE);
    map_release(&m);
}

TEST(map_grows)
{
    enum { KEYS = 50000 };
    struct map m = {0};
    char text[32];
    size_t wrong = 0;
    for (size_t i = 0; i < KEYS; i++)
        wrong += map_put(&m, key_of(text, i), NULL) != i;
    for (size_t i = 0; i < KEYS; i++)
        wrong += map_get(&m, key_of(text, i)) != i;
    for (size_t i = KEYS; i < 2 * KEYS; i++)
        wrong += map_get(&m, key_of(text, i)) != MAP_NONE;
    CHECK_INT(wrong, 0);
    CHECK(m.keys.len * 3 <= (m.mask + 1) * 2);
    map_release(&m);
}

TEST(map_clear_forgets_and_keeps_memory)
{
    struct map m = {0};
    char text[32];
    for (size_t i = 0; i < 1000; i++)
        map_put(&m, key_of(text, i), NULL);
    size_t held = map_held(&m);
    CHECK(held > 1000 * (sizeof(struct text) + sizeof(uint64_t)));
    map_clear(&m);
    CHECK(map_get(&m, text_of("4")) == MAP_NONE);
    for (size_t i = 0; i < 1000; i++)
        map_put(&m, key_of(text, i), NULL);
    CHECK_INT(map_held(&m), held);
    CHECK_INT(map_get(&m, text_of("4")), 2);
    map_release(&m);
    CHECK_INT(map_held(&m), 0);
}

/* From a second implementation. Hashes may end up in files, so they never change. */
TEST(hash_is_stable)
{
    static const struct {
        size_t n;
        uint64_t seed, hash;
    } known[] = {
        {0, 0, UINT64_C(0x14DD5D4481D5F8A8)},   {0, 1, UINT64_C(0xDCA5B6973B9F78D5)},
        {1, 0, UINT64_C(0x2060C97320414D4D)},   {3, 0, UINT64_C(0x9E9446B9F61FB56C)},
        {4, 0, UINT64_C(0xF18D5F527ADC6BE7)},   {7, 9, UINT64_C(0x4F933DB892E49D66)},
        {8, 0, UINT64_C(0x7AEBCD01AABD4A02)},   {15, 0, UINT64_C(0x442EDEBAABE84EA2)},
        {16, 0, UINT64_C(0x3387FAC28FBFF981)},  {17, 0, UINT64_C(0x327652E2EC36067C)},
        {32, 0, UINT64_C(0x46FE466AA34760BF)},  {33, 2, UINT64_C(0xCBB7386704A056B9)},
        {48, 0, UINT64_C(0xE79BF2B46C0E6AC6)},  {49, 0, UINT64_C(0xF4AA54BBE21A74B0)},
        {96, 0, UINT64_C(0xBE0FAC58BCC44FDC)},  {97, 0, UINT64_C(0xF38D07DA26AE8AAB)},
        {200, 1, UINT64_C(0x6830D6D384C64E8C)},
    };
    unsigned char bytes[200];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 7);
    for (size_t i = 0; i < COUNT_OF(known); i++)
        CHECK_INT(hash_bytes(bytes, known[i].n, known[i].seed), known[i].hash);
}

TEST(hash_of_a_number_is_splitmix64)
{
    /* The first outputs of the generator by Steele, Lea and Flood seeded with 0. */
    CHECK_INT(hash_u64(0), UINT64_C(0xE220A8397B1DCDAF));
    CHECK_INT(hash_u64(UINT64_C(0x9E3779B97F4A7C15)), UINT64_C(0x6E789E6AA1B965F4));
}

/* Every bit of a key of any length changes about half of the bits of the hash. */
TEST(hash_avalanche)
{
    for (size_t n = 1; n <= 70; n++) {
        unsigned char bytes[70] = {0};
        int flipped = 0;
        uint64_t base = hash_bytes(bytes, n, 0);
        for (size_t bit = 0; bit < n * 8; bit++) {
            bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
            flipped += __builtin_popcountll(base ^ hash_bytes(bytes, n, 0));
            bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
        }
        double mean = flipped / (double)(n * 8);
        CHECK(mean > 26 && mean < 38);
    }
}

static bool distinct(uint64_t *at, size_t n, uint64_t x)
{
    for (size_t i = 0; i < n; i++)
        if (at[i] == x)
            return false;
    at[n] = x;
    return true;
}

TEST(hash_depends_on_length_and_seed)
{
    static const unsigned char zeros[100];
    uint64_t seen[200];
    size_t count = 0;
    for (size_t n = 0; n <= 99; n++)
        for (uint64_t seed = 0; seed < 2; seed++, count++)
            CHECK(distinct(seen, count, hash_bytes(zeros, n, seed)));
}
