/* spawn: how children are started, and what a fatal signal must end. For the files of this
 * module. */
#ifndef SYS_SPAWN_H
#define SYS_SPAWN_H

#include "sys/sys.h"

/* Both ends of a pipe to a child's descriptor; -1 when it is inherited. */
struct channel {
    int ours, theirs;
};

/* 0, or an errno value. */
int channel_open(struct channel *c, bool child_reads);
void channel_close_theirs(struct channel *c);
void channel_close_ours(struct channel *c);

struct spawn {
    char *const *argv;
    int in, out, err;         /* the child's; -1: inherited */
    const char *directory;    /* NULL: the caller's */
    char *const *environment; /* NULL: the caller's */
    bool group;               /* leads a process group of its own */
};
/* Returns 0 or an errno value. */
int spawn(const struct spawn *s, pid_t *pid);

/* Groups of processes that process_abort_all ends: -1 when the list is full. A group leaves before
 * its number can be given to another. */
int group_enter(pid_t group);
void group_leave(int slot);

/* Async-signal-safe, for replace_abort_all. */
void process_abort_all(void);
void scratch_abort_all(void);

#endif
