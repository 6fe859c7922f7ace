/* The manifest, and files as it has them. For the files of this module. */
#ifndef STORE_OFFLINE_MANIFEST_H
#define STORE_OFFLINE_MANIFEST_H

#include "store/offline.h"

/* What is read of it. */
struct manifest {
    char *folder, *path;
    uint64_t entries, last_lsn;
    uint64_t size;                  /* bytes of its whole lines */
    VEC(struct offline_file) files; /* that were ever named */
    VEC(usec) removed;              /* when; INT_MISSING: it is there */
    struct map paths;               /* of files */
    struct arena arena;
};
/* Up to an entry; 0: all. A manifest that is not there has none. */
int manifest_load(const struct group *g, uint64_t entry, struct manifest *m, struct error *e);
void manifest_release(struct manifest *m);

struct manifest_entry {
    bool compacts;
    uint64_t first_lsn, last_lsn;
    size_t schema;
    const struct offline_file *files;
    size_t count;
    const char *const *removed;
    size_t removed_count;
};
/* On the disk when it returns 0, and in *m, too; not there otherwise. With the lock held. */
int manifest_append(struct manifest *m, const struct manifest_entry *entry, struct error *e);

/* ---- for writers ---- */

/* The lock of the view, and its manifest with a tail that a crash left cut off. */
struct offline_writer {
    const struct group *group;
    struct manifest manifest;
    struct format format;
    const char *extension;
    int lock;
};
int offline_writer_open(const struct group *g, const struct offline_options *o,
                        struct offline_writer *w, struct error *e);
void offline_writer_close(struct offline_writer *w);

/* A file of the view under construction: its folder is made. time: some event time of its hour. */
struct offline_sink {
    struct sink *sink;
    struct record_output *rows;
    struct offline_file file;
    char *name, *path; /* name: file.path; path: from here */
};
int offline_sink_open(const struct offline_writer *w, usec time, uint64_t first, uint64_t last,
                      unsigned jobs, struct offline_sink *s, struct error *e);
int offline_sink_add(struct offline_sink *s, const struct store_record *r, struct error *e);
/* It is in its place, on the disk, and s->file is known. */
int offline_sink_finish(struct offline_sink *s, struct error *e);
void offline_sink_release(struct offline_sink *s);

/* What offline_collect does. */
int collect_files(const struct offline_writer *w, usec grace, uint64_t *files, struct error *e);

int64_t offline_hour(usec event_time); /* since 1970 */
/* Digest and size of a file. */
int offline_digest(const char *path, char sha256[static SHA256_DIGITS + 1], uint64_t *bytes,
                   struct error *e);

#endif
