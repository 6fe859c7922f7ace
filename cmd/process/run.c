/* process run: a script or command over inputs that are divided among instances. */
#include "process.h"

#include "sys/sys.h"

#include <ctype.h>
#include <string.h>

enum { SCRIPT_MAX = 16 << 20 };

struct run_options {
    const char *script;
    struct option_list inputs, outputs;
    bool spark;
    struct start_options start;
};

/* clang-format off */
static const struct option options[] = {
    {'s', "script", "FILE", INTO_TEXT(struct run_options, script),
     .help = "a script, run by what its name says: .py .R .sh .pl .jl .js; operands are its arguments"},
    {0, "spark", NULL, INTO_FLAG(struct run_options, spark),
     .help = "run the script by spark-submit"},
    {'i', "input", "NAME=PATH", INTO_LIST(struct run_options, inputs),
     .help = "a file, a folder or a pattern that instances read; repeated for several",
     .more = "Behind PATH may stand :shard (each instance has its share, the default), :replicate "
             "(each has all of it) and :pipe (a FIFO through which its files come one after the "
             "other, in place of a folder)."},
    {'o', "output", "NAME=PATH", INTO_LIST(struct run_options, outputs),
     .help = "the folder where what instances make under NAME is put; repeated for several",
     .more = "{rank} in PATH is the number of the instance; without it no two instances may make "
             "files of one name."},
    OPTION_ROW_INSTANCES(struct run_options, start.instances, "how many run the command (default: 1)"),
    OPTION_ROWS_START(struct run_options, start),
    OPTION_END,
};
/* clang-format on */

/* ---- interpreters ---- */

static const struct {
    const char *extension, *program, *package;
} interpreters[] = {
    {".py", "python3", "python3"},    {".R", "Rscript", "r-base-core"},
    {".r", "Rscript", "r-base-core"}, {".sh", "sh", "dash"},
    {".bash", "bash", "bash"},        {".pl", "perl", "perl"},
    {".jl", "julia", "julia"},        {".js", "node", "nodejs"},
    {".rb", "ruby", "ruby"},
};

static int missing(const char *program, const char *package, struct error *e)
{
    return package
               ? error_set(e, ERR_USAGE, "%s: not found: it is in the package %s", program, package)
               : error_set(e, ERR_USAGE, "%s: not found: it is part of Apache Spark", program);
}

/* NULL with no error: the script is a program itself. 127 is the status of a missing one. */
static int find_interpreter(const struct run_options *o, const char **out, struct error *e)
{
    const char *dot = strrchr(o->script, '.'), *package = NULL;
    *out = o->spark ? "spark-submit" : NULL;
    for (size_t i = 0; !o->spark && dot && i < COUNT_OF(interpreters); i++)
        if (strcmp(dot, interpreters[i].extension) == 0) {
            *out = interpreters[i].program;
            package = interpreters[i].package;
        }
    if (!*out)
        return 0;
    char *path = program_path(*out);
    int status = path ? 0 : missing(*out, package, e);
    mem_free(path);
    return status;
}

/* ---- inputs and outputs ---- */

static int check_word(const char *option, const char *text, size_t n, struct error *e)
{
    bool is = n > 0 && n <= 64;
    for (size_t i = 0; i < n; i++)
        is = is && (isalnum((unsigned char)text[i]) || text[i] == '_' || text[i] == '-');
    return is ? 0
              : error_set(e, ERR_USAGE,
                          "%s: '%s': expected NAME=PATH, NAME of letters, digits, _ and -", option,
                          text);
}

/* Takes :shard, :replicate and :pipe from the end of the path. */
static void take_words(char *path, struct processing_input *in)
{
    for (char *colon; (colon = strrchr(path, ':')) != NULL; *colon = 0) {
        if (strcmp(colon, ":replicate") == 0)
            in->replicated = true;
        else if (strcmp(colon, ":pipe") == 0)
            in->piped = true;
        else if (strcmp(colon, ":shard") != 0)
            return;
    }
}

static int read_inputs(const struct option_list *list, struct arena *arena,
                       struct processing_job *j, struct error *e)
{
    j->inputs = arena_zero(arena, (list->len + 1) * sizeof *j->inputs);
    for (size_t i = 0; i < list->len; i++) {
        const char *path = strchr(list->at[i], '=') ? strchr(list->at[i], '=') + 1 : "";
        size_t n = *path ? (size_t)(path - list->at[i]) - 1 : 0;
        struct processing_input *in = &j->inputs[j->input_count++];
        int status = check_word("--input", list->at[i], n, e);
        if (status)
            return status;
        in->name = arena_text(arena, list->at[i], n);
        in->paths = arena_zero(arena, 2 * sizeof *in->paths);
        in->paths[0] = arena_text(arena, path, strlen(path));
        take_words(in->paths[0], in);
        for (size_t k = 0; k < i; k++)
            if (strcmp(j->inputs[k].name, in->name) == 0)
                return error_set(e, ERR_USAGE, "--input: there are two inputs %s", in->name);
    }
    return 0;
}

static int read_outputs(const struct option_list *list, struct arena *arena,
                        struct processing_job *j, struct error *e)
{
    j->outputs = arena_zero(arena, (list->len + 1) * sizeof *j->outputs);
    for (size_t i = 0; i < list->len; i++) {
        const char *path = strchr(list->at[i], '=') ? strchr(list->at[i], '=') + 1 : "";
        size_t n = *path ? (size_t)(path - list->at[i]) - 1 : 0;
        struct processing_output *out = &j->outputs[j->output_count++];
        int status = check_word("--output", list->at[i], n, e);
        if (status)
            return status;
        *out = (struct processing_output){arena_text(arena, list->at[i], n), path};
        for (size_t k = 0; k < i; k++)
            if (strcmp(j->outputs[k].name, out->name) == 0)
                return error_set(e, ERR_USAGE, "--output: there are two outputs %s", out->name);
    }
    return 0;
}

/* ---- the command ---- */

static int make_command(const struct run_options *o, const struct operands *operands,
                        struct arena *arena, struct processing_job *j, struct error *e)
{
    const char *interpreter = NULL;
    size_t n = 0;
    if (!o->script && operands->len == 0)
        return error_set(e, ERR_USAGE, "what is to be run? --script FILE, or a command");
    int status = o->script ? find_interpreter(o, &interpreter, e) : 0;
    j->argv = arena_zero(arena, (operands->len + 3) * sizeof *j->argv);
    if (interpreter)
        j->argv[n++] = arena_text(arena, interpreter, strlen(interpreter));
    if (o->script) {
        const char *before = strchr(o->script, '/') ? "" : "./";
        j->argv[n++] = arena_format(arena, "%s%s", before, o->script);
        j->script = o->script;
    }
    for (size_t i = 0; i < operands->len; i++)
        j->argv[n++] = operands->at[i];
    return status;
}

/* The folders of the cloud are only there in a sandbox. */
static void look_for_layout(const struct run_options *o)
{
    struct buf script = {0};
    if (!o->script || o->start.isolate || file_load(o->script, SCRIPT_MAX, &script, NULL) != 0)
        return;
    if (memmem(script.at ? script.at : "", script.len, "/opt/ml/", 8))
        cli_warn("%s names /opt/ml, which is there with --isolate", o->script);
    buf_release(&script);
}

static const char *stem_of(const struct run_options *o, const struct processing_job *j)
{
    const char *command = j->argv ? j->argv[0] : "";
    const char *path = o->script ? o->script : command, *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int run(void *context, struct operands *operands)
{
    const struct run_options *o = context;
    struct arena arena = {0};
    struct processing_job j = {0};
    struct error e = {0};
    int status = make_command(o, operands, &arena, &j, &e);
    bool is_missing = status && o->script && j.script;
    if (status == 0)
        status = read_inputs(&o->inputs, &arena, &j, &e);
    if (status == 0)
        status = read_outputs(&o->outputs, &arena, &j, &e);
    if (status == 0)
        status = start_prepare(&o->start, stem_of(o, &j), &j, &e);
    if (status == 0) {
        look_for_layout(o);
        j.instances = j.instances ? j.instances : 1;
        status = start_job(&o->start, &j);
    } else {
        status = process_finish(status, &e);
    }
    start_release(&j);
    arena_release(&arena);
    return is_missing ? 127 : status;
}

const struct command command_run = {
    .name = "run",
    .summary = "run a script or command over inputs that are divided among instances",
    .operands = "[COMMAND...]",
    .options = options,
    .options_size = sizeof(struct run_options),
    .run = run,
    .more =
        "Each instance finds its share of input NAME in the folder $ML_INPUT_NAME and leaves what "
        "it makes in the folder $ML_OUTPUT_NAME. When it has ended with status 0 that goes to the "
        "output's PATH; what an instance that failed has made goes nowhere. $ML_RANK is its "
        "number from 0, $ML_WORLD_SIZE how many there are, $ML_CONFIG a folder with "
        "resourceconfig.json and processingjobconfig.json, and what it writes to the file "
        "$ML_MESSAGE is told in its result.\n\n"
        "An instance that failed is tried again --retries times; the others go on. The exit status "
        "is 0 when all are done, else that of the lowest instance that failed. What was done is "
        "not done again by process resume.",
};
