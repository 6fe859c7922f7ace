/* hiredis, loaded when it is first needed. For the files of this module. */
#ifndef STORE_REDIS_LIBRARY_H
#define STORE_REDIS_LIBRARY_H

#include "base/base.h"

#include <hiredis/hiredis.h>

#define REDIS_CALLS(X)                                                                             \
    X(redisConnectWithTimeout)                                                                     \
    X(redisConnectUnixWithTimeout)                                                                 \
    X(redisSetTimeout)                                                                             \
    X(redisGetReply)                                                                               \
    X(redisFree)

#define REDIS_MEMBER(call) __typeof__(call) *call;
struct redis_library {
    REDIS_CALLS(REDIS_MEMBER)
};
#undef REDIS_MEMBER

/* Fills *l; it is valid until the process ends. ERR_SYSTEM names the package that is missing. */
int redis_library_load(struct redis_library *l, struct error *e);

#endif
