/* Who waits for whom, in formats that do not go by files alone. */
#include "exchange/export.h"

enum export_wait export_wait_of(const struct pipeline *p, const struct step *s, uint32_t maker)
{
    bool moving = false;
    for (uint32_t k = 0; k < s->in_count; k++) {
        if (p->maker[s->in[k]] == maker)
            return WAIT_BY_NAME;
        moving = moving || p->moving[s->in[k]];
    }
    return moving && p->steps[maker].out_count ? WAIT_BY_FOLDER : WAIT_IN_ORDER;
}

/* ---- levels ---- */

#define NO_LEVEL (STEP_NONE - 1)

/* Returns how many there are. */
static uint32_t find_levels(const struct exporting *x, uint32_t *level)
{
    uint32_t count = 0;
    for (size_t i = 0; i < x->p->step_count; i++) {
        uint32_t at = x->p->order[i];
        const struct step *s = &x->p->steps[at];
        for (uint32_t k = 0; k < s->wait_count; k++)
            if (level[s->waits_for[k]] >= level[at])
                level[at] = level[s->waits_for[k]] + 1;
        if (x->skipped[at])
            level[at] = NO_LEVEL;
        else if (level[at] >= count)
            count = level[at] + 1;
    }
    return count;
}

/* Counts into from[level + 2], adds up, then fills: from[level + 1] moves to where it ends. */
struct levels export_levels(struct exporting *x)
{
    size_t n = x->p->step_count;
    uint32_t *level = arena_zero(&x->arena, (n + 1) * sizeof *level);
    uint32_t count = find_levels(x, level);
    uint32_t *from = arena_zero(&x->arena, (count + 3) * sizeof *from);
    uint32_t *steps = arena_zero(&x->arena, (n + 1) * sizeof *steps);
    for (size_t i = 0; i < n; i++)
        if (level[i] != NO_LEVEL)
            from[level[i] + 2]++;
    for (uint32_t i = 2; i < count + 2; i++)
        from[i] += from[i - 1];
    for (uint32_t i = 0; i < n; i++)
        if (level[i] != NO_LEVEL)
            steps[from[level[i] + 1]++] = i;
    return (struct levels){count, steps, from};
}
