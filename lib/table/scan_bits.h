/* Bit operations for instruction sets without an instruction for them. */
#ifndef TABLE_SCAN_BITS_H
#define TABLE_SCAN_BITS_H

#include <stdint.h>

static inline uint64_t prefix_xor_shifts(uint64_t m)
{
    for (unsigned shift = 1; shift < 64; shift *= 2)
        m ^= m << shift;
    return m;
}

/* In eights: most blocks hold fewer, and a branch per bit costs more than writing too many. */
static inline __attribute__((always_inline)) void put_positions_bits(uint32_t *at, uint64_t m,
                                                                     uint32_t base)
{
    while (m) {
        for (int k = 0; k < 8; k++) {
            at[k] = base + 1 + (uint32_t)(m ? __builtin_ctzll(m) : 0);
            m &= m - 1;
        }
        at += 8;
    }
}

#endif
