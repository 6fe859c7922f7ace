/*
 * cli: what every command shares. Option tables and the parser that reads them, --help, --describe,
 * messages, progress, signals, exit status. A new tool is a struct tool, a struct command for each
 * of its commands, and a main that calls tool_main.
 *
 * Process-wide state: the tool's name, the level of messages and what --home and --progress said
 * live in one struct of this module, set by tool_main before a command runs and only read
 * afterwards (messages and progress may be written by any thread). It is the library's only mutable
 * global apart from the list of unfinished files, which signal handlers need.
 */
#ifndef CLI_H
#define CLI_H

#include "base/base.h"

#define MLUTILS_VERSION "0.1.0"

/* Type of an option's value, and of the field it is stored in. */
enum option_kind {
    OPTION_FLAG, /* bool */
    OPTION_TEXT, /* const char *: borrowed from argv */
    OPTION_INT,  /* int64_t */
    OPTION_SIZE, /* uint64_t bytes: 4096, 64K, 64M, 1G, 2T; powers of 1024; 64MiB means the same */
    OPTION_DOUBLE,   /* double */
    OPTION_CHOICE,   /* int: index into choices */
    OPTION_LIST,     /* struct option_list: the option may be repeated */
    OPTION_DURATION, /* usec: 30d, 2h, 1h30m, 250ms */
};

struct option_list {
    const char **at; /* the texts are borrowed from argv, the array lives until tool_main returns */
    size_t len;
};

/* A row: {'r', "recipe", "FILE", INTO_TEXT(struct fit_options, recipe), .help = "..."}. */
struct option {
    char letter;         /* 0 when there is no short form */
    const char *name;    /* NULL ends the table */
    const char *metavar; /* NULL for flags; may be NULL for choices */
    enum option_kind kind;
    size_t offset;        /* of the value in the command's options struct */
    const char *fallback; /* default as the user would write it; NULL: zero, -1 for a choice */
    const char *range;    /* "1..64", "0..", "..1K": ends included; NULL: any */
    const char *choices;  /* "stop|skip|null" */
    const char *help;     /* one line, lower case, no full stop */
    const char *more;     /* sentences for the man page, or NULL */
};

/* Kind and destination in one, so that a field of the wrong type is a compiler's warning. */
#define OPTION_INTO(kind_, type, S, field)                                                         \
    .kind = (kind_), .offset = offsetof(S, field) + 0 * sizeof(1 ? &((S *)0)->field : (type *)0)
#define INTO_FLAG(S, field)     OPTION_INTO(OPTION_FLAG, bool, S, field)
#define INTO_TEXT(S, field)     OPTION_INTO(OPTION_TEXT, const char *, S, field)
#define INTO_INT(S, field)      OPTION_INTO(OPTION_INT, int64_t, S, field)
#define INTO_SIZE(S, field)     OPTION_INTO(OPTION_SIZE, uint64_t, S, field)
#define INTO_DOUBLE(S, field)   OPTION_INTO(OPTION_DOUBLE, double, S, field)
#define INTO_CHOICE(S, field)   OPTION_INTO(OPTION_CHOICE, int, S, field)
#define INTO_LIST(S, field)     OPTION_INTO(OPTION_LIST, struct option_list, S, field)
#define INTO_DURATION(S, field) OPTION_INTO(OPTION_DURATION, usec, S, field)

/* Rows that several tools have: same name, same meaning everywhere. */
/* clang-format off */
#define OPTION_ROW_FROM(S, field)                                                                  \
    {'f', "from", "FORMAT", INTO_TEXT(S, field),                                                   \
     .help = "format of the input (default: by its name, else by its content)"}
#define OPTION_ROW_TO(S, field)                                                                    \
    {'t', "to", "FORMAT", INTO_TEXT(S, field),                                                     \
     .help = "format of the output (default: by its name, else as the input)"}
#define OPTION_ROW_OUTPUT(S, field)                                                                \
    {'o', "output", "FILE", INTO_TEXT(S, field),                                                   \
     .help = "write to FILE, which appears whole or not at all"}
#define OPTION_ROW_DRY_RUN(S, field)                                                               \
    {'n', "dry-run", NULL, INTO_FLAG(S, field), .help = "show what would be done, do nothing"}
#define OPTION_ROW_JOBS(S, field) /* 0 when not given */                                           \
    {'j', "jobs", "N", INTO_INT(S, field), .range = "1..1024",                                     \
     .help = "threads to use (default: one per processor)"}
#define OPTION_ROW_SEED(S, field)                                                                  \
    {0, "seed", "N", INTO_INT(S, field), .fallback = "0", .help = "seed of every random choice"}
#define OPTION_END {.name = NULL}
/* clang-format on */

struct operands {
    char **at; /* borrowed from argv, in order; at[len] is NULL */
    size_t len;
};

struct command {
    const char *name; /* NULL: has no name, runs only as the tool's default */
    const char *summary;
    /* "PROGRAM [FILE...]": words in order, [optional] ones last, "..." for repeated. Their number
     * is checked before run is called. NULL or "": none. */
    const char *operands;
    const struct option *options; /* ends with OPTION_END; NULL: none of its own */
    size_t options_size;          /* of the struct the rows point into */
    /* Returns the exit status: 0, 1, or what cli_report or cli_usage returned. `options` and the
     * operands live until it returns. */
    int (*run)(void *options, struct operands *operands);
    const char *more;    /* paragraphs for --help and the man page, separated by empty lines */
    const char *aliases; /* "ls|dir" */
};

struct tool_example {
    const char *command, *what; /* a shell command; one line saying what it does */
};
struct tool_section {
    const char *title, *text; /* text: lines as they are to be printed, at most 78 columns */
};

struct tool {
    const char *name, *summary;
    const char *description;               /* paragraphs separated by empty lines; may be NULL */
    const struct command *const *commands; /* ends with NULL; may be NULL */
    const struct command *otherwise; /* runs when the first operand names no command; may be NULL */
    const struct tool_example *examples; /* ends with {NULL, NULL}; may be NULL */
    const struct tool_section *sections; /* ends with {NULL, NULL}; may be NULL */
    /* Async-signal-safe: removes unfinished files (replace_abort_all). Called on a fatal signal,
     * when memory runs out, and before tool_main returns. May be NULL. */
    void (*abandon)(void);
};

/* All of main: reads the options, runs the command, closes standard output and returns the exit
 * status (a write to standard output that failed makes it 4). Options may follow operands; -- ends
 * them; names are matched whole. Every command also has -q -v -C --home --progress --describe
 * --help --version. */
int tool_main(const struct tool *tool, int argc, char **argv);

/* Each is one line "tool: message" in one write(2), control bytes masked; behind it may stand
 * indented lines that show the place in a program. */
int cli_report(const struct error *e); /* place and message; returns -e->code */
/* Adds ": see 'tool command --help'"; returns 2. */
int cli_usage(const char *format, ...) PRINTF_LIKE(1, 2);
void cli_warn(const char *format, ...) PRINTF_LIKE(1, 2); /* "warning: ..."; silent with -q */
void cli_note(const char *format, ...) PRINTF_LIKE(1, 2); /* only with -v */
bool cli_quiet(void);
bool cli_verbose(void);

/* What --home or $ML_HOME said, or NULL: then the project is looked for upwards. */
const char *cli_home(void);

/* The name a mistyped word probably meant: fewest edits (insert, delete, replace, swap), at most a
 * third of its letters; NULL when none is near. names may hold NULLs, which are passed over. */
const char *cli_nearest(const char *word, const char *const *names, size_t count);

/* Shown on stderr when that is a terminal, after a second, four times a second; as JSON Lines with
 * --progress=jsonl, once a second; not at all with -q or --progress=off. */
struct progress {
    const char *what, *unit; /* "reading", "bytes" or "rows": borrowed until progress_finish */
    uint64_t total;          /* 0: unknown */
    uint64_t done;           /* the rest is private */
    int64_t started, due;    /* milliseconds of the monotonic clock */
    bool shown;
};
void progress_start(struct progress *p, const char *what, const char *unit, uint64_t total);
void progress_add(struct progress *p, uint64_t n); /* any thread */
void progress_finish(struct progress *p);

/* Lines at the end of the terminal that is stderr, drawn again and again: what goes on. */

/* How many there is room for; 0: they are not wanted (no terminal, -q, --progress). */
size_t live_rows(void);
/* Draws `lines` in place of those that were drawn before, and `above`, which stays, above them.
 * Both end with newlines; controls are the caller's. Messages (cli_warn ...) take them away. */
void live_write(struct text above, struct text lines);
void live_clear(void);

#endif
