/* What the files of cli share with each other and with nobody else. */
#ifndef CLI_INTERNAL_H
#define CLI_INTERNAL_H

#include "cli/cli.h"

enum progress_mode { PROGRESS_AUTO, PROGRESS_OFF, PROGRESS_JSONL };

/* Set by tool_main before the command runs; read by messages and progress. */
struct cli_state {
    const struct tool *tool;
    const struct command *command; /* NULL until known */
    bool quiet, verbose;
    const char *home;
    enum progress_mode progress;
    size_t live_lines; /* that are drawn at the end of the terminal */
};
extern struct cli_state cli_state;

/* options.c */

/* Rows and the struct their offsets point into. */
struct option_table {
    const struct option *rows; /* NULL: none */
    void *values;
};

/* Walks over argv, telling options from operands. */
struct scan {
    struct option_table tables[2]; /* searched in this order */
    char **argv;
    int argc, at;        /* at: the argument to be read next */
    const char *cluster; /* rest of "-qv" after -q */
    bool ended;          /* -- was seen */
};
enum scan_result {
    SCAN_END,
    SCAN_OPERAND,
    SCAN_OPTION,
    SCAN_UNKNOWN,
    SCAN_NO_VALUE,
    SCAN_NEEDS_VALUE
};
struct scanned {
    const char *text; /* the operand; the option's value, NULL for a flag; the unknown option */
    size_t len;       /* of text when unknown */
    const struct option *row;
    const struct option_table *table;
};
enum scan_result scan_next(struct scan *s, struct scanned *found);

void options_default(struct option_table t);
void options_release(struct option_table t);
/* Writes the value into its field; on failure says so and returns 2. */
int option_store(const struct scanned *found);
/* Says what is wrong with an option; returns 2. */
int option_complain(const struct scan *s, enum scan_result result, const struct scanned *found);
/* Checks the number of operands against "PROGRAM [FILE...]". */
int operands_check(const char *pattern, const struct operands *operands);

/* Steps through "a|b|c": the next word, missing text at the end. */
struct text choice_next(const char **rest);

/* help.c, describe.c, completion.c: texts from the tables. */

extern const struct option common_options[];

/* Appends words of text in lines of at most `width` columns, the following ones indented; `column`
 * is where the first word goes. Ends with a newline. */
void wrap(struct buf *out, const char *text, size_t column, size_t indent, size_t width);
/* What an option's value is called: its metavar, else its choices; NULL for a flag. */
const char *option_value_name(const struct option *row);

void help_tool(struct buf *out, const struct tool *tool);
void help_command(struct buf *out, const struct tool *tool, const struct command *command);

enum describe_format { DESCRIBE_JSON, DESCRIBE_MDOC, DESCRIBE_BASH, DESCRIBE_ZSH, DESCRIBE_FISH };
void describe(struct buf *out, const struct tool *tool, enum describe_format format);
void describe_bash(struct buf *out, const struct tool *tool);
void describe_zsh(struct buf *out, const struct tool *tool);
void describe_fish(struct buf *out, const struct tool *tool);

/* signals.c, diagnostic.c */

/* Opens what is missing of descriptors 0-2 so that no file is taken for one of them, and makes
 * fatal signals call the tool's abandon before they kill. */
void signals_start(void);
/* The handler for memory that ran out. */
void memory_ran_out(size_t wanted);
/* Writes "tool: " prefix text newline to stderr. */
void message_write(const char *prefix, const char *text);

#endif
