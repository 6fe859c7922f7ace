/*
 * listing: the files in a folder as a text, with a line for each, in order of names:
 *
 *   HEX [x-] NAME\n     the digest, whether it may be executed, the name within the folder
 *
 * Links are followed, but to folders they are in. A newline in a name is written \n, a backslash
 * \\. For the files of this module.
 */
#ifndef PIPELINE_LISTING_H
#define PIPELINE_LISTING_H

#include "pipeline/digests.h"

struct listing {
    struct buf buf;
    bool plain; /* there is nothing in it but files and folders: it can be made from its listing */
};
/* What is in the folder at path now; out is to be released, also after an error. ERR_SYSTEM names
 * what cannot be read. */
int listing_make(struct digests *d, const char *path, struct listing *out, struct error *e);
struct text listing_text(const struct listing *l); /* borrows */
void listing_release(struct listing *l);

struct listed {
    struct digest digest;
    bool executable;
    struct buf name; /* with a NUL by buf_text; to be released after the last line */
};
/* Takes the next line of a listing; false at its end, and at what is no such line: then *rest has
 * it. Names that lead out of the folder are none. */
bool listing_next(struct text *rest, struct listed *out);

#endif
