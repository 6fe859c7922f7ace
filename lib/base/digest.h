/*
 * Digests of byte strings: MD5 (RFC 1321), SHA-1 and SHA-2 (FIPS 180-4), HMAC (RFC 2104). MD5 and
 * SHA-1 name things; they protect nothing. Faster hashes are in plain.h.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/base.h"

enum { MD5_SIZE = 16, SHA1_SIZE = 20, SHA256_SIZE = 32, SHA512_SIZE = 64 };
void md5(struct text s, uint8_t out[static MD5_SIZE]);
void sha1(struct text s, uint8_t out[static SHA1_SIZE]);
void sha256(struct text s, uint8_t out[static SHA256_SIZE]);
void sha512(struct text s, uint8_t out[static SHA512_SIZE]);
void hmac_sha256(struct text key, struct text s, uint8_t out[static SHA256_SIZE]);
/* The same of a text that comes in parts. */
struct sha256 {
    uint32_t h[8];
    uint64_t bytes;
    uint8_t rest[64];
};
void sha256_start(struct sha256 *s);
void sha256_add(struct sha256 *s, struct text part);
void sha256_end(struct sha256 *s, uint8_t out[static SHA256_SIZE]);
/* In lower-case hexadecimal digits, as the rest of the system writes digests. */
void sha256_hex(struct text s, char out[static 2 * SHA256_SIZE + 1]);
/* Appends the first so many such digits of bytes. */
void hex_put(struct buf *out, const uint8_t *bytes, size_t digits);

#endif
