/* Porter's stemmer, step by step as in the paper. */
#include "runtime/program_machine.h"

/* A word being cut: its letters w[0..len). */
struct ml_stem {
    char *w;
    size_t len;
};

/* Whether letter i is a consonant, the one before it being one or not: a y behind a consonant is
 * none. */
static bool ml_consonant_behind(const struct ml_stem *s, size_t i, bool before)
{
    if (memchr("aeiou", s->w[i], 5))
        return false;
    return s->w[i] != 'y' || !before;
}

static bool ml_consonant(const struct ml_stem *s, size_t i)
{
    size_t start = i;
    bool is = false;
    while (start > 0 && s->w[start] == 'y')
        start--;
    for (; start <= i; start++)
        is = ml_consonant_behind(s, start, is);
    return is;
}

/* The number of vowel-consonant sequences in the first n letters. */
static size_t ml_stem_measure(const struct ml_stem *s, size_t n)
{
    size_t count = 0;
    bool before = n > 0 && ml_consonant(s, 0);
    for (size_t i = 1; i < n; i++) {
        bool is = ml_consonant_behind(s, i, before);
        count += is && !before;
        before = is;
    }
    return count;
}

static bool ml_has_vowel(const struct ml_stem *s, size_t n)
{
    bool is = false;
    for (size_t i = 0; i < n; i++) {
        is = ml_consonant_behind(s, i, is);
        if (!is)
            return true;
    }
    return false;
}

static bool ml_double_consonant(const struct ml_stem *s)
{
    return s->len > 1 && s->w[s->len - 1] == s->w[s->len - 2] && ml_consonant(s, s->len - 1);
}

/* The first n letters end consonant, vowel, consonant other than w, x, y. */
static bool ml_short_end(const struct ml_stem *s, size_t n)
{
    return n > 2 && ml_consonant(s, n - 1) && !ml_consonant(s, n - 2) && ml_consonant(s, n - 3) &&
           !memchr("wxy", s->w[n - 1], 3);
}

static bool ml_stem_ends(const struct ml_stem *s, const char *suffix)
{
    size_t n = strlen(suffix);
    return s->len >= n && memcmp(s->w + s->len - n, suffix, n) == 0;
}

static void ml_stem_swap(struct ml_stem *s, const char *suffix, const char *by)
{
    size_t n = strlen(by);
    s->len -= strlen(suffix);
    memcpy(s->w + s->len, by, n);
    s->len += n;
}

struct ml_stem_rule {
    const char *suffix, *by;
};

/* The longest suffix that fits decides: rules stand with longer ones before those they end with. */
static void ml_stem_apply(struct ml_stem *s, const struct ml_stem_rule *rules, size_t count,
                          size_t least)
{
    for (size_t i = 0; i < count; i++) {
        if (!ml_stem_ends(s, rules[i].suffix))
            continue;
        if (ml_stem_measure(s, s->len - strlen(rules[i].suffix)) > least)
            ml_stem_swap(s, rules[i].suffix, rules[i].by);
        return;
    }
}

static void ml_stem_plural(struct ml_stem *s)
{
    if (ml_stem_ends(s, "sses"))
        ml_stem_swap(s, "sses", "ss");
    else if (ml_stem_ends(s, "ies"))
        ml_stem_swap(s, "ies", "i");
    else if (ml_stem_ends(s, "s") && !ml_stem_ends(s, "ss"))
        s->len--;
}

static void ml_restore_end(struct ml_stem *s)
{
    if (ml_stem_ends(s, "at") || ml_stem_ends(s, "bl") || ml_stem_ends(s, "iz"))
        s->w[s->len++] = 'e'; /* at least two letters were cut off */
    else if (ml_double_consonant(s) && !memchr("lsz", s->w[s->len - 1], 3))
        s->len--;
    else if (ml_stem_measure(s, s->len) == 1 && ml_short_end(s, s->len))
        s->w[s->len++] = 'e';
}

static void ml_past_and_participle(struct ml_stem *s)
{
    if (ml_stem_ends(s, "eed")) {
        if (ml_stem_measure(s, s->len - 3) > 0)
            s->len--;
        return;
    }
    size_t cut = ml_stem_ends(s, "ed") ? 2 : ml_stem_ends(s, "ing") ? 3 : 0;
    if (cut == 0 || !ml_has_vowel(s, s->len - cut))
        return;
    s->len -= cut;
    ml_restore_end(s);
}

/* (m>1) and a suffix that goes; -ion only behind s or t. */
static void ml_residual(struct ml_stem *s)
{
    static const char *const suffixes[] = {"ement", "ance", "ence", "able", "ible", "ment", "ant",
                                           "ent",   "ion",  "ism",  "ate",  "iti",  "ous",  "ive",
                                           "ize",   "al",   "er",   "ic",   "ou"};
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        if (!ml_stem_ends(s, suffixes[i]))
            continue;
        size_t rest = s->len - strlen(suffixes[i]);
        bool ion = strcmp(suffixes[i], "ion") == 0;
        if (ml_stem_measure(s, rest) > 1 &&
            (!ion || (s->w[rest - 1] == 's' || s->w[rest - 1] == 't')))
            s->len = rest;
        return;
    }
}

static void ml_final_letters(struct ml_stem *s)
{
    if (ml_stem_ends(s, "e")) {
        size_t m = ml_stem_measure(s, s->len - 1);
        if (m > 1 || (m == 1 && !ml_short_end(s, s->len - 1)))
            s->len--;
    }
    if (ml_stem_ends(s, "ll") && ml_stem_measure(s, s->len) > 1)
        s->len--;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the stem is made in place */
size_t ml_porter_stem(char *word, size_t len)
{
    static const struct ml_stem_rule second[] = {
        {"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"},   {"anci", "ance"},
        {"izer", "ize"},    {"abli", "able"},   {"alli", "al"},     {"entli", "ent"},
        {"eli", "e"},       {"ousli", "ous"},   {"ization", "ize"}, {"ation", "ate"},
        {"ator", "ate"},    {"alism", "al"},    {"iveness", "ive"}, {"fulness", "ful"},
        {"ousness", "ous"}, {"aliti", "al"},    {"iviti", "ive"},   {"biliti", "ble"},
    };
    static const struct ml_stem_rule third[] = {{"icate", "ic"}, {"ative", ""},  {"alize", "al"},
                                                {"iciti", "ic"}, {"ical", "ic"}, {"ful", ""},
                                                {"ness", ""}};
    struct ml_stem s = {word, len};
    for (size_t i = 0; i < len; i++)
        if (word[i] < 'a' || word[i] > 'z')
            return len;
    if (len <= 2)
        return len;
    ml_stem_plural(&s);
    ml_past_and_participle(&s);
    if (ml_stem_ends(&s, "y") && ml_has_vowel(&s, s.len - 1))
        s.w[s.len - 1] = 'i';
    ml_stem_apply(&s, second, COUNT_OF(second), 0);
    ml_stem_apply(&s, third, COUNT_OF(third), 0);
    ml_residual(&s);
    ml_final_letters(&s);
    return s.len;
}
