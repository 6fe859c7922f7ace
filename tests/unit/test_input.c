/* A plain file read in slices by several threads: whole records, in order, with their places. */
#include "sys/sys.h"
#include "table/table.h"
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS = 3 };

/* Chunks by their numbers. */
struct chunks {
    struct input *in;
    pthread_mutex_t lock;
    struct piece {
        struct buf text;
        uint64_t first_line, first_id;
        bool come;
    } * at;
    size_t room;
    int status;
    struct error error;
};

static void keep(struct chunks *all, const struct batch *b)
{
    while (all->room <= b->sequence) {
        all->at = mem_array(all->at, 2 * all->room + 1, sizeof *all->at);
        memset(all->at + all->room, 0, (all->room + 1) * sizeof *all->at);
        all->room = 2 * all->room + 1;
    }
    struct piece *p = &all->at[b->sequence];
    CHECK(!p->come);
    *p = (struct piece){.first_line = b->first_line, .first_id = b->first_id, .come = true};
    buf_add(&p->text, b->text.at, b->text.len);
}

static void read_chunks(void *context, unsigned number)
{
    struct chunks *all = context;
    (void)number;
    struct batch *b = batch_new();
    struct error e = {0};
    int status;
    while ((status = input_next(all->in, b, &e)) > 0) {
        pthread_mutex_lock(&all->lock);
        keep(all, b);
        pthread_mutex_unlock(&all->lock);
        batch_clear(b);
    }
    pthread_mutex_lock(&all->lock);
    if (status < 0) {
        all->status = status;
        all->error = e;
    }
    pthread_mutex_unlock(&all->lock);
    batch_free(b);
}

static uint64_t count(const struct buf *b, char c)
{
    uint64_t n = 0;
    for (size_t i = 0; i < b->len; i++)
        n += b->at[i] == c;
    return n;
}

/* Records of a chunk: newlines outside quotes. */
static uint64_t records(const struct buf *b)
{
    uint64_t n = 0;
    bool inside = false;
    for (size_t i = 0; i < b->len; i++) {
        inside ^= b->at[i] == '"';
        n += b->at[i] == '\n' && !inside;
    }
    return n;
}

/* The pieces make `want`, each of whole records that begin where it says. */
static void check_pieces(const struct chunks *all, const char *want, size_t n)
{
    uint64_t line = 2, row = 0;
    struct buf text = {0};
    for (size_t i = 0; i < all->room && all->at[i].come; i++) {
        const struct piece *p = &all->at[i];
        CHECK_INT(count(&p->text, '"') % 2, 0);
        CHECK(p->text.len == 0 || p->text.at[p->text.len - 1] == '\n');
        CHECK_INT(p->first_line, line);
        CHECK_INT(p->first_id, row << ROW_ID_SHIFT);
        line += count(&p->text, '\n');
        row += records(&p->text);
        buf_add(&text, p->text.at, p->text.len);
    }
    CHECK(text.len == n && memcmp(text.at, want, n) == 0);
    CHECK_INT(input_rows(all->in), row);
    buf_release(&text);
}

static void release(struct chunks *all)
{
    for (size_t i = 0; i < all->room; i++)
        buf_release(&all->at[i].text);
    mem_free(all->at);
    input_free(all->in);
}

static const char *written(const struct buf *text)
{
    const char *path = in_folder("input.csv");
    FILE *f = fopen(path, "w");
    CHECK(f && fwrite(text->at, 1, text->len, f) == text->len && fclose(f) == 0);
    return path;
}

static void read_all(struct chunks *all, const char *path, size_t chunk, size_t max_record)
{
    static const struct format csv = {.delimiter = ",", .quote = '"', .header = true};
    struct input_options o = {.format = &csv, .chunk = chunk, .max_record = max_record};
    *all = (struct chunks){.lock = PTHREAD_MUTEX_INITIALIZER};
    CHECK_INT(input_open((char *[]){(char *)(uintptr_t)path}, 1, &o, &all->in, &all->error), 0);
    team_run(THREADS, read_chunks, all);
}

/* Cells of anything, quoted newlines among it; a newline at the end now and then. */
static void random_rows(uint64_t seed, struct buf *out)
{
    static const char *const bits[] = {"x",    "yy",       ",",          "\n",
                                       "\"\"", "\"a\nb\"", "\"\n\n\n\"", "\r\n"};
    size_t n = 1 + (size_t)random_below(seed, 1, 0, 400);
    for (size_t i = 0; i < n; i++)
        buf_puts(out, bits[random_below(seed, 2, i, COUNT_OF(bits))]);
    buf_puts(out, seed % 2 ? "end\n" : "end");
}

TEST(slices_make_the_file)
{
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct buf text = {0};
        buf_puts(&text, "a,b\n");
        random_rows(seed, &text);
        const char *path = written(&text);
        if (text.at[text.len - 1] != '\n')
            buf_putc(&text, '\n');
        struct chunks all;
        read_all(&all, path, 1 + seed % 70, 0);
        CHECK_INT(all.status, 0);
        check_pieces(&all, text.at + 4, text.len - 4);
        release(&all);
        unlink(path);
        buf_release(&text);
    }
}

TEST(blank_lines_at_the_end_are_no_records)
{
    for (size_t chunk = 1; chunk < 12; chunk++) {
        struct buf text = {0};
        buf_puts(&text, "a,b\n1,2\n\n3,4\n\r\n\n\n");
        const char *path = written(&text);
        struct chunks all;
        read_all(&all, path, chunk, 0);
        CHECK_INT(all.status, 0);
        check_pieces(&all, "1,2\n\n3,4\n", 9);
        release(&all);
        unlink(path);
        buf_release(&text);
    }
}

TEST(a_record_longer_than_the_room_before_a_slice)
{
    struct buf text = {0};
    buf_puts(&text, "a,b\n1,\"");
    for (int i = 0; i < 100000; i++)
        buf_puts(&text, "x\n");
    buf_puts(&text, "\"\n2,3\n");
    const char *path = written(&text);
    struct chunks all;
    read_all(&all, path, 1000, 0);
    CHECK_INT(all.status, 0);
    check_pieces(&all, text.at + 4, text.len - 4);
    release(&all);
    read_all(&all, path, 1000, 150000);
    CHECK_INT(all.status, ERR_DATA);
    CHECK_INT(all.error.line, 2);
    CHECK_INT(all.error.column, 3);
    release(&all);
    unlink(path);
    buf_release(&text);
}

TEST(a_quote_left_open_is_placed)
{
    struct buf text = {0};
    buf_puts(&text, "a,b\n1,2\n\"3\n\",4\n5,\"6\n7,8\n");
    for (size_t chunk = 1; chunk < 30; chunk++) {
        const char *path = written(&text);
        struct chunks all;
        read_all(&all, path, chunk, 0);
        CHECK_INT(all.status, ERR_DATA);
        CHECK_TEXT(all.error.message, "quote is never closed");
        CHECK_INT(all.error.line, 5);
        CHECK_INT(all.error.column, 3);
        release(&all);
        unlink(path);
    }
    buf_release(&text);
}
