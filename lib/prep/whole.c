/* Hooks of steps that take a series at once. */
#include "prep/whole.h"

#include <math.h>
#include <stdio.h>

enum { BATCH_ROWS = 4096 };

struct whole_plan {
    struct ordering ordering;
    VEC(const char *) endings;
    void *own;
};

typedef VEC(double) number_list;
typedef VEC(struct text) text_list;

struct whole_rows {
    struct arena arena; /* texts */
    text_list *keys;    /* by column of by= */
    size_t key_count;
    struct text *current; /* of the series at hand */
    VEC(usec) times;
    number_list *numbers; /* by result */
    text_list *texts;
    size_t results, next; /* result to be put next */
};

struct whole_run {
    struct order_check check;
    struct whole series;
    struct whole_rows rows;
    struct buf *keys; /* bytes of rows.current, by column of by= */
    size_t group;     /* of the series at hand; SIZE_MAX before the first */
};

static const struct whole_kind *kind_of(const struct step *s)
{
    return s->kind->detail;
}

void *whole_own(const struct step *s)
{
    return ((const struct whole_plan *)s->plan)->own;
}

void whole_set_own(struct step *s, void *own)
{
    ((struct whole_plan *)s->plan)->own = own;
}

void whole_result(struct step *s, const char *format, ...)
{
    struct whole_plan *plan = s->plan;
    va_list args;
    va_start(args, format);
    vec_push(&plan->endings, arena_vformat(&s->arena, format, args));
    va_end(args);
}

int whole_open(struct step *s, const struct schema *in, struct error *e)
{
    struct whole_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    int rc = ordering_open(s, in, &plan->ordering, e);
    if (rc)
        return rc;
    if (kind_of(s)->times &&
        (plan->ordering.column == FIELD_NONE || plan->ordering.type != TYPE_TIME))
        return step_error(s, e, "order= must name a column of times");
    return kind_of(s)->prepare(s, e);
}

void whole_close(struct step *s)
{
    struct whole_plan *plan = s->plan;
    vec_release(&plan->endings);
}

int whole_shape(struct step *s, struct schema *schema, struct error *e)
{
    const struct whole_plan *plan = s->plan;
    struct schema old = {0};
    schema_copy(&old, schema);
    while (schema->fields.len > 0)
        schema_remove(schema, schema->fields.len - 1);
    for (size_t i = 0; i < plan->ordering.by_count; i++) {
        const struct field *f = &old.fields.at[plan->ordering.by[i]];
        schema_add(schema, text_of(f->name), f->type);
    }
    if (kind_of(s)->times)
        schema_add(schema, text_of(plan->ordering.name), TYPE_TIME);
    schema_release(&old);
    for (size_t i = 0; i < s->column_count * plan->endings.len; i++) {
        const char *name = arena_format(&s->arena, "%s%s", s->names[i / plan->endings.len],
                                        plan->endings.at[i % plan->endings.len]);
        if (schema_find(schema, text_of(name)) != FIELD_NONE)
            return step_error(s, e, "there would be two columns '%.100s'", name);
        schema_add(schema, text_of(name), kind_of(s)->type);
    }
    return 0;
}

void whole_row(struct whole_rows *out, usec time)
{
    for (size_t i = 0; i < out->key_count; i++) {
        struct text key = out->current[i];
        if (key.at)
            key.at = arena_text(&out->arena, key.at, key.len);
        vec_push(&out->keys[i], key);
    }
    vec_push(&out->times, time);
    out->next = 0;
}

void whole_put(struct whole_rows *out, double x)
{
    number_list *list = &out->numbers[out->next++];
    vec_push(list, isfinite(x) ? x : (double)NAN);
}

void whole_put_text(struct whole_rows *out, struct text x)
{
    struct text copy = {arena_text(&out->arena, x.at, x.len), x.len};
    text_list *list = &out->texts[out->next++];
    vec_push(list, copy);
}

static void *copy_array(struct batch *b, const void *from, size_t size)
{
    void *array = batch_array(b, b->rows, size);
    if (b->rows > 0)
        memcpy(array, from, b->rows * size);
    return array;
}

static void copy_texts(struct batch *b, const text_list *from, bool json)
{
    struct text *texts = copy_array(b, from->at, sizeof *texts);
    for (size_t r = 0; r < b->rows; r++)
        if (texts[r].at)
            texts[r].at = arena_text(&b->arena, texts[r].at, texts[r].len);
    batch_add(b, json ? column_of_json(texts) : column_of_text(texts));
}

/* Hands on the rows made so far. */
static int emit_rows(const struct step *s, struct whole_rows *rows, struct emit *out,
                     struct error *e)
{
    (void)e;
    struct batch *b = emit_batch(out);
    b->rows = rows->times.len;
    bool json = kind_of(s)->type == TYPE_JSON;
    for (size_t i = 0; i < rows->key_count; i++) {
        copy_texts(b, &rows->keys[i], false);
        rows->keys[i].len = 0;
    }
    if (kind_of(s)->times)
        batch_add(b, column_of_time(copy_array(b, rows->times.at, sizeof(usec))));
    for (size_t i = 0; i < rows->results; i++) {
        if (json)
            copy_texts(b, &rows->texts[i], true);
        else
            batch_add(b, column_of_double(copy_array(b, rows->numbers[i].at, sizeof(double))));
        rows->numbers[i].len = rows->texts[i].len = 0;
    }
    rows->times.len = 0;
    arena_reset(&rows->arena);
    return emit(out, b, e);
}

int whole_start(struct step *s, struct error *e)
{
    (void)e;
    const struct whole_plan *plan = s->plan;
    struct whole_run *run = mem_alloc(sizeof *run);
    struct whole_rows *rows = &run->rows;
    s->run = run;
    run->group = SIZE_MAX;
    run->series.columns = s->column_count;
    run->series.values = mem_alloc(s->column_count * sizeof *run->series.values);
    rows->key_count = plan->ordering.by_count;
    rows->results = s->column_count * plan->endings.len;
    rows->keys = mem_alloc(rows->key_count * sizeof *rows->keys);
    rows->current = mem_alloc(rows->key_count * sizeof *rows->current);
    run->keys = mem_alloc(rows->key_count * sizeof *run->keys);
    rows->numbers = mem_alloc(rows->results * sizeof *rows->numbers);
    rows->texts = mem_alloc(rows->results * sizeof *rows->texts);
    return 0;
}

static void rows_release(struct whole_rows *rows)
{
    for (size_t i = 0; i < rows->key_count; i++)
        vec_release(&rows->keys[i]);
    for (size_t i = 0; i < rows->results; i++) {
        vec_release(&rows->numbers[i]);
        vec_release(&rows->texts[i]);
    }
    vec_release(&rows->times);
    mem_free(rows->keys);
    mem_free(rows->current);
    mem_free(rows->numbers);
    mem_free(rows->texts);
    arena_release(&rows->arena);
}

void whole_stop(struct step *s)
{
    struct whole_run *run = s->run;
    if (!run)
        return;
    for (size_t i = 0; i < run->rows.key_count; i++)
        buf_release(&run->keys[i]);
    for (size_t i = 0; i < s->column_count; i++)
        vec_release(&run->series.values[i]);
    mem_free(run->series.values);
    mem_free(run->keys);
    vec_release(&run->series.times);
    rows_release(&run->rows);
    order_check_release(&run->check);
    mem_free(run);
    s->run = NULL;
}

/* Makes the rows of the series at hand, which is empty then. */
static int finish_series(struct step *s, struct emit *out, struct error *e)
{
    struct whole_run *run = s->run;
    int rc = run->group == SIZE_MAX ? 0 : kind_of(s)->make(s, &run->series, &run->rows, e);
    run->series.times.len = 0;
    for (size_t i = 0; i < s->column_count; i++)
        run->series.values[i].len = 0;
    return rc == 0 && run->rows.times.len >= BATCH_ROWS ? emit_rows(s, &run->rows, out, e) : rc;
}

static void begin_series(struct step *s, struct batch *b, size_t row, size_t group)
{
    const struct ordering *o = &((const struct whole_plan *)s->plan)->ordering;
    struct whole_run *run = s->run;
    run->group = group;
    for (size_t i = 0; i < o->by_count; i++) {
        struct text cell = batch_cell(b, o->by[i], row);
        run->keys[i].len = 0;
        if (cell.len > 0)
            buf_add(&run->keys[i], cell.at, cell.len);
        run->rows.current[i] =
            (struct text){cell.at ? buf_text(&run->keys[i]) : NULL, run->keys[i].len};
    }
}

static int apart(const struct step *s, struct batch *b, size_t row, struct error *e)
{
    (void)error_set(
        e, ERR_DATA,
        "%s: the rows of a series must stand together: put 'sort' by the columns of by= "
        "before",
        s->kind->name);
    return batch_place(b, row, e);
}

static int take_rows(struct step *s, struct batch *b, const uint32_t *groups, size_t known,
                     const usec *times, const double *const *values, struct emit *out,
                     struct error *e)
{
    struct whole_run *run = s->run;
    for (size_t r = 0; r < b->rows; r++) {
        if (groups[r] != run->group) {
            if (groups[r] < known)
                return apart(s, b, r, e);
            known = groups[r] + 1;
            int rc = finish_series(s, out, e);
            if (rc)
                return rc;
            begin_series(s, b, r, groups[r]);
        }
        vec_push(&run->series.times, times ? times[r] : INT_MISSING);
        for (size_t i = 0; i < s->column_count; i++)
            vec_push(&run->series.values[i], values[i][r]);
    }
    return 0;
}

static int take_batch(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    const struct ordering *o = &((const struct whole_plan *)s->plan)->ordering;
    struct whole_run *run = s->run;
    size_t known = groups_count(&run->check.groups);
    const double **values = batch_array(b, s->column_count, sizeof *values);
    const usec *times = NULL;
    uint32_t *groups;
    int rc = ordering_check(s, o, &run->check, b, &groups, e);
    if (rc == 0 && o->column != FIELD_NONE && o->type == TYPE_TIME)
        rc = batch_time(b, o->column, o->name, &times, e);
    for (size_t i = 0; rc == 0 && i < s->column_count; i++)
        rc = batch_double(b, s->columns[i], s->names[i], &values[i], e);
    return rc ? rc : take_rows(s, b, groups, known, times, values, out, e);
}

int whole_push(struct step *s, struct batch *b, struct emit *out, struct error *e)
{
    int rc = take_batch(s, b, out, e);
    batch_free(b);
    return rc;
}

int whole_flush(struct step *s, struct emit *out, struct error *e)
{
    struct whole_run *run = s->run;
    int rc = finish_series(s, out, e);
    if (rc == 0 && run->rows.times.len > 0)
        rc = emit_rows(s, &run->rows, out, e);
    return rc < 0 ? rc : 0;
}
