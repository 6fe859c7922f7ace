#include "table/json_read.h"

#include "table/json_scan.h"

/* `"name":` as it usually stands, followed by zeros up to a multiple of 16 bytes. */
struct json_key {
    const char *bytes;
    size_t len;
};

/* ---- the schema made ready --------------------------------------------------------------------
 */

void json_input_prepare(struct json_input *in, const struct schema *schema, bool keep_extras)
{
    size_t count = schema->fields.len;
    *in = (struct json_input){.schema = schema, .keep_extras = keep_extras};
    in->keys = arena_alloc(&in->arena, count * sizeof *in->keys);
    struct buf key = {0};
    for (size_t i = 0; i < count; i++) {
        struct text name = text_of(schema->fields.at[i].name);
        map_put(&in->names, name, NULL);
        key.len = 0;
        json_put_string(&key, name.at, name.len);
        buf_putc(&key, ':');
        char *bytes = arena_zero(&in->arena, (key.len + 15) / 16 * 16);
        memcpy(bytes, key.at, key.len);
        in->keys[i] = (struct json_key){bytes, key.len};
    }
    buf_release(&key);
}

void json_input_release(struct json_input *in)
{
    map_release(&in->names);
    arena_release(&in->arena);
}

/* True when the text at p begins with the key. Reads whole blocks of 16 bytes, the next one only
 * when this one was equal: at most 15 bytes beyond the end of the line. */
static inline bool key_stands_at(const struct json_key *k, const char *p)
{
#if defined(__SSE2__)
    for (size_t i = 0; i < k->len; i += 16) {
        __m128i have = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i want = _mm_loadu_si128((const __m128i *)(const void *)(k->bytes + i));
        unsigned differ = ~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(have, want)) & 0xFFFF;
        size_t left = k->len - i;
        if (differ && (left >= 16 || differ << (32 - left)))
            return false;
    }
    return true;
#else
    return strncmp(p, k->bytes, k->len) == 0;
#endif
}

/* ---- rows --------------------------------------------------------------------------------------
 */

struct parser {
    const struct json_input *in;
    struct batch *batch;
    struct text **cells; /* by column; NULL until a row of the chunk has its key */
    uint32_t *seen;      /* by column: 1 + the last row, of those out of order, that had its key */
    size_t columns;
    size_t row;
    size_t next;                 /* the column that should come next */
    bool ordered;                /* so far the row has the first columns of the schema */
    VEC(struct json_item) items; /* of a row that is not ordered */
    struct map extras;           /* keys of the chunk that are no columns, */
    VEC(uint32_t) extra_seen;    /* and 1 + the last row that had each */
    struct buf key;              /* scratch */
    struct json_fault fault;
};

/* Cells nobody sets are missing: all zero. */
static struct text *start_column(struct parser *s, size_t column)
{
    size_t bytes = s->batch->rows * sizeof **s->cells;
    return s->cells[column] = arena_zero(&s->batch->arena, bytes);
}

/* The keys so far were the first columns; from here on each key is noted. */
static void leave_order(struct parser *s)
{
    s->ordered = false;
    s->items.len = 0;
    for (size_t i = 0; i < s->next; i++) {
        s->seen[i] = (uint32_t)s->row + 1;
        vec_push(&s->items, ((struct json_item){NULL, i}));
    }
}

/* The name a key's JSON string (with its quotes) stands for; borrows from the text or s->key. */
static struct text key_name(struct parser *s, const char *quoted, const char *end)
{
    struct text raw = {quoted + 1, (size_t)(end - quoted) - 2};
    if (!memchr(raw.at, '\\', raw.len))
        return raw;
    s->key.len = 0;
    json_unescape(&s->key, raw);
    return (struct text){buf_text(&s->key), s->key.len};
}

/* Notes that this row has the thing numbered `at`; false when it had it before. */
static bool note_once(uint32_t *seen, size_t at, size_t row)
{
    bool first = seen[at] != (uint32_t)row + 1;
    seen[at] = (uint32_t)row + 1;
    return first;
}

/* A key the schema lacks: FIELD_NONE is its column. */
static const char *note_extra(struct parser *s, struct text name, const char *key,
                              const char *value)
{
    if (!s->in->keep_extras)
        return json_fail(&s->fault, key, "a key that earlier records do not have");
    bool is_new;
    size_t number = map_put(&s->extras, name, &is_new);
    if (is_new)
        vec_push(&s->extra_seen, 0);
    if (!note_once(s->extra_seen.at, number, s->row))
        return json_fail(&s->fault, key, "the same key twice in a record");
    vec_push(&s->items, ((struct json_item){key, 0}));
    return value;
}

/* A key that is not the expected one. Returns the place of its value, *column is set; NULL on
 * error. */
static const char *find_key(struct parser *s, const char *key, size_t *column)
{
    if (*key != '"')
        return json_fail(&s->fault, key, "expected a key in double quotes");
    const char *end = json_scan_string(key, &s->fault);
    if (!end)
        return NULL;
    const char *value = json_skip_space(end);
    if (*value != ':')
        return json_fail(&s->fault, value, "expected ':' after the key");
    value++;
    struct text name = key_name(s, key, end);
    *column = map_get(&s->in->names, name);
    if (s->ordered) {
        if (*column == s->next)
            return value;
        leave_order(s);
    }
    if (*column == MAP_NONE)
        return note_extra(s, name, key, value);
    if (!note_once(s->seen, *column, s->row))
        return json_fail(&s->fault, key, "the same key twice in a record");
    vec_push(&s->items, ((struct json_item){NULL, *column}));
    return value;
}

/* The expected key in a row that has left the order. */
static bool take_expected(struct parser *s, const char *key)
{
    if (!note_once(s->seen, s->next, s->row)) {
        (void)json_fail(&s->fault, key, "the same key twice in a record");
        return false;
    }
    vec_push(&s->items, ((struct json_item){NULL, s->next}));
    return true;
}

/* One key and its value; what follows it, or NULL. */
static inline const char *read_member(struct parser *s, const char *p)
{
    const char *key = p;
    size_t column = s->next;
    if (LIKELY(column < s->columns && key_stands_at(&s->in->keys[column], p))) {
        if (UNLIKELY(!s->ordered) && !take_expected(s, p))
            return NULL;
        p += s->in->keys[column].len;
    } else {
        p = find_key(s, p, &column);
        if (!p)
            return NULL;
    }
    p = json_skip_space(p);
    const char *end = json_scan_value(p, &s->fault);
    if (UNLIKELY(!end))
        return NULL;
    if (UNLIKELY(column == FIELD_NONE)) {
        s->items.at[s->items.len - 1].at = (size_t)(end - key);
        return end;
    }
    struct text *cells = s->cells[column];
    if (UNLIKELY(!cells))
        cells = start_column(s, column);
    cells[s->row] = (struct text){p, (size_t)(end - p)};
    s->next = column + 1;
    return end;
}

/* The members of an object; p follows its opening brace. Returns what follows the closing one. */
static inline const char *read_members(struct parser *s, const char *p)
{
    p = json_skip_space(p);
    if (*p == '}')
        return p + 1;
    for (;;) {
        p = read_member(s, p);
        if (UNLIKELY(!p))
            return NULL;
        p = json_skip_space(p);
        if (*p == '}')
            return p + 1;
        if (UNLIKELY(*p != ','))
            return json_fail(&s->fault, p, "expected ',' or '}'");
        p = json_skip_space(p + 1);
    }
}

static bool read_record(struct parser *s, const char *p)
{
    s->ordered = true;
    s->next = 0;
    p = json_skip_space(p);
    if (*p != '{')
        return json_fail(&s->fault, p, "expected an object, one a line") != NULL;
    p = read_members(s, p + 1);
    if (UNLIKELY(!p))
        return false;
    p = json_skip_space(p);
    if (UNLIKELY(*p != '\n'))
        return json_fail(&s->fault, p, "text after the object") != NULL;
    return true;
}

/* ---- a row's own keys --------------------------------------------------------------------------
 */

static struct json_row *layout_of(struct parser *s)
{
    struct batch *b = s->batch;
    if (!b->layout) {
        struct json_layout *layout = arena_zero(&b->arena, sizeof *layout);
        layout->schema = s->in->schema;
        layout->rows = arena_zero(&b->arena, b->rows * sizeof *layout->rows);
        b->layout = layout;
    }
    return &b->layout->rows[s->row];
}

/* Keeps the order of keys of a row that is not as the schema. */
static void keep_layout(struct parser *s)
{
    if (LIKELY(s->ordered && s->next == s->columns))
        return;
    if (s->ordered)
        leave_order(s);
    size_t bytes = s->items.len * sizeof *s->items.at;
    struct json_row *row = layout_of(s);
    row->count = s->items.len;
    row->items = arena_copy(&s->batch->arena, s->items.at, bytes);
}

/* The layout, to be changed; NULL when there is none. */
static struct json_layout *changed_layout(struct batch *b)
{
    if (!b->layout)
        return NULL;
    struct json_layout *layout = arena_copy(&b->arena, b->layout, sizeof *layout);
    b->layout = layout;
    return layout;
}

void batch_drop_extras(struct batch *b)
{
    struct json_layout *layout = changed_layout(b);
    if (layout)
        layout->drop_extras = true;
}

void batch_order_keys(struct batch *b)
{
    struct json_layout *layout = changed_layout(b);
    if (layout && layout->keys != KEYS_COMPLETE)
        layout->keys = KEYS_IN_ORDER;
}

void batch_complete_keys(struct batch *b)
{
    struct json_layout *layout = changed_layout(b);
    if (layout)
        layout->keys = KEYS_COMPLETE;
}

/* ---- chunks ------------------------------------------------------------------------------------
 */

size_t json_last_record_end(const char *text, size_t n)
{
    const char *last = n ? memrchr(text, '\n', n) : NULL;
    return last ? (size_t)(last - text) + 1 : 0;
}

static const char *line_after(const char *p)
{
    return (const char *)rawmemchr(p, '\n') + 1;
}

/* Offsets of the lines of text[0..n) that are not blank, into starts unless it is NULL; their
 * count. */
static size_t find_records(const char *text, size_t n, uint32_t *starts)
{
    size_t count = 0;
    for (const char *p = text; p < text + n; p = line_after(p)) {
        if (*json_skip_space(p) == '\n')
            continue;
        if (starts)
            starts[count] = (uint32_t)(p - text);
        count++;
    }
    return count;
}

bool json_blank_line(const char *text, size_t n)
{
    const char *last = memrchr(text, '\n', n);
    for (const char *p = text; last && p <= last; p = line_after(p))
        if (*json_skip_space(p) == '\n')
            return true;
    return false;
}

size_t json_count_records(const char *text, size_t n)
{
    return find_records(text, n, NULL);
}

/* The chunk ends in a newline even when the file does not; b->text.len stays. */
static void end_last_line(struct buf *text)
{
    buf_reserve(text, JSON_SCAN_SLACK + 1);
    memset(text->at + text->len, 0, JSON_SCAN_SLACK + 1);
    if (text->len == 0 || text->at[text->len - 1] != '\n')
        text->at[text->len] = '\n';
}

/* Puts what is wrong with the current row to the policy. */
static int reject_record(struct parser *s, struct error *e)
{
    struct batch *b = s->batch;
    const char *start = b->text.at + b->row_start[s->row], *at = s->fault.at;
    uint64_t column = (uint64_t)(at - start) + 1;
    size_t rest = (size_t)((const char *)rawmemchr(at, '\n') - at);
    char quoted[QUOTE_MAX];
    if (rest == 0)
        error_set(e, ERR_DATA, "%s", s->fault.what);
    else
        error_set(e, ERR_DATA, "%s: %s", s->fault.what, quote(quoted, at, rest < 24 ? rest : 24));
    e->column = column;
    int status = batch_reject(b, s->row, FIELD_NONE, NULL, e);
    if (status)
        e->column = column;
    for (size_t c = 0; c < s->columns; c++)
        if (s->cells[c])
            s->cells[c][s->row] = (struct text){NULL, 0};
    return status;
}

static int read_records(struct parser *s, struct error *e)
{
    for (s->row = 0; s->row < s->batch->rows; s->row++) {
        if (LIKELY(read_record(s, s->batch->text.at + s->batch->row_start[s->row]))) {
            keep_layout(s);
            continue;
        }
        int status = reject_record(s, e);
        if (status)
            return status;
    }
    return 0;
}

/* Columns whose key no row has share one array of missing cells. */
static void add_columns(struct parser *s)
{
    struct batch *b = s->batch;
    const struct text *absent = NULL;
    for (size_t i = 0; i < s->columns; i++) {
        const struct text *cells = s->cells[i];
        if (!cells && !absent)
            absent = arena_zero(&b->arena, b->rows * sizeof *absent);
        struct column c = {.form = FORM_RAW, .source = (int32_t)i, .text = cells ? cells : absent};
        vec_push(&b->columns, c);
    }
}

int json_parse_chunk(const struct schema *schema, const struct json_input *in, struct batch *b,
                     struct error *e)
{
    struct parser s = {.in = in, .batch = b, .columns = schema->fields.len};
    end_last_line(&b->text);
    b->rows = find_records(b->text.at, b->text.len, NULL);
    uint32_t *starts = batch_array(b, b->rows, sizeof *starts);
    find_records(b->text.at, b->text.len, starts);
    b->row_start = starts;
    b->row_stride = 1;
    s.cells = arena_zero(&b->arena, s.columns * sizeof(struct text *));
    s.seen = arena_zero(&b->arena, s.columns * sizeof *s.seen);
    int status = read_records(&s, e);
    if (!status)
        add_columns(&s);
    vec_release(&s.items);
    vec_release(&s.extra_seen);
    map_release(&s.extras);
    buf_release(&s.key);
    return status;
}
