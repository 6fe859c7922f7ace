/*
 * snappy: the raw format of Google's Snappy (format_description.txt): the length as a varint, then
 * literals and copies. For the files of this module.
 */
#ifndef TABLE_SNAPPY_H
#define TABLE_SNAPPY_H

#include "base/base.h"

/* Appends. The same bytes for the same input on every machine. */
void snappy_compress(const void *bytes, size_t n, struct buf *out);
/* Fills into[0..size) exactly; false when the bytes are not the Snappy form of so many. The 16
 * bytes behind into[size] are scratch. */
bool snappy_decompress(const void *bytes, size_t n, void *into, size_t size);

#endif
