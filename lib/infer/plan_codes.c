/* Columns, planes and sets: what nodes compare, as numbers. */
#include "infer/plan_parts.h"

#include <math.h>
#include <stdlib.h>

enum { CUTS_OF_BYTE = 255 };

/* What a plane is known by; sorted by these, in this order. */
struct plane_key {
    uint32_t is_set, feature, missing;
};

/* MISSING_WITH_ZERO says whether zeros go another way; IS_ZERO matters without it only, and LEFT
 * without IS_ZERO only. The way of missing values is no matter of a plane of sets: sets have it. */
static uint32_t missing_of(uint8_t missing, bool is_set)
{
    if (missing & MISSING_WITH_ZERO)
        return is_set ? MISSING_WITH_ZERO : missing & (MISSING_WITH_ZERO | MISSING_LEFT);
    if (is_set)
        return 0;
    return missing & (missing & MISSING_IS_ZERO ? MISSING_IS_ZERO : MISSING_LEFT);
}

static struct plane_key key_of(const struct trees *t, size_t node)
{
    bool is_set = node_has_set(t, node);
    return (struct plane_key){is_set, t->feature[node], missing_of(t->missing[node], is_set)};
}

static int compare_keys(const void *a, const void *b)
{
    const struct plane_key *x = a, *y = b;
    if (x->is_set != y->is_set)
        return x->is_set < y->is_set ? -1 : 1;
    if (x->feature != y->feature)
        return x->feature < y->feature ? -1 : 1;
    return (x->missing > y->missing) - (x->missing < y->missing);
}

/* The keys of all planes, sorted. */
static size_t find_keys(const struct draft *d, struct plane_key **keys)
{
    struct map found = {0};
    for (size_t i = 0; i < d->t->nodes; i++) {
        struct plane_key key;
        if (d->t->feature[i] == NODE_LEAF)
            continue;
        key = key_of(d->t, i);
        map_put(&found, (struct text){(const char *)&key, sizeof key}, NULL);
    }
    size_t n = found.keys.len;
    *keys = mem_array(NULL, n + 1, sizeof **keys);
    for (size_t i = 0; i < n; i++)
        memcpy(&(*keys)[i], found.keys.at[i].at, sizeof **keys);
    map_release(&found);
    qsort(*keys, n, sizeof **keys, compare_keys);
    return n;
}

static void make_planes(struct draft *d)
{
    struct plane_key *keys;
    size_t n = find_keys(d, &keys);
    d->column_of = mem_array(NULL, n + 1, sizeof *d->column_of);
    for (size_t i = 0; i < n; i++) {
        bool with_zero = keys[i].missing & MISSING_WITH_ZERO;
        struct ml_plane plane = {.with_zero = with_zero};
        if (i == 0 || keys[i].is_set != keys[i - 1].is_set ||
            keys[i].feature != keys[i - 1].feature) {
            struct ml_column c = {.feature = keys[i].feature, .plane = (uint32_t)i};
            vec_push(&d->columns, c);
            vec_push(&d->cuts, (struct cuts){0});
        }
        d->columns.at[d->columns.len - 1].planes++;
        d->column_of[i] = (uint32_t)(d->columns.len - 1);
        plane.missing = keys[i].missing; /* its code when cuts are known */
        vec_push(&d->planes, plane);
        d->number_planes += !keys[i].is_set;
    }
    for (size_t i = 0; i < d->t->nodes; i++) {
        if (d->t->feature[i] == NODE_LEAF)
            continue;
        struct plane_key key = key_of(d->t, i);
        const struct plane_key *found = bsearch(&key, keys, n, sizeof key, compare_keys);
        d->plane[i] = (uint32_t)(found - keys);
    }
    mem_free(keys);
}

/* ---- cuts ---- */

static double next_above(const struct draft *d, double x)
{
    return d->single_input ? (double)nextafterf((float)x, INFINITY)
                           : nextafter(x, (double)INFINITY);
}

/* The least number, in the precision of the values, that is not below x. */
static double least_from(const struct draft *d, double x)
{
    if (!d->single_input)
        return x;
    float f = (float)x;
    return (double)((double)f < x ? nextafterf(f, INFINITY) : f);
}

/* The least value that goes right at a node. */
static double cut_of(const struct draft *d, size_t node)
{
    double threshold = d->t->threshold[node], from = least_from(d, threshold);
    if (d->t->compare == COMPARE_LESS || from > threshold)
        return from;
    return from == (double)INFINITY ? (double)NAN : next_above(d, from);
}

static void add_number_cuts(struct draft *d)
{
    for (size_t i = 0; i < d->t->nodes; i++)
        if (d->t->feature[i] != NODE_LEAF && !node_has_set(d->t, i))
            vec_push(&d->cuts.at[d->column_of[d->plane[i]]].at, cut_of(d, i));
}

/* The first value of a category and the first behind it. */
static void add_category_cuts(const struct draft *d, struct cuts *cuts, double category)
{
    double first = least_from(d, category), last = least_from(d, category + 1);
    if (d->t->sets_of == SET_OF_TRUNCATED && category == 0)
        first = next_above(d, -1);
    if (d->t->sets_of == SET_OF_WHOLE)
        last = next_above(d, first);
    vec_push(&cuts->at, first);
    vec_push(&cuts->at, last);
}

/* Of every set that nodes of the column have, once. */
static void add_set_cuts(struct draft *d)
{
    struct map seen = {0};
    for (size_t i = 0; i < d->t->nodes; i++) {
        if (d->t->feature[i] == NODE_LEAF || !node_has_set(d->t, i))
            continue;
        uint32_t key[2] = {d->column_of[d->plane[i]], d->t->set[i]};
        bool is_new = false;
        map_put(&seen, (struct text){(const char *)key, sizeof key}, &is_new);
        size_t first = d->t->set_first[key[1]], end = d->t->set_first[key[1] + 1];
        for (size_t c = 0; is_new && c < (end - first) * 32; c++)
            if (d->t->words[first + c / 32] >> (c % 32) & 1)
                add_category_cuts(d, &d->cuts.at[key[0]], (double)c);
    }
    map_release(&seen);
}

static int compare_cuts(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    if (isnan(x) || isnan(y))
        return isnan(x) - isnan(y);
    return (x > y) - (x < y);
}

/* Of sorted cuts those that begin new ones; of more than CUTS_OF_BYTE, when `thin`, the middles of
 * as many equal shares of all. */
static void settle_cuts(struct cuts *c, bool thin)
{
    size_t n = c->at.len, kept = 0;
    if (n == 0)
        return;
    double *all = mem_copy(c->at.at, n * sizeof *all);
    qsort(all, n, sizeof *all, compare_cuts);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || compare_cuts(&c->at.at[kept - 1], &all[i]) != 0)
            c->at.at[kept++] = all[i];
    if (thin && kept > CUTS_OF_BYTE) {
        kept = 0;
        for (size_t i = 0; i < CUTS_OF_BYTE; i++) {
            double cut = all[(2 * i + 1) * n / (2 * CUTS_OF_BYTE)];
            if (kept == 0 || compare_cuts(&c->at.at[kept - 1], &cut) != 0)
                c->at.at[kept++] = cut;
        }
    }
    c->at.len = kept;
    mem_free(all);
}

uint32_t cuts_reached(const struct cuts *c, double x)
{
    size_t low = 0, high = c->at.len;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c->at.at[middle] <= x)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint32_t)low;
}

/* The cut nearest to one: itself, unless cuts were thinned. */
static uint32_t nearest(const struct cuts *c, double cut)
{
    size_t low = 0, high = c->at.len - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare_cuts(&c->at.at[middle], &cut) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    const double *at = c->at.at;
    bool below =
        low > 0 && compare_cuts(&at[low], &cut) != 0 && !(at[low] - cut <= cut - at[low - 1]);
    return (uint32_t)(below ? low - 1 : low);
}

/* A level of cuts in blocks of 16, with NaN behind them. */
static void put_level(struct draft *d, struct ml_column *c, uint32_t level, const double *cuts,
                      size_t n)
{
    size_t room = level == 0 && n == 16 ? 16 : (n / 16 + 1) * 16;
    size_t number = d->single_input ? sizeof(float) : sizeof(double);
    c->level[level] = (uint32_t)d->cut_blocks.len;
    for (size_t i = 0; i < room; i++) {
        double wide = i < n ? cuts[i] : (double)NAN;
        float single = (float)wide;
        buf_add(&d->cut_blocks, d->single_input ? (const void *)&single : &wide, number);
    }
}

/* Levels from the smallest on: every 16th cut of the one behind it. */
static void put_levels(struct draft *d, struct ml_column *c, const struct cuts *cuts)
{
    double *at = mem_array(NULL, cuts->at.len + 1, sizeof *at);
    c->cuts = (uint32_t)cuts->at.len;
    c->levels = 1;
    while (cuts->at.len >> (4 * (c->levels - 1)) > 16)
        c->levels++;
    for (uint32_t i = 0; i < c->levels; i++) {
        uint32_t bits = 4 * (c->levels - 1 - i); /* of the 2^bits cuts that each stands for */
        size_t n = cuts->at.len >> bits;
        for (size_t k = 0; k < n; k++)
            at[k] = cuts->at.at[((k + 1) << bits) - 1];
        put_level(d, c, i, at, n);
    }
    mem_free(at);
}

static void make_columns(struct draft *d)
{
    add_number_cuts(d);
    add_set_cuts(d);
    for (size_t i = 0; i < d->columns.len; i++) {
        struct ml_column *c = &d->columns.at[i];
        settle_cuts(&d->cuts.at[i], d->options.u8 && c->plane < d->number_planes);
        put_levels(d, c, &d->cuts.at[i]);
    }
}

/* ---- codes of nodes ---- */

/* Whether a value is in a set, as the reference says; NaN never is. */
static bool in_set(const struct trees *t, uint32_t set, double x)
{
    size_t first = t->set_first[set], words = t->set_first[set + 1] - first;
    bool low = t->sets_of == SET_OF_TRUNCATED ? x <= -1 : x < 0;
    if (isnan(x) || low || words == 0 || x >= (double)words * 32)
        return false;
    size_t c = x > 0 ? (size_t)x : 0;
    if (t->sets_of == SET_OF_WHOLE && x != (double)c)
        return false;
    return t->words[first + c / 32] >> (c % 32) & 1;
}

static bool missing_goes_left(const struct trees *t, uint32_t set, uint32_t missing)
{
    if (missing & MISSING_IS_ZERO && !(missing & MISSING_WITH_ZERO))
        return in_set(t, set, 0);
    return missing & MISSING_LEFT;
}

struct set_key {
    uint32_t plane, set, missing;
};

/* Bits of the codes that go right: of values below all cuts, of those from each cut on, and of
 * missing ones. */
static void put_set(const struct draft *d, const struct set_key *key, uint32_t *words)
{
    const struct cuts *cuts = &d->cuts.at[d->column_of[key->plane]];
    size_t n = cuts->at.len;
    for (size_t code = 0; code < n + 2; code++) {
        bool left = code > n   ? missing_goes_left(d->t, key->set, key->missing)
                    : code > 0 ? in_set(d->t, key->set, cuts->at.at[code - 1])
                               : false;
        words[code / 32] |= (uint32_t)!left << (code % 32);
    }
}

/* Memory for the sets of all planes. */
static void make_words(struct draft *d)
{
    for (size_t i = d->number_planes; i < d->planes.len; i++) {
        struct ml_plane *p = &d->planes.at[i];
        p->word = (uint32_t)d->words.len;
        p->words = (p->codes + 31) / 32;
        d->words.len += (size_t)p->sets * p->words;
    }
    d->words.at = mem_alloc(d->words.len * sizeof *d->words.at);
}

/* The sets of each plane, each once; and their numbers there, of nodes. */
static void make_sets(struct draft *d)
{
    struct map sets = {0};
    VEC(uint32_t) number = {0};
    for (size_t i = 0; i < d->t->nodes; i++) {
        if (d->t->feature[i] == NODE_LEAF || !node_has_set(d->t, i))
            continue;
        struct set_key key = {d->plane[i], d->t->set[i], d->t->missing[i]};
        bool is_new = false;
        size_t at = map_put(&sets, (struct text){(const char *)&key, sizeof key}, &is_new);
        if (is_new)
            vec_push(&number, d->planes.at[key.plane].sets++);
        if (at < number.len)
            d->code[i] = number.at[at];
    }
    make_words(d);
    for (size_t i = 0; i < number.len; i++) {
        struct set_key key;
        memcpy(&key, sets.keys.at[i].at, sizeof key);
        const struct ml_plane *p = &d->planes.at[key.plane];
        put_set(d, &key, &d->words.at[p->word + (size_t)number.at[i] * p->words]);
    }
    vec_release(&number);
    map_release(&sets);
}

/* How many codes a plane has, and that of missing values: of numbers one that goes the right way at
 * every cut, of sets one of its own. */
static void settle_plane(struct draft *d, size_t plane)
{
    struct ml_plane *p = &d->planes.at[plane];
    const struct cuts *cuts = &d->cuts.at[d->column_of[plane]];
    uint32_t n = (uint32_t)cuts->at.len, missing = p->missing;
    bool is_set = plane >= d->number_planes;
    p->codes = is_set ? n + 2 : n + 1;
    if (is_set)
        p->missing = n + 1;
    else if (missing & MISSING_IS_ZERO)
        p->missing = cuts_reached(cuts, 0);
    else
        p->missing = missing & MISSING_LEFT ? 0 : n;
}

void draft_codes(struct draft *d)
{
    make_planes(d);
    make_columns(d);
    for (size_t i = 0; i < d->planes.len; i++)
        settle_plane(d, i);
    make_sets(d);
    for (size_t i = 0; i < d->t->nodes; i++)
        if (d->t->feature[i] != NODE_LEAF && !node_has_set(d->t, i))
            d->code[i] = nearest(&d->cuts.at[d->column_of[d->plane[i]]], cut_of(d, i));
}
