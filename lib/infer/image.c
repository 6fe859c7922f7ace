/* A model's parts, each as a section of its image. */
#include "infer/image.h"

#include "runtime/program.h"

/* Sections begin at multiples of 64 bytes, as vectors like it. */
static uint64_t add_section(struct buf *image, const void *bytes, size_t n)
{
    static const char zeros[64];
    buf_add(image, zeros, (64 - image->len % 64) % 64);
    uint64_t at = image->len;
    if (n)
        buf_add(image, bytes, n);
    return at;
}

static uint64_t add_doubles(struct buf *image, const double *at, size_t n)
{
    return at ? add_section(image, at, n * sizeof *at) : 0;
}

static uint64_t add_indexes(struct buf *image, const size_t *at, size_t n)
{
    if (!at)
        return 0;
    uint32_t *narrow = mem_array(NULL, n, sizeof *narrow);
    for (size_t i = 0; i < n; i++)
        narrow[i] = at[i] > UINT32_MAX ? UINT32_MAX : (uint32_t)at[i];
    uint64_t section = add_section(image, narrow, n * sizeof *narrow);
    mem_free(narrow);
    return section;
}

static struct ml_stage add_stage(struct buf *image, const struct stage *s)
{
    static const uint8_t kinds[] = {
        [STAGE_IMPUTE] = ML_STAGE_IMPUTE, [STAGE_CENTER] = ML_STAGE_CENTER,
        [STAGE_AFFINE] = ML_STAGE_AFFINE, [STAGE_SHIFT] = ML_STAGE_SHIFT,
        [STAGE_NORM] = ML_STAGE_NORM,     [STAGE_ONEHOT] = ML_STAGE_ONEHOT,
        [STAGE_MAP] = ML_STAGE_MAP,       [STAGE_FLOAT] = ML_STAGE_FLOAT,
        [STAGE_PICK] = ML_STAGE_PICK,     [STAGE_MISSING] = ML_STAGE_MISSING};
    static const uint8_t norms[] = {[NORM_LARGEST] = ML_NORM_LARGEST,
                                    [NORM_SUM] = ML_NORM_SUM,
                                    [NORM_ROOT] = ML_NORM_ROOT,
                                    [NORM_LARGEST_VALUE] = ML_NORM_LARGEST_VALUE,
                                    [NORM_ROOT_OF_RATIO] = ML_NORM_ROOT_OF_RATIO};
    bool onehot = s->kind == STAGE_ONEHOT;
    size_t width = stage_columns(s), categories = onehot ? s->first[width] : 0;
    return (struct ml_stage){
        .kind = kinds[s->kind],
        .single = s->single,
        .norm = norms[s->norm],
        .clips = s->clips,
        .truncates = s->truncates,
        .refuses = s->unknown == UNKNOWN_ERROR,
        .in = (uint32_t)s->in,
        .out = (uint32_t)s->out,
        .before = (uint32_t)s->before,
        .after = (uint32_t)s->after,
        .map_count = (uint32_t)s->map_count,
        .categories = (uint32_t)categories,
        .what = s->what,
        .otherwise = s->otherwise,
        .clip = {s->clip[0], s->clip[1]},
        .a_at = add_doubles(image, s->a, width),
        .b_at = add_doubles(image, s->b, width),
        .category_at = onehot ? add_section(image, s->category, categories * sizeof(double)) : 0,
        .first_at = add_indexes(image, s->first, width + 1),
        .drop_at = onehot ? add_indexes(image, s->drop, width) : 0,
        .from_at = add_doubles(image, s->from, s->map_count),
        .to_at = add_doubles(image, s->to, s->map_count),
        .pick_at = add_indexes(image, s->pick, s->out)};
}

static uint64_t add_stages(struct buf *image, const struct model *m)
{
    struct buf stages = {0};
    for (size_t i = 0; i < m->stage_count; i++) {
        struct ml_stage s = add_stage(image, &m->stages[i]);
        buf_add(&stages, &s, sizeof s);
    }
    uint64_t at = add_section(image, stages.at, stages.len);
    buf_release(&stages);
    return at;
}

static uint8_t transform_code(enum transform t)
{
    static const uint8_t codes[] = {[TRANSFORM_NONE] = ML_TRANSFORM_NONE,
                                    [TRANSFORM_SIGMOID] = ML_TRANSFORM_SIGMOID,
                                    [TRANSFORM_SOFTMAX] = ML_TRANSFORM_SOFTMAX,
                                    [TRANSFORM_EXP] = ML_TRANSFORM_EXP,
                                    [TRANSFORM_STEP] = ML_TRANSFORM_STEP,
                                    [TRANSFORM_SQUARE] = ML_TRANSFORM_SQUARE,
                                    [TRANSFORM_LOG1P_EXP] = ML_TRANSFORM_LOG1P_EXP,
                                    [TRANSFORM_SOFTMAX_ZERO] = ML_TRANSFORM_SOFTMAX_ZERO,
                                    [TRANSFORM_PROBIT] = ML_TRANSFORM_PROBIT,
                                    [TRANSFORM_NORMALIZE] = ML_TRANSFORM_NORMALIZE,
                                    [TRANSFORM_SIGMOID_SHARE] = ML_TRANSFORM_SIGMOID_SHARE};
    return codes[t];
}

static struct ml_image image_head(const struct model *m)
{
    return (struct ml_image){.magic = ML_IMAGE_MAGIC,
                             .version = ML_IMAGE_VERSION,
                             .kind = m->kind == MODEL_TREES ? ML_TREES : ML_LINEAR,
                             .transform = transform_code(m->transform),
                             .single = m->linear.single,
                             .base_last = m->sum.base_last,
                             .two_classes = m->two_classes,
                             .answers_class = m->answers_class,
                             .features = (uint32_t)m->feature_count,
                             .width = (uint32_t)model_width(m),
                             .outputs = (uint32_t)m->outputs,
                             .stages = (uint32_t)m->stage_count,
                             .scale = m->scale,
                             .cut = m->cut};
}

/* Takes the bytes. */
static struct ml_image *image_take(struct buf *image, struct ml_image *head)
{
    head->bytes = image->len;
    memcpy(image->at, head, sizeof *head);
    return (void *)buf_take(image);
}

struct ml_image *image_of_stages(const struct model *m)
{
    struct buf image = {0};
    struct ml_image head = image_head(m);
    buf_add(&image, &head, sizeof head);
    head.stage_at = add_stages(&image, m);
    head.base_at = add_doubles(&image, m->base, m->outputs);
    if (m->kind == MODEL_LINEAR)
        head.weight_at = add_doubles(&image, m->linear.weight, m->outputs * head.width);
    return image_take(&image, &head);
}

static bool is_too_large(const struct model *m, struct error *e)
{
    bool large = m->feature_count > UINT32_MAX / 16 || m->outputs > UINT32_MAX / 64;
    for (size_t i = 0; i < m->stage_count; i++)
        large = large || m->stages[i].out > UINT32_MAX / 16;
    if (large)
        error_set(e, ERR_DATA, "the model is too large: %zu features, %zu outputs",
                  m->feature_count, m->outputs);
    return large;
}

struct ml_image *image_new(const struct model *m, const struct compile_options *o,
                           const struct buf *program, const char *info, struct error *e)
{
    struct ml_plan *plan = NULL;
    const struct plan_options lossy = {.float32 = o->float32, .u8 = o->u8};
    if (is_too_large(m, e) || (m->kind == MODEL_TREES && !(plan = plan_new(m, &lossy, e))))
        return NULL;
    struct buf image = {0};
    struct ml_image head = image_head(m);
    buf_add(&image, &head, sizeof head);
    head.stage_at = add_stages(&image, m);
    if (plan) {
        head.plan_bytes = plan->bytes;
        head.plan_at = add_section(&image, plan, plan->bytes);
    } else {
        head.base_at = add_doubles(&image, m->base, m->outputs);
        head.weight_at = add_doubles(&image, m->linear.weight, m->outputs * head.width);
    }
    head.program_bytes = program->len;
    head.program_at = add_section(&image, program->at, program->len);
    head.fields = ((const struct ml_program *)(const void *)program->at)->fields;
    head.info_bytes = strlen(info) + 1;
    head.info_at = add_section(&image, info, head.info_bytes);
    mem_free(plan);
    return image_take(&image, &head);
}
