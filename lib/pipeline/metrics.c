/* What a step measured: the numbers in a JSON file that it made. */
#include "pipeline/running.h"

#include <jansson.h>

enum { FILE_MAX = 16 << 20, METRICS_MAX = 1000 };

struct flat {
    struct buf *out, name;
    size_t count;
};

static void put(struct flat *f, const json_t *value)
{
    buf_puts(f->out, f->count++ ? "," : "");
    json_put_string(f->out, f->name.at, f->name.len);
    buf_putc(f->out, ':');
    if (json_is_integer(value))
        buf_format(f->out, "%lld", (long long)json_integer_value(value));
    else
        json_put_double(f->out, json_real_value(value));
}

/* Names of what is in an object in an object have a point between them. */
static void flatten(struct flat *f, json_t *object)
{
    const char *key;
    json_t *value;
    size_t n = f->name.len;
    json_object_foreach(object, key, value)
    {
        buf_puts(&f->name, n ? "." : "");
        buf_puts(&f->name, key);
        if (json_is_object(value))
            flatten(f, value);
        else if (json_is_number(value) && f->count < METRICS_MAX)
            put(f, value);
        f->name.len = n;
    }
}

void metrics_read(const struct run *r, uint32_t step, struct buf *out, struct buf *why)
{
    const char *name = r->p->steps[step].metrics_file, *folder = r->p->folder;
    char *path = name[0] == '/' || strcmp(folder, ".") == 0 ? mem_text(name)
                                                            : mem_format("%s/%s", folder, name);
    struct buf text = {0};
    struct error e = {0};
    json_error_t problem = {.line = 0};
    json_t *value = NULL;
    if (file_load(path, FILE_MAX, &text, &e) != 0) {
        buf_format(why, "its metrics: %s", e.message);
    } else {
        value = json_loadb(buf_text(&text), text.len, 0, &problem);
        if (!value)
            buf_format(why, "its metrics: %s:%d:%d: %s", name, problem.line, problem.column,
                       problem.text);
    }
    bool object = json_is_object(value);
    if (value && !object)
        buf_format(why, "its metrics: %s is no JSON object", name);
    if (object) {
        struct flat f = {.out = out};
        buf_puts(out, ",\"metrics\":{");
        flatten(&f, value);
        buf_putc(out, '}');
        buf_release(&f.name);
    }
    json_decref(value);
    buf_release(&text);
    mem_free(path);
}
