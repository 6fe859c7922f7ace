/* Airflow: a DAG file. Its operator is one whose texts are no templates, as a command may have
 * double braces. */
#include "exchange/export.h"

static const char head[] =
    "import os\n"
    "from datetime import datetime, timedelta\n"
    "\n"
    "from airflow import DAG\n"
    "from airflow.operators.bash import BashOperator\n"
    "\n"
    "FOLDER = os.environ.get(\"PIPE_FOLDER\") or os.path.dirname(os.path.abspath(__file__))\n"
    "\n"
    "\n"
    "class Step(BashOperator):\n"
    "    template_fields = ()\n"
    "\n"
    "\n";

/* JSON's escapes are among those of Python. */
static void put_text(struct buf *b, struct text text)
{
    json_put_string(b, text.at ? text.at : "", text.len);
}

/* Airflow's own back-off is another one than ours. */
static bool retries_itself(const struct step_entry *s)
{
    return s->attempts > 1 && s->backoff == 1;
}

static void put_task(struct exporting *x, uint32_t step)
{
    const struct step *s = &x->p->steps[step];
    struct buf script = {0};
    unsigned parts = SHELL_FILES | SHELL_ENVIRONMENT;
    parts |= retries_itself(s->entry) ? 0 : SHELL_RETRY | SHELL_TIMEOUT;
    shell_put_step(&script, x->p, s, parts);
    buf_format(x->out, "    s%u = Step(\n        task_id=", (unsigned)step + 1);
    put_text(x->out, text_of(x->names[step]));
    buf_puts(x->out, ",\n        bash_command=");
    put_text(x->out, (struct text){script.at, script.len});
    buf_puts(x->out, ",\n        cwd=FOLDER,\n        append_env=True,\n");
    buf_puts(x->out, "        skip_on_exit_code=None,\n");
    if (retries_itself(s->entry)) {
        buf_format(x->out,
                   "        retries=%u,\n        retry_delay=timedelta(microseconds=%lld),\n",
                   s->entry->attempts - 1, (long long)s->entry->interval);
        if (s->entry->timeout)
            buf_format(x->out, "        execution_timeout=timedelta(microseconds=%lld),\n",
                       (long long)s->entry->timeout);
    } else {
        buf_puts(x->out, "        retries=0,\n");
    }
    buf_puts(x->out, "    )\n");
    buf_release(&script);
}

static int put(struct exporting *x)
{
    const struct pipeline *p = x->p;
    buf_format(x->out, "# %s: the folder of the definition is that of this file, or $PIPE_FOLDER\n",
               p->name);
    buf_puts(x->out, head);
    buf_puts(x->out, "with DAG(\n    dag_id=");
    put_text(x->out, text_of(p->name));
    buf_puts(x->out, ",\n    start_date=datetime(2020, 1, 1),\n    schedule=None,\n"
                     "    catchup=False,\n    max_active_runs=1,\n):\n");
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
    .put = put,
};
