#include "model/protobuf.h"

static int wrong(const struct proto *p, const char *what, struct error *e)
{
    return error_set(e, ERR_DATA, "byte %zu: %s", (size_t)(p->at - p->file), what);
}

static int read_varint(struct proto *p, uint64_t *value, struct error *e)
{
    *value = 0;
    for (int shift = 0; shift < 70 && p->at < p->end; shift += 7) {
        uint8_t byte = (uint8_t)*p->at++;
        if (shift == 63 && byte > 1)
            return wrong(p, "a number of more than 64 bits", e);
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return 0;
    }
    return wrong(p, "the file ends in a number", e);
}

static uint64_t little_endian(const char *bytes, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value |= (uint64_t)(uint8_t)bytes[i] << (8 * i);
    return value;
}

static int read_fixed(struct proto *p, size_t n, uint64_t *value, struct error *e)
{
    if ((size_t)(p->end - p->at) < n)
        return wrong(p, "the message ends in a number", e);
    *value = little_endian(p->at, n);
    p->at += n;
    return 0;
}

static int read_bytes(struct proto *p, struct text *bytes, struct error *e)
{
    uint64_t n;
    if (read_varint(p, &n, e))
        return ERR_DATA;
    if (n > (uint64_t)(p->end - p->at))
        return wrong(p, "a length beyond the end of its message", e);
    *bytes = (struct text){p->at, (size_t)n};
    p->at += n;
    return 0;
}

int proto_next(struct proto *p, struct proto_field *f, struct error *e)
{
    uint64_t tag;
    if (p->at == p->end)
        return 0;
    if (read_varint(p, &tag, e))
        return ERR_DATA;
    *f = (struct proto_field){.number = (uint32_t)(tag >> 3), .wire = (enum wire)(tag & 7)};
    if (tag >> 3 == 0 || tag >> 3 > UINT32_MAX >> 3)
        return wrong(p, "a field with an impossible number", e);
    int status;
    switch (f->wire) {
    case WIRE_VARINT:
        status = read_varint(p, &f->value, e);
        break;
    case WIRE_FIXED64:
        status = read_fixed(p, 8, &f->value, e);
        break;
    case WIRE_BYTES:
        status = read_bytes(p, &f->bytes, e);
        break;
    case WIRE_FIXED32:
        status = read_fixed(p, 4, &f->value, e);
        break;
    default:
        status = wrong(p, "a field of an impossible kind", e);
    }
    return status ? status : 1;
}

struct proto proto_within(const struct proto *p, struct text bytes)
{
    return (struct proto){bytes.at, bytes.at + bytes.len, p->file};
}

double proto_float(uint64_t bits)
{
    uint32_t word = (uint32_t)bits;
    float f;
    memcpy(&f, &word, sizeof f);
    return (double)f;
}

static double number_of(uint64_t bits, enum wire wire)
{
    double f;
    if (wire == WIRE_FIXED32)
        return proto_float(bits);
    memcpy(&f, &bits, sizeof f);
    return f;
}

void proto_array(struct text bytes, enum wire wire, struct doubles *out)
{
    size_t size = wire == WIRE_FIXED32 ? 4 : 8;
    vec_reserve(out, out->len + bytes.len / size);
    for (size_t i = 0; i + size <= bytes.len; i += size)
        vec_push(out, number_of(little_endian(bytes.at + i, size), wire));
}

int proto_doubles(const struct proto *p, const struct proto_field *f, enum wire wire,
                  struct doubles *out, struct error *e)
{
    if (f->wire == wire)
        vec_push(out, number_of(f->value, wire));
    else if (f->wire == WIRE_BYTES && f->bytes.len % (wire == WIRE_FIXED32 ? 4 : 8) == 0)
        proto_array(f->bytes, wire, out);
    else
        return wrong(p, "a list of numbers that is none", e);
    return 0;
}

int proto_integers(const struct proto *p, const struct proto_field *f, struct integers *out,
                   struct error *e)
{
    if (f->wire == WIRE_VARINT) {
        vec_push(out, (int64_t)f->value);
        return 0;
    }
    if (f->wire != WIRE_BYTES)
        return wrong(p, "a list of integers that is none", e);
    struct proto list = proto_within(p, f->bytes);
    while (list.at < list.end) {
        uint64_t value;
        if (read_varint(&list, &value, e))
            return ERR_DATA;
        vec_push(out, (int64_t)value);
    }
    return 0;
}
