/*
 * group: what a group of features is, as its folder's group.json says; and the name, types and
 * values that it takes.
 *
 *   {"fstore": 1, "name": "users", "id": [{"name": "user_id", "type": "text"}],
 *    "time": "event_time", "features": [{"name": "age", "type": "int"}],
 *    "aggregates": [{"name": "d", "function": "mean", "of": "age", "window_us": 86400000000}],
 *    "lateness_us": 3600000000, "ttl_us": 2592000000000, "online": "lmdb",
 *    "offline": "parquet", "description": "", "tags": {}}
 *
 * Features are only added, at the end: a row (row.h) has those that there were when it was written.
 * A row's first value is the record's time where that is not spelt as RFC 3339 in UTC, else
 * missing; the features follow.
 */
#ifndef STORE_GROUP_H
#define STORE_GROUP_H

#include "store/row.h"

#define GROUP_NAME_MAX     64
#define GROUP_FEATURES_MAX (ROW_FEATURES_MAX - 1)

/* JSON lists of scalars of the feature's type; a set has none twice, a vector so many floats. */
enum collection { COLLECTION_NONE, COLLECTION_LIST, COLLECTION_SET, COLLECTION_VECTOR };

struct feature {
    const char *name;
    enum type type; /* of it, or of its elements: TYPE_INT, FLOAT, BOOL, TIME, TEXT */
    enum collection collection;
    uint32_t dimension; /* of a vector */
    bool computed;      /* an aggregate, whose value nobody gives */
};

/* "int" "float" "text" "bool" "time", also "integral" "fractional" "string"; "list-int",
 * "set-text", "vector-128". */
bool feature_type_parse(struct text type, struct feature *f);
void feature_type_print(const struct feature *f, struct buf *out);
/* Type of the feature's cell in a row. */
enum type feature_cell_type(const struct feature *f);

/*
 * An aggregate is a feature that is computed when a record comes: of the entity's records of the
 * last `window` up to the record's time, itself included (windows.h).
 *
 *   count()     records                     count(F)    those that have F
 *   sum(F)      missing where it is beyond the type of F
 *   mean(F)     min(F)     max(F)           of an int or a float
 *   std(F)      of a sample (n - 1); missing below two
 *   last(F)     of the newest that has F    nunique(F)  how many texts F has, of any type
 *
 * Counts are ints, means and deviations floats, all else is of the type of F. Without a value of F
 * all but the counts are missing.
 */
enum aggregate_function {
    AGGREGATE_COUNT,
    AGGREGATE_SUM,
    AGGREGATE_MEAN,
    AGGREGATE_MIN,
    AGGREGATE_MAX,
    AGGREGATE_STD,
    AGGREGATE_LAST,
    AGGREGATE_NUNIQUE,
};

struct aggregate {
    const char *name;
    enum aggregate_function function;
    const char *of; /* NULL: of records */
    usec window;
    /* Numbers of the features that it is and is of; MAP_NONE: not known yet, and none. */
    size_t feature, argument;
};

/* "name=sum(amount)@1d" */
struct aggregate_text {
    struct text name, of; /* of: missing for count() */
    enum aggregate_function function;
    usec window;
};
/* Borrows; ERR_USAGE. */
int aggregate_parse(struct text t, struct aggregate_text *out, struct error *e);
bool aggregate_function_parse(struct text name, enum aggregate_function *f);
const char *aggregate_function_name(enum aggregate_function f);

#define GROUP_LATENESS (3600 * USEC_SECOND) /* where nothing else is said */

/* How times come. */
struct time_rule {
    enum time_unit { TIME_TEXT, TIME_SECONDS, TIME_MILLIS, TIME_MICROS, TIME_NANOS } unit;
    const char *zone_name; /* of texts without an offset; NULL: they are no times */
    struct zone *zone;
};
/* ERR_DATA when the cell is no time, or has neither offset nor zone nor unit; `column` is for that
 * message. */
int time_rule_read(const struct time_rule *rule, const char *column, struct text cell, usec *t,
                   struct error *e);

struct group {
    const char *folder, *name, *description;
    const char **ids;    /* id_count columns that are the id together, */
    enum type *id_types; /* their types: TYPE_TEXT, or TYPE_INT as we write integers */
    size_t id_count;
    const char *time;
    struct time_rule times;
    VEC(struct feature) features;
    struct map names; /* of the features: their numbers */
    VEC(struct aggregate) aggregates;
    usec lateness;                /* a record older than the newest by more is not aggregated */
    usec ttl;                     /* 0: none */
    const char *online, *offline; /* "lmdb", "none" ...; "parquet", "none" ... */
    struct map tags;              /* names of tags; values beside */
    VEC(const char *) tag_values;
    struct arena arena;
};

/* An empty description; strings are copied. ERR_USAGE for a bad name, a column named twice, a
 * reserved one (is_deleted, write_time, api_invocation_time), too many features. */
struct group *group_new(const char *folder, const char *name); /* returns owned */
int group_add_id(struct group *g, struct text column, struct error *e);
void group_type_id(struct group *g, size_t id, enum type type);
int group_set_time(struct group *g, struct text column, struct error *e);
int group_add_feature(struct group *g, struct text name, const struct feature *type,
                      struct error *e);
/* Copied. What it is of need not be there before group_settle. */
int group_add_aggregate(struct group *g, const struct aggregate_text *a, struct error *e);
/* The same where it may be a feature already, as a description says. */
int group_bind_aggregate(struct group *g, const struct aggregate_text *a, struct error *e);
/* The features are known: aggregates that are none yet become features behind them. ERR_USAGE when
 * one is of a feature that is not there, or does not fit. */
int group_settle(struct group *g, struct error *e);
/* Whether records are to be completed with aggregates. */
bool group_computes(const struct group *g);
int group_set_zone(struct group *g, const char *zone, struct error *e);
void group_set_tag(struct group *g, struct text name, struct text value); /* "": removes it */
void group_free(struct group *g);                                         /* NULL is fine */

/* Writes group.json, whole or not at all; the folder is made. ERR_NO for a group that is there
 * already, unless it may be. */
int group_save(const struct group *g, bool may_be_there, struct error *e);
/* ERR_NO when there is none; ERR_DATA for a description that is wrong. */
int group_load(const char *folder, struct group **out, struct error *e);

/* ---- what comes in ---- */

/* The group's name, as a name of a feature: 1 to 64 letters, digits, '-' and (feature) '_'. */
bool group_name_valid(struct text name);
bool feature_name_valid(struct text name);
/* ERR_USAGE unless a column may be named so that the group does not have. */
int group_check_name(const struct group *g, struct text name, struct error *e);
/* By the group's rule. */
int group_time(const struct group *g, struct text cell, usec *t, struct error *e);
/* The cells of the id as one text, appended: those of several columns with NULs between. ERR_DATA
 * when one is missing, empty, not of its type, has a NUL, or all are too long. */
int group_id(const struct group *g, const struct text *cells, struct buf *out, struct error *e);
/* The part of an id that is of one column. */
struct text group_id_part(struct text id, size_t column);
/* A feature's cell, the next of the row: ERR_DATA when it does not fit. */
int group_add_cell(const struct group *g, size_t feature, struct text cell, struct row_builder *b,
                   struct error *e);

#endif
