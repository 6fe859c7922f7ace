/* Any bytes as the tar inside an artefact, the checksums of whose headers are made true first, or
 * nothing would be seen behind them; and as a gzip file. */
#include "artefact/archive.h"
#include "artefact/manifest.h"
#include "runtime/predict.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCK = 512, CHECKSUM = 148, ALIGNED = ARCHIVE_ALIGNED };

static void mend(char *tar, size_t size)
{
    for (size_t at = 0; at + BLOCK <= size; at += BLOCK) {
        unsigned sum = 8 * ' ';
        if (memcmp(tar + at + 257, "ustar", 5) != 0)
            continue;
        for (size_t i = 0; i < BLOCK; i++)
            sum += i >= CHECKSUM && i < CHECKSUM + 8 ? 0 : (unsigned char)tar[at + i];
        (void)snprintf(tar + at + CHECKSUM, 8, "%06o", sum);
        tar[at + CHECKSUM + 7] = ' ';
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct artefact *a = mem_alloc(sizeof *a);
    struct error e = {0};
    char *memory = mem_alloc(size + ALIGNED);
    char *tar = memory + (ALIGNED - (uintptr_t)memory % ALIGNED) % ALIGNED;
    memcpy(tar, data, size);
    mend(tar, size);
    int rc = artefact_read_tar(a, (struct text){tar, size}, &e);
    if ((rc != 0 && (rc != ERR_DATA || !e.message[0])) || (rc == 0 && !a->library))
        abort();
    artefact_free(a);
    mem_free(memory);

    struct text out;
    void *all = NULL;
    if (gzip_unpack((struct text){(const char *)data, size}, &out, &all, &e) == 0)
        mem_free(all);
    return 0;
}
