/* Operations of row programs: JSON taken apart. */
#include "base/json_read.h"
#include "runtime/program_machine.h"

/* Whether the whole cell is a list, or an object. */
static bool ml_is_json(const struct ml_cell *x, enum json_token wanted)
{
    struct json_reader r;
    json_start(&r, x->at, x->len);
    return json_next(&r) == wanted && json_skip(&r) && json_next(&r) == JSON_TOKEN_DONE;
}

/* A value of a list or an object: a scalar or a whole list or object; null is missing. */
struct ml_entry {
    struct text key, value;
    bool escaped; /* a string with escapes */
};

static const char *ml_behind_blanks(const struct json_reader *r)
{
    const char *at = r->at;
    while (at < r->end && memchr(" \t\n\r,:", *at, 7))
        at++;
    return at;
}

/* The next one of a cell that is JSON; false at the end. */
static bool ml_next_entry(struct json_reader *r, struct ml_entry *e)
{
    const char *start = ml_behind_blanks(r);
    enum json_token token = json_next(r);
    *e = (struct ml_entry){.escaped = false};
    if (token == JSON_TOKEN_KEY) {
        e->key = r->raw;
        start = ml_behind_blanks(r);
        token = json_next(r);
    }
    if (token == JSON_TOKEN_END || token == JSON_TOKEN_ERROR || token == JSON_TOKEN_DONE)
        return false;
    if (token == JSON_TOKEN_OBJECT || token == JSON_TOKEN_ARRAY) {
        if (json_skip(r))
            e->value = (struct text){start, (size_t)(r->at - start)};
    } else if (token != JSON_TOKEN_NULL) {
        e->value = r->raw;
        e->escaped = token == JSON_TOKEN_STRING && r->escaped;
    }
    return true;
}

/* What cannot be decoded is empty. */
static int ml_give_entry(struct ml_machine *m, const struct ml_entry *e, uint32_t reg)
{
    struct text t = e->value;
    if (e->escaped) {
        char *out = ml_scratch_room(m, t.len);
        size_t n = 0;
        if (!out)
            return -ML_WHY_LONG;
        if (!json_decode(out, t, &n))
            n = 0;
        t = (struct text){out, n};
        m->scratch += n;
        m->room -= n;
    }
    m->r[reg] = (struct ml_cell){.at = t.at, .len = (uint32_t)t.len};
    return 0;
}

static void ml_miss_all(struct ml_machine *m, const uint32_t *list)
{
    for (uint32_t i = 1; i <= list[0]; i++)
        m->r[list[i]] = (struct ml_cell){.at = NULL};
}

/* Opens the cell a, which is a whole list or object; all of `to` is missing then. 1: go on, 0: the
 * cell is missing, or -ML_WHY_... */
static int ml_json_begin(struct ml_machine *m, const struct ml_op *o, enum json_token wanted,
                         struct json_reader *r)
{
    struct ml_cell x = m->r[o->a];
    ml_miss_all(m, ml_list(m, o->to));
    if (!x.at)
        return 0;
    if (!ml_is_json(&x, wanted))
        return -ML_WHY_WRONG;
    json_start(r, x.at, x.len);
    (void)json_next(r);
    return 1;
}

/* Registers of the list `to`: what the object a has for the keys of the map c, as they stand. */
ML_OPERATION(json_members)
{
    const uint32_t *to = ml_list(m, o->to);
    struct json_reader r;
    struct ml_entry e;
    int status = ml_json_begin(m, o, JSON_TOKEN_OBJECT, &r);
    if (status <= 0)
        return status;
    status = 0;
    while (status == 0 && ml_next_entry(&r, &e)) {
        struct ml_cell name = {.at = e.key.at, .len = (uint32_t)e.key.len};
        uint32_t key = ml_find_key(m, o->c, &name);
        if (key < to[0])
            status = ml_give_entry(m, &e, to[key + 1]);
    }
    return status;
}

/* Registers of the list `to`: the first values of the list a. b: there must be as many. */
ML_OPERATION(json_items)
{
    const uint32_t *to = ml_list(m, o->to);
    struct json_reader r;
    struct ml_entry e;
    uint32_t count = 0;
    int status = ml_json_begin(m, o, JSON_TOKEN_ARRAY, &r);
    if (status <= 0)
        return status;
    status = 0;
    for (; status == 0 && ml_next_entry(&r, &e); count++)
        if (count < to[0])
            status = ml_give_entry(m, &e, to[count + 1]);
    return status == 0 && o->b && count != to[0] ? -ML_WHY_WRONG : status;
}
