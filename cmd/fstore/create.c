/* fstore create, update, drop: groups. */
#include "fstore.h"

#include "base/json_read.h"

#include <sys/stat.h>

struct group_options {
    struct option_list ids, features, aggregates, tags;
    const char *time, *zone, *schema, *online, *offline, *description;
    int time_unit;
    usec ttl, lateness, timeout;
    bool no_ttl;
};

/* clang-format off */
#define ROW_FEATURE {0, "feature", "NAME:TYPE", INTO_LIST(struct group_options, features), \
     .help = "a feature, or several with commas between",  \
     .more = "Types are int (integral), float (fractional), text (string), bool, time, and list-TYPE, set-TYPE, vector-N: " \
             "JSON lists of values of a type, of values that are all different, of N numbers."}
#define ROW_AGGREGATE {0, "agg", "NAME=FUNCTION(FEATURE)@DURATION", INTO_LIST(struct group_options, aggregates), \
     .help = "a feature computed over the entity's last records, or several with commas",  \
     .more = "spent=sum(amount)@1d is the sum of the amounts of the entity's records of one day up to each record, " \
             "itself included, as far as they had come when it came: it is stored in the record and never changes. " \
             "count() counts records, count(F) those that have F; sum, mean, min, max, std (of a sample, missing " \
             "below two) and last are of an int or a float, nunique of anything. A delete ends what was before it."}
#define ROW_SCHEMA {0, "schema", "FILE", INTO_TEXT(struct group_options, schema), \
     .help = "features: lines of NAME:TYPE, or what describe prints"}
#define ROW_TTL {0, "ttl", "DURATION", INTO_DURATION(struct group_options, ttl), \
     .help = "records expire so long after their time"}
#define ROW_TAG {0, "tag", "NAME=VALUE", INTO_LIST(struct group_options, tags), .help = "a tag"}
#define ROW_DESCRIPTION {0, "description", "TEXT", INTO_TEXT(struct group_options, description), \
     .help = "what the group is, in words"}
#define ROW_OFFLINE(fallback_) {0, "offline", "FORMAT", INTO_TEXT(struct group_options, offline), .fallback = fallback_, \
     .help = "files for training and analysis: parquet, jsonl.gz, csv.gz or none"}

static const struct option create_options[] = {
    {0, "id", "COLUMN", INTO_LIST(struct group_options, ids),
     .help = "what names an entity; repeated, or with commas, for several columns",
     .more = "COLUMN:int says that ids are integers, COLUMN:text that they are texts; else the first "
             "rows decide."},
    {0, "time", "COLUMN", INTO_TEXT(struct group_options, time),
     .help = "when a record's values held: its event time"},
    {0, "time-unit", NULL, INTO_CHOICE(struct group_options, time_unit), .choices = "text|s|ms|us|ns", .fallback = "text",
     .help = "times are numbers of this unit since 1970, not texts"},
    {0, "zone", "NAME", INTO_TEXT(struct group_options, zone),
     .help = "zone of times that name none, such as Europe/Paris"},
    ROW_FEATURE,
    ROW_SCHEMA,
    ROW_AGGREGATE,
    {0, "lateness", "DURATION", INTO_DURATION(struct group_options, lateness), .fallback = "1h",
     .help = "records that are older than the newest of any entity by more are late",
     .more = "The aggregates of a late record are missing, and later records do not count it; ingest says how many there were. "
             "What windows need is kept so much longer. Rows from long ago are given in the order of their times, or to a group "
             "with a --lateness as long as they span."},
    ROW_TTL,
    {0, "online", "WHERE", INTO_TEXT(struct group_options, online), .fallback = "lmdb",
     .help = "newest records: lmdb, redis://HOST[:PORT][/DB], redis+unix:///PATH or none"},
    ROW_OFFLINE("parquet"),
    ROW_TAG,
    ROW_DESCRIPTION,
    OPTION_END,
};

static const struct option update_options[] = {
    ROW_FEATURE,
    ROW_SCHEMA,
    ROW_AGGREGATE,
    ROW_TTL,
    {0, "no-ttl", NULL, INTO_FLAG(struct group_options, no_ttl), .help = "records do not expire"},
    ROW_OFFLINE(NULL),
    ROW_TAG,
    ROW_DESCRIPTION,
    OPTION_ROW_TIMEOUT(struct group_options, timeout),
    OPTION_END,
};
/* clang-format on */

/* ---- features ---- */

static int add_feature(struct group *g, struct text name, struct text type, struct error *e)
{
    struct feature f = {0};
    char quoted[QUOTE_MAX];
    if (!feature_type_parse(type, &f))
        return error_set(e, ERR_USAGE,
                         "%s is no type: expected int, float, text, bool, time, list-TYPE, "
                         "set-TYPE or vector-N",
                         quote(quoted, type.at, type.len));
    return group_add_feature(g, name, &f, e);
}

/* "age:int,city:text" */
static int add_features(struct group *g, struct text list, struct error *e)
{
    const char *at = list.at, *end = list.at + list.len;
    int status = 0;
    while (at < end && status == 0) {
        const char *stop = memchr(at, ',', (size_t)(end - at));
        stop = stop ? stop : end;
        const char *colon = memchr(at, ':', (size_t)(stop - at));
        char quoted[QUOTE_MAX];
        if (!colon)
            return error_set(e, ERR_USAGE, "%s: expected NAME:TYPE",
                             quote(quoted, at, (size_t)(stop - at)));
        status = add_feature(g, (struct text){at, (size_t)(colon - at)},
                             (struct text){colon + 1, (size_t)(stop - colon - 1)}, e);
        at = stop + 1;
    }
    return status;
}

/* "n=count()@1h,spent=sum(amount)@1d" */
static int add_aggregates(struct group *g, const char *list, struct error *e)
{
    int status = 0;
    for (const char *at = list; status == 0; at++) {
        struct aggregate_text a;
        size_t n = strcspn(at, ",");
        status = aggregate_parse((struct text){at, n}, &a, e);
        if (status == 0)
            status = group_add_aggregate(g, &a, e);
        at += n;
        if (!*at)
            break;
    }
    return status;
}

static struct text trimmed(const char *at, const char *end)
{
    while (at < end && strchr(" \t\r", *at))
        at++;
    while (at < end && strchr(" \t\r", end[-1]))
        end--;
    return (struct text){at, (size_t)(end - at)};
}

static int features_of_lines(struct group *g, const char *path, const struct buf *text,
                             struct error *e)
{
    const char *at = text->at, *end = text->at + text->len;
    for (uint64_t line = 1; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        struct text t = trimmed(at, stop);
        int status = t.len && t.at[0] != '#' ? add_features(g, t, e) : 0;
        if (status) {
            error_at(e, path, line, 0);
            return status;
        }
        at = stop + 1;
    }
    return 0;
}

static int features_of_json(struct group *g, const char *path, const struct buf *text,
                            struct error *e)
{
    json_error_t problem;
    json_t *root = json_loadb(text->at, text->len, JSON_REJECT_DUPLICATES, &problem);
    const json_t *list = json_is_array(root) ? root : json_object_get(root, "features");
    int status =
        json_is_array(list)
            ? 0
            : error_set(e, ERR_DATA, "%s", root ? "expected a list \"features\"" : problem.text);
    for (size_t i = 0; i < json_array_size(list) && status == 0; i++) {
        const json_t *f = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(f, "name")),
                   *type = json_string_value(json_object_get(f, "type"));
        status = name && type ? add_feature(g, text_of(name), text_of(type), e)
                              : error_set(e, ERR_DATA, "a feature needs \"name\" and \"type\"");
    }
    if (status)
        error_at(e, path, root ? 0 : (uint64_t)problem.line, root ? 0 : (uint64_t)problem.column);
    json_decref(root);
    return status;
}

static int features_of_file(struct group *g, const char *path, struct error *e)
{
    struct buf text = {0};
    int status = file_load(path, 16 << 20, &text, e);
    if (status == 0 && text.len) {
        struct text t = trimmed(text.at, text.at + text.len);
        bool json = t.len && (t.at[0] == '{' || t.at[0] == '[');
        status = json ? features_of_json(g, path, &text, e) : features_of_lines(g, path, &text, e);
    }
    buf_release(&text);
    return status;
}

/* ---- what create and update share ---- */

static int set_tags(struct group *g, const struct option_list *tags, struct error *e)
{
    for (size_t i = 0; i < tags->len; i++) {
        const char *equals = strchr(tags->at[i], '=');
        if (!equals || equals == tags->at[i])
            return error_set(e, ERR_USAGE, "--tag %s: expected NAME=VALUE", tags->at[i]);
        group_set_tag(g, (struct text){tags->at[i], (size_t)(equals - tags->at[i])},
                      text_of(equals + 1));
    }
    return 0;
}

static int set_offline(struct group *g, const char *format, struct error *e)
{
    static const char *const formats[] = {"parquet", "jsonl.gz", "csv.gz", "none"};
    for (size_t i = 0; format && i < COUNT_OF(formats); i++)
        if (strcmp(format, formats[i]) == 0) {
            g->offline = formats[i];
            return 0;
        }
    return format ? error_set(e, ERR_USAGE,
                              "--offline %s: expected parquet, jsonl.gz, csv.gz or none", format)
                  : 0;
}

static int set_description(struct group *g, const char *text, struct error *e)
{
    if (!text)
        return 0;
    if (strlen(text) > 255)
        return error_set(e, ERR_USAGE, "--description: at most 255 bytes");
    g->description = arena_text(&g->arena, text, strlen(text));
    return 0;
}

static int set_common(struct group *g, const struct group_options *o, struct error *e)
{
    int status = o->schema ? features_of_file(g, o->schema, e) : 0;
    for (size_t i = 0; i < o->features.len && status == 0; i++)
        status = add_features(g, text_of(o->features.at[i]), e);
    for (size_t i = 0; i < o->aggregates.len && status == 0; i++)
        status = add_aggregates(g, o->aggregates.at[i], e);
    if (status == 0 && g->features.len)
        status = group_settle(g, e);
    if (status == 0)
        status = set_tags(g, &o->tags, e);
    if (status == 0)
        status = set_offline(g, o->offline, e);
    if (status == 0)
        status = set_description(g, o->description, e);
    if (o->ttl)
        g->ttl = o->ttl;
    return status;
}

/* ---- create ---- */

/* "user_id", "user_id:int" */
static int add_id(struct group *g, struct text item, struct error *e)
{
    const char *colon = memchr(item.at, ':', item.len);
    struct text name = {item.at, colon ? (size_t)(colon - item.at) : item.len};
    struct text type = {colon ? colon + 1 : "", colon ? item.len - name.len - 1 : 0};
    bool is_int = colon && text_equal(type, text_of("int"));
    if (colon && !is_int && !text_equal(type, text_of("text")))
        return error_set(e, ERR_USAGE, "--id %.*s: expected text or int behind the colon",
                         (int)item.len, item.at);
    int status = group_add_id(g, name, e);
    if (status == 0 && is_int)
        group_type_id(g, g->id_count - 1, TYPE_INT);
    return status;
}

static int add_ids(struct group *g, const struct option_list *ids, struct error *e)
{
    int status = ids->len ? 0 : error_set(e, ERR_USAGE, "--id says what names an entity");
    for (size_t i = 0; i < ids->len && status == 0; i++)
        for (const char *at = ids->at[i]; status == 0; at++) {
            size_t n = strcspn(at, ",");
            status = add_id(g, (struct text){at, n}, e);
            at += n;
            if (!*at)
                break;
        }
    return status;
}

static int set_online(struct group *g, const char *where, struct error *e)
{
    bool known = strcmp(where, "lmdb") == 0 || strcmp(where, "none") == 0 ||
                 strncmp(where, "redis://", 8) == 0 || strncmp(where, "redis+unix://", 13) == 0;
    if (!known)
        return error_set(e, ERR_USAGE,
                         "--online %s: expected lmdb, redis://HOST, redis+unix:///PATH or none",
                         where);
    g->online = where;
    return 0;
}

static int describe_new(struct group *g, const struct group_options *o, struct error *e)
{
    static const enum time_unit units[] = {TIME_TEXT, TIME_SECONDS, TIME_MILLIS, TIME_MICROS,
                                           TIME_NANOS};
    int status = o->time ? add_ids(g, &o->ids, e)
                         : error_set(e, ERR_USAGE, "--time says which column is the time");
    if (status == 0)
        status = group_set_time(g, text_of(o->time), e);
    g->times.unit = units[o->time_unit];
    g->lateness = o->lateness;
    if (status == 0 && o->zone)
        status = group_set_zone(g, o->zone, e);
    if (status == 0)
        status = set_common(g, o, e);
    return status ? status : set_online(g, o->online, e);
}

static int create(const char *name, const struct group_options *o, struct error *e)
{
    char quoted[QUOTE_MAX], *store = NULL;
    if (!group_name_valid(text_of(name)))
        return error_set(e, ERR_USAGE,
                         "%s: expected a name of up to 64 letters, digits, '-' and '_'",
                         quote(quoted, name, strlen(name)));
    int status = store_open(true, &store, e);
    if (status)
        return status;
    char *folder = registry_folder(store, text_of(name));
    struct group *g = group_new(folder, name);
    status = describe_new(g, o, e);
    if (status == 0)
        status = group_save(g, false, e);
    group_free(g);
    mem_free(folder);
    mem_free(store);
    return status;
}

static int run_create(void *options, struct operands *operands)
{
    struct error e = {0};
    return finish(create(operands->at[0], options, &e), &e);
}

const struct command command_create = {
    .name = "create",
    .summary = "make a group of features",
    .operands = "GROUP",
    .options = create_options,
    .options_size = sizeof(struct group_options),
    .run = run_create,
    .more = "Without --feature and --schema the first rows that are ingested say what the features "
            "and their types are.",
};

/* ---- update ---- */

static int update(const char *name, const struct group_options *o, struct error *e)
{
    struct log *lock = NULL;
    struct group *g = NULL;
    int status = group_lock(name, o->timeout, &lock, &g, e);
    if (status == 0)
        status = set_common(g, o, e);
    if (status == 0) {
        g->ttl = o->no_ttl ? 0 : g->ttl;
        status = group_save(g, true, e);
    }
    group_free(g);
    log_close(lock);
    return status;
}

static int run_update(void *options, struct operands *operands)
{
    struct error e = {0};
    return finish(update(operands->at[0], options, &e), &e);
}

const struct command command_update = {
    .name = "update",
    .summary = "add features to a group, change its expiry, tags, description",
    .operands = "GROUP",
    .options = update_options,
    .options_size = sizeof(struct group_options),
    .run = run_update,
    .more =
        "Features are only added: none is dropped or renamed, none changes its type. Records "
        "from before lack them; new aggregates count them, and for that the next record takes as "
        "long as reading the log. A new --ttl holds for records to come.",
};

/* ---- drop ---- */

struct drop_options {
    usec timeout;
};

static const struct option drop_options[] = {
    OPTION_ROW_TIMEOUT(struct drop_options, timeout),
    OPTION_END,
};

static int run_drop(void *options, struct operands *operands)
{
    const struct drop_options *o = options;
    struct error e = {0};
    struct group *g = NULL;
    int status = store_group(operands->at[0], &g, &e);
    if (status == 0)
        status = registry_drop(g, timeout_ms(o->timeout), &e);
    group_free(g);
    return finish(status, &e);
}

const struct command command_drop = {
    .name = "drop",
    .summary = "remove a group with all its records",
    .operands = "GROUP",
    .options = drop_options,
    .options_size = sizeof(struct drop_options),
    .run = run_drop,
};
