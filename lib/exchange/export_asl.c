/* Amazon States Language: steps that may run at once are branches of a Parallel state; each is a
 * job of AWS Batch. What waits, waits for the whole state before it. */
#include "exchange/export.h"

enum { STATE_SECONDS_MAX = 99999999 };

/* A text without characters, or of several lines, is none to asl-validator. */
static bool is_line(const char *text)
{
    return *text && !strchr(text, '\n');
}

/* Whether the texts can stand as they are: else a shell puts them together. */
static bool is_plain(const struct step *s)
{
    bool plain = !s->entry->directory && (!s->script || is_line(s->script));
    for (char **at = s->argv; at && *at; at++)
        plain = plain && is_line(*at);
    for (char **at = s->environment; *at; at++)
        plain = plain && is_line(*at) && (*at)[strlen(*at) - 1] != '=';
    return plain;
}

static json_t *command_of(const struct step *s)
{
    struct buf line = {0};
    json_t *words = json_array();
    if (!is_plain(s))
        shell_put_command(&line, s, SHELL_ONE_LINE | SHELL_ENVIRONMENT);
    else if (s->script)
        buf_puts(&line, s->script);
    if (line.len || s->script) {
        json_array_append_new(words, json_text("/bin/sh"));
        json_array_append_new(words, json_text("-c"));
        json_array_append_new(words, json_text(buf_text(&line)));
    }
    for (char **at = line.len ? NULL : s->argv; at && *at; at++)
        json_array_append_new(words, json_text(*at));
    buf_release(&line);
    return words;
}

static json_t *environment_of(const struct step *s)
{
    json_t *list = json_array();
    for (char **at = s->environment; *at; at++) {
        size_t n = strcspn(*at, "=");
        json_array_append_new(list, json_pack("{s:s%, s:s}", "Name", *at, n, "Value", *at + n + 1));
    }
    return list;
}

static json_t *retry_of(const struct step_entry *s)
{
    json_t *retry = json_object();
    json_object_set_new(retry, "ErrorEquals", json_pack("[s]", "States.ALL"));
    json_object_set_new(retry, "IntervalSeconds", json_integer(whole_seconds(s->interval)));
    json_object_set_new(retry, "MaxAttempts", json_integer(s->attempts - 1));
    json_object_set_new(retry, "BackoffRate", json_real(s->backoff));
    return json_pack("[o]", retry);
}

static json_t *state_of(const struct exporting *x, uint32_t step)
{
    const struct step *s = &x->p->steps[step];
    if (s->entry->kind == STEP_FAIL)
        return json_pack("{s:s, s:s, s:s}", "Type", "Fail", "Error", "Failed", "Cause", s->message);
    json_t *container = json_pack("{s:o}", "Command", command_of(s));
    if (*s->environment && is_plain(s))
        json_object_set_new(container, "Environment", environment_of(s));
    json_t *state = json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:o}, s:n}", "Type", "Task", "Resource",
                              "arn:aws:states:::batch:submitJob.sync", "Parameters", "JobName",
                              x->names[step], "JobDefinition", x->p->name, "JobQueue", x->p->name,
                              "ContainerOverrides", container, "ResultPath");
    if (s->entry->timeout)
        json_object_set_new(state, "TimeoutSeconds",
                            json_integer(whole_seconds(s->entry->timeout)));
    if (s->entry->attempts > 1)
        json_object_set_new(state, "Retry", retry_of(s->entry));
    return state;
}

static json_t *branch_of(const struct exporting *x, uint32_t step)
{
    json_t *state = state_of(x, step), *branch = json_object(), *states = json_object();
    if (x->p->steps[step].entry->kind != STEP_FAIL)
        json_object_set_new(state, "End", json_true());
    json_object_set_new(branch, "StartAt", json_text(x->names[step]));
    json_object_set_new(states, x->names[step], state);
    json_object_set_new(branch, "States", states);
    return branch;
}

/* The one step of a level, or all of them at once. */
static json_t *level_state(struct exporting *x, const struct levels *l, uint32_t at,
                           const char **name)
{
    uint32_t first = l->from[at], end = l->from[at + 1];
    if (end - first == 1) {
        *name = x->names[l->steps[first]];
        return state_of(x, l->steps[first]);
    }
    json_t *branches = json_array();
    for (uint32_t i = first; i < end; i++)
        json_array_append_new(branches, branch_of(x, l->steps[i]));
    *name = export_new_name(x, "together");
    return json_pack("{s:s, s:o, s:n}", "Type", "Parallel", "Branches", branches, "ResultPath");
}

static int check(struct exporting *x)
{
    for (size_t i = 0; i < x->p->step_count; i++) {
        const struct step *s = &x->p->steps[i];
        if (!x->skipped[i] && s->entry->timeout / USEC_SECOND >= STATE_SECONDS_MAX)
            return export_error(x, s, "a state's time is at most %d seconds", STATE_SECONDS_MAX);
    }
    return 0;
}

static int put(struct exporting *x)
{
    struct levels levels = export_levels(x);
    json_t *machine = json_object(), *states = json_object(), *before = NULL;
    int status = check(x);
    json_object_set_new(machine, "Comment", json_text(x->p->name));
    for (uint32_t i = 0; i < levels.count; i++) {
        const char *name = NULL;
        json_t *state = level_state(x, &levels, i, &name);
        bool fails = strcmp(json_string_value(json_object_get(state, "Type")), "Fail") == 0;
        json_object_set_new(before ? before : machine, before ? "Next" : "StartAt",
                            json_text(name));
        json_object_set_new(states, name, state);
        before = state;
        if (fails)
            break; /* nothing comes behind it */
        if (i + 1 == levels.count)
            json_object_set_new(state, "End", json_true());
    }
    if (levels.count == 0) {
        json_object_set_new(machine, "StartAt", json_text("nothing"));
        json_object_set_new(states, "nothing", json_pack("{s:s}", "Type", "Succeed"));
    }
    json_object_set_new(machine, "States", states);
    export_put_json(x, machine);
    return status;
}

const struct exporter export_asl = {
    .about = {"asl", "a state machine of AWS Step Functions, with jobs of AWS Batch"},
    .put = put,
};
