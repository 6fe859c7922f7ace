/* Edit text: finding and taking out parts of cells. */
#include "prep/rowwise.h"
#include "steps/locate.h"
#include "steps/steps.h"

struct wanted {
    struct regex *regex;
    size_t group;
    struct text text, left, right;
    bool last;
    int64_t start, end, max;
};

static void wanted_free(void *own)
{
    struct wanted *w = own;
    regex_free(w->regex);
    mem_free(w);
}

static struct wanted *wanted_new(struct step *s)
{
    struct wanted *w = mem_alloc(sizeof *w);
    rowwise_plan(s)->own = w;
    return w;
}

static int prepare_regex(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct wanted *w = wanted_new(s);
    struct text pattern = arg_text(s, "pattern");
    struct error problem = {0};
    if (regex_compile(pattern.at, pattern.len, arg_bool(s, "ignore_case"), &w->regex, &problem))
        return step_error(s, e, "%s", problem.message);
    size_t groups = regex_groups(w->regex);
    w->group = arg_given(s, "group") ? (size_t)arg_int(s, "group") : (groups > 0);
    if (w->group > groups)
        return step_error(s, e, "the pattern has %zu groups, not %zu", groups, w->group);
    return 0;
}

static int prepare_text(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct wanted *w = wanted_new(s);
    w->text = arg_text(s, "text");
    return w->text.len == 0 ? step_error(s, e, "text is empty") : 0;
}

static int prepare_split(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct wanted *w = wanted_new(s);
    w->text = arg_text(s, "sep");
    w->max = arg_given(s, "max") ? arg_int(s, "max") : INT64_MAX;
    return w->text.len == 0 ? step_error(s, e, "sep is empty") : 0;
}

static int prepare_between(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct wanted *w = wanted_new(s);
    w->left = arg_text(s, "left");
    w->right = arg_text(s, "right");
    w->last = arg_bool(s, "last");
    return w->left.len == 0 || w->right.len == 0 ? step_error(s, e, "a delimiter is empty") : 0;
}

static int prepare_position(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    (void)e;
    struct wanted *w = wanted_new(s);
    w->start = arg_int(s, "start");
    w->end = arg_given(s, "end") ? arg_int(s, "end") : INT64_MAX;
    return 0;
}

static int check_search(struct mapping *m, const struct regex_match *match, size_t row)
{
    if (LIKELY(!regex_gave_up(match)))
        return 0;
    m->out->text[row] = (struct text){NULL, 0};
    return mapping_reject(m, 0, row, "the pattern takes too many steps on this text");
}

static int extract_regex(struct mapping *m)
{
    const struct wanted *w = m->own;
    struct regex_match *match = regex_match_new(w->regex);
    int rc = 0;
    for (size_t r = 0; r < m->rows && rc == 0; r++) {
        struct text cell = m->in->text[r];
        m->out->text[r] = (struct text){NULL, 0};
        if (!cell.at)
            continue;
        if (regex_search(w->regex, match, cell, 0))
            m->out->text[r] = regex_group(match, w->group);
        rc = check_search(m, match, r);
    }
    regex_match_free(match);
    return rc;
}

static void put_item(struct buf *out, struct text item)
{
    if (out->len > 1)
        buf_putc(out, ',');
    if (item.at)
        json_put_string(out, item.at, item.len);
    else
        buf_puts(out, "null");
}

static struct text end_list(struct mapping *m)
{
    buf_putc(&m->scratch, ']');
    return mapping_text(m);
}

static int extract_all(struct mapping *m)
{
    const struct wanted *w = m->own;
    struct regex_match *match = regex_match_new(w->regex);
    int rc = 0;
    for (size_t r = 0; r < m->rows && rc == 0; r++) {
        struct text cell = m->in->text[r];
        m->out->text[r] = cell;
        if (!cell.at)
            continue;
        buf_putc(&m->scratch, '[');
        for (size_t from = 0; regex_next(w->regex, match, cell, &from);)
            put_item(&m->scratch, regex_group(match, w->group));
        m->out->text[r] = end_list(m);
        rc = check_search(m, match, r);
    }
    regex_match_free(match);
    return rc;
}

static struct text extract_between(struct mapping *m, struct text cell)
{
    const struct wanted *w = m->own;
    return locate_between(cell, w->left, w->right, w->last);
}

static struct text extract_position(struct mapping *m, struct text cell)
{
    const struct wanted *w = m->own;
    return locate_slice(cell, w->start, w->end);
}

static int64_t characters_before(struct text cell, size_t at)
{
    return at == NOWHERE ? -1 : (int64_t)utf8_length(cell.at, at);
}

static int find_first(struct mapping *m)
{
    const struct wanted *w = m->own;
    for (size_t r = 0; r < m->rows; r++) {
        struct text cell = m->in->text[r];
        m->out->integer[r] =
            cell.at ? characters_before(cell, locate_first(cell, w->text, 0)) : INT_MISSING;
    }
    return 0;
}

static int find_last(struct mapping *m)
{
    const struct wanted *w = m->own;
    for (size_t r = 0; r < m->rows; r++) {
        struct text cell = m->in->text[r];
        m->out->integer[r] =
            cell.at ? characters_before(cell, locate_last(cell, w->text)) : INT_MISSING;
    }
    return 0;
}

static struct text find_all(struct mapping *m, struct text cell)
{
    const struct wanted *w = m->own;
    buf_putc(&m->scratch, '[');
    for (size_t at = locate_first(cell, w->text, 0); at != NOWHERE;
         at = locate_first(cell, w->text, at + w->text.len))
        buf_format(&m->scratch, "%s%lld", m->scratch.len > 1 ? "," : "",
                   (long long)characters_before(cell, at));
    return end_list(m);
}

static struct text split_string(struct mapping *m, struct text cell)
{
    const struct wanted *w = m->own;
    size_t start = 0, at = locate_first(cell, w->text, 0);
    buf_putc(&m->scratch, '[');
    for (int64_t cuts = 0; at != NOWHERE && cuts < w->max; cuts++) {
        put_item(&m->scratch, (struct text){cell.at + start, at - start});
        start = at + w->text.len;
        at = locate_first(cell, w->text, start);
    }
    put_item(&m->scratch, (struct text){cell.at + start, cell.len - start});
    return end_list(m);
}

static int lower_found(struct lower_map *m, uint32_t which)
{
    const struct wanted *w = m->own;
    uint32_t text = lower_op(m->to, ML_OP_set_text, lower_text(m->to, w->text), 0, 0);
    m->out[0] = lower_op(m->to, ML_OP_text_find, m->in[0], text, which);
    return 0;
}

static int lower_first(struct lower_map *m)
{
    return lower_found(m, 0);
}

static int lower_last(struct lower_map *m)
{
    return lower_found(m, 1);
}

static int lower_between(struct lower_map *m)
{
    const struct wanted *w = m->own;
    m->out[0] = lower_register(m->to, ML_TEXT);
    lower_op_to(m->to, ML_OP_text_between, w->last, m->out[0], m->in[0], lower_text(m->to, w->left),
                lower_text(m->to, w->right));
    return 0;
}

static int lower_position(struct lower_map *m)
{
    const struct wanted *w = m->own;
    const int64_t ends[] = {w->start, w->end};
    m->out[0] = lower_op(m->to, ML_OP_text_slice, m->in[0], lower_range_int(m->to, ends, 2), 0);
    return 0;
}

#define EDIT    .family = "edit", .class = "S", ROWWISE_HOOKS
#define COLUMNS ROWWISE_COLUMNS("columns of text")
#define PATTERN                                                                                    \
    {                                                                                              \
        .name = "pattern", .kind = ARG_TEXT, .required = true,                                     \
        .help = "regular expression (PCRE2)"                                                       \
    }
#define GROUP                                                                                      \
    {                                                                                              \
        .name = "group", .kind = ARG_INT, .min = 0, .max = 1000,                                   \
        .help = "group to take, 0 for the whole match; the first one, if any, when not given"      \
    }
#define IGNORE_CASE                                                                                \
    {                                                                                              \
        .name = "ignore_case", .kind = ARG_BOOL, .fallback = "false",                              \
        .help = "capitals and small letters match each other"                                      \
    }

static const struct arg regex_args[] = {COLUMNS,      PATTERN,        GROUP,         IGNORE_CASE,
                                        ROWWISE_INTO, ROWWISE_SUFFIX, {.name = NULL}};

static const struct arg between_args[] = {
    COLUMNS,
    {.name = "left", .kind = ARG_TEXT, .required = true, .help = "delimiter before the part"},
    {.name = "right", .kind = ARG_TEXT, .required = true, .help = "delimiter behind the part"},
    {.name = "last",
     .kind = ARG_BOOL,
     .fallback = "false",
     .help = "up to the last right delimiter, not the nearest"},
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
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL}};

static const struct arg find_args[] = {
    COLUMNS,
    {.name = "text", .kind = ARG_TEXT, .required = true, .help = "what to look for, as it stands"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL}};

static const struct arg split_args[] = {
    COLUMNS,
    {.name = "sep", .kind = ARG_TEXT, .fallback = ",", .help = "separator, as it stands"},
    {.name = "max",
     .kind = ARG_INT,
     .min = 0,
     .max = 1e9,
     .help = "cuts at most; the rest stays one item"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL}};

#define POSITIONS "Positions count characters, from 0. "

const struct step_kind steps_edit_find[] = {
    {.name = "extract_regex",
     .not_compiled = NOT_COMPILED_REGEX,
     EDIT,
     .aliases = "extract",
     .summary = "what a regular expression, or a group of it, matches first",
     .details = "Missing where nothing matches, as pandas' str.extract.",
     .args = regex_args,
     .example = {.program = "extract_regex address pattern=\"\\\\b(\\\\d{5})\\\\b\" into=zip",
                 .input = "address\nSpringfield 01101 MA\nnowhere\n",
                 .output = "address,zip\nSpringfield 01101 MA,01101\nnowhere,\n"},
     ROWWISE_MAP(.column = extract_regex, .prepare = prepare_regex, .release = wanted_free)},
    {.name = "extract_all",
     .not_compiled = NOT_COMPILED_REGEX,
     EDIT,
     .aliases = "findall",
     .summary = "all matches of a regular expression as a JSON list",
     .details = "An empty list where nothing matches.",
     .args = regex_args,
     .example = {.program = "extract_all tags pattern=\"#(\\\\w+)\"",
                 .input = "tags\n#red and #blue\nnone\n",
                 .output = "tags\n\"[\"\"red\"\",\"\"blue\"\"]\"\n[]\n"},
     ROWWISE_MAP(.to = TYPE_JSON, .column = extract_all, .prepare = prepare_regex,
                 .release = wanted_free)},
    {.name = "extract_between",
     EDIT,
     .summary = "what stands between two delimiters",
     .details =
         "From the first left delimiter to the nearest right one behind it; last goes to the "
         "last one. Missing without such a pair.",
     .args = between_args,
     .example = {.program = "extract_between log left=\"[\" right=\"]\" into=level",
                 .input = "log\n[warn] disk\nok\n",
                 .output = "log,level\n[warn] disk,warn\nok,\n"},
     ROWWISE_MAP(.text = extract_between, .lower = lower_between, .prepare = prepare_between,
                 .release = wanted_free)},
    {.name = "extract_position",
     EDIT,
     .aliases = "substring",
     .summary = "the characters from one position to another",
     .details = POSITIONS "Negative ones count from the end; end is excluded: Python's slices.",
     .args = position_args,
     .example = {.program = "extract_position day end=4 into=year",
                 .input = "day\n2001-03-15\n",
                 .output = "day,year\n2001-03-15,2001\n"},
     ROWWISE_MAP(.text = extract_position, .lower = lower_position, .prepare = prepare_position,
                 .release = wanted_free)},
    {.name = "find_first",
     EDIT,
     .aliases = "find_left",
     .summary = "position of the first occurrence of a text, -1 when there is none",
     .details = POSITIONS,
     .args = find_args,
     .example = {.program = "find_first name text=a",
                 .input = "name\nbanana\nkiwi\n",
                 .output = "name\n1\n-1\n"},
     ROWWISE_MAP(.to = TYPE_INT, .column = find_first, .lower = lower_first,
                 .prepare = prepare_text, .release = wanted_free)},
    {.name = "find_last",
     EDIT,
     .aliases = "find_right",
     .summary = "position of the last occurrence of a text, -1 when there is none",
     .details = POSITIONS,
     .args = find_args,
     .example = {.program = "find_last name text=a",
                 .input = "name\nbanana\nkiwi\n",
                 .output = "name\n5\n-1\n"},
     ROWWISE_MAP(.to = TYPE_INT, .column = find_last, .lower = lower_last, .prepare = prepare_text,
                 .release = wanted_free)},
    {.name = "find_all",
     .not_compiled = NOT_COMPILED_JSON,
     EDIT,
     .summary = "positions of all occurrences of a text as a JSON list",
     .details = POSITIONS "Occurrences do not overlap.",
     .args = find_args,
     .example = {.program = "find_all name text=an",
                 .input = "name\nbanana\nkiwi\n",
                 .output = "name\n\"[1,3]\"\n[]\n"},
     ROWWISE_MAP(.to = TYPE_JSON, .text = find_all, .prepare = prepare_text,
                 .release = wanted_free)},
    {.name = "split_string",
     .not_compiled = NOT_COMPILED_JSON,
     EDIT,
     .summary = "split at a separator into a JSON list",
     .details = "split_column makes columns instead, explode rows.",
     .args = split_args,
     .example = {.program = "split_string path sep=/ max=1",
                 .input = "path\na/b/c\nd\n",
                 .output = "path\n\"[\"\"a\"\",\"\"b/c\"\"]\"\n\"[\"\"d\"\"]\"\n"},
     ROWWISE_MAP(.to = TYPE_JSON, .text = split_string, .prepare = prepare_split,
                 .release = wanted_free)},
    {.name = NULL},
};
