/* A job's folder: made, opened, looked at. */
#include "processing/parts.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char *processing_state_name(enum processing_state s)
{
    static const char *const names[] = {[PROCESSING_IN_PROGRESS] = "InProgress",
                                        [PROCESSING_COMPLETED] = "Completed",
                                        [PROCESSING_FAILED] = "Failed",
                                        [PROCESSING_STOPPED] = "Stopped"};
    return names[s];
}

void processing_free(struct processing *p)
{
    if (!p)
        return;
    buf_release(&p->hosts);
    buf_release(&p->request);
    arena_release(&p->arena);
    mem_free(p->folder);
    mem_free(p);
}

const struct processing_job *processing_job_of(const struct processing *p)
{
    return &p->job;
}

const char *processing_folder(const struct processing *p)
{
    return p->folder;
}

size_t processing_instances(const struct processing *p)
{
    return p->instances;
}

void processing_share(const struct processing *p, size_t instance, size_t *files, uint64_t *bytes)
{
    *files = 0;
    *bytes = 0;
    for (size_t i = 0; i < p->job.input_count; i++) {
        const struct share *s = share_of(p, instance, i);
        *files += s->count;
        for (size_t k = 0; k < s->count; k++)
            *bytes += s->items[k].header + s->items[k].end - s->items[k].begin;
    }
}

char *processing_log_path(const struct processing *p, size_t instance)
{
    return mem_format("%s/logs/%zu.log", p->folder, instance);
}

/* ---- making ---- */

static const char *copied(struct processing *p, const char *text)
{
    return text ? arena_text(&p->arena, text, strlen(text)) : NULL;
}

/* A job is run from anywhere: its paths do not depend on the folder one is in. */
static const char *absolute(struct processing *p, const char *path)
{
    if (path[0] == '/' || strcmp(path, "-") == 0)
        return copied(p, path);
    char *here = realpath(".", NULL);
    const char *out = arena_format(&p->arena, "%s/%s", here ? here : "", path);
    free(here);
    return out;
}

/* Slashes at the end say no more than that it is a folder. */
static char *absolute_input(struct processing *p, const char *path)
{
    char *out = mem_text(absolute(p, path));
    size_t n = strlen(out);
    while (n > 1 && out[n - 1] == '/')
        out[--n] = 0;
    char *kept = arena_text(&p->arena, out, n);
    mem_free(out);
    return kept;
}

static char **copied_list(struct processing *p, char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    char **out = arena_zero(&p->arena, (n + 1) * sizeof *out);
    for (size_t i = 0; i < n; i++)
        out[i] = arena_text(&p->arena, list[i], strlen(list[i]));
    return out;
}

static void copy_job(struct processing *p, const struct processing_job *j)
{
    p->job = *j;
    p->job.name = copied(p, j->name);
    p->job.argv = copied_list(p, j->argv);
    p->job.script = j->script ? absolute(p, j->script) : NULL;
    p->job.environment = copied_list(p, j->environment);
    p->job.inputs = arena_zero(&p->arena, (j->input_count + 1) * sizeof *p->job.inputs);
    p->job.outputs = arena_zero(&p->arena, (j->output_count + 1) * sizeof *p->job.outputs);
    for (size_t i = 0; i < j->input_count; i++) {
        p->job.inputs[i] = j->inputs[i];
        p->job.inputs[i].name = copied(p, j->inputs[i].name);
        p->job.inputs[i].paths = copied_list(p, j->inputs[i].paths);
        for (char **at = p->job.inputs[i].paths; *at; at++)
            *at = absolute_input(p, *at);
    }
    for (size_t i = 0; i < j->output_count; i++) {
        p->job.outputs[i].name = copied(p, j->outputs[i].name);
        p->job.outputs[i].path = absolute(p, j->outputs[i].path);
    }
}

/* Two parts of standard output at one path would be one. */
static int check_parts(const struct processing *p, struct error *e)
{
    struct map paths = {0};
    int status = 0;
    if (!p->job.streams || !output_is_split(p->job.outputs[0].path))
        return 0;
    for (size_t i = 0; i < p->instances && status == 0; i++) {
        char *path = output_path(p, i, p->job.outputs[0].path);
        bool is_new;
        map_put(&paths, text_of(path), &is_new);
        if (!is_new)
            status = error_set(e, ERR_USAGE,
                               "two instances would write %s: let the output have "
                               "{rank} in it",
                               path);
        mem_free(path);
    }
    map_release(&paths);
    return status;
}

static int make_folders(const struct processing *p, struct error *e)
{
    static const char *const parts[] = {"", "/results", "/logs", "/work", "/claims"};
    int status = folder_make_parents(p->folder, e);
    for (size_t i = 0; i < COUNT_OF(parts) && status == 0; i++) {
        char *path = mem_format("%s%s", p->folder, parts[i]);
        if (mkdir(path, 0777) != 0)
            status = errno == EEXIST
                         ? error_set(e, ERR_USAGE, "there is a job %s already", p->job.name)
                         : error_errno(e, "cannot make %s", path);
        mem_free(path);
    }
    return status;
}

static int create(const char *home, const struct processing_job *j, unsigned threads,
                  const struct processing *like, struct processing **out, struct error *e)
{
    struct processing *p = mem_alloc(sizeof *p);
    int status = 0;
    copy_job(p, j);
    p->created = clock_now();
    p->folder = mem_text(arena_format(&p->arena, "%s/%s", absolute(p, home), j->name));
    if (like)
        shares_copy(p, like);
    else
        status = shares_make(p, threads, e);
    if (status == 0)
        status = check_parts(p, e);
    if (status == 0)
        status = make_folders(p, e);
    if (status == 0)
        status = shares_write(p, e);
    if (status == 0)
        status = request_write(p, e);
    if (status == 0)
        *out = p;
    else
        processing_free(p);
    return status;
}

int processing_create(const char *home, const struct processing_job *j, unsigned threads,
                      struct processing **out, struct error *e)
{
    return create(home, j, threads, NULL, out, e);
}

int processing_create_like(const char *home, const struct processing_job *j,
                           const struct processing *like, struct processing **out, struct error *e)
{
    return create(home, j, 1, like, out, e);
}

int processing_open(const char *home, const char *name, struct processing **out, struct error *e)
{
    struct processing *p = mem_alloc(sizeof *p);
    p->folder = mem_text(arena_format(&p->arena, "%s/%s", absolute(p, home), name));
    char *path = mem_format("%s/job.json", p->folder);
    int status = access(path, F_OK) == 0 ? 0 : error_set(e, ERR_USAGE, "there is no job %s", name);
    if (status == 0)
        status = request_read(p, e);
    if (status == 0)
        status = shares_read(p, e);
    mem_free(path);
    if (status == 0)
        *out = p;
    else
        processing_free(p);
    return status;
}

int processing_files(const struct processing_input *in, struct arena *arena, char ***out,
                     struct error *e)
{
    struct processing p = {0};
    path_list files = {0};
    size_t cut = 0;
    copy_job(&p, &(struct processing_job){.inputs = (struct processing_input *)(uintptr_t)in,
                                          .input_count = 1});
    int status = shares_files(&p, &p.job.inputs[0], &files, &cut, e);
    *out = arena_zero(arena, (files.len + 1) * sizeof **out);
    for (size_t i = 0; i < files.len && status == 0; i++)
        (*out)[i] = arena_text(arena, files.at[i], strlen(files.at[i]));
    vec_release(&files);
    arena_release(&p.arena);
    return status;
}

/* ---- looking ---- */

static bool same_list(char *const *a, char *const *b)
{
    size_t i = 0;
    while (a[i] && b[i] && strcmp(a[i], b[i]) == 0)
        i++;
    return !a[i] && !b[i];
}

bool processing_is(const struct processing *p, const struct processing_job *j)
{
    struct processing would = {0};
    copy_job(&would, j);
    const struct processing_job *a = &p->job, *b = &would.job;
    bool same = a->instances == b->instances && a->input_count == b->input_count &&
                a->output_count == b->output_count && same_list(a->argv, b->argv) &&
                same_list(a->environment, b->environment);
    for (size_t i = 0; i < a->input_count && same; i++)
        same = same_list(a->inputs[i].paths, b->inputs[i].paths);
    for (size_t i = 0; i < a->output_count && same; i++)
        same = strcmp(a->outputs[i].path, b->outputs[i].path) == 0;
    arena_release(&would.arena);
    return same;
}

static char *lock_path(const struct processing *p)
{
    return mem_format("%s/lock", p->folder);
}

int processing_look(const struct processing *p, struct processing_summary *out, struct error *e)
{
    char *lock = lock_path(p);
    struct buf room = {0};
    *out = (struct processing_summary){.instances = p->instances, .created = p->created};
    int status = lock_holder(lock, &out->runner, e);
    for (size_t i = 0; i < p->instances && status == 0; i++) {
        struct processing_result r;
        int got = processing_result_of(p, i, &room, &r, e);
        if (got < 0)
            status = got;
        if (got <= 0)
            continue;
        out->ended = r.ended > out->ended ? r.ended : out->ended;
        out->done += r.status == 0;
        if (r.status && out->failed++ == 0)
            out->status = r.status;
    }
    out->state = out->runner                               ? PROCESSING_IN_PROGRESS
                 : out->failed                             ? PROCESSING_FAILED
                 : out->done == p->instances && is_over(p) ? PROCESSING_COMPLETED
                                                           : PROCESSING_STOPPED;
    out->ended = out->runner ? 0 : out->ended;
    mem_free(lock);
    buf_release(&room);
    return status;
}

pid_t processing_runner(const struct processing *p)
{
    char *lock = lock_path(p);
    pid_t runner = 0;
    (void)lock_holder(lock, &runner, NULL);
    mem_free(lock);
    return runner;
}

int processing_stop(const struct processing *p, struct error *e)
{
    pid_t runner = processing_runner(p);
    if (runner && kill(runner, SIGTERM) == 0)
        return 0;
    return error_set(e, ERR_NO, "job %s does not run", p->job.name);
}
