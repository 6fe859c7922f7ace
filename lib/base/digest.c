/* The digests that work in padded blocks: MD5, SHA-1, SHA-256, SHA-512, and HMAC on top. */
#include "base/digest.h"

#include <stdatomic.h>
#include <stdlib.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

/* Fractions of the cube roots of the first 80 primes; SHA-256 uses the upper halves of the
 * first 64. */
static const uint64_t k512[] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
    0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
    0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
    0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
    0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
    0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
    0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
    0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

/* Fractions of |sin(1)|, |sin(2)| ... */
static const uint32_t md5_k[] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static uint32_t left32(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static uint32_t right32(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint64_t right64(uint64_t x, unsigned n)
{
    return x >> n | x << (64 - n);
}

static uint64_t read_big(const uint8_t *p, size_t bytes)
{
    uint64_t x = 0;
    for (size_t i = 0; i < bytes; i++)
        x = x << 8 | p[i];
    return x;
}

static void write_big(uint8_t *p, uint64_t x, size_t bytes)
{
    for (size_t i = bytes; i-- > 0; x >>= 8)
        p[i] = (uint8_t)x;
}

static uint32_t read_little(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Feeds whole blocks to `step`, then the rest with a 1 bit, zeros and the length in bits, of
 * `bytes` that s is the end of (in `field` bytes; of SHA-512's 16 the upper 8 stay 0). */
typedef void block_step(void *state, const uint8_t *block);
static void feed(struct text s, uint64_t bytes, size_t block, size_t field, bool big_endian,
                 block_step *step, void *state)
{
    const uint8_t *p = (const uint8_t *)s.at;
    uint8_t last[256] = {0};
    size_t rest = s.len % block;
    for (size_t i = 0; i + block <= s.len; i += block)
        step(state, p + i);
    if (rest > 0)
        memcpy(last, p + (s.len - rest), rest);
    last[rest] = 0x80;
    size_t end = rest + 1 + field <= block ? block : 2 * block;
    uint64_t bits = bytes * 8;
    if (big_endian)
        write_big(last + end - 8, bits, 8);
    else
        for (size_t i = 0; i < 8; i++)
            last[end - 8 + i] = (uint8_t)(bits >> (8 * i));
    for (size_t i = 0; i < end; i += block)
        step(state, last + i);
}

static void md5_block(void *state, const uint8_t *block)
{
    static const uint8_t turns[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t *h = state, a = h[0], b = h[1], c = h[2], d = h[3];
    for (unsigned i = 0; i < 64; i++) {
        uint32_t mix;
        unsigned word;
        if (i < 16) {
            mix = (b & c) | (~b & d);
            word = i;
        } else if (i < 32) {
            mix = (d & b) | (~d & c);
            word = (5 * i + 1) % 16;
        } else if (i < 48) {
            mix = b ^ c ^ d;
            word = (3 * i + 5) % 16;
        } else {
            mix = c ^ (b | ~d);
            word = 7 * i % 16;
        }
        mix += a + md5_k[i] + read_little(block + 4 * word);
        a = d;
        d = c;
        c = b;
        b += left32(mix, turns[i / 16][i % 4]);
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
}

void md5(struct text s, uint8_t out[static MD5_SIZE])
{
    uint32_t h[] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    feed(s, s.len, 64, 8, false, md5_block, h);
    for (size_t i = 0; i < MD5_SIZE; i++)
        out[i] = (uint8_t)(h[i / 4] >> (8 * (i % 4)));
}

static void sha1_block(void *state, const uint8_t *block)
{
    uint32_t *h = state, a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], w[80];
    for (size_t i = 0; i < 16; i++)
        w[i] = (uint32_t)read_big(block + 4 * i, 4);
    for (size_t i = 16; i < 80; i++)
        w[i] = left32(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (size_t i = 0; i < 80; i++) {
        static const uint32_t k[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
        uint32_t mix = i < 20              ? (b & c) | (~b & d)
                       : i >= 40 && i < 60 ? (b & c) | (b & d) | (c & d)
                                           : b ^ c ^ d;
        mix += left32(a, 5) + e + k[i / 20] + w[i];
        e = d;
        d = c;
        c = left32(b, 30);
        b = a;
        a = mix;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

void sha1(struct text s, uint8_t out[static SHA1_SIZE])
{
    uint32_t h[] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    feed(s, s.len, 64, 8, true, sha1_block, h);
    for (size_t i = 0; i < 5; i++)
        write_big(out + 4 * i, h[i], 4);
}

static void sha256_block(void *state, const uint8_t *block)
{
    uint32_t *sum = state, w[64];
    uint32_t a = sum[0], b = sum[1], c = sum[2], d = sum[3];
    uint32_t e = sum[4], f = sum[5], g = sum[6], h = sum[7];
    for (size_t i = 0; i < 16; i++)
        w[i] = (uint32_t)read_big(block + 4 * i, 4);
    for (size_t i = 16; i < 64; i++) {
        uint32_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (right32(x, 7) ^ right32(x, 18) ^ x >> 3) +
               (right32(y, 17) ^ right32(y, 19) ^ y >> 10);
    }
    for (size_t i = 0; i < 64; i++) {
        uint32_t s1 = right32(e, 6) ^ right32(e, 11) ^ right32(e, 25);
        uint32_t s0 = right32(a, 2) ^ right32(a, 13) ^ right32(a, 22);
        uint32_t one = h + s1 + ((e & f) ^ (~e & g)) + (uint32_t)(k512[i] >> 32) + w[i];
        h = g, g = f, f = e, e = d + one;
        d = c, c = b, b = a;
        a = one + s0 + ((b & c) ^ (b & d) ^ (c & d));
    }
    sum[0] += a, sum[1] += b, sum[2] += c, sum[3] += d;
    sum[4] += e, sum[5] += f, sum[6] += g, sum[7] += h;
}

#if defined(__x86_64__)
#define HAS_SHA __attribute__((target("sha,sse4.1")))

/* Four constants from the i-th on. */
HAS_SHA static __m128i k256(size_t i)
{
    const __m128i *k = (const __m128i *)(const void *)&k512[i];
    __m128 low = _mm_castsi128_ps(_mm_loadu_si128(k));
    __m128 high = _mm_castsi128_ps(_mm_loadu_si128(k + 1));
    return _mm_castps_si128(_mm_shuffle_ps(low, high, _MM_SHUFFLE(3, 1, 3, 1)));
}

/* The next four words of the schedule from the sixteen before. */
HAS_SHA static __m128i next_words(__m128i w0, __m128i w4, __m128i w8, __m128i w12)
{
    __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w4), _mm_alignr_epi8(w12, w8, 4));
    return _mm_sha256msg2_epu32(sum, w12);
}

/* The same by the processor's instructions, which want the state as ABEF and CDGH. */
HAS_SHA static void sha256_block_x86(void *state, const uint8_t *block)
{
    const __m128i swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    __m128i *sum = state, w[4];
    __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128(sum), 0xb1);
    __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(sum + 1), 0x1b);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
    const __m128i abef0 = abef, cdgh0 = cdgh;
#pragma GCC unroll 16
    for (size_t i = 0; i < 16; i++) {
        w[i % 4] = i < 4
                       ? _mm_shuffle_epi8(
                             _mm_loadu_si128((const __m128i *)(const void *)(block + 16 * i)), swap)
                       : next_words(w[i % 4], w[(i + 1) % 4], w[(i + 2) % 4], w[(i + 3) % 4]);
        __m128i more = _mm_add_epi32(w[i % 4], k256(4 * i));
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, more);
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(more, 0x0e));
    }
    __m128i feba = _mm_shuffle_epi32(_mm_add_epi32(abef, abef0), 0x1b);
    __m128i dchg = _mm_shuffle_epi32(_mm_add_epi32(cdgh, cdgh0), 0xb1);
    _mm_storeu_si128(sum, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(sum + 1, _mm_alignr_epi8(dchg, feba, 8));
}

/* Bit 29 of leaf 7's EBX tells of the instructions; not all compilers have a name for them. */
static block_step *best_sha256(void)
{
    const char *level = getenv("ML_SIMD");
    unsigned a, b = 0, c, d;
    bool has =
        __get_cpuid_count(7, 0, &a, &b, &c, &d) && b >> 29 & 1 && __builtin_cpu_supports("sse4.1");
    return has && !(level && strcmp(level, "scalar") == 0) ? sha256_block_x86 : sha256_block;
}
#else
static block_step *best_sha256(void)
{
    return sha256_block;
}
#endif

static block_step *sha256_step(void)
{
    static _Atomic(block_step *) chosen;
    block_step *step = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (!step) {
        step = best_sha256();
        atomic_store_explicit(&chosen, step, memory_order_relaxed);
    }
    return step;
}

static const uint32_t sha256_first[] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static void put_sha256(const uint32_t *h, uint8_t out[static SHA256_SIZE])
{
    for (size_t i = 0; i < 8; i++)
        write_big(out + 4 * i, h[i], 4);
}

void sha256(struct text s, uint8_t out[static SHA256_SIZE])
{
    uint32_t h[8];
    memcpy(h, sha256_first, sizeof h);
    feed(s, s.len, 64, 8, true, sha256_step(), h);
    put_sha256(h, out);
}

void sha256_start(struct sha256 *s)
{
    memcpy(s->h, sha256_first, sizeof s->h);
    s->bytes = 0;
}

void sha256_add(struct sha256 *s, struct text part)
{
    const uint8_t *p = (const uint8_t *)part.at, *end = p + part.len;
    size_t have = s->bytes % sizeof s->rest;
    s->bytes += part.len;
    for (; p < end; have = 0) {
        size_t n =
            sizeof s->rest - have < (size_t)(end - p) ? sizeof s->rest - have : (size_t)(end - p);
        if (n == sizeof s->rest) { /* a whole block, where it is */
            sha256_step()(s->h, p);
        } else {
            memcpy(s->rest + have, p, n);
            if (have + n == sizeof s->rest)
                sha256_step()(s->h, s->rest);
        }
        p += n;
    }
}

void sha256_end(struct sha256 *s, uint8_t out[static SHA256_SIZE])
{
    struct text rest = {(const char *)s->rest, s->bytes % sizeof s->rest};
    feed(rest, s->bytes, 64, 8, true, sha256_step(), s->h);
    put_sha256(s->h, out);
}

static char hex_digit(const uint8_t *bytes, size_t i)
{
    return "0123456789abcdef"[i % 2 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4];
}

void sha256_hex(struct text s, char out[static 2 * SHA256_SIZE + 1])
{
    uint8_t digest[SHA256_SIZE];
    sha256(s, digest);
    for (size_t i = 0; i < 2 * SHA256_SIZE; i++)
        out[i] = hex_digit(digest, i);
    out[2 * SHA256_SIZE] = '\0';
}

void hex_put(struct buf *out, const uint8_t *bytes, size_t digits)
{
    for (size_t i = 0; i < digits; i++)
        buf_putc(out, hex_digit(bytes, i));
}

static void sha512_block(void *state, const uint8_t *block)
{
    uint64_t *sum = state, w[80];
    uint64_t a = sum[0], b = sum[1], c = sum[2], d = sum[3];
    uint64_t e = sum[4], f = sum[5], g = sum[6], h = sum[7];
    for (size_t i = 0; i < 16; i++)
        w[i] = read_big(block + 8 * i, 8);
    for (size_t i = 16; i < 80; i++) {
        uint64_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (right64(x, 1) ^ right64(x, 8) ^ x >> 7) +
               (right64(y, 19) ^ right64(y, 61) ^ y >> 6);
    }
    for (size_t i = 0; i < 80; i++) {
        uint64_t s1 = right64(e, 14) ^ right64(e, 18) ^ right64(e, 41);
        uint64_t s0 = right64(a, 28) ^ right64(a, 34) ^ right64(a, 39);
        uint64_t one = h + s1 + ((e & f) ^ (~e & g)) + k512[i] + w[i];
        h = g, g = f, f = e, e = d + one;
        d = c, c = b, b = a;
        a = one + s0 + ((b & c) ^ (b & d) ^ (c & d));
    }
    sum[0] += a, sum[1] += b, sum[2] += c, sum[3] += d;
    sum[4] += e, sum[5] += f, sum[6] += g, sum[7] += h;
}

void sha512(struct text s, uint8_t out[static SHA512_SIZE])
{
    uint64_t h[] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
    feed(s, s.len, 128, 16, true, sha512_block, h);
    for (size_t i = 0; i < 8; i++)
        write_big(out + 8 * i, h[i], 8);
}

static void keyed(const uint8_t key[static 64], uint8_t pad, struct text s, uint8_t *out)
{
    struct buf b = {0};
    for (size_t i = 0; i < 64; i++)
        buf_putc(&b, (char)(key[i] ^ pad));
    buf_add(&b, s.at, s.len);
    sha256((struct text){b.at, b.len}, out);
    buf_release(&b);
}

void hmac_sha256(struct text key, struct text s, uint8_t out[static SHA256_SIZE])
{
    uint8_t block[64] = {0}, inner[SHA256_SIZE];
    if (key.len > sizeof block)
        sha256(key, block);
    else if (key.len > 0)
        memcpy(block, key.at, key.len);
    keyed(block, 0x36, s, inner);
    keyed(block, 0x5c, (struct text){(const char *)inner, sizeof inner}, out);
}
