/*
 * Streaming: a source of batches, the steps they pass through, and an outlet. Several threads take
 * batches in turn and carry each through all the steps; where a step must see rows in order they
 * pass a gate one after the other. What comes out does not depend on the number of threads.
 */
#ifndef PREP_STREAM_H
#define PREP_STREAM_H

#include "prep/prep.h"

/* Where batches end up. `worker` numbers the thread, 0 to jobs - 1. */
struct outlet {
    void *context;
    /* Any order, any thread; b stays the caller's. */
    int (*take)(void *context, unsigned worker, struct batch *b, struct error *e);
    /* After the last take of a chunk, in the order of the stream; may be NULL. */
    int (*leave)(void *context, unsigned worker, struct error *e);
    /* True when what was taken should leave soon, to bound memory; may be NULL. */
    bool (*full)(void *context, unsigned worker);
    bool ordered; /* take, too, is called in the order of the stream */
};

struct stream {
    struct recipe *recipe;
    struct input *in;      /* the source; or, when NULL, */
    struct step *producer; /* a blocking step that has gathered its rows */
    size_t from, to;       /* the steps in between: recipe->steps[from .. to) */
    struct outlet outlet;
    unsigned jobs;
    uint64_t rows;  /* set: rows that the source gave */
    bool cut_short; /* set: no step wanted the rest */
    void (*progress)(void *context, uint64_t rows, uint64_t bytes);
    void *progress_context;
};

/* Runs until the source ends or no step wants more.
 * 0 or the error that comes first in the stream. */
int stream_run(struct stream *s, struct error *e);

#endif
