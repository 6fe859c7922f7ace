/* Steps by name and by number. */
#include "steps/steps.h"

#include "prep/recipe.h"

#define FAMILY(name) steps_##name,
static const struct step_kind *const families[] = {STEP_FAMILIES(FAMILY)};

const struct step_kind *step_kind_at(size_t i)
{
    for (size_t f = 0; f < COUNT_OF(families); f++)
        for (const struct step_kind *k = families[f]; k->name; k++)
            if (i-- == 0)
                return k;
    return NULL;
}

size_t step_kind_count(void)
{
    size_t count = 0;
    for (size_t f = 0; f < COUNT_OF(families); f++)
        for (const struct step_kind *k = families[f]; k->name; k++)
            count++;
    return count;
}

static bool answers_to(const struct step_kind *k, struct text name, struct text *presets)
{
    *presets = (struct text){NULL, 0};
    if (text_equal(name, text_of(k->name)))
        return true;
    struct alias alias;
    for (const char *at = k->aliases; at && alias_next(&at, &alias);)
        if (text_equal(name, alias.name)) {
            *presets = alias.presets;
            return true;
        }
    return false;
}

const struct step_kind *step_kind_named(struct text name, struct text *presets)
{
    for (size_t f = 0; f < COUNT_OF(families); f++)
        for (const struct step_kind *k = families[f]; k->name; k++)
            if (answers_to(k, name, presets))
                return k;
    return NULL;
}

const struct step_kind *step_kind_find(struct text name)
{
    struct text presets;
    return step_kind_named(name, &presets);
}
