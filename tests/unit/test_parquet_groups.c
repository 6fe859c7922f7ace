#include "table/parquet_groups.h"

#include "shard/shard.h"
#include "sys/sys.h"
#include "table/parquet_file.h"
#include "unit.h"

#include <fcntl.h>
#include <unistd.h>

/* ---- files of two columns, where each chunk's bytes say which it is ---- */

enum wrong {
    NOTHING,
    OVERLAP,  /* a chunk begins in the one before it */
    IN_MAGIC, /* or in the first four bytes */
    IN_FOOTER,
    ELSEWHERE, /* data pages are not in their chunk */
    ENCRYPTED,
};

struct layout {
    size_t groups;
    bool backwards; /* the last group lies first */
    bool gaps;      /* there are bytes between chunks */
    bool extras;    /* what points into the file, and what is of later versions */
    bool unordered; /* nothing is said of the order of columns */
    int64_t physical;
    enum wrong wrong;
};

static char *folder;

static char *path_of(const char *name)
{
    return mem_format("%s/%s", folder, name);
}

static void put_bytes_of(struct buf *b, size_t group, size_t column)
{
    for (size_t i = 0; i <= group + column; i++)
        buf_format(b, "%zu.%zu ", group, column);
}

static void put_column(struct thrift_writer *list, const char *name, int64_t physical)
{
    struct thrift_writer w = {.out = list->out};
    thrift_put_int(&w, 1, THRIFT_I32, physical);
    thrift_put_int(&w, 3, THRIFT_I32, 0);
    thrift_put_binary(&w, 4, name, strlen(name));
    thrift_put_stop(&w);
}

static void put_chunk_meta(struct thrift_writer *w, const struct layout *l, size_t group,
                           size_t column, uint64_t at, size_t bytes)
{
    bool dictionary = group % 2;
    thrift_put_int(w, 1, THRIFT_I32, column ? l->physical : PHYSICAL_INT64);
    thrift_put_int(w, 4, THRIFT_I32, 0);
    thrift_put_int(w, 5, THRIFT_I64, (int64_t)group + 1);
    thrift_put_int(w, 7, THRIFT_I64, (int64_t)bytes);
    if (l->extras)
        thrift_put_binary(w, 8, "said of it", 10);
    thrift_put_int(w, 9, THRIFT_I64,
                   l->wrong == ELSEWHERE ? 1 << 20 : (int64_t)at + (dictionary ? 3 : 0));
    if (l->extras)
        thrift_put_int(w, 10, THRIFT_I64, 77);
    if (dictionary || l->extras)
        thrift_put_int(w, 11, THRIFT_I64, dictionary ? (int64_t)at : 0);
    for (int32_t id = 14; l->extras && id <= 20; id++)
        if (id != 16 && id != 17)
            thrift_put_int(w, id, THRIFT_I64, 77);
    thrift_put_stop(w);
}

static void put_group(struct buf *footer, const struct layout *l, size_t group, const uint64_t *at,
                      const size_t *bytes)
{
    struct thrift_writer w = {.out = footer};
    thrift_put_list(&w, 1, THRIFT_STRUCT, 2);
    for (size_t c = 0; c < 2; c++) {
        struct thrift_writer chunk = {.out = footer};
        thrift_put_int(&chunk, 2, THRIFT_I64, (int64_t)at[c]);
        struct thrift_writer meta = thrift_put_struct(&chunk, 3);
        put_chunk_meta(&meta, l, group, c, at[c], bytes[c]);
        for (int32_t id = 4; l->extras && id <= 7; id++)
            thrift_put_int(&chunk, id, THRIFT_I64, 77);
        thrift_put_stop(&chunk);
    }
    thrift_put_int(&w, 2, THRIFT_I64, 5);
    thrift_put_int(&w, 3, THRIFT_I64, (int64_t)group + 1);
    if (l->extras) {
        thrift_put_int(&w, 5, THRIFT_I64, 77);
        thrift_put_int(&w, 6, THRIFT_I64, 5);
        thrift_put_int(&w, 7, THRIFT_I16, 7);
    }
    thrift_put_stop(&w);
}

static void put_footer(struct buf *out, const struct layout *l, uint64_t (*at)[2],
                       size_t (*bytes)[2])
{
    struct buf footer = {0};
    struct thrift_writer w = {.out = &footer};
    thrift_put_int(&w, 1, THRIFT_I32, 2);
    thrift_put_list(&w, 2, THRIFT_STRUCT, 3);
    struct thrift_writer root = {.out = &footer};
    thrift_put_binary(&root, 4, "root", 4);
    thrift_put_int(&root, 5, THRIFT_I32, 2);
    thrift_put_stop(&root);
    put_column(&w, "a", PHYSICAL_INT64);
    put_column(&w, "b", l->physical);
    thrift_put_int(&w, 3, THRIFT_I64, 1000);
    thrift_put_list(&w, 4, THRIFT_STRUCT, l->groups);
    for (size_t g = 0; g < l->groups; g++)
        put_group(&footer, l, g, at[g], bytes[g]);
    thrift_put_list(&w, 5, THRIFT_BINARY, 1);
    thrift_put_text(&footer, "key and value", 13);
    thrift_put_binary(&w, 6, "somebody", 8);
    if (!l->unordered) {
        thrift_put_list(&w, 7, THRIFT_BINARY, 1);
        thrift_put_text(&footer, "the order", 9);
    }
    if (l->wrong == ENCRYPTED)
        thrift_put_binary(&w, 8, "with it", 7);
    if (l->extras)
        thrift_put_int(&w, 30, THRIFT_I64, 77);
    thrift_put_stop(&w);
    uint32_t n = (uint32_t)footer.len;
    buf_add(out, footer.at, footer.len);
    buf_add(out, &n, sizeof n);
    buf_add(out, "PAR1", 4);
    buf_release(&footer);
}

static void write_bytes(const char *path, const struct buf *b)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK_INT(file_write(fd, b->at, b->len, path, NULL), 0);
    (void)close(fd);
}

static void make_file(const char *path, const struct layout *l)
{
    struct buf out = {0};
    uint64_t at[8][2] = {{0}};
    size_t bytes[8][2] = {{0}};
    buf_puts(&out, "PAR1");
    for (size_t i = 0; i < l->groups; i++)
        for (size_t c = 0; c < 2; c++) {
            size_t g = l->backwards ? l->groups - 1 - i : i;
            buf_puts(&out, l->gaps ? "nobody's" : "");
            at[g][c] = out.len;
            put_bytes_of(&out, g, c);
            bytes[g][c] = out.len - at[g][c];
        }
    at[1][0] -= l->wrong == OVERLAP ? 1 : 0;
    at[0][0] -= l->wrong == IN_MAGIC ? 1 : 0;
    if (l->wrong == IN_FOOTER)
        bytes[l->groups - 1][1]++;
    put_footer(&out, l, at, bytes);
    write_bytes(path, &out);
    buf_release(&out);
}

/* ---- what was made of them ---- */

static int read_made(void *context, uint64_t offset, void *into, size_t n, struct error *e)
{
    const struct buf *b = context;
    (void)e;
    CHECK(offset <= b->len && n <= b->len - offset);
    memcpy(into, b->at + offset, n);
    return 0;
}

static int join(const struct parquet_part *parts, size_t n, struct buf *out, struct error *e)
{
    char *path = path_of("made");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int status = parquet_join(parts, n, fd, path, e);
    (void)close(fd);
    out->len = 0;
    CHECK_INT(file_load(path, 1 << 20, out, NULL), 0);
    CHECK(status == 0 || out->len == 0);
    mem_free(path);
    return status;
}

/* The numbers are those of the row groups where they were. */
static void check_made(struct buf *made, const char *numbers)
{
    struct parquet_bytes bytes = {read_made, made, made->len, "made"};
    struct parquet_file *f = NULL;
    struct error e = {0};
    uint64_t rows = 0, end = 4;
    CHECK_INT(parquet_open(&bytes, &f, &e), 0);
    CHECK_INT(parquet_groups(f), strlen(numbers));
    for (size_t i = 0; i < strlen(numbers); i++) {
        size_t g = (size_t)(numbers[i] - '0');
        CHECK_INT(parquet_group_rows(f, i), g + 1);
        rows += g + 1;
        for (size_t c = 0; c < 2; c++) {
            const struct parquet_chunk *chunk = &f->groups.at[i].chunks[c];
            struct buf want = {0};
            put_bytes_of(&want, g, c);
            CHECK_INT(chunk->offset, end); /* one behind the other */
            CHECK_INT(chunk->bytes, want.len);
            CHECK(memcmp(made->at + chunk->offset, want.at, want.len) == 0);
            end += want.len;
            buf_release(&want);
        }
    }
    CHECK_INT(end + f->footer.len + 8, made->len);
    CHECK(memmem(f->footer.at, f->footer.len, "key and value", 13) != NULL);
    CHECK(memmem(f->footer.at, f->footer.len, "somebody", 8) != NULL);
    CHECK(memmem(f->footer.at, f->footer.len, "\x9A\x01", 2) == NULL); /* 77 */
    CHECK_INT(parquet_rows(f), rows);
    parquet_close(f);
}

static void begin(void)
{
    struct error e;
    folder = scratch_directory(&e);
}

TEST(row_groups_are_cut_anywhere)
{
    struct error e = {0};
    struct buf made = {0};
    begin();
    char *path = path_of("f");
    for (unsigned kind = 0; kind < 8; kind++)
        for (size_t n = 0; n <= 5; n++) {
            struct layout l = {.groups = n,
                               .backwards = kind & 1,
                               .gaps = kind & 2,
                               .extras = kind & 4,
                               .physical = PHYSICAL_INT32};
            struct parquet_borders b;
            make_file(path, &l);
            CHECK_INT(parquet_borders_read(path, &b, &e), 0);
            CHECK_INT(b.count, n);
            for (size_t i = 0; i <= n; i++)
                for (size_t k = i; k <= n; k++) {
                    struct parquet_part part = {path, path, i ? b.places[i] : 0, b.places[k]};
                    char numbers[8] = "01234";
                    CHECK(i == 0 || part.begin > b.places[i - 1]);
                    part.end = k == i ? part.begin : part.end;
                    numbers[k] = 0;
                    CHECK_INT(join(&part, 1, &made, &e), 0);
                    check_made(&made, numbers + i);
                }
            parquet_borders_release(&b);
        }
    buf_release(&made);
    mem_free(path);
    scratch_remove(folder);
}

TEST(files_of_one_schema_become_one)
{
    struct layout l = {.groups = 3, .gaps = true, .physical = PHYSICAL_INT32};
    struct error e = {0};
    struct buf made = {0};
    begin();
    char *a = path_of("a"), *b = path_of("b"), *c = path_of("c");
    make_file(a, &l);
    l = (struct layout){.groups = 2, .extras = true, .unordered = true, .physical = PHYSICAL_INT32};
    make_file(b, &l);
    l.physical = PHYSICAL_FLOAT;
    make_file(c, &l);
    struct parquet_part parts[] = {{a, a, 0, UINT64_MAX}, {b, b, 0, UINT64_MAX}, {a, a, 1, 1000}};
    CHECK_INT(join(parts, 1, &made, &e), 0);
    CHECK(memmem(made.at, made.len, "the order", 9) != NULL);
    CHECK_INT(join(parts, 3, &made, &e), 0);
    check_made(&made, "0120112");
    CHECK(memmem(made.at, made.len, "the order", 9) == NULL); /* not that of all */
    parts[1] = (struct parquet_part){c, "the other", 0, 0};
    CHECK_INT(join(parts, 2, &made, &e), ERR_DATA);
    CHECK_TEXT(e.file, "the other");
    CHECK(strstr(e.message, "column 'b': its type is float, but int in ") != NULL);
    l.physical = PHYSICAL_INT64;
    make_file(c, &l);
    CHECK_INT(join(parts, 2, &made, &e), ERR_DATA);
    CHECK(strstr(e.message, "its schema is not that of ") != NULL);
    buf_release(&made);
    mem_free(a);
    mem_free(b);
    mem_free(c);
    scratch_remove(folder);
}

/* Every row group of every file is in one item, in order; returns their rows. */
static uint64_t check_items(const struct shard_plan *plan, char *const *paths, size_t files)
{
    static const struct shard_records how = {.groups = true};
    uint64_t rows = 0, all = 0, reached = UINT64_MAX;
    size_t file = 0;
    for (size_t k = 0; k < plan->count; k++)
        for (size_t i = 0; i < plan->shards[k].count; i++) {
            const struct shard_item *x = &plan->shards[k].items[i];
            file += reached == UINT64_MAX ? 0 : strcmp(x->path, paths[file]) != 0;
            CHECK(file < files && strcmp(x->path, paths[file]) == 0);
            CHECK(x->header == 0 && x->begin < x->end && x->end <= x->size);
            CHECK(x->begin == 0 || x->begin == reached);
            CHECK_INT(shard_count(x->path, x->begin, x->end, &how, &rows, NULL), 0);
            CHECK(rows > 0 || (x->begin == 0 && x->end == x->size)); /* a file of none */
            reached = x->end;
            all += rows;
        }
    return all;
}

TEST(shards_have_row_groups)
{
    static const size_t counts[] = {1, 2, 3, 5, 30};
    static const struct shard_records how = {.groups = true};
    char *paths[3];
    uint64_t drawn = 0;
    begin();
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        paths[i] = mem_format("%s/%zu", folder, i);
    for (int round = 0; round < 100; round++) {
        uint64_t rows = 0;
        for (size_t i = 0; i < COUNT_OF(paths); i++) {
            struct layout l = {.groups = random_below(3, 1, drawn++, 8),
                               .backwards = round & 1,
                               .gaps = round & 2,
                               .physical = PHYSICAL_INT32};
            make_file(paths[i], &l);
            rows += l.groups * (l.groups + 1) / 2;
        }
        for (size_t i = 0; i < COUNT_OF(counts); i++) {
            struct shard_plan plan;
            struct error e;
            CHECK_INT(shard_plan_make((const char *const *)paths, COUNT_OF(paths), SHARD_RECORD,
                                      counts[i], &how, 1, &plan, &e),
                      0);
            CHECK_INT(check_items(&plan, paths, COUNT_OF(paths)), rows);
            shard_plan_release(&plan);
        }
    }
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        mem_free(paths[i]);
    scratch_remove(folder);
}

TEST(places_that_cannot_be_are_refused)
{
    struct error e = {0};
    struct parquet_borders borders;
    struct buf made = {0};
    begin();
    char *path = path_of("f"), *none = path_of("none");
    struct parquet_part part = {path, path, 0, UINT64_MAX};
    for (enum wrong w = NOTHING; w <= ENCRYPTED; w++) {
        struct layout l = {.groups = 2, .physical = PHYSICAL_INT32, .wrong = w};
        make_file(path, &l);
        e = (struct error){0};
        CHECK_INT(join(&part, 1, &made, &e), w == NOTHING ? 0 : ERR_DATA);
        CHECK_TEXT(e.file, w == NOTHING ? "" : path);
        if (w == OVERLAP || w == IN_MAGIC || w == IN_FOOTER)
            CHECK_INT(parquet_borders_read(path, &borders, &e), ERR_DATA);
    }
    part.path = none;
    CHECK_INT(join(&part, 1, &made, &e), ERR_SYSTEM);
    CHECK_INT(parquet_borders_read(none, &borders, &e), ERR_SYSTEM);
    buf_release(&made);
    mem_free(path);
    mem_free(none);
    scratch_remove(folder);
}

TEST(truncated_files_are_refused)
{
    struct layout l = {.groups = 3, .extras = true, .physical = PHYSICAL_INT32};
    struct error e = {0};
    struct parquet_borders borders;
    struct buf whole = {0};
    begin();
    char *path = path_of("f");
    make_file(path, &l);
    CHECK_INT(file_load(path, 1 << 20, &whole, NULL), 0);
    size_t n = whole.len;
    for (whole.len = 0; whole.len < n; whole.len++) {
        write_bytes(path, &whole);
        CHECK_INT(parquet_borders_read(path, &borders, &e), ERR_DATA);
        CHECK_TEXT(e.file, path);
    }
    for (unsigned lie = 0; lie < 256; lie++) { /* of the footer's length */
        whole.at[n - 8] = (char)lie;
        whole.len = n;
        write_bytes(path, &whole);
        struct parquet_part part = {path, path, 0, UINT64_MAX};
        struct buf made = {0};
        int status = join(&part, 1, &made, &e);
        CHECK(status == 0 || status == ERR_DATA);
        buf_release(&made);
    }
    buf_release(&whole);
    mem_free(path);
    scratch_remove(folder);
}
