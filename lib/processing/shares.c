/* Which instance has what: the files of each input are found and divided. */
#include "processing/parts.h"

#include "base/digest.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCRIPT_MAX = 1 << 30 };

/* ---- finding files ---- */

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int add_path(struct arena *arena, const char *path, path_list *out, struct error *e);

static int add_folder(struct arena *arena, const char *folder, path_list *out, struct error *e)
{
    DIR *d = opendir(folder);
    int status = d ? 0 : error_errno(e, "cannot read the folder %s", folder);
    for (const struct dirent *entry; d && status == 0 && (entry = readdir(d)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            status = add_path(arena, arena_format(arena, "%s/%s", folder, entry->d_name), out, e);
    if (d)
        closedir(d);
    return status;
}

/* A file, or all files below a folder. What is neither (a socket, a FIFO) cannot be divided. */
static int add_path(struct arena *arena, const char *path, path_list *out, struct error *e)
{
    struct stat s;
    if (stat(path, &s) != 0)
        return error_errno(e, "cannot look at %s", path);
    if (S_ISDIR(s.st_mode))
        return add_folder(arena, path, out, e);
    if (!S_ISREG(s.st_mode))
        return error_set(e, ERR_DATA, "%s is no regular file", path);
    vec_push(out, path);
    return 0;
}

static bool is_pattern(const char *path)
{
    return path[strcspn(path, "*?[")] != 0 && access(path, F_OK) != 0;
}

static int add_matching(struct arena *arena, const char *pattern, path_list *out, struct error *e)
{
    glob_t found = {0};
    int failed = glob(pattern, 0, NULL, &found), status = 0;
    if (failed && failed != GLOB_NOMATCH)
        status = error_set(e, ERR_SYSTEM, "cannot look for %s", pattern);
    for (size_t i = 0; !failed && i < found.gl_pathc && status == 0; i++) {
        const char *path = found.gl_pathv[i];
        status = add_path(arena, arena_text(arena, path, strlen(path)), out, e);
    }
    globfree(&found);
    return status;
}

/* How long the folder is that all are in, with its slash. */
static size_t common_folder(const path_list *paths)
{
    size_t n = 0;
    const char *first = paths->at ? paths->at[0] : "";
    for (const char *at = first; (at = strchr(at, '/')) != NULL; at++) {
        size_t cut = (size_t)(at + 1 - first);
        for (size_t i = 1; i < paths->len; i++)
            if (strncmp(paths->at[i], first, cut) != 0)
                return n;
        n = cut;
    }
    return n;
}

static void drop_repeated(path_list *paths)
{
    size_t kept = 0;
    for (size_t i = 0; i < paths->len; i++)
        if (kept == 0 || strcmp(paths->at[kept - 1], paths->at[i]) != 0)
            paths->at[kept++] = paths->at[i];
    paths->len = kept;
}

int shares_files(struct processing *p, const struct processing_input *in, path_list *out,
                 size_t *cut, struct error *e)
{
    struct stat s;
    for (char **at = in->paths; *at; at++) {
        size_t before = out->len;
        int status = is_pattern(*at) ? add_matching(&p->arena, *at, out, e)
                                     : add_path(&p->arena, *at, out, e);
        if (status == 0 && out->len == before)
            status = error_set(e, ERR_USAGE, "%s: there are no files", *at);
        if (status)
            return status;
    }
    if (out->len > 1)
        qsort(out->at, out->len, sizeof *out->at, compare_paths);
    drop_repeated(out);
    const char *only = in->paths[0] && !in->paths[1] ? in->paths[0] : "";
    bool folder = stat(only, &s) == 0 && S_ISDIR(s.st_mode);
    *cut = folder ? strlen(only) + 1 : common_folder(out);
    return 0;
}

/* ---- dividing them ---- */

static struct item item_of(struct processing *p, const struct shard_item *from, size_t cut)
{
    struct stat s = {0};
    struct item to = {.path = arena_text(&p->arena, from->path, strlen(from->path)),
                      .size = from->size,
                      .header = from->header,
                      .begin = from->begin,
                      .end = from->end};
    to.as = to.path + cut;
    if (stat(from->path, &s) == 0)
        to.changed = (int64_t)s.st_mtim.tv_sec * 1000000000 + s.st_mtim.tv_nsec;
    return to;
}

/* What an instance has for which there is no record: the header, or a table of no rows. */
static void give_header(struct processing *p, struct share *to, const struct item *of)
{
    struct item *header = to->items = arena_alloc(&p->arena, sizeof *header);
    to->count = 1;
    *header = *of;
    header->begin = header->end = header->size;
}

/* Of files without a record, the first one's. */
static int find_header(struct processing *p, size_t input, const path_list *paths, size_t cut,
                       struct item *out, struct error *e)
{
    const struct shard_records *records = &p->job.inputs[input].records;
    struct shard_item item = {.path = paths->at[0]};
    struct stat s;
    for (size_t k = 0; k < p->instances; k++)
        if (share_of(p, k, input)->count) {
            *out = share_of(p, k, input)->items[0];
            return 0;
        }
    item.size = stat(item.path, &s) == 0 ? (uint64_t)s.st_size : 0;
    int status = records->header ? shard_header(item.path, item.size, records, &item.header, e) : 0;
    *out = item_of(p, &item, cut);
    return status;
}

static int give_headers(struct processing *p, size_t input, const path_list *paths, size_t cut,
                        struct error *e)
{
    const struct shard_records *records = &p->job.inputs[input].records;
    struct item header;
    if (paths->len == 0 || !(records->header || records->groups))
        return 0;
    int status = find_header(p, input, paths, cut, &header, e);
    for (size_t k = 0; k < p->instances && status == 0; k++)
        if (share_of(p, k, input)->count == 0)
            give_header(p, &p->shares[k * p->job.input_count + input], &header);
    return status;
}

static int divide(struct processing *p, size_t input, const path_list *paths, size_t cut,
                  unsigned threads, struct error *e)
{
    const struct processing_job *j = &p->job;
    bool replicated = j->inputs[input].replicated;
    struct shard_plan plan;
    int status = shard_plan_make(paths->at, paths->len, replicated ? SHARD_KEY : j->method,
                                 replicated ? 1 : p->instances, &j->inputs[input].records, threads,
                                 &plan, e);
    if (status)
        return status;
    for (size_t k = 0; k < p->instances; k++) {
        struct share *to = &p->shares[k * j->input_count + input];
        if (replicated && k > 0) {
            *to = p->shares[input];
            continue;
        }
        const struct shard *from = &plan.shards[k];
        to->items = arena_alloc(&p->arena, (from->count + 1) * sizeof *to->items);
        to->count = from->count;
        for (size_t i = 0; i < from->count; i++)
            to->items[i] = item_of(p, &from->items[i], cut);
    }
    if (!replicated && j->method == SHARD_RECORD)
        status = give_headers(p, input, paths, cut, e);
    shard_plan_release(&plan);
    return status;
}

/* Lines can only be told apart in a text; what is no Parquet is found out when it is cut. */
static int check_records(const struct shard_records *records, const path_list *paths,
                         struct error *e)
{
    static const char *const others[] = {".gz", ".bz2", ".xz", ".zst", ".zip", ".parquet"};
    for (size_t i = 0; i < paths->len && !records->groups; i++) {
        const char *dot = strrchr(paths->at[i], '.');
        for (size_t k = 0; dot && k < COUNT_OF(others); k++)
            if (strcmp(dot, others[k]) == 0)
                return error_set(
                    e, ERR_DATA,
                    "%s cannot be cut between records: divide whole files, by key or size",
                    paths->at[i]);
    }
    return 0;
}

/* ---- counting records ---- */

struct counting {
    const struct processing *p;
    VEC(struct item *) items;
    atomic_size_t next;
    pthread_mutex_t failure;
    struct error error;
};

static void count_items(void *context, unsigned number)
{
    struct counting *c = context;
    (void)number;
    for (size_t i; (i = atomic_fetch_add(&c->next, 1)) < c->items.len;) {
        struct item *item = c->items.at[i];
        struct error e = {0};
        if (shard_count(item->path, item->begin, item->end, &c->p->job.inputs[0].records,
                        &item->records, &e) == 0)
            continue;
        pthread_mutex_lock(&c->failure);
        c->error = e;
        pthread_mutex_unlock(&c->failure);
    }
}

/* Of the first input, in which instances have one part after the other. */
static int count_rows(struct processing *p, unsigned threads, struct error *e)
{
    struct counting c = {.p = p};
    uint64_t row = 1;
    pthread_mutex_init(&c.failure, NULL);
    for (size_t k = 0; k < p->instances; k++)
        for (size_t i = 0; i < share_of(p, k, 0)->count; i++)
            vec_push(&c.items, &share_of(p, k, 0)->items[i]);
    team_run(threads, count_items, &c);
    pthread_mutex_destroy(&c.failure);
    vec_release(&c.items);
    p->first_row = arena_zero(&p->arena, p->instances * sizeof *p->first_row);
    for (size_t k = 0; k < p->instances; k++) {
        p->first_row[k] = row;
        for (size_t i = 0; i < share_of(p, k, 0)->count; i++)
            row += share_of(p, k, 0)->items[i].records;
    }
    if (c.error.code)
        *e = c.error;
    return c.error.code;
}

struct shard_records records_by_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    bool csv = dot && (strcmp(dot, ".csv") == 0 || strcmp(dot, ".tsv") == 0);
    bool parquet = dot && strcmp(dot, ".parquet") == 0;
    return (struct shard_records){csv, csv ? '"' : 0, parquet};
}

/* Now that the files are known; those of the first input may say how many instances there are. */
static void settle_by_files(struct processing *p, size_t input, const path_list *paths)
{
    struct processing_job *j = &p->job;
    j->inputs[input].records =
        j->records_by_name && paths->at ? records_by_name(paths->at[0]) : j->records;
    if (input > 0)
        return;
    p->instances = j->instances ? j->instances : paths->len;
    p->shares = arena_zero(&p->arena, (p->instances * j->input_count + 1) * sizeof *p->shares);
}

static int make_input(struct processing *p, size_t input, unsigned threads, struct error *e)
{
    const struct processing_job *j = &p->job;
    path_list paths = {0};
    size_t cut = 0;
    int status = shares_files(p, &j->inputs[input], &paths, &cut, e);
    if (status == 0)
        settle_by_files(p, input, &paths);
    if (status == 0 && j->method == SHARD_RECORD && !j->inputs[input].replicated)
        status = check_records(&j->inputs[input].records, &paths, e);
    if (status == 0)
        status = divide(p, input, &paths, cut, threads, e);
    vec_release(&paths);
    return status;
}

int shares_make(struct processing *p, unsigned threads, struct error *e)
{
    const struct processing_job *j = &p->job;
    int status = 0;
    p->instances = j->instances ? j->instances : 1;
    for (size_t i = 0; i < j->input_count && status == 0; i++)
        status = make_input(p, i, threads, e);
    if (status == 0 && j->count_rows && j->input_count)
        status = count_rows(p, threads, e);
    return status;
}

void shares_copy(struct processing *p, const struct processing *from)
{
    size_t n = from->instances * from->job.input_count;
    p->instances = from->instances;
    for (size_t i = 0; i < p->job.input_count; i++)
        p->job.inputs[i].records = from->job.inputs[i].records;
    p->shares = arena_zero(&p->arena, (n + 1) * sizeof *p->shares);
    for (size_t i = 0; i < n; i++) {
        const struct share *share = &from->shares[i];
        struct item *items = arena_copy(&p->arena, share->items, share->count * sizeof *items);
        for (size_t k = 0; k < share->count; k++) {
            const char *path = share->items[k].path;
            items[k].path = arena_text(&p->arena, path, strlen(path));
            items[k].as = items[k].path + (share->items[k].as - path);
        }
        p->shares[i] = (struct share){items, share->count};
    }
    if (from->first_row)
        p->first_row =
            arena_copy(&p->arena, from->first_row, from->instances * sizeof *p->first_row);
}

/* Results of two versions of a script would be mixed. */
static int check_script(const struct processing *p, struct error *e)
{
    char digest[2 * SHA256_SIZE + 1];
    struct buf script = {0};
    if (!p->job.script || !p->script_digest)
        return 0;
    int status = file_load(p->job.script, SCRIPT_MAX, &script, e);
    if (status == 0) {
        sha256_hex((struct text){script.at, script.len}, digest);
        if (strcmp(p->script_digest, digest) != 0)
            status =
                error_set(e, ERR_DATA, "%s is not as it was when the job was made", p->job.script);
    }
    buf_release(&script);
    return status;
}

int shares_check(const struct processing *p, struct error *e)
{
    int status = check_script(p, e);
    if (status)
        return status;
    for (size_t i = 0; i < p->instances * p->job.input_count; i++)
        for (size_t k = 0; k < p->shares[i].count; k++) {
            const struct item *item = &p->shares[i].items[k];
            struct stat s;
            if (stat(item->path, &s) != 0)
                return error_errno(e, "cannot look at %s", item->path);
            if ((uint64_t)s.st_size != item->size ||
                (int64_t)s.st_mtim.tv_sec * 1000000000 + s.st_mtim.tv_nsec != item->changed)
                return error_set(e, ERR_DATA, "%s is not as it was when the job was made",
                                 item->path);
        }
    return 0;
}
