/* join_fuzzy: partners whose text is alike, not equal. */
#include "expr/distance.h"
#include "prep/families.h"
#include "prep/match.h"
#include "prep/side.h"

#include <math.h>

enum { WITH_JARO_WINKLER, WITH_LEVENSHTEIN };

struct fuzzy_plan {
    struct side *side;
    struct match_key *by, on;
    size_t by_count;
    struct taken take;
    uint8_t *wanted;
};

/* The side table's rows, by group of by=, and what is compared of each. */
struct fuzzy_run {
    struct match match;
    VEC(struct characters) texts; /* by side row; at == NULL: missing */
    struct arena arena;           /* theirs */
    const struct fuzzy_plan *plan;
};

static int fuzzy_take(struct step *s, struct fuzzy_plan *plan, struct error *e)
{
    size_t *nots = arena_alloc(&s->arena, (plan->by_count + 1) * sizeof *nots);
    for (size_t i = 0; i < plan->by_count; i++)
        nots[i] = plan->by[i].right;
    int rc = side_take(s, plan->side, arg_text(s, "take"), nots, plan->by_count, &plan->take, e);
    plan->wanted = side_wanted(s, plan->side, &plan->take);
    return rc;
}

static int fuzzy_open(struct step *s, const struct schema *in, struct error *e)
{
    struct fuzzy_plan *plan = arena_zero(&s->arena, sizeof *plan);
    struct match_key *on;
    size_t count = 0;
    s->plan = plan;
    int rc = side_open(s, arg_text(s, "file"), &plan->side, e);
    if (rc == 0)
        rc = match_keys(s, "by", in, plan->side->schema, &plan->by, &plan->by_count, e);
    if (rc == 0)
        rc = match_keys(s, "on", in, plan->side->schema, &on, &count, e);
    if (rc)
        return rc;
    if (count != 1)
        return step_error(s, e, "on: expected one column");
    plan->on = *on;
    return fuzzy_take(s, plan, e);
}

static void fuzzy_close(struct step *s)
{
    struct fuzzy_plan *plan = s->plan;
    side_free(plan->side);
}

static int fuzzy_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct fuzzy_plan *plan = s->plan;
    int rc = side_add_fields(s, plan->side, &plan->take, arg_text(s, "suffix"), schema, e);
    if (rc || !arg_given(s, "score"))
        return rc;
    rc = step_new_name(s, schema, arg_text(s, "score"), e);
    if (rc == 0)
        schema_add(schema, arg_text(s, "score"), TYPE_FLOAT);
    return rc;
}

static int add_side(void *context, struct batch *b, struct error *e)
{
    struct fuzzy_run *run = context;
    const struct text *cells = batch_text(b, run->plan->on.right);
    (void)e;
    for (size_t r = 0; r < b->rows; r++) {
        struct characters text = {0};
        if (cells[r].at)
            text = characters_of(cells[r], &run->arena);
        vec_push(&run->texts, text);
    }
    match_add(&run->match, b);
    return 0;
}

static void fuzzy_stop(struct step *s)
{
    const struct fuzzy_plan *plan = s->plan;
    struct fuzzy_run *run = s->run;
    if (!run)
        return;
    match_release(&run->match);
    vec_release(&run->texts);
    arena_release(&run->arena);
    side_clear(plan->side);
    mem_free(run);
    s->run = NULL;
}

static int fuzzy_start(struct step *s, struct error *e)
{
    const struct fuzzy_plan *plan = s->plan;
    size_t memory = s->context->memory ? s->context->memory : (size_t)1 << 30;
    struct fuzzy_run *run = mem_alloc(sizeof *run);
    s->run = run;
    run->plan = plan;
    run->match.keys = plan->by;
    run->match.count = plan->by_count;
    int rc = side_read(plan->side, plan->wanted, memory, add_side, run, e);
    if (rc == SIDE_FULL)
        rc = error_set(e, ERR_SYSTEM, "%.200s: does not fit in memory: raise --memory",
                       plan->side->path);
    if (rc)
        fuzzy_stop(s);
    else
        match_finish(&run->match);
    return rc;
}

/* From 0 to 1, 1 for equal texts. */
static double similarity(int with, const struct characters *a, const struct characters *b,
                         struct arena *arena)
{
    if (with == WITH_JARO_WINKLER)
        return jaro_winkler(a, b, arena);
    size_t longer = a->count > b->count ? a->count : b->count;
    if (longer == 0)
        return 1;
    return 1 - (double)edit_distance(a, b, false, arena) / (double)longer;
}

struct partner {
    uint32_t row; /* of the side table; UINT32_MAX: none */
    double score;
};

/* The row of the group that is most alike, the first of equals; none below `least`. */
static struct partner best_of_group(const struct fuzzy_run *run, size_t group, struct text cell,
                                    int with, double least, struct arena *arena)
{
    struct partner best = {UINT32_MAX, (double)NAN};
    struct arena scratch = {0};
    struct characters text = characters_of(cell, arena);
    for (uint32_t i = run->match.starts[group]; i < run->match.starts[group + 1]; i++) {
        uint32_t row = run->match.rows[i];
        const struct characters *other = &run->texts.at[row];
        if (!other->at)
            continue;
        double score = similarity(with, &text, other, &scratch);
        if (score >= least && (best.row == UINT32_MAX || score > best.score))
            best = (struct partner){row, score};
        arena_reset(&scratch);
    }
    arena_release(&scratch);
    return best;
}

static void find_partners(const struct step *s, struct batch *b, struct partner *out)
{
    const struct fuzzy_run *run = s->run;
    const struct text *cells = batch_text(b, run->plan->on.left);
    struct match_reader reader = match_reader(&run->match, b);
    struct arena arena = {0};
    for (size_t r = 0; r < b->rows; r++) {
        size_t group = match_find(&reader, r);
        out[r] = (struct partner){UINT32_MAX, (double)NAN};
        if (group != MAP_NONE && cells[r].at)
            out[r] = best_of_group(run, group, cells[r], arg_choice(s, "with"),
                                   arg_number(s, "min"), &arena);
        arena_reset(&arena);
    }
    arena_release(&arena);
    match_reader_release(&reader);
}

static int fuzzy_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct fuzzy_plan *plan = s->plan;
    bool keeps_all = arg_choice(s, "how") == 0;
    struct partner *partners = batch_array(b, b->rows, sizeof *partners);
    uint32_t *kept = batch_array(b, b->rows, sizeof *kept);
    uint32_t *rows = batch_array(b, b->rows, sizeof *rows);
    double *scores = batch_array(b, b->rows, sizeof *scores);
    size_t n = 0;
    find_partners(s, b, partners);
    for (size_t r = 0; r < b->rows; r++) {
        if (!keeps_all && partners[r].row == UINT32_MAX)
            continue;
        kept[n] = (uint32_t)r;
        rows[n] = partners[r].row;
        scores[n++] = partners[r].score;
    }
    if (n < b->rows)
        batch_keep(b, kept, n);
    side_add_columns(plan->side, &plan->take, b, rows, n);
    if (arg_given(s, "score"))
        batch_add(b, column_of_double(scores));
    return emit(out, b, e);
}

static const struct arg fuzzy_args[] = {
    {.name = "file",
     .kind = ARG_FILE,
     .help = "the other table",
     .positional = true,
     .required = true},
    {.name = "on",
     .kind = ARG_LIST,
     .help = "the column of text; a=b when the file calls a b",
     .required = true},
    {.name = "with",
     .kind = ARG_CHOICE,
     .fallback = "jaro_winkler",
     .help = "how alike: jaro_winkler for names, or 1 - levenshtein / characters of the longer",
     .choices = "jaro_winkler levenshtein"},
    {.name = "min",
     .kind = ARG_NUMBER,
     .fallback = "0.85",
     .help = "how alike a partner must be, 1 being equal",
     .min = 0,
     .max = 1},
    {.name = "how",
     .kind = ARG_CHOICE,
     .fallback = "left",
     .help = "inner drops rows without a partner",
     .choices = "left inner"},
    {.name = "by",
     .kind = ARG_LIST,
     .help = "columns that must be equal, as in join: a,b=c; saves time, too"},
    {.name = "take",
     .kind = ARG_TEXT,
     .help = "columns of the file to add, as a selection (default: all but those of by=)"},
    {.name = "suffix",
     .kind = ARG_TEXT,
     .fallback = "_right",
     .help = "appended to a name of the file's that is taken"},
    {.name = "score", .kind = ARG_NAME, .help = "new column: how alike the two are"},
    {0},
};

const struct step_kind steps_combine_fuzzy[] = {
    {
        .name = "join_fuzzy",
        .aliases = "fuzzy_join fuzzy_merge",
        .family = "combine",
        .class = "W",
        .summary = "add the columns of the file's row whose text is most alike",
        .details = "One partner for each row, of equally good ones the first in the file. Texts "
                   "compare character by character, as they are: lower, trim or strip_accents "
                   "first where that should not count. A missing cell has no partner. Each row is "
                   "compared with all rows of the file that agree in by=; the file is held in "
                   "memory.",
        .args = fuzzy_args,
        .example = {.program = "join_fuzzy towns.csv on=town min=0.8 with=levenshtein score=alike",
                    .input = "town\nCologn\nBerlin\nXanten\n",
                    .output = "town,town_right,id,alike\nCologn,Cologne,2,0.8571428571428572\n"
                              "Berlin,Berlin,1,1\nXanten,,,\n",
                    .file_name = "towns.csv",
                    .file = "town,id\nBerlin,1\nCologne,2\n"},
        .open = fuzzy_open,
        .close = fuzzy_close,
        .shape = fuzzy_shape,
        .start = fuzzy_start,
        .stop = fuzzy_stop,
        .push = fuzzy_push,
        .needs_all = true,
    },
    {0},
};
