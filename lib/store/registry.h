/*
 * registry: the groups of a store, which is a folder with a folder for each.
 */
#ifndef STORE_REGISTRY_H
#define STORE_REGISTRY_H

#include "store/group.h"

/* By its name: ERR_USAGE when there is none, with the nearest name there is. */
int registry_find(const char *store, struct text name, struct group **out, struct error *e);
/* Names, in order, owned by `arena`. A store that is not there has none. */
typedef VEC(const char *) registry_names;
int registry_list(const char *store, struct arena *arena, registry_names *out, struct error *e);
/* The folder that a group of that name has, or would have. Returns owned. */
char *registry_folder(const char *store, struct text name);
/* The group with all its records, also what it has elsewhere (Redis). ERR_BUSY when it is being
 * written to. */
int registry_drop(const struct group *g, int timeout_ms, struct error *e);

#endif
