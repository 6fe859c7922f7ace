/*
 * margins MODEL < ROWS: the margins of each row by the reference interpreter, a line per row, for
 * the tests that compare with the frameworks. Rows are lines of cells with commas between them, no
 * header, no quotes: an empty cell or nan is missing, inf and -inf are numbers; where the feature
 * has texts the cell is one of them. Exit status as all commands: 3 bad data, 4 system.
 */
#include "infer/infer.h"
#include "sys/sys.h"

#include <math.h>
#include <stdio.h>

static double code_of(const struct feature *f, struct text cell)
{
    for (size_t i = 0; i < f->value_count; i++)
        if (text_equal(text_of(f->values[i]), cell))
            return (double)i;
    return -1;
}

static int read_cell(const struct feature *f, struct text cell, double *x, struct error *e)
{
    char quoted[QUOTE_MAX];
    *x = (double)NAN;
    if (cell.len == 0 || text_equal(cell, TEXT_LITERAL("nan")))
        return 0;
    if (f->kind == FEATURE_TEXT)
        *x = code_of(f, cell);
    else if (text_equal(cell, TEXT_LITERAL("inf")))
        *x = (double)INFINITY;
    else if (text_equal(cell, TEXT_LITERAL("-inf")))
        *x = -(double)INFINITY;
    else if (!number_parse_double(cell.at, cell.len, x))
        return error_set(e, ERR_DATA, "%s is no number", quote(quoted, cell.at, cell.len));
    return 0;
}

static int read_row(const struct model *m, struct text line, double *row, struct error *e)
{
    const char *p = line.at, *end = line.at + line.len;
    for (size_t i = 0; i < m->feature_count; i++) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        bool last = i + 1 == m->feature_count;
        if (last != !comma)
            return error_set(e, ERR_DATA, "the row has not %zu cells", m->feature_count);
        const char *stop = comma ? comma : end;
        int status = read_cell(&m->features[i], (struct text){p, (size_t)(stop - p)}, &row[i], e);
        if (status)
            return status;
        p = stop + !last;
    }
    return 0;
}

static int print_rows(const struct model *m, struct text rows, struct error *e)
{
    struct reference *r = reference_new(m);
    double *row = mem_array(NULL, m->feature_count, sizeof *row);
    double *margins = mem_array(NULL, m->outputs, sizeof *margins);
    const char *p = rows.at, *end = rows.at + rows.len;
    int status = 0;
    for (uint64_t number = 1; p < end && status == 0; number++) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *stop = newline ? newline : end;
        status = read_row(m, (struct text){p, (size_t)(stop - p)}, row, e);
        if (status == 0)
            status = reference_margins(r, row, margins, e);
        if (status)
            error_at(e, "rows", number, 0);
        for (size_t k = 0; k < m->outputs && status == 0; k++)
            printf("%.17g%c", margins[k], k + 1 < m->outputs ? ',' : '\n');
        p = newline ? stop + 1 : end;
    }
    mem_free(margins);
    mem_free(row);
    reference_free(r);
    return status;
}

static int run(const char *path, struct error *e)
{
    struct buf rows = {0};
    struct model *m = NULL;
    int status = model_read(path, &m, e);
    if (status == 0)
        status = file_load("-", SIZE_MAX, &rows, e);
    if (status == 0)
        status = print_rows(m, (struct text){buf_text(&rows), rows.len}, e);
    model_free(m);
    buf_release(&rows);
    return status;
}

int main(int argc, char **argv)
{
    struct error e = {0};
    char message[1200];
    if (argc != 2) {
        (void)fputs("usage: margins MODEL < ROWS\n", stderr);
        return 2;
    }
    int status = run(argv[1], &e);
    if (status == 0)
        return fflush(stdout) == 0 ? 0 : -ERR_SYSTEM;
    error_format(&e, message, sizeof message);
    (void)fprintf(stderr, "margins: %s\n", message);
    return -status;
}
