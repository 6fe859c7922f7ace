/* Between the parts of the unpickler. */
#ifndef MODEL_IMPORT_PICKLE_FILE_H
#define MODEL_IMPORT_PICKLE_FILE_H

#include "model/import_pickle.h"

/* What the machines of a file share: a joblib file has pickles in its pickle. */
struct pickle_file {
    const char *start, *end;
    struct arena arena;
    size_t text_room;   /* bytes of texts, each two in UTF-8, that may still become bytes */
    size_t values_left; /* that may still be made */
    /* Of the values that take one byte there is one of each, which nothing changes. */
    struct pickled *none, *truth[2];
    bool joblib;
};

/* The pickle machine: a stack of values, a memo; a handler for each operation. */
struct machine {
    struct pickle_file *file;
    const char *base, *at; /* where its pickle begins, what it reads next */
    VEC(struct pickled *) stack, memo;
    VEC(size_t) marks;
    int nesting;
    struct error *e;
};

/* ERR_DATA "byte N: what". */
int pickle_wrong(const struct machine *m, const char *what);
int pickle_ends_early(struct machine *m);
/* The next n bytes, or an integer of `size` bytes without a sign; false at the end of the file. */
bool pickle_take(struct machine *m, uint64_t n, struct text *out);
bool pickle_take_count(struct machine *m, size_t size, uint64_t *out);
/* Up to the end of its pickle; releases the machine. */
int pickle_run(struct machine *m, struct pickled **root);

/* joblib's stand-in for an array; the array, whose bytes come next, takes its place. */
bool pickle_is_wrapper(const struct pickled *v);
int pickle_read_behind(struct machine *m, struct pickled *wrapper);

/* What calling a global with arguments would give, put into out; the text says what is wrong. */
typedef const char *pickle_maker(struct pickle_file *f, const struct pickled *args,
                                 struct pickled *out);
/* NULL: it would give an object, which is never made. */
pickle_maker *pickle_find_maker(struct text global);
bool pickle_allows(struct text global);

/* A text of protocol 0: wide as unicode, else a string of Python 2 in quotes. false: malformed. */
bool pickle_unescape(struct arena *a, struct text line, bool wide, struct text *out);

#endif
