/* One instance at work: its folder, its environment, and what becomes of what it made. */
#include "processing/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MESSAGE_MAX = 1024 };

/* ---- inputs ---- */

/* The header, and the records of the instance. */
static int write_lines(const struct item *item, int out, const char *to, struct error *e)
{
    int in = open(item->path, O_RDONLY | O_CLOEXEC);
    int status = in < 0 ? error_errno(e, "cannot open %s", item->path)
                        : file_pass(in, item->path, 0, item->header, out, to, e);
    if (status == 0)
        status = file_pass(in, item->path, item->begin, item->end, out, to, e);
    if (in >= 0)
        close(in);
    return status;
}

static int write_part(const struct item *item, bool groups, const char *to, struct error *e)
{
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int status = out < 0  ? error_errno(e, "cannot write %s", to)
                 : groups ? item_write_groups(item, out, to, e)
                          : write_lines(item, out, to, e);
    if (out >= 0)
        close(out);
    return status;
}

/* A whole file is there under a second name, else by a link to it. */
static int place_item(const struct item *item, bool groups, const char *folder, struct error *e)
{
    char *to = mem_format("%s/%s", folder, item->as);
    int status = folder_make_parents(to, e);
    if (status == 0 && !item_is_whole(item))
        status = write_part(item, groups, to, e);
    else if (status == 0 && link(item->path, to) != 0 && symlink(item->path, to) != 0)
        status = error_errno(e, "cannot place %s", to);
    mem_free(to);
    return status;
}

static int place_share(const struct share *s, bool groups, const char *folder, struct error *e)
{
    int status = mkdir(folder, 0777) == 0 ? 0 : error_errno(e, "cannot make %s", folder);
    for (size_t i = 0; i < s->count && status == 0; i++)
        status = place_item(&s->items[i], groups, folder, e);
    return status;
}

static int place_fifo(struct attempt *a, const struct share *s, const struct shard_records *records,
                      const char *path, struct error *e)
{
    int whole = -1;
    if (mkfifo(path, 0600) != 0)
        return error_errno(e, "cannot make %s", path);
    if (records->groups && s->count) {
        char *scratch = mem_format("%s.whole", path);
        whole = share_open(s, scratch, e);
        mem_free(scratch);
        if (whole < 0)
            return whole;
    }
    vec_push(&a->feeds, feed_start(s, records, whole, -1, path));
    return 0;
}

/* ---- its environment ---- */

static void put_variable(struct attempt *a, const char *kind, const char *name, const char *value)
{
    char *text = mem_format("%s%s=%s", kind, name, value);
    for (char *at = text + strlen(kind); *at != '='; at++)
        *at = *at >= 'a' && *at <= 'z'                                   ? (char)(*at - 32)
              : (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') ? *at
                                                                         : '_';
    vec_push(&a->environment, text);
    a->own++;
}

/* A path in the attempt's folder, as the command sees it. */
static void put_place(struct attempt *a, const char *kind, const char *name, const char *path)
{
    static const char *const places[][2] = {{"/input/", CLOUD_FOLDER "/processing/input/"},
                                            {"/output/", CLOUD_FOLDER "/processing/output/"},
                                            {"/config", CLOUD_FOLDER "/config"},
                                            {"/told/", CLOUD_FOLDER "/output/"}};
    const char *rest = path + strlen(a->folder);
    char *inside = NULL;
    for (size_t i = 0; a->p->job.isolated && i < COUNT_OF(places); i++)
        if (strncmp(rest, places[i][0], strlen(places[i][0])) == 0)
            inside = mem_format("%s%s", places[i][1], rest + strlen(places[i][0]));
    put_variable(a, kind, name, inside ? inside : path);
    mem_free(inside);
}

static void put_number(struct attempt *a, const char *name, size_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%zu", value);
    put_variable(a, "ML_", name, text);
}

static bool is_set(const struct attempt *a, const char *variable)
{
    size_t n = strcspn(variable, "=") + 1;
    for (size_t i = 0; i < a->environment.len; i++)
        if (strncmp(a->environment.at[i], variable, n) == 0)
            return true;
    return false;
}

static void add_environment(struct attempt *a)
{
    const struct processing_job *j = &a->p->job;
    put_variable(a, "ML_", "JOB", j->name);
    put_number(a, "RANK", a->instance);
    put_number(a, "WORLD_SIZE", a->p->instances);
    put_number(a, "ATTEMPT", a->number);
    if (a->p->first_row)
        put_number(a, "FIRST_ROW", a->p->first_row[a->instance]);
    for (char **at = j->environment; at && *at; at++)
        vec_push(&a->environment, *at);
    for (char **at = environ; *at; at++)
        if (!is_set(a, *at))
            vec_push(&a->environment, *at);
    vec_push(&a->environment, NULL);
}

/* In a sandbox it is in a folder that the command may write to. */
static char *message_path(const struct attempt *a)
{
    return mem_format("%s/%smessage", a->folder, a->p->job.isolated ? "told/" : "");
}

/* ---- folders ---- */

static int make_folder(struct attempt *a, const char *name, struct error *e)
{
    char *path = mem_format("%s%s%s", a->folder, *name ? "/" : "", name);
    int status = mkdir(path, 0777) == 0 ? 0 : error_errno(e, "cannot make %s", path);
    mem_free(path);
    return status;
}

static int make_inputs(struct attempt *a, struct error *e)
{
    const struct processing_job *j = &a->p->job;
    int status = 0;
    for (size_t i = j->streams; i < j->input_count && status == 0; i++) {
        const struct share *s = share_of(a->p, a->instance, i);
        char *path = mem_format("%s/input/%s", a->folder, j->inputs[i].name);
        const struct shard_records *records = &j->inputs[i].records;
        status = j->inputs[i].piped ? place_fifo(a, s, records, path, e)
                                    : place_share(s, records->groups, path, e);
        put_place(a, "ML_INPUT_", j->inputs[i].name, path);
        mem_free(path);
    }
    return status;
}

static int make_outputs(struct attempt *a, struct error *e)
{
    const struct processing_job *j = &a->p->job;
    int status = 0;
    for (size_t i = j->streams; i < j->output_count && status == 0; i++) {
        char *path = mem_format("%s/output/%s", a->folder, j->outputs[i].name);
        status = mkdir(path, 0777) == 0 ? 0 : error_errno(e, "cannot make %s", path);
        put_place(a, "ML_OUTPUT_", j->outputs[i].name, path);
        mem_free(path);
    }
    return status;
}

static int make_folders(struct attempt *a, struct error *e)
{
    const struct processing_job *j = &a->p->job;
    const char *const names[] = {"", "config", j->isolated ? "told" : NULL,
                                 j->input_count > j->streams ? "input" : NULL,
                                 j->output_count > j->streams ? "output" : NULL};
    int status = folder_remove(a->folder, e);
    for (size_t i = 0; i < COUNT_OF(names) && status == 0; i++)
        status = names[i] ? make_folder(a, names[i], e) : 0;
    if (status == 0)
        status = make_inputs(a, e);
    if (status == 0)
        status = make_outputs(a, e);
    char *path = mem_format("%s/config", a->folder);
    put_place(a, "ML_", "CONFIG", path);
    if (status == 0)
        status = config_write(a->p, a->instance, path, e);
    mem_free(path);
    path = message_path(a);
    put_place(a, "ML_", "MESSAGE", path);
    mem_free(path);
    return status;
}

/* ---- streams ---- */

static char *part_path(const struct attempt *a)
{
    return mem_format("%s.out", a->folder);
}

/* Who reads Parquet seeks in it. */
static int open_groups(struct attempt *a, const struct share *s, struct error *e)
{
    char *path = mem_format("%s.in", a->folder);
    a->streams[0] = share_open(s, path, e);
    mem_free(path);
    return a->streams[0] < 0 ? a->streams[0] : 0;
}

/* One whole file is given as it is, all else through a pipe. */
static int open_input(struct attempt *a, struct error *e)
{
    const struct share *s = share_of(a->p, a->instance, 0);
    const struct shard_records *records = &a->p->job.inputs[0].records;
    int ends[2];
    if (records->groups && s->count)
        return open_groups(a, s, e);
    if (s->count == 1 && item_is_whole(&s->items[0])) {
        a->streams[0] = open(s->items[0].path, O_RDONLY | O_CLOEXEC);
        return a->streams[0] >= 0 ? 0 : error_errno(e, "cannot open %s", s->items[0].path);
    }
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_errno(e, "cannot make a pipe");
    a->streams[0] = ends[0];
    vec_push(&a->feeds, feed_start(s, records, -1, ends[1], NULL));
    return 0;
}

static int open_streams(struct attempt *a, struct error *e)
{
    if (!a->p->job.streams)
        return 0;
    char *path = part_path(a);
    int status = open_input(a, e);
    if (status == 0) {
        a->streams[1] = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        status = a->streams[1] >= 0 ? 0 : error_errno(e, "cannot write %s", path);
    }
    mem_free(path);
    return status;
}

/* ---- the whole ---- */

int attempt_open(const struct processing *p, size_t instance, unsigned number, struct attempt **out,
                 struct error *e)
{
    struct attempt *a = mem_alloc(sizeof *a);
    *a = (struct attempt){.p = p, .instance = instance, .number = number, .streams = {-1, -1}};
    a->folder = mem_format("%s/work/%zu.%u", p->folder, instance, number);
    a->log = processing_log_path(p, instance);
    a->is_plain = p->job.streams && p->job.input_count == 1 && p->job.output_count == 1;
    int status = a->is_plain ? 0 : make_folders(a, e);
    if (status == 0)
        status = open_streams(a, e);
    add_environment(a);
    if (status == 0 && p->job.isolated)
        a->sandbox = attempt_sandbox(a);
    if (status == 0)
        *out = a;
    else
        attempt_close(a);
    return status;
}

void attempt_started(struct attempt *a)
{
    for (int i = 0; i < 2; i++) {
        if (a->streams[i] >= 0)
            close(a->streams[i]);
        a->streams[i] = -1;
    }
}

int attempt_fed(struct attempt *a, struct error *e)
{
    int status = 0;
    for (size_t i = 0; i < a->feeds.len; i++) {
        struct error why = {0};
        int ended = feed_end(a->feeds.at[i], &why);
        if (ended && status == 0) {
            status = ended;
            *e = why;
        }
    }
    a->feeds.len = 0;
    return status;
}

char *attempt_message(const struct attempt *a)
{
    char bytes[MESSAGE_MAX];
    if (a->is_plain)
        return NULL;
    char *path = message_path(a);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : file_read(fd, bytes, sizeof bytes, path, NULL);
    if (fd >= 0)
        close(fd);
    mem_free(path);
    while (n > 0 && (bytes[n - 1] == '\n' || bytes[n - 1] == '\r'))
        n--;
    return n > 0 ? mem_text_n(bytes, (size_t)n) : NULL;
}

static void remove_leavings(const struct attempt *a)
{
    if (!a->is_plain) {
        (void)folder_remove(a->folder, NULL);
    } else if (!a->is_moved) {
        char *part = part_path(a);
        (void)unlink(part);
        mem_free(part);
    }
}

void attempt_close(struct attempt *a)
{
    if (!a)
        return;
    attempt_started(a);
    (void)attempt_fed(a, &(struct error){0});
    remove_leavings(a);
    attempt_sandbox_free(a->sandbox);
    for (size_t i = 0, own = a->own; i < own; i++)
        mem_free(a->environment.at[i]);
    vec_release(&a->environment);
    vec_release(&a->feeds);
    mem_free(a->log);
    mem_free(a->folder);
    mem_free(a);
}
