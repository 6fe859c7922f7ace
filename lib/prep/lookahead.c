#include "prep/lookahead.h"
#include "prep/sorted.h"

int order_open(struct step *s, const struct schema *in, struct error *e)
{
    struct order_plan *p = arena_zero(&s->arena, sizeof *p);
    s->plan = p;
    p->limit = arg_given(s, "limit") ? (uint64_t)arg_int(s, "limit") : UINT64_MAX;
    p->order = FIELD_NONE;
    return arg_columns(s, "by", in, &p->by, &p->by_count, e);
}

struct text **own_cells(const struct step *s, struct batch *b)
{
    struct text **cells = batch_array(b, s->column_count, sizeof *cells);
    for (size_t i = 0; i < s->column_count; i++) {
        cells[i] = batch_array(b, b->rows, sizeof *cells[i]);
        memcpy(cells[i], batch_text(b, s->columns[i]), b->rows * sizeof *cells[i]);
    }
    for (size_t i = 0; i < s->column_count; i++)
        batch_set(b, s->columns[i], column_of_text(cells[i]));
    return cells;
}

struct grouping lookahead_grouping(const struct step *s)
{
    const struct order_plan *p = s->plan;
    const struct lookahead *l = s->run;
    size_t held = map_held(&l->groups.map) + l->gaps.cap * sizeof *l->gaps.at;
    return (struct grouping){&l->groups.map, p->by, p->by_count, held};
}

int lookahead_start(struct step *s, struct error *e)
{
    (void)e;
    s->run = mem_alloc(sizeof(struct lookahead));
    return 0;
}

static void release_gaps(struct lookahead *l)
{
    for (size_t i = 0; i < l->gaps.len; i++)
        vec_release(&l->gaps.at[i].open);
    vec_release(&l->gaps);
    groups_release(&l->groups);
    l->groups = (struct groups){0};
}

void lookahead_stop(struct step *s)
{
    struct lookahead *l = s->run;
    if (!l)
        return;
    release_gaps(l);
    for (size_t i = l->first; i < l->queue.len; i++) {
        batch_free(l->queue.at[i]->batch);
        mem_free(l->queue.at[i]);
    }
    vec_release(&l->queue);
    later_free(l->later);
    mem_free(l);
}

struct gap *lookahead_gaps(struct lookahead *l, size_t columns, size_t row)
{
    size_t at = groups_find(&l->groups, row) * columns;
    const struct gap fresh = {0};
    while (l->gaps.len < at + columns)
        vec_push(&l->gaps, fresh);
    return &l->gaps.at[at];
}

void gap_wait(struct gap *g, struct held *h, size_t row, double at)
{
    if (g->first > 64 && g->first * 2 > g->open.len) { /* forget what waits no more */
        memmove(g->open.at, g->open.at + g->first, (g->open.len - g->first) * sizeof *g->open.at);
        g->open.len -= g->first;
        g->first = 0;
    }
    vec_push(&g->open, ((struct place){h, row, at}));
    h->waiting++;
}

struct place *gap_next(struct gap *g)
{
    if (g->first == g->open.len) {
        g->first = g->open.len = 0;
        return NULL;
    }
    struct place *p = &g->open.at[g->first++];
    p->held->waiting--;
    return p;
}

/* Emits what waits for nothing; all of it when nothing more will come. */
static int emit_ready(struct lookahead *l, bool all, struct emit *out, struct error *e)
{
    int rc = 0;
    while (l->first < l->queue.len && rc == 0 && (all || l->queue.at[l->first]->waiting == 0)) {
        struct held *h = l->queue.at[l->first++];
        size_t bytes = batch_held(h->batch);
        l->bytes -= bytes < l->bytes ? bytes : l->bytes;
        rc = emit(out, h->batch, e);
        mem_free(h);
    }
    if (l->first == l->queue.len) {
        l->first = l->queue.len = 0;
        l->bytes = 0;
    }
    return rc;
}

struct held *lookahead_hold(struct step *s, struct batch *b)
{
    struct lookahead *l = s->run;
    struct held *h = mem_alloc(sizeof *h);
    h->batch = b;
    h->as_came = batch_array(b, s->column_count, sizeof *h->as_came);
    for (size_t i = 0; i < s->column_count; i++)
        h->as_came[i] = b->columns.at[s->columns[i]];
    h->cells = own_cells(s, b);
    vec_push(&l->queue, h);
    l->bytes += batch_held(b);
    return h;
}

int lookahead_later(struct step *s, struct batch *b, double **notes, size_t note_count,
                    struct error *e)
{
    struct lookahead *l = s->run;
    for (size_t i = 0; i < note_count; i++)
        batch_add(b, column_of_double(notes[i]));
    int rc = later_add(l->later, b, e);
    batch_free(b);
    return rc;
}

static int spill(struct step *s, struct error *e)
{
    struct lookahead *l = s->run;
    int rc = 0;
    l->later = later_new(s);
    for (; rc == 0 && l->first < l->queue.len; l->first++) {
        struct held *h = l->queue.at[l->first];
        for (size_t i = 0; i < s->column_count; i++)
            h->batch->columns.at[s->columns[i]] = h->as_came[i];
        rc = lookahead_later(s, h->batch, h->notes, h->note_count, e);
        mem_free(h);
    }
    for (size_t i = 0; i < l->gaps.len; i++) {
        vec_release(&l->gaps.at[i].open);
        l->gaps.at[i].first = 0;
    }
    return rc;
}

int lookahead_emit(struct step *s, struct emit *out, struct error *e)
{
    struct lookahead *l = s->run;
    int rc = emit_ready(l, false, out, e);
    return rc == 0 && l->bytes > step_memory_whole(s) ? spill(s, e) : rc;
}

int lookahead_flush(struct step *s, int (*turn)(void *context, struct batch *b, struct error *e),
                    void *context, struct emit *out, struct error *e)
{
    struct lookahead *l = s->run;
    if (!l->later) {
        int rc = emit_ready(l, true, out, e);
        return rc < 0 ? rc : 0;
    }
    release_gaps(l);
    return later_emit(l->later, turn, context, out, e);
}
