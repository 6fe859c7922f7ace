#include "table/rejects.h"

#include "table/sorter.h"

#include <pthread.h>

enum { MEMORY = 4 << 20 };

struct rejects {
    pthread_mutex_t lock;
    struct sink *out; /* NULL: they are counted only */
    struct map files; /* names in the order of the input */
    struct sorter *sorter;
    struct error failed;
};

struct rejects *rejects_new(struct sink *out)
{
    struct rejects *r = mem_alloc(sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    r->out = out;
    r->sorter = sorter_new(MEMORY);
    return r;
}

static size_t file_number(struct rejects *r, const char *name)
{
    bool is_new;
    return map_put(&r->files, text_of(name), &is_new);
}

void rejects_name_files(struct rejects *r, char *const *paths, size_t n)
{
    for (size_t i = 0; i < n; i++)
        (void)file_number(r, strcmp(paths[i], "-") == 0 ? "standard input" : paths[i]);
}

static void put_member(struct buf *line, const char *name, const char *text, size_t n)
{
    buf_format(line, "%s\"%s\":", line->len > 1 ? "," : "", name);
    if (text)
        json_put_string(line, text, n);
    else
        buf_puts(line, "null");
}

/* One JSON line for each: file, line, column, reason, text. */
static void put_line(struct buf *line, const struct error *place, struct text raw)
{
    buf_putc(line, '{');
    put_member(line, "file", place->file, strlen(place->file));
    buf_format(line, ",\"line\":%llu,\"column\":%llu", (unsigned long long)place->line,
               (unsigned long long)place->column);
    put_member(line, "reason", place->message, strlen(place->message));
    put_member(line, "text", raw.at, raw.len);
    buf_puts(line, "}\n");
}

void rejects_add(void *rejects, const struct error *place, struct text raw)
{
    struct rejects *r = rejects;
    struct buf key = {0}, line = {0};
    put_line(&line, place, raw);
    pthread_mutex_lock(&r->lock);
    key_put_id(&key, file_number(r, place->file));
    key_put_id(&key, place->line);
    key_put_id(&key, place->column);
    buf_add(&key, line.at, line.len); /* equal keys are the same case */
    if (!r->failed.code)
        (void)sorter_add(r->sorter, (struct text){key.at, key.len}, (struct text){NULL, 0},
                         &r->failed);
    pthread_mutex_unlock(&r->lock);
    buf_release(&line);
    buf_release(&key);
}

enum { PLACE_SIZE = 3 * 8, LINE_AT = 8 };

/* Rows that a step has made have no line: each of them is a case of its own. */
static bool is_same(const struct buf *last, struct text key)
{
    static const char no_line[8];
    return text_equal((struct text){last->at, last->len}, key) &&
           memcmp(key.at + LINE_AT, no_line, sizeof no_line) != 0;
}

static int write_all(struct rejects *r, uint64_t *count, struct error *e)
{
    struct buf last = {0};
    struct text key, none;
    int status = sorter_finish(r->sorter, e);
    while (status == 0 && (status = sorter_next(r->sorter, &key, &none, e)) > 0) {
        status = 0;
        if (is_same(&last, key))
            continue;
        ++*count;
        if (r->out)
            status = sink_write(r->out, key.at + PLACE_SIZE, key.len - PLACE_SIZE, e);
        last.len = 0;
        buf_add(&last, key.at, key.len);
    }
    buf_release(&last);
    return status;
}

int rejects_close(struct rejects *r, uint64_t *count, struct error *e)
{
    int status = r->failed.code;
    *count = 0;
    if (status)
        *e = r->failed;
    else
        status = write_all(r, count, e);
    if (r->out && status == 0)
        status = sink_commit(r->out, e);
    else
        sink_abort(r->out);
    sorter_free(r->sorter);
    map_release(&r->files);
    pthread_mutex_destroy(&r->lock);
    mem_free(r);
    return status;
}
