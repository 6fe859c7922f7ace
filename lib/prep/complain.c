/* Errors that point into a program, and what was probably meant. */
#include "cli/cli.h"
#include "prep/recipe.h"

enum { EXCERPT_MAX = 72 };

struct place {
    uint64_t line;
    size_t column; /* 0-based byte in the line */
    struct text text;
};

static struct place place_of(struct text program, size_t offset)
{
    struct place p = {.line = 1};
    size_t start = 0;
    for (size_t i = 0; i < offset; i++)
        if (program.at[i] == '\n') {
            p.line++;
            start = i + 1;
        }
    const char *end = memchr(program.at + start, '\n', program.len - start);
    p.text.at = program.at + start;
    p.text.len = end ? (size_t)(end - p.text.at) : program.len - start;
    p.column = offset - start;
    return p;
}

static bool continues(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* The line around the place, and a caret under it: whole characters, no controls. */
static void put_excerpt(struct buf *out, const struct place *p)
{
    size_t from = p->column > EXCERPT_MAX - 12 ? p->column - EXCERPT_MAX / 2 : 0;
    while (from < p->column && continues(p->text.at[from]))
        from++;
    size_t to = p->text.len - from > EXCERPT_MAX ? from + EXCERPT_MAX : p->text.len;
    while (to > p->column + 1 && to < p->text.len && continues(p->text.at[to]))
        to--;
    buf_puts(out, "\n    ");
    for (size_t i = from; i < to; i++) {
        unsigned char c = (unsigned char)p->text.at[i];
        buf_putc(out, c < 0x20 || c == 0x7F ? ' ' : (char)c);
    }
    buf_puts(out, "\n    ");
    for (size_t n = utf8_length(p->text.at + from, p->column - from); n > 0; n--)
        buf_putc(out, ' ');
    buf_putc(out, '^');
}

int program_error(const struct recipe *r, size_t offset, struct error *e, const char *format, ...)
{
    char message[480];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    struct place p = place_of(r->program, offset < r->program.len ? offset : r->program.len);
    struct buf excerpt = {0};
    put_excerpt(&excerpt, &p);
    (void)error_set(e, ERR_USAGE, "%s%s", message, buf_text(&excerpt));
    (void)error_at(e, NULL, p.line, p.column + 1);
    buf_release(&excerpt);
    return ERR_USAGE;
}

const char *nearest_hint(char out[static HINT_MAX], struct text word, const char *const *names,
                         size_t count)
{
    char *terminated = mem_text_n(word.at, word.len);
    const char *near = cli_nearest(terminated, names, count);
    mem_free(terminated);
    char quoted[QUOTE_MAX];
    out[0] = '\0';
    if (near)
        (void)snprintf(out, HINT_MAX, ": did you mean %s?", quote(quoted, near, strlen(near)));
    return out;
}

const char *column_hint(char out[static HINT_MAX], struct text word, const struct schema *schema)
{
    size_t count = schema->fields.len;
    const char **names = mem_array(NULL, count + 1, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = schema->fields.at[i].name;
    nearest_hint(out, word, names, count);
    mem_free(names);
    return out;
}
