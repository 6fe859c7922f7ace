#include "steps/ranks.h"

#include "steps/pairs.h"
#include "table/sorter.h"

#include <math.h>

/* Eight bytes that compare as the number: one look at a key tells most when it is no longer. */
static void put_number(struct buf *key, double x)
{
    uint64_t bits;
    x += 0.0; /* -0 becomes 0 */
    memcpy(&bits, &x, sizeof bits);
    key_put_id(key, bits >> 63 ? ~bits : bits | UINT64_C(1) << 63);
}

/* Numbers in order, each with its rank, and with another number that goes with it. */
struct ranking {
    struct sorter *numbers; /* with the other in 8 bytes */
    struct sorter *lengths; /* the numbers again: how many are equal is known before they leave */
    struct buf key;
    bool has_next;    /* the number behind the equal ones is known: */
    struct text next; /* of lengths */
    uint64_t passed;  /* numbers before those equal to the next one, */
    uint64_t equal;   /* which are so many, */
    uint64_t left;    /* and so many of them have yet to leave */
};

static void ranking_init(struct ranking *r, size_t memory)
{
    *r = (struct ranking){.numbers = sorter_new(memory / 2), .lengths = sorter_new(memory / 2)};
}

static void ranking_release(struct ranking *r)
{
    sorter_free(r->numbers);
    sorter_free(r->lengths);
    buf_release(&r->key);
}

static int ranking_put(struct ranking *r, double x, double other, struct error *e)
{
    r->key.len = 0;
    put_number(&r->key, x);
    struct text key = {r->key.at, r->key.len};
    int rc = sorter_add(r->lengths, key, (struct text){"", 0}, e);
    return rc ? rc
              : sorter_add(r->numbers, key, (struct text){(const char *)&other, sizeof other}, e);
}

static int ranking_finish(struct ranking *r, struct error *e)
{
    int rc = sorter_finish(r->numbers, e);
    return rc ? rc : sorter_finish(r->lengths, e);
}

/* Makes the next number of lengths known: 1; 0 behind the last; < 0. */
static int look(struct ranking *r, struct error *e)
{
    struct text nothing;
    int got = r->has_next ? 1 : sorter_next(r->lengths, &r->next, &nothing, e);
    r->has_next = got > 0;
    return got;
}

/* Counts the numbers equal to the next one. */
static int count_equal(struct ranking *r, struct error *e)
{
    r->passed += r->equal;
    r->equal = 0;
    int got = look(r, e);
    if (got <= 0)
        return got;
    r->key.len = 0;
    buf_add(&r->key, r->next.at, r->next.len);
    while (got > 0 && text_equal(r->next, (struct text){r->key.at, r->key.len})) {
        r->equal++;
        r->has_next = false;
        got = look(r, e);
    }
    r->left = r->equal;
    return got < 0 ? got : 1;
}

/* Ranks count from 1; equal numbers share the mean of theirs. 1; 0 behind the last; < 0. */
static int ranking_next(struct ranking *r, double *rank, double *other, struct error *e)
{
    struct text key, payload;
    int got = r->left ? 1 : count_equal(r, e);
    if (got > 0)
        got = sorter_next(r->numbers, &key, &payload, e);
    if (got <= 0)
        return got;
    memcpy(other, payload.at, sizeof *other);
    *rank = (double)(2 * r->passed + r->equal + 1) / 2;
    r->left--;
    return 1;
}

struct ranked {
    const struct rank_columns *columns;
    struct ranking x, y;
};

static int rank_row(void *context, const double *row, struct error *e)
{
    struct ranked *r = context;
    double x = row[r->columns->x], y = row[r->columns->y];
    return isfinite(x) && isfinite(y) ? ranking_put(&r->x, x, y, e) : 0;
}

/* The ranks of x, with the values of y: now for those of y. */
static int turn_to_y(struct ranked *r, struct error *e)
{
    double rank, y;
    int got, rc = ranking_finish(&r->x, e);
    while (rc == 0 && (got = ranking_next(&r->x, &rank, &y, e)) != 0)
        rc = got < 0 ? got : ranking_put(&r->y, y, rank, e);
    return rc ? rc : ranking_finish(&r->y, e);
}

int ranks_spearman(const struct rank_columns *c, double *out, struct error *e)
{
    struct ranked r = {.columns = c};
    struct comoments sums;
    double ranks[2];
    int got;
    ranking_init(&r.x, c->memory / 2);
    ranking_init(&r.y, c->memory / 2);
    comoments_init(&sums, 2);
    int rc = number_rows_each(c->rows, rank_row, &r, e);
    if (rc == 0)
        rc = turn_to_y(&r, e);
    while (rc == 0 && (got = ranking_next(&r.y, &ranks[1], &ranks[0], e)) != 0) {
        rc = got < 0 ? got : 0;
        if (rc == 0)
            comoments_add(&sums, ranks);
    }
    *out = comoments_correlation(&sums, 0, 1);
    comoments_release(&sums);
    ranking_release(&r.x);
    ranking_release(&r.y);
    return rc;
}

/* Rows by x and y, then y again, from the first place to the last: pairs of rows whose order in y
 * is not that in x are counted within blocks of places, and between blocks when they come by y. */
struct discord {
    const struct rank_columns *columns;
    struct sorter *by_x; /* x, y; y in 8 bytes */
    struct sorter *by_y; /* y, place */
    struct buf key;
    uint64_t rows;
    uint64_t tied_x, tied_y, tied_both, against; /* pairs of rows */
    double *block, *room;                        /* BLOCK values of y each */
    size_t filled;
    VEC(uint64_t) waiting; /* tree of how many rows of each block have yet to come (Fenwick 1994) */
};

enum { BLOCK = 1 << 15 };

static int discord_row(void *context, const double *row, struct error *e)
{
    struct discord *d = context;
    double x = row[d->columns->x], y = row[d->columns->y];
    if (!isfinite(x) || !isfinite(y))
        return 0;
    d->rows++;
    d->key.len = 0;
    put_number(&d->key, x);
    put_number(&d->key, y);
    return sorter_add(d->by_x, (struct text){d->key.at, d->key.len},
                      (struct text){(const char *)&y, sizeof y}, e);
}

/* Sorts; the number of pairs that stood in the other order. Merging, with room for n. */
static uint64_t swaps_to_sort(double *at, size_t n, double *room)
{
    if (n < 2)
        return 0;
    size_t half = n / 2, i = 0, j = half, out = 0;
    uint64_t swaps = swaps_to_sort(at, half, room) + swaps_to_sort(at + half, n - half, room);
    while (i < half || j < n) {
        bool left = j == n || (i < half && at[i] <= at[j]);
        if (!left)
            swaps += half - i;
        room[out++] = at[left ? i++ : j++];
    }
    memcpy(at, room, n * sizeof *at);
    return swaps;
}

static void close_block(struct discord *d)
{
    d->against += swaps_to_sort(d->block, d->filled, d->room);
    d->filled = 0;
}

/* Pairs of equal keys, counted as they come in order. */
struct ties {
    struct buf last;
    uint64_t equal; /* before the last one */
    bool any;
};

/* The number of keys before this one that equal it. */
static uint64_t ties_see(struct ties *t, struct text key)
{
    bool same = t->any && text_equal(key, (struct text){t->last.at, t->last.len});
    t->equal = same ? t->equal + 1 : 0;
    t->any = true;
    if (!same) {
        t->last.len = 0;
        buf_add(&t->last, key.at, key.len);
    }
    return t->equal;
}

/* Gives rows their places by x and y. */
static int place_rows(struct discord *d, struct error *e)
{
    struct ties x = {0}, both = {0};
    struct text key, payload;
    int got = 0, rc = sorter_finish(d->by_x, e);
    for (uint64_t place = 0; rc == 0 && (got = sorter_next(d->by_x, &key, &payload, e)) > 0;
         place++) {
        double y;
        memcpy(&y, payload.at, sizeof y);
        d->tied_both += ties_see(&both, key);
        d->tied_x += ties_see(&x, (struct text){key.at, sizeof(double)});
        d->block[d->filled++] = y;
        if (d->filled == BLOCK)
            close_block(d);
        d->key.len = 0;
        put_number(&d->key, y);
        key_put_id(&d->key, place);
        rc = sorter_add(d->by_y, (struct text){d->key.at, d->key.len}, (struct text){"", 0}, e);
    }
    close_block(d);
    buf_release(&x.last);
    buf_release(&both.last);
    return rc ? rc : got;
}

static void plant(struct discord *d)
{
    size_t blocks = (size_t)(d->rows / BLOCK) + 1;
    vec_reserve(&d->waiting, blocks + 1);
    d->waiting.len = blocks + 1;
    for (size_t i = 0; i <= blocks; i++)
        d->waiting.at[i] = 0;
    for (size_t i = 1; i <= blocks; i++) {
        size_t up = i + (i & -i);
        d->waiting.at[i] += i < blocks ? BLOCK : d->rows % BLOCK;
        if (up <= blocks)
            d->waiting.at[up] += d->waiting.at[i];
    }
}

/* A row of the block has come: those that wait in the blocks before stand against it. */
static uint64_t come(struct discord *d, size_t block)
{
    uint64_t before = 0;
    for (size_t i = block; i > 0; i -= i & -i)
        before += d->waiting.at[i];
    for (size_t i = block + 1; i < d->waiting.len; i += i & -i)
        d->waiting.at[i]--;
    return before;
}

static int compare_blocks(struct discord *d, struct error *e)
{
    struct ties y = {0};
    struct text key, payload;
    int got = 0, rc = sorter_finish(d->by_y, e);
    plant(d);
    while (rc == 0 && (got = sorter_next(d->by_y, &key, &payload, e)) > 0) {
        d->tied_y += ties_see(&y, (struct text){key.at, key.len - sizeof(uint64_t)});
        d->against += come(d, (size_t)(key_id(key) / BLOCK));
    }
    buf_release(&y.last);
    return rc ? rc : got;
}

int ranks_kendall(const struct rank_columns *c, double *out, struct error *e)
{
    struct discord d = {.columns = c,
                        .by_x = sorter_new(c->memory / 2),
                        .by_y = sorter_new(c->memory / 2),
                        .block = mem_array(NULL, BLOCK, sizeof(double)),
                        .room = mem_array(NULL, BLOCK, sizeof(double))};
    int rc = number_rows_each(c->rows, discord_row, &d, e);
    if (rc == 0)
        rc = place_rows(&d, e);
    if (rc == 0)
        rc = compare_blocks(&d, e);
    double n = (double)d.rows, all = n * (n - 1) / 2;
    double tied_x = (double)d.tied_x, tied_y = (double)d.tied_y;
    double surplus = all - tied_x - tied_y + (double)d.tied_both - 2 * (double)d.against;
    *out = surplus / sqrt((all - tied_x) * (all - tied_y));
    sorter_free(d.by_x);
    sorter_free(d.by_y);
    buf_release(&d.key);
    mem_free(d.block);
    mem_free(d.room);
    vec_release(&d.waiting);
    return rc;
}
