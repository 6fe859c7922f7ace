#include "sys/sys.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

char *program_path(const char *name)
{
    const char *path = getenv("PATH");
    if (strchr(name, '/'))
        return mem_text(name);
    for (const char *at = path ? path : "/usr/bin:/bin"; *at;) {
        size_t n = strcspn(at, ":");
        char *file = mem_format("%.*s/%s", (int)n, at, name);
        if (access(file, X_OK) == 0)
            return file;
        mem_free(file);
        at += n + (at[n] == ':');
    }
    return NULL;
}

pid_t process_detach(struct error *e)
{
    pid_t pid = fork();
    if (pid < 0)
        return error_errno(e, "cannot start a process");
    if (pid > 0)
        return pid;
    int null = open("/dev/null", O_RDWR);
    (void)setsid();
    for (int fd = 0; fd < 3 && null >= 0; fd++)
        (void)dup2(null, fd);
    if (null > 2)
        close(null);
    return 0;
}
