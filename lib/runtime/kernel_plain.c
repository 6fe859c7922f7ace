/* The block kernel with 16-byte vectors, which most machines have, or with none: of vectors the
 * compiler would make a hundred times as many instructions there. */
#include "runtime/kernel_common.h"

#if ML_HAS_PLAIN
#define TARGET
#define ISA     "plain"
#define NAME(x) x##_plain
#if defined(__SSE2__) || defined(__ARM_NEON) || defined(__wasm_simd128__) || defined(__VSX__)
#define LANES 16
#else
#define LANES 0
#endif

static inline uint8_t code_of_float_plain(const float *cuts, float x, bool less_equal)
{
    const float *c = cuts;
    for (size_t step = 128; step > 0; step /= 2) /* cuts beyond the last are NaN: not below */
        c += (less_equal ? c[step - 1] < x : c[step - 1] <= x) ? step : 0;
    return (uint8_t)(c - cuts);
}

static inline void add_leaves_plain(const struct ml_plan *p, const struct ml_tree *t,
                                    const uint8_t leaf[ML_ROWS], union ml_sums *sums)
{
    ml_sums_add(p, t, leaf, sums);
}

#include "runtime/kernel_body.h"
#else
typedef int no_plain;
#endif
