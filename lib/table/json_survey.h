/*
 * A first look at JSON Lines: which keys there are, in order of first appearance, and what their
 * values look like. For the files of this module.
 */
#ifndef TABLE_JSON_SURVEY_H
#define TABLE_JSON_SURVEY_H

#include "table/infer.h"

struct json_survey {
    bool all_keys; /* of every record; else new keys come from the first one alone, and only the
                      first SCHEMA_SAMPLE_ROWS records are looked at */
    size_t records, malformed; /* lines looked at that are objects, and the others */
    struct map keys;
    VEC(struct type_tally) tallies; /* by key, of its first SCHEMA_SAMPLE_ROWS values */
    VEC(struct json_member) members;
    struct buf text, key;
};

/* Adds the records whose lines are complete in text, with `complete` also the last one. A malformed
 * line is passed over: it is the parser's to report. */
void json_collect_schema(struct json_survey *s, const char *text, size_t n, bool complete);
/* Appends the keys to schema, not declared, with the types their values suggest. */
void json_survey_schema(const struct json_survey *s, struct schema *schema);
void json_survey_release(struct json_survey *s);

#endif
