/* Files of a share as one stream: the header of the first, then the records of all. */
#include "processing/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/sendfile.h>
#include <unistd.h>

enum { MOST = 1 << 20, NAP_MS = 50 };

struct feed {
    const struct share *share;
    struct shard_records records;
    int from; /* in place of the share's files; -1: none */
    int fd;
    char *fifo;
    pthread_t thread;
    bool started;
    atomic_bool stop;
    int status;
    struct error error;
};

/* Whoever is to read may read no further: that is no error. Returns 1 then. A process that was left
 * behind may keep its end open for ever, so nothing waits without an end here. */
static int send_bytes(struct feed *f, int from, const char *path, uint64_t begin, uint64_t end,
                      struct error *e)
{
    off_t at = (off_t)begin;
    while ((uint64_t)at < end && !atomic_load(&f->stop)) {
        uint64_t left = end - (uint64_t)at;
        ssize_t n = sendfile(f->fd, from, &at, left < MOST ? (size_t)left : MOST);
        if (n < 0 && errno == EAGAIN)
            (void)poll(&(struct pollfd){.fd = f->fd, .events = POLLOUT}, 1, NAP_MS);
        else if (n < 0 && errno == EPIPE)
            return 1;
        else if (n < 0 && errno != EINTR)
            return error_errno(e, "cannot pass on %s", path);
        else if (n == 0)
            return error_set(e, ERR_SYSTEM, "%s became shorter", path);
    }
    return atomic_load(&f->stop);
}

/* Two files of one table have one header. */
static int same_header(const struct item *a, const struct item *b, uint64_t n, struct error *e)
{
    struct buf first = {0}, other = {0};
    int fds[2] = {open(a->path, O_RDONLY | O_CLOEXEC), open(b->path, O_RDONLY | O_CLOEXEC)};
    buf_reserve(&first, n + 1);
    buf_reserve(&other, n + 1);
    bool same = fds[0] >= 0 && fds[1] >= 0 &&
                file_read_at(fds[0], first.at, n, 0, a->path, NULL) == (ssize_t)n &&
                file_read_at(fds[1], other.at, n, 0, b->path, NULL) == (ssize_t)n &&
                memcmp(first.at, other.at, n) == 0;
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    buf_release(&first);
    buf_release(&other);
    return same ? 0
                : error_set(e, ERR_DATA, "the header of %s is not that of %s", b->path, a->path);
}

static int send_item(struct feed *f, size_t number, struct error *e)
{
    const struct item *item = &f->share->items[number], *first = &f->share->items[0];
    uint64_t header = item->header, begin = item->begin;
    int status = 0;
    if (f->records.header && !header) {
        status = shard_header(item->path, item->size, &f->records, &header, e);
        begin = header;
    }
    if (status == 0 && number > 0 && header)
        status = same_header(first, item, header, e);
    int from = status ? -1 : open(item->path, O_RDONLY | O_CLOEXEC);
    if (status == 0 && from < 0)
        status = error_errno(e, "cannot open %s", item->path);
    if (status == 0 && number == 0)
        status = send_bytes(f, from, item->path, 0, header, e);
    if (status == 0)
        status = send_bytes(f, from, item->path, begin, item->end, e);
    if (from >= 0)
        close(from);
    return status;
}

static int send_file(struct feed *f, struct error *e)
{
    off_t size = lseek(f->from, 0, SEEK_END);
    return size < 0 ? error_errno(e, "cannot pass on a file")
                    : send_bytes(f, f->from, "the share", 0, (uint64_t)size, e);
}

static void *feed_main(void *context)
{
    struct feed *f = context;
    sigset_t pipe_only;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe_only, NULL);
    if (f->fifo)
        f->fd = open(f->fifo, O_WRONLY | O_CLOEXEC); /* waits for somebody to read */
    if (f->fd < 0 || fcntl(f->fd, F_SETFL, O_NONBLOCK) != 0)
        f->status = error_errno(&f->error, "cannot write to a pipe");
    if (f->status == 0 && f->from >= 0)
        f->status = send_file(f, &f->error);
    for (size_t i = 0; f->status == 0 && f->from < 0 && i < f->share->count; i++)
        f->status = send_item(f, i, &f->error);
    if (f->fd >= 0)
        close(f->fd);
    return NULL;
}

struct feed *feed_start(const struct share *s, const struct shard_records *records, int from,
                        int fd, const char *fifo)
{
    struct feed *f = mem_alloc(sizeof *f);
    sigset_t all, before;
    *f = (struct feed){.share = s, .records = *records, .from = from, .fd = fd};
    f->fifo = fifo ? mem_text(fifo) : NULL;
    sigfillset(&all); /* signals are for the thread that runs the job */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    f->started = pthread_create(&f->thread, NULL, feed_main, f) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!f->started)
        f->status = error_set(&f->error, ERR_BUSY, "no thread is to be had");
    return f;
}

/* A thread that waits for somebody to read the FIFO is let go by a reader of ours. */
int feed_end(struct feed *f, struct error *e)
{
    atomic_store(&f->stop, true);
    int reader = f->fifo ? open(f->fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
    if (f->started)
        pthread_join(f->thread, NULL);
    else if (f->fd >= 0)
        close(f->fd);
    if (reader >= 0)
        close(reader);
    if (f->from >= 0)
        close(f->from);
    int status = f->status;
    if (status < 0 && e)
        *e = f->error;
    mem_free(f->fifo);
    mem_free(f);
    return status < 0 ? status : 0;
}
