/* Row programs: what makes one acceptable, and running it. */
#include "runtime/program.h"
#include "runtime/program_machine.h"

/* A model's own source may leave out operations that its program is without. */
#ifndef ML_RUN
#define ML_RUN(name) ml_op_##name
#endif

static const struct ml_kind {
    ml_operation *run;
    char signature[5];
} ml_kinds[ML_OP_COUNT] = {
#define ML_KIND(name, signature) {ML_RUN(name), signature},
    ML_OPS(ML_KIND)
#undef ML_KIND
};

enum { ML_ITEMS_MAX = 1 << 28 }; /* of an array: no product of sizes overflows 64 bits */

static bool ml_array_fits(const struct ml_program *p, const struct ml_array *a, size_t size)
{
    return a->at % 8 == 0 && a->at >= sizeof *p && a->at <= p->bytes && a->count < ML_ITEMS_MAX &&
           a->count * size <= p->bytes - a->at;
}

static bool ml_arrays_fit(const struct ml_program *p)
{
    return ml_array_fits(p, &p->class, 1) && ml_array_fits(p, &p->op, sizeof(struct ml_op)) &&
           ml_array_fits(p, &p->result, sizeof(uint32_t)) &&
           ml_array_fits(p, &p->constant, sizeof(double)) &&
           ml_array_fits(p, &p->range, sizeof(struct ml_range)) &&
           ml_array_fits(p, &p->list, sizeof(uint32_t)) &&
           ml_array_fits(p, &p->text, sizeof(struct ml_bytes)) &&
           ml_array_fits(p, &p->map, sizeof(struct ml_map)) &&
           ml_array_fits(p, &p->slot, sizeof(uint32_t)) &&
           ml_array_fits(p, &p->zone, sizeof(struct ml_zone)) &&
           ml_array_fits(p, &p->field, sizeof(struct ml_field)) &&
           ml_array_fits(p, &p->character, 1);
}

static bool ml_counts_fit(const struct ml_program *p)
{
    return p->class.count == p->registers && p->result.count == p->features &&
           p->field.count == p->fields && p->fields <= p->registers && p->scratch <= ML_ITEMS_MAX &&
           p->wide <= ML_ITEMS_MAX;
}

static bool ml_has_class(const struct ml_program *p, uint32_t reg, char letter)
{
    const uint8_t *class = ml_part(p, &p->class);
    return reg < p->registers && ML_CLASS_LETTERS[class[reg]] == letter;
}

static bool ml_classes_good(const struct ml_program *p)
{
    const uint8_t *class = ml_part(p, &p->class);
    const uint32_t *result = ml_part(p, &p->result);
    for (uint32_t i = 0; i < p->registers; i++)
        if (class[i] >= ML_CLASSES || (i < p->fields && class[i] != ML_TEXT))
            return false;
    for (uint32_t i = 0; i < p->features; i++)
        if (!ml_has_class(p, result[i], 'F'))
            return false;
    return true;
}

static bool ml_range_good(const struct ml_program *p, const struct ml_range *k)
{
    return k->first <= p->constant.count && k->count <= p->constant.count - k->first;
}

/* Instants and offsets so small that sums of them overflow nothing. */
static bool ml_zone_good(const struct ml_program *p, const struct ml_zone *z)
{
    const int64_t *change = (const int64_t *)ml_part(p, &p->constant) + z->changes.first;
    const int64_t at_most = INT64_C(1) << 40, offset_most = 100000;
    bool good = z->changes.count % 2 == 0 && z->first_offset > -offset_most &&
                z->first_offset < offset_most;
    for (uint32_t i = 0; good && i < z->changes.count; i += 2)
        good = change[i] > -at_most && change[i] < at_most && change[i + 1] > -offset_most &&
               change[i + 1] < offset_most;
    return good;
}

static bool ml_ranges_good(const struct ml_program *p)
{
    const struct ml_range *range = ml_part(p, &p->range);
    const struct ml_zone *zone = ml_part(p, &p->zone);
    for (uint64_t i = 0; i < p->range.count; i++)
        if (!ml_range_good(p, &range[i]))
            return false;
    for (uint64_t i = 0; i < p->zone.count; i++) {
        if (!ml_range_good(p, &zone[i].changes) || !ml_zone_good(p, &zone[i]))
            return false;
    }
    return true;
}

static bool ml_texts_good(const struct ml_program *p)
{
    const struct ml_bytes *text = ml_part(p, &p->text);
    const struct ml_field *field = ml_part(p, &p->field);
    for (uint64_t i = 0; i < p->text.count; i++)
        if (text[i].at > p->character.count || text[i].len > p->character.count - text[i].at)
            return false;
    for (uint32_t i = 0; i < p->fields; i++)
        if (field[i].name >= p->text.count || field[i].type >= p->text.count)
            return false;
    return true;
}

/* Slots name keys of the map, and one at least is empty, so that every search ends. */
static bool ml_map_good(const struct ml_program *p, const struct ml_map *f)
{
    const uint32_t *slot = (const uint32_t *)ml_part(p, &p->slot) + f->slot;
    bool empty = false;
    if (f->slots == 0 || f->slots & (f->slots - 1) || f->slot > p->slot.count ||
        f->slots > p->slot.count - f->slot || f->first > p->text.count ||
        f->keys > p->text.count - f->first)
        return false;
    for (uint32_t i = 0; i < f->slots; i++) {
        if (slot[i] > f->keys)
            return false;
        empty = empty || slot[i] == 0;
    }
    return empty;
}

static bool ml_maps_good(const struct ml_program *p)
{
    const struct ml_map *map = ml_part(p, &p->map);
    for (uint64_t i = 0; i < p->map.count; i++)
        if (!ml_map_good(p, &map[i]))
            return false;
    return true;
}

static bool ml_list_good(const struct ml_program *p, uint32_t list, char letter)
{
    const uint32_t *at = ml_part(p, &p->list);
    if (list >= p->list.count || at[list] > p->list.count - list - 1)
        return false;
    for (uint32_t i = 1; i <= at[list]; i++)
        if (!ml_has_class(p, at[list + i], letter))
            return false;
    return true;
}

static bool ml_same_class(const struct ml_program *p, uint32_t a, uint32_t b)
{
    const uint8_t *class = ml_part(p, &p->class);
    return a < p->registers && b < p->registers && class[a] == class[b];
}

static bool ml_operand_good(const struct ml_program *p, const struct ml_op *o, char letter,
                            uint32_t x)
{
    switch (letter) {
    case '-':
        return x == 0;
    case 'u':
        return true;
    case '*':
        return x < p->registers;
    case '=':
        return ml_same_class(p, x, o->to);
    case '~':
        return ml_same_class(p, x, o->a);
    case 'f':
    case 'i':
    case 'x':
        return ml_list_good(p, x, (char)(letter - 0x20));
    case 'k':
        return x < p->constant.count;
    case 'K':
    case 'Y':
        return x < p->range.count;
    case 't':
        return x < p->text.count;
    case 'm':
        return x < p->map.count;
    case 'z':
        return x <= p->zone.count;
    case 'j':
        return x <= p->op.count && o + 1 - (const struct ml_op *)ml_part(p, &p->op) <= (int64_t)x;
    default:
        return ml_has_class(p, x, letter);
    }
}

/* The numbers of a vector, in and out, fit where they are put. */
static bool ml_width_good(const struct ml_program *p, const struct ml_op *o)
{
    const uint32_t *list = ml_part(p, &p->list);
    return o->code != ML_OP_vector || (uint64_t)list[o->a] + list[o->to] <= p->wide;
}

static bool ml_ops_good(const struct ml_program *p)
{
    const struct ml_op *op = ml_part(p, &p->op);
    for (uint64_t i = 0; i < p->op.count; i++) {
        const struct ml_op *o = &op[i];
        if (o->code >= ML_OP_COUNT)
            return false;
        const char *s = ml_kinds[o->code].signature;
        if (!ml_operand_good(p, o, s[0], o->to) || !ml_operand_good(p, o, s[1], o->a) ||
            !ml_operand_good(p, o, s[2], o->b) || !ml_operand_good(p, o, s[3], o->c) ||
            !ml_width_good(p, o))
            return false;
    }
    return true;
}

int ml_program_check(const void *program, uint64_t bytes)
{
    const struct ml_program *p = program;
    if ((uintptr_t)program % 8 || bytes < sizeof *p || bytes != p->bytes || bytes > SIZE_MAX / 2 ||
        memcmp(p->magic, ML_PROGRAM_MAGIC, sizeof p->magic) != 0 ||
        p->version != ML_PROGRAM_VERSION)
        return -1;
    bool good = ml_arrays_fit(p) && ml_counts_fit(p) && ml_classes_good(p) && ml_ranges_good(p) &&
                ml_texts_good(p) && ml_maps_good(p) && ml_ops_good(p);
    return good ? 0 : -1;
}

const char *ml_signature(unsigned code)
{
    return ml_kinds[code].signature;
}

struct ml_text ml_text_at(const struct ml_program *p, uint32_t text)
{
    const struct ml_bytes *t = (const struct ml_bytes *)ml_part(p, &p->text) + text;
    const char *at = ml_part(p, &p->character);
    return (struct ml_text){at + (size_t)t->at, (size_t)t->len};
}

struct ml_text ml_program_field(const struct ml_program *p, uint32_t field)
{
    return ml_text_at(p, ((const struct ml_field *)ml_part(p, &p->field))[field].name);
}

struct ml_text ml_program_type(const struct ml_program *p, uint32_t field)
{
    return ml_text_at(p, ((const struct ml_field *)ml_part(p, &p->field))[field].type);
}

/* The work is the machine, its registers, the numbers of a vector and the scratch. */
size_t ml_program_work(const struct ml_program *p)
{
    return sizeof(struct ml_machine) + (size_t)p->registers * sizeof(struct ml_cell) +
           (size_t)p->wide * sizeof(double) + (size_t)p->scratch;
}

char *ml_scratch_room(struct ml_machine *m, size_t len)
{
    return len <= m->room ? m->scratch : NULL;
}

int ml_give_scratch(struct ml_machine *m, const struct ml_op *o, const char *at, size_t len)
{
    m->scratch += len;
    m->room -= len;
    return ml_give_text(m, o, at, len);
}

static int ml_take_fields(struct ml_machine *m, const struct ml_text *fields)
{
    for (uint32_t i = 0; i < m->p->fields; i++) {
        if (fields[i].len > UINT32_MAX)
            return -ML_WHY_LONG;
        m->r[i] = (struct ml_cell){.at = fields[i].at, .len = (uint32_t)fields[i].len};
    }
    return 0;
}

/* Texts are empty of bytes before they are written: no operation follows a stray address. */
static int ml_begin(struct ml_machine *m, const struct ml_program *p, const struct ml_text *fields)
{
    m->p = p;
    m->r = (struct ml_cell *)(void *)(m + 1);
    m->wide = (double *)(void *)(m->r + p->registers);
    m->scratch = (char *)(m->wide + p->wide);
    m->room = (size_t)p->scratch;
    m->first = m->next = ml_part(p, &p->op);
    m->refused = 0;
    memset(m->r, 0, (size_t)p->registers * sizeof *m->r);
    return ml_take_fields(m, fields);
}

static bool ml_writes_one(const struct ml_op *o)
{
    char letter = ml_kinds[o->code].signature[0];
    return letter == '*' || (letter >= 'A' && letter <= 'Z');
}

int ml_program_run(const struct ml_program *p, const struct ml_text *fields, void *work,
                   double *features)
{
    struct ml_machine *m = work;
    int status = ml_begin(m, p, fields);
    const struct ml_op *end = m->first + p->op.count;
    while (status == 0 && m->next < end) {
        const struct ml_op *o = m->next++;
        status = ml_kinds[o->code].run(m, o);
        if (status && o->flags & ML_ELSE_MISSING && ml_writes_one(o))
            status = ml_op_missing(m, o);
        if (status)
            m->refused = (uint64_t)(o - m->first) + 1;
    }
    const uint32_t *result = ml_part(p, &p->result);
    for (uint32_t i = 0; status == 0 && i < p->features; i++)
        features[i] = m->r[result[i]].f;
    return status;
}

static const char *ml_why_text(int status)
{
    static const char *const texts[ML_WHY_COUNT] = {
        [ML_WHY_NUMBER] = "is not a number",
        [ML_WHY_INTEGER] = "is not an integer",
        [ML_WHY_BOOL] = "is not true or false",
        [ML_WHY_TIME] = "is not a time",
        [ML_WHY_ZONE] = "is a time without an offset, and no zone was declared",
        [ML_WHY_DOMAIN] = "has no finite value",
        [ML_WHY_RANGE] = "does not fit 64-bit integers, or the years 1 to 9999",
        [ML_WHY_ZERO] = "divides by zero",
        [ML_WHY_UNKNOWN] = "was not there when the step was fitted",
        [ML_WHY_MISSING] = "is missing",
        [ML_WHY_LONG] = "makes texts that are too long",
        [ML_WHY_WRONG] = "does not hold what the step checks",
    };
    return status < 0 && status > -ML_WHY_COUNT ? texts[-status] : "is refused";
}

struct ml_why_not ml_program_why(const struct ml_program *p, const void *work, int status)
{
    const struct ml_machine *m = work;
    struct ml_why_not why = {.text = ml_why_text(status)};
    if (m->refused == 0)
        return why;
    const struct ml_op *o = (const struct ml_op *)ml_part(p, &p->op) + (m->refused - 1);
    why.step = o->step;
    if (ml_kinds[o->code].signature[1] == 'X' && o->a < p->fields)
        why.field = o->a + 1;
    return why;
}
