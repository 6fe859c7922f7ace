#include "steps/class_rows.h"

#include "prep/rowwise.h"
#include "steps/draw.h"

#include <math.h>
#include <stdlib.h>

static int add_feature(struct step *s, struct class_plan *plan, const struct schema *in,
                       size_t column, bool texts, struct error *e)
{
    const struct field *f = &in->fields.at[column];
    if (type_is_number(f->type)) {
        plan->is_whole[plan->number_count] = f->type == TYPE_INT;
        plan->number_names[plan->number_count] = arena_text(&s->arena, f->name, strlen(f->name));
        plan->numbers[plan->number_count++] = column;
    } else if (texts) {
        plan->texts[plan->text_count++] = column;
    } else {
        char quoted[QUOTE_MAX];
        return step_error(s, e, "column %s is no number", quote(quoted, f->name, strlen(f->name)));
    }
    return 0;
}

static int choose_features(struct step *s, struct class_plan *plan, const struct schema *in,
                           bool texts, struct error *e)
{
    size_t all = in->fields.len + 1;
    plan->numbers = arena_alloc(&s->arena, all * sizeof *plan->numbers);
    plan->texts = arena_alloc(&s->arena, all * sizeof *plan->texts);
    plan->number_names = arena_alloc(&s->arena, all * sizeof *plan->number_names);
    plan->is_whole = arena_zero(&s->arena, all);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->column_count; i++)
        if (s->columns[i] != plan->target)
            rc = add_feature(s, plan, in, s->columns[i], texts, e);
    for (size_t i = 0; i < in->fields.len && s->column_count == 0; i++) {
        bool wanted = type_is_number(in->fields.at[i].type) || texts;
        if (i != plan->target && wanted)
            rc = add_feature(s, plan, in, i, texts, e);
    }
    if (rc == 0 && plan->number_count == 0)
        rc = step_error(s, e, "no numeric column to measure distances by");
    return rc;
}

int class_plan_open(struct step *s, const struct schema *in, bool texts, struct error *e)
{
    struct class_plan *plan = arena_zero(&s->arena, sizeof *plan);
    s->plan = plan;
    s->by_row = true; /* the samples */
    int rc = arg_column(s, "target", in, &plan->target, e);
    plan->target_name = arg_string(s, "target");
    plan->sample = (size_t)arg_int(s, "sample");
    plan->column_count = in->fields.len;
    plan->types = arena_alloc(&s->arena, (in->fields.len + 1) * sizeof *plan->types);
    for (size_t i = 0; i < in->fields.len; i++)
        plan->types[i] = in->fields.at[i].type;
    if (rc == 0)
        rc = choose_features(s, plan, in, texts, e);
    for (size_t i = 0; rc == 0 && i < plan->number_count; i++)
        vec_push(&s->reads, plan->numbers[i]);
    for (size_t i = 0; rc == 0 && i < plan->text_count; i++)
        vec_push(&s->reads, plan->texts[i]);
    return rc;
}

void *class_rows_new(const struct step *s)
{
    const struct class_plan *plan = s->plan;
    struct class_rows *c = mem_alloc(sizeof *c);
    c->numbers = plan->number_count;
    c->texts = plan->text_count;
    return c;
}

static size_t class_number(const struct step *s, struct class_rows *c, struct text name)
{
    const struct class_plan *plan = s->plan;
    size_t number = map_put(&c->classes, name, NULL);
    if (number == c->samples.len) {
        struct sample fresh;
        sample_init(&fresh, plan->sample, draw_seed(s), s->number);
        vec_push(&c->samples, fresh);
        vec_push(&c->counts, 0);
    }
    return number;
}

/* The cells of a batch that a row is made of. */
struct features {
    const double **numbers;
    const struct text **texts;
};

static int read_features(const struct step *s, struct batch *b, struct features *f, struct error *e)
{
    const struct class_plan *plan = s->plan;
    f->numbers = batch_array(b, plan->number_count, sizeof *f->numbers);
    f->texts = batch_array(b, plan->text_count, sizeof *f->texts);
    for (size_t i = 0; i < plan->text_count; i++)
        f->texts[i] = batch_text(b, plan->texts[i]);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < plan->number_count; i++)
        rc = batch_double(b, plan->numbers[i], plan->number_names[i], &f->numbers[i], e);
    return rc;
}

/* The row as bytes: its numbers, then each text behind its length. False when a cell is missing. */
static bool pack_features(const struct class_plan *plan, const struct features *f, size_t row,
                          struct buf *out)
{
    out->len = 0;
    for (size_t i = 0; i < plan->number_count; i++) {
        if (isnan(f->numbers[i][row]))
            return false;
        buf_add(out, &f->numbers[i][row], sizeof(double));
    }
    for (size_t i = 0; i < plan->text_count; i++) {
        struct text t = f->texts[i][row];
        if (!t.at)
            return false;
        buf_add(out, &t.len, sizeof t.len);
        buf_add(out, t.at, t.len);
    }
    return true;
}

int class_rows_learn(const struct step *s, void *state, struct batch *b, struct error *e)
{
    const struct class_plan *plan = s->plan;
    struct class_rows *c = state;
    struct features f;
    int rc = read_features(s, b, &f, e);
    if (rc)
        return rc;
    const struct text *class = batch_text(b, plan->target);
    struct buf bytes = {0};
    for (size_t r = 0; r < b->rows; r++) {
        if (!class[r].at)
            continue;
        size_t number = class_number(s, c, class[r]);
        uint64_t id = batch_row_id(b, r);
        c->counts.at[number]++;
        if (sample_wants(&c->samples.at[number], id) && pack_features(plan, &f, r, &bytes))
            sample_add(&c->samples.at[number], id, (struct text){bytes.at, bytes.len});
    }
    buf_release(&bytes);
    return 0;
}

int class_rows_merge(const struct step *s, void *into, void *from, struct error *e)
{
    (void)e;
    struct class_rows *a = into;
    const struct class_rows *b = from;
    for (size_t i = 0; i < b->samples.len; i++) {
        size_t number = class_number(s, a, b->classes.keys.at[i]);
        a->counts.at[number] += b->counts.at[i];
        sample_merge(&a->samples.at[number], &b->samples.at[i]);
    }
    return 0;
}

void class_rows_free(void *state)
{
    struct class_rows *c = state;
    for (size_t i = 0; i < c->samples.len; i++)
        sample_release(&c->samples.at[i]);
    vec_release(&c->samples);
    vec_release(&c->counts);
    map_release(&c->classes);
    arena_release(&c->arena);
    mem_free(c);
}

struct text class_name(const struct class_rows *c, size_t class)
{
    return c->classes.keys.at[c->order[class]];
}

uint64_t class_count(const struct class_rows *c, size_t class)
{
    return c->counts.at[c->order[class]];
}

static int by_id(const void *left, const void *right)
{
    const struct near_row *a = left, *b = right;
    return a->id < b->id ? -1 : a->id > b->id;
}

static struct near_row unpack_row(struct class_rows *c, const struct sample_item *item)
{
    double *x = arena_alloc(&c->arena, (c->numbers + 1) * sizeof *x);
    struct text *t = arena_alloc(&c->arena, (c->texts + 1) * sizeof *t);
    const char *at = item->item.at;
    if (c->numbers > 0)
        memcpy(x, at, c->numbers * sizeof *x);
    at += c->numbers * sizeof *x;
    for (size_t i = 0; i < c->texts; i++) {
        memcpy(&t[i].len, at, sizeof t[i].len);
        t[i].at = at + sizeof t[i].len;
        at = t[i].at + t[i].len;
    }
    return (struct near_row){.id = item->row, .x = x, .t = t};
}

/* The numbers of the classes by name; returns owned. */
static uint32_t *classes_by_name(const struct class_rows *c)
{
    struct counts names = {0};
    for (size_t i = 0; i < c->classes.keys.len; i++)
        (void)counts_add(&names, c->classes.keys.at[i], c->counts.at[i], 0);
    uint32_t *order = counts_sorted(&names, COUNTS_BY_NAME);
    counts_release(&names);
    return order;
}

static void order_classes(struct class_rows *c)
{
    uint32_t *order = classes_by_name(c);
    c->class_count = c->classes.keys.len;
    c->order = arena_copy(&c->arena, order, c->class_count * sizeof *order);
    mem_free(order);
}

/* Median over the numbers of their deviation among the rows of class `class` (SMOTE-NC). */
static double median_deviation(const struct class_rows *c, size_t class)
{
    double *deviation = mem_alloc(c->numbers * sizeof *deviation);
    for (size_t i = 0; i < c->numbers; i++) {
        struct moments m;
        moments_init(&m, 2);
        for (size_t r = c->first[class]; r < c->first[class + 1]; r++)
            moments_add(&m, c->rows[r].x[i]);
        deviation[i] = m.count > 0 ? moments_deviation(&m, 0) : 0;
        moments_release(&m);
    }
    for (size_t i = 1; i < c->numbers; i++)
        for (size_t k = i; k > 0 && deviation[k] < deviation[k - 1]; k--) {
            double swap = deviation[k];
            deviation[k] = deviation[k - 1];
            deviation[k - 1] = swap;
        }
    double median = quantile_sorted(deviation, c->numbers, 0.5);
    mem_free(deviation);
    return median;
}

static size_t smallest_class(const struct class_rows *c)
{
    size_t smallest = 0;
    for (size_t i = 1; i < c->class_count; i++)
        if (class_count(c, i) < class_count(c, smallest))
            smallest = i;
    return smallest;
}

int class_rows_finish(struct step *s, void *state, struct error *e)
{
    (void)s;
    (void)e;
    struct class_rows *c = state;
    arena_reset(&c->arena);
    order_classes(c);
    size_t all = 0;
    for (size_t i = 0; i < c->class_count; i++)
        all += c->samples.at[i].heap.len;
    c->rows = arena_alloc(&c->arena, (all + 1) * sizeof *c->rows);
    c->first = arena_zero(&c->arena, (c->class_count + 1) * sizeof *c->first);
    size_t n = 0;
    for (size_t i = 0; i < c->class_count; i++) {
        const struct sample *sample = &c->samples.at[c->order[i]];
        c->first[i] = n;
        for (size_t k = 0; k < sample->heap.len; k++) {
            c->rows[n] = unpack_row(c, &sample->heap.at[k]);
            c->rows[n++].class = i;
        }
        qsort(c->rows + c->first[i], n - c->first[i], sizeof *c->rows, by_id);
    }
    c->first[c->class_count] = n;
    if (c->texts > 0 && c->class_count > 0)
        c->text_distance = median_deviation(c, smallest_class(c));
    return 0;
}

static double squared_distance(const struct class_rows *c, size_t a, size_t b)
{
    const struct near_row *x = &c->rows[a], *y = &c->rows[b];
    double sum = 0;
    for (size_t i = 0; i < c->numbers; i++) {
        double d = x->x[i] - y->x[i];
        sum += d * d;
    }
    for (size_t i = 0; i < c->texts; i++)
        if (!text_equal(x->t[i], y->t[i]))
            sum += c->text_distance * c->text_distance;
    return sum;
}

size_t class_rows_near(const struct class_rows *c, size_t of, size_t from, size_t to, size_t k,
                       size_t *near)
{
    double *distance = mem_alloc((k + 1) * sizeof *distance);
    size_t found = 0;
    for (size_t i = from; i < to; i++) {
        double d = i == of ? (double)INFINITY : squared_distance(c, of, i);
        if (i == of || (found == k && !(d < distance[k - 1])))
            continue;
        size_t at = found < k ? found++ : k - 1;
        for (; at > 0 && d < distance[at - 1]; at--) {
            distance[at] = distance[at - 1];
            near[at] = near[at - 1];
        }
        distance[at] = d;
        near[at] = i;
    }
    mem_free(distance);
    return found;
}

json_t *class_rows_save(const struct step *s, const void *state)
{
    (void)s;
    const struct class_rows *c = state;
    json_t *list = json_array();
    uint32_t *order = classes_by_name(c);
    for (size_t i = 0; i < c->classes.keys.len; i++) {
        uint32_t number = order[i];
        struct text name = c->classes.keys.at[number];
        json_array_append_new(list, json_pack("{s:s%,s:I,s:o}", "class", name.at, name.len, "rows",
                                              (json_int_t)c->counts.at[number], "sample",
                                              sample_save(&c->samples.at[number])));
    }
    mem_free(order);
    return list;
}

/* Whether an item is the numbers and texts that a row of this state has. */
static bool item_fits(const struct class_rows *c, struct text item)
{
    size_t at = c->numbers * sizeof(double), len;
    if (item.len < at)
        return false;
    for (size_t i = 0; i < c->texts; i++) {
        if (item.len - at < sizeof len)
            return false;
        memcpy(&len, item.at + at, sizeof len);
        at += sizeof len;
        if (item.len - at < len)
            return false;
        at += len;
    }
    return at == item.len;
}

static int load_sample(const struct class_rows *c, struct sample *into, const json_t *j,
                       struct error *e)
{
    struct sample loaded;
    int rc = sample_load(&loaded, j, e);
    if (rc)
        return rc;
    for (size_t i = 0; rc == 0 && i < loaded.heap.len; i++)
        if (!item_fits(c, loaded.heap.at[i].item))
            rc = error_set(e, ERR_DATA, "a sampled row has not the columns of the step");
    if (rc == 0)
        sample_merge(into, &loaded);
    sample_release(&loaded);
    return rc;
}

int class_rows_load(const struct step *s, void *state, const json_t *j, struct error *e)
{
    struct class_rows *c = state;
    for (size_t i = 0; i < json_array_size(j); i++) {
        const json_t *entry = json_array_get(j, i), *name = json_object_get(entry, "class");
        const json_t *rows = json_object_get(entry, "rows");
        if (!json_is_string(name) || !json_is_integer(rows) || json_integer_value(rows) < 0)
            return error_set(e, ERR_DATA, "expected a list of classes with their rows");
        struct text text = {json_string_value(name), json_string_length(name)};
        size_t number = class_number(s, c, text);
        c->counts.at[number] += (uint64_t)json_integer_value(rows);
        int rc = load_sample(c, &c->samples.at[number], json_object_get(entry, "sample"), e);
        if (rc)
            return rc;
    }
    return json_is_array(j) ? 0 : error_set(e, ERR_DATA, "expected a list of classes");
}
