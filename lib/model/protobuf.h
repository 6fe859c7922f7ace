/*
 * protobuf: the wire format of Protocol Buffers, one field at a time, for this module's files.
 * Every length is checked against the bytes there are; nothing is allocated but the lists asked
 * for.
 */
#ifndef MODEL_PROTOBUF_H
#define MODEL_PROTOBUF_H

#include "base/base.h"

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct proto {
    const char *at, *end;
    const char *file; /* where offsets in messages count from */
};

struct proto_field {
    uint32_t number;
    enum wire wire;
    uint64_t value;    /* WIRE_VARINT, WIRE_FIXED32, WIRE_FIXED64 */
    struct text bytes; /* WIRE_BYTES: borrows from the message */
};

struct doubles {
    double *at;
    size_t len, cap;
};
struct integers {
    int64_t *at;
    size_t len, cap;
};

/* The next field: 1, 0 at the end of the message, ERR_DATA with the byte's offset. Groups, which
 * ended with version 2 of the language, are refused. */
int proto_next(struct proto *p, struct proto_field *f, struct error *e);
/* A message within: a field's bytes. */
struct proto proto_within(const struct proto *p, struct text bytes);
/* Appends the numbers of a repeated field, packed or not: floats, or doubles when wire is
 * WIRE_FIXED64. */
int proto_doubles(const struct proto *p, const struct proto_field *f, enum wire wire,
                  struct doubles *out, struct error *e);
int proto_integers(const struct proto *p, const struct proto_field *f, struct integers *out,
                   struct error *e);
/* Appends a little-endian array of floats (WIRE_FIXED32) or doubles. */
void proto_array(struct text bytes, enum wire wire, struct doubles *out);
double proto_float(uint64_t bits); /* of a WIRE_FIXED32 */

#endif
