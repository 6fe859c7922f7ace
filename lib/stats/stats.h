/*
 * stats: summaries that merge exactly. Every state here gives the same bits for any split of the
 * data and any order of merging; that is what lets a fit run on threads, shards and clusters.
 *
 * Ownership: a state is a plain struct started as {0} unless an _init is named, released with
 * S_release. Merging leaves `from` unchanged. JSON written by S_save is read by S_load, bit for
 * bit.
 */
#ifndef STATS_H
#define STATS_H

#include "base/base.h"

#include <jansson.h>

/* The exact sum of doubles: a fixed-point number. A window of 192 bits is kept inline, moved to a
 * wider one on the heap when the range of the values demands it (method: Kulisch 1971; Neal 2015,
 * arXiv:1505.05571). Adding costs about 2 ns. Any number of additions. NaN and infinities are
 * noted apart and come back from sum_value as IEEE addition would give them. */
struct sum {
    uint64_t limb[3]; /* two's complement, little-endian limbs */
    int32_t exponent; /* of bit 0 of the lowest limb; a multiple of 64 */
    uint32_t flags;
    struct sum_full *full;
};
void sum_add(struct sum *s, double x);
void sum_add_int(struct sum *s, int64_t x);                  /* exact, also beyond 2^53 */
void sum_add_product(struct sum *s, double x, double y);     /* exact x * y (two-product by fma) */
void sum_add_many(struct sum *s, const double *x, size_t n); /* the fast loop; same bits */
void sum_merge(struct sum *into, const struct sum *from);
double sum_value(const struct sum *s); /* correctly rounded (nearest even) */
/* The sum / count, also when the sum alone overflows. */
double sum_mean(const struct sum *s, uint64_t count);
json_t *sum_save(const struct sum *s); /* the exact number in hexadecimal */
int sum_load(struct sum *s, const json_t *j, struct error *e);
void sum_release(struct sum *s);

/* Count, range and power sums of numbers. */
struct moments {
    uint64_t count;      /* values that are not missing */
    double min, max;     /* meaningless while count is 0 */
    struct sum power[4]; /* exact sums of x, x^2, x^3, x^4 up to `order` */
    int order;           /* 1 to 4, set at start */
};
void moments_init(struct moments *m, int order);
void moments_add(struct moments *m, double x);
void moments_add_many(struct moments *m, const double *x, size_t n);
void moments_merge(struct moments *into, const struct moments *from);
double moments_mean(const struct moments *m); /* NaN when count is 0 */
/* ddof 0: of the population, 1: of a sample. NaN when count <= ddof. */
double moments_variance(const struct moments *m, int ddof);
double moments_deviation(const struct moments *m, int ddof);
/* bias = true: population m3 / s^3 and m4 / s^4 (normal: 3). false: pandas' corrected skew and
 * excess kurtosis. */
double moments_skew(const struct moments *m, bool bias);
double moments_kurtosis(const struct moments *m, bool bias);
json_t *moments_save(const struct moments *m);
int moments_load(struct moments *m, const json_t *j, struct error *e);
void moments_release(struct moments *m);

/* Exact sums of x_i and x_i * x_j: covariance, correlation, PCA, regression. */
struct comoments {
    size_t p;            /* columns */
    uint64_t count;      /* rows */
    struct sum *first;   /* p */
    struct sum *product; /* p * (p + 1) / 2, row-major upper triangle */
};
void comoments_init(struct comoments *c, size_t p);
void comoments_add(struct comoments *c, const double *row); /* p values, none NaN */
void comoments_merge(struct comoments *into, const struct comoments *from);
double comoments_mean(const struct comoments *c, size_t i);
double comoments_covariance(const struct comoments *c, size_t i, size_t j, int ddof);
json_t *comoments_save(const struct comoments *c);
int comoments_load(struct comoments *c, const json_t *j, struct error *e);
void comoments_release(struct comoments *c);

/* Type 7 (Hyndman and Fan 1996) of n sorted values: linear interpolation, as numpy and R do. */
double quantile_sorted(const double *sorted, size_t n, double q);

/* Exact quantiles of any number of values: collected, sorted by radix, spilled to a scratch file in
 * sorted runs past `memory` bytes. -0 counts as 0. */
struct quantiles;
struct quantiles *quantiles_new(size_t memory);
int quantiles_add(struct quantiles *s, const double *x, size_t n, struct error *e); /* no NaN */
/* Empties `from`, unlike the other merges. */
int quantiles_merge(struct quantiles *into, struct quantiles *from, struct error *e);
uint64_t quantiles_count(const struct quantiles *s);
/* The n quantiles q (0 to 1); NaN when there are no values. */
int quantiles_at(struct quantiles *s, const double *q, size_t n, double *out, struct error *e);
uint64_t quantiles_distinct(struct quantiles *s, struct error *e); /* distinct values, exact */
/* State for merging shards: distinct values with their counts. */
json_t *quantiles_save(struct quantiles *s, struct error *e);
int quantiles_load(struct quantiles *s, const json_t *j, struct error *e);
void quantiles_free(struct quantiles *s);

/* Approximate quantiles: counts in logarithmic buckets (DDSketch, Masson et al. 2019,
 * doi:10.14778/3352063.3352135): relative error at most 1 %;
 * merging adds counts, so it is exact. */
struct sketch {
    VEC(uint64_t) positive, negative; /* bucket i covers (g^(i-1+low), g^(i+low)] */
    int32_t positive_low, negative_low;
    uint64_t zeros, count;
};
void sketch_add(struct sketch *s, double x);
void sketch_merge(struct sketch *into, const struct sketch *from);
double sketch_quantile(const struct sketch *s, double q);
json_t *sketch_save(const struct sketch *s);
int sketch_load(struct sketch *s, const json_t *j, struct error *e);
void sketch_release(struct sketch *s);

/* How often each text occurs; exact. */
struct counts {
    struct map map;
    VEC(uint64_t) n;     /* by index of map */
    VEC(uint64_t) first; /* smallest row number seen, by index: order of arrival that merges */
};
size_t counts_add(struct counts *c, struct text value, uint64_t times, uint64_t row); /* index */
void counts_merge(struct counts *into, const struct counts *from);
enum counts_order { COUNTS_BY_NAME, COUNTS_BY_FREQUENCY /* then name */, COUNTS_BY_ARRIVAL };
/* Indexes in that order; by name compares as numbers when every value is one, else as bytes.
 * Returns owned array of map.keys.len items, free with mem_free. */
uint32_t *counts_sorted(const struct counts *c, enum counts_order order);
json_t *counts_save(const struct counts *c); /* {"name": [count, first]} sorted by name */
int counts_load(struct counts *c, const json_t *j, struct error *e);
void counts_release(struct counts *c);

/* Number of distinct texts, approximate: HyperLogLog, 2^14 registers, 0.8 % standard error
 * (Flajolet et al. 2007; small-range correction by linear counting). Registers that are not zero
 * are listed as long as they are few: 16 KiB on the heap only past some hundred texts. */
struct distinct {
    uint8_t *registers; /* NULL: those that are not zero are in `few` */
    VEC(uint32_t) few;  /* register << 8 | rank, ascending */
};
void distinct_add(struct distinct *d, uint64_t hash);
void distinct_merge(struct distinct *into, const struct distinct *from);
double distinct_value(const struct distinct *d);
size_t distinct_held(const struct distinct *d); /* bytes on the heap */
json_t *distinct_save(const struct distinct *d);
int distinct_load(struct distinct *d, const json_t *j, struct error *e);
void distinct_release(struct distinct *d);

/* Most frequent texts in bounded memory: Space-Saving (Metwally et al. 2005) with `capacity`
 * counters; exact while at most capacity distinct texts were seen. Order of merging may show beyond
 * that. */
struct frequent;
struct frequent *frequent_new(size_t capacity);
void frequent_add(struct frequent *f, struct text value, uint64_t times);
void frequent_merge(struct frequent *into, const struct frequent *from);
bool frequent_exact(const struct frequent *f);
/* The n most frequent, most frequent first; returns how many there are. value borrows. */
size_t frequent_top(const struct frequent *f, size_t n, struct text *value, uint64_t *count);
void frequent_free(struct frequent *f);

/* A uniform sample without replacement that merges exactly: the k rows with the smallest
 * random_bits(seed, stream, row). Items are byte strings. */
struct sample_item {
    uint64_t key, row;
    struct text item; /* owned by the sample */
};
struct sample {
    size_t k;
    uint64_t seed, stream;
    VEC(struct sample_item) heap; /* largest key on top */
};
void sample_init(struct sample *s, size_t k, uint64_t seed, uint64_t stream);
bool sample_wants(const struct sample *s, uint64_t row);           /* would this row be kept now? */
void sample_add(struct sample *s, uint64_t row, struct text item); /* copies */
void sample_merge(struct sample *into, const struct sample *from);
/* By row, for reading; ends adding, not merging */
void sample_sort(struct sample *s);
json_t *sample_save(const struct sample *s);
int sample_load(struct sample *s, const json_t *j, struct error *e);
void sample_release(struct sample *s);

/* Counts of values in [edge i, edge i+1), the last bin closed; outside values counted apart. */
struct histogram {
    size_t bins;
    double *edges;    /* bins + 1, increasing */
    uint64_t *counts; /* bins */
    uint64_t below, above, missing;
};
void histogram_init(struct histogram *h, const double *edges, size_t bins); /* copies */
void histogram_add(struct histogram *h, const double *x, size_t n);         /* NaN is missing */
void histogram_merge(struct histogram *into, const struct histogram *from);
void histogram_release(struct histogram *h);

/* Distances between two sets of bin counts. psi: sum (a-e) ln(a/e) with shares floored at 1e-4.
 * chi2: Pearson's test of homogeneity; bins empty on both sides do not count.
 * p_value may be NULL. */
double difference_psi(const uint64_t *expected, const uint64_t *actual, size_t bins);
double difference_chi2(const uint64_t *expected, const uint64_t *actual, size_t bins,
                       double *p_value);
/* Two sorted samples: largest distance of the distribution functions,
 * and its asymptotic p-value. */
double difference_ks(const double *a, size_t n, const double *b, size_t m, double *p_value);
double difference_wasserstein(const double *a, size_t n, const double *b, size_t m);

/* The same, bit for bit, of sets that memory does not hold: row by row. Rows are bins with what
 * both sets have in them, or numbers in rising order with how often both have them. */
struct difference {
    double expected, actual; /* all there are */
    double psi, chi2;
    size_t used; /* bins that are not empty */
    uint64_t expected_passed, actual_passed;
    double ks, area, last; /* area: Wasserstein's distance */
};
void difference_init(struct difference *d, uint64_t expected, uint64_t actual);
void difference_bin(struct difference *d, uint64_t expected, uint64_t actual);
void difference_number(struct difference *d, double x, uint64_t expected, uint64_t actual);
double difference_chi2_p(const struct difference *d);
double difference_ks_p(const struct difference *d);

/* Distributions: the cumulative (cdf), its upper tail (sf). The normal one's inverse is in base. */
double normal_cdf(double z);
double gamma_p(double a, double x);          /* regularized lower incomplete gamma */
double beta_i(double a, double b, double x); /* regularized incomplete beta */
double chi2_sf(double x, double df);
double f_sf(double f, double df1, double df2);
double t_sf(double t, double df); /* one-sided upper tail */

/* Symmetric n x n matrix a (row-major, destroyed): eigenvalues descending into value[n],
 * eigenvectors into the rows of vector[n * n], sign fixed so that the largest component by
 * magnitude is positive. Cyclic Jacobi (Golub and Van Loan 8.5). */
void eigen_symmetric(double *a, size_t n, double *value, double *vector);
/* Solves a x = b for symmetric positive definite a (destroyed) by Cholesky; false when it is
 * singular. */
bool solve_spd(double *a, double *b, size_t n);
/* Inverse in place; false when singular. */
bool invert_spd(double *a, size_t n);

#endif
