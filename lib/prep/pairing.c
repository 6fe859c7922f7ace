#include "prep/pairing.h"
#include "prep/pairing_rows.h"
#include "prep/sorted.h"
#include "table/rows.h"

#include <math.h>

enum {
    ROWS_OUT = 4096,
    BYTES_OUT = 512 << 10,
    SLACK = 64, /* readable bytes behind the text of a batch */
};

/* A row of one of the tables, in order of keys. */
struct cursor {
    struct sorter *rows;
    struct text key; /* without place and line */
    struct pair_row row;
    bool ended;
};

/* Records on their way:
 *   left, right   key, line and place of a row in its table -> the row (pairing_rows.h)
 *   result        place of the left row and of its partner -> struct head and both
 * A left row is its id (8 bytes) and the row, packed. The cells of a right row are 32-bit lengths
 * and bytes. Right rows without partner have LAST for the left place. */
struct pairing {
    struct pairing_rules rules;
    struct match match; /* for the bytes of keys */
    struct sorter *left, *right, *result;
    struct row_origin origin; /* of the left rows */
    uint64_t left_rows, right_rows;
    size_t *columns, column_count; /* of the side table that are held */
    struct cursor left_at, right_at;
    struct buf group;    /* the key at hand */
    struct buf last_key; /* of the side table, when keys are unique */
    uint64_t last_place;
    bool any_right;
    struct buf key, payload, bytes;
    int (*spans)(void *context, struct batch *b, struct span *out, struct error *e);
};

struct head {
    uint64_t left_bytes, has_partner;
    double score;
};

static const uint64_t LAST = UINT64_MAX;

int point_compare(bool is_time, struct point a, struct point b)
{
    if (is_time)
        return (a.time > b.time) - (a.time < b.time);
    return (a.number > b.number) - (a.number < b.number);
}

bool point_missing(bool is_time, struct point p)
{
    return is_time ? p.time == INT_MISSING : isnan(p.number);
}

struct pairing *pairing_new(const struct step *s, const struct pairing_rules *rules)
{
    struct pairing *p = mem_alloc(sizeof *p);
    size_t share = step_memory_whole(s) / 4, fields = rules->side->schema->fields.len;
    p->rules = *rules;
    p->match.keys = rules->keys;
    p->match.count = rules->key_count;
    p->match.missing_matches = rules->missing_matches;
    p->left = sorter_new(share);
    p->right = sorter_new(share);
    p->result = sorter_new(share);
    p->columns = mem_array(NULL, fields + 1, sizeof *p->columns);
    for (size_t i = 0; i < fields; i++)
        if (rules->wanted[i])
            p->columns[p->column_count++] = i;
    return p;
}

static void free_sorter(struct sorter **s)
{
    sorter_free(*s);
    *s = NULL;
}

void pairing_free(struct pairing *p)
{
    if (!p)
        return;
    free_sorter(&p->left);
    free_sorter(&p->right);
    free_sorter(&p->result);
    row_origin_release(&p->origin);
    mem_free(p->columns);
    buf_release(&p->group);
    buf_release(&p->last_key);
    buf_release(&p->key);
    buf_release(&p->payload);
    buf_release(&p->bytes);
    match_release(&p->match);
    mem_free(p);
}

static struct text text_in(const struct buf *b)
{
    return (struct text){b->at, b->len};
}

static int put_result(struct pairing *p, uint64_t left, uint64_t right, const struct head *head,
                      struct text left_row, struct text right_row, struct error *e)
{
    p->key.len = p->bytes.len = 0;
    key_put_id(&p->key, left);
    key_put_id(&p->key, right);
    buf_add(&p->bytes, head, sizeof *head);
    buf_add(&p->bytes, left_row.at, left_row.len);
    if (right_row.len > 0)
        buf_add(&p->bytes, right_row.at, right_row.len);
    return sorter_add(p->result, text_in(&p->key), text_in(&p->bytes), e);
}

int pairing_put(struct pairing *p, const struct pair_row *left, const struct pair_row *right,
                double score, struct error *e)
{
    struct head head = {left->row.len, right != NULL, score};
    return put_result(p, left->place, right ? right->place : 0, &head, left->row,
                      right ? right->row : (struct text){NULL, 0}, e);
}

static int put_left_alone(struct pairing *p, const struct pair_row *left, struct error *e)
{
    return p->rules.keeps_left ? pairing_put(p, left, NULL, (double)NAN, e) : 0;
}

static int put_right_alone(struct pairing *p, const struct pair_row *right, struct error *e)
{
    static const char no_row[sizeof(uint64_t)];
    struct head head = {sizeof no_row, true, (double)NAN};
    if (!p->rules.keeps_right)
        return 0;
    return put_result(p, LAST, right->place, &head, (struct text){no_row, sizeof no_row},
                      right->row, e);
}

static void put_line(const struct pairing *p, const struct span *span, struct buf *key)
{
    if (p->rules.on_line && p->rules.is_time)
        key_put_time(key, span->low.time, (struct key_order){0});
    else if (p->rules.on_line)
        key_put_double(key, span->low.number, (struct key_order){0});
}

static bool off_line(const struct pairing *p, const struct span *span)
{
    return p->rules.on_line && (point_missing(p->rules.is_time, span->low) ||
                                point_missing(p->rules.is_time, span->high));
}

static int add_row(struct pairing *p, struct sorter *into, struct text key,
                   const struct pair_row *row, struct error *e)
{
    p->key.len = p->bytes.len = 0;
    key_put_text(&p->key, key, (struct key_order){0});
    put_line(p, &row->span, &p->key);
    key_put_id(&p->key, row->place);
    pair_row_put(row, p->rules.on_line, &p->bytes);
    return sorter_add(into, text_in(&p->key), text_in(&p->bytes), e);
}

static const struct text **cells_of(struct batch *b, const size_t *columns, size_t count)
{
    const struct text **cells = batch_array(b, count + 1, sizeof *cells);
    for (size_t i = 0; i < count; i++)
        cells[i] = side_source_cells(b, columns[i]);
    return cells;
}

static void pack_cells(struct pairing *p, const struct text *const *cells, size_t row)
{
    p->payload.len = 0;
    for (size_t i = 0; i < p->column_count; i++) {
        struct text cell = cells[i][row];
        uint32_t length = cell.at ? (uint32_t)cell.len : UINT32_MAX;
        buf_add(&p->payload, &length, sizeof length);
        if (cell.len > 0)
            buf_add(&p->payload, cell.at, cell.len);
    }
}

static int add_side(void *context, struct batch *b, struct error *e)
{
    struct pairing *p = context;
    const struct text **held = cells_of(b, p->columns, p->column_count);
    const struct text **keys = batch_array(b, p->match.count, sizeof *keys);
    struct span *spans = batch_array(b, p->spans ? b->rows : 0, sizeof *spans);
    for (size_t i = 0; i < p->match.count; i++)
        keys[i] = batch_text(b, p->match.keys[i].right);
    const struct text *texts = p->rules.has_text ? batch_text(b, p->rules.right_text) : NULL;
    int rc = p->spans ? p->spans(p->rules.context, b, spans, e) : 0;
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        struct text key;
        pack_cells(p, held, r);
        struct pair_row row = {.place = p->right_rows++, .row = text_in(&p->payload)};
        if (texts)
            row.text = texts[r];
        if (p->spans)
            row.span = spans[r];
        bool has_key = match_bytes(&p->match, keys, r, &p->match.scratch, &key);
        rc = has_key && !off_line(p, &row.span) ? add_row(p, p->right, key, &row, e)
                                                : put_right_alone(p, &row, e);
    }
    return rc;
}

int pairing_load(struct pairing *p,
                 int (*spans)(void *context, struct batch *b, struct span *out, struct error *e),
                 struct error *e)
{
    p->spans = spans;
    return side_scan(p->rules.side, add_side, p, e);
}

int pairing_add(struct pairing *p, struct batch *b, const struct span *spans, struct error *e)
{
    struct match_reader reader = match_reader(&p->match, b);
    struct row_packer packer = row_packer(b);
    const struct text *texts = p->rules.has_text ? batch_text(b, p->rules.left_text) : NULL;
    row_origin_see(&p->origin, b);
    int rc = 0;
    for (size_t r = 0; rc == 0 && r < b->rows; r++) {
        struct text key;
        uint64_t id = batch_row_id(b, r);
        p->payload.len = 0;
        buf_add(&p->payload, &id, sizeof id);
        row_packer_put(&packer, r, &p->payload);
        struct pair_row row = {.place = p->left_rows++, .row = text_in(&p->payload)};
        if (texts)
            row.text = texts[r];
        if (spans)
            row.span = spans[r];
        bool has_key = match_bytes(&p->match, reader.cells, r, &p->match.scratch, &key);
        rc = has_key && !off_line(p, &row.span) ? add_row(p, p->left, key, &row, e)
                                                : put_left_alone(p, &row, e);
    }
    match_reader_release(&reader);
    return rc;
}

/* The key of a record ends with what its row puts behind it. */
static size_t key_tail(struct pairing *p, const struct span *span)
{
    p->key.len = 0;
    put_line(p, span, &p->key);
    return p->key.len + sizeof(uint64_t);
}

/* c has the key that was the side table's last. */
static int check_unique(struct pairing *p, const struct cursor *c, struct error *e)
{
    if (p->any_right && text_equal(c->key, text_in(&p->last_key)))
        return error_set(e, ERR_DATA, "%.200s: rows %llu and %llu have the same key",
                         p->rules.side->path, (unsigned long long)p->last_place + 1,
                         (unsigned long long)c->row.place + 1);
    p->any_right = true;
    p->last_key.len = 0;
    buf_add(&p->last_key, c->key.at, c->key.len);
    p->last_place = c->row.place;
    return 0;
}

static int advance(struct pairing *p, struct cursor *c, struct error *e)
{
    struct text bytes;
    int got = sorter_next(c->rows, &c->key, &bytes, e);
    c->ended = got <= 0;
    if (got <= 0)
        return got;
    pair_row_get(bytes, &c->row);
    c->key.len -= key_tail(p, &c->row.span);
    return p->rules.unique && c == &p->right_at ? check_unique(p, c, e) : 0;
}

static int start(struct pairing *p, struct cursor *c, struct sorter *rows, struct error *e)
{
    *c = (struct cursor){.rows = rows};
    int rc = sorter_finish(rows, e);
    return rc ? rc : advance(p, c, e);
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

static const struct pair_row *row_of_key(const struct pairing *p, const struct cursor *c)
{
    return !c->ended && text_equal(c->key, text_in(&p->group)) ? &c->row : NULL;
}

const struct pair_row *pairing_left(const struct pairing *p)
{
    return row_of_key(p, &p->left_at);
}

const struct pair_row *pairing_right(const struct pairing *p)
{
    return row_of_key(p, &p->right_at);
}

int pairing_next_left(struct pairing *p, struct error *e)
{
    return advance(p, &p->left_at, e);
}

int pairing_next_right(struct pairing *p, struct error *e)
{
    return advance(p, &p->right_at, e);
}

static int merge(struct pairing *p, struct error *e)
{
    struct cursor *left = &p->left_at, *right = &p->right_at;
    int rc = start(p, left, p->left, e);
    if (rc == 0)
        rc = start(p, right, p->right, e);
    while (rc == 0 && !(left->ended && right->ended)) {
        int order = compare(left, right);
        if (order == 0) {
            p->group.len = 0;
            buf_add(&p->group, left->key.at, left->key.len);
            rc = p->rules.pair(p, p->rules.context, e);
            continue;
        }
        rc = order < 0 ? put_left_alone(p, &left->row, e) : put_right_alone(p, &right->row, e);
        if (rc == 0)
            rc = advance(p, order < 0 ? left : right, e);
    }
    return rc;
}

/* The result's record at hand, and rows taken from it for one batch. */
struct reading {
    uint64_t place, right_place; /* of the record */
    struct text record;
    uint64_t last_place, child; /* of the row before; results there were with its left row */
    size_t n, bytes;
    struct text *left, *right;
    uint64_t *ids; /* of right rows alone: their places */
    uint8_t *has;
    double *score;
};

static int next_result(struct pairing *p, struct reading *in, struct error *e)
{
    struct text key;
    int got = sorter_next(p->result, &key, &in->record, e);
    if (got > 0) {
        in->place = key_id((struct text){key.at, sizeof(uint64_t)});
        in->right_place = key_id(key);
    }
    return got;
}

/* The left row goes to b->text, behind those before it; its address is known in the end. */
static void take_result(struct reading *in, struct batch *b)
{
    struct head head;
    uint64_t id;
    memcpy(&head, in->record.at, sizeof head);
    const char *left = in->record.at + sizeof head, *right = left + head.left_bytes;
    size_t right_length = in->record.len - sizeof head - head.left_bytes;
    size_t packed = head.left_bytes - sizeof id;
    in->child = in->place == in->last_place ? in->child + 1 : 0;
    in->last_place = in->place;
    memcpy(&id, left, sizeof id);
    in->ids[in->n] = in->place == LAST ? in->right_place : id + in->child;
    in->has[in->n] = head.has_partner != 0;
    in->score[in->n] = head.score;
    buf_add(&b->text, left + sizeof id, packed);
    in->left[in->n].len = packed;
    in->right[in->n] = (struct text){NULL, 0};
    if (right_length > 0)
        in->right[in->n].at = arena_copy(&b->arena, right, right_length);
    in->bytes += packed + right_length;
    in->n++;
}

/* Results of one kind, until the batch is full. As next_result: what stands there next. */
static int collect(struct pairing *p, struct reading *in, struct batch *b, struct error *e)
{
    bool right_only = in->place == LAST;
    int got;
    in->n = in->bytes = 0;
    in->left = batch_array(b, ROWS_OUT, sizeof *in->left);
    in->right = batch_array(b, ROWS_OUT, sizeof *in->right);
    in->ids = batch_array(b, ROWS_OUT, sizeof *in->ids);
    in->has = batch_array(b, ROWS_OUT, sizeof *in->has);
    in->score = batch_array(b, ROWS_OUT, sizeof *in->score);
    do {
        take_result(in, b);
        got = next_result(p, in, e);
    } while (got > 0 && (in->place == LAST) == right_only && in->n < ROWS_OUT &&
             in->bytes < BYTES_OUT);
    buf_reserve(&b->text, SLACK);
    const char *at = b->text.at;
    for (size_t r = 0; r < in->n; r++) {
        in->left[r].at = at;
        at += in->left[r].len;
    }
    return got;
}

/* The cells of the right rows, by column of the side table. */
static const struct text **unpack_cells(const struct pairing *p, const struct reading *in,
                                        struct batch *b)
{
    const struct text **columns =
        arena_zero(&b->arena, (p->rules.side->schema->fields.len + 1) * sizeof *columns);
    for (size_t i = 0; i < p->column_count; i++) {
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
        columns[p->columns[i]] = cells;
    }
    return columns;
}

static int emit_results(struct pairing *p, struct emit *out, struct error *e)
{
    struct reading in = {.last_place = LAST};
    int rc = 0, got = next_result(p, &in, e);
    while (rc == 0 && got > 0) {
        struct batch *b = emit_batch(out);
        bool right_only = in.place == LAST;
        got = collect(p, &in, b, e);
        struct paired r = {.right_only = right_only,
                           .n = in.n,
                           .places = in.ids,
                           .has = in.has,
                           .score = in.score,
                           .cells = unpack_cells(p, &in, b)};
        if (!right_only)
            rows_unpack(b, &p->origin, in.left, in.n, in.ids);
        rc = p->rules.finish(p->rules.context, b, &r, out, e);
    }
    return got < 0 ? got : rc;
}

int pairing_emit(struct pairing *p, struct emit *out, struct error *e)
{
    int rc = merge(p, e);
    free_sorter(&p->left);
    free_sorter(&p->right);
    if (rc == 0)
        rc = sorter_finish(p->result, e);
    if (rc == 0)
        rc = emit_results(p, out, e);
    return rc < 0 ? rc : 0;
}

void pairing_add_columns(const struct side *side, const struct taken *take, struct batch *b,
                         const struct paired *r)
{
    for (size_t i = 0; i < take->count; i++)
        batch_add(b, side_column(side, r->cells[take->at[i]], r->n, b));
}

void side_alone(const struct side *side, const struct match_key *keys, size_t key_count,
                size_t left_columns, struct batch *b, const uint64_t *places, size_t n,
                const struct text **cells)
{
    struct text *missing = batch_array(b, n, sizeof *missing);
    uint64_t *ids = batch_array(b, n, sizeof *ids);
    for (size_t i = 0; i < n; i++) {
        missing[i] = (struct text){NULL, 0};
        ids[i] = UINT64_C(1) << 63 | places[i] << ROW_ID_SHIFT;
    }
    b->rows = n;
    b->ids = ids;
    b->format = side->format;
    b->part = 1; /* not of the stream's first file */
    b->policy = side->policy;
    for (size_t c = 0; c < left_columns; c++)
        batch_add(b, column_of_text(missing));
    for (size_t i = 0; i < key_count; i++)
        batch_set(b, keys[i].left, side_column(side, cells[keys[i].right], n, b));
}
