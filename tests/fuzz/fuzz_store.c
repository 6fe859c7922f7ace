/* Any bytes as a row, as a segment of a log, and as the description of a group. The first byte says
 * which. */
#include "store/group.h"
#include "store/log.h"
#include "sys/sys.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool promise)
{
    if (!promise)
        abort();
}

/* A row that is whole can be read, and what is read can be written: it is the same then. */
static void try_row(struct text row)
{
    struct row_builder merged = {0};
    struct buf out = {0};
    char room[TIME_MAX];
    if (!row_whole(row))
        return;
    for (size_t i = 0; i < row_features(row) + 1; i++) {
        struct text cell = row_cell(row, i, room);
        need(cell.at || cell.len == 0);
        out.len = 0;
        row_json(row, i, TYPE_TEXT, &out);
    }
    need(row_whole(row_merge(&merged, row, row)));
    buf_release(&out);
    row_release(&merged);
}

/* Of this process; its log has but one segment. */
static const char *scratch(void)
{
    static char folder[64];
    if (!*folder) {
        snprintf(folder, sizeof folder, "/tmp/fuzz_store.%d", (int)getpid());
        need(mkdir(folder, 0777) == 0);
    }
    return folder;
}

static void put_file(const char *name, const uint8_t *data, size_t size)
{
    char path[128];
    struct error e;
    snprintf(path, sizeof path, "%s/%s", scratch(), name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    need(fd >= 0 && file_write(fd, data, size, path, &e) == 0);
    close(fd);
}

static void remove_files(void)
{
    static const char *const names[] = {"00000000000000000001.seg", "00000000000000000002.seg",
                                        "lock", "end", "group.json"};
    char path[128];
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(path, sizeof path, "%s/%s", scratch(), names[i]);
        unlink(path);
    }
    rmdir(scratch());
    need(mkdir(scratch(), 0777) == 0);
}

/* Reads all; returns how many, < 0 for damage. */
static int64_t read_all(uint64_t *last)
{
    struct log_reader *r = log_reader_open(scratch(), 1);
    struct store_record record;
    struct error e = {0};
    int64_t n = 0;
    int status;
    *last = 0;
    while ((status = log_next(r, &record, &e)) > 0) {
        need(record.lsn > *last);
        *last = record.lsn;
        if (record.row.len)
            try_row(record.row);
        n++;
    }
    need(status == 0 || e.message[0]);
    log_reader_close(r);
    return status ? status : n;
}

/* What a writer finds is what a reader does, and it goes on behind it. */
static void try_segment(const uint8_t *data, size_t size)
{
    struct log *log = NULL;
    struct error e = {0};
    uint64_t last, again;
    put_file("00000000000000000001.seg", data, size);
    int64_t n = read_all(&last);
    int status = log_open(scratch(), NULL, &log, &e);
    need((status == 0) == (n >= 0));
    if (status == 0) {
        const struct store_record r = {
            .expires_at = STORE_NEVER, .id = TEXT_LITERAL("u"), .row = TEXT_LITERAL("")};
        need(log_last(log) == last);
        uint64_t lsn = log_add(log, &r);
        need(log_commit(log, false, &e) == 0);
        log_close(log);
        need(read_all(&again) == n + 1 && again == lsn);
    }
    remove_files();
}

/* A description that is read is written, and read again to the same. */
static void try_group(const uint8_t *data, size_t size)
{
    struct group *g = NULL, *same = NULL;
    struct error e = {0};
    put_file("group.json", data, size);
    if (group_load(scratch(), &g, &e) == 0) {
        need(group_save(g, true, &e) == 0);
        need(group_load(scratch(), &same, &e) == 0);
        need(same->features.len == g->features.len && same->id_count == g->id_count);
        need(strcmp(same->name, g->name) == 0 && same->ttl == g->ttl);
    } else {
        need(e.message[0] != '\0');
    }
    group_free(g);
    group_free(same);
    remove_files();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] % 3 == 0)
        try_row((struct text){(const char *)data + 1, size - 1});
    else if (data[0] % 3 == 1)
        try_segment(data + 1, size - 1);
    else
        try_group(data + 1, size - 1);
    return 0;
}
