#include "pipeline/records.h"

#include "pipeline/event.h"

/* What is read of an event. */
struct reading {
    struct text event, pipeline, step, fingerprint, state, ended;
    double seconds;
    struct digest *out;
    uint32_t out_count, room;
};

static bool read_outputs(struct json_reader *j, struct reading *x)
{
    enum json_token t;
    x->out_count = 0;
    while ((t = json_next(j)) == JSON_TOKEN_KEY) {
        if (json_next(j) != JSON_TOKEN_STRING)
            return false;
        if (x->out_count == x->room) {
            x->room = x->room ? 2 * x->room : 16;
            x->out = mem_array(x->out, x->room, sizeof *x->out);
        }
        if (!digest_read(j->raw, &x->out[x->out_count++]))
            return false;
    }
    return t == JSON_TOKEN_END;
}

static bool read_member(struct json_reader *j, struct text key, struct reading *x)
{
    static const char *const names[] = {"event",       "pipeline", "step",
                                        "fingerprint", "state",    "ended"};
    struct text *const into[] = {&x->event,       &x->pipeline, &x->step,
                                 &x->fingerprint, &x->state,    &x->ended};
    enum json_token t = json_next(j);
    int64_t i;
    if (t == JSON_TOKEN_OBJECT && text_equal(key, text_of("out")))
        return read_outputs(j, x);
    if (t == JSON_TOKEN_OBJECT || t == JSON_TOKEN_ARRAY)
        return json_skip(j);
    if (t == JSON_TOKEN_NUMBER && text_equal(key, text_of("seconds")))
        (void)number_parse(j->raw.at, j->raw.len, &i, &x->seconds);
    for (size_t k = 0; t == JSON_TOKEN_STRING && k < COUNT_OF(names); k++)
        if (text_equal(key, text_of(names[k])))
            *into[k] = j->raw;
    return t != JSON_TOKEN_ERROR;
}

static bool read_event(struct text line, struct reading *x)
{
    struct json_reader j;
    struct digest *out = x->out;
    uint32_t room = x->room;
    *x = (struct reading){.out = out, .room = room};
    json_start(&j, line.at, line.len);
    if (json_next(&j) != JSON_TOKEN_OBJECT)
        return false;
    enum json_token t;
    while ((t = json_next(&j)) == JSON_TOKEN_KEY)
        if (!read_member(&j, j.raw, x))
            return false;
    return t == JSON_TOKEN_END;
}

static void point(struct map *m, record_numbers *list, struct text key, uint32_t record)
{
    size_t i = map_put(m, key, NULL);
    while (list->len <= i)
        vec_push(list, record);
    list->at[i] = record;
}

static void keep(struct records *r, const struct ledger_event *event, const struct reading *x)
{
    struct record record = {.offset = event->offset, .seconds = x->seconds, .ended = event->time};
    bool offset;
    if (!text_equal(x->event, text_of("step")) || !text_equal(x->state, text_of("Succeeded")) ||
        !digest_read(x->fingerprint, &record.fingerprint))
        return;
    if (x->ended.at)
        (void)time_parse(x->ended.at, x->ended.len, &record.ended, &offset);
    record.out_count = x->out_count;
    record.out = arena_copy(&r->arena, x->out ? x->out : (struct digest[1]){0},
                            x->out_count * sizeof *x->out);
    uint32_t number = (uint32_t)r->list.len;
    vec_push(&r->list, record);
    struct text key = {(const char *)record.fingerprint.at, SHA256_SIZE};
    point(&r->by_fingerprint, &r->of_fingerprint, key, number);
    struct buf step = {0};
    buf_add(&step, x->pipeline.at, x->pipeline.len);
    buf_putc(&step, 0);
    (void)json_unescape(&step, x->step);
    point(&r->by_step, &r->of_step, (struct text){step.at, step.len}, number);
    buf_release(&step);
}

struct following {
    struct records *records;
    struct reading x;
};

static int take_event(void *context, const struct ledger_event *event, struct error *e)
{
    struct following *f = context;
    if (!read_event(event->line, &f->x))
        return error_set(e, ERR_DATA, "%s: event %llu is no JSON object", f->records->path,
                         (unsigned long long)event->seq);
    keep(f->records, event, &f->x);
    models_note(&f->records->models, event);
    return 0;
}

int records_load(struct records *r, const char *ledger, struct error *e)
{
    r->path = mem_text(ledger);
    return records_follow(r, e);
}

int records_follow(struct records *r, struct error *e)
{
    struct following f = {.records = r};
    int status = ledger_each(r->path, &r->offset, take_event, &f, e);
    mem_free(f.x.out);
    return status;
}

void records_release(struct records *r)
{
    mem_free(r->path);
    models_release(&r->models);
    vec_release(&r->list);
    vec_release(&r->of_fingerprint);
    vec_release(&r->of_step);
    map_release(&r->by_fingerprint);
    map_release(&r->by_step);
    arena_release(&r->arena);
}

const struct record *records_of(const struct records *r, const struct digest *fingerprint)
{
    size_t i =
        map_get(&r->by_fingerprint, (struct text){(const char *)fingerprint->at, SHA256_SIZE});
    return i == MAP_NONE ? NULL : &r->list.at[r->of_fingerprint.at[i]];
}

const struct record *records_of_step(const struct records *r, const char *pipeline,
                                     const char *step)
{
    struct buf key = {0};
    buf_puts(&key, pipeline);
    buf_putc(&key, 0);
    buf_puts(&key, step);
    size_t i = map_get(&r->by_step, (struct text){key.at, key.len});
    buf_release(&key);
    return i == MAP_NONE ? NULL : &r->list.at[r->of_step.at[i]];
}
