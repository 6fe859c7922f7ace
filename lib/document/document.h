/*
 * document: YAML and JSON as a tree in which every value knows its place, for files that people
 * write and are told what is wrong with.
 *
 * YAML is what libyaml reads (YAML 1.1 with block and flow styles, anchors, aliases and merge
 * keys), one document; plain scalars mean what the core schema of YAML 1.2.2 (section 10.3) says:
 * null, ~ and nothing; true and false; numbers; all else, and all that is quoted, is text: yes, no,
 * on, off and 12:30 are, and so are numbers that number_parse does not take: 0x1F, +5, .inf. JSON
 * is RFC 8259, strictly. Keys are scalars, as text; one that is there twice is an error, as is a
 * tag that is not one of the core schema's.
 */
#ifndef DOCUMENT_H
#define DOCUMENT_H

#include "base/base.h"

enum doc_kind { DOC_NULL, DOC_BOOL, DOC_NUMBER, DOC_TEXT, DOC_LIST, DOC_MAP };

/* What an alias stands for is shared, not copied; at most 10 million values, and 512 levels, if it
 * were. */
struct doc_node {
    uint8_t kind;          /* enum doc_kind */
    bool truth;            /* DOC_BOOL */
    uint32_t line, column; /* of its first character, from 1; column in bytes */
    uint32_t count;        /* of the items of a list, the entries of a map; else 0 */
    union {                /* 32 bytes in all: there may be millions */
        struct text text;  /* of a scalar as written, escapes decoded: UTF-8, a NUL behind it; of a
                            * list and a map its length is 0 */
        const struct doc_node *items; /* count of a list; of a map 2 * count: key, value, key ... */
    };
};

struct doc;
/* By content: JSON when it begins with { and is JSON, else YAML. */
enum doc_syntax { DOC_BY_CONTENT, DOC_YAML, DOC_JSON };
/* name is for messages; both are copied. At most 256 MiB; a byte order mark is skipped. ERR_DATA
 * with the place. */
int doc_parse(const char *name, struct text bytes, enum doc_syntax syntax, struct doc **out,
              struct error *e);
/* "-": standard input. JSON when its name ends with .json, YAML with .yaml or .yml, else by
 * content. */
int doc_load(const char *path, struct doc **out, struct error *e);
void doc_free(struct doc *d);                         /* NULL is fine */
const struct doc_node *doc_root(const struct doc *d); /* borrows, as all below */

/* The value of a key; NULL when it is not there, or n is no map (or NULL). */
const struct doc_node *doc_get(const struct doc_node *n, const char *key);
const char *doc_kind_name(enum doc_kind kind); /* "null", "a map" ... for messages */
/* Sets ERR_DATA with the place of n (NULL: of the whole). Returns ERR_DATA. */
int doc_error(const struct doc *d, const struct doc_node *n, struct error *e, const char *format,
              ...) PRINTF_LIKE(4, 5);

#endif
