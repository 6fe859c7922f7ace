/* spawn N COMMAND [ARGUMENT...]: runs a command N times, one after the other, its output thrown
 * away; prints the least and the median milliseconds from start to end, as JSON. */
#include "base/base.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

static double run_once(char **argv, const posix_spawn_file_actions_t *actions)
{
    double start = now();
    pid_t pid;
    int status;
    if (posix_spawnp(&pid, argv[0], actions, NULL, argv, environ) || waitpid(pid, &status, 0) < 0 ||
        status != 0) {
        fprintf(stderr, "spawn: %s failed\n", argv[0]);
        exit(4);
    }
    return now() - start;
}

int main(int argc, char **argv)
{
    int64_t n = 0;
    double unused;
    posix_spawn_file_actions_t actions;
    if (argc < 3 || number_parse(argv[1], strlen(argv[1]), &n, &unused) != NUMBER_INT || n < 1)
        return 2;
    double *times = mem_array(NULL, (size_t)n, sizeof *times);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    for (int64_t i = 0; i < n; i++)
        times[i] = run_once(argv + 2, &actions);
    posix_spawn_file_actions_destroy(&actions);
    qsort(times, (size_t)n, sizeof *times, by_size);
    printf("{\"least_ms\": %.2f, \"median_ms\": %.2f}\n", times[0], times[n / 2]);
    mem_free(times);
    return 0;
}
