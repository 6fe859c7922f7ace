/* Words of a text. */
#include "steps/words.h"

bool word_next(struct text *rest, size_t least, struct text *word)
{
    const char *start = rest->at;
    size_t chars = 0;
    uint32_t c;
    while (rest->len > 0) {
        const char *at = rest->at;
        (void)text_next(rest, &c);
        if (letter_is_alnum(c) || c == '_') {
            start = chars++ ? start : at;
            if (rest->len > 0)
                continue;
            at = rest->at;
        }
        if (chars >= least && chars > 0) {
            *word = (struct text){start, (size_t)(at - start)};
            return true;
        }
        chars = 0;
    }
    return false;
}

void put_word_lower(struct buf *out, struct text word)
{
    uint32_t c;
    while (text_next(&word, &c))
        put_lower(out, c);
}

/* Sorted by bytes: articles, pronouns, prepositions, conjunctions, auxiliary verbs. */
static const char *const common[] = {
    "a",       "about",     "above",      "after",    "again",      "against", "all",     "also",
    "am",      "an",        "and",        "any",      "are",        "as",      "at",      "be",
    "because", "been",      "before",     "being",    "below",      "between", "both",    "but",
    "by",      "can",       "could",      "did",      "do",         "does",    "doing",   "down",
    "during",  "each",      "few",        "for",      "from",       "further", "had",     "has",
    "have",    "having",    "he",         "her",      "here",       "hers",    "herself", "him",
    "himself", "his",       "how",        "i",        "if",         "in",      "into",    "is",
    "it",      "its",       "itself",     "just",     "may",        "me",      "might",   "more",
    "most",    "must",      "my",         "myself",   "no",         "nor",     "not",     "now",
    "of",      "off",       "on",         "once",     "only",       "or",      "other",   "our",
    "ours",    "ourselves", "out",        "over",     "own",        "same",    "shall",   "she",
    "should",  "so",        "some",       "such",     "than",       "that",    "the",     "their",
    "theirs",  "them",      "themselves", "then",     "there",      "these",   "they",    "this",
    "those",   "through",   "to",         "too",      "under",      "until",   "up",      "upon",
    "us",      "very",      "was",        "we",       "were",       "what",    "when",    "where",
    "which",   "while",     "who",        "whom",     "why",        "will",    "with",    "would",
    "you",     "your",      "yours",      "yourself", "yourselves",
};

const char *word_common(size_t i)
{
    return i < COUNT_OF(common) ? common[i] : NULL;
}

bool word_is_common(struct text word)
{
    size_t low = 0, high = COUNT_OF(common);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = text_compare(word, text_of(common[middle]));
        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}
