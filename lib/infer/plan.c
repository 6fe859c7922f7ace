#include "infer/plan_parts.h"

static void put_section(struct buf *plan, struct ml_plan *head, enum ml_section section,
                        const void *bytes, size_t n)
{
    static const char zeros[320]; /* kernels read up to 256 bytes behind the last value */
    head->at[section] = plan->len;
    if (n)
        buf_add(plan, bytes, n);
    buf_add(plan, zeros, 256 + (64 - plan->len % 64) % 64);
    head->at[section + 1] = plan->len;
}

static struct ml_plan plan_head(const struct draft *d)
{
    const struct model *m = d->m;
    return (struct ml_plan){.magic = ML_PLAN_MAGIC,
                            .features = (uint32_t)model_width(m),
                            .outputs = (uint32_t)m->outputs,
                            .width = (uint32_t)d->t->width,
                            .trees = (uint32_t)d->t->count,
                            .columns = (uint32_t)d->columns.len,
                            .planes = (uint32_t)d->planes.len,
                            .groups = (uint32_t)d->groups.len,
                            .number_planes = (uint32_t)d->number_planes,
                            .single_input = d->single_input,
                            .single_sum = d->single_sum,
                            .how = (uint8_t)m->sum.how,
                            .base_last = m->sum.base_last,
                            .narrow = m->sum.narrow,
                            .has_deep = d->has_deep,
                            .wide_numbers = d->wide_numbers,
                            .rounds = (uint32_t)(m->sum.rounds ? m->sum.rounds : d->t->count),
                            .row_bytes = d->bytes,
                            .lines = d->lines,
                            .levels = d->level_lines,
                            .set_codes = d->set_codes};
}

static struct ml_plan *put_plan(const struct draft *d)
{
    struct buf plan = {0};
    struct ml_plan head = plan_head(d);
    static const char zeros[sizeof(struct ml_plan) + 64];
    buf_add(&plan, zeros, (sizeof head + 63) / 64 * 64);
#define PUT(section, v) put_section(&plan, &head, section, (v).at, (v).len * sizeof *(v).at)
    PUT(ML_AT_COLUMN, d->columns);
    PUT(ML_AT_CUT, d->cut_blocks);
    PUT(ML_AT_PLANE, d->planes);
    PUT(ML_AT_WORD, d->words);
    put_section(&plan, &head, ML_AT_BASE, d->m->base, d->m->outputs * sizeof(double));
    PUT(ML_AT_GROUP, d->groups);
    PUT(ML_AT_FILL, d->fills);
    PUT(ML_AT_LEVEL, d->levels);
    PUT(ML_AT_CODE, d->line_codes);
    PUT(ML_AT_TREE, d->trees);
    PUT(ML_AT_NODE, d->nodes);
    PUT(ML_AT_STEP, d->steps);
    PUT(ML_AT_START, d->starts);
    PUT(ML_AT_VALUE, d->values);
    PUT(ML_AT_NUMBER, d->numbers);
#undef PUT
    head.bytes = plan.len;
    memcpy(plan.at, &head, sizeof head);
    return (void *)buf_take(&plan);
}

static void draft_release(struct draft *d)
{
    for (size_t i = 0; i < d->cuts.len; i++)
        vec_release(&d->cuts.at[i].at);
    vec_release(&d->cuts);
    vec_release(&d->columns);
    vec_release(&d->planes);
    vec_release(&d->words);
    vec_release(&d->trees);
    vec_release(&d->groups);
    vec_release(&d->fills);
    vec_release(&d->line_codes);
    vec_release(&d->levels);
    vec_release(&d->nodes);
    vec_release(&d->steps);
    vec_release(&d->starts);
    mem_free(d->column_of);
    mem_free(d->plane);
    mem_free(d->code);
    buf_release(&d->cut_blocks);
    buf_release(&d->values);
    buf_release(&d->numbers);
}

/* So many that what is counted of them fits 32 bits: codes of planes, leaves of padded trees. */
#define NODES_MAX (UINT32_MAX / 16)

/* Whether a place in a section is beyond 32 bits. */
static bool has_wide_places(const struct draft *d)
{
    return d->cut_blocks.len > UINT32_MAX || d->words.len > UINT32_MAX ||
           d->levels.len > UINT32_MAX || d->nodes.len > UINT32_MAX;
}

struct ml_plan *plan_new(const struct model *m, const struct plan_options *options, struct error *e)
{
    struct draft d = {.m = m, .t = &m->trees};
    struct ml_plan *plan = NULL;
    if (options)
        d.options = *options;
    d.single_input = m->trees.single || d.options.float32;
    d.single_sum = m->sum.single || d.options.float32;
    if (m->trees.nodes > NODES_MAX || model_width(m) >= UINT32_MAX) {
        error_set(e, ERR_DATA, "the model is too large: %zu nodes, %zu features", m->trees.nodes,
                  model_width(m));
        return NULL;
    }
    d.plane = mem_alloc((m->trees.nodes + 1) * sizeof *d.plane);
    d.code = mem_alloc((m->trees.nodes + 1) * sizeof *d.code);
    draft_codes(&d);
    draft_trees(&d);
    if (has_wide_places(&d))
        error_set(e, ERR_DATA, "the model is too large: %zu nodes", m->trees.nodes);
    else
        plan = put_plan(&d);
    draft_release(&d);
    return plan;
}
