/* neoc targets, neoc unpack. */
#include "neoc.h"

#include "artefact/artefact.h"

#include <jansson.h>
#include <stdlib.h>

struct targets_options {
    int to;
};

static const struct option options[] = {
    {'t', "to", NULL, INTO_CHOICE(struct targets_options, to), .fallback = "text",
     .choices = "text|jsonl", .help = "a table for eyes, or JSON Lines"},
    OPTION_END,
};

static void put_target(struct buf *out, const struct target *t, bool jsonl)
{
    struct buf build = {0}, run = {0};
    bool builds = target_ready(t, TARGET_BUILD, &build), runs = target_ready(t, TARGET_RUN, &run);
    if (jsonl) {
        json_t *j =
            json_pack("{s:s, s:s, s:b, s:s, s:b, s:s, s:s}", "target", target_name(t), "summary",
                      target_summary(t), "builds", builds, "build_needs", buf_text(&build), "runs",
                      runs, "run_needs", buf_text(&run), "runs_on", target_runs_on(t));
        char *text = json_dumps(j, JSON_COMPACT);
        buf_format(out, "%s\n", text);
        free(text);
        json_decref(j);
    } else {
        buf_format(out, "%-14s %-5s %-7s %s", target_name(t), builds ? "yes" : "no",
                   runs ? "yes" : "no", target_summary(t));
        if (!builds)
            buf_format(out, "; to build, install %s", buf_text(&build));
        if (!runs)
            buf_format(out, "; to verify, install %s", buf_text(&run));
        buf_puts(out, "\n");
    }
    buf_release(&build);
    buf_release(&run);
}

static int run_targets(void *context, struct operands *operands)
{
    const struct targets_options *o = context;
    struct error e = {0};
    struct buf out = {0};
    (void)operands;
    if (o->to == 0)
        buf_format(&out, "%-14s %-5s %-7s %s\n", "target", "build", "verify", "what");
    for (size_t i = 0; i < target_count(); i++)
        put_target(&out, target_at(i), o->to == 1);
    int status = print_text(&out, &e);
    buf_release(&out);
    return finish(status, &e);
}

static int run_unpack(void *context, struct operands *operands)
{
    struct error e = {0};
    struct artefact *a = NULL;
    (void)context;
    int status = artefact_open(operands->at[0], &a, &e);
    if (status == 0)
        status = artefact_unpack(a, operands->at[1], &e);
    artefact_free(a);
    return finish(status, &e);
}

const struct command command_targets = {
    .name = "targets",
    .summary = "what this machine can build for, and what is missing",
    .options = options,
    .options_size = sizeof(struct targets_options),
    .run = run_targets,
    .more = "Names of the cloud compiler's targets (ml_c5, rasp4b, jetson_nano ...) are taken by "
            "compile --target, too: it says what becomes of them.",
};

const struct command command_unpack = {
    .name = "unpack",
    .summary = "the files of an artefact into a folder",
    .operands = "ARTEFACT DIR",
    .run = run_unpack,
};
