#include "prep/join.h"
#include "table/rows.h"
#include "table/sorter.h"
#include "table/tape.h"

enum {
    ROWS_OUT = 4096,
    BYTES_OUT = 512 << 10,
    SLACK = 64, /* readable bytes behind the text of a batch */
};

/* Records on their way:
 *   left, right   key and place of a row in its table -> a left row, the cells of a right one
 *   result        place of the left row and number of its partner -> both
 * A left row is its id (8 bytes) and the row, packed. The cells of a right row are 32-bit lengths
 * and bytes. A result is the length of the left row's part (8 bytes), that part, the right cells
 * (none: no partner). Right rows without partner have the place LAST and their own number. */
struct join_disk {
    const struct join_plan *plan;
    struct match match; /* for the bytes of keys */
    struct sorter *left, *right, *result;
    struct row_origin origin; /* of the left rows */
    uint64_t left_rows, right_rows;
    struct tape *partners;         /* right rows of the key at hand */
    size_t *columns, column_count; /* of the side table that are held */
    struct buf key, payload, group, text;
};

static const uint64_t LAST = UINT64_MAX;

static size_t memory_of(const struct step *s)
{
    return s->context->memory ? s->context->memory : (size_t)1 << 30;
}

struct join_disk *join_disk_new(const struct step *s)
{
    const struct join_plan *plan = s->plan;
    struct join_disk *d = mem_alloc(sizeof *d);
    size_t share = memory_of(s) / 4, fields = plan->side->schema->fields.len;
    d->plan = plan;
    d->match.keys = plan->keys;
    d->match.count = plan->key_count;
    d->left = sorter_new(share);
    d->right = sorter_new(share);
    d->result = sorter_new(share);
    d->partners = tape_new(share);
    d->columns = mem_array(NULL, fields + 1, sizeof *d->columns);
    for (size_t i = 0; i < fields; i++)
        if (plan->wanted[i])
            d->columns[d->column_count++] = i;
    return d;
}

static void free_sorter(struct sorter **s)
{
    sorter_free(*s);
    *s = NULL;
}

void join_disk_free(struct join_disk *d)
{
    if (!d)
        return;
    free_sorter(&d->left);
    free_sorter(&d->right);
    free_sorter(&d->result);
    tape_free(d->partners);
    row_origin_release(&d->origin);
    mem_free(d->columns);
    buf_release(&d->key);
    buf_release(&d->payload);
    buf_release(&d->group);
    buf_release(&d->text);
    match_release(&d->match);
    mem_free(d);
}

/* ---- results -------------------------------------------------------------------------------- */

static struct text text_in(const struct buf *b)
{
    return (struct text){b->at, b->len};
}

/* left: an id and a packed row; child is added to the id. right may be empty. */
static int put_result(struct join_disk *d, uint64_t place, uint64_t child, struct text left,
                      struct text right, struct error *e)
{
    uint64_t length = left.len, id;
    memcpy(&id, left.at, sizeof id);
    id += place == LAST ? 0 : child;
    d->key.len = d->text.len = 0;
    key_put_id(&d->key, place);
    key_put_id(&d->key, child);
    buf_add(&d->text, &length, sizeof length);
    buf_add(&d->text, &id, sizeof id);
    buf_add(&d->text, left.at + sizeof id, left.len - sizeof id);
    buf_add(&d->text, right.at, right.len);
    return sorter_add(d->result, text_in(&d->key), text_in(&d->text), e);
}

/* A left row without a partner. */
static int put_left(struct join_disk *d, uint64_t place, struct text left, struct error *e)
{
    enum join_how how = d->plan->how;
    if (how != JOIN_LEFT && how != JOIN_FULL && how != JOIN_ANTI)
        return 0;
    return put_result(d, place, 0, left, (struct text){NULL, 0}, e);
}

/* A right row without a partner. */
static int put_right(struct join_disk *d, uint64_t place, struct text right, struct error *e)
{
    static const char no_row[sizeof(uint64_t)];
    if (d->plan->how != JOIN_RIGHT && d->plan->how != JOIN_FULL)
        return 0;
    return put_result(d, LAST, place, (struct text){no_row, sizeof no_row}, right, e);
}

/* ---- rows in -------------------------------------------------------------------------------- */

static void put_key(struct join_disk *d, struct text key, uint64_t place)
{
    d->key.len = 0;
    key_put_text(&d->key, key, (struct key_order){0});
    key_put_id(&d->key, place);
}

static const struct text **cells_of(struct batch *b, const size_t *columns, size_t count)
{
    const struct text **cells = batch_array(b, count + 1, sizeof *cells);
    for (size_t i = 0; i < count; i++)
        cells[i] = batch_raw(b, columns[i]);
    return cells;
}

static void pack_cells(struct join_disk *d, const struct text *const *cells, size_t row)
{
    d->payload.len = 0;
    for (size_t i = 0; i < d->column_count; i++) {
        struct text cell = cells[i][row];
        uint32_t length = cell.at ? (uint32_t)cell.len : UINT32_MAX;
        buf_add(&d->payload, &length, sizeof length);
        if (cell.len > 0)
            buf_add(&d->payload, cell.at, cell.len);
    }
}

static int add_side(void *context, struct batch *b, struct error *e)
{
    struct join_disk *d = context;
    const struct text **held = cells_of(b, d->columns, d->column_count);
    const struct text **keys = batch_array(b, d->match.count, sizeof *keys);
    for (size_t i = 0; i < d->match.count; i++)
        keys[i] = batch_text(b, d->match.keys[i].right);
    int rc = 0;
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        struct text key;
        uint64_t place = d->right_rows++;
        pack_cells(d, held, r);
        if (match_bytes(&d->match, keys, r, &d->match.scratch, &key)) {
            put_key(d, key, place);
            rc = sorter_add(d->right, text_in(&d->key), text_in(&d->payload), e);
        } else {
            rc = put_right(d, place, text_in(&d->payload), e);
        }
    }
    return rc;
}

int join_disk_load(struct join_disk *d, struct error *e)
{
    return side_scan(d->plan->side, add_side, d, e);
}

int join_disk_add(struct join_disk *d, struct batch *b, struct error *e)
{
    struct match_reader reader = match_reader(&d->match, b);
    struct row_packer packer = row_packer(b);
    row_origin_see(&d->origin, b);
    int rc = 0;
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        struct text key;
        uint64_t place = d->left_rows++, id = batch_row_id(b, r);
        d->payload.len = 0;
        buf_add(&d->payload, &id, sizeof id);
        row_packer_put(&packer, r, &d->payload);
        if (match_bytes(&d->match, reader.cells, r, &d->match.scratch, &key)) {
            put_key(d, key, place);
            rc = sorter_add(d->left, text_in(&d->key), text_in(&d->payload), e);
        } else {
            rc = put_left(d, place, text_in(&d->payload), e);
        }
    }
    match_reader_release(&reader);
    return rc;
}

/* ---- merging -------------------------------------------------------------------------------- */

/* A row of one of the tables, in order of their keys. */
struct cursor {
    struct sorter *rows;
    struct text key, row;
    uint64_t place;
    bool ended;
};

static int advance(struct cursor *c, struct error *e)
{
    int got = sorter_next(c->rows, &c->key, &c->row, e);
    c->ended = got <= 0;
    if (got <= 0)
        return got;
    c->place = key_id(c->key);
    c->key.len -= sizeof c->place;
    return 0;
}

static int start(struct cursor *c, struct sorter *rows, struct error *e)
{
    *c = (struct cursor){.rows = rows};
    int rc = sorter_finish(rows, e);
    return rc ? rc : advance(c, e);
}

/* Behind the last row every key is larger. */
static int compare(const struct cursor *a, const struct cursor *b)
{
    if (a->ended || b->ended)
        return a->ended - b->ended;
    size_t n = a->key.len < b->key.len ? a->key.len : b->key.len;
    int order = memcmp(a->key.at, b->key.at, n);
    return order ? order : (a->key.len > b->key.len) - (a->key.len < b->key.len);
}

static bool has_key(const struct cursor *c, const struct buf *key)
{
    return !c->ended && text_equal(c->key, text_in(key));
}

/* A left row with all its partners. */
static int put_pairs(struct join_disk *d, const struct cursor *left, struct error *e)
{
    struct text right;
    uint64_t child = 0;
    if (d->plan->how == JOIN_ANTI)
        return 0;
    if (d->plan->how == JOIN_SEMI)
        return put_result(d, left->place, 0, left->row, (struct text){NULL, 0}, e);
    int rc = tape_rewind(d->partners, e);
    while (rc == 0 && (rc = tape_next(d->partners, &right, e)) == 1)
        rc = put_result(d, left->place, child++, left->row, right, e);
    return rc;
}

/* Both stand before the rows of one key, and behind them afterwards. */
static int join_key(struct join_disk *d, struct cursor *left, struct cursor *right, struct error *e)
{
    int rc = 0;
    d->group.len = 0;
    buf_add(&d->group, left->key.at, left->key.len);
    tape_clear(d->partners);
    while (rc == 0 && has_key(right, &d->group)) {
        rc = tape_add(d->partners, right->row, e);
        if (rc == 0)
            rc = advance(right, e);
    }
    while (rc == 0 && has_key(left, &d->group)) {
        rc = put_pairs(d, left, e);
        if (rc == 0)
            rc = advance(left, e);
    }
    return rc;
}

static int merge(struct join_disk *d, struct error *e)
{
    struct cursor left, right;
    int rc = start(&left, d->left, e);
    if (rc == 0)
        rc = start(&right, d->right, e);
    while (rc == 0 && !(left.ended && right.ended)) {
        int order = compare(&left, &right);
        if (order == 0) {
            rc = join_key(d, &left, &right, e);
            continue;
        }
        struct cursor *alone = order < 0 ? &left : &right;
        rc = alone == &left ? put_left(d, left.place, left.row, e)
                            : put_right(d, right.place, right.row, e);
        if (rc == 0)
            rc = advance(alone, e);
    }
    return rc;
}

/* ---- rows out ------------------------------------------------------------------------------- */

/* The result's record at hand, and rows taken from it for one batch. */
struct reading {
    struct text key, record;
    bool right_only;
    size_t n, bytes;
    struct text *left, *right;
    uint64_t *ids; /* of right rows: their numbers */
};

static int next_result(struct join_disk *d, struct reading *in, struct error *e)
{
    int got = sorter_next(d->result, &in->key, &in->record, e);
    if (got > 0)
        in->right_only = key_id((struct text){in->key.at, sizeof(uint64_t)}) == LAST;
    return got;
}

/* The left row goes to b->text, behind those before it; its address is known in the end. */
static void take_result(struct reading *in, struct batch *b)
{
    uint64_t length;
    memcpy(&length, in->record.at, sizeof length);
    const char *left = in->record.at + sizeof length, *right = left + length;
    size_t right_length = in->record.len - sizeof length - length;
    size_t packed = length - sizeof *in->ids;
    memcpy(&in->ids[in->n], left, sizeof *in->ids);
    if (in->right_only)
        in->ids[in->n] = key_id(in->key);
    buf_add(&b->text, left + sizeof *in->ids, packed);
    in->left[in->n].len = packed;
    in->right[in->n] = (struct text){NULL, 0};
    if (right_length > 0)
        in->right[in->n].at = arena_copy(&b->arena, right, right_length);
    in->bytes += packed + right_length;
    in->n++;
}

/* Results of one kind, until the batch is full. As next_result: what stands there next. */
static int collect(struct join_disk *d, struct reading *in, struct batch *b, struct error *e)
{
    bool right_only = in->right_only;
    int got;
    in->n = in->bytes = 0;
    in->left = batch_array(b, ROWS_OUT, sizeof *in->left);
    in->right = batch_array(b, ROWS_OUT, sizeof *in->right);
    in->ids = batch_array(b, ROWS_OUT, sizeof *in->ids);
    do {
        take_result(in, b);
        got = next_result(d, in, e);
    } while (got > 0 && in->right_only == right_only && in->n < ROWS_OUT && in->bytes < BYTES_OUT);
    buf_reserve(&b->text, SLACK);
    const char *at = b->text.at;
    for (size_t r = 0; r < in->n; r++) {
        in->left[r].at = at;
        at += in->left[r].len;
    }
    return got;
}

/* The cells of the right rows, by column of the side table. */
static const struct text **unpack_cells(const struct join_disk *d, const struct reading *in,
                                        struct batch *b)
{
    const struct text **columns =
        batch_array(b, d->plan->side->schema->fields.len, sizeof *columns);
    for (size_t i = 0; i < d->column_count; i++) {
        struct text *cells = batch_array(b, in->n, sizeof *cells);
        for (size_t r = 0; r < in->n; r++) {
            const char *at = in->right[r].at;
            uint32_t length = UINT32_MAX;
            if (at)
                memcpy(&length, at, sizeof length);
            bool missing = length == UINT32_MAX;
            cells[r] = missing ? (struct text){NULL, 0} : (struct text){at + sizeof length, length};
            if (at)
                in->right[r].at = at + sizeof length + cells[r].len;
        }
        columns[d->columns[i]] = cells;
    }
    return columns;
}

static void fill(const struct join_disk *d, const struct reading *in, bool right_only,
                 struct batch *b)
{
    const struct join_plan *plan = d->plan;
    const struct text **cells = unpack_cells(d, in, b);
    if (right_only)
        join_right_only(plan, b, in->ids, in->n);
    else
        rows_unpack(b, &d->origin, in->left, in->n, in->ids);
    for (size_t i = 0; i < plan->key_count && right_only; i++)
        batch_set(b, plan->keys[i].left,
                  side_column(plan->side, cells[plan->keys[i].right], in->n, b));
    for (size_t i = 0; i < plan->take.count; i++)
        batch_add(b, side_column(plan->side, cells[plan->take.at[i]], in->n, b));
}

static int emit_results(struct join_disk *d, struct emit *out, struct error *e)
{
    struct reading in = {0};
    int rc = 0, got = next_result(d, &in, e);
    while (rc == 0 && got > 0) {
        struct batch *b = emit_batch(out);
        bool right_only = in.right_only;
        got = collect(d, &in, b, e);
        fill(d, &in, right_only, b);
        rc = emit(out, b, e);
    }
    return got < 0 ? got : rc;
}

int join_disk_emit(struct join_disk *d, struct emit *out, struct error *e)
{
    int rc = merge(d, e);
    free_sorter(&d->left);
    free_sorter(&d->right);
    tape_free(d->partners);
    d->partners = NULL;
    if (rc == 0)
        rc = sorter_finish(d->result, e);
    if (rc == 0)
        rc = emit_results(d, out, e);
    return rc < 0 ? rc : 0;
}
