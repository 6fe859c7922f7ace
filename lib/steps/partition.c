/* partition_by: rows into files by the value of a column. */
#include "prep/part_files.h"
#include "steps/steps.h"

struct partition_plan {
    size_t column;
    struct schema schema;
};

static int partition_open(struct step *s, const struct schema *in, struct error *e)
{
    struct partition_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    schema_copy(&plan->schema, in);
    return arg_column(s, "column", in, &plan->column, e);
}

static void partition_close(struct step *s)
{
    schema_release(&((struct partition_plan *)s->plan)->schema);
}

static void partition_stop(struct step *s)
{
    part_files_free(s->run);
    s->run = NULL;
}

static int partition_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    (void)out;
    const struct partition_plan *plan = s->plan;
    if (!s->run)
        s->run = part_files_new(s, &plan->schema, b->format && b->format->kind == FORMAT_JSONL);
    const struct text *cells = batch_text(b, plan->column);
    int rc = 0;
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        size_t part;
        struct text name = cells[r].at && cells[r].len > 0 ? cells[r] : arg_text(s, "missing");
        rc = part_files_part(s->run, name, &part, e);
        if (rc == 0)
            rc = part_files_add(s->run, part, b, r, e);
    }
    batch_free(b);
    return rc;
}

static int partition_flush(struct step *s, struct emit *out, struct error *e)
{
    (void)out;
    return s->run ? part_files_commit(s->run, e) : 0;
}

static const struct arg partition_args[] = {
    {.name = "column",
     .kind = ARG_COLUMN,
     .help = "its values are the parts",
     .positional = true,
     .required = true},
    {.name = "files",
     .kind = ARG_FILE,
     .help = "the files, with the value for {} or behind it",
     .required = true},
    {.name = "missing",
     .kind = ARG_TEXT,
     .fallback = "missing",
     .help = "name of the part without a value"},
    {0},
};

const struct step_kind steps_partition[] = {
    {
        .name = "partition_by",
        .not_compiled = "writes files",
        .family = "split",
        .class = "S",
        .summary = "write the rows of each value of a column to a file of their own",
        .details =
            "No rows go on. The extension of the file's name says its format and compression; "
            "without {} it is that of the input. Bytes of a value that are no letter, digit, '.', "
            "'_' or '-' stand as %XX in the name. At most 1000 values.",
        .args = partition_args,
        .example = {.program = "partition_by city files=by-city-",
                    .input = "city,n\nOslo,1\nRome,2\nOslo,3\n",
                    .output = "city,n\n"},
        .open = partition_open,
        .close = partition_close,
        .stop = partition_stop,
        .push = partition_push,
        .flush = partition_flush,
        .ordered = true,
    },
    {0},
};
