/* Files of joblib: pickles in which an array's bytes stand behind the object that describes it. */
#include "model/import_pickle_file.h"

enum { NESTING_MAX = 4 };

/* An array of objects is a pickle of its own there, with a memo of its own. */
static int read_nested(struct machine *m, struct pickled *into)
{
    struct machine inner = {
        .file = m->file, .base = m->at, .at = m->at, .nesting = m->nesting + 1, .e = m->e};
    struct pickled *root;
    if (inner.nesting > NESTING_MAX)
        return pickle_wrong(m, "arrays of objects are nested too deeply");
    int status = pickle_run(&inner, &root);
    m->at = inner.at;
    if (status == 0 && (!root || root->kind != PICKLE_ARRAY))
        return pickle_wrong(m, "there is no array where one should be");
    if (status == 0)
        *into = *root;
    return status;
}

/* Bytes before the first element, as joblib 1.2 and later have them. */
static int skip_padding(struct machine *m, const struct pickled *wrapper)
{
    uint64_t n;
    struct text padding;
    if (!pickle_get(wrapper, "numpy_array_alignment_bytes"))
        return 0;
    return pickle_take_count(m, 1, &n) && pickle_take(m, n, &padding) ? 0 : pickle_ends_early(m);
}

int pickle_read_behind(struct machine *m, struct pickled *wrapper)
{
    const struct pickled *type = pickle_get(wrapper, "dtype");
    const struct pickled *shape = pickle_get(wrapper, "shape");
    struct array *a = arena_zero(&m->file->arena, sizeof *a);
    struct text bytes;
    size_t need;
    m->file->joblib = true;
    if (!type || type->kind != PICKLE_DTYPE || !shape)
        return pickle_wrong(m, "an array of joblib without type or shape");
    if (type->dtype->kind == 'O')
        return read_nested(m, wrapper);
    const char *problem =
        array_shape(a, type->dtype, shape, pickle_is(pickle_get(wrapper, "order"), "F"));
    if (problem)
        return pickle_wrong(m, problem);
    int status = skip_padding(m, wrapper);
    if (status)
        return status;
    if (__builtin_mul_overflow(a->count, a->type->size, &need) || !pickle_take(m, need, &bytes))
        return pickle_ends_early(m);
    a->data = bytes.at;
    wrapper->kind = PICKLE_ARRAY;
    wrapper->array = a;
    return 0;
}

bool pickle_is_wrapper(const struct pickled *v)
{
    static const char name[] = "joblib.numpy_pickle.NumpyArrayWrapper";
    struct text class = v->kind == PICKLE_OBJECT ? v->object.class->text : TEXT_LITERAL("");
    return class.len >= strlen(name) &&
           memcmp(class.at + class.len - strlen(name), name, strlen(name)) == 0;
}
