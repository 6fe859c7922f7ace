/* A connection to a Redis server, which is made again when it breaks. For the files of this
 * module. */
#ifndef STORE_REDIS_LINK_H
#define STORE_REDIS_LINK_H

#include "store/redis_library.h"

/* Commands that are sent together, as the server reads them. {0}; reused after redis_clear. */
struct redis_batch {
    struct buf bytes;
    VEC(size_t) first; /* byte of each command */
};
void redis_begin(struct redis_batch *b, size_t words); /* another command, of so many words */
void redis_word(struct redis_batch *b, const char *word);
void redis_arg(struct redis_batch *b, struct text word);
void redis_number(struct redis_batch *b, int64_t word);
void redis_parts(struct redis_batch *b, const struct text *parts, size_t n); /* n are one word */
void redis_clear(struct redis_batch *b);
void redis_release(struct redis_batch *b);

/* A value of a reply. Those in an array follow it, each with those that are in it. */
struct redis_value {
    int type;       /* REDIS_REPLY_... */
    int64_t number; /* an integer; how many values are in an array */
    struct text text;
};

struct redis_link;
/* ERR_USAGE for an address that is none; ERR_BUSY when no server answers there. */
int redis_link_open(const char *url, struct redis_link **out, struct error *e);
void redis_link_close(struct redis_link *l); /* NULL is fine */
/* Sends all commands and calls take for each reply, in order, which borrows until take returns;
 * take's status other than 0 ends it. What the server has to do next is sent before its replies are
 * read. When the connection breaks it is made again and all commands are sent again, for some
 * seconds: take may be called again from the first on. An error that Redis answers is passed to
 * take only when it is NOSCRIPT. */
typedef int redis_take(void *context, size_t i, const struct redis_value *r, struct error *e);
int redis_run(struct redis_link *l, const struct redis_batch *b, redis_take *take, void *context,
              struct error *e);
bool redis_lacks_script(const struct redis_value *r);

#endif
