/* A line as bytes. For the files of this module. */
#ifndef LEDGER_LINE_H
#define LEDGER_LINE_H

#include "ledger/ledger.h"

#define LEDGER_BEGINS "{\"seq\":"               /* every line does */
extern const char ledger_zeros[LEDGER_HEX + 1]; /* prev of the first line */

/* What every line says. */
struct ledger_line {
    uint64_t seq;
    usec time;
    const char *prev; /* LEDGER_HEX digits; borrows from the line */
};
/* Appends a line, without its newline. Without members it ends behind prev. */
void ledger_line_put(struct buf *out, const struct ledger_line *line, struct text members);
/* False when it is no line of a ledger. Members are not looked at. */
bool ledger_line_read(struct text line, struct ledger_line *out);
/* Sets ERR_DATA for what is at this offset; line 0: not known. Returns ERR_DATA. */
int ledger_line_bad(const char *path, uint64_t line, uint64_t offset, struct error *e);

#endif
