/* Words of a program: where they end, and what quotes do. */
#ifndef PREP_LEX_H
#define PREP_LEX_H

#include "base/base.h"

struct lexer {
    struct text program;
    size_t at;
    const char *problem; /* after a function said false: what is wrong, at `where` */
    size_t where;
};

enum word_style {
    WORD_PLAIN,     /* ends at white space or "|" */
    WORD_SELECTION, /* the same, but slashes enclose a regular expression, and a list goes on after
                       ", " */
    WORD_REST,      /* ends at a "|" that is not part of "||" */
};

/* Passes over white space and comments. */
void lex_blank(struct lexer *l);
bool lex_end(const struct lexer *l);      /* nothing is left */
bool lex_step_end(const struct lexer *l); /* at the end or at "|" */
/* The name of a step: letters, digits, underscores. */
struct text lex_identifier(struct lexer *l);
/* The word that begins here. Comments inside it are turned into blanks, in a copy in the arena.
 * False on a quote or a bracket without its end. */
bool lex_word(struct lexer *l, enum word_style style, struct arena *arena, struct text *out);
/* "name=" (not "name=="), where name may be quoted or a /regex/: passes over both. False, and
 * nothing passed, when something else begins here. */
bool lex_name(struct lexer *l, struct text *name);

#endif
