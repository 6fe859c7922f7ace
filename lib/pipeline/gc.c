/* What nobody has asked for in a long time is removed from the state. */
#include "pipeline/pipeline.h"

#include "ledger/ledger.h"
#include "pipeline/event.h"
#include "pipeline/objects.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

struct sweep {
    const char *objects; /* where they are kept */
    struct map kept;     /* digests, and names of runs */
    usec since;
    bool dry_run;
    struct gc_summary *out;
};

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static void keep_file_of_folder(void *context, const struct digest *file)
{
    struct sweep *s = context;
    struct buf hex = {0};
    hex_put(&hex, file->at, LEDGER_HEX);
    map_put(&s->kept, (struct text){hex.at, hex.len}, NULL);
    buf_release(&hex);
}

/* A digest, and when it is a folder's those of its files. */
static void keep_digest(struct sweep *s, struct text hex)
{
    struct digest digest;
    bool is_new;
    map_put(&s->kept, hex, &is_new);
    if (is_new && digest_read(hex, &digest))
        objects_listed(s->objects, &digest, keep_file_of_folder, s);
}

/* All digests that an event has, whatever they are of. */
static void keep_digests(struct sweep *s, struct text line)
{
    size_t n = 0;
    for (size_t i = 0; i <= line.len; i++) {
        if (i < line.len && is_hex(line.at[i])) {
            n++;
            continue;
        }
        if (n == LEDGER_HEX)
            keep_digest(s, (struct text){line.at + i - n, n});
        n = 0;
    }
}

static void keep_run(struct sweep *s, struct text line)
{
    static const char name[] = "\"run\":\"";
    const char *at = memmem(line.at, line.len, name, sizeof name - 1);
    const char *from = at ? at + sizeof name - 1 : NULL;
    const char *end = at ? memchr(from, '"', (size_t)(line.at + line.len - from)) : NULL;
    if (end)
        map_put(&s->kept, (struct text){from, (size_t)(end - from)}, NULL);
}

/* What is no run and no step, as a registered model, is kept however old it is. */
static int take_event(void *context, const struct ledger_event *event, struct error *e)
{
    struct sweep *s = context;
    struct text kind = event_kind(event->line);
    bool passing = text_equal(kind, text_of("step")) || text_equal(kind, text_of("run"));
    (void)e;
    if (!passing || event->time >= s->since) {
        keep_digests(s, event->line);
        keep_run(s, event->line);
    }
    return 0;
}

static int read_ledger(struct sweep *s, const char *home, struct error *e)
{
    char *path = mem_format("%s/ledger.jsonl", home);
    uint64_t offset = 0;
    int status = ledger_each(path, &offset, take_event, s, e);
    mem_free(path);
    return status;
}

static bool is_kept(const struct sweep *s, const char *folder, const char *name)
{
    size_t n = strlen(name), suffix = sizeof LISTING_SUFFIX - 1;
    if (n > suffix && strcmp(name + n - suffix, LISTING_SUFFIX) == 0)
        n -= suffix;
    char *digest = mem_format("%s%.*s", folder, (int)n, name);
    bool is = map_get(&s->kept, text_of(digest)) != MAP_NONE;
    mem_free(digest);
    return is;
}

/* A file that was put there just now belongs to a run that has not said so yet. */
static bool is_young(const struct sweep *s, const struct stat *is)
{
    return (usec)is->st_ctim.tv_sec * USEC_SECOND >= s->since;
}

static int remove_file(struct sweep *s, const char *path, uint64_t *count, struct error *e)
{
    struct stat is;
    if (lstat(path, &is) != 0 || is_young(s, &is))
        return 0;
    if (!s->dry_run && unlink(path) != 0 && errno != ENOENT)
        return error_errno(e, "cannot remove %s", path);
    ++*count;
    s->out->bytes += is.st_nlink == 1 ? (uint64_t)is.st_size : 0;
    return 0;
}

/* Files of a folder, whose names are the rest of digests that begin with its prefix. */
static int sweep_files(struct sweep *s, const char *folder, const char *prefix, uint64_t *count,
                       struct error *e)
{
    DIR *d = opendir(folder);
    int status = d || errno == ENOENT ? 0 : error_errno(e, "cannot read %s", folder);
    for (const struct dirent *entry; d && status == 0 && (entry = readdir(d)) != NULL;) {
        char *path = mem_format("%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.' && !is_kept(s, prefix, entry->d_name))
            status = remove_file(s, path, count, e);
        mem_free(path);
    }
    if (d)
        closedir(d);
    return status;
}

static int sweep_objects(struct sweep *s, const char *objects, struct error *e)
{
    DIR *d = opendir(objects);
    int status = d || errno == ENOENT ? 0 : error_errno(e, "cannot read %s", objects);
    for (const struct dirent *entry; d && status == 0 && (entry = readdir(d)) != NULL;) {
        char *folder = mem_format("%s/%s", objects, entry->d_name);
        if (strlen(entry->d_name) == 2 && entry->d_name[0] != '.')
            status = sweep_files(s, folder, entry->d_name, &s->out->objects, e);
        mem_free(folder);
    }
    if (d)
        closedir(d);
    return status;
}

static int sweep_runs(struct sweep *s, const char *runs, struct error *e)
{
    DIR *d = opendir(runs);
    int status = d || errno == ENOENT ? 0 : error_errno(e, "cannot read %s", runs);
    for (const struct dirent *entry; d && status == 0 && (entry = readdir(d)) != NULL;) {
        char *folder = mem_format("%s/%s", runs, entry->d_name);
        struct stat is;
        if (entry->d_name[0] != '.' && !is_kept(s, "", entry->d_name) && lstat(folder, &is) == 0 &&
            !is_young(s, &is)) {
            s->out->runs++;
            status = s->dry_run ? 0 : folder_remove(folder, e);
        }
        mem_free(folder);
    }
    if (d)
        closedir(d);
    return status;
}

int pipeline_gc(const char *home, usec keep, bool dry_run, struct gc_summary *out, struct error *e)
{
    struct sweep s = {.since = clock_now() - keep, .dry_run = dry_run, .out = out};
    char *objects = mem_format("%s/objects", home), *runs = mem_format("%s/runs", home);
    char *definitions = mem_format("%s/definitions", home);
    s.objects = objects;
    *out = (struct gc_summary){0};
    int status = read_ledger(&s, home, e);
    if (status == 0)
        status = sweep_objects(&s, objects, e);
    if (status == 0)
        status = sweep_files(&s, definitions, "", &out->definitions, e);
    if (status == 0)
        status = sweep_runs(&s, runs, e);
    map_release(&s.kept);
    mem_free(objects);
    mem_free(runs);
    mem_free(definitions);
    return status;
}
