/* digests: what is in files, remembered by what the system says of them, so that a file is read
 * again only when it may have changed. For the files of this module. */
#ifndef PIPELINE_DIGESTS_H
#define PIPELINE_DIGESTS_H

#include "base/digest.h"
#include "pipeline/pipeline.h"

struct digest {
    uint8_t at[SHA256_SIZE];
};

/* What the system says of a file: the same as long as it is not changed. */
struct identity {
    uint64_t device, inode, size;
    int64_t mtime_ns, ctime_ns; /* since 1970 */
};

enum file_kind { FILE_MISSING, FILE_REGULAR, FILE_FOLDER, FILE_OTHER };
/* A folder's digest is that of its listing (listing.h). */
struct file_state {
    enum file_kind kind;
    struct digest digest;
    struct identity identity; /* when it was digested */
};

bool identity_of(int folder, const char *path, struct identity *out); /* false: none, or no file */
bool identity_equal(const struct identity *a, const struct identity *b);
/* Whether a change after `now` (nanoseconds since 1970) would give another identity. */
bool identity_is_settled(const struct identity *x, int64_t now);
int64_t nanoseconds_now(void);

struct digests;
/* Remembers in the file `path` what was digested; one that is not there or damaged is empty. */
struct digests *digests_open(const char *path);
/* States of n files, names relative to `folder`, with several threads. ERR_SYSTEM names one that
 * cannot be read. */
int digests_of(struct digests *d, const char *folder, const struct text *names, size_t n,
               unsigned jobs, struct file_state *out, struct error *e);
/* The state of one. A folder is listed for its digest when that is asked for. */
int digests_look(struct digests *d, const char *path, bool listed, struct file_state *out,
                 struct error *e);
/* The digest of a file of which the system says this. */
struct stat;
int digests_file(struct digests *d, const char *path, const struct stat *s, struct digest *out,
                 struct error *e);
/* The file was given a second name, which changed its identity and nothing else. */
void digests_renew(struct digests *d, const char *path, struct file_state *state);
/* Looks once more at files that were digested too soon after they were changed. */
void digests_settle(struct digests *d);
int digests_save(struct digests *d, struct error *e);
void digests_close(struct digests *d); /* NULL is fine */

#endif
