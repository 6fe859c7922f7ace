/* The parts of an input: its files and how each is read. For input.c and input_chunk.c. */
#ifndef TABLE_INPUT_H
#define TABLE_INPUT_H

#include "table/csv_read.h"
#include "table/json_list.h"
#include "table/json_read.h"
#include "table/table.h"

struct input_file {
    char *path;                 /* NULL: standard input */
    struct source *source;      /* open between its first and last chunk; kept open when it is a pipe */
    struct format format;
    char newline;
    bool is_list;               /* a JSON list of objects, rewritten to JSON Lines as it is read */
    size_t data_start;          /* bytes before the first record */
    uint64_t first_line;        /* of the first record */
    VEC(struct text) names;     /* CSV: of its cells, in the input's arena */
    VEC(struct text) raw_names; /* as they stand in the header; at == NULL when there is none */
    size_t *column;             /* cell -> field of the schema */
    struct csv_reader csv;
    struct json_input json;
};

struct input {
    struct input_options options;
    VEC(struct input_file) files;
    struct schema schema;
    struct arena arena;
    size_t current;             /* file being read */
    bool started;               /* its first byte has been read */
    bool at_end;                /* of its bytes */
    struct json_list list;
    struct buf carry;           /* the beginning of a record whose end has not been read */
    uint64_t line, records;     /* of the next chunk's first record; records from 0 in the whole */
    size_t chunk, max_record;
};

int input_survey(struct input *in, struct input_file *f, struct error *e);
int input_file_open(struct input *in, struct input_file *f, struct error *e);

#endif
