/* Shares and outputs that are Parquet: row groups, put together with a footer of their own. */
#include "processing/parts.h"

#include "table/parquet_groups.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct parquet_part part_of(const struct item *i)
{
    return (struct parquet_part){i->path, i->path, i->begin, i->end};
}

int item_write_groups(const struct item *item, int to, const char *to_name, struct error *e)
{
    struct parquet_part part = part_of(item);
    return parquet_join(&part, 1, to, to_name, e);
}

static int join_share(const struct share *s, int to, const char *to_name, struct error *e)
{
    struct parquet_part *parts = mem_array(NULL, s->count, sizeof *parts);
    for (size_t i = 0; i < s->count; i++)
        parts[i] = part_of(&s->items[i]);
    int status = parquet_join(parts, s->count, to, to_name, e);
    mem_free(parts);
    return status;
}

int share_open(const struct share *s, const char *path, struct error *e)
{
    bool whole = s->count == 1 && item_is_whole(&s->items[0]);
    const char *from = whole ? s->items[0].path : path;
    int to = whole ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (!whole && to < 0)
        return error_errno(e, "cannot write %s", path);
    int status = whole ? 0 : join_share(s, to, path, e);
    int fd = status ? status : open(from, O_RDONLY | O_CLOEXEC);
    if (status == 0 && fd < 0)
        fd = error_errno(e, "cannot open %s", from);
    if (to >= 0) {
        close(to);
        (void)unlink(path);
    }
    return fd;
}

/* By its first and its last bytes. */
static bool is_parquet(const char *path)
{
    char ends[8];
    struct stat s;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is = fd >= 0 && fstat(fd, &s) == 0 && s.st_size >= (off_t)sizeof ends &&
              file_read_at(fd, ends, 4, 0, path, NULL) == 4 &&
              file_read_at(fd, ends + 4, 4, (uint64_t)s.st_size - 4, path, NULL) == 4 &&
              memcmp(ends, "PAR1PAR1", sizeof ends) == 0;
    if (fd >= 0)
        close(fd);
    return is;
}

bool parts_are_parquet(char *const *paths, size_t n, const char *output)
{
    struct stat s;
    if (records_by_name(output).groups)
        return true;
    for (size_t i = 0; i < n; i++)
        if (stat(paths[i], &s) == 0 && s.st_size > 0)
            return is_parquet(paths[i]);
    return false;
}

int parts_join_groups(char *const *paths, size_t n, int to, const char *to_name, struct error *e)
{
    struct parquet_part *parts = mem_array(NULL, n + 1, sizeof *parts);
    struct arena arena = {0};
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        struct stat s;
        if (stat(paths[i], &s) != 0 || s.st_size > 0)
            parts[count++] = (struct parquet_part){
                paths[i], arena_format(&arena, "what instance %zu wrote", i), 0, UINT64_MAX};
    }
    int status = count ? parquet_join(parts, count, to, to_name, e)
                       : error_set(e, ERR_DATA, "no instance wrote anything: %s is no Parquet file",
                                   to_name);
    arena_release(&arena);
    mem_free(parts);
    return status;
}
