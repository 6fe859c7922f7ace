/* fstore put, delete, forget: one record. */
#include "fstore.h"

#include "store/intake.h"

/* ---- put ---- */

struct put_options {
    usec ttl, timeout;
    bool merge, ack, ignore_others;
};

static const struct option put_options[] = {
    {0, "merge", NULL, INTO_FLAG(struct put_options, merge),
     .help = "features that are not given stay as the newest record has them"},
    {0, "ttl", "DURATION", INTO_DURATION(struct put_options, ttl),
     .help = "the record expires so long after its time"},
    {0, "ack", NULL, INTO_FLAG(struct put_options, ack), .help = "print {\"lsn\":L}"},
    {0, "ignore-others", NULL, INTO_FLAG(struct put_options, ignore_others),
     .help = "members that are no features are passed over"},
    OPTION_ROW_TIMEOUT(struct put_options, timeout),
    OPTION_END,
};

static int open_feed(const char *name, usec timeout, struct group **g, struct feed **feed,
                     struct error *e)
{
    struct feed_options o = {.timeout_ms = timeout_ms(timeout)};
    int status = store_group(name, g, e);
    return status ? status : feed_open(*g, &o, feed, e);
}

/* One record into the log and the view; the feed is closed. */
static int commit_one(struct feed *feed, const struct store_record *r, uint64_t *lsn,
                      struct error *e)
{
    int status = feed_add(feed, r, e);
    return status ? status : feed_commit(feed, lsn, e);
}

static int merge(struct feed *feed, struct store_record *r, struct row_builder *merged,
                 struct error *e)
{
    struct store_record before = {.lsn = 0};
    int found = feed_newest(feed, r->id, &before, e);
    if (found <= 0)
        return found;
    if (r->event_time <= before.event_time)
        return error_set(e, ERR_NO, "there is a newer record: only the newest can be merged");
    if (before.row.len && !(before.flags & STORE_DELETED) && before.expires_at > r->event_time)
        r->row = row_merge(merged, before.row, r->row);
    return 0;
}

static int print_lsn(uint64_t lsn, struct error *e)
{
    return print_json(json_pack("{s:I}", "lsn", (json_int_t)lsn), 0, e);
}

static int put(const char *name, const char *json, const struct put_options *o, struct error *e)
{
    struct intake_options how = {.ttl = o->ttl, .others_pass = o->ignore_others};
    struct intake_rows rows = {.records = {0}};
    struct row_builder merged = {0};
    struct group *g = NULL;
    struct feed *feed = NULL;
    uint64_t lsn = 0;
    int status = open_feed(name, o->timeout, &g, &feed, e);
    if (status == 0)
        status = intake_object(g, text_of(json), &how, &rows, e);
    if (status == 0 && o->merge)
        status = merge(feed, &rows.records.at[0], &merged, e);
    if (status == 0)
        status = commit_one(feed, &rows.records.at[0], &lsn, e);
    if (status == 0 && o->ack)
        status = print_lsn(lsn, e);
    if (feed)
        (void)feed_close(feed, false, NULL);
    group_free(g);
    intake_release(&rows);
    row_release(&merged);
    return status;
}

static int run_put(void *options, struct operands *operands)
{
    struct error e = {0};
    return finish(put(operands->at[0], operands->at[1], options, &e), &e);
}

const struct command command_put = {
    .name = "put",
    .summary = "write one record, given as a JSON object",
    .operands = "GROUP JSON",
    .options = put_options,
    .options_size = sizeof(struct put_options),
    .run = run_put,
    .more = "The record takes the place of the one there is when its time is later; else it is "
            "history only. A feature that is not given is missing in it.",
};

/* ---- delete ---- */

struct delete_options {
    const char *time;
    usec timeout;
    bool soft, hard;
};

static const struct option delete_options[] = {
    {0, "soft", NULL, INTO_FLAG(struct delete_options, soft),
     .help = "the entity has no features from then on (the default)"},
    {0, "hard", NULL, INTO_FLAG(struct delete_options, hard),
     .help = "the same, refused (status 1) unless it is later than the newest record"},
    {0, "time", "TIME", INTO_TEXT(struct delete_options, time),
     .help = "from when on (default: now)"},
    OPTION_ROW_TIMEOUT(struct delete_options, timeout),
    OPTION_END,
};

static int delete_time(const struct group *g, const char *text, usec *t, struct error *e)
{
    *t = clock_now();
    int status = text ? group_time(g, text_of(text), t, e) : 0;
    return status == ERR_DATA ? e->code = ERR_USAGE : status;
}

static int check_hard(struct feed *feed, const struct store_record *r, struct error *e)
{
    struct store_record before = {.lsn = 0};
    int found = feed_newest(feed, r->id, &before, e);
    if (found > 0 && r->event_time <= before.event_time)
        return error_set(e, ERR_NO, "there is a record of that time or later: nothing is deleted");
    return found < 0 ? found : 0;
}

static int delete (const struct operands *operands, const struct delete_options *o, struct error *e)
{
    struct store_record r = {.write_time = clock_now(),
                             .expires_at = STORE_NEVER,
                             .flags = STORE_DELETED | (o->hard ? STORE_HARD : 0),
                             .row = {"", 0}};
    struct group *g = NULL;
    struct feed *feed = NULL;
    struct buf id = {0};
    uint64_t lsn;
    if (o->soft && o->hard)
        return error_set(e, ERR_USAGE, "--soft and --hard exclude one another");
    int status = open_feed(operands->at[0], o->timeout, &g, &feed, e);
    if (status == 0)
        status = id_of_words(g, operands->at + 1, operands->len - 1, &id, e);
    r.id = (struct text){id.at, id.len};
    if (status == 0)
        status = delete_time(g, o->time, &r.event_time, e);
    if (status == 0 && o->hard)
        status = check_hard(feed, &r, e);
    if (status == 0)
        status = commit_one(feed, &r, &lsn, e);
    if (feed)
        (void)feed_close(feed, false, NULL);
    group_free(g);
    buf_release(&id);
    return status;
}

static int run_delete(void *options, struct operands *operands)
{
    struct error e = {0};
    return finish(delete (operands, options, &e), &e);
}

const struct command command_delete = {
    .name = "delete",
    .summary = "end an entity's features, with a mark that older records do not pass",
    .operands = "GROUP ID...",
    .options = delete_options,
    .options_size = sizeof(struct delete_options),
    .run = run_delete,
    .more = "A delete is a record like others: one that is older than the newest record is history "
            "only. What was before stays in the log and in training sets of times before; forget "
            "erases that, too.",
};
