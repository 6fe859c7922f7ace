/* Edit text: white space, padding, what stands at the ends. */
#include "prep/rowwise.h"
#include "steps/letters.h"
#include "steps/steps.h"

/* Characters to take away: the listed ones, or white space. */
struct symbols {
    bool space;
    struct text listed;
};

static int prepare_symbols(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    (void)e;
    struct symbols *y = arena_zero(&s->arena, sizeof *y);
    y->space = !arg_given(s, "symbols");
    if (!y->space)
        y->listed = arg_text(s, "symbols");
    rowwise_plan(s)->own = y;
    return 0;
}

static bool is_symbol(const struct symbols *y, uint32_t c)
{
    if (y->space)
        return letter_is_space(c);
    uint32_t listed;
    for (struct text rest = y->listed; text_next(&rest, &listed);)
        if (c == listed)
            return true;
    return false;
}

static struct text trim_start(struct mapping *m, struct text cell)
{
    uint32_t c;
    for (struct text rest = cell; text_next(&rest, &c) && is_symbol(m->own, c);)
        cell = rest;
    return cell;
}

static struct text trim_end(struct mapping *m, struct text cell)
{
    uint32_t c;
    for (struct text rest = cell; text_last(&rest, &c) && is_symbol(m->own, c);)
        cell = rest;
    return cell;
}

static struct text trim_both(struct mapping *m, struct text cell)
{
    return trim_end(m, trim_start(m, cell));
}

static struct text remove_symbols(struct mapping *m, struct text cell)
{
    uint32_t c;
    for (struct text rest = cell, start = rest; text_next(&rest, &c); start = rest)
        if (!is_symbol(m->own, c))
            buf_add(&m->scratch, start.at, (size_t)(rest.at - start.at));
    if (m->scratch.len < cell.len)
        return mapping_text(m);
    m->scratch.len = 0;
    return cell;
}

static struct text squeeze_space(struct mapping *m, struct text cell)
{
    uint32_t c;
    bool gap = false;
    for (struct text rest = cell, start = rest; text_next(&rest, &c); start = rest) {
        if (letter_is_space(c)) {
            gap = m->scratch.len > 0;
            continue;
        }
        if (gap)
            buf_putc(&m->scratch, ' ');
        gap = false;
        buf_add(&m->scratch, start.at, (size_t)(rest.at - start.at));
    }
    if (cell.len == 0 ||
        (m->scratch.len == cell.len && memcmp(m->scratch.at, cell.at, cell.len) == 0)) {
        m->scratch.len = 0;
        return cell;
    }
    return mapping_text(m);
}

/* The characters as ranges, first and last of each. */
static uint32_t lower_symbols(struct lower_map *m)
{
    const struct symbols *y = m->own;
    VEC(int64_t) ranges = {0};
    uint32_t c;
    if (y->space) {
        struct letter_range r;
        for (size_t i = 0; letter_space_range(i, &r); i++) {
            vec_push(&ranges, r.first);
            vec_push(&ranges, r.last);
        }
    }
    for (struct text rest = y->listed; !y->space && text_next(&rest, &c);) {
        vec_push(&ranges, c);
        vec_push(&ranges, c);
    }
    uint32_t range = lower_range_int(m->to, ranges.at, ranges.len);
    vec_release(&ranges);
    return range;
}

static int lower_trim(struct lower_map *m, uint32_t ends)
{
    m->out[0] = lower_op(m->to, ML_OP_trim, m->in[0], lower_symbols(m), ends);
    return 0;
}

static int lower_trim_start(struct lower_map *m)
{
    return lower_trim(m, 1);
}

static int lower_trim_end(struct lower_map *m)
{
    return lower_trim(m, 2);
}

static int lower_trim_both(struct lower_map *m)
{
    return lower_trim(m, 3);
}

static int lower_remove_symbols(struct lower_map *m)
{
    m->out[0] = lower_op(m->to, ML_OP_squeeze, m->in[0], lower_symbols(m), 0);
    return 0;
}

static int lower_squeeze(struct lower_map *m)
{
    const struct symbols space = {.space = true};
    struct lower_map of_space = *m;
    of_space.own = (void *)(uintptr_t)&space;
    m->out[0] = lower_op(m->to, ML_OP_squeeze, m->in[0], lower_symbols(&of_space), 2);
    return 0;
}

struct padding {
    size_t width;
    struct text fill;
    bool cut;
};

static int prepare_padding(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct padding *p = arena_zero(&s->arena, sizeof *p);
    p->width = (size_t)arg_int(s, "width");
    p->fill = step_has_arg(s, "fill") ? arg_text(s, "fill") : TEXT_LITERAL("0");
    p->cut = arg_bool(s, "cut");
    rowwise_plan(s)->own = p;
    if (utf8_length(p->fill.at, p->fill.len) != 1)
        return step_error(s, e, "fill must be one character");
    return 0;
}

static void put_times(struct buf *out, struct text what, size_t times)
{
    while (times-- > 0)
        buf_add(out, what.at, what.len);
}

static struct text first_characters(struct text cell, size_t n)
{
    return (struct text){cell.at, utf8_offset(cell.at, cell.len, n)};
}

static struct text last_characters(struct text cell, size_t n, size_t length)
{
    size_t skip = utf8_offset(cell.at, cell.len, length - n);
    return (struct text){cell.at + skip, cell.len - skip};
}

static struct text padded(struct mapping *m, struct text cell, size_t left, size_t right)
{
    const struct padding *p = m->own;
    put_times(&m->scratch, p->fill, left);
    buf_add(&m->scratch, cell.at, cell.len);
    put_times(&m->scratch, p->fill, right);
    return mapping_text(m);
}

static struct text pad_left(struct mapping *m, struct text cell)
{
    const struct padding *p = m->own;
    size_t length = utf8_length(cell.at, cell.len);
    if (length >= p->width)
        return p->cut ? last_characters(cell, p->width, length) : cell;
    return padded(m, cell, p->width - length, 0);
}

static struct text pad_right(struct mapping *m, struct text cell)
{
    const struct padding *p = m->own;
    size_t length = utf8_length(cell.at, cell.len);
    if (length >= p->width)
        return p->cut ? first_characters(cell, p->width) : cell;
    return padded(m, cell, 0, p->width - length);
}

/* An odd character of padding goes left when the width is odd, as in Python. */
static struct text pad_center(struct mapping *m, struct text cell)
{
    const struct padding *p = m->own;
    size_t length = utf8_length(cell.at, cell.len);
    if (length >= p->width)
        return p->cut ? first_characters(cell, p->width) : cell;
    size_t missing = p->width - length, left = missing / 2 + (missing & p->width & 1);
    return padded(m, cell, left, missing - left);
}

static struct text fill_zeros(struct mapping *m, struct text cell)
{
    const struct padding *p = m->own;
    size_t length = utf8_length(cell.at, cell.len);
    if (length >= p->width)
        return p->cut ? last_characters(cell, p->width, length) : cell;
    if (length > 0 && (cell.at[0] == '-' || cell.at[0] == '+')) {
        buf_putc(&m->scratch, cell.at[0]);
        cell = (struct text){cell.at + 1, cell.len - 1};
    }
    return padded(m, cell, p->width - length, 0);
}

static int lower_padding(struct lower_map *m, int64_t how)
{
    const struct padding *p = m->own;
    const int64_t numbers[] = {(int64_t)p->width, how, p->cut};
    m->out[0] = lower_op(m->to, ML_OP_pad, m->in[0], lower_range_int(m->to, numbers, 3),
                         lower_text(m->to, p->fill));
    return 0;
}

static int lower_pad_left(struct lower_map *m)
{
    return lower_padding(m, 0);
}

static int lower_pad_right(struct lower_map *m)
{
    return lower_padding(m, 1);
}

static int lower_pad_center(struct lower_map *m)
{
    return lower_padding(m, 2);
}

static int lower_fill_zeros(struct lower_map *m)
{
    return lower_padding(m, 3);
}

static int prepare_ends(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    if (!arg_given(s, "prefix") && !arg_given(s, "suffix"))
        return step_error(s, e, "give prefix, suffix or both");
    return 0;
}

static struct text add_ends(struct mapping *m, struct text cell)
{
    struct text prefix = arg_text(m->step, "prefix"), suffix = arg_text(m->step, "suffix");
    buf_add(&m->scratch, prefix.at, prefix.len);
    buf_add(&m->scratch, cell.at, cell.len);
    buf_add(&m->scratch, suffix.at, suffix.len);
    return mapping_text(m);
}

static int lower_ends(struct lower_map *m)
{
    struct text ends[] = {arg_text(m->step, "prefix"), arg_text(m->step, "suffix")};
    uint32_t parts[3] = {0, m->in[0], 0};
    for (size_t i = 0; i < 2; i++) {
        struct text end = ends[i].at ? ends[i] : TEXT_LITERAL("");
        parts[2 * i] = lower_op(m->to, ML_OP_set_text, lower_text(m->to, end), 0, 0);
    }
    uint32_t none = lower_op(m->to, ML_OP_set_text, lower_text(m->to, TEXT_LITERAL("")), 0, 0);
    m->out[0] = lower_op(m->to, ML_OP_concat, lower_list(m->to, parts, 3), none, 0);
    return 0;
}

#define COLUMNS ROWWISE_COLUMNS("columns of text")
#define CUT                                                                                        \
    {                                                                                              \
        .name = "cut", .kind = ARG_BOOL, .fallback = "false",                                      \
        .help = "also cut longer texts to width"                                                   \
    }
#define WIDTH                                                                                      \
    {                                                                                              \
        .name = "width", .kind = ARG_INT, .min = 0, .max = 1000000, .required = true,              \
        .help = "characters wanted"                                                                \
    }

static const struct arg plain_args[] = {COLUMNS, ROWWISE_INTO, ROWWISE_SUFFIX, {.name = NULL}};

static const struct arg symbol_args[] = {
    COLUMNS,
    {.name = "symbols",
     .kind = ARG_TEXT,
     .help = "characters to take away; white space when not given"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL}};

static const struct arg pad_args[] = {
    COLUMNS,
    WIDTH,
    {.name = "fill", .kind = ARG_TEXT, .fallback = " ", .help = "character to pad with"},
    CUT,
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL}};

static const struct arg zfill_args[] = {COLUMNS,      WIDTH,          CUT,
                                        ROWWISE_INTO, ROWWISE_SUFFIX, {.name = NULL}};

static const struct arg ends_args[] = {
    COLUMNS,
    {.name = "prefix", .kind = ARG_TEXT, .help = "text to put before"},
    {.name = "suffix", .kind = ARG_TEXT, .help = "text to put behind"},
    ROWWISE_INTO,
    {.name = NULL}};

#define EDIT .family = "edit", .class = "S", ROWWISE_HOOKS
#define LENGTHS                                                                                    \
    "Lengths count characters. A longer text is left alone unless cut, which Data Wrangler "       \
    "always does. "

const struct step_kind steps_edit[] = {
    {.name = "trim",
     EDIT,
     .aliases = "strip",
     .summary = "take white space, or given characters, off both ends",
     .details = "White space is Unicode's. symbols= is a set of characters, as in Python's strip.",
     .args = symbol_args,
     .example = {.program = "trim name", .input = "name\n\"  Ada \"\n", .output = "name\nAda\n"},
     ROWWISE_MAP(.text = trim_both, .lower = lower_trim_both, .prepare = prepare_symbols)},
    {.name = "ltrim",
     EDIT,
     .aliases = "lstrip",
     .summary = "take white space, or given characters, off the start",
     .args = symbol_args,
     .example = {.program = "ltrim code symbols=0",
                 .input = "code\n00420\n",
                 .output = "code\n420\n"},
     ROWWISE_MAP(.text = trim_start, .lower = lower_trim_start, .prepare = prepare_symbols)},
    {.name = "rtrim",
     EDIT,
     .aliases = "rstrip",
     .summary = "take white space, or given characters, off the end",
     .args = symbol_args,
     .example = {.program = "rtrim note symbols=\".!\"",
                 .input = "note\nStop!..\n",
                 .output = "note\nStop\n"},
     ROWWISE_MAP(.text = trim_end, .lower = lower_trim_end, .prepare = prepare_symbols)},
    {.name = "squeeze_space",
     EDIT,
     .aliases = "clean_whitespace",
     .summary = "one space for each run of white space, none at the ends",
     .args = plain_args,
     .example = {.program = "squeeze_space name",
                 .input = "name\n\" Ada   King \"\n",
                 .output = "name\nAda King\n"},
     ROWWISE_MAP(.text = squeeze_space, .lower = lower_squeeze)},
    {.name = "pad_left",
     EDIT,
     .aliases = "rjust lpad",
     .summary = "pad on the left to a width",
     .details = LENGTHS "Cutting keeps the last characters.",
     .args = pad_args,
     .example = {.program = "pad_left id width=4 fill=\".\"",
                 .input = "id\nab\nabcde\n",
                 .output = "id\n..ab\nabcde\n"},
     ROWWISE_MAP(.text = pad_left, .lower = lower_pad_left, .prepare = prepare_padding)},
    {.name = "pad_right",
     EDIT,
     .aliases = "ljust rpad",
     .summary = "pad on the right to a width",
     .details = LENGTHS "Cutting keeps the first characters.",
     .args = pad_args,
     .example = {.program = "pad_right id width=4 fill=\".\" cut",
                 .input = "id\nab\nabcde\n",
                 .output = "id\nab..\nabcd\n"},
     ROWWISE_MAP(.text = pad_right, .lower = lower_pad_right, .prepare = prepare_padding)},
    {.name = "pad_center",
     EDIT,
     .aliases = "center",
     .summary = "pad on both sides to a width",
     .details =
         LENGTHS "An odd character goes left when width is odd, as in Python. Cutting keeps the "
                 "first characters.",
     .args = pad_args,
     .example = {.program = "pad_center id width=5 fill=\"*\"",
                 .input = "id\nab\nabc\n",
                 .output = "id\n**ab*\n*abc*\n"},
     ROWWISE_MAP(.text = pad_center, .lower = lower_pad_center, .prepare = prepare_padding)},
    {.name = "zfill",
     EDIT,
     .summary = "pad with zeros on the left, behind a sign",
     .details = LENGTHS "Cutting keeps the last characters.",
     .args = zfill_args,
     .example = {.program = "zfill zip width=5",
                 .input = "zip\n501\n-42\n",
                 .output = "zip\n00501\n-0042\n"},
     ROWWISE_MAP(.text = fill_zeros, .lower = lower_fill_zeros, .prepare = prepare_padding)},
    {.name = "prefix_suffix",
     EDIT,
     .aliases = "add_prefix add_suffix affix",
     .summary = "put a text before, behind, or both",
     .args = ends_args,
     .example = {.program = "prefix_suffix id prefix=\"#\" suffix=\"!\"",
                 .input = "id\n7\n\n",
                 .output = "id\n#7!\n\n"},
     ROWWISE_MAP(.text = add_ends, .lower = lower_ends, .own_suffix = true,
                 .prepare = prepare_ends)},
    {.name = "remove_symbols",
     EDIT,
     .summary = "take given characters away wherever they stand",
     .details = "symbols= is a set of characters; white space when not given, as in Data Wrangler.",
     .args = symbol_args,
     .example = {.program = "remove_symbols phone symbols=\"-() \"",
                 .input = "phone\n(555) 010-99\n",
                 .output = "phone\n55501099\n"},
     ROWWISE_MAP(.text = remove_symbols, .lower = lower_remove_symbols,
                 .prepare = prepare_symbols)},
    {.name = NULL},
};
