/* The folder's protocol: files that appear whole, and move by rename. */
#include "job/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_LIMIT = 16 << 20 };

static const char *const parts[SPOOL_PARTS] = {
    [SPOOL_TODO] = "todo",     [SPOOL_TAKEN] = "taken", [SPOOL_DONE] = "done",
    [SPOOL_ORDERS] = "orders", [SPOOL_TMP] = "tmp",     [SPOOL_ITSELF] = ".",
};

/* ---- the folder ---- */

struct spool *spool_open(const char *path)
{
    struct spool *s = mem_alloc(sizeof *s);
    const char *slash = strrchr(path, '/');
    *s = (struct spool){mem_text(path), mem_text(slash ? slash + 1 : path)};
    return s;
}

void spool_close(struct spool *s)
{
    if (!s)
        return;
    mem_free(s->path);
    mem_free(s->name);
    mem_free(s);
}

static int make_parts(const struct spool *s, struct error *e)
{
    if (mkdir(s->path, 0777) != 0)
        return error_errno(e, "%s: cannot be made", s->path);
    for (size_t i = 0; i < SPOOL_ITSELF; i++) {
        char *part = mem_format("%s/%s", s->path, parts[i]);
        int failed = mkdir(part, 0777);
        if (failed)
            error_errno(e, "%s: cannot be made", part);
        mem_free(part);
        if (failed)
            return ERR_SYSTEM;
    }
    return 0;
}

int spool_make(const char *folder, struct spool **out, struct error *e)
{
    uint64_t number;
    if (folder_make(folder, e))
        return ERR_SYSTEM;
    char *whole = realpath(folder, NULL);
    if (!whole)
        return error_errno(e, "%s: cannot be found", folder);
    entropy(&number, sizeof number);
    char *path = mem_format("%s/ml-%016llx", whole, (unsigned long long)number);
    free(whole);
    struct spool *s = spool_open(path);
    mem_free(path);
    int status = make_parts(s, e);
    if (status == 0)
        *out = s;
    else
        spool_close(s);
    return status;
}

char *spool_path(const struct spool *s, enum spool_part part, const char *name)
{
    return mem_format("%s/%s/%s", s->path, parts[part], name);
}

/* ---- files ---- */

/* Not forced to the disk: what a machine that lost its power had in hand is done again anyway. */
static int write_new(const char *path, struct text text, struct error *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return error_errno(e, "cannot create %s", path);
    int status = file_write(fd, text.at, text.len, path, e);
    if (close(fd) != 0 && status == 0)
        status = error_errno(e, "cannot write %s", path);
    return status;
}

int spool_put(const struct spool *s, enum spool_part part, const char *name, struct text text,
              struct error *e)
{
    char *path = spool_path(s, part, name);
    char *fresh = mem_format("%s/%s/%s.%s", s->path, parts[SPOOL_TMP], parts[part], name);
    int status = write_new(fresh, text, e);
    if (status == 0 && rename(fresh, path) != 0)
        status = error_errno(e, "cannot create %s", path);
    if (status)
        (void)unlink(fresh);
    mem_free(fresh);
    mem_free(path);
    return status;
}

int spool_get(const struct spool *s, enum spool_part part, const char *name, struct buf *out,
              struct error *e)
{
    char *path = spool_path(s, part, name);
    int status = file_load(path, FILE_LIMIT, out, e);
    mem_free(path);
    return status;
}

bool spool_move(const struct spool *s, enum spool_part from, const char *name, enum spool_part to,
                const char *new_name)
{
    char *old = spool_path(s, from, name), *new = spool_path(s, to, new_name);
    bool moved = rename(old, new) == 0;
    mem_free(old);
    mem_free(new);
    return moved;
}

bool spool_drop(const struct spool *s, enum spool_part part, const char *name)
{
    char *path = spool_path(s, part, name);
    bool dropped = unlink(path) == 0;
    mem_free(path);
    return dropped;
}

/* ---- lists ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Opened anew each time: a file system of several machines looks at the server then. */
bool spool_list(const struct spool *s, enum spool_part part, struct spool_names *out)
{
    char *path = spool_path(s, part, "");
    DIR *folder = opendir(path);
    mem_free(path);
    out->at.len = 0;
    arena_reset(&out->arena);
    if (!folder)
        return false;
    for (const struct dirent *d; (d = readdir(folder));)
        if (d->d_name[0] != '.')
            vec_push(&out->at, arena_text(&out->arena, d->d_name, strlen(d->d_name)));
    closedir(folder);
    if (out->at.len > 1)
        qsort(out->at.at, out->at.len, sizeof *out->at.at, by_name);
    return true;
}

void spool_names_release(struct spool_names *n)
{
    vec_release(&n->at);
    arena_release(&n->arena);
}

bool spool_names_have(const struct spool_names *n, const char *name)
{
    return n->at.len && bsearch(&name, n->at.at, n->at.len, sizeof *n->at.at, by_name) != NULL;
}

/* ---- names ---- */

const char *worker_name_print(char out[static SPOOL_NAME], const struct worker_name *w)
{
    (void)snprintf(out, SPOOL_NAME, "%llu.%llu.%llu.%s", (unsigned long long)w->array,
                   (unsigned long long)w->task, (unsigned long long)w->restarts, w->node);
    return out;
}

/* Numbers of one width: sorted by name they are in the order in which they came. */
const char *job_name_print(char out[static SPOOL_NAME], const struct job_name *n, bool taken)
{
    char worker[SPOOL_NAME];
    (void)snprintf(out, SPOOL_NAME, "%010u.%u%s%.120s", (unsigned)n->id, (unsigned)n->attempt,
                   taken ? "." : "", taken ? worker_name_print(worker, &n->worker) : "");
    return out;
}

/* Digits up to `end`, which is passed over; false when there is something else. */
static bool take_number(const char **at, char end, uint64_t *out)
{
    const char *from = *at;
    *out = 0;
    for (; **at >= '0' && **at <= '9' && *at - from < 18; ++*at)
        *out = *out * 10 + (uint64_t)(**at - '0');
    bool good = *at > from && **at == end;
    *at += good && end;
    return good;
}

bool job_name_parse(const char *text, bool taken, struct job_name *out)
{
    uint64_t id, attempt;
    struct worker_name *w = &out->worker;
    *out = (struct job_name){0};
    if (!take_number(&text, '.', &id) || !take_number(&text, taken ? '.' : '\0', &attempt) ||
        id > UINT32_MAX || attempt > UINT32_MAX)
        return false;
    out->id = (uint32_t)id;
    out->attempt = (uint32_t)attempt;
    if (!taken)
        return true;
    if (!take_number(&text, '.', &w->array) || !take_number(&text, '.', &w->task) ||
        !take_number(&text, '.', &w->restarts))
        return false;
    (void)snprintf(w->node, sizeof w->node, "%s", text);
    return true;
}
