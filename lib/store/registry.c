#include "store/registry.h"

#include "cli/cli.h"
#include "store/log.h"
#include "store/online.h"
#include "sys/sys.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char *registry_folder(const char *store, struct text name)
{
    return mem_format("%s/%.*s", store, (int)name.len, name.at);
}

static bool is_group(const char *store, const char *name)
{
    if (!group_name_valid(text_of(name)))
        return false;
    char *path = mem_format("%s/%s/group.json", store, name);
    bool there = access(path, F_OK) == 0;
    mem_free(path);
    return there;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int registry_list(const char *store, struct arena *arena, registry_names *out, struct error *e)
{
    DIR *folder = opendir(store);
    if (!folder)
        return errno == ENOENT ? 0 : error_errno(e, "%s: cannot be read", store);
    for (const struct dirent *d; (d = readdir(folder)) != NULL;)
        if (is_group(store, d->d_name))
            vec_push(out, arena_text(arena, d->d_name, strlen(d->d_name)));
    closedir(folder);
    if (out->len)
        qsort(out->at, out->len, sizeof *out->at, by_name);
    return 0;
}

static int no_group(const char *store, struct text name, struct error *e)
{
    struct arena arena = {0};
    registry_names names = {0};
    char quoted[QUOTE_MAX], *word = mem_text_n(name.at, name.len);
    (void)registry_list(store, &arena, &names, NULL);
    const char *near = cli_nearest(word, names.at, names.len);
    error_set(e, ERR_USAGE, "there is no group %s%s%s%s", quote(quoted, name.at, name.len),
              near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
    mem_free(word);
    vec_release(&names);
    arena_release(&arena);
    return ERR_USAGE;
}

int registry_find(const char *store, struct text name, struct group **out, struct error *e)
{
    if (!group_name_valid(name))
        return no_group(store, name, e);
    char *folder = registry_folder(store, name);
    int status = group_load(folder, out, e);
    mem_free(folder);
    return status == ERR_NO ? no_group(store, name, e) : status;
}

/* What a group has in Redis. */
static int drop_elsewhere(const struct group *g, struct error *e)
{
    struct online *o = NULL;
    if (strncmp(g->online, "redis", 5) != 0)
        return 0;
    int status = online_open(g, ONLINE_ANEW, &o, e);
    online_close(o);
    return status;
}

/* Renamed first: from then on it is gone, whatever happens. */
static int drop_folder(const struct group *g, struct error *e)
{
    const char *name = strrchr(g->folder, '/') + 1;
    char *gone =
        mem_format("%.*s.dropped-%ld-%s", (int)(name - g->folder), g->folder, (long)getpid(), name);
    int status = rename(g->folder, gone) ? error_errno(e, "%s: cannot be removed", g->folder)
                                         : folder_remove(gone, e);
    mem_free(gone);
    return status;
}

int registry_drop(const struct group *g, int timeout_ms, struct error *e)
{
    struct log_options o = {.timeout_ms = timeout_ms};
    struct log *log = NULL;
    char *folder = mem_format("%s/log", g->folder);
    int status = log_open(folder, &o, &log, e);
    if (status == 0)
        status = drop_elsewhere(g, e);
    if (status == 0)
        status = drop_folder(g, e);
    log_close(log);
    mem_free(folder);
    return status;
}
