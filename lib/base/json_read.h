/* Reading JSON. Part of compiled artefacts, too: see plain.h. */
#ifndef BASE_JSON_READ_H
#define BASE_JSON_READ_H

#include "base/plain.h"

/* A pull parser over a text in memory, strict RFC 8259, depth at most 512, no allocation. UTF-8 in
 * strings is not checked, nor are pairs of surrogates (json_unescape does that) or repeated keys.
 * Tokens borrow from the text. For an object: OBJECT, (KEY, value)*, END; for an array: ARRAY,
 * value*, END. */
enum json_token {
    JSON_TOKEN_ERROR,
    JSON_TOKEN_DONE,
    JSON_TOKEN_OBJECT,
    JSON_TOKEN_ARRAY,
    JSON_TOKEN_END,
    JSON_TOKEN_KEY,
    JSON_TOKEN_STRING,
    JSON_TOKEN_NUMBER,
    JSON_TOKEN_TRUE,
    JSON_TOKEN_FALSE,
    JSON_TOKEN_NULL,
};
struct json_reader {
    const char *at, *end, *start;
    int depth;
    uint8_t stack[512 / 8]; /* bit = inside an object */
    uint8_t state;
    bool nonfinite; /* set after json_start: NaN, Infinity and -Infinity are numbers, too */
    /* The last KEY or STRING without its quotes, escapes as they are, or scalar. */
    struct text raw;
    bool escaped;        /* raw holds backslash escapes */
    const char *problem; /* after JSON_TOKEN_ERROR: what is wrong, at `at` */
};
ML_API void json_start(struct json_reader *r, const char *text, size_t n);
ML_API enum json_token json_next(struct json_reader *r);
/* Skips the rest of the value whose OBJECT or ARRAY token was just read; false on error. */
ML_API bool json_skip(struct json_reader *r);
/* Writes raw with its escapes decoded to UTF-8, at most raw.len bytes; false on a lone surrogate or
 * a bad escape. */
ML_API bool json_decode(char *out, struct text raw, size_t *n);
/* Bytes before the first that cannot stand in a string as it is: quote, backslash, control. */
ML_API size_t json_plain_run(const char *p, size_t n);

#endif
