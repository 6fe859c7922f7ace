#include "prep/beside.h"
#include "prep/sorted.h"

int beside_open(struct step *s, const struct schema *in, const char *keys, struct beside *t,
                struct error *e)
{
    int rc = side_open(s, arg_text(s, "file"), &t->side, e);
    if (rc)
        return rc;
    t->wanted = arena_zero(&s->arena, t->side->schema->fields.len + 1);
    return match_keys(s, keys, in, t->side->schema, &t->keys, &t->key_count, e);
}

int beside_take(struct step *s, struct beside *t, struct text selection, size_t own,
                struct error *e)
{
    size_t *except = arena_alloc(&s->arena, (t->key_count + 1) * sizeof *except), count = 0;
    for (; count < t->key_count; count++)
        except[count] = t->keys[count].right;
    if (own != FIELD_NONE)
        except[count++] = own;
    int rc = side_take(s, t->side, selection, except, count, &t->take, e);
    t->wanted = side_wanted(s, t->side, &t->take);
    return rc;
}

struct loading {
    const struct beside *table;
    struct match *match;
    size_t memory;
    int (*see)(void *context, struct batch *b, size_t *held, struct error *e);
    void *context;
};

static int load_batch(void *context, struct batch *b, struct error *e)
{
    const struct loading *l = context;
    size_t held = 0;
    match_add(l->match, b);
    int rc = l->see ? l->see(l->context, b, &held, e) : 0;
    if (rc)
        return rc;
    held += match_held(l->match) + l->table->side->held;
    return held > l->memory ? SIDE_FULL : 0;
}

static int load_on_disk(struct step *s, const struct beside *t, struct beside_rows *rows,
                        const struct pairing_rules *how,
                        int (*spans)(void *context, struct batch *b, struct span *out,
                                     struct error *e),
                        struct error *e)
{
    struct pairing_rules rules = *how;
    rules.side = t->side;
    rules.keys = t->keys;
    rules.key_count = t->key_count;
    rules.missing_matches = t->missing_matches;
    rules.wanted = t->wanted;
    beside_clear(t, rows);
    s->in_order = true; /* looked at after the start */
    rows->disk = pairing_new(s, &rules);
    return pairing_load(rows->disk, spans, e);
}

int beside_load(struct step *s, const struct beside *t, struct beside_rows *rows,
                int (*see)(void *context, struct batch *b, size_t *held, struct error *e),
                const struct pairing_rules *how,
                int (*spans)(void *context, struct batch *b, struct span *out, struct error *e),
                struct error *e)
{
    struct match *m = &rows->match;
    struct loading l = {t, m, step_memory_whole(s), see, how->context};
    s->in_order = false;
    m->keys = t->keys;
    m->count = t->key_count;
    m->missing_matches = t->missing_matches;
    int rc = side_read(t->side, t->wanted, l.memory, load_batch, &l, e);
    if (rc == SIDE_FULL)
        return load_on_disk(s, t, rows, how, spans, e);
    if (rc == 0)
        match_finish(m);
    return rc;
}

int beside_push(struct beside_rows *rows, struct batch *b, const struct span *spans,
                struct error *e)
{
    int rc = pairing_add(rows->disk, b, spans, e);
    batch_free(b);
    return rc;
}

int beside_flush(struct beside_rows *rows, struct emit *out, struct error *e)
{
    return rows->disk ? pairing_emit(rows->disk, out, e) : 0;
}

void beside_clear(const struct beside *t, struct beside_rows *rows)
{
    pairing_free(rows->disk);
    rows->disk = NULL;
    match_release(&rows->match);
    side_clear(t->side);
}
