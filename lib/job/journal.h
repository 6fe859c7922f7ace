/* journal: the numbers of processes that run, in a file, so that those that outlived the process
 * that started them can be found. For the files of this module. */
#ifndef JOB_JOURNAL_H
#define JOB_JOURNAL_H

#include "sys/sys.h"

/* One that is there already was left by a process that was killed: the groups of its processes are
 * killed and waited for, as far as they still are what was noted. Held by one process at a time:
 * its caller has a lock. */
struct journal;
int journal_open(const char *path, struct journal **out, struct error *e);
int journal_enter(struct journal *j, pid_t number); /* a place, or -1 when it is full */
void journal_leave(struct journal *j, int place);
void journal_close(struct journal *j); /* removes the file; NULL is fine */

#endif
