#include "sys/sys.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

unsigned cpu_count(void)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > 0)
        return (unsigned)CPU_COUNT(&allowed);
    /* More processors than a cpu_set_t holds. */
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (unsigned)online : 1;
}

#if defined(__x86_64__)
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("pclmul");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi2");
}

static enum simd best_level(void)
{
    __builtin_cpu_init();
    if (has_avx512())
        return SIMD_AVX512;
    return has_avx2() ? SIMD_AVX2 : SIMD_SSE2;
}
#elif defined(__aarch64__)
static enum simd best_level(void)
{
    return SIMD_NEON;
}
#else
static enum simd best_level(void)
{
    return SIMD_SCALAR;
}
#endif

/* Whether a processor whose best level is `best` also runs code written for `level`. */
static bool level_within(enum simd level, enum simd best)
{
    if (level == SIMD_SCALAR || level == best)
        return true;
    return best != SIMD_NEON && level < best;
}

static const char *const level_names[] = {"scalar", "sse2", "avx2", "avx512", "neon"};

enum simd simd_level(void)
{
    enum simd best = best_level();
    const char *asked = getenv("ML_SIMD");
    if (!asked)
        return best;
    for (enum simd level = SIMD_SCALAR; level <= SIMD_NEON; level++) {
        if (strcmp(asked, level_names[level]) == 0 && level_within(level, best))
            return level;
    }
    return best;
}

const char *simd_name(enum simd level)
{
    return level_names[level];
}

unsigned gpu_count(void)
{
    char path[32];
    unsigned n = 0;
    do
        (void)snprintf(path, sizeof path, "/dev/nvidia%u", n);
    while (access(path, F_OK) == 0 && ++n < 64);
    return n;
}
