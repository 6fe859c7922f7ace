/* The lock, and files under construction. */
#include "store/offline_manifest.h"

#include "base/digest.h"
#include "sys/sys.h"

#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

/* ---- the writer ---- */

static const char *const extensions[] = {"parquet", "jsonl.gz", "csv.gz"};

static int choose_format(struct offline_writer *w, struct error *e)
{
    const char *name = w->group->offline;
    if (strcmp(name, "none") == 0)
        return error_set(e, ERR_NO, "group '%s' is not kept offline", w->group->name);
    for (size_t i = 0; i < COUNT_OF(extensions); i++)
        if (strcmp(name, extensions[i]) == 0)
            w->extension = extensions[i];
    if (!w->extension)
        return error_set(e, ERR_DATA, "offline '%s': expected parquet, jsonl.gz, csv.gz or none",
                         name);
    const char *point = strchr(w->extension, '.');
    size_t n = point ? (size_t)(point - w->extension) : strlen(w->extension);
    (void)format_from_name((struct text){w->extension, n}, &w->format);
    return 0;
}

int offline_writer_open(const struct group *g, const struct offline_options *o,
                        struct offline_writer *w, struct error *e)
{
    *w = (struct offline_writer){.group = g, .lock = -1};
    int status = choose_format(w, e);
    if (status)
        return status;
    char *folder = mem_format("%s/offline", g->folder), *lock = mem_format("%s/lock", folder);
    status = folder_make(folder, e);
    if (status == 0)
        status = lock_acquire(lock, true, o->timeout_ms, &w->lock, e);
    if (status == 0)
        status = manifest_load(g, 0, &w->manifest, e);
    mem_free(folder);
    mem_free(lock);
    if (status)
        offline_writer_close(w);
    return status;
}

void offline_writer_close(struct offline_writer *w)
{
    manifest_release(&w->manifest);
    if (w->lock >= 0)
        lock_release(w->lock);
    w->lock = -1;
}

/* ---- files ---- */

int64_t offline_hour(usec event_time)
{
    static const int64_t hour = 3600 * USEC_SECOND;
    return event_time / hour - (event_time % hour < 0);
}

int offline_sink_open(const struct offline_writer *w, usec time, uint64_t first, uint64_t last,
                      unsigned jobs, struct offline_sink *s, struct error *e)
{
    struct civil c;
    civil_from_usec(time, &c);
    *s = (struct offline_sink){0};
    s->name =
        mem_format("data/year=%04d/month=%02d/day=%02d/hour=%02d/%020" PRIu64 "-%020" PRIu64 ".%s",
                   c.year, c.month, c.day, c.hour, first, last, w->extension);
    s->file.path = s->name;
    s->path = mem_format("%s/%s", w->manifest.folder, s->name);
    int status = folder_make_parents(s->path, e);
    if (status == 0)
        status = sink_open_plain(s->path, &s->sink, e);
    struct record_target target = {
        .format = w->format, .parquet = {.codec = PARQUET_SNAPPY, .jobs = jobs}, .sink = s->sink};
    if (status == 0)
        status = record_output_new(w->group, &target, RECORDS_OFFLINE, &s->rows, e);
    if (status)
        offline_sink_release(s);
    return status;
}

int offline_sink_add(struct offline_sink *s, const struct store_record *r, struct error *e)
{
    struct offline_file *f = &s->file;
    f->min_time = f->rows == 0 || r->event_time < f->min_time ? r->event_time : f->min_time;
    f->max_time = f->rows == 0 || r->event_time > f->max_time ? r->event_time : f->max_time;
    f->rows++;
    return record_output_add(s->rows, r, e);
}

int offline_sink_finish(struct offline_sink *s, struct error *e)
{
    int status = record_output_finish(s->rows, e);
    if (status)
        return status;
    record_output_free(s->rows);
    s->rows = NULL;
    status = sink_commit(s->sink, e);
    s->sink = NULL;
    return status ? status : offline_digest(s->path, s->file.sha256, &s->file.bytes, e);
}

void offline_sink_release(struct offline_sink *s)
{
    record_output_free(s->rows);
    sink_abort(s->sink);
    mem_free(s->name);
    mem_free(s->path);
    *s = (struct offline_sink){0};
}

int offline_digest(const char *path, char sha256[static SHA256_DIGITS + 1], uint64_t *bytes,
                   struct error *e)
{
    enum { STEP = 1 << 16 };
    struct sha256 sum;
    uint8_t digest[SHA256_SIZE];
    struct buf hex = {0};
    ssize_t got = 1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(e, "%s: cannot be opened", path);
    char *step = mem_alloc(STEP);
    sha256_start(&sum);
    *bytes = 0;
    while (got > 0 && (got = file_read(fd, step, STEP, path, e)) > 0) {
        sha256_add(&sum, (struct text){step, (size_t)got});
        *bytes += (uint64_t)got;
    }
    close(fd);
    sha256_end(&sum, digest);
    hex_put(&hex, digest, SHA256_DIGITS);
    memcpy(sha256, buf_text(&hex), SHA256_DIGITS + 1);
    buf_release(&hex);
    mem_free(step);
    return got < 0 ? (int)got : 0;
}
