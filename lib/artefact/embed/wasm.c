/* What clang's own library for WebAssembly has and models need, so that the library, which is a
 * package of its own, need not be there: the product behind __builtin_mul_overflow. */
#include <stdint.h>

__int128 __multi3(__int128 a, __int128 b);
__int128 __multi3(__int128 a, __int128 b)
{
    uint64_t x = (uint64_t)a, y = (uint64_t)b;
    uint64_t x_low = (uint32_t)x, x_high = x >> 32, y_low = (uint32_t)y, y_high = y >> 32;
    uint64_t low = x_low * y_low, first = x_high * y_low + (low >> 32);
    uint64_t second = x_low * y_high + (uint32_t)first;
    uint64_t high = x_high * y_high + (first >> 32) + (second >> 32);
    high += (uint64_t)((unsigned __int128)a >> 64) * y + x * (uint64_t)((unsigned __int128)b >> 64);
    return (__int128)((unsigned __int128)high << 64 | (second << 32 | (uint32_t)low));
}
