#include "prep/match.h"
#include "prep/recipe.h"

struct match_key match_key(const struct schema *left, size_t l, const struct schema *right,
                           size_t r)
{
    enum type a = left->fields.at[l].type, b = right->fields.at[r].type;
    struct match_key key = {.left = l, .right = r, .as = MATCH_TEXT};
    if (a == TYPE_TIME && b == TYPE_TIME)
        key.as = MATCH_TIME;
    else if (type_is_number(a) && type_is_number(b) && (a == TYPE_FLOAT || b == TYPE_FLOAT))
        key.as = MATCH_NUMBER; /* integers are equal when their text is */
    return key;
}

static int find(struct step *s, const char *name, struct text column, const struct schema *schema,
                const char *table, size_t *out, struct error *e)
{
    char quoted[QUOTE_MAX], hint[HINT_MAX];
    *out = schema_find(schema, column);
    if (*out != FIELD_NONE)
        return 0;
    return step_error(s, e, "%s: %s has no column %s%s", name, table,
                      quote(quoted, column.at, column.len), column_hint(hint, column, schema));
}

int match_keys(struct step *s, const char *name, const struct schema *left,
               const struct schema *right, struct match_key **keys, size_t *count, struct error *e)
{
    struct text *items;
    *count = arg_list(s, name, &items);
    *keys = arena_alloc(&s->arena, (*count + 1) * sizeof **keys);
    for (size_t i = 0; i < *count; i++) {
        const char *equals = memchr(items[i].at, '=', items[i].len);
        struct text l = items[i], r = items[i];
        if (equals && schema_find(left, l) == FIELD_NONE) {
            l.len = (size_t)(equals - l.at);
            r = (struct text){equals + 1, items[i].len - l.len - 1};
        }
        size_t a, b;
        int rc = find(s, name, l, left, "the table", &a, e);
        if (rc == 0)
            rc = find(s, name, r, right, "the file", &b, e);
        if (rc)
            return rc;
        (*keys)[i] = match_key(left, a, right, b);
        vec_push(&s->reads, a);
    }
    return 0;
}

enum { KEY_MISSING, KEY_TEXT, KEY_INT, KEY_DOUBLE, KEY_TIME };

static void put_word(struct buf *key, char tag, const void *word)
{
    buf_putc(key, tag);
    buf_add(key, word, 8);
}

static void put_text(struct buf *key, struct text v)
{
    uint64_t len = v.len;
    put_word(key, KEY_TEXT, &len);
    buf_add(key, v.at, v.len);
}

/* 2, 2.0 and 2e0 are one key. */
static void put_number(struct buf *key, struct text v)
{
    int64_t i = 0;
    double f = 0;
    enum number_kind kind = number_parse(v.at, v.len, &i, &f);
    const double limit = 0x1p63;
    if (kind == NUMBER_FLOAT && f >= -limit && f < limit && f == (double)(int64_t)f) {
        i = (int64_t)f;
        kind = NUMBER_INT;
    }
    if (kind == NUMBER_INT)
        put_word(key, KEY_INT, &i);
    else if (kind == NUMBER_FLOAT)
        put_word(key, KEY_DOUBLE, &f);
    else
        put_text(key, v);
}

static void put_time(struct buf *key, struct text v)
{
    usec t;
    bool has_offset;
    if (time_parse(v.at, v.len, &t, &has_offset))
        put_word(key, KEY_TIME, &t);
    else
        put_text(key, v);
}

static bool put_cell(const struct match *m, size_t i, struct text v, struct buf *key)
{
    if (!v.at) {
        buf_putc(key, KEY_MISSING);
        return m->missing_matches;
    }
    if (m->keys[i].as == MATCH_NUMBER)
        put_number(key, v);
    else if (m->keys[i].as == MATCH_TIME)
        put_time(key, v);
    else
        put_text(key, v);
    return true;
}

bool match_bytes(const struct match *m, const struct text **cells, size_t row, struct buf *scratch,
                 struct text *key)
{
    if (m->count == 1 && m->keys[0].as == MATCH_TEXT && !m->missing_matches) {
        *key = cells[0][row];
        return key->at != NULL;
    }
    scratch->len = 0;
    for (size_t i = 0; i < m->count; i++)
        if (!put_cell(m, i, cells[i][row], scratch))
            return false;
    *key = (struct text){buf_text(scratch), scratch->len};
    return true;
}

void match_add(struct match *m, struct batch *side)
{
    const struct text **cells = batch_array(side, m->count, sizeof *cells);
    for (size_t i = 0; i < m->count; i++)
        cells[i] = batch_text(side, m->keys[i].right);
    for (size_t r = 0; r < side->rows; r++) {
        struct text key;
        uint32_t group = UINT32_MAX;
        if (match_bytes(m, cells, r, &m->scratch, &key))
            group = (uint32_t)map_put(&m->map, key, NULL);
        vec_push(&m->groups, group);
    }
}

void match_finish(struct match *m)
{
    size_t groups = m->map.keys.len;
    m->starts = mem_alloc((groups + 2) * sizeof *m->starts);
    m->rows = mem_array(NULL, m->groups.len + 1, sizeof *m->rows);
    uint32_t *next = m->starts + 1; /* counts, then where the next row of each group goes */
    m->unique = true;
    for (size_t r = 0; r < m->groups.len; r++)
        if (m->groups.at[r] != UINT32_MAX)
            m->unique &= ++next[m->groups.at[r]] == 1;
    uint32_t sum = 0;
    for (size_t g = 0; g < groups; g++) {
        uint32_t here = next[g];
        next[g] = sum;
        sum += here;
    }
    for (size_t r = 0; r < m->groups.len; r++)
        if (m->groups.at[r] != UINT32_MAX)
            m->rows[next[m->groups.at[r]]++] = (uint32_t)r;
}

size_t match_held(const struct match *m)
{
    return map_held(&m->map) + m->groups.cap * 3 * sizeof *m->groups.at;
}

void match_release(struct match *m)
{
    map_release(&m->map);
    vec_release(&m->groups);
    mem_free(m->starts);
    mem_free(m->rows);
    buf_release(&m->scratch);
    m->starts = m->rows = NULL;
}

struct match_reader match_reader(const struct match *m, struct batch *b)
{
    struct match_reader r = {.match = m, .cells = batch_array(b, m->count, sizeof *r.cells)};
    for (size_t i = 0; i < m->count; i++)
        r.cells[i] = batch_text(b, m->keys[i].left);
    return r;
}

size_t match_find(struct match_reader *r, size_t row)
{
    struct text key;
    if (!match_bytes(r->match, r->cells, row, &r->scratch, &key))
        return MAP_NONE;
    return map_get(&r->match->map, key);
}

void match_reader_release(struct match_reader *r)
{
    buf_release(&r->scratch);
}
