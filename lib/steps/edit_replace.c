/* Edit text: replacing parts of cells, and whole values. */
#include "prep/lower.h"
#include "prep/rowwise.h"
#include "steps/locate.h"
#include "steps/steps.h"

enum { MATCH_REGEX, MATCH_LITERAL }; /* in the order of replace_methods */

struct replacement {
    struct regex *regex; /* NULL: literal */
    struct text pattern, with;
    bool all;
};

static void replacement_free(void *own)
{
    struct replacement *p = own;
    regex_free(p->regex);
    mem_free(p);
}

static int prepare_replace(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct replacement *p = mem_alloc(sizeof *p);
    rowwise_plan(s)->own = p;
    p->pattern = arg_text(s, "pattern");
    p->with = arg_text(s, "with");
    p->all = arg_bool(s, "all");
    bool ignore_case = arg_bool(s, "ignore_case");
    if (p->pattern.len == 0)
        return step_error(s, e, "pattern is empty");
    if (arg_choice(s, "match") == MATCH_LITERAL)
        return ignore_case ? step_error(s, e, "ignore_case needs match=regex") : 0;
    struct error problem = {0};
    if (regex_compile(p->pattern.at, p->pattern.len, ignore_case, &p->regex, &problem))
        return step_error(s, e, "%s", problem.message);
    return 0;
}

/* The edited cell in the scratch, or the cell itself when nothing changed. */
static struct text edited(struct mapping *m, struct text cell)
{
    bool same = m->scratch.len == cell.len &&
                (cell.len == 0 || memcmp(m->scratch.at, cell.at, cell.len) == 0);
    if (!same)
        return mapping_text(m);
    m->scratch.len = 0;
    return cell;
}

static struct text replace_literal(struct mapping *m, struct text cell)
{
    const struct replacement *p = m->own;
    size_t copied = 0, at = locate_first(cell, p->pattern, 0);
    if (at == NOWHERE)
        return cell;
    while (at != NOWHERE) {
        buf_add(&m->scratch, cell.at + copied, at - copied);
        buf_add(&m->scratch, p->with.at, p->with.len);
        copied = at + p->pattern.len;
        at = p->all ? locate_first(cell, p->pattern, copied) : NOWHERE;
    }
    buf_add(&m->scratch, cell.at + copied, cell.len - copied);
    return edited(m, cell);
}

static int replace_regex(struct mapping *m, const struct replacement *p)
{
    struct regex_match *match = regex_match_new(p->regex);
    int rc = 0;
    for (size_t r = 0; r < m->rows && rc == 0; r++) {
        struct text cell = m->in->text[r];
        m->out->text[r] = cell;
        if (!cell.at)
            continue;
        regex_replace(p->regex, match, cell, p->with, p->all, &m->scratch);
        m->out->text[r] = edited(m, cell);
        if (UNLIKELY(regex_gave_up(match))) {
            m->out->text[r] = (struct text){NULL, 0};
            rc = mapping_reject(m, 0, r, "the pattern takes too many steps on this text");
        }
    }
    regex_match_free(match);
    return rc;
}

static int replace(struct mapping *m)
{
    const struct replacement *p = m->own;
    if (p->regex)
        return replace_regex(m, p);
    for (size_t r = 0; r < m->rows; r++) {
        struct text cell = m->in->text[r];
        m->out->text[r] = cell.at ? replace_literal(m, cell) : cell;
    }
    return 0;
}

static int lower_replace(struct lower_map *m)
{
    const struct replacement *p = m->own;
    if (p->regex)
        return lower_refuse(m->error, "match=regex: " NOT_COMPILED_REGEX);
    uint32_t pattern = lower_op(m->to, ML_OP_set_text, lower_text(m->to, p->pattern), 0, 0);
    uint32_t with = lower_op(m->to, ML_OP_set_text, lower_text(m->to, p->with), 0, 0);
    m->out[0] = lower_register(m->to, ML_TEXT);
    lower_op_to(m->to, ML_OP_replace, !p->all, m->out[0], m->in[0], pattern, with);
    return 0;
}

struct part {
    struct text left, right, with;
    bool last, inclusive;
    int64_t start, end;
};

static int prepare_between(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct part *p = arena_zero(&s->arena, sizeof *p);
    rowwise_plan(s)->own = p;
    p->left = arg_text(s, "left");
    p->right = arg_text(s, "right");
    p->with = arg_text(s, "with");
    p->last = arg_bool(s, "last");
    p->inclusive = arg_bool(s, "inclusive");
    return p->left.len == 0 || p->right.len == 0 ? step_error(s, e, "a delimiter is empty") : 0;
}

static int prepare_position(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    (void)e;
    struct part *p = arena_zero(&s->arena, sizeof *p);
    rowwise_plan(s)->own = p;
    p->with = arg_text(s, "with");
    p->start = arg_int(s, "start");
    p->end = arg_given(s, "end") ? arg_int(s, "end") : INT64_MAX;
    return 0;
}

/* The cell with `old`, a slice of it, replaced. */
static struct text replace_slice(struct mapping *m, struct text cell, struct text old)
{
    const struct part *p = m->own;
    size_t start = (size_t)(old.at - cell.at), end = start + old.len;
    buf_add(&m->scratch, cell.at, start);
    buf_add(&m->scratch, p->with.at, p->with.len);
    buf_add(&m->scratch, cell.at + end, cell.len - end);
    return edited(m, cell);
}

static struct text replace_between(struct mapping *m, struct text cell)
{
    const struct part *p = m->own;
    struct text inside = locate_between(cell, p->left, p->right, p->last);
    if (!inside.at)
        return cell;
    if (p->inclusive)
        inside = (struct text){inside.at - p->left.len, inside.len + p->left.len + p->right.len};
    return replace_slice(m, cell, inside);
}

static struct text replace_position(struct mapping *m, struct text cell)
{
    const struct part *p = m->own;
    return replace_slice(m, cell, locate_slice(cell, p->start, p->end));
}

static int lower_replace_slice(struct lower_map *m, uint32_t old)
{
    const struct part *p = m->own;
    m->out[0] = lower_op(m->to, ML_OP_replace_slice, m->in[0], old, lower_text(m->to, p->with));
    return 0;
}

static int lower_replace_between(struct lower_map *m)
{
    const struct part *p = m->own;
    uint32_t inside = lower_register(m->to, ML_TEXT);
    lower_op_to(m->to, ML_OP_text_between, (uint16_t)(p->last + 2 * p->inclusive), inside, m->in[0],
                lower_text(m->to, p->left), lower_text(m->to, p->right));
    return lower_replace_slice(m, inside);
}

static int lower_replace_position(struct lower_map *m)
{
    const struct part *p = m->own;
    const int64_t ends[] = {p->start, p->end};
    return lower_replace_slice(
        m, lower_op(m->to, ML_OP_text_slice, m->in[0], lower_range_int(m->to, ends, 2), 0));
}

struct value_map {
    struct map keys;
    VEC(struct text) values;
    bool others_go; /* values that are not in the map become `other` */
    struct text other;
};

static void value_map_free(void *own)
{
    struct value_map *v = own;
    map_release(&v->keys);
    vec_release(&v->values);
    mem_free(v);
}

static int prepare_map(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct value_map *v = mem_alloc(sizeof *v);
    rowwise_plan(s)->own = v;
    for (size_t i = 0; i < s->pairs.len; i++) {
        bool is_new;
        (void)map_put(&v->keys, s->pairs.at[i].name, &is_new);
        char quoted[QUOTE_MAX];
        struct text name = s->pairs.at[i].name;
        if (!is_new)
            return step_error(s, e, "%s is mapped twice", quote(quoted, name.at, name.len));
        vec_push(&v->values, s->pairs.at[i].value);
    }
    v->others_go = arg_given(s, "other");
    if (v->others_go && !text_equal(arg_text(s, "other"), TEXT_LITERAL("missing")))
        v->other = arg_text(s, "other");
    return 0;
}

static struct text map_value(struct mapping *m, struct text cell)
{
    const struct value_map *v = m->own;
    size_t i = map_get(&v->keys, cell);
    if (i != MAP_NONE)
        return v->values.at[i];
    return v->others_go ? v->other : cell;
}

static int lower_values(struct lower_map *m)
{
    const struct value_map *v = m->own;
    size_t n = v->keys.keys.len;
    struct text *values = mem_array(NULL, n + 1, sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = v->values.at[i];
    values[n] = v->other;
    uint32_t map = lower_map(m->to, v->keys.keys.at, n);
    m->out[0] = lower_op(m->to, ML_OP_map_text, m->in[0], map,
                         lower_range_text(m->to, values, n + v->others_go));
    mem_free(values);
    return 0;
}

#define EDIT    .family = "edit", .class = "S", ROWWISE_HOOKS
#define COLUMNS ROWWISE_COLUMNS("columns of text")
#define WITH                                                                                       \
    {                                                                                              \
        .name = "with", .kind = ARG_TEXT, .fallback = "", .help = "text to put there"              \
    }

static const struct arg replace_args[] = {
    COLUMNS,
    {.name = "pattern", .kind = ARG_TEXT, .required = true, .help = "what to look for"},
    {.name = "with",
     .kind = ARG_TEXT,
     .fallback = "",
     .help = "what to put there; $1 ${name} \\1 stand for groups of a regular expression"},
    {.name = "match", .kind = ARG_METHOD, .fallback = "regex", .help = "how the pattern is meant"},
    {.name = "all",
     .kind = ARG_BOOL,
     .fallback = "true",
     .help = "every match, not only the first"},
    {.name = "ignore_case",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "capitals and small letters match each other"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL}};

static const struct arg between_args[] = {
    COLUMNS,
    {.name = "left", .kind = ARG_TEXT, .required = true, .help = "delimiter before the part"},
    {.name = "right", .kind = ARG_TEXT, .required = true, .help = "delimiter behind the part"},
    WITH,
    {.name = "last",
     .kind = ARG_BOOL,
     .fallback = "true",
     .help = "up to the last right delimiter, not the nearest"},
    {.name = "inclusive", .kind = ARG_BOOL, .fallback = "false", .help = "the delimiters go too"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL}};

static const struct arg position_args[] = {
    COLUMNS,
    {.name = "start",
     .kind = ARG_INT,
     .fallback = "0",
     .help = "first character, from 0; negative: from the end"},
    {.name = "end", .kind = ARG_INT, .help = "behind the last character; the end when not given"},
    WITH,
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL}};

static const struct arg map_args[] = {
    COLUMNS,
    {.name = "values", .kind = ARG_PAIRS, .required = true, .help = "old=new, any number of them"},
    {.name = "other",
     .kind = ARG_TEXT,
     .help = "what all other values become; 'missing' empties them; kept when not given"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL}};

static const struct method replace_methods[] = {
    {.name = "regex",
     .class = "S",
     .summary = "PCRE2 regular expression",
     .example = {.program = "replace name pattern=\"(\\\\w+) (\\\\w+)\" with=\"$2, $1\"",
                 .input = "name\nAda King\n",
                 .output = "name\n\"King, Ada\"\n"}},
    {.name = "literal",
     .class = "S",
     .summary = "the pattern's text as it stands",
     .example = {.program = "replace price pattern=. with=\",\" match=literal",
                 .input = "price\n1.50\n",
                 .output = "price\n\"1,50\"\n"}},
    {.name = NULL},
};

const struct step_kind steps_edit_replace[] = {
    {.name = "replace",
     EDIT,
     .aliases = "replace_regex gsub",
     .summary = "replace what matches a pattern",
     .details =
         "Patterns are PCRE2 and see characters, not bytes. Inside double quotes a backslash is "
         "written twice. A search that takes a million steps is given up and the cell rejected.",
     .args = replace_args,
     .methods = replace_methods,
     .example = {.program = "replace phone pattern=\"\\\\D+\" with=\"\"",
                 .input = "phone\n(555) 010-99\n\n",
                 .output = "phone\n55501099\n\n"},
     ROWWISE_MAP(.column = replace, .lower = lower_replace, .prepare = prepare_replace,
                 .release = replacement_free)},
    {.name = "replace_between",
     EDIT,
     .summary = "replace what stands between two delimiters",
     .details =
         "From the first left delimiter to the last right one behind it, as Data Wrangler does; "
         "last=false takes the nearest. Without such a pair the cell stays.",
     .args = between_args,
     .example = {.program = "replace_between note left=\"(\" right=\")\" with=...",
                 .input = "note\nup (secret) now\nnone\n",
                 .output = "note\nup (...) now\nnone\n"},
     ROWWISE_MAP(.text = replace_between, .lower = lower_replace_between,
                 .prepare = prepare_between)},
    {.name = "replace_position",
     EDIT,
     .aliases = "slice_replace",
     .summary = "replace the characters from one position to another",
     .details = "Positions count characters from 0, negative ones from the end, end excluded: the "
                "slices of Python and pandas' str.slice_replace.",
     .args = position_args,
     .example = {.program = "replace_position card start=0 end=-4 with=\"**\"",
                 .input = "card\n4111222233334444\n",
                 .output = "card\n**4444\n"},
     ROWWISE_MAP(.text = replace_position, .lower = lower_replace_position,
                 .prepare = prepare_position)},
    {.name = "map_values",
     EDIT,
     .aliases = "recode",
     .summary = "replace whole values by a list of pairs",
     .details = "Values compare as text. A table in a file is for lookup_join.",
     .args = map_args,
     .example = {.program = "map_values size S=small L=large other=?",
                 .input = "size\nS\nXL\n\n",
                 .output = "size\nsmall\n?\n\n"},
     ROWWISE_MAP(.text = map_value, .lower = lower_values, .prepare = prepare_map,
                 .release = value_map_free)},
    {.name = NULL},
};
