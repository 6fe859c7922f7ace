/* Properties of characters: utf8proc's categories, and the few that categories do not tell. */
#include "steps/letters.h"

#include <utf8proc.h>

/* Numeric_Type=Digit outside category Nd. */
static const struct letter_range digits[] = {
    {0xb2, 0xb3},       {0xb9, 0xb9},       {0x1369, 0x1371},   {0x19da, 0x19da},
    {0x2070, 0x2070},   {0x2074, 0x2079},   {0x2080, 0x2089},   {0x2460, 0x2468},
    {0x2474, 0x247c},   {0x2488, 0x2490},   {0x24ea, 0x24ea},   {0x24f5, 0x24fd},
    {0x24ff, 0x24ff},   {0x2776, 0x277e},   {0x2780, 0x2788},   {0x278a, 0x2792},
    {0x10a40, 0x10a43}, {0x10e60, 0x10e68}, {0x11052, 0x1105a}, {0x1f100, 0x1f10a},
};

/* Lowercase outside category Ll. */
static const struct letter_range lowers[] = {
    {0xaa, 0xaa},       {0xba, 0xba},       {0x2b0, 0x2b8},     {0x2c0, 0x2c1},
    {0x2e0, 0x2e4},     {0x345, 0x345},     {0x37a, 0x37a},     {0x1d2c, 0x1d6a},
    {0x1d78, 0x1d78},   {0x1d9b, 0x1dbf},   {0x2071, 0x2071},   {0x207f, 0x207f},
    {0x2090, 0x209c},   {0x2170, 0x217f},   {0x24d0, 0x24e9},   {0x2c7c, 0x2c7d},
    {0xa69c, 0xa69d},   {0xa770, 0xa770},   {0xa7f8, 0xa7f9},   {0xab5c, 0xab5f},
    {0x10780, 0x10780}, {0x10783, 0x10785}, {0x10787, 0x107b0}, {0x107b2, 0x107ba},
};

/* Uppercase outside category Lu. */
static const struct letter_range uppers[] = {
    {0x2160, 0x216f}, {0x24b6, 0x24cf}, {0x1f130, 0x1f149}, {0x1f150, 0x1f169}, {0x1f170, 0x1f189},
};

static const struct letter_range spaces[] = {
    {9, 13},          {28, 32},         {0x85, 0x85},     {0xa0, 0xa0},     {0x1680, 0x1680},
    {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
};

/* Numeric outside categories Nd, Nl and No: ideographs. */
static const struct letter_range numerals[] = {
    {0x3405, 0x3405},   {0x3483, 0x3483},   {0x382a, 0x382a},   {0x3b4d, 0x3b4d},
    {0x4e00, 0x4e00},   {0x4e03, 0x4e03},   {0x4e07, 0x4e07},   {0x4e09, 0x4e09},
    {0x4e5d, 0x4e5d},   {0x4e8c, 0x4e8c},   {0x4e94, 0x4e94},   {0x4e96, 0x4e96},
    {0x4ebf, 0x4ec0},   {0x4edf, 0x4edf},   {0x4ee8, 0x4ee8},   {0x4f0d, 0x4f0d},
    {0x4f70, 0x4f70},   {0x5104, 0x5104},   {0x5146, 0x5146},   {0x5169, 0x5169},
    {0x516b, 0x516b},   {0x516d, 0x516d},   {0x5341, 0x5341},   {0x5343, 0x5345},
    {0x534c, 0x534c},   {0x53c1, 0x53c4},   {0x56db, 0x56db},   {0x58f1, 0x58f1},
    {0x58f9, 0x58f9},   {0x5e7a, 0x5e7a},   {0x5efe, 0x5eff},   {0x5f0c, 0x5f0e},
    {0x5f10, 0x5f10},   {0x62fe, 0x62fe},   {0x634c, 0x634c},   {0x67d2, 0x67d2},
    {0x6f06, 0x6f06},   {0x7396, 0x7396},   {0x767e, 0x767e},   {0x8086, 0x8086},
    {0x842c, 0x842c},   {0x8cae, 0x8cae},   {0x8cb3, 0x8cb3},   {0x8d30, 0x8d30},
    {0x9621, 0x9621},   {0x9646, 0x9646},   {0x964c, 0x964c},   {0x9678, 0x9678},
    {0x96f6, 0x96f6},   {0xf96b, 0xf96b},   {0xf973, 0xf973},   {0xf978, 0xf978},
    {0xf9b2, 0xf9b2},   {0xf9d1, 0xf9d1},   {0xf9d3, 0xf9d3},   {0xf9fd, 0xf9fd},
    {0x20001, 0x20001}, {0x20064, 0x20064}, {0x200e2, 0x200e2}, {0x20121, 0x20121},
    {0x2092a, 0x2092a}, {0x20983, 0x20983}, {0x2098c, 0x2098c}, {0x2099c, 0x2099c},
    {0x20aea, 0x20aea}, {0x20afd, 0x20afd}, {0x20b19, 0x20b19}, {0x22390, 0x22390},
    {0x22998, 0x22998}, {0x23b1b, 0x23b1b}, {0x2626d, 0x2626d}, {0x2f890, 0x2f890},
};

/* Characters whose other case is several characters. */
static const struct {
    uint32_t c;
    const char *upper, *title;
} expansions[LETTER_EXPANSIONS] = {
    {0xdf, "SS", "Ss"},     {0xfb00, "FF", "Ff"},   {0xfb01, "FI", "Fi"}, {0xfb02, "FL", "Fl"},
    {0xfb03, "FFI", "Ffi"}, {0xfb04, "FFL", "Ffl"}, {0xfb05, "ST", "St"}, {0xfb06, "ST", "St"},
};

static bool in_ranges(const struct letter_range *r, size_t n, uint32_t c)
{
    size_t low = 0;
    while (n > 0) { /* the first range that does not end before c */
        size_t half = n / 2;
        if (r[low + half].last < c) {
            low += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return r[low].first <= c && c <= r[low].last;
}
/* c is not behind the last range: the search ends inside the array. */
#define IN(ranges, c)                                                                              \
    ((c) <= (ranges)[COUNT_OF(ranges) - 1].last && in_ranges((ranges), COUNT_OF(ranges), (c)))

static utf8proc_category_t category(uint32_t c)
{
    return utf8proc_category((utf8proc_int32_t)c);
}

bool letter_is_space(uint32_t c)
{
    return c < 0x80 ? c == ' ' || (c >= 9 && c <= 13) || (c >= 28 && c < 32) : IN(spaces, c);
}

bool letter_space_range(size_t i, struct letter_range *out)
{
    if (i < COUNT_OF(spaces))
        *out = spaces[i];
    return i < COUNT_OF(spaces);
}

bool letter_is_alpha(uint32_t c)
{
    if (c < 0x80)
        return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    utf8proc_category_t k = category(c);
    return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}

bool letter_is_decimal(uint32_t c)
{
    return c < 0x80 ? c >= '0' && c <= '9' : category(c) == UTF8PROC_CATEGORY_ND;
}

bool letter_is_digit(uint32_t c)
{
    return letter_is_decimal(c) || (c >= 0x80 && IN(digits, c));
}

bool letter_is_numeric(uint32_t c)
{
    if (c < 0x80)
        return c >= '0' && c <= '9';
    utf8proc_category_t k = category(c);
    return (k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO) || IN(numerals, c);
}

bool letter_is_lower(uint32_t c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z';
    return category(c) == UTF8PROC_CATEGORY_LL || IN(lowers, c);
}

bool letter_is_upper(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z';
    return category(c) == UTF8PROC_CATEGORY_LU || IN(uppers, c);
}

bool letter_is_title(uint32_t c)
{
    return c >= 0x80 && category(c) == UTF8PROC_CATEGORY_LT;
}

bool letter_is_alnum(uint32_t c)
{
    return letter_is_alpha(c) || letter_is_numeric(c);
}

bool letter_is_cased(uint32_t c)
{
    return letter_is_lower(c) || letter_is_upper(c) || letter_is_title(c);
}

void put_char(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_putc(out, (char)c);
        return;
    }
    char bytes[4];
    buf_add(out, bytes, utf8_print(bytes, c));
}

struct text letter_expansion(size_t i, uint32_t *c)
{
    *c = expansions[i].c;
    return text_of(expansions[i].upper);
}

/* The index of an expansion, or COUNT_OF(expansions). */
static size_t expansion_of(uint32_t c)
{
    size_t i = 0;
    while (i < COUNT_OF(expansions) && expansions[i].c != c)
        i++;
    return i;
}

void put_upper(struct buf *out, uint32_t c)
{
    size_t i = c < 0x80 ? COUNT_OF(expansions) : expansion_of(c);
    if (i < COUNT_OF(expansions))
        buf_puts(out, expansions[i].upper);
    else
        put_char(out, (uint32_t)utf8proc_toupper((utf8proc_int32_t)c));
}

void put_lower(struct buf *out, uint32_t c)
{
    put_char(out, (uint32_t)utf8proc_tolower((utf8proc_int32_t)c));
}

void put_title(struct buf *out, uint32_t c)
{
    size_t i = c < 0x80 ? COUNT_OF(expansions) : expansion_of(c);
    if (i < COUNT_OF(expansions))
        buf_puts(out, expansions[i].title);
    else
        put_char(out, (uint32_t)utf8proc_totitle((utf8proc_int32_t)c));
}

bool text_is_ascii(struct text t)
{
    size_t i = 0;
    uint64_t word;
    for (; i + sizeof word <= t.len; i += sizeof word) {
        memcpy(&word, t.at + i, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            return false;
    }
    unsigned char rest = 0;
    for (; i < t.len; i++)
        rest |= (unsigned char)t.at[i];
    return rest < 0x80;
}

bool text_last(struct text *t, uint32_t *c)
{
    if (t->len == 0)
        return false;
    size_t start = t->len - 1;
    while (start > 0 && t->len - start < 4 && ((unsigned char)t->at[start] & 0xc0) == 0x80)
        start--;
    size_t used = 0;
    *c = utf8_decode(t->at + start, t->len - start, &used);
    if (start + used != t->len) { /* bytes that are no character count one by one */
        *c = 0xfffd;
        used = 1;
    }
    t->len -= used;
    return true;
}
