#include "artefact/manifest.h"

#include "artefact/target.h"
#include "base/digest.h"

#include <inttypes.h>

#define ABI_VERSION 1 /* ML_ABI_VERSION of mlmodel.h */

/* ---- writing ---- */

static void put_member(struct buf *out, const char *name, const char *value)
{
    if (!value)
        return;
    buf_format(out, "  \"%s\": ", name);
    json_put_string(out, value, strlen(value));
    buf_puts(out, ",\n");
}

/* A member whose value is JSON, without the blanks behind it. */
static void put_json(struct buf *out, const char *name, struct text json)
{
    while (json.len > 0 && strchr(" \t\r\n", json.at[json.len - 1]))
        json.len--;
    buf_format(out, ",\n  \"%s\": ", name);
    buf_add(out, json.at, json.len);
}

static void put_file(struct buf *out, const struct artefact_file *file)
{
    char digest[2 * SHA256_SIZE + 1];
    sha256_hex(file->bytes, digest);
    buf_format(out, "    {\"name\": \"%s\", \"bytes\": %zu, \"sha256\": \"%s\"}", file->name,
               file->bytes.len, digest);
}

void manifest_write(const struct pack *p, const struct artefact_file *files, size_t count,
                    struct buf *out)
{
    const struct built *b = p->built;
    const char *info = (const char *)p->image + p->image->info_at;
    buf_format(out, "{\n  \"format\": %d,\n  \"abi\": %d,\n", ARTEFACT_FORMAT, ABI_VERSION);
    put_member(out, "tool", p->tool);
    put_member(out, "target", b->target->name);
    put_member(out, "library", b->library);
    put_member(out, "prefix", b->prefix);
    put_member(out, "compiler", b->compiler);
    buf_puts(out, "  \"files\": [\n");
    for (size_t i = 0; i < count; i++) {
        put_file(out, &files[i]);
        buf_puts(out, i + 1 < count ? ",\n" : "\n");
    }
    buf_puts(out, "  ]");
    if (p->image->info_at)
        put_json(out, "model", text_of(info));
    if (p->verification)
        put_json(out, "verification", text_of(p->verification));
    buf_puts(out, "\n}\n");
}

/* ---- reading ---- */

struct reading {
    struct json_reader json;
    struct artefact *artefact;
    uint64_t format;
    size_t listed;
    struct error *e;
};

static int malformed(struct reading *r, const char *what)
{
    return error_set(r->e, ERR_DATA, "%s: %s", MANIFEST_NAME, what);
}

/* The next value, a string; returns owned, or NULL. */
static char *read_string(struct reading *r)
{
    struct buf text = {0};
    if (json_next(&r->json) != JSON_TOKEN_STRING || !json_unescape(&text, r->json.raw) ||
        (text.len > 0 && memchr(text.at, '\0', text.len))) {
        buf_release(&text);
        return NULL;
    }
    return buf_take(&text);
}

static bool read_count(struct reading *r, uint64_t *x)
{
    int64_t i;
    double f;
    if (json_next(&r->json) != JSON_TOKEN_NUMBER ||
        number_parse(r->json.raw.at, r->json.raw.len, &i, &f) != NUMBER_INT || i < 0)
        return false;
    *x = (uint64_t)i;
    return true;
}

static bool key_is(const struct reading *r, const char *name)
{
    return !r->json.escaped && text_equal(r->json.raw, text_of(name));
}

static bool skip_value(struct reading *r)
{
    enum json_token t = json_next(&r->json);
    if (t == JSON_TOKEN_OBJECT || t == JSON_TOKEN_ARRAY)
        return json_skip(&r->json);
    return t != JSON_TOKEN_ERROR && t != JSON_TOKEN_DONE;
}

/* A row of "files" against the file itself. */
static int check_file(struct reading *r, const char *name, uint64_t bytes, const char *digest)
{
    char text[QUOTE_MAX], real[2 * SHA256_SIZE + 1];
    if (!name || !digest)
        return malformed(r, "a file without name or sha256");
    struct text file = artefact_file(r->artefact, name);
    quote(text, name, strlen(name));
    if (!file.at)
        return error_set(r->e, ERR_DATA, "file %s is missing", text);
    sha256_hex(file, real);
    if (file.len != bytes || strcmp(real, digest) != 0)
        return error_set(r->e, ERR_DATA, "file %s is not what the manifest says", text);
    r->listed++;
    return 0;
}

static int read_file(struct reading *r)
{
    char *name = NULL, *digest = NULL;
    uint64_t bytes = UINT64_MAX;
    bool good = true;
    enum json_token t;
    while (good && (t = json_next(&r->json)) == JSON_TOKEN_KEY) {
        if (key_is(r, "name") && !name)
            good = (name = read_string(r)) != NULL;
        else if (key_is(r, "sha256") && !digest)
            good = (digest = read_string(r)) != NULL;
        else if (key_is(r, "bytes"))
            good = read_count(r, &bytes);
        else
            good = skip_value(r);
    }
    int rc = good && t == JSON_TOKEN_END ? check_file(r, name, bytes, digest)
                                         : malformed(r, "a file's entry cannot be read");
    mem_free(name);
    mem_free(digest);
    return rc;
}

static int read_files(struct reading *r)
{
    enum json_token t;
    if (json_next(&r->json) != JSON_TOKEN_ARRAY)
        return malformed(r, "\"files\" is no array");
    while ((t = json_next(&r->json)) == JSON_TOKEN_OBJECT) {
        int rc = read_file(r);
        if (rc)
            return rc;
    }
    return t == JSON_TOKEN_END ? 0 : malformed(r, "\"files\" cannot be read");
}

static int read_member(struct reading *r)
{
    struct artefact *a = r->artefact;
    const struct {
        const char *name;
        char **to;
    } texts[] = {{"tool", &a->tool},
                 {"target", &a->target},
                 {"library", &a->library},
                 {"prefix", &a->prefix},
                 {"compiler", &a->compiler}};
    uint64_t abi = 0;
    if (key_is(r, "files"))
        return read_files(r);
    if (key_is(r, "format"))
        return read_count(r, &r->format) ? 0 : malformed(r, "\"format\" is no number");
    if (key_is(r, "abi")) {
        bool good = read_count(r, &abi) && abi <= INT32_MAX;
        a->abi = (int)abi;
        return good ? 0 : malformed(r, "\"abi\" is no number");
    }
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (key_is(r, texts[i].name) && !*texts[i].to) {
            *texts[i].to = read_string(r);
            return *texts[i].to ? 0 : malformed(r, "a text was expected");
        }
    return skip_value(r) ? 0 : malformed(r, r->json.problem ? r->json.problem : "cut off");
}

static int check_whole(struct reading *r)
{
    const struct artefact *a = r->artefact;
    char text[QUOTE_MAX];
    if (r->format != ARTEFACT_FORMAT || a->abi != ABI_VERSION)
        return error_set(r->e, ERR_DATA,
                         "format %" PRIu64 " with ABI %d: this program knows format %d with ABI %d",
                         r->format, a->abi, ARTEFACT_FORMAT, ABI_VERSION);
    if (!a->target || !a->library || !a->prefix)
        return malformed(r, "target, library or prefix is missing");
    if (!artefact_file(a, a->library).at)
        return error_set(r->e, ERR_DATA, "file %s is missing",
                         quote(text, a->library, strlen(a->library)));
    if (r->listed != a->file_count - 1)
        return malformed(r, "a file is not listed, or twice");
    return 0;
}

int manifest_read(struct text json, struct artefact *a, struct error *e)
{
    struct reading r = {.artefact = a, .e = e};
    enum json_token t;
    json_start(&r.json, json.at, json.len);
    if (json_next(&r.json) != JSON_TOKEN_OBJECT)
        return malformed(&r, "an object was expected");
    while ((t = json_next(&r.json)) == JSON_TOKEN_KEY) {
        int rc = read_member(&r);
        if (rc)
            return rc;
    }
    if (t != JSON_TOKEN_END || json_next(&r.json) != JSON_TOKEN_DONE)
        return malformed(&r, r.json.problem ? r.json.problem : "cut off");
    return check_whole(&r);
}
