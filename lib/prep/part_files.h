/* Rows on their way into one file for each part of a table. Files appear, whole, when all rows are
 * in. */
#ifndef PREP_PART_FILES_H
#define PREP_PART_FILES_H

#include "prep/prep.h"

struct part_files;

/* A part's file is `pattern` with {} replaced by its name, or, without {}, its name and ".csv"
 * (".jsonl" when jsonl) behind it; other bytes than letters, digits, '.', '_' and '-' of a name
 * become %XX. The extension says format and compression. Relative to the context's directory.
 * Borrows the schema. */
struct part_files *part_files_new(const struct step *s, const struct schema *schema, bool jsonl);
/* The number of a part, its file opened when it is new. */
int part_files_part(struct part_files *f, struct text name, size_t *part, struct error *e);
int part_files_add(struct part_files *f, size_t part, struct batch *b, size_t row, struct error *e);
int part_files_commit(struct part_files *f, struct error *e);
void part_files_free(struct part_files *f); /* files not committed are gone */

#endif
