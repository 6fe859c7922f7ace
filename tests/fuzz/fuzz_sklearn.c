/* Any bytes as a pickle. What is read and passes the check must be safe to predict with. */
#include "infer/infer.h"
#include "model/builder.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void predict(const struct model *m)
{
    struct error e = {0};
    struct reference *r = reference_new(m);
    double *row = mem_array(NULL, m->feature_count, sizeof *row);
    double *margins = mem_array(NULL, m->outputs, sizeof *margins);
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < m->feature_count; i++)
            row[i] = k ? (double)(i + k) : (double)NAN;
        if (reference_margins(r, row, margins, &e) == 0) {
            margins_transform(m, margins);
            if (m->classes && margins_class(m, margins) >= m->class_count)
                abort();
        }
    }
    mem_free(margins);
    mem_free(row);
    reference_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model *m = NULL;
    struct error e = {0};
    int status = import_sklearn((const char *)data, size, &m, &e);
    if (status < 0 && (e.code >= 0 || e.message[0] == '\0'))
        abort();
    if (status > 0 && model_check(m, &e) == 0)
        predict(m);
    model_free(m);
    return 0;
}
