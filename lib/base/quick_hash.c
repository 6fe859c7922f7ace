/* Fast hashes known from other tools, bit for bit the same on every machine: XXH64, MurmurHash3,
 * FNV-1a. */
#include "base/plain.h"

static uint64_t rotate64(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static uint32_t rotate32(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static uint64_t little(const uint8_t *p, size_t bytes)
{
    uint64_t x = 0;
    for (size_t i = bytes; i-- > 0;)
        x = x << 8 | p[i];
    return x;
}

static const uint64_t p1 = 11400714785074694791u, p2 = 14029467366897019727u,
                      p3 = 1609587929392839161u, p4 = 9650029242287828579u,
                      p5 = 2870177450012600261u;

static uint64_t xxh_round(uint64_t acc, uint64_t input)
{
    return rotate64(acc + input * p2, 31) * p1;
}

/* Lanes of 32 bytes; moves *p behind them. */
static uint64_t xxh_stripes(const uint8_t **p, const uint8_t *end, uint64_t seed)
{
    uint64_t v[] = {seed + p1 + p2, seed + p2, seed, seed - p1};
    for (; end - *p >= 32; *p += 32)
        for (size_t i = 0; i < 4; i++)
            v[i] = xxh_round(v[i], little(*p + 8 * i, 8));
    uint64_t h = rotate64(v[0], 1) + rotate64(v[1], 7) + rotate64(v[2], 12) + rotate64(v[3], 18);
    for (size_t i = 0; i < 4; i++)
        h = (h ^ xxh_round(0, v[i])) * p1 + p4;
    return h;
}

ML_API uint64_t xxh64(const void *bytes, size_t n, uint64_t seed)
{
    const uint8_t *p = bytes, *end = p + n;
    uint64_t h = n >= 32 ? xxh_stripes(&p, end, seed) : seed + p5;
    h += n;
    for (; end - p >= 8; p += 8)
        h = rotate64(h ^ xxh_round(0, little(p, 8)), 27) * p1 + p4;
    if (end - p >= 4) {
        h = rotate64(h ^ little(p, 4) * p1, 23) * p2 + p3;
        p += 4;
    }
    for (; p < end; p++)
        h = rotate64(h ^ *p * p5, 11) * p1;
    h = (h ^ h >> 33) * p2;
    h = (h ^ h >> 29) * p3;
    return h ^ h >> 32;
}

static uint32_t murmur_mix(uint32_t k)
{
    return rotate32(k * 0xcc9e2d51, 15) * 0x1b873593;
}

ML_API uint32_t murmur3(const void *bytes, size_t n, uint32_t seed)
{
    const uint8_t *p = bytes;
    uint32_t h = seed;
    size_t left = n;
    for (; left >= 4; left -= 4, p += 4)
        h = rotate32(h ^ murmur_mix((uint32_t)little(p, 4)), 13) * 5 + 0xe6546b64;
    if (left > 0)
        h ^= murmur_mix((uint32_t)little(p, left));
    h ^= (uint32_t)n;
    h = (h ^ h >> 16) * 0x85ebca6b;
    h = (h ^ h >> 13) * 0xc2b2ae35;
    return h ^ h >> 16;
}

ML_API uint64_t fnv1a(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint64_t h = 0xcbf29ce484222325;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3;
    return h;
}
