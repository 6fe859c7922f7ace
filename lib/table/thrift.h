/*
 * thrift: the compact protocol of Apache Thrift (thrift-compact-protocol.md), as far as Parquet's
 * metadata needs it. Reading trusts nothing: no byte behind the end is touched, no list is longer
 * than the bytes that are left, nothing nests deeper than THRIFT_DEPTH. After the first thing that
 * is wrong `failed` is set and stays, and all that is read is 0 or empty.
 */
#ifndef TABLE_THRIFT_H
#define TABLE_THRIFT_H

#include "base/base.h"

enum thrift_type {
    THRIFT_STOP,
    THRIFT_TRUE,
    THRIFT_FALSE,
    THRIFT_BYTE,
    THRIFT_I16,
    THRIFT_I32,
    THRIFT_I64,
    THRIFT_DOUBLE,
    THRIFT_BINARY,
    THRIFT_LIST,
    THRIFT_SET,
    THRIFT_MAP,
    THRIFT_STRUCT,
};

#define THRIFT_DEPTH 32

struct thrift_reader {
    const uint8_t *at, *end;
    unsigned depth;
    bool failed;
};
/* A struct is read as: struct thrift_field f = {0}; while (thrift_next(r, &f)) switch (f.id) ...;
 * each field's value is read, or passed over with thrift_skip. */
struct thrift_field {
    enum thrift_type type;
    int32_t id;
};
bool thrift_next(struct thrift_reader *r, struct thrift_field *f);
void thrift_skip(struct thrift_reader *r, enum thrift_type type);
/* The value of a field, if it has the type; otherwise it is passed over, and 0. */
int64_t thrift_int(struct thrift_reader *r, enum thrift_type type); /* byte, i16, i32, i64 */
bool thrift_bool(struct thrift_reader *r, enum thrift_type type);   /* lies in the field's type */
struct text thrift_binary(struct thrift_reader *r, enum thrift_type type); /* borrows the bytes */
/* Elements of a list, each of which is then read; *item is their type. */
size_t thrift_list(struct thrift_reader *r, enum thrift_type type, enum thrift_type *item);
/* Around the fields of a struct inside another: false when it is none or too deep. */
bool thrift_enter(struct thrift_reader *r, enum thrift_type type);
void thrift_leave(struct thrift_reader *r);

/* Writing: fields of a struct in the order of their ids; `last` is the id of the one before. */
struct thrift_writer {
    struct buf *out;
    int32_t last;
};
void thrift_put_int(struct thrift_writer *w, int32_t id, enum thrift_type type, int64_t value);
void thrift_put_bool(struct thrift_writer *w, int32_t id, bool value);
void thrift_put_binary(struct thrift_writer *w, int32_t id, const void *bytes, size_t n);
void thrift_put_list(struct thrift_writer *w, int32_t id, enum thrift_type item, size_t n);
/* A field as it was read: `value` is the bytes of its value. */
void thrift_put_raw(struct thrift_writer *w, int32_t id, enum thrift_type type, struct text value);
/* A field that is a struct: its fields go to the writer that is returned. */
struct thrift_writer thrift_put_struct(struct thrift_writer *w, int32_t id);
void thrift_put_stop(struct thrift_writer *w);
/* Seven bits a byte, the lowest first; the last has no high bit (ULEB128). */
void thrift_put_varint(struct buf *out, uint64_t u);
/* Elements of lists. */
void thrift_put_element(struct buf *out, int64_t value);
void thrift_put_text(struct buf *out, const void *bytes, size_t n);

#endif
