/*
 * spool: the folder in which a submitter and its workers meet. For the files of this module.
 *
 *   todo/ID.ATTEMPT          a job that waits for a worker
 *   taken/ID.ATTEMPT.WORKER  one that a worker took, by rename
 *   done/ID.ATTEMPT          a result
 *   orders/                  stop.ID: end that job; lost.WORKER: it is held for dead, and must not
 *                            go on; closed: all end
 *   environment              the submitter's, as a JSON list
 *   pilots.log               what the workers themselves say
 *
 * Every file appears whole, by rename from tmp/. Only the submitter decides which attempt of a job
 * counts: a result of another one is never looked at. So a worker that was held for dead, but was
 * not, does no harm but the work.
 *
 * Texts may hold any bytes, JSON may not: each byte is the character of its number.
 */
#ifndef JOB_SPOOL_H
#define JOB_SPOOL_H

#include "job/job.h"

#include <jansson.h>

enum spool_part {
    SPOOL_TODO,
    SPOOL_TAKEN,
    SPOOL_DONE,
    SPOOL_ORDERS,
    SPOOL_TMP,
    SPOOL_ITSELF, /* what lies in none of them */
    SPOOL_PARTS
};

struct spool {
    char *path; /* absolute */
    char *name; /* its last part, which nothing else in the world has */
};
/* A new one in the folder, which is made. */
int spool_make(const char *folder, struct spool **out, struct error *e);
struct spool *spool_open(const char *path);
void spool_close(struct spool *s); /* the folder stays; NULL is fine */
/* Returns owned. */
char *spool_path(const struct spool *s, enum spool_part part, const char *name);

int spool_put(const struct spool *s, enum spool_part part, const char *name, struct text text,
              struct error *e);
int spool_get(const struct spool *s, enum spool_part part, const char *name, struct buf *out,
              struct error *e);
bool spool_move(const struct spool *s, enum spool_part from, const char *name, enum spool_part to,
                const char *new_name); /* false: it was not there any more */
bool spool_drop(const struct spool *s, enum spool_part part, const char *name);

/* The names of a part's files, sorted. */
struct spool_names {
    VEC(char *) at;
    struct arena arena;
};
bool spool_list(const struct spool *s, enum spool_part part,
                struct spool_names *out); /* false: gone */
void spool_names_release(struct spool_names *n);
bool spool_names_have(const struct spool_names *n, const char *name);

/* ---- what the files are called ---- */

enum { SPOOL_NAME = 160 };
/* A worker is a start of a task of an array job, on a node. */
struct worker_name {
    uint64_t array, task, restarts;
    char node[64];
};
struct job_name {
    uint32_t id, attempt;
    struct worker_name worker; /* in taken/ */
};
const char *job_name_print(char out[static SPOOL_NAME], const struct job_name *n, bool taken);
bool job_name_parse(const char *text, bool taken, struct job_name *out);
const char *worker_name_print(char out[static SPOOL_NAME], const struct worker_name *w);

/* ---- what is in them ---- */

json_t *bytes_json(const char *at, size_t n);          /* returns owned */
void bytes_read(const json_t *value, struct buf *out); /* appends; nothing when it is no text */

/* A job as text: paths become absolute. */
void spool_put_job(struct buf *out, const struct job *j);
/* All in the job is in the arena; its environment is NULL when it is the submitter's. */
int spool_read_job(struct text text, struct arena *arena, struct job *out, struct error *e);
void spool_put_environment(struct buf *out, char *const *environment);
int spool_read_environment(struct text text, struct arena *arena, char ***out, struct error *e);
/* The list with the variables of Slurm as we have them now, not as the submitter had them. */
char **spool_with_slurm(char *const *list, struct arena *arena);

/* lost: the worker was told to end, and the job with it. */
void spool_put_result(struct buf *out, const struct job_result *r, const char *node, bool lost);
/* Its tail is appended to `tail`. */
int spool_read_result(struct text text, struct job_result *out, struct buf *tail, char node[64],
                      bool *lost, struct error *e);

#endif
