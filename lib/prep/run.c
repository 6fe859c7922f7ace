/* Fitting and running recipes: which steps go into which stream, and what each stream ends in. */
#include "prep/recipe.h"
#include "prep/stream.h"
#include "sys/sys.h"
#include "table/parquet.h"

enum { OUT_BUFFER = 4 << 20 };

/* Steps that see the rows and keep a state for each thread. */
struct learners {
    VEC(struct step *) steps;
    void **states; /* [worker * steps.len + step] */
};

static int learn_batch(void *context, unsigned worker, struct batch *b, struct error *e)
{
    struct learners *l = context;
    for (size_t i = 0; i < l->steps.len; i++) {
        const struct step *s = l->steps.at[i];
        void **state = &l->states[worker * l->steps.len + i];
        if (!*state)
            *state = s->kind->state_new(s);
        int status = s->kind->learn(s, *state, b, e);
        if (status < 0)
            return status;
    }
    return 0;
}

/* One state of the step from those of all threads; returned owned. */
static int merge_states(struct learners *l, size_t i, unsigned jobs, void **out, struct error *e)
{
    const struct step *s = l->steps.at[i];
    void *whole = NULL;
    int status = 0;
    for (unsigned w = 0; w < jobs; w++) {
        void *part = l->states[w * l->steps.len + i];
        l->states[w * l->steps.len + i] = NULL;
        if (!part)
            continue;
        if (!whole) {
            whole = part;
            continue;
        }
        if (status == 0)
            status = s->kind->merge(s, whole, part, e);
        s->kind->state_free(part);
    }
    *out = whole ? whole : s->kind->state_new(s);
    return status;
}

/* Far enough apart that two workers never write to one cache line. */
union outbox {
    struct buf text;
    char room[128];
};

struct text_outlet {
    struct writer writer;
    struct sink *sink;
    union outbox *boxes; /* per worker */
};

static int format_batch(void *context, unsigned worker, struct batch *b, struct error *e)
{
    (void)e;
    struct text_outlet *t = context;
    write_batch(&t->writer, b, &t->boxes[worker].text);
    return 0;
}

static int write_out(void *context, unsigned worker, struct error *e)
{
    struct text_outlet *t = context;
    struct buf *text = &t->boxes[worker].text;
    int status = text->len ? sink_write(t->sink, text->at, text->len, e) : 0;
    text->len = 0;
    if (text->cap > OUT_BUFFER)
        buf_release(text);
    return status;
}

static bool is_full(void *context, unsigned worker)
{
    const struct text_outlet *t = context;
    return t->boxes[worker].text.len > OUT_BUFFER / 2;
}

/* Rows leave in order into row groups; what they are converted to, any thread makes. */
struct parquet_outlet {
    struct parquet_writer *writer;
    struct parquet_rows **boxes; /* per worker */
};

static int convert_batch(void *context, unsigned worker, struct batch *b, struct error *e)
{
    struct parquet_outlet *p = context;
    return parquet_convert(p->writer, b, p->boxes[worker], e);
}

static int append_rows(void *context, unsigned worker, struct error *e)
{
    struct parquet_outlet *p = context;
    return parquet_append(p->writer, p->boxes[worker], e);
}

static bool holds_much(void *context, unsigned worker)
{
    const struct parquet_outlet *p = context;
    return parquet_rows_bytes(p->boxes[worker]) > OUT_BUFFER / 2;
}

struct consume_outlet {
    const struct run_options *options;
    const struct schema *schema;
};

static int consume_batch(void *context, unsigned worker, struct batch *b, struct error *e)
{
    (void)worker;
    const struct consume_outlet *c = context;
    return c->options->consume(c->options->consume_context, c->schema, b, e);
}

/* How far the rows have come: a source, and the steps between it and step `at`. */
struct walk {
    struct recipe *recipe;
    struct input *in;
    struct step *producer; /* NULL: the source is the input */
    size_t from, at;
    struct schema schema; /* of the rows before step `at` */
    unsigned jobs;
    const struct run_options *options;
};

/* Up to a step behind which only what it lists is left, columns of the input that no step lists
 * need not be read. What gathers the rows of this stream is step w->at itself. */
static void want_columns(const struct walk *w)
{
    const struct recipe *r = w->recipe;
    size_t at = 0;
    while (at < w->at && r->steps.at[at]->kind->wants == WANTS_STAY)
        at++;
    const struct step *last = at <= w->at && at < r->steps.len ? r->steps.at[at] : NULL;
    bool narrows = last && last->kind->wants == WANTS_LISTED;
    uint8_t *wanted = narrows ? mem_alloc(input_schema(w->in)->fields.len) : NULL;
    for (size_t i = 0; narrows && i <= at; i++) {
        const struct step *s = r->steps.at[i];
        for (size_t k = 0; k < s->column_count; k++)
            wanted[s->columns[k]] = 1;
        for (size_t k = 0; k < s->reads.len; k++)
            wanted[s->reads.at[k]] = 1;
    }
    input_want(w->in, wanted);
    mem_free(wanted);
}

/* Rows that the first steps drop, whatever else is in them, need not be read. A step that may fail
 * must see all rows that those before it let pass. */
static void leave_out_rows(const struct walk *w)
{
    struct input_gaps gaps = {0};
    for (size_t i = 0; i < w->at; i++) {
        const struct step *s = w->recipe->steps.at[i];
        if (!s->kind->gaps || !s->kind->gaps(s, &gaps))
            break;
    }
    input_leave_out(w->in, gaps.list.at, gaps.list.len);
    vec_release(&gaps.list);
}

static int run_into(struct walk *w, struct outlet outlet, struct error *e)
{
    struct stream s = {.recipe = w->recipe,
                       .in = w->producer ? NULL : w->in,
                       .producer = w->producer,
                       .from = w->from,
                       .to = w->at,
                       .outlet = outlet,
                       .jobs = w->jobs};
    if (w->options) {
        s.progress = w->options->progress;
        s.progress_context = w->options->progress_context;
    }
    if (!w->producer) {
        want_columns(w);
        leave_out_rows(w);
    }
    int status = stream_run(&s, e);
    if (!w->producer) {
        ranges_set(w->recipe, input_first_row(w->in), s.rows);
        w->recipe->cut_short = s.cut_short;
    }
    return status;
}

/* In a stage what is learnt is of a part of the rows. */
static int take_state(const struct walk *w, struct step *s, void *state, struct error *e)
{
    if (w->recipe->stage != STAGE_PART || s->kind->blocking)
        return step_finish(s, state, e);
    step_keep_part(s, state);
    return 0;
}

/* Shows all rows to the learners and finishes them. */
static int run_learners(struct walk *w, struct learners *l, struct error *e)
{
    l->states = mem_alloc(w->jobs * l->steps.len * sizeof *l->states);
    struct outlet outlet = {.context = l, .take = learn_batch};
    int status = run_into(w, outlet, e);
    for (size_t i = 0; i < l->steps.len; i++) {
        struct step *s = l->steps.at[i];
        void *state = NULL;
        struct error first = {0};
        int merged = merge_states(l, i, w->jobs, &state, status ? &first : e);
        if (status == 0)
            status = merged ? merged : take_state(w, s, state, e);
        else
            s->kind->state_free(state);
    }
    mem_free(l->states);
    return status;
}

static void forget(struct step *s)
{
    if (s->learnt && s->kind->state_free)
        s->kind->state_free(s->learnt);
    s->learnt = NULL;
}

static int gather(struct walk *w, struct step *s, struct error *e)
{
    struct learners l = {0};
    forget(s);
    vec_push(&l.steps, s);
    int status = run_learners(w, &l, e);
    vec_release(&l.steps);
    w->producer = s;
    w->from = w->at + 1;
    return status;
}

/* Goes on to the first step that has not learnt what it must, or behind the last. */
static int walk_on(struct walk *w, struct error *e)
{
    struct recipe *r = w->recipe;
    for (; w->at < r->steps.len; w->at++) {
        struct step *s = r->steps.at[w->at];
        int status = recipe_open_step(r, w->at, &w->schema, e);
        if (status == 0 && s->kind->blocking)
            status = gather(w, s, e);
        else if (status == 0 && step_learns(s) && !s->learnt)
            return 0;
        if (status == 0)
            status = recipe_shape_step(r, w->at, &w->schema, e);
        if (status)
            return status;
    }
    return 0;
}

static int walk_start(struct walk *w, struct recipe *r, struct input *in,
                      const struct run_options *o)
{
    *w = (struct walk){.recipe = r, .in = in, .options = o, .jobs = r->context.jobs};
    if (w->jobs == 0)
        w->jobs = cpu_count();
    schema_copy(&w->schema, input_schema(in));
    return 0;
}

static void walk_end(struct walk *w)
{
    for (size_t i = 0; i < w->recipe->steps.len; i++)
        if (w->recipe->steps.at[i]->kind->blocking)
            forget(w->recipe->steps.at[i]);
    schema_release(&w->schema);
}

static void find_learners(struct walk *w, struct learners *l)
{
    struct recipe *r = w->recipe;
    bool *together = mem_alloc(r->steps.len * sizeof *together);
    recipe_learners(r, w->at, &w->schema, together);
    for (size_t i = w->at; i < r->steps.len; i++)
        if (together[i])
            vec_push(&l->steps, r->steps.at[i]);
    mem_free(together);
}

static int fit_pass(struct recipe *r, struct input *in, bool *complete, struct error *e)
{
    struct walk w;
    walk_start(&w, r, in, NULL);
    int status = walk_on(&w, e);
    *complete = w.at == r->steps.len;
    if (status == 0 && !*complete) {
        struct learners l = {0};
        find_learners(&w, &l);
        status = run_learners(&w, &l, e);
        vec_release(&l.steps);
    }
    walk_end(&w);
    return status;
}

static int check_same_columns(const struct schema *want, const struct schema *got, struct error *e)
{
    char quoted[QUOTE_MAX], other[QUOTE_MAX];
    for (size_t i = 0; i < want->fields.len && i < got->fields.len; i++) {
        const char *a = want->fields.at[i].name, *b = got->fields.at[i].name;
        if (strcmp(a, b) != 0)
            return error_set(e, ERR_DATA, "column %zu is %s, not %s as in the whole", i + 1,
                             quote(other, b, strlen(b)), quote(quoted, a, strlen(a)));
    }
    if (want->fields.len != got->fields.len)
        return error_set(e, ERR_DATA, "%zu columns, not the %zu of the whole", got->fields.len,
                         want->fields.len);
    return 0;
}

static int ignore_rows(void *context, unsigned worker, struct batch *b, struct error *e)
{
    (void)context, (void)worker, (void)b, (void)e;
    return 0;
}

int recipe_fit_stage(struct recipe *r, struct input *in, struct error *e)
{
    struct walk w;
    struct learners l = {0};
    int status = check_same_columns(&r->schema, input_schema(in), e);
    if (status)
        return status;
    r->stage = STAGE_PART;
    r->whole_rows = r->rows_seen;
    ranges_set(r, input_first_row(in), 0);
    input_set_types(in, &r->schema);
    walk_start(&w, r, in, NULL);
    status = walk_on(&w, e);
    if (status == 0 && w.at < r->steps.len)
        find_learners(&w, &l);
    if (status == 0 && l.steps.len)
        status = run_learners(&w, &l, e);
    else if (status == 0) /* a program that learns nothing: the rows are counted */
        status = run_into(&w, (struct outlet){.take = ignore_rows}, e);
    vec_release(&l.steps);
    walk_end(&w);
    return status;
}

static bool all_learnt(const struct recipe *r)
{
    for (size_t i = 0; i < r->steps.len; i++) {
        const struct step *s = r->steps.at[i];
        if (step_learns(s) && !s->kind->blocking && !s->learnt)
            return false;
    }
    return true;
}

int recipe_fit(struct recipe *r, struct input *in, struct error *e)
{
    schema_release(&r->schema);
    schema_copy(&r->schema, input_schema(in));
    if (all_learnt(r))
        return 0;
    int status = input_keep(in, e);
    for (bool complete = false; status == 0 && !complete;) {
        status = fit_pass(r, in, &complete, e);
        if (status == 0)
            status = input_rewind(in, e);
        complete = complete || all_learnt(r);
    }
    return status;
}

bool recipe_is_rowwise(const struct recipe *r)
{
    for (size_t i = 0; i < r->steps.len; i++) {
        const struct step_kind *k = r->steps.at[i]->kind;
        if (k->blocking || (k->push && strcmp(k->class, "S") != 0))
            return false;
    }
    return true;
}

bool recipe_wants_union(const struct recipe *r)
{
    for (size_t i = 0; i < r->steps.len; i++)
        if (r->steps.at[i]->kind->all_keys)
            return true;
    return false;
}

static int run_to_text(struct walk *w, const struct run_options *o, struct error *e)
{
    struct text_outlet t = {.sink = o->out};
    t.writer = (struct writer){*o->format, &w->schema, input_format(w->in)};
    t.boxes = mem_alloc(w->jobs * sizeof *t.boxes);
    write_header(&t.writer, &t.boxes[0].text);
    int status = write_out(&t, 0, e);
    struct outlet outlet = {
        .context = &t, .take = format_batch, .leave = write_out, .full = is_full};
    if (status == 0)
        status = run_into(w, outlet, e);
    for (unsigned i = 0; i < w->jobs; i++)
        buf_release(&t.boxes[i].text);
    mem_free(t.boxes);
    return status;
}

static int run_to_parquet(struct walk *w, const struct run_options *o, struct error *e)
{
    struct parquet_outlet p = {0};
    struct parquet_options options = {.codec = (enum parquet_codec)o->parquet_codec,
                                      .jobs = w->jobs};
    int status = parquet_writer_new(&w->schema, &options, o->out, &p.writer, e);
    if (status)
        return status;
    p.boxes = mem_alloc(w->jobs * sizeof(struct parquet_rows *));
    for (unsigned i = 0; i < w->jobs; i++)
        p.boxes[i] = parquet_rows_new(p.writer);
    struct outlet outlet = {
        .context = &p, .take = convert_batch, .leave = append_rows, .full = holds_much};
    status = run_into(w, outlet, e);
    if (status == 0)
        status = parquet_finish(p.writer, e);
    for (unsigned i = 0; i < w->jobs; i++)
        parquet_rows_free(p.boxes[i]);
    mem_free(p.boxes);
    parquet_writer_free(p.writer);
    return status;
}

static int run_to_consumer(struct walk *w, const struct run_options *o, struct error *e)
{
    struct consume_outlet c = {o, &w->schema};
    struct outlet outlet = {.context = &c, .take = consume_batch, .ordered = true};
    return run_into(w, outlet, e);
}

int recipe_run(struct recipe *r, struct input *in, const struct run_options *o, struct error *e)
{
    struct walk w;
    walk_start(&w, r, in, o);
    int status = walk_on(&w, e);
    if (status == 0 && w.at < r->steps.len)
        status = error_set(e, ERR_USAGE, "%.*s: must be fitted first: use 'fit'",
                           (int)r->steps.at[w.at]->source.len, r->steps.at[w.at]->source.at);
    if (status == 0)
        status = o->consume                          ? run_to_consumer(&w, o, e)
                 : o->format->kind == FORMAT_PARQUET ? run_to_parquet(&w, o, e)
                                                     : run_to_text(&w, o, e);
    walk_end(&w);
    return status;
}

int recipe_count_rows(struct recipe *r, struct input *in, struct error *e)
{
    if (!r->cut_short)
        return 0;
    struct batch *b = batch_new();
    int got;
    while ((got = input_next(in, b, e)) > 0)
        batch_clear(b);
    batch_free(b);
    ranges_set(r, input_first_row(in), input_rows(in));
    r->cut_short = got < 0;
    return got;
}
