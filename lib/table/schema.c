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

size_t schema_find(const struct schema *s, struct text name)
{
    for (size_t i = 0; i < s->fields.len; i++) {
        const char *have = s->fields.at[i].name;
        if (strlen(have) == name.len && memcmp(have, name.at, name.len) == 0)
            return i;
    }
    return FIELD_NONE;
}

void schema_insert(struct schema *s, size_t at, struct text name, enum type type)
{
    struct field f = {arena_text(&s->arena, name.at, name.len), type, true, false, NULL};
    vec_push(&s->fields, f);
    memmove(s->fields.at + at + 1, s->fields.at + at, (s->fields.len - 1 - at) * sizeof f);
    s->fields.at[at] = f;
}

size_t schema_add(struct schema *s, struct text name, enum type type)
{
    schema_insert(s, s->fields.len, name, type);
    return s->fields.len - 1;
}

void schema_remove(struct schema *s, size_t at)
{
    s->fields.len--;
    memmove(s->fields.at + at, s->fields.at + at + 1,
            (s->fields.len - at) * sizeof s->fields.at[0]);
}

void schema_move(struct schema *s, size_t from, size_t to)
{
    struct field moved = s->fields.at[from];
    schema_remove(s, from);
    memmove(s->fields.at + to + 1, s->fields.at + to, (s->fields.len - to) * sizeof moved);
    s->fields.at[to] = moved;
    s->fields.len++;
}

void schema_rename(struct schema *s, size_t at, struct text name)
{
    s->fields.at[at].name = arena_text(&s->arena, name.at, name.len);
    s->fields.at[at].raw = NULL;
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
}
