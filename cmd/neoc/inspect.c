/* neoc inspect MODEL: what a model or artefact is made of. */
#include "base/json_read.h"
#include "neoc.h"

#include <inttypes.h>
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

/* What the image says of itself is walked as it stands: it has a member for each feature. */
struct telling {
    struct json_reader json;
    struct buf *out;
};

/* The first of a list are shown. */
enum { SHOWN = 10 };

static void put_name(struct telling *t, struct text name)
{
    buf_format(t->out, "%-14.*s", (int)name.len, name.at);
}

static void put_decoded(struct telling *t, struct text raw)
{
    size_t n = 0;
    buf_reserve(t->out, raw.len);
    bool whole = json_decode(t->out->at + t->out->len, raw, &n);
    t->out->len += whole ? n : 0;
}

/* The scalar that was just read. */
static void put_scalar(struct telling *t)
{
    put_decoded(t, t->json.raw);
    buf_puts(t->out, "\n");
}

/* The name in the object whose token was just read. */
static struct text name_in(struct telling *t)
{
    struct text name = text_of("?");
    while (json_next(&t->json) == JSON_TOKEN_KEY) {
        bool is_name = text_equal(t->json.raw, text_of("name"));
        enum json_token token = json_next(&t->json);
        if (is_name && token == JSON_TOKEN_STRING)
            name = t->json.raw;
        if (token == JSON_TOKEN_OBJECT || token == JSON_TOKEN_ARRAY)
            json_skip(&t->json);
    }
    return name;
}

static void put_list(struct telling *t)
{
    size_t n = 0;
    enum json_token token;
    for (; (token = json_next(&t->json)) > JSON_TOKEN_DONE && token != JSON_TOKEN_END; n++) {
        struct text name = token == JSON_TOKEN_OBJECT ? name_in(t) : t->json.raw;
        if (n < SHOWN) {
            buf_puts(t->out, n ? ", " : "");
            put_decoded(t, name);
        }
    }
    if (n > SHOWN)
        buf_format(t->out, " ... %zu in all", n);
    buf_puts(t->out, "\n");
}

/* A line for each member of the object whose token was just read; an object's members become lines
 * of their own. */
static void put_members(struct telling *t)
{
    for (int depth = 1; depth > 0;) {
        enum json_token token = json_next(&t->json);
        if (token <= JSON_TOKEN_DONE)
            return;
        struct text key = t->json.raw;
        if (token == JSON_TOKEN_END) {
            depth--;
            continue;
        }
        token = json_next(&t->json);
        if (token == JSON_TOKEN_OBJECT) {
            depth++;
            continue;
        }
        put_name(t, key);
        if (token == JSON_TOKEN_ARRAY)
            put_list(t);
        else
            put_scalar(t);
    }
}

static void put_lines(const struct predictor *p, struct buf *out)
{
    struct telling t = {.out = out};
    json_start(&t.json, p->info, strlen(p->info));
    if (json_next(&t.json) == JSON_TOKEN_OBJECT)
        put_members(&t);
    buf_format(out, "%-14s%" PRIu64 "\n", "image_bytes", p->image->bytes);
}

static void put_json(const struct predictor *p, struct buf *out)
{
    json_t *info = json_loads(p->info, 0, NULL);
    json_object_set_new(info, "image_bytes", json_integer((json_int_t)p->image->bytes));
    char *text = json_dumps(info, JSON_INDENT(2));
    buf_puts(out, text);
    buf_puts(out, "\n");
    free(text);
    json_decref(info);
}

static int show(const struct subject *s, bool json, struct error *e)
{
    struct buf out = {0};
    if (json)
        put_json(s->predictor, &out);
    else
        put_lines(s->predictor, &out);
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
