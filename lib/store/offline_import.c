/* Rows that an export wrote become records again. */
#include "store/feed.h"
#include "store/offline.h"
#include "sys/sys.h"

enum { BATCH_BYTES = 16 << 20 };

/* An empty batch is fine. */
static int commit(struct feed *feed, struct error *e)
{
    uint64_t lsn;
    return feed_commit(feed, &lsn, e);
}

static int feed_rows(struct feed *feed, struct record_input *in, uint64_t *rows, struct error *e)
{
    struct store_record r;
    usec now = clock_now();
    int status;
    while ((status = record_input_next(in, &r, e)) > 0) {
        if (r.write_time == INT_MISSING)
            r.write_time = now;
        if ((status = feed_add(feed, &r, e)) != 0)
            return status;
        ++*rows;
        if (feed_pending(feed) >= BATCH_BYTES && (status = commit(feed, e)) != 0)
            return status;
    }
    return status ? status : commit(feed, e);
}

int offline_import(const struct group *g, struct input *in, int timeout_ms, uint64_t *rows,
                   struct error *e)
{
    struct feed_options o = {.timeout_ms = timeout_ms, .as_given = true};
    struct record_input *records = NULL;
    struct feed *feed = NULL;
    *rows = 0;
    int status = record_input_new(g, in, &records, e);
    if (status == 0)
        status = feed_open(g, &o, &feed, e);
    if (status == 0)
        status = feed_rows(feed, records, rows, e);
    if (feed) {
        int closed = feed_close(feed, status == 0, status ? NULL : e);
        status = status ? status : closed;
    }
    record_input_free(records);
    return status;
}
