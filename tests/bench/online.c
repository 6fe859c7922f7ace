/*
 * online KIND ROWS PLACE: ROWS records of 10 floats into a view and as many random ids out of it,
 * each as a line of JSON: how many in a second, and the seconds of CPU of this process. Kinds: lmdb
 * and redis through lib/store, raw-lmdb the same bytes through LMDB alone. PLACE is a folder, which
 * is made, or the server's address.
 */
#include "base/base.h"
#include "store/online_kinds.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { FLOATS = 10, APPLY = 100000, GET = 10000, ID = 12, ROW = 104 };

struct bench {
    const char *kind;
    size_t rows;
    char (*ids)[ID + 1]; /* [rows], in the order in which they come */
    struct store_record *records;
    struct text *asked; /* [rows] */
    char *bytes;        /* [rows][ROW] */
    size_t found, sum;
};

/* ---- what comes ---- */

static _Noreturn void fail(const char *why)
{
    fprintf(stderr, "online: %s\n", why);
    exit(4);
}

/* Digits, as redis-benchmark fills in for __rand_int__. */
static void print_id(char out[static ID + 1], size_t n)
{
    out[ID] = '\0';
    for (size_t i = ID; i-- > 0; n /= 10)
        out[i] = (char)('0' + n % 10);
}

static void make_row(struct bench *b, struct row_builder *row, size_t i)
{
    row_begin(row, 1 + FLOATS);
    row_add(row, TYPE_TEXT, (struct text){NULL, 0});
    for (size_t k = 0; k < FLOATS; k++) {
        char digits[NUMBER_MAX];
        size_t n = number_print(digits, random_unit(1, k, i));
        row_add(row, TYPE_FLOAT, (struct text){digits, n});
    }
    if (row_end(row).len != ROW)
        fail("a row has another size");
    memcpy(b->bytes + i * ROW, row_end(row).at, ROW);
}

static void shuffle(struct bench *b)
{
    for (size_t i = b->rows; i > 1; i--) {
        size_t k = (size_t)random_below(2, 0, i, i);
        char id[ID + 1];
        memcpy(id, b->ids[i - 1], sizeof id);
        memcpy(b->ids[i - 1], b->ids[k], sizeof id);
        memcpy(b->ids[k], id, sizeof id);
    }
}

static void prepare(struct bench *b)
{
    struct row_builder row = {0};
    b->ids = mem_array(NULL, b->rows, sizeof *b->ids);
    b->records = mem_array(NULL, b->rows, sizeof *b->records);
    b->asked = mem_array(NULL, b->rows, sizeof *b->asked);
    b->bytes = mem_array(NULL, b->rows, ROW);
    for (size_t i = 0; i < b->rows; i++)
        print_id(b->ids[i], i);
    shuffle(b);
    for (size_t i = 0; i < b->rows; i++) {
        make_row(b, &row, i);
        b->records[i] = (struct store_record){.lsn = i + 1,
                                              .event_time = (usec)(1700000000000000 + i),
                                              .expires_at = STORE_NEVER,
                                              .id = {b->ids[i], ID},
                                              .row = {b->bytes + i * ROW, ROW}};
        b->asked[i] = (struct text){b->ids[random_below(3, 0, i, b->rows)], ID};
    }
    row_release(&row);
}

/* ---- time ---- */

struct watch {
    double wall, cpu;
};

static double seconds(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct watch start(void)
{
    return (struct watch){seconds(CLOCK_MONOTONIC), seconds(CLOCK_PROCESS_CPUTIME_ID)};
}

static void stop(const struct bench *b, const char *what, struct watch from)
{
    struct watch now = start();
    printf("{\"what\": \"%s %s\", \"per_s\": %.0f, \"cpu_s\": %.3f}\n", b->kind, what,
           (double)b->rows / (now.wall - from.wall), now.cpu - from.cpu);
}

static void look_at(struct bench *b, struct text row)
{
    b->found += row.len == ROW;
    b->sum += (unsigned char)row.at[row.len - 1];
}

/* ---- through lib/store ---- */

static int take(void *context, size_t i, const struct store_record *r, struct error *e)
{
    (void)i, (void)e;
    if (r)
        look_at(context, r->row);
    return 0;
}

static void through_store(struct bench *b, const struct group *g)
{
    struct online *o = NULL;
    struct error e = {0};
    if (online_open(g, ONLINE_ANEW, &o, &e))
        fail(e.message);
    struct watch w = start();
    for (size_t i = 0, n; i < b->rows; i += n) {
        n = b->rows - i < APPLY ? b->rows - i : APPLY;
        if (online_apply(o, b->records + i, n, &e))
            fail(e.message);
    }
    stop(b, "apply", w);
    online_refresh(o);
    w = start();
    for (size_t i = 0, n; i < b->rows; i += n) {
        n = b->rows - i < GET ? b->rows - i : GET;
        if (online_get(o, b->asked + i, n, take, b, &e))
            fail(e.message);
    }
    stop(b, "get", w);
    online_close(o);
}

static void run_store(struct bench *b, const char *place)
{
    bool is_redis = strncmp(place, "redis", 5) == 0;
    struct group *g = group_new(is_redis ? "" : place, "bench");
    struct feature type = {.type = TYPE_FLOAT};
    struct error e = {0};
    g->online = is_redis ? place : "lmdb";
    for (size_t i = 0; i < FLOATS; i++) {
        char name[8];
        int n = snprintf(name, sizeof name, "f%zu", i);
        if (group_add_feature(g, (struct text){name, (size_t)n}, &type, &e))
            fail(e.message);
    }
    through_store(b, g);
    group_free(g);
}

/* ---- LMDB alone ---- */

struct raw {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi db;
};

static void check(int code)
{
    if (code)
        fail(mdb_strerror(code));
}

static void raw_begin(struct raw *r, unsigned flags)
{
    check(mdb_txn_begin(r->env, NULL, flags, &r->txn));
    check(mdb_dbi_open(r->txn, NULL, 0, &r->db));
}

static int by_id(const void *a, const void *b)
{
    const struct store_record *const *x = a, *const *y = b;
    return memcmp((*x)->id.at, (*y)->id.at, ID);
}

static MDB_val val_of(void *at, size_t len)
{
    return (MDB_val){len, at};
}

static MDB_val raw_key(char room[static ID + 1], struct text id)
{
    room[0] = 'i';
    memcpy(room + 1, id.at, ID);
    return val_of(room, ID + 1);
}

static void raw_put(const struct raw *r, const struct store_record *record)
{
    char room[ID + 1], bytes[sizeof(struct online_value) + ROW];
    struct online_value v = online_value_of(record, 0);
    MDB_val key = raw_key(room, record->id), data = val_of(bytes, sizeof bytes);
    memcpy(bytes, &v, sizeof v);
    memcpy(bytes + sizeof v, record->row.at, ROW);
    check(mdb_put(r->txn, r->db, &key, &data, 0));
}

/* Records i to i + n in a transaction, sorted. */
static void raw_apply(struct raw *r, const struct bench *b, size_t i, size_t n)
{
    const struct store_record **sorted = mem_array(NULL, n, sizeof *sorted);
    for (size_t k = 0; k < n; k++)
        sorted[k] = &b->records[i + k];
    qsort(sorted, n, sizeof *sorted, by_id);
    raw_begin(r, 0);
    for (size_t k = 0; k < n; k++)
        raw_put(r, sorted[k]);
    check(mdb_txn_commit(r->txn));
    mem_free(sorted);
}

static void raw_get(const struct raw *r, struct bench *b, struct text id)
{
    char room[ID + 1];
    MDB_val key = raw_key(room, id), data;
    check(mdb_get(r->txn, r->db, &key, &data));
    look_at(b, (struct text){(char *)data.mv_data + sizeof(struct online_value),
                             data.mv_size - sizeof(struct online_value)});
}

static void run_raw(struct bench *b, const char *folder)
{
    struct raw r = {0};
    check(mdb_env_create(&r.env));
    check(mdb_env_set_mapsize(r.env, (size_t)8 << 30));
    check(mdb_env_open(r.env, folder, MDB_NOSYNC, 0666));
    struct watch w = start();
    for (size_t i = 0; i < b->rows; i += APPLY)
        raw_apply(&r, b, i, b->rows - i < APPLY ? b->rows - i : APPLY);
    stop(b, "apply", w);
    raw_begin(&r, MDB_RDONLY);
    w = start();
    for (size_t i = 0; i < b->rows; i++)
        raw_get(&r, b, b->asked[i]);
    stop(b, "get", w);
    mdb_txn_abort(r.txn);
    mdb_env_close(r.env);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        fail("usage: online lmdb|redis|raw-lmdb ROWS PLACE");
    struct bench b = {.kind = argv[1], .rows = strtoull(argv[2], NULL, 10)};
    prepare(&b);
    if (strcmp(b.kind, "redis") != 0 && mkdir(argv[3], 0777))
        fail("the folder cannot be made");
    if (strcmp(b.kind, "raw-lmdb") == 0)
        run_raw(&b, argv[3]);
    else
        run_store(&b, argv[3]);
    if (b.found != b.rows)
        fail("not all were found");
    mem_free(b.ids);
    mem_free(b.records);
    mem_free(b.asked);
    mem_free(b.bytes);
    return fclose(stdout) == 0 ? 0 : 4;
}
