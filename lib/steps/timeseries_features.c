/* One row per series: ts_features, ts_autocorr, ts_fft. */
#include "prep/rowwise.h"
#include "prep/whole.h"
#include "stats/stats.h"
#include "steps/steps.h"

#include <math.h>
#include <stdlib.h>

/* The values of a series that are not missing, and what most features need of them. */
struct signal {
    const double *x, *sorted;
    size_t n;
    double sum, mean, variance; /* population */
};

static double per(double sum, size_t n)
{
    return n > 0 ? sum / (double)n : (double)NAN;
}

static double f_length(const struct signal *s)
{
    return (double)s->n;
}

static double f_sum(const struct signal *s)
{
    return s->sum;
}

static double f_mean(const struct signal *s)
{
    return s->mean;
}

static double f_median(const struct signal *s)
{
    if (s->n == 0)
        return (double)NAN;
    return (s->sorted[(s->n - 1) / 2] + s->sorted[s->n / 2]) / 2;
}

static double f_std(const struct signal *s)
{
    return sqrt(s->variance);
}

static double f_variance(const struct signal *s)
{
    return s->variance;
}

static double f_min(const struct signal *s)
{
    return s->n > 0 ? s->sorted[0] : (double)NAN;
}

static double f_max(const struct signal *s)
{
    return s->n > 0 ? s->sorted[s->n - 1] : (double)NAN;
}

static double f_absolute_max(const struct signal *s)
{
    return fmax(fabs(f_min(s)), fabs(f_max(s)));
}

static double f_energy(const struct signal *s)
{
    double energy = 0;
    for (size_t i = 0; i < s->n; i++)
        energy += s->x[i] * s->x[i];
    return energy;
}

static double f_root_mean_square(const struct signal *s)
{
    return sqrt(per(f_energy(s), s->n));
}

static double f_first(const struct signal *s)
{
    return s->n > 0 ? s->x[0] : (double)NAN;
}

static double f_last(const struct signal *s)
{
    return s->n > 0 ? s->x[s->n - 1] : (double)NAN;
}

static double f_absolute_changes(const struct signal *s)
{
    double sum = 0;
    for (size_t i = 1; i < s->n; i++)
        sum += fabs(s->x[i] - s->x[i - 1]);
    return sum;
}

static double f_mean_abs_change(const struct signal *s)
{
    return s->n > 1 ? per(f_absolute_changes(s), s->n - 1) : (double)NAN;
}

static double f_mean_change(const struct signal *s)
{
    return s->n > 1 ? per(f_last(s) - f_first(s), s->n - 1) : (double)NAN;
}

/* Complexity: the length of the line through the values (Batista et al. 2014). */
static double f_complexity(const struct signal *s)
{
    double squares = 0;
    for (size_t i = 1; i < s->n; i++)
        squares += (s->x[i] - s->x[i - 1]) * (s->x[i] - s->x[i - 1]);
    return sqrt(squares);
}

static double central(const struct signal *s, int power)
{
    double sum = 0;
    for (size_t i = 0; i < s->n; i++)
        sum += pow(s->x[i] - s->mean, power);
    return per(sum, s->n);
}

/* Corrected for bias, as in pandas. */
static double f_skewness(const struct signal *s)
{
    double n = (double)s->n;
    if (s->n < 3 || s->variance <= 0)
        return (double)NAN;
    return central(s, 3) / pow(s->variance, 1.5) * sqrt(n * (n - 1)) / (n - 2);
}

static double f_kurtosis(const struct signal *s)
{
    double n = (double)s->n;
    if (s->n < 4 || s->variance <= 0)
        return (double)NAN;
    double plain = central(s, 4) / (s->variance * s->variance) - 3;
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * plain + 6);
}

static double f_count_above_mean(const struct signal *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->n; i++)
        count += s->x[i] > s->mean;
    return (double)count;
}

static double f_count_below_mean(const struct signal *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->n; i++)
        count += s->x[i] < s->mean;
    return (double)count;
}

static double longest_run(const struct signal *s, double sign)
{
    size_t run = 0, longest = 0;
    for (size_t i = 0; i < s->n; i++) {
        run = sign * (s->x[i] - s->mean) > 0 ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return (double)longest;
}

static double f_longest_above_mean(const struct signal *s)
{
    return longest_run(s, 1);
}

static double f_longest_below_mean(const struct signal *s)
{
    return longest_run(s, -1);
}

static double f_mean_crossings(const struct signal *s)
{
    size_t count = 0;
    for (size_t i = 1; i < s->n; i++)
        count += (s->x[i - 1] > s->mean) != (s->x[i] > s->mean);
    return (double)count;
}

/* Where the extremes stand, as a share of the length. */
static double f_first_of_max(const struct signal *s)
{
    size_t i = 0;
    while (i < s->n && s->x[i] < s->sorted[s->n - 1])
        i++;
    return per((double)i, s->n);
}

static double f_first_of_min(const struct signal *s)
{
    size_t i = 0;
    while (i < s->n && s->x[i] > s->sorted[0])
        i++;
    return per((double)i, s->n);
}

/* Least squares over 0, 1, 2 ... */
static double f_slope(const struct signal *s)
{
    double middle = ((double)s->n - 1) / 2, above = 0, below = 0;
    for (size_t i = 0; i < s->n; i++) {
        above += ((double)i - middle) * (s->x[i] - s->mean);
        below += ((double)i - middle) * ((double)i - middle);
    }
    return above / below;
}

static double autocorrelation(const struct signal *s, size_t lag)
{
    double sum = 0;
    for (size_t i = lag; i < s->n; i++)
        sum += (s->x[i] - s->mean) * (s->x[i - lag] - s->mean);
    return lag < s->n ? sum / (s->variance * (double)s->n) : (double)NAN;
}

static double f_autocorrelation(const struct signal *s)
{
    return autocorrelation(s, 1);
}

static double f_quantile_25(const struct signal *s)
{
    return s->n > 0 ? quantile_sorted(s->sorted, s->n, 0.25) : (double)NAN;
}

static double f_quantile_75(const struct signal *s)
{
    return s->n > 0 ? quantile_sorted(s->sorted, s->n, 0.75) : (double)NAN;
}

/* By level: minimal, then what efficient adds, then what all adds. */
static const struct feature {
    const char *name;
    double (*of)(const struct signal *s);
    int level;
} features[] = {
    {"sum", f_sum, 0},
    {"median", f_median, 0},
    {"mean", f_mean, 0},
    {"length", f_length, 0},
    {"std", f_std, 0},
    {"variance", f_variance, 0},
    {"max", f_max, 0},
    {"min", f_min, 0},
    {"rms", f_root_mean_square, 1},
    {"absolute_max", f_absolute_max, 1},
    {"first", f_first, 1},
    {"last", f_last, 1},
    {"abs_energy", f_energy, 1},
    {"absolute_changes", f_absolute_changes, 1},
    {"mean_abs_change", f_mean_abs_change, 1},
    {"mean_change", f_mean_change, 1},
    {"complexity", f_complexity, 1},
    {"skewness", f_skewness, 1},
    {"kurtosis", f_kurtosis, 1},
    {"slope", f_slope, 1},
    {"autocorr1", f_autocorrelation, 1},
    {"count_above_mean", f_count_above_mean, 2},
    {"count_below_mean", f_count_below_mean, 2},
    {"longest_above_mean", f_longest_above_mean, 2},
    {"longest_below_mean", f_longest_below_mean, 2},
    {"mean_crossings", f_mean_crossings, 2},
    {"first_of_max", f_first_of_max, 2},
    {"first_of_min", f_first_of_min, 2},
    {"quantile25", f_quantile_25, 2},
    {"quantile75", f_quantile_75, 2},
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* room: twice as many numbers as the series has rows. */
static struct signal signal_of(const double *values, size_t rows, double *room)
{
    struct signal s = {.x = room, .sorted = room + rows};
    for (size_t r = 0; r < rows; r++)
        if (!isnan(values[r]))
            room[s.n++] = values[r];
    for (size_t i = 0; i < s.n; i++)
        s.sum += s.x[i];
    s.mean = per(s.sum, s.n);
    s.variance = central(&s, 2);
    memcpy(room + rows, room, s.n * sizeof *room);
    qsort(room + rows, s.n, sizeof *room, by_value);
    return s;
}

/* Each column's signal in turn to `put`. */
static int each_signal(const struct step *s, const struct whole *series, struct whole_rows *out,
                       void (*put)(const struct step *, const struct signal *, struct whole_rows *))
{
    size_t rows = series->times.len;
    double *room = mem_array(NULL, 2 * rows + 1, sizeof *room);
    whole_row(out, INT_MISSING);
    for (size_t i = 0; i < series->columns; i++) {
        struct signal signal = signal_of(series->values[i].at, rows, room);
        put(s, &signal, out);
    }
    mem_free(room);
    return 0;
}

static int prepare_features(struct step *s, struct error *e)
{
    (void)e;
    for (size_t i = 0; i < COUNT_OF(features); i++)
        if (features[i].level <= arg_choice(s, "with"))
            whole_result(s, "_%s", features[i].name);
    return 0;
}

static void put_features(const struct step *s, const struct signal *signal, struct whole_rows *out)
{
    int level = arg_choice(s, "with");
    for (size_t i = 0; i < COUNT_OF(features); i++)
        if (features[i].level <= level)
            whole_put(out, features[i].of(signal));
}

static int make_features(const struct step *s, const struct whole *series, struct whole_rows *out,
                         struct error *e)
{
    (void)e;
    return each_signal(s, series, out, put_features);
}

static int prepare_autocorr(struct step *s, struct error *e)
{
    (void)e;
    for (int64_t lag = 1; lag <= arg_int(s, "lags"); lag++)
        whole_result(s, "_acf%lld", (long long)lag);
    return 0;
}

static void put_autocorr(const struct step *s, const struct signal *signal, struct whole_rows *out)
{
    for (int64_t lag = 1; lag <= arg_int(s, "lags"); lag++)
        whole_put(out, autocorrelation(signal, (size_t)lag));
}

static int make_autocorr(const struct step *s, const struct whole *series, struct whole_rows *out,
                         struct error *e)
{
    (void)e;
    return each_signal(s, series, out, put_autocorr);
}

enum { FFT_ABS, FFT_REAL, FFT_IMAG, FFT_ANGLE };

static int prepare_fft(struct step *s, struct error *e)
{
    (void)e;
    for (int64_t k = 0; k < arg_int(s, "count"); k++)
        whole_result(s, "_fft%lld", (long long)k);
    return 0;
}

/* Coefficient k by its definition: few are wanted, of any length. The angle is reduced exactly. */
static void coefficient(const struct signal *signal, uint64_t k, double *real, double *imag)
{
    const double turn = 6.28318530717958647692;
    *real = *imag = 0;
    for (size_t i = 0; i < signal->n; i++) {
        double angle = turn * (double)(k * i % signal->n) / (double)signal->n;
        *real += signal->x[i] * cos(angle);
        *imag -= signal->x[i] * sin(angle);
    }
}

static void put_fft(const struct step *s, const struct signal *signal, struct whole_rows *out)
{
    int part = arg_choice(s, "part");
    for (uint64_t k = 0; k < (uint64_t)arg_int(s, "count"); k++) {
        double real, imag, value;
        coefficient(signal, k, &real, &imag);
        value = part == FFT_ABS    ? hypot(real, imag)
                : part == FFT_REAL ? real
                : part == FFT_IMAG ? imag
                                   : atan2(imag, real);
        whole_put(out, k <= signal->n / 2 && signal->n > 0 ? value : (double)NAN);
    }
}

static int make_fft(const struct step *s, const struct whole *series, struct whole_rows *out,
                    struct error *e)
{
    (void)e;
    return each_signal(s, series, out, put_fft);
}

#define NUMBERS ROWWISE_COLUMNS("columns of numbers")

static const struct arg features_args[] = {
    NUMBERS,
    {.name = "with", .kind = ARG_METHOD, .fallback = "minimal", .help = "how many features"},
    WINDOW_BY,
    WINDOW_ORDER,
    {0}};
static const struct arg autocorr_args[] = {NUMBERS,
                                           {.name = "lags",
                                            .kind = ARG_INT,
                                            .fallback = "5",
                                            .min = 1,
                                            .max = 1000,
                                            .help = "autocorrelations at lags 1 to this"},
                                           WINDOW_BY,
                                           WINDOW_ORDER,
                                           {0}};
static const struct arg fft_args[] = {NUMBERS,
                                      {.name = "count",
                                       .kind = ARG_INT,
                                       .fallback = "8",
                                       .min = 1,
                                       .max = 1000,
                                       .help = "coefficients, from that of frequency 0 on"},
                                      {.name = "part",
                                       .kind = ARG_CHOICE,
                                       .fallback = "abs",
                                       .choices = "abs real imag angle",
                                       .help = "what of them"},
                                      WINDOW_BY,
                                      WINDOW_ORDER,
                                      {0}};

#define WAVE "g,x\na,1\na,3\na,2\na,6\n"
static const struct method features_methods[] = {
    {"minimal",
     "W",
     "the 8 usual ones",
     {.program = "ts_features x by=g",
      .input = WAVE,
      .output = "g,x_sum,x_median,x_mean,x_length,x_std,x_variance,x_max,x_min\na,12,2.5,3,4,1."
                "8708286933869707,3.5,6,1\n"}},
    {"efficient",
     "W",
     "21, all computed in one or two passes",
     {.program = "ts_features x by=g with=efficient | select g,x_rms,x_complexity,x_slope",
      .input = WAVE,
      .output = "g,x_rms,x_complexity,x_slope\na,3.5355339059327378,4.58257569495584,1.4\n"}},
    {"all",
     "W",
     "30",
     {.program = "ts_features x with=all | select x_mean_crossings,x_first_of_max,x_quantile75",
      .input = "x\n1\n3\n2\n6\n",
      .output = "x_mean_crossings,x_first_of_max,x_quantile75\n1,0.75,3.75\n"}},
    {0},
};

#define TIMESERIES(PREPARE, MAKE)                                                                  \
    .family = "timeseries", .class = "W", WHOLE_HOOKS, .detail = &(const struct whole_kind)        \
    {                                                                                              \
        .prepare = PREPARE, .make = MAKE, .type = TYPE_FLOAT                                       \
    }

const struct step_kind steps_timeseries_features[] = {
    {.name = "ts_autocorr",
     TIMESERIES(prepare_autocorr, make_autocorr),
     .aliases = "acf",
     .summary = "one row per series: its correlation with itself some rows before",
     .details = WHOLE_RULE "The sums of products are divided by that of lag 0, not corrected for "
                           "their shorter length. Missing values are left out. Columns: x_acf1 ...",
     .args = autocorr_args,
     .example = {.program = "ts_autocorr x lags=2 by=g",
                 .input = WAVE,
                 .output = "g,x_acf1,x_acf2\na,-0.21428571428571427,0.14285714285714285\n"}},
    {.name = "ts_features",
     TIMESERIES(prepare_features, make_features),
     .summary = "one row per series: length, mean, trend, roughness ...",
     .details = WHOLE_RULE
     "Deviation and variance are those of the population, skewness and kurtosis corrected for "
     "bias as in pandas; first_of_max and first_of_min are places as a share of the length; "
     "complexity is that of Batista et al. 2014. Missing values are left out. Columns: x_mean "
     "...",
     .args = features_args,
     .methods = features_methods,
     .example = {.program = "ts_features x by=g",
                 .input = WAVE,
                 .output = "g,x_sum,x_median,x_mean,x_length,x_std,x_variance,x_max,x_min\na,12,2."
                           "5,3,4,1.8708286933869707,3.5,6,1\n"}},
    {.name = "ts_fft",
     TIMESERIES(prepare_fft, make_fft),
     .summary = "one row per series: its first Fourier coefficients",
     .details =
         WHOLE_RULE "As numpy's rfft, unscaled; missing beyond half the length. Missing values "
                    "are left out. Columns: x_fft0 ...",
     .args = fft_args,
     .example = {.program = "ts_fft x count=3 by=g | round x_fft* digits=3",
                 .input = WAVE,
                 .output = "g,x_fft0,x_fft1,x_fft2\na,12,3.162,6\n"}},
    {0},
};
