/* cgroup: a control group for one child, version 1 or 2, each controller where the system has it.
 * For the files of this module. */
#ifndef SYS_CGROUP_H
#define SYS_CGROUP_H

#include "sys/sys.h"

struct cgroup;
/* `more` processes are allowed beyond those of l, for the sandbox's own. *out is NULL when l asks
 * for nothing that needs a group. Groups that dead processes of ours left behind are removed. */
int cgroup_make(const struct limits *l, unsigned more, struct cgroup **out, struct error *e);
int cgroup_enter(const struct cgroup *g, pid_t pid, struct error *e);
/* All in it; returns when nothing in it runs, or after some seconds. */
void cgroup_kill(const struct cgroup *g);
/* Fills in peak_memory and out_of_memory. */
void cgroup_read(const struct cgroup *g, struct child_event *out);
void cgroup_free(struct cgroup *g); /* kills what is in it and removes it; NULL is fine */

#endif
