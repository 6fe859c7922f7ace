/* target: a row of the table of targets. For the files of this module. */
#ifndef ARTEFACT_TARGET_H
#define ARTEFACT_TARGET_H

#include "artefact/artefact.h"

/* A program (looked up in PATH), or a file when there is a slash in it, and the Debian package that
 * has it. */
struct need {
    const char *what, *package;
};

enum { TARGET_WORDS = 10, TARGET_NEEDS = 4 };

struct target {
    const char *name, *summary;
    enum target_kind kind;
    /* As `uname -m` says it; NULL: this machine's. On such a machine `cc` compiles for it and its
     * programs run without an emulator. */
    const char *machine;
    const char *compiler; /* elsewhere */
    const char *flags[TARGET_WORDS];
    bool dispatches; /* kernels are chosen at run time, not by the flags */
    bool prebuilt;   /* the runtime's object is the one in the library */
    int level;       /* x86-64-v2, 3, 4: what the processor must have; 0: nothing */
    const char *emulator[TARGET_WORDS]; /* its program and options */
    struct need build[TARGET_NEEDS], run[TARGET_NEEDS];
};

bool target_is_of_this_machine(const struct target *t);
bool target_runs_natively(const struct target *t);
/* Its compiler here; NULL when it has none (sources). */
const char *target_compiler(const struct target *t);

#endif
