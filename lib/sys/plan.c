/* What a sandbox sees, as a list of steps that its child takes. All that can be looked up or go
 * wrong is looked up here, by the parent. */
#include "sys/inside.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    const char *from, *to; /* of the host, inside */
    size_t has;            /* bytes of `to` that are there */
    bool own;              /* in a place of the sandbox's own */
    bool folder;
};

struct planner {
    const struct sandbox *sandbox;
    struct plan *plan;
    struct place *places; /* of the sandbox's mounts */
    bool each_mount;
    struct buf mounts;      /* /proc/self/mountinfo; empty unless each_mount */
    VEC(const char *) made; /* folders of the host that hold what the host has not: made anew */
};

static void add(struct planner *p, enum step_kind kind, const char *from, const char *to)
{
    const struct step s = {.kind = kind, .from = from, .to = to};
    vec_push(&p->plan->steps, s);
}

static const char *join(struct planner *p, const char *root, const char *path)
{
    return arena_format(&p->plan->arena, "%s%s", root, strcmp(path, "/") == 0 ? "" : path);
}

/* Is path the folder, or in it? */
static bool within(const char *path, const char *folder)
{
    size_t n = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == 0);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* ---- read-only, mount by mount ---- */

static unsigned long flags_of(const char *options)
{
    static const struct {
        const char *name;
        unsigned long flag;
    } known[] = {{"nosuid", MS_NOSUID},   {"nodev", MS_NODEV},           {"noexec", MS_NOEXEC},
                 {"noatime", MS_NOATIME}, {"nodiratime", MS_NODIRATIME}, {"relatime", MS_RELATIME}};
    unsigned long flags = 0;
    for (const char *at = options; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ','))
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (strncmp(at, known[i].name, strlen(known[i].name)) == 0 &&
                strcspn(at, ",") == strlen(known[i].name))
                flags |= known[i].flag;
    return flags;
}

static void remount(struct planner *p, const char *to, const char *options)
{
    add(p, STEP_REMOUNT, NULL, to);
    p->plan->steps.at[p->plan->steps.len - 1].flags = flags_of(options);
}

/* Blanks and such in a path are written as \ooo. */
static void unescape(char *path)
{
    char *to = path;
    for (const char *at = path; *at; at++)
        if (at[0] == '\\' && at[1] >= '0' && at[1] < '4' && at[2] && at[3]) {
            *to++ = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
            at += 3;
        } else {
            *to++ = *at;
        }
    *to = 0;
}

/* What was bound from the host's `from` to `to`: the mount that holds it and all in it. */
static void remount_all(struct planner *p, const char *from, const char *to)
{
    char at[PATH_MAX], options[256], holder[256] = "";
    size_t longest = 0;
    for (const char *line = p->mounts.at; line && *line; line += *line == '\n') {
        if (sscanf(line, "%*d %*d %*s %*s %4095s %255s", at, options) == 2) {
            unescape(at);
            if (within(from, at) && strlen(at) >= longest) {
                longest = strlen(at);
                memcpy(holder, options, sizeof holder);
            } else if (within(at, from)) {
                remount(p, join(p, to, at + (strcmp(from, "/") == 0 ? 0 : strlen(from))), options);
            }
        }
        line += strcspn(line, "\n");
    }
    remount(p, to, holder);
}

/* Binds are steps [first, ...) with all that came since. */
static void make_read_only(struct planner *p, const char *to, size_t first)
{
    if (!p->each_mount) {
        add(p, STEP_READ_ONLY, NULL, to);
        return;
    }
    for (size_t i = first, end = p->plan->steps.len; i < end; i++) {
        const struct step s = p->plan->steps.at[i];
        if (s.kind == STEP_BIND)
            remount_all(p, s.from[4] ? s.from + 4 : "/", s.to); /* behind /old */
        else if (s.kind == STEP_MEMORY)
            remount(p, s.to, "nosuid,nodev");
    }
}

/* ---- places ---- */

/* The mount, of those before number i, that path is in; i: none. */
static size_t mount_around(const struct planner *p, size_t i, const char *path)
{
    size_t found = i;
    for (size_t k = 0; k < i; k++)
        if (within(path, p->sandbox->mounts[k].inside))
            found = k;
    return found;
}

static bool is_clean(const char *path)
{
    if (path[0] != '/' || strstr(path, "//") || strlen(path) >= PATH_MAX / 2)
        return false;
    for (const char *at = path; (at = strstr(at, "/.")); at++)
        if (at[2] == 0 || at[2] == '/' || (at[2] == '.' && (at[3] == 0 || at[3] == '/')))
            return false;
    return path[1] == 0 || path[strlen(path) - 1] != '/';
}

/* Follows the links of what the host has of it. *has is the length of that. Returns from the arena;
 * NULL with errno. */
static const char *host_place(struct planner *p, const char *path, size_t *has)
{
    char start[PATH_MAX], real[PATH_MAX];
    size_t len = strlen(path);
    for (;;) {
        memcpy(start, path, len);
        start[len] = 0;
        if (realpath(len ? start : "/", real))
            break;
        if ((errno != ENOENT && errno != ENOTDIR) || len == 0)
            return NULL;
        while (len > 0 && path[--len] != '/')
            ;
    }
    if (strcmp(real, "/") == 0)
        real[0] = 0;
    *has = strlen(real);
    errno = EINVAL;
    return *has || path[len] ? arena_format(&p->plan->arena, "%s%s", real, path + len) : NULL;
}

/* ---- what the host has not ---- */

/* The folder at path[0..has) is made anew. */
static void note_made(struct planner *p, const char *path, size_t has)
{
    const char *folder = has ? arena_text(&p->plan->arena, path, has) : "/";
    for (size_t i = 0; i < p->made.len; i++)
        if (strcmp(p->made.at[i], folder) == 0)
            return;
    vec_push(&p->made, folder);
}

static void add_entry(struct planner *p, const char *path)
{
    struct stat st;
    char link[PATH_MAX];
    const char *to = join(p, "/new", path);
    if (lstat(path, &st) != 0)
        return; /* it went meanwhile */
    ssize_t n = S_ISLNK(st.st_mode) ? readlink(path, link, sizeof link) : -1;
    if (n > 0) {
        add(p, STEP_LINK, arena_text(&p->plan->arena, link, (size_t)n), to);
        return;
    }
    add(p, S_ISDIR(st.st_mode) ? STEP_FOLDER : STEP_FILE, NULL, to);
    add(p, STEP_BIND, join(p, "/old", path), to);
}

/* In memory, with all that the host has in it. */
static int make_anew(struct planner *p, const char *folder, struct error *e)
{
    struct stat st;
    DIR *d = stat(folder, &st) == 0 ? opendir(folder) : NULL;
    if (!d)
        return error_errno(e, "cannot look into %s", folder);
    add(p, STEP_MEMORY, arena_format(&p->plan->arena, "mode=%o", (unsigned)st.st_mode & 07777),
        join(p, "/new", folder));
    for (struct dirent *x; (x = readdir(d));)
        if (strcmp(x->d_name, ".") != 0 && strcmp(x->d_name, "..") != 0)
            add_entry(p,
                      arena_format(&p->plan->arena, "%s/%s", folder[1] ? folder : "", x->d_name));
    (void)closedir(d);
    return 0;
}

/* Folders on the way to path behind its first `has` bytes, and what is mounted on. */
static void add_way(struct planner *p, const char *path, size_t has, bool folder)
{
    for (size_t at = has + 1; path[at]; at++)
        if (path[at] == '/')
            add(p, STEP_FOLDER, NULL, join(p, "/new", arena_text(&p->plan->arena, path, at)));
    add(p, folder ? STEP_FOLDER : STEP_FILE, NULL, join(p, "/new", path));
}

/* ---- mounts ---- */

static int refuse(struct error *e, const char *inside, const char *why)
{
    char name[QUOTE_MAX];
    errno = EINVAL;
    return error_set(e, ERR_SYSTEM, "cannot mount at %s: %s", quote(name, inside, strlen(inside)),
                     why);
}

/* What another mount holds must be there: to make it would be to change that mount. */
static int find_in_mount(struct planner *p, size_t i, size_t around, struct error *e)
{
    const struct sandbox_mount *m = &p->sandbox->mounts[i], *holder = &p->sandbox->mounts[around];
    const char *rest = m->inside + strlen(holder->inside);
    const char *there = arena_format(&p->plan->arena, "%s%s", holder->outside, rest);
    if (access(there, F_OK) != 0)
        return refuse(e, m->inside, "the mount that holds it has no such place");
    p->places[i].to = arena_format(&p->plan->arena, "%s%s", p->places[around].to, rest);
    p->places[i].has = strlen(p->places[i].to);
    return 0;
}

/* A place in what the sandbox has of its own, which is empty. */
static bool find_in_own(const char *path, struct place *out)
{
    out->own = within(path, "/tmp") || within(path, "/dev/shm");
    if (!out->own)
        return false;
    out->to = path;
    out->has = strlen(within(path, "/tmp") ? "/tmp" : "/dev/shm");
    return true;
}

static int find_in_host(struct planner *p, const char *inside, struct place *out, struct error *e)
{
    out->to = host_place(p, inside, &out->has);
    if (!out->to)
        return refuse(e, inside, strerror(errno));
    if (find_in_own(out->to, out))
        return 0;
    if (within(out->to, "/proc") || within(out->to, "/dev"))
        return refuse(e, inside, "it is made by the system");
    if (out->to[out->has] == 0)
        return 0;
    if (out->has && !is_folder(arena_text(&p->plan->arena, out->to, out->has)))
        return refuse(e, inside, "what should hold it is no folder");
    note_made(p, out->to, out->has);
    return 0;
}

static int find_place(struct planner *p, size_t i, struct error *e)
{
    char real[PATH_MAX], name[QUOTE_MAX];
    struct place *out = &p->places[i];
    const char *outside = p->sandbox->mounts[i].outside, *inside = p->sandbox->mounts[i].inside;
    if (!realpath(outside, real))
        return error_errno(e, "cannot mount %s", quote(name, outside, strlen(outside)));
    if (!is_clean(inside) || inside[1] == 0)
        return refuse(e, inside, "expected an absolute path without '..'");
    out->from = join(p, "/old", arena_text(&p->plan->arena, real, strlen(real)));
    out->folder = is_folder(real);
    size_t around = mount_around(p, i, inside);
    if (around < i)
        return find_in_mount(p, i, around, e);
    return find_in_own(inside, out) ? 0 : find_in_host(p, inside, out, e);
}

static void add_mount(struct planner *p, const struct place *at, bool writable)
{
    const char *to = join(p, "/new", at->to);
    size_t first = p->plan->steps.len;
    if (at->own && at->to[at->has])
        add_way(p, at->to, at->has, at->folder);
    add(p, STEP_BIND, at->from, to);
    if (!writable)
        make_read_only(p, to, first);
}

/* ---- the whole ---- */

static int by_length(const void *a, const void *b)
{
    size_t x = strlen(*(const char *const *)a), y = strlen(*(const char *const *)b);
    return (x > y) - (x < y);
}

static int add_host(struct planner *p, struct error *e)
{
    size_t first = p->plan->steps.len;
    int status = 0;
    if (p->made.len) /* those that hold others come first */
        qsort(p->made.at, p->made.len, sizeof *p->made.at, by_length);
    if (p->made.len == 0 || p->made.at[0][1])
        add(p, STEP_BIND, "/old", "/new");
    for (size_t i = 0; i < p->made.len && status == 0; i++)
        status = make_anew(p, p->made.at[i], e);
    for (size_t i = 0; i < p->sandbox->mount_count; i++) {
        const struct place *at = &p->places[i];
        if (!at->own && at->to[at->has])
            add_way(p, at->to, at->has, at->folder);
    }
    make_read_only(p, "/new", first);
    return status;
}

static bool is_device(const char *name)
{
    static const char *const known[] = {"null", "zero", "full", "random",     "urandom",
                                        "tty",  "dri",  "kfd",  "infiniband", "accel"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i]) == 0)
            return true;
    return strncmp(name, "nvidia", 6) == 0;
}

/* A disk in /dev is more than a file of the host's. */
static int add_devices(struct planner *p, struct error *e)
{
    size_t first = p->plan->steps.len;
    add(p, STEP_MEMORY, "mode=0755", "/new/dev");
    DIR *d = opendir("/dev");
    if (!d)
        return error_errno(e, "cannot look into /dev");
    for (struct dirent *x; (x = readdir(d));)
        if (is_device(x->d_name))
            add_entry(p, arena_format(&p->plan->arena, "/dev/%s", x->d_name));
    (void)closedir(d);
    add(p, STEP_LINK, "/proc/self/fd", "/new/dev/fd");
    add(p, STEP_LINK, "/proc/self/fd/0", "/new/dev/stdin");
    add(p, STEP_LINK, "/proc/self/fd/1", "/new/dev/stdout");
    add(p, STEP_LINK, "/proc/self/fd/2", "/new/dev/stderr");
    add(p, STEP_LINK, "pts/ptmx", "/new/dev/ptmx");
    add(p, STEP_FOLDER, NULL, "/new/dev/pts");
    add(p, STEP_FOLDER, NULL, "/new/dev/shm");
    make_read_only(p, "/new/dev", first);
    add(p, STEP_TERMINALS, NULL, "/new/dev/pts");
    add(p, STEP_MEMORY, "mode=1777", "/new/dev/shm");
    return 0;
}

/* Root in a sandbox is the host's root to what it finds in /proc/sys. */
static void add_proc(struct planner *p)
{
    static const char *const closed[] = {"sys", "sysrq-trigger", "irq", "bus", "fs"};
    add(p, STEP_PROC, NULL, "/new/proc");
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
        const char *to = arena_format(&p->plan->arena, "/new/proc/%s", closed[i]);
        if (access(to + 4, F_OK) != 0)
            continue;
        add(p, STEP_BIND, to, to);
        remount(p, to, "nosuid,nodev,noexec");
    }
}

static int add_all(struct planner *p, struct error *e)
{
    int status = 0;
    for (size_t i = 0; i < p->sandbox->mount_count && status == 0; i++)
        status = find_place(p, i, e);
    if (status == 0)
        status = add_host(p, e);
    if (status == 0)
        status = add_devices(p, e);
    if (status)
        return status;
    add(p, STEP_MEMORY, "mode=1777", "/new/tmp");
    add_proc(p);
    for (size_t i = 0; i < p->sandbox->mount_count; i++)
        add_mount(p, &p->places[i], p->sandbox->mounts[i].writable);
    return 0;
}

int plan_make(const struct sandbox *s, bool each_mount, struct plan *out, struct error *e)
{
    struct planner p = {.sandbox = s, .plan = out, .each_mount = each_mount};
    p.places = mem_alloc(s->mount_count * sizeof *p.places);
    int status = each_mount ? file_load("/proc/self/mountinfo", SIZE_MAX, &p.mounts, e) : 0;
    (void)buf_text(&p.mounts);
    if (status == 0)
        status = add_all(&p, e);
    int number = errno;
    mem_free(p.places);
    vec_release(&p.made);
    buf_release(&p.mounts);
    errno = number;
    return status;
}

void plan_release(struct plan *p)
{
    arena_release(&p->arena);
    vec_release(&p->steps);
}
