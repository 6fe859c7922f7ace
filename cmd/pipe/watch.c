/* pipe watch: runs whenever what a definition is made of has changed. */
#include "running.h"

#include "sys/sys.h"

#include <signal.h>
#include <sys/stat.h>

enum { QUIET_MS = 50 }; /* an editor writes more than once */

/* What the system says of the definition and of each file that no step makes. */
struct watched {
    VEC(char *) paths;
    VEC(struct stat) stats;
};

static void watched_clear(struct watched *w)
{
    for (size_t i = 0; i < w->paths.len; i++)
        mem_free(w->paths.at[i]);
    vec_release(&w->paths);
    vec_release(&w->stats);
}

static void add(struct watched *w, char *path)
{
    struct stat s;
    vec_push(&w->paths, path);
    if (stat(path, &s) != 0)
        s = (struct stat){.st_mode = 0};
    vec_push(&w->stats, s);
}

/* A definition that is wrong at the moment is watched all the same. */
static void look(const char *path, const struct run_options_given *o, struct watched *out)
{
    struct pipeline *p = NULL;
    struct error e = {0};
    *out = (struct watched){{0}, {0}};
    add(out, mem_text(path));
    if (pipeline_load(path, o->parameters.at, o->parameters.len, &p, &e) != 0)
        return;
    for (size_t i = 0; i < p->path_count; i++)
        if (p->maker[i] == STEP_NONE && !p->moving[i])
            add(out, p->paths[i].at[0] == '/' || strcmp(p->folder, ".") == 0
                         ? mem_text_n(p->paths[i].at, p->paths[i].len)
                         : mem_format("%s/%.*s", p->folder, (int)p->paths[i].len, p->paths[i].at));
    pipeline_free(p);
}

static bool is_same(const struct watched *a, const struct watched *b)
{
    if (a->paths.len != b->paths.len)
        return false;
    for (size_t i = 0; i < a->paths.len; i++) {
        const struct stat *x = &a->stats.at[i], *y = &b->stats.at[i];
        if (strcmp(a->paths.at[i], b->paths.at[i]) != 0 || x->st_mode != y->st_mode ||
            x->st_size != y->st_size || x->st_ino != y->st_ino ||
            x->st_mtim.tv_sec != y->st_mtim.tv_sec || x->st_mtim.tv_nsec != y->st_mtim.tv_nsec)
            return false;
    }
    return true;
}

/* The folders that they are in, and folders among them. */
static int watch_folders(struct watcher *w, const struct watched *files, struct error *e)
{
    int status = 0;
    for (size_t i = 0; i < files->paths.len && status == 0; i++) {
        const char *path = files->paths.at[i], *slash = strrchr(path, '/');
        char *folder =
            slash ? mem_text_n(path, (size_t)(slash - path) + (slash == path)) : mem_text(".");
        status = watcher_add(w, S_ISDIR(files->stats.at[i].st_mode) ? path : folder, e);
        mem_free(folder);
    }
    return status;
}

/* Returns when something is not as it was. What a run itself wrote wakes it for nothing. */
static int wait_for_change(struct watcher *w, const char *path, const struct run_options_given *o,
                           const struct watched *was, struct error *e)
{
    for (bool same = true; same;) {
        struct watched now;
        int status = watcher_wait(w, QUIET_MS, e);
        if (status)
            return status;
        look(path, o, &now);
        same = is_same(was, &now);
        watched_clear(&now);
    }
    return 0;
}

static int run_once(const char *path, const struct run_options_given *o, struct error *e)
{
    struct watched was;
    struct watcher *w = watcher_new(e);
    look(path, o, &was);
    int status = w ? watch_folders(w, &was, e) : ERR_SYSTEM;
    if (status == 0) {
        (void)run_definition(path, o); /* what failed is told, and tried again after a change */
        status = wait_for_change(w, path, o, &was, e);
    }
    watcher_free(w);
    watched_clear(&was);
    return status;
}

static int run(void *options, struct operands *operands)
{
    const struct run_options_given *o = options;
    struct error e = {0};
    int status = 0;
    while (status == 0)
        status = run_once(definition_operand(operands), o, &e);
    return pipe_finish(status, &e);
}

/* clang-format off */
static const struct option options[] = {
    OPTION_ROW_PARAMETERS(struct run_options_given, parameters),
    OPTION_ROW_STEPS_AT_ONCE(struct run_options_given, jobs),
    OPTION_ROW_GPUS(struct run_options_given, gpus),
    OPTION_ROW_KEEP_GOING(struct run_options_given, keep_going),
    OPTION_ROW_EVENTS(struct run_options_given, events),
    OPTION_ROWS_ENGINE(struct run_options_given, engine, "steps", "each step that runs"),
    OPTION_END,
};
/* clang-format on */

const struct command command_watch = {
    .name = "watch",
    .summary = "run, and run again whenever the definition or a file that no step makes changes",
    .operands = "[PIPELINE]",
    .options = options,
    .options_size = sizeof(struct run_options_given),
    .run = run,
    .more = "It goes on until it is ended by a signal. A step that failed is tried again after the "
            "next change.",
};
