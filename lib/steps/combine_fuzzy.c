/* join_fuzzy: partners whose text is alike, not equal. */
#include "expr/distance.h"
#include "prep/beside.h"
#include "steps/steps.h"

#include <math.h>

enum { WITH_JARO_WINKLER, WITH_LEVENSHTEIN };

struct fuzzy_plan {
    struct beside table;
    struct match_key on;
    int with;
    double least;
    bool keeps_left;
};

/* The side table's rows, by group of by=, and what is compared of each. */
struct fuzzy_run {
    struct beside_rows rows;
    VEC(struct characters) texts; /* by side row; at == NULL: missing */
    struct arena arena;           /* theirs */
    struct pair_list *partners;   /* on disk: rows of the key at hand that have a text */
};

static int fuzzy_open(struct step *s, const struct schema *in, struct error *e)
{
    struct fuzzy_plan *plan = arena_zero(&s->arena, sizeof *plan);
    struct match_key *on;
    size_t count = 0;
    s->plan = plan;
    int rc = beside_open(s, in, "by", &plan->table, e);
    if (rc == 0)
        rc = match_keys(s, "on", in, plan->table.side->schema, &on, &count, e);
    if (rc)
        return rc;
    if (count != 1)
        return step_error(s, e, "on: expected one column");
    plan->on = *on;
    plan->with = arg_choice(s, "with");
    plan->least = arg_number(s, "min");
    plan->keeps_left = arg_choice(s, "how") == 0;
    return beside_take(s, &plan->table, arg_text(s, "take"), FIELD_NONE, e);
}

static void fuzzy_close(struct step *s)
{
    struct fuzzy_plan *plan = s->plan;
    side_free(plan->table.side);
}

static int fuzzy_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct fuzzy_plan *plan = s->plan;
    int rc =
        side_add_fields(s, plan->table.side, &plan->table.take, arg_text(s, "suffix"), schema, e);
    if (rc || !arg_given(s, "score"))
        return rc;
    rc = step_new_name(s, schema, arg_text(s, "score"), e);
    if (rc == 0)
        schema_add(schema, arg_text(s, "score"), TYPE_FLOAT);
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

static int add_side(void *context, struct batch *b, size_t *held, struct error *e)
{
    const struct fuzzy_plan *plan = ((const struct step *)context)->plan;
    struct fuzzy_run *run = ((const struct step *)context)->run;
    const struct text *cells = batch_text(b, plan->on.right);
    (void)e;
    for (size_t r = 0; r < b->rows; r++) {
        struct characters text = {0};
        if (cells[r].at)
            text = characters_of(cells[r], &run->arena);
        vec_push(&run->texts, text);
    }
    *held = arena_held(&run->arena) + run->texts.cap * sizeof *run->texts.at;
    return 0;
}

static void release_texts(struct fuzzy_run *run)
{
    vec_release(&run->texts);
    arena_release(&run->arena);
}

static void fuzzy_stop(struct step *s)
{
    const struct fuzzy_plan *plan = s->plan;
    struct fuzzy_run *run = s->run;
    if (!run)
        return;
    beside_clear(&plan->table, &run->rows);
    pair_list_free(run->partners);
    release_texts(run);
    mem_free(run);
    s->run = NULL;
}

/* The row that is most alike, the first of equals. */
static int put_best(struct pairing *p, const struct step *s, const struct pair_row *left,
                    struct kept_row *best, struct error *e)
{
    const struct fuzzy_plan *plan = s->plan;
    const struct fuzzy_run *run = s->run;
    struct arena own = {0}, arena = {0};
    struct pair_row row;
    double score = (double)NAN;
    best->there = false;
    int rc = left->text.at ? pair_list_rewind(run->partners, e) : 0;
    struct characters text = characters_of(left->text, &own);
    while (rc == 0 && left->text.at && (rc = pair_list_next(run->partners, &row, e)) == 1) {
        struct characters other = characters_of(row.text, &arena);
        double alike = similarity(plan->with, &text, &other, &arena);
        if (alike >= plan->least && (!best->there || alike > score)) {
            score = alike;
            kept_row_set(best, &row);
        }
        arena_reset(&arena);
        rc = 0;
    }
    arena_release(&arena);
    arena_release(&own);
    if (rc == 0 && (best->there || plan->keeps_left))
        rc = pairing_put(p, left, best->there ? &best->row : NULL, score, e);
    return rc;
}

static int pair_alike(struct pairing *p, void *context, struct error *e)
{
    const struct step *s = context;
    const struct fuzzy_run *run = s->run;
    const struct pair_row *row;
    struct kept_row best = {0};
    int rc = 0;
    pair_list_clear(run->partners);
    while (rc == 0 && (row = pairing_right(p))) {
        if (row->text.at)
            rc = pair_list_add(run->partners, row, e);
        if (rc == 0)
            rc = pairing_next_right(p, e);
    }
    while (rc == 0 && (row = pairing_left(p))) {
        rc = put_best(p, s, row, &best, e);
        if (rc == 0)
            rc = pairing_next_left(p, e);
    }
    kept_row_release(&best);
    return rc;
}

static int finish_pairs(void *context, struct batch *b, const struct paired *r, struct emit *out,
                        struct error *e)
{
    const struct step *s = context;
    const struct fuzzy_plan *plan = s->plan;
    pairing_add_columns(plan->table.side, &plan->table.take, b, r);
    if (arg_given(s, "score"))
        batch_add(b, column_of_double(arena_copy(&b->arena, r->score, r->n * sizeof *r->score)));
    return emit(out, b, e);
}

static int fuzzy_start(struct step *s, struct error *e)
{
    const struct fuzzy_plan *plan = s->plan;
    struct fuzzy_run *run = mem_alloc(sizeof *run);
    struct pairing_rules how = {.has_text = true,
                                .left_text = plan->on.left,
                                .right_text = plan->on.right,
                                .keeps_left = plan->keeps_left,
                                .pair = pair_alike,
                                .finish = finish_pairs,
                                .context = s};
    s->run = run;
    run->partners = pair_list_new(s);
    int rc = beside_load(s, &plan->table, &run->rows, add_side, &how, NULL, e);
    if (rc)
        fuzzy_stop(s);
    else if (run->rows.disk)
        release_texts(run);
    return rc;
}

static int fuzzy_flush(struct step *s, struct emit *out, struct error *e)
{
    return beside_flush(&((struct fuzzy_run *)s->run)->rows, out, e);
}

struct partner {
    uint32_t row; /* of the side table; UINT32_MAX: none */
    double score;
};

/* The row of the group that is most alike, the first of equals; none below `least`. */
static struct partner best_of_group(const struct step *s, size_t group, struct text cell,
                                    struct arena *arena)
{
    const struct fuzzy_plan *plan = s->plan;
    const struct fuzzy_run *run = s->run;
    struct partner best = {UINT32_MAX, (double)NAN};
    struct arena scratch = {0};
    struct characters text = characters_of(cell, arena);
    for (uint32_t i = run->rows.match.starts[group]; i < run->rows.match.starts[group + 1]; i++) {
        uint32_t row = run->rows.match.rows[i];
        const struct characters *other = &run->texts.at[row];
        if (!other->at)
            continue;
        double score = similarity(plan->with, &text, other, &scratch);
        if (score >= plan->least && (best.row == UINT32_MAX || score > best.score))
            best = (struct partner){row, score};
        arena_reset(&scratch);
    }
    arena_release(&scratch);
    return best;
}

static void find_partners(const struct step *s, struct batch *b, struct partner *out)
{
    const struct fuzzy_plan *plan = s->plan;
    const struct fuzzy_run *run = s->run;
    const struct text *cells = batch_text(b, plan->on.left);
    struct match_reader reader = match_reader(&run->rows.match, b);
    struct arena arena = {0};
    for (size_t r = 0; r < b->rows; r++) {
        size_t group = match_find(&reader, r);
        out[r] = (struct partner){UINT32_MAX, (double)NAN};
        if (group != MAP_NONE && cells[r].at)
            out[r] = best_of_group(s, group, cells[r], &arena);
        arena_reset(&arena);
    }
    arena_release(&arena);
    match_reader_release(&reader);
}

static int fuzzy_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct fuzzy_plan *plan = s->plan;
    struct fuzzy_run *run = s->run;
    if (run->rows.disk)
        return beside_push(&run->rows, b, NULL, e);
    struct partner *partners = batch_array(b, b->rows, sizeof *partners);
    uint32_t *kept = batch_array(b, b->rows, sizeof *kept);
    uint32_t *rows = batch_array(b, b->rows, sizeof *rows);
    double *scores = batch_array(b, b->rows, sizeof *scores);
    size_t n = 0;
    find_partners(s, b, partners);
    for (size_t r = 0; r < b->rows; r++) {
        if (!plan->keeps_left && partners[r].row == UINT32_MAX)
            continue;
        kept[n] = (uint32_t)r;
        rows[n] = partners[r].row;
        scores[n++] = partners[r].score;
    }
    if (n < b->rows)
        batch_keep(b, kept, n);
    side_add_columns(plan->table.side, &plan->table.take, b, rows, n);
    if (arg_given(s, "score"))
        batch_add(b, column_of_double(scores));
    return emit(out, b, e);
}

static const struct arg fuzzy_args[] = {
    SIDE_FILE_ARG,
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
    BESIDE_ARGS("columns that must be equal, as in join: a,b=c; saves time, too", "those of by="),
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
        .details =
            "One partner for each row, of equally good ones the first in the file. Texts "
            "compare character by character, as they are: lower, trim or strip_accents "
            "first where that should not count. A missing cell has no partner. Each row is "
            "compared with all rows of the file that agree in by=. The file is held in memory; "
            "one that does not fit in --memory is sorted on disk, and so are the rows, "
            "which leave after the last one has come.",
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
        .flush = fuzzy_flush,
        .needs_all = true,
    },
    {0},
};
