/* What a pickle may name, and what calling it would give. */
#include "model/import_pickle_file.h"

static const struct pickled *argument(const struct pickled *args, size_t i, enum pickle_kind kind)
{
    return i < args->items.len && args->items.at[i]->kind == kind ? args->items.at[i] : NULL;
}

static const char *make_empty_array(struct pickle_file *f, const struct pickled *args,
                                    struct pickled *out)
{
    (void)args;
    out->kind = PICKLE_ARRAY;
    out->array = arena_zero(&f->arena, sizeof *out->array);
    return NULL;
}

static const char *make_dtype(struct pickle_file *f, const struct pickled *args,
                              struct pickled *out)
{
    const struct pickled *code = argument(args, 0, PICKLE_TEXT);
    if (!code)
        code = argument(args, 0, PICKLE_BYTES);
    out->kind = PICKLE_DTYPE;
    return code ? dtype_make(&f->arena, code->text, &out->dtype) : "a type of numpy without a name";
}

static const char *put_bytes(struct array *a, struct text bytes)
{
    size_t need;
    if (a->type->kind == 'O' || __builtin_mul_overflow(a->count, a->type->size, &need) ||
        bytes.len != need)
        return "an array whose bytes do not fit its shape";
    a->data = bytes.at;
    return NULL;
}

static const struct pickled *bytes_argument(const struct pickled *args, size_t i)
{
    const struct pickled *bytes = argument(args, i, PICKLE_BYTES);
    return bytes ? bytes : argument(args, i, PICKLE_TEXT);
}

/* (type, bytes) */
static const char *make_scalar(struct pickle_file *f, const struct pickled *args,
                               struct pickled *out)
{
    const struct pickled *type = argument(args, 0, PICKLE_DTYPE), *bytes = bytes_argument(args, 1);
    struct pickled no_shape = {.kind = PICKLE_TUPLE};
    if (!type || !bytes)
        return "a number of numpy without type or bytes";
    make_empty_array(f, args, out);
    const char *problem = array_shape(out->array, type->dtype, &no_shape, false);
    return problem ? problem : put_bytes(out->array, bytes->text);
}

/* (bytes, type, shape, order) */
static const char *make_from_buffer(struct pickle_file *f, const struct pickled *args,
                                    struct pickled *out)
{
    const struct pickled *bytes = bytes_argument(args, 0), *type = argument(args, 1, PICKLE_DTYPE);
    const struct pickled *shape = argument(args, 2, PICKLE_TUPLE);
    const struct pickled *order = argument(args, 3, PICKLE_TEXT);
    if (!bytes || !type || !shape || !order)
        return "an array without bytes, type, shape or order";
    make_empty_array(f, args, out);
    const char *problem = array_shape(out->array, type->dtype, shape, pickle_is(order, "F"));
    return problem ? problem : put_bytes(out->array, bytes->text);
}

/* Protocol 2 has no bytes: they are a text of as many characters below 256. */
static const char *make_encoded(struct pickle_file *f, const struct pickled *args,
                                struct pickled *out)
{
    const struct pickled *text = argument(args, 0, PICKLE_TEXT);
    if (!text || !argument(args, 1, PICKLE_TEXT) ||
        (!pickle_is(args->items.at[1], "latin1") && !pickle_is(args->items.at[1], "latin-1")))
        return "a text in an encoding that is not supported";
    if (text->text.len > f->text_room)
        return "one text is turned into bytes again and again";
    f->text_room -= text->text.len;
    char *bytes = arena_alloc(&f->arena, text->text.len + 1);
    size_t n = 0, used;
    for (size_t i = 0; i < text->text.len; i += used) {
        uint32_t c = utf8_decode(text->text.at + i, text->text.len - i, &used);
        if (c > 255)
            return "a text that is no latin1";
        bytes[n++] = (char)(unsigned char)c;
    }
    out->kind = PICKLE_BYTES;
    out->text = (struct text){bytes, n};
    return NULL;
}

/* Of bytes, of nothing, or of a text and its encoding. */
static const char *make_bytes(struct pickle_file *f, const struct pickled *args,
                              struct pickled *out)
{
    const struct pickled *bytes = argument(args, 0, PICKLE_BYTES);
    if (args->items.len == 2)
        return make_encoded(f, args, out);
    out->kind = PICKLE_BYTES;
    out->text = bytes ? bytes->text : TEXT_LITERAL("");
    return args->items.len == (bytes ? 1U : 0U) ? NULL : "bytes of something that is no bytes";
}

static const char *make_dict(struct pickle_file *f, const struct pickled *args, struct pickled *out)
{
    (void)f;
    out->kind = PICKLE_DICT;
    return args->items.len ? "a dict with arguments" : NULL;
}

/* Its argument is what makes its defaults, which are of no use here. */
static const char *make_default_dict(struct pickle_file *f, const struct pickled *args,
                                     struct pickled *out)
{
    (void)f, (void)args;
    out->kind = PICKLE_DICT;
    return NULL;
}

/* (class, base, state of the base) */
static const char *make_reconstructed(struct pickle_file *f, const struct pickled *args,
                                      struct pickled *out)
{
    (void)f;
    const struct pickled *class = argument(args, 0, PICKLE_GLOBAL);
    out->kind = PICKLE_OBJECT;
    if (class)
        out->object.class = args->items.at[0];
    return class ? NULL : "an object without a class";
}

#define NUMPY_CORE(name, make)                                                                     \
    {"numpy.core." name, make},                                                                    \
    {                                                                                              \
        "numpy._core." name, make                                                                  \
    }

/* What a pickle may name besides scikit-learn's classes. */
static const struct global {
    const char *name;
    pickle_maker *make; /* NULL: an object */
} globals[] = {
    NUMPY_CORE("multiarray._reconstruct", make_empty_array),
    NUMPY_CORE("multiarray.scalar", make_scalar),
    NUMPY_CORE("numeric._frombuffer", make_from_buffer),
    {"numpy.dtype", make_dtype},
    {"numpy.ndarray", NULL},
    {"_codecs.encode", make_encoded},
    {"__builtin__.bytes", make_bytes},
    {"builtins.bytes", make_bytes},
    {"__builtin__.bytearray", make_bytes},
    {"builtins.bytearray", make_bytes},
    {"collections.OrderedDict", make_dict},
    {"collections.defaultdict", make_default_dict},
    {"copy_reg._reconstructor", make_reconstructed},
    {"copyreg._reconstructor", make_reconstructed},
    {"functools.partial", NULL},
    {"__builtin__.object", NULL},
    {"builtins.object", NULL},
    {"__builtin__.int", NULL},
    {"builtins.int", NULL},
    {"__builtin__.float", NULL},
    {"builtins.float", NULL},
    {"joblib.numpy_pickle.NumpyArrayWrapper", NULL},
    {"__builtin__.slice", NULL},
    {"builtins.slice", NULL},
    {"__builtin__.bool", NULL},
    {"builtins.bool", NULL},
    {"__builtin__.str", NULL},
    {"builtins.str", NULL},
    {"numpy.bool_", NULL},
    {"numpy.number", NULL},
    {"numpy.floating", NULL},
    {"numpy.integer", NULL},
    {"numpy.object_", NULL},
    {"numpy.float32", NULL},
    {"numpy.float64", NULL},
    {"numpy.int32", NULL},
    {"numpy.int64", NULL},
    {"numpy.uint8", NULL},
    {"pandas.core.indexes.base._new_Index", NULL},
    {"pandas.core.indexes.base.Index", NULL},
    {"pandas.core.indexes.range.RangeIndex", NULL},
    {"numpy.random.__RandomState_ctor", NULL},
    {"numpy.random._pickle.__randomstate_ctor", NULL},
    {"numpy.random._pickle.__bit_generator_ctor", NULL},
    {"numpy.random._pickle.__generator_ctor", NULL},
    {"numpy.random._mt19937.MT19937", NULL},
    {"numpy.random._pcg64.PCG64", NULL},
};

static const struct global *find_global(struct text name)
{
    for (size_t i = 0; i < COUNT_OF(globals); i++)
        if (text_equal(name, text_of(globals[i].name)))
            return &globals[i];
    return NULL;
}

/* Any class of these may stand there: an object of it is only a bag of attributes, and the importer
 * refuses those that it does not know. */
bool pickle_allows(struct text global)
{
    static const char *const ours[] = {"sklearn.", "xgboost.", "lightgbm."};
    for (size_t i = 0; i < COUNT_OF(ours); i++)
        if (global.len > strlen(ours[i]) && memcmp(global.at, ours[i], strlen(ours[i])) == 0)
            return true;
    return find_global(global) != NULL;
}

pickle_maker *pickle_find_maker(struct text global)
{
    const struct global *found = find_global(global);
    return found ? found->make : NULL;
}
