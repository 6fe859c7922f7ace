/* Columns: their values in each class, and their order. */
#include "lower/lower.h"
#include "lower/ops.h"

static struct lower_column column_of(const struct lowering *l, uint32_t reg)
{
    struct lower_column c = {.class = lower_class(l, reg)};
    for (size_t i = 0; i < ML_CLASSES; i++)
        c.as[i] = LOWER_NONE;
    c.as[c.class] = reg;
    return c;
}

void lower_field(struct lowering *l, struct text name, const char *type)
{
    struct lower_field field = {.reg = lower_register(l, ML_TEXT),
                                .name = lower_text(l, name),
                                .type = lower_text(l, text_of(type))};
    vec_push(&l->ops->field, field);
    lower_add(l, field.reg);
}

static uint32_t to_float(struct lowering *l, const struct lower_column *c)
{
    static const enum ml_code codes[] = {
        [ML_FLOAT] = ML_OP_move,
        [ML_INT] = ML_OP_float_of_int,
        [ML_NUMBER] = ML_OP_float_of_number,
        [ML_BOOL] = ML_OP_float_of_bool,
        [ML_TIME] = ML_OP_float_of_time,
        [ML_TEXT] = ML_OP_float_of_text,
    };
    return lower_op(l, codes[c->class], c->as[c->class], 0, 0);
}

static uint32_t to_text(struct lowering *l, const struct lower_column *c)
{
    static const enum ml_code codes[] = {
        [ML_FLOAT] = ML_OP_text_of_float,   [ML_INT] = ML_OP_text_of_int,
        [ML_NUMBER] = ML_OP_text_of_number, [ML_BOOL] = ML_OP_text_of_bool,
        [ML_TIME] = ML_OP_text_of_time,     [ML_TEXT] = ML_OP_move,
    };
    return lower_op(l, codes[c->class], c->as[c->class], 0, 0);
}

static uint32_t to_number(struct lowering *l, size_t column, enum ml_class from)
{
    if (from == ML_TEXT)
        return lower_op(l, ML_OP_number_of_text, lower_column(l, column, ML_TEXT), 0, 0);
    if (from == ML_INT)
        return lower_op(l, ML_OP_number_of_int, lower_column(l, column, ML_INT), 0, 0);
    return lower_op(l, ML_OP_number_of_float, lower_column(l, column, ML_FLOAT), 0, 0);
}

static uint32_t to_int(struct lowering *l, size_t column, enum ml_class from)
{
    if (from == ML_BOOL)
        return lower_op(l, ML_OP_int_of_bool, lower_column(l, column, ML_BOOL), 0, 0);
    if (from == ML_FLOAT)
        return lower_op(l, ML_OP_int_of_float, lower_column(l, column, ML_FLOAT), 0, 0);
    return lower_op(l, ML_OP_int_of_text, lower_column(l, column, ML_TEXT), 0, 0);
}

static uint32_t convert(struct lowering *l, size_t column, enum ml_class class)
{
    struct lower_column c = l->columns.at[column];
    switch (class) {
    case ML_FLOAT:
        return to_float(l, &c);
    case ML_TEXT:
        return to_text(l, &c);
    case ML_NUMBER:
        return to_number(l, column, c.class);
    case ML_INT:
        return to_int(l, column, c.class);
    case ML_BOOL:
        return lower_op(l, ML_OP_bool_of_text, lower_column(l, column, ML_TEXT), 0, 0);
    case ML_TIME:
    case ML_CLASSES:
        break;
    }
    return lower_op(l, ML_OP_time_of_text, lower_column(l, column, ML_TEXT), l->zone, 0);
}

uint32_t lower_column(struct lowering *l, size_t column, enum ml_class class)
{
    uint32_t known = l->columns.at[column].as[class];
    if (known != LOWER_NONE)
        return known;
    uint32_t made = convert(l, column, class);
    if (l->guards == 0)
        l->columns.at[column].as[class] = made;
    return made;
}

uint32_t lower_time_if(struct lowering *l, uint32_t text)
{
    uint32_t time = lower_register(l, ML_TIME);
    lower_op_to(l, ML_OP_time_of_text, ML_ELSE_UTC | ML_ELSE_MISSING, time, text, 0, 0);
    return time;
}

uint32_t lower_reads(struct lowering *l, uint32_t text, uint32_t reg)
{
    uint32_t reads = lower_register(l, ML_BOOL);
    lower_op_to(l, ML_OP_missing, 0, reads, 0, 0, 0);
    size_t skip = lower_jump(l, ML_OP_jump_is, lower_op(l, ML_OP_is_missing, text, 1, 0), 1);
    lower_op_to(l, ML_OP_is_missing, 0, reads, reg, 0, 0);
    lower_land(l, skip);
    return reads;
}

void lower_add(struct lowering *l, uint32_t reg)
{
    vec_push(&l->columns, column_of(l, reg));
}

void lower_insert(struct lowering *l, size_t at, uint32_t reg)
{
    lower_add(l, reg);
    struct lower_column made = l->columns.at[l->columns.len - 1];
    memmove(l->columns.at + at + 1, l->columns.at + at,
            (l->columns.len - 1 - at) * sizeof *l->columns.at);
    l->columns.at[at] = made;
}

void lower_set(struct lowering *l, size_t column, uint32_t reg)
{
    l->columns.at[column] = column_of(l, reg);
}

void lower_also(struct lowering *l, size_t column, uint32_t reg)
{
    l->columns.at[column].as[lower_class(l, reg)] = reg;
}

void lower_leave_out(struct lowering *l, const size_t *at, size_t n)
{
    uint8_t *gone = mem_alloc(l->columns.len + 1);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        gone[at[i]] = 1;
    for (size_t i = 0; i < l->columns.len; i++)
        if (!gone[i])
            l->columns.at[kept++] = l->columns.at[i];
    l->columns.len = kept;
    mem_free(gone);
}

void lower_arrange(struct lowering *l, const size_t *at, size_t n)
{
    struct lower_column *old = mem_copy(l->columns.at, l->columns.len * sizeof *old);
    l->columns.len = 0;
    for (size_t i = 0; i < n; i++)
        vec_push(&l->columns, old[at[i]]);
    mem_free(old);
}

uint32_t lower_answer(struct lowering *l, size_t column, enum lower_what what)
{
    const struct lower_column *c = &l->columns.at[column];
    enum ml_class class = c->class;
    if (class == ML_TIME)
        return lower_op(l, ML_OP_answer_of_time, c->as[ML_TIME], 0, 0);
    if (class == ML_TEXT && what == LOWER_EITHER)
        return lower_op(l, ML_OP_answer_of_text, c->as[ML_TEXT], 0, 0);
    if (what == LOWER_FLAGS && class == ML_TEXT)
        return lower_op(l, ML_OP_float_of_bool, lower_column(l, column, ML_BOOL), 0, 0);
    uint32_t reg = lower_column(l, column, ML_FLOAT);
    bool infinite = class == ML_FLOAT || class == ML_NUMBER;
    return infinite ? lower_op(l, ML_OP_answer_of_float, reg, 0, 0) : reg;
}

uint32_t lower_code(struct lowering *l, size_t column, const struct text *categories, size_t n)
{
    return lower_op(l, ML_OP_code, lower_column(l, column, ML_TEXT), lower_map(l, categories, n),
                    0);
}
