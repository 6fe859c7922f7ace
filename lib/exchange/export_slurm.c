/* Slurm: a script of sh that submits a job for each step, behind those it waits for. */
#include "exchange/export.h"

static const char head[] =
    "set -eu\n"
    "ids=\n"
    "# submit NAME OPTION...: the script is standard input, the job's number goes into $id; when\n"
    "# one cannot be submitted, those before it do not stay.\n"
    "submit() {\n"
    "    name=$1\n"
    "    shift\n"
    "    id=$(sbatch --parsable --open-mode=append --kill-on-invalid-dep=yes --job-name=\"$name\" "
    "\"$@\" ${SBATCH_OPTIONS-}) || {\n"
    "        [ -z \"$ids\" ] || scancel $ids\n"
    "        exit 4\n"
    "    }\n"
    "    id=${id%%;*}\n"
    "    ids=\"$ids $id\"\n"
    "    printf '%s %s\\n' \"$name\" \"$id\"\n"
    "}\n";

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

static void put_job(struct exporting *x, uint32_t step)
{
    const struct step *s = &x->p->steps[step];
    struct buf script = {0}, end = {0};
    buf_puts(&script, "#!/bin/sh\n");
    shell_put_step(&script, x->p, s, SHELL_ALL);
    buf_putc(&script, '\n');
    choose_end(&end, (struct text){script.at, script.len});
    buf_format(x->out, "\nsubmit %s", x->names[step]);
    for (uint32_t k = 0; k < s->wait_count; k++)
        buf_format(x->out, "%s$s%u",
                   k ? ":" : " --dependency=afterok:", (unsigned)s->waits_for[k] + 1);
    buf_format(x->out, " <<'%s'\n%s%s\n", buf_text(&end), buf_text(&script), buf_text(&end));
    buf_format(x->out, "s%u=$id\n", (unsigned)step + 1);
    buf_release(&script);
    buf_release(&end);
}

static int put(struct exporting *x)
{
    const struct pipeline *p = x->p;
    buf_format(x->out,
               "#!/bin/sh\n"
               "# %s: run it in the folder of the definition; it submits a job for each step.\n"
               "# SBATCH_OPTIONS may hold options for all of them.\n%s",
               p->name, head);
    for (size_t i = 0; i < p->step_count; i++)
        if (!x->skipped[p->order[i]])
            put_job(x, p->order[i]);
    return 0;
}

const struct exporter export_slurm = {
    .about = {"slurm", "a shell script that submits a job for each step to Slurm"},
    .put = put,
};
