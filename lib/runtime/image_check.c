/* What an image from a file must be for a prediction to stay inside it. */
#include "runtime/image.h"

#include "runtime/kernel.h"
#include "runtime/program.h"

#include <stdbool.h>
#include <string.h>

enum { IMAGE_NUMBERS_MAX = 1 << 28 }; /* of one vector: sizes of work then fit any size_t */

/* An array of count items inside the image, aligned for doubles. */
static bool image_holds(const struct ml_image *m, uint64_t at, uint64_t count, uint64_t size)
{
    return at % 8 == 0 && at <= m->bytes && count <= (m->bytes - at) / size;
}

static bool image_may_hold(const struct ml_image *m, uint64_t at, uint64_t count, uint64_t size)
{
    return at == 0 || image_holds(m, at, count, size);
}

static bool image_head_fits(const struct ml_image *m, uint64_t bytes)
{
    return bytes >= sizeof *m && memcmp(m->magic, ML_IMAGE_MAGIC, sizeof m->magic) == 0 &&
           m->version == ML_IMAGE_VERSION && m->bytes <= bytes && m->kind <= ML_LINEAR &&
           m->features > 0 && m->features <= IMAGE_NUMBERS_MAX && m->outputs > 0 &&
           m->outputs <= IMAGE_NUMBERS_MAX / 64 && m->info_bytes > 0 &&
           image_holds(m, m->info_at, m->info_bytes, 1) &&
           ((const char *)m)[m->info_at + m->info_bytes - 1] == '\0';
}

/* The categories of a one-hot stage make exactly its columns. */
static bool onehot_fits(const struct ml_image *m, const struct ml_stage *s)
{
    uint32_t width = s->in - s->before - s->after;
    if (!image_holds(m, s->category_at, s->categories, sizeof(double)) ||
        !image_holds(m, s->first_at, (uint64_t)width + 1, sizeof(uint32_t)) ||
        !image_may_hold(m, s->drop_at, width, sizeof(uint32_t)))
        return false;
    const uint32_t *first = (const void *)((const char *)m + s->first_at);
    const uint32_t *drop = (const void *)((const char *)m + s->drop_at);
    uint64_t columns = (uint64_t)s->before + s->after;
    for (uint32_t i = 0; i < width; i++) {
        if (first[i] > first[i + 1] || first[i + 1] > s->categories)
            return false;
        uint32_t count = first[i + 1] - first[i];
        columns += count - (s->drop_at && drop[i] < count);
    }
    return columns == s->out;
}

/* Maps of columns lie in order, inside of all. */
static bool maps_fit(const struct ml_image *m, const struct ml_stage *s)
{
    uint32_t width = s->in - s->before - s->after;
    if (!image_may_hold(m, s->first_at, (uint64_t)width + 1, sizeof(uint32_t)))
        return false;
    const uint32_t *first = (const void *)((const char *)m + s->first_at);
    for (uint32_t i = 0; i < width && s->first_at; i++)
        if (first[i] > first[i + 1] || first[i + 1] > s->map_count)
            return false;
    return true;
}

static bool pick_fits(const struct ml_image *m, const struct ml_stage *s)
{
    if (s->before || s->after || !image_holds(m, s->pick_at, s->out, sizeof(uint32_t)))
        return false;
    const uint32_t *pick = (const void *)((const char *)m + s->pick_at);
    for (uint32_t i = 0; i < s->out; i++)
        if (pick[i] >= s->in)
            return false;
    return true;
}

static bool stage_fits(const struct ml_image *m, const struct ml_stage *s)
{
    if (s->kind > ML_STAGE_MISSING || s->out > IMAGE_NUMBERS_MAX || s->before > s->in ||
        s->after > s->in - s->before)
        return false;
    if (s->kind == ML_STAGE_ONEHOT)
        return onehot_fits(m, s);
    if (s->kind == ML_STAGE_PICK)
        return pick_fits(m, s);
    uint32_t width = s->in - s->before - s->after;
    return s->out == s->in && image_may_hold(m, s->a_at, width, sizeof(double)) &&
           image_may_hold(m, s->b_at, width, sizeof(double)) &&
           image_holds(m, s->from_at, s->map_count, sizeof(double)) &&
           image_holds(m, s->to_at, s->map_count, sizeof(double)) && maps_fit(m, s);
}

static bool stages_fit(const struct ml_image *m)
{
    uint32_t width = m->features;
    if (!image_holds(m, m->stage_at, m->stages, sizeof(struct ml_stage)))
        return false;
    const struct ml_stage *stages = (const void *)((const char *)m + m->stage_at);
    for (uint32_t i = 0; i < m->stages; i++) {
        if (stages[i].in != width || !stage_fits(m, &stages[i]))
            return false;
        width = stages[i].out;
    }
    return width == m->width;
}

static bool linear_fits(const struct ml_image *m)
{
    return image_holds(m, m->base_at, m->outputs, sizeof(double)) &&
           image_holds(m, m->weight_at, (uint64_t)m->outputs * m->width, sizeof(double));
}

static bool trees_fit(const struct ml_image *m)
{
    if (m->plan_bytes < sizeof(struct ml_plan) || !image_holds(m, m->plan_at, m->plan_bytes, 1))
        return false;
    const struct ml_plan *p = (const void *)((const char *)m + m->plan_at);
    return ml_plan_check(p, m->plan_bytes) == 0 && p->features == m->width &&
           p->outputs == m->outputs;
}

static bool program_fits(const struct ml_image *m)
{
    if (!image_holds(m, m->program_at, m->program_bytes, 1))
        return false;
    const struct ml_program *p = (const void *)((const char *)m + m->program_at);
    return ml_program_check(p, m->program_bytes) == 0 && p->fields == m->fields &&
           p->features == m->features;
}

ML_API int ml_image_check(const struct ml_image *m, uint64_t bytes)
{
    if (!image_head_fits(m, bytes))
        return -1;
    if (!stages_fit(m))
        return -2;
    if (!(m->kind == ML_TREES ? trees_fit(m) : linear_fits(m)))
        return -3;
    return program_fits(m) ? 0 : -4;
}
