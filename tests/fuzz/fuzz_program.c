/* Any bytes as a row program, with the length in its header made true: what the checker lets pass
 * is run, and stays inside its memory. */
#include "base/base.h"
#include "runtime/program.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const struct ml_program *p)
{
    static const char *const cells[] = {"31", "Rome", "2024-05-16T10:00:00Z", "a;b", ""};
    struct ml_text *fields = mem_array(NULL, p->fields + 1, sizeof *fields);
    double *features = mem_array(NULL, p->features + 1, sizeof *features);
    void *work = mem_alloc(ml_program_work(p));
    for (uint32_t i = 0; i < p->fields; i++)
        fields[i] =
            (struct ml_text){cells[i % COUNT_OF(cells)], strlen(cells[i % COUNT_OF(cells)])};
    int status = ml_program_run(p, fields, work, features);
    if (!ml_program_why(p, work, status).text)
        abort();
    mem_free(fields);
    mem_free(features);
    mem_free(work);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ml_program *p = mem_copy(data, size);
    uint64_t bytes = size;
    if (size >= sizeof *p)
        memcpy((char *)p + offsetof(struct ml_program, bytes), &bytes, sizeof bytes);
    if (ml_program_check(p, size) == 0 && ml_program_work(p) < (size_t)64 << 20)
        run(p);
    mem_free(p);
    return 0;
}
