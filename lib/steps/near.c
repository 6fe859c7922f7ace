#include "steps/near.h"

#include <math.h>

/* a - b, for a not before b. */
static double distance(bool is_time, struct point a, struct point b)
{
    return is_time ? (double)((uint64_t)a.time - (uint64_t)b.time) : a.number - b.number;
}

int near_choose(const struct near_rule *rule, struct point p, const struct point *before,
                const struct point *behind)
{
    bool back = before && rule->direction != NEAR_FORWARD;
    bool forth = behind && rule->direction != NEAR_BACKWARD;
    double to_back = back ? distance(rule->is_time, p, *before) : (double)INFINITY;
    double to_next = forth ? distance(rule->is_time, *behind, p) : (double)INFINITY;
    double limit = rule->is_time ? (double)rule->limit.time : rule->limit.number;
    bool takes_back = to_back <= to_next;
    if (!(takes_back ? back : forth) || (rule->has_limit && fmin(to_back, to_next) > limit))
        return 0;
    return takes_back ? -1 : 1;
}

bool near_holds(const struct near_rule *rule, const struct span *span, struct point p)
{
    int low = point_compare(rule->is_time, span->low, p);
    int high = point_compare(rule->is_time, span->high, p);
    return (low < 0 || (low == 0 && rule->at_low)) && (high > 0 || (high == 0 && rule->at_high));
}

/* Rows of the side table with the same value: the first and the last of them. */
struct equals {
    struct kept_row first, last;
};

static void equals_release(struct equals *q)
{
    kept_row_release(&q->first);
    kept_row_release(&q->last);
}

/* The next rows with the same value, of the key at hand. */
static int read_equals(struct pairing *p, bool is_time, struct equals *q, struct error *e)
{
    const struct pair_row *row = pairing_right(p);
    int rc = 0;
    q->first.there = q->last.there = false;
    if (row)
        kept_row_set(&q->first, row);
    while (rc == 0 && row && point_compare(is_time, row->span.low, q->first.row.span.low) == 0) {
        kept_row_set(&q->last, row);
        rc = pairing_next_right(p, e);
        row = pairing_right(p);
    }
    return rc;
}

/* The rows before, at or behind a point, and behind those. */
struct around {
    struct equals values[3];
    struct equals *before, *here, *behind;
};

static int move_on(struct pairing *p, bool is_time, struct around *a, struct error *e)
{
    struct equals *free = a->before;
    a->before = a->here;
    a->here = a->behind;
    a->behind = free;
    return read_equals(p, is_time, a->behind, e);
}

/* Goes on until `here` is not before p. */
static int move_to(struct pairing *p, bool is_time, struct around *a, struct point to,
                   struct error *e)
{
    int rc = 0;
    while (rc == 0 && a->here->first.there &&
           point_compare(is_time, a->here->first.row.span.low, to) < 0)
        rc = move_on(p, is_time, a, e);
    return rc;
}

static int put_nearest(struct pairing *p, const struct near_rule *rule, const struct around *a,
                       const struct pair_row *left, struct error *e)
{
    struct point at = left->span.low;
    const struct equals *before = a->before, *behind = a->here;
    if (behind->first.there && point_compare(rule->is_time, behind->first.row.span.low, at) == 0) {
        if (rule->exact)
            before = a->here;
        else
            behind = a->behind;
    }
    int chosen = near_choose(rule, at, before->last.there ? &before->last.row.span.low : NULL,
                             behind->first.there ? &behind->first.row.span.low : NULL);
    const struct pair_row *right = NULL;
    if (chosen)
        right = chosen < 0 ? &before->last.row : &behind->first.row;
    return right || rule->keeps_left ? pairing_put(p, left, right, 0, e) : 0;
}

int near_pair_asof(struct pairing *p, void *context, struct error *e)
{
    const struct near_rule *rule = ((const struct near_disk *)context)->rule;
    struct around a = {0};
    const struct pair_row *left;
    a.before = &a.values[0];
    a.here = &a.values[1];
    a.behind = &a.values[2];
    int rc = read_equals(p, rule->is_time, a.here, e);
    if (rc == 0)
        rc = read_equals(p, rule->is_time, a.behind, e);
    while (rc == 0 && (left = pairing_left(p))) {
        rc = move_to(p, rule->is_time, &a, left->span.low, e);
        if (rc == 0)
            rc = put_nearest(p, rule, &a, left, e);
        if (rc == 0)
            rc = pairing_next_left(p, e);
    }
    while (rc == 0 && pairing_right(p))
        rc = pairing_next_right(p, e);
    for (size_t i = 0; i < COUNT_OF(a.values); i++)
        equals_release(&a.values[i]);
    return rc;
}

/* Pairs a left row with an interval that holds it. */
static int put_if_held(struct pairing *p, const struct near_rule *rule, const struct pair_row *left,
                       const struct pair_row *right, bool *any, struct error *e)
{
    if (!near_holds(rule, &right->span, left->span.low))
        return 0;
    *any = true;
    return pairing_put(p, left, right, 0, e);
}

/* Left rows come in order: an interval that ends before one holds none of those behind it. */
static bool has_ended(const struct near_rule *rule, const struct pair_row *right, struct point p)
{
    return point_compare(rule->is_time, right->span.high, p) < 0;
}

static bool has_begun(const struct near_rule *rule, const struct pair_row *right, struct point p)
{
    return right && point_compare(rule->is_time, right->span.low, p) <= 0;
}

/* Pairs a left row with the intervals of the list; those that go on are put into `next` unless it
 * is NULL. */
static int pair_list(struct pairing *p, const struct near_disk *d, const struct pair_row *left,
                     struct pair_list *next, bool *any, struct error *e)
{
    struct pair_row right;
    int rc = pair_list_rewind(d->lists[0], e);
    while (rc == 0 && (rc = pair_list_next(d->lists[0], &right, e)) == 1) {
        rc = put_if_held(p, d->rule, left, &right, any, e);
        if (rc == 0 && next && !has_ended(d->rule, &right, left->span.low))
            rc = pair_list_add(next, &right, e);
    }
    return rc;
}

/* Intervals that have begun by the left row. */
static int pair_begun(struct pairing *p, const struct near_disk *d, const struct pair_row *left,
                      bool *any, struct error *e)
{
    const struct pair_row *right;
    struct point at = left->span.low;
    int rc = 0;
    while (rc == 0 && has_begun(d->rule, right = pairing_right(p), at)) {
        rc = put_if_held(p, d->rule, left, right, any, e);
        if (rc == 0 && !has_ended(d->rule, right, at))
            rc = pair_list_add(d->lists[1], right, e);
        if (rc == 0)
            rc = pairing_next_right(p, e);
    }
    return rc;
}

static int pair_row_with_spans(struct pairing *p, struct near_disk *d, const struct pair_row *left,
                               struct error *e)
{
    bool any = false, more = has_begun(d->rule, pairing_right(p), left->span.low);
    int rc = pair_list(p, d, left, more ? d->lists[1] : NULL, &any, e);
    if (rc == 0 && more) {
        rc = pair_begun(p, d, left, &any, e);
        struct pair_list *old = d->lists[0];
        d->lists[0] = d->lists[1];
        d->lists[1] = old;
        pair_list_clear(old);
    }
    if (rc == 0 && !any && d->rule->keeps_left)
        rc = pairing_put(p, left, NULL, 0, e);
    return rc;
}

int near_pair_range(struct pairing *p, void *context, struct error *e)
{
    struct near_disk *d = context;
    const struct pair_row *left;
    int rc = 0;
    pair_list_clear(d->lists[0]);
    pair_list_clear(d->lists[1]);
    while (rc == 0 && (left = pairing_left(p))) {
        rc = pair_row_with_spans(p, d, left, e);
        if (rc == 0)
            rc = pairing_next_left(p, e);
    }
    while (rc == 0 && pairing_right(p))
        rc = pairing_next_right(p, e);
    return rc;
}
