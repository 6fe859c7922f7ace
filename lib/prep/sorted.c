#include "prep/sorted.h"

#include "sys/sys.h"
#include "table/rows.h"

enum {
    BATCH_ROWS = 4096,
    BATCH_BYTES = 512 << 10,
    SLACK = 64, /* readable bytes behind the text of a batch */
};

struct sorted {
    struct sorter *sorter;
    struct row_origin origin;
    struct row_packer packer;
    struct places places;
    struct buf payload; /* the row's id (8 bytes), the packed row */
    bool has_next;      /* the record that comes next is known: */
    struct text next_key, next_payload;
    struct buf group; /* of the row before it */
};

size_t step_memory_whole(const struct step *s)
{
    return s->context->memory ? s->context->memory : (size_t)1 << 30;
}

size_t step_memory(const struct step *s)
{
    unsigned jobs = s->context->jobs ? s->context->jobs : cpu_count();
    return step_memory_whole(s) / jobs;
}

/* All that comes of one chunk passes one thread, in order. */
void places_batch(struct places *p, const struct batch *b)
{
    if (p->sequence != b->sequence)
        p->next = 0;
    p->sequence = b->sequence;
}

uint64_t places_next(struct places *p)
{
    return p->sequence << 32 | p->next++;
}

struct sorted *sorted_new_sized(size_t memory)
{
    struct sorted *t = mem_alloc(sizeof *t);
    t->sorter = sorter_new(memory);
    return t;
}

struct sorted *sorted_new(const struct step *s)
{
    return sorted_new_sized(step_memory(s));
}

void sorted_batch(struct sorted *t, struct batch *b)
{
    row_origin_see(&t->origin, b);
    t->packer = row_packer(b);
    places_batch(&t->places, b);
}

int sorted_put_packed(struct sorted *t, struct text key, uint64_t id, struct text row,
                      struct error *e)
{
    t->payload.len = 0;
    buf_add(&t->payload, &id, sizeof id);
    buf_add(&t->payload, row.at, row.len);
    return sorter_add(t->sorter, key, (struct text){t->payload.at, t->payload.len}, e);
}

void sorted_origin(struct sorted *t, const struct row_origin *origin)
{
    row_origin_merge(&t->origin, origin);
}

int sorted_put(struct sorted *t, size_t row, struct text key, struct error *e)
{
    uint64_t id = batch_row_id(t->packer.b, row);
    t->payload.len = 0;
    buf_add(&t->payload, &id, sizeof id);
    row_packer_put(&t->packer, row, &t->payload);
    return sorter_add(t->sorter, key, (struct text){t->payload.at, t->payload.len}, e);
}

int sorted_add(struct sorted *t, size_t row, struct buf *key, struct error *e)
{
    key_put_id(key, places_next(&t->places));
    return sorted_put(t, row, (struct text){key->at, key->len}, e);
}

int sorted_merge(struct sorted *into, struct sorted *from, struct error *e)
{
    row_origin_merge(&into->origin, &from->origin);
    return sorter_merge(into->sorter, from->sorter, e);
}

int sorted_finish(struct sorted *t, struct error *e)
{
    return sorter_finish(t->sorter, e);
}

/* Makes the next record known: 1, 0 at the end, < 0. */
static int look(struct sorted *t, struct error *e)
{
    if (t->has_next)
        return 1;
    int got = sorter_next(t->sorter, &t->next_key, &t->next_payload, e);
    t->has_next = got > 0;
    return got;
}

static void take(struct sorted *t, struct batch *b, struct text *row, uint64_t *id)
{
    struct text payload = t->next_payload;
    memcpy(id, payload.at, sizeof *id);
    row->len = payload.len - sizeof *id;
    buf_add(&b->text, payload.at + sizeof *id, row->len);
    t->has_next = false;
}

/* Whether the next record is of another group than the one before; it is the one before then. */
static bool is_other_group(struct sorted *t)
{
    struct text key = {t->next_key.at, t->next_key.len - sizeof(uint64_t)};
    bool other = !text_equal(key, (struct text){t->group.at, t->group.len});
    t->group.len = 0;
    buf_add(&t->group, key.at, key.len);
    return other;
}

/* Takes packed rows one behind the other into b->text. Their number, or < 0. */
static int collect(struct sorted *t, bool *ends, struct batch *b, struct text *rows, uint64_t *ids,
                   struct error *e)
{
    int n = 0, got = 0;
    while ((got = look(t, e)) > 0) {
        bool full = n == BATCH_ROWS || b->text.len >= BATCH_BYTES;
        bool other = ends && n > 0 && is_other_group(t);
        if (other && n >= BATCH_ROWS / 2)
            break;
        if (full) {
            if (ends)
                *ends = other;
            return n;
        }
        if (ends && n == 0)
            (void)is_other_group(t);
        take(t, b, &rows[n], &ids[n]);
        n++;
    }
    if (ends)
        *ends = true;
    return got < 0 ? got : n;
}

static int produce(struct sorted *t, bool *ends, struct batch *b, struct error *e)
{
    struct text *rows = batch_array(b, BATCH_ROWS, sizeof *rows);
    uint64_t *ids = batch_array(b, BATCH_ROWS, sizeof *ids);
    int n = collect(t, ends, b, rows, ids, e);
    if (n <= 0)
        return n;
    buf_reserve(&b->text, SLACK);
    const char *at = b->text.at;
    for (int r = 0; r < n; r++) {
        rows[r].at = at;
        at += rows[r].len;
    }
    rows_unpack(b, &t->origin, rows, (size_t)n, ids);
    return 1;
}

int sorted_produce(struct sorted *t, struct batch *b, struct error *e)
{
    return produce(t, NULL, b, e);
}

int sorted_produce_groups(struct sorted *t, struct batch *b, bool *ends, struct error *e)
{
    return produce(t, ends, b, e);
}

void sorted_free(struct sorted *t)
{
    if (!t)
        return;
    sorter_free(t->sorter);
    row_origin_release(&t->origin);
    buf_release(&t->payload);
    buf_release(&t->group);
    mem_free(t);
}

struct cell_order cell_order(const struct schema *in, size_t column)
{
    enum type type = in->fields.at[column].type;
    struct cell_order o = {.column = column, .as = CELL_TEXT};
    if (type_is_number(type))
        o.as = CELL_NUMBER;
    else if (type == TYPE_TIME)
        o.as = CELL_TIME;
    return o;
}

/* A cell that is still text, as what its column's cells are compared as. */
static void put_text_cell(struct buf *key, struct text v, const struct cell_order *o)
{
    int64_t i = 0;
    double f = 0;
    usec t;
    bool has_offset;
    enum number_kind kind = NUMBER_NONE;
    if (o->as == CELL_NUMBER && v.at)
        kind = number_parse(v.at, v.len, &i, &f);
    if (kind == NUMBER_INT) {
        key_put_int(key, i, o->order);
    } else if (kind == NUMBER_FLOAT)
        key_put_double(key, f, o->order);
    else if (o->as == CELL_TIME && v.at && time_parse(v.at, v.len, &t, &has_offset))
        key_put_time(key, t, o->order);
    else if (o->as == CELL_NATURAL)
        key_put_natural(key, v, o->order);
    else
        key_put_text(key, v, o->order);
}

void key_put_cell(struct buf *key, struct batch *b, size_t row, const struct cell_order *o)
{
    const struct column *c = &b->columns.at[o->column];
    switch (c->form) {
    case FORM_INT:
        key_put_int(key, c->i64[row], o->order);
        break;
    case FORM_FLOAT:
        key_put_double(key, c->f64[row], o->order);
        break;
    case FORM_NUMBER:
        key_put_number(key, c->number[row], o->order);
        break;
    case FORM_TIME:
        key_put_time(key, c->i64[row], o->order);
        break;
    case FORM_VIEW:
    case FORM_RAW:
    case FORM_TEXT:
    case FORM_BOOL:
    case FORM_JSON:
        put_text_cell(key, batch_cell(b, o->column, row), o);
        break;
    }
}

/* Takes ":asc" or ":desc" off the end of an item. */
static void take_direction(struct text *item, bool *descending)
{
    static const char *const suffixes[] = {":asc", ":desc"};
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        size_t n = strlen(suffixes[i]);
        if (item->len > n && memcmp(item->at + item->len - n, suffixes[i], n) == 0) {
            item->len -= n;
            *descending = i == 1;
            return;
        }
    }
}

/* The column of that very name, or those of the selection. */
static int find_columns(struct step *s, const struct schema *in, struct text item, size_t **columns,
                        size_t *count, struct error *e)
{
    size_t column = schema_find(in, item);
    if (column == FIELD_NONE)
        return select_columns(s, item, in, columns, count, e);
    *columns = arena_copy(&s->arena, &column, sizeof column);
    *count = 1;
    return 0;
}

static struct cell_order order_of(const struct schema *in, size_t column, struct cell_order usual,
                                  bool descending)
{
    struct cell_order o = usual;
    o.column = column;
    o.order.descending = descending;
    if (usual.as == CELL_TEXT)
        o.as = cell_order(in, column).as;
    return o;
}

int sort_orders(struct step *s, const char *name, const struct schema *in, struct cell_order usual,
                struct cell_order **orders, size_t *count, struct error *e)
{
    struct text *items;
    size_t n = arg_list(s, name, &items);
    VEC(struct cell_order) found = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct text item = items[i];
        bool descending = usual.order.descending;
        if (schema_find(in, item) == FIELD_NONE)
            take_direction(&item, &descending);
        size_t *columns, columns_count = 0;
        rc = find_columns(s, in, item, &columns, &columns_count, e);
        for (size_t k = 0; rc == 0 && k < columns_count; k++) {
            vec_push(&found, order_of(in, columns[k], usual, descending));
            vec_push(&s->reads, columns[k]);
        }
    }
    *orders = arena_copy(&s->arena, found.at, found.len * sizeof *found.at);
    *count = found.len;
    vec_release(&found);
    return rc;
}
