/* Commands that were run by others and watched: events of the ledger as steps are. */
#include "pipeline/event.h"
#include "pipeline/pipeline.h"

enum { NAME_MAX_BYTES = 60 };

/* Files below the root, but not of the state. */
struct files {
    VEC(struct text) names; /* relative to the root */
    struct file_state *states;
};

static void take_files(const struct watched_command *c, const char *root, const char *home,
                       bool written, struct files *out)
{
    size_t n = strlen(root), state = strlen(home);
    for (size_t i = 0; i < c->files->ways.len; i++) {
        struct text path = c->files->paths.keys.at[i];
        const struct seen_way *way = &c->files->ways.at[i];
        bool inside = path.len > n + 1 && memcmp(path.at, root, n) == 0 && path.at[n] == '/';
        bool own = path.len >= state && memcmp(path.at, home, state) == 0;
        bool wanted = written ? way->written : way->read_first && !way->written;
        if (inside && !own && wanted)
            vec_push(&out->names, ((struct text){path.at + n + 1, path.len - n - 1}));
    }
}

/* Those that are no files now, as a temporary one, or a folder, are left out. */
static int digest_files(struct digests *d, const char *root, struct files *f, struct error *e)
{
    size_t kept = 0;
    f->states = mem_alloc((f->names.len + 1) * sizeof *f->states);
    int status = digests_of(d, root, f->names.at, f->names.len, 1, f->states, e);
    for (size_t i = 0; status == 0 && i < f->names.len; i++)
        if (f->states[i].kind == FILE_REGULAR) {
            f->names.at[kept] = f->names.at[i];
            f->states[kept++] = f->states[i];
        }
    f->names.len = kept;
    return status;
}

static void files_release(struct files *f)
{
    vec_release(&f->names);
    mem_free(f->states);
}

static void put_files(struct buf *b, const char *name, const struct files *f)
{
    buf_format(b, ",\"%s\":{", name);
    for (size_t i = 0; i < f->names.len; i++) {
        buf_puts(b, i ? "," : "");
        json_put_string(b, f->names.at[i].at, f->names.at[i].len);
        buf_puts(b, ":\"");
        hex_put(b, f->states[i].digest.at, 2 * SHA256_SIZE);
        buf_putc(b, '"');
    }
    buf_putc(b, '}');
}

/* It has no name of its own: that of the first file it made, else how it begins. Returns owned. */
static char *name_of(const struct watched_command *c, const struct files *out)
{
    size_t n = strcspn(c->line, "\n");
    return out->names.len ? mem_text_n(out->names.at[0].at, out->names.at[0].len)
                          : mem_text_n(c->line, n < NAME_MAX_BYTES ? n : NAME_MAX_BYTES);
}

static void put_event(struct buf *b, const char *root, const struct watched_command *c,
                      const struct files *in, const struct files *out)
{
    const char *slash = strrchr(root, '/');
    char *name = name_of(c, out);
    buf_puts(b, "\"event\":\"step\"");
    event_put(b, "run", c->run);
    event_put(b, "pipeline", slash && slash[1] ? slash + 1 : root);
    event_put(b, "step", name);
    mem_free(name);
    buf_format(b, ",\"state\":\"%s\",\"attempt\":1,\"exit\":%d", c->status ? "Failed" : "Succeeded",
               c->status);
    event_put_time(b, "started", c->started);
    event_put_time(b, "ended", c->ended);
    buf_format(b, ",\"seconds\":%.6f", (double)(c->ended - c->started) / USEC_SECOND);
    event_put(b, "command", c->line);
    event_put(b, "directory", c->directory);
    if (!c->files->traced)
        buf_puts(b, ",\"watched\":false");
    put_files(b, "in", in);
    put_files(b, "out", out);
}

int pipeline_note_command(const char *home, const char *root, const struct watched_command *c,
                          struct error *e)
{
    char *known = mem_format("%s/digests", home), *ledger = mem_format("%s/ledger.jsonl", home);
    struct digests *d = digests_open(known);
    struct files in = {0}, out = {0};
    struct buf event = {0};
    take_files(c, root, home, false, &in);
    take_files(c, root, home, true, &out);
    int status = digest_files(d, root, &in, e);
    if (status == 0)
        status = digest_files(d, root, &out, e);
    if (status == 0) {
        put_event(&event, root, c, &in, &out);
        status = event_append(ledger, &event, false, e);
    }
    if (status == 0)
        status = digests_save(d, e);
    digests_close(d);
    buf_release(&event);
    files_release(&in);
    files_release(&out);
    mem_free(ledger);
    mem_free(known);
    return status;
}
