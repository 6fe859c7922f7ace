#include "pipeline/seal.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { VERSION = 1, MANY = 1000 };

struct head {
    char magic[8];
    uint64_t version, files, steps, names; /* bytes of names */
    struct digest key;
    struct identity ledger; /* that knows of it: it only grows */
    uint64_t check;         /* of all behind it */
};
static const char magic[8] = "mlseal\n";

/* ---- what it is of ---- */

static void add(struct sha256 *s, const char *at, size_t n)
{
    uint64_t length = n;
    sha256_add(s, (struct text){(const char *)&length, sizeof length});
    sha256_add(s, (struct text){at, n});
}

static void key_of(const char *path, struct text source, const char *const *given, size_t count,
                   struct digest *out)
{
    struct sha256 s;
    char *whole = realpath(path, NULL);
    sha256_start(&s);
    add(&s, whole ? whole : path, strlen(whole ? whole : path));
    add(&s, source.at, source.len);
    for (size_t i = 0; i < count; i++)
        add(&s, given[i], strlen(given[i]));
    sha256_end(&s, out->at);
    free(whole);
}

/* ---- keeping ---- */

static bool is_by_files(const struct pipeline *p)
{
    if (p->has_patterns || p->notification_count)
        return false;
    for (size_t i = 0; i < p->step_count; i++) {
        const struct step *s = &p->steps[i];
        const struct step_entry *x = s->entry;
        if (s->out_count == 0 || s->when || !x->cache || x->cache_lasts || x->passed || x->tools ||
            x->kind != STEP_RUN || s->requires)
            return false;
    }
    return true;
}

/* All steps were done, and what they were done with is as it was. */
static bool is_done(const struct run *r)
{
    for (size_t i = 0; i < r->p->step_count; i++) {
        enum step_state s = r->state[i];
        if (s != STEP_SUCCEEDED && s != STEP_UP_TO_DATE && s != STEP_RESTORED && s != STEP_SKIPPED)
            return false;
    }
    return true;
}

/* A file that was changed just now may be changed again without a trace: with many files it is
 * worth to wait until that is over. */
static bool all_settled(const struct run *r)
{
    int64_t last = 0, now = nanoseconds_now();
    for (size_t i = 0; i < r->p->path_count; i++) {
        const struct file_state *f = &r->files[i];
        if (f->kind != FILE_REGULAR)
            return false;
        if (!identity_is_settled(&f->identity, now))
            last = f->identity.ctime_ns > last ? f->identity.ctime_ns : last;
    }
    if (last == 0)
        return true;
    const struct timespec pause = {.tv_nsec = 15000000};
    if (r->p->step_count < MANY || last > now)
        return false;
    (void)nanosleep(&pause, NULL);
    return true;
}

static void put_body(const struct run *r, struct buf *body)
{
    for (size_t i = 0; i < r->p->path_count; i++)
        buf_add(body, &r->files[i].identity, sizeof r->files[i].identity);
    for (size_t i = 0; i < r->p->path_count; i++)
        buf_add(body, r->p->paths[i].at, r->p->paths[i].len + 1); /* texts of arenas end with NUL */
}

static int write_seal(const char *path, struct head *head, const struct buf *body)
{
    struct replace *out = NULL;
    head->check = xxh64(body->at, body->len, 0);
    int status = replace_open(path, &out, NULL);
    if (status == 0)
        status = file_write(replace_fd(out), head, sizeof *head, path, NULL);
    if (status == 0)
        status = file_write(replace_fd(out), body->at, body->len, path, NULL);
    if (status == 0)
        return replace_commit_later(out, NULL); /* a damaged one is told by its sum */
    replace_abort(out);
    return status;
}

void seal_keep(const struct run *r, const char *path)
{
    struct buf body = {0};
    struct head head = {.version = VERSION, .files = r->p->path_count, .steps = r->p->step_count};
    if (!is_by_files(r->p) || !is_done(r) || !all_settled(r))
        return;
    memcpy(head.magic, magic, sizeof magic);
    key_of(r->p->path, r->p->source, r->p->given, r->p->given_count, &head.key);
    (void)identity_of(AT_FDCWD, r->records.path, &head.ledger);
    put_body(r, &body);
    head.names = body.len - r->p->path_count * sizeof(struct identity);
    (void)write_seal(path, &head, &body);
    buf_release(&body);
}

/* ---- asking ---- */

struct comparing {
    int folder;
    const struct identity *files;
    const char **names;
    size_t n;
    atomic_size_t next;
    atomic_bool differs;
};

static void compare(void *context, unsigned number)
{
    enum { SOME = 256 };
    struct comparing *c = context;
    (void)number;
    for (size_t from;
         !atomic_load(&c->differs) && (from = atomic_fetch_add(&c->next, SOME)) < c->n;)
        for (size_t i = from; i < from + SOME && i < c->n; i++) {
            struct identity is;
            if (!identity_of(c->folder, c->names[i], &is) || !identity_equal(&is, &c->files[i]))
                atomic_store(&c->differs, true);
        }
}

/* The names, one behind the other, as many as there are files. */
static bool find_names(const struct head *head, const char *at, const char **names)
{
    const char *end = at + head->names;
    for (uint64_t i = 0; i < head->files; i++) {
        const char *stop = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
        if (!stop)
            return false;
        names[i] = at;
        at = stop + 1;
    }
    return at == end;
}

static bool files_are_same(const struct head *head, const char *body, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == path ? mem_text("/")
                   : slash       ? mem_text_n(path, (size_t)(slash - path))
                                 : mem_text(".");
    struct comparing c = {.folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                          .n = head->files,
                          .files = mem_copy(body, head->files * sizeof *c.files),
                          .names = mem_array(NULL, head->files + 1, sizeof *c.names)};
    bool same =
        c.folder >= 0 && find_names(head, body + head->files * sizeof(struct identity), c.names);
    if (same)
        team_run(c.n > MANY ? cpu_count() : 1, compare, &c);
    if (c.folder >= 0)
        close(c.folder);
    mem_free(c.names);
    mem_free((void *)(uintptr_t)c.files);
    mem_free(folder);
    return same && !atomic_load(&c.differs);
}

static bool has_its_ledger(const char *home, const struct head *head)
{
    struct identity is;
    char *ledger = mem_format("%s/ledger.jsonl", home);
    bool same = identity_of(AT_FDCWD, ledger, &is) && is.inode == head->ledger.inode &&
                is.device == head->ledger.device && is.size >= head->ledger.size;
    mem_free(ledger);
    return same;
}

static bool read_head(const struct buf *bytes, struct head *head)
{
    if (bytes->len < sizeof *head)
        return false;
    memcpy(head, bytes->at, sizeof *head);
    size_t body = bytes->len - sizeof *head;
    return memcmp(head->magic, magic, sizeof magic) == 0 && head->version == VERSION &&
           head->files <= body / sizeof(struct identity) &&
           head->names == body - head->files * sizeof(struct identity) &&
           head->check == xxh64(bytes->at + sizeof *head, body, 0);
}

size_t pipeline_idle(const char *home, const char *path, const char *const *given, size_t count)
{
    struct buf bytes = {0}, source = {0};
    struct head head = {.steps = 0};
    struct digest key;
    char *seal = pipeline_state_path(home, path, "seal");
    bool same = access(seal, R_OK) == 0 && file_load(seal, SIZE_MAX, &bytes, NULL) == 0 &&
                read_head(&bytes, &head) && has_its_ledger(home, &head) &&
                file_load(path, SIZE_MAX, &source, NULL) == 0;
    if (same) {
        key_of(path, (struct text){source.at, source.len}, given, count, &key);
        same = memcmp(&key, &head.key, sizeof key) == 0 &&
               files_are_same(&head, bytes.at + sizeof head, path);
    }
    buf_release(&source);
    buf_release(&bytes);
    mem_free(seal);
    return same ? head.steps : 0;
}
