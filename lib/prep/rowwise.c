/* Hooks of steps that map cells or rows: columns in, kernel, columns out. */
#include "prep/rowwise.h"

#include <math.h>
#include <stdio.h>

static size_t cell_size(enum type type)
{
    switch (type) {
    case TYPE_TEXT:
    case TYPE_JSON:
        return sizeof(struct text);
    case TYPE_BOOL:
        return sizeof(uint8_t);
    case TYPE_INT:
    case TYPE_TIME:
    case TYPE_FLOAT:
        break;
    }
    return sizeof(double);
}

union cells cells_new(struct batch *b, enum type type)
{
    void *array = batch_array(b, b->rows, cell_size(type));
    switch (type) {
    case TYPE_TEXT:
    case TYPE_JSON:
        return (union cells){.text = array};
    case TYPE_BOOL:
        return (union cells){.flag = array};
    case TYPE_INT:
        return (union cells){.integer = array};
    case TYPE_TIME:
        return (union cells){.time = array};
    case TYPE_FLOAT:
        break;
    }
    return (union cells){.number = array};
}

struct column cells_column(union cells cells, enum type type)
{
    switch (type) {
    case TYPE_TEXT:
        return column_of_text(cells.text);
    case TYPE_JSON:
        return column_of_json(cells.text);
    case TYPE_BOOL:
        return column_of_bool(cells.flag);
    case TYPE_INT:
        return column_of_int(cells.integer);
    case TYPE_TIME:
        return column_of_time(cells.time);
    case TYPE_FLOAT:
        break;
    }
    return column_of_double(cells.number);
}

void cells_set_missing(union cells cells, enum type type, size_t row)
{
    switch (type) {
    case TYPE_TEXT:
    case TYPE_JSON:
        cells.text[row] = (struct text){NULL, 0};
        break;
    case TYPE_BOOL:
        cells.flag[row] = BOOL_MISSING;
        break;
    case TYPE_INT:
    case TYPE_TIME:
        cells.integer[row] = INT_MISSING;
        break;
    case TYPE_FLOAT:
        cells.number[row] = (double)NAN;
        break;
    }
}

int cells_of(struct batch *b, size_t column, const char *name, enum type type, union cells *out,
             struct error *e)
{
    /* The batch's arrays are const; the union is shared with results, which are not. */
    union {
        const struct text *text;
        const double *number;
        const int64_t *integer;
        const uint8_t *flag;
        union cells cells;
    } from = {.text = NULL};
    int rc = 0;
    switch (type) {
    case TYPE_TEXT:
    case TYPE_JSON:
        from.text = batch_text(b, column);
        break;
    case TYPE_BOOL:
        rc = batch_bool(b, column, name, &from.flag, e);
        break;
    case TYPE_INT:
        rc = batch_int(b, column, name, &from.integer, e);
        break;
    case TYPE_TIME:
        rc = batch_time(b, column, name, &from.integer, e);
        break;
    case TYPE_FLOAT:
        rc = batch_double(b, column, name, &from.number, e);
        break;
    }
    *out = from.cells;
    return rc;
}

static const struct rowwise *map_of(const struct step *s)
{
    return s->kind->detail;
}

bool step_has_arg(const struct step *s, const char *name)
{
    for (const struct arg *a = s->kind->args; a && a->name; a++)
        if (strcmp(a->name, name) == 0)
            return true;
    return false;
}

static bool has_value(const struct step *s, const char *name)
{
    return step_has_arg(s, name) && arg_given(s, name);
}

void rowwise_part(struct step *s, const char *format, ...)
{
    char suffix[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(suffix, sizeof suffix, format, args);
    va_end(args);
    size_t len = n < (int)sizeof suffix ? (size_t)n : sizeof suffix - 1;
    vec_push(&rowwise_plan(s)->parts, arena_text(&s->arena, suffix, len));
}

static int add_name(struct step *s, const struct schema *in, const char *name, struct error *e)
{
    struct rowwise_plan *plan = s->plan;
    bool taken = schema_find(in, text_of(name)) != FIELD_NONE;
    for (size_t i = 0; i < plan->added.len && !taken; i++)
        taken = strcmp(plan->added.at[i], name) == 0;
    if (taken) {
        char quoted[QUOTE_MAX];
        return step_error(s, e, "there is a column %s already", quote(quoted, name, strlen(name)));
    }
    vec_push(&plan->added, name);
    return 0;
}

/* The results of a `several` map: its parts are whole names. */
static int name_parts(struct step *s, const struct schema *in, struct error *e)
{
    struct rowwise_plan *plan = s->plan;
    for (size_t k = 0; k < plan->parts.len; k++) {
        int rc = add_name(s, in, plan->parts.at[k], e);
        if (rc)
            return rc;
    }
    return 0;
}

/* Names of results: column by column, part by part. */
static int name_results(struct step *s, const struct schema *in, const char *suffix,
                        struct error *e)
{
    struct rowwise_plan *plan = s->plan;
    size_t parts = plan->parts.len > 0 ? plan->parts.len : 1;
    for (size_t i = 0; i < s->column_count; i++)
        for (size_t k = 0; k < parts; k++) {
            const char *part = plan->parts.len > 0 ? plan->parts.at[k] : "";
            const char *name = arena_format(&s->arena, "%s%s%s", s->names[i], suffix, part);
            int rc = add_name(s, in, name, e);
            if (rc)
                return rc;
        }
    return 0;
}

static int plan_results(struct step *s, const struct schema *in, struct error *e)
{
    const struct rowwise *map = map_of(s);
    bool suffix = !map->own_suffix && has_value(s, "suffix");
    if (has_value(s, "into")) {
        if (suffix)
            return step_error(s, e, "into and suffix exclude each other");
        if (!map->several && s->column_count != 1)
            return step_error(s, e, "into names one column, but %zu are selected: use suffix",
                              s->column_count);
        return add_name(s, in, arg_string(s, "into"), e);
    }
    if (suffix && arg_text(s, "suffix").len == 0)
        return step_error(s, e, "suffix is empty");
    if (suffix)
        return name_results(s, in, arg_string(s, "suffix"), e);
    if (map->several)
        return name_parts(s, in, e);
    if (map->suffix || rowwise_plan(s)->parts.len > 0)
        return name_results(s, in, map->suffix ? map->suffix : "", e);
    return 0;
}

int rowwise_open(struct step *s, const struct schema *in, struct error *e)
{
    const struct rowwise *map = map_of(s);
    struct rowwise_plan *plan = mem_alloc(sizeof *plan);
    s->plan = plan;
    for (size_t i = 0; i < ROWWISE_PARAMETERS; i++)
        plan->parameters[i] = (double)NAN;
    for (size_t i = 0; map->parameters && map->parameters[i]; i++)
        if (arg_given(s, map->parameters[i]))
            plan->parameters[i] = arg_number(s, map->parameters[i]);
    int rc = map->prepare ? map->prepare(s, in, e) : 0;
    return rc ? rc : plan_results(s, in, e);
}

void rowwise_close(struct step *s)
{
    struct rowwise_plan *plan = s->plan;
    const struct rowwise *map = map_of(s);
    if (map->release && plan->own)
        map->release(plan->own);
    vec_release(&plan->parts);
    vec_release(&plan->added);
    mem_free(plan);
    s->plan = NULL;
}

static bool drops_columns(const struct step *s)
{
    return map_of(s)->drops && !(step_has_arg(s, "keep") && arg_bool(s, "keep"));
}

int rowwise_shape(struct step *s, struct schema *schema, struct error *e)
{
    (void)e;
    const struct rowwise *map = map_of(s);
    const struct rowwise_plan *plan = s->plan;
    for (size_t i = 0; i < plan->added.len; i++)
        schema_add(schema, text_of(plan->added.at[i]), map->to);
    for (size_t i = 0; i < s->column_count && plan->added.len == 0; i++) {
        schema->fields.at[s->columns[i]].type = map->to;
        schema->fields.at[s->columns[i]].declared = true;
    }
    if (drops_columns(s))
        schema_leave_out(schema, s->columns, s->column_count);
    return 0;
}

struct text mapping_text(struct mapping *m)
{
    const char *copy = "";
    if (m->scratch.len > 0)
        copy = arena_copy(&m->batch->arena, m->scratch.at, m->scratch.len);
    struct text made = {copy, m->scratch.len};
    m->scratch.len = 0;
    return made;
}

int mapping_reject(struct mapping *m, size_t i, size_t row, const char *format, ...)
{
    char message[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    (void)error_set(m->error, ERR_DATA, "%s: %s", m->step->kind->name, message);
    return batch_reject(m->batch, row, m->columns[i], m->names[i], m->error);
}

static int outside_domain(struct mapping *m, size_t row, double x)
{
    char digits[NUMBER_MAX + 1];
    digits[number_print(digits, x)] = '\0';
    const char *domain = m->map->domain;
    m->out->number[row] = (double)NAN;
    if (!domain)
        return mapping_reject(m, 0, row, "the result for %s is not a finite number", digits);
    return mapping_reject(m, 0, row, "%s is not %s", digits, domain);
}

static int run_numbers(struct mapping *m)
{
    const double *in = m->in->number;
    double *out = m->out->number;
    for (size_t r = 0; r < m->rows; r++)
        out[r] = isnan(in[r]) ? in[r] : m->map->number(in[r], m->parameters);
    for (size_t r = 0; r < m->rows; r++)
        if (UNLIKELY(!isfinite(out[r])) && !isnan(in[r])) {
            int rc = outside_domain(m, r, in[r]);
            if (rc)
                return rc;
        }
    return 0;
}

static void run_texts(struct mapping *m)
{
    for (size_t r = 0; r < m->rows; r++) {
        struct text cell = m->in->text[r];
        m->out->text[r] = cell.at ? m->map->text(m, cell) : cell;
    }
}

static void run_tests(struct mapping *m)
{
    for (size_t r = 0; r < m->rows; r++) {
        struct text cell = m->in->text[r];
        m->out->flag[r] = cell.at ? m->map->test(m, cell) : BOOL_MISSING;
    }
}

static void run_number_tests(struct mapping *m)
{
    for (size_t r = 0; r < m->rows; r++) {
        double x = m->in->number[r];
        m->out->flag[r] = isnan(x) ? BOOL_MISSING : m->map->test_number(x, m->parameters);
    }
}

static int run_kernel(struct mapping *m)
{
    const struct rowwise *map = m->map;
    if (map->column)
        return map->column(m);
    if (map->number)
        return run_numbers(m);
    if (map->text)
        run_texts(m);
    else if (map->test)
        run_tests(m);
    else
        run_number_tests(m);
    return 0;
}

/* Arrays for the results of one run. */
static union cells *results_new(const struct step *s, struct batch *b, size_t *count)
{
    const struct rowwise_plan *plan = s->plan;
    *count = plan->parts.len > 0 ? plan->parts.len : 1;
    union cells *out = batch_array(b, *count, sizeof *out);
    for (size_t k = 0; k < *count; k++)
        out[k] = cells_new(b, map_of(s)->to);
    return out;
}

int rowwise_run(const struct step *s, struct batch *b, size_t first, size_t count, union cells *out,
                struct error *e)
{
    const struct rowwise *map = map_of(s);
    const struct rowwise_plan *plan = s->plan;
    union cells *in = batch_array(b, count, sizeof *in);
    for (size_t i = 0; i < count; i++) {
        size_t column = s->columns[first + i];
        int rc = cells_of(b, column, s->names[first + i], map->from, &in[i], e);
        if (rc)
            return rc;
    }
    struct mapping m = {.step = s,
                        .map = map,
                        .own = plan->own,
                        .parameters = plan->parameters,
                        .batch = b,
                        .rows = b->rows,
                        .count = count,
                        .columns = s->columns + first,
                        .names = s->names + first,
                        .in = in,
                        .out = out,
                        .error = e};
    int rc = run_kernel(&m);
    buf_release(&m.scratch);
    return rc;
}

static void store(const struct step *s, struct batch *b, size_t column, struct column made)
{
    if (rowwise_plan(s)->added.len == 0)
        batch_set(b, column, made);
    else
        batch_add(b, made);
}

int rowwise_apply(const struct step *s, struct batch *b, struct error *e)
{
    size_t at_once = map_of(s)->several ? s->column_count : 1;
    for (size_t i = 0; i < s->column_count; i += at_once) {
        size_t results;
        union cells *out = results_new(s, b, &results);
        int rc = rowwise_run(s, b, i, at_once, out, e);
        if (rc)
            return rc;
        for (size_t k = 0; k < results; k++)
            store(s, b, s->columns[i], cells_column(out[k], map_of(s)->to));
    }
    if (drops_columns(s))
        batch_leave_out(b, s->columns, s->column_count);
    return 0;
}
