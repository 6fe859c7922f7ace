/* group.json. */
#include "store/group.h"

#include "sys/sys.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 16 << 20 };

static const char *const units[] = {
    [TIME_SECONDS] = "s", [TIME_MILLIS] = "ms", [TIME_MICROS] = "us", [TIME_NANOS] = "ns"};

static char *path_of(const char *folder)
{
    return mem_format("%s/group.json", folder);
}

/* ---- writing ---- */

static json_t *ids_json(const struct group *g)
{
    json_t *list = json_array();
    for (size_t i = 0; i < g->id_count; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "name", g->ids[i], "type", type_name(g->id_types[i])));
    return list;
}

static json_t *features_json(const struct group *g)
{
    json_t *list = json_array();
    for (size_t i = 0; i < g->features.len; i++) {
        struct buf type = {0};
        feature_type_print(&g->features.at[i], &type);
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "name", g->features.at[i].name, "type", buf_text(&type)));
        buf_release(&type);
    }
    return list;
}

static void put_aggregates(json_t *root, const struct group *g)
{
    json_t *list = json_array();
    for (size_t i = 0; i < g->aggregates.len; i++) {
        const struct aggregate *a = &g->aggregates.at[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s*, s:I}", "name", a->name, "function",
                                              aggregate_function_name(a->function), "of", a->of,
                                              "window_us", (json_int_t)a->window));
    }
    if (g->aggregates.len || g->lateness != GROUP_LATENESS)
        json_object_set_new(root, "lateness_us", json_integer(g->lateness));
    if (g->aggregates.len)
        json_object_set(root, "aggregates", list);
    json_decref(list);
}

static json_t *tags_json(const struct group *g)
{
    json_t *tags = json_object();
    for (size_t i = 0; i < g->tag_values.len; i++) {
        struct text name = g->tags.keys.at[i];
        if (!*g->tag_values.at[i])
            continue;
        char *key = mem_text_n(name.at, name.len);
        json_object_set_new(tags, key, json_string(g->tag_values.at[i]));
        mem_free(key);
    }
    return tags;
}

static json_t *group_json(const struct group *g)
{
    json_t *root = json_pack("{s:i, s:s, s:o, s:s}", "fstore", 1, "name", g->name, "id",
                             ids_json(g), "time", g->time);
    if (g->times.unit != TIME_TEXT)
        json_object_set_new(root, "time_unit", json_string(units[g->times.unit]));
    if (g->times.zone_name)
        json_object_set_new(root, "zone", json_string(g->times.zone_name));
    json_object_set_new(root, "features", features_json(g));
    put_aggregates(root, g);
    if (g->ttl)
        json_object_set_new(root, "ttl_us", json_integer(g->ttl));
    json_object_set_new(root, "online", json_string(g->online));
    json_object_set_new(root, "offline", json_string(g->offline));
    json_object_set_new(root, "description", json_string(g->description));
    json_object_set_new(root, "tags", tags_json(g));
    return root;
}

static int write_text(const char *path, const char *text, struct error *e)
{
    struct replace *r = NULL;
    int status = replace_open(path, &r, e);
    if (status)
        return status;
    status = file_write(replace_fd(r), text, strlen(text), path, e);
    if (status == 0)
        status = file_write(replace_fd(r), "\n", 1, path, e);
    if (status == 0)
        return replace_commit(r, e);
    replace_abort(r);
    return status;
}

int group_save(const struct group *g, bool may_be_there, struct error *e)
{
    char *path = path_of(g->folder);
    int status = 0;
    if (mkdir(g->folder, 0777) && errno != EEXIST)
        status = error_errno(e, "%s: cannot be made", g->folder);
    else if (!may_be_there && access(path, F_OK) == 0)
        status = error_set(e, ERR_NO, "there is a group '%s' already", g->name);
    if (status == 0) {
        json_t *root = group_json(g);
        char *text = json_dumps(root, JSON_INDENT(2));
        status = write_text(path, text, e);
        free(text);
        json_decref(root);
    }
    mem_free(path);
    return status;
}

/* ---- reading ---- */

static int wrong(struct error *e, const char *member, const char *what)
{
    return error_set(e, ERR_DATA, "\"%s\": %s", member, what);
}

/* Errors of names are the user's when a group is made; in a file they are wrong data. */
static int as_data(int status, struct error *e)
{
    if (status != ERR_USAGE)
        return status;
    e->code = ERR_DATA;
    return ERR_DATA;
}

static struct text text_in(const json_t *object, const char *member)
{
    const char *s = json_string_value(json_object_get(object, member));
    return s ? text_of(s) : (struct text){NULL, 0};
}

static int load_id(struct group *g, const json_t *j, struct error *e)
{
    struct text name = text_in(j, "name"), type = text_in(j, "type");
    bool is_int = text_equal(type, text_of("int"));
    if (!name.at || (!is_int && !text_equal(type, text_of("text"))))
        return wrong(e, "id", "expected names and types, text or int");
    int status = group_add_id(g, name, e);
    if (status == 0 && is_int)
        group_type_id(g, g->id_count - 1, TYPE_INT);
    return status;
}

static int load_ids(struct group *g, const json_t *root, struct error *e)
{
    const json_t *list = json_object_get(root, "id");
    int status = json_array_size(list) ? 0 : wrong(e, "id", "expected a list");
    for (size_t i = 0; i < json_array_size(list) && status == 0; i++)
        status = load_id(g, json_array_get(list, i), e);
    return status;
}

static int load_time(struct group *g, const json_t *root, struct error *e)
{
    struct text name = text_in(root, "time"), unit = text_in(root, "time_unit"),
                zone = text_in(root, "zone");
    if (!name.at)
        return wrong(e, "time", "expected a name");
    for (size_t i = TIME_SECONDS; i <= TIME_NANOS; i++)
        if (text_equal(unit, text_of(units[i])))
            g->times.unit = (enum time_unit)i;
    if (json_object_get(root, "time_unit") && g->times.unit == TIME_TEXT)
        return wrong(e, "time_unit", "expected s, ms, us or ns");
    int status = group_set_time(g, name, e);
    return status || !zone.at ? status : group_set_zone(g, zone.at, e);
}

static int load_features(struct group *g, const json_t *root, struct error *e)
{
    const json_t *list = json_object_get(root, "features");
    int status = json_is_array(list) ? 0 : wrong(e, "features", "expected a list");
    for (size_t i = 0; i < json_array_size(list) && status == 0; i++) {
        const json_t *j = json_array_get(list, i);
        struct feature f = {0};
        struct text name = text_in(j, "name"), type = text_in(j, "type");
        status = name.at && type.at && feature_type_parse(type, &f)
                     ? group_add_feature(g, name, &f, e)
                     : wrong(e, "features", "expected names and types");
    }
    return status;
}

static int load_aggregate(struct group *g, const json_t *j, struct error *e)
{
    struct text function = text_in(j, "function");
    struct aggregate_text a = {.name = text_in(j, "name"),
                               .of = text_in(j, "of"),
                               .window = json_integer_value(json_object_get(j, "window_us"))};
    if (!a.name.at || !function.at || !aggregate_function_parse(function, &a.function) ||
        a.window <= 0)
        return wrong(e, "aggregates", "expected names, functions and windows");
    return group_bind_aggregate(g, &a, e);
}

static int load_aggregates(struct group *g, const json_t *root, struct error *e)
{
    const json_t *list = json_object_get(root, "aggregates"),
                 *lateness = json_object_get(root, "lateness_us");
    int status = !list || json_is_array(list) ? 0 : wrong(e, "aggregates", "expected a list");
    if (lateness)
        g->lateness = json_integer_value(lateness);
    if (status == 0 && lateness && (!json_is_integer(lateness) || g->lateness < 0))
        status = wrong(e, "lateness_us", "expected microseconds");
    for (size_t i = 0; i < json_array_size(list) && status == 0; i++)
        status = load_aggregate(g, json_array_get(list, i), e);
    return status;
}

static int load_tags(struct group *g, const json_t *root, struct error *e)
{
    json_t *tags = json_object_get(root, "tags"), *value;
    const char *name;
    json_object_foreach(tags, name, value)
    {
        if (!json_is_string(value))
            return wrong(e, "tags", "expected texts");
        group_set_tag(g, text_of(name), text_of(json_string_value(value)));
    }
    return 0;
}

static int load_options(struct group *g, const json_t *root, struct error *e)
{
    static const char *const names[] = {"online", "offline", "description"};
    const char **into[] = {&g->online, &g->offline, &g->description};
    const json_t *ttl = json_object_get(root, "ttl_us");
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct text value = text_in(root, names[i]);
        if (!value.at)
            return wrong(e, names[i], "expected a text");
        *into[i] = arena_text(&g->arena, value.at, value.len);
    }
    g->ttl = json_integer_value(ttl);
    if (ttl && g->ttl <= 0)
        return wrong(e, "ttl_us", "expected microseconds");
    return load_tags(g, root, e);
}

static int load(struct group *g, const json_t *root, struct error *e)
{
    if (json_integer_value(json_object_get(root, "fstore")) != 1)
        return wrong(e, "fstore", "expected 1: another version, or no group of features");
    struct text name = text_in(root, "name");
    if (!name.at || !group_name_valid(name))
        return wrong(e, "name", "expected the group's name");
    g->name = arena_text(&g->arena, name.at, name.len);
    int status = load_ids(g, root, e);
    if (status == 0)
        status = load_time(g, root, e);
    if (status == 0)
        status = load_features(g, root, e);
    if (status == 0)
        status = load_aggregates(g, root, e);
    return status ? status : load_options(g, root, e);
}

static int parse(struct group *g, const struct buf *text, const char *path, struct error *e)
{
    json_error_t problem;
    json_t *root =
        json_loadb(text->at ? text->at : "", text->len, JSON_REJECT_DUPLICATES, &problem);
    int status;
    if (root) {
        status = as_data(load(g, root, e), e);
        if (status)
            error_at(e, path, 0, 0);
    } else {
        status = error_set(e, ERR_DATA, "%s", problem.text);
        error_at(e, path, (uint64_t)problem.line, (uint64_t)problem.column);
    }
    json_decref(root);
    return status;
}

int group_load(const char *folder, struct group **out, struct error *e)
{
    char *path = path_of(folder);
    const char *slash = strrchr(folder, '/');
    struct group *g = group_new(folder, slash ? slash + 1 : folder);
    struct buf text = {0};
    int status = access(path, F_OK) == 0 ? file_load(path, FILE_MAX, &text, e)
                                         : error_set(e, ERR_NO, "there is no group '%s'", g->name);
    if (status == 0)
        status = parse(g, &text, path, e);
    buf_release(&text);
    mem_free(path);
    if (status)
        group_free(g);
    else
        *out = g;
    return status;
}
