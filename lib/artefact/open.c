#include "artefact/archive.h"
#include "artefact/manifest.h"
#include "artefact/source.h"
#include "artefact/target.h"
#include "artefact/tool.h"
#include "io/io.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

struct text artefact_file(const struct artefact *a, const char *name)
{
    for (size_t i = 0; i < a->file_count; i++)
        if (strcmp(a->files[i].name, name) == 0)
            return a->files[i].bytes;
    return (struct text){0};
}

void artefact_free(struct artefact *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->file_count; i++)
        mem_free(a->files[i].name);
    mem_free(a->files);
    mem_free(a->name);
    mem_free(a->target);
    mem_free(a->library);
    mem_free(a->prefix);
    mem_free(a->tool);
    mem_free(a->compiler);
    mem_free(a->memory);
    mem_free(a);
}

/* The image among the files: they are aligned. */
static int take_image(struct artefact *a, struct text bytes, struct error *e)
{
    const struct ml_image *m = (const void *)bytes.at;
    if (bytes.len < sizeof *m || ml_image_check(m, bytes.len) != 0)
        return error_set(e, ERR_DATA, "model.bin is damaged, or of another version");
    a->image = m;
    return 0;
}

static int add_file(struct artefact *a, const char *name, struct text bytes, struct error *e)
{
    if (artefact_file(a, name).at)
        return error_set(e, ERR_DATA, "two files have the name %s", name);
    if (a->file_count == ARCHIVE_FILES_MAX)
        return error_set(e, ERR_DATA, "more than %d files", ARCHIVE_FILES_MAX);
    a->files[a->file_count++] = (struct artefact_file){mem_text(name), bytes};
    return 0;
}

int artefact_read_tar(struct artefact *a, struct text tar, struct error *e)
{
    char name[ARCHIVE_NAME_MAX + 1];
    struct text bytes;
    size_t at = 0;
    int rc;
    a->files = mem_array(NULL, ARCHIVE_FILES_MAX, sizeof *a->files);
    while ((rc = tar_next(tar, &at, name, &bytes, e)) == 1)
        if ((rc = add_file(a, name, bytes, e)) != 0)
            return rc;
    if (rc)
        return rc;
    struct text manifest = artefact_file(a, MANIFEST_NAME), image = artefact_file(a, "model.bin");
    if (!manifest.at)
        return error_set(e, ERR_DATA, "no artefact: %s is missing", MANIFEST_NAME);
    rc = manifest_read(manifest, a, e);
    return rc || !image.at ? rc : take_image(a, image, e);
}

static int read_archive(struct artefact *a, struct text packed, struct error *e)
{
    struct text tar;
    int rc = gzip_unpack(packed, &tar, &a->memory, e);
    return rc ? rc : artefact_read_tar(a, tar, e);
}

static int read_image(struct artefact *a, struct text bytes, struct error *e)
{
    char *all = mem_alloc(bytes.len + ARCHIVE_ALIGNED);
    char *at = all + (ARCHIVE_ALIGNED - (uintptr_t)all % ARCHIVE_ALIGNED) % ARCHIVE_ALIGNED;
    a->memory = all;
    a->files = mem_array(NULL, 1, sizeof *a->files);
    memcpy(at, bytes.at, bytes.len);
    bytes.at = at;
    int rc = add_file(a, "model.bin", bytes, e);
    return rc ? rc : take_image(a, bytes, e);
}

/* "-" is left to who reads models: it can be read once only. */
bool artefact_is_one(const char *path)
{
    struct source *source = NULL;
    const char *at;
    size_t n;
    bool is = false;
    if (strcmp(path, "-") == 0 || source_open(path, NULL, &source, NULL))
        return false;
    if (source_peek(source, sizeof MANIFEST_NAME, &at, &n, NULL) == 0)
        is = n > sizeof MANIFEST_NAME && (memcmp(at, MANIFEST_NAME, sizeof MANIFEST_NAME) == 0 ||
                                          memcmp(at, ML_IMAGE_MAGIC, sizeof ML_IMAGE_MAGIC) == 0);
    source_free(source);
    return is;
}

int artefact_open(const char *path, struct artefact **out, struct error *e)
{
    struct buf file = {0};
    int rc = file_load(path, ARCHIVE_BYTES_MAX, &file, e);
    if (rc) {
        buf_release(&file);
        return rc;
    }
    struct text bytes = {file.at, file.len};
    struct artefact *a = mem_alloc(sizeof *a);
    a->name = mem_text(path);
    if (gzip_is(bytes))
        rc = read_archive(a, bytes, e);
    else if (bytes.len > 8 && memcmp(bytes.at, ML_IMAGE_MAGIC, sizeof ML_IMAGE_MAGIC) == 0)
        rc = read_image(a, bytes, e);
    else
        rc = error_set(e, ERR_DATA, "neither an artefact nor a model.bin");
    buf_release(&file);
    if (rc) {
        error_at(e, path, 0, 0);
        artefact_free(a);
        return rc;
    }
    *out = a;
    return 0;
}

/* ---- files again ---- */

int artefact_restore(const struct artefact *a, struct built **out, struct error *e)
{
    const char *note;
    if (!a->target || !a->image)
        return error_set(e, ERR_DATA, "%s has no library to run", a->name);
    struct built *b = mem_alloc(sizeof *b);
    int rc = target_find(a->target, &b->target, &note, e);
    if (rc == 0 && !source_prefix_valid(a->prefix))
        rc = error_set(e, ERR_DATA, "the prefix of the functions is no name");
    if (rc == 0 && !(b->directory = scratch_directory(e)))
        rc = ERR_SYSTEM;
    for (size_t i = 0; i < a->file_count && rc == 0; i++)
        rc = directory_put(b->directory, a->files[i].name, a->files[i].bytes, e);
    if (rc) {
        built_free(b);
        return rc;
    }
    b->library = mem_text(a->library);
    b->header = mem_text("model.h");
    b->prefix = mem_text(a->prefix);
    b->compiler = a->compiler ? mem_text(a->compiler) : NULL;
    b->features = a->image->features;
    b->fields = a->image->fields ? a->image->fields : a->image->features;
    *out = b;
    return 0;
}

static char *path_in(const char *directory, const struct artefact_file *file)
{
    return mem_format("%s/%s", directory, file->name);
}

static int check_free(const struct artefact *a, const char *directory, struct error *e)
{
    int rc = 0;
    for (size_t i = 0; i < a->file_count && rc == 0; i++) {
        struct stat s;
        char *path = path_in(directory, &a->files[i]);
        if (lstat(path, &s) == 0) {
            rc = error_set(e, ERR_SYSTEM, "exists already, and is not replaced");
            error_at(e, path, 0, 0);
        }
        mem_free(path);
    }
    return rc;
}

/* All files are written before the first gets its name. */
static int write_files(const struct artefact *a, const char *directory, struct replace **under,
                       struct error *e)
{
    int rc = 0;
    for (size_t i = 0; i < a->file_count && rc == 0; i++) {
        const struct artefact_file *file = &a->files[i];
        char *path = path_in(directory, file);
        rc = replace_open(path, &under[i], e);
        if (rc == 0)
            rc = file_write(replace_fd(under[i]), file->bytes.at, file->bytes.len, path, e);
        mem_free(path);
    }
    for (size_t i = 0; i < a->file_count; i++) {
        if (rc == 0)
            rc = replace_commit(under[i], e);
        else
            replace_abort(under[i]);
    }
    return rc;
}

int artefact_unpack(const struct artefact *a, const char *directory, struct error *e)
{
    struct replace *under[ARCHIVE_FILES_MAX] = {NULL};
    bool made = mkdir(directory, 0777) == 0;
    if (!made && errno != EEXIST) {
        error_errno(e, "cannot create the directory");
        error_at(e, directory, 0, 0);
        return ERR_SYSTEM;
    }
    int rc = check_free(a, directory, e);
    if (rc == 0)
        rc = write_files(a, directory, under, e);
    if (rc && made)
        (void)rmdir(directory);
    return rc;
}
