#include "pipeline/listing.h"
#include "pipeline/event.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

/* ---- writing ---- */

/* A folder, and those it is in. */
struct within {
    const struct within *around;
    dev_t device;
    ino_t inode;
};

struct walk {
    struct digests *digests;
    struct listing *out;
};

typedef VEC(char *) name_list;

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_names(const char *path, name_list *out, struct error *e)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    if (!folder)
        return error_errno(e, "cannot open %s", path);
    while ((entry = readdir(folder)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            vec_push(out, mem_text(entry->d_name));
    closedir(folder);
    if (out->len > 1)
        qsort(out->at, out->len, sizeof *out->at, compare_names);
    return 0;
}

static int put_entry(struct walk *w, const char *path, const char *name,
                     const struct within *around, struct error *e);

static int put_folder(struct walk *w, const char *path, const char *name, const struct within *here,
                      struct error *e)
{
    name_list names = {0};
    int status = list_names(path, &names, e);
    for (size_t i = 0; i < names.len; i++) {
        char *inner = mem_format("%s/%s", path, names.at[i]);
        char *inner_name = mem_format("%s%s%s", name, *name ? "/" : "", names.at[i]);
        if (status == 0)
            status = put_entry(w, inner, inner_name, here, e);
        mem_free(inner_name);
        mem_free(inner);
        mem_free(names.at[i]);
    }
    vec_release(&names);
    return status;
}

static int put_inner_folder(struct walk *w, const char *path, const char *name,
                            const struct stat *s, const struct within *around, struct error *e)
{
    enum { DEEPEST = 256 };
    size_t depth = 0;
    for (const struct within *at = around; at; at = at->around, depth++)
        if (at->device == s->st_dev && at->inode == s->st_ino)
            return 0;
    if (depth > DEEPEST)
        return error_set(e, ERR_SYSTEM, "%s: too many folders in folders", path);
    return put_folder(w, path, name, &(struct within){around, s->st_dev, s->st_ino}, e);
}

static void put_name(struct buf *out, const char *name)
{
    for (; *name; name++) {
        if (*name == '\n' || *name == '\\')
            buf_putc(out, '\\');
        buf_putc(out, *name == '\n' ? 'n' : *name);
    }
    buf_putc(out, '\n');
}

/* What a link leads to; one that leads nowhere is passed over. 1: it is so. */
static int look_at(struct walk *w, const char *path, struct stat *out, struct error *e)
{
    int failed = lstat(path, out);
    if (failed == 0 && S_ISLNK(out->st_mode)) {
        w->out->plain = false;
        failed = stat(path, out);
    }
    if (failed == 0)
        return 0;
    return errno == ENOENT || errno == ELOOP ? 1 : error_errno(e, "cannot look at %s", path);
}

static int put_entry(struct walk *w, const char *path, const char *name,
                     const struct within *around, struct error *e)
{
    struct stat s;
    struct digest digest;
    int status = look_at(w, path, &s, e);
    if (status)
        return status < 0 ? status : 0;
    if (S_ISDIR(s.st_mode))
        return put_inner_folder(w, path, name, &s, around, e);
    if (!S_ISREG(s.st_mode)) {
        w->out->plain = false;
        return 0;
    }
    status = digests_file(w->digests, path, &s, &digest, e);
    if (status)
        return status;
    hex_put(&w->out->buf, digest.at, 2 * SHA256_SIZE);
    buf_format(&w->out->buf, " %c ", s.st_mode & S_IXUSR ? 'x' : '-');
    put_name(&w->out->buf, name);
    return 0;
}

int listing_make(struct digests *d, const char *path, struct listing *out, struct error *e)
{
    struct walk w = {d, out};
    struct stat s;
    *out = (struct listing){.plain = true};
    if (stat(path, &s) != 0)
        return error_errno(e, "cannot look at %s", path);
    return put_inner_folder(&w, path, "", &s, NULL, e);
}

struct text listing_text(const struct listing *l)
{
    return (struct text){l->buf.at ? l->buf.at : "", l->buf.len};
}

void listing_release(struct listing *l)
{
    buf_release(&l->buf);
}

/* ---- reading ---- */

enum { NAME_AT = 2 * SHA256_SIZE + 3 };

static bool read_name(struct buf *out, const char *at, const char *end)
{
    out->len = 0;
    for (; at < end; at++) {
        bool escaped = *at == '\\' && at + 1 < end;
        at += escaped;
        buf_putc(out, escaped && *at == 'n' ? '\n' : *at);
    }
    return out->len > 0;
}

/* No part of it is empty, "." or "..". */
static bool stays_inside(const char *name)
{
    for (;;) {
        size_t n = strcspn(name, "/");
        if (n == 0 || (n <= 2 && strncmp(name, "..", n) == 0))
            return false;
        if (!name[n])
            return true;
        name += n + 1;
    }
}

bool listing_next(struct text *rest, struct listed *out)
{
    const char *at = rest->at;
    const char *end = rest->len > NAME_AT ? memchr(at, '\n', rest->len) : NULL;
    if (!end || end - at <= NAME_AT ||
        !digest_read((struct text){at, 2 * SHA256_SIZE}, &out->digest))
        return false;
    out->executable = at[NAME_AT - 2] == 'x';
    if (!read_name(&out->name, at + NAME_AT, end) || !stays_inside(buf_text(&out->name)))
        return false;
    rest->len -= (size_t)(end + 1 - at);
    rest->at = end + 1;
    return true;
}
