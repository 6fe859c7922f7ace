/* A step that runs: what is there before, what it is to leave, and the record of it. */
#include "pipeline/running.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

char *run_path(const struct run *r, uint32_t path)
{
    struct text name = r->p->paths[path];
    if (name.at[0] == '/' || strcmp(r->p->folder, ".") == 0)
        return mem_text_n(name.at, name.len);
    return mem_format("%s/%.*s", r->p->folder, (int)name.len, name.at);
}

/* ---- before ---- */

/* The folder of an output, once. */
static int make_folder_of(struct run *r, char *path, struct error *e)
{
    char *slash = strrchr(path, '/');
    bool is_new;
    if (!slash || slash == path)
        return 0;
    map_put(&r->folders, (struct text){path, (size_t)(slash - path)}, &is_new);
    return is_new ? make_folders(path, e) : 0;
}

/* What an earlier run left is not there when a step begins: its file may have a second name among
 * the objects, and what was not made anew must not pass for it. */
static int clear_outputs(struct run *r, const struct step *s, struct error *e)
{
    int status = 0;
    for (uint32_t k = 0; k < s->out_count && status == 0; k++) {
        const struct file_state *f = &r->files[s->out[k]];
        char *path = run_path(r, s->out[k]);
        status = make_folder_of(r, path, e);
        if (status == 0 && f->kind == FILE_REGULAR && unlink(path) != 0 && errno != ENOENT)
            status = error_errno(e, "cannot remove %s", path);
        mem_free(path);
    }
    return status;
}

/* ---- its environment and log ---- */

static bool sets(char *const *list, const char *variable)
{
    size_t n = strcspn(variable, "=") + 1;
    for (; *list; list++)
        if (strncmp(*list, variable, n) == 0)
            return true;
    return false;
}

/* Ours with the step's in front of it. Returns owned, the texts are borrowed. */
static char **environment_of(const struct step *s)
{
    VEC(char *) v = {0};
    for (char **at = s->environment; *at; at++)
        vec_push(&v, *at);
    for (char **at = environ; *at; at++)
        if (!sets(s->environment, *at))
            vec_push(&v, *at);
    vec_push(&v, NULL);
    return v.at;
}

/* Names of steps may have any characters in their brackets. */
char *pipeline_log_path(const char *home, const char *run, const char *step)
{
    enum { LONGEST = 150 };
    struct buf path = {0};
    buf_format(&path, "%s/runs/%s/", home, run);
    for (const char *at = step; *at && at - step < LONGEST; at++)
        buf_putc(&path, *at == '/' || (unsigned char)*at < ' ' ? '_' : *at);
    if (strchr(step, '/') || strlen(step) > LONGEST)
        buf_format(&path, "-%08llx",
                   (unsigned long long)(xxh64(step, strlen(step), 0) & 0xffffffff));
    buf_puts(&path, ".log");
    return buf_take(&path);
}

static char *directory_of(const struct run *r, const struct step *s)
{
    const char *inner = s->entry->directory, *folder = r->p->folder;
    if (!inner)
        return strcmp(folder, ".") == 0 ? NULL : mem_text(folder);
    return inner[0] == '/' || strcmp(folder, ".") == 0 ? mem_text(inner)
                                                       : mem_format("%s/%s", folder, inner);
}

static bool is_folder(const char *path)
{
    struct stat is;
    return stat(path, &is) == 0 && S_ISDIR(is.st_mode);
}

int run_start(struct run *r, uint32_t step, const char *why, struct error *e)
{
    const struct step *s = &r->p->steps[step];
    int status = clear_outputs(r, s, e);
    if (status)
        return status;
    char **environment = *s->environment ? environment_of(s) : NULL;
    char *log = pipeline_log_path(r->o->home, r->summary->id, s->name);
    char *directory = directory_of(r, s);
    struct job job = {.argv = s->argv,
                      .script = s->script,
                      .directory = directory,
                      .environment = environment,
                      .log = log,
                      .timeout = s->entry->timeout,
                      .tag = &r->p->steps[step]};
    r->attempt[step]++;
    bool folder_there = !directory || is_folder(directory);
    if (!folder_there) {
        char *missing = mem_format("its folder %s is not there", directory);
        run_settle(r, step, STEP_FAILED, NULL, missing);
        mem_free(missing);
    } else {
        r->state[step] = STEP_RUNNING;
        status = job_start(r->pool, &job, e);
    }
    if (status == 0 && folder_there && r->o->tell)
        r->o->tell(r->o->context,
                   &(struct run_event){
                       .step = s, .state = STEP_RUNNING, .attempt = r->attempt[step], .why = why});
    mem_free(directory);
    mem_free(log);
    mem_free(environment);
    return status;
}

/* ---- its record ---- */

static void put_text(struct buf *b, const char *name, const char *value)
{
    buf_format(b, ",\"%s\":", name);
    json_put_string(b, value, strlen(value));
}

static void put_digest(struct buf *b, const struct digest *d)
{
    buf_putc(b, '"');
    hex_put(b, d->at, 2 * SHA256_SIZE);
    buf_putc(b, '"');
}

static void put_files(struct run *r, struct buf *b, const char *name, const uint32_t *paths,
                      uint32_t n)
{
    buf_format(b, ",\"%s\":{", name);
    for (uint32_t k = 0; k < n; k++) {
        struct text path = r->p->paths[paths[k]];
        buf_puts(b, k ? "," : "");
        json_put_string(b, path.at, path.len);
        buf_putc(b, ':');
        put_digest(b, &r->files[paths[k]].digest);
    }
    buf_putc(b, '}');
}

static void put_command(struct buf *b, const struct step *s)
{
    if (s->script) {
        put_text(b, "command", s->script);
        return;
    }
    buf_puts(b, ",\"command\":[");
    for (char **at = s->argv; *at; at++) {
        buf_puts(b, at == s->argv ? "" : ",");
        json_put_string(b, *at, strlen(*at));
    }
    buf_putc(b, ']');
}

static void put_settings(struct run *r, struct buf *b, const struct step *s)
{
    buf_puts(b, ",\"uses\":{");
    for (uint32_t k = 0; k < s->use_count; k++) {
        const struct parameter *x = &r->p->parameters[s->uses[k]];
        buf_puts(b, k ? "," : "");
        json_put_string(b, x->name, strlen(x->name));
        buf_putc(b, ':');
        json_put_string(b, x->value.at, x->value.len);
    }
    buf_puts(b, "},\"env\":{");
    for (char **at = s->environment; *at; at++) {
        size_t n = strcspn(*at, "=");
        buf_puts(b, at == s->environment ? "" : ",");
        json_put_string(b, *at, n);
        buf_putc(b, ':');
        json_put_string(b, *at + n + 1, strlen(*at + n + 1));
    }
    buf_putc(b, '}');
}

static void put_time(struct buf *b, const char *name, usec t)
{
    char room[TIME_MAX];
    buf_format(b, ",\"%s\":\"%.*s\"", name, (int)time_print(room, t), room);
}

static void put_use(struct buf *b, const struct job_result *x)
{
    put_time(b, "started", x->started);
    put_time(b, "ended", x->ended);
    buf_format(b, ",\"seconds\":%.6f,\"user_s\":%.6f,\"system_s\":%.6f,\"max_rss\":%llu",
               (double)(x->ended - x->started) / USEC_SECOND, x->user_s, x->system_s,
               (unsigned long long)x->max_rss);
}

static void add_record(struct run *r, uint32_t step, const struct job_result *x,
                       enum step_state state, const char *why)
{
    const struct step *s = &r->p->steps[step];
    struct buf b = {0};
    buf_puts(&b, "\"event\":\"step\"");
    put_text(&b, "run", r->summary->id);
    put_text(&b, "pipeline", r->p->name);
    put_text(&b, "step", s->name);
    put_text(&b, "state", step_state_name(state));
    buf_format(&b, ",\"attempt\":%u,\"exit\":%d", (unsigned)r->attempt[step], x->status);
    if (why)
        put_text(&b, "reason", why);
    put_use(&b, x);
    buf_puts(&b, ",\"fingerprint\":");
    put_digest(&b, &r->fingerprint[step]);
    put_command(&b, s);
    put_settings(r, &b, s);
    put_files(r, &b, "in", s->in, s->in_count);
    if (state == STEP_SUCCEEDED)
        put_files(r, &b, "out", s->out, s->out_count);
    ledger_add(r->ledger, (struct text){b.at, b.len});
    if (r->pending++ == 0)
        r->committed = clock_now();
    buf_release(&b);
}

/* ---- after ---- */

static int look_at_outputs(struct run *r, const struct step *s, struct buf *missing,
                           struct error *e)
{
    char quoted[QUOTE_MAX];
    int status = 0;
    for (uint32_t k = 0; k < s->out_count && status == 0; k++) {
        struct text name = r->p->paths[s->out[k]];
        struct file_state *f = &r->files[s->out[k]];
        status = digests_of(r->digests, r->p->folder, &name, 1, 1, f, e);
        if (status == 0 && f->kind == FILE_MISSING)
            buf_format(missing, "%s%s", missing->len ? ", " : "it did not make ",
                       quote(quoted, name.at, name.len));
    }
    return status;
}

static int keep_outputs(struct run *r, const struct step *s, struct error *e)
{
    int status = 0;
    for (uint32_t k = 0; k < s->out_count && status == 0 && s->entry->cache; k++) {
        char *path = run_path(r, s->out[k]);
        status = objects_keep(r->objects, r->digests, path, &r->files[s->out[k]], e);
        mem_free(path);
    }
    return status;
}

/* What a step that failed left may be half of it. */
static void remove_outputs(struct run *r, const struct step *s)
{
    struct stat is;
    for (uint32_t k = 0; k < s->out_count; k++) {
        char *path = run_path(r, s->out[k]);
        if (lstat(path, &is) == 0 && !S_ISDIR(is.st_mode))
            (void)unlink(path);
        r->files[s->out[k]] = (struct file_state){.kind = FILE_MISSING};
        mem_free(path);
    }
}

static void say_why(struct buf *out, const struct step *s, const struct job_result *x)
{
    if (x->problem[0])
        buf_puts(out, x->problem);
    else if (x->timed_out)
        buf_format(out, "its time of %.6g s was up", (double)s->entry->timeout / USEC_SECOND);
    else if (x->signal)
        buf_format(out, "signal %d", x->signal);
    else
        buf_format(out, "status %d", x->status);
}

static bool is_tried_again(struct run *r, uint32_t step, const struct job_result *x)
{
    const struct step_entry *s = r->p->steps[step].entry;
    if (x->stopped || r->stopping || r->attempt[step] >= s->attempts)
        return false;
    double pause = (double)s->interval;
    for (unsigned i = 1; i < r->attempt[step] && pause < 1e15; i++)
        pause *= s->backoff;
    usec due = clock_now() + (pause < 1e15 ? (usec)pause : (usec)1e15);
    vec_push(&r->delayed, ((struct delayed){step, due}));
    return true;
}

static void fail(struct run *r, uint32_t step, const struct job_result *x, const char *why)
{
    const struct step *s = &r->p->steps[step];
    remove_outputs(r, s);
    enum step_state state = x->stopped ? STEP_STOPPED : STEP_FAILED;
    add_record(r, step, x, state, why);
    if (!is_tried_again(r, step, x))
        run_settle(r, step, state, x, why);
    else if (r->o->tell)
        r->o->tell(r->o->context, &(struct run_event){.step = s,
                                                      .state = STEP_WAITING,
                                                      .attempt = r->attempt[step],
                                                      .result = x,
                                                      .why = why});
}

int run_end(struct run *r, const struct job_result *x, struct error *e)
{
    const struct step *s = x->tag;
    uint32_t step = (uint32_t)(s - r->p->steps);
    struct buf why = {0};
    int status = 0;
    if (x->status == 0 && !x->stopped)
        status = look_at_outputs(r, s, &why, e);
    else
        say_why(&why, s, x);
    if (status == 0 && why.len) {
        fail(r, step, x, buf_text(&why));
    } else if (status == 0) {
        status = keep_outputs(r, s, e);
        if (status == 0)
            add_record(r, step, x, STEP_SUCCEEDED, NULL);
        if (status == 0)
            run_settle(r, step, STEP_SUCCEEDED, x, NULL);
    }
    buf_release(&why);
    return status;
}
