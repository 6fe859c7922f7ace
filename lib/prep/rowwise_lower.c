/* Rowwise steps in row programs: registers in, the map, columns out. */
#include "prep/lower.h"
#include "prep/rowwise.h"
#include "runtime/program_math.h"

/* The kernel by its number among the runtime's; false when it is none of them. */
static bool find_kernel(const struct rowwise *map, uint32_t *number)
{
    *number = 0;
    while (ml_map_at(*number) && ml_map_at(*number) != map->number)
        ++*number;
    return map->number && ml_map_at(*number);
}

static int lower_kernel(struct lower_map *m)
{
    uint32_t kernel;
    if (m->map->lower)
        return m->map->lower(m);
    if (!find_kernel(m->map, &kernel))
        return lower_refuse(m->error, "not in compiled preparation");
    uint32_t parameters = lower_range(m->to, m->parameters, ROWWISE_PARAMETERS);
    m->out[0] = lower_op(m->to, ML_OP_map, m->in[0], parameters, kernel);
    return 0;
}

static void store(const struct step *s, struct lowering *l, size_t column, uint32_t reg,
                  uint32_t also)
{
    bool in_place = rowwise_plan(s)->added.len == 0;
    if (in_place)
        lower_set(l, column, reg);
    else
        lower_add(l, reg);
    if (also != LOWER_NONE)
        lower_also(l, in_place ? column : l->columns.len - 1, also);
}

int rowwise_lower_run(const struct step *s, struct lowering *l, size_t first, size_t count,
                      uint32_t *out, uint32_t *also, struct error *e)
{
    const struct rowwise *map = s->kind->detail;
    const struct rowwise_plan *plan = s->plan;
    uint32_t *in = mem_array(NULL, count + 1, sizeof *in);
    struct lower_map m = {.step = s,
                          .map = map,
                          .own = plan->own,
                          .parameters = plan->parameters,
                          .to = l,
                          .index = first,
                          .count = count,
                          .columns = s->columns + first,
                          .in = in,
                          .error = e};
    m.out = out;
    m.also = also;
    for (size_t i = 0; i < count; i++)
        in[i] = lower_column(l, s->columns[first + i], lower_class_of_type(map->from));
    int rc = lower_kernel(&m);
    mem_free(in);
    return rc;
}

static int run(const struct step *s, struct lowering *l, size_t first, size_t count,
               struct error *e)
{
    const struct rowwise_plan *plan = s->plan;
    size_t parts = plan->parts.len > 0 ? plan->parts.len : 1;
    uint32_t *out = mem_array(NULL, 2 * parts, sizeof *out), *also = out + parts;
    for (size_t i = 0; i < parts; i++)
        also[i] = LOWER_NONE;
    int rc = rowwise_lower_run(s, l, first, count, out, also, e);
    for (size_t i = 0; rc == 0 && i < parts; i++)
        store(s, l, s->columns[first], out[i], also[i]);
    mem_free(out);
    return rc;
}

int rowwise_lower(const struct step *s, struct lowering *l, struct error *e)
{
    const struct rowwise *map = s->kind->detail;
    size_t at_once = map->several ? s->column_count : 1;
    int rc = 0;
    for (size_t i = 0; i < s->column_count && rc == 0; i += at_once)
        rc = run(s, l, i, at_once, e);
    bool drops = map->drops && !(step_has_arg(s, "keep") && arg_bool(s, "keep"));
    if (drops && rc == 0)
        lower_leave_out(l, s->columns, s->column_count);
    return rc;
}
