/* What run, plan and resume share. */
#ifndef PIPE_RUNNING_H
#define PIPE_RUNNING_H

#include "pipe.h"

struct run_options_given {
    struct option_list parameters, only;
    const char *from;
    int64_t jobs, gpus;
    struct engine_given engine;
    bool dry_run, keep_going, wait, events;
};

/* Runs the definition at path. Returns the exit status. */
int run_definition(const char *path, const struct run_options_given *o);

/* ---- what is told ---- */

struct teller {
    bool events, plan;
    const char *run; /* its id */
    size_t done;
    struct buf out;
    size_t rows; /* of the terminal, for steps that run; 0: they are not shown */
    usec began;
    bool drawn;
};
void tell(void *teller, const struct run_event *x);
void tell_warning(void *teller, const char *text);
void tell_summary(const struct run_summary *s);

/* What goes on, at the end of the terminal. live_begin settles t->rows. */
void live_begin(struct teller *t);
/* Anew, with lines above it that stay. */
void live_show(struct teller *t, const struct run_now *now, struct text above);
void live_pulse(void *teller, const struct run_now *now);

/* Rows of their tables. */
#define OPTION_ROW_STEPS_AT_ONCE(S, field)                                                         \
    {                                                                                              \
        'j', "jobs", "N", INTO_INT(S, field), .range = "1..1024",                                  \
                                              .help = "steps at once (default: one per processor)" \
    }
#define OPTION_ROW_GPUS(S, field)                                                                  \
    {                                                                                              \
        0, "gpus", "N", INTO_INT(S, field),                                                        \
            .range = "1..64",                                                                      \
            .help = "GPUs that steps may have (default: those of NVIDIA in /dev)"                  \
    }
#define OPTION_ROW_KEEP_GOING(S, field)                                                            \
    {                                                                                              \
        'k', "keep-going", NULL, INTO_FLAG(S, field),                                              \
            .help = "after a failure go on with what does not depend on it"                        \
    }
#define OPTION_ROW_WAIT(S, field)                                                                  \
    {                                                                                              \
        0, "wait", NULL, INTO_FLAG(S, field),                                                      \
            .help = "wait for answers, and for another run of the pipeline to end"                 \
    }
#define OPTION_ROW_EVENTS(S, field)                                                                \
    {                                                                                              \
        0, "events", NULL, INTO_FLAG(S, field),                                                    \
            .help = "write what happens to standard output, a JSON line for each event"            \
    }

#endif
