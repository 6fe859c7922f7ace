#include "prep/kept.h"

#include "prep/groups.h"
#include "table/rows.h"
#include "table/sorter.h"

enum {
    ROWS_OUT = 4096,
    BYTES_OUT = 512 << 10,
    SLACK = 64, /* readable bytes behind the text of a batch */
};

/* The row that stands for its value. */
struct row {
    struct buf packed;
    uint64_t id, arrival, count; /* count 0: it has left already */
};

/* Both sorters hold rows as id and count, 8 bytes each, and the row, packed. */
struct kept {
    enum kept_which which;
    size_t memory;
    struct groups groups;
    VEC(struct row) rows; /* by group; none while they are only marked */
    size_t held;          /* bytes of the rows */
    struct row_origin origin;
    uint64_t arrivals;      /* from 1 on: 0 is that of rows that have left */
    struct sorter *spilled; /* by value, then arrival; NULL: all are in memory */
    struct sorter *result;  /* by arrival */
    struct buf key, payload;
};

struct kept *kept_new(const struct step *s, enum kept_which which)
{
    struct kept *k = mem_alloc(sizeof *k);
    k->which = which;
    k->arrivals = 1;
    k->memory = (s->context->memory ? s->context->memory : (size_t)1 << 30) / 2;
    return k;
}

static void clear_rows(struct kept *k)
{
    for (size_t i = 0; i < k->rows.len; i++)
        buf_release(&k->rows.at[i].packed);
    vec_release(&k->rows);
    groups_release(&k->groups);
    k->held = 0;
}

void kept_free(struct kept *k)
{
    if (!k)
        return;
    clear_rows(k);
    sorter_free(k->spilled);
    sorter_free(k->result);
    row_origin_release(&k->origin);
    buf_release(&k->key);
    buf_release(&k->payload);
    mem_free(k);
}

static struct text text_in(const struct buf *b)
{
    return (struct text){b->at, b->len};
}

/* key, and behind it the arrival. */
static int put_row(struct kept *k, struct sorter *into, struct text key, const struct row *row,
                   struct error *e)
{
    k->key.len = k->payload.len = 0;
    if (key.len > 0)
        buf_add(&k->key, key.at, key.len);
    key_put_id(&k->key, row->arrival);
    buf_add(&k->payload, &row->id, sizeof row->id);
    buf_add(&k->payload, &row->count, sizeof row->count);
    if (row->packed.len > 0)
        buf_add(&k->payload, row->packed.at, row->packed.len);
    return sorter_add(into, text_in(&k->key), text_in(&k->payload), e);
}

/* No value's bytes begin with those of another, so that equal ones stay together with an arrival
 * behind them. */
static int spill(struct kept *k, struct error *e)
{
    int rc = 0;
    if (!k->spilled)
        k->spilled = sorter_new(k->memory / 2);
    for (size_t i = 0; rc == 0 && i < groups_count(&k->groups); i++) {
        struct row left = {0};
        const struct row *row = i < k->rows.len ? &k->rows.at[i] : &left;
        rc = put_row(k, k->spilled, k->groups.map.keys.at[i], row, e);
    }
    clear_rows(k);
    return rc;
}

/* Between batches: keeps to --memory. */
static int relieve(struct kept *k, struct error *e)
{
    size_t held = map_held(&k->groups.map) + k->rows.cap * sizeof *k->rows.at + k->held;
    return held > k->memory ? spill(k, e) : 0;
}

void kept_batch(struct kept *k, struct batch *b, const size_t *columns, size_t count)
{
    groups_batch(&k->groups, b, columns, count);
}

static void keep_row(struct kept *k, const struct row_packer *packer, size_t row, struct row *into)
{
    k->held -= into->packed.cap;
    into->packed.len = 0;
    row_packer_put(packer, row, &into->packed);
    into->id = batch_row_id(packer->b, row);
    into->arrival = k->arrivals++;
    k->held += into->packed.cap;
}

int kept_add(struct kept *k, struct batch *b, struct error *e)
{
    struct row_packer packer = row_packer(b);
    row_origin_see(&k->origin, b);
    for (size_t r = 0; r < b->rows; r++) {
        size_t group = groups_find(&k->groups, r);
        bool is_new = group == k->rows.len;
        if (is_new) {
            struct row fresh = {0};
            vec_push(&k->rows, fresh);
        }
        struct row *row = &k->rows.at[group];
        row->count++;
        if (is_new || k->which == KEPT_LAST)
            keep_row(k, &packer, r, row);
    }
    return relieve(k, e);
}

/* Whether rows need not be held: keep[r] says whether row r is the first. */
static bool mark_first(struct kept *k, const struct batch *b, uint8_t *keep)
{
    if (k->spilled)
        return false;
    for (size_t r = 0; r < b->rows; r++) {
        size_t known = groups_count(&k->groups);
        keep[r] = groups_find(&k->groups, r) == known;
    }
    return true;
}

int kept_push_first(struct kept *k, struct batch *b, struct emit *out, struct error *e)
{
    uint8_t *keep = batch_array(b, b->rows, 1);
    bool now = mark_first(k, b, keep);
    int rc = now ? relieve(k, e) : kept_add(k, b, e);
    if (rc || !now) {
        batch_free(b);
        return rc;
    }
    batch_filter(b, keep);
    return emit(out, b, e);
}

static int put_result(struct kept *k, const struct row *row, struct error *e)
{
    bool stays = k->which == KEPT_SINGLE ? row->count == 1 : row->count > 0;
    return stays ? put_row(k, k->result, (struct text){NULL, 0}, row, e) : 0;
}

static int move_rows(struct kept *k, struct error *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < k->rows.len; i++) {
        rc = put_result(k, &k->rows.at[i], e);
        buf_release(&k->rows.at[i].packed);
    }
    clear_rows(k);
    return rc;
}

static uint64_t take_word(struct text *record)
{
    uint64_t word;
    memcpy(&word, record->at, sizeof word);
    record->at += sizeof word;
    record->len -= sizeof word;
    return word;
}

/* One more part of the rows of a value, in order of arrival. */
static void add_part(struct kept *k, struct row *sum, bool first, uint64_t arrival,
                     struct text record)
{
    uint64_t id = take_word(&record), count = take_word(&record);
    if (first)
        sum->count = count;
    else if (sum->count > 0)
        sum->count += count;
    if (!first && k->which != KEPT_LAST)
        return;
    sum->id = id;
    sum->arrival = arrival;
    sum->packed.len = 0;
    buf_add(&sum->packed, record.at, record.len);
}

/* Brings the parts of each value together. */
static int reduce(struct kept *k, struct error *e)
{
    struct row sum = {0};
    struct buf value = {0};
    struct text key, record;
    int got = 0, rc = sorter_finish(k->spilled, e);
    bool any = false;
    while (rc == 0 && (got = sorter_next(k->spilled, &key, &record, e)) > 0) {
        uint64_t arrival = key_id(key);
        key.len -= sizeof arrival;
        bool first = !any || !text_equal(key, text_in(&value));
        if (first && any)
            rc = put_result(k, &sum, e);
        if (first) {
            value.len = 0;
            buf_add(&value, key.at, key.len);
        }
        add_part(k, &sum, first, arrival, record);
        any = true;
    }
    if (rc == 0 && got == 0 && any)
        rc = put_result(k, &sum, e);
    buf_release(&value);
    buf_release(&sum.packed);
    return got < 0 ? got : rc;
}

static int order_rows(struct kept *k, struct error *e)
{
    k->result = sorter_new(k->memory / 2);
    int rc = k->spilled ? spill(k, e) : move_rows(k, e);
    if (rc == 0 && k->spilled)
        rc = reduce(k, e);
    sorter_free(k->spilled);
    k->spilled = NULL;
    return rc ? rc : sorter_finish(k->result, e);
}

/* Fills an empty b with the next rows: 1, 0 behind the last, < 0. */
static int produce(struct kept *k, bool counted, struct batch *b, struct error *e)
{
    struct text key, record, *rows = batch_array(b, ROWS_OUT, sizeof *rows);
    uint64_t *ids = batch_array(b, ROWS_OUT, sizeof *ids);
    int64_t *counts = batch_array(b, ROWS_OUT, sizeof *counts);
    size_t n = 0;
    int got = 0;
    while (n < ROWS_OUT && b->text.len < BYTES_OUT &&
           (got = sorter_next(k->result, &key, &record, e)) > 0) {
        ids[n] = take_word(&record);
        counts[n] = (int64_t)take_word(&record);
        rows[n++].len = record.len;
        buf_add(&b->text, record.at, record.len);
    }
    if (got < 0 || n == 0)
        return got;
    buf_reserve(&b->text, SLACK);
    const char *at = b->text.at;
    for (size_t r = 0; r < n; r++) {
        rows[r].at = at;
        at += rows[r].len;
    }
    rows_unpack(b, &k->origin, rows, n, ids);
    if (counted)
        batch_add(b, column_of_int(counts));
    return 1;
}

int kept_emit(struct kept *k, bool counted, struct emit *out, struct error *e)
{
    int rc = order_rows(k, e);
    while (rc == 0) {
        struct batch *b = emit_batch(out);
        int got = produce(k, counted, b, e);
        if (got <= 0) {
            batch_free(b);
            return got;
        }
        rc = emit(out, b, e);
    }
    return rc < 0 ? rc : 0;
}
