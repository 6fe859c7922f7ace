#include "store/view.h"

#include "store/log.h"
#include "sys/sys.h"

#include <unistd.h>

/* Records that are applied in one transaction. */
enum { AT_ONCE = 50000, AT_ONCE_BYTES = 64 << 20 };

char *view_folder(const struct group *g, const char *name)
{
    return mem_format("%s/%s", g->folder, name);
}

int view_lock(const struct group *g, int timeout_ms, size_t segment, struct log **out,
              struct error *e)
{
    struct log_options o = {.segment = segment, .timeout_ms = timeout_ms};
    char *folder = view_folder(g, "log");
    int status = log_open(folder, &o, out, e);
    mem_free(folder);
    return status;
}

/* ---- from the log ---- */

struct replay {
    struct log_reader *log;
    VEC(struct store_record) batch;
    struct arena arena; /* of what the batch has */
    size_t bytes;
};

/* The next records, as many as go in one transaction: 1; 0 at the end. */
static int read_batch(struct replay *r, struct error *e)
{
    struct store_record got;
    int status = 1;
    r->batch.len = r->bytes = 0;
    arena_reset(&r->arena);
    while (r->batch.len < AT_ONCE && r->bytes < AT_ONCE_BYTES &&
           (status = log_next(r->log, &got, e)) > 0) {
        got.id.at = arena_copy(&r->arena, got.id.at, got.id.len);
        got.row.at = arena_copy(&r->arena, got.row.at, got.row.len);
        r->bytes += got.id.len + got.row.len;
        vec_push(&r->batch, got);
    }
    return status < 0 ? status : r->batch.len > 0;
}

int view_catch_up(const struct group *g, uint64_t applied, view_take *take, void *view,
                  struct error *e)
{
    char *folder = view_folder(g, "log");
    struct replay r = {.log = log_reader_open(folder, applied + 1)};
    int status;
    while ((status = read_batch(&r, e)) > 0)
        if ((status = take(view, r.batch.at, r.batch.len, e)) != 0)
            break;
    log_reader_close(r.log);
    vec_release(&r.batch);
    arena_release(&r.arena);
    mem_free(folder);
    return status;
}

/* ---- folders ---- */

int view_remove(const char *folder, struct error *e)
{
    static const char *const names[] = {"state", "data.mdb", "lock.mdb"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char *path = mem_format("%s/%s", folder, names[i]);
        (void)unlink(path);
        mem_free(path);
    }
    if (rmdir(folder) && access(folder, F_OK) == 0)
        return error_errno(e, "%s: cannot be removed", folder);
    return 0;
}

/* Readers of the view before keep what they have open. */
static int put_in_place(const char *made, const char *folder, struct error *e)
{
    char *old = mem_format("%s.old", folder);
    int status = view_remove(old, e);
    if (status == 0 && rename(folder, old) && access(folder, F_OK) == 0)
        status = error_errno(e, "%s: cannot be replaced", folder);
    if (status == 0 && rename(made, folder))
        status = error_errno(e, "%s: cannot be put in place", folder);
    if (status == 0)
        status = view_remove(old, e);
    mem_free(old);
    return status;
}

int view_rebuild(const struct group *g, const char *name, view_make *make, struct error *e)
{
    char *folder = view_folder(g, name), *made = mem_format("%s.new", folder);
    int status = view_remove(made, e);
    if (status == 0)
        status = make(g, made, e);
    if (status == 0)
        status = put_in_place(made, folder, e);
    mem_free(folder);
    mem_free(made);
    return status;
}
