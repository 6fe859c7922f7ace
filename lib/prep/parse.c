/* Programs: text to steps with checked arguments. Columns are looked up later, when a schema is
 * known. */
#include "prep/lex.h"
#include "prep/recipe.h"

enum {
    PROGRAM_MAX = 1 << 20, /* bytes */
    STEPS_MAX = 4096,
};

struct parser {
    struct recipe *recipe;
    struct lexer lex;
    struct step *step;  /* the one being read */
    size_t step_offset; /* of its name */
};

static int lex_failed(const struct parser *p, struct error *e)
{
    return program_error(p->recipe, p->lex.where, e, "%s", p->lex.problem);
}

static const struct arg *find_arg(const struct step_kind *kind, struct text name)
{
    for (const struct arg *a = kind->args; a && a->name; a++)
        if (a->kind != ARG_PAIRS && text_equal(name, text_of(a->name)))
            return a;
    return NULL;
}

static const struct arg *pairs_arg(const struct step_kind *kind)
{
    for (const struct arg *a = kind->args; a && a->name; a++)
        if (a->kind == ARG_PAIRS)
            return a;
    return NULL;
}

static struct arg_value *value_of(const struct step *s, const struct arg *a)
{
    return &s->values[a - s->kind->args];
}

/* The positional argument the next bare word is for. */
static const struct arg *next_positional(const struct step *s)
{
    for (const struct arg *a = s->kind->args; a && a->name; a++)
        if (a->positional && !value_of(s, a)->written)
            return a;
    return NULL;
}

bool alias_next(const char **at, struct alias *out)
{
    const char *p = *at + strspn(*at, " ");
    if (*p == '\0')
        return false;
    size_t len = strcspn(p, " "), name = strcspn(p, " :");
    out->name = (struct text){p, name};
    out->presets = (struct text){p + name, len - name};
    *at = p + len;
    return true;
}

static int unknown_step(const struct parser *p, struct text name, size_t offset, struct error *e)
{
    size_t count = step_kind_count();
    const char **names = mem_array(NULL, count + 1, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = step_kind_at(i)->name;
    char hint[HINT_MAX], quoted[QUOTE_MAX];
    nearest_hint(hint, name, names, count);
    mem_free(names);
    return program_error(p->recipe, offset, e, "unknown step %s%s",
                         quote(quoted, name.at, name.len), hint);
}

static int unknown_arg(const struct parser *p, struct text name, size_t offset, struct error *e)
{
    const char *names[64];
    size_t count = 0;
    for (const struct arg *a = p->step->kind->args; a && a->name && count < COUNT_OF(names); a++)
        names[count++] = a->name;
    char hint[HINT_MAX], quoted[QUOTE_MAX];
    return program_error(p->recipe, offset, e, "%s: unknown argument %s%s", p->step->kind->name,
                         quote(quoted, name.at, name.len), nearest_hint(hint, name, names, count));
}

static enum word_style style_of(enum arg_kind kind)
{
    switch (kind) {
    case ARG_COLUMNS:
    case ARG_LIST:
        return WORD_SELECTION;
    case ARG_REST:
        return WORD_REST;
    default:
        return WORD_PLAIN;
    }
}

/* Their quotes say where names and literals end: they are looked at later. */
static bool keeps_quotes(enum arg_kind kind)
{
    return kind == ARG_COLUMNS || kind == ARG_LIST || kind == ARG_REST;
}

/* Gives an argument its value; `raw` is in the step's arena or the kind's table. */
static int set_value(struct parser *p, const struct arg *a, struct text raw, size_t offset,
                     struct error *e)
{
    struct step *s = p->step;
    struct arg_value *value = value_of(s, a);
    value->text = raw;
    value->offset = offset;
    value->given = true;
    if (!keeps_quotes(a->kind))
        (void)unquote(raw, &s->arena, &value->text);
    struct buf why = {0};
    int rc = 0;
    if (!arg_check(a, s->kind, value, &s->arena, &why)) {
        char quoted[QUOTE_MAX];
        rc = program_error(p->recipe, offset, e, "%s: %s: %.300s, not %s", s->kind->name, a->name,
                           buf_text(&why), quote(quoted, value->text.at, value->text.len));
    }
    buf_release(&why);
    return rc;
}

static int read_word(struct parser *p, enum word_style style, struct text *out, struct error *e)
{
    if (!lex_word(&p->lex, style, &p->step->arena, out))
        return lex_failed(p, e);
    if (out->len > 0)
        return 0;
    return program_error(p->recipe, p->lex.at, e,
                         "a value is missing behind '=': write \"\" for the empty text");
}

static int read_known(struct parser *p, const struct arg *a, size_t name_at, struct error *e)
{
    struct text word;
    size_t offset = p->lex.at;
    if (value_of(p->step, a)->written)
        return program_error(p->recipe, name_at, e, "%s: argument '%s' is given twice",
                             p->step->kind->name, a->name);
    int rc = read_word(p, style_of(a->kind), &word, e);
    if (rc)
        return rc;
    value_of(p->step, a)->written = true;
    return set_value(p, a, word, offset, e);
}

static int read_pair(struct parser *p, struct text name, struct error *e)
{
    struct step *s = p->step;
    struct pair pair = {.offset = p->lex.at};
    struct text word;
    int rc = read_word(p, WORD_PLAIN, &word, e);
    if (rc)
        return rc;
    (void)unquote(word, &s->arena, &pair.value);
    if (!unquote(name, &s->arena, &pair.name))
        pair.name = (struct text){arena_text(&s->arena, name.at, name.len), name.len};
    vec_push(&s->pairs, pair);
    return 0;
}

/* A word without a name: a switch by its name, or the next positional argument. */
static int read_bare(struct parser *p, struct error *e)
{
    struct step *s = p->step;
    struct lexer ahead = p->lex;
    const struct arg *flag = find_arg(s->kind, lex_identifier(&ahead));
    char after = lex_end(&ahead) ? ' ' : ahead.program.at[ahead.at];
    const struct arg *next = next_positional(s);
    bool rest = next && next->kind == ARG_REST;
    if (flag && flag->kind == ARG_BOOL && !rest && strchr(" \t\r\n|", after)) {
        size_t offset = p->lex.at;
        p->lex.at = ahead.at;
        value_of(s, flag)->written = true;
        return set_value(p, flag, TEXT_LITERAL("true"), offset, e);
    }
    if (next)
        return read_known(p, next, p->lex.at, e);
    struct text word;
    size_t offset = p->lex.at;
    if (!lex_word(&p->lex, WORD_PLAIN, &s->arena, &word))
        return lex_failed(p, e);
    return unknown_arg(p, word, offset, e);
}

static int read_arg(struct parser *p, struct error *e)
{
    struct text name;
    size_t offset = p->lex.at;
    if (p->lex.program.at[offset] == '=')
        return program_error(p->recipe, offset, e, "%s: blanks around '=': write name=value",
                             p->step->kind->name);
    struct text rest = {p->lex.program.at + offset, p->lex.program.len - offset};
    if (rest.len > 1 && rest.at[0] == '|' && rest.at[1] == '|')
        return program_error(p->recipe, offset, e,
                             "'||' is an operator: steps are joined by one '|'");
    struct lexer ahead = p->lex;
    if (!lex_name(&ahead, &name))
        return read_bare(p, e);
    const struct arg *known = find_arg(p->step->kind, name);
    const struct arg *next = next_positional(p->step);
    if (!known && next && next->kind == ARG_REST)
        return read_known(p, next, offset, e);
    p->lex = ahead;
    if (known)
        return read_known(p, known, offset, e);
    if (pairs_arg(p->step->kind))
        return read_pair(p, name, e);
    return unknown_arg(p, name, offset, e);
}

/* ":k=1:order=desc" */
static int apply_presets(struct parser *p, struct text presets, struct error *e)
{
    while (presets.len > 0) {
        const char *at = presets.at + 1, *end = presets.at + presets.len;
        const char *colon = memchr(at, ':', (size_t)(end - at));
        const char *stop = colon ? colon : end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        presets = (struct text){stop, (size_t)(end - stop)};
        if (!equals)
            continue;
        const struct arg *a = find_arg(p->step->kind, (struct text){at, (size_t)(equals - at)});
        if (!a || value_of(p->step, a)->written)
            continue;
        size_t len = (size_t)(stop - equals - 1);
        struct text raw = {arena_text(&p->step->arena, equals + 1, len), len};
        int rc = set_value(p, a, raw, p->step_offset, e);
        if (rc)
            return rc;
    }
    return 0;
}

static int missing_arg(const struct parser *p, const struct arg *a, struct error *e)
{
    const char *kind = p->step->kind->name;
    if (a->kind == ARG_PAIRS)
        return program_error(p->recipe, p->step_offset, e,
                             "%s: expected at least one name=value: %s", kind, a->help);
    return program_error(p->recipe, p->step_offset, e, "%s: argument '%s' is missing: %s", kind,
                         a->name, a->help);
}

static int apply_fallbacks(struct parser *p, struct error *e)
{
    struct step *s = p->step;
    for (const struct arg *a = s->kind->args; a && a->name; a++) {
        bool given = a->kind == ARG_PAIRS ? s->pairs.len > 0 : value_of(s, a)->given;
        if (given)
            continue;
        if (a->required)
            return missing_arg(p, a, e);
        if (!a->fallback)
            continue;
        int rc = set_value(p, a, text_of(a->fallback), p->step_offset, e);
        if (rc)
            return rc;
    }
    return 0;
}

struct step *recipe_append(struct recipe *r, const struct step_kind *kind)
{
    struct step *s = mem_alloc(sizeof *s);
    s->kind = kind;
    s->recipe = r;
    s->context = &r->context;
    s->source = (struct text){r->program.at + r->program.len, 0};
    vec_push(&r->steps, s);
    s->number = r->steps.len;
    size_t count = 0;
    while (kind->args && kind->args[count].name)
        count++;
    s->values = arena_zero(&s->arena, (count + 1) * sizeof *s->values);
    for (size_t i = 0; i < count; i++)
        s->values[i].choice = -1;
    return s;
}

static int read_step(struct parser *p, struct error *e)
{
    size_t start = p->lex.at;
    struct text name = lex_identifier(&p->lex), presets;
    if (name.len == 0)
        return program_error(p->recipe, start, e,
                             lex_step_end(&p->lex) ? "a step is missing here"
                                                   : "expected a step's name");
    const struct step_kind *kind = step_kind_named(name, &presets);
    if (!kind)
        return unknown_step(p, name, start, e);
    if (p->recipe->steps.len == STEPS_MAX)
        return program_error(p->recipe, start, e, "more than %d steps", STEPS_MAX);
    p->step = recipe_append(p->recipe, kind);
    p->step_offset = start;
    size_t end = p->lex.at;
    for (lex_blank(&p->lex); !lex_step_end(&p->lex); lex_blank(&p->lex)) {
        int rc = read_arg(p, e);
        if (rc)
            return rc;
        end = p->lex.at;
    }
    p->step->source = text_trimmed((struct text){p->recipe->program.at + start, end - start});
    int rc = apply_presets(p, presets, e);
    return rc ? rc : apply_fallbacks(p, e);
}

static int read_program(struct parser *p, struct error *e)
{
    lex_blank(&p->lex);
    if (lex_end(&p->lex))
        return 0;
    for (;;) {
        int rc = read_step(p, e);
        if (rc || lex_end(&p->lex))
            return rc;
        p->lex.at++;
        lex_blank(&p->lex);
    }
}

int recipe_parse(const char *program, size_t n, const struct prep_context *context,
                 struct recipe **out, struct error *e)
{
    *out = NULL;
    if (n > PROGRAM_MAX)
        return error_set(e, ERR_USAGE, "the program is longer than %d bytes", PROGRAM_MAX);
    if (memchr(program, '\0', n))
        return error_set(e, ERR_USAGE, "the program holds a NUL byte");
    struct recipe *r = mem_alloc(sizeof *r);
    r->program = (struct text){mem_text_n(program, n), n};
    r->context = *context;
    struct parser p = {.recipe = r, .lex.program = r->program};
    int rc = read_program(&p, e);
    if (rc) {
        recipe_free(r);
        return rc;
    }
    *out = r;
    return 0;
}

static void step_free(struct step *s)
{
    if (s->kind->close && s->plan)
        s->kind->close(s);
    if (s->learnt && s->kind->state_free)
        s->kind->state_free(s->learnt);
    vec_release(&s->pairs);
    vec_release(&s->reads);
    arena_release(&s->arena);
    mem_free(s);
}

void recipe_free(struct recipe *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->steps.len; i++)
        step_free(r->steps.at[i]);
    vec_release(&r->steps);
    vec_release(&r->ranges);
    schema_release(&r->schema);
    json_decref(r->part);
    mem_free((void *)(uintptr_t)r->program.at);
    mem_free(r);
}
