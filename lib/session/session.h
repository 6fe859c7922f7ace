/*
 * session: what commands with streams of rows share, whatever the tool: the options, the input,
 * policies and output they ask for, and the way from a recipe to its output.
 */
#ifndef SESSION_H
#define SESSION_H

#include "cli/cli.h"
#include "prep/prep.h"
#include "sys/sys.h"
#include "table/parquet.h"

/* Options that every command with rows has. */
struct stream_options {
    const char *from, *to, *output;
    const char *delimiter, *out_delimiter, *quote, *comment, *encoding;
    const char *columns, *types, *source_column, *zone, *rejects, *now;
    struct option_list na, params;
    int64_t skip_lines, jobs, seed, first_row;
    uint64_t memory, max_record;
    int on_error, ragged, schema, parquet_codec;
    bool no_header, no_out_header, backslash, lazy_quotes, same_header, allow_exec, live;
};

/* clang-format off */
#define STREAM_INPUT_ROWS(S)                                                                       \
    OPTION_ROW_FROM(S, stream.from),                                                               \
        {'d', "delimiter", "BYTES", INTO_TEXT(S, stream.delimiter),                                \
         .help = "what separates cells of CSV input"},                                             \
        {0, "quote", "BYTE", INTO_TEXT(S, stream.quote),                                           \
         .help = "quote of CSV input and output; none: no quoting"},                               \
        {0, "backslash", NULL, INTO_FLAG(S, stream.backslash),                                     \
         .help = "a backslash escapes, quotes are not doubled"},                                   \
        {0, "lazy-quotes", NULL, INTO_FLAG(S, stream.lazy_quotes),                                 \
         .help = "a quote inside an unquoted cell is a byte like any other"},                      \
        {0, "comment", "PREFIX", INTO_TEXT(S, stream.comment),                                     \
         .help = "pass over lines that begin with PREFIX"},                                        \
        {0, "skip-lines", "N", INTO_INT(S, stream.skip_lines), .fallback = "0", .range = "0..",    \
         .help = "pass over the first N lines"},                                                   \
        {0, "no-header", NULL, INTO_FLAG(S, stream.no_header),                                     \
         .help = "the first record is data; columns are c1, c2 ..."},                              \
        {0, "columns", "A,B,C", INTO_TEXT(S, stream.columns),                                      \
         .help = "names of the columns, instead of the header's"},                                 \
        {0, "types", "A:TYPE,...", INTO_TEXT(S, stream.types),                                     \
         .help = "declare types: text int float bool time json"},                                  \
        {0, "na", "TOKEN", INTO_LIST(S, stream.na),                                                \
         .help = "a cell that is TOKEN, quoted or not, is missing"},                           \
        {0, "encoding", "NAME", INTO_TEXT(S, stream.encoding),                                     \
         .help = "encoding of the input (default: UTF-8, UTF-16 by its mark)"},                    \
        {0, "source-column", "NAME", INTO_TEXT(S, stream.source_column),                           \
         .help = "add a column with the name of each row's file"},                                 \
        {0, "same-header", NULL, INTO_FLAG(S, stream.same_header),                                 \
         .help = "files whose columns differ are an error, not united"},                           \
        {0, "schema", NULL, INTO_CHOICE(S, stream.schema), .fallback = "first",                    \
         .choices = "first|union",                                                                 \
         .help = "JSON Lines: columns of the first record, or of all"},                            \
        {0, "ragged", NULL, INTO_CHOICE(S, stream.ragged), .fallback = "error",                    \
         .choices = "error|pad|truncate",                                                          \
         .help = "records with too few or too many cells"},                                        \
        {0, "on-error", NULL, INTO_CHOICE(S, stream.on_error), .fallback = "stop",                 \
         .choices = "stop|skip|null",                                                              \
         .help = "a wrong row or cell stops, is left out, or is missing"},                         \
        {0, "rejects", "FILE", INTO_TEXT(S, stream.rejects),                                       \
         .help = "write what was wrong to FILE, as JSON Lines with places"},                       \
        {0, "max-record", "SIZE", INTO_SIZE(S, stream.max_record), .fallback = "16M",              \
         .range = "1K..1G", .help = "a longer record is an error, not swallowed"},                 \
        {0, "zone", "NAME", INTO_TEXT(S, stream.zone),                                             \
         .help = "zone of times that name none, such as Europe/Paris"}

#define STREAM_OUTPUT_ROWS(S)                                                                      \
    OPTION_ROW_TO(S, stream.to), OPTION_ROW_OUTPUT(S, stream.output),                              \
        {'D', "out-delimiter", "BYTES", INTO_TEXT(S, stream.out_delimiter),                        \
         .help = "what separates cells of CSV output"},                                            \
        {'N', "no-out-header", NULL, INTO_FLAG(S, stream.no_out_header),                           \
         .help = "write no header line"},                                                          \
        {0, "parquet-codec", NULL, INTO_CHOICE(S, stream.parquet_codec), .fallback = "snappy",     \
         .choices = "snappy|zstd|gzip|none", .help = "compression of Parquet output"}

#define STREAM_RUN_ROWS(S)                                                                         \
    OPTION_ROW_JOBS(S, stream.jobs), OPTION_ROW_SEED(S, stream.seed),                              \
        {0, "memory", "SIZE", INTO_SIZE(S, stream.memory), .fallback = "1G", .range = "1M..",      \
         .help = "what sorting, grouping and joining may hold before they spill"},                 \
        {'P', "param", "NAME=VALUE", INTO_LIST(S, stream.params),                                  \
         .help = "value of param(\"NAME\") in expressions"},                                       \
        {0, "now", "TIME", INTO_TEXT(S, stream.now), .help = "what now() and today() give"},       \
        {0, "live", NULL, INTO_FLAG(S, stream.live),                                               \
         .help = "read a slow stream at once: no sample, columns are text unless --types"},        \
        {0, "allow-exec", NULL, INTO_FLAG(S, stream.allow_exec),                                   \
         .help = "let the program run other programs (exec_filter)"}
/* clang-format on */

#define STREAM_FIRST_ROW(S)                                                                        \
    {                                                                                              \
        0, "first-row", "N", INTO_INT(S, stream.first_row),                                        \
            .fallback = "1", .range = "1..4000000000000",                                          \
            .help = "number of the first record, in the whole that the input is a shard of"        \
    }

/* What a command runs on, made from its options. */
struct session {
    struct prep_context context;
    struct format from; /* of the input, when given */
    uint64_t first_row;
    struct text *na;
    struct zone *zone;
    struct rejects *rejects;
    const char **params;
};
int session_open(struct session *s, const struct stream_options *o, struct error *e);
/* Closes; status becomes that of writing the rejects when it was 0. */
int session_close(struct session *s, int status, struct error *e);
/* The files named by the operands, for the recipe's steps. */
int session_input(struct session *s, const struct recipe *r, const struct operands *operands,
                  struct input **out, struct error *e);
/* All of a command: opens a session, does the work in it, closes it, reports, and returns the exit
 * status. */
typedef int session_work(struct session *s, const void *options, struct operands *operands,
                         struct error *e);
int session_run(session_work *work, const struct stream_options *o, const void *options,
                struct operands *operands);

/* Runs a recipe over an input into the output the options name. */
int run_to_output(struct recipe *r, struct input *in, const struct stream_options *o,
                  struct error *e);
/* The format the options ask for, by --to, by -o's extension, else the input's. */
int output_format(const struct stream_options *o, const struct input *in, struct format *out,
                  struct error *e);
/* The same where there is no input: `usual` when they do not say. */
int output_format_or(const struct stream_options *o, const struct format *usual, struct format *out,
                     struct error *e);
enum parquet_codec output_codec(const struct stream_options *o);
/* A time that an option gives; a date alone is its first instant, of UTC. */
int time_option(const char *option, const char *text, usec *t, struct error *e);
enum { STATE_MAX = 1 << 30 }; /* bytes of a recipe's file */
/* A fitted recipe from its file. */
int load_recipe(const char *path, const struct prep_context *context, struct recipe **out,
                struct error *e);
/* The same, or one at a stage of its fit. */
int load_stage(const char *path, const struct prep_context *context, struct recipe **out,
               struct error *e);
/* Prints text on standard output. */
int print_text(const struct buf *text, struct error *e);
/* Reports the error of a status below 0; the exit status. */
int finish(int status, const struct error *e);

#endif
