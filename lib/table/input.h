/* The parts of an input: its files and how each is read. For the files of this module. */
#ifndef TABLE_INPUT_H
#define TABLE_INPUT_H

#include "table/csv_read.h"
#include "table/input_parquet.h"
#include "table/json_list.h"
#include "table/json_read.h"
#include "table/table.h"

#include <pthread.h>

struct input_file {
    char *path;            /* NULL: standard input */
    struct source *source; /* open between its first and last chunk; kept open when it is a pipe */
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
    struct input_parquet *parquet; /* then there is no source */
    uint8_t *wanted;               /* its columns, a byte each; NULL: all */
};

/* What has been read of a record without its end, or of blank lines that may be the file's last. */
struct open_record {
    uint64_t at;      /* offset in the file */
    uint64_t lines;   /* newlines in it, */
    uint64_t records; /* those of blank lines */
    bool inside;      /* what comes next is inside quotes */
    size_t rest;      /* bytes of it, a newline at its end, once the last slice has settled */
};

struct input {
    struct input_options options;
    VEC(struct input_file) files;
    struct schema schema;
    struct arena arena;
    size_t chunk, max_record;

    pthread_mutex_t door; /* threads come one at a time for a chunk; guards: */
    uint64_t chunks;      /* begun */
    size_t current;       /* file being read */
    bool started;         /* its first byte has been read */
    bool at_end;          /* of its bytes */
    struct json_list list;
    struct buf carry;   /* the beginning of a record whose end has not been read */
    bool sliced;        /* the file is read in slices, */
    uint64_t next, end; /* offsets: the next slice, the end of the text */

    struct turn *turn;        /* chunks settle in order; the one whose turn it is has: */
    uint64_t line;            /* of the next record */
    _Atomic uint64_t records; /* so far, from 0 in the whole that this may be a shard of */
    struct open_record open;  /* of a sliced file */
    bool failed;              /* chunks behind this one are not wanted */
};

int input_file_open(struct input *in, struct input_file *f, struct error *e);
/* Between its last chunk and a rewind, if it can be opened again: there may be thousands. */
void input_file_close(struct input *in, struct input_file *f);
const char *input_file_name(const struct input_file *f);

/* Names of the file's columns: one more; those given by the user; that none stands twice. */
void input_add_name(struct input *in, struct input_file *f, struct text name, struct text raw);
void input_names_from_option(struct input *in, struct input_file *f);
int input_check_names(const struct input_file *f, struct error *e);
/* Adds the file's columns, of the types in fields, to the schema; sets f->column. */
int input_join_schema(struct input *in, struct input_file *f, const struct field *fields,
                      struct error *e);

/* Offset of the file's first record when it can be read in slices. */
bool input_can_slice(const struct input_file *f, uint64_t *start, uint64_t *end);

/* A piece of a plain file, cut anywhere. */
struct slice {
    size_t file;
    uint64_t at;
    size_t n;
    bool first, last;
};
/* Reads it and, in its turn, makes b of the records that end in it: 1 or < 0. */
int input_read_slice(struct input *in, const struct slice *slice, struct batch *b, struct error *e);

/* When all slices have settled: 0, or what is wrong with the record that is left. */
int input_end_slices(struct input *in, const struct input_file *f, struct buf *text,
                     struct error *e);

/* Whether text holds a whole record, of at most max_record bytes: 1; 0: not yet; < 0: never. At the
 * end of the file blank lines are cut off. */
int input_check(struct input *in, const struct input_file *f, struct buf *text, bool at_end,
                struct scan_borders *borders, struct error *e);
/* The error that the record which begins text, and does not end in it, is. */
int input_explain_open(const struct input *in, const struct input_file *f, const struct buf *text,
                       struct error *e);
/* b, whose text has these borders, becomes the next chunk. */
void input_take(struct input *in, const struct input_file *f, struct batch *b,
                const struct scan_borders *borders);

#endif
