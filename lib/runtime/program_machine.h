/* What the operations of row programs are written with. For the files of this module. */
#ifndef RUNTIME_PROGRAM_MACHINE_H
#define RUNTIME_PROGRAM_MACHINE_H

#include "base/clock.h"
#include "base/number.h"
#include "base/plain.h"
#include "runtime/program.h"
#include "runtime/program_math.h"
#include "runtime/program_stem.h"

#include <math.h>

/* A register. */
struct ml_cell {
    union {
        double f;
        int64_t i;
        const char *at;
    };
    uint32_t len;    /* ML_TEXT */
    uint32_t is_int; /* ML_NUMBER: i holds it, else f */
};

/* A run, and what stands at the start of its work. */
struct ml_machine {
    const struct ml_program *p;
    struct ml_cell *r;         /* registers */
    char *scratch;             /* texts made so far end here */
    size_t room;               /* and so many bytes are left */
    const struct ml_op *next;  /* operation */
    const struct ml_op *first; /* of the program */
    uint64_t refused;          /* number of the operation that refused the row */
    double *wide;              /* room for p->wide numbers */
};

/* 0, or -ML_WHY_... */
typedef int ml_operation(struct ml_machine *m, const struct ml_op *o);
#define ML_DECLARE(name, signature) ML_API ml_operation ml_op_##name;
ML_OPS(ML_DECLARE)
#undef ML_DECLARE
#define ML_OPERATION(name) int ml_op_##name(struct ml_machine *m, const struct ml_op *o)

#define ML_NONE ((double)NAN)

static inline const void *ml_part(const struct ml_program *p, const struct ml_array *a)
{
    return (const char *)p + (size_t)a->at;
}

/* A constant, a range of them, a list of registers, a text: operands of the letters k, K, f, t. */
static inline const double *ml_floats(const struct ml_machine *m, uint32_t first)
{
    return (const double *)ml_part(m->p, &m->p->constant) + first;
}
static inline const int64_t *ml_ints(const struct ml_machine *m, uint32_t first)
{
    return (const int64_t *)ml_part(m->p, &m->p->constant) + first;
}
static inline const struct ml_range *ml_range(const struct ml_machine *m, uint32_t range)
{
    return (const struct ml_range *)ml_part(m->p, &m->p->range) + range;
}
static inline const uint32_t *ml_list(const struct ml_machine *m, uint32_t list)
{
    return (const uint32_t *)ml_part(m->p, &m->p->list) + list;
}
ML_API struct ml_text ml_text_at(const struct ml_program *p, uint32_t text);

static inline int ml_give_float(struct ml_machine *m, const struct ml_op *o, double x)
{
    m->r[o->to].f = x;
    return 0;
}
static inline int ml_give_int(struct ml_machine *m, const struct ml_op *o, int64_t x)
{
    m->r[o->to].i = x;
    return 0;
}
static inline int ml_give_text(struct ml_machine *m, const struct ml_op *o, const char *at,
                               size_t len)
{
    m->r[o->to].at = at;
    m->r[o->to].len = (uint32_t)len;
    return 0;
}
static inline int ml_give_number(struct ml_machine *m, const struct ml_op *o,
                                 const struct ml_cell *x)
{
    m->r[o->to] = *x;
    return 0;
}
static inline struct ml_cell ml_number_of(double f)
{
    return (struct ml_cell){.f = f};
}
/* ML_INT_MISSING becomes missing. */
static inline struct ml_cell ml_number_of_int(int64_t i)
{
    if (i == ML_INT_MISSING)
        return ml_number_of(ML_NONE);
    return (struct ml_cell){.i = i, .is_int = 1};
}
static inline double ml_number_double(const struct ml_cell *x)
{
    return x->is_int ? (double)x->i : x->f;
}
static inline bool ml_number_missing(const struct ml_cell *x)
{
    return !x->is_int && isnan(x->f);
}

static inline enum ml_class ml_class_of(const struct ml_machine *m, uint32_t reg)
{
    return (enum ml_class)((const uint8_t *)ml_part(m->p, &m->p->class))[reg];
}
ML_API bool ml_is_missing(const struct ml_machine *m, uint32_t reg);

#define ML_NO_KEY UINT32_MAX
/* The number of the map's key that the text x is, which is not missing. */
ML_API uint32_t ml_find_key(const struct ml_machine *m, uint32_t map, const struct ml_cell *x);

/* Room for a text of so many bytes; NULL when the row has used up its scratch. Less may be given
 * then: ml_give_scratch takes what was filled. */
ML_API char *ml_scratch_room(struct ml_machine *m, size_t len);
ML_API int ml_give_scratch(struct ml_machine *m, const struct ml_op *o, const char *at, size_t len);

/* A text on its way into the scratch; `full` once there was no room. */
struct ml_draft {
    struct ml_machine *m;
    size_t len;
    bool full;
};
static inline struct ml_draft ml_draft(struct ml_machine *m)
{
    return (struct ml_draft){.m = m};
}
ML_API void ml_put(struct ml_draft *d, const char *at, size_t len);
ML_API void ml_put_char(struct ml_draft *d, uint32_t c);
ML_API int ml_give_draft(const struct ml_op *o, const struct ml_draft *d);

#endif
