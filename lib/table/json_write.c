#include "table/json_write.h"

#include "table/cells.h"
#include "table/json_read.h"
#include "table/json_scan.h"

/* What the cells of a column are, as far as writing them goes. */
enum cell_kind {
    CELL_JSON,  /* JSON text, as it is */
    CELL_RAW,   /* a raw cell of CSV */
    CELL_VALUE, /* text */
    CELL_INT,
    CELL_FLOAT,
    CELL_NUMBER,
    CELL_BOOL,
    CELL_TIME,
};

struct out_column {
    const struct column *column;
    const char *key; /* `,"name":`, followed by readable bytes up to a multiple of 16 */
    size_t key_len;
    enum cell_kind kind;
    enum type type;   /* what text cells are tried as */
    bool simple;      /* cells in the chunk whose raw text is their value unless quoted */
    bool has_origin;  /* it is a column of the input that layouts know */
    uint32_t written; /* 1 + the last row of those with a layout that had its key */
};

struct job {
    struct batch *batch;
    struct buf *out;
    struct out_column *columns;
    size_t count;
    struct buf keys;
    bool plain; /* raw cells that do not begin with quote_byte are values as they are */
    char quote_byte;
    size_t *place; /* with a layout: by column of the input, the index in columns or FIELD_NONE */
};

static inline void reserve(struct buf *out, size_t n)
{
    if (UNLIKELY(out->cap - out->len < n))
        buf_reserve(out, n);
}

/* Text in the chunk has readable bytes after it. */
static inline bool in_chunk(const struct batch *b, const char *p)
{
    return (uintptr_t)p - (uintptr_t)b->text.at < b->text.len;
}

/* Copies n bytes in blocks of 16; room for them and bytes to read must be there. */
static inline void copy_blocks(char *to, const char *from, size_t n)
{
    for (size_t i = 0; i < n; i += 16)
        memcpy(to + i, from + i, 16);
}

static inline void put_bytes(struct job *j, const char *p, size_t n)
{
    struct buf *out = j->out;
    reserve(out, n + 16);
    if (LIKELY(n <= 64 && in_chunk(j->batch, p)))
        copy_blocks(out->at + out->len, p, n);
    else
        memcpy(out->at + out->len, p, n);
    out->len += n;
}

static inline void put_null(struct job *j)
{
    reserve(j->out, 4);
    memcpy(j->out->at + j->out->len, "null", 4);
    j->out->len += 4;
}

/* A string. Blocks of 16 are copied while they are ASCII that needs no escape; at the first that is
 * not, the careful way is taken from the start. */
static inline void put_string(struct job *j, struct text v)
{
    struct buf *out = j->out;
    reserve(out, v.len + 34);
    char *to = out->at + out->len, spare[16] = {0};
    bool padded = in_chunk(j->batch, v.at);
    *to++ = '"';
    for (size_t i = 0; i < v.len; i += 16) {
        const char *from = v.at + i;
        size_t left = v.len - i;
        if (left < 16 && !padded)
            from = memcpy(spare, from, left);
        unsigned high, special = json_specials(from, &high);
        unsigned mine = left < 16 ? (1U << left) - 1 : 0xFFFF;
        if (UNLIKELY((special | high) & mine)) {
            json_put_string(out, v.at, v.len);
            return;
        }
        memcpy(to + i, from, 16);
    }
    to[v.len] = '"';
    out->len += v.len + 2;
}

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Index of the first byte from i on that is no digit. */
static size_t skip_digits(const char *p, size_t n, size_t i)
{
    while (i < n && is_digit(p[i]))
        i++;
    return i;
}

bool json_is_number(const char *p, size_t n)
{
    size_t start = n > 0 && p[0] == '-';
    size_t i = skip_digits(p, n, start);
    if (i == start || (p[start] == '0' && i > start + 1))
        return false;
    if (i < n && p[i] == '.') {
        start = ++i;
        i = skip_digits(p, n, i);
        if (i == start)
            return false;
    }
    if (i < n && (p[i] | 0x20) == 'e') {
        i++;
        start = i += i < n && (p[i] == '-' || p[i] == '+');
        i = skip_digits(p, n, i);
        if (i == start)
            return false;
    }
    return i == n && n > 0;
}

#if defined(__SSE2__)
/* json_is_number for 1 to 16 bytes with 16 readable. Digits with at most one point among them are
 * settled at once, all else goes the plain way. */
static inline bool is_number_short(const char *p, size_t n)
{
    __m128i block = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i value = _mm_sub_epi8(block, _mm_set1_epi8('0'));
    __m128i digit = _mm_cmpeq_epi8(_mm_min_epu8(value, _mm_set1_epi8(9)), value);
    unsigned mine = (1U << n) - 1;
    unsigned others = ~(unsigned)_mm_movemask_epi8(digit) & mine;
    if (others == 0)
        return p[0] != '0' || n == 1;
    unsigned at = (unsigned)__builtin_ctz(others);
    bool one_point = (others & (others - 1)) == 0 && p[at] == '.' && at > 0 && at < n - 1;
    if (one_point && (p[0] != '0' || at == 1))
        return true;
    return json_is_number(p, n);
}
#else
static bool is_number_short(const char *p, size_t n)
{
    return json_is_number(p, n);
}
#endif

static bool put_if_number(struct job *j, struct text v)
{
    bool is_short = v.len <= 16 && v.len > 0 && in_chunk(j->batch, v.at);
    if (!(is_short ? is_number_short(v.at, v.len) : json_is_number(v.at, v.len)))
        return false;
    put_bytes(j, v.at, v.len);
    return true;
}

static bool put_if_bool(struct job *j, struct text v)
{
    static const struct text words[] = {{"true", 4}, {"false", 5}};
    for (size_t w = 0; w < COUNT_OF(words); w++) {
        size_t same = 0;
        while (same < v.len && same < words[w].len && (v.at[same] | 0x20) == words[w].at[same])
            same++;
        if (same == v.len && same == words[w].len) {
            buf_add(j->out, words[w].at, words[w].len);
            return true;
        }
    }
    return false;
}

/* A JSON value that came as text. Line ends in it, which can only be between its tokens, become
 * spaces. */
static bool put_if_json(struct job *j, struct text v)
{
    struct json_reader reader;
    enum json_token token;
    json_start(&reader, v.at, v.len);
    do
        token = json_next(&reader);
    while (token != JSON_TOKEN_ERROR && token != JSON_TOKEN_DONE);
    if (token == JSON_TOKEN_ERROR || utf8_valid_prefix(v.at, v.len) < v.len)
        return false;
    reserve(j->out, v.len);
    for (size_t i = 0; i < v.len; i++)
        buf_putc(j->out, v.at[i] == '\n' || v.at[i] == '\r' ? ' ' : v.at[i]);
    return true;
}

static inline void put_value(struct job *j, enum type type, struct text v)
{
    bool done = false;
    if (!v.at) {
        put_null(j);
        return;
    }
    if (type == TYPE_INT || type == TYPE_FLOAT)
        done = put_if_number(j, v);
    else if (type == TYPE_BOOL)
        done = put_if_bool(j, v);
    else if (type == TYPE_JSON)
        done = put_if_json(j, v);
    if (!done)
        put_string(j, v);
}

static inline void put_raw(struct job *j, const struct out_column *c, size_t row)
{
    struct text raw = raw_cell(j->batch, c->column, row);
    if (UNLIKELY(!raw.at) || raw.len == 0)
        put_null(j);
    else if (LIKELY(j->plain && raw.at[0] != j->quote_byte))
        put_value(j, c->type, raw);
    else
        put_value(j, c->type, raw_value(j->batch, raw));
}

static void put_int(struct job *j, int64_t i)
{
    char digits[NUMBER_MAX];
    if (i == INT_MISSING)
        put_null(j);
    else
        buf_add(j->out, digits, number_print_int(digits, i));
}

static void put_time(struct job *j, usec t)
{
    char text[TIME_MAX];
    if (t == INT_MISSING) {
        put_null(j);
        return;
    }
    buf_putc(j->out, '"');
    buf_add(j->out, text, time_print(text, t));
    buf_putc(j->out, '"');
}

static void put_number(struct job *j, struct number n)
{
    if (n.is_int)
        put_int(j, n.i);
    else
        json_put_double(j->out, n.f);
}

static void put_bool(struct job *j, uint8_t v)
{
    if (v == BOOL_MISSING)
        put_null(j);
    else
        buf_puts(j->out, v ? "true" : "false");
}

static inline void put_json(struct job *j, struct text v)
{
    if (v.at)
        put_bytes(j, v.at, v.len);
    else
        put_null(j);
}

/* `,"name":value` */
static inline void put_member(struct job *j, const struct out_column *c, size_t row)
{
    struct buf *out = j->out;
    reserve(out, c->key_len + 16);
    copy_blocks(out->at + out->len, c->key, c->key_len);
    out->len += c->key_len;
    switch (c->kind) {
    case CELL_RAW:
        put_raw(j, c, row);
        break;
    case CELL_JSON:
        put_json(j, c->column->text[row]);
        break;
    case CELL_VALUE:
        put_value(j, c->type, c->column->text[row]);
        break;
    case CELL_INT:
        put_int(j, c->column->i64[row]);
        break;
    case CELL_FLOAT:
        json_put_double(out, c->column->f64[row]);
        break;
    case CELL_NUMBER:
        put_number(j, c->column->number[row]);
        break;
    case CELL_BOOL:
        put_bool(j, c->column->b8[row]);
        break;
    case CELL_TIME:
        put_time(j, c->column->i64[row]);
        break;
    }
}

/* The cells there are most of: raw ones of at most 16 bytes in the chunk that are what their
 * column's type says and need no escape. Writes up to 32 bytes at `to` and returns their end; NULL
 * for any other cell. */
static inline char *put_simple(const struct job *j, enum type type, struct text v, char *to)
{
    if (v.len == 0) {
        memcpy(to, "null", 4);
        return to + 4;
    }
    if (v.len > 16 || v.at[0] == j->quote_byte)
        return NULL;
    unsigned high, mine = (1U << v.len) - 1;
    switch (type) {
    case TYPE_INT:
    case TYPE_FLOAT:
        if (!is_number_short(v.at, v.len))
            return NULL;
        memcpy(to, v.at, 16);
        return to + v.len;
    case TYPE_TEXT:
    case TYPE_TIME:
        if ((json_specials(v.at, &high) | high) & mine)
            return NULL;
        *to = '"';
        memcpy(to + 1, v.at, 16);
        to[v.len + 1] = '"';
        return to + v.len + 2;
    default:
        return NULL;
    }
}

/* Whether a row with a layout gets column i though it had no such key: a step added the column, or
 * gave it a value here. */
static bool is_new_member(const struct job *j, size_t i, size_t row)
{
    const struct out_column *c = &j->columns[i];
    bool untouched = c->column->source >= 0;
    return !c->has_origin || (!untouched && !batch_missing(j->batch, i, row));
}

static void put_extra(struct job *j, const struct json_item *item)
{
    if (j->batch->layout->drop_extras)
        return;
    buf_putc(j->out, ',');
    put_bytes(j, item->extra, item->at);
}

/* The column of a member, marked as the row's; NULL when it is gone. */
static struct out_column *own_column(struct job *j, size_t row, const struct json_item *item)
{
    if (item->extra || j->place[item->at] == FIELD_NONE)
        return NULL;
    struct out_column *c = &j->columns[j->place[item->at]];
    c->written = (uint32_t)row + 1;
    return c;
}

/* Its own members as they came, then the new ones. */
static void put_own_members(struct job *j, size_t row, const struct json_row *own)
{
    for (size_t i = 0; i < own->count; i++) {
        const struct out_column *c = own_column(j, row, &own->items[i]);
        if (c)
            put_member(j, c, row);
        else if (own->items[i].extra)
            put_extra(j, &own->items[i]);
    }
    for (size_t i = 0; i < j->count; i++)
        if (j->columns[i].written != (uint32_t)row + 1 && is_new_member(j, i, row))
            put_member(j, &j->columns[i], row);
}

/* Its own and new members, or all columns, in order; then the keys that are no column. */
static void put_members_in_order(struct job *j, size_t row, const struct json_row *own)
{
    bool all = j->batch->layout->keys == KEYS_COMPLETE;
    for (size_t i = 0; i < own->count; i++)
        (void)own_column(j, row, &own->items[i]);
    for (size_t i = 0; i < j->count; i++)
        if (all || j->columns[i].written == (uint32_t)row + 1 || is_new_member(j, i, row))
            put_member(j, &j->columns[i], row);
    for (size_t i = 0; i < own->count; i++)
        if (own->items[i].extra)
            put_extra(j, &own->items[i]);
}

/* All columns in order. The place in the output stays in a register as long as cells are simple. */
static void put_all_members(struct job *j, size_t row)
{
    struct buf *out = j->out;
    char *to = out->at + out->len;
    for (size_t i = 0; i < j->count; i++) {
        const struct out_column *c = &j->columns[i];
        size_t room = out->cap - (size_t)(to - out->at);
        if (c->simple && room >= c->key_len + 48) {
            copy_blocks(to, c->key, c->key_len);
            struct text raw = raw_cell(j->batch, c->column, row);
            char *end = put_simple(j, c->type, raw, to + c->key_len);
            if (LIKELY(end)) {
                to = end;
                continue;
            }
        }
        out->len = (size_t)(to - out->at);
        put_member(j, c, row);
        to = out->at + out->len;
    }
    out->len = (size_t)(to - out->at);
}

/* The layout of a row; NULL when its keys are the schema's. */
static const struct json_row *own_layout(const struct batch *b, size_t row)
{
    if (LIKELY(!b->layout))
        return NULL;
    uint32_t chunk_row = b->kept ? b->kept[row] : (uint32_t)row;
    if (chunk_row == UINT32_MAX || !b->layout->rows[chunk_row].items)
        return NULL;
    return &b->layout->rows[chunk_row];
}

/* The first member's comma becomes the opening brace. */
static void put_row(struct job *j, size_t row)
{
    struct buf *out = j->out;
    size_t start = out->len;
    const struct json_row *own = own_layout(j->batch, row);
    reserve(out, 16);
    if (UNLIKELY(own && j->batch->layout->keys != KEYS_OWN_ORDER))
        put_members_in_order(j, row, own);
    else if (UNLIKELY(own))
        put_own_members(j, row, own);
    else
        put_all_members(j, row);
    reserve(out, 3);
    if (out->len == start)
        out->len++;
    out->at[start] = '{';
    memcpy(out->at + out->len, "}\n", 2);
    out->len += 2;
}

static enum cell_kind kind_of(const struct batch *b, const struct column *c)
{
    switch (c->form) {
    case FORM_VIEW:
        return CELL_RAW;
    case FORM_RAW:
        return b->format && b->format->kind == FORMAT_JSONL ? CELL_JSON : CELL_RAW;
    case FORM_TEXT:
        return CELL_VALUE;
    case FORM_INT:
        return CELL_INT;
    case FORM_FLOAT:
        return CELL_FLOAT;
    case FORM_NUMBER:
        return CELL_NUMBER;
    case FORM_BOOL:
        return CELL_BOOL;
    case FORM_TIME:
        return CELL_TIME;
    case FORM_JSON:
        break;
    }
    return CELL_JSON;
}

/* All keys, one after the other; the room behind them is readable. */
static void make_keys(struct job *j, const struct schema *schema)
{
    size_t *ends = mem_array(NULL, j->count, sizeof *ends);
    for (size_t i = 0; i < j->count; i++) {
        const char *name = schema->fields.at[i].name;
        buf_putc(&j->keys, ',');
        json_put_string(&j->keys, name, strlen(name));
        buf_putc(&j->keys, ':');
        ends[i] = j->keys.len;
    }
    buf_reserve(&j->keys, 16);
    memset(j->keys.at + j->keys.len, 0, 16);
    for (size_t i = 0, start = 0; i < j->count; start = ends[i++]) {
        j->columns[i].key = j->keys.at + start;
        j->columns[i].key_len = ends[i] - start;
    }
    mem_free(ends);
}

/* Finds the input's columns among those of today: by what they hold, or, when a step wrote them
 * anew, by their name. */
static void find_origins(struct job *j, const struct schema *schema)
{
    const struct schema *input = j->batch->layout->schema;
    j->place = mem_array(NULL, input->fields.len, sizeof *j->place);
    for (size_t i = 0; i < input->fields.len; i++)
        j->place[i] = FIELD_NONE;
    for (int anew = 0; anew < 2; anew++)
        for (size_t i = 0; i < j->count; i++) {
            int32_t source = j->columns[i].column->source;
            if ((source < 0) != anew)
                continue;
            size_t from =
                anew ? schema_find(input, text_of(schema->fields.at[i].name)) : (size_t)source;
            if (from >= input->fields.len || j->place[from] != FIELD_NONE)
                continue;
            j->place[from] = i;
            j->columns[i].has_origin = true;
        }
}

static struct job job_start(const struct writer *w, struct batch *b, struct buf *out)
{
    bool has_na = b->policy && b->policy->na_count > 0;
    struct job j = {.batch = b, .out = out, .count = b->columns.len};
    j.plain = b->format && !b->format->backslash && !has_na;
    j.quote_byte = b->format ? b->format->quote : '\0';
    j.columns = mem_alloc(j.count * sizeof *j.columns);
    for (size_t i = 0; i < j.count; i++) {
        struct out_column *c = &j.columns[i];
        c->column = &b->columns.at[i];
        c->kind = kind_of(b, c->column);
        c->simple = j.plain && c->column->form == FORM_VIEW;
        c->type = w->schema->fields.at[i].type;
    }
    make_keys(&j, w->schema);
    if (b->layout)
        find_origins(&j, w->schema);
    return j;
}

static void job_end(struct job *j)
{
    mem_free(j->columns);
    mem_free(j->place);
    buf_release(&j->keys);
}

void json_write_batch(const struct writer *w, struct batch *b, struct buf *out)
{
    struct job j = job_start(w, b, out);
    for (size_t row = 0; row < b->rows; row++)
        put_row(&j, row);
    job_end(&j);
}

void json_write_row(const struct writer *w, struct batch *b, size_t row, struct buf *out)
{
    struct job j = job_start(w, b, out);
    put_row(&j, row);
    job_end(&j);
}
