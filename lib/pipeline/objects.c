#include "pipeline/objects.h"

#include "pipeline/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* FOLDER/ab/cdef... */
static char *object_path(const char *folder, const struct digest *digest)
{
    struct buf path = {0};
    size_t n = strlen(folder);
    buf_reserve(&path, n + 2 * SHA256_SIZE + 3);
    buf_add(&path, folder, n);
    buf_putc(&path, '/');
    hex_put(&path, digest->at, 2);
    buf_putc(&path, '/');
    hex_put(&path, digest->at + 1, 2 * SHA256_SIZE - 2);
    return buf_take(&path);
}

static bool give_second_name(const char *path, const char *object)
{
    return linkat(AT_FDCWD, path, AT_FDCWD, object, AT_SYMLINK_FOLLOW) == 0;
}

int objects_keep(const char *folder, struct digests *d, const char *path, struct file_state *state,
                 struct error *e)
{
    if (state->kind != FILE_REGULAR)
        return 0;
    char *object = object_path(folder, &state->digest);
    int status = 0;
    if (access(object, F_OK) != 0) {
        bool linked = give_second_name(path, object);
        if (!linked && errno == ENOENT)
            status = folder_make_parents(object, e);
        if (!linked && status == 0)
            linked = give_second_name(path, object);
        if (linked)
            digests_renew(d, path, state);
        else if (status == 0 && errno != EEXIST)
            status = file_copy(path, object, false, e);
    }
    mem_free(object);
    return status;
}

/* ---- folders ---- */

/* Where the listing of a folder that has the digest is kept. */
static char *listing_path(const char *folder, const struct digest *digest)
{
    char *object = object_path(folder, digest);
    char *path = mem_format("%s%s", object, LISTING_SUFFIX);
    mem_free(object);
    return path;
}

static bool load_listing(const char *folder, const struct digest *digest, struct buf *out)
{
    char *path = listing_path(folder, digest);
    struct digest is = {{0}};
    bool good = access(path, R_OK) == 0 && file_load(path, SIZE_MAX, out, NULL) == 0;
    if (good) {
        sha256((struct text){out->at ? out->at : "", out->len}, is.at);
        good = memcmp(&is, digest, sizeof is) == 0;
    }
    mem_free(path);
    return good;
}

static int keep_listing(const char *folder, struct text listing, const struct digest *digest,
                        struct error *e)
{
    char *path = listing_path(folder, digest);
    struct buf there = {0};
    bool first;
    int status = 0;
    if (!load_listing(folder, digest, &there)) {
        (void)unlink(path); /* it may be damaged */
        status = folder_make_parents(path, e);
        if (status == 0)
            status = file_publish(path, listing, &first, e);
    }
    buf_release(&there);
    mem_free(path);
    return status;
}

static int keep_listed(const char *folder, struct digests *d, const char *path, struct text listing,
                       struct error *e)
{
    struct listed x = {.executable = false};
    int status = 0;
    while (status == 0 && listing_next(&listing, &x)) {
        char *inner = mem_format("%s/%s", path, buf_text(&x.name));
        struct file_state state = {.kind = FILE_REGULAR, .digest = x.digest};
        if (identity_of(AT_FDCWD, inner, &state.identity))
            status = objects_keep(folder, d, inner, &state, e);
        mem_free(inner);
    }
    buf_release(&x.name);
    return status;
}

/* All files in it, then the listing: it is not there before they are. */
int objects_keep_folder(const char *folder, struct digests *d, const char *path,
                        struct file_state *out, struct error *e)
{
    struct listing list = {.plain = false};
    int status = listing_make(d, path, &list, e);
    struct text text = listing_text(&list);
    *out = (struct file_state){.kind = FILE_FOLDER};
    sha256(text, out->digest.at);
    if (status == 0 && list.plain)
        status = keep_listed(folder, d, path, text, e);
    if (status == 0 && list.plain)
        status = keep_listing(folder, text, &out->digest, e);
    listing_release(&list);
    return status;
}

/* ---- back ---- */

enum sameness { OBJECT_NONE, OBJECT_OTHER, OBJECT_SAME };

static enum sameness compare(struct digests *d, const char *object, const struct digest *digest)
{
    struct file_state state;
    if (digests_look(d, object, false, &state, NULL) != 0 || state.kind != FILE_REGULAR)
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

/* 1: it is there; 0: it is not kept, or there is a folder in its place. */
static int restore_file(const char *folder, struct digests *d, const struct digest *digest,
                        const char *path, struct error *e)
{
    char *object = object_path(folder, digest);
    struct stat is;
    bool folder_there = lstat(path, &is) == 0 && S_ISDIR(is.st_mode);
    int status = !folder_there && is_whole(d, object, digest);
    if (status > 0) {
        int failed = folder_make_parents(path, e);
        if (failed == 0)
            (void)unlink(path); /* it may be a second name of another object */
        if (failed == 0)
            failed = file_copy(object, path, false, e);
        status = failed ? failed : 1;
    }
    mem_free(object);
    return status;
}

/* Whether all files of a listing are kept. */
static bool all_are_kept(const char *folder, struct digests *d, struct text listing)
{
    struct listed x = {.executable = false};
    bool kept = true;
    while (kept && listing_next(&listing, &x)) {
        char *object = object_path(folder, &x.digest);
        kept = is_whole(d, object, &x.digest);
        mem_free(object);
    }
    buf_release(&x.name);
    return kept && listing.len == 0;
}

static void remove_listed(const char *path, struct text listing)
{
    struct listed x = {.executable = false};
    while (listing_next(&listing, &x)) {
        char *inner = mem_format("%s/%s", path, buf_text(&x.name));
        (void)unlink(inner);
        mem_free(inner);
    }
    buf_release(&x.name);
}

static int set_executable(const char *path, bool executable, struct error *e)
{
    struct stat is;
    if (stat(path, &is) != 0)
        return error_errno(e, "cannot look at %s", path);
    mode_t plain = is.st_mode & 0666, mode = executable ? plain | (plain & 0444) >> 2 : plain;
    return (is.st_mode & 0777) == mode || chmod(path, mode) == 0
               ? 0
               : error_errno(e, "cannot set the mode of %s", path);
}

/* 1: all are there. */
static int restore_listed(const char *folder, struct digests *d, const char *path,
                          struct text listing, struct error *e)
{
    struct listed x = {.executable = false};
    int status = 1;
    while (status > 0 && listing_next(&listing, &x)) {
        char *inner = mem_format("%s/%s", path, buf_text(&x.name));
        status = restore_file(folder, d, &x.digest, inner, e);
        if (status > 0 && set_executable(inner, x.executable, e) < 0)
            status = ERR_SYSTEM;
        mem_free(inner);
    }
    buf_release(&x.name);
    return status;
}

/* What is there now goes, but only when all of that is kept, too. */
static int restore_folder(const char *folder, struct digests *d, const struct digest *digest,
                          const char *path, struct error *e)
{
    struct buf wanted = {0};
    struct listing now = {.plain = true};
    struct stat is;
    bool there = lstat(path, &is) == 0, good = load_listing(folder, digest, &wanted);
    struct text text = {wanted.at ? wanted.at : "", wanted.len};
    int status = 0;
    good = good && (!there || S_ISDIR(is.st_mode)) && all_are_kept(folder, d, text);
    if (good && there) {
        status = listing_make(d, path, &now, e);
        good = status == 0 && now.plain && all_are_kept(folder, d, listing_text(&now));
    }
    if (good) {
        remove_listed(path, listing_text(&now));
        char *inside = mem_format("%s/", path);
        status = folder_make_parents(inside, e);
        mem_free(inside);
        if (status == 0)
            status = restore_listed(folder, d, path, text, e);
    }
    listing_release(&now);
    buf_release(&wanted);
    return status;
}

int objects_restore(const char *folder, struct digests *d, const struct digest *digest,
                    const char *path, struct error *e)
{
    int status = restore_file(folder, d, digest, path, e);
    return status ? status : restore_folder(folder, d, digest, path, e);
}

/* ---- files that may be written to ---- */

static bool is_second_name(const char *object, const char *path)
{
    struct stat a, b;
    return lstat(path, &a) == 0 && stat(object, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

int objects_part(const char *folder, struct digests *d, const char *path, struct error *e)
{
    struct listing list = {.plain = false};
    struct listed x = {.executable = false};
    int status = listing_make(d, path, &list, e);
    struct text rest = listing_text(&list);
    while (status == 0 && listing_next(&rest, &x)) {
        char *object = object_path(folder, &x.digest);
        char *inner = mem_format("%s/%s", path, buf_text(&x.name));
        if (is_second_name(object, inner))
            status = file_copy(object, inner, false, e);
        mem_free(inner);
        mem_free(object);
    }
    buf_release(&x.name);
    listing_release(&list);
    return status;
}

void objects_listed(const char *folder, const struct digest *digest,
                    void (*take)(void *context, const struct digest *file), void *context)
{
    struct buf text = {0};
    struct listed x = {.executable = false};
    if (load_listing(folder, digest, &text))
        for (struct text rest = {text.at ? text.at : "", text.len}; listing_next(&rest, &x);)
            take(context, &x.digest);
    buf_release(&x.name);
    buf_release(&text);
}

/* ---- copies ---- */

int objects_copy(const char *folder, struct digests *d, const char *path,
                 const struct digest *digest, struct error *e)
{
    char quoted[QUOTE_MAX];
    char *object = object_path(folder, digest);
    int status = 0;
    if (!is_whole(d, object, digest)) {
        status = folder_make_parents(object, e);
        if (status == 0)
            status = file_copy(path, object, true, e);
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
