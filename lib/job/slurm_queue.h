/* slurm_queue: what squeue says of our pilots. For the files of this module. */
#ifndef JOB_SLURM_QUEUE_H
#define JOB_SLURM_QUEUE_H

#include "job/job.h"

enum pilot_state { PILOT_WAITS, PILOT_RUNS, PILOT_ENDED, PILOT_HELD };
struct pilot {
    uint64_t array, task;
    enum pilot_state state;
    int64_t restarts; /* -1: not told */
    bool delayed;     /* it waits for its time to come, as those that are started anew do */
    char node[64];
};
struct queue {
    VEC(struct pilot) pilots;
};
void queue_release(struct queue *q);
const struct pilot *queue_find(const struct queue *q, uint64_t array, uint64_t task);

/* Ways to ask, the best one first: by columns (few bytes, only ours, but not in old versions), as
 * JSON (of every job of the cluster, in 22.05), and by a format as old as squeue itself, which does
 * not tell how often a pilot was started. */
enum queue_form { QUEUE_COLUMNS, QUEUE_JSON, QUEUE_SHORT, QUEUE_FORMS };
/* The command for the array jobs of this name; NULL-terminated, borrows name. */
enum { QUEUE_WORDS = 10 };
void queue_command(enum queue_form form, const char *name, const char *out[static QUEUE_WORDS]);
/* ERR_DATA when it is not of this form. Pilots of other names are left out. */
int queue_read(enum queue_form form, const char *name, struct text text, struct queue *out,
               struct error *e);

/* Whether what a command of Slurm complains of is that nobody answers. */
bool slurm_is_silent(const char *complaint);
/* ... that the job is none any more. */
bool slurm_knows_none(const char *complaint);

#endif
