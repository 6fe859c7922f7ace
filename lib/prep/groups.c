#include "prep/groups.h"

void groups_batch(struct groups *g, struct batch *b, const size_t *columns, size_t count)
{
    g->count = count;
    g->cells = batch_array(b, count, sizeof *g->cells);
    for (size_t i = 0; i < count; i++)
        g->cells[i] = batch_text(b, columns[i]);
}

/* Length and bytes of each value, so that no two lists of values look alike;
 * all ones for missing. */
static void put_value(struct buf *key, struct text value)
{
    uint64_t len = value.at ? value.len : UINT64_MAX;
    buf_add(key, &len, sizeof len);
    if (value.at)
        buf_add(key, value.at, value.len);
}

struct text groups_key(struct groups *g, size_t row)
{
    g->key.len = 0;
    for (size_t i = 0; i < g->count; i++)
        put_value(&g->key, g->cells[i][row]);
    return (struct text){buf_text(&g->key), g->key.len};
}

size_t groups_find(struct groups *g, size_t row)
{
    return map_put(&g->map, groups_key(g, row), NULL);
}

size_t groups_count(const struct groups *g)
{
    return g->map.keys.len;
}

void groups_release(struct groups *g)
{
    map_release(&g->map);
    buf_release(&g->key);
}
