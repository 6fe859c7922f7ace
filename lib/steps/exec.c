/* exec_filter: cells through another program. */
#include "prep/rowwise.h"
#include "steps/steps.h"
#include "sys/sys.h"

static int prepare_command(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    if (s->context->allow_exec)
        return 0;
    return step_error(s, e, "programs are started only with --allow-exec");
}

/* The cells that are not missing, a line each. */
static int put_lines(struct mapping *m, struct buf *lines)
{
    for (size_t r = 0; r < m->rows; r++) {
        struct text cell = m->in->text[r];
        if (cell.at && memchr(cell.at, '\n', cell.len)) {
            (void)error_set(m->error, ERR_DATA, "exec_filter: a cell holds a line break");
            return batch_place(m->batch, r, m->error);
        }
        if (!cell.at)
            continue;
        buf_add(lines, cell.at, cell.len);
        buf_putc(lines, '\n');
    }
    return 0;
}

static size_t count_lines(struct text t)
{
    size_t lines = 0;
    for (const char *p = t.at, *end = t.at + t.len; p < end; lines++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        p = stop ? stop + 1 : end;
    }
    return lines;
}

static int take_lines(struct mapping *m, struct text lines)
{
    size_t wanted = 0, got = lines.len > 0 ? count_lines(lines) : 0;
    for (size_t r = 0; r < m->rows; r++)
        wanted += m->in->text[r].at != NULL;
    if (got != wanted)
        return error_set(m->error, ERR_DATA, "exec_filter: the command got %zu lines and gave %zu",
                         wanted, got);
    for (size_t r = 0; r < m->rows; r++) {
        m->out->text[r] = m->in->text[r];
        if (!m->in->text[r].at)
            continue;
        const char *stop = memchr(lines.at, '\n', lines.len);
        size_t len = stop ? (size_t)(stop - lines.at) : lines.len;
        m->out->text[r] = (struct text){lines.at, len};
        len += stop != NULL;
        lines = (struct text){lines.at + len, lines.len - len};
    }
    return 0;
}

static int run_command(struct mapping *m, struct text input, struct buf *out)
{
    char *command = arena_text(&m->batch->arena, arg_text(m->step, "command").at,
                               arg_text(m->step, "command").len);
    char shell[] = "/bin/sh", option[] = "-c";
    char *argv[] = {shell, option, command, NULL};
    int status = 0;
    int rc = process_filter(argv, input, out, &status, m->error);
    if (rc == 0 && status != 0)
        return error_set(m->error, ERR_SYSTEM, "exec_filter: the command ended with status %d",
                         status);
    return rc;
}

static int filter_cells(struct mapping *m)
{
    struct buf lines = {0}, answer = {0};
    int rc = put_lines(m, &lines);
    if (rc == 0 && lines.len > 0)
        rc = run_command(m, (struct text){lines.at, lines.len}, &answer);
    if (rc == 0) {
        const char *kept =
            arena_copy(&m->batch->arena, answer.len > 0 ? answer.at : "", answer.len);
        rc = take_lines(m, (struct text){kept, answer.len});
    }
    buf_release(&lines);
    buf_release(&answer);
    return rc;
}

static const struct arg exec_args[] = {
    ROWWISE_COLUMNS("columns of text"),
    {.name = "command", .kind = ARG_TEXT, .required = true, .help = "for the shell"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL}};

const struct step_kind steps_exec[] = {
    {.name = "exec_filter",
     .not_compiled = "runs a command",
     .family = "privacy",
     .class = "S",
     ROWWISE_HOOKS,
     .summary = "cells through a shell command, a line each",
     .details =
         "Only with --allow-exec. The command gets the cells of a batch of rows as lines and must "
         "write one line for each, made of that line alone (sed, tr, jq -c ...): how many cells it "
         "gets at once is not defined. Missing cells are not sent; a cell with a line break is an "
         "error.",
     .args = exec_args,
     .example = {.program = "exec_filter name command=\"tr a-z A-Z\"",
                 .input = "name\nada\n\nbob\n",
                 .output = "name\nADA\n\nBOB\n"},
     .detail = &(const struct rowwise){.column = filter_cells, .prepare = prepare_command}},
    {.name = NULL},
};
