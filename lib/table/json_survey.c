#include "table/json_survey.h"

#include "table/json_read.h"
#include "table/json_scan.h"

struct json_member {
    struct text key, value; /* raw, the key with its quotes */
};

/* One `"key": value` at p into s->members; what follows it, or NULL. */
static const char *read_member(struct json_survey *s, const char *p, struct json_fault *fault)
{
    struct json_member m = {.key.at = p};
    if (*p != '"' || !(p = json_scan_string(p, fault)))
        return NULL;
    m.key.len = (size_t)(p - m.key.at);
    p = json_skip_space(p);
    if (*p != ':')
        return NULL;
    p = m.value.at = json_skip_space(p + 1);
    p = json_scan_value(p, fault);
    if (!p)
        return NULL;
    m.value.len = (size_t)(p - m.value.at);
    vec_push(&s->members, m);
    return p;
}

/* The members of the object at p into s->members; false when the line is anything else. */
static bool read_record(struct json_survey *s, const char *p)
{
    struct json_fault fault;
    s->members.len = 0;
    p = json_skip_space(p);
    if (*p != '{')
        return false;
    p = json_skip_space(p + 1);
    bool more = *p != '}';
    while (more) {
        p = read_member(s, p, &fault);
        if (!p)
            return false;
        p = json_skip_space(p);
        more = *p == ',';
        if (more)
            p = json_skip_space(p + 1);
    }
    return *p == '}' && *json_skip_space(p + 1) == '\n';
}

static struct text key_name(struct json_survey *s, struct text quoted)
{
    struct text raw = {quoted.at + 1, quoted.len - 2};
    if (!memchr(raw.at, '\\', raw.len))
        return raw;
    s->key.len = 0;
    json_unescape(&s->key, raw);
    return (struct text){buf_text(&s->key), s->key.len};
}

static void add_member(struct json_survey *s, const struct json_member *m)
{
    bool may_be_new = s->all_keys || s->records == 0, is_new = false;
    struct text name = key_name(s, m->key);
    size_t key = may_be_new ? map_put(&s->keys, name, &is_new) : map_get(&s->keys, name);
    if (key == MAP_NONE)
        return;
    if (is_new)
        vec_push(&s->tallies, (struct type_tally){0});
    if (s->tallies.at[key].cells < SCHEMA_SAMPLE_ROWS)
        tally_json(&s->tallies.at[key], m->value);
}

void json_collect_schema(struct json_survey *s, const char *text, size_t n, bool complete)
{
    if (!complete)
        n = json_last_record_end(text, n);
    s->text.len = 0; /* a copy, with the newline and the room the scanner asks for */
    buf_add(&s->text, text, n);
    buf_reserve(&s->text, JSON_SCAN_SLACK + 1);
    memset(s->text.at + n, 0, JSON_SCAN_SLACK + 1);
    s->text.at[n] = '\n';
    const char *end = s->text.at + n;
    for (const char *p = s->text.at; p < end; p = (const char *)rawmemchr(p, '\n') + 1) {
        if (!s->all_keys && s->records == SCHEMA_SAMPLE_ROWS)
            return;
        if (*json_skip_space(p) == '\n')
            continue;
        if (!read_record(s, p)) {
            s->malformed++;
            continue;
        }
        for (size_t i = 0; i < s->members.len; i++)
            add_member(s, &s->members.at[i]);
        s->records++;
    }
}

void json_survey_schema(const struct json_survey *s, struct schema *schema)
{
    for (size_t i = 0; i < s->keys.keys.len; i++) {
        size_t at = schema_add(schema, s->keys.keys.at[i], tally_type(&s->tallies.at[i]));
        schema->fields.at[at].declared = false;
    }
}

void json_survey_release(struct json_survey *s)
{
    map_release(&s->keys);
    vec_release(&s->tallies);
    vec_release(&s->members);
    buf_release(&s->text);
    buf_release(&s->key);
}
