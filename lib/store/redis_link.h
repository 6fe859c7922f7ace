/* A connection to a Redis server, which is made again when it breaks. For the files of this
 * module. */
#ifndef STORE_REDIS_LINK_H
#define STORE_REDIS_LINK_H

#include "store/redis_library.h"

/* Commands that are sent together. {0}; reused after redis_clear. */
struct redis_batch {
    VEC(const char *) at; /* arguments of all commands */
    VEC(size_t) len;
    VEC(size_t) first; /* argument of each command */
    struct arena arena;
};
void redis_begin(struct redis_batch *b); /* another command */
void redis_arg(struct redis_batch *b, struct text t);
void redis_word(struct redis_batch *b, const char *word); /* borrowed */
void redis_number(struct redis_batch *b, int64_t n);
void redis_clear(struct redis_batch *b);
void redis_release(struct redis_batch *b);

struct redis_link;
/* ERR_USAGE for an address that is none; ERR_BUSY when no server answers there. */
int redis_link_open(const char *url, struct redis_link **out, struct error *e);
void redis_link_close(struct redis_link *l); /* NULL is fine */
/* Sends all commands and calls take for each reply, in order; take's status other than 0 ends it.
 * When the connection breaks it is made again and all commands are sent again, for some seconds:
 * take may be called again from the first on. An error that Redis answers is passed to take only
 * when it is NOSCRIPT. */
typedef int redis_take(void *context, size_t i, const redisReply *r, struct error *e);
int redis_run(struct redis_link *l, const struct redis_batch *b, redis_take *take, void *context,
              struct error *e);
bool redis_lacks_script(const redisReply *r);

#endif
