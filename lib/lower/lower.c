/* Emission: operations, registers, and what they refer to. */
#include "lower/lower.h"
#include "lower/ops.h"
#include "runtime/program_vector.h"

#include <math.h>

struct lowering *lowering_new(void)
{
    struct lowering *l = mem_alloc(sizeof *l);
    l->ops = mem_alloc(sizeof *l->ops);
    return l;
}

void lowering_free(struct lowering *l)
{
    if (!l)
        return;
    struct lower_ops *o = l->ops;
    vec_release(&o->op);
    vec_release(&o->class);
    vec_release(&o->constant);
    vec_release(&o->word);
    vec_release(&o->range);
    vec_release(&o->list);
    vec_release(&o->map);
    vec_release(&o->item);
    vec_release(&o->zone);
    vec_release(&o->field);
    map_release(&o->texts);
    map_release(&o->single);
    map_release(&o->ranges);
    vec_release(&l->columns);
    mem_free(o);
    mem_free(l);
}

uint32_t lower_register(struct lowering *l, enum ml_class class)
{
    vec_push(&l->ops->class, (uint8_t) class);
    return (uint32_t)(l->ops->class.len - 1);
}

enum ml_class lower_class(const struct lowering *l, uint32_t reg)
{
    return (enum ml_class)l->ops->class.at[reg];
}

void lower_op_to(struct lowering *l, enum ml_code code, uint16_t flags, uint32_t to, uint32_t a,
                 uint32_t b, uint32_t c)
{
    flags |= l->else_missing ? ML_ELSE_MISSING : 0;
    struct ml_op op = {(uint16_t)code, flags, l->step, to, a, b, c};
    vec_push(&l->ops->op, op);
}

uint32_t lower_op(struct lowering *l, enum ml_code code, uint32_t a, uint32_t b, uint32_t c)
{
    char letter = ml_signature(code)[0];
    const char *class = strchr(ML_CLASS_LETTERS, letter);
    uint32_t to =
        class && letter ? lower_register(l, (enum ml_class)(class - ML_CLASS_LETTERS)) : 0;
    lower_op_to(l, code, 0, to, a, b, c);
    return to;
}

size_t lower_jump(struct lowering *l, enum ml_code code, uint32_t a, uint32_t b)
{
    l->guards++;
    lower_op_to(l, code, 0, 0, a, b, 0);
    return l->ops->op.len - 1;
}

void lower_land(struct lowering *l, size_t jump)
{
    l->guards--;
    l->ops->op.at[jump].c = (uint32_t)l->ops->op.len;
}

static uint32_t constant(struct lowering *l, uint64_t bits)
{
    bool is_new;
    size_t i = map_put(&l->ops->single, (struct text){(const char *)&bits, sizeof bits}, &is_new);
    if (is_new)
        vec_push(&l->ops->constant, bits);
    return (uint32_t)i;
}

uint32_t lower_float(struct lowering *l, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return constant(l, bits);
}

uint32_t lower_int(struct lowering *l, int64_t x)
{
    return constant(l, (uint64_t)x);
}

/* A range that is there already is not added again. */
static uint32_t add_range(struct lowering *l, const void *words, size_t n, bool texts)
{
    struct lower_ops *o = l->ops;
    struct lower_range range = {o->word.len, n, texts};
    struct buf key = {0};
    bool is_new;
    buf_putc(&key, (char)texts);
    if (n > 0)
        buf_add(&key, words, n * sizeof(uint64_t));
    size_t known = map_put(&o->ranges, (struct text){key.at, key.len}, &is_new);
    buf_release(&key);
    for (size_t i = 0; is_new && i < n; i++) {
        uint64_t word;
        memcpy(&word, (const char *)words + i * sizeof word, sizeof word);
        vec_push(&o->word, word);
    }
    if (is_new)
        vec_push(&o->range, range);
    return (uint32_t)known;
}

uint32_t lower_range(struct lowering *l, const double *at, size_t n)
{
    return add_range(l, at, n, false);
}

uint32_t lower_range_int(struct lowering *l, const int64_t *at, size_t n)
{
    return add_range(l, at, n, false);
}

uint32_t lower_range_text(struct lowering *l, const struct text *at, size_t n)
{
    int64_t *numbers = mem_array(NULL, n + 1, sizeof *numbers);
    for (size_t i = 0; i < n; i++)
        numbers[i] = at[i].at ? (int64_t)lower_text(l, at[i]) : -1;
    uint32_t range = add_range(l, numbers, n, true);
    mem_free(numbers);
    return range;
}

uint32_t lower_text(struct lowering *l, struct text t)
{
    return (uint32_t)map_put(&l->ops->texts, t, NULL);
}

uint32_t lower_map(struct lowering *l, const struct text *at, size_t n)
{
    struct lower_ops *o = l->ops;
    struct lower_slice slice = {o->item.len, n};
    for (size_t i = 0; i < n; i++)
        vec_push(&o->item, lower_text(l, at[i]));
    vec_push(&o->map, slice);
    return (uint32_t)(o->map.len - 1);
}

uint32_t lower_list(struct lowering *l, const uint32_t *registers, size_t n)
{
    struct lower_ops *o = l->ops;
    struct lower_slice slice = {o->item.len, n};
    for (size_t i = 0; i < n; i++)
        vec_push(&o->item, registers[i]);
    vec_push(&o->list, slice);
    return (uint32_t)(o->list.len - 1);
}

uint32_t lower_zone(struct lowering *l, const struct zone_table *z)
{
    if (!z)
        return 0;
    struct lower_zone zone = {.first_offset = z->first_offset, .periodic = z->periodic};
    zone.changes = add_range(l, z->changes, 2 * z->count, false);
    vec_push(&l->ops->zone, zone);
    return (uint32_t)l->ops->zone.len;
}

void lower_vector(struct lowering *l, uint32_t code, bool whole, const uint32_t *in, size_t n,
                  const double *constants, size_t count, uint32_t *out, size_t k)
{
    for (size_t i = 0; i < k; i++)
        out[i] = lower_register(l, ML_FLOAT);
    uint32_t from = lower_list(l, in, n), to = lower_list(l, out, k);
    lower_op_to(l, ML_OP_vector, whole, to, from, lower_range(l, constants, count), code);
}

uint32_t lower_unknown(struct lowering *l, const uint32_t *in, size_t n)
{
    uint32_t out = 0;
    double *none = mem_array(NULL, 2 * n + 1, sizeof *none);
    for (size_t i = 0; i < 2 * n; i++)
        none[i] = (double)NAN;
    lower_vector(l, ML_VECTOR_linear, false, in, n, none, 2 * n, &out, 1);
    mem_free(none);
    return out;
}
