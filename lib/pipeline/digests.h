/* digests: what is in files, remembered by what the system says of them, so that a file is read
 * again only when it may have changed. For the files of this module. */
#ifndef PIPELINE_DIGESTS_H
#define PIPELINE_DIGESTS_H

#include "base/digest.h"
#include "pipeline/pipeline.h"

struct digest {
    uint8_t at[SHA256_SIZE];
};

enum file_kind { FILE_MISSING, FILE_REGULAR, FILE_FOLDER, FILE_OTHER };
/* A folder's digest is that of a text with a line for each file in it, in order of names:
 * "HEX [x-] NAME\n". */
struct file_state {
    enum file_kind kind;
    struct digest digest;
    uint64_t bytes;
};

struct digests;
/* Remembers in the file `path` what was digested; one that is not there or damaged is empty. */
struct digests *digests_open(const char *path);
/* States of n files, names relative to `folder`, with several threads. ERR_SYSTEM names one that
 * cannot be read. */
int digests_of(struct digests *d, const char *folder, const struct text *names, size_t n,
               unsigned jobs, struct file_state *out, struct error *e);
/* The text of a folder's digest, appended. */
int digests_list_folder(struct digests *d, const char *path, struct buf *out, struct error *e);
int digests_save(struct digests *d, struct error *e);
void digests_close(struct digests *d); /* NULL is fine */

#endif
