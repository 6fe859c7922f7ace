/*
 * Every worked example of the catalogue is run: steps and methods must give the output they show,
 * whole and with a row a chunk on several threads; what they learn must survive saving and loading,
 * bit for bit.
 */
#include "prep/prep.h"
#include "sys/sys.h"
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/mlutils-examples-XXXXXX";

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        UNIT_FAIL("cannot write %s", path);
}

/* Saved, loaded and saved again: the same text. A recipe that cannot be saved says so. */
static int check_state(struct recipe *r, const struct prep_context *context, struct error *e)
{
    struct buf first = {0}, second = {0};
    struct recipe *copy = NULL;
    int status = recipe_save(r, &first, e);
    if (status == ERR_USAGE) { /* its columns depend on the rows */
        buf_release(&first);
        return 0;
    }
    if (status == 0)
        status = recipe_load(buf_text(&first), first.len, context, &copy, e);
    if (status == 0)
        status = recipe_save(copy, &second, e);
    if (status == 0)
        CHECK_TEXT(buf_text(&second), buf_text(&first));
    recipe_free(copy);
    buf_release(&first);
    buf_release(&second);
    return status;
}

static int run_example(const struct example *x, const char *path, const char *out_path,
                       size_t chunk, unsigned jobs, struct error *e)
{
    struct prep_context context = {.memory = (size_t)64 << 20, .jobs = jobs, .training = true};
    context.input.chunk = chunk;
    struct recipe *recipe = NULL;
    struct input *in = NULL;
    struct sink *out = NULL;
    context.allow_exec = true;
    context.directory = folder;
    context.input.policy = &context.policy;
    context.input.json_out = true;
    char *paths[] = {(char *)(uintptr_t)path};
    int status = recipe_parse(x->program, strlen(x->program), &context, &recipe, e);
    context.input.union_schema = status == 0 && recipe_wants_union(recipe);
    if (status == 0)
        status = input_open(paths, 1, &context.input, &in, e);
    if (status == 0)
        status = recipe_fit(recipe, in, e);
    if (status == 0)
        status = check_state(recipe, &context, e);
    struct format format = format_csv(',');
    if (x->output[0] == '{')
        format = format_jsonl();
    struct run_options o = {.format = &format};
    if (status == 0)
        status = sink_open(out_path, &out, e);
    o.out = out;
    if (status == 0)
        status = recipe_run(recipe, in, &o, e);
    if (out && status == 0)
        status = sink_commit(out, e);
    else
        sink_abort(out);
    input_free(in);
    recipe_free(recipe);
    return status;
}

static void check_output(const struct example *x, const char *in, size_t chunk, unsigned jobs)
{
    struct error e = {0};
    struct buf got = {0};
    char out[128];
    snprintf(out, sizeof out, "%s/out.txt", folder);
    int status = run_example(x, in, out, chunk, jobs, &e);
    if (status == 0)
        status = file_load(out, (size_t)1 << 20, &got, &e);
    if (status)
        UNIT_FAIL("%s: %s", x->program, e.message);
    else
        CHECK_TEXT(buf_text(&got), x->output);
    buf_release(&got);
    unlink(out);
}

static void check_example(const void *argument)
{
    const struct example *x = argument;
    char in[128], side[256];
    if (!x->program || !x->input || !x->output) {
        UNIT_FAIL("no worked example");
        return;
    }
    snprintf(in, sizeof in, "%s/in.%s", folder, x->input[0] == '{' ? "jsonl" : "csv");
    write_file(in, x->input);
    if (x->file_name) {
        snprintf(side, sizeof side, "%s/%s", folder, x->file_name);
        write_file(side, x->file);
    }
    check_output(x, in, 0, 2);
    check_output(x, in, 1, 4);
    unlink(in);
    if (x->file_name)
        unlink(side);
}

static void add(const char *name, const struct example *x)
{
    struct unit_test *t = mem_alloc(sizeof *t);
    *t = (struct unit_test){.name = name, .run_with = check_example, .argument = x};
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

__attribute__((constructor)) static void add_all(void)
{
    if (!mkdtemp(folder))
        exit(1);
    if (chdir(folder) != 0)
        exit(1);
    for (size_t i = 0; i < step_kind_count(); i++) {
        const struct step_kind *k = step_kind_at(i);
        add(mem_format("example of %s", k->name), &k->example);
        for (const struct method *m = k->methods; m && m->name; m++)
            add(mem_format("example of %s %s", k->name, m->name), &m->example);
    }
}
