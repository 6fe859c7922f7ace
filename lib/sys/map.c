/* Files as memory. */
#include "sys/sys.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int map(int fd, const char *path, struct text *out, struct error *e)
{
    struct stat s;
    *out = (struct text){"", 0};
    if (fstat(fd, &s))
        return error_errno(e, "%s: cannot be read", path);
    if (!S_ISREG(s.st_mode))
        return error_set(e, ERR_SYSTEM, "%s: is not a regular file", path);
    if (s.st_size == 0)
        return 0;
    void *at = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return error_errno(e, "%s: cannot be read", path);
    *out = (struct text){at, (size_t)s.st_size};
    return 0;
}

int file_map(const char *path, struct text *out, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(e, "%s: cannot be opened", path);
    int status = map(fd, path, out, e);
    close(fd);
    return status;
}

void file_unmap(struct text map)
{
    union {
        const char *given;
        void *at;
    } it = {map.at};
    if (map.len)
        munmap(it.at, map.len);
}
