#include "cli/internal.h"

#include <stdio.h>
#include <unistd.h>

struct cli_state cli_state;

enum { LINE_MAX_BYTES = 4096 }; /* what one write to a pipe keeps together (PIPE_BUF) */

static size_t put_masked(char *to, const char *from, size_t n)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)from[i];
        memcpy(to + 4 * i, "\\x", 2);
        to[4 * i + 2] = hex[byte >> 4];
        to[4 * i + 3] = hex[byte & 15];
    }
    return 4 * n;
}

/* Controls, the second range of them (U+0080 to U+009F) and bad bytes would drive the terminal. */
static bool must_mask(const char *p, size_t n, size_t *used)
{
    uint32_t c = utf8_decode(p, n, used);
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || (c == 0xFFFD && *used == 1);
}

/* A program with a caret under the place of an error follows the message, indented. */
static bool begins_excerpt(const char *p)
{
    return strncmp(p, "\n    ", 5) == 0;
}

static size_t mask(char *out, size_t room, const char *text)
{
    size_t len = 0, n = strlen(text);
    for (size_t i = 0, used; i < n && len + 16 < room; i += used) {
        if (must_mask(text + i, n - i, &used) && !begins_excerpt(text + i)) {
            len += put_masked(out + len, text + i, used);
        } else {
            memcpy(out + len, text + i, used);
            len += used;
        }
    }
    return len;
}

void message_write(const char *prefix, const char *text)
{
    char line[LINE_MAX_BYTES];
    const char *name = cli_state.tool ? cli_state.tool->name : "mlutils";
    int head = snprintf(line, sizeof(line), "%s: %s", name, prefix);
    size_t len = head < 0 ? 0 : (size_t)head;
    len += mask(line + len, sizeof(line) - len, text);
    line[len++] = '\n';
    live_clear();
    ssize_t written = write(STDERR_FILENO, line, len);
    (void)written; /* there is nobody left to tell */
}

int cli_report(const struct error *e)
{
    char text[sizeof(e->file) + sizeof(e->message) + 64];
    error_format(e, text, sizeof(text));
    message_write("", text);
    return -e->code;
}

static void write_formatted(const char *prefix, const char *format, va_list args) PRINTF_LIKE(2, 0);
static void write_formatted(const char *prefix, const char *format, va_list args)
{
    struct buf text = {0};
    buf_vformat(&text, format, args);
    message_write(prefix, buf_text(&text));
    buf_release(&text);
}

int cli_usage(const char *format, ...)
{
    struct buf text = {0};
    va_list args;
    va_start(args, format);
    buf_vformat(&text, format, args);
    va_end(args);
    const char *name = cli_state.command ? cli_state.command->name : NULL;
    buf_format(&text, ": see '%s%s%s --help'", cli_state.tool->name, name ? " " : "",
               name ? name : "");
    message_write("", buf_text(&text));
    buf_release(&text);
    return -ERR_USAGE;
}

void cli_warn(const char *format, ...)
{
    if (cli_state.quiet)
        return;
    va_list args;
    va_start(args, format);
    write_formatted("warning: ", format, args);
    va_end(args);
}

void cli_note(const char *format, ...)
{
    if (!cli_state.verbose)
        return;
    va_list args;
    va_start(args, format);
    write_formatted("", format, args);
    va_end(args);
}

bool cli_quiet(void)
{
    return cli_state.quiet;
}

bool cli_verbose(void)
{
    return cli_state.verbose;
}

const char *cli_home(void)
{
    return cli_state.home;
}
