/*
 * The functions of model.h. Before this file stand the runtime, or its headers when it is linked as
 * an object, model.h, and of the model:
 *   ML_PREFIX                          of the functions' names
 *   ML_INPUTS, ML_FIELDS, ML_OUTPUTS   of a row
 *   ML_WORK, ML_ROW_WORK               bytes that a prediction works with, and one of a row
 *   ML_MODEL                           address of the image
 * What is needed of memory is on the stack up to ML_STACK_MAX bytes, beyond that in a static
 * variable, which is each thread's own where there are threads. With ML_ROW_AT_A_TIME it is less,
 * and many rows go no faster than one by one.
 */
#ifndef ML_STACK_MAX
#define ML_STACK_MAX (256 * 1024)
#endif

#define ML_PASTE_(prefix, name) prefix##_##name
#define ML_PASTE(prefix, name)  ML_PASTE_(prefix, name)
#define ML_NAME(name)           ML_PASTE(ML_PREFIX, name)

/* Rows that go through the buffers at a time, and all at once where there are no buffers. */
#ifdef ML_ROW_AT_A_TIME
#define ML_AT_ONCE(width) 1
#define ML_ALL(n)         1
#undef ML_WORK
#define ML_WORK ML_ROW_WORK
#else
#define ML_AT_ONCE(width) ((width) >= 8192 ? 1 : (width) > 128 ? 8192 / (width) : ML_ROWS)
#define ML_ALL(n)         (n)
#endif

struct ML_NAME(room) {
    _Alignas(64) unsigned char work[ML_WORK];
    union {
        double answers[ML_AT_ONCE(ML_OUTPUTS) * ML_OUTPUTS];
        struct ml_text fields[ML_AT_ONCE(ML_FIELDS) * ML_FIELDS];
    } rows;
};

#if ML_WORK + 16 * ML_AT_ONCE(ML_FIELDS) * ML_FIELDS <= ML_STACK_MAX
#define ML_ROOM struct ML_NAME(room) room
#elif defined(__linux__) || defined(__APPLE__) || defined(_WIN32)
#define ML_ROOM static _Thread_local struct ML_NAME(room) room
#else
#define ML_ROOM static struct ML_NAME(room) room
#endif

#define ML_KERNELS (ML_HAS(trees) ? ml_kernels_best(NULL) : NULL)

int ML_NAME(abi)(void)
{
    return ML_ABI_VERSION;
}

size_t ML_NAME(inputs)(void)
{
    return ML_INPUTS;
}

size_t ML_NAME(outputs)(void)
{
    return ML_OUTPUTS;
}

size_t ML_NAME(fields)(void)
{
    return ML_FIELDS;
}

static size_t ML_NAME(wide)(const double *x, size_t n, size_t ld, enum ml_what what, double *out)
{
    ML_ROOM;
    for (size_t first = 0; first < n; first += ML_ALL(n)) {
        struct ml_rows rows = {.wide = x + first * ld, .stride = ld};
        size_t done = ml_image_predict(ML_MODEL, ML_KERNELS, &rows, ML_ALL(n), what, room.work,
                                       out + first * ML_OUTPUTS, NULL);
        if (done < ML_ALL(n))
            return first + done;
    }
    return n;
}

size_t ML_NAME(margins_f64)(const double *x, size_t n, size_t ld, double *out)
{
    return ML_NAME(wide)(x, n, ld, ML_MARGINS, out);
}

size_t ML_NAME(predict_f64)(const double *x, size_t n, size_t ld, double *out)
{
    return ML_NAME(wide)(x, n, ld, ML_ANSWERS, out);
}

size_t ML_NAME(predict)(const float *x, size_t n, size_t ld, float *out)
{
    ML_ROOM;
    const size_t most = ML_AT_ONCE(ML_OUTPUTS);
    for (size_t first = 0; first < n; first += most) {
        struct ml_rows rows = {.single = x + first * ld, .stride = ld};
        size_t count = n - first < most ? n - first : most;
        size_t done = ml_image_predict(ML_MODEL, ML_KERNELS, &rows, count, ML_ANSWERS, room.work,
                                       room.rows.answers, NULL);
        for (size_t i = 0; i < done * ML_OUTPUTS; i++)
            out[first * ML_OUTPUTS + i] = (float)room.rows.answers[i];
        if (done < count)
            return first + done;
    }
    return n;
}

size_t ML_NAME(predict_raw)(const char *const *fields, const size_t *lengths, size_t n, double *out)
{
    ML_ROOM;
    const size_t most = ML_AT_ONCE(ML_FIELDS);
    for (size_t first = 0; first < n; first += most) {
        size_t count = n - first < most ? n - first : most;
        for (size_t i = 0; i < count * ML_FIELDS; i++) {
            const char *at = fields[first * ML_FIELDS + i];
            room.rows.fields[i].at = at;
            room.rows.fields[i].len = !at       ? 0
                                      : lengths ? lengths[first * ML_FIELDS + i]
                                                : strlen(at);
        }
        size_t done = ml_image_predict_raw(ML_MODEL, ML_KERNELS, room.rows.fields, count,
                                           ML_ANSWERS, room.work, out + first * ML_OUTPUTS, NULL);
        if (done < count)
            return first + done;
    }
    return n;
}

size_t ML_NAME(class)(const double *prediction)
{
    return ml_image_class(ML_MODEL, prediction);
}

const char *ML_NAME(info)(void)
{
    return (const char *)ML_MODEL + (ML_MODEL)->info_at;
}

#undef ML_ROOM
#undef ML_NAME
#undef ML_PASTE
#undef ML_PASTE_
#undef ML_AT_ONCE
#undef ML_ALL
