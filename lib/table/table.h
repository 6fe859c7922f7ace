/*
 * table: rows in columns, and the formats they come in and leave as: text here, Parquet in
 * parquet.h.
 *
 * A stream of rows is cut into chunks of text at record borders; each chunk becomes a batch. Cells
 * stay slices of the chunk until somebody asks for text, numbers or times; a cell nobody touched is
 * written byte for byte as it came. Reading a chunk is serial and cheap, parsing it and formatting
 * the result run on any thread; the bytes that come out do not depend on the number of threads or
 * on the chunk size.
 *
 * Missing: an empty unquoted CSV field, JSON null, an absent key, a declared token (--na). Inside a
 * column it is at == NULL (text), NaN (float), INT_MISSING (int, time), BOOL_MISSING (bool): there
 * are no masks, and a float that is not a number is missing.
 */
#ifndef TABLE_H
#define TABLE_H

#include "base/base.h"
#include "io/io.h"

#define INT_MISSING  INT64_MIN
#define BOOL_MISSING 2

/* What a column is taken for. Inferred from the first records (SCHEMA_SAMPLE), so it never depends
 * on chunks; a hint for @numeric, comparisons of two columns and JSON output, unless declared. */
enum type {
    TYPE_TEXT,
    /* Inferred: every sampled cell is an integer. A float among them later is no error. */
    TYPE_INT,
    TYPE_FLOAT,
    TYPE_BOOL, /* true, false (any case) */
    TYPE_TIME, /* dates and RFC 3339 times */
    TYPE_JSON, /* JSON values as text: lists and maps */
};
/* "text" "int" "float" "bool" "time" "json". */
const char *type_name(enum type t);
bool type_from_name(struct text name, enum type *t);
bool type_is_number(enum type t);

struct field {
    const char *name; /* owned by the schema */
    enum type type;
    bool declared;   /* by --types, cast or the step that made it: cells must fit */
    bool empty;      /* no sampled cell had a value: the type says nothing */
    const char *raw; /* the name as it stands in the header, quotes included; NULL: write name */
};

/* Names and order change by the functions below alone, which keep the slots. */
struct schema {
    VEC(struct field) fields;
    struct arena arena;         /* names */
    uint32_t *slots;            /* fields by the hash of their name; NULL for a few */
    size_t slot_mask, slot_use; /* slots - 1; slots that are not empty */
};
#define FIELD_NONE SIZE_MAX
/* The first field of that name, FIELD_NONE when absent. Takes the same time however many there
 * are. */
size_t schema_find(const struct schema *s, struct text name);
/* Appends a declared field; returns its index. */
size_t schema_add(struct schema *s, struct text name, enum type type);
void schema_insert(struct schema *s, size_t at, struct text name, enum type type);
void schema_remove(struct schema *s, size_t at);
void schema_move(struct schema *s, size_t from, size_t to);
void schema_rename(struct schema *s, size_t at, struct text name);
/* Leaves out n fields, in any order. */
void schema_leave_out(struct schema *s, const size_t *at, size_t n);
/* Leaves n fields: at[0] becomes the first, and so on; none twice. */
void schema_arrange(struct schema *s, const size_t *at, size_t n);
/* `into` must be released or {0}. */
void schema_copy(struct schema *into, const struct schema *from);
void schema_release(struct schema *s);

/* How a column holds its cells. */
enum form {
    FORM_VIEW, /* CSV cells through the index of the chunk; raw */
    /* struct text: cells as they stand in the source, quotes or JSON escapes included. */
    FORM_RAW,
    FORM_TEXT,   /* struct text: values */
    FORM_INT,    /* int64_t */
    FORM_FLOAT,  /* double */
    FORM_NUMBER, /* struct number: integers and floats mixed */
    FORM_BOOL,   /* uint8_t: 0, 1, BOOL_MISSING */
    FORM_TIME,   /* usec */
    FORM_JSON,   /* struct text: JSON values, valid JSON text */
};

struct number {
    union {
        int64_t i;
        double f;
    };
    bool is_int; /* missing is a float NaN */
};

struct column {
    enum form form;
    /* Index of the field of the input it still holds untouched, else -1. */
    int32_t source;
    union {
        struct { /* FORM_VIEW: cell r is base[at[r*stride]] up to at[r*stride+1]-1 */
            const char *base;
            const uint32_t *at; /* starts of cells; r is a row of the chunk: see batch.kept */
            uint32_t stride;
            bool last; /* of its record: a carriage return may stand at its end */
        } view;
        const struct text *text;
        const int64_t *i64;
        const double *f64;
        const struct number *number;
        const uint8_t *b8;
    };
    /* Conversions made so far, in the batch's arena; dropped when rows are. */
    const struct text *as_text;
    const double *as_double;
};

struct format;
struct cell_policy;
struct shared;

struct batch {
    size_t rows;
    VEC(struct column) columns; /* the same order as the schema at this point of the stream */
    const uint32_t *kept;       /* for FORM_VIEW: row -> row of the chunk; NULL: the same */
    const uint64_t *ids;        /* per row; NULL: first_id + (row of the chunk << ROW_ID_SHIFT) */
    uint64_t first_id;
    const struct format *format; /* of raw cells; borrowed from the input */
    const struct cell_policy *policy;
    struct arena arena;          /* all that is made for this batch */
    struct buf text;             /* the chunk's bytes; 64 readable bytes follow */
    size_t skipped;              /* bytes of its allocation before text.at: see batch_skip */
    VEC(struct shared *) shared; /* memory that cells are slices of; dropped with them */
    VEC(uint32_t) index;         /* of a regular CSV chunk; kept for the next one */
    size_t part;                 /* number of the input's file the chunk is of */
    const char *file;            /* where the rows come from, for messages; NULL: made by a step */
    uint64_t first_line;         /* line of text's first record; 0 unknown */
    /* Number of the first row in its file, where rows have no lines; 0: they have */
    uint64_t first_row;
    /* Offset in text of row r of the chunk: row_start[r * row_stride]; */
    const uint32_t *row_start;
    uint32_t row_stride; /* row_start NULL: unknown */
    size_t line_offset;  /* of the row last asked for by batch_place, */
    /* And its line, so that the next one is not counted from the start */
    uint64_t line;
    const struct json_layout *layout; /* JSON Lines: each row's own keys; NULL: as the schema */
    uint8_t *rejected;                /* per row: 1 = drop; NULL none. See cell_policy */
    uint64_t sequence; /* place in the stream of batches, for ordered steps and output */
};

/* Identity of a row for random draws and order of arrival: record number (from 0) << 20, children
 * of an exploded row count up from it. A record that is passed over as wrong has its
 * number, too. */
#define ROW_ID_SHIFT 20
uint64_t batch_row_id(const struct batch *b, size_t row);
/* file and line of a row, as far as known, into e. Returns e->code. */
int batch_place(struct batch *b, size_t row, struct error *e);

struct batch *batch_new(void);
/* No rows, no columns; memory is kept for the next chunk. */
void batch_clear(struct batch *b);
void batch_free(struct batch *b);
size_t batch_held(const struct batch *b);    /* bytes of memory */
void batch_skip(struct batch *b, size_t n);  /* text begins n bytes later */
struct buf batch_take_text(struct batch *b); /* returns owned: the text's allocation */

/* Arrays for new columns, uninitialised, in the batch's arena. */
void *batch_array(struct batch *b, size_t count, size_t size) NEVER_NULL;
/* Columns: append, replace, insert, remove, move. Values must live as long as the batch. source is
 * set to -1. batch_add returns the index. */
size_t batch_add(struct batch *b, struct column c);
void batch_set(struct batch *b, size_t at, struct column c);
void batch_insert(struct batch *b, size_t at, struct column c);
void batch_remove(struct batch *b, size_t at);
void batch_leave_out(struct batch *b, const size_t *at, size_t n); /* n columns, in any order */
void batch_arrange(struct batch *b, const size_t *at, size_t n);   /* at[0] becomes the first */
void batch_move(struct batch *b, size_t from, size_t to);
struct column column_of_text(const struct text *values);
struct column column_of_int(const int64_t *values);
struct column column_of_double(const double *values);
struct column column_of_number(const struct number *values);
struct column column_of_bool(const uint8_t *values);
struct column column_of_time(const usec *values);
struct column column_of_json(const struct text *values);

/* Keeps the given rows, in increasing order (rows: n indexes; copied into the arena). */
void batch_keep(struct batch *b, const uint32_t *rows, size_t n);
/* Keeps the rows where keep[r] == 1. */
void batch_filter(struct batch *b, const uint8_t *keep);
/* JSON Lines: from here on rows keep the order of their keys,
 * but not the keys that are no columns. */
void batch_drop_extras(struct batch *b);
/* JSON Lines: from here on rows have their keys in the order of the columns; those that are none
 * behind. */
void batch_order_keys(struct batch *b);
/* JSON Lines: the same, and every row has all columns: null where it had no such key. */
void batch_complete_keys(struct batch *b);
/* Any rows in any order, with repeats: rows[r] is the old row of new row r. UINT32_MAX makes a row
 * of missing cells. ids (n, or NULL: derived from the old rows, repeats counted up). */
void batch_gather(struct batch *b, const uint32_t *rows, size_t n, const uint64_t *ids);

/* Values of a column, rows many, converted on first use and kept until rows change; valid as long
 * as the batch and until batch_keep/gather. A cell that does not convert goes to the batch's
 * policy, which makes it missing or an error with file, line and column. `name` is for that
 * message. */
const struct text *batch_text(struct batch *b, size_t column); /* never fails */
/* Cells as they stand in the source, for a column that no step made; else NULL. */
const struct text *batch_raw(struct batch *b, size_t column);
int batch_double(struct batch *b, size_t column, const char *name, const double **out,
                 struct error *e);
int batch_int(struct batch *b, size_t column, const char *name, const int64_t **out,
              struct error *e);
int batch_time(struct batch *b, size_t column, const char *name, const usec **out, struct error *e);
int batch_bool(struct batch *b, size_t column, const char *name, const uint8_t **out,
               struct error *e);
/* The column as FORM_INT when all its cells are integers, FORM_FLOAT when all are floats, else
 * FORM_NUMBER. */
int batch_number(struct batch *b, size_t column, const char *name, struct column *out,
                 struct error *e);
/* One cell as text (never fails); scratch is used for numbers and times. */
struct text batch_cell(struct batch *b, size_t column, size_t row);
bool batch_missing(struct batch *b, size_t column, size_t row);

/* What happens to a row or cell that is wrong (--on-error, --rejects). Shared by all threads. */
struct cell_policy {
    enum on_error { ON_ERROR_STOP, ON_ERROR_SKIP, ON_ERROR_NULL } on_error;
    /* Called for every rejected cell or row, from any thread; may be NULL. */
    void (*reject)(void *context, const struct error *place, struct text raw);
    void *context;
    /* For times without an offset; NULL: they are errors. */
    usec (*zone_to_utc)(void *zone, usec local);
    void *zone;
    struct text *na; /* tokens that mean missing, besides the empty field */
    size_t na_count;
};
/* A cell or row is wrong: e holds what (code ERR_DATA), place is filled in. Returns 0 when work
 * goes on (the caller stores missing; with skip the row is marked), or e->code to stop. */
int batch_reject(struct batch *b, size_t row, size_t column, const char *name, struct error *e);
/* Drops the rows marked by batch_reject. */
void batch_drop_rejected(struct batch *b);

enum format_kind {
    FORMAT_CSV,
    FORMAT_JSONL,
    FORMAT_PARQUET, /* binary: see parquet.h */
    FORMAT_PRETTY,  /* output only: aligned for eyes */
};

struct format {
    enum format_kind kind;
    char delimiter[8]; /* CSV: ',', '\t' ...; NUL-terminated, one or more bytes */
    char quote;        /* '"'; 0: none */
    bool backslash;    /* escape by backslash instead of doubling */
    bool lazy_quotes;  /* a quote inside an unquoted cell is a byte like any other */
    bool header;       /* first record holds the names; else c1, c2 ... */
    char comment[8];   /* lines that begin with it are skipped; "" none */
    size_t skip_lines; /* before the header */
};
struct format format_csv(char delimiter);
struct format format_jsonl(void);
/* "csv" "tsv" "psv" "ssv" "jsonl" ("ndjson", "json" for input) "parquet" "pretty"; false when
 * unknown. */
bool format_from_name(struct text name, struct format *f);
bool format_from_extension(struct text extension, struct format *f);
/* Raw cells mean the same in both. */
bool format_same_cells(const struct format *a, const struct format *b);

/* The value of a raw cell; unescaping into the arena when it must. at == NULL when missing. */
struct text cell_value(const struct format *f, struct text raw, struct arena *arena);

/* How input is read. {0} is the usual way. */
struct input_options {
    const struct format *format; /* NULL: by extension, else by the first bytes */
    const char *encoding;        /* NULL: UTF-8; "auto" UTF-16 by mark */
    const struct cell_policy *policy;
    enum ragged { RAGGED_ERROR, RAGGED_PAD, RAGGED_TRUNCATE, RAGGED_EXTRA } ragged;
    size_t max_record; /* bytes; 0: RECORD_BYTES_MAX */
    size_t chunk;      /* bytes; 0: 512 KiB, or $ML_CHUNK */
    /* Number of the first record in a whole this is a shard of; 0: 1. Below 2^42 */
    uint64_t first_row;
    const char *source_column; /* name of a column with the file's name; NULL none */
    bool union_schema;         /* JSON Lines: read all of it first for the union of keys */
    bool json_out;             /* JSON Lines go out too: keys the schema lacks may pass by */
    bool live;                 /* read no sample: types are text unless declared */
    /* Types of columns, for a slow stream: no sample is waited for; borrowed */
    const struct schema *known;
    /* The columns of JSON Lines, whatever keys the records have: those that are none are errors,
     * unless json_out; borrowed */
    const struct schema *keys;
    bool same_header;    /* several files must have the same columns */
    struct text types;   /* "id:int,zip:text": declared types */
    struct text columns; /* "a,b,c": names instead of a header, or the JSON keys */
};

/* Several sources as one stream of rows. The schema is known once open: the union of the files'
 * columns. */
struct input;
int input_open(char *const paths[], size_t count, const struct input_options *o, struct input **out,
               struct error *e); /* no paths: standard input */
const struct schema *input_schema(const struct input *in);
const struct format *input_format(const struct input *in);
/* From here on columns have the types they have in known, and others are text. */
void input_set_types(struct input *in, const struct schema *known);
/* Which columns of the schema will be looked at, a byte each; NULL: all, as before the first call.
 * Others may come as missing: a format that has columns does not decode them. Before the first row
 * of a pass. */
void input_want(struct input *in, const uint8_t *wanted);
/*
 * Rows that nobody wants, told by one cell: its value lies in the gap, or it is missing. What a row
 * has in its other columns does not matter then; nor does it matter whether it can be read.
 */
struct input_gap {
    size_t column;  /* of the schema */
    enum type type; /* of the cells; INT and FLOAT are one */
    struct gap_end {
        bool there;       /* false: the gap has no end on this side */
        bool open;        /* the end itself lies outside */
        double number;    /* INT, FLOAT: integers are rounded to doubles, then compared */
        usec time;        /* TIME */
        struct text text; /* TEXT: bytes as unsigned */
    } from, to;
    bool missing_alone; /* no value lies in it */
    bool keep_missing;  /* a row where the cell is missing is wanted, whatever other gaps say */
};
struct input_gaps {
    VEC(struct input_gap) list;
};
/* A row with a cell in any of the gaps may be left out; others come, with their numbers as ever,
 * and input_rows counts all. Files that know the ranges of groups of rows leave out the groups in
 * which every row may be, unless a column that has a gap is of another type there, or one that is
 * wanted (see input_want, which comes first) cannot be read. Before the first row of a pass, as far
 * as the next call; no gaps: nothing is left out. Texts are borrowed for the time of the call. */
void input_leave_out(struct input *in, const struct input_gap *gaps, size_t n);
/* A chunk of text into b (cleared): 1, 0 at the end, < 0. Any thread: chunks are numbered by
 * b->sequence in the order of the stream, without a gap, those that failed too. A plain file is
 * read by all threads side by side, anything else by one at a time. A chunk may hold no record. A
 * slow stream is not waited for: the complete records there are come at once. */
int input_next(struct input *in, struct batch *b, struct error *e);
/* Makes columns of b's chunk: any thread. */
int input_parse(const struct input *in, struct batch *b, struct error *e);
/* Before the first row is read: what cannot be read twice (a pipe) is copied to a scratch file. */
int input_keep(struct input *in, struct error *e);
int input_rewind(struct input *in, struct error *e); /* again from the first row */
/* A pipe or terminal: rows should not be held back */
bool input_is_live(const struct input *in);
uint64_t input_rows(const struct input *in);      /* records handed out so far; any thread */
uint64_t input_first_row(const struct input *in); /* number of the first record, from 1 */
void input_free(struct input *in);

#define RECORD_BYTES_MAX    (16 << 20)  /* a record is no longer, unless max_record says so */
#define SCHEMA_SAMPLE_ROWS  1000        /* records looked at to infer types, */
#define SCHEMA_SAMPLE_BYTES (256 << 10) /* within these first bytes of the first file */

/* What `sniff` found in the first bytes; also the input's own way to a dialect. */
struct sniffed {
    struct format format;
    struct schema schema;
    const char *line_end; /* "\n", "\r\n", "\r" */
    bool header_doubtful; /* the first record, taken for the header, looks like data */
    double confidence;    /* share of records with the usual number of fields */
    size_t bytes, records;
};
/* Peeks at the first `least` bytes, and at more, not beyond `most`, where the first two lines are
 * longer; a list of JSON may be one line. complete: nothing follows. */
int sample_peek(struct source *source, size_t least, size_t most, const char **at, size_t *n,
                bool *complete, struct error *e);
int sniff(const char *at, size_t n, bool complete, const struct format *given, struct sniffed *out,
          struct error *e);
/* Type of a column from sampled values; 0 values: text. */
enum type infer_type(const struct text *values, size_t n);

/* Turns batches into text; holds no state between rows, so any thread may format any batch. */
struct writer {
    struct format format;
    const struct schema *schema; /* borrows */
    /* Of the rows' source, so that its header's bytes can stay; may be NULL. */
    const struct format *input;
};
void write_header(const struct writer *w, struct buf *out);
void write_batch(const struct writer *w, struct batch *b, struct buf *out);
/* One row as a record with its newline. */
void write_row(const struct writer *w, struct batch *b, size_t row, struct buf *out);

#endif
