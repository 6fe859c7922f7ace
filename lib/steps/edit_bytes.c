/* Edit text: characters that were read in the wrong encoding. */
#include "prep/rowwise.h"
#include "runtime/program_markup.h"
#include "steps/letters.h"
#include "steps/steps.h"

#include <errno.h>
#include <iconv.h>

static int try_encoding(struct step *s, const char *argument, struct error *e)
{
    const char *name = arg_string(s, argument);
    iconv_t there = iconv_open(name, "UTF-8"), back = iconv_open("UTF-8", name);
    bool known = there != (iconv_t)-1 && back != (iconv_t)-1;
    if (there != (iconv_t)-1)
        iconv_close(there);
    if (back != (iconv_t)-1)
        iconv_close(back);
    char quoted[QUOTE_MAX];
    if (known)
        return 0;
    return step_error(s, e, "%s: unknown encoding %s", argument, quote(quoted, name, strlen(name)));
}

static int prepare_transcode(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    int rc = try_encoding(s, "encode", e);
    return rc ? rc : try_encoding(s, "decode", e);
}

/* Appends all of `from`, converted; false when that cannot be, or not without loss. */
static bool convert(iconv_t converter, struct text from, struct buf *out)
{
    /* iconv takes the text as not const, and leaves it alone. */
    union {
        const char *given;
        char *taken;
    } in = {.given = from.at};
    size_t left = from.len, substituted = 0;
    (void)iconv(converter, NULL, NULL, NULL, NULL);
    while (left > 0) {
        buf_reserve(out, 4 * left + 16);
        char *to = out->at + out->len;
        size_t room = out->cap - out->len, before = room;
        size_t n = iconv(converter, &in.taken, &left, &to, &room);
        out->len += before - room;
        if (n == (size_t)-1 && errno != E2BIG)
            return false;
        substituted += n == (size_t)-1 ? 0 : n;
    }
    return substituted == 0;
}

static bool transcode_cell(iconv_t encode, iconv_t decode, struct text cell, struct buf *bytes,
                           struct buf *out)
{
    bytes->len = 0;
    return convert(encode, cell, bytes) &&
           convert(decode, (struct text){bytes->at, bytes->len}, out);
}

static int transcode(struct mapping *m)
{
    iconv_t encode = iconv_open(arg_string(m->step, "encode"), "UTF-8");
    iconv_t decode = iconv_open("UTF-8", arg_string(m->step, "decode"));
    struct buf bytes = {0};
    int rc = 0;
    if (encode == (iconv_t)-1 || decode == (iconv_t)-1)
        rc = error_errno(m->error, "transcode");
    for (size_t r = 0; r < m->rows && rc == 0; r++) {
        struct text cell = m->in->text[r];
        m->out->text[r] = cell;
        if (!cell.at || text_is_ascii(cell))
            continue;
        if (transcode_cell(encode, decode, cell, &bytes, &m->scratch)) {
            m->out->text[r] = mapping_text(m);
            continue;
        }
        m->scratch.len = 0;
        m->out->text[r] = (struct text){NULL, 0};
        rc = mapping_reject(m, 0, r, "the text does not fit these encodings");
    }
    buf_release(&bytes);
    if (encode != (iconv_t)-1)
        iconv_close(encode);
    if (decode != (iconv_t)-1)
        iconv_close(decode);
    return rc;
}

/* The bytes a text was misread from, in the scratch; false when there are none. */
static bool unread(struct mapping *m, struct text cell)
{
    buf_reserve(&m->scratch, cell.len + 1);
    return ml_unread((struct ml_text){cell.at, cell.len}, m->scratch.at, &m->scratch.len);
}

/* Text that was misread more than once is mended as often. */
static struct text fix_mojibake(struct mapping *m, struct text cell)
{
    for (int i = 0; i < ML_REPAIRS_MAX && !text_is_ascii(cell) && unread(m, cell); i++)
        cell = mapping_text(m);
    m->scratch.len = 0;
    return cell;
}

static int lower_mojibake(struct lower_map *m)
{
    m->out[0] = lower_op(m->to, ML_OP_unread, m->in[0], 0, 0);
    return 0;
}

static const struct arg transcode_args[] = {
    ROWWISE_COLUMNS("columns of text"),
    {.name = "encode",
     .kind = ARG_TEXT,
     .required = true,
     .help = "encoding the bytes were wrongly taken for, such as latin1"},
    {.name = "decode", .kind = ARG_TEXT, .fallback = "UTF-8", .help = "encoding they are in"},
    ROWWISE_INTO,
    ROWWISE_SUFFIX,
    {.name = NULL}};

static const struct arg mojibake_args[] = {
    ROWWISE_COLUMNS("columns of text"), ROWWISE_INTO, ROWWISE_SUFFIX, {.name = NULL}};

const struct step_kind steps_edit_bytes[] = {
    {.name = "transcode",
     .not_compiled = "converts with iconv, which artefacts do without",
     .family = "edit",
     .class = "S",
     ROWWISE_HOOKS,
     .summary = "read text again that was read in the wrong encoding",
     .details =
         "Writes the characters in encode, and reads the bytes as decode (names as iconv knows "
         "them). A cell that does not fit is rejected. A whole file in another encoding is read "
         "with --encoding.",
     .args = transcode_args,
     .example = {.program = "transcode x encode=latin1 decode=UTF-8",
                 .input = "x\nÃ©tÃ©\nplain\n",
                 .output = "x\nété\nplain\n"},
     .detail = &(const struct rowwise){.column = transcode, .prepare = prepare_transcode}},
    {.name = "fix_mojibake",
     .family = "edit",
     .class = "S",
     ROWWISE_HOOKS,
     .summary = "mend UTF-8 text that was read as Windows-1252 or Latin-1",
     .details =
         "A cell changes only when all its characters can be bytes of those encodings and the "
         "bytes are UTF-8: good text is left alone unless it looks exactly like a misreading. "
         "Mends up to three misreadings in a row.",
     .args = mojibake_args,
     .example = {.program = "fix_mojibake x",
                 .input = "x\nnaÃ¯ve\nnaïve\n",
                 .output = "x\nnaïve\nnaïve\n"},
     .detail = &(const struct rowwise){.text = fix_mojibake, .lower = lower_mojibake}},
    {.name = NULL},
};
