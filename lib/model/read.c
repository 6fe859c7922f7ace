/* Models from files: which format it is. */
#include "base/digest.h"
#include "model/builder.h"
#include "sys/sys.h"

static void put_digest(struct model *m, struct text bytes)
{
    uint8_t digest[SHA256_SIZE];
    sha256(bytes, digest);
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        m->sha256[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        m->sha256[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    m->bytes = bytes.len;
}

int model_parse(const char *bytes, size_t n, const char *name, struct model **out, struct error *e)
{
    static importer *const importers[] = {import_onnx,           import_sklearn,
                                          import_lightgbm,       import_xgboost_json,
                                          import_xgboost_ubjson, import_xgboost_binary};
    struct model *m = NULL;
    int got = 0;
    for (size_t i = 0; i < COUNT_OF(importers) && got == 0; i++)
        got = importers[i](bytes, n, &m, e);
    if (got == 0)
        got = error_set(e, ERR_DATA,
                        "not a model that is known: XGBoost (JSON, UBJSON, binary), LightGBM text, "
                        "scikit-learn pickle or joblib, ONNX");
    if (got > 0) {
        got = model_check(m, e);
        put_digest(m, (struct text){bytes, n});
    }
    if (got < 0) {
        model_free(m);
        return error_at(e, name, e ? e->line : 0, e ? e->column : 0);
    }
    *out = m;
    return 0;
}

int model_read(const char *path, struct model **out, struct error *e)
{
    struct buf bytes = {0};
    int status = file_load(path, MODEL_BYTES_MAX, &bytes, e);
    if (status == 0)
        status = model_parse(bytes.at ? bytes.at : "", bytes.len, path, out, e);
    buf_release(&bytes);
    return status;
}
