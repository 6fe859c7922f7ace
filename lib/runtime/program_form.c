/* Operations of row programs: what texts look like. */
#include "runtime/program_form.h"

#include "runtime/program_machine.h"

static bool ml_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool ml_is_ascii_alnum(char c)
{
    return ml_is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* The value of a hexadecimal digit, or -1. */
static int ml_hex(char c)
{
    char low = c | 0x20;
    return ml_is_digit(c) ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static bool ml_is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c);
}

/* Labels of letters, digits and inner hyphens, at most 63 each, joined by dots. */
static bool ml_is_host_name(struct ml_text t)
{
    size_t label = 0;
    for (size_t i = 0; i <= t.len; i++) {
        if (i == t.len || t.at[i] == '.') {
            if (label == 0 || label > 63 || t.at[i - 1] == '-')
                return false;
            label = 0;
        } else if (ml_is_ascii_alnum(t.at[i]) || (t.at[i] == '-' && label > 0)) {
            label++;
        } else {
            return false;
        }
    }
    return true;
}

bool ml_form_email(struct ml_text t)
{
    const char *at = memchr(t.at, '@', t.len);
    if (!at || at == t.at)
        return false;
    for (const char *p = t.at; p < at; p++)
        if (!ml_is_ascii_alnum(*p) && !ml_is_one_of(*p, ".!#$%&'*+/=?^_`{|}~-"))
            return false;
    return ml_is_host_name((struct ml_text){at + 1, (size_t)(t.at + t.len - at) - 1});
}

/* Four numbers up to 255 without leading zeros. */
bool ml_form_ip4(struct ml_text t)
{
    size_t i = 0;
    for (int part = 0; part < 4; part++) {
        int value = 0;
        size_t digits = 0;
        if (part > 0 && (i == t.len || t.at[i++] != '.'))
            return false;
        for (; i < t.len && ml_is_digit(t.at[i]) && digits < 4; i++, digits++)
            value = value * 10 + (t.at[i] - '0');
        if (digits == 0 || value > 255 || (digits > 1 && t.at[i - digits] == '0'))
            return false;
    }
    return i == t.len;
}

static struct ml_text ml_behind(struct ml_text t, size_t n)
{
    return (struct ml_text){t.at + n, t.len - n};
}

static bool ml_is_gap(struct ml_text t)
{
    return t.len >= 2 && t.at[0] == ':' && t.at[1] == ':';
}

/* Takes up to four hexadecimal digits off the text, and a colon behind them unless it begins a gap.
 * False: there are none, or something else is behind them. */
static bool ml_take_group(struct ml_text *t)
{
    size_t n = 0;
    while (n < t->len && n < 4 && ml_hex(t->at[n]) >= 0)
        n++;
    *t = ml_behind(*t, n);
    if (n == 0 || t->len == 0 || ml_is_gap(*t))
        return n > 0;
    if (t->len < 2 || t->at[0] != ':')
        return false;
    *t = ml_behind(*t, 1);
    return true;
}

/* Eight groups, :: standing for one of them or more; the last two may be written as version 4. */
bool ml_form_ip6(struct ml_text t)
{
    int groups = 0;
    bool gap = false;
    if (t.len > 0 && t.at[0] == ':' && !ml_is_gap(t))
        return false;
    while (t.len > 0 && groups < 8) {
        if (!gap && ml_is_gap(t)) {
            gap = true;
            t = ml_behind(t, 2);
        } else if (groups <= 6 && ml_form_ip4(t)) {
            groups += 2;
            t.len = 0;
        } else {
            groups++;
            if (!ml_take_group(&t))
                return false;
        }
    }
    return t.len == 0 && (gap ? groups < 8 : groups == 8);
}

bool ml_form_ip(struct ml_text t)
{
    return ml_form_ip4(t) || ml_form_ip6(t);
}

/* The scheme's length when it is one of ours and "://" follows. */
static size_t ml_scheme_length(struct ml_text t)
{
    static const char schemes[][6] = {"https", "http", "ftp", "ftps", "ws", "wss"};
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        size_t n = strlen(schemes[i]), k = 0;
        while (k < n && k < t.len && (t.at[k] | 0x20) == schemes[i][k])
            k++;
        if (k == n && t.len > n + 3 && memcmp(t.at + n, "://", 3) == 0)
            return n;
    }
    return 0;
}

/* A host name or an [address of version 6]; its length, or 0. */
static size_t ml_host_length(struct ml_text t)
{
    bool bracket = t.len > 0 && t.at[0] == '[';
    const char *end = t.len ? memchr(t.at, bracket ? ']' : ':', t.len) : NULL;
    size_t n = end ? (size_t)(end - t.at) : t.len;
    if (bracket)
        return end && ml_form_ip6((struct ml_text){t.at + 1, n - 1}) ? n + 1 : 0;
    return ml_is_host_name((struct ml_text){t.at, n}) ? n : 0;
}

/* host and perhaps :port */
static bool ml_is_authority(struct ml_text t)
{
    size_t host = ml_host_length(t);
    if (host == 0 || (host < t.len && t.at[host] != ':'))
        return false;
    size_t port = host;
    while (port + 1 < t.len && ml_is_digit(t.at[port + 1]))
        port++;
    return host == t.len || (port + 1 == t.len && port - host <= 5);
}

bool ml_form_url(struct ml_text t)
{
    for (size_t i = 0; i < t.len; i++)
        if ((unsigned char)t.at[i] <= ' ' || ml_is_one_of(t.at[i], "<>\"\\^`{|}\x7f"))
            return false;
    size_t scheme = ml_scheme_length(t);
    if (scheme == 0)
        return false;
    struct ml_text rest = {t.at + scheme + 3, t.len - scheme - 3};
    size_t end = 0;
    while (end < rest.len && !ml_is_one_of(rest.at[end], "/?#"))
        end++;
    const char *user = memchr(rest.at, '@', end);
    size_t start = user ? (size_t)(user - rest.at) + 1 : 0;
    return ml_is_authority((struct ml_text){rest.at + start, end - start});
}

bool ml_form_uuid(struct ml_text t)
{
    if (t.len != 36)
        return false;
    for (size_t i = 0; i < t.len; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen ? t.at[i] != '-' : ml_hex(t.at[i]) < 0)
            return false;
    }
    return true;
}

bool ml_form_whole(struct ml_text t)
{
    int64_t i;
    double f;
    return number_parse(t.at, t.len, &i, &f) == NUMBER_INT;
}

bool ml_form_number(struct ml_text t)
{
    int64_t i;
    double f;
    return number_parse(t.at, t.len, &i, &f) != NUMBER_NONE;
}

bool ml_form_truth(struct ml_text t)
{
    const char *word = t.len == 4 ? "true" : "false";
    for (size_t i = 0; i < t.len; i++)
        if (t.len > 5 || (t.at[i] | 0x20) != word[i])
            return false;
    return t.len == 4 || t.len == 5;
}

/* b: enum ml_form_code. */
ML_OPERATION(has_form)
{
#define ML_FORM_AT(name) ml_form_##name,
    static bool (*const forms[])(struct ml_text t) = {ML_FORMS(ML_FORM_AT)};
#undef ML_FORM_AT
    const struct ml_cell *x = &m->r[o->a];
    if (!x->at)
        return ml_give_int(m, o, ML_BOOL_MISSING);
    if (o->b >= ML_FORM_COUNT)
        return -ML_WHY_WRONG;
    return ml_give_int(m, o, forms[o->b]((struct ml_text){x->at, x->len}));
}
