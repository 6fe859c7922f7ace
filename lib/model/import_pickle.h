/*
 * For the importers of this module: what a pickle (protocols 0 to 5) or a joblib file describes, as
 * a tree of values. Nothing is resolved, called or imported: a class is its name, an object its
 * class, arguments and state. Globals that no model of numbers needs are refused by name. The
 * machine does not recurse, and all it makes is bounded by a multiple of the file's size.
 */
#ifndef MODEL_IMPORT_PICKLE_H
#define MODEL_IMPORT_PICKLE_H

#include "base/base.h"

enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT,
    PICKLE_FLOAT,
    PICKLE_LONG, /* an integer beyond int64: its bytes */
    PICKLE_TEXT,
    PICKLE_BYTES,
    PICKLE_TUPLE,
    PICKLE_LIST, /* a set, too */
    PICKLE_DICT,
    PICKLE_GLOBAL,
    PICKLE_OBJECT,
    PICKLE_DTYPE,
    PICKLE_ARRAY, /* of numpy; also its scalars */
};

struct pickled {
    enum pickle_kind kind;
    union {
        int64_t whole; /* INT, BOOL */
        double real;
        struct text text; /* TEXT, BYTES, LONG; GLOBAL: "module.name" */
        struct {
            struct pickled **at; /* DICT: key, value, key ... */
            size_t len, cap;
        } items;
        struct {
            struct pickled *class; /* a GLOBAL */
            struct pickled *args;  /* a TUPLE; NULL */
            struct pickled *state; /* NULL: it was never built */
        } object;
        struct dtype *dtype;
        struct array *array;
    };
};

/* A node of numpy's type system: one number, text, a Python object or a record of fields. */
struct dtype {
    char kind;  /* numpy's letter: b i u f U S V O */
    bool big;   /* big-endian */
    bool built; /* it has its state and stays as it is */
    size_t size;
    struct dtype_field *fields;
    size_t field_count;
};
struct dtype_field {
    struct text name;
    const struct dtype *type;
    size_t offset;
};

#define ARRAY_DIMS 8
struct array {
    const struct dtype *type;
    size_t dims, shape[ARRAY_DIMS];
    size_t count;             /* of elements: product of shape */
    bool fortran;             /* the first index moves fastest */
    const char *data;         /* count * type->size bytes; borrows the file's */
    struct pickled **objects; /* instead of data, when kind is O: count of them */
};

struct pickle {
    struct arena arena;
    struct pickled *root;
    bool joblib; /* arrays stood behind their wrappers */
};

/* Values borrow bytes, which must outlive p. ERR_DATA "byte N: ..." */
int pickle_read(const char *bytes, size_t n, struct pickle *p, struct error *e);
void pickle_release(struct pickle *p);

/* An object's attribute; NULL when there is none or it is None. o may be NULL or anything. */
const struct pickled *pickle_get(const struct pickled *o, const char *name);
/* The last part of the name of an object's class; "" of what is no object. */
struct text pickle_class(const struct pickled *o);
/* INT, BOOL, FLOAT and numpy's scalars. */
bool pickle_number(const struct pickled *v, double *out);
bool pickle_is(const struct pickled *v, const char *text); /* that very text */

/* From import_numpy.c. Those that return text return what is wrong; NULL: nothing. */
const char *dtype_make(struct arena *a, struct text code, struct dtype **out);
const char *dtype_build(struct arena *a, struct dtype *t, const struct pickled *state);
const char *array_build(struct array *a, const struct pickled *state);
/* Checks shape and fills all but data and objects. */
const char *array_shape(struct array *a, const struct dtype *type, const struct pickled *shape,
                        bool fortran);
const struct dtype_field *dtype_find(const struct dtype *t, const char *name);
/* What stands there, as the nearest double; false when it is no number. */
bool dtype_number(const struct dtype *t, const char *at, double *out);
/* Element i, counted as C does whatever the order in memory is. Not for arrays of objects. */
const char *array_at(const struct array *a, size_t i);
const struct pickled *array_object(const struct array *a, size_t i);
bool array_number(const struct array *a, size_t i, double *out); /* of objects, too */
/* Element i as text for people: numbers, truth values and texts. false: something else. */
bool array_text(const struct array *a, size_t i, struct buf *out);
/* True when elements are texts: U, S, or objects of which the first is one. */
bool array_is_text(const struct array *a);

#endif
