#include "store/group.h"

#include "base/words.h"
#include "sys/sys.h"

#include <errno.h>
#include <sys/stat.h>

/* ---- names ---- */

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool name_valid(struct text name, const char *others)
{
    if (name.len < 1 || name.len > GROUP_NAME_MAX || !is_alphanumeric(name.at[0]))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!is_alphanumeric(name.at[i]) && (!name.at[i] || !strchr(others, name.at[i])))
            return false;
    return true;
}

bool group_name_valid(struct text name)
{
    return name_valid(name, "-_");
}

bool feature_name_valid(struct text name)
{
    static const char *const reserved[] = {"is_deleted", "write_time", "api_invocation_time"};
    for (size_t i = 0; i < COUNT_OF(reserved); i++)
        if (text_equal(name, text_of(reserved[i])))
            return false;
    return name_valid(name, "-_");
}

/* ---- the description ---- */

static const char *copy(struct group *g, struct text t)
{
    return arena_text(&g->arena, t.at, t.len);
}

struct group *group_new(const char *folder, const char *name)
{
    struct group *g = mem_alloc(sizeof *g);
    g->folder = copy(g, text_of(folder));
    g->name = copy(g, text_of(name));
    g->description = "";
    g->online = "lmdb";
    g->offline = "none";
    g->lateness = GROUP_LATENESS;
    return g;
}

void group_free(struct group *g)
{
    if (!g)
        return;
    zone_free(g->times.zone);
    vec_release(&g->features);
    vec_release(&g->aggregates);
    vec_release(&g->tag_values);
    map_release(&g->names);
    map_release(&g->tags);
    mem_free(g->ids);
    mem_free(g->id_types);
    arena_release(&g->arena);
    mem_free(g);
}

static bool is_taken(const struct group *g, struct text name)
{
    for (size_t i = 0; i < g->id_count; i++)
        if (text_equal(name, text_of(g->ids[i])))
            return true;
    for (size_t i = 0; i < g->aggregates.len; i++)
        if (g->aggregates.at[i].feature == MAP_NONE &&
            text_equal(name, text_of(g->aggregates.at[i].name)))
            return true;
    return (g->time && text_equal(name, text_of(g->time))) || map_get(&g->names, name) != MAP_NONE;
}

int group_check_name(const struct group *g, struct text name, struct error *e)
{
    char quoted[QUOTE_MAX];
    quote(quoted, name.at, name.len);
    if (!feature_name_valid(name))
        return error_set(e, ERR_USAGE,
                         "%s: expected a name of up to 64 letters, digits, '-' and '_' that is "
                         "not is_deleted, write_time or api_invocation_time",
                         quoted);
    return is_taken(g, name) ? error_set(e, ERR_USAGE, "%s is named twice", quoted) : 0;
}

int group_add_id(struct group *g, struct text column, struct error *e)
{
    int status = group_check_name(g, column, e);
    if (status)
        return status;
    g->ids = mem_array(g->ids, g->id_count + 1, sizeof *g->ids);
    g->id_types = mem_array(g->id_types, g->id_count + 1, sizeof *g->id_types);
    g->id_types[g->id_count] = TYPE_TEXT;
    g->ids[g->id_count++] = copy(g, column);
    return 0;
}

void group_type_id(struct group *g, size_t id, enum type type)
{
    g->id_types[id] = type;
}

int group_set_time(struct group *g, struct text column, struct error *e)
{
    int status = group_check_name(g, column, e);
    if (status == 0)
        g->time = copy(g, column);
    return status;
}

int group_add_feature(struct group *g, struct text name, const struct feature *type,
                      struct error *e)
{
    int status = group_check_name(g, name, e);
    if (status)
        return status;
    if (g->features.len >= GROUP_FEATURES_MAX)
        return error_set(e, ERR_USAGE, "a group has at most %d features", GROUP_FEATURES_MAX);
    struct feature f = *type;
    f.name = copy(g, name);
    map_put(&g->names, name, NULL);
    vec_push(&g->features, f);
    return 0;
}

int group_set_zone(struct group *g, const char *zone, struct error *e)
{
    struct zone *z = NULL;
    int status = zone_open(zone, &z, e);
    if (status)
        return status;
    zone_free(g->times.zone);
    g->times.zone = z;
    g->times.zone_name = copy(g, text_of(zone));
    return 0;
}

void group_set_tag(struct group *g, struct text name, struct text value)
{
    bool is_new;
    size_t at = map_put(&g->tags, name, &is_new);
    const char *kept = copy(g, value);
    if (is_new)
        vec_push(&g->tag_values, kept);
    else
        g->tag_values.at[at] = kept;
}

/* ---- what comes in ---- */

/* A number of units since the epoch; what is less than a microsecond is cut off. */
static bool epoch_time(enum time_unit unit, struct text cell, usec *t)
{
    static const int64_t factor[] = {
        [TIME_SECONDS] = USEC_SECOND, [TIME_MILLIS] = 1000, [TIME_MICROS] = 1};
    static const double span = 9e15; /* microseconds whose doubles are whole */
    int64_t i;
    double f;
    enum number_kind kind = number_parse(cell.at, cell.len, &i, &f);
    if (unit == TIME_NANOS) {
        *t = kind == NUMBER_INT ? i / 1000 - (i % 1000 < 0) : 0;
        return kind == NUMBER_INT;
    }
    if (kind == NUMBER_INT)
        return !__builtin_mul_overflow(i, factor[unit], t);
    double exact = f * (double)factor[unit];
    if (kind != NUMBER_FLOAT || exact > span || exact < -span)
        return false;
    *t = (usec)(exact < 0 ? exact - 0.5 : exact + 0.5);
    return true;
}

/* Whole seconds of these years: false, go the careful way. */
static bool plain_seconds(struct text cell, usec *t)
{
    if (cell.len < 9 || cell.len > 10 || cell.at[0] == '0')
        return false;
    uint64_t first = word_load_8(cell.at);
    if (!word_is_digits(first))
        return false;
    int64_t seconds = (int64_t)word_digits(first);
    for (size_t i = 8; i < cell.len; i++) {
        unsigned digit = (unsigned char)cell.at[i] - (unsigned)'0';
        if (digit > 9)
            return false;
        seconds = seconds * 10 + digit;
    }
    *t = seconds * USEC_SECOND;
    return true;
}

static int read_carefully(const struct time_rule *rule, const char *column, struct text cell,
                          usec *t, struct error *e)
{
    bool has_offset = false;
    char quoted[QUOTE_MAX];
    if (!cell.at)
        return error_set(e, ERR_DATA, "%s: the time is missing", column);
    if (rule->unit != TIME_TEXT)
        return epoch_time(rule->unit, cell, t)
                   ? 0
                   : error_set(e, ERR_DATA, "%s: %s is not a number of time", column,
                               quote(quoted, cell.at, cell.len));
    if (!time_parse(cell.at, cell.len, t, &has_offset))
        return error_set(e, ERR_DATA, "%s: %s is not a time", column,
                         quote(quoted, cell.at, cell.len));
    if (!has_offset && !rule->zone)
        return error_set(e, ERR_DATA, "%s: %s is a time without an offset", column,
                         quote(quoted, cell.at, cell.len));
    if (!has_offset)
        *t = zone_to_utc(rule->zone, *t);
    return 0;
}

int time_rule_read(const struct time_rule *rule, const char *column, struct text cell, usec *t,
                   struct error *e)
{
    if (rule->unit == TIME_SECONDS && plain_seconds(cell, t))
        return 0;
    return read_carefully(rule, column, cell, t, e);
}

int group_time(const struct group *g, struct text cell, usec *t, struct error *e)
{
    return time_rule_read(&g->times, g->time, cell, t, e);
}

/* Spelt as we write it, so that equal ids are equal bytes. */
static bool is_plain_int(struct text cell)
{
    char usual[NUMBER_MAX];
    int64_t i;
    double f;
    if (number_parse(cell.at, cell.len, &i, &f) != NUMBER_INT)
        return false;
    size_t n = number_print_int(usual, i);
    return text_equal(cell, (struct text){usual, n});
}

int group_id(const struct group *g, const struct text *cells, struct buf *out, struct error *e)
{
    size_t start = out->len;
    for (size_t i = 0; i < g->id_count; i++) {
        struct text cell = cells[i];
        if (!cell.at || cell.len == 0)
            return error_set(e, ERR_DATA, "%s: the id is missing", g->ids[i]);
        if (memchr(cell.at, 0, cell.len))
            return error_set(e, ERR_DATA, "%s: an id with a NUL character", g->ids[i]);
        if (g->id_types[i] == TYPE_INT && !is_plain_int(cell)) {
            char quoted[QUOTE_MAX];
            return error_set(e, ERR_DATA, "%s: %s is not an integer, as the ids are", g->ids[i],
                             quote(quoted, cell.at, cell.len));
        }
        if (i > 0)
            buf_putc(out, 0);
        buf_add(out, cell.at, cell.len);
    }
    if (out->len - start > STORE_ID_MAX)
        return error_set(e, ERR_DATA, "%s: an id of more than %d bytes", g->ids[0], STORE_ID_MAX);
    return 0;
}

struct text group_id_part(struct text id, size_t column)
{
    const char *at = id.at, *end = id.at + id.len, *stop;
    for (; (stop = memchr(at, 0, (size_t)(end - at))) != NULL && column > 0; column--)
        at = stop + 1;
    return (struct text){at, (size_t)((stop ? stop : end) - at)};
}
