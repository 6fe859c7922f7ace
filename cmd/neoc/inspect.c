/* neoc inspect MODEL: what a model or artefact is made of. */
#include "neoc.h"

#include <jansson.h>
#include <stdlib.h>

struct inspect_options {
    int to;
};

static const struct option options[] = {
    {'t', "to", NULL, INTO_CHOICE(struct inspect_options, to), .fallback = "text",
     .choices = "text|json", .help = "lines for eyes, or JSON"},
    OPTION_END,
};

static void put_list(struct buf *out, const char *name, const json_t *list)
{
    size_t n = json_array_size(list);
    buf_format(out, "%-14s", name);
    for (size_t i = 0; i < n && i < 10; i++) {
        const json_t *item = json_array_get(list, i);
        const char *s =
            json_string_value(json_is_object(item) ? json_object_get(item, "name") : item);
        buf_format(out, "%s%s", i ? ", " : "", s ? s : "?");
    }
    if (n > 10)
        buf_format(out, " ... %zu in all", n);
    buf_puts(out, "\n");
}

static void put_value(struct buf *out, const char *name, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    if (json_is_string(value))
        buf_format(out, "%-14s%s\n", name, json_string_value(value));
    else
        buf_format(out, "%-14s%s\n", name, text ? text : "");
    free(text);
}

static void put_members(struct buf *out, json_t *object)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        put_value(out, name, value);
    }
}

/* Objects become lines with the names of their members. */
static void put_lines(struct buf *out, json_t *info)
{
    const char *name;
    json_t *value;
    json_object_foreach(info, name, value)
    {
        if (json_is_array(value))
            put_list(out, name, value);
        else if (!json_is_object(value))
            put_value(out, name, value);
        else
            put_members(out, value);
    }
}

static int show(const struct subject *s, bool json, struct error *e)
{
    struct buf out = {0};
    json_t *info = json_loads(s->predictor->info, 0, NULL);
    json_object_set_new(info, "image_bytes", json_integer((json_int_t)s->predictor->image->bytes));
    if (json) {
        char *text = json_dumps(info, JSON_INDENT(2));
        buf_puts(&out, text);
        buf_puts(&out, "\n");
        free(text);
    } else {
        put_lines(&out, info);
    }
    json_decref(info);
    int status = print_text(&out, e);
    buf_release(&out);
    return status;
}

static int run(void *context, struct operands *operands)
{
    const struct inspect_options *o = context;
    const struct compile_options exact = {0};
    struct error e = {0};
    struct subject s;
    int status = subject_open(operands->at[0], &exact, &s, &e);
    if (status == 0) {
        status = show(&s, o->to == 1, &e);
        subject_close(&s);
    }
    return finish(status, &e);
}

const struct command command_inspect = {
    .name = "inspect",
    .summary = "what a model or artefact takes, gives, is made of, and where it came from",
    .operands = "MODEL",
    .options = options,
    .options_size = sizeof(struct inspect_options),
    .run = run,
};
