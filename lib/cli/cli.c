#include "cli/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct common {
    bool quiet, verbose, help, version;
    const char *home, *directory;
    int progress, describe;
};

const struct option common_options[] = {
    {'q', "quiet", NULL, INTO_FLAG(struct common, quiet), .help = "no warnings, no progress"},
    {'v', "verbose", NULL, INTO_FLAG(struct common, verbose), .help = "say what is being done"},
    {'C', "directory", "DIR", INTO_TEXT(struct common, directory),
     .help = "change to DIR before doing anything"},
    {0, "home", "DIR", INTO_TEXT(struct common, home),
     .help = "where the project's state is (default: $ML_HOME, else .ml)",
     .more = "Without it and without $ML_HOME the nearest directory named .ml is used, looked for "
             "from the working directory upwards."},
    {0, "progress", "WHEN", INTO_CHOICE(struct common, progress), .choices = "auto|off|jsonl",
     .fallback = "auto", .help = "show progress: auto, off or jsonl",
     .more = "With auto, work of more than a second shows its progress on a terminal. "
             "With jsonl, one JSON object a second is written to standard error."},
    {0, "describe", "FORMAT", INTO_CHOICE(struct common, describe),
     .choices = "json|mdoc|bash|zsh|fish", .help = "print the option tables in FORMAT and exit",
     .more = "The formats are json, mdoc (a part of the manual page), bash, zsh and fish "
             "(completions for these shells)."},
    {0, "help", NULL, INTO_FLAG(struct common, help), .help = "print this help and exit"},
    {0, "version", NULL, INTO_FLAG(struct common, version), .help = "print the version and exit"},
    OPTION_END,
};

struct session {
    const struct tool *tool;
    const struct command *command; /* NULL: no command was named and there is no default one */
    int command_at;                /* the command's name in argv; 0: not there */
    struct scan scan;              /* tables[0] is the command's, tables[1] the common one */
    struct common common;
    struct operands operands;
    bool done; /* --help and the like: there is nothing to run */
};

static bool is_alias(const char *aliases, const char *word)
{
    struct text alias;
    while ((alias = choice_next(&aliases)).at) {
        if (text_equal(alias, text_of(word)))
            return true;
    }
    return false;
}

static const struct command *find_command(const struct tool *tool, const char *name)
{
    for (const struct command *const *c = tool->commands; c && *c; c++) {
        if (((*c)->name && strcmp((*c)->name, name) == 0) || is_alias((*c)->aliases, name))
            return *c;
    }
    return NULL;
}

/* The first operand may name a command. Options before it are read with the table of the default
 * command, the only ones that can stand there but the common ones. */
static void choose_command(struct session *s)
{
    struct scan scan = s->scan;
    struct scanned found;
    enum scan_result result;
    s->command = s->tool->otherwise;
    if (s->command)
        scan.tables[0].rows = s->command->options;
    while ((result = scan_next(&scan, &found)) == SCAN_OPTION)
        continue;
    const struct command *named =
        result == SCAN_OPERAND && !scan.ended ? find_command(s->tool, found.text) : NULL;
    if (named) {
        s->command = named;
        s->command_at = scan.at - 1;
    }
}

static int unknown_command(const struct tool *tool, const char *word)
{
    enum { COMMANDS_MAX = 64 };
    const char *names[COMMANDS_MAX];
    size_t count = 0;
    for (const struct command *const *c = tool->commands; c && *c && count < COMMANDS_MAX; c++)
        names[count++] = (*c)->name;
    const char *near = cli_nearest(word, names, count);
    char quoted[QUOTE_MAX];
    (void)quote(quoted, word, strlen(word));
    if (near)
        return cli_usage("unknown command %s (did you mean '%s'?)", quoted, near);
    return cli_usage("unknown command %s", quoted);
}

/* Prints what --help, --version or --describe asked for; false when none did. */
static bool answer(struct session *s)
{
    struct buf out = {0};
    if (s->common.help && s->command_at)
        help_command(&out, s->tool, s->command);
    else if (s->common.help)
        help_tool(&out, s->tool);
    else if (s->common.version)
        buf_format(&out, "%s (mlutils) %s\n", s->tool->name, MLUTILS_VERSION);
    else if (s->common.describe >= 0)
        describe(&out, s->tool, (enum describe_format)s->common.describe);
    (void)fwrite(buf_text(&out), 1, out.len, stdout); /* checked when stdout is closed */
    s->done = out.len > 0;
    buf_release(&out);
    return s->done;
}

static int read_arguments(struct session *s)
{
    struct scanned found;
    enum scan_result result;
    int status = 0;
    while ((result = scan_next(&s->scan, &found)) != SCAN_END && status == 0) {
        if (result == SCAN_OPTION) {
            status = option_store(&found);
            if (status == 0 && answer(s))
                return 0;
        } else if (result != SCAN_OPERAND) {
            return option_complain(&s->scan, result, &found);
        } else if (!s->command) {
            return unknown_command(s->tool, found.text);
        } else if (s->scan.at - 1 != s->command_at) {
            s->operands.at[s->operands.len++] = s->scan.argv[s->scan.at - 1];
        }
    }
    return status;
}

static int apply_common(const struct common *c)
{
    const char *home = c->home ? c->home : getenv("ML_HOME");
    cli_state.home = home && *home ? home : NULL;
    cli_state.quiet = c->quiet;
    cli_state.verbose = c->verbose;
    cli_state.progress = (enum progress_mode)c->progress;
    if (!c->directory || chdir(c->directory) == 0)
        return 0;
    struct error e = {0};
    (void)error_errno(&e, "cannot change to directory");
    (void)error_at(&e, c->directory, 0, 0);
    return cli_report(&e);
}

static int run(struct session *s)
{
    int status = read_arguments(s);
    if (status || s->done)
        return status;
    if (!s->command)
        return cli_usage("missing command");
    status = operands_check(s->command->operands, &s->operands);
    if (status == 0)
        status = apply_common(&s->common);
    if (status == 0)
        status = s->command->run(s->scan.tables[0].values, &s->operands);
    return status < 0 ? -status : status;
}

static int run_tool(const struct tool *tool, int argc, char **argv)
{
    struct session s = {.tool = tool, .scan = {.argv = argv, .argc = argc, .at = 1}};
    struct option_table *own = &s.scan.tables[0], *common = &s.scan.tables[1];
    *common = (struct option_table){common_options, &s.common};
    choose_command(&s);
    cli_state.command = s.command;
    if (s.command)
        *own = (struct option_table){s.command->options, mem_alloc(s.command->options_size)};
    char **operands = mem_alloc(((size_t)argc + 1) * sizeof(*operands));
    s.operands.at = operands; /* the command may move it on */
    options_default(*common);
    options_default(*own);
    int status = run(&s);
    options_release(*own);
    mem_free(own->values);
    mem_free(operands);
    return status;
}

/* A full disk may show only now. An earlier write that failed has lost its errno. */
static int close_stdout(int status)
{
    struct error e = {0};
    bool failed = ferror(stdout) != 0;
    if (fclose(stdout) != 0)
        (void)error_errno(&e, "cannot write");
    else if (failed)
        (void)error_set(&e, ERR_SYSTEM, "cannot write all of it");
    else
        return status;
    (void)error_at(&e, "standard output", 0, 0);
    return cli_report(&e);
}

int tool_main(const struct tool *tool, int argc, char **argv)
{
    cli_state = (struct cli_state){.tool = tool};
    mem_on_failure(memory_ran_out);
    mem_keep_freed();
    signals_start();
    int status = run_tool(tool, argc, argv);
    if (tool->abandon)
        tool->abandon();
    return close_stdout(status);
}
