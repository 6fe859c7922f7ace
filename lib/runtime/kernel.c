#include "runtime/kernel_common.h"

#if defined(ML_FIXED)
ML_API const struct ml_kernels *ml_kernels_best(const char *level)
{
    (void)level;
#if ML_HAS_AVX512
    return ml_kernels_avx512();
#elif ML_HAS_AVX2
    return ml_kernels_avx2();
#else
    return ml_kernels_plain();
#endif
}
#else
static bool is_level(const char *level, const char *name)
{
    while (*level && *level == *name)
        level++, name++;
    return *level == *name;
}

ML_API const struct ml_kernels *ml_kernels_best(const char *level)
{
    bool plain =
        level && (is_level(level, "scalar") || is_level(level, "sse2") || is_level(level, "neon"));
#if ML_HAS_AVX2
    bool avx2 = level && is_level(level, "avx2");
    if (!plain && !avx2 && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        return ml_kernels_avx512();
    if (!plain && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt"))
        return ml_kernels_avx2();
#endif
    (void)plain;
    return ml_kernels_plain();
}
#endif
