/* Any bytes as an ONNX model. What the importer lets pass can be relied on: a row with a missing
 * value and one with a number of each column go through it. */
#include "infer/infer.h"
#include "model/builder.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void predict(const struct model *m)
{
    struct reference *r = reference_new(m);
    double *row = mem_array(NULL, m->feature_count + 1, sizeof *row);
    double *margins = mem_array(NULL, m->outputs + 1, sizeof *margins);
    for (int missing = 0; missing < 2; missing++) {
        for (size_t i = 0; i < m->feature_count; i++)
            row[i] = missing ? (double)NAN : (double)i - 1;
        if (reference_margins(r, row, margins, NULL) == 0)
            margins_transform(m, margins);
    }
    mem_free(margins);
    mem_free(row);
    reference_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model *m = NULL;
    struct error e = {0};
    int status = import_onnx((const char *)data, size, &m, &e);
    if (status < 0 ? !e.message[0] : status == 0 ? m != NULL : m == NULL)
        abort();
    if (m && model_check(m, &e) == 0)
        predict(m);
    model_free(m);
    return 0;
}
