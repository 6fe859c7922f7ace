/* Airflow: a DAG file. Its operator is one whose commands are no templates, as they may have double
 * braces: parameters come by variables of the environment. */
#include "exchange/export.h"

enum { SKIPPED = 99 }; /* the status that BashOperator takes for it */

static const char head[] =
    "import os\n"
    "from datetime import datetime, timedelta\n"
    "\n"
    "from airflow import DAG\n"
    "%s"
    "from airflow.operators.bash import BashOperator\n"
    "\n"
    "FOLDER = os.environ.get(\"PIPE_FOLDER\") or os.path.dirname(os.path.abspath(__file__))\n"
    "\n"
    "\n"
    "class Step(BashOperator):\n"
    "    template_fields = (\"env\",)\n"
    "\n";

/* JSON's escapes are among those of Python. */
static void put_text(struct buf *b, struct text text)
{
    json_put_string(b, text.at ? text.at : "", text.len);
}

/* ---- parameters ---- */

static void put_parameter(struct exporting *x, size_t i)
{
    static const char *const more[] = {
        [PARAMETER_STRING] = "",
        [PARAMETER_INTEGER] = ", pattern=\"^[+-]?[0-9]+$\"",
        [PARAMETER_FLOAT] = ", pattern=\"^[0-9.eE+-]+$\"",
        [PARAMETER_BOOLEAN] = ", enum=[\"true\", \"false\"]",
    };
    const struct parameter *p = &x->p->parameters[i];
    buf_puts(x->out, "        ");
    put_text(x->out, text_of(p->name));
    buf_puts(x->out, ": Param(");
    if (p->value.at)
        put_text(x->out, p->value);
    buf_format(x->out, "%stype=\"string\"%s),\n", p->value.at ? ", " : "", more[p->type]);
}

static void put_parameters(struct exporting *x)
{
    if (!export_any_kept(x))
        return;
    buf_puts(x->out, "    params={\n");
    for (size_t i = 0; i < x->p->parameter_count; i++)
        if (x->kept[i])
            put_parameter(x, i);
    buf_puts(x->out, "    },\n");
}

/* Variables that tasks have their parameters by. */
static void put_variables(struct exporting *x)
{
    if (!export_any_kept(x))
        return;
    buf_puts(x->out, "\nPARAMETERS = {\n");
    for (size_t i = 0; i < x->p->parameter_count; i++)
        if (x->kept[i])
            buf_format(x->out, "    \"%s\": \"{{ params['%s'] }}\",\n", x->variables[i],
                       x->p->parameters[i].name);
    buf_puts(x->out, "}\n\n");
}

/* ---- tasks ---- */

/* Airflow's own back-off is another one than ours. */
static bool retries_itself(const struct step_entry *s)
{
    const struct retry *r = s->retry_count == 1 ? &s->retries[0] : NULL;
    return r && r->classes == RETRY_ANY && r->attempts > 1 && r->backoff == 1 && !r->expires;
}

/* The command, and that it ends with another status than the one of steps that are skipped. */
static void put_script(struct exporting *x, uint32_t step, unsigned parts)
{
    const struct step *s = &x->p->steps[step];
    struct buf script = {0}, whole = {0};
    bool asks = x->when[step].count > 0;
    if (asks) {
        shell_put_conditions(&script, x, step);
        buf_format(&script, " || exit %d\n", SKIPPED);
    }
    shell_put_step(&script, x->p, s, parts);
    if (asks)
        buf_format(&script, " || { s=$?; [ $s -ne %d ] || s=1; exit $s; }", SKIPPED);
    shell_put_script(&whole, x, (struct text){script.at, script.len});
    put_text(x->out, (struct text){whole.at, whole.len});
    buf_release(&script);
    buf_release(&whole);
}

static void put_retries(struct exporting *x, const struct step_entry *s)
{
    if (!retries_itself(s)) {
        buf_puts(x->out, "        retries=0,\n");
        return;
    }
    buf_format(x->out, "        retries=%u,\n        retry_delay=timedelta(microseconds=%lld),\n",
               s->retries[0].attempts - 1, (long long)s->retries[0].interval);
    if (s->timeout)
        buf_format(x->out, "        execution_timeout=timedelta(microseconds=%lld),\n",
                   (long long)s->timeout);
}

static void put_task(struct exporting *x, uint32_t step)
{
    const struct step *s = &x->p->steps[step];
    unsigned parts = SHELL_FILES | SHELL_ENVIRONMENT;
    parts |= retries_itself(s->entry) ? 0 : SHELL_RETRY | SHELL_TIMEOUT;
    buf_format(x->out, "    s%u = Step(\n        task_id=", (unsigned)step + 1);
    put_text(x->out, text_of(x->names[step]));
    buf_puts(x->out, ",\n        bash_command=");
    put_script(x, step, parts);
    buf_puts(x->out, ",\n        cwd=FOLDER,\n        append_env=True,\n");
    if (export_any_kept(x))
        buf_puts(x->out, "        env=PARAMETERS,\n");
    if (x->when[step].count)
        buf_format(x->out, "        skip_on_exit_code=%d,\n", SKIPPED);
    else
        buf_puts(x->out, "        skip_on_exit_code=None,\n");
    if (s->entry->priority)
        buf_format(x->out, "        priority_weight=%lld,\n        weight_rule=\"absolute\",\n",
                   (long long)s->entry->priority);
    if (s->entry->cpus > 1)
        buf_format(x->out, "        pool_slots=%u,\n", s->entry->cpus);
    put_retries(x, s->entry);
    buf_puts(x->out, "    )\n");
    if (!retries_itself(s->entry))
        shell_warn_of_retries(x, s);
}

static int put(struct exporting *x)
{
    const struct pipeline *p = x->p;
    buf_format(x->out, "# %s: the folder of the definition is that of this file, or $PIPE_FOLDER\n",
               p->name);
    buf_format(x->out, head, export_any_kept(x) ? "from airflow.models.param import Param\n" : "");
    put_variables(x);
    buf_puts(x->out, "\nwith DAG(\n    dag_id=");
    put_text(x->out, text_of(p->name));
    buf_puts(x->out, ",\n    start_date=datetime(2020, 1, 1),\n    schedule=None,\n"
                     "    catchup=False,\n    max_active_runs=1,\n");
    put_parameters(x);
    buf_puts(x->out, "):\n");
    size_t count = 0;
    for (uint32_t i = 0; i < p->step_count; i++)
        if (!x->skipped[i]) {
            put_task(x, i);
            count++;
        }
    for (uint32_t i = 0; i < p->step_count; i++)
        for (uint32_t k = 0; k < p->steps[i].wait_count && !x->skipped[i]; k++)
            buf_format(x->out, "    s%u >> s%u\n", (unsigned)p->steps[i].waits_for[k] + 1,
                       (unsigned)i + 1);
    if (count == 0)
        buf_puts(x->out, "    pass\n");
    return 0;
}

const struct exporter export_airflow = {
    .about = {"airflow", "a DAG file of Airflow, in Python"},
    .unicode = true,
    .holds = HOLDS_PRIORITY | HOLDS_CPUS | HOLDS_ALWAYS,
    .put = put,
};
