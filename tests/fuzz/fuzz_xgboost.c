/*
 * XGBoost's models from any bytes: what is read passes model_check or is refused, and what passes
 * can be run over rows.
 */
#include "infer/infer.h"
#include "model/builder.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const struct model *m)
{
    struct reference *r = reference_new(m);
    double *row = mem_array(NULL, m->feature_count, sizeof *row);
    double *margins = mem_array(NULL, m->outputs, sizeof *margins);
    static const double values[] = {(double)NAN, 0, -1.5, 3, 1e30};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        for (size_t k = 0; k < m->feature_count; k++)
            row[k] = values[(i + k) % COUNT_OF(values)];
        if (reference_margins(r, row, margins, NULL))
            abort();
        margins_transform(m, margins);
    }
    mem_free(margins);
    mem_free(row);
    reference_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static importer *const importers[] = {import_xgboost_json, import_xgboost_ubjson,
                                          import_xgboost_binary};
    char *exact = mem_copy(data, size + (size == 0)); /* no byte behind the last is read unseen */
    for (size_t i = 0; i < COUNT_OF(importers); i++) {
        struct model *m = NULL;
        struct error e = {0};
        int got = importers[i](exact, size, &m, &e);
        if ((got > 0) != (m != NULL) || (got < 0) != (e.message[0] != '\0'))
            abort();
        if (got > 0 && model_check(m, &e) == 0)
            run(m);
        model_free(m);
    }
    mem_free(exact);
    return 0;
}
