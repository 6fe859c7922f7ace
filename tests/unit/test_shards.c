/*
 * The fit of shards is the fit of the whole: for every step and method that learns, its worked
 * example's input, and a larger one, is cut into 2 and 3 shards of rows; their states, saved,
 * loaded and merged in any order, must be the state of the whole bit for bit. What is refused
 * stands in a list, with the reason. Shards that were not told which rows they are must give the
 * same, or be refused when rows matter.
 */
#include "prep/prep.h"
#include "shard_rows.h"
#include "sys/sys.h"
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

enum { SHARDS_MAX = 3, LARGE_ROWS = 2000, CHAIN_ROWS = 300, CHAINS = 24, CHAIN_TRIES = 12 };

static char folder[] = "/tmp/mlutils-shards-XXXXXX";

/* Rows of a text: offsets of the first, of each next, and of the end; quoted newlines are inside a
 * row. */
struct cut {
    const char *text;
    size_t header; /* bytes of a header line, 0 for JSON Lines */
    VEC(size_t) starts;
};

static void cut_rows(struct cut *c, const char *text)
{
    bool quoted = false, json = text[0] == '{';
    *c = (struct cut){.text = text};
    for (size_t i = 0, start = 0; text[i]; i++) {
        quoted = quoted != (text[i] == '"' && !json);
        if (quoted || text[i] != '\n')
            continue;
        if (!json && !c->header)
            c->header = i + 1;
        else
            vec_push(&c->starts, start);
        start = i + 1;
    }
    size_t end = strlen(text);
    vec_push(&c->starts, end);
}

static size_t row_count(const struct cut *c)
{
    return c->starts.len - 1;
}

static void write_rows(const struct cut *c, size_t from, size_t to, const char *path)
{
    size_t start = c->starts.at[from], n = c->starts.at[to] - start;
    FILE *f = fopen(path, "w");
    bool written =
        f && fwrite(c->text, 1, c->header, f) == c->header && fwrite(c->text + start, 1, n, f) == n;
    if (!f || fclose(f) != 0 || !written)
        UNIT_FAIL("cannot write %s", path);
}

static int ignore_batch(void *context, const struct schema *schema, struct batch *b,
                        struct error *e)
{
    (void)context, (void)schema, (void)b, (void)e;
    return 0;
}

static int fit(const char *program, const char *path, uint64_t first_row, struct buf *state,
               struct error *e)
{
    struct prep_context context = {.memory = (size_t)64 << 20, .jobs = 1, .training = true};
    struct recipe *r = NULL;
    struct input *in = NULL;
    char *paths[] = {(char *)(uintptr_t)path};
    context.directory = folder;
    context.input.policy = &context.policy;
    context.input.first_row = first_row;
    int status = recipe_parse(program, strlen(program), &context, &r, e);
    context.input.union_schema = status == 0 && recipe_wants_union(r);
    if (status == 0)
        status = input_open(paths, 1, &context.input, &in, e);
    if (status == 0)
        status = recipe_fit(r, in, e);
    struct run_options nothing = {.consume = ignore_batch};
    if (status == 0 && r->rows_seen == 0) /* as wrangle fit, which counts them */
        status = recipe_run(r, in, &nothing, e);
    if (status == 0)
        status = recipe_save(r, state, e);
    input_free(in);
    recipe_free(r);
    return status;
}

/* ---- in stages ---- */

static struct input *open_input(const char *path, uint64_t first_row, const struct recipe *r,
                                struct prep_context *context, struct error *e)
{
    struct input *in = NULL;
    char *paths[] = {(char *)(uintptr_t)path};
    context->input.policy = &context->policy;
    context->input.first_row = first_row;
    context->input.union_schema = recipe_wants_union(r);
    context->input.known = r->stage == STAGE_NONE ? NULL : &r->schema;
    context->input.keys = context->input.known;
    return input_open(paths, 1, &context->input, &in, e) == 0 ? in : NULL;
}

static int begin(const char *program, const char *path, struct buf *state, struct error *e)
{
    struct prep_context context = {.memory = (size_t)64 << 20, .jobs = 1, .training = true};
    struct recipe *r = NULL;
    context.directory = folder;
    int status = recipe_parse(program, strlen(program), &context, &r, e);
    struct input *in = status == 0 ? open_input(path, 1, r, &context, e) : NULL;
    if (in)
        status = recipe_begin(r, input_schema(in), e);
    if (status == 0)
        status = in ? recipe_save(r, state, e) : e->code;
    input_free(in);
    recipe_free(r);
    return status;
}

static int fit_stage(const struct buf *after, const char *path, uint64_t first_row,
                     struct buf *part, struct error *e)
{
    struct prep_context context = {.memory = (size_t)64 << 20, .jobs = 1, .training = true};
    struct recipe *r = NULL;
    context.directory = folder;
    int status = recipe_load_stage(after->at, after->len, &context, &r, e);
    struct input *in = status == 0 ? open_input(path, first_row, r, &context, e) : NULL;
    if (in)
        status = recipe_fit_stage(r, in, e);
    if (status == 0)
        status = in ? recipe_save(r, part, e) : e->code;
    input_free(in);
    recipe_free(r);
    return status;
}

/* 1: the recipe is fitted; 0: a further stage is to come. */
static int settle(const struct buf *parts, size_t n, struct buf *settled, struct error *e)
{
    struct prep_context context = {.memory = (size_t)64 << 20, .jobs = 1};
    struct recipe *r = NULL;
    context.directory = folder;
    int status = recipe_load_stage(parts[n - 1].at, parts[n - 1].len, &context, &r, e);
    for (size_t i = 0; i + 1 < n && status == 0; i++)
        status = recipe_add_part(r, parts[i].at, parts[i].len, e);
    if (status == 0)
        status = recipe_settle(r, e);
    if (status == 0)
        status = recipe_save(r, settled, e);
    bool fitted = status == 0 && r->stage == STAGE_NONE;
    recipe_free(r);
    return status ? status : fitted;
}

/* With three shards the last leaves a gap until the middle one comes. */
enum order { FORWARDS, BACKWARDS, MIDDLE_LAST, ORDERS };

static size_t shard_at(enum order order, size_t i, size_t n)
{
    if (order == MIDDLE_LAST)
        return i * (n - 1) % n;
    return order == BACKWARDS ? n - 1 - i : i;
}

static int merge(const struct buf *states, size_t n, enum order order, struct buf *merged,
                 struct error *e)
{
    struct prep_context context = {.memory = (size_t)64 << 20, .jobs = 1};
    struct recipe *whole = NULL;
    int status = 0;
    context.directory = folder;
    for (size_t i = 0; i < n && status == 0; i++) {
        const struct buf *state = &states[shard_at(order, i, n)];
        struct recipe *part = NULL;
        status = recipe_load(state->at, state->len, &context, &part, e);
        if (status == 0 && whole)
            status = recipe_merge(whole, part, e);
        if (whole)
            recipe_free(part);
        else
            whole = part;
    }
    if (status == 0)
        status = recipe_save(whole, merged, e);
    recipe_free(whole);
    return status;
}

/* Fits n shards; the number of the first row is told, or is 1 for each. */
static int fit_shards(const char *program, const struct cut *c, size_t n, bool told,
                      struct buf *states, struct error *e)
{
    char path[128];
    int status = 0;
    for (size_t i = 0; i < n && status == 0; i++) {
        size_t from = i * row_count(c) / n, to = (i + 1) * row_count(c) / n;
        snprintf(path, sizeof path, "%s/shard.%s", folder, c->header ? "csv" : "jsonl");
        write_rows(c, from, to, path);
        status = fit(program, path, told ? from + 1 : 1, &states[i], e);
        unlink(path);
    }
    return status;
}

static void release_states(struct buf *states, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_release(&states[i]);
}

static void check_same(const char *got, const char *want)
{
    size_t i = 0;
    while (got[i] && got[i] == want[i])
        i++;
    size_t from = i > 60 ? i - 60 : 0;
    if (got[i] != want[i])
        UNIT_FAIL("merged ...%.160s\n#   whole ...%.160s", got + from, want + from);
}

/* 0, or why the shards' states do not become the whole's. */
static int check_shards(const char *program, const struct cut *c, size_t n, const char *whole,
                        struct error *e)
{
    struct buf states[SHARDS_MAX] = {{0}};
    int status = fit_shards(program, c, n, true, states, e);
    for (int order = 0; order < ORDERS && status == 0; order++) {
        struct buf merged = {0};
        status = merge(states, n, (enum order)order, &merged, e);
        if (status == 0)
            check_same(buf_text(&merged), whole);
        buf_release(&merged);
    }
    release_states(states, n);
    return status;
}

/* Makes the state of the next stage of the last one's. 1: it is that of a fit. */
static int run_stage(const struct cut *c, size_t n, struct buf *state, struct error *e)
{
    struct buf parts[SHARDS_MAX] = {{0}}, settled = {0};
    char path[128];
    int status = 0;
    for (size_t i = 0; i < n && status == 0; i++) {
        size_t from = i * row_count(c) / n, to = (i + 1) * row_count(c) / n;
        snprintf(path, sizeof path, "%s/shard.%s", folder, c->header ? "csv" : "jsonl");
        write_rows(c, from, to, path);
        status = fit_stage(state, path, from + 1, &parts[i], e);
        unlink(path);
    }
    if (status == 0)
        status = settle(parts, n, &settled, e);
    release_states(parts, n);
    buf_release(state);
    *state = settled;
    return status;
}

static int check_stages(const char *program, const struct cut *c, size_t n, const char *whole,
                        struct error *e)
{
    struct buf state = {0};
    char path[128];
    snprintf(path, sizeof path, "%s/whole.%s", folder, c->header ? "csv" : "jsonl");
    write_rows(c, 0, row_count(c), path);
    int status = begin(program, path, &state, e);
    unlink(path);
    for (int fitted = 0; status == 0 && !fitted;) {
        fitted = run_stage(c, n, &state, e);
        status = fitted < 0 ? fitted : 0;
    }
    if (status == 0)
        check_same(buf_text(&state), whole);
    buf_release(&state);
    return status;
}

/* Shards that all begin with row 1: refused when the state says which rows it is of,
 * else the same. */
static void check_untold(const char *program, const struct cut *c, const char *whole)
{
    struct error e = {0};
    struct buf states[2] = {{0}}, merged = {0};
    bool rows_matter = strstr(whole, "\n  \"ranges\"") != NULL;
    int status = fit_shards(program, c, 2, false, states, &e);
    if (status == 0)
        status = merge(states, 2, FORWARDS, &merged, &e);
    if (status == 0)
        check_same(buf_text(&merged), whole);
    if (rows_matter && (status != ERR_DATA || !strstr(e.message, "goes by the numbers of rows")))
        UNIT_FAIL("%s: not refused: %s", program, e.message);
    if (!rows_matter && status)
        UNIT_FAIL("%s: %s", program, e.message);
    release_states(states, 2);
    buf_release(&merged);
}

static const char *refusal_of(const char *program)
{
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        if (strcmp(refused[i].program, program) == 0)
            return refused[i].message;
    return NULL;
}

/* In stages what mixes rows is refused, unless nobody looks at the columns that it makes. */
static bool divides(const char *program)
{
    static const char *const unseen[] = {
        "lag a into=p | scale a,b", "lag a into=p | drop p | scale @numeric",
        "add_index n | rolling b window=3 into=r | impute gaps | scale gaps,a"};
    const char *refusal = refusal_of(program);
    for (size_t i = 0; i < COUNT_OF(unseen); i++)
        if (strcmp(unseen[i], program) == 0)
            return true;
    return !refusal || !strstr(refusal, "of several");
}

static void check_divided(const char *program, const struct cut *c, size_t n, const char *whole)
{
    struct error e = {0};
    int status = check_stages(program, c, n, whole, &e);
    if (status && (divides(program) || !strstr(e.message, "of several")))
        UNIT_FAIL("%s: in stages, %zu shards: %s", program, n, e.message);
    if (!status && !divides(program))
        UNIT_FAIL("%s: was fitted in stages", program);
}

static void check_program(const char *program, const struct cut *c)
{
    struct error e = {0};
    struct buf whole = {0};
    const char *refusal = refusal_of(program);
    int status = fit_shards(program, c, 1, true, &whole, &e);
    bool fitted = status == 0;
    for (size_t n = 2; n <= SHARDS_MAX && n <= row_count(c) && status == 0; n++)
        status = check_shards(program, c, n, buf_text(&whole), &e);
    if (!fitted || (status && (!refusal || !strstr(e.message, refusal))))
        UNIT_FAIL("%s: %s", program, e.message);
    for (size_t n = 2; n <= SHARDS_MAX && fitted; n++)
        check_divided(program, c, n, buf_text(&whole));
    if (!status && refusal)
        UNIT_FAIL("%s: is listed as refused, but was merged", program);
    if (!status && row_count(c) > 1)
        check_untold(program, c, buf_text(&whole));
    buf_release(&whole);
}

static void check_example(const void *argument)
{
    const struct example *x = argument;
    struct cut c;
    char side[256];
    snprintf(side, sizeof side, "%s/%s", folder, x->file_name ? x->file_name : "");
    if (x->file_name) {
        FILE *f = fopen(side, "w");
        if (!f || fputs(x->file, f) < 0 || fclose(f) != 0)
            UNIT_FAIL("cannot write %s", side);
    }
    cut_rows(&c, x->input);
    check_program(x->program, &c);
    vec_release(&c.starts);
    if (x->file_name)
        unlink(side);
}

/* Whether the name of a trial is that of the step, with its method or without. */
static bool names_step(const char *trial, const char *step)
{
    size_t n = trial ? strlen(trial) : 0;
    return n == 0 || (strncmp(trial, step, n) == 0 && (!step[n] || step[n] == ' '));
}

/* Returns owned the program that can be fitted; NULL when there is none. */
static char *find_program(const char *step, const struct cut *c)
{
    for (size_t i = 0; i < COUNT_OF(trials); i++) {
        struct error e = {0};
        struct buf whole = {0};
        if (!names_step(trials[i].step, step))
            continue;
        char *program = mem_format("%s %s", step, trials[i].arguments);
        int status = fit_shards(program, c, 1, true, &whole, &e);
        buf_release(&whole);
        if (status == 0)
            return program;
        mem_free(program);
    }
    return NULL;
}

static void check_together(const void *argument)
{
    struct buf text = {0};
    struct cut c;
    make_rows(&text, LARGE_ROWS);
    cut_rows(&c, buf_text(&text));
    check_program(argument, &c);
    vec_release(&c.starts);
    buf_release(&text);
}

static void check_large(const void *argument)
{
    struct buf text = {0};
    struct cut c;
    make_rows(&text, LARGE_ROWS);
    cut_rows(&c, buf_text(&text));
    char *program = find_program(argument, &c);
    if (program)
        check_program(program, &c);
    else
        UNIT_FAIL("nothing fits behind '%s'", (const char *)argument);
    mem_free(program);
    vec_release(&c.starts);
    buf_release(&text);
}

/* ---- chains of steps drawn by lot ---- */

static const char *method_argument(const struct step_kind *k)
{
    for (const struct arg *a = k->args; a->name; a++)
        if (a->kind == ARG_METHOD)
            return a->name;
    return "";
}

/* The k-th of all steps that learn, with each of their methods. Returns owned; NULL: there are not
 * so many. */
static char *learning_step(size_t k)
{
    for (size_t i = 0; i < step_kind_count(); i++) {
        const struct step_kind *kind = step_kind_at(i);
        size_t methods = 0;
        if (!kind->state_new || kind->blocking)
            continue;
        while (kind->methods && kind->methods[methods].name)
            methods++;
        if (k < methods)
            return mem_format("%s %s=%s", kind->name, method_argument(kind), kind->methods[k].name);
        if (k == 0 && methods == 0)
            return mem_text(kind->name);
        k -= methods ? methods : 1;
    }
    return NULL;
}

static size_t draw(size_t chain, size_t *drawn, size_t n)
{
    return (size_t)random_below(11, chain, (*drawn)++, n);
}

/* A step with arguments that it may have; returns owned. */
static char *draw_step(size_t chain, size_t *drawn)
{
    size_t count = 0, matching[COUNT_OF(trials)], n = 0;
    for (char *step; (step = learning_step(count)) != NULL; count++)
        mem_free(step);
    if (draw(chain, drawn, 4) == 0)
        return mem_text(between[draw(chain, drawn, COUNT_OF(between))]);
    char *step = learning_step(draw(chain, drawn, count));
    for (size_t i = 0; i < COUNT_OF(trials); i++)
        if (names_step(trials[i].step, step) &&
            (trials[i].step || n == 0 || !trials[matching[0]].step))
            matching[n++] = i;
    char *out = mem_format("%s %s", step, trials[matching[draw(chain, drawn, n)]].arguments);
    mem_free(step);
    return out;
}

/* What makes of the rows of shards others than of the whole. */
static bool may_mix(const char *program)
{
    static const char *const steps[] = {"oversample_random",
                                        "undersample_random",
                                        "smote",
                                        "adasyn",
                                        "pivot_wider",
                                        "how=ordered",
                                        "how=stratified",
                                        "how=timeseries",
                                        "with=exact",
                                        "lag ",
                                        "add_index",
                                        "rolling",
                                        "rank ",
                                        "catboost_encode"};
    for (size_t i = 0; i < COUNT_OF(steps); i++)
        if (strstr(program, steps[i]))
            return true;
    return false;
}

/* Steps are added as long as the whole can be fitted. */
static void check_chain(const void *argument)
{
    size_t chain = *(const size_t *)argument, drawn = 0;
    struct buf text = {0}, whole = {0};
    struct cut c;
    make_rows(&text, CHAIN_ROWS);
    cut_rows(&c, buf_text(&text));
    char *program = mem_text("select @all");
    for (size_t i = 0; i < CHAIN_TRIES; i++) {
        struct error e = {0};
        struct buf state = {0};
        char *step = draw_step(chain, &drawn), *longer = mem_format("%s | %s", program, step);
        bool fitted = fit_shards(longer, &c, 1, true, &state, &e) == 0;
        buf_release(fitted ? &whole : &state);
        mem_free(fitted ? program : longer);
        program = fitted ? longer : program;
        whole = fitted ? state : whole;
        mem_free(step);
    }
    for (size_t n = 2; n <= SHARDS_MAX; n++) {
        struct error e = {0};
        int status = check_stages(program, &c, n, buf_text(&whole), &e);
        if (status && !(may_mix(program) && strstr(e.message, "of several")))
            UNIT_FAIL("%s: in stages, %zu shards: %s", program, n, e.message);
    }
    mem_free(program);
    buf_release(&whole);
    buf_release(&text);
    vec_release(&c.starts);
}

static void add(char *name, void (*run)(const void *), const void *argument)
{
    struct unit_test *t = mem_alloc(sizeof *t);
    *t = (struct unit_test){.name = name, .run_with = run, .argument = argument};
    *unit_last = t;
    unit_last = &t->next;
}

__attribute__((destructor)) static void remove_folder(void)
{
    rmdir(folder);
    for (struct unit_test *t = unit_first, *next; t; t = next) {
        next = t->next;
        if (t->run_with) {
            mem_free((void *)(uintptr_t)t->name);
            mem_free(t);
        }
    }
}

static void add_step(const struct step_kind *k)
{
    add(mem_format("example of %s", k->name), check_example, &k->example);
    if (!k->methods) {
        add(mem_text(k->name), check_large, k->name);
        return;
    }
    for (const struct method *m = k->methods; m->name; m++) {
        char *step = mem_format("%s %s=%s", k->name, method_argument(k), m->name);
        add(mem_format("example of %s %s", k->name, m->name), check_example, &m->example);
        add(step, check_large, step);
    }
}

__attribute__((constructor)) static void add_all(void)
{
    if (!mkdtemp(folder) || chdir(folder) != 0)
        exit(1);
    for (size_t i = 0; i < step_kind_count(); i++)
        if (step_kind_at(i)->state_new && !step_kind_at(i)->blocking)
            add_step(step_kind_at(i));
    static size_t chains[CHAINS];
    for (size_t i = 0; i < CHAINS; i++) {
        chains[i] = i;
        add(mem_format("chain %zu", i), check_chain, &chains[i]);
    }
    for (size_t i = 0; i < COUNT_OF(programs); i++)
        add(mem_text(programs[i]), check_together, programs[i]);
    for (size_t i = 3; i < COUNT_OF(refused); i++) /* behind those of examples */
        add(mem_format("refused: %s", refused[i].program), check_together, refused[i].program);
}
