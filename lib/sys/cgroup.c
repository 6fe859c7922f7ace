/* Control groups (cgroups(7)): one folder for a child in each hierarchy of version 1 that has a
 * controller we need, one for all others in version 2. */
#include "sys/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum controller { MEMORY, PIDS, CPU, FREEZER, CONTROLLERS };
static const char *const names[] = {"memory", "pids", "cpu", "freezer"};
static const char *const limit_names[] = {"memory", "processes", "processors"};
static const char prefix[] = "mlutils-";

enum { PERIOD_US = 100000, TRIES = 3000, FILE_MAX = 1 << 20 };

struct cgroup {
    char *v1[CONTROLLERS]; /* NULL: it is not there, or not wanted */
    char *v2;              /* NULL: nothing is in version 2 */
    bool memory;           /* is limited */
};

/* ---- files ---- */

static int put(const char *folder, const char *file, const char *text)
{
    char *path = mem_format("%s/%s", folder, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC), number = 0;
    mem_free(path);
    if (fd < 0)
        return errno;
    if (write(fd, text, strlen(text)) < 0)
        number = errno;
    close(fd);
    return number;
}

/* Returns owned; empty when it cannot be read. */
static char *get(const char *folder, const char *file)
{
    char *path = mem_format("%s/%s", folder, file);
    struct buf text = {0};
    (void)file_load(path, FILE_MAX, &text, NULL);
    mem_free(path);
    (void)buf_text(&text);
    return buf_take(&text);
}

static uint64_t get_number(const char *folder, const char *file)
{
    char *text = get(folder, file);
    uint64_t n = strtoull(text, NULL, 10);
    mem_free(text);
    return n;
}

/* Of a line "key number". */
static uint64_t get_key(const char *folder, const char *file, const char *key)
{
    char *text = get(folder, file);
    size_t len = strlen(key);
    uint64_t n = 0;
    for (const char *at = text; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, key, len) == 0 && at[len] == ' ')
            n = strtoull(at + len, NULL, 10);
        if (*at == 0)
            break;
    }
    mem_free(text);
    return n;
}

/* Is the word one of the list, whose words are parted by any of `between`? */
static bool in_list(const char *list, size_t len, const char *word, const char *between)
{
    size_t n = strlen(word);
    for (size_t at = 0; at < len;) {
        size_t end = at;
        while (end < len && !strchr(between, list[end]))
            end++;
        if (end - at == n && memcmp(list + at, word, n) == 0)
            return true;
        at = end + 1;
    }
    return false;
}

/* ---- where ---- */

/* This process's path in the hierarchy of a controller of version 1, or of version 2 (NULL).
 * Returns owned; NULL: there is none. */
static char *own_path(const char *controller)
{
    char *all = get("/proc/self", "cgroup"), *found = NULL;
    for (char *line = all, *next; *line && !found; line = next) {
        next = line + strcspn(line, "\n");
        const char *list = memchr(line, ':', (size_t)(next - line));
        const char *path = list ? memchr(list + 1, ':', (size_t)(next - list - 1)) : NULL;
        if (path && (controller ? in_list(list + 1, (size_t)(path - list - 1), controller, ",")
                                : path == list + 1))
            found = mem_text_n(path + 1, (size_t)(next - path - 1));
        next += *next == '\n';
    }
    mem_free(all);
    return found;
}

/* A line of mountinfo: is it the hierarchy? Then its root and its place. */
static bool mount_of(const char *line, size_t len, const char *controller, char root[static 1024],
                     char at[static 1024])
{
    char *text = mem_text_n(line, len), kind[32] = "", options[512] = "";
    const char *behind = strstr(text, " - ");
    bool is = behind && sscanf(behind, " - %31s %*s %511s", kind, options) == 2 &&
              sscanf(text, "%*d %*d %*s %1023s %1023s", root, at) == 2;
    mem_free(text);
    if (!is)
        return false;
    return controller
               ? strcmp(kind, "cgroup") == 0 && in_list(options, strlen(options), controller, ",")
               : strcmp(kind, "cgroup2") == 0;
}

/* The folder of this process's own group. Returns owned, or NULL. A mount may show a part of the
 * hierarchy only, and what is above its root cannot be named. */
static char *own_folder(const char *controller)
{
    char root[1024], at[1024], *folder = NULL, *path = own_path(controller);
    char *mounts = path ? get("/proc/self", "mountinfo") : NULL;
    for (const char *line = mounts; line && *line && !folder;) {
        size_t len = strcspn(line, "\n");
        if (mount_of(line, len, controller, root, at)) {
            size_t cut = strcmp(root, "/") == 0 ? 0 : strlen(root);
            bool below = strncmp(path, root, cut) == 0;
            folder = mem_format("%s%s", at, below ? path + cut : "");
        }
        line += len + (line[len] == '\n');
    }
    mem_free(mounts);
    mem_free(path);
    return folder;
}

/* ---- of version 2 ---- */

static bool gives(const char *folder, const bool wanted[CONTROLLERS], bool turn_on)
{
    bool all = true;
    for (int i = 0; i < FREEZER && turn_on; i++) {
        char *word = mem_format("+%s", names[i]);
        if (wanted[i])
            (void)put(folder, "cgroup.subtree_control", word);
        mem_free(word);
    }
    char *given = get(folder, "cgroup.subtree_control");
    for (int i = 0; i < FREEZER; i++)
        all = all && (!wanted[i] || in_list(given, strlen(given), names[i], " \n"));
    mem_free(given);
    return all && access(folder, W_OK) == 0;
}

static bool is_root(const char *folder)
{
    char *path = mem_format("%s/cgroup.type", folder);
    bool is = access(path, F_OK) != 0;
    mem_free(path);
    return is;
}

/* A group that has processes, as ours has, gives none below it their controllers, unless it is the
 * root: then it is beside ours. Returns owned; NULL: nowhere. */
static char *place_of_v2(const bool wanted[CONTROLLERS])
{
    char *own = own_folder(NULL);
    bool root = own && is_root(own);
    char *last = own && !root ? strrchr(own, '/') : NULL;
    if (last)
        *last = 0;
    if (own && (root || last) && gives(own, wanted, root))
        return own;
    mem_free(own);
    return NULL;
}

/* ---- making ---- */

/* A process of ours that was killed could not remove its groups. */
static void sweep(const char *folder)
{
    DIR *d = opendir(folder);
    for (struct dirent *x; d && (x = readdir(d));) {
        if (strncmp(x->d_name, prefix, sizeof prefix - 1) != 0)
            continue;
        long pid = strtol(x->d_name + sizeof prefix - 1, NULL, 10);
        if (pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH)
            (void)unlinkat(dirfd(d), x->d_name, AT_REMOVEDIR);
    }
    if (d)
        (void)closedir(d);
}

/* Returns owned, or NULL with errno. */
static char *make_below(const char *folder)
{
    sweep(folder);
    for (usec number = clock_now();; number++) {
        char *path =
            mem_format("%s/%s%ld-%" PRIx64, folder, prefix, (long)getpid(), (uint64_t)number);
        if (mkdir(path, 0755) == 0)
            return path;
        int failed = errno;
        mem_free(path);
        errno = failed;
        if (failed != EEXIST)
            return NULL;
    }
}

static int refused(struct error *e, const char *what, int number)
{
    errno = number;
    return number ? error_errno(e, "cannot limit %s with a control group", what)
                  : error_set(e, ERR_SYSTEM,
                              "cannot limit %s: there is no control group that may be used", what);
}

static const char *first_name(const bool wanted[CONTROLLERS])
{
    int i = 0;
    while (i < FREEZER - 1 && !wanted[i])
        i++;
    return limit_names[i];
}

/* Clears in `wanted` what version 1 has. */
static int make_v1(struct cgroup *g, bool wanted[CONTROLLERS], struct error *e)
{
    for (int i = 0; i < CONTROLLERS; i++) {
        char *folder = wanted[i] ? own_folder(names[i]) : NULL;
        if (folder) {
            g->v1[i] = make_below(folder);
            int number = errno;
            mem_free(folder);
            if (!g->v1[i] && i != FREEZER)
                return refused(e, limit_names[i], number);
            wanted[i] = false;
        }
    }
    return 0;
}

static int make_v2(struct cgroup *g, const bool wanted[CONTROLLERS], struct error *e)
{
    if (!wanted[MEMORY] && !wanted[PIDS] && !wanted[CPU])
        return 0;
    char *place = place_of_v2(wanted);
    if (!place)
        return refused(e, first_name(wanted), 0);
    g->v2 = make_below(place);
    int number = errno;
    mem_free(place);
    return g->v2 ? 0 : refused(e, first_name(wanted), number);
}

static int limit_memory(const struct cgroup *g, uint64_t bytes)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRIu64, bytes);
    if (!g->v1[MEMORY]) {
        (void)put(g->v2, "memory.swap.max", "0"); /* it may have no swap */
        return put(g->v2, "memory.max", text);
    }
    int number = put(g->v1[MEMORY], "memory.limit_in_bytes", text);
    (void)put(g->v1[MEMORY], "memory.memsw.limit_in_bytes", text); /* it may not count swap */
    return number;
}

static int limit_cpus(const struct cgroup *g, double cpus)
{
    char text[64];
    int64_t quota = (int64_t)(cpus * PERIOD_US + 0.5);
    quota = quota < PERIOD_US / 100 ? PERIOD_US / 100 : quota;
    if (!g->v1[CPU]) {
        (void)snprintf(text, sizeof text, "%" PRId64 " %d", quota, PERIOD_US);
        return put(g->v2, "cpu.max", text);
    }
    (void)snprintf(text, sizeof text, "%" PRId64, quota);
    return put(g->v1[CPU], "cpu.cfs_quota_us", text);
}

static int set_limits(const struct cgroup *g, const struct limits *l, unsigned more,
                      struct error *e)
{
    char text[32];
    int number = l->memory ? limit_memory(g, l->memory) : 0;
    if (number)
        return refused(e, limit_names[MEMORY], number);
    (void)snprintf(text, sizeof text, "%" PRIu64, (uint64_t)l->processes + more);
    if (l->processes)
        number = put(g->v1[PIDS] ? g->v1[PIDS] : g->v2, "pids.max", text);
    if (number)
        return refused(e, limit_names[PIDS], number);
    number = l->cpus > 0 ? limit_cpus(g, l->cpus) : 0;
    return number ? refused(e, limit_names[CPU], number) : 0;
}

int cgroup_make(const struct limits *l, unsigned more, struct cgroup **out, struct error *e)
{
    *out = NULL;
    if (!l || (!l->memory && !l->processes && l->cpus <= 0))
        return 0;
    struct cgroup *g = mem_alloc(sizeof *g);
    g->memory = l->memory != 0;
    /* To enter a group takes milliseconds: not the freezer's, where there is another way to kill
     * those that fork without end. */
    bool freezer = l->processes == 0 && more == 0;
    bool wanted[CONTROLLERS] = {l->memory != 0, l->processes != 0, l->cpus > 0, freezer};
    int status = make_v1(g, wanted, e);
    if (status == 0)
        status = make_v2(g, wanted, e);
    if (status == 0)
        status = set_limits(g, l, more, e);
    int number = errno;
    if (status == 0)
        *out = g;
    else
        cgroup_free(g);
    errno = number;
    return status;
}

int limits_possible(const struct limits *l, struct error *e)
{
    struct cgroup *g;
    int status = cgroup_make(l, 0, &g, e);
    cgroup_free(g);
    return status;
}

/* ---- what is in it ---- */

int cgroup_enter(const struct cgroup *g, pid_t pid, struct error *e)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%ld", (long)pid);
    int number = g->v2 ? put(g->v2, "cgroup.procs", text) : 0;
    for (int i = 0; i < CONTROLLERS && number == 0; i++)
        if (g->v1[i])
            number = put(g->v1[i], "cgroup.procs", text);
    errno = number;
    return number ? error_errno(e, "cannot enter a control group") : 0;
}

/* How many there were. */
static int kill_listed(const char *folder)
{
    char *list = get(folder, "cgroup.procs"), *end = list;
    int n = 0;
    for (const char *at = list;; at = end) {
        long pid = strtol(at, &end, 10);
        if (end == at)
            break;
        if (pid > 0)
            (void)kill((pid_t)pid, SIGKILL);
        n++;
    }
    mem_free(list);
    return n;
}

static const char *any_folder(const struct cgroup *g)
{
    for (int i = 0; i < CONTROLLERS; i++)
        if (g->v1[i])
            return g->v1[i];
    return g->v2;
}

/* Frozen, those in it cannot start others faster than they are killed. */
void cgroup_kill(const struct cgroup *g)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    const char *folder = any_folder(g);
    if (g->v2)
        (void)put(g->v2, "cgroup.kill", "1");
    for (int i = 0; folder && i < TRIES && kill_listed(folder); i++) {
        if (g->v1[FREEZER]) {
            (void)put(g->v1[FREEZER], "freezer.state", "FROZEN");
            (void)kill_listed(folder);
            (void)put(g->v1[FREEZER], "freezer.state", "THAWED");
        }
        (void)nanosleep(&pause, NULL);
    }
}

void cgroup_read(const struct cgroup *g, struct child_event *out)
{
    const char *v1 = g->v1[MEMORY];
    if (v1) {
        out->peak_memory = get_number(v1, "memory.max_usage_in_bytes");
        out->out_of_memory = get_key(v1, "memory.oom_control", "oom_kill") > 0;
    } else if (g->v2 && g->memory) {
        out->peak_memory = get_number(g->v2, "memory.peak");
        out->out_of_memory = get_key(g->v2, "memory.events", "oom_kill") > 0;
    }
}

/* What was killed leaves it a moment later. */
static void remove_folder(char *folder)
{
    const struct timespec pause = {.tv_nsec = 500000};
    for (int i = 0; folder && i < TRIES && rmdir(folder) != 0 && errno == EBUSY; i++)
        (void)nanosleep(&pause, NULL);
    mem_free(folder);
}

void cgroup_free(struct cgroup *g)
{
    if (!g)
        return;
    cgroup_kill(g);
    for (int i = 0; i < CONTROLLERS; i++)
        remove_folder(g->v1[i]);
    remove_folder(g->v2);
    mem_free(g);
}
