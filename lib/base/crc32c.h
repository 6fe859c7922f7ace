/* crc32c: the checksum of RFC 3720 (Castagnoli's polynomial 0x1EDC6F41, reflected), by the
 * processor's instruction where it has one. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of n more bytes behind those whose checksum is crc; 0: none before. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t n);
/* The same by tables: the reference. */
uint32_t crc32c_plain(uint32_t crc, const void *bytes, size_t n);

#endif
