#include "artefact/archive.h"
#include "artefact/manifest.h"
#include "artefact/target.h"
#include "artefact/tool.h"

#include <unistd.h>

char *artefact_archive_name(const struct target *t)
{
    return mem_format("model-%s.tar.gz", t->name);
}

static int write_whole(const char *path, struct text bytes, struct error *e)
{
    struct replace *r;
    int rc = replace_open(path, &r, e);
    if (rc)
        return rc;
    rc = file_write(replace_fd(r), bytes.at, bytes.len, path, e);
    if (rc) {
        replace_abort(r);
        return rc;
    }
    return replace_commit(r, e);
}

static int pack_files(const struct pack *p, const struct artefact_file *files, size_t count,
                      const char *path, struct error *e)
{
    struct buf manifest = {0}, tar = {0}, packed = {0};
    int rc = 0;
    manifest_write(p, files, count, &manifest);
    tar_add(&tar, MANIFEST_NAME, (struct text){manifest.at, manifest.len});
    for (size_t i = 0; i < count; i++)
        tar_add(&tar, files[i].name, files[i].bytes);
    tar_end(&tar);
    if (tar.len > ARCHIVE_BYTES_MAX)
        rc = error_set(e, ERR_NO, "the artefact would have %zu MiB, more than %zu", tar.len >> 20,
                       ARCHIVE_BYTES_MAX >> 20);
    if (rc == 0) {
        gzip_pack((struct text){tar.at, tar.len}, &packed);
        rc = write_whole(path, (struct text){packed.at, packed.len}, e);
    }
    buf_release(&manifest);
    buf_release(&tar);
    buf_release(&packed);
    return rc;
}

int artefact_pack(const struct pack *p, const char *path, struct error *e)
{
    const struct built *b = p->built;
    struct buf library = {0}, header = {0};
    int rc = directory_get(b->directory, b->library, ARCHIVE_BYTES_MAX, &library, e);
    if (rc == 0)
        rc = directory_get(b->directory, b->header, ARCHIVE_BYTES_MAX, &header, e);
    struct artefact_file files[] = {
        {b->library, {library.at, library.len}},
        {b->header, {header.at, header.len}},
        {(char[]){"model.bin"}, {(const char *)p->image, (size_t)p->image->bytes}},
        {(char[]){"verify.json"}, text_of(p->verification ? p->verification : "")},
    };
    if (rc == 0)
        rc = pack_files(p, files, p->verification ? 4 : 3, path, e);
    buf_release(&library);
    buf_release(&header);
    return rc;
}
