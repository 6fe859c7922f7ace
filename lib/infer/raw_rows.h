/* Raw rows of a table, as texts: what ml_predict_raw takes. */
#ifndef INFER_RAW_ROWS_H
#define INFER_RAW_ROWS_H

#include "infer/infer.h"

struct raw_rows {
    size_t n, fields;
    VEC(struct ml_text) at; /* n * fields */
    struct arena arena;     /* the texts */
};

/* Appends the fields that p takes, of all rows. ERR_DATA when a column is not there. The recipe has
 * no steps. */
int raw_rows_read(const struct predictor *p, struct recipe *recipe, struct input *in,
                  struct raw_rows *out, struct error *e);
void raw_rows_release(struct raw_rows *rows);

#endif
