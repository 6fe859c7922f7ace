/* join: rows of the stream with rows of a file that have the same key. The file is held in memory,
 * hashed by key, and rows stream; one that memory does not hold is joined on disk (pairing.h), or,
 * by cross, read again for every row. */
#include "prep/beside.h"
#include "prep/hold.h"
#include "prep/sorted.h"
#include "steps/steps.h"

#include <stdatomic.h>

enum { PIECE_ROWS = 8192 };

enum join_how { JOIN_INNER, JOIN_LEFT, JOIN_RIGHT, JOIN_FULL, JOIN_SEMI, JOIN_ANTI, JOIN_CROSS };

struct join_plan {
    enum join_how how;
    struct beside table;
    size_t left_columns;
};

static bool join_keeps_left(const struct join_plan *plan)
{
    return plan->how == JOIN_LEFT || plan->how == JOIN_FULL;
}

static bool join_keeps_right(const struct join_plan *plan)
{
    return plan->how == JOIN_RIGHT || plan->how == JOIN_FULL;
}

static int open_table(struct step *s, struct join_plan *plan, const struct schema *in,
                      struct error *e)
{
    struct beside *t = &plan->table;
    int rc = beside_open(s, in, "on", t, e);
    if (rc == 0)
        rc = beside_take(s, t, arg_text(s, "take"), FIELD_NONE, e);
    if (rc)
        return rc;
    if (plan->how == JOIN_SEMI || plan->how == JOIN_ANTI) {
        t->take.count = 0;
        t->wanted = side_wanted(s, t->side, &t->take);
    }
    for (size_t i = 0; i < t->key_count && join_keeps_right(plan); i++)
        t->wanted[t->keys[i].right] = 1;
    return 0;
}

static int join_open(struct step *s, const struct schema *in, struct error *e)
{
    struct join_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    plan->how = (enum join_how)arg_choice(s, "how");
    plan->left_columns = in->fields.len;
    if (arg_given(s, "on") == (plan->how == JOIN_CROSS))
        return step_error(s, e,
                          plan->how == JOIN_CROSS
                              ? "how=cross joins every row with every row: it takes no on="
                              : "name the key: on=a, or on=a=b when the file calls it b");
    return open_table(s, plan, in, e);
}

static void join_close(struct step *s)
{
    struct join_plan *plan = s->plan;
    side_free(plan->table.side);
}

static int join_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct join_plan *plan = s->plan;
    return side_add_fields(s, plan->table.side, &plan->table.take, arg_text(s, "suffix"), schema,
                           e);
}

struct join_run {
    struct beside_rows rows;
    struct hold *held;          /* cross, when memory does not hold the table: the rows */
    _Atomic uint8_t *seen;      /* by side row: it has found a partner; for right and full joins */
    struct pair_list *partners; /* on disk: right rows of the key at hand */
};

static void join_stop(struct step *s)
{
    const struct join_plan *plan = s->plan;
    struct join_run *run = s->run;
    if (!run)
        return;
    beside_clear(&plan->table, &run->rows);
    pair_list_free(run->partners);
    hold_free(run->held);
    mem_free(run->seen);
    mem_free(run);
    s->run = NULL;
}

/* A left row with all its partners. */
static int put_partners(struct pairing *p, const struct step *s, const struct pair_row *left,
                        struct error *e)
{
    const struct join_plan *plan = s->plan;
    const struct join_run *run = s->run;
    struct pair_row right;
    if (plan->how == JOIN_ANTI)
        return 0;
    if (plan->how == JOIN_SEMI)
        return pairing_put(p, left, NULL, 0, e);
    int rc = pair_list_rewind(run->partners, e);
    while (rc == 0 && (rc = pair_list_next(run->partners, &right, e)) == 1)
        rc = pairing_put(p, left, &right, 0, e);
    return rc;
}

static int pair_all(struct pairing *p, void *context, struct error *e)
{
    const struct step *s = context;
    const struct join_run *run = s->run;
    const struct pair_row *row;
    int rc = 0;
    pair_list_clear(run->partners);
    while (rc == 0 && (row = pairing_right(p))) {
        rc = pair_list_add(run->partners, row, e);
        if (rc == 0)
            rc = pairing_next_right(p, e);
    }
    while (rc == 0 && (row = pairing_left(p))) {
        rc = put_partners(p, s, row, e);
        if (rc == 0)
            rc = pairing_next_left(p, e);
    }
    return rc;
}

static int finish_pairs(void *context, struct batch *b, const struct paired *r, struct emit *out,
                        struct error *e)
{
    const struct join_plan *plan = ((const struct step *)context)->plan;
    if (r->right_only)
        side_alone(plan->table.side, plan->table.keys, plan->table.key_count, plan->left_columns, b,
                   r->places, r->n, r->cells);
    pairing_add_columns(plan->table.side, &plan->table.take, b, r);
    return emit(out, b, e);
}

/* Row `row` of a batch, to be beside all rows of the table. */
struct crossing {
    const struct join_plan *plan;
    struct batch *b;
    uint32_t row;
    uint64_t child;
    struct emit *out;
};

static int cross_batch(void *context, struct batch *side, struct error *e)
{
    struct crossing *c = context;
    uint32_t *left = batch_array(side, side->rows, sizeof *left);
    for (size_t r = 0; r < side->rows; r++)
        left[r] = c->row;
    if (side->rows == 0)
        return 0;
    struct pairs pairs = {.left = left, .n = side->rows, .child = c->child};
    struct batch *piece = side_piece(c->b, &pairs, c->out);
    c->child += side->rows;
    for (size_t i = 0; i < c->plan->table.take.count; i++) {
        const struct text *cells = side_copy_cells(side, c->plan->table.take.at[i], piece);
        batch_add(piece, side_column(c->plan->table.side, cells, side->rows, piece));
    }
    return emit(c->out, piece, e);
}

static int cross_rows(const struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct join_plan *plan = s->plan;
    int rc = 0;
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        struct crossing c = {plan, b, (uint32_t)r, 0, out};
        rc = side_scan(plan->table.side, cross_batch, &c, e);
    }
    return rc;
}

/* In the end, when each batch can leave at once. */
static int cross_held(const struct step *s, struct emit *out, struct error *e)
{
    const struct join_run *run = s->run;
    struct batch *b = batch_new();
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < hold_blocks(run->held); i++) {
        batch_clear(b);
        rc = hold_read(run->held, i, false, b, e);
        if (rc == 0)
            rc = cross_rows(s, b, out, e);
    }
    batch_free(b);
    return rc < 0 ? rc : 0;
}

static int hold_rows_of(struct hold *held, struct batch *b, struct error *e)
{
    int rc = hold_add(held, b, e);
    batch_free(b);
    return rc;
}

static int cross_load(struct step *s, struct join_run *run, struct error *e)
{
    const struct join_plan *plan = s->plan;
    int rc = side_read(plan->table.side, plan->table.wanted, step_memory_whole(s), NULL, NULL, e);
    s->in_order = rc == SIDE_FULL;
    if (!s->in_order)
        return rc;
    run->held = hold_new(step_memory_whole(s));
    side_clear(plan->table.side);
    return 0;
}

static int join_load(struct step *s, struct join_run *run, struct error *e)
{
    const struct join_plan *plan = s->plan;
    struct pairing_rules how = {.keeps_left = join_keeps_left(plan) || plan->how == JOIN_ANTI,
                                .keeps_right = join_keeps_right(plan),
                                .pair = pair_all,
                                .finish = finish_pairs,
                                .context = s};
    if (plan->how == JOIN_CROSS)
        return cross_load(s, run, e);
    run->partners = pair_list_new(s);
    int rc = beside_load(s, &plan->table, &run->rows, NULL, &how, NULL, e);
    if (rc == 0 && !run->rows.disk && join_keeps_right(plan))
        run->seen = mem_alloc(plan->table.side->rows + 1);
    return rc;
}

static int join_start(struct step *s, struct error *e)
{
    struct join_run *run = mem_alloc(sizeof *run);
    s->run = run;
    int rc = join_load(s, run, e);
    if (rc)
        join_stop(s);
    return rc;
}

/* The side rows that go with a row: list[0 .. count), or without a list all of them. */
struct partners {
    const uint32_t *list;
    size_t count;
};

static struct partners partners_of(const struct step *s, uint32_t group)
{
    const struct join_plan *plan = s->plan;
    const struct join_run *run = s->run;
    static const uint32_t nobody = UINT32_MAX;
    if (plan->how == JOIN_CROSS)
        return (struct partners){NULL, plan->table.side->rows};
    if (group == UINT32_MAX)
        return (struct partners){&nobody, join_keeps_left(plan)};
    uint32_t first = run->rows.match.starts[group];
    return (struct partners){run->rows.match.rows + first,
                             run->rows.match.starts[group + 1] - first};
}

static void find_groups(const struct step *s, struct batch *b, uint32_t *groups)
{
    const struct join_run *run = s->run;
    if (((const struct join_plan *)s->plan)->how == JOIN_CROSS)
        return;
    struct match_reader reader = match_reader(&run->rows.match, b);
    for (size_t r = 0; r < b->rows; r++) {
        size_t group = match_find(&reader, r);
        groups[r] = group == MAP_NONE ? UINT32_MAX : (uint32_t)group;
    }
    match_reader_release(&reader);
}

static size_t count_pairs(const struct step *s, const uint32_t *groups, size_t n)
{
    size_t count = 0;
    for (size_t r = 0; r < n; r++)
        count += partners_of(s, groups[r]).count;
    return count;
}

static void mark_seen(const struct step *s, const uint32_t *right, size_t n)
{
    const struct join_run *run = s->run;
    if (!run->seen)
        return;
    for (size_t i = 0; i < n; i++)
        if (right[i] != UINT32_MAX)
            atomic_store_explicit(&run->seen[right[i]], 1, memory_order_relaxed);
}

/* Fills left and right with up to max pairs from (row, partner) on, which are moved behind them. */
static size_t fill_pairs(const struct step *s, const uint32_t *groups, size_t rows, size_t *row,
                         size_t *partner, uint32_t *left, uint32_t *right, size_t max)
{
    size_t n = 0;
    while (*row < rows && n < max) {
        struct partners p = partners_of(s, groups[*row]);
        for (; *partner < p.count && n < max; ++*partner) {
            left[n] = (uint32_t)*row;
            right[n++] = p.list ? p.list[*partner] : (uint32_t)*partner;
        }
        if (*partner == p.count) {
            ++*row;
            *partner = 0;
        }
    }
    return n;
}

static int emit_pieces(const struct step *s, struct batch *b, const uint32_t *groups,
                       struct emit *out, struct error *e)
{
    const struct join_plan *plan = s->plan;
    uint32_t *left = batch_array(b, PIECE_ROWS, sizeof *left);
    uint32_t *right = batch_array(b, PIECE_ROWS, sizeof *right);
    size_t row = 0, partner = 0, n;
    int rc = 0;
    do {
        struct pairs pairs = {.left = left, .right = right, .child = partner};
        n = fill_pairs(s, groups, b->rows, &row, &partner, left, right, PIECE_ROWS);
        pairs.n = n;
        mark_seen(s, right, n);
        if (n > 0)
            rc = side_emit_piece(plan->table.side, &plan->table.take, b, &pairs, out, e);
    } while (rc == 0 && n > 0);
    batch_free(b);
    return rc;
}

static int emit_whole(const struct step *s, struct batch *b, const uint32_t *groups, size_t n,
                      struct emit *out, struct error *e)
{
    const struct join_plan *plan = s->plan;
    uint32_t *left = batch_array(b, n, sizeof *left), *right = batch_array(b, n, sizeof *right);
    size_t row = 0, partner = 0;
    (void)fill_pairs(s, groups, b->rows, &row, &partner, left, right, n);
    mark_seen(s, right, n);
    struct pairs pairs = {.left = left, .right = right, .n = n};
    side_pair(plan->table.side, &plan->table.take, b, &pairs);
    return emit(out, b, e);
}

static int emit_filtered(const struct step *s, struct batch *b, const uint32_t *groups,
                         struct emit *out, struct error *e)
{
    bool wants_partner = ((const struct join_plan *)s->plan)->how == JOIN_SEMI;
    uint8_t *keep = batch_array(b, b->rows, 1);
    for (size_t r = 0; r < b->rows; r++)
        keep[r] = (groups[r] != UINT32_MAX) == wants_partner;
    batch_filter(b, keep);
    return emit(out, b, e);
}

static int join_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct join_plan *plan = s->plan;
    struct join_run *run = s->run;
    if (run->rows.disk)
        return beside_push(&run->rows, b, NULL, e);
    if (run->held)
        return hold_rows_of(run->held, b, e);
    uint32_t *groups = batch_array(b, b->rows, sizeof *groups);
    memset(groups, 0, b->rows * sizeof *groups);
    find_groups(s, b, groups);
    if (plan->how == JOIN_SEMI || plan->how == JOIN_ANTI)
        return emit_filtered(s, b, groups, out, e);
    size_t n = count_pairs(s, groups, b->rows);
    if (n > PIECE_ROWS && n > 2 * b->rows)
        return emit_pieces(s, b, groups, out, e);
    return emit_whole(s, b, groups, n, out, e);
}

static int emit_alone(struct step *s, const uint32_t *rows, size_t n, struct emit *out,
                      struct error *e)
{
    const struct join_plan *plan = s->plan;
    struct batch *b = emit_batch(out);
    uint64_t *places = batch_array(b, n, sizeof *places);
    for (size_t i = 0; i < n; i++)
        places[i] = rows[i];
    struct paired alone = {.right_only = true,
                           .n = n,
                           .places = places,
                           .cells = side_cells(plan->table.side, rows, n, b)};
    return finish_pairs(s, b, &alone, out, e);
}

static int emit_right_only(struct step *s, struct emit *out, struct error *e)
{
    const struct join_plan *plan = s->plan;
    const struct join_run *run = s->run;
    uint32_t rows[4096];
    int rc = 0;
    for (size_t r = 0, n = 0; run->seen && rc == 0 && r <= plan->table.side->rows; r++) {
        if (r < plan->table.side->rows && !run->seen[r])
            rows[n++] = (uint32_t)r;
        if (n > 0 && (n == COUNT_OF(rows) || r == plan->table.side->rows)) {
            rc = emit_alone(s, rows, n, out, e);
            n = 0;
        }
    }
    return rc < 0 ? rc : 0;
}

static int join_flush(struct step *s, struct emit *out, struct error *e)
{
    struct join_run *run = s->run;
    if (run->held)
        return cross_held(s, out, e);
    return run->rows.disk ? beside_flush(&run->rows, out, e) : emit_right_only(s, out, e);
}

/* Rows of the file without a partner in a shard may have one in another. */
static bool join_shards(const struct step *s)
{
    return !join_keeps_right(s->plan);
}

static const struct arg join_args[] = {
    SIDE_FILE_ARG,
    {.name = "on",
     .kind = ARG_LIST,
     .help = "columns that must be equal: a,b; a=b when the file calls a b"},
    {.name = "how", .kind = ARG_METHOD, .fallback = "inner", .help = "which rows to keep"},
    {.name = "take",
     .kind = ARG_TEXT,
     .help = "columns of the file to add, as a selection (default: all but its key)"},
    SIDE_SUFFIX_ARG,
    {0},
};

#define PLACES .file_name = "places.csv", .file = "code,city\nULM,Ulm\nBER,Berlin\nMUC,Munich\n"
#define TRIPS  "id,to\n1,BER\n2,XXX\n3,ULM\n"

static const struct method join_methods[] = {
    {"inner",
     "S",
     "rows that have a partner, once for each",
     {.program = "join places.csv on=to=code",
      .input = TRIPS,
      .output = "id,to,city\n1,BER,Berlin\n3,ULM,Ulm\n",
      PLACES}},
    {"left",
     "S",
     "all rows; missing cells where there is no partner",
     {.program = "join places.csv on=to=code how=left",
      .input = TRIPS,
      .output = "id,to,city\n1,BER,Berlin\n2,XXX,\n3,ULM,Ulm\n",
      PLACES}},
    {"right",
     "S",
     "rows that have a partner, then those of the file that have none",
     {.program = "join places.csv on=to=code how=right",
      .input = TRIPS,
      .output = "id,to,city\n1,BER,Berlin\n3,ULM,Ulm\n,MUC,Munich\n",
      PLACES}},
    {"full",
     "S",
     "all rows, then those of the file that have no partner",
     {.program = "join places.csv on=to=code how=full",
      .input = TRIPS,
      .output = "id,to,city\n1,BER,Berlin\n2,XXX,\n3,ULM,Ulm\n,MUC,Munich\n",
      PLACES}},
    {"semi",
     "S",
     "rows that have a partner, once, without the file's columns",
     {.program = "join places.csv on=to=code how=semi",
      .input = TRIPS,
      .output = "id,to\n1,BER\n3,ULM\n",
      PLACES}},
    {"anti",
     "S",
     "rows that have no partner",
     {.program = "join places.csv on=to=code how=anti",
      .input = TRIPS,
      .output = "id,to\n2,XXX\n",
      PLACES}},
    {"cross",
     "S",
     "every row with every row of the file",
     {.program = "join sizes.csv how=cross",
      .input = "id\n1\n2\n",
      .output = "id,size\n1,S\n1,L\n2,S\n2,L\n",
      .file_name = "sizes.csv",
      .file = "size\nS\nL\n"}},
    {0},
};

const struct step_kind steps_combine_join[] = {
    {
        .name = "join",
        .aliases = "merge left_join:how=left right_join:how=right full_join:how=full "
                   "outer_join:how=full semi_join:how=semi anti_join:how=anti cross_join:how=cross",
        .family = "combine",
        .class = "W",
        .summary = "add the columns of a file's rows that have the same key",
        .details =
            "Rows keep their order, and so do the partners of each; rows of the file without a "
            "partner come last, in its order, with their key in the key's columns. The file's key "
            "is not repeated (pandas keeps both columns of left_on and right_on). A missing key "
            "matches nothing, as in SQL; pandas joins missing with missing. Keys are compared as "
            "text, but two number columns of which one has fractions as numbers, two time columns "
            "as times. semi keeps rows that are there twice. The file is held in memory and rows "
            "stream; when it does not fit in --memory both tables are sorted on disk, and rows "
            "leave after the last one has come; for cross the file is then read again for every "
            "row: "
            "let the larger of two tables be the stream.",
        .args = join_args,
        .methods = join_methods,
        .example = {.program = "join places.csv on=to=code how=left",
                    .input = TRIPS,
                    .output = "id,to,city\n1,BER,Berlin\n2,XXX,\n3,ULM,Ulm\n",
                    PLACES},
        .open = join_open,
        .shape = join_shape,
        .close = join_close,
        .start = join_start,
        .stop = join_stop,
        .push = join_push,
        .flush = join_flush,
        .shards = join_shards,
        .needs_all = true,
    },
    {0},
};
