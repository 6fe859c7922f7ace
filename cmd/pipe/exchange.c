/* pipe export, import: a definition in the formats of other tools, and theirs as ours. */
#include "exchange/exchange.h"
#include "io/io.h"
#include "pipe.h"

struct export_options {
    struct option_list parameters;
    const char *output;
};

enum { LONGEST = 256 << 20 };

static int write_text(const char *output, const struct buf *text, struct error *e)
{
    struct sink *sink = NULL;
    int status = sink_open(output, &sink, e);
    if (status == 0)
        status = sink_write(sink, text->at, text->len, e);
    if (status == 0)
        return sink_commit(sink, e);
    sink_abort(sink);
    return status;
}

/* ---- export ---- */

static const struct option export_options[] = {
    OPTION_ROW_PARAMETERS(struct export_options, parameters),
    OPTION_ROW_OUTPUT(struct export_options, output),
    OPTION_END,
};

static void tell_lines(const struct buf *lines)
{
    for (const char *at = lines->at, *end = at + lines->len; at < end;) {
        size_t n = strcspn(at, "\n");
        cli_warn("%.*s", (int)n, at);
        at += n + 1;
    }
}

static int run_export(void *options, struct operands *operands)
{
    const struct export_options *o = options;
    struct buf text = {0}, warnings = {0};
    struct error e = {0};
    const char *path = operands->len > 1 ? operands->at[1] : "Pipefile";
    int status = exchange_export(operands->at[0], path, o->parameters.at, o->parameters.len, &text,
                                 &warnings, &e);
    if (status == 0)
        tell_lines(&warnings);
    if (status == 0)
        status = write_text(o->output, &text, &e);
    buf_release(&warnings);
    buf_release(&text);
    return pipe_finish(status, &e);
}

const struct command command_export = {
    .name = "export",
    .summary = "write a definition in the format of another tool",
    .operands = "FORMAT [PIPELINE]",
    .options = export_options,
    .options_size = sizeof(struct export_options),
    .run = run_export,
    .more = "FORMAT is make, ninja, slurm, sagemaker, asl, jenkins, codepipeline, buildspec or "
            "airflow. What it has no place for is a warning.",
};

/* ---- import ---- */

static const struct option import_options[] = {
    OPTION_ROW_OUTPUT(struct export_options, output),
    OPTION_END,
};

static int run_import(void *options, struct operands *operands)
{
    const struct export_options *o = options;
    const char *path = operands->at[1];
    struct buf bytes = {0}, text = {0};
    struct error e = {0};
    int status = file_load(path, LONGEST, &bytes, &e);
    if (status == 0)
        status = exchange_import(operands->at[0], strcmp(path, "-") == 0 ? "standard input" : path,
                                 (struct text){bytes.at ? bytes.at : "", bytes.len}, &text, &e);
    if (status == 0)
        status = write_text(o->output, &text, &e);
    buf_release(&bytes);
    buf_release(&text);
    return pipe_finish(status, &e);
}

const struct command command_import = {
    .name = "import",
    .summary = "write another tool's pipeline as a definition",
    .operands = "FORMAT FILE",
    .options = import_options,
    .options_size = sizeof(struct export_options),
    .run = run_import,
    .more = "FORMAT is sagemaker or dvc.",
};
