#include "runtime/kernel_common.h"

static size_t up_to_lines(size_t bytes)
{
    return (bytes + ML_LINE - 1) / ML_LINE * ML_LINE;
}

/* Memory for making lines: levels of them; or one for each code that occurs, and where it is. */
static size_t room_bytes(const struct ml_plan *p)
{
    size_t levels = (size_t)p->levels * ML_LINE;
    size_t sets = (size_t)ML_ROWS * ML_LINE + up_to_lines(p->set_codes * sizeof(uint16_t));
    return p->set_codes && sets > levels ? sets : levels;
}

ML_API struct ml_layout ml_layout_of(const struct ml_plan *p)
{
    struct ml_layout l;
    size_t planes = p->planes;
    l.code = 0;
    l.wide = l.code + (size_t)p->row_bytes * ML_ROWS;
    l.line = l.wide + (ML_OF(p, has_deep) ? planes * ML_ROWS * sizeof(uint32_t) : 0);
    l.bit = l.line + (size_t)p->lines * ML_LINE;
    l.room = l.bit + (size_t)ML_BITS * ML_LINE;
    l.leaf = l.room + room_bytes(p);
    l.top = l.leaf + ML_ROWS * sizeof(uint32_t);
    l.tile = l.top + ML_ROWS;
    l.codes = l.tile + (size_t)ML_TILE * ML_ROWS * sizeof(uint32_t);
    l.right = l.codes + up_to_lines(planes * sizeof(uint32_t));
    l.sums = l.right + up_to_lines(((size_t)p->lines + ML_RIGHT_MORE) * sizeof(uint16_t));
    l.end = l.sums +
            (size_t)p->outputs * ML_ROWS * (ML_OF(p, single_sum) ? sizeof(float) : sizeof(double));
    return l;
}

ML_API size_t ml_block_bytes(const struct ml_plan *p)
{
    return ml_layout_of(p).end;
}

ML_API size_t ml_row_bytes(const struct ml_plan *p)
{
    struct ml_layout l = ml_layout_of(p);
    return l.sums - l.codes;
}

/* ---- sums ---- */

static double rounded(const struct ml_plan *p, double x)
{
    return ML_OF(p, single_sum) ? (double)(float)x : x;
}

ML_API double ml_sum_first(const struct ml_plan *p, size_t output)
{
    const double *base = ML_SECTION(p, ML_AT_BASE);
    if (ML_OF(p, how) == ML_SUM_MIN || ML_OF(p, how) == ML_SUM_MAX)
        return ML_OF(p, how) == ML_SUM_MIN ? ML_INFINITY : -ML_INFINITY;
    return p->base_last ? 0 : rounded(p, base[output]);
}

ML_API double ml_sum_next(const struct ml_plan *p, double sum, double value)
{
    if (ML_OF(p, how) == ML_SUM_MIN)
        return value < sum ? value : sum;
    if (ML_OF(p, how) == ML_SUM_MAX)
        return value > sum ? value : sum;
    return rounded(p, sum + value);
}

ML_API double ml_sum_last(const struct ml_plan *p, size_t output, double sum)
{
    const double *base = ML_SECTION(p, ML_AT_BASE);
    bool extreme = ML_OF(p, how) == ML_SUM_MIN || ML_OF(p, how) == ML_SUM_MAX;
    if (ML_OF(p, how) == ML_SUM_MEAN)
        sum = rounded(p, sum / p->rounds);
    if (extreme && (sum == ML_INFINITY || sum == -ML_INFINITY))
        sum = 0; /* no tree has this output */
    if (p->base_last || extreme)
        sum = rounded(p, sum + base[output]);
    return p->narrow ? (double)(float)sum : sum;
}

/* ---- the choice ---- */

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
