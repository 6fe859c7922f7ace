#include "store/online_value.h"

_Static_assert(sizeof(struct online_value) == 40, "no padding");

struct text online_row(const struct store_record *r)
{
    bool gone = r->flags & STORE_DELETED || r->expires_at <= r->write_time;
    return gone && !(r->flags & STORE_POSITION) ? (struct text){"", 0} : r->row;
}

struct online_value online_value_of(const struct store_record *r, size_t id)
{
    return (struct online_value){.event_time = r->event_time,
                                 .write_time = r->write_time,
                                 .expires_at = r->expires_at,
                                 .lsn = r->lsn,
                                 .flags = r->flags,
                                 .id = (uint32_t)id};
}

bool online_value_read(struct text value, struct store_record *r)
{
    struct online_value v;
    if (value.len < sizeof v)
        return false;
    memcpy(&v, value.at, sizeof v);
    const char *rest = value.at + sizeof v;
    size_t len = value.len - sizeof v;
    if (v.id > len)
        return false;
    *r = (struct store_record){.lsn = v.lsn,
                               .event_time = v.event_time,
                               .write_time = v.write_time,
                               .expires_at = v.expires_at,
                               .flags = v.flags,
                               .id = v.id ? (struct text){rest, v.id} : r->id,
                               .row = {rest + v.id, len - v.id}};
    return true;
}
