/* inside: what a child does between its birth and its program, with what was prepared for it. For
 * the files of this module. */
#ifndef SYS_INSIDE_H
#define SYS_INSIDE_H

#include "sys/spawn.h"

#include <sys/resource.h>

/* A step of building what a sandbox sees. Its root is under construction at /new, the host's is at
 * /old. */
struct step {
    enum step_kind {
        STEP_FOLDER, /* may be there already */
        STEP_FILE,   /* an empty one, to mount on */
        STEP_LINK,   /* from: what it says */
        STEP_BIND,
        STEP_READ_ONLY, /* with all that is mounted in it */
        STEP_REMOUNT,   /* read-only, that one mount, which keeps its flags */
        STEP_MEMORY,    /* a file system; from: its options */
        STEP_PROC,
        STEP_TERMINALS,
    } kind;
    const char *from, *to;
    unsigned long flags; /* of STEP_REMOUNT */
};

struct plan {
    struct arena arena;
    VEC(struct step) steps;
};
/* With each_mount read-only mounts do without mount_setattr, which Linux before 5.12 lacks. */
int plan_make(const struct sandbox *s, bool each_mount, struct plan *out, struct error *e);
void plan_release(struct plan *p);

/* What a child tells its parent. */
enum stage {
    STAGE_STARTED,
    STAGE_ENDED, /* raw and use say how, of all that ran in the sandbox */
    /* Failures: */
    STAGE_STREAMS,
    STAGE_ROOT,
    STAGE_STEP,
    STAGE_LEAVE,
    STAGE_HOSTNAME,
    STAGE_LOOPBACK,
    STAGE_PRIVILEGES,
    STAGE_OPEN_FILES,
    STAGE_FILE_SIZE,
    STAGE_DIRECTORY,
    STAGE_PROGRAM,
};
struct told {
    enum stage stage;
    int number; /* errno of a failure */
    size_t step;
    int raw; /* as of waitpid */
    struct rusage use;
};

/* Everything a child needs; nothing in it is changed or freed while it may look. */
struct inside {
    const struct spawn *spawn;
    const struct sandbox *sandbox; /* NULL: none */
    const struct limits *limits;   /* NULL: none */
    const struct plan *plan;
    const char *base;            /* a folder of the host's to build on */
    const char *directory;       /* the caller's, for a sandbox without one of its own */
    const char *const *programs; /* paths to try, until NULL; NULL: none is run, it ends with 0 */
    char *const *environment;
    int control;    /* a socket to the parent */
    rlim_t most_fd; /* descriptors are below it */
    char *stack;    /* its end, for one more process */
};
/* Only async-signal-safe calls: the parent may have threads. All signals are blocked when it is
 * called. */
_Noreturn void inside_run(const struct inside *x);

#endif
