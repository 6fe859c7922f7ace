/* slurm: the state of a pool on Slurm. For the files of this module. */
#ifndef JOB_SLURM_H
#define JOB_SLURM_H

#include "job/engine.h"
#include "job/slurm_ask.h"
#include "job/spool.h"

/* A job whose result was not told yet. */
struct waiting {
    void *tag;
    char *text; /* as it stands in todo/ */
    /* What it is called now; the worker is the one that was seen to have it, when it is taken. */
    struct job_name name;
    bool taken, asked; /* asked: it was, before the question that is asked now */
    bool was_lost, stopped;
    usec fenced; /* since when its worker is held for dead; 0: it is not */
    struct job_result result;
    struct buf tail;
};

struct slurm {
    struct job_pool pool;
    struct job_engine_options options;
    unsigned slots;
    char *folder; /* that the spool is in */
    struct spool *spool;
    struct children *children;
    struct asker *asker;
    struct queue queue;
    struct spool_names names;
    VEC(struct waiting *) jobs, ended;
    struct waiting *told;
    uint32_t last_id;
    usec look_due, look_pause;
    /* pilots */
    usec ask_due, asked, submit_due, submitted, silent_since;
    size_t alive, fresh;   /* as the last answer says; and those that came after its question */
    unsigned fruitless;    /* times that pilots were started since one was seen to do something */
    struct map dealt_with; /* pilots that were held or delayed, once */
};

/* ---- jobs ---- */

/* Its result is what is in `result`: the job leaves the list. */
void slurm_end(struct slurm *s, struct waiting *w);
void slurm_end_all(struct slurm *s, enum job_class class, const char *problem);
/* Its worker is gone: it runs once more, or was lost for good. */
int slurm_lose(struct slurm *s, struct waiting *w, struct error *e);
/* Takes the results that are there. */
int slurm_collect(struct slurm *s, struct error *e);

/* ---- pilots ---- */

/* Asks for them, and starts more when there is work for more. */
int pilots_tend(struct slurm *s, usec now, struct error *e);
int pilots_hear(struct slurm *s, const struct child_event *event, struct error *e);
void pilots_cancel(const char *name, bool kill);
/* Ends those of pools that were killed, and waits for that. */
int pilots_clear(const struct job_pool_options *o, struct error *e);

#endif
