/*
 * Any bytes as a definition that goes out in every format. What is written must be JSON where the
 * format is, and no parameter may be left in it that has no name there.
 */
#include "exchange/exchange.h"

#include <jansson.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_slow(struct text source)
{
    bool pattern = memchr(source.at, '*', source.len) || memchr(source.at, '?', source.len);
    return (pattern && memmem(source.at, source.len, "foreach", 7)) ||
           memmem(source.at, source.len, "matrix", 6);
}

/* Of one that has no marks of its own. */
static void check_marks(struct text source, const struct buf *out)
{
    bool own = memchr(source.at, PARAMETER_MARK, source.len) || memchr(source.at, '\\', source.len);
    if (!own &&
        (memchr(out->at, PARAMETER_MARK, out->len) || memmem(out->at, out->len, "\\u0001", 6)))
        abort();
}

static void check_json(const char *format, const struct buf *out)
{
    bool is_json = strcmp(format, "asl") == 0 || strcmp(format, "sagemaker") == 0 ||
                   strcmp(format, "codepipeline") == 0;
    json_t *tree = is_json ? json_loadb(out->at, out->len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (is_json && !tree)
        abort();
    json_decref(tree);
}

static void export_as(const char *format, struct text source)
{
    struct buf out = {0}, warnings = {0};
    struct error e = {0};
    if (exchange_export_text(format, "Pipefile", source, NULL, 0, &out, &warnings, &e) == 0) {
        if (out.len == 0 || (warnings.len && warnings.at[warnings.len - 1] != '\n'))
            abort();
        check_marks(source, &out);
        check_json(format, &out);
    } else if (e.message[0] == '\0') {
        abort();
    }
    buf_release(&out);
    buf_release(&warnings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text source = {(const char *)data, size};
    size_t count = 0;
    if (size > 4096 || is_slow(source))
        return 0;
    (void)exchange_exports(&count, 0);
    for (size_t i = 0; i < count; i++)
        export_as(exchange_exports(&count, i)->name, source);
    return 0;
}
