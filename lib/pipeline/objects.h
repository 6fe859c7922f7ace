/* objects: what steps made, by its digest, so that it can be had again. For the files of this
 * module. */
#ifndef PIPELINE_OBJECTS_H
#define PIPELINE_OBJECTS_H

#include "pipeline/digests.h"

/* The folders that a file is in, as far as they are not there; path is as it was afterwards. */
int make_folders(char *path, struct error *e);

/* Keeps a file that has the digest, by a second name, or where that is not to be had by a copy. A
 * folder is not kept. */
int objects_keep(const char *folder, struct digests *d, const char *path, struct file_state *state,
                 struct error *e);
/* Puts the file that has the digest at path, in place of what is there: 1; 0 when it is not kept,
 * or was changed by its other name since. The copy shares its blocks where the file system can. */
int objects_restore(const char *folder, struct digests *d, const struct digest *digest,
                    const char *path, struct error *e);

/* Keeps a copy that no other name changes: of the file at path, which has the digest. ERR_DATA: it
 * has it no more. */
int objects_copy(const char *folder, struct digests *d, const char *path,
                 const struct digest *digest, struct error *e);
/* Where what has the digest is kept. Returns owned; NULL: it is not there, or not what it was. */
char *objects_find(const char *folder, struct digests *d, const struct digest *digest);

#endif
