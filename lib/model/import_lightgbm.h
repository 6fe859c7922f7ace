/*
 * LightGBM's text format, for the files of its importer: lines of key=value, first a header, then a
 * block per tree that ends with an empty line.
 */
#ifndef IMPORT_LIGHTGBM_H
#define IMPORT_LIGHTGBM_H

#include "model/builder.h"

struct lines {
    const char *at, *end;
    uint64_t number; /* of the line that was read last, from 1 */
};
/* The next line without its end; false when there is none. */
bool lines_next(struct lines *l, struct text *line);

/* A key's value: at == NULL when the file does not have it. Of equal keys the last counts. */
struct field {
    struct text value;
    uint64_t line;
};
/* Keeps the line in the field whose name it starts with, if any. A line without '=' is a key with
 * an empty value. */
void fields_keep(struct field *fields, const char *const *names, size_t count, struct text line,
                 uint64_t number);

/* Words between blanks. false at the end. */
bool next_word(struct text *rest, struct text *word);
size_t count_words(struct text t);
/* 0, or ERR_DATA with the line when it is no whole number from low to high. */
int field_integer(const struct field *f, const char *name, int64_t low, int64_t high, int64_t *out,
                  struct error *e);

/* The block behind a line "Tree=...": adds tree number `tree` to b. */
int lightgbm_tree(struct lines *l, size_t tree, uint32_t output, struct builder *b, struct model *m,
                  struct error *e);

#endif
