#include "cli/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { ROWS_USUAL = 24, ROWS_LEFT = 2 };

size_t live_rows(void)
{
    struct winsize size = {0};
    const char *term = getenv("TERM");
    if (cli_state.quiet || cli_state.progress != PROGRESS_AUTO || !isatty(STDERR_FILENO) || !term ||
        !*term || strcmp(term, "dumb") == 0)
        return 0;
    size_t rows = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
    rows = rows ? rows : ROWS_USUAL;
    return rows > ROWS_LEFT ? rows - ROWS_LEFT : 0;
}

/* ECMA-48: cursor up, erase to the end of the page; and of DEC: no wrapping, so that a line takes
 * one row however long it is. */
void live_write(struct text above, struct text lines)
{
    struct buf out = {0};
    if (cli_state.live_lines)
        buf_format(&out, "\033[%zuA\r\033[J", cli_state.live_lines);
    if (above.len)
        buf_add(&out, above.at, above.len);
    cli_state.live_lines = 0;
    for (size_t i = 0; i < lines.len; i++)
        cli_state.live_lines += lines.at[i] == '\n';
    if (lines.len)
        buf_format(&out, "\033[?7l%.*s\033[?7h", (int)lines.len, lines.at);
    ssize_t written = out.len ? write(STDERR_FILENO, out.at, out.len) : 0;
    (void)written; /* a terminal that is gone shows nothing */
    buf_release(&out);
}

void live_clear(void)
{
    if (cli_state.live_lines)
        live_write((struct text){NULL, 0}, (struct text){NULL, 0});
}
