#include "table/thrift.h"

static uint8_t next_byte(struct thrift_reader *r)
{
    if (r->at < r->end)
        return *r->at++;
    r->failed = true;
    return 0;
}

static uint64_t varint(struct thrift_reader *r)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = next_byte(r);
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return value;
    }
    r->failed = true;
    return 0;
}

static int64_t zigzag(struct thrift_reader *r)
{
    uint64_t u = varint(r);
    return (int64_t)(u >> 1 ^ (0 - (u & 1)));
}

bool thrift_next(struct thrift_reader *r, struct thrift_field *f)
{
    uint8_t head = next_byte(r);
    f->type = (enum thrift_type)(head & 0x0F);
    if (r->failed || f->type == THRIFT_STOP)
        return false;
    int64_t id = head >> 4 ? f->id + (head >> 4) : zigzag(r);
    if (f->type > THRIFT_STRUCT || id < INT16_MIN || id > INT16_MAX)
        r->failed = true;
    f->id = (int32_t)id;
    return !r->failed;
}

static void skip_bytes(struct thrift_reader *r, uint64_t n)
{
    if (n > (uint64_t)(r->end - r->at))
        r->failed = true;
    else
        r->at += n;
}

static void skip_struct(struct thrift_reader *r)
{
    struct thrift_field f = {0};
    if (!thrift_enter(r, THRIFT_STRUCT))
        return;
    while (thrift_next(r, &f))
        thrift_skip(r, f.type);
    thrift_leave(r);
}

/* Truth values are a byte each in a list, and no byte in a field. */
static void skip_item(struct thrift_reader *r, enum thrift_type type)
{
    if (type == THRIFT_TRUE || type == THRIFT_FALSE)
        (void)next_byte(r);
    else
        thrift_skip(r, type);
}

static void skip_list(struct thrift_reader *r)
{
    enum thrift_type item;
    size_t n = thrift_list(r, THRIFT_LIST, &item);
    r->failed |= ++r->depth > THRIFT_DEPTH;
    for (size_t i = 0; i < n && !r->failed; i++)
        skip_item(r, item);
    r->depth--;
}

static void skip_map(struct thrift_reader *r)
{
    uint64_t n = varint(r);
    uint8_t types = n ? next_byte(r) : 0;
    if (n > (uint64_t)(r->end - r->at) || ++r->depth > THRIFT_DEPTH) {
        r->failed = true;
        return;
    }
    for (uint64_t i = 0; i < n && !r->failed; i++) {
        skip_item(r, (enum thrift_type)(types >> 4));
        skip_item(r, (enum thrift_type)(types & 0x0F));
    }
    r->depth--;
}

void thrift_skip(struct thrift_reader *r, enum thrift_type type)
{
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        break;
    case THRIFT_BYTE:
        (void)next_byte(r);
        break;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        (void)varint(r);
        break;
    case THRIFT_DOUBLE:
        skip_bytes(r, 8);
        break;
    case THRIFT_BINARY:
        skip_bytes(r, varint(r));
        break;
    case THRIFT_LIST:
    case THRIFT_SET:
        skip_list(r);
        break;
    case THRIFT_MAP:
        skip_map(r);
        break;
    case THRIFT_STRUCT:
        skip_struct(r);
        break;
    case THRIFT_STOP:
        r->failed = true;
    }
}

int64_t thrift_int(struct thrift_reader *r, enum thrift_type type)
{
    if (type == THRIFT_BYTE)
        return (int8_t)next_byte(r);
    if (type == THRIFT_I16 || type == THRIFT_I32 || type == THRIFT_I64) {
        int64_t value = zigzag(r);
        return r->failed ? 0 : value;
    }
    thrift_skip(r, type);
    return 0;
}

bool thrift_bool(struct thrift_reader *r, enum thrift_type type)
{
    if (type != THRIFT_TRUE && type != THRIFT_FALSE)
        thrift_skip(r, type);
    return type == THRIFT_TRUE;
}

struct text thrift_binary(struct thrift_reader *r, enum thrift_type type)
{
    struct text none = {"", 0};
    if (type != THRIFT_BINARY) {
        thrift_skip(r, type);
        return none;
    }
    uint64_t n = varint(r);
    const char *at = (const char *)r->at;
    skip_bytes(r, n);
    return r->failed ? none : (struct text){at, (size_t)n};
}

size_t thrift_list(struct thrift_reader *r, enum thrift_type type, enum thrift_type *item)
{
    *item = THRIFT_STOP;
    if (type != THRIFT_LIST && type != THRIFT_SET) {
        thrift_skip(r, type);
        return 0;
    }
    uint8_t head = next_byte(r);
    uint64_t n = head >> 4;
    if (n == 15)
        n = varint(r);
    *item = (enum thrift_type)(head & 0x0F);
    if (n > (uint64_t)(r->end - r->at) || *item > THRIFT_STRUCT)
        r->failed = true;
    return r->failed ? 0 : (size_t)n;
}

bool thrift_enter(struct thrift_reader *r, enum thrift_type type)
{
    if (type != THRIFT_STRUCT) {
        thrift_skip(r, type);
        return false;
    }
    if (++r->depth > THRIFT_DEPTH)
        r->failed = true;
    return !r->failed;
}

void thrift_leave(struct thrift_reader *r)
{
    r->depth--;
}

void thrift_put_varint(struct buf *out, uint64_t u)
{
    for (; u >= 0x80; u >>= 7)
        buf_putc(out, (char)(u | 0x80));
    buf_putc(out, (char)u);
}

void thrift_put_element(struct buf *out, int64_t value)
{
    thrift_put_varint(out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

void thrift_put_text(struct buf *out, const void *bytes, size_t n)
{
    thrift_put_varint(out, n);
    buf_add(out, bytes, n);
}

static void put_head(struct thrift_writer *w, int32_t id, enum thrift_type type)
{
    int32_t step = id - w->last;
    if (step > 0 && step < 16) {
        buf_putc(w->out, (char)(step << 4 | (int32_t)type));
    } else {
        buf_putc(w->out, (char)type);
        thrift_put_element(w->out, id);
    }
    w->last = id;
}

void thrift_put_int(struct thrift_writer *w, int32_t id, enum thrift_type type, int64_t value)
{
    put_head(w, id, type);
    if (type == THRIFT_BYTE)
        buf_putc(w->out, (char)value);
    else
        thrift_put_element(w->out, value);
}

void thrift_put_bool(struct thrift_writer *w, int32_t id, bool value)
{
    put_head(w, id, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_put_binary(struct thrift_writer *w, int32_t id, const void *bytes, size_t n)
{
    put_head(w, id, THRIFT_BINARY);
    thrift_put_text(w->out, bytes, n);
}

void thrift_put_list(struct thrift_writer *w, int32_t id, enum thrift_type item, size_t n)
{
    put_head(w, id, THRIFT_LIST);
    if (n < 15) {
        buf_putc(w->out, (char)(n << 4 | (size_t)item));
    } else {
        buf_putc(w->out, (char)(0xF0 | (unsigned)item));
        thrift_put_varint(w->out, n);
    }
}

void thrift_put_raw(struct thrift_writer *w, int32_t id, enum thrift_type type, struct text value)
{
    put_head(w, id, type);
    buf_add(w->out, value.at, value.len);
}

struct thrift_writer thrift_put_struct(struct thrift_writer *w, int32_t id)
{
    put_head(w, id, THRIFT_STRUCT);
    return (struct thrift_writer){.out = w->out};
}

void thrift_put_stop(struct thrift_writer *w)
{
    buf_putc(w->out, THRIFT_STOP);
}
