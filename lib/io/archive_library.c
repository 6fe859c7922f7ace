#include "io/archive_library.h"

#include <dlfcn.h>

static int lacking(const char *what, struct error *e)
{
    return error_set(e, ERR_SYSTEM,
                     "%s: this compression needs libarchive 3 (Debian package "
                     "libarchive13)",
                     what);
}

/* Copies the address: C has no conversion from a pointer to data to one to a function. */
#define ARCHIVE_RESOLVE(call)                                                                      \
    address = dlsym(handle, #call);                                                                \
    if (!address)                                                                                  \
        return lacking("libarchive.so.13 lacks " #call, e);                                        \
    memcpy(&l->call, &address, sizeof address);

int archive_library_load(struct archive_library *l, struct error *e)
{
    void *address, *handle = dlopen("libarchive.so.13", RTLD_NOW | RTLD_NODELETE);
    if (!handle)
        return lacking("cannot load libarchive.so.13", e);
    ARCHIVE_CALLS(ARCHIVE_RESOLVE)
    return 0;
}
