/*
 * runtime: what a compiled model is made of. Its sources are linked into the tools and are also
 * put, one behind the other, into every artefact; so they include nothing but one another, the C
 * library and what stands alone in base (base/plain.h), allocate nothing, print nothing and have no
 * mutable globals.
 *
 * image.h   a whole compiled model as one piece of memory
 * predict.h rows in, predictions out
 * kernel.h  trees
 * program.h preparation of raw rows
 * mlmodel.h what an artefact offers to programs
 */
#ifndef RUNTIME_H
#define RUNTIME_H

#include <stddef.h>
#include <stdint.h>

/* Before every function of these files that another of them calls: in an artefact all are static.
 */
#ifndef ML_API
#define ML_API
#endif

/* Where the code is compiled together with the only image it will run, ML_ONE_IMAGE is defined, and
 * all that is asked by these: the compiler leaves out what that image does not need.
 *   ML_OF(p, name)  p->name
 *   ML_HAS(name)    whether there may be any: false only when it is known that there are none */
#ifdef ML_ONE_IMAGE
#define ML_OF(p, name) ((void)(p), ML_OF_##name)
#define ML_HAS(name)   ML_HAS_##name
#else
#define ML_OF(p, name) ((p)->name)
#define ML_HAS(name)   1
#endif

/* Somebody else's bytes; at NULL: missing. */
struct ml_text {
    const char *at;
    size_t len;
};

#endif
