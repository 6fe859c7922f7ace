/*
 * margins [-l] MODEL < ROWS: the margins of each row by the reference interpreter, a line per row,
 * for the tests that compare with the frameworks; with -l the numbers of its leaves. Rows are lines
 * of cells with commas between them, no header, no quotes: an empty cell or nan is missing, inf and
 * -inf are numbers; where the feature has texts the cell is one of them. Exit status as all
 * commands: 3 bad data, 4 system.
 */
#include "infer/infer.h"
#include "sys/sys.h"

#include <inttypes.h>
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

/* What is printed of a row, and room for it. */
struct answer {
    struct reference *reference;
    size_t outputs, trees; /* trees: of whose leaves; 0: margins */
    double *margins;
    uint32_t *leaves;
};

static int print_row(struct answer *a, const double *row, struct error *e)
{
    int status = a->trees ? reference_leaves(a->reference, row, a->leaves, e)
                          : reference_margins(a->reference, row, a->margins, e);
    for (size_t i = 0; i < a->trees && status == 0; i++)
        printf("%" PRIu32 "%c", a->leaves[i], i + 1 < a->trees ? ',' : '\n');
    for (size_t k = 0; k < a->outputs && a->trees == 0 && status == 0; k++)
        printf("%.17g%c", a->margins[k], k + 1 < a->outputs ? ',' : '\n');
    return status;
}

static int print_rows(const struct model *m, bool leaves, struct text rows, struct error *e)
{
    struct answer a = {.reference = reference_new(m),
                       .outputs = m->outputs,
                       .trees = leaves ? m->trees.count : 0,
                       .margins = mem_array(NULL, m->outputs, sizeof(double)),
                       .leaves = mem_array(NULL, m->trees.count, sizeof(uint32_t))};
    double *row = mem_array(NULL, m->feature_count, sizeof *row);
    const char *p = rows.at, *end = rows.at + rows.len;
    int status = 0;
    for (uint64_t number = 1; p < end && status == 0; number++) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *stop = newline ? newline : end;
        status = read_row(m, (struct text){p, (size_t)(stop - p)}, row, e);
        if (status == 0)
            status = print_row(&a, row, e);
        if (status)
            error_at(e, "rows", number, 0);
        p = newline ? stop + 1 : end;
    }
    mem_free(row);
    mem_free(a.margins);
    mem_free(a.leaves);
    reference_free(a.reference);
    return status;
}

static int run(const char *path, bool leaves, struct error *e)
{
    struct buf rows = {0};
    struct model *m = NULL;
    int status = model_read(path, &m, e);
    if (status == 0)
        status = file_load("-", SIZE_MAX, &rows, e);
    if (status == 0)
        status = print_rows(m, leaves, (struct text){buf_text(&rows), rows.len}, e);
    model_free(m);
    buf_release(&rows);
    return status;
}

int main(int argc, char **argv)
{
    struct error e = {0};
    char message[1200];
    bool leaves = argc > 1 && strcmp(argv[1], "-l") == 0;
    if (argc != 2 + leaves) {
        (void)fputs("usage: margins [-l] MODEL < ROWS\n", stderr);
        return 2;
    }
    int status = run(argv[argc - 1], leaves, &e);
    if (status == 0)
        return fflush(stdout) == 0 ? 0 : -ERR_SYSTEM;
    error_format(&e, message, sizeof message);
    (void)fprintf(stderr, "margins: %s\n", message);
    return -status;
}
