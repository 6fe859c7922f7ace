/* fstore ingest GROUP [FILE...]: rows into a group, each batch durable as a whole. */
#include "fstore.h"

#include "base/digest.h"
#include "store/intake.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

struct ingest_options {
    struct stream_options stream;
    const char *source;
    int64_t batch;
    usec ttl, timeout;
    int durable;
    bool ack, ignore_others;
};

enum { DURABLE_BATCH, DURABLE_RECORD, DURABLE_NONE };

/* clang-format off */
static const struct option options[] = {
    {0, "ack", NULL, INTO_FLAG(struct ingest_options, ack),
     .help = "print {\"rows\":N,\"lsn\":L} whenever the first N rows are durable"},
    {0, "source", "NAME", INTO_TEXT(struct ingest_options, source),
     .help = "go on behind the rows that were taken under this name: exactly once",
     .more = "How far the rows were taken is kept with them, in the same batch. The same input, or one "
             "that has grown, given again under the same name goes on where it was, whatever "
             "happened in between."},
    {0, "batch", "N", INTO_INT(struct ingest_options, batch), .fallback = "10000", .range = "1..1000000",
     .help = "rows that become durable together; of a pipe, what has come at once"},
    {0, "durable", NULL, INTO_CHOICE(struct ingest_options, durable), .fallback = "batch", .choices = "batch|record|none",
     .help = "what is forced to the disk: every batch, every record, or nothing",
     .more = "With none a process that dies loses nothing it had committed, a machine that stops "
             "may lose what came last; the log stays whole."},
    {0, "ttl", "DURATION", INTO_DURATION(struct ingest_options, ttl),
     .help = "these records expire so long after their time, whatever the group says"},
    {0, "ignore-others", NULL, INTO_FLAG(struct ingest_options, ignore_others),
     .help = "columns that the group does not have are passed over"},
    OPTION_ROW_TIMEOUT(struct ingest_options, timeout),
    STREAM_INPUT_ROWS(struct ingest_options),
    OPTION_ROW_JOBS(struct ingest_options, stream.jobs),
    OPTION_END,
};
/* clang-format on */

struct ingestion {
    const struct ingest_options *options;
    struct group *group;
    struct feed *feed;
    struct input *in;
    struct intake *intake;
    struct turn *turn;
    bool is_new;         /* the group has no features but those of these rows, and is not saved */
    struct buf head;     /* what the position says of the input: ,"head":N,"sha256":"..." */
    uint64_t first;      /* rows before it were taken already */
    uint64_t safe, seen; /* rows up to which all is durable; is in the batch */
    int64_t pending;     /* rows of the batch */
    int status;
    struct error error;
};

/* ---- where a source was left ---- */

enum { HEAD = 4096 };

/* The beginning of the first file, by which another one of the same name is known. */
static void put_head(const char *path, size_t n, struct buf *out)
{
    char bytes[HEAD], hex[2 * SHA256_SIZE + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        ssize_t got = file_read(fd, bytes, n, path, NULL);
        if (got > 0) {
            sha256_hex((struct text){bytes, (size_t)got}, hex);
            buf_format(out, ",\"head\":%zd,\"sha256\":\"%s\"", got, hex);
        }
    }
    if (fd >= 0)
        close(fd);
}

/* Whether the file begins as that which the position is of. */
static bool same_head(const char *path, const json_t *position)
{
    const char *sha = json_string_value(json_object_get(position, "sha256"));
    json_int_t n = json_integer_value(json_object_get(position, "head"));
    struct buf head = {0};
    if (!sha || n <= 0 || n > HEAD || !path)
        return true;
    put_head(path, (size_t)n, &head);
    bool same = head.len > 0 && strstr(buf_text(&head), sha) != NULL;
    buf_release(&head);
    return same;
}

static int find_position(struct ingestion *in, const char *path, struct error *e)
{
    struct buf text = {0};
    if (in->options->source[0] < ' ')
        return error_set(e, ERR_USAGE, "--source: a name begins with a letter");
    int found = feed_position(in->feed, text_of(in->options->source), &text, e);
    json_t *position = found > 0 ? json_loadb(text.at, text.len, 0, NULL) : NULL;
    buf_release(&text);
    if (found < 0)
        return found;
    in->first = (uint64_t)json_integer_value(json_object_get(position, "rows"));
    bool same = same_head(path, position);
    json_decref(position);
    if (!same)
        return error_set(e, ERR_DATA,
                         "%s does not begin as what was taken as --source %s before: "
                         "another file needs another name",
                         path, in->options->source);
    if (path)
        put_head(path, HEAD, &in->head);
    return 0;
}

static int add_position(struct ingestion *in, struct error *e)
{
    struct buf row = {0};
    if (!in->options->source)
        return 0;
    buf_format(&row, "{\"rows\":%" PRIu64 "%s}", in->seen, buf_text(&in->head));
    struct store_record r = {.expires_at = STORE_NEVER,
                             .flags = STORE_POSITION,
                             .id = text_of(in->options->source),
                             .row = {row.at, row.len}};
    int status = feed_add(in->feed, &r, e);
    buf_release(&row);
    return status;
}

/* ---- records ---- */

static int acknowledge(struct ingestion *in, uint64_t lsn, struct error *e)
{
    struct buf line = {0};
    buf_format(&line, "{\"rows\":%" PRIu64 ",\"lsn\":%" PRIu64 "}\n", in->safe, lsn);
    int status = file_write(STDOUT_FILENO, line.at, line.len, "standard output", e);
    buf_release(&line);
    return status;
}

static int print_features(const struct group *g, struct error *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < g->features.len; i++) {
        struct buf type = {0};
        feature_type_print(&g->features.at[i], &type);
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "name", g->features.at[i].name, "type", buf_text(&type)));
        buf_release(&type);
    }
    return print_json(json_pack("{s:o}", "features", list), 0, e);
}

/* What the first rows said of a new group holds from the first batch on that is taken. */
static int settle_group(struct ingestion *in, struct error *e)
{
    if (!in->is_new)
        return 0;
    in->is_new = false;
    int status = group_save(in->group, true, e);
    return status ? status : print_features(in->group, e);
}

static int commit(struct ingestion *in, struct error *e)
{
    uint64_t lsn;
    if (in->pending == 0)
        return 0;
    int status = settle_group(in, e);
    if (status == 0)
        status = add_position(in, e);
    if (status)
        return status;
    status = feed_commit(in->feed, &lsn, e);
    if (lsn)
        in->safe = in->seen;
    in->pending = 0;
    if (status == 0 && in->options->ack)
        status = acknowledge(in, lsn, e);
    return status;
}

static int take_records(struct ingestion *in, const struct intake_rows *rows, struct error *e)
{
    int64_t most = in->options->durable == DURABLE_RECORD ? 1 : in->options->batch;
    int status = 0;
    for (size_t i = 0; i < rows->records.len && status == 0; i++) {
        if ((status = feed_add(in->feed, &rows->records.at[i], e)) != 0)
            return status;
        in->seen = rows->numbers.at[i] + 1;
        if (++in->pending >= most)
            status = commit(in, e);
    }
    return status == 0 && input_is_live(in->in) ? commit(in, e) : status;
}

/* Rows that were taken before. */
static void pass_over(const struct ingestion *in, struct batch *b)
{
    if (in->first == 0 || b->rows == 0 || batch_row_id(b, 0) >> ROW_ID_SHIFT >= in->first)
        return;
    uint8_t *keep = batch_array(b, b->rows, 1);
    for (size_t r = 0; r < b->rows; r++)
        keep[r] = batch_row_id(b, r) >> ROW_ID_SHIFT >= in->first;
    batch_filter(b, keep);
}

static int read_chunk(const struct ingestion *in, struct batch *b, struct intake_rows *rows,
                      struct error *e)
{
    intake_clear(rows);
    batch_clear(b);
    int got = input_next(in->in, b, e);
    if (got <= 0)
        return got;
    int status = input_parse(in->in, b, e);
    if (status)
        return status;
    pass_over(in, b);
    status = intake_batch(in->intake, b, rows, e);
    return status ? status : 1;
}

/* Chunks are read and made records of side by side, and fed in their order. */
static void work_on_chunks(void *context, unsigned number)
{
    struct ingestion *in = context;
    struct intake_rows rows = {.records = {0}};
    struct batch *b = batch_new();
    struct error e = {0};
    (void)number;
    for (;;) {
        int status = read_chunk(in, b, &rows, &e);
        if (status == 0 || !turn_wait(in->turn, b->sequence))
            break;
        status = status < 0 ? status : take_records(in, &rows, &e);
        if (status) {
            in->status = status;
            in->error = e;
            turn_stop(in->turn);
            break;
        }
        turn_next(in->turn);
    }
    batch_free(b);
    intake_release(&rows);
}

static void tell_late(const struct ingestion *in)
{
    uint64_t late = feed_late(in->feed);
    if (late)
        cli_warn("%" PRIu64 " rows were late: their aggregates are missing", late);
}

static int feed_rows(struct ingestion *in, unsigned jobs, struct error *e)
{
    in->seen = in->safe = in->first;
    in->turn = turn_new();
    team_run(jobs, work_on_chunks, in);
    turn_free(in->turn);
    if (in->status == 0)
        in->status = commit(in, &in->error);
    if (in->status) {
        *e = in->error;
        if (in->safe > in->first)
            cli_warn("the first %" PRIu64 " rows were taken", in->safe);
    }
    tell_late(in);
    return in->status;
}

/* ---- the features of a new group ---- */

static int survey_rows(struct input *in, struct intake_survey *v, struct error *e)
{
    struct batch *b = batch_new();
    int status;
    while ((status = input_next(in, b, e)) > 0) {
        status = input_parse(in, b, e);
        if (status)
            break;
        batch_drop_rejected(b);
        intake_survey_add(v, b);
        batch_clear(b);
    }
    batch_free(b);
    return status;
}

static int infer_features(struct ingestion *in, struct error *e)
{
    struct intake_survey *v = intake_survey_new(input_schema(in->in));
    int status = input_keep(in->in, e);
    if (status == 0)
        status = survey_rows(in->in, v, e);
    if (status == 0)
        status = intake_survey_settle(v, in->group, e);
    if (status == 0)
        status = input_rewind(in->in, e);
    intake_survey_free(v);
    return status;
}

/* ---- the command ---- */

/* Nobody may have changed the group between its reading and its lock. */
static int check_unchanged(const struct group *g, struct error *e)
{
    struct group *now = NULL;
    int status = group_load(g->folder, &now, e);
    if (status == 0 &&
        (now->features.len != g->features.len || now->aggregates.len != g->aggregates.len))
        status = error_set(e, ERR_BUSY, "group '%s' was changed meanwhile", g->name);
    group_free(now);
    return status;
}

static int open_group(struct ingestion *in, const char *name, struct error *e)
{
    struct feed_options o = {.timeout_ms = timeout_ms(in->options->timeout),
                             .unsafe = in->options->durable == DURABLE_NONE};
    int status = store_group(name, &in->group, e);
    if (status == 0)
        status = feed_open(in->group, &o, &in->feed, e);
    return status ? status : check_unchanged(in->group, e);
}

static int open_input(struct ingestion *in, struct session *s, const struct operands *files,
                      struct schema *keys, struct error *e)
{
    struct recipe *none = NULL;
    if (in->is_new) {
        s->context.input.union_schema = true;
    } else {
        intake_schema(in->group, keys);
        s->context.input.keys = keys;
        s->context.input.known = keys; /* a pipe is not waited for, to guess types */
    }
    s->context.input.json_out = in->options->ignore_others;
    int status = recipe_parse("", 0, &s->context, &none, e);
    if (status == 0)
        status = session_input(s, none, files, &in->in, e);
    recipe_free(none);
    return status == 0 && in->is_new ? infer_features(in, e) : status;
}

static int ingest(struct ingestion *in, struct session *s, const struct operands *files,
                  struct error *e)
{
    struct intake_options o = {.ttl = in->options->ttl, .others_pass = in->options->ignore_others};
    struct schema keys = {.fields = {0}};
    in->is_new = in->group->features.len == 0;
    int status = in->options->source ? find_position(in, files->len ? files->at[0] : NULL, e) : 0;
    if (status == 0)
        status = open_input(in, s, files, &keys, e);
    if (status == 0)
        status = intake_open(in->group, input_schema(in->in), &o, &in->intake, e);
    if (status == 0)
        status = feed_rows(in, s->context.jobs, e);
    intake_free(in->intake);
    input_free(in->in);
    schema_release(&keys);
    return status;
}

static int work(struct session *s, const void *options_given, struct operands *operands,
                struct error *e)
{
    struct ingestion in = {.options = options_given};
    struct operands files = {operands->at + 1, operands->len - 1};
    int status = open_group(&in, operands->at[0], e);
    if (status == 0)
        status = ingest(&in, s, &files, e);
    if (in.feed) {
        struct error late = {0};
        int closed = feed_close(in.feed, status == 0, &late);
        if (status == 0 && closed) {
            *e = late;
            status = closed;
        }
    }
    group_free(in.group);
    buf_release(&in.head);
    return status;
}

static int run(void *context, struct operands *operands)
{
    const struct ingest_options *o = context;
    return session_run(work, &o->stream, o, operands);
}

const struct command command_ingest = {
    .name = "ingest",
    .summary = "take rows into a group",
    .operands = "GROUP [FILE...]",
    .options = options,
    .options_size = sizeof(struct ingest_options),
    .run = run,
    .more = "CSV, JSON Lines or Parquet with the group's id, its time and any of its features; a "
            "feature that is not there is missing. A column is_deleted that is true makes a row a "
            "delete. The first rows of a group that has no features say what they are: all of them "
            "are read for that, and what was found is printed.\n\n"
            "A value that does not fit is an error with its place, and nothing of its batch is "
            "taken; --on-error relaxes that.",
};
