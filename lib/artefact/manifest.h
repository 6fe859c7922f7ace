/* manifest: manifest.json of an archive, and the archive's reader. For the files of this module. */
#ifndef ARTEFACT_MANIFEST_H
#define ARTEFACT_MANIFEST_H

#include "artefact/artefact.h"

#define MANIFEST_NAME "manifest.json"

/* Appends the manifest of the files. */
void manifest_write(const struct pack *p, const struct artefact_file *files, size_t count,
                    struct buf *out);
/* Reads it into a and compares with its files; the manifest itself is not among those it names. */
int manifest_read(struct text json, struct artefact *a, struct error *e);

/* The files of a tar, aligned to ARCHIVE_ALIGNED in memory, into an empty artefact, which borrows
 * them; on error, too, it is to be freed. */
int artefact_read_tar(struct artefact *a, struct text tar, struct error *e);

#endif
