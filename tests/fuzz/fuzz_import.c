/*
 * Any bytes as another tool's pipeline. An error must point into them; what is taken must have
 * become a definition, which can go out again in every format. The first byte says which tool's
 * it is.
 */
#include "document/document.h"
#include "exchange/exchange.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(struct text bytes, const struct error *e)
{
    uint64_t lines = 1;
    for (size_t i = 0; i < bytes.len; i++)
        lines += bytes.at[i] == '\n' || bytes.at[i] == '\r';
    if (e->code != ERR_DATA || e->line > lines + 1 || e->message[0] == '\0')
        abort();
}

static void check_definition(struct text text)
{
    struct doc *doc = NULL;
    struct pipeline *p = NULL;
    struct error e = {0};
    if (doc_parse("Pipefile", text, DOC_YAML, &doc, &e) != 0)
        abort();
    doc_free(doc);
    if (pipeline_parse_kept("Pipefile", text, NULL, 0, &p, &e) != 0)
        abort();
    pipeline_free(p);
}

/* Written to nowhere: that it can be, or an error, is all that counts. */
static void check_exports(struct text text)
{
    size_t count = 0;
    (void)exchange_exports(&count, 0);
    for (size_t i = 0; i < count; i++) {
        struct buf out = {0}, warnings = {0};
        struct error e = {0};
        int status = exchange_export_text(exchange_exports(&count, i)->name, "Pipefile", text, NULL,
                                          0, &out, &warnings, &e);
        if (status != 0 && e.message[0] == '\0')
            abort();
        buf_release(&out);
        buf_release(&warnings);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out = {0};
    struct error e = {0};
    if (size < 1 || size > 8192)
        return 0;
    bool dvc = data[0] == 'd';
    struct text bytes = {(const char *)data + 1, size - 1};
    if (dvc && (memmem(bytes.at, bytes.len, "vars", 4) || memmem(bytes.at, bytes.len, "matrix", 6)))
        return 0; /* would read any files, or make very many steps */
    if (exchange_import(dvc ? "dvc" : "sagemaker", "source", bytes, &out, &e) != 0) {
        check_error(bytes, &e);
    } else {
        check_definition((struct text){out.at, out.len});
        check_exports((struct text){out.at, out.len});
    }
    buf_release(&out);
    return 0;
}
