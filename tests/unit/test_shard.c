#include "shard/shard.h"
#include "sys/sys.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { FILES_MAX = 8 };

static char *folder;
static char *paths[FILES_MAX];
static struct buf contents[FILES_MAX]; /* by number, as the names sort */
static uint64_t drawn;

static uint64_t draw(uint64_t below)
{
    return random_below(11, 1, drawn++, below);
}

static void begin(void)
{
    struct error e;
    folder = scratch_directory(&e);
    for (int i = 0; i < FILES_MAX; i++)
        paths[i] = mem_format("%s/%d", folder, i);
}

static void end(void)
{
    for (int i = 0; i < FILES_MAX; i++) {
        mem_free(paths[i]);
        buf_release(&contents[i]);
    }
    scratch_remove(folder);
}

static void write_file(int i)
{
    int fd = open(paths[i], O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK_INT(file_write(fd, contents[i].at ? contents[i].at : "", contents[i].len, paths[i], NULL),
              0);
    (void)close(fd);
}

/* A record of random cells, some in quotes with newlines, doubled quotes and commas in them. */
static void put_record(struct buf *b, bool quotes)
{
    static const char *const plain[] = {"", "1", "abc", "a longer cell of a record"};
    static const char *const quoted[] = {"\"\"", "\"a\nb\"", "\"\n\n\"", "\"say \"\"hi\"\"\n\"",
                                         "\"\r\n,\""};
    for (uint64_t cells = 1 + draw(3); cells > 0; cells--) {
        buf_puts(b,
                 quotes && draw(2) ? quoted[draw(COUNT_OF(quoted))] : plain[draw(COUNT_OF(plain))]);
        buf_puts(b, cells > 1 ? "," : draw(4) ? "\n" : "\r\n");
    }
}

static void random_files(int n, bool quotes)
{
    for (int i = 0; i < n; i++) {
        contents[i].len = 0;
        for (uint64_t records = draw(3) ? draw(30) : 0; records > 0; records--)
            put_record(&contents[i], quotes);
        if (contents[i].len && draw(3) == 0 && contents[i].at[contents[i].len - 1] == '\n')
            contents[i].len--; /* no newline at the end */
        write_file(i);
    }
}

/* Whether a record begins at the place, by reading all before it. */
static bool is_record_start(const struct buf *b, uint64_t at, char quote)
{
    bool inside = false;
    for (uint64_t i = 0; i < at; i++)
        inside ^= quote && b->at[i] == quote;
    return at == 0 || at == b->len || (!inside && b->at[at - 1] == '\n');
}

static int number_of(const char *path)
{
    return path[strlen(path) - 1] - '0';
}

/* Each file's bytes behind its header once, in order, cut where records begin. */
static void check_records(const struct shard_plan *plan, int n, char quote, bool header)
{
    int file = 0;
    uint64_t reached = UINT64_MAX;
    for (size_t k = 0; k < plan->count; k++)
        for (size_t i = 0; i < plan->shards[k].count; i++) {
            const struct shard_item *x = &plan->shards[k].items[i];
            int number = number_of(x->path);
            const struct buf *b = &contents[number];
            CHECK(number >= file);
            if (reached == UINT64_MAX || number != file) {
                CHECK(reached == UINT64_MAX || reached == contents[file].len);
                CHECK_INT(x->begin, x->header);
                CHECK(header || x->header == 0);
                CHECK(is_record_start(b, x->header, quote));
            } else {
                CHECK_INT(x->begin, reached);
            }
            CHECK(x->end > x->begin && x->end <= b->len);
            CHECK(is_record_start(b, x->end, quote));
            file = number;
            reached = x->end;
        }
    CHECK(file < n && (reached == UINT64_MAX || reached == contents[file].len));
}

static uint64_t bytes_of(const struct shard *s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->count; i++)
        sum += s->items[i].end - s->items[i].begin;
    return sum;
}

TEST(records_are_cut_between_records)
{
    begin();
    for (int round = 0; round < 600; round++) {
        int n = 1 + (int)draw(FILES_MAX);
        bool quotes = draw(2), header = draw(2);
        size_t count = 1 + draw(12);
        struct shard_records how = {.header = header, .quote = quotes ? '"' : 0};
        struct shard_plan one, four;
        struct error e;
        random_files(n, quotes);
        const char *given[FILES_MAX];
        for (int i = 0; i < n; i++)
            given[i] = paths[n - 1 - i]; /* the order in which they are given does not matter */
        CHECK_INT(shard_plan_make(given, (size_t)n, SHARD_RECORD, count, &how, 1, &one, &e), 0);
        CHECK_INT(shard_plan_make(given, (size_t)n, SHARD_RECORD, count, &how, 4, &four, &e), 0);
        CHECK_INT(one.count, count);
        check_records(&one, n, how.quote, header);
        uint64_t total = 0;
        for (size_t k = 0; k < count; k++) {
            CHECK_INT(bytes_of(&one.shards[k]), bytes_of(&four.shards[k]));
            total += bytes_of(&one.shards[k]);
        }
        for (size_t k = 0; k < count; k++) /* a record is at most about 100 bytes long */
            CHECK(bytes_of(&one.shards[k]) <= total / count + 101);
        shard_plan_release(&one);
        shard_plan_release(&four);
    }
    end();
}

TEST(keys_are_dealt_in_order)
{
    begin();
    random_files(FILES_MAX, false);
    const char *given[] = {paths[4], paths[0], paths[2], paths[1], paths[3]};
    struct shard_plan p;
    struct error e;
    CHECK_INT(shard_plan_make(given, 5, SHARD_KEY, 3, NULL, 1, &p, &e), 0);
    const int wanted[3][2] = {{0, 3}, {1, 4}, {2, -1}};
    for (int k = 0; k < 3; k++) {
        CHECK_INT(p.shards[k].count, wanted[k][1] < 0 ? 1 : 2);
        for (size_t i = 0; i < p.shards[k].count; i++)
            CHECK_INT(number_of(p.shards[k].items[i].path), wanted[k][i]);
    }
    shard_plan_release(&p);
    CHECK_INT(shard_plan_make(given, 5, SHARD_KEY, 9, NULL, 1, &p, &e), 0);
    CHECK_INT(p.shards[8].count, 0);
    shard_plan_release(&p);
    end();
}

/* The least that the fullest of count shards can have, by trying all. */
static uint64_t best_of(size_t count)
{
    uint64_t best = UINT64_MAX;
    size_t ways = 1;
    for (int i = 0; i < FILES_MAX; i++)
        ways *= count;
    for (size_t way = 0; way < ways; way++) {
        uint64_t sums[8] = {0}, most = 0;
        size_t rest = way;
        for (int i = 0; i < FILES_MAX; i++, rest /= count)
            sums[rest % count] += contents[i].len;
        for (size_t k = 0; k < count; k++)
            most = sums[k] > most ? sums[k] : most;
        best = most < best ? most : best;
    }
    return best;
}

TEST(sizes_are_balanced)
{
    begin();
    for (int round = 0; round < 200; round++) {
        uint64_t most = 0;
        size_t count = 1 + draw(3), files = 0;
        for (int i = 0; i < FILES_MAX; i++) {
            contents[i].len = 0;
            for (uint64_t k = draw(2000); k > 0; k--)
                buf_putc(&contents[i], 'x');
            write_file(i);
        }
        struct shard_plan p;
        struct error e;
        CHECK_INT(shard_plan_make((const char *const *)paths, FILES_MAX, SHARD_SIZE, count, NULL, 1,
                                  &p, &e),
                  0);
        for (size_t k = 0; k < count; k++) {
            uint64_t bytes = bytes_of(&p.shards[k]);
            most = bytes > most ? bytes : most;
            files += p.shards[k].count;
            for (size_t i = 1; i < p.shards[k].count; i++)
                CHECK(strcmp(p.shards[k].items[i - 1].path, p.shards[k].items[i].path) < 0);
        }
        CHECK_INT(files, FILES_MAX);
        CHECK(3 * count * most <= (4 * count - 1) * best_of(count)); /* Graham's bound */
        shard_plan_release(&p);
    }
    end();
}

TEST(files_that_cannot_be_read_are_named)
{
    begin();
    struct shard_plan p;
    struct error e;
    const char *none[] = {"/no/such/file"}, *directory[] = {"/"};
    CHECK_INT(shard_plan_make(none, 1, SHARD_SIZE, 2, NULL, 1, &p, &e), ERR_SYSTEM);
    CHECK(strstr(e.message, "/no/such/file") != NULL);
    CHECK_INT(shard_plan_make(directory, 1, SHARD_KEY, 2, NULL, 1, &p, &e), ERR_SYSTEM);
    end();
}
