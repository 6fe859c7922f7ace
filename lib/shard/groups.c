/* Row groups of Parquet files in place of records. */
#include "shard/cuts.h"

#include "table/parquet_groups.h"

/* The border next to a place, of two the lower one: there may be no more row groups than shards,
 * and then the next one behind would leave some without. */
static uint64_t nearest_border(const struct parquet_borders *b, uint64_t place)
{
    size_t low = 0, high = b->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (b->places[middle] < place)
            low = middle + 1;
        else
            high = middle;
    }
    uint64_t behind = b->places[low], before = low ? b->places[low - 1] : 0;
    return place - before <= behind - place ? before : behind;
}

int groups_move(const char *path, uint64_t *places, size_t n, struct error *e)
{
    struct parquet_borders b;
    int status = n ? parquet_borders_read(path, &b, e) : 0;
    if (n == 0 || status)
        return status;
    for (size_t i = 0; i < n; i++)
        places[i] = nearest_border(&b, places[i]);
    parquet_borders_release(&b);
    return 0;
}

int groups_count(const char *path, uint64_t begin, uint64_t end, uint64_t *out, struct error *e)
{
    struct parquet_borders b;
    int status = parquet_borders_read(path, &b, e);
    *out = 0;
    if (status)
        return status;
    for (size_t i = 0; i < b.count; i++)
        *out += b.places[i] >= begin && b.places[i] < end ? b.rows[i] : 0;
    parquet_borders_release(&b);
    return 0;
}
