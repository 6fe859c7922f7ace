/* A run while it goes on. For the files of this module. */
#ifndef PIPELINE_RUNNING_H
#define PIPELINE_RUNNING_H

#include "pipeline/objects.h"
#include "pipeline/records.h"

struct delayed {
    uint32_t step;
    usec due;
};

/* A step that asked in this run. */
struct asked {
    uint32_t step;
    const struct question *question; /* of the records */
};

/* Microseconds: between looks for answers, between pulses, and between notes of what goes on. */
enum { LISTEN_EVERY = 200000, PULSE_EVERY = 100000, NOTE_EVERY = 1000000 };

struct run {
    struct pipeline *p;
    struct pipeline *own;        /* p from the second round on; NULL */
    struct map earlier;          /* names of the steps of earlier rounds, and by their numbers: */
    VEC(uint8_t) earlier_states; /* enum step_state */
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
    bool *chosen;          /* it is looked at at all; NULL: all are */
    bool *forced;          /* it runs whatever is known; NULL: none */
    uint32_t *left;        /* that it waits for */
    uint16_t *attempt;
    float
        *rest; /* seconds to the end of all that waits for it, itself with them; NULL: not known */
    struct digest *fingerprint;
    VEC(uint32_t) ready;         /* a heap */
    VEC(struct delayed) delayed; /* for their next attempt */
    VEC(struct asked) asked;
    size_t waiting;                       /* of them are STEP_PENDING */
    VEC(const struct step_entry *) later; /* whose steps are looked at in later rounds */
    usec listened, pulsed, noted;
    VEC(struct running_step) running;
    bool changed;            /* what runs, since it was noted */
    bool warned;             /* of a notification that failed */
    struct map folders;      /* that were made for outputs */
    struct retries *retries; /* of steps that failed; NULL: there are none */
    size_t pending;          /* events added to the ledger since the last commit */
    usec committed, synced;
    unsigned cpus_used;
    uint64_t gpus_free, *gpus; /* by step: those it has; NULL: no step wants any */
    bool stopping;
};

/* The file of a definition in the folder home/locks. Returns owned. */
char *pipeline_state_path(const char *home, const char *definition, const char *what);

/* ---- opening and closing ---- */

int run_open(struct run *r, struct error *e);
void run_release(struct run *r);
/* What there is by step and by path, for the steps of r->p. */
void run_allocate(struct run *r);
void run_free_steps(struct run *r);
/* Members: how many steps became what. */
void run_put_counts(const struct run_summary *s, struct buf *b);
/* Members of the event of the run's end. */
void run_put_end(const struct run *r, const char *state, struct buf *b);
/* Writes what was added to the ledger, at once or when it is time to. */
int run_commit(struct run *r, bool at_once, struct error *e);
int run_look_at_files(struct run *r, struct error *e);
void run_queue(struct run *r, uint32_t step);
void run_release_waiters(struct run *r, uint32_t step);

/* The version of the code in a folder that is git's: the commit, and a digest of what is not in it;
 * nothing where there is none. Members of an event. */
void code_put(struct buf *b, const char *folder);

/* ---- steps ---- */

/* The path of a file as this process has it. Returns owned. */
char *run_path(const struct run *r, uint32_t path);
void run_settle(struct run *r, uint32_t step, enum step_state state,
                const struct job_result *result, const char *why);
/* All its inputs are known. */
void fingerprint_of(struct run *r, uint32_t step, struct digest *out);
/* Why it runs, against its last record, in words. Returns owned. */
char *run_why(struct run *r, uint32_t step);
int run_check_inputs(const struct run *r, struct error *e);
int run_take_turn(struct run *r, uint32_t step, struct error *e);
void run_would(struct run *r, uint32_t step, const char *why); /* in a dry run */
int run_start(struct run *r, uint32_t step, const char *why, struct error *e);
int run_end(struct run *r, const struct job_result *result, struct error *e);
/* What it did, or somebody for it, is done: its outputs must be there. */
int run_finish(struct run *r, uint32_t step, const struct job_result *x, const char *said,
               struct error *e);
/* Whether, and when. */
bool run_tries_again(struct run *r, uint32_t step, const struct job_result *x, usec *due);
void retries_free(struct retries *r); /* NULL is fine */
void run_fail(struct run *r, uint32_t step, const struct job_result *x, const char *why);
/* Variables of first, then those of second that have other names. Returns owned, the texts are
 * borrowed. */
char **run_environment(char *const *first, char *const *second);

/* ---- which of them (choose.c) ---- */

/* For the steps of r->p. ERR_USAGE: one that is named is not there. */
int run_choose(struct run *r, struct error *e);
static inline bool run_looks_at(const struct run *r, uint32_t step)
{
    return !r->chosen || r->chosen[step];
}
static inline bool run_forces(const struct run *r, uint32_t step)
{
    return r->forced && r->forced[step];
}

/* ---- rounds (next.c) ---- */

/* Whether it was settled in an earlier round, and as what. */
bool run_was_settled(const struct run *r, uint32_t step, enum step_state *out);
/* 1: r->p has the steps of the next round; 0: there is none. */
int run_next_round(struct run *r, struct error *e);
/* Tells of entries whose steps never were known. */
void run_tell_deferred(struct run *r);

/* ---- what goes on (now.c) ---- */

/* Where it is kept while it goes on. Returns owned. */
char *pipeline_now_path(const char *home, const char *run);
void run_begin_now(struct run *r);
void run_end_now(struct run *r);
void run_note_start(struct run *r, uint32_t step);
void run_note_end(struct run *r, uint32_t step);
void run_tell(struct run *r, struct run_event *x);
void run_pulse(struct run *r); /* when it is time to */
usec run_next_pulse(const struct run *r);

/* ---- what it takes of the machine ---- */

int resources_open(struct run *r, struct error *e); /* ERR_USAGE: a step wants more than there is */
bool resources_fit(const struct run *r, uint32_t step);
void resources_take(struct run *r, uint32_t step);
void resources_give(struct run *r, uint32_t step);
/* CUDA_VISIBLE_DEVICES=0,1 when there are steps that want GPUs. Returns owned, or NULL. */
char *resources_variable(const struct run *r, uint32_t step);

/* ---- its record ---- */

void run_put_step(const struct run *r, uint32_t step, enum step_state state, struct buf *b);
/* metrics: one more member, or NULL. */
void run_add_record(struct run *r, uint32_t step, const struct job_result *x, enum step_state state,
                    const char *why, const struct buf *metrics);
void run_add_restored(struct run *r, uint32_t step);
/* The numbers in a step's file of metrics as a member; why: what is wrong with the file. */
void metrics_read(const struct run *r, uint32_t step, struct buf *out, struct buf *why);

/* ---- answers from outside ---- */

/* Each: 1 when the step is settled or waits for an answer, 0 when it goes on, or an error. */
int run_require(struct run *r, uint32_t step, struct error *e); /* the model that it needs */
int run_ask(struct run *r, uint32_t step, struct error *e);     /* when it is a step that asks */
int run_register(struct run *r, uint32_t step, struct error *e);
/* The question is in the ledger when this returns. may: who answers, or NULL. */
int run_put_question(struct run *r, uint32_t step, enum question_kind kind, const char *about,
                     const char *const *may, struct error *e);
void run_wait(struct run *r, uint32_t step, bool tell_outside); /* until its question is answered */
const struct question *run_question(const struct run *r, uint32_t step); /* NULL: it asked none */
/* The command of a callback ended well. */
int run_handed(struct run *r, uint32_t step, const struct job_result *x, struct error *e);
/* The turn of those comes again that were answered. */
int run_listen(struct run *r, bool at_once, struct error *e);
/* What callbacks that it waits for were answered with is in the step's environment. */
void run_add_values(struct run *r, uint32_t step);
void run_set_variable(struct run *r, uint32_t step, const char *variable);
/* "approved by ann: COMMENT". Returns owned. */
char *run_say_answer(const struct question *q);

/* Tells the definition's commands; members are the event's. */
void run_notify(struct run *r, unsigned event, const char *step, const char *status,
                const struct buf *members);

#endif
