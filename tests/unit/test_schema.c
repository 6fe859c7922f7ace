#include "table/table.h"
#include "unit.h"

/* The same fields in an array, and what is asked of them found by looking at each. */
struct plain {
    VEC(char *) names;
};

static size_t plain_find(const struct plain *p, const char *name)
{
    for (size_t i = 0; i < p->names.len; i++)
        if (strcmp(p->names.at[i], name) == 0)
            return i;
    return FIELD_NONE;
}

static void plain_insert(struct plain *p, size_t at, char *name)
{
    vec_push(&p->names, name);
    memmove(p->names.at + at + 1, p->names.at + at, (p->names.len - 1 - at) * sizeof name);
    p->names.at[at] = name;
}

static char *plain_take(struct plain *p, size_t at)
{
    char *name = p->names.at[at];
    p->names.len--;
    memmove(p->names.at + at, p->names.at + at + 1, (p->names.len - at) * sizeof name);
    return name;
}

static void plain_release(struct plain *p)
{
    for (size_t i = 0; i < p->names.len; i++)
        mem_free(p->names.at[i]);
    vec_release(&p->names);
}

static void check_same(const struct schema *s, const struct plain *p)
{
    CHECK_INT(s->fields.len, p->names.len);
    for (size_t i = 0; i < p->names.len; i++) {
        const char *name = p->names.at[i];
        CHECK_TEXT(s->fields.at[i].name, name);
        CHECK_INT(schema_find(s, text_of(name)), plain_find(p, name));
    }
    CHECK(schema_find(s, text_of("none")) == FIELD_NONE);
    CHECK(schema_find(s, text_of("")) == FIELD_NONE);
}

static uint64_t drawn;

static size_t draw(size_t below)
{
    return (size_t)random_below(7, 1, drawn++, below);
}

/* Few of very many names, so that some fields have the same: the first of them is found. */
static char *any_name(void)
{
    return mem_format("f%zu", draw(300));
}

static void leave_out(struct schema *s, struct plain *p)
{
    size_t n = draw(5), *at = mem_array(NULL, n + 1, sizeof *at);
    for (size_t i = 0; i < n; i++)
        at[i] = draw(p->names.len);
    schema_leave_out(s, at, n);
    for (size_t i = p->names.len; i-- > 0;) {
        bool gone = false;
        for (size_t k = 0; k < n; k++)
            gone = gone || at[k] == i;
        if (gone)
            mem_free(plain_take(p, i));
    }
    mem_free(at);
}

static void rotate(struct schema *s, struct plain *p)
{
    size_t n = p->names.len, *at = mem_array(NULL, n + 1, sizeof *at);
    for (size_t i = 0; i < n; i++)
        at[i] = (i + 1) % n;
    schema_arrange(s, at, n);
    plain_insert(p, n - 1, plain_take(p, 0));
    mem_free(at);
}

static void change(struct schema *s, struct plain *p, size_t what)
{
    size_t n = p->names.len, at = draw(n + 1);
    if (n < 3 || what < 5) {
        char *name = any_name();
        at = what < 2 ? at : n;
        schema_insert(s, at, text_of(name), TYPE_INT);
        plain_insert(p, at, name);
        return;
    }
    at = draw(n);
    if (what == 5) {
        schema_remove(s, at);
        mem_free(plain_take(p, at));
    } else if (what == 6) {
        size_t to = draw(n);
        schema_move(s, at, to);
        plain_insert(p, to, plain_take(p, at));
    } else if (what == 7) {
        char *name = any_name();
        schema_rename(s, at, text_of(name));
        mem_free(p->names.at[at]);
        p->names.at[at] = name;
    } else if (what == 8) {
        rotate(s, p);
    } else if (draw(4) == 0) {
        leave_out(s, p);
    }
}

TEST(whatever_changes_fields_are_found)
{
    struct schema s = {0}, copy;
    struct plain p = {0};
    check_same(&s, &p);
    for (size_t i = 0; i < 3000; i++) {
        change(&s, &p, draw(10));
        if (i < 100 || i % 37 == 0)
            check_same(&s, &p);
    }
    CHECK(p.names.len > 100);
    schema_copy(&copy, &s);
    check_same(&copy, &p);
    while (p.names.len > 0) {
        schema_remove(&s, p.names.len - 1);
        mem_free(plain_take(&p, p.names.len - 1));
    }
    check_same(&s, &p);
    schema_release(&s);
    check_same(&s, &p);
    plain_release(&p);
    schema_release(&copy);
}

TEST(removing_and_adding_does_not_fill_the_slots)
{
    struct schema s = {0};
    char name[32];
    for (size_t i = 0; i < 20; i++)
        schema_add(&s, (struct text){name, (size_t)snprintf(name, sizeof name, "f%zu", i)},
                   TYPE_INT);
    for (size_t i = 0; i < 1000; i++) {
        struct text text = {name, (size_t)snprintf(name, sizeof name, "g%zu", i)};
        schema_rename(&s, i % 20, text);
        CHECK_INT(schema_find(&s, text), i % 20);
    }
    CHECK(s.slot_mask < 256);
    schema_release(&s);
}
