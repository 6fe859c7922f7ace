/* Privacy and identity: keyed hashes, pseudonyms, identifiers made from values. */
#include "base/digest.h"
#include "prep/rowwise.h"
#include "steps/steps.h"
#include "sys/sys.h"

enum { KEY_MAX = 1 << 16 };

static void key_free(void *own)
{
    struct buf *key = own;
    buf_release(key);
    mem_free(key);
}

static int load_key(struct step *s, struct buf *key, struct error *e)
{
    const char *name = arg_string(s, "key_file"), *directory = s->context->directory;
    bool relative = directory && name[0] != '/';
    const char *path = relative ? arena_format(&s->arena, "%s/%s", directory, name) : name;
    int rc = file_load(path, KEY_MAX, key, e);
    while (rc == 0 && key->len > 0 && key->at[key->len - 1] == '\n')
        key->len--;
    return rc;
}

static int prepare_key(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    struct buf *key = mem_alloc(sizeof *key);
    rowwise_plan(s)->own = key;
    if (arg_given(s, "key") == arg_given(s, "key_file"))
        return step_error(s, e, "give key or key_file");
    int rc = 0;
    if (arg_given(s, "key"))
        buf_add(key, arg_text(s, "key").at, arg_text(s, "key").len);
    else
        rc = load_key(s, key, e);
    return rc == 0 && key->len == 0 ? step_error(s, e, "the key is empty") : rc;
}

static void keyed_digest(const struct mapping *m, struct text cell, uint8_t out[static SHA256_SIZE])
{
    const struct buf *key = m->own;
    hmac_sha256((struct text){key->at, key->len}, cell, out);
}

static struct text anonymize(struct mapping *m, struct text cell)
{
    uint8_t digest[SHA256_SIZE];
    keyed_digest(m, cell, digest);
    hex_put(&m->scratch, digest, (size_t)m->parameters[0]);
    return mapping_text(m);
}

/* 16 bits as a word that can be spoken (Wilkerson 2009, proquints: arXiv:0901.4016). */
static void put_word(struct buf *out, unsigned bits)
{
    static const char consonants[] = "bdfghjklmnprstvz", vowels[] = "aiou";
    buf_putc(out, consonants[bits >> 12 & 15]);
    buf_putc(out, vowels[bits >> 10 & 3]);
    buf_putc(out, consonants[bits >> 6 & 15]);
    buf_putc(out, vowels[bits >> 4 & 3]);
    buf_putc(out, consonants[bits & 15]);
}

static struct text pseudonym(struct mapping *m, struct text cell)
{
    uint8_t digest[SHA256_SIZE];
    keyed_digest(m, cell, digest);
    size_t words = (size_t)m->parameters[0];
    for (size_t i = 0; i < words; i++) {
        if (i > 0)
            buf_putc(&m->scratch, '-');
        put_word(&m->scratch, (unsigned)digest[2 * i] << 8 | digest[2 * i + 1]);
    }
    return mapping_text(m);
}

enum { UUID_SIZE = 16, SEPARATOR = 31 /* unit separator */ };

/* "6ba7b810-9dad-11d1-80b4-00c04fd430c8": hyphens may stand anywhere. */
static bool read_uuid(struct text t, uint8_t out[static UUID_SIZE])
{
    size_t digits = 0;
    for (size_t i = 0; i < t.len; i++) {
        char c = t.at[i], low = c | 0x20;
        if (c == '-')
            continue;
        bool number = c >= '0' && c <= '9';
        if (digits == 2 * UUID_SIZE || !(number || (low >= 'a' && low <= 'f')))
            return false;
        unsigned value = (unsigned)(number ? c - '0' : low - 'a' + 10);
        out[digits / 2] = (uint8_t)(digits % 2 ? out[digits / 2] | value : value << 4);
        digits++;
    }
    return digits == 2 * UUID_SIZE;
}

/* The name spaces of RFC 9562 differ in one byte. */
static int prepare_uuid(struct step *s, const struct schema *in, struct error *e)
{
    static const char *const names[] = {"dns", "url", "oid", "x500"};
    static const uint8_t numbers[] = {0x10, 0x11, 0x12, 0x14};
    (void)in;
    struct text given = arg_text(s, "namespace");
    uint8_t *space = arena_zero(&s->arena, UUID_SIZE);
    rowwise_plan(s)->own = space;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text_equal(given, text_of(names[i]))) {
            (void)read_uuid(TEXT_LITERAL("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), space);
            space[3] = numbers[i];
            return 0;
        }
    if (!read_uuid(given, space))
        return step_error(s, e, "namespace: expected dns, url, oid, x500 or a UUID");
    return 0;
}

static void put_uuid(struct buf *out, uint8_t digest[static SHA1_SIZE])
{
    static const size_t groups[] = {8, 4, 4, 4, 12};
    digest[6] = (digest[6] & 0x0f) | 0x50; /* version 5 */
    digest[8] = (digest[8] & 0x3f) | 0x80; /* variant */
    for (size_t i = 0, at = 0; i < COUNT_OF(groups); at += groups[i++] / 2) {
        if (i > 0)
            buf_putc(out, '-');
        hex_put(out, digest + at, groups[i]);
    }
}

static int add_uuids(struct mapping *m)
{
    for (size_t r = 0; r < m->rows; r++) {
        bool missing = false;
        buf_add(&m->scratch, m->own, UUID_SIZE);
        for (size_t i = 0; i < m->count; i++) {
            struct text cell = m->in[i].text[r];
            missing = missing || !cell.at;
            if (i > 0)
                buf_putc(&m->scratch, SEPARATOR);
            buf_add(&m->scratch, cell.at, cell.len);
        }
        uint8_t digest[SHA1_SIZE];
        sha1((struct text){m->scratch.at, m->scratch.len}, digest);
        m->scratch.len = 0;
        m->out->text[r] = (struct text){NULL, 0};
        if (missing)
            continue;
        put_uuid(&m->scratch, digest);
        m->out->text[r] = mapping_text(m);
    }
    return 0;
}

enum { CHECKSUM_SHA256, CHECKSUM_MD5, CHECKSUM_XXH64 }; /* in the order of checksum_methods */

static void put_checksum(struct buf *out, int method, struct text row)
{
    uint8_t digest[SHA256_SIZE];
    size_t size = SHA256_SIZE;
    if (method == CHECKSUM_MD5) {
        md5(row, digest);
        size = MD5_SIZE;
    } else if (method == CHECKSUM_XXH64) {
        uint64_t hash = xxh64(row.at, row.len, 0);
        size = sizeof hash;
        for (size_t i = 0; i < size; i++)
            digest[i] = (uint8_t)(hash >> (56 - 8 * i));
    } else {
        sha256(row, digest);
    }
    out->len = 0; /* row may be what it held */
    hex_put(out, digest, 2 * size);
}

static int checksums(struct mapping *m)
{
    int method = arg_choice(m->step, "with");
    for (size_t r = 0; r < m->rows; r++) {
        for (size_t i = 0; i < m->count; i++) {
            struct text cell = m->in[i].text[r];
            if (cell.at)
                buf_add(&m->scratch, cell.at, cell.len);
            else
                buf_putc(&m->scratch, '\0');
            buf_putc(&m->scratch, SEPARATOR);
        }
        put_checksum(&m->scratch, method, (struct text){m->scratch.at, m->scratch.len});
        m->out->text[r] = mapping_text(m);
    }
    return 0;
}

#define PRIVACY .family = "privacy", .class = "S", ROWWISE_HOOKS
#define KEYS                                                                                       \
    {.name = "key", .kind = ARG_TEXT, .help = "secret; it stays readable in the recipe's state"},  \
    {                                                                                              \
        .name = "key_file", .kind = ARG_FILE, .help = "file with the secret"                       \
    }

static const struct arg hash_args[] = {ROWWISE_COLUMNS("columns to hide"),
                                       KEYS,
                                       {.name = "length",
                                        .kind = ARG_INT,
                                        .fallback = "32",
                                        .min = 8,
                                        .max = 64,
                                        .help = "hexadecimal digits"},
                                       ROWWISE_INTO,
                                       ROWWISE_SUFFIX,
                                       {.name = NULL}};

static const struct arg pseudonym_args[] = {ROWWISE_COLUMNS("columns to hide"),
                                            KEYS,
                                            {.name = "words",
                                             .kind = ARG_INT,
                                             .fallback = "4",
                                             .min = 1,
                                             .max = 16,
                                             .help = "words of a pseudonym, 16 bits each"},
                                            ROWWISE_INTO,
                                            ROWWISE_SUFFIX,
                                            {.name = NULL}};

static const struct arg uuid_args[] = {
    ROWWISE_COLUMNS("columns that name the row"),
    {.name = "namespace",
     .kind = ARG_TEXT,
     .fallback = "oid",
     .help = "dns, url, oid, x500 or a UUID"},
    {.name = "into", .kind = ARG_NAME, .fallback = "uuid", .help = "new column"},
    {.name = NULL}};

static const struct arg checksum_args[] = {
    {.name = "columns",
     .kind = ARG_COLUMNS,
     .positional = true,
     .fallback = "@all",
     .help = "columns that count"},
    {.name = "with", .kind = ARG_METHOD, .fallback = "sha256", .help = "digest"},
    {.name = "into", .kind = ARG_NAME, .fallback = "checksum", .help = "new column"},
    {.name = NULL}};

static const char *const length_parameter[] = {"length", NULL};
static const char *const words_parameter[] = {"words", NULL};

static const struct method checksum_methods[] = {
    {.name = "sha256",
     .class = "S",
     .summary = "SHA-256, 64 digits",
     .example =
         {.program = "checksum_row a",
          .input = "a\n1\n",
          .output =
              "a,checksum\n1,2b8d9cc6944cb101828f20db1b3c405182192eaf2800cf6687ae528349ec1d73\n"}},
    {.name = "md5",
     .class = "S",
     .summary = "MD5, 32 digits; not against forgery",
     .example = {.program = "checksum_row a with=md5",
                 .input = "a\n1\n",
                 .output = "a,checksum\n1,63a14a156696beb31755ca1252f7e0d0\n"}},
    {.name = "xxh64",
     .class = "S",
     .summary = "XXH64, 16 digits; fast, not against forgery",
     .example = {.program = "checksum_row a with=xxh64",
                 .input = "a\n1\n",
                 .output = "a,checksum\n1,ece95a376fdae263\n"}},
    {.name = NULL},
};

const struct step_kind steps_privacy[] = {
    {.name = "hash_anonymize",
     .not_compiled = NOT_COMPILED_DIGEST,
     PRIVACY,
     .aliases = "hash_pii anonymize",
     .summary = "replace values by a keyed hash",
     .details =
         "The first digits of HMAC-SHA-256 under the key. The same value gives the same hash in "
         "every column and file, so that joins still work; without the key nobody can try values "
         "out. Missing stays missing.",
     .args = hash_args,
     .example = {.program = "hash_anonymize email key=s3cret length=16",
                 .input = "email\nada@example.org\n\n",
                 .output = "email\n31b916702ab9dcc7\n\n"},
     ROWWISE_MAP(.text = anonymize, .parameters = length_parameter, .prepare = prepare_key,
                 .release = key_free)},
    {.name = "pseudonymize",
     .not_compiled = NOT_COMPILED_DIGEST,
     PRIVACY,
     .summary = "replace values by pronounceable pseudonyms",
     .details =
         "Bits of HMAC-SHA-256 under the key, spelt as words (proquints). Four words are 64 "
         "bits: among a million values the chance of any two meeting is 3 in 100 million. Missing "
         "stays missing.",
     .args = pseudonym_args,
     .example = {.program = "pseudonymize name key=s3cret words=2",
                 .input = "name\nAda\nBob\nAda\n",
                 .output = "name\nkariv-karov\nlubad-pinuz\nkariv-karov\n"},
     ROWWISE_MAP(.text = pseudonym, .parameters = words_parameter, .prepare = prepare_key,
                 .release = key_free)},
    {.name = "uuid_add",
     .not_compiled = NOT_COMPILED_DIGEST,
     PRIVACY,
     .aliases = "uuid5",
     .summary = "a UUID made from the values of columns",
     .details =
         "Version 5 (RFC 9562): SHA-1 of the name space and the name, so the same row always "
         "gets the same one. Several columns are joined by the unit separator (byte 31). Missing "
         "when a column is.",
     .args = uuid_args,
     .example = {.program = "uuid_add host namespace=dns",
                 .input = "host\npython.org\n",
                 .output = "host,uuid\npython.org,886313e1-3b8a-5372-9b90-0c9aee199e5d\n"},
     ROWWISE_MAP(.column = add_uuids, .several = true, .prepare = prepare_uuid)},
    {.name = "checksum_row",
     .not_compiled = NOT_COMPILED_DIGEST,
     PRIVACY,
     .summary = "digest of the values of a row",
     .details = "Each cell's text and a unit separator (byte 31) behind it, column after column; a "
                "missing cell is a NUL byte.",
     .args = checksum_args,
     .methods = checksum_methods,
     .example = {.program = "checksum_row a,b with=xxh64 into=sum",
                 .input = "a,b\n1,x\n1,x\n1,\n",
                 .output =
                     "a,b,sum\n1,x,bf30c150df972fa3\n1,x,bf30c150df972fa3\n1,,e7dbc2126f52745d\n"},
     ROWWISE_MAP(.column = checksums, .several = true)},
    {.name = NULL},
};
