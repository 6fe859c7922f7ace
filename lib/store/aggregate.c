/* Which aggregates a group has. */
#include "store/group.h"

static const char *const names[] = {
    [AGGREGATE_COUNT] = "count", [AGGREGATE_SUM] = "sum",         [AGGREGATE_MEAN] = "mean",
    [AGGREGATE_MIN] = "min",     [AGGREGATE_MAX] = "max",         [AGGREGATE_STD] = "std",
    [AGGREGATE_LAST] = "last",   [AGGREGATE_NUNIQUE] = "nunique",
};

const char *aggregate_function_name(enum aggregate_function f)
{
    return names[f];
}

bool aggregate_function_parse(struct text name, enum aggregate_function *f)
{
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text_equal(name, text_of(names[i]))) {
            *f = (enum aggregate_function)i;
            return true;
        }
    return false;
}

/* ---- as it is written ---- */

/* What is before the first `end`; that is taken, too. */
static bool take_until(struct text *t, char end, struct text *out)
{
    const char *stop = t->len ? memchr(t->at, end, t->len) : NULL;
    if (!stop)
        return false;
    *out = (struct text){t->at, (size_t)(stop - t->at)};
    t->len -= out->len + 1;
    t->at = stop + 1;
    return true;
}

static bool take_parts(struct text t, struct aggregate_text *out, struct text *function)
{
    struct text nothing;
    if (!take_until(&t, '=', &out->name) || !take_until(&t, '(', function) ||
        !take_until(&t, ')', &out->of) || !take_until(&t, '@', &nothing) || nothing.len)
        return false;
    if (out->of.len == 0)
        out->of.at = NULL;
    return duration_parse(t.at, t.len, &out->window) && out->window > 0;
}

int aggregate_parse(struct text t, struct aggregate_text *out, struct error *e)
{
    char quoted[QUOTE_MAX];
    struct text function;
    if (!take_parts(t, out, &function))
        return error_set(e, ERR_USAGE,
                         "%s: expected NAME=FUNCTION(FEATURE)@DURATION, as in spent=sum(amount)@1d",
                         quote(quoted, t.at, t.len));
    if (!aggregate_function_parse(function, &out->function))
        return error_set(e, ERR_USAGE,
                         "%s is no function: expected count, sum, mean, min, max, std, last or "
                         "nunique",
                         quote(quoted, function.at, function.len));
    return 0;
}

/* ---- of a group ---- */

static void push(struct group *g, const struct aggregate_text *a)
{
    struct aggregate added = {.name = arena_text(&g->arena, a->name.at, a->name.len),
                              .function = a->function,
                              .window = a->window,
                              .feature = MAP_NONE,
                              .argument = MAP_NONE};
    if (a->of.at)
        added.of = arena_text(&g->arena, a->of.at, a->of.len);
    vec_push(&g->aggregates, added);
}

int group_add_aggregate(struct group *g, const struct aggregate_text *a, struct error *e)
{
    int status = group_check_name(g, a->name, e);
    if (status)
        return status;
    if (!a->of.at && a->function != AGGREGATE_COUNT)
        return error_set(e, ERR_USAGE, "aggregate '%.*s': %s() is of a feature", (int)a->name.len,
                         a->name.at, names[a->function]);
    push(g, a);
    return 0;
}

static bool takes_any(enum aggregate_function f)
{
    return f == AGGREGATE_COUNT || f == AGGREGATE_NUNIQUE;
}

static int find_argument(const struct group *g, struct aggregate *a, struct error *e)
{
    if (!a->of)
        return 0;
    a->argument = map_get(&g->names, text_of(a->of));
    if (a->argument == MAP_NONE)
        return error_set(e, ERR_USAGE, "aggregate '%s': there is no feature '%s'", a->name, a->of);
    const struct feature *of = &g->features.at[a->argument];
    bool number = type_is_number(of->type) && of->collection == COLLECTION_NONE;
    if (of->computed)
        return error_set(e, ERR_USAGE, "aggregate '%s': '%s' is computed itself", a->name, a->of);
    if (!takes_any(a->function) && !number)
        return error_set(e, ERR_USAGE, "aggregate '%s': %s() is of an int or a float, '%s' is none",
                         a->name, names[a->function], a->of);
    return 0;
}

static struct feature feature_of(const struct group *g, const struct aggregate *a)
{
    struct feature f = {.type = TYPE_INT, .computed = true};
    if (a->function == AGGREGATE_MEAN || a->function == AGGREGATE_STD)
        f.type = TYPE_FLOAT;
    else if (!takes_any(a->function))
        f.type = g->features.at[a->argument].type;
    return f;
}

static int settle(struct group *g, struct aggregate *a, struct error *e)
{
    int status = find_argument(g, a, e);
    if (status)
        return status;
    struct feature f = feature_of(g, a);
    a->feature = g->features.len; /* first: a name that waits to be a feature's is taken */
    status = group_add_feature(g, text_of(a->name), &f, e);
    if (status)
        a->feature = MAP_NONE;
    return status;
}

int group_settle(struct group *g, struct error *e)
{
    int status = 0;
    for (size_t i = 0; i < g->aggregates.len && status == 0; i++)
        if (g->aggregates.at[i].feature == MAP_NONE)
            status = settle(g, &g->aggregates.at[i], e);
    return status;
}

int group_bind_aggregate(struct group *g, const struct aggregate_text *a, struct error *e)
{
    size_t feature = map_get(&g->names, a->name);
    if (feature == MAP_NONE)
        return group_add_aggregate(g, a, e);
    push(g, a);
    struct aggregate *bound = &g->aggregates.at[g->aggregates.len - 1];
    int status = find_argument(g, bound, e);
    if (status)
        return status;
    struct feature wanted = feature_of(g, bound), *is = &g->features.at[feature];
    if (is->computed || is->type != wanted.type || is->collection != COLLECTION_NONE ||
        (!a->of.at && a->function != AGGREGATE_COUNT))
        return error_set(e, ERR_USAGE, "aggregate '%s': its feature is another one", bound->name);
    is->computed = true;
    bound->feature = feature;
    return 0;
}

bool group_computes(const struct group *g)
{
    for (size_t i = 0; i < g->aggregates.len; i++)
        if (g->aggregates.at[i].feature != MAP_NONE)
            return true;
    return false;
}
