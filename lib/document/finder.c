#include "document/tree.h"

void finder_start(struct finder *f, struct text bytes)
{
    *f = (struct finder){.start = bytes.at, .at = bytes.at, .line_start = bytes.at, .line = 1};
    f->end = bytes.at + bytes.len;
}

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

/* Over the byte at f->at. */
static inline void pass(struct finder *f)
{
    char c = *f->at++;
    f->characters += begins_character(c);
    if (c == '\n' || (c == '\r' && (f->at == f->end || *f->at != '\n'))) {
        f->line++;
        f->line_start = f->at;
    }
}

static struct place place_reached(const struct finder *f)
{
    return (struct place){f->line, (uint32_t)(f->at - f->line_start) + 1};
}

static void start_again(struct finder *f)
{
    finder_start(f, (struct text){f->start, (size_t)(f->end - f->start)});
}

struct place finder_byte(struct finder *f, size_t number)
{
    if (number < (size_t)(f->at - f->start))
        start_again(f);
    while (f->at < f->end && (size_t)(f->at - f->start) < number)
        pass(f);
    return place_reached(f);
}

struct place finder_character(struct finder *f, size_t number)
{
    if (number < f->characters)
        start_again(f);
    while (f->at < f->end && (f->characters < number || !begins_character(*f->at)))
        pass(f);
    return place_reached(f);
}
