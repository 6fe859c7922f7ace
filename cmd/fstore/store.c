/* Groups by their names, ids by words, records as JSON. */
#include "fstore.h"

#include <stdlib.h>

int store_open(bool make, char **out, struct error *e)
{
    return home_open(cli_home(), "fstore", make, out, e);
}

int store_group(const char *name, struct group **out, struct error *e)
{
    char *store = NULL;
    int status = store_open(false, &store, e);
    if (status == 0)
        status = registry_find(store, text_of(name), out, e);
    mem_free(store);
    return status;
}

int group_last(const struct group *g, uint64_t *lsn, struct error *e)
{
    char *folder = mem_format("%s/log", g->folder);
    int status = log_end(folder, lsn, e);
    mem_free(folder);
    return status;
}

int group_lock(const char *name, usec timeout, struct log **lock, struct group **out,
               struct error *e)
{
    struct log_options o = {.timeout_ms = timeout_ms(timeout)};
    struct group *before = NULL;
    int status = store_group(name, &before, e);
    if (status)
        return status;
    char *folder = mem_format("%s/log", before->folder);
    status = log_open(folder, &o, lock, e);
    if (status == 0)
        status = group_load(before->folder, out, e);
    if (status) {
        log_close(*lock);
        *lock = NULL;
    }
    group_free(before);
    mem_free(folder);
    return status;
}

int id_of_words(const struct group *g, char *const *words, size_t n, struct buf *id,
                struct error *e)
{
    struct text cells[32];
    if (n != g->id_count || n > COUNT_OF(cells))
        return error_set(e, ERR_USAGE, "the id of group '%s' is %zu value%s", g->name, g->id_count,
                         g->id_count == 1 ? "" : "s");
    for (size_t i = 0; i < n; i++)
        cells[i] = text_of(words[i]);
    int status = group_id(g, cells, id, e);
    return status == ERR_DATA ? e->code = ERR_USAGE : status;
}

/* ---- JSON ---- */

void put_text(struct buf *out, const char *name, const char *text)
{
    buf_putc(out, ',');
    json_put_string(out, name, strlen(name));
    buf_putc(out, ':');
    json_put_string(out, text, strlen(text));
}

void put_ids(const struct group *g, struct text id, struct buf *out)
{
    for (size_t i = 0; i < g->id_count; i++) {
        struct text part = group_id_part(id, i);
        buf_puts(out, i ? "," : "");
        json_put_string(out, g->ids[i], strlen(g->ids[i]));
        buf_putc(out, ':');
        if (g->id_types[i] == TYPE_INT)
            buf_add(out, part.at, part.len);
        else
            json_put_string(out, part.at, part.len);
    }
}

static void put_time(const struct group *g, const struct store_record *r, struct buf *out)
{
    char room[TIME_MAX];
    struct text spelt = row_cell(r->row, 0, room);
    if (!spelt.at)
        spelt = (struct text){room, time_print(room, r->event_time)};
    buf_putc(out, ',');
    json_put_string(out, g->time, strlen(g->time));
    buf_putc(out, ':');
    if (g->times.unit != TIME_TEXT && json_valid(spelt))
        buf_add(out, spelt.at, spelt.len);
    else
        json_put_string(out, spelt.at, spelt.len);
}

void put_record(const struct group *g, const struct store_record *r, const size_t *wanted,
                size_t count, struct buf *out)
{
    buf_putc(out, '{');
    put_ids(g, r->id, out);
    put_time(g, r, out);
    for (size_t i = 0; i < count; i++) {
        size_t f = wanted ? wanted[i] : i;
        const struct feature *feature = &g->features.at[f];
        buf_putc(out, ',');
        json_put_string(out, feature->name, strlen(feature->name));
        buf_putc(out, ':');
        row_json(r->row, f + 1, feature_cell_type(feature), out);
    }
    buf_putc(out, '}');
}

static int no_feature(const struct group *g, struct text name, struct error *e)
{
    char quoted[QUOTE_MAX], *word = mem_text_n(name.at, name.len);
    const char **names = mem_array(NULL, g->features.len + 1, sizeof *names);
    for (size_t i = 0; i < g->features.len; i++)
        names[i] = g->features.at[i].name;
    const char *near = cli_nearest(word, names, g->features.len);
    error_set(e, ERR_USAGE, "group '%s' has no feature %s%s%s%s", g->name,
              quote(quoted, name.at, name.len), near ? ": did you mean '" : "", near ? near : "",
              near ? "'?" : "");
    mem_free(names);
    mem_free(word);
    return ERR_USAGE;
}

int wanted_features(const struct group *g, const char *list, size_t **wanted, size_t *count,
                    struct error *e)
{
    *wanted = NULL;
    *count = g->features.len;
    if (!list)
        return 0;
    *count = 0;
    for (const char *at = list;; at++) {
        size_t n = strcspn(at, ",");
        struct text name = {at, n};
        size_t f = map_get(&g->names, name);
        if (f == MAP_NONE) {
            mem_free(*wanted);
            return no_feature(g, name, e);
        }
        *wanted = mem_array(*wanted, *count + 1, sizeof **wanted);
        (*wanted)[(*count)++] = f;
        at += n;
        if (!*at)
            return 0;
    }
}

int print_json(json_t *j, size_t flags, struct error *e)
{
    struct buf out = {0};
    char *text = json_dumps(j, flags ? flags : JSON_COMPACT);
    buf_puts(&out, text);
    buf_putc(&out, '\n');
    free(text);
    json_decref(j);
    int status = print_text(&out, e);
    buf_release(&out);
    return status;
}
