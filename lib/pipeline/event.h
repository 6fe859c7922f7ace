/* event: what events of pipelines in the ledger look like. For the files of this module. */
#ifndef PIPELINE_EVENT_H
#define PIPELINE_EVENT_H

#include "pipeline/digests.h"

/* What kind it is: "run", "step" ...; it is the first member that we write. Missing: it is none. */
struct text event_kind(struct text line);
bool event_has_about(struct text line);                /* it may be of a question: a cheap look */
bool digest_read(struct text hex, struct digest *out); /* false: it is no digest */

/* Members, each with a comma before it. */
void event_put(struct buf *b, const char *name, const char *value);
void event_put_time(struct buf *b, const char *name, usec t);
void event_put_seconds(struct buf *b, const char *name, usec n); /* not negative */
void event_put_digest(struct buf *b, const char *name, const uint8_t *digest);
void event_put_list(struct buf *b, const char *name, const char *const *list, size_t n);
void event_put_person(struct buf *b); /* user and host */
/* A value of jansson's, on one line, numbers as short as they are. */
struct json_t;
void event_put_json(struct buf *b, const struct json_t *value);
/* A member that is a text; "" when there is none. Borrows from the event. */
const char *event_text(const struct json_t *event, const char *name);
/* Adds an event to a ledger that is not open. */
int event_append(const char *ledger, const struct buf *members, bool durable, struct error *e);

#endif
