/* Between the parts of the unpickler. */
#ifndef MODEL_IMPORT_PICKLE_FILE_H
#define MODEL_IMPORT_PICKLE_FILE_H

#include "model/import_pickle.h"

/* What the machines of a file share: a joblib file has pickles in its pickle. */
struct pickle_file {
    const char *start, *end;
    struct arena arena;
    size_t text_room; /* bytes that texts may still be turned into */
    bool joblib;
};

/* What calling a global with arguments would give, put into out; the text says what is wrong. */
typedef const char *pickle_maker(struct pickle_file *f, const struct pickled *args,
                                 struct pickled *out);
/* NULL: it would give an object, which is never made. */
pickle_maker *pickle_find_maker(struct text global);
bool pickle_allows(struct text global);

#endif
