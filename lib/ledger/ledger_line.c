#include "ledger/ledger_line.h"

#include <inttypes.h>

enum { SEQ_DIGITS = 18 }; /* they cannot overflow */

const char ledger_zeros[LEDGER_HEX + 1] =
    "0000000000000000000000000000000000000000000000000000000000000000";

void ledger_line_put(struct buf *out, const struct ledger_line *line, struct text members)
{
    char seq[NUMBER_MAX], time[TIME_MAX];
    buf_puts(out, LEDGER_BEGINS);
    buf_add(out, seq, number_print_int(seq, (int64_t)line->seq));
    buf_puts(out, ",\"time\":\"");
    buf_add(out, time, time_print(time, line->time));
    buf_puts(out, "\",\"prev\":\"");
    buf_add(out, line->prev, LEDGER_HEX);
    buf_putc(out, '"');
    if (members.len) {
        buf_putc(out, ',');
        buf_add(out, members.at, members.len);
    }
    buf_putc(out, '}');
}

/* Whether that stands at *p, which then goes behind it. */
static bool skip(const char **p, const char *end, struct text what)
{
    if ((size_t)(end - *p) < what.len || memcmp(*p, what.at, what.len) != 0)
        return false;
    *p += what.len;
    return true;
}

static bool read_seq(const char **p, const char *end, uint64_t *seq)
{
    const char *q = *p;
    *seq = 0;
    for (; q < end && (unsigned char)(*q - '0') < 10 && q - *p < SEQ_DIGITS; q++)
        *seq = *seq * 10 + (unsigned char)(*q - '0');
    bool fine = q > *p && **p != '0';
    *p = q;
    return fine;
}

/* To the quote behind it. */
static bool read_time(const char **p, const char *end, usec *t)
{
    bool has_offset;
    size_t room = end - *p < TIME_MAX ? (size_t)(end - *p) : TIME_MAX;
    const char *from = *p, *quote = memchr(from, '"', room);
    if (!quote || !time_parse(from, (size_t)(quote - from), t, &has_offset))
        return false;
    *p = quote;
    return has_offset;
}

/* In lower case; without a way out of the loop the compiler takes many at a time. */
static bool read_digest(const char **p, const char *end, const char **digest)
{
    if (end - *p < LEDGER_HEX)
        return false;
    *digest = *p;
    unsigned bad = 0;
    for (int i = 0; i < LEDGER_HEX; i++) {
        unsigned char c = (unsigned char)(*p)[i];
        bad |= !((c >= '0' && c <= '9') | (c >= 'a' && c <= 'f'));
    }
    *p += LEDGER_HEX;
    return !bad;
}

bool ledger_line_read(struct text line, struct ledger_line *out)
{
    const char *p = line.at, *end = p + line.len;
    return skip(&p, end, TEXT_LITERAL(LEDGER_BEGINS)) && read_seq(&p, end, &out->seq) &&
           skip(&p, end, TEXT_LITERAL(",\"time\":\"")) && read_time(&p, end, &out->time) &&
           skip(&p, end, TEXT_LITERAL("\",\"prev\":\"")) && read_digest(&p, end, &out->prev) &&
           skip(&p, end, TEXT_LITERAL("\"")) && p < end && end[-1] == '}' &&
           (*p == ',' || p + 1 == end);
}

int ledger_line_bad(const char *path, uint64_t line, uint64_t offset, struct error *e)
{
    if (line)
        error_set(e, ERR_DATA, "no line of a ledger");
    else
        error_set(e, ERR_DATA, "byte %" PRIu64 ": no line of a ledger", offset);
    return error_at(e, path, line, 0);
}
