/* Edit text: upper, lower and mixed case; names in the styles of programs. */
#include "prep/rowwise.h"
#include "steps/letters.h"
#include "steps/letters_lower.h"
#include "steps/steps.h"

static bool ascii_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool ascii_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* Flips the case of the letters `wanted` in an ASCII text. */
static struct text flip_ascii(struct mapping *m, struct text cell, bool (*wanted)(char))
{
    size_t i = 0;
    while (i < cell.len && !wanted(cell.at[i]))
        i++;
    if (i == cell.len)
        return cell;
    char *out = arena_copy(&m->batch->arena, cell.at, cell.len);
    for (; i < cell.len; i++)
        if (wanted(out[i]))
            out[i] ^= 0x20;
    return (struct text){out, cell.len};
}

static struct text map_letters(struct mapping *m, struct text cell,
                               void (*put)(struct buf *, uint32_t))
{
    uint32_t c;
    for (struct text rest = cell; text_next(&rest, &c);)
        put(&m->scratch, c);
    return mapping_text(m);
}

static struct text to_lower(struct mapping *m, struct text cell)
{
    if (text_is_ascii(cell))
        return flip_ascii(m, cell, ascii_upper);
    return map_letters(m, cell, put_lower);
}

static struct text to_upper(struct mapping *m, struct text cell)
{
    if (text_is_ascii(cell))
        return flip_ascii(m, cell, ascii_lower);
    return map_letters(m, cell, put_upper);
}

static int lower_lower(struct lower_map *m)
{
    m->out[0] = lower_small_letters(m->to, m->in[0]);
    return 0;
}

static int lower_upper(struct lower_map *m)
{
    m->out[0] = lower_capitals(m->to, m->in[0]);
    return 0;
}

static void put_swapped(struct buf *out, uint32_t c)
{
    if (letter_is_upper(c))
        put_lower(out, c);
    else if (letter_is_lower(c))
        put_upper(out, c);
    else
        put_char(out, c);
}

static struct text swap_case(struct mapping *m, struct text cell)
{
    return map_letters(m, cell, put_swapped);
}

static int lower_swap(struct lower_map *m)
{
    m->out[0] = lower_swapped(m->to, m->in[0]);
    return 0;
}

/* A word is a run of cased letters: "they're" has two. */
static struct text to_title(struct mapping *m, struct text cell)
{
    uint32_t c;
    bool inside = false;
    for (struct text rest = cell; text_next(&rest, &c);) {
        if (inside)
            put_lower(&m->scratch, c);
        else
            put_title(&m->scratch, c);
        inside = letter_is_cased(c);
    }
    return mapping_text(m);
}

static int lower_title(struct lower_map *m)
{
    m->out[0] = lower_title_case(m->to, m->in[0]);
    return 0;
}

static struct text to_capital(struct mapping *m, struct text cell)
{
    uint32_t c;
    struct text rest = cell;
    if (text_next(&rest, &c))
        put_title(&m->scratch, c);
    while (text_next(&rest, &c))
        put_lower(&m->scratch, c);
    return mapping_text(m);
}

static uint32_t slice(struct lowering *l, uint32_t text, int64_t from, int64_t to)
{
    const int64_t ends[] = {from, to};
    return lower_op(l, ML_OP_text_slice, text, lower_range_int(l, ends, 2), 0);
}

static int lower_capital(struct lower_map *m)
{
    struct lowering *l = m->to;
    uint32_t parts[] = {lower_titles(l, slice(l, m->in[0], 0, 1)),
                        lower_small_letters(l, slice(l, m->in[0], 1, INT64_MAX))};
    uint32_t none = lower_op(l, ML_OP_set_text, lower_text(l, text_of("")), 0, 0);
    m->out[0] = lower_op(l, ML_OP_concat, lower_list(l, parts, 2), none, 0);
    return 0;
}

/* Whether a new word begins at c, between the letters before and behind it. */
static bool word_begins(uint32_t before, uint32_t c, struct text behind)
{
    if (!letter_is_upper(c))
        return false;
    uint32_t next = 0;
    return !letter_is_upper(before) || (text_next(&behind, &next) && letter_is_lower(next));
}

/* Puts the words of a text one after the other. begin is called before the first letter of each
 * word with its number and puts that letter; the others are put in lower case. */
static struct text map_words(struct mapping *m, struct text cell,
                             void (*begin)(struct mapping *, size_t word, uint32_t c))
{
    uint32_t c, before = 0;
    size_t words = 0;
    for (struct text rest = cell; text_next(&rest, &c); before = c) {
        if (!letter_is_alnum(c))
            continue;
        if (!letter_is_alnum(before) || word_begins(before, c, rest))
            begin(m, words++, c);
        else
            put_lower(&m->scratch, c);
    }
    return mapping_text(m);
}

static void begin_snake(struct mapping *m, size_t word, uint32_t c)
{
    if (word > 0)
        buf_putc(&m->scratch, '_');
    put_lower(&m->scratch, c);
}

static void begin_camel(struct mapping *m, size_t word, uint32_t c)
{
    if (word > 0 || m->own)
        put_title(&m->scratch, c);
    else
        put_lower(&m->scratch, c);
}

static struct text to_snake(struct mapping *m, struct text cell)
{
    return map_words(m, cell, begin_snake);
}

static struct text to_camel(struct mapping *m, struct text cell)
{
    return map_words(m, cell, begin_camel);
}

/* own is set when the first word begins with a capital too. */
static int prepare_camel(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    (void)e;
    rowwise_plan(s)->own = arg_bool(s, "capital") ? s : NULL;
    return 0;
}

#define EDIT    .family = "edit", .class = "S", ROWWISE_HOOKS
#define COLUMNS ROWWISE_COLUMNS("columns of text")
#define MAPPINGS                                                                                   \
    "Unicode's case mappings; the sharp s and the Latin ligatures become several letters. "

static const struct arg plain_args[] = {COLUMNS, ROWWISE_INTO, ROWWISE_SUFFIX, {.name = NULL}};

static const struct arg camel_args[] = {COLUMNS,
                                        {.name = "capital",
                                         .kind = ARG_BOOL,
                                         .fallback = "false",
                                         .help = "the first word begins with a capital too"},
                                        ROWWISE_INTO,
                                        ROWWISE_SUFFIX,
                                        {.name = NULL}};

const struct step_kind steps_edit_case[] = {
    {.name = "lower",
     EDIT,
     .aliases = "lowercase",
     .summary = "to lower case",
     .details = MAPPINGS "A capital sigma becomes the small one also at the end of a word.",
     .args = plain_args,
     .example = {.program = "lower city",
                 .input = "city\nPARIS\nÉvian\n",
                 .output = "city\nparis\névian\n"},
     ROWWISE_MAP(.text = to_lower, .lower = lower_lower)},
    {.name = "upper",
     EDIT,
     .aliases = "uppercase",
     .summary = "to upper case",
     .details = MAPPINGS,
     .args = plain_args,
     .example = {.program = "upper city",
                 .input = "city\nparis\nStraße\n",
                 .output = "city\nPARIS\nSTRASSE\n"},
     ROWWISE_MAP(.text = to_upper, .lower = lower_upper)},
    {.name = "title",
     EDIT,
     .aliases = "titlecase",
     .summary = "each word begins with a capital, the rest in lower case",
     .details = MAPPINGS "A word is a run of letters: \"they're\" gives \"They'Re\", as in Python.",
     .args = plain_args,
     .example = {.program = "title name",
                 .input = "name\nada KING-noel\n",
                 .output = "name\nAda King-Noel\n"},
     ROWWISE_MAP(.text = to_title, .lower = lower_title)},
    {.name = "capitalize",
     EDIT,
     .summary = "a capital first, the rest in lower case",
     .details = MAPPINGS "As Python's capitalize; Data Wrangler capitalizes every sentence.",
     .args = plain_args,
     .example = {.program = "capitalize note",
                 .input = "note\nhELLO World\n",
                 .output = "note\nHello world\n"},
     ROWWISE_MAP(.text = to_capital, .lower = lower_capital)},
    {.name = "swapcase",
     EDIT,
     .aliases = "swap_case",
     .summary = "upper case to lower and the other way round",
     .details = MAPPINGS,
     .args = plain_args,
     .example = {.program = "swapcase note", .input = "note\nhELLO\n", .output = "note\nHello\n"},
     ROWWISE_MAP(.text = swap_case, .lower = lower_swap)},
    {.name = "case_snake",
     .not_compiled = "takes names apart, which artefacts cannot",
     EDIT,
     .aliases = "snake_case",
     .summary = "words in lower case joined by underscores",
     .details = "Words end at anything but letters and digits, and before a capital that follows a "
                "small letter or digit or begins a capitalized word (HTTPServer has two).",
     .args = plain_args,
     .example = {.program = "case_snake key",
                 .input = "key\nHTTPServer name\norderId2\n",
                 .output = "key\nhttp_server_name\norder_id2\n"},
     ROWWISE_MAP(.text = to_snake)},
    {.name = "case_camel",
     .not_compiled = "takes names apart, which artefacts cannot",
     EDIT,
     .aliases = "camel_case",
     .summary = "words joined, each but the first with a capital",
     .details = "Words as in case_snake; capital begins the first one with a capital too (Pascal "
                "case).",
     .args = camel_args,
     .example = {.program = "case_camel key",
                 .input = "key\nhttp_server-name\nOrder.ID\n",
                 .output = "key\nhttpServerName\norderId\n"},
     ROWWISE_MAP(.text = to_camel, .prepare = prepare_camel)},
    {.name = NULL},
};
