/* pipe resume: what the last run left. */
#include "running.h"

#include <jansson.h>

/* The parameters of an event, as they are given. */
static void take_parameters(const json_t *event, struct option_list *out)
{
    const char *name;
    json_t *value, *all = json_object_get(event, "parameters");
    out->at = mem_array(NULL, json_object_size(all) + 1, sizeof *out->at);
    json_object_foreach(all, name, value)
    {
        out->at[out->len++] = mem_format("%s=%s", name, json_string_value(value));
    }
}

/* A list of texts; the texts are the event's. */
static void take_names(const json_t *event, const char *name, struct option_list *out)
{
    const json_t *list = json_object_get(event, name);
    size_t i;
    json_t *value;
    out->at = mem_array(NULL, json_array_size(list) + 1, sizeof *out->at);
    json_array_foreach(list, i, value)
    {
        if (json_is_string(value))
            out->at[out->len++] = json_string_value(value);
    }
}

static int run_resume(void *options, struct operands *operands)
{
    struct run_options_given *o = options;
    struct error e = {0};
    struct buf line = {0};
    (void)operands;
    int status = last_run_that_began(&line, &e);
    json_t *event = status == 0 ? json_loadb(line.at, line.len, 0, NULL) : NULL;
    const char *path = json_string_value(json_object_get(event, "path"));
    if (status == 0 && !path)
        status = error_set(&e, ERR_DATA, "the ledger does not say what ran");
    if (status == 0) {
        take_parameters(event, &o->parameters);
        take_names(event, "to", &o->to);
        take_names(event, "only", &o->only);
        status = run_definition(path, o);
    } else {
        status = pipe_finish(status, &e);
    }
    for (size_t i = 0; i < o->parameters.len; i++)
        mem_free((char *)(uintptr_t)o->parameters.at[i]);
    mem_free(o->parameters.at);
    mem_free(o->to.at);
    mem_free(o->only.at);
    json_decref(event);
    buf_release(&line);
    return status;
}

/* clang-format off */
static const struct option resume_options[] = {
    OPTION_ROW_STEPS_AT_ONCE(struct run_options_given, jobs),
    OPTION_ROW_GPUS(struct run_options_given, gpus),
    OPTION_ROW_KEEP_GOING(struct run_options_given, keep_going),
    OPTION_ROW_WAIT(struct run_options_given, wait),
    OPTION_ROW_EVENTS(struct run_options_given, events),
    OPTION_ROWS_ENGINE(struct run_options_given, engine, "steps", "each step that runs"),
    OPTION_END,
};
/* clang-format on */

const struct command command_resume = {
    .name = "resume",
    .summary = "run what the last run left, with its definition and parameters",
    .options = resume_options,
    .options_size = sizeof(struct run_options_given),
    .run = run_resume,
    .more = "The definition is as it is now, in the folder where that run was begun.",
};
