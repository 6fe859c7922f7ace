/* Whether a byte is inside quotes is known by counting all quotes before it: between two places
 * they are counted side by side. */
#include "shard/cuts.h"

#include "sys/sys.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { BLOCK = 256 << 10 };

static int open_file(const char *path, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 ? fd : error_errno(e, "cannot open %s", path);
}

/* ---- to the next record ---- */

/* Where the record ends that has the byte at `from`: behind its newline. inside: that byte is
 * inside quotes. */
static int record_end(int fd, const char *path, uint64_t from, uint64_t size, char quote,
                      bool inside, uint64_t *out, struct error *e)
{
    char *block = mem_array(NULL, 1, BLOCK);
    ssize_t n = 0;
    *out = size;
    for (uint64_t at = from; at < size && *out == size; at += (uint64_t)n) {
        n = file_read_at(fd, block, BLOCK, at, path, e);
        if (n <= 0)
            break;
        for (ssize_t i = 0; i < n; i++) {
            inside ^= quote && block[i] == quote;
            if (block[i] == '\n' && !inside) {
                *out = at + (uint64_t)i + 1 < size ? at + (uint64_t)i + 1 : size;
                break;
            }
        }
    }
    mem_free(block);
    return n < 0 ? (int)n : 0;
}

int shard_header(const char *path, uint64_t size, const struct shard_records *how, uint64_t *out,
                 struct error *e)
{
    int fd = open_file(path, e);
    if (fd < 0)
        return fd;
    int status = record_end(fd, path, 0, size, how->quote, false, out, e);
    close(fd);
    return status;
}

/* The last one may want its newline. */
int shard_count(const char *path, uint64_t begin, uint64_t end, const struct shard_records *how,
                uint64_t *out, struct error *e)
{
    if (how->groups)
        return groups_count(path, begin, end, out, e);
    int fd = open_file(path, e);
    if (fd < 0)
        return fd;
    char *block = mem_array(NULL, 1, BLOCK), last = '\n';
    bool inside = false;
    ssize_t n = 0;
    *out = 0;
    for (uint64_t at = begin; at < end; at += (uint64_t)n) {
        size_t left = end - at < BLOCK ? (size_t)(end - at) : BLOCK;
        n = file_read_at(fd, block, left, at, path, e);
        if (n <= 0)
            break;
        for (ssize_t i = 0; i < n; i++) {
            inside ^= how->quote && block[i] == how->quote;
            *out += block[i] == '\n' && !inside;
        }
        last = block[n - 1];
    }
    *out += last != '\n' || inside;
    mem_free(block);
    close(fd);
    return n < 0 ? (int)n : 0;
}

/* ---- quotes between places ---- */

struct counting {
    int fd;
    const char *path;
    uint64_t first;
    const uint64_t *places;
    size_t n;
    char quote;
    bool *odd; /* between each place and the one before it */
    atomic_size_t next;
    pthread_mutex_t failure;
    struct error error;
};

static uint64_t count_in(const char *at, size_t n, char quote)
{
    uint64_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += at[i] == quote;
    return count;
}

static int count_between(struct counting *c, size_t i, char *block, struct error *e)
{
    uint64_t from = i ? c->places[i - 1] : c->first, count = 0;
    for (uint64_t at = from; at < c->places[i];) {
        uint64_t left = c->places[i] - at;
        ssize_t n = file_read_at(c->fd, block, left < BLOCK ? (size_t)left : BLOCK, at, c->path, e);
        if (n <= 0)
            return n < 0 ? (int)n : error_set(e, ERR_SYSTEM, "%s became shorter", c->path);
        count += count_in(block, (size_t)n, c->quote);
        at += (uint64_t)n;
    }
    c->odd[i] = count & 1;
    return 0;
}

static void count_quotes(void *context, unsigned number)
{
    struct counting *c = context;
    char *block = mem_array(NULL, 1, BLOCK);
    (void)number;
    for (size_t i; (i = atomic_fetch_add(&c->next, 1)) < c->n;) {
        struct error e = {0};
        if (count_between(c, i, block, &e) == 0)
            continue;
        pthread_mutex_lock(&c->failure);
        c->error = e;
        pthread_mutex_unlock(&c->failure);
    }
    mem_free(block);
}

static int find_odd(struct counting *c, unsigned jobs, struct error *e)
{
    pthread_mutex_init(&c->failure, NULL);
    team_run(c->n > 1 ? jobs : 1, count_quotes, c);
    pthread_mutex_destroy(&c->failure);
    if (c->error.code && e)
        *e = c->error;
    return c->error.code;
}

/* A record begins at a place when the byte before it ends one. */
static int move_all(const struct counting *c, uint64_t size, uint64_t *places, struct error *e)
{
    bool inside = false;
    int status = 0;
    uint64_t reached = c->first;
    for (size_t i = 0; i < c->n && status == 0; i++) {
        inside ^= c->odd[i];
        uint64_t place = places[i];
        if (place <= reached) {
            places[i] = reached; /* the record that the place before came to */
            continue;
        }
        char before;
        ssize_t n = file_read_at(c->fd, &before, 1, place - 1, c->path, e);
        if (n < 1)
            return n < 0 ? (int)n : error_set(e, ERR_SYSTEM, "%s became shorter", c->path);
        /* Up to the byte before: without that one. */
        bool state = inside ^ (c->quote && before == c->quote);
        status = record_end(c->fd, c->path, place - 1, size, c->quote, state, &reached, e);
        places[i] = reached;
    }
    return status;
}

int cuts_move(const char *path, uint64_t first, uint64_t size, const struct shard_records *how,
              unsigned jobs, uint64_t *places, size_t n, struct error *e)
{
    struct counting c = {.path = path, .first = first, .n = n, .quote = how->quote};
    if (how->groups)
        return groups_move(path, places, n, e);
    if (n == 0)
        return 0;
    if ((c.fd = open_file(path, e)) < 0)
        return c.fd;
    c.odd = mem_alloc(n);
    uint64_t *given = mem_copy(places, n * sizeof *given);
    c.places = given;
    int status = how->quote ? find_odd(&c, jobs, e) : 0;
    if (status == 0)
        status = move_all(&c, size, places, e);
    mem_free(given);
    mem_free(c.odd);
    close(c.fd);
    return status;
}
