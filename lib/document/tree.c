#include "document/tree.h"

enum { LINEAR_KEYS = 16 }; /* in maps of more entries keys are found by their hash */

int place_error(const struct doc *d, struct place at, struct error *e, const char *format,
                va_list args)
{
    struct buf message = {0};
    buf_vformat(&message, format, args);
    error_set(e, ERR_DATA, "%s", buf_text(&message));
    buf_release(&message);
    return error_at(e, d->name, at.line, at.column);
}

int tree_error(const struct tree *t, struct place at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int status = place_error(t->doc, at, t->e, format, args);
    va_end(args);
    return status;
}

/* Of the open ones, which there are. */
static struct level *innermost(const struct tree *t)
{
    return &t->levels.at[t->levels.len - 1];
}

bool tree_wants_key(const struct tree *t)
{
    if (t->levels.len == 0)
        return false;
    const struct level *l = innermost(t);
    return l->branch.node.kind == DOC_MAP && !l->merging && (t->items.len - l->first) % 2 == 0;
}

/* Of the number-th entry of a map. */
static const struct doc_node *key_at(const struct tree *t, const struct level *l, size_t number)
{
    return &t->items.at[l->first + 2 * number];
}

/* The number of the entry with that key, MAP_NONE when there is none: the caller adds it then. */
static size_t claim_key(const struct tree *t, struct level *l, struct text key)
{
    size_t count = (t->items.len - l->first) / 2;
    if (count < LINEAR_KEYS) {
        for (size_t i = 0; i < count; i++)
            if (text_equal(key_at(t, l, i)->text, key))
                return i;
        return MAP_NONE;
    }
    for (size_t i = l->keys.keys.len; i < count; i++)
        map_put(&l->keys, key_at(t, l, i)->text, NULL);
    bool is_new;
    size_t number = map_put(&l->keys, key, &is_new);
    return is_new ? MAP_NONE : number;
}

static int key_is_there(const struct tree *t, struct text key, struct place at, uint32_t line)
{
    char quoted[QUOTE_MAX];
    return tree_error(t, at, "key %s is there twice, first on line %lu",
                      quote(quoted, key.at, key.len), (unsigned long)line);
}

static int refuse_key(const struct tree *t, enum doc_kind kind, struct place at)
{
    return tree_error(t, at, "a key is a scalar, not %s", doc_kind_name(kind));
}

static int add_key(struct tree *t, struct level *l, const struct doc_node *node)
{
    if (node->kind == DOC_LIST || node->kind == DOC_MAP)
        return refuse_key(t, node->kind, place_of(node));
    size_t first = claim_key(t, l, node->text);
    if (first != MAP_NONE)
        return key_is_there(t, node->text, place_of(node), key_at(t, l, first)->line);
    struct doc_node key = *node;
    key.kind = DOC_TEXT;
    key.truth = false;
    vec_push(&t->items, key);
    return 0;
}

int tree_merge_key(struct tree *t, struct place at)
{
    struct level *l = innermost(t);
    if (l->merge_line)
        return key_is_there(t, TEXT_LITERAL("<<"), at, l->merge_line);
    l->merging = true;
    l->merge_line = at.line;
    return 0;
}

static int set_merge(const struct tree *t, struct level *l, const struct doc_node *value)
{
    bool is_list = value->kind == DOC_LIST;
    const struct doc_node *maps = is_list ? value->items : value;
    size_t count = is_list ? value->count : 1;
    for (size_t i = 0; i < count; i++)
        if (maps[i].kind != DOC_MAP)
            return tree_error(t, place_of(&maps[i]), "<< takes a map or a list of maps, not %s",
                              doc_kind_name(maps[i].kind));
    l->merging = false;
    l->merge = *value;
    return 0;
}

static void merge_map(struct tree *t, struct level *l, const struct doc_node *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct doc_node *entry = &from->items[2 * i];
        if (claim_key(t, l, entry[0].text) != MAP_NONE)
            continue;
        vec_push(&t->items, entry[0]);
        vec_push(&t->items, entry[1]);
    }
}

/* They come behind the map's own entries, wherever the merge key stands. */
static void merge_entries(struct tree *t, struct level *l)
{
    if (l->merge.kind == DOC_MAP)
        merge_map(t, l, &l->merge);
    for (size_t i = 0; l->merge.kind == DOC_LIST && i < l->merge.count; i++)
        merge_map(t, l, &l->merge.items[i]);
}

static int count_values(struct tree *t, size_t more, struct place at)
{
    t->values += more;
    return t->values > DOC_VALUES_MAX
               ? tree_error(t, at, "more than %d million values", DOC_VALUES_MAX / 1000000)
               : 0;
}

/* Its values are counted. */
static int add_value(struct tree *t, const struct branch *b)
{
    if (t->levels.len == 0) {
        t->doc->root = b->node;
        return 0;
    }
    struct level *l = innermost(t);
    l->branch.values += b->values;
    if (l->branch.height <= b->height)
        l->branch.height = b->height + 1;
    if (l->merging)
        return set_merge(t, l, &b->node);
    vec_push(&t->items, b->node);
    return 0;
}

/* Not the text alone may be deep: aliases put what is deep into what is deep. */
static int check_depth(const struct tree *t, size_t height, struct place at)
{
    return t->levels.len + height > DOC_DEPTH_MAX ? tree_error(t, at, "nested too deep") : 0;
}

int tree_add(struct tree *t, const struct branch *b)
{
    struct place at = place_of(&b->node);
    if (tree_wants_key(t))
        return add_key(t, innermost(t), &b->node);
    int status = check_depth(t, b->height, at);
    if (status == 0)
        status = count_values(t, b->values, at);
    return status ? status : add_value(t, b);
}

int tree_open(struct tree *t, enum doc_kind kind, struct place at)
{
    if (tree_wants_key(t))
        return refuse_key(t, kind, at);
    int status = check_depth(t, 1, at);
    if (status == 0)
        status = count_values(t, 1, at);
    if (status)
        return status;
    struct level level = {
        .branch = {{.kind = (uint8_t)kind, .line = at.line, .column = at.column},
                   .values = 1,
                   .height = 1},
        .first = t->items.len,
    };
    vec_push(&t->levels, level);
    return 0;
}

int tree_close(struct tree *t, struct branch *out)
{
    struct level *l = innermost(t);
    merge_entries(t, l);
    struct doc_node *node = &l->branch.node;
    size_t count = t->items.len - l->first;
    node->count = (uint32_t)(node->kind == DOC_MAP ? count / 2 : count);
    if (count)
        node->items =
            arena_copy(&t->doc->arena, t->items.at + l->first, count * sizeof *node->items);
    t->items.len = l->first;
    *out = l->branch;
    map_release(&l->keys);
    t->levels.len--;
    return add_value(t, out);
}

void tree_release(struct tree *t)
{
    for (size_t i = 0; i < t->levels.len; i++)
        map_release(&t->levels.at[i].keys);
    vec_release(&t->levels);
    vec_release(&t->items);
}
