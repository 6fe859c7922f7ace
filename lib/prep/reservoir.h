/* The rows with the smallest keys, held packed: a sample that does not depend on how the stream was
 * cut, when keys are drawn at random by row. */
#ifndef PREP_RESERVOIR_H
#define PREP_RESERVOIR_H

#include "prep/packed.h"

struct reservoir_row {
    uint64_t key;
    struct packed_row row;
};

struct reservoir {
    VEC(struct reservoir_row) heap; /* the largest key on top */
};

/* Takes the row when it is among the k with the smallest keys so far; of equal keys the one that
 * came first counts as smaller. arrival orders the rows that are given back. */
void reservoir_offer(struct reservoir *v, size_t k, uint64_t key, uint64_t arrival, struct batch *b,
                     size_t row);
/* Emits the rows of n reservoirs together, in order of arrival. */
int reservoir_emit(const struct reservoir *v, size_t n, const struct row_origin *origin,
                   struct emit *out, struct error *e);
void reservoir_release(struct reservoir *v);

#endif
