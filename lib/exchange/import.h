/* What importers share. For the files of this module. */
#ifndef EXCHANGE_IMPORT_H
#define EXCHANGE_IMPORT_H

#include "document/document.h"
#include "exchange/exchange.h"

typedef VEC(struct text) text_list;

struct import {
    const char *path;
    const struct doc *doc;
    struct buf *out;
    struct arena arena;
    struct error *e;
};

struct importer {
    struct exchange_format about;
    enum doc_syntax syntax;
    int (*put)(struct import *x);
};
extern const struct importer import_sagemaker, import_dvc;

int import_run(const struct importer *from, const char *path, struct text bytes, struct buf *out,
               struct error *e);

/* Fails, with the place, at a key that is none of these; words are separated by blanks. `what` is
 * for the message: "a Processing step". */
int import_keys(const struct import *x, const struct doc_node *n, const char *known,
                const char *what);
/* "# not used here: A, B" when n has some of the keys. */
void import_note_unused(struct import *x, const struct doc_node *n, const char *keys, int indent);
/* Text that means itself in a definition: ${ becomes $${. */
void import_put_literal(struct buf *b, struct text text);
/* The same with quotes of an expression around it. */
void import_put_expression_text(struct buf *b, struct text text);
struct text import_keep(struct import *x, struct buf *b); /* copies into the arena, empties b */
/* "    key: [a, b]"; nothing for an empty list. */
void import_put_list(struct import *x, const char *key, const text_list *list, int indent);
void import_add_once(text_list *list, struct text text);
/* Letters, digits, _ and -, at most 64. */
bool import_is_name(struct text name);

#endif
