/* Rows through what was built, by one of the runners of embed/. */
#include "artefact/embedded.h"
#include "artefact/source.h"
#include "artefact/tool.h"
#include "runtime/predict.h"

#include <time.h>
#include <unistd.h>

/* As in runner.c. */
#define ROWS_MAGIC    UINT64_C(0x313073776f726c6d)
#define RESULTS_MAGIC UINT64_C(0x3130746c73726c6d)

struct rows_head {
    uint64_t magic, raw, n, width;
};
struct results_head {
    uint64_t magic, predicted, outputs;
};

struct job {
    const struct built *built;
    const struct artefact_rows *rows;
    int timeout_ms;
};

static int put_file(const struct job *j, const char *name, struct error *e)
{
    return directory_put(j->built->directory, name, embedded(name), e);
}

/* ---- rows and results ---- */

static void put_raw(const struct artefact_rows *rows, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct ml_text *field = &rows->fields[i];
        uint32_t length = field->at ? (uint32_t)field->len : UINT32_MAX;
        buf_add(out, &length, sizeof length);
    }
    for (size_t i = 0; i < count; i++)
        if (rows->fields[i].at)
            buf_add(out, rows->fields[i].at, rows->fields[i].len);
}

static int put_rows(const struct job *j, struct error *e)
{
    const struct artefact_rows *rows = j->rows;
    struct buf file = {0};
    size_t width = rows->numbers ? j->built->features : j->built->fields;
    struct rows_head head = {ROWS_MAGIC, !rows->numbers, rows->n, width};
    buf_add(&file, &head, sizeof head);
    if (rows->numbers)
        buf_add(&file, rows->numbers, rows->n * width * sizeof(double));
    else
        put_raw(rows, rows->n * width, &file);
    int rc = directory_put(j->built->directory, "rows.bin", (struct text){file.at, file.len}, e);
    buf_release(&file);
    return rc;
}

static int read_results(const struct job *j, struct artefact_results *out, struct error *e)
{
    struct buf file = {0};
    struct results_head head = {0};
    int rc = directory_get(j->built->directory, "results.bin", SIZE_MAX / 2, &file, e);
    if (rc)
        return rc;
    if (file.len >= sizeof head)
        memcpy(&head, file.at, sizeof head);
    size_t numbers = 0, parts = j->rows->numbers ? 2 : 1;
    bool fits = head.magic == RESULTS_MAGIC && head.predicted <= j->rows->n &&
                head.outputs <= UINT32_MAX &&
                !__builtin_mul_overflow((size_t)head.predicted, (size_t)head.outputs, &numbers) &&
                (file.len - sizeof head) % sizeof(double) == 0 &&
                (file.len - sizeof head) / sizeof(double) / parts == numbers;
    if (fits) {
        const char *at = file.at + sizeof head;
        *out = (struct artefact_results){.predicted = (size_t)head.predicted,
                                         .outputs = (size_t)head.outputs};
        if (parts == 2)
            out->margins = mem_copy(at, numbers * sizeof(double));
        out->answers =
            mem_copy(at + (parts - 1) * numbers * sizeof(double), numbers * sizeof(double));
    } else {
        rc = error_set(e, ERR_DATA, "the artefact answered nonsense");
    }
    buf_release(&file);
    return rc;
}

void artefact_results_release(struct artefact_results *r)
{
    mem_free(r->margins);
    mem_free(r->answers);
    r->margins = r->answers = NULL;
}

/* ---- programs ---- */

static int run(const struct job *j, const struct command_line *c, struct error *e)
{
    return program_run(c, j->built->directory, j->timeout_ms, NULL, e);
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* What the runners' statuses mean. */
static int explained(int status, struct error *e)
{
    if (status == 0)
        return 0;
    if (status == 3)
        return error_set(e, ERR_DATA, "the artefact's functions are missing or disagree");
    if (status == 4)
        return error_set(e, ERR_DATA, "the artefact wants other rows, or more memory");
    return error_set(e, ERR_SYSTEM, "the artefact's runner failed with status %d", status);
}

static int run_timed(const struct job *j, const struct command_line *c, double *seconds,
                     struct error *e)
{
    int status = 0;
    double start = now();
    int rc = program_run(c, j->built->directory, j->timeout_ms, &status, e);
    *seconds = now() - start;
    return rc ? rc : explained(status, e);
}

/* The target's compiler with its flags. */
static void compiler(const struct job *j, struct command_line *c)
{
    static const char *const words[] = {"-std=c11", "-O2", "-ffp-contract=off", "-pipe", NULL};
    command_add(c, target_compiler(j->built->target));
    command_add_all(c, words);
    command_add_all(c, j->built->target->flags);
}

/* Sources and static libraries become a shared one; *library is its name. */
static int make_loadable(const struct job *j, const char **library, struct error *e)
{
    static const char *const shared[] = {"-shared", "-fPIC", "-o", "loadable.so", NULL};
    static const char *const whole[] = {"-Wl,--whole-archive", "libmodel.a",
                                        "-Wl,--no-whole-archive", NULL};
    const struct built *b = j->built;
    struct command_line c = {.len = 0};
    if (strcmp(b->library, "libmodel.so") == 0) {
        *library = "./libmodel.so";
        return 0;
    }
    *library = "./loadable.so";
    char *name = source_switch(b->prefix), *chosen = mem_format("-D%s", name);
    compiler(j, &c);
    command_add_all(&c, shared);
    if (b->form == EMIT_STATIC)
        command_add_all(&c, whole);
    if (b->form == EMIT_HEADER) {
        command_add(&c, chosen);
        command_add(&c, "-xc");
    }
    if (b->form != EMIT_STATIC)
        command_add(&c, b->library);
    command_add(&c, "-lm");
    int rc = run(j, &c, e);
    mem_free(name);
    mem_free(chosen);
    return rc;
}

/* The runner that is carried along, for this machine; or one that is compiled. */
static int make_runner(const struct job *j, struct error *e)
{
    static const char *const words[] = {"-o", "runner", "runner.c", "-ldl", NULL};
    struct command_line c = {.len = 0};
    if (target_runs_natively(j->built->target))
        return directory_put_program(j->built->directory, "runner", embedded("runner"), e);
    compiler(j, &c);
    command_add_all(&c, words);
    int rc = put_file(j, "runner.c", e);
    return rc ? rc : run(j, &c, e);
}

static int run_hosted(const struct job *j, double *seconds, struct error *e)
{
    const struct target *t = j->built->target;
    const char *library = NULL;
    struct command_line start = {.len = 0};
    int rc = make_loadable(j, &library, e);
    if (rc == 0)
        rc = make_runner(j, e);
    if (!target_runs_natively(t))
        command_add_all(&start, t->emulator);
    const char *const runner[] = {"./runner", library,       j->built->prefix,
                                  "rows.bin", "results.bin", NULL};
    command_add_all(&start, runner);
    return rc ? rc : run_timed(j, &start, seconds, e);
}

static int run_node(const struct job *j, double *seconds, struct error *e)
{
    const struct command_line c = {
        {"node", "runner.mjs", "model.wasm", j->built->prefix, "rows.bin", "results.bin"}, 6};
    int rc = put_file(j, "runner.mjs", e);
    return rc ? rc : run_timed(j, &c, seconds, e);
}

static int run_firmware(const struct job *j, double *seconds, struct error *e)
{
    static const char *const words[] = {
        "-DRUNNER_FIRMWARE", "-nostartfiles", "-T", "firmware.ld", "-o",
        "runner.elf",        "runner.c",      NULL};
    static const char *const image[] = {"-semihosting", "-kernel", "runner.elf", NULL};
    struct command_line c = {.len = 0}, start = {.len = 0};
    char *prefix = mem_format("-DML_PREFIX=%s", j->built->prefix);
    int rc = put_file(j, "runner.c", e);
    if (rc == 0)
        rc = put_file(j, "firmware.c", e);
    if (rc == 0)
        rc = put_file(j, "firmware.ld", e);
    compiler(j, &c);
    command_add_all(&c, words);
    command_add(&c, prefix);
    command_add(&c, j->built->library);
    command_add(&c, "-lm");
    if (rc == 0)
        rc = run(j, &c, e);
    command_add_all(&start, j->built->target->emulator);
    command_add_all(&start, image);
    mem_free(prefix);
    return rc ? rc : run_timed(j, &start, seconds, e);
}

/* A run leaves its files behind: of the next, they must not be in the way. */
static void clear(const struct built *b)
{
    static const char *const names[] = {"rows.bin",   "results.bin", "runner",
                                        "runner.c",   "runner.mjs",  "runner.elf",
                                        "firmware.c", "firmware.ld", "loadable.so"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char *path = mem_format("%s/%s", b->directory, names[i]);
        (void)unlink(path);
        mem_free(path);
    }
}

static int run_by_kind(const struct job *j, double *seconds, struct error *e)
{
    bool source = j->built->form == EMIT_C || j->built->form == EMIT_HEADER;
    switch (j->built->target->kind) {
    case TARGET_WASM:
        if (!source)
            return run_node(j, seconds, e);
        break;
    case TARGET_FIRMWARE:
        return run_firmware(j, seconds, e);
    case TARGET_SHARED:
    case TARGET_SOURCE:
        return run_hosted(j, seconds, e);
    }
    return error_set(e, ERR_USAGE, "sources for %s are run as target c", j->built->target->name);
}

int artefact_execute(const struct built *b, const struct artefact_rows *rows, int timeout_ms,
                     struct artefact_results *out, struct error *e)
{
    struct job j = {b, rows, timeout_ms};
    struct buf missing = {0};
    double seconds = 0;
    int rc = 0;
    if (!target_ready(b->target, TARGET_RUN, &missing))
        rc = error_set(e, ERR_SYSTEM, "to run target %s, this machine lacks %s", b->target->name,
                       buf_text(&missing));
    buf_release(&missing);
    if (rc == 0) {
        clear(b);
        rc = put_rows(&j, e);
    }
    if (rc == 0)
        rc = run_by_kind(&j, &seconds, e);
    if (rc == 0)
        rc = read_results(&j, out, e);
    if (rc == 0)
        out->seconds = seconds;
    clear(b);
    return rc;
}
