#include "store/redis_library.h"

#include <dlfcn.h>

/* The version whose header this was compiled with: the layouts of contexts and replies are its. */
#define AS_TEXT_(x) #x
#define AS_TEXT(x)  AS_TEXT_(x)
#define VERSION     AS_TEXT(HIREDIS_SONAME)
#define LIBRARY     "libhiredis.so." VERSION

static int lacking(const char *what, struct error *e)
{
    return error_set(e, ERR_SYSTEM, "%s: Redis needs hiredis (Debian package libhiredis%s)", what,
                     VERSION);
}

/* Copies the address: C has no conversion from a pointer to data to one to a function. */
#define REDIS_RESOLVE(call)                                                                        \
    address = dlsym(handle, #call);                                                                \
    if (!address)                                                                                  \
        return lacking("libhiredis lacks " #call, e);                                              \
    memcpy(&l->call, &address, sizeof address);

int redis_library_load(struct redis_library *l, struct error *e)
{
    void *address, *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_NODELETE);
    if (!handle)
        return lacking("cannot load " LIBRARY, e);
    REDIS_CALLS(REDIS_RESOLVE)
    return 0;
}
