#include "base/crc32c.h"

#include <string.h>
#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

/* Four bits at a time: this is the way of processors without an instruction for it. */
static uint32_t step_plain(uint32_t crc, unsigned char byte)
{
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    crc ^= byte;
    crc = crc >> 4 ^ table[crc & 15];
    return crc >> 4 ^ table[crc & 15];
}

uint32_t crc32c_plain(uint32_t crc, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    crc = ~crc;
    for (size_t i = 0; i < n; i++)
        crc = step_plain(crc, p[i]);
    return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_fast(uint32_t crc, const void *bytes,
                                                              size_t n)
{
    const unsigned char *p = bytes;
    uint64_t sum = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        sum = _mm_crc32_u64(sum, word);
    }
    crc = (uint32_t)sum;
    for (; n > 0; n--)
        crc = _mm_crc32_u8(crc, *p++);
    return ~crc;
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t n)
{
    return __builtin_cpu_supports("sse4.2") ? crc32c_fast(crc, bytes, n)
                                            : crc32c_plain(crc, bytes, n);
}
#elif defined(__ARM_FEATURE_CRC32)
uint32_t crc32c(uint32_t crc, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    crc = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        crc = __crc32cd(crc, word);
    }
    for (; n > 0; n--)
        crc = __crc32cb(crc, *p++);
    return ~crc;
}
#else
uint32_t crc32c(uint32_t crc, const void *bytes, size_t n)
{
    return crc32c_plain(crc, bytes, n);
}
#endif
