#include "table/input_parquet.h"

#include "sys/sys.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

enum { ROWS_MAX = 8192, CELL_BYTES = 16, PATIENCE_S = 1 };

/* A column of a row group that slices are cut from. */
struct open_column {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint64_t row;                  /* of the group: what stands before it has been read */
    struct parquet_cursor *cursor; /* NULL: at the first row */
    uint64_t at;                   /* where it is */
};

struct open_group {
    size_t slices;       /* handed out and not yet read */
    bool handed_out;     /* to its last row */
    _Atomic bool failed; /* slices are no longer waited for */
    struct open_column *columns;
};

struct input_parquet {
    char *path; /* NULL: cannot be opened again */
    struct parquet_file *file;
    struct source *source; /* NULL: closed, or copied to fd */
    uint64_t start;        /* of the text of source */
    int fd;                /* scratch file; -1: none */
    size_t columns;
    uint64_t *first_rows; /* of the groups, in the file; one more at the end */
    uint8_t *left_out;    /* groups, a byte each; NULL: none */

    pthread_mutex_t lock;
    struct open_group **groups; /* NULL: not open */
    size_t slices;              /* of all groups, not yet read */
    bool may_close;
    size_t group; /* the next slice begins in it, */
    uint64_t row; /* at this row of the file */
};

static int read_bytes(void *context, uint64_t offset, void *into, size_t n, struct error *e)
{
    struct input_parquet *p = context;
    if (p->fd < 0)
        return source_read_at(p->source, p->start + offset, into, n, e);
    ssize_t got = file_read_at(p->fd, into, n, offset, "scratch file", e);
    if (got >= 0 && (size_t)got < n)
        return error_set(e, ERR_SYSTEM, "the scratch file became shorter");
    return got < 0 ? (int)got : 0;
}

static int spool(struct input_parquet *p, uint64_t *size, struct error *e)
{
    enum { STEP = 1 << 16 };
    ssize_t got = 1;
    int status = 0;
    p->fd = scratch_open(e);
    if (p->fd < 0)
        return p->fd;
    char *bytes = mem_alloc(STEP);
    while (status == 0 && got > 0) {
        got = source_read(p->source, bytes, STEP, e);
        if (got < 0)
            status = (int)got;
        else
            status = file_write(p->fd, bytes, (size_t)got, "scratch file", e);
        *size += (uint64_t)(got > 0 ? got : 0);
    }
    mem_free(bytes);
    source_free(p->source);
    p->source = NULL;
    return status;
}

static void note_groups(struct input_parquet *p)
{
    size_t n = parquet_groups(p->file);
    p->columns = parquet_columns(p->file);
    p->groups = mem_alloc((n + 1) * sizeof(struct open_group *));
    p->first_rows = mem_alloc((n + 1) * sizeof *p->first_rows);
    for (size_t i = 0; i < n; i++)
        p->first_rows[i + 1] = p->first_rows[i] + parquet_group_rows(p->file, i);
}

int input_parquet_open(struct source *source, const char *path, struct input_parquet **out,
                       struct error *e)
{
    struct input_parquet *p = mem_alloc(sizeof *p);
    uint64_t end = 0;
    int status = 0;
    char *name = mem_text(source_name(source));
    pthread_mutex_init(&p->lock, NULL);
    p->source = source;
    p->fd = -1;
    if (source_plain(source, &p->start, &end))
        p->path = path ? mem_text(path) : NULL;
    else
        status = spool(p, &end, e);
    struct parquet_bytes bytes = {
        .read = read_bytes, .context = p, .size = end - p->start, .name = name};
    if (status == 0)
        status = parquet_open(&bytes, &p->file, e);
    mem_free(name);
    if (status) {
        input_parquet_free(p);
        return status;
    }
    note_groups(p);
    *out = p;
    return 0;
}

static void free_group(struct input_parquet *p, size_t group)
{
    struct open_group *g = p->groups[group];
    if (!g)
        return;
    for (size_t i = 0; i < p->columns; i++) {
        parquet_cursor_close(g->columns[i].cursor);
        pthread_mutex_destroy(&g->columns[i].lock);
        pthread_cond_destroy(&g->columns[i].moved);
    }
    mem_free(g->columns);
    mem_free(g);
    p->groups[group] = NULL;
}

void input_parquet_rewind(struct input_parquet *p)
{
    for (size_t i = 0; p->file && i < parquet_groups(p->file); i++)
        free_group(p, i);
    p->group = 0;
    p->row = 0;
    p->slices = 0;
    p->may_close = false;
}

void input_parquet_free(struct input_parquet *p)
{
    if (!p)
        return;
    if (p->groups)
        input_parquet_rewind(p);
    mem_free(p->groups);
    mem_free(p->first_rows);
    mem_free(p->left_out);
    parquet_close(p->file);
    source_free(p->source);
    if (p->fd >= 0)
        close(p->fd);
    pthread_mutex_destroy(&p->lock);
    mem_free(p->path);
    mem_free(p);
}

const struct parquet_file *input_parquet_file(const struct input_parquet *p)
{
    return p->file;
}

/* With the lock held. */
static void close_if_idle(struct input_parquet *p)
{
    if (!p->may_close || p->slices > 0 || !p->path)
        return;
    source_free(p->source);
    p->source = NULL;
}

void input_parquet_may_close(struct input_parquet *p)
{
    pthread_mutex_lock(&p->lock);
    p->may_close = true;
    close_if_idle(p);
    pthread_mutex_unlock(&p->lock);
}

/* With the lock held. */
static struct open_group *open_group(struct input_parquet *p, size_t group)
{
    if (p->groups[group])
        return p->groups[group];
    struct open_group *g = mem_alloc(sizeof *g);
    g->columns = mem_alloc(p->columns * sizeof *g->columns);
    for (size_t i = 0; i < p->columns; i++) {
        pthread_mutex_init(&g->columns[i].lock, NULL);
        pthread_cond_init(&g->columns[i].moved, NULL);
    }
    return p->groups[group] = g;
}

static size_t rows_of(const struct input_parquet *p, size_t bytes)
{
    size_t rows = bytes / (p->columns * CELL_BYTES) + 1;
    return rows < ROWS_MAX ? rows : ROWS_MAX;
}

static int reopen(struct input_parquet *p, struct error *e)
{
    if (p->source || p->fd >= 0)
        return 0;
    uint64_t end;
    int status = source_open(p->path, NULL, &p->source, e);
    if (status == 0 && !source_plain(p->source, &p->start, &end))
        return error_at(e, p->path, 0, 0), error_set(e, ERR_SYSTEM, "has changed");
    return status;
}

void input_parquet_leave_out(struct input_parquet *p, const uint8_t *groups)
{
    mem_free(p->left_out);
    p->left_out = groups ? mem_copy(groups, parquet_groups(p->file)) : NULL;
}

/* To the group of the next row; how many rows were passed over. */
static uint64_t find_group(struct input_parquet *p)
{
    uint64_t passed = 0;
    for (; p->group < parquet_groups(p->file); p->group++) {
        uint64_t left = p->first_rows[p->group + 1] - p->row;
        if (left > 0 && !(p->left_out && p->left_out[p->group]))
            break;
        p->row += left;
        passed += left;
    }
    return passed;
}

int input_parquet_next(struct input_parquet *p, size_t bytes, struct batch *b, uint64_t *passed,
                       struct error *e)
{
    *passed = find_group(p);
    if (p->group == parquet_groups(p->file))
        return 0;
    uint64_t left = p->first_rows[p->group + 1] - p->row;
    size_t n = rows_of(p, bytes);
    n = n < left ? n : (size_t)left;
    pthread_mutex_lock(&p->lock);
    int status = reopen(p, e);
    if (status == 0) {
        p->may_close = false;
        struct open_group *g = open_group(p, p->group);
        g->slices++;
        g->handed_out = n == left;
        p->slices++;
    }
    pthread_mutex_unlock(&p->lock);
    if (status)
        return status;
    b->rows = n;
    b->first_row = p->row + 1;
    p->row += n;
    return 1;
}

static size_t group_of(const struct input_parquet *p, uint64_t row)
{
    size_t low = 0, high = parquet_groups(p->file);
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (p->first_rows[middle] <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int read_from(struct parquet_cursor *cursor, uint64_t skip, struct batch *b,
                     struct column *out, struct error *e)
{
    int status = skip ? parquet_cursor_skip(cursor, skip, e) : 0;
    return status ? status : parquet_cursor_read(cursor, b->rows, b, out, e);
}

/* A slice that comes when the cursor is past it has one of its own. */
static int read_behind(struct input_parquet *p, size_t group, size_t column, uint64_t row,
                       struct batch *b, struct column *out, struct error *e)
{
    struct parquet_cursor *own = NULL;
    int status = parquet_cursor_open(p->file, group, column, &own, e);
    if (status == 0)
        status = read_from(own, row, b, out, e);
    parquet_cursor_close(own);
    return status;
}

/* With the lock held: until the slice before has been read, or for so long that it may never be. */
static void wait_for_turn(const struct open_group *g, struct open_column *c, uint64_t row)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    while (c->row < row && !g->failed && pthread_cond_timedwait(&c->moved, &c->lock, &until) == 0)
        ;
}

/* With the lock held: from where the cursor is. */
static int read_on(struct input_parquet *p, struct open_column *c, size_t group, size_t column,
                   uint64_t row, struct batch *b, struct column *out, struct error *e)
{
    int status = c->cursor ? 0 : parquet_cursor_open(p->file, group, column, &c->cursor, e);
    if (status == 0)
        status = read_from(c->cursor, row - c->at, b, out, e);
    c->row = c->at = row + b->rows;
    if (status || c->row == parquet_group_rows(p->file, group)) {
        parquet_cursor_close(c->cursor);
        c->cursor = NULL;
        c->at = 0;
    }
    pthread_cond_broadcast(&c->moved);
    return status;
}

static int read_column(struct input_parquet *p, size_t group, size_t column, uint64_t row,
                       struct batch *b, struct column *out, struct error *e)
{
    struct open_group *g = p->groups[group];
    struct open_column *c = &g->columns[column];
    pthread_mutex_lock(&c->lock);
    wait_for_turn(g, c, row);
    bool behind = row < c->at;
    int status = behind ? 0 : read_on(p, c, group, column, row, b, out, e);
    pthread_mutex_unlock(&c->lock);
    return behind ? read_behind(p, group, column, row, b, out, e) : status;
}

/* Its other columns will not be read. */
static void give_up(struct input_parquet *p, size_t group)
{
    struct open_group *g = p->groups[group];
    g->failed = true;
    for (size_t i = 0; i < p->columns; i++) {
        pthread_mutex_lock(&g->columns[i].lock);
        pthread_cond_broadcast(&g->columns[i].moved);
        pthread_mutex_unlock(&g->columns[i].lock);
    }
}

static void end_slice(struct input_parquet *p, size_t group)
{
    pthread_mutex_lock(&p->lock);
    struct open_group *g = p->groups[group];
    p->slices--;
    if (--g->slices == 0 && g->handed_out)
        free_group(p, group);
    close_if_idle(p);
    pthread_mutex_unlock(&p->lock);
}

int input_parquet_read(struct input_parquet *p, const uint8_t *wanted, struct batch *b,
                       struct error *e)
{
    size_t group = group_of(p, b->first_row - 1);
    uint64_t row = b->first_row - 1 - p->first_rows[group];
    const struct text *none = NULL;
    int status = 0;
    for (size_t i = 0; i < p->columns && status == 0; i++) {
        struct column c;
        if (!wanted || wanted[i]) {
            status = read_column(p, group, i, row, b, &c, e);
        } else {
            none = none ? none : arena_zero(&b->arena, b->rows * sizeof *none);
            c = column_of_text(none);
        }
        if (status == 0)
            batch_add(b, c);
    }
    if (status)
        give_up(p, group);
    end_slice(p, group);
    return status;
}
