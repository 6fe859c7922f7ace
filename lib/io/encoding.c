#include "io/stage.h"

#include <errno.h>
#include <iconv.h>
#include <inttypes.h>

enum { IN_SIZE = 32768, OUT_SIZE = 65536 };

struct decoder {
    struct reader reader;
    struct reader *below;
    iconv_t cd;
    char *encoding;
    uint64_t offset; /* of in[0] in the undecoded bytes, for messages */
    size_t in_len;
    size_t out_at, out_len;
    bool in_ended, flushed;
    char in[IN_SIZE];
    char out[OUT_SIZE];
};

static int fill_input(struct decoder *d, struct error *e)
{
    ssize_t got = reader_read(d->below, d->in + d->in_len, sizeof d->in - d->in_len, e);
    if (got < 0)
        return (int)got;
    d->in_ended = got == 0;
    d->in_len += (size_t)got;
    return 0;
}

static void use_input(struct decoder *d, size_t used)
{
    memmove(d->in, d->in + used, d->in_len - used);
    d->in_len -= used;
    d->offset += used;
}

static int bad_bytes(const struct decoder *d, const char *why, struct error *e)
{
    char text[QUOTE_MAX];
    return error_set(e, ERR_DATA, "%s at byte offset %" PRIu64 " for the encoding %s", why,
                     d->offset, quote(text, d->encoding, strlen(d->encoding)));
}

/* Decodes what the input holds into out. Characters cut off at the end of the input wait
 * for more. */
static int decode(struct decoder *d, struct error *e)
{
    char *from = d->in, *to = d->out;
    size_t from_left = d->in_len, to_left = sizeof d->out;
    size_t result = iconv(d->cd, &from, &from_left, &to, &to_left);
    int why = errno;
    d->out_at = 0;
    d->out_len = sizeof d->out - to_left;
    use_input(d, d->in_len - from_left);
    if (result != (size_t)-1 || why == E2BIG || d->out_len > 0)
        return 0; /* a bad byte behind good ones is met again by the next call */
    if (why == EILSEQ)
        return bad_bytes(d, "bad bytes", e);
    return d->in_ended ? bad_bytes(d, "a character cut off by the end of the file", e) : 0;
}

/* Some encodings keep a character back until they know that no accent follows it. */
static void flush(struct decoder *d)
{
    char *to = d->out;
    size_t to_left = sizeof d->out;
    iconv(d->cd, NULL, NULL, &to, &to_left);
    d->flushed = true;
    d->out_at = 0;
    d->out_len = sizeof d->out - to_left;
}

static int refill_output(struct decoder *d, struct error *e)
{
    if (!d->in_ended && d->in_len < sizeof d->in) {
        int status = fill_input(d, e);
        if (status)
            return status;
    }
    if (d->in_len > 0)
        return decode(d, e);
    if (d->in_ended)
        flush(d);
    return 0;
}

static ssize_t decoder_read(struct reader *r, void *into, size_t n, struct error *e)
{
    struct decoder *d = (struct decoder *)r;
    while (d->out_at == d->out_len) {
        if (d->flushed)
            return 0;
        int status = refill_output(d, e);
        if (status)
            return status;
    }
    size_t take = d->out_len - d->out_at < n ? d->out_len - d->out_at : n;
    memcpy(into, d->out + d->out_at, take);
    d->out_at += take;
    return (ssize_t)take;
}

static void decoder_free(struct reader *r)
{
    struct decoder *d = (struct decoder *)r;
    iconv_close(d->cd);
    reader_free(d->below);
    mem_free(d->encoding);
    mem_free(d);
}

/* glibc reads options after a slash ("//IGNORE" would drop bad bytes silently). */
static bool is_plain_name(const char *encoding)
{
    return *encoding && !strchr(encoding, '/');
}

int reader_encoding(struct reader *below, const char *encoding, uint64_t offset,
                    struct reader **out, struct error *e)
{
    static const struct reader_kind kind = {decoder_read, decoder_free};
    iconv_t cd = is_plain_name(encoding) ? iconv_open("UTF-8", encoding) : (iconv_t)-1;
    if (cd == (iconv_t)-1) {
        char text[QUOTE_MAX];
        reader_free(below);
        return error_set(e, ERR_USAGE, "unknown encoding %s: expected a name that iconv -l lists",
                         quote(text, encoding, strlen(encoding)));
    }
    struct decoder *d = mem_alloc(sizeof *d);
    d->reader.kind = &kind;
    d->below = below;
    d->cd = cd;
    d->encoding = mem_text(encoding);
    d->offset = offset;
    *out = &d->reader;
    return 0;
}
