#include "table/pretty.h"

#include <utf8proc.h>

enum { DEFAULT_MAX_CELL = 40 };

#define ELLIPSIS "\xE2\x80\xA6"
#define RULE     "\xE2\x94\x80" /* a horizontal line */

struct pretty_column {
    size_t width;
    bool to_right;
};

/* Character cells a terminal gives to c. */
static size_t width_of(uint32_t c)
{
    int width = utf8proc_charwidth((utf8proc_int32_t)c);
    return width > 0 ? (size_t)width : 0;
}

static size_t text_width(struct text t)
{
    size_t width = 0, used;
    for (size_t i = 0; i < t.len; i += used)
        width += width_of(utf8_decode(t.at + i, t.len - i, &used));
    return width;
}

static bool moves_cursor(uint32_t c)
{
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF ||
           category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

static void put_visible(struct buf *out, const char *at, size_t n, uint32_t c)
{
    if (!moves_cursor(c))
        buf_add(out, at, n);
    else if (c == '\n' || c == '\r' || c == '\t')
        buf_format(out, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
    else
        for (size_t i = 0; i < n; i++)
            buf_format(out, "\\x%02x", (unsigned char)at[i]);
}

/* The value as it is shown, at most max wide. */
static struct text show(struct arena *arena, struct text value, size_t max)
{
    if (!value.at)
        return (struct text){"", 0};
    if (value.len == 0)
        return TEXT_LITERAL("\"\"");
    struct buf shown = {0};
    size_t width = 0, fits = 0; /* fits: bytes that leave room for the ellipsis */
    for (size_t i = 0, used; i < value.len && width <= max; i += used) {
        size_t before = shown.len;
        uint32_t c = utf8_decode(value.at + i, value.len - i, &used);
        if (c == 0xFFFD && used == 1)
            buf_puts(&shown, "\xEF\xBF\xBD");
        else
            put_visible(&shown, value.at + i, used, c);
        width += text_width((struct text){shown.at + before, shown.len - before});
        if (width < max)
            fits = shown.len;
    }
    if (width > max) {
        shown.len = fits;
        buf_puts(&shown, ELLIPSIS);
    }
    struct text copy = {arena_text(arena, shown.at ? shown.at : "", shown.len), shown.len};
    buf_release(&shown);
    return copy;
}

static void add_cell(struct pretty *p, size_t column, struct text value)
{
    struct text shown = show(&p->arena, value, p->max_cell);
    size_t width = text_width(shown);
    if (width > p->column[column].width)
        p->column[column].width = width;
    vec_push(&p->cells, shown);
}

static void add_header(struct pretty *p, const struct schema *schema)
{
    if (p->max_cell == 0)
        p->max_cell = DEFAULT_MAX_CELL;
    p->columns = schema->fields.len;
    p->column = arena_zero(&p->arena, p->columns * sizeof *p->column);
    for (size_t i = 0; i < p->columns; i++) {
        p->column[i].to_right = type_is_number(schema->fields.at[i].type);
        add_cell(p, i, text_of(schema->fields.at[i].name));
    }
    p->rows = 1;
}

void pretty_add(struct pretty *p, const struct schema *schema, struct batch *b)
{
    if (p->rows == 0)
        add_header(p, schema);
    for (size_t row = 0; row < b->rows; row++)
        for (size_t i = 0; i < p->columns; i++)
            add_cell(p, i, batch_cell(b, i, row));
    p->rows += b->rows;
}

static void put_repeated(struct buf *out, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_puts(out, text);
}

/* Two spaces between columns, none at the end of a line. */
static void put_row(const struct pretty *p, size_t row, struct buf *out)
{
    size_t owed = 0; /* spaces before the next thing to be seen */
    for (size_t i = 0; i < p->columns; i++) {
        struct text cell = p->cells.at[row * p->columns + i];
        size_t space = p->column[i].width - text_width(cell);
        bool to_right = p->column[i].to_right;
        if (cell.len > 0) {
            put_repeated(out, " ", owed + (to_right ? space : 0));
            buf_add(out, cell.at, cell.len);
            owed = to_right ? 0 : space;
        } else {
            owed += space;
        }
        owed += 2;
    }
    buf_putc(out, '\n');
}

static void put_rule(const struct pretty *p, struct buf *out)
{
    for (size_t i = 0; i < p->columns; i++) {
        put_repeated(out, " ", i > 0 ? 2 : 0);
        put_repeated(out, RULE, p->column[i].width);
    }
    buf_putc(out, '\n');
}

void pretty_finish(struct pretty *p, struct buf *out)
{
    for (size_t row = 0; row < p->rows; row++) {
        put_row(p, row, out);
        if (row == 0)
            put_rule(p, out);
    }
    vec_release(&p->cells);
    arena_release(&p->arena);
    *p = (struct pretty){0};
}
