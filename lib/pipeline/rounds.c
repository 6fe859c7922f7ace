/*
 * Entries whose steps are not known before others have run: foreach or matrix takes its values from
 * files that steps make, or inputs are a pattern in a folder that a step makes. A run goes in
 * rounds: the depth of an entry is the number of rounds that come before the one in which its steps
 * are known; nothing that waits for it is in an earlier one.
 *
 * What an entry makes is told by the texts of its outputs, in which a variable is what its values
 * come from: a pattern, or else anything.
 */
#include "pipeline/definition.h"

enum { ANYTHING = 3 }; /* a character that stands for any text, with slashes */

/* A path, a folder or a pattern that an entry names; a set of characters is a ? in it. */
struct mention {
    uint32_t entry;
    char *text;
    size_t len, plain; /* plain: its first bytes that stand for themselves */
    bool is_pattern;   /* as it is written */
};
typedef VEC(struct mention) mention_list;

struct planning {
    struct definition *d;
    const struct doc_node *steps;
    mention_list made, read, values; /* outputs; inputs; what values come from */
    struct buf text;
    uint32_t *depth;        /* by entry */
    VEC(uint32_t) deepened; /* entries to be looked at */
};

/* ---- what entries name ---- */

static size_t plain_length(const char *text)
{
    return strcspn(text, (char[]){'*', '?', ANYTHING, 0});
}

static void simplify(char *text)
{
    char *out = text;
    for (const char *at = text; *at; at++) {
        const char *end = *at == '[' ? strchr(at + 1, ']') : NULL;
        *out++ = end ? '?' : *at;
        at = end ? end : at;
    }
    *out = 0;
}

static void mention(struct planning *x, mention_list *list, uint32_t entry,
                    const struct doc_node *n)
{
    enum { LONGEST = 4096 }; /* nothing can be called longer */
    if (n->kind == DOC_LIST || n->kind == DOC_MAP || n->text.len > LONGEST)
        return;
    definition_outline(x->d, n, &x->steps->items[entry], ANYTHING, &x->text);
    if (x->text.len > LONGEST)
        return;
    char *text = mem_text(buf_text(&x->text) + (strncmp(buf_text(&x->text), "./", 2) ? 0 : 2));
    size_t n_text = strlen(text);
    while (n_text > 1 && text[n_text - 1] == '/')
        text[--n_text] = 0;
    simplify(text);
    struct mention m = {entry, text, strlen(text), plain_length(text),
                        definition_is_pattern(n->text)};
    vec_push(list, m);
}

/* A path, a list of them, or a map of names and paths. */
static void mention_paths(struct planning *x, mention_list *list, uint32_t entry,
                          const struct doc_node *n)
{
    bool named = n && n->kind == DOC_MAP, several = named || (n && n->kind == DOC_LIST);
    for (size_t i = 0; several && i < n->count; i++)
        mention(x, list, entry, named ? &n->items[2 * i + 1] : &n->items[i]);
    if (n && !several)
        mention(x, list, entry, n);
}

static bool has_pattern(const struct doc_node *paths)
{
    bool named = paths && paths->kind == DOC_MAP,
         several = named || (paths && paths->kind == DOC_LIST);
    for (size_t i = 0; several && i < paths->count; i++)
        if (definition_is_pattern(paths->items[named ? 2 * i + 1 : i].text))
            return true;
    return paths && !several && definition_is_pattern(paths->text);
}

static void mention_values(struct planning *x, uint32_t entry, const struct doc_node *n)
{
    const struct doc_node *lines = definition_lines(n);
    if (lines || n->kind == DOC_TEXT)
        mention(x, &x->values, entry, lines ? lines : n);
}

static void mention_sources(struct planning *x, uint32_t entry, const struct doc_node *n)
{
    const struct doc_node *each = doc_get(n, "foreach"), *all = doc_get(n, "matrix");
    if (each && each->kind == DOC_MAP && each->count == 1)
        each = &each->items[1];
    if (each)
        mention_values(x, entry, each);
    for (size_t i = 0; all && all->kind == DOC_MAP && i < all->count; i++)
        mention_values(x, entry, &all->items[2 * i + 1]);
}

/* ---- do two of them mean one file? ---- */

static bool is_any(char c)
{
    return c == '*' || c == ANYTHING;
}

static bool takes(char any, char c)
{
    return any == ANYTHING || c != '/';
}

static bool is_same(char x, char y)
{
    return x == y || (x == '?' && y != '/') || (y == '?' && x != '/');
}

/* One that stands for any text has another character, or none. */
static bool goes_on(char any, char other, bool without, bool with)
{
    return is_any(any) && (without || (other && takes(any, other) && with));
}

/* Whether some text is called so by the first i characters of a and the first j of b; before is the
 * row of i - 1, now that of i, as far as it is known. */
static bool meet(const struct mention *a, size_t i, const struct mention *b, size_t j,
                 const bool *before, const bool *now)
{
    char x = i ? a->text[i - 1] : 0, y = j ? b->text[j - 1] : 0;
    bool shorter_a = i && before[j], shorter_b = j && now[j - 1];
    if (!x || !y)
        return (!x && !y) || goes_on(x, y, shorter_a, shorter_b) ||
               goes_on(y, x, shorter_b, shorter_a);
    if (is_any(x) || is_any(y))
        return goes_on(x, y, shorter_a, shorter_b) || goes_on(y, x, shorter_b, shorter_a);
    return is_same(x, y) && before[j - 1];
}

enum { SAME = 1, LIES_IN = 2, HAS_IN_IT = 4 };

/* What a row of a's first i characters says of the two. */
static unsigned judge(const struct mention *a, size_t i, const struct mention *b, const bool *now)
{
    unsigned found = i > 0 && i < a->len && a->text[i] == '/' && now[b->len] ? LIES_IN : 0;
    if (i < a->len)
        return found;
    for (size_t j = 1; j < b->len; j++)
        if (b->text[j] == '/' && now[j])
            found |= HAS_IN_IT;
    return found | (now[b->len] ? SAME : 0);
}

/* Whether a may be b, may lie in the folder b, may be a folder with b in it. */
static unsigned compare(const struct mention *a, const struct mention *b)
{
    size_t plain = a->plain < b->plain ? a->plain : b->plain;
    if (memcmp(a->text, b->text, plain) != 0)
        return 0;
    if (strcmp(a->text, b->text) == 0)
        return SAME;
    unsigned found = 0;
    bool *before = mem_alloc(b->len + 1), *now = mem_alloc(b->len + 1);
    for (size_t i = 0; i <= a->len; i++) {
        for (size_t j = 0; j <= b->len; j++)
            now[j] = meet(a, i, b, j, before, now);
        found |= judge(a, i, b, now);
        bool *swap = before;
        before = now;
        now = swap;
    }
    mem_free(before);
    mem_free(now);
    return found;
}

/* ---- depths ---- */

static void deepen(struct planning *x, uint32_t entry, uint32_t depth)
{
    if (depth <= x->depth[entry])
        return;
    x->depth[entry] = depth;
    vec_push(&x->deepened, entry);
}

/* Those that take values from what it makes, or read it, or name it. */
static void deepen_behind(struct planning *x, const struct mention *made)
{
    uint32_t depth = x->depth[made->entry];
    for (size_t i = 0; i < x->values.len; i++)
        if (x->values.at[i].entry != made->entry && compare(made, &x->values.at[i]))
            deepen(x, x->values.at[i].entry, depth + 1);
    for (size_t i = 0; depth && i < x->read.len; i++)
        if (x->read.at[i].entry != made->entry && compare(made, &x->read.at[i]))
            deepen(x, x->read.at[i].entry, depth);
}

/* Whether its needs name another one, or a step of that. */
static bool names(const struct planning *x, uint32_t entry, uint32_t other)
{
    const struct doc_node *needs = doc_get(&x->steps->items[entry], "needs");
    const struct doc_node *name = doc_get(&x->steps->items[other], "name");
    size_t count = !needs ? 0 : needs->kind == DOC_LIST ? needs->count : 1;
    for (size_t k = 0; k < count && name; k++) {
        const struct doc_node *one = needs->kind == DOC_LIST ? &needs->items[k] : needs;
        if (one->kind != DOC_LIST && one->kind != DOC_MAP && name->kind != DOC_LIST &&
            name->kind != DOC_MAP && pipeline_is_of_entry(one->text, name->text))
            return true;
    }
    return false;
}

static void deepen_needing(struct planning *x, uint32_t entry)
{
    for (uint32_t i = 0; i < x->steps->count; i++)
        if (i != entry && names(x, i, entry))
            deepen(x, i, x->depth[entry]);
}

/* A pattern in a folder that is made is a source of values, too. */
static void find_sources(struct planning *x)
{
    for (size_t i = 0; i < x->read.len; i++) {
        const struct mention *r = &x->read.at[i];
        bool made_inside = false;
        for (size_t k = 0; r->is_pattern && k < x->made.len && !made_inside; k++)
            made_inside = x->made.at[k].entry != r->entry && compare(r, &x->made.at[k]) == LIES_IN;
        if (made_inside) {
            struct mention copy = *r;
            copy.text = mem_text(r->text);
            vec_push(&x->values, copy);
        }
    }
}

/* ---- depths of all ---- */

static int plan(struct planning *x, struct error *e)
{
    size_t n = x->steps->count;
    find_sources(x);
    if (x->values.len == 0)
        return 0;
    for (size_t i = 0; i < x->made.len; i++)
        deepen_behind(x, &x->made.at[i]);
    while (x->deepened.len) {
        uint32_t entry = x->deepened.at[--x->deepened.len];
        if (x->depth[entry] > n)
            return doc_error(x->d->doc, &x->steps->items[entry], e,
                             "the values of its variables come from what waits for it");
        for (size_t i = 0; i < x->made.len; i++)
            if (x->made.at[i].entry == entry)
                deepen_behind(x, &x->made.at[i]);
        deepen_needing(x, entry);
    }
    return 0;
}

static void release(mention_list *list)
{
    for (size_t i = 0; i < list->len; i++)
        mem_free(list->at[i].text);
    vec_release(list);
}

static void mention_all(struct planning *x)
{
    for (uint32_t i = 0; i < x->steps->count; i++) {
        mention_paths(x, &x->made, i, doc_get(&x->steps->items[i], "out"));
        mention_paths(x, &x->read, i, doc_get(&x->steps->items[i], "in"));
    }
}

static void forget(struct planning *x)
{
    release(&x->made);
    release(&x->read);
    release(&x->values);
    vec_release(&x->deepened);
    buf_release(&x->text);
}

/* Nearly all definitions have none of what needs a plan. */
int definition_rounds(struct definition *d, const struct doc_node *steps, struct error *e)
{
    struct planning x = {.d = d, .steps = steps};
    bool patterns = false;
    int status = 0;
    for (uint32_t i = 0; i < steps->count; i++) {
        mention_sources(&x, i, &steps->items[i]);
        patterns = patterns || has_pattern(doc_get(&steps->items[i], "in"));
    }
    if (x.values.len || patterns) {
        d->p->has_patterns = true;
        x.depth = arena_zero(&d->p->arena, (steps->count + 1) * sizeof *x.depth);
        mention_all(&x);
        status = plan(&x, e);
        d->depth = x.depth;
    }
    forget(&x);
    return status;
}

/* ---- those before one ---- */

static void want(struct planning *x, bool *wanted, uint32_t entry)
{
    if (wanted[entry])
        return;
    wanted[entry] = true;
    vec_push(&x->deepened, entry);
}

static bool reads(const mention_list *list, uint32_t entry, const struct mention *made)
{
    for (size_t i = 0; i < list->len; i++)
        if (list->at[i].entry == entry && compare(made, &list->at[i]))
            return true;
    return false;
}

void definition_before(struct definition *d, const struct doc_node *steps, bool *wanted)
{
    struct planning x = {.d = d, .steps = steps};
    for (uint32_t i = 0; i < steps->count; i++) {
        mention_sources(&x, i, &steps->items[i]);
        if (wanted[i])
            vec_push(&x.deepened, i);
    }
    mention_all(&x);
    while (x.deepened.len) {
        uint32_t entry = x.deepened.at[--x.deepened.len];
        for (size_t i = 0; i < x.made.len; i++)
            if (!wanted[x.made.at[i].entry] &&
                (reads(&x.read, entry, &x.made.at[i]) || reads(&x.values, entry, &x.made.at[i])))
                want(&x, wanted, x.made.at[i].entry);
        for (uint32_t i = 0; i < steps->count; i++)
            if (names(&x, entry, i))
                want(&x, wanted, i);
    }
    forget(&x);
}
