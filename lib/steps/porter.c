/* Porter's stemmer, step by step as in the paper. */
#include "steps/words.h"

/* A word being cut: its letters w[0..len). */
struct stem {
    char *w;
    size_t len;
};

static bool consonant(const struct stem *s, size_t i)
{
    if (memchr("aeiou", s->w[i], 5))
        return false;
    return s->w[i] != 'y' || i == 0 || !consonant(s, i - 1);
}

/* The number of vowel-consonant sequences in the first n letters. */
static size_t measure(const struct stem *s, size_t n)
{
    size_t count = 0;
    for (size_t i = 1; i < n; i++)
        count += consonant(s, i) && !consonant(s, i - 1);
    return count;
}

static bool has_vowel(const struct stem *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!consonant(s, i))
            return true;
    return false;
}

static bool double_consonant(const struct stem *s)
{
    return s->len > 1 && s->w[s->len - 1] == s->w[s->len - 2] && consonant(s, s->len - 1);
}

/* The first n letters end consonant, vowel, consonant other than w, x, y. */
static bool short_end(const struct stem *s, size_t n)
{
    return n > 2 && consonant(s, n - 1) && !consonant(s, n - 2) && consonant(s, n - 3) &&
           !memchr("wxy", s->w[n - 1], 3);
}

static bool ends(const struct stem *s, const char *suffix)
{
    size_t n = strlen(suffix);
    return s->len >= n && memcmp(s->w + s->len - n, suffix, n) == 0;
}

static void swap(struct stem *s, const char *suffix, const char *by)
{
    size_t n = strlen(by);
    s->len -= strlen(suffix);
    memcpy(s->w + s->len, by, n);
    s->len += n;
}

struct rule {
    const char *suffix, *by;
};

/* The longest suffix that fits decides: rules stand with longer ones before those they end with. */
static void apply(struct stem *s, const struct rule *rules, size_t count, size_t least)
{
    for (size_t i = 0; i < count; i++) {
        if (!ends(s, rules[i].suffix))
            continue;
        if (measure(s, s->len - strlen(rules[i].suffix)) > least)
            swap(s, rules[i].suffix, rules[i].by);
        return;
    }
}

static void plural(struct stem *s)
{
    if (ends(s, "sses"))
        swap(s, "sses", "ss");
    else if (ends(s, "ies"))
        swap(s, "ies", "i");
    else if (ends(s, "s") && !ends(s, "ss"))
        s->len--;
}

static void restore_end(struct stem *s)
{
    if (ends(s, "at") || ends(s, "bl") || ends(s, "iz"))
        s->w[s->len++] = 'e'; /* at least two letters were cut off */
    else if (double_consonant(s) && !memchr("lsz", s->w[s->len - 1], 3))
        s->len--;
    else if (measure(s, s->len) == 1 && short_end(s, s->len))
        s->w[s->len++] = 'e';
}

static void past_and_participle(struct stem *s)
{
    if (ends(s, "eed")) {
        if (measure(s, s->len - 3) > 0)
            s->len--;
        return;
    }
    size_t cut = ends(s, "ed") ? 2 : ends(s, "ing") ? 3 : 0;
    if (cut == 0 || !has_vowel(s, s->len - cut))
        return;
    s->len -= cut;
    restore_end(s);
}

/* (m>1) and a suffix that goes; -ion only behind s or t. */
static void residual(struct stem *s)
{
    static const char *const suffixes[] = {"ement", "ance", "ence", "able", "ible", "ment", "ant",
                                           "ent",   "ion",  "ism",  "ate",  "iti",  "ous",  "ive",
                                           "ize",   "al",   "er",   "ic",   "ou"};
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        if (!ends(s, suffixes[i]))
            continue;
        size_t rest = s->len - strlen(suffixes[i]);
        bool ion = strcmp(suffixes[i], "ion") == 0;
        if (measure(s, rest) > 1 && (!ion || (s->w[rest - 1] == 's' || s->w[rest - 1] == 't')))
            s->len = rest;
        return;
    }
}

static void final_letters(struct stem *s)
{
    if (ends(s, "e")) {
        size_t m = measure(s, s->len - 1);
        if (m > 1 || (m == 1 && !short_end(s, s->len - 1)))
            s->len--;
    }
    if (ends(s, "ll") && measure(s, s->len) > 1)
        s->len--;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the stem is made in place */
size_t porter_stem(char *word, size_t len)
{
    static const struct rule second[] = {
        {"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"},   {"anci", "ance"},
        {"izer", "ize"},    {"abli", "able"},   {"alli", "al"},     {"entli", "ent"},
        {"eli", "e"},       {"ousli", "ous"},   {"ization", "ize"}, {"ation", "ate"},
        {"ator", "ate"},    {"alism", "al"},    {"iveness", "ive"}, {"fulness", "ful"},
        {"ousness", "ous"}, {"aliti", "al"},    {"iviti", "ive"},   {"biliti", "ble"},
    };
    static const struct rule third[] = {{"icate", "ic"}, {"ative", ""},  {"alize", "al"},
                                        {"iciti", "ic"}, {"ical", "ic"}, {"ful", ""},
                                        {"ness", ""}};
    struct stem s = {word, len};
    for (size_t i = 0; i < len; i++)
        if (word[i] < 'a' || word[i] > 'z')
            return len;
    if (len <= 2)
        return len;
    plural(&s);
    past_and_participle(&s);
    if (ends(&s, "y") && has_vowel(&s, s.len - 1))
        s.w[s.len - 1] = 'i';
    apply(&s, second, COUNT_OF(second), 0);
    apply(&s, third, COUNT_OF(third), 0);
    residual(&s);
    final_letters(&s);
    return s.len;
}
