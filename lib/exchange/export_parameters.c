/* Which parameters and conditions an export keeps. Those that it does not keep have their values.
 */
#include "exchange/export.h"
#include "expr/node.h"

#include <stdlib.h>

/* ---- marks ---- */

bool export_has_mark(struct text text)
{
    return text.len && memchr(text.at, PARAMETER_MARK, text.len) != NULL;
}

bool export_next(struct text *rest, struct text *plain, uint32_t *parameter)
{
    *parameter = PARAMETER_NONE;
    *plain = (struct text){"", 0};
    if (rest->len == 0)
        return false;
    const char *end = rest->at + rest->len, *mark = memchr(rest->at, PARAMETER_MARK, rest->len);
    const char *next = mark ? mark : end;
    *plain = (struct text){rest->at, (size_t)(next - rest->at)};
    if (mark) {
        char *behind;
        *parameter = (uint32_t)strtoul(mark + 1, &behind, 10);
        next = behind + 1;
    }
    *rest = (struct text){next, (size_t)(end - next)};
    return true;
}

/* ---- what is not kept ---- */

/* The text with the values of parameters that are not kept. */
static struct text settled_text(struct exporting *x, struct text text)
{
    struct text rest = text, plain;
    struct buf b = {0};
    uint32_t i;
    if (!export_has_mark(text))
        return text;
    while (export_next(&rest, &plain, &i)) {
        buf_add(&b, plain.at, plain.len);
        if (i != PARAMETER_NONE && x->kept[i])
            buf_format(&b, "%c%u%c", PARAMETER_MARK, (unsigned)i, PARAMETER_END);
        else if (i != PARAMETER_NONE)
            buf_add(&b, x->p->parameters[i].value.at, x->p->parameters[i].value.len);
    }
    struct text out = {arena_text(&x->arena, b.at ? b.at : "", b.len), b.len};
    buf_release(&b);
    return out;
}

static const char *settled(struct exporting *x, const char *text)
{
    return text ? settled_text(x, text_of(text)).at : NULL;
}

static char **settled_list(struct exporting *x, char **list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    if (n == 0)
        return list;
    char **out = arena_zero(&x->arena, (n + 1) * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        struct text text = settled_text(x, text_of(list[i]));
        out[i] = arena_text(&x->arena, text.at, text.len);
    }
    return out;
}

static void settle_texts(struct exporting *x, struct pipeline *p)
{
    for (size_t i = 0; i < p->step_count; i++) {
        struct step *s = &p->steps[i];
        if (s->entry->directory && export_has_mark(text_of(s->entry->directory))) {
            struct step_entry *entry = arena_copy(&x->arena, s->entry, sizeof *entry);
            entry->directory = settled(x, entry->directory);
            s->entry = entry;
        }
        s->script = settled(x, s->script);
        s->message = settled(x, s->message);
        s->argv = settled_list(x, s->argv);
        s->environment = settled_list(x, s->environment);
    }
    for (size_t i = 0; i < p->path_count; i++)
        p->paths[i] = settled_text(x, p->paths[i]);
}

/* ---- parameters ---- */

/* p_NAME, each once. */
static void name_variables(struct exporting *x)
{
    struct map names = {0};
    for (size_t i = 0; i < x->p->parameter_count; i++) {
        bool is_new = false;
        for (unsigned number = 1; !is_new; number++) {
            char *name = number == 1
                             ? arena_format(&x->arena, "p_%s", x->p->parameters[i].name)
                             : arena_format(&x->arena, "p_%s_%u", x->p->parameters[i].name, number);
            for (char *at = name; *at; at++)
                *at = *at == '-' ? '_' : *at;
            map_put(&names, text_of(name), &is_new);
            x->variables[i] = name;
        }
    }
    map_release(&names);
}

static int no_default(const struct exporting *x, const struct parameter *p)
{
    return error_set(x->e, ERR_USAGE, "parameter %s has no default: give it by -P %s=VALUE",
                     p->name, p->name);
}

static int settle_parameter(struct exporting *x, size_t i, bool *some)
{
    const struct parameter *p = &x->p->parameters[i];
    const char *why = x->to->unfit && !x->decided ? x->to->unfit(p) : NULL;
    x->kept[i] = why == NULL && !x->decided;
    *some = *some || why;
    if (why && !p->value.at)
        return no_default(x, p);
    if (why)
        export_warn_of_all(x, "parameter %s: %s: it has its value of now", p->name, why);
    if (p->limited)
        export_warn_of_all(x, "parameter %s: its minimum, maximum and choices have no place in %s",
                           p->name, x->to->about.name);
    if (p->put_in && !x->decided)
        export_warn_of_all(x, "parameter %s: its value of now is in foreach and matrix", p->name);
    return 0;
}

static int settle_parameters(struct exporting *x, struct pipeline *p)
{
    bool some = false;
    int status = 0;
    for (size_t i = 0; i < p->parameter_count && status == 0; i++)
        status = settle_parameter(x, i, &some);
    if (status == 0 && some)
        settle_texts(x, p);
    return status;
}

bool export_any_kept(const struct exporting *x)
{
    for (size_t i = 0; i < x->p->parameter_count; i++)
        if (x->kept[i])
            return true;
    return false;
}

/* ---- conditions ---- */

/* All parameters that a condition asks for have values. */
static int check_values(const struct exporting *x, const struct node *n)
{
    const struct parameter *p = n->form == NODE_COLUMN ? &x->p->parameters[n->column] : NULL;
    int status = p && !p->value.at ? no_default(x, p) : 0;
    for (size_t i = 0; i < n->count && status == 0; i++)
        status = check_values(x, n->args[i]);
    return status;
}

/* A condition that the format cannot write holds, or does not, by the values of now. */
static int decide(struct exporting *x, const struct step *s, const struct node *n, bool *holds)
{
    int status = check_values(x, n);
    return status ? status : pipeline_holds(x->p, s, holds, x->e);
}

/* Whether all that it asks for is kept. */
static bool has_its_parameters(const struct exporting *x, const struct node *n)
{
    if (n->form == NODE_COLUMN)
        return x->kept[n->column];
    bool all = true;
    for (size_t i = 0; i < n->count && all; i++)
        all = has_its_parameters(x, n->args[i]);
    return all;
}

/* False when the format has no such condition. */
static bool keep_condition(struct exporting *x, const struct step *s, const struct node *n)
{
    struct export_condition c = {.step = s};
    struct buf b = {0};
    bool good = has_its_parameters(x, n);
    if (good && x->to->choices)
        good = (c.choice = condition_choice(x->p, n)) != NULL;
    else if (good)
        good = condition_put_shell(&b, x->p, n);
    if (good) {
        c.shell = arena_text(&x->arena, b.at ? b.at : "", b.len);
        vec_push(&x->conditions, c);
    }
    buf_release(&b);
    return good;
}

/* What became of a text that is a condition. */
struct settled_condition {
    uint32_t number; /* STEP_NONE: it is decided, */
    bool holds;      /* so, */
    const char *why; /* as the format cannot keep it; NULL: there is nothing to keep */
};

static int read_condition(struct exporting *x, const struct step *s, struct settled_condition *out)
{
    struct expr *condition = NULL;
    int status = pipeline_condition(x->p, s, &condition, x->e);
    bool constant = status == 0 && condition->root->form == NODE_LITERAL;
    *out = (struct settled_condition){STEP_NONE, true, NULL};
    if (status == 0 && !constant && keep_condition(x, s, condition->root))
        out->number = (uint32_t)x->conditions.len - 1;
    else if (status == 0)
        status = decide(x, s, condition->root, &out->holds);
    if (status == 0 && out->number == STEP_NONE && !constant)
        out->why = has_its_parameters(x, condition->root) ? "the format has no such condition"
                                                          : "its parameters have them, too";
    expr_free(condition);
    return status;
}

static int compare_uint32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Those of the step itself, own, and of all that it waits for. */
static struct export_when all_conditions(struct exporting *x, const struct step *s, uint32_t own)
{
    VEC(uint32_t) all = {0};
    struct export_when one = {NULL, 0};
    bool same = true;
    for (uint32_t k = 0; k < s->wait_count; k++) {
        const struct export_when *w = &x->when[s->waits_for[k]];
        same = same && (all.len == 0 || w->count == 0 || w->at == one.at);
        one = w->count ? *w : one;
        for (uint32_t i = 0; i < w->count; i++)
            vec_push(&all, w->at[i]);
    }
    if (own != STEP_NONE)
        vec_push(&all, own);
    else if (same) {
        vec_release(&all);
        return one;
    }
    qsort(all.at, all.len, sizeof *all.at, compare_uint32);
    size_t n = 0;
    for (size_t i = 0; i < all.len; i++)
        if (n == 0 || all.at[n - 1] != all.at[i])
            all.at[n++] = all.at[i];
    one = (struct export_when){arena_copy(&x->arena, all.at, n * sizeof *all.at), (uint32_t)n};
    vec_release(&all);
    return one;
}

/* Steps that wait for one that is skipped are skipped, too. */
static void settle_step(struct exporting *x, uint32_t step, const struct settled_condition *c)
{
    char quoted[QUOTE_MAX];
    const struct step *s = &x->p->steps[step];
    bool holds = c->holds;
    for (uint32_t k = 0; k < s->wait_count; k++)
        holds = holds && !x->skipped[s->waits_for[k]];
    x->skipped[step] = !holds;
    x->when[step] = all_conditions(x, s, c->number);
    if (c->why && !x->decided)
        export_warn(x, s, "when: %s is decided by the values of now: %s",
                    quote(quoted, s->when, strlen(s->when)), c->why);
}

static int settle_conditions(struct exporting *x)
{
    const struct settled_condition none = {STEP_NONE, true, NULL};
    struct map texts = {0};
    VEC(struct settled_condition) all = {0}; /* by text */
    int status = 0;
    for (size_t i = 0; i < x->p->step_count && status == 0; i++) {
        uint32_t step = x->p->order[i];
        const struct step *s = &x->p->steps[step];
        struct settled_condition one = none;
        bool is_new = false;
        size_t number = s->when ? map_put(&texts, text_of(s->when), &is_new) : SIZE_MAX;
        if (is_new) {
            status = read_condition(x, s, &one);
            vec_push(&all, one);
        } else if (number < all.len) {
            one = all.at[number];
        }
        if (status == 0)
            settle_step(x, step, &one);
    }
    map_release(&texts);
    vec_release(&all);
    return status;
}

int export_settle(struct exporting *x, struct pipeline *p)
{
    size_t n = p->parameter_count + 1;
    x->kept = arena_zero(&x->arena, n * sizeof *x->kept);
    x->variables = arena_zero(&x->arena, n * sizeof *x->variables);
    x->when = arena_zero(&x->arena, (p->step_count + 1) * sizeof *x->when);
    name_variables(x);
    int status = settle_parameters(x, p);
    return status || x->to->own_conditions ? status : settle_conditions(x);
}
