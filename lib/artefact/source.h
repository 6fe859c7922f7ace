/* source: the C text of a compiled model. For the files of this module. */
#ifndef ARTEFACT_SOURCE_H
#define ARTEFACT_SOURCE_H

#include "artefact/artefact.h"

enum source_image {
    IMAGE_AS_WORDS,   /* an array: for every compiler */
    IMAGE_AS_INCLUDE, /* the assembler takes the file model.bin */
};

/* Prefixes are checked: identifiers. */
bool source_prefix_valid(const char *prefix);
/* model.h with the functions' prefix. Appends. */
void source_header(const char *prefix, struct buf *out);
/* model.c, which includes model.h. Appends. */
void source_model(const struct ml_image *m, const char *prefix, enum source_image how,
                  struct buf *out);
/* model.h that holds everything; what must be defined in one file is source_switch, owned. */
void source_single(const struct ml_image *m, const char *prefix, struct buf *out);
char *source_switch(const char *prefix);

#endif
