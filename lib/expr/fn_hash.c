/* Digests and hashes of text, and draws that depend on seed, step and row alone. */
#include "base/digest.h"
#include "expr/eval.h"

#include <zlib.h>

static bool give_hex(struct call *c, const uint8_t *bytes, size_t n, struct value *out)
{
    hex_put(&c->scratch, bytes, 2 * n);
    return give_scratch(c, out);
}

#define DIGEST(name, function, size)                                                               \
    KERNEL(name)                                                                                   \
    {                                                                                              \
        uint8_t bytes[size];                                                                       \
        function(a[0].text, bytes);                                                                \
        return give_hex(c, bytes, sizeof bytes, out);                                              \
    }
DIGEST(do_md5, md5, MD5_SIZE)
DIGEST(do_sha1, sha1, SHA1_SIZE)
DIGEST(do_sha256, sha256, SHA256_SIZE)
DIGEST(do_sha512, sha512, SHA512_SIZE)

KERNEL(do_hmac_sha256)
{
    uint8_t bytes[SHA256_SIZE];
    hmac_sha256(a[0].text, a[1].text, bytes);
    return give_hex(c, bytes, sizeof bytes, out);
}

static bool give_hex64(struct call *c, uint64_t h, struct value *out)
{
    buf_format(&c->scratch, "%016llx", (unsigned long long)h);
    return give_scratch(c, out);
}

KERNEL(do_xxh64)
{
    return give_hex64(c, xxh64(a[0].text.at, a[0].text.len, c->count > 1 ? (uint64_t)a[1].i : 0),
                      out);
}

KERNEL(do_fnv)
{
    return give_hex64(c, fnv1a(a[0].text.at, a[0].text.len), out);
}

KERNEL(do_murmur3)
{
    return give_int(out, murmur3(a[0].text.at, a[0].text.len, c->count > 1 ? (uint32_t)a[1].i : 0));
}

KERNEL(do_crc32)
{
    return give_int(out, (int64_t)crc32_z(0, (const Bytef *)a[0].text.at, a[0].text.len));
}

KERNEL(do_hash_mod)
{
    if (a[1].i < 1)
        return call_fail(c, "hash_mod wants a number of classes of at least 1");
    uint64_t seed = c->count > 2 ? (uint64_t)a[2].i : 0;
    return give_int(out, (int64_t)(xxh64(a[0].text.at, a[0].text.len, seed) % (uint64_t)a[1].i));
}

static bool give_uuid(struct call *c, uint8_t bytes[static 16], unsigned version, struct value *out)
{
    bytes[6] = (uint8_t)(version << 4 | (bytes[6] & 0x0F));
    bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3F));
    for (size_t i = 0; i < 16; i++)
        buf_format(&c->scratch, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x",
                   (unsigned)bytes[i]);
    return give_scratch(c, out);
}

/* The namespace as its UUID; "dns" and "url" stand for the well-known ones. */
static bool read_uuid(struct text s, uint8_t bytes[static 16])
{
    if (text_equal(s, TEXT_LITERAL("dns")))
        s = TEXT_LITERAL("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
    else if (text_equal(s, TEXT_LITERAL("url")))
        s = TEXT_LITERAL("6ba7b811-9dad-11d1-80b4-00c04fd430c8");
    size_t digits = 0;
    for (size_t i = 0; i < s.len; i++) {
        int value = hex_digit_value(s.at[i]);
        if (s.at[i] == '-')
            continue;
        if (digits == 32 || value < 0)
            return false;
        bytes[digits / 2] = (uint8_t)(digits % 2 ? bytes[digits / 2] << 4 | value : value);
        digits++;
    }
    return digits == 32;
}

KERNEL(do_uuid5)
{
    uint8_t space[16] = {0}, digest[SHA1_SIZE];
    if (!read_uuid(a[0].text, space))
        return call_fail(c, "uuid5 wants a UUID, \"dns\" or \"url\" as the namespace");
    buf_add(&c->scratch, space, sizeof space);
    buf_add(&c->scratch, a[1].text.at, a[1].text.len);
    sha1((struct text){c->scratch.at, c->scratch.len}, digest);
    c->scratch.len = 0;
    return give_uuid(c, digest, 5, out);
}

#define HASH "hash, random"
static const struct function_row hash_rows[] = {
    {{"crc32", HASH, "crc32(text) -> int", "checksum of zip and PNG", "crc32(\"123456789\")",
      "3421780262"},
     "t",
     'i',
     .row = do_crc32},
    {{"fnv", HASH, "fnv(text) -> text", "FNV-1a, 64 bits", "fnv(\"a\")", "af63dc4c8601ec8c"},
     "t",
     't',
     .row = do_fnv},
    {{"hash_mod", HASH, "hash_mod(text, n [, seed]) -> int",
      "a class from 0 to n - 1 that depends on the text alone", "hash_mod(\"user 7\", 1)", "0"},
     "ti?i",
     'i',
     .row = do_hash_mod},
    {{"hmac_sha256", HASH, "hmac_sha256(key, text) -> text", "keyed digest (RFC 2104)",
      "left(hmac_sha256(\"key\", \"The quick brown fox jumps over the lazy dog\"), 16)",
      "f7bc83f430538424"},
     "tt",
     't',
     .row = do_hmac_sha256},
    {{"md5", HASH, "md5(text) -> text", "digest, 32 hexadecimal digits", "md5(\"abc\")",
      "900150983cd24fb0d6963f7d28e17f72"},
     "t",
     't',
     .row = do_md5},
    {{"murmur3", HASH, "murmur3(text [, seed]) -> int", "MurmurHash3, 32 bits",
      "murmur3(\"hello\")", "613153351"},
     "t?i",
     'i',
     .row = do_murmur3},
    {{"sha1", HASH, "sha1(text) -> text", "digest, 40 hexadecimal digits", "sha1(\"abc\")",
      "a9993e364706816aba3e25717850c26c9cd0d89d"},
     "t",
     't',
     .row = do_sha1},
    {{"sha256", HASH, "sha256(text) -> text", "digest, 64 hexadecimal digits",
      "left(sha256(\"abc\"), 16)", "ba7816bf8f01cfea"},
     "t",
     't',
     .row = do_sha256},
    {{"sha512", HASH, "sha512(text) -> text", "digest, 128 hexadecimal digits",
      "left(sha512(\"abc\"), 16)", "ddaf35a193617aba"},
     "t",
     't',
     .row = do_sha512},
    {{"uuid5", HASH, "uuid5(namespace, name) -> text",
      "UUID from a name; the namespace is a UUID, \"dns\" or \"url\"",
      "uuid5(\"dns\", \"python.org\")", "886313e1-3b8a-5372-9b90-0c9aee199e5d"},
     "tt",
     't',
     .row = do_uuid5},
    {{"xxh64", HASH, "xxh64(text [, seed]) -> text", "XXH64, 16 hexadecimal digits", "xxh64(\"\")",
      "ef46db3751d8e999"},
     "t?i",
     't',
     .row = do_xxh64},
};
const struct function_family hash_functions = {hash_rows, COUNT_OF(hash_rows)};

/* Two draws differ when step, call, row or item of a list do. */
struct draw {
    uint64_t seed, stream, counter;
};

static struct draw draw_of(const struct call *c)
{
    const struct expr_context *context = &c->frame->x->context;
    const struct frame *f = c->frame;
    size_t row = c->row;
    uint64_t items = 0;
    for (; f->outer; f = f->outer) {
        items = hash_u64(items + f->item[row] + 1);
        row = f->outer_row[row];
    }
    return (struct draw){context->seed,
                         hash_u64(context->stream + ((uint64_t)c->node->ordinal << 32)),
                         batch_row_id(f->batch, row) ^ items};
}

KERNEL(do_rand)
{
    struct draw d = draw_of(c);
    return give_double(out, random_unit(d.seed, d.stream, d.counter));
}

KERNEL(do_rand_norm)
{
    struct draw d = draw_of(c);
    double mean = c->count > 0 ? a[0].f : 0.0, deviation = c->count > 1 ? a[1].f : 1.0;
    return give_double(out, mean + deviation * random_normal(d.seed, d.stream, d.counter));
}

KERNEL(do_rand_int)
{
    struct draw d = draw_of(c);
    uint64_t span = (uint64_t)a[1].i - (uint64_t)a[0].i;
    if (a[1].i < a[0].i)
        return call_fail(c, "rand_int wants low <= high");
    uint64_t n = random_below(d.seed, d.stream, d.counter, span + 1);
    return give_int(out, (int64_t)((uint64_t)a[0].i + n));
}

KERNEL(do_uuid4)
{
    struct draw d = draw_of(c);
    uint8_t bytes[16];
    for (size_t i = 0; i < 2; i++) {
        uint64_t bits = random_bits(d.seed, hash_u64(d.stream + i), d.counter);
        for (size_t k = 0; k < 8; k++)
            bytes[8 * i + k] = (uint8_t)(bits >> (8 * k));
    }
    return give_uuid(c, bytes, 4, out);
}

static const struct function_row random_rows[] = {
    {{"rand", HASH, "rand() -> float", "0 <= x < 1; the same for a row whatever --jobs is",
      "rand() < 1", "true"},
     "",
     'f',
     VOLATILE | BY_ROW,
     .row = do_rand},
    {{"rand_int", HASH, "rand_int(low, high) -> int", "an integer from low to high, both included",
      "rand_int(3, 3)", "3"},
     "ii",
     'i',
     VOLATILE | BY_ROW,
     .row = do_rand_int},
    {{"rand_norm", HASH, "rand_norm([mean [, deviation]]) -> float",
      "normally distributed, by default with mean 0 and deviation 1", "rand_norm(5, 0)", "5"},
     "?ff",
     'f',
     VOLATILE | BY_ROW,
     .row = do_rand_norm},
    {{"uuid4", HASH, "uuid4() -> text", "random UUID, from the seed", "len(uuid4())", "36"},
     "",
     't',
     VOLATILE | BY_ROW,
     .row = do_uuid4},
};
const struct function_family random_functions = {random_rows, COUNT_OF(random_rows)};
