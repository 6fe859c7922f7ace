/* process map: a command whose standard input is a share of the files. */
#include "process.h"

#include <string.h>
#include <sys/stat.h>

struct map_options {
    struct option_list inputs;
    const char *output;
    int output_header;
    struct start_options start;
};

/* clang-format off */
static const struct option options[] = {
    {'i', "input", "PATH", INTO_LIST(struct map_options, inputs),
     .help = "a file, a folder or a pattern; repeated for several"},
    {'o', "output", "PATH", INTO_TEXT(struct map_options, output), .fallback = "-",
     .help = "where what it writes goes (default: all of it, in order, to standard output)",
     .more = "A folder (one that is there, or PATH ends with /) has a file for each instance, named "
             "as its input, or part-00000 and so on where it has several files or parts of one. "
             "{file}, {name} (without its extension) and {rank} in PATH say another name. Any other "
             "PATH is a file in which the instances' parts follow each other, with one header; "
             "parts that are Parquet become one file of Parquet."},
    {0, "output-header", NULL, INTO_CHOICE(struct map_options, output_header), .choices = "no|yes",
     .help = "whether what is written begins with a header (default: when PATH is called .csv or .tsv)"},
    OPTION_ROW_INSTANCES(struct map_options, start.instances,
                         "how many share the files (default: one for each file)"),
    OPTION_ROWS_START(struct map_options, start),
    OPTION_END,
};
/* clang-format on */

/* A text that is one operand is for the shell, when it needs one. */
static char **command_of(const struct operands *operands, struct arena *arena)
{
    if (operands->len > 1)
        return operands->at;
    const char *text = operands->at[0];
    const char *const shell[] = {"/bin/sh", "-c", text};
    size_t n = 0;
    if (!text[strspn(text, " \t\n")])
        return arena_zero(arena, sizeof(char *));
    char **words = shell_words(text);
    while (words ? words[n] != NULL : n < COUNT_OF(shell))
        n++;
    char **argv = arena_zero(arena, (n + 1) * sizeof *argv);
    for (size_t i = 0; i < n; i++)
        argv[i] =
            arena_text(arena, words ? words[i] : shell[i], strlen(words ? words[i] : shell[i]));
    mem_free(words);
    return argv;
}

static bool is_folder(const char *path)
{
    struct stat s;
    size_t n = strlen(path);
    return (n && path[n - 1] == '/') || (stat(path, &s) == 0 && S_ISDIR(s.st_mode));
}

static const char *extension_of(const char *path)
{
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    return dot && (!slash || dot > slash) && !strpbrk(dot, "*?[") ? dot : "";
}

/* In a folder each instance has a file of its own. */
static const char *output_of(const struct map_options *o, struct arena *arena)
{
    const char *path = o->output;
    if (strchr(path, '{') || strcmp(path, "-") == 0 || !is_folder(path))
        return path;
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    return o->start.instances ? arena_format(arena, "%.*s/part-{rank}%s", (int)n, path,
                                             extension_of(o->inputs.at[0]))
                              : arena_format(arena, "%.*s/{file}", (int)n, path);
}

static bool is_table(const char *path)
{
    const char *extension = extension_of(path);
    return strcmp(extension, ".csv") == 0 || strcmp(extension, ".tsv") == 0;
}

/* The first word of the command, without folders. */
static char *stem_of(const char *command)
{
    command += strspn(command, " ");
    size_t n = strcspn(command, " "), from = n;
    while (from && command[from - 1] != '/')
        from--;
    return mem_text_n(command + from, n - from);
}

static int run(void *context, struct operands *operands)
{
    const struct map_options *o = context;
    struct arena arena = {0};
    struct error e = {0};
    if (o->inputs.len == 0)
        return cli_usage("--input: which files?");
    struct processing_input input = {.name = "in"};
    struct processing_output output = {.name = "out", .path = output_of(o, &arena)};
    struct processing_job j = {.argv = command_of(operands, &arena),
                               .inputs = &input,
                               .input_count = 1,
                               .outputs = &output,
                               .output_count = 1,
                               .streams = true};
    input.paths = arena_zero(&arena, (o->inputs.len + 1) * sizeof *input.paths);
    for (size_t i = 0; i < o->inputs.len; i++)
        input.paths[i] = arena_text(&arena, o->inputs.at[i], strlen(o->inputs.at[i]));
    char *stem = stem_of(operands->at[0]);
    int status = j.argv[0] ? start_prepare(&o->start, stem, &j, &e)
                           : error_set(&e, ERR_USAGE, "what is to be run?");
    if (status == 0) {
        j.output_header = o->output_header >= 0 ? o->output_header : is_table(output.path);
        status = start_job(&o->start, &j);
    } else {
        status = process_finish(status, &e);
    }
    mem_free(stem);
    start_release(&j);
    arena_release(&arena);
    return status;
}

const struct command command_map = {
    .name = "map",
    .summary = "run a filter over files, several at once",
    .operands = "COMMAND...",
    .options = options,
    .options_size = sizeof(struct map_options),
    .run = run,
    .more =
        "COMMAND reads a file, or the instance's share of all of them, from standard input and "
        "writes to standard output. A share of Parquet is a file of Parquet. A single operand is "
        "cut at spaces; one in which the shell "
        "would find something to do is given to the shell.\n\n"
        "What an instance that failed has written goes nowhere; of the others' it is kept, but a "
        "file of all parts is only written when all are done: process resume goes on.",
};
