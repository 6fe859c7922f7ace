/* What sources of the point-in-time join have in common. */
#include "store/pit_parts.h"

const struct pit_about *pit_about(const struct pit_source *s)
{
    return &s->about;
}

uint64_t pit_source_last(const struct pit_source *s)
{
    return s->last;
}

void pit_source_free(struct pit_source *s)
{
    if (!s)
        return;
    s->kind->close(s);
    arena_release(&s->arena);
    mem_free(s);
}

static size_t find(const struct field *all, size_t count, struct text name)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(text_of(all[i].name), name))
            return i;
    return FIELD_NONE;
}

static int choose_one(struct pit_source *s, struct text name, const struct field *all, size_t count,
                      size_t *number, struct error *e)
{
    char quoted[QUOTE_MAX];
    *number = find(all, count, name);
    if (*number == FIELD_NONE)
        return error_set(e, ERR_USAGE, "%s has no feature %s", s->about.name,
                         quote(quoted, name.at, name.len));
    for (size_t i = 0; i < s->about.feature_count; i++)
        if (text_equal(text_of(s->about.features[i].name), name))
            return error_set(e, ERR_USAGE, "%s: feature %s is named twice", s->about.name,
                             quote(quoted, name.at, name.len));
    s->about.features[s->about.feature_count++] = all[*number];
    return 0;
}

int pit_choose(struct pit_source *s, const char *names, const struct field *all, size_t count,
               size_t **numbers, struct error *e)
{
    s->about.features = arena_copy(&s->arena, all, (count + 1) * sizeof *all);
    *numbers = arena_alloc(&s->arena, (count + 1) * sizeof **numbers);
    if (!names) {
        for (size_t i = 0; i < count; i++)
            (*numbers)[i] = i;
        s->about.feature_count = count;
        return 0;
    }
    for (const char *at = names, *end;; at = end + 1) {
        end = at + strcspn(at, ",");
        size_t number;
        int status = choose_one(s, (struct text){at, (size_t)(end - at)}, all, count, &number, e);
        if (status)
            return status;
        (*numbers)[s->about.feature_count - 1] = number;
        if (!*end)
            return 0;
    }
}
