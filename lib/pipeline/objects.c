#include "pipeline/objects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* FOLDER/ab/cdef... */
static char *object_path(const char *folder, const struct digest *digest)
{
    struct buf path = {0}, hex = {0};
    hex_put(&hex, digest->at, 2 * SHA256_SIZE);
    buf_format(&path, "%s/%.2s/%.*s", folder, hex.at, 2 * SHA256_SIZE - 2, hex.at + 2);
    buf_release(&hex);
    return buf_take(&path);
}

static int make_parent(char *path, struct error *e)
{
    char *slash = strrchr(path, '/');
    *slash = 0;
    int status =
        mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : error_errno(e, "cannot make %s", path);
    *slash = '/';
    return status;
}

int objects_keep(const char *folder, struct digests *d, const char *path, struct file_state *state,
                 struct error *e)
{
    if (state->kind != FILE_REGULAR)
        return 0;
    char *object = object_path(folder, &state->digest);
    int status = 0;
    if (access(object, F_OK) != 0) {
        bool linked = link(path, object) == 0;
        if (!linked && errno == ENOENT)
            status = make_parent(object, e);
        if (!linked && status == 0)
            linked = link(path, object) == 0;
        if (linked)
            digests_renew(d, path, state);
        else if (status == 0 && errno != EEXIST)
            status = file_copy(path, object, e);
    }
    mem_free(object);
    return status;
}

/* ---- back ---- */

enum sameness { OBJECT_NONE, OBJECT_OTHER, OBJECT_SAME };

static enum sameness compare(struct digests *d, const char *object, const struct digest *digest)
{
    struct file_state state;
    struct text name = text_of(object);
    if (digests_of(d, ".", &name, 1, 1, &state, NULL) != 0 || state.kind != FILE_REGULAR)
        return OBJECT_NONE;
    return memcmp(&state.digest, digest, sizeof *digest) == 0 ? OBJECT_SAME : OBJECT_OTHER;
}

/* An object that was changed by its other name is none any more. */
static bool is_whole(struct digests *d, const char *object, const struct digest *digest)
{
    enum sameness s = compare(d, object, digest);
    if (s == OBJECT_OTHER)
        (void)unlink(object);
    return s == OBJECT_SAME;
}

int make_folders(char *path, struct error *e)
{
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        int failed = mkdir(path, 0777) != 0 && errno != EEXIST;
        *slash = '/';
        if (failed)
            return error_errno(e, "cannot make the folders of %s", path);
    }
    return 0;
}

int objects_restore(const char *folder, struct digests *d, const struct digest *digest,
                    const char *path, struct error *e)
{
    char *object = object_path(folder, digest), *target = mem_text(path);
    struct stat is;
    bool folder_there = lstat(path, &is) == 0 && S_ISDIR(is.st_mode);
    int status = !folder_there && is_whole(d, object, digest);
    if (status > 0) {
        int failed = make_folders(target, e);
        if (failed == 0)
            (void)unlink(path); /* it may be a second name of another object */
        if (failed == 0)
            failed = file_copy(object, path, e);
        status = failed ? failed : 1;
    }
    mem_free(target);
    mem_free(object);
    return status;
}

/* ---- copies ---- */

int objects_copy(const char *folder, struct digests *d, const char *path,
                 const struct digest *digest, struct error *e)
{
    char quoted[QUOTE_MAX];
    char *object = object_path(folder, digest);
    int status = 0;
    if (!is_whole(d, object, digest)) {
        status = make_folders(object, e);
        if (status == 0)
            status = file_copy(path, object, e);
        if (status == 0 && !is_whole(d, object, digest))
            status = error_set(e, ERR_DATA, "%s changed while it was read",
                               quote(quoted, path, strlen(path)));
    }
    mem_free(object);
    return status;
}

char *objects_find(const char *folder, struct digests *d, const struct digest *digest)
{
    char *object = object_path(folder, digest);
    if (compare(d, object, digest) == OBJECT_SAME)
        return object;
    mem_free(object);
    return NULL;
}
