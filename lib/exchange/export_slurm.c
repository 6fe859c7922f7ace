/* Slurm: a script of sh that submits a job for each step, behind those it waits for. */
#include "exchange/export.h"

static const char head[] =
    "ids=\n"
    "# submit NAME OPTION...: the script is standard input, the job's number goes into $id; when\n"
    "# one cannot be submitted, those before it do not stay.\n"
    "submit() {\n"
    "    name=$1\n"
    "    shift\n"
    "    id=$(job | sbatch --parsable --open-mode=append --kill-on-invalid-dep=yes "
    "--job-name=\"$name\" \"$@\" ${SBATCH_OPTIONS-}) || {\n"
    "        [ -z \"$ids\" ] || scancel $ids\n"
    "        exit 4\n"
    "    }\n"
    "    id=${id%%;*}\n"
    "    ids=\"$ids $id\"\n"
    "    printf '%s %s\\n' \"$name\" \"$id\"\n"
    "}\n";

/* ---- parameters ---- */

static void put_default(struct exporting *x, size_t i)
{
    const struct parameter *p = &x->p->parameters[i];
    if (!p->value.at)
        return;
    buf_format(x->out, "%s=", x->variables[i]);
    if (p->value.len)
        shell_put_word(x->out, p->value);
    buf_putc(x->out, '\n');
}

/* What a job begins with: its parameters are variables of it that are not passed on. */
static void put_job_head(struct exporting *x)
{
    bool some = export_any_kept(x);
    if (some)
        buf_puts(x->out, "# word VALUE: as one of sh.\n"
                         "word() {\n"
                         "    printf '%s\\n' \"$1\" | sed \"s/'/'\\\\\\\\''/g; 1s/^/'/; "
                         "\\$s/\\$/'/\"\n"
                         "}\n");
    buf_puts(x->out, "# job: adds the first lines of a job's script.\n"
                     "job() {\n"
                     "    echo '#!/bin/sh'\n");
    for (size_t i = 0; i < x->p->parameter_count; i++)
        if (x->kept[i])
            buf_format(x->out, "    printf '%s=%%s\\n' \"$(word \"$%s\")\"\n", x->variables[i],
                       x->variables[i]);
    buf_puts(x->out, "    cat\n}\n");
}

static void put_parameters(struct exporting *x)
{
    const struct pipeline *p = x->p;
    for (size_t i = 0; i < p->parameter_count; i++)
        if (x->kept[i])
            put_default(x, i);
    buf_puts(x->out, "for given; do\n    case $given in\n");
    for (size_t i = 0; i < p->parameter_count; i++)
        if (x->kept[i])
            buf_format(x->out, "    %s=*) %s=${given#*=} ;;\n", p->parameters[i].name,
                       x->variables[i]);
    buf_puts(x->out, "    *)\n        printf 'there is no parameter %s\\n' \"$given\" >&2\n"
                     "        exit 2\n        ;;\n    esac\ndone\n");
    for (size_t i = 0; i < p->parameter_count; i++)
        if (x->kept[i] && !p->parameters[i].value.at)
            buf_format(x->out, ": \"${%s?parameter %s has no default: give %s=VALUE}\"\n",
                       x->variables[i], p->parameters[i].name, p->parameters[i].name);
}

/* ---- jobs ---- */

/* A word that is no line of the text. */
static void choose_end(struct buf *end, struct text text)
{
    buf_puts(end, "END");
    for (unsigned n = 2;; n++) {
        struct buf line = {0};
        buf_format(&line, "\n%s\n", buf_text(end));
        bool is_there = memmem(text.at, text.len, line.at, line.len) != NULL;
        buf_release(&line);
        if (!is_there)
            return;
        end->len = 0;
        buf_format(end, "END%u", n);
    }
}

static void put_resources(struct exporting *x, const struct step_entry *s)
{
    if (s->cpus > 1)
        buf_format(x->out, " --cpus-per-task=%u", s->cpus);
    if (s->gpus)
        buf_format(x->out, " --gres=gpu:%u", s->gpus);
    if (s->limits.memory)
        buf_format(x->out, " --mem=%lluK", (unsigned long long)(s->limits.memory + 1023) / 1024);
}

static void put_submission(struct exporting *x, uint32_t step)
{
    const struct step *s = &x->p->steps[step];
    struct buf script = {0}, whole = {0}, end = {0};
    shell_put_step(&whole, x->p, s, SHELL_ALL);
    buf_putc(&whole, '\n');
    shell_put_script(&script, x, (struct text){whole.at, whole.len});
    choose_end(&end, (struct text){script.at, script.len});
    buf_format(x->out, "submit %s", x->names[step]);
    put_resources(x, s->entry);
    for (uint32_t k = 0; k < s->wait_count; k++)
        buf_format(x->out, "%s$s%u",
                   k ? ":" : " --dependency=afterok:", (unsigned)s->waits_for[k] + 1);
    buf_format(x->out, " <<'%s'\n%s%s\n", buf_text(&end), buf_text(&script), buf_text(&end));
    buf_format(x->out, "s%u=$id\n", (unsigned)step + 1);
    buf_release(&script);
    buf_release(&whole);
    buf_release(&end);
    shell_warn_of_retries(x, s);
}

/* A step whose conditions do not hold is not submitted, and neither is what waits for it. */
static void put_job(struct exporting *x, uint32_t step)
{
    struct buf conditions = {0};
    bool asks = x->when[step].count > 0;
    shell_put_conditions(&conditions, x, step);
    buf_putc(x->out, '\n');
    buf_puts(x->out, asks ? "if " : "");
    shell_put_script(x->out, x, (struct text){buf_text(&conditions), conditions.len});
    buf_puts(x->out, asks ? "; then\n" : "");
    put_submission(x, step);
    buf_puts(x->out, asks ? "fi\n" : "");
    buf_release(&conditions);
}

static int put(struct exporting *x)
{
    const struct pipeline *p = x->p;
    bool some = export_any_kept(x);
    buf_format(x->out,
               "#!/bin/sh\n"
               "# %s: run it in the folder of the definition; it submits a job for each step.\n"
               "%s# SBATCH_OPTIONS may hold options for all of them.\nset -eu\n",
               p->name, some ? "# Its operands are parameters, as NAME=VALUE.\n" : "");
    if (some)
        put_parameters(x);
    put_job_head(x);
    buf_puts(x->out, head);
    for (size_t i = 0; i < p->step_count; i++)
        if (!x->skipped[p->order[i]])
            put_job(x, p->order[i]);
    return 0;
}

const struct exporter export_slurm = {
    .about = {"slurm", "a shell script that submits a job for each step to Slurm"},
    .holds = HOLDS_CPUS | HOLDS_GPUS | HOLDS_MEMORY | HOLDS_ALWAYS,
    .put = put,
};
