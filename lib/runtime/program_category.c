/* Operations of row programs: what encoders make of texts besides looking them up. */
#include "runtime/program_machine.h"

static void ml_set_all(struct ml_machine *m, const uint32_t *list, int64_t value)
{
    for (uint32_t i = 1; i <= list[0]; i++)
        m->r[list[i]].i = value;
}

/* Registers of the list `to`: how many texts of the list a have that hash. */
ML_OPERATION(hash_counts)
{
    const uint32_t *to = ml_list(m, o->to), *from = ml_list(m, o->a);
    ml_set_all(m, to, 0);
    for (uint32_t i = 1; i <= from[0] && to[0] > 0; i++) {
        const struct ml_cell *x = &m->r[from[i]];
        if (x->at)
            m->r[to[1 + hash_bytes(x->at, x->len, 0) % to[0]]].i++;
    }
    return 0;
}

/* Lowers the minima, which stand in the registers, by one run of characters. */
static void ml_lower_minima(struct ml_machine *m, const uint32_t *to, const char *at, size_t len)
{
    uint64_t hash = hash_bytes(at, len, 0);
    for (uint32_t k = 0; k < to[0]; k++) {
        uint64_t own = hash_u64(hash + k * UINT64_C(0x9E3779B97F4A7C15));
        int64_t *least = &m->r[to[k + 1]].i;
        *least = (int64_t)(own < (uint64_t)*least ? own : (uint64_t)*least);
    }
}

static void ml_minimize(struct ml_machine *m, const uint32_t *to, struct ml_text t, size_t n)
{
    size_t from = 0, end = utf8_offset(t.at, t.len, n);
    ml_set_all(m, to, -1);
    ml_lower_minima(m, to, t.at, end);
    while (end < t.len) {
        from += utf8_offset(t.at + from, t.len - from, 1);
        end += utf8_offset(t.at + end, t.len - end, 1);
        ml_lower_minima(m, to, t.at + from, end - from);
    }
}

/* Registers of the list `to`: the least of a hash, another one for each, of all runs of b
 * characters of the text between two spaces, from 0 to 1. */
ML_OPERATION(minhash)
{
    const uint32_t *to = ml_list(m, o->to);
    const struct ml_cell *x = &m->r[o->a];
    size_t len = x->at ? (size_t)x->len + 2 : 0;
    char *padded = ml_scratch_room(m, len);
    if (!padded)
        return -ML_WHY_LONG;
    if (x->at) {
        padded[0] = padded[len - 1] = ' ';
        memcpy(padded + 1, x->at, x->len);
        ml_minimize(m, to, (struct ml_text){padded, len}, o->b);
    }
    for (uint32_t k = 1; k <= to[0]; k++) {
        struct ml_cell *z = &m->r[to[k]];
        z->f = x->at ? (double)((uint64_t)z->i >> 11) * 0x1p-53 : ML_NONE;
    }
    return 0;
}

static uint32_t ml_count_character(struct ml_text t, uint32_t c)
{
    uint32_t count = 0;
    size_t used = 0;
    for (size_t i = 0; i < t.len; i += used)
        count += utf8_decode(t.at + i, t.len - i, &used) == c;
    return count;
}

/* Twice the characters both have over all they have. */
static double ml_similarity(struct ml_text a, struct ml_text b)
{
    uint64_t both = 0, all = utf8_length(a.at, a.len) + utf8_length(b.at, b.len);
    size_t used = 0;
    for (size_t i = 0; i < b.len; i += used) {
        uint32_t c = utf8_decode(b.at + i, b.len - i, &used);
        if (ml_count_character((struct ml_text){b.at, i}, c)) /* counted before */
            continue;
        uint32_t in_a = ml_count_character(a, c), in_b = ml_count_character(b, c);
        both += in_a < in_b ? in_a : in_b;
    }
    return all > 0 ? 2.0 * (double)both / (double)all : 1;
}

/* Registers of the list `to`: how alike a and the texts b are; where a is missing, all missing when
 * c is 1, else 0. */
ML_OPERATION(similarity)
{
    const uint32_t *to = ml_list(m, o->to);
    const struct ml_cell *x = &m->r[o->a];
    const struct ml_range *k = ml_range(m, o->b);
    for (uint32_t i = 0; i < to[0]; i++) {
        uint64_t text = i < k->count ? (uint64_t)ml_ints(m, k->first)[i] : UINT64_MAX;
        double z = o->c ? ML_NONE : 0;
        if (x->at && text < m->p->text.count)
            z = ml_similarity((struct ml_text){x->at, x->len}, ml_text_at(m->p, (uint32_t)text));
        m->r[to[i + 1]].f = z;
    }
    return 0;
}

/* The next label of a cell, without spaces at its ends; empty ones are skipped. */
static bool ml_next_label(struct ml_cell *rest, struct ml_text sep, struct ml_cell *label)
{
    while (rest->at && rest->len > 0) {
        size_t len = 0;
        while (len + sep.len <= rest->len && memcmp(rest->at + len, sep.at, sep.len) != 0)
            len++;
        bool last = len + sep.len > rest->len;
        len = last ? rest->len : len;
        size_t passed = last ? len : len + sep.len;
        *label = (struct ml_cell){.at = rest->at, .len = (uint32_t)len};
        rest->at += passed;
        rest->len -= (uint32_t)passed;
        while (label->len > 0 && label->at[label->len - 1] == ' ')
            label->len--;
        for (; label->len > 0 && label->at[0] == ' '; label->len--)
            label->at++;
        if (label->len > 0)
            return true;
    }
    return false;
}

/* Registers of the list `to`: 1 for the labels of a, which c parts, among the keys of the map b; 0
 * for others. Flags: what becomes of a row with an unknown label, four times that for a missing
 * cell: enum ml_labels. */
ML_OPERATION(labels)
{
    const uint32_t *to = ml_list(m, o->to);
    struct ml_cell rest = m->r[o->a], label;
    struct ml_text sep = ml_text_at(m->p, o->c);
    bool odd = !rest.at;
    uint32_t how = rest.at ? o->flags & 3 : o->flags >> 2 & 3;
    int why = rest.at ? -ML_WHY_UNKNOWN : -ML_WHY_MISSING;
    if (sep.len == 0)
        return -ML_WHY_WRONG;
    ml_set_all(m, to, 0);
    while (ml_next_label(&rest, sep, &label)) {
        uint32_t key = ml_find_key(m, o->b, &label);
        odd = odd || key == ML_NO_KEY;
        if (key < to[0])
            m->r[to[key + 1]].i = 1;
    }
    if (!odd || how == ML_LABELS_IGNORE)
        return 0;
    if (how == ML_LABELS_MISSING)
        ml_set_all(m, to, ML_INT_MISSING);
    else if (how == ML_LABELS_LAST && to[0] > 0)
        m->r[to[to[0]]].i = 1;
    return how == ML_LABELS_REFUSE ? why : 0;
}

/* One text for the texts of the list a, another one for others: n for a missing one, else its
 * length and bytes. */
ML_OPERATION(join_key)
{
    const uint32_t *list = ml_list(m, o->a);
    size_t len = 0;
    for (uint32_t i = 1; i <= list[0]; i++) {
        const struct ml_cell *x = &m->r[list[i]];
        char *out = ml_scratch_room(m, len + NUMBER_MAX + (x->at ? x->len : 0) + 1);
        if (!out)
            return -ML_WHY_LONG;
        if (!x->at) {
            out[len++] = 'n';
            continue;
        }
        len += number_print_int(out + len, x->len);
        out[len++] = ':';
        memcpy(out + len, x->at, x->len);
        len += x->len;
    }
    return ml_give_scratch(m, o, m->scratch, len);
}
