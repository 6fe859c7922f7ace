/* May this process have sandboxes? Found out by making one. */
#include "sys/confine.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>

static pthread_once_t tried = PTHREAD_ONCE_INIT;
static struct error answer; /* of the trial; code 0: it can be done */

static long setting(const char *path)
{
    struct buf text = {0};
    long value = file_load(path, 4096, &text, NULL) == 0 ? strtol(buf_text(&text), NULL, 10) : -1;
    buf_release(&text);
    return value;
}

static bool filtered(void)
{
    struct buf text = {0};
    (void)file_load("/proc/self/status", 1 << 16, &text, NULL);
    const char *at = strstr(buf_text(&text), "\nSeccomp:");
    bool is = at && strtol(at + sizeof "\nSeccomp:", NULL, 10) == 2;
    buf_release(&text);
    return is;
}

/* What is known to refuse it; NULL: nobody knows. */
static const char *culprit(void)
{
    static const struct {
        const char *path;
        long refusing;
        const char *name;
    } known[] = {
        {"/proc/sys/user/max_user_namespaces", 0, "user.max_user_namespaces is 0"},
        {"/proc/sys/user/max_mnt_namespaces", 0, "user.max_mnt_namespaces is 0"},
        {"/proc/sys/user/max_pid_namespaces", 0, "user.max_pid_namespaces is 0"},
        {"/proc/sys/user/max_ipc_namespaces", 0, "user.max_ipc_namespaces is 0"},
        {"/proc/sys/user/max_uts_namespaces", 0, "user.max_uts_namespaces is 0"},
        {"/proc/sys/user/max_net_namespaces", 0, "user.max_net_namespaces is 0"},
        {"/proc/sys/kernel/unprivileged_userns_clone", 0, "kernel.unprivileged_userns_clone is 0"},
        {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 1,
         "AppArmor, kernel.apparmor_restrict_unprivileged_userns is 1"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (setting(known[i].path) == known[i].refusing)
            return known[i].name;
    return filtered() ? "a seccomp filter, perhaps that of a container" : NULL;
}

static void explain(struct error *e)
{
    const char *why = culprit();
    char what[sizeof e->message];
    memcpy(what, e->message, sizeof what);
    if (why)
        (void)error_set(e, ERR_SYSTEM, "no sandboxes here (%s): %s", why, what);
    else
        (void)error_set(e, ERR_SYSTEM, "no sandboxes here: %s", what);
}

static void attempt(void)
{
    const struct sandbox empty = {0};
    struct confined *c = NULL;
    struct child_event event = {0};
    struct rusage use;
    pid_t pid;
    int raw = -1;
    if (confined_start(&(struct spawn){.in = -1, .out = -1, .err = -1}, &empty, NULL, &c, &pid,
                       &answer) == 0) {
        while (waitpid(pid, &raw, 0) < 0 && errno == EINTR)
            ;
        confined_end(c, &raw, &use, &event);
        confined_free(c);
        if (raw != 0)
            (void)error_set(&answer, ERR_SYSTEM, "its process ended before it should");
    }
    if (answer.code)
        explain(&answer);
}

int sandbox_possible(struct error *e)
{
    (void)pthread_once(&tried, attempt);
    if (answer.code && e)
        *e = answer;
    return answer.code;
}
