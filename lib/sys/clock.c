#include "sys/sys.h"

#include <time.h>

usec clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * USEC_SECOND + t.tv_nsec / 1000;
}
