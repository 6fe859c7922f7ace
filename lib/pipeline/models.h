/*
 * models: groups of versions of a file, with metrics, who approved or rejected which, and which is
 * in which stage. All of it is events of the ledger; the files are kept under their digests.
 */
#ifndef PIPELINE_MODELS_H
#define PIPELINE_MODELS_H

#include "pipeline/questions.h"

struct model_version {
    const char *group;
    unsigned number; /* from 1 */
    char digest[2 * SHA256_SIZE + 1];
    bool approved; /* from the beginning */
    usec time;
};

/* An event of a version, as its line. */
struct model_event {
    unsigned version; /* number in the list */
    struct text line;
};

struct promotion {
    unsigned version; /* number in the list */
    const char *stage;
};

struct models {
    struct questions questions;
    VEC(struct model_version) versions; /* as they were registered */
    VEC(struct model_event) events;
    VEC(struct promotion) promotions;
    struct arena arena;
};
/* An empty registry is one, too. */
int models_load(struct models *m, const char *home, struct error *e);
void models_note(struct models *m, const struct ledger_event *event); /* of any kind */
void models_release(struct models *m);

/* "GROUP/VERSION". Returns owned. */
char *model_name(const struct model_version *v);
enum verdict model_verdict(const struct models *m, const struct model_version *v);
/* NULL when there is none. */
const struct model_version *model_of_digest(const struct models *m, const char *group,
                                            const char *digest);
const struct model_version *model_newest(const struct models *m, const char *group, bool approved);
/* "GROUP", "GROUP/VERSION" or "GROUP@STAGE"; without a version the newest, approved: the newest
 * that is. ERR_USAGE: there is no such version; ERR_NO: none is in the stage, or approved. */
int model_find(const struct models *m, const char *name, bool approved,
               const struct model_version **out, struct error *e);
/* A JSON object of a version; history: with its events. */
void model_put(const struct models *m, const struct model_version *v, bool history,
               struct buf *out);

bool model_is_group(const char *name); /* letters, digits, _ and -, at most 64 */

/* ---- changes ---- */

struct digests;
struct model_file {
    const char *group, *path;
    const char *const *metrics; /* NAME=VALUE, or JSON files */
    size_t metric_count;
    bool approved;
    const char *run, *step;  /* that registers it; NULL */
    struct digests *digests; /* what is known of files; NULL: what the state has of them */
};
/* A version of the file, which is kept: a new one, unless the group has one of the same content.
 * ERR_DATA: it is no regular file, or metrics are none. */
int model_register(const char *home, const struct model_file *f, unsigned *number, bool *is_new,
                   struct error *e);
/* ERR_NO: it is not approved. */
int model_promote(const char *home, const char *name, const char *stage, struct error *e);
int model_answer(const char *home, const char *name, enum verdict verdict, const char *comment,
                 struct error *e);
/* Where the file is kept, whose content is as it was. Returns owned; NULL: e says why. */
char *model_path(const char *home, const struct model_version *v, struct error *e);

#endif
