/*
 * Compiled preparation: for every step that is lowered, its worked examples are fitted, lowered and
 * run row by row, on the example's rows and on awkward ones. What comes out is what the recipe
 * gives for a file with that row alone, read as `neoc run` reads it: the same bits, or the row is
 * refused by both.
 */
#include "expr/node.h"
#include "prep/lower.h"
#include "sys/sys.h"
#include "unit.h"

#include <math.h>
#include <stdlib.h>

static const char *const awkward[] = {
    NULL, /* missing */
    "",
    "unseen",
    "0",
    "-0",
    "-3",
    "1.5",
    "2",
    "007",
    "1e308",
    "-1.7976931348623157e308",
    "5e-324",
    "1e999",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "12345678901234567890123",
    "1e15",
    "72057594037927936",
    "0.1",
    " 5",
    "nan",
    "inf",
    "true",
    "FALSE",
    "2024-02-29",
    "2024-12-31T23:59:59.5Z",
    "0001-01-01",
    "9999-12-31T23:59:59+00:00",
    "2024-03-10 02:30:00",
    "12:30",
    "\"quoted\", and more",
    "na\xC3\xAFve \xE2\x82\xAC",
    "a b  c",
    " padded ",
    "NA",
    "Lower UPPER",
    "48.85",
    "-122.4",
    "[1,2]",
    "{\"a\":1}",
};

/* The rows of a trial: cells by row and column, then what the recipe makes of each. */
struct trial {
    const char *program;
    struct prep_context context;
    struct recipe *r;
    size_t fields, count;
    VEC(struct text) cells; /* count * fields */
    VEC(int) status;        /* of the recipe, by row */
    VEC(size_t) first;      /* of its results in `results`, by row; SIZE_MAX: no row came out */
    VEC(struct text) results;
    struct schema shape; /* of the results */
    struct arena arena;
};

static struct text kept(struct trial *t, struct text cell)
{
    if (!cell.at)
        return cell;
    return (struct text){arena_text(&t->arena, cell.at, cell.len), cell.len};
}

static int open_file(struct trial *t, const char *path, struct input **in, struct error *e)
{
    char *paths[] = {(char *)(uintptr_t)path};
    t->context.input.policy = &t->context.policy;
    return input_open(paths, 1, &t->context.input, in, e);
}

static void write_file(const char *path, const char *at, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (!f || (n && fwrite(at, 1, n, f) != n) || fclose(f) != 0)
        UNIT_FAIL("cannot write %s", path);
}

/* Fitted on the example's input, saved, and loaded as apply does. */
static int fit(struct trial *t, const char *path, struct error *e)
{
    struct recipe *r = NULL;
    struct input *in = NULL;
    struct buf state = {0};
    t->context.training = true;
    int rc = recipe_parse(t->program, strlen(t->program), &t->context, &r, e);
    if (rc == 0)
        rc = open_file(t, path, &in, e);
    if (rc == 0)
        rc = recipe_fit(r, in, e);
    if (rc == 0)
        rc = recipe_save(r, &state, e);
    t->context.training = false;
    if (rc == 0)
        rc = recipe_load(buf_text(&state), state.len, &t->context, &t->r, e);
    input_free(in);
    recipe_free(r);
    buf_release(&state);
    return rc;
}

static int take_rows(struct trial *t, const char *path, struct error *e)
{
    struct input *in = NULL;
    struct batch *b = batch_new();
    int rc = open_file(t, path, &in, e);
    while (rc == 0 && (rc = input_next(in, b, e)) > 0) {
        rc = input_parse(in, b, e);
        for (size_t row = 0; row < b->rows && rc == 0; row++, t->count++)
            for (size_t i = 0; i < t->fields; i++)
                vec_push(&t->cells, kept(t, batch_text(b, i)[row]));
    }
    batch_free(b);
    input_free(in);
    return rc;
}

/* The example's first row with one cell changed. */
static void add_awkward_rows(struct trial *t)
{
    size_t known = t->count;
    for (size_t base = 0; base < known && base < 2; base++)
        for (size_t i = 0; i < t->fields; i++)
            for (size_t k = 0; k < COUNT_OF(awkward); k++, t->count++)
                for (size_t j = 0; j < t->fields; j++) {
                    struct text cell = t->cells.at[base * t->fields + j];
                    if (j == i)
                        cell = awkward[k] ? text_of(awkward[k]) : (struct text){NULL, 0};
                    vec_push(&t->cells, cell);
                }
}

static void put_cell(struct buf *out, struct text cell)
{
    if (!cell.at)
        return;
    buf_putc(out, '"');
    for (size_t i = 0; i < cell.len; i++) {
        if (cell.at[i] == '"')
            buf_putc(out, '"');
        buf_putc(out, cell.at[i]);
    }
    buf_putc(out, '"');
}

static void put_row_file(struct trial *t, size_t row, const char *path)
{
    struct buf out = {0};
    for (size_t i = 0; i < t->fields; i++) {
        put_cell(&out, text_of(t->r->schema.fields.at[i].name));
        buf_putc(&out, i + 1 < t->fields ? ',' : '\n');
    }
    for (size_t i = 0; i < t->fields; i++) {
        put_cell(&out, t->cells.at[row * t->fields + i]);
        buf_putc(&out, i + 1 < t->fields ? ',' : '\n');
    }
    write_file(path, out.at, out.len);
    buf_release(&out);
}

static int take_results(void *context, const struct schema *schema, struct batch *b,
                        struct error *e)
{
    struct trial *t = context;
    (void)e;
    if (t->shape.fields.len == 0)
        schema_copy(&t->shape, schema);
    for (size_t row = 0; row < b->rows; row++) {
        t->first.at[t->first.len - 1] = t->results.len;
        for (size_t i = 0; i < schema->fields.len; i++)
            vec_push(&t->results, kept(t, batch_text(b, i)[row]));
    }
    return 0;
}

/* A row through the recipe, as `wrangle apply` has it. */
static void run_recipe(struct trial *t, size_t row)
{
    struct error e = {0};
    struct input *in = NULL;
    const char *path = in_folder("row.csv");
    struct run_options o = {.consume = take_results, .consume_context = t};
    struct format csv = format_csv(',');
    o.format = &csv;
    put_row_file(t, row, path);
    t->context.input.known = &t->r->schema;
    t->context.input.format = &csv;
    vec_push(&t->first, SIZE_MAX);
    int rc = open_file(t, path, &in, &e);
    if (rc == 0) {
        input_set_types(in, &t->r->schema);
        rc = recipe_run(t->r, in, &o, &e);
    }
    vec_push(&t->status, rc);
    t->context.input.known = NULL;
    t->context.input.format = NULL;
    input_free(in);
}

/* As neoc run reads a cell: false, it refuses. */
static bool read_answer(struct text cell, enum type type, double *out)
{
    *out = (double)NAN;
    if (!cell.at || number_parse_double(cell.at, cell.len, out))
        return type != TYPE_BOOL || !cell.at || *out == 0 || *out == 1;
    if (type_is_number(type))
        return false;
    char word[8] = {0};
    for (size_t i = 0; i < cell.len && i < 7; i++)
        word[i] = (char)(cell.at[i] | 0x20);
    bool yes = cell.len == 4 && strcmp(word, "true") == 0;
    *out = yes;
    return yes || (cell.len == 5 && strcmp(word, "false") == 0);
}

/* All results of a column, each text once. */
static struct text *categories_of(struct trial *t, size_t column, size_t *n)
{
    struct map seen = {0};
    for (size_t row = 0; row < t->count; row++) {
        size_t first = t->first.at[row];
        if (first != SIZE_MAX && t->results.at[first + column].at)
            map_put(&seen, t->results.at[first + column], NULL);
    }
    *n = seen.keys.len;
    struct text *out = arena_alloc(&t->arena, (*n + 1) * sizeof *out);
    for (size_t i = 0; i < *n; i++)
        out[i] = kept(t, seen.keys.at[i]);
    map_release(&seen);
    return out;
}

static double code_of(const struct lower_feature *f, struct text cell)
{
    if (!cell.at)
        return (double)NAN;
    for (size_t i = 0; i < f->count; i++)
        if (text_equal(f->categories[i], cell))
            return (double)i;
    return -1;
}

static bool same(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

/* What the recipe says of a row as features; false: refused. */
static bool expected(const struct trial *t, const struct lower_request *w, size_t row, double *out)
{
    bool good = t->status.at[row] == 0 && t->first.at[row] != SIZE_MAX;
    for (size_t i = 0; i < w->count && good; i++) {
        struct text cell = t->results.at[t->first.at[row] + i];
        if (w->features[i].categories)
            out[i] = code_of(&w->features[i], cell);
        else
            good = read_answer(cell, t->shape.fields.at[i].type, &out[i]);
    }
    return good;
}

static const char *shown(struct trial *t, size_t row)
{
    struct buf b = {0};
    for (size_t i = 0; i < t->fields; i++) {
        struct text cell = t->cells.at[row * t->fields + i];
        buf_puts(&b, i ? "," : "");
        buf_add(&b, cell.at ? cell.at : "(none)", cell.at ? cell.len : 6);
    }
    const char *copy = arena_text(&t->arena, buf_text(&b), b.len);
    buf_release(&b);
    return copy;
}

static void check_row(struct trial *t, const struct lower_request *w, const struct ml_program *p,
                      void *work, size_t row)
{
    struct text fields[64] = {{0}};
    struct ml_text given[64] = {{0}};
    double *want = mem_array(NULL, w->count + 1, sizeof *want),
           *got = mem_alloc((w->count + 1) * 8);
    for (uint32_t i = 0; i < p->fields; i++) {
        struct ml_text name = ml_program_field(p, i);
        size_t column = schema_find(&t->r->schema, (struct text){name.at, name.len});
        fields[i] = t->cells.at[row * t->fields + column];
        given[i] = (struct ml_text){fields[i].at, fields[i].len};
    }
    bool good = expected(t, w, row, want);
    int status = ml_program_run(p, given, work, got);
    const char *how = w->count && w->features[0].categories ? "texts" : "numbers";
    if (good != (status == 0))
        UNIT_FAIL("%s: row %s: %s, but %s as %s", t->program, shown(t, row),
                  good ? "accepted by the recipe" : "refused by the recipe",
                  status ? ml_program_why(p, work, status).text : "accepted", how);
    for (size_t i = 0; i < w->count && good && status == 0; i++)
        if (!same(want[i], got[i]))
            UNIT_FAIL("%s: row %s: %s is %.17g, not %.17g (%.*s) as %s", t->program, shown(t, row),
                      w->features[i].name, got[i], want[i],
                      (int)t->results.at[t->first.at[row] + i].len,
                      t->results.at[t->first.at[row] + i].at, how);
    mem_free(want);
    mem_free(got);
}

static void check_request(struct trial *t, const struct lower_request *w)
{
    struct error e = {0};
    struct buf program = {0};
    int rc = lower_recipe(t->r, w, &program, &e);
    if (rc) {
        UNIT_FAIL("%s: %s", t->program, e.message);
        buf_release(&program);
        return;
    }
    const struct ml_program *p = (const void *)program.at;
    void *work = mem_alloc(ml_program_work(p));
    CHECK_INT(ml_program_check(p, program.len), 0);
    for (size_t row = 0; row < t->count; row++)
        check_row(t, w, p, work, row);
    mem_free(work);
    buf_release(&program);
}

/* Once with all columns as texts, once with those that are numbers as numbers. */
static void check_results(struct trial *t)
{
    size_t n = t->shape.fields.len;
    struct lower_feature *texts = arena_zero(&t->arena, (n + 1) * sizeof *texts);
    struct lower_feature *numbers = arena_zero(&t->arena, (n + 1) * sizeof *numbers);
    for (size_t i = 0; i < n; i++) {
        texts[i].name = numbers[i].name = t->shape.fields.at[i].name;
        texts[i].categories = categories_of(t, i, &texts[i].count);
        bool is_text = true;
        double unused;
        for (size_t row = 0; row < t->count; row++)
            if (t->first.at[row] != SIZE_MAX && t->results.at[t->first.at[row] + i].at)
                is_text = is_text &&
                          !read_answer(t->results.at[t->first.at[row] + i], TYPE_TEXT, &unused);
        if (is_text)
            numbers[i] = texts[i];
    }
    struct lower_request as_texts = {.features = texts, .count = n};
    struct lower_request as_numbers = {.features = numbers, .count = n};
    check_request(t, &as_texts);
    check_request(t, &as_numbers);
}

static void trial_release(struct trial *t)
{
    recipe_free(t->r);
    vec_release(&t->cells);
    vec_release(&t->status);
    vec_release(&t->first);
    vec_release(&t->results);
    schema_release(&t->shape);
    arena_release(&t->arena);
}

/* Whether these arguments are compiled: an example of one that is not must say so. */
static bool is_lowered(struct trial *t)
{
    struct error e = {0};
    struct buf program = {0};
    struct lower_request nothing = {.count = 0};
    int rc = lower_recipe(t->r, &nothing, &program, &e);
    buf_release(&program);
    if (rc == ERR_NO)
        printf("# %s: %s\n", t->program, e.message);
    else if (rc)
        UNIT_FAIL("%s: %s", t->program, e.message);
    return rc == 0;
}

static void check_program(const char *program, const char *input)
{
    struct trial t = {.program = program};
    struct error e = {0};
    char path[128];
    t.context.memory = (size_t)64 << 20;
    t.context.jobs = 1;
    t.context.allow_exec = true;
    snprintf(path, sizeof path, "%s", in_folder(input[0] == '{' ? "in.jsonl" : "in.csv"));
    write_file(path, input, strlen(input));
    int rc = fit(&t, path, &e);
    t.fields = rc ? 0 : t.r->schema.fields.len;
    if (rc == 0)
        rc = take_rows(&t, path, &e);
    if (rc)
        UNIT_FAIL("%s: %s", program, e.message);
    else if (is_lowered(&t)) {
        add_awkward_rows(&t);
        for (size_t row = 0; row < t.count; row++)
            run_recipe(&t, row);
        check_results(&t);
    }
    trial_release(&t);
}

/* ---- expressions ---- */

/* An expression whose literals, all or number `alone`, became columns, and the row they make. */
struct variant {
    struct buf program, names, cells;
    size_t literals, columns;
};

static void put_column(struct variant *v, char letter, struct text value)
{
    buf_format(&v->program, "%c%zu", letter, v->columns);
    buf_format(&v->names, "%s%c%zu", v->columns ? "," : "", letter, v->columns);
    buf_puts(&v->cells, v->columns ? "," : "");
    if (letter == 't' || !value.len)
        put_cell(&v->cells, value);
    else
        buf_add(&v->cells, value.at, value.len);
    v->columns++;
}

/* Literals in lists stay: a list is a literal, too. */
static void make_variant(struct variant *v, const char *expression, size_t alone)
{
    struct text source = text_of(expression);
    struct arena arena = {0};
    int lists = 0;
    buf_puts(&v->program, "set out = ");
    for (size_t at = 0;;) {
        struct token t = lexer_next(source, at, &arena);
        if (t.kind == TOKEN_END || t.kind == TOKEN_BAD)
            break;
        struct text written = {source.at + t.at, t.end - t.at};
        buf_add(&v->program, source.at + at, t.at - at);
        lists += written.at[0] == '[' ? 1 : written.at[0] == ']' ? -1 : 0;
        bool literal = lists == 0 && (t.kind == TOKEN_NUMBER || t.kind == TOKEN_TEXT);
        bool chosen = literal && (alone == SIZE_MAX || alone == v->literals);
        v->literals += literal;
        if (chosen)
            put_column(v, t.kind == TOKEN_TEXT ? 't' : 'n',
                       t.kind == TOKEN_TEXT ? t.text : written);
        else
            buf_add(&v->program, written.at, written.len);
        at = t.end;
    }
    arena_release(&arena);
}

/* False when a function wants that literal as it is. */
static bool compiles(const char *program, const char *input)
{
    struct trial t = {.program = program};
    struct error e = {0};
    const char *path = in_folder("try.csv");
    t.context.jobs = 1;
    write_file(path, input, strlen(input));
    int rc = fit(&t, path, &e);
    trial_release(&t);
    return rc == 0;
}

static size_t check_variant(const char *expression, size_t alone)
{
    struct variant v = {0};
    make_variant(&v, expression, alone);
    buf_format(&v.names, "\n%s\n", buf_text(&v.cells));
    if (v.columns > 0 && compiles(buf_text(&v.program), buf_text(&v.names)))
        check_program(buf_text(&v.program), buf_text(&v.names));
    size_t literals = v.literals;
    buf_release(&v.program);
    buf_release(&v.names);
    buf_release(&v.cells);
    return literals;
}

static void check_expression(const void *argument)
{
    const char *expression = argument;
    size_t literals = check_variant(expression, SIZE_MAX);
    for (size_t i = 0; literals > 1 && i < literals; i++)
        check_variant(expression, i);
}

static void check_example(const void *argument)
{
    const struct example *x = argument;
    if (!x->file_name)
        check_program(x->program, x->input);
}

static void add(const char *name, const struct example *x)
{
    struct unit_test *t = mem_alloc(sizeof *t);
    *t = (struct unit_test){.name = name, .run_with = check_example, .argument = x};
    *unit_last = t;
    unit_last = &t->next;
}

__attribute__((destructor)) static void free_tests(void)
{
    for (struct unit_test *t = unit_first, *next; t; t = next) {
        next = t->next;
        if (t->run_with) {
            mem_free((void *)(uintptr_t)t->name);
            mem_free(t);
        }
    }
}

static void add_function(const struct function *f)
{
    struct unit_test *t = mem_alloc(sizeof *t);
    *t = (struct unit_test){.name = mem_format("function %s", f->name),
                            .run_with = check_expression,
                            .argument = f->example};
    *unit_last = t;
    unit_last = &t->next;
}

__attribute__((constructor)) static void add_functions(void)
{
    const struct function **at = mem_array(NULL, function_count(), sizeof *at);
    functions_by_name(at);
    for (size_t i = 0; i < function_count(); i++)
        add_function(at[i]);
    mem_free(at);
}

__attribute__((constructor)) static void add_all(void)
{
    for (size_t i = 0; i < step_kind_count(); i++) {
        const struct step_kind *k = step_kind_at(i);
        if (!k->lower)
            continue;
        add(mem_format("%s", k->name), &k->example);
        for (const struct method *m = k->methods; m && m->name; m++)
            add(mem_format("%s %s", k->name, m->name), &m->example);
    }
}
