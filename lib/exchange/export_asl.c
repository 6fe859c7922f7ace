/* Amazon States Language: steps that may run at once are branches of a Parallel state; each is a
 * job of AWS Batch. What waits, waits for the whole state before it. Parameters are $.params: the
 * input of the machine over their defaults; commands have them by variables. */
#include "exchange/export.h"

enum { STATE_SECONDS_MAX = 99999999, MEBIBYTE = 1 << 20 };

/* ---- parameters ---- */

static json_t *json_of(const struct parameter *p)
{
    if (p->type == PARAMETER_STRING)
        return json_stringn(p->value.at, p->value.len);
    return json_loadb(p->value.at, p->value.len, JSON_DECODE_ANY, NULL);
}

static const char *unfit_for_asl(const struct parameter *p)
{
    json_t *value = p->value.at ? json_of(p) : json_null();
    char *text = p->value.at && p->type != PARAMETER_STRING
                     ? json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))
                     : NULL;
    bool same = value && (!text || strcmp(text, p->value.at) == 0);
    free(text);
    json_decref(value);
    return same ? NULL : "JSON would write the number in another way";
}

/* Adds states that merge the machine's input with the defaults. Returns the last. */
static json_t *put_parameters(struct exporting *x, json_t *machine, json_t *states)
{
    json_t *defaults = json_object();
    const char *first = export_new_name(x, "defaults"), *second = export_new_name(x, "parameters");
    for (size_t i = 0; i < x->p->parameter_count; i++)
        if (x->kept[i] && x->p->parameters[i].value.at)
            json_object_set_new(defaults, x->p->parameters[i].name, json_of(&x->p->parameters[i]));
    json_object_set_new(machine, "StartAt", json_text(first));
    json_object_set_new(states, first,
                        json_pack("{s:s, s:{s:o, s:s}, s:s}", "Type", "Pass", "Parameters",
                                  "defaults", defaults, "given.$", "$$.Execution.Input", "Next",
                                  second));
    json_t *merge = json_pack("{s:s, s:{s:s}}", "Type", "Pass", "Parameters", "params.$",
                              "States.JsonMerge($.defaults, $.given, false)");
    json_object_set_new(states, second, merge);
    return merge;
}

/* Variables with the parameters of a text, each once. */
static void add_variables(const struct exporting *x, struct text text, bool *seen, json_t *list)
{
    struct text plain;
    uint32_t i;
    while (export_next(&text, &plain, &i)) {
        if (i == PARAMETER_NONE || seen[i])
            continue;
        seen[i] = true;
        char *value = mem_format("States.Format('{}', $.params['%s'])", x->p->parameters[i].name);
        json_array_append_new(list,
                              json_pack("{s:s, s:s}", "Name", x->variables[i], "Value.$", value));
        mem_free(value);
    }
}

/* ---- a job ---- */

/* A text without characters, or of several lines, is none to asl-validator. */
static bool is_line(const char *text)
{
    return *text && !strchr(text, '\n') && !export_has_mark(text_of(text));
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

/* Adds to variables what it needs of parameters. */
static json_t *command_of(const struct exporting *x, const struct step *s, json_t *variables)
{
    struct buf line = {0}, marked = {0};
    json_t *words = json_array();
    bool plain = is_plain(s), *seen = mem_alloc(x->p->parameter_count + 1);
    if (!plain)
        shell_put_command(&marked, s, SHELL_ONE_LINE | SHELL_ENVIRONMENT);
    else if (s->script)
        buf_puts(&marked, s->script);
    add_variables(x, (struct text){marked.at, marked.len}, seen, variables);
    shell_put_script(&line, x, (struct text){marked.at, marked.len});
    if (line.len || s->script) {
        json_array_append_new(words, json_text("/bin/sh"));
        json_array_append_new(words, json_text("-c"));
        json_array_append_new(words, json_text(buf_text(&line)));
    }
    for (char **at = line.len ? NULL : s->argv; at && *at; at++)
        json_array_append_new(words, json_text(*at));
    for (char **at = s->environment; plain && *at; at++) {
        size_t n = strcspn(*at, "=");
        json_array_append_new(variables,
                              json_pack("{s:s%, s:s}", "Name", *at, n, "Value", *at + n + 1));
    }
    mem_free(seen);
    buf_release(&line);
    buf_release(&marked);
    return words;
}

static void add_requirement(json_t *list, const char *type, uint64_t value)
{
    char *text = mem_format("%llu", (unsigned long long)value);
    if (value)
        json_array_append_new(list, json_pack("{s:s, s:s}", "Type", type, "Value", text));
    mem_free(text);
}

static json_t *container_of(const struct exporting *x, const struct step *s)
{
    json_t *variables = json_array(), *needs = json_array(), *container = json_object();
    json_object_set_new(container, "Command", command_of(x, s, variables));
    if (json_array_size(variables))
        json_object_set(container, "Environment", variables);
    add_requirement(needs, "VCPU", s->entry->cpus > 1 ? s->entry->cpus : 0);
    add_requirement(needs, "GPU", s->entry->gpus);
    add_requirement(needs, "MEMORY", (s->entry->limits.memory + MEBIBYTE - 1) / MEBIBYTE);
    if (json_array_size(needs))
        json_object_set(container, "ResourceRequirements", needs);
    json_decref(variables);
    json_decref(needs);
    return container;
}

/* ---- retries ---- */

/* Of what a job fails by, a machine tells a timeout alone from the rest. */
static const char *error_of(struct exporting *x, const struct step *s, const struct retry *r)
{
    unsigned timeout = 1U << JOB_TIMED_OUT;
    if (r->classes == RETRY_ANY)
        return "States.ALL";
    if (r->classes == timeout && !(r->statuses && *r->statuses))
        return "States.Timeout";
    if (r->classes != (RETRY_ANY & ~timeout))
        export_warn(x, s, "retry: a state machine tells timeouts alone from other failures");
    return (r->classes & timeout) ? "States.ALL" : "States.TaskFailed";
}

static json_t *retrier_of(struct exporting *x, const struct step *s, const struct retry *r)
{
    if (r->expires)
        export_warn(x, s, "retry: expire has no place in a state machine");
    json_t *retry = json_pack("{s:[s]}", "ErrorEquals", error_of(x, s, r));
    json_object_set_new(retry, "IntervalSeconds", json_integer(whole_seconds(r->interval)));
    json_object_set_new(retry, "MaxAttempts", json_integer(r->attempts - 1));
    json_object_set_new(retry, "BackoffRate", json_real(r->backoff));
    return retry;
}

/* One for all errors must be the last. */
static json_t *retry_of(struct exporting *x, const struct step *s)
{
    json_t *list = json_array();
    bool last = false;
    for (uint32_t i = 0; i < s->entry->retry_count && !last; i++) {
        json_t *retry = retrier_of(x, s, &s->entry->retries[i]);
        json_t *error = json_array_get(json_object_get(retry, "ErrorEquals"), 0);
        last = strcmp(json_string_value(error), "States.ALL") == 0;
        if (s->entry->retries[i].attempts > 1 || s->entry->retry_count > 1)
            json_array_append(list, retry);
        json_decref(retry);
    }
    return list;
}

/* ---- states ---- */

/* A message with parameters is one for Cause as it is, without their values. */
static json_t *failure_of(struct exporting *x, const struct step *s)
{
    struct text rest = text_of(s->message), plain;
    struct buf format = {0}, arguments = {0};
    uint32_t i;
    if (!export_has_mark(rest))
        return json_pack("{s:s, s:s, s:s}", "Type", "Fail", "Error", "Failed", "Cause", s->message);
    buf_puts(&format, "States.Format('");
    while (export_next(&rest, &plain, &i)) {
        for (size_t k = 0; k < plain.len; k++)
            buf_format(&format, strchr("'{}\\", plain.at[k]) ? "\\%c" : "%c", plain.at[k]);
        if (i == PARAMETER_NONE)
            continue;
        buf_puts(&format, "{}");
        buf_format(&arguments, ", $.params['%s']", x->p->parameters[i].name);
    }
    buf_format(&format, "'%s)", buf_text(&arguments));
    json_t *out = json_pack("{s:s, s:s, s:s}", "Type", "Fail", "Error", "Failed", "CausePath",
                            buf_text(&format));
    buf_release(&format);
    buf_release(&arguments);
    return out;
}

/* A message to a queue; who reads it answers by the token (SendTaskSuccess). The command that would
 * hand the work over is told, not run. */
static json_t *question_of(struct exporting *x, uint32_t step)
{
    const struct step *s = &x->p->steps[step];
    json_t *body = export_question(x, step), *unused = json_array();
    json_object_set_new(body, "token.$", json_text("$$.Task.Token"));
    if (s->entry->kind == STEP_CALLBACK)
        json_object_set_new(body, "command", command_of(x, s, unused));
    json_decref(unused);
    return json_pack("{s:s, s:s, s:{s:s, s:o}, s:n}", "Type", "Task", "Resource",
                     "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "Parameters", "QueueUrl",
                     "https://sqs.REGION.amazonaws.com/000000000000/QUEUE", "MessageBody", body,
                     "ResultPath");
}

static json_t *job_of(struct exporting *x, uint32_t step)
{
    const struct step *s = &x->p->steps[step];
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:o}, s:n}", "Type", "Task", "Resource",
                     "arn:aws:states:::batch:submitJob.sync", "Parameters", "JobName",
                     x->names[step], "JobDefinition", x->p->name, "JobQueue", x->p->name,
                     "ContainerOverrides", container_of(x, s), "ResultPath");
}

static json_t *state_of(struct exporting *x, uint32_t step)
{
    const struct step *s = &x->p->steps[step];
    if (s->entry->kind == STEP_FAIL)
        return failure_of(x, s);
    json_t *state = s->entry->kind == STEP_RUN ? job_of(x, step) : question_of(x, step);
    if (s->entry->timeout)
        json_object_set_new(state, "TimeoutSeconds",
                            json_integer(whole_seconds(s->entry->timeout)));
    json_t *retry = retry_of(x, s);
    if (json_array_size(retry))
        json_object_set(state, "Retry", retry);
    json_decref(retry);
    return state;
}

/* A Choice state that goes on to the step when all its conditions hold. */
static json_t *choice_of(const struct exporting *x, uint32_t step, const char *otherwise)
{
    const struct export_when *w = &x->when[step];
    json_t *all = json_array(), *rule;
    for (uint32_t i = 0; i < w->count; i++)
        json_array_append(all, x->conditions.at[w->at[i]].choice);
    if (w->count == 1)
        rule = json_copy(json_array_get(all, 0));
    else
        rule = json_pack("{s:O}", "And", all);
    json_decref(all);
    json_object_set_new(rule, "Next", json_text(x->names[step]));
    return json_pack("{s:s, s:[o], s:s}", "Type", "Choice", "Choices", rule, "Default", otherwise);
}

static const char *name_beside(struct exporting *x, const char *before, uint32_t step)
{
    char *wanted = mem_format("%s-%s", before, x->names[step]);
    const char *name = export_new_name(x, wanted);
    mem_free(wanted);
    return name;
}

static json_t *branch_of(struct exporting *x, uint32_t step)
{
    json_t *state = state_of(x, step), *branch = json_object(), *states = json_object();
    const char *first = x->names[step];
    if (x->p->steps[step].entry->kind != STEP_FAIL)
        json_object_set_new(state, "End", json_true());
    if (x->when[step].count) {
        const char *skip = name_beside(x, "skip", step);
        first = name_beside(x, "when", step);
        json_object_set_new(states, first, choice_of(x, step, skip));
        json_object_set_new(states, skip, json_pack("{s:s}", "Type", "Succeed"));
    }
    json_object_set_new(states, x->names[step], state);
    json_object_set_new(branch, "StartAt", json_text(first));
    json_object_set_new(branch, "States", states);
    return branch;
}

/* The one step of a level, or all of them at once; one with conditions may be none. */
static json_t *level_state(struct exporting *x, const struct levels *l, uint32_t at,
                           const char **name)
{
    uint32_t first = l->from[at], end = l->from[at + 1];
    if (end - first == 1 && x->when[l->steps[first]].count == 0) {
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
    if (export_any_kept(x))
        before = put_parameters(x, machine, states);
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
        json_object_set_new(before ? before : machine, before ? "Next" : "StartAt",
                            json_text("nothing"));
        json_object_set_new(states, "nothing", json_pack("{s:s}", "Type", "Succeed"));
    }
    json_object_set_new(machine, "States", states);
    export_put_json(x, machine);
    return status;
}

const struct exporter export_asl = {
    .kinds = 1U << STEP_APPROVE | 1U << STEP_CALLBACK,
    .about = {"asl", "a state machine of AWS Step Functions, with jobs of AWS Batch"},
    .unicode = true,
    .holds = HOLDS_CPUS | HOLDS_GPUS | HOLDS_MEMORY | HOLDS_ALWAYS,
    .choices = true,
    .unfit = unfit_for_asl,
    .put = put,
};
