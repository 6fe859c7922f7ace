/* Jobs and results as JSON texts. */
#include "job/spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- bytes ---- */

json_t *bytes_json(const char *at, size_t n)
{
    struct buf b = {0};
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)at[i];
        if (c >= 0x80)
            buf_putc(&b, (char)(0xc0 | c >> 6));
        buf_putc(&b, (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c));
    }
    json_t *value = json_stringn_nocheck(b.len ? b.at : "", b.len);
    buf_release(&b);
    return value;
}

void bytes_read(const json_t *value, struct buf *out)
{
    const char *at = json_string_value(value);
    size_t n = at ? json_string_length(value) : 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)at[i];
        if (c >= 0x80 && i + 1 < n)
            c = (unsigned char)(c << 6 | (at[++i] & 0x3f));
        buf_putc(out, (char)c);
    }
}

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text)
        (void)json_object_set_new(object, name, bytes_json(text, strlen(text)));
}

static void set_list(json_t *object, const char *name, char *const *list)
{
    json_t *array = json_array();
    for (; list && *list; list++)
        (void)json_array_append_new(array, bytes_json(*list, strlen(*list)));
    (void)json_object_set_new(object, name, array);
}

static void dump(struct buf *out, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    if (text)
        buf_puts(out, text);
    free(text);
    json_decref(value);
}

static char *get_text(const json_t *value, struct arena *arena)
{
    struct buf b = {0};
    if (!json_is_string(value))
        return NULL;
    bytes_read(value, &b);
    char *text = arena_text(arena, b.len ? b.at : "", b.len);
    buf_release(&b);
    return text;
}

/* Ends with NULL; NULL when there is none. */
static char **get_list(const json_t *array, struct arena *arena)
{
    if (!json_is_array(array))
        return NULL;
    size_t n = json_array_size(array), used = 0;
    char **list = arena_alloc(arena, (n + 1) * sizeof *list);
    for (size_t i = 0; i < n; i++) {
        char *text = get_text(json_array_get(array, i), arena);
        if (text)
            list[used++] = text;
    }
    list[used] = NULL;
    return list;
}

static json_t *load(struct text text, struct error *e)
{
    json_error_t why;
    json_t *value = json_loadb(text.at ? text.at : "", text.len, JSON_ALLOW_NUL, &why);
    if (!value)
        error_set(e, ERR_DATA, "a file of the spool is damaged: %s", why.text);
    return value;
}

/* ---- jobs ---- */

/* A path as another process with another working directory finds it. Returns owned; NULL stays. */
static char *absolute(const char *path, const char *from)
{
    if (!path || path[0] == '/')
        return path ? mem_text(path) : NULL;
    return strcmp(path, ".") == 0 ? mem_text(from) : mem_format("%s/%s", from, path);
}

void spool_put_job(struct buf *out, const struct job *j)
{
    char *here = getcwd(NULL, 0);
    const char *from = here ? here : "/";
    char *directory = absolute(j->directory ? j->directory : ".", from);
    char *log = absolute(j->log, from);
    json_t *object = json_object();
    if (j->argv)
        set_list(object, "argv", j->argv);
    else
        set_text(object, "script", j->script);
    set_text(object, "directory", directory);
    set_text(object, "log", log);
    (void)json_object_set_new(object, "timeout_us", json_integer(j->timeout));
    (void)json_object_set_new(object, "grace_us", json_integer(j->grace));
    if (j->environment)
        set_list(object, "environment", j->environment);
    if (j->limits) {
        (void)json_object_set_new(object, "memory", json_integer((json_int_t)j->limits->memory));
        (void)json_object_set_new(object, "processes", json_integer(j->limits->processes));
    }
    dump(out, object);
    mem_free(directory);
    mem_free(log);
    free(here);
}

int spool_read_job(struct text text, struct arena *arena, struct job *out, struct error *e)
{
    json_t *object = load(text, e);
    if (!object)
        return ERR_DATA;
    *out = (struct job){
        .argv = get_list(json_object_get(object, "argv"), arena),
        .script = get_text(json_object_get(object, "script"), arena),
        .directory = get_text(json_object_get(object, "directory"), arena),
        .environment = get_list(json_object_get(object, "environment"), arena),
        .log = get_text(json_object_get(object, "log"), arena),
        .timeout = json_integer_value(json_object_get(object, "timeout_us")),
        .grace = json_integer_value(json_object_get(object, "grace_us")),
    };
    if (json_object_get(object, "memory")) {
        struct limits *limits = arena_zero(arena, sizeof *limits);
        limits->memory = (uint64_t)json_integer_value(json_object_get(object, "memory"));
        limits->processes = (uint32_t)json_integer_value(json_object_get(object, "processes"));
        out->limits = limits;
    }
    json_decref(object);
    return (out->argv && out->argv[0]) || out->script
               ? 0
               : error_set(e, ERR_DATA, "a file of the spool is damaged: no command");
}

/* ---- the environment ---- */

void spool_put_environment(struct buf *out, char *const *environment)
{
    json_t *object = json_object();
    set_list(object, "environment", environment);
    dump(out, object);
}

static bool is_of_slurm(const char *variable)
{
    return strncmp(variable, "SLURM", 5) == 0;
}

int spool_read_environment(struct text text, struct arena *arena, char ***out, struct error *e)
{
    json_t *object = load(text, e);
    if (!object)
        return ERR_DATA;
    *out = get_list(json_object_get(object, "environment"), arena);
    json_decref(object);
    return *out ? 0 : error_set(e, ERR_DATA, "a file of the spool is damaged: no environment");
}

char **spool_with_slurm(char *const *list, struct arena *arena)
{
    size_t ours = 0, theirs = 0, n = 0;
    while (environ[ours])
        ours++;
    while (list[theirs])
        theirs++;
    char **all = arena_alloc(arena, (ours + theirs + 1) * sizeof *all);
    for (size_t i = 0; i < ours; i++)
        if (is_of_slurm(environ[i]))
            all[n++] = environ[i];
    for (size_t i = 0; i < theirs; i++)
        if (!is_of_slurm(list[i]))
            all[n++] = list[i];
    all[n] = NULL;
    return all;
}

/* ---- results ---- */

void spool_put_result(struct buf *out, const struct job_result *r, const char *node, bool lost)
{
    json_t *object = json_pack("{s:i s:i s:i s:b s:b s:b s:I s:I s:f s:f s:I s:I s:I s:b}", "class",
                               (int)r->class, "status", r->status, "signal", r->signal, "timed_out",
                               r->timed_out, "stopped", r->stopped, "wrote", r->wrote, "started",
                               (json_int_t)r->started, "ended", (json_int_t)r->ended, "user_s",
                               r->user_s, "system_s", r->system_s, "max_rss",
                               (json_int_t)r->max_rss, "read_bytes", (json_int_t)r->read_bytes,
                               "written_bytes", (json_int_t)r->written_bytes, "lost", lost);
    set_text(object, "problem", r->problem);
    set_text(object, "node", node);
    (void)json_object_set_new(object, "tail", bytes_json(r->tail.at, r->tail.len));
    dump(out, object);
}

static void copy_text(char *out, size_t size, const json_t *value)
{
    struct buf b = {0};
    bytes_read(value, &b);
    (void)snprintf(out, size, "%s", buf_text(&b));
    buf_release(&b);
}

static int64_t whole(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static bool truth(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

int spool_read_result(struct text text, struct job_result *out, struct buf *tail, char node[64],
                      bool *lost, struct error *e)
{
    json_t *object = load(text, e);
    if (!object)
        return ERR_DATA;
    int64_t class = whole(object, "class");
    *out = (struct job_result){
        .class =
            class >= JOB_SUCCEEDED && class < JOB_CLASSES ? (enum job_class) class : JOB_INTERNAL,
        .status = (int)whole(object, "status"),
        .signal = (int)whole(object, "signal"),
        .timed_out = truth(object, "timed_out"),
        .stopped = truth(object, "stopped"),
        .wrote = truth(object, "wrote"),
        .started = whole(object, "started"),
        .ended = whole(object, "ended"),
        .user_s = json_real_value(json_object_get(object, "user_s")),
        .system_s = json_real_value(json_object_get(object, "system_s")),
        .max_rss = (uint64_t)whole(object, "max_rss"),
        .read_bytes = (uint64_t)whole(object, "read_bytes"),
        .written_bytes = (uint64_t)whole(object, "written_bytes"),
    };
    *lost = truth(object, "lost");
    copy_text(out->problem, sizeof out->problem, json_object_get(object, "problem"));
    copy_text(node, 64, json_object_get(object, "node"));
    bytes_read(json_object_get(object, "tail"), tail);
    json_decref(object);
    return 0;
}
