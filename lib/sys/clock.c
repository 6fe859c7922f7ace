#include "sys/sys.h"

#include <sys/random.h>
#include <time.h>

usec clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * USEC_SECOND + t.tv_nsec / 1000;
}

void entropy(void *into, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = getrandom((char *)into + done, n - done, 0);
        done += got > 0 ? (size_t)got : 0;
    }
}
