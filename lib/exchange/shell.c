/* What a step does, in the language of sh (POSIX.1-2017, XCU 2). */
#include "exchange/export.h"

#include <stdio.h>

/* ---- words ---- */

void shell_put_in_quotes(struct buf *b, struct text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == '\'')
            buf_puts(b, "'\\''");
        else
            buf_putc(b, text.at[i]);
}

static void put_quoted(struct buf *b, struct text word)
{
    buf_putc(b, '\'');
    shell_put_in_quotes(b, word);
    buf_putc(b, '\'');
}

/* The first word with an equals sign would be no program. */
void shell_put_word(struct buf *b, struct text word)
{
    if (word.len && memchr(word.at, '=', word.len))
        put_quoted(b, word);
    else
        buf_put_word(b, word);
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

/* ---- parameters and conditions ---- */

void shell_put_script(struct buf *b, const struct exporting *x, struct text script)
{
    struct text plain;
    uint32_t i;
    while (export_next(&script, &plain, &i)) {
        buf_add(b, plain.at, plain.len);
        if (i != PARAMETER_NONE)
            buf_format(b, "'\"$%s\"'", x->variables[i]);
    }
}

void shell_put_conditions(struct buf *b, const struct exporting *x, uint32_t step)
{
    const struct export_when *w = &x->when[step];
    for (uint32_t i = 0; i < w->count; i++)
        buf_format(b, "%s%s", i ? " && " : "", x->conditions.at[w->at[i]].shell);
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
        struct text path = p->paths[s->out[k]];
        struct text folder = export_has_mark(path) ? path : folder_of(path);
        bool is_new = false;
        if (folder.len)
            map_put(&seen, folder, &is_new);
        if (!is_new)
            continue;
        buf_puts(b, seen.keys.len == 1 ? "mkdir -p " : " ");
        buf_puts(b, export_has_mark(path) ? "\"$(dirname " : "");
        put_path(b, folder);
        buf_puts(b, export_has_mark(path) ? ")\"" : "");
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

/* ---- again ---- */

/* What a shell can tell apart, by the status. */
static const char classes_by_status[] = "case $s in 5|75) c=temporary ;; 124) c=timeout ;; "
                                        "129|1[3-9][0-9]|2[0-9][0-9]) c=killed ;; *) c=error ;; "
                                        "esac";
enum { PAUSES_MAX = 1000 };

static bool is_told_by_status(enum job_class class)
{
    return class == JOB_FAILED || class == JOB_THROTTLED || class == JOB_INTERNAL ||
           class == JOB_TIMED_OUT;
}

static bool is_for_all(const struct retry *r)
{
    return r->classes == RETRY_ANY;
}

/* Each is one of sleep. Without a number of attempts there are as many as fit in the time. */
static void put_pauses(struct buf *b, const struct retry *r)
{
    double pause = (double)r->interval, sum = 0, longest = 1e15;
    for (unsigned i = 1; i < r->attempts && i <= PAUSES_MAX; i++) {
        sum += pause;
        if (r->expires && sum > (double)r->expires)
            break;
        put_seconds(b, pause < longest ? (usec)pause : (usec)longest);
        buf_putc(b, ' ');
        if (pause < longest)
            pause *= r->backoff;
    }
}

/* Of a case of "$s:$c". */
static void put_patterns(struct buf *b, const struct retry *r)
{
    const char *before = "";
    if (is_for_all(r))
        buf_putc(b, '*');
    for (unsigned class = JOB_FAILED; class < JOB_CLASSES && !is_for_all(r); class ++)
        if ((r->classes >> class & 1) && is_told_by_status(class)) {
            buf_format(b, "%s*:%s", before, job_class_name(class));
            before = "|";
        }
    for (const uint8_t *at = is_for_all(r) ? NULL : r->statuses; at && *at; at++) {
        buf_format(b, "%s%u:*", before, *at);
        before = "|";
    }
    if (!*before && !is_for_all(r))
        buf_puts(b, "''"); /* it is for nothing that a shell could see */
}

bool shell_tries_again(const struct step_entry *s)
{
    for (uint32_t i = 0; i < s->retry_count; i++)
        if (s->retries[i].attempts > 1)
            return true;
    return false;
}

void shell_warn_of_retries(struct exporting *x, const struct step *s)
{
    for (uint32_t i = 0; i < s->entry->retry_count; i++) {
        const struct retry *r = &s->entry->retries[i];
        for (unsigned class = JOB_FAILED; class < JOB_CLASSES && !is_for_all(r); class ++)
            if ((r->classes >> class & 1) && !is_told_by_status(class))
                export_warn(x, s, "retry: a shell cannot tell what is %s", job_class_name(class));
        if (r->expires)
            export_warn(x, s, "retry: expire counts the pauses alone in %s", x->to->about.name);
    }
}

/* r1, r2 ...: the pauses that are left of each. */
static void put_attempts(struct buf *b, const struct step_entry *s, const char *end)
{
    const char *separator = end[0] == ';' ? " " : end;
    bool by_class = false;
    for (uint32_t i = 0; i < s->retry_count; i++) {
        buf_format(b, "r%u='", (unsigned)i + 1);
        put_pauses(b, &s->retries[i]);
        buf_format(b, "'%s", end);
        by_class = by_class || !is_for_all(&s->retries[i]);
    }
    buf_format(b, "until attempt; do s=$?%s", end);
    if (by_class)
        buf_format(b, "%s%s", classes_by_status, end);
    buf_format(b, "case $s:%s in%s", by_class ? "$c" : "", separator);
    for (uint32_t i = 0; i < s->retry_count; i++) {
        unsigned number = (unsigned)i + 1;
        put_patterns(b, &s->retries[i]);
        buf_format(b, ") pause=${r%u%%%% *}; r%u=${r%u#* } ;;%s", number, number, number,
                   separator);
    }
    buf_format(b, "*) pause= ;;%sesac%s[ \"$pause\" ] || exit \"$s\"%ssleep \"$pause\"%sdone",
               separator, end, end, end);
}

void shell_put_step(struct buf *b, const struct pipeline *p, const struct step *s, unsigned parts)
{
    const char *end = parts & SHELL_ONE_LINE ? "; " : "\n", *start = end[0] == ';' ? " " : end;
    size_t before = b->len;
    if (parts & SHELL_FILES)
        shell_put_folders(b, p, s);
    if (b->len > before)
        buf_puts(b, " && ");
    if (!(parts & SHELL_RETRY) || !shell_tries_again(s->entry)) {
        buf_format(b, "{%s", start);
        put_attempt(b, p, s, parts);
        buf_format(b, "%s}", end);
        return;
    }
    buf_format(b, "(%sattempt() {%s", start, start);
    put_attempt(b, p, s, parts);
    buf_format(b, "%s}%s", end, end);
    put_attempts(b, s->entry, end);
    buf_format(b, "%s)", start);
}
