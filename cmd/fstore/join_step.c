/* Labels are held, whole batches of them, until memory is full or the last one has come; then they
 * are joined to every source and leave in the order in which they came. */
#include "join_step.h"

#include "sys/sys.h"

#include <math.h>
#include <stdatomic.h>

/* One source joined to the labels. */
struct joined {
    const struct pit_about *about;
    size_t *ids; /* columns of the labels */
    struct pit *pit;
};

struct join_plan {
    size_t time, known; /* columns; known FIELD_NONE: not asked for */
    struct joined *sources;
    size_t count;
};

struct join_run {
    VEC(struct batch *) held;
    size_t bytes;
    VEC(usec) times; /* of all labels held, when their age is asked for */
    size_t labels;
    struct buf id;
};

static struct join_how *how_of(const struct step *s)
{
    union {
        const void *given;
        struct join_how *how;
    } it = {s->given};
    return it.how;
}

/* ---- opening ---- */

static int find_column(const struct step *s, const struct schema *in, const char *name,
                       size_t *column, struct error *e)
{
    char quoted[QUOTE_MAX];
    *column = schema_find(in, text_of(name));
    if (*column != FIELD_NONE)
        return 0;
    error_set(e, ERR_DATA, "the labels have no column %s", quote(quoted, name, strlen(name)));
    return how_of(s)->labels ? error_at(e, how_of(s)->labels, 1, 0) : ERR_DATA;
}

static int open_source(struct step *s, const struct schema *in, struct joined *j, struct error *e)
{
    const struct join_how *how = how_of(s);
    size_t n = j->about->id_count;
    if (how->id_count && how->id_count != n)
        return error_set(e, ERR_USAGE, "--id: %s has %zu columns that are the id, not %zu",
                         j->about->name, n, how->id_count);
    j->ids = arena_alloc(&s->arena, n * sizeof *j->ids);
    int status = 0;
    for (size_t i = 0; i < n && status == 0; i++)
        status = find_column(s, in, how->id_count ? how->ids[i] : j->about->ids[i], &j->ids[i], e);
    return status;
}

static int join_open(struct step *s, const struct schema *in, struct error *e)
{
    struct join_how *how = how_of(s);
    struct join_plan *plan = s->plan = arena_zero(&s->arena, sizeof *plan);
    plan->known = FIELD_NONE;
    int status = find_column(s, in, how->time, &plan->time, e);
    if (status == 0 && how->known_by)
        status = find_column(s, in, how->known_by, &plan->known, e);
    how->pit.known = !how->known_by              ? PIT_KNOWN_NOT
                     : plan->known == plan->time ? PIT_KNOWN_THEN
                                                 : PIT_KNOWN_BY;
    plan->count = how->sources.len;
    plan->sources = arena_zero(&s->arena, (plan->count + 1) * sizeof *plan->sources);
    for (size_t i = 0; i < plan->count && status == 0; i++) {
        plan->sources[i].about = pit_about(how->sources.at[i]);
        status = open_source(s, in, &plan->sources[i], e);
    }
    return status;
}

static int add_column(struct schema *schema, const char *group, const char *what, enum type type,
                      struct error *e)
{
    struct buf name = {0};
    buf_format(&name, "%s__%s", group, what);
    struct text text = {name.at, name.len};
    int status = 0;
    if (schema_find(schema, text) == FIELD_NONE)
        schema_add(schema, text, type);
    else
        status = error_set(e, ERR_USAGE, "there would be two columns '%s'", buf_text(&name));
    buf_release(&name);
    return status;
}

static int join_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct join_how *how = how_of(s);
    const struct join_plan *plan = s->plan;
    int status = 0;
    for (size_t i = 0; i < plan->count && status == 0; i++) {
        const struct pit_about *a = plan->sources[i].about;
        for (size_t k = 0; k < a->feature_count && status == 0; k++)
            status = add_column(schema, a->name, a->features[k].name, a->features[k].type, e);
        if (status == 0 && how->age)
            status = add_column(schema, a->name, "age_s", TYPE_FLOAT, e);
        if (status == 0 && how->status)
            status = add_column(schema, a->name, "status", TYPE_TEXT, e);
    }
    return status;
}

static int join_start(struct step *s, struct error *e)
{
    (void)e;
    const struct join_how *how = how_of(s);
    struct join_plan *plan = s->plan;
    s->run = mem_alloc(sizeof(struct join_run));
    for (size_t i = 0; i < plan->count; i++)
        plan->sources[i].pit = pit_new(how->sources.at[i], &how->pit);
    return 0;
}

static void join_stop(struct step *s)
{
    struct join_plan *plan = s->plan;
    struct join_run *run = s->run;
    for (size_t i = 0; i < plan->count; i++)
        pit_free(plan->sources[i].pit);
    for (size_t i = 0; i < run->held.len; i++)
        batch_free(run->held.at[i]);
    vec_release(&run->held);
    vec_release(&run->times);
    buf_release(&run->id);
    mem_free(run);
}

/* ---- labels in ---- */

static int read_time(const struct step *s, struct batch *b, size_t column, const char *name,
                     size_t row, usec *t, struct error *e)
{
    const struct column *c = &b->columns.at[column];
    *t = INT_MISSING;
    if (c->form == FORM_TIME && c->i64[row] != INT_MISSING) {
        *t = c->i64[row];
        return 0;
    }
    if (time_rule_read(&how_of(s)->rule, name, batch_cell(b, column, row), t, e) == 0)
        return 0;
    *t = INT_MISSING;
    return batch_reject(b, row, column, NULL, e);
}

/* Missing when a cell of it is. */
static struct text read_id(struct join_run *run, const struct joined *j, struct batch *b,
                           size_t row)
{
    if (j->about->id_count == 1)
        return batch_cell(b, j->ids[0], row);
    run->id.len = 0;
    for (size_t i = 0; i < j->about->id_count; i++) {
        struct text cell = batch_cell(b, j->ids[i], row);
        if (!cell.at)
            return cell;
        if (i > 0)
            buf_putc(&run->id, 0);
        buf_add(&run->id, cell.at, cell.len);
    }
    return (struct text){arena_copy(&b->arena, run->id.at, run->id.len), run->id.len};
}

static int add_label(struct step *s, struct batch *b, size_t row, struct error *e)
{
    const struct join_how *how = how_of(s);
    const struct join_plan *plan = s->plan;
    struct join_run *run = s->run;
    usec time, known = INT_MISSING;
    int status = read_time(s, b, plan->time, how->time, row, &time, e);
    if (status == 0 && how->pit.known == PIT_KNOWN_BY)
        status = read_time(s, b, plan->known, how->known_by, row, &known, e);
    if (status || (b->rejected && b->rejected[row]))
        return status;
    run->labels++;
    if (how->age)
        vec_push(&run->times, time);
    for (size_t i = 0; i < plan->count; i++)
        pit_add(plan->sources[i].pit, read_id(run, &plan->sources[i], b, row), time, known);
    return 0;
}

/* ---- answers out ---- */

static struct column feature_column(struct batch *b, const struct pit *pit,
                                    const struct pit_answer *answers, size_t feature)
{
    char room[TIME_MAX];
    struct text *cells = batch_array(b, b->rows, sizeof *cells);
    for (size_t r = 0; r < b->rows; r++) {
        cells[r] = pit_cell(pit, answers[r].row, feature, room);
        if (cells[r].at)
            cells[r].at = arena_copy(&b->arena, cells[r].at, cells[r].len);
    }
    return column_of_text(cells);
}

/* Seconds from the record to the label. */
static struct column age_column(struct batch *b, const struct pit_answer *answers,
                                const usec *times)
{
    double *ages = batch_array(b, b->rows, sizeof *ages);
    for (size_t r = 0; r < b->rows; r++)
        ages[r] = answers[r].event_time == INT_MISSING
                      ? (double)NAN
                      : (double)(times[r] - answers[r].event_time) / USEC_SECOND;
    return column_of_double(ages);
}

static struct column status_column(struct batch *b, const struct pit_answer *answers)
{
    struct text *names = batch_array(b, b->rows, sizeof *names);
    for (size_t r = 0; r < b->rows; r++)
        names[r] = text_of(pit_status_name(answers[r].status));
    return column_of_text(names);
}

/* One turn: some batches are given their answers side by side, while those of the turn before
 * leave.
 */
struct turn {
    struct step *step;
    const size_t *first;     /* label of each batch held */
    size_t leave, next, end; /* numbers of batches: the first to leave, and to be answered */
    atomic_size_t taken;
    struct emit *out;
    struct error *error;
    int status;
};

/* The labels of b are those from `first` on. */
static void add_answers(const struct step *s, struct batch *b, size_t first)
{
    const struct join_how *how = how_of(s);
    const struct join_plan *plan = s->plan;
    const struct join_run *run = s->run;
    struct pit_answer *answers = batch_array(b, b->rows, sizeof *answers);
    for (size_t i = 0; i < plan->count; i++) {
        const struct joined *j = &plan->sources[i];
        for (size_t r = 0; r < b->rows; r++)
            answers[r] = pit_answer(j->pit, first + r);
        for (size_t k = 0; k < j->about->feature_count; k++)
            batch_add(b, feature_column(b, j->pit, answers, k));
        if (how->age)
            batch_add(b, age_column(b, answers, run->times.at + first));
        if (how->status)
            batch_add(b, status_column(b, answers));
    }
}

static void leave(struct turn *t)
{
    const struct join_run *run = t->step->run;
    for (size_t i = t->leave; i < t->next; i++)
        if (t->status < 0)
            batch_free(run->held.at[i]);
        else
            t->status = emit(t->out, run->held.at[i], t->error);
}

static void work_on_turn(void *context, unsigned thread)
{
    struct turn *t = context;
    const struct join_run *run = t->step->run;
    if (thread == 0)
        leave(t);
    for (size_t i; (i = t->next + atomic_fetch_add(&t->taken, 1)) < t->end;)
        add_answers(t->step, run->held.at[i], t->first[i]);
}

static int emit_answers(struct step *s, struct emit *out, struct error *e)
{
    struct join_run *run = s->run;
    size_t n = run->held.len;
    unsigned jobs = how_of(s)->pit.jobs;
    size_t *first = mem_alloc((n + 1) * sizeof *first);
    for (size_t i = 0; i < n; i++)
        first[i + 1] = first[i] + run->held.at[i]->rows;
    struct turn t = {.step = s, .first = first, .out = out, .error = e};
    while (t.leave < n) {
        t.end = t.status < 0                    ? t.next
                : t.next + 2 * (size_t)jobs < n ? t.next + 2 * (size_t)jobs
                                                : n;
        atomic_store(&t.taken, 0);
        team_run(t.next < t.end ? jobs : 1, work_on_turn, &t);
        t.leave = t.next;
        t.next = t.status < 0 ? n : t.end;
    }
    run->held.len = 0;
    mem_free(first);
    return t.status;
}

/* What is held is joined and leaves. */
static int join_held(struct step *s, struct emit *out, struct error *e)
{
    const struct join_plan *plan = s->plan;
    struct join_run *run = s->run;
    int status = 0;
    for (size_t i = 0; i < plan->count && status == 0; i++)
        status = pit_join(plan->sources[i].pit, e);
    if (status == 0)
        status = emit_answers(s, out, e);
    for (size_t i = 0; i < run->held.len; i++)
        batch_free(run->held.at[i]);
    how_of(s)->rows += run->labels;
    for (size_t i = 0; i < plan->count; i++)
        pit_clear(plan->sources[i].pit);
    run->held.len = run->times.len = run->labels = run->bytes = 0;
    return status < 0 ? status : 0;
}

static bool is_full(const struct step *s)
{
    const struct join_plan *plan = s->plan;
    const struct join_run *run = s->run;
    size_t need = run->bytes + run->times.len * sizeof(usec);
    for (size_t i = 0; i < plan->count; i++)
        need += pit_need(plan->sources[i].pit);
    return need > how_of(s)->memory;
}

static int join_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    struct join_run *run = s->run;
    int status = 0;
    vec_push(&run->held, b);
    for (size_t r = 0; r < b->rows && status == 0; r++)
        status = add_label(s, b, r, e);
    if (status)
        return status;
    batch_drop_rejected(b);
    run->bytes += batch_held(b);
    return is_full(s) ? join_held(s, out, e) : 0;
}

static int join_flush(struct step *s, struct emit *out, struct error *e)
{
    return join_held(s, out, e);
}

void join_step_add(struct recipe *r, struct join_how *how)
{
    static const struct step_kind kind = {.name = "join",
                                          .class = "W",
                                          .open = join_open,
                                          .shape = join_shape,
                                          .start = join_start,
                                          .stop = join_stop,
                                          .push = join_push,
                                          .flush = join_flush,
                                          .ordered = true,
                                          .wants_all = true,
                                          .needs_all = true};
    recipe_append(r, &kind)->given = how;
}
