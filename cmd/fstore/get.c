/* fstore get, history, log: records as JSON. */
#include "fstore.h"

#include <inttypes.h>
#include <unistd.h>

/* ---- get ---- */

struct get_options {
    const char *features, *now;
    usec timeout;
};

static const struct option get_options[] = {
    {0, "features", "A,B,C", INTO_TEXT(struct get_options, features),
     .help = "these features only, in this order"},
    {0, "now", "TIME", INTO_TEXT(struct get_options, now),
     .help = "the moment at which what has expired is not read"},
    OPTION_ROW_TIMEOUT(struct get_options, timeout),
    OPTION_END,
};

struct getting {
    const struct group *group;
    size_t *wanted, count;
    usec now;
    struct buf out;
};

static int take(void *context, size_t i, const struct store_record *r, struct error *e)
{
    struct getting *g = context;
    (void)i, (void)e;
    if (!r || r->flags & STORE_DELETED || r->expires_at <= g->now)
        return 0;
    put_record(g->group, r, g->wanted, g->count, &g->out);
    buf_putc(&g->out, '\n');
    return 0;
}

static int get(const struct operands *operands, const struct get_options *o, struct error *e)
{
    struct group *g = NULL;
    struct online *online = NULL;
    struct getting got = {.now = clock_now()};
    struct buf id = {0};
    int status = store_group(operands->at[0], &g, e);
    got.group = g;
    if (status == 0)
        status = wanted_features(g, o->features, &got.wanted, &got.count, e);
    if (status == 0)
        status = id_of_words(g, operands->at + 1, operands->len - 1, &id, e);
    if (status == 0)
        status = o->now ? time_option("--now", o->now, &got.now, e) : 0;
    if (status == 0)
        status = group_online(g, timeout_ms(o->timeout), &online, e);
    if (status == 0)
        status = online_get(online, &(struct text){id.at, id.len}, 1, take, &got, e);
    bool found = got.out.len > 0;
    if (status == 0 && found)
        status = file_write(STDOUT_FILENO, got.out.at, got.out.len, "standard output", e);
    online_close(online);
    group_free(g);
    buf_release(&id);
    buf_release(&got.out);
    mem_free(got.wanted);
    return status ? status : !found;
}

static int run_get(void *options, struct operands *operands)
{
    struct error e = {0};
    return finish(get(operands, options, &e), &e);
}

const struct command command_get = {
    .name = "get",
    .summary = "print the newest record of an entity; status 1 when there is none",
    .operands = "GROUP ID...",
    .options = get_options,
    .options_size = sizeof(struct get_options),
    .run = run_get,
    .more = "The values of an id of several columns are given in their order. There is none when "
            "there was never one, when it is deleted, or when it has expired.",
};

/* ---- history, log ---- */

struct log_options_given {
    int64_t from;
};

static const struct option log_options[] = {
    {0, "from", "LSN", INTO_INT(struct log_options_given, from), .fallback = "1", .range = "1..",
     .help = "from this record on"},
    OPTION_END,
};

static void put_time(struct buf *out, const char *name, usec t)
{
    char room[TIME_MAX];
    buf_format(out, ",\"%s\":\"%.*s\"", name, (int)time_print(room, t), room);
}

static void put_entry(const struct group *g, const struct store_record *r, struct buf *out)
{
    buf_format(out, "{\"lsn\":%" PRIu64, r->lsn);
    if (r->flags & STORE_POSITION && r->id.len == 0) {
        buf_puts(out, ",\"forgotten\":true}\n");
        return;
    }
    int64_t horizon;
    double unused;
    if (r->flags & STORE_POSITION && text_equal(r->id, STORE_HORIZON) &&
        number_parse(r->row.at, r->row.len, &horizon, &unused) == NUMBER_INT) {
        put_time(out, "horizon", horizon);
        buf_puts(out, "}\n");
        return;
    }
    if (r->flags & STORE_POSITION) {
        buf_puts(out, ",\"source\":");
        json_put_string(out, r->id.at, r->id.len);
        buf_puts(out, ",\"position\":");
        buf_add(out, r->row.at, r->row.len);
        buf_puts(out, "}\n");
        return;
    }
    put_time(out, "write_time", r->write_time);
    if (r->expires_at != STORE_NEVER)
        put_time(out, "expires_at", r->expires_at);
    if (r->flags & STORE_DELETED)
        buf_format(out, ",\"is_deleted\":\"%s\"", r->flags & STORE_HARD ? "hard" : "soft");
    buf_puts(out, ",\"record\":");
    put_record(g, r, NULL, r->flags & STORE_DELETED ? 0 : g->features.len, out);
    buf_puts(out, "}\n");
}

/* Prints the records from `from` on that are of the id; id.at NULL: all. */
static int print_log(const struct group *g, uint64_t from, struct text id, bool *found,
                     struct error *e)
{
    enum { FULL = 64 << 10 };
    char *folder = mem_format("%s/log", g->folder);
    struct log_reader *log = log_reader_open(folder, from);
    struct store_record r;
    struct buf out = {0};
    int status;
    while ((status = log_next(log, &r, e)) > 0) {
        if (id.at && (r.flags & STORE_POSITION || !text_equal(r.id, id)))
            continue;
        *found = true;
        put_entry(g, &r, &out);
        if (out.len < FULL)
            continue;
        if ((status = file_write(STDOUT_FILENO, out.at, out.len, "standard output", e)) != 0)
            break;
        out.len = 0;
    }
    if (status == 0 && out.len)
        status = file_write(STDOUT_FILENO, out.at, out.len, "standard output", e);
    log_reader_close(log);
    buf_release(&out);
    mem_free(folder);
    return status;
}

static int run_log(void *options, struct operands *operands)
{
    const struct log_options_given *o = options;
    struct error e = {0};
    struct group *g = NULL;
    bool found = false;
    int status = store_group(operands->at[0], &g, &e);
    if (status == 0)
        status = print_log(g, (uint64_t)o->from, (struct text){NULL, 0}, &found, &e);
    group_free(g);
    return finish(status, &e);
}

const struct command command_log = {
    .name = "log",
    .summary = "print a group's log, a JSON line for each record",
    .operands = "GROUP",
    .options = log_options,
    .options_size = sizeof(struct log_options_given),
    .run = run_log,
};

static int run_history(void *options, struct operands *operands)
{
    (void)options;
    struct error e = {0};
    struct group *g = NULL;
    struct buf id = {0};
    bool found = false;
    int status = store_group(operands->at[0], &g, &e);
    if (status == 0)
        status = id_of_words(g, operands->at + 1, operands->len - 1, &id, &e);
    if (status == 0)
        status = print_log(g, 1, (struct text){id.at, id.len}, &found, &e);
    group_free(g);
    buf_release(&id);
    return status ? finish(status, &e) : !found;
}

const struct command command_history = {
    .name = "history",
    .summary = "print all records of an entity, in the order in which they came",
    .operands = "GROUP ID...",
    .run = run_history,
};
