/* Why a step runs: what of its fingerprint is other than in its last record. */
#include "pipeline/running.h"

#include <jansson.h>

static json_t *read_line(const struct run *r, const struct record *record)
{
    struct ledger_reader *reader = NULL;
    struct ledger_event event;
    json_t *found = NULL;
    if (ledger_reader_open(r->records.path, record->offset, &reader, NULL) == 0 &&
        ledger_next(reader, &event, NULL) > 0)
        found = json_loadb(event.line.at, event.line.len, 0, NULL);
    ledger_reader_close(reader);
    return found;
}

static void say(struct buf *out, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(struct buf *out, const char *format, ...)
{
    va_list args;
    if (out->len)
        buf_puts(out, "; ");
    va_start(args, format);
    buf_vformat(out, format, args);
    va_end(args);
}

/* ---- parts ---- */

static bool is_same_command(const json_t *was, const struct step *s)
{
    if (s->script)
        return json_is_string(was) && strcmp(json_string_value(was), s->script) == 0;
    size_t n = 0;
    while (s->argv[n])
        n++;
    bool same = json_is_array(was) && json_array_size(was) == n;
    for (size_t i = 0; same && i < n; i++) {
        const char *word = json_string_value(json_array_get(was, i));
        same = word && strcmp(word, s->argv[i]) == 0;
    }
    return same;
}

/* Parameters say more than the command they stand in. */
static bool compare_uses(struct buf *out, const struct run *r, const json_t *was,
                         const struct step *s)
{
    bool differ = false;
    for (uint32_t k = 0; k < s->use_count; k++) {
        const struct parameter *x = &r->p->parameters[s->uses[k]];
        const char *old = json_string_value(json_object_get(was, x->name));
        if (!old || text_equal(text_of(old), x->value))
            continue;
        say(out, "parameter %s was %s and is %s", x->name, old, x->value.at);
        differ = true;
    }
    return differ;
}

static void compare_environment(struct buf *out, const json_t *was, const struct step *s)
{
    size_t count = 0;
    for (char **at = s->environment; *at; at++, count++) {
        size_t n = strcspn(*at, "=");
        char *name = mem_text_n(*at, n);
        const char *old = json_string_value(json_object_get(was, name));
        if (!old)
            say(out, "variable %s is new", name);
        else if (strcmp(old, *at + n + 1) != 0)
            say(out, "variable %s was %s and is %s", name, old, *at + n + 1);
        mem_free(name);
    }
    if (json_object_size(was) > count)
        say(out, "variables are fewer than they were");
}

static void compare_inputs(struct buf *out, const struct run *r, const json_t *was,
                           const struct step *s)
{
    struct buf hex = {0};
    for (uint32_t k = 0; k < s->in_count; k++) {
        struct text path = r->p->paths[s->in[k]];
        char *name = mem_text_n(path.at, path.len);
        const char *old = json_string_value(json_object_get(was, name));
        hex.len = 0;
        hex_put(&hex, r->files[s->in[k]].digest.at, 2 * SHA256_SIZE);
        if (!old)
            say(out, "input %s is new", name);
        else if (strcmp(old, buf_text(&hex)) != 0)
            say(out, "input %s changed: %.12s was %.12s", name, hex.at, old);
        mem_free(name);
    }
    if (json_object_size(was) > s->in_count)
        say(out, "inputs are fewer than they were");
    buf_release(&hex);
}

/* The fingerprint is the record's: it is the outputs. */
static void compare_outputs(struct buf *out, const struct run *r, const struct step *s,
                            const struct record *record)
{
    for (uint32_t k = 0; k < s->out_count && k < record->out_count; k++) {
        struct text path = r->p->paths[s->out[k]];
        const struct file_state *f = &r->files[s->out[k]];
        if (f->kind == FILE_MISSING)
            say(out, "output %.*s is not there", (int)path.len, path.at);
        else if (memcmp(&f->digest, &record->out[k], sizeof f->digest) != 0)
            say(out, "output %.*s was changed", (int)path.len, path.at);
    }
    if (s->entry->cache_lasts && record->ended + s->entry->cache_lasts < clock_now())
        say(out, "what it made is older than its cache says");
}

static void compare(struct buf *out, const struct run *r, uint32_t step,
                    const struct record *record)
{
    const struct step *s = &r->p->steps[step];
    if (memcmp(&record->fingerprint, &r->fingerprint[step], sizeof(struct digest)) == 0) {
        compare_outputs(out, r, s, record);
        return;
    }
    json_t *was = read_line(r, record);
    if (!compare_uses(out, r, json_object_get(was, "uses"), s) &&
        !is_same_command(json_object_get(was, "command"), s))
        say(out, "its command changed");
    compare_environment(out, json_object_get(was, "env"), s);
    compare_inputs(out, r, json_object_get(was, "in"), s);
    json_decref(was);
    if (out->len == 0)
        say(out, "its programs, outputs or passed variables changed");
}

char *run_why(struct run *r, uint32_t step)
{
    const struct step *s = &r->p->steps[step];
    struct buf out = {0};
    const struct record *record = records_of_step(&r->records, r->p->name, s->name);
    if (run_forces(r, step))
        say(&out, "it was asked for");
    else if (!record)
        say(&out, "it never ran to its end");
    else if (s->out_count == 0)
        say(&out, "it makes no file that could be there");
    else if (!s->entry->cache)
        say(&out, "it is never taken from what was made before");
    else
        compare(&out, r, step, record);
    return buf_take(&out);
}
