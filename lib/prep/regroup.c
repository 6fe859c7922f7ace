#include "prep/regroup.h"
#include "prep/sorted.h"

struct regroup {
    bool closed;    /* to further groups */
    size_t columns; /* of rows that come in; behind them stands their place, as a number */
    int64_t places;
    /* Once closed: */
    struct sorted *waiting; /* by group, then place: rows of groups not met before */
    struct sorted *done;    /* by place: rows the step gave */
    struct groups groups;   /* of the batch at hand */
    struct buf key;
};

struct regroup *regroup_new(void)
{
    return mem_alloc(sizeof(struct regroup));
}

static bool is_full(const struct step *s)
{
    return s->kind->grouping(s).held > step_memory_whole(s);
}

bool regroup_wanted(const struct step *s)
{
    return s->kind->grouping(s).by_count > 0 && (s->kind->holds_back || is_full(s));
}

static void close_groups(struct regroup *r, const struct step *s)
{
    size_t memory = step_memory_whole(s);
    r->closed = true;
    r->waiting = sorted_new_sized(memory / 2);
    r->done = sorted_new_sized(memory / 2);
}

void regroup_free(struct regroup *r)
{
    if (!r)
        return;
    sorted_free(r->waiting);
    sorted_free(r->done);
    groups_release(&r->groups);
    buf_release(&r->key);
    mem_free(r);
}

static void add_places(struct regroup *r, struct batch *b)
{
    int64_t *places = batch_array(b, b->rows, sizeof *places);
    for (size_t row = 0; row < b->rows; row++)
        places[row] = r->places++;
    r->columns = b->columns.len;
    batch_add(b, column_of_int(places));
}

/* Puts rows of groups not met before to the others of theirs; *count rows are left in `known`. */
static int divide(struct regroup *r, const struct grouping *g, struct batch *b, uint32_t *known,
                  size_t *count, struct error *e)
{
    const int64_t *places = b->columns.at[r->columns].i64;
    int rc = 0;
    *count = 0;
    groups_batch(&r->groups, b, g->by, g->by_count);
    sorted_batch(r->waiting, b);
    for (size_t row = 0; rc == 0 && row < b->rows; row++) {
        struct text group = groups_key(&r->groups, row);
        if (map_get(g->known, group) != MAP_NONE) {
            known[(*count)++] = (uint32_t)row;
            continue;
        }
        r->key.len = 0;
        buf_add(&r->key, group.at, group.len);
        key_put_id(&r->key, (uint64_t)places[row]);
        rc = sorted_put(r->waiting, row, (struct text){r->key.at, r->key.len}, e);
    }
    return rc;
}

/* Where what the step gives goes. */
struct way {
    struct regroup *r;
    struct emit *out;
};

/* To its place, or on when no group is on disk. */
static int put_done(void *context, struct batch *b, struct error *e)
{
    const struct way *way = context;
    struct regroup *r = way->r;
    const int64_t *places;
    if (!r->closed) {
        batch_remove(b, r->columns);
        return emit(way->out, b, e);
    }
    int rc = batch_int(b, r->columns, "", &places, e);
    int64_t *kept = batch_array(b, b->rows, sizeof *kept);
    for (size_t row = 0; rc == 0 && row < b->rows; row++)
        kept[row] = places[row];
    batch_remove(b, r->columns);
    sorted_batch(r->done, b);
    for (size_t row = 0; rc == 0 && row < b->rows; row++) {
        r->key.len = 0;
        key_put_id(&r->key, (uint64_t)kept[row]);
        rc = sorted_put(r->done, row, (struct text){r->key.at, r->key.len}, e);
    }
    batch_free(b);
    return rc;
}

static int push(struct regroup *r, struct step *s, struct batch *b, struct emit *out,
                struct error *e)
{
    struct way way = {r, out};
    struct emit *to_done = emit_to(out, put_done, &way);
    int rc = s->kind->push(s, b, to_done, e);
    mem_free(to_done);
    return rc;
}

int regroup_push(struct regroup *r, struct step *s, struct batch *b, struct emit *out,
                 struct error *e)
{
    struct grouping g = s->kind->grouping(s);
    uint32_t *known = batch_array(b, b->rows, sizeof *known);
    size_t count;
    if (!r->closed && is_full(s))
        close_groups(r, s);
    add_places(r, b);
    if (!r->closed)
        return push(r, s, b, out, e);
    int rc = divide(r, &g, b, known, &count, e);
    if (rc || count == 0) {
        batch_free(b);
        return rc;
    }
    if (count < b->rows)
        batch_keep(b, known, count);
    return push(r, s, b, out, e);
}

/* Ends a run, and begins another. */
static int restart(struct step *s, struct emit *to_done, struct error *e)
{
    int rc = s->kind->flush ? s->kind->flush(s, to_done, e) : 0;
    if (rc < 0)
        return rc;
    if (s->kind->stop)
        s->kind->stop(s);
    s->run = NULL;
    return s->kind->start(s, e);
}

/* Passes the rows that waited through runs of their own; s->run is such a one. */
static int run_groups(struct regroup *r, struct step *s, struct emit *to_done, struct error *e)
{
    bool ends = false;
    int rc = sorted_finish(r->waiting, e);
    while (rc == 0) {
        struct batch *b = emit_batch(to_done);
        int got = sorted_produce_groups(r->waiting, b, &ends, e);
        if (got <= 0) {
            batch_free(b);
            return got < 0 ? got : restart(s, to_done, e);
        }
        rc = s->kind->push(s, b, to_done, e);
        if (rc == 0 && ends)
            rc = restart(s, to_done, e);
    }
    return rc;
}

static int emit_done(struct regroup *r, struct emit *out, struct error *e)
{
    int rc = sorted_finish(r->done, e);
    while (rc == 0) {
        struct batch *b = emit_batch(out);
        int got = sorted_produce(r->done, b, e);
        if (got <= 0) {
            batch_free(b);
            return got;
        }
        rc = emit(out, b, e);
    }
    return rc;
}

int regroup_flush(struct regroup *r, struct step *s, struct emit *out, struct error *e)
{
    struct way way = {r, out};
    struct emit *to_done = emit_to(out, put_done, &way);
    int rc = restart(s, to_done, e);
    if (rc == 0 && r->closed)
        rc = run_groups(r, s, to_done, e);
    mem_free(to_done);
    if (rc || !r->closed)
        return rc;
    sorted_free(r->waiting);
    r->waiting = NULL;
    return emit_done(r, out, e);
}
