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
static int make_folder_of(struct run *r, const char *path, struct error *e)
{
    const char *slash = strrchr(path, '/');
    bool is_new;
    if (!slash || slash == path)
        return 0;
    map_put(&r->folders, (struct text){path, (size_t)(slash - path)}, &is_new);
    return is_new ? folder_make_parents(path, e) : 0;
}

/* A folder with other inputs or outputs in it is not one step's alone. */
static bool keeps_folder(const struct run *r, const struct step *s, uint32_t path)
{
    return s->entry->cache && !r->p->holds[path];
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
        if (status == 0 && f->kind == FILE_FOLDER && keeps_folder(r, s, s->out[k]))
            status = objects_part(r->objects, r->digests, path, e);
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

char **run_environment(char *const *first, char *const *second)
{
    VEC(char *) v = {0};
    for (char *const *at = first; *at; at++)
        vec_push(&v, *at);
    for (char *const *at = second; *at; at++)
        if (!sets(first, *at))
            vec_push(&v, *at);
    vec_push(&v, NULL);
    return v.at;
}

/* What the command of a callback hands on, and which GPUs it may use. Returns owned, with its
 * texts; NULL: nothing. */
static char **handed_variables(const struct run *r, uint32_t step)
{
    bool callback = r->p->steps[step].entry->kind == STEP_CALLBACK;
    char *devices = resources_variable(r, step);
    VEC(char *) names = {0};
    if (!callback && !devices)
        return NULL;
    if (callback) {
        const struct question *q = run_question(r, step);
        vec_push(&names, mem_format("ML_CALLBACK_TOKEN=%s", q ? q->about : ""));
        vec_push(&names, mem_format("ML_RUN=%s", r->summary->id));
        vec_push(&names, mem_format("ML_STEP=%s", r->p->steps[step].name));
    }
    if (devices)
        vec_push(&names, devices);
    vec_push(&names, NULL);
    return names.at;
}

/* NULL: ours. Returns owned, the texts are borrowed. */
static char **environment_of(const struct step *s, char **handed)
{
    char **own = handed ? run_environment(handed, s->environment) : NULL;
    char **all =
        own || *s->environment ? run_environment(own ? own : s->environment, environ) : NULL;
    mem_free(own);
    return all;
}

/* Names of steps may have any characters in their brackets. */
char *pipeline_log_path(const char *home, const char *run, const char *step)
{
    enum { LONGEST = 150 };
    struct buf path = {0};
    buf_reserve(&path, strlen(home) + strlen(run) + LONGEST + 32);
    buf_puts(&path, home);
    buf_puts(&path, "/runs/");
    buf_puts(&path, run);
    buf_putc(&path, '/');
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
    resources_take(r, step);
    char **handed = handed_variables(r, step);
    char **environment = environment_of(s, handed);
    char *log = pipeline_log_path(r->o->home, r->summary->id, s->name);
    char *directory = directory_of(r, s);
    struct job job = {
        .argv = s->argv,
        .script = s->script,
        .directory = directory,
        .environment = environment,
        .log = log,
        .timeout = s->entry->timeout,
        .limits = s->entry->limits.memory || s->entry->limits.processes ? &s->entry->limits : NULL,
        .tag = &r->p->steps[step]};
    r->attempt[step]++;
    bool folder_there = !directory || is_folder(directory);
    if (!folder_there) {
        char *missing = mem_format("its folder %s is not there", directory);
        resources_give(r, step);
        run_settle(r, step, STEP_FAILED, NULL, missing);
        mem_free(missing);
    } else {
        run_note_start(r, step);
        status = job_start(r->pool, &job, e);
    }
    if (status == 0 && folder_there)
        run_tell(r, &(struct run_event){
                        .step = s, .state = STEP_RUNNING, .attempt = r->attempt[step], .why = why});
    mem_free(directory);
    mem_free(log);
    mem_free(environment);
    for (char **at = handed; at && *at; at++)
        mem_free(*at);
    mem_free(handed);
    return status;
}

/* ---- after ---- */

/* A folder is looked at and kept in one: there may be much in it. */
static int look_at_output(struct run *r, const struct step *s, uint32_t path, struct error *e)
{
    char *whole = run_path(r, path);
    struct file_state *f = &r->files[path];
    bool keep = keeps_folder(r, s, path);
    int status = digests_look(r->digests, whole, !keep, f, e);
    if (status == 0 && f->kind == FILE_FOLDER && keep)
        status = objects_keep_folder(r->objects, r->digests, whole, f, e);
    mem_free(whole);
    return status;
}

static int look_at_outputs(struct run *r, const struct step *s, struct buf *missing,
                           struct error *e)
{
    char quoted[QUOTE_MAX];
    int status = 0;
    for (uint32_t k = 0; k < s->out_count && status == 0; k++) {
        struct text name = r->p->paths[s->out[k]];
        struct file_state *f = &r->files[s->out[k]];
        status = look_at_output(r, s, s->out[k], e);
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
    usec due;
    if (r->stopping || !run_tries_again(r, step, x, &due))
        return false;
    vec_push(&r->delayed, ((struct delayed){step, due}));
    return true;
}

void run_fail(struct run *r, uint32_t step, const struct job_result *x, const char *why)
{
    const struct step *s = &r->p->steps[step];
    remove_outputs(r, s);
    enum step_state state = x->stopped ? STEP_STOPPED : STEP_FAILED;
    run_add_record(r, step, x, state, why, NULL);
    if (!is_tried_again(r, step, x))
        run_settle(r, step, state, x, why);
    else
        run_tell(r, &(struct run_event){.step = s,
                                        .state = STEP_WAITING,
                                        .attempt = r->attempt[step],
                                        .result = x,
                                        .why = why});
}

int run_finish(struct run *r, uint32_t step, const struct job_result *x, const char *said,
               struct error *e)
{
    const struct step *s = &r->p->steps[step];
    struct buf why = {0};
    struct buf metrics = {0};
    int status = look_at_outputs(r, s, &why, e);
    if (status == 0 && why.len == 0 && s->metrics_file)
        metrics_read(r, step, &metrics, &why);
    if (status == 0 && why.len) {
        run_fail(r, step, x, buf_text(&why));
    } else if (status == 0) {
        status = keep_outputs(r, s, e);
        if (status == 0)
            run_add_record(r, step, x, STEP_SUCCEEDED, said, &metrics);
        if (status == 0)
            run_settle(r, step, STEP_SUCCEEDED, x, said);
    }
    buf_release(&metrics);
    buf_release(&why);
    return status;
}

int run_end(struct run *r, const struct job_result *x, struct error *e)
{
    const struct step *s = x->tag;
    uint32_t step = (uint32_t)(s - r->p->steps);
    if (x->stopped && x->started == 0) { /* it never began */
        r->state[step] = STEP_WAITING;
        r->attempt[step]--;
        return 0;
    }
    if (x->status == 0 && !x->stopped)
        return s->entry->kind == STEP_CALLBACK ? run_handed(r, step, x, e)
                                               : run_finish(r, step, x, NULL, e);
    struct buf why = {0};
    say_why(&why, s, x);
    run_fail(r, step, x, buf_text(&why));
    buf_release(&why);
    return 0;
}
