/* Operations of row programs: looking things up, texts in maps and numbers between edges. */
#include "runtime/program_machine.h"

static bool ml_same_bytes(struct ml_text a, const struct ml_cell *b)
{
    return a.len == b->len && memcmp(a.at, b->at, a.len) == 0;
}

/* The number of the key that x is. */
uint32_t ml_find_key(const struct ml_machine *m, uint32_t map, const struct ml_cell *x)
{
    const struct ml_map *f = (const struct ml_map *)ml_part(m->p, &m->p->map) + map;
    const uint32_t *slot = (const uint32_t *)ml_part(m->p, &m->p->slot) + f->slot;
    uint32_t at = (uint32_t)hash_bytes(x->at, x->len, 0) & (f->slots - 1);
    for (; slot[at]; at = (at + 1) & (f->slots - 1)) {
        uint32_t key = slot[at] - 1;
        if (ml_same_bytes(ml_text_at(m->p, f->first + key), x))
            return key;
    }
    return ML_NO_KEY;
}

ML_OPERATION(fill_text)
{
    if (m->r[o->a].at)
        return ml_op_move(m, o);
    struct ml_text t = ml_text_at(m->p, o->b);
    return ml_give_text(m, o, t.at, t.len);
}

/* a, or b where a is missing. */
ML_OPERATION(first_text)
{
    m->r[o->to] = m->r[m->r[o->a].at ? o->a : o->b];
    return 0;
}

static bool ml_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Texts of the map become missing. c: blanks around a text do not count, and nothing but blanks
 * becomes missing, too. */
ML_OPERATION(blank_known)
{
    struct ml_cell x = m->r[o->a];
    if (!x.at)
        return ml_op_move(m, o);
    for (; o->c && x.len && ml_is_blank(x.at[0]); x.at++)
        x.len--;
    while (o->c && x.len && ml_is_blank(x.at[x.len - 1]))
        x.len--;
    bool blank = (o->c && x.len == 0) || ml_find_key(m, o->b, &x) != ML_NO_KEY;
    return blank ? ml_give_text(m, o, NULL, 0) : ml_op_move(m, o);
}

/* c: what it is when not found. */
ML_OPERATION(in_texts)
{
    const struct ml_cell *x = &m->r[o->a];
    if (!x->at)
        return ml_give_int(m, o, ML_BOOL_MISSING);
    return ml_give_int(m, o, ml_find_key(m, o->b, x) != ML_NO_KEY ? 1 : o->c);
}

/* The number of the key, or of c's integers the first for an unknown text and the second for a
 * missing one; -1 there: the row is refused. */
ML_OPERATION(place)
{
    const struct ml_cell *x = &m->r[o->a];
    const struct ml_range *k = ml_range(m, o->c);
    uint32_t key = x->at ? ml_find_key(m, o->b, x) : ML_NO_KEY;
    if (key != ML_NO_KEY)
        return ml_give_int(m, o, key);
    if (k->count != 2)
        return -ML_WHY_WRONG;
    int64_t place = ml_ints(m, k->first)[!x->at];
    if (place < 0)
        return x->at ? -ML_WHY_UNKNOWN : -ML_WHY_MISSING;
    return ml_give_int(m, o, place);
}

/* A feature of the model that is a text: its number among those the model knows, else -1. */
ML_OPERATION(code)
{
    const struct ml_cell *x = &m->r[o->a];
    if (!x->at)
        return ml_give_float(m, o, ML_NONE);
    uint32_t key = ml_find_key(m, o->b, x);
    return ml_give_float(m, o, key == ML_NO_KEY ? -1 : (double)key);
}

/* Item a of the range b; beyond it, missing. */
ML_OPERATION(look_float)
{
    const struct ml_range *k = ml_range(m, o->b);
    uint64_t i = (uint64_t)m->r[o->a].i;
    return ml_give_float(m, o, i < k->count ? ml_floats(m, k->first)[i] : ML_NONE);
}

ML_OPERATION(look_int)
{
    const struct ml_range *k = ml_range(m, o->b);
    uint64_t i = (uint64_t)m->r[o->a].i;
    return ml_give_int(m, o, i < k->count ? ml_ints(m, k->first)[i] : ML_INT_MISSING);
}

/* The items are numbers of texts, -1 for missing. */
ML_OPERATION(look_text)
{
    const struct ml_range *k = ml_range(m, o->b);
    uint64_t i = (uint64_t)m->r[o->a].i;
    uint64_t text = i < k->count ? (uint64_t)ml_ints(m, k->first)[i] : UINT64_MAX;
    struct ml_text t = {NULL, 0};
    if (text < m->p->text.count)
        t = ml_text_at(m->p, (uint32_t)text);
    return ml_give_text(m, o, t.at, t.len);
}

/* The text of c at the number of the key. Not a key: the one behind the last, else a stays. */
ML_OPERATION(map_text)
{
    const struct ml_cell *x = &m->r[o->a];
    const struct ml_range *k = ml_range(m, o->c);
    uint32_t keys = ((const struct ml_map *)ml_part(m->p, &m->p->map))[o->b].keys;
    uint32_t key = x->at ? ml_find_key(m, o->b, x) : ML_NO_KEY;
    if (key == ML_NO_KEY && (!x->at || k->count <= keys))
        return ml_op_move(m, o);
    uint32_t i = key == ML_NO_KEY ? keys : key;
    uint64_t text = i < k->count ? (uint64_t)ml_ints(m, k->first)[i] : UINT64_MAX;
    struct ml_text t = {NULL, 0};
    if (text < m->p->text.count)
        t = ml_text_at(m->p, (uint32_t)text);
    return ml_give_text(m, o, t.at, t.len);
}

/* Registers of the list `to`: 1 in the one that the range b names for place a, 0 in the others; all
 * missing at place c. */
ML_OPERATION(onehot)
{
    const uint32_t *list = ml_list(m, o->to);
    const struct ml_range *k = ml_range(m, o->b);
    uint64_t place = (uint64_t)m->r[o->a].i;
    int64_t other = place == o->c ? ML_INT_MISSING : 0;
    for (uint32_t i = 1; i <= list[0]; i++)
        m->r[list[i]].i = other;
    uint64_t hot = place < k->count ? (uint64_t)ml_ints(m, k->first)[place] : UINT64_MAX;
    if (hot < list[0])
        m->r[list[hot + 1]].i = 1;
    return 0;
}

/* Edges are increasing. Bin i holds edge[i] <= x < edge[i + 1]; the ends take what is beyond them
 * when c is 1, else that is -1. So is what is missing. */
ML_OPERATION(bin)
{
    double x = m->r[o->a].f;
    const struct ml_range *k = ml_range(m, o->b);
    const double *edge = ml_floats(m, k->first);
    if (k->count < 2 || isnan(x) || (!o->c && (x < edge[0] || x > edge[k->count - 1])))
        return ml_give_int(m, o, -1);
    uint32_t low = 0, high = k->count - 2;
    while (low < high) {
        uint32_t middle = low + (high - low + 1) / 2;
        if (edge[middle] <= x)
            low = middle;
        else
            high = middle - 1;
    }
    return ml_give_int(m, o, low);
}
