/* objects: what steps made, by its digest, so that it can be had again. For the files of this
 * module. */
#ifndef PIPELINE_OBJECTS_H
#define PIPELINE_OBJECTS_H

#include "pipeline/digests.h"

/* Keeps a file that has the digest, by a second name, or where that is not to be had by a copy.
 * Anything else is not kept. */
int objects_keep(const char *folder, struct digests *d, const char *path, struct file_state *state,
                 struct error *e);
/* Looks at a folder, as digests_of does, and keeps its files so, and its listing, unless there is
 * anything else in it. */
int objects_keep_folder(const char *folder, struct digests *d, const char *path,
                        struct file_state *out, struct error *e);
/* Puts the file or folder that has the digest at path, in place of what is there: 1; 0 when it is
 * not kept, or was changed by its other name since, or when there is a folder in place of a file,
 * or one with files that are not kept. Copies share their blocks where the file system can. */
int objects_restore(const char *folder, struct digests *d, const struct digest *digest,
                    const char *path, struct error *e);
/* The files of a folder that are second names of what is kept become files of their own, as they
 * may be written to. */
int objects_part(const char *folder, struct digests *d, const char *path, struct error *e);
/* Calls take for the digest of each file of a folder that is kept. */
void objects_listed(const char *folder, const struct digest *digest,
                    void (*take)(void *context, const struct digest *file), void *context);
#define LISTING_SUFFIX ".files" /* of the name of a listing that is kept */

/* Keeps a copy that no other name changes: of the file at path, which has the digest. ERR_DATA: it
 * has it no more. */
int objects_copy(const char *folder, struct digests *d, const char *path,
                 const struct digest *digest, struct error *e);
/* Where what has the digest is kept. Returns owned; NULL: it is not there, or not what it was. */
char *objects_find(const char *folder, struct digests *d, const struct digest *digest);

#endif
