/*
 * json_schema: checks JSON texts against a part of JSON Schema (draft 2020-12):
 *
 *     type (a name or a list)   enum const (scalars)
 *     minimum maximum exclusiveMinimum exclusiveMaximum
 *     minLength maxLength   items minItems maxItems
 *     properties required additionalProperties
 *
 * title, description, default, examples, $schema, $id and $comment are read over; any other keyword
 * is an error, so that nothing is believed to be checked that is not.
 */
#ifndef STEPS_JSON_SCHEMA_H
#define STEPS_JSON_SCHEMA_H

#include "base/base.h"

struct json_schema;

/* ERR_USAGE names the keyword that is unknown or wrong. */
int json_schema_compile(const char *text, size_t n, struct json_schema **out, struct error *e);
/* Whether `json` is JSON and as the schema says. Any thread; scratch is overwritten. */
bool json_schema_check(const struct json_schema *s, struct text json, struct buf *scratch);
void json_schema_free(struct json_schema *s);

#endif
