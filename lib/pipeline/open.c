/* What a run needs: the tool's state, its lock, and what earlier runs left. */
#include "pipeline/event.h"
#include "pipeline/running.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- names ---- */

/* RFC 9562, version 7: milliseconds, then bytes that nobody can foresee. */
static void make_id(char out[static 40])
{
    uint8_t b[16];
    uint64_t ms = (uint64_t)clock_now() / 1000;
    entropy(b, sizeof b);
    for (int i = 0; i < 6; i++)
        b[i] = (uint8_t)(ms >> (40 - 8 * i));
    b[6] = (uint8_t)(0x70 | (b[6] & 0x0f));
    b[8] = (uint8_t)(0x80 | (b[8] & 0x3f));
    char *at = out;
    for (int i = 0; i < 16; i++)
        at += snprintf(at, 4, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
}

/* A definition is known by where it is. */
char *pipeline_state_path(const char *home, const char *definition, const char *what)
{
    char *whole = realpath(definition, NULL);
    const char *path = whole ? whole : definition;
    char *out = mem_format("%s/locks/%016llx.%s", home,
                           (unsigned long long)xxh64(path, strlen(path), 0), what);
    free(whole);
    return out;
}

static int make_folder(const char *home, const char *part, struct error *e)
{
    char *path = mem_format("%s%s%s", home, *part ? "/" : "", part);
    int status = folder_make(path, e);
    mem_free(path);
    return status;
}

static int make_state(struct run *r, struct error *e)
{
    static const char *const parts[] = {"objects", "locks", "runs", "definitions"};
    int status = 0;
    for (size_t i = 0; i < COUNT_OF(parts) && status == 0; i++)
        status = make_folder(r->o->home, parts[i], e);
    return status;
}

/* ---- the ledger's events of a run ---- */

static void put_parameters(struct buf *b, const struct pipeline *p)
{
    buf_puts(b, ",\"parameters\":{");
    for (size_t i = 0; i < p->parameter_count; i++) {
        const struct parameter *x = &p->parameters[i];
        buf_puts(b, i ? "," : "");
        json_put_string(b, x->name, strlen(x->name));
        buf_putc(b, ':');
        json_put_string(b, x->value.at, x->value.len);
    }
    buf_putc(b, '}');
}

/* resume reads it. */
static void put_choice(struct buf *b, const struct step_choice *c)
{
    if (c->to_count)
        event_put_list(b, "to", c->to, c->to_count);
    if (c->only_count)
        event_put_list(b, "only", c->only, c->only_count);
    if (c->from)
        event_put(b, "from", c->from);
}

static void add_start(struct run *r)
{
    struct buf b = {0};
    char digest[2 * SHA256_SIZE + 1], host[256] = "";
    (void)gethostname(host, sizeof host - 1);
    sha256_hex(r->p->source, digest);
    buf_puts(&b, "\"event\":\"run\",\"state\":\"Executing\"");
    event_put(&b, "run", r->summary->id);
    event_put(&b, "pipeline", r->p->name);
    event_put(&b, "path", r->p->path);
    event_put(&b, "definition", digest);
    event_put(&b, "host", host);
    put_parameters(&b, r->p);
    put_choice(&b, &r->o->choice);
    code_put(&b, r->p->folder);
    buf_format(&b, ",\"steps\":%zu", r->p->step_count);
    ledger_add(r->ledger, (struct text){b.at, b.len});
    r->pending++;
    buf_release(&b);
}

void run_put_counts(const struct run_summary *s, struct buf *b)
{
    buf_format(b,
               ",\"steps\":%zu,\"ran\":%zu,\"up_to_date\":%zu,\"restored\":%zu,\"failed\":%zu,"
               "\"skipped\":%zu,"
               "\"blocked\":%zu,\"pending\":%zu",
               s->steps, s->ran, s->up_to_date, s->restored, s->failed, s->skipped, s->blocked,
               s->pending);
}

void run_put_end(const struct run *r, const char *state, struct buf *b)
{
    buf_puts(b, "\"event\":\"run\"");
    event_put(b, "state", state);
    event_put(b, "run", r->summary->id);
    event_put(b, "pipeline", r->p->name);
    run_put_counts(r->summary, b);
}

/* ---- definitions, kept by their digest ---- */

static int keep_definition(struct run *r, struct error *e)
{
    char digest[2 * SHA256_SIZE + 1];
    struct replace *file = NULL;
    sha256_hex(r->p->source, digest);
    char *path = mem_format("%s/definitions/%s", r->o->home, digest);
    int status = 0;
    if (access(path, F_OK) != 0) {
        status = replace_open(path, &file, e);
        if (status == 0)
            status = file_write(replace_fd(file), r->p->source.at, r->p->source.len, path, e);
        if (status == 0)
            status = replace_commit(file, e);
        else
            replace_abort(file);
    }
    mem_free(path);
    return status;
}

/* ---- opening ---- */

void run_allocate(struct run *r)
{
    size_t n = r->p->step_count + 1, paths = r->p->path_count + 1;
    r->files = mem_alloc(paths * sizeof *r->files);
    r->unknown = mem_alloc(paths * sizeof *r->unknown);
    r->state = mem_alloc(n);
    r->fate = mem_alloc(n);
    r->left = mem_alloc(n * sizeof *r->left);
    r->attempt = mem_alloc(n * sizeof *r->attempt);
    r->fingerprint = mem_alloc(n * sizeof *r->fingerprint);
    r->summary->steps = r->p->step_count;
}

void run_free_steps(struct run *r)
{
    mem_free(r->files);
    mem_free(r->unknown);
    mem_free(r->state);
    mem_free(r->chosen);
    mem_free(r->forced);
    mem_free(r->fate);
    mem_free(r->left);
    mem_free(r->attempt);
    mem_free(r->rest);
    mem_free(r->gpus);
    mem_free(r->fingerprint);
    retries_free(r->retries);
    r->chosen = r->forced = NULL;
    r->rest = NULL;
    r->gpus = NULL;
    r->retries = NULL;
}

static int open_known(struct run *r, struct error *e)
{
    char *ledger = mem_format("%s/ledger.jsonl", r->o->home);
    char *digests = mem_format("%s/digests", r->o->home);
    int status = records_load(&r->records, ledger, e);
    r->digests = digests_open(digests);
    if (status == 0 && !r->o->dry_run)
        status = ledger_open(ledger, &r->ledger, e);
    mem_free(digests);
    mem_free(ledger);
    return status;
}

int pipeline_stop(const char *home, const char *path, struct error *e)
{
    char *lock = pipeline_state_path(home, path, "lock");
    pid_t holder;
    int status = lock_holder(lock, &holder, e);
    if (status == 0 && (!holder || kill(holder, SIGTERM) != 0))
        status = error_set(e, ERR_NO, "no run of %s goes on", path);
    mem_free(lock);
    return status;
}

static int open_pool(struct run *r, struct error *e)
{
    char *lock = pipeline_state_path(r->o->home, r->p->path, "lock");
    r->journal = pipeline_state_path(r->o->home, r->p->path, "running");
    r->spool = pipeline_state_path(r->o->home, r->p->path, "spool");
    int status = lock_acquire(lock, true, r->o->lock_timeout_ms, &r->lock, e);
    if (status == ERR_BUSY)
        error_set(e, ERR_BUSY, "another run of %s goes on", r->p->path);
    mem_free(lock);
    if (status == 0)
        status = lock_sign(r->lock, e);
    if (status)
        return status;
    return job_pool_open(&(struct job_pool_options){.journal = r->journal,
                                                    .catch_signals = true,
                                                    .engine = r->o->engine,
                                                    .spool = r->spool,
                                                    .slots = r->o->jobs},
                         &r->pool, e);
}

static int begin(struct run *r, struct error *e)
{
    make_id(r->summary->id);
    char *run = mem_format("%s/runs/%s/", r->o->home, r->summary->id);
    int status = keep_definition(r, e);
    if (status == 0)
        status = folder_make_parents(run, e);
    mem_free(run);
    if (status == 0)
        run_begin_now(r);
    add_start(r);
    return status;
}

int run_open(struct run *r, struct error *e)
{
    r->lock = -1;
    r->objects = mem_format("%s/objects", r->o->home);
    run_allocate(r);
    int status = run_choose(r, e);
    if (status == 0 && !r->o->dry_run) {
        status = make_state(r, e);
        if (status == 0)
            status = open_pool(r, e);
    }
    if (status == 0)
        status = open_known(r, e);
    if (status == 0 && !r->o->dry_run)
        status = begin(r, e);
    return status;
}

int pipeline_note_idle(const char *home, const char *path, size_t steps, struct run_summary *out,
                       struct error *e)
{
    char *ledger = mem_format("%s/ledger.jsonl", home);
    struct buf b = {0};
    *out = (struct run_summary){.up_to_date = steps};
    make_id(out->id);
    buf_puts(&b, "\"event\":\"run\",\"state\":\"Succeeded\"");
    event_put(&b, "run", out->id);
    event_put(&b, "path", path);
    buf_format(&b, ",\"up_to_date\":%zu", steps);
    int status = event_append(ledger, &b, false, e);
    buf_release(&b);
    mem_free(ledger);
    return status;
}

void run_release(struct run *r)
{
    run_free_steps(r);
    map_release(&r->earlier);
    vec_release(&r->later);
    vec_release(&r->earlier_states);
    job_pool_close(r->pool);
    ledger_close(r->ledger);
    digests_close(r->digests);
    records_release(&r->records);
    if (r->lock >= 0)
        lock_release(r->lock);
    mem_free(r->objects);
    mem_free(r->journal);
    mem_free(r->spool);
    vec_release(&r->running);
    vec_release(&r->ready);
    vec_release(&r->delayed);
    vec_release(&r->asked);
    map_release(&r->folders);
    pipeline_free(r->own);
}
