/* How alike two texts are: edits, shared words, and how they sound in English. */
#include "expr/distance.h"
#include "expr/fn_text.h"

#include <stdio.h>

/* Tables of edits grow with the product of the lengths. */
static bool both_characters(struct call *c, const struct value *a, struct characters *x,
                            struct characters *y)
{
    enum { PRODUCT_MAX = 100000000 };
    *x = characters_of(a[0].text, c->arena);
    *y = characters_of(a[1].text, c->arena);
    if (x->count == 0 || y->count <= PRODUCT_MAX / x->count)
        return true;
    return call_fail(c, "%s: texts of %zu and %zu characters are too long to compare",
                     c->node->fn->about.name, x->count, y->count);
}

KERNEL(do_levenshtein)
{
    struct characters x, y;
    return both_characters(c, a, &x, &y) &&
           give_int(out, (int64_t)edit_distance(&x, &y, false, c->arena));
}

KERNEL(do_damerau)
{
    struct characters x, y;
    return both_characters(c, a, &x, &y) &&
           give_int(out, (int64_t)edit_distance(&x, &y, true, c->arena));
}

KERNEL(do_hamming)
{
    struct characters x = characters_of(a[0].text, c->arena);
    struct characters y = characters_of(a[1].text, c->arena);
    int64_t different = 0;
    if (x.count != y.count)
        return call_fail(c, "hamming wants texts of one length, not of %zu and %zu characters",
                         x.count, y.count);
    for (size_t i = 0; i < x.count; i++)
        different += x.at[i] != y.at[i];
    return give_int(out, different);
}

KERNEL(do_jaro_winkler)
{
    struct characters x, y;
    return both_characters(c, a, &x, &y) && give_double(out, jaro_winkler(&x, &y, c->arena));
}

static void put_words(struct map *words, struct text s)
{
    for (size_t i = 0, start = 0, used = 0; i <= s.len; i += used) {
        bool end = i == s.len || is_space_char(utf8_decode(s.at + i, s.len - i, &used));
        if (end && i > start)
            map_put(words, (struct text){s.at + start, i - start}, NULL);
        if (end)
            start = i + used;
        if (i == s.len)
            break;
    }
}

KERNEL(do_jaccard)
{
    struct map first = {0}, second = {0};
    size_t shared = 0;
    put_words(&first, a[0].text);
    put_words(&second, a[1].text);
    for (size_t i = 0; i < first.keys.len; i++)
        shared += map_get(&second, first.keys.at[i]) != MAP_NONE;
    size_t all = first.keys.len + second.keys.len - shared;
    map_release(&first);
    map_release(&second);
    return give_double(out, all > 0 ? (double)shared / (double)all : 1.0);
}

/* The letters A-Z of s in capitals, NUL-terminated. */
static char *letters_of(struct text s, struct arena *arena)
{
    char *letters = arena_alloc(arena, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        char upper = s.at[i] >= 'a' && s.at[i] <= 'z' ? (char)(s.at[i] - 32) : s.at[i];
        if (upper >= 'A' && upper <= 'Z')
            letters[n++] = upper;
    }
    letters[n] = 0;
    return letters;
}

/* H and W do not part two letters of one class, vowels do. */
KERNEL(do_soundex)
{
    /*                           ABCDEFGHIJKLMNOPQRSTUVWXYZ */
    static const char classes[] = "01230120022455012623010202";
    const char *p = letters_of(a[0].text, c->arena);
    char last = 0;
    if (!*p)
        return true;
    buf_putc(&c->scratch, *p);
    last = classes[*p - 'A'];
    for (p++; *p && c->scratch.len < 4; p++) {
        char class = classes[*p - 'A'];
        if (*p == 'H' || *p == 'W')
            continue;
        if (class != '0' && class != last)
            buf_putc(&c->scratch, class);
        last = class;
    }
    while (c->scratch.len < 4)
        buf_putc(&c->scratch, '0');
    return give_scratch(c, out);
}

/* Metaphone (Philips 1990) as rules: the first whose letters, neighbour before and neighbour after
 * fit gives the sound and says how many letters it used. "^" and "$" are the ends of the word. */
static const struct sound {
    const char *letters, *before, *after, *sound;
    size_t used;
} sounds[] = {
    {"AE", "^", NULL, "E", 2},    {"GN", "^", NULL, "N", 2},    {"KN", "^", NULL, "N", 2},
    {"PN", "^", NULL, "N", 2},    {"WR", "^", NULL, "R", 2},    {"WH", "^", NULL, "W", 2},
    {"X", "^", NULL, "S", 1},     {"A", "^", NULL, "A", 1},     {"E", "^", NULL, "E", 1},
    {"I", "^", NULL, "I", 1},     {"O", "^", NULL, "O", 1},     {"U", "^", NULL, "U", 1},
    {"B", "M", "$", "", 1},       {"B", NULL, NULL, "B", 1},    {"CIA", NULL, NULL, "X", 1},
    {"CH", "S", NULL, "K", 2},    {"CH", NULL, NULL, "X", 2},   {"C", "S", "EIY", "", 1},
    {"C", NULL, "EIY", "S", 1},   {"C", NULL, NULL, "K", 1},    {"DG", NULL, "EIY", "J", 2},
    {"D", NULL, NULL, "T", 1},    {"F", NULL, NULL, "F", 1},    {"GH", NULL, "AEIOU", "K", 2},
    {"GH", NULL, NULL, "", 2},    {"GNED", NULL, "$", "NT", 4}, {"GN", NULL, "$", "N", 2},
    {"G", NULL, "EIY", "J", 1},   {"G", NULL, NULL, "K", 1},    {"H", NULL, "AEIOU", "H", 1},
    {"J", NULL, NULL, "J", 1},    {"K", "C", NULL, "", 1},      {"K", NULL, NULL, "K", 1},
    {"L", NULL, NULL, "L", 1},    {"M", NULL, NULL, "M", 1},    {"N", NULL, NULL, "N", 1},
    {"PH", NULL, NULL, "F", 2},   {"P", NULL, NULL, "P", 1},    {"Q", NULL, NULL, "K", 1},
    {"R", NULL, NULL, "R", 1},    {"SCH", NULL, NULL, "SK", 3}, {"SH", NULL, NULL, "X", 2},
    {"SIO", NULL, NULL, "X", 1},  {"SIA", NULL, NULL, "X", 1},  {"S", NULL, NULL, "S", 1},
    {"TIA", NULL, NULL, "X", 1},  {"TIO", NULL, NULL, "X", 1},  {"TH", NULL, NULL, "0", 2},
    {"TCH", NULL, NULL, "", 1},   {"T", NULL, NULL, "T", 1},    {"V", NULL, NULL, "F", 1},
    {"W", NULL, "AEIOU", "W", 1}, {"X", NULL, NULL, "KS", 1},   {"Y", NULL, "AEIOU", "Y", 1},
    {"Z", NULL, NULL, "S", 1},
};

static bool neighbour_fits(const char *set, char neighbour, char end)
{
    return !set || strchr(set, neighbour ? neighbour : end) != NULL;
}

static const struct sound *sound_at(const char *word, size_t i)
{
    for (size_t k = 0; k < COUNT_OF(sounds); k++) {
        const struct sound *s = &sounds[k];
        size_t n = strlen(s->letters);
        if (strncmp(word + i, s->letters, n) == 0 &&
            neighbour_fits(s->before, i > 0 ? word[i - 1] : 0, '^') &&
            neighbour_fits(s->after, word[i + n], '$'))
            return s;
    }
    return NULL;
}

KERNEL(do_metaphone)
{
    const char *word = letters_of(a[0].text, c->arena);
    for (size_t i = 0; word[i];) {
        bool doubled = i > 0 && word[i] == word[i - 1] && word[i] != 'C';
        const struct sound *s = doubled ? NULL : sound_at(word, i);
        if (s)
            buf_puts(&c->scratch, s->sound);
        i += s ? s->used : 1;
    }
    return give_scratch(c, out);
}

#define TEXT "text"
static const struct function_row rows[] = {
    {{"damerau", TEXT, "damerau(a, b) -> int",
      "fewest inserts, deletes, replacements and swaps of neighbours that make a into b",
      "damerau(\"form\", \"from\")", "1"},
     "tt",
     'i',
     .row = do_damerau},
    {{"hamming", TEXT, "hamming(a, b) -> int", "places at which texts of one length differ",
      "hamming(\"karolin\", \"kathrin\")", "3"},
     "tt",
     'i',
     .row = do_hamming},
    {{"jaccard", TEXT, "jaccard(a, b) -> float", "share of their words that both texts have",
      "jaccard(\"red green\", \"green blue blue red\")", "0.6666666666666666"},
     "tt",
     'f',
     .row = do_jaccard},
    {{"jaro_winkler", TEXT, "jaro_winkler(a, b) -> float",
      "similarity of names from 0 to 1, common beginnings count more",
      "round_to(jaro_winkler(\"MARTHA\", \"MARHTA\"), 4)", "0.9611"},
     "tt",
     'f',
     .row = do_jaro_winkler},
    {{"levenshtein", TEXT, "levenshtein(a, b) -> int",
      "fewest inserts, deletes and replacements that make a into b",
      "levenshtein(\"kitten\", \"sitting\")", "3"},
     "tt",
     'i',
     .row = do_levenshtein},
    {{"metaphone", TEXT, "metaphone(text) -> text", "how an English word sounds, by Metaphone",
      "metaphone(\"Knight\")", "NT"},
     "t",
     't',
     .row = do_metaphone},
    {{"soundex", TEXT, "soundex(text) -> text",
      "a letter and three digits for how a name sounds; missing without letters A-Z",
      "soundex(\"Robert\")", "R163"},
     "t",
     't',
     .row = do_soundex},
};
const struct function_family distance_functions = {rows, COUNT_OF(rows)};
