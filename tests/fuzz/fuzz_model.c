/* Any bytes as a model in whatever stands around it: compressions, archives. */
#include "model/model.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model *m = NULL;
    struct error e = {0};
    int status = model_parse((const char *)data, size, "m", &m, &e);
    if (status < 0 && (e.code >= 0 || e.message[0] == '\0' || m))
        abort();
    if (status == 0 && model_check(m, &e))
        abort();
    model_free(m);
    return 0;
}
