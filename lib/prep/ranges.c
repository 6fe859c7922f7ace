/* Which rows of a whole a state is of: what goes by the numbers of rows can only be merged when
 * they are known and no row is in both states. */
#include "prep/recipe.h"

#include <stdlib.h>

static uint64_t rows_in(const struct recipe *r)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < r->ranges.len; i++)
        rows += r->ranges.at[i].last - r->ranges.at[i].first + 1;
    return rows;
}

bool ranges_known(const struct recipe *r)
{
    return rows_in(r) == r->rows_seen;
}

void ranges_set(struct recipe *r, uint64_t first, uint64_t seen)
{
    struct row_range range = {first, first + seen - 1};
    r->rows_seen = seen;
    r->ranges.len = 0;
    if (seen > 0)
        vec_push(&r->ranges, range);
}

const struct step *ranges_matter(const struct recipe *r)
{
    const struct step *by_row = NULL;
    for (size_t i = 0; i < r->steps.len; i++) {
        const struct step *s = r->steps.at[i];
        by_row = by_row || !s->by_row ? by_row : s;
        if (by_row && step_learns(s))
            return by_row;
        by_row = by_row || !s->draws_by_row ? by_row : s;
    }
    return NULL;
}

static int compare_first(const void *left, const void *right)
{
    const struct row_range *a = left, *b = right;
    return a->first < b->first ? -1 : a->first > b->first;
}

/* Sorts, and makes one of ranges that follow each other. The first one that begins inside the one
 * before, or NULL. */
static const struct row_range *unite(struct recipe *r)
{
    size_t n = 0;
    if (r->ranges.len == 0)
        return NULL;
    qsort(r->ranges.at, r->ranges.len, sizeof *r->ranges.at, compare_first);
    for (size_t i = 1; i < r->ranges.len; i++) {
        struct row_range next = r->ranges.at[i];
        if (next.first <= r->ranges.at[n].last)
            return &r->ranges.at[i];
        if (next.first == r->ranges.at[n].last + 1)
            r->ranges.at[n].last = next.last;
        else
            r->ranges.at[++n] = next;
    }
    r->ranges.len = n + 1;
    return NULL;
}

int ranges_merge(struct recipe *into, const struct recipe *from, struct error *e)
{
    const struct step *by_row = ranges_matter(into);
    bool known = ranges_known(into) && ranges_known(from);
    into->rows_seen += from->rows_seen;
    for (size_t i = 0; i < from->ranges.len; i++)
        vec_push(&into->ranges, from->ranges.at[i]);
    const struct row_range *twice = unite(into);
    if (!twice && known)
        return 0;
    if (by_row && !known)
        return error_set(
            e, ERR_DATA,
            "cannot merge: step %zu (%s) goes by the numbers of rows, and a state does "
            "not say which ones it is of; fit the shards with --first-row",
            by_row->number, by_row->kind->name);
    if (by_row)
        return error_set(
            e, ERR_DATA,
            "cannot merge: step %zu (%s) goes by the numbers of rows, and row %llu is in "
            "both states; fit the shards with --first-row",
            by_row->number, by_row->kind->name, (unsigned long long)twice->first);
    into->ranges.len = 0;
    return 0;
}

json_t *ranges_save(const struct recipe *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->ranges.len; i++)
        json_array_append_new(list, json_pack("[I,I]", (json_int_t)r->ranges.at[i].first,
                                              (json_int_t)r->ranges.at[i].last));
    return list;
}

bool ranges_load(struct recipe *r, const json_t *j)
{
    uint64_t before = 0;
    bool good = json_is_array(j);
    for (size_t i = 0; good && i < json_array_size(j); i++) {
        const json_t *pair = json_array_get(j, i);
        json_int_t first = json_integer_value(json_array_get(pair, 0));
        json_int_t last = json_integer_value(json_array_get(pair, 1));
        good = json_array_size(pair) == 2 && first > 0 && (uint64_t)first > before &&
               last >= first && (uint64_t)last >> (63 - ROW_ID_SHIFT) == 0;
        struct row_range range = {(uint64_t)first, (uint64_t)last};
        before = range.last + 1; /* else they would be one */
        vec_push(&r->ranges, range);
    }
    return good && ranges_known(r);
}
