/*
 * Counter-based random numbers: a hash of (seed, stream, counter), in the manner of Salmon et al.,
 * "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), with the splitmix64 finalizer as mixer.
 */
#include "base/base.h"

/* Two keys, one on each side of a mixer: streams are then unrelated orders of the 64-bit numbers,
 * not pieces of one common sequence. */
uint64_t random_bits(uint64_t seed, uint64_t stream, uint64_t counter)
{
    uint64_t key = hash_u64(seed ^ hash_u64(stream));
    return hash_u64(hash_u64(counter ^ key) + (key << 32 | key >> 32));
}

double random_unit(uint64_t seed, uint64_t stream, uint64_t counter)
{
    return (double)(random_bits(seed, stream, counter) >> 11) * 0x1p-53;
}

uint64_t random_below(uint64_t seed, uint64_t stream, uint64_t counter, uint64_t n)
{
    return (uint64_t)(((__uint128_t)random_bits(seed, stream, counter) * n) >> 64);
}

/* The middles of 2^52 equal cells: never 0 or 1, and symmetric about one half. */
double random_normal(uint64_t seed, uint64_t stream, uint64_t counter)
{
    double cell = (double)(random_bits(seed, stream, counter) >> 12);
    return normal_quantile((cell + 0.5) * 0x1p-52);
}
