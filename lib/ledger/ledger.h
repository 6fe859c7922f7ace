/*
 * ledger: an append-only log of events in JSON Lines, each chained to the one before it by a
 * digest, so that what was written can be proved not to have been changed since. A line is
 *
 *     {"seq":7,"time":"2026-01-31T10:00:00.000125Z","prev":"<64 hexadecimal digits>",MEMBERS}
 *
 * where seq counts from 1; time is RFC 3339 in UTC as time_print gives it (its fraction has six
 * digits, three, or is not there when it is 0) and never before that of the line before it; prev is
 * the SHA-256 of the line before it, without its newline; of the first line, zeros. The digest of
 * the last line, the head, proves all lines: keep it elsewhere to notice a ledger that was cut
 * short or written anew.
 *
 * Any number of processes may append and read; a commit holds an advisory lock of the file for as
 * long as it writes. Readers see its lines as they are written, even if it then fails. A crash may
 * leave the first lines of a commit, and the beginning of a line at the end: readers stop before
 * that, the next commit removes it.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include "base/base.h"

enum { LEDGER_HEX = 64 }; /* digits of a digest */

/* ---- writing ---- */

/* Not for a process that is forked from the one that opened it: the two would share one lock. */
struct ledger;
/* path is created when it is not there, its folder is not. */
int ledger_open(const char *path, struct ledger **out, struct error *e);
void ledger_close(struct ledger *l); /* what was not committed is gone; NULL is fine */
/* An event for the next commit: members of a JSON object, without braces, as one line; copied.
 * Their names are not seq, time and prev. */
void ledger_add(struct ledger *l, struct text members);
/* Appends all that was added, in order, at one time, in one write. With `durable` it is on the disk
 * when this returns. After an error nothing of it is there, and it may be tried again. Waits for
 * other writers. ERR_DATA: the ledger's last line is no line of a ledger. */
int ledger_commit(struct ledger *l, bool durable, struct error *e);

/* ---- reading ---- */

struct ledger_event {
    uint64_t seq;    /* from 1 */
    uint64_t offset; /* of the line in the file; the next one's is offset + line.len + 1 */
    usec time;
    struct text line; /* all of it, without the newline; borrows until the next call */
};
struct ledger_reader;
/* From the line at offset (0: the first) to the last that is whole now. A ledger that is not there
 * is one without events. ERR_DATA: no line begins or ends at offset. */
int ledger_reader_open(const char *path, uint64_t offset, struct ledger_reader **out,
                       struct error *e);
/* 1; 0 at the end, and 1 again when more was written meanwhile; ERR_DATA for what is no line of a
 * ledger, with its line in the file, or with its byte when reading began at an offset. Digests are
 * not looked at. */
int ledger_next(struct ledger_reader *r, struct ledger_event *out, struct error *e);
void ledger_reader_close(struct ledger_reader *r); /* NULL is fine */

/* Calls take for each event from *offset on, until it returns other than 0, which is returned;
 * *offset is then behind the last one that was taken. NULL: from the first. */
typedef int ledger_take(void *context, const struct ledger_event *event, struct error *e);
int ledger_each(const char *path, uint64_t *offset, ledger_take *take, void *context,
                struct error *e);

/* Whether each line's digest is the next one's prev, and numbers follow one another. ERR_NO names
 * the first line that is not as it was written, or is no line of a ledger; *out is then of those
 * before it. Of the last line only the head tells. */
struct ledger_proof {
    uint64_t events;
    char head[LEDGER_HEX + 1]; /* zeros without events */
    bool torn;                 /* there is the beginning of a line at the end */
};
int ledger_verify(const char *path, struct ledger_proof *out, struct error *e);

#endif
