/* From stored values to what their logical type says they are. */
#include "table/parquet_cursor.h"
#include "table/scan.h"

static const char not_a_time[] = "a time outside the years 1 to 9999";

enum {
    DECIMAL_BYTES = 32, /* 76 digits */
    CLOCK_TEXT = 32,
};

size_t parquet_form_size(enum form form)
{
    switch (form) {
    case FORM_TEXT:
    case FORM_JSON:
        return sizeof(struct text);
    case FORM_BOOL:
        return 1;
    default:
        return 8;
    }
}

/* Of the years 1 to 9999; times that are cut are cut towards the past. */
static bool usec_of(int64_t value, int64_t unit, usec *out)
{
    const usec first = -62135596800 * USEC_SECOND, end = 253402300800 * USEC_SECOND;
    if (unit > USEC_SECOND) {
        int64_t many = unit / USEC_SECOND;
        *out = value / many - (value % many < 0);
    } else if (value < INT64_MIN / (USEC_SECOND / unit) ||
               value > INT64_MAX / (USEC_SECOND / unit)) {
        return false;
    } else {
        *out = value * (USEC_SECOND / unit);
    }
    return *out >= first && *out < end;
}

static const char *instants(const struct parquet_leaf *leaf, const int64_t *from, size_t n,
                            int64_t *into)
{
    for (size_t i = 0; i < n; i++)
        if (!usec_of(from[i], leaf->unit, &into[i]))
            return not_a_time;
    return NULL;
}

/* INT96: nanoseconds of the day, then the Julian day. */
static const char *old_instants(const struct text *from, size_t n, int64_t *into)
{
    for (size_t i = 0; i < n; i++) {
        int64_t nanos;
        int32_t day;
        memcpy(&nanos, from[i].at, 8);
        memcpy(&day, from[i].at + 8, 4);
        if (nanos < 0 || nanos >= USEC_DAY * 1000 || day < 1721426 || day > 5373484)
            return not_a_time;
        into[i] = (day - INT64_C(2440588)) * USEC_DAY + nanos / 1000;
    }
    return NULL;
}

static char *put_digits(char *to, int64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        to[i] = (char)('0' + value % 10);
    return to + digits;
}

/* 12:34:56, and a fraction of 3 or 6 digits when there is one. */
static char *put_clock(char *to, usec of_day)
{
    int64_t seconds = of_day / USEC_SECOND, micros = of_day % USEC_SECOND;
    to = put_digits(to, seconds / 3600, 2);
    *to++ = ':';
    to = put_digits(to, seconds / 60 % 60, 2);
    *to++ = ':';
    to = put_digits(to, seconds % 60, 2);
    if (micros == 0)
        return to;
    *to++ = '.';
    return micros % 1000 ? put_digits(to, micros, 6) : put_digits(to, micros / 1000, 3);
}

static char *put_date(char *to, int64_t days)
{
    int year, month, day;
    civil_from_days(days, &year, &month, &day);
    to = put_digits(to, year, 4);
    *to++ = '-';
    to = put_digits(to, month, 2);
    *to++ = '-';
    return put_digits(to, day, 2);
}

static const char *dates(const int64_t *from, size_t n, struct text *into, struct arena *arena)
{
    char *bytes = arena_alloc(arena, n * 10 + 1);
    for (size_t i = 0; i < n; i++, bytes += 10) {
        if (from[i] < -719162 || from[i] > 2932896)
            return not_a_time;
        (void)put_date(bytes, from[i]);
        into[i] = (struct text){bytes, 10};
    }
    return NULL;
}

static const char *clocks(const struct parquet_leaf *leaf, const int64_t *from, size_t n,
                          struct text *into, struct arena *arena)
{
    char *bytes = arena_alloc(arena, n * CLOCK_TEXT + 1);
    for (size_t i = 0; i < n; i++, bytes += CLOCK_TEXT) {
        usec t;
        if (!usec_of(from[i], leaf->unit, &t) || t < 0 || t >= USEC_DAY)
            return "a time of day outside the day";
        into[i] = (struct text){bytes, (size_t)(put_clock(bytes, t) - bytes)};
    }
    return NULL;
}

/* A time without offset: 2001-01-31T12:34:56. */
static const char *local_times(const struct parquet_leaf *leaf, const int64_t *from, size_t n,
                               struct text *into, struct arena *arena)
{
    char *bytes = arena_alloc(arena, n * CLOCK_TEXT + 1);
    for (size_t i = 0; i < n; i++, bytes += CLOCK_TEXT) {
        usec t;
        if (!usec_of(from[i], leaf->unit, &t))
            return not_a_time;
        int64_t days = t / USEC_DAY - (t % USEC_DAY < 0);
        char *to = put_date(bytes, days);
        *to++ = 'T';
        to = put_clock(to, t - days * USEC_DAY);
        into[i] = (struct text){bytes, (size_t)(to - bytes)};
    }
    return NULL;
}

static const char *unsigned_texts(const int64_t *from, size_t n, struct text *into,
                                  struct arena *arena)
{
    char *bytes = arena_alloc(arena, n * 20 + 1);
    for (size_t i = 0; i < n; i++, bytes += 20) {
        uint64_t u = (uint64_t)from[i];
        char *to = bytes + 20;
        do
            *--to = (char)('0' + u % 10);
        while (u /= 10);
        into[i] = (struct text){to, (size_t)(bytes + 20 - to)};
    }
    return NULL;
}

static const char *unsigned_ints(const struct parquet_leaf *leaf, const int64_t *from, size_t n,
                                 int64_t *into)
{
    for (size_t i = 0; i < n; i++)
        into[i] = from[i] & (int64_t)((UINT64_C(1) << leaf->bits) - 1);
    return NULL;
}

/* An integer of up to 32 bytes, the highest first; of a negative one both. */
struct wide {
    uint32_t word[DECIMAL_BYTES / 4];
    bool negative;
};

static bool wide_of_bytes(struct text bytes, struct wide *w)
{
    const uint8_t *at = (const uint8_t *)bytes.at;
    size_t n = bytes.len;
    w->negative = n > 0 && at[0] >= 0x80;
    uint8_t filling = w->negative ? 0xFF : 0;
    for (; n > DECIMAL_BYTES && *at == filling; n--)
        at++;
    if (n > DECIMAL_BYTES)
        return false;
    uint8_t whole[DECIMAL_BYTES];
    memset(whole, filling, sizeof whole);
    memcpy(whole + DECIMAL_BYTES - n, at, n);
    uint64_t carry = w->negative;
    for (size_t i = COUNT_OF(w->word); i-- > 0;) {
        const uint8_t *b = whole + 4 * i;
        uint32_t word =
            (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | (uint32_t)b[3];
        carry += w->negative ? ~word : word;
        w->word[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return true;
}

/* The last nine digits, taken away. */
static uint32_t take_digits(struct wide *w, bool *is_zero)
{
    uint64_t rest = 0;
    *is_zero = true;
    for (size_t i = 0; i < COUNT_OF(w->word); i++) {
        rest = rest << 32 | w->word[i];
        w->word[i] = (uint32_t)(rest / 1000000000);
        rest %= 1000000000;
        *is_zero &= w->word[i] == 0;
    }
    return (uint32_t)rest;
}

enum { DECIMAL_TEXT = 96 };

/* The digits with a point before the last `scale`; returns where they begin, `to` being the end. */
static char *put_point(const char *digits, size_t n, unsigned scale, bool negative, char *to)
{
    char *at = to;
    for (size_t i = 0; i < n || i <= scale; i++) {
        if (i == scale && scale > 0)
            *--at = '.';
        *--at = i < n ? digits[n - 1 - i] : '0';
    }
    if (negative)
        *--at = '-';
    return at;
}

/* Written so that it ends at `end`, behind DECIMAL_TEXT bytes of room. */
static struct text decimal_text(struct wide *w, unsigned scale, char *end)
{
    char digits[DECIMAL_TEXT], *first = digits + sizeof digits;
    for (bool is_zero = false; !is_zero;) {
        uint32_t nine = take_digits(w, &is_zero);
        first -= 9;
        (void)put_digits(first, nine, 9);
    }
    const char *last = digits + sizeof digits - 1;
    while (first < last && *first == '0')
        first++;
    bool negative = w->negative && *first != '0';
    char *at = put_point(first, (size_t)(last + 1 - first), scale, negative, end);
    return (struct text){at, (size_t)(end - at)};
}

static const char *wide_decimals(const struct parquet_leaf *leaf, const struct text *from, size_t n,
                                 struct text *into, struct arena *arena)
{
    for (size_t i = 0; i < n; i++) {
        struct wide w;
        char text[DECIMAL_TEXT];
        if (!wide_of_bytes(from[i], &w))
            return "a decimal of more than 76 digits";
        struct text t = decimal_text(&w, leaf->scale, text + sizeof text);
        into[i] = (struct text){arena_copy(arena, t.at, t.len), t.len};
    }
    return NULL;
}

static const char *short_decimals(const struct parquet_leaf *leaf, const int64_t *from, size_t n,
                                  struct text *into, struct arena *arena)
{
    char *bytes = arena_alloc(arena, n * DECIMAL_TEXT + 1);
    for (size_t i = 0; i < n; i++, bytes += DECIMAL_TEXT) {
        char digits[24], *end = digits + sizeof digits, *at = end;
        uint64_t u = from[i] < 0 ? 0 - (uint64_t)from[i] : (uint64_t)from[i];
        do
            *--at = (char)('0' + u % 10);
        while (u /= 10);
        char *to =
            put_point(at, (size_t)(end - at), leaf->scale, from[i] < 0, bytes + DECIMAL_TEXT);
        into[i] = (struct text){to, (size_t)(bytes + DECIMAL_TEXT - to)};
    }
    return NULL;
}

static const char *decimals(const struct parquet_leaf *leaf, const void *from, size_t n,
                            struct text *into, struct arena *arena)
{
    return parquet_store_of(leaf->physical) == STORE_INT
               ? short_decimals(leaf, from, n, into, arena)
               : wide_decimals(leaf, from, n, into, arena);
}

static const char *uuids(const struct text *from, size_t n, struct text *into, struct arena *arena)
{
    enum { UUID_TEXT = 36 };
    static const char hex[] = "0123456789abcdef";
    char *bytes = arena_alloc(arena, n * UUID_TEXT + 1), *to = bytes;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *u = (const uint8_t *)from[i].at;
        into[i] = (struct text){to, UUID_TEXT};
        for (size_t k = 0; k < 16; k++) {
            if (k == 4 || k == 6 || k == 8 || k == 10)
                *to++ = '-';
            *to++ = hex[u[k] >> 4];
            *to++ = hex[u[k] & 15];
        }
    }
    return NULL;
}

/* IEEE 754 binary16: every value is a double, too. */
static double double_of_half(unsigned half)
{
    unsigned exponent = half >> 10 & 31, fraction = half & 1023;
    uint64_t bits = (uint64_t)(half >> 15) << 63;
    double small = (double)fraction / 16777216.0;
    if (exponent == 0)
        return half >> 15 ? -small : small;
    bits |= (uint64_t)(exponent == 31 ? 2047 : exponent - 15 + 1023) << 52;
    bits |= (uint64_t)fraction << 42;
    double f;
    memcpy(&f, &bits, 8);
    return f;
}

static const char *halves(const struct text *from, size_t n, double *into)
{
    for (size_t i = 0; i < n; i++)
        into[i] = double_of_half((unsigned)(uint8_t)from[i].at[1] << 8 | (uint8_t)from[i].at[0]);
    return NULL;
}

static bool is_ascii(const char *p, size_t n)
{
    uint64_t high = 0, word;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        memcpy(&word, p + i, 8);
        high |= word;
    }
    for (; i < n; i++)
        high |= (uint8_t)p[i];
    return (high & UINT64_C(0x8080808080808080)) == 0;
}

static const char *texts(const struct text *from, size_t n, struct text *into)
{
    for (size_t i = 0; i < n; i++) {
        into[i] = from[i];
        if (!is_ascii(from[i].at, from[i].len) &&
            utf8_valid_prefix(from[i].at, from[i].len) < from[i].len)
            return "a text that is not UTF-8";
    }
    return NULL;
}

static const char *json_texts(const struct text *from, size_t n, struct text *into)
{
    for (size_t i = 0; i < n; i++)
        if (!json_valid(from[i]))
            return "a text that is not JSON";
    return texts(from, n, into);
}

/* The number that means missing in memory cannot be told from it. */
static const char *ints(const int64_t *from, size_t n, int64_t *into)
{
    bool any = false;
    if (into != from)
        memcpy(into, from, n * sizeof *into);
    for (size_t i = 0; i < n; i++)
        any |= from[i] == INT_MISSING;
    return any ? "the number -9223372036854775808, which stands for a missing one" : NULL;
}

static const char *values(const struct parquet_leaf *leaf, const void *from, size_t n, void *into)
{
    switch (leaf->shown.form) {
    case FORM_BOOL:
        for (size_t i = 0; i < n; i++)
            ((uint8_t *)into)[i] = (uint8_t)((const int64_t *)from)[i];
        return NULL;
    case FORM_INT:
        return ints(from, n, into);
    case FORM_TEXT:
        return texts(from, n, into);
    default:
        if (into != from)
            memcpy(into, from, n * 8);
        return NULL;
    }
}

const char *parquet_mean(const struct parquet_leaf *leaf, const void *from, size_t n, void *into,
                         struct arena *arena)
{
    switch (leaf->meaning) {
    case MEANS_VALUE:
        return values(leaf, from, n, into);
    case MEANS_UNSIGNED:
        return leaf->bits == 64 ? unsigned_texts(from, n, into, arena)
                                : unsigned_ints(leaf, from, n, into);
    case MEANS_JSON:
        return json_texts(from, n, into);
    case MEANS_DECIMAL:
        return decimals(leaf, from, n, into, arena);
    case MEANS_DATE:
        return dates(from, n, into, arena);
    case MEANS_CLOCK:
        return clocks(leaf, from, n, into, arena);
    case MEANS_INSTANT:
        return leaf->physical == PHYSICAL_INT96 ? old_instants(from, n, into)
                                                : instants(leaf, from, n, into);
    case MEANS_LOCAL:
        return local_times(leaf, from, n, into, arena);
    case MEANS_UUID:
        return uuids(from, n, into, arena);
    case MEANS_HALF:
        return halves(from, n, into);
    case MEANS_NOTHING:
        break;
    }
    return "a value where all are null";
}
