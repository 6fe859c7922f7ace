#include "pipeline/event.h"

#include "pipeline/questions.h"

#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

/* ---- reading ---- */

struct text event_kind(struct text line)
{
    static const char name[] = "\"event\":\"";
    const char *at = memmem(line.at, line.len, name, sizeof name - 1);
    const char *start = at ? at + sizeof name - 1 : line.at;
    const char *end = at ? memchr(start, '"', (size_t)(line.at + line.len - start)) : NULL;
    return end ? (struct text){start, (size_t)(end - start)} : (struct text){NULL, 0};
}

bool event_has_about(struct text line)
{
    static const char name[] = "\"about\":\"";
    return memmem(line.at, line.len, name, sizeof name - 1) != NULL;
}

bool digest_read(struct text hex, struct digest *out)
{
    if (hex.len != 2 * SHA256_SIZE)
        return false;
    for (size_t i = 0; i < hex.len; i++) {
        char c = hex.at[i];
        unsigned value = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                : 16;
        if (value == 16)
            return false;
        out->at[i / 2] = (uint8_t)(i % 2 ? out->at[i / 2] | value : value << 4);
    }
    return true;
}

/* ---- writing ---- */

static void put_name(struct buf *b, const char *name)
{
    buf_puts(b, ",\"");
    buf_puts(b, name);
    buf_puts(b, "\":");
}

void event_put(struct buf *b, const char *name, const char *value)
{
    put_name(b, name);
    json_put_string(b, value, strlen(value));
}

void event_put_time(struct buf *b, const char *name, usec t)
{
    char room[TIME_MAX];
    put_name(b, name);
    buf_putc(b, '"');
    buf_add(b, room, time_print(room, t));
    buf_putc(b, '"');
}

void event_put_seconds(struct buf *b, const char *name, usec n)
{
    char digits[NUMBER_MAX];
    put_name(b, name);
    buf_add(b, digits, number_print_int(digits, n / USEC_SECOND));
    buf_putc(b, '.');
    for (usec unit = USEC_SECOND / 10; unit; unit /= 10)
        buf_putc(b, (char)('0' + n / unit % 10));
}

void event_put_digest(struct buf *b, const char *name, const uint8_t *digest)
{
    put_name(b, name);
    buf_putc(b, '"');
    hex_put(b, digest, 2 * SHA256_SIZE);
    buf_putc(b, '"');
}

void event_put_list(struct buf *b, const char *name, const char *const *list, size_t n)
{
    put_name(b, name);
    buf_putc(b, '[');
    for (size_t i = 0; i < n; i++) {
        buf_puts(b, i ? "," : "");
        json_put_string(b, list[i], strlen(list[i]));
    }
    buf_putc(b, ']');
}

static void put_members(struct buf *b, const json_t *object)
{
    const char *name, *before = "";
    json_t *value;
    buf_putc(b, '{');
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        buf_puts(b, before);
        json_put_string(b, name, strlen(name));
        buf_putc(b, ':');
        event_put_json(b, value);
        before = ",";
    }
    buf_putc(b, '}');
}

void event_put_json(struct buf *b, const json_t *value)
{
    if (json_is_object(value)) {
        put_members(b, value);
    } else if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            buf_putc(b, i ? ',' : '[');
            event_put_json(b, json_array_get(value, i));
        }
        buf_puts(b, json_array_size(value) ? "]" : "[]");
    } else if (json_is_string(value)) {
        json_put_string(b, json_string_value(value), json_string_length(value));
    } else if (json_is_integer(value)) {
        buf_format(b, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        json_put_double(b, json_real_value(value));
    } else {
        buf_puts(b, json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null");
    }
}

/* The system's word, not a variable's, which anybody sets as he likes. */
void person_self(struct person *p)
{
    const struct passwd *entry = getpwuid(getuid());
    *p = (struct person){{0}, {0}};
    if (entry)
        (void)snprintf(p->user, sizeof p->user, "%s", entry->pw_name);
    else
        (void)snprintf(p->user, sizeof p->user, "%lu", (unsigned long)getuid());
    (void)gethostname(p->host, sizeof p->host - 1);
}

void event_put_person(struct buf *b)
{
    struct person p;
    person_self(&p);
    event_put(b, "user", p.user);
    event_put(b, "host", p.host);
}

int event_append(const char *ledger, const struct buf *members, bool durable, struct error *e)
{
    struct ledger *l = NULL;
    int status = ledger_open(ledger, &l, e);
    if (status == 0) {
        ledger_add(l, (struct text){members->at, members->len});
        status = ledger_commit(l, durable, e);
    }
    ledger_close(l);
    return status;
}

const char *event_text(const json_t *event, const char *name)
{
    const char *text = json_string_value(json_object_get(event, name));
    return text ? text : "";
}
