#include "unit.h"

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

struct unit_test *unit_first, **unit_last = &unit_first;
bool unit_failed;
const char *unit_skipped;

static struct {
    pid_t pid; /* a forked child that ends is not the program's end */
    int done;
    const struct unit_test *running;
} progress;

const char *unit_folder(void)
{
    static char folder[] = "/tmp/mlutils-unit-XXXXXX";
    static bool made;
    if (!made && !mkdtemp(folder)) {
        perror(folder);
        exit(1);
    }
    made = true;
    return folder;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

void unit_remove(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *in_folder(const char *name)
{
    static char path[4][256];
    static unsigned turn;
    char *out = path[turn++ % 4];
    (void)snprintf(out, sizeof path[0], "%s/%s", unit_folder(), name);
    return out;
}

/* What calls exit in the middle of a test must not look like a short list of passed tests. */
static void ended_early(void)
{
    if (getpid() != progress.pid || !progress.running)
        return;
    printf("# exit was called in this test\nnot ok %d - %s\n", progress.done + 1,
           progress.running->name);
    (void)fflush(stdout);
    _exit(1);
}

int main(void)
{
    int failures = 0;
    progress.pid = getpid();
    (void)atexit(ended_early);
    for (struct unit_test *t = unit_first; t; t = t->next) {
        unit_failed = false;
        unit_skipped = NULL;
        progress.running = t;
        if (t->run_with)
            t->run_with(t->argument);
        else
            t->run();
        progress.done++;
        failures += unit_failed;
        printf("%sok %d - %s%s%s\n", unit_failed ? "not " : "", progress.done, t->name,
               unit_skipped ? " # SKIP " : "", unit_skipped ? unit_skipped : "");
        (void)fflush(stdout); /* a crash keeps what passed before it */
    }
    progress.running = NULL;
    printf("1..%d\n", progress.done);
    return failures ? 1 : 0;
}
