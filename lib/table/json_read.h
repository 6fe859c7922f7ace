/*
 * JSON Lines in: one object a line, each key a column. For the files of this module.
 *
 * Cells are slices of the chunk in FORM_RAW: the value's JSON text, a string with its quotes. A
 * null is the text `null`, an absent key a missing cell. The text is checked as RFC 8259 has it,
 * UTF-8 included; nothing is built or decoded, and a key that stands where the schema expects it
 * costs one comparison.
 *
 * A row whose keys are not exactly the schema's in its order has its own order kept in the batch's
 * layout, keys the schema lacks as raw text with it. Layout is by row of the chunk, so it needs no
 * care when rows are kept or gathered: batch.kept says which row of the chunk a row was.
 */
#ifndef TABLE_JSON_READ_H
#define TABLE_JSON_READ_H

#include "table/table.h"

/* What a row has in one place: a column of the input, or a key that is none. */
struct json_item {
    const char *extra; /* NULL, or `"key":value` as it stood in the chunk */
    size_t at;         /* the column, or the length of extra */
};

struct json_layout {
    const struct schema *schema; /* of the input: what the columns of items are; borrowed */
    bool drop_extras;            /* the keys that are no column do not go to the output */
    enum { KEYS_OWN_ORDER, KEYS_IN_ORDER, KEYS_COMPLETE } keys; /* those that are columns */
    struct json_row {
        const struct json_item *items; /* NULL: as the schema */
        size_t count;
    } * rows; /* by row of the chunk */
};

/* A schema made ready for parsing. Read-only once prepared, so threads may share it. */
struct json_input {
    const struct schema *schema; /* borrowed */
    struct json_key *keys;       /* one for each field */
    struct map names;            /* of the fields; a field's number is its number here */
    struct arena arena;
    bool keep_extras; /* else a key that the schema lacks is an error */
};
void json_input_prepare(struct json_input *in, const struct schema *schema, bool keep_extras);
void json_input_release(struct json_input *in);

/* Makes rows and columns of b->text, which holds complete lines (the last newline may be missing at
 * the end of the input). Blank lines are no rows. A bad line goes to batch_reject and, when that
 * lets the work go on, is a row of missing cells. `in` must be prepared for `schema`. Returns 0 or
 * e->code. */
int json_parse_chunk(const struct schema *schema, const struct json_input *in, struct batch *b,
                     struct error *e);

/* Whether one of the lines that end in text[0..n) is, or may be the end of, a blank one. */
bool json_blank_line(const char *text, size_t n);
/* Lines of text[0..n) that are not blank; text[n - 1] is a newline. */
size_t json_count_records(const char *text, size_t n);

/* What follows the last newline of text: where the records that are complete end. 0 when there is
 * none. */
size_t json_last_record_end(const char *text, size_t n);

#endif
