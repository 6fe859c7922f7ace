/*
 * tree: a document under construction. The readers of YAML and JSON hand it one value after the
 * other; it sees to keys, merge keys and limits. For the files of this module.
 */
#ifndef DOCUMENT_TREE_H
#define DOCUMENT_TREE_H

#include "document/document.h"

enum { DOC_DEPTH_MAX = 512, DOC_VALUES_MAX = 10000000, DOC_BYTES_MAX = 256 << 20 };

struct doc {
    struct arena arena; /* all nodes and texts, and the name */
    const char *name;
    struct doc_node root;
};

struct place {
    uint32_t line, column;
};
int place_error(const struct doc *d, struct place at, struct error *e, const char *format,
                va_list args) PRINTF_LIKE(4, 0);

/* Finds the line and the column of places in a text. Each costs the way from the one before it;
 * one that is further back, the way from the start. Lines end with LF, CR LF or CR. */
struct finder {
    const char *start, *at, *end;
    const char *line_start;
    size_t characters; /* that begin before `at` */
    uint32_t line;
};
void finder_start(struct finder *f, struct text bytes);
struct place finder_byte(struct finder *f, size_t number); /* both from 0; at most the end */
struct place finder_character(struct finder *f, size_t number);

/* A node, and what its use as a value brings with it. */
struct branch {
    struct doc_node node;
    size_t values; /* the node and all beneath it, as if aliases were copies */
    size_t height; /* levels of lists and maps, 0 of a scalar */
};

/* A list or map that is not at its end. */
struct level {
    struct branch branch;
    size_t first; /* of its items in tree.items */
    struct map keys;
    bool merging;          /* the next value is that of the merge key */
    struct doc_node merge; /* its value: a map, or a list of maps; null without one */
    uint32_t merge_line;   /* of the merge key, 0 without one */
};

struct tree {
    struct doc *doc;
    struct error *e;
    VEC(struct level) levels;
    VEC(struct doc_node) items; /* of all open levels, the outermost first */
    size_t values;
};

/* A scalar, or what an alias stands for: the next key, value or item. */
int tree_add(struct tree *t, const struct branch *b);
int tree_open(struct tree *t, enum doc_kind kind, struct place at);
int tree_close(struct tree *t, struct branch *out); /* the innermost level, which is there */
bool tree_wants_key(const struct tree *t);
/* Instead of a key: the entries of the map, or maps, that come next belong to this one. */
int tree_merge_key(struct tree *t, struct place at);
void tree_release(struct tree *t);
int tree_error(const struct tree *t, struct place at, const char *format, ...) PRINTF_LIKE(3, 4);
static inline struct place place_of(const struct doc_node *n)
{
    return (struct place){n->line, n->column};
}

/* One document as the root of the tree. */
int document_read_yaml(struct tree *t, struct text bytes);
int document_read_json(struct tree *t, struct text bytes);

#endif
