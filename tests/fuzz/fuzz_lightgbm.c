/* Any bytes as a LightGBM model. What is taken must pass the check and answer for any row; what is
 * not must be told. */
#include "infer/infer.h"
#include "model/builder.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void predict(const struct model *m)
{
    static const double values[] = {0, 1, -1e300, 2147483648.0, -0.5, 33};
    struct reference *r = reference_new(m);
    double *row = mem_array(NULL, m->feature_count, sizeof *row);
    double *margins = mem_array(NULL, m->outputs, sizeof *margins);
    for (size_t i = 0; i <= COUNT_OF(values); i++) {
        for (size_t k = 0; k < m->feature_count; k++)
            row[k] = i < COUNT_OF(values) ? values[i] : (double)NAN;
        if (reference_margins(r, row, margins, NULL))
            abort();
        margins_transform(m, margins);
    }
    reference_free(r);
    mem_free(row);
    mem_free(margins);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model *m = NULL;
    struct error e = {0};
    int got = import_lightgbm((const char *)data, size, &m, &e);
    if ((got < 0 && (e.code != ERR_DATA || !e.message[0])) || (got == 0 && m) || (got > 0 && !m))
        abort();
    if (got > 0 && model_check(m, &e) == 0)
        predict(m);
    model_free(m);
    return 0;
}
