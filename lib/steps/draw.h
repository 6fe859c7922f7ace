/* Random draws of a step: by (seed, number of the step, counter), the counter mostly a row's id, so
 * that they depend neither on threads nor on chunks. */
#ifndef STEPS_DRAW_H
#define STEPS_DRAW_H

#include "prep/prep.h"

/* Of its argument seed, else the program's. */
static inline uint64_t draw_seed(const struct step *s)
{
    return arg_given(s, "seed") ? (uint64_t)arg_int(s, "seed") : s->context->seed;
}

static inline double draw_unit(const struct step *s, uint64_t counter)
{
    return random_unit(draw_seed(s), s->number, counter);
}

#define DRAW_SEED                                                                                  \
    {                                                                                              \
        .name = "seed", .kind = ARG_INT, .help = "of the draws; else the program's"                \
    }

#endif
