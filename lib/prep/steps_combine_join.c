/* join: rows of the stream with rows of a file that have the same key. The file is held in memory,
 * hashed by key, and rows stream; one that memory does not hold is joined on disk (join.h). */
#include "prep/families.h"
#include "prep/join.h"

#include <stdatomic.h>

enum { PIECE_ROWS = 8192 };

static bool join_keeps_left(const struct join_plan *plan)
{
    return plan->how == JOIN_LEFT || plan->how == JOIN_FULL;
}

static bool join_keeps_right(const struct join_plan *plan)
{
    return plan->how == JOIN_RIGHT || plan->how == JOIN_FULL;
}

/* ---- opening -------------------------------------------------------------------------------- */

/* The side table's columns that go into the result, and those that must be held. */
static int choose_columns(struct step *s, struct join_plan *plan, struct error *e)
{
    size_t *keys = arena_alloc(&s->arena, (plan->key_count + 1) * sizeof *keys);
    for (size_t i = 0; i < plan->key_count; i++)
        keys[i] = plan->keys[i].right;
    int rc = side_take(s, plan->side, arg_text(s, "take"), keys, plan->key_count, &plan->take, e);
    if (plan->how == JOIN_SEMI || plan->how == JOIN_ANTI)
        plan->take.count = 0;
    plan->wanted = side_wanted(s, plan->side, &plan->take);
    for (size_t i = 0; i < plan->key_count && join_keeps_right(plan); i++)
        plan->wanted[keys[i]] = 1;
    return rc;
}

static int open_side(struct step *s, struct join_plan *plan, const struct schema *in,
                     struct error *e)
{
    int rc = side_open(s, arg_text(s, "file"), &plan->side, e);
    if (rc)
        return rc;
    rc = match_keys(s, "on", in, plan->side->schema, &plan->keys, &plan->key_count, e);
    return rc ? rc : choose_columns(s, plan, e);
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
    return open_side(s, plan, in, e);
}

static void join_close(struct step *s)
{
    struct join_plan *plan = s->plan;
    side_free(plan->side);
}

static int join_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct join_plan *plan = s->plan;
    return side_add_fields(s, plan->side, &plan->take, arg_text(s, "suffix"), schema, e);
}

/* ---- the side table ------------------------------------------------------------------------- */

struct join_run {
    struct join_disk *disk; /* NULL: the table is in memory, and */
    struct match match;
    _Atomic uint8_t *seen; /* by side row: it has found a partner; for right and full joins */
};

static size_t join_memory(const struct step *s)
{
    return s->context->memory ? s->context->memory : (size_t)1 << 30;
}

static int add_side(void *context, struct batch *b, struct error *e)
{
    (void)e;
    struct step *s = context;
    const struct join_plan *plan = s->plan;
    struct join_run *run = s->run;
    match_add(&run->match, b);
    return match_held(&run->match) + plan->side->held > join_memory(s) ? SIDE_FULL : 0;
}

static void join_stop(struct step *s)
{
    const struct join_plan *plan = s->plan;
    struct join_run *run = s->run;
    if (!run)
        return;
    join_disk_free(run->disk);
    match_release(&run->match);
    mem_free(run->seen);
    side_clear(plan->side);
    mem_free(run);
    s->run = NULL;
}

/* Rows must then come in order: s->in_order is looked at after the start. */
static int join_on_disk(struct step *s, struct error *e)
{
    const struct join_plan *plan = s->plan;
    struct join_run *run = s->run;
    if (plan->how == JOIN_CROSS)
        return error_set(e, ERR_SYSTEM,
                         "%.200s: does not fit in memory: raise --memory, or stream it and join "
                         "the other table",
                         plan->side->path);
    match_release(&run->match);
    run->disk = join_disk_new(s);
    s->in_order = true;
    return join_disk_load(run->disk, e);
}

static int join_load(struct step *s, struct join_run *run, struct error *e)
{
    const struct join_plan *plan = s->plan;
    run->match.keys = plan->keys;
    run->match.count = plan->key_count;
    s->in_order = false;
    int rc = side_read(plan->side, plan->wanted, join_memory(s),
                       plan->how == JOIN_CROSS ? NULL : add_side, s, e);
    if (rc == SIDE_FULL)
        return join_on_disk(s, e);
    if (rc == 0 && join_keeps_right(plan))
        run->seen = mem_alloc(plan->side->rows + 1);
    if (rc == 0)
        match_finish(&run->match);
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

/* ---- partners ------------------------------------------------------------------------------- */

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
        return (struct partners){NULL, plan->side->rows};
    if (group == UINT32_MAX)
        return (struct partners){&nobody, join_keeps_left(plan)};
    uint32_t first = run->match.starts[group];
    return (struct partners){run->match.rows + first, run->match.starts[group + 1] - first};
}

static void find_groups(const struct step *s, struct batch *b, uint32_t *groups)
{
    const struct join_run *run = s->run;
    if (((const struct join_plan *)s->plan)->how == JOIN_CROSS)
        return;
    struct match_reader reader = match_reader(&run->match, b);
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

/* ---- rows out ------------------------------------------------------------------------------- */

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
            rc = side_emit_piece(plan->side, &plan->take, b, &pairs, out, e);
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
    side_pair(plan->side, &plan->take, b, &pairs);
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

static int push_to_disk(struct join_disk *disk, struct batch *b, struct error *e)
{
    int rc = join_disk_add(disk, b, e);
    batch_free(b);
    return rc;
}

static int join_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct join_plan *plan = s->plan;
    const struct join_run *run = s->run;
    if (run->disk)
        return push_to_disk(run->disk, b, e);
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

/* ---- rows of the side table without a partner ------------------------------------------------ */

void join_right_only(const struct join_plan *plan, struct batch *b, const uint64_t *numbers,
                     size_t n)
{
    struct text *missing = batch_array(b, n, sizeof *missing);
    uint64_t *ids = batch_array(b, n, sizeof *ids);
    for (size_t i = 0; i < n; i++) {
        missing[i] = (struct text){NULL, 0};
        ids[i] = UINT64_C(1) << 63 | numbers[i] << ROW_ID_SHIFT;
    }
    b->rows = n;
    b->ids = ids;
    b->format = plan->side->format;
    b->part = 1; /* not of the stream's first file */
    b->policy = plan->side->policy;
    for (size_t c = 0; c < plan->left_columns; c++)
        batch_add(b, column_of_text(missing));
}

static void fill_right_only(const struct join_plan *plan, struct batch *b, const uint32_t *rows,
                            size_t n)
{
    uint64_t *numbers = batch_array(b, n, sizeof *numbers);
    for (size_t i = 0; i < n; i++)
        numbers[i] = rows[i];
    join_right_only(plan, b, numbers, n);
    for (size_t i = 0; i < plan->key_count; i++)
        batch_set(b, plan->keys[i].left, side_gather(plan->side, plan->keys[i].right, rows, n, b));
    side_add_columns(plan->side, &plan->take, b, rows, n);
}

static int emit_right_only(const struct step *s, struct emit *out, struct error *e)
{
    const struct join_plan *plan = s->plan;
    const struct join_run *run = s->run;
    uint32_t rows[4096];
    int rc = 0;
    for (size_t r = 0, n = 0; run->seen && rc == 0 && r <= plan->side->rows; r++) {
        if (r < plan->side->rows && !run->seen[r])
            rows[n++] = (uint32_t)r;
        if (n > 0 && (n == COUNT_OF(rows) || r == plan->side->rows)) {
            struct batch *b = emit_batch(out);
            fill_right_only(plan, b, rows, n);
            rc = emit(out, b, e);
            n = 0;
        }
    }
    return rc < 0 ? rc : 0;
}

static int join_flush(struct step *s, struct emit *out, struct error *e)
{
    const struct join_run *run = s->run;
    return run->disk ? join_disk_emit(run->disk, out, e) : emit_right_only(s, out, e);
}

/* ---- the table ------------------------------------------------------------------------------ */

/* Rows of the file without a partner in a shard may have one in another. */
static bool join_shards(const struct step *s)
{
    return !join_keeps_right(s->plan);
}

static const struct arg join_args[] = {
    {.name = "file",
     .kind = ARG_FILE,
     .help = "the other table",
     .positional = true,
     .required = true},
    {.name = "on",
     .kind = ARG_LIST,
     .help = "columns that must be equal: a,b; a=b when the file calls a b"},
    {.name = "how", .kind = ARG_METHOD, .fallback = "inner", .help = "which rows to keep"},
    {.name = "take",
     .kind = ARG_TEXT,
     .help = "columns of the file to add, as a selection (default: all but its key)"},
    {.name = "suffix",
     .kind = ARG_TEXT,
     .fallback = "_right",
     .help = "appended to a name of the file's that is taken"},
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
            "leave after the last one has come. cross must fit: let the larger of two tables be "
            "the stream.",
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
