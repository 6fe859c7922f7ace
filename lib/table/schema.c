#include "table/table.h"

static const char *const type_names[] = {
    [TYPE_TEXT] = "text", [TYPE_INT] = "int",   [TYPE_FLOAT] = "float",
    [TYPE_BOOL] = "bool", [TYPE_TIME] = "time", [TYPE_JSON] = "json",
};

const char *type_name(enum type t)
{
    return type_names[t];
}

bool type_from_name(struct text name, enum type *t)
{
    for (size_t i = 0; i < COUNT_OF(type_names); i++)
        if (text_equal(name, text_of(type_names[i]))) {
            *t = (enum type)i;
            return true;
        }
    return false;
}

bool type_is_number(enum type t)
{
    return t == TYPE_INT || t == TYPE_FLOAT;
}

/*
 * Many fields are found through slots: open addressing with linear probing, a slot is a field's
 * number plus 1. Numbers change where a field is put in or taken out before others; going through
 * the slots once costs less than moving the fields does.
 */
enum { FEW = 8, FIRST_SLOTS = 32 };

#define SLOT_GONE                                                                                  \
    UINT32_MAX /* was a field's that is no more; those behind it are found past it                 \
                */

static bool has_name(const struct field *f, struct text name)
{
    return strlen(f->name) == name.len && memcmp(f->name, name.at, name.len) == 0;
}

static size_t first_slot(const struct schema *s, struct text name)
{
    return (size_t)hash_bytes(name.at, name.len, 0) & s->slot_mask;
}

static void put_slot(struct schema *s, size_t at)
{
    size_t i = first_slot(s, text_of(s->fields.at[at].name));
    while (s->slots[i])
        i = (i + 1) & s->slot_mask;
    s->slots[i] = (uint32_t)at + 1;
    s->slot_use++;
}

/* Slots for the fields there are, and as many again. */
static void build_slots(struct schema *s)
{
    size_t count = FIRST_SLOTS;
    while (count < 4 * s->fields.len)
        count *= 2;
    mem_free(s->slots);
    s->slots = s->fields.len > FEW ? mem_alloc(count * sizeof *s->slots) : NULL;
    s->slot_mask = count - 1;
    s->slot_use = 0;
    for (size_t i = 0; s->slots && i < s->fields.len; i++)
        put_slot(s, i);
}

static void add_slot(struct schema *s, size_t at)
{
    if (s->slots && 2 * (s->slot_use + 1) <= s->slot_mask)
        put_slot(s, at);
    else if (s->fields.len > FEW)
        build_slots(s);
}

static void drop_slot(struct schema *s, size_t at)
{
    if (!s->slots)
        return;
    size_t i = first_slot(s, text_of(s->fields.at[at].name));
    while (s->slots[i] != at + 1)
        i = (i + 1) & s->slot_mask;
    s->slots[i] = SLOT_GONE;
}

/* Fields from `at` on have moved by one. */
static void shift_slots(struct schema *s, size_t at, uint32_t by)
{
    for (size_t i = 0; s->slots && i <= s->slot_mask; i++)
        s->slots[i] += s->slots[i] > at && s->slots[i] != SLOT_GONE ? by : 0;
}

size_t schema_find(const struct schema *s, struct text name)
{
    size_t found = FIELD_NONE;
    for (size_t i = 0; !s->slots && i < s->fields.len; i++)
        if (has_name(&s->fields.at[i], name))
            return i;
    if (!s->slots)
        return FIELD_NONE;
    for (size_t i = first_slot(s, name); s->slots[i]; i = (i + 1) & s->slot_mask) {
        size_t at = s->slots[i] - 1;
        if (s->slots[i] != SLOT_GONE && at < found && has_name(&s->fields.at[at], name))
            found = at;
    }
    return found;
}

static void insert_field(struct schema *s, size_t at, struct field f)
{
    size_t behind = s->fields.len - at;
    vec_push(&s->fields, f);
    if (behind > 0) {
        memmove(s->fields.at + at + 1, s->fields.at + at, behind * sizeof f);
        s->fields.at[at] = f;
        shift_slots(s, at, 1);
    }
    add_slot(s, at);
}

void schema_insert(struct schema *s, size_t at, struct text name, enum type type)
{
    struct field f = {arena_text(&s->arena, name.at, name.len), type, true, false, NULL};
    insert_field(s, at, f);
}

size_t schema_add(struct schema *s, struct text name, enum type type)
{
    schema_insert(s, s->fields.len, name, type);
    return s->fields.len - 1;
}

void schema_remove(struct schema *s, size_t at)
{
    drop_slot(s, at);
    s->fields.len--;
    memmove(s->fields.at + at, s->fields.at + at + 1,
            (s->fields.len - at) * sizeof s->fields.at[0]);
    shift_slots(s, at, (uint32_t)-1);
}

void schema_move(struct schema *s, size_t from, size_t to)
{
    struct field moved = s->fields.at[from];
    schema_remove(s, from);
    insert_field(s, to, moved);
}

void schema_rename(struct schema *s, size_t at, struct text name)
{
    drop_slot(s, at);
    s->fields.at[at].name = arena_text(&s->arena, name.at, name.len);
    s->fields.at[at].raw = NULL;
    add_slot(s, at);
}

void schema_leave_out(struct schema *s, const size_t *at, size_t n)
{
    uint8_t *gone = mem_alloc(s->fields.len + 1);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        gone[at[i]] = 1;
    for (size_t i = 0; i < s->fields.len; i++)
        if (!gone[i])
            s->fields.at[kept++] = s->fields.at[i];
    s->fields.len = kept;
    mem_free(gone);
    build_slots(s);
}

void schema_arrange(struct schema *s, const size_t *at, size_t n)
{
    struct field *old = mem_copy(s->fields.at, s->fields.len * sizeof *old);
    for (size_t i = 0; i < n; i++)
        s->fields.at[i] = old[at[i]];
    s->fields.len = n;
    mem_free(old);
    build_slots(s);
}

void schema_copy(struct schema *into, const struct schema *from)
{
    *into = (struct schema){0};
    for (size_t i = 0; i < from->fields.len; i++) {
        const struct field *f = &from->fields.at[i];
        schema_add(into, text_of(f->name), f->type);
        into->fields.at[i].declared = f->declared;
        into->fields.at[i].empty = f->empty;
        if (f->raw)
            into->fields.at[i].raw = arena_text(&into->arena, f->raw, strlen(f->raw));
    }
}

void schema_release(struct schema *s)
{
    vec_release(&s->fields);
    arena_release(&s->arena);
    mem_free(s->slots);
    s->slots = NULL;
}
