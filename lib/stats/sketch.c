#include "stats/state.h"

#include <float.h>
#include <math.h>

/* Buckets grow by g = (1 + a) / (1 - a) with a = 1 %; the value reported for one is 2 g^i / (g +
 * 1), at most a away from every value in it. */
static const double GROWTH = 1.01 / 0.99;

static int32_t bucket_of(double magnitude)
{
    return (int32_t)ceil(log(magnitude) / log(GROWTH));
}

static double bucket_value(int32_t bucket)
{
    return fmin(exp(bucket * log(GROWTH) + log(2 / (GROWTH + 1))), DBL_MAX);
}

/* The two halves of a sketch have the same shape. */
struct side {
    uint64_t **at;
    size_t *len, *cap;
    int32_t *low;
};

static struct side side_of(struct sketch *s, bool negative)
{
    if (negative)
        return (struct side){&s->negative.at, &s->negative.len, &s->negative.cap, &s->negative_low};
    return (struct side){&s->positive.at, &s->positive.len, &s->positive.cap, &s->positive_low};
}

/* Makes room for buckets [low, high]; the new ones are 0. */
static void cover(struct side s, int32_t low, int32_t high)
{
    size_t len = *s.len;
    int32_t end = *s.low + (int32_t)len; /* one past the last */
    if (len == 0)
        *s.low = end = low;
    int32_t new_low = low < *s.low ? low : *s.low, new_end = high + 1 > end ? high + 1 : end;
    size_t need = (size_t)(new_end - new_low), below = (size_t)(*s.low - new_low);
    if (need == len)
        return;
    if (*s.cap < need)
        *s.at = vec_grow_(*s.at, s.cap, need, sizeof **s.at);
    memmove(*s.at + below, *s.at, len * sizeof **s.at);
    memset(*s.at, 0, below * sizeof **s.at);
    memset(*s.at + below + len, 0, (need - below - len) * sizeof **s.at);
    *s.len = need;
    *s.low = new_low;
}

static void add_to_bucket(struct side s, int32_t bucket, uint64_t times)
{
    cover(s, bucket, bucket);
    (*s.at)[bucket - *s.low] += times;
}

void sketch_add(struct sketch *s, double x)
{
    if (isnan(x))
        return;
    s->count++;
    double magnitude = fmin(fabs(x), DBL_MAX);
    if (magnitude == 0)
        s->zeros++;
    else
        add_to_bucket(side_of(s, x < 0), bucket_of(magnitude), 1);
}

static void merge_side(struct side into, const uint64_t *at, size_t len, int32_t low)
{
    if (len == 0)
        return;
    cover(into, low, low + (int32_t)len - 1);
    for (size_t i = 0; i < len; i++)
        (*into.at)[low - *into.low + (int32_t)i] += at[i];
}

void sketch_merge(struct sketch *into, const struct sketch *from)
{
    merge_side(side_of(into, false), from->positive.at, from->positive.len, from->positive_low);
    merge_side(side_of(into, true), from->negative.at, from->negative.len, from->negative_low);
    into->zeros += from->zeros;
    into->count += from->count;
}

/* The value at 0-based place floor(q (n - 1)) of the sorted data, within 1 %. */
double sketch_quantile(const struct sketch *s, double q)
{
    if (s->count == 0)
        return (double)NAN;
    uint64_t place = (uint64_t)(q * (double)(s->count - 1)), passed = 0;
    for (size_t i = s->negative.len; i-- > 0;) {
        passed += s->negative.at[i];
        if (passed > place)
            return -bucket_value(s->negative_low + (int32_t)i);
    }
    passed += s->zeros;
    if (passed > place)
        return 0;
    size_t i = 0;
    while (i + 1 < s->positive.len && (passed += s->positive.at[i]) <= place)
        i++;
    return bucket_value(s->positive_low + (int32_t)i);
}

static json_t *save_side(const uint64_t *at, size_t len, int32_t low)
{
    return json_pack("{s:i,s:o}", "low", (int)(len ? low : 0), "counts", state_counts(at, len));
}

json_t *sketch_save(const struct sketch *s)
{
    return json_pack("{s:I,s:o,s:o}", "zeros", (json_int_t)s->zeros, "positive",
                     save_side(s->positive.at, s->positive.len, s->positive_low), "negative",
                     save_side(s->negative.at, s->negative.len, s->negative_low));
}

static bool load_side(struct sketch *s, bool negative, const json_t *j)
{
    const int32_t limit = 40000; /* beyond the bucket of any double */
    const json_t *low = json_object_get(j, "low"), *counts = json_object_get(j, "counts");
    size_t n = json_array_size(counts);
    json_int_t first = json_integer_value(low);
    if (!json_is_integer(low) || !json_is_array(counts) || first < -limit || first > limit ||
        n > 2 * (size_t)limit)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint64_t count;
        if (!state_read_count(json_array_get(counts, i), &count))
            return false;
        add_to_bucket(side_of(s, negative), (int32_t)first + (int32_t)i, count);
        s->count += count;
    }
    return true;
}

int sketch_load(struct sketch *s, const json_t *j, struct error *e)
{
    *s = (struct sketch){0};
    if (state_get_count(j, "zeros", &s->zeros) &&
        load_side(s, false, json_object_get(j, "positive")) &&
        load_side(s, true, json_object_get(j, "negative"))) {
        s->count += s->zeros;
        return 0;
    }
    sketch_release(s);
    return error_set(e, ERR_DATA, "not the state of a sketch (zeros, positive, negative)");
}

void sketch_release(struct sketch *s)
{
    vec_release(&s->positive);
    vec_release(&s->negative);
    *s = (struct sketch){0};
}
