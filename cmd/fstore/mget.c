/* fstore mget GROUP [FILE...]: the newest features beside the columns of a stream. */
#include "fstore.h"

#include "store/columns.h"

#include <pthread.h>

struct mget_options {
    struct stream_options stream;
    const char *features, *id, *at;
    usec timeout;
    bool event_time, status;
};

/* clang-format off */
static const struct option options[] = {
    {0, "features", "A,B,C", INTO_TEXT(struct mget_options, features),
     .help = "these features only, in this order"},
    {0, "id", "COLUMNS", INTO_TEXT(struct mget_options, id),
     .help = "columns that are the id, when they have other names than the group's"},
    {0, "event-time", NULL, INTO_FLAG(struct mget_options, event_time),
     .help = "add a column GROUP__TIME: since when it is so, in UTC"},
    {0, "status", NULL, INTO_FLAG(struct mget_options, status),
     .help = "add a column GROUP__status: ok, missing, deleted or expired"},
    {0, "at", "TIME", INTO_TEXT(struct mget_options, at),
     .help = "the moment at which what has expired is not read (default: now)"},
    OPTION_ROW_TIMEOUT(struct mget_options, timeout),
    STREAM_INPUT_ROWS(struct mget_options),
    STREAM_OUTPUT_ROWS(struct mget_options),
    OPTION_ROW_JOBS(struct mget_options, stream.jobs),
    OPTION_END,
};
/* clang-format on */

/* Rows are looked up by one thread at a time; the rest any thread does. */
struct lookup {
    const struct mget_options *options;
    struct group *group;
    struct online *online;
    usec now;
    size_t *wanted, count;
    pthread_mutex_t lock;
};

struct lookup_plan {
    size_t *ids; /* columns */
};

enum found { FOUND_OK, FOUND_MISSING, FOUND_DELETED, FOUND_EXPIRED };

/* ---- opening ---- */

static int find_id(struct step *s, const struct schema *in, struct text name, size_t *column,
                   struct error *e)
{
    char quoted[QUOTE_MAX];
    *column = schema_find(in, name);
    (void)s;
    return *column != FIELD_NONE
               ? 0
               : error_set(e, ERR_USAGE, "there is no column %s for the id: --id names it",
                           quote(quoted, name.at, name.len));
}

static int open_step(struct step *s, const struct schema *in, struct error *e)
{
    const struct lookup *l = s->given;
    const struct group *g = l->group;
    struct lookup_plan *plan = arena_zero(&s->arena, sizeof *plan);
    const char *names = l->options->id;
    int status = 0;
    plan->ids = arena_alloc(&s->arena, g->id_count * sizeof *plan->ids);
    s->plan = plan;
    for (size_t i = 0; i < g->id_count && status == 0; i++) {
        struct text name = text_of(g->ids[i]);
        if (names) {
            name = (struct text){names, strcspn(names, ",")};
            names += name.len + (names[name.len] == ',');
        }
        status = find_id(s, in, name, &plan->ids[i], e);
    }
    return status;
}

static char *made_name(struct step *s, const char *what)
{
    const struct lookup *l = s->given;
    return arena_format(&s->arena, "%s__%s", l->group->name, what);
}

static const struct feature *wanted_at(const struct lookup *l, size_t i)
{
    return &l->group->features.at[l->wanted ? l->wanted[i] : i];
}

static int shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct lookup *l = s->given;
    int status = 0;
    for (size_t i = 0; i < l->count && status == 0; i++) {
        struct text name = text_of(made_name(s, wanted_at(l, i)->name));
        status = step_new_name(s, schema, name, e);
        schema_add(schema, name, feature_cell_type(wanted_at(l, i)));
    }
    if (l->options->event_time)
        schema_add(schema, text_of(made_name(s, l->group->time)), TYPE_TIME);
    if (l->options->status)
        schema_add(schema, text_of(made_name(s, "status")), TYPE_TEXT);
    return status;
}

/* ---- rows ---- */

struct rows {
    const struct lookup *lookup;
    struct batch *batch;
    struct text *rows;
    usec *times;
    uint8_t *found; /* enum found */
};

static int take(void *context, size_t i, const struct store_record *r, struct error *e)
{
    struct rows *x = context;
    (void)e;
    bool deleted = r && r->flags & STORE_DELETED;
    bool expired = r && r->expires_at <= x->lookup->now;
    x->found[i] = !r ? FOUND_MISSING : deleted ? FOUND_DELETED : expired ? FOUND_EXPIRED : FOUND_OK;
    if (x->found[i] != FOUND_OK)
        return 0;
    x->rows[i] = (struct text){arena_copy(&x->batch->arena, r->row.at, r->row.len), r->row.len};
    x->times[i] = r->event_time;
    return 0;
}

/* The ids of a batch; those that are none of the group's are empty, which none is. */
static struct text *batch_ids(const struct lookup *l, const struct lookup_plan *plan,
                              struct batch *b)
{
    size_t columns = l->group->id_count;
    const struct text **cells = batch_array(b, columns, sizeof *cells);
    struct text *ids = batch_array(b, b->rows, sizeof *ids),
                *parts = batch_array(b, columns, sizeof *parts);
    struct buf id = {0};
    for (size_t i = 0; i < columns; i++)
        cells[i] = batch_text(b, plan->ids[i]);
    for (size_t r = 0; r < b->rows; r++) {
        id.len = 0;
        for (size_t i = 0; i < columns; i++)
            parts[i] = cells[i][r];
        if (group_id(l->group, parts, &id, NULL))
            id.len = 0;
        ids[r] = columns == 1 && id.len
                     ? parts[0]
                     : (struct text){arena_copy(&b->arena, id.at, id.len), id.len};
    }
    buf_release(&id);
    return ids;
}

static void add_status(struct batch *b, const uint8_t *found)
{
    static const char *const names[] = {"ok", "missing", "deleted", "expired"};
    struct text *out = batch_array(b, b->rows, sizeof *out);
    for (size_t r = 0; r < b->rows; r++)
        out[r] = text_of(names[found[r]]);
    batch_add(b, column_of_text(out));
}

static int apply(const struct step *s, struct batch *b, struct error *e)
{
    struct lookup *l = (void *)(uintptr_t)s->given;
    struct rows x = {.lookup = l,
                     .batch = b,
                     .rows = batch_array(b, b->rows, sizeof *x.rows),
                     .times = batch_array(b, b->rows, sizeof *x.times),
                     .found = batch_array(b, b->rows, sizeof *x.found)};
    const struct text *ids = batch_ids(l, s->plan, b);
    for (size_t r = 0; r < b->rows; r++) {
        x.rows[r] = (struct text){NULL, 0};
        x.times[r] = INT_MISSING;
    }
    pthread_mutex_lock(&l->lock);
    online_refresh(l->online);
    int status = online_get(l->online, ids, b->rows, take, &x, e);
    pthread_mutex_unlock(&l->lock);
    for (size_t i = 0; i < l->count && status == 0; i++)
        batch_add(b, feature_column(l->group, l->wanted ? l->wanted[i] : i, x.rows, b));
    if (l->options->event_time && status == 0)
        batch_add(b, column_of_time(x.times));
    if (l->options->status && status == 0)
        add_status(b, x.found);
    return status;
}

/* ---- the command ---- */

static int run_lookup(struct session *s, struct lookup *l, const struct operands *files,
                      struct error *e)
{
    static const struct step_kind kind = {
        .name = "mget", .open = open_step, .shape = shape, .apply = apply};
    struct recipe *recipe = NULL;
    struct input *in = NULL;
    int status = recipe_parse("", 0, &s->context, &recipe, e);
    if (status == 0) {
        recipe_append(recipe, &kind)->given = l;
        status = session_input(s, recipe, files, &in, e);
    }
    if (status == 0)
        status = run_to_output(recipe, in, &l->options->stream, e);
    input_free(in);
    recipe_free(recipe);
    return status;
}

static int work(struct session *s, const void *options_given, struct operands *operands,
                struct error *e)
{
    struct lookup l = {
        .options = options_given, .now = clock_now(), .lock = PTHREAD_MUTEX_INITIALIZER};
    struct operands files = {operands->at + 1, operands->len - 1};
    int status = store_group(operands->at[0], &l.group, e);
    if (status == 0)
        status = wanted_features(l.group, l.options->features, &l.wanted, &l.count, e);
    if (status == 0)
        status = l.options->at ? time_option("--at", l.options->at, &l.now, e) : 0;
    if (status == 0)
        status = group_online(l.group, timeout_ms(l.options->timeout), &l.online, e);
    if (status == 0)
        status = run_lookup(s, &l, &files, e);
    online_close(l.online);
    group_free(l.group);
    mem_free(l.wanted);
    return status;
}

static int run(void *context, struct operands *operands)
{
    const struct mget_options *o = context;
    return session_run(work, &o->stream, o, operands);
}

const struct command command_mget = {
    .name = "mget",
    .summary = "add the newest features of each row's entity to a stream of rows",
    .operands = "GROUP [FILE...]",
    .options = options,
    .options_size = sizeof(struct mget_options),
    .run = run,
    .more = "The rows have the group's id; all their columns leave as they came, and behind them "
            "GROUP__FEATURE for each feature, missing where there is no record. For a bare list of "
            "ids: --no-header --columns user_id.",
};
