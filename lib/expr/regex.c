/* PCRE2 behind the few calls we need. Patterns are UTF; text that is not valid UTF-8 is searched
 * around its bad bytes (PCRE2_MATCH_INVALID_UTF), without JIT: there \D, \S and \W pass over every
 * character beyond ASCII (seen in PCRE2 10.42). */
#include "expr/expr.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Steps a search may take before it is given up:
 * keeps a pathological pattern from hanging the run. */
enum { MATCH_LIMIT = 1000000, JIT_STACK_MIN = 32 << 10, JIT_STACK_MAX = 1 << 20 };

struct regex {
    pcre2_code *code;    /* for valid UTF-8 */
    pcre2_code *lenient; /* for anything else */
    bool jit;
    uint32_t groups;
    const char **names; /* groups + 1 items, owned with their texts */
};

struct regex_match {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    struct text subject;
    bool valid;     /* the subject is UTF-8 */
    uint32_t count; /* groups set by the last search, 0: it failed */
    bool gave_up;
};

static const char nothing[1] = "";

static const char *start_of(struct text s)
{
    return s.at ? s.at : nothing;
}

static void read_names(struct regex *r)
{
    uint32_t count = 0, size = 0;
    PCRE2_SPTR table = NULL;
    r->names = mem_array(NULL, (size_t)r->groups + 1, sizeof *r->names);
    memset(r->names, 0, ((size_t)r->groups + 1) * sizeof *r->names);
    pcre2_pattern_info(r->code, PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(r->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(r->code, PCRE2_INFO_NAMETABLE, &table);
    for (uint32_t i = 0; i < count; i++) {
        PCRE2_SPTR entry = table + (size_t)i * size;
        size_t group = (size_t)entry[0] << 8 | entry[1];
        if (group <= r->groups)
            r->names[group] = (const char *)entry + 2;
    }
}

int regex_compile(const char *pattern, size_t n, bool ignore_case, struct regex **out,
                  struct error *e)
{
    uint32_t options = PCRE2_UTF | (ignore_case ? PCRE2_CASELESS : 0);
    int code = 0;
    PCRE2_SIZE at = 0;
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)pattern, n, options, &code, &at, NULL);
    if (!compiled) {
        PCRE2_UCHAR reason[160] = "";
        pcre2_get_error_message(code, reason, sizeof reason);
        char quoted[QUOTE_MAX];
        return error_set(e, ERR_USAGE, "pattern %s: %s at byte %zu", quote(quoted, pattern, n),
                         (const char *)reason, (size_t)at + 1);
    }
    struct regex *r = mem_alloc(sizeof *r);
    r->code = compiled;
    r->jit = pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE) == 0; /* else slower, not wrong */
    options |= PCRE2_MATCH_INVALID_UTF;
    r->lenient = pcre2_compile((PCRE2_SPTR)pattern, n, options, &code, &at, NULL);
    if (!r->lenient)
        mem_fail(n);
    pcre2_pattern_info(compiled, PCRE2_INFO_CAPTURECOUNT, &r->groups);
    read_names(r);
    *out = r;
    return 0;
}

void regex_free(struct regex *r)
{
    if (!r)
        return;
    pcre2_code_free(r->code);
    pcre2_code_free(r->lenient);
    mem_free(r->names);
    mem_free(r);
}

struct regex_match *regex_match_new(const struct regex *r)
{
    struct regex_match *m = mem_alloc(sizeof *m);
    m->data = pcre2_match_data_create_from_pattern(r->code, NULL);
    m->context = pcre2_match_context_create(NULL);
    if (!m->data || !m->context)
        mem_fail(sizeof *m);
    pcre2_set_match_limit(m->context, MATCH_LIMIT);
    return m;
}

void regex_match_free(struct regex_match *m)
{
    if (!m)
        return;
    pcre2_match_data_free(m->data);
    pcre2_match_context_free(m->context);
    pcre2_jit_stack_free(m->stack);
    mem_free(m);
}

/* The first time the machine stack is too small a larger one is made and kept. */
static bool grow_stack(struct regex_match *m)
{
    if (m->stack)
        return false;
    m->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
    if (!m->stack)
        return false;
    pcre2_jit_stack_assign(m->context, NULL, m->stack);
    return true;
}

static int match(const struct regex *r, struct regex_match *m, struct text s, size_t from)
{
    PCRE2_SPTR subject = (PCRE2_SPTR)start_of(s);
    if (!m->valid)
        return pcre2_match(r->lenient, subject, s.len, from, 0, m->data, m->context);
    if (r->jit)
        return pcre2_jit_match(r->code, subject, s.len, from, 0, m->data, m->context);
    return pcre2_match(r->code, subject, s.len, from, PCRE2_NO_UTF_CHECK, m->data, m->context);
}

bool regex_search(const struct regex *r, struct regex_match *m, struct text s, size_t from)
{
    /* Further searches of a subject, from its middle, need not look whether it is UTF-8. */
    if (from == 0 || m->subject.at != s.at || m->subject.len != s.len)
        m->valid = utf8_valid_prefix(start_of(s), s.len) == s.len;
    m->subject = s;
    int found;
    do {
        found = match(r, m, s, from);
    } while (found == PCRE2_ERROR_JIT_STACKLIMIT && grow_stack(m));
    m->gave_up = found < 0 && found != PCRE2_ERROR_NOMATCH;
    m->count = found > 0 ? (uint32_t)found : 0;
    return found > 0;
}

bool regex_gave_up(const struct regex_match *m)
{
    return m->gave_up;
}

struct text regex_group(const struct regex_match *m, size_t k)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m->data);
    if (k >= m->count || at[2 * k] == PCRE2_UNSET || at[2 * k + 1] < at[2 * k])
        return (struct text){NULL, 0};
    const char *base = start_of(m->subject);
    return (struct text){base + at[2 * k], at[2 * k + 1] - at[2 * k]};
}

size_t regex_groups(const struct regex *r)
{
    return r->groups;
}

const char *regex_group_name(const struct regex *r, size_t k)
{
    return k <= r->groups ? r->names[k] : NULL;
}

bool regex_next(const struct regex *r, struct regex_match *m, struct text s, size_t *from)
{
    if (*from > s.len)
        return false;
    if (!regex_search(r, m, s, *from)) {
        *from = s.len + 1;
        return false;
    }
    struct text whole = regex_group(m, 0);
    const char *base = start_of(s);
    size_t end = (size_t)(whole.at - base) + whole.len;
    if (whole.len == 0)
        end += end < s.len ? utf8_offset(base + end, s.len - end, 1) : 1;
    *from = end > *from ? end : *from + 1; /* \K can make a match end before its start */
    return true;
}

static size_t group_named(const struct regex *r, struct text name)
{
    size_t number = 0;
    bool digits = name.len > 0 && name.len < 6;
    for (size_t i = 0; i < name.len && digits; i++) {
        digits = name.at[i] >= '0' && name.at[i] <= '9';
        number = number * 10 + (size_t)(name.at[i] - '0');
    }
    if (digits)
        return number;
    for (size_t k = 1; k <= r->groups; k++)
        if (r->names[k] && text_equal(text_of(r->names[k]), name))
            return k;
    return SIZE_MAX;
}

/* A reference ($1 ${name} \1) at the start of t: its length, 0 when it is none. */
static size_t reference(struct text t, struct text *name)
{
    if (t.len < 2)
        return 0;
    if (t.at[0] == '$' && t.at[1] == '{') {
        const char *end = memchr(t.at, '}', t.len);
        if (!end)
            return 0;
        *name = (struct text){t.at + 2, (size_t)(end - t.at) - 2};
        return name->len + 3;
    }
    size_t n = 1;
    while (n < t.len && n < 3 && t.at[n] >= '0' && t.at[n] <= '9')
        n++;
    *name = (struct text){t.at + 1, n - 1};
    return n > 1 ? n : 0;
}

static void put_replacement(const struct regex *r, const struct regex_match *m, struct text with,
                            struct buf *out)
{
    for (size_t i = 0; i < with.len;) {
        struct text rest = {with.at + i, with.len - i}, name = {NULL, 0};
        bool mark = rest.at[0] == '$' || rest.at[0] == '\\';
        size_t n = mark ? reference(rest, &name) : 0;
        if (n > 0) {
            struct text group = regex_group(m, group_named(r, name));
            buf_add(out, group.at, group.len);
            i += n;
            continue;
        }
        buf_putc(out, rest.at[0]);
        i += mark && rest.len > 1 && rest.at[1] == rest.at[0] ? 2 : 1; /* $$ and \\ */
    }
}

void regex_replace(const struct regex *r, struct regex_match *m, struct text s, struct text with,
                   bool all, struct buf *out)
{
    size_t from = 0, copied = 0;
    while (regex_next(r, m, s, &from)) {
        struct text whole = regex_group(m, 0);
        size_t start = (size_t)(whole.at - start_of(s));
        if (start < copied)
            continue;
        buf_add(out, s.at + copied, start - copied);
        put_replacement(r, m, with, out);
        copied = start + whole.len;
        if (!all)
            break;
    }
    if (s.len > copied)
        buf_add(out, s.at + copied, s.len - copied);
}
