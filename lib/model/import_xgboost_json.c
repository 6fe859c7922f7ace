/* XGBoost's models in JSON, read as a stream: no tree of values is built. */
#include "model/builder.h"
#include "model/import_xgboost.h"

#include <math.h>

struct json_pull {
    struct pull base;
    struct json_reader reader;
    struct buf text; /* of the last KEY or STRING with escapes */
};

static enum json_token fail(struct json_pull *p, const char *problem)
{
    p->base.problem = problem;
    return JSON_TOKEN_ERROR;
}

static enum json_token pull_text(struct json_pull *p, enum json_token token)
{
    p->base.text = p->reader.raw;
    if (!p->reader.escaped)
        return token;
    p->text.len = 0;
    if (!json_unescape(&p->text, p->reader.raw))
        return fail(p, "invalid escape in a string");
    p->base.text = (struct text){buf_text(&p->text), p->text.len};
    return token;
}

static enum json_token pull_number(struct json_pull *p)
{
    struct text raw = p->reader.raw;
    double *x = &p->base.number;
    if (number_parse_double(raw.at, raw.len, x))
        return JSON_TOKEN_NUMBER;
    if (raw.at[raw.len - 1] == 'N')
        *x = (double)NAN;
    else if (raw.at[raw.len - 1] == 'y')
        *x = raw.at[0] == '-' ? -(double)INFINITY : (double)INFINITY;
    else
        return fail(p, "a number is too large");
    return JSON_TOKEN_NUMBER;
}

static enum json_token next(struct pull *base)
{
    struct json_pull *p = (struct json_pull *)base;
    enum json_token token = json_next(&p->reader);
    base->offset = (size_t)(p->reader.at - p->reader.start);
    switch (token) {
    case JSON_TOKEN_ERROR:
        return fail(p, p->reader.problem);
    case JSON_TOKEN_KEY:
    case JSON_TOKEN_STRING:
        return pull_text(p, token);
    case JSON_TOKEN_NUMBER:
        return pull_number(p);
    case JSON_TOKEN_TRUE:
    case JSON_TOKEN_FALSE:
        base->number = token == JSON_TOKEN_TRUE;
        return JSON_TOKEN_NUMBER;
    default:
        return token;
    }
}

/* NaN and Infinity stand where a leaf has no threshold. */
static void start(struct json_reader *r, const char *bytes, size_t n)
{
    json_start(r, bytes, n);
    r->nonfinite = true;
}

static bool is_booster(const char *bytes, size_t n)
{
    struct json_reader r;
    start(&r, bytes, n);
    bool object = json_next(&r) == JSON_TOKEN_OBJECT;
    return object && json_next(&r) == JSON_TOKEN_KEY && booster_key(r.raw);
}

int import_xgboost_json(const char *bytes, size_t n, struct model **m, struct error *e)
{
    if (!is_booster(bytes, n))
        return 0;
    struct booster b = {.bytes = n};
    struct json_pull p = {.base.next = next};
    start(&p.reader, bytes, n);
    int status = booster_read(&p.base, &b, e);
    if (status == 0)
        status = booster_model(&b, "xgboost-json", m, e);
    buf_release(&p.text);
    booster_release(&b);
    return status;
}
