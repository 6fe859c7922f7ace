/* neoc compile MODEL: a model, and the preparation in front of it, into artefacts. */
#include "neoc.h"

#include "artefact/verification.h"

#include <errno.h>
#include <sys/stat.h>

struct compile_command_options {
    struct compile_options compile;
    const char *zone;
    const char *output, *prep, *prefix, *platform, *rows;
    struct option_list targets;
    int emit;
    double tolerance;
    bool unverified;
};

/* The choices of --emit. */
enum { EMITS_ARCHIVE, EMITS_SHARED, EMITS_STATIC, EMITS_SOURCE, EMITS_HEADER };

/* clang-format off */
static const struct option options[] = {
    {'o', "output", "FILE", INTO_TEXT(struct compile_command_options, output),
     .help = "the artefact (default: model-TARGET.tar.gz); of several targets, their folder"},
    {0, "target", "TARGET,...", INTO_LIST(struct compile_command_options, targets),
     .help = "what to build for (default: host); 'neoc targets' lists them"},
    {0, "platform", "OS,ARCH[,ACCELERATOR]", INTO_TEXT(struct compile_command_options, platform),
     .help = "the target by its platform: LINUX,ARM64"},
    {0, "prep", "STATE", INTO_TEXT(struct compile_command_options, prep),
     .help = "a preparation fitted by wrangle: raw rows go in"},
    {0, "zone", "NAME", INTO_TEXT(struct compile_command_options, zone),
     .help = "zone of times in raw rows that name none, such as Europe/Paris"},
    {0, "emit", NULL, INTO_CHOICE(struct compile_command_options, emit), .fallback = "tar",
     .choices = "tar|so|a|c|header",
     .help = "the archive, or only a library, its C source, or one header with all of it"},
    {0, "prefix", "NAME", INTO_TEXT(struct compile_command_options, prefix),
     .help = "of the functions' names, for several models in one program (default: ml)"},
    {0, "float32", NULL, INTO_FLAG(struct compile_command_options, compile.float32),
     .help = "numbers and sums in floats where the model has doubles: not exact"},
    {0, "u8", NULL, INTO_FLAG(struct compile_command_options, compile.u8),
     .help = "at most 255 thresholds a feature, so that its codes are bytes: not exact"},
    {0, "rows", "FILE", INTO_TEXT(struct compile_command_options, rows),
     .help = "rows to verify with, besides those that are made up"},
    {0, "tolerance", "X", INTO_DOUBLE(struct compile_command_options, tolerance), .range = "0..",
     .help = "how far margins may be off with --float32 or --u8 (default: 1e-4)"},
    {0, "unverified", NULL, INTO_FLAG(struct compile_command_options, unverified),
     .help = "write it without running it, for a target that cannot run here"},
    OPTION_END,
};
/* clang-format on */

/* One compilation: of a model, for a target. */
struct job {
    const struct compile_command_options *options;
    const struct subject *subject;
    const struct target *target;
    const char *path;
    const struct trial_rows *supplied; /* NULL: none */
};

/* Rows that a quick check takes: every threshold once, and some; an emulated controller less. */
static struct verification demands(const struct job *j)
{
    bool firmware = target_kind(j->target) == TARGET_FIRMWARE;
    return (struct verification){.random = firmware ? 100 : 1000,
                                 .most = firmware ? 300 : 5000,
                                 .exact = j->subject->predictor->exact,
                                 .tolerance = j->options->tolerance,
                                 .supplied = j->supplied ? &j->supplied->features : NULL,
                                 .raw = j->supplied ? &j->supplied->raw : NULL};
}

static int verify_built(const struct job *j, const struct built *b, struct buf *json,
                        struct error *e)
{
    struct verification v = demands(j);
    struct buf missing = {0};
    int status = 0;
    if (!target_ready(j->target, TARGET_RUN, &missing))
        status = error_set(e, ERR_SYSTEM,
                           "%s cannot be verified here, missing: %s (--unverified writes it all "
                           "the same)",
                           target_name(j->target), buf_text(&missing));
    buf_release(&missing);
    if (status == 0)
        status = artefact_verify(b, j->subject->model, &v, e);
    if (status)
        return status;
    verification_json(&v, json);
    struct buf text = {0};
    verification_text(&v, &text);
    cli_note("%s: %s", target_name(j->target), buf_text(&text));
    buf_release(&text);
    return 0;
}

/* model.so: the header is model.h beside it. */
static char *header_beside(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    size_t n = dot && (!slash || dot > slash) ? (size_t)(dot - path) : strlen(path);
    return mem_format("%.*s.h", (int)n, path);
}

static int write_built(const struct job *j, const struct built *b, const struct buf *json,
                       struct error *e)
{
    if (j->options->emit == EMITS_ARCHIVE) {
        struct pack pack = {.built = b,
                            .image = j->subject->predictor->image,
                            .tool = "neoc " MLUTILS_VERSION,
                            .verification = json->len ? json->at : NULL};
        return artefact_pack(&pack, j->path, e);
    }
    bool one_file = j->options->emit == EMITS_HEADER;
    char *header = one_file ? NULL : header_beside(j->path);
    int status = built_save(b, j->path, header, e);
    mem_free(header);
    return status;
}

static int check_emit(const struct job *j, struct error *e)
{
    if (j->options->emit != EMITS_SHARED || target_kind(j->target) == TARGET_SHARED)
        return 0;
    return error_set(e, ERR_USAGE, "--emit=so: target %s has no shared libraries",
                     target_name(j->target));
}

static int compile_for(const struct job *j, struct error *e)
{
    static const enum artefact_form forms[] = {[EMITS_ARCHIVE] = EMIT_LIBRARY,
                                               [EMITS_SHARED] = EMIT_LIBRARY,
                                               [EMITS_STATIC] = EMIT_STATIC,
                                               [EMITS_SOURCE] = EMIT_C,
                                               [EMITS_HEADER] = EMIT_HEADER};
    struct build how = {
        .target = j->target, .form = forms[j->options->emit], .prefix = j->options->prefix};
    struct built *built = NULL;
    struct buf json = {0};
    int status = check_emit(j, e);
    if (status == 0)
        status = artefact_build(j->subject->predictor->image, &how, &built, e);
    if (status == 0 && !j->options->unverified)
        status = verify_built(j, built, &json, e);
    buf_text(&json);
    if (status == 0)
        status = write_built(j, built, &json, e);
    built_free(built);
    buf_release(&json);
    return status;
}

/* ---- targets and where they go ---- */

struct plan {
    VEC(const struct target *) targets;
};

static void warn_of(const char *note)
{
    if (note)
        cli_warn("%s", note);
}

/* An unknown name becomes a message with the nearest one that is known. */
static int unknown_target(const char *name, struct error *e)
{
    VEC(const char *) known = {0};
    char quoted[QUOTE_MAX];
    for (size_t i = 0; target_known_name(i); i++)
        vec_push(&known, target_known_name(i));
    const char *near = cli_nearest(name, known.at, known.len);
    vec_release(&known);
    quote(quoted, name, strlen(name));
    if (near)
        return error_set(e, ERR_USAGE, "no target %s: did you mean '%s'?", quoted, near);
    return error_set(e, ERR_USAGE, "no target %s: 'neoc targets' lists them", quoted);
}

static int add_targets(struct plan *p, const char *names, struct error *e)
{
    struct error first = {0};
    int status = 0;
    for (const char *at = names; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        size_t n = strcspn(at, ",");
        char *name = mem_text_n(at, n);
        const struct target *t = NULL;
        const char *note = NULL;
        status = target_find(name, &t, &note, &first);
        if (status == ERR_USAGE)
            unknown_target(name, &first);
        mem_free(name);
        if (status)
            break;
        warn_of(note);
        vec_push(&p->targets, t);
    }
    if (status && e)
        *e = first;
    return status;
}

static int add_platform(struct plan *p, const char *platform, struct error *e)
{
    char *copy = mem_text(platform), *part[3] = {copy, NULL, NULL};
    for (size_t i = 1; i < 3 && part[i - 1]; i++) {
        part[i] = strchr(part[i - 1], ',');
        if (part[i])
            *part[i]++ = '\0';
    }
    const struct target *t = NULL;
    const char *note = NULL;
    int status = part[1] ? target_of_platform(part[0], part[1], part[2], &t, &note, e)
                         : error_set(e, ERR_USAGE, "--platform: LINUX,ARM64 is meant, or so");
    mem_free(copy);
    if (status)
        return status;
    warn_of(note);
    vec_push(&p->targets, t);
    return 0;
}

static int find_targets(struct plan *p, const struct compile_command_options *o, struct error *e)
{
    int status = 0;
    for (size_t i = 0; i < o->targets.len && status == 0; i++)
        status = add_targets(p, o->targets.at[i], e);
    if (status == 0 && o->platform)
        status = add_platform(p, o->platform, e);
    if (status == 0 && p->targets.len == 0)
        status = add_targets(p, "host", e);
    return status;
}

/* The name of a target's output; returned owned. */
static char *output_path(const struct compile_command_options *o, const struct target *t,
                         size_t targets)
{
    static const char *const endings[] = {".tar.gz", ".so", ".a", ".c", ".h"};
    char *name = mem_format("model-%s%s", target_name(t), endings[o->emit]);
    struct stat s;
    bool folder = targets > 1 || (o->output && stat(o->output, &s) == 0 && S_ISDIR(s.st_mode));
    if (!o->output)
        return name;
    char *path = folder ? mem_format("%s/%s", o->output, name) : mem_text(o->output);
    mem_free(name);
    return path;
}

static int compile_all(const struct compile_command_options *o, const struct subject *s,
                       const struct trial_rows *supplied, struct error *e)
{
    struct plan plan = {0};
    int status = find_targets(&plan, o, e);
    if (status == 0 && plan.targets.len > 1 && o->output && mkdir(o->output, 0777) != 0 &&
        errno != EEXIST)
        status = error_errno(e, "%s", o->output);
    for (size_t i = 0; i < plan.targets.len && status == 0; i++) {
        struct job j = {.options = o,
                        .subject = s,
                        .target = plan.targets.at[i],
                        .path = NULL,
                        .supplied = supplied};
        char *path = output_path(o, j.target, plan.targets.len);
        j.path = path;
        status = compile_for(&j, e);
        mem_free(path);
    }
    vec_release(&plan.targets);
    return status;
}

/* ---- the model, the preparation, the rows ---- */

static int work(struct session *s, const void *options_given, struct operands *operands,
                struct error *e)
{
    const struct compile_command_options *given = options_given;
    struct compile_command_options o = *given;
    struct recipe *prep = NULL;
    struct subject subject = {0};
    struct trial_rows rows = {0};
    int status = o.prep ? load_recipe(o.prep, &s->context, &prep, e) : 0;
    o.compile.prep = prep;
    o.compile.prep_name = o.prep;
    o.compile.zone = s->zone;
    if (status == 0)
        status = subject_of_model(operands->at[0], &o.compile, &subject, e);
    if (status == 0 && o.rows)
        status = trial_rows_read(s, subject.model, subject.predictor, o.prep, o.rows, &rows, e);
    if (status == 0)
        status = compile_all(&o, &subject, o.rows ? &rows : NULL, e);
    trial_rows_release(&rows);
    subject_close(&subject);
    recipe_free(prep);
    return status;
}

static int run(void *context, struct operands *operands)
{
    struct compile_command_options *o = context;
    struct stream_options stream = plain_stream;
    stream.zone = o->zone;
    return session_run(work, &stream, o, operands);
}

const struct command command_compile = {
    .name = "compile",
    .summary = "a trained model, and its preparation, into a native artefact",
    .operands = "MODEL",
    .options = options,
    .options_size = sizeof(struct compile_command_options),
    .run = run,
    .more =
        "The artefact is an archive with a library for the target, a C header, the compiled model "
        "and what it was made of. Before it is written, the library is run, in an emulator where "
        "the target is another machine, on rows made from the model's own thresholds, on random, "
        "missing, infinite and tiny values, and on those of --rows: every margin must have the "
        "bits of a plain interpreter of the model, or nothing is written and the status is 1.",
};
