/* Text cleaned, word by word or character by character. */
#include "prep/rowwise.h"
#include "runtime/program_markup.h"
#include "runtime/program_stem.h"
#include "steps/letters_lower.h"
#include "steps/steps.h"
#include "steps/words.h"

#include <stdlib.h>
#include <utf8proc.h>

/* Text that is not valid UTF-8 stays as it is. */
static struct text mapped(struct mapping *m, struct text cell, utf8proc_option_t options)
{
    utf8proc_uint8_t *made = NULL;
    if (text_is_ascii(cell))
        return cell;
    utf8proc_ssize_t n =
        utf8proc_map((const utf8proc_uint8_t *)cell.at, (utf8proc_ssize_t)cell.len, &made, options);
    if (n < 0)
        return cell;
    buf_add(&m->scratch, made, (size_t)n);
    free(made);
    return mapping_text(m);
}

static struct text normalize(struct mapping *m, struct text cell)
{
    static const utf8proc_option_t forms[] = {
        UTF8PROC_STABLE | UTF8PROC_COMPOSE, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE,
        UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT,
        UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT};
    return mapped(m, cell, forms[arg_choice(m->step, "form")]);
}

static struct text without_accents(struct mapping *m, struct text cell)
{
    return mapped(m, cell, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_STRIPMARK);
}

/* What a character alone is without its accents; 0: nothing. */
static uint32_t plain_character(uint32_t c)
{
    utf8proc_int32_t parts[8];
    int last = 0;
    utf8proc_ssize_t n =
        utf8proc_decompose_char((utf8proc_int32_t)c, parts, COUNT_OF(parts),
                                UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_STRIPMARK, &last);
    return n == 0 ? 0 : n == 1 ? (uint32_t)parts[0] : c;
}

static uint32_t base_letter(uint32_t c)
{
    uint32_t base = plain_character(c);
    return base ? base : c;
}

static bool is_mark(uint32_t c)
{
    return c > 0 && plain_character(c) == 0;
}

/* Syllables, which have several parts, stay; letters may become such. */
static int lower_accents(struct lower_map *m)
{
    struct lowering *l = m->to;
    uint32_t bases = lower_map_characters(l, m->in[0], base_letter, NULL, 0, true);
    uint32_t rest = lower_op(l, ML_OP_squeeze, bases, lower_characters(l, is_mark), 0);
    m->out[0] = lower_op(l, ML_OP_join_jamo, rest, 0, 0);
    return 0;
}

static struct ml_text plain(struct text t, size_t from)
{
    return (struct ml_text){t.at + from, t.len - from};
}

static struct text without_html(struct mapping *m, struct text cell)
{
    if (!memchr(cell.at, '<', cell.len) && !memchr(cell.at, '&', cell.len))
        return cell;
    for (size_t i = 0; i < cell.len;) {
        uint32_t c = 0;
        size_t n = ml_markup(plain(cell, i), &c);
        if (c)
            put_char(&m->scratch, c);
        else if (n == 0)
            buf_putc(&m->scratch, cell.at[i]);
        i += n ? n : 1;
    }
    return mapping_text(m);
}

static int lower_html(struct lower_map *m)
{
    m->out[0] = lower_op(m->to, ML_OP_strip_markup, m->in[0], 0, 0);
    return 0;
}

static bool is_punctuation(uint32_t c)
{
    if (c < 0x80)
        return c > ' ' && c < 0x7F && !letter_is_alnum(c);
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

static struct text without_punctuation(struct mapping *m, struct text cell)
{
    struct text with = arg_text(m->step, "with");
    uint32_t c;
    for (struct text t = cell; text_next(&t, &c);)
        if (is_punctuation(c))
            buf_add(&m->scratch, with.at, with.len);
        else
            put_char(&m->scratch, c);
    return mapping_text(m);
}

static int lower_punctuation(struct lower_map *m)
{
    m->out[0] =
        lower_replace_characters(m->to, m->in[0], is_punctuation, arg_text(m->step, "with"));
    return 0;
}

struct word_list {
    struct map map;
    bool own; /* instead of the common English words */
};

static void word_list_free(void *own)
{
    struct word_list *list = own;
    map_release(&list->map);
    mem_free(list);
}

static int prepare_stopwords(struct step *s, const struct schema *in, struct error *e)
{
    (void)in, (void)e;
    struct word_list *list = mem_alloc(sizeof *list);
    rowwise_plan(s)->own = list;
    struct text *words;
    size_t count = arg_list(s, "words", &words);
    list->own = count > 0;
    for (size_t i = 0; i < count; i++)
        map_put(&list->map, words[i], NULL);
    return 0;
}

/* Copies what stands between words, and for each word calls `edit`, with the word in small letters
 * at the end of the scratch from `at` on. */
static struct text each_word(struct mapping *m, struct text cell,
                             void (*edit)(struct mapping *m, struct text word, size_t at))
{
    struct text rest = cell, word;
    const char *copied = cell.at;
    while (word_next(&rest, 1, &word)) {
        buf_add(&m->scratch, copied, (size_t)(word.at - copied));
        size_t at = m->scratch.len;
        put_word_lower(&m->scratch, word);
        edit(m, word, at);
        copied = word.at + word.len;
    }
    buf_add(&m->scratch, copied, (size_t)(cell.at + cell.len - copied));
    return mapping_text(m);
}

/* A stop word goes with the blanks before it. */
static void drop_stopword(struct mapping *m, struct text word, size_t at)
{
    const struct word_list *list = m->own;
    struct text lower = {m->scratch.at + at, m->scratch.len - at};
    bool stop = list->own ? map_get(&list->map, lower) != MAP_NONE : word_is_common(lower);
    m->scratch.len = at;
    while (stop && m->scratch.len > 0 && m->scratch.at[m->scratch.len - 1] == ' ')
        m->scratch.len--;
    if (!stop)
        buf_add(&m->scratch, word.at, word.len);
}

static struct text without_stopwords(struct mapping *m, struct text cell)
{
    struct text made = each_word(m, cell, drop_stopword);
    while (made.len > 0 && made.at[0] == ' ')
        made.at++, made.len--;
    return made;
}

static void stem_word(struct mapping *m, struct text word, size_t at)
{
    (void)word;
    m->scratch.len = at + ml_porter_stem(m->scratch.at + at, m->scratch.len - at);
}

static struct text stemmed(struct mapping *m, struct text cell)
{
    return each_word(m, cell, stem_word);
}

/* A text as it is and in small letters. */
static uint32_t lower_pair(struct lower_map *m)
{
    const uint32_t pair[] = {m->in[0], lower_small_letters(m->to, m->in[0])};
    return lower_list(m->to, pair, 2);
}

static int lower_stopwords(struct lower_map *m)
{
    const struct word_list *list = m->own;
    struct map common = {0};
    for (size_t i = 0; word_common(i); i++)
        map_put(&common, text_of(word_common(i)), NULL);
    const struct map *words = list->own ? &list->map : &common;
    m->out[0] = lower_op(m->to, ML_OP_drop_words, lower_pair(m), lower_word_characters(m->to),
                         lower_map(m->to, words->keys.at, words->keys.len));
    map_release(&common);
    return 0;
}

static int lower_stems(struct lower_map *m)
{
    m->out[0] = lower_op(m->to, ML_OP_stem_words, lower_pair(m), lower_word_characters(m->to), 0);
    return 0;
}

static struct text expanded(struct mapping *m, struct text cell)
{
    bool start = true; /* of a word */
    for (size_t i = 0; i < cell.len;) {
        const char *stands_for = "";
        size_t n = ml_contraction(plain(cell, i), start, &stands_for);
        if (n == 0)
            buf_putc(&m->scratch, cell.at[i]);
        else
            buf_puts(&m->scratch, stands_for);
        start = n == 0 && ml_ends_word(cell.at[i]);
        i += n ? n : 1;
    }
    return mapping_text(m);
}

static int lower_contractions(struct lower_map *m)
{
    m->out[0] = lower_op(m->to, ML_OP_expand_contractions, m->in[0], 0, 0);
    return 0;
}

enum { PATTERNS_MAX = 5 };

struct masks {
    size_t count;
    struct regex *regex[PATTERNS_MAX];
    struct text with[PATTERNS_MAX];
    bool cover; /* replace each character instead */
};

static void masks_free(void *own)
{
    struct masks *p = own;
    for (size_t i = 0; i < p->count; i++)
        regex_free(p->regex[i]);
    mem_free(p);
}

static const struct {
    const char *name, *pattern, *with;
} personal[PATTERNS_MAX] = {
    {"email", "[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)+", "[EMAIL]"},
    {"card", "\\b(?:\\d[ -]?){12,18}\\d\\b", "[CARD]"},
    {"ssn", "\\b\\d{3}-\\d{2}-\\d{4}\\b", "[SSN]"},
    {"ip", "\\b(?:\\d{1,3}\\.){3}\\d{1,3}\\b", "[IP]"},
    {"phone", "(?<![\\w.])\\+?\\(?\\d{1,4}\\)?(?:[ .-]?\\(?\\d{2,4}\\)?){2,4}(?!\\w)", "[PHONE]"},
};

static int add_pattern(struct step *s, struct masks *p, const char *pattern, struct text with,
                       struct error *e)
{
    struct error problem = {0};
    if (regex_compile(pattern, strlen(pattern), false, &p->regex[p->count], &problem))
        return step_error(s, e, "%s", problem.message);
    p->with[p->count++] = with;
    return 0;
}

static int prepare_redact(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct masks *p = mem_alloc(sizeof *p);
    rowwise_plan(s)->own = p;
    struct text *kinds;
    size_t count = arg_list(s, "kinds", &kinds), known = 0;
    int rc = 0;
    for (size_t k = 0; rc == 0 && k < COUNT_OF(personal); k++)
        for (size_t i = 0; rc == 0 && i < count; i++)
            if (text_equal(kinds[i], text_of(personal[k].name))) {
                known++;
                rc = add_pattern(s, p, personal[k].pattern, text_of(personal[k].with), e);
                break;
            }
    if (rc == 0 && known != count)
        return step_error(s, e, "kinds: expected some of email,card,ssn,ip,phone, each once");
    return rc;
}

static int prepare_mask(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct masks *p = mem_alloc(sizeof *p);
    rowwise_plan(s)->own = p;
    p->cover = true;
    if (arg_text(s, "with").len == 0)
        return step_error(s, e, "with is empty");
    return add_pattern(s, p, arg_string(s, "pattern"), arg_text(s, "with"), e);
}

/* Appends cell with all that matches replaced, or covered character by character. */
static void put_masked(struct mapping *m, size_t pattern, struct regex_match *match,
                       struct text cell)
{
    const struct masks *p = m->own;
    size_t copied = 0, from = 0;
    while (regex_next(p->regex[pattern], match, cell, &from)) {
        struct text hit = regex_group(match, 0);
        size_t at = (size_t)(hit.at - cell.at);
        size_t times = p->cover ? utf8_length(hit.at, hit.len) : hit.len > 0;
        buf_add(&m->scratch, cell.at + copied, at - copied);
        for (size_t i = 0; i < times; i++)
            buf_add(&m->scratch, p->with[pattern].at, p->with[pattern].len);
        copied = at + hit.len;
    }
    buf_add(&m->scratch, cell.at + copied, cell.len - copied);
}

static int mask_with(struct mapping *m, size_t pattern, struct regex_match *match)
{
    const struct masks *p = m->own;
    for (size_t r = 0; r < m->rows; r++) {
        struct text cell = m->out->text[r];
        if (!cell.at)
            continue;
        if (regex_search(p->regex[pattern], match, cell, 0)) {
            put_masked(m, pattern, match, cell);
            m->out->text[r] = mapping_text(m);
        }
        if (LIKELY(!regex_gave_up(match)))
            continue;
        m->out->text[r] = (struct text){NULL, 0};
        int rc = mapping_reject(m, 0, r, "the pattern needs too many steps here");
        if (rc)
            return rc;
    }
    return 0;
}

static int mask_cells(struct mapping *m)
{
    const struct masks *p = m->own;
    int rc = 0;
    for (size_t r = 0; r < m->rows; r++)
        m->out->text[r] = m->in->text[r];
    for (size_t i = 0; rc == 0 && i < p->count; i++) {
        struct regex_match *match = regex_match_new(p->regex[i]);
        rc = mask_with(m, i, match);
        regex_match_free(match);
    }
    return rc;
}

#define COLUMNS ROWWISE_COLUMNS("columns of text")
#define ENDS                                                                                       \
    ROWWISE_INTO, ROWWISE_SUFFIX,                                                                  \
    {                                                                                              \
        0                                                                                          \
    }

static const struct arg plain_args[] = {COLUMNS, ENDS};
static const struct arg form_args[] = {COLUMNS,
                                       {.name = "form",
                                        .kind = ARG_CHOICE,
                                        .fallback = "nfc",
                                        .choices = "nfc nfd nfkc nfkd",
                                        .help = "normal form"},
                                       ENDS};
static const struct arg punct_args[] = {
    COLUMNS,
    {.name = "with", .kind = ARG_TEXT, .fallback = "", .help = "what takes the place of each mark"},
    ENDS};
static const struct arg stopwords_args[] = {
    COLUMNS,
    {.name = "words", .kind = ARG_LIST, .help = "in small letters (default: 133 English ones)"},
    ENDS};
static const struct arg redact_args[] = {COLUMNS,
                                         {.name = "kinds",
                                          .kind = ARG_LIST,
                                          .fallback = "email,card,ssn,ip,phone",
                                          .help = "what to look for"},
                                         ENDS};
static const struct arg mask_args[] = {
    COLUMNS,
    {.name = "pattern", .kind = ARG_TEXT, .required = true, .help = "regular expression (PCRE2)"},
    {.name = "with", .kind = ARG_TEXT, .fallback = "*", .help = "for each character that matches"},
    ENDS};

#define TEXT(...)                                                                                  \
    .family = "text", .class = "S", ROWWISE_HOOKS,                                                 \
    ROWWISE_MAP(.from = TYPE_TEXT, .to = TYPE_TEXT, __VA_ARGS__)

const struct step_kind steps_text[] = {
    {.name = "contractions",
     TEXT(.text = expanded, .lower = lower_contractions),
     .aliases = "expand_contractions",
     .summary = "write out English contractions: don't, we're, I'll",
     .details = "In small letters. 's stays, but in let's: it may be a genitive.",
     .args = plain_args,
     .example = {.program = "contractions t",
                 .input = "t\nI can't say they're Ann's\n",
                 .output = "t\nI cannot say they are Ann's\n"}},
    {.name = "mask_regex",
     .not_compiled = NOT_COMPILED_REGEX,
     TEXT(.column = mask_cells, .prepare = prepare_mask, .release = masks_free),
     .summary = "cover what matches, character by character",
     .args = mask_args,
     .example = {.program = "mask_regex t pattern='\\d(?=\\d{2})'",
                 .input = "t\nabc 12345\n",
                 .output = "t\nabc ***45\n"}},
    {.name = "normalize_unicode",
     .not_compiled = "needs the decompositions of Unicode, which artefacts do without",
     TEXT(.text = normalize),
     .summary = "one way of writing each character (Unicode normal forms)",
     .details = "nfc joins letters and accents, nfd takes them apart; nfkc and nfkd also replace "
                "compatibility characters such as ligatures. Invalid UTF-8 stays as it is.",
     .args = form_args,
     .example = {.program = "normalize_unicode t form=nfkc",
                 .input = "t\n\xEF\xAC\x81"
                          "ne\n",
                 .output = "t\nfine\n"}},
    {.name = "redact_pii",
     .not_compiled = NOT_COMPILED_REGEX,
     TEXT(.column = mask_cells, .prepare = prepare_redact, .release = masks_free),
     .summary = "replace mail addresses, card, social security, IP and phone numbers",
     .details =
         "By their form alone: what merely looks like a phone number goes too, and names and "
         "addresses stay. Numbers are not checked.",
     .args = redact_args,
     .example = {.program = "redact_pii t",
                 .input = "t\nmail bo@x.org or call 555-123-4567\n",
                 .output = "t\nmail [EMAIL] or call [PHONE]\n"}},
    {.name = "stem",
     TEXT(.text = stemmed, .lower = lower_stems),
     .summary = "cut English words to their stems (Porter)",
     .details = "In small letters. Porter 1980, An algorithm for suffix stripping, without later "
                "changes. Words with other letters than a to z stay.",
     .args = plain_args,
     .example = {.program = "stem t",
                 .input = "t\nRelational ponies are hopping\n",
                 .output = "t\nrelat poni ar hop\n"}},
    {.name = "stopwords",
     TEXT(.text = without_stopwords, .prepare = prepare_stopwords, .release = word_list_free,
          .lower = lower_stopwords),
     .aliases = "remove_stopwords",
     .summary = "drop words that carry no topic",
     .details = "Any case, with the blanks before them.",
     .args = stopwords_args,
     .example = {.program = "stopwords t",
                 .input = "t\nThe price of the house is high\n",
                 .output = "t\nprice house high\n"}},
    {.name = "strip_accents",
     TEXT(.text = without_accents, .lower = lower_accents),
     .aliases = "unaccent",
     .summary = "letters without their accents",
     .args = plain_args,
     .example = {.program = "strip_accents t",
                 .input = "t\n\xC3\x89t\xC3\xA9\n",
                 .output = "t\nEte\n"}},
    {.name = "strip_html",
     TEXT(.text = without_html, .lower = lower_html),
     .summary = "drop tags, comments, scripts and styles; read entities",
     .details = "Reads numeric entities and 17 usual names. A < that begins no tag stays. The "
                "result is not safe to put into a page: it may hold < again.",
     .args = plain_args,
     .example = {.program = "strip_html t",
                 .input = "t\n<p>1 &lt; 2 <b>&amp;</b> 3</p>\n",
                 .output = "t\n1 < 2 & 3\n"}},
    {.name = "strip_punct",
     TEXT(.text = without_punctuation, .lower = lower_punctuation),
     .aliases = "remove_punctuation",
     .summary = "drop punctuation",
     .details = "ASCII symbols and Unicode's punctuation.",
     .args = punct_args,
     .example = {.program = "strip_punct t",
                 .input = "t\nWell: yes!\n",
                 .output = "t\nWell yes\n"}},
    {0},
};
