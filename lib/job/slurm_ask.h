/* slurm_ask: commands of Slurm, each with a limit to its time. For the files of this module. */
#ifndef JOB_SLURM_ASK_H
#define JOB_SLURM_ASK_H

#include "job/slurm_queue.h"

/* Runs one to its end, within 20 seconds; what it writes is appended to out (NULL: not kept).
 * ERR_BUSY when nobody answers it or it is not there, ERR_NO when it knows no such job, ERR_SYSTEM
 * with what it complains of. */
int slurm_run(const char *const *argv, struct buf *out, struct error *e);

/* squeue beside all else: one call at a time, of which the caller's children tell. It is ended when
 * it takes longer than `limit`, and than that of slurm_run. */
struct asker;
struct asker *asker_new(struct children *c, const char *name, usec limit, struct error *e);
void asker_free(struct asker *a);
bool asker_asks(const struct asker *a); /* a call goes on */
void asker_begin(struct asker *a, usec now);
void asker_end_if_late(struct asker *a, usec now);
/* An event whose tag is the asker. 1: an answer, in out; 0: none yet, or none that can be read;
 * ERR_BUSY: nobody answers. */
int asker_hear(struct asker *a, const struct child_event *event, struct queue *out,
               struct error *e);

#endif
