/* Baselines on disk. */
#include "store/profile.h"
#include "sys/sys.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 30 };

/* ---- a profile ---- */

static json_t *numbers_json(const double *x, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_real(x[i]));
    return list;
}

static json_t *counts_json(const uint64_t *x, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_integer((json_int_t)x[i]));
    return list;
}

static json_t *bins_json(const struct histogram *h)
{
    size_t edges = h->bins ? h->bins + 1 : 0;
    return json_pack("{s:I, s:I, s:o, s:o}", "below", (json_int_t)h->below, "above",
                     (json_int_t)h->above, "edges", numbers_json(h->edges, edges), "counts",
                     counts_json(h->counts, h->bins));
}

json_t *profile_save(const struct profile *s)
{
    struct buf type = {0};
    feature_type_print(&s->feature, &type);
    json_t *j = json_pack("{s:s, s:s, s:I, s:I, s:o}", "name", s->feature.name, "type",
                          buf_text(&type), "rows", (json_int_t)s->rows, "missing",
                          (json_int_t)s->missing, "moments", moments_save(&s->moments));
    if (profile_is_categories(&s->feature)) {
        json_object_set_new(j, "complete", json_boolean(s->complete));
        json_object_set_new(j, "other", json_integer((json_int_t)s->other));
        json_object_set_new(j, "categories", counts_save(&s->categories));
    } else {
        json_object_set_new(j, "bins", bins_json(&s->histogram));
    }
    json_object_set_new(j, "distinct", distinct_save(&s->distinct));
    buf_release(&type);
    return j;
}

static bool get_count(const json_t *j, const char *key, uint64_t *n)
{
    const json_t *value = json_object_get(j, key);
    *n = (uint64_t)json_integer_value(value);
    return json_is_integer(value) && json_integer_value(value) >= 0;
}

static bool get_edges(const json_t *list, double *edges, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(list, i);
        edges[i] = json_number_value(value);
        if (!json_is_number(value) || !isfinite(edges[i]) || (i > 0 && edges[i] <= edges[i - 1]))
            return false;
    }
    return true;
}

static bool get_counts(const json_t *list, uint64_t *counts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(list, i);
        counts[i] = (uint64_t)json_integer_value(value);
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return false;
    }
    return true;
}

static bool get_bins(struct histogram *h, const json_t *j)
{
    const json_t *edges = json_object_get(j, "edges"), *counts = json_object_get(j, "counts");
    size_t bins = json_array_size(counts);
    double at[2 * PROFILE_EDGES + 4] = {0};
    if (!json_is_array(edges) || !json_is_array(counts) || bins + 1 > COUNT_OF(at) ||
        json_array_size(edges) != (bins ? bins + 1 : 0) ||
        !get_edges(edges, at, json_array_size(edges)))
        return false;
    histogram_init(h, at, bins);
    return get_count(j, "below", &h->below) && get_count(j, "above", &h->above) &&
           get_counts(counts, h->counts, bins);
}

static bool get_categories(struct profile *s, const json_t *j, struct error *e)
{
    s->complete = json_is_true(json_object_get(j, "complete"));
    return json_is_boolean(json_object_get(j, "complete")) && get_count(j, "other", &s->other) &&
           counts_load(&s->categories, json_object_get(j, "categories"), e) == 0 &&
           s->categories.map.keys.len <= PROFILE_CATEGORIES;
}

/* Values that are not missing are each in one bin. */
static bool adds_up(const struct profile *s)
{
    uint64_t left = profile_values(s);
    const struct histogram *h = &s->histogram;
    const uint64_t others[] = {s->other, h->below, h->above};
    bool good = s->missing <= s->rows && s->moments.count == left && s->moments.order == 2;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        good = good && others[i] <= left;
        left -= others[i];
    }
    for (size_t i = 0; i < h->bins; i++) {
        good = good && h->counts[i] <= left;
        left -= h->counts[i];
    }
    for (size_t i = 0; i < s->categories.n.len; i++) {
        good = good && s->categories.n.at[i] <= left;
        left -= s->categories.n.at[i];
    }
    return good && left == 0;
}

static bool get_feature(const json_t *j, struct feature *f)
{
    const char *name = json_string_value(json_object_get(j, "name"));
    const char *type = json_string_value(json_object_get(j, "type"));
    *f = (struct feature){.name = name};
    return name && type && feature_name_valid(text_of(name)) &&
           feature_type_parse(text_of(type), f);
}

static bool load_members(struct profile *s, const json_t *j, struct error *e)
{
    bool good = get_count(j, "rows", &s->rows) && get_count(j, "missing", &s->missing) &&
                moments_load(&s->moments, json_object_get(j, "moments"), e) == 0 &&
                distinct_load(&s->distinct, json_object_get(j, "distinct"), e) == 0;
    if (good && profile_is_categories(&s->feature))
        good = get_categories(s, j, e);
    else if (good)
        good = get_bins(&s->histogram, json_object_get(j, "bins"));
    return good && adds_up(s);
}

int profile_load(const json_t *j, struct profile **out, struct error *e)
{
    struct feature f;
    if (!get_feature(j, &f))
        return error_set(e, ERR_DATA, "expected features with \"name\" and \"type\"");
    struct profile *s = mem_alloc(sizeof *s);
    s->feature = f;
    s->feature.name = mem_text(f.name);
    s->counts = true;
    if (load_members(s, j, e)) {
        *out = s;
        return 0;
    }
    error_set(e, ERR_DATA, "feature '%s' is not as it was written", s->feature.name);
    profile_free(s);
    return ERR_DATA;
}

/* ---- a baseline ---- */

static int wrong(struct error *e, const char *member, const char *what)
{
    return error_set(e, ERR_DATA, "\"%s\": %s", member, what);
}

static void put_time(json_t *root, const char *name, usec t)
{
    char room[TIME_MAX];
    size_t n = time_print(room, t);
    json_object_set_new(root, name, json_stringn(room, n));
}

static void put_line(struct buf *out, json_t *j)
{
    char *text = json_dumps(j, JSON_COMPACT);
    buf_puts(out, text);
    free(text);
    json_decref(j);
}

/* A line for the baseline, and one for each feature. */
static void print_baseline(const struct group *g, const struct baseline *b, struct buf *out)
{
    json_t *head = json_pack("{s:i, s:s}", "fstore_baseline", 1, "group", g->name);
    put_time(head, "made", b->made);
    json_object_set_new(head, "records", json_string(b->newest ? "newest" : "all"));
    json_object_set_new(head, "since", json_integer((json_int_t)b->since));
    json_object_set_new(head, "until", json_integer((json_int_t)b->until));
    if (b->has_from)
        put_time(head, "from_time", b->from);
    if (b->has_to)
        put_time(head, "to_time", b->to);
    put_line(out, head);
    out->len--; /* the closing brace */
    buf_puts(out, ",\"features\":[");
    for (size_t i = 0; i < b->features.len; i++) {
        buf_puts(out, i ? ",\n" : "\n");
        put_line(out, profile_save(b->features.at[i]));
    }
    buf_puts(out, "\n]}\n");
}

/* *has says whether there is one. */
static bool get_time(const json_t *root, const char *name, bool *has, usec *t)
{
    const json_t *value = json_object_get(root, name);
    const char *text = json_string_value(value);
    bool has_offset = false;
    *has = value != NULL;
    return !value || (text && time_parse(text, strlen(text), t, &has_offset) && has_offset);
}

static int load_head(const json_t *root, struct baseline *b, struct error *e)
{
    const char *records = json_string_value(json_object_get(root, "records"));
    bool has_made = false;
    if (json_integer_value(json_object_get(root, "fstore_baseline")) != 1)
        return wrong(e, "fstore_baseline", "expected 1");
    if (!get_time(root, "made", &has_made, &b->made) || !has_made ||
        !get_time(root, "from_time", &b->has_from, &b->from) ||
        !get_time(root, "to_time", &b->has_to, &b->to))
        return wrong(e, "made", "expected times");
    if (!records || (strcmp(records, "newest") != 0 && strcmp(records, "all") != 0))
        return wrong(e, "records", "expected newest or all");
    b->newest = *records == 'n';
    if (!get_count(root, "since", &b->since) || !get_count(root, "until", &b->until))
        return wrong(e, "since", "expected numbers of records");
    return 0;
}

static int load_features(const json_t *root, struct baseline *b, struct error *e)
{
    const json_t *list = json_object_get(root, "features");
    struct map seen = {0};
    int status = json_is_array(list) ? 0 : wrong(e, "features", "expected a list");
    for (size_t i = 0; i < json_array_size(list) && status == 0; i++) {
        struct profile *s = NULL;
        bool is_new = true;
        status = profile_load(json_array_get(list, i), &s, e);
        if (!s)
            break;
        vec_push(&b->features, s);
        map_put(&seen, text_of(s->feature.name), &is_new);
        if (!is_new)
            status = wrong(e, "features", "one is there twice");
    }
    map_release(&seen);
    return status;
}

void baseline_release(struct baseline *b)
{
    for (size_t i = 0; i < b->features.len; i++)
        profile_free(b->features.at[i]);
    vec_release(&b->features);
}

/* ---- files ---- */

static int check_name(const char *name, struct error *e)
{
    char quoted[QUOTE_MAX];
    if (group_name_valid(text_of(name)))
        return 0;
    return error_set(e, ERR_USAGE, "%s: expected a name of up to %d letters, digits, '-' and '_'",
                     quote(quoted, name, strlen(name)), GROUP_NAME_MAX);
}

static char *path_of(const struct group *g, const char *name)
{
    return mem_format("%s/baselines/%s.json", g->folder, name);
}

static int write_file(const char *path, const struct buf *text, struct error *e)
{
    struct replace *r = NULL;
    int status = replace_open(path, &r, e);
    if (status)
        return status;
    status = file_write(replace_fd(r), text->at, text->len, path, e);
    if (status == 0)
        return replace_commit(r, e);
    replace_abort(r);
    return status;
}

int baseline_save(const struct group *g, const char *name, const struct baseline *b,
                  struct error *e)
{
    int status = check_name(name, e);
    if (status)
        return status;
    char *folder = mem_format("%s/baselines", g->folder), *path = path_of(g, name);
    struct buf text = {0};
    print_baseline(g, b, &text);
    status = folder_make(folder, e);
    if (status == 0)
        status = write_file(path, &text, e);
    buf_release(&text);
    mem_free(folder);
    mem_free(path);
    return status;
}

static int no_baseline(const struct group *g, const char *name, struct error *e)
{
    struct map names = {0};
    struct buf list = {0};
    char quoted[QUOTE_MAX];
    int status = baseline_names(g, &names, e);
    for (size_t i = 0; i < names.keys.len; i++) {
        buf_puts(&list, i ? ", " : "");
        buf_add(&list, names.keys.at[i].at, names.keys.at[i].len);
    }
    if (status == 0)
        status = error_set(e, ERR_USAGE, "group '%s' has no baseline %s; there %s %s", g->name,
                           quote(quoted, name, strlen(name)), names.keys.len == 1 ? "is" : "are",
                           names.keys.len ? buf_text(&list) : "none");
    buf_release(&list);
    map_release(&names);
    return status;
}

static int load_file(const char *path, struct baseline *out, struct error *e)
{
    struct buf text = {0};
    json_error_t why;
    int status = file_load(path, FILE_MAX, &text, e);
    if (status)
        return status;
    json_t *root = json_loadb(buf_text(&text), text.len, JSON_REJECT_DUPLICATES, &why);
    status = root ? load_head(root, out, e)
                  : error_set(e, ERR_DATA, "not JSON: line %d: %s", why.line, why.text);
    if (status == 0)
        status = load_features(root, out, e);
    if (status)
        error_at(e, path, 0, 0);
    json_decref(root);
    buf_release(&text);
    return status;
}

int baseline_load(const struct group *g, const char *name, struct baseline *out, struct error *e)
{
    *out = (struct baseline){.made = 0};
    int status = check_name(name, e);
    if (status)
        return status;
    char *path = path_of(g, name);
    status = access(path, F_OK) ? no_baseline(g, name, e) : load_file(path, out, e);
    if (status)
        baseline_release(out);
    mem_free(path);
    return status;
}

int baseline_drop(const struct group *g, const char *name, struct error *e)
{
    int status = check_name(name, e);
    if (status)
        return status;
    char *path = path_of(g, name);
    if (unlink(path))
        status = errno == ENOENT ? no_baseline(g, name, e)
                                 : error_errno(e, "%s: cannot be removed", path);
    mem_free(path);
    return status;
}

static int compare_names(const void *left, const void *right)
{
    const char *const *a = left, *const *b = right;
    return strcmp(*a, *b);
}

int baseline_names(const struct group *g, struct map *names, struct error *e)
{
    char *folder = mem_format("%s/baselines", g->folder);
    DIR *d = opendir(folder);
    VEC(char *) found = {0};
    int status = d || errno == ENOENT ? 0 : error_errno(e, "%s: cannot be read", folder);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        size_t n = strlen(entry->d_name), end = strlen(".json");
        if (n > end && strcmp(entry->d_name + n - end, ".json") == 0 &&
            group_name_valid((struct text){entry->d_name, n - end}))
            vec_push(&found, mem_text_n(entry->d_name, n - end));
    }
    if (d)
        closedir(d);
    if (found.len)
        qsort(found.at, found.len, sizeof *found.at, compare_names);
    for (size_t i = 0; i < found.len; i++) {
        map_put(names, text_of(found.at[i]), NULL);
        mem_free(found.at[i]);
    }
    vec_release(&found);
    mem_free(folder);
    return status;
}
