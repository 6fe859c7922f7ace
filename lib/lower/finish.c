/* From what was emitted to a program: what is needed, numbered anew, as one piece of memory. */
#include "lower/lower.h"
#include "lower/ops.h"

struct finish {
    const struct lower_ops *o;
    uint8_t *live_op, *live_register;
    uint32_t *reg;   /* new number of each register */
    uint32_t *place; /* new number of each operation; one more for the end */
    /* New numbers of what operations name; LOWER_NONE: not taken yet. */
    uint32_t *constant, *range, *text, *map, *list, *zone;
    struct map characters; /* texts by their bytes; where each begins */
    VEC(uint64_t) starts;
    struct buf class, op, result, constants, ranges, lists, texts, maps, slots, zones, fields;
    struct buf character;
};

static uint32_t *numbers_new(size_t n)
{
    uint32_t *at = mem_array(NULL, n + 1, sizeof *at);
    for (size_t i = 0; i <= n; i++)
        at[i] = LOWER_NONE;
    return at;
}

static void begin(struct finish *f, const struct lower_ops *o)
{
    *f = (struct finish){.o = o};
    f->live_op = mem_alloc(o->op.len + 1);
    f->live_register = mem_alloc(o->class.len + 1);
    f->reg = numbers_new(o->class.len);
    f->place = numbers_new(o->op.len);
    f->constant = numbers_new(o->constant.len);
    f->range = numbers_new(o->range.len);
    f->text = numbers_new(o->texts.keys.len);
    f->map = numbers_new(o->map.len);
    f->list = numbers_new(o->list.len);
    f->zone = numbers_new(o->zone.len);
}

static void end(struct finish *f)
{
    void *arrays[] = {f->live_op, f->live_register, f->reg, f->place, f->constant,
                      f->range,   f->text,          f->map, f->list,  f->zone};
    struct buf *bufs[] = {&f->class,  &f->op,    &f->result, &f->constants,
                          &f->ranges, &f->lists, &f->texts,  &f->maps,
                          &f->slots,  &f->zones, &f->fields, &f->character};
    for (size_t i = 0; i < COUNT_OF(arrays); i++)
        mem_free(arrays[i]);
    for (size_t i = 0; i < COUNT_OF(bufs); i++)
        buf_release(bufs[i]);
    map_release(&f->characters);
    vec_release(&f->starts);
}

static bool is_register(char letter)
{
    return letter && strchr(ML_CLASS_LETTERS "*=~", letter) != NULL;
}

static bool is_list(char letter)
{
    return letter && strchr("fix", letter) != NULL;
}

/* Calls for every register that the operand names. */
static void mark_operand(struct finish *f, char letter, uint32_t x)
{
    if (is_register(letter))
        f->live_register[x] = 1;
    for (size_t i = 0; is_list(letter) && i < f->o->list.at[x].count; i++)
        f->live_register[f->o->item.at[f->o->list.at[x].first + i]] = 1;
}

static bool writes_live(const struct finish *f, const struct ml_op *op)
{
    char letter = ml_signature(op->code)[0];
    if (op->code == ML_OP_want)
        return true;
    if (is_register(letter))
        return f->live_register[op->to];
    bool live = false;
    for (size_t i = 0; is_list(letter) && i < f->o->list.at[op->to].count; i++)
        live = live || f->live_register[f->o->item.at[f->o->list.at[op->to].first + i]];
    return live;
}

/* What a jump may pass by lives or dies with it: groups are the spans of jumps that overlap. Fills
 * first[i] for the last operation i of a group, else it is i itself. */
static size_t *groups_of(const struct lower_ops *o)
{
    size_t *first = mem_array(NULL, o->op.len + 1, sizeof *first);
    size_t start = 0, reach = 0;
    for (size_t i = 0; i < o->op.len; i++) {
        const struct ml_op *op = &o->op.at[i];
        bool jumps = ml_signature(op->code)[3] == 'j';
        if (i >= reach)
            start = i;
        if (jumps && op->c > reach)
            reach = op->c;
        first[i] = i + 1 >= reach ? start : SIZE_MAX;
    }
    return first;
}

static void mark_group(struct finish *f, size_t first, size_t last)
{
    bool live = false;
    for (size_t i = first; i <= last; i++)
        live = live || writes_live(f, &f->o->op.at[i]);
    for (size_t i = first; i <= last && live; i++) {
        const struct ml_op *op = &f->o->op.at[i];
        const char *s = ml_signature(op->code);
        f->live_op[i] = 1;
        mark_operand(f, s[0], op->to);
        mark_operand(f, s[1], op->a);
        mark_operand(f, s[2], op->b);
        mark_operand(f, s[3], op->c);
    }
}

static void mark(struct finish *f, const uint32_t *results, size_t n)
{
    size_t *first = groups_of(f->o);
    for (size_t i = 0; i < n; i++)
        f->live_register[results[i]] = 1;
    for (size_t i = f->o->op.len; i > 0; i = first[i - 1])
        mark_group(f, first[i - 1], i - 1);
    mem_free(first);
}

static void put32(struct buf *b, uint32_t x)
{
    buf_add(b, &x, sizeof x);
}

static uint32_t count32(const struct buf *b, size_t item)
{
    return (uint32_t)(b->len / item);
}

static uint32_t give_register(struct finish *f, uint32_t reg)
{
    if (f->reg[reg] == LOWER_NONE) {
        f->reg[reg] = (uint32_t)f->class.len;
        buf_putc(&f->class, (char)f->o->class.at[reg]);
    }
    return f->reg[reg];
}

/* A text as an entry of its own; the bytes of equal ones are shared. */
static uint32_t put_text(struct finish *f, uint32_t text)
{
    struct text t = f->o->texts.keys.at[text];
    bool is_new;
    size_t known = map_put(&f->characters, t, &is_new);
    if (is_new) {
        vec_push(&f->starts, f->character.len);
        buf_add(&f->character, t.at, t.len);
    }
    struct ml_bytes bytes = {f->starts.at[known], t.len};
    buf_add(&f->texts, &bytes, sizeof bytes);
    return count32(&f->texts, sizeof bytes) - 1;
}

static uint32_t take_text(struct finish *f, uint32_t text)
{
    if (f->text[text] == LOWER_NONE)
        f->text[text] = put_text(f, text);
    return f->text[text];
}

static uint32_t take_constant(struct finish *f, uint32_t x)
{
    if (f->constant[x] == LOWER_NONE) {
        f->constant[x] = count32(&f->constants, sizeof(uint64_t));
        buf_add(&f->constants, &f->o->constant.at[x], sizeof(uint64_t));
    }
    return f->constant[x];
}

static struct ml_range put_words(struct finish *f, const struct lower_range *from)
{
    struct ml_range range = {count32(&f->constants, sizeof(uint64_t)), (uint32_t)from->count};
    for (size_t i = 0; i < from->count; i++) {
        uint64_t word = f->o->word.at[from->first + i];
        if (from->texts && (int64_t)word >= 0)
            word = take_text(f, (uint32_t)word);
        buf_add(&f->constants, &word, sizeof word);
    }
    return range;
}

static uint32_t take_range(struct finish *f, uint32_t x)
{
    if (f->range[x] == LOWER_NONE) {
        struct ml_range range = put_words(f, &f->o->range.at[x]);
        f->range[x] = count32(&f->ranges, sizeof range);
        buf_add(&f->ranges, &range, sizeof range);
    }
    return f->range[x];
}

static uint32_t take_list(struct finish *f, uint32_t x)
{
    const struct lower_slice *from = &f->o->list.at[x];
    if (f->list[x] != LOWER_NONE)
        return f->list[x];
    f->list[x] = count32(&f->lists, sizeof(uint32_t));
    put32(&f->lists, (uint32_t)from->count);
    for (size_t i = 0; i < from->count; i++)
        put32(&f->lists, give_register(f, f->o->item.at[from->first + i]));
    return f->list[x];
}

/* At most half of the slots are used. */
static void put_slots(struct finish *f, const struct lower_slice *from, uint32_t slots)
{
    uint32_t *slot = mem_alloc(slots * sizeof *slot);
    for (size_t i = 0; i < from->count; i++) {
        struct text t = f->o->texts.keys.at[f->o->item.at[from->first + i]];
        uint32_t at = (uint32_t)hash_bytes(t.at, t.len, 0) & (slots - 1);
        while (slot[at])
            at = (at + 1) & (slots - 1);
        slot[at] = (uint32_t)i + 1;
    }
    buf_add(&f->slots, slot, slots * sizeof *slot);
    mem_free(slot);
}

static uint32_t take_map(struct finish *f, uint32_t x)
{
    const struct lower_slice *from = &f->o->map.at[x];
    if (f->map[x] != LOWER_NONE)
        return f->map[x];
    struct ml_map map = {.slots = 2, .keys = (uint32_t)from->count};
    while (map.slots < 2 * map.keys)
        map.slots *= 2;
    map.first = count32(&f->texts, sizeof(struct ml_bytes));
    map.slot = count32(&f->slots, sizeof(uint32_t));
    for (size_t i = 0; i < from->count; i++)
        put_text(f, f->o->item.at[from->first + i]);
    put_slots(f, from, map.slots);
    f->map[x] = count32(&f->maps, sizeof map);
    buf_add(&f->maps, &map, sizeof map);
    return f->map[x];
}

static uint32_t take_zone(struct finish *f, uint32_t x)
{
    if (x == 0 || f->zone[x] != LOWER_NONE)
        return x == 0 ? 0 : f->zone[x];
    const struct lower_zone *from = &f->o->zone.at[x - 1];
    struct ml_zone zone = {.first_offset = from->first_offset, .periodic = from->periodic};
    zone.changes = put_words(f, &f->o->range.at[from->changes]);
    buf_add(&f->zones, &zone, sizeof zone);
    f->zone[x] = count32(&f->zones, sizeof zone);
    return f->zone[x];
}

static uint32_t take_operand(struct finish *f, char letter, uint32_t x)
{
    if (is_register(letter))
        return give_register(f, x);
    if (is_list(letter))
        return take_list(f, x);
    switch (letter) {
    case 'k':
        return take_constant(f, x);
    case 'K':
    case 'Y':
        return take_range(f, x);
    case 't':
        return take_text(f, x);
    case 'm':
        return take_map(f, x);
    case 'z':
        return take_zone(f, x);
    case 'j':
        return f->place[x];
    default:
        return x;
    }
}

static void put_ops(struct finish *f)
{
    for (size_t i = 0, n = 0; i <= f->o->op.len; i++) {
        f->place[i] = (uint32_t)n;
        n += i < f->o->op.len && f->live_op[i];
    }
    for (size_t i = 0; i < f->o->op.len; i++) {
        struct ml_op op = f->o->op.at[i];
        const char *s = ml_signature(op.code);
        if (!f->live_op[i])
            continue;
        op.to = take_operand(f, s[0], op.to);
        op.a = take_operand(f, s[1], op.a);
        op.b = take_operand(f, s[2], op.b);
        op.c = take_operand(f, s[3], op.c);
        buf_add(&f->op, &op, sizeof op);
    }
}

/* Fields that are needed are the first registers. */
static void put_fields(struct finish *f)
{
    for (size_t i = 0; i < f->o->field.len; i++) {
        const struct lower_field *from = &f->o->field.at[i];
        if (!f->live_register[from->reg])
            continue;
        give_register(f, from->reg);
        struct ml_field field = {take_text(f, from->name), take_text(f, from->type)};
        buf_add(&f->fields, &field, sizeof field);
    }
}

/* Whether the texts an operation gives are its operands', or parts of them. */
static bool only_borrows(enum ml_code code)
{
    static const enum ml_code those[] = {
        ML_OP_move,       ML_OP_missing,    ML_OP_set_text,    ML_OP_text_of_bool,
        ML_OP_fill_text,  ML_OP_first_text, ML_OP_blank_known, ML_OP_look_text,
        ML_OP_map_text,   ML_OP_text_piece, ML_OP_text_slice,  ML_OP_text_between,
        ML_OP_split_part, ML_OP_trim,       ML_OP_extreme,
    };
    for (size_t i = 0; i < COUNT_OF(those); i++)
        if (code == those[i])
            return true;
    return false;
}

/* Bytes that an operation may put into the scratch: numbers and times have a longest text, what is
 * made of texts is bounded by the whole alone. */
static size_t scratch_of(const struct ml_op *op)
{
    switch (op->code) {
    case ML_OP_text_of_float:
    case ML_OP_text_of_int:
    case ML_OP_text_of_number:
    case ML_OP_geohash:
        return NUMBER_MAX;
    case ML_OP_text_of_time:
    case ML_OP_text_of_date:
        return TIME_MAX;
    case ML_OP_tile:
        return 2 * NUMBER_MAX + 1;
    case ML_OP_text_of_local:
        return 2 * (size_t)TIME_MAX;
    case ML_OP_minhash:
        return ML_SCRATCH;
    default:
        return strchr("X*x", ml_signature(op->code)[0]) && !only_borrows(op->code) ? ML_SCRATCH : 0;
    }
}

static uint64_t scratch_needed(const struct finish *f)
{
    uint64_t bounded = 0, unbounded = 0;
    for (size_t i = 0; i < f->o->op.len; i++) {
        size_t bytes = f->live_op[i] ? scratch_of(&f->o->op.at[i]) : 0;
        if (bytes == ML_SCRATCH)
            unbounded = ML_SCRATCH;
        else
            bounded += bytes;
    }
    return (bounded + unbounded + 7) / 8 * 8;
}

static uint64_t width_needed(const struct finish *f)
{
    uint64_t most = 0;
    for (size_t i = 0; i < f->o->op.len; i++) {
        const struct ml_op *op = &f->o->op.at[i];
        if (!f->live_op[i] || op->code != ML_OP_vector)
            continue;
        uint64_t width = f->o->list.at[op->a].count + f->o->list.at[op->to].count;
        most = width > most ? width : most;
    }
    return most;
}

static struct ml_array put_array(struct buf *out, const struct buf *from, size_t item)
{
    static const char zeros[8];
    struct ml_array a = {out->len, from->len / item};
    buf_add(out, from->at ? from->at : "", from->len);
    buf_add(out, zeros, (8 - out->len % 8) % 8);
    return a;
}

static void put_program(struct finish *f, struct buf *out)
{
    struct ml_program p = {.magic = ML_PROGRAM_MAGIC, .version = ML_PROGRAM_VERSION};
    buf_add(out, &p, sizeof p);
    p.fields = count32(&f->fields, sizeof(struct ml_field));
    p.features = count32(&f->result, sizeof(uint32_t));
    p.registers = (uint32_t)f->class.len;
    p.scratch = scratch_needed(f);
    p.wide = width_needed(f);
    p.class = put_array(out, &f->class, 1);
    p.op = put_array(out, &f->op, sizeof(struct ml_op));
    p.result = put_array(out, &f->result, sizeof(uint32_t));
    p.constant = put_array(out, &f->constants, sizeof(uint64_t));
    p.range = put_array(out, &f->ranges, sizeof(struct ml_range));
    p.list = put_array(out, &f->lists, sizeof(uint32_t));
    p.text = put_array(out, &f->texts, sizeof(struct ml_bytes));
    p.map = put_array(out, &f->maps, sizeof(struct ml_map));
    p.slot = put_array(out, &f->slots, sizeof(uint32_t));
    p.zone = put_array(out, &f->zones, sizeof(struct ml_zone));
    p.field = put_array(out, &f->fields, sizeof(struct ml_field));
    p.character = put_array(out, &f->character, 1);
    p.bytes = out->len;
    memcpy(out->at, &p, sizeof p);
}

int lower_finish(struct lowering *l, const uint32_t *results, size_t n, struct buf *out,
                 struct error *e)
{
    struct finish f;
    begin(&f, l->ops);
    mark(&f, results, n);
    put_fields(&f);
    for (size_t i = 0; i < n; i++)
        put32(&f.result, give_register(&f, results[i]));
    put_ops(&f);
    put_program(&f, out);
    end(&f);
    if (ml_program_check(out->at, out->len) == 0)
        return 0;
    return error_set(e, ERR_NO, "the compiled preparation would be too large");
}
