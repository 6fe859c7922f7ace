/* A run while it goes on. For the files of this module. */
#ifndef PIPELINE_RUNNING_H
#define PIPELINE_RUNNING_H

#include "pipeline/objects.h"
#include "pipeline/records.h"

struct delayed {
    uint32_t step;
    usec due;
};

struct run {
    struct pipeline *p;
    const struct run_options *o;
    struct run_summary *summary;
    char *objects, *journal, *spool; /* paths */
    int lock;
    struct ledger *ledger;
    struct records records;
    struct digests *digests;
    struct job_pool *pool;
    struct file_state *files; /* by path */
    bool *unknown;            /* by path: it would be made anew */
    /* by step: */
    uint8_t *state, *fate; /* enum step_state; fate: what it is to become at its turn */
    uint32_t *left;        /* that it waits for */
    uint16_t *attempt;
    struct digest *fingerprint;
    VEC(uint32_t) ready;         /* a heap */
    VEC(struct delayed) delayed; /* for their next attempt */
    struct map folders;          /* that were made for outputs */
    size_t pending;              /* events added to the ledger since the last commit */
    usec committed;
    bool stopping;
};

/* The file of a definition in the folder home/locks. Returns owned. */
char *pipeline_state_path(const char *home, const char *definition, const char *what);

/* ---- opening and closing ---- */

int run_open(struct run *r, struct error *e);
void run_release(struct run *r);
/* Adds the event of the run's end to the ledger. */
void run_add_end(struct run *r, bool failed);

/* ---- steps ---- */

/* The path of a file as this process has it. Returns owned. */
char *run_path(const struct run *r, uint32_t path);
void run_settle(struct run *r, uint32_t step, enum step_state state,
                const struct job_result *result, const char *why);
/* All its inputs are known. */
void fingerprint_of(struct run *r, uint32_t step, struct digest *out);
/* Why it runs, against its last record, in words. Returns owned. */
char *run_why(struct run *r, uint32_t step);
int run_start(struct run *r, uint32_t step, const char *why, struct error *e);
int run_end(struct run *r, const struct job_result *result, struct error *e);

#endif
