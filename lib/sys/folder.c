#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int folder_sync(const char *folder, struct error *e)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 || fsync(fd);
    if (failed)
        error_errno(e, "%s: cannot be written to the disk", folder);
    if (fd >= 0)
        close(fd);
    return failed ? ERR_SYSTEM : 0;
}

int folder_sync_parent(const char *path, struct error *e)
{
    const char *slash = strrchr(path, '/');
    char *parent = slash ? mem_text_n(path, (size_t)(slash + 1 - path)) : mem_text(".");
    int status = folder_sync(parent, e);
    mem_free(parent);
    return status;
}

int folder_make(const char *folder, struct error *e)
{
    if (mkdir(folder, 0777) == 0)
        return folder_sync_parent(folder, e);
    return errno == EEXIST ? 0 : error_errno(e, "%s: cannot be made", folder);
}

int folder_make_parents(const char *path, struct error *e)
{
    char *copy = mem_text(path);
    int status = 0;
    for (char *at = copy + 1; *path && status == 0 && (at = strchr(at, '/')) != NULL; at++) {
        *at = 0;
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            status = error_errno(e, "%s: cannot be made", copy);
        *at = '/';
    }
    mem_free(copy);
    return status;
}

int filesystem_sync(const char *folder, struct error *e)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 || syncfs(fd);
    if (failed)
        error_errno(e, "%s: cannot be written to the disk", folder);
    if (fd >= 0)
        close(fd);
    return failed ? ERR_SYSTEM : 0;
}
