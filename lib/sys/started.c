/* When a process was started, from /proc/N/stat (proc(5)). */
#include "sys/sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { STARTTIME = 22 };

/* Fields behind the name, which may hold blanks and brackets. */
static uint64_t field(const char *stat, int number)
{
    const char *at = strrchr(stat, ')');
    for (int i = 2; at && i < number; i++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    return at ? strtoull(at, NULL, 10) : 0;
}

usec process_started(pid_t number)
{
    char path[64], stat[1024];
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)number);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, stat, sizeof stat - 1) : -1;
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return 0;
    stat[n] = 0;
    struct timespec up;
    (void)clock_gettime(CLOCK_BOOTTIME, &up);
    usec since_start = up.tv_sec * USEC_SECOND + up.tv_nsec / 1000;
    double ticks = (double)field(stat, STARTTIME), second = (double)sysconf(_SC_CLK_TCK);
    return clock_now() - since_start + (usec)(ticks / second * USEC_SECOND);
}
