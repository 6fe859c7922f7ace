#include "table/numbers.h"

#include "table/cells.h"

#include <math.h>

size_t numbers_scalar(const struct batch *b, const struct column *c, size_t from, double *out)
{
    for (size_t r = from; r < b->rows; r++) {
        struct text cell = raw_cell(b, c, r);
        if (cell.len == 0)
            out[r] = (double)NAN;
        else if (!number_parse_padded(cell.at, cell.len, &out[r]))
            return r;
    }
    return b->rows;
}

number_kernel *number_kernel_of(enum simd level)
{
#if defined(__x86_64__)
    if (level == SIMD_AVX512)
        return numbers_avx512;
    if (level == SIMD_AVX2)
        return numbers_avx2;
#endif
    (void)level;
    return numbers_scalar;
}
