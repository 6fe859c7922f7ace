/* verification: what was built, run on this machine or in an emulator, against the reference. */
#ifndef ARTEFACT_VERIFICATION_H
#define ARTEFACT_VERIFICATION_H

#include "artefact/artefact.h"
#include "infer/raw_rows.h"
#include "infer/verify.h"

struct verification {
    /* Set by the caller: */
    size_t random, most; /* rows that are made: random ones, and all */
    uint64_t seed;
    bool exact;       /* the same bits are demanded, of all rows */
    double tolerance; /* else of margins: of all but one row in a hundred; 0: the default */
    const struct verify_rows *supplied; /* rows besides, or NULL */
    const struct raw_rows *raw;         /* the same rows before their preparation, or NULL */

    struct verify_result result; /* set */
    size_t supplied_rows, refused;
    const char *runs_on;
    double seconds;
};

/* 0, ERR_NO when the results are not those of m (e says where), or what kept it from running. */
int artefact_verify(const struct built *b, const struct model *m, struct verification *v,
                    struct error *e);
/* As JSON: verify.json of the archive. */
void verification_json(const struct verification *v, struct buf *out);
/* "7200 rows on this processor: the same bits" */
void verification_text(const struct verification *v, struct buf *out);

#endif
