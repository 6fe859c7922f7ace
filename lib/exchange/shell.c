/* What a step does, in the language of sh (POSIX.1-2017, XCU 2). */
#include "exchange/export.h"

#include <stdio.h>

/* ---- words ---- */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_-./+,:@%", c));
}

static void put_quoted(struct buf *b, struct text word)
{
    buf_putc(b, '\'');
    for (size_t i = 0; i < word.len; i++)
        if (word.at[i] == '\'')
            buf_puts(b, "'\\''");
        else
            buf_putc(b, word.at[i]);
    buf_putc(b, '\'');
}

void shell_put_word(struct buf *b, struct text word)
{
    bool plain = word.len > 0;
    for (size_t i = 0; i < word.len && plain; i++)
        plain = is_plain(word.at[i]);
    if (plain)
        buf_add(b, word.at, word.len);
    else
        put_quoted(b, word);
}

/* A word of several lines, on one: $nl is a line feed. */
static void put_lines(struct buf *b, struct text word)
{
    const char *at = word.at, *end = word.at + word.len;
    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((line ? line : end) - at);
        if (n)
            put_quoted(b, (struct text){at, n});
        if (line)
            buf_puts(b, "\"$nl\"");
        at += n + 1;
    }
}

/* A command substitution loses line feeds at its end. */
static void put_line_feed(struct buf *b, const struct step *s, unsigned parts)
{
    bool needed =
        (s->script && strchr(s->script, '\n')) || (s->message && strchr(s->message, '\n'));
    for (char **at = s->argv; at && *at; at++)
        needed = needed || strchr(*at, '\n');
    for (char **at = s->environment; at && *at; at++)
        needed = needed || strchr(*at, '\n');
    if (needed && (parts & SHELL_ONE_LINE))
        buf_puts(b, "nl=$(printf '\\n.') && nl=${nl%.} && ");
}

static void put_word(struct buf *b, const char *word, unsigned parts)
{
    struct text text = text_of(word);
    if ((parts & SHELL_ONE_LINE) && memchr(text.at, '\n', text.len))
        put_lines(b, text);
    else
        shell_put_word(b, text);
}

/* ---- the command ---- */

long long whole_seconds(usec t)
{
    return t <= USEC_SECOND ? 1 : (t + USEC_SECOND - 1) / USEC_SECOND;
}

static void put_seconds(struct buf *b, usec t)
{
    char room[40];
    int n = snprintf(room, sizeof room, "%lld.%06lld", (long long)(t / USEC_SECOND),
                     (long long)(t % USEC_SECOND));
    while (room[n - 1] == '0')
        n--;
    buf_add(b, room, (size_t)(room[n - 1] == '.' ? n - 1 : n));
}

static void put_message(struct buf *b, const struct step *s, unsigned parts)
{
    buf_puts(b, "{ printf '%s\\n' ");
    put_word(b, s->message, parts);
    buf_puts(b, " >&2; exit 1; }");
}

/* What stands before the command: the variables and the limit of time. */
static bool put_prefix(struct buf *b, const struct step *s, unsigned parts)
{
    bool variables = (parts & SHELL_ENVIRONMENT) && *s->environment;
    bool limited = (parts & SHELL_TIMEOUT) && s->entry->timeout;
    if (variables)
        buf_puts(b, "env ");
    for (char **at = s->environment; variables && *at; at++) {
        put_word(b, *at, parts);
        buf_putc(b, ' ');
    }
    if (limited) {
        buf_puts(b, "timeout -k 30 ");
        put_seconds(b, s->entry->timeout);
        buf_putc(b, ' ');
    }
    return variables || limited;
}

void shell_put_command(struct buf *b, const struct step *s, unsigned parts)
{
    put_line_feed(b, s, parts);
    if (s->entry->kind == STEP_FAIL) {
        put_message(b, s, parts);
        return;
    }
    if (s->entry->directory) {
        buf_puts(b, "(cd ");
        put_word(b, s->entry->directory, parts);
        buf_puts(b, " && ");
    }
    bool prefix = put_prefix(b, s, parts);
    if (s->script) {
        buf_puts(b, "sh -c ");
        put_word(b, s->script, parts);
    } else if (!prefix) { /* a program, not what the shell has of that name */
        buf_puts(b, "env ");
    }
    for (char **at = s->argv; at && *at; at++) {
        buf_puts(b, at == s->argv ? "" : " ");
        put_word(b, *at, parts);
    }
    buf_puts(b, s->entry->directory ? " </dev/null)" : " </dev/null");
}

/* ---- its files ---- */

static struct text folder_of(struct text path)
{
    while (path.len > 0 && path.at[path.len - 1] != '/')
        path.len--;
    return path.len > 1 ? (struct text){path.at, path.len - 1} : (struct text){path.at, 0};
}

/* A path that begins with a hyphen is no option. */
static void put_path(struct buf *b, struct text path)
{
    struct buf whole = {0};
    if (path.at[0] == '-')
        buf_puts(&whole, "./");
    buf_add(&whole, path.at, path.len);
    shell_put_word(b, (struct text){whole.at, whole.len});
    buf_release(&whole);
}

void shell_put_folders(struct buf *b, const struct pipeline *p, const struct step *s)
{
    struct map seen = {0};
    for (uint32_t k = 0; k < s->out_count; k++) {
        struct text folder = folder_of(p->paths[s->out[k]]);
        bool is_new = false;
        if (folder.len)
            map_put(&seen, folder, &is_new);
        if (!is_new)
            continue;
        buf_puts(b, seen.keys.len == 1 ? "mkdir -p " : " ");
        put_path(b, folder);
    }
    map_release(&seen);
}

static void put_each(struct buf *b, const struct pipeline *p, const struct step *s,
                     const char *body)
{
    buf_puts(b, "for f in");
    for (uint32_t k = 0; k < s->out_count; k++) {
        buf_putc(b, ' ');
        put_path(b, p->paths[s->out[k]]);
    }
    buf_format(b, "; do %s; done", body);
}

void shell_put_clear(struct buf *b, const struct pipeline *p, const struct step *s)
{
    if (s->out_count)
        put_each(b, p, s, "test -d \"$f\" || rm -f \"$f\"");
}

void shell_put_check(struct buf *b, const struct pipeline *p, const struct step *s)
{
    if (s->out_count)
        put_each(b, p, s, "test -e \"$f\" || { echo \"it did not make $f\" >&2; exit 1; }");
}

/* ---- all of it ---- */

/* One attempt, in a shell of its own: the check leaves it by exit. */
static void put_attempt(struct buf *b, const struct pipeline *p, const struct step *s,
                        unsigned parts)
{
    const char *end = parts & SHELL_ONE_LINE ? "; " : "\n";
    bool files = (parts & SHELL_FILES) && s->out_count;
    if (files) {
        buf_puts(b, parts & SHELL_ONE_LINE ? "( " : "(\n");
        shell_put_clear(b, p, s);
        buf_puts(b, end);
    }
    shell_put_command(b, s, parts);
    if (!files)
        return;
    buf_puts(b, parts & SHELL_ONE_LINE ? " && " : " &&\n");
    shell_put_check(b, p, s);
    buf_puts(b, parts & SHELL_ONE_LINE ? " ) || { s=$?; " : "\n) || {\ns=$?\n");
    shell_put_clear(b, p, s);
    buf_format(b, "%s(exit $s)%s}", end, end);
}

static void put_pauses(struct buf *b, const struct step_entry *s)
{
    double pause = (double)s->interval;
    for (unsigned i = 1; i < s->attempts; i++) {
        buf_putc(b, ' ');
        put_seconds(b, pause < 1e15 ? (usec)pause : (usec)1e15);
        if (pause < 1e15)
            pause *= s->backoff;
    }
}

void shell_put_step(struct buf *b, const struct pipeline *p, const struct step *s, unsigned parts)
{
    const char *end = parts & SHELL_ONE_LINE ? "; " : "\n", *start = end[0] == ';' ? " " : end;
    size_t before = b->len;
    if (parts & SHELL_FILES)
        shell_put_folders(b, p, s);
    if (b->len > before)
        buf_puts(b, " && ");
    if (!(parts & SHELL_RETRY) || s->entry->attempts < 2) {
        buf_format(b, "{%s", start);
        put_attempt(b, p, s, parts);
        buf_format(b, "%s}", end);
        return;
    }
    buf_format(b, "(%sattempt() {%s", start, start);
    put_attempt(b, p, s, parts);
    buf_format(b, "%s}%sfor pause in", end, end);
    put_pauses(b, s->entry);
    buf_format(b, "; do attempt && exit; sleep \"$pause\"; done%sattempt )", end);
}
