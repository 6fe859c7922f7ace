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
    t->context.input.union_schema = rc == 0 && recipe_wants_union(r);
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
    t.context.directory = unit_folder();
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
    if (x->file_name)
        write_file(in_folder(x->file_name), x->file, strlen(x->file));
    check_program(x->program, x->input);
}

#define PEOPLE                                                                                     \
    "age,city,fare,when,member\n31,Rome,7.25,2024-05-16T10:00:00Z,true\n"                          \
    "22,Oslo,,2023-12-31,false\n,Rome,512.3,2024-02-29T23:59:59.25Z,\n45,,0,,true\n"               \
    "38,Bonn,13,2000-01-01,false\n"

/* Steps with other arguments than in their examples, and several one behind the other. */
static const char *const programs[] = {
    "impute age with=median | scale age method=robust | clip age min=-1 max=1",
    "impute age,fare with=mean | impute city with=mode | onehot city unknown=ignore | scale "
    "@numeric",
    "impute age with=group_mean by=city | impute fare with=regression from=age",
    "impute age with=group_mean by=city,member suffix=_filled",
    "impute age with=end_tail tail=left into=filled",
    "impute @all with=mode",
    "fill @all value=0 | set total = age + fare",
    "fill age value=1e999",
    "onehot city unknown=keep missing=keep",
    "onehot city unknown=missing missing=missing keep=true",
    "onehot city max=2 drop=first unknown=ignore",
    "onehot city drop=last unknown=keep missing=ignore",
    "onehot member drop=if_binary unknown=ignore",
    "ordinal city unknown=-1 missing=-2 into=code",
    "ordinal city,member unknown=keep missing=keep suffix=_code",
    "count_encode city normalize=true unknown=ignore missing=keep",
    "match_categories city unknown=other missing=none",
    "rare_label city min=0.3 above=1 unknown=keep",
    "target_encode city target=fare unknown=ignore missing=keep min_samples=1",
    "leave_one_out city target=fare unknown=ignore | drop fare",
    "catboost_encode city target=fare unknown=missing",
    "woe city target=member positive=true unknown=ignore missing=ignore",
    "quantile_target city target=fare unknown=0.5",
    "basen city base=3 unknown=ignore missing=keep",
    "gray city unknown=ignore missing=missing",
    "rankhot city unknown=keep",
    "contrast city with=polynomial unknown=ignore missing=ignore",
    "multilabel_onehot city sep=o unknown=keep missing=missing",
    "multilabel_onehot city sep=o max=1 unknown=ignore missing=error",
    "multilabel_onehot city sep=o max=1 unknown=keep missing=keep",
    "similarity_encode city missing=ignore keep=true",
    "hashing city,member columns_out=5 keep=true",
    "minhash_encode city dimensions=3 n=2",
    "scale age,fare method=minmax low=-1 high=2 suffix=_s",
    "unit_norm age,fare with=max",
    "quantile_transform fare to=normal quantiles=3",
    "power_transform age standardize=false into=power",
    "bin age bins=3 labels=range outside=missing | onehot age unknown=ignore",
    "bin_custom fare edges=0,10,100 names=low,high outside=clip | ordinal fare",
    "bin_equal_width age bins=2 into=half | set x = half * 2",
    "spline_basis age knots=3 degree=3 bias=false keep=true",
    "polynomial age,fare degree=3",
    "relative_features age to=fare op=pow",
    "relative_features age,fare to=fare op=mod suffix=_m",
    "row_aggregate age,fare agg=std into=spread",
    "pca age,fare k=1 | round @numeric digits=3",
    "rbf_sampler age,fare k=3 seed=7 keep=true",
    "kmeans_distance age,fare k=2",
    "nystroem age,fare k=3",
    "outliers age,fare method=iqr action=flag",
    "outliers fare method=quantile action=clip",
    "outliers fare method=std action=invalidate fold=1",
    "date_parts when parts=year,quarter,week,day_of_year,month_end,leap_year,second,semester",
    "date_parts when parts=hour,day,day_of_week zone=America/New_York",
    "date_cyclic when parts=month,hour zone=+05:30",
    "date_trunc when to=month | to_epoch when unit=day",
    "date_trunc when to='2 weeks' zone=Europe/Paris",
    "date_round when to=quarter",
    "date_round when to=6h zone=Asia/Kolkata into=rounded",
    "date_add when by='3 months' zone=Europe/Paris",
    "date_add when by=-36h into=before",
    "elapsed_since when at=2000-01-01 unit=month",
    "elapsed_since when at=2024-01-01T00:00:00Z unit=hour into=hours",
    "parse_date when zone=America/New_York | date_parts when parts=hour,minute",
    "parse_date city pattern='%Y-%m-%d %H:%M:%S' zone=UTC",
    "is_weekend when days=fri,sat | is_holiday when dates=2024-02-29,2023-12-31",
    "cast age to=text | cast fare to=int invalid=null | cast member to=int invalid=null",
    "cast when to=date",
    "cast age to=bool invalid=null | cast city to=float invalid=null",
    "copy age=years | rename fare=price | drop city | reorder price | move years to=start",
    "swap_columns age fare | safe_names style=upper | header_set a,b,c,d,e",
    "select fare,age | set fare = fare / 2, ratio = fare / age",
    "merge_columns city,member into=both sep=- missing=empty keep=true",
    "merge_columns age,fare,city into=all missing=null",
    "map_values city Rome=Roma Oslo=Christiania other=missing",
    "trim city | squeeze_space city | upper city into=big | lower big into=small",
    "pad_left city width=6 fill=* cut=true | zfill age width=4",
    "extract_position city start=-3 end=-1 into=tail | find_first city text=o",
    "replace city pattern=o with=0 match=literal all=false",
    "replace_between city left=R right=e with=X inclusive=true",
    "prefix_suffix city prefix='(' | prefix_suffix age suffix=')'",
    "in_range age min=20 max=40 | in_set city values=Rome,Bonn | is_length city min=4",
    "in_range age min=20 action=reject",
    "not_null city action=reject | is_iso_date when",
    "assert age > 0 or is_null(age) | expect into=fine fare >= 0",
    "missing_indicator @all | missing_count age,fare,city into=gaps",
    "missing_tokens_to_null city tokens=Rome,x | coalesce city,member into=first",
    "geo_distance age,fare to=10,20 unit=mi | geo_bbox age,fare south=0 north=40 west=10 east=-10",
    "geo_hash age,fare precision=4 | geo_grid age,fare size=2 shape=hexagon",
    "log1p fare suffix=_log | sqrt fare into=root | arcsinh age location=2 scale=3",
    "fraction_of_total fare percent=true | log_shift fare",
    "power fare exponent=0.5 into=half | reciprocal age into=inverse",
    "drop_constant @all | variance_threshold @numeric | drop_correlated @numeric",
    "oversample_random member | smote_nc target=member columns=age,city | bootstrap",
    "impute age with=knn from=fare neighbours=2",
    "impute age,fare with=knn neighbours=1 suffix=_near",
    "isolation_forest age,fare trees=5 into=odd",
    "isolation_forest age,fare trees=9 rows=3 action=flag contamination=0.2",
    "lof age,fare neighbours=2 sample=3",
    "elliptic_envelope age,fare action=flag | elliptic_envelope age into=far",
    "nmf age,fare k=2 keep=true",
    "schema_check age:int,fare:float!,city:text!,when:time,member:bool",
    "infer_date_format when zone=America/New_York | date_parts when parts=hour",
    "validate_timestamp when from=2024-01-01 to=2024-06-01 | validate_timestamp city pattern=%Y",
    "tz_convert when zone=Asia/Kolkata | date_parts when parts=hour,minute",
    "tz_convert when zone=America/St_Johns",
    "template city,age,extra",
    "template extra,age fill=x others=true | sort_columns",
    "split_column when into=date,clock sep=T keep=true | split_column city into=a,b sep=o "
    "extra=drop",
    "split_column city into=a sep=o extra=error",
    "format_date when pattern='%d %b %Y %H:%M %Z %j %s' zone=Europe/Paris",
    "format_date when pattern=%A-%q-%G-W%V into=week | onehot week unknown=ignore",
};

/* With a table in a file. */
static const char *const beside[] = {
    "lookup_join city,member file=beside.csv prefix=of_ values=note,size",
    "lookup_join city file=beside.csv key=note prefix=of_ unmatched=missing",
    "lookup_join city,member file=beside.csv unmatched=error | fill size value=0",
    "foreign_key city,member file=beside.csv into=known | foreign_key city file=beside.csv",
    "foreign_key city file=beside.csv action=reject",
};

static const char *const expressions[] = {
    "if(age > 30, fare, age * 2)",
    "if(age > 30 and ln(age) > 3, \"old\", city)",
    "fare > 0 and ln(fare) > 1",
    "fare <= 0 or 1 / fare < 2",
    "case when city == \"Rome\" then 1 when city in [\"Oslo\", \"Bonn\"] then 2.5 else null end",
    "switch(city, \"Rome\", age, \"Oslo\", -1, 0)",
    "coalesce(age, fare, 0) // 7",
    "coalesce(city, member, \"?\") . \"!\"",
    "age % 7 - fare ^ 2",
    "age * 1000000000000",
    "-age + abs(fare) - sign(fare)",
    "age == fare or city == member",
    "age between 20 and 40",
    "not member",
    "member xor age > 30",
    "is_null(age)",
    "nullif(city, \"Rome\")",
    "max(age, fare, 30) - min(age, 10)",
    "greatest(city, \"Paris\")",
    "clamp(fare, 1, 100)",
    "round(fare, 1) + round_to(age, -1)",
    "int(fare) + float(age) + number(city)",
    "band(int(age), 12) + shl(1, 3)",
    "sqrt(fare) + exp(0 - age) + atan2(fare, age)",
    "norm_cdf(fare) + sigmoid(age) + cbrt(fare)",
    "len(city) * 2 + index(city, \"o\")",
    "substr(city, 1, 2) . left(city, 1) . right(city, -1)",
    "lower(city) == \"rome\" or starts_with(upper(city), \"B\")",
    "substr(city, -6, 4)",
    "replace(trim(city), \"o\", \"00\")",
    "split_part(city, \"o\", -1)",
    "lpad(age, 5, \"0\") . rpad(city, 6)",
    "concat_ws(\"-\", city, age, fare, member)",
    "str(age) . str(fare) . str(when)",
    "year(when) * 100 + month(when) + dow(when)",
    "hour(when, \"America/New_York\") + doy(when)",
    "month_name(when) . day_name(when)",
    "when > \"2024-01-01\"",
    "when - \"2020-01-01\"",
    "when + 3600 > \"2024-01-01\" and when - \"2h\" < \"2025-01-01\"",
    "epoch(when + age) + 1",
    "date_diff(when, \"2001-02-03\", \"month\") + date_diff(\"2020-01-01\", when)",
    "date_add(when, age, \"month\")",
    "trunc_time(when, \"week\") == date_sub(when, 1, \"day\")",
    "age(when, \"2024-05-16\")",
    "parse_time(city, \"%Y\")",
    "make_date(age, 2, 28)",
    "last_day(when, \"Asia/Tokyo\")",
    "strftime_local(when, \"%y/%m %p\", \"America/New_York\")",
    "from_epoch(age * 86400)",
    "isfinite(age) or isnan(fare)",
    "typeof(age)",
    "now() > when",
    "if(member, age, null)",
    "if(member, city)",
    "(age > 20) == member",
    "city < \"P\"",
    "fare in [0, 13, 7.25, null]",
};

static void check_own(const void *argument)
{
    const char *program = argument;
    check_program(program, PEOPLE);
}

static void check_own_expression(const void *argument)
{
    char *program = mem_format("set out = %s", (const char *)argument);
    check_program(program, PEOPLE);
    mem_free(program);
}

static void check_beside(const void *argument)
{
    static const char table[] = "city,member,size,note\nRome,true,1,\"a, b\"\nOslo,,2,\nOslo,"
                                "false,007,NA\nunseen,true,,x\n,true,4,y\n";
    write_file(in_folder("beside.csv"), table, strlen(table));
    check_own(argument);
}

/* Steps on words and letters, with cells that have some. */
static const char *const wordy[] = {
    "count_vectorize city binary=true min_length=1 max=3",
    "tfidf city min_length=1",
    "bm25 city k1=0.5 b=0 min_length=1",
    "bm25 city k1=0 min_length=1",
    "hash_vectorize city,member features=3 min_length=1",
    "text_stats city | bag_of_chars member",
    "stopwords city words=rome,oslo,a into=rest | stem city | stem rest",
    "strip_punct city with=- | stopwords city",
    "capitalize city | swapcase city | swapcase member",
    "is_alpha city | is_alnum city into=any | is_digit member | is_decimal member",
    "is_numeric member | is_numeric city into=number",
    "is_space city | is_title city into=t | is_lower city into=l | is_upper city into=u",
    "is_alpha city action=reject | is_email city | is_url city | is_uuid city | is_ip city",
    "is_ip city version=6 | is_ip member version=4 action=fail",
    "strip_html city | contractions member | strip_html member suffix=_x",
    "fix_mojibake city | fix_mojibake member",
    "strip_accents city | title city | title member",
};

static const char *const words[] = {
    "The running ponies' trees agreed, happily: WON'T \xC3\x9F",
    "\xC3\x9F \xE2\x93\x90\xE2\x92\xB6",
    "Rome rome ROME oslo_2 a \xCE\xA3",
    "yyyy ay syzygy",
    "Title Case\xC7\x85",
    "o'neil@mail.example.org",
    "HTTPS://user@[::1]:8080/path?q#f",
    "2001:db8::10.0.0.1",
    "123e4567-E89B-12d3-a456-426614174000",
    "03/04/2024",
    "na\xC3\x83\xC2\xAFve \xC3\xA2\xE2\x82\xAC\xE2\x84\xA2 \xC3\x83\xC6\x92\xC3\x82\xC2\xA9",
    "na\xC3\x83\xC2\xAFve \xC3\xA2\xE2\x82\xAC\xE2\x84\xA2",
    "<p>It's 1 &lt; 2 &#x27;&#233;&nope; <!-- <b> --> <\xC3\xA9 </p><SCRIPT>a<b</script>. a < b &",
    "We can't, SHAN\xE2\x80\x99T won'tx I'm they're-- let's don't\xE2\x80\x94",
    "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB\xEA\xB0\x80\xE1\x86\xA8 S\xC3\xA3o e\xCC\x81 \xC7\x86x",
};

/* Each of the words beside the one behind it. */
static void check_wordy(const void *argument)
{
    struct buf rows = {0};
    buf_puts(&rows, "city,member\nRome,\nb\xC3\xA9ta Oslo,rome\n");
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        put_cell(&rows, text_of(words[i]));
        buf_putc(&rows, ',');
        put_cell(&rows, text_of(words[(i + 1) % COUNT_OF(words)]));
        buf_putc(&rows, '\n');
    }
    check_program(argument, buf_text(&rows));
    buf_release(&rows);
}

/* Cells of JSON. */
static const char *const nested[] = {
    "unnest_json user a,b keep=true | flatten user_a size=2 keep=true | drop user,tags,user_a",
    "flatten tags size=2 strict=true prefix=c | unnest_json user b,c prefix=''",
    "flatten tags size=1 | flatten user size=3",
};

static void check_nested(const void *argument)
{
    static const char rows[] =
        "{\"user\":{\"a\":[1,\"q\"],\"b\":2.50},\"tags\":[7,\"\\u00e9\"],\"n\":1}\n"
        "{\"user\":{\"b\":\"x\"},\"tags\":[[],null],\"n\":2}\n{\"n\":3}\n"
        "{\"user\":{\"a\" : [ {\"x\":[1,2]} , \"q\\u00e9\\n\" ] "
        ",\"b\":\"\\ud83d\\ude00\",\"a\":null}}\n"
        "{\"user\":{\"a\":[true, 1.50e3,\"\\ud83d\\ude00\"],\"b\":{\"c\":\"d\"}}}\n"
        "{\"user\":\" {\\\"a\\\":[\\\"\\\\ud800\\\",0]} \",\"tags\":\"[ 1 ,\\t{}]\"}\n"
        "{\"user\":\"{\\\"a\\\":1,}\",\"tags\":\"[01]\"}\n";
    check_program(argument, rows);
}

static void add(const char *name, void (*run)(const void *), const void *argument)
{
    struct unit_test *t = mem_alloc(sizeof *t);
    *t = (struct unit_test){.name = name, .run_with = run, .argument = argument};
    *unit_last = t;
    unit_last = &t->next;
}

__attribute__((constructor)) static void add_own(void)
{
    for (size_t i = 0; i < COUNT_OF(programs); i++)
        add(mem_format("%s", programs[i]), check_own, programs[i]);
    for (size_t i = 0; i < COUNT_OF(wordy); i++)
        add(mem_format("%s", wordy[i]), check_wordy, wordy[i]);
    for (size_t i = 0; i < COUNT_OF(nested); i++)
        add(mem_format("%s", nested[i]), check_nested, nested[i]);
    for (size_t i = 0; i < COUNT_OF(beside); i++)
        add(mem_format("%s", beside[i]), check_beside, beside[i]);
    for (size_t i = 0; i < COUNT_OF(expressions); i++)
        add(mem_format("%s", expressions[i]), check_own_expression, expressions[i]);
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

__attribute__((constructor)) static void add_functions(void)
{
    const struct function **at = mem_array(NULL, function_count(), sizeof *at);
    functions_by_name(at);
    for (size_t i = 0; i < function_count(); i++)
        add(mem_format("function %s", at[i]->name), check_expression, at[i]->example);
    mem_free(at);
}

__attribute__((constructor)) static void add_all(void)
{
    for (size_t i = 0; i < step_kind_count(); i++) {
        const struct step_kind *k = step_kind_at(i);
        if (!k->lower)
            continue;
        add(mem_format("%s", k->name), check_example, &k->example);
        for (const struct method *m = k->methods; m && m->name; m++)
            add(mem_format("%s %s", k->name, m->name), check_example, &m->example);
    }
}
