/* What instances made goes to its place. */
#include "processing/parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- names ---- */

static const char *first_file(const struct processing *p, size_t instance)
{
    const struct share *s = p->job.input_count ? share_of(p, instance, 0) : NULL;
    return s && s->count ? s->items[0].as : "part";
}

/* The path of an output with {rank}, {file} and {name} as they are for the instance. */
char *output_path(const struct processing *p, size_t instance, const char *pattern)
{
    const char *file = first_file(p, instance), *slash = strrchr(file, '/');
    const char *dot = strrchr(slash ? slash : file, '.');
    struct buf b = {0};
    for (const char *at = pattern; *at; at++) {
        if (strncmp(at, "{rank}", 6) == 0) {
            buf_format(&b, "%05zu", instance);
            at += 5;
        } else if (strncmp(at, "{file}", 6) == 0) {
            buf_puts(&b, file);
            at += 5;
        } else if (strncmp(at, "{name}", 6) == 0) {
            buf_add(&b, file, dot && dot > file ? (size_t)(dot - file) : strlen(file));
            at += 5;
        } else {
            buf_putc(&b, *at);
        }
    }
    return buf_take(&b);
}

bool output_is_split(const char *path)
{
    return strstr(path, "{rank}") || strstr(path, "{file}") || strstr(path, "{name}");
}

/* ---- folders ---- */

/* Calls take for every file below the folder, with its name there. */
static int each_file(const char *folder, const char *name,
                     int (*take)(void *context, const char *path, const char *name,
                                 struct error *e),
                     void *context, struct error *e)
{
    DIR *d = opendir(folder);
    int status = d ? 0 : errno == ENOENT ? 0 : error_errno(e, "cannot read the folder %s", folder);
    for (const struct dirent *entry; d && status == 0 && (entry = readdir(d)) != NULL;) {
        struct stat s;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *path = mem_format("%s/%s", folder, entry->d_name);
        char *own = mem_format("%s%s%s", name, *name ? "/" : "", entry->d_name);
        if (lstat(path, &s) != 0)
            status = error_errno(e, "cannot look at %s", path);
        else if (S_ISDIR(s.st_mode))
            status = each_file(path, own, take, context, e);
        else
            status = take(context, path, own, e);
        mem_free(own);
        mem_free(path);
    }
    if (d)
        closedir(d);
    return status;
}

struct moving {
    const struct processing *p;
    const char *to;
    size_t instance;
    const char *output;
};

/* Of two instances that make one file, one would be lost. A file with its number says who did, also
 * to those that run on other machines or later. */
static int claim(void *context, const char *path, const char *name, struct error *e)
{
    const struct moving *m = context;
    char *to = mem_format("%s/%s", m->to, name), own[24];
    char *note =
        mem_format("%s/claims/%016llx", m->p->folder, (unsigned long long)xxh64(to, strlen(to), 0));
    struct buf owner = {0};
    bool first = false;
    (void)path;
    int n = snprintf(own, sizeof own, "%zu", m->instance);
    int status = file_publish(note, (struct text){own, (size_t)n}, &first, e);
    if (status == 0 && !first)
        status = file_load(note, sizeof own, &owner, e);
    if (status == 0 && !first && strcmp(buf_text(&owner), own) != 0)
        status = error_set(e, ERR_DATA,
                           "instances %s and %s both make %s: let the path of output %s have "
                           "{rank} in it",
                           buf_text(&owner), own, to, m->output);
    buf_release(&owner);
    mem_free(note);
    mem_free(to);
    return status;
}

/* The folder is mostly there. */
static int move_file(const char *from, const char *to, struct error *e)
{
    if (rename(from, to) == 0)
        return 0;
    int status = errno == ENOENT ? folder_make_parents(to, e) : 0;
    return status ? status : file_move(from, to, e);
}

static int move(void *context, const char *path, const char *name, struct error *e)
{
    const struct moving *m = context;
    char *to = mem_format("%s/%s", m->to, name);
    int status = move_file(path, to, e);
    mem_free(to);
    return status;
}

static int each_output(const struct processing *p, const char *folder, size_t instance,
                       int (*take)(void *context, const char *path, const char *name,
                                   struct error *e),
                       struct error *e)
{
    int status = 0;
    for (size_t i = p->job.streams; i < p->job.output_count && status == 0; i++) {
        const struct processing_output *o = &p->job.outputs[i];
        char *from = mem_format("%s/output/%s", folder, o->name);
        char *to = output_path(p, instance, o->path);
        struct moving m = {.p = p, .to = to, .instance = instance, .output = o->name};
        status = each_file(from, "", take, &m, e);
        mem_free(to);
        mem_free(from);
    }
    return status;
}

int output_claim(const struct attempt *a, struct error *e)
{
    bool alone = a->p->instances == 1;
    return alone ? 0 : each_output(a->p, a->folder, a->instance, claim, e);
}

/* ---- standard output ---- */

static char *kept_part(const struct processing *p, size_t instance)
{
    return mem_format("%s/parts/%zu", p->folder, instance);
}

static int move_part(const struct processing *p, const char *folder, size_t instance,
                     struct error *e)
{
    const char *pattern = p->job.outputs[0].path;
    char *from = mem_format("%s.out", folder);
    char *to =
        output_is_split(pattern) ? output_path(p, instance, pattern) : kept_part(p, instance);
    int status = 0;
    if (access(from, F_OK) == 0)
        status = move_file(from, to, e);
    mem_free(to);
    mem_free(from);
    return status;
}

int output_move(const struct processing *p, size_t instance, unsigned attempt, struct error *e)
{
    char *folder = mem_format("%s/work/%zu.%u", p->folder, instance, attempt);
    int status = each_output(p, folder, instance, move, e);
    if (status == 0 && p->job.streams)
        status = move_part(p, folder, instance, e);
    mem_free(folder);
    return status;
}

/* The first part's header is kept, to compare with. *skip: how much of a part is not written. */
static int take_header(const struct processing *p, int from, const char *path, uint64_t size,
                       struct buf *header, uint64_t *skip, struct error *e)
{
    struct buf own = {0};
    uint64_t n = 0;
    struct shard_records how = records_by_name(p->job.outputs[0].path);
    if (!how.header && p->job.input_count)
        how = p->job.inputs[0].records;
    int status = shard_header(path, size, &how, &n, e);
    buf_reserve(&own, n + 1);
    if (status == 0 && file_read_at(from, own.at, n, 0, path, e) != (ssize_t)n)
        status = error_set(e, ERR_SYSTEM, "%s became shorter", path);
    *skip = header->len ? n : 0;
    if (status == 0 && header->len == 0)
        buf_add(header, own.at, n);
    else if (status == 0 && (n != header->len || memcmp(own.at, header->at, n) != 0))
        status = ERR_DATA;
    buf_release(&own);
    return status;
}

/* The part without its header when that is there already. */
static int add_part(const struct processing *p, size_t instance, const char *path, int to,
                    const char *name, struct buf *header, struct error *e)
{
    int from = open(path, O_RDONLY | O_CLOEXEC);
    struct stat s = {0};
    uint64_t skip = 0;
    int status = from < 0 || fstat(from, &s) != 0 ? error_errno(e, "cannot open %s", path) : 0;
    uint64_t size = (uint64_t)s.st_size;
    if (status == 0 && size && p->job.output_header) {
        status = take_header(p, from, path, size, header, &skip, e);
        if (status == ERR_DATA)
            error_set(e, ERR_DATA,
                      "what instance %zu wrote has another header than what was before it",
                      instance);
    }
    if (status == 0)
        status = file_pass(from, path, skip, size, to, name, e);
    if (from >= 0)
        close(from);
    return status;
}

static int join_lines(const struct processing *p, char *const *parts, int to, const char *name,
                      struct error *e)
{
    struct buf header = {0};
    int status = 0;
    for (size_t i = 0; i < p->instances && status == 0; i++)
        status = add_part(p, i, parts[i], to, name, &header, e);
    buf_release(&header);
    return status;
}

static int join_parts(const struct processing *p, int to, const char *name, struct error *e)
{
    char **parts = mem_array(NULL, p->instances, sizeof *parts);
    for (size_t i = 0; i < p->instances; i++)
        parts[i] = kept_part(p, i);
    int status = parts_are_parquet(parts, p->instances, p->job.outputs[0].path)
                     ? parts_join_groups(parts, p->instances, to, name, e)
                     : join_lines(p, parts, to, name, e);
    for (size_t i = 0; i < p->instances; i++)
        mem_free(parts[i]);
    mem_free(parts);
    return status;
}

int output_join(const struct processing *p, struct error *e)
{
    struct replace *r = NULL;
    if (!p->job.streams || output_is_split(p->job.outputs[0].path))
        return 0;
    const char *path = p->job.outputs[0].path;
    bool standard = strcmp(path, "-") == 0;
    int status = standard ? 0 : folder_make_parents(path, e);
    if (status == 0 && !standard)
        status = replace_open(path, &r, e);
    if (status == 0)
        status = join_parts(p, r ? replace_fd(r) : STDOUT_FILENO, r ? path : "standard output", e);
    if (status == 0 && r)
        status = replace_commit(r, e);
    else
        replace_abort(r);
    char *parts = mem_format("%s/parts", p->folder);
    if (status == 0)
        status = folder_remove(parts, e);
    mem_free(parts);
    return status;
}
