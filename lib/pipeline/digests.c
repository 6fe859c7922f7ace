/*
 * A file is known by device, inode, size, and its two times. The system's clock for files stands
 * still for some milliseconds: a file that was changed as late as that before it was looked at may
 * be changed again without a trace, and is not remembered until it has been looked at once more.
 */
#include "pipeline/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 256 << 10, TICK_NS = 10000000, COARSE_S = 2, VERSION = 1 };

struct known {
    struct identity is;
    struct digest digest;
};
_Static_assert(sizeof(struct known) == 72, "as it is in the file");

/* Digested too soon after it was changed: looked at once more in the end. */
struct recent {
    char *path;
    struct known known;
};

struct digests {
    char *path;
    pthread_mutex_t lock; /* guards: */
    VEC(struct recent) recent;
    struct known *slots; /* inode 0: empty */
    size_t mask, count;
    bool changed;
};

/* ---- the table ---- */

static size_t slot_of(const struct digests *d, uint64_t device, uint64_t inode)
{
    size_t at = (size_t)((inode * 0x9e3779b97f4a7c15U) ^ (device * 0xd1b54a32d192ed03U)) >> 7;
    for (at &= d->mask;; at = (at + 1) & d->mask) {
        const struct known *k = &d->slots[at];
        if (k->is.inode == 0 || (k->is.inode == inode && k->is.device == device))
            return at;
    }
}

static void resize(struct digests *d, size_t size)
{
    struct known *old = d->slots;
    size_t old_size = old ? d->mask + 1 : 0;
    d->slots = mem_alloc(size * sizeof *d->slots);
    d->mask = size - 1;
    for (size_t i = 0; i < old_size; i++)
        if (old[i].is.inode)
            d->slots[slot_of(d, old[i].is.device, old[i].is.inode)] = old[i];
    mem_free(old);
}

static void remember(struct digests *d, const struct known *k)
{
    if (k->is.inode == 0)
        return;
    if (d->count * 2 > d->mask)
        resize(d, 2 * (d->mask + 1));
    struct known *slot = &d->slots[slot_of(d, k->is.device, k->is.inode)];
    d->count += slot->is.inode == 0;
    *slot = *k;
    d->changed = true;
}

struct head {
    char magic[8];
    uint64_t version, count;
    uint64_t check; /* of the entries */
};
static const char magic[8] = "mldigest";

struct digests *digests_open(const char *path)
{
    struct digests *d = mem_alloc(sizeof *d);
    struct buf bytes = {0};
    struct head head = {0};
    d->path = mem_text(path);
    pthread_mutex_init(&d->lock, NULL);
    if (access(path, R_OK) == 0 && file_load(path, SIZE_MAX, &bytes, NULL) == 0 &&
        bytes.len >= sizeof head)
        memcpy(&head, bytes.at, sizeof head);
    size_t n = bytes.len >= sizeof head ? (bytes.len - sizeof head) / sizeof(struct known) : 0;
    const char *entries = n ? bytes.at + sizeof head : NULL;
    bool good = n > 0 && memcmp(head.magic, magic, sizeof magic) == 0 && head.version == VERSION &&
                head.count == n && head.check == xxh64(entries, n * sizeof(struct known), 0);
    size_t size = 1024;
    while (good && size < 2 * n + 2)
        size *= 2;
    resize(d, size);
    for (size_t i = 0; good && i < n; i++) {
        struct known k;
        memcpy(&k, entries + i * sizeof k, sizeof k);
        remember(d, &k);
    }
    d->changed = false;
    buf_release(&bytes);
    return d;
}

/* ---- a file ---- */

static int64_t nanoseconds(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct identity identity_in(const struct stat *s)
{
    return (struct identity){.device = (uint64_t)s->st_dev,
                             .inode = (uint64_t)s->st_ino,
                             .size = (uint64_t)s->st_size,
                             .mtime_ns = nanoseconds(s->st_mtim),
                             .ctime_ns = nanoseconds(s->st_ctim)};
}

bool identity_of(int folder, const char *path, struct identity *out)
{
    struct stat s;
    if (fstatat(folder, path, &s, 0) != 0 || !S_ISREG(s.st_mode))
        return false;
    *out = identity_in(&s);
    return true;
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

/* Systems without parts of seconds count by two. */
bool identity_is_settled(const struct identity *x, int64_t now)
{
    int64_t second = 1000000000;
    bool coarse = x->mtime_ns % second == 0 && x->ctime_ns % second == 0;
    int64_t tick = coarse ? COARSE_S * second : TICK_NS;
    return x->ctime_ns < now - tick && x->mtime_ns < now - tick;
}

int64_t nanoseconds_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return nanoseconds(t);
}

static bool recall(struct digests *d, struct known *k)
{
    pthread_mutex_lock(&d->lock);
    const struct known *slot = &d->slots[slot_of(d, k->is.device, k->is.inode)];
    bool same = slot->is.inode && identity_equal(&slot->is, &k->is);
    if (same)
        k->digest = slot->digest;
    pthread_mutex_unlock(&d->lock);
    return same;
}

static bool is_still(const char *path, const struct identity *was)
{
    struct identity is;
    return identity_of(AT_FDCWD, path, &is) && identity_equal(&is, was);
}

/* `still`: it is what it was. */
static int read_file(const char *path, const struct identity *was, struct digest *out, bool *still,
                     struct error *e)
{
    struct stat is;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(e, "cannot open %s", path);
    char *block = mem_array(NULL, 1, BLOCK);
    struct sha256 sum;
    ssize_t n;
    sha256_start(&sum);
    while ((n = file_read(fd, block, BLOCK, path, e)) > 0)
        sha256_add(&sum, (struct text){block, (size_t)n});
    sha256_end(&sum, out->at);
    struct identity now = fstat(fd, &is) == 0 ? identity_in(&is) : (struct identity){0};
    *still = identity_equal(&now, was);
    close(fd);
    mem_free(block);
    return n < 0 ? (int)n : 0;
}

/* One that was just noted is noted anew. */
static void look_later(struct digests *d, const char *path, const struct known *k)
{
    vec_reserve(&d->recent, d->recent.len + 1);
    struct recent *at = d->recent.at;
    size_t n = d->recent.len;
    if (n > 0 && strcmp(at[n - 1].path, path) == 0)
        mem_free(at[--n].path);
    at[n] = (struct recent){mem_text(path), *k};
    d->recent.len = n + 1;
}

int digests_file(struct digests *d, const char *path, const struct stat *s, struct digest *out,
                 struct error *e)
{
    struct known k = {.is = identity_in(s)};
    if (recall(d, &k)) {
        *out = k.digest;
        return 0;
    }
    int64_t began = nanoseconds_now();
    bool same = false;
    int status = read_file(path, &k.is, &k.digest, &same, e);
    if (status)
        return status;
    *out = k.digest;
    pthread_mutex_lock(&d->lock);
    if (same && identity_is_settled(&k.is, began))
        remember(d, &k);
    else if (same)
        look_later(d, path, &k);
    pthread_mutex_unlock(&d->lock);
    return 0;
}

void digests_renew(struct digests *d, const char *path, struct file_state *state)
{
    struct identity is;
    const struct identity *was = &state->identity;
    if (!identity_of(AT_FDCWD, path, &is) || is.device != was->device || is.inode != was->inode ||
        is.size != was->size || is.mtime_ns != was->mtime_ns)
        return;
    state->identity = is;
    pthread_mutex_lock(&d->lock);
    look_later(d, path, &(struct known){is, state->digest});
    pthread_mutex_unlock(&d->lock);
}

/* ---- in the end ---- */

static void forget_recent(struct digests *d)
{
    for (size_t i = 0; d->recent.at && i < d->recent.len; i++)
        mem_free(d->recent.at[i].path);
    vec_release(&d->recent);
}

void digests_settle(struct digests *d)
{
    int64_t now = nanoseconds_now();
    size_t left = 0;
    for (size_t i = 0; d->recent.at && i < d->recent.len; i++) {
        struct recent *r = &d->recent.at[i];
        if (!identity_is_settled(&r->known.is, now)) {
            d->recent.at[left++] = *r;
            continue;
        }
        if (is_still(r->path, &r->known.is))
            remember(d, &r->known);
        mem_free(r->path);
    }
    d->recent.len = left;
}

static int write_known(const struct digests *d, int fd, struct error *e)
{
    struct head head = {.version = VERSION, .count = d->count};
    struct known *all = mem_array(NULL, d->count + 1, sizeof *all);
    size_t n = 0;
    for (size_t i = 0; i <= d->mask; i++)
        if (d->slots[i].is.inode)
            all[n++] = d->slots[i];
    memcpy(head.magic, magic, sizeof magic);
    head.check = xxh64((const char *)all, n * sizeof *all, 0);
    int status = file_write(fd, &head, sizeof head, d->path, e);
    if (status == 0)
        status = file_write(fd, all, n * sizeof *all, d->path, e);
    mem_free(all);
    return status;
}

int digests_save(struct digests *d, struct error *e)
{
    struct replace *r = NULL;
    digests_settle(d);
    if (!d->changed)
        return 0;
    int status = replace_open(d->path, &r, e);
    if (status == 0)
        status = write_known(d, replace_fd(r), e);
    if (status == 0)
        status = replace_commit_later(r, e); /* a damaged one is told by its sum */
    else
        replace_abort(r);
    d->changed = status != 0;
    return status;
}

void digests_close(struct digests *d)
{
    if (!d)
        return;
    forget_recent(d);
    pthread_mutex_destroy(&d->lock);
    mem_free(d->slots);
    mem_free(d->path);
    mem_free(d);
}

/* ---- many ---- */

int digests_look(struct digests *d, const char *path, bool listed, struct file_state *out,
                 struct error *e)
{
    struct stat s;
    *out = (struct file_state){.kind = FILE_MISSING};
    if (stat(path, &s) != 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : error_errno(e, "cannot look at %s", path);
    out->identity = identity_in(&s);
    out->kind = S_ISREG(s.st_mode) ? FILE_REGULAR : S_ISDIR(s.st_mode) ? FILE_FOLDER : FILE_OTHER;
    if (out->kind == FILE_REGULAR)
        return digests_file(d, path, &s, &out->digest, e);
    if (out->kind == FILE_OTHER || !listed)
        return 0;
    struct listing list = {.plain = false};
    int status = listing_make(d, path, &list, e);
    sha256(listing_text(&list), out->digest.at);
    listing_release(&list);
    return status;
}

struct looking {
    struct digests *digests;
    const char *folder;
    const struct text *names;
    struct file_state *out;
    size_t n;
    atomic_size_t next;
    pthread_mutex_t failure;
    struct error error;
};

static void look(void *context, unsigned number)
{
    enum { SOME = 8 };
    struct looking *l = context;
    struct buf path = {0};
    (void)number;
    for (size_t from; (from = atomic_fetch_add(&l->next, SOME)) < l->n;)
        for (size_t i = from; i < from + SOME && i < l->n; i++) {
            struct error e = {0};
            path.len = 0;
            if (l->names[i].at[0] != '/' && strcmp(l->folder, ".") != 0) {
                buf_puts(&path, l->folder);
                buf_putc(&path, '/');
            }
            buf_add(&path, l->names[i].at, l->names[i].len);
            if (digests_look(l->digests, buf_text(&path), true, &l->out[i], &e) == 0)
                continue;
            pthread_mutex_lock(&l->failure);
            l->error = e;
            pthread_mutex_unlock(&l->failure);
        }
    buf_release(&path);
}

int digests_of(struct digests *d, const char *folder, const struct text *names, size_t n,
               unsigned jobs, struct file_state *out, struct error *e)
{
    struct looking l = {.digests = d, .folder = folder, .names = names, .out = out, .n = n};
    pthread_mutex_init(&l.failure, NULL);
    team_run(n > 2 * 8 ? jobs : 1, look, &l);
    pthread_mutex_destroy(&l.failure);
    if (l.error.code && e)
        *e = l.error;
    return l.error.code;
}
