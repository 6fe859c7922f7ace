#include "artefact/tool.h"

#include <fcntl.h>
#include <unistd.h>

enum { COMPLAINT_MAX = 16 << 10, VERSION_TIMEOUT_MS = 10000 };

void command_add(struct command_line *c, const char *word)
{
    if (c->len + 1 < TOOL_WORDS)
        c->word[c->len++] = word;
}

void command_add_all(struct command_line *c, const char *const *words)
{
    while (*words)
        command_add(c, *words++);
}

static bool says(struct text line, const char *what)
{
    return memmem(line.at, line.len, what, strlen(what)) != NULL;
}

/* The line of a compiler's complaints that says the most: its first error, or else the last. That
 * of collect2 is about another program's. */
static struct text chief_line(struct text said)
{
    struct text best = {0};
    for (size_t i = 0; i < said.len;) {
        const char *at = said.at + i, *end = memchr(at, '\n', said.len - i);
        struct text line = {at, end ? (size_t)(end - at) : said.len - i};
        i += line.len + 1;
        if (says(line, "collect2"))
            continue;
        if (says(line, "error:") || says(line, "undefined reference") || says(line, "overflowed"))
            return line;
        best = line.len > 0 ? line : best;
    }
    return best;
}

static int failed(const char *program, int status, struct text said, struct error *e)
{
    struct text line = chief_line(said);
    if (status > 128)
        return error_set(e, ERR_SYSTEM, "%s was ended by signal %d: %.*s", program, status - 128,
                         (int)line.len, line.at ? line.at : "");
    return error_set(e, ERR_SYSTEM, "%s failed with status %d: %.*s", program, status,
                     (int)line.len, line.at ? line.at : "");
}

/* The words as posix_spawn wants them; returns owned. */
static char **words_of(const struct command_line *c)
{
    char **argv = mem_array(NULL, c->len + 1, sizeof *argv);
    for (size_t i = 0; i < c->len; i++)
        argv[i] = mem_text(c->word[i]);
    argv[c->len] = NULL;
    return argv;
}

static void words_free(char **argv)
{
    for (size_t i = 0; argv[i]; i++)
        mem_free(argv[i]);
    mem_free(argv);
}

int program_run(const struct command_line *c, const char *directory, int timeout_ms, int *status,
                struct error *e)
{
    struct buf said = {0};
    char **argv = words_of(c);
    int ended = 0;
    struct process p = {.argv = argv,
                        .directory = directory,
                        .err = &said,
                        .limit = COMPLAINT_MAX,
                        .timeout_ms = timeout_ms ? timeout_ms : TOOL_TIMEOUT_MS};
    int rc = process_run(&p, &ended, e);
    if (rc == 0 && status)
        *status = ended;
    if (rc == 0 && ended != 0 && (!status || ended > 128))
        rc = failed(c->word[0], ended, (struct text){said.at, said.len}, e);
    words_free(argv);
    buf_release(&said);
    return rc;
}

char *tool_version(const char *program)
{
    char *name = mem_text(program);
    char *const argv[] = {name, (char[]){"--version"}, NULL};
    struct buf said = {0};
    int status = -1;
    struct process p = {
        .argv = argv, .out = &said, .limit = COMPLAINT_MAX, .timeout_ms = VERSION_TIMEOUT_MS};
    char *version = NULL;
    if (process_run(&p, &status, NULL) == 0 && status == 0 && said.len > 0)
        version = mem_text_n(said.at, strcspn(buf_text(&said), "\n"));
    buf_release(&said);
    mem_free(name);
    return version;
}

static int put(const char *directory, const char *name, mode_t mode, struct text bytes,
               struct error *e)
{
    char *path = mem_format("%s/%s", directory, name);
    int rc, fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        rc = error_errno(e, "cannot create");
        error_at(e, path, 0, 0);
    } else {
        rc = file_write(fd, bytes.at, bytes.len, path, e);
        close(fd);
    }
    mem_free(path);
    return rc;
}

int directory_put(const char *directory, const char *name, struct text bytes, struct error *e)
{
    return put(directory, name, 0666, bytes, e);
}

int directory_put_program(const char *directory, const char *name, struct text bytes,
                          struct error *e)
{
    return put(directory, name, 0777, bytes, e);
}

int directory_get(const char *directory, const char *name, size_t limit, struct buf *out,
                  struct error *e)
{
    char *path = mem_format("%s/%s", directory, name);
    int rc = file_load(path, limit, out, e);
    mem_free(path);
    return rc;
}
