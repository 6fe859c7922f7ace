/* fstore list, describe, search, tag, meta: what groups there are, and what is said about them. */
#include "fstore.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { META_MAX = 16 << 20, PARAMETERS_MAX = 25 };

/* ---- reading ---- */

static int load_json(const struct group *g, const char *name, json_t **out, struct error *e)
{
    char *path = mem_format("%s/%s", g->folder, name);
    struct buf text = {0};
    json_error_t problem;
    int status = access(path, F_OK) == 0 ? file_load(path, META_MAX, &text, e) : 0;
    *out = text.len ? json_loadb(text.at, text.len, 0, &problem) : json_object();
    if (status == 0 && !json_is_object(*out)) {
        error_set(e, ERR_DATA, "expected a JSON object");
        status = error_at(e, path, 0, 0);
    }
    if (status)
        json_decref(*out);
    buf_release(&text);
    mem_free(path);
    return status;
}

static int save_json(const struct group *g, const char *name, const json_t *j, struct error *e)
{
    char *path = mem_format("%s/%s", g->folder, name), *text = json_dumps(j, JSON_INDENT(2));
    struct replace *r = NULL;
    int status = replace_open(path, &r, e);
    if (status == 0)
        status = file_write(replace_fd(r), text, strlen(text), path, e);
    if (status == 0)
        status = replace_commit(r, e);
    else
        replace_abort(r);
    free(text);
    mem_free(path);
    return status;
}

/* group.json, what meta says of features put into them, and how many records there are. */
static int description(const struct group *g, json_t **out, struct error *e)
{
    json_t *root = NULL, *meta = NULL, *feature;
    size_t i;
    uint64_t lsn = 0;
    int status = load_json(g, "group.json", &root, e);
    if (status == 0)
        status = load_json(g, "meta.json", &meta, e);
    if (status == 0)
        status = group_last(g, &lsn, e);
    if (status) {
        json_decref(root);
        json_decref(meta);
        return status;
    }
    json_array_foreach(json_object_get(root, "features"), i, feature)
    {
        const char *name = json_string_value(json_object_get(feature, "name"));
        json_object_update_missing(feature, json_object_get(meta, name));
    }
    json_object_del(root, "fstore");
    json_object_set_new(root, "records", json_integer((json_int_t)lsn));
    json_decref(meta);
    *out = root;
    return 0;
}

static int run_describe(void *options, struct operands *operands)
{
    (void)options;
    struct error e = {0};
    struct group *g = NULL;
    json_t *root = NULL;
    int status = store_group(operands->at[0], &g, &e);
    if (status == 0)
        status = description(g, &root, &e);
    if (status == 0)
        status = print_json(root, JSON_INDENT(2), &e);
    group_free(g);
    return finish(status, &e);
}

const struct command command_describe = {
    .name = "describe",
    .summary = "print what a group is, as JSON",
    .operands = "GROUP",
    .run = run_describe,
};

/* ---- all groups ---- */

/* Calls each with every group; a status other than 0 ends it. */
static int each_group(int (*each)(void *context, const struct group *g, json_t *described,
                                  struct error *e),
                      void *context, struct error *e)
{
    struct arena arena = {0};
    registry_names names = {0};
    char *store = NULL;
    int status = store_open(false, &store, e);
    if (status == 0)
        status = registry_list(store, &arena, &names, e);
    for (size_t i = 0; i < names.len && status == 0; i++) {
        struct group *g = NULL;
        json_t *described = NULL;
        status = registry_find(store, text_of(names.at[i]), &g, e);
        if (status == 0)
            status = description(g, &described, e);
        if (status == 0)
            status = each(context, g, described, e);
        json_decref(described);
        group_free(g);
    }
    vec_release(&names);
    arena_release(&arena);
    mem_free(store);
    return status;
}

static void put_line(struct buf *out, json_t *j)
{
    char *text = json_dumps(j, JSON_COMPACT);
    buf_puts(out, text);
    buf_putc(out, '\n');
    free(text);
    json_decref(j);
}

static int list_group(void *context, const struct group *g, json_t *described, struct error *e)
{
    (void)e;
    json_t *line = json_pack("{s:s, s:O, s:I, s:s, s:s, s:O, s:O}", "name", g->name, "records",
                             json_object_get(described, "records"), "features",
                             (json_int_t)g->features.len, "online", g->online, "offline",
                             g->offline, "description", json_object_get(described, "description"),
                             "tags", json_object_get(described, "tags"));
    put_line(context, line);
    return 0;
}

static int run_list(void *options, struct operands *operands)
{
    (void)options, (void)operands;
    struct error e = {0};
    struct buf out = {0};
    int status = each_group(list_group, &out, &e);
    if (status == 0)
        status = print_text(&out, &e);
    buf_release(&out);
    return finish(status, &e);
}

const struct command command_list = {
    .name = "list",
    .summary = "print the groups there are, as JSON Lines",
    .run = run_list,
};

/* ---- search ---- */

struct search {
    struct operands *words;
    struct buf out;
};

/* Whether any text in j has the word, in any case. */
static bool has_word(const json_t *j, const char *word)
{
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_string(j))
        return strcasestr(json_string_value(j), word) != NULL;
    json_array_foreach(j, i, value) if (has_word(value, word)) return true;
    json_object_foreach((json_t *)(uintptr_t)j, key,
                        value) if (strcasestr(key, word) || has_word(value, word)) return true;
    return false;
}

/* "name=value" is a tag or a parameter that is so; anything else a word. */
static bool has_pair(const json_t *j, const char *pair)
{
    const char *equals = strchr(pair, '='), *key;
    json_t *value;
    size_t i;
    json_array_foreach(j, i, value) if (has_pair(value, pair)) return true;
    json_object_foreach((json_t *)(uintptr_t)j, key, value)
    {
        bool named = strlen(key) == (size_t)(equals - pair) &&
                     memcmp(key, pair, (size_t)(equals - pair)) == 0;
        if (named && json_is_string(value) && strcmp(json_string_value(value), equals + 1) == 0)
            return true;
        if (has_pair(value, pair))
            return true;
    }
    return false;
}

static bool matches(const struct search *s, const json_t *j)
{
    for (size_t i = 0; i < s->words->len; i++) {
        const char *word = s->words->at[i];
        if (!(strchr(word, '=') ? has_pair(j, word) : has_word(j, word)))
            return false;
    }
    return true;
}

static json_t *without(const json_t *described, const char *member)
{
    json_t *j = json_copy((json_t *)(uintptr_t)described);
    json_object_del(j, member);
    return j;
}

static int search_group(void *context, const struct group *g, json_t *described, struct error *e)
{
    (void)e;
    struct search *s = context;
    json_t *group = without(described, "features"), *feature;
    size_t i;
    if (matches(s, group))
        put_line(&s->out, json_pack("{s:s, s:O, s:O}", "group", g->name, "description",
                                    json_object_get(described, "description"), "tags",
                                    json_object_get(described, "tags")));
    json_array_foreach(json_object_get(described, "features"), i, feature)
    {
        if (!matches(s, feature))
            continue;
        json_t *line =
            json_pack("{s:s, s:O}", "group", g->name, "feature", json_object_get(feature, "name"));
        json_t *rest = without(feature, "name");
        json_object_update(line, rest);
        json_decref(rest);
        put_line(&s->out, line);
    }
    json_decref(group);
    return 0;
}

static int run_search(void *options, struct operands *operands)
{
    (void)options;
    struct error e = {0};
    struct search s = {.words = operands};
    int status = each_group(search_group, &s, &e);
    bool found = s.out.len > 0;
    if (status == 0)
        status = print_text(&s.out, &e);
    buf_release(&s.out);
    return status ? finish(status, &e) : !found;
}

const struct command command_search = {
    .name = "search",
    .summary = "find groups and features by words in what is said of them",
    .operands = "WORD...",
    .run = run_search,
    .more =
        "Prints a JSON line for every group and every feature that has all the words in its name, "
        "description, types, tags or parameters, in any case. NAME=VALUE finds a tag or parameter "
        "that is exactly so. The exit status is 1 when there is none.",
};

/* ---- tag ---- */

static int tag(const struct operands *operands, struct error *e)
{
    struct log *lock = NULL;
    struct group *g = NULL;
    int status = group_lock(operands->at[0], 10 * USEC_SECOND, &lock, &g, e);
    for (size_t i = 1; i < operands->len && status == 0; i++) {
        const char *equals = strchr(operands->at[i], '=');
        if (!equals || equals == operands->at[i])
            status = error_set(e, ERR_USAGE, "%s: expected NAME=VALUE", operands->at[i]);
        else
            group_set_tag(g, (struct text){operands->at[i], (size_t)(equals - operands->at[i])},
                          text_of(equals + 1));
    }
    if (status == 0)
        status = group_save(g, true, e);
    group_free(g);
    log_close(lock);
    return status;
}

static int run_tag(void *options, struct operands *operands)
{
    (void)options;
    struct error e = {0};
    return finish(tag(operands, &e), &e);
}

const struct command command_tag = {
    .name = "tag",
    .summary = "set tags of a group; NAME= removes one",
    .operands = "GROUP NAME=VALUE...",
    .run = run_tag,
};

/* ---- meta ---- */

static int set_parameter(json_t *of, const char *word, struct error *e)
{
    const char *equals = strchr(word, '=');
    if (!equals || equals == word)
        return error_set(e, ERR_USAGE, "%s: expected NAME=VALUE", word);
    if (equals - word > 255 || strlen(equals + 1) > 255)
        return error_set(e, ERR_USAGE, "%.40s...: at most 255 bytes for a name and for a value",
                         word);
    char *name = mem_text_n(word, (size_t)(equals - word));
    bool reserved = strcmp(name, "name") == 0 || strcmp(name, "type") == 0;
    if (equals[1])
        json_object_set_new(of, name, json_string(equals + 1));
    else
        json_object_del(of, name);
    mem_free(name);
    if (reserved)
        return error_set(e, ERR_USAGE, "%s: a feature's name and type do not change", word);
    if (json_object_size(of) > PARAMETERS_MAX + 1)
        return error_set(e, ERR_USAGE, "a feature has at most %d parameters", PARAMETERS_MAX);
    return 0;
}

static int set_meta(const struct group *g, const struct operands *operands, struct error *e)
{
    const char *feature = operands->at[1];
    size_t *unused = NULL, count;
    json_t *meta = NULL, *of = NULL;
    int status = wanted_features(g, feature, &unused, &count, e);
    mem_free(unused);
    if (status == 0)
        status = load_json(g, "meta.json", &meta, e);
    if (status)
        return status;
    of = json_object_get(meta, feature);
    if (!of) {
        of = json_object();
        json_object_set_new(meta, feature, of);
    }
    for (size_t i = 2; i < operands->len && status == 0; i++)
        status = set_parameter(of, operands->at[i], e);
    if (status == 0 && operands->len > 2)
        status = save_json(g, "meta.json", meta, e);
    else if (status == 0)
        status = print_json(json_incref(of), 0, e);
    json_decref(meta);
    return status;
}

static int run_meta(void *options, struct operands *operands)
{
    (void)options;
    struct error e = {0};
    struct log *lock = NULL;
    struct group *g = NULL;
    int status = operands->len > 2 ? group_lock(operands->at[0], 10 * USEC_SECOND, &lock, &g, &e)
                                   : store_group(operands->at[0], &g, &e);
    if (status == 0)
        status = set_meta(g, operands, &e);
    group_free(g);
    log_close(lock);
    return finish(status, &e);
}

const struct command command_meta = {
    .name = "meta",
    .summary = "say something about a feature, or print what is said",
    .operands = "GROUP FEATURE [NAME=VALUE...]",
    .run = run_meta,
    .more = "description=TEXT and up to 25 parameters of any name; NAME= removes one. Without any "
            "the parameters there are, as JSON.",
};
