/* Folders that are watched for changes (inotify). */
#include "sys/sys.h"

#include <errno.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

struct watcher {
    int fd;
};

struct watcher *watcher_new(struct error *e)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0) {
        error_errno(e, "cannot watch files");
        return NULL;
    }
    struct watcher *w = mem_alloc(sizeof *w);
    w->fd = fd;
    return w;
}

int watcher_add(struct watcher *w, const char *folder, struct error *e)
{
    enum {
        CHANGES = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |
                  IN_MODIFY
    };
    if (inotify_add_watch(w->fd, folder, CHANGES) >= 0 || errno == ENOENT)
        return 0;
    return error_errno(e, "cannot watch %s", folder);
}

static bool drain(const struct watcher *w)
{
    char events[4096];
    bool any = false;
    while (read(w->fd, events, sizeof events) > 0)
        any = true;
    return any;
}

int watcher_wait(struct watcher *w, int quiet_ms, struct error *e)
{
    struct pollfd fd = {.fd = w->fd, .events = POLLIN};
    if (poll(&fd, 1, -1) < 0)
        return errno == EINTR ? 0 : error_errno(e, "cannot watch files");
    do
        (void)drain(w);
    while (poll(&fd, 1, quiet_ms) > 0);
    return 0;
}

void watcher_free(struct watcher *w)
{
    if (!w)
        return;
    close(w->fd);
    mem_free(w);
}
