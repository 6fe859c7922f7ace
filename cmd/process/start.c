/* A job made from options, and run. */
#include "process.h"

#include "sys/sys.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

/* ---- names ---- */

/* STEM-20260131-100000-7f3a */
static char *make_name(const char *stem)
{
    uint8_t bytes[2];
    char time[TIME_MAX];
    struct buf b = {0};
    entropy(bytes, sizeof bytes);
    size_t n = time_print(time, clock_now());
    for (const char *at = stem; *at && b.len < 32; at++)
        if (isalnum((unsigned char)*at))
            buf_putc(&b, *at);
        else if (b.len && b.at[b.len - 1] != '-')
            buf_putc(&b, '-');
    if (b.len && b.at[b.len - 1] == '-')
        b.len--;
    buf_puts(&b, b.len ? "-" : "job-");
    for (size_t i = 0; i < n && i < 19; i++) {
        if (time[i] >= '0' && time[i] <= '9')
            buf_putc(&b, time[i]);
        else if (time[i] == 'T')
            buf_putc(&b, '-');
    }
    buf_format(&b, "-%02x%02x", bytes[0], bytes[1]);
    return buf_take(&b);
}

static int check_name(const char *name, struct error *e)
{
    size_t n = strlen(name);
    bool is = n > 0 && n <= 63 && name[0] != '-' && name[n - 1] != '-';
    for (const char *at = name; *at; at++)
        is = is && (isalnum((unsigned char)*at) || *at == '-');
    if (is && strcmp(name, "last") != 0)
        return 0;
    return error_set(e, ERR_USAGE, "--name: '%s' is no name: 1 to 63 letters, digits and - inside",
                     name);
}

static int check_variables(const struct option_list *list, struct error *e)
{
    for (size_t i = 0; i < list->len; i++) {
        const char *name = list->at[i], *equals = strchr(name, '=');
        bool is = equals && equals > name && !isdigit((unsigned char)*name);
        for (const char *at = name; is && at < equals; at++)
            is = isalnum((unsigned char)*at) || *at == '_';
        if (!is)
            return error_set(e, ERR_USAGE, "--env: '%s' is no NAME=VALUE", name);
    }
    return 0;
}

/* Limits are kept or refused; a sandbox that cannot be had is only a warning: the variables say
 * where everything is. */
static int settle_isolation(struct processing_job *j, struct error *e)
{
    struct error why = {0};
    bool isolated = j->isolated;
    if (isolated && sandbox_possible(&why) != 0) {
        if (j->no_network)
            return error_set(e, ERR_SYSTEM, "--no-network: %.300s", why.message);
        cli_warn("--isolate: %s: folders are where $ML_INPUT_NAME and $ML_OUTPUT_NAME say",
                 why.message);
        j->isolated = false;
    }
    return processing_possible(j, e);
}

int start_prepare(const struct start_options *o, const char *stem, struct processing_job *j,
                  struct error *e)
{
    int status = o->name ? check_name(o->name, e) : 0;
    if (status == 0)
        status = check_variables(&o->environment, e);
    if (status)
        return status;
    bool csv = o->records == 0;
    j->name = o->name ? mem_text(o->name) : make_name(stem);
    j->environment = mem_array(NULL, o->environment.len + 1, sizeof *j->environment);
    for (size_t i = 0; i < o->environment.len; i++)
        j->environment[i] = (char *)(uintptr_t)o->environment.at[i];
    j->environment[o->environment.len] = NULL;
    j->instances = (size_t)o->instances;
    j->method = o->shard >= 0 ? (enum shard_method)o->shard : SHARD_KEY;
    j->records = (struct shard_records){csv, csv ? '"' : 0, o->records == 2};
    j->records_by_name = o->records < 0;
    j->max_runtime = o->max_runtime;
    j->grace = o->grace;
    j->attempts = (unsigned)o->retries + 1;
    j->isolated = o->isolate;
    j->no_network = o->no_network;
    j->limits =
        (struct limits){.memory = o->memory, .processes = (uint32_t)o->processes, .cpus = o->cpus};
    if (o->no_network && !o->isolate)
        return error_set(e, ERR_USAGE, "--no-network: wants --isolate");
    return settle_isolation(j, e);
}

void start_release(struct processing_job *j)
{
    mem_free((char *)(uintptr_t)j->name);
    mem_free(j->environment);
}

/* ---- what is told ---- */

struct teller {
    struct progress progress;
};

static void tell(void *context, const struct processing_result *r)
{
    struct teller *t = context;
    char status[64], text[1024], shown[1024];
    if (r->final)
        progress_add(&t->progress, 1);
    if (r->status == 0)
        return;
    if (r->timed_out)
        (void)snprintf(status, sizeof status, "its time was up");
    else if (r->signal)
        (void)snprintf(status, sizeof status, "signal %d", r->signal);
    else
        (void)snprintf(status, sizeof status, "exit status %d", r->status);
    struct text said = r->problem[0] ? text_of(r->problem) : r->message;
    (void)snprintf(text, sizeof text, "%.*s", said.at ? (int)said.len : 0, said.at ? said.at : "");
    (void)snprintf(shown, sizeof shown, "algo-%zu, attempt %u: %s%s%.800s", r->instance + 1,
                   r->attempt, status, text[0] ? ": " : "", text);
    struct error e = {0};
    error_set(&e, ERR_NO, "%s", shown);
    if (r->final)
        (void)cli_report(&e);
    else
        cli_note("%s", shown);
}

int run_job(struct processing *p, int64_t jobs, const struct engine_given *engine,
            struct processing_summary *out, struct error *e)
{
    struct teller t = {0};
    progress_start(&t.progress, "processing", "instances", processing_instances(p));
    struct processing_run how = {.jobs = jobs ? (unsigned)jobs : cpu_count(),
                                 .engine = engine_options(engine),
                                 .tell = tell,
                                 .context = &t};
    int status = processing_run(p, &how, out, e);
    progress_finish(&t.progress);
    return status;
}

/* Whoever looks at the job from now on sees that it runs. */
static void wait_until_it_runs(const struct processing *p, pid_t pid)
{
    while (!processing_runner(p) && waitpid(pid, NULL, WNOHANG) == 0)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* The background process: what it says goes nowhere, and what becomes of the job is in its folder.
 */
static int start_detached(const struct start_options *o, struct processing *p)
{
    struct error e = {0};
    struct processing_summary s;
    pid_t pid = process_detach(&e);
    if (pid < 0)
        return process_finish(e.code, &e);
    if (pid > 0) {
        wait_until_it_runs(p, pid);
        puts(processing_job_of(p)->name);
        return 0;
    }
    _Exit(run_job(p, o->jobs, &o->engine, &s, &e) == 0 ? exit_status_of(&s) : -e.code);
}

/* Whether what the instances write comes on standard output. */
static bool writes_here(const struct processing_job *j)
{
    return j->streams && strcmp(j->outputs[0].path, "-") == 0;
}

int start_job(const struct start_options *o, const struct processing_job *j)
{
    struct error e = {0};
    struct processing *p = NULL;
    struct processing_summary s = {0};
    char *program = program_path(j->argv[0]);
    if (!program) {
        error_set(&e, ERR_USAGE, "%s: not found", j->argv[0]);
        (void)cli_report(&e);
        return 127;
    }
    mem_free(program);
    if (o->detach && writes_here(j))
        return cli_usage("--detach: the output wants a place: --output");
    char *home = jobs_home(true, &e);
    int status = home
                     ? processing_create(home, j, o->jobs ? (unsigned)o->jobs : cpu_count(), &p, &e)
                     : e.code;
    mem_free(home);
    if (status == 0 && o->detach) {
        status = start_detached(o, p);
        processing_free(p);
        return status;
    }
    if (status == 0)
        status = run_job(p, o->jobs, &o->engine, &s, &e);
    if (status == 0) {
        if (!writes_here(j))
            put_summary(p, &s);
        status = exit_status_of(&s);
    }
    processing_free(p);
    return process_finish(status, &e);
}
