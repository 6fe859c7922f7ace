#include "store/offline_manifest.h"

#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANIFEST_MAX = 1 << 30 };

/* ---- reading ---- */

static int damaged(const struct manifest *m, struct error *e)
{
    error_set(e, ERR_DATA, "no entry of a manifest: remove the folder and materialise anew");
    return error_at(e, m->path, m->entries + 1, 0);
}

/* Of years that RFC 3339 does not know there are microseconds. */
static bool read_time(const json_t *j, usec *t)
{
    bool has_offset;
    *t = json_integer_value(j);
    if (json_is_integer(j))
        return true;
    const char *s = json_string_value(j);
    return s && time_parse(s, strlen(s), t, &has_offset) && has_offset;
}

static bool read_count(const json_t *j, uint64_t *n)
{
    json_int_t i = json_integer_value(j);
    *n = (uint64_t)i;
    return json_is_integer(j) && i >= 0;
}

/* It must not lead out of the folder. */
static bool path_valid(const char *path)
{
    return strncmp(path, "data/", 5) == 0 && !strstr(path, "/../") && !strstr(path, "//");
}

static bool read_file(const json_t *j, struct offline_file *f)
{
    const char *path = json_string_value(json_object_get(j, "path"));
    const char *digest = json_string_value(json_object_get(j, "sha256"));
    if (!path || !path_valid(path) || !digest || strlen(digest) != SHA256_DIGITS)
        return false;
    f->path = path;
    memcpy(f->sha256, digest, sizeof f->sha256);
    return read_count(json_object_get(j, "rows"), &f->rows) &&
           read_count(json_object_get(j, "bytes"), &f->bytes) &&
           read_time(json_object_get(j, "min_time"), &f->min_time) &&
           read_time(json_object_get(j, "max_time"), &f->max_time);
}

static void add_file(struct manifest *m, const struct offline_file *f)
{
    bool is_new;
    size_t at = map_put(&m->paths, text_of(f->path), &is_new);
    struct offline_file kept = *f;
    kept.path = arena_text(&m->arena, f->path, strlen(f->path));
    if (is_new) {
        vec_push(&m->files, kept);
        vec_push(&m->removed, INT_MISSING);
    } else {
        m->files.at[at] = kept;
        m->removed.at[at] = INT_MISSING;
    }
}

static bool remove_path(struct manifest *m, const char *path, usec when)
{
    size_t at = path ? map_get(&m->paths, text_of(path)) : MAP_NONE;
    if (at == MAP_NONE || m->removed.at[at] != INT_MISSING)
        return false;
    m->removed.at[at] = when;
    return true;
}

static bool read_files(struct manifest *m, const json_t *root, usec when)
{
    const json_t *files = json_object_get(root, "files");
    const json_t *removed = json_object_get(root, "removed");
    bool fine = json_is_array(files) && json_is_array(removed);
    for (size_t i = 0; i < json_array_size(removed) && fine; i++)
        fine = remove_path(m, json_string_value(json_array_get(removed, i)), when);
    for (size_t i = 0; i < json_array_size(files) && fine; i++) {
        struct offline_file f;
        fine = read_file(json_array_get(files, i), &f);
        if (fine)
            add_file(m, &f);
    }
    return fine;
}

static bool read_entry(struct manifest *m, const json_t *root)
{
    uint64_t number, last;
    usec when;
    if (!read_count(json_object_get(root, "entry"), &number) || number != m->entries + 1 ||
        !read_count(json_object_get(root, "last_lsn"), &last) || last < m->last_lsn ||
        !read_time(json_object_get(root, "time"), &when) || !read_files(m, root, when))
        return false;
    m->entries = number;
    m->last_lsn = last;
    return true;
}

static int read_line(struct manifest *m, struct text line, struct error *e)
{
    json_error_t problem;
    json_t *root = json_loadb(line.at, line.len, JSON_REJECT_DUPLICATES, &problem);
    bool fine = root && read_entry(m, root);
    json_decref(root);
    return fine ? 0 : damaged(m, e);
}

/* What follows the last line end was not written to its end. */
static int read_lines(struct manifest *m, const struct buf *text, uint64_t entry, struct error *e)
{
    const char *at = text->at, *end = at + text->len, *newline;
    int status = 0;
    while (status == 0 && (entry == 0 || m->entries < entry) && at < end &&
           (newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        status = read_line(m, (struct text){at, (size_t)(newline - at)}, e);
        at = newline + 1;
    }
    m->size = (uint64_t)(text->len ? at - text->at : 0);
    if (status == 0 && m->entries < entry)
        status = error_set(e, ERR_NO, "%s: there is no entry %" PRIu64, m->path, entry);
    return status;
}

int manifest_load(const struct group *g, uint64_t entry, struct manifest *m, struct error *e)
{
    *m = (struct manifest){.folder = mem_format("%s/offline", g->folder)};
    m->path = mem_format("%s/manifest.jsonl", m->folder);
    struct buf text = {0};
    int status = access(m->path, F_OK) == 0 ? file_load(m->path, MANIFEST_MAX, &text, e) : 0;
    if (status == 0)
        status = read_lines(m, &text, entry, e);
    buf_release(&text);
    if (status)
        manifest_release(m);
    return status;
}

void manifest_release(struct manifest *m)
{
    vec_release(&m->files);
    vec_release(&m->removed);
    map_release(&m->paths);
    arena_release(&m->arena);
    mem_free(m->folder);
    mem_free(m->path);
    *m = (struct manifest){0};
}

/* ---- writing ---- */

static void put_time(struct buf *out, usec t)
{
    char room[TIME_MAX];
    usec same;
    bool has_offset;
    size_t n = time_print(room, t);
    bool read = time_parse(room, n, &same, &has_offset) && same == t;
    if (read)
        buf_format(out, "\"%.*s\"", (int)n, room);
    else
        buf_format(out, "%" PRId64, t);
}

static void put_file(struct buf *out, const struct offline_file *f)
{
    buf_puts(out, "{\"path\":");
    json_put_string(out, f->path, strlen(f->path));
    buf_format(out, ",\"rows\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"sha256\":\"%s\",\"min_time\":",
               f->rows, f->bytes, f->sha256);
    put_time(out, f->min_time);
    buf_puts(out, ",\"max_time\":");
    put_time(out, f->max_time);
    buf_putc(out, '}');
}

static void put_entry(struct buf *out, uint64_t number, usec now,
                      const struct manifest_entry *entry)
{
    buf_format(out, "{\"entry\":%" PRIu64 ",\"time\":", number);
    put_time(out, now);
    buf_format(out,
               ",\"kind\":\"%s\",\"first_lsn\":%" PRIu64 ",\"last_lsn\":%" PRIu64
               ",\"schema\":%zu,\"files\":[",
               entry->compacts ? "compact" : "append", entry->first_lsn, entry->last_lsn,
               entry->schema);
    for (size_t i = 0; i < entry->count; i++) {
        if (i > 0)
            buf_putc(out, ',');
        put_file(out, &entry->files[i]);
    }
    buf_puts(out, "],\"removed\":[");
    for (size_t i = 0; i < entry->removed_count; i++) {
        if (i > 0)
            buf_putc(out, ',');
        json_put_string(out, entry->removed[i], strlen(entry->removed[i]));
    }
    buf_puts(out, "]}\n");
}

/* At the end of the whole lines; a line that did not get there is cut off again. */
static int write_line(const struct manifest *m, const struct buf *line, struct error *e)
{
    int fd = open(m->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return error_errno(e, "%s: cannot be opened", m->path);
    int status = 0;
    if (ftruncate(fd, (off_t)m->size) || lseek(fd, (off_t)m->size, SEEK_SET) < 0)
        status = error_errno(e, "%s: its end cannot be cut off", m->path);
    if (status == 0)
        status = file_write(fd, line->at, line->len, m->path, e);
    if (status == 0 && fsync(fd))
        status = error_errno(e, "%s: cannot be written to the disk", m->path);
    if (status && ftruncate(fd, (off_t)m->size))
        (void)fsync(fd);
    close(fd);
    return status || m->size ? status : folder_sync(m->folder, e);
}

int manifest_append(struct manifest *m, const struct manifest_entry *entry, struct error *e)
{
    struct buf line = {0};
    usec now = clock_now();
    put_entry(&line, m->entries + 1, now, entry);
    int status = filesystem_sync(m->folder, e); /* the files, which are many */
    if (status == 0)
        status = write_line(m, &line, e);
    if (status == 0) {
        for (size_t i = 0; i < entry->removed_count; i++)
            (void)remove_path(m, entry->removed[i], now);
        for (size_t i = 0; i < entry->count; i++)
            add_file(m, &entry->files[i]);
        m->size += line.len;
        m->entries++;
        m->last_lsn = entry->last_lsn;
    }
    buf_release(&line);
    return status;
}

/* ---- views ---- */

int offline_view_open(const struct group *g, uint64_t entry, struct offline_view *out,
                      struct error *e)
{
    struct manifest m;
    struct stat st;
    int status = manifest_load(g, entry, &m, e);
    if (status)
        return status;
    *out = (struct offline_view){.entry = m.entries, .lsn = m.last_lsn};
    for (size_t i = 0; i < m.files.len && status == 0; i++) {
        if (m.removed.at[i] != INT_MISSING)
            continue;
        char *path = mem_format("%s/%s", m.folder, m.files.at[i].path);
        if (stat(path, &st))
            status = error_set(e, ERR_NO, "%s is not there: the log has its rows", path);
        vec_push(&out->files, m.files.at[i]);
        mem_free(path);
    }
    arena_adopt(&out->arena, &m.arena);
    manifest_release(&m);
    if (status)
        offline_view_release(out);
    return status;
}

void offline_view_release(struct offline_view *view)
{
    vec_release(&view->files);
    arena_release(&view->arena);
}

static int verify_file(const char *path, const struct offline_file *f, struct error *e)
{
    char digest[SHA256_DIGITS + 1];
    uint64_t bytes = 0;
    int status = offline_digest(path, digest, &bytes, e);
    if (status == 0 && (bytes != f->bytes || strcmp(digest, f->sha256) != 0))
        status = error_set(e, ERR_NO, "%s is not as the manifest says", path);
    return status;
}

int offline_verify(const struct group *g, const struct offline_view *view, struct error *e)
{
    int status = 0;
    for (size_t i = 0; i < view->files.len && status == 0; i++) {
        char *path = mem_format("%s/offline/%s", g->folder, view->files.at[i].path);
        status = verify_file(path, &view->files.at[i], e);
        mem_free(path);
    }
    return status;
}
