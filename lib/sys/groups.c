/* Process groups that a fatal signal ends, for signal handlers; like the files of replace.c. */
#include "sys/spawn.h"

#include <signal.h>
#include <stdatomic.h>

enum { SLOTS = 1024 };

static _Atomic(pid_t) running[SLOTS];
static atomic_int used; /* slots that were ever taken */

int group_enter(pid_t group)
{
    for (int i = 0; i < SLOTS; i++) {
        pid_t empty = 0;
        if (!atomic_compare_exchange_strong(&running[i], &empty, group))
            continue;
        for (int most = atomic_load(&used);
             most <= i && !atomic_compare_exchange_weak(&used, &most, i + 1);)
            ;
        return i;
    }
    return -1;
}

void group_leave(int slot)
{
    if (slot >= 0)
        atomic_store(&running[slot], 0);
}

void process_abort_all(void)
{
    for (int i = 0; i < atomic_load(&used); i++) {
        pid_t group = atomic_exchange(&running[i], 0);
        if (group > 0)
            (void)kill(-group, SIGKILL); /* its temporary files are in a scratch directory */
    }
}
