/* Letters and words in row programs. */
#include "steps/letters_lower.h"

#include "steps/letters.h"

/* What a character alone becomes; the expansions go beside. */
static uint32_t mapped(uint32_t c, void (*put)(struct buf *, uint32_t))
{
    struct buf b = {0};
    size_t used = 0;
    put(&b, c);
    uint32_t one = utf8_decode(b.at, b.len, &used);
    bool whole = used == b.len;
    buf_release(&b);
    return whole ? one : c;
}

static uint32_t small_letter(uint32_t c)
{
    return mapped(c, put_lower);
}

static uint32_t capital(uint32_t c)
{
    return mapped(c, put_upper);
}

static uint32_t title_letter(uint32_t c)
{
    return mapped(c, put_title);
}

static uint32_t swapped(uint32_t c)
{
    return letter_is_upper(c) ? small_letter(c) : letter_is_lower(c) ? capital(c) : c;
}

uint32_t lower_small_letters(struct lowering *l, uint32_t text)
{
    return lower_map_characters(l, text, small_letter, NULL, 0, false);
}

/* The expansions of a mapping; their texts stand in `made`. */
static void expand(struct lower_expansion x[LETTER_EXPANSIONS], struct buf made[LETTER_EXPANSIONS],
                   void (*put)(struct buf *, uint32_t))
{
    for (size_t i = 0; i < LETTER_EXPANSIONS; i++) {
        (void)letter_expansion(i, &x[i].c);
        put(&made[i], x[i].c);
        x[i].text = (struct text){made[i].at, made[i].len};
    }
}

static void forget(struct buf made[LETTER_EXPANSIONS])
{
    for (size_t i = 0; i < LETTER_EXPANSIONS; i++)
        buf_release(&made[i]);
}

static uint32_t expanded(struct lowering *l, uint32_t text, uint32_t (*map)(uint32_t c),
                         void (*put)(struct buf *, uint32_t))
{
    struct lower_expansion x[LETTER_EXPANSIONS];
    struct buf made[LETTER_EXPANSIONS] = {{0}};
    expand(x, made, put);
    uint32_t reg = lower_map_characters(l, text, map, x, LETTER_EXPANSIONS, false);
    forget(made);
    return reg;
}

uint32_t lower_capitals(struct lowering *l, uint32_t text)
{
    return expanded(l, text, capital, put_upper);
}

uint32_t lower_titles(struct lowering *l, uint32_t text)
{
    return expanded(l, text, title_letter, put_title);
}

uint32_t lower_swapped(struct lowering *l, uint32_t text)
{
    return expanded(l, text, swapped, put_upper);
}

uint32_t lower_title_case(struct lowering *l, uint32_t text)
{
    struct lower_expansion x[LETTER_EXPANSIONS];
    struct buf made[LETTER_EXPANSIONS] = {{0}};
    const uint32_t texts[] = {text, lower_small_letters(l, text),
                              lower_replace_characters(l, text, letter_is_cased, text_of("a"))};
    expand(x, made, put_title);
    struct lower_mapping titles = lower_mapping(l, title_letter, x, LETTER_EXPANSIONS);
    forget(made);
    return lower_op(l, ML_OP_title, lower_list(l, texts, 3), titles.runs, titles.texts);
}

static bool in_words(uint32_t c)
{
    return letter_is_alnum(c) || c == '_';
}

uint32_t lower_word_characters(struct lowering *l)
{
    return lower_characters(l, in_words);
}
