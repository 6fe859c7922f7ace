/* Kinds of characters as ranges; maps of them as runs that all move by the same distance. */
#include "lower/lower.h"

enum { CHARACTER_MAX = 0x10FFFF };

/* The next run is first, first + stride ... last, each moved by `by`. */
struct run {
    int64_t first, last, stride, by;
};

struct runs {
    VEC(struct run) at;
};

static bool extends(const struct run *r, int64_t c, int64_t by)
{
    if (r->by != by || r->stride == 0)
        return false;
    int64_t step = c - r->last;
    return r->first == r->last ? step == 1 || step == 2 : step == r->stride;
}

static void add_character(struct runs *runs, int64_t c, int64_t by)
{
    struct run *last = runs->at.len ? &runs->at.at[runs->at.len - 1] : NULL;
    if (last && extends(last, c, by)) {
        last->stride = c - last->last;
        last->last = c;
        return;
    }
    struct run fresh = {c, c, 1, by};
    vec_push(&runs->at, fresh);
}

static const struct lower_expansion *expansion_of(const struct lower_expansion *x, size_t n,
                                                  uint32_t c)
{
    for (size_t i = 0; i < n; i++)
        if (x[i].c == c)
            return &x[i];
    return NULL;
}

struct lower_mapping lower_mapping(struct lowering *l, uint32_t (*map)(uint32_t c),
                                   const struct lower_expansion *expansions, size_t count)
{
    struct runs runs = {0};
    struct text *texts = mem_array(NULL, count + 1, sizeof *texts);
    for (size_t i = 0; i < count; i++)
        texts[i] = expansions[i].text;
    for (uint32_t c = 0; c <= CHARACTER_MAX; c++) {
        const struct lower_expansion *x = expansion_of(expansions, count, c);
        uint32_t to = map(c);
        if (x) {
            struct run one = {c, c, 0, x - expansions};
            vec_push(&runs.at, one);
        } else if (to != c) {
            add_character(&runs, c, (int64_t)to - c);
        }
    }
    const void *words = runs.at.at;
    struct lower_mapping made = {lower_range_int(l, words, 4 * runs.at.len),
                                 lower_range_text(l, texts, count)};
    vec_release(&runs.at);
    mem_free(texts);
    return made;
}

uint32_t lower_map_characters(struct lowering *l, uint32_t reg, uint32_t (*map)(uint32_t c),
                              const struct lower_expansion *expansions, size_t count, bool keep_bad)
{
    struct lower_mapping made = lower_mapping(l, map, expansions, count);
    uint32_t out = lower_register(l, ML_TEXT);
    lower_op_to(l, ML_OP_map_characters, keep_bad, out, reg, made.runs, made.texts);
    return out;
}

struct ends {
    VEC(int64_t) at;
};

/* First and last of each range of characters for which it is true. */
static void find_ends(struct ends *ends, bool (*so)(uint32_t c))
{
    bool before = false;
    for (uint32_t c = 0; c <= CHARACTER_MAX + 1; c++) {
        bool here = c <= CHARACTER_MAX && so(c);
        if (here != before)
            vec_push(&ends->at, here ? (int64_t)c : (int64_t)c - 1);
        before = here;
    }
}

uint32_t lower_characters(struct lowering *l, bool (*so)(uint32_t c))
{
    struct ends ends = {0};
    find_ends(&ends, so);
    uint32_t range = lower_range_int(l, ends.at.at, ends.at.len);
    vec_release(&ends.at);
    return range;
}

uint32_t lower_replace_characters(struct lowering *l, uint32_t reg, bool (*so)(uint32_t c),
                                  struct text with)
{
    struct ends ends = {0};
    struct runs runs = {0};
    find_ends(&ends, so);
    for (size_t i = 0; i < ends.at.len; i += 2) {
        struct run run = {ends.at.at[i], ends.at.at[i + 1], 0, 0};
        vec_push(&runs.at, run);
    }
    uint32_t range = lower_range_int(l, (const int64_t *)(const void *)runs.at.at, 4 * runs.at.len);
    vec_release(&ends.at);
    vec_release(&runs.at);
    return lower_op(l, ML_OP_map_characters, reg, range, lower_range_text(l, &with, 1));
}
