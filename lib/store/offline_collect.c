/* What is no longer needed goes. */
#include "store/offline_manifest.h"
#include "sys/sys.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEVELS = 5 }; /* of folders: data, year, month, day, hour */

struct sweep {
    const struct manifest *manifest;
    usec before; /* what was removed until then may go */
    uint64_t files;
};

static bool is_needed(const struct sweep *c, const char *path)
{
    size_t at = map_get(&c->manifest->paths, text_of(path));
    if (at == MAP_NONE)
        return false;
    usec removed = c->manifest->removed.at[at];
    return removed == INT_MISSING || removed > c->before;
}

static int collect_file(struct sweep *c, const char *path, const char *full, struct error *e)
{
    if (is_needed(c, path))
        return 0;
    if (unlink(full) && errno != ENOENT)
        return error_errno(e, "%s: cannot be removed", full);
    c->files++;
    return 0;
}

static int collect_folder(struct sweep *c, const char *path, int level, struct error *e);

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the layout */
static int collect_one(struct sweep *c, const char *path, int level, struct error *e)
{
    char *full = mem_format("%s/%s", c->manifest->folder, path);
    struct stat st;
    bool folder = lstat(full, &st) == 0 && S_ISDIR(st.st_mode);
    int status = !folder          ? collect_file(c, path, full, e)
                 : level < LEVELS ? collect_folder(c, path, level + 1, e)
                                  : 0;
    if (folder)
        (void)rmdir(full); /* when it is empty */
    mem_free(full);
    return status;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static int collect_folder(struct sweep *c, const char *path, int level, struct error *e)
{
    char *folder = mem_format("%s/%s", c->manifest->folder, path);
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    int status = dir || errno == ENOENT ? 0 : error_errno(e, "%s: cannot be read", folder);
    while (status == 0 && dir && (entry = readdir(dir)) != NULL) {
        char *below = mem_format("%s/%s", path, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            status = collect_one(c, below, level, e);
        mem_free(below);
    }
    if (dir)
        closedir(dir);
    mem_free(folder);
    return status;
}

int collect_files(const struct offline_writer *w, usec grace, uint64_t *files, struct error *e)
{
    struct sweep c = {.manifest = &w->manifest, .before = clock_now() - grace};
    int status = collect_folder(&c, "data", 1, e);
    *files += c.files;
    return status;
}

int offline_collect(const struct group *g, const struct offline_options *o, uint64_t *files,
                    struct error *e)
{
    struct offline_writer w;
    int status = offline_writer_open(g, o, &w, e);
    if (status)
        return status;
    status = collect_files(&w, o->grace, files, e);
    offline_writer_close(&w);
    return status;
}

/* The manifest first: what no entry names is garbage. */
static int reset(struct offline_writer *w, struct error *e)
{
    char *folder = mem_text(w->manifest.folder);
    uint64_t files = 0;
    int status = 0;
    if (unlink(w->manifest.path) && errno != ENOENT)
        status = error_errno(e, "%s: cannot be removed", w->manifest.path);
    if (status == 0)
        status = folder_sync(folder, e);
    if (status == 0) {
        manifest_release(&w->manifest);
        status = manifest_load(w->group, 0, &w->manifest, e);
    }
    if (status == 0)
        status = collect_files(w, 0, &files, e);
    mem_free(folder);
    return status;
}

int offline_reset(const struct group *g, int timeout_ms, struct error *e)
{
    struct offline_options o = {.timeout_ms = timeout_ms};
    struct offline_writer w;
    char *folder = mem_format("%s/offline", g->folder);
    bool there = access(folder, F_OK) == 0;
    mem_free(folder);
    if (!there)
        return 0;
    int status = offline_writer_open(g, &o, &w, e);
    if (status)
        return status == ERR_NO ? 0 : status;
    status = reset(&w, e);
    offline_writer_close(&w);
    return status;
}
