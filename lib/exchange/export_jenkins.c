/* Jenkins: a declarative Jenkinsfile; steps of one level are parallel stages. */
#include "exchange/export.h"

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

static void put_stage(struct exporting *x, uint32_t step, int depth)
{
    const struct step *s = &x->p->steps[step];
    struct buf script = {0};
    buf_format(x->out, "%*sstage('%s') {\n%*ssteps {\n%*s", depth, "", x->names[step], depth + 4,
               "", depth + 8, "");
    if (s->entry->kind == STEP_FAIL) {
        buf_puts(x->out, "error ");
        put_text(x->out, s->message);
    } else {
        shell_put_step(&script, x->p, s, SHELL_ALL);
        buf_puts(x->out, "sh ");
        put_text(x->out, buf_text(&script));
    }
    buf_format(x->out, "\n%*s}\n%*s}\n", depth + 4, "", depth, "");
    buf_release(&script);
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
    buf_format(x->out, "// %s\npipeline {\n    agent any\n    stages {\n", x->p->name);
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
    .put = put,
};
