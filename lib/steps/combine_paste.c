/* concat_columns: a file's columns beside those of the stream, row by row. */
#include "prep/side.h"
#include "steps/steps.h"

enum { LENGTHS_ERROR, LENGTHS_PAD, LENGTHS_CUT };

struct paste_plan {
    struct side *side;
    struct taken take;
    size_t left_columns;
};

/* Rows of the file, read ahead. */
struct paste_run {
    struct batch *ahead;
    size_t next; /* row of ahead */
    size_t rows; /* of the file, read so far */
    size_t told; /* of the file, that stand beside the stream's */
    bool at_end;
};

static int paste_open(struct step *s, const struct schema *in, struct error *e)
{
    struct paste_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    plan->left_columns = in->fields.len;
    int rc = side_open(s, arg_text(s, "file"), &plan->side, e);
    return rc ? rc : side_take(s, plan->side, arg_text(s, "take"), NULL, 0, &plan->take, e);
}

static void paste_close(struct step *s)
{
    struct paste_plan *plan = s->plan;
    side_free(plan->side);
}

static int paste_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct paste_plan *plan = s->plan;
    return side_add_fields(s, plan->side, &plan->take, arg_text(s, "suffix"), schema, e);
}

static void paste_stop(struct step *s)
{
    struct paste_run *run = s->run;
    if (run)
        batch_free(run->ahead);
    mem_free(run);
    s->run = NULL;
}

static int paste_start(struct step *s, struct error *e)
{
    const struct paste_plan *plan = s->plan;
    struct paste_run *run = mem_alloc(sizeof *run);
    run->ahead = batch_new();
    s->run = run;
    return side_rewind(plan->side, e);
}

/* The file's next rows into run->ahead, all of which are used up: 1; 0 at its end; < 0. */
static int read_ahead(struct step *s, struct error *e)
{
    const struct paste_plan *plan = s->plan;
    struct paste_run *run = s->run;
    while (!run->at_end && run->next == run->ahead->rows) {
        batch_clear(run->ahead);
        run->next = 0;
        int got = side_next(plan->side, run->ahead, e);
        if (got < 0)
            return got;
        run->at_end = got == 0;
        run->rows += run->ahead->rows;
    }
    return !run->at_end;
}

static struct text copied(struct arena *arena, struct text cell)
{
    return cell.at ? (struct text){arena_copy(arena, cell.at, cell.len), cell.len} : cell;
}

/* So many rows of the file as b has room for beside it, raw cells by column taken, into cells, from
 * row *filled on. */
static int take_rows(struct step *s, struct batch *b, size_t room, struct text **cells,
                     size_t *filled, struct error *e)
{
    const struct paste_plan *plan = s->plan;
    struct paste_run *run = s->run;
    int got = 1;
    *filled = 0;
    while (*filled < room && (got = read_ahead(s, e)) > 0) {
        size_t left = run->ahead->rows - run->next,
               n = room - *filled < left ? room - *filled : left;
        for (size_t i = 0; i < plan->take.count; i++) {
            const struct text *raw = side_source_cells(run->ahead, plan->take.at[i]) + run->next;
            for (size_t r = 0; r < n; r++)
                cells[i][*filled + r] = copied(&b->arena, raw[r]);
        }
        run->next += n;
        *filled += n;
    }
    run->told += *filled;
    return got < 0 ? got : 0;
}

static struct text **new_cells(const struct paste_plan *plan, struct batch *b, size_t rows)
{
    struct text **cells = batch_array(b, plan->take.count, sizeof *cells);
    for (size_t i = 0; i < plan->take.count; i++)
        cells[i] = arena_zero(&b->arena, (rows + 1) * sizeof **cells);
    return cells;
}

static void paste_cells(const struct paste_plan *plan, struct batch *b, struct text **cells)
{
    for (size_t i = 0; i < plan->take.count; i++)
        batch_add(b, side_column(plan->side, cells[i], b->rows, b));
}

static void cut_rows(struct batch *b, size_t rows)
{
    uint8_t *keep = batch_array(b, b->rows, 1);
    for (size_t r = 0; r < b->rows; r++)
        keep[r] = r < rows;
    batch_filter(b, keep);
}

static int paste_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct paste_plan *plan = s->plan;
    struct paste_run *run = s->run;
    struct text **cells = new_cells(plan, b, b->rows);
    size_t filled;
    int lengths = arg_choice(s, "lengths"), rc = take_rows(s, b, b->rows, cells, &filled, e);
    if (rc == 0 && filled < b->rows && lengths == LENGTHS_ERROR) {
        error_set(e, ERR_DATA, "concat_columns: %.200s has %zu rows only (lengths=pad or cut)",
                  plan->side->path, run->rows);
        rc = batch_place(b, filled, e);
    }
    if (rc) {
        batch_free(b);
        return rc;
    }
    if (filled < b->rows && lengths == LENGTHS_CUT)
        cut_rows(b, filled);
    paste_cells(plan, b, cells);
    return emit(out, b, e);
}

/* The file goes on where the stream has ended. */
static int paste_lengths(struct step *s, struct error *e)
{
    const struct paste_plan *plan = s->plan;
    struct paste_run *run = s->run;
    int got;
    while ((got = read_ahead(s, e)) > 0)
        run->next = run->ahead->rows;
    if (got < 0 || run->rows == run->told)
        return got;
    return error_set(e, ERR_DATA,
                     "concat_columns: %.200s has %zu rows, the stream %zu (lengths=pad or cut)",
                     plan->side->path, run->rows, run->told);
}

/* The file's next rows, beside missing cells: 1; 0 when there are none; < 0. */
static int paste_alone(struct step *s, struct batch *b, struct error *e)
{
    enum { ROWS = 4096 };
    const struct paste_plan *plan = s->plan;
    struct paste_run *run = s->run;
    uint64_t first = run->told;
    b->format = plan->side->format;
    b->part = 1;
    b->policy = plan->side->policy;
    b->first_id = UINT64_C(1) << 63 | first << ROW_ID_SHIFT;
    struct text **cells = new_cells(plan, b, ROWS);
    int rc = take_rows(s, b, ROWS, cells, &b->rows, e);
    if (rc || b->rows == 0)
        return rc;
    const struct text *missing = arena_zero(&b->arena, ROWS * sizeof *missing);
    for (size_t i = 0; i < plan->left_columns; i++)
        batch_add(b, column_of_text(missing));
    paste_cells(plan, b, cells);
    return 1;
}

/* The file's rows beyond the stream's. */
static int paste_flush(struct step *s, struct emit *out, struct error *e)
{
    int rc = 0, got = 1, lengths = arg_choice(s, "lengths");
    if (lengths == LENGTHS_ERROR)
        return paste_lengths(s, e);
    while (rc == 0 && got > 0 && lengths == LENGTHS_PAD) {
        struct batch *b = emit_batch(out);
        got = paste_alone(s, b, e);
        if (got > 0)
            rc = emit(out, b, e);
        else
            batch_free(b);
    }
    return got < 0 ? got : rc < 0 ? rc : 0;
}

static const struct arg columns_args[] = {
    SIDE_FILE_ARG,
    {.name = "lengths",
     .kind = ARG_CHOICE,
     .fallback = "error",
     .help = "when one has more rows: fail, fill with missing cells, or end with the shorter",
     .choices = "error pad cut"},
    {.name = "take",
     .kind = ARG_TEXT,
     .help = "columns of the file to add, as a selection (default: all)"},
    SIDE_SUFFIX_ARG,
    {0},
};

const struct step_kind steps_combine_paste[] = {
    {
        .name = "concat_columns",
        .aliases = "paste",
        .family = "combine",
        .class = "S",
        .summary = "add a file's columns, row by row",
        .details = "The first row of the file goes with the first row of the stream, and so on. "
                   "Both are read side by side.",
        .args = columns_args,
        .example = {.program = "concat_columns more.csv",
                    .input = "a\n1\n2\n",
                    .output = "a,b\n1,x\n2,y\n",
                    .file_name = "more.csv",
                    .file = "b\nx\ny\n"},
        .ordered = true,
        .needs_all = true,
        .open = paste_open,
        .close = paste_close,
        .shape = paste_shape,
        .start = paste_start,
        .stop = paste_stop,
        .push = paste_push,
        .flush = paste_flush,
    },
    {0},
};
