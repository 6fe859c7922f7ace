/* confine: children in a sandbox or under limits. For the files of this module. */
#ifndef SYS_CONFINE_H
#define SYS_CONFINE_H

#include "sys/spawn.h"

#include <sys/resource.h>

struct confined;
/* Returns when the program runs; it leads a process group (in a sandbox: the sandbox's pid 1 does).
 * sandbox, limits: NULL for none. s->argv NULL: only a trial, a sandbox that ends by itself. On
 * failure errno is as for children_start. */
int confined_start(const struct spawn *s, const struct sandbox *sandbox,
                   const struct limits *limits, struct confined **out, pid_t *pid, struct error *e);
/* Kills all that a control group holds; the caller kills the process group. */
void confined_kill(const struct confined *c);
/* The process has ended with *raw and *use: of the program in a sandbox they become what they were.
 * Fills in what the control group knows. */
void confined_end(struct confined *c, int *raw, struct rusage *use, struct child_event *out);
void confined_free(struct confined *c); /* kills what the control group still holds; NULL is fine */

#endif
