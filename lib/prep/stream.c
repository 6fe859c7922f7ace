#include "prep/stream.h"

#include "sys/sys.h"

#include <pthread.h>
#include <stdatomic.h>

enum { PENDING_MAX = 8 }; /* batches of one chunk held at a gate before it is entered early */

/* One point that chunks pass in order: an ordered step, or the outlet. */
struct gate {
    struct turn *turn; /* NULL: the step is not ordered */
    atomic_bool done;  /* the step wants no more rows */
};

/* What is shared by the threads of one stream. */
struct engine {
    struct stream *stream;
    size_t steps;           /* stream->to - stream->from; gate number `steps` is the outlet's */
    struct gate *gates;     /* steps + 1 */
    pthread_mutex_t source; /* guards: */
    uint64_t next;          /* sequence of the next chunk */
    uint64_t bytes;
    atomic_bool stop; /* read no further */
    pthread_mutex_t failure;
    _Atomic uint64_t failed; /* first chunk that failed, UINT64_MAX none */
    struct error error;
};

typedef VEC(struct batch *) batch_list;

/* One thread and the chunk it carries. */
struct worker {
    struct engine *engine;
    unsigned number;
    uint64_t sequence;
    bool alone;          /* the end of the stream: no gates any more */
    batch_list *pending; /* per gate: batches that wait for it */
    batch_list *after;   /* per step: what it emitted at its gate */
    bool *entered;       /* per gate */
    batch_list pool;
    struct emit *emits; /* per step: where its batches go */
};

struct emit {
    struct worker *worker;
    size_t step;  /* that emits */
    bool collect; /* keep them until the gate is left */
};

static int deliver(struct worker *w, size_t i, struct batch *b, struct error *e);

static struct step *step_at(const struct engine *g, size_t i)
{
    return g->stream->recipe->steps.at[g->stream->from + i];
}

static bool is_ordered(const struct step *s)
{
    return s->kind->ordered || s->in_order;
}

/* ---- batches -------------------------------------------------------------------------------- */

static struct batch *take_batch(struct worker *w)
{
    if (w->pool.len == 0)
        return batch_new();
    struct batch *b = w->pool.at[--w->pool.len];
    batch_clear(b);
    return b;
}

static void give_batch(struct worker *w, struct batch *b)
{
    if (w->pool.len < 4)
        vec_push(&w->pool, b);
    else
        batch_free(b);
}

struct batch *emit_batch(struct emit *out)
{
    return take_batch(out->worker);
}

/* ---- gates ---------------------------------------------------------------------------------- */

/* Everything a step wants done is done in the chunks before. */
static void enter(struct worker *w, size_t i)
{
    struct gate *gate = &w->engine->gates[i];
    if (w->entered[i] || w->alone)
        return;
    if (gate->turn)
        turn_wait(gate->turn, w->sequence);
    w->entered[i] = true;
}

static void leave(struct worker *w, size_t i)
{
    struct gate *gate = &w->engine->gates[i];
    if (gate->turn && !w->alone)
        turn_next(gate->turn);
    w->entered[i] = false;
}

static bool has_failed(const struct worker *w)
{
    return atomic_load(&w->engine->failed) <= w->sequence;
}

static void fail(struct worker *w, const struct error *e)
{
    struct engine *g = w->engine;
    pthread_mutex_lock(&g->failure);
    if (w->sequence < atomic_load(&g->failed)) {
        atomic_store(&g->failed, w->sequence);
        g->error = *e;
    }
    pthread_mutex_unlock(&g->failure);
    atomic_store(&g->stop, true);
}

/* ---- steps ---------------------------------------------------------------------------------- */

static int apply_step(struct worker *w, size_t i, struct batch *b, struct error *e)
{
    const struct step *s = step_at(w->engine, i);
    int status = s->kind->apply ? s->kind->apply(s, b, e) : 0;
    if (status < 0) {
        give_batch(w, b);
        return status;
    }
    batch_drop_rejected(b);
    return deliver(w, i + 1, b, e);
}

/* Step i has had enough: steps before it need run no more, unless one of them wants every row. */
static void finish_step(struct worker *w, size_t i)
{
    for (size_t k = i + 1; k-- > 0;) {
        if (k < i && step_at(w->engine, k)->kind->wants_all)
            return;
        atomic_store(&w->engine->gates[k].done, true);
    }
    atomic_store(&w->engine->stop, true);
}

static int push_step(struct worker *w, size_t i, struct batch *b, struct error *e)
{
    struct step *s = step_at(w->engine, i);
    int status = s->kind->push(s, b, &w->emits[i], e);
    if (status == PUSH_DONE && s->kind->ordered) {
        finish_step(w, i);
        status = 0;
    }
    return status;
}

static int run_step(struct worker *w, size_t i, struct batch *b, struct error *e)
{
    if (step_at(w->engine, i)->kind->push)
        return push_step(w, i, b, e);
    return apply_step(w, i, b, e);
}

/* ---- outlet --------------------------------------------------------------------------------- */

static int put_out(struct worker *w, struct batch *b, struct error *e)
{
    const struct outlet *o = &w->engine->stream->outlet;
    int status = o->take(o->context, w->number, b, e);
    give_batch(w, b);
    if (status == 0 && o->leave && o->full && o->full(o->context, w->number)) {
        enter(w, w->engine->steps);
        if (!has_failed(w))
            status = o->leave(o->context, w->number, e);
    }
    return status;
}

/* ---- delivery ------------------------------------------------------------------------------- */

/* Hands b (taken) to step i, or to the outlet behind the last; at a gate not yet entered it waits.
 */
static int deliver(struct worker *w, size_t i, struct batch *b, struct error *e)
{
    struct engine *g = w->engine;
    bool is_outlet = i == g->steps;
    bool gated = is_outlet ? g->stream->outlet.ordered : g->gates[i].turn != NULL;
    if (gated && !w->entered[i] && !w->alone) {
        vec_push(&w->pending[i], b);
        if (w->pending[i].len <= PENDING_MAX)
            return 0;
        enter(w, i);
        b = NULL;
    }
    if (!b) {
        int status = 0;
        for (size_t k = 0; k < w->pending[i].len; k++) {
            struct batch *held = w->pending[i].at[k];
            if (status == 0 && !has_failed(w))
                status = deliver(w, i, held, e);
            else
                give_batch(w, held);
        }
        w->pending[i].len = 0;
        return status;
    }
    if (is_outlet)
        return put_out(w, b, e);
    if (atomic_load(&g->gates[i].done)) {
        give_batch(w, b);
        return PUSH_DONE;
    }
    return run_step(w, i, b, e);
}

int emit(struct emit *out, struct batch *b, struct error *e)
{
    struct worker *w = out->worker;
    b->sequence = w->sequence;
    if (out->collect) {
        vec_push(&w->after[out->step], b);
        return atomic_load(&w->engine->gates[out->step + 1].done) ? PUSH_DONE : 0;
    }
    return deliver(w, out->step + 1, b, e);
}

/* ---- one chunk ------------------------------------------------------------------------------ */

static int drain(struct worker *w, batch_list *list, size_t step, struct error *e)
{
    int status = 0;
    for (size_t k = 0; k < list->len; k++) {
        if (status >= 0 && !has_failed(w))
            status = deliver(w, step, list->at[k], e);
        else
            give_batch(w, list->at[k]);
    }
    list->len = 0;
    return status < 0 ? status : 0;
}

/* Takes the chunk through gate i. What the step emits goes on once the gate is free for the next
 * chunk, unless there was so much that the gate had to be entered early. */
static int pass_gate(struct worker *w, size_t i, struct error *e)
{
    bool early = w->entered[i];
    enter(w, i);
    w->emits[i].collect = !early;
    int status = drain(w, &w->pending[i], i, e);
    w->emits[i].collect = false;
    leave(w, i);
    return status;
}

static int pass_outlet(struct worker *w, bool healthy, struct error *e)
{
    const struct outlet *o = &w->engine->stream->outlet;
    size_t i = w->engine->steps;
    int status = 0;
    if (o->ordered)
        enter(w, i);
    if (healthy)
        status = drain(w, &w->pending[i], i, e);
    if (o->leave) {
        enter(w, i);
        if (healthy && status == 0 && !has_failed(w))
            status = o->leave(o->context, w->number, e);
    }
    leave(w, i);
    return status;
}

static void drop(struct worker *w, batch_list *list)
{
    for (size_t k = 0; k < list->len; k++)
        give_batch(w, list->at[k]);
    list->len = 0;
}

static void carry_chunk(struct worker *w, struct batch *b, int status, struct error *e)
{
    struct engine *g = w->engine;
    if (status == 0)
        status = deliver(w, 0, b, e);
    else
        give_batch(w, b);
    for (size_t i = 0; i < g->steps; i++) {
        if (status < 0)
            fail(w, e);
        bool healthy = status >= 0 && !has_failed(w);
        if (!healthy)
            drop(w, &w->pending[i]);
        if (g->gates[i].turn)
            status = healthy ? pass_gate(w, i, e) : (enter(w, i), leave(w, i), -1);
        if (status < 0 && healthy)
            fail(w, e);
        if (status >= 0)
            status = drain(w, &w->after[i], i + 1, e);
        else
            drop(w, &w->after[i]);
    }
    if (status < 0)
        fail(w, e);
    if (pass_outlet(w, status >= 0, e) < 0)
        fail(w, e);
    drop(w, &w->pending[g->steps]);
}

/* ---- threads -------------------------------------------------------------------------------- */

/* What a blocking step has to give, in order. */
static int produce(struct worker *w, struct batch *b, struct error *e)
{
    struct engine *g = w->engine;
    struct step *s = g->stream->producer;
    pthread_mutex_lock(&g->source);
    int got = atomic_load(&g->stop) ? 0 : s->kind->produce(s, b, e);
    b->sequence = g->next;
    g->next += got != 0;
    pthread_mutex_unlock(&g->source);
    return got;
}

/* The next chunk: 1, 0 at the end, < 0: it failed, and has its place in the order all the same. */
static int next_chunk(struct worker *w, struct batch *b, struct error *e)
{
    struct engine *g = w->engine;
    struct stream *s = g->stream;
    int got = 0;
    if (!s->in)
        got = produce(w, b, e);
    else if (!atomic_load(&g->stop))
        got = input_next(s->in, b, e);
    w->sequence = b->sequence;
    if (got <= 0)
        atomic_store(&g->stop, true);
    if (got == 0 || !s->in)
        return got;
    pthread_mutex_lock(&g->source);
    g->next = g->next > w->sequence ? g->next : w->sequence + 1;
    g->bytes += b->text.len;
    if (s->progress)
        s->progress(s->progress_context, input_rows(s->in), g->bytes);
    pthread_mutex_unlock(&g->source);
    return got;
}

static void work(void *context, unsigned number)
{
    struct worker *w = (struct worker *)context + number;
    const struct stream *s = w->engine->stream;
    for (;;) {
        struct error e = {0};
        struct batch *b = take_batch(w);
        int status = next_chunk(w, b, &e);
        if (status == 0) {
            give_batch(w, b);
            return;
        }
        if (status > 0)
            status = s->in ? input_parse(s->in, b, &e) : 0;
        if (status == 0)
            batch_drop_rejected(b);
        carry_chunk(w, b, status, &e);
    }
}

/* After the last chunk: what ordered steps held back. */
static int flush_steps(struct worker *w, struct error *e)
{
    struct engine *g = w->engine;
    const struct outlet *o = &g->stream->outlet;
    w->alone = true;
    w->sequence = g->next;
    int status = 0;
    for (size_t i = 0; i < g->steps && status >= 0; i++) {
        struct step *s = step_at(g, i);
        if (s->kind->flush)
            status = s->kind->flush(s, &w->emits[i], e);
    }
    if (status >= 0 && o->leave)
        status = o->leave(o->context, w->number, e);
    return status < 0 ? status : 0;
}

/* ---- set-up --------------------------------------------------------------------------------- */

static void worker_init(struct worker *w, struct engine *g, unsigned number)
{
    size_t n = g->steps + 1;
    *w = (struct worker){.engine = g, .number = number};
    w->pending = mem_alloc(n * sizeof *w->pending);
    w->after = mem_alloc(n * sizeof *w->after);
    w->entered = mem_alloc(n * sizeof *w->entered);
    w->emits = mem_alloc(n * sizeof *w->emits);
    for (size_t i = 0; i < n; i++)
        w->emits[i] = (struct emit){.worker = w, .step = i};
}

static void worker_release(struct worker *w)
{
    for (size_t i = 0; i <= w->engine->steps; i++) {
        vec_release(&w->pending[i]);
        vec_release(&w->after[i]);
    }
    for (size_t i = 0; i < w->pool.len; i++)
        batch_free(w->pool.at[i]);
    vec_release(&w->pool);
    mem_free(w->pending);
    mem_free(w->after);
    mem_free(w->entered);
    mem_free(w->emits);
}

static void engine_init(struct engine *g, struct stream *s)
{
    *g = (struct engine){.stream = s, .steps = s->to - s->from};
    g->gates = mem_alloc((g->steps + 1) * sizeof *g->gates);
    pthread_mutex_init(&g->source, NULL);
    pthread_mutex_init(&g->failure, NULL);
    atomic_store(&g->failed, UINT64_MAX);
}

/* Once the steps have started, which may settle whether they are ordered. */
static void make_gates(struct engine *g)
{
    const struct outlet *o = &g->stream->outlet;
    for (size_t i = 0; i < g->steps; i++)
        g->gates[i].turn = is_ordered(step_at(g, i)) ? turn_new() : NULL;
    g->gates[g->steps].turn = o->leave || o->ordered ? turn_new() : NULL;
}

static void engine_release(struct engine *g)
{
    for (size_t i = 0; i <= g->steps; i++)
        if (g->gates[i].turn)
            turn_free(g->gates[i].turn);
    mem_free(g->gates);
    pthread_mutex_destroy(&g->source);
    pthread_mutex_destroy(&g->failure);
}

static int start_steps(struct engine *g, size_t *started, struct error *e)
{
    for (*started = 0; *started < g->steps; ++*started) {
        struct step *s = step_at(g, *started);
        int status = s->kind->start ? s->kind->start(s, e) : 0;
        if (status)
            return status;
    }
    return 0;
}

static void stop_steps(struct engine *g, size_t started)
{
    for (size_t i = 0; i < started; i++) {
        struct step *s = step_at(g, i);
        if (s->kind->stop)
            s->kind->stop(s);
        s->run = NULL;
    }
}

int stream_run(struct stream *s, struct error *e)
{
    struct engine g;
    engine_init(&g, s);
    struct worker *workers = mem_alloc(s->jobs * sizeof *workers);
    for (unsigned i = 0; i < s->jobs; i++)
        worker_init(&workers[i], &g, i);
    size_t started = 0;
    int status = start_steps(&g, &started, e);
    if (status == 0) {
        make_gates(&g);
        team_run(s->jobs, work, workers);
        if (atomic_load(&g.failed) != UINT64_MAX) {
            if (e)
                *e = g.error;
            status = g.error.code;
        } else {
            status = flush_steps(&workers[0], e);
        }
    }
    stop_steps(&g, started);
    s->rows = s->in ? input_rows(s->in) : 0;
    s->cut_short = atomic_load(&g.stop);
    for (unsigned i = 0; i < s->jobs; i++)
        worker_release(&workers[i]);
    mem_free(workers);
    engine_release(&g);
    return status;
}
