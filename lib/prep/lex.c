#include "prep/lex.h"

#include "prep/recipe.h"

enum { DEPTH_MAX = 256 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool is_quote(char c)
{
    return c == '"' || c == '\'' || c == '`';
}

size_t quoted_length(struct text s, bool expression)
{
    bool escapes = expression || s.at[0] == '"';
    for (size_t i = 1; i < s.len; i++) {
        if (s.at[i] == s.at[0])
            return i + 1;
        i += escapes && s.at[i] == '\\';
    }
    return 0;
}

size_t regex_length(struct text s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.at[i] == '/')
            return i + 1;
        i += s.at[i] == '\\';
    }
    return 0;
}

static char escaped(char c)
{
    switch (c) {
    case '"':
    case '\\':
        return c;
    case 'n':
        return '\n';
    case 't':
        return '\t';
    default:
        return '\0';
    }
}

/* Inside double quotes: \" \\ \n \t. Any other backslash stays, as patterns are full of them. */
static struct text unescape(struct text inside, struct arena *arena)
{
    char *out = arena_text(arena, inside.at, inside.len);
    size_t n = 0;
    for (size_t i = 0; i < inside.len; i++) {
        bool pair = inside.at[i] == '\\' && i + 1 < inside.len && escaped(inside.at[i + 1]);
        out[n++] = pair ? escaped(inside.at[i + 1]) : inside.at[i];
        i += pair;
    }
    out[n] = '\0';
    return (struct text){out, n};
}

bool unquote(struct text item, struct arena *arena, struct text *out)
{
    *out = item;
    if (item.len < 2 || !is_quote(item.at[0]) || quoted_length(item, false) != item.len)
        return false;
    struct text inside = {item.at + 1, item.len - 2};
    if (item.at[0] == '"')
        *out = unescape(inside, arena);
    else
        *out = (struct text){arena_text(arena, inside.at, inside.len), inside.len};
    return true;
}

struct text text_trimmed(struct text s)
{
    while (s.len > 0 && is_blank(s.at[0]))
        s = (struct text){s.at + 1, s.len - 1};
    while (s.len > 0 && is_blank(s.at[s.len - 1]))
        s.len--;
    return s;
}

/* Bytes of the quoted word or regular expression at s.at[i], or 1. */
static size_t piece_length(struct text s, size_t i, bool item_start, bool expression)
{
    struct text rest = {s.at + i, s.len - i};
    size_t len = 0;
    if (is_quote(rest.at[0]))
        len = quoted_length(rest, expression);
    else if (rest.at[0] == '/' && item_start)
        len = regex_length(rest);
    return len ? len : 1;
}

bool item_next(struct text *rest, struct text *item)
{
    if (!rest->at)
        return false;
    size_t i = 0, depth = 0;
    bool item_start = true;
    while (i < rest->len && (depth > 0 || rest->at[i] != ',')) {
        char c = rest->at[i];
        depth += c == '(' || c == '[';
        depth -= depth > 0 && (c == ')' || c == ']');
        i += piece_length(*rest, i, item_start, depth > 0);
        item_start = item_start && (is_blank(c) || c == '-');
    }
    *item = text_trimmed((struct text){rest->at, i});
    bool more = i < rest->len;
    *rest = more ? (struct text){rest->at + i + 1, rest->len - i - 1} : (struct text){NULL, 0};
    return true;
}

static char peek(const struct lexer *l, size_t ahead)
{
    size_t at = l->at + ahead;
    return at < l->program.len ? l->program.at[at] : '\0';
}

static struct text rest_of(const struct lexer *l)
{
    return (struct text){l->program.at + l->at, l->program.len - l->at};
}

static bool fail(struct lexer *l, size_t where, const char *problem)
{
    l->where = where;
    l->problem = problem;
    return false;
}

bool lex_end(const struct lexer *l)
{
    return l->at >= l->program.len;
}

bool lex_step_end(const struct lexer *l)
{
    return lex_end(l) || (peek(l, 0) == '|' && peek(l, 1) != '|');
}

/* A comment begins where a word could. */
static bool at_comment(const struct lexer *l)
{
    return peek(l, 0) == '#' && !lex_end(l) &&
           (l->at == 0 || is_blank(l->program.at[l->at - 1]) || l->program.at[l->at - 1] == '|');
}

static void pass_comment(struct lexer *l)
{
    while (!lex_end(l) && peek(l, 0) != '\n')
        l->at++;
}

void lex_blank(struct lexer *l)
{
    for (;;) {
        if (at_comment(l))
            pass_comment(l);
        else if (!lex_end(l) && is_blank(peek(l, 0)))
            l->at++;
        else
            return;
    }
}

static bool is_identifier(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

struct text lex_identifier(struct lexer *l)
{
    size_t start = l->at;
    while (!lex_end(l) && is_identifier(peek(l, 0)))
        l->at++;
    return (struct text){l->program.at + start, l->at - start};
}

/* Brackets open at this point of a word. */
struct nest {
    size_t depth;
    struct {
        char close;
        size_t at;
    } open[DEPTH_MAX];
};

/* Passes a bracket, or any other byte. A closing one that fits nothing is a byte like any other. */
static bool pass_byte(struct lexer *l, struct nest *nest)
{
    char c = peek(l, 0);
    if (c == '(' || c == '[') {
        if (nest->depth == DEPTH_MAX)
            return fail(l, l->at, "brackets nested too deep");
        nest->open[nest->depth].close = c == '(' ? ')' : ']';
        nest->open[nest->depth++].at = l->at;
    } else if (nest->depth > 0 && c == nest->open[nest->depth - 1].close) {
        nest->depth--;
    }
    l->at++;
    return true;
}

/* Passes a quoted word, a regular expression, a comment or a byte. */
static bool pass_piece(struct lexer *l, struct nest *nest, enum word_style style, bool item_start)
{
    char c = peek(l, 0);
    if (at_comment(l)) {
        pass_comment(l);
        return true;
    }
    if (c == '|' && peek(l, 1) == '|') {
        l->at += 2;
        return true;
    }
    if (!is_quote(c) && !(c == '/' && item_start))
        return pass_byte(l, nest);
    size_t len = c == '/' ? regex_length(rest_of(l))
                          : quoted_length(rest_of(l), style == WORD_REST || nest->depth > 0);
    if (len == 0)
        return fail(l, l->at,
                    c == '/' ? "regular expression without its closing slash" : "unclosed quote");
    l->at += len;
    return true;
}

/* A list goes on behind ", ". */
static bool list_goes_on(struct lexer *l, size_t start)
{
    if (l->at == start || l->program.at[l->at - 1] != ',')
        return false;
    struct lexer ahead = *l;
    lex_blank(&ahead);
    if (lex_step_end(&ahead))
        return false;
    l->at = ahead.at;
    return true;
}

static bool word_ends(struct lexer *l, enum word_style style, size_t start)
{
    if (lex_step_end(l))
        return true;
    if (style == WORD_REST || !is_blank(peek(l, 0)))
        return false;
    return style != WORD_SELECTION || !list_goes_on(l, start);
}

/* Where a regular expression may begin: at the start of an item, or behind its leading '-'. */
static bool starts_item(const struct lexer *l, size_t start)
{
    size_t at = l->at;
    if (at > start && l->program.at[at - 1] == '-')
        at--;
    return at == start || is_blank(l->program.at[at - 1]) || l->program.at[at - 1] == ',';
}

/* The same text with its comments blanked, terminated by NUL. */
static struct text without_comments(struct text s, bool expression, struct arena *arena)
{
    char *copy = arena_text(arena, s.at, s.len);
    struct lexer l = {.program = s};
    while (!lex_end(&l)) {
        size_t from = l.at;
        if (at_comment(&l)) {
            pass_comment(&l);
            memset(copy + from, ' ', l.at - from);
        } else {
            l.at += piece_length(s, l.at, false, expression);
        }
    }
    struct text t = text_trimmed((struct text){copy, s.len});
    copy[(size_t)(t.at - copy) + t.len] = '\0';
    return t;
}

bool lex_word(struct lexer *l, enum word_style style, struct arena *arena, struct text *out)
{
    struct nest nest;
    nest.depth = 0;
    size_t start = l->at;
    bool commented = false;
    while (!lex_end(l) && (nest.depth > 0 || !word_ends(l, style, start))) {
        commented = commented || at_comment(l);
        bool regex = style == WORD_SELECTION && starts_item(l, start);
        if (!pass_piece(l, &nest, style, regex))
            return false;
    }
    if (nest.depth > 0)
        return fail(l, nest.open[nest.depth - 1].at, "bracket without its closing one");
    struct text word = {l->program.at + start, l->at - start};
    if (commented) {
        *out = without_comments(word, style == WORD_REST, arena);
        return true;
    }
    word = text_trimmed(word);
    *out = (struct text){arena_text(arena, word.at, word.len), word.len};
    return true;
}

bool lex_name(struct lexer *l, struct text *name)
{
    struct text rest = rest_of(l);
    size_t len = 0;
    if (rest.len > 0 && is_quote(rest.at[0]))
        len = quoted_length(rest, false);
    else if (rest.len > 0 && rest.at[0] == '/')
        len = regex_length(rest);
    else
        while (len < rest.len && !is_blank(rest.at[len]) &&
               !strchr("|=,()[]\"'`<>!~", rest.at[len]))
            len++;
    if (len == 0 || len >= rest.len || rest.at[len] != '=')
        return false;
    if (len + 1 < rest.len && (rest.at[len + 1] == '=' || rest.at[len + 1] == '~'))
        return false;
    *name = (struct text){rest.at, len};
    l->at += len + 1;
    return true;
}
