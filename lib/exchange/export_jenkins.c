/* Jenkins: a declarative Jenkinsfile; steps of one level are parallel stages. */
#include "exchange/export.h"

/* A parameter as a word of sh: the scripts begin with what parameters are. */
static const char word_function[] =
    "def word(text) {\n"
    "    \"'\" + text.toString().replace(\"'\", \"'\\\\''\") + \"'\"\n"
    "}\n\n";

/* Groovy's text in three single quotes: nothing is put in, a backslash begins an escape. */
static void put_text(struct buf *b, const char *text)
{
    buf_puts(b, "'''");
    for (; *text; text++) {
        if (*text == '\\' || *text == '\'')
            buf_putc(b, '\\');
        if (*text == '\r')
            buf_puts(b, "\\r");
        else
            buf_putc(b, *text);
    }
    buf_puts(b, "'''");
}

/* ---- parameters ---- */

static void put_parameters(struct exporting *x)
{
    if (!export_any_kept(x))
        return;
    buf_puts(x->out, "    parameters {\n");
    for (size_t i = 0; i < x->p->parameter_count; i++) {
        const struct parameter *p = &x->p->parameters[i];
        bool truth = p->type == PARAMETER_BOOLEAN && p->value.at;
        if (!x->kept[i])
            continue;
        if (!p->value.at)
            export_warn_of_all(x, "parameter %s: Jenkins takes an empty text where none is given",
                               p->name);
        buf_format(x->out, "        %s(name: '%s'", truth ? "booleanParam" : "string", p->name);
        if (p->value.at)
            buf_puts(x->out, ", defaultValue: ");
        if (truth)
            buf_puts(x->out, p->value.at);
        else if (p->value.at)
            put_text(x->out, p->value.at);
        buf_puts(x->out, ")\n");
    }
    buf_puts(x->out, "    }\n");
}

/* A text of Groovy: the script behind lines that set what it knows of parameters. */
static void put_script(struct exporting *x, struct text script)
{
    struct buf whole = {0};
    struct text rest = script, plain;
    uint32_t used;
    bool *seen = mem_alloc(x->p->parameter_count + 1);
    while (export_next(&rest, &plain, &used)) {
        if (used == PARAMETER_NONE || seen[used])
            continue;
        seen[used] = true;
        buf_format(x->out, "'%s=' + word(params['%s']) + '\\n' + ", x->variables[used],
                   x->p->parameters[used].name);
    }
    shell_put_script(&whole, x, script);
    put_text(x->out, buf_text(&whole));
    mem_free(seen);
    buf_release(&whole);
}

/* ---- stages ---- */

static void put_when(struct exporting *x, uint32_t step, int depth)
{
    struct buf conditions = {0};
    if (x->when[step].count == 0)
        return;
    shell_put_conditions(&conditions, x, step);
    buf_format(x->out, "%*swhen {\n%*sexpression {\n%*ssh(returnStatus: true, script: ", depth, "",
               depth + 4, "", depth + 8, "");
    put_script(x, (struct text){conditions.at, conditions.len});
    buf_format(x->out, ") == 0\n%*s}\n%*s}\n", depth + 4, "", depth, "");
    buf_release(&conditions);
}

static void put_input(struct exporting *x, const struct step *s)
{
    struct buf may = {0};
    buf_puts(x->out, "input(message: ");
    put_text(x->out, s->name);
    export_put_may(&may, s);
    if (may.len) {
        buf_puts(x->out, ", submitter: ");
        put_text(x->out, buf_text(&may));
    }
    buf_putc(x->out, ')');
    buf_release(&may);
}

static void put_stage(struct exporting *x, uint32_t step, int depth)
{
    const struct step *s = &x->p->steps[step];
    struct buf script = {0};
    buf_format(x->out, "%*sstage('%s') {\n", depth, "", x->names[step]);
    put_when(x, step, depth + 4);
    buf_format(x->out, "%*ssteps {\n%*s", depth + 4, "", depth + 8, "");
    if (s->entry->kind == STEP_APPROVE) {
        put_input(x, s);
    } else if (s->entry->kind == STEP_FAIL && !export_has_mark(text_of(s->message))) {
        buf_puts(x->out, "error ");
        put_text(x->out, s->message);
    } else {
        shell_put_step(&script, x->p, s, SHELL_ALL);
        buf_puts(x->out, "sh(");
        put_script(x, (struct text){script.at, script.len});
        buf_puts(x->out, ")");
    }
    buf_format(x->out, "\n%*s}\n%*s}\n", depth + 4, "", depth, "");
    buf_release(&script);
    shell_warn_of_retries(x, s);
}

static void put_level(struct exporting *x, const struct levels *l, uint32_t at)
{
    bool alone = l->from[at + 1] - l->from[at] == 1;
    if (!alone)
        buf_format(x->out, "        stage('%s') {\n            parallel {\n",
                   export_new_name(x, "together"));
    for (uint32_t i = l->from[at]; i < l->from[at + 1]; i++)
        put_stage(x, l->steps[i], alone ? 8 : 16);
    if (!alone)
        buf_puts(x->out, "            }\n        }\n");
}

static int put(struct exporting *x)
{
    struct levels levels = export_levels(x);
    buf_format(x->out, "// %s\n%spipeline {\n    agent any\n", x->p->name,
               export_any_kept(x) ? word_function : "");
    put_parameters(x);
    buf_puts(x->out, "    stages {\n");
    for (uint32_t i = 0; i < levels.count; i++)
        put_level(x, &levels, i);
    if (levels.count == 0)
        buf_puts(x->out, "        stage('nothing') {\n            steps {\n                echo "
                         "'nothing to do'\n            }\n        }\n");
    buf_puts(x->out, "    }\n}\n");
    return 0;
}

const struct exporter export_jenkins = {
    .about = {"jenkins", "a declarative Jenkinsfile"},
    .kinds = 1U << STEP_APPROVE,
    .holds = HOLDS_ALWAYS,
    .put = put,
};
