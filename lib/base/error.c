#include "base/base.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { QUOTE_BYTES = 60 };

int error_set(struct error *e, int code, const char *format, ...)
{
    if (!e)
        return code;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(e->message, sizeof(e->message), format, args);
    va_end(args);
    return e->code = code;
}

int error_errno(struct error *e, const char *format, ...)
{
    int number = errno;
    if (!e)
        return ERR_SYSTEM;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(e->message, sizeof(e->message), format, args);
    va_end(args);
    size_t len = strlen(e->message);
    (void)snprintf(e->message + len, sizeof(e->message) - len, ": %s", strerror(number));
    return e->code = ERR_SYSTEM;
}

/* The end of a path says more than its beginning. */
static void copy_file(char *out, size_t size, const char *file)
{
    size_t len = strlen(file);
    if (len < size) {
        memcpy(out, file, len + 1);
        return;
    }
    memcpy(out, "...", 3);
    memcpy(out + 3, file + len - (size - 4), size - 3);
}

int error_at(struct error *e, const char *file, uint64_t line, uint64_t column)
{
    if (!e)
        return ERR_DATA; /* the caller failed: never say 0 */
    if (file && file != e->file)
        copy_file(e->file, sizeof(e->file), file);
    e->line = line;
    e->column = column;
    return e->code;
}

void error_format(const struct error *e, char *text, size_t size)
{
    const char *file = e->file[0] ? e->file : "line";
    char separator = e->file[0] ? ':' : ' ';
    if (e->line && e->column)
        (void)snprintf(text, size, "%s%c%" PRIu64 ":%" PRIu64 ": %s", file, separator, e->line,
                       e->column, e->message);
    else if (e->line)
        (void)snprintf(text, size, "%s%c%" PRIu64 ": %s", file, separator, e->line, e->message);
    else if (e->file[0])
        (void)snprintf(text, size, "%s: %s", e->file, e->message);
    else
        (void)snprintf(text, size, "%s", e->message);
}

/* Controls of both ranges: the second (U+0080 to U+009F) drives terminals as well. */
static bool printable(uint32_t c)
{
    return c >= 0x20 && (c < 0x7F || c > 0x9F);
}

const char *quote(char out[static QUOTE_MAX], const char *text, size_t len)
{
    static const char hex[] = "0123456789ABCDEF";
    char *to = out;
    *to++ = '\'';
    size_t i = 0;
    while (i < len) {
        size_t used;
        uint32_t c = utf8_decode(text + i, len - i, &used);
        if (i + used > QUOTE_BYTES)
            break;
        bool bad_byte = c == 0xFFFD && used == 1;
        bool plain = printable(c) && !bad_byte;
        for (; used > 0; used--, i++) {
            unsigned char byte = (unsigned char)text[i];
            if (plain) {
                *to++ = (char)byte;
                continue;
            }
            *to++ = '\\';
            *to++ = 'x';
            *to++ = hex[byte >> 4];
            *to++ = hex[byte & 15];
        }
    }
    if (i < len) {
        memcpy(to, "...", 3);
        to += 3;
    }
    *to++ = '\'';
    *to = '\0';
    return out;
}
