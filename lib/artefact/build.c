/* An image through a target's tool chain. */
#include "artefact/embedded.h"
#include "artefact/source.h"
#include "artefact/tool.h"

#include <fcntl.h>
#include <unistd.h>

struct job {
    const struct ml_image *image;
    const struct target *target;
    const char *prefix;
    int timeout_ms;
    struct built *built;
};

static int put(const struct job *j, const char *name, struct text bytes, struct error *e)
{
    return directory_put(j->built->directory, name, bytes, e);
}

static int put_model_source(const struct job *j, enum source_image how, struct error *e)
{
    struct buf source = {0}, header = {0};
    source_model(j->image, j->prefix, how, &source);
    source_header(j->prefix, &header);
    int rc = put(j, "model.c", (struct text){source.at, source.len}, e);
    if (rc == 0)
        rc = put(j, "model.h", (struct text){header.at, header.len}, e);
    if (rc == 0 && how == IMAGE_AS_INCLUDE)
        rc = put(j, "model.bin", (struct text){(const char *)j->image, (size_t)j->image->bytes}, e);
    buf_release(&source);
    buf_release(&header);
    return rc;
}

/* The compiler and everything that all targets have in common. */
static void compiler(const struct job *j, struct command_line *c)
{
    static const char *const words[] = {
        "-std=c11", "-O2", "-ffp-contract=off", "-pipe", "-fvisibility=hidden", NULL};
    static const char *const linked[] = {"-DML_RUNTIME_LINKED", "-DML_API=", "-DML_DATA=extern",
                                         NULL};
    command_add(c, target_compiler(j->target));
    command_add_all(c, words);
    command_add_all(c, j->target->flags);
    if (j->target->prebuilt)
        command_add_all(c, linked);
    if (!j->target->dispatches)
        command_add(c, "-DML_FIXED");
}

static int run(const struct job *j, const struct command_line *c, struct error *e)
{
    return program_run(c, j->built->directory, j->timeout_ms, NULL, e);
}

static int put_runtime_object(const struct job *j, struct error *e)
{
    return j->target->prebuilt ? put(j, "ml_runtime.o", embedded("ml_runtime.o"), e) : 0;
}

static int build_shared(const struct job *j, struct error *e)
{
    static const char *const words[] = {
        "-fPIC",   "-shared",
        "-s",      "-Wl,--as-needed,--build-id=none,-z,relro,-z,now,-z,noexecstack",
        "-o",      "libmodel.so",
        "model.c", NULL};
    struct command_line c = {.len = 0};
    compiler(j, &c);
    command_add_all(&c, words);
    if (j->target->prebuilt)
        command_add(&c, "ml_runtime.o");
    command_add(&c, "-lm");
    return run(j, &c, e);
}

/* "ar" of the tool chain whose compiler is "cc" or "...-gcc"; returns owned. */
static char *binutil(const struct job *j, const char *name)
{
    const char *gcc = target_compiler(j->target), *dash = strrchr(gcc, '-');
    return dash ? mem_format("%.*s-%s", (int)(dash - gcc), gcc, name) : mem_text(name);
}

/* The runtime's object becomes part of the model's, and only the model's own functions can be seen
 * from outside, so that a program may be linked with several models. */
static int join_runtime(const struct job *j, struct error *e)
{
    const struct command_line join = {
        {"cc", "-r", "-nostdlib", "-o", "joined.o", "model.o", "ml_runtime.o"}, 7};
    const struct command_line hide = {{"objcopy", "--localize-hidden", "joined.o", "model.o"}, 4};
    int rc = run(j, &join, e);
    return rc ? rc : run(j, &hide, e);
}

static int build_static(const struct job *j, struct error *e)
{
    static const char *const firmware[] = {"-ffunction-sections", "-fdata-sections",
                                           "-DML_STACK_MAX=0", "-DML_ROW_AT_A_TIME", NULL};
    static const char *const words[] = {"-c", "-o", "model.o", "model.c", NULL};
    struct command_line c = {.len = 0};
    compiler(j, &c);
    if (j->target->kind == TARGET_FIRMWARE)
        command_add_all(&c, firmware);
    else
        command_add(&c, "-fPIC");
    command_add_all(&c, words);
    int rc = run(j, &c, e);
    if (rc == 0 && j->target->prebuilt)
        rc = join_runtime(j, e);
    char *ar = binutil(j, "ar");
    const struct command_line pack = {{ar, "rcsD", "libmodel.a", "model.o"}, 4};
    if (rc == 0)
        rc = run(j, &pack, e);
    mem_free(ar);
    return rc;
}

static int build_wasm(const struct job *j, struct error *e)
{
    static const char *const words[] = {
        "--target=wasm32-wasi",
        "-nostartfiles",
        "-Wl,--no-entry,--export-dynamic,--export=__heap_base,--strip-all",
        "-Wl,-z,stack-size=1048576",
        "-DML_STACK_MAX=262144",
        "-nodefaultlibs",
        "-o",
        "model.wasm",
        "model.c",
        "wasm.c",
        "-lc",
        NULL};
    struct command_line c = {.len = 0};
    compiler(j, &c);
    command_add_all(&c, words);
    int rc = put(j, "wasm.c", embedded("wasm.c"), e);
    return rc ? rc : run(j, &c, e);
}

/* ---- which of them ---- */

static int check(const struct build *how, struct error *e)
{
    const struct target *t = how->target;
    char text[QUOTE_MAX];
    if (how->prefix && !source_prefix_valid(how->prefix))
        return error_set(e, ERR_USAGE, "prefix %s: letters, digits and _ are expected",
                         quote(text, how->prefix, strlen(how->prefix)));
    if (how->form == EMIT_STATIC && (t->kind == TARGET_WASM || t->kind == TARGET_SOURCE))
        return error_set(e, ERR_USAGE, "target %s has no static libraries", t->name);
    if (how->form == EMIT_C || how->form == EMIT_HEADER)
        return 0;
    struct buf missing = {0};
    int rc = 0;
    if (!target_ready(t, TARGET_BUILD, &missing))
        rc = error_set(e, ERR_SYSTEM, "target %s needs %s", t->name, buf_text(&missing));
    buf_release(&missing);
    return rc;
}

static int build_single(const struct job *j, struct error *e)
{
    struct buf all = {0};
    source_single(j->image, j->prefix, &all);
    int rc = put(j, "model.h", (struct text){all.at, all.len}, e);
    buf_release(&all);
    return rc;
}

static int build_library(const struct job *j, const char *name,
                         int (*build)(const struct job *, struct error *), struct error *e)
{
    enum source_image how = strcmp(name, "model.wasm") == 0 ? IMAGE_AS_WORDS : IMAGE_AS_INCLUDE;
    j->built->library = mem_text(name);
    j->built->compiler = tool_version(target_compiler(j->target));
    int rc = put_model_source(j, how, e);
    if (rc == 0)
        rc = put_runtime_object(j, e);
    return rc ? rc : build(j, e);
}

static int build_by_kind(const struct job *j, enum artefact_form form, struct error *e)
{
    if (form == EMIT_HEADER) {
        j->built->library = mem_text("model.h");
        return build_single(j, e);
    }
    if (form == EMIT_C || j->target->kind == TARGET_SOURCE) {
        j->built->library = mem_text("model.c");
        return put_model_source(j, IMAGE_AS_WORDS, e);
    }
    if (form == EMIT_STATIC || j->target->kind == TARGET_FIRMWARE)
        return build_library(j, "libmodel.a", build_static, e);
    if (j->target->kind == TARGET_WASM)
        return build_library(j, "model.wasm", build_wasm, e);
    return build_library(j, "libmodel.so", build_shared, e);
}

int artefact_build(const struct ml_image *image, const struct build *how, struct built **out,
                   struct error *e)
{
    int rc = check(how, e);
    if (rc)
        return rc;
    struct built *b = mem_alloc(sizeof *b);
    struct job j = {image, how->target, how->prefix ? how->prefix : "ml", how->timeout_ms, b};
    b->target = how->target;
    b->form = how->form;
    b->features = image->features;
    b->fields = image->fields ? image->fields : image->features;
    b->header = mem_text("model.h");
    b->prefix = mem_text(j.prefix);
    b->directory = scratch_directory(e);
    rc = b->directory ? build_by_kind(&j, how->form, e) : ERR_SYSTEM;
    if (rc)
        built_free(b);
    else
        *out = b;
    return rc;
}

void built_free(struct built *b)
{
    if (!b)
        return;
    scratch_remove(b->directory);
    mem_free(b->library);
    mem_free(b->header);
    mem_free(b->prefix);
    mem_free(b->compiler);
    mem_free(b);
}

static int save(const struct built *b, const char *name, const char *path, struct error *e)
{
    struct buf bytes = {0};
    struct replace *r = NULL;
    int rc = directory_get(b->directory, name, SIZE_MAX, &bytes, e);
    if (rc == 0)
        rc = replace_open(path, &r, e);
    if (rc == 0)
        rc = file_write(replace_fd(r), bytes.at, bytes.len, path, e);
    buf_release(&bytes);
    if (rc) {
        replace_abort(r);
        return rc;
    }
    return replace_commit(r, e);
}

int built_save(const struct built *b, const char *path, const char *header, struct error *e)
{
    int rc = save(b, b->library, path, e);
    if (rc == 0 && header && strcmp(b->library, b->header) != 0)
        rc = save(b, b->header, header, e);
    return rc;
}
