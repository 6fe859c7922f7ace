/* sandbox N: runs true N times in each of several ways, in turn, and those whose remains the kernel
 * clears away while the next one runs (networks, control groups) after the others; prints for each
 * the least and the median milliseconds from start to end, as JSON lines. Peers that are not there
 * are left out. */
#include "sys/sys.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct way {
    const char *name;
    const char *const *argv;
    const struct sandbox *sandbox;
    const struct limits *limits;
    bool late;     /* after the others */
    double *times; /* [n] */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Milliseconds; negative: it failed. */
static double run_once(struct children *c, const struct way *w)
{
    struct error e = {0};
    struct child_event event = {.kind = CHILDREN_IDLE};
    pid_t number;
    double start = now();
    struct child child = {.argv = (char *const *)(uintptr_t)w->argv,
                          .in = -1,
                          .out = -1,
                          .sandbox = w->sandbox,
                          .limits = w->limits};
    if (children_start(c, &child, &number, &e) != 0)
        return -1;
    while (event.kind != CHILD_ENDED && children_wait(c, -1, &event, &e) == 0)
        ;
    return event.status == 0 ? now() - start : -1;
}

static const char *const plain[] = {"true", NULL};
static const char *const unshare[] = {"unshare", "-Urpf", "--mount-proc", "true", NULL};
static const char *const unshare_net[] = {"unshare", "-Urpfn", "--mount-proc", "true", NULL};
#define BWRAP                                                                                      \
    "bwrap", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",         \
        "--die-with-parent"
static const char *const bwrap[] = {
    BWRAP, "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "true", NULL};
static const char *const bwrap_net[] = {BWRAP, "--unshare-all", "true", NULL};

static const struct sandbox_mount mounts[] = {{"/usr", "/opt/ml/processing/input/data", false},
                                              {"/var/tmp", "/opt/ml/processing/output", true}};
static const struct sandbox bare = {.network = true}, alone = {.network = false},
                            mounted = {mounts, 2, "algo-1", true};
static const struct limits files = {.open_files = 256}, processes = {.processes = 100};

static struct way ways[] = {
    {"plain", plain, NULL, NULL, false, NULL},
    {"sandbox", plain, &bare, NULL, false, NULL},
    {"sandbox, two mounts in /opt/ml", plain, &mounted, NULL, false, NULL},
    {"sandbox, no network", plain, &alone, NULL, true, NULL},
    {"limit of open files", plain, NULL, &files, false, NULL},
    {"limit of processes", plain, NULL, &processes, true, NULL},
    {"unshare -Urpf --mount-proc", unshare, NULL, NULL, false, NULL},
    {"unshare -n, too", unshare_net, NULL, NULL, true, NULL},
    {"bwrap", bwrap, NULL, NULL, false, NULL},
    {"bwrap --unshare-all", bwrap_net, NULL, NULL, true, NULL},
};
enum { WAYS = sizeof ways / sizeof *ways };

static void run_all(struct children *c, size_t n, bool late)
{
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < WAYS; k++) {
            struct way *w = &ways[k];
            if (w->late == late)
                w->times[i] = i && w->times[i - 1] < 0 ? -1 : run_once(c, w);
        }
}

int main(int argc, char **argv)
{
    struct error e = {0};
    char *end = NULL;
    size_t n = argc == 2 ? strtoul(argv[1], &end, 10) : 0;
    struct children *c = n ? children_new(false, &e) : NULL;
    if (!c)
        return 2;
    for (int k = 0; k < WAYS; k++)
        ways[k].times = mem_array(NULL, n, sizeof *ways[k].times);
    run_all(c, n, false);
    run_all(c, n, true);
    children_free(c);
    for (int k = 0; k < WAYS; k++) {
        double *times = ways[k].times;
        bool ran = times[n - 1] >= 0;
        qsort(times, n, sizeof *times, by_size);
        if (ran)
            printf("{\"way\": \"%s\", \"least_ms\": %.2f, \"median_ms\": %.2f}\n", ways[k].name,
                   times[0], times[n / 2]);
        mem_free(times);
    }
    return 0;
}
