/* Operations of row programs: kinds of characters, and words. */
#include "runtime/program_machine.h"

/* The ranges are pairs of integers, first and last, increasing. */
static bool ml_is_in(const struct ml_machine *m, const struct ml_range *k, uint32_t c)
{
    const int64_t *at = ml_ints(m, k->first);
    uint32_t low = 0, high = k->count / 2;
    while (low < high) { /* the first range that does not end before c */
        uint32_t middle = low + (high - low) / 2;
        if (at[(size_t)middle * 2 + 1] < (int64_t)c)
            low = middle + 1;
        else
            high = middle;
    }
    return low < k->count / 2 && at[(size_t)low * 2] <= (int64_t)c;
}

/* Takes the first character off the text, which is not empty. */
static uint32_t ml_take(struct ml_cell *x)
{
    size_t used = 0;
    uint32_t c = utf8_decode(x->at, x->len, &used);
    x->at += used;
    x->len -= (uint32_t)used;
    return c;
}

/* Characters in the ranges b; c is 1: runs of characters outside of them. */
ML_OPERATION(count_characters)
{
    struct ml_cell x = m->r[o->a];
    const struct ml_range *k = ml_range(m, o->b);
    int64_t in = 0, runs = 0;
    bool outside = false;
    if (!x.at)
        return ml_give_int(m, o, ML_INT_MISSING);
    while (x.len > 0) {
        bool here = ml_is_in(m, k, ml_take(&x));
        in += here;
        runs += !here && !outside;
        outside = !here;
    }
    return ml_give_int(m, o, o->c ? runs : in);
}

/* Some characters, all of them in the ranges b. */
ML_OPERATION(all_characters)
{
    struct ml_cell x = m->r[o->a];
    const struct ml_range *k = ml_range(m, o->b);
    bool all = x.at && x.len > 0;
    if (!x.at)
        return ml_give_int(m, o, ML_BOOL_MISSING);
    while (all && x.len > 0)
        all = ml_is_in(m, k, ml_take(&x));
    return ml_give_int(m, o, all);
}

/* Some characters of the ranges b and none of c. Flag 1: those of b only behind what is in neither,
 * those of c only behind what is in one. */
ML_OPERATION(cased)
{
    struct ml_cell x = m->r[o->a];
    const struct ml_range *wanted = ml_range(m, o->b), *other = ml_range(m, o->c);
    bool seen = false, inside = false, good = true;
    if (!x.at)
        return ml_give_int(m, o, ML_BOOL_MISSING);
    while (good && x.len > 0) {
        uint32_t c = ml_take(&x);
        bool is_wanted = ml_is_in(m, wanted, c), is_other = ml_is_in(m, other, c);
        bool is_cased = is_wanted || is_other;
        if (o->flags & 1)
            good = !is_cased || is_wanted != inside;
        else
            good = !is_other;
        inside = is_cased;
        seen = seen || is_wanted || (o->flags & 1 && is_other);
    }
    return ml_give_int(m, o, good && seen);
}

struct ml_word {
    const char *at;
    size_t len, chars;
    size_t before; /* characters between the word before it and this one */
};

/* The next run of at least `least` characters in the ranges; *rest goes on behind it. */
static bool ml_next_word(const struct ml_machine *m, const struct ml_range *k, size_t least,
                         struct ml_cell *rest, struct ml_word *w)
{
    *w = (struct ml_word){.at = rest->at};
    while (rest->len > 0) {
        struct ml_cell ahead = *rest;
        bool inside = ml_is_in(m, k, ml_take(&ahead));
        if (!inside && w->chars > 0 && w->chars >= least)
            return true;
        *rest = ahead;
        if (inside) {
            w->chars++;
            w->len = (size_t)(rest->at - w->at);
            continue;
        }
        *w = (struct ml_word){.at = rest->at, .before = w->before + w->chars + 1};
    }
    return w->chars > 0 && w->chars >= least;
}

static struct ml_cell ml_cell_of(const struct ml_word *w)
{
    return (struct ml_cell){.at = w->at, .len = (uint32_t)w->len};
}

static void ml_set_floats(struct ml_machine *m, const uint32_t *list, double value)
{
    for (uint32_t i = 1; i <= list[0]; i++)
        m->r[list[i]].f = value;
}

/* Registers of the list `to`: how often each key of the map c is a word of a, a run of characters
 * in the ranges b; behind them how many words there are. Flags: the fewest characters of a word,
 * with ML_ONCE 1 however often it is there. */
ML_OPERATION(word_counts)
{
    const uint32_t *to = ml_list(m, o->to);
    const struct ml_range *k = ml_range(m, o->b);
    uint32_t keys = ((const struct ml_map *)ml_part(m->p, &m->p->map))[o->c].keys;
    struct ml_cell rest = m->r[o->a];
    struct ml_word w;
    double words = 0;
    ml_set_floats(m, to, rest.at ? 0 : ML_NONE);
    while (rest.at && ml_next_word(m, k, o->flags & ML_LEAST, &rest, &w)) {
        struct ml_cell word = ml_cell_of(&w);
        uint32_t key = ml_find_key(m, o->c, &word);
        words++;
        if (key < to[0]) {
            double *z = &m->r[to[key + 1]].f;
            *z = o->flags & ML_ONCE ? 1 : *z + 1;
        }
    }
    if (rest.at && keys < to[0])
        m->r[to[keys + 1]].f = words;
    return 0;
}

/* Registers of the list `to`: how many words of a have that hash. c: the fewest characters of a
 * word. Flag 1: half of the words count -1. */
ML_OPERATION(hash_words)
{
    const uint32_t *to = ml_list(m, o->to);
    const struct ml_range *k = ml_range(m, o->b);
    struct ml_cell rest = m->r[o->a];
    struct ml_word w;
    ml_set_floats(m, to, rest.at ? 0 : ML_NONE);
    while (rest.at && to[0] > 0 && ml_next_word(m, k, o->c, &rest, &w)) {
        uint64_t hash = hash_bytes(w.at, w.len, 0);
        m->r[to[1 + hash % to[0]]].f += o->flags & 1 && hash >> 63 ? -1 : 1;
    }
    return 0;
}

/* A text and the same in small letters, which has as many characters, word by word. */
struct ml_pair {
    struct ml_cell own, small;    /* what is left of both */
    struct ml_cell between, word; /* of own: what stands before the word, and the word */
    struct ml_cell lower;         /* the word in small letters */
};

/* Of the list a, the text and the small letters; 0, or -ML_WHY_... A missing one has no bytes. */
static int ml_pair_begin(const struct ml_machine *m, const struct ml_op *o, struct ml_pair *p)
{
    const uint32_t *list = ml_list(m, o->a);
    if (list[0] != 2)
        return -ML_WHY_WRONG;
    *p = (struct ml_pair){.own = m->r[list[1]], .small = m->r[list[2]]};
    return 0;
}

/* The next word is found in small letters; false at the end, with the rest in `between`. */
static bool ml_pair_next(const struct ml_machine *m, const struct ml_op *o, struct ml_pair *p)
{
    struct ml_word w;
    bool found = ml_next_word(m, ml_range(m, o->b), 1, &p->small, &w);
    struct ml_cell *own = &p->own;
    size_t skipped = found ? utf8_offset(own->at, own->len, w.before) : own->len;
    p->between = (struct ml_cell){.at = own->at, .len = (uint32_t)skipped};
    p->word = (struct ml_cell){.at = own->at + skipped, .len = own->len - (uint32_t)skipped};
    if (found)
        p->word.len = (uint32_t)utf8_offset(p->word.at, p->word.len, w.chars);
    p->lower = ml_cell_of(&w);
    own->len -= (uint32_t)skipped + p->word.len;
    own->at = p->word.at + p->word.len;
    return found;
}

/* The first text of the list a without the words that are keys of the map c, nor blanks before them
 * and at its start. The second text of the list is the same in small letters. */
ML_OPERATION(drop_words)
{
    struct ml_pair p;
    struct ml_draft d = ml_draft(m);
    int status = ml_pair_begin(m, o, &p);
    if (status || !p.own.at || !p.small.at)
        return status ? status : ml_give_text(m, o, NULL, 0);
    while (ml_pair_next(m, o, &p)) {
        bool drop = ml_find_key(m, o->c, &p.lower) != ML_NO_KEY;
        ml_put(&d, p.between.at, p.between.len);
        while (drop && d.len > 0 && m->scratch[d.len - 1] == ' ')
            d.len--;
        if (!drop)
            ml_put(&d, p.word.at, p.word.len);
    }
    ml_put(&d, p.between.at, p.between.len);
    status = ml_give_draft(o, &d);
    struct ml_cell *z = &m->r[o->to];
    for (; status == 0 && z->len > 0 && z->at[0] == ' '; z->at++)
        z->len--;
    return status;
}

/* The same with words cut to their stems. */
ML_OPERATION(stem_words)
{
    struct ml_pair p;
    struct ml_draft d = ml_draft(m);
    int status = ml_pair_begin(m, o, &p);
    if (status || !p.own.at || !p.small.at)
        return status ? status : ml_give_text(m, o, NULL, 0);
    while (ml_pair_next(m, o, &p)) {
        ml_put(&d, p.between.at, p.between.len);
        size_t start = d.len;
        ml_put(&d, p.lower.at, p.lower.len);
        if (!d.full)
            d.len = start + ml_porter_stem(m->scratch + start, p.lower.len);
    }
    ml_put(&d, p.between.at, p.between.len);
    return ml_give_draft(o, &d);
}
