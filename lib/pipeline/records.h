/* records: what earlier runs made of which fingerprints, from the ledger. For the files of this
 * module. */
#ifndef PIPELINE_RECORDS_H
#define PIPELINE_RECORDS_H

#include "ledger/ledger.h"
#include "pipeline/digests.h"
#include "pipeline/models.h"

struct record {
    struct digest fingerprint;
    usec ended;
    double seconds;
    uint64_t offset; /* of its line in the ledger */
    uint32_t out_count;
    const struct digest *out; /* in the order of the step's outputs */
};

typedef VEC(uint32_t) record_numbers; /* by number in a map: the latest record */

struct records {
    char *path;      /* of the ledger */
    uint64_t offset; /* up to which it was read */
    VEC(struct record) list;
    struct map by_fingerprint, by_step; /* step: PIPELINE NUL STEP */
    record_numbers of_fingerprint, of_step;
    struct models models; /* with what was asked and answered */
    struct arena arena;
};
int records_load(struct records *r, const char *ledger, struct error *e);
int records_follow(struct records *r, struct error *e); /* what was written since */
void records_release(struct records *r);
/* NULL when there is none. */
const struct record *records_of(const struct records *r, const struct digest *fingerprint);
const struct record *records_of_step(const struct records *r, const char *pipeline,
                                     const char *step);

#endif
