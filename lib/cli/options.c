#include "cli/internal.h"

#include <math.h>
#include <stdio.h>

union number {
    int64_t whole; /* OPTION_INT, OPTION_DURATION */
    uint64_t size;
    double real;
};

/* Reads a number in the notation of the option's kind; *as_real is for comparing with its range. */
static bool read_number(enum option_kind kind, const char *p, size_t n, union number *v,
                        double *as_real)
{
    double ignored;
    switch (kind) {
    case OPTION_INT:
        if (number_parse(p, n, &v->whole, &ignored) != NUMBER_INT)
            return false;
        *as_real = (double)v->whole;
        return true;
    case OPTION_SIZE:
        if (!size_parse(p, n, &v->size))
            return false;
        *as_real = (double)v->size;
        return true;
    case OPTION_DURATION:
        if (!duration_parse(p, n, &v->whole))
            return false;
        *as_real = (double)v->whole;
        return true;
    default:
        if (!number_parse_double(p, n, &v->real))
            return false;
        *as_real = v->real;
        return true;
    }
}

static double bound(const struct option *row, const char *p, size_t n, double otherwise)
{
    union number v;
    double real;
    return n > 0 && read_number(row->kind, p, n, &v, &real) ? real : otherwise;
}

static bool in_range(const struct option *row, double value)
{
    const char *dots = row->range ? strstr(row->range, "..") : NULL;
    if (!dots)
        return true;
    const char *upper = dots + 2;
    return value >= bound(row, row->range, (size_t)(dots - row->range), -HUGE_VAL) &&
           value <= bound(row, upper, strlen(upper), HUGE_VAL);
}

static const char *kind_noun(enum option_kind kind)
{
    switch (kind) {
    case OPTION_INT:
        return "an integer";
    case OPTION_SIZE:
        return "a size such as 64M";
    case OPTION_DURATION:
        return "a duration such as 90s";
    default:
        return "a number";
    }
}

static int store_number(const struct option *row, const char *text, void *field)
{
    char quoted[QUOTE_MAX];
    union number v;
    double real = 0;
    if (!read_number(row->kind, text, strlen(text), &v, &real))
        return cli_usage("--%s: %s is not %s", row->name, quote(quoted, text, strlen(text)),
                         kind_noun(row->kind));
    if (!in_range(row, real))
        return cli_usage("--%s: %s is not in %s", row->name, quote(quoted, text, strlen(text)),
                         row->range);
    memcpy(field, &v, sizeof(v)); /* every kind of number has 8 bytes */
    return 0;
}

struct text choice_next(const char **rest)
{
    struct text word = {NULL, 0};
    if (!*rest)
        return word;
    word.at = *rest;
    word.len = strcspn(word.at, "|");
    *rest = word.at[word.len] ? word.at + word.len + 1 : NULL;
    return word;
}

static int store_choice(const struct option *row, const char *text, void *field)
{
    const char *rest = row->choices;
    int index = 0;
    for (struct text word = choice_next(&rest); word.at; word = choice_next(&rest), index++) {
        if (text_equal(word, text_of(text))) {
            memcpy(field, &index, sizeof(index));
            return 0;
        }
    }
    char quoted[QUOTE_MAX];
    return cli_usage("--%s: %s is none of %s", row->name, quote(quoted, text, strlen(text)),
                     row->choices);
}

static void store_item(const char *text, struct option_list *list)
{
    list->at = mem_array(list->at, list->len + 1, sizeof(*list->at));
    list->at[list->len++] = text;
}

static int store(const struct option *row, const char *text, void *values)
{
    void *field = (char *)values + row->offset;
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)field = true;
        return 0;
    case OPTION_TEXT:
        *(const char **)field = text;
        return 0;
    case OPTION_LIST:
        store_item(text, field);
        return 0;
    case OPTION_CHOICE:
        return store_choice(row, text, field);
    default:
        return store_number(row, text, field);
    }
}

int option_store(const struct scanned *found)
{
    return store(found->row, found->text, found->table->values);
}

/* A default that does not parse is a mistake of the table: it is reported like a user's. */
void options_default(struct option_table t)
{
    for (const struct option *row = t.rows; row && row->name; row++) {
        if (row->kind == OPTION_CHOICE)
            *(int *)(void *)((char *)t.values + row->offset) = -1;
        if (row->fallback)
            (void)store(row, row->fallback, t.values);
    }
}

void options_release(struct option_table t)
{
    for (const struct option *row = t.rows; row && row->name; row++) {
        struct option_list *list = (void *)((char *)t.values + row->offset);
        if (row->kind == OPTION_LIST)
            mem_free(list->at);
    }
}

static bool find(const struct scan *s, char letter, struct text name, struct scanned *found)
{
    for (size_t i = 0; i < COUNT_OF(s->tables); i++) {
        found->table = &s->tables[i];
        for (found->row = s->tables[i].rows; found->row && found->row->name; found->row++) {
            if (letter ? found->row->letter == letter : text_equal(name, text_of(found->row->name)))
                return true;
        }
    }
    found->row = NULL;
    return false;
}

/* The value of an option that needs one: what follows it in its argument,
 * else the next argument. */
static enum scan_result take_value(struct scan *s, const char *attached, struct scanned *found)
{
    found->text = attached;
    if (!attached && s->at < s->argc)
        found->text = s->argv[s->at++];
    return found->text ? SCAN_OPTION : SCAN_NEEDS_VALUE;
}

static enum scan_result scan_long(struct scan *s, const char *argument, struct scanned *found)
{
    size_t len = strcspn(argument, "=");
    const char *attached = argument[len] ? argument + len + 1 : NULL;
    if (!find(s, 0, (struct text){argument + 2, len - 2}, found)) {
        found->text = argument;
        found->len = len;
        return SCAN_UNKNOWN;
    }
    if (found->row->kind != OPTION_FLAG)
        return take_value(s, attached, found);
    found->text = NULL;
    return attached ? SCAN_NO_VALUE : SCAN_OPTION;
}

/* s->cluster is at a letter. */
static enum scan_result scan_letter(struct scan *s, struct scanned *found)
{
    const char *at = s->cluster;
    s->cluster = at[1] ? at + 1 : NULL;
    if (!find(s, *at, (struct text){NULL, 0}, found)) {
        (void)utf8_decode(at, strlen(at), &found->len);
        found->text = at;
        return SCAN_UNKNOWN;
    }
    found->text = NULL;
    if (found->row->kind == OPTION_FLAG)
        return SCAN_OPTION;
    const char *attached = s->cluster;
    s->cluster = NULL;
    return take_value(s, attached, found);
}

enum scan_result scan_next(struct scan *s, struct scanned *found)
{
    *found = (struct scanned){0};
    if (s->cluster)
        return scan_letter(s, found);
    if (s->at >= s->argc)
        return SCAN_END;
    const char *argument = s->argv[s->at++];
    if (s->ended || argument[0] != '-' || !argument[1]) {
        found->text = argument;
        return SCAN_OPERAND;
    }
    if (argument[1] != '-') {
        s->cluster = argument + 1;
        return scan_letter(s, found);
    }
    if (argument[2])
        return scan_long(s, argument, found);
    s->ended = true;
    return scan_next(s, found);
}

enum { NAMES_MAX = 128 };

static size_t collect_names(const struct scan *s, const char *names[static NAMES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(s->tables); i++) {
        const struct option *row = s->tables[i].rows;
        for (; row && row->name && count < NAMES_MAX; row++)
            names[count++] = row->name;
    }
    return count;
}

static int complain_unknown(const struct scan *s, const struct scanned *found)
{
    char quoted[QUOTE_MAX];
    if (found->text[0] != '-' || found->len < 3) {
        char letter[8] = "-";
        memcpy(letter + 1, found->text, found->len);
        return cli_usage("unknown option %s", quote(quoted, letter, found->len + 1));
    }
    const char *names[NAMES_MAX];
    char *word = mem_text_n(found->text + 2, found->len - 2);
    const char *near = cli_nearest(word, names, collect_names(s, names));
    mem_free(word);
    (void)quote(quoted, found->text, found->len);
    if (near)
        return cli_usage("unknown option %s (did you mean '--%s'?)", quoted, near);
    return cli_usage("unknown option %s", quoted);
}

int option_complain(const struct scan *s, enum scan_result result, const struct scanned *found)
{
    if (result == SCAN_UNKNOWN)
        return complain_unknown(s, found);
    if (result == SCAN_NO_VALUE)
        return cli_usage("option '--%s' takes no value", found->row->name);
    return cli_usage("option '--%s' needs a value: %s", found->row->name,
                     option_value_name(found->row));
}

/* "PROGRAM [FILE...]": at least one, any number. */
int operands_check(const char *pattern, const struct operands *operands)
{
    size_t i = 0;
    const char *word = pattern ? pattern : "";
    for (word += strspn(word, " "); *word; word += strspn(word, " ")) {
        size_t len = strcspn(word, " ");
        if (i >= operands->len && *word != '[')
            return cli_usage("missing operand %.*s", (int)strcspn(word, ". "), word);
        if (memmem(word, len, "...", 3))
            return 0;
        word += len;
        i++;
    }
    if (operands->len <= i)
        return 0;
    char quoted[QUOTE_MAX];
    return cli_usage("unexpected operand %s",
                     quote(quoted, operands->at[i], strlen(operands->at[i])));
}
