#include "pipeline/lineage.h"

#include "base/digest.h"
#include "ledger/ledger.h"
#include "pipeline/event.h"
#include "pipeline/objects.h"

#include <jansson.h>

typedef VEC(uint32_t) number_list;

/* One step that ended well. Digests are numbers in a map of their texts. */
struct made {
    struct text line;
    const uint32_t *in, *out, *after; /* after: numbers of names */
    size_t in_count, out_count, after_count;
    bool told;
};

struct history {
    VEC(struct made) steps;
    struct map digests;
    VEC(number_list) inside;   /* by digest: the files of a folder, when its listing is kept */
    VEC(number_list) touching; /* by digest: the steps that made it; with FORTH: that used it */
    struct map names;          /* of steps: PIPELINE NUL STEP */
    VEC(number_list) called;   /* by name: the steps that were called so */
    char *objects;             /* where listings are kept */
    struct arena arena;
    bool forth;
};

/* ---- what is in the ledger ---- */

struct listing_to {
    struct history *history;
    number_list files;
};

static void take_file(void *context, const struct digest *file)
{
    struct listing_to *to = context;
    struct buf hex = {0};
    hex_put(&hex, file->at, 2 * SHA256_SIZE);
    vec_push(&to->files,
             (uint32_t)map_put(&to->history->digests, (struct text){hex.at, hex.len}, NULL));
    buf_release(&hex);
}

/* A digest, and when it is that of a folder those of its files. */
static void add_digest(struct history *h, const char *hex, number_list *out)
{
    struct digest digest;
    uint32_t number = (uint32_t)map_put(&h->digests, text_of(hex), NULL);
    vec_push(out, number);
    if (number >= h->inside.len) { /* it is looked for once */
        struct listing_to to = {h, {0}};
        if (digest_read(text_of(hex), &digest))
            objects_listed(h->objects, &digest, take_file, &to);
        while (h->inside.len <= number)
            vec_push(&h->inside, ((number_list){0}));
        h->inside.at[number] = to.files;
    }
    const number_list *files = &h->inside.at[number];
    for (size_t i = 0; i < files->len; i++)
        vec_push(out, files->at[i]);
}

static const uint32_t *number_digests(struct history *h, const json_t *files, size_t *count)
{
    const char *name;
    json_t *value;
    number_list list = {0};
    json_object_foreach((json_t *)(uintptr_t)files, name, value)
    {
        if (json_is_string(value))
            add_digest(h, json_string_value(value), &list);
    }
    const uint32_t *out = list.len ? arena_copy(&h->arena, list.at, list.len * sizeof *list.at)
                                   : arena_alloc(&h->arena, sizeof *out);
    *count = list.len;
    vec_release(&list);
    return out;
}

static uint32_t name_of(struct history *h, const json_t *event, const char *step)
{
    struct buf key = {0};
    const char *pipeline = event_text(event, "pipeline");
    buf_add(&key, pipeline, strlen(pipeline) + 1);
    buf_puts(&key, step);
    uint32_t number = (uint32_t)map_put(&h->names, (struct text){key.at, key.len}, NULL);
    while (h->called.len <= number)
        vec_push(&h->called, ((number_list){0}));
    buf_release(&key);
    return number;
}

static void note_names(struct history *h, const json_t *event, struct made *m)
{
    const json_t *after = json_object_get(event, "after");
    size_t n = json_array_size(after);
    uint32_t *numbers = arena_alloc(&h->arena, (n + 1) * sizeof *numbers);
    for (size_t i = 0; i < n; i++) {
        const char *step = json_string_value(json_array_get(after, i));
        if (step)
            numbers[m->after_count++] = name_of(h, event, step);
    }
    m->after = numbers;
    uint32_t own = name_of(h, event, event_text(event, "step"));
    vec_push(&h->called.at[own], (uint32_t)h->steps.len);
}

static void note_step(struct history *h, struct text line, const json_t *event)
{
    struct made m = {.line = {arena_text(&h->arena, line.at, line.len), line.len}};
    uint32_t number = (uint32_t)h->steps.len;
    m.in = number_digests(h, json_object_get(event, "in"), &m.in_count);
    m.out = number_digests(h, json_object_get(event, "out"), &m.out_count);
    note_names(h, event, &m);
    vec_push(&h->steps, m);
    const uint32_t *by = h->forth ? m.in : m.out;
    size_t n = h->forth ? m.in_count : m.out_count;
    while (h->touching.len < h->digests.keys.len)
        vec_push(&h->touching, ((number_list){0}));
    for (size_t i = 0; i < n; i++)
        vec_push(&h->touching.at[by[i]], number);
}

static bool is_step(const json_t *event)
{
    const char *kind = json_string_value(json_object_get(event, "event"));
    const char *state = json_string_value(json_object_get(event, "state"));
    return kind && state && strcmp(kind, "step") == 0 && strcmp(state, "Succeeded") == 0;
}

static int take_event(void *context, const struct ledger_event *event, struct error *e)
{
    json_t *j = json_loadb(event->line.at, event->line.len, 0, NULL);
    (void)e;
    if (j && is_step(j))
        note_step(context, event->line, j);
    json_decref(j);
    return 0;
}

static int load(struct history *h, const char *home, struct error *e)
{
    char *path = mem_format("%s/ledger.jsonl", home);
    h->objects = mem_format("%s/objects", home);
    int status = ledger_each(path, NULL, take_event, h, e);
    mem_free(path);
    return status;
}

static void release(struct history *h)
{
    for (size_t i = 0; i < h->touching.len; i++)
        vec_release(&h->touching.at[i]);
    for (size_t i = 0; i < h->inside.len; i++)
        vec_release(&h->inside.at[i]);
    vec_release(&h->inside);
    for (size_t i = 0; i < h->called.len; i++)
        vec_release(&h->called.at[i]);
    vec_release(&h->called);
    map_release(&h->names);
    mem_free(h->objects);
    vec_release(&h->touching);
    vec_release(&h->steps);
    map_release(&h->digests);
    arena_release(&h->arena);
}

/* ---- the walk ---- */

struct place {
    uint32_t number; /* of a digest, or of a name */
    bool is_name;
    unsigned depth;
    uint32_t user; /* back: the step that read it; a later one cannot have made it */
};
typedef VEC(struct place) place_list;

/* Back: the first of the list that is not before the reader's turn; a copy and what it is a copy of
 * have one digest. */
static size_t makers_before(const number_list *list, uint32_t user)
{
    size_t n = list->len;
    while (n > 0 && list->at[n - 1] >= user)
        n--;
    return n;
}

/* Back: the latest step that made it before it was read. Forth: all that used it. */
static int take_steps(struct history *h, struct place at, place_list *next, lineage_take *take,
                      void *context, struct error *e)
{
    const number_list *list = at.is_name ? &h->called.at[at.number] : &h->touching.at[at.number];
    size_t end = h->forth ? list->len : makers_before(list, at.user);
    size_t from = h->forth || end == 0 ? 0 : end - 1;
    int status = 0;
    for (size_t i = from; i < end && status == 0; i++) {
        struct made *m = &h->steps.at[list->at[i]];
        if (m->told)
            continue;
        m->told = true;
        status = take(context, m->line, at.depth, e);
        const uint32_t *more = h->forth ? m->out : m->in;
        size_t n = h->forth ? m->out_count : m->in_count;
        for (size_t k = 0; k < n; k++)
            vec_push(next, ((struct place){more[k], false, at.depth + 1, list->at[i]}));
        for (size_t k = 0; k < m->after_count && !h->forth; k++)
            vec_push(next, ((struct place){m->after[k], true, at.depth + 1, list->at[i]}));
    }
    return status;
}

static int walk(struct history *h, uint32_t start, lineage_take *take, void *context,
                struct error *e)
{
    place_list queue = {0};
    int status = 0;
    vec_push(&queue, ((struct place){start, false, 0, UINT32_MAX}));
    for (size_t i = 0; i < queue.len && status == 0; i++)
        status = take_steps(h, queue.at[i], &queue, take, context, e);
    vec_release(&queue);
    return status;
}

static int digest_of(const char *home, const char *path, struct buf *hex, struct error *e)
{
    char quoted[QUOTE_MAX];
    char *known = mem_format("%s/digests", home);
    struct digests *d = digests_open(known);
    struct file_state state;
    int status = digests_look(d, path, true, &state, e);
    if (status == 0 && state.kind == FILE_MISSING)
        status = error_set(e, ERR_SYSTEM, "%s is not there", quote(quoted, path, strlen(path)));
    if (status == 0)
        hex_put(hex, state.digest.at, 2 * SHA256_SIZE);
    digests_close(d);
    mem_free(known);
    return status;
}

int lineage_of_file(const char *home, const char *path, enum lineage_direction direction,
                    lineage_take *take, void *context, struct error *e)
{
    char quoted[QUOTE_MAX];
    struct history h = {.forth = direction == LINEAGE_FORTH};
    struct buf hex = {0};
    int status = digest_of(home, path, &hex, e);
    if (status == 0)
        status = load(&h, home, e);
    size_t digest = status == 0 ? map_get(&h.digests, (struct text){hex.at, hex.len}) : MAP_NONE;
    if (status == 0 && (digest >= h.touching.len || h.touching.at[digest].len == 0))
        status = error_set(e, ERR_NO, "no step in the ledger %s %s", h.forth ? "used" : "made",
                           quote(quoted, path, strlen(path)));
    if (status == 0)
        status = walk(&h, (uint32_t)digest, take, context, e);
    release(&h);
    buf_release(&hex);
    return status;
}
