/* Every worked example of the catalogue is run: steps and methods must give the output they show. */
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

static int run_example(const struct example *x, const char *path, const char *out_path,
                       struct error *e)
{
    struct prep_context context = {.memory = (size_t)64 << 20, .jobs = 2, .training = true};
    struct recipe *recipe = NULL;
    struct input *in = NULL;
    struct sink *out = NULL;
    context.allow_exec = true;
    context.directory = folder;
    context.input.policy = &context.policy;
    context.input.json_out = true;
    char *paths[] = {(char *)(uintptr_t)path};
    int status = recipe_parse(x->program, strlen(x->program), &context, &recipe, e);
    if (status == 0)
        status = input_open(paths, 1, &context.input, &in, e);
    if (status == 0)
        status = recipe_fit(recipe, in, e);
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

static void check_example(const void *argument)
{
    const struct example *x = argument;
    struct error e = {0};
    struct buf got = {0};
    char in[128], out[128], side[256];
    if (!x->program || !x->input || !x->output) {
        UNIT_FAIL("no worked example");
        return;
    }
    snprintf(in, sizeof in, "%s/in.%s", folder, x->input[0] == '{' ? "jsonl" : "csv");
    snprintf(out, sizeof out, "%s/out.txt", folder);
    write_file(in, x->input);
    if (x->file_name) {
        snprintf(side, sizeof side, "%s/%s", folder, x->file_name);
        write_file(side, x->file);
    }
    int status = run_example(x, in, out, &e);
    if (status == 0)
        status = file_load(out, (size_t)1 << 20, &got, &e);
    if (status)
        UNIT_FAIL("%s: %s", x->program, e.message);
    else
        CHECK_TEXT(buf_text(&got), x->output);
    buf_release(&got);
    unlink(in);
    unlink(out);
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
