/* Operations of row programs: markup, contractions, texts that were misread. */
#include "runtime/program_markup.h"

#include "runtime/program_machine.h"

/* A letter, each byte being a character of Latin-1. */
static bool ml_is_letter(char byte)
{
    unsigned char c = (unsigned char)byte;
    if (c < 0x80)
        return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    return c == 0xAA || c == 0xB5 || c == 0xBA || (c >= 0xC0 && c != 0xD7 && c != 0xF7);
}

static bool ml_is_letter_or_digit(char byte)
{
    unsigned char c = (unsigned char)byte;
    bool numeral = c == 0xB2 || c == 0xB3 || c == 0xB9 || (c >= 0xBC && c <= 0xBE);
    return ml_is_letter(byte) || (c >= '0' && c <= '9') || numeral;
}

static const struct {
    char name[8];
    uint32_t c;
} ml_entities[] = {
    {"amp", '&'},      {"lt", '<'},       {"gt", '>'},        {"quot", '"'},     {"apos", '\''},
    {"nbsp", 0xA0},    {"copy", 0xA9},    {"reg", 0xAE},      {"deg", 0xB0},     {"euro", 0x20AC},
    {"ndash", 0x2013}, {"mdash", 0x2014}, {"hellip", 0x2026}, {"lsquo", 0x2018}, {"rsquo", 0x2019},
    {"ldquo", 0x201C}, {"rdquo", 0x201D},
};

/* "#39" or "#x27". */
static bool ml_number_entity(struct ml_text name, uint32_t *c)
{
    bool hex = name.len > 1 && (name.at[1] | 0x20) == 'x';
    uint32_t value = 0;
    for (size_t i = hex ? 2 : 1; i < name.len; i++) {
        unsigned digit = (unsigned char)name.at[i] - (unsigned)'0',
                 letter = ((unsigned char)name.at[i] | 0x20U) - 'a';
        unsigned next = digit < 10 ? digit : hex && letter < 6 ? letter + 10 : 99;
        if (next == 99 || value > 0x10FFFF)
            return false;
        value = value * (hex ? 16 : 10) + next;
    }
    *c = value;
    return name.len > (hex ? 2U : 1U);
}

/* The character "&name;" stands for at the start of t; its length, or 0. */
static size_t ml_entity(struct ml_text t, uint32_t *c)
{
    const char *end = memchr(t.at, ';', t.len < 12 ? t.len : 12);
    if (!end)
        return 0;
    struct ml_text name = {t.at + 1, (size_t)(end - t.at) - 1};
    if (name.len > 0 && name.at[0] == '#')
        return ml_number_entity(name, c) ? name.len + 2 : 0;
    for (size_t i = 0; i < COUNT_OF(ml_entities); i++) {
        size_t n = strlen(ml_entities[i].name);
        if (n == name.len && memcmp(name.at, ml_entities[i].name, n) == 0) {
            *c = ml_entities[i].c;
            return n + 2;
        }
    }
    return 0;
}

static bool ml_same_name(struct ml_text t, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if (i >= t.len || (t.at[i] | 0x20) != name[i])
            return false;
    return true;
}

/* Bytes of the comment t, which ends with the text when nothing ends it. */
static size_t ml_comment(struct ml_text t)
{
    for (size_t at = 4; at + 3 <= t.len; at++)
        if (memcmp(t.at + at, "-->", 3) == 0)
            return at + 3;
    return t.len;
}

/* Of the tag, comment, script or style at the start of t, which is '<'; 0: a plain '<'. */
static size_t ml_tag(struct ml_text t)
{
    static const char whole[][2][9] = {{"<script", "</script"}, {"<style", "</style"}};
    if (t.len < 2 || !(ml_is_letter(t.at[1]) || memchr("/!?", t.at[1], 4)))
        return 0;
    if (t.len > 3 && memcmp(t.at, "<!--", 4) == 0)
        return ml_comment(t);
    size_t at = 1;
    for (size_t i = 0; i < COUNT_OF(whole); i++)
        if (ml_same_name(t, whole[i][0]))
            while (at < t.len &&
                   !ml_same_name((struct ml_text){t.at + at, t.len - at}, whole[i][1]))
                at++;
    const char *end = at < t.len ? memchr(t.at + at, '>', t.len - at) : NULL;
    return end ? (size_t)(end - t.at) + 1 : t.len;
}

size_t ml_markup(struct ml_text t, uint32_t *c)
{
    *c = 0;
    return t.at[0] == '<' ? ml_tag(t) : t.at[0] == '&' ? ml_entity(t, c) : 0;
}

/* Longer endings before shorter ones. 's stays: it may be a genitive. */
static const struct {
    char from[8], to[12];
} ml_contracted[] = {
    {"won't", "will not"}, {"can't", "cannot"}, {"shan't", "shall not"},
    {"let's", "let us"},   {"n't", " not"},     {"'re", " are"},
    {"'ve", " have"},      {"'ll", " will"},    {"'m", " am"},
};

/* Bytes at the start of t that look like `form`. */
static size_t ml_looks_like(struct ml_text t, const char *form)
{
    size_t at = 0;
    for (; *form; form++) {
        bool curly = *form == '\'' && t.len - at >= 3 && memcmp(t.at + at, "\xE2\x80\x99", 3) == 0;
        bool same = at < t.len && (*form == '\'' ? t.at[at] == '\'' : (t.at[at] | 0x20) == *form);
        if (!curly && !same)
            return 0;
        at += curly ? 3 : 1;
    }
    return at < t.len && ml_is_letter_or_digit(t.at[at]) ? 0 : at;
}

size_t ml_contraction(struct ml_text t, bool start, const char **stands_for)
{
    for (size_t i = 0; i < COUNT_OF(ml_contracted); i++) {
        bool whole = ml_contracted[i].to[0] != ' ';
        size_t n = whole == start ? ml_looks_like(t, ml_contracted[i].from) : 0;
        if (n > 0) {
            *stands_for = ml_contracted[i].to;
            return n;
        }
    }
    return 0;
}

bool ml_ends_word(char c)
{
    return (unsigned char)c < 0x80 && !ml_is_letter_or_digit(c);
}

ML_OPERATION(strip_markup)
{
    const struct ml_cell *x = &m->r[o->a];
    struct ml_draft d = ml_draft(m);
    if (!x->at)
        return ml_give_text(m, o, NULL, 0);
    for (size_t i = 0; i < x->len && !d.full;) {
        uint32_t c = 0;
        size_t n = ml_markup((struct ml_text){x->at + i, x->len - i}, &c);
        if (c)
            ml_put_char(&d, c);
        else if (n == 0)
            ml_put(&d, x->at + i, 1);
        i += n ? n : 1;
    }
    return ml_give_draft(o, &d);
}

ML_OPERATION(expand_contractions)
{
    const struct ml_cell *x = &m->r[o->a];
    struct ml_draft d = ml_draft(m);
    bool start = true;
    if (!x->at)
        return ml_give_text(m, o, NULL, 0);
    for (size_t i = 0; i < x->len && !d.full;) {
        const char *stands_for = "";
        size_t n = ml_contraction((struct ml_text){x->at + i, x->len - i}, start, &stands_for);
        if (n == 0)
            ml_put(&d, x->at + i, 1);
        else
            ml_put(&d, stands_for, strlen(stands_for));
        start = n == 0 && ml_ends_word(x->at[i]);
        i += n ? n : 1;
    }
    return ml_give_draft(o, &d);
}

/* Windows-1252 at 0x80 to 0x9f; 0 where it has no character. */
static const uint16_t ml_windows_1252[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

/* The byte that Windows-1252, or where it has none Latin-1, reads as c; -1 when there is none. */
static int ml_byte_of(uint32_t c)
{
    if (c < 0x100)
        return (int)c;
    for (size_t i = 0; i < COUNT_OF(ml_windows_1252); i++)
        if (ml_windows_1252[i] == c)
            return (int)(0x80 + i);
    return -1;
}

bool ml_unread(struct ml_text t, char *out, size_t *n)
{
    size_t used = 0;
    *n = 0;
    for (size_t i = 0; i < t.len; i += used) {
        int byte = ml_byte_of(utf8_decode(t.at + i, t.len - i, &used));
        if (byte < 0)
            return false;
        out[(*n)++] = (char)(unsigned char)byte;
    }
    return utf8_valid_prefix(out, *n) == *n;
}

static bool ml_is_ascii(const struct ml_cell *x)
{
    for (size_t i = 0; i < x->len; i++)
        if ((unsigned char)x->at[i] >= 0x80)
            return false;
    return true;
}

ML_OPERATION(unread)
{
    struct ml_cell x = m->r[o->a];
    for (int i = 0; x.at && i < ML_REPAIRS_MAX && !ml_is_ascii(&x); i++) {
        char *out = ml_scratch_room(m, x.len);
        size_t n = 0;
        if (!out)
            return -ML_WHY_LONG;
        if (!ml_unread((struct ml_text){x.at, x.len}, out, &n))
            break;
        m->scratch += n;
        m->room -= n;
        x = (struct ml_cell){.at = out, .len = (uint32_t)n};
    }
    m->r[o->to] = x;
    return 0;
}
