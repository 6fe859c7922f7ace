/* CodePipeline and the buildspec of its CodeBuild project: two documents. An action of the first
 * says by the variable STEP which step of the second it is, and by others what parameters are. */
#include "exchange/export.h"
#include "exchange/yaml.h"

enum { ARTIFACTS_MAX = 5, VARIABLES_MAX = 50, VALUE_MAX = 1000 };

/* ---- the pipeline ---- */

static json_t *source_stage(void)
{
    json_t *action = json_pack(
        "{s:s, s:{s:s, s:s, s:s, s:s}, s:i, s:{s:s, s:s, s:s}, s:[], s:[{s:s}]}", "name", "Source",
        "actionTypeId", "category", "Source", "owner", "AWS", "provider", "S3", "version", "1",
        "runOrder", 1, "configuration", "S3Bucket", "BUCKET", "S3ObjectKey", "source.zip",
        "PollForSourceChanges", "false", "inputArtifacts", "outputArtifacts", "name", "Source");
    return json_pack("{s:s, s:[o]}", "name", "Source", "actions", action);
}

static json_t *artifact(uint32_t step)
{
    char *name = mem_format("s%u", (unsigned)step + 1);
    json_t *out = json_pack("{s:s}", "name", name);
    mem_free(name);
    return out;
}

/* Where it takes what others made. */
static int inputs_of(struct exporting *x, uint32_t step, json_t *list)
{
    const struct step *s = &x->p->steps[step];
    json_array_append_new(list, json_pack("{s:s}", "name", "Source"));
    for (uint32_t k = 0; k < s->wait_count; k++)
        if (export_wait_of(x->p, s, s->waits_for[k]) != WAIT_IN_ORDER)
            json_array_append_new(list, artifact(s->waits_for[k]));
    if (json_array_size(list) <= ARTIFACTS_MAX)
        return 0;
    return export_error(x, s, "it reads what %zu others make: an action of CodeBuild takes %d",
                        json_array_size(list) - 1, ARTIFACTS_MAX - 1);
}

/* Variables of CodeBuild, as the text that an action has them by. */
static json_t *variables_of(const struct exporting *x, uint32_t step)
{
    json_t *list = json_pack("[{s:s, s:s, s:s}]", "name", "STEP", "value", x->names[step], "type",
                             "PLAINTEXT");
    for (size_t i = 0; i < x->p->parameter_count; i++) {
        char *value = mem_format("#{variables.%s}", x->p->parameters[i].name);
        if (x->kept[i])
            json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name", x->variables[i],
                                                  "value", value, "type", "PLAINTEXT"));
        mem_free(value);
    }
    return list;
}

/* Those of the pipeline. */
static json_t *parameters_of(const struct exporting *x)
{
    json_t *list = json_array();
    for (size_t i = 0; i < x->p->parameter_count; i++) {
        const struct parameter *p = &x->p->parameters[i];
        json_t *one = json_pack("{s:s}", "name", p->name);
        if (p->value.at)
            json_object_set_new(one, "defaultValue", json_text(p->value.at));
        if (x->kept[i])
            json_array_append(list, one);
        json_decref(one);
    }
    return list;
}

static const char *unfit_for_codepipeline(const struct parameter *p)
{
    return p->value.at && (p->value.len == 0 || p->value.len > VALUE_MAX)
               ? "CodePipeline has no variable with such a value"
               : NULL;
}

/* An approval by hand; who may give it is told, and is a matter of rights. */
static json_t *approval_of(struct exporting *x, uint32_t step)
{
    struct buf told = {0};
    const struct step *s = &x->p->steps[step];
    buf_puts(&told, s->name);
    if (s->entry->may)
        buf_puts(&told, ": by ");
    export_put_may(&told, s);
    if (x->when[step].count)
        export_warn(x, s, "when: CodePipeline asks for the approval all the same");
    json_t *action =
        json_pack("{s:s, s:{s:s, s:s, s:s, s:s}, s:i, s:{s:s}, s:[], s:[]}", "name", x->names[step],
                  "actionTypeId", "category", "Approval", "owner", "AWS", "provider", "Manual",
                  "version", "1", "runOrder", 1, "configuration", "CustomData", buf_text(&told),
                  "inputArtifacts", "outputArtifacts");
    buf_release(&told);
    return action;
}

static json_t *action_of(struct exporting *x, uint32_t step, int *status)
{
    const struct step *s = &x->p->steps[step];
    if (s->entry->kind == STEP_APPROVE)
        return approval_of(x, step);
    json_t *inputs = json_array(), *outputs = json_array();
    json_t *variables = variables_of(x, step);
    char *text = json_dumps(variables, JSON_COMPACT);
    json_decref(variables);
    if (*status == 0)
        *status = inputs_of(x, step, inputs);
    if (s->out_count)
        json_array_append_new(outputs, artifact(step));
    json_t *action = json_pack(
        "{s:s, s:{s:s, s:s, s:s, s:s}, s:i, s:{s:s, s:s, s:s}, s:o, s:o}", "name", x->names[step],
        "actionTypeId", "category", "Build", "owner", "AWS", "provider", "CodeBuild", "version",
        "1", "runOrder", 1, "configuration", "ProjectName", x->p->name, "PrimarySource", "Source",
        "EnvironmentVariables", text, "inputArtifacts", inputs, "outputArtifacts", outputs);
    free(text);
    return action;
}

static int put(struct exporting *x)
{
    struct levels levels = export_levels(x);
    json_t *stages = json_pack("[o]", source_stage()), *variables = parameters_of(x);
    int status = 0;
    if (json_array_size(variables) > VARIABLES_MAX)
        status = error_set(x->e, ERR_DATA, "CodePipeline has at most %d variables", VARIABLES_MAX);
    for (uint32_t at = 0; at < levels.count; at++) {
        json_t *actions = json_array();
        char *name = mem_format("Level-%u", (unsigned)at + 1);
        for (uint32_t i = levels.from[at]; i < levels.from[at + 1]; i++)
            json_array_append_new(actions, action_of(x, levels.steps[i], &status));
        json_array_append_new(stages, json_pack("{s:s, s:o}", "name", name, "actions", actions));
        mem_free(name);
    }
    json_t *whole =
        json_pack("{s:{s:s, s:s, s:s, s:{s:s, s:s}, s:o, s:i}}", "pipeline", "name", x->p->name,
                  "pipelineType", "V2", "roleArn", "ROLE_ARN", "artifactStore", "type", "S3",
                  "location", "BUCKET", "stages", stages, "version", 1);
    if (json_array_size(variables))
        json_object_set(json_object_get(whole, "pipeline"), "variables", variables);
    json_decref(variables);
    export_put_json(x, whole);
    return status;
}

const struct exporter export_codepipeline = {
    .about = {"codepipeline", "a pipeline of AWS CodePipeline; its commands are in the buildspec"},
    .kinds = 1U << STEP_APPROVE,
    .unicode = true,
    .holds = HOLDS_ALWAYS,
    .unfit = unfit_for_codepipeline,
    .put = put,
};

/* ---- the buildspec ---- */

/* An artifact has what is beneath the folder. */
static int check_outputs(struct exporting *x, const struct step *s)
{
    char quoted[QUOTE_MAX];
    for (uint32_t k = 0; k < s->out_count; k++) {
        struct text path = x->p->paths[s->out[k]];
        if (path.at[0] == '/' || strncmp(path.at, "../", 3) == 0)
            return export_error(x, s, "no artifact can have a file outside of its folder: %s",
                                quote(quoted, path.at, path.len));
    }
    return 0;
}

static void put_commands(struct exporting *x, struct buf *b, uint32_t step)
{
    const struct step *s = &x->p->steps[step];
    for (uint32_t k = 0; k < s->wait_count; k++)
        if (export_wait_of(x->p, s, s->waits_for[k]) != WAIT_IN_ORDER)
            buf_format(b, "    cp -R \"$CODEBUILD_SRC_DIR_s%u/.\" . || exit\n",
                       (unsigned)s->waits_for[k] + 1);
    buf_puts(b, "    ");
    shell_put_step(b, x->p, s, SHELL_ALL);
    buf_puts(b, " || exit\n");
    if (s->out_count) {
        buf_puts(b, "    tar cf -");
        for (uint32_t k = 0; k < s->out_count; k++) {
            buf_puts(b, " ./");
            shell_put_word(b, x->p->paths[s->out[k]]);
        }
        buf_puts(b, " | tar xf - -C .artifact || exit\n");
    }
}

/* An artifact without files would be a failure. */
static void put_case(struct exporting *x, struct buf *b, uint32_t step)
{
    bool asks = x->when[step].count > 0;
    buf_format(b, "%s)\n", x->names[step]);
    if (asks) {
        buf_puts(b, "    if ");
        shell_put_conditions(b, x, step);
        buf_puts(b, "; then\n");
    }
    put_commands(x, b, step);
    if (asks)
        buf_puts(b, "    else\n    : >.artifact/.skipped\n    fi\n");
    buf_puts(b, "    ;;\n");
    shell_warn_of_retries(x, &x->p->steps[step]);
}

static void put_buildspec_variables(struct exporting *x)
{
    if (!export_any_kept(x))
        return;
    buf_puts(x->out, "env:\n  variables:\n");
    for (size_t i = 0; i < x->p->parameter_count; i++) {
        struct text value = x->p->parameters[i].value;
        if (!x->kept[i] || !value.at)
            continue;
        buf_format(x->out, "    %s: ", x->variables[i]);
        yaml_put_quoted(x->out, value);
        buf_putc(x->out, '\n');
    }
}

static int put_buildspec(struct exporting *x)
{
    struct buf script = {0}, whole = {0};
    int status = 0;
    buf_puts(&script, "mkdir -p .artifact || exit\ncase $STEP in\n");
    for (uint32_t i = 0; i < x->p->step_count && status == 0; i++) {
        if (x->skipped[i] || x->p->steps[i].entry->kind == STEP_APPROVE)
            continue;
        status = check_outputs(x, &x->p->steps[i]);
        put_case(x, &script, i);
    }
    buf_puts(&script, "*)\n    echo \"no step $STEP\" >&2\n    exit 2\n    ;;\nesac\n");
    shell_put_script(&whole, x, (struct text){script.at, script.len});
    buf_format(x->out, "# %s\nversion: 0.2\n", x->p->name);
    put_buildspec_variables(x);
    buf_puts(x->out, "phases:\n  build:\n    commands:\n      -");
    yaml_put_value(x->out, (struct text){whole.at, whole.len}, 8);
    buf_puts(x->out, "artifacts:\n  base-directory: .artifact\n  files:\n    - \"**/*\"\n");
    buf_release(&script);
    buf_release(&whole);
    return status;
}

const struct exporter export_buildspec = {
    .about = {"buildspec", "the buildspec.yml that goes with codepipeline"},
    .kinds = 1U << STEP_APPROVE,
    .unicode = true,
    .holds = HOLDS_ALWAYS,
    .unfit = unfit_for_codepipeline,
    .put = put_buildspec,
};
