/* Validate: checks of single cells. Those of letters mean what Python's str methods of the name
 * mean. */
#include "prep/verdict.h"
#include "runtime/program_form.h"
#include "steps/letters.h"
#include "steps/steps.h"

/* Not empty, and every character so. */
static bool all_are(struct text cell, bool (*so)(uint32_t))
{
    uint32_t c;
    if (cell.len == 0)
        return false;
    while (text_next(&cell, &c))
        if (!so(c))
            return false;
    return true;
}

static bool test_alnum(struct mapping *m, struct text cell)
{
    (void)m;
    return all_are(cell, letter_is_alnum);
}

static bool test_alpha(struct mapping *m, struct text cell)
{
    (void)m;
    return all_are(cell, letter_is_alpha);
}

static bool test_digit(struct mapping *m, struct text cell)
{
    (void)m;
    return all_are(cell, letter_is_digit);
}

static bool test_decimal(struct mapping *m, struct text cell)
{
    (void)m;
    return all_are(cell, letter_is_decimal);
}

static bool test_numeric(struct mapping *m, struct text cell)
{
    (void)m;
    return all_are(cell, letter_is_numeric);
}

static bool test_space(struct mapping *m, struct text cell)
{
    (void)m;
    return all_are(cell, letter_is_space);
}

/* At least one letter of that case and none of another. */
static bool one_case(struct text cell, bool (*wanted)(uint32_t))
{
    uint32_t c;
    bool seen = false;
    while (text_next(&cell, &c)) {
        if (letter_is_cased(c) && !wanted(c))
            return false;
        seen = seen || wanted(c);
    }
    return seen;
}

static bool test_lower(struct mapping *m, struct text cell)
{
    (void)m;
    return one_case(cell, letter_is_lower);
}

static bool test_upper(struct mapping *m, struct text cell)
{
    (void)m;
    return one_case(cell, letter_is_upper);
}

/* Capitals only behind what has no case, small letters only behind what has one. */
static bool test_title(struct mapping *m, struct text cell)
{
    (void)m;
    uint32_t c;
    bool seen = false, inside = false;
    while (text_next(&cell, &c)) {
        bool capital = letter_is_upper(c) || letter_is_title(c), cased = letter_is_cased(c);
        if (cased && capital == inside)
            return false;
        inside = cased;
        seen = seen || cased;
    }
    return seen;
}

static bool test_length(struct mapping *m, struct text cell)
{
    double length = (double)utf8_length(cell.at, cell.len);
    return !(length < m->parameters[0] || length > m->parameters[1]);
}

static int prepare_bounds(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    if (!arg_given(s, "min") && !arg_given(s, "max"))
        return step_error(s, e, "give min, max or both");
    return 0;
}

static bool test_prefix(struct mapping *m, struct text cell)
{
    struct text wanted = arg_text(m->step, "text");
    return cell.len >= wanted.len && memcmp(cell.at, wanted.at, wanted.len) == 0;
}

static bool test_suffix(struct mapping *m, struct text cell)
{
    struct text wanted = arg_text(m->step, "text");
    return cell.len >= wanted.len &&
           memcmp(cell.at + cell.len - wanted.len, wanted.at, wanted.len) == 0;
}

static struct ml_text plain(struct text t)
{
    return (struct ml_text){t.at, t.len};
}

static bool test_email(struct mapping *m, struct text cell)
{
    (void)m;
    return ml_form_email(plain(cell));
}

static bool test_url(struct mapping *m, struct text cell)
{
    (void)m;
    return ml_form_url(plain(cell));
}

static bool test_ip(struct mapping *m, struct text cell)
{
    static bool (*const tests[])(struct ml_text) = {ml_form_ip, ml_form_ip4, ml_form_ip6};
    return tests[arg_choice(m->step, "version")](plain(cell));
}

static bool test_uuid(struct mapping *m, struct text cell)
{
    (void)m;
    return ml_form_uuid(plain(cell));
}

static bool test_iso_date(struct mapping *m, struct text cell)
{
    (void)m;
    usec t;
    bool has_offset;
    return time_parse(cell.at, cell.len, &t, &has_offset);
}

static int prepare_set(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    (void)e;
    struct map *set = mem_alloc(sizeof *set);
    struct text *items;
    size_t count = arg_list(s, "values", &items);
    for (size_t i = 0; i < count; i++)
        (void)map_put(set, items[i], NULL);
    rowwise_plan(s)->own = set;
    return 0;
}

static void set_free(void *own)
{
    map_release(own);
    mem_free(own);
}

static bool test_set(struct mapping *m, struct text cell)
{
    return map_get(m->own, cell) != MAP_NONE;
}

/* Text that is no number is outside every range. */
static bool test_range(struct mapping *m, struct text cell)
{
    double x;
    return number_parse_double(cell.at, cell.len, &x) &&
           !(x < m->parameters[0] || x > m->parameters[1]);
}

static int test_present(struct mapping *m)
{
    for (size_t r = 0; r < m->rows; r++)
        m->out->flag[r] = m->in->text[r].at != NULL;
    return 0;
}

static uint32_t negated(struct lower_map *m, uint32_t reg)
{
    return lower_op(m->to, ML_OP_not, reg, 0, 0);
}

static int lower_form(struct lower_map *m, enum ml_form_code form)
{
    m->out[0] = lower_op(m->to, ML_OP_has_form, m->in[0], form, 0);
    return 0;
}

static int lower_email(struct lower_map *m)
{
    return lower_form(m, ML_FORM_email);
}

static int lower_url(struct lower_map *m)
{
    return lower_form(m, ML_FORM_url);
}

static int lower_ip(struct lower_map *m)
{
    static const enum ml_form_code forms[] = {ML_FORM_ip, ML_FORM_ip4, ML_FORM_ip6};
    return lower_form(m, forms[arg_choice(m->step, "version")]);
}

static int lower_uuid(struct lower_map *m)
{
    return lower_form(m, ML_FORM_uuid);
}

static int lower_all(struct lower_map *m, bool (*so)(uint32_t))
{
    m->out[0] = lower_op(m->to, ML_OP_all_characters, m->in[0], lower_characters(m->to, so), 0);
    return 0;
}

static int lower_alnum(struct lower_map *m)
{
    return lower_all(m, letter_is_alnum);
}

static int lower_alpha(struct lower_map *m)
{
    return lower_all(m, letter_is_alpha);
}

static int lower_digit(struct lower_map *m)
{
    return lower_all(m, letter_is_digit);
}

static int lower_decimal(struct lower_map *m)
{
    return lower_all(m, letter_is_decimal);
}

static int lower_numeric(struct lower_map *m)
{
    return lower_all(m, letter_is_numeric);
}

static int lower_space(struct lower_map *m)
{
    return lower_all(m, letter_is_space);
}

static bool is_not_lower(uint32_t c)
{
    return letter_is_cased(c) && !letter_is_lower(c);
}

static bool is_not_upper(uint32_t c)
{
    return letter_is_cased(c) && !letter_is_upper(c);
}

static bool is_capital(uint32_t c)
{
    return letter_is_upper(c) || letter_is_title(c);
}

static bool is_small(uint32_t c)
{
    return letter_is_cased(c) && !is_capital(c);
}

static int lower_cased(struct lower_map *m, bool (*wanted)(uint32_t), bool (*other)(uint32_t),
                       bool titled)
{
    struct lowering *l = m->to;
    m->out[0] = lower_register(l, ML_BOOL);
    lower_op_to(l, ML_OP_cased, titled, m->out[0], m->in[0], lower_characters(l, wanted),
                lower_characters(l, other));
    return 0;
}

static int lower_is_lower(struct lower_map *m)
{
    return lower_cased(m, letter_is_lower, is_not_lower, false);
}

static int lower_is_upper(struct lower_map *m)
{
    return lower_cased(m, letter_is_upper, is_not_upper, false);
}

static int lower_is_title(struct lower_map *m)
{
    return lower_cased(m, is_capital, is_small, true);
}

static int lower_iso_date(struct lower_map *m)
{
    m->out[0] = lower_reads(m->to, m->in[0], lower_time_if(m->to, m->in[0]));
    return 0;
}

static int lower_length(struct lower_map *m)
{
    struct lowering *l = m->to;
    uint32_t length = lower_op(l, ML_OP_text_length, m->in[0], 0, 0);
    uint32_t number = lower_op(l, ML_OP_float_of_int, length, 0, 0);
    m->out[0] = negated(m, lower_op(l, ML_OP_beyond, number, lower_range(l, m->parameters, 2), 0));
    return 0;
}

static int lower_end(struct lower_map *m, uint32_t which)
{
    uint32_t wanted =
        lower_op(m->to, ML_OP_set_text, lower_text(m->to, arg_text(m->step, "text")), 0, 0);
    m->out[0] = lower_op(m->to, ML_OP_text_has, m->in[0], wanted, which);
    return 0;
}

static int lower_prefix(struct lower_map *m)
{
    return lower_end(m, 0);
}

static int lower_suffix(struct lower_map *m)
{
    return lower_end(m, 1);
}

static int lower_set_of(struct lower_map *m)
{
    const struct map *set = m->own;
    uint32_t map = lower_map(m->to, set->keys.at, set->keys.len);
    m->out[0] = lower_op(m->to, ML_OP_in_texts, m->in[0], map, 0);
    return 0;
}

/* Text that is no number reads as missing, which is then made wrong. */
static int lower_range_of(struct lower_map *m)
{
    struct lowering *l = m->to;
    uint32_t number = lower_register(l, ML_FLOAT);
    lower_op_to(l, ML_OP_float_of_text, ML_ELSE_MISSING, number, m->in[0], 0, 0);
    uint32_t reads = lower_reads(l, m->in[0], number);
    uint32_t beyond = lower_op(l, ML_OP_beyond, number, lower_range(l, m->parameters, 2), 0);
    m->out[0] = lower_op(l, ML_OP_kleene, reads, negated(m, beyond), 0);
    return 0;
}

static int lower_present(struct lower_map *m)
{
    m->out[0] = lower_op(m->to, ML_OP_is_missing, m->in[0], 0, 0);
    return 0;
}

static const char *const bound_parameters[] = {"min", "max", NULL};

#define COLUMNS ROWWISE_COLUMNS("columns to check")
#define RESULT                                                                                     \
    VERDICT_ACTION("flag"), ROWWISE_INTO, ROWWISE_SUFFIX,                                          \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const struct arg plain_args[] = {COLUMNS, RESULT};
static const struct arg length_args[] = {
    COLUMNS,
    {.name = "min", .kind = ARG_INT, .help = "fewest characters"},
    {.name = "max", .kind = ARG_INT, .help = "most characters"},
    RESULT};
static const struct arg text_args[] = {
    COLUMNS,
    {.name = "text", .kind = ARG_TEXT, .required = true, .help = "text that must stand there"},
    RESULT};
static const struct arg ip_args[] = {COLUMNS,
                                     {.name = "version",
                                      .kind = ARG_CHOICE,
                                      .fallback = "any",
                                      .choices = "any 4 6",
                                      .help = "of the protocol"},
                                     RESULT};
static const struct arg set_args[] = {
    COLUMNS,
    {.name = "values", .kind = ARG_LIST, .required = true, .help = "the allowed values: a,b,c"},
    RESULT};
static const struct arg range_args[] = {
    COLUMNS,
    {.name = "min", .kind = ARG_NUMBER, .help = "smallest allowed value"},
    {.name = "max", .kind = ARG_NUMBER, .help = "largest allowed value"},
    RESULT};

#define CHECK     .family = "validate", .class = "S", VERDICT_HOOKS
#define TEST(...) ROWWISE_MAP(.to = TYPE_BOOL, __VA_ARGS__)
#define PYTHON    "As Python's str method of that name: the empty text is false. "
#define MISSING   "A missing cell gives missing and is never wrong (see not_null). "

const struct step_kind steps_validate[] = {
    {.name = "is_length",
     CHECK,
     .summary = "number of characters within bounds",
     .details = MISSING,
     .args = length_args,
     .example = {.program = "is_length code min=2 max=3",
                 .input = "code\nab\nabcd\n",
                 .output = "code,code_is_length\nab,true\nabcd,false\n"},
     TEST(.test = test_length, .lower = lower_length, .suffix = "_is_length",
          .domain = "of the required length", .parameters = bound_parameters,
          .prepare = prepare_bounds)},
    {.name = "is_prefix",
     CHECK,
     .aliases = "starts_with",
     .summary = "begins with a text",
     .details = MISSING,
     .args = text_args,
     .example = {.program = "is_prefix id text=US- action=drop",
                 .input = "id\nUS-1\nUK-2\n",
                 .output = "id\nUS-1\n"},
     TEST(.test = test_prefix, .lower = lower_prefix, .suffix = "_is_prefix",
          .domain = "a text that begins so")},
    {.name = "is_suffix",
     CHECK,
     .aliases = "ends_with",
     .summary = "ends with a text",
     .details = MISSING,
     .args = text_args,
     .example = {.program = "is_suffix file text=.csv",
                 .input = "file\na.csv\nb.txt\n",
                 .output = "file,file_is_suffix\na.csv,true\nb.txt,false\n"},
     TEST(.test = test_suffix, .lower = lower_suffix, .suffix = "_is_suffix",
          .domain = "a text that ends so")},
    {.name = "is_alnum",
     CHECK,
     .summary = "letters and digits only",
     .details = PYTHON MISSING,
     .args = plain_args,
     .example = {.program = "is_alnum id",
                 .input = "id\nab12\na-1\n\n",
                 .output = "id,id_is_alnum\nab12,true\na-1,false\n,\n"},
     TEST(.test = test_alnum, .lower = lower_alnum, .suffix = "_is_alnum",
          .domain = "letters and digits")},
    {.name = "is_alpha",
     CHECK,
     .summary = "letters only",
     .details = PYTHON MISSING,
     .args = plain_args,
     .example = {.program = "is_alpha id",
                 .input = "id\nÉtat\nab1\n",
                 .output = "id,id_is_alpha\nÉtat,true\nab1,false\n"},
     TEST(.test = test_alpha, .lower = lower_alpha, .suffix = "_is_alpha", .domain = "letters")},
    {.name = "is_digit",
     CHECK,
     .summary = "digits only, superscripts among them",
     .details = PYTHON MISSING,
     .args = plain_args,
     .example = {.program = "is_digit id",
                 .input = "id\n12\n1²\n1.5\n",
                 .output = "id,id_is_digit\n12,true\n1²,true\n1.5,false\n"},
     TEST(.test = test_digit, .lower = lower_digit, .suffix = "_is_digit", .domain = "digits")},
    {.name = "is_space",
     CHECK,
     .summary = "white space only",
     .details = PYTHON MISSING,
     .args = plain_args,
     .example = {.program = "is_space x",
                 .input = "x\n\"  \"\n\"\"\na b\n",
                 .output = "x,x_is_space\n\"  \",true\n\"\",false\na b,false\n"},
     TEST(.test = test_space, .lower = lower_space, .suffix = "_is_space",
          .domain = "white space")},
    {.name = "is_title",
     CHECK,
     .summary = "every word begins with a capital and goes on in small letters",
     .details = PYTHON MISSING,
     .args = plain_args,
     .example = {.program = "is_title x",
                 .input = "x\nAda-King\nAda-king\n",
                 .output = "x,x_is_title\nAda-King,true\nAda-king,false\n"},
     TEST(.test = test_title, .lower = lower_is_title, .suffix = "_is_title",
          .domain = "in title case")},
    {.name = "is_lower",
     CHECK,
     .summary = "letters, all of them small",
     .details = PYTHON MISSING,
     .args = plain_args,
     .example = {.program = "is_lower x",
                 .input = "x\nab-1\nAb\n12\n",
                 .output = "x,x_is_lower\nab-1,true\nAb,false\n12,false\n"},
     TEST(.test = test_lower, .lower = lower_is_lower, .suffix = "_is_lower",
          .domain = "in lower case")},
    {.name = "is_upper",
     CHECK,
     .summary = "letters, all of them capitals",
     .details = PYTHON MISSING,
     .args = plain_args,
     .example = {.program = "is_upper x",
                 .input = "x\nAB-1\nAb\n12\n",
                 .output = "x,x_is_upper\nAB-1,true\nAb,false\n12,false\n"},
     TEST(.test = test_upper, .lower = lower_is_upper, .suffix = "_is_upper",
          .domain = "in upper case")},
    {.name = "is_numeric",
     CHECK,
     .summary = "numerals only: digits, fractions, Roman and Chinese numerals",
     .details = PYTHON MISSING "A sign or a point is not numeric: in_range checks for numbers.",
     .args = plain_args,
     .example = {.program = "is_numeric x",
                 .input = "x\n12\n½\n-1\n",
                 .output = "x,x_is_numeric\n12,true\n½,true\n-1,false\n"},
     TEST(.test = test_numeric, .lower = lower_numeric, .suffix = "_is_numeric",
          .domain = "numerals")},
    {.name = "is_decimal",
     CHECK,
     .summary = "decimal digits only, of any script",
     .details = PYTHON MISSING,
     .args = plain_args,
     .example = {.program = "is_decimal x",
                 .input = "x\n12\n1²\n",
                 .output = "x,x_is_decimal\n12,true\n1²,false\n"},
     TEST(.test = test_decimal, .lower = lower_decimal, .suffix = "_is_decimal",
          .domain = "decimal digits")},
    {.name = "is_email",
     CHECK,
     .summary = "form of an e-mail address",
     .details = "What HTML's input of type email accepts: no quoted names, no comments. " MISSING,
     .args = plain_args,
     .example = {.program = "is_email x",
                 .input = "x\nada@example.org\nada@\n",
                 .output = "x,x_is_email\nada@example.org,true\nada@,false\n"},
     TEST(.test = test_email, .lower = lower_email, .suffix = "_is_email",
          .domain = "an e-mail address")},
    {.name = "is_url",
     CHECK,
     .summary = "absolute address: http, https, ftp, ftps, ws or wss, and a host",
     .details = "Host: a name, an IPv4 address or an IPv6 address in brackets. " MISSING,
     .args = plain_args,
     .example = {.program = "is_url x",
                 .input = "x\nhttps://example.org/a?b\nexample.org\n",
                 .output = "x,x_is_url\nhttps://example.org/a?b,true\nexample.org,false\n"},
     TEST(.test = test_url, .lower = lower_url, .suffix = "_is_url",
          .domain = "an absolute address")},
    {.name = "is_ip",
     CHECK,
     .summary = "IPv4 or IPv6 address",
     .details = MISSING,
     .args = ip_args,
     .example = {.program = "is_ip x",
                 .input = "x\n10.0.0.1\n::1\n10.0.0.256\n",
                 .output = "x,x_is_ip\n10.0.0.1,true\n::1,true\n10.0.0.256,false\n"},
     TEST(.test = test_ip, .lower = lower_ip, .suffix = "_is_ip", .domain = "an IP address")},
    {.name = "is_uuid",
     CHECK,
     .summary = "UUID in the usual form of 36 characters",
     .details = MISSING,
     .args = plain_args,
     .example = {.program = "is_uuid x",
                 .input = "x\n6ba7b810-9dad-11d1-80b4-00c04fd430c8\n6ba7b810\n",
                 .output =
                     "x,x_is_uuid\n6ba7b810-9dad-11d1-80b4-00c04fd430c8,true\n6ba7b810,false\n"},
     TEST(.test = test_uuid, .lower = lower_uuid, .suffix = "_is_uuid", .domain = "a UUID")},
    {.name = "is_iso_date",
     CHECK,
     .summary = "date or time as in RFC 3339, that exists",
     .details = "A date alone, or with a time; the offset may be absent. " MISSING,
     .args = plain_args,
     .example = {.program = "is_iso_date x",
                 .input = "x\n2024-02-29\n2023-02-29\n29.02.2024\n",
                 .output =
                     "x,x_is_iso_date\n2024-02-29,true\n2023-02-29,false\n29.02.2024,false\n"},
     TEST(.test = test_iso_date, .lower = lower_iso_date, .suffix = "_is_iso_date",
          .domain = "a date")},
    {.name = "in_set",
     CHECK,
     .summary = "one of a list of values",
     .details = "Values compare as text. " MISSING,
     .args = set_args,
     .example = {.program = "in_set size values=S,M,L action=drop",
                 .input = "size\nM\nXL\n\n",
                 .output = "size\nM\n\n"},
     TEST(.test = test_set, .lower = lower_set_of, .suffix = "_in_set",
          .domain = "one of the allowed values", .prepare = prepare_set, .release = set_free)},
    {.name = "in_range",
     CHECK,
     .summary = "number within bounds, both included",
     .details = "Text that is no number is wrong. " MISSING,
     .args = range_args,
     .example = {.program = "in_range age min=0 max=120",
                 .input = "age\n37\n-1\nold\n\n",
                 .output = "age,age_in_range\n37,true\n-1,false\nold,false\n,\n"},
     TEST(.test = test_range, .lower = lower_range_of, .suffix = "_in_range",
          .domain = "a number within the bounds", .parameters = bound_parameters,
          .prepare = prepare_bounds)},
    {.name = "not_null",
     CHECK,
     .aliases = "not_missing",
     .summary = "holds a value",
     .args = plain_args,
     .example = {.program = "not_null id action=drop",
                 .input = "id,x\n1,a\n,b\n",
                 .output = "id,x\n1,a\n"},
     TEST(.column = test_present, .lower = lower_present, .suffix = "_not_null",
          .domain = "a value")},
    {.name = NULL},
};
